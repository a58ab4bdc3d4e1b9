//! What the telephone watches, numbered from 1: whom, what of theirs, and which of their calls could be joined.

use cordboard_service::watch::{Package, WatchEvent, WatchName, Watched};
use cordboard_sip::body::dialog_info::{Dialog, State};
use cordboard_sip::header::{Header as _, Join};
use std::collections::BTreeMap;

/// Something that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// The URI of whoever is watched, or of the other side of the call.
    pub(super) whom: String,
    pub(super) package: Package,
    dialogs: Vec<Dialog>,
}

/// Everything that is watched.
#[derive(Debug, Default)]
pub(super) struct Watches {
    table: BTreeMap<WatchName, Watch>,
    last: u64,
}

impl Watches {
    /// Names something that is going to be watched.
    pub(super) fn begin(&mut self, whom: &str, package: Package) -> WatchName {
        self.last += 1;
        let name = WatchName(self.last);
        self.table.insert(name, Watch { whom: whom.to_owned(), package, dialogs: Vec::new() });
        name
    }

    pub(super) fn get(&self, name: WatchName) -> Option<&Watch> {
        self.table.get(&name)
    }

    /// The watch of that number, or the newest.
    pub(super) fn find(&self, number: Option<u32>) -> Option<WatchName> {
        match number {
            Some(number) => Some(WatchName(number.into())).filter(|name| self.table.contains_key(name)),
            None => self.table.keys().next_back().copied(),
        }
    }

    /// Takes note of what the telephone told.
    pub(super) fn follow(&mut self, event: &WatchEvent) {
        match event {
            WatchEvent::State { watch, state } => {
                if let (Some(watch), Watched::Dialogs(dialogs)) = (self.table.get_mut(watch), &**state) {
                    watch.dialogs.clone_from(dialogs);
                }
            }
            WatchEvent::Pending(_)
            | WatchEvent::Again { .. }
            | WatchEvent::Ended { .. }
            | WatchEvent::Impossible(_) => {}
        }
    }

    /// Forgets what is watched no longer.
    pub(super) fn remove(&mut self, name: WatchName) {
        self.table.remove(&name);
    }

    /// A call of theirs that can be joined, as they see it (RFC 3911 §4): one that is up before one that rings.
    pub(super) fn joinable(&self, whom: &str) -> Option<Join> {
        let dialogs = self.table.values().filter(|watch| watch.whom == whom).flat_map(|watch| &watch.dialogs);
        let of = |state: State| dialogs.clone().filter(move |row| row.state == state);
        of(State::Confirmed).chain(of(State::Early)).find_map(join)
    }
}

fn join(row: &Dialog) -> Option<Join> {
    let (call_id, local, remote) = (row.call_id.as_ref()?, row.local_tag.as_ref()?, row.remote_tag.as_ref()?);
    Join::parse(&format!("{call_id};to-tag={local};from-tag={remote}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: State, call_id: Option<&str>) -> Dialog {
        let mut row = Dialog::new("d", state);
        row.call_id = call_id.map(str::to_owned);
        (row.local_tag, row.remote_tag) = (Some("theirs".into()), Some("others".into()));
        row
    }

    #[test]
    fn a_call_that_is_up_is_joined_before_one_that_rings() {
        let mut watches = Watches::default();
        let bob = watches.begin("sip:bob@h", Package::Dialog);
        let rows = vec![
            // One of which strangers are told no more than that it is there (RFC 4235 §3.7.2).
            row(State::Confirmed, None),
            row(State::Early, Some("1@h")),
            row(State::Confirmed, Some("2@h")),
            row(State::Terminated, Some("3@h")),
        ];
        watches.follow(&WatchEvent::State { watch: bob, state: Box::new(Watched::Dialogs(rows)) });
        let join = watches.joinable("sip:bob@h").unwrap().to_string();
        assert_eq!(join, "2@h;to-tag=theirs;from-tag=others");
        assert!(watches.joinable("sip:carol@h").is_none());
        assert_eq!(
            (watches.find(None), watches.find(Some(1)), watches.find(Some(2))),
            (Some(bob), Some(bob), None)
        );
        watches.remove(bob);
        assert!(watches.joinable("sip:bob@h").is_none());
    }
}
