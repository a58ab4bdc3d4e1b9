//! Sees to it that what is to survive is written down in time, and gives it back to a new process.

use crate::call::{CallEvent, CallName};
use crate::desk::{Asker, Desk, Writing};
use crate::door::{Event, Level, Note, Output, Question};
use crate::kept::{Purpose, Record, RecordError, RecordName};
use crate::programs::Program;
use crate::settings::{Memory, Settings};
use crate::telephone::Telephone;
use cordboard_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Between one call that is taken up and the next: so many re-INVITEs at once would be a flood.
const PACE: Duration = Duration::from_millis(10);

/// The records of one agent.
#[derive(Debug)]
pub(crate) struct Keeper {
    memory: Memory,
    /// What is known to be written down, or about to be.
    calls: BTreeMap<CallName, (RecordName, Record)>,
    /// The same of what else a program has to do, by its number.
    notes: BTreeMap<u64, RecordName>,
    /// Calls that something has happened to since.
    changed: BTreeSet<CallName>,
    /// Calls that have ended since.
    ended: Vec<CallName>,
}

impl Keeper {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            memory: settings.role.memory(),
            calls: BTreeMap::new(),
            notes: BTreeMap::new(),
            changed: BTreeSet::new(),
            ended: Vec::new(),
        }
    }

    /// The telephone tells something.
    pub(crate) fn hears(&mut self, event: &CallEvent) {
        if let CallEvent::Ended { call, .. } = event
            && self.calls.contains_key(call)
        {
            self.ended.push(*call);
        }
    }

    /// Has written down what is to be; true if somebody waited for that and goes on.
    pub(crate) fn settle(
        &mut self,
        desk: &mut Desk,
        telephone: &mut Telephone,
        program: &mut Program,
        now: Instant,
    ) -> bool {
        if self.memory == Memory::Process {
            while program.poll_changed().is_some() {}
            let mut went_on = false;
            while let Some((number, note)) = program.poll_note() {
                program.noted(now, number);
                went_on |= note.is_some();
            }
            return went_on;
        }
        let mut went_on = false;
        while let Some(call) = telephone.poll_unkept() {
            if !self.keep(desk, telephone, program, call) {
                telephone.is_kept(desk, now, call);
                went_on = true;
            }
        }
        while let Some((number, note)) = program.poll_note() {
            if !self.note(desk, number, note) {
                program.noted(now, number);
                went_on = true;
            }
        }
        while let Some(call) = telephone.poll_changed() {
            self.changed.insert(call);
        }
        while let Some(call) = program.poll_changed() {
            self.changed.insert(call);
        }
        for call in std::mem::take(&mut self.changed) {
            self.renew(desk, telephone, program, call);
        }
        for call in std::mem::take(&mut self.ended) {
            self.forget(desk, call);
        }
        went_on
    }

    /// A record is written down, or could not be.
    pub(crate) fn kept(
        desk: &mut Desk,
        telephone: &mut Telephone,
        program: &mut Program,
        now: Instant,
        writing: Writing,
        done: bool,
    ) {
        if !done {
            // Whoever has the call would rather keep it than have it survive.
            note(desk, "what is to survive a restart could not be written down");
        }
        match writing {
            Writing::Call(call) => telephone.is_kept(desk, now, call),
            Writing::Note(number) => program.noted(now, number),
            Writing::Unawaited => {}
        }
    }

    /// Goes on with what another process has left behind.
    pub(crate) fn take_up(
        &mut self,
        desk: &mut Desk,
        telephone: &mut Telephone,
        program: &mut Program,
        now: Instant,
        records: &[(RecordName, Record)],
    ) {
        let mut wait = Duration::ZERO;
        for (name, record) in records {
            match self.take_up_one(desk, telephone, program, now + wait, (name, record)) {
                Ok(()) => wait += PACE,
                Err(why) => {
                    desk.out.push_back(Output::Event(Event::NotTakenUp(name.clone(), why)));
                    ask(desk, name.clone(), None, Writing::Unawaited);
                }
            }
        }
    }

    fn take_up_one(
        &mut self,
        desk: &mut Desk,
        telephone: &mut Telephone,
        program: &mut Program,
        now: Instant,
        (name, record): (&RecordName, &Record),
    ) -> Result<(), RecordError> {
        let Some(written) = record.call.as_ref() else {
            let number = program.take_up_note(now, record)?;
            self.notes.insert(number, name.clone());
            return Ok(());
        };
        let call = telephone.take_up(desk, now, written)?;
        let placed = program.take_up(now, record, call);
        if placed.is_ok() {
            self.calls.insert(call, (name.clone(), record.clone()));
        } else {
            // Nobody is left alone in a call.
            telephone.hang_up(desk, now, call);
        }
        placed
    }

    /// Has a call written down for the first time; false if nobody has to wait for that.
    fn keep(&mut self, desk: &mut Desk, telephone: &Telephone, program: &Program, call: CallName) -> bool {
        let Some(record) = record_of(telephone, program, call) else { return false };
        let Some(dialog) = record.call.as_ref().map(|call| &call.dialog) else { return false };
        let name = RecordName(format!("{}@{}", dialog.local_tag, dialog.call_id).into());
        let asked = ask(desk, name.clone(), Some(&record), Writing::Call(call));
        self.calls.insert(call, (name, record));
        asked
    }

    /// Has something of a program written down, or forgotten; false if nobody has to wait for that.
    fn note(&mut self, desk: &mut Desk, number: u64, note: Option<(Purpose, Instant)>) -> bool {
        let Some((purpose, due)) = note else {
            if let Some(name) = self.notes.remove(&number) {
                ask(desk, name, None, Writing::Unawaited);
            }
            return true;
        };
        let name = self.notes.entry(number).or_insert_with(|| RecordName(desk.stack.dice().tag().into()));
        ask(desk, name.clone(), Some(&Record { purpose, call: None, due: Some(due) }), Writing::Note(number))
    }

    /// Has what changed written down.
    fn renew(&mut self, desk: &mut Desk, telephone: &Telephone, program: &Program, call: CallName) {
        let Some((name, old)) = self.calls.get(&call) else { return };
        let name = name.clone();
        match record_of(telephone, program, call) {
            Some(record) if old.is_as_good_as(&record) => {}
            Some(record) => {
                ask(desk, name.clone(), Some(&record), Writing::Unawaited);
                self.calls.insert(call, (name, record));
            }
            // It is over, or it is there for nothing that survives any more.
            None => self.forget(desk, call),
        }
    }

    fn forget(&mut self, desk: &mut Desk, call: CallName) {
        if let Some((name, _)) = self.calls.remove(&call) {
            ask(desk, name, None, Writing::Unawaited);
        }
    }
}

/// Asks the driver to keep something, or to forget it; false if that could not be.
fn ask(desk: &mut Desk, name: RecordName, record: Option<&Record>, writing: Writing) -> bool {
    let text = record.and_then(|record| record.to_text().ok()).map(Into::into);
    if record.is_some() && text.is_none() {
        note(desk, "a call is too large to survive a restart");
    }
    let due = record.and_then(|record| record.due);
    desk.ask(Question::Keep { name, text, due }, Asker::Keeper(writing))
}

/// What is to be known of a call, if it is to survive.
fn record_of(telephone: &Telephone, program: &Program, call: CallName) -> Option<Record> {
    let (purpose, due) = program.purpose(call)?;
    Some(Record { purpose, call: Some(telephone.written(call)?), due })
}

fn note(desk: &mut Desk, says: &'static str) {
    let note = Note { level: Level::Error, says, call_id: None, flow: None, identity: None };
    desk.out.push_back(Output::Event(Event::Note(note)));
}
