//! The subscription that a REFER makes, kept up while the transfer is under way (RFC 3515 §2.4.4): its notifier chose how
//! long it lasts, and SUBSCRIBE in the same dialog refreshes it (RFC 6665 §4.1.2.2, §4.2.1).

use super::Telephone;
use super::letter::Purpose;
use super::referral::{Issuer, Part, Place, Referral};
use super::transferee::SUBSCRIBED_S;
use crate::desk::Desk;
use cordboard_core::refer::{issuer, recipient};
use cordboard_core::subscription::duration::Terms;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::header::{Event, Expires};
use cordboard_sip::{Builder, Method, Name, Status, View};

/// What is asked for at each refresh: longer than a call may ring.
const WANTED_S: u32 = SUBSCRIBED_S;

/// What is granted.
const TERMS: Terms = Terms { default: SUBSCRIBED_S, least: 60, most: SUBSCRIBED_S };

impl Issuer {
    /// When the subscription is to be refreshed.
    pub(super) const fn renew_at(&self) -> Option<Instant> {
        match self.state {
            issuer::State::Reporting => self.life.refresh_at(),
            issuer::State::Sent | issuer::State::Over => None,
        }
    }
}

impl Telephone {
    /// Asks for more time, for the last report has not come.
    pub(super) fn renew(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part)
        else {
            return;
        };
        issuer.life.refreshing(WANTED_S);
        // RFC 3515 §2.4.6: a number says which REFER, if there were several.
        let event = match issuer.cseqs.last() {
            Some(cseq) => format!("refer;id={cseq}"),
            None => "refer".to_owned(),
        };
        let lines = vec![(Name::EVENT, event.into()), (Name::EXPIRES, WANTED_S.to_string().into())];
        if !self.write_in_dialog(desk, now, key, Method::Subscribe, lines, None) {
            self.renewed(desk, now, key, Status::SERVICE_UNAVAILABLE, None);
        }
        self.arm_referral(key);
    }

    /// The final response to a refresh, or none.
    pub(super) fn renewed(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let Some(Part::Issuer(issuer)) = self.referrals.get_mut(key).map(|referral| &mut referral.part)
        else {
            return;
        };
        match response {
            Some(response) if status.is_success() => {
                let granted = response.header::<Expires>().and_then(Result::ok);
                issuer.life.answered(now, granted.map(|Expires(seconds)| seconds), desk.stack.timing());
            }
            // RFC 6665 §4.1.2.2: it is gone. Nothing more will be reported.
            Some(_) if status == Status::CALL_DOES_NOT_EXIST => {
                return self.advance_issuer(desk, now, key, issuer::Input::Ended);
            }
            // It goes on until its end. Many who know REFER know no SUBSCRIBE; their last report comes all the same.
            Some(_) | None => issuer.life.refused(now, desk.stack.timing()),
        }
        self.arm_referral(key);
    }

    /// The REFER of theirs whose subscription a SUBSCRIBE in its dialog is about.
    fn refreshed_referral(&self, request: &View<'_>, found: Option<(u64, usize)>) -> Option<u64> {
        let id = match request.header::<Event>()? {
            Ok(event) => event.id.map(|id| id.parse::<u32>().ok()),
            Err(_) => return None,
        };
        let fits = |referral: &Referral| match &referral.part {
            Part::Recipient(recipient) => {
                recipient.reports
                    && recipient.state != recipient::State::Over
                    && (id.is_none() || id == Some(recipient.id.or(recipient.cseq)))
            }
            Part::Issuer(_) => false,
        };
        let Some((at, leg)) = found else {
            return self.find_referral(request).filter(|key| self.referrals.get(*key).is_some_and(fits));
        };
        let here = |referral: &Referral| matches!(referral.place, Place::Leg(own) if own == leg);
        let of_call = &self.calls.get(at)?.referrals;
        of_call
            .iter()
            .copied()
            .find(|key| self.referrals.get(*key).is_some_and(|referral| here(referral) && fits(referral)))
    }

    /// A SUBSCRIBE to `refer` in a dialog: a refresh, or with no time at all the end (RFC 6665 §4.2.1.3). Nothing but a
    /// REFER begins one (RFC 3515 §2.4.4).
    pub(super) fn refer_resubscribed(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        found: Option<(u64, usize)>,
    ) {
        let Some(key) = self.refreshed_referral(request, found) else {
            return desk.reply(now, server, request, Status::FORBIDDEN);
        };
        let dialog = match self.referrals.get_mut(key).map(|referral| (&mut referral.place, referral.call)) {
            Some((Place::Own(own), _)) => own.dialog.as_mut(),
            Some((Place::Leg(leg), at)) => {
                let call = at.and_then(|at| self.calls.get_mut(at));
                call.and_then(|call| call.legs.get_mut(*leg)).map(|leg| &mut leg.dialog)
            }
            None => None,
        };
        if let Some(Err(late)) = dialog.map(|dialog| dialog.accept(request)) {
            return desk.reply(now, server, request, late.status());
        }
        let asked = match request.header::<Expires>() {
            Some(Ok(Expires(seconds))) => Some(seconds),
            Some(Err(_)) => return desk.reply(now, server, request, Status::BAD_REQUEST),
            None => None,
        };
        let granted = match TERMS.grant(asked) {
            Ok(granted) => granted,
            Err(too_brief) => {
                let response = desk.response(request, Status::INTERVAL_TOO_BRIEF);
                let bytes = response.line(Name::MIN_EXPIRES, too_brief.0).finish();
                return desk.stack.respond(now, server, Status::INTERVAL_TOO_BRIEF, bytes);
            }
        };
        let contact = self.own_contact(desk, request, flow);
        let Some(source) = request.source() else { return };
        let bytes = Builder::response_to(request, source, Status::OK, None)
            .line(Name::CONTACT, contact)
            .line(Name::EXPIRES, granted)
            .finish();
        desk.stack.respond(now, server, Status::OK, bytes);
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.granted = granted;
        let said = recipient.said;
        self.report(desk, now, key, said);
        if granted == 0
            && let Some(recipient) = self.recipient_mut(key)
        {
            recipient.reports = false;
        }
    }
}

/// Whose request it is that renews: what `next_cseq` and the answers need.
pub(super) const fn purpose_of(method: Method, key: u64) -> Purpose {
    match method {
        Method::Refer => Purpose::Refer(key),
        Method::Subscribe => Purpose::Renew(key),
        _ => Purpose::Notify(key),
    }
}
