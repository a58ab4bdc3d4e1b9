//! Fires timers when no message comes by to do it.
//!
//! Whoever leaves a shard fires what is due there, so under load this thread finds nothing to do; it
//! is woken early only when a deadline comes before the one it sleeps for.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use crate::hub::Hub;
use crate::shard::Shard;

/// Timers that are due within this time of each other are fired together.
const QUANTUM: Duration = Duration::from_millis(10);

/// The bell of the thread that fires timers.
pub(crate) struct Alarm {
    /// Until when the thread sleeps, in microseconds; 0 while it is awake.
    armed: AtomicU64,
    thread: OnceLock<Thread>,
}

impl Alarm {
    pub(crate) const fn new() -> Self {
        Self { armed: AtomicU64::new(0), thread: OnceLock::new() }
    }

    /// Sees to it that the thread wakes by `deadline`.
    pub(crate) fn want(&self, deadline: u64) {
        if deadline < self.armed.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Wakes the thread.
    pub(crate) fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// The thread's work, until the server ends.
    pub(crate) fn run<A: Shard>(hub: &Arc<Hub<A>>) {
        let alarm = &hub.alarm;
        if alarm.thread.set(std::thread::current()).is_err() {
            return;
        }
        while !hub.is_stopping() {
            let deadline = hub.fire_timers();
            alarm.armed.store(deadline, Ordering::SeqCst);
            // A deadline stored since then either is seen here or sees `armed` and rings.
            if hub.next_deadline() >= deadline && !hub.is_stopping() {
                sleep_until(hub, deadline);
            }
            alarm.armed.store(0, Ordering::SeqCst);
        }
    }
}

fn sleep_until<A: Shard>(hub: &Hub<A>, deadline: u64) {
    if deadline == u64::MAX {
        std::thread::park();
    } else {
        let left = Duration::from_micros(deadline.saturating_sub(hub.clock.now().as_micros()));
        std::thread::park_timeout(left.max(QUANTUM));
    }
}
