//! A running switchboard as its operator sees it: people, registrations, calls, redials, reload.

mod redials;
mod setups;

use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_net::{Clock, ReloadError};
use cordboard_service::directory::User;
use cordboard_service::door::{CallSummary, Command, CommandId, Event, Recorded};
use cordboard_service::news::Audience;
use cordboard_service::operate::Operation;
use cordboard_service::services::{Occasion, RuleError};
use cordboard_sip::uri::{Escape, Place};
use cordboard_sip::{Status, UriRef};
pub use redials::RedialRefusal;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::answers::Answers;
use crate::config::{self, Config};
use crate::feed::{Ear, Feed, What};
use crate::logging::Logging;
use crate::metrics::{Counter, Metrics};
use crate::people::{self, NameError};
use crate::rules::{Forward, Written};
use crate::servers::{ServerError, Servers, mixed};
use crate::store::{Store, UserError, UserRow};
pub use setups::ServerAsSetUp;

/// How long the agents may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many operators may wait for an outcome at a time.
pub const MAX_OPERATIONS: usize = 64;

/// How many may listen to what happens at a time.
const MAX_LISTENERS: usize = 64;

/// For how long somebody's telephones ring whose unanswered calls are forwarded by a code, unless they had set up a time.
const RINGS_S: u64 = 20;

/// The agents of a switchboard, all shards together.
pub trait Agents: Send + Sync {
    /// How many shards there are; each answers a command on its own.
    fn shards(&self) -> u8;
    /// Hands a command to each.
    fn command(&self, command: Command) -> CommandId;
    /// Reads the certificates again.
    fn reload_certificates(&self) -> Result<(), ReloadError>;
    /// What they counted so far, added up.
    fn figures(&self) -> Figures;
    /// Ends them: what is queued is sent, then connections are closed. Nobody is told anything.
    fn stop(&self);
}

/// What agents and drivers count.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// What only grows.
    pub counters: Vec<Counter>,
    /// What goes up and down.
    pub gauges: Vec<Counter>,
}

/// Everything an operator can reach.
pub struct Switchboard {
    /// What outlives the process.
    pub store: Arc<Store>,
    /// The agents.
    pub agents: Box<dyn Agents>,
    /// The servers that run beside them.
    pub servers: Servers,
    /// Where the agents' answers arrive.
    pub answers: Arc<Answers>,
    /// What happens.
    pub feed: Arc<Feed>,
    /// How many listen to it.
    pub listening: Mutex<usize>,
    /// How many operators wait for the outcome of what they did.
    pub operations: AtomicUsize,
    /// The clock of the drivers.
    pub clock: Clock,
    /// Signs nonces and flow tokens.
    pub key: [u8; 32],
    /// The configuration in use.
    pub config: Mutex<Config>,
    /// The file it came from; none for the demo.
    pub path: Option<PathBuf>,
    /// The log.
    pub logging: Option<Logging>,
}

/// Why an operator's wish was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The name cannot be a user's.
    #[error("{0} cannot be a user: {1}")]
    Name(Box<str>, NameError),
    /// The password is empty.
    #[error("an empty password is none: choose a long one")]
    EmptyPassword,
    /// There is one already.
    #[error("{0} exists already: `cordboard ctl users passwd {0}` changes the password")]
    Exists(Box<str>),
    /// A server has the name.
    #[error("{0} is a server, and who calls it must not get somebody else: choose another name")]
    Server(Box<str>),
    /// The configuration file says so, and only it can change that.
    #[error("{0} stands in the configuration file: change it there and reload")]
    Configured(Box<str>),
    /// The configuration file says nothing of them.
    #[error("{0} does not stand in the configuration file, which has no groups to go back to: name them")]
    NotConfigured(Box<str>),
    /// There is no such server.
    #[error("there is no server {0}: `cordboard ctl servers list` names them")]
    NoSuchServer(Box<str>),
    /// Nothing is said.
    #[error("nothing is to be set up: name a key, such as `slots`")]
    EmptySetup,
    /// A server of this kind has no such key.
    #[error("{server} is a {kind} server, for which `{key}` cannot be set up while it runs: {can}")]
    NoSuchKey {
        /// Which.
        server: Box<str>,
        /// What kind of server it is.
        kind: &'static str,
        /// The key.
        key: &'static str,
        /// What can.
        can: String,
    },
    /// A server cannot be set up so.
    #[error("{says}\n  try: {tries}")]
    Setup {
        /// What is wrong.
        says: String,
        /// What to try.
        tries: String,
    },
    /// A server does not change.
    #[error(transparent)]
    Unchanged(#[from] ServerError),
    /// What somebody wants to set up cannot be.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] UserError),
    /// The ring of messages holds no such call.
    #[error("there are no messages of this call: `cordboard ctl calls` lists those that are remembered")]
    NoSuchCall,
    /// There is no such slot.
    #[error("there is no park slot {0}: `cordboard ctl park list` names them")]
    NoSuchSlot(Box<str>),
    /// There is no such conference room.
    #[error("there is no conference room {0}: `cordboard ctl conference list` lists them")]
    NoSuchRoom(Box<str>),
    /// It takes nobody any more.
    #[error("the room {0} has as many parties as it may: have somebody leave it first")]
    RoomFull(Box<str>),
    /// Whoever is invited is in it.
    #[error("they are in the room {0} already, or being called into it")]
    InRoom(Box<str>),
    /// Whoever is to leave is not.
    #[error("nobody of that address is in the room {0}: `cordboard ctl conference list` tells who is")]
    NotInRoom(Box<str>),
    /// It cannot be called.
    #[error("{0} is no user, number or address that can be called")]
    Address(Box<str>),
    /// Nobody is called back.
    #[error(transparent)]
    Redial(#[from] RedialRefusal),
    /// Too much is being done.
    #[error("{MAX_OPERATIONS} calls are being handled already: try again when one of them is done")]
    TooManyOperations,
    /// The agents say nothing.
    #[error("the outcome is not known: look at the call itself")]
    NoAnswer,
    /// Too many listen.
    #[error("{MAX_LISTENERS} listen already: end one of them first")]
    TooManyListeners,
    /// The demo has no file.
    #[error("the demo has no configuration file to read again")]
    NoFile,
    /// The file is of no use; the old configuration stays.
    #[error("the old configuration stays in use, for the new one is wrong:\n{0}")]
    Config(config::Faults),
    /// The domain cannot change while it runs.
    #[error("the old configuration stays in use: another domain or data folder needs a restart")]
    Identity,
    /// The certificates are of no use; the old ones stay.
    #[error("the old certificates stay in use: {0}")]
    Certificates(ReloadError),
}

/// Somebody, for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user part of the address.
    pub name: Box<str>,
    /// What others see.
    pub display_name: Option<Box<str>>,
    /// Who may take over whose calls.
    pub groups: Vec<Box<str>>,
    /// Whether the configuration file, and not the database, has them.
    pub configured: bool,
    /// Why they cannot be used: another realm's password.
    pub stale: bool,
}

impl Switchboard {
    /// Everybody, by name.
    pub fn people(&self) -> Vec<Person> {
        let config = self.config();
        let person = |name: &str, user: &User, configured, stale| Person {
            name: name.into(),
            display_name: user.display_name.clone(),
            groups: user.groups.clone(),
            configured,
            stale,
        };
        let configured = people::members(&config.users, &self.store.memberships());
        let mut people: Vec<Person> =
            configured.iter().map(|(name, user)| person(name, user, true, false)).collect();
        for row in self.store.users() {
            if !config.users.contains_key(&row.name) {
                people.push(person(&row.name, &row.user, false, *row.realm != *config.realm()));
            }
        }
        people.sort_by(|one, two| one.name.cmp(&two.name));
        people
    }

    /// Adds somebody, who may register from now on.
    pub fn add_person(
        &self,
        name: &str,
        password: &str,
        display_name: Option<Box<str>>,
        groups: Vec<Box<str>>,
    ) -> Result<(), Refusal> {
        people::check_name(name).map_err(|error| Refusal::Name(name.into(), error))?;
        if password.is_empty() {
            return Err(Refusal::EmptyPassword);
        }
        let config = self.config();
        if config.users.contains_key(name) || self.store.users().iter().any(|row| *row.name == *name) {
            return Err(Refusal::Exists(name.into()));
        }
        if self.servers.known().names.iter().any(|(server, _)| **server == *name) {
            return Err(Refusal::Server(name.into()));
        }
        let realm = config.realm();
        let user = User { display_name, groups, ..people::user(name, realm, password) };
        self.store.put_user(UserRow { name: name.into(), realm: realm.into(), user })?;
        self.spread(&config);
        self.feed.tell(What::UserAdded { user: name.into() });
        Ok(())
    }

    /// Gives somebody another password.
    pub fn change_password(&self, name: &str, password: &str) -> Result<(), Refusal> {
        if password.is_empty() {
            return Err(Refusal::EmptyPassword);
        }
        let config = self.config();
        if config.users.contains_key(name) {
            return Err(Refusal::Configured(name.into()));
        }
        let users = self.store.users();
        let row =
            users.iter().find(|row| *row.name == *name).ok_or_else(|| UserError::Unknown(name.into()))?;
        let realm = config.realm();
        let user = User {
            display_name: row.user.display_name.clone(),
            groups: row.user.groups.clone(),
            ..people::user(name, realm, password)
        };
        self.store.put_user(UserRow { name: name.into(), realm: realm.into(), user })?;
        self.spread(&config);
        self.feed.tell(What::PasswordChanged { user: name.into() });
        Ok(())
    }

    /// Puts somebody into these groups and no others: who may pick up, take over and join their calls, and which servers they may use.
    pub fn change_groups(&self, name: &str, groups: Vec<Box<str>>) -> Result<(), Refusal> {
        let config = self.config();
        if config.users.contains_key(name) {
            self.store.put_membership(name, Some(groups.clone()))?;
        } else {
            let row = self.store.users().into_iter().find(|row| *row.name == *name);
            let row = row.ok_or_else(|| UserError::Unknown(name.into()))?;
            self.store.put_user(UserRow { user: User { groups: groups.clone(), ..row.user }, ..row })?;
        }
        self.spread(&config);
        self.feed.tell(What::GroupsChanged { user: name.into(), groups });
        Ok(())
    }

    /// Puts somebody of the configuration file back into the groups that it says.
    pub fn reset_groups(&self, name: &str) -> Result<(), Refusal> {
        let config = self.config();
        let Some(groups) = config.users.get(name).map(|user| user.groups.clone()) else {
            let stored = self.store.users().iter().any(|row| *row.name == *name);
            return Err(if stored {
                Refusal::NotConfigured(name.into())
            } else {
                UserError::Unknown(name.into()).into()
            });
        };
        self.store.put_membership(name, None)?;
        self.spread(&config);
        self.feed.tell(What::GroupsChanged { user: name.into(), groups });
        Ok(())
    }

    /// Removes somebody; who is registered stays so until it ends, but can prove nothing any more.
    pub fn remove_person(&self, name: &str) -> Result<(), Refusal> {
        let config = self.config();
        if config.users.contains_key(name) {
            return Err(Refusal::Configured(name.into()));
        }
        self.store.remove_user(name)?;
        self.spread(&config);
        self.feed.tell(What::UserRemoved { user: name.into() });
        Ok(())
    }

    /// Whether there is such a person; `name` may be followed by `@` and the domain.
    pub fn expect_person(&self, name: &str) -> Result<(), Refusal> {
        let user = name.split_once('@').map_or(name, |(user, _)| user);
        let known = self.people().iter().any(|person| *person.name == *user);
        if known { Ok(()) } else { Err(UserError::Unknown(name.into()).into()) }
    }

    /// The calls in the message rings, the latest first.
    pub fn calls(&self) -> Vec<CallSummary> {
        let mut calls: Vec<CallSummary> = Vec::new();
        for event in self.ask(Command::ListCalls) {
            if let Event::Calls(_, more) = event {
                calls.extend(more);
            }
        }
        calls.sort_by(|one, two| two.since.cmp(&one.since).then_with(|| one.call_id.cmp(&two.call_id)));
        calls
    }

    /// The messages of one call, oldest first. `call` is its Call-ID, or the beginning of one if only
    /// one begins so.
    pub fn messages(&self, call: &str) -> Result<(Box<str>, Vec<Recorded>), Refusal> {
        let mut found = self.messages_of(call);
        let mut call_id: Box<str> = call.into();
        if found.is_empty() && !call.is_empty() {
            let calls = self.calls();
            let mut meant = calls.iter().map(|summary| &summary.call_id).filter(|id| id.starts_with(call));
            if let (Some(only), None) = (meant.next(), meant.next()) {
                call_id = only.clone();
                found = self.messages_of(only);
            }
        }
        if found.is_empty() {
            return Err(Refusal::NoSuchCall);
        }
        found.sort_by_key(|message| message.at);
        Ok((call_id, found))
    }

    /// The URI of whoever is to be called: a user, a number or an address.
    pub fn address(&self, whom: &str) -> Result<Box<str>, Refusal> {
        let whom = whom.trim();
        let uri = match (whom.contains(':'), whom.contains('@')) {
            (true, _) => whom.to_owned(),
            (false, true) => format!("sip:{whom}"),
            (false, false) => format!("sip:{}@{}", Escape(whom, Place::User), self.config().realm()),
        };
        let callable = UriRef::parse(&uri).is_ok_and(|parsed| parsed.is_sip() && parsed.user().is_some());
        if callable && !whom.is_empty() { Ok(uri.into()) } else { Err(Refusal::Address(whom.into())) }
    }

    /// Reads the configuration file again and uses what can change while it runs. Tells what needs a
    /// restart. Whatever is wrong changes nothing.
    pub fn reload(&self) -> Result<Vec<&'static str>, Refusal> {
        let path = self.path.as_ref().ok_or(Refusal::NoFile)?;
        let new = config::load(path).map_err(Refusal::Config)?;
        let mut config = self.config();
        if new.domains != config.domains || new.data != config.data {
            return Err(Refusal::Identity);
        }
        let servers = self.set_up_as(&new)?;
        self.servers.change(&config.servers.list, &servers.list)?;
        match self.agents.reload_certificates() {
            Ok(()) | Err(ReloadError::NoTls) => {}
            Err(error) => {
                self.servers.change(&servers.list, &config.servers.list)?;
                return Err(Refusal::Certificates(error));
            }
        }
        let running = mixed(&config.servers.list, &servers.list);
        let waits =
            needs_restart(&config, &new, servers.media == config.servers.media && running == servers.list);
        config.servers.list = running;
        config.declared = new.declared;
        config.users = new.users;
        config.groups = new.groups;
        config.rules = new.rules;
        config.announcements = new.announcements;
        config.auth = new.auth;
        config.registrar = new.registrar;
        config.timer_c = new.timer_c;
        config.relay_for_users = new.relay_for_users;
        config.external_transfer = new.external_transfer;
        config.takeovers = new.takeovers;
        config.watching = new.watching;
        config.neighbours = new.neighbours;
        config.ring_bytes = new.ring_bytes;
        config.log.level = new.log.level;
        self.store.limit_contacts(config.registrar.max_contacts);
        self.agents.command(Command::UseSettings(Arc::new(config.settings(self.key))));
        self.servers.use_config(&config);
        if let Some(logging) = &self.logging {
            logging.change(&config.log);
        }
        self.spread(&config);
        self.feed.tell(What::Reloaded);
        Ok(waits)
    }

    /// Tells agents and store who exists. Whose password is of another realm is left out; how many is
    /// told.
    pub fn spread_directory(&self) -> usize {
        let config = self.config();
        self.spread(&config)
    }

    /// Listens to what happens from now on, until [`Switchboard::listen_no_more`]. The agents tell only what somebody hears.
    pub fn listen(&self) -> Result<Ear, Refusal> {
        let mut listening = self.listeners();
        if *listening >= MAX_LISTENERS {
            return Err(Refusal::TooManyListeners);
        }
        *listening += 1;
        let ear = self.feed.listen();
        if *listening == 1 {
            self.tell_news(Audience::Somebody);
        }
        Ok(ear)
    }

    /// One listens no longer.
    pub fn listen_no_more(&self) {
        let mut listening = self.listeners();
        *listening = listening.saturating_sub(1);
        if *listening == 0 {
            self.tell_news(Audience::Nobody);
        }
    }

    fn tell_news(&self, audience: Audience) {
        self.agents.command(Command::TellNews(audience));
        self.servers.tell_news(audience);
    }

    fn listeners(&self) -> MutexGuard<'_, usize> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All figures as Prometheus reads them.
    pub fn metrics(&self) -> String {
        let store = self.store.figures();
        let figures = self.agents.figures();
        let gauges = figures.gauges.into_iter();
        let metrics =
            gauges.fold(Metrics::default(), |metrics, (name, help, value)| metrics.gauge(name, help, value));
        metrics
            .build()
            .gauge("uptime_seconds", "Since the start.", self.now().as_micros() / 1_000_000)
            .gauge("registrations", "Contacts that are registered.", store.bindings)
            .gauge("users", "People in the directory.", self.store.directory().users.len())
            .gauge("store_waiting", "Changes that are not on disk yet.", store.waiting)
            .counters([
                ("store_commits", "Transactions committed.", store.commits),
                ("store_rows", "Rows written or removed.", store.rows),
                ("store_failures", "Transactions that failed.", store.failures),
            ])
            .counters(figures.counters)
            .into_text()
    }

    /// Now, by the clock of the drivers.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The configuration in use. Changes to people are made under this lock, one after the other.
    pub fn config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What somebody has set up for their calls, and whether that is the configuration's word.
    pub fn rules(&self, name: &str) -> Result<(Written, bool), Refusal> {
        self.expect_person(name)?;
        let stored = self.store.rules().remove(name);
        let configured = stored.is_none();
        let rules = stored.or_else(|| self.config().rules.get(name).cloned());
        Ok((rules.unwrap_or_default(), configured))
    }

    /// Sets up somebody's calls anew, as a whole; nothing goes back to what the configuration says.
    pub fn change_rules(&self, name: &str, rules: Option<Written>) -> Result<(), Refusal> {
        self.expect_person(name)?;
        let people = self.people();
        let config = self.config();
        if let Some(written) = &rules {
            let known = |other: &str| people.iter().any(|person| *person.name == *other);
            written.check(name, &config.domains, known)?;
        }
        self.store.put_rules(name, rules.clone())?;
        self.spread(&config);
        self.feed.tell(What::RulesChanged { user: name.into(), rules });
        Ok(())
    }

    /// Has calls of somebody forwarded on an occasion, or on that one no more; what else they have set up stays.
    pub fn forward(&self, name: &str, when: Occasion, to: Option<&str>) -> Result<(), Refusal> {
        let (mut rules, _) = self.rules(name)?;
        let Forward { always, busy, no_answer, after_s, .. } = &mut rules.forward;
        let place = match when {
            Occasion::Always => always,
            Occasion::Busy => busy,
            Occasion::NoAnswer => {
                // A code says nothing of the time.
                *after_s = to.map(|_| after_s.unwrap_or(RINGS_S));
                no_answer
            }
        };
        *place = to.map(str::to_owned);
        self.change_rules(name, Some(rules))
    }

    /// Hands over the call in which somebody was last, who leaves it; how that ended, as a telephone would be told.
    pub fn transfer_last(&self, user: &str, to: &str) -> Result<Status, Refusal> {
        let to = self.address(to)?;
        let found = self.ask(Command::LastCallOf { user: user.into() }).into_iter();
        let calls = found.filter_map(|event| match event {
            Event::LastCall(_, call) => call,
            _ => None,
        });
        let last = calls.max_by_key(|call| call.heard).ok_or(Refusal::NoSuchCall)?;
        let (_, operated) =
            self.operate(&last.call_id, Operation::Transfer { leaves: Some(user.into()), to })?;
        Ok(match operated.outcome {
            Outcome::Completed => Status::OK,
            _ => operated.status.filter(|status| !status.is_success()).unwrap_or(Status::SERVICE_UNAVAILABLE),
        })
    }

    fn spread(&self, config: &Config) -> usize {
        let (directory, left_out) = people::listed(config, &self.store, self.servers.known());
        self.servers.use_directory(&directory);
        self.store.use_directory(Arc::clone(&directory));
        self.agents.command(Command::UseDirectory(directory));
        left_out
    }

    fn messages_of(&self, call: &str) -> Vec<Recorded> {
        let events = self.ask(Command::ShowCall { call_id: call.into() });
        let messages = events.into_iter().filter_map(|event| match event {
            Event::Messages(_, messages) => Some(messages),
            _ => None,
        });
        messages.flatten().collect()
    }

    fn ask(&self, command: Command) -> Vec<Event> {
        let id = self.agents.command(command);
        self.answers.wait(id, usize::from(self.agents.shards()), PATIENCE)
    }
}

/// The keys that differ and that only a restart can change.
/// `same_servers`: those that are declared now all run.
fn needs_restart(old: &Config, new: &Config, same_servers: bool) -> Vec<&'static str> {
    let differs = [
        ("shards", old.shards != new.shards),
        ("node", old.node != new.node),
        ("listen", old.listen != new.listen),
        ("http.address", old.http != new.http),
        ("tls", old.tls != new.tls),
        ("websocket", old.origins != new.origins),
        ("dns", old.dns != new.dns),
        ("log.format", old.log.json != new.log.json),
        ("limits", old.limits != new.limits),
        ("servers", !same_servers),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
