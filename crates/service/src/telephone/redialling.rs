//! Automatic redial (RFC 5359 §2.17): somebody is busy, their calls are watched (RFC 4235), and they are called once they
//! are free. Several may be waited for: one is called at a time, in the order in which they became free, and nobody
//! while we are on the telephone ourselves.

use super::Telephone;
use super::call::outcome_of;
use super::caller::Placing;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::watch::{Package, WatchName, Watched, Whom};
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use cordboard_sip::body::dialog_info::State as RowState;
use std::time::Duration;

/// People whom one telephone may wait for at a time.
const MAX_REDIALS: usize = 16;

/// For how many seconds at a time their calls are watched (RFC 4235 §3.4).
const WATCHED_S: u32 = 3_600;

/// How a redial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is not known yet whether they are busy.
    Asking,
    /// They are busy.
    Waiting,
    /// They are free, and it is not our turn yet.
    Free,
    /// They are called.
    Calling,
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    ToldBusy,
    ToldFree,
    /// We are free ourselves, and nobody else's turn comes first.
    Turn,
    Answered,
    /// Somebody else was first, and we may try again.
    BusyAgain,
    /// The call failed, and will not be tried again.
    Failed,
    /// It has waited for too long, or it is not wanted any more.
    GivenUp,
    /// Nobody tells us any more whether they are free.
    Blind,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Call,
    Unwatch,
    /// Tell that they are still busy.
    TellWaits,
    /// Tell that no call came of it.
    TellEnded,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Asking, ToldBusy)                 => (Waiting, &[TellWaits]),
        (Asking | Waiting, ToldFree)       => (Free,    &[]),
        (Free, ToldBusy)                   => (Waiting, &[]),
        (Free, Turn)                       => (Calling, &[Call]),
        (Calling, BusyAgain)               => (Waiting, &[]),
        (Calling, Answered | Failed)       => (Over,    &[Unwatch]),
        (Asking | Waiting | Free, GivenUp) => (Over,    &[Unwatch, TellEnded]),
        (Asking | Waiting | Free, Blind)   => (Over,    &[TellEnded]),
        // The call goes on by itself.
        (Calling, GivenUp | Blind)         => (Over,    &[Unwatch]),
        // Our own call makes them busy; what comes twice or too late.
        (Waiting, ToldBusy)
        | (Asking | Waiting, Turn | Answered | BusyAgain | Failed)
        | (Free, ToldFree | Answered | BusyAgain | Failed)
        | (Calling, ToldBusy | ToldFree | Turn)
        | (Over, ToldBusy | ToldFree | Turn | Answered | BusyAgain | Failed | GivenUp | Blind) => (state, &[]),
    }
}

/// Somebody who is waited for.
struct Redial {
    state: State,
    call: CallName,
    to: Box<str>,
    watch: WatchName,
    until: Instant,
    tries: u8,
    /// How it ends if no call comes of it.
    ending: (Outcome, Option<Status>),
}

/// Those who are waited for; who became free first stands first among the free.
#[derive(Default)]
pub(super) struct Redials(Vec<Redial>);

impl Redials {
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// When the first has waited for too long.
    pub(super) fn next(&self) -> Option<Instant> {
        let waits = self.0.iter().filter(|redial| redial.state != State::Calling);
        waits.map(|redial| redial.until).min()
    }

    /// Whether a redial of that name has no call yet.
    pub(super) fn waits(&self, name: CallName) -> bool {
        self.0.iter().any(|redial| redial.call == name && redial.state != State::Calling)
    }

    fn position(&self, name: CallName) -> Option<usize> {
        self.0.iter().position(|redial| redial.call == name)
    }
}

impl Telephone {
    /// Waits until somebody is free.
    pub(super) fn redial(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        to: &str,
        (within, tries): (Duration, u8),
    ) {
        let possible = !name.is_incoming() && !self.is_taken(name) && self.redials.len() < MAX_REDIALS;
        let watch = self.own_watch();
        let whom = Whom::Address(super::bracketed(to).into());
        if !possible || tries == 0 || !self.watch(desk, now, watch, whom, Package::Dialog, WATCHED_S) {
            return Self::tell(desk, CallEvent::Impossible(name));
        }
        self.redials.0.push(Redial {
            state: State::Asking,
            call: name,
            to: to.into(),
            watch,
            until: now + within,
            tries,
            ending: (Outcome::NoAnswer, None),
        });
    }

    /// Somebody's calls are told: whether they are free. A dialog that is over is told once more.
    pub(super) fn redial_told(&mut self, desk: &mut Desk, now: Instant, watch: WatchName, state: &Watched) {
        let Watched::Dialogs(rows) = state else { return };
        let Some(at) = self.redials.0.iter().position(|redial| redial.watch == watch) else { return };
        let busy = rows.iter().any(|row| row.state != RowState::Terminated);
        let was = self.redials.0[at].state;
        self.advance_redial(desk, now, at, if busy { Input::ToldBusy } else { Input::ToldFree });
        let is = self.redials.0.get(at).map(|redial| redial.state);
        if was != State::Free && is == Some(State::Free) {
            // Behind those who were free before.
            let last = self.redials.0.remove(at);
            self.redials.0.push(last);
        }
    }

    /// The subscription is over.
    pub(super) fn redial_blind(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        watch: WatchName,
        status: Option<Status>,
    ) {
        let Some(at) = self.redials.0.iter().position(|redial| redial.watch == watch) else { return };
        self.redials.0[at].ending = (status.map_or(Outcome::Failed, outcome_of), status);
        self.advance_redial(desk, now, at, Input::Blind);
    }

    /// Calls the first who is free, if we are.
    pub(super) fn redial_next(&mut self, desk: &mut Desk, now: Instant) {
        if self.redials.len() == 0 || self.calls.iter().any(|call| !call.is_over()) {
            return;
        }
        let first = self.redials.0.iter().position(|redial| redial.state == State::Free);
        // The try before may still be remembered for a moment.
        let first = first.filter(|at| !self.names.contains_key(&self.redials.0[*at].call));
        if let Some(at) = first {
            self.advance_redial(desk, now, at, Input::Turn);
        }
    }

    /// A call is up.
    pub(super) fn redial_answered(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        if let Some(at) = self.redials.position(name) {
            self.advance_redial(desk, now, at, Input::Answered);
        }
    }

    /// A call is over. True if it will be tried again, so that nobody is told.
    pub(super) fn redial_ended(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        outcome: Outcome,
    ) -> bool {
        let calling = |redial: &Redial| redial.call == name && redial.state == State::Calling;
        let Some(at) = self.redials.0.iter().position(calling) else { return false };
        let redial = &mut self.redials.0[at];
        redial.tries = redial.tries.saturating_sub(1);
        let again = outcome == Outcome::Busy && redial.tries > 0 && redial.until > now;
        self.advance_redial(desk, now, at, if again { Input::BusyAgain } else { Input::Failed });
        again
    }

    /// Waits for somebody no longer; false if nobody did.
    pub(super) fn gives_up_redial(&mut self, desk: &mut Desk, now: Instant, name: CallName) -> bool {
        let at = self.redials.position(name).filter(|_| self.redials.waits(name));
        if let Some(at) = at {
            self.redials.0[at].ending = (Outcome::Cancelled, None);
            self.advance_redial(desk, now, at, Input::GivenUp);
        }
        at.is_some()
    }

    /// Gives up those who have waited for too long.
    pub(super) fn redials_due(&mut self, desk: &mut Desk, now: Instant) {
        let due = |redial: &Redial| redial.until <= now && redial.state != State::Calling;
        while let Some(at) = self.redials.0.iter().position(due) {
            self.advance_redial(desk, now, at, Input::GivenUp);
        }
    }

    fn advance_redial(&mut self, desk: &mut Desk, now: Instant, at: usize, input: Input) {
        let Some(redial) = self.redials.0.get_mut(at) else { return };
        let (state, acts) = step(redial.state, input);
        redial.state = state;
        let (call, to, watch, ending) = (redial.call, redial.to.clone(), redial.watch, redial.ending);
        if state == State::Over {
            self.redials.0.remove(at);
        }
        for act in acts {
            match act {
                Act::Call => {
                    Self::tell(desk, CallEvent::Redialling(call));
                    if self.place(desk, now, call, &to, Placing::USUAL).is_none() {
                        self.unwatch_all(desk, now, watch);
                        self.redials.0.retain(|redial| redial.call != call);
                        Self::tell(desk, CallEvent::Impossible(call));
                    }
                }
                Act::TellWaits => Self::tell(desk, CallEvent::RedialWaits(call)),
                Act::Unwatch => self.unwatch_all(desk, now, watch),
                Act::TellEnded => {
                    let (outcome, status) = ending;
                    let by_peer = input == Input::Blind;
                    Self::tell(desk, CallEvent::Ended { call, outcome, status, by_peer });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input::*, State::*};

    const INPUTS: [Input; 8] = [ToldBusy, ToldFree, Turn, Answered, BusyAgain, Failed, GivenUp, Blind];

    /// Whatever ends it, nobody is watched any longer, and whoever waits is told once.
    #[test]
    fn an_end_leaves_no_subscription_behind() {
        for state in [Asking, Waiting, Free, Calling] {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                if next == Over {
                    assert!(acts.contains(&Unwatch) || input == Blind, "{state:?} {input:?}");
                    // A call that was made tells of its own end.
                    assert_eq!(acts.contains(&TellEnded), state != Calling, "{state:?} {input:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_is_called_out_of_turn() {
        for state in [Asking, Waiting, Free, Calling, Over] {
            for input in INPUTS {
                let calls = step(state, input).1.contains(&Act::Call);
                assert_eq!(calls, (state, input) == (Free, Turn), "{state:?} {input:?}");
            }
        }
    }
}
