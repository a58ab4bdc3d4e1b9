//! What an established call costs in a telephone's memory, everything included: at most 8 KB, of which its dialog 1.5 KB.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use cordboard_core::dialog::Dialog;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::door::{Command, CommandId, Event, Input, Output, ShardId};
use cordboard_service::settings::{Role, Settings, Telephone};
use cordboard_sip::View;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What glibc adds to each allocation at most: a header and rounding to 16.
const OVERHEAD: usize = 24;

/// Just past a power of two, where tables that double are at their emptiest.
const CALLS: u64 = 1_100;

/// Long enough for every transaction to be forgotten: 64·T1, and more.
const LATER: Duration = Duration::from_secs(70);

fn telephone(name: &str, at: SocketAddr) -> Agent {
    let account = Telephone { user: name.into(), domain: "example.com".into(), ..Telephone::default() };
    let sent_by = at.to_string().into();
    let settings = Settings {
        role: Role::Telephone(account),
        listeners: vec![Listener { id: ListenerId(0), transport: Transport::Udp, local: at, sent_by }],
        ring_bytes: 0,
        ..Settings::of_domain("example.com")
    };
    Agent::new(ShardId(0), Arc::new(settings), [at.port() as u8; 32])
}

/// What somebody or the wire does to a telephone.
#[derive(Clone)]
enum Given {
    Packet(Bytes),
    Action(CallAction),
    Time,
}

struct Side {
    agent: Agent,
    peer: SocketAddr,
    now: Instant,
    given: Vec<(Instant, Given)>,
    established: usize,
}

impl Side {
    fn new(name: &str, at: SocketAddr, peer: SocketAddr) -> Self {
        Self { agent: telephone(name, at), peer, now: Instant::START, given: Vec::new(), established: 0 }
    }

    /// Lets it happen, and tells what is sent and which calls ring.
    fn take(&mut self, given: &Given) -> (Vec<Bytes>, Vec<CallName>) {
        let flow =
            Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote: self.peer };
        match given {
            Given::Packet(bytes) => self.agent.handle(self.now, Input::Packet { flow, bytes }),
            Given::Action(action) => {
                let command = Command::Call(action.clone());
                self.agent.handle(self.now, Input::Command(CommandId(1), command));
            }
            Given::Time => self.agent.handle_timeout(self.now),
        }
        let (mut sent, mut ringing) = (Vec::new(), Vec::new());
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { bytes, .. } => sent.push(bytes),
                Output::Event(Event::Call(CallEvent::Incoming { call, .. })) => ringing.push(call),
                Output::Event(Event::Call(CallEvent::Established(_))) => self.established += 1,
                _ => {}
            }
        }
        (sent, ringing)
    }

    fn record(&mut self, given: &Given) -> (Vec<Bytes>, Vec<CallName>) {
        self.given.push((self.now, given.clone()));
        self.take(given)
    }
}

/// Plays the calls between two telephones, and writes down what was given to each.
fn recorded() -> [Vec<(Instant, Given)>; 2] {
    let at = ["192.0.2.1:5060", "192.0.2.2:5061"].map(|at| at.parse::<SocketAddr>().unwrap());
    let mut sides = [Side::new("alice", at[0], at[1]), Side::new("bob", at[1], at[0])];
    for n in 0..CALLS {
        let to = format!("sip:bob@{}", at[1]).into();
        let dial = CallAction::Dial { call: CallName(n), to, offer: true };
        let mut waiting: Vec<(usize, Given)> = vec![(0, Given::Action(dial))];
        while !waiting.is_empty() {
            let (side, given) = waiting.remove(0);
            let (sent, ringing) = sides[side].record(&given);
            waiting.extend(sent.into_iter().map(|bytes| (1 - side, Given::Packet(bytes))));
            waiting.extend(ringing.into_iter().map(|call| (side, Given::Action(CallAction::Answer(call)))));
        }
        for side in &mut sides {
            side.now += Duration::from_millis(10);
        }
    }
    for side in &mut sides {
        assert_eq!(side.established as u64, CALLS);
        let end = side.now + LATER;
        while side.agent.poll_timeout().is_some_and(|due| due <= end) {
            side.now = side.agent.poll_timeout().unwrap().max(side.now);
            side.record(&Given::Time);
        }
    }
    sides.map(|side| side.given)
}

#[test]
fn an_established_call_costs_at_most_8_kb() {
    let at = ["192.0.2.1:5060", "192.0.2.2:5061"].map(|at| at.parse::<SocketAddr>().unwrap());
    for (which, given) in recorded().into_iter().enumerate() {
        let mut side = Side::new(["alice", "bob"][which], at[which], at[1 - which]);
        let held = allocation_counter::measure(|| {
            for (now, given) in &given {
                side.now = *now;
                drop(side.take(given));
            }
        });
        assert_eq!(side.established as u64, CALLS);
        let live = usize::try_from(held.count_current).unwrap();
        let bytes = (usize::try_from(held.bytes_current).unwrap() + live * OVERHEAD) / CALLS as usize;
        assert!(bytes <= 8 * 1024, "{bytes} bytes a call of {}", ["alice", "bob"][which]);
    }
}

#[test]
fn a_dialog_costs_at_most_1_5_kb() {
    let invite = "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: \"Alice of Atlanta\" <sip:alice@atlanta.example.com>;tag=0123456789abcdef\r\n\
        To: <sip:bob@biloxi.example.com>\r\nCall-ID: 0123456789abcdef0123456789abcdef@atlanta.example.com\r\n\
        CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
        Record-Route: <sip:0123456789abcdef0123456789abcdef@ss1.atlanta.example.com:5060;transport=tcp;lr>\r\n\
        Record-Route: <sip:0123456789abcdef0123456789abcdef@ss2.biloxi.example.com:5060;transport=tcp;lr>\r\n\
        Contact: <sip:alice@192.0.2.1:5060;transport=tcp;gr=urn:uuid:0b1c2d3e-4f50-6172-8394-0123456789ab>\r\n\
        Content-Length: 0\r\n\r\n";
    let invite = View::parse(invite.as_bytes()).unwrap();
    let mut dialog = None;
    let held = allocation_counter::measure(|| {
        dialog = Some(Box::new(Dialog::from_request(&invite, "0123456789abcdef").unwrap()));
    });
    let live = usize::try_from(held.count_current).unwrap();
    let bytes = usize::try_from(held.bytes_current).unwrap() + live * OVERHEAD;
    assert!(bytes <= 1536, "{bytes} bytes a dialog");
    assert!(dialog.is_some());
}
