//! The connections of a server: by number, by peer, and how many there are of each source.

use bytes::Bytes;
use cordboard_core::transport::{Flow, FlowError, Transport};
use cordboard_service::door::{AskId, PeerIdentity, ShardId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock::Clock;
use crate::config::Limits;
use crate::queue::Queue;

/// Every connection there is.
pub(crate) struct Flows {
    limits: Limits,
    next_number: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    connections: HashMap<u64, Connection>,
    /// The newest connection of each peer.
    by_peer: HashMap<(Transport, SocketAddr), u64>,
    /// Connections, and those still in a handshake, of each address.
    by_source: HashMap<IpAddr, usize>,
    admitted: usize,
    opening: HashMap<Opening, Vec<(ShardId, AskId)>>,
}

struct Connection {
    flow: Flow,
    queue: Arc<Queue>,
    proven: Proven,
}

/// Who is at the other end of a connection, as far as it was proven.
#[derive(Clone, Debug)]
pub(crate) enum Proven {
    /// Nothing was asked for: the transport is not secured.
    Nothing {
        /// Whether the peer opened it.
        incoming: bool,
    },
    /// We connected to a server whose certificate carries this name.
    Server(Box<str>),
    /// A client, with the identities of its certificate.
    Client(Arc<[PeerIdentity]>),
}

/// A connection that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opening {
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    pub(crate) server_name: Box<str>,
}

impl Flows {
    pub(crate) fn new(limits: Limits, clock: Clock) -> Self {
        // Flow tokens outlive the process, so numbers must not come again after a restart: a million
        // for each millisecond since 1970.
        let started = clock.wall(cordboard_core::time::Instant::START);
        let millis = SystemTime::duration_since(&started, UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let first = u64::try_from(millis).unwrap_or(0) << 20;
        Self { limits, next_number: AtomicU64::new(first), table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no connection had before.
    pub(crate) fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// How many connections there are, those in a handshake included.
    pub(crate) fn count(&self) -> usize {
        self.table().admitted
    }

    /// Makes room for one more connection of `source`, unless there are too many.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr) -> Option<Admission> {
        let source = source_of(source);
        let mut table = self.table();
        if table.admitted >= self.limits.connections {
            return None;
        }
        let of_source = table.by_source.entry(source).or_insert(0);
        if *of_source >= self.limits.connections_per_source {
            return None;
        }
        *of_source += 1;
        table.admitted += 1;
        Some(Admission { flows: Arc::clone(self), source })
    }

    /// Lets everybody find a connection. It is forgotten with the returned value.
    pub(crate) fn register(self: &Arc<Self>, flow: Flow, queue: Arc<Queue>, proven: Proven) -> Registration {
        let mut table = self.table();
        table.by_peer.insert((flow.transport, flow.remote), flow.connection);
        table.connections.insert(flow.connection, Connection { flow, queue, proven });
        Registration { flows: Arc::clone(self), flow }
    }

    /// Queues bytes for a connection; `false` if there is no such one. A full queue fails it.
    pub(crate) fn send(&self, flow: Flow, bytes: Bytes) -> bool {
        let table = self.table();
        match table.connections.get(&flow.connection) {
            Some(connection) if connection.flow == flow => {
                connection.queue.push(bytes);
                true
            }
            _ => false,
        }
    }

    /// Ends a connection when what is queued for it has been sent.
    pub(crate) fn close(&self, flow: Flow) {
        if let Some(connection) = self.table().connections.get(&flow.connection) {
            connection.queue.close(FlowError::Closed);
        }
    }

    /// Ends all of them likewise.
    pub(crate) fn close_all(&self) {
        for connection in self.table().connections.values() {
            connection.queue.close(FlowError::Closed);
        }
    }

    /// A connection to `wanted` that is there already and proves as much as a new one would.
    pub(crate) fn find(&self, wanted: &Opening) -> Option<Flow> {
        let table = self.table();
        let number = table.by_peer.get(&(wanted.transport, wanted.remote))?;
        let connection = table.connections.get(number)?;
        connection.proven.suffices(wanted).then_some(connection.flow)
    }

    /// Notes who waits for a connection; `true` if nobody did before, so that it must be opened.
    pub(crate) fn wait_for(&self, opening: Opening, shard: ShardId, ask: AskId) -> bool {
        match self.table().opening.entry(opening) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push((shard, ask));
                false
            }
            Entry::Vacant(nobody) => {
                nobody.insert(vec![(shard, ask)]);
                true
            }
        }
    }

    /// Whoever waits for a connection; nobody does any more.
    pub(crate) fn opened(&self, opening: &Opening) -> Vec<(ShardId, AskId)> {
        self.table().opening.remove(opening).unwrap_or_default()
    }
}

impl Proven {
    /// Whether a connection may be used instead of a new one: the name that was asked for must be
    /// proven (RFC 5922 §7.3), or be the very address, at which nobody else can be.
    fn suffices(&self, wanted: &Opening) -> bool {
        let is_the_address = || {
            wanted.server_name.is_empty()
                || wanted.server_name.parse::<IpAddr>().is_ok_and(|address| address == wanted.remote.ip())
        };
        match self {
            Self::Nothing { .. } => true,
            Self::Server(name) => *name == wanted.server_name,
            Self::Client(identities) => {
                let is_wanted = |one: &PeerIdentity| match one {
                    PeerIdentity::Domain(domain) => domain.eq_ignore_ascii_case(&wanted.server_name),
                    PeerIdentity::User(_) => false,
                };
                is_the_address() || identities.iter().any(is_wanted)
            }
        }
    }
}

/// Whom an address stands for: one version 6 network of a site has more addresses than we have room.
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

/// The room that one connection takes; given back when it is dropped.
pub(crate) struct Admission {
    flows: Arc<Flows>,
    source: IpAddr,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut table = self.flows.table();
        table.admitted = table.admitted.saturating_sub(1);
        if let Entry::Occupied(mut of_source) = table.by_source.entry(self.source) {
            *of_source.get_mut() -= 1;
            if *of_source.get() == 0 {
                of_source.remove();
            }
        }
    }
}

/// A connection's place in the table; given up when it is dropped.
pub(crate) struct Registration {
    flows: Arc<Flows>,
    flow: Flow,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut table = self.flows.table();
        table.connections.remove(&self.flow.connection);
        if let Entry::Occupied(newest) = table.by_peer.entry((self.flow.transport, self.flow.remote))
            && *newest.get() == self.flow.connection
        {
            newest.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::transport::ListenerId;
    use cordboard_service::location::Aor;

    fn flows(limits: Limits) -> Arc<Flows> {
        Arc::new(Flows::new(limits, Clock::new()))
    }

    fn wanted(transport: Transport, remote: &str, server_name: &str) -> Opening {
        Opening { transport, remote: remote.parse().unwrap(), server_name: server_name.into() }
    }

    fn register(
        flows: &Arc<Flows>,
        transport: Transport,
        remote: &str,
        proven: Proven,
    ) -> (Flow, Registration) {
        let remote = remote.parse().unwrap();
        let flow = Flow { transport, listener: ListenerId(0), connection: flows.number(), remote };
        (flow, flows.register(flow, Arc::new(Queue::new(&Limits::DEFAULT)), proven))
    }

    #[test]
    fn room_is_given_back() {
        let flows = flows(Limits { connections: 3, connections_per_source: 2, ..Limits::DEFAULT });
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = flows.admit(one);
        let second = flows.admit(one);
        assert!(first.is_some() && second.is_some());
        assert!(flows.admit(one).is_none(), "two of one source");
        let third = flows.admit(two);
        assert!(third.is_some());
        drop(second);
        let fourth = flows.admit(one);
        assert!(fourth.is_some());
        assert!(flows.admit(two).is_none(), "three in all");
        drop((first, third, fourth));
        assert_eq!(flows.count(), 0);
        assert!(flows.table().by_source.is_empty());
    }

    #[test]
    fn a_version_6_network_is_one_source() {
        let flows = flows(Limits { connections_per_source: 1, ..Limits::DEFAULT });
        let _first = flows.admit("2001:db8:1:2::1".parse().unwrap());
        assert!(flows.admit("2001:db8:1:2:ffff::9".parse().unwrap()).is_none());
        assert!(flows.admit("2001:db8:1:3::1".parse().unwrap()).is_some());
    }

    #[test]
    fn the_newest_connection_is_used_again() {
        let flows = flows(Limits::DEFAULT);
        let target = wanted(Transport::Tcp, "192.0.2.1:5060", "example.com");
        assert_eq!(flows.find(&target), None);
        let (_old_flow, old) =
            register(&flows, Transport::Tcp, "192.0.2.1:5060", Proven::Nothing { incoming: true });
        let (new_flow, new) =
            register(&flows, Transport::Tcp, "192.0.2.1:5060", Proven::Nothing { incoming: true });
        drop(old);
        assert_eq!(flows.find(&target), Some(new_flow));
        assert_eq!(flows.find(&wanted(Transport::Tls, "192.0.2.1:5060", "example.com")), None);
        drop(new);
        assert_eq!(flows.find(&target), None);
        assert!(!flows.send(new_flow, Bytes::from_static(b"late")));
    }

    #[test]
    fn a_secured_connection_is_used_again_only_for_what_it_proves() {
        let flows = flows(Limits::DEFAULT);
        let tls = |name| wanted(Transport::Tls, "192.0.2.1:5061", name);
        let (_, server) =
            register(&flows, Transport::Tls, "192.0.2.1:5061", Proven::Server("example.com".into()));
        assert!(flows.find(&tls("example.com")).is_some());
        assert!(flows.find(&tls("example.net")).is_none());
        drop(server);
        let user = Aor("example.net@example.net".into());
        let identities = Arc::new([PeerIdentity::Domain("example.org".into()), PeerIdentity::User(user)]);
        let (_, _client) = register(&flows, Transport::Tls, "192.0.2.1:5061", Proven::Client(identities));
        assert!(flows.find(&tls("Example.org")).is_some());
        assert!(flows.find(&tls("192.0.2.1")).is_some());
        assert!(flows.find(&tls("192.0.2.2")).is_none());
        assert!(flows.find(&tls("example.com")).is_none());
    }

    #[test]
    fn numbers_do_not_come_again_after_a_restart() {
        let before = flows(Limits::DEFAULT).number();
        // A process starts at most once a millisecond.
        assert!(before > 1 << 60);
        assert_eq!(before % (1 << 20), 0);
    }

    #[test]
    fn one_opens_for_all_who_wait() {
        let flows = flows(Limits::DEFAULT);
        let target = wanted(Transport::Tcp, "192.0.2.1:5060", "");
        assert!(flows.wait_for(target.clone(), ShardId(0), AskId(1)));
        assert!(!flows.wait_for(target.clone(), ShardId(1), AskId(1)));
        assert_eq!(flows.opened(&target), [(ShardId(0), AskId(1)), (ShardId(1), AskId(1))]);
        assert!(flows.opened(&target).is_empty());
    }
}
