//! Being handed over: the transferee of RFC 5589 §6 and §7, once it has agreed to call somebody.

use super::Telephone;
use super::bridged::onward;
use super::call::{Call, Change};
use super::caller::Placing;
use super::referral::{Part, Recipient};
use super::written::MESSAGE_PIECE;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::{Release, Success};
use cordboard_core::refer::recipient::{Act, Input, State, step};
use cordboard_core::time::Instant;
use cordboard_sip::body::sipfrag;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Method, Name, Status};

/// For how long a subscription is promised (RFC 6665 §4.2.1.1): as long as a call may ring, and longer.
pub(super) const SUBSCRIBED_S: u32 = 600;

impl Telephone {
    /// The name of a call that begins without a button.
    pub(super) fn next_name(&mut self) -> CallName {
        self.incoming_calls += 1;
        CallName::incoming(self.incoming_calls - 1)
    }

    pub(super) fn recipient_mut(&mut self, key: u64) -> Option<&mut Recipient> {
        match &mut self.referrals.get_mut(key)?.part {
            Part::Recipient(recipient) => Some(recipient),
            Part::Issuer(_) => None,
        }
    }

    /// Makes the call that a REFER asks for.
    fn make_new_call(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let old = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        let old = old.filter(|call| call.is_up()).map(|call| call.name);
        let holds = old.filter(|_| self.account.transfers.holds_meanwhile);
        if self.is_onward(key) {
            return self.begin_onward(desk, now, key);
        }
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.holds = holds.is_some();
        let (wish, new, user) = (recipient.wish.clone(), recipient.name, recipient.user.take());
        let conference = recipient.into;
        self.report(desk, now, key, Status::TRYING);
        Self::tell(desk, CallEvent::Referred { call: old, new, to: wish.to.clone() });
        if let Some(name) = holds {
            self.want(desk, now, name, Change::Hold);
        }
        let placing = Placing {
            lines: wish.lines,
            token: wish.token,
            asked_by: Some(key),
            user,
            conference,
            ..Placing::USUAL
        };
        let placed = self.place(desk, now, new, &wish.to, placing);
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.new = placed;
        }
        if placed.is_none() {
            Self::tell(desk, CallEvent::Impossible(new));
            self.advance_recipient(desk, now, key, Input::Failed);
        }
    }

    /// The call that a REFER asked for rings.
    pub(super) fn new_call_rings(&mut self, desk: &mut Desk, now: Instant, new: u64) {
        let asked = self.calls.get(new).and_then(|call| call.asked_by);
        let asked = asked.filter(|key| self.hears_ringing(*key));
        if let Some(key) = asked.filter(|_| self.account.transfers.reports_ringing) {
            self.report(desk, now, key, Status::RINGING);
        }
    }

    /// The call that a REFER asked for is answered.
    pub(super) fn new_call_answered(&mut self, desk: &mut Desk, now: Instant, new: u64) {
        let Some(key) = self.calls.get_mut(new).and_then(|call| call.asked_by.take()) else { return };
        if self.is_onward(key) {
            return self.advance_onward(desk, now, key, onward::Input::Up);
        }
        // Who asks a focus for somebody stays.
        let hands_over = self.old_call_is_up(key) && !self.has_rooms();
        let input = if hands_over { Input::Answered } else { Input::AnsweredAlone };
        let dialog = match self.account.transfers.success {
            Success::Dialog => self.dialog_lines(new),
            Success::Status => None,
        };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.status = Status::OK;
            recipient.reasons = dialog.unwrap_or_default();
        }
        self.advance_recipient(desk, now, key, input);
    }

    /// The headers that name the dialog of a new call, as its response had them (RFC 5359 §2.15 F14).
    fn dialog_lines(&self, new: u64) -> Option<Box<str>> {
        let call = self.calls.get(new)?;
        let dialog = &call.legs.get(call.answered?)?.dialog;
        let (from, to, call_id) = (dialog.local(), dialog.remote(), &dialog.id().call_id);
        let (cseq, contact) = (dialog.created_by(), dialog.target());
        Some(
            format!(
                "From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\nContact: <{contact}>\r\n"
            )
            .into(),
        )
    }

    /// The call that a REFER asked for is over before it was answered.
    pub(super) fn new_call_failed(&mut self, desk: &mut Desk, now: Instant, new: u64) {
        let Some(call) = self.calls.get_mut(new) else { return };
        let Some(key) = call.asked_by.take() else { return };
        let status = call.ending.1.unwrap_or(Status::REQUEST_TERMINATED);
        let reasons = std::mem::take(&mut call.reasons);
        if self.is_onward(key) {
            if let Some(recipient) = self.recipient_mut(key) {
                recipient.status = status;
                recipient.reasons = reasons;
            }
            return self.advance_onward(desk, now, key, onward::Input::Failed);
        }
        let left = self.referrals.get(key).is_some_and(|referral| referral.call.is_some());
        let stays = self.has_rooms();
        let input =
            if left && !stays && !self.old_call_is_up(key) { Input::FailedAlone } else { Input::Failed };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.status = status;
            recipient.reasons = reasons;
        }
        self.advance_recipient(desk, now, key, input);
        if stays {
            self.advance_recipient(desk, now, key, Input::TransferorStays);
        }
    }

    /// The transferor goes on with a call.
    pub(super) fn transferor_stays(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let referrals = self.calls.get(at).map(|call| call.referrals.clone()).unwrap_or_default();
        for key in referrals {
            let failed = self.recipient_mut(key).is_some_and(|recipient| recipient.state == State::Failed);
            if failed {
                self.advance_recipient(desk, now, key, Input::TransferorStays);
            }
        }
    }

    fn old_call_is_up(&self, key: u64) -> bool {
        let old = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        old.is_some_and(Call::is_up)
    }

    /// Feeds the transferee's table and does what it says.
    pub(super) fn advance_recipient(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(at) = self.referrals.get(key).map(|referral| referral.call) else { return };
        let Some(recipient) = self.recipient_mut(key) else { return };
        let (state, acts) = step(recipient.state, input);
        recipient.state = state;
        recipient.until = None;
        let (status, new) = (recipient.status, recipient.new);
        let old = at.and_then(|at| self.calls.get(at)).filter(|call| call.is_up()).map(|call| call.name);
        for act in acts {
            match act {
                Act::Place => self.make_new_call(desk, now, key),
                Act::Report => {
                    self.report(desk, now, key, status);
                    self.let_go(desk, now, key);
                }
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
                    self.release_early(desk, now, key);
                }
                Act::StartShortTimer => {
                    let until = now + desk.stack.timing().t2;
                    if let Some(recipient) = self.recipient_mut(key) {
                        recipient.until = Some(until);
                    }
                }
                Act::Bye => {
                    if let Some(name) = old {
                        self.hang_up(desk, now, name);
                    }
                }
            }
        }
        self.drop_referral(key);
    }

    /// Takes the transferor off a hold that was only for the time of the new call, if that failed; once that is
    /// reported, for a NOTIFY that overtook the re-INVITE would have it refused (RFC 3261 §12.2.2).
    fn let_go(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let at = self.referrals.get(key).and_then(|referral| referral.call);
        let old = at.and_then(|at| self.calls.get(at)).filter(|call| call.is_up()).map(|call| call.name);
        let Some(recipient) = self.recipient_mut(key) else { return };
        let reported = !recipient.notifying && recipient.waiting.is_none();
        if matches!(recipient.state, State::Failed | State::Over)
            && reported
            && std::mem::take(&mut recipient.holds)
            && !recipient.status.is_success()
            && let Some(name) = old
        {
            self.want(desk, now, name, Change::Resume);
        }
    }

    /// Ends the old call itself, once its success is reported, where that is agreed.
    fn release_early(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let ours = self.account.transfers.release == Release::Transferee;
        let Some(recipient) = self.recipient_mut(key) else { return };
        let reported = !recipient.notifying && recipient.waiting.is_none();
        if ours && reported && recipient.state == State::Releasing {
            self.advance_recipient(desk, now, key, Input::Lingered);
        }
    }

    /// RFC 5359 §2.4: whoever handed us over has left, and nobody took us: we call back.
    fn call_back(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        if self.is_onward(key) {
            return self.advance_onward(desk, now, key, onward::Input::AskerMissed);
        }
        let old = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        // Whom we gave up ourselves we do not call.
        let Some(to) = old.and_then(Call::whom) else { return };
        let call = self.next_name();
        Self::tell(desk, CallEvent::CalledBack { call, to: to.clone() });
        if self.place(desk, now, call, &to, Placing::USUAL).is_none() {
            Self::tell(desk, CallEvent::Impossible(call));
        }
    }

    /// Reports how the new call goes, once the last report is answered.
    pub(super) fn report(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(referral) = self.referrals.get(key) else { return };
        // A NOTIFY that overtook our BYE would have that refused (RFC 3261 §12.2.2), or hide that we have left.
        let leaving = referral.call.and_then(|at| self.calls.get(at)).is_some_and(|call| call.byes > 0);
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
        recipient.said = status;
        let granted = recipient.granted;
        let state = match (status.is_provisional(), recipient.state) {
            // RFC 6665 §4.2.1.3: whoever watched does not want to any more.
            (true, _) if granted == 0 => "terminated;reason=timeout".to_owned(),
            // RFC 6665 §4.1.3: nobody has agreed yet.
            (true, State::Asking) => format!("pending;expires={granted}"),
            (true, State::Calling | State::Leaving | State::Releasing | State::Failed | State::Over) => {
                format!("active;expires={granted}")
            }
            (false, _) => "terminated;reason=noresource".to_owned(),
        };
        let mut piece = sipfrag::status_line(status, status.reason());
        if !status.is_provisional() {
            piece.push_str(&recipient.reasons);
        }
        let lines = vec![(Name::EVENT, event.into()), (Name::SUBSCRIPTION_STATE, state.into())];
        let body = Some((MESSAGE_PIECE, piece.into()));
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
        if ends_subscription(status) {
            recipient.reports = false;
        }
        if let Some(next) = recipient.waiting.take() {
            self.report(desk, now, key, next);
        }
        self.release_early(desk, now, key);
        self.let_go(desk, now, key);
        self.drop_referral(key);
    }
}

impl Call {
    /// Who is at the other side, once the call was answered.
    pub(super) fn whom(&self) -> Option<Box<str>> {
        let leg = self.legs.get(self.answered?)?;
        Some(NameAddrRef::parse(leg.dialog.remote()).ok()?.uri_text().into())
    }
}

/// Whether a NOTIFY that is answered so ends its subscription (RFC 6665 §4.2.2 with RFC 5057 §5.1): nobody knows it any
/// more, or nobody is there. The new call goes on.
const fn ends_subscription(status: Status) -> bool {
    matches!(status.code(), 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 503 | 604)
}
