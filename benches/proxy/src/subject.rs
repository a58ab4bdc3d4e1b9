//! Who is measured, and in what setting.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::Options;

/// The server's SIP port inside the namespace.
pub(crate) const SERVER: u16 = 5060;
/// The server's HTTP port, if it has one.
pub(crate) const HTTP: u16 = 8080;
/// The calling side's port, and the registering side's.
pub(crate) const CALLER: u16 = 6000;
/// The answering side's port.
pub(crate) const ANSWERER: u16 = 7000;
/// Everybody's domain, and the realm of digest.
pub(crate) const DOMAIN: &str = "127.0.0.1";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// A server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// The null proxy.
    Floor,
    /// The peer.
    Kamailio {
        /// Processes that receive UDP.
        workers: u8,
        /// Where its bindings live.
        store: Store,
    },
    /// Ours.
    Cordboard,
}

/// Where the peer keeps bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Store {
    /// In memory only: lost with the process. The peer at its cheapest.
    Memory,
    /// In memory, written back to SQLite by its timer.
    WriteBack,
}

/// As what a subject stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A server between the calling and the answering end.
    Server,
    /// The answering end itself; the floor is then the bare answering loop of the load.
    Telephone,
}

/// What the server must be set up for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// As what it stands there.
    pub(crate) part: Part,
    /// Whether REGISTER is challenged.
    pub(crate) digest: bool,
    /// How many numbered users there are.
    pub(crate) users: usize,
    /// Whether transactions must live as long as RFC 3261 says, also where the peer shortens them.
    pub(crate) long_transactions: bool,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floor => f.write_str("floor"),
            Self::Kamailio { workers, store: Store::Memory } => write!(f, "kamailio/{workers}"),
            Self::Kamailio { workers, store: Store::WriteBack } => {
                write!(f, "kamailio/{workers}+sqlite")
            }
            Self::Cordboard => f.write_str("cordboard"),
        }
    }
}

impl Subject {
    /// Whether it is the peer, in whatever form.
    pub(crate) const fn is_peer(self) -> bool {
        matches!(self, Self::Kamailio { .. })
    }
}

/// What stands ready to be measured, and how thoroughly.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The binary of ours, when there is one that can serve.
    pub(crate) cordboard: Option<PathBuf>,
    /// Short runs.
    pub(crate) quick: bool,
    /// Rounds of alternating runs.
    pub(crate) rounds: usize,
    /// Calls a second at which processor time is measured.
    pub(crate) rate: u32,
}

impl Bench {
    /// Looks for what can be measured.
    ///
    /// # Errors
    /// The peer is not installed, or the `cordboard` that was named is not there.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let peer = Command::new("kamailio").arg("-v").output();
        peer.context("cannot run `kamailio`: install the Debian package `kamailio`")?;
        let cordboard = match &options.cordboard {
            Some(path) => {
                ensure!(path.exists(), "there is no {}", path.display());
                Some(path.clone())
            }
            None => Some(crate::cordboard::release_build()).filter(|path| path.exists()),
        };
        if cordboard.is_none() {
            eprintln!("no release build of cordboard: measuring only the floor and the peer");
        }
        let rounds = if options.quick { 1 } else { options.rounds.max(1) };
        Ok(Self { cordboard, quick: options.quick, rounds, rate: options.call_rate })
    }

    /// The peer with each count of workers worth trying, and ours if there is one.
    pub(crate) fn servers(&self) -> Vec<Subject> {
        let workers: &[u8] = if self.quick { &[1] } else { &[1, 2, 4] };
        let peers = workers.iter().map(|&workers| Subject::Kamailio { workers, store: Store::Memory });
        peers.chain(self.ours()).collect()
    }

    /// Ours, if there is one.
    pub(crate) fn ours(&self) -> Option<Subject> {
        self.cordboard.as_ref().map(|_| Subject::Cordboard)
    }

    /// `long` as it is, or its tenth in a quick run.
    pub(crate) const fn scaled(&self, long: usize) -> usize {
        if self.quick { long / 10 } else { long }
    }
}
