//! The server under test: `cordboard serve` with a directory of users.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::phone::Transport;
use crate::place::{Place, profile_directory};
use crate::process::Program;

/// How long it may take to be ready: the first start makes an authority, certificates and a store.
const READY: Duration = Duration::from_secs(20);

/// Where a switchboard stands, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The name of its directory.
    pub name: &'static str,
    /// Its own address, at which the ports are those of the standard.
    pub address: &'static str,
    /// Its domain, which is the realm too.
    pub domain: &'static str,
    /// Other names of the domain.
    pub domains: &'static [&'static str],
    /// The groups that all of its people are in.
    pub groups: &'static [&'static str],
}

/// The switchboard of nearly every test.
const HOME: Site =
    Site { name: "switchboard", address: "127.0.0.1", domain: "example.test", domains: &[], groups: &[] };

/// Its listeners: transport and port.
const LISTENERS: [(&str, u16); 5] =
    [("udp", 5060), ("tcp", 5060), ("tls", 5061), ("ws", 5080), ("wss", 5443)];

/// The port of its HTTP API.
pub const HTTP: u16 = 8060;

/// Where it takes `WebSockets` that are not secured.
pub const WEBSOCKET: &str = "127.0.0.1:5080";

/// Users of people's phones; their order is that of [`crate::tone::TONES`].
pub(crate) const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// A running switchboard.
#[derive(Debug)]
pub struct Switchboard {
    program: Program,
    site: Site,
    listeners: Vec<(&'static str, String)>,
    directory: PathBuf,
    users: Vec<String>,
}

impl Switchboard {
    /// Starts one that knows alice, bob and carol, and waits until it listens on every transport.
    pub fn start(place: &Place) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with more users; each has the password that [`password`] gives.
    pub fn start_with(place: &Place, more_users: &[String]) -> Self {
        Self::start_told(place, more_users, "")
    }

    /// The same with more in its configuration: whole tables of `cordboard.example.toml`.
    pub fn start_told(place: &Place, more_users: &[String], tables: &str) -> Self {
        let users: Vec<_> =
            PEOPLE.iter().map(ToString::to_string).chain(more_users.iter().cloned()).collect();
        Self::start_at(place, HOME, &users, tables)
    }

    /// The same for people who share a work group.
    pub fn start_together(place: &Place, more_users: &[String], tables: &str) -> Self {
        let users: Vec<_> =
            PEOPLE.iter().map(ToString::to_string).chain(more_users.iter().cloned()).collect();
        Self::start_at(place, Site { groups: &["house"], ..HOME }, &users, tables)
    }

    /// Another one beside it, which knows only these people.
    pub fn start_at(place: &Place, site: Site, users: &[String], tables: &str) -> Self {
        let directory = place.subdirectory(site.name);
        let listeners = LISTENERS.map(|(name, port)| (name, format!("{}:{port}", site.address))).to_vec();
        let text = configuration(site, &listeners, &directory, users) + tables;
        fs::write(directory.join("cordboard.toml"), text).expect("the directory can be written");
        let program = serve(&directory, &listeners);
        Self { program, site, listeners, directory, users: users.to_vec() }
    }

    /// Kills it without warning (SIGKILL) and starts it again on the same data.
    pub fn kill_and_restart(&mut self) {
        self.program.kill();
        self.restart();
    }

    /// Starts it again on the same data after it has ended, and waits until it listens.
    pub fn restart(&mut self) {
        self.program = serve(&self.directory, &self.listeners);
    }

    /// Starts it on the same data and kills it `after` a moment, ready or not.
    pub fn die_while_starting(&mut self, after: Duration) {
        self.program = launch(&self.directory);
        thread::sleep(after);
        self.program.kill();
    }

    /// What `cordboard ctl --json WORDS` prints; it must succeed.
    #[track_caller]
    pub fn ctl(&self, words: &[&str]) -> serde_json::Value {
        let output = Command::new(binary())
            .args(["ctl", "--json", "--data"])
            .arg(self.directory.join("data"))
            .args(words)
            .output()
            .expect("cordboard starts");
        let says = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ctl {words:?}: {says}");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.program.id());
        let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes.expect("a running process has resident memory") * 1024
    }

    /// The running program.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// SIP domain and realm.
    pub fn domain(&self) -> &'static str {
        self.site.domain
    }

    /// `host:port` of its listener for `transport`.
    pub fn address(&self, transport: Transport) -> &str {
        let listener = self.listeners.iter().find(|(name, _)| *name == transport.parameter());
        &listener.expect("it listens on every transport").1
    }

    /// Name and password of user number `number`.
    pub fn user(&self, number: u8) -> (String, String) {
        let name = self.users[usize::from(number)].clone();
        let password = password(&name);
        (name, password)
    }

    /// The file with the token of its HTTP API.
    pub fn token(&self) -> PathBuf {
        self.directory.join("data/token")
    }

    /// The certificate authority that it made for itself.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("data/tls/ca.pem")
    }
}

/// The password of the user called `name`.
pub fn password(name: &str) -> String {
    format!("secret-of-{name}")
}

/// Where the program under test is: `CORDBOARD_BIN`, or beside the tests in `target/PROFILE`.
pub fn binary() -> PathBuf {
    env::var_os("CORDBOARD_BIN").map_or_else(|| profile_directory().join("cordboard"), PathBuf::from)
}

fn serve(directory: &Path, listeners: &[(&str, String)]) -> Program {
    let mut program = launch(directory);
    let mut awaited: Vec<_> =
        listeners.iter().map(|(name, address)| format!("listening {name} {address}")).collect();
    program.wait_line("that it listens everywhere", READY, |line| {
        awaited.retain(|listener| !line.contains(listener.as_str()));
        awaited.is_empty().then_some(())
    });
    program
}

fn launch(directory: &Path) -> Program {
    let binary = binary();
    assert!(binary.is_file(), "{} is not there: run `cargo build -p cordboard`", binary.display());
    let mut command = Command::new(binary);
    command
        .args(["serve", "--config"])
        .arg(directory.join("cordboard.toml"))
        // With the keys of its TLS sessions the capture can be read.
        .env("SSLKEYLOGFILE", directory.with_file_name("tls-keys.log"))
        .stdin(Stdio::null());
    Program::start("cordboard", command, &directory.join("output.log"))
}

fn configuration(site: Site, listeners: &[(&str, String)], directory: &Path, users: &[String]) -> String {
    let Site { address, domain, domains, groups, .. } = site;
    let data = directory.join("data");
    let mut text = format!("domain = \"{domain}\"\ndomains = {domains:?}\ndata = \"{}\"\n", data.display());
    // The HTTP API is to be had on the loopback alone.
    let http = if address.starts_with("127.") { address } else { "127.0.0.1" };
    let _ = write!(text, "\n[http]\naddress = \"{http}:{HTTP}\"\n");
    for (transport, address) in listeners {
        let _ = write!(text, "\n[[listen]]\ntransport = \"{transport}\"\naddress = \"{address}\"\n");
    }
    for user in users {
        let _ = write!(
            text,
            "\n[[user]]\nname = \"{user}\"\npassword = \"{}\"\ngroups = {groups:?}\n",
            password(user)
        );
    }
    text
}
