//! INVITE client transaction: RFC 3261 §17.1.1.2 figure 5, as RFC 6026 §7.2 figure 8 changes it.

use crate::timing::Timer;

/// Where the transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The INVITE is out, nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A failure came and was acknowledged; repeats of it are acknowledged too.
    Completed,
    /// A 2xx came; repeats and other 2xx are passed up (RFC 6026).
    Accepted,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 1xx.
    Provisional,
    /// A 2xx.
    Success,
    /// A 300 to 699.
    Failure,
    /// A timer fired.
    Fired(Timer),
    /// The request could not be sent, or its flow is gone.
    TransportFailed,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Hand the response to the transaction user.
    PassUp,
    /// Acknowledge the failure (§17.1.1.3).
    Ack,
    /// Send the INVITE again and start A with twice its value.
    Resend,
    /// Stop A and B.
    StopTimers,
    /// Start D.
    StartD,
    /// Start M.
    StartM,
    /// Tell the transaction user that nobody answered.
    TimeOut,
    /// Tell the transaction user that the request did not get out.
    Fail,
}

/// The figure as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*, Timer::{A, B, D, M}};
    match (state, input) {
        (Calling, Provisional)                     => (Proceeding, &[StopTimers, PassUp]),
        // B stays: after a CANCEL it is what ends the wait (§9.1).
        (Proceeding, Provisional)                  => (Proceeding, &[PassUp]),
        (Calling | Proceeding, Success)            => (Accepted,   &[StopTimers, StartM, PassUp]),
        (Calling | Proceeding, Failure)            => (Completed,  &[StopTimers, Ack, StartD, PassUp]),
        (Calling, Fired(A))                        => (Calling,    &[Resend]),
        // In Proceeding B runs only after a CANCEL (§9.1).
        (Calling | Proceeding, Fired(B))           => (Terminated, &[TimeOut]),
        (Calling | Proceeding, TransportFailed)    => (Terminated, &[Fail]),
        (Completed, Failure)                       => (Completed,  &[Ack]),
        (Completed, Fired(D) | TransportFailed)    => (Terminated, &[]),
        (Accepted, Success)                        => (Accepted,   &[PassUp]),
        (Accepted, Fired(M))                       => (Terminated, &[]),
        // Late and odd ones: a provisional after the final response, another machine's timers.
        (Completed, Provisional | Success)
        | (Accepted, Provisional | Failure | TransportFailed)
        | (Terminated, Provisional | Success | Failure | TransportFailed)
        | (Calling | Proceeding | Completed | Accepted | Terminated, Fired(_)) => (state, &[]),
    }
}
