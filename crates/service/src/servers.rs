//! Servers of ours (RFC 5359 §2.3, §2.10, §2.15), as their switchboard sees them: which requests are for them, whom they
//! serve, and in whose name they act.
//!
//! A server listens where only the switchboard talks to it, registers nowhere and has no password: it is known by its socket
//! and no other sign. What is for one of its users goes there as it is (RFC 3261 §16.5: the target is predetermined), with
//! the caller's identity asserted (RFC 3325), and in return it says in Referred-By for whom it calls (RFC 3892).

use crate::desk::Desk;
use crate::directory::{Members, Server};
use crate::proxy::target::Routed;
use crate::switchboard::Caller;
use cordboard_core::transport::{Flow, Transport};
use cordboard_sip::header::{Header, ReferTo, ReferredBy};
use cordboard_sip::uri::{ip, unescape};
use cordboard_sip::{Method, Name, Status, UriRef, View};
use std::net::SocketAddr;

/// Whether whoever sent a request may use a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// They are one of those whom it serves.
    Member,
    /// They are not, and may call it only if one of these has sent them there.
    IfSent,
    /// They may not.
    Refused,
}

impl Desk {
    /// Whether what comes from there needs no proof.
    pub(crate) fn trusts(&self, remote: SocketAddr) -> bool {
        self.settings.neighbours.contains(&remote.ip()) || self.settings.vouching.contains(&remote)
    }

    /// Whether something goes to a server of ours, or comes from one.
    pub(crate) fn is_inside(&self, flow: Flow) -> bool {
        Some(flow.listener) == self.settings.inside
            && self.directory.servers.values().any(|server| server.address == flow.remote)
    }

    /// How a server of ours is reached.
    pub(crate) fn way_in(&self, server: &Server) -> Option<Flow> {
        let listener = self.settings.inside?;
        Some(Flow { transport: Transport::Udp, listener, connection: 0, remote: server.address })
    }

    /// The user of ours that a URI names, if that is a server. A phone on the machine of a switchboard whose domain is an
    /// address differs from the domain by its port only.
    pub(crate) fn server_named(&self, uri: &UriRef<'_>) -> Option<Box<str>> {
        if self.directory.servers.is_empty() || !uri.is_sip() || !self.is_ours(uri) {
            return None;
        }
        let is_phone = ip(uri.host()).is_some() && uri.port().is_some() && !self.is_here(uri);
        let user = unescape(uri.user()?);
        (!is_phone && self.directory.server(&user).is_some()).then(|| user.into_owned().into())
    }
}

/// The server that sent a request; an error if it calls itself what it is not.
pub(crate) fn sender(desk: &Desk, flow: Flow, request: &View<'_>) -> Option<Result<Caller, Status>> {
    if !desk.is_inside(flow) {
        return None;
    }
    let from = UriRef::parse(request.from_uri()).ok();
    let user =
        from.filter(|uri| uri.is_sip() && desk.is_ours(uri)).and_then(|uri| Some(unescape(uri.user()?)));
    let its_own =
        |user: &str| desk.directory.server(user).is_some_and(|server| server.address == flow.remote);
    let Some(user) = user.filter(|user| its_own(user)) else { return Some(Err(Status::FORBIDDEN)) };
    Some(Ok(Caller::Server { user: user.into_owned().into(), asked_by: asked_by(desk, request) }))
}

/// Who of ours has asked a server for what it does, as it says in a request.
pub(crate) fn asked_by(desk: &Desk, request: &View<'_>) -> Option<Box<str>> {
    let named = request.header::<ReferredBy>()?.ok()?.addr.uri.to_string();
    let uri = UriRef::parse(&named).ok().filter(|uri| desk.is_ours(uri))?;
    Some(unescape(uri.user()?).into_owned().into())
}

/// Whether a request inside a dialog is for a server of ours.
pub(crate) fn is_onward(desk: &Desk, routed: &Routed) -> bool {
    routed.token.as_ref().and_then(|token| token.onward).is_some_and(|flow| desk.is_inside(flow))
}

/// Whether the sender of a request that begins something may use the server of that name.
pub(crate) fn admission(desk: &Desk, request: &View<'_>, caller: &Caller, name: &str) -> Admission {
    let Some(server) = desk.directory.server(name) else { return Admission::Refused };
    let member = match caller {
        Caller::InDialog { .. } => true,
        // What a server does it does for whoever has asked.
        Caller::User(user) | Caller::Claimed(user) | Caller::Server { asked_by: Some(user), .. } => {
            desk.directory.is_member(user, server)
        }
        Caller::Server { asked_by: None, .. } | Caller::Neighbour | Caller::Stranger => {
            server.members == Members::Everybody
        }
    };
    let calls =
        request.method() == Method::Invite && !request.has(Name::REPLACES) && !request.has(Name::JOIN);
    match (member, calls) {
        (true, _) => Admission::Member,
        (false, true) => Admission::IfSent,
        (false, false) => Admission::Refused,
    }
}

/// Whether a request calls a server and leaves open who has sent whoever calls there.
pub(crate) fn may_be_sent(request: &View<'_>) -> bool {
    request.method() == Method::Invite
        && request.to_tag().is_none()
        && [Name::REPLACES, Name::JOIN, Name::REFERRED_BY].into_iter().all(|name| !request.has(name))
}

/// The server to which a REFER sends somebody, if one of those whom it serves sends it.
pub(crate) fn sent_to(desk: &Desk, request: &View<'_>, by: &str) -> Option<Box<str>> {
    let refer_to = ReferTo::parse(request.value(Name::REFER_TO)?).ok()?;
    if refer_to.method().is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
        return None;
    }
    let text = refer_to.addr.uri.to_string();
    served_at(desk, &UriRef::parse(&text).ok()?, by)
}

/// The server that a URI names, if it serves that user.
pub(crate) fn served_at(desk: &Desk, uri: &UriRef<'_>, by: &str) -> Option<Box<str>> {
    let name = desk.server_named(uri)?;
    let server = desk.directory.server(&name)?;
    desk.directory.is_member(by, server).then_some(name)
}
