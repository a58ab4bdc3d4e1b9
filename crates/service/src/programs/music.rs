//! The music server of RFC 5359 §2.3: it calls whom it is asked to call, and plays to everybody.

use crate::call::{CallAction, CallEvent};
use std::collections::VecDeque;

/// The program.
#[derive(Debug)]
pub(crate) struct Music {
    /// As whom it calls.
    user: Box<str>,
    actions: VecDeque<CallAction>,
}

impl Music {
    pub(super) fn new(user: &str) -> Self {
        Self { user: user.into(), actions: VecDeque::new() }
    }

    pub(super) fn hears(&mut self, event: &CallEvent) {
        match event {
            CallEvent::Asked { call, .. } => {
                self.actions.push_back(CallAction::ConsentAs { call: *call, user: self.user.clone() });
            }
            CallEvent::Incoming { call, .. } => self.actions.push_back(CallAction::Answer(*call)),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }
}
