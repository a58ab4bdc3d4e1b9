//! What changes in a call that is up: re-INVITEs in both directions (RFC 3261 §14), BYE (§15).

use super::Telephone;
use super::call::{Acked, CHANGE_LIMIT, Call, Change, MAX_CHANGES, Side};
use super::callee::describe;
use super::caller::{Answered, settle};
use super::errand::{ContactLine, Letter, Purpose, SDP};
use crate::call::{CallEvent, CallName};
use crate::desk::{Desk, role};
use cordboard_core::session::change::{Act, Input, MAX_GLARES, State, glare_wait, step};
use cordboard_core::session::{callee, caller, offer_answer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_ladder::Outcome;
use cordboard_sip::{Method, Status, View};

impl Telephone {
    /// Somebody wants a change.
    pub(super) fn want(&mut self, desk: &mut Desk, now: Instant, name: CallName, change: Change) {
        let key = self.names.get(&name).copied();
        let call = key.and_then(|key| self.calls.get_mut(key));
        let Some(call) = call.filter(|call| may_change(call) && call.changes.len() < MAX_CHANGES) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        call.changes.push_back(change);
        if let Some(key) = key {
            self.proceed(desk, now, key);
        }
    }

    /// Sends the next change if nothing hinders it, and arms the call's timer.
    pub(super) fn proceed(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.change == State::Quiet && !call.changes.is_empty() {
            call.change = step(call.change, Input::Wanted).0;
            call.glares = 0;
        }
        let free = call.change == State::Waiting
            && call.is_up()
            && call.exchange == offer_answer::State::Stable
            && call.sent_ok.is_none()
            && call.glare_until.is_none();
        if free {
            self.advance_change(desk, now, key, Input::Free, Status::OK);
        }
        self.arm(key);
    }

    /// Feeds the table of changes and does what it says.
    pub(super) fn advance_change(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        input: Input,
        status: Status,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let (state, acts) = step(call.change, input);
        call.change = state;
        for act in acts {
            match act {
                Act::Send => self.send_change(desk, now, key),
                Act::StartTimer => {
                    let Some(call) = self.calls.get_mut(key) else { return };
                    call.glare_until = Some(now + glare_wait(call.owns_call_id(), desk.stack.dice()));
                }
                Act::Apply => self.apply_change(desk, key),
                Act::Forget => {
                    let Some(call) = self.calls.get_mut(key) else { return };
                    call.changes.pop_front();
                    call.proposed = None;
                    let name = call.name;
                    Self::tell(desk, CallEvent::ChangeRefused(name, status));
                }
            }
        }
    }

    /// The re-INVITE of the change that is first in turn.
    fn send_change(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let change = self.calls.get(key).and_then(|call| call.changes.front().copied());
        let moved = match change {
            Some(Change::Move(listener)) => self.next_port(desk, listener),
            Some(Change::Hold | Change::Resume | Change::AskOffer) | None => None,
        };
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(change) = call.changes.front().copied() else { return };
        let Some(leg) = call.answered else { return };
        let (mut media, mut listener) = (call.media.clone(), call.listener);
        match change {
            Change::Hold => media.holds = true,
            Change::Resume => media.holds = false,
            Change::AskOffer => {}
            Change::Move(to) => {
                listener = to;
                let Some(address) = moved else {
                    return self.change_failed(desk, now, key, Status::SERVICE_UNAVAILABLE);
                };
                media.address = address;
            }
        }
        let body = (change != Change::AskOffer).then(|| {
            call.exchange(offer_answer::Input::SendOffer);
            (SDP, call.origin.offer(&media).into_boxed_str())
        });
        // RFC 4235 §5.2: whoever holds renders nothing.
        let rendering = if media.holds { ";+sip.rendering=\"no\"" } else { "" };
        call.proposed = Some((media, listener));
        call.change_until = Some(now + CHANGE_LIMIT);
        let Some(dialog) = call.dialog_mut() else { return };
        let (cseq, way) = (dialog.next_cseq(), dialog.way());
        let letter = Letter {
            purpose: Purpose::Change(key),
            method: Method::Invite,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq,
            contact: ContactLine::Own(rendering.into()),
            lines: Vec::new(),
            body,
            listener,
        };
        let realms = call.realms.clone();
        debug_assert_eq!(call.answered, Some(leg), "the answered leg carries the change");
        if self.run(desk, now, letter, vec![way], &realms).is_none() {
            self.change_failed(desk, now, key, Status::SERVICE_UNAVAILABLE);
        }
    }

    /// A final response to a re-INVITE of ours, or none.
    pub(super) fn change_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        errand: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        if let Some(call) = self.calls.get_mut(key) {
            call.change_until = None;
        }
        match response {
            Some(response) if status.is_success() => self.change_accepted(desk, now, key, errand, response),
            _ => self.change_failed(desk, now, key, status),
        }
        self.proceed(desk, now, key);
        self.sweep(key);
    }

    fn change_accepted(&mut self, desk: &mut Desk, now: Instant, key: u64, errand: u64, response: &View<'_>) {
        let credentials = self.errands.get(errand).map(|errand| errand.credentials().to_vec());
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(leg) = call.leg_of(response) else { return };
        let cseq = response.cseq().0;
        let credentials = credentials.unwrap_or_default();
        let awaited = call.change == State::Sent && call.invite == Some(errand);
        if !awaited || !matches!(call.legs[leg].ack(cseq), Acked::New) {
            return self.acknowledge_again(desk, now, key, Answered { leg, cseq, body: None, credentials });
        }
        call.legs[leg].begin_ack(cseq);
        // A Contact that cannot be read changes nothing.
        let _ = call.legs[leg].dialog.confirm(response);
        // What the answer is to is what we proposed.
        let before = call.media.clone();
        if let Some((media, listener)) = call.proposed.take() {
            call.media = media;
            call.listener = listener;
        }
        let (body, usable) = settle(call, response);
        if !usable {
            call.media = before;
        }
        let answered = Answered { leg, cseq, body, credentials };
        self.acknowledge(desk, now, key, answered);
        if usable {
            self.advance_change(desk, now, key, Input::Accepted, Status::OK);
        } else {
            self.lost(desk, now, key);
        }
    }

    fn apply_change(&mut self, desk: &mut Desk, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(change) = call.changes.pop_front() else { return };
        let name = call.name;
        Self::tell(
            desk,
            match change {
                Change::Hold => CallEvent::HoldChanged(name, true),
                Change::Resume => CallEvent::HoldChanged(name, false),
                Change::AskOffer => CallEvent::OfferAnswered(name),
                Change::Move(_) => CallEvent::Moved(name),
            },
        );
        self.tell_hold(desk, key);
        self.tell_media(desk, key);
    }

    fn change_failed(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.change != State::Sent {
            return;
        }
        if call.proposed.take().is_some() && call.exchange == offer_answer::State::Offered {
            call.exchange(offer_answer::Input::Fail);
        }
        call.glares += u8::from(status == Status::REQUEST_PENDING);
        match status {
            Status::REQUEST_PENDING if call.glares <= MAX_GLARES => {
                self.advance_change(desk, now, key, Input::Glare, status);
            }
            // §14.1 with §12.2.1.2: the dialog is gone.
            Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT => {
                self.advance_change(desk, now, key, Input::Refused, status);
                self.lost(desk, now, key);
            }
            _ => self.advance_change(desk, now, key, Input::Refused, status),
        }
    }

    /// A re-INVITE of the other side (§14.2).
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
            let retry = desk.stack.dice().below(11);
            let response = desk.response(request, Status::SERVER_INTERNAL_ERROR);
            let bytes = response.line(cordboard_sip::Name::RETRY_AFTER, retry).finish();
            return desk.stack.respond(now, server, Status::SERVER_INTERNAL_ERROR, bytes);
        }
        if call.change == State::Sent || call.exchange != offer_answer::State::Stable {
            return desk.reply(now, server, request, Status::REQUEST_PENDING);
        }
        if call.sent_ok.is_some() {
            // RFC 5407 §3.1.4: whoever sends this has our 2xx; only its ACK is late.
            self.acked(desk, now, key, true);
        }
        let Some(call) = self.calls.get_mut(key).filter(|call| !call.is_over()) else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        if !request.body().is_empty() {
            call.exchange(offer_answer::Input::GetOffer);
        }
        let Some(body) = describe(call, request) else {
            call.exchange(offer_answer::Input::Fail);
            return desk.reply(now, server, request, Status::NOT_ACCEPTABLE_HERE);
        };
        // A Contact that cannot be read changes nothing.
        let _ = call.legs[leg].dialog.refresh_target(request);
        desk.stack.own(server, Owner { role: role::TELEPHONE, key });
        self.ok(desk, now, key, server, request, &body);
        if !request.body().is_empty() {
            self.tell_hold(desk, key);
            self.tell_media(desk, key);
        }
        self.arm(key);
    }

    /// A BYE of the other side (§15.1.2).
    pub(super) fn bye_received(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        // Datagrams overtake each other: a BYE that a later NOTIFY overtook must not leave us alone in the call, as a
        // 500 (§12.2.2) would.
        let _ = call.legs[leg].dialog.accept(request);
        call.legs[leg].dialog.advance(cordboard_core::dialog::state::Input::Bye);
        let answered = call.answered == Some(leg);
        desk.reply(now, server, request, Status::OK);
        if answered {
            match self.calls.get(key).map(|call| call.side) {
                Some(Side::Caller(_)) => self.advance_caller(desk, now, key, caller::Input::Bye, None),
                Some(Side::Callee(_)) => self.advance_callee(desk, now, key, callee::Input::Bye),
                None => {}
            }
        }
        self.sweep(key);
    }

    /// The answered dialog is lost.
    pub(super) fn lost(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.sent_ok = None;
        if call.is_over() {
            return self.sweep(key);
        }
        call.ending = (Outcome::Failed, None);
        match call.side {
            Side::Caller(_) => self.advance_caller(desk, now, key, caller::Input::Lost, None),
            Side::Callee(_) => self.advance_callee(desk, now, key, callee::Input::Lost),
        }
    }

    /// Ends one leg of a call (§15.1.1).
    pub(super) fn bye(&mut self, desk: &mut Desk, now: Instant, key: u64, leg: Option<usize>) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some((at, leg)) = leg.and_then(|at| Some((at, call.legs.get_mut(at)?))) else { return };
        let letter = Letter {
            purpose: Purpose::Bye(key, at),
            method: Method::Bye,
            from: leg.dialog.local().into(),
            to: leg.dialog.remote().into(),
            call_id: leg.dialog.id().call_id.clone(),
            cseq: leg.dialog.next_cseq(),
            contact: ContactLine::None,
            lines: Vec::new(),
            body: None,
            listener: call.listener,
        };
        leg.dialog.advance(cordboard_core::dialog::state::Input::Bye);
        let (way, realms) = (leg.dialog.way(), call.realms.clone());
        call.byes += 1;
        if self.run(desk, now, letter, vec![way], &realms).is_none() {
            self.bye_answered(desk, now, key);
        }
    }

    /// Tells whether the other side holds us, when that has changed.
    pub(super) fn tell_hold(&mut self, desk: &mut Desk, key: u64) {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.is_up()) else { return };
        let held = call.remote_media.as_ref().is_some_and(|remote| !remote.receives);
        if held != call.told_held {
            call.told_held = held;
            let name = call.name;
            Self::tell(desk, CallEvent::HeldByPeer(name, held));
        }
    }

    /// Tells where the sound goes, when that has changed.
    pub(super) fn tell_media(&mut self, desk: &mut Desk, key: u64) {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.is_up()) else { return };
        let path = call.path();
        if path != call.told_path {
            call.told_path = path;
            let name = call.name;
            if let Some(path) = path {
                Self::tell(desk, CallEvent::Media(name, path));
            }
        }
    }
}

/// Whether a change has any prospect: the call is up, or about to be.
fn may_change(call: &Call) -> bool {
    call.is_up() || matches!(call.side, Side::Callee(callee::State::Answered))
}
