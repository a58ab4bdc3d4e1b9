//! Joining: an INVITE whose `Join` names a call here (RFC 3911), and the ad hoc conference that this makes of it.
//!
//! Whoever is joined becomes the focus (RFC 4579 §5.4, RFC 5359 §2.11): the other side of the old call is told by a new
//! Contact with `isfocus`, then the new one is answered. The conference lasts until the last has left it.

use super::Telephone;
use super::call::{Call, Change};
use super::callee::dialog_key;
use super::caller::Placing;
use super::reliable::Said;
use super::who_may::May;
use super::written::CONFERENCE;
use crate::call::{CallEvent, CallName, ConferenceName};
use crate::desk::Desk;
use crate::settings::Feature;
use cordboard_core::dialog;
use cordboard_core::session::callee;
use cordboard_core::subscription::notifier::{Input, Why};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::header::{Join, TargetDialog};
use cordboard_sip::{Name, Status, UriRef, View};

/// Calls that one conference may have.
pub(super) const MAX_MEMBERS: usize = 32;

/// An ad hoc conference of calls.
pub(super) struct Conference {
    pub(super) named: Named,
    /// Its calls.
    pub(super) members: Vec<u64>,
}

/// What names a conference in its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A parameter that nobody can guess, beside our Contact.
    Guessed(Box<str>),
    /// Of a room: a user of our domain.
    Room(Box<str>),
}

impl Conference {
    /// Whether it is there before anybody is in it, and when all have left it.
    pub(super) const fn is_room(&self) -> bool {
        matches!(self.named, Named::Room(_))
    }
}

/// What an INVITE asks to become part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// The call that its Join names.
    Call(u64),
    /// A conference, by its URI (RFC 4579 §5.2).
    Conference(u64),
    /// A room, into which its program lets it.
    Room(u64),
}

impl Telephone {
    /// Calls somebody to join a call there.
    pub(super) fn dial_join(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str, join: &Join) {
        let lines = vec![(Name::JOIN, join.to_string().into()), (Name::REQUIRE, "join".into())];
        let placing = Placing { lines, ..Placing::USUAL };
        if name.is_incoming() || self.place(desk, now, name, to, placing).is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// What an INVITE is to join, if anything. `Err` once it is refused. `member` says that whoever calls a server is proved to be
    /// one of those whom it serves.
    pub(super) fn joined(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        invite: &View<'_>,
        member: bool,
    ) -> Result<Option<Joined>, ()> {
        let joined = match self.named_by(invite) {
            Ok(None) => return Ok(None),
            Ok(Some(joined)) if self.is_server() => {
                let room = self.room_joined(invite, joined, member);
                return room.map(Some).or_else(|status| refuse(desk, now, server, invite, status));
            }
            Ok(Some(joined)) => joined,
            Err(status) => return refuse(desk, now, server, invite, status),
        };
        match self.may(desk, now, flow, invite) {
            May::Everything => {}
            May::Prove { stale } => {
                self.challenge(desk, now, server, invite, stale);
                return Err(());
            }
            May::Little | May::Nothing => return refuse(desk, now, server, invite, Status::FORBIDDEN),
        }
        let conference = match joined {
            Joined::Call(key) => self.calls.get(key).and_then(|call| call.conference),
            Joined::Conference(key) | Joined::Room(key) => Some(key),
        };
        let members = conference.and_then(|key| self.conferences.get(key)).map_or(1, |all| all.members.len());
        if members >= MAX_MEMBERS {
            // RFC 3911 §4: what cannot be satisfied.
            return refuse(desk, now, server, invite, Status::NOT_ACCEPTABLE_HERE);
        }
        Ok(Some(joined))
    }

    /// RFC 3911 §4: the call that a Join names, or the conference that the Request-URI does.
    fn named_by(&self, invite: &View<'_>) -> Result<Option<Joined>, Status> {
        let here = self.conference_named(invite).map(Joined::Conference);
        if !self.account.transfers.knows(Feature::Join) {
            return Ok(here);
        }
        let mut named = invite.headers::<Join>();
        let join = match (named.next(), named.next()) {
            (None, _) => return Ok(here),
            (Some(Ok(join)), None) if !invite.has(Name::REPLACES) => join,
            // More than one, one that cannot be read, or one that comes with Replaces.
            _ => return Err(Status::BAD_REQUEST),
        };
        let call_id = join.call_id.to_string();
        let key = self.by_dialog.get(&dialog_key(&call_id, join.to_tag.as_str())).copied();
        let fits = |call: &Call| {
            call.legs.iter().position(|leg| {
                let id = leg.dialog.id();
                join.names(&call_id, Some(&id.local_tag), Some(&id.remote_tag))
            })
        };
        let found = key.and_then(|key| Some((key, self.calls.get(key)?)));
        match found.and_then(|(key, call)| Some((key, call, fits(call)?))) {
            // A conference that moved is found by its URI, whatever Join says.
            None => here.map(Some).ok_or(Status::CALL_DOES_NOT_EXIST),
            Some((_, call, _)) if call.is_over() => Err(Status::DECLINE),
            Some((_, call, leg)) if call.is_up() && call.answered != Some(leg) => {
                Err(Status::CALL_DOES_NOT_EXIST)
            }
            Some((_, call, leg)) if call.legs[leg].dialog.state() == dialog::State::Terminated => {
                Err(Status::DECLINE)
            }
            Some((key, ..)) => Ok(Some(Joined::Call(key))),
        }
    }

    /// A new call becomes part of a conference, which its old call may be only now.
    pub(super) fn join(&mut self, desk: &mut Desk, now: Instant, key: u64, joined: Joined, from: Box<str>) {
        let (conference, old) = match joined {
            Joined::Conference(conference) | Joined::Room(conference) => (Some(conference), None),
            Joined::Call(old) => (self.conference_with(desk, old), Some(old)),
        };
        let (Some(conference), Some(call)) = (conference, self.calls.get_mut(key)) else { return };
        let name = call.name;
        call.conference = Some(conference);
        let Some(all) = self.conferences.get_mut(conference) else { return };
        let first = all.members.len() == 1;
        all.members.push(key);
        let other = old.and_then(|old| self.calls.get(old));
        let untold = other.filter(|other| other.is_up() && other.conference == Some(conference) && first);
        let (other, untold) = (other.map(|other| other.name), untold.map(|other| other.name));
        let conference = ConferenceName(conference);
        Self::tell(desk, CallEvent::Joined { call: name, joins: other, from, conference });
        self.touch(key, None);
        self.say(desk, now, key, Said::Ringing);
        if let Some(untold) = untold {
            self.want(desk, now, untold, Change::Focus);
        }
        self.joiners.push((key, old));
    }

    /// Tells that a call is in a conference, if it is.
    pub(super) fn tell_conference(&self, desk: &mut Desk, key: u64) {
        let Some(call) = self.calls.get(key) else { return };
        if let Some(conference) = call.conference {
            let conference = ConferenceName(conference);
            Self::tell(desk, CallEvent::InConference { call: call.name, conference });
        }
    }

    /// The conference of a call; a call that had none becomes the first of one.
    pub(super) fn conference_with(&mut self, desk: &mut Desk, old: u64) -> Option<u64> {
        let call = self.calls.get_mut(old)?;
        if call.conference.is_some() {
            return call.conference;
        }
        let named = Named::Guessed(desk.stack.dice().tag().into());
        let conference = self.conferences.insert(Conference { named, members: vec![old] });
        call.conference = Some(conference);
        self.touch(old, None);
        Some(conference)
    }

    /// Answers those who join, once the other side of the old call knows of it or will not.
    pub(super) fn admit(&mut self, desk: &mut Desk, now: Instant) {
        for (key, old) in std::mem::take(&mut self.joiners) {
            let rings = |call: &Call| call.side == super::call::Side::Callee(callee::State::Ringing);
            if !self.calls.get(key).is_some_and(rings) {
                continue;
            }
            let asking = |call: &Call| !call.is_over() && call.changes.contains(&Change::Focus);
            if old.and_then(|old| self.calls.get(old)).is_some_and(asking) {
                self.joiners.push((key, old));
                continue;
            }
            self.accept(desk, now, key);
            self.proceed(desk, now, key);
        }
    }

    /// A call is over: it is in no conference any more.
    pub(super) fn leave_conference(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(conference) = self.calls.get_mut(key).and_then(|call| call.conference.take()) else {
            return;
        };
        self.told.conferences.insert(conference);
        let Some(left) = self.conferences.get_mut(conference) else { return };
        left.members.retain(|member| *member != key);
        if left.members.is_empty() && !left.is_room() {
            self.end_conference(desk, now, conference);
        }
    }

    /// The conference that is over when two calls are.
    pub(super) fn conference_of_only(&self, one: u64, other: u64) -> Option<u64> {
        let conference = self.calls.get(one)?.conference?;
        let members = &self.conferences.get(conference)?.members;
        members.iter().all(|member| [one, other].contains(member)).then_some(conference)
    }

    /// A conference is over.
    pub(super) fn end_conference(&mut self, desk: &mut Desk, now: Instant, conference: u64) {
        let Some(over) = self.conferences.remove(conference) else { return };
        for member in over.members {
            if let Some(call) = self.calls.get_mut(member) {
                call.conference = None;
            }
        }
        for watcher in self.watchers.active() {
            if self.watchers.get(watcher).is_some_and(|watcher| watcher.conference == Some(conference)) {
                // RFC 4575 §3.5: what was watched is gone.
                self.advance_watcher(desk, now, watcher, Input::End(Why::NoResource));
            }
        }
    }

    /// The conference that a call is in.
    pub(super) fn conference_of_call(&self, key: u64) -> Option<&Conference> {
        self.conferences.get(self.calls.get(key)?.conference?)
    }

    /// The conference that a Request-URI names.
    pub(super) fn conference_named(&self, request: &View<'_>) -> Option<u64> {
        let uri = UriRef::parse(request.request_uri()).ok()?;
        let Some(id) = uri.params().get(CONFERENCE) else { return self.room_named(request) };
        let is_it =
            |conference: &Conference| matches!(&conference.named, Named::Guessed(own) if **own == *id);
        self.conferences.with_keys().find(|(_, conference)| is_it(conference)).map(|(key, _)| key)
    }

    /// Whether a request comes from somebody in that conference: it is in a dialog of theirs, or shows that it knows
    /// one (RFC 4538 §5).
    pub(super) fn is_member(&self, request: &View<'_>, conference: u64) -> bool {
        let of_call = |key: u64| self.calls.get(key).is_some_and(|call| call.conference == Some(conference));
        if self.find(request).is_some_and(|(key, _)| of_call(key)) {
            return true;
        }
        self.call_shown(request).is_some_and(of_call)
    }

    /// The call that a request shows to know by its Target-Dialog.
    pub(super) fn call_shown(&self, request: &View<'_>) -> Option<u64> {
        let Some(Ok(target)) = request.header::<TargetDialog>() else { return None };
        let call_id = target.call_id.to_string();
        let key = *self.by_dialog.get(&dialog_key(&call_id, target.local_tag.as_ref()?.as_str()))?;
        let mut legs = self.calls.get(key)?.legs.iter().map(|leg| leg.dialog.id());
        legs.any(|id| target.names(&id.call_id, &id.local_tag, &id.remote_tag)).then_some(key)
    }
}

fn refuse(
    desk: &mut Desk,
    now: Instant,
    server: ServerId,
    invite: &View<'_>,
    status: Status,
) -> Result<Option<Joined>, ()> {
    desk.reply(now, server, invite, status);
    Err(())
}
