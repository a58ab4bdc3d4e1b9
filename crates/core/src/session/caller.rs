//! A call seen from the side that sent the INVITE: RFC 3261 §13.2, §9.1 and §15.

/// Where the call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The INVITE is out.
    Calling,
    /// It rings at the other side.
    Ringing,
    /// Given up, but not yet by the other side.
    Cancelling,
    /// A 2xx came, and its ACK has still to find its way: a name is looked up, or a connection opened.
    Answered,
    /// The 2xx is acknowledged.
    Established,
    /// Over.
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 180.
    Ringing,
    /// A 2xx, on a dialog that has had none.
    Success,
    /// A 2xx to a call that we gave up, but take if it is answered all the same (RFC 5589 §7.6, figure 13).
    SuccessAllTheSame,
    /// A 2xx whose answer is missing or of no use (RFC 3261 §13.2.1).
    Unusable,
    /// The ACK of the 2xx is sent, or found nowhere to go until the 2xx comes again.
    Acknowledged,
    /// The INVITE failed for good, or nobody answered it.
    Failure,
    /// We give up.
    HangUp,
    /// We give up the early dialogs that there are, and not what else may come of the INVITE (RFC 5407 appendix A).
    ByeEarly,
    /// It has rung for long enough.
    RangTooLong,
    /// A BYE inside the answered dialog.
    Bye,
    /// The answered dialog is lost: a request inside it was answered 481, or not at all, or an ACK
    /// never came.
    Lost,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 11] = [
        Self::Ringing,
        Self::Success,
        Self::SuccessAllTheSame,
        Self::Unusable,
        Self::Acknowledged,
        Self::Failure,
        Self::HangUp,
        Self::ByeEarly,
        Self::RangTooLong,
        Self::Bye,
        Self::Lost,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Tell that it rings.
    TellRinging,
    /// Cancel the INVITE (§9.1).
    Cancel,
    /// Send BYE in each early dialog (§15.1.1), and cancel if the INVITE has no end in 64·T1.
    ByeEarly,
    /// Acknowledge the 2xx.
    Ack,
    /// Send BYE on the dialog of the 2xx that just came, or else on the answered one.
    Bye,
    /// Tell that it is up.
    TellEstablished,
    /// Tell that it is over: the other side, or the network, ended it.
    TellEnded,
    /// Tell that it is over because we gave it up.
    TellGivenUp,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (Calling, I::Ringing)                          => (Ringing,     &[TellRinging]),
        (Calling | Ringing, I::Success)                => (Answered,    &[Ack]),
        (Calling | Ringing | Cancelling, I::SuccessAllTheSame) => (Answered, &[Ack]),
        // Whatever follows from it, a REFER to somebody else say, is not to overtake the ACK.
        (Answered, I::Acknowledged)                    => (Established, &[TellEstablished]),
        (Calling | Ringing, I::Unusable)               => (Over,        &[Ack, Bye, TellEnded]),
        (Calling | Ringing, I::Failure)                => (Over,        &[TellEnded]),
        (Calling | Ringing, I::HangUp | I::RangTooLong) => (Cancelling, &[Cancel]),
        (Calling | Ringing, I::ByeEarly)               => (Cancelling, &[ByeEarly]),
        (Cancelling, I::RangTooLong)                   => (Cancelling, &[Cancel]),
        (Cancelling, I::Failure)                       => (Over,        &[TellGivenUp]),
        // The 2xx crossed the CANCEL (§15): the call is up, and ended at once.
        (Cancelling, I::Success | I::Unusable)         => (Over,        &[Ack, Bye, TellGivenUp]),
        (Answered | Established, I::HangUp)            => (Over,        &[Bye, TellGivenUp]),
        (Answered | Established, I::Bye)               => (Over,        &[TellEnded]),
        (Answered | Established, I::Lost)              => (Over,        &[Bye, TellEnded]),
        // Another branch of a fork answered too (§13.2.2.4): it is acknowledged and ended.
        (Answered | Established | Over, I::Success | I::SuccessAllTheSame | I::Unusable) => (state, &[Ack, Bye]),
        // Repeats, and what comes too late.
        (Ringing | Cancelling | Answered | Established | Over, I::Ringing)
        | (Calling | Ringing | Cancelling | Established | Over, I::Acknowledged)
        | (Answered | Established | Over, I::Failure | I::RangTooLong)
        | (Cancelling | Over, I::HangUp)
        | (Cancelling | Answered | Established | Over, I::ByeEarly)
        | (Calling | Ringing | Cancelling | Over, I::Bye | I::Lost) => (state, &[]),
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
        let cancel: Cell = (Cancelling, &[Cancel]);
        let up: Cell = (Answered, &[Ack]);
        // Ringing, Success, SuccessAllTheSame, Unusable, Acknowledged, Failure, HangUp, ByeEarly, RangTooLong, Bye,
        // Lost
        let begun = |state, ringing: Cell| -> [Cell; 11] {
            [
                ringing,
                up,
                up,
                (Over, &[Ack, Bye, TellEnded]),
                (state, &[]),
                (Over, &[TellEnded]),
                cancel,
                (Cancelling, &[ByeEarly]),
                cancel,
                (state, &[]),
                (state, &[]),
            ]
        };
        assert_eq!(row(Calling), begun(Calling, (Ringing, &[TellRinging])));
        assert_eq!(row(Ringing), begun(Ringing, (Ringing, &[])));
        let late: Cell = (Over, &[Ack, Bye, TellGivenUp]);
        let stay: Cell = (Cancelling, &[]);
        assert_eq!(
            row(Cancelling),
            [stay, late, up, late, stay, (Over, &[TellGivenUp]), stay, stay, cancel, stay, stay]
        );
        let answered = |stay: Cell, fork: Cell, acknowledged: Cell| -> [Cell; 11] {
            [
                stay,
                fork,
                fork,
                fork,
                acknowledged,
                stay,
                (Over, &[Bye, TellGivenUp]),
                stay,
                stay,
                (Over, &[TellEnded]),
                (Over, &[Bye, TellEnded]),
            ]
        };
        let established: Cell = (Established, &[TellEstablished]);
        assert_eq!(row(Answered), answered((Answered, &[]), (Answered, &[Ack, Bye]), established));
        let stay: Cell = (Established, &[]);
        assert_eq!(row(Established), answered(stay, (Established, &[Ack, Bye]), stay));
        let (stay, fork): (Cell, Cell) = ((Over, &[]), (Over, &[Ack, Bye]));
        assert_eq!(row(Over), [stay, fork, fork, fork, stay, stay, stay, stay, stay, stay, stay]);
    }

    /// Every 2xx is acknowledged, in whatever state, and what tells the end ends.
    #[test]
    fn no_2xx_stays_without_its_ack() {
        use State::*;
        for state in [Calling, Ringing, Cancelling, Answered, Established, Over] {
            for input in Input::ALL {
                let (next, acts) = step(state, input);
                let success = matches!(input, Input::Success | Input::SuccessAllTheSame | Input::Unusable);
                assert_eq!(acts.contains(&Act::Ack), success);
                let told = acts.contains(&Act::TellEnded) || acts.contains(&Act::TellGivenUp);
                assert_eq!(told, state != Over && next == Over, "{state:?} {input:?}");
            }
        }
    }
}
