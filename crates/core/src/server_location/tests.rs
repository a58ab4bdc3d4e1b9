use super::*;

fn uri(text: &str) -> TargetUri {
    let (scheme, rest) = text.split_once(':').unwrap();
    let (rest, transport) = match rest.split_once(";transport=") {
        Some((rest, transport)) => (rest, Some(transport.parse().unwrap())),
        None => (rest, None),
    };
    let after_brackets = rest.rfind(']').map_or(0, |place| place + 1);
    let (host, port) = match rest[after_brackets..].split_once(':') {
        Some((host, port)) => (format!("{}{host}", &rest[..after_brackets]), Some(port.parse().unwrap())),
        None => (rest.to_owned(), None),
    };
    let scheme = if scheme == "sips" { Scheme::Sips } else { Scheme::Sip };
    TargetUri { scheme, host: host.into(), port, transport }
}

fn everything() -> Supported {
    Supported::new(&Transport::ALL, true, true)
}

fn dice() -> Dice {
    Dice::new([3; 32], 0)
}

/// What the name servers of a test know.
#[derive(Default)]
struct Zone {
    naptr: Vec<(&'static str, Naptr)>,
    srv: Vec<(&'static str, Srv)>,
    addresses: Vec<(&'static str, &'static str)>,
}

impl Zone {
    fn naptr(mut self, of: &'static str, order: u16, preference: u16, service: &str, to: &str) -> Self {
        let (service, replacement) = (service.into(), to.into());
        let record = Naptr { order, preference, flags: "s".into(), service, replacement };
        self.naptr.push((of, record));
        self
    }

    fn srv(mut self, of: &'static str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.srv.push((of, Srv { priority, weight, port, target: target.into() }));
        self
    }

    fn host(mut self, name: &'static str, address: &'static str) -> Self {
        self.addresses.push((name, address));
        self
    }

    fn answer(&self, query: &Query) -> Records {
        fn of<T: Clone>(list: &[(&'static str, T)], name: &str) -> Vec<T> {
            list.iter().filter(|(owner, _)| *owner == name).map(|(_, one)| one.clone()).collect()
        }
        match query {
            Query::Naptr(name) => Records::Naptr(of(&self.naptr, name)),
            Query::Srv(name) => Records::Srv(of(&self.srv, name)),
            Query::Addresses(name) => Records::Addresses(
                of(&self.addresses, name).iter().map(|text| text.parse().unwrap()).collect(),
            ),
        }
    }

    /// Everything that happens until nobody is left: `? question` and `transport address` lines.
    fn walk(&self, target: &str, supported: Supported) -> Vec<String> {
        self.follow(Selection::new(uri(target), supported))
    }

    /// The same for a response, by what the Via of its request says.
    fn back(&self, transport: Transport, received: Option<&str>, sent_by: &str) -> Vec<String> {
        let TargetUri { host, port, .. } = uri(&format!("sip:{sent_by}"));
        let received = received.map(|text| text.parse().unwrap());
        self.follow(Selection::of_response(SentBy { transport, received, host, port }, everything()))
    }

    fn follow(&self, mut selection: Selection) -> Vec<String> {
        let mut dice = dice();
        let mut lines = Vec::new();
        loop {
            match selection.next_target() {
                Next::Ask => {
                    let query = selection.poll_question().unwrap();
                    assert_eq!(selection.poll_question(), None, "a question is handed out once");
                    lines.push(match &query {
                        Query::Naptr(name) => format!("? NAPTR {name}"),
                        Query::Srv(name) => format!("? SRV {name}"),
                        Query::Addresses(name) => format!("? A {name}"),
                    });
                    selection.handle_records(&query, self.answer(&query), &mut dice);
                }
                Next::Try { transport, remote, .. } => lines.push(format!("{transport} {remote}")),
                Next::Exhausted => {
                    assert_eq!(selection.next_target(), Next::Exhausted);
                    assert_eq!(selection.poll_question(), None);
                    return lines;
                }
            }
        }
    }
}

/// Only the targets of a walk.
fn tried(zone: &Zone, target: &str) -> Vec<String> {
    let mut lines = zone.walk(target, everything());
    lines.retain(|line| !line.starts_with('?'));
    lines
}

#[test]
fn numeric_hosts_need_no_question() {
    let zone = Zone::default();
    for (target, expected) in [
        ("sip:192.0.2.1", "udp 192.0.2.1:5060"),
        ("sip:192.0.2.1:5080", "udp 192.0.2.1:5080"),
        ("sip:192.0.2.1;transport=tcp", "tcp 192.0.2.1:5060"),
        ("sip:192.0.2.1;transport=tls", "tls 192.0.2.1:5061"),
        ("sip:[2001:db8::1]", "udp [2001:db8::1]:5060"),
        ("sip:[2001:db8::1]:5070;transport=tcp", "tcp [2001:db8::1]:5070"),
        ("sips:192.0.2.1", "tls 192.0.2.1:5061"),
        ("sips:[2001:db8::1]:443;transport=wss", "wss [2001:db8::1]:443"),
        ("sips:192.0.2.1;transport=tcp", "tls 192.0.2.1:5061"),
        ("sips:192.0.2.1;transport=ws", "wss 192.0.2.1:443"),
    ] {
        assert_eq!(zone.walk(target, everything()), [expected], "{target}");
    }
}

#[test]
fn ws_is_secure_websocket_to_whoever_speaks_only_that() {
    let zone = Zone::default();
    let target = "sip:192.0.2.1:8443;transport=ws";
    assert_eq!(zone.walk(target, everything()), ["ws 192.0.2.1:8443"]);
    assert_eq!(zone.walk(target, everything().without(Transport::Ws)), ["wss 192.0.2.1:8443"]);
    let neither = everything().without(Transport::Ws).without(Transport::Wss);
    assert!(zone.walk(target, neither).is_empty());
}

#[test]
fn an_ipv6_address_may_come_without_brackets() {
    let target = TargetUri { scheme: Scheme::Sip, host: "2001:DB8::1".into(), port: None, transport: None };
    let remote = "[2001:db8::1]:5060".parse().unwrap();
    let server_name = "2001:db8::1".into();
    let expected = Next::Try { transport: Transport::Udp, remote, server_name };
    assert_eq!(Selection::new(target, everything()).next_target(), expected);
}

#[test]
fn sips_never_goes_over_anything_else() {
    let zone = Zone::default()
        .naptr("example.com", 1, 1, "SIP+D2T", "_sip._tcp.example.com")
        .srv("_sip._tcp.example.com", 0, 0, 5060, "plain.example.com")
        .host("plain.example.com", "192.0.2.1")
        .host("example.com", "192.0.2.9");
    assert!(zone.walk("sips:example.com;transport=udp", everything()).is_empty());
    assert!(zone.walk("sips:192.0.2.1;transport=udp", everything()).is_empty());
    assert_eq!(tried(&zone, "sips:example.com"), ["tls 192.0.2.9:5061"]);
    let without_tls = everything().without(Transport::Tls).without(Transport::Wss);
    for target in
        ["sips:example.com", "sips:192.0.2.1", "sips:example.com:5061", "sips:192.0.2.1;transport=tcp"]
    {
        let lines = zone.walk(target, without_tls);
        assert!(lines.iter().all(|line| line.starts_with('?')), "{target}: {lines:?}");
    }
}

#[test]
fn an_explicit_port_asks_for_addresses_only() {
    let zone = Zone::default()
        .srv("_sip._udp.example.com", 0, 0, 5099, "other.example.com")
        .host("example.com", "192.0.2.1")
        .host("example.com", "192.0.2.2");
    assert_eq!(
        zone.walk("sip:Example.COM.:5060", everything()),
        ["? A example.com", "udp 192.0.2.1:5060", "udp 192.0.2.2:5060"]
    );
    assert_eq!(tried(&zone, "sips:example.com:5060"), ["tls 192.0.2.1:5060", "tls 192.0.2.2:5060"]);
    assert_eq!(
        tried(&zone, "sip:example.com:5060;transport=tcp"),
        ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"]
    );
}

#[test]
fn an_explicit_transport_asks_for_its_servers() {
    let zone = Zone::default()
        .srv("_sip._tcp.example.com", 0, 0, 5070, "a.example.com")
        .srv("_sips._tcp.example.com", 0, 0, 5071, "a.example.com")
        .host("a.example.com", "192.0.2.1")
        .host("example.com", "192.0.2.9");
    assert_eq!(
        zone.walk("sip:example.com;transport=tcp", everything()),
        ["? SRV _sip._tcp.example.com", "? A a.example.com", "tcp 192.0.2.1:5070"]
    );
    assert_eq!(
        zone.walk("sip:example.com;transport=tls", everything()),
        ["? SRV _sips._tcp.example.com", "? A a.example.com", "tls 192.0.2.1:5071"]
    );
    assert_eq!(tried(&zone, "sips:example.com;transport=tcp"), ["tls 192.0.2.1:5071"]);
    // Without records, the domain itself at the default port.
    assert_eq!(
        zone.walk("sip:example.com;transport=udp", everything()),
        ["? SRV _sip._udp.example.com", "? A example.com", "udp 192.0.2.9:5060"]
    );
    assert_eq!(
        zone.walk("sips:example.com;transport=ws", everything()),
        ["? SRV _sips._ws.example.com", "? A example.com", "wss 192.0.2.9:443"]
    );
}

fn rfc3263_zone() -> Zone {
    Zone::default()
        .naptr("example.com", 50, 50, "SIPS+D2T", "_sips._tcp.example.com.")
        .naptr("example.com", 90, 50, "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", 100, 50, "SIP+D2U", "_sip._udp.example.com.")
        .srv("_sip._tcp.example.com", 0, 1, 5060, "server1.example.com")
        .srv("_sip._tcp.example.com", 1, 2, 5060, "server2.example.com.")
        .host("server1.example.com", "192.0.2.1")
        .host("server2.example.com", "192.0.2.2")
}

#[test]
fn the_example_of_rfc_3263_section_4_1() {
    let no_tls = Supported::new(&[Transport::Udp, Transport::Tcp], true, true);
    assert_eq!(
        rfc3263_zone().walk("sip:example.com", no_tls),
        [
            "? NAPTR example.com",
            "? SRV _sip._tcp.example.com",
            "? A server1.example.com",
            "tcp 192.0.2.1:5060",
            "? A server2.example.com",
            "tcp 192.0.2.2:5060",
        ]
    );
}

#[test]
fn a_failing_order_is_no_way_to_a_lower_one() {
    let zone = rfc3263_zone().srv("_sips._tcp.example.com", 0, 0, 5061, "server1.example.com");
    assert_eq!(tried(&zone, "sip:example.com"), ["tls 192.0.2.1:5061"]);
}

#[test]
fn preferences_of_one_order_follow_each_other() {
    let zone = Zone::default()
        .naptr("example.com", 5, 20, "sip+d2u", "_sip._udp.elsewhere.net")
        .naptr("example.com", 5, 10, "SIP+D2T", "_sip._tcp.elsewhere.net")
        .naptr("example.com", 1, 1, "SIP+D2S", "_sip._sctp.elsewhere.net")
        .naptr("example.com", 1, 1, "E2U+sip", "_sip._udp.wrong.net")
        .srv("_sip._udp.elsewhere.net", 0, 0, 5062, "u.elsewhere.net")
        .srv("_sip._tcp.elsewhere.net", 0, 0, 5063, "t.elsewhere.net")
        .host("u.elsewhere.net", "192.0.2.1")
        .host("t.elsewhere.net", "192.0.2.2");
    assert_eq!(tried(&zone, "sip:example.com"), ["tcp 192.0.2.2:5063", "udp 192.0.2.1:5062"]);
}

#[test]
fn websocket_services_are_known() {
    let zone = Zone::default()
        .naptr("example.com", 5, 10, "SIP+D2W", "_sip._ws.example.com")
        .naptr("example.com", 6, 20, "SIPS+D2W", "_sips._ws.example.com")
        .srv("_sip._ws.example.com", 0, 0, 80, "w.example.com")
        .srv("_sips._ws.example.com", 0, 0, 443, "w.example.com")
        .host("w.example.com", "192.0.2.1");
    assert_eq!(tried(&zone, "sip:example.com"), ["ws 192.0.2.1:80"]);
    assert_eq!(tried(&zone, "sips:example.com"), ["wss 192.0.2.1:443"]);
}

#[test]
fn other_flags_are_not_for_us() {
    let mut zone = Zone::default()
        .naptr("example.com", 1, 1, "SIP+D2T", "host.example.com")
        .host("example.com", "192.0.2.9")
        .host("host.example.com", "192.0.2.1");
    zone.naptr[0].1.flags = "a".into();
    assert_eq!(tried(&zone, "sip:example.com"), ["udp 192.0.2.9:5060"]);
}

#[test]
fn a_service_without_servers_falls_back_to_the_domain_itself() {
    let zone = Zone::default()
        .naptr("example.com", 1, 1, "SIP+D2T", "_sip._tcp.example.com")
        .host("example.com", "192.0.2.9");
    assert_eq!(
        zone.walk("sip:example.com", everything()),
        ["? NAPTR example.com", "? SRV _sip._tcp.example.com", "? A example.com", "tcp 192.0.2.9:5060"]
    );
}

#[test]
fn without_naptr_every_transport_is_asked_for() {
    let zone = Zone::default()
        .srv("_sip._tcp.example.com", 0, 0, 5060, "a.example.com")
        .host("a.example.com", "192.0.2.1")
        .host("example.com", "192.0.2.9");
    assert_eq!(
        zone.walk("sip:example.com", everything()),
        [
            "? NAPTR example.com",
            "? SRV _sip._udp.example.com",
            "? SRV _sip._tcp.example.com",
            "? A a.example.com",
            "tcp 192.0.2.1:5060",
            "? SRV _sips._tcp.example.com",
        ]
    );
    let nothing = Zone::default().host("example.com", "192.0.2.9");
    assert_eq!(tried(&nothing, "sip:example.com"), ["udp 192.0.2.9:5060"]);
    assert_eq!(
        nothing.walk("sips:example.com", everything()),
        ["? NAPTR example.com", "? SRV _sips._tcp.example.com", "? A example.com", "tls 192.0.2.9:5061"]
    );
    assert_eq!(
        nothing.walk("sip:example.com", everything().without(Transport::Udp)).last().unwrap(),
        "tcp 192.0.2.9:5060"
    );
}

#[test]
fn a_dot_means_decidedly_not_here() {
    let zone = Zone::default().srv("_sip._tcp.example.com", 0, 0, 0, ".").host("example.com", "192.0.2.9");
    assert!(tried(&zone, "sip:example.com;transport=tcp").is_empty());
    assert!(tried(&zone, "sip:example.com").is_empty());
}

#[test]
fn priorities_come_before_weights() {
    let zone = Zone::default()
        .srv("_sip._udp.example.com", 20, 65_535, 3, "c.example.com")
        .srv("_sip._udp.example.com", 10, 0, 1, "a.example.com")
        .srv("_sip._udp.example.com", 15, 5, 2, "b.example.com")
        .host("a.example.com", "192.0.2.1")
        .host("b.example.com", "192.0.2.2")
        .host("c.example.com", "192.0.2.3");
    assert_eq!(
        tried(&zone, "sip:example.com;transport=udp"),
        ["udp 192.0.2.1:1", "udp 192.0.2.2:2", "udp 192.0.2.3:3"]
    );
}

#[test]
fn weights_share_the_load_as_rfc_2782_draws_it() {
    let server = |weight| Srv { priority: 0, weight, port: weight, target: "a".into() };
    let mut dice = dice();
    let mut first = [0u32; 3];
    for _ in 0..20_000 {
        let ordered = in_order(vec![server(30), server(0), server(69)], &mut dice);
        assert_eq!(ordered.len(), 3);
        first[match ordered[0].weight {
            0 => 0,
            30 => 1,
            _ => 2,
        }] += 1;
    }
    // Out of a hundred tickets 0 to 99: one for the weight 0, 30 and 69 for the others.
    assert!((100..320).contains(&first[0]), "{first:?}");
    assert!((5_600..6_400).contains(&first[1]), "{first:?}");
    assert!((13_400..14_200).contains(&first[2]), "{first:?}");
}

#[test]
fn a_numeric_srv_target_is_asked_for_like_any_name() {
    let zone =
        Zone::default().srv("_sip._udp.example.com", 0, 0, 5060, "192.0.2.7").host("192.0.2.7", "192.0.2.7");
    assert_eq!(
        zone.walk("sip:example.com;transport=udp", everything()),
        ["? SRV _sip._udp.example.com", "? A 192.0.2.7", "udp 192.0.2.7:5060"]
    );
}

#[test]
fn addresses_of_two_servers_are_never_interleaved() {
    // The example of RFC 7984 §4.
    let zone = Zone::default()
        .srv("_sip._tcp.example.com", 10, 1, 5060, "sip-1.example.com")
        .srv("_sip._tcp.example.com", 20, 1, 5060, "sip-2.example.com")
        .host("sip-1.example.com", "192.0.2.45")
        .host("sip-1.example.com", "2001:db8:58:c02::face")
        .host("sip-1.example.com", "203.0.113.109")
        .host("sip-2.example.com", "192.0.2.75")
        .host("sip-2.example.com", "2001:db8:58:c02::dead");
    assert_eq!(
        tried(&zone, "sip:example.com;transport=tcp"),
        [
            "tcp [2001:db8:58:c02::face]:5060",
            "tcp 192.0.2.45:5060",
            "tcp 203.0.113.109:5060",
            "tcp [2001:db8:58:c02::dead]:5060",
            "tcp 192.0.2.75:5060",
        ]
    );
}

#[test]
fn addresses_of_a_version_we_do_not_speak_are_ignored() {
    let zone = Zone::default().host("example.com", "192.0.2.1").host("example.com", "2001:db8::1");
    let only = |ipv4, ipv6| {
        let mut lines = zone.walk("sip:example.com:5060", Supported::new(&[Transport::Udp], ipv4, ipv6));
        lines.remove(0);
        lines
    };
    assert_eq!(only(true, false), ["udp 192.0.2.1:5060"]);
    assert_eq!(only(false, true), ["udp [2001:db8::1]:5060"]);
    assert!(only(false, false).is_empty());
    assert!(zone.walk("sip:[::1]", Supported::new(&[Transport::Udp], true, false)).is_empty());
}

#[test]
fn destinations_are_ranked_by_the_policy_table() {
    let ordered = [
        "::1",
        "fe80::1",
        "2001:db8::1",
        "127.0.0.1",
        "169.254.1.1",
        "192.0.2.1",
        "2002:c000:201::1",
        "2001:0:1::1",
        "fd00::1",
        "3ffe::1",
    ];
    let ranks: Vec<_> = ordered.iter().map(|text| destination_rank(text.parse().unwrap())).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
}

#[test]
fn failed_lookups_count_as_empty() {
    let mut selection = Selection::new(uri("sip:example.com"), everything());
    let mut dice = dice();
    let mut asked = 0;
    while selection.next_target() == Next::Ask {
        let query = selection.poll_question().unwrap();
        selection.handle_records(&query, Records::Failed, &mut dice);
        asked += 1;
    }
    // NAPTR, three services, the domain itself.
    assert_eq!(asked, 5);
    assert_eq!(selection.next_target(), Next::Exhausted);
}

#[test]
fn answers_that_nobody_awaits_change_nothing() {
    let mut selection = Selection::new(uri("sip:example.com:5060"), everything());
    let mut dice = dice();
    let query = Query::Addresses("example.com".into());
    let records = || Records::Addresses(vec!["192.0.2.1".parse().unwrap()]);
    selection.handle_records(&query, records(), &mut dice);
    assert_eq!(selection.next_target(), Next::Ask, "not asked yet");
    assert_eq!(selection.poll_question(), Some(query.clone()));
    selection.handle_records(&Query::Addresses("other.com".into()), records(), &mut dice);
    selection.handle_records(&query, Records::Srv(Vec::new()), &mut dice);
    assert_eq!(selection.next_target(), Next::Ask);
    selection.handle_records(&query, records(), &mut dice);
    assert!(matches!(selection.next_target(), Next::Try { .. }));
    selection.handle_records(&query, records(), &mut dice);
    assert_eq!(selection.next_target(), Next::Exhausted);
}

#[test]
fn the_certificate_must_carry_the_name_in_the_uri() {
    let zone = Zone::default()
        .srv("_sips._tcp.example.com", 0, 0, 5061, "host.provider.net")
        .host("host.provider.net", "192.0.2.1");
    let mut selection = Selection::new(uri("sips:Example.com;transport=tls"), everything());
    let mut dice = dice();
    while selection.next_target() == Next::Ask {
        let query = selection.poll_question().unwrap();
        let records = zone.answer(&query);
        if let Query::Addresses(_) = query {
            selection.handle_records(&query, records, &mut dice);
            break;
        }
        selection.handle_records(&query, records, &mut dice);
    }
    let Next::Try { server_name, remote, .. } = selection.next_target() else { panic!("a target") };
    assert_eq!((&*server_name, remote.ip().to_string()), ("example.com", "192.0.2.1".to_owned()));
}

#[test]
fn tables_are_bounded() {
    let hosts: Vec<IpAddr> = (0..200).map(|n| IpAddr::from([192, 0, 2, n])).collect();
    let mut selection = Selection::new(uri("sip:example.com:5060"), everything());
    let query = selection.poll_question().unwrap();
    selection.handle_records(&query, Records::Addresses(hosts), &mut dice());
    assert_eq!(selection.plan.len(), MAX_ADDRESSES);

    let server = |n| Srv { priority: n, weight: 0, port: 5060, target: "a.example.com".into() };
    let mut selection = Selection::new(uri("sip:example.com;transport=udp"), everything());
    let query = selection.poll_question().unwrap();
    selection.handle_records(&query, Records::Srv((0..200).map(server).collect()), &mut dice());
    assert_eq!(selection.plan.len(), MAX_SERVERS + 1);

    let service = |n| Naptr {
        order: 1,
        preference: n,
        flags: "S".into(),
        service: "SIP+D2U".into(),
        replacement: "_sip._udp.example.com".into(),
    };
    let mut selection = Selection::new(uri("sip:example.com"), everything());
    let query = selection.poll_question().unwrap();
    selection.handle_records(&query, Records::Naptr((0..200).map(service).collect()), &mut dice());
    assert_eq!(selection.plan.len(), MAX_SERVICES + 1);
}

#[test]
fn an_empty_host_is_nowhere() {
    assert!(Zone::default().walk("sip:", everything()).is_empty());
}

/// RFC 3261 §18.2.2: the address that the request came from, then RFC 3263 §5.
#[test]
fn a_response_looks_for_its_client_by_the_via() {
    let zone = Zone::default()
        .srv("_sip._tcp.example.com", 2, 0, 5070, "b.example.com")
        .srv("_sip._tcp.example.com", 1, 0, 5060, "a.example.com")
        .srv("_sips._tcp.example.com", 1, 0, 5071, "b.example.com")
        .host("a.example.com", "192.0.2.1")
        .host("b.example.com", "192.0.2.2");
    for (transport, received, sent_by, expected) in [
        (
            Transport::Tcp,
            Some("192.0.2.9"),
            "10.0.0.1:5080",
            &["tcp 192.0.2.9:5080", "tcp 10.0.0.1:5080"][..],
        ),
        (Transport::Tcp, None, "192.0.2.9", &["tcp 192.0.2.9:5060"]),
        (Transport::Tcp, Some("192.0.2.9"), "192.0.2.9:5080", &["tcp 192.0.2.9:5080"]),
        (Transport::Tls, Some("2001:db8::9"), "[2001:db8::9]", &["tls [2001:db8::9]:5061"]),
        (
            Transport::Tcp,
            Some("192.0.2.9"),
            "a.example.com:5080",
            &["tcp 192.0.2.9:5080", "? A a.example.com", "tcp 192.0.2.1:5080"],
        ),
        (
            Transport::Tcp,
            Some("192.0.2.9"),
            "example.com",
            &[
                "tcp 192.0.2.9:5060",
                "? SRV _sip._tcp.example.com",
                "? A a.example.com",
                "tcp 192.0.2.1:5060",
                "? A b.example.com",
                "tcp 192.0.2.2:5070",
            ],
        ),
        (
            Transport::Tls,
            None,
            "example.com",
            &["? SRV _sips._tcp.example.com", "? A b.example.com", "tls 192.0.2.2:5071"],
        ),
    ] {
        assert_eq!(zone.back(transport, received, sent_by), expected, "{transport} {sent_by}");
    }
}

/// RFC 7118 §5: the client alone opens connections.
#[test]
fn nobody_opens_a_websocket_to_answer() {
    let zone = Zone::default().host("a.invalid", "192.0.2.1");
    for sent_by in ["192.0.2.1:80", "a.invalid"] {
        for transport in [Transport::Ws, Transport::Wss] {
            assert!(zone.back(transport, Some("192.0.2.9"), sent_by).is_empty(), "{sent_by}");
        }
    }
}
