//! What an operator does with a call: its end, its handover, a hold, and how each comes out.

use super::change::{self, Step};
use super::half::Wanted;
use super::learning::{Found, description, read};
use super::sending::{Purpose, send};
use super::target::Target;
use super::{
    Anchor, CHANGE_LIMIT, Changing, Handing, LATE_REPORT_LIMIT, LEFT_LIMIT, LINGERS, REPORT_LIMIT, Work,
    other, told,
};
use crate::agent::Agent;
use crate::carried::Recipient;
use crate::carried::state::Input as Passed;
use crate::carried::watched::Side;
use crate::door::{CommandId, Recorded};
use crate::news::{CallNews, CallState, News, TransferNews, TransferState};
use crate::operate::{Operated, Operation};
use crate::proxy::target::uri_of;
use crate::telephone::verdict::{Reported, outcome_of, sentence};
use bytes::Bytes;
use cordboard_core::refer::issuer;
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::sdp::Direction;
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// How long we wait after a glare (RFC 3261 §14.1): less than whoever owns the Call-ID, and more than whoever does not.
const PAUSE_MS: [(u64, u64); 2] = [(0, 2000), (2100, 4000)];

/// An operator wants something done with a call, of which these messages are remembered.
pub(crate) fn operate(
    agent: &mut Agent,
    now: Instant,
    asked: CommandId,
    (call_id, operation): (&str, Operation),
    messages: &[Recorded],
) {
    let refuse = |agent: &mut Agent, outcome: Outcome, says: &str| {
        let operated = Operated { kind: kind_of(&operation), outcome, status: None, says: says.into() };
        told(&mut agent.desk, asked, operated);
    };
    let found = read(agent, messages);
    let key = match found {
        Found::Up(anchor) => {
            match agent.anchored.of(anchor.dialog).or_else(|| agent.anchored.insert(*anchor)) {
                Some(key) => key,
                None => return refuse(agent, Outcome::Failed, "too many calls are being handled"),
            }
        }
        Found::Rings if operation == Operation::End => {
            agent.proxy.cancel_call(&mut agent.desk, now, call_id);
            return refuse(agent, Outcome::Completed, "the call was cancelled");
        }
        Found::Rings => return refuse(agent, Outcome::Refused, "the call is not answered yet"),
        Found::Forgotten => {
            return refuse(agent, Outcome::Failed, "how the call began is not remembered any more");
        }
        Found::Over => return refuse(agent, Outcome::AlreadyEnded, "the call has ended already"),
        Found::Unknown => return refuse(agent, Outcome::NotFound, "there is no such call"),
    };
    let Some(anchor) = agent.anchored.table.get(key) else { return };
    match (&anchor.work, operation) {
        (Work::Ending { .. } | Work::Over | Work::Left, operation) => {
            let operated = Operated {
                kind: kind_of(&operation),
                outcome: Outcome::AlreadyEnded,
                status: None,
                says: "the call has ended already".into(),
            };
            told(&mut agent.desk, asked, operated);
        }
        (_, Operation::End) => {
            tell_ended(agent, key);
            end(agent, now, key, Some(asked));
        }
        (Work::Handing(_) | Work::Changing(_), operation) => {
            let operated = Operated {
                kind: kind_of(&operation),
                outcome: Outcome::Refused,
                status: None,
                says: "the call is being held, resumed or handed over already".into(),
            };
            told(&mut agent.desk, asked, operated);
        }
        (
            Work::Nothing,
            operation @ (Operation::Transfer { .. }
            | Operation::Park { .. }
            | Operation::TransferToCall { .. }),
        ) => transfer(agent, now, key, asked, &operation),
        (Work::Nothing, Operation::Hold) => change(agent, now, key, asked, Direction::Inactive),
        (Work::Nothing, Operation::Resume) => change(agent, now, key, asked, Direction::SendRecv),
    }
}

const fn kind_of(operation: &Operation) -> Kind {
    match operation {
        Operation::End | Operation::Hold | Operation::Resume => Kind::Call,
        Operation::Transfer { .. } => Kind::UnattendedTransfer,
        Operation::Park { .. } => Kind::Park,
        Operation::TransferToCall { .. } => Kind::AttendedTransfer,
    }
}

/// Ends what was being done, because the call is over or ends: its outcome.
fn break_off(agent: &mut Agent, now: Instant, key: u64) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    match std::mem::replace(&mut anchor.work, Work::Nothing) {
        Work::Handing(handing) => tell_handed(agent, key, &handing, Outcome::TransferorLeft),
        Work::Changing(changing) => {
            anchor.work = Work::Changing(changing);
            advance_change(agent, now, key, change::Input::Gone);
            if let Some(anchor) = agent.anchored.table.get_mut(key) {
                anchor.work = Work::Nothing;
            }
        }
        work @ (Work::Nothing | Work::Ending { .. } | Work::Over | Work::Left) => anchor.work = work,
    }
}

/// Sends a BYE to both sides.
fn end(agent: &mut Agent, now: Instant, key: u64, asked: Option<CommandId>) {
    break_off(agent, now, key);
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    anchor.work = Work::Ending { out: 2, answered: 0, asked };
    let dialog = anchor.dialog;
    agent.proxy.carried.handle(now, dialog, Passed::HungUp, None);
    for to in [Side::Caller, Side::Callee] {
        request(agent, now, key, (to, Method::Bye, Purpose::Bye), Vec::new(), None);
    }
}

/// Sends a request to one side, with the next number of the other.
fn request(
    agent: &mut Agent,
    now: Instant,
    key: u64,
    (to, method, purpose): (Side, Method, Purpose),
    lines: Vec<(Name, Box<str>)>,
    body: Option<Bytes>,
) -> u32 {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return 0 };
    let cseq = anchor.half_mut(other(to)).numbers.own();
    let wanted = Wanted { method: method.as_str(), cseq, lines, body, at: None };
    send(agent, now, key, (to, method, purpose), wanted);
    cseq
}

/// One side hangs up. What it was asked to do may be reported all the same.
pub(super) fn gone(agent: &mut Agent, now: Instant, key: u64, who: Side) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    if let Work::Handing(handing) = &mut anchor.work {
        handing.left = Some(who);
        if who == handing.transferee {
            agent.anchored.look_at(key, now + LEFT_LIMIT);
        }
        return;
    }
    break_off(agent, now, key);
    left(agent, now, key);
}

/// One side has hung up: the call is remembered for what still belongs to it.
fn left(agent: &mut Agent, now: Instant, key: u64) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    anchor.work = Work::Left;
    let reports = anchor.halves.iter().any(|half| half.numbers.has_referred());
    agent.anchored.look_at(key, now + if reports { LATE_REPORT_LIMIT } else { LINGERS });
}

/// A request of ours was answered, or was not.
pub(super) fn done(agent: &mut Agent, now: Instant, key: u64, purpose: Purpose, status: Status) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    match (purpose, &mut anchor.work) {
        (Purpose::Bye, Work::Ending { out, answered, asked }) => {
            *out = out.saturating_sub(1);
            // Whatever it says, whoever says something knows that it is over.
            *answered += u8::from(status != Status::REQUEST_TIMEOUT && status != Status::SERVICE_UNAVAILABLE);
            if *out == 0 {
                let (answered, asked) = (*answered, asked.take());
                anchor.work = Work::Over;
                agent.anchored.look_at(key, now + LINGERS);
                if let Some(asked) = asked {
                    let (outcome, says) = match answered {
                        0 => (Outcome::TimedOut, "neither side has answered"),
                        1 => (Outcome::Completed, "the call is ended; one side did not answer"),
                        _ => (Outcome::Completed, "the call is ended"),
                    };
                    told(
                        &mut agent.desk,
                        asked,
                        Operated { kind: Kind::Call, outcome, status: None, says: says.into() },
                    );
                }
            }
        }
        (Purpose::Refer, Work::Handing(handing)) => {
            let input = if status.is_success() { issuer::Input::Accepted } else { issuer::Input::Refused };
            if !status.is_success() {
                handing.status = Some(status);
            }
            hand(agent, now, key, input);
        }
        (Purpose::Offer, Work::Changing(changing)) if !status.is_success() => {
            let input = if status == Status::REQUEST_PENDING {
                change::Input::Glare
            } else {
                changing.status = Some(status);
                change::Input::Refused
            };
            advance_change(agent, now, key, input);
        }
        _ => {}
    }
}

/// Asks one side to call somebody else.
fn transfer(agent: &mut Agent, now: Instant, key: u64, asked: CommandId, operation: &Operation) {
    let Some(anchor) = agent.anchored.table.get(key) else { return };
    let leaves = match operation {
        Operation::Transfer { leaves, .. }
        | Operation::Park { leaves, .. }
        | Operation::TransferToCall { leaves, .. } => leaves.as_deref(),
        Operation::End | Operation::Hold | Operation::Resume => None,
    };
    let transferor = anchor.who_leaves(leaves);
    let transferor = transferor.ok_or((Outcome::Failed, "it is not clear which side is to leave: name one"));
    let target = transferor.and_then(|transferor| {
        Target::of(&agent.desk, anchor, transferor, operation).map(|target| (transferor, target))
    });
    let (transferor, target) = match target {
        Ok(target) => target,
        Err((outcome, says)) => {
            let kind = kind_of(operation);
            return told(&mut agent.desk, asked, Operated { kind, outcome, status: None, says: says.into() });
        }
    };
    let transferee = other(transferor);
    let lines = vec![
        (Name::REFER_TO, format!("<{}>", target.uri).into()),
        (Name::REFERRED_BY, format!("<{}>", target.referrer).into()),
    ];
    let whom = anchor.half(transferee).user.clone();
    target.gives_tickets(agent, now, whom.map_or(Recipient::Elsewhere, Recipient::Party));
    let Some(anchor) = agent.anchored.table.get(key) else { return };
    let handing = Handing {
        asked,
        state: issuer::State::Sent,
        transferee,
        cseq: 0,
        kind: target.kind,
        takes_over: target.kind == Kind::AttendedTransfer,
        status: None,
        target: target.shown,
        left: None,
    };
    let news = handing_news(anchor, &handing, TransferState::Asked);
    agent.desk.tell(|| News::Transfer(news));
    if let Some(anchor) = agent.anchored.table.get_mut(key) {
        anchor.work = Work::Handing(handing);
    }
    agent.anchored.look_at(key, now + REPORT_LIMIT);
    let cseq = request(agent, now, key, (transferee, Method::Refer, Purpose::Refer), lines, None);
    if let Some(Anchor { work: Work::Handing(handing), .. }) = agent.anchored.table.get_mut(key) {
        handing.cseq = cseq;
    }
}

/// Feeds the transferor's table and does what it says.
pub(super) fn hand(agent: &mut Agent, now: Instant, key: u64, input: issuer::Input) {
    use issuer::Act;
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    let Work::Handing(handing) = &mut anchor.work else { return };
    let (state, acts) = issuer::step(handing.state, input);
    handing.state = state;
    let who_left = handing.left;
    let reported = Reported {
        status: handing.status,
        takes_over: handing.takes_over,
        up: who_left.is_none(),
        peer_left: who_left == Some(handing.transferee),
    };
    let outcome = match (input, who_left) {
        (issuer::Input::TimedOut, Some(left)) if left != handing.transferee => Outcome::TransferorLeft,
        _ => outcome_of(input, reported),
    };
    let mut releases = false;
    for act in acts {
        match act {
            Act::TellProgress => {
                let news = handing.status.map(TransferState::Progress);
                let news = news.and_then(|state| {
                    let anchor = agent.anchored.table.get(key)?;
                    let Work::Handing(handing) = &anchor.work else { return None };
                    Some(handing_news(anchor, handing, state))
                });
                if let Some(news) = news {
                    agent.desk.tell(|| News::Transfer(news));
                }
                agent.anchored.look_at(key, now + REPORT_LIMIT);
                return;
            }
            Act::TellOutcome => {}
            Act::Release => releases = true,
            // They were not held for this, and have each other.
            Act::Restore => {}
        }
    }
    if state != issuer::State::Over {
        return;
    }
    let Work::Handing(handing) = std::mem::replace(&mut anchor.work, Work::Nothing) else { return };
    tell_handed(agent, key, &handing, outcome);
    if handing.left.is_some() {
        left(agent, now, key);
    } else if releases {
        tell_ended(agent, key);
        end(agent, now, key, None);
    }
}

fn tell_handed(agent: &mut Agent, key: u64, handing: &Handing, outcome: Outcome) {
    let state = TransferState::Ended { outcome, status: handing.status };
    if let Some(news) = agent.anchored.table.get(key).map(|anchor| handing_news(anchor, handing, state)) {
        agent.desk.tell(|| News::Transfer(news));
    }
    let says = sentence(outcome, handing.kind, handing.status, None);
    let operated = Operated { kind: handing.kind, outcome, status: handing.status, says };
    told(&mut agent.desk, handing.asked, operated);
}

fn handing_news(anchor: &Anchor, handing: &Handing, state: TransferState) -> TransferNews {
    TransferNews {
        call_id: anchor.call_id.clone(),
        kind: handing.kind,
        transferor: uri_of(&anchor.half(other(handing.transferee)).address).into(),
        transferee: uri_of(&anchor.half(handing.transferee).address).into(),
        target: handing.target.clone(),
        state,
    }
}

/// Tells that the call is over, which we have ended.
fn tell_ended(agent: &mut Agent, key: u64) {
    let Some(anchor) = agent.anchored.table.get(key) else { return };
    let (caller, callee) = (anchor.half(Side::Caller), anchor.half(Side::Callee));
    let news = CallNews {
        call_id: anchor.call_id.clone(),
        from: uri_of(&caller.address).into(),
        to: uri_of(&callee.address).into(),
        caller: caller.user.clone(),
        callee: callee.user.clone(),
        state: CallState::Ended { outcome: Outcome::Answered, status: None, by: None },
    };
    agent.desk.tell(|| News::Call(news));
}

/// Holds both sides, or takes them off hold.
fn change(agent: &mut Agent, now: Instant, key: u64, asked: CommandId, direction: Direction) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    let [caller, callee] = &anchor.halves;
    let (Some(one), Some(two)) = (caller.said.clone(), callee.said.clone()) else {
        let says = "what the two have described is not remembered".into();
        let operated = Operated { kind: Kind::Call, outcome: Outcome::Failed, status: None, says };
        return told(&mut agent.desk, asked, operated);
    };
    if direction == Direction::Inactive && anchor.before.is_none() {
        anchor.before = Some([one, two]);
    }
    let until = now + CHANGE_LIMIT;
    let state = change::State::Waits(Step::First);
    anchor.work = Work::Changing(Changing { asked, state, direction, status: None, until });
    agent.anchored.look_at(key, until);
    look_if_quiet(agent, now, key);
}

/// Goes on with a change if nothing is in its way.
pub(super) fn look_if_quiet(agent: &mut Agent, now: Instant, key: u64) {
    let Some(anchor) = agent.anchored.table.get(key) else { return };
    if anchor.changing.is_none()
        && matches!(&anchor.work, Work::Changing(Changing { state: change::State::Waits(_), .. }))
    {
        advance_change(agent, now, key, change::Input::Quiet);
    }
}

/// Feeds the table of a change and does what it says.
fn advance_change(agent: &mut Agent, now: Instant, key: u64, input: change::Input) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    let Work::Changing(changing) = &mut anchor.work else { return };
    let (state, acts) = change::step(changing.state, input);
    changing.state = state;
    let (asked, until, status, direction) =
        (changing.asked, changing.until, changing.status, changing.direction);
    for act in acts {
        let (outcome, says) = match act {
            change::Act::Offer(step) => {
                offer(agent, now, key, *step);
                continue;
            }
            change::Act::Pause => {
                let owner = matches!(state, change::State::Waits(Step::Second));
                let (least, most) = PAUSE_MS[usize::from(owner)];
                let pause = least + agent.desk.stack.dice().below((most - least) / 10) * 10;
                agent.anchored.look_at(key, until.min(now + Duration::from_millis(pause)));
                continue;
            }
            change::Act::TellDone if direction == Direction::Inactive => {
                (Outcome::Completed, "both sides are on hold")
            }
            change::Act::TellDone => (Outcome::Completed, "both sides are off hold"),
            change::Act::TellRefused => (Outcome::Refused, "one side has refused it"),
            change::Act::TellGone => (Outcome::AlreadyEnded, "the call has ended on the way"),
            change::Act::TellLate => (Outcome::TimedOut, "it has taken too long"),
        };
        if let Some(anchor) = agent.anchored.table.get_mut(key) {
            anchor.work = Work::Nothing;
            if outcome == Outcome::Completed && direction != Direction::Inactive {
                anchor.before = None;
            }
        }
        let operated = Operated { kind: Kind::Call, outcome, status, says: says.into() };
        told(&mut agent.desk, asked, operated);
    }
}

/// Offers one side what the other has described.
fn offer(agent: &mut Agent, now: Instant, key: u64, step: Step) {
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    let Work::Changing(Changing { direction, .. }) = anchor.work else { return };
    let to = match step {
        Step::First | Step::Again | Step::Back => Side::Caller,
        Step::Second => Side::Callee,
    };
    let before = anchor.before.as_ref().map(|[caller, callee]| match to {
        Side::Caller => callee.clone(),
        Side::Callee => caller.clone(),
    });
    let said = anchor.half(other(to)).said.clone();
    let latest = || {
        said.map(|mut sdp| {
            sdp.set_direction(direction);
            sdp
        })
    };
    let resumes = direction != Direction::Inactive;
    let described = match (step, before) {
        // As it was before the hold, or as near to that as can be known.
        (Step::First | Step::Second, Some(before)) if resumes => Some(before),
        (Step::Back, Some(before)) if !resumes => Some(before),
        _ => latest(),
    };
    let Some(described) = described else {
        return advance_change(agent, now, key, change::Input::Refused);
    };
    let shown = anchor.half_mut(to).shown.show(described);
    let mut lines = vec![(Name::ALLOW, crate::switchboard::ALLOW.into())];
    if let Some((seconds, refresher)) = anchor.timer {
        // RFC 4028 §7.1: a request that says nothing would end the timer.
        let who = if refresher == to { "uas" } else { "uac" };
        lines.push((Name::SUPPORTED, "timer".into()));
        lines.push((Name::SESSION_EXPIRES, format!("{seconds};refresher={who}").into()));
    }
    let body = Bytes::from(shown.to_bytes());
    request(agent, now, key, (to, Method::Invite, Purpose::Offer), lines, Some(body));
}

/// An offer of ours was accepted.
pub(super) fn answered(agent: &mut Agent, now: Instant, out: u64, response: &View<'_>) {
    let Some((key, to)) = agent.anchored.outs.get(out).map(super::sending::Out::whose) else { return };
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return };
    anchor.take_timer(other(to), response);
    let mut input = change::Input::Accepted;
    if let Some(sdp) = description(response) {
        if to == Side::Callee && !anchor.half(Side::Caller).shown.has_seen(&sdp) {
            input = change::Input::AcceptedOtherwise;
        }
        anchor.half_mut(to).said = Some(sdp);
    }
    advance_change(agent, now, key, input);
}

/// Looks at what is due.
pub(crate) fn handle_timeout(agent: &mut Agent, now: Instant) {
    let mut fired = std::mem::take(&mut agent.anchored.fired);
    agent.anchored.wheel.fire(now, &mut fired);
    for key in fired.drain(..) {
        let Some(anchor) = agent.anchored.table.get_mut(key) else { continue };
        if anchor.due.take_if(|due| *due <= now).is_none() {
            continue;
        }
        match &anchor.work {
            Work::Over | Work::Left => agent.anchored.forget(key),
            Work::Handing(_) => hand(agent, now, key, issuer::Input::TimedOut),
            Work::Changing(changing) if changing.until <= now => {
                advance_change(agent, now, key, change::Input::TimedOut);
            }
            Work::Changing(changing) => {
                let until = changing.until;
                agent.anchored.look_at(key, until);
                look_if_quiet(agent, now, key);
            }
            Work::Nothing | Work::Ending { .. } => {}
        }
    }
    agent.anchored.fired = fired;
}

impl Anchor {
    /// The side that is to leave: whoever has that name or address, or whoever alone is one of ours.
    fn who_leaves(&self, named: Option<&str>) -> Option<Side> {
        let sides = [Side::Caller, Side::Callee];
        let Some(named) = named else {
            let mut ours = sides.into_iter().filter(|side| self.half(*side).user.is_some());
            return ours.next().filter(|_| ours.next().is_none());
        };
        let is_named = |side: &Side| {
            let half = self.half(*side);
            let uri = NameAddrRef::parse(&half.address).ok().map(|address| address.uri_text().to_owned());
            half.user.as_deref() == Some(named)
                || uri.is_some_and(|uri| *uri == *named || uri.strip_prefix("sip:") == Some(named))
        };
        sides.into_iter().find(is_named)
    }
}
