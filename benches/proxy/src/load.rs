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
}

impl Load {
    /// How many calls or registrations it is.
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Calls { calls, .. } => calls,
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
            Self::Bob => format!("registers {to} --port {ANSWERER} --name bob --rate 1 --count 1 --users 1"),
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("load").args(line.split_whitespace());
        Ok(command)
    }
}
