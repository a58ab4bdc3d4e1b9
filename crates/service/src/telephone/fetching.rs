//! Finding a call of somebody else's and calling for it: retrieving one that is parked (RFC 5359 §2.15), and picking one up
//! that rings (§2.16).
//!
//! Whoever has the call is asked for its dialogs, once (RFC 6665 §4.4.3, RFC 4235); the one that is wanted is named in
//! an INVITE to its other side (RFC 3891). The new call has its name from the beginning, so that it can be given up.

use super::Telephone;
use super::call::outcome_of;
use super::caller::Placing;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::watch::{Package, WatchEvent, WatchName, Watched, Whom};
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::body::dialog_info::{Dialog as Row, Direction, State};
use cordboard_sip::header::Replaces;
use cordboard_sip::{Name, Status, UriRef};
use std::collections::{BTreeMap, VecDeque};

/// Calls that one telephone may look for at a time.
const MAX_FETCHES: usize = 64;

/// Which of somebody's calls is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The first that is up: notifiers of ours list the longest first.
    Parked,
    /// The one with this Contact at its other end.
    With(Box<str>),
    /// One that came in and is not answered.
    Ringing,
}

impl Wanted {
    /// The call that is wanted, among those that there are.
    fn among(self, rows: &[Row]) -> Option<&Row> {
        let same = |row: &&Row, contact: &str| {
            let target = row.remote.target.as_ref().and_then(|target| UriRef::parse(&target.uri).ok());
            target.zip(UriRef::parse(contact).ok()).is_some_and(|(one, other)| one.equivalent(&other))
        };
        rows.iter().find(|row| match &self {
            Self::Parked => row.state == State::Confirmed,
            Self::With(contact) => row.state == State::Confirmed && same(row, contact),
            Self::Ringing => row.state == State::Early && row.direction == Some(Direction::Recipient),
        })
    }
}

/// A call that is looked for.
struct Fetch {
    call: CallName,
    wanted: Wanted,
}

/// What is looked for, and what was noticed since.
#[derive(Default)]
pub(super) struct Fetches {
    table: BTreeMap<WatchName, Fetch>,
    noticed: VecDeque<WatchEvent>,
    last: u64,
}

impl Fetches {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Something about what this telephone watches for itself.
    pub(super) fn notice(&mut self, event: WatchEvent) {
        self.noticed.push_back(event);
    }

    fn has(&self, name: CallName) -> bool {
        self.table.values().any(|fetch| fetch.call == name)
    }

    /// Looks for a call no longer; false if nobody did.
    pub(super) fn drop_call(&mut self, name: CallName) -> bool {
        let had = self.has(name);
        self.table.retain(|_, fetch| fetch.call != name);
        had
    }
}

impl Telephone {
    /// Looks for a call of somebody's.
    pub(super) fn fetch(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        whom: &str,
        wanted: Wanted,
    ) {
        let possible = !name.is_incoming() && !self.is_taken(name) && self.fetches.len() < MAX_FETCHES;
        let watch = self.own_watch();
        let whom = Whom::Address(super::bracketed(whom).into());
        if !possible || !self.watch(desk, now, watch, whom, Package::Dialog, 0) {
            return Self::tell(desk, CallEvent::Impossible(name));
        }
        self.fetches.table.insert(watch, Fetch { call: name, wanted });
    }

    /// A name for something that is watched and that nobody is told of.
    pub(super) const fn own_watch(&mut self) -> WatchName {
        self.fetches.last += 1;
        WatchName::own(self.fetches.last)
    }

    /// Whether a call has that name, or will have it once it is found.
    pub(super) fn is_taken(&self, name: CallName) -> bool {
        self.names.contains_key(&name) || self.fetches.has(name) || self.redials.waits(name)
    }

    /// Goes on with what was noticed of calls that are looked for.
    pub(super) fn take_notice(&mut self, desk: &mut Desk, now: Instant) {
        while let Some(event) = self.fetches.noticed.pop_front() {
            match event {
                WatchEvent::State { watch, state } => {
                    self.dialogs_told(desk, now, watch, &state);
                    self.redial_told(desk, now, watch, &state);
                }
                WatchEvent::Ended { watch, status, .. } => {
                    self.redial_blind(desk, now, watch, status);
                    if let Some(fetch) = self.fetches.table.remove(&watch) {
                        let outcome = status.map_or(Outcome::NotFound, outcome_of);
                        let by_peer = true;
                        Self::tell(desk, CallEvent::Ended { call: fetch.call, outcome, status, by_peer });
                    }
                }
                WatchEvent::Pending(_) | WatchEvent::Again { .. } | WatchEvent::Impossible(_) => {}
            }
        }
    }

    fn dialogs_told(&mut self, desk: &mut Desk, now: Instant, watch: WatchName, state: &Watched) {
        let Watched::Dialogs(rows) = state else { return };
        let Some(fetch) = self.fetches.table.get(&watch) else { return };
        let early = fetch.wanted == Wanted::Ringing;
        let found = fetch.wanted.clone().among(rows).and_then(|row| {
            let mut replaces = replaces(row)?;
            replaces.early_only = early;
            Some((self.way_to(row)?, replaces))
        });
        // Another of its notifiers may know more.
        let Some((to, replaces)) = found else { return };
        let call = fetch.call;
        self.fetches.table.remove(&watch);
        self.call_instead(desk, now, call, &to, &replaces);
    }

    /// Calls somebody to take over a call there.
    pub(super) fn call_instead(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        to: &str,
        replaces: &Replaces,
    ) {
        let lines = vec![(Name::REPLACES, replaces.to_string().into()), (Name::REQUIRE, "replaces".into())];
        Self::tell(desk, CallEvent::Found { call: name, to: to.into() });
        if self.place(desk, now, name, to, Placing { lines, ..Placing::USUAL }).is_none() {
            let (outcome, status) = (Outcome::Failed, Some(Status::SERVICE_UNAVAILABLE));
            Self::tell(desk, CallEvent::Ended { call: name, outcome, status, by_peer: false });
        }
    }

    /// Where the other side of a dialog is called: its Contact leads to it and nobody else, if it can be reached there;
    /// whoever goes by a server calls the address (RFC 5589 §7.3).
    fn way_to(&self, row: &Row) -> Option<Box<str>> {
        let target = row.remote.target.as_ref().map(|target| &*target.uri);
        let identity = row.remote.identities.first().map(|identity| &*identity.uri);
        let direct = self.account.outbound_proxies.is_empty();
        let everywhere = target.is_some_and(|uri| UriRef::parse(uri).is_ok_and(|uri| uri.params().has("gr")));
        let (first, second) = if direct || everywhere { (target, identity) } else { (identity, target) };
        first.or(second).map(Into::into)
    }
}

/// The dialog as its other side names it (RFC 3891 §3); `None` of a virtual one.
fn replaces(row: &Row) -> Option<Replaces> {
    let tag = |tag: &Option<String>| tag.as_ref()?.parse().ok();
    Some(Replaces::new(row.call_id.as_ref()?.parse().ok()?, tag(&row.remote_tag)?, tag(&row.local_tag)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_sip::body::dialog_info::Target;

    fn row(id: &str, state: State, direction: Direction, contact: &str) -> Row {
        let mut row = Row::new(id, state);
        row.direction = Some(direction);
        row.remote.target = Some(Target { uri: contact.into(), params: Vec::new() });
        row
    }

    #[test]
    fn the_call_that_is_wanted_is_found_among_others() {
        use {Direction::*, State::*};
        let rows = [
            row("1", Early, Initiator, "sip:a@h"),
            row("2", Confirmed, Initiator, "sip:b@h"),
            row("3", Confirmed, Recipient, "sip:c@h:5070"),
            row("4", Early, Recipient, "sip:d@h"),
            row("5", Terminated, Recipient, "sip:e@h"),
        ];
        let found = |wanted: Wanted| wanted.among(&rows).map(|row| row.id.clone());
        assert_eq!(found(Wanted::Parked).as_deref(), Some("2"));
        assert_eq!(found(Wanted::With("sip:c@H:5070".into())).as_deref(), Some("3"));
        assert_eq!(found(Wanted::With("sip:e@h".into())), None);
        assert_eq!(found(Wanted::Ringing).as_deref(), Some("4"));
        assert_eq!(Wanted::Ringing.among(&rows[..3]), None);
    }
}
