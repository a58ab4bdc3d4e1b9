//! The demo: five people on loopback, in a place that is gone afterwards.

use cordboard_core::transport::Transport;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use tempfile::TempDir;

use crate::config::{self, Config, servers};
use crate::flows::via::{DEMO_FILE, DEMO_PREFIX, Listening, People, Person, Server};
use crate::passwords;
use crate::serve::ServeError;

/// Who is there.
const PEOPLE: [(&str, &str); 5] =
    [("alice", "Alice"), ("bob", "Bob"), ("carol", "Carol"), ("bill", "Bill"), ("dave", "Dave")];
/// Each listener, and how far above the first port it is.
const LISTENERS: [(Transport, u16); 5] = [
    (Transport::Udp, 0),
    (Transport::Tcp, 0),
    (Transport::Tls, 1),
    (Transport::Ws, 20),
    (Transport::Wss, 383),
];
/// What runs beside the switchboard.
const SERVERS: &str = "[[park]]\nname = \"park\"\nslots = [\"701-720\"]\ngroups = [\"demo\"]\n\
     [[music]]\nname = \"music\"\ngroups = [\"demo\"]\n\
     [[conference]]\nname = \"conference\"\nrooms = [\"800-801\"]\ngroups = [\"demo\"]\n\
     [codes]\npick_up = \"*8\"\nforward = \"*72\"\nforward_off = \"*73\"\n\
     forward_busy = \"*90\"\nforward_busy_off = \"*91\"\nforward_no_answer = \"*92\"\n\
     forward_no_answer_off = \"*93\"\ntransfer = \"*2\"\nredial = \"*66\"\nredial_off = \"*68\"\n\
     groups = [\"demo\"]\n\
     [announcements]\nscreened_in = \"built-in\"\nscreened_out = \"built-in\"\n";
/// The same for HTTP.
const HTTP_OFFSET: u16 = 3000;

/// A demo: its place is removed when it is dropped.
pub struct Demo {
    place: TempDir,
    config: Config,
    passwords: Vec<String>,
}

impl Demo {
    /// Makes a place, and people with passwords. `port` is the first port; 0 takes free ones.
    pub fn new(port: u16) -> Result<Self, ServeError> {
        if port.checked_add(HTTP_OFFSET).is_none() {
            return Err(ServeError::DemoPort(port));
        }
        let system = |what| move |source| ServeError::System { what, source };
        let place =
            tempfile::Builder::new().prefix(DEMO_PREFIX).tempdir().map_err(system("a temporary folder"))?;
        let passwords: Result<Vec<String>, io::Error> = PEOPLE.iter().map(|_| passwords::random()).collect();
        let passwords = passwords.map_err(system("random numbers"))?;
        let text = text(port, &passwords);
        let config = config::parse(&place.path().join("demo.toml"), &text).map_err(ServeError::Config)?;
        Ok(Self { place, config, passwords })
    }

    /// What the switchboard is told.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Says who is there and what to do next.
    pub fn explain(
        &self,
        out: &mut dyn Write,
        as_json: bool,
        listening: &[(&'static str, SocketAddr)],
    ) -> io::Result<()> {
        let users = PEOPLE.iter().map(|(name, _)| *name).zip(&self.passwords);
        let data = &self.config.data;
        let authority = data.join("tls/ca.pem");
        let facts = json!(self.people(listening));
        std::fs::write(self.place().join(DEMO_FILE), facts.to_string())?;
        if as_json {
            writeln!(out, "{facts}")?;
            return out.flush();
        }
        writeln!(
            out,
            "\nThe demo runs until Ctrl-C, for this machine alone. Its people and their passwords:\n"
        )?;
        for (name, password) in users {
            writeln!(out, "    {name:<6} {password}")?;
        }
        let sip = listening.first().map_or_else(String::new, |(_, address)| address.to_string());
        let program = program();
        let data = data.display();
        write!(
            out,
            "\nWhat to do next:\n\
             \x20 1. Register two SIP phones: user alice (and bob), domain 127.0.0.1, proxy {sip}.\n\
             \x20 2. Let alice call sip:bob@127.0.0.1, hold, and transfer him to carol.\n\
             \x20    Transfer him to 701 (to 720): he waits there, with music, for whoever dials that number.\n\
             \x20    Whoever dials *8bob takes a call that rings at bob's; whoever dials *66bob is called back when he is free.\n\
             \x20 3. Who is there:   {program} ctl --data {data} registrations\n\
             \x20    What happened:  {program} ctl --data {data} calls\n\
             \x20    Drawn:          {program} ctl --data {data} calls --ladder CALL\n\
             For TLS and secure WebSocket the phones must trust {}\n",
            authority.display()
        )?;
        out.flush()
    }

    /// Who is there, as programs read it.
    fn people(&self, listening: &[(&'static str, SocketAddr)]) -> People {
        let named =
            |(name, password): (&str, &String)| Person { name: name.to_owned(), password: password.clone() };
        let users = PEOPLE.iter().map(|(name, _)| *name).zip(&self.passwords).map(named).collect();
        let server = |server: &servers::Server| Server {
            kind: server.kind.name().to_owned(),
            names: server.names().into_iter().map(str::to_owned).collect(),
        };
        let at = |(transport, address): &(&'static str, SocketAddr)| Listening {
            transport: (*transport).to_owned(),
            address: *address,
        };
        People {
            domain: self.config.realm().to_owned(),
            users,
            servers: self.config.servers.list.iter().map(server).collect(),
            data: Some(self.config.data.clone()),
            url: None,
            token: None,
            authority: Some(self.config.data.join("tls/ca.pem")),
            listening: listening.iter().map(at).collect(),
        }
    }

    /// Where its data is.
    pub fn place(&self) -> &Path {
        self.place.path()
    }
}

/// How this program was called, so that the lines above can be copied.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "cordboard".to_owned())
}

fn text(port: u16, passwords: &[String]) -> String {
    let at = |offset: u16| {
        let port = if port == 0 { 0 } else { port + offset };
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    };
    let mut text = String::from("domain = \"127.0.0.1\"\ndomains = [\"localhost\"]\ndata = \"data\"\n");
    // Writing into a string cannot fail.
    let _ = write!(text, "[http]\naddress = \"{}\"\n[log]\nlevel = \"warn\"\n", at(HTTP_OFFSET));
    text.push_str(SERVERS);
    for (transport, offset) in LISTENERS {
        let _ = write!(text, "[[listen]]\ntransport = \"{transport}\"\naddress = \"{}\"\n", at(offset));
    }
    for ((name, shown), password) in PEOPLE.iter().zip(passwords) {
        let _ = write!(
            text,
            "[[user]]\nname = \"{name}\"\ndisplay_name = \"{shown}\"\npassword = \"{password}\"\ngroups = [\"demo\"]\n"
        );
    }
    text
}
