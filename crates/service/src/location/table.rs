//! The location service as a machine: what REGISTER changes and what a lookup finds.

use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use foldhash::fast::FixedState;
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use std::time::Duration;

use super::contact::{self, equivalent};
use super::record::{NONE, Record, Records, Refreshed, Slot, Texts};
use super::{
    Aor, BindingFact, Change, ContactChange, Era, Gruu, Located, RegisterError, Registered, Registration,
    Target, Wanted,
};

/// How many of those who registered one same contact URI a lookup by contact considers.
pub const MAX_HOLDERS: usize = 16;

/// A refresh of a binding that would end sooner than this is kept before it is answered, so that a
/// restart within the lag of refreshes does not find it expired.
const NEARLY_OVER: Duration = Duration::from_secs(30);

/// How soon something must be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing changed.
    #[default]
    Nothing,
    /// It may lag by a second: a refresh.
    Soon,
    /// Before the request is answered: a contact that is new or moved, or a removal.
    Now,
}

/// What a change means for a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persist {
    /// How soon.
    pub urgency: Urgency,
    /// Bindings to write in full; read them with [`Location::binding`] when writing.
    pub stored: SmallVec<[BindingRef; 2]>,
    /// Bindings of which only the expiry, the time of the last registration and the `CSeq` changed.
    pub refreshed: SmallVec<[BindingRef; 2]>,
    /// Numbers of the bindings to forget.
    pub removed: SmallVec<[u64; 2]>,
}

impl Persist {
    fn store(&mut self, slot: Slot, urgency: Urgency, change: Refreshed) {
        let list = if change == Refreshed::Times { &mut self.refreshed } else { &mut self.stored };
        list.push(BindingRef(slot));
        self.urgency = self.urgency.max(urgency);
    }

    fn remove(&mut self, number: u64, urgency: Urgency) {
        self.removed.push(number);
        self.urgency = self.urgency.max(urgency);
    }
}

/// Points at a binding in memory. Once that is gone another may stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingRef(Slot);

/// Everything about one binding, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binding<'a> {
    /// Its number: unique, never used again.
    pub number: u64,
    /// Whose, in canonical form.
    pub aor: &'a str,
    /// The contact URI as registered.
    pub uri: &'a str,
    /// The Call-ID that last changed it.
    pub call_id: &'a str,
    /// The `CSeq` that last changed it.
    pub cseq: u32,
    /// `+sip.instance`, empty when absent.
    pub instance: &'a str,
    /// `reg-id`; 0 when absent.
    pub reg_id: u32,
    /// Whether the phone asked for outbound.
    pub outbound: bool,
    /// Preference in thousandths.
    pub q: u16,
    /// The flow of its last request.
    pub flow: Flow,
    /// Path values, the topmost first, separated by line feeds.
    pub path: &'a str,
    /// When it ends.
    pub expires: Instant,
    /// When it was last registered.
    pub updated: Instant,
    /// Whether a request can reach it: its connection, if it depends on one, lives.
    pub reachable: bool,
}

/// Every binding of every address-of-record. In memory and shared; a store keeps what [`Persist`] names.
#[derive(Debug)]
pub struct Location {
    max_contacts: usize,
    hasher: SipHasher13,
    records: Records,
    by_aor: HashMap<u64, Slot, FixedState>,
    by_contact: HashMap<u64, Slot, FixedState>,
    /// How many bindings each living connection has. A number is never used for two connections, so
    /// one that is missing here has died.
    connections: HashMap<u64, u32, FixedState>,
    /// Slots by the whole second in which to look whether they have expired. A refresh does not move
    /// its slot: the look at the old time does.
    queue: BTreeMap<u32, Vec<Slot>>,
    next_number: u64,
}

impl Location {
    /// An empty one, in which an address may have `max_contacts` contacts. `key` keys the hashes.
    pub fn new(max_contacts: usize, key: [u8; 16]) -> Self {
        let state = || {
            FixedState::with_seed(u64::from_le_bytes([
                key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7],
            ]))
        };
        Self {
            max_contacts,
            hasher: SipHasher13::new_with_key(&key),
            records: Records::default(),
            by_aor: HashMap::with_hasher(state()),
            by_contact: HashMap::with_hasher(state()),
            connections: HashMap::with_hasher(state()),
            queue: BTreeMap::new(),
            next_number: 1,
        }
    }

    /// How many bindings there are, those that are about to be collected included.
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nobody is registered.
    pub const fn is_empty(&self) -> bool {
        self.records.len() == 0
    }

    /// Changes how many contacts an address may have; those above it stay until they end.
    pub const fn limit_contacts(&mut self, max_contacts: usize) {
        self.max_contacts = max_contacts;
    }

    /// Does what a REGISTER asks for, all or nothing (RFC 3261 §10.3 steps 6 and 7).
    pub fn handle(
        &mut self,
        now: Instant,
        asked: &Registration,
    ) -> Result<(Registered, Persist), RegisterError> {
        let mut persist = Persist::default();
        self.sweep(now, &asked.aor.0, &mut persist);
        match &asked.action {
            Change::Fetch => {}
            Change::RemoveAll => self.remove_all(asked, &mut persist)?,
            Change::Update(changes) => self.update(now, asked, changes, &mut persist)?,
        }
        let changed = persist.urgency == Urgency::Now;
        Ok((Registered { changed, ..self.registered(&asked.aor) }, persist))
    }

    /// Where a request may go.
    pub fn locate(&self, now: Instant, wanted: &Wanted) -> Located {
        let mut found: SmallVec<[&Record; 8]> = match wanted {
            Wanted::Aor(aor) => self.of_aor(&aor.0).map(|(_, record)| record).collect(),
            Wanted::Instance(aor, gruu) => self
                .of_aor(&aor.0)
                .map(|(_, record)| record)
                .filter(|record| match gruu {
                    Gruu::Public(instance) => record.is_instance(instance),
                    Gruu::Temporary(era) => record.instance().is_some() && record.era == era.0,
                })
                .collect(),
            Wanted::Contact(uri) => self.of_contact(uri).collect(),
        };
        found.retain(|record| record.expires > now);
        let known = !found.is_empty();
        found.retain(|record| self.is_reachable(record));
        if matches!(wanted, Wanted::Contact(_)) {
            // Whoever claimed a contact first: another who registers the same one takes nothing over.
            found.sort_by_key(|record| record.number);
        } else {
            found.sort_by_key(|record| {
                (std::cmp::Reverse(record.q), std::cmp::Reverse(record.updated), record.number)
            });
        }
        let owner = match wanted {
            Wanted::Contact(_) => found.first().map(|record| Aor(record.aor().into())),
            Wanted::Aor(_) | Wanted::Instance(..) => None,
        };
        Located {
            only_dead_flows: known && found.is_empty(),
            known,
            owner,
            targets: found.into_iter().map(target).collect(),
        }
    }

    /// The connection has ended: whoever registered over it cannot be reached until the phone comes
    /// back (RFC 5626 §5.3). Datagrams have no connection, so that nothing changes for them.
    pub fn flow_closed(&mut self, flow: &Flow) {
        self.connections.remove(&flow.connection);
    }

    /// Puts back a binding that a store has kept. A connection of an earlier process is dead; a
    /// binding that has expired is left out.
    pub fn restore(&mut self, now: Instant, kept: &Binding<'_>) {
        self.next_number = self.next_number.max(kept.number + 1);
        if kept.expires <= now {
            return;
        }
        let flow = Flow { connection: 0, ..kept.flow };
        let texts = Texts {
            aor: kept.aor,
            uri: kept.uri,
            call_id: kept.call_id,
            instance: kept.instance,
            path: kept.path,
        };
        let mut record = Record::new(kept.number, &texts, flow, kept.updated);
        record.expires = kept.expires;
        record.cseq = kept.cseq;
        record.reg_id = kept.reg_id;
        record.q = kept.q;
        record.outbound = kept.outbound;
        if !kept.instance.is_empty() {
            let kin = self.of_aor(kept.aor).find(|(_, other)| other.is_instance(kept.instance));
            record.era = kin.map_or_else(|| era_of(kept.number, kept.call_id), |(_, other)| other.era);
        }
        self.insert(record);
    }

    /// Collects bindings that have ended, at most `limit` of them, and tells their numbers and whose they were. They are
    /// invisible from the moment they end, whether collected or not.
    pub fn expire(&mut self, now: Instant, limit: usize) -> Vec<(u64, Aor)> {
        let mut ended = Vec::new();
        while ended.len() < limit
            && let Some(first) = self.queue.first_entry()
            && u64::from(*first.key()) * 1_000_000 <= now.as_micros()
        {
            let (second, mut slots) = first.remove_entry();
            while ended.len() < limit
                && let Some(slot) = slots.pop()
            {
                match self.records.at(slot) {
                    Some(record) if record.queued == second && record.expires <= now => {
                        ended.push((record.number, Aor(record.aor().into())));
                        self.unlink(slot);
                    }
                    Some(record) if record.queued == second => self.enqueue(slot),
                    _ => {}
                }
            }
            if !slots.is_empty() {
                self.queue.insert(second, slots);
            }
        }
        ended
    }

    /// A binding, if one still stands there.
    pub fn binding(&self, at: BindingRef) -> Option<Binding<'_>> {
        self.records.at(at.0).map(|record| self.view(record))
    }

    /// Drops a binding that could not be kept after all.
    pub fn forget(&mut self, at: BindingRef) {
        if self.records.at(at.0).is_some() {
            self.unlink(at.0);
        }
    }

    /// Every binding that has not ended, in no particular order.
    pub fn bindings(&self, now: Instant) -> impl Iterator<Item = Binding<'_>> {
        self.records.iter().filter(move |record| record.expires > now).map(|record| self.view(record))
    }

    fn view<'a>(&self, record: &'a Record) -> Binding<'a> {
        let Texts { aor, uri, call_id, instance, path } = record.texts();
        Binding {
            number: record.number,
            aor,
            uri,
            call_id,
            cseq: record.cseq,
            instance,
            reg_id: record.reg_id,
            outbound: record.outbound,
            q: record.q,
            flow: record.flow,
            path,
            expires: record.expires,
            updated: record.updated,
            reachable: self.is_reachable(record),
        }
    }

    fn remove_all(&mut self, asked: &Registration, persist: &mut Persist) -> Result<(), RegisterError> {
        if self.of_aor(&asked.aor.0).any(|(_, record)| is_stale(record, asked)) {
            return Err(RegisterError::OutOfOrder);
        }
        for slot in self.slots_of(&asked.aor.0) {
            persist.remove(self.unlink(slot), Urgency::Now);
        }
        Ok(())
    }

    fn update(
        &mut self,
        now: Instant,
        asked: &Registration,
        changes: &[ContactChange],
        persist: &mut Persist,
    ) -> Result<(), RegisterError> {
        let path = asked.path.join("\n");
        let matches: SmallVec<[Option<Slot>; 4]> =
            changes.iter().map(|change| self.matching(asked, change)).collect();
        let stale = |slot: &Slot| self.records.at(*slot).is_some_and(|record| is_stale(record, asked));
        if matches.iter().flatten().any(stale) {
            return Err(RegisterError::OutOfOrder);
        }
        self.make_room(asked, changes, &matches, persist)?;
        for change in changes {
            // Looked up again: an earlier change of this request may have made or taken it.
            match (self.matching(asked, change), change.expires.is_zero()) {
                (Some(slot), true) => persist.remove(self.unlink(slot), Urgency::Now),
                (Some(slot), false) => {
                    let era = self.era_after(Some(slot), asked, change);
                    let (urgency, changed) = self.refresh(now, slot, asked, change, &path);
                    persist.store(slot, urgency, changed);
                    self.enter(slot, asked, change, era);
                }
                (None, true) => {}
                (None, false) => {
                    let era = self.era_after(None, asked, change);
                    let slot = self.add(now, asked, change, &path);
                    persist.store(slot, Urgency::Now, Refreshed::Place);
                    self.enter(slot, asked, change, era);
                }
            }
        }
        Ok(())
    }

    /// Refuses what would be too many; contacts whose connection has died give way first.
    fn make_room(
        &mut self,
        asked: &Registration,
        changes: &[ContactChange],
        matches: &[Option<Slot>],
        persist: &mut Persist,
    ) -> Result<(), RegisterError> {
        let mut adds = 0;
        let mut leaves = 0;
        for (change, matched) in changes.iter().zip(matches) {
            adds += usize::from(matched.is_none() && !change.expires.is_zero());
            leaves += usize::from(matched.is_some() && change.expires.is_zero());
        }
        let after = (self.of_aor(&asked.aor.0).count() + adds).saturating_sub(leaves);
        if adds == 0 || after <= self.max_contacts {
            return Ok(());
        }
        let mut dead: SmallVec<[(Instant, Slot); 4]> = self
            .of_aor(&asked.aor.0)
            .filter(|(slot, record)| !self.is_reachable(record) && !matches.contains(&Some(*slot)))
            .map(|(slot, record)| (record.updated, slot))
            .collect();
        let surplus = after - self.max_contacts;
        if dead.len() < surplus {
            return Err(RegisterError::TooMany);
        }
        dead.sort_unstable();
        for (_, slot) in &dead[..surplus] {
            persist.remove(self.unlink(*slot), Urgency::Now);
        }
        Ok(())
    }

    /// The binding that `change` is about: the same instance and reg-id (RFC 5626 §6), else an
    /// equivalent URI (RFC 3261 §10.3 step 7), else the same phone after it was started again, which
    /// a new Call-ID shows (RFC 3261 §10.2).
    fn matching(&self, asked: &Registration, change: &ContactChange) -> Option<Slot> {
        let mut by_uri = None;
        let mut restarted = None;
        for (slot, record) in self.of_aor(&asked.aor.0) {
            let same_instance =
                change.instance.as_deref().is_some_and(|instance| record.is_instance(instance));
            let same_reg_id = change.reg_id == record.reg_id;
            if change.reg_id != 0 && same_instance && same_reg_id {
                return Some(slot);
            }
            let may_be_by_uri = change.reg_id == 0 || record.reg_id == 0;
            if by_uri.is_none() && may_be_by_uri && equivalent(record.uri(), &change.uri) {
                by_uri = Some(slot);
            } else if same_instance && same_reg_id && record.texts().call_id != &*asked.call_id {
                restarted = Some(slot);
            }
        }
        by_uri.or(restarted)
    }

    /// What becomes of the era of an instance when `change` comes to the binding in `slot`, or to a new one
    /// (RFC 5627 §5.1).
    fn era_after(&self, slot: Option<Slot>, asked: &Registration, change: &ContactChange) -> After {
        let Some(instance) = change.instance.as_deref() else { return After::Same };
        if let Some(Texts { call_id, instance: before, .. }) =
            slot.and_then(|slot| self.records.at(slot)).map(Record::texts)
            && before == instance
            && call_id == &*asked.call_id
        {
            return After::Same;
        }
        let kin = || self.of_aor(&asked.aor.0).filter(|(_, record)| record.is_instance(instance));
        let is_same_call = |record: &Record| record.texts().call_id == &*asked.call_id;
        let latest = kin()
            .map(|(_, record)| record)
            .filter(|record| record.reg_id == change.reg_id)
            .max_by_key(|record| (record.updated, is_same_call(record)));
        match latest {
            Some(latest) if !is_same_call(latest) => After::New,
            _ => kin().next().map_or(After::New, |(_, record)| After::Joins(record.era)),
        }
    }

    /// Puts a binding into its era, and with a new one all those of its instance.
    fn enter(&mut self, slot: Slot, asked: &Registration, change: &ContactChange, after: After) {
        let Some(record) = self.records.at_mut(slot) else { return };
        match after {
            After::Same => {}
            After::Joins(era) => record.era = era,
            After::New => {
                let era = era_of(record.number, &asked.call_id);
                let instance = change.instance.as_deref().unwrap_or_default();
                for slot in self.slots_of(&asked.aor.0) {
                    if let Some(record) = self.records.at_mut(slot)
                        && record.is_instance(instance)
                    {
                        record.era = era;
                    }
                }
            }
        }
    }

    fn refresh(
        &mut self,
        now: Instant,
        slot: Slot,
        asked: &Registration,
        change: &ContactChange,
        path: &str,
    ) -> (Urgency, Refreshed) {
        let Some(record) = self.records.at(slot) else { return (Urgency::Nothing, Refreshed::Times) };
        let nearly_over = record.expires < now + NEARLY_OVER;
        let other_uri = record.uri() != &*change.uri;
        let before = record.flow.connection;
        if other_uri {
            self.leave_contact(slot);
        }
        let changed = self
            .records
            .at_mut(slot)
            .map_or(Refreshed::Times, |record| record.refresh(now, asked, change, path));
        if other_uri {
            self.join_contact(slot);
        }
        if before != asked.flow.connection {
            self.release(before);
            self.hold(asked.flow.connection);
        } else if before != 0 && !self.connections.contains_key(&before) {
            // It was heard of as closed, yet it spoke again.
            self.hold(before);
        }
        let urgent = nearly_over || changed == Refreshed::Place;
        (if urgent { Urgency::Now } else { Urgency::Soon }, changed)
    }

    fn add(&mut self, now: Instant, asked: &Registration, change: &ContactChange, path: &str) -> Slot {
        let number = self.next_number;
        self.next_number += 1;
        let texts =
            Texts { aor: &asked.aor.0, uri: &change.uri, call_id: &asked.call_id, instance: "", path };
        let mut record = Record::new(number, &texts, asked.flow, now);
        record.refresh(now, asked, change, path);
        self.insert(record)
    }

    fn insert(&mut self, mut record: Record) -> Slot {
        let hash = self.hash(record.aor());
        let connection = record.flow.connection;
        let head = self.by_aor.get(&hash).copied().unwrap_or(NONE);
        record.next_of_aor = head;
        let slot = self.records.insert(record);
        self.by_aor.insert(hash, slot);
        self.join_contact(slot);
        self.hold(connection);
        self.enqueue(slot);
        slot
    }

    /// Takes a record out of everything and tells its number.
    fn unlink(&mut self, slot: Slot) -> u64 {
        self.leave_contact(slot);
        let Some(record) = self.records.remove(slot) else { return 0 };
        let hash = self.hash(record.aor());
        let head = self.by_aor.get(&hash).copied().unwrap_or(NONE);
        if head == slot {
            if record.next_of_aor == NONE {
                self.by_aor.remove(&hash);
            } else {
                self.by_aor.insert(hash, record.next_of_aor);
            }
        } else {
            let mut at = head;
            while let Some(before) = self.records.at_mut(at) {
                if before.next_of_aor == slot {
                    before.next_of_aor = record.next_of_aor;
                    break;
                }
                at = before.next_of_aor;
            }
        }
        self.release(record.flow.connection);
        record.number
    }

    /// Second in its chain: the first to claim a contact stays first, and finding an end is not needed.
    fn join_contact(&mut self, slot: Slot) {
        let Some(record) = self.records.at(slot) else { return };
        let hash = self.contact_hash(record.uri());
        let Some(&head) = self.by_contact.get(&hash) else {
            self.by_contact.insert(hash, slot);
            return;
        };
        let Some(first) = self.records.at_mut(head) else { return };
        let next = std::mem::replace(&mut first.next_of_contact, slot);
        if let Some(next) = self.records.at_mut(next) {
            next.prev_of_contact = slot;
        }
        if let Some(record) = self.records.at_mut(slot) {
            record.prev_of_contact = head;
            record.next_of_contact = next;
        }
    }

    fn leave_contact(&mut self, slot: Slot) {
        let Some(record) = self.records.at_mut(slot) else { return };
        let next = std::mem::replace(&mut record.next_of_contact, NONE);
        let prev = std::mem::replace(&mut record.prev_of_contact, NONE);
        if let Some(next) = self.records.at_mut(next) {
            next.prev_of_contact = prev;
        }
        if let Some(prev) = self.records.at_mut(prev) {
            prev.next_of_contact = next;
            return;
        }
        let Some(record) = self.records.at(slot) else { return };
        let hash = self.contact_hash(record.uri());
        if next == NONE {
            self.by_contact.remove(&hash);
        } else {
            self.by_contact.insert(hash, next);
        }
    }

    fn hold(&mut self, connection: u64) {
        if connection != 0 {
            *self.connections.entry(connection).or_insert(0) += 1;
        }
    }

    fn release(&mut self, connection: u64) {
        if let Some(count) = self.connections.get_mut(&connection) {
            *count -= 1;
            if *count == 0 {
                self.connections.remove(&connection);
            }
        }
    }

    fn enqueue(&mut self, slot: Slot) {
        let Some(record) = self.records.at_mut(slot) else { return };
        let second = u32::try_from(record.expires.as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        record.queued = second;
        self.queue.entry(second).or_default().push(slot);
    }

    /// Removes what has ended of one address, so that what is left is what exists.
    fn sweep(&mut self, now: Instant, aor: &str, persist: &mut Persist) {
        let ended: SmallVec<[Slot; 4]> =
            self.of_aor(aor).filter(|(_, record)| record.expires <= now).map(|(slot, _)| slot).collect();
        for slot in ended {
            persist.remove(self.unlink(slot), Urgency::Soon);
        }
    }

    /// What somebody has registered.
    pub fn registered(&self, aor: &Aor) -> Registered {
        let mut bindings: SmallVec<[&Record; 8]> = self.of_aor(&aor.0).map(|(_, record)| record).collect();
        bindings.sort_by_key(|record| record.number);
        let fact = |record: &Record| BindingFact {
            uri: record.uri().into(),
            q: record.q,
            expires_at: record.expires,
            instance: record.instance().map(Into::into),
            reg_id: record.reg_id,
            era: record.instance().map(|_| Era(record.era)),
        };
        Registered { bindings: bindings.into_iter().map(fact).collect(), changed: false }
    }

    fn of_aor<'a>(&'a self, aor: &'a str) -> impl Iterator<Item = (Slot, &'a Record)> {
        let mut at = self.by_aor.get(&self.hash(aor)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let record = self.records.at(at)?;
            let slot = std::mem::replace(&mut at, record.next_of_aor);
            Some((slot, record))
        })
        .filter(move |(_, record)| record.aor() == aor)
    }

    fn slots_of(&self, aor: &str) -> SmallVec<[Slot; 8]> {
        self.of_aor(aor).map(|(slot, _)| slot).collect()
    }

    fn of_contact<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a Record> {
        let mut at = self.by_contact.get(&self.contact_hash(uri)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let record = self.records.at(at)?;
            at = record.next_of_contact;
            Some(record)
        })
        .take(MAX_HOLDERS)
        .filter(move |record| equivalent(record.uri(), uri))
    }

    fn is_reachable(&self, record: &Record) -> bool {
        !record.flow.transport.is_reliable()
            || !goes_by_flow(record)
            || self.connections.contains_key(&record.flow.connection)
    }

    fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    fn contact_hash(&self, uri: &str) -> u64 {
        contact::fingerprint(uri, self.hasher)
    }
}

/// What a REGISTER does to the era of an instance.
#[derive(Clone, Copy, Debug)]
enum After {
    /// It goes on.
    Same,
    /// The binding comes into one that is under way.
    Joins(u64),
    /// It ends, and another begins.
    New,
}

/// The era that begins with a request for a binding. It follows from what a store keeps, and from no key, so
/// that it is the same after a restart. Nobody sees it but sealed.
fn era_of(number: u64, call_id: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write_u64(number);
    hasher.write(call_id.as_bytes());
    hasher.finish()
}

/// An older request of the same phone than the one that made the binding (RFC 3261 §10.3 step 7).
fn is_stale(record: &Record, asked: &Registration) -> bool {
    record.texts().call_id == &*asked.call_id && record.cseq >= asked.cseq
}

/// Whether requests go over the flow that was registered over: a connection, outbound, or an address
/// other than the one the contact names (behind a NAT, or a name that need not resolve). With a Path
/// they go where that says (RFC 3327 §5.3).
fn goes_by_flow(record: &Record) -> bool {
    let flow = &record.flow;
    let named = || contact::names(record.uri(), flow.remote, flow.transport.default_port());
    record.texts().path.is_empty() && (record.outbound || flow.transport.is_reliable() || !named())
}

fn target(record: &Record) -> Target {
    Target {
        uri: record.uri().into(),
        q: record.q,
        flow: record.flow,
        path: record.path().map(Into::into).collect(),
        instance: record.instance().map(Into::into),
        by_flow: goes_by_flow(record),
    }
}
