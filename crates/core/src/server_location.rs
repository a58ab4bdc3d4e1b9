//! Finding a server: from a URI to addresses to try, one after another (RFC 3263 §4, RFC 7984).
//!
//! A [`Selection`] asks for as little as it needs for the next address, and goes on when that one
//! fails (RFC 3263 §4.3). Services are ordered by NAPTR, servers by priority and weighted lot
//! (RFC 2782), the addresses of one server by RFC 6724 §6 as far as that can be told without a
//! routing table; nothing is ever reordered across servers (RFC 7984 §4).

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::dice::Dice;
use crate::dns::{Naptr, Query, Records, Srv};
use crate::transport::Transport;

/// Services of one domain that are looked at.
pub const MAX_SERVICES: usize = 8;
/// Servers of one service that are looked at.
pub const MAX_SERVERS: usize = 16;
/// Addresses of one server that are tried.
pub const MAX_ADDRESSES: usize = 8;

/// What a URI says about where to send (RFC 3263 §4: TARGET and what is beside it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetUri {
    /// Whether it must be secured.
    pub scheme: Scheme,
    /// The `maddr` parameter, or else the host: a name, an IPv4 address, or an IPv6 address with or
    /// without brackets.
    pub host: Box<str>,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The `transport` parameter, if there is one.
    pub transport: Option<Transport>,
}

/// What the top Via of a response says about where its client is (RFC 3261 §18.2.2, RFC 3263 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentBy {
    /// The transport of the Via.
    pub transport: Transport,
    /// The address that the request came from, where it is not the one in sent-by.
    pub received: Option<IpAddr>,
    /// The host of sent-by: a name, an IPv4 address, or an IPv6 address with or without brackets.
    pub host: Box<str>,
    /// The port of sent-by, if one is written.
    pub port: Option<u16>,
}

/// The scheme of a [`TargetUri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip`.
    Sip,
    /// `sips`: only TLS and secure WebSocket will do (RFC 5630 §3.1.3).
    Sips,
}

/// What this side can speak. Without UDP it describes requests that are too large for a datagram
/// (RFC 3261 §18.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    transports: u8,
    /// Whether there is a way out by version 4.
    pub ipv4: bool,
    /// Whether there is a way out by version 6.
    pub ipv6: bool,
}

impl Supported {
    /// Speaks `transports` over the given versions of IP.
    pub fn new(transports: &[Transport], ipv4: bool, ipv6: bool) -> Self {
        Self { transports: transports.iter().fold(0, |set, one| set | bit(*one)), ipv4, ipv6 }
    }

    /// The same without one transport.
    #[must_use]
    pub const fn without(self, transport: Transport) -> Self {
        Self { transports: self.transports & !bit(transport), ..self }
    }

    /// Whether it speaks `transport`.
    pub const fn speaks(self, transport: Transport) -> bool {
        self.transports & bit(transport) != 0
    }

    const fn reaches(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(_) => self.ipv6,
        }
    }
}

const fn bit(transport: Transport) -> u8 {
    1 << transport as u8
}

/// The next thing to do with a [`Selection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Answer what [`Selection::poll_question`] hands out, then come back.
    Ask,
    /// Send it there; if that fails as RFC 3263 §4.3 means it, come back.
    Try {
        /// What to speak.
        transport: Transport,
        /// To whom.
        remote: SocketAddr,
        /// The name that the peer's certificate must carry, which is the one in the URI (RFC 5922
        /// §7.3): an address without brackets, or a name in lower case.
        server_name: Box<str>,
    },
    /// There is nobody left to try.
    Exhausted,
}

/// One search for a server.
#[derive(Clone, Debug)]
pub struct Selection {
    scheme: Scheme,
    supported: Supported,
    /// In lower case, without brackets and final dot.
    host: Box<str>,
    plan: VecDeque<Step>,
    question: Question,
    /// Whether any service has said that it exists, or decidedly does not.
    found_service: bool,
}

/// One step on the way, done from front to back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// §4.1: which services are there?
    Services,
    /// §4.2: which servers has the service `name`?
    Servers {
        transport: Transport,
        name: Box<str>,
    },
    /// §4.2: which addresses has the server?
    Addresses {
        transport: Transport,
        host: Box<str>,
        port: u16,
    },
    /// §4.2: the domain itself, unless it turned out to have services.
    DomainItself {
        transport: Transport,
    },
    Address {
        transport: Transport,
        remote: SocketAddr,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    None,
    /// The front of the plan is to be asked.
    ToAsk,
    /// It is with somebody.
    Asked,
}

impl Selection {
    /// Starts a search. An IP address needs no question.
    pub fn new(target: TargetUri, supported: Supported) -> Self {
        let TargetUri { scheme, host, port, transport } = target;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        let host = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase().into_boxed_str();
        let plan = Self::first_steps(scheme, &host, port, transport, supported);
        let mut selection =
            Self { scheme, supported, host, plan, question: Question::None, found_service: false };
        selection.settle();
        selection
    }

    /// Starts the search for the client of a request whose connection died before its response was sent: first where
    /// the request came from, at the port where its client listens (RFC 3261 §18.2.2), then what the sent-by of its
    /// Via says (RFC 3263 §5). Over a WebSocket nobody but the client opens connections (RFC 7118 §5).
    pub fn of_response(sent_by: SentBy, supported: Supported) -> Self {
        let SentBy { transport, received, host, port } = sent_by;
        let target = TargetUri { scheme: Scheme::Sip, host, port, transport: Some(transport) };
        if transport.is_websocket() {
            return Self::new(target, Supported::new(&[], false, false));
        }
        let mut selection = Self::new(target, supported);
        if let Some(address) = received.filter(|address| supported.reaches(*address))
            && supported.speaks(transport)
        {
            let remote = SocketAddr::new(address, port.unwrap_or(transport.default_port()));
            let first = Step::Address { transport, remote };
            if selection.plan.front() != Some(&first) {
                selection.plan.push_front(first);
            }
            selection.settle();
        }
        selection
    }

    /// §4.1 up to the first question: which transport follows from the URI alone.
    fn first_steps(
        scheme: Scheme,
        host: &str,
        port: Option<u16>,
        asked: Option<Transport>,
        supported: Supported,
    ) -> VecDeque<Step> {
        let explicit = match asked {
            Some(asked) => match meant(scheme, asked, supported) {
                Some(transport) if supported.speaks(transport) => Some(transport),
                _ => return VecDeque::new(),
            },
            None => None,
        };
        let by_default = || explicit.or_else(|| default_transport(scheme, supported));
        let mut plan = VecDeque::new();
        if let Ok(address) = host.parse::<IpAddr>() {
            if let Some(transport) = by_default().filter(|_| supported.reaches(address)) {
                let remote = SocketAddr::new(address, port.unwrap_or(transport.default_port()));
                plan.push_back(Step::Address { transport, remote });
            }
        } else if host.is_empty() {
            // Nothing can be asked.
        } else if let Some(port) = port {
            if let Some(transport) = by_default() {
                plan.push_back(Step::Addresses { transport, host: host.into(), port });
            }
        } else if let Some(transport) = explicit {
            plan.push_back(Step::Servers { transport, name: service(transport, host) });
            plan.push_back(Step::DomainItself { transport });
        } else {
            plan.push_back(Step::Services);
        }
        plan
    }

    /// The question that must be answered before there is a next target; each is handed out once.
    pub fn poll_question(&mut self) -> Option<Query> {
        if self.question != Question::ToAsk {
            return None;
        }
        self.question = Question::Asked;
        self.query()
    }

    /// The question that was handed out and is not answered yet.
    pub fn asked(&self) -> Option<Query> {
        if self.question == Question::Asked { self.query() } else { None }
    }

    /// The question that the front of the plan stands for.
    fn query(&self) -> Option<Query> {
        match self.plan.front()? {
            Step::Services => Some(Query::Naptr(self.host.clone())),
            Step::Servers { name, .. } => Some(Query::Srv(name.clone())),
            Step::Addresses { host, .. } => Some(Query::Addresses(host.clone())),
            Step::DomainItself { .. } => Some(Query::Addresses(self.host.clone())),
            Step::Address { .. } => None,
        }
    }

    /// Takes the answer to a question; one that is not awaited, or of the wrong kind, changes nothing.
    /// A lookup that failed counts as one that found nothing, so that a resolver which chokes on NAPTR
    /// does not cut anybody off.
    pub fn handle_records(&mut self, query: &Query, records: Records, dice: &mut Dice) {
        if self.question != Question::Asked || self.query().as_ref() != Some(query) || !fits(query, &records)
        {
            return;
        }
        let Some(step) = self.plan.pop_front() else { return };
        self.question = Question::None;
        match (step, records) {
            (Step::Services, Records::Naptr(services)) => self.plan_services(services),
            (Step::Services, _) => self.plan_services(Vec::new()),
            (Step::Servers { transport, .. }, Records::Srv(servers)) => {
                self.plan_servers(transport, servers, dice);
            }
            (Step::Addresses { transport, port, .. }, Records::Addresses(found)) => {
                self.plan_addresses(transport, port, found);
            }
            (Step::DomainItself { transport }, Records::Addresses(found)) => {
                self.plan_addresses(transport, transport.default_port(), found);
            }
            // A failed lookup found nothing.
            (
                Step::Servers { .. }
                | Step::Addresses { .. }
                | Step::DomainItself { .. }
                | Step::Address { .. },
                _,
            ) => {}
        }
        self.settle();
    }

    /// What to do next. Each call that yields [`Next::Try`] moves on to the following target.
    pub fn next_target(&mut self) -> Next {
        if self.question != Question::None {
            return Next::Ask;
        }
        let next = match self.plan.pop_front() {
            Some(Step::Address { transport, remote }) => {
                Next::Try { transport, remote, server_name: self.host.clone() }
            }
            Some(_) | None => Next::Exhausted,
        };
        self.settle();
        next
    }

    /// Skips what needs no doing any more, and marks the question that stands at the front.
    fn settle(&mut self) {
        if self.found_service {
            while matches!(self.plan.front(), Some(Step::DomainItself { .. })) {
                self.plan.pop_front();
            }
        }
        self.question = if self.query().is_some() { Question::ToAsk } else { Question::None };
    }

    /// §4.1: keeps the services that will do, most preferred first.
    fn plan_services(&mut self, mut services: Vec<Naptr>) {
        services.retain(|one| one.flags.eq_ignore_ascii_case("s") && self.transport_of(one).is_some());
        services.sort_by_key(|one| (one.order, one.preference));
        // RFC 3403 §4.1: once an order matches, higher ones are not considered, and so a failing TLS
        // server is no way down to UDP.
        let order = services.first().map(|one| one.order);
        services.retain(|one| Some(one.order) == order);
        services.truncate(MAX_SERVICES);
        let chosen = services.first().and_then(|one| self.transport_of(one));
        for one in &services {
            if let Some(transport) = self.transport_of(one) {
                let name = one.replacement.trim_end_matches('.').to_ascii_lowercase().into_boxed_str();
                self.plan.push_back(Step::Servers { transport, name });
            }
        }
        if chosen.is_none() {
            for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
                if self.may_use(transport) {
                    let name = service(transport, &self.host);
                    self.plan.push_back(Step::Servers { transport, name });
                }
            }
        }
        if let Some(transport) = chosen.or_else(|| default_transport(self.scheme, self.supported)) {
            self.plan.push_back(Step::DomainItself { transport });
        }
    }

    /// The transport of a service that will do (RFC 3263 §4.1, RFC 7118 §5.5).
    fn transport_of(&self, service: &Naptr) -> Option<Transport> {
        const SERVICES: [(&str, Transport); 5] = [
            ("SIP+D2U", Transport::Udp),
            ("SIP+D2T", Transport::Tcp),
            ("SIPS+D2T", Transport::Tls),
            ("SIP+D2W", Transport::Ws),
            ("SIPS+D2W", Transport::Wss),
        ];
        let known = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&service.service));
        known.map(|(_, transport)| *transport).filter(|transport| self.may_use(*transport))
    }

    const fn may_use(&self, transport: Transport) -> bool {
        let allowed = match self.scheme {
            Scheme::Sip => true,
            Scheme::Sips => transport.is_secure(),
        };
        allowed && self.supported.speaks(transport)
    }

    /// RFC 2782, usage rules: puts the servers of a service in front of the plan.
    fn plan_servers(&mut self, transport: Transport, mut servers: Vec<Srv>, dice: &mut Dice) {
        self.found_service |= !servers.is_empty();
        // A single dot says that the service is decidedly not there.
        servers.retain(|one| !one.target.trim_end_matches('.').is_empty());
        for one in in_order(servers, dice).into_iter().take(MAX_SERVERS).rev() {
            let host = one.target.trim_end_matches('.').to_ascii_lowercase().into_boxed_str();
            self.plan.push_front(Step::Addresses { transport, host, port: one.port });
        }
    }

    /// RFC 7984 §3.1 and §4: the addresses of one server, of every version that we speak.
    fn plan_addresses(&mut self, transport: Transport, port: u16, mut found: Vec<IpAddr>) {
        found.retain(|address| self.supported.reaches(*address));
        found.sort_by_key(|address| destination_rank(*address));
        found.truncate(MAX_ADDRESSES);
        for address in found.into_iter().rev() {
            let remote = SocketAddr::new(address, port);
            self.plan.push_front(Step::Address { transport, remote });
        }
    }
}

/// The transport that `asked` means under this scheme: `sips:…;transport=tcp` is TLS (RFC 3261
/// §26.2.2), and nothing makes datagrams secure. `ws` stands for secure WebSocket too (RFC 7118 §8.1, F1), so that
/// whoever speaks only that goes over it.
fn meant(scheme: Scheme, asked: Transport, supported: Supported) -> Option<Transport> {
    match (scheme, asked) {
        (Scheme::Sip, Transport::Ws) if !supported.speaks(Transport::Ws) => Some(Transport::Wss),
        (Scheme::Sip, _) | (Scheme::Sips, Transport::Tls | Transport::Wss) => Some(asked),
        (Scheme::Sips, Transport::Tcp) => Some(Transport::Tls),
        (Scheme::Sips, Transport::Ws) => Some(Transport::Wss),
        (Scheme::Sips, Transport::Udp) => None,
    }
}

/// §4.1: UDP for `sip` and TLS over TCP for `sips`; a stream where we do not speak UDP.
fn default_transport(scheme: Scheme, supported: Supported) -> Option<Transport> {
    let preferred: &[Transport] = match scheme {
        Scheme::Sip => &[Transport::Udp, Transport::Tcp, Transport::Tls],
        Scheme::Sips => &[Transport::Tls],
    };
    preferred.iter().copied().find(|transport| supported.speaks(*transport))
}

/// The name under which a domain publishes a service (§4.2).
fn service(transport: Transport, domain: &str) -> Box<str> {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    };
    format!("{prefix}.{domain}").into()
}

/// Whether the records are of the kind that was asked for.
const fn fits(query: &Query, records: &Records) -> bool {
    matches!(
        (query, records),
        (Query::Naptr(_), Records::Naptr(_))
            | (Query::Srv(_), Records::Srv(_))
            | (Query::Addresses(_), Records::Addresses(_))
            | (_, Records::Failed)
    )
}

/// RFC 2782: by priority, and within one by a lottery in which the weights are the tickets.
fn in_order(mut servers: Vec<Srv>, dice: &mut Dice) -> Vec<Srv> {
    // Weight 0 comes first in the running sum, which gives it its very small chance.
    servers.sort_by_key(|one| (one.priority, one.weight != 0));
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(first) = servers.first() {
        let priority = first.priority;
        let same = servers.iter().take_while(|one| one.priority == priority);
        let sum: u64 = same.map(|one| u64::from(one.weight)).sum();
        let drawn = dice.below(sum + 1);
        let mut running = 0;
        let place = servers.iter().position(|one| {
            running += u64::from(one.weight);
            running >= drawn
        });
        ordered.push(servers.remove(place.unwrap_or(0)));
    }
    ordered
}

/// RFC 6724 §6, rules 6 and 8, with the policy table of §2.1: lower comes first, and equals keep the
/// order in which the name server gave them.
fn destination_rank(address: IpAddr) -> (u8, u8) {
    let mapped = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    (u8::MAX - precedence(mapped), scope(address))
}

fn precedence(address: Ipv6Addr) -> u8 {
    let [first, second, ..] = address.segments();
    if address.is_loopback() {
        50
    } else if address.to_ipv4_mapped().is_some() {
        35
    } else if first == 0x2002 {
        30
    } else if (first, second) == (0x2001, 0) {
        5
    } else if first & 0xfe00 == 0xfc00 {
        3
    } else if address.segments()[..6] == [0; 6] || first & 0xffc0 == 0xfec0 || first == 0x3ffe {
        1
    } else {
        40
    }
}

/// RFC 6724 §3.1 and §3.2: link-local is smaller than global.
fn scope(address: IpAddr) -> u8 {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    };
    if link_local { 0x2 } else { 0xe }
}

#[cfg(test)]
mod tests;
