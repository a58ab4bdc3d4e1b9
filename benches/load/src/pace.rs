//! The rhythm of a run: how many to start now, how long to wait.

use std::time::{Duration, Instant};

/// The most that is started before the answers are looked at.
const BURST: usize = 64;

/// The longest wait between two looks at the clock, in seconds.
const LONGEST_WAIT: f64 = 0.001;

/// A shorter wait than this is not worth a system call, in seconds.
const SHORTEST_WAIT: f64 = 0.000_05;

/// How long after the last start the stragglers are waited for, in seconds.
const PATIENCE: f64 = 12.0;

/// Starts `total` items at an even rate.
#[derive(Debug)]
pub(crate) struct Pace {
    begin: Instant,
    per_second: f64,
    total: usize,
    started: usize,
}

impl Pace {
    pub(crate) fn new(per_second: f64, total: usize) -> Self {
        Self { begin: Instant::now(), per_second, total, started: 0 }
    }

    /// Seconds since the run began.
    pub(crate) fn now(&self) -> f64 {
        self.begin.elapsed().as_secs_f64()
    }

    /// How many have been started.
    pub(crate) const fn started(&self) -> usize {
        self.started
    }

    /// The items to start now, at most a burst.
    pub(crate) fn starts(&mut self, now: f64) -> std::ops::Range<usize> {
        let due = ((now * self.per_second) as usize + 1).min(self.total);
        let first = self.started;
        self.started = due.clamp(first, first + BURST);
        first..self.started
    }

    /// How long to wait for answers before the next start; `None` when there is no time to.
    pub(crate) fn wait(&self, now: f64) -> Option<Duration> {
        let next = if self.started < self.total {
            self.started as f64 / self.per_second - now
        } else {
            LONGEST_WAIT
        };
        let wait = next.min(LONGEST_WAIT);
        (wait > SHORTEST_WAIT).then(|| Duration::from_secs_f64(wait))
    }

    /// When the run ends, come what may, in seconds since it began.
    pub(crate) fn deadline(&self, hold: f64) -> f64 {
        self.total as f64 / self.per_second + hold + PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_follow_the_clock_in_bursts() {
        let mut pace = Pace::new(1000.0, 200);
        assert_eq!(pace.starts(0.0), 0..1);
        assert_eq!(pace.starts(0.01), 1..11);
        assert_eq!(pace.starts(1.0), 11..75);
        assert_eq!(pace.starts(0.01), 75..75);
        assert_eq!(pace.starts(1.0), 75..139);
        assert_eq!(pace.starts(1.0), 139..200);
        assert_eq!(pace.starts(1.0), 200..200);
    }
}
