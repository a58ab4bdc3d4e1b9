//! The 2xx to an INVITE, repeated until its ACK comes: RFC 3261 §13.3.1.4. It repeats over streams
//! too, because a hop further on may be a datagram.

use crate::time::Instant;
use crate::timing::Timing;
use std::time::Duration;

/// When to send again, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    interval: Duration,
    next: Instant,
    until: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send it again.
    Again,
    /// No ACK will come any more.
    GiveUp,
}

impl Repeat {
    /// It was sent for the first time at `now`.
    pub fn start(now: Instant, timing: &Timing) -> Self {
        Self { interval: timing.t1, next: now + timing.t1, until: now + timing.give_up() }
    }

    /// What is due by `now`, once; early calls do nothing. The interval doubles up to T2.
    pub fn pop_due(&mut self, now: Instant, timing: &Timing) -> Option<Due> {
        if self.until <= now {
            return Some(Due::GiveUp);
        }
        if self.next > now {
            return None;
        }
        self.interval = (self.interval * 2).min(timing.t2);
        self.next = now + self.interval;
        Some(Due::Again)
    }

    /// When [`pop_due`](Self::pop_due) is wanted next.
    pub fn next(&self) -> Instant {
        self.next.min(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_t2_and_gives_up_after_64_t1() {
        let timing = Timing::default();
        let mut repeat = Repeat::start(Instant::START, &timing);
        assert_eq!(repeat.pop_due(Instant::START, &timing), None);
        let mut sent = Vec::new();
        loop {
            let now = repeat.next();
            match repeat.pop_due(now, &timing) {
                Some(Due::Again) => sent.push(now.as_millis()),
                Some(Due::GiveUp) => {
                    assert_eq!(now.as_millis(), 32_000);
                    break;
                }
                None => panic!("next() said that something is due"),
            }
        }
        assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    }
}
