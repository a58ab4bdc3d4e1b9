//! Looks names up (RFC 3263 asks for NAPTR, SRV and addresses), off the threads that carry messages.

use cordboard_core::dns::{Naptr, Query, Records, Srv};
use cordboard_service::door::{Answer, AskId, ShardId};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::Dns;
use crate::hub::Hub;
use crate::shard::Shard;

/// Records that are handed on of one answer.
const MAX_RECORDS: usize = 64;
/// Servers that are waited for, one after another, before a lookup counts as failed.
const MAX_SERVERS: u32 = 3;

/// Asks name servers.
pub(crate) struct Resolver {
    stub: Option<Arc<TokioResolver>>,
    under_way: Arc<Semaphore>,
    /// How long a lookup may take in all.
    patience: Duration,
}

impl Resolver {
    /// Settings that the system spoilt are no reason not to start: without name servers of its own or
    /// of the system it asks this machine, as the system's own resolver does.
    pub(crate) fn new(dns: &Dns, lookups: usize) -> Self {
        let (config, mut options) = if dns.servers.is_empty() {
            system_config()
        } else {
            (ResolverConfig::from_name_servers(servers(&dns.servers)), ResolverOpts::default())
        };
        options.timeout = dns.timeout;
        options.attempts = dns.attempts;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Always;
        let count = u32::try_from(config.name_servers().len()).unwrap_or(MAX_SERVERS).min(MAX_SERVERS);
        let attempts = u32::try_from(dns.attempts).unwrap_or(1).saturating_add(1);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let stub = builder.build().inspect_err(|error| tracing::error!(%error, "names cannot be looked up"));
        Self {
            stub: stub.ok().map(Arc::new),
            under_way: Arc::new(Semaphore::new(lookups)),
            patience: dns.timeout.saturating_mul(attempts).saturating_mul(count),
        }
    }

    /// Answers at once if there are too many lookups already; else later.
    pub(crate) fn look_up<A: Shard>(
        &self,
        hub: &Arc<Hub<A>>,
        shard: ShardId,
        ask: AskId,
        query: Query,
    ) -> Option<Answer> {
        let room = Arc::clone(&self.under_way).try_acquire_owned();
        let (Some(stub), Ok(room)) = (self.stub.clone(), room) else {
            return Some(Answer::Dns(Records::Failed));
        };
        let (hub, patience) = (Arc::clone(hub), self.patience);
        hub.tasks.clone().spawn(async move {
            let records = timeout(patience, resolve(&stub, &query)).await.unwrap_or(Records::Failed);
            drop(room);
            hub.answer(shard, ask, Answer::Dns(records));
        });
        None
    }
}

/// What the system says, or this machine if it says nothing that can be understood.
fn system_config() -> (ResolverConfig, ResolverOpts) {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, options)) if !config.name_servers().is_empty() => (config, options),
        unusable => {
            if let Err(error) = unusable {
                tracing::warn!(%error, "the system's name servers are unknown; asking this machine");
            }
            let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
            (ResolverConfig::from_name_servers(servers(&[local])), ResolverOpts::default())
        }
    }
}

fn servers(addresses: &[SocketAddr]) -> Vec<NameServerConfig> {
    let server = |address: &SocketAddr| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = address.port();
        }
        NameServerConfig::new(address.ip(), true, connections)
    };
    addresses.iter().map(server).collect()
}

async fn resolve(resolver: &TokioResolver, query: &Query) -> Records {
    match query {
        Query::Naptr(name) => {
            let Some(name) = absolute(name) else { return Records::Naptr(Vec::new()) };
            let found = resolver.lookup(name, RecordType::NAPTR).await;
            records(found.map(|found| collect(found.answers(), naptr)), Records::Naptr)
        }
        Query::Srv(name) => {
            let Some(name) = absolute(name) else { return Records::Srv(Vec::new()) };
            let found = resolver.lookup(name, RecordType::SRV).await;
            records(found.map(|found| collect(found.answers(), srv)), Records::Srv)
        }
        Query::Addresses(name) => {
            if let Ok(address) = name.parse::<IpAddr>() {
                return Records::Addresses(vec![address]);
            }
            let Some(name) = absolute(name) else { return Records::Addresses(Vec::new()) };
            let found = resolver.lookup_ip(name).await;
            records(found.map(|found| found.iter().take(MAX_RECORDS).collect()), Records::Addresses)
        }
    }
}

/// The name, not to be completed with the system's search list; `None` if no server can know it.
fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// That there is nothing is an answer; anything else that went wrong is none.
fn records<T>(found: Result<Vec<T>, NetError>, kind: impl FnOnce(Vec<T>) -> Records) -> Records {
    match found {
        Ok(found) => kind(found),
        Err(error) if error.is_no_records_found() || error.is_nx_domain() => kind(Vec::new()),
        Err(error) => {
            tracing::debug!(%error, "a lookup failed");
            Records::Failed
        }
    }
}

fn collect<T>(answers: &[Record], of: impl Fn(&RData) -> Option<T>) -> Vec<T> {
    answers.iter().filter_map(|record| of(&record.data)).take(MAX_RECORDS).collect()
}

fn naptr(data: &RData) -> Option<Naptr> {
    let RData::NAPTR(naptr) = data else { return None };
    Some(Naptr {
        order: naptr.order,
        preference: naptr.preference,
        flags: String::from_utf8_lossy(&naptr.flags).into(),
        service: String::from_utf8_lossy(&naptr.services).into(),
        replacement: naptr.replacement.to_ascii().into(),
    })
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(srv) = data else { return None };
    Some(Srv {
        priority: srv.priority,
        weight: srv.weight,
        port: srv.port,
        target: srv.target.to_ascii().into(),
    })
}
