//! Waits for what the agents answer to a command: an event from each shard.

use cordboard_service::door::{CommandId, Event};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Commands whose answers nobody has fetched, at most.
const MAX_UNFETCHED: usize = 64;

/// Answers that have arrived.
#[derive(Debug, Default)]
pub struct Answers {
    arrived: Mutex<BTreeMap<CommandId, Vec<Event>>>,
    changed: Condvar,
}

impl Answers {
    /// Takes an answer; gives back an event that is none.
    pub fn take(&self, event: Event) -> Option<Event> {
        let id = match &event {
            Event::Calls(id, _)
            | Event::Messages(id, _)
            | Event::Slots(id, _)
            | Event::ServiceChanged(id, _)
            | Event::LastCall(id, _)
            | Event::Operated(id, _)
            | Event::Redial(id, _)
            | Event::Rooms(id, _) => *id,
            _ => return Some(event),
        };
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.entry(id).or_default().push(event);
        if arrived.len() > MAX_UNFETCHED {
            arrived.pop_first();
        }
        drop(arrived);
        self.changed.notify_all();
        None
    }

    /// Waits until `count` answers to `id` are there, or until `patience` is over, and gives what is.
    /// They may have come before this was called.
    pub fn wait(&self, id: CommandId, count: usize, patience: Duration) -> Vec<Event> {
        let until = Instant::now() + patience;
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        while arrived.get(&id).map_or(0, Vec::len) < count {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            arrived = self.changed.wait_timeout(arrived, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        arrived.remove(&id).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(id: u64) -> Event {
        Event::Calls(CommandId(id), Vec::new())
    }

    #[test]
    fn answers_are_found_whether_they_come_early_or_late() {
        let answers = Answers::default();
        assert_eq!(answers.take(calls(1)), None);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| answers.wait(CommandId(1), 2, Duration::from_secs(30)));
            answers.take(calls(1));
            assert_eq!(waiting.join().unwrap().len(), 2);
        });
    }

    #[test]
    fn who_does_not_answer_is_not_waited_for() {
        let answers = Answers::default();
        answers.take(calls(1));
        assert_eq!(answers.wait(CommandId(1), 2, Duration::ZERO).len(), 1);
    }

    #[test]
    fn what_nobody_fetches_is_bounded() {
        let answers = Answers::default();
        for id in 0..1000 {
            answers.take(calls(id));
        }
        assert_eq!(answers.arrived.lock().unwrap().len(), MAX_UNFETCHED);
    }
}
