//! The thread that writes: what is urgent before it is answered, refreshes within a second.

use cordboard_net::Reply;
use cordboard_service::door::{Answer, Event, ShardId};
use cordboard_service::location::RegisterError;
use cordboard_service::news::{News, RegistrationNews};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::kept::Keeping;
use super::memory::{Dirty, Memory};
use super::rows::{self, BindingRow, FreshRow, Translator, UserRow};
use super::{Counts, Listener, Shared, UserError};
use crate::config::Setup;
use crate::rules::Written;

/// How long the first of a batch waits for others at most.
const GATHER: Duration = Duration::from_millis(10);
/// A pause in the stream of requests that ends a batch early.
const LULL: Duration = Duration::from_millis(1);
/// Requests in one batch.
const MAX_BATCH: usize = 4096;
/// How long a refresh may lag; half of what is promised.
const LAG: Duration = Duration::from_millis(500);
/// Rows copied out of memory under one lock.
const CHUNK: usize = 1024;

/// Who waits for a commit.
#[derive(Debug)]
pub(super) enum Waiting {
    /// A shard.
    Shard(Reply),
    /// Somebody in this process.
    Caller(Sender<Answer>),
}

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Work {
    /// Commit what is urgent and give this answer.
    Commit(Waiting, Answer),
    /// Write down, or forget, something of a server.
    Keep(Keeping, Option<Waiting>),
    /// Change the people.
    User(UserChange, Sender<Result<(), UserError>>),
    /// Write everything, then tell.
    Flush(Sender<()>),
    /// Write everything and end.
    Stop,
}

/// A change to the people, or to what is set up.
#[derive(Debug)]
pub(super) enum UserChange {
    Put(Box<UserRow>),
    Remove(Box<str>),
    /// What they have set up for their calls; nothing goes back to what the configuration says.
    Rules(Box<str>, Option<Box<Written>>),
    /// The groups of somebody of the file; nothing goes back to what the file says.
    Groups(Box<str>, Option<Vec<Box<str>>>),
    /// How a server is set up; nothing goes back to what the file says.
    Setup(Box<str>, Option<Box<Setup>>),
}

pub(super) struct Committer {
    pub(super) connection: Connection,
    pub(super) translator: Translator,
    pub(super) shared: Arc<Shared>,
    pub(super) work: Receiver<Work>,
    /// Hears which registrations have ended.
    pub(super) listener: Listener,
}

impl Committer {
    /// Works until [`Work::Stop`] or until nobody can ask any more.
    pub(super) fn run(mut self) {
        let mut flushed = Instant::now();
        let mut crowded = false;
        loop {
            let mut batch = Batch::default();
            let wait = LAG.saturating_sub(flushed.elapsed());
            match self.work.recv_timeout(wait) {
                Ok(work) => batch.take(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => batch.stop = true,
            }
            self.gather(&mut batch, crowded);
            crowded = batch.answers.len() > 1;
            let all = batch.stop || !batch.flushes.is_empty() || flushed.elapsed() >= LAG;
            if all {
                flushed = Instant::now();
            }
            self.commit(&mut batch, all);
            if batch.stop {
                return;
            }
        }
    }

    /// Takes what else is there. Only where requests come in crowds is it worth waiting for more.
    fn gather(&self, batch: &mut Batch, crowded: bool) {
        let until = Instant::now() + GATHER;
        while !batch.is_full() {
            let wait = if crowded && !batch.answers.is_empty() { LULL } else { Duration::ZERO };
            if Instant::now() > until {
                return;
            }
            match self.work.recv_timeout(wait) {
                Ok(work) => batch.take(work),
                Err(_) => return,
            }
        }
    }

    fn commit(&mut self, batch: &mut Batch, all: bool) {
        let urgent = self.memory(Memory::take_urgent);
        match self.write(&urgent) {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "registrations could not be stored");
                self.shared.counts.failed();
                self.take_back(&urgent);
                for (_, answer) in &mut batch.answers {
                    *answer = Answer::Registered(Err(RegisterError::NotStored));
                }
            }
        }
        send(std::mem::take(&mut batch.answers));
        self.keep(std::mem::take(&mut batch.kept));
        if all {
            self.write_late();
        }
        for (change, done) in std::mem::take(&mut batch.users) {
            // Nobody waits any more if the receiver is gone.
            let _ = done.send(self.change_user(change));
        }
        for done in batch.flushes.drain(..) {
            let _ = done.send(());
        }
    }

    /// Writes what servers have to keep, in one transaction; they hear whether it is kept.
    fn keep(&mut self, kept: Vec<(Keeping, Option<Waiting>)>) {
        if kept.is_empty() {
            return;
        }
        let written = self.connection.transaction().and_then(|transaction| {
            kept.iter().try_for_each(|(keeping, _)| keeping.write(&transaction, &self.translator))?;
            transaction.commit()
        });
        match &written {
            Ok(()) => self.shared.counts.committed(kept.len()),
            Err(error) => {
                tracing::error!(%error, "calls of a server could not be written down; they will not survive");
                self.shared.counts.failed();
            }
        }
        let answer = Answer::Kept(written.is_ok());
        send(kept.into_iter().filter_map(|(_, waiting)| Some((waiting?, answer.clone()))).collect());
    }

    /// Everything that may lag, in portions, so that no lock is held for long.
    fn write_late(&mut self) {
        let now = self.translator.clock.now();
        for (user, left) in self.memory(|memory| memory.expire(now)) {
            let news = News::Registration(RegistrationNews::of(&user, &left));
            (self.listener)(now, ShardId(0), Event::News(news));
        }
        loop {
            let late = self.memory(|memory| memory.take_late(CHUNK));
            if late.is_empty() {
                return;
            }
            if let Err(error) = self.write(&late) {
                tracing::error!(%error, "refreshed registrations could not be stored; trying again");
                self.shared.counts.failed();
                self.memory(|memory| memory.put_back(late));
                return;
            }
        }
    }

    fn write(&mut self, dirty: &Dirty) -> rusqlite::Result<()> {
        if dirty.is_empty() {
            return Ok(());
        }
        let (whole, fresh): (Vec<BindingRow>, Vec<FreshRow>) = self.memory(|memory| {
            let rows = dirty.stored.iter().filter_map(|at| memory.location.binding(*at));
            let whole = rows.map(|binding| BindingRow::of(&binding)).collect();
            let rows = dirty.refreshed.iter().filter_map(|at| memory.location.binding(*at));
            (whole, rows.map(|binding| FreshRow::of(&binding)).collect())
        });
        let transaction = self.connection.transaction()?;
        for number in &dirty.removed {
            rows::remove_binding(&transaction, *number)?;
        }
        for row in &whole {
            row.write(&transaction, &self.translator)?;
        }
        for row in &fresh {
            row.write(&transaction, &self.translator)?;
        }
        transaction.commit()?;
        self.shared.counts.committed(whole.len() + fresh.len() + dirty.removed.len());
        Ok(())
    }

    /// RFC 3261 §10.3 step 7: what could not be kept is undone; memory becomes what the disk has.
    fn take_back(&self, dirty: &Dirty) {
        let now = self.translator.clock.now();
        self.memory(|memory| {
            let mut numbers = dirty.removed.clone();
            for at in &dirty.stored {
                numbers.extend(memory.location.binding(*at).map(|binding| binding.number));
                memory.location.forget(*at);
            }
            for number in numbers {
                let restored =
                    rows::restore_one(&self.connection, &self.translator, now, &mut memory.location, number);
                if let Err(error) = restored {
                    tracing::error!(%error, "a registration could not be read back");
                }
            }
        });
    }

    fn change_user(&mut self, change: UserChange) -> Result<(), UserError> {
        let transaction = self.connection.transaction()?;
        match change {
            UserChange::Put(row) => row.write(&transaction)?,
            UserChange::Remove(name) => {
                if !rows::remove_user(&transaction, &name)? {
                    return Err(UserError::Unknown(name));
                }
                // Whoever has the name next has set up nothing.
                rows::write_rules(&transaction, &name, None)?;
            }
            UserChange::Rules(name, rules) => rows::write_rules(&transaction, &name, rules.as_deref())?,
            UserChange::Groups(name, groups) => {
                rows::write_membership(&transaction, &name, groups.as_deref())?;
            }
            UserChange::Setup(name, setup) => rows::write_setup(&transaction, &name, setup.as_deref())?,
        }
        transaction.commit()?;
        *super::lock(&self.shared.changed) = rows::Changed::read(&self.connection)?;
        Ok(())
    }

    fn memory<T>(&self, what: impl FnOnce(&mut Memory) -> T) -> T {
        what(&mut self.shared.memory())
    }
}

/// Requests that are answered together.
#[derive(Default)]
struct Batch {
    answers: Vec<(Waiting, Answer)>,
    kept: Vec<(Keeping, Option<Waiting>)>,
    users: Vec<(UserChange, Sender<Result<(), UserError>>)>,
    flushes: Vec<Sender<()>>,
    stop: bool,
}

impl Batch {
    fn take(&mut self, work: Work) {
        match work {
            Work::Commit(waiting, answer) => self.answers.push((waiting, answer)),
            Work::Keep(keeping, waiting) => self.kept.push((keeping, waiting)),
            Work::User(change, done) => self.users.push((change, done)),
            Work::Flush(done) => self.flushes.push(done),
            Work::Stop => self.stop = true,
        }
    }

    const fn is_full(&self) -> bool {
        self.stop || self.answers.len() + self.kept.len() >= MAX_BATCH
    }
}

fn send(answers: Vec<(Waiting, Answer)>) {
    let mut replies = Vec::with_capacity(answers.len());
    for (waiting, answer) in answers {
        match waiting {
            Waiting::Shard(reply) => replies.push((reply, answer)),
            // Nobody waits any more if the receiver is gone.
            Waiting::Caller(caller) => drop(caller.send(answer)),
        }
    }
    Reply::send_all(replies);
}

impl Counts {
    fn committed(&self, rows: usize) {
        self.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, std::sync::atomic::Ordering::Relaxed);
    }

    fn failed(&self) {
        self.failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
