//! The buttons of a telephone and what it tells: the vocabulary of `phone`, the API and the tests.

use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use std::time::Duration;

/// Names a call of one telephone. Who presses a button that begins a call chooses the name;
/// a call that comes in gets one with the highest bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallName(pub u64);

/// A button.
#[derive(Clone, Debug, PartialEq)]
pub enum CallAction {
    /// Register this telephone's contact for so long, and keep it registered; zero removes it.
    Register {
        /// For how long.
        expires: Duration,
    },
    /// Ask what is registered, and change nothing (RFC 3261 §10.2.3).
    ListBindings,
    /// Remove every contact of this address (`Contact: *`, RFC 3261 §10.2.2).
    UnregisterAll,
    /// Call somebody.
    Dial {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// Whether the INVITE carries the offer, or leaves it to the other side (RFC 3261 §13.2.1).
        offer: bool,
    },
    /// Answer a ringing call with 200.
    Answer(CallName),
    /// Decline a ringing call with this status, such as 486.
    Decline(CallName, Status),
    /// Put the other side on hold (RFC 3264 §8.4).
    Hold(CallName),
    /// Take it off hold.
    Resume(CallName),
    /// Tell the other side that our media address changed (RFC 3665 §3.7).
    MoveMedia(CallName),
    /// Give up the call, whatever its state: CANCEL, BYE, or a refusal.
    HangUp(CallName),
}

/// What a telephone tells.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// The registrar answered 200 with these contact URIs.
    Registered {
        /// Every contact of the address, as the registrar lists them.
        contacts: Vec<Box<str>>,
    },
    /// The registrar refused, or did not answer (408).
    NotRegistered(Status),
    /// Somebody calls, and this telephone rings.
    Incoming {
        /// The name of the new call.
        call: CallName,
        /// Who calls, as the From header says.
        from: Box<str>,
    },
    /// The other side rings.
    Ringing(CallName),
    /// The call is answered and acknowledged.
    Established(CallName),
    /// The other side put us on hold, or took us off it.
    HeldByPeer(CallName, bool),
    /// Our hold, or its end, was accepted by the other side.
    HoldChanged(CallName, bool),
    /// A hold, resume or other change was refused; the call goes on as it was.
    ChangeRefused(CallName, Status),
    /// It is over.
    Ended {
        /// Which call.
        call: CallName,
        /// How.
        outcome: Outcome,
        /// The final status of the INVITE, if it was not answered.
        status: Option<Status>,
    },
}
