//! The message ring: the most recent messages of one shard in a fixed number of bytes, so that a
//! call can be drawn after the fact. Recording is one copy; looking something up reads the ring.

use crate::door::Recorded;
use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use std::collections::VecDeque;

/// The most recent messages, oldest first, in at most as many bytes as it was made with.
#[derive(Debug)]
pub(crate) struct Ring {
    bytes: Box<[u8]>,
    /// Where the next message begins.
    head: usize,
    entries: VecDeque<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Instant,
    received: bool,
    flow: Flow,
    start: usize,
    len: usize,
}

impl Ring {
    /// A ring that keeps `capacity` bytes of messages; with 0 it keeps none.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into_boxed_slice(), head: 0, entries: VecDeque::new() }
    }

    /// Keeps a copy of a message, in place of the oldest ones.
    pub(crate) fn record(&mut self, at: Instant, received: bool, flow: Flow, message: &[u8]) {
        let len = message.len();
        if len > self.bytes.len() || len == 0 {
            return;
        }
        if self.head + len > self.bytes.len() {
            // Messages are kept whole, so the rest of the buffer stays empty in this round.
            self.forget_from(self.head, self.bytes.len());
            self.head = 0;
        }
        let start = self.head;
        self.forget_from(start, start + len);
        self.bytes[start..start + len].copy_from_slice(message);
        self.head = start + len;
        self.entries.push_back(Entry { at, received, flow, start, len });
    }

    /// Every message it still has, oldest first: when, whether it was received, over what, its bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Instant, bool, Flow, &[u8])> {
        self.entries.iter().map(|entry| {
            (entry.at, entry.received, entry.flow, &self.bytes[entry.start..entry.start + entry.len])
        })
    }

    /// Copies of those that `wanted` picks.
    pub(crate) fn select(&self, mut wanted: impl FnMut(&[u8]) -> bool) -> Vec<Recorded> {
        self.iter()
            .filter(|(_, _, _, bytes)| wanted(bytes))
            .map(|(at, received, flow, bytes)| Recorded {
                at,
                received,
                flow,
                bytes: Bytes::copy_from_slice(bytes),
            })
            .collect()
    }

    /// Drops the oldest messages as long as they lie in a stretch that is about to be written over.
    fn forget_from(&mut self, start: usize, end: usize) {
        while let Some(oldest) = self.entries.front() {
            if oldest.start >= end || oldest.start + oldest.len <= start {
                break;
            }
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::transport::{ListenerId, Transport};

    fn flow() -> Flow {
        let remote = "192.0.2.1:5060".parse().unwrap();
        Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote }
    }

    #[test]
    fn keeps_the_newest_whole() {
        let mut ring = Ring::new(100);
        for n in 0..250u8 {
            let message = vec![n; 1 + usize::from(n) % 37];
            ring.record(Instant::from_micros(n.into()), n % 2 == 0, flow(), &message);
            let kept: Vec<_> = ring.iter().map(|(_, _, _, bytes)| bytes.to_vec()).collect();
            assert_eq!(kept.last(), Some(&message));
            assert!(kept.iter().map(Vec::len).sum::<usize>() <= 100);
            let first = n + 1 - kept.len() as u8;
            for (offset, bytes) in kept.iter().enumerate() {
                let n = first + offset as u8;
                assert_eq!(*bytes, vec![n; 1 + usize::from(n) % 37]);
            }
        }
        assert!(ring.iter().count() > 1);
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let mut ring = Ring::new(10);
        ring.record(Instant::START, true, flow(), &[0; 11]);
        assert_eq!(ring.iter().count(), 0);
    }
}
