//! Everything that can happen to a telephone's person, in one queue: what the telephone tells, what is heard, what is
//! typed, and signals.

use cordboard_core::time::Instant;
use cordboard_media::Event as SoundEvent;
use cordboard_net::{Reply, Store};
use cordboard_service::call::{CallEvent, CallName};
use cordboard_service::door::{Answer, Event, Question, ShardId};
use cordboard_service::location::{Located, RegisterError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// What may wait to be looked at. A person who is so far behind has lost track of the calls.
const MAX_WAITING: usize = 4096;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Happening {
    /// The telephone told something.
    Call(CallEvent),
    /// The sound of a call told something.
    Sound(CallName, SoundEvent),
    /// A line was typed, or read from a script.
    Line(String),
    /// There are no more lines.
    NoMoreLines,
    /// Ctrl-C, or a signal that asks us to end.
    Interrupted,
}

/// The end of the queue into which things happen.
#[derive(Clone)]
pub(super) struct Happenings {
    sender: SyncSender<Happening>,
    overflown: Arc<AtomicBool>,
}

impl Happenings {
    /// A queue: where things happen, and where they are looked at.
    pub(super) fn new() -> (Self, Looking) {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let overflown = Arc::new(AtomicBool::new(false));
        (Self { sender, overflown: Arc::clone(&overflown) }, Looking { receiver, overflown })
    }

    /// Adds something without waiting.
    pub(super) fn add(&self, happening: Happening) {
        if self.sender.try_send(happening).is_err() {
            self.overflown.store(true, Ordering::SeqCst);
        }
    }

    /// Adds a line, and waits for room. False if nobody looks any more.
    pub(super) fn add_waiting(&self, happening: Happening) -> bool {
        self.sender.send(happening).is_ok()
    }
}

/// The end at which they are looked at.
pub(super) struct Looking {
    receiver: Receiver<Happening>,
    overflown: Arc<AtomicBool>,
}

impl Looking {
    /// What happened next, at the latest after `patience`.
    pub(super) fn next(&self, patience: Duration) -> Option<Happening> {
        // The telephone holds the other end, so that the queue is never closed.
        self.receiver.recv_timeout(patience).ok()
    }

    /// Whether something was lost.
    pub(super) fn has_overflown(&self) -> bool {
        self.overflown.load(Ordering::SeqCst)
    }
}

impl Store for Happenings {
    /// A telephone knows nobody's place, and registers nobody.
    fn ask(&self, _: Instant, question: Question, _: Reply) -> Option<Answer> {
        match question {
            Question::Register(_) => Some(Answer::Registered(Err(RegisterError::NotStored))),
            // A telephone keeps nothing.
            Question::Keep { .. } => Some(Answer::Kept(false)),
            _ => Some(Answer::Located(Located::default())),
        }
    }

    fn event(&self, _: Instant, _: ShardId, event: Event) {
        if let Event::Call(event) = event {
            self.add(Happening::Call(event));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_noticed() {
        let (happenings, looking) = Happenings::new();
        (0..MAX_WAITING).for_each(|_| happenings.add(Happening::Interrupted));
        assert!(!looking.has_overflown());
        happenings.add(Happening::NoMoreLines);
        assert!(looking.has_overflown());
        assert!(matches!(looking.next(Duration::ZERO), Some(Happening::Interrupted)));
    }
}
