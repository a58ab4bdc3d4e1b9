//! The stateful proxy: RFC 3261 §16, with the best-response rules of §16.7, forking in parallel and
//! in sequence, and flows for those who can only be reached by theirs (RFC 5626 §5).
//!
//! [`target`] decides where a request goes, [`hunt`] where a call goes whose callee has set something up;
//! [`forward`] writes what goes there; [`response`] chooses what comes back; this file runs the branches in between.

pub(crate) mod context;
mod dialogs;
pub(crate) mod forward;
mod hunt;
mod inward;
mod picking;
mod response;
mod security;
pub(crate) mod target;

use crate::carried::{Carried, Ends};
use crate::desk::{Asker, Desk, role};
use crate::door::{Answer, Level, Question};
use crate::location::{Located, Target, Wanted};
use crate::settings::{Role, Screened, Switchboard};
use context::{Aim, Best, Branch, BranchState, Context, Refusal, Search, Way};
use cordboard_core::server_location::{Next, Selection};
use cordboard_core::stack::Event;
use cordboard_core::target_set::{self, Act, Input, State};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, Owner, ServerId};
use cordboard_core::transport::{Flow, FlowError, Transport};
use cordboard_core::wheel::Wheel;
use cordboard_sip::{Edits, Message, Method, Name, Status, UriRef, View};
use forward::Hop;
pub(crate) use response::screened;
use slab::Slab;
use smallvec::SmallVec;
use std::time::Duration;
use target::Routed;

/// Targets that one request is forked to at most.
pub(crate) const MAX_TARGETS: usize = 32;

/// The breadth that a request gets here, and the most that it may bring (RFC 5393 §5.3.3).
const MAX_BREADTH: usize = 60;

/// How long one group of targets rings before the next is tried.
const GROUP_RINGS: Duration = Duration::from_secs(20);

/// A request longer than this does not go by datagram unless its URI says so (RFC 3261 §18.1.1).
const MAX_DATAGRAM_REQUEST: usize = 1300;

/// The proxy of one shard.
pub(crate) struct Proxy {
    contexts: Slab<Context>,
    /// The calls that are up.
    pub(crate) carried: Carried,
    generation: u32,
    wheel: Wheel,
    fired: Vec<u64>,
    edits: Edits,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        Self {
            contexts: Slab::new(),
            carried: Carried::default(),
            generation: 0,
            wheel: Wheel::default(),
            fired: Vec::new(),
            edits: Edits::new(),
        }
    }

    /// Proxied requests that live.
    pub(crate) fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Looks up where a request may go; it waits meanwhile.
    #[expect(clippy::too_many_arguments, reason = "each is a fact about the one request")]
    pub(crate) fn locate(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        source: Flow,
        server: Option<ServerId>,
        request: &View<'_>,
        routed: Routed,
        wanted: Wanted,
    ) {
        let key = self.open(desk, source, server, request, routed, State::Locating);
        if let Some(context) = self.context(key) {
            context.wants_contact = wanted.is_of_bindings_only();
            context.certified = desk.wants_certificate_of(&wanted);
        }
        if let Some(user) = self.hunts(desk, key, &wanted) {
            return self.hunt(desk, now, key, &user);
        }
        if let Wanted::Aor(aor) | Wanted::Instance(aor, _) = &wanted {
            self.calls(key, aor);
            if let Some(refusal) = self.is_screened(desk, key, aor.user()) {
                return self.refuse(desk, now, key, refusal);
            }
        }
        if !desk.ask(Question::Locate(wanted), Asker::Proxy(key)) {
            self.overloaded(desk, now, key);
        }
    }

    /// Forwards a request along its route, over the flow of its token, or to its Request-URI.
    pub(crate) fn onward(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        source: Flow,
        server: Option<ServerId>,
        request: &View<'_>,
        routed: Routed,
    ) {
        let pinned = routed.token.as_ref().and_then(|token| token.onward);
        let uri = match &routed.next_route {
            Some(route) => route.as_ref(),
            None => routed.preparation.strict_uri.as_deref().unwrap_or(request.request_uri()),
        };
        let way = match (pinned, UriRef::parse(uri)) {
            (Some(flow), _) if routed.next_route.is_none() => Ok(Way::OnlyFlow(flow)),
            (_, Ok(uri)) if uri.is_sip() => {
                Ok(find(desk, &uri, source, request.bytes().len(), routed.preparation.secure))
            }
            _ => Err(Status::BAD_REQUEST),
        };
        if let (None, Ok(Way::Flow(flow) | Way::OnlyFlow(flow))) = (server, &way) {
            // An ACK that knows its way leaves nothing to remember.
            let (flow, client) = (*flow, desk.stack.nobody());
            let aim = Aim::by(Way::Flow(flow));
            let breadth = breadth(request);
            let hop = Hop { source, ways: &routed.preparation, aim: &aim, flow, client, breadth };
            let bytes = forward::write(desk, &mut self.edits, &hop, request);
            return desk.send(flow, bytes);
        }
        let key = self.open(desk, source, server, request, routed, State::Ringing);
        match way {
            Ok(way) => {
                self.start_group(desk, now, key, [Aim::by(way)], Some(request));
            }
            Err(status) => self.fail(desk, now, key, status),
        }
    }

    fn open(
        &mut self,
        desk: &mut Desk,
        source: Flow,
        server: Option<ServerId>,
        request: &View<'_>,
        routed: Routed,
        phase: State,
    ) -> u64 {
        self.generation = self.generation.wrapping_add(1);
        let ends = (routed.preparation.record_route && request.method() == Method::Invite)
            .then_some(Ends { caller: routed.preparation.caller, callee: None });
        let slot = self.contexts.insert(Context {
            generation: self.generation,
            server,
            method: request.method(),
            source,
            request: Some(Box::new(Message::of(request))),
            cseq: routed.preparation.cseq,
            ways: routed.preparation,
            breadth: breadth(request),
            waiting: Vec::new(),
            branches: SmallVec::new(),
            best: None,
            challenges: Vec::new(),
            phase,
            hunt: None,
            wants_contact: false,
            certified: None,
            refusal: None,
            ends,
            dialogs: SmallVec::new(),
            group_until: None,
            step_until: None,
        });
        let key = u64::from(self.generation) << 32 | slot as u64;
        if let Some(server) = server {
            desk.stack.own(server, Owner { role: role::PROXY, key });
        }
        key
    }

    fn context(&mut self, key: u64) -> Option<&mut Context> {
        self.contexts.get_mut(key as u32 as usize).filter(|context| context.generation == (key >> 32) as u32)
    }

    /// The answer to what [`locate`](Self::locate) or a branch asked.
    pub(crate) fn handle_answer(&mut self, desk: &mut Desk, now: Instant, asker: Asker, answer: Answer) {
        match (asker, answer) {
            (Asker::Proxy(key), Answer::Located(located)) => self.located(desk, now, key, located),
            (Asker::Place(key, at), Answer::Located(located)) => {
                self.place_found(desk, now, key, at, located);
            }
            (Asker::Branch(key, at), Answer::Dns(records)) => {
                if let Some(Way::Find(search)) = self.branch(key, at).map(|branch| &mut branch.aim.way)
                    && let Some(query) = search.selection.asked()
                {
                    search.selection.handle_records(&query, records, desk.stack.dice());
                }
                self.step(desk, now, key, at, None);
            }
            (Asker::Branch(key, at), Answer::Opened(opened)) => self.opened(desk, now, key, at, opened),
            _ => {}
        }
    }

    fn branch(&mut self, key: u64, at: usize) -> Option<&mut Branch> {
        self.context(key)?.branches.get_mut(at)
    }

    fn located(&mut self, desk: &mut Desk, now: Instant, key: u64, mut located: Located) {
        let Some(context) = self.context(key) else { return };
        if context.phase != State::Locating {
            return;
        }
        self.advance(desk, now, key, Input::Found);
        if let Some(owner) = &located.owner {
            self.calls(key, owner);
            if desk.settings.screened == Screened::Everything
                && let Some(refusal) = self.is_screened(desk, key, owner.user())
            {
                return self.refuse(desk, now, key, refusal);
            }
        }
        let Some(context) = self.context(key) else { return };
        if let Some(user) = context.certified.take() {
            desk.keep_certified(&user, &mut located.targets);
        }
        if located.targets.is_empty() && !located.only_dead_flows && context.ways.relay_if_unknown {
            return self.elsewhere(desk, now, key);
        }
        if located.targets.is_empty() {
            // A user of ours who has registered nothing is not here now (RFC 3261 §21.4.18); a
            // contact that nobody has registered does not exist.
            let status = match (context.wants_contact, located.only_dead_flows) {
                (_, true) => Status::FLOW_FAILED,
                (true, false) => Status::NOT_FOUND,
                (false, false) => Status::TEMPORARILY_UNAVAILABLE,
            };
            return self.fail(desk, now, key, status);
        }
        if let Role::Switchboard(Switchboard::Redirects) = desk.settings.role {
            return self.redirect(desk, now, key, &located);
        }
        let Some(context) = self.context(key) else { return };
        let (source, secure) = (context.source, context.ways.secure);
        let length = context.request.as_ref().map_or(0, |request| request.bytes().len());
        let (targets, refused) = security::fitting(located.targets, secure);
        if targets.is_empty() {
            context.refusal = refused.map(Refusal::Sips);
            return self.fail(desk, now, key, Status::TEMPORARILY_UNAVAILABLE);
        }
        let targets = match <[Target; 1]>::try_from(targets) {
            Ok([target]) => {
                let aim = aim_at(desk, target, source, length, secure);
                return self.start_group(desk, now, key, aim, None);
            }
            Err(targets) => targets,
        };
        let mut waiting = hunt::phones(desk, targets, source, length, secure);
        waiting.reverse();
        let Some(context) = self.context(key) else { return };
        context.waiting = waiting;
        self.next_group(desk, now, key);
    }

    /// Follows the Request-URI to a domain that is not ours.
    fn elsewhere(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let (source, Some(request)) = (context.source, &context.request) else { return };
        let strict = context.ways.strict_uri.as_deref();
        let way = match UriRef::parse(strict.unwrap_or(request.view().request_uri())) {
            // RFC 7118 §5.5: such a host is a name for a connection and never to be looked up.
            Ok(uri) if !uri.host().to_ascii_lowercase().ends_with(".invalid") => {
                Some(find(desk, &uri, source, request.bytes().len(), false))
            }
            _ => None,
        };
        match way {
            Some(way) => self.start_group(desk, now, key, [Aim::by(way)], None),
            None => self.fail(desk, now, key, Status::NOT_FOUND),
        }
    }

    /// Something happened to the targets of a request.
    fn advance(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(context) = self.context(key) else { return };
        let (phase, acts) = target_set::step(context.phase, input);
        context.phase = phase;
        for act in acts {
            match act {
                Act::Next => self.next_group(desk, now, key),
                Act::Withdraw => self.withdraw(desk, now, key),
                Act::Cancel => self.cancel_all(desk, now, key),
                Act::SkipGroups => self.skip(key, false),
                Act::SkipAll => self.skip(key, true),
                Act::Answer => self.conclude(desk, now, key),
            }
        }
    }

    /// Forgets what was not tried yet: of this step, or of everything.
    fn skip(&mut self, key: u64, everything: bool) {
        let Some(context) = self.context(key) else { return };
        context.waiting.clear();
        if let Some(hunt) = context.hunt.as_deref_mut().filter(|_| everything) {
            hunt.give_up();
        }
    }

    /// If no branch is out any more, what is next has its turn.
    fn look_if_exhausted(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        if context.branches.iter().all(|branch| !branch.state.is_open()) {
            self.advance(desk, now, key, Input::Exhausted);
        }
    }

    /// Tries the next group, or the next step; answers when there is none.
    fn next_group(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        match context.waiting.pop() {
            Some(group) => {
                self.advance(desk, now, key, Input::Found);
                self.start_group(desk, now, key, group, None);
            }
            None if context.hunt.is_some() => self.next_step(desk, now, key),
            None => self.conclude(desk, now, key),
        }
    }

    fn start_group(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        group: impl IntoIterator<Item = Aim>,
        request: Option<&View<'_>>,
    ) {
        let Some(context) = self.context(key) else { return };
        let mut group: SmallVec<[Aim; 1]> = group.into_iter().collect();
        if context.breadth == 0 && !group.is_empty() {
            return self.fail(desk, now, key, Status::MAX_BREADTH_EXCEEDED);
        }
        if group.len() > context.breadth {
            // RFC 5393 §5.3.3: what may not go out at the same time goes out one after another.
            context.waiting.push(group.drain(context.breadth..).collect());
        }
        let first = context.branches.len();
        let parts = group.len();
        for (part, aim) in group.into_iter().enumerate() {
            context.branches.push(Branch {
                aim,
                breadth: context.breadth / parts + usize::from(part < context.breadth % parts),
                state: BranchState::Finding,
                client: None,
                trying: None,
                timer_c: None,
            });
        }
        let until = context.branches.len();
        // Another flow to the same phone is for when this one fails, not for when it rings.
        let others = context
            .waiting
            .iter()
            .flatten()
            .any(|aim| !context.branches[first..].iter().any(|branch| branch.aim.is_kin(aim)));
        context.group_until = others.then(|| now + GROUP_RINGS);
        if let Some(due) = context.group_until {
            self.wheel.arm(due, key);
        }
        for at in first..until {
            self.step(desk, now, key, at, request);
        }
        if first == until {
            self.advance(desk, now, key, Input::Exhausted);
        }
    }

    /// Takes a branch one step further towards its next hop. `request` saves parsing it again.
    pub(super) fn step(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        request: Option<&View<'_>>,
    ) {
        let Some(branch) = self.branch(key, at).filter(|branch| branch.state == BranchState::Finding) else {
            return;
        };
        let next = match &mut branch.aim.way {
            Way::Flow(flow) | Way::OnlyFlow(flow) => {
                let flow = *flow;
                return self.send_branch(desk, now, key, at, flow, request);
            }
            Way::Find(search) => search.selection.next_target(),
        };
        match next {
            Next::Ask => {
                let query = match &mut branch.aim.way {
                    Way::Find(search) => search.selection.poll_question(),
                    Way::Flow(_) | Way::OnlyFlow(_) => None,
                };
                if let Some(query) = query
                    && !desk.ask(Question::Dns(query), Asker::Branch(key, at))
                {
                    self.finish(desk, now, key, at, Status::SERVICE_UNAVAILABLE, None);
                }
            }
            Next::Try { transport, remote, server_name } => {
                branch.trying = Some((transport, remote));
                if transport == Transport::Udp {
                    self.send_datagram(desk, now, key, at, request);
                } else if !desk.ask(Question::Open { transport, remote, server_name }, Asker::Branch(key, at))
                {
                    self.finish(desk, now, key, at, Status::SERVICE_UNAVAILABLE, None);
                }
            }
            Next::Exhausted if branch.aim.fall_back() => self.step(desk, now, key, at, request),
            Next::Exhausted => {
                let found = branch.trying.is_some();
                let status = if found { Status::SERVICE_UNAVAILABLE } else { Status::NOT_FOUND };
                self.finish(desk, now, key, at, status, None);
            }
        }
    }

    fn send_datagram(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        request: Option<&View<'_>>,
    ) {
        let Some(context) = self.context(key) else { return };
        let like = context.source.listener;
        let Some((_, remote)) = context.branches.get(at).and_then(|branch| branch.trying) else { return };
        match desk.way_out(Transport::Udp, remote, Some(like)) {
            Some(listener) => {
                let flow = Flow { transport: Transport::Udp, listener, connection: 0, remote };
                self.send_branch(desk, now, key, at, flow, request);
            }
            None => self.step(desk, now, key, at, request),
        }
    }

    /// A connection is there, or is not: then the next address is tried.
    fn opened(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        opened: Result<Flow, FlowError>,
    ) {
        if self.branch(key, at).is_none_or(|branch| branch.state != BranchState::Finding) {
            return;
        }
        match opened {
            Ok(flow) => self.send_branch(desk, now, key, at, flow, None),
            Err(_) => self.step(desk, now, key, at, None),
        }
    }

    fn send_branch(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        flow: Flow,
        request: Option<&View<'_>>,
    ) {
        let slot = key as u32 as usize;
        let Some(context) = self.contexts.get_mut(slot) else { return };
        let ack = context.server.is_none();
        let client = if ack { desk.stack.nobody() } else { desk.stack.reserve() };
        let aim = &context.branches[at].aim;
        let breadth = context.branches[at].breadth;
        let hop = Hop { source: context.source, ways: &context.ways, aim, flow, client, breadth };
        let bytes = match (request, &context.request) {
            (Some(request), _) => forward::write(desk, &mut self.edits, &hop, request),
            (None, Some(request)) => forward::write(desk, &mut self.edits, &hop, &request.view()),
            (None, None) => return desk.stack.release(client),
        };
        if ack {
            desk.send(flow, bytes);
            self.contexts.remove(slot);
            return;
        }
        let method = context.method;
        let timer_c = (method == Method::Invite).then(|| now + desk.settings.timer_c);
        let branch = &mut context.branches[at];
        branch.state = BranchState::Trying;
        branch.client = Some(client);
        branch.timer_c = timer_c;
        desk.stack.request(now, client, flow, method, bytes, Owner { role: role::PROXY, key });
        if let Some(due) = timer_c {
            self.wheel.arm(due, key);
        }
    }

    /// The caller cancels (RFC 3261 §16.10).
    pub(crate) fn cancel(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        self.advance(desk, now, key, Input::Cancelled);
    }

    /// The INVITE of a call that is not answered yet.
    fn ringing(&self, call_id: &str) -> Option<u64> {
        let rings = |context: &Context| {
            context.method == Method::Invite
                && context.server.is_some()
                && matches!(context.phase, State::Locating | State::Ringing | State::Withdrawing)
                && context.request.as_ref().is_some_and(|request| request.view().call_id() == call_id)
        };
        let (slot, context) = self.contexts.iter().find(|(_, context)| rings(context))?;
        Some(u64::from(context.generation) << 32 | slot as u64)
    }

    /// Whether a call is not answered yet.
    pub(crate) fn rings(&self, call_id: &str) -> bool {
        self.ringing(call_id).is_some()
    }

    /// Gives up a call that is not answered yet, as if its caller had.
    pub(crate) fn cancel_call(&mut self, desk: &mut Desk, now: Instant, call_id: &str) {
        if let Some(key) = self.ringing(call_id) {
            self.cancel(desk, now, key);
        }
    }

    /// Cancels what is out, and passes back what it says.
    fn cancel_all(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        for branch in &mut context.branches {
            match (branch.state, branch.client) {
                (BranchState::Trying | BranchState::Proceeding, Some(client)) => {
                    desk.stack.cancel(now, client);
                }
                (BranchState::Finding, _) => branch.state = BranchState::Finished,
                _ => {}
            }
        }
        if context.branches.iter().all(|branch| !branch.state.is_open()) {
            context.best = Some(Best { status: Status::REQUEST_TERMINATED, bytes: None });
            self.conclude(desk, now, key);
        }
    }

    /// Gives up every branch that is still out, because its answer is not wanted any more.
    fn withdraw(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let invite = context.method == Method::Invite;
        for branch in &mut context.branches {
            match (branch.state, branch.client) {
                (BranchState::Trying | BranchState::Proceeding, Some(client)) if invite => {
                    branch.state = BranchState::Cancelled;
                    desk.stack.cancel(now, client);
                }
                (BranchState::Finding, _) => branch.state = BranchState::Finished,
                _ => {}
            }
        }
    }

    /// What the stack tells of a proxied request's transactions.
    pub(crate) fn handle_event(&mut self, desk: &mut Desk, now: Instant, event: Event) {
        match event {
            Event::TryingOwed(server, owner) => self.trying(desk, now, server, owner.key),
            Event::TimedOut(client, owner) => {
                self.branch_lost(desk, now, owner.key, client, Status::REQUEST_TIMEOUT);
            }
            Event::TransportFailed(client, owner) => {
                self.branch_lost(desk, now, owner.key, client, Status::SERVICE_UNAVAILABLE);
            }
            Event::ClientGone(client, owner) => {
                if let Some(context) = self.context(owner.key) {
                    for branch in context.branches.iter_mut().filter(|branch| branch.client == Some(client)) {
                        branch.client = None;
                    }
                }
                self.sweep(owner.key);
            }
            Event::ServerGone(_, owner) => {
                if let Some(context) = self.context(owner.key) {
                    context.server = None;
                }
                self.sweep(owner.key);
            }
            Event::AckMissing(..) => {}
        }
    }

    /// Nobody answered a branch, or it did not get out: the next address may (RFC 3263 §4.3).
    fn branch_lost(&mut self, desk: &mut Desk, now: Instant, key: u64, client: ClientId, status: Status) {
        let Some(context) = self.context(key) else { return };
        let Some(at) = context.branches.iter().position(|branch| branch.client == Some(client)) else {
            return;
        };
        let wanted = context.phase == State::Ringing;
        let branch = &mut context.branches[at];
        branch.client = None;
        match (branch.state, &branch.aim.way) {
            (BranchState::Trying, Way::Find(_)) if wanted => {
                branch.state = BranchState::Finding;
                self.step(desk, now, key, at, None);
            }
            (BranchState::Trying | BranchState::Proceeding, Way::OnlyFlow(_))
                if status == Status::SERVICE_UNAVAILABLE =>
            {
                self.finish(desk, now, key, at, Status::FLOW_FAILED, None);
            }
            (BranchState::Cancelled, _) => self.finish(desk, now, key, at, Status::REQUEST_TERMINATED, None),
            (BranchState::Finished | BranchState::Finding, _) => {}
            (BranchState::Trying | BranchState::Proceeding, _) => {
                self.finish(desk, now, key, at, status, None);
            }
        }
    }

    fn trying(&mut self, desk: &mut Desk, now: Instant, server: ServerId, key: u64) {
        let Some(context) = self.context(key) else { return };
        let Some(request) = &context.request else { return };
        let bytes = desk.response(&request.view(), Status::TRYING).finish();
        self.respond(desk, now, key, (server, Status::TRYING, bytes));
    }

    /// Fires Timer C and the change of groups.
    pub(crate) fn handle_timeout(&mut self, desk: &mut Desk, now: Instant) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            self.due(desk, now, key);
        }
        self.fired = fired;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    fn due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let is_due = |until: &mut Option<Instant>| until.take_if(|due| *due <= now).is_some();
        let (step, group) = (is_due(&mut context.step_until), is_due(&mut context.group_until));
        if step && let Some(hunt) = context.hunt.as_deref_mut() {
            hunt.rang_in_vain();
        }
        if step || group {
            self.advance(desk, now, key, if step { Input::StepTimeUp } else { Input::GroupTimeUp });
            // If all of them were still being looked up, no transaction will tell of their end.
            self.look_if_exhausted(desk, now, key);
        }
        let Some(context) = self.context(key) else { return };
        let mut again = None;
        for at in 0..context.branches.len() {
            let Some(branch) = self.branch(key, at) else { continue };
            let Some(due) = branch.timer_c else { continue };
            if due > now {
                again = Some(again.map_or(due, |other: Instant| other.min(due)));
                continue;
            }
            branch.timer_c = None;
            // §16.8: cancelled if it rang; without any response Timer B would have ended it before.
            if let (BranchState::Trying | BranchState::Proceeding, Some(client)) =
                (branch.state, branch.client)
            {
                branch.state = BranchState::Cancelled;
                desk.stack.cancel(now, client);
            }
        }
        if let Some(due) = again {
            self.wheel.arm(due, key);
        }
    }

    /// Refuses a request on behalf of one of ours.
    fn refuse(&mut self, desk: &mut Desk, now: Instant, key: u64, refusal: Refusal) {
        let Some(context) = self.context(key) else { return };
        context.refusal = Some(refusal);
        if let Some(request) = &context.request {
            desk.note(Level::Info, refusal.note(), &request.view(), Some(context.source));
        }
        self.fail(desk, now, key, refusal.status());
    }

    /// Answers a request that cannot be forwarded.
    fn fail(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        if let Some(context) = self.context(key) {
            context.best = Some(Best { status, bytes: None });
            context.waiting.clear();
        }
        self.conclude(desk, now, key);
    }

    /// Forgets a context that nothing refers to any more.
    fn sweep(&mut self, key: u64) {
        if let Some(context) = self.context(key)
            && context.server.is_none()
            && context
                .branches
                .iter()
                .all(|branch| branch.client.is_none() && branch.state != BranchState::Finding)
        {
            self.contexts.remove(key as u32 as usize);
        }
    }
}

/// The Max-Breadth that a request brings, within our bounds.
fn breadth(request: &View<'_>) -> usize {
    let brought = request.value(Name::MAX_BREADTH).map(|value| value.trim().parse());
    brought.and_then(Result::ok).unwrap_or(MAX_BREADTH).min(MAX_BREADTH)
}

/// Targets in the order in which they are tried: equal preferences at the same time, contacts of one
/// instance one at a time (RFC 5626 §5).
fn groups(targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut groups: Vec<Vec<Target>> = Vec::new();
    let mut spare = Vec::new();
    for target in targets.into_iter().take(MAX_TARGETS) {
        let same_instance = |other: &Target| other.instance.is_some() && other.instance == target.instance;
        match groups.last_mut() {
            Some(group) if group[0].q == target.q => {
                if group.iter().any(same_instance) {
                    spare.push(target);
                } else {
                    group.push(target);
                }
            }
            _ => groups.push(vec![target]),
        }
    }
    groups.extend(spare.into_iter().map(|target| vec![target]));
    groups
}

fn aim_at(desk: &Desk, target: Target, source: Flow, length: usize, secure: bool) -> Option<Aim> {
    let way = match target.path.first() {
        Some(first) => find(desk, &UriRef::parse(target::uri_of(first)).ok()?, source, length, secure),
        None if target.by_flow => Way::OnlyFlow(target.flow),
        None if length > MAX_DATAGRAM_REQUEST => {
            let uri = UriRef::parse(&target.uri).ok()?;
            match uri.params().get("transport") {
                None => find(desk, &uri, source, length, secure),
                Some(_) => Way::Flow(target.flow),
            }
        }
        None => Way::Flow(target.flow),
    };
    Some(Aim { uri: Some(target.uri), route: target.path, instance: target.instance, ..Aim::by(way) })
}

/// How to get to a URI: at once, when it says everything; else by RFC 3263. What is for a `sips` URI goes
/// securely whatever the scheme of the next hop (RFC 3261 §16.6 step 7).
fn find(desk: &Desk, uri: &UriRef<'_>, source: Flow, length: usize, secure: bool) -> Way {
    let transport = uri.params().get("transport").and_then(|token| token.parse().ok());
    let large = length > MAX_DATAGRAM_REQUEST && transport.is_none();
    if let Some(ip) = cordboard_sip::uri::ip(uri.host())
        && matches!(transport, None | Some(Transport::Udp))
        && !large
        && !secure
        && uri.scheme() == cordboard_sip::Scheme::Sip
    {
        let remote = std::net::SocketAddr::new(ip, uri.port().unwrap_or(Transport::Udp.default_port()));
        if let Some(listener) = desk.way_out(Transport::Udp, remote, Some(source.listener)) {
            return Way::Flow(Flow { transport: Transport::Udp, listener, connection: 0, remote });
        }
    }
    let mut target = target::target_of(uri, transport);
    if secure {
        target.scheme = cordboard_core::server_location::Scheme::Sips;
    }
    let otherwise = large.then(|| Selection::new(target.clone(), desk.supported(true)));
    Way::Find(Box::new(Search { selection: Selection::new(target, desk.supported(!large)), otherwise }))
}
