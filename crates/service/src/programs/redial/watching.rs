//! Whether those are free whom somebody wants: their calls are watched (RFC 4235), in the name of who waits for them first.

use super::table::{Input, State};
use super::{Redial, Redials};
use crate::call::CallAction;
use crate::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use cordboard_sip::body::dialog_info::State as RowState;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After what time a party is watched again whose notifier has ended the subscription without a reason to give up.
const WATCHED_AGAIN: Duration = Duration::from_secs(30);

/// For how long at a time. A notifier that has lost us, or that we could not tell that we are done, notices it then (RFC 6665
/// §4.1.2.2, §4.2.2).
const WATCHED: Duration = Duration::from_mins(10);

/// Somebody who is wanted, by address.
#[derive(Debug)]
pub(super) struct Party {
    /// In whose name they are watched.
    whose: Box<str>,
    /// Nothing while nobody tells us of their calls.
    watch: Option<WatchName>,
    free: bool,
    /// When to watch again, if nobody does.
    again_at: Option<Instant>,
    /// Until when nobody is served, for whoever is wanted may have a call that we have not been told of.
    pub(super) rests_until: Instant,
}

impl Redials {
    /// Whoever is wanted is told of.
    pub(super) fn watched(&mut self, now: Instant, event: &WatchEvent) {
        let watch = event.watch();
        let Some((wanted, party)) = self.parties.iter_mut().find(|(_, party)| party.watch == Some(watch))
        else {
            return;
        };
        if matches!(event, WatchEvent::Ended { .. } | WatchEvent::Impossible(_)) {
            (party.watch, party.free) = (None, false);
        }
        match event {
            WatchEvent::State { state, .. } => {
                if let Watched::Dialogs(rows) = &**state {
                    party.free = rows.iter().all(|row| row.state == RowState::Terminated);
                }
            }
            WatchEvent::Ended { status: None, again, .. } => {
                party.again_at = Some(now + again.unwrap_or(WATCHED_AGAIN));
            }
            // Nobody will ever tell us: there is nobody of that name, or they do not want us to know.
            WatchEvent::Ended { status: Some(status), .. } if !is_passing(*status) => {
                let wanted = wanted.clone();
                self.gives_up_party(now, &wanted, *status);
            }
            WatchEvent::Ended { .. } | WatchEvent::Impossible(_) => {
                party.again_at = Some(now + WATCHED_AGAIN);
            }
            WatchEvent::Pending(_) | WatchEvent::Again { .. } => party.free = false,
        }
    }

    fn gives_up_party(&mut self, now: Instant, wanted: &str, status: Status) {
        let outcome = if status == Status::FORBIDDEN { Outcome::NotAllowed } else { Outcome::TargetNotFound };
        for at in self.to_be_given_up(|redial| *redial.wanted == *wanted) {
            self.gives_up(now, at, outcome);
        }
    }

    /// Whose turn it is next with each party that is free, and from when on. Nobody is called for two at once, nor while
    /// somebody is called who wants them.
    fn turns(&self) -> impl Iterator<Item = (Instant, u64)> {
        let served = self.waiting.values().filter(|redial| redial.state == State::Served);
        let busy: BTreeSet<&str> = served.flat_map(|redial| [&*redial.asker, &*redial.wanted]).collect();
        let mut turns: BTreeMap<&str, (Instant, u64)> = BTreeMap::new();
        for (number, redial) in &self.waiting {
            let Redial { asker, wanted, .. } = redial;
            let party = self.parties.get(wanted).filter(|party| party.free);
            let Some(party) = party.filter(|_| redial.state == State::Waiting) else { continue };
            if busy.contains(&**asker) || busy.contains(&**wanted) {
                continue;
            }
            // Who asked first is first, unless they are left alone for a while.
            let turn = (redial.rests_until.max(party.rests_until), *number);
            turns.entry(wanted).and_modify(|first| *first = turn.min(*first)).or_insert(turn);
        }
        turns.into_values()
    }

    /// Serves those whose turn it is.
    pub(super) fn turn(&mut self, now: Instant) {
        loop {
            let due = self.turns().find(|(at, _)| *at <= now);
            let Some((_, number)) = due else { return };
            self.advance(now, number, Input::Turn);
        }
    }

    /// When something is to be done about somebody who is wanted.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let again = self.parties.values().filter_map(|party| party.again_at);
        again.chain(self.turns().map(|(at, _)| at)).min()
    }

    /// Watches those again whom nobody has told us of for a while.
    pub(super) fn watch_again(&mut self, now: Instant) {
        let blind = |party: &Party| party.again_at.is_some_and(|due| due <= now);
        let blind = self.parties.iter().filter(|(_, party)| blind(party));
        for wanted in blind.map(|(wanted, _)| wanted.clone()).collect::<Vec<_>>() {
            self.watch(&wanted);
        }
    }

    pub(super) fn begin_to_watch(&mut self, wanted: &str, whose: &str) {
        if !self.parties.contains_key(wanted) {
            let party = Party {
                whose: whose.into(),
                watch: None,
                free: false,
                again_at: None,
                rests_until: Instant::START,
            };
            self.parties.insert(wanted.into(), party);
            self.watch(wanted);
        }
    }

    fn watch(&mut self, wanted: &str) {
        let Some(party) = self.parties.get_mut(wanted) else { return };
        self.watches += 1;
        let watch = WatchName(self.watches);
        party.watch = Some(watch);
        party.again_at = None;
        self.actions.push_back(CallAction::Watching(WatchAction::Begin {
            watch,
            whom: Whom::AddressFor { address: format!("<{wanted}>").into(), whose: party.whose.clone() },
            package: Package::Dialog,
            expires: WATCHED,
        }));
    }

    /// One does not wait for a party any more. In the name of who has nothing to do with it nobody is watched.
    pub(super) fn end_to_watch(&mut self, wanted: &str) {
        let Some(party) = self.parties.get_mut(wanted) else { return };
        let of_party = || self.waiting.values().filter(|redial| *redial.wanted == *wanted);
        if of_party().any(|redial| redial.asker == party.whose) {
            return;
        }
        let first = of_party().next().map(|redial| redial.asker.clone());
        let watch = party.watch.take();
        self.actions.extend(watch.map(|watch| CallAction::Watching(WatchAction::End(watch))));
        match first {
            Some(first) => {
                (party.whose, party.free) = (first, false);
                self.watch(wanted);
            }
            None => {
                self.parties.remove(wanted);
            }
        }
    }
}

/// Whether it makes sense to ask again later after such a refusal.
const fn is_passing(status: Status) -> bool {
    matches!(status.code(), 408 | 480 | 481 | 486 | 500 | 503 | 504)
}
