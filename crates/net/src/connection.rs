//! One connection: bytes in, framed and delivered; messages out, as fast as the peer takes them.

use bytes::{Buf, Bytes};
use cordboard_core::transport::{Flow, FlowError};
use cordboard_sip::{Frame, Framer};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Duration, Instant, timeout, timeout_at};

use crate::flows::{Admission, Proven, Registration};
use crate::hub::Hub;
use crate::queue::Queue;
use crate::shard::Shard;
use crate::store::Peer;

/// Bytes that one read takes.
const READ: usize = 4_096;
/// Messages that one write takes.
const WRITE: usize = 16;
/// For how long, and how many bytes, a peer that was refused is heard out.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;
/// What answers a keep-alive (RFC 5626 §4.4.1).
pub(crate) const PONG: Bytes = Bytes::from_static(b"\r\n");

/// A connection whose handshakes are done. When it is dropped, everybody learns that it is gone.
pub(crate) struct Link<A: Shard> {
    pub(crate) hub: Arc<Hub<A>>,
    pub(crate) flow: Flow,
    pub(crate) queue: Arc<Queue>,
    incoming: bool,
    why: FlowError,
    registration: Option<Registration>,
    admission: Option<Admission>,
}

impl<A: Shard> Link<A> {
    /// Lets everybody know of the connection.
    pub(crate) fn new(hub: Arc<Hub<A>>, flow: Flow, admission: Admission, proven: Proven) -> Self {
        let queue = Arc::new(Queue::new(&hub.limits));
        let peer = match &proven {
            Proven::Nothing { incoming } => Peer { incoming: *incoming, identities: Arc::default() },
            Proven::Server(_) => Peer::default(),
            Proven::Client(identities) => Peer { incoming: true, identities: Arc::clone(identities) },
        };
        let registration = Some(hub.flows.register(flow, Arc::clone(&queue), proven));
        hub.store.flow_opened(hub.clock.now(), flow, &peer);
        if !peer.identities.is_empty() {
            hub.flow_opened(flow, &peer.identities);
        }
        let (incoming, admission) = (peer.incoming, Some(admission));
        Self { hub, flow, queue, incoming, why: FlowError::Closed, registration, admission }
    }

    /// Whether the peer opened it.
    pub(crate) const fn is_incoming(&self) -> bool {
        self.incoming
    }

    /// Lets everybody know why it is over; only the room that it takes is still taken.
    pub(crate) fn ends(mut self, why: FlowError) -> Option<Admission> {
        self.why = why;
        self.admission.take()
    }
}

impl<A: Shard> Drop for Link<A> {
    fn drop(&mut self) {
        self.registration = None;
        self.admission = None;
        // What ends with the server ends for the phones too, and they will say so themselves.
        if !self.hub.is_stopping() {
            tracing::debug!(why = %self.why, "connection over");
            self.hub.store.flow_closed(self.hub.clock.now(), self.flow);
            self.hub.flow_closed(self.flow, self.why);
        }
    }
}

/// Carries messages over a byte stream until it ends.
pub(crate) async fn carry<A, S>(link: Link<A>, stream: S)
where
    A: Shard,
    S: AsyncRead + AsyncWrite + Send,
{
    let (mut from_peer, to_peer) = tokio::io::split(stream);
    let why = {
        let queue = Arc::clone(&link.queue);
        let reading = read(&link, &mut from_peer);
        let writing = write(&queue, link.hub.limits.write_time, to_peer);
        tokio::pin!(reading, writing);
        tokio::select! {
            why = &mut reading => {
                queue.close(why);
                writing.await;
                why
            }
            why = &mut writing => why,
            () = queue.overflow() => FlowError::Full,
        }
    };
    let _room = link.ends(why);
    if why == FlowError::NotSip {
        linger(&mut from_peer).await;
    }
}

/// Reads on for a moment after a refusal. To close a connection on which something waits to be read
/// resets it, and the peer, still sending, might never see why it was refused.
pub(crate) async fn linger(from_peer: &mut (impl AsyncRead + Unpin)) {
    let mut bytes = [0; READ];
    let mut left = LINGER_BYTES;
    let until = Instant::now() + LINGER_TIME;
    while left > 0 {
        match timeout_at(until, from_peer.read(&mut bytes)).await {
            Ok(Ok(count @ 1..)) => left = left.saturating_sub(count),
            Ok(Ok(0) | Err(_)) | Err(_) => return,
        }
    }
}

/// Frames what comes, delivers it, and says why nothing comes any more.
async fn read<A: Shard>(link: &Link<A>, from_peer: &mut (impl AsyncRead + Unpin)) -> FlowError {
    let limits = link.hub.limits;
    let mut framer = if link.is_incoming() { Framer::accepted() } else { Framer::opened() };
    let mut bytes = [0; READ];
    // Who connects has something to say.
    let mut message_due = link.is_incoming().then(|| Instant::now() + limits.message_time);
    let mut active = Instant::now();
    loop {
        let due = message_due.unwrap_or(active + limits.idle_time);
        let count = match timeout_at(due, from_peer.read(&mut bytes)).await {
            Ok(Ok(0) | Err(_)) => return FlowError::Closed,
            Ok(Ok(count)) => count,
            Err(_) if message_due.is_none() && link.queue.take_sent() => {
                active = Instant::now();
                continue;
            }
            Err(_) => return FlowError::Idle,
        };
        active = Instant::now();
        framer.push(&bytes[..count]);
        match deliver_frames(link, &mut framer) {
            Ok(0) => {}
            Ok(_) => message_due = None,
            Err(why) => return why,
        }
        if framer.is_inside_message() {
            message_due.get_or_insert(active + limits.message_time);
        }
    }
}

/// Delivers every whole message, and says how many there were.
fn deliver_frames<A: Shard>(link: &Link<A>, framer: &mut Framer) -> Result<usize, FlowError> {
    let mut messages = 0;
    while let Some(frame) = framer.next() {
        match frame {
            Ok(Frame::Message(bytes)) => {
                messages += 1;
                link.hub.deliver(link.flow, bytes);
            }
            Ok(Frame::Ping) => link.queue.push(PONG),
            Ok(Frame::Pong) => {}
            Err(reject) => {
                if let Some(reply) = reject.reply(framer.refused(), link.flow.remote) {
                    link.queue.push(reply);
                }
                return Err(FlowError::NotSip);
            }
        }
    }
    Ok(messages)
}

/// Sends what is queued until the queue is closed, and says why.
async fn write(queue: &Queue, write_time: Duration, mut to_peer: impl AsyncWrite + Unpin) -> FlowError {
    let mut batch = VecDeque::new();
    loop {
        if let Err(why) = queue.take(&mut batch).await {
            // The peer may be gone already, and then it needs no farewell.
            let _ = timeout(write_time, to_peer.shutdown()).await;
            return why;
        }
        while !batch.is_empty() {
            let mut slices = [IoSlice::new(&[]); WRITE];
            let count = batch.len().min(WRITE);
            for (slice, message) in slices.iter_mut().zip(&batch) {
                *slice = IoSlice::new(message);
            }
            match timeout(write_time, to_peer.write_vectored(&slices[..count])).await {
                Ok(Ok(0) | Err(_)) => return FlowError::Closed,
                Ok(Ok(written)) => {
                    drop_written(&mut batch, written);
                    queue.sent(written);
                }
                Err(_) => return FlowError::Full,
            }
        }
        match timeout(write_time, to_peer.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return FlowError::Closed,
            Err(_) => return FlowError::Full,
        }
    }
}

/// Removes the first `written` bytes.
fn drop_written(batch: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = batch.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        batch.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_writes_leave_the_rest() {
        let mut batch = VecDeque::from([Bytes::from_static(b"abc"), Bytes::from_static(b"def")]);
        drop_written(&mut batch, 0);
        assert_eq!(batch, ["abc", "def"]);
        drop_written(&mut batch, 4);
        assert_eq!(batch, ["ef"]);
        drop_written(&mut batch, 2);
        assert!(batch.is_empty());
    }
}
