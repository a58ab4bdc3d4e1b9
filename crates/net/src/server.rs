//! Starts and stops everything.

use cordboard_core::transport::Listener;
use cordboard_service::door::{Command, CommandId, ShardId};
use std::marker::PhantomData;

use crate::config::Config;
use crate::error::{ReloadError, StartError};
use crate::shard::Shard;

/// Starts servers.
pub struct Server;

impl Server {
    /// Binds every listener, starts the workers, and returns when peers can connect.
    pub fn start<A: Shard>(config: Config) -> Result<Running<A>, StartError> {
        let _ = config;
        Err(StartError::NoListeners)
    }
}

/// A server at work. Dropping it shuts it down.
pub struct Running<A: Shard> {
    listeners: Vec<Listener>,
    shards: PhantomData<A>,
}

impl<A: Shard> Running<A> {
    /// The listeners as bound, in the order of their ids: transports, addresses and ports.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// How many shards share the work.
    pub fn shards(&self) -> u8 {
        0
    }

    /// Hands a command to every shard; an answer comes from each, as an event that carries the id.
    pub fn command(&self, command: Command) -> CommandId {
        let _ = command;
        CommandId(0)
    }

    /// Hands a command to one shard.
    pub fn command_to(&self, shard: ShardId, command: Command) -> CommandId {
        let _ = (shard, command);
        CommandId(0)
    }

    /// What each shard counted so far.
    pub fn counters(&self) -> Vec<A::Counters> {
        Vec::new()
    }

    /// Reads the certificates again, for connections made from now on. If they are of no use, the old
    /// ones stay.
    pub fn reload_certificates(&self) -> Result<(), ReloadError> {
        Err(ReloadError::NoTls)
    }

    /// Stops accepting, lets what is queued be sent, closes the connections and ends all threads.
    pub fn shutdown(self) {}
}
