//! Carries calls through one agent, without sockets: under `valgrind --tool=callgrind` its instruction
//! count repeats exactly. The argument is how many calls.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Answer, Command, CommandId, Input, Output, Question, ShardId};
use cordboard_service::location::{Located, Target};
use cordboard_service::settings::{Auth, Settings};
use std::sync::Arc;
use std::time::Duration;

const SDP: &str = "v=0\r\no=- 3908745321 3908745321 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
m=audio 30000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

fn main() {
    let calls: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut world = World::new();
    for n in 0..calls {
        world.call(n);
    }
    let counters = world.agent.counters();
    assert_eq!((counters.calls, counters.answered), (calls, calls), "every call was answered");
}

struct World {
    agent: Agent,
    now: Instant,
    caller: Flow,
    callee: Flow,
}

impl World {
    fn new() -> Self {
        let listener = Listener {
            id: ListenerId(0),
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            sent_by: "127.0.0.1:5060".into(),
        };
        let mut settings = Settings::of_domain("127.0.0.1");
        settings.listeners = vec![listener];
        settings.auth = Auth { calls: false, ..settings.auth };
        let mut agent = Agent::new(ShardId(0), Arc::new(settings), [1; 32]);
        let mut directory = Directory::default();
        let nobody = User {
            display_name: None,
            groups: Vec::new(),
            ha1_md5: None,
            ha1_sha256: None,
            ha1_sha512_256: None,
        };
        directory.users.insert("bob".into(), nobody);
        agent
            .handle(Instant::START, Input::Command(CommandId(0), Command::UseDirectory(Arc::new(directory))));
        let flow = |port| Flow {
            transport: Transport::Udp,
            listener: ListenerId(0),
            connection: 0,
            remote: std::net::SocketAddr::from(([127, 0, 0, 1], port)),
        };
        Self { agent, now: Instant::START, caller: flow(5070), callee: flow(5080) }
    }

    /// Hands in one message, answers what is asked, and returns the last message that came out.
    fn pass(&mut self, flow: Flow, text: &str) -> String {
        self.now += Duration::from_micros(20);
        self.agent.handle_timeout(self.now);
        self.agent.handle(self.now, Input::Packet { flow, bytes: text.as_bytes() });
        let mut last = String::new();
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { bytes, .. } => last = String::from_utf8(bytes.to_vec()).expect("text"),
                Output::Ask(id, Question::Locate(_)) => {
                    let target = Target {
                        uri: "sip:bob@127.0.0.1:5080".into(),
                        q: 1000,
                        flow: self.callee,
                        path: Vec::new(),
                        instance: None,
                        by_flow: false,
                    };
                    let located =
                        Located { targets: vec![target], only_dead_flows: false, known: true, owner: None };
                    self.agent.handle(self.now, Input::Answer(id, Answer::Located(located)));
                }
                Output::Ask(..) | Output::Event(_) | Output::CloseFlow(_) | Output::HandOver(..) => {}
            }
        }
        last
    }

    fn call(&mut self, n: u64) {
        let head = |method: &str, uri: &str, tag: &str, cseq: &str, route: &str| {
            format!(
                "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{method}{n};rport\r\n\
                 Max-Forwards: 70\r\n{route}From: \"Alice\" <sip:alice@127.0.0.1:5070>;tag=a{n}\r\n\
                 To: <sip:bob@127.0.0.1:5060>{tag}\r\nCall-ID: {n}-6a1f@127.0.0.1\r\nCSeq: {cseq}\r\n\
                 Contact: <sip:alice@127.0.0.1:5070>\r\n"
            )
        };
        let invite = head("INVITE", "sip:bob@127.0.0.1:5060", "", "1 INVITE", "")
            + &format!(
                "User-Agent: call_cost\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n\
                 Supported: replaces\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len()
            );
        let invited = self.pass(self.caller, &invite);
        self.pass(self.callee, &answer(&invited, "180 Ringing", ""));
        let ok = self.pass(self.callee, &answer(&invited, "200 OK", SDP));
        let recorded = ok.lines().find(|line| line.starts_with("Record-Route")).expect("we are in the route");
        let route = format!("{}\r\n", recorded.trim_start_matches("Record-"));
        let contact = "sip:bob@127.0.0.1:5080";
        let ack = head("ACK", contact, ";tag=b1", "1 ACK", &route) + "Content-Length: 0\r\n\r\n";
        assert!(self.pass(self.caller, &ack).starts_with("ACK"));
        let bye = head("BYE", contact, ";tag=b1", "2 BYE", &route) + "Content-Length: 0\r\n\r\n";
        let bye = self.pass(self.caller, &bye);
        assert!(self.pass(self.callee, &answer(&bye, "200 OK", "")).starts_with("SIP/2.0 200"));
    }
}

/// What a simple phone answers.
fn answer(request: &str, status: &str, body: &str) -> String {
    let mut out = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        let keep = ["Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"];
        if keep.iter().any(|name| line.starts_with(name)) {
            out = out + line + "\r\n";
        } else if line.starts_with("To:") {
            out = out + line + if line.contains("tag=") { "\r\n" } else { ";tag=b1\r\n" };
        }
    }
    out += "Contact: <sip:bob@127.0.0.1:5080>\r\n";
    if !body.is_empty() {
        out += "Content-Type: application/sdp\r\n";
    }
    out + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}
