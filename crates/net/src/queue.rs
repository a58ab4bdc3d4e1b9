//! What waits to be sent over one connection: a bounded queue that fails when it is full.

use bytes::Bytes;
use cordboard_core::transport::FlowError;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use crate::config::Limits;

/// The out-queue of one connection.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
    overflowed: Notify,
    /// Whether something was sent since it was last asked.
    sent: AtomicBool,
    max_messages: usize,
    max_bytes: usize,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// Set when nothing more is taken.
    ended: Option<FlowError>,
}

impl Queue {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            waiting: Mutex::default(),
            changed: Notify::new(),
            overflowed: Notify::new(),
            sent: AtomicBool::new(false),
            max_messages: limits.queue_messages,
            max_bytes: limits.queue_bytes,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. If there is no room, the connection fails: a peer that does not read gets no
    /// more of our memory.
    pub(crate) fn push(&self, bytes: Bytes) {
        let mut waiting = self.waiting();
        if waiting.ended.is_some() {
            return;
        }
        let full =
            waiting.messages.len() >= self.max_messages || waiting.bytes + bytes.len() > self.max_bytes;
        if full {
            *waiting = Waiting { ended: Some(FlowError::Full), ..Waiting::default() };
            self.overflowed.notify_one();
        } else {
            waiting.bytes += bytes.len();
            waiting.messages.push_back(bytes);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// Ends the connection when what waits has been sent.
    pub(crate) fn close(&self, why: FlowError) {
        self.waiting().ended.get_or_insert(why);
        self.changed.notify_one();
    }

    /// Waits for messages and moves them to `batch`; an error when there will be no more.
    pub(crate) async fn take(&self, batch: &mut VecDeque<Bytes>) -> Result<(), FlowError> {
        loop {
            {
                let mut waiting = self.waiting();
                if !waiting.messages.is_empty() {
                    batch.append(&mut waiting.messages);
                    return Ok(());
                }
                if let Some(why) = waiting.ended {
                    return Err(why);
                }
            }
            self.changed.notified().await;
        }
    }

    /// Takes note that the peer has taken `bytes`.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut waiting = self.waiting();
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Waits until there was no room for a message.
    pub(crate) async fn overflow(&self) {
        self.overflowed.notified().await;
    }

    /// Whether something was sent since the last time this was asked.
    pub(crate) fn take_sent(&self) -> bool {
        self.sent.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(queue_messages: usize, queue_bytes: usize) -> Queue {
        Queue::new(&Limits { queue_messages, queue_bytes, ..Limits::DEFAULT })
    }

    #[tokio::test]
    async fn what_was_queued_before_the_end_is_sent() {
        let queue = queue(8, 100);
        queue.push(Bytes::from_static(b"one"));
        queue.push(Bytes::from_static(b"two"));
        queue.close(FlowError::Closed);
        queue.push(Bytes::from_static(b"late"));
        let mut batch = VecDeque::new();
        assert_eq!(queue.take(&mut batch).await, Ok(()));
        assert_eq!(batch, ["one", "two"]);
        assert_eq!(queue.take(&mut batch).await, Err(FlowError::Closed));
    }

    #[tokio::test]
    async fn bytes_count_until_the_peer_has_taken_them() {
        let queue = queue(8, 10);
        let mut batch = VecDeque::new();
        queue.push(Bytes::from_static(b"123456"));
        queue.take(&mut batch).await.unwrap();
        queue.sent(6);
        assert!(queue.take_sent() && !queue.take_sent());
        queue.push(Bytes::from_static(b"123456"));
        queue.take(&mut batch).await.unwrap();
        queue.push(Bytes::from_static(b"123456"));
        queue.overflow().await;
        assert_eq!(queue.take(&mut batch).await, Err(FlowError::Full));
    }

    #[tokio::test]
    async fn too_many_messages_fail_it() {
        let queue = queue(2, 100);
        for _ in 0..3 {
            queue.push(Bytes::from_static(b"m"));
        }
        queue.close(FlowError::Closed);
        assert_eq!(queue.take(&mut VecDeque::new()).await, Err(FlowError::Full));
    }
}
