//! The servers that run beside the switchboard (RFC 5359), as the file declares them, and what is wrong with that.

mod reader;
mod rooms;
mod setup;

use cordboard_service::directory::Members;
use cordboard_service::settings::{Clerk, Focus, Park, Pickup, Redial};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use toml::Spanned;

use super::Listen;
use super::check::Report;
use super::fault::Fault;
use super::file::{self, File};
pub(super) use reader::Reader;
pub use setup::Setup;

/// Who is on the way into a slot or out of it, besides those who are in one.
const PASSING: usize = 16;
/// Who may hear announcements at the same time.
const ANNOUNCED_CALLS: usize = 50;
/// Calls of those who pick up and of those who are picked up, at the same time: two each, for a moment, or for as long as they
/// are bridged.
const PICKED_UP_CALLS: usize = 50;
/// Who may do so at the same time.
const CLERK_CALLS: usize = 8;
/// Whom it may call at the same time: one or two calls for each who are being connected.
const REDIAL_CALLS: usize = 50;
/// Calls of the operator's telephone: one for each user who is called, and one more where their telephone knows no REFER.
const OPERATOR_CALLS: usize = 32;

/// The servers that run beside the switchboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// Where they receive sound.
    pub media: IpAddr,
    /// Each of them.
    pub list: Vec<Server>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The user part of its own address.
    pub name: Box<str>,
    /// Whom it serves.
    pub members: Members,
    /// What it is there for.
    pub kind: Kind,
}

/// What a server is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Call park (RFC 5359 §2.15).
    Park {
        /// Its slots.
        park: Park,
        /// What those hear who wait.
        music: Tracks,
    },
    /// Music on hold (RFC 5359 §2.3).
    Music {
        /// What is played.
        music: Tracks,
        /// How many may hear it at the same time.
        calls: usize,
    },
    /// Announcements (RFC 5359 §2.13), by the names at which they are heard.
    Announcer(BTreeMap<Box<str>, Track>),
    /// Call pickup by a dialled code (RFC 5359 §2.16).
    Pickup(Pickup),
    /// Forwarding by dialled codes (RFC 5359 §2.7).
    Clerk(Clerk),
    /// Automatic redial (RFC 5359 §2.17).
    Redial(Redial),
    /// The operator's telephone (RFC 5359 §2.18): always there, and declared nowhere.
    Operator,
    /// Conference rooms (RFC 4579 §5).
    Conference(Focus),
}

/// Sounds that are played one after the other.
pub type Tracks = Vec<Track>;

/// One sound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// One that we bring along.
    BuiltIn(Sound),
    /// A WAV file.
    File(PathBuf),
}

/// The sounds that we bring along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// A melody.
    Music,
    /// Whoever is called does not take this call.
    ScreenedIn,
    /// This number cannot be called from here.
    ScreenedOut,
}

impl Kind {
    /// As a flow of RFC 5359 draws it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Park { .. } => "park",
            Self::Music { .. } => "music",
            Self::Announcer(_) => "announcer",
            Self::Pickup(_) => "pickup",
            Self::Clerk(_) => "clerk",
            Self::Redial(_) => "redial",
            Self::Operator => "operator",
            Self::Conference(_) => "focus",
        }
    }
}

impl Kind {
    /// Where the file declares it.
    pub const fn section(&self) -> &'static str {
        match self {
            Self::Park { .. } => "park",
            Self::Music { .. } => "music",
            Self::Announcer(_) => "announcement",
            Self::Pickup(_) | Self::Clerk(_) => "codes",
            Self::Redial(_) => "redial",
            Self::Operator => "operator",
            Self::Conference(_) => "conference",
        }
    }
}

impl Server {
    /// The user parts of its addresses, its own first.
    pub fn names(&self) -> Vec<&str> {
        let more: Vec<&str> = match &self.kind {
            Kind::Park { park, .. } => park.slots.iter().map(|slot| &**slot).collect(),
            Kind::Conference(focus) => focus.rooms.iter().map(|room| &*room.user).collect(),
            Kind::Music { .. } | Kind::Pickup(_) | Kind::Clerk(_) | Kind::Redial(_) | Kind::Operator => {
                Vec::new()
            }
            Kind::Announcer(announced) => announced.keys().map(|name| &**name).collect(),
        };
        std::iter::once(&*self.name).chain(more).collect()
    }

    /// Calls that it may have at a time, for each of which it holds ports.
    pub fn calls(&self) -> usize {
        match &self.kind {
            Kind::Park { park, .. } => park.slots.len() + PASSING,
            Kind::Conference(focus) => focus.rooms.iter().map(|room| room.limit).sum::<usize>() + PASSING,
            Kind::Music { calls, .. } => *calls,
            Kind::Announcer(_) => ANNOUNCED_CALLS,
            Kind::Pickup(_) => PICKED_UP_CALLS,
            Kind::Clerk(_) => CLERK_CALLS,
            Kind::Redial(_) => REDIAL_CALLS,
            Kind::Operator => OPERATOR_CALLS,
        }
    }
}

/// What the file says of servers, to be read again where something is set up otherwise while they run.
#[derive(Debug)]
pub struct Declared {
    /// Where its paths are seen from.
    folder: PathBuf,
    listen: Vec<Listen>,
    realm: Box<str>,
    /// Those who are written one by one.
    users: Vec<String>,
    servers: file::Servers,
    park: Vec<file::Park>,
    conference: Vec<file::Conference>,
    music: Vec<file::Music>,
    announcement: Vec<file::Announcement>,
    announcements: file::Announcements,
    codes: file::Codes,
    redial: Option<Spanned<file::Redial>>,
}

impl Declared {
    /// Takes them out of `file`.
    pub(super) fn take(file: &mut File, folder: &Path, listen: &[Listen], realm: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            listen: listen.to_vec(),
            realm: realm.into(),
            users: file.user.iter().map(|user| user.name.get_ref().clone()).collect(),
            servers: std::mem::take(&mut file.servers),
            park: std::mem::take(&mut file.park),
            conference: std::mem::take(&mut file.conference),
            music: std::mem::take(&mut file.music),
            announcement: std::mem::take(&mut file.announcement),
            announcements: std::mem::take(&mut file.announcements),
            codes: std::mem::take(&mut file.codes),
            redial: file.redial.take(),
        }
    }

    /// The servers as the file declares them, and as is set up otherwise, by their names. `users` are all of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with that, as the file would be told.
    pub fn set_up<'a>(
        &self,
        setups: &BTreeMap<Box<str>, Setup>,
        users: impl Iterator<Item = &'a str>,
    ) -> Result<Servers, Vec<Fault>> {
        let mut report = Report::default();
        let (servers, _) = Reader::new(self, setups, &mut report).read();
        let faults = report.into_faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        match clash(&servers, users) {
            None => Ok(servers),
            Some(name) => Err(vec![Fault {
                span: None,
                says: format!("`{name}` is a user already"),
                tries: "another name: whoever calls it must get one of the two".to_owned(),
            }]),
        }
    }
}

/// Somebody of the file's ranges who has the name of a server.
pub(super) fn clash<'a>(servers: &Servers, users: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names: BTreeSet<&str> = servers.list.iter().flat_map(Server::names).collect();
    users.into_iter().find(|user| names.contains(user))
}
