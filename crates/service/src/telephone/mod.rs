//! A telephone: the user agent of RFC 3261 §8, §10.2, §11, §12, §13, §14 and §15.
//!
//! A button goes in as a [`CallAction`], what happens comes out as [`CallEvent`]s. Each request of ours
//! is an [`errand`](errand::Errand), which finds its server and answers challenges; what it leads to is
//! decided by the tables of `core::session`, one set a [`call`](call::Call).

mod abilities;
mod acks;
mod answers;
mod asked;
mod asking;
mod bridged;
mod bridging;
pub(crate) mod call;
mod callee;
mod caller;
mod changed;
mod changes;
mod conference_told;
mod dialogs_told;
mod documents;
mod errand;
mod features;
mod fetching;
mod finished;
mod given;
mod handing;
mod hosting;
mod identity;
mod info;
mod joining;
mod keeping;
mod letter;
mod messages;
mod notified;
mod notifying;
mod offers;
mod ports;
mod redialling;
mod referral;
mod refresh;
mod registration;
mod reliable;
mod renewing;
mod replacing;
mod rooms;
mod subscribing;
mod token;
mod transferee;
mod transferor;
mod usages;
pub(crate) mod verdict;
mod wallet;
mod watchers;
mod who_may;
mod written;

use crate::auth::Authenticator;
use crate::call::{CallAction, CallEvent, CallName};
use crate::desk::Desk;
use crate::door::{CommandId, Event as DoorEvent, Output};
use crate::keyed::Keyed;
use crate::settings::{self, Rendering, Service, Settings};
use asking::Question;
use call::{Acked, Call, Change, Side};
use callee::dialog_key;
use cordboard_core::dialog::Way;
use cordboard_core::session::repeat::Due;
use cordboard_core::session::{callee as callee_table, caller as caller_table, change, media};
use cordboard_core::stack::Event;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_core::wheel::Wheel;
use cordboard_ladder::Outcome;
use cordboard_sip::uri::{Uri, UriHeaders};
use cordboard_sip::{Method, Name, Status, UriRef, View};
use dialogs_told::{Ending, Told};
use errand::Errand;
use fetching::{Fetches, Wanted};
use finished::Finished;
use given::GivenAway;
use joining::Conference;
use keeping::Unkept;
use letter::Purpose;
use messages::Outgoing;
use ports::Ports;
use redialling::Redials;
use referral::Referral;
use registration::{Registration, Wish};
use replacing::Ended;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use subscribing::Watches;
use transferor::Failing;
use usages::OwnDialog;
use wallet::{Realm, Wallet};
use watchers::Watchers;

/// The wheel's name for the registration.
const REGISTRATION: u64 = u64::MAX;

/// The telephone of one agent.
pub(crate) struct Telephone {
    account: settings::Telephone,
    calls: Keyed<Call>,
    names: BTreeMap<CallName, u64>,
    /// Calls by Call-ID and our tag.
    by_dialog: BTreeMap<Box<str>, u64>,
    /// Calls that came in, by Call-ID and the caller's tag.
    by_peer: BTreeMap<Box<str>, u64>,
    errands: Keyed<Errand>,
    referrals: Keyed<Referral>,
    own_dialogs: Keyed<OwnDialog>,
    watches: Watches,
    watchers: Watchers,
    told: Told,
    conferences: Keyed<Conference>,
    questions: Keyed<Question>,
    redials: Redials,
    /// Calls that wait to join, each with the call whose other side is being told.
    joiners: Vec<(u64, Option<u64>)>,
    auth: Authenticator,
    /// Referrals with a dialog of their own, by Call-ID and our tag.
    by_referral: BTreeMap<Box<str>, u64>,
    messages: Keyed<Outgoing>,
    /// Calls that have ended, for those who name one.
    ended: Ended,
    finished: Finished,
    given_away: GivenAway,
    /// Of a park server its slots, of a focus its rooms.
    places: Vec<Box<str>>,
    fetches: Fetches,
    /// Calls that are to survive the process.
    unkept: Unkept,
    wallet: Wallet,
    registration: Registration,
    refuses: Option<Status>,
    incoming_calls: u64,
    ports: Ports,
    wheel: Wheel,
    referral_wheel: Wheel,
    fired: Vec<u64>,
    /// Calls whose stay is to be looked at, when nothing refers to them any more.
    leaving: VecDeque<u64>,
}

impl Telephone {
    /// `auth` proves who may watch.
    pub(crate) fn new(settings: &Settings, auth: Authenticator) -> Self {
        let account = settings.role.telephone().cloned().unwrap_or_default();
        let ports = Ports::new(&account.media);
        Self {
            account,
            calls: Keyed::default(),
            names: BTreeMap::new(),
            by_dialog: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            errands: Keyed::default(),
            referrals: Keyed::default(),
            own_dialogs: Keyed::default(),
            watches: Watches::default(),
            watchers: Watchers::default(),
            told: Told::default(),
            conferences: rooms::furnished(settings.role.service().map_or(&[], Service::rooms)),
            questions: Keyed::default(),
            redials: Redials::default(),
            joiners: Vec::new(),
            auth,
            by_referral: BTreeMap::new(),
            messages: Keyed::default(),
            ended: Ended::default(),
            finished: Finished::default(),
            given_away: GivenAway::default(),
            places: settings.role.service().map(Service::places).unwrap_or_default(),
            fetches: Fetches::default(),
            unkept: Unkept::new(settings.role.memory()),
            wallet: Wallet::default(),
            registration: Registration::default(),
            refuses: None,
            incoming_calls: 0,
            ports,
            wheel: Wheel::default(),
            referral_wheel: Wheel::default(),
            fired: Vec::new(),
            leaving: VecDeque::new(),
        }
    }

    /// A new request other than ACK and CANCEL.
    pub(crate) fn handle_request(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        let method = request.method();
        let known = matches!(
            method,
            Method::Invite
                | Method::Bye
                | Method::Options
                | Method::Prack
                | Method::Update
                | Method::Refer
                | Method::Notify
                | Method::Subscribe
                | Method::Message
                | Method::Info
        );
        if !known {
            return answers::not_allowed(desk, now, server, request);
        }
        if !has_known_scheme(request) {
            return desk.reply(now, server, request, Status::UNSUPPORTED_URI_SCHEME);
        }
        let misplaced =
            [(Name::REPLACES, verdict::REPLACES_MISPLACED), (Name::JOIN, verdict::JOIN_MISPLACED)];
        if method != Method::Invite
            && let Some((_, words)) = misplaced.into_iter().find(|(name, _)| request.has(*name))
        {
            // RFC 3891 §3, RFC 3911 §4.
            let warning = verdict::warning(desk, flow.listener, words);
            let response = desk.response(request, Status::BAD_REQUEST).line(Name::WARNING, warning).finish();
            return desk.stack.respond(now, server, Status::BAD_REQUEST, response);
        }
        let found = self.find(request);
        match (method, found) {
            (Method::Invite, Some(at)) => self.reinvited(desk, now, server, request, at),
            (Method::Bye, Some(at)) => self.bye_received(desk, now, server, request, at),
            (Method::Prack, Some(at)) => self.pracked(desk, now, server, request, at),
            (Method::Update, Some(at)) => self.updated(desk, now, server, request, at),
            (Method::Refer, found) => self.referred(desk, now, flow, server, request, found),
            (Method::Notify, found) => self.notify_received(desk, now, server, request, found),
            (Method::Subscribe, found) => self.subscribe_received(desk, now, flow, server, request, found),
            // §12.2.2: it names a dialog that is not here. A BYE can only be inside one.
            (Method::Invite | Method::Options | Method::Message, None) if request.to_tag().is_some() => {
                desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
            }
            (Method::Info, Some(at)) => self.info_received(desk, now, server, request, at),
            (Method::Invite, None) => self.incoming(desk, now, flow, server, request),
            (Method::Options | Method::Message, found) => {
                if let Some((at, leg)) = found
                    && let Some(call) = self.calls.get_mut(at)
                    && let Err(late) = call.legs[leg].dialog.accept(request)
                {
                    return desk.reply(now, server, request, late.status());
                }
                match method {
                    Method::Options => self.options(desk, now, flow, server, request),
                    _ => Self::message_received(desk, now, server, request),
                }
            }
            _ => desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST),
        }
        if matches!(method, Method::Invite | Method::Update) {
            let begun = dialog_key(request.call_id(), request.from_tag().unwrap_or_default());
            let call = found.map(|(key, _)| key).or_else(|| self.by_peer.get(&begun).copied());
            if let Some(key) = call {
                self.note_features(desk, key, request);
            }
        }
        self.leave();
    }

    /// A response that no transaction knows: a late 2xx must still be acknowledged (RFC 3261 §13.2.2.4).
    pub(crate) fn handle_stray_response(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        _flow: Flow,
        response: &View<'_>,
    ) {
        let success = response.status().is_some_and(Status::is_success);
        let key = dialog_key(response.call_id(), response.from_tag().unwrap_or_default());
        let call = self.by_dialog.get(&key).copied().and_then(|key| Some((key, self.calls.get(key)?)));
        if let Some((key, call)) = call
            && success
            && response.method() == Method::Invite
        {
            match call.leg_of(response).map(|leg| call.legs[leg].ack(response.cseq().0)) {
                Some(Acked::Sent(flow, bytes)) => desk.send(flow, bytes),
                Some(Acked::New | Acked::Pending) => {}
                None => self.succeeded(desk, now, key, None, response),
            }
        } else {
            desk.counters.dropped += 1;
        }
        self.leave();
    }

    /// What the stack tells of our transactions.
    pub(crate) fn handle_event(&mut self, desk: &mut Desk, now: Instant, event: Event) {
        match event {
            Event::TimedOut(client, owner) => {
                self.errand_lost(desk, now, owner.key, client, Status::REQUEST_TIMEOUT);
            }
            Event::TransportFailed(client, owner) => {
                self.errand_lost(desk, now, owner.key, client, Status::SERVICE_UNAVAILABLE);
            }
            Event::ClientGone(client, owner) => self.client_gone(desk, now, owner.key, client),
            Event::ServerGone(server, owner) => {
                if let Some(call) = self.calls.get_mut(owner.key)
                    && call.server == Some(server)
                {
                    call.server = None;
                    self.sweep(owner.key);
                }
            }
            Event::TryingOwed(server, owner) => self.still_passing_on(desk, now, owner.key, server),
            // A refusal that is not acknowledged stays one.
            Event::AckMissing(..) => {}
        }
        self.leave();
    }

    /// A button was pressed.
    pub(crate) fn handle_action(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        _id: CommandId,
        action: CallAction,
    ) {
        match action {
            CallAction::Register { expires } => self.wish(desk, now, Wish::Own(seconds(expires))),
            CallAction::AddContact { contact, expires } => {
                self.wish(desk, now, Wish::Other(contact, seconds(expires)));
            }
            CallAction::ListBindings => self.wish(desk, now, Wish::List),
            CallAction::UnregisterAll => self.wish(desk, now, Wish::RemoveAll),
            CallAction::RefuseCalls(status) => self.refuses = status.filter(|status| status.code() >= 300),
            CallAction::Dial { call, to, offer } => self.dial(desk, now, call, &to, offer),
            CallAction::DialFor { call, to, whose } => self.dial_for(desk, now, call, (&to, &whose)),
            CallAction::Progress(name) => self.progress_call(desk, now, name),
            CallAction::Answer(name) => self.answer_call(desk, now, name),
            CallAction::Mute(name) => self.mute(desk, name),
            CallAction::Decline(name, status) => self.decline_call(desk, now, name, status),
            CallAction::Hold(name) => self.want(desk, now, name, Change::Hold),
            CallAction::Resume(name) => self.want(desk, now, name, Change::Resume),
            CallAction::AskOffer(name) => self.want(desk, now, name, Change::AskOffer),
            CallAction::Move { call, listener } if desk.listener(listener).is_some() => {
                self.want(desk, now, call, Change::Move(listener));
            }
            CallAction::Move { call, .. } => Self::tell(desk, CallEvent::Impossible(call)),
            CallAction::Identify { call, address } => self.identify(desk, now, call, &address),
            CallAction::Transfer { call, to } => self.transfer(desk, now, call, &to),
            CallAction::TransferTo { call, target } => self.transfer_to(desk, now, call, target),
            CallAction::TransferByMessage { call, to } => self.transfer_by_message(desk, now, call, &to),
            CallAction::Bridge { call, target } => self.bridge(desk, now, call, target),
            CallAction::MoveTo { call, to } => self.move_to(desk, now, call, &to),
            CallAction::ClickToDial { call, whom, to, reports } => {
                self.click_to_dial(desk, now, call, (&whom, &to), reports);
            }
            CallAction::Host { call, hold } => self.host(desk, now, call, hold),
            CallAction::CallIn { call, to, with, consult } => {
                self.call_in(desk, now, (call, &to), with, consult);
            }
            CallAction::Consult { call, to } => self.consult(desk, now, call, &to),
            CallAction::Follow { call, link } => self.follow(desk, now, call, &link),
            CallAction::AskAbilities(name) => self.ask_abilities(desk, now, name),
            CallAction::SendMessage { to, body } => self.send_message(desk, now, &to, &body),
            CallAction::Consent(name) => self.consent(desk, now, name, None),
            CallAction::ConsentAs { call, user } => self.consent(desk, now, call, Some(user)),
            CallAction::Refuse(name, status) => self.refuse(desk, now, name, status),
            CallAction::Take(name) => self.take_request(desk, now, name),
            CallAction::Park { call, at } => self.give(desk, now, call, &at, Failing::Restores),
            CallAction::MusicOnHold { call, from } => self.give(desk, now, call, &from, Failing::Leaves),
            CallAction::TakeBack { call, given } => self.take_back(desk, now, call, given),
            CallAction::Retrieve { call, from } => self.fetch(desk, now, call, &from, Wanted::Parked),
            CallAction::PickUp { call, at } => self.fetch(desk, now, call, &at, Wanted::Ringing),
            CallAction::AskOptions(to) => self.ask_options(desk, now, &to),
            CallAction::SignalDigit(call, digit) => self.signal_digit(desk, now, call, digit),
            CallAction::Join { call, to, join } => self.dial_join(desk, now, call, &to, &join),
            CallAction::Confer { call, other } => self.confer(desk, now, call, other),
            CallAction::Enter { call, room } => self.enter(desk, now, call, &room),
            CallAction::CallInto { call, to, room } => self.call_into(desk, now, call, &to, &room),
            CallAction::ConsentInto { call, room } => self.consent_into(desk, now, call, &room),
            CallAction::Done(name) => self.is_done(desk, now, name),
            CallAction::TurnAway { call, status, words } => self.turn_away(desk, now, call, status, words),
            CallAction::TellDialog(name) => self.tell_dialog(desk, name),
            CallAction::Redial { call, to, within, tries } => {
                self.redial(desk, now, call, &to, (within, tries));
            }
            CallAction::HangUp(name) => self.hang_up(desk, now, name),
            CallAction::Watching(action) => self.watch_action(desk, now, action),
            CallAction::ByeEarly(name) => self.bye_early(desk, now, name),
        }
        self.leave();
    }

    fn answer_call(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        match self.ringing_here(name) {
            Some(key) => {
                self.accept(desk, now, key);
                self.proceed(desk, now, key);
            }
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    fn mute(&mut self, desk: &mut Desk, name: CallName) {
        let key = self.names.get(&name).copied();
        match key.and_then(|key| Some((key, self.calls.get_mut(key).filter(|call| !call.is_over())?))) {
            Some((key, call)) => {
                call.sound = call::Sound::Muted;
                self.tell_media(desk, key);
            }
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    fn decline_call(&mut self, desk: &mut Desk, now: Instant, name: CallName, status: Status) {
        match self.ringing_here(name) {
            Some(key) => {
                let status = if status.code() < 300 { Status::DECLINE } else { status };
                self.decline(desk, now, key, callee_table::Input::Decline, status);
            }
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    pub(super) fn ringing_here(&self, name: CallName) -> Option<u64> {
        let key = *self.names.get(&name)?;
        let call = self.calls.get(key)?;
        (call.side == Side::Callee(callee_table::State::Ringing)).then_some(key)
    }

    pub(crate) fn hang_up(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        if self.fetches.drop_call(name) {
            let (outcome, status) = (Outcome::Cancelled, None);
            return Self::tell(desk, CallEvent::Ended { call: name, outcome, status, by_peer: false });
        }
        if self.gives_up_redial(desk, now, name) {
            return;
        }
        let key = self.names.get(&name).copied();
        let Some((key, call)) = key.and_then(|key| Some((key, self.calls.get_mut(key)?))) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        if call.is_over() {
            return Self::tell(desk, CallEvent::Impossible(name));
        }
        match call.side {
            Side::Caller(caller_table::State::Answered | caller_table::State::Established) => {
                self.advance_caller(desk, now, key, caller_table::Input::HangUp, None);
            }
            Side::Caller(_) => {
                call.ending = (Outcome::Cancelled, None);
                self.advance_caller(desk, now, key, caller_table::Input::HangUp, None);
            }
            Side::Callee(_) => {
                self.decline(desk, now, key, callee_table::Input::HangUp, Status::DECLINE);
            }
        }
        self.arm(key);
    }

    /// Fires what is due.
    pub(crate) fn handle_timeout(&mut self, desk: &mut Desk, now: Instant) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            if key == REGISTRATION {
                self.registration_due(desk, now);
            } else {
                self.call_due(desk, now, key);
            }
        }
        self.referral_wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            self.referral_due(desk, now, key);
        }
        self.fired = fired;
        self.redials_due(desk, now);
        self.watches_due(desk, now);
        self.watchers_due(desk, now);
        self.leave();
    }

    fn call_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.armed = None;
        if call.glare_until.is_some_and(|due| due <= now) {
            call.glare_until = None;
        }
        let late = call.change_until.is_some_and(|due| due <= now);
        if late {
            call.change_until = None;
        }
        if let Some(invite) = call.invite.filter(|_| late) {
            self.cancel_errand(desk, now, invite);
        }
        let Some(call) = self.calls.get_mut(key) else { return };
        if let Some(ok) = &mut call.sent_ok {
            match ok.repeat.pop_due(now, desk.stack.timing()) {
                Some(Due::Again) => {
                    let (server, bytes) = (ok.server, ok.bytes.clone());
                    desk.stack.respond(now, server, Status::OK, bytes);
                }
                // §13.3.1.4: the session is confirmed, and then ended.
                Some(Due::GiveUp) => self.lost(desk, now, key),
                None => {}
            }
        }
        self.timer_due(desk, now, key);
        self.provisionals_due(desk, now, key);
        self.ringing_due(desk, now, key);
        self.bridge_due(desk, now, key);
        self.link_due(desk, now, key);
        self.leaving_due(desk, now, key);
        self.proceed(desk, now, key);
    }

    fn ringing_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.ring_until.is_some_and(|due| due <= now) {
            call.ring_until = None;
            match call.side {
                Side::Caller(side) => {
                    if side != caller_table::State::Cancelling {
                        call.ending = (Outcome::NoAnswer, None);
                    }
                    self.advance_caller(desk, now, key, caller_table::Input::RangTooLong, None);
                }
                Side::Callee(_) => self.rang_too_long(desk, now, key),
            }
        } else if let Some(ringing) = &mut call.ringing
            && ringing.again <= now
        {
            let said = ringing.said;
            self.say(desk, now, key, said);
        }
    }

    /// Ends a call that the other side was to end.
    fn leaving_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.leave_at.is_some_and(|due| due <= now) {
            call.leave_at = None;
            let name = call.name;
            if !call.is_over() {
                self.hang_up(desk, now, name);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let wheels =
            [self.wheel.next(), self.referral_wheel.next(), self.watches.next(), self.watchers.next()];
        wheels.into_iter().chain([self.redials.next()]).flatten().min()
    }

    /// Whether no call is up or under way, nothing is asked, and no registration is kept.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.len() == 0
            && self.errands.len() == 0
            && self.referrals.len() == 0
            && self.watches.len() == 0
            && self.watchers.len() == 0
            && self.messages.len() == 0
            && self.redials.len() == 0
            && self.registration.is_idle()
    }

    fn arm(&mut self, key: u64) {
        self.touch(key, None);
        self.may_have_changed(key);
        let Some(call) = self.calls.get_mut(key) else { return };
        if let Some(due) = call.due()
            && call.armed.is_none_or(|armed| due < armed)
        {
            call.armed = Some(due);
            self.wheel.arm(due, key);
        }
    }

    fn tell(desk: &mut Desk, event: CallEvent) {
        desk.out.push_back(Output::Event(DoorEvent::Call(event)));
    }

    fn tell_ended(&mut self, desk: &mut Desk, now: Instant, key: u64, by_peer: bool) {
        let Some(call) = self.calls.get_mut(key) else { return };
        call.change = change::step(call.change, change::Input::Over).0;
        call.changes.clear();
        call.asking = None;
        call.timer.over();
        call.glare_until = None;
        // Whoever still lacks our 2xx gets the BYE.
        call.sent_ok = None;
        call.leave_at = None;
        call.handing_until = None;
        self.ended.keep(call);
        let (name, silent) = (call.name, call.silent);
        let (outcome, status) = call.ending;
        if !silent && !self.redial_ended(desk, now, name, outcome) {
            Self::tell(desk, CallEvent::Ended { call: name, outcome, status, by_peer });
        }
        self.touch(key, Some(Ending::of(outcome, status, by_peer)));
        self.leave_conference(desk, now, key);
        self.call_ended(desk, now, key, by_peer);
        self.finished(key);
        self.sweep(key);
    }

    fn add_call(&mut self, call: Call) -> u64 {
        let (name, index) = (call.name, dialog_key(&call.call_id, &call.local_tag));
        let key = self.calls.insert(call);
        self.names.insert(name, key);
        self.by_dialog.insert(index, key);
        key
    }

    /// The call and leg that a request inside a dialog belongs to.
    fn find(&self, request: &View<'_>) -> Option<(u64, usize)> {
        let key = *self.by_dialog.get(&dialog_key(request.call_id(), request.to_tag()?))?;
        Some((key, self.calls.get(key)?.leg_of(request)?))
    }

    /// The number for a request that is sent again with credentials.
    fn next_cseq(&mut self, purpose: Purpose) -> Option<u32> {
        match purpose {
            Purpose::Register => Some(self.registration.next_cseq()),
            Purpose::Subscribe(watch) => self.subscribe_cseq(watch),
            Purpose::Tell(watcher) => self.tell_cseq(watcher),
            Purpose::Ask(question) => Some(self.questions.get_mut(question)?.next_cseq()),
            Purpose::Invite(key) => {
                let call = self.calls.get_mut(key)?;
                call.cseq += 1;
                Some(call.cseq)
            }
            Purpose::Change(key) | Purpose::Options(key) | Purpose::Info(key) => {
                Some(self.calls.get_mut(key)?.dialog_mut()?.next_cseq())
            }
            Purpose::Refer(referral) | Purpose::Notify(referral) | Purpose::Renew(referral) => {
                self.referral_cseq(referral, purpose)
            }
            Purpose::Message(key) => {
                let message = self.messages.get_mut(key)?;
                message.cseq += 1;
                Some(message.cseq)
            }
            Purpose::Bye(key, leg)
            | Purpose::Ack(key, leg)
            | Purpose::Prack(key, leg)
            | Purpose::Update(key, leg) => {
                Some(self.calls.get_mut(key)?.legs.get_mut(leg)?.dialog.next_cseq())
            }
        }
    }

    fn keep_realms(&mut self, purpose: Purpose, realms: Vec<Realm>) {
        match (purpose, purpose.call()) {
            (Purpose::Subscribe(watch), _) => self.keep_watch_realms(watch, realms),
            (Purpose::Tell(watcher), _) => {
                if let Some(watcher) = self.watchers.get_mut(watcher) {
                    watcher.realms = realms;
                }
            }
            (Purpose::Refer(key) | Purpose::Notify(key) | Purpose::Renew(key), _) => {
                self.keep_referral_realms(key, realms);
            }
            (Purpose::Register, _) => self.registration.keep_realms(realms),
            (_, None) => {}
            (_, Some(key)) => {
                if let Some(call) = self.calls.get_mut(key) {
                    call.realms = realms;
                }
            }
        }
    }

    /// Whether nobody wants the answer to an errand any more, so that it is not tried again.
    fn is_given_up(&self, purpose: Purpose) -> bool {
        let call = |key| self.calls.get(key);
        match purpose {
            Purpose::Invite(key) => call(key).is_none_or(|call| {
                !matches!(
                    call.side,
                    Side::Caller(caller_table::State::Calling | caller_table::State::Ringing)
                )
            }),
            Purpose::Change(key) => call(key).is_none_or(|call| !call.is_up()),
            Purpose::Subscribe(watch) => self.watches.get(watch).is_none(),
            Purpose::Update(key, _) => call(key).is_none_or(Call::is_over),
            Purpose::Tell(watcher) => self.watchers.get(watcher).is_none(),
            Purpose::Renew(referral) => self.referrals.get(referral).is_none(),
            Purpose::Ack(..)
            | Purpose::Prack(..)
            | Purpose::Bye(..)
            | Purpose::Options(..)
            | Purpose::Info(..)
            | Purpose::Ask(..)
            | Purpose::Refer(..)
            | Purpose::Notify(..)
            | Purpose::Message(..)
            | Purpose::Register => false,
        }
    }

    /// Our address-of-record as a name-addr.
    fn address(&self) -> String {
        let settings::Telephone { user, domain, display_name, .. } = &self.account;
        match display_name {
            Some(name) => {
                let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{escaped}\" <sip:{user}@{domain}>")
            }
            None => format!("<sip:{user}@{domain}>"),
        }
    }

    /// The ways of a request outside a dialog: by each outbound proxy in turn (§8.1.2), else straight.
    fn first_ways(&self, uri: &str) -> Vec<Way> {
        if self.account.outbound_proxies.is_empty() {
            return vec![Way::new(uri, &[])];
        }
        let by = |proxy: &str| {
            let route = if proxy.contains('<') { proxy.into() } else { format!("<{proxy}>") };
            Way::new(uri, &[route.into()])
        };
        self.account.outbound_proxies.iter().map(|proxy| by(proxy)).collect()
    }

    /// Our side of a new call's sound, if there is a port for it.
    fn new_media(&mut self, desk: &Desk, listener: ListenerId) -> Option<media::Local> {
        let holds = self.account.features.rendering == Rendering::Holds;
        Some(media::Local { address: self.next_port(desk, listener)?, holds })
    }

    fn next_port(&mut self, desk: &Desk, listener: ListenerId) -> Option<SocketAddr> {
        let calls = &self.calls;
        let is_taken = |address| calls.iter().any(|call| call.receives_at(address));
        self.ports.give(media_ip(desk, listener), is_taken)
    }
}

/// Where sound is received that belongs to a listener: its address, or what it writes in Via if it
/// listens everywhere.
fn media_ip(desk: &Desk, listener: ListenerId) -> IpAddr {
    let Some(listener) = desk.listener(listener).or(desk.settings.listeners.first()) else {
        return IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    };
    let bound = listener.local.ip();
    if !bound.is_unspecified() {
        return bound;
    }
    let written = listener.sent_by.parse::<SocketAddr>().map(|address| address.ip());
    written.ok().or_else(|| cordboard_sip::uri::ip(&listener.sent_by)).unwrap_or(bound)
}

/// Whether a request is for a URI of a scheme that we can be reached by (RFC 3261 §8.2.2.1). What is no URI at all was
/// refused before.
fn has_known_scheme(request: &View<'_>) -> bool {
    UriRef::parse(request.request_uri()).is_ok_and(|uri| uri.is_sip())
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// An address as a name-addr. A URI alone keeps its parameters, which without brackets would be a header's (RFC 3261
/// §20.10).
fn bracketed(address: &str) -> String {
    if address.contains('<') { address.to_owned() } else { format!("<{address}>") }
}

/// A name-addr as To has it: without what says only how to get to its URI (RFC 3261 §19.1.1, table 1).
fn without_way(address: &str, uri: &str) -> String {
    let Ok(mut plain) = uri.parse::<Uri>() else { return address.to_owned() };
    let Some(sip) = plain.as_sip_mut() else { return address.to_owned() };
    for name in ["transport", "maddr", "ttl", "method", "lr"] {
        sip.params.remove(name);
    }
    sip.headers = UriHeaders::default();
    address.replacen(uri, &plain.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_that_is_dialled_keeps_its_way_and_to_does_not() {
        let to = bracketed("sip:carol@phone.invalid;transport=ws;user=phone");
        assert_eq!(to, "<sip:carol@phone.invalid;transport=ws;user=phone>");
        let uri = &to[1..to.len() - 1];
        assert_eq!(without_way(&to, uri), "<sip:carol@phone.invalid;user=phone>");
        let named = "Carol <sip:carol@example.com;lr>";
        assert_eq!(without_way(named, "sip:carol@example.com;lr"), "Carol <sip:carol@example.com>");
        assert_eq!(without_way("<tel:+1555>", "tel:+1555"), "<tel:+1555>");
    }
}
