//! A host: a name, an address, and the agents that stand on it.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::door::ShardId;
use cordboard_service::kept::{Record, RecordName};
use cordboard_service::location::{Aor, Change, ContactChange, Location, Registration};
use cordboard_service::settings::{Role, Settings};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The most shards that a seed gives to a switchboard.
pub const MAX_SHARDS: u8 = 4;

/// Names a host of one simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(crate) usize);

impl HostId {
    /// The host that was the `place`-th to stand on its network, counted from 0.
    pub const fn nth(place: usize) -> Self {
        Self(place)
    }

    /// As the how manieth it stood, counted from 0.
    pub const fn place(self) -> usize {
        self.0
    }
}

/// What a host is made of.
#[derive(Clone, Debug)]
pub struct Host {
    /// As it is drawn.
    pub name: Box<str>,
    /// Its addresses, the first of which its name stands for.
    pub addresses: Vec<IpAddr>,
    /// What its agents are told. Its listeners are set by [`listening`](Self::listening).
    pub settings: Settings,
}

impl Host {
    /// A host that listens on the standard port of each of these transports at each of its addresses, and is drawn
    /// as `name`. `known_as` is what it writes of itself into messages; the address, if there is none.
    pub fn listening(
        name: &str,
        known_as: Option<&str>,
        addresses: &[IpAddr],
        transports: &[Transport],
        mut settings: Settings,
    ) -> Self {
        let everywhere = addresses
            .iter()
            .flat_map(|address| transports.iter().map(move |transport| (*address, *transport)));
        settings.listeners = everywhere
            .zip(0..)
            .map(|((address, transport), id)| {
                let local = SocketAddr::new(address, transport.default_port());
                let sent_by = known_as
                    .map_or_else(|| local.to_string(), |known_as| format!("{known_as}:{}", local.port()));
                Listener { id: ListenerId(id), transport, local, sent_by: sent_by.into() }
            })
            .collect();
        Self { name: name.into(), addresses: addresses.to_vec(), settings }
    }
}

/// Lets a location service know for a day of a contact that nobody registered, as an administrator would.
///
/// # Panics
///
/// If no registrar would take the contact.
pub fn provision(location: &mut Location, now: Instant, aor: &str, contact: &str) {
    let contact = ContactChange {
        uri: contact.into(),
        q: 1000,
        expires: Duration::from_hours(24),
        instance: None,
        reg_id: 0,
        outbound: false,
    };
    let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let registration = Registration {
        aor: Aor(aor.into()),
        call_id: "provisioned".into(),
        cseq: 1,
        flow: Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote: nowhere },
        path: Vec::new(),
        action: Change::Update(vec![contact]),
    };
    let kept = location.handle(now, &registration);
    assert!(kept.is_ok(), "a provisioned contact is acceptable: {kept:?}");
}

/// A host that stands.
pub(crate) struct Standing {
    pub(crate) name: Box<str>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) location: Location,
    /// What is written down and survives.
    pub(crate) kept: BTreeMap<RecordName, Record>,
    /// When the last of it is.
    pub(crate) written: Instant,
    pub(crate) is_switchboard: bool,
    settings: Arc<Settings>,
}

impl Standing {
    /// Its agents are seeded from `dice`, which also says how many shards a switchboard has.
    pub(crate) fn new(host: Host, dice: &mut Dice) -> Self {
        let Host { name, mut settings, .. } = host;
        dice.fill(&mut settings.key);
        let is_switchboard = matches!(settings.role, Role::Switchboard(_));
        let shards = if is_switchboard { 1 + dice.below(u64::from(MAX_SHARDS)) as u8 } else { 1 };
        let mut seed = [0; 32];
        dice.fill(&mut seed);
        let mut key = [0; 16];
        dice.fill(&mut key);
        let location = Location::new(settings.registrar.max_contacts, key);
        let listeners = settings.listeners.clone();
        let settings = Arc::new(settings);
        let agents = agents(&settings, shards, seed);
        Self {
            name,
            listeners,
            agents,
            location,
            kept: BTreeMap::new(),
            written: Instant::START,
            is_switchboard,
            settings,
        }
    }

    /// The process is started again: other agents stand here, who know what was written down and nothing else.
    pub(crate) fn start_again(&mut self, dice: &mut Dice) {
        let mut seed = [0; 32];
        dice.fill(&mut seed);
        let shards = u8::try_from(self.agents.len()).unwrap_or(MAX_SHARDS);
        self.agents = agents(&self.settings, shards, seed);
    }

    /// The agent that a message is for.
    pub(crate) fn shard_of(&self, bytes: &[u8]) -> usize {
        let shards = u8::try_from(self.agents.len()).unwrap_or(MAX_SHARDS);
        usize::from(Agent::shard_of(bytes, shards).0)
    }

    pub(crate) fn listener(&self, transport: Transport, at: SocketAddr) -> Option<ListenerId> {
        self.listeners
            .iter()
            .find(|listener| listener.transport == transport && listener.local == at)
            .map(|listener| listener.id)
    }

    pub(crate) fn local(&self, listener: ListenerId) -> Option<SocketAddr> {
        self.listeners.get(usize::from(listener.0)).map(|listener| listener.local)
    }
}

fn agents(settings: &Arc<Settings>, shards: u8, seed: [u8; 32]) -> Vec<Agent> {
    (0..shards).map(|shard| Agent::new(ShardId(shard), Arc::clone(settings), seed).among(shards)).collect()
}
