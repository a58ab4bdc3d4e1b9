//! Sockets, clocks and seeds: the drivers that carry bytes to agents and back.
//!
//! Nothing in here knows what a call is. A datagram, or a message framed out of a stream, becomes an
//! [`Input`](cordboard_service::door::Input) of the shard it belongs to; what the shard hands out is
//! sent, asked or told, in order. An I/O error is an input, never the end of the server.
//!
//! In the order in which a message meets them: [`config`] says where to listen, [`server`] starts and
//! stops everything, [`shard`] is the lock around each agent, [`store`] answers what is shared or slow,
//! and [`clock`] tells the time.

pub mod clock;
pub mod config;
pub mod error;
pub mod server;
pub mod shard;
pub mod store;

pub use clock::{Clock, system_seed};
pub use config::{
    Certificates, ClientCertificates, Config, Dns, Limits, ListenOn, Origins, Tls, TrustedRoots,
};
pub use error::{ReloadError, StartError};
pub use server::{Running, Server};
pub use shard::Shard;
pub use store::{Peer, PeerIdentity, Reply, Store};
