//! Our own calls as watchers see them (RFC 4235 §3.7): what has changed since they were last told, and for whom that
//! is something.

use super::Telephone;
use super::call::{Call, Leg, Side};
use super::watchers::Watcher;
use super::who_may::same_user;
use crate::desk::Desk;
use crate::dialog_news::Sight;
use crate::watch::Package;
use cordboard_core::dialog::{Dialog, State as DialogState};
use cordboard_core::subscription::notifier::Input;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::body::dialog_info::{Dialog as Row, Direction, Event, Identity, Replaced, State, Target};
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Name, Status, UriRef};
use std::collections::{BTreeMap, BTreeSet};

/// How a call ended, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    event: Event,
    code: Option<Status>,
}

impl Ending {
    /// What brought a call to its end (§3.7.1, figure 3).
    pub(super) const fn of(outcome: Outcome, status: Option<Status>, by_peer: bool) -> Self {
        let event = match (outcome, status) {
            (Outcome::Answered, _) if by_peer => Event::RemoteBye,
            (Outcome::Answered, _) => Event::LocalBye,
            (Outcome::Cancelled, _) => Event::Cancelled,
            (Outcome::NoAnswer, None) => Event::Timeout,
            (_, Some(_)) => Event::Rejected,
            (_, None) => Event::Error,
        };
        Self { event, code: status }
    }
}

/// What watchers know of our calls.
#[derive(Default)]
pub(super) struct Told {
    /// The dialogs of each call that is not over.
    calls: BTreeMap<u64, Vec<Row>>,
    /// Calls that something has happened to since.
    touched: BTreeMap<u64, Option<Ending>>,
    /// Conferences that somebody has left since.
    pub(super) conferences: BTreeSet<u64>,
    /// Whether we can be called.
    open: bool,
    busy: bool,
}

impl Told {
    /// Every dialog.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.calls.values().flatten()
    }

    /// Whether there is any call.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }
}

impl Telephone {
    /// Somebody begins to watch: how our calls are now.
    pub(super) fn learn_calls(&mut self, desk: &Desk) {
        if self.watchers.len() > 0 {
            return;
        }
        let rows = self.calls.with_keys().map(|(key, call)| (key, self.rows_of(desk, key, call)));
        let calls: BTreeMap<_, _> = rows.filter(|(_, rows)| !rows.is_empty()).collect();
        let (busy, open) = (!calls.is_empty(), self.refuses.is_none());
        self.told = Told { calls, touched: BTreeMap::new(), conferences: BTreeSet::new(), open, busy };
    }

    /// Something has happened to a call.
    pub(super) fn touch(&mut self, key: u64, ending: Option<Ending>) {
        if self.watchers.len() > 0 {
            let known = self.told.touched.entry(key).or_default();
            *known = known.or(ending);
        }
    }

    /// Tells those who watch, once everything that follows from an input is done.
    pub(crate) fn settle(&mut self, desk: &mut Desk, now: Instant) {
        self.take_notice(desk, now);
        self.admit(desk, now);
        self.redial_next(desk, now);
        let reachable = self.refuses.is_none();
        if self.watchers.len() == 0 || (self.told.touched.is_empty() && self.told.open == reachable) {
            return;
        }
        let conferences = self.conferences_touched();
        let changes = self.changes(desk);
        let busy = !self.told.calls.is_empty();
        let turned = busy != std::mem::replace(&mut self.told.busy, busy);
        let present = turned || reachable != std::mem::replace(&mut self.told.open, reachable);
        for key in self.watchers.active() {
            let met = self.watchers.get(key).and_then(|watcher| watcher.conference);
            let met = met.is_some_and(|conference| conferences.contains(&conference));
            let met = met && self.owes_conference(desk, now, key);
            if self.owe(key, &changes, turned, present) || met {
                self.advance_watcher(desk, now, key, Input::Changed);
            }
        }
    }

    /// The conferences in which something has happened to somebody.
    fn conferences_touched(&mut self) -> BTreeSet<u64> {
        let mut conferences = std::mem::take(&mut self.told.conferences);
        conferences.extend(self.told.touched.keys().filter_map(|key| self.calls.get(*key)?.conference));
        conferences
    }

    /// The dialogs that are not as they were told last.
    fn changes(&mut self, desk: &Desk) -> Vec<Row> {
        let mut changes = Vec::new();
        for (key, ending) in std::mem::take(&mut self.told.touched) {
            let new = self.calls.get(key).map(|call| self.rows_of(desk, key, call)).unwrap_or_default();
            let old = self.told.calls.remove(&key).unwrap_or_default();
            changes.extend(new.iter().filter(|row| !old.contains(row)).cloned());
            for mut gone in old {
                if !new.iter().any(|row| row.id == gone.id) {
                    gone.state = State::Terminated;
                    gone.event = ending.map(|ending| ending.event);
                    gone.code = ending.and_then(|ending| ending.code);
                    changes.push(gone);
                }
            }
            if !new.is_empty() {
                self.told.calls.insert(key, new);
            }
        }
        changes
    }

    /// Notes what a watcher is to be told; whether that is anything.
    fn owe(&mut self, key: u64, changes: &[Row], turned: bool, present: bool) -> bool {
        let Some(watcher) = self.watchers.get(key) else { return false };
        match (watcher.package, watcher.sight) {
            (Package::Dialog, Sight::Virtual) => turned,
            (Package::Dialog, Sight::Whole) => {
                let target = self.home(watcher.home).map(|dialog| dialog.target().to_owned());
                let seen = changes.iter().filter(|row| sees(watcher, target.as_deref(), row));
                let seen: Vec<Row> = seen.cloned().collect();
                let any = !seen.is_empty();
                if let Some(watcher) = self.watchers.get_mut(key) {
                    watcher.news.owe(seen);
                }
                any
            }
            (Package::Presence, _) => present,
            (Package::MessageSummary | Package::Reg | Package::Conference, _) => false,
        }
    }

    /// The dialogs of a call as they are now; none of one that is over, or that nobody heard of.
    fn rows_of(&self, desk: &Desk, key: u64, call: &Call) -> Vec<Row> {
        if call.is_over() || call.silent {
            return Vec::new();
        }
        let shown = |(at, leg): (usize, &Leg)| {
            let chosen = !call.is_up() || call.answered == Some(at);
            let state = match leg.dialog.state() {
                DialogState::Early => State::Early,
                DialogState::Confirmed => State::Confirmed,
                DialogState::Terminated => return None,
            };
            chosen.then(|| self.row(desk, (key, call), &row_id(key, at), state, Some(&leg.dialog)))
        };
        let rows: Vec<Row> = call.legs.iter().enumerate().filter_map(shown).collect();
        if rows.is_empty() && call.legs.is_empty() {
            let heard = call.invite.and_then(|errand| self.errands.get(errand));
            let heard = heard.is_some_and(super::errand::Errand::is_heard);
            let state = if heard { State::Proceeding } else { State::Trying };
            return vec![self.row(desk, (key, call), &row_id(key, 0), state, None)];
        }
        rows
    }

    fn row(
        &self,
        desk: &Desk,
        (key, call): (u64, &Call),
        id: &str,
        state: State,
        dialog: Option<&Dialog>,
    ) -> Row {
        let mut row = Row::new(id, state);
        row.call_id = Some(call.call_id.to_string());
        row.local_tag = Some(call.local_tag.to_string());
        row.remote_tag =
            dialog.map(|dialog| dialog.id().remote_tag.to_string()).filter(|tag| !tag.is_empty());
        row.direction = Some(match call.side {
            Side::Caller(_) => Direction::Initiator,
            Side::Callee(_) => Direction::Recipient,
        });
        row.replaces = call.replaces.and_then(|old| self.replaced_row(old));
        let referred_by = call.lines.iter().find(|(name, _)| *name == Name::REFERRED_BY);
        row.referred_by = referred_by.and_then(|(_, value)| identity(value));
        row.local.identities.extend(identity(&self.identity_in(call, dialog)));
        let secure = dialog.is_some_and(|dialog| dialog.target().starts_with("sips:"));
        row.local.target = Some(Target {
            uri: self.face(desk, Some(key), call.listener, secure),
            params: self.target_params(key, call),
        });
        let remote = dialog.map_or(&*call.remote, Dialog::remote);
        row.remote.identities.extend(identity(remote));
        row.remote.target = dialog.map(|dialog| Target { uri: dialog.target().into(), params: Vec::new() });
        row
    }

    /// As whom we are in a call: our own address, or another of our domain at which we were called or call.
    fn identity_in(&self, call: &Call, dialog: Option<&Dialog>) -> String {
        let (own, local) = (self.address(), dialog.map_or(&*call.local, Dialog::local));
        if local.is_empty() || same_user(local, &own) { own } else { local.to_owned() }
    }

    /// What our Contact says in a call (§4.1.6.2).
    fn target_params(&self, key: u64, call: &Call) -> Vec<(String, String)> {
        let fixed = self.account.features;
        let mut params = Vec::new();
        for (told, name, value) in [
            (self.conference_of_call(key).is_some(), "isfocus", "true"),
            (fixed.automaton, "automata", "true"),
            (fixed.byeless, "+sip.byeless", "true"),
            (!fixed.renders(call.media.holds), "+sip.rendering", "no"),
        ] {
            if told {
                params.push((name.to_owned(), value.to_owned()));
            }
        }
        params
    }

    fn replaced_row(&self, old: u64) -> Option<Replaced> {
        let old = self.calls.get(old)?;
        let id = old.legs.get(old.answered?)?.dialog.id();
        Some(Replaced {
            call_id: id.call_id.to_string(),
            local_tag: id.local_tag.to_string(),
            remote_tag: id.remote_tag.to_string(),
        })
    }
}

/// Whether a dialog is one that a watcher is told of: what it asked for, and not its own with us (§3.3).
pub(super) fn sees(watcher: &Watcher, target: Option<&str>, row: &Row) -> bool {
    let remote = row.remote.target.as_ref().and_then(|remote| UriRef::parse(&remote.uri).ok());
    let target = target.and_then(|target| UriRef::parse(target).ok());
    let own = remote.zip(target).is_some_and(|(remote, target)| remote.equivalent(&target));
    let place = || row.local.identities.first().and_then(|local| UriRef::parse(&local.uri).ok()?.user());
    !own && watcher.only.as_ref().is_none_or(|only| only.names(row))
        && watcher.slot.as_ref().is_none_or(|slot| place() == Some(slot))
}

/// What a dialog is called in our documents.
fn row_id(key: u64, leg: usize) -> String {
    if leg == 0 { format!("{key:x}") } else { format!("{key:x}-{leg}") }
}

/// The URI and the name of an address.
fn identity(address: &str) -> Option<Identity> {
    let address = NameAddrRef::parse(address).ok()?;
    let display = address.display().map(std::borrow::Cow::into_owned).filter(|name| !name.is_empty());
    Some(Identity { uri: address.uri_text().into(), display })
}
