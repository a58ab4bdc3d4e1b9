//! A call seen from the side that got the INVITE: RFC 3261 §13.3, §9.2 and §15.

/// Where the call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It rings here.
    Ringing,
    /// A 2xx is out and waits for its ACK.
    Answered,
    /// The same, and we have hung up: the BYE must wait for the ACK (§15).
    Leaving,
    /// The ACK came.
    Established,
    /// Over.
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// We answer.
    Answer,
    /// We decline.
    Decline,
    /// We give up the call, whatever its state.
    HangUp,
    /// It has rung for long enough (§13.3.1.1).
    RangTooLong,
    /// A CANCEL.
    Cancel,
    /// The ACK for our 2xx.
    Ack,
    /// The ACK came, and the answer that it had to bring did not (§13.3.1.4 with RFC 6337 §3.1).
    Unusable,
    /// A BYE.
    Bye,
    /// The ACK for a 2xx never came (§13.3.1.4), or the dialog is lost.
    Lost,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 9] = [
        Self::Answer,
        Self::Decline,
        Self::HangUp,
        Self::RangTooLong,
        Self::Cancel,
        Self::Ack,
        Self::Unusable,
        Self::Bye,
        Self::Lost,
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answer the INVITE 200, and repeat that until the ACK comes.
    SendOk,
    /// Refuse the INVITE.
    Refuse,
    /// Answer the INVITE 487.
    Terminate,
    /// Stop repeating the 2xx.
    StopRepeating,
    /// Send BYE.
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
        (Ringing, I::Answer)                          => (Answered,    &[SendOk]),
        (Ringing, I::Decline | I::HangUp | I::RangTooLong) => (Over,   &[Refuse, TellGivenUp]),
        (Ringing, I::Cancel | I::Bye)                 => (Over,        &[Terminate, TellEnded]),
        (Answered, I::Ack)                            => (Established, &[StopRepeating, TellEstablished]),
        (Answered, I::HangUp)                         => (Leaving,     &[]),
        (Answered, I::Bye)                            => (Over,        &[StopRepeating, TellEnded]),
        (Answered, I::Lost | I::Unusable)             => (Over,        &[StopRepeating, Bye, TellEnded]),
        (Leaving, I::Ack | I::Lost | I::Unusable)     => (Over,        &[StopRepeating, Bye, TellGivenUp]),
        (Leaving, I::Bye)                             => (Over,        &[StopRepeating, TellGivenUp]),
        (Established, I::HangUp)                      => (Over,        &[Bye, TellGivenUp]),
        (Established, I::Bye)                         => (Over,        &[TellEnded]),
        (Established, I::Lost)                        => (Over,        &[Bye, TellEnded]),
        // Too late, or already so. A CANCEL after the answer has no effect (§9.2).
        (Answered | Leaving | Established | Over, I::Answer | I::Decline | I::RangTooLong | I::Cancel)
        | (Ringing | Established | Over, I::Ack | I::Unusable)
        | (Leaving | Over, I::HangUp)
        | (Ringing, I::Lost)
        | (Over, I::Bye | I::Lost)                    => (state, &[]),
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
        // Answer, Decline, HangUp, RangTooLong, Cancel, Ack, Unusable, Bye, Lost
        let stay: Cell = (Ringing, &[]);
        let (refuse, gone): (Cell, Cell) = ((Over, &[Refuse, TellGivenUp]), (Over, &[Terminate, TellEnded]));
        let ringing: [Cell; 9] =
            [(Answered, &[SendOk]), refuse, refuse, refuse, gone, stay, stay, gone, stay];
        assert_eq!(row(Ringing), ringing);
        let stay: Cell = (Answered, &[]);
        let lost: Cell = (Over, &[StopRepeating, Bye, TellEnded]);
        let answered: [Cell; 9] = [
            stay,
            stay,
            (Leaving, &[]),
            stay,
            stay,
            (Established, &[StopRepeating, TellEstablished]),
            lost,
            (Over, &[StopRepeating, TellEnded]),
            lost,
        ];
        assert_eq!(row(Answered), answered);
        let stay: Cell = (Leaving, &[]);
        let bye: Cell = (Over, &[StopRepeating, Bye, TellGivenUp]);
        let leaving: [Cell; 9] =
            [stay, stay, stay, stay, stay, bye, bye, (Over, &[StopRepeating, TellGivenUp]), bye];
        assert_eq!(row(Leaving), leaving);
        let stay: Cell = (Established, &[]);
        let established: [Cell; 9] = [
            stay,
            stay,
            (Over, &[Bye, TellGivenUp]),
            stay,
            stay,
            stay,
            stay,
            (Over, &[TellEnded]),
            (Over, &[Bye, TellEnded]),
        ];
        assert_eq!(row(Established), established);
        assert_eq!(row(Over), [(Over, &[][..]); 9]);
    }

    /// §15: the callee sends no BYE while its 2xx waits for the ACK.
    #[test]
    fn hanging_up_too_early_waits_for_the_ack() {
        let (state, acts) = step(State::Answered, Input::HangUp);
        assert!(acts.is_empty());
        assert!(step(state, Input::Ack).1.contains(&Act::Bye));
        assert!(step(state, Input::Lost).1.contains(&Act::Bye));
    }
}
