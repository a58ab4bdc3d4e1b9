//! The agents of this process, and the drivers that carry their messages.

use cordboard_net::{ReloadError, Running};
use cordboard_service::door::{Command, CommandId};
use cordboard_service::{Agent, Counters};
use std::sync::{PoisonError, RwLock};

use crate::switchboard::{Agents, Figures};

/// All shards and their drivers, until they are stopped.
pub struct Fleet(RwLock<Option<Running<Agent>>>);

impl Fleet {
    /// The fleet that `running` is.
    pub const fn new(running: Running<Agent>) -> Self {
        Self(RwLock::new(Some(running)))
    }

    fn with<T>(&self, what: impl FnOnce(&Running<Agent>) -> T) -> Option<T> {
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
