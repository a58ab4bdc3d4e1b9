//! Rooms of a focus (RFC 4579 §5): conferences that are there before anybody calls them, whose program says who comes in.

use super::Telephone;
use super::call::{Call, Side};
use super::caller::Placing;
use super::joining::{Conference, Joined, Named};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::keyed::Keyed;
use crate::settings::{MediaPorts, Room, Service};
use cordboard_core::refer::recipient::Input;
use cordboard_core::session::callee;
use cordboard_core::subscription::notifier::{Input as Watching, Why};
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Name, Status, UriRef, View};

/// The conferences that rooms are.
pub(super) fn furnished(rooms: &[Room]) -> Keyed<Conference> {
    let mut conferences = Keyed::default();
    for room in rooms {
        conferences.insert(Conference { named: Named::Room(room.user.clone()), members: Vec::new() });
    }
    conferences
}

impl Telephone {
    /// Other slots, rooms and ports from now on. Those that are taken stay: the program sees to that. Whoever watches one that
    /// is no more is told so (RFC 6665 §4.1.3).
    pub(crate) fn refurnish(&mut self, desk: &mut Desk, now: Instant, service: &Service, media: &MediaPorts) {
        self.places = service.places();
        self.ports.hold(media);
        let rooms = service.rooms();
        for room in rooms {
            if self.room(&room.user).is_none() {
                self.conferences
                    .insert(Conference { named: Named::Room(room.user.clone()), members: Vec::new() });
            }
        }
        let kept = |named: &Named| match named {
            Named::Room(user) => rooms.iter().any(|room| room.user == *user),
            Named::Guessed(_) => true,
        };
        let gone = self.conferences.with_keys().filter(|(_, conference)| !kept(&conference.named));
        for conference in gone.map(|(key, _)| key).collect::<Vec<_>>() {
            self.end_conference(desk, now, conference);
        }
        for key in self.watchers.active() {
            let slot = self.watchers.get(key).and_then(|watcher| watcher.slot.as_ref());
            if slot.is_some_and(|slot| !self.places.contains(slot)) {
                self.advance_watcher(desk, now, key, Watching::End(Why::NoResource));
            }
        }
    }

    /// Whether we are the focus of rooms.
    pub(super) fn has_rooms(&self) -> bool {
        self.conferences.iter().any(Conference::is_room)
    }

    fn room(&self, user: &str) -> Option<u64> {
        let is_it =
            |conference: &Conference| matches!(&conference.named, Named::Room(room) if **room == *user);
        self.conferences.with_keys().find(|(_, conference)| is_it(conference)).map(|(key, _)| key)
    }

    /// The room that the Request-URI of a request names.
    pub(super) fn room_named(&self, request: &View<'_>) -> Option<u64> {
        self.room(&unescape(UriRef::parse(request.request_uri()).ok()?.user()?))
    }

    /// Into which room a call comes by its Request-URI, or because its INVITE names a call of it (§5.8). Whoever knows both tags
    /// has still to be one of those who may know of our calls (RFC 3911 §4).
    pub(super) fn room_joined(
        &self,
        invite: &View<'_>,
        joined: Joined,
        member: bool,
    ) -> Result<Joined, Status> {
        let conference = match joined {
            Joined::Call(key) => self.calls.get(key).and_then(|call| call.conference),
            Joined::Conference(key) | Joined::Room(key) => Some(key),
        };
        let is_room = |key: &u64| self.conferences.get(*key).is_some_and(Conference::is_room);
        match conference.filter(is_room) {
            // Of what a server has nobody makes a conference.
            None => Err(Status::NOT_ACCEPTABLE_HERE),
            Some(_) if invite.has(Name::JOIN) && !member => Err(Status::FORBIDDEN),
            Some(key) => Ok(Joined::Room(key)),
        }
    }

    /// The URI by which a program knows a room.
    pub(super) fn room_uri(&self, key: u64) -> Option<Box<str>> {
        match &self.conferences.get(key)?.named {
            Named::Room(user) => Some(format!("sip:{user}@{}", self.account.domain).into()),
            Named::Guessed(_) => None,
        }
    }

    /// Lets a call into a room.
    pub(super) fn enter(&mut self, desk: &mut Desk, now: Instant, name: CallName, room: &str) {
        let waits = |call: &Call| call.side == Side::Callee(callee::State::Ringing) || call.is_up();
        let key = self.names.get(&name).copied();
        let key = key
            .filter(|key| self.calls.get(*key).is_some_and(|call| waits(call) && call.conference.is_none()));
        let (Some(key), Some(at)) = (key, self.room(room)) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        let rings = self.ringing_here(name).is_some();
        if let (Some(call), Some(all)) = (self.calls.get_mut(key), self.conferences.get_mut(at)) {
            call.conference = Some(at);
            all.members.push(key);
        }
        self.touch(key, None);
        self.tell_conference(desk, key);
        if rings {
            self.accept(desk, now, key);
            self.proceed(desk, now, key);
        }
    }

    /// Calls somebody into a room.
    pub(super) fn call_into(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str, room: &str) {
        let at = self.room(room).filter(|_| !name.is_incoming());
        let placed = at.and_then(|at| {
            let placing = Placing { user: Some(room.into()), conference: Some(at), ..Placing::USUAL };
            self.place(desk, now, name, to, placing)
        });
        if placed.is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Makes the call that a REFER asks for, into a room.
    pub(super) fn consent_into(&mut self, desk: &mut Desk, now: Instant, name: CallName, room: &str) {
        let (asked, at) = (self.asked(name), self.room(room));
        let (Some(key), Some(at)) = (asked, at) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.user = Some(room.into());
            recipient.into = Some(at);
        }
        self.advance_recipient(desk, now, key, Input::Consented);
    }

    /// What was asked for is done.
    pub(super) fn is_done(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.asked(name) {
            Some(key) => self.declined(desk, now, key, Status::OK),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// A call is declined, or what is asked is not done, and it is said why.
    pub(super) fn turn_away(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        status: Status,
        words: &'static str,
    ) {
        if let Some(call) = self.ringing_here(name).and_then(|key| self.calls.get_mut(key)) {
            let warning = super::verdict::warning(desk, call.listener, words);
            call.lines.push((Name::WARNING, warning.into()));
            return self.decline_call(desk, now, name, status);
        }
        let line = format!("Warning: {}\r\n", super::verdict::warning(desk, ListenerId(0), words));
        if let Some(recipient) = self.asked(name).and_then(|key| self.recipient_mut(key)) {
            recipient.reasons = line.into();
        }
        self.refuse(desk, now, name, status);
    }
}
