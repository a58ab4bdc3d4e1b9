//! What the two sides of a bridge change (RFC 3725 §4.4, RFC 3261 §14): each offer goes on to the other side by a
//! re-INVITE, and its answer comes back in our 2xx. A refresh that changes nothing (RFC 4028 §7.4) is answered by us.
//! A REFER in a bridge hands over whoever is behind it: [`handing_on`], by the table in [`onward`].

pub(super) mod handing_on;
pub(super) mod onward;

use super::Telephone;
use super::bridging::{Bridge, Waiting};
use super::call::{Call, Change, Part};
use super::caller::Answered;
use super::token::description;
use crate::desk::{Desk, role};
use bytes::Bytes;
use cordboard_core::session::{change, offer_answer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Method, Status, View};
use std::net::SocketAddr;

/// One call of a bridge that is up.
pub(super) struct Joint {
    /// The other call.
    pub(super) other: u64,
    /// What its other side has described last.
    theirs: Box<str>,
    /// What it was shown last of whoever is behind the bridge, as it was sent.
    shown: Box<str>,
    /// What it asks for, until there is an answer from behind the bridge.
    asks: Option<Asks>,
    /// A 2xx of it with an offer, whose answer comes from behind the bridge.
    owed: Option<Waiting>,
    /// The call that its other side is to be bridged with instead, as soon as nothing is under way in this bridge.
    next: Option<u64>,
}

/// A request that asks for a change.
struct Asks {
    server: ServerId,
    leg: usize,
    request: Bytes,
    source: Option<SocketAddr>,
}

impl Joint {
    pub(super) fn new(other: u64, theirs: &str, shown: Box<str>) -> Self {
        Self { other, theirs: theirs.into(), shown, asks: None, owed: None, next: None }
    }
}

impl Call {
    /// Whether its other side has that of another call.
    pub(super) const fn is_bridged(&self) -> bool {
        matches!(self.bridge, Some(Bridge::Up(_)))
    }

    fn joint(&mut self) -> Option<&mut Joint> {
        match &mut self.bridge {
            Some(Bridge::Up(joint)) => Some(joint),
            Some(Bridge::Asking(..) | Bridge::Waiting(..) | Bridge::Passing(_)) | None => None,
        }
    }

    /// What its other side was shown last of whoever is behind the bridge.
    pub(super) fn shown(&mut self) -> Option<&str> {
        self.joint().map(|joint| &*joint.shown)
    }

    /// Whether it is to be bridged with somebody else, and that has not begun.
    pub(super) fn waits_for_next(&self) -> bool {
        matches!(&self.bridge, Some(Bridge::Up(joint)) if joint.next.is_some())
    }

    /// Whether its other side waits for an answer from behind the bridge.
    pub(super) const fn asks_behind(&self) -> bool {
        matches!(&self.bridge, Some(Bridge::Up(joint)) if joint.asks.is_some())
    }

    /// Whether a change from behind the bridge can go on to its other side at once.
    fn takes_change(&mut self, change: Change) -> bool {
        let is_quiet = self.is_up()
            && self.change == change::State::Quiet
            && self.changes.is_empty()
            && self.glare_until.is_none();
        is_quiet
            && self.joint().is_some_and(|joint| joint.asks.is_none())
            && self.way_of(change, crate::settings::ChangesBy::Invite).is_some()
    }
}

impl Telephone {
    /// One side of a bridge asks for a change: the other side is asked, unless nothing changes.
    pub(super) fn pass_on(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(joint) = call.joint() else { return };
        let (other, offer) = (joint.other, description(request));
        if *offer == *joint.theirs.as_bytes() {
            let shown = joint.shown.clone();
            return self.accept_change(desk, now, server, request, (key, leg), (Part::Answer, shown));
        }
        let change = if offer.is_empty() { Change::PassOnAsking } else { Change::PassOn };
        let text = std::str::from_utf8(offer).ok().filter(|_| offer.is_empty() || Sdp::parse(offer).is_ok());
        let Some(text) = text else { return desk.reply(now, server, request, Status::BAD_REQUEST) };
        let Some(call) = self.calls.get_mut(other).filter(|call| call.is_up()) else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        if !call.takes_change(change) {
            // Whatever hinders it is soon over (RFC 3261 §14.2).
            return desk.reply(now, server, request, Status::REQUEST_PENDING);
        }
        call.passing = Some(text.into());
        call.changes.push_back(change);
        if let Some(call) = self.calls.get_mut(key) {
            if !offer.is_empty() {
                call.exchange(leg, offer_answer::Input::GetOffer);
            }
            let (request, source) = (Bytes::copy_from_slice(request.bytes()), request.source());
            if let Some(joint) = call.joint() {
                joint.asks = Some(Asks { server, leg, request, source });
            }
        }
        desk.stack.own(server, Owner { role: role::TELEPHONE, key });
        self.proceed(desk, now, other);
    }

    /// The answer to a change takes its time: its request is not to come again (RFC 3261 §17.2.1).
    pub(super) fn still_passing_on(&mut self, desk: &mut Desk, now: Instant, key: u64, server: ServerId) {
        let joint = self.calls.get_mut(key).and_then(Call::joint);
        let Some(asks) = joint.and_then(|joint| joint.asks.as_ref()).filter(|asks| asks.server == server)
        else {
            return;
        };
        let request = asks.request.clone();
        let Some(request) = read(&request, asks.source) else { return };
        if request.method() == Method::Invite {
            desk.reply(now, server, &request, Status::TRYING);
        }
    }

    /// The other side has accepted a change: whoever asked for it gets its answer.
    pub(super) fn passed_on(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        from: u64,
        response: &View<'_>,
        passed: Box<str>,
    ) {
        let answer = std::str::from_utf8(description(response)).unwrap_or_default();
        let Some(joint) = self.calls.get_mut(from).and_then(Call::joint) else { return };
        joint.theirs = answer.into();
        joint.shown = passed;
        let key = joint.other;
        self.answer_asked(desk, now, key, (Part::Answer, answer));
    }

    /// The other side was asked for an offer, and makes one: whoever asked for it gets that, and their ACK answers it.
    pub(super) fn offered_on(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        from: u64,
        answered: Answered,
        response: &View<'_>,
    ) {
        let offer = description(response);
        let Some(call) = self.calls.get_mut(from) else { return };
        let waiting = Waiting { answered, offer: offer.into() };
        let text = std::str::from_utf8(offer).ok().filter(|_| Sdp::parse(offer).is_ok());
        let (Some(joint), Some(text)) = (call.joint(), text) else {
            self.answer_ourselves(desk, now, from, waiting);
            return self.lost(desk, now, from);
        };
        joint.theirs = text.into();
        joint.owed = Some(waiting);
        let key = joint.other;
        self.answer_asked(desk, now, key, (Part::Offer, text));
    }

    /// The ACK of whoever asked for an offer answers it. False if it does not.
    pub(super) fn answered_on(&mut self, desk: &mut Desk, now: Instant, key: u64, ack: &View<'_>) -> bool {
        let answer = description(ack);
        let Some(call) = self.calls.get_mut(key) else { return false };
        let leg = call.answered.unwrap_or(0);
        call.exchange(leg, offer_answer::Input::GetAnswer);
        let text = std::str::from_utf8(answer).ok().filter(|_| Sdp::parse(answer).is_ok());
        let (Some(joint), Some(text)) = (call.joint(), text) else { return false };
        joint.theirs = text.into();
        let from = joint.other;
        let Some(call) = self.calls.get_mut(from) else { return false };
        let Some(owed) = call.joint().and_then(|joint| joint.owed.take()) else { return false };
        let Some(shown) = call.origin.pass_on(text).map(Box::<str>::from) else { return false };
        if let Some(joint) = call.joint() {
            joint.shown = shown.clone();
        }
        self.acknowledge_offer(desk, now, from, owed.answered, shown);
        true
    }

    /// The other side has refused a change: so do we, and all is as it was (RFC 3261 §14.1).
    pub(super) fn not_passed_on(&mut self, desk: &mut Desk, now: Instant, from: u64, status: Status) {
        let Some(call) = self.calls.get_mut(from) else { return };
        // What is said next is not what was refused (RFC 3264 §8).
        let shown = call.shown().map(str::to_owned).and_then(|shown| call.origin.pass_on(&shown));
        let Some(joint) = call.joint() else { return };
        joint.shown = shown.map_or_else(|| joint.shown.clone(), Into::into);
        let key = joint.other;
        let status = match status.code() {
            // Not that of whoever asks: theirs is well, and known.
            401 | 407 | 408 | 481 | 503 => Status::SERVER_INTERNAL_ERROR,
            _ => status,
        };
        self.refuse_asked(desk, now, key, status);
    }

    /// Accepts what somebody asks for, with a description from behind the bridge.
    fn answer_asked(&mut self, desk: &mut Desk, now: Instant, key: u64, (part, text): (Part, &str)) {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.is_up()) else { return };
        let Some(asks) = call.joint().and_then(|joint| joint.asks.take()) else { return };
        let (Some(request), Some(shown)) = (read(&asks.request, asks.source), call.origin.pass_on(text))
        else {
            return;
        };
        let input = match part {
            Part::Answer => offer_answer::Input::SendAnswer,
            Part::Offer => offer_answer::Input::SendOffer,
        };
        call.exchange(asks.leg, input);
        let shown: Box<str> = shown.into();
        if let Some(joint) = call.joint() {
            joint.shown = shown.clone();
            if part == Part::Answer {
                joint.theirs = std::str::from_utf8(description(&request)).unwrap_or_default().into();
            }
        }
        self.accept_change(desk, now, asks.server, &request, (key, asks.leg), (part, shown));
        self.proceed(desk, now, key);
    }

    /// Refuses what somebody asks for.
    fn refuse_asked(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(asks) = call.joint().and_then(|joint| joint.asks.take()) else { return };
        if call.exchange_in(asks.leg) == offer_answer::State::Asked {
            call.exchange(asks.leg, offer_answer::Input::Fail);
        }
        if let Some(request) = read(&asks.request, asks.source) {
            desk.reply(now, asks.server, &request, status);
        }
        self.proceed(desk, now, key);
    }

    fn accept_change(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
        (part, body): (Part, Box<str>),
    ) {
        self.target_refreshed(desk, now, key, leg, request);
        if request.method() == Method::Update {
            self.accept_update(desk, now, server, request, key, Some(body));
        } else {
            desk.stack.own(server, Owner { role: role::TELEPHONE, key });
            self.ok(desk, now, key, server, request, Some((part, body)));
        }
        self.arm(key);
    }

    /// A call of a bridge is over: so is the other. What is still open in either is answered first (RFC 3261 §15.1.2).
    pub(super) fn bridge_falls(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(other) = self.calls.get_mut(key).and_then(Call::joint).map(|joint| joint.other) else {
            return;
        };
        for key in [key, other] {
            self.unbridge(desk, now, key);
        }
        let other = self.calls.get(other).filter(|other| !other.is_over()).map(|other| other.name);
        if let Some(name) = other {
            self.hang_up(desk, now, name);
        }
    }

    /// A call is bridged no more: what is still open in it is answered.
    fn unbridge(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        self.refuse_asked(desk, now, key, Status::REQUEST_TERMINATED);
        let Some(call) = self.calls.get_mut(key) else { return };
        let owed = call.joint().and_then(|joint| joint.owed.take());
        call.bridge = None;
        if let Some(owed) = owed {
            self.answer_ourselves(desk, now, key, owed);
        }
    }
}

/// A request that was kept.
fn read(request: &Bytes, source: Option<SocketAddr>) -> Option<View<'_>> {
    let mut request = View::parse(request).ok()?;
    if let Some(source) = source {
        request.set_source(source);
    }
    Some(request)
}
