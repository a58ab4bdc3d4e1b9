//! What is looked at before a request is forwarded: RFC 3261 §16.3, and where it may go at all.

use crate::stage::{at, build, directory, flow, found, from, invite, open, request, stage, statuses, udp};
use cordboard_core::transport::Transport;
use cordboard_service::door::{Command, CommandId, Input};
use cordboard_service::location::Located;
use cordboard_service::settings::Relay;

#[test]
fn max_forwards_is_counted_down() {
    for (given, expected) in [("70", Ok("69")), ("1", Ok("0")), ("-", Ok("70")), ("0", Err(483))] {
        let sent = open().one(udp(10), &invite(&format!("Max-Forwards: {given}\r\n")));
        match expected {
            Ok(left) => assert_eq!(sent.one("Max-Forwards"), left, "{given}"),
            Err(status) => assert_eq!(sent.status(), status, "{given}"),
        }
    }
}

/// RFC 3261 §16.3 step 3: no hop is left, so that OPTIONS goes no further than here.
#[test]
fn options_without_hops_are_answered_here() {
    let mut stage = open();
    let sent = stage.one(udp(10), &request("OPTIONS", "sip:bob@example.test", "Max-Forwards: 0\r\n"));
    assert_eq!((sent.status(), sent.flow), (200, udp(10)));
    assert!(sent.one("Allow").contains("INVITE"));
    let sent = stage.one(udp(10), &request("OPTIONS", "sip:bob@example.test", ""));
    assert!(sent.is("OPTIONS") && sent.flow == udp(20), "with hops it goes on: {sent:?}");
}

/// A registrar does not forward, so that it does not count hops.
#[test]
fn a_register_may_arrive_on_its_last_hop() {
    let register =
        request("REGISTER", "sip:example.test", "Max-Forwards: 0\r\nTo: <sip:bob@example.test>\r\n");
    assert_eq!(open().one(udp(20), &register).status(), 200);
}

#[test]
fn unknown_proxy_options_are_named() {
    let sent = open().one(udp(10), &invite("Proxy-Require: foo, bar\r\nProxy-Require: sec-agree\r\n"));
    assert_eq!(sent.status(), 420);
    assert_eq!(sent.all("Unsupported").join(", "), "foo, bar, sec-agree");
}

#[test]
fn a_request_that_comes_back_unchanged_runs_in_a_loop() {
    let mut stage = open();
    let sent = stage.one(udp(10), &invite(""));
    // A neighbour sends it back with its own Via on top, and with none.
    let other = "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKother\r\n";
    let at = sent.text.find("Via:").expect("a Via");
    let back = format!("{}{other}{}", &sent.text[..at], &sent.text[at..]).replacen(
        "sip:bob@192.0.2.20:5060 SIP",
        "sip:bob@example.test SIP",
        1,
    );
    let back = stage.one(udp(20), &back);
    assert_eq!((back.status(), back.flow), (482, udp(20)));
    let same = sent.text.replacen("sip:bob@192.0.2.20:5060 SIP", "sip:bob@example.test SIP", 1);
    assert_eq!(stage.one(udp(1), &same).status(), 482, "straight back");
}

#[test]
fn a_spiral_is_not_a_loop() {
    let mut stage = open();
    stage.users.insert("carol@example.test".into(), found(vec![at("carol", 30)]));
    let sent = stage.one(udp(10), &invite(""));
    let at = sent.text.find("Via:").expect("a Via");
    let other = "Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKother\r\n";
    let back = format!("{}{other}{}", &sent.text[..at], &sent.text[at..]).replacen(
        "sip:bob@192.0.2.20:5060 SIP",
        "sip:carol@example.test SIP",
        1,
    );
    let onward = stage.one(udp(20), &back);
    assert!(onward.is("INVITE") && onward.flow == udp(30), "{onward:?}");
    assert_eq!(onward.all("Via").len(), 4);
}

#[test]
fn whom_there_is_nobody_to_ask_for() {
    let dead = Located { only_dead_flows: true, known: true, ..Located::default() };
    for (uri, located, status) in [
        ("sip:nobody@example.test", None, 404),
        ("sip:bob@example.test", Some(Located::default()), 480),
        ("sip:bob@example.test", Some(dead), 430),
        ("sip:x@unknown.invalid;transport=ws", None, 404),
        ("mailto:bob@example.test", None, 416),
        ("tel:+1-201-555-0123", None, 404),
    ] {
        let mut stage = open();
        if let Some(located) = located {
            stage.users.insert("bob@example.test".into(), located);
        }
        let sent = stage.one(udp(10), &request("INVITE", uri, ""));
        assert_eq!((sent.status(), sent.flow), (status, udp(10)), "{uri}");
    }
}

/// RFC 3966 §3: what only makes a number easier to read is not part of it.
#[test]
fn a_number_is_a_user_of_ours() {
    let mut people = directory();
    let phone = people.users["carol"].clone();
    people.users.insert("+12015550123".into(), phone);
    for (uri, found_there) in [
        ("tel:+1-201-555-0123", true),
        ("tel:+1(201)555.0123;isub=1411", true),
        ("tel:+1-201-555-0124", false),
        ("tel:12015550123", false),
    ] {
        let mut stage = open();
        let command = Command::UseDirectory(std::sync::Arc::new(people.clone()));
        stage.agent.handle(stage.now, Input::Command(CommandId(1), command));
        stage.users.insert("+12015550123@example.test".into(), found(vec![at("carol", 30)]));
        let sent = stage.one(udp(10), &request("INVITE", uri, ""));
        assert_eq!(sent.is("INVITE") && sent.flow == udp(30), found_there, "{uri}: {sent:?}");
        assert!(found_there || sent.status() == 404, "{uri}: {sent:?}");
    }
}

/// RFC 3261 §25.1: a head is UTF-8; a body is whatever it is.
#[test]
fn a_head_that_is_not_utf_8_is_a_400() {
    let mut stage = open();
    let mut bytes = invite("Subject: x\r\n").into_bytes();
    let at = bytes.windows(10).position(|part| part == b"Subject: x").expect("a subject");
    bytes[at + 9] = 0xff;
    stage.agent.handle(stage.now, Input::Packet { flow: udp(10), bytes: &bytes });
    let sent = stage.drain();
    assert_eq!(statuses(&sent), [400]);
    assert_eq!(sent[0].flow, udp(10));
    let mut bytes = invite("Content-Length: 2\r\nCall-ID: body\r\n").into_bytes();
    bytes.truncate(bytes.len() - "Content-Length: 0\r\n\r\n".len());
    bytes.extend_from_slice(b"\r\n\xff\xfe");
    stage.agent.handle(stage.now, Input::Packet { flow: udp(10), bytes: &bytes });
    let sent = stage.drain();
    assert!(sent.len() == 1 && sent[0].is("INVITE"), "{sent:?}");
}

#[test]
fn only_those_who_may_are_relayed() {
    for (relay, neighbour, relayed) in [
        (Relay::Users, false, false),
        (Relay::Users, true, true),
        (Relay::Nobody, true, false),
        (Relay::Anybody, false, true),
    ] {
        for more in [
            "",
            "Route: <sip:198.51.100.7;lr>\r\n",
            "Route: <sip:192.0.2.1:5060;lr>, <sip:198.51.100.7;lr>\r\n",
        ] {
            let mut stage = stage(|settings| {
                settings.relay = relay;
                settings.auth.calls = false;
                if neighbour {
                    settings.neighbours.push(udp(10).remote.ip());
                }
            });
            let sent = stage.one(udp(10), &request("INVITE", "sip:victim@198.51.100.7", more));
            assert_eq!(sent.is("INVITE"), relayed, "{relay:?} {neighbour} {more} {sent:?}");
            assert!(relayed || matches!(sent.status(), 403 | 404), "{sent:?}");
            assert_eq!(sent.flow == udp(10), !relayed);
        }
    }
}

/// Our own users are challenged before anything is looked up for them.
#[test]
fn a_caller_from_here_is_challenged() {
    let mut stage = stage(|_| {});
    for uri in ["sip:bob@example.test", "sip:victim@198.51.100.7", "sip:nobody@example.test"] {
        let text = build(
            "UDP 192.0.2.10:5060",
            "sip:alice@example.test",
            10,
            "INVITE",
            uri,
            &format!("Call-ID: {uri}\r\n"),
        );
        assert_eq!(statuses(&stage.pass(udp(10), &text)), [407], "{uri}");
    }
    let stranger = stage.one(udp(66), &from(66, "INVITE", "sip:bob@example.test", ""));
    assert!(stranger.is("INVITE"), "a stranger may call who is here: {stranger:?}");
}

#[test]
fn the_domain_itself_answers_options_and_nothing_else() {
    for (method, status) in [("OPTIONS", 200), ("MESSAGE", 405), ("INVITE", 405)] {
        let sent = open().one(udp(10), &request(method, "sip:example.test", ""));
        assert_eq!(sent.status(), status, "{method}");
        assert!(sent.one("Allow").contains("OPTIONS"));
    }
}

#[test]
fn a_response_to_nothing_is_dropped() {
    let mut stage = open();
    for branch in ["z9hG4bKforeign", "z9hG4bK00000000000000000000000000"] {
        let stray = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}\r\n\
             Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKvictim\r\nFrom: <sip:a@b>;tag=a\r\n\
             To: <sip:c@d>;tag=b\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        assert!(stage.pass(udp(20), &stray).is_empty());
    }
}

#[test]
fn an_address_that_ends_in_invalid_is_found_by_its_registration() {
    let mut stage = open();
    let tcp = flow(Transport::Tcp, 40);
    let contact = "sip:k3j@abc.invalid;transport=tcp";
    let register = build(
        "TCP abc.invalid",
        "sip:carol@example.test",
        40,
        "REGISTER",
        "sip:example.test",
        &format!("To: <sip:carol@example.test>\r\nContact: <{contact}>\r\nExpires: 600\r\n"),
    );
    assert_eq!(stage.one(tcp, &register).status(), 200);
    let sent = stage.one(udp(10), &request("INVITE", contact, ""));
    assert_eq!((sent.request_uri(), sent.flow), (contact, tcp));
}
