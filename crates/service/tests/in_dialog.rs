//! Requests inside a dialog go where its remote target says, also when that differs from our domain by
//! its port only.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Answer, Command, CommandId, Input, Output, Question, ShardId};
use cordboard_service::location::{Located, Target};
use cordboard_service::settings::{Auth, Settings};
use std::sync::Arc;

const CALLER: u16 = 5070;
const CALLEE: u16 = 5080;

fn flow(port: u16) -> Flow {
    let remote = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote }
}

/// A switchboard whose domain is its address, with bob in its directory. Its listener for WebSocket has the port that
/// bob's phone has for UDP.
fn switchboard() -> Agent {
    let mut settings = Settings::of_domain("127.0.0.1");
    let listener = |id: u16, transport: Transport, port: u16| Listener {
        id: ListenerId(id),
        transport,
        local: std::net::SocketAddr::from(([127, 0, 0, 1], port)),
        sent_by: format!("127.0.0.1:{port}").into(),
    };
    settings.listeners = vec![listener(0, Transport::Udp, 5060), listener(1, Transport::Ws, CALLEE)];
    settings.auth = Auth { calls: false, ..settings.auth };
    let mut agent = Agent::new(ShardId(0), Arc::new(settings), [1; 32]);
    let bob = User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: None,
        ha1_sha256: None,
        ha1_sha512_256: None,
    };
    let mut directory = Directory::default();
    directory.users.insert("bob".into(), bob);
    let directory = Command::UseDirectory(Arc::new(directory));
    agent.handle(Instant::START, Input::Command(CommandId(0), directory));
    agent
}

/// Hands in one message; returns what was sent, and how often somebody was looked up.
fn pass(agent: &mut Agent, from: u16, text: &str) -> (Vec<(Flow, String)>, usize) {
    agent.handle(Instant::START, Input::Packet { flow: flow(from), bytes: text.as_bytes() });
    let (mut sent, mut lookups) = (Vec::new(), 0);
    while let Some(output) = agent.poll_output() {
        match output {
            Output::Send { flow, bytes } => {
                sent.push((flow, String::from_utf8(bytes.to_vec()).expect("text")));
            }
            Output::Ask(id, Question::Locate(_)) => {
                lookups += 1;
                let bob = Target {
                    uri: "sip:bob@127.0.0.1:5080".into(),
                    q: 1000,
                    flow: flow(CALLEE),
                    path: Vec::new(),
                    instance: None,
                    by_flow: false,
                };
                let located =
                    Located { targets: vec![bob], only_dead_flows: false, known: true, owner: None };
                agent.handle(Instant::START, Input::Answer(id, Answer::Located(located)));
            }
            other => panic!("{other:?}"),
        }
    }
    (sent, lookups)
}

fn request(method: &str, uri: &str, to_tag: &str, route: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{method};rport\r\n\
         Max-Forwards: 70\r\n{route}From: <sip:alice@127.0.0.1:5070>;tag=a\r\nTo: <sip:bob@127.0.0.1:5060>{to_tag}\r\n\
         Call-ID: 1@127.0.0.1\r\nCSeq: 1 {method}\r\nContact: <sip:alice@127.0.0.1:5070>\r\nContent-Length: 0\r\n\r\n"
    )
}

fn line<'a>(message: &'a str, name: &str) -> &'a str {
    message.lines().find(|line| line.starts_with(name)).expect("the line is there")
}

#[test]
fn a_remote_target_on_our_own_machine_is_not_looked_up() {
    let mut agent = switchboard();
    let (sent, lookups) = pass(&mut agent, CALLER, &request("INVITE", "sip:bob@127.0.0.1:5060", "", ""));
    assert_eq!(lookups, 1);
    let (to, invite) = &sent[0];
    assert_eq!(to.remote.port(), CALLEE);
    let route = format!("{}\r\n", line(invite, "Record-Route:").trim_start_matches("Record-"));
    for method in ["ACK", "BYE"] {
        let text = request(method, "sip:bob@127.0.0.1:5080", ";tag=b", &route);
        let (sent, lookups) = pass(&mut agent, CALLER, &text);
        assert_eq!((sent.len(), lookups), (1, 0), "{method}");
        assert_eq!(sent[0].0.remote.port(), CALLEE);
        assert!(sent[0].1.starts_with(method) && !sent[0].1.contains("Route"), "{}", sent[0].1);
    }
    // Somebody of ours, named as such, still is.
    let text = request("UPDATE", "sip:bob@127.0.0.1:5060", ";tag=b", &route);
    assert_eq!(pass(&mut agent, CALLER, &text).1, 1);
}

/// RFC 6665 §4.3, §4.4.1: the NOTIFY makes the subscriber's dialog, so that its Record-Route is the way of what follows.
#[test]
fn a_notify_is_record_routed_and_the_refresh_finds_its_way() {
    let mut agent = switchboard();
    let (sent, _) = pass(&mut agent, CALLER, &request("SUBSCRIBE", "sip:bob@127.0.0.1:5060", "", ""));
    let route = format!("{}\r\n", line(&sent[0].1, "Record-Route:").trim_start_matches("Record-"));
    let notify = format!(
        "NOTIFY sip:alice@127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKn;rport\r\n\
         Max-Forwards: 70\r\n{route}From: <sip:bob@127.0.0.1:5060>;tag=b\r\n\
         To: <sip:alice@127.0.0.1:5070>;tag=a\r\nCall-ID: 1@127.0.0.1\r\nCSeq: 1 NOTIFY\r\n\
         Contact: <sip:bob@127.0.0.1:5080>\r\nEvent: dialog\r\nSubscription-State: active\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let (sent, lookups) = pass(&mut agent, CALLEE, &notify);
    let passed = sent.iter().find(|(flow, text)| flow.remote.port() == CALLER && text.starts_with("NOTIFY"));
    let (_, passed) = passed.expect("it goes to the subscriber");
    assert_eq!(lookups, 0);
    let route = format!("{}\r\n", line(passed, "Record-Route:").trim_start_matches("Record-"));
    let refresh = request("SUBSCRIBE", "sip:bob@127.0.0.1:5080", ";tag=b", &route)
        .replace("z9hG4bKSUB", "z9hG4bKAGAIN");
    let (sent, lookups) = pass(&mut agent, CALLER, &refresh);
    let onward =
        sent.iter().find(|(flow, text)| flow.remote.port() == CALLEE && text.starts_with("SUBSCRIBE"));
    assert!(onward.is_some() && lookups == 0, "{sent:?}");
}
