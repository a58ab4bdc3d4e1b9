//! Handing a call over that does not begin with a REFER: a target that still rings (RFC 5589 §7.6), and a link in an
//! instant message (RFC 5359 §2.6).

use super::Telephone;
use super::call::{Call, Change, Side};
use super::referral::{REPORT_LIMIT, Retry};
use super::transferor::{Asking, Failing, Naming, Within};
use super::verdict;
use super::written::HYPERTEXT;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::{Feature, SemiAttended};
use cordboard_core::session::caller;
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::Status;
use cordboard_sip::header::NameAddrRef;

/// What a call waits for that has to do with a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handing {
    /// Its other side is the target, which rings: when it answers, that other call is handed over to it.
    Target(CallName),
    /// The same, cancelled: if it answers after all, it is held and then handed the call.
    Cancelled(CallName),
    /// The target answered after all, and is being held.
    Holding(CallName),
    /// It is to be handed over when the other call is answered.
    Transferee(CallName),
    /// A link went to somebody who may take it over.
    Linked,
}

impl Telephone {
    /// Asks the other side of one call to take over that of another, now or when that is answered.
    pub(super) fn transfer_to(&mut self, desk: &mut Desk, now: Instant, name: CallName, target: CallName) {
        let at = self.to_be_handed_over(name).filter(|_| name != target);
        let found = at.and_then(|at| {
            let key = *self.names.get(&target)?;
            let call = self.calls.get(key).filter(|call| call.handing.is_none())?;
            Some((at, key, call.side, call.is_up()))
        });
        match found {
            Some((at, key, _, true)) if !self.may_hand_over(at, key) => {
                let failed = (Outcome::TargetUnreachable, Some(Status::BAD_EXTENSION));
                Self::tell_handed(desk, name, Kind::AttendedTransfer, failed);
            }
            Some((at, key, _, true)) => self.hand_over(desk, now, at, key, Kind::AttendedTransfer),
            Some((at, key, Side::Caller(caller::State::Calling | caller::State::Ringing), false)) => {
                self.hand_over_ringing(desk, now, (at, name), (key, target));
            }
            _ => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// Whether there is any use in asking one side to take over the other. Who sits at a telephone may try; a server does
    /// not let people wait for a refusal that they have announced: both must say that they know Replaces, and one of them
    /// that it knows REFER.
    fn may_hand_over(&self, at: u64, target: u64) -> bool {
        let knows = |key: u64, feature: Feature| {
            self.calls.get(key).is_some_and(|call| call.peer.features.supports(feature))
        };
        let both = |feature: Feature| [at, target].map(|key| knows(key, feature));
        !self.account.features.automaton
            || (both(Feature::Replaces) == [true; 2] && both(Feature::Refer) != [false; 2])
    }

    fn hand_over_ringing(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        (at, name): (u64, CallName),
        (key, target): (u64, CallName),
    ) {
        let cancels = self.account.transfers.semi_attended == SemiAttended::Cancels;
        if let Some(call) = self.calls.get_mut(at) {
            call.handing = Some(Handing::Transferee(target));
        }
        if let Some(call) = self.calls.get_mut(key) {
            call.handing = Some(if cancels { Handing::Cancelled(name) } else { Handing::Target(name) });
        }
        if cancels {
            self.advance_caller(desk, now, key, caller::Input::HangUp, None);
        }
    }

    /// Whether a call that we gave up is wanted all the same if it is answered.
    pub(super) const fn is_wanted_yet(call: &Call) -> bool {
        matches!(
            (call.side, call.handing),
            (Side::Caller(caller::State::Cancelling), Some(Handing::Cancelled(_)))
        )
    }

    /// A call is up: the transfer that waited for it goes on.
    pub(super) fn handing_answered(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        match call.handing {
            Some(Handing::Target(transferee)) => {
                call.handing = None;
                self.hand_over_answered(desk, now, key, transferee);
            }
            Some(Handing::Cancelled(transferee)) => {
                call.handing = Some(Handing::Holding(transferee));
                let name = call.name;
                self.want(desk, now, name, Change::Hold);
            }
            Some(Handing::Holding(_) | Handing::Transferee(_) | Handing::Linked) | None => {}
        }
    }

    /// A change of a call is settled: the transfer that waited for its hold goes on.
    pub(super) fn handing_changed(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if let Some(Handing::Holding(transferee)) = call.handing {
            call.handing = None;
            self.hand_over_answered(desk, now, key, transferee);
        }
    }

    fn hand_over_answered(&mut self, desk: &mut Desk, now: Instant, key: u64, transferee: CallName) {
        let at = self.names.get(&transferee).copied();
        let waits = at.and_then(|at| self.calls.get_mut(at)).and_then(|call| call.handing.take());
        // A transferee that has left was told of as such.
        if let (Some(at), Some(Handing::Transferee(_))) = (at, waits) {
            self.hand_over(desk, now, at, key, Kind::SemiAttendedTransfer);
        }
    }

    /// A call is over: what waited for it.
    pub(super) fn handing_ended(&mut self, desk: &mut Desk, now: Instant, key: u64, by_peer: bool) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let (name, status, target) = (call.name, call.ending.1, call.remote.clone());
        match call.handing.take() {
            None => {}
            Some(Handing::Transferee(target)) => {
                let outcome = if by_peer { Outcome::TransfereeLeft } else { Outcome::TransferorLeft };
                Self::tell_handed(desk, name, Kind::SemiAttendedTransfer, (outcome, None));
                // Nobody is left whom the target could have.
                let waits = self.names.get(&target).and_then(|key| self.calls.get_mut(*key));
                if let Some(call) = waits {
                    call.handing = None;
                    let (name, given_up) =
                        (call.name, call.side == Side::Caller(caller::State::Cancelling) || call.is_over());
                    if !given_up {
                        self.hang_up(desk, now, name);
                    }
                }
            }
            Some(Handing::Cancelled(transferee)) if status == Some(Status::REQUEST_TERMINATED) => {
                self.hand_over_anew(desk, now, transferee, &target);
            }
            Some(
                Handing::Target(transferee) | Handing::Cancelled(transferee) | Handing::Holding(transferee),
            ) => {
                let waits = self.names.get(&transferee).and_then(|at| self.calls.get_mut(*at));
                if let Some(call) = waits {
                    call.handing = None;
                    let outcome = match status {
                        Some(status) if by_peer => verdict::target_outcome(status.code()),
                        None if by_peer => Outcome::TargetUnreachable,
                        _ => Outcome::TargetNoAnswer,
                    };
                    Self::tell_handed(desk, transferee, Kind::SemiAttendedTransfer, (outcome, status));
                    self.restore(desk, now, transferee);
                }
            }
            Some(Handing::Linked) => {
                let outcome = if by_peer { Outcome::Completed } else { Outcome::TransferorLeft };
                Self::tell_handed(desk, name, Kind::MessageTransfer, (outcome, None));
            }
        }
    }

    /// The target's own call is cancelled: whoever is handed over calls it anew (RFC 5589 figure 12).
    fn hand_over_anew(&mut self, desk: &mut Desk, now: Instant, transferee: CallName, target: &str) {
        let at = self.names.get(&transferee).copied();
        if let Some(call) = at.and_then(|at| self.calls.get_mut(at)) {
            call.handing = None;
            let uri = target.trim_start_matches(|letter| letter != '<');
            let asking = Asking {
                name: transferee,
                kind: Kind::SemiAttendedTransfer,
                about: at,
                whom: Box::default(),
                refer_to: uri.split_inclusive('>').next().unwrap_or_default().to_owned(),
                target: None,
                retry: Retry::Never,
                reports: true,
                within: Within::Either,
                failing: Failing::Restores,
                for_whom: None,
            };
            self.refer(desk, now, asking);
        }
    }

    /// Sends somebody a link by which they take over the other side of a call.
    pub(super) fn transfer_by_message(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str) {
        let link = self.to_be_handed_over(name).and_then(|at| Some((at, self.offer(at)?)));
        match link {
            Some((at, text)) if self.write_message(desk, now, to, (HYPERTEXT, &text), Some(at)) => {
                if let Some(call) = self.calls.get_mut(at) {
                    call.handing = Some(Handing::Linked);
                    call.handing_until = Some(now + REPORT_LIMIT);
                }
                self.arm(at);
            }
            _ => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// The words that offer somebody the other side of a call (RFC 5359 §2.6 F5).
    fn offer(&self, at: u64) -> Option<String> {
        let link = self.link(at, Naming::Contact)?.replace('&', "&amp;");
        let call = self.calls.get(at)?;
        let whom = NameAddrRef::parse(call.legs.get(call.answered?)?.dialog.remote()).ok()?.uri_text();
        let whom = whom.replace('&', "&amp;");
        Some(format!("<HTML>Do you want to take this call from <A HREF=\"{link}\">{whom}</A>?</HTML>\r\n"))
    }

    /// The message with the link was answered, or nobody answered it.
    pub(super) fn link_answered(&mut self, desk: &mut Desk, now: Instant, at: u64, status: Status) {
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.handing == Some(Handing::Linked) && !status.is_success() {
            call.handing = None;
            call.handing_until = None;
            let name = call.name;
            Self::tell_handed(desk, name, Kind::MessageTransfer, (Outcome::Refused, Some(status)));
            self.restore(desk, now, name);
        }
    }

    /// Nobody has followed the link in time.
    pub(super) fn link_due(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.handing_until.is_none_or(|due| due > now) {
            return;
        }
        call.handing_until = None;
        if call.handing == Some(Handing::Linked) {
            call.handing = None;
            let name = call.name;
            Self::tell_handed(desk, name, Kind::MessageTransfer, (Outcome::TimedOut, None));
            self.restore(desk, now, name);
        }
    }

    pub(super) fn tell_handed(
        desk: &mut Desk,
        call: CallName,
        kind: Kind,
        (outcome, status): (Outcome, Option<Status>),
    ) {
        let says = verdict::sentence(outcome, kind, status, None);
        Self::tell(desk, CallEvent::Transferred { call, kind, outcome, status, says });
    }
}
