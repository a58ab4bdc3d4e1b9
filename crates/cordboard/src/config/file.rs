//! The configuration file as it is written: `cordboard.example.toml` explains every key.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

use crate::rules::{Forward, Places, Screen};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) domain: Spanned<String>,
    #[serde(default)]
    pub(super) domains: Vec<Spanned<String>>,
    pub(super) data: Option<PathBuf>,
    #[serde(default)]
    pub(super) shards: u8,
    #[serde(default)]
    pub(super) node: u8,
    #[serde(default)]
    pub(super) listen: Vec<Listen>,
    #[serde(default)]
    pub(super) http: Http,
    #[serde(default)]
    pub(super) tls: Tls,
    #[serde(default)]
    pub(super) websocket: WebSocket,
    #[serde(default)]
    pub(super) auth: Auth,
    #[serde(default)]
    pub(super) registrar: Registrar,
    #[serde(default)]
    pub(super) proxy: Proxy,
    #[serde(default)]
    pub(super) ring: Ring,
    #[serde(default)]
    pub(super) dns: Dns,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) groups: BTreeMap<String, Group>,
    #[serde(default)]
    pub(super) announcements: Announcements,
    #[serde(default)]
    pub(super) servers: Servers,
    #[serde(default)]
    pub(super) park: Vec<Park>,
    #[serde(default)]
    pub(super) conference: Vec<Conference>,
    #[serde(default)]
    pub(super) music: Vec<Music>,
    #[serde(default)]
    pub(super) announcement: Vec<Announcement>,
    #[serde(default)]
    pub(super) codes: Codes,
    pub(super) redial: Option<Spanned<Redial>>,
    #[serde(default)]
    pub(super) user: Vec<User>,
    #[serde(default)]
    pub(super) user_range: Vec<UserRange>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) transport: Spanned<String>,
    pub(super) address: Spanned<String>,
    pub(super) advertise: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    pub(super) address: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) client_ca: Option<Spanned<PathBuf>>,
    pub(super) ask_client_certificates: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) trusted_ca: Vec<Spanned<PathBuf>>,
    pub(super) trust_system: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebSocket {
    pub(super) origins: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) registers: Option<bool>,
    pub(super) calls: Option<bool>,
    pub(super) nonce_life_s: Option<Spanned<u32>>,
    pub(super) algorithms: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registrar {
    pub(super) min_expires_s: Option<Spanned<u32>>,
    pub(super) max_expires_s: Option<Spanned<u32>>,
    pub(super) default_expires_s: Option<Spanned<u32>>,
    pub(super) max_contacts: Option<Spanned<usize>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxy {
    pub(super) timer_c_s: Option<Spanned<u32>>,
    pub(super) relay_for_users: Option<bool>,
    pub(super) external_transfer: Option<bool>,
    pub(super) phones_decide_takeovers: Option<bool>,
    pub(super) phones_are_watched: Option<bool>,
    #[serde(default)]
    pub(super) neighbours: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ring {
    pub(super) bytes: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dns {
    #[serde(default)]
    pub(super) servers: Vec<Spanned<String>>,
    pub(super) timeout_s: Option<Spanned<u32>>,
    pub(super) attempts: Option<Spanned<usize>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: Option<Spanned<String>>,
    pub(super) format: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) connections: Option<Spanned<usize>>,
    pub(super) connections_per_source: Option<Spanned<usize>>,
    pub(super) message_time_s: Option<Spanned<u32>>,
    pub(super) idle_time_s: Option<Spanned<u32>>,
    pub(super) open_time_s: Option<Spanned<u32>>,
    pub(super) write_time_s: Option<Spanned<u32>>,
    pub(super) websocket_ping_s: Option<Spanned<u32>>,
    pub(super) queue_messages: Option<Spanned<usize>>,
    pub(super) queue_bytes: Option<Spanned<usize>>,
    pub(super) lookups: Option<Spanned<usize>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Announcements {
    pub(super) screened_in: Option<Spanned<String>>,
    pub(super) screened_out: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Servers {
    pub(super) media_address: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Park {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) slots: Vec<Spanned<String>>,
    pub(super) ring_back_s: Option<Spanned<u32>>,
    pub(super) music: Option<Spanned<String>>,
    pub(super) groups: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conference {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) rooms: Vec<Spanned<String>>,
    pub(super) limit: Option<Spanned<usize>>,
    pub(super) groups: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Music {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) files: Vec<Spanned<PathBuf>>,
    pub(super) calls: Option<Spanned<usize>>,
    pub(super) groups: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Codes {
    pub(super) pick_up: Option<Spanned<String>>,
    pub(super) forward: Option<Spanned<String>>,
    pub(super) forward_off: Option<Spanned<String>>,
    pub(super) forward_busy: Option<Spanned<String>>,
    pub(super) forward_busy_off: Option<Spanned<String>>,
    pub(super) forward_no_answer: Option<Spanned<String>>,
    pub(super) forward_no_answer_off: Option<Spanned<String>>,
    pub(super) transfer: Option<Spanned<String>>,
    pub(super) redial: Option<Spanned<String>>,
    pub(super) redial_off: Option<Spanned<String>>,
    pub(super) groups: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Redial {
    pub(super) name: Option<Spanned<String>>,
    pub(super) wait_s: Option<Spanned<u32>>,
    pub(super) tries: Option<Spanned<u8>>,
    pub(super) groups: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Announcement {
    pub(super) name: Spanned<String>,
    pub(super) file: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) client_certificate: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: Spanned<String>,
    pub(super) password: Option<Spanned<Password>>,
    pub(super) ha1_md5: Option<Spanned<Password>>,
    pub(super) ha1_sha256: Option<Spanned<Password>>,
    pub(super) ha1_sha512_256: Option<Spanned<Password>>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    pub(super) display_name: Option<String>,
    pub(super) forward: Option<Spanned<Forward>>,
    pub(super) find_me: Option<Spanned<Vec<Places>>>,
    pub(super) screen: Option<Spanned<Screen>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserRange {
    #[serde(default)]
    pub(super) prefix: String,
    pub(super) first: Option<u32>,
    pub(super) count: Spanned<u32>,
    pub(super) digits: Option<Spanned<usize>>,
    pub(super) password: Spanned<Password>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
}

/// A secret: never printed.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Password(pub(super) String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
