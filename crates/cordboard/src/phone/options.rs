//! What a telephone is told before it starts: the command line, a file, and the environment.

use cordboard_core::dice::Dice;
use cordboard_core::session::timer::Policy;
use cordboard_core::transport::Transport;
use cordboard_net::{Accepts, Certificates, ClientCertificates, ListenOn, Tls, TrustedRoots};
use cordboard_service::settings::{Group, Habits, Secret, Telephone};
use cordboard_sip::UriRef;
use cordboard_sip::header::SessionExpires;
use serde::Deserialize;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

use crate::cli;
use crate::config::{Faults, of_parser};

use super::address::{Addresses, without_port};
use super::playing::{self, Playing};

/// Where the password is if neither the command line nor the file says.
const PASSWORD: &str = "CORDBOARD_PASSWORD";

/// The same of the group's.
const GROUP_PASSWORD: &str = "CORDBOARD_GROUP_PASSWORD";

/// An address that stands for the rest of the world: the way to it is the way out (RFC 5737 §3).
const ELSEWHERE: &str = "192.0.2.1:5060";

/// Why a telephone does not start: what is wrong, and what to try.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// The file is wrong.
    #[error("{0}")]
    File(Faults),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}\n  try: another path")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something that was asked for is of no use.
    #[error("{says}\n  try: {tries}")]
    Wrong {
        /// What is wrong.
        says: String,
        /// What to try.
        tries: &'static str,
    },
    /// There is no place for a certificate of its own.
    #[error("a temporary folder cannot be made: {0}")]
    Folder(io::Error),
}

fn wrong(says: impl Into<String>, tries: &'static str) -> OptionError {
    OptionError::Wrong { says: says.into(), tries }
}

/// The same as in [`cli::Phone`], as keys of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names of the options")]
struct File {
    user: Option<String>,
    display_name: Option<String>,
    domain: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    transport: Option<String>,
    proxy: Proxies,
    listen: Option<String>,
    ca: Vec<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    tone: Option<u16>,
    play: Option<PathBuf>,
    record: Option<PathBuf>,
    auto_answer: bool,
    session_timer: Option<u32>,
    ring_for: Option<u32>,
    group: Option<String>,
    group_password_file: Option<PathBuf>,
    friends: Vec<String>,
    json: bool,
}

/// One, or a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Proxies {
    One(String),
    Several(Vec<String>),
}

impl Default for Proxies {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Proxies {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(proxy) => vec![proxy],
            Self::Several(proxies) => proxies,
        }
    }
}

/// What a telephone is told, checked.
pub(super) struct Options {
    /// Whose it is, and how its messages leave; where its sound is received is not known yet.
    pub(super) account: Telephone,
    /// How what people type becomes an address.
    pub(super) addresses: Addresses,
    /// Whether there is anybody to register with.
    pub(super) registers: bool,
    pub(super) listen: ListenOn,
    pub(super) tls: Option<Tls>,
    pub(super) playing: Playing,
    pub(super) record: Option<PathBuf>,
    pub(super) auto_answer: bool,
    /// The servers whose word on who calls is taken: those that everything goes to first.
    pub(super) trusts: Vec<IpAddr>,
    pub(super) json: bool,
    /// Where a certificate of its own is, while it runs.
    pub(super) _folder: Option<TempDir>,
}

impl Options {
    /// Reads and checks everything. A name that nobody guesses is made from `seed`.
    pub(super) fn read(given: &cli::Phone, seed: [u8; 32]) -> Result<Self, OptionError> {
        let given = merged(given)?;
        let user = given.user.as_deref().filter(|user| is_user(user)).ok_or_else(|| {
            wrong("nobody says whose telephone this is", "--user NAME, such as --user alice")
        })?;
        let transport = transport(given.transport.as_deref())?;
        let group = group(&given)?;
        // The group's realm comes first, for the own password answers any.
        let of_group = group.iter().map(|group| (group.realm.clone(), group.secret.clone()));
        let own = password(&given)?.map(|password| ("*".into(), Secret(password.into())));
        let passwords = of_group.chain(own).collect();
        let proxies = proxies(&given, transport)?;
        if transport.is_websocket() && proxies.is_empty() {
            return Err(wrong(
                format!(
                    "over {transport} a telephone is reached only by the server that it has connected to"
                ),
                "--domain HOST, or --proxy with the server's address",
            ));
        }
        let listen = listen(&given, &proxies, transport)?;
        let host = listen.ip().to_string();
        let domain = given.domain.as_deref().map_or(host.as_str(), without_port);
        let folder = transport
            .is_secure()
            .then(|| tempfile::Builder::new().prefix("cordboard-phone-").tempdir())
            .transpose()
            .map_err(OptionError::Folder)?;
        let tls = folder.as_ref().map(|folder| tls(&given, folder.path(), listen.ip()));
        let play = match (&given.play, given.tone) {
            (Some(path), _) => playing::file(path)?,
            (None, Some(tone)) => playing::tone(tone)?,
            (None, None) => Playing::default(),
        };
        let addresses = Addresses {
            domain: given.domain.as_deref().map(|domain| without_port(domain).to_owned()),
            transport: (proxies.is_empty() && transport != Transport::Udp).then_some(transport),
        };
        let account = Telephone {
            user: user.into(),
            domain: domain.into(),
            display_name: given.display_name.as_deref().map(Into::into),
            passwords,
            group,
            friends: friends(&given, &addresses)?,
            outbound_proxies: proxies.iter().map(|proxy| proxy.as_str().into()).collect(),
            habits: habits(&given)?,
            ..Telephone::default()
        };
        let trusts = proxies.iter().filter_map(|proxy| server(proxy, transport)).map(|server| server.ip());
        Ok(Self {
            addresses,
            registers: given.domain.is_some(),
            account,
            listen: listen_on(transport, listen, seed),
            tls,
            playing: play,
            record: given.record.clone(),
            auto_answer: given.auto_answer,
            trusts: trusts.collect(),
            json: given.json,
            _folder: folder,
        })
    }
}

/// What the command line says, and the file where it says nothing.
fn merged(given: &cli::Phone) -> Result<cli::Phone, OptionError> {
    let Some(path) = &given.config else { return Ok(given.clone()) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| OptionError::Unreadable { path: path.clone(), source })?;
    let file: File = toml::from_str(&text).map_err(|error| {
        OptionError::File(Faults::new(path, &text, vec![of_parser(&error, &text, "docs/phone.md")]))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let there = |path: &PathBuf| folder.join(path);
    let given = given.clone();
    let says_password = given.password.is_some() || given.password_file.is_some();
    let plays = given.tone.is_some() || given.play.is_some();
    Ok(cli::Phone {
        user: given.user.or(file.user),
        display_name: given.display_name.or(file.display_name),
        domain: given.domain.or(file.domain),
        password: if says_password { given.password } else { file.password },
        password_file: if says_password {
            given.password_file
        } else {
            file.password_file.as_ref().map(there)
        },
        transport: given.transport.or(file.transport),
        proxy: if given.proxy.is_empty() { file.proxy.list() } else { given.proxy },
        listen: given.listen.or(file.listen),
        authorities: given.authorities.into_iter().chain(file.ca.iter().map(there)).collect(),
        certificate: given.certificate.or(file.certificate.as_ref().map(there)),
        key: given.key.or(file.key.as_ref().map(there)),
        tone: if plays { given.tone } else { file.tone },
        play: if plays { given.play } else { file.play.as_ref().map(there) },
        record: given.record.or(file.record.as_ref().map(there)),
        auto_answer: given.auto_answer || file.auto_answer,
        session_timer: given.session_timer.or(file.session_timer),
        ring_for: given.ring_for.or(file.ring_for),
        group: given.group.or(file.group),
        friends: given.friends.into_iter().chain(file.friends).collect(),
        group_password_file: given.group_password_file.or(file.group_password_file.as_ref().map(there)),
        json: given.json || file.json,
        config: None,
    })
}

/// What it does where the standards leave it the choice.
fn habits(given: &cli::Phone) -> Result<Habits, OptionError> {
    let session_timer = given.session_timer;
    if given.ring_for == Some(0) {
        return Err(wrong("a call that may not ring is none", "--ring-for 30"));
    }
    if session_timer.is_some_and(|seconds| seconds < SessionExpires::LEAST) {
        let says = format!("a session interval has {} seconds at least (RFC 4028 §5)", SessionExpires::LEAST);
        return Err(wrong(says, "--session-timer 1800"));
    }
    let session_timer = Policy { wish: session_timer, ..Habits::USUAL.session_timer };
    let invitations_expire = given.ring_for.map(|seconds| Duration::from_secs(seconds.into()));
    Ok(Habits { session_timer, invitations_expire, ..Habits::USUAL })
}

fn is_user(user: &str) -> bool {
    UriRef::parse(&format!("sip:{user}@example.com")).is_ok_and(|uri| uri.user().is_some())
}

fn transport(name: Option<&str>) -> Result<Transport, OptionError> {
    match name.map(str::parse) {
        None => Ok(Transport::Udp),
        Some(Ok(transport)) => Ok(transport),
        Some(Err(_)) => Err(wrong(
            format!("`{}` carries no messages of this telephone", name.unwrap_or_default()),
            "--transport udp, tcp, tls, ws or wss",
        )),
    }
}

/// The password, wherever it is. It is never shown.
fn password(given: &cli::Phone) -> Result<Option<String>, OptionError> {
    if let Some(password) = &given.password {
        return Ok(Some(password.clone()));
    }
    match &given.password_file {
        Some(path) => secret(path).map(Some),
        None => Ok(std::env::var(PASSWORD).ok()),
    }
}

/// The work group, with its password.
fn group(given: &cli::Phone) -> Result<Option<Group>, OptionError> {
    let secret = match &given.group_password_file {
        Some(path) => Some(secret(path)?),
        None => std::env::var(GROUP_PASSWORD).ok(),
    };
    match (&given.group, secret) {
        (None, _) => Ok(None),
        (Some(realm), Some(secret)) if !realm.contains(['"', '\\']) => {
            Ok(Some(Group { realm: realm.as_str().into(), secret: Secret(secret.into()) }))
        }
        (Some(realm), Some(_)) => {
            Err(wrong(format!("`{realm}` is the name of no group"), "--group with a name such as sales"))
        }
        (Some(realm), None) => Err(wrong(
            format!("nobody says the password of the group `{realm}`"),
            "--group-password-file FILE, or CORDBOARD_GROUP_PASSWORD in the environment",
        )),
    }
}

/// Those who may watch and join, as addresses-of-record.
fn friends(given: &cli::Phone, addresses: &Addresses) -> Result<Vec<Box<str>>, OptionError> {
    let address = |friend: &String| addresses.uri(friend).map(Into::into);
    let friends = given.friends.iter().map(address).collect::<Result<_, String>>();
    friends.map_err(|says| wrong(says, "--friend bob, or --friend sip:bob@example.com"))
}

/// The first line of a file.
fn secret(path: &Path) -> Result<String, OptionError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| OptionError::Unreadable { path: path.to_owned(), source })?;
    match text.lines().next().map(str::trim_end) {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        Some(_) | None => Err(wrong(
            format!("{} has no password in its first line", path.display()),
            "write the password into it, and nothing else",
        )),
    }
}

/// Where everything goes first: what was asked for, one after the other, or else the domain's server.
fn proxies(given: &cli::Phone, transport: Transport) -> Result<Vec<String>, OptionError> {
    if given.proxy.is_empty() {
        // Without a transport, the domain says which it prefers (RFC 3263 §4.1).
        let parameter = match transport {
            Transport::Udp => String::new(),
            other => format!(";transport={other}"),
        };
        let proxy = given.domain.as_ref().map(|domain| format!("sip:{domain}{parameter};lr"));
        return proxy.into_iter().map(checked).collect();
    }
    given.proxy.iter().map(|text| proxy(text, transport)).collect()
}

fn proxy(text: &str, transport: Transport) -> Result<String, OptionError> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    let bare = if bare.starts_with("sip:") || bare.starts_with("sips:") {
        bare.to_owned()
    } else {
        format!("sip:{bare}")
    };
    let named = bare.contains(";transport=") || transport == Transport::Udp;
    let transport = if named { String::new() } else { format!(";transport={transport}") };
    let loose = if bare.split(';').any(|part| part == "lr") { "" } else { ";lr" };
    checked(format!("{bare}{transport}{loose}"))
}

fn checked(uri: String) -> Result<String, OptionError> {
    match UriRef::parse(&uri) {
        Ok(parsed) if parsed.is_sip() => Ok(uri),
        Ok(_) | Err(_) => Err(wrong(
            format!("`{uri}` is the address of no server"),
            "--domain example.com or --domain 127.0.0.1:5060, and --proxy only if that is somewhere else",
        )),
    }
}

/// Where to listen: what was asked for, or the address from which the proxy is reached.
fn listen(given: &cli::Phone, proxies: &[String], transport: Transport) -> Result<SocketAddr, OptionError> {
    if let Some(text) = &given.listen {
        let ip = text.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
        let address = text.parse::<SocketAddr>().or(ip).map_err(|_| {
            wrong(
                format!("`{text}` is no address to listen on"),
                "--listen 192.0.2.1 or --listen 127.0.0.1:5070",
            )
        })?;
        if transport.is_websocket() && address.port() != 0 {
            return Err(wrong(
                format!("nobody connects to a telephone that speaks {transport} (RFC 7118 §5)"),
                "--listen with an address and no port: from there it connects",
            ));
        }
        if address.ip().is_unspecified() {
            return Err(wrong(
                format!("nobody can send sound to {}", address.ip()),
                "--listen with one of this machine's own addresses",
            ));
        }
        return Ok(address);
    }
    let servers = proxies.iter().filter_map(|proxy| server(proxy, transport));
    let way = servers.chain(ELSEWHERE.parse().ok()).find_map(local_address_towards);
    Ok(SocketAddr::new(way.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 0))
}

/// Who speaks WebSocket is a client: nobody connects to it, and the name that it writes of itself leads nowhere
/// (RFC 7118 §5, §5.2.2 and appendix A).
fn listen_on(transport: Transport, address: SocketAddr, seed: [u8; 32]) -> ListenOn {
    if transport.is_websocket() {
        let sent_by = Some(format!("{}.invalid", Dice::new(seed, 0).tag()).into());
        return ListenOn { transport, address, sent_by, accepts: Accepts::Nobody };
    }
    ListenOn { transport, address, sent_by: None, accepts: Accepts::Peers }
}

/// An address of the server, as far as a glance can tell.
fn server(proxy: &str, transport: Transport) -> Option<SocketAddr> {
    let uri = UriRef::parse(proxy).ok()?;
    let port = uri.port().unwrap_or(transport.default_port());
    let host = uri.host().trim_matches(['[', ']']);
    (host, port).to_socket_addrs().ok()?.next()
}

/// Our address on the way to `there`; nothing is sent.
fn local_address_towards(there: SocketAddr) -> Option<IpAddr> {
    let anywhere: IpAddr = if there.is_ipv4() { [0, 0, 0, 0].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((anywhere, 0)).ok()?;
    socket.connect(there).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

fn tls(given: &cli::Phone, folder: &Path, ip: IpAddr) -> Tls {
    let certificates = match (&given.certificate, &given.key) {
        (Some(chain), Some(key)) => Certificates::Files { chain: chain.clone(), key: key.clone() },
        _ => Certificates::Own { folder: folder.to_owned(), names: vec![ip.to_string().into()] },
    };
    Tls {
        certificates,
        clients: ClientCertificates::NotAsked,
        roots: TrustedRoots { system: true, files: given.authorities.clone() },
    }
}
