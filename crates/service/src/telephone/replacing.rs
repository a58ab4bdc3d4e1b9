//! Taking over: an INVITE whose `Replaces` names a call here (RFC 3891 §3).

use super::Telephone;
use super::call::{Call, Side};
use super::callee::dialog_key;
use super::verdict::NotReplaced;
use crate::desk::Desk;
use crate::settings::{Feature, Profile};
use cordboard_core::session::{callee, caller};
use cordboard_core::time::Instant;
use cordboard_sip::header::Replaces;
use cordboard_sip::{Name, View};
use std::collections::VecDeque;

/// Calls that are remembered when they have ended, so that whoever names one is told (RFC 3891 §3).
const MAX_ENDED: usize = 32;

/// Dialogs that have ended.
#[derive(Default)]
pub(super) struct Ended(VecDeque<[Box<str>; 3]>);

impl Ended {
    /// Remembers the answered dialog of a call.
    pub(super) fn keep(&mut self, call: &Call) {
        let Some(leg) = call.answered.and_then(|leg| call.legs.get(leg)) else { return };
        if self.0.len() == MAX_ENDED {
            self.0.pop_front();
        }
        let id = leg.dialog.id();
        self.0.push_back([id.call_id.clone(), id.local_tag.clone(), id.remote_tag.clone()]);
    }

    fn names(&self, replaces: &Replaces) -> bool {
        self.0.iter().any(|[call_id, local, remote]| replaces.names(call_id, Some(local), Some(remote)))
    }
}

impl Telephone {
    /// The call whose place an INVITE is to take, if it names one; else why it may not.
    ///
    /// Whoever knows both tags of a dialog was told of it by one of its two parties: they are drawn at random, and
    /// travel nowhere else (RFC 3891 §9).
    pub(super) fn replaced(&self, invite: &View<'_>) -> Result<Option<u64>, NotReplaced> {
        if !self.account.transfers.knows(Feature::Replaces) {
            return Ok(None);
        }
        let mut named = invite.headers::<Replaces>();
        let replaces = match (named.next(), named.next()) {
            (None, _) => return Ok(None),
            (Some(Ok(replaces)), None) if !invite.has(Name::JOIN) => replaces,
            _ => return Err(NotReplaced::Malformed),
        };
        match (self.matched(&replaces), self.account.transfers.profile) {
            (
                Err(NotReplaced::CallId | NotReplaced::ToTag | NotReplaced::FromTag | NotReplaced::Swapped),
                Profile::Gateway,
            ) => Ok(None),
            (found, _) => found.map(Some),
        }
    }

    /// The call that Replaces names and that may be taken over.
    fn matched(&self, replaces: &Replaces) -> Result<u64, NotReplaced> {
        let call_id = replaces.call_id.to_string();
        let (to_tag, from_tag) = (replaces.to_tag.as_str(), replaces.from_tag.as_str());
        let Some((key, call)) = self.call_by(&call_id, to_tag) else {
            return Err(match self.call_by(&call_id, from_tag) {
                _ if self.ended.names(replaces) => NotReplaced::Ended,
                Some((_, call)) if leg_with(call, to_tag).is_some() => NotReplaced::Swapped,
                Some(_) => NotReplaced::ToTag,
                None if self.knows_call_id(&call_id) => NotReplaced::ToTag,
                None => NotReplaced::CallId,
            });
        };
        let Some(leg) = leg_with(call, from_tag) else { return Err(NotReplaced::FromTag) };
        if self.is_being_replaced(key) {
            return Err(NotReplaced::Ended);
        }
        match call.side {
            _ if call.is_over() => Err(NotReplaced::Ended),
            _ if call.is_up() && call.answered != Some(leg) => Err(NotReplaced::FromTag),
            _ if call.is_up() && replaces.early_only => Err(NotReplaced::Answered),
            _ if call.is_up() => Ok(key),
            // One that we began may be taken over while it rings.
            Side::Caller(caller::State::Ringing | caller::State::Calling) => Ok(key),
            Side::Caller(_) => Err(NotReplaced::Ended),
            // Its ACK is late: whoever names it knows that it is answered.
            Side::Callee(callee::State::Answered) if replaces.early_only => Err(NotReplaced::Answered),
            Side::Callee(callee::State::Answered) => Ok(key),
            Side::Callee(callee::State::Leaving) => Err(NotReplaced::Ended),
            // One that rings here may not, except by gateways, which complete a transfer early so.
            Side::Callee(callee::State::Ringing) if self.account.transfers.profile == Profile::Gateway => {
                Ok(key)
            }
            Side::Callee(_) => Err(NotReplaced::RingsHere),
        }
    }

    /// Whether somebody has taken a call over and was answered, though it is not ended yet: of two who come at once the
    /// first has it.
    fn is_being_replaced(&self, key: u64) -> bool {
        self.calls.iter().any(|call| call.replaces == Some(key) && call.is_confirmed())
    }

    /// Whether a call that is to be taken over rings here: then the new one rings in its place.
    pub(super) fn rings_here(&self, key: u64) -> bool {
        self.calls.get(key).is_some_and(|call| matches!(call.side, Side::Callee(callee::State::Ringing)))
    }

    /// A call is up: the one whose place it takes ends, by BYE or CANCEL.
    pub(super) fn release_replaced(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let old = self.calls.get_mut(key).and_then(|call| call.replaces.take());
        let old = old.and_then(|old| self.calls.get(old)).filter(|old| !old.is_over());
        if let Some(name) = old.map(|old| old.name) {
            self.hang_up(desk, now, name);
        }
    }

    /// The call with that Call-ID and our tag.
    pub(super) fn call_by(&self, call_id: &str, tag: &str) -> Option<(u64, &Call)> {
        let key = *self.by_dialog.get(&dialog_key(call_id, tag))?;
        Some((key, self.calls.get(key)?))
    }

    /// Whether a call with that Call-ID is here.
    pub(super) fn knows_call_id(&self, call_id: &str) -> bool {
        let first = dialog_key(call_id, "");
        let next = self.by_dialog.range(first.clone()..).next();
        next.is_some_and(|(key, _)| key.starts_with(&*first))
    }
}

/// The leg whose other side bears that tag. A tag of zero also stands for none (RFC 3891 §6.1).
fn leg_with(call: &Call, tag: &str) -> Option<usize> {
    call.legs.iter().position(|leg| {
        let remote = &*leg.dialog.id().remote_tag;
        remote == tag || remote.is_empty() && tag == "0"
    })
}
