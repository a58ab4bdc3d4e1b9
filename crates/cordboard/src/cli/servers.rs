//! `cordboard ctl servers`.

use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

/// The servers beside the switchboard.
#[derive(Debug, Subcommand)]
pub enum ServersWish {
    /// List them, and how each is set up.
    List,
    /// Set one up otherwise, at once and for good; its calls go on. What is not named stays as it is. Refused where somebody
    /// is in a slot or a room that would go.
    Set(SetupWish),
    /// Set one up as the configuration file says.
    Reset {
        /// Which.
        name: String,
    },
}

/// How a server is to be set up: by the keys of its section in the configuration file.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("keys").required(true).multiple(true).args([
    "slots", "ring_back", "music", "rooms", "limit", "files", "calls", "wait", "tries", "groups"])))]
pub struct SetupWish {
    /// Which.
    pub name: String,
    /// The slots of a park server, all of them: 701-720,730.
    #[arg(long, value_name = "SLOTS", value_delimiter = ',')]
    pub slots: Option<Vec<String>>,
    /// After how many seconds whoever parked a call is called.
    #[arg(long, value_name = "SECONDS")]
    pub ring_back: Option<u32>,
    /// The music server whose music is heard in a slot.
    #[arg(long, value_name = "NAME")]
    pub music: Option<String>,
    /// The rooms of a conference server, all of them: 800-809.
    #[arg(long, value_name = "ROOMS", value_delimiter = ',')]
    pub rooms: Option<Vec<String>>,
    /// Parties that a room takes at most.
    #[arg(long, value_name = "PARTIES")]
    pub limit: Option<usize>,
    /// The WAV files of a music server, all of them, in the order in which they are played.
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    pub files: Option<Vec<PathBuf>>,
    /// How many may hear the music at the same time.
    #[arg(long, value_name = "CALLS")]
    pub calls: Option<usize>,
    /// For how many seconds a redial waits.
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u32>,
    /// How often it is tried.
    #[arg(long, value_name = "TIMES")]
    pub tries: Option<u8>,
    /// The groups whose members may use it, all of them.
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    pub groups: Option<Vec<String>>,
}
