//! How a dialog stands that passes through us: what RFC 3261 §12.1 and §15 show a proxy of it.

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not known: not begun, over, or forgotten.
    Unknown,
    /// A provisional response with a tag has passed.
    Early,
    /// A 2xx has passed.
    Confirmed,
}

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A provisional response with a tag.
    Rang,
    /// A 2xx to the INVITE that began it.
    Answered,
    /// Anything inside it but a BYE.
    Spoke,
    /// The INVITE that began it ended otherwise: refused, cancelled, or answered by another branch.
    Refused,
    /// A BYE. If it is refused after all, the dialog goes on without being known.
    HungUp,
    /// Nothing, for [`MAX_SILENCE`](super::MAX_SILENCE).
    Silent,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Begin to remember it.
    Enter,
    /// It was heard of now.
    Freshen,
    /// Forget it.
    Leave,
    /// Tell who watches one of its ends.
    Tell,
}

/// The rules as a table.
#[rustfmt::skip]
pub(crate) const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Unknown, Rang)                         => (Early,     &[Enter, Tell]),
        (Unknown, Answered)                     => (Confirmed, &[Enter, Tell]),
        (Early, Rang | Spoke)                   => (Early,     &[Freshen]),
        (Early, Answered)                       => (Confirmed, &[Freshen, Tell]),
        // A 2xx that is repeated; a provisional response that it has overtaken.
        (Confirmed, Rang | Answered | Spoke)    => (Confirmed, &[Freshen]),
        (Early, Refused | HungUp | Silent)
        | (Confirmed, HungUp | Silent)          => (Unknown,   &[Leave, Tell]),
        // Only its own BYE ends what was answered; what is not known does not begin in the middle.
        (Confirmed, Refused)
        | (Unknown, Spoke | Refused | HungUp | Silent) => (state, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input::*, State::*};

    #[test]
    fn every_cell() {
        let row = |state| [Rang, Answered, Spoke, Refused, HungUp, Silent].map(|input| step(state, input));
        let over: (State, &[Act]) = (Unknown, &[Leave, Tell]);
        let nothing = |state| -> (State, &'static [Act]) { (state, &[]) };
        let heard = |state| -> (State, &'static [Act]) { (state, &[Freshen]) };
        let begun = |state| -> (State, &'static [Act]) { (state, &[Enter, Tell]) };
        let n = nothing(Unknown);
        assert_eq!(row(Unknown), [begun(Early), begun(Confirmed), n, n, n, n]);
        assert_eq!(row(Early), [heard(Early), (Confirmed, &[Freshen, Tell]), heard(Early), over, over, over]);
        let c = heard(Confirmed);
        assert_eq!(row(Confirmed), [c, c, c, nothing(Confirmed), over, over]);
    }
}
