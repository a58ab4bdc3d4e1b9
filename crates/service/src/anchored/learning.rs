//! What the messages of a dialog say of its two sides: read from the ring when a call begins to be handled, and as they
//! pass from then on.

use super::half::Half;
use super::numbers::Numbers;
use super::target::{End, OtherCall};
use super::versions::Shown;
use super::{Anchor, Work, other};
use crate::agent::Agent;
use crate::carried::Ends;
use crate::carried::state::State;
use crate::carried::watched::Side;
use crate::desk::Desk;
use crate::door::Recorded;
use crate::proxy::target::uri_of;
use cordboard_sip::header::{Refresher, SessionExpires};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Message, Method, Name, Status, UriRef, View};

/// Where a call stands that an operator wants to handle.
pub(super) enum Found {
    /// It is up, and known well enough.
    Up(Box<Anchor>),
    /// It rings.
    Rings,
    /// It is up, and what began it is not remembered any more.
    Forgotten,
    /// It is over.
    Over,
    /// Nothing is known of it.
    Unknown,
}

/// Reads a call from the messages that are remembered of it, oldest first.
pub(super) fn read(agent: &Agent, messages: &[Recorded]) -> Found {
    let mut invite: Option<Message> = None;
    let mut anchor: Option<Anchor> = None;
    let (mut begun, mut confirmed) = (false, false);
    for message in messages.iter().filter(|message| message.received) {
        let Ok(view) = View::parse(&message.bytes) else { continue };
        let answers = view.method() == Method::Invite && view.status().is_some();
        if view.is_request() && view.method() == Method::Invite && view.to_tag().is_none() {
            begun = true;
            invite = Some(Message::of(&view));
        }
        let Some(dialog) = dialog_of(&agent.desk, &view) else { continue };
        let Some((State::Confirmed, ends)) = agent.proxy.carried.get(dialog) else { continue };
        confirmed = true;
        match &mut anchor {
            Some(anchor) if anchor.dialog == dialog => anchor.learn(&view),
            Some(_) => {}
            None if answers && view.status().is_some_and(Status::is_success) => {
                anchor = invite.as_ref().and_then(|invite| begin(agent, &invite.view(), &view, ends));
            }
            None => {}
        }
    }
    match (anchor, confirmed, begun) {
        (Some(anchor), ..) => Found::Up(Box::new(anchor)),
        (None, true, _) => Found::Forgotten,
        (None, false, true) if messages.last().is_some_and(|last| is_open(agent, &last.bytes)) => {
            Found::Rings
        }
        (None, false, true) => Found::Over,
        (None, false, false) if messages.is_empty() => Found::Unknown,
        (None, false, false) => Found::Over,
    }
}

fn is_open(agent: &Agent, bytes: &[u8]) -> bool {
    View::parse(bytes).is_ok_and(|view| agent.proxy.rings(view.call_id()))
}

pub(super) fn dialog_of(desk: &Desk, view: &View<'_>) -> Option<crate::carried::DialogKey> {
    Some(desk.tokens.dialog(view.call_id(), [view.from_tag()?, view.to_tag()?]))
}

/// The two sides of a call, from the INVITE as it came and the 2xx as it came back.
fn begin(agent: &Agent, invite: &View<'_>, answer: &View<'_>, ends: Ends) -> Option<Anchor> {
    let desk = &agent.desk;
    let (from_tag, to_tag) = (answer.from_tag()?, answer.to_tag()?);
    let dialog = dialog_of(desk, answer)?;
    // RFC 3261 §16.6 step 4: who is nearer to the callee stands further above; ours are in the middle.
    let routes: Vec<&str> = answer.values(Name::RECORD_ROUTE).map(|value| value.text).collect();
    let ours = |route: &&str| UriRef::parse(uri_of(route)).is_ok_and(|uri| desk.is_here(&uri));
    let first = routes.iter().position(&ours)?;
    let last = routes.iter().rposition(ours)?;
    let token = UriRef::parse(uri_of(routes[first])).ok()?.user()?.to_owned();
    let to_callee = desk.tokens.open(&token, answer.call_id(), from_tag, to_tag)?;
    let to_caller = desk.tokens.open(&token, answer.call_id(), to_tag, from_tag)?;
    let name = |party| agent.proxy.carried.people.name(party).map(Box::from);
    let half = |address: &str, contact: &str, user, routes: Vec<Box<str>>, flow| Half {
        tag: Box::default(),
        address: address.into(),
        contact: contact.into(),
        user,
        routes,
        flow,
        numbers: Numbers::default(),
        said: None,
        shown: Shown::default(),
    };
    let towards_callee = routes[..first].iter().rev().map(|route| Box::from(*route)).collect();
    let towards_caller = routes[last + 1..].iter().map(|route| Box::from(*route)).collect();
    let caller = Half {
        tag: from_tag.into(),
        ..half(
            answer.value(Name::FROM)?,
            invite.contact()?,
            name(ends.caller),
            towards_caller,
            to_caller.onward,
        )
    };
    let callee = Half {
        tag: to_tag.into(),
        ..half(
            answer.value(Name::TO)?,
            answer.contact()?,
            name(ends.callee),
            towards_callee,
            to_callee.onward,
        )
    };
    let mut anchor = Anchor {
        dialog,
        call_id: answer.call_id().into(),
        halves: [caller, callee],
        proposed: None,
        changing: None,
        timer: None,
        before: None,
        work: Work::Nothing,
        due: None,
    };
    anchor.learn(invite);
    anchor.learn(answer);
    Some(anchor)
}

/// The ends of a call of which these messages are remembered, whichever shard carries it; none if it is not up.
pub(crate) fn tell_ends(desk: &Desk, messages: &[Recorded]) -> Option<OtherCall> {
    let mut invite: Option<Message> = None;
    let mut found: Option<OtherCall> = None;
    for message in messages.iter().filter(|message| message.received) {
        let Ok(view) = View::parse(&message.bytes) else { continue };
        match (view.method(), view.status()) {
            (Method::Invite, None) if view.to_tag().is_none() => invite = Some(Message::of(&view)),
            (Method::Invite, Some(status)) if status.is_success() && found.is_none() => {
                let end = |name, tag: Option<&str>, said: &View<'_>| {
                    let address: Box<str> = uri_of(view.value(name)?).into();
                    let ours = UriRef::parse(&address).ok().filter(|uri| desk.is_ours(uri));
                    let user = ours.and_then(|uri| Some(unescape(uri.user()?).into_owned().into()));
                    let contact = uri_of(said.contact()?).into();
                    let mut known = said.values(Name::SUPPORTED);
                    let joins = known.any(|value| value.text.trim().eq_ignore_ascii_case("join"));
                    Some(End { tag: tag?.into(), address, contact, user, joins })
                };
                let Some(invite) = invite.as_ref().map(Message::view) else { continue };
                let caller = end(Name::FROM, view.from_tag(), &invite);
                let callee = end(Name::TO, view.to_tag(), &view);
                let ends = caller.zip(callee).map(|(caller, callee)| [caller, callee]);
                found = ends.map(|ends| OtherCall { call_id: view.call_id().into(), ends });
            }
            // It is over, or the call that is to be taken over is another by now.
            (Method::Bye, None) => found = None,
            _ => {}
        }
    }
    found
}

/// The description in a message, if that is all of its body.
pub(super) fn description(view: &View<'_>) -> Option<Sdp> {
    let kind = view.value(Name::CONTENT_TYPE)?.split(';').next()?.trim();
    if kind.eq_ignore_ascii_case("application/sdp") { Sdp::parse(view.body()).ok() } else { None }
}

impl Anchor {
    /// A message as its sender sent it, before we did anything in this dialog.
    fn learn(&mut self, view: &View<'_>) {
        let Some(from) = view.from_tag().and_then(|tag| self.side_of(tag)) else { return };
        if view.is_request() {
            self.half_mut(from).numbers.pass(view.method(), view.cseq().0);
        }
        if let Some((sender, sdp)) = self.passes(view) {
            self.half_mut(other(sender)).shown.as_it_came(&sdp);
        }
    }

    /// A message passes: what it says of its sender is remembered. The description in it, and whose it is.
    pub(super) fn passes(&mut self, view: &View<'_>) -> Option<(Side, Sdp)> {
        let from = view.from_tag().and_then(|tag| self.side_of(tag))?;
        let (sender, status) = match view.status() {
            None => (from, None),
            Some(status) => (other(from), Some(status)),
        };
        let method = view.method();
        let sdp = description(view);
        let refreshes = matches!(method, Method::Invite | Method::Update);
        match (status, method) {
            (None, Method::Invite | Method::Update) => {
                if method == Method::Invite {
                    self.changing = Some(sender);
                }
                self.proposed = sdp.clone().map(|sdp| (sender, sdp));
                if sdp.is_some() && view.to_tag().is_some() {
                    self.before = None;
                }
                self.take_contact(sender, view);
            }
            (None, Method::Ack | Method::Prack) => {
                // Only now may the other side be offered something (RFC 6337 §5.3 has it wait for the ACK).
                self.changing = self.changing.filter(|_| method == Method::Prack);
                if let Some(sdp) = &sdp {
                    self.half_mut(sender).said = Some(sdp.clone());
                }
            }
            (Some(status), _) if refreshes && !status.is_provisional() => {
                if method == Method::Invite && !status.is_success() {
                    self.changing = None;
                }
                let proposed = self.proposed.take();
                if status.is_success() {
                    self.take_contact(sender, view);
                    self.take_timer(from, view);
                    if let Some((who, sdp)) = proposed {
                        self.half_mut(who).said = Some(sdp);
                    }
                }
            }
            _ => {}
        }
        if status.is_some_and(|status| !status.is_success() && !status.is_provisional()) {
            return None;
        }
        if let (Some(_), Some(sdp)) = (status, &sdp) {
            self.half_mut(sender).said = Some(sdp.clone());
        }
        sdp.map(|sdp| (sender, sdp))
    }

    /// RFC 3261 §12.2: a target refresh.
    pub(super) fn take_contact(&mut self, sender: Side, view: &View<'_>) {
        if let Some(contact) = view.contact() {
            self.half_mut(sender).contact = contact.into();
        }
    }

    /// What a 2xx says of the session timer: without it there is none (RFC 4028 §7.2). `uac` is who sent the request.
    pub(super) fn take_timer(&mut self, uac: Side, view: &View<'_>) {
        self.timer = match view.header::<SessionExpires>() {
            Some(Ok(expires)) => Some((
                expires.seconds,
                if expires.refresher == Some(Refresher::Uas) { other(uac) } else { uac },
            )),
            Some(Err(_)) | None => None,
        };
    }
}
