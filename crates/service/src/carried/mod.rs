//! The calls that the switchboard carries: which dialogs are up, and who is at their ends.
//!
//! Requests inside a dialog prove themselves by their route token and need no table. Who may take over,
//! join or watch a call does: it is known here from the INVITE's responses until a BYE passes. An entry is
//! hashes and numbers (`a_dialog_costs_at_most_128_bytes`). What a dialog is called is kept beside it, of so many as there
//! is room for: who begins to watch may want to take over or join a call that is there already.
//!
//! Nothing of it survives the process. Of a dialog that is not here nothing is known, and
//! [`Ruling`](takeover::Ruling) says what that means.

mod people;
pub(crate) mod state;
pub(crate) mod takeover;
mod tickets;
pub(crate) mod watched;

use crate::directory::Directory;
use crate::door::{CallOf, ShardId};
use cordboard_core::time::Instant;
use cordboard_sip::View;
use foldhash::quality::FixedState;
pub(crate) use people::Party;
use people::People;
use slab::Slab;
use state::{Act, Input, State};
use std::collections::HashMap;
use std::time::Duration;
use tickets::Tickets;
pub(crate) use tickets::{Recipient, Referrer};
use watched::{Names, Shown, Watched};

/// Dialogs that one shard remembers. Where there are more, the one that nothing was heard of for the longest
/// is forgotten; its call goes on.
pub(crate) const MAX_CARRIED: usize = 262_144;

/// For how long a dialog of which nothing is heard is believed to be up: phones that lose their power send no
/// BYE, and those without session timers (RFC 4028) are never missed.
pub(crate) const MAX_SILENCE: Duration = Duration::from_hours(24);

/// Forgotten at most when another is entered, so that no single request pays for many.
const SWEPT_AT_ONCE: usize = 2;

/// No entry: the end of the list.
const NONE: u32 = u32::MAX;

/// Names a dialog: a keyed hash over its Call-ID and both tags, whichever end they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DialogKey(pub(crate) u64);

/// Who is at the ends of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// Who sent the INVITE.
    pub(crate) caller: Party,
    /// Who was called.
    pub(crate) callee: Party,
}

/// One dialog.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: DialogKey,
    ends: Ends,
    /// When something was heard of it last, in seconds.
    heard: u32,
    /// Its neighbours in the order in which they were heard of.
    older: u32,
    newer: u32,
    state: State,
}

/// The dialogs of one shard, and the tickets that are out for them.
pub(crate) struct Carried {
    entries: Slab<Entry>,
    /// The hashes need no secret of their own: their makers do not know the key of the first.
    by_key: HashMap<DialogKey, u32, FixedState>,
    oldest: u32,
    newest: u32,
    pub(crate) people: People,
    pub(crate) tickets: Tickets,
    watched: Watched,
}

impl Default for Carried {
    fn default() -> Self {
        Self {
            entries: Slab::new(),
            by_key: HashMap::default(),
            oldest: NONE,
            newest: NONE,
            people: People::default(),
            tickets: Tickets::default(),
            watched: Watched::default(),
        }
    }
}

/// How a dialog stands, for who watches one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: DialogKey,
    pub(crate) ends: Ends,
    pub(crate) state: State,
}

impl Carried {
    /// Dialogs that are up.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How a dialog stands, and who is at its ends.
    pub(crate) fn get(&self, key: DialogKey) -> Option<(State, Ends)> {
        let entry = self.entries.get(*self.by_key.get(&key)? as usize)?;
        Some((entry.state, entry.ends))
    }

    /// Something happened to a dialog; `ends` is for one that is new.
    pub(crate) fn handle(&mut self, now: Instant, key: DialogKey, input: Input, ends: Option<Ends>) {
        let slot = self.by_key.get(&key).copied();
        let entry = slot.and_then(|slot| self.entries.get(slot as usize).copied());
        let before = entry.map_or(State::Unknown, |entry| entry.state);
        let Some(ends) = entry.map(|entry| entry.ends).or(ends) else { return };
        let (state, acts) = state::step(before, input);
        for act in acts {
            match (act, slot) {
                (Act::Enter, _) => self.enter(now, key, ends, state),
                (Act::Freshen, Some(slot)) => self.freshen(now, slot, state),
                (Act::Leave, Some(slot)) => {
                    self.leave(slot);
                    self.watched.is_over(key, ends);
                }
                (Act::Tell, _) => self.watched.note(Change { key, ends, state }),
                (Act::Freshen | Act::Leave, None) => {}
            }
        }
    }

    /// A response to its INVITE begins a dialog: what it is called is kept, if one of ours is at its ends, so that it is known
    /// before anybody asks.
    pub(crate) fn learn(&mut self, key: DialogKey, ends: Ends, response: &View<'_>) {
        if ends.caller.is_some() || ends.callee.is_some() {
            self.watched.name(key, || Names::read(response));
        }
    }

    /// Somebody in that shard begins to watch a user of ours: how their calls are now.
    pub(crate) fn watch(&mut self, user: &str, shard: ShardId, turn: u64) -> Shown {
        let party = self.people.enter(user);
        // Not indexed by user: what a call costs counts for more than what a watcher does.
        let lamps = self.of(user).flat_map(|change| self.watched.lamps(change, party)).collect();
        if let Some(number) = party {
            self.watched.begin(number, shard, turn);
        }
        Shown { to: shard, user: user.into(), turn, number: 0, lamps }
    }

    /// Nobody there watches that user any more.
    pub(crate) fn watch_no_more(&mut self, user: &str, shard: ShardId, turn: u64) {
        let Some(number) = self.people.find(user) else { return };
        self.watched.end(number, shard, turn);
    }

    /// The next change, as letters to the shards in which somebody watches.
    pub(crate) fn poll_shown(&mut self) -> Option<Vec<Shown>> {
        self.watched.poll(&self.people)
    }

    /// Forgets the dialogs that were silent for too long, but no more than `most` of them.
    pub(crate) fn sweep(&mut self, now: Instant, most: usize) {
        for _ in 0..most {
            let silent = self
                .entries
                .get(self.oldest as usize)
                .filter(|entry| u64::from(entry.heard) + MAX_SILENCE.as_secs() <= seconds(now))
                .map(|entry| entry.key);
            let Some(key) = silent else { return };
            self.handle(now, key, Input::Silent, None);
        }
    }

    /// The dialogs of one of ours.
    pub(crate) fn of(&self, name: &str) -> impl Iterator<Item = Change> {
        let party = self.people.find(name);
        self.entries
            .iter()
            .map(|(_, entry)| Change { key: entry.key, ends: entry.ends, state: entry.state })
            .filter(move |change| {
                party.is_some() && (change.ends.caller == party || change.ends.callee == party)
            })
    }

    /// The call of one of ours that is up with somebody, not with a server, and of which something was heard last.
    pub(crate) fn last_of(&self, name: &str, directory: &Directory) -> Option<CallOf> {
        let party = self.people.find(name)?;
        let is_server =
            |end| self.people.name(end).is_some_and(|name: &str| directory.server(name).is_some());
        let is_meant = |entry: &&Entry| {
            let Ends { caller, callee } = entry.ends;
            let other = match (caller == Some(party), callee == Some(party)) {
                (true, _) => callee,
                (false, true) => caller,
                (false, false) => return false,
            };
            entry.state == State::Confirmed && !is_server(other)
        };
        let mut slot = self.newest;
        // From the newest to the oldest, as they are linked.
        let newest_first = std::iter::from_fn(|| {
            let entry = self.entries.get(slot as usize)?;
            slot = entry.older;
            Some(entry)
        });
        let mut named = newest_first.filter(is_meant).filter_map(|entry| {
            let call_id = self.watched.call_id(entry.key)?;
            Some(CallOf {
                call_id: call_id.into(),
                heard: Instant::from_micros(u64::from(entry.heard) * 1_000_000),
            })
        });
        named.next()
    }

    /// Whether a user of ours may act on a call with these ends: it is theirs, or somebody's with whom they share
    /// a group.
    pub(crate) fn is_theirs(&self, directory: &Directory, user: &str, ends: Ends) -> bool {
        [ends.caller, ends.callee]
            .into_iter()
            .filter_map(|party| self.people.name(party))
            .any(|name| name == user || directory.share_group(name, user))
    }

    fn enter(&mut self, now: Instant, key: DialogKey, ends: Ends, state: State) {
        self.sweep(now, SWEPT_AT_ONCE);
        if self.entries.len() >= MAX_CARRIED
            && let Some(oldest) = self.entries.get(self.oldest as usize).map(|entry| entry.key)
        {
            self.handle(now, oldest, Input::Silent, None);
        }
        let entry = Entry { key, ends, heard: 0, older: NONE, newer: NONE, state };
        let Ok(slot) = u32::try_from(self.entries.insert(entry)) else { return };
        self.by_key.insert(key, slot);
        self.append(now, slot);
    }

    fn freshen(&mut self, now: Instant, slot: u32, state: State) {
        self.unlink(slot);
        self.append(now, slot);
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.state = state;
        }
    }

    fn leave(&mut self, slot: u32) {
        self.unlink(slot);
        if let Some(entry) = self.entries.try_remove(slot as usize) {
            self.by_key.remove(&entry.key);
        }
    }

    /// Puts an entry at the end of the list: nothing was heard of later.
    fn append(&mut self, now: Instant, slot: u32) {
        let last = self.newest;
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.heard = u32::try_from(seconds(now)).unwrap_or(u32::MAX);
            (entry.older, entry.newer) = (last, NONE);
        }
        match self.entries.get_mut(last as usize) {
            Some(entry) => entry.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Some(Entry { older, newer, .. }) = self.entries.get(slot as usize).copied() else { return };
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }
}

fn seconds(now: Instant) -> u64 {
    now.as_micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn ends(carried: &mut Carried, caller: &str, callee: &str) -> Ends {
        Ends { caller: carried.people.enter(caller), callee: carried.people.enter(callee) }
    }

    fn keys(carried: &Carried, name: &str) -> Vec<u64> {
        let mut keys: Vec<u64> = carried.of(name).map(|change| change.key.0).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_call_is_known_from_its_first_ring_to_its_bye() {
        let mut carried = Carried::default();
        let ends = ends(&mut carried, "alice", "bob");
        let key = DialogKey(7);
        assert!(carried.watch("bob", ShardId(3), 1).lamps.is_empty());
        let told = |carried: &mut Carried, at_second, input| {
            carried.handle(at(at_second), key, input, Some(ends));
            let shown: Vec<Shown> = std::iter::from_fn(|| carried.poll_shown()).flatten().collect();
            assert!(shown.iter().all(|shown| (shown.to, &*shown.user) == (ShardId(3), "bob")));
            shown.into_iter().map(|shown| (shown.number, shown.lamps[0].state)).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut carried, 1, Input::Spoke), []);
        assert_eq!(carried.get(key), None, "what is said in a dialog that is not known makes none");
        assert_eq!(told(&mut carried, 1, Input::Rang), [(1, State::Early)]);
        assert_eq!(told(&mut carried, 2, Input::Rang), []);
        assert_eq!(told(&mut carried, 3, Input::Answered), [(2, State::Confirmed)]);
        assert_eq!(carried.get(key), Some((State::Confirmed, ends)));
        assert_eq!(carried.watch("alice", ShardId(4), 1).lamps[0].side, watched::Side::Caller);
        carried.watch_no_more("alice", ShardId(4), 1);
        assert_eq!(told(&mut carried, 4, Input::HungUp), [(3, State::Unknown)]);
        assert!(carried.is_empty() && carried.get(key).is_none());
        assert_eq!(told(&mut carried, 4, Input::HungUp), []);
        carried.watch_no_more("bob", ShardId(3), 0);
        assert_eq!(told(&mut carried, 5, Input::Rang), [(4, State::Early)], "an older letter ends nothing");
        carried.watch_no_more("bob", ShardId(3), 1);
        assert_eq!(told(&mut carried, 6, Input::HungUp), []);
    }

    /// Neither what rings, nor a call with a server, nor somebody else's; of two the one that was put on hold last.
    #[test]
    fn the_last_call_of_somebody_is_the_one_that_was_heard_of_last() {
        let mut carried = Carried::default();
        let mut directory = Directory::default();
        let server = crate::directory::Server {
            address: "127.0.0.1:12000".parse().expect("an address"),
            members: crate::directory::Members::Users,
        };
        directory.servers.insert("park".into(), std::sync::Arc::new(server));
        let begun = [
            ("first", "alice", "bob", Input::Answered),
            ("second", "bob", "carol", Input::Answered),
            ("third", "carol", "alice", Input::Answered),
            ("rings", "dave", "bob", Input::Rang),
            ("parks", "bob", "park", Input::Answered),
        ];
        for (n, (call_id, caller, callee, input)) in (0..).zip(begun) {
            let ends = ends(&mut carried, caller, callee);
            let response = format!(
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:{caller}@h>;tag=1\r\n\
                 To: <sip:{callee}@h>;tag=2\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            );
            carried.handle(at(n), DialogKey(n), input, Some(ends));
            carried.learn(DialogKey(n), ends, &View::parse(response.as_bytes()).expect("a response"));
        }
        let last =
            |carried: &Carried| carried.last_of("bob", &directory).map(|call| (call.call_id, call.heard));
        assert_eq!(last(&carried), Some(("second".into(), at(1))));
        carried.handle(at(9), DialogKey(0), Input::Spoke, None);
        assert_eq!(last(&carried), Some(("first".into(), at(9))));
        carried.handle(at(10), DialogKey(0), Input::HungUp, None);
        carried.handle(at(10), DialogKey(1), Input::HungUp, None);
        assert_eq!(last(&carried), None);
        assert_eq!(carried.last_of("nobody", &directory), None);
    }

    #[test]
    fn what_is_silent_for_longest_goes_first() {
        let mut carried = Carried::default();
        let ends = ends(&mut carried, "alice", "bob");
        for n in 0..4 {
            carried.handle(at(n), DialogKey(n), Input::Answered, Some(ends));
        }
        carried.handle(at(10), DialogKey(0), Input::Spoke, None);
        let later = MAX_SILENCE.as_secs();
        carried.sweep(at(later), 10);
        assert_eq!(keys(&carried, "alice"), [0, 1, 2, 3]);
        carried.sweep(at(later + 2), 10);
        assert_eq!(keys(&carried, "alice"), [0, 3], "the first was heard of again");
        carried.handle(at(later + 20), DialogKey(9), Input::Rang, Some(ends));
        assert_eq!(keys(&carried, "bob"), [9]);
    }

    #[test]
    fn a_full_table_forgets_one_for_each_that_comes() {
        let mut carried = Carried::default();
        let ends = ends(&mut carried, "alice", "bob");
        let most = MAX_CARRIED as u64;
        for n in 0..most + 3 {
            carried.handle(at(1), DialogKey(n), Input::Answered, Some(ends));
        }
        assert_eq!(carried.len(), MAX_CARRIED);
        assert!((0..3).all(|n| carried.get(DialogKey(n)).is_none()));
        assert!(carried.get(DialogKey(3)).is_some());
    }

    /// What glibc adds to each allocation at most: a header and rounding to 16.
    const OVERHEAD: usize = 24;

    #[test]
    fn a_dialog_costs_at_most_128_bytes() {
        // Just past a power of two, where tables that double are at their emptiest.
        for count in [50_000_u64, 65_600, 131_100] {
            let mut carried = Carried::default();
            let ends = ends(&mut carried, "alice", "bob");
            let held = allocation_counter::measure(|| {
                for n in 0..count {
                    let key = DialogKey(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    carried.handle(at(n / 100), key, Input::Rang, Some(ends));
                    carried.handle(at(n / 100 + 1), key, Input::Answered, Some(ends));
                }
            });
            let live = usize::try_from(held.count_current).expect("more is held than before");
            let bytes = usize::try_from(held.bytes_current).expect("more is held than before");
            let bytes = (bytes + live * OVERHEAD) / carried.len();
            assert!(bytes <= 128, "{bytes} bytes a dialog with {count} of them");
        }
    }

    /// Against a plain list, with random inputs.
    #[test]
    fn the_list_stays_in_order() {
        let mut dice = cordboard_core::dice::Dice::new([3; 32], 0);
        let mut carried = Carried::default();
        let ends = ends(&mut carried, "alice", "bob");
        let mut plain: Vec<u64> = Vec::new();
        for round in 0..20_000 {
            let n = dice.below(50);
            let input = if dice.below(3) == 0 { Input::HungUp } else { Input::Answered };
            carried.handle(at(round), DialogKey(n), input, Some(ends));
            plain.retain(|other| *other != n);
            if input == Input::Answered {
                plain.push(n);
            }
        }
        let mut listed = Vec::new();
        let mut at = carried.oldest;
        while let Some(entry) = carried.entries.get(at as usize) {
            listed.push(entry.key.0);
            at = entry.newer;
        }
        assert_eq!(listed, plain);
    }
}
