//! Conference rooms, as the file declares them.

use cordboard_media::mixer::MAX_PARTIES;
use cordboard_service::settings::{Focus, Room};
use toml::Spanned;

use super::reader::{Reader, members};
use super::{Kind, Server};
use crate::config::file;

/// Parties that a room takes, if nothing else is written.
const PARTIES: usize = 10;
/// Parties that all rooms of one server may have together: each has ports for its sound.
const MAX_OF_ALL: usize = 500;

impl Reader<'_> {
    pub(super) fn conference(&mut self, written: &file::Conference) -> Option<Server> {
        let name = self.name(&written.name, "a conference server");
        let limit = self.report.number(written.limit.as_ref(), PARTIES, 2, MAX_PARTIES);
        let mut rooms: Vec<Room> = Vec::new();
        for text in &written.rooms {
            for room in self.range(text) {
                let user = self.name(&Spanned::new(text.span(), room), "a conference room");
                rooms.extend(user.map(|user| Room { user, limit }));
            }
        }
        if written.rooms.is_empty() {
            let says = "a conference server without rooms has room for nobody";
            let tries = "names or numbers, such as `rooms = [\"800-809\"]`";
            self.report.wrong(written.name.span(), says, tries);
        } else if rooms.len() * limit > MAX_OF_ALL {
            let says = format!("{} rooms for {limit} parties each are too many for one server", rooms.len());
            let tries = format!("{MAX_OF_ALL} parties together, or another [[conference]]");
            self.report.wrong(written.rooms[0].span(), says, tries);
        }
        let kind = Kind::Conference(Focus { rooms });
        Some(Server { name: name?, members: members(written.groups.as_ref()), kind })
    }
}
