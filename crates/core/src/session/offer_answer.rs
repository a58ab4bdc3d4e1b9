//! Who may offer and who must answer: RFC 3264 §4 and RFC 6337 §2.2, in the places that INVITE, its
//! 2xx and ACK give.

/// Where the exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No offer is open.
    Stable,
    /// Ours waits for its answer.
    Offered,
    /// Theirs waits for our answer.
    Asked,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// We want to offer.
    SendOffer,
    /// An offer came.
    GetOffer,
    /// We answer.
    SendAnswer,
    /// An answer came.
    GetAnswer,
    /// The transaction that carried the offer failed, or was refused.
    Fail,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 5] =
        [Self::SendOffer, Self::GetOffer, Self::SendAnswer, Self::GetAnswer, Self::Fail];
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Open,
    /// Offer and answer hold from now on.
    Settled,
    /// All is as it was before the offer.
    Restored,
    /// Not now: an offer is open. To be refused with 491 if the open one is ours, with 500 if it is
    /// theirs (RFC 3261 §14.2); to be put off if we wanted to offer.
    NotNow,
    /// There is nothing that this could answer, or undo.
    Astray,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, Verdict) {
    use {Input::*, State::*, Verdict::*};
    match (state, input) {
        (Stable, SendOffer)                     => (Offered, Open),
        (Stable, GetOffer)                      => (Asked,   Open),
        (Offered, GetAnswer)                    => (Stable,  Settled),
        (Asked, SendAnswer)                     => (Stable,  Settled),
        (Offered | Asked, Fail)                 => (Stable,  Restored),
        (Offered | Asked, SendOffer | GetOffer) => (state,   NotNow),
        (Stable, SendAnswer | GetAnswer | Fail)
        | (Offered, SendAnswer)
        | (Asked, GetAnswer)                    => (state,   Astray),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell() {
        use {State::*, Verdict::*};
        let row = |state| Input::ALL.map(|input| step(state, input));
        let (s, o, a) = (Stable, Offered, Asked);
        assert_eq!(row(s), [(o, Open), (a, Open), (s, Astray), (s, Astray), (s, Astray)]);
        assert_eq!(row(o), [(o, NotNow), (o, NotNow), (o, Astray), (s, Settled), (s, Restored)]);
        assert_eq!(row(a), [(a, NotNow), (a, NotNow), (s, Settled), (a, Astray), (s, Restored)]);
    }
}
