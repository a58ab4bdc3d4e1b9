//! The switchboard as notifier: it tells of its users' calls, registrations and mailboxes (RFC 6665 §4.2).
//!
//! `dialog` (RFC 4235 §3.11) comes from the calls that are carried, `reg` (RFC 3680) from the registrar, and of
//! `message-summary` (RFC 3842) there is only to say that no mailbox is kept here. A subscription is at home in the shard
//! of its Call-ID; other shards have the calls, and tell of them by [`Letter`] while somebody watches. What is to be done
//! follows from the tables of `core::subscription`, which telephones obey too.
//!
//! Who may know what is decided [here](sight); what is told is written in [`telling`].

mod lamps;
mod registrations;
pub(crate) mod telling;

pub(crate) use registrations::handle_answer as located;

use crate::agent::Agent;
use crate::carried::watched::Shown;
use crate::clearance;
use crate::desk::Desk;
use crate::dialog_news::{News, Sight};
use crate::directory::Directory;
use crate::door::{Envelope, Output, ShardId};
use crate::keyed::Keyed;
use crate::location::{Aor, Wanted};
use crate::proxy::forward::must_pin;
use crate::proxy::target::{Destination, Routed};
use crate::settings::Watching;
use crate::subscribe::{self, Asked, NO_ROOM_RETRY_S, Only};
use crate::switchboard::Caller;
use crate::watch::Package;
use cordboard_core::dialog::{Dialog, DialogId, state};
use cordboard_core::subscription::notifier::{Act, Input, State, Why, step};
use cordboard_core::subscription::notify;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_core::wheel::Wheel;
use cordboard_sip::body::reginfo;
use cordboard_sip::header::Event;
use cordboard_sip::uri::{Escape, Place};
use cordboard_sip::{Builder, Method, Name, Scheme, Status, UriRef, View};
use lamps::Lamps;
use registrations::Registrations;
use std::collections::BTreeMap;
use std::time::Duration;

/// Packages of which the switchboard tells.
pub(crate) const ALLOW_EVENTS: &str = "dialog, message-summary, reg";

/// Subscriptions that one shard serves.
const MAX_WATCHERS: usize = 10_000;

/// How many of these strangers may have.
const MAX_STRANGERS: usize = 1_000;

/// The subscriptions of one shard.
#[derive(Default)]
pub(crate) struct Notifier {
    table: Keyed<Watcher>,
    by_dialog: BTreeMap<DialogId, u64>,
    /// How many are of people who are not ours.
    strangers: usize,
    /// The calls of those whose calls are watched here.
    lamps: BTreeMap<Box<str>, Lamps>,
    registrations: Registrations,
    wheel: Wheel,
    fired: Vec<u64>,
    /// How often somebody's state began to be watched.
    turn: u64,
}

/// One subscription.
struct Watcher {
    package: Package,
    id: Option<Box<str>>,
    only: Option<Only>,
    /// Whose state it is.
    user: Box<str>,
    /// Who watches, if it is one of ours.
    by: Option<Box<str>>,
    sight: Sight,
    dialog: Dialog,
    listener: ListenerId,
    /// The flow that it came over, where nothing else leads back (RFC 5626 §5.3).
    pinned: Option<Flow>,
    /// Whether it is told over a stream, where nothing is too large.
    stream: bool,
    state: State,
    sending: notify::State,
    out: telling::Out,
    ends_at: Option<Instant>,
    /// Why it is over.
    why: Option<Why>,
    news: News,
    /// Contacts that have gone since it was told last.
    gone: Vec<reginfo::Contact>,
    /// When a change was told last.
    told_at: Option<Instant>,
    /// When what has changed may be told.
    later: Option<Instant>,
    armed: Option<Instant>,
}

/// What one shard writes to another about who is watched.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    /// Somebody in `from` watches that user: tell how things are, and what changes.
    Watch { package: Package, user: Box<str>, from: ShardId, turn: u64 },
    /// Nobody there does any more.
    Unwatch { package: Package, user: Box<str>, from: ShardId, turn: u64 },
    /// Calls of somebody who is watched.
    Calls { from: ShardId, shown: Shown },
    /// Something about the registrations of somebody who is watched.
    Registered { user: Box<str> },
}

impl Notifier {
    /// Whether nobody watches.
    pub(crate) fn is_idle(&self) -> bool {
        self.table.len() == 0 && self.registrations.is_idle()
    }

    /// Subscriptions that are served.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// When [`handle_timeout`] is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.wheel.next(), self.registrations.next()].into_iter().flatten().min()
    }

    fn arm(&mut self, key: u64) {
        let Some(watcher) = self.table.get_mut(key) else { return };
        let due = [watcher.ends_at, watcher.later].into_iter().flatten().min();
        if let Some(due) = due
            && watcher.armed.is_none_or(|armed| due < armed)
        {
            watcher.armed = Some(due);
            self.wheel.arm(due, key);
        }
    }
}

/// How much somebody may see of a user's state: of their calls a stranger sees whether there are any (RFC 4235 §3.6,
/// §3.7.2), and who is not named by its identifiers cannot be watched alone.
fn sight(
    directory: &Directory,
    (package, only): (Package, Option<&Only>),
    by: Option<&str>,
    user: &str,
) -> Option<Sight> {
    let own = by == Some(user);
    let insider = own || by.is_some_and(|by| directory.share_group(by, user));
    match package {
        Package::Dialog | Package::Reg if insider => Some(Sight::Whole),
        Package::Dialog if only.is_none() => Some(Sight::Virtual),
        Package::MessageSummary if own => Some(Sight::Whole),
        Package::Dialog
        | Package::Reg
        | Package::MessageSummary
        | Package::Presence
        | Package::Conference => None,
    }
}

/// The user of ours whose state a SUBSCRIBE asks us for. Other packages, GRUUs and contacts are the phones' to answer for.
pub(crate) fn asked_of_us(
    desk: &Desk,
    request: &View<'_>,
    routed: &Routed,
    destination: &Destination,
) -> Option<Box<str>> {
    let Destination::Locate(Wanted::Aor(aor)) = destination else { return None };
    if request.method() != Method::Subscribe
        || desk.settings.watching == Watching::ByPhones
        || routed.token.is_some()
        || desk.directory.user(aor.user()).is_none()
    {
        return None;
    }
    let Some(Ok(event)) = request.header::<Event>() else { return None };
    let told = match Package::of(event.event.as_str()) {
        // Who is not in the way of calls does not know of them.
        Some(Package::Dialog) => desk.settings.record_route,
        Some(Package::Reg | Package::MessageSummary) => true,
        Some(Package::Presence | Package::Conference) | None => false,
    };
    told.then(|| aor.user().into())
}

/// Whether a SUBSCRIBE goes on with a subscription here. Who knows both tags is who began it, as in every dialog.
pub(crate) fn is_in_one(agent: &Agent, request: &View<'_>) -> bool {
    request.method() == Method::Subscribe
        && named(request).is_some_and(|id| agent.notifier.by_dialog.contains_key(&id))
}

/// The dialog that a SUBSCRIBE goes on in, as we would name it.
fn named(request: &View<'_>) -> Option<DialogId> {
    Some(DialogId {
        call_id: request.call_id().into(),
        local_tag: request.to_tag()?.into(),
        remote_tag: request.from_tag().unwrap_or_default().into(),
    })
}

/// A SUBSCRIBE that begins something; one in a dialog that is not known here is told so.
pub(crate) fn subscribe(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    caller: &Caller,
    user: Box<str>,
) {
    if request.to_tag().is_some() {
        return agent.desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
    }
    let Some(asked) = read(&mut agent.desk, now, server, request) else { return };
    let by: Option<Box<str>> = match caller {
        Caller::User(by) | Caller::Claimed(by) => Some(by.clone()),
        Caller::Server { user, asked_by } => Some(asked_by.as_ref().unwrap_or(user).clone()),
        Caller::InDialog { .. } | Caller::Neighbour | Caller::Stranger => None,
    };
    match sight(&agent.desk.directory, (asked.package, asked.only.as_ref()), by.as_deref(), &user) {
        Some(sight) => begins(agent, now, flow, server, request, (asked, user, by, sight)),
        None => agent.desk.reply(now, server, request, Status::FORBIDDEN),
    }
}

/// What a SUBSCRIBE asks for; one that cannot be served is refused.
fn read(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) -> Option<Asked> {
    if request.has(Name::REQUIRE) {
        let mut response = desk.response(request, Status::BAD_EXTENSION);
        for value in request.values(Name::REQUIRE) {
            response = response.line(Name::UNSUPPORTED, value.text);
        }
        desk.stack.respond(now, server, Status::BAD_EXTENSION, response.finish());
        return None;
    }
    match subscribe::read(request, ALLOW_EVENTS) {
        Ok(asked) => Some(asked),
        Err(refusal) => {
            subscribe::refuse(desk, now, server, request, &refusal, ALLOW_EVENTS);
            None
        }
    }
}

fn begins(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    (asked, user, by, sight): (Asked, Box<str>, Option<Box<str>>, Sight),
) {
    let Agent { desk, notifier, .. } = agent;
    let stranger = by.is_none();
    if notifier.len() >= MAX_WATCHERS || stranger && notifier.strangers >= MAX_STRANGERS {
        let response = desk.response(request, Status::SERVICE_UNAVAILABLE);
        let bytes = response.line(Name::RETRY_AFTER, NO_ROOM_RETRY_S).finish();
        return desk.stack.respond(now, server, Status::SERVICE_UNAVAILABLE, bytes);
    }
    let tag = desk.stack.dice().tag();
    let Ok(mut dialog) = Dialog::from_request(request, &tag) else {
        return desk.reply(now, server, request, Status::BAD_REQUEST);
    };
    dialog.advance(state::Input::Success);
    let (id, package) = (dialog.id().clone(), asked.package);
    notifier.strangers += usize::from(stranger);
    let key = notifier.table.insert(Watcher {
        package,
        id: asked.id,
        only: asked.only,
        user: user.clone(),
        by,
        sight,
        dialog,
        listener: flow.listener,
        pinned: pinned(flow, request),
        stream: flow.transport.is_reliable(),
        state: State::RespWait,
        sending: notify::State::Idle,
        out: telling::Out::Nothing,
        ends_at: None,
        why: None,
        news: News::default(),
        gone: Vec::new(),
        told_at: None,
        later: None,
        armed: None,
    });
    notifier.by_dialog.insert(id, key);
    accept(agent, now, flow, server, request, (key, asked.granted));
    watch(agent, now, package, &user, key);
    advance(agent, now, key, if asked.granted == 0 { Input::Fetch } else { Input::Grant });
}

/// A SUBSCRIBE that goes on with one of ours, or ends it.
pub(crate) fn goes_on(agent: &mut Agent, now: Instant, flow: Flow, server: ServerId, request: &View<'_>) {
    let Agent { desk, notifier, .. } = agent;
    let Some(asked) = read(desk, now, server, request) else { return };
    let key = named(request).and_then(|id| notifier.by_dialog.get(&id).copied());
    let Some((key, watcher)) = key.and_then(|key| Some((key, notifier.table.get_mut(key)?))) else {
        return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
    };
    if watcher.package != asked.package || watcher.id != asked.id {
        // RFC 6665 §4.5.2: a second subscription has a dialog of its own.
        return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
    }
    if let Err(late) = watcher.dialog.accept(request) {
        return desk.reply(now, server, request, late.status());
    }
    let input = if asked.granted == 0 { Input::Unsubscribe } else { Input::Refresh };
    if step(watcher.state, input).1.contains(&Act::RefuseLate) {
        return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
    }
    let what = (asked.package, asked.only.as_ref());
    let Some(sight) = sight(&desk.directory, what, watcher.by.as_deref(), &watcher.user) else {
        desk.reply(now, server, request, Status::FORBIDDEN);
        return advance(agent, now, key, Input::End(Why::Rejected));
    };
    // A Contact that cannot be read changes nothing.
    let _ = watcher.dialog.refresh_target(request);
    watcher.pinned = pinned(flow, request);
    watcher.only = asked.only;
    watcher.sight = sight;
    // RFC 4235 §3.3: who asks is told everything.
    watcher.news.owe_everything();
    accept(agent, now, flow, server, request, (key, asked.granted));
    advance(agent, now, key, input);
}

/// The flow that NOTIFYs go over, where a Contact leads nowhere else.
fn pinned(flow: Flow, request: &View<'_>) -> Option<Flow> {
    (!request.has_more_vias() && !request.has(Name::RECORD_ROUTE) && must_pin(flow, request)).then_some(flow)
}

fn accept(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    (key, granted): (u64, u32),
) {
    let Agent { desk, notifier, .. } = agent;
    let (Some(watcher), Some(source)) = (notifier.table.get_mut(key), request.source()) else { return };
    watcher.ends_at = (granted > 0).then(|| now + Duration::from_secs(granted.into()));
    let secure = UriRef::parse(request.request_uri()).is_ok_and(|uri| uri.scheme() == Scheme::Sips);
    let contact = contact(desk, &watcher.user, flow.listener, secure);
    let bytes = Builder::response_to(request, source, Status::OK, Some(&watcher.dialog.id().local_tag))
        .copy(request, Name::RECORD_ROUTE)
        .line(Name::CONTACT, format_args!("<{contact}>"))
        .line(Name::EXPIRES, granted)
        .finish();
    desk.stack.respond(now, server, Status::OK, bytes);
    notifier.arm(key);
}

/// Where requests of a subscription come to us.
fn contact(desk: &Desk, user: &str, listener: ListenerId, secure: bool) -> String {
    desk.contact_uri(&Escape(user, Place::User).to_string(), listener, secure)
}

/// Feeds the notifier's table and does what it says, but for answering requests.
fn advance(agent: &mut Agent, now: Instant, key: u64, input: Input) {
    let Some(watcher) = agent.notifier.table.get_mut(key) else { return };
    let (state, acts) = step(watcher.state, input);
    watcher.state = state;
    for act in acts {
        match act {
            Act::StopTime => {
                if let Some(watcher) = agent.notifier.table.get_mut(key) {
                    watcher.ends_at = None;
                }
            }
            Act::Notify => telling::advance(agent, now, key, notify::Input::Wanted),
            Act::NotifyLast(why) => {
                if let Some(watcher) = agent.notifier.table.get_mut(key) {
                    watcher.why = Some(*why);
                    watcher.news.owe_everything();
                }
                telling::advance(agent, now, key, notify::Input::LastWanted);
            }
            Act::Forget => telling::advance(agent, now, key, notify::Input::Forget),
            // Done by those who have the request.
            Act::Accept | Act::Refuse | Act::RefuseLate | Act::KeepTime => {}
        }
    }
    agent.notifier.arm(key);
}

/// The subscription is over on the wire too.
fn forget(agent: &mut Agent, now: Instant, key: u64) {
    let Some(watcher) = agent.notifier.table.remove(key) else { return };
    agent.notifier.by_dialog.remove(watcher.dialog.id());
    agent.notifier.strangers -= usize::from(watcher.by.is_none());
    unwatch(agent, now, watcher.package, &watcher.user, key);
}

/// What a subscription is about has changed: it is told at once, or when the last change that was told is old enough.
fn changed(agent: &mut Agent, now: Instant, key: u64) {
    let Some(watcher) = agent.notifier.table.get_mut(key) else { return };
    match watcher.told_at.map(|told| told + telling::pause(watcher.package)).filter(|due| now < *due) {
        Some(due) => {
            watcher.later = Some(due);
            agent.notifier.arm(key);
        }
        None => tell_change(agent, now, key),
    }
}

fn tell_change(agent: &mut Agent, now: Instant, key: u64) {
    if let Some(watcher) = agent.notifier.table.get_mut(key) {
        watcher.told_at = Some(now);
    }
    advance(agent, now, key, Input::Changed);
}

/// Ends what was not refreshed, and tells what had to wait.
pub(crate) fn handle_timeout(agent: &mut Agent, now: Instant) {
    let mut fired = std::mem::take(&mut agent.notifier.fired);
    agent.notifier.wheel.fire(now, &mut fired);
    for key in fired.drain(..) {
        let Some(watcher) = agent.notifier.table.get_mut(key) else { continue };
        watcher.armed = None;
        if watcher.later.is_some_and(|due| due <= now) {
            watcher.later = None;
            tell_change(agent, now, key);
        }
        let over = |watcher: &Watcher| watcher.ends_at.is_some_and(|due| due <= now);
        if agent.notifier.table.get(key).is_some_and(over) {
            advance(agent, now, key, Input::End(Why::Timeout));
        }
        agent.notifier.arm(key);
    }
    agent.notifier.fired = fired;
    registrations::handle_timeout(agent, now);
}

/// There is a new directory: who may no longer see what they watch sees less, or nothing.
pub(crate) fn authorize_anew(agent: &mut Agent, now: Instant) {
    let keys: Vec<u64> = agent.notifier.table.with_keys().map(|(key, _)| key).collect();
    for key in keys {
        let Agent { desk, notifier, .. } = agent;
        let Some(watcher) = notifier.table.get_mut(key) else { continue };
        if desk.directory.user(&watcher.user).is_none() {
            advance(agent, now, key, Input::End(Why::NoResource));
            continue;
        }
        let what = (watcher.package, watcher.only.as_ref());
        match sight(&desk.directory, what, watcher.by.as_deref(), &watcher.user) {
            Some(sight) if sight == watcher.sight => {}
            Some(sight) => {
                watcher.sight = sight;
                watcher.news.owe_everything();
                changed(agent, now, key);
            }
            None => advance(agent, now, key, Input::End(Why::Rejected)),
        }
    }
}

/// Somebody watches that user: with the first, every shard is told.
fn watch(agent: &mut Agent, now: Instant, package: Package, user: &str, key: u64) {
    let Agent { desk, notifier, .. } = agent;
    let turn = notifier.turn + 1;
    let first = match package {
        Package::Dialog => {
            let lamps = notifier.lamps.entry(user.into()).or_insert_with(|| Lamps::new(turn, desk.shards));
            lamps.enter(key)
        }
        Package::Reg => notifier.registrations.enter(user, turn, key),
        Package::MessageSummary | Package::Presence | Package::Conference => false,
    };
    if first {
        notifier.turn = turn;
        tell_all(agent, now, |from| Letter::Watch { package, user: user.into(), from, turn });
    }
}

/// Somebody watches that user no longer.
fn unwatch(agent: &mut Agent, now: Instant, package: Package, user: &str, key: u64) {
    let notifier = &mut agent.notifier;
    let last = match package {
        Package::Dialog => {
            let turn = notifier.lamps.get_mut(user).and_then(|lamps| lamps.leave(key));
            if turn.is_some() {
                notifier.lamps.remove(user);
            }
            turn
        }
        Package::Reg => notifier.registrations.leave(user, key),
        Package::MessageSummary | Package::Presence | Package::Conference => None,
    };
    if let Some(turn) = last {
        tell_all(agent, now, |from| Letter::Unwatch { package, user: user.into(), from, turn });
    }
}

fn tell_all(agent: &mut Agent, now: Instant, letter: impl Fn(ShardId) -> Letter) {
    let here = agent.desk.shard;
    for to in (0..agent.desk.shards).map(ShardId) {
        post(agent, now, to, letter(here));
    }
}

/// Writes to a shard; what is for this one is read at once.
fn post(agent: &mut Agent, now: Instant, to: ShardId, letter: Letter) {
    if to == agent.desk.shard {
        handed(agent, now, letter);
    } else {
        agent.desk.out.push_back(Output::HandOver(to, Envelope(clearance::Letter::Watched(letter))));
    }
}

/// A letter from another shard.
pub(crate) fn handed(agent: &mut Agent, now: Instant, letter: Letter) {
    let here = agent.desk.shard;
    match letter {
        Letter::Watch { package: Package::Dialog, user, from, turn } => {
            let shown = agent.proxy.carried.watch(&user, from, turn);
            post(agent, now, from, Letter::Calls { from: here, shown });
        }
        Letter::Watch { package: Package::Reg, user, from, turn } => {
            agent.notifier.registrations.watched(&user, from, turn);
            post(agent, now, from, Letter::Registered { user });
        }
        Letter::Unwatch { package: Package::Dialog, user, from, turn } => {
            agent.proxy.carried.watch_no_more(&user, from, turn);
        }
        Letter::Unwatch { package: Package::Reg, user, from, turn } => {
            agent.notifier.registrations.watched_no_more(&user, from, turn);
        }
        // Nobody asks other shards about these.
        Letter::Watch { .. } | Letter::Unwatch { .. } => {}
        Letter::Calls { from, shown } => lamps::handed(agent, now, from, shown),
        Letter::Registered { user } => registrations::ask(agent, &user),
    }
}

/// Somebody's contacts may have changed: the shards are told in which somebody watches.
pub(crate) fn registered(agent: &mut Agent, now: Instant, aor: &Aor) {
    let user = aor.user();
    for to in agent.notifier.registrations.watching(user) {
        post(agent, now, to, Letter::Registered { user: user.into() });
    }
}

/// Tells the other shards what has changed in the calls of this one.
pub(crate) fn settle(agent: &mut Agent, now: Instant) {
    let here = agent.desk.shard;
    while let Some(letters) = agent.proxy.carried.poll_shown() {
        for shown in letters {
            post(agent, now, shown.to, Letter::Calls { from: here, shown });
        }
    }
}
