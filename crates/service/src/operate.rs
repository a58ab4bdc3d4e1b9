//! What an operator does with calls of others: the buttons, and what comes of them.

use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::Status;

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// End the call: both sides get a BYE, or, where it still rings, the caller a 487 and the phones a CANCEL.
    End,
    /// Hand it over: one side is asked by REFER to call somebody else, in the name of the other, who leaves when that has
    /// worked (RFC 5589 §6).
    Transfer {
        /// Who leaves: a user of ours, or an address. May be left out where one side only is ours.
        leaves: Option<Box<str>>,
        /// Whom the other side is to call: a URI.
        to: Box<str>,
    },
    /// Put both sides on hold (RFC 3264 §8.4).
    Hold,
    /// Take them off hold.
    Resume,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operated {
    /// What kind of handover it was, or `call`.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
    /// The status that says so.
    pub status: Option<Status>,
    /// The same in a sentence.
    pub says: Box<str>,
}
