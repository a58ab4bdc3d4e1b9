//! `cordboard serve`: starts a switchboard, says where it listens, and ends it cleanly.

use axum::Router;
use cordboard_core::transport::{ListenerId, Transport};
use cordboard_net::{Accepts, Certificates, Clock, ListenOn, Running, Server, StartError, system_seed};
use cordboard_service::Agent;
use cordboard_service::door::{Event, Note};
use cordboard_service::settings::Settings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::answers::Answers;
use crate::api::{self, Guard};
use crate::cli::Serve;
use crate::config::{self, Config, Faults};
use crate::data::{DataError, DataFolder};
use crate::demo::Demo;
use crate::feed::Feed;
use crate::fleet::Fleet;
use crate::logging::{self, Logging};
use crate::people;
use crate::private;
use crate::servers::{ServerError, Servers};
use crate::store::{OpenError, Store, Translator};
use crate::switchboard::{Refusal, Switchboard};

/// Files to ask for where the system sets no bound.
const MAX_FILES: u64 = 1 << 20;
/// Lines for the log that wait to be written; beyond that they are lost, and nobody waits.
const MAX_NOTES: usize = 4096;

/// How often the servers are started, each time in other places than are taken by then.
const TRIES: u8 = 8;

/// Why a switchboard does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(Faults),
    /// The data folder is of no use.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database is of no use.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The servers cannot be started.
    #[error(transparent)]
    Servers(#[from] ServerError),
    /// The listeners cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// HTTP cannot be served.
    #[error("http {address} cannot be opened: {source}; {}", http_advice(source))]
    Http {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The demo has no place for its ports.
    #[error("the demo needs ports from {0} to {0}+3000: take a lower --port, or 0 for free ones")]
    DemoPort(u16),
    /// The demo does not run.
    #[error("{0}\n  try: --port takes other ports for the demo; --port 0 takes free ones")]
    Demo(Box<ServeError>),
    /// The system refuses something.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// What it says.
        source: io::Error,
    },
}

fn http_advice(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::AddrInUse {
        "another program, perhaps another cordboard, listens there: stop it, or choose another `address` in [http]"
    } else {
        "choose another `address` in [http], such as \"127.0.0.1:8060\""
    }
}

/// Runs a switchboard until it is told to end (SIGTERM, SIGINT).
pub fn run(serve: &Serve, out: &mut dyn Write) -> Result<(), ServeError> {
    if let Some(path) = &serve.config {
        let config = config::load(path).map_err(ServeError::Config)?;
        let signals = Signals::catch()?;
        let started = Started::new(config, Some(path.clone()))?;
        started.announce(out, serve.json)?;
        return started.wait(signals);
    }
    let signals = Signals::catch()?;
    let demo = Demo::new(serve.port)?;
    let started = Started::new(demo.config(), None).map_err(|error| ServeError::Demo(Box::new(error)))?;
    started.announce(out, serve.json)?;
    demo.explain(out, serve.json, &started.listening).map_err(printing)?;
    started.wait(signals)
}

/// Signals, caught before anybody is told that we run: one that comes while we start is obeyed then.
struct Signals {
    runtime: Runtime,
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> Result<Self, ServeError> {
        let system = |what| move |source| ServeError::System { what, source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("threads for HTTP"))?;
        let inside = runtime.enter();
        let caught = |kind| signal(kind).map_err(system("signals"));
        let hangup = caught(SignalKind::hangup())?;
        let terminate = caught(SignalKind::terminate())?;
        let interrupt = caught(SignalKind::interrupt())?;
        drop(inside);
        Ok(Self { runtime, hangup, terminate, interrupt })
    }
}

/// A switchboard that takes messages.
struct Started {
    board: Arc<Switchboard>,
    listening: Vec<(&'static str, SocketAddr)>,
    http: TcpListener,
    router: Router,
    _folder: DataFolder,
}

impl Started {
    fn new(mut config: Config, path: Option<PathBuf>) -> Result<Self, ServeError> {
        let logging = Logging::start(&config.log);
        allow_many_files();
        let folder = DataFolder::take(&config.data)?;
        let seed = || system_seed().map_err(|source| ServeError::System { what: "random numbers", source });
        let key = folder.key(seed()?)?;
        let token = folder.token(seed()?)?;
        private::set_key(derived(&key, b"masks of the log"));
        let http = TcpListener::bind(config.http)
            .map_err(|source| ServeError::Http { address: config.http, source })?;

        let clock = Clock::new();
        let answers = Arc::new(Answers::default());
        let feed = Arc::new(Feed::default());
        let notes = note_writer()?;
        let tables = derived(&key, b"tables");
        let telling =
            Telling { answers: Arc::clone(&answers), feed: Arc::clone(&feed), notes: notes.clone() };
        let store = Arc::new(open_store(&config, &folder, clock, tables, telling)?);
        match config.set_up(&store.setups()) {
            Ok(servers) => config.servers = servers,
            Err(faults) => {
                for fault in faults {
                    tracing::error!(
                        "servers are as the file says, for what was set up does not fit: {}",
                        fault.says
                    );
                }
            }
        }
        // Behind those of the configuration, so that theirs keep their numbers.
        let inside = ListenerId(config.listen.len() as u16);
        let settings = Settings { inside: Some(inside), ..config.settings(key) };
        let mut tries = 1;
        let (servers, running) = loop {
            let told = (&notes, &feed);
            match with_servers(&config, &folder, (clock, seed()?), told, &store, settings.clone()) {
                Err(error) if tries < TRIES && error.is_of_a_place(&config) => {
                    tries += 1;
                    tracing::warn!(
                        "a port was taken by another program just now, and another is tried: {error}"
                    );
                }
                started => break started?,
            }
        };
        servers.take_up(&store);
        let open = running.listeners().iter().filter(|listener| listener.id != inside);
        let mut listening: Vec<(&'static str, SocketAddr)> =
            open.map(|listener| (listener.transport.token(), listener.local)).collect();
        let address =
            http.local_addr().map_err(|source| ServeError::Http { address: config.http, source })?;
        listening.push(("http", address));
        folder.announce(address)?;
        let board = Arc::new(Switchboard {
            store,
            agents: Box::new(Fleet::new(running)),
            servers,
            answers,
            feed,
            listening: Mutex::new(0),
            operations: AtomicUsize::new(0),
            clock,
            key,
            config: Mutex::new(config),
            path,
            logging: Some(logging),
        });
        board.servers.obey(&board)?;
        let router = api::router(Arc::clone(&board), Guard::new(token));
        Ok(Self { board, listening, http, router, _folder: folder })
    }

    /// One line a listener: whoever reads them may connect.
    fn announce(&self, out: &mut dyn Write, as_json: bool) -> Result<(), ServeError> {
        for (name, address) in &self.listening {
            let line = if as_json {
                json!({ "listening": name, "address": address.to_string() }).to_string()
            } else {
                format!("listening {name} {address}")
            };
            writeln!(out, "{line}").map_err(printing)?;
        }
        out.flush().map_err(printing)
    }

    /// Serves HTTP and obeys signals until one of them ends it.
    fn wait(self, signals: Signals) -> Result<(), ServeError> {
        let system = |what| move |source| ServeError::System { what, source };
        let Signals { runtime, hangup, terminate, interrupt } = signals;
        let outcome = runtime.block_on(async {
            tokio::spawn(reload_on(hangup, Arc::clone(&self.board)));
            self.http.set_nonblocking(true).map_err(system("HTTP"))?;
            let http = tokio::net::TcpListener::from_std(self.http).map_err(system("HTTP"))?;
            let serving = tokio::spawn(async move { axum::serve(http, self.router).await });
            first_of(terminate, interrupt).await;
            tracing::info!("ending");
            serving.abort();
            Ok(())
        });
        self.board.agents.stop();
        self.board.servers.stop();
        self.board.store.close();
        runtime.shutdown_background();
        outcome
    }
}

/// Starts the servers, and the switchboard that has them.
fn with_servers(
    config: &Config,
    folder: &DataFolder,
    (clock, seed): (Clock, [u8; 32]),
    told: (&SyncSender<Note>, &Arc<Feed>),
    store: &Arc<Store>,
    settings: Settings,
) -> Result<(Servers, Running<Agent>), ServeError> {
    let servers = Servers::start(config, folder.path(), clock, told, store)?;
    let (directory, stale) = people::listed(config, store, servers.known());
    servers.use_directory(&directory);
    if stale > 0 {
        tracing::warn!(
            users = stale,
            "their passwords are of another domain; `cordboard ctl users list` names them"
        );
    }
    store.use_directory(Arc::clone(&directory));
    let running = Server::start(cordboard_net::Config {
        settings,
        directory,
        listen: config.listen.iter().map(listen_on).chain([servers.listen()]).collect(),
        tls: tls(config),
        origins: config.origins.clone(),
        dns: config.dns.clone(),
        shards: config.shards,
        limits: config.limits,
        store: Arc::clone(store) as Arc<dyn cordboard_net::Store>,
        clock,
        seed,
    })?;
    Ok((servers, running))
}

impl ServeError {
    /// Whether somebody else has a port on the loopback network that was free when it was looked for; not one that the
    /// configuration names.
    fn is_of_a_place(&self, config: &Config) -> bool {
        match self {
            Self::Servers(ServerError::Start { source: StartError::Occupied { .. }, .. }) => true,
            Self::Start(StartError::Occupied { address, .. }) => {
                config.listen.iter().all(|listen| listen.address != *address)
            }
            _ => false,
        }
    }
}

async fn first_of(mut one: Signal, mut two: Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = two.recv() => {}
    }
}

/// SIGHUP: a bad file is refused with a sentence in the log, and the old one stays.
async fn reload_on(mut hangup: Signal, board: Arc<Switchboard>) {
    while hangup.recv().await.is_some() {
        let board = Arc::clone(&board);
        match tokio::task::spawn_blocking(move || board.reload()).await {
            Ok(Ok(waits)) if waits.is_empty() => tracing::info!("the configuration was read again"),
            Ok(Ok(waits)) => {
                tracing::warn!(needs_restart = waits.join(" "), "the configuration was read again");
            }
            Ok(Err(refusal @ Refusal::Config(_))) => tracing::error!("not reloaded: {refusal}"),
            Ok(Err(refusal)) => tracing::error!("not reloaded: {refusal}"),
            Err(_) => tracing::error!("reloading broke down; the old configuration stays in use"),
        }
    }
}

/// Each connection is an open file, and most systems allow a program 1,024 of them until it asks for more.
fn allow_many_files() {
    let allowed = getrlimit(Resource::Nofile);
    let most = allowed.maximum.unwrap_or(MAX_FILES);
    if allowed.current.is_some_and(|current| current < most)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..allowed })
    {
        tracing::warn!(%error, files = allowed.current, "no more files may be opened, and so no more connections");
    }
}

/// Where what the agents tell goes.
struct Telling {
    answers: Arc<Answers>,
    feed: Arc<Feed>,
    notes: SyncSender<Note>,
}

fn open_store(
    config: &Config,
    folder: &DataFolder,
    clock: Clock,
    key: [u8; 16],
    Telling { answers, feed, notes }: Telling,
) -> Result<Store, ServeError> {
    let listeners = config.listen.iter().map(|listen| (listen.transport, listen.address)).collect();
    let listener = Arc::new(move |_, _, event| match answers.take(event) {
        // A log that cannot keep up loses lines; calls go on.
        Some(Event::Note(note)) => drop(notes.try_send(note)),
        Some(Event::News(news)) => feed.tell(news),
        Some(Event::NotTakenUp(_, why)) => {
            tracing::error!("what was kept of a call is of no use, and is forgotten: {why}");
        }
        Some(
            Event::Call(_)
            | Event::Calls(..)
            | Event::Messages(..)
            | Event::Slots(..)
            | Event::ServiceChanged(..)
            | Event::LastCall(..)
            | Event::Wish(_)
            | Event::Operated(..)
            | Event::Redial(..)
            | Event::Rooms(..),
        )
        | None => {}
    });
    let translator = Translator { clock, listeners };
    Ok(Store::open(folder.path(), translator, config.registrar.max_contacts, key, listener)?)
}

/// A thread that writes what the agents say: they hold their locks while they say it.
fn note_writer() -> Result<SyncSender<Note>, ServeError> {
    let (notes, writer) = sync_channel::<Note>(MAX_NOTES);
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.iter().for_each(|note| logging::note(&note)))
        .map_err(|source| ServeError::System { what: "a thread", source })?;
    Ok(notes)
}

fn listen_on(listen: &config::Listen) -> ListenOn {
    ListenOn {
        transport: listen.transport,
        address: listen.address,
        sent_by: listen.advertise.clone(),
        accepts: Accepts::Peers,
    }
}

/// The given certificates, or our own for every name by which somebody may connect.
fn tls(config: &Config) -> Option<cordboard_net::Tls> {
    if !config.listen.iter().any(|listen| listen.transport.is_secure()) {
        return None;
    }
    let certificates = config.tls.certificates.clone().unwrap_or_else(|| Certificates::Own {
        folder: config.data.join("tls"),
        names: certificate_names(config),
    });
    Some(cordboard_net::Tls {
        certificates,
        clients: config.tls.clients.clone(),
        roots: config.tls.roots.clone(),
    })
}

fn certificate_names(config: &Config) -> Vec<Box<str>> {
    let bare = |name: &str| Box::from(name.trim_matches(['[', ']']));
    let mut names: Vec<Box<str>> = config.domains.iter().map(|domain| bare(domain)).collect();
    for listen in config.listen.iter().filter(|listen| listen.transport != Transport::Udp) {
        if !listen.address.ip().is_unspecified() {
            names.push(listen.address.ip().to_string().into());
        }
        let advertised = listen.advertise.as_ref().and_then(|advertise| advertise.rsplit_once(':'));
        names.extend(advertised.map(|(host, _)| bare(host)));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Another key for each purpose.
fn derived(key: &[u8; 32], purpose: &[u8]) -> [u8; 16] {
    let digest = Sha256::new().chain_update(key).chain_update(purpose).finalize();
    let mut derived = [0; 16];
    derived.copy_from_slice(&digest[..16]);
    derived
}

const fn printing(source: io::Error) -> ServeError {
    ServeError::System { what: "to print", source }
}
