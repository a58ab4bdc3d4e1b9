//! What a proxy changes in a request that it forwards: RFC 3261 §16.6.

use super::context::{Aim, Preparation, Way};
use super::target::uri_of;
use crate::desk::Desk;
use crate::token::Ends;
use bytes::Bytes;
use cordboard_core::transaction::{ClientId, branch};
use cordboard_core::transport::{Flow, Listener, Transport};
use cordboard_sip::{Decimal, Edits, Method, Name, Rport, UriRef, View};
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

/// One request on its way to one next hop.
pub(super) struct Hop<'a> {
    /// Where it came from.
    pub(super) source: Flow,
    pub(super) ways: &'a Preparation,
    pub(super) aim: &'a Aim,
    /// Where it goes.
    pub(super) flow: Flow,
    /// What its branch names.
    pub(super) client: ClientId,
    /// How many branches it may still become (RFC 5393 §5).
    pub(super) breadth: usize,
}

/// Writes a request for its next hop.
pub(super) fn write(desk: &Desk, edits: &mut Edits, hop: &Hop<'_>, request: &View<'_>) -> Bytes {
    edits.clear();
    let target = hop.aim.uri.as_deref().or(hop.ways.strict_uri.as_deref());
    let strict = strict_hop(hop, request);
    if let Some(uri) = strict.or(target) {
        edits.set_request_uri(request, uri);
    }
    route(edits, hop, request, strict.is_some());
    if strict.is_some() {
        let target = target.unwrap_or_else(|| request.request_uri());
        edits.append_line(request, Name::ROUTE, format_args!("<{target}>"));
    }
    match request.max_forwards() {
        Some(left) => {
            edits.set_value_of(request, Name::MAX_FORWARDS, &[&Decimal::new(left.saturating_sub(1))]);
        }
        None => edits.set_value_of(request, Name::MAX_FORWARDS, &["70"]),
    }
    // RFC 5393 §5.3.3: every request that is forwarded has one.
    edits.set_value_of(request, Name::MAX_BREADTH, &[&Decimal::new(hop.breadth as u64)]);
    identity(desk, edits, hop, request);
    if let Some(trail) = &hop.aim.trail {
        trail.write(edits, request, target, hop.aim.outside);
    }
    if hop.ways.record_route {
        record_route(desk, edits, hop, request);
    }
    stamp(edits, request, hop.source.remote);
    give_length(edits, request);
    via(desk, edits, request, hop.client, hop.flow);
    edits.apply(request)
}

/// A datagram may leave Content-Length out, a stream may not (RFC 3261 §18.3, §20.14).
pub(super) fn give_length(edits: &mut Edits, message: &View<'_>) {
    if message.content_length().is_none() {
        edits.append_line(message, Name::CONTENT_LENGTH, message.body().len());
    }
}

/// The next hop's URI, if that is a strict router: it wants it as the Request-URI, and the real one at
/// the end of the Route (§16.6 step 6).
fn strict_hop<'a>(hop: &'a Hop<'_>, request: &View<'a>) -> Option<&'a str> {
    let hop = if let Some(path) = hop.aim.route.first() {
        uri_of(path)
    } else {
        let ours = hop.ways.strip_routes;
        let moved = usize::from(hop.ways.strict_uri.is_some());
        if ours + moved >= request.values(Name::ROUTE).count() {
            return None;
        }
        uri_of(request.values(Name::ROUTE).nth(ours)?.text)
    };
    UriRef::parse(hop).is_ok_and(|uri| uri.is_sip() && !uri.params().has("lr")).then_some(hop)
}

/// §16.6 steps 4 to 6: our own Route values go, and that of a strict next hop; a Path comes.
fn route(edits: &mut Edits, hop: &Hop<'_>, request: &View<'_>, strict: bool) {
    let by_path = !hop.aim.route.is_empty();
    let gone = hop.ways.strip_routes + usize::from(strict && !by_path);
    for value in request.values(Name::ROUTE).take(gone) {
        edits.remove_value(request, &value);
    }
    if hop.ways.strict_uri.is_some()
        && let Some(last) = request.values(Name::ROUTE).last()
    {
        edits.remove_value(request, &last);
    }
    for path in hop.aim.route.iter().skip(usize::from(strict && by_path)).rev() {
        edits.push_line_of(request, Name::ROUTE, &[path]);
    }
}

/// A foreign assertion goes, ours comes (RFC 3325 §5); credentials for us go (RFC 3261 §22.3).
fn identity(desk: &Desk, edits: &mut Edits, hop: &Hop<'_>, request: &View<'_>) {
    // §6: what a phone prefers is for us alone. §5: a trusted neighbour's assertion stands, unless the
    // caller wants to be hidden.
    edits.remove_all(request, Name::P_PREFERRED_IDENTITY);
    let trusted = desk.settings.neighbours.contains(&hop.source.remote.ip());
    // §3: our own servers are inside the domain of trust, and are told whom they serve.
    let inside = desk.is_inside(hop.flow);
    if !trusted || wants_privacy(request) {
        edits.remove_all(request, Name::P_ASSERTED_IDENTITY);
    }
    edits.remove_lines(request, Name::PROXY_AUTHORIZATION, |value| crate::auth::is_for(value, desk.realm()));
    if let Some(aor) = &hop.ways.identity
        && (inside || !wants_privacy(request))
    {
        edits.append_line_of(request, Name::P_ASSERTED_IDENTITY, &["<sip:", aor, ">"]);
    }
    if let Some(aor) = hop.ways.referred_by.as_ref().filter(|_| inside) {
        edits.append_line_of(request, Name::REFERRED_BY, &["<sip:", aor, ">"]);
    }
}

/// Whether the caller asked that nobody be told who calls (RFC 3325 §9.3).
fn wants_privacy(request: &View<'_>) -> bool {
    request.value(Name::PRIVACY).is_some_and(|value| {
        value
            .split(';')
            .any(|part| part.trim().eq_ignore_ascii_case("id") || part.trim().eq_ignore_ascii_case("user"))
    })
}

/// §16.6 step 4; two entries when the sides differ (RFC 5658 §5).
fn record_route(desk: &Desk, edits: &mut Edits, hop: &Hop<'_>, request: &View<'_>) {
    let (source, flow) = (hop.source, hop.flow);
    // A server that passed the request on is on the way back only if it says so itself.
    let first_hop = !request.has_more_vias();
    let only = matches!(hop.aim.way, Way::OnlyFlow(_));
    let ends = Ends {
        caller: (first_hop && must_pin(source, request)).then_some(source),
        callee: only.then_some(flow),
    };
    let token = desk.tokens.seal(request.call_id(), request.from_tag().unwrap_or_default(), &ends);
    let (Some(inside), Some(outside)) = (desk.listener(source.listener), desk.listener(flow.listener)) else {
        return;
    };
    // What is pushed first ends below.
    let secure = hop.ways.secure;
    if inside.id != outside.id {
        push_route(desk, edits, request, inside, &token, secure);
    }
    push_route(desk, edits, request, outside, &token, secure);
}

fn push_route(
    desk: &Desk,
    edits: &mut Edits,
    request: &View<'_>,
    listener: &Listener,
    token: &str,
    secure: bool,
) {
    // Where our own servers are nobody listens, and nothing is too large for a datagram.
    let own = desk.settings.inside == Some(listener.id);
    let scheme = if secure && !own { "<sips:" } else { "<sip:" };
    let (param, transport) = match listener.transport {
        Transport::Udp if !own => ("", ""),
        other => (";transport=", other.token()),
    };
    let parts = [scheme, token, "@", &listener.sent_by, param, transport, ";lr>"];
    edits.push_line_of(request, Name::RECORD_ROUTE, &parts);
}

/// Whether a caller can only be reached by the flow it called over: a connection, or an address that
/// is not that of its Contact.
pub(crate) fn must_pin(flow: Flow, request: &View<'_>) -> bool {
    if flow.transport != Transport::Udp {
        return true;
    }
    let Some(Ok(uri)) = request.contact().map(|contact| UriRef::parse(uri_of(contact))) else { return true };
    let port = uri.port().unwrap_or(Transport::Udp.default_port());
    cordboard_sip::uri::ip(uri.host()) != Some(flow.remote.ip())
        || port != flow.remote.port()
        || uri.params().get("transport").is_some_and(|token| !token.eq_ignore_ascii_case("udp"))
}

/// RFC 3261 §18.2.1 and RFC 3581 §4: what the previous hop's Via does not say of where it is.
fn stamp(edits: &mut Edits, request: &View<'_>, source: SocketAddr) {
    let via = request.top_via();
    if via.rport == Rport::Asked {
        edits.set_rport(request, source.port());
        edits.set_received(request, source.ip());
    } else if cordboard_sip::uri::ip(via.host) != Some(source.ip()) {
        edits.set_received(request, source.ip());
    }
}

/// §16.6 step 8.
fn via(desk: &Desk, edits: &mut Edits, request: &View<'_>, client: ClientId, flow: Flow) {
    let branch = desk.stack.branch(client, Some(loop_hash(request)));
    let sent_by = desk.listener(flow.listener).map_or("invalid.invalid", |listener| &listener.sent_by);
    edits.push_line_of(
        request,
        Name::VIA,
        &["SIP/2.0/", flow.transport.via_token(), " ", sent_by, ";branch=", &branch, ";rport"],
    );
}

/// What decides a request's way (RFC 3261 §16.6 step 8, as RFC 5393 §4.2 corrects it): a request
/// that comes again with nothing of this changed runs in a loop.
fn loop_hash(request: &View<'_>) -> u64 {
    // Whoever forges a loop by choosing texts could as well copy the branch, so that speed is all that counts.
    let mut hasher = FixedState::with_seed(0).build_hasher();
    let mut part = |text: &str| hasher.write(text.as_bytes());
    part(request.request_uri());
    part(request.from_tag().unwrap_or_default());
    part(request.to_tag().unwrap_or_default());
    part(request.call_id());
    for name in [Name::ROUTE, Name::PROXY_REQUIRE, Name::PROXY_AUTHORIZATION] {
        for line in request.lines_named(name) {
            part(line);
        }
    }
    hasher.write_u32(request.cseq().0);
    hasher.finish()
}

/// §16.3 step 4: whether this request passed here before, and would take the same way again.
pub(crate) fn is_loop(desk: &Desk, request: &View<'_>) -> bool {
    if !request.has_more_vias() {
        return false;
    }
    let mut own = None;
    request.values(Name::VIA).any(|via| {
        let Some(at) = via.text.find("branch=") else { return false };
        let text = via.text[at + 7..].split([';', ' ', ',']).next().unwrap_or_default();
        let Some(hash) = branch::read(text).and_then(|ours| ours.loop_hash) else { return false };
        let sent_by = via.text.split(';').next().unwrap_or_default();
        let sent_by = sent_by.rsplit([' ', '\t']).next().unwrap_or_default();
        desk.settings.listeners.iter().any(|listener| listener.sent_by.eq_ignore_ascii_case(sent_by))
            && *own.get_or_insert_with(|| loop_hash(request)) == hash
    })
}

/// Whether a request makes a dialog, or may do so, that should run through us.
pub(crate) fn makes_dialog(request: &View<'_>) -> bool {
    match request.method() {
        Method::Invite | Method::Subscribe | Method::Refer => request.to_tag().is_none(),
        // RFC 6665 §4.3: the first makes the subscriber's dialog, and looks like any other.
        Method::Notify => true,
        _ => false,
    }
}
