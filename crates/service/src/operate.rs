//! What an operator does with calls of others: the buttons, and what comes of them.

use crate::anchored::{End, tell_ends};
use crate::desk::Desk;
use crate::door::Recorded;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::uri::unescape;
use cordboard_sip::{Status, UriRef};
use std::sync::Arc;

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
    /// Park it: the same, into a slot of a park server (RFC 5359 §2.15).
    Park {
        /// Who leaves, as above.
        leaves: Option<Box<str>>,
        /// The slot: a URI.
        slot: Box<str>,
    },
    /// Hand it over to a party of another call that is up, whom the side that stays takes over from there (RFC 5589 §7).
    TransferToCall {
        /// Who leaves, as above.
        leaves: Option<Box<str>>,
        /// The messages that are remembered of the other call, oldest first.
        call: Arc<[Recorded]>,
        /// Who of the other call is taken over: a user of ours, or an address. May be left out where the other is who leaves.
        whom: Option<Box<str>>,
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
    /// Whom they are to talk with.
    pub to: Whom,
}

/// Whom somebody is to talk with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Somebody, by URI.
    Address(Box<str>),
    /// Both sides of a call that is up, of which these messages are remembered, oldest first: by joining it (RFC 3911).
    Call(Arc<[Recorded]>),
}

/// What a telephone is asked to call, and what it must know for that.
pub(crate) struct Asked {
    pub(crate) uri: Box<str>,
    pub(crate) needs: Needs,
}

/// What a telephone must know that is asked to call somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// Join (RFC 3911).
    Join,
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
    /// What whoever is called first is to call: nobody joins or calls themselves, and other domains are called only where
    /// calls may be handed over to these.
    pub(crate) fn may_connect(&self, connect: &Connect) -> Result<Asked, (Outcome, &'static str)> {
        let uri = |text| UriRef::parse(text).ok().filter(UriRef::is_sip);
        let Some(from) = uri(&connect.from) else { return Err((Outcome::NotFound, "there is no such user")) };
        let to = match &connect.to {
            Whom::Address(to) => to,
            Whom::Call(messages) => return self.may_join(&from, messages),
        };
        let uri = uri(to).ok_or((Outcome::TargetNotFound, "there is no such address"))?;
        if (from.user(), from.host()) == (uri.user(), uri.host()) {
            return Err((Outcome::RefersToItself, "whoever is called first is the one to be called"));
        }
        if !self.is_ours(&uri) && !self.settings.external_transfer {
            return Err((Outcome::NotAllowed, "calls to other domains are not allowed"));
        }
        Ok(Asked { uri: to.clone(), needs: Needs::Nothing })
    }

    /// The telephone of a call that is asked to let somebody join it (RFC 3911 §4): one that says that it can, of a user who
    /// shares a group with them.
    fn may_join(&self, by: &UriRef<'_>, messages: &[Recorded]) -> Result<Asked, (Outcome, &'static str)> {
        let ended = (Outcome::AlreadyEnded, "the call is not up, or not remembered any more");
        let call = tell_ends(self, messages).ok_or(ended)?;
        let by = by.user().map(unescape).unwrap_or_default();
        let [caller, callee] = &call.ends;
        let may = |end: &End| {
            end.user.as_deref().is_some_and(|user| *user == *by || self.directory.share_group(user, &by))
        };
        let theirs: Vec<_> =
            [(caller, callee), (callee, caller)].into_iter().filter(|(end, _)| may(end)).collect();
        if theirs.is_empty() {
            return Err((Outcome::NotAllowed, "nobody in this call shares a group with this user"));
        }
        let joined = theirs.into_iter().find(|(end, _)| end.joins);
        let Some((joined, peer)) = joined else {
            let says = "no telephone in this call knows Join (RFC 3911): hand it over to a conference room, and call that";
            return Err((Outcome::Failed, says));
        };
        let uri =
            joined.link(&call.call_id, peer, "Join").ok_or((Outcome::Failed, "the call cannot be named"))?;
        Ok(Asked { uri, needs: Needs::Join })
    }
}
