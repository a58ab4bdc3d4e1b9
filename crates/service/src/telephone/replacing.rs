//! Taking over: an INVITE whose `Replaces` names a call here (RFC 3891 §3).

use super::Telephone;
use super::call::Side;
use super::callee::dialog_key;
use crate::desk::Desk;
use cordboard_core::session::caller;
use cordboard_core::time::Instant;
use cordboard_sip::header::Replaces;
use cordboard_sip::{Name, Status, View};

impl Telephone {
    /// The call whose place an INVITE is to take, if it names one; else the status with which it is refused.
    ///
    /// Whoever knows both tags of a dialog was told of it by one of its two parties: they are drawn at random, and
    /// travel nowhere else (RFC 3891 §9).
    pub(super) fn replaced(&self, invite: &View<'_>) -> Result<Option<u64>, Status> {
        let mut named = invite.headers::<Replaces>();
        let replaces = match (named.next(), named.next()) {
            (None, _) => return Ok(None),
            (Some(Ok(replaces)), None) if !invite.has(Name::JOIN) => replaces,
            // More than one, one that cannot be read, or one that comes with Join.
            _ => return Err(Status::BAD_REQUEST),
        };
        let call_id = replaces.call_id.to_string();
        let key = self.by_dialog.get(&dialog_key(&call_id, replaces.to_tag.as_str())).copied();
        let call = key.and_then(|key| Some((key, self.calls.get(key)?)));
        let Some((key, call)) = call else { return Err(Status::CALL_DOES_NOT_EXIST) };
        let fits = call.legs.iter().position(|leg| {
            let id = leg.dialog.id();
            replaces.names(&call_id, Some(&id.local_tag), Some(&id.remote_tag))
        });
        let Some(leg) = fits else { return Err(Status::CALL_DOES_NOT_EXIST) };
        match call.side {
            _ if call.is_over() => Err(Status::DECLINE),
            _ if call.is_up() && call.answered != Some(leg) => Err(Status::CALL_DOES_NOT_EXIST),
            _ if call.is_up() && replaces.early_only => Err(Status::BUSY_HERE),
            _ if call.is_up() => Ok(Some(key)),
            // One that we began may be taken over while it rings.
            Side::Caller(caller::State::Ringing | caller::State::Calling) => Ok(Some(key)),
            Side::Caller(_) => Err(Status::DECLINE),
            // One that rings here may not.
            Side::Callee(_) => Err(Status::CALL_DOES_NOT_EXIST),
        }
    }

    /// A call is up: the one whose place it takes ends, by BYE or CANCEL.
    pub(super) fn release_replaced(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let old = self.calls.get_mut(key).and_then(|call| call.replaces.take());
        let old = old.and_then(|old| self.calls.get(old)).filter(|old| !old.is_over());
        if let Some(name) = old.map(|old| old.name) {
            self.hang_up(desk, now, name);
        }
    }
}
