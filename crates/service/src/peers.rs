//! Who is at the other end of a connection, as far as its certificate proves it (RFC 5922 §7.4), and
//! what that allows a user of whom a group asks for a client certificate.

use crate::desk::Desk;
use crate::door::{Level, PeerIdentity};
use crate::location::{Target, Wanted};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::{Name, Status, UriRef, View};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::Arc;

/// Connections whose identities one shard remembers. One for which there is no room proves nothing.
pub(crate) const MAX_PEERS: usize = 131_072;

/// The connections that prove something.
#[derive(Default)]
pub(crate) struct Peers {
    /// By the connection's number, which is ours to give, so that the hash needs no secret.
    by_connection: HashMap<u64, Arc<[PeerIdentity]>, FixedState>,
}

impl Peers {
    /// A connection stands.
    pub(crate) fn opened(&mut self, flow: Flow, identities: Arc<[PeerIdentity]>) {
        // Datagrams have no connection, and could prove nothing.
        if flow.connection != 0 && self.by_connection.len() < MAX_PEERS {
            self.by_connection.insert(flow.connection, identities);
        }
    }

    /// A connection is gone.
    pub(crate) fn closed(&mut self, flow: Flow) {
        self.by_connection.remove(&flow.connection);
    }

    fn of(&self, flow: Flow) -> &[PeerIdentity] {
        self.by_connection.get(&flow.connection).map_or(&[], |identities| identities)
    }
}

impl Desk {
    /// Whether `user` of ours may act over `flow`: nobody asks them for a certificate, or that of the
    /// connection proves them. It names the user; or the domain that they are `claimed` to be of, for
    /// then a proxy of that domain vouches for them.
    pub(crate) fn is_certified(&self, user: &str, claimed: Option<&UriRef<'_>>, flow: Flow) -> bool {
        if !self.directory.wants_certificate(user) {
            return true;
        }
        // Who hides may write any domain into From, and so may the owner of that domain's certificate.
        let host = claimed.filter(|uri| self.is_ours(uri)).map(UriRef::host);
        self.peers.of(flow).iter().any(|identity| match identity {
            PeerIdentity::Domain(domain) => {
                self.is_domain(domain) || host.is_some_and(|host| host.eq_ignore_ascii_case(domain))
            }
            PeerIdentity::User(aor) => {
                aor.0.rsplit_once('@').is_some_and(|(name, domain)| name == user && self.is_domain(domain))
            }
        })
    }

    /// RFC 5922 §7.2: the whole name, in any case.
    fn is_domain(&self, name: &str) -> bool {
        self.settings.domains.iter().any(|domain| domain.eq_ignore_ascii_case(name))
    }

    /// Refuses a request of a user whose connection does not prove them.
    pub(crate) fn refuse_uncertified(
        &mut self,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        self.note(Level::Warning, "no client certificate proves the user", request, Some(flow));
        let warning = format!(
            "399 {} \"This user is asked for a client certificate: connect by TLS with one that names them\"",
            self.realm()
        );
        let response = self.response(request, Status::FORBIDDEN).line(Name::WARNING, warning);
        self.stack.respond(now, server, Status::FORBIDDEN, response.finish());
    }

    /// The user whom a lookup is for, if they are reached only where they are proved.
    pub(crate) fn wants_certificate_of(&self, wanted: &Wanted) -> Option<Box<str>> {
        let aor = match wanted {
            Wanted::Aor(aor) | Wanted::Instance(aor, _) => aor,
            Wanted::Contact(_) => return None,
        };
        let (user, _) = aor.0.rsplit_once('@')?;
        self.directory.wants_certificate(user).then(|| user.into())
    }

    /// Leaves the targets that are behind connections which prove `user`, and nothing else leads to them:
    /// what was registered before the group asked, or names another address, is nobody's for certain.
    pub(crate) fn keep_certified(&self, user: &str, targets: &mut Vec<Target>) {
        targets.retain(|target| self.is_certified(user, None, target.flow));
        for target in targets {
            target.by_flow = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::transport::{ListenerId, Transport};

    fn flow(connection: u64) -> Flow {
        let remote = "192.0.2.1:5061".parse().unwrap();
        Flow { transport: Transport::Tls, listener: ListenerId(0), connection, remote }
    }

    #[test]
    fn the_table_forgets_what_is_gone_and_takes_no_more_than_it_may() {
        let identities: Arc<[PeerIdentity]> = Arc::new([PeerIdentity::Domain("example.com".into())]);
        let mut peers = Peers::default();
        peers.opened(flow(0), Arc::clone(&identities));
        assert!(peers.of(flow(0)).is_empty(), "that is every datagram");
        let last = MAX_PEERS as u64;
        for connection in 1..=last + 1 {
            peers.opened(flow(connection), Arc::clone(&identities));
        }
        assert_eq!(peers.of(flow(last)).len(), 1);
        assert!(peers.of(flow(last + 1)).is_empty(), "no room");
        peers.closed(flow(1));
        peers.opened(flow(last + 1), identities);
        assert!(peers.of(flow(1)).is_empty());
        assert_eq!(peers.of(flow(last + 1)).len(), 1);
    }
}
