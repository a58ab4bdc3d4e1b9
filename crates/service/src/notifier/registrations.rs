//! What those who are watched have registered: RFC 3680. The location service knows; it is asked again whenever a shard
//! has changed something, and when a contact ends by itself.

use super::{changed, telling};
use crate::agent::Agent;
use crate::desk::Asker;
use crate::door::{Answer, Question, ShardId};
use crate::keyed::Keyed;
use crate::location::{BindingFact, Change, Registered, Registration};
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_core::wheel::Wheel;
use cordboard_sip::body::Completeness;
use cordboard_sip::body::reginfo::{self, Contact, ContactState, Event, Reginfo};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// By how much we look later than a contact ends.
const AFTERWARDS: Duration = Duration::from_millis(1);

/// What a registration is called in documents, each of which tells of one.
const ID: &str = "1";

/// Contacts that one document tells of as gone.
const MAX_GONE: usize = 64;

/// Whom somebody watches, here and elsewhere.
#[derive(Default)]
pub(super) struct Registrations {
    table: Keyed<Known>,
    by_user: BTreeMap<Box<str>, u64>,
    /// Who is watched in which shards, and since which of their turns. The directory bounds it.
    elsewhere: BTreeMap<Box<str>, Vec<(ShardId, u64)>>,
    wheel: Wheel,
    fired: Vec<u64>,
}

/// What one user of ours has registered.
struct Known {
    user: Box<str>,
    watchers: Vec<u64>,
    turn: u64,
    asking: Asking,
    /// None until it was told for the first time.
    contacts: Option<Vec<Listed>>,
    last_id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    Nothing,
    Asked,
    /// Asked, and something has changed since.
    AskAgain,
}

/// One contact.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    id: u64,
    fact: BindingFact,
    event: Event,
}

impl Registrations {
    pub(super) fn is_idle(&self) -> bool {
        self.table.len() == 0
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.wheel.next()
    }

    /// One more watches; true for the first.
    pub(super) fn enter(&mut self, user: &str, turn: u64, watcher: u64) -> bool {
        let known = self.by_user.get(user).and_then(|key| self.table.get_mut(*key));
        if let Some(known) = known {
            known.watchers.push(watcher);
            return false;
        }
        let key = self.table.insert(Known {
            user: user.into(),
            watchers: vec![watcher],
            turn,
            asking: Asking::Nothing,
            contacts: None,
            last_id: 0,
        });
        self.by_user.insert(user.into(), key);
        true
    }

    /// One watches no longer: the turn that ends, with the last.
    pub(super) fn leave(&mut self, user: &str, watcher: u64) -> Option<u64> {
        let key = *self.by_user.get(user)?;
        let known = self.table.get_mut(key)?;
        known.watchers.retain(|other| *other != watcher);
        if !known.watchers.is_empty() {
            return None;
        }
        self.by_user.remove(user);
        self.table.remove(key).map(|known| known.turn)
    }

    /// Somebody watches in that shard.
    pub(super) fn watched(&mut self, user: &str, shard: ShardId, turn: u64) {
        let shards = self.elsewhere.entry(user.into()).or_default();
        if !shards.iter().any(|(other, later)| *other == shard && *later > turn) {
            shards.retain(|(other, _)| *other != shard);
            shards.push((shard, turn));
        }
    }

    /// Nobody there watches any more.
    pub(super) fn watched_no_more(&mut self, user: &str, shard: ShardId, turn: u64) {
        let Some(shards) = self.elsewhere.get_mut(user) else { return };
        shards.retain(|(other, since)| *other != shard || *since > turn);
        if shards.is_empty() {
            self.elsewhere.remove(user);
        }
    }

    /// The shards in which somebody watches that user.
    pub(super) fn watching(&self, user: &str) -> Vec<ShardId> {
        self.elsewhere.get(user).into_iter().flatten().map(|(shard, _)| *shard).collect()
    }

    fn of(&self, user: &str) -> Option<&Known> {
        self.table.get(*self.by_user.get(user)?)
    }

    /// Whether it was told what that user has registered.
    pub(super) fn is_known(&self, user: &str) -> bool {
        self.of(user).is_some_and(|known| known.contacts.is_some())
    }

    /// All of it, and what has gone.
    pub(super) fn document(
        &self,
        now: Instant,
        (user, address): (&str, &str),
        version: u32,
        gone: Vec<Contact>,
    ) -> String {
        let listed = self.of(user).and_then(|known| known.contacts.as_deref()).unwrap_or_default();
        let state = match (listed.is_empty(), gone.is_empty()) {
            (false, _) => reginfo::State::Active,
            (true, false) => reginfo::State::Terminated,
            (true, true) => reginfo::State::Init,
        };
        let mut contacts: Vec<Contact> = listed.iter().map(|contact| contact.row(now)).collect();
        contacts.extend(gone);
        let registration = reginfo::Registration { aor: address.into(), id: ID.into(), state, contacts };
        Reginfo { version, state: Completeness::Full, registrations: vec![registration] }.to_string()
    }
}

impl Listed {
    fn row(&self, now: Instant) -> Contact {
        let BindingFact { uri, q, expires_at, .. } = &self.fact;
        let mut row = Contact::new(self.id.to_string(), &**uri, ContactState::Active, self.event);
        row.expires = Some(expires_at.since(now).as_secs());
        row.q = (*q < 1_000).then(|| format!("0.{q:03}"));
        row
    }

    /// It has gone.
    fn end(&self, now: Instant) -> Contact {
        let event = if self.fact.expires_at <= now { Event::Expired } else { Event::Unregistered };
        Contact::new(self.id.to_string(), &*self.fact.uri, ContactState::Terminated, event)
    }
}

impl Known {
    /// Takes what is registered now; the contacts that have gone, and whether there is anything to tell. That a contact
    /// was refreshed is no news (RFC 3680 §4.7.2 leaves it to us).
    fn take(&mut self, now: Instant, registered: Registered) -> (Vec<Contact>, bool) {
        let old = self.contacts.take();
        let first = old.is_none();
        let mut old = old.unwrap_or_default();
        let mut new = Vec::new();
        let mut news = first;
        for fact in registered.bindings {
            let known = old.iter().position(|known| known.fact.uri == fact.uri).map(|at| old.remove(at));
            new.push(if let Some(known) = known {
                news |= known.fact.q != fact.q;
                let later = fact.expires_at > known.fact.expires_at;
                Listed { event: if later { Event::Refreshed } else { known.event }, fact, ..known }
            } else {
                news = true;
                self.last_id += 1;
                Listed { id: self.last_id, fact, event: Event::Registered }
            });
        }
        news |= !old.is_empty();
        self.contacts = Some(new);
        (old.iter().map(|gone| gone.end(now)).take(MAX_GONE).collect(), news)
    }
}

/// Asks what a user has registered, if somebody here wants to know.
pub(super) fn ask(agent: &mut Agent, user: &str) {
    let Agent { desk, notifier, .. } = agent;
    let Some(key) = notifier.registrations.by_user.get(user).copied() else { return };
    let Some(known) = notifier.registrations.table.get_mut(key) else { return };
    if known.asking != Asking::Nothing {
        known.asking = Asking::AskAgain;
        return;
    }
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let fetch = Registration {
        aor: desk.aor(user),
        call_id: Box::default(),
        cseq: 0,
        flow: Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote: nowhere },
        path: Vec::new(),
        action: Change::Fetch,
    };
    if desk.ask(Question::Register(Box::new(fetch)), Asker::Registrations(key)) {
        known.asking = Asking::Asked;
    }
}

/// The answer.
pub(crate) fn handle_answer(agent: &mut Agent, now: Instant, key: u64, answer: Answer) {
    let registrations = &mut agent.notifier.registrations;
    let Some(known) = registrations.table.get_mut(key) else { return };
    let asking = std::mem::replace(&mut known.asking, Asking::Nothing);
    let user = known.user.clone();
    let first = known.contacts.is_none();
    if let Answer::Registered(registered) = answer {
        let (gone, news) = known.take(now, registered.unwrap_or_default());
        let ends = known.contacts.iter().flatten().map(|contact| contact.fact.expires_at).min();
        if let Some(end) = ends {
            registrations.wheel.arm(end + AFTERWARDS, key);
        }
        for watcher in known.watchers.clone() {
            if first {
                telling::known(agent, now, watcher);
            } else if news {
                if let Some(watcher) = agent.notifier.table.get_mut(watcher) {
                    watcher.gone.extend(gone.iter().cloned());
                    watcher.gone.truncate(MAX_GONE);
                }
                changed(agent, now, watcher);
            }
        }
    }
    if asking == Asking::AskAgain {
        ask(agent, &user);
    }
}

/// Asks again where a contact has ended by itself.
pub(super) fn handle_timeout(agent: &mut Agent, now: Instant) {
    let mut fired = std::mem::take(&mut agent.notifier.registrations.fired);
    agent.notifier.registrations.wheel.fire(now, &mut fired);
    for key in fired.drain(..) {
        if let Some(user) = agent.notifier.registrations.table.get(key).map(|known| known.user.clone()) {
            ask(agent, &user);
        }
    }
    agent.notifier.registrations.fired = fired;
}
