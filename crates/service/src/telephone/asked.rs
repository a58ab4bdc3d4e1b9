//! Being asked to call somebody: which REFERs are obeyed, for whom, and why others are not (RFC 3515 §2.4.2, RFC 4538).

use super::Telephone;
use super::bridged::handing_on::Onward;
use super::referral::{Own, Part, Place, Recipient, Referral};
use super::token::Token;
use super::transferee::SUBSCRIBED_S;
use super::verdict;
use super::written::contact_uri;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::{Askers, Feature, Profile};
use cordboard_core::dialog::{Dialog, OutOfOrder};
use cordboard_core::refer::recipient::{Input, State};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::header::{Header, Join, ReferSub, ReferTo, Replaces, Require, TargetDialog};
use cordboard_sip::uri::UriHeaders;
use cordboard_sip::{Builder, Name, Status, UriRef, View};
use std::time::Duration;

/// How long the owner may think over whether to call somebody.
const CONSENT_LIMIT: Duration = Duration::from_mins(1);

/// Wishes of strangers that the owner may have to think over at a time; more are refused with 503.
const MAX_ASKING: usize = 8;

/// What somebody is to do whom a Refer-To names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Be called.
    Called,
    /// Leave a room of ours (RFC 4579 §5.11).
    Removed,
}

/// What a REFER asks for, as far as it is obeyed.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) wanted: Wanted,
    pub(super) to: Box<str>,
    pub(super) lines: Vec<(Name, Box<str>)>,
    pub(super) token: Option<Box<Token>>,
}

/// Where a REFER came, and what it is about.
enum About {
    /// A call in whose dialog it is.
    Within(u64, usize),
    /// A call that it names in Target-Dialog.
    Named(u64),
    /// None: the owner decides.
    Nothing,
}

impl About {
    const fn call(&self) -> Option<u64> {
        match self {
            Self::Within(call, _) | Self::Named(call) => Some(*call),
            Self::Nothing => None,
        }
    }
}

/// Why a REFER is refused, and the words that go with it.
pub(super) struct Refusal(pub(super) Status, pub(super) &'static str);

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self(status, "")
    }
}

impl Telephone {
    /// A REFER, in a call or outside (RFC 3515 §2.4.2).
    pub(super) fn referred(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        found: Option<(u64, usize)>,
    ) {
        if !self.account.transfers.knows(Feature::Refer) {
            return super::answers::not_implemented(desk, now, server, request);
        }
        if let Some((status, bytes)) = super::answers::lacking(desk, request) {
            return desk.stack.respond(now, server, status, bytes);
        }
        if let Some((at, _)) = found
            && self.calls.get(at).is_some_and(|call| call.sent_ok.is_some())
        {
            // RFC 5407 §3.1.4: whoever sends this has our 2xx; only its ACK is late.
            self.acked(desk, now, at, true);
        }
        let looked = self
            .about(request, found)
            .and_then(|about| Ok((self.wish_of(request, flow.listener, desk)?, about)))
            .and_then(|(wish, about)| {
                let other = about.call().map(|at| self.to_be_handed_on(at, &wish)).transpose()?.flatten();
                Ok((wish, about, other))
            });
        let (mut wish, about, other) = match looked {
            Ok(looked) => looked,
            Err(Refusal(status, words)) => {
                let mut response = desk.response(request, status);
                if !words.is_empty() {
                    response = response.line(Name::WARNING, verdict::warning(desk, flow.listener, words));
                }
                return desk.stack.respond(now, server, status, response.finish());
            }
        };
        // Whoever is connected with somebody may hand them over, as in any other call.
        if other.is_none() && self.is_server() && !self.is_admitted(desk, now, flow, server, request) {
            return;
        }
        let asserted = super::who_may::vouched_for(desk, flow, request);
        if self.is_server() && (asserted.is_some() || other.is_some()) {
            // What we do for others we do in the name of who has asked, whatever they say; who proves nothing has none.
            wish.lines.retain(|(name, _)| *name != Name::REFERRED_BY);
            wish.lines.extend(asserted.map(|asserted| (Name::REFERRED_BY, asserted.into())));
            wish.token = None;
        }
        if let Some(at) = about.call() {
            self.transferor_stays(desk, now, at);
        }
        let too_many = matches!(about, About::Nothing) && self.asking().count() >= MAX_ASKING;
        if too_many || !self.takes_referral(about.call()) || self.has_no_room() {
            return desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE);
        }
        let reports = self.reports_on(request);
        let name = self.next_name();
        let Some(place) = Self::place_of(desk, request, flow, &about) else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        let recipient = Recipient {
            state: State::Asking,
            wish,
            name,
            user: None,
            into: None,
            new: None,
            id: self.event_id(request, &about),
            cseq: Some(request.cseq().0),
            reports,
            granted: SUBSCRIBED_S,
            said: Status::TRYING,
            notifying: false,
            waiting: None,
            status: Status::SERVICE_UNAVAILABLE,
            reasons: Box::default(),
            holds: false,
            until: Some(now + CONSENT_LIMIT),
            onward: other.map(|other| Box::new(Onward::new(other))),
        };
        let key = self.add_referral(Referral::new(about.call(), place, Part::Recipient(recipient)));
        self.accept_refer(desk, now, server, request, key);
        match about {
            // Whoever has a call with us may hand us over; what becomes of a room its program says.
            About::Within(..) | About::Named(_) if !self.has_rooms() => {
                self.advance_recipient(desk, now, key, Input::Consented);
            }
            About::Within(..) | About::Named(_) | About::Nothing => {
                let from = asserted.or(request.value(Name::FROM)).unwrap_or_default().into();
                let Some(Recipient { wish, .. }) = self.recipient_mut(key) else { return };
                let (to, wanted) = (wish.to.clone(), wish.wanted);
                // A program does not think it over.
                if !self.is_server() {
                    self.report(desk, now, key, Status::TRYING);
                }
                let at = request.request_uri().into();
                Self::tell(
                    desk,
                    match wanted {
                        Wanted::Called => CallEvent::Asked { call: name, from, to, at },
                        Wanted::Removed => CallEvent::AskedToRemove { call: name, from, who: to, at },
                    },
                );
                self.arm_referral(key);
            }
        }
    }

    /// Which call a REFER is about, or why it may not be.
    fn about(&mut self, request: &View<'_>, found: Option<(u64, usize)>) -> Result<About, Refusal> {
        if let Some((at, leg)) = found {
            let call = self.calls.get_mut(at).ok_or(Status::CALL_DOES_NOT_EXIST)?;
            call.legs[leg].dialog.accept(request).map_err(OutOfOrder::status)?;
            if !call.is_up() || call.answered != Some(leg) {
                return Err(Refusal(Status::CALL_DOES_NOT_EXIST, "the call has ended"));
            }
            // A Contact that cannot be read changes nothing.
            let _ = call.legs[leg].dialog.refresh_target(request);
            return Ok(About::Within(at, leg));
        }
        if request.to_tag().is_some() {
            let words = if self.knows_call_id(request.call_id()) {
                "the tags match no call"
            } else {
                "the Call-ID matches no call"
            };
            return Err(Refusal(Status::CALL_DOES_NOT_EXIST, words));
        }
        if let Some(named) = request.header::<TargetDialog>() {
            let named = named.map_err(|_| Status::BAD_REQUEST)?;
            return self.authorized_by(&named).map(About::Named);
        }
        match self.account.transfers.askers {
            // Whether a member asks is seen then.
            Askers::Ask | Askers::Members => Ok(About::Nothing),
            // Whoever has no call with us may not have us call others.
            Askers::Refuse => Err(Status::FORBIDDEN.into()),
        }
    }

    /// The call that Target-Dialog names (RFC 4538 §4): who knows it is one of those on its way.
    fn authorized_by(&self, named: &TargetDialog) -> Result<u64, Refusal> {
        let tags = (named.local_tag.as_ref(), named.remote_tag.as_ref());
        let (Some(local), Some(remote)) = tags else {
            return Err(Refusal(Status::FORBIDDEN, "Target-Dialog lacks a tag"));
        };
        let call_id = named.call_id.to_string();
        let call = |tag: &str| self.call_by(&call_id, tag);
        let fits = call(local.as_str()).filter(|(_, call)| {
            call.answered.and_then(|leg| call.legs.get(leg)).is_some_and(|leg| {
                let id = leg.dialog.id();
                named.names(&id.call_id, &id.local_tag, &id.remote_tag)
            })
        });
        match fits {
            Some((key, call)) if call.is_up() => Ok(key),
            Some(_) => Err(Refusal(Status::FORBIDDEN, "the call that Target-Dialog names has ended")),
            None if call(remote.as_str()).is_some() => {
                Err(Refusal(Status::FORBIDDEN, "the tags of Target-Dialog are swapped"))
            }
            None if self.knows_call_id(&call_id) => {
                Err(Refusal(Status::FORBIDDEN, "the tags of Target-Dialog match no call"))
            }
            None => Err(Refusal(Status::FORBIDDEN, "the Call-ID of Target-Dialog matches no call")),
        }
    }

    /// What a REFER asks for. Headers in its URI that could redirect or forge are not obeyed (RFC 3261 §19.1.5), and
    /// nothing but a call is made.
    fn wish_of(&self, request: &View<'_>, listener: ListenerId, desk: &Desk) -> Result<Wish, Refusal> {
        let gateway = self.account.transfers.profile == Profile::Gateway;
        if gateway && (!request.has(Name::REFERRED_BY) || request.contact().is_none()) {
            return Err(Refusal(Status::BAD_REQUEST, "Referred-By and Contact are required"));
        }
        let mut targets = request.headers::<ReferTo>();
        // RFC 3515 §2.4.2: exactly one.
        let (Some(Ok(mut target)), None) = (targets.next(), targets.next()) else {
            return Err(Refusal(Status::BAD_REQUEST, "there must be one Refer-To"));
        };
        let asks_for = |name: &str| target.method().is_some_and(|method| method.eq_ignore_ascii_case(name));
        let wanted = if asks_for("BYE") && self.has_rooms() { Wanted::Removed } else { Wanted::Called };
        if target.method().is_some() && !asks_for("INVITE") && wanted == Wanted::Called {
            return Err(Refusal(Status::BAD_REQUEST, "Refer-To asks for something else than a call"));
        }
        let replaces: Option<Replaces> = target
            .replaces()
            .transpose()
            .map_err(|_| Refusal(Status::BAD_REQUEST, "the Replaces in Refer-To cannot be read"))?;
        let Some(uri) = target.addr.uri.as_sip_mut() else {
            return Err(Status::UNSUPPORTED_URI_SCHEME.into());
        };
        let join = uri.headers.get("Join").map(|value| Join::parse(&value)).transpose();
        let join = join.map_err(|_| Refusal(Status::BAD_REQUEST, "the Join in Refer-To cannot be read"))?;
        if replaces.is_some() && join.is_some() {
            return Err(Refusal(Status::BAD_REQUEST, "Refer-To has both Replaces and Join"));
        }
        // The Contact of a call to be taken over or joined may name a place alone.
        if replaces.is_none() && join.is_none() && uri.user().is_none_or(|user| user.is_empty()) {
            return Err(Refusal(Status::ADDRESS_INCOMPLETE, "Refer-To names no user"));
        }
        uri.headers = UriHeaders::default();
        uri.params.remove("method");
        let to = target.addr.uri.to_string();
        if self.is_self(desk, listener, &to) {
            return Err(Refusal(Status::LOOP_DETECTED, verdict::ITSELF));
        }
        let mut lines = Vec::new();
        if let Some(replaces) = replaces {
            lines.push((Name::REPLACES, replaces.to_string().into()));
            lines.push((Name::REQUIRE, "replaces".into()));
        }
        if let Some(join) = join {
            lines.push((Name::JOIN, join.to_string().into()));
            lines.push((Name::REQUIRE, "join".into()));
        }
        if let Some(referred_by) = request.value(Name::REFERRED_BY) {
            lines.push((Name::REFERRED_BY, referred_by.into()));
        }
        Ok(Wish { wanted, to: to.into(), lines, token: Token::of(request).map(Box::new) })
    }

    /// Whether a URI names this telephone: our address-of-record, our Contact, or a room of ours.
    fn is_self(&self, desk: &Desk, listener: ListenerId, uri: &str) -> bool {
        let Ok(uri) = UriRef::parse(uri) else { return false };
        let settings = &self.account;
        let ours = [
            format!("sip:{}@{}", settings.user, settings.domain),
            contact_uri(desk, settings, listener, false),
        ];
        let rooms = self
            .places
            .iter()
            .filter(|_| self.has_rooms())
            .map(|place| format!("sip:{place}@{}", settings.domain));
        let same_place = |own: &UriRef<'_>| {
            own.user() == uri.user()
                && own.host().eq_ignore_ascii_case(uri.host())
                && own.port().unwrap_or(5060) == uri.port().unwrap_or(5060)
        };
        ours.into_iter().chain(rooms).any(|own| UriRef::parse(&own).is_ok_and(|own| same_place(&own)))
    }

    /// Whether a REFER makes a subscription (RFC 4488 §4, RFC 7614 §4).
    fn reports_on(&self, request: &View<'_>) -> bool {
        let unwanted = matches!(request.header::<ReferSub>(), Some(Ok(ReferSub { wanted: false, .. })));
        let forbidden = request.headers::<Require>().any(|require| {
            require.is_ok_and(|Require(options)| {
                options.iter().any(|option| option.as_str().eq_ignore_ascii_case("nosub"))
            })
        });
        !(self.account.transfers.knows(Feature::NoReferSub) && (unwanted || forbidden))
    }

    /// RFC 3515 §2.4.6: NOTIFYs of the first REFER in a dialog need no number, and some do not know it.
    fn event_id(&mut self, request: &View<'_>, about: &About) -> Option<u32> {
        let About::Within(at, _) = about else { return None };
        let call = self.calls.get_mut(*at)?;
        call.referred += 1;
        (call.referred > 1).then_some(request.cseq().0)
    }

    /// In which dialog what follows from a REFER travels; none if the request cannot make one.
    fn place_of(desk: &mut Desk, request: &View<'_>, flow: Flow, about: &About) -> Option<Place> {
        if let About::Within(_, leg) = about {
            return Some(Place::Leg(*leg));
        }
        let local_tag = desk.stack.dice().tag();
        let dialog = Dialog::from_request(request, &local_tag).ok()?;
        Some(Place::Own(Box::new(Own {
            call_id: request.call_id().into(),
            local_tag: local_tag.into(),
            from: Box::default(),
            to: Box::default(),
            refer_to: Box::default(),
            ways: Vec::new(),
            cseq: 0,
            realms: Vec::new(),
            listener: flow.listener,
            dialog: Some(dialog),
        })))
    }

    fn accept_refer(&self, desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>, key: u64) {
        let (Some(flow), Some(source)) = (desk.stack.server_flow(server), request.source()) else { return };
        let Some(referral) = self.referrals.get(key) else { return };
        let tag = match &referral.place {
            Place::Own(own) => Some(&*own.local_tag),
            Place::Leg(_) => None,
        };
        // RFC 7647 §4: 202 says no more than 200.
        let status = match self.account.transfers.profile {
            Profile::Rfc7647 => Status::OK,
            Profile::Bcp | Profile::Gateway => Status::ACCEPTED,
        };
        let contact = self.own_contact(desk, request, flow);
        let mut response = Builder::response_to(request, source, status, tag)
            .copy(request, Name::RECORD_ROUTE)
            .line(Name::CONTACT, contact);
        if matches!(&referral.part, Part::Recipient(recipient) if !recipient.reports)
            && request.has(Name::REFER_SUB)
        {
            response = response.line(Name::REFER_SUB, "false");
        }
        desk.stack.respond(now, server, status, response.finish());
    }

    /// The REFER that asked for a call of that name, while its owner is asked.
    pub(super) fn asked(&self, name: CallName) -> Option<u64> {
        self.asking().find(|(_, asked)| *asked == name).map(|(key, _)| key)
    }

    /// The REFERs whose owner is asked, with the names of the calls that they ask for.
    fn asking(&self) -> impl Iterator<Item = (u64, CallName)> {
        self.referrals.with_keys().filter_map(|(key, referral)| match &referral.part {
            Part::Recipient(recipient) if recipient.state == State::Asking => Some((key, recipient.name)),
            Part::Recipient(_) | Part::Issuer(_) => None,
        })
    }

    /// The owner consents.
    pub(super) fn consent(&mut self, desk: &mut Desk, now: Instant, name: CallName, user: Option<Box<str>>) {
        match self.asked(name) {
            Some(key) => {
                if let Some(recipient) = self.recipient_mut(key) {
                    recipient.user = user;
                }
                self.advance_recipient(desk, now, key, Input::Consented);
            }
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// The owner does not.
    pub(super) fn refuse(&mut self, desk: &mut Desk, now: Instant, name: CallName, status: Status) {
        let status = if status.code() < 300 { Status::DECLINE } else { status };
        match self.asked(name) {
            Some(key) => self.declined(desk, now, key, status),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// It is seen to in another way.
    pub(super) fn take_request(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.asked(name) {
            Some(key) => self.declined(desk, now, key, Status::ACCEPTED),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// What was asked for is not done.
    pub(super) fn declined(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.status = status;
        let name = recipient.name;
        let outcome = super::call::outcome_of(status);
        Self::tell(desk, CallEvent::Ended { call: name, outcome, status: Some(status), by_peer: false });
        self.advance_recipient(desk, now, key, Input::Declined);
    }
}
