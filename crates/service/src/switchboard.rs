//! What a switchboard does with a request: who may, and which role takes it.
//!
//! A request inside a dialog that we carry proves it by its route token. One that starts something
//! is challenged if it claims to come from one of our users, and refused if it would make us relay
//! for strangers. What takes over a call, or asks somebody to, needs [clearance] then.

use crate::agent::Agent;
use crate::anchored::{self, Passage};
use crate::auth::Verdict;
use crate::carried::state::Input as Passed;
use crate::clearance;
use crate::desk::Desk;
use crate::door::Level;
use crate::location::Wanted;
use crate::notifier;
use crate::proxy::forward::{is_loop, makes_dialog};
use crate::proxy::screened;
use crate::proxy::target::{self, Destination, Routed};
use crate::servers;
use crate::services::screening::{Calling, Identity};
use crate::settings::{Relay, Screened, Watching};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::header::PAssertedIdentity;
use cordboard_sip::{Method, Name, Status, UriRef, View};

/// Methods that the switchboard itself answers or forwards.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, REFER, NOTIFY, SUBSCRIBE, MESSAGE, INFO, PRACK, UPDATE, PUBLISH";

/// A new request.
pub(crate) fn request(agent: &mut Agent, now: Instant, flow: Flow, server: ServerId, request: &View<'_>) {
    if let Some(status) = unacceptable(&agent.desk, request) {
        return reject(&mut agent.desk, now, server, request, status);
    }
    let mut routed = target::preprocess(&agent.desk, request);
    let destination = target::destination(&agent.desk, request, &routed);
    if request.method() == Method::Register
        && matches!(destination, Destination::Here | Destination::Locate(_))
    {
        return agent.registrar.handle_request(&mut agent.desk, &mut agent.auth, now, flow, server, request);
    }
    if notifier::is_in_one(agent, request) {
        return notifier::goes_on(agent, now, flow, server, request);
    }
    if request.max_forwards() == Some(0) && !matches!(destination, Destination::Here) {
        // §16.3 step 3: it goes no further; OPTIONS asks whoever is where it ends (§11.1).
        return match request.method() {
            Method::Options => here(&mut agent.desk, now, server, request),
            _ => reject(&mut agent.desk, now, server, request, Status::TOO_MANY_HOPS),
        };
    }
    if let Destination::Refused(status) = destination {
        return reject(&mut agent.desk, now, server, request, status);
    }
    let leaves = matches!(destination, Destination::Elsewhere | Destination::Onward);
    let caller = match caller(agent, now, flow, request, &routed, leaves) {
        Ok(caller) => caller,
        Err(Denied::Challenge { stale }) => {
            agent.desk.counters.challenges += 1;
            let response = agent.desk.response(request, Status::PROXY_AUTHENTICATION_REQUIRED);
            let response = agent.auth.challenge(&agent.desk, now, stale, Name::PROXY_AUTHENTICATE, response);
            return agent.desk.stack.respond_statelessly(server, response.finish());
        }
        Err(Denied::Certificate) => return agent.desk.refuse_uncertified(now, flow, server, request),
        Err(Denied::Refuse(status)) => return reject(&mut agent.desk, now, server, request, status),
    };
    if request.method() == Method::Invite && request.to_tag().is_none() {
        agent.desk.counters.calls += 1;
    }
    routed.preparation.record_route = agent.desk.settings.record_route && makes_dialog(request);
    routed.preparation.identity = match &caller {
        Caller::User(user) | Caller::Server { user, .. } => Some(agent.desk.written_aor(user)),
        // Where nobody is asked for a password, our own servers believe it as well.
        Caller::Claimed(user) if matches!(destination, Destination::Server(_)) => {
            Some(agent.desk.written_aor(user))
        }
        Caller::InDialog { .. } if servers::is_onward(&agent.desk, &routed) => {
            clearance::insider(agent, request, &caller).map(|user| agent.desk.written_aor(&user))
        }
        Caller::InDialog { .. } | Caller::Claimed(_) | Caller::Neighbour | Caller::Stranger => None,
    };
    if intrudes(agent, request, &caller) {
        agent.desk.note(Level::Warning, "refused a request in a dialog of others", request, Some(flow));
        return reject(&mut agent.desk, now, server, request, Status::CALL_DOES_NOT_EXIST);
    }
    if let Some(user) = notifier::asked_of_us(&agent.desk, request, &routed, &destination) {
        return notifier::subscribe(agent, now, flow, server, request, &caller, user);
    }
    clearance::clear(agent, now, flow, server, request, Admitted { routed, destination, caller });
}

/// Whether a stranger writes into a dialog that we carry, without its token: they have guessed or overheard how it is
/// called.
fn intrudes(agent: &Agent, request: &View<'_>, caller: &Caller) -> bool {
    match (caller, request.from_tag(), request.to_tag()) {
        (Caller::Stranger, Some(from), Some(to)) => {
            let dialog = agent.desk.tokens.dialog(request.call_id(), [from, to]);
            agent.proxy.carried.get(dialog).is_some()
        }
        _ => false,
    }
}

/// A request that may go on, as far as its sender is concerned.
pub(crate) struct Admitted {
    pub(crate) routed: Routed,
    pub(crate) destination: Destination,
    pub(crate) caller: Caller,
}

/// Sends a request on its way, or answers what is for us in a call that an operator handles.
pub(crate) fn forward(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    mut admitted: Admitted,
) {
    let passage = match admitted.caller {
        Caller::InDialog { .. } => anchored::request_passes(agent, now, request),
        Caller::User(_)
        | Caller::Claimed(_)
        | Caller::Server { .. }
        | Caller::Neighbour
        | Caller::Stranger => Passage::AsItCame,
    };
    match passage {
        Passage::AsItCame => pass_on(agent, now, flow, server, request, admitted),
        Passage::Answered(status) => agent.desk.reply(now, server, request, status),
        Passage::Like(bytes, cseq) => {
            // What was a message is one still.
            let Ok(mut like) = View::parse(&bytes) else { return };
            like.set_source(flow.remote);
            admitted.routed.preparation.cseq = Some(cseq);
            pass_on(agent, now, flow, server, &like, admitted);
        }
    }
}

/// Sends a request on its way as it is.
fn pass_on(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    admitted: Admitted,
) {
    let Admitted { mut routed, destination, caller } = admitted;
    let Agent { desk, proxy, .. } = agent;
    match &caller {
        Caller::InDialog { from_caller } => {
            if let (Some(from), Some(to)) = (request.from_tag(), request.to_tag()) {
                let passed = if request.method() == Method::Bye { Passed::HungUp } else { Passed::Spoke };
                let dialog = desk.tokens.dialog(request.call_id(), [from, to]);
                if passed == Passed::HungUp {
                    proxy.tell_hung_up(desk, dialog, request, *from_caller);
                }
                proxy.carried.handle(now, dialog, passed, None);
            }
        }
        Caller::User(user) | Caller::Claimed(user) | Caller::Server { user, .. } => {
            routed.preparation.caller = proxy.carried.people.enter(user);
        }
        Caller::Neighbour | Caller::Stranger => {}
    }
    routed.preparation.calling = calling(desk, request, &caller).map(Box::new);
    if is_forbidden(desk, request, &routed) {
        desk.note(Level::Info, "refused a call that the caller may not make", request, Some(flow));
        let response = desk.response(request, Status::FORBIDDEN);
        desk.tell_refused(request, Status::FORBIDDEN, [None; 2]);
        let announcement = desk.settings.announcements.screened_out.as_deref();
        let response = screened(response, "Originating", announcement).finish();
        return desk.stack.respond(now, server, Status::FORBIDDEN, response);
    }
    match destination {
        Destination::Here => here(desk, now, server, request),
        Destination::Locate(wanted) if !is_known(desk, &wanted) => {
            reject(desk, now, server, request, Status::NOT_FOUND);
        }
        Destination::Locate(wanted) => proxy.locate(desk, now, flow, Some(server), request, routed, wanted),
        Destination::Server(name) => proxy.inward(desk, now, flow, Some(server), request, routed, &name),
        Destination::Onward if caller.may_relay(desk) => {
            proxy.onward(desk, now, flow, Some(server), request, routed);
        }
        Destination::Elsewhere => {
            // A contact that a phone registered with us is ours to reach, whatever its host says.
            routed.preparation.relay_if_unknown = caller.may_relay(desk);
            let uri = routed.preparation.strict_uri.as_deref().unwrap_or(request.request_uri());
            let wanted = Wanted::Contact(uri.into());
            proxy.locate(desk, now, flow, Some(server), request, routed, wanted);
        }
        Destination::Onward | Destination::Refused(_) => {
            desk.note(Level::Warning, "refused to relay for a stranger", request, Some(flow));
            reject(desk, now, server, request, Status::FORBIDDEN);
        }
    }
}

/// Whether a call is to take the place of another, or to join it.
pub(crate) fn takes_over(request: &View<'_>) -> bool {
    request.has(Name::REPLACES) || request.has(Name::JOIN)
}

/// Who begins a call, where anybody has set up what depends on it. A call that takes over another has been cleared by
/// the people of that one.
fn calling(desk: &Desk, request: &View<'_>, caller: &Caller) -> Option<Calling> {
    let exempt = takes_over(request) && desk.settings.screened == Screened::Everything;
    let begins = request.method() == Method::Invite && request.to_tag().is_none() && !exempt;
    if desk.directory.rules.is_empty() || !begins {
        return None;
    }
    let of = |text: &str, proved| {
        let uri = UriRef::parse(text).ok()?;
        Some(Calling { identity: Identity::of(&uri, desk.is_ours(&uri)), proved })
    };
    match caller {
        Caller::User(user) => Some(Calling { identity: Identity::of_user(user, desk.realm()), proved: true }),
        Caller::Claimed(user) => {
            Some(Calling { identity: Identity::of_user(user, desk.realm()), proved: false })
        }
        // What a server is asked to do is done by whoever asked.
        Caller::Server { user, asked_by } => {
            let whom = asked_by.as_ref().unwrap_or(user);
            Some(Calling { identity: Identity::of_user(whom, desk.realm()), proved: true })
        }
        Caller::Neighbour => {
            // RFC 3325 §5: a trusted neighbour's assertion stands.
            let asserted = request.header::<PAssertedIdentity>().and_then(Result::ok);
            let asserted = asserted.and_then(|header| of(&header.addr.uri.to_string(), true));
            asserted.or_else(|| of(request.from_uri(), false))
        }
        Caller::Stranger | Caller::InDialog { .. } => of(request.from_uri(), false),
    }
}

/// Whether a caller of ours may not call whom the request names (RFC 5359 §2.14). Whose phone a contact is shows only
/// when it is looked up.
fn is_forbidden(desk: &Desk, request: &View<'_>, routed: &Routed) -> bool {
    let Some(calling) = &routed.preparation.calling else { return false };
    let Some(rules) = calling.identity.our_user().and_then(|user| desk.directory.rules(user)) else {
        return false;
    };
    let uri = routed.preparation.strict_uri.as_deref().unwrap_or(request.request_uri());
    UriRef::parse(uri).is_ok_and(|uri| {
        rules.screening.forbids(&Identity::of(&uri, desk.is_ours(&uri)), &desk.settings.domains)
    })
}

/// Whether there is such a user at all.
fn is_known(desk: &Desk, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Aor(aor) | Wanted::Instance(aor, _) => {
            aor.0.rsplit_once('@').is_some_and(|(user, _)| desk.directory.user(user).is_some())
        }
        Wanted::Contact(_) => true,
    }
}

/// An ACK that belongs to no transaction: for a 2xx, on its way through, or for what was refused statelessly.
pub(crate) fn ack(agent: &mut Agent, now: Instant, flow: Flow, request: &View<'_>) {
    let rewritten = anchored::ack_passes(agent, now, request);
    match rewritten.as_ref().and_then(|bytes| View::parse(bytes).ok()) {
        Some(like) => pass_ack_on(agent, now, flow, &like),
        None => pass_ack_on(agent, now, flow, request),
    }
}

fn pass_ack_on(agent: &mut Agent, now: Instant, flow: Flow, request: &View<'_>) {
    let Agent { desk, proxy, .. } = agent;
    if desk.is_own_refusal(request) {
        return;
    }
    let routed = target::preprocess(desk, request);
    let known = routed.token.is_some() || desk.settings.relay == Relay::Anybody;
    if !known || request.max_forwards() == Some(0) || is_loop(desk, request) {
        desk.counters.dropped += 1;
        return;
    }
    match target::destination(desk, request, &routed) {
        Destination::Locate(wanted) => proxy.locate(desk, now, flow, None, request, routed, wanted),
        Destination::Server(name) => proxy.inward(desk, now, flow, None, request, routed, &name),
        Destination::Onward => proxy.onward(desk, now, flow, None, request, routed),
        Destination::Here | Destination::Elsewhere | Destination::Refused(_) => desk.counters.dropped += 1,
    }
}

/// Who sent a request, as far as that matters.
pub(crate) enum Caller {
    /// Whoever holds the dialog's token.
    InDialog {
        /// Whether it is the end that sent the INVITE.
        from_caller: bool,
    },
    /// A user who has proved it.
    User(Box<str>),
    /// A user as From says, where nobody is asked for a password.
    Claimed(Box<str>),
    /// A server of ours.
    Server {
        /// As whom it calls.
        user: Box<str>,
        /// Who has asked it to, if that is one of our users.
        asked_by: Option<Box<str>>,
    },
    /// A server that we are told to trust.
    Neighbour,
    /// Somebody from elsewhere, calling one of ours.
    Stranger,
}

impl Caller {
    /// Whether a request of theirs may leave for somewhere that is not ours.
    fn may_relay(&self, desk: &Desk) -> bool {
        match (self, desk.settings.relay) {
            (Self::InDialog { .. }, _) | (_, Relay::Anybody) => true,
            (Self::User(_) | Self::Server { .. } | Self::Neighbour, Relay::Users) => true,
            (Self::User(_) | Self::Server { .. } | Self::Neighbour, Relay::Nobody)
            | (Self::Claimed(_) | Self::Stranger, _) => false,
        }
    }
}

enum Denied {
    Challenge {
        stale: bool,
    },
    /// Digest proves the user, the connection does not.
    Certificate,
    Refuse(Status),
}

/// Who sent a request; `leaves` if it is for somewhere that is not ours.
fn caller(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    request: &View<'_>,
    routed: &Routed,
    leaves: bool,
) -> Result<Caller, Denied> {
    if let Some(token) = &routed.token {
        return Ok(Caller::InDialog { from_caller: token.from_caller });
    }
    if let Some(server) = servers::sender(&agent.desk, flow, request) {
        return server.map_err(Denied::Refuse);
    }
    if agent.desk.settings.neighbours.contains(&flow.remote.ip()) {
        return Ok(Caller::Neighbour);
    }
    if !agent.desk.settings.auth.calls {
        return unchallenged(&agent.desk, flow, request);
    }
    let claims = UriRef::parse(request.from_uri()).ok();
    let nameless = claims.as_ref().is_some_and(is_anonymous);
    let ours = claims.as_ref().is_some_and(|uri| agent.desk.is_ours(uri));
    // Whoever hides may be one of ours: only what is not for us to answer tells, or the proof itself.
    let asked = nameless && (leaves || request.has(Name::PROXY_AUTHORIZATION));
    if !ours && !asked {
        return Ok(Caller::Stranger);
    }
    match agent.auth.check(&agent.desk, now, request, Name::PROXY_AUTHORIZATION) {
        Verdict::User(user) => {
            let claimed = claims.as_ref().and_then(cordboard_sip::UriRef::user).unwrap_or_default();
            if nameless || *cordboard_sip::uri::unescape(claimed) == *user {
                let certified = agent.desk.is_certified(&user, claims.as_ref(), flow);
                return if certified { Ok(Caller::User(user)) } else { Err(Denied::Certificate) };
            }
            agent.desk.note(Level::Warning, "From does not fit the authenticated user", request, Some(flow));
            Err(Denied::Refuse(Status::FORBIDDEN))
        }
        Verdict::Unproved { stale } => Err(Denied::Challenge { stale }),
        Verdict::Wrong => {
            agent.desk.counters.bad_credentials += 1;
            agent.desk.note(Level::Warning, "wrong credentials", request, Some(flow));
            Err(Denied::Challenge { stale: false })
        }
        Verdict::Malformed => Err(Denied::Refuse(Status::BAD_REQUEST)),
    }
}

/// Who sent a request where nobody is asked for a password: a certificate may be asked for all the same.
fn unchallenged(desk: &Desk, flow: Flow, request: &View<'_>) -> Result<Caller, Denied> {
    let Ok(claims) = UriRef::parse(request.from_uri()) else { return Ok(Caller::Stranger) };
    let claimed = cordboard_sip::uri::unescape(claims.user().unwrap_or_default());
    if !desk.is_ours(&claims) || desk.directory.user(&claimed).is_none() {
        return Ok(Caller::Stranger);
    }
    if !desk.is_certified(&claimed, Some(&claims), flow) {
        return Err(Denied::Certificate);
    }
    Ok(Caller::Claimed(claimed.into_owned().into()))
}

/// RFC 3323 §4.1.1.3: a caller who hides its name writes this one, at whatever host.
fn is_anonymous(uri: &UriRef<'_>) -> bool {
    uri.user().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"))
}

/// RFC 3261 §16.3: what no proxy may forward.
fn unacceptable(desk: &Desk, request: &View<'_>) -> Option<Status> {
    if request.value(Name::PROXY_REQUIRE).is_some_and(|value| !value.trim().is_empty()) {
        return Some(Status::BAD_EXTENSION);
    }
    if is_loop(desk, request) {
        return Some(Status::LOOP_DETECTED);
    }
    None
}

fn reject(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>, status: Status) {
    desk.tell_refused(request, status, [None; 2]);
    let mut response = desk.response(request, status);
    if status == Status::BAD_EXTENSION {
        // §16.3 step 5: which options we do not know; we know none that a proxy must understand.
        for value in request.values(Name::PROXY_REQUIRE) {
            response = response.line(Name::UNSUPPORTED, value.text);
        }
    }
    desk.stack.respond(now, server, status, response.finish());
}

/// A request for the domain itself (RFC 3261 §11.2).
fn here(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) {
    let status = match request.method() {
        Method::Options => Status::OK,
        _ => Status::METHOD_NOT_ALLOWED,
    };
    let mut response =
        desk.response(request, status).line(Name::ALLOW, ALLOW).line(Name::ACCEPT, "application/sdp");
    if desk.settings.watching == Watching::BySwitchboard {
        response = response.line(Name::ALLOW_EVENTS, notifier::ALLOW_EVENTS);
    }
    desk.stack.respond(now, server, status, response.finish());
}
