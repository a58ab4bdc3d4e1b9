//! `Agent`: one value is one shard. Messages, answers and commands go in, outputs come out.

use crate::anchored::{self, Anchored};
use crate::auth::Authenticator;
use crate::calls;
use crate::clearance::{self, Clearance};
use crate::counters::Counters;
use crate::desk::{Asker, Desk, role};
use crate::door::{Answer, AskId, Command, CommandId, Event, Input, Output, ShardId};
use crate::keeper::Keeper;
use crate::news::Audience;
use crate::notifier::{self, Notifier, telling};
use crate::operate::{Connect, Operated};
use crate::passing::Passing;
use crate::programs::Program;
use crate::proxy::Proxy;
use crate::redials::RedialAnswer;
use crate::registrar::Registrar;
use crate::returns::Returns;
use crate::ring::Ring;
use crate::rooms::RoomAnswer;
use crate::settings::{Role, Settings};
use crate::switchboard;
use crate::telephone::Telephone;
use cordboard_core::dice::Dice;
use cordboard_core::stack::{self, Received, Stack};
use cordboard_core::time::Instant;
use cordboard_core::transaction::branch;
use cordboard_core::transport::Flow;
use cordboard_ladder::Outcome;
use cordboard_sip::{Method, Name, Reject, Status, View};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::sync::Arc;

/// One shard of a switchboard, or one telephone.
///
/// Call [`handle`](Self::handle) with whatever happened, then take every
/// [`poll_output`](Self::poll_output), then come back at [`poll_timeout`](Self::poll_timeout).
pub struct Agent {
    pub(crate) desk: Desk,
    pub(crate) proxy: Proxy,
    pub(crate) registrar: Registrar,
    pub(crate) auth: Authenticator,
    pub(crate) telephone: Telephone,
    pub(crate) clearance: Clearance,
    pub(crate) notifier: Notifier,
    pub(crate) passing: Passing,
    pub(crate) anchored: Anchored,
    returns: Returns,
    /// Who sits at the telephone.
    program: Program,
    /// What of its calls survives the process.
    keeper: Keeper,
    ring: Ring,
}

impl Agent {
    /// The agent of one of `shards` shards. Everything random follows from `seed` and the shard.
    pub fn new(shard: ShardId, settings: Arc<Settings>, seed: [u8; 32]) -> Self {
        let dice = Dice::new(seed, u64::from(shard.0));
        let mut stack = Stack::new(shard.0, settings.timing, dice);
        let auth = Authenticator::new(&settings.key, shard, stack.dice());
        let watching = Authenticator::new(&settings.key, shard, stack.dice());
        let telephone = Telephone::new(&settings, watching);
        let ring = Ring::new(settings.ring_bytes);
        let program = Program::of(&settings.role);
        let keeper = Keeper::new(&settings);
        Self {
            desk: Desk::new(settings, stack, shard),
            proxy: Proxy::new(),
            registrar: Registrar::default(),
            auth,
            telephone,
            clearance: Clearance::default(),
            notifier: Notifier::default(),
            passing: Passing::default(),
            anchored: Anchored::default(),
            returns: Returns::default(),
            program,
            keeper,
            ring,
        }
    }

    /// The same as one of so many shards, which hand over to each other what concerns another's calls.
    #[must_use]
    pub const fn among(mut self, shards: u8) -> Self {
        self.desk.shards = shards;
        self
    }

    /// Which of `shards` shards a message belongs to: a response to the one that sent its request,
    /// a request to that of its Call-ID. Cheap, and right for messages that do not parse.
    pub fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        if shards < 2 {
            return ShardId(0);
        }
        if bytes.starts_with(b"SIP/2.0 ")
            && let Some(ours) = first_branch(bytes).and_then(branch::read)
        {
            return ShardId(ours.shard % shards);
        }
        Self::shard_of_call(call_id(bytes).unwrap_or_default(), shards)
    }

    /// Which of `shards` shards has the calls with that Call-ID.
    pub(crate) fn shard_of_call(call_id: &[u8], shards: u8) -> ShardId {
        let mut hasher = SipHasher13::new();
        hasher.write(call_id);
        ShardId((hasher.finish() % u64::from(shards.max(1))) as u8)
    }

    /// Takes in whatever happened.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let before = self.desk.out.len();
        match input {
            Input::Packet { flow, bytes } => self.packet(now, flow, bytes),
            Input::FlowOpened(flow, identities) => self.desk.peers.opened(flow, identities),
            Input::FlowClosed(flow, _) => {
                self.desk.peers.closed(flow);
                self.desk.stack.flow_closed(now, flow);
                self.telephone.flow_closed(&mut self.desk, now, flow);
            }
            Input::Answer(id, answer) => self.answer(now, id, answer),
            Input::Command(id, command) => self.command(now, id, command),
            Input::Handed(envelope) => clearance::handed(self, now, envelope.0),
        }
        self.settle(now, before);
    }

    /// Fires what is due by `now`; early and repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let before = self.desk.out.len();
        self.program.handle_timeout(now);
        self.desk.stack.handle_timeout(now);
        self.proxy.handle_timeout(&mut self.desk, now);
        self.telephone.handle_timeout(&mut self.desk, now);
        notifier::handle_timeout(self, now);
        Passing::handle_timeout(self, now);
        anchored::handle_timeout(self, now);
        self.settle(now, before);
    }

    /// The next thing for the driver to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.desk.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next. Ask after every call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let roles = [
            self.proxy.poll_timeout(),
            self.telephone.poll_timeout(),
            self.program.poll_timeout(),
            self.notifier.poll_timeout(),
            self.passing.poll_timeout(),
            self.anchored.poll_timeout(),
        ];
        [self.desk.stack.poll_timeout()].into_iter().chain(roles).flatten().min()
    }

    /// What it counted so far.
    pub fn counters(&self) -> Counters {
        let (clients, servers) = self.desk.stack.transactions();
        Counters {
            client_transactions: clients as u64,
            server_transactions: servers as u64,
            contexts: self.proxy.contexts() as u64,
            carried: self.proxy.carried.len() as u64,
            subscriptions: self.notifier.len() as u64,
            ..self.desk.counters
        }
    }

    /// Whether nothing is going on: no transaction, no question, no call.
    pub fn is_idle(&self) -> bool {
        self.desk.stack.transactions() == (0, 0)
            && self.proxy.contexts() == 0
            && self.desk.questions() == 0
            && self.registrar.is_idle()
            && self.clearance.is_idle()
            && self.returns.is_idle()
            && self.notifier.is_idle()
            && self.anchored.is_idle()
            && self.telephone.is_idle()
    }

    fn packet(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        // Not moved out of its result, for it is large.
        let mut parsed = View::parse(bytes);
        let message = match &mut parsed {
            Ok(message) => message,
            Err(reject) => return self.refuse(now, flow, bytes, *reject),
        };
        message.set_source(flow.remote);
        let message = &*message;
        self.desk.counters.received += 1;
        self.ring.record(now, true, flow, message.bytes());
        match self.desk.stack.receive(now, flow, message) {
            Received::Absorbed => {}
            Received::Request(server) => match self.desk.settings.role {
                Role::Telephone(_) | Role::Server(_) => {
                    self.telephone.handle_request(&mut self.desk, now, flow, server, message);
                }
                Role::Switchboard(_) => switchboard::request(self, now, flow, server, message),
            },
            Received::Cancel(cancel, invite) => {
                let status = if invite.is_some() { Status::OK } else { Status::CALL_DOES_NOT_EXIST };
                self.desk.reply(now, cancel, message, status);
                let Some(invite) = invite else { return };
                match self.desk.stack.server_owner(invite) {
                    Some(owner) if owner.role == role::PROXY => {
                        self.proxy.cancel(&mut self.desk, now, owner.key);
                    }
                    Some(owner) if owner.role == role::CLEARANCE => {
                        self.clearance.cancel(&mut self.desk, now, owner.key);
                    }
                    Some(owner) if owner.role == role::TELEPHONE => {
                        self.telephone.handle_cancel(&mut self.desk, now, owner.key, invite);
                    }
                    Some(_) | None => {}
                }
            }
            Received::Ack => match self.desk.settings.role {
                Role::Telephone(_) | Role::Server(_) => {
                    self.telephone.handle_ack(&mut self.desk, now, flow, message);
                }
                Role::Switchboard(_) => switchboard::ack(self, now, flow, message),
            },
            Received::Response(client, owner) => match owner.role {
                role::PROXY => {
                    if message.method() == Method::Refer {
                        Passing::answered(self, now, message);
                    }
                    let rewritten = anchored::response_passes(self, now, message);
                    let proxy = &mut self.proxy;
                    match rewritten.as_ref().and_then(|bytes| View::parse(bytes).ok()) {
                        Some(like) => proxy.handle_response(&mut self.desk, now, owner.key, client, &like),
                        None => proxy.handle_response(&mut self.desk, now, owner.key, client, message),
                    }
                }
                role::TELEPHONE => {
                    self.telephone.handle_response(&mut self.desk, now, owner.key, client, message);
                }
                role::NOTIFIER => telling::handle_response(self, now, owner.key, client, message),
                role::ANCHORED => anchored::handle_response(self, now, owner.key, client, message),
                _ => {}
            },
            // RFC 6026 §7.3: a stray response is not passed on.
            Received::StrayResponse => match self.desk.settings.role {
                Role::Telephone(_) | Role::Server(_) => {
                    self.telephone.handle_stray_response(&mut self.desk, now, flow, message);
                }
                Role::Switchboard(_) => self.desk.counters.dropped += 1,
            },
            Received::Overloaded => {
                self.desk.counters.overloaded += 1;
                let busy = self.desk.response(message, Status::SERVICE_UNAVAILABLE);
                self.desk.send(flow, busy.line(Name::RETRY_AFTER, OVERLOAD_RETRY_S).finish());
            }
        }
    }

    /// Answers bytes that are not a message, if that can be done at all.
    fn refuse(&mut self, now: Instant, flow: Flow, bytes: &[u8], reject: Reject) {
        self.desk.counters.refused += 1;
        if let Some(reply) = reject.reply(bytes, flow.remote) {
            self.ring.record(now, true, flow, bytes);
            self.desk.send(flow, reply);
        }
    }

    fn answer(&mut self, now: Instant, id: AskId, answer: Answer) {
        match self.desk.asker(id) {
            Some(asker @ (Asker::Proxy(_) | Asker::Place(..) | Asker::Branch(..))) => {
                self.proxy.handle_answer(&mut self.desk, now, asker, answer);
            }
            Some(Asker::Clearance(key)) => clearance::located(self, now, key, &answer),
            Some(Asker::Registrar(key)) => {
                if let Some(aor) = self.registrar.handle_answer(&mut self.desk, now, key, answer) {
                    notifier::registered(self, now, &aor);
                }
            }
            Some(Asker::Notify(key)) => telling::handle_answer(self, now, key, answer),
            Some(Asker::Anchored(key)) => anchored::handle_answer(self, now, key, answer),
            Some(Asker::Registrations(key)) => notifier::located(self, now, key, answer),
            Some(Asker::Return(key)) => self.returns.handle_answer(&mut self.desk, key, answer),
            Some(Asker::Telephone(key)) => self.telephone.handle_answer(&mut self.desk, now, key, answer),
            Some(Asker::Keeper(writing)) => {
                let done = answer == Answer::Kept(true);
                let Self { desk, telephone, program, .. } = self;
                Keeper::kept(desk, telephone, program, now, writing, done);
            }
            None => {}
        }
    }

    fn command(&mut self, now: Instant, id: CommandId, command: Command) {
        match command {
            Command::UseDirectory(directory) => {
                self.program.use_directory(now, &directory);
                self.desk.directory = directory;
                notifier::authorize_anew(self, now);
            }
            Command::UseSettings(settings) => self.desk.use_settings(&settings),
            Command::UseService { service, media } => {
                let changed = self.program.change(&service);
                if changed.is_ok() {
                    self.telephone.refurnish(&mut self.desk, now, &service, &media);
                }
                self.desk.out.push_back(Output::Event(Event::ServiceChanged(id, changed)));
            }
            Command::Call(action) => self.telephone.handle_action(&mut self.desk, now, id, action),
            Command::TellNews(audience) => self.desk.audience = audience,
            Command::Redial(action) => {
                if !self.program.redial(now, id, action) {
                    self.desk.out.push_back(Output::Event(Event::Redial(id, RedialAnswer::NotHere)));
                }
            }
            Command::Connect(connect) => self.connect(now, id, &connect),
            Command::GiveUp(id) => self.program.give_up(id),
            Command::Rooms(action) => {
                if !self.program.rooms(now, id, action) {
                    self.desk.out.push_back(Output::Event(Event::Rooms(id, RoomAnswer::NotHere)));
                }
            }
            Command::TakeUp(records) => {
                let Self { desk, telephone, program, keeper, .. } = self;
                keeper.take_up(desk, telephone, program, now, &records);
            }
            Command::Operate { call_id, operation } => {
                if Self::shard_of_call(call_id.as_bytes(), self.desk.shards) == self.desk.shard {
                    let messages = calls::messages(&self.ring, &call_id);
                    anchored::operate(self, now, id, (&call_id, operation), &messages);
                }
            }
            Command::ListCalls => {
                let calls = calls::summaries(&self.ring);
                self.desk.out.push_back(Output::Event(Event::Calls(id, calls)));
            }
            Command::LastCallOf { user } => {
                let last = self.proxy.carried.last_of(&user, &self.desk.directory);
                self.desk.out.push_back(Output::Event(Event::LastCall(id, last)));
            }
            Command::ListSlots => {
                self.desk.out.push_back(Output::Event(Event::Slots(id, self.program.slots())));
            }
            Command::AwaitSlot(slot) => {
                if !self.program.await_slot(id, &slot) {
                    self.desk.out.push_back(Output::Event(Event::Slots(id, Vec::new())));
                }
            }
            Command::ShowCall { call_id } => {
                let messages = calls::messages(&self.ring, &call_id);
                self.desk.out.push_back(Output::Event(Event::Messages(id, messages)));
            }
        }
    }

    /// Connects two people, unless that may not be.
    fn connect(&mut self, now: Instant, id: CommandId, connect: &Connect) {
        let refused = match self.desk.may_connect(connect) {
            Ok(asked) if self.program.connect(now, id, connect, &asked) => None,
            Ok(_) => Some((Outcome::Failed, "this telephone connects nobody")),
            Err(refused) => Some(refused),
        };
        if let Some((outcome, says)) = refused {
            let operated = Operated { kind: connect.kind, outcome, status: None, says: says.into() };
            self.desk.out.push_back(Output::Event(Event::Operated(id, operated)));
        }
    }

    /// Lets the roles see what the stack has to tell, then hands out what is to be sent. `before` is how much was to be
    /// handed out already.
    fn settle(&mut self, now: Instant, before: usize) {
        let mut heard = before;
        loop {
            while let Some(event) = self.desk.stack.poll_event() {
                match role_of(&event) {
                    role::PROXY => self.proxy.handle_event(&mut self.desk, now, event),
                    role::TELEPHONE => self.telephone.handle_event(&mut self.desk, now, event),
                    role::NOTIFIER => telling::handle_event(self, now, event),
                    role::ANCHORED => anchored::handle_event(self, now, event),
                    _ => {}
                }
            }
            self.telephone.settle(&mut self.desk, now);
            if self.program_acts(now, &mut heard) {
                continue;
            }
            let Self { desk, telephone, program, keeper, .. } = self;
            if !keeper.settle(desk, telephone, program, now) {
                break;
            }
        }
        notifier::settle(self, now);
        while let Some(stranded) = self.desk.stack.poll_stranded() {
            self.returns.handle(&mut self.desk, stranded);
        }
        while let Some(outgoing) = self.desk.stack.poll_outgoing() {
            self.ring.record(now, false, outgoing.flow, &outgoing.bytes);
            self.desk.counters.sent += 1;
            self.desk.out.push_back(Output::Send { flow: outgoing.flow, bytes: outgoing.bytes });
        }
    }

    /// Lets the program at the telephone hear what was told since, and press its buttons; false if it presses none.
    fn program_acts(&mut self, now: Instant, heard: &mut usize) -> bool {
        while let Some(output) = self.desk.out.get(*heard) {
            *heard += 1;
            if let Output::Event(Event::Call(event)) = output {
                self.program.hears(now, event);
                self.keeper.hears(event);
            }
        }
        while let Some(wish) = self.program.poll_wish() {
            self.desk.out.push_back(Output::Event(Event::Wish(wish)));
        }
        let mut acted = false;
        while let Some((id, answer)) = self.program.poll_answer() {
            self.desk.out.push_back(Output::Event(Event::Redial(id, answer)));
        }
        while let Some((id, operated)) = self.program.poll_operated() {
            self.desk.out.push_back(Output::Event(Event::Operated(id, operated)));
        }
        while let Some(news) = self.program.poll_news() {
            if self.desk.audience == Audience::Somebody {
                self.desk.out.push_back(Output::Event(Event::News(news)));
            }
        }
        while let Some(id) = self.program.poll_settled() {
            self.desk.out.push_back(Output::Event(Event::Slots(id, self.program.slots())));
        }
        while let Some((id, answer)) = self.program.poll_rooms() {
            self.desk.out.push_back(Output::Event(Event::Rooms(id, answer)));
        }
        while let Some(action) = self.program.poll_action() {
            acted = true;
            self.telephone.handle_action(&mut self.desk, now, PROGRAM, action);
        }
        acted
    }
}

/// The command that a button belongs to which no driver pressed.
const PROGRAM: CommandId = CommandId(u64::MAX);

/// What a 503 of ours asks for (RFC 3261 §21.5.4), in seconds.
pub(crate) const OVERLOAD_RETRY_S: u32 = 5;

const fn role_of(event: &stack::Event) -> u8 {
    match event {
        stack::Event::TimedOut(_, owner)
        | stack::Event::TransportFailed(_, owner)
        | stack::Event::TryingOwed(_, owner)
        | stack::Event::AckMissing(_, owner)
        | stack::Event::ClientGone(_, owner)
        | stack::Event::ServerGone(_, owner) => owner.role,
    }
}

/// The branch of the first Via, as far as a glance can tell.
fn first_branch(bytes: &[u8]) -> Option<&str> {
    let at = memchr::memmem::find(bytes, branch::COOKIE.as_bytes())?;
    let rest = &bytes[at..];
    let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()
}

/// The Call-ID, as far as a glance can tell.
fn call_id(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        let line_end = memchr::memchr(b'\n', rest)?;
        rest = &rest[line_end + 1..];
        let name_len = match rest.first()? {
            b'C' | b'c' if rest.len() > 7 && rest[..7].eq_ignore_ascii_case(b"call-id") => 7,
            b'I' | b'i' if rest.get(1).is_some_and(|byte| matches!(byte, b':' | b' ' | b'\t')) => 1,
            b'\r' | b'\n' => return None,
            _ => continue,
        };
        let value = rest[name_len..].trim_ascii_start();
        let Some(value) = value.strip_prefix(b":") else { continue };
        let end = memchr::memchr2(b'\r', b'\n', value).unwrap_or(value.len());
        return Some(value[..end].trim_ascii());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_kin_meet_in_one_shard() {
        let request = |text: &str| Agent::shard_of(text.as_bytes(), 4);
        let a = request("INVITE sip:a@b SIP/2.0\r\nVia: x\r\nCall-ID: 77@x\r\n\r\n");
        assert_eq!(a, request("BYE sip:a@b SIP/2.0\r\nI : 77@x\r\n\r\n"));
        assert_eq!(a, request("BYE sip:a@b SIP/2.0\ncall-id:77@x \n\n"));
        assert_eq!(request("\r\n\r\n"), request("garbage"));
    }
}
