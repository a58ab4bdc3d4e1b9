//! What a server is told when it starts.

use cordboard_core::transport::Transport;
use cordboard_service::directory::Directory;
use cordboard_service::settings::Settings;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::store::Store;

/// Everything that [`Server::start`](crate::Server::start) needs.
pub struct Config {
    /// What the agents are told. Its `listeners` are filled in from [`Config::listen`] once the
    /// addresses are bound, so they may be empty here.
    pub settings: Settings,
    /// Whom the agents know from their first message on: a phone that comes the moment a port opens
    /// must not be told that nobody knows it.
    pub directory: Arc<Directory>,
    /// Where to listen; a listener's place is its [`ListenerId`](cordboard_core::transport::ListenerId).
    pub listen: Vec<ListenOn>,
    /// Certificates; needed as soon as one listener is secure.
    pub tls: Option<Tls>,
    /// From which web pages a browser may connect.
    pub origins: Origins,
    /// How names are looked up.
    pub dns: Dns,
    /// How many agents share the work; 0 means one for each processor.
    pub shards: u8,
    /// How much one peer, and all of them together, may take.
    pub limits: Limits,
    /// Who answers what is shared or slow.
    pub store: Arc<dyn Store>,
    /// The clock that stamps every input.
    pub clock: Clock,
    /// Where all randomness comes from; [`system_seed`](crate::system_seed) outside tests.
    pub seed: [u8; 32],
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenOn {
    /// What to speak there.
    pub transport: Transport,
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// `host:port` as peers should write it; the bound address if `None`.
    pub sent_by: Option<Box<str>>,
    /// Whether peers may connect there.
    pub accepts: Accepts,
}

/// Whether peers may connect to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepts {
    /// They may.
    #[default]
    Peers,
    /// Nobody may, and nothing is bound: connections are opened from the address. So does a client of WebSocket
    /// (RFC 7118 §5), whose `sent_by` is a name in `.invalid`.
    Nobody,
}

/// How secured transports prove who we are, and whom we believe.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Our own certificate.
    pub certificates: Certificates,
    /// Whether clients are asked for theirs.
    pub clients: ClientCertificates,
    /// Whom we believe when we connect to somebody.
    pub roots: TrustedRoots,
}

/// Where our certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// PEM files that somebody else looks after.
    Files {
        /// Our certificate first, then its issuers.
        chain: PathBuf,
        /// The private key (PKCS #8, PKCS #1 or SEC 1).
        key: PathBuf,
    },
    /// An authority of our own and a certificate from it: `ca.pem`, `ca.key`, `cert.pem` and `key.pem`
    /// in `folder`, made when they are missing, and the certificate made anew when it does not fit
    /// the names or ends within a month.
    Own {
        /// Where they are kept.
        folder: PathBuf,
        /// Domains and IP addresses that the certificate must carry.
        names: Vec<Box<str>>,
    },
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No.
    NotAsked,
    /// Yes, but who has none may connect all the same.
    Asked {
        /// The authorities whose certificates count, as PEM files.
        roots: Vec<PathBuf>,
    },
    /// Nobody connects without.
    Required {
        /// The authorities whose certificates count, as PEM files.
        roots: Vec<PathBuf>,
    },
}

/// Whom we believe when we connect to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedRoots {
    /// The authorities that the operating system knows.
    pub system: bool,
    /// More, as PEM files. Our own authority is always believed.
    pub files: Vec<PathBuf>,
}

/// From which web pages a browser may open a WebSocket (RFC 6455 §10.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// From any, and from programs that send no `Origin`.
    #[default]
    Any,
    /// Only from these, such as `https://phone.example.com`; programs that send none may connect.
    These(Vec<Box<str>>),
}

/// How names are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// The servers to ask; those of the system if empty.
    pub servers: Vec<SocketAddr>,
    /// How long one server may take.
    pub timeout: Duration,
    /// How often a server is asked before it is given up.
    pub attempts: usize,
}

impl Default for Dns {
    fn default() -> Self {
        Self { servers: Vec::new(), timeout: Duration::from_secs(2), attempts: 2 }
    }
}

/// Bounds on what peers may take. A connection beyond one of them is closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_source: usize,
    /// From the first byte of a message, or from the start of the connection, to the end of the
    /// message: who is slower is closed (half-open and slow-loris).
    pub message_time: Duration,
    /// Without a byte either way.
    pub idle_time: Duration,
    /// To open a connection, and for a peer's handshakes.
    pub open_time: Duration,
    /// Between two pings of a WebSocket (RFC 6455 §5.5.2); a peer that leaves two unanswered is gone.
    pub websocket_ping: Duration,
    /// Without progress in writing while something waits to be written.
    pub write_time: Duration,
    /// Messages that may wait for one peer.
    pub queue_messages: usize,
    /// Bytes that may wait for one peer.
    pub queue_bytes: usize,
    /// Lookups under way at once; what is asked beyond fails.
    pub lookups: usize,
}

impl Limits {
    /// Generous for people, tight for floods.
    pub const DEFAULT: Self = Self {
        connections: 50_000,
        connections_per_source: 2_000,
        message_time: Duration::from_secs(20),
        // Longer than the hour for which phones without keep-alive register.
        idle_time: Duration::from_mins(65),
        open_time: Duration::from_secs(10),
        websocket_ping: Duration::from_secs(30),
        write_time: Duration::from_secs(20),
        queue_messages: 1_024,
        queue_bytes: 1 << 20,
        lookups: 1_024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
