//! Servers that are user agents (RFC 5359): which program sits at the telephone, and who may ask it for something.

use super::{Askers, Feature, Rendering, Secret, Strangers, Success, Telephone, TelephoneFeatures};
use crate::services::Occasion;
use std::time::Duration;

/// A server: a telephone at which a program sits.
#[derive(Clone, Debug)]
pub struct Server {
    /// The telephone: its address, its features, and who may use it.
    pub telephone: Telephone,
    /// The program.
    pub service: Service,
    /// What of its calls and promises is there after a restart.
    pub memory: Memory,
}

/// What of a server's calls and promises outlives the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    #[default]
    Process,
    /// What the store keeps, which has to be asked before a call is up ([`Question::Keep`](crate::door::Question::Keep)).
    Store,
}

impl Server {
    /// A server at that telephone, which is made what a server is: nobody sits at it, it plays and renders nothing, and is
    /// itself not to be taken over. Those that keep calls for somebody never end one by themselves, call for those who may
    /// ask and for nobody else, and tell them the dialog that came of it. An announcement is for everybody, has an end,
    /// and calls nobody. In a conference everybody is heard.
    pub fn new(mut telephone: Telephone, service: Service) -> Self {
        let (byeless, rendering, askers) = match service {
            Service::Music | Service::Park(_) | Service::Pickup(_) => {
                (true, Rendering::Holds, Askers::Members)
            }
            Service::Redial(_) => (false, Rendering::Unheard, Askers::Members),
            Service::Announcer(_) | Service::Operator => (false, Rendering::Unheard, Askers::Refuse),
            Service::Clerk(_) => (false, Rendering::Unheard, Askers::Members),
            Service::Focus(_) => (false, Rendering::Heard, Askers::Members),
        };
        telephone.features = TelephoneFeatures { automaton: true, byeless, rendering };
        telephone.strangers = Strangers::Refused;
        telephone.transfers.askers = askers;
        telephone.transfers.success = Success::Dialog;
        telephone.transfers.lacks.push(Feature::Replaces);
        Self { telephone, service, memory: Memory::Process }
    }
}

/// What a server is there for.
#[derive(Clone, Debug)]
pub enum Service {
    /// Music on hold (RFC 5359 §2.3).
    Music,
    /// Call park (RFC 5359 §2.15).
    Park(Park),
    /// Automatic redial (RFC 5359 §2.17).
    Redial(Redial),
    /// Announcements, such as why a call is refused (RFC 5359 §2.13).
    Announcer(Announcer),
    /// Call pickup by a dialled code (RFC 5359 §2.16).
    Pickup(Pickup),
    /// What people have done by dialled codes, such as setting up where their calls go (RFC 5359 §2.7).
    Clerk(Clerk),
    /// The operator's telephone, which calls people and hands them over (RFC 5359 §2.18). Only who runs it asks it for
    /// something, by [`Command::Connect`](crate::door::Command::Connect).
    Operator,
    /// Conference rooms (RFC 4579 §5).
    Focus(Focus),
}

impl Service {
    /// The users besides its own whose calls a server has, and who can be watched alone: a park server's slots, the rooms
    /// of a focus.
    pub fn places(&self) -> Vec<Box<str>> {
        match self {
            Self::Park(park) => park.slots.clone(),
            _ => self.rooms().iter().map(|room| room.user.clone()).collect(),
        }
    }

    /// The rooms of a focus; nobody else has some.
    pub fn rooms(&self) -> &[Room] {
        if let Self::Focus(focus) = self { &focus.rooms } else { &[] }
    }
}

/// Rooms that are there for whoever calls them: the focus of several conferences (RFC 4353 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus {
    /// Each of them.
    pub rooms: Vec<Room>,
}

/// A conference whose URI is always the same, and which is there while somebody is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The user part of its URI.
    pub user: Box<str>,
    /// Most parties that it has at a time, those who are being called among them.
    pub limit: usize,
}

/// Whom telephones call to have something done that they cannot do themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clerk {
    /// What is dialled, and what it asks for. No code begins with another.
    pub codes: Vec<(Box<str>, ClerkCode)>,
}

/// What a dialled code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClerkCode {
    /// Before a place: one's own calls go there (RFC 5359 §2.7 to §2.9).
    Forward(Occasion),
    /// Alone: they do so no more.
    ForwardOff(Occasion),
    /// Before whoever is to be called: who one talked to last is to call them instead, and one leaves (RFC 5359 §2.4).
    Transfer,
}

/// Whom telephones call that know neither SUBSCRIBE nor Replaces, to pick up a call that rings elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    /// What is dialled before the name of whoever is called, or alone.
    pub code: Box<str>,
}

/// An announcement server.
#[derive(Clone, Debug)]
pub struct Announcer {
    /// What can be heard there; whoever calls another address is answered 404.
    pub announcements: Vec<Announcement>,
}

/// Something that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The user part of its address.
    pub user: Box<str>,
    /// How long it lasts; then the server hangs up.
    pub lasts: Duration,
}

/// A server that calls back whoever has called somebody busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redial {
    /// What is dialled to ask it, if it is asked so.
    pub codes: Option<RedialCodes>,
    /// For how long a redial waits.
    pub within: Duration,
    /// How often it is tried.
    pub tries: u8,
}

/// What is dialled to ask a redial server for something: the beginning of user parts of addresses in its domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedialCodes {
    /// Dialled before whom one wants.
    pub ask: Box<str>,
    /// Dialled alone, to give up everything that one waits for.
    pub give_up: Box<str>,
}

/// A park server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Park {
    /// Its slots: user parts of addresses in its domain, each for one call. Whoever names the server itself gets the
    /// first that is free.
    pub slots: Vec<Box<str>>,
    /// How long a call is parked before whoever parked it is called.
    pub rings_back_after: Duration,
}

/// A work group: people who may pick up, park, retrieve and join each other's calls. They share a secret, and prove it by
/// digest with their own user name, in the group's realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The realm.
    pub realm: Box<str>,
    /// What its members know.
    pub secret: Secret,
}
