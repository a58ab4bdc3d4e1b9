//! What every role of an agent works with: the stack, the settings, the directory, and the questions
//! that are out.

use crate::call::CallName;
use crate::counters::Counters;
use crate::directory::Directory;
use crate::door::{AskId, Event, Level, Note, Output, Question, ShardId};
use crate::news::{Audience, CallNews, CallState, News};
use crate::peers::Peers;
use crate::settings::Settings;
use crate::telephone::call::outcome_of;
use crate::token::Tokens;
use bytes::Bytes;
use cordboard_core::server_location::{Next, Selection, Supported};
use cordboard_core::stack::Stack;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_sip::{Builder, Method, Name, Scheme, Status, UriRef, View};
use slab::Slab;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Questions that one shard may have out at a time; more requests that need one are answered 503.
pub(crate) const MAX_QUESTIONS: usize = 100_000;

/// How many bits of a question's name tell where its asker is kept.
const PLACE_BITS: u32 = MAX_QUESTIONS.next_power_of_two().ilog2();

/// Who asked a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The proxy, where a request may go.
    Proxy(u64),
    /// The proxy, where one of the places is at which somebody is looked for.
    Place(u64, usize),
    /// The proxy, how one branch of a request gets there.
    Branch(u64, usize),
    /// Clearance, whether an address is one of ours.
    Clearance(u64),
    /// The registrar.
    Registrar(u64),
    /// The telephone.
    Telephone(u64),
    /// A response, where its client may be.
    Return(u64),
    /// A request of ours in a call of others, how it gets there.
    Anchored(u64),
    /// A NOTIFY of ours, how it gets there.
    Notify(u64),
    /// The notifier, what somebody has registered.
    Registrations(u64),
    /// The keeper, for whoever waits until something is written down.
    Keeper(Writing),
}

/// What is being written down, if somebody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// A call.
    Call(CallName),
    /// Something else of a program, by its number.
    Note(u64),
    /// Nobody waits.
    Unawaited,
}

/// What came of looking for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// It has to be asked for.
    Asked,
    /// It is reached over this.
    Flow(Flow),
    /// There is none left.
    Nobody,
    /// Too many questions are out.
    NoRoom,
}

/// The roles, as the stack's owners name them.
pub(crate) mod role {
    /// The proxy.
    pub(crate) const PROXY: u8 = 1;
    /// The registrar.
    pub(crate) const REGISTRAR: u8 = 2;
    /// The telephone.
    pub(crate) const TELEPHONE: u8 = 3;
    /// Requests that wait for clearance.
    pub(crate) const CLEARANCE: u8 = 4;
    /// The notifier.
    pub(crate) const NOTIFIER: u8 = 5;
    /// Requests of ours in calls of others.
    pub(crate) const ANCHORED: u8 = 6;
}

/// The shared part of an agent.
pub(crate) struct Desk {
    pub(crate) stack: Stack,
    pub(crate) settings: Arc<Settings>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) peers: Peers,
    pub(crate) tokens: Tokens,
    pub(crate) counters: Counters,
    pub(crate) out: VecDeque<Output>,
    pub(crate) audience: Audience,
    /// Which shard this is, and of how many.
    pub(crate) shard: ShardId,
    pub(crate) shards: u8,
    /// Each with the name of its question, for places are used again.
    asks: Slab<(AskId, Asker)>,
    next_ask: u64,
}

impl Desk {
    pub(crate) fn new(settings: Arc<Settings>, stack: Stack, shard: ShardId) -> Self {
        Self {
            tokens: Tokens::new(&settings.key, settings.node),
            stack,
            settings,
            directory: Arc::default(),
            peers: Peers::default(),
            counters: Counters::default(),
            out: VecDeque::new(),
            audience: Audience::Nobody,
            shard,
            shards: 1,
            asks: Slab::new(),
            next_ask: 0,
        }
    }

    /// Asks the driver; the answer comes to `asker`. False if too many questions are out.
    pub(crate) fn ask(&mut self, question: Question, asker: Asker) -> bool {
        if self.asks.len() >= MAX_QUESTIONS {
            return false;
        }
        self.next_ask += 1;
        let place = self.asks.vacant_entry();
        let id = AskId(self.next_ask << PLACE_BITS | place.key() as u64);
        place.insert((id, asker));
        self.out.push_back(Output::Ask(id, question));
        true
    }

    /// Takes new settings over, except what cannot change while messages are under way.
    pub(crate) fn use_settings(&mut self, settings: &Settings) {
        let old = &self.settings;
        self.settings = Arc::new(Settings {
            role: old.role.clone(),
            listeners: old.listeners.clone(),
            vouching: old.vouching.clone(),
            inside: old.inside,
            key: old.key,
            node: old.node,
            timing: old.timing,
            ring_bytes: old.ring_bytes,
            ..settings.clone()
        });
    }

    /// The realm in which our users have their passwords.
    pub(crate) fn realm(&self) -> &str {
        self.settings.domains.first().map_or("", |domain| domain)
    }

    /// Who asked; each question is answered once.
    pub(crate) fn asker(&mut self, id: AskId) -> Option<Asker> {
        let place = (id.0 & ((1 << PLACE_BITS) - 1)) as usize;
        self.asks.get(place).filter(|(asked, _)| *asked == id)?;
        Some(self.asks.remove(place).1)
    }

    /// Questions that are out.
    pub(crate) fn questions(&self) -> usize {
        self.asks.len()
    }

    /// Answers a request with nothing but a status.
    pub(crate) fn reply(&mut self, now: Instant, server: ServerId, request: &View<'_>, status: Status) {
        let response = self.response(request, status).finish();
        self.stack.respond(now, server, status, response);
    }

    /// Begins a response of our own. Its To tag follows from the request, so that a response made
    /// without a transaction repeats itself (RFC 3261 §8.2.7).
    pub(crate) fn response(&mut self, request: &View<'_>, status: Status) -> Builder {
        let tag = (status != Status::TRYING && request.to_tag().is_none())
            .then(|| self.tag_of_response_to(request));
        match request.source() {
            Some(source) => Builder::response_to(request, source, status, tag.as_deref()),
            None => Builder::response(request, status, tag.as_deref()),
        }
    }

    /// Whether an ACK is for a response that we made ourselves: it has the branch of its INVITE (RFC 3261 §17.1.1.3).
    pub(crate) fn is_own_refusal(&self, ack: &View<'_>) -> bool {
        ack.to_tag() == Some(&*self.tag_of_response_to(ack))
    }

    fn tag_of_response_to(&self, request: &View<'_>) -> String {
        let branch = request.top_via().branch.unwrap_or_default();
        self.tokens.tag(request.call_id(), request.from_tag().unwrap_or_default(), branch)
    }

    /// Writes a line for the log.
    pub(crate) fn note(&mut self, level: Level, says: &'static str, request: &View<'_>, flow: Option<Flow>) {
        self.note_of(level, says, request, flow, request.value(Name::FROM).map(Box::from));
    }

    /// The same about somebody else than whom From names.
    pub(crate) fn note_of(
        &mut self,
        level: Level,
        says: &'static str,
        request: &View<'_>,
        flow: Option<Flow>,
        identity: Option<Box<str>>,
    ) {
        let call_id = Some(Box::from(request.call_id()));
        self.out.push_back(Output::Event(Event::Note(Note { level, says, call_id, flow, identity })));
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&mut self, news: impl FnOnce() -> News) {
        if self.audience == Audience::Somebody {
            self.out.push_back(Output::Event(Event::News(news())));
        }
    }

    /// Tells that a call has failed which `request` was to begin. Whoever is challenged is not refused yet.
    pub(crate) fn tell_refused(
        &mut self,
        request: &View<'_>,
        status: Status,
        [caller, callee]: [Option<&str>; 2],
    ) {
        let begins = request.method() == Method::Invite && request.to_tag().is_none();
        if !begins || matches!(status.code(), 401 | 407) {
            return;
        }
        self.tell(|| {
            let state = CallState::Ended { outcome: outcome_of(status), status: Some(status), by: None };
            News::Call(CallNews {
                call_id: request.call_id().into(),
                from: request.from_uri().into(),
                to: request.to_uri().into(),
                caller: caller.map(Box::from),
                callee: callee.map(Box::from),
                state,
            })
        });
    }

    /// Sends without a transaction.
    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.stack.send(flow, bytes);
    }

    /// A Contact of ours on a listener with that user part, escaped already, without brackets.
    pub(crate) fn contact_uri(&self, user: &str, listener: ListenerId, secure: bool) -> String {
        let scheme = if secure { "sips" } else { "sip" };
        let Some(listener) = self.listener(listener) else {
            return format!("{scheme}:{user}@invalid.invalid");
        };
        let sent_by = &listener.sent_by;
        match listener.transport {
            Transport::Udp => format!("{scheme}:{user}@{sent_by}"),
            Transport::Tls if secure => format!("{scheme}:{user}@{sent_by}"),
            // RFC 7118 §8.1, F3: a client, to which nobody connects, writes `ws` for both.
            Transport::Wss if listener.local.port() == 0 => format!("{scheme}:{user}@{sent_by};transport=ws"),
            transport => format!("{scheme}:{user}@{sent_by};transport={transport}"),
        }
    }

    /// Looks for the next server of a search, from a listener `like` that one; what is asked comes back to `asker`.
    pub(crate) fn seek(&mut self, selection: &mut Selection, like: ListenerId, asker: Asker) -> Sought {
        loop {
            let question = match selection.next_target() {
                Next::Ask => match selection.poll_question() {
                    Some(query) => Question::Dns(query),
                    None => return Sought::Asked,
                },
                Next::Try { transport: Transport::Udp, remote, .. } => {
                    if let Some(listener) = self.way_out(Transport::Udp, remote, Some(like)) {
                        return Sought::Flow(Flow {
                            transport: Transport::Udp,
                            listener,
                            connection: 0,
                            remote,
                        });
                    }
                    continue;
                }
                Next::Try { transport, remote, server_name } => {
                    Question::Open { transport, remote, server_name }
                }
                Next::Exhausted => return Sought::Nobody,
            };
            return if self.ask(question, asker) { Sought::Asked } else { Sought::NoRoom };
        }
    }

    /// The listener of a flow.
    pub(crate) fn listener(&self, id: ListenerId) -> Option<&Listener> {
        self.settings.listeners.get(usize::from(id.0))
    }

    /// A listener that can reach `remote` by `transport`: that of `like` if it fits, else the first. One of the loopback network,
    /// as that of our own servers, reaches nobody on another machine.
    pub(crate) fn way_out(
        &self,
        transport: Transport,
        remote: SocketAddr,
        like: Option<ListenerId>,
    ) -> Option<ListenerId> {
        let fits = |listener: &Listener| {
            listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4()
        };
        let reaches = |listener: &&Listener| {
            fits(listener) && (remote.ip().is_loopback() || !listener.local.ip().is_loopback())
        };
        let listeners = &self.settings.listeners;
        like.and_then(|id| self.listener(id))
            .filter(reaches)
            .or_else(|| listeners.iter().find(reaches))
            .or_else(|| listeners.iter().find(|listener| fits(listener)))
            .map(|listener| listener.id)
    }

    /// What this agent can send over. A WebSocket is opened by the client (RFC 7118 §5), which is the telephone.
    pub(crate) fn supported(&self, datagrams: bool) -> Supported {
        let opens_websockets = self.settings.role.telephone().is_some();
        let transports: Vec<Transport> = self
            .settings
            .listeners
            .iter()
            .map(|listener| listener.transport)
            .filter(|transport| {
                (opens_websockets || !transport.is_websocket()) && (datagrams || *transport != Transport::Udp)
            })
            .collect();
        let any = |v4: bool| self.settings.listeners.iter().any(|listener| listener.local.is_ipv4() == v4);
        Supported::new(&transports, any(true), any(false))
    }

    /// Whether a host of a URI is one of the domains that this agent is responsible for, by name or
    /// by the address of a listener.
    pub(crate) fn is_ours(&self, uri: &UriRef<'_>) -> bool {
        self.settings.domains.iter().any(|domain| domain.eq_ignore_ascii_case(uri.host()))
            || self.is_here(uri)
    }

    /// Whether a URI names one of our listeners: what we write into Record-Route. A phone may have the port of a
    /// listener on the same machine, for another transport.
    pub(crate) fn is_here(&self, uri: &UriRef<'_>) -> bool {
        let ip: Option<IpAddr> = cordboard_sip::uri::ip(uri.host());
        let by_name = ip.is_none() && uri.port().is_none() && !uri.params().has("transport");
        self.settings.listeners.iter().any(|listener| {
            if by_name {
                // RFC 3263 §4.1: what the name servers say decides on transport and port.
                let secure = uri.scheme() == Scheme::Sips;
                return (listener.transport.is_secure() || !secure)
                    && has_name(&listener.sent_by, uri.host());
            }
            let port = uri.port().unwrap_or(listener.transport.default_port());
            if !may_mean(uri, listener.transport) {
                return false;
            }
            match ip {
                Some(ip) => {
                    let wildcard = listener.local.ip().is_unspecified();
                    (listener.local.port() == port
                        && (listener.local.ip() == ip || wildcard && ip.is_loopback()))
                        || same_place(&listener.sent_by, uri.host(), port, listener.transport)
                }
                None => same_place(&listener.sent_by, uri.host(), port, listener.transport),
            }
        })
    }
}

/// Whether a URI can mean a listener of that transport: the one that it names, or what RFC 3263 §4.1 makes of its
/// scheme. `ws` stands for both (RFC 7118 §5.2.4).
fn may_mean(uri: &UriRef<'_>, transport: Transport) -> bool {
    match uri.params().get("transport").map(str::parse) {
        Some(Ok(Transport::Ws)) => transport.is_websocket(),
        Some(Ok(Transport::Tcp)) if uri.scheme() == Scheme::Sips => transport == Transport::Tls,
        Some(named) => named == Ok(transport),
        None if uri.scheme() == Scheme::Sips => transport.is_secure(),
        None => matches!(transport, Transport::Udp | Transport::Tcp),
    }
}

/// Whether `sent_by` says `host`, at whatever port.
fn has_name(sent_by: &str, host: &str) -> bool {
    sent_by.rsplit_once(':').map_or(sent_by, |(name, _)| name).eq_ignore_ascii_case(host)
}

/// Whether `sent_by` says `host` and `port`.
fn same_place(sent_by: &str, host: &str, port: u16, transport: Transport) -> bool {
    let (name, written) = match sent_by.rsplit_once(':') {
        Some((name, digits)) if !name.ends_with(':') && (!name.contains(':') || name.ends_with(']')) => {
            (name, digits.parse().unwrap_or(transport.default_port()))
        }
        _ => (sent_by, transport.default_port()),
    };
    written == port && name.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_leads_from_the_loopback_network_to_another_machine() {
        let listener = |id, local: &str| Listener {
            id: ListenerId(id),
            transport: Transport::Udp,
            local: local.parse().unwrap(),
            sent_by: local.into(),
        };
        let (inside, other) = (listener(0, "127.0.0.1:15060"), listener(1, "192.0.2.1:5060"));
        let way_out = |listeners: &[Listener], remote: &str| {
            let listeners = listeners.to_vec();
            let settings = Settings { listeners, ..Settings::of_domain("example.com") };
            let agent = crate::Agent::new(ShardId(0), Arc::new(settings), [0; 32]);
            let way = agent.desk.way_out(Transport::Udp, remote.parse().unwrap(), Some(inside.id));
            way.map(|id| id.0)
        };
        let both = [inside.clone(), other];
        assert_eq!(way_out(&both, "127.0.0.1:5070"), Some(0), "as what came in");
        assert_eq!(way_out(&both, "192.0.2.7:5060"), Some(1), "not as what came in");
        assert_eq!(way_out(&both[..1], "192.0.2.7:5060"), Some(0), "there is no other");
        assert_eq!(way_out(&both, "[::1]:5060"), None);
    }

    #[test]
    fn a_uri_means_the_transport_that_it_names() {
        let meant = |uri: &str| {
            let uri = UriRef::parse(uri).unwrap();
            Transport::ALL
                .into_iter()
                .filter(|t| may_mean(&uri, *t))
                .map(Transport::token)
                .collect::<Vec<_>>()
        };
        assert_eq!(meant("sip:192.0.2.1:5080;transport=UDP"), ["udp"]);
        assert_eq!(meant("sip:192.0.2.1;transport=ws"), ["ws", "wss"]);
        assert_eq!(meant("sips:192.0.2.1;transport=tcp"), ["tls"]);
        assert_eq!(meant("sip:192.0.2.1"), ["udp", "tcp"]);
        assert_eq!(meant("sips:192.0.2.1"), ["tls", "wss"]);
        assert_eq!(meant("sip:192.0.2.1;transport=sctp"), [""; 0]);
    }

    #[test]
    fn a_name_without_a_port_is_at_whatever_port_the_name_servers_say() {
        assert!(
            has_name("ss1.example.com:5071", "SS1.example.com")
                && has_name("ss1.example.com", "ss1.example.com")
        );
        assert!(!has_name("ss1.example.com:5071", "example.com"));
    }

    #[test]
    fn sent_by_is_compared_with_its_default_port() {
        assert!(same_place("sip.example.com", "SIP.example.com", 5060, Transport::Udp));
        assert!(same_place("[2001:db8::1]:5070", "[2001:db8::1]", 5070, Transport::Tcp));
        assert!(same_place("[2001:db8::1]", "[2001:db8::1]", 5061, Transport::Tls));
        assert!(!same_place("192.0.2.1:5060", "192.0.2.1", 5061, Transport::Tls));
    }
}
