//! The NOTIFYs of one subscription, one at a time.
//!
//! RFC 6665 has a NOTIFY sent at every change (§4.2.2) and leaves it to the notifier how fast. A
//! second one that is sent before the first is answered may overtake it, and be refused with 500 as
//! out of order (RFC 3261 §12.2.2); so what happens meanwhile waits, and is told in one. The body is
//! made when the NOTIFY goes out, so that it tells the newest state; whoever tells changes only
//! (partial state) collects those that wait.

use super::failure::{Reach, reach};
use cordboard_sip::Status;

/// What is out, and what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Idle,
    /// A NOTIFY is out.
    Out,
    /// A NOTIFY is out, and another is owed.
    Owed,
    /// A NOTIFY is out, and the last one is owed.
    LastOwed,
    /// The last one is out.
    LastOut,
    /// The subscription is over on the wire too (§4.4.1).
    Done,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// There is something to tell.
    Wanted,
    /// The end is to be told.
    LastWanted,
    /// The NOTIFY was answered 2xx, or by a refusal that concerns it alone.
    Answered,
    /// It was answered by a refusal that ends the subscription, or not at all (§4.2.2).
    Lost,
    /// Nothing more is to be sent.
    Forget,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 5] = [Self::Wanted, Self::LastWanted, Self::Answered, Self::Lost, Self::Forget];
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send a NOTIFY with the state as it is now.
    Send,
    /// Send the one that says `terminated`.
    SendLast,
    /// The subscriber is gone ([`Input::Lost`](super::notifier::Input::Lost)).
    TellLost,
    /// The usage of the dialog is over.
    TellDone,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Idle, Wanted)                             => (Out,      &[Send]),
        (Idle, LastWanted)                         => (LastOut,  &[SendLast]),
        (Out, Wanted)                              => (Owed,     &[]),
        (Out | Owed, LastWanted)                   => (LastOwed, &[]),
        (Out, Answered)                            => (Idle,     &[]),
        (Owed, Answered)                           => (Out,      &[Send]),
        (LastOwed, Answered)                       => (LastOut,  &[SendLast]),
        (Out | Owed | LastOwed, Lost)              => (Done,     &[TellLost, TellDone]),
        (LastOut, Answered | Lost)                 => (Done,     &[TellDone]),
        (Idle | Out | Owed | LastOwed | LastOut, Forget) => (Done, &[TellDone]),
        // Already owed, or too late; answers to nothing.
        (Owed | LastOwed | LastOut | Done, Wanted)
        | (LastOwed | LastOut | Done, LastWanted)
        | (Idle | Done, Answered | Lost)
        | (Done, Forget)                           => (state,    &[]),
    }
}

/// The input that a response to a NOTIFY is, once challenges are answered; `None` is no response.
pub const fn of_answer(status: Option<Status>) -> Input {
    match status {
        Some(status) => match reach(status) {
            Reach::Request => Input::Answered,
            Reach::Subscription | Reach::Dialog => Input::Lost,
        },
        None => Input::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input::*, State::*};

    type Cell = (State, &'static [Act]);

    #[test]
    fn every_cell() {
        let row = |state| Input::ALL.map(|input| step(state, input));
        let done: Cell = (Done, &[TellDone]);
        let lost: Cell = (Done, &[TellLost, TellDone]);
        let (idle, owed): (Cell, Cell) = ((Idle, &[]), (Owed, &[]));
        let (last_owed, last_out, over): (Cell, Cell, Cell) = ((LastOwed, &[]), (LastOut, &[]), (Done, &[]));
        let (send, last): (Cell, Cell) = ((Out, &[Send]), (LastOut, &[SendLast]));
        // Wanted, LastWanted, Answered, Lost, Forget
        assert_eq!(row(Idle), [send, last, idle, idle, done]);
        assert_eq!(row(Out), [owed, last_owed, idle, lost, done]);
        assert_eq!(row(Owed), [owed, last_owed, send, lost, done]);
        assert_eq!(row(LastOwed), [last_owed, last_owed, last, lost, done]);
        assert_eq!(row(LastOut), [last_out, last_out, done, done, done]);
        assert_eq!(row(Done), [over; 5]);
    }

    /// However things happen, there is never a second one out, and the last stays the last.
    #[test]
    fn one_at_a_time() {
        for code in 0..5_usize.pow(6) {
            let mut state = Idle;
            let (mut out, mut last_sent) = (0_i32, false);
            for place in 0..6 {
                let input = Input::ALL[code / 5_usize.pow(place) % 5];
                if matches!(input, Answered | Lost) {
                    if out == 0 {
                        continue;
                    }
                    out -= 1;
                }
                let (next, acts) = step(state, input);
                state = next;
                for act in acts {
                    if matches!(act, Send | SendLast) {
                        assert!(!last_sent, "{code}");
                        out += 1;
                        last_sent = *act == SendLast;
                    }
                }
                assert!(out <= 1, "{code}");
            }
        }
    }

    #[test]
    fn a_481_and_silence_end_it_and_other_refusals_do_not() {
        assert_eq!(of_answer(Some(Status::OK)), Answered);
        assert_eq!(of_answer(Some(Status::SERVER_INTERNAL_ERROR)), Answered);
        assert_eq!(of_answer(Some(Status::CALL_DOES_NOT_EXIST)), Lost);
        assert_eq!(of_answer(None), Lost);
    }
}
