//! What is set up for a server while it runs, by the keys of its section of the file.

use cordboard_service::directory::Members;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use toml::Spanned;
use utoipa::ToSchema;

use super::{Kind, Server, Track};
use crate::config::file;

/// How a server is set up. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ServerSetup)]
pub struct Setup {
    /// Slots of a park server: numbers, ranges of them such as `701-720`, or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<Vec<String>>,
    /// After how many seconds whoever parked a call is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_back_s: Option<u32>,
    /// The music server whose music is heard in a slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub music: Option<String>,
    /// Rooms of a conference server, written as slots are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<String>>,
    /// Parties that a room takes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// WAV files of a music server, one played after the other; their paths are seen from the folder of the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub files: Option<Vec<PathBuf>>,
    /// How many may hear the music at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<usize>,
    /// For how many seconds a redial waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u32>,
    /// How often it is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u8>,
    /// Groups whose members may use the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// A key of [`Setup`] that a kind of server has.
type Key = (&'static str, fn(&Setup) -> bool);

const SLOTS: Key = ("slots", |setup| setup.slots.is_some());
const RING_BACK: Key = ("ring_back_s", |setup| setup.ring_back_s.is_some());
const MUSIC: Key = ("music", |setup| setup.music.is_some());
const ROOMS: Key = ("rooms", |setup| setup.rooms.is_some());
const LIMIT: Key = ("limit", |setup| setup.limit.is_some());
const FILES: Key = ("files", |setup| setup.files.is_some());
const CALLS: Key = ("calls", |setup| setup.calls.is_some());
const WAIT: Key = ("wait_s", |setup| setup.wait_s.is_some());
const TRIES: Key = ("tries", |setup| setup.tries.is_some());
const GROUPS: Key = ("groups", |setup| setup.groups.is_some());
const KEYS: [Key; 10] = [SLOTS, RING_BACK, MUSIC, ROOMS, LIMIT, FILES, CALLS, WAIT, TRIES, GROUPS];

impl Kind {
    /// What can be set up for it while it runs.
    const fn keys(&self) -> &'static [Key] {
        match self {
            Self::Park { .. } => &[SLOTS, RING_BACK, MUSIC, GROUPS],
            Self::Conference(_) => &[ROOMS, LIMIT, GROUPS],
            Self::Music { .. } => &[FILES, CALLS, GROUPS],
            Self::Redial(_) => &[WAIT, TRIES, GROUPS],
            Self::Pickup(_) | Self::Clerk(_) => &[GROUPS],
            Self::Announcer(_) | Self::Operator => &[],
        }
    }
}

impl Setup {
    /// How `server` is set up, in full.
    pub fn of(server: &Server) -> Self {
        let groups = match &server.members {
            Members::Groups(groups) => Some(groups.iter().map(ToString::to_string).collect()),
            Members::Users | Members::Everybody => None,
        };
        let common = Self { groups, ..Self::default() };
        match &server.kind {
            Kind::Park { park, .. } => Self {
                slots: Some(park.slots.iter().map(ToString::to_string).collect()),
                ring_back_s: Some(seconds(park.rings_back_after)),
                ..common
            },
            Kind::Conference(focus) => Self {
                rooms: Some(focus.rooms.iter().map(|room| room.user.to_string()).collect()),
                limit: focus.rooms.first().map(|room| room.limit),
                ..common
            },
            Kind::Music { music, calls } => {
                let files = music.iter().filter_map(|track| match track {
                    Track::File(path) => Some(path.clone()),
                    Track::BuiltIn(_) => None,
                });
                Self { files: Some(files.collect()), calls: Some(*calls), ..common }
            }
            Kind::Redial(redial) => {
                Self { wait_s: Some(seconds(redial.within)), tries: Some(redial.tries), ..common }
            }
            Kind::Announcer(_) | Kind::Pickup(_) | Kind::Clerk(_) | Kind::Operator => common,
        }
    }

    /// The first key that a server of this kind does not have, and those that it has.
    pub fn misplaced(&self, kind: &Kind) -> Option<(&'static str, Vec<&'static str>)> {
        let has = |name: &str| kind.keys().iter().any(|(key, _)| *key == name);
        let wrong = KEYS.iter().find(|(name, is_set)| is_set(self) && !has(name))?;
        Some((wrong.0, kind.keys().iter().map(|(name, _)| *name).collect()))
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This, and what `later` says instead.
    #[must_use]
    pub fn with(self, later: Self) -> Self {
        Self {
            slots: later.slots.or(self.slots),
            ring_back_s: later.ring_back_s.or(self.ring_back_s),
            music: later.music.or(self.music),
            rooms: later.rooms.or(self.rooms),
            limit: later.limit.or(self.limit),
            files: later.files.or(self.files),
            calls: later.calls.or(self.calls),
            wait_s: later.wait_s.or(self.wait_s),
            tries: later.tries.or(self.tries),
            groups: later.groups.or(self.groups),
        }
    }

    pub(super) fn park(self, written: &file::Park) -> file::Park {
        file::Park {
            name: written.name.clone(),
            slots: unplaced_all(self.slots).unwrap_or_else(|| written.slots.clone()),
            ring_back_s: unplaced(self.ring_back_s).or_else(|| written.ring_back_s.clone()),
            music: unplaced(self.music).or_else(|| written.music.clone()),
            groups: self.groups.or_else(|| written.groups.clone()),
        }
    }

    pub(super) fn conference(self, written: &file::Conference) -> file::Conference {
        file::Conference {
            name: written.name.clone(),
            rooms: unplaced_all(self.rooms).unwrap_or_else(|| written.rooms.clone()),
            limit: unplaced(self.limit).or_else(|| written.limit.clone()),
            groups: self.groups.or_else(|| written.groups.clone()),
        }
    }

    pub(super) fn music(self, written: &file::Music) -> file::Music {
        file::Music {
            name: written.name.clone(),
            files: unplaced_all(self.files).unwrap_or_else(|| written.files.clone()),
            calls: unplaced(self.calls).or_else(|| written.calls.clone()),
            groups: self.groups.or_else(|| written.groups.clone()),
        }
    }

    pub(super) fn redial(self, written: &file::Redial) -> file::Redial {
        file::Redial {
            name: written.name.clone(),
            wait_s: unplaced(self.wait_s).or_else(|| written.wait_s.clone()),
            tries: unplaced(self.tries).or_else(|| written.tries.clone()),
            groups: self.groups.or_else(|| written.groups.clone()),
        }
    }
}

/// What stands nowhere in the file.
fn unplaced<T>(value: Option<T>) -> Option<Spanned<T>> {
    value.map(|value| Spanned::new(0..0, value))
}

fn unplaced_all<T>(values: Option<Vec<T>>) -> Option<Vec<Spanned<T>>> {
    values.map(|values| values.into_iter().map(|value| Spanned::new(0..0, value)).collect())
}

fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
