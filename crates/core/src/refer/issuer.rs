//! A REFER of ours, seen from the transferor: RFC 3515 §2.4, RFC 5589 §6 and §7.

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The REFER is out. A NOTIFY may overtake its response (RFC 3515 §2.4.4).
    Sent,
    /// It was accepted, and reports come.
    Reporting,
    /// How it ended is known, or never will be.
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 2xx to the REFER.
    Accepted,
    /// A 2xx that says `Refer-Sub: false`: nothing will be reported (RFC 4488 §4).
    AcceptedSilently,
    /// The REFER was refused, or nobody answered it.
    Refused,
    /// A NOTIFY with a provisional status.
    Progress,
    /// A NOTIFY with a 2xx.
    Success,
    /// A NOTIFY with any other final status.
    Failure,
    /// The subscription ended before a final status.
    Ended,
    /// Nothing final came in time.
    TimedOut,
    /// It led to nothing, and another REFER goes out in its place.
    TriedAnew,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::AcceptedSilently,
        Self::Refused,
        Self::Progress,
        Self::Success,
        Self::Failure,
        Self::Ended,
        Self::TimedOut,
        Self::TriedAnew,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Tell how the new call goes.
    TellProgress,
    /// Tell how the transfer ended.
    TellOutcome,
    /// End the call with the transferee, if it is still up (RFC 5589 §6.1).
    Release,
    /// Take the transferee off hold, so that the parties have each other back (RFC 5589 §6.3).
    Restore,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (Sent, I::Accepted)                 => (Reporting, &[]),
        (Sent, I::AcceptedSilently)         => (Over,      &[TellOutcome]),
        (Sent, I::Refused)                  => (Over,      &[TellOutcome, Restore]),
        (Sent | Reporting, I::Progress)     => (Reporting, &[TellProgress]),
        (Sent | Reporting, I::Success)      => (Over,      &[TellOutcome, Release]),
        (Sent | Reporting, I::Failure)      => (Over,      &[TellOutcome, Restore]),
        // Nobody says whether the new call is up: neither is the old one ended, nor taken off hold.
        (Sent | Reporting, I::Ended)        => (Over,      &[TellOutcome]),
        (Sent | Reporting, I::TimedOut)     => (Over,      &[TellOutcome, Restore]),
        (Sent | Reporting, I::TriedAnew)    => (Over,      &[]),
        // The response that a NOTIFY overtook, and what comes too late.
        (Reporting, I::Accepted | I::AcceptedSilently | I::Refused) => (state, &[]),
        (Over, I::Accepted | I::AcceptedSilently | I::Refused | I::Progress | I::Success | I::Failure
            | I::Ended | I::TimedOut | I::TriedAnew) => (state, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell() {
        use {Act::*, State::*};
        type Cell = (State, &'static [Act]);
        let row = |state| Input::ALL.map(|input| step(state, input));
        // Accepted, AcceptedSilently, Refused, Progress, Success, Failure, Ended, TimedOut, TriedAnew
        let progress: Cell = (Reporting, &[TellProgress]);
        let (done, back): (Cell, Cell) = ((Over, &[TellOutcome, Release]), (Over, &[TellOutcome, Restore]));
        let (told, silent): (Cell, Cell) = ((Over, &[TellOutcome]), (Over, &[]));
        assert_eq!(row(Sent), [(Reporting, &[][..]), told, back, progress, done, back, told, back, silent]);
        let stay: Cell = (Reporting, &[]);
        assert_eq!(row(Reporting), [stay, stay, stay, progress, done, back, told, back, silent]);
        assert_eq!(row(Over), [(Over, &[][..]); 9]);
    }

    /// RFC 3515 §2.4.4: the NOTIFY may come before the 202.
    #[test]
    fn a_report_that_overtakes_the_response_counts() {
        let (state, _) = step(State::Sent, Input::Success);
        assert_eq!(step(state, Input::Accepted), (State::Over, &[][..]));
    }
}
