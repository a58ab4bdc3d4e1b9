//! The calls of somebody who is watched, as the shards tell of them: RFC 4235.

use super::{Letter, changed, post, telling};
use crate::agent::Agent;
use crate::carried::DialogKey;
use crate::carried::state::State;
use crate::carried::watched::{EndName, Lamp, Shown, Side};
use crate::dialog_news::Sight;
use crate::door::ShardId;
use crate::watch::Package;
use cordboard_core::time::Instant;
use cordboard_sip::body::dialog_info::{self, Dialog as Row, Direction, Identity, MAX_DIALOGS, Participant};
use std::collections::BTreeMap;

/// The calls of one user of ours.
pub(super) struct Lamps {
    /// The subscriptions to them.
    watchers: Vec<u64>,
    /// Which of our times that we began to watch; letters of another one are not for us.
    turn: u64,
    /// What comes from each shard.
    streams: Vec<Stream>,
    /// No more of them than a document has; of calls beyond that it is not told.
    lit: BTreeMap<(DialogKey, Side), Lamp>,
}

/// The letters of one shard in their order: none is lost, but they may overtake each other.
#[derive(Default)]
struct Stream {
    next: u64,
    early: BTreeMap<u64, Vec<Lamp>>,
}

impl Lamps {
    pub(super) fn new(turn: u64, shards: u8) -> Self {
        let streams = (0..shards.max(1)).map(|_| Stream::default()).collect();
        Self { watchers: Vec::new(), turn, streams, lit: BTreeMap::new() }
    }

    /// One more watches; true for the first.
    pub(super) fn enter(&mut self, key: u64) -> bool {
        self.watchers.push(key);
        self.watchers.len() == 1
    }

    /// One watches no longer: the turn that ends, with the last.
    pub(super) fn leave(&mut self, key: u64) -> Option<u64> {
        self.watchers.retain(|other| *other != key);
        self.watchers.is_empty().then_some(self.turn)
    }

    /// Whether every shard has said how things are.
    pub(super) fn is_known(&self) -> bool {
        self.streams.iter().all(|stream| stream.next > 0)
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.lit.is_empty()
    }

    /// All of them.
    pub(super) fn rows(&self, address: &str) -> Vec<Row> {
        self.lit.values().map(|lamp| row(lamp, address)).collect()
    }

    /// Takes a letter in, and those that waited for it: what has changed.
    fn take(&mut self, from: ShardId, shown: Shown) -> Vec<Lamp> {
        let Some(stream) = self.streams.get_mut(usize::from(from.0)) else { return Vec::new() };
        stream.early.insert(shown.number, shown.lamps);
        let mut changes = Vec::new();
        while let Some(lamps) = stream.early.remove(&stream.next) {
            stream.next += 1;
            changes.extend(lamps);
        }
        changes.retain(|lamp| {
            let place = (lamp.key, lamp.side);
            if lamp.state == State::Unknown {
                return self.lit.remove(&place).is_some();
            }
            let room = self.lit.contains_key(&place) || self.lit.len() < MAX_DIALOGS;
            room && self.lit.insert(place, lamp.clone()).as_ref() != Some(lamp)
        });
        changes
    }
}

/// A letter about the calls of somebody who is watched here, or was.
pub(super) fn handed(agent: &mut Agent, now: Instant, from: ShardId, shown: Shown) {
    let here = agent.desk.shard;
    let Some(lamps) = agent.notifier.lamps.get_mut(&shown.user) else {
        let Shown { user, turn, .. } = shown;
        return post(agent, now, from, Letter::Unwatch { package: Package::Dialog, user, from: here, turn });
    };
    if lamps.turn != shown.turn {
        return;
    }
    let (was_known, was_busy) = (lamps.is_known(), lamps.is_busy());
    let user = shown.user.clone();
    let changes = lamps.take(from, shown);
    if !lamps.is_known() {
        return;
    }
    let turned = lamps.is_busy() != was_busy;
    let watchers = lamps.watchers.clone();
    if !was_known {
        return watchers.into_iter().for_each(|key| telling::known(agent, now, key));
    }
    let address = format!("sip:{}", agent.desk.written_aor(&user));
    let rows: Vec<Row> = changes.iter().map(|lamp| row(lamp, &address)).collect();
    for key in watchers {
        let Some(watcher) = agent.notifier.table.get_mut(key) else { continue };
        let news = match watcher.sight {
            Sight::Virtual => turned,
            Sight::Whole => {
                let seen = |row: &&Row| watcher.only.as_ref().is_none_or(|only| only.names(row));
                let seen: Vec<Row> = rows.iter().filter(seen).cloned().collect();
                let any = !seen.is_empty();
                watcher.news.owe(seen);
                any
            }
        };
        if news {
            changed(agent, now, key);
        }
    }
}

/// One of them in a document.
fn row(lamp: &Lamp, address: &str) -> Row {
    let (side, direction) = match lamp.side {
        Side::Caller => ('i', Direction::Initiator),
        Side::Callee => ('r', Direction::Recipient),
    };
    let state = match lamp.state {
        State::Unknown => dialog_info::State::Terminated,
        State::Early => dialog_info::State::Early,
        State::Confirmed => dialog_info::State::Confirmed,
    };
    // The key is a keyed hash, and tells nobody anything.
    let mut row = Row::new(format!("{:x}{side}", lamp.key.0), state);
    row.direction = Some(direction);
    row.local.identities.push(Identity { uri: address.into(), display: None });
    if let Some(names) = &lamp.names {
        let (local, remote) = match lamp.side {
            Side::Caller => (&names.caller, &names.callee),
            Side::Callee => (&names.callee, &names.caller),
        };
        row.call_id = Some(names.call_id.to_string());
        row.local_tag = Some(local.tag.to_string());
        row.remote_tag = Some(remote.tag.to_string());
        row.remote = participant(remote);
    }
    row
}

fn participant(end: &EndName) -> Participant {
    let display = end.display.as_ref().map(ToString::to_string);
    Participant { identities: vec![Identity { uri: end.uri.to_string(), display }], ..Participant::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lamp(key: u64, state: State) -> Lamp {
        Lamp { key: DialogKey(key), side: Side::Callee, state, names: None }
    }

    fn letter(number: u64, lamps: Vec<Lamp>) -> Shown {
        Shown { to: ShardId(0), user: "bob".into(), turn: 1, number, lamps }
    }

    #[test]
    fn letters_that_overtake_each_other_are_read_in_their_order() {
        let mut lamps = Lamps::new(1, 2);
        assert!(lamps.take(ShardId(0), letter(2, vec![lamp(7, State::Unknown)])).is_empty());
        assert!(lamps.take(ShardId(0), letter(1, vec![lamp(7, State::Confirmed)])).is_empty());
        assert!(!lamps.is_known());
        let changes = lamps.take(ShardId(0), letter(0, vec![lamp(7, State::Early)]));
        assert_eq!(changes.len(), 3);
        assert!(!lamps.is_busy(), "the last word is that it is over");
        assert!(!lamps.is_known(), "the other shard has said nothing");
        lamps.take(ShardId(1), letter(0, vec![lamp(8, State::Early)]));
        assert!(lamps.is_known() && lamps.is_busy());
    }

    #[test]
    fn no_more_calls_are_remembered_than_a_document_has() {
        let mut lamps = Lamps::new(1, 1);
        let many = (0..1_000).map(|key| lamp(key, State::Confirmed)).collect();
        assert_eq!(lamps.take(ShardId(0), letter(0, many)).len(), MAX_DIALOGS);
        assert_eq!(lamps.rows("sip:bob@example.com").len(), MAX_DIALOGS);
        let again = vec![lamp(1, State::Confirmed), lamp(999, State::Unknown)];
        assert!(lamps.take(ShardId(0), letter(1, again)).is_empty(), "nothing that was told has changed");
    }
}
