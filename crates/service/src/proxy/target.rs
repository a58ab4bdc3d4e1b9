//! Where a request goes: route preprocessing (RFC 3261 §16.4), target determination (§16.5) and the
//! rules that keep this from being an open relay.

use super::context::Preparation;
use crate::desk::Desk;
use crate::location::{Aor, Gruu, Wanted};
use crate::token::Opened;
use cordboard_core::server_location::{Scheme as TargetScheme, TargetUri};
use cordboard_core::transport::Transport;
use cordboard_sip::uri::{Escape, Place, unescape};
use cordboard_sip::{Method, Name, Scheme, Status, UriRef, View};

/// What is known of a request's way after its Route was looked at.
pub(crate) struct Routed {
    pub(crate) preparation: Preparation,
    /// The token that proves the request to belong to a dialog we carry.
    pub(crate) token: Option<Opened>,
    /// The next hop that the Route names, if it is not us.
    pub(super) next_route: Option<Box<str>>,
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Destination {
    /// To us: a request for the domain itself.
    Here,
    /// To whoever registered.
    Locate(Wanted),
    /// To the server of ours that is that user.
    Server(Box<str>),
    /// Along the flow or to the URI that its route names.
    Onward,
    /// To somebody who is not ours, unless that is a registered contact.
    Elsewhere,
    /// Nowhere.
    Refused(Status),
}

/// §16.4: undoes strict routing, and takes our own entries off the Route.
pub(crate) fn preprocess(desk: &Desk, request: &View<'_>) -> Routed {
    let mut routed = Routed { preparation: Preparation::default(), token: None, next_route: None };
    let mut token_text = None;
    if request.has(Name::ROUTE)
        && request.request_uri().contains(";lr")
        && let Ok(uri) = UriRef::parse(request.request_uri())
        && uri.params().has("lr")
        && desk.is_here(&uri)
        && let Some(last) = request.values(Name::ROUTE).last()
    {
        // A strict router put our Record-Route into the Request-URI.
        token_text = uri.user();
        routed.preparation.strict_uri = Some(uri_of(last.text).into());
    }
    let target = routed.preparation.strict_uri.as_deref().unwrap_or(request.request_uri());
    routed.preparation.secure = target.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"));
    let strict = routed.preparation.strict_uri.is_some();
    let values = if strict { request.values(Name::ROUTE).count() - 1 } else { usize::MAX };
    for value in request.values(Name::ROUTE).take(values) {
        let text = uri_of(value.text);
        match UriRef::parse(text) {
            // Two entries at most are ours: one for each side (RFC 5658).
            Ok(uri) if routed.preparation.strip_routes < 2 && is_own_route(desk, &uri) => {
                routed.preparation.strip_routes += 1;
                token_text = token_text.or(uri.user());
            }
            _ => {
                routed.next_route = Some(text.into());
                break;
            }
        }
    }
    if let (Some(text), Some(from), Some(to)) = (token_text, request.from_tag(), request.to_tag()) {
        routed.token = desk.tokens.open(text, request.call_id(), from, to);
    }
    routed
}

/// A Route entry is ours if it names a listener, or our domain (a phone's preloaded outbound proxy).
fn is_own_route(desk: &Desk, uri: &UriRef<'_>) -> bool {
    uri.is_sip() && desk.is_ours(uri)
}

/// The URI inside a name-addr, or the value itself.
pub(crate) fn uri_of(value: &str) -> &str {
    match (memchr::memchr(b'<', value.as_bytes()), memchr::memrchr(b'>', value.as_bytes())) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or(value).trim(),
    }
}

/// §16.5, for a request whose Route has been preprocessed.
pub(crate) fn destination(desk: &Desk, request: &View<'_>, routed: &Routed) -> Destination {
    let text = routed.preparation.strict_uri.as_deref().unwrap_or(request.request_uri());
    let Ok(uri) = UriRef::parse(text) else { return Destination::Refused(Status::BAD_REQUEST) };
    if !uri.is_sip() {
        return match uri.scheme() {
            // A number is for us to find: the same user of our domain.
            Scheme::Tel => locate_number(desk, &uri),
            _ => Destination::Refused(Status::UNSUPPORTED_URI_SCHEME),
        };
    }
    if routed.token.as_ref().is_some_and(|token| token.onward.is_some()) && routed.next_route.is_none() {
        return Destination::Onward;
    }
    let gruu = uri.params().has("gr");
    if routed.next_route.is_none()
        && let Some(name) = desk.server_named(&uri)
    {
        return Destination::Server(name);
    }
    if routed.token.is_some() && routed.next_route.is_none() && names_a_phone(desk, &uri) {
        return Destination::Onward;
    }
    if desk.is_ours(&uri) && (uri.user().is_some() || request.method() != Method::Ack) {
        if routed.next_route.is_some() && !gruu {
            return Destination::Onward;
        }
        let Some(user) = uri.user() else { return Destination::Here };
        return wanted(desk, user, &uri).map_or(Destination::Refused(Status::NOT_FOUND), Destination::Locate);
    }
    if routed.token.is_some() || routed.next_route.is_some() {
        return Destination::Onward;
    }
    Destination::Elsewhere
}

/// Whether a remote target is the address of a phone itself. A phone on the machine of a switchboard
/// whose domain is an address differs from the domain by its port only.
fn names_a_phone(desk: &Desk, uri: &UriRef<'_>) -> bool {
    cordboard_sip::uri::ip(uri.host()).is_some() && !desk.is_here(uri)
}

/// Whom a URI of our domain names; `None` if it says that it is a GRUU and is none of ours (RFC 5627 §6.1).
pub(crate) fn wanted(desk: &Desk, user: &str, uri: &UriRef<'_>) -> Option<Wanted> {
    let aor = || desk.aor(&unescape(user));
    Some(match uri.params().find("gr") {
        None => Wanted::Aor(aor()),
        Some(Some(instance)) => Wanted::Instance(aor(), Gruu::Public(unescape(instance).into_owned().into())),
        Some(None) => {
            let (user, era) = desk.tokens.open_gruu(&unescape(user))?;
            Wanted::Instance(desk.aor(&user), Gruu::Temporary(era))
        }
    })
}

fn locate_number(desk: &Desk, uri: &UriRef<'_>) -> Destination {
    let number: String = uri
        .after_scheme()
        .split(';')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    if number.is_empty() {
        Destination::Refused(Status::BAD_REQUEST)
    } else if desk.directory.server(&number).is_some() {
        Destination::Server(number.into())
    } else {
        Destination::Locate(Wanted::Aor(desk.aor(&number)))
    }
}

impl Desk {
    /// The address-of-record of a user of ours.
    pub(crate) fn aor(&self, user: &str) -> Aor {
        let domain = self.settings.domains.first().map_or("", |domain| domain);
        Aor([user, "@", domain].concat().into())
    }

    /// The same as it stands in a URI: the user escaped (RFC 3261 §25.1).
    pub(crate) fn written_aor(&self, user: &str) -> Box<str> {
        let domain = self.settings.domains.first().map_or("", |domain| domain);
        format!("{}@{domain}", Escape(user, Place::User)).into()
    }
}

/// What a URI says to RFC 3263. `maddr` is not obeyed: it would let a contact name another victim.
pub(crate) fn target_of(uri: &UriRef<'_>, transport: Option<Transport>) -> TargetUri {
    TargetUri {
        scheme: if uri.scheme() == Scheme::Sips { TargetScheme::Sips } else { TargetScheme::Sip },
        host: uri.host().into(),
        port: uri.port(),
        transport,
    }
}
