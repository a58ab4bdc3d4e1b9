//! The announcement server of RFC 5359 §2.13: whoever calls one of its addresses hears what is announced there, to its end.

use crate::call::{CallAction, CallEvent, CallName};
use crate::settings::{self, Announcement};
use cordboard_core::time::Instant;
use cordboard_sip::{Status, UriRef};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How far a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Answered, and perhaps not yet connected.
    Answered,
    /// Listens.
    Listening,
    /// Over, or about to be.
    Over,
}

/// What happens to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// The call is up.
    Up,
    /// All is said.
    TimeUp,
    /// The caller has gone.
    Gone,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Count the time that the announcement takes.
    StartTimer,
    /// Hang up (RFC 5359 §2.13 F13).
    HangUp,
    /// Forget the caller.
    Forget,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Answered, Up)                    => (Listening, &[StartTimer]),
        (Listening, TimeUp)               => (Over,      &[HangUp]),
        (Answered | Listening | Over, Gone) => (Over,    &[Forget]),
        // What comes twice, or too late.
        (Answered, TimeUp) | (Listening, Up) | (Over, Up | TimeUp)
                                          => (state,     &[]),
    }
}

/// Somebody who has called.
#[derive(Debug)]
struct Listener {
    state: State,
    /// How long what they hear lasts.
    lasts: Duration,
    due: Option<Instant>,
}

/// The program.
#[derive(Debug)]
pub(crate) struct Announcer {
    announcements: Vec<Announcement>,
    /// Who is there: no more than the calls that the telephone takes.
    listeners: BTreeMap<CallName, Listener>,
    actions: VecDeque<CallAction>,
}

impl Announcer {
    pub(super) fn new(settings: &settings::Announcer) -> Self {
        Self {
            announcements: settings.announcements.clone(),
            listeners: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Something else is announced to whoever calls from now on.
    pub(super) fn change(&mut self, settings: &settings::Announcer) {
        self.announcements.clone_from(&settings.announcements);
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Incoming { call, at, .. } => self.called(*call, at),
            CallEvent::Established(call) => self.advance(now, *call, Input::Up),
            CallEvent::Ended { call, .. } => self.advance(now, *call, Input::Gone),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let due = self.listeners.iter().filter(|(_, listener)| listener.due.is_some_and(|due| due <= now));
        for call in due.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.advance(now, call, Input::TimeUp);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.listeners.values().filter_map(|listener| listener.due).min()
    }

    /// Somebody calls: if there is something to be heard there, they hear it.
    fn called(&mut self, call: CallName, at: &str) {
        let user = UriRef::parse(at).ok().and_then(|uri| uri.user());
        let announced = self.announcements.iter().find(|announced| Some(&*announced.user) == user);
        self.actions.push_back(match announced {
            Some(announced) => {
                let listener = Listener { state: State::Answered, lasts: announced.lasts, due: None };
                self.listeners.insert(call, listener);
                CallAction::Answer(call)
            }
            None => CallAction::Decline(call, Status::NOT_FOUND),
        });
    }

    fn advance(&mut self, now: Instant, call: CallName, input: Input) {
        let Some(listener) = self.listeners.get_mut(&call) else { return };
        let (state, acts) = step(listener.state, input);
        listener.state = state;
        if state != State::Listening {
            listener.due = None;
        }
        for act in acts {
            match act {
                Act::StartTimer => listener.due = Some(now + listener.lasts),
                Act::HangUp => self.actions.push_back(CallAction::HangUp(call)),
                Act::Forget => {
                    self.listeners.remove(&call);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    #[test]
    fn everybody_who_comes_goes_and_is_forgotten() {
        for state in [Answered, Listening, Over] {
            assert_eq!(step(state, I::Gone), (Over, &[Forget][..]), "{state:?}");
        }
    }

    #[test]
    fn nobody_is_hung_up_on_twice_or_before_it_is_over() {
        for state in [Answered, Listening, Over] {
            assert_eq!(step(state, I::TimeUp).1 == [HangUp], state == Listening, "{state:?}");
        }
        assert_eq!(step(Listening, I::TimeUp).0, Over);
    }
}
