//! The dialogs that the responses to an INVITE make (RFC 3261 §12.1), for who may take them over.

use super::Proxy;
use crate::carried::state::{Input, State};
use crate::carried::{DialogKey, Ends};
use crate::desk::Desk;
use crate::location::Aor;
use crate::news::{CallNews, CallState, News};
use cordboard_core::time::Instant;
use cordboard_ladder::{Outcome, Role};
use cordboard_sip::{Status, View};

/// Dialogs that one INVITE may make; a callee that writes a new tag into each response makes no more.
const MAX_DIALOGS: usize = super::MAX_TARGETS;

impl Proxy {
    /// A response to an INVITE passes that makes a dialog, or goes on with one.
    pub(super) fn remember(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        status: Status,
        response: &View<'_>,
    ) {
        let (Some(context), Some(tag)) = (self.context(key), response.to_tag()) else { return };
        let Some(mut ends) = context.ends else { return };
        ends.callee = context.branches.get(at).and_then(|branch| branch.aim.whose).or(ends.callee);
        let dialog = desk.tokens.dialog(response.call_id(), [response.from_tag().unwrap_or_default(), tag]);
        // A 2xx may come again when its call is over: it begins no second one.
        let begun = context.dialogs.contains(&dialog);
        let first = context.dialogs.is_empty();
        if !begun {
            if context.dialogs.len() >= MAX_DIALOGS {
                return;
            }
            context.dialogs.push(dialog);
            self.carried.learn(dialog, ends, response);
        }
        // What answered and hung up is over, whatever comes again.
        let over = begun && self.carried.get(dialog).is_none();
        let input = if status.is_provisional() { Input::Rang } else { Input::Answered };
        let before = self.carried.get(dialog).map(|(state, _)| state);
        self.carried.handle(now, dialog, input, (!begun).then_some(ends));
        let state = match (input, before) {
            (Input::Rang, None) if first => CallState::Ringing,
            (Input::Answered, None | Some(State::Early)) if !over => CallState::Answered,
            _ => return,
        };
        desk.tell(|| {
            News::Call(self.call_news(response, (response.from_uri(), response.to_uri()), ends, state))
        });
    }

    /// A BYE passes.
    pub(crate) fn tell_hung_up(
        &self,
        desk: &mut Desk,
        dialog: DialogKey,
        request: &View<'_>,
        by_caller: bool,
    ) {
        let Some((_, ends)) = self.carried.get(dialog) else { return };
        let (one, other) = (request.from_uri(), request.to_uri());
        let (parties, by) =
            if by_caller { ((one, other), Role::Caller) } else { ((other, one), Role::Callee) };
        let state = CallState::Ended { outcome: Outcome::Answered, status: None, by: Some(by) };
        desk.tell(|| News::Call(self.call_news(request, parties, ends, state)));
    }

    /// A call is over that never was up.
    pub(super) fn tell_failed(&self, desk: &mut Desk, key: u64, status: Status) {
        let Some(context) = self.contexts.get(key as u32 as usize) else { return };
        let (Some(ends), Some(request)) = (context.ends, &context.request) else { return };
        let names = [ends.caller, ends.callee].map(|party| self.carried.people.name(party));
        desk.tell_refused(&request.view(), status, names);
    }

    fn call_news(
        &self,
        message: &View<'_>,
        (from, to): (&str, &str),
        ends: Ends,
        state: CallState,
    ) -> CallNews {
        let name = |party| self.carried.people.name(party).map(Box::from);
        CallNews {
            call_id: message.call_id().into(),
            from: from.into(),
            to: to.into(),
            caller: name(ends.caller),
            callee: name(ends.callee),
            state,
        }
    }

    /// The INVITE has had its final response: what was early and not answered is over.
    pub(super) fn forget_early(&mut self, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        for dialog in context.dialogs.clone() {
            self.carried.handle(now, dialog, Input::Refused, None);
        }
    }

    /// A request is for that user of ours, who is known to exist.
    pub(super) fn calls(&mut self, key: u64, aor: &Aor) {
        let Some(ends) = self.contexts.get_mut(key as u32 as usize).and_then(|context| context.ends.as_mut())
        else {
            return;
        };
        if let Some((user, _)) = aor.0.rsplit_once('@') {
            ends.callee = self.carried.people.enter(user);
        }
    }
}
