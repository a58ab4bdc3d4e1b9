//! Large requests, lengths, and where responses go: RFC 3261 §18, RFC 3581.

use crate::stage::{Sent, Stage, at, build, flow, invite, open, reply, request, udp};
use cordboard_core::transport::{Flow, FlowError, Transport};
use cordboard_service::door::Question;
use cordboard_service::location::Target;
use std::net::SocketAddr;

/// linphone leaves Content-Length out of a 180 by UDP; baresip closed the connection over which that
/// came to it (RFC 3261 §18.3).
#[test]
fn a_response_without_a_length_gets_one_before_it_goes_over_a_stream() {
    let mut stage = open();
    let text =
        build("TCP 192.0.2.10:5060", "sip:alice@elsewhere.test", 10, "INVITE", "sip:bob@example.test", "");
    let sent = stage.one(flow(Transport::Tcp, 10), &text);
    let ringing = reply(&sent, 180, "").replace("Content-Length: 0\r\n", "");
    let back = stage.one(udp(20), &ringing);
    assert_eq!(back.flow, flow(Transport::Tcp, 10));
    assert_eq!(back.one("Content-Length"), "0");
}

#[test]
fn where_a_response_goes() {
    let source = |port| Flow { remote: SocketAddr::from(([192, 0, 2, 10], port)), ..udp(10) };
    for (via, seen, back, top) in [
        ("192.0.2.10:5060", 40000, 5060, ""),
        ("192.0.2.10", 40000, 5060, ""),
        ("192.0.2.10:5070", 5070, 5070, ""),
        ("192.0.2.10:5060;rport", 40000, 40000, ";rport=40000"),
        ("10.0.0.1:5060", 40000, 5060, ";received=192.0.2.10"),
        ("10.0.0.1:5060;rport", 40000, 40000, ";received=192.0.2.10"),
        ("alice.example:5060", 5060, 5060, ";received=192.0.2.10"),
        ("10.0.0.1:5060;received=198.51.100.7", 40000, 5060, ";received=192.0.2.10"),
    ] {
        let mut stage = open();
        let text = invite(&format!("Via: SIP/2.0/UDP {via};branch=z9hG4bKx\r\n"));
        let sent = stage.one(source(seen), &text);
        let below = sent.all("Via")[1];
        assert!(below.contains(top), "{via} {below}");
        assert_eq!(below.contains("received="), top.contains("received") || top.contains("rport"), "{below}");
        assert!(!below.contains("198.51.100.7"));
        let answer = stage.one(udp(20), &reply(&sent, 180, ""));
        assert_eq!(answer.flow, source(back), "{via}");
        assert_eq!(answer.all("Via"), [below]);
    }
}

fn large(method: &str, uri: &str) -> String {
    request(method, uri, &format!("Subject: {}\r\n", "x".repeat(1300)))
}

fn asked_for(stage: &Stage) -> Option<(Transport, SocketAddr)> {
    match &stage.asked[..] {
        [(_, Question::Open { transport, remote, .. })] => Some((*transport, *remote)),
        _ => None,
    }
}

#[test]
fn a_large_request_goes_on_a_stream() {
    let mut stage = open();
    assert!(stage.pass(udp(10), &large("INVITE", "sip:bob@example.test")).is_empty());
    assert_eq!(asked_for(&stage), Some((Transport::Tcp, udp(20).remote)));
    let sent: Vec<Sent> = stage.opened(Ok(flow(Transport::Tcp, 20)));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].flow, flow(Transport::Tcp, 20));
    assert!(sent[0].all("Via")[0].starts_with("SIP/2.0/TCP"));
    assert_eq!(sent[0].all("Record-Route").len(), 2, "by UDP on one side and TCP on the other");
}

#[test]
fn a_large_request_falls_back_to_a_datagram() {
    let mut stage = open();
    stage.pass(udp(10), &large("INVITE", "sip:bob@example.test"));
    let sent = stage.opened(Err(FlowError::Unreachable));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].flow, udp(20));
    assert!(sent[0].all("Via")[0].starts_with("SIP/2.0/UDP"));
}

#[test]
fn a_large_request_goes_as_the_contact_says() {
    for target in [
        Target { uri: "sip:bob@192.0.2.20:5060;transport=udp".into(), ..at("bob", 20) },
        Target { by_flow: true, ..at("bob", 20) },
    ] {
        let mut stage = open();
        stage.bob(vec![target]);
        assert_eq!(stage.one(udp(10), &large("INVITE", "sip:bob@example.test")).flow, udp(20));
    }
    let small = open().one(udp(10), &invite("Subject: x\r\n"));
    assert_eq!(small.flow, udp(20));
}

#[test]
fn unknown_headers_and_bytes_go_on_as_they_came() {
    let odd = "x-odd:  tab\tand  spaces ;=\"unclosed\r\nSUBJECT: \u{fc}mlaut\r\nX-Empty:\r\n";
    let sent = open().one(udp(10), &invite(odd));
    assert!(sent.text.contains(odd), "{}", sent.text);
}
