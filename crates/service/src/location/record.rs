//! One binding, packed: half a million of them have to fit into little memory.

use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;

use super::ContactChange;
use super::Registration;

/// Where a record stands in the table. Used again once the record is gone.
pub(super) type Slot = u32;

/// No slot: the end of a chain.
pub(super) const NONE: Slot = Slot::MAX;

/// A binding. All its texts live in one allocation.
#[derive(Debug)]
pub(super) struct Record {
    texts: Box<str>,
    ends: [u32; 4],
    pub(super) flow: Flow,
    pub(super) expires: Instant,
    pub(super) updated: Instant,
    /// Never used again; the row's key in a store.
    pub(super) number: u64,
    /// The era of its instance; nothing without one.
    pub(super) era: u64,
    pub(super) cseq: u32,
    pub(super) reg_id: u32,
    /// The whole second under which the expiry queue holds this slot.
    pub(super) queued: u32,
    pub(super) next_of_aor: Slot,
    pub(super) next_of_contact: Slot,
    pub(super) prev_of_contact: Slot,
    pub(super) q: u16,
    pub(super) outbound: bool,
}

/// The texts of a record, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Texts<'a> {
    pub(super) aor: &'a str,
    pub(super) uri: &'a str,
    pub(super) call_id: &'a str,
    /// Empty when there is none.
    pub(super) instance: &'a str,
    /// Path values, each but the first after a line feed, which none of them can hold.
    pub(super) path: &'a str,
}

impl Texts<'_> {
    fn pack(&self) -> (Box<str>, [u32; 4]) {
        let mut texts = String::with_capacity(
            self.aor.len() + self.uri.len() + self.call_id.len() + self.instance.len() + self.path.len(),
        );
        let mut ends = [0; 4];
        for (end, text) in ends.iter_mut().zip([self.aor, self.uri, self.call_id, self.instance]) {
            texts.push_str(text);
            *end = texts.len() as u32;
        }
        texts.push_str(self.path);
        (texts.into_boxed_str(), ends)
    }
}

impl Record {
    /// A record outside every chain.
    pub(super) fn new(number: u64, texts: &Texts<'_>, flow: Flow, now: Instant) -> Self {
        let (texts, ends) = texts.pack();
        Self {
            texts,
            ends,
            flow,
            expires: now,
            updated: now,
            number,
            era: 0,
            cseq: 0,
            reg_id: 0,
            queued: 0,
            next_of_aor: NONE,
            next_of_contact: NONE,
            prev_of_contact: NONE,
            q: 1000,
            outbound: false,
        }
    }

    /// Replaces the texts, if any has changed.
    pub(super) fn rewrite(&mut self, texts: &Texts<'_>) {
        if self.texts() != *texts {
            (self.texts, self.ends) = texts.pack();
        }
    }

    /// Its texts.
    pub(super) fn texts(&self) -> Texts<'_> {
        let [aor, uri, call_id, instance] = self.ends.map(|end| end as usize);
        Texts {
            aor: &self.texts[..aor],
            uri: &self.texts[aor..uri],
            call_id: &self.texts[uri..call_id],
            instance: &self.texts[call_id..instance],
            path: &self.texts[instance..],
        }
    }

    pub(super) fn aor(&self) -> &str {
        &self.texts[..self.ends[0] as usize]
    }

    pub(super) fn uri(&self) -> &str {
        self.texts().uri
    }

    pub(super) fn instance(&self) -> Option<&str> {
        Some(self.texts().instance).filter(|instance| !instance.is_empty())
    }

    pub(super) fn is_instance(&self, instance: &str) -> bool {
        self.instance().is_some_and(|ours| ours.eq_ignore_ascii_case(instance))
    }

    pub(super) fn path(&self) -> impl Iterator<Item = &str> {
        self.texts().path.split('\n').filter(|value| !value.is_empty())
    }

    /// Takes what `change`, asked for by `registration`, says, and tells how much that changed.
    pub(super) fn refresh(
        &mut self,
        now: Instant,
        registration: &Registration,
        change: &ContactChange,
        path: &str,
    ) -> Refreshed {
        let texts = Texts {
            aor: &registration.aor.0,
            uri: &change.uri,
            call_id: &registration.call_id,
            instance: change.instance.as_deref().unwrap_or(""),
            path,
        };
        let before = self.texts();
        // A connection is lost with the process, so that another one is not worth keeping.
        let moved = before.uri != texts.uri
            || before.path != path
            || self.flow.transport != registration.flow.transport
            || (!self.flow.transport.is_reliable() && self.flow != registration.flow)
            || self.reg_id != change.reg_id
            || self.outbound != change.outbound;
        let changed = if moved {
            Refreshed::Place
        } else if before != texts || self.q != change.q {
            Refreshed::Words
        } else {
            Refreshed::Times
        };
        self.rewrite(&texts);
        self.flow = registration.flow;
        self.expires = now + change.expires;
        self.updated = now;
        self.cseq = registration.cseq;
        self.reg_id = change.reg_id;
        self.q = change.q;
        self.outbound = change.outbound;
        changed
    }
}

/// How much a refresh changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// When it ends, and the `CSeq`.
    Times,
    /// Its Call-ID, instance or preference too.
    Words,
    /// Where it leads: without this the phone is unreachable.
    Place,
}

/// Records by slot, in chunks: growing neither copies what is there nor doubles it.
#[derive(Debug, Default)]
pub(super) struct Records {
    chunks: Vec<Vec<Option<Record>>>,
    free: Vec<Slot>,
    len: usize,
}

/// Records in one chunk.
const CHUNK: usize = 512;

impl Records {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, record: Record) -> Slot {
        self.len += 1;
        if let Some(slot) = self.free.pop() {
            *self.place(slot) = Some(record);
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("a chunk was pushed if there was none");
        chunk.push(Some(record));
        (full + chunk.len() - 1) as Slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Record> {
        let record = self.place(slot).take()?;
        self.free.push(slot);
        self.len -= 1;
        Some(record)
    }

    pub(super) fn at(&self, slot: Slot) -> Option<&Record> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Record> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.chunks.iter().flatten().flatten()
    }

    fn place(&mut self, slot: Slot) -> &mut Option<Record> {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }
}
