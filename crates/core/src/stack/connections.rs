//! The connections over which responses are still to go back, and which of them have died meanwhile (RFC 3261 §18.2.2).

use crate::transport::Flow;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// The connections of server transactions. A connection is here while such a transaction lives, and no longer.
pub(super) struct Connections {
    by_number: HashMap<u64, Connection, FixedState>,
}

#[derive(Debug)]
struct Connection {
    transactions: u32,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Stands,
    Died,
}

impl Connections {
    pub(super) const fn new(hasher: FixedState) -> Self {
        Self { by_number: HashMap::with_hasher(hasher) }
    }

    /// One more transaction answers over that flow, which stands: its request has just come, or it was opened for it.
    /// Datagrams have no connection, and cost nothing here.
    pub(super) fn enter(&mut self, flow: Flow) {
        if flow.connection != 0 {
            let new = || Connection { transactions: 0, life: Life::Stands };
            let connection = self.by_number.entry(flow.connection).or_insert_with(new);
            connection.transactions += 1;
            connection.life = Life::Stands;
        }
    }

    /// One of them is over, or answers over another flow now.
    pub(super) fn leave(&mut self, flow: Flow) {
        let Some(connection) = self.by_number.get_mut(&flow.connection) else { return };
        connection.transactions -= 1;
        if connection.transactions == 0 {
            self.by_number.remove(&flow.connection);
        }
    }

    pub(super) fn died(&mut self, flow: Flow) {
        if let Some(connection) = self.by_number.get_mut(&flow.connection) {
            connection.life = Life::Died;
        }
    }

    pub(super) fn is_dead(&self, flow: Flow) -> bool {
        flow.connection != 0
            && self.by_number.get(&flow.connection).is_some_and(|connection| connection.life == Life::Died)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{ListenerId, Transport};

    fn flow(connection: u64) -> Flow {
        let remote = std::net::SocketAddr::from(([192, 0, 2, 1], 40_000));
        Flow { transport: Transport::Tcp, listener: ListenerId(0), connection, remote }
    }

    #[test]
    fn a_dead_connection_is_remembered_while_somebody_is_to_be_answered() {
        let mut connections = Connections::new(FixedState::default());
        connections.enter(flow(7));
        connections.enter(flow(7));
        connections.enter(flow(8));
        connections.died(flow(7));
        connections.died(flow(9));
        assert_eq!([7, 8, 9].map(|number| connections.is_dead(flow(number))), [true, false, false]);
        connections.leave(flow(7));
        assert!(connections.is_dead(flow(7)), "one more is to be answered");
        connections.leave(flow(7));
        connections.leave(flow(8));
        assert!(connections.by_number.is_empty());
    }

    #[test]
    fn datagrams_leave_nothing_here() {
        let mut connections = Connections::new(FixedState::default());
        connections.enter(flow(0));
        connections.died(flow(0));
        connections.leave(flow(0));
        assert!(!connections.is_dead(flow(0)) && connections.by_number.is_empty());
    }
}
