//! What the other side changes in a call: its re-INVITEs (RFC 3261 §14.2) and UPDATEs (RFC 3311 §5.2).

use super::Telephone;
use super::call::{Call, Side, Vehicle};
use super::written::{SDP, allowed, supported};
use crate::desk::{Desk, role};
use cordboard_core::session::{callee, change, offer_answer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_sip::{Name, Status, View};

/// What a 500 asks for whose request comes while another is under way: up to so many seconds (RFC 3261 §14.2).
const LONGEST_RETRY_S: u64 = 10;

impl Telephone {
    /// A re-INVITE of the other side.
    pub(super) fn reinvited(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
    ) {
        if let Some(refusal) = super::answers::unfit(desk, request) {
            return desk.stack.respond(now, server, refusal.0, refusal.1);
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.is_over() || call.answered != Some(leg) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        if let Err(late) = call.legs[leg].dialog.accept(request) {
            return desk.reply(now, server, request, late.status());
        }
        if matches!(call.side, Side::Callee(callee::State::Ringing)) {
            return too_soon(desk, now, server, request);
        }
        if call.asks_by_invite() || call.exchange != offer_answer::State::Stable {
            return desk.reply(now, server, request, Status::REQUEST_PENDING);
        }
        if self.is_too_brief(desk, now, server, request) {
            return;
        }
        if self.calls.get(key).is_some_and(|call| call.sent_ok.is_some()) {
            // RFC 5407 §3.1.4: whoever sends this has our 2xx; only its ACK is late.
            self.acked(desk, now, key, true);
        }
        let Some(call) = self.calls.get_mut(key).filter(|call| !call.is_over()) else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        if call.is_bridged() {
            return self.pass_on(desk, now, server, request, (key, leg));
        }
        let Ok(body) = call.describe_again(leg, request.body()) else {
            return desk.reply(now, server, request, Status::NOT_ACCEPTABLE_HERE);
        };
        self.target_refreshed(desk, now, key, leg, request);
        desk.stack.own(server, Owner { role: role::TELEPHONE, key });
        self.ok(desk, now, key, server, request, body);
        if !request.body().is_empty() {
            self.tell_hold(desk, key);
            self.tell_media(desk, key);
        }
        self.arm(key);
    }

    /// An UPDATE of the other side, in an early dialog or a confirmed one.
    pub(super) fn updated(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
    ) {
        if let Some(refusal) = super::answers::unfit(desk, request) {
            return desk.stack.respond(now, server, refusal.0, refusal.1);
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.is_over() || call.answered.is_some_and(|answered| answered != leg) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        if let Err(late) = call.legs[leg].dialog.accept(request) {
            return desk.reply(now, server, request, late.status());
        }
        let offers = !request.body().is_empty();
        match call.hindrance(leg).filter(|_| offers) {
            Some(Status::SERVER_INTERNAL_ERROR) => return too_soon(desk, now, server, request),
            Some(status) => return desk.reply(now, server, request, status),
            None => {}
        }
        if self.is_too_brief(desk, now, server, request) {
            return;
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        if offers && call.is_bridged() {
            return self.pass_on(desk, now, server, request, (key, leg));
        }
        let answer = match offers.then(|| call.answer(leg, request.body())).transpose() {
            Ok(answer) => answer,
            Err(error) => return desk.reply(now, server, request, error.status()),
        };
        self.target_refreshed(desk, now, key, leg, request);
        self.accept_update(desk, now, server, request, key, answer);
        if offers {
            self.tell_hold(desk, key);
            self.tell_media(desk, key);
        }
        self.proceed(desk, now, key);
    }

    pub(super) fn accept_update(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        key: u64,
        answer: Option<Box<str>>,
    ) {
        let Some(flow) = desk.stack.server_flow(server) else { return };
        let contact = self.own_contact(desk, request, flow);
        let policy = self.account.habits.session_timer;
        let Some(call) = self.calls.get_mut(key) else { return };
        let mut response = desk
            .response(request, Status::OK)
            .line(Name::CONTACT, contact)
            .line(Name::ALLOW, allowed(&self.account.transfers))
            .line(Name::SUPPORTED, supported(&self.account.transfers));
        if call.is_confirmed() {
            for (name, value) in call.timer.grant(now, request, policy) {
                response = response.line(name, value);
            }
        }
        let bytes = match answer {
            Some(body) => response.body(SDP, body.as_bytes()),
            None => response.finish(),
        };
        desk.stack.respond(now, server, Status::OK, bytes);
    }

    /// A target refresh request was accepted: what it says of whoever sent it holds from now on.
    pub(super) fn target_refreshed(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        leg: usize,
        request: &View<'_>,
    ) {
        self.transferor_stays(desk, now, key);
        let Some(call) = self.calls.get_mut(key) else { return };
        call.learn(request);
        // A Contact that cannot be read changes nothing.
        let _ = call.legs[leg].dialog.refresh_target(request);
        self.identity_shown(desk, key, leg, request);
    }
}

impl Call {
    /// Whether a re-INVITE of ours is out.
    pub(super) fn asks_by_invite(&self) -> bool {
        self.change == change::State::Sent
            && self.asking.as_ref().is_none_or(|asking| asking.vehicle == Vehicle::Invite)
    }

    /// Why an UPDATE with an offer cannot be taken now (RFC 3311 §5.2): an offer of ours is open, or may come with the
    /// 2xx of a re-INVITE; or one of theirs is, or the first is still to be made.
    fn hindrance(&self, leg: usize) -> Option<Status> {
        match self.exchange_in(leg) {
            offer_answer::State::Offered => Some(Status::REQUEST_PENDING),
            offer_answer::State::Asked => Some(Status::SERVER_INTERNAL_ERROR),
            offer_answer::State::Stable if self.asks_by_invite() => Some(Status::REQUEST_PENDING),
            offer_answer::State::Stable if !self.has_agreed(leg) => Some(Status::SERVER_INTERNAL_ERROR),
            offer_answer::State::Stable => None,
        }
    }
}

/// Something else is under way: try again in a while.
fn too_soon(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) {
    let retry = desk.stack.dice().below(LONGEST_RETRY_S + 1);
    let response = desk.response(request, Status::SERVER_INTERNAL_ERROR);
    let bytes = response.line(Name::RETRY_AFTER, retry).finish();
    desk.stack.respond(now, server, Status::SERVER_INTERNAL_ERROR, bytes);
}
