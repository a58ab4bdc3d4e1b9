//! Proof of who hands over (RFC 3892): the signed token that a transferee carries along unread, and bodies of several
//! parts, in which it travels beside the session description.

use bytes::Bytes;
use cordboard_sip::View;
use cordboard_sip::body::{Multipart, NewPart};
use cordboard_sip::header::{ContentType, ReferredBy};

/// Bytes of a token that are carried along.
const MAX_TOKEN: usize = 8_000;

/// A token, as it was in the REFER.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The lines at its head, by name.
    head: Vec<(Box<str>, Box<str>)>,
    body: Bytes,
}

impl Token {
    /// The part of a REFER that the `cid` of its Referred-By names (RFC 3892 §3).
    pub(super) fn of(refer: &View<'_>) -> Option<Self> {
        let cid = refer.header::<ReferredBy>()?.ok()?.cid?;
        let ContentType(kind) = refer.header::<ContentType>()?.ok()?;
        let parts = Multipart::parse(&kind, refer.body()).ok()?;
        let part = parts.find_id(&cid).filter(|part| part.body().len() <= MAX_TOKEN)?;
        let head = part.head().lines().map(|(_, name, value)| (name.into(), value.into())).collect();
        Some(Self { head, body: Bytes::copy_from_slice(part.body()) })
    }

    /// How many bytes it adds to a body.
    pub(super) fn len(&self) -> usize {
        self.body.len() + self.head.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
    }

    /// A body with a session description and the token, and its type.
    pub(super) fn beside(&self, kind: &str, description: &[u8]) -> (String, Vec<u8>) {
        let content_type = self.head.iter().find(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
        let content_type = content_type.map_or("application/octet-stream", |(_, value)| value);
        let others = self.head.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
        let token = others.fold(NewPart::new(content_type, &self.body), |part, (name, value)| {
            part.with_header(name, value)
        });
        let (kind, body) = Multipart::write("mixed", &[NewPart::new(kind, description), token]);
        (kind.to_string(), body)
    }
}

/// The session description of a message: its body, or the part of it that is one. Empty if there is none.
pub(super) fn description<'a>(message: &View<'a>) -> &'a [u8] {
    match message.header::<ContentType>() {
        Some(Ok(ContentType(kind))) if kind.kind.eq_ignore_ascii_case("multipart") => {
            let parts = Multipart::parse(&kind, message.body());
            let body = parts.ok().and_then(|parts| Some(parts.find("application", "sdp")?.body()));
            body.unwrap_or_default()
        }
        _ => message.body(),
    }
}

/// Whether a body of several parts can be served: one of them is a session description.
pub(super) fn has_description(message: &View<'_>) -> bool {
    let several = matches!(message.header::<ContentType>(), Some(Ok(ContentType(kind)))
        if kind.kind.eq_ignore_ascii_case("multipart"));
    several && !description(message).is_empty()
}
