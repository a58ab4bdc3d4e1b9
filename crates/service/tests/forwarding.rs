//! What the proxy makes of single messages, without a network around it.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Answer, Command, CommandId, Input, Output, Question, ShardId};
use cordboard_service::location::{Located, Target, Wanted};
use cordboard_service::settings::{Auth, Settings};
use std::net::SocketAddr;
use std::sync::Arc;

/// A switchboard for `example.test` that listens on UDP and TCP and challenges nobody.
fn switchboard() -> Agent {
    let listener = |id, transport: Transport| Listener {
        id: ListenerId(id),
        transport,
        local: SocketAddr::from(([192, 0, 2, 1], 5060)),
        sent_by: "192.0.2.1:5060".into(),
    };
    let mut settings = Settings::of_domain("example.test");
    settings.listeners = vec![listener(0, Transport::Udp), listener(1, Transport::Tcp)];
    settings.auth = Auth { calls: false, ..settings.auth };
    let mut agent = Agent::new(ShardId(0), Arc::new(settings), [1; 32]);
    let mut directory = Directory::default();
    let bob = User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: None,
        ha1_sha256: None,
        ha1_sha512_256: None,
    };
    directory.users.insert("bob".into(), bob);
    agent.handle(Instant::START, Input::Command(CommandId(0), Command::UseDirectory(Arc::new(directory))));
    agent
}

fn flow(transport: Transport, host: u8) -> Flow {
    let (listener, connection) = if transport == Transport::Udp { (0, 0) } else { (1, 7) };
    let remote = SocketAddr::from(([192, 0, 2, host], 5060));
    Flow { transport, listener: ListenerId(listener), connection, remote }
}

/// Hands in a message; gives back what is sent. Bob is at 192.0.2.20, by UDP.
fn pass(agent: &mut Agent, from: Flow, text: &str) -> Vec<(Flow, String)> {
    let now = Instant::from_micros(1000);
    agent.handle(now, Input::Packet { flow: from, bytes: text.as_bytes() });
    let mut sent = Vec::new();
    while let Some(output) = agent.poll_output() {
        match output {
            Output::Send { flow, bytes } => sent.push((flow, String::from_utf8_lossy(&bytes).into_owned())),
            Output::Ask(id, Question::Locate(wanted)) => {
                let target = Target {
                    uri: "sip:bob@192.0.2.20:5060".into(),
                    q: 1000,
                    flow: flow(Transport::Udp, 20),
                    path: Vec::new(),
                    instance: None,
                    by_flow: false,
                };
                let known = matches!(wanted, Wanted::Aor(_));
                let targets = if known { vec![target] } else { Vec::new() };
                let located = Located { targets, only_dead_flows: false, known };
                agent.handle(now, Input::Answer(id, Answer::Located(located)));
            }
            Output::Ask(..) | Output::Event(_) | Output::CloseFlow(_) => {}
        }
    }
    sent
}

fn invite(via: &str) -> String {
    format!(
        "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/{via} 192.0.2.10:5060;branch=z9hG4bKa\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@elsewhere.test>;tag=a\r\nTo: <sip:bob@example.test>\r\n\
         Call-ID: c1\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.10:5060>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// linphone leaves Content-Length out of a 180 by UDP; baresip closed the connection over which that
/// came to it (RFC 3261 §18.3).
#[test]
fn a_response_without_a_length_gets_one_before_it_goes_over_a_stream() {
    let mut agent = switchboard();
    let sent = pass(&mut agent, flow(Transport::Tcp, 10), &invite("TCP"));
    let forwarded = &sent.last().expect("the INVITE goes on").1;
    let vias: Vec<_> = forwarded.lines().filter(|line| line.starts_with("Via:")).collect();
    let ringing = format!(
        "SIP/2.0 180 Ringing\r\n{}\r\n{}\r\nFrom: <sip:alice@elsewhere.test>;tag=a\r\n\
         To: <sip:bob@example.test>;tag=b\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n",
        vias[0], vias[1]
    );
    let sent = pass(&mut agent, flow(Transport::Udp, 20), &ringing);
    let (back, text) = sent.last().expect("the 180 goes back");
    assert_eq!(back.transport, Transport::Tcp);
    assert!(text.contains("\r\nContent-Length: 0\r\n\r\n"), "{text}");
}

/// A request inside a dialog goes through only with the token that we gave to that dialog.
#[test]
fn a_route_that_was_not_ours_to_give_opens_nothing() {
    let mut agent = switchboard();
    let bye = |user: &str| {
        format!(
            "BYE sip:victim@198.51.100.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK{user}\r\n\
             Max-Forwards: 70\r\nRoute: <sip:{user}@192.0.2.1:5060;lr>\r\nFrom: <sip:x@elsewhere.test>;tag=a\r\n\
             To: <sip:y@elsewhere.test>;tag=b\r\nCall-ID: c9\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let sent = pass(&mut agent, flow(Transport::Udp, 66), &bye("0123456789abc--"));
    assert!(sent.iter().all(|(to, _)| *to == flow(Transport::Udp, 66)), "nothing leaves for the victim");
    assert!(!sent.is_empty() && sent.iter().all(|(_, text)| text.starts_with("SIP/2.0 4")), "{sent:?}");
}
