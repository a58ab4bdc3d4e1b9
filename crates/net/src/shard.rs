//! The seam between drivers and agents: what a driver needs of one.

use cordboard_core::time::Instant;
use cordboard_service::door::{Input, Output, ShardId};
use cordboard_service::settings::Settings;
use cordboard_service::{Agent, Counters};
use std::sync::Arc;

/// One agent among several, as a driver sees it. Dispatched statically.
pub trait Shard: Send + 'static {
    /// What it counts.
    type Counters: Clone + Send;

    /// To which of `shards` a message belongs; cheap, and the same for everyone.
    fn shard_of(bytes: &[u8], shards: u8) -> ShardId;

    /// Takes one input.
    fn handle(&mut self, now: Instant, input: Input<'_>);

    /// Fires what is due by `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// The next thing to do, in order.
    fn poll_output(&mut self) -> Option<Output>;

    /// When [`Shard::handle_timeout`] is wanted next.
    fn poll_timeout(&self) -> Option<Instant>;

    /// What happened so far, in numbers.
    fn counters(&self) -> Self::Counters;
}

/// A [`Shard`] that needs nothing but what every server hands out.
pub trait FromSeed: Shard {
    /// The shard numbered `shard` of `shards`.
    fn new(shard: ShardId, shards: u8, settings: Arc<Settings>, seed: [u8; 32]) -> Self;
}

impl FromSeed for Agent {
    fn new(shard: ShardId, shards: u8, settings: Arc<Settings>, seed: [u8; 32]) -> Self {
        Self::new(shard, settings, seed).among(shards)
    }
}

impl Shard for Agent {
    type Counters = Counters;

    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        Self::shard_of(bytes, shards)
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.handle(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn counters(&self) -> Counters {
        self.counters()
    }
}
