//! The null proxy: forwards every datagram unread between two loopback ports.
//!
//! No SIP proxy can cost less than this a call, so everything is measured as a multiple of it.

use std::io;

pub use bench_wire::BATCH;
use bench_wire::{Inbox, Wait, bind, loopback};

/// Where the floor stands and between whom.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Floor {
    /// The port it listens on.
    #[arg(long)]
    pub port: u16,
    /// The calling side's port; whatever comes from elsewhere goes there.
    #[arg(long)]
    pub caller: u16,
    /// The answering side's port; whatever comes from the caller goes there.
    #[arg(long)]
    pub answerer: u16,
}

impl Floor {
    /// Forwards until the process is ended.
    ///
    /// # Errors
    /// The port is taken, or the kernel refused to receive or send.
    pub fn run(self) -> io::Result<()> {
        let socket = bind(self.port)?;
        let [caller, answerer] = [self.caller, self.answerer].map(loopback);
        let mut inbox = Inbox::default();
        loop {
            inbox.receive(&socket, Wait::ForOne)?;
            inbox.forward(&socket, |from| if from.port() == self.caller { answerer } else { caller })?;
        }
    }
}
