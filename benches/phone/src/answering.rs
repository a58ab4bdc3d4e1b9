//! The agent of a telephone, with somebody beside it who answers.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_net::{
    Accepts, Clock, Config, Dns, FromSeed, Limits, ListenOn, Origins, Reply, Server, Shard, Store,
    system_seed,
};
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::directory::Directory;
use cordboard_service::door::{Answer, Command, CommandId, Event, Input, Output, Question, ShardId};
use cordboard_service::settings::{Role, Settings, Telephone};
use cordboard_service::{Agent, Counters};

/// Answers on `port` until the process is ended.
///
/// # Errors
/// The port is taken, or the system lacks something.
pub(crate) fn until_ended(port: u16) -> Result<()> {
    let telephone = Telephone { user: "bob".into(), domain: "127.0.0.1".into(), ..Telephone::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = Config {
        settings: Settings { role: Role::Telephone(telephone), ..Settings::of_domain("127.0.0.1") },
        directory: Arc::new(Directory::default()),
        listen: vec![ListenOn { transport: Transport::Udp, address, sent_by: None, accepts: Accepts::Peers }],
        tls: None,
        origins: Origins::Any,
        dns: Dns::default(),
        shards: 1,
        limits: Limits::DEFAULT,
        store: Arc::new(Nobody),
        clock: Clock::new(),
        seed: system_seed()?,
    };
    let _running = Server::start::<Answering>(config).context("the telephone does not start")?;
    loop {
        thread::park();
    }
}

/// Nobody registers with a telephone, and nobody listens to what it tells.
struct Nobody;

impl Store for Nobody {
    fn ask(&self, _now: Instant, _question: Question, _reply: Reply) -> Option<Answer> {
        None
    }

    fn event(&self, _now: Instant, _shard: ShardId, _event: Event) {}
}

/// An agent whose calls are answered as soon as they ring.
struct Answering {
    agent: Agent,
    outputs: VecDeque<Output>,
}

impl Answering {
    fn answer(&mut self, now: Instant) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Event(Event::Call(CallEvent::Incoming { call, .. })) => {
                    let answer = Command::Call(CallAction::Answer(call));
                    self.agent.handle(now, Input::Command(CommandId(0), answer));
                }
                Output::Event(_) => {}
                output => self.outputs.push_back(output),
            }
        }
    }
}

impl FromSeed for Answering {
    fn new(shard: ShardId, _shards: u8, settings: Arc<Settings>, seed: [u8; 32]) -> Self {
        Self { agent: Agent::new(shard, settings, seed), outputs: VecDeque::new() }
    }
}

impl Shard for Answering {
    type Counters = Counters;

    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        Agent::shard_of(bytes, shards)
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.agent.handle(now, input);
        self.answer(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        self.answer(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    fn counters(&self) -> Counters {
        self.agent.counters()
    }
}
