//! Route, Record-Route and Path: RFC 3261 §16.4 and §16.6, RFC 5658, RFC 3327, RFC 5626 §5.3.

use crate::stage::{Sent, Stage, at, build, flow, invite, open, reply, request, stage, udp};
use cordboard_core::transport::{Flow, Transport};
use cordboard_service::location::Target;

/// A call from alice over `caller` to bob over `callee`, and the Record-Route its INVITE got.
fn call(stage: &mut Stage, caller: Flow, callee: Flow) -> (Sent, Vec<String>) {
    let by_flow = callee.transport != Transport::Udp;
    stage.bob(vec![Target { flow: callee, by_flow, ..at("bob", 20) }]);
    let via = format!("{} 192.0.2.10:5060", caller.transport.via_token());
    let text = build(&via, "sip:alice@elsewhere.test", 10, "INVITE", "sip:bob@example.test", "");
    let sent = stage.one(caller, &text);
    assert_eq!(sent.flow, callee);
    let entries = sent.all("Record-Route").iter().map(|entry| (*entry).to_owned()).collect();
    (sent, entries)
}

/// A request inside that dialog, from alice or from bob.
fn inside(from_caller: bool, via: &str, uri: &str, route: &[String], call_id: &str) -> String {
    let (from, to) = if from_caller { ("a", "b") } else { ("b", "a") };
    let route: Vec<String> = route.iter().map(|entry| format!("Route: {entry}\r\n")).collect();
    let route = route.concat();
    format!(
        "BYE {uri} SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bKbye{from_caller}\r\nMax-Forwards: 70\r\n{route}\
         From: <sip:x@elsewhere.test>;tag={from}\r\nTo: <sip:y@elsewhere.test>;tag={to}\r\n\
         Call-ID: {call_id}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    )
}

#[test]
fn one_entry_when_both_sides_are_alike_and_two_when_not() {
    for (caller, callee, expected) in [
        (udp(10), udp(20), &["192.0.2.1:5060;lr"][..]),
        (flow(Transport::Tcp, 10), udp(20), &["192.0.2.1:5060;lr", "192.0.2.1:5060;transport=tcp;lr"]),
        (udp(10), flow(Transport::Tcp, 20), &["192.0.2.1:5060;transport=tcp;lr", "192.0.2.1:5060;lr"]),
        (flow(Transport::Tls, 10), udp(20), &["192.0.2.1:5060;lr", "192.0.2.1:5061;transport=tls;lr"]),
    ] {
        let (_, entries) = call(&mut open(), caller, callee);
        assert_eq!(entries.len(), expected.len(), "{entries:?}");
        for (entry, end) in entries.iter().zip(expected) {
            assert!(entry.starts_with("<sip:") && entry.ends_with(&format!("@{end}>")), "{entry} {end}");
        }
    }
}

#[test]
fn the_token_leads_to_either_end() {
    for (caller, callee) in [
        (udp(10), flow(Transport::Tcp, 20)),
        (flow(Transport::Tcp, 10), udp(20)),
        (flow(Transport::Tcp, 10), flow(Transport::Tls, 20)),
    ] {
        let mut stage = open();
        let (_, entries) = call(&mut stage, caller, callee);
        let back: Vec<String> = entries.iter().rev().cloned().collect();
        let onward = stage.one(
            caller,
            &inside(
                true,
                &format!("{} 192.0.2.10:5060", caller.transport.via_token()),
                "sip:bob@192.0.2.20:5060",
                &back,
                "c1",
            ),
        );
        assert_eq!((onward.start(), onward.flow), ("BYE sip:bob@192.0.2.20:5060 SIP/2.0", callee));
        assert!(onward.all("Route").is_empty() && onward.all("Record-Route").is_empty());
        let onward = stage.one(
            callee,
            &inside(
                false,
                &format!("{} 192.0.2.20:5060", callee.transport.via_token()),
                "sip:alice@192.0.2.10:5060",
                &entries,
                "c1",
            ),
        );
        assert_eq!(onward.flow, caller, "{caller} {callee}");
    }
}

#[test]
fn a_token_of_elsewhere_opens_nothing() {
    let mut stage = open();
    let (_, entries) = call(&mut stage, udp(10), udp(20));
    let altered: Vec<String> = entries.iter().map(|entry| entry.replacen("sip:", "sip:0", 1)).collect();
    let bare = vec!["<sip:192.0.2.1:5060;lr>".to_owned()];
    let pinned = vec![entries[0].replacen("--@", "-u4c6336407003500000000000000000000@", 1)];
    for (n, (route, call_id)) in
        [(&entries, "other"), (&altered, "c1"), (&bare, "c1"), (&pinned, "c1")].into_iter().enumerate()
    {
        let text =
            inside(true, &format!("UDP 192.0.2.66:{}", 6000 + n), "sip:victim@198.51.100.7", route, call_id);
        for sent in stage.pass(udp(66), &text) {
            assert!(
                sent.status() >= 400 && sent.flow.remote.ip() == udp(66).remote.ip(),
                "{route:?} {sent:?}"
            );
        }
    }
    let text = inside(true, "UDP 192.0.2.10:5060", "sip:bob@192.0.2.20:5060", &entries, "c1");
    assert_eq!(stage.one(udp(10), &text).flow, udp(20), "while the right one does");
}

/// What a refusal shows is no signature that opens anything: the branch is whatever the sender likes.
#[test]
fn a_tag_of_ours_makes_no_token() {
    let mut stage = stage(|_| {});
    let probe = "OPTIONS sip:nobody@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=--\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:x@elsewhere.test>;tag=a\r\nTo: <sip:nobody@example.test>\r\n\
                 Call-ID: c1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    let refused = stage.one(udp(66), probe);
    let tag = refused.one("To").split("tag=").nth(1).expect("a tag").to_owned();
    let route = vec![format!("<sip:{tag}--@192.0.2.1:5060;lr>")];
    let text = inside(true, "UDP 192.0.2.66:5060", "sip:victim@198.51.100.7", &route, "c1");
    for sent in stage.pass(udp(66), &text) {
        assert_eq!(sent.flow, udp(66), "{sent:?}");
        assert!(sent.status() >= 400);
    }
}

#[test]
fn an_ack_for_a_2xx_goes_through_with_a_token_only() {
    let mut stage = open();
    let (sent, entries) = call(&mut stage, udp(10), udp(20));
    stage.pass(udp(20), &reply(&sent, 200, ""));
    let text = inside(true, "UDP 192.0.2.10:5060", "sip:bob@192.0.2.20:5060", &entries, "c1")
        .replace("BYE", "ACK")
        .replace("2 ACK", "1 ACK");
    let onward = stage.one(udp(10), &text);
    assert!(onward.is("ACK") && onward.flow == udp(20));
    assert_eq!(onward.one("Max-Forwards"), "69");
    let stray = text.replace("Call-ID: c1", "Call-ID: c2");
    assert!(stage.pass(udp(10), &stray).is_empty(), "and nothing is answered to an ACK");
    stage.assert_ends_idle();
}

#[test]
fn a_strict_router_before_us_is_understood() {
    for more in ["", "<sip:192.0.2.40;lr>, "] {
        let mut stage = open();
        let (_, entries) = call(&mut stage, udp(10), udp(20));
        let ours = entries[0].trim_matches(['<', '>']).to_owned();
        let route = vec![format!("{more}<sip:bob@192.0.2.20:5060>")];
        let sent = stage.one(udp(30), &inside(true, "UDP 192.0.2.30:5060", &ours, &route, "c1"));
        assert_eq!(sent.request_uri(), "sip:bob@192.0.2.20:5060");
        assert_eq!(sent.flow, if more.is_empty() { udp(20) } else { udp(40) });
        assert_eq!(sent.all("Route").len(), usize::from(!more.is_empty()), "{sent:?}");
    }
}

/// RFC 3261 §16.6 step 6, and the example of §16.12.1.1.
#[test]
fn a_strict_router_after_us_gets_what_it_wants() {
    let trusted = || {
        stage(|settings| {
            settings.neighbours.push(udp(10).remote.ip());
        })
    };
    for (route, uri, left) in [
        ("<sip:192.0.2.40>", "sip:192.0.2.40", &["<sip:bob@192.0.2.20>"][..]),
        ("<sip:192.0.2.1;lr>, <sip:p@192.0.2.40>", "sip:p@192.0.2.40", &["<sip:bob@192.0.2.20>"]),
        (
            "<sip:192.0.2.40>, <sip:192.0.2.50;lr>",
            "sip:192.0.2.40",
            &["<sip:192.0.2.50;lr>", "<sip:bob@192.0.2.20>"],
        ),
        (
            "<sip:192.0.2.40;lr>, <sip:192.0.2.50>",
            "sip:bob@192.0.2.20",
            &["<sip:192.0.2.40;lr>, <sip:192.0.2.50>"],
        ),
    ] {
        let sent =
            trusted().one(udp(10), &request("INVITE", "sip:bob@192.0.2.20", &format!("Route: {route}\r\n")));
        assert_eq!((sent.request_uri(), sent.flow), (uri, udp(40)), "{route}");
        assert_eq!(sent.all("Route"), left, "{route}");
    }
}

#[test]
fn a_strict_router_without_a_token_does_not_lead_back_to_us() {
    let mut stage = stage(|settings| settings.neighbours.push(udp(10).remote.ip()));
    let text = request("INVITE", "sip:192.0.2.1:5060;lr", "Route: <sip:x@192.0.2.77>\r\n");
    let sent = stage.one(udp(10), &text);
    assert_eq!((sent.request_uri(), sent.flow), ("sip:x@192.0.2.77", udp(77)));
    assert!(sent.all("Route").is_empty());
}

#[test]
fn a_path_becomes_the_route() {
    for (path, uri, route) in [
        (&["<sip:192.0.2.40;lr>"][..], "sip:bob@192.0.2.20:5060", &["<sip:192.0.2.40;lr>"][..]),
        (
            &["<sip:192.0.2.40;lr>", "<sip:192.0.2.50;lr>"],
            "sip:bob@192.0.2.20:5060",
            &["<sip:192.0.2.40;lr>", "<sip:192.0.2.50;lr>"],
        ),
        (&["<sip:192.0.2.40>"], "sip:192.0.2.40", &["<sip:bob@192.0.2.20:5060>"]),
    ] {
        let mut stage = open();
        let path = path.iter().map(|value| Box::from(*value)).collect();
        stage.bob(vec![Target { path, ..at("bob", 20) }]);
        let sent = stage.one(udp(10), &invite(""));
        assert_eq!((sent.request_uri(), sent.flow), (uri, udp(40)));
        assert_eq!(sent.all("Route"), route);
    }
}

#[test]
fn our_own_entry_of_a_preloaded_route_goes() {
    let sent = open().one(udp(10), &invite("Route: <sip:example.test;lr>\r\n"));
    assert_eq!((sent.flow, sent.all("Route").len()), (udp(20), 0));
}
