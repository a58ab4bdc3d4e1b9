//! The protocol's timer values (RFC 3261, table 4) and the small set of timers that one machine runs.

use crate::time::Instant;
use std::time::Duration;

/// The three numbers from which every timer of a transaction follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Round-trip estimate; 500 ms.
    pub t1: Duration,
    /// The longest retransmit interval for non-INVITE requests and INVITE responses; 4 s.
    pub t2: Duration,
    /// The longest a message stays in the network; 5 s.
    pub t4: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timing {
    /// 64·T1: how long a transaction waits before it gives up; 32 s.
    pub const fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// After how long timer E runs at T2; 3.5 s. Until then a 100 to another method than INVITE would only
    /// make its client wait longer, from then on it is owed (RFC 4320 §4.1).
    pub fn trying_after(&self) -> Duration {
        let (mut interval, mut passed) = (self.t1, Duration::ZERO);
        while interval < self.t2 && !interval.is_zero() {
            passed += interval;
            interval *= 2;
        }
        passed
    }
}

/// The timers of the transactions, by the letters of RFC 3261 table 4 and RFC 6026 §7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// INVITE request retransmission.
    A,
    /// INVITE client gives up.
    B,
    /// INVITE client absorbs repeated failures.
    D,
    /// Non-INVITE request retransmission.
    E,
    /// Non-INVITE client gives up.
    F,
    /// INVITE response retransmission.
    G,
    /// No ACK came.
    H,
    /// INVITE server absorbs repeated ACKs.
    I,
    /// Non-INVITE server absorbs repeated requests.
    J,
    /// Non-INVITE client absorbs repeated responses.
    K,
    /// INVITE server absorbs repeated INVITEs after a 2xx (RFC 6026).
    L,
    /// INVITE client absorbs and passes repeated 2xx (RFC 6026).
    M,
    /// Nothing was said for 200 ms: a 100 is owed (RFC 3261 §17.2.1).
    Trying,
}

impl Timer {
    /// All of them, for tests that walk a table.
    pub const ALL: [Self; 13] = [
        Self::A,
        Self::B,
        Self::D,
        Self::E,
        Self::F,
        Self::G,
        Self::H,
        Self::I,
        Self::J,
        Self::K,
        Self::L,
        Self::M,
        Self::Trying,
    ];

    /// Whether it asks for something to be sent; the others end a state. A machine runs at most one
    /// of each sort.
    const fn resends(self) -> bool {
        matches!(self, Self::A | Self::E | Self::G | Self::Trying)
    }
}

/// The running timers of one transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers {
    resend: Option<(Timer, Instant)>,
    end: Option<(Timer, Instant)>,
}

impl Timers {
    /// Starts a timer; one of the same sort that runs is replaced.
    pub fn start(&mut self, timer: Timer, due: Instant) {
        if timer.resends() {
            self.resend = Some((timer, due));
        } else {
            self.end = Some((timer, due));
        }
    }

    /// Stops them all.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// Stops whatever would send again.
    pub fn stop_resending(&mut self) {
        self.resend = None;
    }

    /// Takes one that is due; those that end a state first.
    pub fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let due = |slot: &mut Option<(Timer, Instant)>| match *slot {
            Some((timer, due)) if due <= now => {
                *slot = None;
                Some(timer)
            }
            _ => None,
        };
        due(&mut self.end).or_else(|| due(&mut self.resend))
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Instant> {
        match (self.resend, self.end) {
            (Some((_, a)), Some((_, b))) => Some(a.min(b)),
            (Some((_, due)), None) | (None, Some((_, due))) => Some(due),
            (None, None) => None,
        }
    }
}
