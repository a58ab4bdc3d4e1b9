//! Starts and stops everything.

use cordboard_core::transport::{Listener, ListenerId, Transport};
use cordboard_service::door::{Command, CommandId, Input, ShardId};
use cordboard_service::settings::Settings;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::accept;
use crate::alarm::Alarm;
use crate::config::{Config, ListenOn};
use crate::dns::Resolver;
use crate::error::{ReloadError, StartError};
use crate::hub::{Hub, Parts};
use crate::listen::{self, Bound};
use crate::shard::{FromSeed, Shard};
use crate::tls::Identity;
use crate::udp::{self, Datagrams};

/// Threads that frame streams; they only cut and copy, the work is done under the shards' locks.
const STREAM_THREADS: usize = 2;
/// Shards of one server.
const MAX_SHARDS: usize = 64;
/// How long connections have to take what is queued for them when a server ends.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long to look away while they do.
const GLANCE: Duration = Duration::from_millis(5);

/// Starts servers.
pub struct Server;

impl Server {
    /// Binds every listener, starts the workers, and returns when peers can connect.
    ///
    /// # Errors
    /// A port is occupied, an address is not ours, a certificate is of no use; nothing is left running.
    pub fn start<A: FromSeed>(config: Config) -> Result<Running<A>, StartError> {
        Self::start_with(config, A::new)
    }

    /// The same with shards that are made by `new`, of their number, how many there are, the settings and the seed.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with<A: Shard>(
        config: Config,
        new: impl Fn(ShardId, u8, Arc<Settings>, [u8; 32]) -> A,
    ) -> Result<Running<A>, StartError> {
        check(&config.listen, config.tls.is_some())?;
        let shards = shards(config.shards);
        let tls = config.tls.map(Identity::load).transpose()?;
        let bound = bind_all(&config.listen, usize::from(shards))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(STREAM_THREADS)
            .thread_name("streams")
            .enable_all()
            .build()
            .map_err(|source| StartError::System { what: "threads for streams", source })?;

        let mut settings = config.settings;
        settings.listeners.clone_from(&bound.listeners);
        let settings = Arc::new(settings);
        let agent = |shard| {
            let mut agent = new(ShardId(shard), shards, Arc::clone(&settings), config.seed);
            let command = Command::UseDirectory(Arc::clone(&config.directory));
            agent.handle(config.clock.now(), Input::Command(CommandId(0), command));
            agent
        };
        let inside = runtime.enter();
        let hub = Hub::new(Parts {
            agents: (0..shards).map(agent).collect(),
            listeners: bound.listeners,
            limits: config.limits,
            origins: config.origins,
            clock: config.clock,
            store: config.store,
            datagrams: Datagrams::new(bound.datagrams),
            tls,
            resolver: Resolver::new(&config.dns, config.limits.lookups),
            tasks: runtime.handle().clone(),
        });
        drop(inside);
        let (ending, _) = watch::channel(false);
        let mut running = Running { hub, runtime: Some(runtime), ending, threads: Vec::new() };
        running.start_threads()?;
        running.start_accepting(bound.streams)?;
        Ok(running)
    }
}

/// What a server carries, and what it had to refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections now, those in a handshake included.
    pub connections: usize,
    /// Connections for which there was no room, so far.
    pub refused_connections: u64,
    /// Datagrams that the system would not take, so far.
    pub refused_datagrams: u64,
}

/// A server at work. Dropping it shuts it down.
pub struct Running<A: Shard> {
    hub: Arc<Hub<A>>,
    runtime: Option<Runtime>,
    ending: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl<A: Shard> Running<A> {
    /// The listeners as bound, in the order of their ids: transports, addresses and ports.
    pub fn listeners(&self) -> &[Listener] {
        &self.hub.listeners
    }

    /// How many shards share the work.
    pub fn shards(&self) -> u8 {
        self.hub.shards()
    }

    /// Hands a command to every shard; an answer comes from each, as an event that carries the id.
    #[allow(clippy::needless_pass_by_value, reason = "who commands has no more use for the command")]
    pub fn command(&self, command: Command) -> CommandId {
        self.hub.command(self.hub.shard_ids(), &command)
    }

    /// Hands a command to one shard.
    #[allow(clippy::needless_pass_by_value, reason = "who commands has no more use for the command")]
    pub fn command_to(&self, shard: ShardId, command: Command) -> CommandId {
        self.hub.command(std::iter::once(shard), &command)
    }

    /// What each shard counted so far.
    pub fn counters(&self) -> Vec<A::Counters> {
        self.hub.counters()
    }

    /// What is carried now, and what had to be refused.
    pub fn traffic(&self) -> Traffic {
        self.hub.traffic()
    }

    /// Reads the certificates again, for connections made from now on. If they are of no use, the old
    /// ones stay.
    pub fn reload_certificates(&self) -> Result<(), ReloadError> {
        self.hub.tls.as_ref().ok_or(ReloadError::NoTls)?.reload()
    }

    /// Stops accepting, lets what is queued be sent, closes the connections and ends all threads. Neither
    /// the agents nor the store are told that connections close.
    pub fn shutdown(mut self) {
        self.stop();
    }

    /// One worker for each shard and datagram listener, and one for the timers of all shards.
    fn start_threads(&mut self) -> Result<(), StartError> {
        let hub = Arc::clone(&self.hub);
        self.spawn("timers".to_owned(), move || Alarm::run(&hub))?;
        let for_datagrams = |listener: &&Listener| listener.transport == Transport::Udp;
        let listeners: Vec<ListenerId> =
            self.hub.listeners.iter().filter(for_datagrams).map(|listener| listener.id).collect();
        for listener in listeners {
            for worker in 0..usize::from(self.hub.shards()) {
                let hub = Arc::clone(&self.hub);
                self.spawn(format!("udp{}.{worker}", listener.0), move || udp::work(&hub, listener, worker))?;
            }
        }
        Ok(())
    }

    fn spawn(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
        let spawned = std::thread::Builder::new().name(name).spawn(work);
        self.threads.push(spawned.map_err(|source| StartError::System { what: "a thread", source })?);
        Ok(())
    }

    fn start_accepting(&self, streams: Vec<(Listener, TcpListener)>) -> Result<(), StartError> {
        let _inside = self.hub.tasks.enter();
        for (listener, socket) in streams {
            let Listener { transport, local, .. } = listener;
            let socket = tokio::net::TcpListener::from_std(socket).map_err(|source| StartError::Socket {
                transport,
                address: local,
                source,
            })?;
            let accepting = accept::accept(Arc::clone(&self.hub), listener, socket, self.ending.subscribe());
            self.hub.tasks.spawn(accepting);
        }
        Ok(())
    }

    fn stop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.hub.stopping.store(true, Ordering::SeqCst);
        self.ending.send_replace(true);
        self.hub.datagrams.wake_all();
        self.hub.alarm.ring();
        let started = Instant::now();
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && started.elapsed() < FAREWELL {
                std::thread::sleep(GLANCE);
            }
            // One that is stuck in a store's call ends with the process.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        let started = Instant::now();
        self.hub.flows.close_all();
        while self.hub.flows.count() > 0 && started.elapsed() < FAREWELL {
            std::thread::sleep(GLANCE);
        }
        // A thread of its own, for a runtime may not be ended from within another.
        let _ = std::thread::spawn(move || runtime.shutdown_timeout(FAREWELL)).join();
    }
}

impl<A: Shard> Drop for Running<A> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is wrong with a list of listeners before anything is bound.
fn check(listen: &[ListenOn], has_tls: bool) -> Result<(), StartError> {
    if listen.is_empty() {
        return Err(StartError::NoListeners);
    }
    if u16::try_from(listen.len()).is_err() {
        return Err(StartError::TooManyListeners);
    }
    match listen.iter().find(|on| on.transport.is_secure() && !has_tls) {
        Some(on) => Err(StartError::NoTls { transport: on.transport, address: on.address }),
        None => Ok(()),
    }
}

/// One for each processor unless told otherwise.
fn shards(asked: u8) -> u8 {
    let count = match asked {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        asked => usize::from(asked),
    };
    count.min(MAX_SHARDS) as u8
}

struct AllBound {
    listeners: Vec<Listener>,
    /// For each listener; empty for streams.
    datagrams: Vec<Vec<std::net::UdpSocket>>,
    streams: Vec<(Listener, TcpListener)>,
}

fn bind_all(listen: &[ListenOn], workers: usize) -> Result<AllBound, StartError> {
    let mut all = AllBound { listeners: Vec::new(), datagrams: Vec::new(), streams: Vec::new() };
    for (id, on) in (0..).map(ListenerId).zip(listen) {
        let (listener, bound) = listen::bind(on, id, workers)?;
        match bound {
            Bound::Nothing => all.datagrams.push(Vec::new()),
            Bound::Datagrams(sockets) => all.datagrams.push(sockets),
            Bound::Stream(socket) => {
                all.datagrams.push(Vec::new());
                all.streams.push((listener.clone(), socket));
            }
        }
        all.listeners.push(listener);
    }
    Ok(all)
}
