//! Sockets, clocks and seeds: the drivers that carry bytes to agents and back.
//!
//! Nothing in here knows what a call is. A datagram, or a message framed out of a stream, becomes an
//! [`Input`](cordboard_service::door::Input) of the shard it belongs to; what the shard hands out is
//! sent, asked or told, in order. An I/O error is an input, never the end of the server.
//!
//! For users: [`config`] says where to listen, [`server`] starts and stops everything, [`shard`] is what
//! a driver needs of an agent, [`store`] answers what is shared or slow, [`media`] drives sessions of sound
//! and [`sound`] those of a telephone's calls, [`clock`] tells the time, and [`error`] says why a server does not start.
//!
//! Inside, in the order in which a message meets them: `listen` binds; `udp` reads datagrams with `mmsg`
//! and answers `stun`; `accept` takes connections, which `tls` (with `identity` and `authority`) secures
//! and `connection` or `websocket` frames; `hub` holds the shards; `flows` finds connections and `queue`
//! is what waits for one; `open` and `dns` answer questions; `alarm` fires timers.

mod accept;
mod alarm;
mod authority;
pub mod clock;
mod conference;
pub mod config;
mod connection;
mod dns;
pub mod error;
mod flows;
mod gather;
mod hub;
mod identity;
mod listen;
pub mod media;
mod mmsg;
mod open;
mod queue;
pub mod server;
pub mod shard;
pub mod sound;
pub mod store;
mod stun;
mod tls;
mod udp;
mod websocket;

pub use clock::{Clock, system_seed};
pub use config::{
    Accepts, Certificates, ClientCertificates, Config, Dns, Limits, ListenOn, Origins, Tls, TrustedRoots,
};
pub use error::{ReloadError, StartError};
pub use media::{MediaPortError, MediaPorts, RunningMedia, ntp_at_start};
pub use server::{Running, Server, Traffic};
pub use shard::{FromSeed, Shard};
pub use sound::Sound;
pub use store::{Peer, Reply, Store};
