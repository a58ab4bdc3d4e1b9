//! Transfers that pass: each REFER, its response and its NOTIFYs, for whoever listens to [`News`]. The phones do what is to
//! be done; here it is only seen (RFC 3515 §2.4).

use crate::agent::Agent;
use crate::carried::DialogKey;
use crate::carried::state::State as Carried;
use crate::carried::takeover::named_by_request;
use crate::desk::Desk;
use crate::keyed::Keyed;
use crate::news::{News, TransferNews, TransferState};
use crate::telephone::verdict::{Reported, outcome_of};
use cordboard_core::refer::issuer::{Act, Input, State, step};
use cordboard_core::time::Instant;
use cordboard_core::wheel::Wheel;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::body::Sipfrag;
use cordboard_sip::header::Header;
use cordboard_sip::header::{Event, ReferSub, ReferTo, Replaces, SubState, SubscriptionState};
use cordboard_sip::{Name, Status, View};
use foldhash::quality::FixedState;
use std::collections::HashMap;
use std::time::Duration;

/// Transfers that one shard follows; of more nothing is told.
const MAX_FOLLOWED: usize = 10_000;

/// How long a transfer may stand still before it is given up: longer than any phone rings.
const REPORT_LIMIT: Duration = Duration::from_mins(5);

/// The transfers that pass through one shard.
#[derive(Default)]
pub(crate) struct Passing {
    table: Keyed<Transfer>,
    /// By the Call-ID and the transferor's tag, which are the same in all its messages.
    by_transferor: HashMap<DialogKey, Vec<u64>, FixedState>,
    wheel: Wheel,
    fired: Vec<u64>,
}

struct Transfer {
    transferor: DialogKey,
    /// The dialog that it is about, if it travels in one.
    dialog: Option<DialogKey>,
    /// A NOTIFY names it as `id` (RFC 3515 §2.4.6).
    cseq: u32,
    state: State,
    takes_over: bool,
    status: Option<Status>,
    until: Instant,
    news: TransferNews,
}

impl Passing {
    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    /// A REFER goes on to its recipient.
    pub(crate) fn asked(agent: &mut Agent, now: Instant, request: &View<'_>) {
        let Agent { desk, passing, proxy, .. } = agent;
        if passing.table.len() >= MAX_FOLLOWED {
            return;
        }
        let (Some(from_tag), Some(Ok(refer_to))) = (request.from_tag(), request.header::<ReferTo>()) else {
            return;
        };
        let dialog = request.to_tag().map(|to_tag| desk.tokens.dialog(request.call_id(), [from_tag, to_tag]));
        let early = named_by_request(request).into_iter().next().is_some_and(|named| {
            let [one, other] = &named.tags;
            let named = desk.tokens.dialog(&named.call_id, [one, other]);
            proxy.carried.get(named).is_some_and(|(state, _)| state == Carried::Early)
        });
        let target = refer_to.addr.uri.to_string();
        let news = TransferNews {
            call_id: request.call_id().into(),
            kind: kind_of(request, &refer_to, early),
            transferor: request.from_uri().into(),
            transferee: request.to_uri().into(),
            target: target.split('?').next().unwrap_or_default().into(),
            state: TransferState::Asked,
        };
        let transferor = desk.tokens.dialog(request.call_id(), [from_tag, ""]);
        desk.tell(|| News::Transfer(news.clone()));
        let key = passing.table.insert(Transfer {
            transferor,
            dialog,
            cseq: request.cseq().0,
            state: State::Sent,
            takes_over: refer_to.replaces().is_some(),
            status: None,
            until: now + REPORT_LIMIT,
            news,
        });
        passing.by_transferor.entry(transferor).or_default().push(key);
        passing.wheel.arm(now + REPORT_LIMIT, key);
    }

    /// The response to a REFER passes.
    pub(crate) fn answered(agent: &mut Agent, now: Instant, response: &View<'_>) {
        let Some(status) = response.status().filter(|status| !status.is_provisional()) else { return };
        let Some(tag) = response.from_tag() else { return };
        let transferor = agent.desk.tokens.dialog(response.call_id(), [tag, ""]);
        let Some(key) = agent.passing.find(transferor, Some(response.cseq().0)) else { return };
        let silent = response.header::<ReferSub>().is_some_and(|sub| sub.is_ok_and(|sub| !sub.wanted));
        let input = match status.code() {
            200..=299 if silent => Input::AcceptedSilently,
            200..=299 => Input::Accepted,
            // Whoever is challenged asks again, with another number.
            401 | 407 => Input::TriedAnew,
            _ => Input::Refused,
        };
        if input == Input::Refused
            && let Some(transfer) = agent.passing.table.get_mut(key)
        {
            transfer.status = Some(status);
        }
        advance(agent, now, key, input);
    }

    /// A NOTIFY passes: its recipient is the transferor.
    pub(crate) fn reported(agent: &mut Agent, now: Instant, request: &View<'_>) {
        let Some(Ok(event)) = request.header::<Event>() else { return };
        let (true, Some(tag)) = (event.is("refer"), request.to_tag()) else { return };
        let transferor = agent.desk.tokens.dialog(request.call_id(), [tag, ""]);
        let id = event.id.and_then(|id| id.parse().ok());
        let Some(key) = agent.passing.find(transferor, id) else { return };
        let Some(transfer) = agent.passing.table.get_mut(key) else { return };
        let status = Sipfrag::parse(request.body()).ok().and_then(|report| report.status());
        transfer.status = status.or(transfer.status);
        transfer.until = now + REPORT_LIMIT;
        let ended = request
            .header::<SubscriptionState>()
            .is_some_and(|state| state.is_ok_and(|state| state.state == SubState::Terminated));
        let input = match status {
            Some(status) if status.is_success() => Input::Success,
            Some(status) if !status.is_provisional() => Input::Failure,
            Some(_) | None if ended => Input::Ended,
            Some(_) | None => Input::Progress,
        };
        advance(agent, now, key, input);
    }

    /// Gives up what stood still for too long.
    pub(crate) fn handle_timeout(agent: &mut Agent, now: Instant) {
        let mut fired = std::mem::take(&mut agent.passing.fired);
        agent.passing.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            match agent.passing.table.get(key).map(|transfer| transfer.until) {
                Some(until) if until <= now => advance(agent, now, key, Input::TimedOut),
                Some(until) => agent.passing.wheel.arm(until, key),
                None => {}
            }
        }
        agent.passing.fired = fired;
    }

    /// The transfer of that number, or, where a NOTIFY names none, the first (RFC 3515 §2.4.6).
    fn find(&self, transferor: DialogKey, cseq: Option<u32>) -> Option<u64> {
        let keys = self.by_transferor.get(&transferor)?;
        let fits = |key: &&u64| {
            self.table.get(**key).is_some_and(|transfer| cseq.is_none_or(|cseq| cseq == transfer.cseq))
        };
        keys.iter().find(fits).copied()
    }

    fn forget(&mut self, key: u64) {
        let Some(transfer) = self.table.remove(key) else { return };
        if let Some(keys) = self.by_transferor.get_mut(&transfer.transferor) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.by_transferor.remove(&transfer.transferor);
            }
        }
    }
}

/// Feeds the transferor's table, and tells what it says.
fn advance(agent: &mut Agent, _now: Instant, key: u64, input: Input) {
    let Agent { desk, passing, proxy, .. } = agent;
    let Some(transfer) = passing.table.get_mut(key) else { return };
    let (state, acts) = step(transfer.state, input);
    transfer.state = state;
    for act in acts {
        let state = match (act, transfer.status) {
            (Act::TellProgress, Some(status)) => TransferState::Progress(status),
            (Act::TellOutcome, status) => {
                let up = transfer.dialog.is_some_and(|dialog| proxy.carried.get(dialog).is_some());
                let takes_over = transfer.takes_over;
                let reported = Reported { status, takes_over, up, peer_left: false };
                TransferState::Ended { outcome: outcome_of(input, reported), status }
            }
            // The phones do that.
            (Act::TellProgress, None) | (Act::Release | Act::Restore, _) => continue,
        };
        desk.tell(|| News::Transfer(TransferNews { state, ..transfer.news.clone() }));
    }
    if state == State::Over {
        passing.forget(key);
    }
}

/// Tells of a REFER that we ourselves refuse.
pub(crate) fn refused(desk: &mut Desk, request: &View<'_>) {
    let Some(Ok(refer_to)) = request.header::<ReferTo>() else { return };
    desk.tell(|| {
        let target = refer_to.addr.uri.to_string();
        News::Transfer(TransferNews {
            call_id: request.call_id().into(),
            kind: kind_of(request, &refer_to, false),
            transferor: request.from_uri().into(),
            transferee: request.to_uri().into(),
            target: target.split('?').next().unwrap_or_default().into(),
            state: TransferState::Ended { outcome: Outcome::NotAllowed, status: Some(Status::FORBIDDEN) },
        })
    });
}

/// What a REFER asks for; `early` if the call to take over still rings.
fn kind_of(request: &View<'_>, refer_to: &ReferTo, early: bool) -> Kind {
    let about_a_call = request.to_tag().is_some() || request.has(Name::TARGET_DIALOG);
    let headers = refer_to.addr.uri.as_sip().map(|uri| &uri.headers);
    let replaces = headers.and_then(|headers| headers.get("Replaces"));
    let only_early = replaces
        .as_deref()
        .is_some_and(|text| Replaces::parse(text).is_ok_and(|replaces| replaces.early_only));
    if refer_to.method().is_some_and(|method| method != "INVITE") {
        return Kind::Other;
    }
    match (about_a_call, replaces.is_some()) {
        _ if headers.is_some_and(|headers| headers.get("Join").is_some()) => Kind::Conference,
        (true, true) if early => Kind::SemiAttendedTransfer,
        (false, true) if only_early => Kind::Pickup,
        (_, true) => Kind::AttendedTransfer,
        (true, false) => Kind::UnattendedTransfer,
        (false, false) => Kind::ClickToDial,
    }
}
