//! Client transactions in the stack: what the tables' acts mean.

use super::{Event, Outgoing, Received, Stack, timer_key};
use crate::time::Instant;
use crate::timing::{Timer, Timers};
use crate::transaction::{ClientId, Owner, branch, invite_client, non_invite_client};
use crate::transport::Flow;
use bytes::Bytes;
use cordboard_sip::{Builder, Method, Name, View};
use std::time::Duration;

/// Transactions that are looked at when a datagram was refused.
const MAX_LOOKED_AT: usize = 10_000;

/// A request of ours and how far it got.
#[derive(Debug)]
pub(super) struct Client {
    nonce: u64,
    machine: Machine,
    flow: Flow,
    /// The request, as long as it may have to be sent again, cancelled or acknowledged.
    request: Bytes,
    owner: Owner,
    timers: Timers,
    /// The interval of the resending timer.
    interval: Duration,
    /// When the wheel will wake this transaction.
    armed: Option<Instant>,
    cancel: Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    /// Named, its request not yet written.
    Reserved,
    Invite(invite_client::State),
    NonInvite(non_invite_client::State),
}

/// How far the cancelling of an INVITE got (RFC 3261 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cancel {
    No,
    /// Wanted, and to be sent when the first provisional response comes.
    Wanted,
    /// Sent, in this transaction.
    Sent(ClientId),
}

impl Stack {
    /// Names a client transaction before its request is written, because the name stands in the
    /// request's branch. Follow with [`request`](Self::request) or [`release`](Self::release).
    pub fn reserve(&mut self) -> ClientId {
        let nonce = self.dice.bits();
        let slot = self.clients.insert(Client {
            nonce,
            machine: Machine::Reserved,
            flow: NOWHERE,
            request: Bytes::new(),
            owner: Owner::default(),
            timers: Timers::default(),
            interval: Duration::ZERO,
            armed: None,
            cancel: Cancel::No,
        });
        ClientId { slot: slot as u32, nonce }
    }

    /// The branch to write into the Via of a reserved transaction; a proxy adds its loop hash.
    pub fn branch(&self, id: ClientId, loop_hash: Option<u64>) -> String {
        branch::write(self.shard, id, loop_hash)
    }

    /// Gives back a name that was not used.
    pub fn release(&mut self, id: ClientId) {
        if self.client(id).is_some_and(|client| client.machine == Machine::Reserved) {
            self.clients.remove(id.slot as usize);
        }
    }

    /// Starts a reserved transaction: sends its request and keeps sending until something comes back.
    /// Never for an ACK.
    pub fn request(
        &mut self,
        now: Instant,
        id: ClientId,
        flow: Flow,
        method: Method,
        bytes: Bytes,
        owner: Owner,
    ) {
        let timing = self.timing;
        let Some(client) = self.client_mut(id) else { return };
        client.flow = flow;
        client.owner = owner;
        client.request = bytes.clone();
        client.interval = timing.t1;
        let (resend, give_up) = if method == Method::Invite {
            client.machine = Machine::Invite(invite_client::State::Calling);
            (Timer::A, Timer::B)
        } else {
            client.machine = Machine::NonInvite(non_invite_client::State::Trying);
            (Timer::E, Timer::F)
        };
        if !flow.transport.is_reliable() {
            client.timers.start(resend, now + timing.t1);
        }
        client.timers.start(give_up, now + timing.give_up());
        if flow.connection != 0 {
            self.by_connection.entry(flow.connection).or_default().push(id.slot);
        }
        self.outgoing.push_back(Outgoing { flow, bytes });
        self.arm_client(id.slot);
    }

    /// Cancels an INVITE: at once if a provisional response came, else when one comes (RFC 3261
    /// §9.1). Does nothing when the final response is here, or for other methods.
    pub fn cancel(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.client_mut(id) else { return };
        match (client.machine, client.cancel) {
            (Machine::Invite(invite_client::State::Calling), Cancel::No) => client.cancel = Cancel::Wanted,
            (Machine::Invite(invite_client::State::Proceeding), Cancel::No) => self.send_cancel(now, id),
            _ => {}
        }
    }

    /// The request of a transaction, while it may still be needed.
    pub fn client_request(&self, id: ClientId) -> Option<&Bytes> {
        self.client(id).map(|client| &client.request).filter(|request| !request.is_empty())
    }

    /// The flow a transaction sends over.
    pub fn client_flow(&self, id: ClientId) -> Option<Flow> {
        self.client(id).map(|client| client.flow)
    }

    /// The transaction that a response with this branch and `CSeq` method answers.
    pub(super) fn answered(&self, id: ClientId, method: Method) -> Option<ClientId> {
        let client = self.client(id)?;
        match (client.machine, method) {
            (Machine::Invite(_), Method::Invite) => Some(id),
            (Machine::Invite(_), Method::Cancel) => match client.cancel {
                Cancel::Sent(cancel) => Some(cancel),
                Cancel::No | Cancel::Wanted => None,
            },
            (Machine::NonInvite(_), Method::Invite) | (Machine::Invite(_) | Machine::Reserved, _) => None,
            (Machine::NonInvite(_), _) => Some(id),
        }
    }

    pub(super) fn client_response(&mut self, now: Instant, id: ClientId, response: &View<'_>) -> Received {
        let Some(client) = self.client(id) else { return Received::StrayResponse };
        let (owner, was) = (client.owner, client.machine);
        let class = response.status().map_or(0, |status| status.code() / 100);
        let up = match was {
            Machine::Invite(_) => {
                let input = match class {
                    1 => invite_client::Input::Provisional,
                    2 => invite_client::Input::Success,
                    _ => invite_client::Input::Failure,
                };
                self.advance_invite(now, id, input, Some(response))
            }
            Machine::NonInvite(_) => {
                let input = if class == 1 {
                    non_invite_client::Input::Provisional
                } else {
                    non_invite_client::Input::Final
                };
                self.advance_non_invite(now, id, input)
            }
            Machine::Reserved => false,
        };
        if let Some(Client {
            machine: Machine::Invite(invite_client::State::Proceeding),
            cancel: Cancel::Wanted,
            ..
        }) = self.client(id)
        {
            self.send_cancel(now, id);
        }
        if up { Received::Response(id, owner) } else { Received::Absorbed }
    }

    pub(super) fn client_timeout(&mut self, now: Instant, slot: u32, generation: u32) {
        let Some(client) = self.clients.get_mut(slot as usize) else { return };
        if client.nonce as u32 != generation {
            return;
        }
        client.armed = None;
        let id = ClientId { slot, nonce: client.nonce };
        while let Some(timer) = self.client_mut(id).and_then(|client| client.timers.pop_due(now)) {
            self.advance_client(
                now,
                id,
                invite_client::Input::Fired(timer),
                non_invite_client::Input::Fired(timer),
            );
        }
        self.arm_client(slot);
    }

    /// The request could not be sent, or will never be answered because its connection is gone.
    pub fn client_failed(&mut self, now: Instant, id: ClientId) {
        self.advance_client(
            now,
            id,
            invite_client::Input::TransportFailed,
            non_invite_client::Input::TransportFailed,
        );
    }

    pub(super) fn client_flow_closed(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.get(slot as usize) else { return };
        self.client_failed(now, ClientId { slot, nonce: client.nonce });
    }

    /// Nobody listens where datagrams went (RFC 3261 §18.4). Only requests that have heard nothing yet
    /// fail, and only so many are looked at, for anybody can provoke such news.
    pub(super) fn datagram_refused(&mut self, now: Instant, flow: Flow) {
        let silent = |client: &Client| {
            client.flow == flow
                && matches!(
                    client.machine,
                    Machine::Invite(invite_client::State::Calling)
                        | Machine::NonInvite(non_invite_client::State::Trying)
                )
        };
        let failed: Vec<ClientId> = self
            .clients
            .iter()
            .take(MAX_LOOKED_AT)
            .filter(|(_, client)| silent(client))
            .map(|(slot, client)| ClientId { slot: slot as u32, nonce: client.nonce })
            .collect();
        for id in failed {
            self.client_failed(now, id);
        }
    }

    fn advance_client(
        &mut self,
        now: Instant,
        id: ClientId,
        invite: invite_client::Input,
        other: non_invite_client::Input,
    ) {
        match self.client(id).map(|client| client.machine) {
            Some(Machine::Invite(_)) => self.advance_invite(now, id, invite, None),
            Some(Machine::NonInvite(_)) => self.advance_non_invite(now, id, other),
            Some(Machine::Reserved) | None => false,
        };
    }

    /// Feeds the INVITE table; true if the response is to be passed up.
    fn advance_invite(
        &mut self,
        now: Instant,
        id: ClientId,
        input: invite_client::Input,
        response: Option<&View<'_>>,
    ) -> bool {
        use invite_client::{Act, State};
        let Some(client) = self.client_mut(id) else { return false };
        let Machine::Invite(before) = client.machine else { return false };
        let (state, acts) = invite_client::step(before, input);
        client.machine = Machine::Invite(state);
        let mut up = false;
        for act in acts {
            match act {
                Act::PassUp => up = true,
                Act::StopTimers => self.client_mut(id).map_or((), |client| client.timers.stop()),
                Act::Resend => self.resend(now, id, Timer::A),
                Act::Ack => self.ack_failure(id, response),
                Act::StartD => self.start_last(now, id, Timer::D, Duration::from_secs(32)),
                Act::StartM => {
                    self.start_last(now, id, Timer::M, self.timing.give_up());
                    if let Some(client) = self.client_mut(id) {
                        client.request = Bytes::new();
                    }
                }
                Act::TimeOut => self.tell_client(id, Event::TimedOut),
                Act::Fail => self.tell_client(id, Event::TransportFailed),
            }
        }
        if state == State::Terminated {
            self.drop_client(id);
        } else {
            self.arm_client(id.slot);
        }
        up
    }

    /// Feeds the non-INVITE table; true if the response is to be passed up.
    fn advance_non_invite(&mut self, now: Instant, id: ClientId, input: non_invite_client::Input) -> bool {
        use non_invite_client::{Act, State};
        let t2 = self.timing.t2;
        let Some(client) = self.client_mut(id) else { return false };
        let Machine::NonInvite(before) = client.machine else { return false };
        let (state, acts) = non_invite_client::step(before, input);
        client.machine = Machine::NonInvite(state);
        if state == State::Proceeding && before == State::Trying {
            // §17.1.2.2: from now on E runs at T2.
            client.interval = t2;
        }
        let mut up = false;
        for act in acts {
            match act {
                Act::PassUp => up = true,
                Act::Resend => self.resend(now, id, Timer::E),
                Act::StartK => {
                    self.start_last(now, id, Timer::K, self.timing.t4);
                    if let Some(client) = self.client_mut(id) {
                        client.request = Bytes::new();
                    }
                }
                Act::TimeOut => self.tell_client(id, Event::TimedOut),
                Act::Fail => self.tell_client(id, Event::TransportFailed),
            }
        }
        if state == State::Terminated {
            self.drop_client(id);
        } else {
            self.arm_client(id.slot);
        }
        up
    }

    /// Sends the request again. A doubles without a bound (§17.1.1.2), E up to T2 (§17.1.2.2).
    fn resend(&mut self, now: Instant, id: ClientId, timer: Timer) {
        let t2 = self.timing.t2;
        let Some(client) = self.client_mut(id) else { return };
        client.interval *= 2;
        if timer == Timer::E {
            client.interval = client.interval.min(t2);
        }
        client.timers.start(timer, now + client.interval);
        let outgoing = Outgoing { flow: client.flow, bytes: client.request.clone() };
        self.outgoing.push_back(outgoing);
    }

    /// Starts the timer that absorbs repeats: at once over, where the transport repeats nothing.
    /// M runs everywhere: other branches of a fork may still answer (RFC 6026 §8.4).
    fn start_last(&mut self, now: Instant, id: ClientId, timer: Timer, wait: Duration) {
        let Some(client) = self.client_mut(id) else { return };
        client.timers.stop();
        let wait =
            if client.flow.transport.is_reliable() && timer != Timer::M { Duration::ZERO } else { wait };
        client.timers.start(timer, now + wait);
    }

    /// §17.1.1.3: the ACK for a failure goes where the INVITE went, with its branch and route.
    fn ack_failure(&mut self, id: ClientId, response: Option<&View<'_>>) {
        let (Some(client), Some(response)) = (self.client(id), response) else { return };
        let Ok(invite) = View::parse(&client.request) else { return };
        let ack = hop_request(&invite, "ACK", response.value(Name::TO).unwrap_or_default());
        let flow = client.flow;
        self.outgoing.push_back(Outgoing { flow, bytes: ack.finish() });
    }

    /// §9.1: everything that names the INVITE is copied from it; then B ends the wait for a 487.
    fn send_cancel(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.client(id) else { return };
        let Ok(invite) = View::parse(&client.request) else { return };
        let cancel = hop_request(&invite, "CANCEL", invite.value(Name::TO).unwrap_or_default()).finish();
        let (flow, owner) = (client.flow, client.owner);
        let cancel_id = self.reserve();
        let give_up = now + self.timing.give_up();
        if let Some(client) = self.client_mut(id) {
            client.cancel = Cancel::Sent(cancel_id);
            client.timers.start(Timer::B, give_up);
        }
        self.arm_client(id.slot);
        self.request(now, cancel_id, flow, Method::Cancel, cancel, owner);
    }

    fn tell_client(&mut self, id: ClientId, event: fn(ClientId, Owner) -> Event) {
        if let Some(owner) = self.client(id).map(|client| client.owner) {
            self.events.push_back(event(id, owner));
        }
    }

    fn drop_client(&mut self, id: ClientId) {
        self.tell_client(id, Event::ClientGone);
        let client = self.clients.remove(id.slot as usize);
        if client.flow.connection != 0
            && let Some(slots) = self.by_connection.get_mut(&client.flow.connection)
        {
            if let Some(at) = slots.iter().position(|slot| *slot == id.slot) {
                slots.swap_remove(at);
            }
            if slots.is_empty() {
                self.by_connection.remove(&client.flow.connection);
            }
        }
    }

    fn arm_client(&mut self, slot: u32) {
        let Some(client) = self.clients.get_mut(slot as usize) else { return };
        if let Some(due) = client.timers.next()
            && client.armed.is_none_or(|armed| due < armed)
        {
            client.armed = Some(due);
            self.wheel.arm(due, timer_key(false, slot, client.nonce as u32));
        }
    }

    fn client(&self, id: ClientId) -> Option<&Client> {
        self.clients.get(id.slot as usize).filter(|client| client.nonce == id.nonce)
    }

    fn client_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.clients.get_mut(id.slot as usize).filter(|client| client.nonce == id.nonce)
    }
}

/// A request that belongs to an INVITE hop by hop: its Request-URI, top Via, Call-ID, From, `CSeq`
/// number and Route (§9.1, §17.1.1.3).
fn hop_request(invite: &View<'_>, method: &str, to: &str) -> Builder {
    let mut builder = Builder::request(method, invite.request_uri());
    if let Some(via) = invite.values(Name::VIA).next() {
        builder = builder.line(Name::VIA, via.text);
    }
    builder
        .copy(invite, Name::ROUTE)
        .line(Name::MAX_FORWARDS, 70)
        .copy(invite, Name::FROM)
        .line(Name::TO, to)
        .copy(invite, Name::CALL_ID)
        .line(Name::CSEQ, format_args!("{} {method}", invite.cseq().0))
}

/// The flow of a transaction whose request is not written yet; nothing is ever sent over it.
const NOWHERE: Flow = Flow {
    transport: crate::transport::Transport::Udp,
    listener: crate::transport::ListenerId(0),
    connection: 0,
    remote: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0),
};
