//! What comes back: RFC 3261 §16.7.

use super::Proxy;
use super::context::{Best, BranchState, Context, Refusal};
use crate::desk::Desk;
use crate::location::Located;
use bytes::Bytes;
use cordboard_core::target_set::{Input, State};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, ServerId};
use cordboard_sip::{Builder, Method, Name, Status, View};

impl Proxy {
    /// A response to a branch.
    pub(crate) fn handle_response(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        client: ClientId,
        response: &View<'_>,
    ) {
        let Some(status) = response.status() else { return };
        let timer_c = now + desk.settings.timer_c;
        let Some(context) = self.context(key) else { return };
        let Some(at) = context.branches.iter().position(|branch| branch.client == Some(client)) else {
            return;
        };
        let wanted = context.phase == State::Ringing;
        let branch = &mut context.branches[at];
        match status.code() {
            100 => {
                if branch.state == BranchState::Trying {
                    branch.state = BranchState::Proceeding;
                }
            }
            101..=199 => {
                if branch.state == BranchState::Trying {
                    branch.state = BranchState::Proceeding;
                }
                // §16.7 step 2; the wheel looks again when the old one is due.
                branch.timer_c = branch.timer_c.map(|_| timer_c);
                // RFC 4320 §4.1: to other methods there is only the 100.
                if context.phase != State::Answered && context.method == Method::Invite {
                    self.pass_back(desk, now, key, at, response);
                }
            }
            200..=299 => {
                branch.state = BranchState::Finished;
                branch.timer_c = None;
                self.answered(desk, now, key, at, response);
            }
            503 if wanted
                && matches!(branch.aim.way, super::Way::Find(_))
                && branch.state != BranchState::Cancelled =>
            {
                // RFC 3263 §4.3: another server of the same name may take it.
                branch.state = BranchState::Finding;
                branch.client = None;
                self.step(desk, now, key, at, None);
            }
            _ => {
                let bytes = self.strip_via(response);
                self.finish(desk, now, key, at, status, bytes);
            }
        }
    }

    /// A 2xx goes back at once, and so does every further one to an INVITE (§16.7 step 5).
    fn answered(&mut self, desk: &mut Desk, now: Instant, key: u64, at: usize, response: &View<'_>) {
        self.pass_back(desk, now, key, at, response);
        if self.context(key).is_none_or(|context| context.phase == State::Answered) {
            return;
        }
        self.advance(desk, now, key, Input::Concluded);
        let Some(context) = self.context(key) else { return };
        if context.method != Method::Invite {
            return self.settle(key);
        }
        context.waiting = Vec::new();
        context.hunt = None;
        context.request = None;
        context.ways = super::context::Preparation::default();
        desk.counters.answered += 1;
        self.forget_early(now, key);
        self.withdraw(desk, now, key);
    }

    fn pass_back(&mut self, desk: &mut Desk, now: Instant, key: u64, at: usize, response: &View<'_>) {
        let Some(status) = response.status() else { return };
        self.remember(desk, now, key, at, status, response);
        let bytes = self.strip_via(response);
        if let Some(server) = self.context(key).and_then(|context| context.server)
            && let Some(bytes) = bytes
        {
            self.respond(desk, now, key, (server, status, bytes));
        }
    }

    /// Sends a response back, with the number by which whoever sent the request knows it.
    pub(super) fn respond(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        (server, status, bytes): (ServerId, Status, Bytes),
    ) {
        let bytes = match self.context(key).and_then(|context| context.cseq) {
            Some(cseq) => self.renumber(cseq, bytes),
            None => bytes,
        };
        desk.stack.respond(now, server, status, bytes);
    }

    /// A response to a request that went on with another number, with the one that it came with.
    fn renumber(&mut self, cseq: u32, bytes: Bytes) -> Bytes {
        let Ok(view) = View::parse(&bytes) else { return bytes };
        self.edits.clear();
        let method = view.method_text();
        self.edits.set_value(&view, Name::CSEQ, format_args!("{cseq} {method}"));
        self.edits.apply(&view)
    }

    /// Takes our Via off; `None` for a response that was meant for nobody else (§16.7 step 3).
    fn strip_via(&mut self, response: &View<'_>) -> Option<Bytes> {
        let top = response.values(Name::VIA).next().filter(|_| response.has_more_vias())?;
        self.edits.clear();
        self.edits.remove_value(response, &top);
        // RFC 3325 §5: what an untrusted phone asserts is not passed on.
        self.edits.remove_all(response, Name::P_ASSERTED_IDENTITY);
        super::forward::give_length(&mut self.edits, response);
        Some(self.edits.apply(response))
    }

    /// One branch is done, with a final response of its own or one that stands for its silence.
    pub(super) fn finish(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        status: Status,
        bytes: Option<Bytes>,
    ) {
        let Some(context) = self.context(key) else { return };
        let unwanted = context.branches[at].state == BranchState::Cancelled;
        context.branches[at].state = BranchState::Finished;
        context.branches[at].timer_c = None;
        if context.phase == State::Answered {
            return;
        }
        if bytes.is_some() && !matches!(status, Status::REQUEST_TIMEOUT | Status::FLOW_FAILED) {
            // RFC 5626 §7: this phone has answered; its other flows are not asked.
            let Context { waiting, branches, .. } = context;
            for group in waiting.iter_mut() {
                group.retain(|aim| !aim.is_kin(&branches[at].aim));
            }
        }
        if !unwanted {
            if let (401 | 407, Some(bytes)) = (status.code(), &bytes) {
                collect_challenges(&mut context.challenges, bytes);
            }
            if context.best.as_ref().is_none_or(|best| best.is_beaten_by(status)) {
                context.best = Some(Best { status, bytes });
            }
            if let Some(hunt) = context.hunt.as_deref_mut() {
                hunt.note(status);
            }
            if status.code() >= 600 {
                self.advance(desk, now, key, Input::Declined);
            }
        }
        self.look_if_exhausted(desk, now, key);
    }

    /// Every branch is done and none succeeded: the best response goes back (§16.7 step 6).
    pub(super) fn conclude(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        // What the caller cancelled while it was being withdrawn anyway has no answer of its own.
        let otherwise = match context.phase {
            State::Answered => return,
            State::Closing => Status::REQUEST_TERMINATED,
            State::Locating | State::Ringing | State::Withdrawing => Status::REQUEST_TIMEOUT,
        };
        self.advance(desk, now, key, Input::Concluded);
        self.forget_early(now, key);
        let Some(context) = self.context(key) else { return };
        let best = context.best.take().unwrap_or(Best { status: otherwise, bytes: None });
        let challenges = std::mem::take(&mut context.challenges);
        let Some(server) = context.server else {
            // An ACK that cannot be forwarded is dropped (§16.7 speaks of responses only).
            desk.counters.dropped += 1;
            self.contexts.remove(key as u32 as usize);
            return;
        };
        if context.method != Method::Invite && best.status == Status::REQUEST_TIMEOUT {
            // RFC 4320 §4.2: the client has given up by now; a 408, our own or another's, would only do harm.
            desk.stack.abandon(now, server);
            self.settle(key);
            return;
        }
        self.tell_failed(desk, key, best.status);
        let status = match (best.status, &best.bytes) {
            // §16.7 step 6: our next hop's overload is not ours.
            (Status::SERVICE_UNAVAILABLE, _) => Status::SERVER_INTERNAL_ERROR,
            (status, _) => status,
        };
        let bytes = match best.bytes.filter(|_| status == best.status) {
            Some(bytes) => Some(add_challenges(bytes, &challenges)),
            None => self.own_response(desk, key, status),
        };
        if let Some(bytes) = bytes {
            self.respond(desk, now, key, (server, status, bytes));
        }
        self.settle(key);
    }

    /// Answers that we ourselves have too much to do (RFC 3261 §21.5.4).
    pub(super) fn overloaded(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let (Some(server), Some(request)) = (context.server, &context.request) else {
            return self.fail(desk, now, key, Status::SERVICE_UNAVAILABLE);
        };
        let status = Status::SERVICE_UNAVAILABLE;
        let busy =
            desk.response(&request.view(), status).line(Name::RETRY_AFTER, crate::agent::OVERLOAD_RETRY_S);
        desk.counters.overloaded += 1;
        self.respond(desk, now, key, (server, status, busy.finish()));
        self.advance(desk, now, key, Input::Concluded);
        self.settle(key);
    }

    /// Answers with where the callee is, for the caller to go there itself (RFC 3261 §8.3).
    pub(super) fn redirect(&mut self, desk: &mut Desk, now: Instant, key: u64, located: &Located) {
        let Some(context) = self.context(key) else { return };
        let Some(request) = &context.request else { return };
        let mut response = desk.response(&request.view(), Status::MOVED_TEMPORARILY);
        for target in &located.targets {
            response = response.line(Name::CONTACT, format_args!("<{}>", target.uri));
        }
        if let Some(server) = context.server {
            desk.stack.respond(now, server, Status::MOVED_TEMPORARILY, response.finish());
        }
        self.advance(desk, now, key, Input::Concluded);
        self.settle(key);
    }

    fn own_response(&mut self, desk: &mut Desk, key: u64, status: Status) -> Option<Bytes> {
        let context = self.context(key)?;
        let response = desk.response(&context.request.as_ref()?.view(), status);
        let Some(refusal) = context.refusal else { return Some(response.finish()) };
        let announced = &desk.settings.announcements;
        let response = match refusal {
            Refusal::Sips(warning) => response.line(Name::WARNING, warning),
            Refusal::Screened => screened(response, "Terminating", announced.screened_in.as_deref()),
            Refusal::Forbidden => screened(response, "Originating", announced.screened_out.as_deref()),
            Refusal::Loop | Refusal::TooOften | Refusal::Nobody | Refusal::NotAllowed => {
                match refusal.warning() {
                    Some(warning) => response.line(Name::WARNING, warning),
                    None => response,
                }
            }
        };
        Some(response.finish())
    }

    /// After the final response only an INVITE's context is still needed: other 2xx may come.
    pub(super) fn settle(&mut self, key: u64) {
        let Some(context) = self.context(key) else { return };
        context.request = None;
        if context.method == Method::Invite {
            self.sweep(key);
        } else {
            self.contexts.remove(key as u32 as usize);
        }
    }
}

/// A refusal as RFC 5359 §2.13 F8 and §2.14 F5 print it, with where the caller can hear of it.
pub(crate) fn screened(response: Builder, where_: &str, announcement: Option<&str>) -> Builder {
    let response = response.with_status(Status::FORBIDDEN, &format!("Screening Failure ({where_})"));
    match announcement {
        Some(uri) => response.line(Name::ERROR_INFO, format_args!("<{uri}>")),
        None => response,
    }
}

fn collect_challenges(challenges: &mut Vec<(Name, Box<str>)>, response: &Bytes) {
    let Ok(view) = View::parse(response) else { return };
    for name in [Name::WWW_AUTHENTICATE, Name::PROXY_AUTHENTICATE] {
        for line in view.lines_named(name) {
            if !challenges.iter().any(|(n, text)| *n == name && **text == *line) {
                challenges.push((name, line.into()));
            }
        }
    }
}

/// §16.7 step 7: the challenges of every branch, in one response.
fn add_challenges(response: Bytes, challenges: &[(Name, Box<str>)]) -> Bytes {
    if challenges.is_empty() {
        return response;
    }
    let Ok(view) = View::parse(&response) else { return response };
    if !matches!(view.status(), Some(Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)) {
        return response;
    }
    let mut edits = cordboard_sip::Edits::new();
    for (name, text) in challenges {
        if !view.lines_named(*name).any(|line| *line == **text) {
            edits.append_line(&view, *name, format_args!("{text}"));
        }
    }
    edits.apply(&view)
}
