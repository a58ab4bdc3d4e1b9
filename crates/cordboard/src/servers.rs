//! The servers of a switchboard (RFC 5359): telephones at which programs sit, each an agent of its own in this process.
//!
//! Each listens on a port of its own on the loopback network, which stays the same over restarts (`places`), and talks to
//! nobody but the switchboard, at a listener that is there for nothing else. The switchboard has them in its directory.
//! What becomes audible is `sounding`'s.

mod always;
mod changing;
mod places;
mod sounding;
mod tracks;

use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_net::{
    Accepts, Clock, Dns, Limits, ListenOn, MediaPortError, Origins, Reply, Running, Server as NetServer,
    Sound, StartError, system_seed,
};
use cordboard_service::Agent;
use cordboard_service::call::{CallAction, CallName};
use cordboard_service::directory::{Code, Directory, Server as Listed};
use cordboard_service::door::{Answer, Command, CommandId, Deed, Event, Note, Question, ShardId, Slot, Wish};
use cordboard_service::location::{Located, RegisterError};
use cordboard_service::news::Audience;
use cordboard_service::redials::{RedialAction, RedialAnswer};
use cordboard_service::rooms::{Room, RoomAction, RoomAnswer};
use cordboard_service::settings::{
    Announcement, Announcer, Memory, Role, Server as Program, Service, Settings, Telephone,
};
use cordboard_sip::Status;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Runtime;

use crate::answers::Answers;
use crate::config::Config;
use crate::config::servers::{Kind, Server, Track};
use crate::feed::Feed;
use crate::store::Store;
use crate::switchboard::{Refusal, Switchboard};
pub use changing::mixed;
use places::Places;
use sounding::{Cue, MAX_WAITING, Plays, Sounding};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of recent messages that each keeps.
const RING_BYTES: usize = 1 << 18;
/// The switchboard's own place among those of its servers.
const SWITCHBOARD: &str = "";

/// Why the servers do not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No port can be had on the loopback network.
    #[error("the server {name} finds no port on the loopback network: {source}")]
    Place {
        /// Which.
        name: Box<str>,
        /// What the system says.
        source: io::Error,
    },
    /// The ports cannot be remembered.
    #[error("{path} cannot be written: {source}; check the disk")]
    Unwritable {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot listen.
    #[error("the server {name}: {source}")]
    Start {
        /// Which.
        name: Box<str>,
        /// Why.
        source: StartError,
    },
    /// There are no ports for its sound.
    #[error(
        "the server {name}: {source}\n  try: `media_address` in [servers], with an address of this machine that phones can reach"
    )]
    Ports {
        /// Which.
        name: Box<str>,
        /// Why.
        source: MediaPortError,
    },
    /// Somebody is where nobody could be any more.
    #[error("somebody is in {place}, which {name} would not have any more: have them taken out of it first")]
    Taken {
        /// Which.
        name: Box<str>,
        /// The slot or the room.
        place: Box<str>,
    },
    /// It does not answer, or does not run.
    #[error("the server {name} does not answer: see the log, and try again")]
    Silent {
        /// Which.
        name: Box<str>,
    },
    /// A sound cannot be played.
    #[error("the server {name}: {path}: {says}\n  try: a WAV file of plain samples")]
    Track {
        /// Which.
        name: Box<str>,
        /// The file.
        path: String,
        /// Why.
        says: String,
    },
    /// The system refuses something.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// What it says.
        source: io::Error,
    },
}

/// The servers, until they are stopped.
pub struct Servers {
    running: RwLock<Vec<Served>>,
    /// Where the switchboard listens for them.
    inside: SocketAddr,
    /// What people wish by dialled codes, until somebody obeys.
    wishes: Mutex<Option<Receiver<Wish>>>,
    /// Drives their sound.
    _runtime: Runtime,
}

/// What the directory says of the servers.
#[derive(Default)]
pub struct Known {
    /// Each, by every name under which it is called.
    pub names: Vec<(Box<str>, Arc<Listed>)>,
    /// The code by which calls are picked up.
    pub pickup: Option<Code>,
    /// Other codes.
    pub codes: Vec<Code>,
}

/// One server.
struct Served {
    name: Box<str>,
    listed: Listing,
    kind: Kind,
    running: Running<Agent>,
    answers: Arc<Answers>,
    /// Ends when the agent has.
    sounding: Sounding,
}

/// What the directory says of one.
struct Listing {
    /// The user parts of its addresses.
    names: Vec<Box<str>>,
    listed: Arc<Listed>,
    pickup: Option<Code>,
    codes: Vec<Code>,
}

impl Listing {
    fn of(server: &Server, address: SocketAddr) -> Self {
        let code = |code: &str| Code { code: code.into(), server: server.name.clone() };
        Self {
            names: server.names().into_iter().map(Into::into).collect(),
            listed: Arc::new(Listed { address, members: server.members.clone() }),
            pickup: match &server.kind {
                Kind::Pickup(pickup) => Some(code(&pickup.code)),
                Kind::Park { .. }
                | Kind::Conference(_)
                | Kind::Music { .. }
                | Kind::Announcer(_)
                | Kind::Clerk(_)
                | Kind::Redial(_)
                | Kind::Operator => None,
            },
            codes: codes(&server.kind).into_iter().map(code).collect(),
        }
    }
}

/// What all servers are started with.
struct Place<'a> {
    config: &'a Config,
    clock: Clock,
    runtime: &'a Runtime,
    notes: &'a SyncSender<Note>,
    /// What happens.
    feed: &'a Arc<Feed>,
    /// What survives of their calls.
    store: &'a Arc<Store>,
    wishes: SyncSender<Wish>,
    /// Where the switchboard listens for them.
    inside: SocketAddr,
}

impl Servers {
    /// Starts those of `config`. They listen when this returns; nobody sends them anything before the switchboard runs.
    pub fn start(
        config: &Config,
        folder: &Path,
        clock: Clock,
        (notes, feed): (&SyncSender<Note>, &Arc<Feed>),
        store: &Arc<Store>,
    ) -> Result<Self, ServerError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sound")
            .enable_all()
            .build()
            .map_err(|source| ServerError::System { what: "threads for sound", source })?;
        let mut places = Places::read(folder);
        let mut taken =
            |name: &str| places.take(name).map_err(|source| ServerError::Place { name: name.into(), source });
        let inside = taken(SWITCHBOARD)?;
        let list: Vec<Server> =
            config.servers.list.iter().cloned().chain(always::there(config, store)).collect();
        let addresses =
            list.iter().map(|server| taken(&server.name)).collect::<Result<Vec<SocketAddr>, _>>()?;
        places.keep()?;
        let (wishes, wished) = std::sync::mpsc::sync_channel(MAX_WAITING);
        let place = Place { config, clock, runtime: &runtime, notes, feed, wishes, store, inside };
        let running: Result<Vec<Served>, ServerError> =
            list.iter().zip(addresses).map(|(server, address)| place.start(server, address)).collect();
        Ok(Self {
            running: RwLock::new(running?),
            inside,
            wishes: Mutex::new(Some(wished)),
            _runtime: runtime,
        })
    }

    /// Lets each go on with what the process before has left behind; once the switchboard runs, by which they reach the
    /// phones.
    pub fn take_up(&self, store: &Store) {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        for served in &*running {
            let left = store.left_by(&served.name);
            if !left.is_empty() {
                tracing::info!(
                    server = &*served.name,
                    calls = left.len(),
                    "going on with what was there before"
                );
                served.running.command(Command::TakeUp(left.into()));
            }
        }
        let names: Vec<&str> = running.iter().map(|served| &*served.name).collect();
        store.abandon_all_but(&names);
    }

    /// Where the switchboard is to listen for them.
    pub fn listen(&self) -> ListenOn {
        listen_on(self.inside)
    }

    /// What the directory says of them.
    pub fn known(&self) -> Known {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let listings = || running.iter().map(|served| &served.listed);
        let names = |listing: &Listing| {
            let listed = Arc::clone(&listing.listed);
            listing.names.clone().into_iter().map(move |name| (name, Arc::clone(&listed)))
        };
        Known {
            names: listings().flat_map(names).collect(),
            pickup: listings().find_map(|listing| listing.pickup.clone()),
            codes: listings().flat_map(|listing| listing.codes.clone()).collect(),
        }
    }

    /// Tells them whom they serve.
    pub fn use_directory(&self, directory: &Arc<Directory>) {
        for served in &*self.running.read().unwrap_or_else(PoisonError::into_inner) {
            served.running.command(Command::UseDirectory(Arc::clone(directory)));
        }
    }

    /// Tells them whether anybody listens to what happens.
    pub fn tell_news(&self, audience: Audience) {
        for served in &*self.running.read().unwrap_or_else(PoisonError::into_inner) {
            served.running.command(Command::TellNews(audience));
        }
    }

    /// The slots of every park server, by its name.
    pub fn slots(&self) -> BTreeMap<Box<str>, Vec<Slot>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let parks = running.iter().filter(|served| matches!(served.kind, Kind::Park { .. }));
        parks.map(|served| (served.name.clone(), served.slots())).collect()
    }

    /// The slots of the park server that has this one, as soon as it is known what becomes of whoever is given away in it.
    pub fn settled(&self, slot: &str, patience: Duration) -> Option<Vec<Slot>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let has = |served: &&Served| {
            matches!(served.kind, Kind::Park { .. }) && served.listed.names.iter().any(|name| **name == *slot)
        };
        let served = running.iter().find(has)?;
        let asked = served.running.command(Command::AwaitSlot(slot.into()));
        let answers = Arc::clone(&served.answers);
        // That may take a while, in which others are started and stopped.
        drop(running);
        slots_told(&answers, asked, patience)
    }

    /// Has something done at the redial server, and waits for the answer; none where there is no such server, or it says nothing.
    pub fn redial(&self, action: RedialAction) -> Option<RedialAnswer> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let served = running.iter().find(|served| matches!(served.kind, Kind::Redial(_)))?;
        let asked = served.running.command(Command::Redial(action));
        served.answers.wait(asked, 1, PATIENCE).into_iter().find_map(|event| match event {
            Event::Redial(_, answer) => Some(answer),
            _ => None,
        })
    }

    /// Whether there is a redial server.
    pub fn has_redial(&self) -> bool {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running.iter().any(|served| matches!(served.kind, Kind::Redial(_)))
    }

    /// Every conference room, after the name of its server.
    pub fn rooms(&self) -> Vec<(Box<str>, Room)> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        for served in running.iter().filter(|served| matches!(served.kind, Kind::Conference(_))) {
            if let Some(RoomAnswer::Rooms(rooms)) = served.confer(RoomAction::List).wait(PATIENCE) {
                all.extend(rooms.into_iter().map(|room| (served.name.clone(), room)));
            }
        }
        all
    }

    /// Does something with a conference room; nothing where there is no such room.
    pub fn confer(&self, action: &RoomAction) -> Option<Conferring> {
        self.with_room(action.room()?, |served| served.confer(action.clone()))
    }

    /// Nobody waits for that any more: whoever is only called is so no longer.
    pub fn confer_no_more(&self, room: &str, conferring: &Conferring) {
        self.with_room(room, |served| served.running.command(Command::GiveUp(conferring.asked)));
    }

    fn with_room<T>(&self, room: &str, what: impl FnOnce(&Served) -> T) -> Option<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let has = |served: &&Served| match &served.kind {
            Kind::Conference(focus) => focus.rooms.iter().any(|known| *known.user == *room),
            Kind::Park { .. }
            | Kind::Music { .. }
            | Kind::Announcer(_)
            | Kind::Pickup(_)
            | Kind::Clerk(_)
            | Kind::Redial(_)
            | Kind::Operator => false,
        };
        running.iter().find(has).map(what)
    }

    /// Has what people wish by dialled codes done by `board` from now on: one after the other, on a thread of its own, and on
    /// another what takes as long as a call that rings.
    pub fn obey(&self, board: &Arc<Switchboard>) -> Result<(), ServerError> {
        let Some(wishes) = self.wishes.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let board = Arc::downgrade(board);
        let fulfil = move || {
            for wish in wishes {
                let Some(board) = board.upgrade() else { return };
                let (call, user) = (wish.call, wish.user);
                match wish.deed {
                    Deed::Forward { when, to } => {
                        let done = board.forward(&user, when, to.as_deref());
                        board.servers.answer(call, done.map(|()| Status::OK));
                    }
                    Deed::Transfer { to } => {
                        let busy = Arc::clone(&board);
                        let transfers = move || {
                            let done = busy.transfer_last(&user, &to);
                            busy.servers.answer(call, done);
                        };
                        let thread = std::thread::Builder::new().name("code".to_owned()).spawn(transfers);
                        if let Err(error) = thread {
                            tracing::error!("a call cannot be handed over by a code: {error}");
                            board.servers.answer(call, Ok(Status::SERVICE_UNAVAILABLE));
                        }
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("codes".to_owned()).spawn(fulfil);
        thread.map(drop).map_err(|source| ServerError::System { what: "a thread", source })
    }

    /// Answers whoever has dialled a code, or declines the call by the status that says why.
    fn answer(&self, call: CallName, done: Result<Status, Refusal>) {
        let status = done.unwrap_or_else(|refusal| {
            tracing::info!("what somebody dialled a code for cannot be done: {refusal}");
            refused_with(&refusal)
        });
        let action =
            if status.is_success() { CallAction::Answer(call) } else { CallAction::Decline(call, status) };
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(served) = running.iter().find(|served| matches!(served.kind, Kind::Clerk(_))) {
            served.running.command(Command::Call(action));
        }
    }

    /// Ends them. Nobody is told anything.
    pub fn stop(&self) {
        let running = std::mem::take(&mut *self.running.write().unwrap_or_else(PoisonError::into_inner));
        for served in running {
            served.running.shutdown();
        }
    }
}

/// What is being done with a conference room.
#[derive(Clone)]
pub struct Conferring {
    answers: Arc<Answers>,
    asked: CommandId,
}

impl Conferring {
    /// Waits until it is known what became of it.
    pub fn wait(&self, patience: Duration) -> Option<RoomAnswer> {
        let told = self.answers.wait(self.asked, 1, patience);
        told.into_iter().find_map(|event| match event {
            Event::Rooms(_, answer) => Some(answer),
            _ => None,
        })
    }
}

impl Served {
    fn confer(&self, action: RoomAction) -> Conferring {
        let asked = self.running.command(Command::Rooms(action));
        Conferring { answers: Arc::clone(&self.answers), asked }
    }

    fn slots(&self) -> Vec<Slot> {
        let asked = self.running.command(Command::ListSlots);
        slots_told(&self.answers, asked, PATIENCE).unwrap_or_default()
    }
}

/// The slots of a park server, as it tells them.
fn slots_told(answers: &Answers, asked: CommandId, patience: Duration) -> Option<Vec<Slot>> {
    answers.wait(asked, 1, patience).into_iter().find_map(|event| match event {
        Event::Slots(_, slots) => Some(slots),
        _ => None,
    })
}

impl Place<'_> {
    fn start(&self, server: &Server, address: SocketAddr) -> Result<Served, ServerError> {
        let name = || server.name.clone();
        let (telling, told) = std::sync::mpsc::sync_channel(MAX_WAITING);
        let sound = self.sound(server).map_err(|source| ServerError::Ports { name: name(), source })?;
        let (service, plays) = service(server)?;
        let program = Program::new(self.telephone(server, &sound), service);
        let settings = Settings {
            role: Role::Server(Program { memory: Memory::Store, ..program }),
            // Only the operator's telephone looks at where a call would lead.
            domains: if server.kind == Kind::Operator { self.config.domains.clone() } else { Vec::new() },
            external_transfer: self.config.external_transfer,
            vouching: vec![self.inside],
            ring_bytes: RING_BYTES,
            key: seed()?,
            ..Settings::of_domain(self.config.realm())
        };
        let answers = Arc::new(Answers::default());
        let sounding = Sounding::start(&server.name, sound, plays, (telling.clone(), told))
            .map_err(|source| ServerError::System { what: "a thread", source })?;
        let running = NetServer::start(cordboard_net::Config {
            settings,
            directory: Arc::default(),
            listen: vec![listen_on(address)],
            tls: None,
            origins: Origins::default(),
            dns: Dns::default(),
            shards: 1,
            limits: Limits::default(),
            store: Arc::new(Told {
                server: name(),
                store: Arc::clone(self.store),
                telling,
                wishes: self.wishes.clone(),
                answers: Arc::clone(&answers),
                notes: self.notes.clone(),
                feed: Arc::clone(self.feed),
            }),
            clock: self.clock,
            seed: seed()?,
        })
        .map_err(|source| ServerError::Start { name: name(), source })?;
        Ok(Served {
            name: name(),
            listed: Listing::of(server, address),
            kind: server.kind.clone(),
            running,
            answers,
            sounding,
        })
    }

    fn sound(&self, server: &Server) -> Result<Sound, MediaPortError> {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let bind = |ip| {
            let seed =
                seed().map_err(|error| MediaPortError::Refused { ip, error: io::Error::other(error) })?;
            Sound::bind(&[ip], server.calls(), self.runtime.handle().clone(), self.clock, seed, |_, _| {})
        };
        // Where nobody has declared a server, nobody has said which address phones reach. What those that are always there
        // get they do not hear, and what they connect goes past them.
        match self.config.servers.media {
            media if media.is_unspecified() => bind(here),
            media if self.config.servers.list.contains(server) => bind(media),
            media => bind(media).or_else(|_| bind(here)),
        }
    }

    /// The telephone at which the program sits: it is reached by the switchboard, wherever it is called from.
    fn telephone(&self, server: &Server, sound: &Sound) -> Telephone {
        let realm = self.config.realm();
        Telephone {
            user: server.name.clone(),
            domain: realm.into(),
            contact_host: Some(self.contact_host(realm)),
            outbound_proxies: vec![format!("sip:{};transport=udp;lr", self.inside).into()],
            media: sound.ports(),
            ..Telephone::default()
        }
    }

    /// The domain; one that is an address says nothing of the port.
    fn contact_host(&self, realm: &str) -> Box<str> {
        let is_address = realm.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let plain = |transport| matches!(transport, Transport::Udp | Transport::Tcp);
        let port = self
            .config
            .listen
            .iter()
            .find(|listen| plain(listen.transport))
            .map(|listen| listen.address.port());
        match port.filter(|port| is_address && *port != 0) {
            Some(port) => format!("{realm}:{port}").into(),
            None => realm.into(),
        }
    }
}

/// What is dialled for a server, but for picking up, which the switchboard knows by itself.
fn codes(kind: &Kind) -> Vec<&str> {
    match kind {
        Kind::Clerk(clerk) => clerk.codes.iter().map(|(code, _)| &**code).collect(),
        Kind::Redial(redial) => {
            redial.codes.iter().flat_map(|codes| [&*codes.ask, &*codes.give_up]).collect()
        }
        Kind::Park { .. }
        | Kind::Conference(_)
        | Kind::Music { .. }
        | Kind::Announcer(_)
        | Kind::Pickup(_)
        | Kind::Operator => Vec::new(),
    }
}

/// What a server does, and what is heard there: each kind of server is made here.
fn service(server: &Server) -> Result<(Service, Plays), ServerError> {
    let samples = |tracks: &[Track]| tracks::samples(&server.name, tracks);
    Ok(match &server.kind {
        Kind::Park { park, music } => (Service::Park(park.clone()), Plays::OnAir(samples(music)?)),
        Kind::Conference(focus) => (Service::Focus(focus.clone()), Plays::Said(BTreeMap::new())),
        Kind::Music { music, .. } => (Service::Music, Plays::OnAir(samples(music)?)),
        Kind::Clerk(clerk) => (Service::Clerk(clerk.clone()), Plays::OnAir(tracks::done())),
        Kind::Redial(redial) => (Service::Redial(redial.clone()), Plays::ToCallers(tracks::done())),
        Kind::Pickup(pickup) => (Service::Pickup(pickup.clone()), Plays::Said(BTreeMap::new())),
        Kind::Operator => (Service::Operator, Plays::Said(BTreeMap::new())),
        Kind::Announcer(announced) => {
            let said = announced
                .iter()
                .map(|(user, track)| Ok((user.clone(), samples(std::slice::from_ref(track))?)));
            let said = said.collect::<Result<BTreeMap<_, _>, ServerError>>()?;
            let announcements = said
                .iter()
                .map(|(user, samples)| Announcement { user: user.clone(), lasts: tracks::length(samples) })
                .collect();
            (Service::Announcer(Announcer { announcements }), Plays::Said(said))
        }
    })
}

/// How a call is declined by which somebody wants what cannot be.
const fn refused_with(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Rules(_) | Refusal::Name(..) | Refusal::NoSuchCall | Refusal::Address(_) => {
            Status::NOT_FOUND
        }
        _ => Status::SERVICE_UNAVAILABLE,
    }
}

/// What takes the events of a server. It knows nobody's place, and registers nobody.
struct Told {
    server: Box<str>,
    store: Arc<Store>,
    telling: SyncSender<Cue>,
    wishes: SyncSender<Wish>,
    answers: Arc<Answers>,
    notes: SyncSender<Note>,
    feed: Arc<Feed>,
}

impl cordboard_net::Store for Told {
    fn ask(&self, _: Instant, question: Question, reply: Reply) -> Option<Answer> {
        match question {
            Question::Register(_) => Some(Answer::Registered(Err(RegisterError::NotStored))),
            Question::Keep { name, text, due } => self.store.keep(&self.server, name, text, due, reply),
            Question::Locate(_) | Question::Dns(_) | Question::Open { .. } => {
                Some(Answer::Located(Located::default()))
            }
        }
    }

    fn event(&self, _: Instant, _: ShardId, event: Event) {
        match self.answers.take(event) {
            Some(Event::Call(event)) => {
                if self.telling.try_send(Cue::Call(event)).is_err() {
                    tracing::warn!("more happened to a server than its sound could follow");
                }
            }
            Some(Event::NotTakenUp(_, why)) => {
                tracing::error!(server = &*self.server, "a call of before is lost: {why}");
            }
            Some(Event::Wish(wish)) => {
                if self.wishes.try_send(wish).is_err() {
                    tracing::warn!("more codes were dialled than could be obeyed");
                }
            }
            Some(Event::News(news)) => self.feed.tell(news),
            Some(Event::Note(note)) => {
                // A log that cannot keep up loses lines; calls go on.
                let _ = self.notes.try_send(note);
            }
            Some(_) | None => {}
        }
    }
}

fn listen_on(address: SocketAddr) -> ListenOn {
    ListenOn { transport: Transport::Udp, address, sent_by: None, accepts: Accepts::Peers }
}

fn seed() -> Result<[u8; 32], ServerError> {
    system_seed().map_err(|source| ServerError::System { what: "random numbers", source })
}
