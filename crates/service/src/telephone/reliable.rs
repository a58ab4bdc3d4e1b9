//! Provisional responses, and those that are reliable: RFC 3262. Ours while a call rings here, theirs while one of
//! ours rings there.

use super::Telephone;
use super::call::{Call, RING_AGAIN};
use super::letter::{ContactLine, Letter, Purpose};
use super::token::description;
use super::written::SDP;
use crate::call::CallName;
use crate::desk::Desk;
use crate::settings::Reliability;
use bytes::Bytes;
use cordboard_core::dice::Dice;
use cordboard_core::session::reliable::{
    Act, Arrival, Asked, Due, Input, Numbers, Order, Repeat, State, acknowledges, step,
};
use cordboard_core::session::{callee, caller, media, offer_answer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_ladder::Outcome;
use cordboard_sip::header::{RAck, RSeq, Require};
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::collections::VecDeque;

/// Provisional responses that may wait for the PRACK of the one that is out.
const MAX_WAITING: usize = 4;

/// How a call that rings here goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It rings.
    Ringing,
    /// The caller hears us already.
    EarlyMedia,
}

impl Said {
    const fn status(self) -> Status {
        match self {
            Self::Ringing => Status::RINGING,
            Self::EarlyMedia => Status::SESSION_PROGRESS,
        }
    }
}

/// The reliable provisional responses to one INVITE that came in.
pub(super) struct Provisionals {
    asked: Asked,
    state: State,
    numbers: Numbers,
    /// The number of the last one.
    rseq: u32,
    out: Option<Unacknowledged>,
    waiting: VecDeque<Said>,
}

/// One that waits for its PRACK.
struct Unacknowledged {
    status: Status,
    bytes: Bytes,
    repeat: Repeat,
}

impl Provisionals {
    /// For an INVITE; nothing for one whose sender does not know them.
    pub(super) fn of(invite: &View<'_>, dice: &mut Dice) -> Option<Box<Self>> {
        let asked = Asked::of(invite);
        (asked != Asked::No).then(|| {
            Box::new(Self {
                asked,
                state: State::Free,
                numbers: Numbers::new(dice),
                rseq: 0,
                out: None,
                waiting: VecDeque::new(),
            })
        })
    }

    /// Whether none waits for its PRACK.
    pub(super) fn is_free(&self) -> bool {
        self.state == State::Free
    }

    /// When it wants to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        self.out.as_ref().map(|out| out.repeat.next())
    }
}

/// An early dialog of a call that we make.
pub(super) struct Early {
    order: Order,
    /// PRACKs that wait for their responses.
    pracks: usize,
    pub(super) exchange: offer_answer::State,
    /// What the other side said last; nothing until the first offer in it is answered.
    pub(super) remote: Option<media::Remote>,
}

impl Early {
    /// Whether the other side has all that was said in it: what overtook a PRACK would have that refused (RFC 3261
    /// §12.2.2), and so RFC 6337 §3.2 has UPDATE wait for it.
    pub(super) const fn is_settled(&self) -> bool {
        self.pracks == 0
    }

    /// An early dialog in which nothing was said but what the INVITE says.
    pub(super) fn new(exchange: offer_answer::State) -> Self {
        Self { order: Order::default(), pracks: 0, exchange, remote: None }
    }
}

/// Says of a call that rings here how it goes.
impl Telephone {
    /// The caller is to hear us before we answer.
    pub(super) fn progress_call(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.ringing_here(name) {
            Some(key) => {
                self.say(desk, now, key, Said::EarlyMedia);
                self.tell_media(desk, key);
                self.arm(key);
            }
            None => Self::tell(desk, crate::call::CallEvent::Impossible(name)),
        }
    }

    /// Sends a provisional response, reliably if it has to be or may be.
    pub(super) fn say(&mut self, desk: &mut Desk, now: Instant, key: u64, said: Said) {
        // What has a description had better arrive (RFC 6337 §2.2).
        let wish = said == Said::EarlyMedia || self.account.habits.reliable != Reliability::AsAsked;
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(ringing) = &mut call.ringing else { return };
        (ringing.said, ringing.again) = (said, now + RING_AGAIN);
        let reliably = call.provisionals.as_ref().is_some_and(|p| p.asked.reliably(said.status(), wish));
        if !reliably {
            return self.say_unreliably(desk, now, key, said);
        }
        let input = if describes(call, said) { Input::ProvisionalDescribed } else { Input::Provisional };
        let acts = self.advance_provisionals(desk, now, key, input, said);
        if acts.contains(&Act::Queue)
            && let Some(provisionals) = self.calls.get_mut(key).and_then(|call| call.provisionals.as_mut())
            && provisionals.waiting.back() != Some(&said)
            && provisionals.waiting.len() < MAX_WAITING
        {
            provisionals.waiting.push_back(said);
        }
    }

    fn say_unreliably(&mut self, desk: &mut Desk, now: Instant, key: u64, said: Said) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(bytes) = call.ringing.as_ref().map(|ringing| ringing.request.clone()) else { return };
        let Ok(request) = View::parse(&bytes) else { return };
        let awaited = call.exchange_in(0) == offer_answer::State::Asked;
        let body =
            if said == Said::EarlyMedia && awaited { call.preview(description(&request)) } else { None };
        self.respond(desk, now, key, said.status(), &[], body.as_deref());
    }

    /// Feeds the table of reliable provisional responses and does what it says, as far as it is about these; what it
    /// says of the PRACK and of the INVITE is for whoever feeds it.
    fn advance_provisionals(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        input: Input,
        said: Said,
    ) -> &'static [Act] {
        let Some(provisionals) = self.calls.get_mut(key).and_then(|call| call.provisionals.as_mut()) else {
            return &[];
        };
        let (state, acts) = step(provisionals.state, input);
        provisionals.state = state;
        for act in acts {
            match act {
                Act::Send => self.send_reliably(desk, now, key, said),
                Act::StopRepeating => {
                    if let Some(provisionals) = self.provisionals_mut(key) {
                        provisionals.out = None;
                    }
                }
                Act::DropQueue => {
                    if let Some(provisionals) = self.provisionals_mut(key) {
                        provisionals.waiting.clear();
                    }
                }
                // It repeats from the moment at which it is sent.
                Act::StartRepeating
                | Act::Queue
                | Act::Next
                | Act::AcceptPrack
                | Act::RefusePrack
                | Act::Answer
                | Act::Refuse
                | Act::GiveUp => {}
            }
        }
        acts
    }

    fn provisionals_mut(&mut self, key: u64) -> Option<&mut Provisionals> {
        self.calls.get_mut(key)?.provisionals.as_deref_mut()
    }

    fn send_reliably(&mut self, desk: &mut Desk, now: Instant, key: u64, said: Said) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(rseq) = call.provisionals.as_mut().and_then(|provisionals| provisionals.numbers.next())
        else {
            return;
        };
        let Some(bytes) = call.ringing.as_ref().map(|ringing| ringing.request.clone()) else { return };
        let Ok(request) = View::parse(&bytes) else { return };
        // What cannot be answered was refused when it came.
        let body =
            if describes(call, said) { call.describe(description(&request)).ok().flatten() } else { None };
        let rseq_line = rseq.to_string();
        let lines = [(Name::REQUIRE, "100rel"), (Name::RSEQ, &*rseq_line)];
        let body = body.map(|(_, body)| body);
        let Some(bytes) = self.respond(desk, now, key, said.status(), &lines, body.as_deref()) else {
            return;
        };
        let repeat = Repeat::start(now, desk.stack.timing());
        if let Some(provisionals) = self.provisionals_mut(key) {
            provisionals.rseq = rseq;
            provisionals.out = Some(Unacknowledged { status: said.status(), bytes, repeat });
        }
    }

    /// Answers the INVITE that began the call, provisionally or with a refusal.
    pub(super) fn respond(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        lines: &[(Name, &str)],
        body: Option<&str>,
    ) -> Option<Bytes> {
        let call = self.calls.get(key)?;
        let (ringing, server) = (call.ringing.as_ref()?, call.server?);
        let request = View::parse(&ringing.request).ok()?;
        let mut response = Builder::response_to(&request, ringing.source, status, Some(&call.local_tag));
        if status.is_provisional() {
            let contact = self.own_contact(desk, &request, ringing.flow);
            response = response.copy(&request, Name::RECORD_ROUTE).line(Name::CONTACT, contact);
            if !lines.is_empty() {
                response = response.line(Name::ALLOW, super::written::ALLOW);
            }
        }
        for (name, value) in lines {
            response = response.line(*name, value);
        }
        let bytes = match body {
            Some(body) => response.body(SDP, body.as_bytes()),
            None => response.finish(),
        };
        desk.stack.respond(now, server, status, bytes.clone());
        Some(bytes)
    }

    /// The call is to be answered: at once, or once the PRACK of what was described has come (§3).
    pub(super) fn accept(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        if self.keeps_answer(key) {
            return;
        }
        let reliable = self.provisionals_mut(key).is_some();
        let acts = self.advance_provisionals(desk, now, key, Input::Succeed, Said::Ringing);
        if !reliable || acts.contains(&Act::Answer) {
            self.advance_callee(desk, now, key, callee::Input::Answer);
        }
    }

    /// The INVITE gets a final response that is no 2xx: no provisional one follows.
    pub(super) fn stop_saying(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        self.advance_provisionals(desk, now, key, Input::Fail, Said::Ringing);
    }

    /// What waits for its PRACK is repeated, or given up: the caller does not acknowledge.
    pub(super) fn provisionals_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(out) = call.provisionals.as_mut().and_then(|provisionals| provisionals.out.as_mut()) else {
            return;
        };
        match (out.repeat.pop_due(now), call.server) {
            (Some(Due::Again), Some(server)) => {
                desk.stack.respond(now, server, out.status, out.bytes.clone());
            }
            (Some(Due::GiveUp), _) => {
                let acts = self.advance_provisionals(desk, now, key, Input::TooLate, Said::Ringing);
                if acts.contains(&Act::GiveUp) {
                    self.decline(desk, now, key, callee::Input::RangTooLong, Status::SERVER_TIME_OUT);
                }
            }
            (Some(Due::Again) | None, _) => {}
        }
    }

    /// A PRACK (§3), with the answer to what our response offered, or with an offer of its own (§5).
    pub(super) fn pracked(
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
        // One that something else overtook still says which response it is for; the table takes none that is out of date.
        let _ = call.legs[leg].dialog.accept(request);
        let Some(Ok(rack)) = request.header::<RAck>() else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        let invite = call.cseq;
        let fits = call.provisionals.as_ref().is_some_and(|p| acknowledges(&rack, p.rseq, invite));
        let input = if fits { Input::Prack } else { Input::StrayPrack };
        let acts = self.advance_provisionals(desk, now, key, input, Said::Ringing);
        if !acts.contains(&Act::AcceptPrack) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        let usable = self.accept_prack(desk, now, server, request, (key, leg));
        if !usable {
            return self.decline(desk, now, key, callee::Input::Decline, Status::NOT_ACCEPTABLE_HERE);
        }
        if acts.contains(&Act::Answer) {
            self.advance_callee(desk, now, key, callee::Input::Answer);
        }
        let next = self.provisionals_mut(key).filter(|_| acts.contains(&Act::Next));
        if let Some(said) = next.and_then(|provisionals| provisionals.waiting.pop_front()) {
            self.say(desk, now, key, said);
        }
        self.tell_media(desk, key);
        self.proceed(desk, now, key);
    }

    /// Answers a PRACK 200. False if it lacks the answer that it has to bring: then the call comes to nothing
    /// (RFC 6337 §2.3).
    fn accept_prack(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (key, leg): (u64, usize),
    ) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        let (mut usable, mut answer) = (true, None);
        match (call.exchange_in(leg), request.body().is_empty()) {
            (offer_answer::State::Offered, _) => usable = call.take_answer(leg, request.body()),
            (offer_answer::State::Stable, false) => match call.answer(leg, request.body()) {
                Ok(body) => answer = Some(body),
                Err(error) => {
                    desk.reply(now, server, request, error.status());
                    return true;
                }
            },
            // An offer on top of another is none.
            (offer_answer::State::Stable, true) | (offer_answer::State::Asked, _) => {}
        }
        let response = desk.response(request, Status::OK);
        let bytes = match answer {
            Some(body) => response.body(SDP, body.as_bytes()),
            None => response.finish(),
        };
        desk.stack.respond(now, server, Status::OK, bytes);
        usable
    }

    /// A provisional response to an INVITE of ours, in an early dialog of its own. False if it does not count: it came
    /// before, or before its turn (§4).
    pub(super) fn heard(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        leg: usize,
        response: &View<'_>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(key) else { return false };
        let Some(early) = call.legs.get_mut(leg).and_then(|leg| leg.early.as_mut()) else { return true };
        let reliable = response.headers::<Require>().flatten().any(|require| require.contains("100rel"));
        match response.header::<RSeq>() {
            Some(Ok(RSeq(rseq))) if reliable => {
                if early.order.receive(rseq) != Arrival::Next {
                    return false;
                }
                self.acknowledge_provisional(desk, now, key, leg, rseq, response);
            }
            // One that is not reliable may show ahead what the 2xx will say (RFC 3261 §13.2.1).
            _ if early.remote.is_none() && early.exchange == offer_answer::State::Offered => {
                if let Ok(remote) = call.origin.read_answer(response.body()) {
                    call.remote_media = Some(remote);
                }
            }
            _ => {}
        }
        self.tell_media(desk, key);
        true
    }

    /// Takes what a reliable provisional response says, and sends its PRACK.
    fn acknowledge_provisional(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        leg: usize,
        rseq: u32,
        response: &View<'_>,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let (mut usable, mut body) = (true, None);
        if !response.body().is_empty() && !call.has_agreed(leg) {
            match call.exchange_in(leg) {
                offer_answer::State::Offered => usable = call.take_answer(leg, response.body()),
                offer_answer::State::Stable => match call.answer(leg, response.body()) {
                    Ok(answer) => body = Some((SDP, answer)),
                    Err(_) => usable = false,
                },
                offer_answer::State::Asked => {}
            }
        }
        let rack = RAck::new(rseq, response.cseq().0, Method::Invite).to_string();
        self.prack(desk, now, key, leg, &rack, body);
        if !usable && let Some(call) = self.calls.get_mut(key) {
            call.ending = (Outcome::Failed, None);
            self.advance_caller(desk, now, key, caller::Input::HangUp, None);
        }
    }

    fn prack(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        leg: usize,
        rack: &str,
        body: Option<(&'static str, Box<str>)>,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let Some(dialog) = call.legs.get_mut(leg).map(|leg| &mut leg.dialog) else { return };
        let letter = Letter {
            purpose: Purpose::Prack(key, leg),
            method: Method::Prack,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq: dialog.next_cseq(),
            contact: ContactLine::None,
            lines: vec![(Name::RACK, rack.into())],
            body,
            listener: call.listener,
        };
        let (way, realms) = (dialog.way(), call.realms.clone());
        if let Some(early) = &mut call.legs[leg].early {
            early.pracks += 1;
        }
        // Without room the response comes again, and is told from a repeat no more; the other side gives up in the end.
        if self.run(desk, now, letter, vec![way], &realms).is_none() {
            self.prack_answered(desk, now, key, leg);
        }
    }

    /// The final response to a PRACK, or none. Whether the call comes about, the INVITE tells.
    pub(super) fn prack_answered(&mut self, desk: &mut Desk, now: Instant, key: u64, leg: usize) {
        let leg = self.calls.get_mut(key).and_then(|call| call.legs.get_mut(leg));
        if let Some(early) = leg.and_then(|leg| leg.early.as_mut()) {
            early.pracks = early.pracks.saturating_sub(1);
        }
        self.proceed(desk, now, key);
    }
}

/// Whether a reliable provisional response of ours has a description: the first one has to make the offer that the
/// INVITE does not make, and early media takes the answer with it.
fn describes(call: &Call, said: Said) -> bool {
    let asked = call.exchange_in(0) == offer_answer::State::Asked;
    let offers_nothing = call.ringing.as_ref().is_some_and(|ringing| {
        View::parse(&ringing.request).is_ok_and(|request| description(&request).is_empty())
    });
    match said {
        _ if offers_nothing => !call.has_agreed(0) && call.exchange_in(0) == offer_answer::State::Stable,
        Said::EarlyMedia => asked,
        Said::Ringing => false,
    }
}

impl Call {
    /// Forgets what early dialogs agreed: the INVITE that made them has failed.
    pub(super) fn forget_early(&mut self) {
        for leg in &mut self.legs {
            leg.early = None;
        }
    }
}
