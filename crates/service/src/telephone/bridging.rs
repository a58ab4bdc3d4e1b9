//! Connecting the other sides of two calls without leaving either (RFC 3725 §4.4): one is asked for an offer by a
//! re-INVITE, the other gets that offer in a re-INVITE, and its answer goes back in the ACK. Where the one makes no offer, the
//! other is asked. Sound then flows between them, and signalling through us. What they change afterwards is passed on in `bridged`.

use super::Telephone;
use super::bridged::Joint;
use super::call::{Call, Change};
use super::caller::Answered;
use super::token::description;
use super::verdict;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::session::change::Input;
use cordboard_core::session::offer_answer;
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::{Status, View};

/// What a call has to do with another that it is bridged with.
pub(super) enum Bridge {
    /// Its other side is asked for an offer, for that call.
    Asking(u64, Turn),
    /// The offer is here, and waits for the answer of that call.
    Waiting(u64, Turn, Box<Waiting>),
    /// Its other side is offered what that call's said.
    Passing(u64),
    /// The two other sides have each other.
    Up(Box<Joint>),
}

/// Who is asked for an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Who is to be handed over.
    Transferee,
    /// Whom they are to have, because they made none themselves.
    Target,
}

/// A 2xx with an offer that is still to be acknowledged.
pub(super) struct Waiting {
    pub(super) answered: Answered,
    pub(super) offer: Box<[u8]>,
}

impl Bridge {
    /// The other call.
    const fn other(&self) -> u64 {
        match self {
            Self::Asking(other, _) | Self::Waiting(other, ..) | Self::Passing(other) => *other,
            Self::Up(joint) => joint.other,
        }
    }

    /// Whether it is that of the call which is handed over, or of the target.
    const fn is_turned_round(&self) -> bool {
        match self {
            Self::Asking(_, turn) | Self::Waiting(_, turn, _) => matches!(turn, Turn::Target),
            Self::Passing(_) | Self::Up(_) => false,
        }
    }
}

impl Telephone {
    /// Connects the other sides of two calls.
    pub(super) fn bridge(&mut self, desk: &mut Desk, now: Instant, name: CallName, target: CallName) {
        let free = |name: CallName| {
            let at = self.to_be_handed_over(name)?;
            self.calls.get(at).is_some_and(|call| call.bridge.is_none()).then_some(at)
        };
        let (Some(at), Some(other)) = (free(name), free(target).filter(|_| name != target)) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        self.ask_for_bridge(desk, now, (at, name), other, Turn::Transferee);
    }

    /// Asks one side for an offer to the other.
    pub(super) fn ask_for_bridge(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        (at, name): (u64, CallName),
        other: u64,
        turn: Turn,
    ) {
        // Whoever offers repeats its 2xx for so long, and then gives the call up (RFC 3261 §13.3.1.4).
        let until = now + desk.stack.timing().give_up() / 2;
        for (key, bridge) in [(at, Bridge::Asking(other, turn)), (other, Bridge::Passing(at))] {
            if let Some(call) = self.calls.get_mut(key) {
                call.handing_until = None;
                call.bridge = Some(bridge);
            }
        }
        if let Some(call) = self.calls.get_mut(at) {
            call.handing_until = Some(until);
        }
        self.want(desk, now, name, Change::Bridge);
    }

    /// The other side that was asked has offered: the other call's is offered that.
    pub(super) fn bridge_offered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        at: u64,
        answered: Answered,
        response: &View<'_>,
    ) {
        let offer = description(response);
        let Some(call) = self.calls.get_mut(at) else { return };
        let waiting = Waiting { answered, offer: offer.into() };
        if call.is_bridged() {
            // It was given up meanwhile: whom it has it has had before.
            return self.answer_as_before(desk, now, at, waiting);
        }
        let asking = call.bridge.as_ref().map(|bridge| (bridge.other(), bridge.is_turned_round()));
        let Some((other, is_turned_round)) = asking else {
            // It was given up meanwhile: this one comes back to us.
            let name = call.name;
            self.answer_ourselves(desk, now, at, waiting);
            self.restore(desk, now, name);
            return self.proceed(desk, now, at);
        };
        let turn = if is_turned_round { Turn::Target } else { Turn::Transferee };
        call.bridge = Some(Bridge::Waiting(other, turn, Box::new(waiting)));
        let text = std::str::from_utf8(offer).ok().filter(|text| !text.is_empty());
        let passed = self.calls.get_mut(other).filter(|call| call.is_up()).and_then(|call| {
            call.passing = Some(text?.into());
            Some(call.name)
        });
        match passed {
            Some(name) => self.want(desk, now, name, Change::Pass),
            None => self.bridge_fails(desk, now, at, (Outcome::TargetUnreachable, None)),
        }
    }

    /// The other call's other side has answered: that goes back to whoever offered.
    pub(super) fn bridge_passed(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        response: &View<'_>,
        passed: Box<str>,
    ) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let name = call.name;
        let at = match &call.bridge {
            Some(Bridge::Passing(at)) => Some(*at),
            Some(Bridge::Asking(..) | Bridge::Waiting(..) | Bridge::Up(_)) | None => None,
        };
        let answer = std::str::from_utf8(description(response)).ok();
        let first = at.and_then(|at| {
            let call = self.calls.get_mut(at).filter(|call| call.is_up())?;
            let shown: Box<str> = call.origin.pass_on(answer?)?.into();
            match call.bridge.take()? {
                Bridge::Waiting(_, Turn::Transferee, waiting) => Some((at, call.name, *waiting, shown)),
                Bridge::Waiting(_, Turn::Target, waiting) => Some((at, name, *waiting, shown)),
                bridge @ (Bridge::Asking(..) | Bridge::Passing(_) | Bridge::Up(_)) => {
                    call.bridge = Some(bridge);
                    None
                }
            }
        });
        let (Some((at, first, waiting, shown)), Some(answer)) = (first, answer) else {
            if self.calls.get(key).is_some_and(Call::is_bridged) {
                return self.say_again(desk, now, key);
            }
            // It was given up meanwhile: this one comes back to us.
            if let Some(call) = self.calls.get_mut(key) {
                call.bridge = None;
            }
            return self.want(desk, now, name, Change::Resume);
        };
        let offer = std::str::from_utf8(&waiting.offer).unwrap_or_default();
        for (at, joint) in
            [(at, Joint::new(key, offer, shown.clone())), (key, Joint::new(at, answer, passed))]
        {
            if let Some(call) = self.calls.get_mut(at) {
                call.bridge = Some(Bridge::Up(Box::new(joint)));
                call.media.holds = false;
            }
        }
        self.acknowledge_offer(desk, now, at, waiting.answered, shown);
        self.tell_media(desk, at);
        self.tell_media(desk, key);
        if let Some(asked) = self.bridged_for([at, key]) {
            return self.other_bridged(desk, now, asked);
        }
        let (kind, outcome) = (Kind::BridgedTransfer, Outcome::Completed);
        let says = verdict::sentence(outcome, kind, None, None);
        Self::tell(desk, CallEvent::Transferred { call: first, kind, outcome, status: None, says });
    }

    /// Acknowledges the 2xx with the offer, with an answer of the other call's other side.
    pub(super) fn acknowledge_offer(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        at: u64,
        answered: Answered,
        body: Box<str>,
    ) {
        if let Some(call) = self.calls.get_mut(at) {
            call.handing_until = None;
            call.exchange(answered.leg, offer_answer::Input::GetOffer);
            call.exchange(answered.leg, offer_answer::Input::SendAnswer);
        }
        self.acknowledge(desk, now, at, Answered { body: Some(body), ..answered });
        self.advance_change(desk, now, at, Input::Accepted, Status::OK);
        self.proceed(desk, now, at);
    }

    /// A re-INVITE of a bridge was refused.
    pub(super) fn bridge_refused(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let bridge = self.calls.get(key).and_then(|call| call.bridge.as_ref());
        match bridge {
            Some(Bridge::Passing(at)) => {
                let at = *at;
                self.bridge_fails(desk, now, at, (verdict::target_outcome(status.code()), Some(status)));
            }
            // Not everybody makes an offer when asked for one; whose call is over makes none either.
            Some(Bridge::Asking(other, Turn::Transferee))
                if !matches!(status, Status::CALL_DOES_NOT_EXIST | Status::REQUEST_TIMEOUT) =>
            {
                let other = *other;
                match self.calls.get(other).filter(|other| other.is_up()).map(|other| other.name) {
                    Some(name) => self.ask_for_bridge(desk, now, (other, name), key, Turn::Target),
                    None => self.bridge_fails(desk, now, key, (Outcome::TargetUnreachable, None)),
                }
            }
            Some(Bridge::Asking(..)) => self.bridge_fails(desk, now, key, (Outcome::Refused, Some(status))),
            Some(Bridge::Waiting(..) | Bridge::Up(_)) | None => {}
        }
    }

    /// Nobody answered in time.
    pub(super) fn bridge_due(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.handing_until.is_none_or(|due| due > now) {
            return;
        }
        if matches!(call.bridge, Some(Bridge::Asking(..) | Bridge::Waiting(..))) {
            call.handing_until = None;
            self.bridge_fails(desk, now, at, (Outcome::TimedOut, None));
        } else if call.waits_for_next() {
            call.handing_until = None;
            self.never_bridged(desk, now, at);
        }
    }

    /// A bridge does not come about: whoever offered is answered by us, and the parties have each other back.
    fn bridge_fails(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        at: u64,
        (outcome, status): (Outcome, Option<Status>),
    ) {
        let Some(call) = self.calls.get_mut(at) else { return };
        let (mut name, bridge) = (call.name, call.bridge.take());
        call.handing_until = None;
        let Some(bridge) = bridge else { return };
        if let Some(asked) = self.bridged_for([at, bridge.other()]) {
            return self.other_not_bridged(desk, now, asked, (at, bridge), status);
        }
        if let Some(other) = self.calls.get_mut(bridge.other()) {
            other.bridge = None;
            if bridge.is_turned_round() {
                name = other.name;
            }
        }
        Self::tell_handed(desk, name, Kind::BridgedTransfer, (outcome, status));
        if let Bridge::Waiting(_, _, waiting) = bridge {
            self.answer_ourselves(desk, now, at, *waiting);
        }
        self.restore(desk, now, name);
        self.proceed(desk, now, at);
    }

    /// Answers an offer that was meant for somebody else.
    pub(super) fn answer_ourselves(&mut self, desk: &mut Desk, now: Instant, at: u64, waiting: Waiting) {
        let Some(call) = self.calls.get_mut(at).filter(|call| call.is_up()) else { return };
        let answer = call.answer(waiting.answered.leg, &waiting.offer).ok();
        let answered = Answered { body: answer, ..waiting.answered };
        self.acknowledge(desk, now, at, answered);
        self.advance_change(desk, now, at, Input::Accepted, Status::OK);
    }

    /// A call is over: so is the one that it is bridged with, or the bridging.
    pub(super) fn bridge_ended(&mut self, desk: &mut Desk, now: Instant, key: u64, by_peer: bool) {
        if self.onward_ended(desk, now, key, by_peer) {
            return;
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        match &call.bridge {
            Some(Bridge::Up(_)) => self.bridge_falls(desk, now, key),
            Some(Bridge::Passing(at)) => {
                let at = *at;
                self.bridge_fails(desk, now, at, (Outcome::TargetUnreachable, None));
            }
            Some(Bridge::Asking(_, Turn::Target) | Bridge::Waiting(_, Turn::Target, _)) => {
                self.bridge_fails(desk, now, key, (Outcome::TargetUnreachable, None));
            }
            Some(Bridge::Asking(..) | Bridge::Waiting(..)) => {
                let outcome = if by_peer { Outcome::TransfereeLeft } else { Outcome::TransferorLeft };
                self.bridge_fails(desk, now, key, (outcome, None));
            }
            None => {}
        }
    }
}
