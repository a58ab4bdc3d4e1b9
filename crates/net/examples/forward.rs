//! What the drivers cost by themselves: forwards every datagram unread between two ports of this
//! machine, as `forward PORT A B` (from A to B, from anybody else to A), for ten minutes at most.
//!
//! Compare its processor time for a call with that of a bare loop around `recvmmsg` and `sendmmsg`.
#![allow(clippy::print_stdout, reason = "a program for people")]

use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_net::{
    Accepts, Clock, Config, Dns, FromSeed, Limits, ListenOn, Origins, Reply, Running, Server, Shard, Store,
};
use cordboard_service::door::{Answer, Event, Input, Output, Question, ShardId};
use cordboard_service::settings::Settings;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

struct Forward {
    outputs: Vec<Output>,
    a: SocketAddr,
    b: SocketAddr,
}

impl FromSeed for Forward {
    fn new(_shard: ShardId, _shards: u8, settings: Arc<Settings>, _seed: [u8; 32]) -> Self {
        // The ports travel in the domains.
        let port = |at: usize| settings.domains.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { outputs: Vec::new(), a: local(port(0)), b: local(port(1)) }
    }
}

impl Shard for Forward {
    type Counters = ();

    /// By the sender's Call-ID, as a switchboard does it, though cheaper.
    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        let place = bytes.windows(9).position(|window| window == b"Call-ID: ").unwrap_or(0);
        let id = bytes.get(place + 9..place + 17).unwrap_or_default();
        ShardId(id.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) % shards)
    }

    fn handle(&mut self, _now: Instant, input: Input<'_>) {
        if let Input::Packet { mut flow, bytes } = input {
            flow.remote = if flow.remote.port() == self.a.port() { self.b } else { self.a };
            self.outputs.push(Output::Send { flow, bytes: Bytes::copy_from_slice(bytes) });
        }
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn counters(&self) {}
}

struct Nobody;

impl Store for Nobody {
    fn ask(&self, _now: Instant, _question: Question, _reply: Reply) -> Option<Answer> {
        None
    }

    fn event(&self, _now: Instant, _shard: ShardId, _event: Event) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, a, b] = arguments.as_slice() else { return Err("usage: forward PORT A B".into()) };
    let mut settings = Settings::of_domain("localhost");
    settings.domains = vec![a.as_str().into(), b.as_str().into()];
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
    let running: Running<Forward> = Server::start(Config {
        settings,
        directory: Arc::default(),
        listen: vec![ListenOn { transport: Transport::Udp, address, sent_by: None, accepts: Accepts::Peers }],
        tls: None,
        origins: Origins::Any,
        dns: Dns::default(),
        shards: 0,
        limits: Limits::DEFAULT,
        store: Arc::new(Nobody),
        clock: Clock::new(),
        seed: [0; 32],
    })?;
    println!("listening udp {address}");
    std::thread::sleep(Duration::from_mins(10));
    running.shutdown();
    Ok(())
}
