//! Calls that are over. They stay for what may come late, such as another 2xx (RFC 3261 §13.2.2.4) or a repeated BYE, and for
//! what travels in their dialogs still (RFC 5057); then they are forgotten.

use super::Telephone;
use super::call::{Call, Side};
use super::callee::dialog_key;
use super::keeping::Keeping;
use std::collections::BTreeMap;

/// Calls that one telephone may have at a time; more are refused with 503. Those that are over do not count.
const MAX_CALLS: usize = 10_000;

/// Calls that are over and kept. Of more, the oldest are forgotten early.
const MAX_FINISHED: usize = 10_000;

/// Calls that are over, in the order in which they ended.
#[derive(Default)]
pub(super) struct Finished {
    keys: BTreeMap<u64, u64>,
    next: u64,
}

impl Call {
    /// Whether something else than late messages needs it.
    fn is_used(&self) -> bool {
        self.usages > 0 || !self.referrals.is_empty()
    }
}

impl Telephone {
    /// Whether there is no room for another call.
    pub(super) fn has_no_room(&self) -> bool {
        self.calls.len() - self.finished.keys.len() >= MAX_CALLS
    }

    /// A call is over.
    pub(super) fn finished(&mut self, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        self.finished.next += 1;
        call.finished = Some(self.finished.next);
        self.finished.keys.insert(self.finished.next, key);
        if self.finished.keys.len() > MAX_FINISHED {
            let unused = |key: &&u64| self.calls.get(**key).is_some_and(|call| !call.is_used());
            if let Some(oldest) = self.finished.keys.values().find(unused).copied() {
                self.forget(oldest);
            }
        }
    }

    /// Marks a call to be forgotten when nothing refers to it any more.
    pub(super) fn sweep(&mut self, key: u64) {
        if self.calls.get(key).is_some_and(Call::is_over) {
            self.leaving.push_back(key);
        }
    }

    /// Forgets calls that are over and that nothing refers to any more.
    pub(super) fn leave(&mut self) {
        while let Some(key) = self.leaving.pop_front() {
            let Some(call) = self.calls.get(key) else { continue };
            let written = matches!(call.keeping, Keeping::Waits(_));
            let waits = written || call.errands > 0 || call.server.is_some();
            if call.is_over() && !waits && !call.is_used() {
                self.forget(key);
            }
        }
    }

    fn forget(&mut self, key: u64) {
        if let Some(invite) = self.calls.get(key).and_then(|call| call.invite) {
            self.drop_errand(invite);
        }
        let Some(call) = self.calls.remove(key) else { return };
        if let Some(nth) = call.finished {
            self.finished.keys.remove(&nth);
        }
        self.names.remove(&call.name);
        self.by_dialog.remove(&dialog_key(&call.call_id, &call.local_tag));
        if let (Side::Callee(_), Some(leg)) = (call.side, call.legs.first()) {
            let peer = dialog_key(&call.call_id, &leg.dialog.id().remote_tag);
            if self.by_peer.get(&peer) == Some(&key) {
                self.by_peer.remove(&peer);
            }
        }
    }
}
