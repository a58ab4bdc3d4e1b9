//! Flows through a switchboard that is up already: where it is, who its people are, and what these set up for a flow.

use cordboard_core::transport::Transport;
use cordboard_flows::Via;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};

use crate::cli::Which;
use crate::ctl::client::{Client, CtlError};
use crate::rules::{Forward, Places, Screen, Written};

/// How long bob's telephone rings in vain before his calls go elsewhere (RFC 5359 §2.9).
const RINGS_S: u64 = 3;
/// Where he is looked for, one place after the other, and for how many seconds (§2.12).
const FOUND_AT: [(&str, u64); 4] = [("bob", RINGS_S), ("carol", RINGS_S), ("bill", RINGS_S), ("dave", 60)];

/// The file in the place of a demo that tells what `--json` prints.
pub const DEMO_FILE: &str = "demo.json";
/// How the place of a demo is called.
pub const DEMO_PREFIX: &str = "cordboard-demo-";

/// Why no flow is played through a switchboard.
#[derive(Debug, thiserror::Error)]
pub enum ViaError {
    /// It is no address.
    #[error("\"{0}\" is no address of a switchboard: write HOST or HOST:PORT")]
    Address(String),
    /// It is no IPv4 address.
    #[error(
        "{0} is no IPv4 address, and the people of the flows have no other: write that of the switchboard"
    )]
    NoIpv4(IpAddr),
    /// No way leads to it.
    #[error("{at} is not reached from here: {source}")]
    Unreachable {
        /// The switchboard.
        at: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing is known of its people.
    #[error(
        "no demo of this user runs at {0}: name its people with --people FILE, which holds what `cordboard serve --demo --json` \
         prints: {{\"domain\": …, \"users\": [{{\"name\": …, \"password\": …}}], \"data\": …}}; \"url\" and \"token\" instead of \
         \"data\" are the HTTP API of another machine and a file with its token"
    )]
    Nobody(String),
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is of no use.
    #[error("{} does not name people: {source}; it should look as `cordboard serve --demo --json` prints", .path.display())]
    People {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// What the flow needs cannot be set up.
    #[error("what users set up for {flow} cannot be set up: {source}")]
    Rules {
        /// The flow.
        flow: &'static str,
        /// Why.
        source: CtlError,
    },
}

/// A switchboard's people, as a demo tells them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct People {
    /// Their domain.
    pub domain: String,
    /// Who they are.
    pub users: Vec<Person>,
    /// The servers, by the kind that a flow draws.
    #[serde(default)]
    pub servers: Vec<Server>,
    /// The data folder, through which what users set up is changed.
    #[serde(default)]
    pub data: Option<PathBuf>,
    /// The HTTP API, through which the same is changed on another machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file with its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<PathBuf>,
    /// The authority of its certificates.
    #[serde(default)]
    pub authority: Option<PathBuf>,
    /// Where it listens.
    #[serde(default)]
    pub listening: Vec<Listening>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// A server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Server {
    /// `park`, `music`.
    pub kind: String,
    /// Every name under which it is called, its own first.
    pub names: Vec<String>,
}

/// Where a switchboard listens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Listening {
    /// For what.
    pub transport: String,
    /// Where.
    pub address: SocketAddr,
}

/// A switchboard that was found.
pub struct Found {
    /// What the stage has to know of it. It lasts as long as the program, which plays its flows and ends.
    pub via: &'static Via,
    /// Through what it is told what users set up.
    api: Option<Which>,
}

impl Found {
    /// Finds the switchboard at an address, and its people: those of a file, or those of a demo there.
    pub fn at(text: &str, people: Option<&Path>, transport: Transport) -> Result<Self, ViaError> {
        let mut addresses = addresses(text, transport)?;
        let people = match people {
            Some(file) => read(file)?,
            None => demo(&addresses).ok_or_else(|| ViaError::Nobody(text.to_owned()))?,
        };
        // Without a port it is the one that it has for this transport.
        let own = people.listening.iter().find(|listening| {
            let ip = listening.address.ip();
            listening.transport.eq_ignore_ascii_case(&transport.to_string())
                && (ip.is_unspecified() || addresses.iter().any(|address| address.ip() == ip))
        });
        if let Some(own) = own.filter(|_| port(text).is_none()) {
            for address in &mut addresses {
                address.set_port(own.address.port());
            }
        }
        let Some(at) = addresses.first().copied() else { return Err(ViaError::Address(text.to_owned())) };
        if !at.is_ipv4() {
            return Err(ViaError::NoIpv4(at.ip()));
        }
        let way = local_address(at).map_err(|source| ViaError::Unreachable { at, source })?;
        let via = Via {
            at,
            people_at: Some(way).filter(|way| !at.ip().is_loopback() && *way != at.ip()),
            domain: people.domain,
            users: people.users.into_iter().map(|user| (user.name, user.password)).collect(),
            servers: people.servers.into_iter().map(|server| (server.kind, server.names)).collect(),
            authority: people.authority,
        };
        let is_told = people.data.is_some() || people.url.is_some();
        let api = Which { config: None, data: people.data, url: people.url, token: people.token };
        Ok(Self { via: Box::leak(Box::new(via)), api: is_told.then_some(api) })
    }

    /// Why a flow cannot be played here, if it cannot.
    pub fn hindrance(&self, flow: &'static str) -> Option<String> {
        let rules = || {
            let needs = set_up_for(flow).is_some() && self.api.is_none();
            needs.then(|| {
                "what users set up is changed through the data folder or the HTTP API, and none is named"
                    .to_owned()
            })
        };
        self.via.hindrance(flow).or_else(rules)
    }

    /// Sets up what the flow needs, as long as the result lives.
    pub fn sets_up(&self, flow: &'static str) -> Result<Option<SetUp>, ViaError> {
        let (Some((user, rules)), Some(which)) = (set_up_for(flow), &self.api) else { return Ok(None) };
        let wrong = |source| ViaError::Rules { flow, source };
        let client = Client::find(which).map_err(wrong)?;
        let path = format!("/v1/users/{user}/rules");
        let before = client.get(&path).map_err(wrong)?;
        let before = before["rules"].clone();
        let rules = serde_json::to_value(rules).map_err(|error| wrong(CtlError::Local(error.into())))?;
        client.put(&path, &rules).map_err(wrong)?;
        Ok(Some(SetUp { client, path, before }))
    }
}

/// What a user has set up for a flow; dropping it brings back what was there before.
pub struct SetUp {
    client: Client,
    path: String,
    before: serde_json::Value,
}

impl Drop for SetUp {
    fn drop(&mut self) {
        // Whoever stopped the switchboard meanwhile has nothing to bring back.
        let _ = self.client.put(&self.path, &self.before);
    }
}

/// Who has to set up what for a flow to be played.
fn set_up_for(flow: &str) -> Option<(&'static str, Written)> {
    let carol = || Some("carol".to_owned());
    let forward = match flow {
        "5359-2.7" => Forward { always: carol(), ..Forward::default() },
        "5359-2.8" => Forward { busy: carol(), ..Forward::default() },
        "5359-2.9" => Forward { no_answer: carol(), after_s: Some(RINGS_S), ..Forward::default() },
        "5359-2.12" => {
            let step = |(user, for_s): (&str, u64)| Places { ring: vec![user.to_owned()], for_s };
            let find_me = FOUND_AT.map(step).to_vec();
            return Some(("bob", Written { find_me, ..Written::default() }));
        }
        "5359-2.13" => {
            let screen = Screen { deny_from: vec!["alice".to_owned()], ..Screen::default() };
            return Some(("bob", Written { screen, ..Written::default() }));
        }
        "5359-2.14" => {
            let screen = Screen { deny_to: vec!["bob".to_owned()], ..Screen::default() };
            return Some(("alice", Written { screen, ..Written::default() }));
        }
        _ => return None,
    };
    Some(("bob", Written { forward, ..Written::default() }))
}

/// The port that is written behind a host.
fn port(text: &str) -> Option<u16> {
    text.parse::<SocketAddr>().map(|address| address.port()).ok().or_else(|| {
        let (host, port) = text.rsplit_once(':')?;
        if host.contains(':') && !host.ends_with(']') { None } else { port.parse().ok() }
    })
}

fn addresses(text: &str, transport: Transport) -> Result<Vec<SocketAddr>, ViaError> {
    let found = match port(text) {
        Some(_) => text.to_socket_addrs(),
        None => (text.trim_matches(['[', ']']), transport.default_port()).to_socket_addrs(),
    };
    let mut found: Vec<_> = found.map_err(|_| ViaError::Address(text.to_owned()))?.collect();
    found.sort_by_key(|address| !address.is_ipv4());
    Ok(found)
}

/// The address of this machine from which the way leads there.
fn local_address(at: SocketAddr) -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(at)?;
    Ok(socket.local_addr()?.ip())
}

fn read(file: &Path) -> Result<People, ViaError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| ViaError::Unreadable { path: file.to_owned(), source })?;
    // Such as a demo prints it, among the lines that say where it listens.
    let line = text.lines().rfind(|line| line.contains("\"users\"")).unwrap_or(&text);
    let parsed = serde_json::from_str(line).or_else(|_| serde_json::from_str(&text));
    parsed.map_err(|source| ViaError::People { path: file.to_owned(), source })
}

/// The people of a demo that this user runs at one of these addresses: of the last, for one that was killed has left its place.
fn demo(addresses: &[SocketAddr]) -> Option<People> {
    let places = std::fs::read_dir(std::env::temp_dir()).ok()?.flatten();
    let demos = places.filter(|place| place.file_name().to_string_lossy().starts_with(DEMO_PREFIX));
    let told = demos.filter_map(|place| {
        let file = place.path().join(DEMO_FILE);
        Some((std::fs::metadata(&file).and_then(|facts| facts.modified()).ok()?, read(&file).ok()?))
    });
    let is_there = |people: &People| people.listening.iter().any(|at| addresses.contains(&at.address));
    told.filter(|(_, people)| is_there(people)).max_by_key(|(when, _)| *when).map(|(_, people)| people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_what_stands_behind_the_host() {
        for (text, wanted) in
            [("127.0.0.1", None), ("127.0.0.1:5070", Some(5070)), ("::1", None), ("[::1]:5061", Some(5061))]
        {
            assert_eq!(port(text), wanted, "{text}");
        }
        assert_eq!(port("localhost:5080"), Some(5080));
        assert!(matches!(addresses("127.0.0.1:x", Transport::Udp), Err(ViaError::Address(_))));
        let at = addresses("127.0.0.1", Transport::Tls).expect("it is one");
        assert_eq!(at, ["127.0.0.1:5061".parse().expect("so is this")]);
    }

    #[test]
    fn what_is_wrong_with_a_switchboard_or_its_people_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("people.json");
        std::fs::write(&file, "listening udp\n{\"domain\": \"d\", \"users\": []}\n").expect("it is written");
        assert!(matches!(Found::at("::1", Some(&file), Transport::Udp), Err(ViaError::NoIpv4(_))));
        let found = Found::at("127.0.0.1", Some(&file), Transport::Udp).expect("that is on this machine");
        let why = found.hindrance("5359-2.1").expect("nobody is known");
        assert!(why.contains("alice, bill, bob, carol"), "{why}");
        std::fs::write(&file, "nobody").expect("it is written");
        assert!(matches!(Found::at("127.0.0.1", Some(&file), Transport::Udp), Err(ViaError::People { .. })));
    }
}
