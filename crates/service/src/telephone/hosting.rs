//! Hosting: an ad hoc conference that begins here, with a call that is up (RFC 5589 §9, RFC 4579 §5.4, §5.2).
//!
//! The other side is told by a re-INVITE whose Contact is the conference's; whoever is called into it is told by the
//! INVITE. They may subscribe to the conference, and so know what becomes of everybody in it.

use super::Telephone;
use super::call::Change;
use super::caller::Placing;
use super::joining::MAX_MEMBERS;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_sip::Name;

impl Telephone {
    /// Makes a call the first of a conference, and perhaps holds its other side in the same breath.
    pub(super) fn host(&mut self, desk: &mut Desk, now: Instant, name: CallName, holds: bool) {
        let key = self.names.get(&name).copied();
        let fits = |key: &u64| {
            self.calls
                .get(*key)
                .is_some_and(|call| call.is_up() && call.conference.is_none() && !(holds && call.media.holds))
        };
        match key.filter(fits).and_then(|key| self.conference_with(desk, key)) {
            Some(_) => {
                let change = if holds { Change::FocusAndHold } else { Change::Focus };
                self.want(desk, now, name, change);
            }
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// Calls somebody into the conference of a call. With `consults` they must know Replaces, for a call may be handed
    /// over to them (RFC 5589 §7.7).
    pub(super) fn call_in(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        (name, to): (CallName, &str),
        with: CallName,
        consults: bool,
    ) {
        let call = self.names.get(&with).and_then(|key| self.calls.get(*key));
        let conference = call.and_then(|call| call.conference);
        let has_room = |key: &u64| {
            self.conferences.get(*key).is_some_and(|conference| conference.members.len() < MAX_MEMBERS)
        };
        let lines = if consults { vec![(Name::REQUIRE, "replaces".into())] } else { Vec::new() };
        let placed = conference.filter(has_room).filter(|_| !name.is_incoming()).and_then(|key| {
            self.place(desk, now, name, to, Placing { lines, conference: Some(key), ..Placing::USUAL })
        });
        if placed.is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Adds a call to the conference of another.
    pub(super) fn confer(&mut self, desk: &mut Desk, now: Instant, name: CallName, other: CallName) {
        let call =
            |name: CallName| Some(*self.names.get(&name)?).zip(self.calls.get(*self.names.get(&name)?));
        let conference = call(name).and_then(|(_, call)| call.conference);
        let conference = conference.filter(|key| {
            self.conferences.get(*key).is_some_and(|conference| conference.members.len() < MAX_MEMBERS)
        });
        let added = call(other).filter(|(_, call)| call.is_up() && call.conference.is_none());
        let (Some(conference), Some(at)) = (conference, added.map(|(at, _)| at)) else {
            return Self::tell(desk, CallEvent::Impossible(other));
        };
        if let (Some(call), Some(all)) = (self.calls.get_mut(at), self.conferences.get_mut(conference)) {
            call.conference = Some(conference);
            all.members.push(at);
            self.touch(at, None);
            self.want(desk, now, other, Change::Focus);
        }
    }

    /// Tells what names a call in the network.
    pub(super) fn tell_dialog(&self, desk: &mut Desk, name: CallName) {
        let call = self.names.get(&name).and_then(|at| self.calls.get(*at)).filter(|call| call.is_up());
        let leg = call.and_then(|call| call.legs.get(call.answered?));
        let Some(leg) = leg else { return Self::tell(desk, CallEvent::Impossible(name)) };
        let id = leg.dialog.id().clone();
        let (call_id, local_tag, remote_tag) = (id.call_id, id.local_tag, id.remote_tag);
        Self::tell(desk, CallEvent::Dialog { call: name, call_id, local_tag, remote_tag });
    }
}
