//! A redial at a server as a table (RFC 5359 §2.17).

/// How a redial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is being written down.
    Noting,
    /// Whoever is wanted is busy, or it is not its turn.
    Waiting,
    /// The two are being connected.
    Served,
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// It is written down.
    Noted,
    /// Whoever is wanted is free, and nobody comes first.
    Turn,
    /// The asker has whoever is wanted.
    Connected,
    /// The asker was not reached, or somebody else was first.
    InVain,
    /// It will not be tried again.
    Failed,
    /// The time is over, or nobody wants it any more.
    GivenUp,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Tell the asker that it is taken.
    Confirm,
    Connect,
    /// Call the asker no longer.
    Disconnect,
    /// One try less; the last is the end.
    CountTry,
    Forget,
}

#[rustfmt::skip]
pub(super) const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Noting, Noted)               => (Waiting, &[Confirm]),
        (Waiting, Turn)               => (Served,  &[Connect]),
        (Served, InVain)              => (Waiting, &[CountTry]),
        (Served, Connected | Failed)  => (Over,    &[Forget]),
        (Served, GivenUp)             => (Over,    &[Disconnect, Forget]),
        (Noting | Waiting, GivenUp)   => (Over,    &[Forget]),
        // What comes twice or too late.
        (Noting, Turn | Connected | InVain | Failed)
        | (Waiting, Noted | Connected | InVain | Failed)
        | (Served, Noted | Turn)
        | (Over, Noted | Turn | Connected | InVain | Failed | GivenUp)
                                      => (state,   &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 4] = [Noting, Waiting, Served, Over];
    const INPUTS: [Input; 6] = [I::Noted, I::Turn, I::Connected, I::InVain, I::Failed, I::GivenUp];

    /// What is over is over on disk too, and nobody is called for it any more.
    #[test]
    fn an_end_is_written_down_and_calls_nobody() {
        for state in STATES.into_iter().filter(|state| *state != Over) {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                assert_eq!(acts.contains(&Forget), next == Over, "{state:?} {input:?}");
                let gives_up = state == Served && input == I::GivenUp;
                assert_eq!(acts.contains(&Disconnect), gives_up, "{state:?} {input:?}");
            }
        }
    }

    /// Only somebody else's being first costs a try, or the asker's not being there.
    #[test]
    fn each_way_back_to_waiting_costs_a_try() {
        for state in STATES {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                let back = next == Waiting && state == Served;
                assert_eq!(back, acts.contains(&CountTry), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn nobody_is_called_before_it_is_written_down() {
        for input in INPUTS {
            let (next, acts) = step(Noting, input);
            assert!(!acts.contains(&Connect) && matches!(next, Noting | Waiting | Over), "{input:?}");
        }
    }
}
