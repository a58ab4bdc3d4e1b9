//! How far a dialog is: RFC 3261 §12, §12.3, §13.2.2.4 and §15.

/// Where the dialog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A provisional response created it.
    Early,
    /// A 2xx created or confirmed it.
    Confirmed,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 2xx to the request that creates it.
    Success,
    /// Any other final response to the request that creates it, or a 2xx on another branch of a fork
    /// while this one stays silent (§13.2.2.4).
    Failure,
    /// A BYE, sent or received, and no other usage is left (RFC 5057 §4.1).
    Bye,
    /// A request inside it was answered 481 or 408, or not at all (§12.2.1.2).
    Lost,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Bye, Self::Lost];
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> State {
    use {Input::*, State::*};
    match (state, input) {
        (Early | Confirmed, Success)     => Confirmed,
        (Early, Failure)                 => Terminated,
        (Confirmed, Failure)             => Confirmed,
        (Early | Confirmed, Bye | Lost)  => Terminated,
        (Terminated, Success | Failure | Bye | Lost) => Terminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell() {
        use State::*;
        let row = |state| Input::ALL.map(|input| step(state, input));
        assert_eq!(row(Early), [Confirmed, Terminated, Terminated, Terminated]);
        assert_eq!(row(Confirmed), [Confirmed, Confirmed, Terminated, Terminated]);
        assert_eq!(row(Terminated), [Terminated; 4]);
    }
}
