//! The agents of this process, and the drivers that carry their messages.

use cordboard_core::time::Instant;
use cordboard_net::{ReloadError, Running, Shard};
use cordboard_service::directory::Directory;
use cordboard_service::door::{Command, CommandId, Input, Output, ShardId};
use cordboard_service::settings::Settings;
use cordboard_service::{Agent, Counters};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::switchboard::{Agents, Figures};

/// Whom the agents know from their first message on: a phone that comes the moment a port opens must
/// not be told that nobody knows it.
static FIRST_DIRECTORY: OnceLock<Arc<Directory>> = OnceLock::new();

/// Gives agents that are made from now on their directory. The first call of a process counts.
pub fn set_first_directory(directory: Arc<Directory>) {
    FIRST_DIRECTORY.get_or_init(|| directory);
}

/// One agent, as its driver wants it.
pub struct Switch {
    agent: Agent,
    counters: Counters,
}

impl Shard for Switch {
    type Counters = Counters;

    fn new(shard: ShardId, _shards: u8, settings: Arc<Settings>, seed: [u8; 32]) -> Self {
        let mut agent = Agent::new(shard, settings, seed);
        if let Some(directory) = FIRST_DIRECTORY.get() {
            let command = Command::UseDirectory(Arc::clone(directory));
            agent.handle(Instant::START, Input::Command(CommandId(0), command));
        }
        Self { agent, counters: Counters::default() }
    }

    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        Agent::shard_of(bytes, shards)
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.agent.handle(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        let output = self.agent.poll_output();
        if output.is_none() {
            self.counters = self.agent.counters();
        }
        output
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// All shards and their drivers, until they are stopped.
pub struct Fleet(RwLock<Option<Running<Switch>>>);

impl Fleet {
    /// The fleet that `running` is.
    pub const fn new(running: Running<Switch>) -> Self {
        Self(RwLock::new(Some(running)))
    }

    fn with<T>(&self, what: impl FnOnce(&Running<Switch>) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(what)
    }
}

impl Agents for Fleet {
    fn shards(&self) -> u8 {
        self.with(Running::shards).unwrap_or(0)
    }

    fn command(&self, command: Command) -> CommandId {
        self.with(|running| running.command(command)).unwrap_or(CommandId(0))
    }

    fn reload_certificates(&self) -> Result<(), ReloadError> {
        self.with(Running::reload_certificates).unwrap_or(Err(ReloadError::NoTls))
    }

    fn figures(&self) -> Figures {
        let (counters, traffic) =
            self.with(|running| (running.counters(), running.traffic())).unwrap_or_default();
        let mut sum = Counters::default();
        for shard in &counters {
            sum.add(shard);
        }
        let (gauges, mut counters): (Vec<_>, Vec<_>) =
            sum.facts().into_iter().partition(|(name, ..)| Counters::is_gauge(name));
        counters.push((
            "connections_refused",
            "Connections for which there was no room",
            traffic.refused_connections,
        ));
        counters.push((
            "datagrams_refused",
            "Datagrams that the system would not take",
            traffic.refused_datagrams,
        ));
        let connections = ("connections", "Connections alive", traffic.connections as u64);
        Figures { counters, gauges: gauges.into_iter().chain([connections]).collect() }
    }

    fn stop(&self) {
        let running = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.shutdown();
        }
    }
}
