//! The load that is put on a server.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use bench_load::Tally;

use crate::subject::{ANSWERER, CALLER, DOMAIN, PASSWORD, SERVER};

/// The share of retransmissions beyond which a run is void.
pub(crate) const VOID: f64 = 0.001;

/// A load of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Calls to bob, hung up at once.
    Calls {
        /// Begun in a second.
        rate: u32,
        /// In all.
        calls: usize,
    },
    /// Registrations by numbered users in turn.
    Registers {
        /// Begun in a second.
        rate: u32,
        /// In all.
        count: usize,
        /// How many users share them.
        users: usize,
        /// Whether a challenge is answered.
        digest: bool,
    },
    /// Bob's own registration.
    Bob,
    /// Calls to a telephone, hung up at once.
    Answered {
        /// Begun in a second.
        rate: u32,
        /// In all.
        calls: usize,
    },
}

impl Load {
    /// How many calls or registrations it is.
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Calls { calls, .. } | Self::Answered { calls, .. } => calls,
            Self::Registers { count, .. } => count,
            Self::Bob => 1,
        }
    }

    /// Plays it to its end.
    ///
    /// # Errors
    /// The generator could not run.
    pub(crate) fn play(self) -> Result<Tally> {
        let output = self.command()?.output().context("the load generator does not start")?;
        ensure!(
            output.status.success(),
            "the load generator failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("the load generator's tally is not JSON")
    }

    fn command(self) -> Result<Command> {
        let to = format!("--proxy {SERVER} --domain {DOMAIN}");
        let line = match self {
            Self::Calls { rate, calls } => {
                format!("calls {to} --caller {CALLER} --answerer {ANSWERER} --rate {rate} --calls {calls}")
            }
            Self::Registers { rate, count, users, digest } => {
                let password = if digest { format!("--password {PASSWORD}") } else { String::new() };
                format!(
                    "registers {to} --port {CALLER} --rate {rate} --count {count} --users {users} \
                     {password}"
                )
            }
            Self::Answered { rate, calls } => {
                format!("calls {to} --caller {CALLER} --rate {rate} --calls {calls}")
            }
            Self::Bob => format!("registers {to} --port {ANSWERER} --name bob --rate 1 --count 1 --users 1"),
        };
        generator(&line)
    }
}

/// The load generator with this command line.
///
/// # Errors
/// Nobody knows where our own binary is.
pub(crate) fn generator(line: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("load").args(line.split_whitespace());
    Ok(command)
}
