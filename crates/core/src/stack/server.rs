//! Server transactions in the stack: what the tables' acts mean.

use super::{Event, Outgoing, Received, Stack, Stranded, timer_key};
use crate::time::Instant;
use crate::timing::{Timer, Timers};
use crate::transaction::key::Key;
use crate::transaction::{Owner, ServerId, invite_server, non_invite_server};
use crate::transport::{Flow, Transport};
use bytes::Bytes;
use cordboard_sip::{Method, Rport, Status, View};
use std::net::SocketAddr;
use std::time::Duration;

/// For how long an INVITE may stay unanswered before a 100 is owed (RFC 3261 §17.2.1).
const TRYING_AFTER: Duration = Duration::from_millis(200);

/// A request of somebody else and how far its answer got.
#[derive(Debug)]
pub(super) struct Server {
    generation: u32,
    key: Key,
    machine: Machine,
    /// Where responses go (§18.2.2, RFC 3581 §4).
    flow: Flow,
    /// What a repeat of the request gets.
    last: Option<Bytes>,
    owner: Owner,
    timers: Timers,
    interval: Duration,
    armed: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    Invite(invite_server::State),
    NonInvite(non_invite_server::State),
}

impl Stack {
    pub(super) fn start_server(
        &mut self,
        now: Instant,
        key: Key,
        flow: Flow,
        request: &View<'_>,
    ) -> ServerId {
        self.generation = self.generation.wrapping_add(1);
        let invite = request.method() == Method::Invite;
        let mut timers = Timers::default();
        timers.start(Timer::Trying, now + if invite { TRYING_AFTER } else { self.timing.trying_after() });
        let machine = if invite {
            Machine::Invite(invite_server::State::Proceeding)
        } else {
            Machine::NonInvite(non_invite_server::State::Trying)
        };
        let flow = reply_flow(flow, request);
        self.answered_over.enter(flow);
        let slot = self.servers.insert(Server {
            generation: self.generation,
            key,
            machine,
            flow,
            last: None,
            owner: Owner::default(),
            timers,
            interval: self.timing.t1,
            armed: None,
        }) as u32;
        self.by_key.insert(key, slot);
        self.arm_latest();
        let id = ServerId { slot, generation: self.generation };
        self.unarmed = Some(id);
        id
    }

    /// Arms the timers of the request that came last, if it is still there.
    pub(super) fn arm_latest(&mut self) {
        if let Some(id) = self.unarmed.take()
            && self.server(id).is_some()
        {
            self.arm_server(id.slot);
        }
    }

    /// A request, or an ACK, of a transaction that exists.
    pub(super) fn server_again(&mut self, now: Instant, slot: u32, ack: bool) -> Received {
        let id = self.server_id(slot);
        let up = match self.server(id).map(|server| server.machine) {
            Some(Machine::Invite(_)) if ack => {
                self.advance_invite_server(now, id, invite_server::Input::Ack, None)
            }
            Some(Machine::Invite(_)) => {
                self.advance_invite_server(now, id, invite_server::Input::Request, None)
            }
            Some(Machine::NonInvite(_)) if !ack => {
                self.advance_non_invite_server(now, id, non_invite_server::Input::Request, None);
                false
            }
            Some(Machine::NonInvite(_)) | None => false,
        };
        if up { Received::Ack } else { Received::Absorbed }
    }

    /// Answers a request. What the state forbids, such as a second final response, is dropped.
    pub fn respond(&mut self, now: Instant, id: ServerId, status: Status, bytes: Bytes) {
        match self.server(id).map(|server| server.machine) {
            Some(Machine::Invite(_)) => {
                let input = match status.code() / 100 {
                    1 => invite_server::Input::SendProvisional,
                    2 => invite_server::Input::SendSuccess,
                    _ => invite_server::Input::SendFailure,
                };
                self.advance_invite_server(now, id, input, Some(bytes));
            }
            Some(Machine::NonInvite(_)) => {
                let input = if status.code() < 200 {
                    non_invite_server::Input::SendProvisional
                } else {
                    non_invite_server::Input::SendFinal
                };
                self.advance_non_invite_server(now, id, input, Some(bytes));
            }
            None => {}
        }
    }

    /// Answers a request that came just now and forgets it, so that whoever is not let in costs no memory (RFC 3261
    /// §8.2.7). A repeat of it is a new request; the ACK of an INVITE so refused belongs to no transaction.
    pub fn respond_statelessly(&mut self, id: ServerId, bytes: Bytes) {
        let Some(server) = self.server(id) else { return };
        let flow = server.flow;
        self.drop_server(id.slot);
        self.send(flow, bytes);
    }

    /// What is still to be answered of a transaction goes over another flow from now on.
    pub fn answer_over(&mut self, id: ServerId, flow: Flow) {
        let Some(server) = self.server_mut(id) else { return };
        let old = std::mem::replace(&mut server.flow, flow);
        self.answered_over.leave(old);
        self.answered_over.enter(flow);
    }

    /// Forgets a non-INVITE request that will never be answered (RFC 4320 §4.2).
    pub fn abandon(&mut self, now: Instant, id: ServerId) {
        if let Some(Server { machine: Machine::NonInvite(_), .. }) = self.server(id) {
            self.advance_non_invite_server(now, id, non_invite_server::Input::Abandon, None);
        }
    }

    /// Says to whom a server transaction belongs.
    pub fn own(&mut self, id: ServerId, owner: Owner) {
        if let Some(server) = self.server_mut(id) {
            server.owner = owner;
        }
    }

    /// To whom a server transaction belongs.
    pub fn server_owner(&self, id: ServerId) -> Option<Owner> {
        self.server(id).map(|server| server.owner)
    }

    /// Whether an INVITE still waits for its final response.
    pub fn is_proceeding(&self, id: ServerId) -> bool {
        matches!(
            self.server(id).map(|server| server.machine),
            Some(Machine::Invite(invite_server::State::Proceeding))
        )
    }

    /// The flow that responses go over.
    pub fn server_flow(&self, id: ServerId) -> Option<Flow> {
        self.server(id).map(|server| server.flow)
    }

    pub(super) fn server_timeout(&mut self, now: Instant, slot: u32, generation: u32) {
        let id = ServerId { slot, generation };
        if let Some(server) = self.server_mut(id) {
            server.armed = None;
        }
        while let Some(timer) = self.server_mut(id).and_then(|server| server.timers.pop_due(now)) {
            match self.server(id).map(|server| server.machine) {
                Some(Machine::Invite(_)) => {
                    self.advance_invite_server(now, id, invite_server::Input::Fired(timer), None);
                }
                Some(Machine::NonInvite(_)) => {
                    self.advance_non_invite_server(now, id, non_invite_server::Input::Fired(timer), None);
                }
                None => {}
            }
        }
        if self.server(id).is_some() {
            self.arm_server(slot);
        }
    }

    /// Feeds the INVITE table; true if an ACK is to be passed up.
    fn advance_invite_server(
        &mut self,
        now: Instant,
        id: ServerId,
        input: invite_server::Input,
        response: Option<Bytes>,
    ) -> bool {
        use invite_server::{Act, State};
        let timing = self.timing;
        let Some(server) = self.server_mut(id) else { return false };
        let Machine::Invite(before) = server.machine else { return false };
        let (state, acts) = invite_server::step(before, input);
        server.machine = Machine::Invite(state);
        let reliable = server.flow.transport.is_reliable();
        let mut response = response;
        let mut up = false;
        for act in acts {
            let Some(server) = self.server_mut(id) else { return up };
            match act {
                Act::Send => {
                    // A 2xx is repeated by whoever made it (§13.3.1.4), so it need not be kept.
                    let keep = state != State::Accepted;
                    self.answer(id, response.take(), keep);
                }
                Act::Resend => self.answer_again(id),
                Act::SendTrying => self.tell_server(id, Event::TryingOwed),
                Act::StopTimers => server.timers.stop(),
                Act::StartGAndH => {
                    if !reliable {
                        server.timers.start(Timer::G, now + timing.t1);
                    }
                    server.timers.start(Timer::H, now + timing.give_up());
                }
                Act::RestartG => {
                    server.interval = (server.interval * 2).min(timing.t2);
                    server.timers.start(Timer::G, now + server.interval);
                }
                Act::StartI => {
                    server.last = None;
                    server.timers.start(Timer::I, now + if reliable { Duration::ZERO } else { timing.t4 });
                }
                Act::StartL => server.timers.start(Timer::L, now + timing.give_up()),
                Act::PassUp => up = true,
                Act::AckMissing => self.tell_server(id, Event::AckMissing),
            }
        }
        self.settle_server(id, state == State::Terminated);
        up
    }

    fn advance_non_invite_server(
        &mut self,
        now: Instant,
        id: ServerId,
        input: non_invite_server::Input,
        response: Option<Bytes>,
    ) {
        use non_invite_server::{Act, State};
        let timing = self.timing;
        let Some(server) = self.server_mut(id) else { return };
        let Machine::NonInvite(before) = server.machine else { return };
        let (state, acts) = non_invite_server::step(before, input);
        server.machine = Machine::NonInvite(state);
        let mut response = response;
        for act in acts {
            match act {
                Act::Send => self.answer(id, response.take(), true),
                Act::Resend => self.answer_again(id),
                Act::SendTrying => self.tell_server(id, Event::TryingOwed),
                Act::StartJ => {
                    if let Some(server) = self.server_mut(id) {
                        server.timers.stop();
                        let reliable = server.flow.transport.is_reliable();
                        let wait = if reliable { Duration::ZERO } else { timing.give_up() };
                        server.timers.start(Timer::J, now + wait);
                    }
                }
            }
        }
        self.settle_server(id, state == State::Terminated);
    }

    fn answer(&mut self, id: ServerId, response: Option<Bytes>, keep: bool) {
        let (Some(server), Some(bytes)) = (self.server_mut(id), response) else { return };
        server.last = keep.then(|| bytes.clone());
        let flow = server.flow;
        self.send_back(id, flow, bytes);
    }

    fn answer_again(&mut self, id: ServerId) {
        let Some(server) = self.server(id) else { return };
        if let Some(bytes) = server.last.clone() {
            let flow = server.flow;
            self.send_back(id, flow, bytes);
        }
    }

    /// §18.2.2: over the connection of the request, if it still stands.
    fn send_back(&mut self, server: ServerId, flow: Flow, bytes: Bytes) {
        if self.answered_over.is_dead(flow) {
            self.stranded.push_back(Stranded { server, flow, bytes });
        } else {
            self.outgoing.push_back(Outgoing { flow, bytes });
        }
    }

    fn tell_server(&mut self, id: ServerId, event: fn(ServerId, Owner) -> Event) {
        if let Some(owner) = self.server_owner(id) {
            self.events.push_back(event(id, owner));
        }
    }

    fn settle_server(&mut self, id: ServerId, over: bool) {
        if over {
            self.tell_server(id, Event::ServerGone);
            self.drop_server(id.slot);
        } else {
            self.arm_server(id.slot);
        }
    }

    fn drop_server(&mut self, slot: u32) {
        let server = self.servers.remove(slot as usize);
        self.by_key.remove(&server.key);
        self.answered_over.leave(server.flow);
    }

    fn arm_server(&mut self, slot: u32) {
        let Some(server) = self.servers.get_mut(slot as usize) else { return };
        if self.unarmed.is_some_and(|id| id.slot == slot) {
            return;
        }
        if let Some(due) = server.timers.next()
            && server.armed.is_none_or(|armed| due < armed)
        {
            server.armed = Some(due);
            self.wheel.arm(due, timer_key(true, slot, server.generation));
        }
    }

    pub(super) fn server_id(&self, slot: u32) -> ServerId {
        let generation = self.servers.get(slot as usize).map_or(0, |server| server.generation);
        ServerId { slot, generation }
    }

    fn server(&self, id: ServerId) -> Option<&Server> {
        self.servers.get(id.slot as usize).filter(|server| server.generation == id.generation)
    }

    fn server_mut(&mut self, id: ServerId) -> Option<&mut Server> {
        self.servers.get_mut(id.slot as usize).filter(|server| server.generation == id.generation)
    }
}

/// §18.2.2 and RFC 3581 §4: over the connection the request came by; a datagram to its source, at
/// the source port if the Via asks for it by `rport`, else at the port in the Via.
fn reply_flow(flow: Flow, request: &View<'_>) -> Flow {
    if flow.transport != Transport::Udp {
        return flow;
    }
    let via = request.top_via();
    match via.rport {
        Rport::Asked | Rport::Filled(_) => flow,
        Rport::Absent => {
            let port = via.port.unwrap_or(Transport::Udp.default_port());
            Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..flow }
        }
    }
}
