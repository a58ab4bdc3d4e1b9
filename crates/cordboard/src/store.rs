//! What outlives the process: people and where they can be reached, in `SQLite`.
//!
//! Lookups are answered from memory. A contact that is new, moved or removed is on disk before its
//! REGISTER is answered; a refresh follows within a second. One thread writes; nobody else waits for
//! the disk.

mod committer;
mod kept;
mod memory;
mod rows;
mod schema;

use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_net::Reply;
use cordboard_service::directory::Directory;
use cordboard_service::door::{Answer, Event, Question, ShardId};
use cordboard_service::location::{
    Aor, Binding, Located, Location, RegisterError, Registration, Urgency, Wanted,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use crate::config::Setup;
use crate::rules::Written;
use committer::{Committer, UserChange, Waiting, Work};
use kept::Left;
use memory::Memory;
use rows::Changed;

pub use rows::{Translator, UserRow};
pub use schema::OpenError;

/// Called with each event of the agents.
pub type Listener = Arc<dyn Fn(Instant, ShardId, Event) + Send + Sync>;

/// The store of one switchboard.
pub struct Store {
    shared: Arc<Shared>,
    work: Sender<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
    listener: Listener,
}

/// What the store has done and has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bindings in memory.
    pub bindings: u64,
    /// Changes that are not on disk yet.
    pub waiting: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Rows written or removed.
    pub rows: u64,
    /// Transactions that failed.
    pub failures: u64,
}

/// Why somebody could not be added, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such person in the database.
    #[error("there is no user {0}: `cordboard ctl users list` names all")]
    Unknown(Box<str>),
    /// It could not be written.
    #[error("the database does not take it: {0}; check the disk")]
    NotStored(#[from] rusqlite::Error),
    /// The switchboard is shutting down.
    #[error("the switchboard is shutting down: try again when it is back")]
    Closing,
}

impl Store {
    /// Opens the database in `folder` and puts back every binding that has not ended. `key` keys the
    /// hashes of the tables; `listener` hears what the agents tell.
    pub fn open(
        folder: &Path,
        translator: Translator,
        max_contacts: usize,
        key: [u8; 16],
        listener: Listener,
    ) -> Result<Self, OpenError> {
        let path = folder.join("cordboard.db");
        let connection = schema::open(&path)?;
        let unusable = |source| OpenError::Unusable { path: path.clone(), source };
        let mut location = Location::new(max_contacts, key);
        let left_out = rows::restore(&connection, &translator, translator.clock.now(), &mut location)
            .map_err(unusable)?;
        if left_out > 0 {
            tracing::warn!(
                registrations = left_out,
                "nothing listens for their transport any more; left out"
            );
        }
        let changed = rows::Changed::read(&connection).map_err(unusable)?;
        let left = kept::read(&connection, &translator).map_err(unusable)?;
        let shared = Arc::new(Shared {
            left: Mutex::new(left),
            memory: Mutex::new(Memory::new(location)),
            changed: Mutex::new(changed),
            directory: RwLock::new(Arc::default()),
            counts: Counts::default(),
        });
        let (work, orders) = channel();
        let committer = Committer {
            connection,
            translator,
            shared: Arc::clone(&shared),
            work: orders,
            listener: Arc::clone(&listener),
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| OpenError::Unwritable { path, source })?;
        Ok(Self { shared, work, thread: Mutex::new(Some(thread)), listener })
    }

    /// Registers as a shard's REGISTER does; `answer` hears when it is kept.
    pub fn register(&self, now: Instant, asked: &Registration, answer: Sender<Answer>) {
        let waiting = Waiting::Caller(answer);
        if let Some((Waiting::Caller(answer), said)) = self.change(now, asked, waiting) {
            // Nobody waits any more if the receiver is gone.
            let _ = answer.send(said);
        }
    }

    /// Where a request may go.
    pub fn locate(&self, now: Instant, wanted: &Wanted) -> Located {
        let mut located = self.shared.memory().location.locate(now, wanted);
        located.known |= match wanted {
            Wanted::Aor(aor) | Wanted::Instance(aor, _) => self.knows(aor),
            Wanted::Contact(_) => false,
        };
        located
    }

    /// Hands every binding that has not ended to `see`, in no particular order, until it returns false.
    /// Memory is locked meanwhile: no slow work in there.
    pub fn bindings(&self, now: Instant, mut see: impl FnMut(&Binding<'_>) -> bool) {
        let memory = self.shared.memory();
        for binding in memory.location.bindings(now) {
            if !see(&binding) {
                return;
            }
        }
    }

    /// Everybody in the database.
    pub fn users(&self) -> Vec<UserRow> {
        lock(&self.shared.changed).users.clone()
    }

    /// Adds or replaces somebody; returns when it is kept.
    pub fn put_user(&self, row: UserRow) -> Result<(), UserError> {
        self.change_user(UserChange::Put(Box::new(row)))
    }

    /// Removes somebody; returns when it is kept.
    pub fn remove_user(&self, name: &str) -> Result<(), UserError> {
        self.change_user(UserChange::Remove(name.into()))
    }

    /// What people have set up for their calls at run time.
    pub fn rules(&self) -> BTreeMap<Box<str>, Written> {
        lock(&self.shared.changed).rules.clone()
    }

    /// Keeps what somebody has set up, or forgets it; returns when that is kept.
    pub fn put_rules(&self, user: &str, rules: Option<Written>) -> Result<(), UserError> {
        self.change_user(UserChange::Rules(user.into(), rules.map(Box::new)))
    }

    /// The groups of those of the configuration file who were put into others at run time.
    pub fn memberships(&self) -> BTreeMap<Box<str>, Vec<Box<str>>> {
        lock(&self.shared.changed).memberships.clone()
    }

    /// Keeps into which groups somebody of the file was put, or forgets it; returns when that is kept.
    pub fn put_membership(&self, user: &str, groups: Option<Vec<Box<str>>>) -> Result<(), UserError> {
        self.change_user(UserChange::Groups(user.into(), groups))
    }

    /// How servers are set up at run time, by name.
    pub fn setups(&self) -> BTreeMap<Box<str>, Setup> {
        lock(&self.shared.changed).setups.clone()
    }

    /// Keeps how a server is set up, or forgets it; returns when that is kept.
    pub fn put_setup(&self, server: &str, setup: Option<Setup>) -> Result<(), UserError> {
        self.change_user(UserChange::Setup(server.into(), setup.map(Box::new)))
    }

    /// Lookups know these people from now on.
    pub fn use_directory(&self, directory: Arc<Directory>) {
        *self.shared.directory.write().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    /// The people that lookups know.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.shared.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes how many contacts an address may have.
    pub fn limit_contacts(&self, max_contacts: usize) {
        self.shared.memory().location.limit_contacts(max_contacts);
    }

    /// Figures for metrics.
    pub fn figures(&self) -> StoreFigures {
        let counts = &self.shared.counts;
        let memory = self.shared.memory();
        StoreFigures {
            bindings: memory.location.len() as u64,
            waiting: memory.waiting() as u64,
            commits: counts.commits.load(Ordering::Relaxed),
            rows: counts.rows.load(Ordering::Relaxed),
            failures: counts.failures.load(Ordering::Relaxed),
        }
    }

    /// Returns once everything is on disk.
    pub fn flush(&self) {
        let (done, wait) = channel();
        if self.work.send(Work::Flush(done)).is_ok() {
            // An error means that the thread ended, and it writes everything before it does.
            let _ = wait.recv();
        }
    }

    /// Writes everything and ends the thread. What is asked later is refused.
    pub fn close(&self) {
        let _ = self.work.send(Work::Stop);
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores registrations has broken down");
        }
    }

    /// Applies a change in memory. Gives the answer back if it needs no commit.
    fn change(&self, now: Instant, asked: &Registration, waiting: Waiting) -> Option<(Waiting, Answer)> {
        let outcome = {
            let mut memory = self.shared.memory();
            memory.location.handle(now, asked).map(|(registered, persist)| {
                let urgency = persist.urgency;
                memory.note(persist);
                (registered, urgency)
            })
        };
        let (registered, urgency) = match outcome {
            Ok(done) => done,
            Err(refused) => return Some((waiting, Answer::Registered(Err(refused)))),
        };
        let answer = Answer::Registered(Ok(registered));
        if urgency < Urgency::Now {
            return Some((waiting, answer));
        }
        match self.work.send(Work::Commit(waiting, answer)) {
            Ok(()) => None,
            Err(unsent) => match unsent.0 {
                Work::Commit(waiting, _) => {
                    Some((waiting, Answer::Registered(Err(RegisterError::NotStored))))
                }
                Work::Keep(..) | Work::User(..) | Work::Flush(_) | Work::Stop => None,
            },
        }
    }

    fn change_user(&self, change: UserChange) -> Result<(), UserError> {
        let (done, wait) = channel();
        self.work.send(Work::User(change, done)).map_err(|_| UserError::Closing)?;
        wait.recv().unwrap_or(Err(UserError::Closing))
    }

    fn knows(&self, aor: &Aor) -> bool {
        let user = aor.0.rsplit_once('@').map_or(&*aor.0, |(user, _)| user);
        self.directory().users.contains_key(user)
    }
}

impl cordboard_net::Store for Store {
    fn ask(&self, now: Instant, question: Question, reply: Reply) -> Option<Answer> {
        match question {
            Question::Locate(wanted) => Some(Answer::Located(self.locate(now, &wanted))),
            Question::Register(asked) => {
                self.change(now, &asked, Waiting::Shard(reply)).map(|(_, answer)| answer)
            }
            // The switchboard itself has no calls of its own.
            Question::Keep { name, text, due } => self.keep("", name, text, due, reply),
            // The drivers answer these two themselves; should one come here, it has no answer.
            Question::Dns(_) => Some(Answer::Dns(cordboard_core::dns::Records::Failed)),
            Question::Open { .. } => {
                Some(Answer::Opened(Err(cordboard_core::transport::FlowError::Unreachable)))
            }
        }
    }

    fn event(&self, now: Instant, shard: ShardId, event: Event) {
        (self.listener)(now, shard, event);
    }

    fn flow_closed(&self, _now: Instant, flow: Flow) {
        self.shared.memory().location.flow_closed(&flow);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the writing thread and the askers share.
struct Shared {
    left: Mutex<Left>,
    memory: Mutex<Memory>,
    changed: Mutex<Changed>,
    directory: RwLock<Arc<Directory>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    rows: AtomicU64,
    failures: AtomicU64,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

/// A panic elsewhere leaves bindings that are still good to route by.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
