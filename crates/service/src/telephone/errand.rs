//! An errand: one request of ours from the wish to its final response. It finds servers (RFC 3263),
//! goes on to the next when one fails, and answers challenges; whoever sent it hears only the end.

use super::Telephone;
use super::token::Token;
use super::wallet::{Realm, Rounds};
use crate::desk::{Asker, Desk, Sought, role};
use crate::door::Answer;
use crate::settings::{self, Feature, Transfers};
use cordboard_core::dialog::{Dialog, Way};
use cordboard_core::server_location::{Scheme as TargetScheme, Selection, Supported, TargetUri};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, Owner};
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::digest::Request;
use cordboard_sip::{Builder, Method, Name, Scheme, Status, UriRef, View};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Requests of one telephone that may be under way at a time.
const MAX_ERRANDS: usize = 20_000;

/// RFC 3261 §18.1.1: larger requests go over a stream if there is one.
pub(super) const MAX_DATAGRAM_REQUEST: usize = 1300;

/// What a request holds besides its body, as a guess before it is written.
pub(super) const USUAL_HEAD: usize = 500;

/// Methods that this telephone knows.
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, MESSAGE, INFO";

/// Extensions that it knows (RFC 3262, RFC 4028, RFC 3891, RFC 3911, RFC 4538, RFC 4488, RFC 7614, RFC 4916).
pub(super) const SUPPORTED: &str = "100rel, timer, replaces, join, tdialog, norefersub, nosub, from-change";

/// What a Contact says of whoever hears nothing of the other side (RFC 4235 §5.2).
pub(super) const RENDERS_NOTHING: &str = ";+sip.rendering=\"no\"";

/// The parameter of our Contact that names a conference.
pub(super) const CONFERENCE: &str = "conf";

/// The content type of a session description.
pub(super) const SDP: &str = "application/sdp";

/// The content type of a piece of a message (RFC 3420).
pub(super) const MESSAGE_PIECE: &str = "message/sipfrag;version=2.0";

/// The content type of an instant message.
pub(super) const TEXT: &str = "text/plain;charset=UTF-8";

/// The content type of a message with a link.
pub(super) const HYPERTEXT: &str = "text/html;charset=UTF-8";

/// Whose errand it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE that begins a call.
    Invite(u64),
    /// A change of a call.
    Change(u64),
    /// A change in one leg of a call, by UPDATE.
    Update(u64, usize),
    /// The acknowledgement of a 2xx on one leg of a call.
    Ack(u64, usize),
    /// The acknowledgement of a reliable provisional response on one leg of a call.
    Prack(u64, usize),
    /// The end of one leg of a call.
    Bye(u64, usize),
    /// The question what the other side of a call can do.
    Options(u64),
    /// The REFER of a referral.
    Refer(u64),
    /// A NOTIFY of a referral.
    Notify(u64),
    /// A SUBSCRIBE that refreshes the subscription of a referral.
    Renew(u64),
    /// The SUBSCRIBE of something that is watched.
    Subscribe(u64),
    /// A NOTIFY to somebody who watches.
    Tell(u64),
    /// An OPTIONS outside a call.
    Ask(u64),
    /// An INFO in a call.
    Info(u64),
    /// An instant message.
    Message(u64),
    /// The registrar.
    Register,
}

impl Purpose {
    /// The call it belongs to.
    pub(super) const fn call(self) -> Option<u64> {
        match self {
            Self::Invite(call)
            | Self::Change(call)
            | Self::Update(call, _)
            | Self::Ack(call, _)
            | Self::Prack(call, _)
            | Self::Bye(call, _)
            | Self::Info(call)
            | Self::Options(call) => Some(call),
            Self::Refer(_)
            | Self::Notify(_)
            | Self::Renew(_)
            | Self::Subscribe(_)
            | Self::Tell(_)
            | Self::Ask(_)
            | Self::Message(_)
            | Self::Register => None,
        }
    }
}

/// What stands in Contact.
#[derive(Clone, Debug)]
pub(super) enum ContactLine {
    /// Nothing.
    None,
    /// Our own address on the flow that is used, with these parameters.
    Own(Box<str>),
    /// This.
    Given(Box<str>),
}

/// What a request says, apart from the way it goes.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) purpose: Purpose,
    pub(super) method: Method,
    pub(super) from: Box<str>,
    pub(super) to: Box<str>,
    pub(super) call_id: Box<str>,
    pub(super) cseq: u32,
    pub(super) contact: ContactLine,
    pub(super) lines: Vec<(Name, Box<str>)>,
    /// A body and its content type.
    pub(super) body: Option<(&'static str, Box<str>)>,
    /// From which listener it is sent, if its transport allows.
    pub(super) listener: ListenerId,
}

impl Letter {
    /// A request inside a dialog, with nothing but its address.
    pub(super) fn in_dialog(
        dialog: &Dialog,
        purpose: Purpose,
        method: Method,
        cseq: u32,
        listener: ListenerId,
    ) -> Self {
        Self {
            purpose,
            method,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq,
            contact: ContactLine::Own(Box::default()),
            lines: Vec::new(),
            body: None,
            listener,
        }
    }
}

/// One request under way.
pub(super) struct Errand {
    letter: Letter,
    /// Ways not tried yet.
    ways: VecDeque<(Way, Supported)>,
    /// The way being tried.
    way: Option<(Way, Selection)>,
    realms: Vec<Realm>,
    rounds: Rounds,
    client: Option<ClientId>,
    /// Over what it was sent last.
    flow: Option<Flow>,
    /// A provisional response came: the server is there.
    heard: bool,
    /// The credentials sent last, which an ACK repeats (RFC 3261 §22.1).
    credentials: Vec<(Name, Box<str>)>,
    /// What is to be reported when no way is left.
    failure: Status,
}

impl Errand {
    pub(super) const fn purpose(&self) -> Purpose {
        self.letter.purpose
    }

    pub(super) const fn client(&self) -> Option<ClientId> {
        self.client
    }

    /// Whether the server has shown that it is there.
    pub(super) const fn is_heard(&self) -> bool {
        self.heard
    }

    pub(super) fn credentials(&self) -> &[(Name, Box<str>)] {
        &self.credentials
    }
}

impl Telephone {
    /// Sends a letter by the first of `ways` that works. `None` if there is no room; then nothing is
    /// reported.
    pub(super) fn run(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        letter: Letter,
        ways: Vec<Way>,
        realms: &[Realm],
    ) -> Option<u64> {
        if self.errands.len() >= MAX_ERRANDS {
            return None;
        }
        let purpose = letter.purpose;
        let length = USUAL_HEAD
            + letter.body.as_ref().map_or(0, |(_, body)| body.len())
            + self.token_of(purpose).map_or(0, Token::len);
        let ways = ways.into_iter().flat_map(|way| ways_of(desk, way, length)).collect();
        let key = self.errands.insert(Errand {
            letter,
            ways,
            way: None,
            realms: realms.to_vec(),
            rounds: Rounds::default(),
            client: None,
            flow: None,
            heard: false,
            credentials: Vec::new(),
            failure: Status::SERVICE_UNAVAILABLE,
        });
        if let Some(call) = purpose.call().and_then(|call| self.calls.get_mut(call)) {
            call.errands += 1;
            if matches!(purpose, Purpose::Invite(_) | Purpose::Change(_)) {
                call.invite = Some(key);
            }
        }
        self.step(desk, now, key);
        Some(key)
    }

    /// Takes an errand one step further towards a server.
    fn step(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        loop {
            let Some(errand) = self.errands.get_mut(key) else { return };
            let Some((_, selection)) = &mut errand.way else {
                let Some((way, supported)) = errand.ways.pop_front() else {
                    let status = errand.failure;
                    return self.finish(desk, now, key, status, None);
                };
                match target_of(&way.next_hop) {
                    Some(target) => errand.way = Some((way, Selection::new(target, supported))),
                    None => errand.failure = Status::UNSUPPORTED_URI_SCHEME,
                }
                continue;
            };
            match desk.seek(selection, errand.letter.listener, Asker::Telephone(key)) {
                Sought::Asked => return,
                Sought::Flow(flow) => return self.send(desk, now, key, flow),
                Sought::NoRoom => return self.finish(desk, now, key, Status::SERVICE_UNAVAILABLE, None),
                Sought::Nobody => errand.way = None,
            }
        }
    }

    /// The answer to a question of an errand.
    pub(crate) fn handle_answer(&mut self, desk: &mut Desk, now: Instant, key: u64, answer: Answer) {
        let Some(errand) = self.errands.get_mut(key) else { return };
        match answer {
            Answer::Dns(records) => {
                if let Some((_, selection)) = &mut errand.way
                    && let Some(query) = selection.asked()
                {
                    selection.handle_records(&query, records, desk.stack.dice());
                    self.step(desk, now, key);
                }
            }
            Answer::Opened(Ok(flow)) => self.send(desk, now, key, flow),
            Answer::Opened(Err(_)) => self.step(desk, now, key),
            Answer::Located(_) | Answer::Registered(_) | Answer::Kept(_) => {}
        }
        self.leave();
    }

    /// The proof that the INVITE of a call carries.
    fn token_of(&self, purpose: Purpose) -> Option<&Token> {
        match purpose {
            Purpose::Invite(key) => self.calls.get(key)?.token.as_deref(),
            _ => None,
        }
    }

    fn send(&mut self, desk: &mut Desk, now: Instant, key: u64, flow: Flow) {
        let call = self.errands.get(key).and_then(|errand| self.call_of(errand.purpose()));
        let conference = call.and_then(|call| self.conference_of_call(call));
        let conference = conference.map(|conference| conference.id.clone());
        let features = self.features(call);
        let Some(errand) = self.errands.get(key) else { return };
        let with_token = self.token_of(errand.purpose()).zip(errand.letter.body.as_ref());
        let with_token = with_token.map(|(token, (kind, body))| token.beside(kind, body.as_bytes()));
        let Some(errand) = self.errands.get_mut(key) else { return };
        let Some((way, _)) = &errand.way else { return };
        let client = desk.stack.reserve();
        let account = &self.account;
        let method = errand.letter.method;
        let digest = Request {
            method: method.as_str(),
            uri: &way.uri,
            body: match (&with_token, &errand.letter.body) {
                (Some((_, body)), _) => body,
                (None, Some((_, body))) => body.as_bytes(),
                (None, None) => &[],
            },
        };
        if method != Method::Ack {
            errand.credentials = self.wallet.lines(account, &errand.realms, &digest, desk.stack.dice());
        }
        let head = write(desk, &Face { account, conference, features }, errand, client, flow);
        let bytes = match (&with_token, &errand.letter.body) {
            (Some((kind, body)), _) => head.body(kind, body),
            (None, Some((kind, body))) => head.body(kind, body.as_bytes()),
            (None, None) => head.finish(),
        };
        if let Purpose::Ack(call, leg) = errand.purpose() {
            let cseq = errand.letter.cseq;
            desk.stack.release(client);
            desk.send(flow, bytes.clone());
            self.drop_errand(key);
            return self.acknowledged(desk, now, (call, leg), (cseq, flow, bytes));
        }
        errand.client = Some(client);
        errand.flow = Some(flow);
        errand.heard = false;
        desk.stack.request(now, client, flow, method, bytes, Owner { role: role::TELEPHONE, key });
    }

    /// A response to a request of ours.
    pub(crate) fn handle_response(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        client: ClientId,
        response: &View<'_>,
    ) {
        let Some(status) = response.status() else { return };
        let Some(errand) = self.errands.get_mut(key).filter(|errand| errand.client == Some(client)) else {
            // To a CANCEL: the 487 says more.
            return;
        };
        let purpose = errand.purpose();
        if let Purpose::Invite(call) | Purpose::Change(call) | Purpose::Update(call, _) = purpose
            && (status.is_provisional() || status.is_success())
        {
            self.note_features(desk, call, response);
        }
        let Some(errand) = self.errands.get_mut(key) else { return };
        if status.is_provisional() {
            errand.heard = true;
            if let Purpose::Invite(call) = purpose {
                self.progress(desk, now, call, response);
                self.touch(call, None);
            }
            return;
        }
        if matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
            && !self.is_given_up(purpose)
            && self.answer_challenge(desk, now, key, response)
        {
            return;
        }
        if status == Status::SERVICE_UNAVAILABLE && !self.is_given_up(purpose) {
            // RFC 3263 §4.3: another server may take it.
            if let Some(errand) = self.errands.get_mut(key) {
                errand.failure = status;
                errand.client = None;
            }
            return self.step(desk, now, key);
        }
        self.finish(desk, now, key, status, Some(response));
        self.leave();
    }

    /// Nobody answered, or it did not get out: the next server may (RFC 3263 §4.3).
    pub(super) fn errand_lost(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        client: ClientId,
        status: Status,
    ) {
        let Some(errand) = self.errands.get_mut(key).filter(|errand| errand.client == Some(client)) else {
            return;
        };
        let (heard, purpose) = (errand.heard, errand.purpose());
        errand.client = None;
        errand.failure = status;
        if heard || self.is_given_up(purpose) {
            self.finish(desk, now, key, status, None);
        } else {
            self.step(desk, now, key);
        }
    }

    /// Sends the same again with credentials and a new number (RFC 3261 §22.2), to the same server.
    fn answer_challenge(&mut self, desk: &mut Desk, now: Instant, key: u64, response: &View<'_>) -> bool {
        let Some(errand) = self.errands.get_mut(key) else { return false };
        let purpose = errand.purpose();
        if !self.wallet.learn(&self.account, response, &mut errand.rounds, &mut errand.realms) {
            return false;
        }
        let Some(flow) = errand.flow else { return false };
        let realms = errand.realms.clone();
        let Some(cseq) = self.next_cseq(purpose) else { return false };
        self.keep_realms(purpose, realms);
        if let Some(errand) = self.errands.get_mut(key) {
            errand.letter.cseq = cseq;
        }
        self.send(desk, now, key, flow);
        true
    }

    /// Cancels the INVITE of an errand; false if it is not even sent.
    pub(super) fn cancel_errand(&mut self, desk: &mut Desk, now: Instant, key: u64) -> bool {
        let client = self.errands.get(key).and_then(Errand::client);
        if let Some(client) = client {
            desk.stack.cancel(now, client);
        } else {
            self.drop_errand(key);
        }
        client.is_some()
    }

    /// The end of an errand. That of an answered INVITE stays until no other 2xx can come.
    fn finish(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let Some(errand) = self.errands.get(key) else { return };
        let (purpose, flow) = (errand.purpose(), errand.flow);
        let invite = errand.letter.method == Method::Invite;
        if !(invite && status.is_success()) {
            self.drop_errand(key);
        }
        match purpose {
            Purpose::Invite(call) => self.invite_answered(desk, now, call, key, status, response),
            Purpose::Change(call) => self.change_answered(desk, now, call, key, status, response),
            Purpose::Update(call, _) => self.update_answered(desk, now, call, status, response),
            Purpose::Register => self.register_answered(desk, now, flow, (status, response)),
            Purpose::Subscribe(watch) => self.subscribe_answered(desk, now, watch, status, response),
            Purpose::Tell(watcher) => self.tell_answered(desk, now, watcher, status, response),
            Purpose::Ask(question) => self.options_answered(desk, question, status, response),
            Purpose::Info(call) => self.info_answered(desk, call, status),
            Purpose::Bye(call, _) => self.bye_answered(desk, now, call),
            Purpose::Options(call) => self.abilities_told(desk, call, response),
            Purpose::Refer(referral) => self.refer_answered(desk, now, referral, status, response),
            Purpose::Notify(referral) => self.notify_answered(desk, now, referral, status),
            Purpose::Renew(referral) => self.renewed(desk, now, referral, status, response),
            Purpose::Message(key) => self.message_answered(desk, now, key, status),
            Purpose::Prack(call, leg) => self.prack_answered(desk, now, call, leg),
            // The 2xx is repeated until an ACK gets through.
            Purpose::Ack(call, leg) => self.ack_lost(desk, now, call, leg),
        }
        if let Some(call) = purpose.call() {
            // It may have been the last that its call waited for.
            self.sweep(call);
        }
    }

    /// The name of a client transaction means nothing any more.
    pub(super) fn client_gone(&mut self, desk: &mut Desk, now: Instant, key: u64, client: ClientId) {
        let Some(errand) = self.errands.get(key).filter(|errand| errand.client == Some(client)) else {
            return;
        };
        let call = errand.purpose().call();
        self.drop_errand(key);
        if let Some(call) = call {
            self.proceed(desk, now, call);
            self.sweep(call);
        }
    }

    pub(super) fn drop_errand(&mut self, key: u64) {
        let Some(errand) = self.errands.remove(key) else { return };
        if let Some(call) = errand.purpose().call().and_then(|call| self.calls.get_mut(call)) {
            call.errands -= 1;
            if call.invite == Some(key) {
                call.invite = None;
            }
        }
    }
}

/// The ways that one URI gives: a large request first tries the streams.
fn ways_of(desk: &Desk, way: Way, length: usize) -> Vec<(Way, Supported)> {
    let routes: usize = way.routes.iter().map(|route| route.len() + "Route: ".len()).sum();
    let streams = desk
        .settings
        .listeners
        .iter()
        .any(|listener| listener.transport.is_reliable() && !listener.transport.is_websocket());
    let mut ways = Vec::new();
    if streams && length + routes > MAX_DATAGRAM_REQUEST {
        ways.push((way.clone(), desk.supported(false)));
    }
    ways.push((way, desk.supported(true)));
    ways
}

/// What a URI says to RFC 3263.
fn target_of(uri: &str) -> Option<TargetUri> {
    let uri = UriRef::parse(uri).ok().filter(UriRef::is_sip)?;
    Some(TargetUri {
        scheme: if uri.scheme() == Scheme::Sips { TargetScheme::Sips } else { TargetScheme::Sip },
        host: uri.params().get("maddr").unwrap_or(uri.host()).into(),
        port: uri.port(),
        transport: uri.params().get("transport").and_then(|token| token.parse().ok()),
    })
}

/// Our Contact on a listener, without brackets.
pub(super) fn contact_uri(
    desk: &Desk,
    account: &settings::Telephone,
    listener: ListenerId,
    secure: bool,
) -> String {
    let gruu = if account.transfers.gruu { ";gr" } else { "" };
    if let Some(host) = &account.contact_host {
        let scheme = if secure { "sips" } else { "sip" };
        return format!("{scheme}:{}@{host}{gruu}", account.user);
    }
    format!("{}{gruu}", desk.contact_uri(&account.user, listener, secure))
}

/// The URI of a conference of ours on a listener: our Contact with a parameter that names the conference, so that it
/// leads here wherever the Contact does (RFC 3261 §19.1.4: whoever does not know the parameter takes both for one).
pub(super) fn conference_uri(
    desk: &Desk,
    account: &settings::Telephone,
    conference: &str,
    listener: ListenerId,
    secure: bool,
) -> String {
    format!("{};{CONFERENCE}={conference}", contact_uri(desk, account, listener, secure))
}

/// What our Contact says besides where we are.
struct Face<'a> {
    account: &'a settings::Telephone,
    /// What names the conference, in a call that is part of one.
    conference: Option<Box<str>>,
    features: String,
}

/// The methods that this telephone says it knows.
pub(super) fn allowed(transfers: &Transfers) -> Cow<'static, str> {
    listed(ALLOW, transfers, |method| (method == "REFER").then_some(Feature::Refer))
}

/// The extensions that this telephone says it knows.
pub(super) fn supported(transfers: &Transfers) -> Cow<'static, str> {
    listed(SUPPORTED, transfers, |option| match option {
        "replaces" => Some(Feature::Replaces),
        "tdialog" => Some(Feature::TargetDialog),
        "norefersub" | "nosub" => Some(Feature::NoReferSub),
        _ => None,
    })
}

/// A list without what is switched off.
fn listed(
    all: &'static str,
    transfers: &Transfers,
    feature: impl Fn(&str) -> Option<Feature>,
) -> Cow<'static, str> {
    if transfers.lacks.is_empty() {
        return all.into();
    }
    let known = |word: &&str| feature(word).is_none_or(|feature| transfers.knows(feature));
    all.split(", ").filter(known).collect::<Vec<_>>().join(", ").into()
}

/// A request up to its body.
fn write(desk: &Desk, face: &Face<'_>, errand: &Errand, client: ClientId, flow: Flow) -> Builder {
    let letter = &errand.letter;
    let uri = errand.way.as_ref().map_or("", |(way, _)| &way.uri);
    let routes = errand.way.iter().flat_map(|(way, _)| way.routes.iter());
    let branch = desk.stack.branch(client, None);
    let sent_by = desk.listener(flow.listener).map_or("invalid.invalid", |listener| &listener.sent_by);
    let method = letter.method.as_str();
    let mut request = Builder::request(method, uri)
        .line(
            Name::VIA,
            format_args!("SIP/2.0/{} {sent_by};branch={branch};rport", flow.transport.via_token()),
        )
        .line(Name::MAX_FORWARDS, 70);
    for route in routes {
        request = request.line(Name::ROUTE, route);
    }
    request = request
        .line(Name::FROM, &letter.from)
        .line(Name::TO, &letter.to)
        .line(Name::CALL_ID, &letter.call_id)
        .line(Name::CSEQ, format_args!("{} {method}", letter.cseq));
    match &letter.contact {
        ContactLine::None => {}
        ContactLine::Own(params) => {
            let secure = Scheme::Sips == UriRef::parse(uri).map_or(Scheme::Sip, |uri| uri.scheme());
            let contact = match &face.conference {
                Some(id) => conference_uri(desk, face.account, id, flow.listener, secure),
                None => contact_uri(desk, face.account, flow.listener, secure),
            };
            let features = &face.features;
            request = request.line(Name::CONTACT, format_args!("<{contact}>{features}{params}"));
        }
        ContactLine::Given(value) => request = request.line(Name::CONTACT, value),
    }
    for (name, value) in errand.credentials.iter().chain(&letter.lines) {
        request = request.line(*name, value);
    }
    if matches!(letter.method, Method::Invite | Method::Update | Method::Refer) {
        request = request
            .line(Name::ALLOW, allowed(&face.account.transfers))
            .line(Name::ALLOW_EVENTS, super::watchers::ALLOW_EVENTS)
            .line(Name::SUPPORTED, supported(&face.account.transfers));
    }
    request
}
