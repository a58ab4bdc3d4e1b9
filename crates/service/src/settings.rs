//! What an agent is told when it is made.

use cordboard_core::transport::Listener;
use std::time::Duration;

/// The settings of one switchboard; every shard has the same.
#[derive(Clone, Debug)]
pub struct Settings {
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
    /// Requests for domains that are not ours are forwarded for authenticated users only if this is set.
    pub relay_for_users: bool,
    /// Bytes of recent messages that each shard keeps.
    pub ring_bytes: usize,
    /// Signs nonces, flow tokens and temporary GRUUs; the same for all shards and across restarts.
    pub key: [u8; 32],
    /// This machine among several; written into tokens.
    pub node: u8,
}

/// Whom to challenge.
#[derive(Clone, Copy, Debug)]
pub struct Auth {
    /// Challenge REGISTER.
    pub registers: bool,
    /// Challenge requests that start something from our own users.
    pub calls: bool,
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
