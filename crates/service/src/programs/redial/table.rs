//! A redial at a server as a table (RFC 5359 §2.17).

/// How a redial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is being written down.
    Noting,
    /// Whoever is wanted is busy, or it is not its turn.
    Waiting,
    /// The asker is called.
    Calling,
    /// The asker is asked to call whoever is wanted.
    Handing,
    /// The asker has left the call in which it was asked: to call, or for good.
    HandingAlone,
    /// The asker cannot be asked that, and we call whoever is wanted.
    Dialling,
    /// The two are being bridged.
    Bridging,
    /// They are, and the server stays between them.
    Bridged,
    Over,
}

impl State {
    /// What those who run the server call it; nothing of what is done.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Noting | Self::Waiting => Some("waiting"),
            Self::Calling => Some("calling"),
            Self::Handing | Self::HandingAlone | Self::Dialling | Self::Bridging => Some("handing-over"),
            Self::Bridged | Self::Over => None,
        }
    }
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// It is written down.
    Noted,
    /// Whoever is wanted is free, and nobody comes first.
    Turn,
    AskerUp,
    AskerGone,
    /// The asker has whoever is wanted.
    Handed,
    /// Somebody else was first.
    Busy,
    /// The asker's telephone does not know how.
    Unable,
    /// It will not be tried again.
    Failed,
    WantedUp,
    /// The time is over, or nobody wants it any more.
    GivenUp,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Tell the asker that it is taken.
    Confirm,
    CallAsker,
    HandOver,
    CallWanted,
    Bridge,
    ReleaseAsker,
    ReleaseWanted,
    /// One try less; the last is the end.
    CountTry,
    Forget,
}

#[rustfmt::skip]
pub(super) const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Noting, Noted)              => (Waiting,      &[Confirm]),
        (Waiting, Turn)              => (Calling,      &[CallAsker]),
        (Calling, AskerUp)           => (Handing,      &[HandOver]),
        (Calling, AskerGone)         => (Waiting,      &[CountTry]),
        (Handing, AskerGone)         => (HandingAlone, &[]),
        (Handing | HandingAlone, Handed) => (Over,     &[Forget]),
        (Handing, Busy)              => (Waiting,      &[ReleaseAsker, CountTry]),
        (HandingAlone, Busy)         => (Waiting,      &[CountTry]),
        (Handing, Unable)            => (Dialling,     &[CallWanted]),
        (Dialling, WantedUp)         => (Bridging,     &[Bridge]),
        (Dialling, Busy)             => (Waiting,      &[ReleaseAsker, CountTry]),
        (Bridging, Handed)           => (Bridged,      &[Forget]),
        (Noting | Waiting, GivenUp)  => (Over,         &[Forget]),
        (Calling, GivenUp)           => (Over,         &[ReleaseAsker, Forget]),
        (HandingAlone, Unable | Failed) => (Over,      &[Forget]),
        (Handing | Dialling, Failed) => (Over,         &[ReleaseAsker, Forget]),
        (Dialling, AskerGone)        => (Over,         &[ReleaseWanted, Forget]),
        (Bridging, AskerGone | Busy | Unable | Failed) => (Over, &[ReleaseAsker, ReleaseWanted, Forget]),
        // Each of the two calls ends when the other does.
        (Bridged, AskerGone | Failed) => (Over,        &[]),
        // What comes twice or too late. What has got so far goes on by itself.
        (Noting, Turn | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp)
        | (Waiting, Noted | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp)
        | (Calling, Noted | Turn | Handed | Busy | Unable | Failed | WantedUp)
        | (Handing | Bridging, Noted | Turn | AskerUp | WantedUp | GivenUp)
        | (HandingAlone, Noted | Turn | AskerUp | AskerGone | WantedUp | GivenUp)
        | (Dialling, Noted | Turn | AskerUp | Handed | Unable | GivenUp)
        | (Bridged, Noted | Turn | AskerUp | Handed | Busy | Unable | WantedUp | GivenUp)
        | (Over, Noted | Turn | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp | GivenUp)
                                     => (state,        &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 9] =
        [Noting, Waiting, Calling, Handing, HandingAlone, Dialling, Bridging, Bridged, Over];
    const INPUTS: [Input; 10] = [
        I::Noted,
        I::Turn,
        I::AskerUp,
        I::AskerGone,
        I::Handed,
        I::Busy,
        I::Unable,
        I::Failed,
        I::WantedUp,
        I::GivenUp,
    ];

    /// What is over is over on disk too, and nobody is left in a call that leads nowhere.
    #[test]
    fn an_end_is_written_down_and_leaves_nobody_alone() {
        for state in STATES.into_iter().filter(|state| !matches!(state, Bridged | Over)) {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                if next == Over || next == Bridged {
                    assert!(acts.contains(&Forget), "{state:?} {input:?}");
                }
                let asker_is_there = matches!(state, Calling | Handing | Dialling);
                let goes = input == I::AskerGone || input == I::Handed;
                if asker_is_there && !goes && matches!(next, Over | Waiting) {
                    assert!(acts.contains(&ReleaseAsker), "{state:?} {input:?}");
                }
            }
        }
    }

    /// Only somebody else's being first costs a try, or the asker's not being there.
    #[test]
    fn each_way_back_to_waiting_costs_a_try() {
        for state in STATES {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                let back = next == Waiting && !matches!(state, Noting | Waiting);
                assert_eq!(back, acts.contains(&CountTry), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn nobody_is_called_before_it_is_written_down() {
        for input in INPUTS {
            let (next, acts) = step(Noting, input);
            assert!(!acts.contains(&CallAsker) && matches!(next, Noting | Waiting | Over), "{input:?}");
        }
    }
}
