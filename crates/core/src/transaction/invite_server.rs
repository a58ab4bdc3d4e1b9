//! INVITE server transaction: RFC 3261 §17.2.1 figure 7, as RFC 6026 §7.1 figure 7 changes it.

use crate::timing::Timer;

/// Where the transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No final response yet.
    Proceeding,
    /// A failure was sent and waits for its ACK.
    Completed,
    /// The ACK came.
    Confirmed,
    /// A 2xx was sent; repeated INVITEs are absorbed, more 2xx pass (RFC 6026).
    Accepted,
    /// Over.
    Terminated,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The INVITE again.
    Request,
    /// Its ACK.
    Ack,
    /// The transaction user answers 1xx.
    SendProvisional,
    /// The transaction user answers 2xx.
    SendSuccess,
    /// The transaction user answers 300 to 699.
    SendFailure,
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
    /// Send the last response again, if there is one.
    Resend,
    /// Send a 100.
    SendTrying,
    /// Stop what runs.
    StopTimers,
    /// Start G, unless the transport is reliable, and H.
    StartGAndH,
    /// Start G anew with twice its value, at most T2.
    RestartG,
    /// Start I.
    StartI,
    /// Start L.
    StartL,
    /// Hand the ACK to the transaction user.
    PassUp,
    /// Tell the transaction user that the ACK never came.
    AckMissing,
}

/// The figure as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*, Timer::{G, H, I, L, Trying}};
    match (state, input) {
        (Proceeding, Request)                      => (Proceeding, &[Resend]),
        (Proceeding, SendProvisional)              => (Proceeding, &[StopTimers, Send]),
        (Proceeding, SendSuccess)                  => (Accepted,   &[StopTimers, Send, StartL]),
        (Proceeding, SendFailure)                  => (Completed,  &[StopTimers, Send, StartGAndH]),
        (Proceeding, Fired(Trying))                => (Proceeding, &[SendTrying]),
        (Completed, Request)                       => (Completed,  &[Resend]),
        (Completed, Fired(G))                      => (Completed,  &[Resend, RestartG]),
        (Completed, Ack)                           => (Confirmed,  &[StopTimers, StartI]),
        (Completed, Fired(H))                      => (Terminated, &[AckMissing]),
        (Completed, TransportFailed)               => (Terminated, &[AckMissing]),
        (Confirmed, Fired(I))                      => (Terminated, &[]),
        (Accepted, SendSuccess)                    => (Accepted,   &[Send]),
        (Accepted, Ack)                            => (Accepted,   &[PassUp]),
        (Accepted, Fired(L))                       => (Terminated, &[]),
        // A response after the final one is dropped; §17.2.1 and RFC 6026 §7.1 absorb the rest.
        (Proceeding, Ack | TransportFailed)
        | (Completed | Confirmed | Terminated, SendProvisional | SendSuccess | SendFailure)
        | (Confirmed | Terminated, Request | Ack | TransportFailed)
        | (Accepted, Request | SendProvisional | SendFailure | TransportFailed)
        | (Proceeding | Completed | Confirmed | Accepted | Terminated, Fired(_)) => (state, &[]),
    }
}
