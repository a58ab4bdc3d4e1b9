//! The seam between drivers and agents: what a driver needs of one.

use cordboard_core::time::Instant;
use cordboard_service::door::{Input, Output, ShardId};
use cordboard_service::settings::Settings;
use std::sync::Arc;

/// One agent among several, as a driver sees it. Dispatched statically.
pub trait Shard: Send + 'static {
    /// What it counts.
    type Counters: Clone + Send;

    /// The shard numbered `shard` of `shards`.
    fn new(shard: ShardId, shards: u8, settings: Arc<Settings>, seed: [u8; 32]) -> Self;

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
    fn counters(&self) -> &Self::Counters;
}
