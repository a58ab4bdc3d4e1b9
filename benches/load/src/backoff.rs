//! When to send again: RFC 3261 §17.1.1.2 and §17.1.2.2 over UDP.

use std::collections::VecDeque;

/// T1, in seconds (RFC 3261 §17.1.1.1).
const T1: f64 = 0.5;

/// The longest interval, T2, is reached after this many doublings.
const DOUBLINGS: usize = 3;

/// Sendings after which a request counts as lost.
const TRIES: u8 = 7;

/// Sets of deadlines, one queue an interval: within a queue they are in order by construction.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    queues: [VecDeque<Due>; DOUBLINGS + 1],
}

#[derive(Clone, Copy, Debug)]
struct Due {
    at: f64,
    item: usize,
    /// Which request of the item it is; another one makes the deadline void.
    stage: u32,
    tries: u8,
}

/// A deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Send the request of this item again.
    Resend(usize),
    /// It was sent often enough: give the item up.
    GiveUp(usize),
}

impl Backoff {
    /// Notes that the request of `item` at `stage` was sent at `now` for the first time.
    pub(crate) fn sent(&mut self, now: f64, item: usize, stage: u32) {
        self.queues[0].push_back(Due { at: now + T1, item, stage, tries: 1 });
    }

    /// Takes one passed deadline of an item that is still at the stage it was noted with.
    pub(crate) fn pop_due(&mut self, now: f64, stage_of: impl Fn(usize) -> u32) -> Option<Overdue> {
        for level in 0..self.queues.len() {
            while let Some(due) = self.queues[level].pop_front_if(|due| due.at <= now) {
                if stage_of(due.item) != due.stage {
                    continue;
                }
                if due.tries == TRIES {
                    return Some(Overdue::GiveUp(due.item));
                }
                let next = (level + 1).min(DOUBLINGS);
                let at = now + T1 * f64::from(1_u32 << next);
                let tries = due.tries + 1;
                self.queues[next].push_back(Due { at, tries, ..due });
                return Some(Overdue::Resend(due.item));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_double_up_to_t2_and_then_it_gives_up() {
        let mut backoff = Backoff::default();
        backoff.sent(0.0, 4, 1);
        let mut resent = Vec::new();
        for tenth in 0..400 {
            let now = f64::from(tenth) / 10.0;
            match backoff.pop_due(now, |_| 1) {
                Some(Overdue::Resend(4)) => resent.push(now),
                Some(Overdue::GiveUp(4)) => {
                    assert_eq!(resent, [0.5, 1.5, 3.5, 7.5, 11.5, 15.5]);
                    assert!((now - 19.5).abs() < 1e-9);
                    return;
                }
                other => assert_eq!(other, None),
            }
        }
        panic!("it never gave up");
    }

    #[test]
    fn an_answered_request_is_not_sent_again() {
        let mut backoff = Backoff::default();
        backoff.sent(0.0, 4, 1);
        assert_eq!(backoff.pop_due(1.0, |_| 2), None);
    }
}
