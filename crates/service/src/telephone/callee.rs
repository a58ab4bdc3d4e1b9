//! Calls that come in: RFC 3261 §8.2, §13.3, §9.2.

use super::Telephone;
use super::call::{Call, Leg, Part, RING_AGAIN, RING_LIMIT, Ringing, SentOk, Side, outcome_of};
use super::joining::Joined;
use super::reliable::{Provisionals, Said};
use super::token::description;
use super::written::{SDP, allowed, supported};
use crate::call::{CallEvent, CallName};
use crate::desk::{Desk, role};
use bytes::Bytes;
use cordboard_core::dialog::Dialog;
use cordboard_core::session::callee::{Act, Input, State, step};
use cordboard_core::session::media::MediaError;
use cordboard_core::session::repeat::Repeat;
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_core::transport::Flow;
use cordboard_ladder::Outcome;
use cordboard_sip::header::Expires;
use cordboard_sip::{Builder, Method, Name, Scheme, Status, UriRef, View};
use std::time::Duration;

impl Telephone {
    /// An INVITE that begins a call.
    pub(super) fn incoming(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        if self.is_merged(request) {
            return desk.reply(now, server, request, Status::LOOP_DETECTED);
        }
        if let Some(refusal) = super::answers::unfit(desk, request) {
            return desk.stack.respond(now, server, refusal.0, refusal.1);
        }
        if self.has_no_room() {
            return desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE);
        }
        if self.is_too_brief(desk, now, server, request) {
            return;
        }
        let replaces = match self.replaced(request) {
            Ok(replaces) => replaces,
            Err(why) => {
                let warning = super::verdict::warning(desk, flow.listener, why.words());
                let response = desk.response(request, why.status()).line(Name::WARNING, warning).finish();
                return desk.stack.respond(now, server, why.status(), response);
            }
        };
        let takes_part = replaces.is_some() || request.has(Name::JOIN);
        if !takes_part && self.sends_to_be_screened(desk, now, flow, server, request) {
            return;
        }
        let Some(member) = self.is_caller_admitted(desk, now, flow, server, request) else { return };
        let Ok(joins) = self.joined(desk, now, flow, server, request, member) else { return };
        let local_tag = desk.stack.dice().tag();
        let Ok(dialog) = Dialog::from_request(request, &local_tag) else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        let Some(local) = self.new_media(desk, flow.listener) else {
            return desk.reply(now, server, request, Status::BUSY_HERE);
        };
        let name = self.next_name();
        let mut call = Call::new(name, Side::Callee(State::Ringing), local, desk.stack.dice().bits());
        call.call_id = request.call_id().into();
        call.local_tag = local_tag.into();
        call.cseq = request.cseq().0;
        call.listener = flow.listener;
        call.server = Some(server);
        call.legs.push(Leg::new(dialog));
        call.answered = Some(0);
        // §13.3.1: an invitation that expires is not rung longer.
        let expires = match request.header::<Expires>() {
            Some(Ok(Expires(seconds))) => Some(now + Duration::from_secs(seconds.into())),
            Some(Err(_)) | None => None,
        };
        let limit = now + RING_LIMIT;
        call.ring_until = Some(expires.map_or(limit, |expires| expires.min(limit)));
        call.ringing = Some(Ringing {
            request: Bytes::copy_from_slice(request.bytes()),
            source: flow.remote,
            flow,
            said: Said::Ringing,
            again: now + RING_AGAIN,
            expires,
        });
        call.provisionals = Provisionals::of(request, desk.stack.dice());
        call.learn(request);
        let from: Box<str> = request.value(Name::FROM).unwrap_or_default().into();
        call.silent = self.refuses.is_some() && replaces.is_none() && joins.is_none();
        call.replaces = replaces;
        let key = self.add_call(call);
        self.by_peer.insert(dialog_key(request.call_id(), request.from_tag().unwrap_or_default()), key);
        desk.stack.own(server, Owner { role: role::TELEPHONE, key });
        if let Some(offered) = self.get_offer(key, request) {
            let status = offered.status();
            if let Some(call) = self.calls.get_mut(key) {
                call.silent = true;
            }
            self.decline(desk, now, key, Input::Decline, status);
        } else if let Some(old) = replaces.filter(|old| self.rings_here(*old)) {
            self.say(desk, now, key, Said::Ringing);
            Self::tell(desk, incoming(name, request, request.request_uri().into(), member));
            self.advance_callee(desk, now, old, Input::Cancel);
        } else if let Some(replaces) = replaces.and_then(|old| Some(self.calls.get(old)?.name)) {
            Self::tell(desk, CallEvent::TakenOver { call: name, replaces, from });
            self.identity_asserted(desk, key, request);
            self.accept(desk, now, key);
        } else if let Some(Joined::Room(room)) = joins {
            let at = self.room_uri(room).unwrap_or_else(|| request.request_uri().into());
            Self::tell(desk, incoming(name, request, at, member));
            self.identity_asserted(desk, key, request);
        } else if let Some(joins) = joins {
            self.join(desk, now, key, joins, from);
            self.identity_asserted(desk, key, request);
        } else if let Some(status) = self.refuses {
            Self::tell(desk, CallEvent::Refused { from });
            self.decline(desk, now, key, Input::Decline, status);
        } else {
            // Where nobody sits nothing rings: the call is answered or declined at once.
            if !self.account.features.automaton {
                self.say(desk, now, key, Said::Ringing);
            }
            Self::tell(desk, incoming(name, request, request.request_uri().into(), member));
            self.identity_asserted(desk, key, request);
        }
        self.proceed(desk, now, key);
    }

    /// §8.2.2.2: the same request came another way, while the first is still being served.
    fn is_merged(&self, request: &View<'_>) -> bool {
        let key = dialog_key(request.call_id(), request.from_tag().unwrap_or_default());
        self.by_peer
            .get(&key)
            .and_then(|key| self.calls.get(*key))
            .is_some_and(|call| call.server.is_some() && call.cseq == request.cseq().0)
    }

    /// Looks at the offer of an INVITE; why it is of no use, if it is not.
    fn get_offer(&mut self, key: u64, request: &View<'_>) -> Option<MediaError> {
        let offer = description(request);
        let call = self.calls.get_mut(key).filter(|_| !offer.is_empty())?;
        // The answer is written when the call is answered; here only whether there will be one.
        call.is_offered(offer).err()
    }

    /// Our Contact in a response.
    pub(super) fn own_contact(&self, desk: &Desk, request: &View<'_>, flow: Flow) -> String {
        let secure = UriRef::parse(request.request_uri()).is_ok_and(|uri| uri.scheme() == Scheme::Sips);
        let begun = dialog_key(request.call_id(), request.from_tag().unwrap_or_default());
        let call = match self.find(request) {
            Some((key, _)) => Some(key),
            None => self.by_peer.get(&begun).copied().filter(|_| request.method() == Method::Invite),
        };
        let contact = self.face(desk, call, flow.listener, secure);
        let holds = call.and_then(|key| self.calls.get(key)).is_some_and(|call| call.media.holds);
        let rendering = self.account.features.rendering_tag(holds);
        format!("<{contact}>{}{rendering}", self.features(call))
    }

    /// Turns a ringing call down.
    pub(super) fn decline(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input, status: Status) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if matches!(call.side, Side::Callee(State::Ringing)) {
            call.ending = (outcome_of(status), Some(status));
        }
        self.advance_callee(desk, now, key, input);
    }

    /// It has rung too long for us, or for the caller, whose invitation has expired (§13.3.1).
    pub(super) fn rang_too_long(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let expires = call.ringing.as_ref().and_then(|ringing| ringing.expires);
        let status = match expires {
            Some(at) if at <= now => Status::REQUEST_TERMINATED,
            Some(_) | None => Status::TEMPORARILY_UNAVAILABLE,
        };
        if matches!(call.side, Side::Callee(State::Ringing)) {
            call.ending = (Outcome::NoAnswer, Some(status));
        }
        self.advance_callee(desk, now, key, Input::RangTooLong);
    }

    /// Feeds the callee's table and does what it says.
    pub(super) fn advance_callee(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Side::Callee(before) = call.side else { return };
        let (state, acts) = step(before, input);
        call.side = Side::Callee(state);
        if state != State::Ringing {
            call.ring_until = None;
        }
        let name = call.name;
        for act in acts {
            match act {
                Act::SendOk => self.send_ok(desk, now, key),
                Act::Refuse => {
                    let status =
                        self.calls.get(key).and_then(|call| call.ending.1).unwrap_or(Status::DECLINE);
                    self.stop_saying(desk, now, key);
                    let why = self.calls.get(key).map(|call| call.lines.clone()).unwrap_or_default();
                    let why: Vec<(Name, &str)> = why.iter().map(|(name, value)| (*name, &**value)).collect();
                    self.respond(desk, now, key, status, &why, None);
                }
                Act::Terminate => {
                    if let Some(call) = self.calls.get_mut(key) {
                        call.ending = (Outcome::Cancelled, Some(Status::REQUEST_TERMINATED));
                    }
                    self.stop_saying(desk, now, key);
                    self.respond(desk, now, key, Status::REQUEST_TERMINATED, &[], None);
                }
                Act::StopRepeating => {
                    if let Some(call) = self.calls.get_mut(key) {
                        call.sent_ok = None;
                    }
                }
                Act::Bye => {
                    let leg = self.calls.get(key).and_then(|call| call.answered);
                    self.bye(desk, now, key, leg);
                }
                Act::TellEstablished => {
                    Self::tell(desk, CallEvent::Established(name));
                    self.release_replaced(desk, now, key);
                    self.identify_ourselves(key);
                    self.tell_hold(desk, key);
                    self.tell_media(desk, key);
                }
                Act::TellEnded => self.tell_ended(desk, now, key, true),
                Act::TellGivenUp => self.tell_ended(desk, now, key, false),
            }
        }
        if matches!((before, input), (State::Answered | State::Leaving, Input::Ack | Input::Bye)) {
            // Whoever says this has our 2xx and so has taken over (RFC 3891 §3), for however short a time.
            self.release_replaced(desk, now, key);
        }
        if state != State::Ringing
            && let Some(call) = self.calls.get_mut(key)
        {
            call.ringing = None;
        }
    }

    /// Answers the INVITE that began the call (§13.3.1.4): with the answer to its offer, or with an offer.
    fn send_ok(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(ringing) = call.ringing.take() else { return };
        let Ok(mut request) = View::parse(&ringing.request) else { return };
        request.set_source(ringing.source);
        call.ending = (Outcome::Answered, None);
        if let Some(dialog) = call.dialog_mut() {
            dialog.advance(cordboard_core::dialog::state::Input::Success);
        }
        let (Some(server), Ok(body)) = (call.server, call.describe(description(&request))) else { return };
        self.ok(desk, now, key, server, &request, body);
    }

    /// Sends a 200 to an INVITE, and again until its ACK comes.
    pub(super) fn ok(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        server: ServerId,
        request: &View<'_>,
        body: Option<(Part, Box<str>)>,
    ) {
        let (Some(flow), Some(source)) = (desk.stack.server_flow(server), request.source()) else { return };
        let contact = self.own_contact(desk, request, flow);
        let policy = self.account.habits.session_timer;
        let transfers = &self.account.transfers;
        let (allowed, supported) = (allowed(transfers), supported(transfers));
        let Some(call) = self.calls.get_mut(key) else { return };
        let mut response = Builder::response_to(request, source, Status::OK, Some(&call.local_tag))
            .copy(request, Name::RECORD_ROUTE)
            .line(Name::CONTACT, contact)
            .line(Name::ALLOW, allowed)
            .line(Name::ALLOW_EVENTS, super::watchers::ALLOW_EVENTS)
            .line(Name::SUPPORTED, supported);
        for (name, value) in call.timer.grant(now, request, policy) {
            response = response.line(name, value);
        }
        let part = body.as_ref().map(|(part, _)| *part);
        let bytes = match body {
            Some((_, body)) => response.body(SDP, body.as_bytes()),
            None => response.finish(),
        };
        call.sent_ok = Some(SentOk {
            server,
            cseq: request.cseq().0,
            bytes: bytes.clone(),
            repeat: Repeat::start(now, desk.stack.timing()),
            part,
        });
        desk.stack.respond(now, server, Status::OK, bytes);
    }

    /// The INVITE `invite` of the call `key` is cancelled; the CANCEL is answered already.
    pub(crate) fn handle_cancel(&mut self, desk: &mut Desk, now: Instant, key: u64, invite: ServerId) {
        if self.calls.get(key).is_some_and(|call| call.server == Some(invite)) {
            self.advance_callee(desk, now, key, Input::Cancel);
            self.proceed(desk, now, key);
            self.leave();
        }
    }

    /// An ACK for a 2xx.
    pub(crate) fn handle_ack(&mut self, desk: &mut Desk, now: Instant, _flow: Flow, ack: &View<'_>) {
        let Some((key, _)) = self.find(ack) else { return };
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(ok) = call.sent_ok.as_ref().filter(|ok| ok.cseq == ack.cseq().0) else { return };
        let answers = ok.part == Some(Part::Offer);
        let leg = call.answered.unwrap_or(0);
        let usable = if answers && call.is_bridged() {
            self.answered_on(desk, now, key, ack)
        } else {
            !answers || call.take_answer(leg, ack.body())
        };
        self.acked(desk, now, key, usable);
        self.proceed(desk, now, key);
        self.leave();
    }

    /// The ACK of a 2xx is here, or something that only follows it.
    pub(super) fn acked(&mut self, desk: &mut Desk, now: Instant, key: u64, usable: bool) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.sent_ok = None;
        if call.is_over() {
            // It was hung up before this came.
            return self.sweep(key);
        }
        match (call.side, usable) {
            (Side::Callee(State::Answered | State::Leaving), _) => {
                let input = if usable { Input::Ack } else { Input::Unusable };
                if !usable {
                    call.ending = (Outcome::Failed, None);
                }
                self.advance_callee(desk, now, key, input);
            }
            // That of a re-INVITE.
            (Side::Callee(_) | Side::Caller(_), true) => {
                self.tell_hold(desk, key);
                self.tell_media(desk, key);
            }
            (Side::Callee(_) | Side::Caller(_), false) => self.lost(desk, now, key),
        }
    }
}

/// That somebody calls.
fn incoming(call: CallName, request: &View<'_>, at: Box<str>, member: bool) -> CallEvent {
    CallEvent::Incoming {
        call,
        from: request.value(Name::FROM).unwrap_or_default().into(),
        at,
        referred_by: request.value(Name::REFERRED_BY).map(Into::into),
        member,
    }
}

/// What names a dialog, or a call that comes in, in the tables.
pub(super) fn dialog_key(call_id: &str, tag: &str) -> Box<str> {
    format!("{call_id}\n{tag}").into()
}
