//! A stage on sockets: every actor is an agent of its own with an address of its own on the loopback network, and
//! `cordboard-net` carries what they say.
//!
//! The cast is put together first; the [curtain](Sockets::raise) rises when the first thing is to happen, for only
//! then is it known which names stand for whom, and so what each certificate has to carry.

mod actor;
mod cast;
mod distance;
mod through;
mod websocket;
mod wire;

use crate::cast::{Domain, Person};
use crate::via::Via;
use actor::Actor;
use cast::{Member, Ports};
use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_core::transport::{ListenerId, Transport};
use cordboard_net::{Config, Dns, Limits, Origins, Reply, Running, Server, StartError, Store, system_seed};
use cordboard_service::Agent;
use cordboard_service::door::{Answer, Command, Event, Question, ShardId};
use cordboard_service::location::Location;
use cordboard_service::settings::Settings;
use cordboard_sim::{HostId, Notice, Weather, host};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;
pub(crate) use wire::Wire;

/// Streams of the seed's generator; the hosts have those from `FIRST_HOST` on.
const WEATHER: u64 = 0;
const PEOPLE: u64 = 1;
const FIRST_HOST: u64 = 16;

/// How often other ports are tried where those that were wanted are taken.
const PORT_TRIES: usize = 32;

/// The sockets of one stage, and who stands on it.
pub(crate) struct Sockets {
    transport: Transport,
    seed: [u8; 32],
    wire: Arc<Wire>,
    pub(crate) people: Dice,
    cast: Vec<Member>,
    /// Names that stand for a telephone.
    named: Vec<(Box<str>, IpAddr)>,
    /// To whom they lead: the last bytes of the addresses.
    called: Vec<u8>,
    provisioned: Vec<(HostId, Box<str>, Box<str>)>,
    /// The agents, by their places in the cast; nothing where somebody is elsewhere.
    up: Vec<Option<Running<Actor>>>,
    /// The switchboard through which all is played, if it is up already.
    via: Option<&'static Via>,
    /// Where the certificates are kept for as long as the stage stands.
    certificates: Option<TempDir>,
    /// Whether datagrams are lost.
    lossy: bool,
    /// Whether the curtain has risen.
    raised: bool,
}

/// What is to be known when the curtain has risen.
#[derive(Default)]
pub(crate) struct Raised {
    /// Who has to register before the play can begin.
    pub(crate) registering: Vec<HostId>,
    /// The switchboards that are not drawn.
    pub(crate) undrawn: Vec<HostId>,
}

impl Sockets {
    /// An empty stage whose people talk over `transport`.
    pub(crate) fn new(
        seed: [u8; 32],
        transport: Transport,
        weather: Weather,
        via: Option<&'static Via>,
    ) -> Self {
        Self {
            transport,
            seed,
            wire: Arc::new(Wire::new(weather, Dice::new(seed, WEATHER))),
            people: Dice::new(seed, PEOPLE),
            cast: Vec::new(),
            named: Vec::new(),
            called: Vec::new(),
            provisioned: Vec::new(),
            up: Vec::new(),
            via,
            certificates: None,
            lossy: weather != Weather::Still,
            raised: false,
        }
    }

    pub(crate) fn person(&mut self, person: &Person) -> HostId {
        match self.via {
            Some(via) => self.stand(through::person(via, person, self.transport)),
            None => self.stand(Member::of_person(person)),
        }
    }

    pub(crate) fn switchboard(&mut self, domain: &Domain) -> HostId {
        match self.via {
            Some(via) => self.stand_elsewhere(through::switchboard(via, domain)),
            None => self.stand(Member::of_domain(domain, self.transport)),
        }
    }

    fn stand(&mut self, member: Member) -> HostId {
        let host = HostId::nth(self.cast.len());
        let is_shared = self.via.is_some_and(|via| via.people_at.is_some());
        for (_, at) in &member.addresses {
            self.wire.stands(host, Some(*at).filter(|_| !is_shared), member.is_telephone());
        }
        self.cast.push(member);
        host
    }

    /// Lets a name stand for whoever has that address.
    pub(crate) fn name_of_address(&mut self, name: &str, last: u8) {
        self.called.push(last);
        let at = self.at(last).unwrap_or_else(cast::next_address);
        self.named.push((name.into(), at));
    }

    pub(crate) fn provision(&mut self, host: HostId, aor: &str, contact: &str) {
        self.provisioned.push((host, aor.into(), contact.into()));
    }

    pub(crate) fn name(&self, host: HostId) -> &str {
        &self.cast[host.place()].name
    }

    pub(crate) const fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    pub(crate) fn now(&self) -> Instant {
        self.wire.clock().now()
    }

    /// When the clock started, since 1970.
    pub(crate) fn began(&self) -> Duration {
        self.wire.clock().wall(Instant::START).duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    pub(crate) fn poll_notice(&self) -> Option<Notice> {
        self.wire.poll_notice()
    }

    pub(crate) const fn via(&self) -> Option<&'static Via> {
        self.via
    }

    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether datagrams are lost on purpose.
    pub(crate) const fn loses(&self) -> bool {
        self.lossy
    }

    /// How long it takes to a switchboard elsewhere and back, as far as that is known.
    pub(crate) fn round_trip(&self) -> Duration {
        self.wire.state().distance.round_trip()
    }

    pub(crate) const fn is_raised(&self) -> bool {
        self.raised
    }

    /// The listener of a person's other address: it follows those of the first.
    pub(crate) fn other_address(&self) -> ListenerId {
        ListenerId(cast::transports(self.transport, true).len() as u16)
    }

    /// Who stands where: the name, and where the first listener is.
    pub(crate) fn actors(&self) -> Vec<(String, SocketAddr)> {
        let state = self.wire.state();
        let seen_at = |place: usize| state.remotes.get(&HostId::nth(place)).copied();
        let at = |(place, member): (usize, &Member)| {
            // A client has no port but those of its connections.
            let local = if member.local.port() == 0 { seen_at(place) } else { None };
            (member.name.to_string(), local.unwrap_or(member.local))
        };
        self.cast.iter().enumerate().map(at).collect()
    }

    /// Presses a button, or tells a switchboard something.
    pub(crate) fn command(&self, host: HostId, command: Command) {
        if let Some(Some(running)) = self.up.get(host.place()) {
            self.wire.commands();
            running.command(command);
        }
    }

    /// Lets everybody stand where they are to stand.
    pub(crate) fn raise(&mut self) -> Result<Raised, String> {
        self.raised = true;
        let raised = match self.via {
            Some(via) => {
                // It remembers the Call-IDs and branches of other plays, which are never used twice.
                self.seed = system_seed().map_err(|error| format!("nothing random is to be had: {error}"))?;
                self.prepare_through(via)
            }
            None => self.prepare_websockets(),
        };
        if self.transport.is_secure() {
            let folder =
                tempfile::tempdir().map_err(|error| format!("no place for certificates: {error}"))?;
            self.certificates = Some(folder);
        }
        for place in 0..self.cast.len() {
            if self.cast[place].is_elsewhere {
                self.up.push(None);
                continue;
            }
            let running = self.start(place)?;
            self.cast[place].learn(running.listeners());
            for (_, at) in &self.cast[place].ports {
                self.wire.listens(HostId::nth(place), *at);
            }
            self.up.push(Some(running));
        }
        self.publish_names();
        Ok(raised)
    }

    /// Ends every agent.
    pub(crate) fn fall(&mut self) {
        for running in self.up.drain(..).flatten() {
            running.shutdown();
        }
    }

    fn at(&self, last: u8) -> Option<IpAddr> {
        let everybody = self.cast.iter().flat_map(|member| &member.addresses);
        everybody.into_iter().find(|(theirs, _)| *theirs == last).map(|(_, at)| *at)
    }

    /// Starts one agent: on the standard ports if they are free, else on others.
    fn start(&self, place: usize) -> Result<Running<Actor>, String> {
        let mut ports = Ports::standard();
        for _ in 0..PORT_TRIES {
            match self.start_on(place, &ports) {
                Err(StartError::Occupied { .. }) => {
                    ports = Ports::any().map_err(|error| error.to_string())?;
                }
                Err(error) => return Err(format!("{} cannot stand: {error}", self.cast[place].name)),
                Ok(running) => return Ok(running),
            }
        }
        Err(format!("{} cannot stand: no free ports were found", self.cast[place].name))
    }

    fn start_on(&self, place: usize, ports: &Ports) -> Result<Running<Actor>, StartError> {
        let (member, host) = (&self.cast[place], HostId::nth(place));
        let mut dice = Dice::new(self.seed, FIRST_HOST + place as u64);
        let mut settings: Settings = member.settings.clone();
        settings.neighbours = member.neighbours.iter().filter_map(|last| self.at(*last)).collect();
        dice.fill(&mut settings.key);
        let mut seed = [0; 32];
        dice.fill(&mut seed);
        let mut key = [0; 16];
        dice.fill(&mut key);
        let also = self.goes_past().then_some(Transport::Tcp).filter(|_| self.transport.is_websocket());
        let listen = member.listen(self.transport, also, ports, &mut dice);
        let tls = match &self.certificates {
            Some(folder) => {
                let authority = self.via.and_then(|via| via.authority.as_deref());
                Some(cast::tls(folder.path(), place, self.names_of(place), authority)?)
            }
            None => None,
        };
        let config = Config {
            settings,
            directory: Arc::clone(&member.directory),
            listen,
            tls,
            origins: Origins::Any,
            dns: Dns::default(),
            shards: 1,
            limits: Limits::DEFAULT,
            store: Arc::new(Nobody),
            clock: self.wire.clock(),
            seed,
        };
        let provisioned = self.provisioned.iter().filter(|(whose, ..)| *whose == host);
        let provisioned: Vec<_> =
            provisioned.map(|(_, aor, contact)| (aor.clone(), contact.clone())).collect();
        Server::start_with(config, move |shard, _, settings, seed| {
            let now = self.wire.clock().now();
            let mut location = Location::new(settings.registrar.max_contacts, key);
            for (aor, contact) in &provisioned {
                host::provision(&mut location, now, aor, contact);
            }
            let agent = Agent::new(shard, settings, seed);
            Actor { agent, location, host, wire: Arc::clone(&self.wire), now, held_up: VecDeque::new() }
        })
    }

    /// The names that stand for a member, which its certificate proves besides its addresses.
    fn names_of(&self, place: usize) -> Vec<Box<str>> {
        let member = &self.cast[place];
        let stands_for = |(name, at): &(Box<str>, IpAddr)| {
            member.addresses.iter().any(|(_, own)| own == at).then(|| name.clone())
        };
        let mut names: Vec<Box<str>> = member.known_as.iter().cloned().collect();
        names.extend(member.domains.iter().cloned());
        names.extend(self.named.iter().filter_map(stands_for));
        names.extend(member.addresses.iter().map(|(_, at)| at.to_string().into()));
        names
    }

    /// Fills the table in which the actors look names up.
    fn publish_names(&self) {
        let mut state = self.wire.state();
        let names = &mut state.names;
        for member in &self.cast {
            for (_, at) in &member.addresses {
                names.host(&member.name, *at);
                if let Some(host) = &member.known_as {
                    names.host(host, *at);
                }
            }
            let Some(host) = &member.known_as else { continue };
            for (nth, (transport, at)) in member.ports.iter().enumerate() {
                for name in &member.domains {
                    names.server(name, *transport, host, at.port());
                }
                // Who is told to go there goes the way that is preferred, and then elsewhere.
                if nth == 0 {
                    names.server(host, *transport, host, at.port());
                }
            }
        }
        for (name, at) in &self.named {
            names.host(name, *at);
            let whose = self.cast.iter().find(|member| member.addresses.iter().any(|(_, own)| own == at));
            // A telephone is reached the way that it prefers, a server as whoever comes can.
            let ways = |member: &&Member| if member.is_telephone() { 1 } else { member.ports.len() };
            for (transport, local) in whose.iter().flat_map(|member| member.ports.iter().take(ways(member))) {
                names.server(name, *transport, name, local.port());
            }
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.fall();
    }
}

/// An actor answers its own questions.
struct Nobody;

impl Store for Nobody {
    fn ask(&self, _now: Instant, question: Question, _reply: Reply) -> Option<Answer> {
        debug_assert!(false, "an actor answers its own questions: {question:?}");
        None
    }

    fn event(&self, _now: Instant, _shard: ShardId, _event: Event) {}
}
