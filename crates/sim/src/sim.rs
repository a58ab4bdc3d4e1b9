//! The simulation: one clock, one network, and the hosts on it.

use crate::facts;
use crate::fault::{Fault, Faults};
use crate::host::{self, Host, HostId, Standing};
use crate::names::Names;
use crate::session::Sessions;
use crate::stream::{End, Streams};
use crate::tap::{Seen, Tap};
use crate::weather::{Climate, STILL_LATENCY, Weather};
use bytes::Bytes;
use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, FlowError, Listener, ListenerId, Transport};
use cordboard_ladder::Ladder;
use cordboard_service::door::{Answer, AskId, Command, CommandId, Envelope, Event, Input, Output, Question};
use cordboard_service::kept::{Record, RecordName};
use cordboard_sip::View;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a store takes to keep a registration on a still network, where names are known at once.
const STILL_COMMIT: Duration = Duration::from_millis(1);

/// The longest that a store and a lookup take in a storm; a store commits in batches of 10 ms.
const LONGEST_COMMIT: Duration = Duration::from_millis(15);
const LONGEST_LOOKUP: Duration = Duration::from_millis(80);

/// How long an attempt to connect to a host that is off takes to fail.
const CONNECT_GIVES_UP: Duration = Duration::from_secs(5);

/// Timers that may fire at one moment before a host is said to be stuck.
const MAX_FIRES_AT_ONCE: u32 = 10_000;

/// Streams of the seed's generator; hosts have those from `FIRST_HOST` on.
const WEATHER: u64 = 0;
const PEOPLE: u64 = 1;
const FIRST_HOST: u64 = 16;

/// Something that an agent told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When.
    pub at: Instant,
    /// On which host.
    pub host: HostId,
    /// What.
    pub event: Event,
}

/// What is on its way.
#[derive(Debug)]
pub(crate) enum Happening {
    Packet(End, Bytes),
    Closed(HostId, Flow, FlowError),
    Answer {
        host: HostId,
        shard: usize,
        ask: AskId,
        answer: Answer,
    },
    /// A store has written something down; then it says so.
    Kept {
        host: HostId,
        shard: usize,
        ask: AskId,
        name: RecordName,
        record: Option<Box<Record>>,
    },
    Handed {
        host: HostId,
        shard: usize,
        envelope: Envelope,
    },
}

/// A virtual network with a clock, and hosts on it.
pub struct Sim {
    seed: [u8; 32],
    now: Instant,
    fires_at_once: u32,
    sequence: u64,
    coming: BTreeMap<(Instant, u64), Happening>,
    hosts: Vec<Standing>,
    names: Names,
    climate: Climate,
    people: Dice,
    streams: Streams,
    faults: Faults,
    tap: Tap,
    sessions: Sessions,
    notices: VecDeque<Notice>,
    commands: u64,
    /// How often a host was started again.
    starts: u64,
}

impl Sim {
    /// An empty network. The same seed and the same calls give the same run.
    pub fn new(seed: [u8; 32], weather: Weather) -> Self {
        Self {
            seed,
            now: Instant::START,
            fires_at_once: 0,
            sequence: 0,
            coming: BTreeMap::new(),
            hosts: Vec::new(),
            names: Names::default(),
            climate: Climate::new(weather, Dice::new(seed, WEATHER)),
            people: Dice::new(seed, PEOPLE),
            streams: Streams::default(),
            faults: Faults::default(),
            tap: Tap::default(),
            sessions: Sessions::default(),
            notices: VecDeque::new(),
            commands: 0,
            starts: 0,
        }
    }

    /// Puts a host on the network.
    pub fn stand(&mut self, host: Host) -> HostId {
        let id = HostId(self.hosts.len());
        for address in &host.addresses {
            self.names.host(&host.name, *address);
        }
        let mut dice = Dice::new(self.seed, FIRST_HOST + id.0 as u64);
        self.hosts.push(Standing::new(host, &mut dice));
        id
    }

    /// The hosts table.
    pub const fn names_mut(&mut self) -> &mut Names {
        &mut self.names
    }

    /// How a host is drawn.
    pub fn name(&self, host: HostId) -> &str {
        &self.hosts[host.0].name
    }

    /// Where a host listens.
    pub fn listeners(&self, host: HostId) -> &[Listener] {
        &self.hosts[host.0].listeners
    }

    /// The virtual time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The weather.
    pub const fn weather(&self) -> Weather {
        self.climate.weather()
    }

    /// The generator for what people do: how long they take, whom they choose.
    pub const fn people(&mut self) -> &mut Dice {
        &mut self.people
    }

    /// What passed on the wire.
    pub const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Who has which session up.
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Makes something go wrong.
    pub fn fault(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Makes it go right again.
    pub fn lift(&mut self, fault: &Fault) {
        self.faults.lift(fault);
    }

    /// Turns every silent host on again.
    pub fn lift_silence(&mut self) {
        self.faults.lift_silence();
    }

    /// Losses that were asked for and never happened.
    pub fn unused_faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.unused()
    }

    /// Hands a command to every agent of a host.
    pub fn command(&mut self, host: HostId, command: &Command) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        for shard in 0..self.hosts[host.0].agents.len() {
            self.hand(host, shard, Input::Command(id, command.clone()));
        }
        id
    }

    /// Sends bytes that no agent of `from` made to a listener of `to`, from that of its own which speaks the
    /// same; false if either has none. Over a stream it uses, or opens, a connection.
    pub fn inject(&mut self, from: HostId, to: HostId, transport: Transport, bytes: &Bytes) -> bool {
        let speaks = |host: HostId| {
            self.hosts[host.0].listeners.iter().find(|listener| listener.transport == transport)
        };
        let (Some(near), Some(far)) = (speaks(from), speaks(to)) else { return false };
        let (near, far) = ((from, near.id, near.local), (to, far.id, far.local));
        let flow = match transport {
            Transport::Udp => Flow { transport, listener: near.1, connection: 0, remote: far.2 },
            _ => self.streams.open(self.now, transport, near, far),
        };
        self.send(from, flow, bytes);
        true
    }

    /// Kills the process at a host, as SIGKILL does, and starts it again: connections are gone, and so is all that it knew
    /// but for what it had written down.
    pub fn start_again(&mut self, host: HostId) {
        self.starts += 1;
        let mut dice = Dice::new(self.seed, FIRST_HOST + (self.starts << 32) + host.0 as u64);
        for peer in (0..self.hosts.len()).map(HostId) {
            for near in self.streams.between(host, peer) {
                if let Some((far, due)) = self.streams.close(near.connection, self.now) {
                    self.schedule(due, Happening::Closed(far.host, far.flow, FlowError::Closed));
                }
            }
        }
        self.coming.retain(|_, happening| match happening {
            Happening::Packet(..) => true,
            Happening::Closed(to, ..) => *to != host,
            Happening::Answer { host: to, .. }
            | Happening::Kept { host: to, .. }
            | Happening::Handed { host: to, .. } => *to != host,
        });
        let standing = &mut self.hosts[host.0];
        standing.start_again(&mut dice);
        let records: Vec<_> = standing.kept.clone().into_iter().collect();
        self.command(host, &Command::TakeUp(records.into()));
    }

    /// What a host has written down.
    pub fn kept(&self, host: HostId) -> impl Iterator<Item = &Record> {
        self.hosts[host.0].kept.values()
    }

    /// A store writes one after the other.
    fn write_down(&mut self, host: HostId, happening: Happening) {
        let wait = self.climate.within(STILL_COMMIT, LONGEST_COMMIT);
        let due = self.hosts[host.0].written.max(self.now + wait);
        self.hosts[host.0].written = due;
        self.schedule(due, happening);
    }

    /// Lets a host's location service know for a day of a contact that nobody registered, as an administrator
    /// would.
    pub fn provision(&mut self, host: HostId, aor: &str, contact: &str) {
        host::provision(&mut self.hosts[host.0].location, self.now, aor, contact);
    }

    /// Breaks every connection between two hosts; both are told.
    pub fn break_connections(&mut self, one: HostId, other: HostId) {
        for near in self.streams.between(one, other) {
            if let Some((far, _)) = self.streams.close(near.connection, self.now) {
                self.schedule(self.now, Happening::Closed(one, near, FlowError::Closed));
                self.schedule(self.now, Happening::Closed(far.host, far.flow, FlowError::Closed));
            }
        }
    }

    /// What agents told, oldest first.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Lets the next thing happen that is due by `until`: one delivery, or every timer of one moment. False if
    /// there is none; the clock is then at `until`.
    pub fn step(&mut self, until: Instant) -> bool {
        let arrival = self.coming.first_key_value().map(|((at, _), _)| *at);
        let timer = self.next_timer().map(|at| at.max(self.now));
        let next = [arrival, timer].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.advance_to(next);
        if timer == Some(next) && arrival != Some(next) {
            self.fire_timers();
        } else if let Some((_, happening)) = self.coming.pop_first() {
            self.happen(happening);
        }
        true
    }

    /// Whether nothing is on its way: no message, no answer to a question.
    pub fn is_quiet(&self) -> bool {
        self.coming.is_empty()
    }

    /// What is left behind on each host: transactions, contexts, questions, calls. Empty when all are idle.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        for host in &self.hosts {
            for (shard, agent) in host.agents.iter().enumerate() {
                if !agent.is_idle() {
                    let counters = agent.counters();
                    left.push(format!(
                        "{} (shard {shard}): {} client and {} server transactions, {} contexts{}",
                        host.name,
                        counters.client_transactions,
                        counters.server_transactions,
                        counters.contexts,
                        if host.is_switchboard { "" } else { ", or a call" },
                    ));
                }
            }
        }
        left
    }

    /// The drawing of what passed from row `first` of the tap on.
    pub fn ladder(&self, first: usize) -> Ladder {
        self.tap.ladder(first, |host| self.name(host))
    }

    /// What the weather was and what it took, in a few lines.
    pub fn losses(&self) -> String {
        let lost: Vec<&Seen> = self.tap.messages(0).filter(|seen| seen.lost).collect();
        let mut text = format!(
            "weather {:?} ({} % drawn): {} of {} messages lost\n",
            self.climate.weather(),
            self.climate.loss_percent(),
            lost.len(),
            self.tap.messages(0).count(),
        );
        for seen in lost {
            let word = View::parse(&seen.bytes).map_or_else(|_| "garbage".into(), |view| facts::word(&view));
            let (from, to) = (self.name(seen.from), self.name(seen.to));
            let written = writeln!(text, "  {} {from} -> {to} {word}", seen.at);
            debug_assert!(written.is_ok(), "a String takes whatever is written");
        }
        text
    }

    /// How long a person takes to act.
    pub fn reaction(&mut self, still: Duration, longest: Duration) -> Duration {
        if self.weather().is_calm() {
            return still;
        }
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.people.below(micros.saturating_add(1)))
    }

    fn next_timer(&self) -> Option<Instant> {
        self.timers().map(|(due, ..)| due).min()
    }

    /// When the timers of each agent are due, by its host and shard.
    pub(crate) fn timers(&self) -> impl Iterator<Item = (Instant, HostId, usize)> {
        self.hosts.iter().enumerate().flat_map(|(host, standing)| {
            let agents = standing.agents.iter().enumerate();
            agents.filter_map(move |(shard, agent)| Some((agent.poll_timeout()?, HostId(host), shard)))
        })
    }

    /// What is on its way: when it arrives, its place among the rest, and what it is.
    pub(crate) fn coming(&self) -> impl Iterator<Item = (Instant, u64, &Happening)> {
        self.coming.iter().map(|((at, place), happening)| (*at, *place, happening))
    }

    /// The bytes of a packet on its way.
    pub(crate) fn packet(&self, at: Instant, place: u64) -> Option<&Bytes> {
        match self.coming.get(&(at, place))? {
            Happening::Packet(_, bytes) => Some(bytes),
            Happening::Closed(..)
            | Happening::Answer { .. }
            | Happening::Kept { .. }
            | Happening::Handed { .. } => None,
        }
    }

    /// Lets one thing happen that is on its way.
    pub(crate) fn take_coming(&mut self, at: Instant, place: u64) {
        if let Some(happening) = self.coming.remove(&(at, place)) {
            self.happen(happening);
        }
    }

    /// Fires the timers of one agent.
    pub(crate) fn fire_timers_of(&mut self, host: HostId, shard: usize) {
        self.hosts[host.0].agents[shard].handle_timeout(self.now);
        self.drain(host, shard);
    }

    /// Puts the clock forward; it never goes back.
    pub(crate) fn advance_to(&mut self, at: Instant) {
        let next = self.now.max(at);
        self.count_fires(next);
        self.now = next;
    }

    fn count_fires(&mut self, next: Instant) {
        self.fires_at_once = if next == self.now { self.fires_at_once + 1 } else { 0 };
        assert!(
            self.fires_at_once < MAX_FIRES_AT_ONCE,
            "the clock stands still at {next}: an agent is stuck"
        );
    }

    fn fire_timers(&mut self) {
        for host in 0..self.hosts.len() {
            for shard in 0..self.hosts[host].agents.len() {
                let due = self.hosts[host].agents[shard].poll_timeout();
                if due.is_some_and(|due| due <= self.now) {
                    self.fire_timers_of(HostId(host), shard);
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Packet(end, bytes) => self.arrive(end, &bytes),
            Happening::Closed(host, flow, why) => {
                self.hosts[host.0].location.flow_closed(&flow);
                for shard in 0..self.hosts[host.0].agents.len() {
                    self.hand(host, shard, Input::FlowClosed(flow, why));
                }
            }
            Happening::Answer { host, shard, ask, answer } => {
                self.hand(host, shard, Input::Answer(ask, answer));
            }
            Happening::Kept { host, shard, ask, name, record } => {
                let kept = &mut self.hosts[host.0].kept;
                match record {
                    Some(record) => kept.insert(name, *record),
                    None => kept.remove(&name),
                };
                self.hand(host, shard, Input::Answer(ask, Answer::Kept(true)));
            }
            Happening::Handed { host, shard, envelope } => {
                self.hand(host, shard, Input::Handed(envelope));
            }
        }
    }

    fn arrive(&mut self, end: End, bytes: &Bytes) {
        if self.faults.is_silent(end.host) {
            return;
        }
        let view = View::parse(bytes);
        if let Ok(view) = &view {
            if self.faults.is_deaf(end.host, &facts::word(view)) {
                return;
            }
            self.note(end.host, false, view);
        }
        let shard = self.hosts[end.host.0].shard_of(bytes);
        self.hand(end.host, shard, Input::Packet { flow: end.flow, bytes });
    }

    fn hand(&mut self, host: HostId, shard: usize, input: Input<'_>) {
        self.hosts[host.0].agents[shard].handle(self.now, input);
        self.drain(host, shard);
    }

    fn drain(&mut self, host: HostId, shard: usize) {
        while let Some(output) = self.hosts[host.0].agents[shard].poll_output() {
            match output {
                Output::Send { flow, bytes } => self.send(host, flow, &bytes),
                Output::Ask(ask, question) => self.ask(host, shard, ask, question),
                Output::Event(event) => {
                    self.notices.push_back(Notice { at: self.now, host, event });
                }
                Output::HandOver(to, envelope) => {
                    let shard = usize::from(to.0) % self.hosts[host.0].agents.len();
                    self.schedule(self.now, Happening::Handed { host, shard, envelope });
                }
                Output::CloseFlow(flow) => {
                    if let Some((end, due)) = self.streams.close(flow.connection, self.now + STILL_LATENCY) {
                        self.schedule(due, Happening::Closed(end.host, end.flow, FlowError::Closed));
                    }
                }
            }
        }
    }

    fn send(&mut self, host: HostId, flow: Flow, bytes: &Bytes) {
        if self.faults.is_silent(host) {
            return;
        }
        if let Ok(view) = View::parse(bytes) {
            self.note(host, true, &view);
        }
        if flow.connection == 0 {
            self.send_datagram(host, flow, bytes);
        } else {
            self.send_segment(host, flow, bytes);
        }
    }

    fn send_datagram(&mut self, host: HostId, flow: Flow, bytes: &Bytes) {
        let Some(remote) = self.hosts[host.0].local(flow.listener) else { return };
        // What is sent to nobody is gone, as on any network.
        let Some((to, listener)) = self.listening(Transport::Udp, flow.remote) else { return };
        let word = View::parse(bytes).map_or_else(|_| String::new(), |view| facts::word(&view));
        let late = self.faults.delays(&word, host, to);
        let fate = if self.faults.loses(&word, host, to) { Vec::new() } else { self.climate.datagram(bytes) };
        self.tap.message(self.now, [host, to], Transport::Udp, bytes, fate.is_empty());
        for delay in fate.into_iter().map(|delay| delay + late) {
            let flow = Flow { transport: Transport::Udp, listener, connection: 0, remote };
            self.schedule(self.now + delay, Happening::Packet(End { host: to, flow }, bytes.clone()));
        }
    }

    fn send_segment(&mut self, host: HostId, flow: Flow, bytes: &Bytes) {
        let due = self.now + self.climate.segment();
        match self.streams.carry(flow.connection, due) {
            Some((end, due)) => {
                self.tap.message(self.now, [host, end.host], flow.transport, bytes, false);
                self.schedule(due, Happening::Packet(end, bytes.clone()));
            }
            None => self.schedule(self.now, Happening::Closed(host, flow, FlowError::Closed)),
        }
    }

    fn ask(&mut self, host: HostId, shard: usize, ask: AskId, question: Question) {
        let (wait, answer) = match question {
            Question::Dns(query) => {
                let wait = self.climate.within(Duration::ZERO, LONGEST_LOOKUP);
                (wait, Answer::Dns(self.names.look_up(&query)))
            }
            Question::Open { transport, remote, .. } => self.open(host, transport, remote),
            Question::Locate(wanted) => {
                (Duration::ZERO, Answer::Located(self.hosts[host.0].location.locate(self.now, &wanted)))
            }
            Question::Register(registration) => {
                let wait = self.climate.within(STILL_COMMIT, LONGEST_COMMIT);
                let kept = self.hosts[host.0].location.handle(self.now, &registration);
                (wait, Answer::Registered(kept.map(|(registered, _)| registered)))
            }
            Question::Keep { name, text, due } => {
                let record = text
                    .map(|text| Box::new(Record::parse(&text, due).expect("an agent reads what it wrote")));
                return self.write_down(host, Happening::Kept { host, shard, ask, name, record });
            }
        };
        self.schedule(self.now + wait, Happening::Answer { host, shard, ask, answer });
    }

    fn open(&mut self, host: HostId, transport: Transport, remote: SocketAddr) -> (Duration, Answer) {
        let there = self.listening(transport, remote);
        let here = self.hosts[host.0].listeners.iter().find(|listener| listener.transport == transport);
        let (Some((to, listener)), Some(here)) = (there, here) else {
            return (STILL_LATENCY * 2, Answer::Opened(Err(FlowError::Unreachable)));
        };
        if self.faults.is_silent(to) {
            return (CONNECT_GIVES_UP, Answer::Opened(Err(FlowError::Unreachable)));
        }
        let near = (host, here.id, here.local);
        let flow = self.streams.open(self.now, transport, near, (to, listener, remote));
        (self.climate.segment() * 2, Answer::Opened(Ok(flow)))
    }

    fn listening(&self, transport: Transport, at: SocketAddr) -> Option<(HostId, ListenerId)> {
        self.hosts
            .iter()
            .enumerate()
            .find_map(|(host, standing)| Some((HostId(host), standing.listener(transport, at)?)))
    }

    /// Reads for the sessions what a telephone sent or got.
    fn note(&mut self, host: HostId, sent: bool, message: &View<'_>) {
        if self.hosts[host.0].is_switchboard || !self.sessions.note(host, sent, message) {
            return;
        }
        self.tap.talking(self.now, self.sessions.streams());
    }

    fn schedule(&mut self, at: Instant, happening: Happening) {
        self.sequence += 1;
        self.coming.insert((at, self.sequence), happening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_service::settings::{Role, Settings, Telephone};

    const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

    /// A telephone and a switchboard.
    fn two_hosts(seed: u8, weather: Weather) -> (Sim, [HostId; 2]) {
        let mut sim = Sim::new([seed; 32], weather);
        let settings = |role: Option<Role>| {
            let settings = Settings { ring_bytes: 0, ..Settings::of_domain("example.com") };
            Settings { role: role.unwrap_or_else(|| settings.role.clone()), ..settings }
        };
        let mut stand = |name, last, role| {
            let address = std::net::Ipv4Addr::new(192, 0, 2, last).into();
            sim.stand(Host::listening(name, None, &[address], &TRANSPORTS, settings(role)))
        };
        let phone = stand("phone", 1, Some(Role::Telephone(Telephone::default())));
        let board = stand("board", 2, None);
        (sim, [phone, board])
    }

    fn options(call_id: u32) -> Bytes {
        let text = format!(
            "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{call_id};rport\r\n\
             From: <sip:a@elsewhere.example>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Bytes::from(text)
    }

    fn run(sim: &mut Sim, seconds: u64) {
        let until = sim.now() + Duration::from_secs(seconds);
        while sim.step(until) {}
    }

    #[test]
    fn a_switchboard_of_any_number_of_shards_answers_over_datagrams_and_streams() {
        for seed in 0..8 {
            let (mut sim, [phone, board]) = two_hosts(seed, Weather::Still);
            for (call_id, transport) in (0..).zip([Transport::Udp, Transport::Tcp, Transport::Udp]) {
                assert!(sim.inject(phone, board, transport, &options(call_id)));
            }
            assert!(!sim.inject(phone, board, Transport::Tls, &options(9)));
            run(&mut sim, 40);
            let drawn = sim.ladder(0);
            assert_eq!(drawn.messages().filter(|message| message.label == "OPTIONS").count(), 3);
            assert_eq!(drawn.messages().filter(|message| message.label == "200").count(), 3, "{drawn}");
            assert!(sim.is_quiet() && sim.left_behind().is_empty(), "{:?}", sim.left_behind());
        }
    }

    #[test]
    fn what_is_under_way_is_left_behind_and_told() {
        let (mut sim, [phone, board]) = two_hosts(1, Weather::Still);
        sim.inject(phone, board, Transport::Udp, &options(1));
        run(&mut sim, 1);
        let left = sim.left_behind();
        assert!(left.len() == 1 && left[0].starts_with("board"), "{left:?}");
    }

    #[test]
    fn a_silent_host_says_and_hears_nothing_until_it_is_back() {
        let (mut sim, [phone, board]) = two_hosts(1, Weather::Still);
        let fault = Fault::Silent(board);
        sim.fault(fault.clone());
        sim.inject(phone, board, Transport::Udp, &options(1));
        run(&mut sim, 1);
        assert_eq!(sim.tap().len(), 1);
        sim.lift(&fault);
        sim.inject(phone, board, Transport::Udp, &options(1));
        run(&mut sim, 1);
        let again: Vec<bool> = sim.tap().messages(0).map(|seen| seen.again).collect();
        assert_eq!(again, [false, true, false]);
    }

    #[test]
    fn a_broken_connection_carries_nothing_back() {
        let (mut sim, [phone, board]) = two_hosts(1, Weather::Still);
        sim.inject(phone, board, Transport::Tcp, &options(1));
        sim.break_connections(phone, board);
        run(&mut sim, 40);
        assert!(!sim.ladder(0).messages().any(|message| message.label == "200"));
        assert!(sim.left_behind().is_empty());
    }

    #[test]
    fn a_name_is_that_of_its_host() {
        let (mut sim, [phone, _]) = two_hosts(1, Weather::Still);
        assert_eq!(sim.name(phone), "phone");
        assert!(sim.poll_notice().is_none());
        assert_eq!(sim.reaction(Duration::from_secs(1), Duration::ZERO), Duration::from_secs(1));
        assert!(sim.losses().contains("0 of 0 messages lost"));
    }
}
