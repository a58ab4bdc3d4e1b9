//! The shards of one server and everything they reach: the middle of every driver.
//!
//! Whoever has an input takes the lock of its shard, hands it in, and works off what comes out: a
//! message for a connection is queued there at once, a datagram is kept in the caller's [`Outbox`]
//! and sent when the lock is free again, a question is answered or passed on. Nothing holds two
//! shards' locks.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, FlowError, Listener, Transport};
use cordboard_service::door::{
    Answer, AskId, Command, CommandId, Input, Output, PeerIdentity, Question, ShardId,
};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::alarm::Alarm;
use crate::clock::Clock;
use crate::config::{Limits, Origins};
use crate::dns::Resolver;
use crate::flows::Flows;
use crate::open;
use crate::server::Traffic;
use crate::shard::Shard;
use crate::store::{Deliver, Reply, Store};
use crate::tls::Identity;
use crate::udp::{Datagrams, Outbox};

/// Sends to connections that are gone, that one input may lead to before we stop telling the shard.
const MAX_DEAD_SENDS: usize = 64;

/// One server: its shards, its connections, and who answers questions.
pub(crate) struct Hub<A> {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) limits: Limits,
    pub(crate) origins: Origins,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) flows: Arc<Flows>,
    pub(crate) datagrams: Datagrams,
    pub(crate) tls: Option<Identity>,
    pub(crate) resolver: Resolver,
    pub(crate) tasks: tokio::runtime::Handle,
    pub(crate) alarm: Alarm,
    /// Set once, when the server ends.
    pub(crate) stopping: AtomicBool,
    slots: Box<[Slot<A>]>,
    /// Shared by everybody who works off inputs, until what came of them is sent.
    working: RwLock<()>,
    next_command: AtomicU64,
    /// Connections for which there was no room.
    refused: AtomicU64,
}

/// One shard; on cache lines of its own, so that its neighbours do not slow it down.
#[repr(align(128))]
struct Slot<A> {
    agent: Mutex<A>,
    /// When its timers want to be fired, in microseconds; `u64::MAX` for never.
    deadline: AtomicU64,
}

thread_local! {
    /// The outbox of threads that carry a message now and then: tasks, stores, the alarm.
    static OUTBOX: RefCell<Outbox> = const { RefCell::new(Outbox::new()) };
}

/// What a hub is made of.
pub(crate) struct Parts<A> {
    pub(crate) agents: Vec<A>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) limits: Limits,
    pub(crate) origins: Origins,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) datagrams: Datagrams,
    pub(crate) tls: Option<Identity>,
    pub(crate) resolver: Resolver,
    pub(crate) tasks: tokio::runtime::Handle,
}

impl<A: Shard> Hub<A> {
    pub(crate) fn new(parts: Parts<A>) -> Arc<Self> {
        let slot = |agent: A| {
            let deadline = AtomicU64::new(micros(agent.poll_timeout()));
            Slot { agent: Mutex::new(agent), deadline }
        };
        Arc::new(Self {
            listeners: parts.listeners,
            limits: parts.limits,
            origins: parts.origins,
            clock: parts.clock,
            store: parts.store,
            flows: Arc::new(Flows::new(parts.limits, parts.clock)),
            datagrams: parts.datagrams,
            tls: parts.tls,
            resolver: parts.resolver,
            tasks: parts.tasks,
            alarm: Alarm::new(),
            stopping: AtomicBool::new(false),
            slots: parts.agents.into_iter().map(slot).collect(),
            working: RwLock::new(()),
            next_command: AtomicU64::new(1),
            refused: AtomicU64::new(0),
        })
    }

    pub(crate) fn shards(&self) -> u8 {
        u8::try_from(self.slots.len()).unwrap_or(u8::MAX)
    }

    /// Every shard's name.
    pub(crate) fn shard_ids(&self) -> impl Iterator<Item = ShardId> + use<A> {
        (0..self.shards()).map(ShardId)
    }

    pub(crate) fn shard_of(&self, bytes: &[u8]) -> ShardId {
        match self.shards() {
            1 => ShardId(0),
            shards => A::shard_of(bytes, shards),
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Takes a shard's lock. Leaving the guard fires what is due and tells the alarm when to come back.
    pub(crate) fn enter<'a>(
        self: &'a Arc<Self>,
        shard: ShardId,
        now: Instant,
        out: &'a mut Outbox,
    ) -> Entered<'a, A> {
        let slot = &self.slots[usize::from(shard.0) % self.slots.len()];
        // A panic elsewhere is a bug that was reported there; the other calls go on.
        let agent = slot.agent.lock().unwrap_or_else(PoisonError::into_inner);
        Entered { hub: self, slot, shard, now, agent, out }
    }

    /// Hands in what comes from outside the workers, and sends what comes out.
    pub(crate) fn run(self: &Arc<Self>, shard: ShardId, inputs: impl FnOnce(&mut Entered<'_, A>)) {
        let _working = self.working();
        OUTBOX.with_borrow_mut(|out| {
            inputs(&mut self.enter(shard, self.clock.now(), out));
            self.send_datagrams(out, 0);
        });
    }

    /// To be held from the first input until what came of it is sent, and once at a time by a thread.
    pub(crate) fn working(&self) -> RwLockReadGuard<'_, ()> {
        self.working.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands in one message that came over a connection.
    pub(crate) fn deliver(self: &Arc<Self>, flow: Flow, bytes: &[u8]) {
        self.run(self.shard_of(bytes), |entered| entered.input(Input::Packet { flow, bytes }));
    }

    /// Tells every shard who is at the other end of a connection.
    pub(crate) fn flow_opened(self: &Arc<Self>, flow: Flow, identities: &Arc<[PeerIdentity]>) {
        for shard in self.shard_ids() {
            self.run(shard, |entered| entered.input(Input::FlowOpened(flow, Arc::clone(identities))));
        }
    }

    /// Tells every shard that a flow is of no use any more.
    pub(crate) fn flow_closed(self: &Arc<Self>, flow: Flow, why: FlowError) {
        for shard in self.shard_ids() {
            self.run(shard, |entered| entered.input(Input::FlowClosed(flow, why)));
        }
    }

    /// Answers one question.
    pub(crate) fn answer(self: &Arc<Self>, shard: ShardId, ask: AskId, answer: Answer) {
        self.run(shard, |entered| entered.input(Input::Answer(ask, answer)));
    }

    /// Hands a command to the given shards, under one name. Whoever commands may do so because of an event, whose
    /// datagrams are sent first: a 200 must not overtake the 180 before it.
    pub(crate) fn command(
        self: &Arc<Self>,
        shards: impl Iterator<Item = ShardId>,
        command: &Command,
    ) -> CommandId {
        let id = CommandId(self.next_command.fetch_add(1, Ordering::Relaxed));
        drop(self.working.write().unwrap_or_else(PoisonError::into_inner));
        for shard in shards {
            self.run(shard, |entered| entered.input(Input::Command(id, command.clone())));
        }
        id
    }

    /// Fires the timers that are due by now, and says when the next ones are.
    pub(crate) fn fire_timers(self: &Arc<Self>) -> u64 {
        let now = self.clock.now();
        for (shard, slot) in self.shard_ids().zip(&self.slots) {
            if slot.deadline.load(Ordering::SeqCst) <= now.as_micros() {
                self.run(shard, |_| {});
            }
        }
        self.next_deadline()
    }

    /// The earliest deadline of all shards.
    pub(crate) fn next_deadline(&self) -> u64 {
        let deadlines = self.slots.iter().map(|slot| slot.deadline.load(Ordering::SeqCst));
        deadlines.min().unwrap_or(u64::MAX)
    }

    /// Hands on what shards have for each other, until they have nothing more. Each letter leads to one more at most.
    fn hand_over(self: &Arc<Self>, out: &mut Outbox) {
        while !out.handed.is_empty() {
            let now = self.clock.now();
            for (shard, envelope) in std::mem::take(&mut out.handed) {
                self.enter(shard, now, out).input(Input::Handed(envelope));
            }
        }
    }

    /// Hands over what is in `out` for other shards, sends its datagrams through the sockets of `worker`, and tells
    /// the shards which peers cannot be reached until they have nothing more to say to it.
    pub(crate) fn send_datagrams(self: &Arc<Self>, out: &mut Outbox, worker: usize) {
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            self.hand_over(out);
            if !out.is_empty() {
                self.datagrams.send(out, worker);
            }
            if out.unreachable.is_empty() {
                return;
            }
            let unreachable = std::mem::take(&mut out.unreachable);
            let now = self.clock.now();
            for shard in self.shard_ids() {
                let mut entered = self.enter(shard, now, out);
                for flow in &unreachable {
                    entered.input(Input::FlowClosed(*flow, FlowError::Unreachable));
                }
            }
        }
        self.hand_over(out);
    }

    /// Takes note that a connection found no room.
    pub(crate) fn connection_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How much the drivers carry and had to refuse.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            connections: self.flows.count(),
            refused_connections: self.refused.load(Ordering::Relaxed),
            refused_datagrams: self.datagrams.refused(),
        }
    }

    pub(crate) fn counters(&self) -> Vec<A::Counters> {
        let agents = self.slots.iter().map(|slot| slot.agent.lock().unwrap_or_else(PoisonError::into_inner));
        agents.map(|agent| agent.counters()).collect()
    }

    /// The listener to which an outgoing datagram or connection to `remote` belongs: one that speaks
    /// the transport, of the same version of IP, and on this machine if the peer is on it.
    pub(crate) fn listener_for(
        &self,
        transport: Transport,
        remote: std::net::SocketAddr,
    ) -> Option<&Listener> {
        let fitting = self.listeners.iter().filter(|listener| {
            listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4()
        });
        let rank = |listener: &&Listener| {
            let (local, remote) = (listener.local.ip(), remote.ip());
            match () {
                () if local == remote => 0,
                () if local.is_unspecified() => 2,
                () if local.is_loopback() == remote.is_loopback() => 1,
                () => 3,
            }
        };
        fitting.min_by_key(rank)
    }
}

impl<A: Shard> Deliver for Hub<A> {
    fn answers(self: Arc<Self>, answers: Vec<(Reply, Answer)>) {
        let mut by_shard: Vec<VecDeque<(AskId, Answer)>> = vec![VecDeque::new(); self.slots.len()];
        for (reply, answer) in answers {
            by_shard[usize::from(reply.shard.0) % self.slots.len()].push_back((reply.ask, answer));
        }
        for (shard, answers) in self.shard_ids().zip(by_shard) {
            if !answers.is_empty() {
                self.run(shard, |entered| {
                    for (ask, answer) in answers {
                        entered.input(Input::Answer(ask, answer));
                    }
                });
            }
        }
    }
}

/// A shard whose lock this thread holds.
pub(crate) struct Entered<'a, A: Shard> {
    hub: &'a Arc<Hub<A>>,
    slot: &'a Slot<A>,
    shard: ShardId,
    now: Instant,
    agent: MutexGuard<'a, A>,
    out: &'a mut Outbox,
}

impl<A: Shard> Entered<'_, A> {
    /// Hands in one input and works off what comes out.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.agent.handle(self.now, input);
        self.drain();
    }

    /// Keeps a datagram that no agent has made.
    pub(crate) fn send_datagram(&mut self, flow: Flow, bytes: bytes::Bytes) {
        self.out.push(flow, bytes);
    }

    fn drain(&mut self) {
        let mut dead_sends = 0;
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { flow, bytes } if flow.transport == Transport::Udp => {
                    self.out.push(flow, bytes);
                }
                Output::Send { flow, bytes } => {
                    if !self.hub.flows.send(flow, bytes) && dead_sends < MAX_DEAD_SENDS {
                        dead_sends += 1;
                        self.agent.handle(self.now, Input::FlowClosed(flow, FlowError::Closed));
                    }
                }
                Output::Ask(ask, question) => {
                    if let Some(answer) = self.ask(ask, question) {
                        self.agent.handle(self.now, Input::Answer(ask, answer));
                    }
                }
                Output::Event(event) => self.hub.store.event(self.now, self.shard, event),
                Output::CloseFlow(flow) => self.hub.flows.close(flow),
                Output::HandOver(shard, envelope) => self.out.handed.push((shard, envelope)),
            }
        }
    }

    /// Answers at once what can be, and sees to it that the rest is answered later.
    fn ask(&self, ask: AskId, question: Question) -> Option<Answer> {
        match question {
            Question::Dns(query) => self.hub.resolver.look_up(self.hub, self.shard, ask, query),
            Question::Open { transport, remote, server_name } => open::open(
                self.hub,
                self.shard,
                ask,
                crate::flows::Opening { transport, remote, server_name },
            ),
            question @ (Question::Locate(_) | Question::Register(_) | Question::Keep { .. }) => {
                let reply = Reply { shard: self.shard, ask, deliver: Arc::<Hub<A>>::clone(self.hub) };
                self.hub.store.ask(self.now, question, reply)
            }
        }
    }
}

impl<A: Shard> Drop for Entered<'_, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut next = self.agent.poll_timeout();
        if next.is_some_and(|next| next <= self.now) {
            self.agent.handle_timeout(self.now);
            self.drain();
            next = self.agent.poll_timeout();
        }
        let next = micros(next);
        if self.slot.deadline.load(Ordering::Relaxed) != next {
            self.slot.deadline.store(next, Ordering::SeqCst);
            self.hub.alarm.want(next);
        }
    }
}

fn micros(deadline: Option<Instant>) -> u64 {
    deadline.map_or(u64::MAX, Instant::as_micros)
}
