//! The servers that are there whatever the file says: the operator's telephone (RFC 5359 §2.18), and the one by which calls
//! are picked up (§2.16).

use cordboard_service::directory::Members;
use cordboard_service::door::{Command, CommandId};
use cordboard_service::operate::Connect;
use cordboard_service::settings::{Pickup, Settings};
use std::sync::{Arc, PoisonError};

use super::{Served, Servers};
use crate::answers::Answers;
use crate::config::Config;
use crate::config::servers::{Kind, Server};
use crate::store::Store;

/// What is called to pick up a call where the file has no code for that: nothing that anybody dials.
const PICK_UP: &str = "pick-up!";

/// Those servers. Each has a name that nobody else has.
pub(super) fn there(config: &Config, store: &Store) -> Vec<Server> {
    let stored = store.users();
    let taken = |name: &str| {
        config.users.contains_key(name)
            || stored.iter().any(|row| *row.name == *name)
            || config.servers.list.iter().any(|server| server.names().contains(&name))
    };
    let operator = Server {
        name: unused("operator", taken),
        // It is asked by nobody but whoever has the token of the API.
        members: Members::Groups(Vec::new()),
        kind: Kind::Operator,
    };
    let picks_up = config.servers.list.iter().any(|server| matches!(server.kind, Kind::Pickup(_)));
    let pickup = (!picks_up).then(|| Server {
        name: unused("pickup", taken),
        members: Members::Users,
        kind: Kind::Pickup(Pickup { code: PICK_UP.into() }),
    });
    std::iter::once(operator).chain(pickup).collect()
}

/// The name, or, if somebody has it, with a number after it.
fn unused(name: &str, taken: impl Fn(&str) -> bool) -> Box<str> {
    let numbered = (1..).map(|number: u32| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or_default().into()
}

impl Servers {
    /// Has two people connected by the operator's telephone: what names that, and where its outcome arrives.
    pub fn connect(&self, connect: Connect) -> Option<(CommandId, Arc<Answers>)> {
        self.with_operator(|operator| {
            (operator.running.command(Command::Connect(connect)), Arc::clone(&operator.answers))
        })
    }

    /// Nobody waits for that any more: what only rings is ended.
    pub fn give_up(&self, id: CommandId) {
        self.with_operator(|operator| operator.running.command(Command::GiveUp(id)));
    }

    /// Uses what has changed in the configuration.
    pub fn use_config(&self, config: &Config) {
        let settings = Arc::new(Settings {
            external_transfer: config.external_transfer,
            domains: config.domains.clone(),
            ..Settings::of_domain(config.realm())
        });
        self.with_operator(|operator| operator.running.command(Command::UseSettings(settings)));
    }

    fn with_operator<T>(&self, what: impl FnOnce(&Served) -> T) -> Option<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running.iter().find(|served| served.kind == Kind::Operator).map(what)
    }
}
