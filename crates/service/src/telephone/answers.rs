//! Answers that need no call: what this telephone can do, and what it does not do (RFC 3261 §8.2, §11).

use super::Telephone;
use super::watchers::ALLOW_EVENTS;
use super::written::{SDP, allowed, supported};
use crate::desk::Desk;
use crate::settings::Transfers;
use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::header::{OptionTag, Require};
use cordboard_sip::{Name, Status, View};

/// What this telephone may do of transfers.
fn transfers(desk: &Desk) -> Transfers {
    desk.settings.role.telephone().map(|account| account.transfers.clone()).unwrap_or_default()
}

/// Why a request cannot be served at all: an extension that it requires (§8.2.2.3). The response is whole.
pub(super) fn lacking(desk: &mut Desk, request: &View<'_>) -> Option<(Status, Bytes)> {
    if !request.has(Name::REQUIRE) {
        return None;
    }
    let known = supported(&transfers(desk));
    let mut unsupported = Vec::new();
    for require in request.headers::<Require>() {
        match require {
            Ok(Require(options)) => {
                let unknown =
                    |option: &str| !known.split(", ").any(|known| known.eq_ignore_ascii_case(option));
                let options = options.iter().map(OptionTag::as_str);
                unsupported.extend(options.filter(|option| unknown(option)).map(str::to_owned));
            }
            Err(_) => {
                return Some((Status::BAD_REQUEST, desk.response(request, Status::BAD_REQUEST).finish()));
            }
        }
    }
    if !unsupported.is_empty() {
        let response = desk.response(request, Status::BAD_EXTENSION);
        return Some((
            Status::BAD_EXTENSION,
            response.line(Name::UNSUPPORTED, unsupported.join(", ")).finish(),
        ));
    }
    None
}

/// The same, or a body that is not understood (§8.2.3).
pub(super) fn unfit(desk: &mut Desk, request: &View<'_>) -> Option<(Status, Bytes)> {
    let lacking = lacking(desk, request);
    if lacking.is_some() {
        return lacking;
    }
    if request.body().is_empty() || is_optional(request) {
        return None;
    }
    let kind = request.value(Name::CONTENT_TYPE).unwrap_or_default();
    let encoded = request
        .values(Name::CONTENT_ENCODING)
        .any(|encoding| !encoding.text.is_empty() && !encoding.text.eq_ignore_ascii_case("identity"));
    let named = kind.split(';').next().unwrap_or_default().trim();
    if (named.eq_ignore_ascii_case(SDP) || super::token::has_description(request)) && !encoded {
        return None;
    }
    let response = desk.response(request, Status::UNSUPPORTED_MEDIA_TYPE);
    let bytes = response.line(Name::ACCEPT, SDP).line(Name::ACCEPT_ENCODING, "identity").finish();
    Some((Status::UNSUPPORTED_MEDIA_TYPE, bytes))
}

/// Whether the body may be ignored (§20.11).
fn is_optional(request: &View<'_>) -> bool {
    request.value(Name::CONTENT_DISPOSITION).is_some_and(|disposition| {
        let mut params = disposition.split(';').skip(1).map(str::trim);
        params.any(|param| param.eq_ignore_ascii_case("handling=optional"))
    })
}

impl Telephone {
    /// OPTIONS: what an INVITE would get, and what we can do (§11.2).
    pub(super) fn options(
        &self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        if let Some((status, bytes)) = unfit(desk, request) {
            return desk.stack.respond(now, server, status, bytes);
        }
        let status = self.refuses.filter(|_| request.to_tag().is_none()).unwrap_or(Status::OK);
        let contact = self.own_contact(desk, request, flow);
        let response = desk.response(request, status);
        let transfers = &self.account.transfers;
        let bytes = response
            .line(Name::CONTACT, contact)
            .line(Name::ALLOW, allowed(transfers))
            .line(Name::ALLOW_EVENTS, ALLOW_EVENTS)
            .line(Name::SUPPORTED, supported(transfers))
            .line(Name::ACCEPT, SDP)
            .line(Name::ACCEPT_ENCODING, "identity")
            .line(Name::ACCEPT_LANGUAGE, "en")
            .line(Name::RECV_INFO, "")
            .finish();
        desk.stack.respond(now, server, status, bytes);
    }
}

/// A method that we do not do (§8.2.1).
pub(super) fn not_allowed(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) {
    let known = allowed(&transfers(desk));
    let response = desk.response(request, Status::METHOD_NOT_ALLOWED).line(Name::ALLOW, known).finish();
    desk.stack.respond(now, server, Status::METHOD_NOT_ALLOWED, response);
}

/// A method that this telephone does not know at all (§21.5.2).
pub(super) fn not_implemented(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) {
    let known = allowed(&transfers(desk));
    let response = desk.response(request, Status::NOT_IMPLEMENTED).line(Name::ALLOW, known).finish();
    desk.stack.respond(now, server, Status::NOT_IMPLEMENTED, response);
}
