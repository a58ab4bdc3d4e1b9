//! Which of our users somebody watches, and what is kept of their calls for that.
//!
//! Watchers may be at home in other shards, which are told by letters (see [`notifier`](crate::notifier)). Letters of two
//! threads may overtake each other, so each has its number.

use super::people::{Number, Party, People};
use super::state::State;
use super::{Change, DialogKey, Ends};
use crate::door::ShardId;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Name, View};
use foldhash::quality::FixedState;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Dialogs whose identifiers are kept; more are told without.
const MAX_NAMED: usize = 65_536;

/// How long the identifiers of a dialog may be together, in octets; longer ones are not told.
const MAX_NAMES: usize = 1_024;

/// What the response that began a dialog says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) call_id: Box<str>,
    pub(crate) caller: EndName,
    pub(crate) callee: EndName,
}

/// What a dialog calls one of its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndName {
    pub(crate) tag: Box<str>,
    pub(crate) uri: Box<str>,
    pub(crate) display: Option<Box<str>>,
}

/// Which end of a dialog somebody is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Caller,
    Callee,
}

/// A dialog of somebody who is watched, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lamp {
    pub(crate) key: DialogKey,
    pub(crate) side: Side,
    pub(crate) state: State,
    /// None where they are too long, or more dialogs are up than are named.
    pub(crate) names: Option<Arc<Names>>,
}

/// A shard in which somebody watches one of our users.
#[derive(Clone, Copy, Debug)]
struct Interest {
    shard: ShardId,
    /// Which of its times that it began to watch.
    turn: u64,
    /// The number of the next letter.
    next: u64,
}

/// News for a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) to: ShardId,
    pub(crate) user: Box<str>,
    pub(crate) turn: u64,
    pub(crate) number: u64,
    pub(crate) lamps: Vec<Lamp>,
}

/// Who is watched in the calls of one shard. The directory bounds the users, and the shards who watches them.
#[derive(Default)]
pub(crate) struct Watched {
    users: HashMap<Number, Vec<Interest>, FixedState>,
    names: HashMap<DialogKey, Arc<Names>, FixedState>,
    changed: VecDeque<Change>,
}

impl Names {
    /// What a response to its INVITE says of a dialog: From is the caller.
    pub(super) fn read(response: &View<'_>) -> Option<Self> {
        let end = |name, tag: &str| {
            let address = NameAddrRef::parse(response.value(name)?).ok()?;
            let display = address.display().filter(|name| !name.is_empty()).map(|name| name.as_ref().into());
            Some(EndName { tag: tag.into(), uri: address.uri_text().into(), display })
        };
        let caller = end(Name::FROM, response.from_tag()?)?;
        let callee = end(Name::TO, response.to_tag()?)?;
        let names = Self { call_id: response.call_id().into(), caller, callee };
        (names.len() <= MAX_NAMES).then_some(names)
    }

    fn len(&self) -> usize {
        let of =
            |end: &EndName| end.tag.len() + end.uri.len() + end.display.as_ref().map_or(0, |name| name.len());
        self.call_id.len() + of(&self.caller) + of(&self.callee)
    }
}

impl Watched {
    fn watches(&self, party: Party) -> bool {
        party.is_some_and(|number| self.users.contains_key(&number))
    }

    /// Whether somebody watches one of these.
    pub(super) fn is_of(&self, ends: Ends) -> bool {
        !self.users.is_empty() && (self.watches(ends.caller) || self.watches(ends.callee))
    }

    /// Keeps what a dialog is called, if that is not known and there is room.
    pub(super) fn name(&mut self, key: DialogKey, names: impl FnOnce() -> Option<Names>) {
        if !self.names.contains_key(&key)
            && self.names.len() < MAX_NAMED
            && let Some(names) = names()
        {
            self.names.insert(key, Arc::new(names));
        }
    }

    /// The Call-ID of a dialog whose name is kept.
    pub(super) fn call_id(&self, key: DialogKey) -> Option<&str> {
        self.names.get(&key).map(|names| &*names.call_id)
    }

    /// A dialog is over. What it was called is told to those who watch before it is forgotten.
    pub(super) fn is_over(&mut self, key: DialogKey, ends: Ends) {
        if !self.is_of(ends) {
            self.names.remove(&key);
        }
    }

    /// Something has changed that may have to be told.
    pub(super) fn note(&mut self, change: Change) {
        if self.is_of(change.ends) {
            self.changed.push_back(change);
        }
    }

    /// Somebody begins to watch: the letter that says how things are, which follows.
    pub(super) fn begin(&mut self, number: Number, shard: ShardId, turn: u64) {
        let interests = self.users.entry(number).or_default();
        if interests.iter().any(|known| known.shard == shard && known.turn > turn) {
            return;
        }
        interests.retain(|known| known.shard != shard);
        interests.push(Interest { shard, turn, next: 1 });
    }

    /// Nobody there watches any more.
    pub(super) fn end(&mut self, number: Number, shard: ShardId, turn: u64) {
        let Some(interests) = self.users.get_mut(&number) else { return };
        interests.retain(|known| known.shard != shard || known.turn > turn);
        if interests.is_empty() {
            self.users.remove(&number);
        }
    }

    pub(super) fn lamps(&self, change: Change, party: Party) -> impl Iterator<Item = Lamp> {
        let names = self.names.get(&change.key).cloned();
        let sides = [(Side::Caller, change.ends.caller), (Side::Callee, change.ends.callee)];
        sides.into_iter().filter(move |(_, end)| *end == party).map(move |(side, _)| Lamp {
            key: change.key,
            side,
            state: change.state,
            names: names.clone(),
        })
    }

    /// The next change, as letters to those who watch.
    pub(super) fn poll(&mut self, people: &People) -> Option<Vec<Shown>> {
        let change = self.changed.pop_front()?;
        let mut shown = Vec::new();
        let Ends { caller, callee } = change.ends;
        for party in [Some(caller), Some(callee).filter(|callee| *callee != caller)].into_iter().flatten() {
            let (Some(number), Some(user)) = (party, people.name(party)) else { continue };
            let lamps: Vec<Lamp> = self.lamps(change, party).collect();
            for interest in self.users.get_mut(&number).into_iter().flatten() {
                let number = interest.next;
                interest.next += 1;
                let (to, turn) = (interest.shard, interest.turn);
                shown.push(Shown { to, user: user.into(), turn, number, lamps: lamps.clone() });
            }
        }
        if change.state == State::Unknown {
            self.names.remove(&change.key);
        }
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let end = |tag: &str| EndName { tag: tag.into(), uri: "sip:a@h".into(), display: None };
        Names { call_id: "c".into(), caller: end("1"), callee: end("2") }
    }

    #[test]
    fn what_a_dialog_was_called_is_forgotten_with_it_but_told_first_to_who_watches() {
        let mut people = People::default();
        let ends = Ends { caller: people.enter("alice"), callee: people.enter("bob") };
        let mut watched = Watched::default();
        let key = DialogKey(7);
        watched.name(key, || Some(names()));
        watched.is_over(key, ends);
        assert!(watched.names.is_empty(), "nobody watches");

        watched.name(key, || Some(names()));
        watched.begin(ends.callee.expect("bob is one of ours"), ShardId(0), 1);
        watched.is_over(key, ends);
        watched.note(Change { key, ends, state: State::Unknown });
        let told = watched.poll(&people).expect("bob is watched");
        assert_eq!(told[0].lamps[0].names.as_deref(), Some(&names()));
        assert!(watched.names.is_empty());
    }
}
