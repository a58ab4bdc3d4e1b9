//! Referrals: REFERs that were sent and received, and the subscriptions that they imply (RFC 3515 §2.4.4).
//!
//! One travels in the dialog of a call, which stays while the referral needs it, also after the BYE (RFC 5057 §4.1); or
//! in a dialog of its own, which may name the call that it is about (RFC 4538) or have none.

use super::Telephone;
use super::bridged::handing_on::Onward;
use super::call::Call;
use super::callee::dialog_key;
use super::given::{Told, Whereabouts};
use super::letter::{ContactLine, Letter, Purpose};
use super::renewing::purpose_of;
use super::transferor::{Failing, Report};
use super::verdict;
use super::wallet::Realm;
use crate::call::CallName;
use crate::desk::Desk;
use crate::settings::Profile;
use cordboard_core::dialog::{Dialog, Way};
use cordboard_core::refer::{issuer, recipient};
use cordboard_core::subscription::duration::Lifetime;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::Kind;
use cordboard_sip::body::Sipfrag;
use cordboard_sip::header::{Event, Reason, SubState, SubscriptionState, Warning};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// Referrals that one call may have at a time.
pub(super) const MAX_REFERRALS: usize = 8;

/// Referrals that one telephone may have at a time; more are refused with 503.
pub(super) const MAX_ALL_REFERRALS: usize = 10_000;

/// How long the transferor waits for a final report: longer than a call may ring, so that theirs comes first.
pub(super) const REPORT_LIMIT: Duration = Duration::from_mins(7);

/// One REFER and what follows from it.
pub(super) struct Referral {
    /// The call that it is about, if there is one.
    pub(super) call: Option<u64>,
    pub(super) place: Place,
    pub(super) part: Part,
    /// When the wheel will wake it.
    pub(super) armed: Option<Instant>,
}

/// In which dialog it travels.
pub(super) enum Place {
    /// That of a leg of its call.
    Leg(usize),
    /// One of its own.
    Own(Box<Own>),
}

/// The dialog of a referral that has one of its own.
pub(super) struct Own {
    pub(super) call_id: Box<str>,
    pub(super) local_tag: Box<str>,
    pub(super) from: Box<str>,
    pub(super) to: Box<str>,
    /// What its REFER asks for, if it is ours.
    pub(super) refer_to: Box<str>,
    /// Where its REFER goes.
    pub(super) ways: Vec<Way>,
    pub(super) cseq: u32,
    pub(super) realms: Vec<Realm>,
    pub(super) listener: ListenerId,
    /// What the first response or NOTIFY made of it. Of a forked REFER one branch counts (RFC 3515 §2.4.4).
    pub(super) dialog: Option<Dialog>,
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
    /// The call that is handed over, or the name of the asking.
    pub(super) name: CallName,
    /// The call that is taken over, if it is one.
    pub(super) target: Option<u64>,
    /// What is tried if this fails.
    pub(super) retry: Retry,
    pub(super) failing: Failing,
    /// Who was asked, if it is not the other side of a call.
    pub(super) whom: Box<str>,
    /// Where the other side of a call is that was given to a server.
    pub(super) given: Option<Box<Whereabouts>>,
    /// The dialog that was told with the last report.
    pub(super) told: Option<Told>,
    /// Its numbers: one more for each challenge. A NOTIFY may name any of them (RFC 3515 §2.4.6).
    pub(super) cseqs: Vec<u32>,
    /// The status that was reported last.
    pub(super) status: Option<Status>,
    /// What was said with it.
    pub(super) words: Option<Box<str>>,
    /// How long the subscription lasts that it has made.
    pub(super) life: Lifetime,
    /// Until when something final must come.
    pub(super) until: Instant,
    /// Whether the transferee has left the call.
    pub(super) peer_left: bool,
    /// The REFER of somebody else that it hands on.
    pub(super) for_whom: Option<u64>,
    /// Of such a one, the lines of the last report.
    pub(super) lines: Box<str>,
}

/// What a transferor tries if its REFER leads to nothing (RFC 5589 §7.4, §7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Nothing.
    Never,
    /// The target is to call instead, if the transferee does not know REFER.
    TurnedRound,
    /// The same; and the target's Contact, if its address-of-record leads elsewhere.
    Contact,
}

/// A REFER of theirs.
pub(super) struct Recipient {
    pub(super) state: recipient::State,
    /// What it asks for.
    pub(super) wish: super::asked::Wish,
    /// The name of the call that it asks for.
    pub(super) name: CallName,
    /// As which other user of our domain it is to be made.
    pub(super) user: Option<Box<str>>,
    /// The room of ours that it is to be part of.
    pub(super) into: Option<u64>,
    /// That call.
    pub(super) new: Option<u64>,
    /// The `id` that its NOTIFYs carry: of the second REFER in a dialog and of later ones (RFC 3515 §2.4.6).
    pub(super) id: Option<u32>,
    /// The number of the REFER.
    pub(super) cseq: Option<u32>,
    /// Whether anybody wants reports.
    pub(super) reports: bool,
    /// For how many seconds they are promised.
    pub(super) granted: u32,
    /// What was reported last.
    pub(super) said: Status,
    /// Whether a NOTIFY waits for its response.
    pub(super) notifying: bool,
    /// What is to be reported after that.
    pub(super) waiting: Option<Status>,
    /// How the new call ended, and the lines that say why.
    pub(super) status: Status,
    pub(super) reasons: Box<str>,
    /// Whether the transferor is held while the call is made.
    pub(super) holds: bool,
    /// Until when the transferor may end the old call, or the owner consent.
    pub(super) until: Option<Instant>,
    /// How it is done, if it is for whoever is behind a bridge.
    pub(super) onward: Option<Box<Onward>>,
}

impl Referral {
    pub(super) const fn new(call: Option<u64>, place: Place, part: Part) -> Self {
        Self { call, place, part, armed: None }
    }

    /// When it is to be looked at.
    fn due(&self) -> Option<Instant> {
        match &self.part {
            Part::Issuer(issuer) => match issuer.state {
                issuer::State::Sent | issuer::State::Reporting => {
                    Some(issuer.renew_at().map_or(issuer.until, |renew| renew.min(issuer.until)))
                }
                issuer::State::Over => None,
            },
            Part::Recipient(recipient) => recipient.until,
        }
    }
}

impl Telephone {
    /// Keeps a referral, with its call if it has one.
    pub(super) fn add_referral(&mut self, referral: Referral) -> u64 {
        let call = referral.call;
        let own = match &referral.place {
            Place::Own(own) => Some(dialog_key(&own.call_id, &own.local_tag)),
            Place::Leg(_) => None,
        };
        let key = self.referrals.insert(referral);
        if let Some(call) = call.and_then(|call| self.calls.get_mut(call)) {
            call.referrals.push(key);
        }
        if let Some(own) = own {
            self.by_referral.insert(own, key);
        }
        key
    }

    /// Whether one more referral, of that call if it is one, has room.
    pub(super) fn takes_referral(&self, call: Option<u64>) -> bool {
        let of_call = call.and_then(|call| self.calls.get(call)).map_or(0, |call| call.referrals.len());
        of_call < MAX_REFERRALS && self.referrals.len() < MAX_ALL_REFERRALS
    }

    /// Forgets a referral that is over and waits for nothing.
    pub(super) fn drop_referral(&mut self, key: u64) {
        let over = |referral: &Referral| match &referral.part {
            Part::Issuer(issuer) => issuer.state == issuer::State::Over,
            Part::Recipient(recipient) => {
                recipient.state == recipient::State::Over
                    && !recipient.notifying
                    && recipient.waiting.is_none()
                    && !recipient.onward.as_ref().is_some_and(|onward| onward.goes_on())
            }
        };
        if !self.referrals.get(key).is_some_and(over) {
            return self.arm_referral(key);
        }
        let Some(referral) = self.referrals.remove(key) else { return };
        if let Place::Own(own) = &referral.place {
            self.by_referral.remove(&dialog_key(&own.call_id, &own.local_tag));
        }
        if let Part::Recipient(Recipient { onward: Some(onward), new, .. }) = &referral.part {
            self.forget_onward(key, onward, *new);
        }
        let Some(at) = referral.call else { return };
        if let Some(call) = self.calls.get_mut(at) {
            call.referrals.retain(|other| *other != key);
        }
        self.sweep(at);
    }

    /// The number for a request of a referral that is sent again with credentials.
    pub(super) fn referral_cseq(&mut self, key: u64, purpose: Purpose) -> Option<u32> {
        let referral = self.referrals.get_mut(key)?;
        let cseq = match &mut referral.place {
            Place::Leg(leg) => self.calls.get_mut(referral.call?)?.legs.get_mut(*leg)?.dialog.next_cseq(),
            Place::Own(own) => own.next_cseq(),
        };
        if let (Part::Issuer(issuer), Purpose::Refer(_)) = (&mut referral.part, purpose) {
            issuer.cseqs.push(cseq);
        }
        Some(cseq)
    }

    /// Remembers who challenged a request of a referral.
    pub(super) fn keep_referral_realms(&mut self, key: u64, realms: Vec<Realm>) {
        let Some(referral) = self.referrals.get_mut(key) else { return };
        match &mut referral.place {
            Place::Own(own) => own.realms = realms,
            Place::Leg(_) => {
                if let Some(call) = referral.call.and_then(|call| self.calls.get_mut(call)) {
                    call.realms = realms;
                }
            }
        }
    }

    /// Sends a request in the dialog of a referral, or the one that begins it. False if there is no room.
    pub(super) fn write_in_dialog(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        method: Method,
        lines: Vec<(Name, Box<str>)>,
        body: Option<(&'static str, Box<str>)>,
    ) -> bool {
        let Some(referral) = self.referrals.get_mut(key) else { return false };
        let purpose = purpose_of(method, key);
        let written = match &mut referral.place {
            Place::Leg(leg) => {
                let call = referral.call.and_then(|call| self.calls.get_mut(call));
                call.and_then(|call| {
                    let dialog = &mut call.legs.get_mut(*leg)?.dialog;
                    let cseq = dialog.next_cseq();
                    let letter = Letter::in_dialog(dialog, purpose, method, cseq, call.listener);
                    Some((letter, vec![dialog.way()], call.realms.clone()))
                })
            }
            Place::Own(own) => Some(own.letter(purpose, method)),
        };
        let Some((letter, ways, realms)) = written else { return false };
        if let (Part::Issuer(issuer), Purpose::Refer(_)) = (&mut referral.part, purpose) {
            issuer.cseqs.push(letter.cseq);
        }
        let letter = Letter { lines, body, ..letter };
        self.run(desk, now, letter, ways, &realms).is_some()
    }

    /// The referral that a request belongs to which came in a dialog of its own.
    pub(super) fn find_referral(&self, request: &View<'_>) -> Option<u64> {
        self.by_referral.get(&dialog_key(request.call_id(), request.to_tag()?)).copied()
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
        let Some(call) = self.calls.get(at) else { return };
        let event = match refer_event(request) {
            Ok(event) => event,
            Err(status) => return desk.reply(now, server, request, status),
        };
        match self.issued(call, leg, event.id.as_deref()) {
            Some(key) => self.report_received(desk, now, server, request, key),
            // Gateways report on what nobody asked for.
            None if self.account.transfers.profile == Profile::Gateway => {
                desk.reply(now, server, request, Status::OK);
            }
            None => desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST),
        }
    }

    /// A NOTIFY in the dialog of a referral that has one of its own. It may come before the 202, and makes the dialog
    /// then (RFC 6665 §4.1.2.4).
    pub(super) fn notified_alone(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        key: u64,
    ) {
        if let Err(status) = refer_event(request) {
            return desk.reply(now, server, request, status);
        }
        let Some(Referral { place: Place::Own(own), part: Part::Issuer(_), .. }) =
            self.referrals.get_mut(key)
        else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        let dialog = match &mut own.dialog {
            Some(dialog) => dialog,
            empty @ None => match Dialog::from_request(request, &own.local_tag) {
                Ok(dialog) => empty.insert(dialog),
                Err(_) => return desk.reply(now, server, request, Status::BAD_REQUEST),
            },
        };
        if !dialog.fits(request) {
            // RFC 3515 §2.4.4: another branch of a fork.
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        // The table takes none that is out of date.
        let _ = dialog.accept(request);
        self.report_received(desk, now, server, request, key);
    }

    /// What a NOTIFY says of a REFER of ours.
    fn report_received(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        key: u64,
    ) {
        let Some(Ok(state)) = request.header::<SubscriptionState>() else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        let piece = Sipfrag::parse(request.body()).ok();
        let status = piece.and_then(|piece| piece.status());
        let ended = state.state == SubState::Terminated;
        if status.is_none() && !ended {
            // RFC 3515 §2.4.5: each NOTIFY says how it goes.
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        }
        desk.reply(now, server, request, Status::OK);
        let words = piece.and_then(|piece| {
            let warning = piece.head().header::<Warning>().and_then(Result::ok).map(|warning| warning.text);
            let reason = || piece.head().header::<Reason>().and_then(Result::ok)?.text;
            warning.or_else(reason)
        });
        let told =
            piece.filter(|_| status.is_some_and(Status::is_success)).and_then(|piece| Told::of(&piece));
        if let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part) {
            if let Some(piece) = piece.filter(|_| issuer.for_whom.is_some()) {
                issuer.lines = verdict::lines(piece.head().lines().map(|(_, name, value)| (name, value)));
            }
            issuer.life.notified(now, state.expires, desk.stack.timing());
        }
        self.reported(desk, now, key, Report { status, words, told, ended });
        self.arm_referral(key);
    }

    /// The REFER of ours that a NOTIFY reports on: the one that it names, or the only one there is.
    fn issued(&self, call: &Call, leg: usize, id: Option<&str>) -> Option<u64> {
        let named: Option<u32> = id.and_then(|id| id.parse().ok());
        if id.is_some() && named.is_none() {
            return None;
        }
        call.referrals.iter().copied().find(|key| {
            self.referrals.get(*key).is_some_and(|referral| match (&referral.part, &referral.place) {
                (Part::Issuer(issuer), Place::Leg(own)) => {
                    *own == leg && named.is_none_or(|cseq| issuer.cseqs.contains(&cseq))
                }
                (Part::Issuer(_), Place::Own(_)) | (Part::Recipient(_), _) => false,
            })
        })
    }

    /// Sets when a referral is to be looked at.
    pub(super) fn arm_referral(&mut self, key: u64) {
        let Some(referral) = self.referrals.get_mut(key) else { return };
        if let Some(due) = referral.due()
            && referral.armed.is_none_or(|armed| due < armed)
        {
            referral.armed = Some(due);
            self.referral_wheel.arm(due, key);
        }
    }

    /// Looks at a referral whose time may have come.
    pub(super) fn referral_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(referral) = self.referrals.get_mut(key) else { return };
        referral.armed = None;
        if referral.due().is_none_or(|due| due > now) {
            return self.arm_referral(key);
        }
        match &referral.part {
            Part::Issuer(issuer) if issuer.until > now => self.renew(desk, now, key),
            Part::Issuer(_) => self.advance_issuer(desk, now, key, issuer::Input::TimedOut),
            Part::Recipient(recipient) => match recipient.state {
                recipient::State::Asking => self.declined(desk, now, key, Status::TEMPORARILY_UNAVAILABLE),
                recipient::State::Calling
                | recipient::State::Leaving
                | recipient::State::Releasing
                | recipient::State::Failed
                | recipient::State::Over => {
                    self.advance_recipient(desk, now, key, recipient::Input::Lingered);
                }
            },
        }
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
                    self.arm_referral(key);
                }
                Some(Part::Recipient(_)) => {
                    // Who is called into a room is, though whoever asked for it has left it; and who is behind a bridge
                    // is handed over, whoever ends the call with whoever wants it.
                    let leaves = by_peer || self.has_rooms() || self.is_onward(key);
                    let input =
                        if leaves { recipient::Input::TransferorLeft } else { recipient::Input::Left };
                    self.advance_recipient(desk, now, key, input);
                }
                Some(Part::Issuer(_)) | None => {}
            }
        }
        self.handing_ended(desk, now, at, by_peer);
        self.bridge_ended(desk, now, at, by_peer);
    }
}

impl Own {
    /// The next number, whether the dialog stands or is still to come.
    fn next_cseq(&mut self) -> u32 {
        if let Some(dialog) = &mut self.dialog {
            return dialog.next_cseq();
        }
        self.cseq += 1;
        self.cseq
    }

    /// The next request: in the dialog if it stands, else the one that begins it.
    fn letter(&mut self, purpose: Purpose, method: Method) -> (Letter, Vec<Way>, Vec<Realm>) {
        let cseq = self.next_cseq();
        let realms = self.realms.clone();
        if let Some(dialog) = &self.dialog {
            let letter = Letter::in_dialog(dialog, purpose, method, cseq, self.listener);
            return (letter, vec![dialog.way()], realms);
        }
        let letter = Letter {
            purpose,
            method,
            from: self.from.clone(),
            to: self.to.clone(),
            call_id: self.call_id.clone(),
            cseq,
            contact: ContactLine::Own(Box::default()),
            lines: Vec::new(),
            body: None,
            listener: self.listener,
        };
        (letter, self.ways.clone(), realms)
    }
}

/// The Event of a NOTIFY, which is to be `refer`; else the status that refuses it.
fn refer_event(request: &View<'_>) -> Result<Event, Status> {
    match request.header::<Event>() {
        Some(Ok(event)) if event.is("refer") => Ok(event),
        Some(Ok(_)) | None => Err(Status::BAD_EVENT),
        Some(Err(_)) => Err(Status::BAD_REQUEST),
    }
}
