//! Handing a call over: the transferor of RFC 5589 §6 and §7.

use super::call::Change;
use super::given::Told;
use super::referral::{Issuer, Own, Part, Place, REPORT_LIMIT, Referral, Retry};
use super::verdict;
use super::{Telephone, bracketed};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::{Feature, Profile, Refers, Release};
use cordboard_core::dialog::Dialog;
use cordboard_core::refer::issuer::{Act, Input, State, step};
use cordboard_core::subscription::duration::Lifetime;
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::header::{NameAddrRef, Replaces, TargetDialog};
use cordboard_sip::uri::{SipUri, Uri};
use cordboard_sip::{Method, Name, Status, View};

/// A REFER that is to be sent.
pub(super) struct Asking {
    /// The call that is handed over, or the name of the asking.
    pub(super) name: CallName,
    pub(super) kind: Kind,
    /// The call whose other side is asked, if it is one.
    pub(super) about: Option<u64>,
    /// Who else is asked.
    pub(super) whom: Box<str>,
    /// What Refer-To says.
    pub(super) refer_to: String,
    /// The call that is to be taken over.
    pub(super) target: Option<u64>,
    pub(super) retry: Retry,
    pub(super) reports: bool,
    pub(super) within: Within,
    pub(super) failing: Failing,
    /// The REFER of somebody else that it hands on, and who that is.
    pub(super) for_whom: Option<(u64, Option<Box<str>>)>,
}

/// What a NOTIFY of the transferee says.
pub(super) struct Report {
    pub(super) status: Option<Status>,
    /// What is said with it.
    pub(super) words: Option<Box<str>>,
    /// The dialog of the new call.
    pub(super) told: Option<Told>,
    /// Whether nothing more will be reported.
    pub(super) ended: bool,
}

/// What becomes of a hold when what was asked for fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// It ends, so that the parties have each other back (RFC 5589 §6.3).
    Restores,
    /// It stays: whoever refuses music has silence (RFC 5359 §2.3).
    Leaves,
}

/// In which dialog a REFER about a call travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// As the settings want it, if the other side can be reached so.
    Either,
    /// In that of the call.
    Call,
}

/// How the target of a transfer is named (RFC 5589 §7.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// By its Contact, which leads to that telephone and no other, if it can be reached.
    Contact,
    /// By its address-of-record, which can be reached, but may lead elsewhere.
    Address,
}

impl Naming {
    /// The URI by which the other side of a dialog is named so.
    pub(super) fn of(self, dialog: &Dialog) -> Option<&str> {
        match self {
            Self::Contact => Some(dialog.target()),
            Self::Address => Some(NameAddrRef::parse(dialog.remote()).ok()?.uri_text()),
        }
    }
}

impl Telephone {
    /// Asks the other side of a call to call somebody else (RFC 5589 §6).
    pub(super) fn transfer(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str) {
        let to = bracketed(to);
        let about = self.to_be_handed_over(name);
        let asking = about.and_then(|about| {
            let address = NameAddrRef::parse(&to).ok().filter(|address| address.uri().is_ok())?;
            Some((about, address.uri_text().to_owned()))
        });
        let Some((about, uri)) = asking else { return Self::tell(desk, CallEvent::Impossible(name)) };
        if self.is_other_side(about, &uri) {
            return Self::tell_itself(desk, name, Kind::UnattendedTransfer);
        }
        let asking = Asking {
            name,
            kind: Kind::UnattendedTransfer,
            about: Some(about),
            whom: Box::default(),
            refer_to: format!("<{uri}>"),
            target: None,
            retry: Retry::Never,
            reports: true,
            within: Within::Either,
            failing: Failing::Restores,
            for_whom: None,
        };
        self.refer(desk, now, asking);
    }

    /// The call of that name, if it is up and has room for one more transfer.
    pub(super) fn to_be_handed_over(&self, name: CallName) -> Option<u64> {
        let at = *self.names.get(&name)?;
        let call = self.calls.get(at).filter(|call| call.is_up() && call.answered.is_some())?;
        (call.handing.is_none() && self.takes_referral(Some(at))).then_some(at)
    }

    /// Whether a URI is where the other side of a call is itself.
    pub(super) fn is_other_side(&self, at: u64, uri: &str) -> bool {
        let call = self.calls.get(at);
        let target = call.and_then(|call| Uri::parse(call.legs.get(call.answered?)?.dialog.target()).ok());
        target.is_some_and(|target| Uri::parse(uri).is_ok_and(|uri| uri.equivalent(&target)))
    }

    fn tell_itself(desk: &mut Desk, name: CallName, kind: Kind) {
        let outcome = Outcome::RefersToItself;
        let says = verdict::sentence(outcome, kind, None, Some(verdict::ITSELF));
        Self::tell(desk, CallEvent::Transferred { call: name, kind, outcome, status: None, says });
    }

    /// Asks the other side of one call to take over that of another (RFC 5589 §7).
    pub(super) fn hand_over(&mut self, desk: &mut Desk, now: Instant, at: u64, target: u64, kind: Kind) {
        let Some(name) = self.calls.get(at).map(|call| call.name) else { return };
        let contact = self.calls.get(target).and_then(|call| Some(&call.legs.get(call.answered?)?.dialog));
        let naming = contact.map_or(Naming::Contact, naming);
        let Some(refer_to) = self.takeover(target, naming) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        let retry = if naming == Naming::Address { Retry::Contact } else { Retry::TurnedRound };
        let asking = Asking {
            name,
            kind,
            about: Some(at),
            whom: Box::default(),
            refer_to,
            target: Some(target),
            retry,
            reports: true,
            within: Within::Either,
            failing: Failing::Restores,
            for_whom: None,
        };
        self.refer(desk, now, asking);
    }

    /// Asks a telephone outside any call to call somebody (RFC 5359 §2.18).
    pub(super) fn click_to_dial(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        (whom, to): (&str, &str),
        reports: bool,
    ) {
        let uri = |text: &str| -> Option<Box<str>> {
            let text = super::bracketed(text);
            let address = NameAddrRef::parse(&text).ok().filter(|address| address.uri().is_ok())?;
            Some(address.uri_text().into())
        };
        match (uri(whom), uri(to)) {
            (Some(whom), Some(to)) if !self.names.contains_key(&name) && self.takes_referral(None) => {
                let asking = Asking {
                    name,
                    kind: Kind::ClickToDial,
                    about: None,
                    whom,
                    refer_to: format!("<{to}>"),
                    target: None,
                    retry: Retry::Never,
                    reports,
                    within: Within::Either,
                    failing: Failing::Restores,
                    for_whom: None,
                };
                self.refer(desk, now, asking);
            }
            _ => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// Asks another telephone to take over the other side of a call.
    pub(super) fn move_to(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str) {
        let asking = self.giving(name, to, Kind::AttendedTransfer, Failing::Restores);
        match asking {
            Some(asking) => self.refer(desk, now, asking),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// Where the other side of a call is, and the dialog with it as it sees it itself (RFC 3891 §3).
    pub(super) fn takeover(&self, target: u64, naming: Naming) -> Option<String> {
        Some(format!("<{}>", self.link(target, naming)?))
    }

    /// A link by which the other side of a call is taken over.
    pub(super) fn link(&self, target: u64, naming: Naming) -> Option<String> {
        let call = self.calls.get(target).filter(|call| call.is_up())?;
        let dialog = &call.legs.get(call.answered?)?.dialog;
        let id = dialog.id();
        let replaces =
            Replaces::new(id.call_id.parse().ok()?, id.remote_tag.parse().ok()?, id.local_tag.parse().ok()?);
        let mut uri = Uri::parse(naming.of(dialog)?).ok()?;
        let sip: &mut SipUri = uri.as_sip_mut()?;
        sip.headers.push("Replaces", replaces);
        sip.headers.push("Require", "replaces");
        Some(uri.to_string())
    }

    /// Sends a REFER: in its call, or in a dialog of its own.
    pub(super) fn refer(&mut self, desk: &mut Desk, now: Instant, asking: Asking) {
        let refer_to: Box<str> = asking.refer_to.into();
        let (for_whom, whose) = asking.for_whom.unzip();
        let referrer = whose.flatten().unwrap_or_else(|| self.referrer(asking.about));
        let mut lines: Vec<(Name, Box<str>)> =
            vec![(Name::REFER_TO, refer_to.clone()), (Name::REFERRED_BY, referrer)];
        let leg = asking.about.and_then(|at| self.calls.get(at)?.answered);
        let place = match (asking.about, leg) {
            (Some(at), Some(leg)) => match self.named_outside(at, leg, asking.within) {
                Some((target, named)) => {
                    lines.push((Name::TARGET_DIALOG, named));
                    lines.push((Name::REQUIRE, "tdialog".into()));
                    self.own_place(desk, &target, Some(at), &refer_to)
                }
                None => Place::Leg(leg),
            },
            (Some(_), None) => return Self::tell(desk, CallEvent::Impossible(asking.name)),
            (None, _) => self.own_place(desk, &asking.whom, None, &refer_to),
        };
        if !asking.reports {
            lines.push((Name::REFER_SUB, "false".into()));
        }
        // The report may come when the call that was given away is forgotten.
        let given = asking.target.filter(|_| asking.kind == Kind::Park).and_then(|at| self.whereabouts(at));
        let issuer = Issuer {
            state: State::Sent,
            kind: asking.kind,
            name: asking.name,
            target: asking.target,
            retry: asking.retry,
            failing: asking.failing,
            whom: asking.whom.clone(),
            given: given.map(Box::new),
            told: None,
            cseqs: Vec::new(),
            status: None,
            words: None,
            // REFER names no duration (RFC 3515 §2.4.4).
            life: Lifetime::requested(None),
            until: now + REPORT_LIMIT,
            peer_left: false,
            for_whom,
            lines: Box::default(),
        };
        let key = self.add_referral(Referral::new(asking.about, place, Part::Issuer(issuer)));
        if !self.write_in_dialog(desk, now, key, Method::Refer, lines, None) {
            self.advance_issuer(desk, now, key, Input::Refused);
        }
        self.arm_referral(key);
    }

    /// As whom we ask for something about a call: a server does it for whoever has asked it to make that call.
    fn referrer(&self, about: Option<u64>) -> Box<str> {
        let call = about.and_then(|at| self.calls.get(at)).filter(|_| self.is_server());
        let whose = call.and_then(|call| call.lines.iter().find(|(name, _)| *name == Name::REFERRED_BY));
        match whose {
            Some((_, whose)) => whose.clone(),
            None => format!("<sip:{}@{}>", self.account.user, self.account.domain).into(),
        }
    }

    /// RFC 5589 §5: where a REFER goes that names a call instead of travelling in it, and how it names it; none if it
    /// had better travel in it.
    fn named_outside(&self, at: u64, leg: usize, within: Within) -> Option<(Box<str>, Box<str>)> {
        let transfers = &self.account.transfers;
        let wanted = within == Within::Either
            && (transfers.refers == Refers::OnItsOwn || transfers.profile == Profile::Rfc7647);
        let call = self.calls.get(at).filter(|call| {
            wanted
                && transfers.knows(Feature::TargetDialog)
                && call.peer.features.supports(Feature::TargetDialog)
        })?;
        let dialog = &call.legs.get(leg)?.dialog;
        if !is_gruu(dialog.target()) {
            return None;
        }
        Some((dialog.target().into(), named_to_peer(dialog)?))
    }

    /// A dialog for a REFER to that URI, which is still to be made.
    fn own_place(&self, desk: &mut Desk, uri: &str, about: Option<u64>, refer_to: &str) -> Place {
        let local_tag: Box<str> = desk.stack.dice().tag().into();
        let call = about.and_then(|at| self.calls.get(at));
        Place::Own(Box::new(Own {
            call_id: desk.stack.dice().call_id().into(),
            from: format!("{};tag={local_tag}", self.address()).into(),
            local_tag,
            to: format!("<{uri}>").into(),
            refer_to: refer_to.into(),
            ways: self.first_ways(uri),
            cseq: 0,
            realms: call.map(|call| call.realms.clone()).unwrap_or_default(),
            listener: call.map_or(ListenerId(0), |call| call.listener),
            dialog: None,
        }))
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
        let Some(referral) = self.referrals.get_mut(key) else { return };
        if let (Place::Own(own), Some(response), Input::Accepted) = (&mut referral.place, response, input)
            && own.dialog.is_none()
        {
            own.dialog = Dialog::from_response(response).ok();
        }
        if let Part::Issuer(issuer) = &mut referral.part
            && input == Input::Refused
            && issuer.state == State::Sent
        {
            issuer.status = Some(status);
            issuer.words = response.and_then(verdict::words);
        }
        self.advance_issuer(desk, now, key, input);
    }

    /// A report of the transferee.
    pub(super) fn reported(&mut self, desk: &mut Desk, now: Instant, key: u64, report: Report) {
        let Report { status, words, told, ended } = report;
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
            issuer.words = words.or(issuer.words.take());
            issuer.told = told.or(issuer.told.take());
        }
        self.advance_issuer(desk, now, key, input);
    }

    /// Feeds the transferor's table and does what it says.
    pub(super) fn advance_issuer(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let another = self.another_try(key, input);
        let input = if another.is_some() { Input::TriedAnew } else { input };
        let Some(referral) = self.referrals.get_mut(key) else { return };
        let at = referral.call;
        let Part::Issuer(issuer) = &mut referral.part else { return };
        let (state, acts) = step(issuer.state, input);
        issuer.state = state;
        let (name, kind, status, target) = (issuer.name, issuer.kind, issuer.status, issuer.target);
        let failing = issuer.failing;
        let given = issuer.given.clone().map(|given| (*given, issuer.whom.clone(), issuer.told.take()));
        let asked = at.and_then(|at| self.calls.get(at)).filter(|call| call.is_up()).map(|call| call.name);
        let reported = verdict::Reported {
            status,
            takes_over: target.is_some(),
            up: asked.is_some(),
            peer_left: issuer.peer_left,
        };
        let outcome = verdict::outcome_of(input, reported);
        let words = issuer.words.clone();
        let (for_whom, lines) = (issuer.for_whom, issuer.lines.clone());
        for act in acts {
            match (act, for_whom) {
                (Act::TellProgress, Some(asked)) => {
                    self.other_reports(desk, now, asked, status.unwrap_or(Status::TRYING));
                }
                (Act::TellOutcome, Some(asked)) => {
                    self.other_told(desk, now, asked, (outcome, status), lines.clone());
                }
                // Whoever has asked ends what is to end.
                (Act::Release | Act::Restore, Some(_)) => {}
                (Act::TellProgress, None) => {
                    if let Some(status) = status {
                        Self::tell(desk, CallEvent::TransferProgress(name, status));
                    }
                }
                (Act::TellOutcome, None) => {
                    if let (Some((given, server, told)), Outcome::Completed) = (given.clone(), outcome) {
                        self.given(desk, name, given, server, told);
                    }
                    let says = verdict::sentence(outcome, kind, status, words.as_deref());
                    Self::tell(desk, CallEvent::Transferred { call: name, kind, outcome, status, says });
                }
                (Act::Release, None) => {
                    let conference =
                        at.zip(target).and_then(|(at, target)| self.conference_of_only(at, target));
                    if let Some(asked) = asked {
                        self.release(desk, now, asked);
                    }
                    // RFC 5589 §9: both go on without us.
                    if let Some(conference) = conference {
                        self.end_conference(desk, now, conference);
                    }
                    // Whoever is taken over ends that call. If it does not, we do.
                    self.leave_soon(desk, now, target);
                }
                (Act::Restore, None) if failing == Failing::Restores => self.restore(desk, now, name),
                (Act::Restore, None) => {}
            }
        }
        self.drop_referral(key);
        if let Some(another) = another {
            self.refer(desk, now, another);
        }
    }

    /// Ends the old call of a transfer that worked, or leaves that to the transferee for a while.
    fn release(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.account.transfers.release {
            Release::Transferor => self.hang_up(desk, now, name),
            Release::Transferee => self.leave_soon(desk, now, self.names.get(&name).copied()),
        }
    }

    /// Gives the other side of a call time to end it.
    pub(super) fn leave_soon(&mut self, desk: &Desk, now: Instant, at: Option<u64>) {
        if let Some((at, call)) = at.and_then(|at| Some((at, self.calls.get_mut(at)?)))
            && !call.is_over()
        {
            call.leave_at = Some(now + desk.stack.timing().give_up());
            self.arm(at);
        }
    }

    /// Takes somebody off hold whose transfer failed, so that the parties have each other back (RFC 5589 §6.3).
    pub(super) fn restore(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        // Whoever has nobody to hear holds from the start.
        let hears = self.account.features.renders(false);
        let call = self.names.get(&name).and_then(|at| self.calls.get(*at)).filter(|_| hears);
        if call.is_some_and(|call| call.is_up() && call.media.holds) {
            self.want(desk, now, name, Change::Resume);
        }
    }

    /// What is tried after a REFER that led to nothing (RFC 5589 §7.4, §7.5).
    fn another_try(&self, key: u64, input: Input) -> Option<Asking> {
        let referral = self.referrals.get(key)?;
        let Part::Issuer(issuer) = &referral.part else { return None };
        if issuer.state == State::Over {
            return None;
        }
        let up = |at: u64| self.calls.get(at).is_some_and(super::call::Call::is_up);
        let at = referral.call.filter(|at| up(*at))?;
        let code = issuer.status.map(Status::code)?;
        if let (Input::Refused, Place::Own(own)) = (input, &referral.place)
            && matches!(code, 403 | 404 | 408 | 420 | 480 | 481)
            && self.takes_referral(Some(at))
        {
            // It reached somebody else, or nobody: what travels in the call reaches whom we talk to.
            return Some(Asking {
                name: issuer.name,
                kind: issuer.kind,
                about: Some(at),
                whom: Box::default(),
                refer_to: own.refer_to.clone().into(),
                target: issuer.target,
                retry: issuer.retry,
                reports: true,
                within: Within::Call,
                failing: issuer.failing,
                for_whom: None,
            });
        }
        let target = issuer.target.filter(|at| up(*at))?;
        let (about, target, naming) = match (input, issuer.retry) {
            (Input::Refused, Retry::TurnedRound | Retry::Contact) if matches!(code, 405 | 501) => {
                let call = self.calls.get(at)?;
                (target, at, naming(&call.legs.get(call.answered?)?.dialog))
            }
            // The target itself, or the person, has decided.
            (Input::Failure, Retry::Contact) if !matches!(code, 429 | 486 | 487 | 600..) => {
                (at, target, Naming::Contact)
            }
            _ => return None,
        };
        self.takes_referral(Some(about)).then_some(())?;
        Some(Asking {
            name: issuer.name,
            kind: issuer.kind,
            about: Some(about),
            whom: Box::default(),
            refer_to: self.takeover(target, naming)?,
            target: Some(target),
            retry: Retry::Never,
            reports: true,
            within: Within::Either,
            failing: Failing::Restores,
            for_whom: None,
        })
    }
}

/// A dialog as Target-Dialog names it to its other side (RFC 4538 §3).
pub(super) fn named_to_peer(dialog: &Dialog) -> Option<Box<str>> {
    let id = dialog.id();
    let [call_id, remote, local] = [&id.call_id, &id.remote_tag, &id.local_tag];
    let named = TargetDialog::new(call_id.parse().ok()?, remote.parse().ok()?, local.parse().ok()?);
    Some(named.to_string().into())
}

/// How the other side of a dialog is best named to others: its Contact leads to it and nobody else, and can be reached
/// by others if it says so, or if we reach it without a server; else its address-of-record (RFC 5589 §7.3, §7.5).
pub(super) fn naming(dialog: &Dialog) -> Naming {
    if is_gruu(dialog.target()) || dialog.way().routes.is_empty() { Naming::Contact } else { Naming::Address }
}

/// Whether a Contact says that it can be reached from everywhere (RFC 5627 §3.1).
fn is_gruu(contact: &str) -> bool {
    Uri::parse(contact).is_ok_and(|uri| uri.as_sip().is_some_and(|uri| uri.params.has("gr")))
}
