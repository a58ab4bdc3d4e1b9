//! A REFER that somebody sent us, seen from the transferee: RFC 3515 §2.4.4, RFC 5589 §6 and §7.

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The owner is asked whether the call may be made (RFC 3515 §2.4.2).
    Asking,
    /// The call that it asks for is being made.
    Calling,
    /// We gave it up together with the call with the transferor.
    Leaving,
    /// That call is up, and the call with the transferor still is.
    Releasing,
    /// That call failed, and that is reported; a BYE of a transferor that did not know it yet may be on its way.
    Failed,
    /// Nothing is left to do.
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The owner consents.
    Consented,
    /// The owner does not, or says nothing in time.
    Declined,
    /// The new call is answered.
    Answered,
    /// The new call is answered, and the transferor had left before.
    AnsweredAlone,
    /// The new call failed, and the call with the transferor is up.
    Failed,
    /// The new call failed, and the transferor had left before.
    FailedAlone,
    /// We hung up on the transferor before the target answered.
    Left,
    /// The call with the transferor is over by the transferor's BYE.
    TransferorLeft,
    /// The transferor goes on with the old call: it changes it, or asks for another.
    TransferorStays,
    /// The transferor had its time to end the old call.
    Lingered,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 10] = [
        Self::Consented,
        Self::Declined,
        Self::Answered,
        Self::AnsweredAlone,
        Self::Failed,
        Self::FailedAlone,
        Self::Left,
        Self::TransferorLeft,
        Self::TransferorStays,
        Self::Lingered,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Make the call.
    Place,
    /// Report the final status of the new call, and end the subscription.
    Report,
    /// Call the transferor back (RFC 5359 §2.4).
    CallBack,
    /// Give up the new call.
    GiveUp,
    /// Give the transferor time to end the old call.
    StartTimer,
    /// Give its BYE time to come that it sent before it knew.
    StartShortTimer,
    /// End the old call.
    Bye,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (Asking, I::Consented)          => (Calling,   &[Place]),
        (Asking, I::Declined)           => (Over,      &[Report]),
        (Calling, I::Answered)          => (Releasing, &[Report, StartTimer]),
        (Calling, I::AnsweredAlone)     => (Over,      &[Report]),
        (Calling, I::Failed)            => (Failed,    &[Report, StartShortTimer]),
        (Calling, I::FailedAlone)       => (Over,      &[Report, CallBack]),
        (Calling, I::Left)              => (Leaving,   &[GiveUp]),
        // Whoever gives up gets a 487 for it, which is reported like any other end.
        (Leaving, I::Answered | I::AnsweredAlone | I::Failed | I::FailedAlone) => (Over, &[Report]),
        (Calling, I::TransferorLeft)    => (Calling,   &[]),
        (Releasing, I::Lingered)        => (Over,      &[Bye]),
        (Releasing, I::TransferorLeft | I::Left) => (Over, &[]),
        (Failed, I::TransferorLeft)     => (Over,      &[CallBack]),
        (Failed, I::TransferorStays | I::Left | I::Lingered) => (Over, &[]),
        // What cannot be yet or any more, and what comes too late.
        (Asking, I::Answered | I::AnsweredAlone | I::Failed | I::FailedAlone | I::Left | I::TransferorLeft
            | I::TransferorStays | I::Lingered)
        | (Calling, I::Consented | I::Declined | I::TransferorStays | I::Lingered)
        | (Leaving, I::Consented | I::Declined | I::Left | I::TransferorLeft | I::TransferorStays | I::Lingered)
        | (Releasing | Failed, I::Consented | I::Declined | I::Answered | I::AnsweredAlone | I::Failed
            | I::FailedAlone)
        | (Releasing, I::TransferorStays)
        | (Over, I::Consented | I::Declined | I::Answered | I::AnsweredAlone | I::Failed | I::FailedAlone
            | I::Left | I::TransferorLeft | I::TransferorStays | I::Lingered) => (state, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever left by itself wants nobody back.
    #[test]
    fn who_left_calls_nobody_back() {
        let (state, _) = step(State::Calling, Input::Left);
        assert!(!step(state, Input::FailedAlone).1.contains(&Act::CallBack));
    }

    #[test]
    fn every_cell() {
        use {Act::*, State::*};
        type Cell = (State, &'static [Act]);
        let row = |state| Input::ALL.map(|input| step(state, input));
        // Consented, Declined, Answered, AnsweredAlone, Failed, FailedAlone, Left, TransferorLeft, TransferorStays,
        // Lingered
        let asking: Cell = (Asking, &[]);
        let (place, told): (Cell, Cell) = ((Calling, &[Place]), (Over, &[Report]));
        let rest = [asking; 8];
        assert_eq!(row(Asking)[..2], [place, told]);
        assert_eq!(row(Asking)[2..], rest);
        let calling: [Cell; 10] = [
            (Calling, &[]),
            (Calling, &[]),
            (Releasing, &[Report, StartTimer]),
            (Over, &[Report]),
            (Failed, &[Report, StartShortTimer]),
            (Over, &[Report, CallBack]),
            (Leaving, &[GiveUp]),
            (Calling, &[]),
            (Calling, &[]),
            (Calling, &[]),
        ];
        assert_eq!(row(Calling), calling);
        let stay: Cell = (Leaving, &[]);
        assert_eq!(row(Leaving), [stay, stay, told, told, told, told, stay, stay, stay, stay]);
        let (stay, over): (Cell, Cell) = ((Releasing, &[]), (Over, &[]));
        assert_eq!(row(Releasing), [stay, stay, stay, stay, stay, stay, over, over, stay, (Over, &[Bye])]);
        let stay: Cell = (Failed, &[]);
        let back: Cell = (Over, &[CallBack]);
        assert_eq!(row(Failed), [stay, stay, stay, stay, stay, stay, over, back, over, over]);
        assert_eq!(row(Over), [(Over, &[][..]); 10]);
    }
}
