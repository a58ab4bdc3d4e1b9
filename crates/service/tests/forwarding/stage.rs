//! One switchboard on its own, driven by messages written by hand; time stands still until it is moved.

use cordboard_core::dns::Records;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, FlowError, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{
    Answer, AskId, Command, CommandId, Event, Input, Note, Output, Question, ShardId,
};
use cordboard_service::location::{Located, Location, Target, Wanted};
use cordboard_service::settings::Settings;
use cordboard_sip::digest::{Ha1, ProxyAuthenticate, Request};
use cordboard_sip::header::Header;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The switchboard and the world around it.
pub(crate) struct Stage {
    pub(crate) agent: Agent,
    /// Its other shards, if it has any.
    pub(crate) agents: Vec<Agent>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) now: Instant,
    /// What lookups of an address-of-record find, unless the registrar knows better.
    pub(crate) users: BTreeMap<Box<str>, Located>,
    /// What REGISTER has changed.
    pub(crate) location: Location,
    /// Questions that a test answers itself.
    pub(crate) asked: Vec<(AskId, Question)>,
    /// Leaves every question to the test, those for a location too.
    pub(crate) silent: bool,
    /// What was written into the log.
    pub(crate) notes: Vec<Note>,
    /// How often a shard handed something over.
    pub(crate) handed: u32,
    /// Numbers for requests.
    pub(crate) requests: u64,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) text: String,
}

impl Sent {
    pub(crate) fn start(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// The status, or 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        self.start().strip_prefix("SIP/2.0 ").map_or(0, |rest| rest[..3].parse().expect("a status"))
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.start().starts_with(&format!("{method} "))
    }

    pub(crate) fn request_uri(&self) -> &str {
        self.start().split(' ').nth(1).unwrap_or_default()
    }

    /// The lines of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(theirs, _)| theirs.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    pub(crate) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "one {name} in {}", self.text);
        all[0]
    }
}

pub(crate) fn flow(transport: Transport, host: u8) -> Flow {
    let (listener, connection) = match transport {
        Transport::Udp => (0, 0),
        Transport::Tcp => (1, 1000 + u64::from(host)),
        _ => (2, 2000 + u64::from(host)),
    };
    let port = if transport == Transport::Tls { 5061 } else { 5060 };
    Flow {
        transport,
        listener: ListenerId(listener),
        connection,
        remote: SocketAddr::from(([192, 0, 2, host], port)),
    }
}

pub(crate) fn udp(host: u8) -> Flow {
    flow(Transport::Udp, host)
}

/// A contact at 192.0.2.`host` by UDP.
pub(crate) fn at(user: &str, host: u8) -> Target {
    Target {
        uri: format!("sip:{user}@192.0.2.{host}:5060").into(),
        q: 1000,
        flow: udp(host),
        path: Vec::new(),
        instance: None,
        by_flow: false,
    }
}

pub(crate) fn found(targets: Vec<Target>) -> Located {
    Located { targets, only_dead_flows: false, known: true, owner: None }
}

/// The password of a user here.
pub(crate) fn password(user: &str) -> String {
    format!("secret-{user}")
}

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    std::array::from_fn(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).expect("hexadecimal"))
}

/// Users, and H(user:realm:password) by MD5, SHA-256 and SHA-512-256.
const USERS: [(&str, &str, &str, &str); 3] = [
    (
        "alice",
        "16eab7e2c14fadfb484828ecf0f3b517",
        "2d270dfde3f00a8856494ec10c3b6e2da8b722c5574d27eaa0ca2db4b87183ba",
        "4574f3454a20a8aba5eb72c721705b837d87be76d9ea50e7d2e9cca6d8b2b641",
    ),
    (
        "bob",
        "5a1559be23f2c72bda57199ea4c647ca",
        "2053946c88261cec9df491e99bd6670741ceb2cadec9302d60f66396705214ee",
        "664c0a651e969814ef7609fc1d14c0bd496f318e8c76edb28df5308e00f5174c",
    ),
    (
        "carol",
        "a2c804a80308fddb622513b78abbac06",
        "46c0c800d2396b341ce875656afd6a6637b13dcbf8afe71852b3408cb99c8ee9",
        "53f3e9da35df50695bbb9a062ce63b43ead53c2748eff739d213f17d1b562996",
    ),
];

fn user((_, md5, sha256, sha512): &(&str, &str, &str, &str)) -> User {
    User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: Some(bytes(md5)),
        ha1_sha256: Some(bytes(sha256)),
        ha1_sha512_256: Some(bytes(sha512)),
    }
}

/// Alice, bob and carol, in no group.
pub(crate) fn directory() -> Directory {
    let users = USERS.iter().map(|row| (row.0.into(), user(row)));
    Directory { users: users.collect(), ..Directory::default() }
}

/// A switchboard for `example.test` at 192.0.2.1 by UDP, TCP and TLS, that challenges nobody.
pub(crate) fn open() -> Stage {
    stage(|settings| {
        settings.auth.calls = false;
        settings.auth.registers = false;
    })
}

/// The same, challenging as it would by default.
pub(crate) fn guarded() -> Stage {
    stage(|_| {})
}

pub(crate) fn stage(change: impl FnOnce(&mut Settings)) -> Stage {
    let listener = |id, transport: Transport| {
        let port = transport.default_port();
        Listener {
            id: ListenerId(id),
            transport,
            local: SocketAddr::from(([192, 0, 2, 1], port)),
            sent_by: format!("192.0.2.1:{port}").into(),
        }
    };
    let mut settings = Settings::of_domain("example.test");
    settings.listeners =
        vec![listener(0, Transport::Udp), listener(1, Transport::Tcp), listener(2, Transport::Tls)];
    change(&mut settings);
    let settings = Arc::new(settings);
    let mut agent = Agent::new(ShardId(0), Arc::clone(&settings), [1; 32]);
    agent.handle(Instant::START, Input::Command(CommandId(0), Command::UseDirectory(Arc::new(directory()))));
    let mut users = BTreeMap::new();
    users.insert("bob@example.test".into(), found(vec![at("bob", 20)]));
    let mut location = Location::new(10, [7; 16]);
    location.limit_contacts(10);
    Stage {
        agent,
        agents: Vec::new(),
        settings,
        now: Instant::from_micros(1000),
        users,
        location,
        asked: Vec::new(),
        silent: false,
        notes: Vec::new(),
        handed: 0,
        requests: 0,
    }
}

impl Stage {
    pub(crate) fn bob(&mut self, targets: Vec<Target>) {
        self.users.insert("bob@example.test".into(), found(targets));
    }

    /// Hands in a message; gives back what is sent.
    pub(crate) fn pass(&mut self, from: Flow, text: &str) -> Vec<Sent> {
        let shards = u8::try_from(self.agents.len()).expect("few shards") + 1;
        let now = self.now;
        let shard = Agent::shard_of(text.as_bytes(), shards);
        self.shard(shard).handle(now, Input::Packet { flow: from, bytes: text.as_bytes() });
        self.drain()
    }

    fn shard(&mut self, shard: ShardId) -> &mut Agent {
        match usize::from(shard.0).checked_sub(1) {
            Some(other) => &mut self.agents[other],
            None => &mut self.agent,
        }
    }

    /// Tells every shard.
    pub(crate) fn command(&mut self, command: &Command) {
        for agent in self.agents.iter_mut().chain([&mut self.agent]) {
            agent.handle(self.now, Input::Command(CommandId(1), command.clone()));
        }
    }

    /// Hands in a message that leads to exactly one other.
    pub(crate) fn one(&mut self, from: Flow, text: &str) -> Sent {
        let sent = self.pass(from, text);
        assert_eq!(sent.len(), 1, "one message for {text}: {sent:#?}");
        sent[0].clone()
    }

    pub(crate) fn answer(&mut self, id: AskId, answer: Answer) -> Vec<Sent> {
        self.agent.handle(self.now, Input::Answer(id, answer));
        self.drain()
    }

    /// Answers the oldest question that is left, which must be for a connection.
    pub(crate) fn opened(&mut self, result: Result<Flow, FlowError>) -> Vec<Sent> {
        let (id, question) = self.asked.remove(0);
        assert!(matches!(question, Question::Open { .. }), "{question:?}");
        self.answer(id, Answer::Opened(result))
    }

    /// Answers the oldest question that is left, which must be for a name.
    pub(crate) fn resolved(&mut self, records: Records) -> Vec<Sent> {
        let (id, question) = self.asked.remove(0);
        assert!(matches!(question, Question::Dns(_)), "{question:?}");
        self.answer(id, Answer::Dns(records))
    }

    /// Lets time pass, timer by timer.
    pub(crate) fn wait(&mut self, wait: Duration) -> Vec<Sent> {
        let until = self.now + wait;
        let mut sent = Vec::new();
        let next =
            |stage: &Self| stage.agents.iter().chain([&stage.agent]).filter_map(Agent::poll_timeout).min();
        while let Some(due) = next(self).filter(|due| *due <= until) {
            self.now = self.now.max(due);
            for agent in self.agents.iter_mut().chain([&mut self.agent]) {
                agent.handle_timeout(self.now);
            }
            sent.append(&mut self.drain());
        }
        self.now = until;
        sent
    }

    /// Everything is over in the end.
    pub(crate) fn assert_ends_idle(&mut self) {
        self.wait(Duration::from_mins(10));
        assert!(self.agent.is_idle(), "nothing is left behind: {:?}", self.agent.counters());
    }

    pub(crate) fn drain(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut shard = 0;
        while usize::from(shard) <= self.agents.len() {
            let Some(output) = self.shard(ShardId(shard)).poll_output() else {
                shard += 1;
                continue;
            };
            let (at, now) = (ShardId(shard), self.now);
            match output {
                Output::Send { flow, bytes } => {
                    sent.push(Sent { flow, text: String::from_utf8_lossy(&bytes).into_owned() });
                }
                Output::Ask(id, Question::Locate(wanted)) if !self.silent => {
                    let located = self.locate(&wanted);
                    self.shard(at).handle(now, Input::Answer(id, Answer::Located(located)));
                }
                Output::Ask(id, Question::Register(registration)) if !self.silent => {
                    let registered = self.location.handle(self.now, &registration).map(|(now, _)| now);
                    self.shard(at).handle(now, Input::Answer(id, Answer::Registered(registered)));
                }
                Output::Ask(id, question) => self.asked.push((id, question)),
                Output::Event(Event::Note(note)) => self.notes.push(note),
                Output::HandOver(to, envelope) => {
                    self.handed += 1;
                    self.shard(to).handle(now, Input::Handed(envelope));
                    shard = 0;
                }
                Output::Event(_) | Output::CloseFlow(_) => {}
            }
        }
        sent
    }

    fn locate(&self, wanted: &Wanted) -> Located {
        let located = self.location.locate(self.now, wanted);
        match wanted {
            Wanted::Aor(aor) if !located.known => self.users.get(&aor.0).cloned().unwrap_or_default(),
            _ => located,
        }
    }
}

/// A request by UDP from 192.0.2.10 with whatever headers are wanted besides.
pub(crate) fn request(method: &str, uri: &str, more: &str) -> String {
    from(10, method, uri, more)
}

/// The same, from another host, by `Via` of UDP.
pub(crate) fn from(host: u8, method: &str, uri: &str, more: &str) -> String {
    build(&format!("UDP 192.0.2.{host}:5060"), "sip:alice@elsewhere.test", host, method, uri, more)
}

/// A request. What `more` says itself is not said twice.
pub(crate) fn build(via: &str, caller: &str, host: u8, method: &str, uri: &str, more: &str) -> String {
    let has = |name: &str| more.lines().any(|line| line.starts_with(name));
    let mut text = format!("{method} {uri} SIP/2.0\r\n");
    let mut line = |name: &str, value: String| {
        if !has(name) {
            text.extend([name, " ", &value, "\r\n"]);
        }
    };
    line("Via:", format!("SIP/2.0/{via};branch=z9hG4bK{method}{}", more.len()));
    line("Max-Forwards:", "70".into());
    line("From:", format!("<{caller}>;tag=a"));
    line("To:", "<sip:bob@example.test>".into());
    line("Call-ID:", "c1".into());
    line("CSeq:", format!("1 {method}"));
    line("Contact:", format!("<sip:alice@192.0.2.{host}:5060>"));
    for line in more.lines().filter(|line| !line.ends_with(": -")) {
        text.extend([line, "\r\n"]);
    }
    text.push_str("Content-Length: 0\r\n\r\n");
    text
}

pub(crate) fn invite(more: &str) -> String {
    request("INVITE", "sip:bob@example.test", more)
}

/// A response to a request that was sent, with a To tag if it is more than a 100.
pub(crate) fn reply(to: &Sent, status: u16, more: &str) -> String {
    reply_tagged(to, status, "b", more)
}

pub(crate) fn reply_tagged(to: &Sent, status: u16, tag: &str, more: &str) -> String {
    let mut text = format!("SIP/2.0 {status} Whatever\r\n");
    for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
        for value in to.all(name) {
            let tag = if name == "To" && status > 100 && !value.contains(";tag=") {
                format!(";tag={tag}")
            } else {
                String::new()
            };
            text.extend([name, ": ", value, &tag, "\r\n"]);
        }
    }
    text.push_str(more);
    text.push_str("Content-Length: 0\r\n\r\n");
    text
}

/// An ACK of the caller for a failure, hop by hop.
pub(crate) fn ack(invite: &str, response: &Sent) -> String {
    let line = |name: &str| invite.lines().find(|line| line.starts_with(name)).expect("a line").to_owned();
    let uri = invite.split(' ').nth(1).expect("a URI");
    format!(
        "ACK {uri} SIP/2.0\r\n{}\r\nMax-Forwards: 70\r\n{}\r\nTo: {}\r\n{}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        line("Via:"),
        line("From:"),
        response.one("To"),
        line("Call-ID:")
    )
}

/// The CANCEL of an INVITE.
pub(crate) fn cancel(invite: &str) -> String {
    invite.replacen("INVITE ", "CANCEL ", 1).replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL")
}

pub(crate) fn statuses(sent: &[Sent]) -> Vec<u16> {
    sent.iter().map(Sent::status).collect()
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The answer of a user to a challenge.
pub(crate) fn credentials(challenge: &str, user: &str, method: &str, uri: &str, count: u32) -> String {
    with_password(challenge, user, &password(user), method, uri, count)
}

pub(crate) fn with_password(
    challenge: &str,
    user: &str,
    password: &str,
    method: &str,
    uri: &str,
    count: u32,
) -> String {
    let challenge = ProxyAuthenticate::parse(challenge).expect("a challenge");
    let challenge = challenge.digest().expect("a digest");
    let secret = Ha1::new(challenge.algorithm, user, &challenge.realm, password);
    challenge.answer(user, &secret, &Request { method, uri, body: b"" }, count, "cnonce").to_string()
}
