//! What both sides of a call are told anew, one after the other: a hold, or its end. Each is offered what the other has
//! described (RFC 3725 §6 with the roles of RFC 3264 §8.4); where it fails, the first is given back what it had.

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The caller's.
    First,
    /// The callee's.
    Second,
    /// The caller's again, for the callee has answered otherwise than was thought.
    Again,
    /// The caller's, to be told that all is as it was.
    Back,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Something is in the way: a change of one of the two, or a glare.
    Waits(Step),
    /// The offer is out.
    Asks(Step),
    /// Nothing is left to do.
    Over,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Nothing is in the way any more.
    Quiet,
    /// The offer was accepted.
    Accepted,
    /// The same, with an answer that differs from what the other side was offered.
    AcceptedOtherwise,
    /// It was refused, or nobody answered it.
    Refused,
    /// 491: the two have crossed (RFC 3261 §14.1).
    Glare,
    /// The call is over.
    Gone,
    /// It has taken too long.
    TimedOut,
}

impl Input {
    /// All of them, for tests that walk the table.
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::Quiet,
        Self::Accepted,
        Self::AcceptedOtherwise,
        Self::Refused,
        Self::Glare,
        Self::Gone,
        Self::TimedOut,
    ];
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Send the offer of this step.
    Offer(Step),
    /// Wait a while, as a glare wants it.
    Pause,
    /// Tell that it is done.
    TellDone,
    /// Tell that it was refused.
    TellRefused,
    /// Tell that the call is over.
    TellGone,
    /// Tell that it took too long.
    TellLate,
}

/// The rules as a table.
#[rustfmt::skip]
pub(super) const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*, Step::*};
    use Input as I;
    match (state, input) {
        (Waits(First),  I::Quiet)                       => (Asks(First),   &[Offer(First)]),
        (Waits(Second), I::Quiet)                       => (Asks(Second),  &[Offer(Second)]),
        (Waits(Again),  I::Quiet)                       => (Asks(Again),   &[Offer(Again)]),
        (Waits(Back),   I::Quiet)                       => (Asks(Back),    &[Offer(Back)]),
        (Asks(First),   I::Accepted | I::AcceptedOtherwise) => (Asks(Second), &[Offer(Second)]),
        (Asks(First),   I::Refused)                     => (Over,          &[TellRefused]),
        (Asks(Second),  I::Accepted)                    => (Over,          &[TellDone]),
        (Asks(Second),  I::AcceptedOtherwise)           => (Asks(Again),   &[Offer(Again)]),
        (Asks(Second),  I::Refused)                     => (Asks(Back),    &[Offer(Back)]),
        (Asks(Again),   I::Accepted | I::AcceptedOtherwise) => (Over,      &[TellDone]),
        (Asks(Again),   I::Refused)                     => (Over,          &[TellRefused]),
        (Asks(Back),    I::Accepted | I::AcceptedOtherwise | I::Refused) => (Over, &[TellRefused]),
        (Asks(step),    I::Glare)                       => (Waits(step),   &[Pause]),
        (Waits(_) | Asks(_), I::Gone)                   => (Over,          &[TellGone]),
        (Waits(Back) | Asks(Back), I::TimedOut)         => (Over,          &[TellRefused]),
        (Waits(First | Second | Again) | Asks(First | Second | Again), I::TimedOut) => (Over, &[TellLate]),
        // What comes too late, or twice.
        (Waits(_), I::Accepted | I::AcceptedOtherwise | I::Refused | I::Glare)
        | (Asks(_), I::Quiet)
        | (Over, I::Quiet | I::Accepted | I::AcceptedOtherwise | I::Refused | I::Glare | I::Gone | I::TimedOut)
                                                        => (state,         &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, State::*, Step::*};

    const STATES: [State; 9] = [
        Waits(First),
        Waits(Second),
        Waits(Again),
        Waits(Back),
        Asks(First),
        Asks(Second),
        Asks(Again),
        Asks(Back),
        Over,
    ];

    const fn tells(act: Act) -> bool {
        matches!(act, TellDone | TellRefused | TellGone | TellLate)
    }

    /// Whoever waits for the outcome is told once.
    #[test]
    fn the_end_is_told_once() {
        for state in STATES {
            for input in Input::ALL {
                let (next, acts) = step(state, input);
                let told = acts.iter().filter(|act| tells(**act)).count();
                assert_eq!(told, usize::from(state != Over && next == Over), "{state:?} {input:?}");
            }
        }
    }

    /// One offer is out at a time, and only while it is asked.
    #[test]
    fn one_offer_at_a_time() {
        for state in STATES {
            for input in Input::ALL {
                let (next, acts) = step(state, input);
                let offers: Vec<Step> = acts
                    .iter()
                    .filter_map(|act| if let Offer(step) = act { Some(*step) } else { None })
                    .collect();
                match next {
                    Asks(step) if next != state => assert_eq!(offers, [step], "{state:?} {input:?}"),
                    Asks(_) | Waits(_) | Over => assert!(offers.is_empty(), "{state:?} {input:?}"),
                }
            }
        }
    }

    /// What the callee refuses is taken back at the caller.
    #[test]
    fn a_refusal_leaves_things_as_they_were() {
        assert_eq!(step(Asks(Second), Input::Refused), (Asks(Back), &[Offer(Back)][..]));
        assert_eq!(step(Asks(Back), Input::Accepted), (Over, &[TellRefused][..]));
    }

    #[test]
    fn whatever_happens_it_ends() {
        for state in STATES {
            for input in [Input::Gone, Input::TimedOut] {
                assert_eq!(step(state, input).0, Over, "{state:?}");
            }
        }
    }
}
