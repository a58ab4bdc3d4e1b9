//! The configuration: one typed file, with errors that say where and what to try.

mod check;
mod fault;
mod file;
mod people;
pub mod servers;

use crate::rules::Written;
use cordboard_core::transport::Transport;
use cordboard_net::{Certificates, ClientCertificates, Dns, Limits, Origins, TrustedRoots};
use cordboard_service::directory::{Group, User};
use cordboard_service::settings::{Announcements, Auth, Registrar, Relay, Settings, Takeovers, Watching};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use fault::{Fault, Faults};
pub(crate) use fault::{nearest, of_parser};
pub use servers::Setup;

/// What a switchboard is told, checked.
#[derive(Clone)]
pub struct Config {
    /// Domains it is responsible for; the first is the realm.
    pub domains: Vec<Box<str>>,
    /// Where it keeps what must survive.
    pub data: PathBuf,
    /// How many agents share the work; 0 is one a processor.
    pub shards: u8,
    /// This machine among several.
    pub node: u8,
    /// Where it listens for SIP.
    pub listen: Vec<Listen>,
    /// Where it listens for `cordboard ctl` and Prometheus.
    pub http: SocketAddr,
    /// Certificates.
    pub tls: Tls,
    /// Web pages that may connect.
    pub origins: Origins,
    /// Whom to challenge.
    pub auth: Auth,
    /// Bounds of registrations.
    pub registrar: Registrar,
    /// Timer C (RFC 3261 §16.6 step 11).
    pub timer_c: Duration,
    /// Whether authenticated users may call other domains.
    pub relay_for_users: bool,
    /// Whether a REFER may ask for a call to another domain.
    pub external_transfer: bool,
    /// Who decides whether a call may be taken over or joined.
    pub takeovers: Takeovers,
    /// Who tells of the calls, registrations and messages of our people.
    pub watching: Watching,
    /// Servers that are trusted without a challenge.
    pub neighbours: Vec<IpAddr>,
    /// Bytes of recent messages that each shard keeps.
    pub ring_bytes: usize,
    /// Name servers.
    pub dns: Dns,
    /// The log.
    pub log: Log,
    /// What peers may take.
    pub limits: Limits,
    /// What is asked of whole groups of people.
    pub groups: BTreeMap<Box<str>, Group>,
    /// Where callers hear why they are refused.
    pub announcements: Announcements,
    /// The servers that run beside the switchboard.
    pub servers: servers::Servers,
    /// What the file says of them.
    pub declared: Arc<servers::Declared>,
    /// What people have set up for their calls; what they change at run time counts more.
    pub rules: BTreeMap<Box<str>, Written>,
    /// People, with hashes of their passwords.
    pub users: BTreeMap<Box<str>, User>,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// What to speak.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
    /// How peers should write it, if not as bound.
    pub advertise: Option<Box<str>>,
}

/// Certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Our own; `None` makes an authority and a certificate in the data folder.
    pub certificates: Option<Certificates>,
    /// Whether clients are asked for theirs.
    pub clients: ClientCertificates,
    /// Whom we believe.
    pub roots: TrustedRoots,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// From which level on.
    pub level: tracing::Level,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Config {
    /// The realm of digest authentication: the first domain.
    pub fn realm(&self) -> &str {
        self.domains.first().map_or("", |domain| domain)
    }

    /// The servers as the file declares them, where `setups` say nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong with what they say.
    pub fn set_up(&self, setups: &BTreeMap<Box<str>, Setup>) -> Result<servers::Servers, Vec<Fault>> {
        self.declared.set_up(setups, self.users.keys().map(|name| &**name))
    }

    /// What the agents are told, without the listeners, which are known once they are bound.
    pub fn settings(&self, key: [u8; 32]) -> Settings {
        Settings {
            domains: self.domains.clone(),
            auth: self.auth.clone(),
            registrar: self.registrar,
            timer_c: self.timer_c,
            relay: if self.relay_for_users { Relay::Users } else { Relay::Nobody },
            external_transfer: self.external_transfer,
            takeovers: self.takeovers,
            watching: self.watching,
            announcements: self.announcements.clone(),
            neighbours: self.neighbours.clone(),
            ring_bytes: self.ring_bytes,
            key,
            node: self.node,
            ..Settings::of_domain(self.realm())
        }
    }
}

/// Reads and checks the file at `path`. Files that it names are opened, too.
pub fn load(path: &Path) -> Result<Config, Faults> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let fault = Fault {
            span: None,
            says: format!("this file cannot be read: {error}"),
            tries: "another path, or `cp cordboard.example.toml cordboard.toml` for a start".to_owned(),
        };
        Faults::new(path, "", vec![fault])
    })?;
    parse(path, &text)
}

/// Checks `text` as if it were the file at `path`; relative paths in it are seen from there.
pub fn parse(path: &Path, text: &str) -> Result<Config, Faults> {
    let file = toml::from_str(text)
        .map_err(|error| Faults::new(path, text, vec![of_parser(&error, text, "cordboard.example.toml")]))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    check::check(file, folder).map_err(|faults| Faults::new(path, text, faults))
}

#[cfg(test)]
mod tests;
