//! Being handed over: the transferee of RFC 5589 §6 and §7.

use super::Telephone;
use super::caller::Placing;
use super::referral::{MAX_REFERRALS, Part, Recipient, Referral};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::refer::recipient::{Act, Input, State, step};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_sip::body::sipfrag;
use cordboard_sip::header::{NameAddrRef, ReferTo, Replaces};
use cordboard_sip::{Method, Name, Status, View};

/// For how long a subscription is promised (RFC 6665 §4.2.1.1): as long as a call may ring, and longer.
const SUBSCRIBED_S: u32 = 600;

/// What a REFER asks for, as far as it is obeyed.
struct Wish {
    to: Box<str>,
    lines: Vec<(Name, Box<str>)>,
}

impl Telephone {
    /// A REFER in a call (RFC 3515 §2.4.2).
    pub(super) fn referred(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (at, leg): (u64, usize),
    ) {
        let Some(call) = self.calls.get_mut(at) else { return };
        if let Err(late) = call.legs[leg].dialog.accept(request) {
            return desk.reply(now, server, request, late.status());
        }
        if !call.is_up() || call.answered != Some(leg) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        let wish = match wish(request) {
            Ok(wish) => wish,
            Err(status) => return desk.reply(now, server, request, status),
        };
        if call.referrals.len() >= MAX_REFERRALS || self.has_no_room() {
            return desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE);
        }
        let Some(call) = self.calls.get_mut(at) else { return };
        // A Contact that cannot be read changes nothing.
        let _ = call.legs[leg].dialog.refresh_target(request);
        // The number of the first may be left out, and some do not know it.
        let id = (call.referred > 0).then_some(request.cseq().0);
        call.referred += 1;
        let name = call.name;
        let reports = !request
            .value(Name::REFER_SUB)
            .is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("false"));
        let recipient = Recipient {
            state: State::Calling,
            new: None,
            id,
            reports,
            notifying: false,
            waiting: None,
            status: Status::SERVICE_UNAVAILABLE,
            until: None,
        };
        let key = self.add_referral(at, Referral { call: at, leg, part: Part::Recipient(recipient) });
        self.accept_refer(desk, now, server, request, reports);
        self.report(desk, now, key, Status::TRYING);
        let new = self.next_name();
        Self::tell(desk, CallEvent::Referred { call: name, new, to: wish.to.clone() });
        let placing = Placing { offers: true, lines: wish.lines, asked_by: Some(key) };
        match self.place(desk, now, new, &wish.to, placing) {
            Some(placed) => {
                if let Some(recipient) = self.recipient_mut(key) {
                    recipient.new = Some(placed);
                }
            }
            None => self.advance_recipient(desk, now, key, Input::Failed),
        }
    }

    fn accept_refer(
        &self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        reports: bool,
    ) {
        let Some(flow) = desk.stack.server_flow(server) else { return };
        let contact = self.own_contact(desk, request, flow);
        let mut response = desk.response(request, Status::ACCEPTED).line(Name::CONTACT, contact);
        if !reports {
            response = response.line(Name::REFER_SUB, "false");
        }
        desk.stack.respond(now, server, Status::ACCEPTED, response.finish());
    }

    /// The name of a call that begins without a button.
    pub(super) fn next_name(&mut self) -> CallName {
        self.incoming_calls += 1;
        CallName::incoming(self.incoming_calls - 1)
    }

    fn recipient_mut(&mut self, key: u64) -> Option<&mut Recipient> {
        match &mut self.referrals.get_mut(key)?.part {
            Part::Recipient(recipient) => Some(recipient),
            Part::Issuer(_) => None,
        }
    }

    /// The call that a REFER asked for is answered.
    pub(super) fn new_call_answered(&mut self, desk: &mut Desk, now: Instant, new: u64) {
        let Some(key) = self.calls.get_mut(new).and_then(|call| call.asked_by.take()) else { return };
        let input = if self.old_call_is_up(key) { Input::Answered } else { Input::AnsweredAlone };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.status = Status::OK;
        }
        self.advance_recipient(desk, now, key, input);
    }

    /// The call that a REFER asked for is over before it was answered.
    pub(super) fn new_call_failed(&mut self, desk: &mut Desk, now: Instant, new: u64) {
        let Some(call) = self.calls.get_mut(new) else { return };
        let Some(key) = call.asked_by.take() else { return };
        let status = call.ending.1.unwrap_or(Status::REQUEST_TERMINATED);
        let input = if self.old_call_is_up(key) { Input::Failed } else { Input::FailedAlone };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.status = status;
        }
        self.advance_recipient(desk, now, key, input);
    }

    fn old_call_is_up(&self, key: u64) -> bool {
        let old = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call));
        old.is_some_and(super::call::Call::is_up)
    }

    /// Feeds the transferee's table and does what it says.
    pub(super) fn advance_recipient(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(at) = self.referrals.get(key).map(|referral| referral.call) else { return };
        let Some(recipient) = self.recipient_mut(key) else { return };
        let (state, acts) = step(recipient.state, input);
        recipient.state = state;
        recipient.until = None;
        let (status, new) = (recipient.status, recipient.new);
        for act in acts {
            match act {
                Act::Report => self.report(desk, now, key, status),
                Act::CallBack => self.call_back(desk, now, key),
                Act::GiveUp => {
                    if let Some(name) = new.and_then(|new| self.calls.get(new)).map(|call| call.name) {
                        self.hang_up(desk, now, name);
                    }
                }
                Act::StartTimer => {
                    let until = now + desk.stack.timing().give_up();
                    if let Some(recipient) = self.recipient_mut(key) {
                        recipient.until = Some(until);
                    }
                }
                Act::Bye => {
                    if let Some(name) = self.calls.get(at).filter(|call| call.is_up()).map(|call| call.name) {
                        self.hang_up(desk, now, name);
                    }
                }
            }
        }
        self.drop_referral(key);
        self.arm_referrals(at);
    }

    /// RFC 5359 §2.4: whoever handed us over has left, and nobody took us: we call back.
    fn call_back(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(referral) = self.referrals.get(key) else { return };
        let Some(old) = self.calls.get(referral.call) else { return };
        // Whom we gave up ourselves we do not call.
        let Some(leg) = old.legs.get(referral.leg) else { return };
        let Ok(address) = NameAddrRef::parse(leg.dialog.remote()) else { return };
        let to: Box<str> = address.uri_text().into();
        let call = self.next_name();
        Self::tell(desk, CallEvent::CalledBack { call, to: to.clone() });
        if self.place(desk, now, call, &to, Placing::USUAL).is_none() {
            Self::tell(desk, CallEvent::Impossible(call));
        }
    }

    /// Reports how the new call goes, once the last report is answered.
    fn report(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(at) = self.referrals.get(key).map(|referral| referral.call) else { return };
        // A NOTIFY that overtook our BYE would have that refused (RFC 3261 §12.2.2).
        let leaving = self.calls.get(at).is_some_and(|call| call.byes > 0);
        let Some(recipient) = self.recipient_mut(key) else { return };
        if !recipient.reports {
            return;
        }
        if recipient.notifying || leaving {
            recipient.waiting = Some(status);
            return;
        }
        recipient.notifying = true;
        let event = match recipient.id {
            Some(id) => format!("refer;id={id}"),
            None => "refer".to_owned(),
        };
        let state = if status.is_provisional() {
            format!("active;expires={SUBSCRIBED_S}")
        } else {
            "terminated;reason=noresource".to_owned()
        };
        let lines = vec![(Name::EVENT, event.into()), (Name::SUBSCRIPTION_STATE, state.into())];
        let piece = sipfrag::status_line(status, status.reason());
        let body = Some(("message/sipfrag;version=2.0", piece.into()));
        if !self.write_in_dialog(desk, now, key, Method::Notify, lines, body)
            && let Some(recipient) = self.recipient_mut(key)
        {
            recipient.notifying = false;
        }
    }

    /// Our BYE is answered, or nobody answers it: what waited for that is reported.
    pub(super) fn bye_answered(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let Some(call) = self.calls.get_mut(at) else { return };
        call.byes = call.byes.saturating_sub(1);
        for key in call.referrals.clone() {
            let waiting = self.recipient_mut(key).filter(|recipient| !recipient.notifying);
            if let Some(status) = waiting.and_then(|recipient| recipient.waiting.take()) {
                self.report(desk, now, key, status);
            }
            self.drop_referral(key);
        }
    }

    /// The final response to a NOTIFY, or none.
    pub(super) fn notify_answered(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.notifying = false;
        if !status.is_success() {
            // RFC 6665 §4.2.2: the subscription is gone; the new call goes on.
            recipient.reports = false;
        }
        if let Some(next) = recipient.waiting.take() {
            self.report(desk, now, key, next);
        }
        self.drop_referral(key);
    }
}

/// What a REFER asks for. Headers in its URI that could redirect or forge are not obeyed (RFC 3261 §19.1.5), and
/// nothing but a call is made.
fn wish(request: &View<'_>) -> Result<Wish, Status> {
    let mut targets = request.headers::<ReferTo>();
    // RFC 3515 §2.4.2: exactly one.
    let (Some(Ok(mut target)), None) = (targets.next(), targets.next()) else {
        return Err(Status::BAD_REQUEST);
    };
    if target.method().is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
        return Err(Status::BAD_REQUEST);
    }
    let replaces: Option<Replaces> = target.replaces().transpose().map_err(|_| Status::BAD_REQUEST)?;
    let Some(uri) = target.addr.uri.as_sip_mut() else { return Err(Status::UNSUPPORTED_URI_SCHEME) };
    uri.headers = cordboard_sip::uri::UriHeaders::default();
    uri.params.remove("method");
    let mut lines = Vec::new();
    if let Some(replaces) = replaces {
        lines.push((Name::REPLACES, replaces.to_string().into()));
        lines.push((Name::REQUIRE, "replaces".into()));
    }
    if let Some(referred_by) = request.value(Name::REFERRED_BY) {
        lines.push((Name::REFERRED_BY, referred_by.into()));
    }
    Ok(Wish { to: target.addr.uri.to_string().into(), lines })
}
