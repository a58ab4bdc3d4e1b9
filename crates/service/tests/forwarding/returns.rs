//! Responses whose connection has died: RFC 3261 §18.2.2, RFC 3263 §5.

use crate::stage::{Sent, Stage, build, flow, open, reply, statuses, udp};
use cordboard_core::dns::{Query, Records, Srv};
use cordboard_core::transport::{Flow, FlowError, ListenerId, Transport};
use cordboard_service::door::{Input, Question};
use std::net::SocketAddr;

/// The connection that alice, at 192.0.2.10, has opened to us.
fn opened_by_her(transport: Transport) -> Flow {
    Flow { remote: SocketAddr::from(([192, 0, 2, 10], 40_000)), ..flow(transport, 10) }
}

/// A connection that we open to her.
fn opened_by_us(transport: Transport, port: u16) -> Flow {
    Flow {
        connection: 9_000 + u64::from(port),
        remote: SocketAddr::from(([192, 0, 2, 10], port)),
        ..flow(transport, 10)
    }
}

/// An INVITE for bob over a connection, which then dies; the INVITE as bob got it.
fn stranded(stage: &mut Stage, transport: Transport, sent_by: &str) -> Sent {
    let via = format!("{} {sent_by}", transport.via_token());
    let text = build(&via, "sip:alice@elsewhere.test", 10, "INVITE", "sip:bob@example.test", "");
    let invite = stage.one(opened_by_her(transport), &text);
    stage.agent.handle(stage.now, Input::FlowClosed(opened_by_her(transport), FlowError::Closed));
    assert!(stage.drain().is_empty());
    invite
}

fn asked(stage: &Stage) -> String {
    match &stage.asked[..] {
        [(_, Question::Open { transport, remote, server_name })] => {
            format!("{transport} {remote} {server_name}")
        }
        [(_, Question::Dns(Query::Srv(name)))] => format!("SRV {name}"),
        [(_, Question::Dns(Query::Addresses(name)))] => format!("A {name}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_response_whose_connection_died_goes_over_a_new_one() {
    let mut stage = open();
    let invite = stranded(&mut stage, Transport::Tcp, "192.0.2.10:5070");
    assert!(stage.pass(udp(20), &reply(&invite, 180, "")).is_empty());
    assert_eq!(asked(&stage), "tcp 192.0.2.10:5070 192.0.2.10");
    // What is answered meanwhile waits, in its order; a repeat does not wait twice.
    for _ in 0..2 {
        assert!(stage.pass(udp(20), &reply(&invite, 200, "")).is_empty());
    }
    let new = opened_by_us(Transport::Tcp, 5070);
    let sent = stage.opened(Ok(new));
    assert_eq!(statuses(&sent), [180, 200]);
    assert!(sent.iter().all(|sent| sent.flow == new));
    // And what comes later goes there at once.
    assert_eq!(stage.one(udp(20), &reply(&invite, 200, "")).flow, new);
    stage.assert_ends_idle();
}

#[test]
fn a_client_that_is_not_there_is_looked_for_by_its_name() {
    let mut stage = open();
    let invite = stranded(&mut stage, Transport::Tcp, "gateway.elsewhere.test");
    stage.pass(udp(20), &reply(&invite, 486, ""));
    assert_eq!(asked(&stage), "tcp 192.0.2.10:5060 gateway.elsewhere.test", "where its request came from");
    stage.opened(Err(FlowError::Unreachable));
    assert_eq!(asked(&stage), "SRV _sip._tcp.gateway.elsewhere.test");
    let spare = Srv { priority: 1, weight: 0, port: 5080, target: "spare.elsewhere.test".into() };
    stage.resolved(Records::Srv(vec![spare]));
    assert_eq!(asked(&stage), "A spare.elsewhere.test");
    stage.resolved(Records::Addresses(vec!["192.0.2.10".parse().unwrap()]));
    assert_eq!(asked(&stage), "tcp 192.0.2.10:5080 gateway.elsewhere.test");
    let sent = stage.opened(Ok(opened_by_us(Transport::Tcp, 5080)));
    assert_eq!(statuses(&sent), [486]);
    assert_eq!(sent[0].flow, opened_by_us(Transport::Tcp, 5080));
    stage.assert_ends_idle();
}

#[test]
fn over_tls_the_new_connection_must_prove_the_name() {
    let mut stage = open();
    let invite = stranded(&mut stage, Transport::Tls, "gateway.elsewhere.test");
    stage.pass(udp(20), &reply(&invite, 486, ""));
    assert_eq!(asked(&stage), "tls 192.0.2.10:5061 gateway.elsewhere.test");
    stage.opened(Err(FlowError::Handshake));
    assert_eq!(asked(&stage), "SRV _sips._tcp.gateway.elsewhere.test");
    stage.resolved(Records::Failed);
    assert_eq!(asked(&stage), "A gateway.elsewhere.test");
    assert!(stage.resolved(Records::Failed).is_empty());
    assert!(stage.asked.is_empty(), "nobody is left to try");
    stage.assert_ends_idle();
}

/// RFC 7118 §5: the client alone opens a WebSocket.
#[test]
fn over_a_websocket_nobody_is_looked_for() {
    let mut stage = open();
    let websocket =
        Flow { transport: Transport::Ws, listener: ListenerId(1), ..opened_by_her(Transport::Tcp) };
    let via = "WS 5a3f.invalid";
    let text = build(via, "sip:alice@elsewhere.test", 10, "INVITE", "sip:bob@example.test", "");
    let invite = stage.one(websocket, &text);
    stage.agent.handle(stage.now, Input::FlowClosed(websocket, FlowError::Closed));
    assert!(stage.pass(udp(20), &reply(&invite, 486, "")).iter().all(|sent| sent.is("ACK")));
    assert!(stage.asked.is_empty());
    stage.assert_ends_idle();
}

/// Whoever closes connections on purpose has us look for no more than so many.
#[test]
fn no_more_than_so_many_are_looked_for() {
    let mut stage = open();
    let mut looked_for = 0;
    for n in 0..1_200_u64 {
        let her = Flow { connection: 50_000 + n, ..opened_by_her(Transport::Tcp) };
        let via = format!("TCP 192.0.2.10:5070;branch=z9hG4bK{n}");
        let more = format!("Via: SIP/2.0/{via}\r\nCall-ID: {n}\r\n");
        let text = build("", "sip:alice@elsewhere.test", 10, "INVITE", "sip:bob@example.test", &more);
        let invite = stage.one(her, &text);
        stage.agent.handle(stage.now, Input::FlowClosed(her, FlowError::Closed));
        stage.pass(udp(20), &reply(&invite, 486, ""));
        looked_for = looked_for.max(stage.asked.len());
    }
    assert_eq!(looked_for, 1_000);
}
