//! The target set of a proxied request (RFC 3261 §16.5 to §16.8): which targets are out, and when the next are.
//!
//! Targets come in *steps*, such as the places of a find-me list (RFC 5359 §2.12) or whoever a call is forwarded to
//! (§2.7 to §2.9), and a step in *groups*, those of equal preference. Where each leads, and what the next is, the
//! proxy knows; here stands when it is sought.

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The targets of a step are being looked up.
    Locating,
    /// The branches of a group are out.
    Ringing,
    /// Their time is up: they are cancelled, and nothing new goes out until each has said that it is over.
    Withdrawing,
    /// Nobody else is asked; the branches that are out have the last word.
    Closing,
    /// A final response was passed back.
    Answered,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// There is somewhere to go.
    Found,
    /// A group has rung for long enough while others of its step wait.
    GroupTimeUp,
    /// A step has.
    StepTimeUp,
    /// No branch is out any more, and none succeeded; or a step led nowhere.
    Exhausted,
    /// A 6xx (RFC 3261 §16.7 step 5).
    Declined,
    /// The caller cancelled (§16.10).
    Cancelled,
    /// A final response went back.
    Concluded,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 7] = [
        Self::Found,
        Self::GroupTimeUp,
        Self::StepTimeUp,
        Self::Exhausted,
        Self::Declined,
        Self::Cancelled,
        Self::Concluded,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take the next group, the next step, or whoever the call is forwarded to; without any, answer the caller.
    Next,
    /// Cancel the branches that are out: what they say is not wanted any more.
    Withdraw,
    /// Cancel them for the caller, who is told what they say.
    Cancel,
    /// Forget the other groups of this step.
    SkipGroups,
    /// Forget everything that was not tried yet.
    SkipAll,
    /// Pass the best response back (§16.7 step 6).
    Answer,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (Locating, I::Found)                              => (Ringing,     &[]),
        (Locating, I::Exhausted)                          => (Locating,    &[Next]),
        (Ringing, I::GroupTimeUp)                         => (Withdrawing, &[Withdraw]),
        (Ringing, I::StepTimeUp)                          => (Withdrawing, &[SkipGroups, Withdraw]),
        (Withdrawing, I::StepTimeUp)                      => (Withdrawing, &[SkipGroups]),
        (Ringing | Withdrawing, I::Exhausted)             => (Locating,    &[Next]),
        (Locating | Ringing | Withdrawing, I::Declined)   => (Closing,     &[SkipAll, Withdraw]),
        (Locating | Ringing | Withdrawing, I::Cancelled)  => (Closing,     &[SkipAll, Cancel]),
        // Who cancels after a 6xx, and the other way round: the branches are being cancelled already.
        (Closing, I::Declined | I::Cancelled)             => (Closing,     &[]),
        (Closing, I::Exhausted)                           => (Closing,     &[Answer]),
        (Locating | Ringing | Withdrawing | Closing, I::Concluded) => (Answered, &[]),
        // Timers of what is over, and what comes after the answer.
        (Locating, I::GroupTimeUp | I::StepTimeUp)
        | (Ringing, I::Found)
        | (Withdrawing, I::Found | I::GroupTimeUp)
        | (Closing, I::Found | I::GroupTimeUp | I::StepTimeUp)
        | (Answered, I::Found | I::GroupTimeUp | I::StepTimeUp | I::Exhausted | I::Declined | I::Cancelled
            | I::Concluded)                               => (state,       &[]),
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
        let (next, done): (Cell, Cell) = ((Locating, &[Next]), (Answered, &[]));
        let declined: Cell = (Closing, &[SkipAll, Withdraw]);
        let cancelled: Cell = (Closing, &[SkipAll, Cancel]);
        let stay = |state| -> Cell { (state, &[]) };
        // Found, GroupTimeUp, StepTimeUp, Exhausted, Declined, Cancelled, Concluded
        let (l, w, c) = (stay(Locating), stay(Withdrawing), stay(Closing));
        assert_eq!(row(Locating), [stay(Ringing), l, l, next, declined, cancelled, done]);
        let up: Cell = (Withdrawing, &[SkipGroups, Withdraw]);
        assert_eq!(
            row(Ringing),
            [stay(Ringing), (Withdrawing, &[Withdraw][..]), up, next, declined, cancelled, done]
        );
        assert_eq!(
            row(Withdrawing),
            [w, w, (Withdrawing, &[SkipGroups][..]), next, declined, cancelled, done]
        );
        assert_eq!(row(Closing), [c, c, c, (Closing, &[Answer][..]), c, c, done]);
        assert_eq!(row(Answered), [stay(Answered); 7]);
    }

    /// RFC 5359 §2.9: nothing new rings before what rang has said that it is over, so that nobody answers twice.
    #[test]
    fn what_rang_is_over_before_the_next_rings() {
        let (state, acts) = step(State::Ringing, Input::StepTimeUp);
        assert!(!acts.contains(&Act::Next));
        assert_eq!(step(state, Input::Exhausted), (State::Locating, &[Act::Next][..]));
    }
}
