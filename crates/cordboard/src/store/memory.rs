//! What the store holds in memory: the location service and what of it is not yet on disk.

use cordboard_core::time::Instant;
use cordboard_service::location::{Aor, BindingRef, Location, Persist, Registered, Urgency};
use std::collections::BTreeSet;

/// Bindings collected at one go once they have ended.
const MAX_EXPIRED: usize = 10_000;

/// The location service and what is still to be written.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) location: Location,
    urgent: Dirty,
    late: Dirty,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// Bindings to write in full.
    pub(super) stored: Vec<BindingRef>,
    /// Bindings of which only the times changed.
    pub(super) refreshed: Vec<BindingRef>,
    /// Numbers of bindings to forget.
    pub(super) removed: Vec<u64>,
}

impl Dirty {
    pub(super) const fn is_empty(&self) -> bool {
        self.stored.is_empty() && self.refreshed.is_empty() && self.removed.is_empty()
    }

    fn unique(mut self) -> Self {
        for list in [&mut self.stored, &mut self.refreshed] {
            list.sort_unstable();
            list.dedup();
        }
        self
    }

    fn append(&mut self, mut other: Self) {
        self.stored.append(&mut other.stored);
        self.refreshed.append(&mut other.refreshed);
        self.removed.append(&mut other.removed);
    }
}

impl Memory {
    pub(super) fn new(location: Location) -> Self {
        Self { location, urgent: Dirty::default(), late: Dirty::default() }
    }

    /// Notes what a change left to be written.
    pub(super) fn note(&mut self, persist: Persist) {
        let list = match persist.urgency {
            Urgency::Nothing => return,
            Urgency::Soon => &mut self.late,
            Urgency::Now => &mut self.urgent,
        };
        list.stored.extend(persist.stored);
        list.refreshed.extend(persist.refreshed);
        list.removed.extend(persist.removed);
    }

    /// All that must be on disk before it is answered.
    pub(super) fn take_urgent(&mut self) -> Dirty {
        std::mem::take(&mut self.urgent).unique()
    }

    /// Some of what may lag.
    pub(super) fn take_late(&mut self, at_most: usize) -> Dirty {
        let last = |length: usize| length.saturating_sub(at_most);
        Dirty {
            stored: self.late.stored.split_off(last(self.late.stored.len())),
            refreshed: self.late.refreshed.split_off(last(self.late.refreshed.len())),
            removed: self.late.removed.split_off(last(self.late.removed.len())),
        }
        .unique()
    }

    /// Keeps what could not be written for another try.
    pub(super) fn put_back(&mut self, dirty: Dirty) {
        self.late.append(dirty);
    }

    /// Collects what has ended; whose it was, and what they have left.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(Aor, Registered)> {
        let mut users = BTreeSet::new();
        for (number, user) in self.location.expire(now, MAX_EXPIRED) {
            self.late.removed.push(number);
            users.insert(user);
        }
        let left = |user: Aor| {
            let left = self.location.registered(&user);
            (user, left)
        };
        users.into_iter().map(left).collect()
    }

    /// How many writes wait.
    pub(super) fn waiting(&self) -> usize {
        [&self.urgent, &self.late]
            .iter()
            .map(|list| list.stored.len() + list.refreshed.len() + list.removed.len())
            .sum()
    }
}
