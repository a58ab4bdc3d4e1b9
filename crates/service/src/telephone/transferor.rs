//! Handing a call over: the transferor of RFC 5589 §6 and §7.

use super::Telephone;
use super::call::Change;
use super::referral::{Issuer, MAX_REFERRALS, Part, REPORT_LIMIT, Referral};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::refer::issuer::{Act, Input, State, step};
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::header::{NameAddrRef, Replaces};
use cordboard_sip::uri::Uri;
use cordboard_sip::{Method, Name, Status, View};

impl Telephone {
    /// Asks the other side of a call to call somebody else (RFC 5589 §6).
    pub(super) fn transfer(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str) {
        let uri = NameAddrRef::parse(to).ok().filter(|address| address.uri().is_ok());
        let sent = uri.is_some_and(|address| {
            let target = format!("<{}>", address.uri_text());
            self.refer(desk, now, name, Kind::UnattendedTransfer, target)
        });
        if !sent {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Asks the other side of one call to take over that of another (RFC 5589 §7).
    pub(super) fn transfer_to(&mut self, desk: &mut Desk, now: Instant, name: CallName, target: CallName) {
        let sent = name != target
            && self
                .takeover(target)
                .is_some_and(|refer_to| self.refer(desk, now, name, Kind::AttendedTransfer, refer_to));
        if !sent {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Where the target is, and the dialog with it as it sees it itself (RFC 3891 §3).
    fn takeover(&self, target: CallName) -> Option<String> {
        let call = self.calls.get(*self.names.get(&target)?).filter(|call| call.is_up())?;
        let dialog = &call.legs.get(call.answered?)?.dialog;
        let id = dialog.id();
        let replaces =
            Replaces::new(id.call_id.parse().ok()?, id.remote_tag.parse().ok()?, id.local_tag.parse().ok()?);
        let mut uri = Uri::parse(dialog.target()).ok()?;
        let sip = uri.as_sip_mut()?;
        sip.headers.push("Replaces", replaces);
        sip.headers.push("Require", "replaces");
        Some(format!("<{uri}>"))
    }

    fn refer(&mut self, desk: &mut Desk, now: Instant, name: CallName, kind: Kind, refer_to: String) -> bool {
        let Some(at) = self.names.get(&name).copied() else { return false };
        let Some(call) = self.calls.get(at) else { return false };
        let Some(leg) = call.answered.filter(|_| call.is_up() && call.referrals.len() < MAX_REFERRALS) else {
            return false;
        };
        let issuer = Issuer {
            state: State::Sent,
            kind,
            cseqs: Vec::new(),
            status: None,
            until: now + REPORT_LIMIT,
            peer_left: false,
        };
        let key = self.add_referral(at, Referral { call: at, leg, part: Part::Issuer(issuer) });
        let referred_by = format!("<sip:{}@{}>", self.account.user, self.account.domain);
        let lines = vec![(Name::REFER_TO, refer_to.into()), (Name::REFERRED_BY, referred_by.into())];
        if !self.write_in_dialog(desk, now, key, Method::Refer, lines, None) {
            self.advance_issuer(desk, now, key, Input::Refused);
        }
        self.arm_referrals(at);
        true
    }

    /// The final response to a REFER, or none.
    pub(super) fn refer_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let silent = |response: &View<'_>| {
            response.value(Name::REFER_SUB).is_some_and(|value| value.trim().eq_ignore_ascii_case("false"))
        };
        let input = match response {
            Some(response) if status.is_success() && silent(response) => Input::AcceptedSilently,
            Some(_) if status.is_success() => Input::Accepted,
            _ => Input::Refused,
        };
        if let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part)
            && input == Input::Refused
            && issuer.state == State::Sent
        {
            issuer.status = Some(status);
        }
        self.advance_issuer(desk, now, key, input);
    }

    /// A report of the transferee.
    pub(super) fn reported(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Option<Status>,
        ended: bool,
    ) {
        let input = match status {
            Some(status) if status.is_success() => Input::Success,
            Some(status) if !status.is_provisional() => Input::Failure,
            _ if ended => Input::Ended,
            _ => Input::Progress,
        };
        if let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part)
            && issuer.state != State::Over
        {
            issuer.status = status.or(issuer.status);
        }
        self.advance_issuer(desk, now, key, input);
    }

    /// Feeds the transferor's table and does what it says.
    pub(super) fn advance_issuer(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(referral) = self.referrals.get_mut(key) else { return };
        let at = referral.call;
        let Part::Issuer(issuer) = &mut referral.part else { return };
        let (state, acts) = step(issuer.state, input);
        issuer.state = state;
        let (kind, status) = (issuer.kind, issuer.status);
        let outcome = outcome_of(input, issuer);
        let Some(call) = self.calls.get(at) else { return };
        let (name, up, holds) = (call.name, call.is_up(), call.media.holds);
        for act in acts {
            match act {
                Act::TellProgress => {
                    if let Some(status) = status {
                        Self::tell(desk, CallEvent::TransferProgress(name, status));
                    }
                }
                Act::TellOutcome => {
                    Self::tell(desk, CallEvent::Transferred { call: name, kind, outcome, status });
                }
                Act::Release if up => self.hang_up(desk, now, name),
                Act::Restore if up && holds => self.want(desk, now, name, Change::Resume),
                Act::Release | Act::Restore => {}
            }
        }
        self.drop_referral(key);
        self.arm_referrals(at);
    }
}

/// How a transfer ended.
fn outcome_of(input: Input, issuer: &Issuer) -> Outcome {
    let attended = issuer.kind == Kind::AttendedTransfer;
    match (input, issuer.status.map(Status::code)) {
        (Input::Success, _) => Outcome::Completed,
        (Input::Refused, _) => Outcome::Refused,
        // Only who made the call can have given it up. Its BYE may be later than this.
        (Input::Failure, Some(487)) => Outcome::TransfereeLeft,
        (Input::Failure, Some(481)) if attended => Outcome::ReplacesNoMatch,
        (Input::Failure, Some(486)) if attended => Outcome::AlreadyAnswered,
        (Input::Failure, Some(603)) if attended => Outcome::AlreadyEnded,
        (Input::Failure, Some(486 | 600)) => Outcome::TargetBusy,
        (Input::Failure, Some(408 | 480)) => Outcome::TargetNoAnswer,
        (Input::Failure, Some(403 | 603 | 607 | 608)) => Outcome::TargetDeclined,
        (Input::Failure, Some(404 | 410 | 484 | 485 | 604)) => Outcome::TargetNotFound,
        (Input::Failure, _) => Outcome::TargetUnreachable,
        (Input::TimedOut, _) if issuer.peer_left => Outcome::TransfereeLeft,
        (Input::TimedOut, _) => Outcome::TimedOut,
        (Input::Accepted | Input::AcceptedSilently | Input::Progress | Input::Ended, _) => {
            Outcome::NotReported
        }
    }
}
