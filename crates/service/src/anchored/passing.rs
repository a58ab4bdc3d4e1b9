//! Messages of a dialog in which we stand, on their way from one side to the other: with the numbers and versions that the
//! other expects.

use super::learning::{description, dialog_of};
use super::{Anchor, Work, acting, other};
use crate::agent::Agent;
use crate::carried::watched::Side;
use bytes::Bytes;
use cordboard_core::refer::issuer::Input;
use cordboard_core::time::Instant;
use cordboard_sip::body::Sipfrag;
use cordboard_sip::header::{Event, RAck, SubState, SubscriptionState};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Edits, Method, Name, Status, View};

/// What becomes of a request.
pub(crate) enum Passage {
    /// It goes on as it came.
    AsItCame,
    /// It goes on like this; its sender knows it by this number.
    Like(Bytes, u32),
    /// It was for us, or comes too late: it is answered with this.
    Answered(Status),
}

/// A request inside a dialog.
pub(crate) fn request_passes(agent: &mut Agent, now: Instant, request: &View<'_>) -> Passage {
    if agent.anchored.table.len() == 0 {
        return Passage::AsItCame;
    }
    let Some(key) = dialog_of(&agent.desk, request).and_then(|dialog| agent.anchored.of(dialog)) else {
        return Passage::AsItCame;
    };
    let Some(anchor) = agent.anchored.table.get_mut(key) else { return Passage::AsItCame };
    let Some(sender) = request.from_tag().and_then(|tag| anchor.side_of(tag)) else {
        return Passage::AsItCame;
    };
    match (&anchor.work, request.method()) {
        // The two have crossed: either has ended it.
        (Work::Over | Work::Ending { .. }, Method::Bye) => return Passage::Answered(Status::OK),
        (Work::Over | Work::Ending { .. }, _) => return Passage::Answered(Status::CALL_DOES_NOT_EXIST),
        _ => {}
    }
    // RFC 3261 §14.2, RFC 3311 §5.2: an offer of ours is out.
    let offers = request.method() == Method::Invite
        || request.method() == Method::Update && !request.body().is_empty();
    if offers && anchor.is_offering() {
        return Passage::Answered(Status::REQUEST_PENDING);
    }
    if request.method() == Method::Notify && anchor.reports_to_us(sender, request) {
        reported(agent, now, key, request);
        return Passage::Answered(Status::OK);
    }
    if request.method() == Method::Bye {
        let like = anchor.rewrite(request, sender);
        acting::gone(agent, now, key, sender);
        return like;
    }
    anchor.rewrite(request, sender)
}

/// An ACK for a 2xx; none if it goes on as it came.
pub(crate) fn ack_passes(agent: &mut Agent, now: Instant, ack: &View<'_>) -> Option<Bytes> {
    if agent.anchored.table.len() == 0 {
        return None;
    }
    let key = agent.anchored.of(dialog_of(&agent.desk, ack)?)?;
    let anchor = agent.anchored.table.get_mut(key)?;
    let sender = anchor.side_of(ack.from_tag()?)?;
    let passage = anchor.rewrite(ack, sender);
    acting::look_if_quiet(agent, now, key);
    match passage {
        Passage::Like(bytes, _) => Some(bytes),
        Passage::AsItCame | Passage::Answered(_) => None,
    }
}

/// A response inside a dialog passes; none if its body goes on as it came. Its number is the proxy's to restore.
pub(crate) fn response_passes(agent: &mut Agent, now: Instant, response: &View<'_>) -> Option<Bytes> {
    if agent.anchored.table.len() == 0 {
        return None;
    }
    let key = agent.anchored.of(dialog_of(&agent.desk, response)?)?;
    let anchor = agent.anchored.table.get_mut(key)?;
    let sdp = anchor.passes(response);
    let bytes = sdp.and_then(|(sender, sdp)| {
        let shown = anchor.half_mut(other(sender)).shown.show(sdp.clone());
        (shown != sdp).then(|| with_body(response, &shown))
    });
    acting::look_if_quiet(agent, now, key);
    bytes
}

fn with_body(view: &View<'_>, sdp: &Sdp) -> Bytes {
    let mut edits = Edits::new();
    edits.set_body(view, view.value(Name::CONTENT_TYPE).unwrap_or("application/sdp"), &sdp.to_bytes());
    edits.apply(view)
}

/// A report of the transferee: it is for us.
fn reported(agent: &mut Agent, now: Instant, key: u64, request: &View<'_>) {
    let Some(Anchor { work: Work::Handing(handing), .. }) = agent.anchored.table.get_mut(key) else { return };
    let status = Sipfrag::parse(request.body()).ok().and_then(|report| report.status());
    handing.status = status.or(handing.status);
    let ended = request
        .header::<SubscriptionState>()
        .is_some_and(|state| state.is_ok_and(|state| state.state == SubState::Terminated));
    let input = match status {
        Some(status) if status.is_success() => Input::Success,
        Some(status) if !status.is_provisional() => Input::Failure,
        Some(_) | None if ended => Input::Ended,
        Some(_) | None => Input::Progress,
    };
    acting::hand(agent, now, key, input);
}

impl Anchor {
    /// Whether a NOTIFY reports what came of a REFER of ours (RFC 3515 §2.4.6).
    fn reports_to_us(&self, sender: Side, request: &View<'_>) -> bool {
        let Work::Handing(handing) = &self.work else { return false };
        let Some(Ok(event)) = request.header::<Event>() else { return false };
        let id = event.id.as_deref().map(str::parse::<u32>);
        let named = match id {
            Some(id) => id == Ok(handing.cseq),
            None => !self.half(other(sender)).numbers.has_referred(),
        };
        event.is("refer") && sender == handing.transferee && named
    }

    /// A request as the other side is to see it.
    fn rewrite(&mut self, request: &View<'_>, sender: Side) -> Passage {
        let (method, cseq) = (request.method(), request.cseq().0);
        let shown = self.half_mut(sender).numbers.pass(method, cseq);
        let mut edits = Edits::new();
        if shown != cseq {
            edits.set_value(request, Name::CSEQ, format_args!("{shown} {}", request.method_text()));
        }
        if let Some(Ok(rack)) = request.header::<RAck>() {
            let invite = self.half(sender).numbers.of_invite(rack.cseq.number);
            if invite != rack.cseq.number {
                let method = &rack.cseq.method;
                edits.set_value(request, Name::RACK, format_args!("{} {invite} {method}", rack.rseq));
            }
        }
        if let Some(id) = self.refer_id(request, sender) {
            edits.set_value(request, Name::EVENT, format_args!("refer;id={id}"));
        }
        let _ = self.passes(request);
        if let Some(sdp) = description(request) {
            let shown = self.half_mut(other(sender)).shown.show(sdp.clone());
            if shown != sdp {
                let kind = request.value(Name::CONTENT_TYPE).unwrap_or("application/sdp");
                edits.set_body(request, kind, &shown.to_bytes());
            }
        }
        if edits.is_empty() { Passage::AsItCame } else { Passage::Like(edits.apply(request), cseq) }
    }

    /// What the recipient calls the REFER that a NOTIFY or SUBSCRIBE names, if that is something else.
    fn refer_id(&self, request: &View<'_>, sender: Side) -> Option<u32> {
        let event = request.header::<Event>()?.ok().filter(|event| event.is("refer"))?;
        let id: u32 = event.id?.parse().ok()?;
        let theirs = match request.method() {
            Method::Notify => self.half(other(sender)).numbers.refer_sent(id),
            Method::Subscribe => self.half(sender).numbers.refer_shown(id),
            _ => id,
        };
        (theirs != id).then_some(theirs)
    }
}
