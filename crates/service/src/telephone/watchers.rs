//! Being watched: the notifier of RFC 6665 §4.2, from the SUBSCRIBE to the end.
//!
//! What to do follows from the tables of `core::subscription`; what a NOTIFY says is written in
//! [`notifying`](super::notifying), and who may know what is decided in [`who_may`](super::who_may).

use super::Telephone;
use super::callee::dialog_key;
use super::usages::Home;
use super::wallet::Realm;
use super::who_may::May;
use crate::desk::Desk;
use crate::dialog_news::{News, Sight};
use crate::keyed::Keyed;
use crate::subscribe::{self, Asked, NO_ROOM_RETRY_S, Only};
use crate::watch::Package;
use cordboard_core::dialog::{Dialog, state};
use cordboard_core::subscription::notifier::{Act, Input, State, Why, step};
use cordboard_core::subscription::notify;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_core::wheel::Wheel;
use cordboard_sip::body::conference_info::User;
use cordboard_sip::header::Event;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Builder, Name, Status, UriRef, View};
use std::collections::BTreeMap;
use std::time::Duration;

/// Subscriptions that one telephone serves.
pub(super) const MAX_WATCHERS: usize = 500;

/// Packages of which this telephone tells; `refer` comes with REFER (RFC 3515 §3.2).
pub(super) const ALLOW_EVENTS: &str = "dialog, presence, conference, refer";

/// One subscription of somebody else's.
pub(super) struct Watcher {
    pub(super) package: Package,
    /// The `id` of its Event, for those of RFC 3265.
    pub(super) id: Option<Box<str>>,
    pub(super) only: Option<Only>,
    pub(super) sight: Sight,
    /// The conference that is watched, and its URI as it was told last.
    pub(super) conference: Option<u64>,
    pub(super) entity: String,
    /// The slot of a park server, or the room, that is watched alone: a user part.
    pub(super) slot: Option<Box<str>>,
    /// Who else was in it as that was told last.
    pub(super) told: Vec<User>,
    /// Before when it had better not be told again, and until when something waits.
    pub(super) not_before: Option<Instant>,
    pub(super) waits: Option<Instant>,
    pub(super) home: Home,
    pub(super) state: State,
    pub(super) sending: notify::State,
    pub(super) ends_at: Option<Instant>,
    /// Why it is over.
    pub(super) why: Option<Why>,
    pub(super) news: News,
    /// Whether it is told over a stream, where nothing is too large.
    pub(super) stream: bool,
    pub(super) realms: Vec<Realm>,
    armed: Option<Instant>,
}

impl Watcher {
    /// When it wants to be woken.
    fn due(&self) -> Option<Instant> {
        let waits = self.waits.filter(|_| self.state == State::Active);
        self.ends_at.into_iter().chain(waits).min()
    }
}

/// Who watches, and how to find them.
#[derive(Default)]
pub(super) struct Watchers {
    table: Keyed<Watcher>,
    /// By Call-ID and our tag.
    by_dialog: BTreeMap<Box<str>, Vec<u64>>,
    wheel: Wheel,
    fired: Vec<u64>,
}

impl Watchers {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.wheel.next()
    }

    pub(super) fn get(&self, key: u64) -> Option<&Watcher> {
        self.table.get(key)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Watcher> {
        self.table.get_mut(key)
    }

    /// The keys of those who still watch.
    pub(super) fn active(&self) -> Vec<u64> {
        self.table
            .with_keys()
            .filter(|(_, watcher)| watcher.state == State::Active)
            .map(|(key, _)| key)
            .collect()
    }

    fn in_dialog(&self, request: &View<'_>) -> &[u64] {
        let place = dialog_key(request.call_id(), request.to_tag().unwrap_or_default());
        self.by_dialog.get(&place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn arm(&mut self, key: u64) {
        let Some(watcher) = self.table.get_mut(key) else { return };
        if let Some(due) = watcher.due()
            && watcher.armed.is_none_or(|armed| due < armed)
        {
            watcher.armed = Some(due);
            self.wheel.arm(due, key);
        }
    }
}

impl Telephone {
    /// A SUBSCRIBE, in the dialog of a call or outside of all calls (§4.2.1).
    pub(super) fn subscribe_received(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        found: Option<(u64, usize)>,
    ) {
        if let Some(refusal) = super::answers::unfit(desk, request) {
            return desk.stack.respond(now, server, refusal.0, refusal.1);
        }
        if request.to_tag().is_some()
            && request.header::<Event>().is_some_and(|event| event.is_ok_and(|event| event.is("refer")))
        {
            return self.refer_resubscribed(desk, now, flow, server, request, found);
        }
        let asked = match subscribe::read(request, ALLOW_EVENTS) {
            Ok(asked) => asked,
            Err(refusal) => return subscribe::refuse(desk, now, server, request, &refusal, ALLOW_EVENTS),
        };
        if request.to_tag().is_none() {
            return self.watched_anew(desk, now, flow, server, request, asked, None);
        }
        let known = self.watchers.in_dialog(request).to_vec();
        let here =
            |key: &u64| self.watchers.get(*key).filter(|watcher| self.is_home_of(watcher.home, request));
        let same = known.iter().copied().find(|key| {
            here(key).is_some_and(|watcher| watcher.package == asked.package && watcher.id == asked.id)
        });
        let own = known.iter().find_map(|key| Some(here(key)?.home));
        let home = own.or(found.map(|(at, leg)| Home::Call(at, leg)));
        let Some(home) = home else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        let Some(dialog) = self.home_mut(home) else { return };
        if let Err(late) = dialog.accept(request) {
            return desk.reply(now, server, request, late.status());
        }
        // A Contact that cannot be read changes nothing.
        let _ = dialog.refresh_target(request);
        match same {
            Some(key) => self.watched_on(desk, now, flow, server, request, (key, asked.granted)),
            None => self.watched_anew(desk, now, flow, server, request, asked, Some(home)),
        }
    }

    /// A SUBSCRIBE that begins something; `home` is the dialog that it came in, if it came in one.
    #[expect(clippy::too_many_arguments, reason = "a request, the way that it came, and what it asks")]
    fn watched_anew(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        asked: Asked,
        home: Option<Home>,
    ) {
        let conference = (asked.package == Package::Conference).then(|| self.conference_asked(request));
        if conference == Some(None) {
            // RFC 4575 §3.5: what is not there cannot be watched.
            return desk.reply(now, server, request, Status::NOT_FOUND);
        }
        let conference = conference.flatten();
        let sight = match self.may(desk, now, flow, request) {
            May::Everything => Sight::Whole,
            // RFC 4575 §3.6: who is in it may know who else is.
            May::Little | May::Nothing | May::Prove { .. }
                if conference.is_some_and(|conference| self.is_member(request, conference)) =>
            {
                Sight::Whole
            }
            May::Prove { stale } => return self.challenge(desk, now, server, request, stale),
            // RFC 4235 §3.7.2: of one dialog they may know nothing.
            May::Little if asked.package == Package::Dialog && asked.only.is_none() => Sight::Virtual,
            May::Little | May::Nothing => return desk.reply(now, server, request, Status::FORBIDDEN),
        };
        if self.watchers.len() >= MAX_WATCHERS {
            let response = desk.response(request, Status::SERVICE_UNAVAILABLE);
            let bytes = response.line(Name::RETRY_AFTER, NO_ROOM_RETRY_S).finish();
            return desk.stack.respond(now, server, Status::SERVICE_UNAVAILABLE, bytes);
        }
        let home = if let Some(home) = home {
            self.enter_home(home);
            home
        } else {
            let tag = desk.stack.dice().tag();
            let Ok(mut dialog) = Dialog::from_request(request, &tag) else {
                return desk.reply(now, server, request, Status::BAD_REQUEST);
            };
            dialog.advance(state::Input::Success);
            self.found_home(dialog, flow.listener)
        };
        let Some(dialog) = self.home(home) else { return };
        let place = dialog_key(&dialog.id().call_id, &dialog.id().local_tag);
        self.learn_calls(desk);
        let key = self.watchers.table.insert(Watcher {
            package: asked.package,
            id: asked.id,
            only: asked.only,
            sight,
            conference,
            slot: self.slot_named(request),
            entity: String::new(),
            told: Vec::new(),
            not_before: None,
            waits: None,
            home,
            state: State::RespWait,
            sending: notify::State::Idle,
            ends_at: None,
            why: None,
            news: News::default(),
            stream: flow.transport.is_reliable(),
            realms: Vec::new(),
            armed: None,
        });
        self.watchers.by_dialog.entry(place).or_default().push(key);
        self.accept_watcher(desk, now, flow, server, request, (key, asked.granted));
        let input = if asked.granted == 0 { Input::Fetch } else { Input::Grant };
        self.advance_watcher(desk, now, key, input);
    }

    /// The slot or the room that a Request-URI names, if it is one of ours.
    fn slot_named(&self, request: &View<'_>) -> Option<Box<str>> {
        let user = unescape(UriRef::parse(request.request_uri()).ok()?.user()?);
        self.places.iter().find(|slot| ***slot == *user).cloned()
    }

    /// The conference that a SUBSCRIBE means: that of its Request-URI, or of the call in whose dialog it comes, or that
    /// it shows to know.
    fn conference_asked(&self, request: &View<'_>) -> Option<u64> {
        let of_call = || self.calls.get(self.find(request)?.0)?.conference;
        let shown = || self.calls.get(self.call_shown(request)?)?.conference;
        self.conference_named(request).or_else(of_call).or_else(shown)
    }

    /// A SUBSCRIBE that goes on with something, or ends it.
    fn watched_on(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        (key, granted): (u64, u32),
    ) {
        let input = if granted == 0 { Input::Unsubscribe } else { Input::Refresh };
        let Some(watcher) = self.watchers.get_mut(key) else { return };
        if step(watcher.state, input).1.contains(&Act::RefuseLate) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        // RFC 4235 §3.3: who asks is told everything.
        watcher.news.owe_everything();
        self.accept_watcher(desk, now, flow, server, request, (key, granted));
        self.advance_watcher(desk, now, key, input);
    }

    fn accept_watcher(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        (key, granted): (u64, u32),
    ) {
        let Some(watcher) = self.watchers.get_mut(key) else { return };
        watcher.ends_at = (granted > 0).then(|| now + Duration::from_secs(granted.into()));
        let home = watcher.home;
        let (Some(dialog), Some(source)) = (self.home(home), request.source()) else { return };
        let bytes = Builder::response_to(request, source, Status::OK, Some(&dialog.id().local_tag))
            .copy(request, Name::RECORD_ROUTE)
            .line(Name::CONTACT, self.own_contact(desk, request, flow))
            .line(Name::EXPIRES, granted)
            .finish();
        desk.stack.respond(now, server, Status::OK, bytes);
    }

    /// Feeds the notifier's table and does what it says, but for answering requests.
    pub(super) fn advance_watcher(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(watcher) = self.watchers.get_mut(key) else { return };
        let (state, acts) = step(watcher.state, input);
        watcher.state = state;
        for act in acts {
            match act {
                Act::StopTime => {
                    if let Some(watcher) = self.watchers.get_mut(key) {
                        watcher.ends_at = None;
                    }
                }
                Act::Notify => self.advance_notify(desk, now, key, notify::Input::Wanted),
                Act::NotifyLast(why) => {
                    if let Some(watcher) = self.watchers.get_mut(key) {
                        watcher.why = Some(*why);
                        watcher.news.owe_everything();
                    }
                    self.advance_notify(desk, now, key, notify::Input::LastWanted);
                }
                Act::Forget => self.advance_notify(desk, now, key, notify::Input::Forget),
                // Done by those who have the request.
                Act::Accept | Act::Refuse | Act::RefuseLate | Act::KeepTime => {}
            }
        }
        self.watchers.arm(key);
    }

    /// The subscription is over on the wire too.
    pub(super) fn forget_watcher(&mut self, key: u64) {
        let Some(watcher) = self.watchers.table.remove(key) else { return };
        if let Some(dialog) = self.home(watcher.home) {
            let place = dialog_key(&dialog.id().call_id, &dialog.id().local_tag);
            if let Some(keys) = self.watchers.by_dialog.get_mut(&place) {
                keys.retain(|other| *other != key);
                if keys.is_empty() {
                    self.watchers.by_dialog.remove(&place);
                }
            }
        }
        self.leave_home(watcher.home);
    }

    /// Ends what was not refreshed.
    pub(super) fn watchers_due(&mut self, desk: &mut Desk, now: Instant) {
        let mut fired = std::mem::take(&mut self.watchers.fired);
        self.watchers.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            let Some(watcher) = self.watchers.get_mut(key) else { continue };
            watcher.armed = None;
            if watcher.ends_at.is_some_and(|due| due <= now) {
                self.advance_watcher(desk, now, key, Input::End(Why::Timeout));
            }
            let waits = self.watchers.get_mut(key).and_then(|watcher| watcher.waits.take());
            if waits.is_some() && self.owes_conference(desk, now, key) {
                self.advance_watcher(desk, now, key, Input::Changed);
            }
            self.watchers.arm(key);
        }
        self.watchers.fired = fired;
    }
}
