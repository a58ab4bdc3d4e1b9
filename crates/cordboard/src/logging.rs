//! The log: text or JSON lines on standard error, with identities masked.

use cordboard_service::door::{Level, Note};
use std::io;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::Log;
use crate::private::Private;

/// Changes the level while the program runs.
#[derive(Clone)]
pub struct Logging(reload::Handle<Targets, Registry>);

impl Logging {
    /// Begins to log as `log` says. Only the first call of a process has an effect.
    pub fn start(log: &Log) -> Self {
        let (filter, handle) = reload::Layer::new(targets(log));
        let registry = tracing_subscriber::registry().with(filter);
        let lines = fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(false);
        // It fails only if somebody else logs already, and then their choice stands.
        let _ = if log.json {
            registry.with(lines.json().flatten_event(true)).try_init()
        } else {
            registry.with(lines).try_init()
        };
        Self(handle)
    }

    /// Uses another level from now on; the format stays.
    pub fn change(&self, log: &Log) {
        // It fails only after the end of the subscriber, which lives as long as the process.
        let _ = self.0.reload(targets(log));
    }
}

/// Our own crates as configured, others only when they warn: what they say is not masked.
fn targets(log: &Log) -> Targets {
    Targets::new().with_default(log.level.min(tracing::Level::ERROR)).with_target("cordboard", log.level)
}

/// Writes what an agent has to say.
pub fn note(note: &Note) {
    let call = note.call_id.as_deref().map(Private).map(tracing::field::display);
    let peer = note.flow.map(|flow| flow.remote.to_string());
    let peer = peer.as_deref().map(Private).map(tracing::field::display);
    let transport = note.flow.map(|flow| flow.transport.token());
    let who = note.identity.as_deref().map(Private).map(tracing::field::display);
    match note.level {
        Level::Info => tracing::info!(call, transport, peer, who, "{}", note.says),
        Level::Warning => tracing::warn!(call, transport, peer, who, "{}", note.says),
        Level::Error => tracing::error!(call, transport, peer, who, "{}", note.says),
    }
}
