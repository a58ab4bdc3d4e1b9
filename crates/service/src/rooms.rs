//! What those who run conference rooms (RFC 4579 §5) may do with them, and what they are told.

use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomAction {
    /// List the rooms and who is in them.
    List,
    /// Call somebody into a room (RFC 4579 §5.2).
    Invite {
        /// The room.
        room: Box<str>,
        /// The URI to call.
        who: Box<str>,
    },
    /// Have somebody leave a room.
    Remove {
        /// The room.
        room: Box<str>,
        /// Their URI.
        who: Box<str>,
    },
    /// Have everybody leave it (RFC 4579 §5.12).
    End {
        /// The room.
        room: Box<str>,
    },
}

impl RoomAction {
    /// The room that it is about, if it is about one.
    pub fn room(&self) -> Option<&str> {
        match self {
            Self::List => None,
            Self::Invite { room, .. } | Self::Remove { room, .. } | Self::End { room } => Some(room),
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomAnswer {
    /// The rooms, in the order of the settings.
    Rooms(Vec<Room>),
    /// Whoever was invited is in the room.
    Entered,
    /// They are not: how their call ended, and with which status if it was refused.
    NotEntered(Outcome, Option<Status>),
    /// So many parties are told to leave.
    Left(usize),
    /// There is no such room.
    NoRoom,
    /// The room has as many parties as it may.
    Full,
    /// Whoever is invited is in the room already, or being called.
    AlreadyThere,
    /// Whoever is to leave is not in the room.
    NotThere,
    /// This is no focus.
    NotHere,
}

/// A room as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The user part of its URI.
    pub name: Box<str>,
    /// Most parties that it has.
    pub limit: usize,
    /// Who is in it, or on their way.
    pub parties: Vec<Party>,
}

/// Somebody in a room, or on their way into it or out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Their URI.
    pub who: Box<str>,
    /// How they stand: `entering`, `called`, `in` or `leaving`.
    pub state: &'static str,
    /// Since when they are in that room, or on their way.
    pub since: Instant,
}
