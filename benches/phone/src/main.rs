//! A telephone that answers whoever calls, at once: Cordboard's user agent on its own sockets, with nothing around it.
//!
//! `bench-phone answer --port P` answers until it is ended and does what a REFER asks for; `bench-phone dialogs` says
//! how many bytes a dialog holds.

mod answering;
mod dialogs;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Cordboard's user agent, answering every call")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer every call until the process is ended.
    Answer {
        /// The port, on loopback.
        #[arg(long)]
        port: u16,
    },
    /// Say how many bytes a dialog holds, everything included.
    Dialogs,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Answer { port } => answering::until_ended(port),
        Command::Dialogs => {
            println!("{}", dialogs::bytes_each()?);
            Ok(())
        }
    }
}
