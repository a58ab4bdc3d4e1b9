//! The stack of one shard: transactions, their timers and what they send. It sorts what comes in and
//! keeps the promises of RFC 3261 §17; what a message means is decided above.

mod client;
mod connections;
mod server;

use crate::dice::Dice;
use crate::time::Instant;
use crate::timing::Timing;
use crate::transaction::branch;
use crate::transaction::key::{Key, KeyMaker};
use crate::transaction::{ClientId, Owner, ServerId};
use crate::transport::Flow;
use crate::wheel::Wheel;
use bytes::Bytes;
use client::Client;
use connections::Connections;
use cordboard_sip::{Method, View};
use foldhash::fast::FixedState;
use server::Server;
use slab::Slab;
use std::collections::{HashMap, VecDeque};

/// Transactions that one shard holds at most; beyond it new requests are answered 503.
pub const MAX_TRANSACTIONS: usize = 1_000_000;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A repeat, or an acknowledgement that a transaction was waiting for. Nothing is left to do.
    Absorbed,
    /// A new request, other than ACK and CANCEL. Answer it by [`Stack::respond`].
    Request(ServerId),
    /// A CANCEL, to be answered in its own transaction, and the INVITE it names, if there is one.
    Cancel(ServerId, Option<ServerId>),
    /// An ACK that belongs to no transaction here: for a 2xx, or a stray.
    Ack,
    /// A response to a request of ours.
    Response(ClientId, Owner),
    /// A response to nothing we know.
    StrayResponse,
    /// There is no room for another transaction: answer without one.
    Overloaded,
}

/// What happened without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nobody answered: treat as 408 (RFC 3261 §8.1.3.1).
    TimedOut(ClientId, Owner),
    /// It did not get out: treat as 503 (RFC 3261 §8.1.3.1).
    TransportFailed(ClientId, Owner),
    /// The INVITE waits for 200 ms, another request for 3.5 s: send a 100 (RFC 3261 §17.2.1, RFC 4320 §4.1).
    TryingOwed(ServerId, Owner),
    /// A failure was never acknowledged (RFC 3261 §17.2.1).
    AckMissing(ServerId, Owner),
    /// A client transaction is over and its name means nothing any more.
    ClientGone(ClientId, Owner),
    /// A server transaction is over and its name means nothing any more.
    ServerGone(ServerId, Owner),
}

/// One message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Over what.
    pub flow: Flow,
    /// The message.
    pub bytes: Bytes,
}

/// A response whose connection has died: another way back has to be found (RFC 3261 §18.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranded {
    /// What it answers; that may be over by now.
    pub server: ServerId,
    /// The connection that was.
    pub flow: Flow,
    /// The response. Its top Via says where else its client may be.
    pub bytes: Bytes,
}

/// The transactions of one shard.
pub struct Stack {
    shard: u8,
    timing: Timing,
    dice: Dice,
    keys: KeyMaker,
    clients: Slab<Client>,
    servers: Slab<Server>,
    by_key: HashMap<Key, u32, FixedState>,
    by_connection: HashMap<u64, Vec<u32>, FixedState>,
    /// Those of server transactions.
    answered_over: Connections,
    /// The request that came last, while nothing waits for its timers: most are answered at once.
    unarmed: Option<ServerId>,
    wheel: Wheel,
    fired: Vec<u64>,
    outgoing: VecDeque<Outgoing>,
    stranded: VecDeque<Stranded>,
    events: VecDeque<Event>,
    generation: u32,
}

impl Stack {
    /// The stack of `shard`. Everything random comes from `dice`.
    pub fn new(shard: u8, timing: Timing, mut dice: Dice) -> Self {
        let keys = KeyMaker::new(dice.bits(), dice.bits());
        let hashers = [dice.bits(), dice.bits()].map(FixedState::with_seed);
        let [by_key, by_connection] = hashers;
        Self {
            shard,
            timing,
            dice,
            keys,
            clients: Slab::new(),
            servers: Slab::new(),
            by_key: HashMap::with_hasher(by_key),
            by_connection: HashMap::with_hasher(by_connection.clone()),
            // Numbers of connections are ours, and need no secret of their own.
            answered_over: Connections::new(by_connection),
            unarmed: None,
            wheel: Wheel::default(),
            fired: Vec::new(),
            outgoing: VecDeque::new(),
            stranded: VecDeque::new(),
            events: VecDeque::new(),
            generation: 0,
        }
    }

    /// The shard's generator, for tags and Call-IDs.
    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// The timer values in use.
    pub const fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Takes in one parsed message that came over `flow`.
    pub fn receive(&mut self, now: Instant, flow: Flow, message: &View<'_>) -> Received {
        if message.is_request() {
            self.receive_request(now, flow, message)
        } else {
            self.receive_response(now, message)
        }
    }

    fn receive_request(&mut self, now: Instant, flow: Flow, request: &View<'_>) -> Received {
        let key = self.keys.of_request(request);
        let method = request.method();
        if let Some(&slot) = self.by_key.get(&key) {
            return self.server_again(now, slot, method == Method::Ack);
        }
        if method == Method::Ack {
            return Received::Ack;
        }
        if self.servers.len() + self.clients.len() >= MAX_TRANSACTIONS {
            return Received::Overloaded;
        }
        let id = self.start_server(now, key, flow, request);
        if method == Method::Cancel {
            let invite = self.by_key.get(&self.keys.of_cancelled(request)).copied();
            return Received::Cancel(id, invite.map(|slot| self.server_id(slot)));
        }
        Received::Request(id)
    }

    fn receive_response(&mut self, now: Instant, response: &View<'_>) -> Received {
        let ours = response.top_via().branch.and_then(branch::read).filter(|ours| ours.shard == self.shard);
        let Some(id) = ours.and_then(|ours| self.answered(ours.id, response.cseq().1)) else {
            return Received::StrayResponse;
        };
        self.client_response(now, id, response)
    }

    /// Sends a message that no transaction repeats: an ACK for a 2xx, a forwarded stray.
    pub fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.outgoing.push_back(Outgoing { flow, bytes });
    }

    /// The flow is gone: requests that still wait for it fail (RFC 3261 §17.1.4), and responses that
    /// were to go over it are [stranded](Self::poll_stranded).
    pub fn flow_closed(&mut self, now: Instant, flow: Flow) {
        if flow.connection == 0 {
            return self.datagram_refused(now, flow);
        }
        self.answered_over.died(flow);
        for slot in self.by_connection.remove(&flow.connection).unwrap_or_default() {
            self.client_flow_closed(now, slot);
        }
    }

    /// Fires what is due by `now`; early and repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            let (slot, generation) = (key as u32 >> 1, (key >> 32) as u32);
            if key & 1 == 0 {
                self.client_timeout(now, slot, generation);
            } else {
                self.server_timeout(now, slot, generation);
            }
        }
        self.fired = fired;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next. Ask after every call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    /// The next message to send.
    pub fn poll_outgoing(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// The next response that needs another way back than that of its request.
    pub fn poll_stranded(&mut self) -> Option<Stranded> {
        self.stranded.pop_front()
    }

    /// The next thing that happened without a message. Ask after every call, before
    /// [`poll_timeout`](Self::poll_timeout).
    pub fn poll_event(&mut self) -> Option<Event> {
        self.arm_latest();
        self.events.pop_front()
    }

    /// Client and server transactions that live.
    pub fn transactions(&self) -> (usize, usize) {
        (self.clients.len(), self.servers.len())
    }
}

/// The wheel's name for a transaction's one entry.
const fn timer_key(server: bool, slot: u32, generation: u32) -> u64 {
    (generation as u64) << 32 | (slot as u64) << 1 | server as u64
}
