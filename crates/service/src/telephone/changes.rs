//! What we change in a call: re-INVITEs and UPDATEs of ours (RFC 3261 §14.1, RFC 3311 §5), BYE (§15).

use super::Telephone;
use super::call::{Acked, Asking, CHANGE_LIMIT, Call, Change, MAX_CHANGES, Side, Vehicle};
use super::caller::{Answered, settle};
use super::letter::{ContactLine, Letter, Purpose};
use super::written::SDP;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::ChangesBy;
use cordboard_core::dialog;
use cordboard_core::session::change::{Act, Input, MAX_GLARES, State, glare_wait, step};
use cordboard_core::session::{callee, caller, media, offer_answer, timer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_ladder::Outcome;
use cordboard_sip::header::RetryAfter;
use cordboard_sip::{Method, Status, View};
use std::time::Duration;

/// The longest wait that a Retry-After is obeyed for: UPDATE and re-INVITE ask for 10 s at most (RFC 3311 §5.2).
const LONGEST_RETRY_S: u32 = 10;

/// When whoever could not be reached to take a call up is tried again, and how often; then the call is given up.
const AWAY: Duration = Duration::from_secs(20);
const MAX_TAKE_UPS: u8 = 9;

impl Telephone {
    /// Somebody wants a change.
    pub(super) fn want(&mut self, desk: &mut Desk, now: Instant, name: CallName, change: Change) {
        let key = self.names.get(&name).copied();
        let call = key.and_then(|key| self.calls.get_mut(key));
        let fits = |call: &&mut Call| {
            let hindered = call.is_bridged() && is_own(change);
            may_change(call) && !hindered && call.changes.len() < MAX_CHANGES
        };
        let Some(call) = call.filter(fits) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        call.changes.push_back(change);
        if let Some(key) = key {
            self.proceed(desk, now, key);
        }
    }

    /// Sends the next change if nothing hinders it, and arms the call's timer.
    pub(super) fn proceed(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let by = self.account.habits.changes_by;
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.change == State::Quiet && !call.changes.is_empty() {
            call.change = step(call.change, Input::Wanted).0;
            call.glares = 0;
        }
        let free = call.change == State::Waiting
            && call.glare_until.is_none()
            && call.changes.front().is_some_and(|change| call.way_of(*change, by).is_some());
        if free && !self.keeps_taking_up(key) {
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
                Act::Apply => {
                    self.apply_change(desk, key);
                    self.handing_changed(desk, now, key);
                }
                Act::Forget => {
                    let Some(call) = self.calls.get_mut(key) else { return };
                    let name = call.name;
                    match call.changes.pop_front() {
                        Some(Change::Bridge | Change::Pass) => self.bridge_refused(desk, now, key, status),
                        Some(Change::PassOn | Change::PassOnAsking) => {
                            self.not_passed_on(desk, now, key, status);
                        }
                        // Nobody asked for a refresh, so that nobody is told.
                        Some(Change::Refresh) | None => {}
                        Some(Change::Focus | Change::FocusAndHold) => {
                            Self::tell(desk, CallEvent::ChangeRefused(name, status));
                            // It is one all the same, and whoever is in it hears the others.
                            self.tell_conference(desk, key);
                        }
                        Some(_) => Self::tell(desk, CallEvent::ChangeRefused(name, status)),
                    }
                    self.handing_changed(desk, now, key);
                }
            }
        }
    }

    /// The re-INVITE or UPDATE of the change that is first in turn.
    fn send_change(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let change = self.calls.get(key).and_then(|call| call.changes.front().copied());
        let moved = match change {
            Some(Change::Move(listener)) => self.next_port(desk, listener),
            Some(_) | None => None,
        };
        let habits = self.account.habits;
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(change) = call.changes.front().copied() else { return };
        let Some((leg, vehicle)) = call.way_of(change, habits.changes_by) else { return };
        if change == Change::Bridge && !self.turns_to_next(desk, now, key) {
            return self.advance_change(desk, now, key, Input::Refused, Status::REQUEST_TERMINATED);
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        let (mut media, mut listener) = (call.media.clone(), call.listener);
        match change {
            Change::Hold | Change::FocusAndHold => media.holds = true,
            Change::Resume => media.holds = false,
            Change::AskOffer
            | Change::Bridge
            | Change::Pass
            | Change::PassOn
            | Change::PassOnAsking
            | Change::Refresh
            | Change::Identify
            | Change::TakeUp
            | Change::Focus => {}
            Change::Move(to) => {
                listener = to;
                let Some(address) = moved else {
                    return self.advance_change(desk, now, key, Input::Refused, Status::SERVICE_UNAVAILABLE);
                };
                media.address = address;
            }
        }
        let offers = match vehicle {
            Vehicle::Invite => !matches!(change, Change::AskOffer | Change::Bridge | Change::PassOnAsking),
            // RFC 4028 §7.4, RFC 4916 §4.2: what does not change the session says nothing of it.
            Vehicle::Update => !matches!(change, Change::Refresh | Change::Identify),
        };
        let passed: Option<Box<str>> = match change {
            Change::Pass | Change::PassOn => {
                // A glare may have it sent again, after we have said something else.
                let Some(body) = call.passing.as_ref().and_then(|text| call.origin.pass_on(text)) else {
                    return self.advance_change(desk, now, key, Input::Refused, Status::NOT_ACCEPTABLE_HERE);
                };
                Some(body.into())
            }
            // What the two have agreed is not ours to change: it is said again.
            _ if offers => call.shown().map(Into::into),
            _ => None,
        };
        let body = match &passed {
            Some(passed) => {
                call.exchange(leg, offer_answer::Input::SendOffer);
                Some(passed.clone())
            }
            None if offers => call.offer(leg, &media),
            None => None,
        };
        let body = body.map(|body| (SDP, body));
        let rendering = self.account.features.rendering_tag(media.holds);
        let proposed = (vehicle == Vehicle::Invite || offers).then_some((media, listener));
        call.asking = Some(Asking { leg, vehicle, proposed, passed });
        let lines = if call.is_up() { call.timer.lines(habits.session_timer) } else { Vec::new() };
        let identity = call.identity.clone().filter(|_| change == Change::Identify);
        let Some(dialog) = call.legs.get_mut(leg).map(|leg| &mut leg.dialog) else { return };
        let from = match identity {
            Some(identity) => format!("{identity};tag={}", dialog.id().local_tag).into(),
            None => dialog.local().into(),
        };
        let (purpose, method) = match vehicle {
            Vehicle::Invite => (Purpose::Change(key), Method::Invite),
            Vehicle::Update => (Purpose::Update(key, leg), Method::Update),
        };
        let letter = Letter {
            purpose,
            method,
            from,
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq: dialog.next_cseq(),
            contact: ContactLine::Own(rendering.into()),
            lines,
            body,
            listener,
        };
        let (way, realms) = (dialog.way(), call.realms.clone());
        if vehicle == Vehicle::Invite {
            call.change_until = Some(now + CHANGE_LIMIT);
        }
        if self.run(desk, now, letter, vec![way], &realms).is_none() {
            self.change_failed(desk, now, key, Status::SERVICE_UNAVAILABLE, None);
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
            _ => self.change_failed(desk, now, key, status, response),
        }
        self.proceed(desk, now, key);
        self.sweep(key);
    }

    /// A final response to an UPDATE of ours, or none.
    pub(super) fn update_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        match response {
            Some(response) if status.is_success() => self.update_accepted(desk, now, key, response),
            _ => self.change_failed(desk, now, key, status, response),
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
        let bridging = call.changes.front().copied();
        if matches!(bridging, Some(Change::Bridge | Change::PassOnAsking)) {
            let answered = Answered { leg, cseq, body: None, credentials };
            if bridging == Some(Change::Bridge) {
                return self.bridge_offered(desk, now, key, answered, response);
            }
            return self.offered_on(desk, now, key, answered, response);
        }
        // What the answer is to is what we proposed.
        let before = call.propose();
        let passed = call.asking.as_mut().and_then(|asking| asking.passed.take());
        let (body, usable) = match &passed {
            Some(_) => (None, call.take_passed_answer(leg, response)),
            None => settle(call, leg, response),
        };
        if !usable {
            call.media = before;
        }
        let answered = Answered { leg, cseq, body, credentials };
        self.acknowledge(desk, now, key, answered);
        self.change_settled(desk, now, key, response, usable);
        if let Some(passed) = passed.filter(|_| usable) {
            if bridging == Some(Change::Pass) {
                self.bridge_passed(desk, now, key, response, passed);
            } else if bridging == Some(Change::PassOn) {
                self.passed_on(desk, now, key, response, passed);
            }
        }
    }

    fn update_accepted(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.change == State::Sent) else { return };
        let Some(asking) = &call.asking else { return };
        let (leg, offered) = (asking.leg, asking.proposed.is_some());
        if let Some(leg) = call.legs.get_mut(leg) {
            // A Contact that cannot be read changes nothing.
            let _ = leg.dialog.refresh_target(response);
        }
        let before = call.propose();
        let usable = !offered || call.take_answer(leg, response.body());
        if !usable {
            call.media = before;
        }
        self.change_settled(desk, now, key, response, usable);
    }

    /// A change of ours was answered 2xx.
    fn change_settled(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>, usable: bool) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.learn(response);
        if call.is_up() {
            call.timer.settled(now, response);
        }
        if usable {
            self.advance_change(desk, now, key, Input::Accepted, Status::OK);
        } else {
            self.lost(desk, now, key);
        }
    }

    fn apply_change(&mut self, desk: &mut Desk, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(change) = call.changes.pop_front() else { return };
        let leg = call.asking.take().map_or(0, |asking| asking.leg);
        let name = call.name;
        match change {
            Change::Hold => Self::tell(desk, CallEvent::HoldChanged(name, true)),
            Change::Resume => Self::tell(desk, CallEvent::HoldChanged(name, false)),
            Change::AskOffer => Self::tell(desk, CallEvent::OfferAnswered(name)),
            Change::Move(_) | Change::TakeUp => Self::tell(desk, CallEvent::Moved(name)),
            Change::Bridge | Change::Pass | Change::PassOn | Change::PassOnAsking | Change::Refresh => {}
            Change::Focus => self.tell_conference(desk, key),
            Change::FocusAndHold => {
                Self::tell(desk, CallEvent::HoldChanged(name, true));
                self.tell_conference(desk, key);
            }
            Change::Identify => {
                if let (Some(identity), Some(leg)) = (call.identity.take(), call.legs.get_mut(leg)) {
                    leg.dialog.identify(&identity);
                }
                Self::tell(desk, CallEvent::Identified(name));
            }
        }
        self.tell_hold(desk, key);
        self.tell_media(desk, key);
    }

    /// A change of ours was not answered 2xx: all stays as it was (§14.1, RFC 3311 §5.3), and some are tried again.
    fn change_failed(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.change != State::Sent {
            return;
        }
        let Some(asking) = call.asking.take() else { return };
        if asking.proposed.is_some() && call.exchange_in(asking.leg) == offer_answer::State::Offered {
            call.exchange(asking.leg, offer_answer::Input::Fail);
        }
        let last = call.legs.get(asking.leg).map(|leg| leg.dialog.last_cseq());
        let overtaken = response.is_some_and(|response| last.is_some_and(|last| response.cseq().0 < last));
        // An early dialog that another branch left behind says nothing of the call (RFC 3261 §13.2.2.4).
        let astray = call.is_up() && call.answered != Some(asking.leg);
        let gone = matches!(status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT);
        let taking_up = call.changes.front() == Some(&Change::TakeUp);
        // Whoever wants it tries again.
        let for_other = matches!(call.changes.front(), Some(Change::PassOn | Change::PassOnAsking));
        if gone && !astray && call.is_up() {
            // §14.1 with §12.2.1.2: the dialog is gone.
            self.advance_change(desk, now, key, Input::Refused, status);
            return self.lost(desk, now, key);
        }
        let again = match status {
            _ if astray => Some(Again::AtOnce),
            _ if is_away(status) && taking_up && call.glares < MAX_TAKE_UPS => Some(Again::After(AWAY)),
            Status::REQUEST_PENDING | Status::SERVER_INTERNAL_ERROR if for_other => None,
            Status::REQUEST_PENDING => Some(Again::AfterGlare),
            Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED if asking.vehicle == Vehicle::Update => {
                call.peer.updates = false;
                Some(Again::AtOnce)
            }
            Status::SESSION_INTERVAL_TOO_SMALL if call.timer.raised(response) => Some(Again::AtOnce),
            // §14.2, RFC 3311 §5.2: something else is under way there.
            Status::SERVER_INTERNAL_ERROR => match retry_after(response) {
                // A later request of ours overtook it (RFC 3261 §12.2.2).
                None if overtaken => Some(Again::AtOnce),
                wait => wait.map(Again::After),
            },
            _ => None,
        };
        let Some(again) = again.filter(|_| call.glares < MAX_GLARES) else {
            self.advance_change(desk, now, key, Input::Refused, status);
            if is_away(status) && taking_up {
                return self.lost(desk, now, key);
            }
            return self.advance_timer(desk, now, key, timer::Input::Refused);
        };
        call.glares += 1;
        self.advance_change(desk, now, key, Input::Glare, status);
        let Some(call) = self.calls.get_mut(key) else { return };
        match again {
            Again::AfterGlare => {}
            Again::AtOnce => call.glare_until = None,
            Again::After(wait) => call.glare_until = Some(now + wait),
        }
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
        if leg.dialog.state() == dialog::State::Terminated {
            return;
        }
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
        let Some(call) = self.calls.get_mut(key).filter(|call| !call.is_over()) else { return };
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

/// When a change is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    AtOnce,
    /// After the wait of §14.1.
    AfterGlare,
    After(Duration),
}

/// Whether nobody could be asked: a connection that has died may stand again soon (RFC 5626 §5.3: 430).
const fn is_away(status: Status) -> bool {
    matches!(status.code(), 430 | 503)
}

/// What a Retry-After asks for.
fn retry_after(response: Option<&View<'_>>) -> Option<Duration> {
    let Some(Ok(retry)) = response?.header::<RetryAfter>() else { return None };
    (retry.seconds <= LONGEST_RETRY_S).then(|| Duration::from_secs(retry.seconds.into()))
}

/// Whether a change is one of ours: not while the other sides of two calls have each other.
const fn is_own(change: Change) -> bool {
    match change {
        Change::Hold
        | Change::Resume
        | Change::AskOffer
        | Change::Move(_)
        | Change::Bridge
        | Change::Pass
        | Change::TakeUp
        | Change::Focus
        | Change::FocusAndHold => true,
        Change::PassOn | Change::PassOnAsking | Change::Refresh | Change::Identify => false,
    }
}

/// Whether a change has any prospect: the call is up, or about to be, or its sound is agreed ahead of that.
fn may_change(call: &Call) -> bool {
    match call.side {
        Side::Callee(callee::State::Answered | callee::State::Established)
        | Side::Caller(caller::State::Answered | caller::State::Established) => true,
        Side::Callee(callee::State::Ringing)
        | Side::Caller(caller::State::Calling | caller::State::Ringing) => call.remote_media.is_some(),
        Side::Callee(callee::State::Leaving | callee::State::Over)
        | Side::Caller(caller::State::Cancelling | caller::State::Over) => false,
    }
}

impl Call {
    /// In which leg, and in which request, a change can be asked for now.
    pub(super) fn way_of(&self, change: Change, by: ChangesBy) -> Option<(usize, Vehicle)> {
        if !self.is_up() {
            let early = match change {
                Change::AskOffer
                | Change::Bridge
                | Change::Pass
                | Change::PassOn
                | Change::PassOnAsking
                | Change::Refresh => false,
                Change::Hold
                | Change::Resume
                | Change::Move(_)
                | Change::Identify
                | Change::TakeUp
                | Change::Focus
                | Change::FocusAndHold => true,
            };
            return self.early_way().filter(|_| early).map(|leg| (leg, Vehicle::Update));
        }
        let leg = self.answered?;
        // RFC 3261 §14.1: an INVITE that is not acknowledged is under way.
        let under_way = self.sent_ok.is_some() || matches!(self.side, Side::Caller(caller::State::Answered));
        // Whoever waits for somebody is not given to another before that is answered.
        let turns = change == Change::Bridge && self.asks_behind();
        if under_way || turns || self.exchange != offer_answer::State::Stable {
            return None;
        }
        let update = match change {
            Change::Refresh | Change::Identify => true,
            Change::Hold | Change::Resume | Change::Move(_) | Change::Focus | Change::FocusAndHold => {
                by == ChangesBy::Update
            }
            Change::AskOffer
            | Change::Bridge
            | Change::Pass
            | Change::PassOn
            | Change::PassOnAsking
            | Change::TakeUp => false,
        };
        Some((leg, if update && self.peer.updates { Vehicle::Update } else { Vehicle::Invite }))
    }

    /// The leg in which an UPDATE may change what is agreed before the call is answered: the first offer in it is
    /// answered, that is known at both ends (RFC 3311 §5.1, RFC 6337 §3.2), and no other branch says otherwise.
    fn early_way(&self) -> Option<usize> {
        let agreed = |leg: usize| {
            self.peer.updates && self.has_agreed(leg) && self.exchange_in(leg) == offer_answer::State::Stable
        };
        match self.side {
            Side::Callee(callee::State::Ringing) => {
                let free = self.provisionals.as_ref().is_some_and(|provisionals| provisionals.is_free());
                (free && agreed(0)).then_some(0)
            }
            Side::Caller(caller::State::Calling | caller::State::Ringing) => {
                let mut early = (0..self.legs.len()).filter(|leg| self.legs[*leg].early.is_some());
                let only = early.next().filter(|_| early.next().is_none());
                let settled =
                    |leg: usize| self.legs[leg].early.as_ref().is_some_and(|early| early.is_settled());
                only.filter(|leg| agreed(*leg) && settled(*leg))
            }
            Side::Caller(_) | Side::Callee(_) => None,
        }
    }

    /// What was proposed holds from now on; tells what held before.
    fn propose(&mut self) -> media::Local {
        let before = self.media.clone();
        if let Some((media, listener)) = self.asking.as_mut().and_then(|asking| asking.proposed.take()) {
            self.media = media;
            self.listener = listener;
        }
        before
    }
}
