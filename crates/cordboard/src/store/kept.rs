//! What servers have written down, to go on with after a restart.

use cordboard_core::time::Instant;
use cordboard_net::Reply;
use cordboard_service::door::Answer;
use cordboard_service::kept::{Record, RecordName};
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeMap;
use std::sync::mpsc::Sender;

use super::committer::{Waiting, Work};
use super::rows::Translator;
use super::{Store, lock};

/// Records that one server may have: more calls than one has at a time.
const MAX_RECORDS: usize = 20_000;

/// What the process before has left behind, by server.
pub(super) type Left = BTreeMap<Box<str>, Vec<(RecordName, Record)>>;

/// A record to be written, or forgotten.
#[derive(Debug)]
pub(super) struct Keeping {
    server: Box<str>,
    name: RecordName,
    text: Option<Box<str>>,
    due: Option<Instant>,
}

impl Keeping {
    pub(super) fn write(&self, to: &Transaction<'_>, translator: &Translator) -> rusqlite::Result<()> {
        let Some(text) = &self.text else {
            return to
                .prepare_cached("DELETE FROM kept WHERE server = ?1 AND name = ?2")?
                .execute(params![self.server, self.name.0])
                .map(drop);
        };
        let due = self.due.map(|due| translator.millis(due));
        to.prepare_cached("INSERT OR REPLACE INTO kept (server, name, record, due) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.server, self.name.0, text, due])
            .map(drop)
    }
}

impl Store {
    /// Writes down something of a server as its agent does, in the form of [`Record::to_text`]; `answer` hears whether it is
    /// kept.
    pub fn write_down(
        &self,
        server: &str,
        name: RecordName,
        (text, due): (Option<Box<str>>, Option<Instant>),
        answer: Sender<Answer>,
    ) {
        let keeping = Keeping { server: server.into(), name, text, due };
        // Who asks a store that is closing finds nobody at the other end.
        let _ = self.work.send(Work::Keep(keeping, Some(Waiting::Caller(answer))));
    }

    /// Keeps something of a server, or forgets it; in the order in which that is asked.
    pub fn keep(
        &self,
        server: &str,
        name: RecordName,
        text: Option<Box<str>>,
        due: Option<Instant>,
        reply: Reply,
    ) -> Option<Answer> {
        let keeping = Keeping { server: server.into(), name, text, due };
        match self.work.send(Work::Keep(keeping, Some(Waiting::Shard(reply)))) {
            Ok(()) => None,
            Err(_) => Some(Answer::Kept(false)),
        }
    }

    /// What the process before has left behind of a server. It is given out once: what comes of it is the server's.
    pub fn left_by(&self, server: &str) -> Vec<(RecordName, Record)> {
        lock(&self.shared.left).remove(server).unwrap_or_default()
    }

    /// Forgets what servers have left behind that are not there any more.
    pub fn abandon_all_but(&self, servers: &[&str]) {
        let left = std::mem::take(&mut *lock(&self.shared.left));
        let (stay, go): (Left, Left) = left.into_iter().partition(|(server, _)| servers.contains(&&**server));
        *lock(&self.shared.left) = stay;
        for (server, records) in go {
            tracing::error!(%server, records = records.len(), "there is no such server any more: its calls are forgotten");
            for (name, _) in records {
                let keeping = Keeping { server: server.clone(), name, text: None, due: None };
                // A store that is closing keeps them until the next start.
                let _ = self.work.send(Work::Keep(keeping, None));
            }
        }
    }
}

/// Reads everything. What cannot be read is named and left out; it will never be of use.
pub(super) fn read(connection: &Connection, translator: &Translator) -> rusqlite::Result<Left> {
    let mut all = Left::new();
    let mut damaged: Vec<(Box<str>, Box<str>)> = Vec::new();
    let mut statement =
        connection.prepare("SELECT server, name, record, due FROM kept ORDER BY server, name")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (server, name): (Box<str>, Box<str>) = (row.get(0)?, row.get(1)?);
        let due = row.get::<_, Option<i64>>(3)?.map(|due| translator.instant(due));
        match Record::parse(row.get_ref(2)?.as_str()?, due) {
            Ok(record) => {
                let records = all.entry(server).or_default();
                if records.len() < MAX_RECORDS {
                    records.push((RecordName(name), record));
                }
            }
            Err(why) => {
                tracing::error!(%server, "what was kept of a call is of no use, and is forgotten: {why}");
                damaged.push((server, name));
            }
        }
    }
    for (server, name) in damaged {
        connection.execute("DELETE FROM kept WHERE server = ?1 AND name = ?2", params![server, name])?;
    }
    Ok(all)
}
