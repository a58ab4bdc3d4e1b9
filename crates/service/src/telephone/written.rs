//! How a request of ours is written: what it says of us, and its head.

use super::errand::Errand;
use super::joining::Named;
use super::letter::ContactLine;
use crate::desk::Desk;
use crate::settings::{self, Feature, Transfers};
use cordboard_core::transaction::ClientId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::{Builder, Method, Name, Scheme, UriRef};
use std::borrow::Cow;

/// Methods that this telephone knows.
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, MESSAGE, INFO";

/// Extensions that it knows (RFC 3262, RFC 4028, RFC 3891, RFC 3911, RFC 4538, RFC 4488, RFC 7614, RFC 4916).
pub(super) const SUPPORTED: &str = "100rel, timer, replaces, join, tdialog, norefersub, nosub, from-change";

/// What a Contact says of whoever hears nothing of the other side (RFC 4235 §5.2).
pub(super) const RENDERS_NOTHING: &str = ";+sip.rendering=\"no\"";

/// The parameter of our Contact that names a conference.
pub(super) const CONFERENCE: &str = "conf";

/// The content type of a session description.
pub(super) const SDP: &str = "application/sdp";

/// The content type of a piece of a message (RFC 3420).
pub(super) const MESSAGE_PIECE: &str = "message/sipfrag;version=2.0";

/// The content type of an instant message.
pub(super) const TEXT: &str = "text/plain;charset=UTF-8";

/// The content type of a message with a link.
pub(super) const HYPERTEXT: &str = "text/html;charset=UTF-8";

/// Our Contact on a listener, without brackets.
pub(super) fn contact_uri(
    desk: &Desk,
    account: &settings::Telephone,
    listener: ListenerId,
    secure: bool,
) -> String {
    contact_of(desk, account, &account.user, listener, secure)
}

/// The same of another user of ours.
fn contact_of(
    desk: &Desk,
    account: &settings::Telephone,
    user: &str,
    listener: ListenerId,
    secure: bool,
) -> String {
    let gruu = if account.transfers.gruu { ";gr" } else { "" };
    if let Some(host) = &account.contact_host {
        let scheme = if secure { "sips" } else { "sip" };
        return format!("{scheme}:{user}@{host}{gruu}");
    }
    format!("{}{gruu}", desk.contact_uri(user, listener, secure))
}

/// The URI of a conference of ours on a listener: our Contact with a parameter that names the conference, so that it
/// leads here wherever the Contact does (RFC 3261 §19.1.4: whoever does not know the parameter takes both for one). That of
/// a room is the room's own.
pub(super) fn conference_uri(
    desk: &Desk,
    account: &settings::Telephone,
    conference: &Named,
    listener: ListenerId,
    secure: bool,
) -> String {
    match conference {
        Named::Guessed(id) => format!("{};{CONFERENCE}={id}", contact_uri(desk, account, listener, secure)),
        Named::Room(user) => contact_of(desk, account, user, listener, secure),
    }
}

/// What our Contact says besides where we are.
pub(super) struct Face<'a> {
    pub(super) account: &'a settings::Telephone,
    /// What names the conference, in a call that is part of one.
    pub(super) conference: Option<Named>,
    pub(super) features: String,
}

/// The methods that this telephone says it knows.
pub(super) fn allowed(transfers: &Transfers) -> Cow<'static, str> {
    listed(ALLOW, transfers, |method| (method == "REFER").then_some(Feature::Refer))
}

/// The extensions that this telephone says it knows.
pub(super) fn supported(transfers: &Transfers) -> Cow<'static, str> {
    listed(SUPPORTED, transfers, |option| match option {
        "replaces" => Some(Feature::Replaces),
        "tdialog" => Some(Feature::TargetDialog),
        "norefersub" | "nosub" => Some(Feature::NoReferSub),
        "join" => Some(Feature::Join),
        _ => None,
    })
}

/// A list without what is switched off.
fn listed(
    all: &'static str,
    transfers: &Transfers,
    feature: impl Fn(&str) -> Option<Feature>,
) -> Cow<'static, str> {
    if transfers.lacks.is_empty() {
        return all.into();
    }
    let known = |word: &&str| feature(word).is_none_or(|feature| transfers.knows(feature));
    all.split(", ").filter(known).collect::<Vec<_>>().join(", ").into()
}

/// A request up to its body.
pub(super) fn write(desk: &Desk, face: &Face<'_>, errand: &Errand, client: ClientId, flow: Flow) -> Builder {
    let letter = &errand.letter;
    let uri = errand.way.as_ref().map_or("", |(way, _)| &way.uri);
    let routes = errand.way.iter().flat_map(|(way, _)| way.routes.iter());
    let branch = desk.stack.branch(client, None);
    let sent_by = desk.listener(flow.listener).map_or("invalid.invalid", |listener| &listener.sent_by);
    let method = letter.method.as_str();
    let mut request = Builder::request(method, uri)
        .line(
            Name::VIA,
            format_args!("SIP/2.0/{} {sent_by};branch={branch};rport", flow.transport.via_token()),
        )
        .line(Name::MAX_FORWARDS, 70);
    for route in routes {
        request = request.line(Name::ROUTE, route);
    }
    request = request
        .line(Name::FROM, &letter.from)
        .line(Name::TO, &letter.to)
        .line(Name::CALL_ID, &letter.call_id)
        .line(Name::CSEQ, format_args!("{} {method}", letter.cseq));
    match &letter.contact {
        ContactLine::None => {}
        ContactLine::Own(params) => {
            let secure = Scheme::Sips == UriRef::parse(uri).map_or(Scheme::Sip, |uri| uri.scheme());
            let contact = match &face.conference {
                Some(id) => conference_uri(desk, face.account, id, flow.listener, secure),
                None => contact_uri(desk, face.account, flow.listener, secure),
            };
            let features = &face.features;
            request = request.line(Name::CONTACT, format_args!("<{contact}>{features}{params}"));
        }
        ContactLine::Given(value) => request = request.line(Name::CONTACT, value),
    }
    for (name, value) in errand.credentials.iter().chain(&letter.lines) {
        request = request.line(*name, value);
    }
    if matches!(letter.method, Method::Invite | Method::Update | Method::Refer) {
        request = request
            .line(Name::ALLOW, allowed(&face.account.transfers))
            .line(Name::ALLOW_EVENTS, super::watchers::ALLOW_EVENTS)
            .line(Name::SUPPORTED, supported(&face.account.transfers));
    }
    request
}
