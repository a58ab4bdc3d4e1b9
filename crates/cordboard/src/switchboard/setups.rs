//! How the servers beside the switchboard are set up, and otherwise while they run.

use super::{Refusal, Switchboard};
use crate::config::servers::{Server, Servers};
use crate::config::{Config, Fault, Setup};
use crate::feed::What;
use crate::servers::mixed;

/// A server, for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAsSetUp {
    /// The user part of its own address.
    pub name: Box<str>,
    /// What it is there for, in a word.
    pub kind: &'static str,
    /// How it is set up, in full.
    pub setup: Setup,
    /// Whether that is the configuration's word alone.
    pub configured: bool,
}

impl Switchboard {
    /// The servers that are declared, in the order of the configuration.
    pub fn servers_as_set_up(&self) -> Vec<ServerAsSetUp> {
        let setups = self.store.setups();
        let one = |server: &Server| ServerAsSetUp {
            name: server.name.clone(),
            kind: server.kind.section(),
            setup: Setup::of(server),
            configured: !setups.contains_key(&server.name),
        };
        self.config().servers.list.iter().map(one).collect()
    }

    /// Sets a server up otherwise, from now on and after a restart; what `setup` leaves out stays. Calls go on. Refused if
    /// somebody would be put out of where they are.
    pub fn set_server_up(&self, name: &str, setup: Setup) -> Result<(), Refusal> {
        let mut config = self.config();
        let server = config.servers.list.iter().find(|server| *server.name == *name);
        let server = server.ok_or_else(|| Refusal::NoSuchServer(name.into()))?;
        if setup.is_empty() {
            return Err(Refusal::EmptySetup);
        }
        if let Some((key, has)) = setup.misplaced(&server.kind) {
            let can = match has.as_slice() {
                [] => "the configuration file says all there is to say of it".to_owned(),
                keys => format!("try {}", keys.join(", ")),
            };
            return Err(Refusal::NoSuchKey { server: name.into(), kind: server.kind.section(), key, can });
        }
        let before = self.store.setups().remove(name).unwrap_or_default();
        self.keep_setup(&mut config, name, Some(before.with(setup)))
    }

    /// Has a server set up as the configuration file says.
    pub fn reset_server(&self, name: &str) -> Result<(), Refusal> {
        let mut config = self.config();
        if !config.servers.list.iter().any(|server| *server.name == *name) {
            return Err(Refusal::NoSuchServer(name.into()));
        }
        self.keep_setup(&mut config, name, None)
    }

    fn keep_setup(&self, config: &mut Config, name: &str, setup: Option<Setup>) -> Result<(), Refusal> {
        let mut setups = self.store.setups();
        match &setup {
            Some(setup) => drop(setups.insert(name.into(), setup.clone())),
            None => drop(setups.remove(name)),
        }
        let servers = config.set_up(&setups).map_err(first)?;
        // It runs until the next restart, but the file has it no more.
        if !servers.list.iter().any(|server| *server.name == *name) {
            return Err(Refusal::NoSuchServer(name.into()));
        }
        self.expect_nobody(&config.servers.list, &servers)?;
        self.servers.change(&config.servers.list, &servers.list)?;
        if let Err(error) = self.store.put_setup(name, setup) {
            self.servers.change(&servers.list, &config.servers.list)?;
            return Err(error.into());
        }
        config.servers.list = mixed(&config.servers.list, &servers.list);
        self.spread(config);
        let now = config.servers.list.iter().find(|server| *server.name == *name);
        if let Some(setup) = now.map(Setup::of) {
            self.feed.tell(What::ServerChanged { server: name.into(), setup });
        }
        Ok(())
    }

    /// The servers of a configuration, as they are set up while it runs.
    pub(super) fn set_up_as(&self, config: &Config) -> Result<Servers, Refusal> {
        config.set_up(&self.store.setups()).map_err(first)
    }

    /// No name that is new is that of somebody in the database.
    fn expect_nobody(&self, old: &[Server], new: &Servers) -> Result<(), Refusal> {
        let known = |name: &str| old.iter().any(|server| server.names().contains(&name));
        let users = self.store.users();
        let mut names = new.list.iter().flat_map(Server::names).filter(|name| !known(name));
        match names.find(|name| users.iter().any(|row| *row.name == **name)) {
            None => Ok(()),
            Some(name) => Err(Refusal::Setup {
                says: format!("`{name}` is a user already"),
                tries: "another name: whoever calls it must get one of the two".to_owned(),
            }),
        }
    }
}

fn first(faults: Vec<Fault>) -> Refusal {
    let fault = faults.into_iter().next();
    let (says, tries) = fault.map(|fault| (fault.says, fault.tries)).unwrap_or_default();
    Refusal::Setup { says, tries }
}
