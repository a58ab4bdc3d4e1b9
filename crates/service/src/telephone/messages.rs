//! Instant messages (RFC 3428), and calls that follow a link in one.

use super::caller::Placing;
use super::letter::{ContactLine, Letter, Purpose};
use super::written::TEXT;
use super::{Telephone, bracketed, without_way};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::ListenerId;
use cordboard_sip::header::{NameAddrRef, Replaces};
use cordboard_sip::uri::{Uri, UriHeaders};
use cordboard_sip::{Header, Method, Name, Status, View};

/// Messages of one telephone that may be under way.
const MAX_MESSAGES: usize = 1000;

/// Bytes of a text: more does not fit into a datagram together with its head (RFC 3428 §8).
const MAX_TEXT: usize = 1300;

/// An instant message of ours.
pub(super) struct Outgoing {
    to: Box<str>,
    pub(super) cseq: u32,
    /// The call that may be taken over by a link in it.
    links: Option<u64>,
}

impl Telephone {
    /// Sends a text.
    pub(super) fn send_message(&mut self, desk: &mut Desk, now: Instant, to: &str, text: &str) {
        if !self.write_message(desk, now, to, (TEXT, text), None) {
            let status = Status::SERVICE_UNAVAILABLE;
            Self::tell(desk, CallEvent::MessageSent { to: to.into(), status });
        }
    }

    /// Sends a text; false if it is not an address, the text is too long, or there is no room.
    pub(super) fn write_message(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        to: &str,
        (kind, text): (&'static str, &str),
        links: Option<u64>,
    ) -> bool {
        let name_addr = bracketed(to);
        let address = NameAddrRef::parse(&name_addr).ok().filter(|address| address.uri().is_ok());
        let Some(uri) = address.map(|address| address.uri_text()) else { return false };
        if self.messages.len() >= MAX_MESSAGES || text.len() > MAX_TEXT {
            return false;
        }
        let key = self.messages.insert(Outgoing { to: to.into(), cseq: 1, links });
        let letter = Letter {
            purpose: Purpose::Message(key),
            method: Method::Message,
            from: format!("{};tag={}", self.address(), desk.stack.dice().tag()).into(),
            to: without_way(&name_addr, uri).into(),
            call_id: desk.stack.dice().call_id().into(),
            cseq: 1,
            contact: ContactLine::None,
            lines: Vec::new(),
            body: Some((kind, text.into())),
            listener: ListenerId(0),
        };
        let ways = self.first_ways(uri);
        let sent = self.run(desk, now, letter, ways, &[]).is_some();
        if !sent {
            self.messages.remove(key);
        }
        sent
    }

    /// The final response to a message of ours, or none.
    pub(super) fn message_answered(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let Some(message) = self.messages.remove(key) else { return };
        Self::tell(desk, CallEvent::MessageSent { to: message.to, status });
        if let Some(at) = message.links {
            self.link_answered(desk, now, at, status);
        }
    }

    /// A message came (RFC 3428 §7). One outside a call has no Contact in its response.
    pub(super) fn message_received(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>) {
        if let Some((status, bytes)) = super::answers::lacking(desk, request) {
            return desk.stack.respond(now, server, status, bytes);
        }
        let kind = request.value(Name::CONTENT_TYPE).unwrap_or(TEXT);
        let text = std::str::from_utf8(request.body()).ok();
        let readable = kind.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case("text/"));
        let Some(text) = text.filter(|_| readable) else {
            let response = desk.response(request, Status::UNSUPPORTED_MEDIA_TYPE);
            let bytes = response.line(Name::ACCEPT, "text/*").finish();
            return desk.stack.respond(now, server, Status::UNSUPPORTED_MEDIA_TYPE, bytes);
        };
        let from = request.value(Name::FROM).unwrap_or_default().into();
        let event = CallEvent::MessageReceived { from, content_type: kind.into(), body: text.into() };
        desk.reply(now, server, request, Status::OK);
        Self::tell(desk, event);
    }

    /// Calls what a link names. Of its headers Replaces is obeyed, and Require says no more than that.
    pub(super) fn follow(&mut self, desk: &mut Desk, now: Instant, name: CallName, text: &str) {
        let placed = link_in(text).filter(|_| !name.is_incoming()).and_then(|(uri, replaces)| {
            let mut lines: Vec<(Name, Box<str>)> = Vec::new();
            if let Some(replaces) = replaces {
                lines.push((Name::REPLACES, replaces.to_string().into()));
                lines.push((Name::REQUIRE, "replaces".into()));
            }
            self.place(desk, now, name, &uri, Placing { lines, ..Placing::USUAL })
        });
        if placed.is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// Calls somebody who must know Replaces (RFC 5589 §7.7).
    pub(super) fn consult(&mut self, desk: &mut Desk, now: Instant, name: CallName, to: &str) {
        let lines = vec![(Name::REQUIRE, "replaces".into())];
        let placing = Placing { lines, ..Placing::USUAL };
        if name.is_incoming() || self.place(desk, now, name, to, placing).is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }
}

/// The first link in a text, and the call that it is to take over.
fn link_in(text: &str) -> Option<(String, Option<Replaces>)> {
    let begin = ["sips:", "sip:"].iter().filter_map(|scheme| text.find(scheme)).min()?;
    let rest = &text[begin..];
    let end =
        rest.find(|letter: char| letter.is_whitespace() || "<>\"'".contains(letter)).unwrap_or(rest.len());
    // Hypertext writes an ampersand so.
    let mut uri = Uri::parse(&rest[..end].replace("&amp;", "&")).ok()?;
    let sip = uri.as_sip_mut()?;
    let replaces = sip.headers.get("Replaces").map(|value| Replaces::parse(&value)).transpose().ok()?;
    sip.headers = UriHeaders::default();
    sip.params.remove("method");
    Some((uri.to_string(), replaces))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5359 §2.6 F5.
    #[test]
    fn a_link_is_found_in_what_a_browser_would_show() {
        let html = "<HTML>Do you want to take this call from <A HREF=\"sips:a8342043f@atlanta.example.com;gr?Replaces=\
                    12345600@atlanta.example.com%3Bto-tag%3D3145678%3Bfrom-tag%3D1234567&Require=replaces\"> \
                    Alice</A>? </HTML>";
        let (uri, replaces) = link_in(html).unwrap();
        assert_eq!(uri, "sips:a8342043f@atlanta.example.com;gr");
        let replaces = replaces.unwrap();
        assert_eq!(replaces.call_id, "12345600@atlanta.example.com");
        assert_eq!((replaces.to_tag.as_str(), replaces.from_tag.as_str()), ("3145678", "1234567"));
    }

    #[test]
    fn what_is_no_link_is_not_followed() {
        assert!(link_in("no link").is_none());
        assert!(link_in("sip:carol@c?Replaces=x").is_none());
        let (uri, replaces) = link_in("call sip:carol@c?Route=%3Csip:x%3E&From=%3Csip:y%3E now").unwrap();
        assert_eq!((uri.as_str(), replaces), ("sip:carol@c", None));
    }
}
