//! An errand: one request of ours from the wish to its final response. It finds servers (RFC 3263),
//! goes on to the next when one fails, and answers challenges; whoever sent it hears only the end.

use super::Telephone;
use super::letter::{Letter, Purpose};
use super::token::Token;
use super::wallet::{Realm, Rounds};
use super::written::{Face, write};
use crate::desk::{Asker, Desk, Sought, role};
use crate::door::Answer;
use cordboard_core::dialog::Way;
use cordboard_core::server_location::{Scheme as TargetScheme, Selection, Supported, TargetUri};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, Owner};
use cordboard_core::transport::Flow;
use cordboard_sip::digest::Request;
use cordboard_sip::{Method, Name, Scheme, Status, UriRef, View};
use std::collections::VecDeque;

/// Requests of one telephone that may be under way at a time.
const MAX_ERRANDS: usize = 20_000;

/// RFC 3261 §18.1.1: larger requests go over a stream if there is one.
pub(super) const MAX_DATAGRAM_REQUEST: usize = 1300;

/// What a request holds besides its body, as a guess before it is written.
pub(super) const USUAL_HEAD: usize = 500;

/// One request under way.
pub(super) struct Errand {
    pub(super) letter: Letter,
    /// Ways not tried yet.
    ways: VecDeque<(Way, Supported)>,
    /// The way being tried.
    pub(super) way: Option<(Way, Selection)>,
    realms: Vec<Realm>,
    rounds: Rounds,
    client: Option<ClientId>,
    /// Over what it was sent last.
    flow: Option<Flow>,
    /// A provisional response came: the server is there.
    heard: bool,
    /// The credentials sent last, which an ACK repeats (RFC 3261 §22.1).
    pub(super) credentials: Vec<(Name, Box<str>)>,
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
        let conference = conference.map(|conference| conference.named.clone());
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
            && !self.came_before(call, response)
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
