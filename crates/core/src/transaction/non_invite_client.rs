//! Non-INVITE client transaction: RFC 3261 §17.1.2.2, figure 6.

use crate::timing::Timer;

/// Where the transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The request is out, nothing came back.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// The final response came; repeats are absorbed.
    Completed,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 1xx.
    Provisional,
    /// A 200 to 699.
    Final,
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
    /// Send the request again and start E anew.
    Resend,
    /// Stop E and F, start K.
    StartK,
    /// Tell the transaction user that nobody answered.
    TimeOut,
    /// Tell the transaction user that the request did not get out.
    Fail,
}

/// The figure as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*, Timer::{E, F, K}};
    match (state, input) {
        (Trying | Proceeding, Provisional)         => (Proceeding, &[PassUp]),
        (Trying | Proceeding, Final)               => (Completed,  &[StartK, PassUp]),
        (Trying | Proceeding, Fired(E))            => (state,      &[Resend]),
        (Trying | Proceeding, Fired(F))            => (Terminated, &[TimeOut]),
        (Trying | Proceeding, TransportFailed)     => (Terminated, &[Fail]),
        (Completed, Fired(K))                      => (Terminated, &[]),
        // Retransmitted responses, late timers, another machine's timers.
        (Completed | Terminated, Provisional | Final | TransportFailed)
        | (Trying | Proceeding | Completed | Terminated, Fired(_)) => (state, &[]),
    }
}
