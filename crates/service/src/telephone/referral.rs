//! Referrals: REFERs that were sent and received in a call, and the subscriptions that they imply (RFC 3515 §2.4.4).
//!
//! Both sides share the dialog of the call, which stays while a referral needs it, also after the BYE (RFC 5057 §4.1).

use super::Telephone;
use super::call::Call;
use super::errand::{ContactLine, Letter, Purpose};
use crate::desk::Desk;
use cordboard_core::refer::{issuer, recipient};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_ladder::Kind;
use cordboard_sip::body::Sipfrag;
use cordboard_sip::header::{Event, SubState, SubscriptionState};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// Referrals that one call may have at a time.
pub(super) const MAX_REFERRALS: usize = 8;

/// How long the transferor waits for a final report: longer than a call may ring, so that theirs comes first.
pub(super) const REPORT_LIMIT: Duration = Duration::from_mins(7);

/// One REFER and what follows from it.
pub(super) struct Referral {
    /// The call in whose dialog it travels.
    pub(super) call: u64,
    /// The leg of that call.
    pub(super) leg: usize,
    pub(super) part: Part,
}

/// Which side of it is ours.
pub(super) enum Part {
    Issuer(Issuer),
    Recipient(Recipient),
}

/// A REFER of ours.
pub(super) struct Issuer {
    pub(super) state: issuer::State,
    pub(super) kind: Kind,
    /// Its numbers: one more for each challenge. A NOTIFY may name any of them (RFC 3515 §2.4.6).
    pub(super) cseqs: Vec<u32>,
    /// The status that was reported last.
    pub(super) status: Option<Status>,
    /// Until when something final must come.
    pub(super) until: Instant,
    /// Whether the transferee has left the call.
    pub(super) peer_left: bool,
}

/// A REFER of theirs.
pub(super) struct Recipient {
    pub(super) state: recipient::State,
    /// The call that it asked for.
    pub(super) new: Option<u64>,
    /// The `id` that its NOTIFYs carry: of the second REFER in a dialog and of later ones (RFC 3515 §2.4.6).
    pub(super) id: Option<u32>,
    /// Whether anybody wants reports.
    pub(super) reports: bool,
    /// Whether a NOTIFY waits for its response.
    pub(super) notifying: bool,
    /// What is to be reported after that.
    pub(super) waiting: Option<Status>,
    /// How the new call ended.
    pub(super) status: Status,
    /// Until when the transferor may end the old call.
    pub(super) until: Option<Instant>,
}

impl Telephone {
    /// Keeps a referral with its call.
    pub(super) fn add_referral(&mut self, call: u64, referral: Referral) -> u64 {
        let key = self.referrals.insert(referral);
        if let Some(call) = self.calls.get_mut(call) {
            call.referrals.push(key);
        }
        key
    }

    /// Forgets a referral that is over and waits for nothing.
    pub(super) fn drop_referral(&mut self, key: u64) {
        let over = |referral: &Referral| match &referral.part {
            Part::Issuer(issuer) => issuer.state == issuer::State::Over,
            Part::Recipient(recipient) => {
                recipient.state == recipient::State::Over
                    && !recipient.notifying
                    && recipient.waiting.is_none()
            }
        };
        if !self.referrals.get(key).is_some_and(over) {
            return;
        }
        let Some(referral) = self.referrals.remove(key) else { return };
        if let Some(call) = self.calls.get_mut(referral.call) {
            call.referrals.retain(|other| *other != key);
        }
        self.sweep(referral.call);
    }

    /// The number for a request of a referral that is sent again with credentials.
    pub(super) fn referral_cseq(&mut self, key: u64) -> Option<u32> {
        let referral = self.referrals.get_mut(key)?;
        let cseq = self.calls.get_mut(referral.call)?.legs.get_mut(referral.leg)?.dialog.next_cseq();
        if let Part::Issuer(issuer) = &mut referral.part {
            issuer.cseqs.push(cseq);
        }
        Some(cseq)
    }

    /// Sends a request in the dialog of a referral. False if there is no room.
    pub(super) fn write_in_dialog(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        method: Method,
        lines: Vec<(Name, Box<str>)>,
        body: Option<(&'static str, Box<str>)>,
    ) -> bool {
        let Some((at, leg)) = self.referrals.get(key).map(|referral| (referral.call, referral.leg)) else {
            return false;
        };
        let Some(call) = self.calls.get_mut(at) else { return false };
        let Some(dialog) = call.legs.get_mut(leg).map(|leg| &mut leg.dialog) else { return false };
        let purpose = match method {
            Method::Refer => Purpose::Refer(at, key),
            _ => Purpose::Notify(at, key),
        };
        let cseq = dialog.next_cseq();
        let letter = Letter {
            purpose,
            method,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq,
            contact: ContactLine::Own(Box::default()),
            lines,
            body,
            listener: call.listener,
        };
        let (way, realms) = (dialog.way(), call.realms.clone());
        if let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part) {
            issuer.cseqs.push(cseq);
        }
        self.run(desk, now, letter, vec![way], &realms).is_some()
    }

    /// A NOTIFY in a dialog of a call (RFC 6665 §4.1.3).
    pub(super) fn notified(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (at, leg): (u64, usize),
    ) {
        let Some(call) = self.calls.get_mut(at) else { return };
        // One that the BYE overtook still says how it ended; the table takes none that is out of date.
        let _ = call.legs[leg].dialog.accept(request);
        let event = match request.header::<Event>() {
            Some(Ok(event)) if event.is("refer") => event,
            Some(Ok(_)) | None => return desk.reply(now, server, request, Status::BAD_EVENT),
            Some(Err(_)) => return desk.reply(now, server, request, Status::BAD_REQUEST),
        };
        let Some(Ok(state)) = request.header::<SubscriptionState>() else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        let Some(call) = self.calls.get(at) else { return };
        let Some(key) = self.issued(call, leg, event.id.as_deref()) else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        let status = Sipfrag::parse(request.body()).ok().and_then(|piece| piece.status());
        let ended = state.state == SubState::Terminated;
        if status.is_none() && !ended {
            // RFC 3515 §2.4.5: each NOTIFY says how it goes.
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        }
        desk.reply(now, server, request, Status::OK);
        self.reported(desk, now, key, status, ended);
    }

    /// The REFER of ours that a NOTIFY reports on: the one that it names, or the only one there is.
    fn issued(&self, call: &Call, leg: usize, id: Option<&str>) -> Option<u64> {
        let named = id.and_then(|id| id.parse::<u32>().ok());
        if id.is_some() && named.is_none() {
            return None;
        }
        call.referrals.iter().copied().find(|key| {
            self.referrals.get(*key).is_some_and(|referral| match &referral.part {
                Part::Issuer(issuer) => {
                    referral.leg == leg && named.is_none_or(|cseq| issuer.cseqs.contains(&cseq))
                }
                Part::Recipient(_) => false,
            })
        })
    }

    /// Sets when the referrals of a call are to be looked at.
    pub(super) fn arm_referrals(&mut self, at: u64) {
        let Some(call) = self.calls.get(at) else { return };
        let due = |key: &u64| match &self.referrals.get(*key)?.part {
            Part::Issuer(issuer) => Some(issuer.until),
            Part::Recipient(recipient) => recipient.until,
        };
        let next = call.referrals.iter().filter_map(due).min();
        if let Some(call) = self.calls.get_mut(at) {
            call.referral_due = next;
        }
        self.arm(at);
    }

    /// Looks at the referrals of a call whose time has come.
    pub(super) fn referrals_due(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.referral_due.is_none_or(|due| due > now) {
            return;
        }
        for key in call.referrals.clone() {
            match self.referrals.get(key).map(|referral| &referral.part) {
                Some(Part::Issuer(issuer)) if issuer.until <= now => {
                    self.advance_issuer(desk, now, key, issuer::Input::TimedOut);
                }
                Some(Part::Recipient(recipient)) if recipient.until.is_some_and(|until| until <= now) => {
                    self.advance_recipient(desk, now, key, recipient::Input::Lingered);
                }
                Some(Part::Issuer(_) | Part::Recipient(_)) | None => {}
            }
        }
        self.arm_referrals(at);
    }

    /// A call is over: what that means for its referrals, and for the one that asked for it.
    pub(super) fn call_ended(&mut self, desk: &mut Desk, now: Instant, at: u64, by_peer: bool) {
        self.new_call_failed(desk, now, at);
        let referrals = self.calls.get(at).map(|call| call.referrals.clone()).unwrap_or_default();
        for key in referrals {
            match self.referrals.get_mut(key).map(|referral| &mut referral.part) {
                Some(Part::Issuer(issuer)) if by_peer => {
                    issuer.peer_left = true;
                    // Its last report is on its way, if there is to be one.
                    issuer.until = issuer.until.min(now + desk.stack.timing().give_up());
                }
                Some(Part::Recipient(_)) => {
                    let input =
                        if by_peer { recipient::Input::TransferorLeft } else { recipient::Input::Left };
                    self.advance_recipient(desk, now, key, input);
                }
                Some(Part::Issuer(_)) | None => {}
            }
        }
        self.arm_referrals(at);
    }
}
