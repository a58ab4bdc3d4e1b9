//! A subscription seen from the side that watches: RFC 6665 §4.1.2, the figure there, with what has
//! to be answered and sent.
//!
//! It begins in [`State::NotifyWait`] when a SUBSCRIBE or a REFER goes out (RFC 3515 §2.4.4), or in
//! [`State::Leaving`] when a SUBSCRIBE with `Expires: 0` does that only fetches (§4.4.3); Timer N
//! starts in each case. A REFER so begun is no different afterwards: it is refreshed and ended by
//! SUBSCRIBE. What a dialog has is made by the first NOTIFY, not by the 2xx (§4.4.1), and a fork has
//! one machine for each dialog that a NOTIFY opens until Timer N fires (§4.1.4).

use super::failure::{Reach, reach};
use cordboard_sip::Status;
use cordboard_sip::header::{SubState, SubscriptionState};

/// Where the subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for; no NOTIFY has come.
    NotifyWait,
    /// The same, and no longer wanted. There is no dialog yet in which to say so.
    Unwanted,
    /// Whoever is watched has not decided yet.
    Pending,
    /// It is watched.
    Active,
    /// A SUBSCRIBE with `Expires: 0` is out, and the NOTIFY that ends it has not come.
    Leaving,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 2xx to the SUBSCRIBE or REFER; 202 is no different from 200 (§8.3.1, RFC 7647 §5).
    Accepted,
    /// A 2xx which says that no NOTIFY follows: 204 to a refresh (RFC 5839), or `Refer-Sub: false` in
    /// the answer to a REFER (RFC 4488 §4).
    AcceptedWithoutNotify,
    /// A refusal that ends a subscription ([`of_refusal`]).
    RefusedForGood,
    /// Any other refusal.
    Refused,
    /// A NOTIFY that says `active`, or something that we do not know.
    NotifiedActive,
    /// A NOTIFY that says `pending`.
    NotifiedPending,
    /// A NOTIFY that says `terminated`.
    NotifiedTerminated,
    /// It is time to refresh.
    RefreshDue,
    /// We no longer want it.
    Unsubscribe,
    /// Timer N fired: 64·T1 after our request no NOTIFY has come. A request that nobody answers ends
    /// by it too, for Timer F is as long.
    TimerN,
    /// It has lasted for as long as was agreed.
    Expired,
    /// The dialog is lost together with another usage of it.
    Lost,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 12] = [
        Self::Accepted,
        Self::AcceptedWithoutNotify,
        Self::RefusedForGood,
        Self::Refused,
        Self::NotifiedActive,
        Self::NotifiedPending,
        Self::NotifiedTerminated,
        Self::RefreshDue,
        Self::Unsubscribe,
        Self::TimerN,
        Self::Expired,
        Self::Lost,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answer the NOTIFY 200.
    AcceptNotify,
    /// Answer the NOTIFY 481 (§4.1.3, and §4.1.2.4 after Timer N).
    RefuseNotify,
    /// Send SUBSCRIBE to go on, with the duration that we want.
    Refresh,
    /// Send SUBSCRIBE with `Expires: 0`.
    SendUnsubscribe,
    /// Start Timer N: 64·T1.
    StartN,
    /// Stop it.
    StopN,
    /// Take over the duration that the message gives ([`Lifetime`](super::duration::Lifetime)).
    KeepTime,
    /// The refresh failed and the subscription did not (§4.1.2.2): try once more before it expires.
    RetryRefresh,
    /// Show the state that the NOTIFY brought.
    TellState,
    /// Tell that it waits for a decision.
    TellPending,
    /// Tell that it never came to be.
    TellFailed,
    /// Tell that it is over, and by [`again`](super::again) what follows.
    TellEnded,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (NotifyWait, I::Accepted)                => (NotifyWait, &[KeepTime]),
        (NotifyWait, I::NotifiedActive)          => (Active,     &[AcceptNotify, StopN, KeepTime, TellState]),
        (NotifyWait, I::NotifiedPending)         => (Pending,    &[AcceptNotify, StopN, KeepTime, TellPending]),
        (NotifyWait, I::NotifiedTerminated)      => (Terminated, &[AcceptNotify, StopN, TellState, TellEnded]),
        (NotifyWait, I::Unsubscribe)             => (Unwanted,   &[]),
        // Without a NOTIFY there was no subscription.
        (NotifyWait | Unwanted, I::AcceptedWithoutNotify | I::RefusedForGood | I::Refused | I::Lost)
                                                 => (Terminated, &[StopN, TellFailed]),
        (NotifyWait | Unwanted, I::TimerN)       => (Terminated, &[TellFailed]),
        // Now there is a dialog to say it in.
        (Unwanted, I::NotifiedActive | I::NotifiedPending)
                                                 => (Leaving,    &[AcceptNotify, SendUnsubscribe, StartN]),
        (Unwanted, I::NotifiedTerminated)        => (Terminated, &[AcceptNotify, StopN, TellEnded]),

        // The 2xx that a NOTIFY has overtaken, or the one to a refresh.
        (Pending | Active, I::Accepted)          => (state,      &[KeepTime]),
        (Pending | Active, I::AcceptedWithoutNotify) => (state,  &[StopN, KeepTime]),
        (Pending | Active, I::NotifiedActive)    => (Active,     &[AcceptNotify, StopN, KeepTime, TellState]),
        (Pending | Active, I::NotifiedPending)   => (Pending,    &[AcceptNotify, StopN, KeepTime, TellPending]),
        (Pending | Active, I::NotifiedTerminated) => (Terminated, &[AcceptNotify, StopN, TellState, TellEnded]),
        (Pending | Active, I::RefreshDue)        => (state,      &[Refresh, StartN]),
        (Pending | Active, I::Refused)           => (state,      &[StopN, RetryRefresh]),
        (Pending | Active, I::Unsubscribe)       => (Leaving,    &[SendUnsubscribe, StartN]),
        (Pending | Active, I::RefusedForGood | I::Expired | I::Lost) => (Terminated, &[StopN, TellEnded]),
        (Pending | Active, I::TimerN)            => (Terminated, &[TellEnded]),

        // What a fetch brings it brings with the NOTIFY that ends it. One that says otherwise was under
        // way before, or comes from a notifier that will tell more.
        (Leaving, I::NotifiedActive | I::NotifiedPending) => (Leaving, &[AcceptNotify, TellState]),
        (Leaving, I::NotifiedTerminated)         => (Terminated, &[AcceptNotify, StopN, TellState, TellEnded]),
        // Refused or not, we are gone (RFC 5057 §5.1, note 13).
        (Leaving, I::RefusedForGood | I::Refused | I::AcceptedWithoutNotify | I::Lost)
                                                 => (Terminated, &[StopN, TellEnded]),
        (Leaving, I::TimerN)                     => (Terminated, &[TellEnded]),

        (Terminated, I::NotifiedActive | I::NotifiedPending | I::NotifiedTerminated) => (Terminated, &[RefuseNotify]),

        // Timers that have nothing to say here: before the first NOTIFY and after the last SUBSCRIBE
        // Timer N decides.
        (NotifyWait | Unwanted | Leaving, I::RefreshDue | I::Expired)
        | (Unwanted | Leaving, I::Accepted | I::Unsubscribe)
        | (Terminated, I::Accepted | I::AcceptedWithoutNotify | I::RefusedForGood | I::Refused | I::RefreshDue
            | I::Unsubscribe | I::TimerN | I::Expired | I::Lost) => (state, &[]),
    }
}

/// The input that a refusal of a SUBSCRIBE or REFER is, once challenges are answered.
pub const fn of_refusal(status: Status) -> Input {
    match reach(status) {
        Reach::Request => Input::Refused,
        Reach::Subscription | Reach::Dialog => Input::RefusedForGood,
    }
}

/// The input that a NOTIFY with that `Subscription-State` is. A state that we do not know is none that
/// ends anything.
pub const fn of_notify(header: &SubscriptionState) -> Input {
    match &header.state {
        SubState::Active | SubState::Other(_) => Input::NotifiedActive,
        SubState::Pending => Input::NotifiedPending,
        SubState::Terminated => Input::NotifiedTerminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Input as I;
    use {Act::*, State::*};

    type Cell = (State, &'static [Act]);
    const STATES: [State; 6] = [NotifyWait, Unwanted, Pending, Active, Leaving, Terminated];

    fn row(state: State) -> [Cell; 12] {
        I::ALL.map(|input| step(state, input))
    }

    // Accepted, AcceptedWithoutNotify, RefusedForGood, Refused, NotifiedActive, NotifiedPending,
    // NotifiedTerminated, RefreshDue, Unsubscribe, TimerN, Expired, Lost
    #[test]
    fn every_cell_before_the_first_notify() {
        let failed: Cell = (Terminated, &[StopN, TellFailed]);
        let silent: Cell = (Terminated, &[TellFailed]);
        let stay: Cell = (NotifyWait, &[]);
        let wait: [Cell; 12] = [
            (NotifyWait, &[KeepTime]),
            failed,
            failed,
            failed,
            (Active, &[AcceptNotify, StopN, KeepTime, TellState]),
            (Pending, &[AcceptNotify, StopN, KeepTime, TellPending]),
            (Terminated, &[AcceptNotify, StopN, TellState, TellEnded]),
            stay,
            (Unwanted, &[]),
            silent,
            stay,
            failed,
        ];
        assert_eq!(row(NotifyWait), wait);
        let stay: Cell = (Unwanted, &[]);
        let leave: Cell = (Leaving, &[AcceptNotify, SendUnsubscribe, StartN]);
        let end: Cell = (Terminated, &[AcceptNotify, StopN, TellEnded]);
        let unwanted = [stay, failed, failed, failed, leave, leave, end, stay, stay, silent, stay, failed];
        assert_eq!(row(Unwanted), unwanted);
    }

    #[test]
    fn every_cell_afterwards() {
        let ended: Cell = (Terminated, &[StopN, TellEnded]);
        let silent: Cell = (Terminated, &[TellEnded]);
        let last: Cell = (Terminated, &[AcceptNotify, StopN, TellState, TellEnded]);
        for state in [Pending, Active] {
            let stands: [Cell; 12] = [
                (state, &[KeepTime]),
                (state, &[StopN, KeepTime]),
                ended,
                (state, &[StopN, RetryRefresh]),
                (Active, &[AcceptNotify, StopN, KeepTime, TellState]),
                (Pending, &[AcceptNotify, StopN, KeepTime, TellPending]),
                last,
                (state, &[Refresh, StartN]),
                (Leaving, &[SendUnsubscribe, StartN]),
                silent,
                ended,
                ended,
            ];
            assert_eq!(row(state), stands);
        }
        let stay: Cell = (Leaving, &[]);
        let late: Cell = (Leaving, &[AcceptNotify, TellState]);
        let leaving = [stay, ended, ended, ended, late, late, last, stay, stay, silent, stay, ended];
        assert_eq!(row(Leaving), leaving);
        let (stay, refuse): (Cell, Cell) = ((Terminated, &[]), (Terminated, &[RefuseNotify]));
        let over = [stay, stay, stay, stay, refuse, refuse, refuse, stay, stay, stay, stay, stay];
        assert_eq!(row(Terminated), over);
    }

    /// Whatever the state, a NOTIFY is answered once, the end is told once, and no timer outlives it.
    #[test]
    fn notifies_are_answered_and_ends_are_told_once() {
        for state in STATES {
            for input in I::ALL {
                let (next, acts) = step(state, input);
                let notify = matches!(input, I::NotifiedActive | I::NotifiedPending | I::NotifiedTerminated);
                let answers = acts.iter().filter(|act| matches!(act, AcceptNotify | RefuseNotify)).count();
                assert_eq!(answers, usize::from(notify), "{state:?} {input:?}");
                let told = acts.iter().filter(|act| matches!(act, TellFailed | TellEnded)).count();
                let ends = state != Terminated && next == Terminated;
                assert_eq!(told, usize::from(ends), "{state:?} {input:?}");
                assert!(!ends || input == I::TimerN || acts.contains(&StopN), "{state:?} {input:?}");
            }
        }
    }

    fn run(mut state: State, inputs: &[Input]) -> (State, Vec<Act>) {
        let mut done = Vec::new();
        for input in inputs {
            let (next, acts) = step(state, *input);
            state = next;
            done.extend_from_slice(acts);
        }
        (state, done)
    }

    #[test]
    fn a_notify_that_overtakes_the_200_opens_the_subscription() {
        let (first, _) = run(NotifyWait, &[I::Accepted, I::NotifiedActive]);
        let (overtaken, _) = run(NotifyWait, &[I::NotifiedActive, I::Accepted]);
        assert_eq!((first, overtaken), (Active, Active));
        // The one NOTIFY of a REFER that is done at once does so too.
        let (state, acts) = run(NotifyWait, &[I::NotifiedTerminated, I::Accepted]);
        assert_eq!(state, Terminated);
        assert!(acts.contains(&TellState) && !acts.contains(&RefuseNotify));
    }

    #[test]
    fn a_fetch_ends_with_what_it_brings() {
        let (state, acts) = run(Leaving, &[I::Accepted, I::NotifiedTerminated]);
        assert_eq!((state, acts), (Terminated, vec![AcceptNotify, StopN, TellState, TellEnded]));
    }

    /// §4.1.2.2: most refusals leave it alone, 481 does not.
    #[test]
    fn what_refuses_a_refresh() {
        assert_eq!(of_refusal(Status::SERVER_INTERNAL_ERROR), I::Refused);
        assert_eq!(of_refusal(Status::CALL_DOES_NOT_EXIST), I::RefusedForGood);
        let (state, acts) = run(Active, &[I::RefreshDue, I::Refused, I::NotifiedActive]);
        assert_eq!(state, Active);
        assert!(acts.contains(&RetryRefresh) && !acts.contains(&TellEnded));
        assert_eq!(run(Active, &[I::RefreshDue, I::RefusedForGood]).0, Terminated);
        assert_eq!(run(Active, &[I::RefreshDue, I::Accepted, I::TimerN]).0, Terminated);
    }

    #[test]
    fn what_a_notify_says() {
        let of = |text| of_notify(&<SubscriptionState as cordboard_sip::Header>::parse(text).unwrap());
        assert_eq!(of("active;expires=60"), I::NotifiedActive);
        assert_eq!(of("Pending"), I::NotifiedPending);
        assert_eq!(of("terminated;reason=noresource"), I::NotifiedTerminated);
        assert_eq!(of("suspended"), I::NotifiedActive);
    }

    #[test]
    fn whoever_no_longer_wants_it_says_so_as_soon_as_there_is_a_dialog() {
        let (state, acts) = run(NotifyWait, &[I::Unsubscribe, I::Accepted, I::NotifiedPending]);
        assert_eq!((state, acts), (Leaving, vec![AcceptNotify, SendUnsubscribe, StartN]));
    }
}
