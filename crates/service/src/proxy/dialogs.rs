//! The dialogs that the responses to an INVITE make (RFC 3261 §12.1), for who may take them over.

use super::Proxy;
use crate::carried::state::Input;
use crate::desk::Desk;
use crate::location::Aor;
use cordboard_core::time::Instant;
use cordboard_sip::{Status, View};

/// Dialogs that one INVITE may make; a callee that writes a new tag into each response makes no more.
const MAX_DIALOGS: usize = super::MAX_TARGETS;

impl Proxy {
    /// A response to an INVITE passes that makes a dialog, or goes on with one.
    pub(super) fn remember(
        &mut self,
        desk: &Desk,
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
        if !begun {
            if context.dialogs.len() >= MAX_DIALOGS {
                return;
            }
            context.dialogs.push(dialog);
        }
        self.carried.learn(dialog, Some(ends), response, true);
        let input = if status.is_provisional() { Input::Rang } else { Input::Answered };
        self.carried.handle(now, dialog, input, (!begun).then_some(ends));
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
