//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Switchboard, telephone and analyser for SIP.
#[derive(Debug, Parser)]
#[command(name = "cordboard", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the switchboard.
    Serve(Serve),
    /// Explain what is wrong with a configuration file.
    Check(Check),
    /// Talk to a running switchboard.
    Ctl(Ctl),
}

/// Run the switchboard.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file; `cordboard.example.toml` shows every key.
    #[arg(long, value_name = "FILE", required_unless_present = "demo", conflicts_with = "demo")]
    pub config: Option<PathBuf>,
    /// Run on loopback with alice, bob, carol and bill, in a temporary place.
    #[arg(long)]
    pub demo: bool,
    /// The first port of the demo; 0 takes free ones.
    #[arg(long, value_name = "PORT", default_value_t = 5060, requires = "demo")]
    pub port: u16,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Explain what is wrong with a configuration file.
#[derive(Debug, Args)]
pub struct Check {
    /// The file.
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Talk to a running switchboard.
#[derive(Debug, Args)]
pub struct Ctl {
    /// Which switchboard.
    #[command(flatten)]
    pub which: Which,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to ask of it.
    #[command(subcommand)]
    pub wish: Wish,
}

/// Which switchboard; without any of these, that of `cordboard.toml` or `cordboard-data` here.
#[derive(Debug, Args)]
pub struct Which {
    /// The one that runs with this configuration file.
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["data", "url"])]
    pub config: Option<PathBuf>,
    /// The one that uses this data folder.
    #[arg(long, value_name = "FOLDER", global = true, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The one at this address, such as <http://127.0.0.1:8060>; needs --token.
    #[arg(long, value_name = "URL", global = true, requires = "token")]
    pub url: Option<String>,
    /// The file with its token.
    #[arg(long, value_name = "FILE", global = true, requires = "url")]
    pub token: Option<PathBuf>,
}

/// What to ask of a running switchboard.
#[derive(Debug, Subcommand)]
pub enum Wish {
    /// People: add, remove, list, passwd.
    #[command(subcommand)]
    Users(Users),
    /// Who is registered where.
    Registrations {
        /// Only those of this user.
        user: Option<String>,
    },
    /// The calls whose messages are remembered.
    Calls {
        /// Draw this one: its Call-ID, or how it begins.
        #[arg(long, value_name = "CALL")]
        ladder: Option<String>,
    },
    /// Read the configuration file again.
    Reload,
}

/// People.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Add somebody. Without --password one is read from standard input, or made at a terminal.
    Add {
        /// The user part of the address, such as alice or 1001.
        name: String,
        /// The password; others on this machine may see it in the list of processes.
        #[arg(long)]
        password: Option<String>,
        /// The name that others see.
        #[arg(long)]
        display_name: Option<String>,
        /// A group: its members may take over each other's calls. May be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Remove somebody.
    Remove {
        /// Who.
        name: String,
    },
    /// List everybody.
    List,
    /// Give somebody another password, in the same way as `add`.
    Passwd {
        /// Who.
        name: String,
        /// The password; others on this machine may see it in the list of processes.
        #[arg(long)]
        password: Option<String>,
    },
}
