//! Calls that we make: RFC 3261 §13.2, §9.1, and what a fork or a redirection makes of them.

use super::call::{Acked, CALL_LIMIT, Call, Leg, MAX_LEGS, MAX_REDIRECTS, Side, outcome_of};
use super::letter::{ContactLine, Letter, Purpose};
use super::reliable::Early;
use super::token::Token;
use super::written::SDP;
use super::{Telephone, bracketed, seconds, without_way};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::Reliability;
use cordboard_core::dialog::{self, Dialog, Way};
use cordboard_core::session::caller::{Act, Input, State, step};
use cordboard_core::session::offer_answer;
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::Outcome;
use cordboard_sip::header::{NameAddrRef, Quality};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Method, Name, Status, UriRef, View};

impl Telephone {
    /// Calls somebody.
    pub(super) fn dial(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str, offers: bool) {
        if name.is_incoming()
            || self.place(desk, now, name, to, Placing { offers, ..Placing::USUAL }).is_none()
        {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Calls somebody for somebody else.
    pub(super) fn dial_for(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        (to, whose): (&str, &str),
    ) {
        let lines = vec![(Name::REFERRED_BY, format!("<{whose}>").into())];
        if name.is_incoming()
            || self.place(desk, now, name, to, Placing { lines, ..Placing::USUAL }).is_none()
        {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Makes a call; its key, if there is room for it and the address is one.
    pub(super) fn place(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        to: &str,
        placing: Placing,
    ) -> Option<u64> {
        let to = bracketed(to);
        let address = NameAddrRef::parse(&to).ok().filter(|address| address.uri().is_ok())?;
        let uri = address.uri_text();
        if self.is_taken(name) || self.has_no_room() {
            return None;
        }
        let local = self.new_media(desk, ListenerId(0))?;
        let mut call = Call::new(name, Side::Caller(State::Calling), local, desk.stack.dice().bits());
        call.call_id = desk.stack.dice().call_id().into();
        call.local_tag = desk.stack.dice().tag().into();
        let address = match placing.user {
            Some(user) => format!("<sip:{user}@{}>", self.account.domain),
            None => self.address(),
        };
        call.local = format!("{address};tag={}", call.local_tag).into();
        call.remote = without_way(&to, uri).into();
        call.offers = placing.offers;
        call.lines = placing.lines;
        call.token = placing.token;
        call.asked_by = placing.asked_by;
        call.conference = placing.conference;
        let expires = self.account.habits.invitations_expire;
        call.ring_until = Some(now + expires.map_or(CALL_LIMIT, |expires| expires.min(CALL_LIMIT)));
        call.tried.push(uri.into());
        let ways = self.first_ways(uri);
        let key = self.add_call(call);
        if let Some(conference) = placing.conference.and_then(|key| self.conferences.get_mut(key)) {
            conference.members.push(key);
        }
        self.invite(desk, now, key, ways);
        self.proceed(desk, now, key);
        Some(key)
    }

    /// Sends the INVITE that begins a call.
    fn invite(&mut self, desk: &mut Desk, now: Instant, key: u64, ways: Vec<Way>) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.forget_early();
        let local = call.media.clone();
        let body = if call.offers { call.offer(0, &local).map(|body| (SDP, body)) } else { None };
        let mut lines = call.lines.clone();
        lines.extend(call.timer.lines(self.account.habits.session_timer));
        if let Some(expires) = self.account.habits.invitations_expire {
            // §13.2.1: nobody rings longer, whoever they are.
            lines.push((Name::EXPIRES, seconds(expires).to_string().into()));
        }
        if self.account.habits.reliable == Reliability::Required {
            lines.push((Name::REQUIRE, "100rel".into()));
        }
        let letter = Letter {
            purpose: Purpose::Invite(key),
            method: Method::Invite,
            from: call.local.clone(),
            to: call.remote.clone(),
            call_id: call.call_id.clone(),
            cseq: call.cseq,
            contact: ContactLine::Own(self.account.features.rendering_tag(local.holds).into()),
            lines,
            body,
            listener: call.listener,
        };
        let realms = call.realms.clone();
        if self.run(desk, now, letter, ways, &realms).is_none() {
            self.caller_failed(desk, now, key, Status::SERVICE_UNAVAILABLE);
        }
    }

    /// A provisional response to the INVITE that begins a call.
    pub(super) fn progress(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.learn(response);
        if let Some(leg) = early_leg(call, response)
            && !self.heard(desk, now, key, leg, response)
        {
            return;
        }
        self.identity_asserted(desk, key, response);
        if response.status() == Some(Status::RINGING) {
            self.advance_caller(desk, now, key, Input::Ringing, None);
            self.new_call_rings(desk, now, key);
        }
    }

    /// A final response to the INVITE that begins a call, or none.
    pub(super) fn invite_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        errand: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        match response {
            Some(response) if status.is_success() => self.succeeded(desk, now, key, Some(errand), response),
            Some(response) if status == Status::USE_PROXY && self.use_proxy(desk, now, key, response) => {}
            Some(response) if status.is_redirection() && self.redirect(desk, now, key, response) => {}
            Some(response)
                if status == Status::SESSION_INTERVAL_TOO_SMALL
                    && self.call_longer(desk, now, key, response) => {}
            _ => {
                if let (Some(call), Some(response)) = (self.calls.get_mut(key), response) {
                    call.reasons = super::verdict::reasons(response);
                    self.tell_error_info(desk, key, response);
                }
                self.next_target_or_fail(desk, now, key, status);
            }
        }
        self.proceed(desk, now, key);
    }

    /// A 2xx to the INVITE that begins a call: the first, a repeat, or that of another branch of a fork
    /// (§13.2.2.4).
    pub(super) fn succeeded(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        errand: Option<u64>,
        response: &View<'_>,
    ) {
        let credentials =
            errand.and_then(|errand| self.errands.get(errand)).map(|errand| errand.credentials().to_vec());
        let Some(call) = self.calls.get_mut(key) else { return };
        let cseq = response.cseq().0;
        let known = call.leg_of(response);
        let credentials = credentials.unwrap_or_default();
        let again = known.filter(|leg| {
            let leg = &call.legs[*leg];
            // One that we ended while it was early may still be answered (RFC 5407 §3.1.3).
            let left = call.side == Side::Caller(State::Cancelling) && matches!(leg.ack(cseq), Acked::New);
            leg.dialog.state() != dialog::State::Early && !left
        });
        if let Some(leg) = again {
            return self.acknowledge_again(desk, now, key, Answered { leg, cseq, body: None, credentials });
        }
        let leg = if let Some(leg) = known {
            leg
        } else {
            let Ok(dialog) = Dialog::from_response(response) else { return };
            if call.legs.len() >= 2 * MAX_LEGS {
                return;
            }
            call.legs.push(Leg::new(dialog));
            call.legs.len() - 1
        };
        // What cannot be read stays as the 180 said.
        let _ = call.legs[leg].dialog.confirm(response);
        call.legs[leg].begin_ack(cseq);
        let wanted = Self::is_wanted_yet(call);
        let first = wanted || matches!(call.side, Side::Caller(State::Calling | State::Ringing));
        let (body, usable) = if !first {
            (answer_aside(call, response), true)
        } else if call.leave_early(leg) {
            (None, true)
        } else {
            settle(call, leg, response)
        };
        // RFC 3263 §4.3: what was tried after this try seemed lost is not wanted any more.
        let other_try = call.invite.filter(|other| first && errand != Some(*other));
        if first {
            call.answered = Some(leg);
            call.learn(response);
            call.timer.settled(now, response);
            call.ending = (if usable { Outcome::Answered } else { Outcome::Failed }, None);
        }
        let input = match (usable, wanted) {
            (true, true) => Input::SuccessAllTheSame,
            (true, false) => Input::Success,
            (false, _) => Input::Unusable,
        };
        let ack = Answered { leg, cseq, body, credentials };
        self.advance_caller(desk, now, key, input, Some(ack));
        if first {
            self.identity_asserted(desk, key, response);
        }
        if let Some(other_try) = other_try {
            self.cancel_errand(desk, now, other_try);
        }
    }

    /// Feeds the caller's table and does what it says.
    pub(super) fn advance_caller(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        input: Input,
        mut answered: Option<Answered>,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Side::Caller(before) = call.side else { return };
        let (state, acts) = step(before, input);
        call.side = Side::Caller(state);
        if state != before && !matches!(state, State::Ringing) {
            call.ring_until = None;
        }
        let name = call.name;
        let leg = answered.as_ref().map(|answered| answered.leg).or(call.answered);
        for act in acts {
            match act {
                Act::TellRinging => Self::tell(desk, CallEvent::Ringing(name)),
                Act::Cancel => self.cancel_invite(desk, now, key),
                Act::ByeEarly => self.send_early_byes(desk, now, key),
                Act::Ack => {
                    let mut ack = answered.take();
                    if (before, state) != (State::Answered, State::Answered) && state == State::Answered {
                        ack = ack.and_then(|answered| self.keeps_ack(key, answered));
                    }
                    if let Some(answered) = ack {
                        self.acknowledge(desk, now, key, answered);
                    }
                    // Sound waits for no ACK.
                    if state == State::Answered {
                        self.tell_media(desk, key);
                    }
                }
                Act::Bye => self.bye(desk, now, key, leg),
                Act::TellEstablished => {
                    Self::tell(desk, CallEvent::Established(name));
                    self.redial_answered(desk, now, name);
                    self.new_call_answered(desk, now, key);
                    self.tell_hold(desk, key);
                    self.tell_media(desk, key);
                    // Whoever is called into a conference knows from the INVITE.
                    self.tell_conference(desk, key);
                    self.handing_answered(desk, now, key);
                }
                Act::TellEnded => self.tell_ended(desk, now, key, true),
                Act::TellGivenUp => self.tell_ended(desk, now, key, false),
            }
        }
    }

    /// Gives up a call by BYE while it rings.
    pub(super) fn bye_early(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        let key = self.names.get(&name).copied();
        let call = key.and_then(|key| self.calls.get_mut(key));
        let (Some(key), Some(call)) = (key, call.filter(|call| !call.legs.is_empty())) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        match call.side {
            Side::Caller(State::Calling | State::Ringing) => {
                call.ending = (Outcome::Cancelled, None);
                self.advance_caller(desk, now, key, Input::ByeEarly, None);
                self.arm(key);
            }
            Side::Caller(_) | Side::Callee(_) => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    fn send_early_byes(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let give_up = desk.stack.timing().give_up();
        let Some(call) = self.calls.get_mut(key) else { return };
        call.ring_until = Some(now + give_up);
        let early = |leg: &usize| call.legs[*leg].dialog.state() == dialog::State::Early;
        for leg in (0..call.legs.len()).filter(early).collect::<Vec<_>>() {
            self.bye(desk, now, key, Some(leg));
        }
    }

    fn cancel_invite(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let errand = self.calls.get(key).and_then(|call| call.invite);
        let sent = errand.is_some_and(|errand| self.cancel_errand(desk, now, errand));
        if !sent {
            self.advance_caller(desk, now, key, Input::Failure, None);
        }
    }

    /// §8.1.3.4: goes on to the contacts of a 3xx, best first. False if there is none that is new.
    fn redirect(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        if !matches!(call.side, Side::Caller(State::Calling | State::Ringing))
            || response.status() == Some(Status::USE_PROXY)
        {
            return false;
        }
        let mut contacts: Vec<(u16, Box<str>)> = response
            .values(Name::CONTACT)
            .filter_map(|value| {
                let address = NameAddrRef::parse(value.text).ok()?;
                let uri = address.uri().ok().filter(UriRef::is_sip)?;
                // Headers in it are not obeyed: they could forge or redirect (§19.1.5).
                let bare = uri.as_str().split('?').next().unwrap_or_default();
                Some((quality(address.params().get("q")), bare.into()))
            })
            .collect();
        contacts.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        for (_, uri) in contacts.into_iter().rev() {
            if !call.tried.contains(&uri)
                && !call.targets.contains(&uri)
                && call.targets.len() < MAX_REDIRECTS
            {
                call.targets.push_front(uri);
            }
        }
        self.next_target(desk, now, key)
    }

    /// RFC 4028 §7.3: the same call with the session interval that somebody on the way asks for. False if that is of no
    /// use.
    fn call_longer(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        let calling = matches!(call.side, Side::Caller(State::Calling | State::Ringing));
        if !calling || !call.timer.raised(Some(response)) {
            return false;
        }
        call.forget_early();
        call.exchange(0, offer_answer::Input::Fail);
        call.cseq += 1;
        let Some(uri) = call.tried.last().cloned() else { return false };
        let ways = self.first_ways(&uri);
        self.invite(desk, now, key, ways);
        true
    }

    /// RFC 3261 §21.3.4: the same URI once more, by the proxy that a 305 names. False if it was tried already.
    fn use_proxy(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        let calling = matches!(call.side, Side::Caller(State::Calling | State::Ringing));
        let contact = response.contact().and_then(|contact| NameAddrRef::parse(contact).ok());
        let contact = contact.and_then(|contact| contact.uri().ok()).filter(UriRef::is_sip);
        let (Some(proxy), Some(uri)) = (contact, call.tried.last().cloned()) else { return false };
        let bare = proxy.as_str().split('?').next().unwrap_or_default();
        let router = if proxy.params().has("lr") { bare.to_owned() } else { format!("{bare};lr") };
        if !calling
            || call.proxies.len() >= MAX_REDIRECTS
            || call.proxies.iter().any(|known| **known == *router)
        {
            return false;
        }
        call.proxies.push(router.as_str().into());
        call.forget_early();
        call.exchange(0, offer_answer::Input::Fail);
        call.cseq += 1;
        let name = call.name;
        Self::tell(desk, CallEvent::Redirected(name, bare.into()));
        self.invite(desk, now, key, vec![Way::new(&uri, &[format!("<{router}>").into()])]);
        true
    }

    /// Calls the next URI of a redirected call, if there is one.
    fn next_target(&mut self, desk: &mut Desk, now: Instant, key: u64) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        if call.tried.len() > MAX_REDIRECTS
            || !matches!(call.side, Side::Caller(State::Calling | State::Ringing))
        {
            return false;
        }
        let Some(uri) = call.targets.pop_front() else { return false };
        call.forget_early();
        call.exchange(0, offer_answer::Input::Fail);
        call.tried.push(uri.clone());
        call.cseq += 1;
        let name = call.name;
        Self::tell(desk, CallEvent::Redirected(name, uri.clone()));
        // "In all other aspects [...] re-use the header fields" (§8.1.3.4): an outbound proxy is not left by that.
        let ways = self.first_ways(&uri);
        self.invite(desk, now, key, ways);
        true
    }

    fn next_target_or_fail(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        if status.is_global_failure() || !self.next_target(desk, now, key) {
            self.caller_failed(desk, now, key, status);
        }
    }

    fn caller_failed(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(call) = self.calls.get_mut(key) else { return };
        match call.side {
            // §13.3.1.1: an invitation of ours has expired there, a moment before it did here.
            Side::Caller(State::Calling | State::Ringing)
                if status == Status::REQUEST_TERMINATED
                    && self.account.habits.invitations_expire.is_some() =>
            {
                call.ending = (Outcome::NoAnswer, Some(status));
            }
            Side::Caller(State::Calling | State::Ringing) => call.ending = (outcome_of(status), Some(status)),
            Side::Caller(State::Cancelling) => call.ending.1 = Some(status),
            // An earlier try was answered after all; how this one failed says nothing of the call.
            Side::Caller(State::Answered | State::Established | State::Over) | Side::Callee(_) => return,
        }
        call.forget_early();
        call.exchange(0, offer_answer::Input::Fail);
        self.advance_caller(desk, now, key, Input::Failure, None);
    }
}

/// How a call is to be made.
pub(super) struct Placing {
    /// Whether the INVITE carries the offer.
    pub(super) offers: bool,
    /// Lines that it carries besides the usual.
    pub(super) lines: Vec<(Name, Box<str>)>,
    /// The proof of who asks for it.
    pub(super) token: Option<Box<Token>>,
    /// The referral that asks for it.
    pub(super) asked_by: Option<u64>,
    /// As which other user of our domain it is made.
    pub(super) user: Option<Box<str>>,
    /// The conference of ours that it is to be part of.
    pub(super) conference: Option<u64>,
}

impl Placing {
    /// As a person dials.
    pub(super) const USUAL: Self =
        Self { offers: true, lines: Vec::new(), token: None, asked_by: None, user: None, conference: None };
}

/// A 2xx to be acknowledged.
pub(super) struct Answered {
    pub(super) leg: usize,
    pub(super) cseq: u32,
    pub(super) body: Option<Box<str>>,
    pub(super) credentials: Vec<(Name, Box<str>)>,
}

/// Takes the answer, or answers the offer, of the 2xx that wins. True if it is of use.
pub(super) fn settle(call: &mut Call, leg: usize, response: &View<'_>) -> (Option<Box<str>>, bool) {
    if call.exchange_in(leg) == offer_answer::State::Offered {
        return (None, call.take_answer(leg, response.body()));
    }
    match call.answer(leg, response.body()) {
        Ok(body) => (Some(body), true),
        Err(_) => (None, false),
    }
}

/// The leg that a provisional response belongs to; one of its own if it begins an early dialog.
fn early_leg(call: &mut Call, response: &View<'_>) -> Option<usize> {
    if response.to_tag().is_none() || response.status() == Some(Status::TRYING) {
        return None;
    }
    if let Some(leg) = call.leg_of(response) {
        return Some(leg);
    }
    if call.legs.len() >= MAX_LEGS {
        return None;
    }
    let mut leg = Leg::new(Dialog::from_response(response).ok()?);
    if matches!(call.side, Side::Caller(State::Calling | State::Ringing | State::Cancelling)) {
        leg.early = Some(Box::new(Early::new(call.exchange)));
    }
    call.legs.push(leg);
    Some(call.legs.len() - 1)
}

/// An answer for a 2xx that does not count, where its ACK must bring one (§13.2.2.4).
fn answer_aside(call: &Call, response: &View<'_>) -> Option<Box<str>> {
    if call.offers {
        return None;
    }
    let offer = Sdp::parse(response.body()).ok()?;
    call.origin.clone().answer(&call.media, &offer).ok().map(|(body, _)| body.into())
}

/// A `q` in thousandths; 1 when there is none.
fn quality(q: Option<&str>) -> u16 {
    q.map_or(Ok(Quality::ONE), str::parse).map_or(0, Quality::thousandths)
}
