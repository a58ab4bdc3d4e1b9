//! Requests of ours to one side of a call, in the name of the other.

use super::acting;
use super::half::Wanted;
use super::{Anchored, other};
use crate::agent::Agent;
use crate::carried::watched::Side;
use crate::desk::{Asker, Desk, Sought, role};
use crate::door::{Answer, Question};
use crate::location::{Target, Wanted as Located};
use crate::proxy::target;
use cordboard_core::dialog::Way;
use cordboard_core::server_location::Selection;
use cordboard_core::stack::Event;
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, Owner};
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::{Method, Status, UriRef, View};

/// What a request of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It ends the call.
    Bye,
    /// It asks for another call.
    Refer,
    /// It offers a change.
    Offer,
}

/// A request of ours that is out.
pub(super) struct Out {
    /// In which call.
    anchor: u64,
    to: Side,
    method: Method,
    purpose: Purpose,
    wanted: Wanted,
    /// Servers to try; none where only one flow leads there.
    selection: Option<Selection>,
    client: Option<ClientId>,
    /// Over what it went.
    flow: Option<Flow>,
    /// Whether its final response is here; an INVITE's 2xx may be repeated (RFC 3261 §13.2.2.4).
    done: bool,
}

/// Sends a request.
pub(super) fn send(
    agent: &mut Agent,
    now: Instant,
    anchor: u64,
    (to, method, purpose): (Side, Method, Purpose),
    wanted: Wanted,
) {
    let Agent { desk, anchored, .. } = agent;
    let Some(half) = anchored.table.get(anchor).map(|anchor| anchor.half(to)) else { return };
    let pinned = half.flow.filter(|_| half.routes.is_empty());
    let way = half.way();
    let ours = if pinned.is_none() && half.routes.is_empty() { ours(desk, &way.uri) } else { None };
    let selection = if pinned.is_none() && ours.is_none() { search(desk, &way) } else { None };
    let out = Out { anchor, to, method, purpose, wanted, selection, client: None, flow: None, done: false };
    let key = anchored.outs.insert(out);
    match (pinned, ours) {
        (Some(flow), _) => send_over(desk, anchored, now, key, flow),
        (None, Some(named)) => {
            if !desk.ask(Question::Locate(named), Asker::Anchored(key)) {
                finish(agent, now, key, Status::SERVICE_UNAVAILABLE);
            }
        }
        (None, None) => seek(agent, now, key),
    }
}

/// What is to be looked up if a Contact is a name of ours for a phone: a GRUU.
fn ours(desk: &Desk, uri: &str) -> Option<Located> {
    let uri = UriRef::parse(uri).ok()?;
    if uri.is_sip() && desk.is_ours(&uri) { target::wanted(desk, uri.user()?, &uri) } else { None }
}

/// The servers of the next hop.
fn search(desk: &Desk, way: &Way) -> Option<Selection> {
    let uri = UriRef::parse(&way.next_hop).ok().filter(UriRef::is_sip)?;
    let transport = uri.params().get("transport").and_then(|token| token.parse().ok());
    Some(Selection::new(target::target_of(&uri, transport), desk.supported(true)))
}

/// It is known where the phone is that has a name of ours.
fn located(agent: &mut Agent, now: Instant, key: u64, target: Option<Target>) {
    let Agent { desk, anchored, .. } = agent;
    let Some(out) = anchored.outs.get_mut(key) else { return };
    let Some(target) = target else { return finish(agent, now, key, Status::TEMPORARILY_UNAVAILABLE) };
    let way = Way::new(&target.uri, &target.path);
    let direct = target.path.is_empty();
    out.selection = if direct { None } else { search(desk, &way) };
    out.wanted.at = Some(way);
    if direct {
        send_over(desk, anchored, now, key, target.flow);
    } else {
        seek(agent, now, key);
    }
}

/// Looks for the next server of a request.
fn seek(agent: &mut Agent, now: Instant, key: u64) {
    let Agent { desk, anchored, .. } = agent;
    let Some(out) = anchored.outs.get_mut(key) else { return };
    let sought = match &mut out.selection {
        Some(selection) => desk.seek(selection, ListenerId(0), Asker::Anchored(key)),
        None => Sought::Nobody,
    };
    match sought {
        Sought::Asked => {}
        Sought::Flow(flow) => send_over(desk, anchored, now, key, flow),
        Sought::Nobody | Sought::NoRoom => finish(agent, now, key, Status::SERVICE_UNAVAILABLE),
    }
}

/// The answer to what was asked for a request.
pub(crate) fn handle_answer(agent: &mut Agent, now: Instant, key: u64, answer: Answer) {
    let Agent { desk, anchored, .. } = agent;
    let Some(out) = anchored.outs.get_mut(key) else { return };
    match answer {
        Answer::Opened(Ok(flow)) => send_over(desk, anchored, now, key, flow),
        Answer::Dns(records) => {
            if let Some(selection) = &mut out.selection
                && let Some(query) = selection.asked()
            {
                selection.handle_records(&query, records, desk.stack.dice());
                seek(agent, now, key);
            }
        }
        Answer::Opened(Err(_)) => seek(agent, now, key),
        Answer::Located(named) => located(agent, now, key, named.targets.into_iter().next()),
        Answer::Registered(_) | Answer::Kept(_) => {}
    }
}

fn send_over(desk: &mut Desk, anchored: &mut Anchored, now: Instant, key: u64, flow: Flow) {
    let Anchored { table, outs, .. } = anchored;
    let Some(out) = outs.get_mut(key) else { return };
    let Some(anchor) = table.get(out.anchor) else { return };
    let client = desk.stack.reserve();
    let from = (anchor.half(other(out.to)), &*anchor.call_id);
    let bytes = anchor.half(out.to).write(desk, from, (client, flow), &out.wanted);
    (out.client, out.flow) = (Some(client), Some(flow));
    desk.stack.request(now, client, flow, out.method, bytes, Owner { role: role::ANCHORED, key });
}

/// A response to a request of ours.
pub(crate) fn handle_response(
    agent: &mut Agent,
    now: Instant,
    key: u64,
    client: ClientId,
    response: &View<'_>,
) {
    let Some(status) = response.status().filter(|status| !status.is_provisional()) else { return };
    let Agent { desk, anchored, .. } = agent;
    let Anchored { table, outs, .. } = anchored;
    let Some(out) = outs.get_mut(key).filter(|out| out.client == Some(client)) else { return };
    if out.method == Method::Invite
        && status.is_success()
        && let (Some(anchor), Some(flow)) = (table.get_mut(out.anchor), out.flow)
    {
        anchor.take_contact(out.to, response);
        // RFC 3261 §13.2.2.4: each 2xx is acknowledged, the repeated ones too.
        let ack = Wanted {
            method: "ACK",
            cseq: out.wanted.cseq,
            lines: Vec::new(),
            body: None,
            at: out.wanted.at.clone(),
        };
        let from = (anchor.half(other(out.to)), &*anchor.call_id);
        let client = desk.stack.nobody();
        let bytes = anchor.half(out.to).write(desk, from, (client, flow), &ack);
        desk.send(flow, bytes);
    }
    if out.done {
        return;
    }
    if status == Status::SERVICE_UNAVAILABLE && out.selection.is_some() {
        // RFC 3263 §4.3: another server may take it.
        out.client = None;
        return seek(agent, now, key);
    }
    if status.is_success() && out.purpose == Purpose::Offer {
        acting::answered(agent, now, key, response);
    }
    finish(agent, now, key, status);
}

/// What the stack tells of a request of ours.
pub(crate) fn handle_event(agent: &mut Agent, now: Instant, event: Event) {
    match event {
        Event::TimedOut(client, owner) | Event::TransportFailed(client, owner) => {
            let Some(out) = agent.anchored.outs.get_mut(owner.key) else { return };
            if out.client != Some(client) || out.done {
                return;
            }
            out.client = None;
            if matches!(event, Event::TimedOut(..)) {
                finish(agent, now, owner.key, Status::REQUEST_TIMEOUT);
            } else {
                seek(agent, now, owner.key);
            }
        }
        Event::ClientGone(client, owner) => {
            let gone = |out: &Out| out.client == Some(client) && out.done;
            if agent.anchored.outs.get(owner.key).is_some_and(gone) {
                agent.anchored.outs.remove(owner.key);
            }
        }
        Event::TryingOwed(..) | Event::AckMissing(..) | Event::ServerGone(..) => {}
    }
}

/// A request of ours has its final response, or will get none.
fn finish(agent: &mut Agent, now: Instant, key: u64, status: Status) {
    let Some(out) = agent.anchored.outs.get_mut(key) else { return };
    out.done = true;
    let (anchor, purpose, gone) = (out.anchor, out.purpose, out.client.is_none());
    if gone {
        agent.anchored.outs.remove(key);
    }
    acting::done(agent, now, anchor, purpose, status);
}

impl Out {
    /// In which call it is, and to whom.
    pub(super) const fn whose(&self) -> (u64, Side) {
        (self.anchor, self.to)
    }
}
