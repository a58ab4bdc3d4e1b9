//! Being handed over: the transferee of RFC 5589 §6 and §7, and whoever is asked to call somebody (RFC 5359 §2.18).

use super::Telephone;
use super::call::Change;
use super::caller::Placing;
use super::errand::{MESSAGE_PIECE, contact_uri};
use super::referral::{Own, Part, Place, Recipient, Referral};
use super::token::Token;
use super::verdict;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::{Askers, Feature, Profile, Release};
use cordboard_core::dialog::{Dialog, OutOfOrder};
use cordboard_core::refer::recipient::{Act, Input, State, step};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::body::sipfrag;
use cordboard_sip::header::{NameAddrRef, ReferSub, ReferTo, Replaces, Require, TargetDialog};
use cordboard_sip::uri::UriHeaders;
use cordboard_sip::{Builder, Method, Name, Status, UriRef, View};
use std::time::Duration;

/// For how long a subscription is promised (RFC 6665 §4.2.1.1): as long as a call may ring, and longer.
const SUBSCRIBED_S: u32 = 600;

/// How long the owner may think over whether to call somebody.
const CONSENT_LIMIT: Duration = Duration::from_mins(1);

/// What a REFER asks for, as far as it is obeyed.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) to: Box<str>,
    lines: Vec<(Name, Box<str>)>,
    token: Option<Box<Token>>,
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
struct Refusal(Status, &'static str);

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
        let looked = self
            .about(request, found)
            .and_then(|about| Ok((self.wish_of(request, flow.listener, desk)?, about)));
        let (wish, about) = match looked {
            Ok(looked) => looked,
            Err(Refusal(status, words)) => {
                let mut response = desk.response(request, status);
                if !words.is_empty() {
                    response = response.line(Name::WARNING, verdict::warning(desk, flow.listener, words));
                }
                return desk.stack.respond(now, server, status, response.finish());
            }
        };
        if let Some(at) = about.call() {
            self.transferor_stays(desk, now, at);
        }
        if !self.takes_referral(about.call()) || self.has_no_room() {
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
            new: None,
            id: self.event_id(request, &about),
            reports,
            notifying: false,
            waiting: None,
            status: Status::SERVICE_UNAVAILABLE,
            reasons: Box::default(),
            holds: false,
            until: Some(now + CONSENT_LIMIT),
        };
        let key = self.add_referral(Referral::new(about.call(), place, Part::Recipient(recipient)));
        self.accept_refer(desk, now, server, request, key);
        match about {
            // Whoever has a call with us may hand us over.
            About::Within(..) | About::Named(_) => {
                self.advance_recipient(desk, now, key, Input::Consented);
            }
            About::Nothing => {
                let from = request.value(Name::FROM).unwrap_or_default().into();
                let to = self.recipient_mut(key).map(|recipient| recipient.wish.to.clone());
                self.report(desk, now, key, Status::TRYING);
                Self::tell(desk, CallEvent::Asked { call: name, from, to: to.unwrap_or_default() });
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
            Askers::Ask => Ok(About::Nothing),
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
        if target.method().is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
            return Err(Refusal(Status::BAD_REQUEST, "Refer-To asks for something else than a call"));
        }
        let replaces: Option<Replaces> = target
            .replaces()
            .transpose()
            .map_err(|_| Refusal(Status::BAD_REQUEST, "the Replaces in Refer-To cannot be read"))?;
        let Some(uri) = target.addr.uri.as_sip_mut() else {
            return Err(Status::UNSUPPORTED_URI_SCHEME.into());
        };
        // The Contact of a call to be taken over may name a place alone.
        if replaces.is_none() && uri.user().is_none_or(|user| user.is_empty()) {
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
        if let Some(referred_by) = request.value(Name::REFERRED_BY) {
            lines.push((Name::REFERRED_BY, referred_by.into()));
        }
        Ok(Wish { to: to.into(), lines, token: Token::of(request).map(Box::new) })
    }

    /// Whether a URI names this telephone: our address-of-record or our Contact.
    fn is_self(&self, desk: &Desk, listener: ListenerId, uri: &str) -> bool {
        let Ok(uri) = UriRef::parse(uri) else { return false };
        let settings = &self.account;
        let ours = [
            format!("sip:{}@{}", settings.user, settings.domain),
            contact_uri(desk, settings, listener, false),
        ];
        let same_place = |own: &UriRef<'_>| {
            own.user() == uri.user()
                && own.host().eq_ignore_ascii_case(uri.host())
                && own.port().unwrap_or(5060) == uri.port().unwrap_or(5060)
        };
        ours.iter().any(|own| UriRef::parse(own).is_ok_and(|own| same_place(&own)))
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

    /// The REFER that asked for a call of that name, while its owner is asked.
    fn asked(&self, name: CallName) -> Option<u64> {
        let asks = |referral: &Referral| {
            matches!(&referral.part, Part::Recipient(recipient)
                if recipient.state == State::Asking && recipient.name == name)
        };
        self.by_referral.values().copied().find(|key| self.referrals.get(*key).is_some_and(asks))
    }

    /// The owner consents.
    pub(super) fn consent(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.asked(name) {
            Some(key) => self.advance_recipient(desk, now, key, Input::Consented),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// The owner does not.
    pub(super) fn refuse(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.asked(name) {
            Some(key) => self.declined(desk, now, key, Status::DECLINE),
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

    /// Makes the call that a REFER asks for.
    fn make_new_call(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let old = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        let old = old.filter(|call| call.is_up()).map(|call| call.name);
        let holds = old.filter(|_| self.account.transfers.holds_meanwhile);
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.holds = holds.is_some();
        let (wish, new) = (recipient.wish.clone(), recipient.name);
        self.report(desk, now, key, Status::TRYING);
        Self::tell(desk, CallEvent::Referred { call: old, new, to: wish.to.clone() });
        if let Some(name) = holds {
            self.want(desk, now, name, Change::Hold);
        }
        let placing = Placing { lines: wish.lines, token: wish.token, asked_by: Some(key), ..Placing::USUAL };
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
        if let Some(key) = asked.filter(|_| self.account.transfers.reports_ringing) {
            self.report(desk, now, key, Status::RINGING);
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
        let reasons = std::mem::take(&mut call.reasons);
        let left = self.referrals.get(key).is_some_and(|referral| referral.call.is_some());
        let input = if left && !self.old_call_is_up(key) { Input::FailedAlone } else { Input::Failed };
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.status = status;
            recipient.reasons = reasons;
        }
        self.advance_recipient(desk, now, key, input);
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
        let Some(old) = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?)) else {
            return;
        };
        // Whom we gave up ourselves we do not call.
        let Some(leg) = old.answered.and_then(|leg| old.legs.get(leg)) else { return };
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
        let state = match (status.is_provisional(), recipient.state) {
            // RFC 6665 §4.1.3: nobody has agreed yet.
            (true, State::Asking) => format!("pending;expires={SUBSCRIBED_S}"),
            (true, State::Calling | State::Leaving | State::Releasing | State::Failed | State::Over) => {
                format!("active;expires={SUBSCRIBED_S}")
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

/// Whether a NOTIFY that is answered so ends its subscription (RFC 6665 §4.2.2 with RFC 5057 §5.1): nobody knows it any
/// more, or nobody is there. The new call goes on.
const fn ends_subscription(status: Status) -> bool {
    matches!(status.code(), 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 503 | 604)
}
