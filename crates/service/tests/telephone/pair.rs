//! Agents wired to each other in memory, with virtual time: what one sends, the other gets a little
//! later, unless the test loses it. Puppets are peers that the test plays by hand.

use bytes::Bytes;
use cordboard_core::dice::Dice;
use cordboard_core::dns::{Query, Records};
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::door::{Answer, AskId, Command, CommandId, Event, Input, Output, Question, ShardId};
use cordboard_service::settings::{Role, Secret, Server, Settings, Telephone};
use cordboard_sip::{Builder, Name, Status, View};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long a packet takes.
const TRAVEL: Duration = Duration::from_millis(10);

pub(crate) struct World {
    pub(crate) now: Instant,
    nodes: Vec<Node>,
    wire: BTreeMap<(Instant, u64), Packet>,
    sent: u64,
    /// How long it takes to look a name up; without it, no time passes.
    pub(crate) lookups_take: Option<Duration>,
    lookups: VecDeque<Lookup>,
    /// Everything that was sent: `alice-bob INVITE`, `bob-alice 200 INVITE`; lost ones with an `x`.
    pub(crate) log: Vec<String>,
    /// The octets of each of them.
    pub(crate) sizes: Vec<usize>,
    /// Whether to lose this one, which the log would call so.
    pub(crate) lose: Box<dyn FnMut(&str) -> bool>,
    commands: u64,
    /// Whom telephones that are made from now on trust.
    pub(crate) neighbours: Vec<IpAddr>,
}

struct Packet {
    to: usize,
    at: ListenerId,
    from: SocketAddr,
    bytes: Bytes,
}

/// A name that is being looked up.
struct Lookup {
    due: Instant,
    node: usize,
    id: AskId,
    answer: Answer,
}

struct Node {
    name: &'static str,
    addresses: Vec<SocketAddr>,
    agent: Option<Agent>,
    /// Of an agent.
    events: Vec<CallEvent>,
    /// Of a puppet.
    inbox: VecDeque<(SocketAddr, Bytes)>,
}

/// The account of a telephone called `name`.
pub(crate) fn account(name: &str) -> Telephone {
    Telephone {
        user: name.into(),
        domain: "example.com".into(),
        passwords: vec![("*".into(), Secret("secret".into()))],
        ..Telephone::default()
    }
}

fn settings(role: Role, addresses: &[SocketAddr], neighbours: &[IpAddr]) -> Arc<Settings> {
    let listeners = addresses
        .iter()
        .enumerate()
        .map(|(at, local)| Listener {
            id: ListenerId(at as u16),
            transport: Transport::Udp,
            local: *local,
            sent_by: local.to_string().into(),
        })
        .collect();
    Arc::new(Settings {
        role,
        listeners,
        ring_bytes: 0,
        neighbours: neighbours.to_vec(),
        ..Settings::of_domain("example.com")
    })
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::START,
            nodes: Vec::new(),
            wire: BTreeMap::new(),
            sent: 0,
            lookups_take: None,
            lookups: VecDeque::new(),
            log: Vec::new(),
            sizes: Vec::new(),
            lose: Box::new(|_| false),
            commands: 0,
            neighbours: Vec::new(),
        }
    }

    fn next_address(&self) -> SocketAddr {
        format!("192.0.2.{}:5060", 1 + self.nodes.iter().map(|node| node.addresses.len()).sum::<usize>())
            .parse()
            .unwrap()
    }

    /// A telephone with `listeners` addresses.
    pub(crate) fn phone(&mut self, name: &'static str, account: Telephone, listeners: usize) -> usize {
        let first: SocketAddr = self.next_address();
        let addresses: Vec<SocketAddr> = (0..listeners as u8)
            .map(|n| match first {
                SocketAddr::V4(v4) => {
                    let [a, b, c, d] = v4.ip().octets();
                    SocketAddr::from(([a, b, c, d + n], 5060))
                }
                SocketAddr::V6(_) => unreachable!("addresses here are of version 4"),
            })
            .collect();
        self.stand(name, Role::Telephone(account), addresses)
    }

    /// A server at which a program sits.
    pub(crate) fn server(&mut self, name: &'static str, server: Server) -> usize {
        let addresses = vec![self.next_address()];
        self.stand(name, Role::Server(server), addresses)
    }

    fn stand(&mut self, name: &'static str, role: Role, addresses: Vec<SocketAddr>) -> usize {
        let seed = [self.nodes.len() as u8 + 1; 32];
        let agent = Agent::new(ShardId(0), settings(role, &addresses, &self.neighbours), seed);
        self.nodes.push(Node {
            name,
            addresses,
            agent: Some(agent),
            events: Vec::new(),
            inbox: VecDeque::new(),
        });
        self.nodes.len() - 1
    }

    /// A peer that the test plays.
    pub(crate) fn puppet(&mut self, name: &'static str) -> usize {
        let addresses = vec![self.next_address()];
        self.nodes.push(Node { name, addresses, agent: None, events: Vec::new(), inbox: VecDeque::new() });
        self.nodes.len() - 1
    }

    /// Two telephones.
    pub(crate) fn two() -> (Self, usize, usize) {
        let mut world = Self::new();
        let alice = world.phone("alice", account("alice"), 1);
        let bob = world.phone("bob", account("bob"), 1);
        (world, alice, bob)
    }

    pub(crate) fn uri(&self, node: usize) -> String {
        format!("sip:{}@{}", self.nodes[node].name, self.nodes[node].addresses[0])
    }

    pub(crate) fn address(&self, node: usize) -> SocketAddr {
        self.nodes[node].addresses[0]
    }

    pub(crate) fn press(&mut self, node: usize, action: CallAction) {
        self.commands += 1;
        let id = CommandId(self.commands);
        let now = self.now;
        self.agent(node).handle(now, Input::Command(id, Command::Call(action)));
        self.drain(node);
    }

    pub(crate) fn agent(&mut self, node: usize) -> &mut Agent {
        self.nodes[node].agent.as_mut().expect("a telephone")
    }

    /// Presses buttons until the first call is up.
    pub(crate) fn talk(&mut self, alice: usize, bob: usize) -> (CallName, CallName) {
        let (ours, theirs) = (CallName(1), CallName::incoming(0));
        let to = self.uri(bob).into();
        self.press(alice, CallAction::Dial { call: ours, to, offer: true });
        self.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
        self.press(bob, CallAction::Answer(theirs));
        self.wait(alice, |event| matches!(event, CallEvent::Established(_)));
        self.wait(bob, |event| matches!(event, CallEvent::Established(_)));
        (ours, theirs)
    }

    fn drain(&mut self, node: usize) {
        while let Some(output) = self.agent(node).poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    let from = self.nodes[node].addresses[usize::from(flow.listener.0)];
                    self.send(node, from, flow.remote, bytes);
                }
                Output::Event(Event::Call(event)) => self.nodes[node].events.push(event),
                Output::Ask(id, question) => {
                    let answer = match question {
                        Question::Dns(Query::Addresses(host)) => Answer::Dns(Records::Addresses(
                            self.nodes
                                .iter()
                                .filter(|other| host.strip_suffix(".test") == Some(other.name))
                                .map(|other| other.addresses[0].ip())
                                .collect(),
                        )),
                        Question::Dns(Query::Srv(_)) => Answer::Dns(Records::Srv(Vec::new())),
                        Question::Dns(Query::Naptr(_)) => Answer::Dns(Records::Naptr(Vec::new())),
                        other => panic!("nobody here answers {other:?}"),
                    };
                    let now = self.now;
                    match self.lookups_take {
                        Some(time) => {
                            self.lookups.push_back(Lookup { due: now + time, node, id, answer });
                        }
                        None => self.agent(node).handle(now, Input::Answer(id, answer)),
                    }
                }
                Output::Event(_) | Output::CloseFlow(_) | Output::HandOver(..) => {}
            }
        }
    }

    fn send(&mut self, node: usize, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let name = self.nodes[node].name;
        let found = self.nodes.iter().enumerate().find_map(|(at, other)| {
            let listener = other.addresses.iter().position(|address| *address == to)?;
            Some((at, ListenerId(listener as u16), other.name))
        });
        let view =
            View::parse(&bytes).unwrap_or_else(|reject| panic!("{name} sent what is no SIP: {reject:?}"));
        let what = match view.status() {
            Some(status) => format!("{} {}", status.code(), view.method_text()),
            None => view.method_text().to_owned(),
        };
        let said = format!("{name}-{} {what}", found.map_or("nobody", |(_, _, name)| name));
        self.sizes.push(bytes.len());
        if (self.lose)(&said) {
            self.log.push(format!("{said} x"));
            return;
        }
        self.log.push(said);
        let Some((to, at, _)) = found else { return };
        self.sent += 1;
        self.wire.insert((self.now + TRAVEL, self.sent), Packet { to, at, from, bytes });
    }

    /// Lets the next thing happen; false if nothing will.
    fn step(&mut self, until: Instant) -> bool {
        if self.looks_up(until) {
            return true;
        }
        let timer = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(at, node)| Some((node.agent.as_ref()?.poll_timeout()?, at)))
            .min();
        let packet = self.wire.first_key_value().map(|(key, _)| *key);
        match (timer, packet) {
            (timer, Some((due, _))) if timer.is_none_or(|(time, _)| due <= time) && due <= until => {
                self.now = self.now.max(due);
                let Some((_, packet)) = self.wire.pop_first() else { return false };
                self.deliver(packet);
                true
            }
            (Some((due, node)), _) if due <= until => {
                self.now = self.now.max(due);
                let now = self.now;
                self.agent(node).handle_timeout(now);
                self.drain(node);
                true
            }
            _ => false,
        }
    }

    /// Answers the oldest lookup if nothing else comes before it.
    fn looks_up(&mut self, until: Instant) -> bool {
        let Some(due) = self.lookups.front().map(|lookup| lookup.due).filter(|due| *due <= until) else {
            return false;
        };
        let timers = self.nodes.iter().filter_map(|node| node.agent.as_ref()?.poll_timeout());
        let packets = self.wire.keys().map(|(at, _)| *at);
        if timers.chain(packets).any(|other| other < due) {
            return false;
        }
        let Some(Lookup { node, id, answer, .. }) = self.lookups.pop_front() else { return false };
        self.now = self.now.max(due);
        let now = self.now;
        self.agent(node).handle(now, Input::Answer(id, answer));
        self.drain(node);
        true
    }

    fn deliver(&mut self, packet: Packet) {
        let Packet { to, at, from, bytes } = packet;
        let now = self.now;
        if self.nodes[to].agent.is_none() {
            self.nodes[to].inbox.push_back((from, bytes));
            return;
        }
        let flow = Flow { transport: Transport::Udp, listener: at, connection: 0, remote: from };
        self.agent(to).handle(now, Input::Packet { flow, bytes: &bytes });
        self.drain(to);
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.now = until;
    }

    /// Waits until a telephone tells this, for five minutes at most, and forgets what it told before.
    #[track_caller]
    pub(crate) fn wait(&mut self, node: usize, wanted: impl Fn(&CallEvent) -> bool) -> CallEvent {
        let until = self.now + Duration::from_mins(10);
        loop {
            if let Some(at) = self.nodes[node].events.iter().position(&wanted) {
                return self.nodes[node].events.drain(..=at).next_back().expect("one at least");
            }
            let more = self.step(until);
            let node = &self.nodes[node];
            assert!(more, "{} never told that; but {:?}; sent: {:#?}", node.name, node.events, self.log);
        }
    }

    /// What a telephone told since it was last asked.
    pub(crate) fn told(&mut self, node: usize) -> Vec<CallEvent> {
        std::mem::take(&mut self.nodes[node].events)
    }

    /// Waits for what a puppet gets.
    #[track_caller]
    pub(crate) fn receive(&mut self, puppet: usize) -> Bytes {
        let until = self.now + Duration::from_mins(10);
        while self.nodes[puppet].inbox.is_empty() {
            assert!(self.step(until), "{} gets nothing; sent: {:#?}", self.nodes[puppet].name, self.log);
        }
        self.nodes[puppet].inbox.pop_front().map(|(_, bytes)| bytes).expect("not empty")
    }

    /// What a puppet has got and not looked at.
    pub(crate) fn inbox(&mut self, puppet: usize) -> Vec<Bytes> {
        std::mem::take(&mut self.nodes[puppet].inbox).into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// Sends bytes from a puppet.
    pub(crate) fn say(&mut self, puppet: usize, to: usize, bytes: Bytes) {
        let (from, to) = (self.nodes[puppet].addresses[0], self.nodes[to].addresses[0]);
        self.send(puppet, from, to, bytes);
    }

    /// Answers a request from a puppet: a status, a To tag, lines, a body.
    #[expect(clippy::too_many_arguments, reason = "a response has so many parts")]
    pub(crate) fn reply(
        &mut self,
        puppet: usize,
        to: usize,
        request: &[u8],
        status: Status,
        tag: &str,
        lines: &[(Name, &str)],
        body: Option<&str>,
    ) {
        let request = View::parse(request).unwrap();
        let mut response = Builder::response(&request, status, Some(tag));
        for (name, value) in lines {
            response = response.line(*name, value);
        }
        let bytes = match body {
            Some(body) => response.body("application/sdp", body.as_bytes()),
            None => response.finish(),
        };
        self.say(puppet, to, bytes);
    }

    /// Lets everything come to an end and checks that nothing is left.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        self.pass(Duration::from_secs(100));
        for node in 0..self.nodes.len() {
            let name = self.nodes[node].name;
            if let Some(agent) = &self.nodes[node].agent {
                assert!(agent.is_idle(), "{name} is left with {:?}; sent: {:#?}", agent.counters(), self.log);
            }
        }
    }
}

/// A description that a puppet offers or answers.
pub(crate) fn sdp(direction: &str) -> String {
    format!(
        "v=0\r\no=p 1 1 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n\
         m=audio 3456 RTP/AVP 0\r\na={direction}\r\n"
    )
}

/// Loses a share of everything, but nothing more than three times running.
pub(crate) fn storm(seed: u8, percent: u64) -> Box<dyn FnMut(&str) -> bool> {
    let mut dice = Dice::new([seed; 32], 9);
    let mut running: BTreeMap<String, u32> = BTreeMap::new();
    Box::new(move |said| {
        let lost = running.entry(said.to_owned()).or_default();
        let lose = *lost < 3 && dice.below(100) < percent;
        *lost = if lose { *lost + 1 } else { 0 };
        lose
    })
}
