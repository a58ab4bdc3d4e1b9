//! The buttons of a telephone and what it tells: the vocabulary of `phone`, the API and the tests.

/// Names a call of one telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A button.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAction {
    /// Give up the call, whatever its state.
    HangUp(CallId),
}

/// What a telephone tells.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// It is over.
    Ended(CallId),
}
