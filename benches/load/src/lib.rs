//! A cheap SIP load generator for loopback (UDP, IPv4): calls and registrations, counted and timed.
//!
//! The usual tool costs more processor time a call than a fast server does, so on a small machine it
//! would be what saturates. This one sends batches, reads only the headers it needs, and is held to
//! the same arrival pattern in every run: what differs between two runs is the server.
//!
//! [`calls`] plays both ends of a call through the server, [`registers`] keeps users registered,
//! [`answerer`] is the answering end alone, and [`standing`] puts up calls with a phone, which it may ask to call
//! somebody else instead. Each run ends by itself and returns a [`Tally`].

pub mod answerer;
pub mod calls;
pub mod registers;
pub mod standing;

mod backoff;
mod digest;
mod letters;
mod pace;
mod scan;
mod sdp;
mod tally;

pub use tally::Tally;

use std::io;

/// What the generator can be asked to play.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Play calls through the server, both ends: INVITE, 180, 200, ACK, BYE, 200.
    Calls(calls::Calls),
    /// Play only the answering end, for some other caller.
    Answer(answerer::Answer),
    /// Register users, or refresh what they registered.
    Registers(registers::Registers),
    /// Put up calls that stand, and hand some of them over.
    Standing(standing::Standing),
}

impl Command {
    /// Plays it to its end.
    ///
    /// # Errors
    /// A port is taken, or the kernel refused to receive or send.
    pub fn run(&self) -> io::Result<Tally> {
        match self {
            Self::Calls(calls) => calls.run(),
            Self::Answer(answer) => answer.run(),
            Self::Registers(registers) => registers.run(),
            Self::Standing(standing) => standing.run(),
        }
    }
}
