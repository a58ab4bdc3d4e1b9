//! Who stands on a stage of sockets, and where: addresses, ports and certificates.

use super::websocket;
use crate::cast::{Domain, Person};
use cordboard_core::dice::Dice;
use cordboard_core::transport::{Listener, Transport};
use cordboard_net::{
    Accepts, Certificates, ClientCertificates, ListenOn, ReloadError, StartError, Tls, TrustedRoots,
    system_seed,
};
use cordboard_service::directory::Directory;
use cordboard_service::settings::Settings;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that are tried where the standard ones are taken: below those that the system gives to connections.
const OTHER_PORTS: std::ops::Range<u16> = 10_000..30_000;

/// Loopback addresses of actors: from 127.0.1.1 on, as many as this, and then again from the first.
const ADDRESSES: u16 = 60_000;
/// In one block of 256 the first and last address are left out.
const IN_A_BLOCK: u16 = 254;

/// Somebody who stands on the stage, or will.
pub(super) struct Member {
    pub(super) name: Box<str>,
    /// The host name that it writes of itself.
    pub(super) known_as: Option<Box<str>>,
    /// The last byte of each address in the cast, and what stands for it here.
    pub(super) addresses: Vec<(u8, IpAddr)>,
    pub(super) settings: Settings,
    pub(super) directory: Arc<Directory>,
    /// The domains that it answers for.
    pub(super) domains: Vec<Box<str>>,
    /// Whom it trusts, by the last byte of the address in the cast.
    pub(super) neighbours: Vec<u8>,
    /// Whether it is drawn as leaving the route of the dialogs that it helps to make.
    pub(super) leaves_dialogs: bool,
    /// The first of its listeners.
    pub(super) local: SocketAddr,
    /// Whether it is up already, elsewhere, and not ours to start.
    pub(super) is_elsewhere: bool,
    /// Where others reach it, the way that is preferred first.
    pub(super) ports: Vec<(Transport, SocketAddr)>,
}

impl Member {
    pub(super) fn of_person(person: &Person) -> Self {
        let lasts = [Some(person.address), person.other_address].into_iter().flatten();
        let settings = person.settings();
        let member = Self::new(person.name, None, lasts.collect(), settings, Directory::default());
        Self { neighbours: person.trusts().collect(), ..member }
    }

    pub(super) fn of_domain(domain: &Domain, transport: Transport) -> Self {
        let mut settings = domain.settings();
        // RFC 7118: a client of WebSocket is reached over its connection, and so through whoever has it.
        settings.record_route |= transport.is_websocket();
        let lasts = vec![domain.address];
        let member = Self::new(domain.name, Some(domain.host), lasts, settings, domain.directory());
        let domains = domain.domains.iter().map(|name| (*name).into()).collect();
        Self {
            domains,
            neighbours: domain.neighbours.to_vec(),
            leaves_dialogs: !domain.record_routes,
            ..member
        }
    }

    pub(super) fn new(
        name: &str,
        known_as: Option<&str>,
        lasts: Vec<u8>,
        settings: Settings,
        directory: Directory,
    ) -> Self {
        let addresses: Vec<_> = lasts.into_iter().map(|last| (last, next_address())).collect();
        let at = addresses.first().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |(_, at)| *at);
        Self {
            name: name.into(),
            known_as: known_as.map(Into::into),
            addresses,
            settings,
            directory: Arc::new(directory),
            domains: Vec::new(),
            neighbours: Vec::new(),
            leaves_dialogs: false,
            local: SocketAddr::new(at, 0),
            is_elsewhere: false,
            ports: Vec::new(),
        }
    }

    pub(super) const fn is_telephone(&self) -> bool {
        self.settings.role.telephone().is_some()
    }

    /// Where it listens: for what is spoken on a stage of `transport`, and `also` for another.
    pub(super) fn listen(
        &self,
        transport: Transport,
        also: Option<Transport>,
        ports: &Ports,
        dice: &mut Dice,
    ) -> Vec<ListenOn> {
        let mut listen = Vec::new();
        for (_, at) in &self.addresses {
            for transport in transports(transport, self.is_telephone()).iter().chain(&also) {
                let address = SocketAddr::new(*at, ports.of(*transport));
                let sent_by = self.known_as.as_ref().map(|host| format!("{host}:{}", address.port()).into());
                listen.push(if self.is_telephone() && transport.is_websocket() {
                    websocket::client(*transport, *at, dice)
                } else {
                    ListenOn { transport: *transport, address, sent_by, accepts: Accepts::Peers }
                });
            }
        }
        listen
    }

    /// Takes note of where it really listens.
    pub(super) fn learn(&mut self, listeners: &[Listener]) {
        if let Some(first) = listeners.first() {
            self.local = first.local;
        }
        let first_address = listeners.iter().filter(|listener| listener.local.ip() == self.local.ip());
        self.ports = first_address.map(|listener| (listener.transport, listener.local)).collect();
    }
}

/// What an actor speaks on a stage of `transport`, what it likes best first. Whoever speaks UDP has to speak TCP too
/// (RFC 3261 §18), and servers speak TCP among each other where telephones use `WebSocket`.
pub(super) const fn transports(transport: Transport, telephone: bool) -> &'static [Transport] {
    match (transport, telephone) {
        (Transport::Udp, _) => &[Transport::Udp, Transport::Tcp],
        (Transport::Tcp, _) => &[Transport::Tcp],
        (Transport::Tls, _) => &[Transport::Tls],
        (Transport::Ws, true) => &[Transport::Ws],
        (Transport::Ws, false) => &[Transport::Ws, Transport::Tcp],
        (Transport::Wss, true) => &[Transport::Wss],
        (Transport::Wss, false) => &[Transport::Wss, Transport::Tls],
    }
}

/// The ports of one actor.
pub(super) struct Ports(u16);

impl Ports {
    /// Those that everybody expects.
    pub(super) const fn standard() -> Self {
        Self(5060)
    }

    /// Some others.
    pub(super) fn any() -> std::io::Result<Self> {
        let mut dice = Dice::new(system_seed()?, 0);
        let room = u64::from(OTHER_PORTS.end - OTHER_PORTS.start);
        Ok(Self(OTHER_PORTS.start + dice.below(room) as u16))
    }

    /// Datagrams and plain streams share one; the ports that `WebSocket` has by default are for who may bind them.
    const fn of(&self, transport: Transport) -> u16 {
        self.0
            + match transport {
                Transport::Udp | Transport::Tcp => 0,
                Transport::Tls => 1,
                Transport::Ws => 2,
                Transport::Wss => 3,
            }
    }
}

/// A loopback address that no other actor of this process has.
pub(super) fn next_address() -> IpAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let nth = NEXT.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
    let [block, last] = [1 + nth / IN_A_BLOCK, 1 + nth % IN_A_BLOCK].map(|part| part as u8);
    IpAddr::V4(Ipv4Addr::new(127, 0, block, last))
}

/// A certificate for the member at `place`, from the authority of its stage, which everybody on it believes, and
/// nobody else: who connects is asked for one too.
pub(super) fn tls(
    folder: &Path,
    place: usize,
    names: Vec<Box<str>>,
    also: Option<&Path>,
) -> Result<Tls, StartError> {
    let own = folder.join(place.to_string());
    let authority = folder.join("0");
    if place > 0 {
        let copied = std::fs::create_dir_all(&own).and_then(|()| {
            ["ca.pem", "ca.key"]
                .iter()
                .try_for_each(|file| std::fs::copy(authority.join(file), own.join(file)).map(|_| ()))
        });
        copied.map_err(|source| ReloadError::Unwritable { path: own.clone(), source })?;
    }
    let roots = vec![own.join("ca.pem")];
    Ok(Tls {
        certificates: Certificates::Own { folder: own, names },
        clients: ClientCertificates::Required { roots },
        roots: TrustedRoots { system: false, files: also.into_iter().map(Path::to_owned).collect() },
    })
}
