//! A server with agents that echo, and ways to poke it.

use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Transport};
use cordboard_net::{
    Accepts, Clock, Config, Dns, FromSeed, Limits, ListenOn, Origins, Peer, Reply, Running, Server, Shard,
    StartError, Store, Tls,
};
use cordboard_service::door::{Answer, AskId, Command, Event, Input, Level, Note, Output, Question, ShardId};
use cordboard_service::location::{Aor, Located, Wanted};
use cordboard_service::settings::Settings;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a test waits for what must happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// An agent that sends back every message, does what commands say, and notes the rest.
pub(crate) struct Echo {
    outputs: VecDeque<Output>,
    timer: Option<Instant>,
    last: Option<Flow>,
    asks: u64,
    packets: u64,
}

impl FromSeed for Echo {
    fn new(_shard: ShardId, _shards: u8, settings: Arc<Settings>, _seed: [u8; 32]) -> Self {
        assert!(!settings.listeners.is_empty(), "listeners are filled in");
        Self { outputs: VecDeque::new(), timer: None, last: None, asks: 0, packets: 0 }
    }
}

impl Shard for Echo {
    type Counters = u64;

    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        ShardId(sum % shards)
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Packet { flow, bytes } => {
                assert!(!bytes.starts_with(b"PANIC"), "the test wants a panic");
                self.packets += 1;
                self.last = Some(flow);
                self.outputs.push_back(Output::Send { flow, bytes: Bytes::copy_from_slice(bytes) });
            }
            Input::FlowOpened(flow, identities) => {
                assert_ne!(self.last, Some(flow), "it is told before the first message");
                self.note(format!("opened: {} identities", identities.len()), Some(flow));
            }
            Input::FlowClosed(flow, why) => self.note(format!("closed: {why}"), Some(flow)),
            Input::Answer(ask, answer) => self.note(format!("answer {}: {answer:?}", ask.0), opened(&answer)),
            Input::Command(_, Command::ShowCall { call_id }) => self.obey(now, &call_id),
            Input::Command(..) | Input::Handed(_) => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.timer.is_some_and(|timer| timer <= now) {
            self.timer = None;
            self.note("timer".to_owned(), None);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    fn counters(&self) -> u64 {
        self.packets
    }
}

impl Echo {
    fn note(&mut self, text: String, flow: Option<Flow>) {
        let (level, says, identity) = (Level::Info, "test", Some(text.into()));
        self.outputs.push_back(Output::Event(Event::Note(Note {
            level,
            says,
            call_id: None,
            flow,
            identity,
        })));
    }

    fn obey(&mut self, now: Instant, order: &str) {
        let words: Vec<&str> = order.split(' ').collect();
        match *words.as_slice() {
            ["timer", millis] => self.timer = Some(now + Duration::from_millis(millis.parse().unwrap())),
            ["open", transport, remote, server_name] => self.ask(Question::Open {
                transport: transport.parse().unwrap(),
                remote: remote.parse().unwrap(),
                server_name: server_name.trim_matches('"').into(),
            }),
            ["naptr", name] => self.ask(Question::Dns(cordboard_core::dns::Query::Naptr(name.into()))),
            ["srv", name] => self.ask(Question::Dns(cordboard_core::dns::Query::Srv(name.into()))),
            ["addresses", name] => {
                self.ask(Question::Dns(cordboard_core::dns::Query::Addresses(name.into())));
            }
            ["locate", user] => self.ask(Question::Locate(Wanted::Aor(Aor(user.into())))),
            ["flood", count] => {
                let flow = self.last.expect("somebody to flood");
                let bytes = message("FLOOD", &"x".repeat(8_000));
                for _ in 0..count.parse().unwrap() {
                    self.outputs.push_back(Output::Send { flow, bytes: bytes.clone() });
                }
            }
            ["close"] => {
                let flow = self.last.expect("somebody to close");
                self.outputs.push_back(Output::Send { flow, bytes: message("FAREWELL", "") });
                self.outputs.push_back(Output::CloseFlow(flow));
            }
            ["send", transport, remote] => {
                let (transport, remote) = (transport.parse().unwrap(), remote.parse().unwrap());
                let listener = cordboard_core::transport::ListenerId(0);
                let flow = Flow { transport, listener, connection: 0, remote };
                self.outputs.push_back(Output::Send { flow, bytes: message("HELLO", "") });
            }
            _ => panic!("no such order: {order}"),
        }
    }

    fn ask(&mut self, question: Question) {
        self.asks += 1;
        self.outputs.push_back(Output::Ask(AskId(self.asks), question));
    }
}

fn opened(answer: &Answer) -> Option<Flow> {
    match answer {
        Answer::Opened(Ok(flow)) => Some(*flow),
        _ => None,
    }
}

/// A message that frames well on streams.
pub(crate) fn message(method: &str, body: &str) -> Bytes {
    format!(
        "{method} sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

/// What a store saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Note(String, Option<Flow>),
    Opened(Flow, Peer),
    Closed(Flow),
}

/// Writes down what it is told; answers for `at-once` at once, and for others when the test says so.
struct Watch {
    seen: Mutex<Sender<Seen>>,
    replies: Mutex<Sender<Reply>>,
}

impl Store for Watch {
    fn ask(&self, _now: Instant, question: Question, reply: Reply) -> Option<Answer> {
        match question {
            Question::Locate(Wanted::Aor(aor)) if &*aor.0 == "at-once" => {
                Some(Answer::Located(Located { known: true, ..Located::default() }))
            }
            _ => {
                self.replies.lock().unwrap().send(reply).unwrap();
                None
            }
        }
    }

    fn event(&self, _now: Instant, _shard: ShardId, event: Event) {
        if let Event::Note(note) = event {
            self.tell(Seen::Note(note.identity.unwrap_or_default().into(), note.flow));
        }
    }

    fn flow_opened(&self, _now: Instant, flow: Flow, peer: &Peer) {
        self.tell(Seen::Opened(flow, peer.clone()));
    }

    fn flow_closed(&self, _now: Instant, flow: Flow) {
        self.tell(Seen::Closed(flow));
    }
}

impl Watch {
    fn tell(&self, seen: Seen) {
        // A server that ends may outlive the test's interest.
        let _ = self.seen.lock().unwrap().send(seen);
    }
}

/// A server under test.
pub(crate) struct Stage {
    pub(crate) server: Running<Echo>,
    seen: Receiver<Seen>,
    pub(crate) replies: Receiver<Reply>,
}

/// How to start one.
pub(crate) struct Setup {
    pub(crate) listen: Vec<ListenOn>,
    pub(crate) limits: Limits,
    pub(crate) tls: Option<Tls>,
    pub(crate) origins: Origins,
    pub(crate) dns: Dns,
    pub(crate) shards: u8,
}

impl Setup {
    /// Listeners on free ports: `udp 127.0.0.1` or `tls [::1]:5061`.
    pub(crate) fn on(listeners: &[&str]) -> Self {
        let listen = listeners.iter().map(|text| {
            let (transport, address) = text.split_once(' ').unwrap();
            let address = address.parse().or_else(|_| format!("{address}:0").parse()).unwrap();
            ListenOn {
                transport: transport.parse().unwrap(),
                address,
                sent_by: None,
                accepts: Accepts::Peers,
            }
        });
        Self {
            listen: listen.collect(),
            limits: Limits::DEFAULT,
            tls: None,
            origins: Origins::Any,
            dns: Dns::default(),
            shards: 2,
        }
    }

    pub(crate) fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    pub(crate) fn try_start(self) -> Result<Stage, StartError> {
        let (seen_in, seen) = channel();
        let (replies_in, replies) = channel();
        let store = Arc::new(Watch { seen: Mutex::new(seen_in), replies: Mutex::new(replies_in) });
        let server = Server::start(Config {
            settings: settings(),
            listen: self.listen,
            tls: self.tls,
            origins: self.origins,
            dns: self.dns,
            shards: self.shards,
            limits: self.limits,
            store,
            clock: Clock::new(),
            seed: [1; 32],
            directory: Arc::default(),
        })?;
        Ok(Stage { server, seen, replies })
    }

    pub(crate) fn start(self) -> Stage {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }
}

fn settings() -> Settings {
    Settings { ring_bytes: 0, key: [2; 32], ..Settings::of_domain("example.com") }
}

impl Stage {
    /// The address of the first listener for `transport`.
    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        let mut listeners = self.server.listeners().iter();
        listeners.find(|listener| listener.transport == transport).expect("such a listener").local
    }

    /// Tells the first shard to do something.
    pub(crate) fn order(&self, order: &str) {
        self.server.command_to(ShardId(0), Command::ShowCall { call_id: order.into() });
    }

    /// Tells every shard.
    pub(crate) fn order_all(&self, order: &str) {
        self.server.command(Command::ShowCall { call_id: order.into() });
    }

    /// Waits for the first thing that `wanted` makes something of.
    pub(crate) fn wait<T>(&self, wanted: impl Fn(&Seen) -> Option<T>) -> T {
        let started = std::time::Instant::now();
        let mut seen = Vec::new();
        while let Some(left) = SOON.checked_sub(started.elapsed()) {
            let Ok(next) = self.seen.recv_timeout(left) else { break };
            if let Some(found) = wanted(&next) {
                return found;
            }
            seen.push(next);
        }
        panic!("it did not happen; what did: {seen:?}");
    }

    /// Waits for a note that starts like this.
    pub(crate) fn noted(&self, start: &str) -> (String, Option<Flow>) {
        self.wait(|seen| match seen {
            Seen::Note(text, flow) if text.starts_with(start) => Some((text.clone(), *flow)),
            _ => None,
        })
    }

    /// Waits until a connection stands.
    pub(crate) fn opened(&self) -> (Flow, Peer) {
        self.wait(|seen| match seen {
            Seen::Opened(flow, peer) => Some((*flow, peer.clone())),
            _ => None,
        })
    }

    /// Waits until the number of connections is this.
    pub(crate) fn until_connections(&self, count: usize) {
        let started = std::time::Instant::now();
        while self.server.traffic().connections != count {
            assert!(started.elapsed() < SOON, "{} connections", self.server.traffic().connections);
            std::thread::yield_now();
        }
    }
}
