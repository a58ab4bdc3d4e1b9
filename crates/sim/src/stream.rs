//! Connections: two ends, each in order, nothing lost while both stand.

use crate::host::HostId;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// One end of a connection: the host, and the flow as its agents name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) host: HostId,
    pub(crate) flow: Flow,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug)]
struct Way {
    to: End,
    /// When the last thing sent arrives; nothing sent later arrives before it.
    until: Instant,
}

/// Every connection that stands, by the number of the end that sends.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    ways: BTreeMap<u64, Way>,
    last_number: u64,
}

/// The first port that a caller's end of a connection gets.
const FIRST_PORT: u16 = 49_152;

impl Streams {
    /// Connects two listeners; the caller's end first. A connection that stands is used again.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        transport: Transport,
        caller: (HostId, ListenerId, SocketAddr),
        callee: (HostId, ListenerId, SocketAddr),
    ) -> Flow {
        let standing = self.between(caller.0, callee.0);
        if let Some(flow) =
            standing.into_iter().find(|flow| flow.transport == transport && flow.remote == callee.2)
        {
            return flow;
        }
        let (here, there) = (self.last_number + 1, self.last_number + 2);
        self.last_number = there;
        let port = FIRST_PORT + (here % 16_000) as u16;
        let near = Flow { transport, listener: caller.1, connection: here, remote: callee.2 };
        let remote = SocketAddr::new(caller.2.ip(), port);
        let far = Flow { transport, listener: callee.1, connection: there, remote };
        self.ways.insert(here, Way { to: End { host: callee.0, flow: far }, until: now });
        self.ways.insert(there, Way { to: End { host: caller.0, flow: near }, until: now });
        near
    }

    /// Where what is sent over a connection arrives and when, if it takes until `due` at least; `None` once the
    /// connection is closed.
    pub(crate) fn carry(&mut self, connection: u64, due: Instant) -> Option<(End, Instant)> {
        let way = self.ways.get_mut(&connection)?;
        way.until = way.until.max(due);
        Some((way.to, way.until))
    }

    /// Closes a connection; returns the end that has to be told, and when.
    pub(crate) fn close(&mut self, connection: u64, due: Instant) -> Option<(End, Instant)> {
        let way = self.ways.remove(&connection)?;
        self.ways.remove(&way.to.flow.connection);
        Some((way.to, way.until.max(due)))
    }

    /// The flows of `host` over connections with `peer`.
    pub(crate) fn between(&self, host: HostId, peer: HostId) -> Vec<Flow> {
        let with_peer = self.ways.values().filter(|way| way.to.host == peer);
        let backs = with_peer.filter_map(|way| self.ways.get(&way.to.flow.connection));
        backs.filter(|back| back.to.host == host).map(|back| back.to.flow).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ends() -> [(HostId, ListenerId, SocketAddr); 2] {
        let end = |host, address: &str| (HostId(host), ListenerId(0), address.parse().unwrap());
        [end(0, "192.0.2.1:5060"), end(1, "192.0.2.2:5060")]
    }

    #[test]
    fn a_connection_keeps_its_order_and_is_used_again() {
        let [caller, callee] = ends();
        let mut streams = Streams::default();
        let near = streams.open(Instant::START, Transport::Tcp, caller, callee);
        assert_eq!(streams.open(Instant::START, Transport::Tcp, caller, callee), near);
        assert_ne!(streams.open(Instant::START, Transport::Tls, caller, callee), near);
        let slow = Instant::START + Duration::from_secs(2);
        let (far, first) = streams.carry(near.connection, slow).unwrap();
        let (_, second) = streams.carry(near.connection, Instant::START).unwrap();
        assert_eq!((far.host, first, second), (HostId(1), slow, slow));
        let (back, _) = streams.carry(far.flow.connection, Instant::START).unwrap();
        assert_eq!(back.flow, near);
    }

    #[test]
    fn a_closed_connection_carries_nothing() {
        let [caller, callee] = ends();
        let mut streams = Streams::default();
        let near = streams.open(Instant::START, Transport::Tcp, caller, callee);
        assert_eq!(streams.between(HostId(0), HostId(1)), [near]);
        let (told, _) = streams.close(near.connection, Instant::START).unwrap();
        assert_eq!(told.host, HostId(1));
        assert!(streams.carry(near.connection, Instant::START).is_none());
        assert!(streams.carry(told.flow.connection, Instant::START).is_none());
        assert_ne!(streams.open(Instant::START, Transport::Tcp, caller, callee), near);
    }
}
