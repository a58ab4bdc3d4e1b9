//! Non-INVITE server transaction: RFC 3261 §17.2.2, figure 8.

use crate::timing::Timer;

/// Where the transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was answered.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent; repeated requests get it again.
    Completed,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The request again.
    Request,
    /// The transaction user answers 1xx.
    SendProvisional,
    /// The transaction user answers 200 to 699.
    SendFinal,
    /// The transaction user will never answer (RFC 4320 §4.2: no 408).
    Abandon,
    /// A timer fired.
    Fired(Timer),
    /// A response could not be sent.
    TransportFailed,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send the response that the transaction user hands in.
    Send,
    /// Send the last response again.
    Resend,
    /// Ask for a 100 (RFC 4320 §4.1).
    SendTrying,
    /// Start J, and stop the wait for a 100.
    StartJ,
}

/// The figure as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*, Timer::J};
    match (state, input) {
        (Trying, Request)                          => (Trying,     &[]),
        (Trying, Fired(Timer::Trying))             => (Trying,     &[SendTrying]),
        (Trying | Proceeding, SendProvisional)     => (Proceeding, &[Send]),
        (Trying | Proceeding, SendFinal)           => (Completed,  &[Send, StartJ]),
        (Trying | Proceeding, Abandon)             => (Terminated, &[]),
        (Proceeding | Completed, Request)          => (state,      &[Resend]),
        (Completed, Fired(J) | TransportFailed)    => (Terminated, &[]),
        (Trying | Proceeding, TransportFailed)     => (state,      &[]),
        // A second final response is dropped (§17.2.2); another machine's timers.
        (Completed, SendProvisional | SendFinal | Abandon)
        | (Terminated, Request | SendProvisional | SendFinal | Abandon | TransportFailed)
        | (Trying | Proceeding | Completed | Terminated, Fired(_)) => (state, &[]),
    }
}
