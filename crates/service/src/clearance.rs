//! Requests that are looked at more closely before they go on: INVITEs that take over or join a call, and the REFERs
//! and MESSAGEs that ask somebody to.
//!
//! So are calls for a server of ours that does not serve who calls.
//!
//! What they name may be the business of another shard, or the location's; they are held meanwhile. The switchboard
//! itself acts on no REFER: it goes on as it came, and what its Refer-To holds is for the phone to judge.

use crate::agent::Agent;
use crate::carried::takeover::{Aim, Claim, Named, Refusal, Ruling, named_by_invite, named_by_request};
use crate::carried::{DialogKey, Party, Recipient, Referrer};
use crate::desk::{Asker, Desk, role};
use crate::door::{Answer, Envelope, Level, Output, Question, ShardId};
use crate::location::Wanted;
use crate::notifier;
use crate::passing::{self, Passing};
use crate::picking::{self, Wish};
use crate::proxy::target::Destination;
use crate::servers::{self, Admission};
use crate::settings::Takeovers;
use crate::switchboard::{self, Admitted, Caller};
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_core::transport::Flow;
use cordboard_sip::header::{ReferTo, ReferredBy};
use cordboard_sip::uri::unescape;
use cordboard_sip::{Message, Method, Name, Status, UriRef, View};
use slab::Slab;

/// Requests that one shard holds at a time; more are answered 503.
const MAX_HELD: usize = 10_000;

/// What one shard writes to another.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    /// An INVITE is held in `from` under `held` until this is decided.
    Claim { from: ShardId, held: u64, claim: Claim },
    /// How it was decided.
    Ruled { held: u64, ruling: Ruling },
    /// One of ours has asked somebody to take over or join that dialog.
    Vouched { dialog: DialogKey, by: Box<str> },
    /// One of those whom a server serves has sent somebody there.
    SentTo { place: DialogKey, by: Box<str>, whom: Recipient },
    /// Somebody wants a call that rings.
    PickUp(Box<Wish>),
    /// About who is watched.
    Watched(notifier::Letter),
}

/// The requests that are held.
#[derive(Default)]
pub(crate) struct Clearance {
    held: Slab<Held>,
    generation: u32,
}

struct Held {
    generation: u32,
    flow: Flow,
    server: ServerId,
    request: Box<Message>,
    admitted: Admitted,
}

impl Clearance {
    /// Whether none is held.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    fn hold(
        &mut self,
        desk: &mut Desk,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
        admitted: Admitted,
    ) -> Option<u64> {
        if self.held.len() >= MAX_HELD {
            return None;
        }
        self.generation = self.generation.wrapping_add(1);
        let request = Box::new(Message::of(request));
        let slot = self.held.insert(Held { generation: self.generation, flow, server, request, admitted });
        let key = u64::from(self.generation) << 32 | slot as u64;
        desk.stack.own(server, Owner { role: role::CLEARANCE, key });
        Some(key)
    }

    fn take(&mut self, key: u64) -> Option<Held> {
        let slot = key as u32 as usize;
        self.held.get(slot).filter(|held| held.generation == (key >> 32) as u32)?;
        Some(self.held.remove(slot))
    }

    /// The caller cancels what is held (RFC 3261 §9.2).
    pub(crate) fn cancel(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        if let Some(held) = self.take(key) {
            desk.reply(now, held.server, &held.request.view(), Status::REQUEST_TERMINATED);
        }
    }
}

/// Lets a request go on that may, at once or later.
pub(crate) fn clear(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
) {
    let mut admitted = admitted;
    if let Destination::Server(name) = &admitted.destination {
        match servers::admission(&agent.desk, request, &admitted.caller, name) {
            Admission::Member => match picking::dialled(agent, now, flow, server, request, admitted) {
                Some(goes_on)
                    if servers::may_be_sent(request)
                        && matches!(goes_on.caller, Caller::User(_) | Caller::Claimed(_)) =>
                {
                    return sent(agent, now, flow, server, request, goes_on);
                }
                Some(goes_on) => admitted = goes_on,
                None => return,
            },
            Admission::IfSent => return sent(agent, now, flow, server, request, admitted),
            Admission::Refused => {
                agent.desk.note(Level::Warning, "refused what a server does for others", request, Some(flow));
                return agent.desk.reply(now, server, request, Status::FORBIDDEN);
            }
        }
    }
    match request.method() {
        Method::Invite if request.has(Name::REPLACES) || request.has(Name::JOIN) => {
            takeover(agent, now, flow, server, request, admitted);
        }
        Method::Refer => match leads_out(&agent.desk, request) {
            Some(uri) => locate(agent, now, flow, server, request, admitted, uri),
            None => go_on(agent, now, flow, server, request, admitted),
        },
        _ => go_on(agent, now, flow, server, request, admitted),
    }
}

/// A request that may go on: who is asked in it to take over a call is given a ticket.
fn go_on(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
) {
    if matches!(request.method(), Method::Refer | Method::Message)
        && let Some(by) = asker(agent, request, &admitted.caller)
    {
        vouch(agent, now, &by, named_by_request(request));
        if request.method() == Method::Refer
            && let Some(name) = servers::sent_to(&agent.desk, request, &by)
        {
            let whom = recipient(agent, request, &admitted.caller);
            send_to(agent, now, &name, by, whom);
        }
    }
    match request.method() {
        Method::Refer => Passing::asked(agent, now, request),
        Method::Notify => Passing::reported(agent, now, request),
        _ => {}
    }
    switchboard::forward(agent, now, flow, server, request, admitted);
}

/// One of ours has somebody asked to take over or join calls, which they may then.
pub(crate) fn vouch(agent: &mut Agent, now: Instant, by: &str, calls: impl IntoIterator<Item = Named>) {
    for named in calls {
        let (home, dialog) = home_of(&agent.desk, &named);
        if home == agent.desk.shard {
            agent.proxy.carried.vouch(&agent.desk.directory, now, dialog, by);
        } else {
            let letter = Letter::Vouched { dialog, by: by.into() };
            agent.desk.out.push_back(Output::HandOver(home, Envelope(letter)));
        }
    }
}

/// An INVITE with Replaces or Join: whoever knows where the dialog is decides.
fn takeover(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
) {
    if agent.desk.settings.takeovers == Takeovers::ByPhones {
        return switchboard::forward(agent, now, flow, server, request, admitted);
    }
    let named = match named_by_invite(request) {
        Ok(Some(named)) => named,
        Ok(None) => return switchboard::forward(agent, now, flow, server, request, admitted),
        Err(_) => {
            agent.desk.note(Level::Warning, "Replaces or Join that names no one dialog", request, Some(flow));
            return agent.desk.reply(now, server, request, Status::BAD_REQUEST);
        }
    };
    let (home, dialog) = home_of(&agent.desk, &named);
    let own = agent.desk.tokens.dialog(request.call_id(), [request.from_tag().unwrap_or_default(), ""]);
    let claim = Claim {
        aim: Aim::Dialog,
        dialog,
        asker: insider(agent, request, &admitted.caller),
        call: own.0,
        referrer: referrer(&agent.desk, request),
    };
    decide(agent, now, flow, server, request, admitted, (home, claim));
}

/// A call for a server. Who has sent them there is told to it, for their own telephones often leave that out; and of those whom
/// it does not serve only one whom a member has just sent is let through, for a transfer to its number.
fn sent(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
) {
    let Destination::Server(name) = &admitted.destination else { return };
    let (home, dialog) = home_of_server(&agent.desk, name);
    let own = agent.desk.tokens.dialog(request.call_id(), [request.from_tag().unwrap_or_default(), ""]);
    let aim = match servers::admission(&agent.desk, request, &admitted.caller, name) {
        Admission::Member => Aim::Server,
        Admission::IfSent | Admission::Refused => Aim::Guest,
    };
    let asker = insider(agent, request, &admitted.caller);
    let referrer = referrer(&agent.desk, request);
    let claim = Claim { aim, dialog, asker, call: own.0, referrer };
    decide(agent, now, flow, server, request, admitted, (home, claim));
}

/// Has a claim decided where it can be.
fn decide(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
    (home, claim): (ShardId, Claim),
) {
    if home == agent.desk.shard {
        let ruling = agent.proxy.carried.rule(&agent.desk.directory, now, &claim);
        return ruled(agent, now, flow, server, request, admitted, ruling);
    }
    match agent.clearance.hold(&mut agent.desk, flow, server, request, admitted) {
        Some(held) => {
            let letter = Letter::Claim { from: agent.desk.shard, held, claim };
            agent.desk.out.push_back(Output::HandOver(home, Envelope(letter)));
        }
        None => agent.desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE),
    }
}

fn ruled(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
    ruling: Ruling,
) {
    match ruling {
        Ok(sent_by) => {
            let mut admitted = admitted;
            admitted.routed.preparation.referred_by =
                sent_by.filter(|_| servers::may_be_sent(request)).map(|user| agent.desk.written_aor(&user));
            switchboard::forward(agent, now, flow, server, request, admitted);
        }
        Err(refusal) => {
            agent.desk.counters.takeovers_refused += 1;
            let says = match (&admitted.destination, refusal) {
                (Destination::Server(_), Refusal::Unknown) => {
                    "refused to let a server be used by whom it does not serve"
                }
                (_, refusal) => refusal.says(),
            };
            agent.desk.note(Level::Warning, says, request, Some(flow));
            agent.desk.tell_refused(request, Status::FORBIDDEN, [None; 2]);
            agent.desk.reply(now, server, request, Status::FORBIDDEN);
        }
    }
}

/// Asks whether an address that is not of our domain is a phone of ours all the same.
fn locate(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
    uri: Box<str>,
) {
    let Some(held) = agent.clearance.hold(&mut agent.desk, flow, server, request, admitted) else {
        return agent.desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE);
    };
    if !agent.desk.ask(Question::Locate(Wanted::Contact(uri)), Asker::Clearance(held)) {
        agent.clearance.take(held);
        agent.desk.reply(now, server, request, Status::SERVICE_UNAVAILABLE);
    }
}

/// The answer to what [`locate`] asked: a REFER to somebody else's domain is charged to who sent it, where that is
/// allowed at all.
pub(crate) fn located(agent: &mut Agent, now: Instant, key: u64, answer: &Answer) {
    let (Some(held), Answer::Located(located)) = (agent.clearance.take(key), answer) else { return };
    let Held { flow, server, request, admitted, .. } = held;
    let request = request.view();
    let external = !located.known;
    if external {
        let allowed = agent.desk.settings.external_transfer;
        let transferor = match insider(agent, &request, &admitted.caller) {
            Some(user) => Some(format!("sip:{}", agent.desk.written_aor(&user)).into()),
            None => request.value(Name::FROM).map(Box::from),
        };
        let (level, says) = if allowed {
            (Level::Info, "external transfer, charged to its transferor")
        } else {
            (Level::Warning, "refused an external transfer")
        };
        agent.desk.note_of(level, says, &request, Some(flow), transferor);
        if !allowed {
            passing::refused(&mut agent.desk, &request);
            return agent.desk.reply(now, server, &request, Status::FORBIDDEN);
        }
    }
    go_on(agent, now, flow, server, &request, admitted);
}

/// A letter from another shard.
pub(crate) fn handed(agent: &mut Agent, now: Instant, letter: Letter) {
    match letter {
        Letter::Claim { from, held, claim } => {
            let ruling = agent.proxy.carried.rule(&agent.desk.directory, now, &claim);
            let letter = Letter::Ruled { held, ruling };
            agent.desk.out.push_back(Output::HandOver(from, Envelope(letter)));
        }
        Letter::Ruled { held, ruling } => {
            let Some(Held { flow, server, request, admitted, .. }) = agent.clearance.take(held) else {
                return;
            };
            ruled(agent, now, flow, server, &request.view(), admitted, ruling);
        }
        Letter::PickUp(wish) => agent.proxy.pick_up(&mut agent.desk, now, &wish),
        Letter::SentTo { place, by, whom } => agent.proxy.carried.tickets.make(now, place, by, whom),
        Letter::Watched(letter) => notifier::handed(agent, now, letter),
        Letter::Vouched { dialog, by } => agent.proxy.carried.vouch(&agent.desk.directory, now, dialog, &by),
    }
}

/// The shard that a dialog is at home in, and its name there.
fn home_of(desk: &Desk, named: &Named) -> (ShardId, DialogKey) {
    let [one, other] = &named.tags;
    let home = Agent::shard_of_call(named.call_id.as_bytes(), desk.shards);
    (home, desk.tokens.dialog(&named.call_id, [one, other]))
}

/// The shard that keeps who was sent to a server, and its name there: no dialog has such tags.
fn home_of_server(desk: &Desk, name: &str) -> (ShardId, DialogKey) {
    (Agent::shard_of_call(name.as_bytes(), desk.shards), desk.tokens.dialog(name, ["", ""]))
}

/// Who sent a request, if it is one of ours: who has proved it now, or when the dialog began that it is inside.
pub(crate) fn insider(agent: &Agent, request: &View<'_>, caller: &Caller) -> Option<Box<str>> {
    match caller {
        Caller::User(user) | Caller::Claimed(user) => Some(user.clone()),
        Caller::InDialog { from_caller } => {
            let tags = [request.from_tag()?, request.to_tag()?];
            let (_, ends) = agent.proxy.carried.get(agent.desk.tokens.dialog(request.call_id(), tags))?;
            let party: Party = if *from_caller { ends.caller } else { ends.callee };
            agent.proxy.carried.people.name(party).map(Box::from)
        }
        // What it does it does for whoever has asked.
        Caller::Server { asked_by, .. } => asked_by.clone(),
        Caller::Neighbour | Caller::Stranger => None,
    }
}

/// Who wants what a REFER or a MESSAGE asks for: of one that a server of ours hands on, whoever has asked that server.
fn asker(agent: &Agent, request: &View<'_>, caller: &Caller) -> Option<Box<str>> {
    let sender = insider(agent, request, caller)?;
    if agent.desk.directory.server(&sender).is_none() {
        return Some(sender);
    }
    servers::asked_by(&agent.desk, request)
}

/// Who is asked by a REFER.
fn recipient(agent: &Agent, request: &View<'_>, caller: &Caller) -> Recipient {
    if let Caller::InDialog { from_caller } = caller {
        let other = insider(agent, request, &Caller::InDialog { from_caller: !from_caller });
        return other.map_or(Recipient::Elsewhere, Recipient::Party);
    }
    let to = UriRef::parse(request.to_uri()).ok().filter(|to| agent.desk.is_ours(to));
    let user = to.and_then(|to| Some(unescape(to.user()?).into()));
    user.map_or(Recipient::Elsewhere, Recipient::Named)
}

/// One of ours sends somebody to a server of ours.
pub(crate) fn send_to(agent: &mut Agent, now: Instant, name: &str, by: Box<str>, whom: Recipient) {
    let (home, place) = home_of_server(&agent.desk, name);
    let letter = Letter::SentTo { place, by, whom };
    if home == agent.desk.shard {
        handed(agent, now, letter);
    } else {
        agent.desk.out.push_back(Output::HandOver(home, Envelope(letter)));
    }
}

fn referrer(desk: &Desk, request: &View<'_>) -> Referrer {
    let Some(header) = request.header::<ReferredBy>() else { return Referrer::Unsaid };
    let named = header.ok().map(|header| header.addr.uri.to_string());
    named.as_deref().and_then(|uri| user_of(desk, uri)).map_or(Referrer::Foreign, Referrer::Ours)
}

/// The user of ours that a URI names.
fn user_of(desk: &Desk, uri: &str) -> Option<Box<str>> {
    let uri = UriRef::parse(uri).ok()?;
    let user = unescape(uri.user()?);
    (uri.is_sip() && desk.is_ours(&uri)).then(|| user.into_owned().into())
}

/// Where a REFER asks somebody to call, without what it would have them say, if that is not our domain. Numbers are
/// ours to find, and what is no call costs nothing.
fn leads_out(desk: &Desk, request: &View<'_>) -> Option<Box<str>> {
    let refer_to = request.header::<ReferTo>()?.ok()?;
    let text = refer_to.addr.uri.to_string();
    let uri = UriRef::parse(&text).ok()?;
    if !uri.is_sip() || desk.is_ours(&uri) {
        return None;
    }
    Some(text.split('?').next().unwrap_or_default().into())
}
