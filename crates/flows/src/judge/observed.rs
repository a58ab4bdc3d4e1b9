//! What was seen on the wire, whoever saw it: a simulation, a socket, a capture.

use crate::golden::Part;
use bytes::Bytes;
use std::time::Duration;

/// A run, as somebody who taps the wire saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The messages in the order in which they were sent.
    pub messages: Vec<ObservedMessage>,
}

/// One message. What it says is read from its bytes; nothing else is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedMessage {
    /// When it was sent, since the run began.
    pub at: Duration,
    /// By whom: a name as the golden flow has it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The whole message, after decryption and deframing.
    pub bytes: Bytes,
    /// To which part of the play it belongs; only [`Part::Flow`] is judged.
    pub stage: Part,
    /// The same message went the same way before.
    pub retransmission: bool,
}
