//! Registers a phone again and again through one agent and one location service, without sockets: under
//! `valgrind --tool=callgrind` its instruction count repeats exactly. The arguments are how many requests,
//! and `open` (nobody is challenged), `reuse` (one nonce, counted up) or `fresh` (a challenge each time).

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Answer, Command, CommandId, Input, Output, Question, ShardId};
use cordboard_service::location::Location;
use cordboard_service::settings::{Auth, Settings};
use cordboard_sip::View;
use cordboard_sip::digest::{Algorithm, Challenge, Ha1, Request, WwwAuthenticate};
use std::sync::Arc;
use std::time::Duration;

/// People in the directory, one of whom registers.
const USERS: u32 = 10_000;
const URI: &str = "sip:127.0.0.1:5060";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u32 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let how = arguments.next().unwrap_or_else(|| "open".into());
    let mut world = World::new(how != "open");
    let mut challenge: Option<Challenge> = None;
    for n in 1..=count {
        if how == "fresh" || how == "reuse" && challenge.is_none() {
            let asked = world.pass(&register(2 * n, ""));
            let view = View::parse(asked.as_bytes()).expect("a response");
            let asked = view.header::<WwwAuthenticate>().expect("a challenge").expect("well-formed");
            challenge = Some(asked.digest().expect("digest").clone());
        }
        let proof = challenge.as_ref().map_or(String::new(), |challenge| {
            let request = Request { method: "REGISTER", uri: URI, body: b"" };
            let nonce_count = if how == "reuse" { n } else { 1 };
            let credentials = challenge.answer("u007777", &world.secret, &request, nonce_count, "0a4f113b");
            format!("Authorization: {credentials}\r\n")
        });
        let answer = world.pass(&register(2 * n + 1, &proof));
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }
}

fn register(cseq: u32, proof: &str) -> String {
    format!(
        "REGISTER {URI} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKR{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:u007777@127.0.0.1:5060>;tag=r1\r\nTo: <sip:u007777@127.0.0.1:5060>\r\n\
         Call-ID: 7-6a1f@127.0.0.1\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:u007777@127.0.0.1:5070>\r\n\
         Expires: 3600\r\nUser-Agent: register_cost\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n\
         Supported: path\r\n{proof}Content-Length: 0\r\n\r\n"
    )
}

struct World {
    agent: Agent,
    location: Location,
    now: Instant,
    secret: Ha1,
}

impl World {
    fn new(challenged: bool) -> Self {
        let mut settings = Settings::of_domain("127.0.0.1");
        settings.listeners = vec![Listener {
            id: ListenerId(0),
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            sent_by: "127.0.0.1:5060".into(),
        }];
        settings.auth = Auth { registers: challenged, ..settings.auth };
        let mut agent = Agent::new(ShardId(0), Arc::new(settings), [1; 32]);
        let secret = |name: &str| Ha1::new(Algorithm::Md5, name, "127.0.0.1", "open sesame");
        let users = (0..USERS).map(|n| {
            let name = format!("u{n:06}");
            let digits = secret(&name).reveal();
            let octet =
                |at: usize| u8::from_str_radix(&digits.as_str()[2 * at..2 * at + 2], 16).expect("hex");
            let user = User {
                display_name: None,
                groups: Vec::new(),
                ha1_md5: Some(std::array::from_fn(octet)),
                ha1_sha256: None,
                ha1_sha512_256: None,
            };
            (name.into(), user)
        });
        let directory = Directory { users: users.collect(), ..Directory::default() };
        let directory = Command::UseDirectory(Arc::new(directory));
        agent.handle(Instant::START, Input::Command(CommandId(0), directory));
        let location = Location::new(10, [1; 16]);
        Self { agent, location, now: Instant::START, secret: secret("u007777") }
    }

    /// Hands in one message, does what is asked, and returns the answer.
    fn pass(&mut self, text: &str) -> String {
        self.now += Duration::from_millis(2);
        self.agent.handle_timeout(self.now);
        let remote = std::net::SocketAddr::from(([127, 0, 0, 1], 5070));
        let flow = Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote };
        self.agent.handle(self.now, Input::Packet { flow, bytes: text.as_bytes() });
        let mut last = String::new();
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { bytes, .. } => last = String::from_utf8(bytes.to_vec()).expect("text"),
                Output::Ask(id, Question::Register(asked)) => {
                    let registered = self.location.handle(self.now, &asked).map(|(registered, _)| registered);
                    self.agent.handle(self.now, Input::Answer(id, Answer::Registered(registered)));
                }
                Output::Ask(..) | Output::Event(_) | Output::CloseFlow(_) | Output::HandOver(..) => {}
            }
        }
        last
    }
}
