//! Datagrams: one worker for each shard and listener, each with a socket of its own.
//!
//! The sockets of one listener share its address (`SO_REUSEPORT`), and the kernel gives each peer to
//! one of them, so that what a peer sends stays in order. A worker waits in `recvmmsg`, takes the lock
//! of each shard that the batch is for once, and sends what came out before it waits again: two system
//! calls a batch, and no copy in between. When datagrams come thick, it lets them gather for a moment.

use bytes::Bytes;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_service::door::{Envelope, Input, ShardId};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::gather::Traffic;
use crate::hub::{Entered, Hub};
use crate::mmsg::{self, BATCH};
use crate::shard::Shard;
use crate::stun;

/// Shorter datagrams keep a NAT awake and hold no message.
const SHORTEST: usize = 16;
/// ICMP errors that are taken from a socket at a time.
const MAX_ERRORS: usize = 32;
/// Datagrams for which a worker's room is kept between batches.
const KEPT_ROOM: usize = 4 * BATCH;

/// Datagrams that wait until a shard's lock is free again.
pub(crate) struct Outbox {
    waiting: Vec<(Flow, Bytes)>,
    /// Made when the first datagram is sent.
    sender: Option<mmsg::Sender>,
    /// Peers that turned out not to be there.
    pub(crate) unreachable: Vec<Flow>,
    /// What shards have for each other.
    pub(crate) handed: Vec<(ShardId, Envelope)>,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self { waiting: Vec::new(), sender: None, unreachable: Vec::new(), handed: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn push(&mut self, flow: Flow, bytes: Bytes) {
        self.waiting.push((flow, bytes));
    }
}

/// The datagram sockets of a server: for each listener one for each worker; none for streams.
pub(crate) struct Datagrams {
    sockets: Vec<Vec<UdpSocket>>,
    /// Datagrams that the system would not take.
    refused: AtomicU64,
}

impl Datagrams {
    pub(crate) const fn new(sockets: Vec<Vec<UdpSocket>>) -> Self {
        Self { sockets, refused: AtomicU64::new(0) }
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn socket(&self, listener: ListenerId, worker: usize) -> Option<&UdpSocket> {
        let workers = self.sockets.get(usize::from(listener.0))?;
        workers.get(worker).or_else(|| workers.first())
    }

    /// Sends everything in `out`, in order; what cannot be sent is named in `out.unreachable`.
    pub(crate) fn send(&self, out: &mut Outbox, worker: usize) {
        let sender = out.sender.get_or_insert_with(mmsg::Sender::new);
        let mut rest = out.waiting.as_slice();
        while let Some((first, _)) = rest.first() {
            let listener = first.listener;
            let run = rest.iter().take_while(|(flow, _)| flow.listener == listener).count();
            let (same, after) = rest.split_at(run);
            match self.socket(listener, worker) {
                Some(socket) => self.send_run(sender, socket, same, &mut out.unreachable),
                None => self.refuse(first, &mut out.unreachable),
            }
            rest = after;
        }
        out.waiting.clear();
        out.waiting.shrink_to(KEPT_ROOM);
    }

    fn send_run(
        &self,
        sender: &mut mmsg::Sender,
        socket: &UdpSocket,
        mut run: &[(Flow, Bytes)],
        unreachable: &mut Vec<Flow>,
    ) {
        let mut failed_before = false;
        while let Some((first, _)) = run.first() {
            match sender.send(socket, run) {
                Ok(sent) => {
                    failed_before = false;
                    run = &run[sent..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An ICMP error about an earlier datagram is reported by the next call, whatever that
                // is about; only the second error in a row is about this one.
                Err(_) if !failed_before => {
                    failed_before = true;
                    take_errors(socket, first.listener, unreachable);
                }
                Err(_) => {
                    failed_before = false;
                    self.refuse(first, unreachable);
                    run = &run[1..];
                }
            }
        }
    }

    fn refuse(&self, flow: &Flow, unreachable: &mut Vec<Flow>) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if !unreachable.contains(flow) {
            unreachable.push(*flow);
        }
    }

    /// Wakes every worker, so that it sees that the server ends.
    pub(crate) fn wake_all(&self) {
        for socket in self.sockets.iter().flatten() {
            // Says "not connected", and wakes the reader all the same.
            let _ = socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Read);
        }
    }
}

/// Reads which peers ICMP errors name.
fn take_errors(socket: &UdpSocket, listener: ListenerId, unreachable: &mut Vec<Flow>) {
    for _ in 0..MAX_ERRORS {
        let Some(remote) = mmsg::next_unreachable(socket) else { return };
        let flow = Flow { transport: Transport::Udp, listener, connection: 0, remote };
        if !unreachable.contains(&flow) {
            unreachable.push(flow);
        }
    }
}

/// Reads one socket until the server ends. A panic is a bug that costs one datagram, but no reason to
/// stop listening.
pub(crate) fn work<A: Shard>(hub: &Arc<Hub<A>>, listener: ListenerId, worker: usize) {
    let Some(socket) = hub.datagrams.socket(listener, worker) else { return };
    let mut worker = Worker {
        listener,
        place: worker,
        received: mmsg::Received::new(),
        count: 0,
        shards: [None; BATCH],
        out: Outbox::new(),
        traffic: Traffic::new(),
    };
    while !hub.is_stopping() {
        if catch_unwind(AssertUnwindSafe(|| worker.read_on(hub, socket))).is_err() {
            tracing::error!("a datagram led to a bug; the worker goes on with the next one");
        }
    }
}

struct Worker {
    listener: ListenerId,
    place: usize,
    received: mmsg::Received,
    /// Datagrams in the batch.
    count: usize,
    /// Where each of them belongs, until it is handed in.
    shards: [Option<ShardId>; BATCH],
    out: Outbox,
    traffic: Traffic,
}

impl Worker {
    fn read_on<A: Shard>(&mut self, hub: &Arc<Hub<A>>, socket: &UdpSocket) {
        // After a panic, what is left of the batch.
        self.work_off(hub);
        while !hub.is_stopping() {
            let mut wait = Duration::ZERO;
            match self.received.receive(socket) {
                Ok(count) => {
                    wait = self.traffic.took(Instant::now(), count, BATCH);
                    self.sort(hub, count);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    _ => take_errors(socket, self.listener, &mut self.out.unreachable),
                },
            }
            self.work_off(hub);
            if !wait.is_zero() {
                std::thread::sleep(wait);
            }
        }
    }

    /// Hands a batch in, and sends what comes out.
    fn work_off<A: Shard>(&mut self, hub: &Arc<Hub<A>>) {
        let _working = hub.working();
        self.deliver(hub);
        hub.send_datagrams(&mut self.out, self.place);
    }

    /// Finds the shard of each datagram of a batch.
    fn sort<A: Shard>(&mut self, hub: &Hub<A>, count: usize) {
        self.count = count;
        for (at, shard) in self.shards.iter_mut().enumerate().take(count) {
            *shard = self.received.datagram(at).map(|(_, bytes)| hub.shard_of(bytes));
        }
    }

    /// Hands a batch to its shards, our own first: the neighbour starts with its own, so that we rarely
    /// wait for each other.
    fn deliver<A: Shard>(&mut self, hub: &Arc<Hub<A>>) {
        let now = hub.clock.now();
        let (listener, shards) = (self.listener, usize::from(hub.shards()));
        let places = &mut self.shards[..self.count];
        for shard in (0..shards).map(|step| ShardId(((self.place + step) % shards) as u8)) {
            if !places.contains(&Some(shard)) {
                continue;
            }
            let mut entered = hub.enter(shard, now, &mut self.out);
            for (at, place) in places.iter_mut().enumerate() {
                if *place == Some(shard) {
                    *place = None;
                    if let Some((remote, bytes)) = self.received.datagram(at) {
                        hand_in(&mut entered, listener, remote, bytes);
                    }
                }
            }
        }
    }
}

/// A message goes to the agent; a keep-alive is answered here, or needs no answer.
fn hand_in<A: Shard>(entered: &mut Entered<'_, A>, listener: ListenerId, remote: SocketAddr, bytes: &[u8]) {
    let flow = Flow { transport: Transport::Udp, listener, connection: 0, remote };
    if stun::is_stun(bytes) {
        if let Some(reply) = stun::reply(bytes, remote) {
            entered.send_datagram(flow, reply);
        }
    } else if bytes.len() >= SHORTEST {
        entered.input(Input::Packet { flow, bytes });
    }
}
