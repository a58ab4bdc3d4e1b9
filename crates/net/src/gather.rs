//! When datagrams come thick, a worker lets them gather for a moment and takes them in one batch, as network
//! cards do with their interrupts: waking up costs more than most messages do.

use std::time::{Duration, Instant};

/// For how long they gather: next to nothing beside T1 (RFC 3261 §17.1.1.1), and the most that it delays a message.
const GATHER: Duration = Duration::from_millis(3);
/// So many batches in a row that come within that time of each other make a crowd.
const CROWD: u32 = 8;

/// How thick the datagrams of one socket come.
#[derive(Debug)]
pub(crate) enum Traffic {
    /// Each is taken as it comes; the last so many came close together.
    Sparse { close: u32, last: Option<Instant> },
    /// They are let gather.
    Crowded,
}

impl Traffic {
    pub(crate) const fn new() -> Self {
        Self::Sparse { close: 0, last: None }
    }

    /// A batch of `count` datagrams of at most `room` came now; how long to wait before the next is taken.
    pub(crate) fn took(&mut self, now: Instant, count: usize, room: usize) -> Duration {
        match self {
            Self::Sparse { close, last } => {
                let near = last.is_some_and(|last| now.duration_since(last) < GATHER);
                *close = if near { *close + 1 } else { 0 };
                *last = Some(now);
                if *close >= CROWD {
                    *self = Self::Crowded;
                }
            }
            Self::Crowded if count < 2 => *self = Self::new(),
            Self::Crowded => {}
        }
        // A full batch leaves more behind it.
        if matches!(self, Self::Crowded) && count < room { GATHER } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(traffic: &mut Traffic, gaps_us: &[(u64, usize)]) -> Vec<bool> {
        let mut now = Instant::now();
        let mut wait = |&(gap, count): &(u64, usize)| {
            now += Duration::from_micros(gap);
            !traffic.took(now, count, 64).is_zero()
        };
        gaps_us.iter().map(&mut wait).collect()
    }

    #[test]
    fn a_few_messages_of_one_call_are_taken_as_they_come() {
        let call = [(0, 1), (200, 1), (200, 1), (300, 1), (5_000_000, 1), (200, 1), (100, 1)];
        assert!(!waits(&mut Traffic::new(), &call).contains(&true));
    }

    #[test]
    fn a_crowd_gathers_until_it_thins_out() {
        let mut traffic = Traffic::new();
        let dense = [(300, 1); 9];
        assert_eq!(waits(&mut traffic, &dense).iter().filter(|waited| **waited).count(), 1);
        assert_eq!(waits(&mut traffic, &[(3000, 10), (3000, 64), (3000, 2)]), [true, false, true]);
        assert_eq!(waits(&mut traffic, &[(3000, 1), (100, 1)]), [false, false]);
    }
}
