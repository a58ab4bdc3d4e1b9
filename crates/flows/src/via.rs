//! A switchboard that is up already, through which flows are played: it stands in the place of every server, drawn or not.
//!
//! The people of a flow are users of that switchboard then, with telephones of their own: each at an address of the loopback
//! network if it is on this machine, else all at the address that leads to it. What it says to them is seen when it arrives. Its own servers, such as that of call park, speak through it; which of them said something
//! is read from the address that a dialog began with.

use crate::cast::Person;
use crate::judge::Observed;
use cordboard_core::transport::Transport;
use cordboard_sip::View;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Which user of the switchboard plays whom: the name on the stage, and that of the user.
const PLAYED_BY: &[(&str, &str)] = &[
    ("alice", "alice"),
    ("bob", "bob"),
    ("b1", "bob"),
    ("pc", "bob"),
    ("b2", "carol"),
    ("b3", "bill"),
    ("b4", "dave"),
    ("gateway", "carol"),
    ("carol", "carol"),
    ("bill", "bill"),
];

/// A switchboard that is up already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// Where it listens.
    pub at: SocketAddr,
    /// The address at which all telephones stand. Nothing where each has one of the loopback network, as on the switchboard's
    /// own machine.
    pub people_at: Option<IpAddr>,
    /// The domain of its users.
    pub domain: String,
    /// The users who play: their names and passwords.
    pub users: Vec<(String, String)>,
    /// Its servers, by the kind that a flow draws (`park`, `music`): every user part under which each is called, its own first.
    pub servers: Vec<(String, Vec<String>)>,
    /// The file with the authority that its certificate is from.
    pub authority: Option<PathBuf>,
}

/// Somebody as the switchboard knows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) user: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) password: &'static str,
}

impl Via {
    /// Why a flow cannot be played through this switchboard, if it cannot.
    pub fn hindrance(&self, flow: &str) -> Option<String> {
        if !flow.starts_with("5359-") {
            return Some("only the flows of RFC 5359 are played through a switchboard".to_owned());
        }
        let server = match flow {
            "5359-2.3" => "music",
            "5359-2.13" => "announcer",
            "5359-2.15" => "park",
            _ => return self.missing(flow),
        };
        let has = self.servers.iter().any(|(kind, _)| kind == server);
        if has { self.missing(flow) } else { Some(format!("the switchboard has no {server} server")) }
    }

    /// Who has to play and is not known. Where bob is looked for at four places, two more do.
    fn missing(&self, flow: &str) -> Option<String> {
        let plays = |name: &str| flow == "5359-2.12" || !["b3", "b4"].contains(&name);
        let needed: BTreeSet<&str> =
            PLAYED_BY.iter().filter(|(name, _)| plays(name)).map(|(_, user)| *user).collect();
        let missing: Vec<&str> = needed.into_iter().filter(|name| self.password(name).is_none()).collect();
        let who = missing.join(", ");
        (!missing.is_empty()).then(|| format!("nothing is known of the user {who}, who is to play"))
    }

    fn password(&self, name: &str) -> Option<&str> {
        self.users.iter().find(|(user, _)| user == name).map(|(_, password)| &**password)
    }

    /// Whom somebody of the cast is to the switchboard.
    pub(crate) fn account(&'static self, person: &Person) -> Account {
        let domain = &*self.domain;
        if person.service.is_some() {
            let names = self.servers.iter().find(|(kind, _)| kind == person.name).map(|(_, names)| names);
            let user = names.and_then(|names| names.first()).map_or(person.user, |name| &**name);
            return Account { user, domain, password: "" };
        }
        let user =
            PLAYED_BY.iter().find(|(name, _)| *name == person.name).map_or(person.user, |(_, user)| *user);
        Account { user, domain, password: self.password(user).unwrap_or_default() }
    }

    /// The route by which everybody calls.
    pub(crate) fn route(&self, transport: Transport) -> String {
        let name = transport.to_string().to_ascii_lowercase();
        format!("sip:{};transport={name};lr", self.at)
    }

    /// The same address in the domain of this switchboard.
    pub(crate) fn translated(&self, uri: &str) -> String {
        match uri.split_once('@') {
            Some((user, _)) => format!("{user}@{}", self.domain),
            None => uri.to_owned(),
        }
    }

    /// Who of these stands behind a user part: a server of the switchboard, or one of its users.
    fn behind<'a>(&self, user: &str, stage: &[&'a str]) -> Option<&'a str> {
        let server = self.servers.iter().find(|(_, names)| names.iter().any(|name| name == user));
        let names = match server {
            Some((kind, _)) => vec![&**kind],
            None => PLAYED_BY.iter().filter(|(_, other)| *other == user).map(|(name, _)| *name).collect(),
        };
        stage.iter().copied().find(|name| names.contains(name))
    }

    /// What passed, with what the switchboard said for somebody told as theirs: a call of which only one of the people sees
    /// anything is with whom its first request names at the other end. Where the switchboard is drawn it speaks for its servers
    /// alone.
    pub(crate) fn attributed(
        &self,
        seen: Observed,
        switchboard: &str,
        drawn: bool,
        stage: &[&str],
    ) -> Observed {
        let mut calls: BTreeMap<String, (BTreeSet<String>, Option<String>)> = BTreeMap::new();
        for message in &seen.messages {
            let Ok(view) = View::parse(&message.bytes) else { continue };
            let (people, other) = calls.entry(view.call_id().to_owned()).or_default();
            let ends = [&message.from, &message.to].into_iter().filter(|name| **name != *switchboard);
            people.extend(ends.cloned());
            if view.is_request() && other.is_none() {
                let uri = if message.to == *switchboard { view.to_uri() } else { view.from_uri() };
                *other = uri.split_once(':').and_then(|(_, rest)| rest.split('@').next()).map(str::to_owned);
            }
        }
        let speaks_for = |call: &str| {
            let (people, other) = calls.get(call).filter(|(people, _)| people.len() == 1)?;
            let other = other.as_deref()?;
            let is_server = self.servers.iter().any(|(_, names)| names.iter().any(|name| name == other));
            let name = self.behind(other, stage).filter(|_| is_server || !drawn)?;
            (!people.contains(name)).then_some(name)
        };
        let messages = seen.messages.into_iter().map(|mut message| {
            let name = View::parse(&message.bytes).ok().and_then(|view| speaks_for(view.call_id()));
            if let Some(name) = name {
                for end in [&mut message.from, &mut message.to] {
                    if *end == *switchboard {
                        name.clone_into(end);
                    }
                }
            }
            message
        });
        Observed { messages: messages.collect() }
    }
}
