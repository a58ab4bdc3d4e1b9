//! What an agent is told when it is made.

mod servers;
mod transfers;

pub use servers::{
    Announcement, Announcer, Clerk, ClerkCode, Focus, Group, Memory, Park, Pickup, Redial, RedialCodes, Room,
    Server, Service,
};
pub use transfers::{Askers, Feature, Profile, Refers, Release, SemiAttended, Success, Transfers};

use cordboard_core::session::timer::Policy;
use cordboard_core::timing::Timing;
use cordboard_core::transport::{Listener, ListenerId};
use cordboard_sip::digest::Algorithm;
use cordboard_sip::header::SessionExpires;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

/// The settings of one agent; every shard of a switchboard has the same.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it is.
    pub role: Role,
    /// The protocol's timer values.
    pub timing: Timing,
    /// Where it listens, in the order of their ids.
    pub listeners: Vec<Listener>,
    /// The domains it is responsible for; the first is its realm.
    pub domains: Vec<Box<str>>,
    /// Authentication.
    pub auth: Auth,
    /// The registrar's bounds.
    pub registrar: Registrar,
    /// How long a ringing target may take before it is given up: Timer C (RFC 3261 §16.6 step 11).
    pub timer_c: Duration,
    /// For whom requests are forwarded to domains that are not ours.
    pub relay: Relay,
    /// Whether a REFER may ask for a call to another domain. Off by default: whoever is referred may be a gateway, and
    /// the call at the transferor's cost.
    pub external_transfer: bool,
    /// Who decides whether a call may be taken over or joined (RFC 3891 §3, RFC 3911 §4).
    pub takeovers: Takeovers,
    /// Which ways to a user their screening lists guard.
    pub screened: Screened,
    /// Where callers hear why their call is refused.
    pub announcements: Announcements,
    /// Who tells of the calls, registrations and messages of our users (RFC 6665 §4.2).
    pub watching: Watching,
    /// Whether to stay in the route of the dialogs that are carried (RFC 3261 §16.6 step 4). Without it, what
    /// follows goes from phone to phone, which only phones that reach each other can do.
    pub record_route: bool,
    /// Servers whose requests are trusted without a challenge.
    pub neighbours: Vec<IpAddr>,
    /// Sockets that are trusted in the same way, whoever else is at their addresses: of a server of ours, those of its
    /// switchboard.
    pub vouching: Vec<SocketAddr>,
    /// The listener of a switchboard at which it talks to its own servers, and nobody else does.
    pub inside: Option<ListenerId>,
    /// Bytes of recent messages that each shard keeps.
    pub ring_bytes: usize,
    /// Signs nonces, flow tokens and temporary GRUUs; the same for all shards and across restarts.
    pub key: [u8; 32],
    /// This machine among several; written into tokens.
    pub node: u8,
}

impl Settings {
    /// A switchboard for one domain, safe by default: everything of its own users is challenged, and
    /// nothing is relayed for strangers. Listeners, and a key that survives restarts, are still to be
    /// set.
    pub fn of_domain(domain: &str) -> Self {
        let hour = Duration::from_hours(1);
        Self {
            role: Role::Switchboard(Switchboard::Proxies),
            timing: Timing::default(),
            listeners: Vec::new(),
            domains: vec![domain.into()],
            auth: Auth {
                registers: true,
                calls: true,
                // baresip before 2.0 does not register where SHA-256 is offered too, in whatever order.
                algorithms: vec![Algorithm::Md5],
                nonce_life: hour,
            },
            registrar: Registrar {
                min_expires: Duration::from_secs(30),
                max_expires: hour,
                default_expires: hour,
                max_contacts: 10,
            },
            timer_c: Duration::from_secs(181),
            relay: Relay::Users,
            external_transfer: false,
            takeovers: Takeovers::Vouched,
            screened: Screened::default(),
            announcements: Announcements::default(),
            watching: Watching::BySwitchboard,
            record_route: true,
            neighbours: Vec::new(),
            vouching: Vec::new(),
            inside: None,
            ring_bytes: 16 << 20,
            key: [0; 32],
            node: 0,
        }
    }
}

/// Where callers hear why their call is refused: what an Error-Info names (RFC 3261 §20.18). None where nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcements {
    /// For calls that whoever is called does not take (RFC 5359 §2.13).
    pub screened_in: Option<Box<str>>,
    /// For calls that the caller may not make (RFC 5359 §2.14).
    pub screened_out: Option<Box<str>>,
}

/// Whom to challenge.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Challenge REGISTER.
    pub registers: bool,
    /// Challenge requests that start something from our own users.
    pub calls: bool,
    /// The algorithms to offer, in order.
    pub algorithms: Vec<Algorithm>,
    /// For how long a nonce is good.
    pub nonce_life: Duration,
}

/// The registrar's bounds (RFC 3261 §10.3).
#[derive(Clone, Copy, Debug)]
pub struct Registrar {
    /// Shorter is refused with 423.
    pub min_expires: Duration,
    /// Longer is shortened.
    pub max_expires: Duration,
    /// When a phone names none.
    pub default_expires: Duration,
    /// Contacts an address may have.
    pub max_contacts: usize,
}

/// What an agent is.
#[derive(Clone, Debug)]
pub enum Role {
    /// Registrar and proxy.
    Switchboard(Switchboard),
    /// Somebody's telephone.
    Telephone(Telephone),
    /// A server that is a user agent: a telephone at which a program sits.
    Server(Server),
}

impl Role {
    /// The account of whoever has one: a person's telephone, or a server's.
    pub const fn telephone(&self) -> Option<&Telephone> {
        match self {
            Self::Telephone(telephone) | Self::Server(Server { telephone, .. }) => Some(telephone),
            Self::Switchboard(_) => None,
        }
    }

    /// The same, to change it.
    pub const fn telephone_mut(&mut self) -> Option<&mut Telephone> {
        match self {
            Self::Telephone(telephone) | Self::Server(Server { telephone, .. }) => Some(telephone),
            Self::Switchboard(_) => None,
        }
    }

    /// What of its calls outlives the process: of a person's telephone nothing does.
    pub const fn memory(&self) -> Memory {
        match self {
            Self::Server(server) => server.memory,
            Self::Telephone(_) | Self::Switchboard(_) => Memory::Process,
        }
    }

    /// What a server does.
    pub const fn service(&self) -> Option<&Service> {
        match self {
            Self::Server(server) => Some(&server.service),
            Self::Telephone(_) | Self::Switchboard(_) => None,
        }
    }
}

/// How a switchboard treats a request for one of its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switchboard {
    /// Forwards it (RFC 3261 §16).
    Proxies,
    /// Answers with the contacts (RFC 3261 §8.3).
    Redirects,
}

/// Who decides whether a call may be taken over or joined (RFC 3891 §3, RFC 3911 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takeovers {
    /// The switchboard: only a call's own people, those who share a group with them, and whom one of them has asked to.
    Vouched,
    /// The phones, by the tags: for phones that check more than these, or whose transferors are strangers to us.
    ByPhones,
}

/// Who tells of the calls, registrations and messages of our users, where a SUBSCRIBE asks for them by their
/// address-of-record (RFC 4235 §3.11, RFC 3680, RFC 3842).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// The switchboard, of what it carries: for phones that do not tell, and with strangers shown no more than whether
    /// there is a call.
    BySwitchboard,
    /// The phones, as for every other package.
    ByPhones,
}

/// For whom requests leave for elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// For nobody but those inside a dialog.
    Nobody,
    /// For authenticated users and trusted neighbours.
    Users,
    /// For everybody: an open relay, for closed networks only.
    Anybody,
}

/// Which ways to a user their screening lists guard (RFC 5359 §2.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screened {
    /// All: whoever knows where a phone is does not get past what its user has set up. Who may take calls over is another
    /// question.
    #[default]
    Everything,
    /// Their address, and for takeovers too. Whoever was told a Contact reaches it, as through the proxy of RFC 5589,
    /// figure 10.
    Addresses,
}

/// A telephone's account.
#[derive(Clone, Debug, Default)]
pub struct Telephone {
    /// The user part of its address-of-record.
    pub user: Box<str>,
    /// The domain of its address-of-record.
    pub domain: Box<str>,
    /// The name it shows.
    pub display_name: Option<Box<str>>,
    /// Its passwords, by realm; `*` answers any realm.
    pub passwords: Vec<(Box<str>, Secret)>,
    /// The host that its Contact names instead of where it listens: that of a server through which it is reached.
    pub contact_host: Option<Box<str>>,
    /// Where every request that starts something goes first: a URI, best with `lr`.
    pub outbound_proxies: Vec<Box<str>>,
    /// Where it receives sound.
    pub media: MediaPorts,
    /// What it does where the standards leave it the choice.
    pub habits: Habits,
    /// Addresses-of-record that may watch this telephone's calls and join them as its own user may, if a neighbour
    /// vouches for them.
    pub friends: Vec<Box<str>>,
    /// The work group whose members may do the same, and how they prove to be in it (RFC 5359 §2.16).
    pub group: Option<Group>,
    /// What everybody else may see of its calls.
    pub strangers: Strangers,
    /// How it hands calls over, and how it is handed over.
    pub transfers: Transfers,
    /// What its Contact says of it.
    pub features: TelephoneFeatures,
    /// The proxy that is to look at every call first: a URI. A call that does not come from one of our
    /// [neighbours](Settings::neighbours) is sent there by a 305 (RFC 5359 §2.13).
    pub screened_by: Option<Box<str>>,
}

/// What a telephone's Contact says of it always. What depends on a call is said there: `isfocus`, and `+sip.rendering` of
/// whoever is on hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TelephoneFeatures {
    /// Nobody sits at it (`automata`, RFC 3840 §10.2).
    pub automaton: bool,
    /// It never ends a call (`+sip.byeless`, RFC 4235 §5.1).
    pub byeless: bool,
    /// What it does with the sound that it gets.
    pub rendering: Rendering,
}

/// What a telephone does with the sound that it gets (`+sip.rendering`, RFC 4235 §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rendering {
    /// Somebody hears it, unless whoever sends it is on hold.
    #[default]
    Heard,
    /// Nobody hears it, and its Contact says so; the session description does not (RFC 5359 §2.13 F11).
    Unheard,
    /// Nobody hears it, and whoever has a call with it is held by it from the start (RFC 5359 §2.3 F12).
    Holds,
}

/// What strangers may see of a telephone's calls (RFC 4235 §3.7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// Whether there are any, and nothing else.
    #[default]
    Virtual,
    /// Nothing: they are refused with 403.
    Refused,
}

/// Where a telephone receives sound: the ports that it may name in a session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaPorts {
    /// Even ports of this range, one after the other, on the address of the listener: for hosts that nobody
    /// else uses, such as simulated ones.
    Counted(Range<u16>),
    /// These, which whoever drives the telephone holds open. A call without one is not made or taken; one that
    /// was given back by [`CallEvent::Ended`](crate::call::CallEvent::Ended) is used again, the longest unused first.
    Held(Vec<SocketAddr>),
}

impl Default for MediaPorts {
    fn default() -> Self {
        Self::Counted(40_000..60_000)
    }
}

/// What a telephone does where the standards leave it the choice. It understands all of it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// Which provisional responses are to be reliable.
    pub reliable: Reliability,
    /// Which session timer is wanted, and how short an interval is taken (RFC 4028).
    pub session_timer: Policy,
    /// How a hold and the like are asked for in a call that is up.
    pub changes_by: ChangesBy,
    /// Whether whoever was called by another address is told ours (RFC 4916).
    pub identity: ConnectedIdentity,
    /// After what time its invitations expire (Expires, RFC 3261 §13.2.1); without one it gives them up by itself.
    pub invitations_expire: Option<Duration>,
}

impl Habits {
    /// Nothing that was not asked for.
    pub const USUAL: Self = Self {
        reliable: Reliability::AsAsked,
        session_timer: Policy { wish: None, least: SessionExpires::LEAST, refresh_ourselves: false },
        changes_by: ChangesBy::Invite,
        identity: ConnectedIdentity::OnRequest,
        invitations_expire: None,
    };
}

impl Default for Habits {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Whether a telephone that answers a call to another address than its own says so, by UPDATE or re-INVITE with its own
/// address in From (RFC 4916 §4.2). Whoever calls must know that extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectedIdentity {
    /// When somebody presses the button.
    #[default]
    OnRequest,
    /// Each time that it answers such a call.
    Always,
}

/// How a change is asked for in a call that is up. Before it is up only UPDATE can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangesBy {
    /// By a re-INVITE, as RFC 3311 §5.1 recommends: the other side may think it over.
    #[default]
    Invite,
    /// By an UPDATE wherever the other side allows one: it needs no ACK.
    Update,
}

/// What a telephone wants of reliable provisional responses (RFC 3262). It knows them in any case, and sends them
/// where the other side requires it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// Nothing more than that.
    #[default]
    AsAsked,
    /// Its own are reliable wherever the other side knows them.
    Preferred,
    /// The same, and its calls require them: who does not know them refuses with 420.
    Required,
}

/// A password. It never prints.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Box<str>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
