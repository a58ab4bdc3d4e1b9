//! What those who watch are told: the NOTIFYs of RFC 6665 §4.2.2, one at a time to each of them.

use super::{Watcher, contact, forget};
use crate::agent::Agent;
use crate::desk::{Asker, Desk, Sought, role};
use crate::dialog_news::{Sight, virtual_row};
use crate::door::Answer;
use crate::proxy::target::target_of;
use crate::watch::Package;
use bytes::Bytes;
use cordboard_core::server_location::Selection;
use cordboard_core::stack::Event;
use cordboard_core::subscription::notifier;
use cordboard_core::subscription::notify::{Act, Input, of_answer, step};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, Owner};
use cordboard_core::transport::Flow;
use cordboard_sip::body::MessageSummary;
use cordboard_sip::{Builder, Method, Name, Scheme, Status, UriRef, View};
use std::time::Duration;

/// How much of a document fits a datagram beside its head (RFC 3261 §18.1.1).
const ROOM: usize = 700;

/// How long a watcher is left in peace after a change was told, whatever changes (RFC 4235 §3.10, RFC 3680 §4.10).
pub(super) const fn pause(package: Package) -> Duration {
    match package {
        Package::Reg => Duration::from_secs(5),
        Package::Dialog | Package::MessageSummary | Package::Presence | Package::Conference => {
            Duration::from_secs(1)
        }
    }
}

/// Where the NOTIFY is that is out.
pub(super) enum Out {
    Nothing,
    /// It waits until it is known what there is to tell.
    Held {
        /// Whether it is the last.
        last: bool,
    },
    /// On its way.
    Going(Box<Going>),
}

pub(super) struct Going {
    client: Option<ClientId>,
    /// Servers to try; none where only one flow leads there.
    selection: Option<Selection>,
    cseq: u32,
    state: String,
    body: String,
}

/// Feeds the table of one watcher's NOTIFYs and does what it says.
pub(super) fn advance(agent: &mut Agent, now: Instant, key: u64, input: Input) {
    let Some(watcher) = agent.notifier.table.get_mut(key) else { return };
    let (state, acts) = step(watcher.sending, input);
    watcher.sending = state;
    for act in acts {
        match act {
            Act::Send => send(agent, now, key, false),
            Act::SendLast => send(agent, now, key, true),
            Act::TellLost => super::advance(agent, now, key, notifier::Input::Lost),
            Act::TellDone => forget(agent, now, key),
        }
    }
}

/// It is known now what there is to tell a watcher.
pub(super) fn known(agent: &mut Agent, now: Instant, key: u64) {
    let Some(watcher) = agent.notifier.table.get_mut(key) else { return };
    if let Out::Held { last } = watcher.out {
        send(agent, now, key, last);
    }
}

fn is_known(agent: &Agent, watcher: &Watcher) -> bool {
    match watcher.package {
        Package::Dialog => agent.notifier.lamps.get(&watcher.user).is_some_and(super::Lamps::is_known),
        Package::Reg => agent.notifier.registrations.is_known(&watcher.user),
        Package::MessageSummary | Package::Presence | Package::Conference => true,
    }
}

fn send(agent: &mut Agent, now: Instant, key: u64, last: bool) {
    let known = agent.notifier.table.get(key).is_some_and(|watcher| is_known(agent, watcher));
    let body = known.then(|| document(agent, now, key, last)).flatten();
    let Some(watcher) = agent.notifier.table.get_mut(key) else { return };
    if !known {
        watcher.out = Out::Held { last };
        return;
    }
    let left = watcher.ends_at.map_or(0, |end| end.since(now).as_secs());
    let state = match watcher.why.filter(|_| last) {
        Some(why) => why.header(None),
        None => watcher.state.header(u32::try_from(left).unwrap_or(u32::MAX)),
    };
    watcher.later = None;
    let more = watcher.news.has_changes();
    let cseq = watcher.dialog.next_cseq();
    let way = watcher.dialog.way();
    let selection = match watcher.pinned {
        Some(_) => None,
        None => UriRef::parse(&way.next_hop).ok().filter(UriRef::is_sip).map(|uri| {
            let transport = uri.params().get("transport").and_then(|token| token.parse().ok());
            Selection::new(target_of(&uri, transport), agent.desk.supported(true))
        }),
    };
    let (state, body) = (state.to_string(), body.unwrap_or_default());
    let pinned = watcher.pinned;
    watcher.out = Out::Going(Box::new(Going { client: None, selection, cseq, state, body }));
    match pinned {
        Some(flow) => send_over(agent, now, key, flow),
        None => seek(agent, now, key),
    }
    if more && !last {
        advance(agent, now, key, Input::Wanted);
    }
}

/// Looks for the next server of the NOTIFY that is out.
fn seek(agent: &mut Agent, now: Instant, key: u64) {
    let Agent { desk, notifier, .. } = agent;
    let Some(watcher) = notifier.table.get_mut(key) else { return };
    let Out::Going(going) = &mut watcher.out else { return };
    let sought = match &mut going.selection {
        Some(selection) => desk.seek(selection, watcher.listener, Asker::Notify(key)),
        None => Sought::Nobody,
    };
    match sought {
        Sought::Asked => {}
        Sought::Flow(flow) => send_over(agent, now, key, flow),
        Sought::Nobody | Sought::NoRoom => done(agent, now, key, None),
    }
}

/// The answer to what was asked for a NOTIFY.
pub(crate) fn handle_answer(agent: &mut Agent, now: Instant, key: u64, answer: Answer) {
    let Agent { desk, notifier, .. } = agent;
    let Some(watcher) = notifier.table.get_mut(key) else { return };
    let Out::Going(going) = &mut watcher.out else { return };
    match answer {
        Answer::Opened(Ok(flow)) => send_over(agent, now, key, flow),
        Answer::Dns(records) => {
            if let Some(selection) = &mut going.selection
                && let Some(query) = selection.asked()
            {
                selection.handle_records(&query, records, desk.stack.dice());
                seek(agent, now, key);
            }
        }
        Answer::Opened(Err(_)) => seek(agent, now, key),
        Answer::Located(_) | Answer::Registered(_) | Answer::Kept(_) => {}
    }
}

fn send_over(agent: &mut Agent, now: Instant, key: u64, flow: Flow) {
    let Agent { desk, notifier, .. } = agent;
    let Some(watcher) = notifier.table.get_mut(key) else { return };
    let client = desk.stack.reserve();
    let Some(bytes) = write(desk, watcher, client, flow) else { return desk.stack.release(client) };
    if let Out::Going(going) = &mut watcher.out {
        going.client = Some(client);
    }
    desk.stack.request(now, client, flow, Method::Notify, bytes, Owner { role: role::NOTIFIER, key });
}

fn write(desk: &Desk, watcher: &Watcher, client: ClientId, flow: Flow) -> Option<Bytes> {
    let Out::Going(going) = &watcher.out else { return None };
    let dialog = &watcher.dialog;
    let way = dialog.way();
    let branch = desk.stack.branch(client, None);
    let sent_by = desk.listener(flow.listener).map_or("invalid.invalid", |listener| &listener.sent_by);
    let secure = UriRef::parse(&way.uri).is_ok_and(|uri| uri.scheme() == Scheme::Sips);
    let mut request = Builder::request(Method::Notify.as_str(), &way.uri)
        .line(
            Name::VIA,
            format_args!("SIP/2.0/{} {sent_by};branch={branch};rport", flow.transport.via_token()),
        )
        .line(Name::MAX_FORWARDS, 70);
    for route in &way.routes {
        request = request.line(Name::ROUTE, route);
    }
    let package = watcher.package.as_str();
    let request = request
        .line(Name::FROM, dialog.local())
        .line(Name::TO, dialog.remote())
        .line(Name::CALL_ID, &dialog.id().call_id)
        .line(Name::CSEQ, format_args!("{} NOTIFY", going.cseq))
        .line(Name::CONTACT, format_args!("<{}>", contact(desk, &watcher.user, flow.listener, secure)));
    let request = match &watcher.id {
        Some(id) => request.line(Name::EVENT, format_args!("{package};id={id}")),
        None => request.line(Name::EVENT, package),
    };
    let request = request.line(Name::SUBSCRIPTION_STATE, &going.state);
    Some(if going.body.is_empty() {
        request.finish()
    } else {
        request.body(watcher.package.media_type(), going.body.as_bytes())
    })
}

/// The response to a NOTIFY.
pub(crate) fn handle_response(
    agent: &mut Agent,
    now: Instant,
    key: u64,
    client: ClientId,
    response: &View<'_>,
) {
    let Some(status) = response.status().filter(|status| !status.is_provisional()) else { return };
    if !is_out(agent, key, client) {
        return;
    }
    let another = agent.notifier.table.get(key).is_some_and(|watcher| watcher.pinned.is_none());
    if status == Status::SERVICE_UNAVAILABLE && another {
        // RFC 3263 §4.3: another server may take it.
        return lost(agent, now, key);
    }
    done(agent, now, key, Some(status));
}

/// What the stack tells of a NOTIFY.
pub(crate) fn handle_event(agent: &mut Agent, now: Instant, event: Event) {
    match event {
        Event::TimedOut(client, owner) | Event::TransportFailed(client, owner) => {
            if is_out(agent, owner.key, client) {
                lost(agent, now, owner.key);
            }
        }
        Event::TryingOwed(..) | Event::AckMissing(..) | Event::ClientGone(..) | Event::ServerGone(..) => {}
    }
}

fn is_out(agent: &Agent, key: u64, client: ClientId) -> bool {
    let out = agent.notifier.table.get(key).map(|watcher| &watcher.out);
    matches!(out, Some(Out::Going(going)) if going.client == Some(client))
}

/// Nobody took it: the next server may.
fn lost(agent: &mut Agent, now: Instant, key: u64) {
    if let Some(Watcher { out: Out::Going(going), .. }) = agent.notifier.table.get_mut(key) {
        going.client = None;
    }
    seek(agent, now, key);
}

fn done(agent: &mut Agent, now: Instant, key: u64, status: Option<Status>) {
    if let Some(watcher) = agent.notifier.table.get_mut(key) {
        watcher.out = Out::Nothing;
    }
    advance(agent, now, key, of_answer(status));
}

/// The body of the next NOTIFY, with what is owed as it is now.
fn document(agent: &mut Agent, now: Instant, key: u64, last: bool) -> Option<String> {
    let Agent { desk, notifier, .. } = agent;
    let watcher = notifier.table.get_mut(key)?;
    let address = format!("sip:{}", desk.written_aor(&watcher.user));
    match watcher.package {
        Package::Dialog => {
            let lamps = notifier.lamps.get(&watcher.user)?;
            let (sight, only) = (watcher.sight, watcher.only.as_ref());
            let all = || match sight {
                Sight::Virtual => vec![virtual_row(lamps.is_busy())],
                Sight::Whole => {
                    let mut rows = lamps.rows(&address);
                    rows.retain(|row| only.is_none_or(|only| only.names(row)));
                    rows
                }
            };
            let room = if watcher.stream || last { usize::MAX } else { ROOM };
            watcher.news.next(address.clone(), all, room)
        }
        Package::Reg => {
            let (version, gone) = (watcher.news.next_version(), std::mem::take(&mut watcher.gone));
            Some(notifier.registrations.document(now, (&watcher.user, &address), version, gone))
        }
        // No messages are kept here, so that none waits.
        Package::MessageSummary => Some(MessageSummary::default().to_string()),
        Package::Presence | Package::Conference => None,
    }
}
