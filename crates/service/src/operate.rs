//! What an operator does with calls of others: the buttons, and what comes of them.

use crate::desk::Desk;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::{Status, UriRef};

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

/// Two people are to talk with each other (RFC 5359 §2.18): one is called, and handed over to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// As what it is told.
    pub kind: Kind,
    /// Who is called first: the URI of a user, in whose name the other call is made.
    pub from: Box<str>,
    /// Whom they are to talk with: a URI.
    pub to: Box<str>,
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

impl Desk {
    /// Whether two may be connected: not somebody with themselves, and with other domains only where calls may be
    /// handed over to these.
    pub(crate) fn may_connect(&self, connect: &Connect) -> Result<(), (Outcome, &'static str)> {
        let uri = |text| UriRef::parse(text).ok().filter(UriRef::is_sip);
        let Some(from) = uri(&connect.from) else { return Err((Outcome::NotFound, "there is no such user")) };
        let Some(to) = uri(&connect.to) else {
            return Err((Outcome::TargetNotFound, "there is no such address"));
        };
        if (from.user(), from.host()) == (to.user(), to.host()) {
            return Err((Outcome::RefersToItself, "whoever is called first is the one to be called"));
        }
        if !self.is_ours(&to) && !self.settings.external_transfer {
            return Err((Outcome::NotAllowed, "calls to other domains are not allowed"));
        }
        Ok(())
    }
}
