//! New messages: requests, and responses from their requests (RFC 3261 §8.1.1, §8.2.6).

use std::{
    fmt::{self, Display, Write as _},
    net::SocketAddr,
};

use bytes::Bytes;

use crate::{Decimal, Header, Name, Status, View, scan};

/// Writes one new message, line by line.
///
/// CR and LF in what is written become spaces, so that no value can start a line of its own.
///
/// ```
/// use cordboard_sip::{Builder, Name};
///
/// let bytes = Builder::request("OPTIONS", "sip:bob@example.com")
///     .line(Name::VIA, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
///     .line(Name::FROM, "<sip:alice@example.com>;tag=a")
///     .line(Name::TO, "<sip:bob@example.com>")
///     .line(Name::CALL_ID, "1@192.0.2.1")
///     .line(Name::CSEQ, format_args!("{} OPTIONS", 1))
///     .finish();
/// assert!(bytes.ends_with(b"Content-Length: 0\r\n\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    out: Vec<u8>,
}

/// Enough for most messages without growing.
const USUAL_HEAD: usize = 768;

impl Builder {
    /// Starts a request.
    #[must_use]
    pub fn request(method: &str, uri: impl Display) -> Self {
        let mut out = Vec::with_capacity(USUAL_HEAD);
        write_value(&mut out, format_args!("{method} {uri} SIP/2.0"));
        out.extend_from_slice(b"\r\n");
        Self { out }
    }

    /// Starts a response: the Via lines, From, To, Call-ID and `CSeq` of the request as they are (RFC 3261 §8.2.6.2),
    /// and for a 100 its Timestamp (§8.2.6.1). `to_tag` is added where To has none.
    #[must_use]
    pub fn response(request: &View<'_>, status: Status, to_tag: Option<&str>) -> Self {
        Self::respond(request, status, status.reason(), to_tag, None)
    }

    /// The same for a request that came from `source`, which goes into the top Via: `received`, and `rport` where
    /// it was asked for (RFC 3261 §18.2.1, RFC 3581 §4).
    #[must_use]
    pub fn response_to(request: &View<'_>, source: SocketAddr, status: Status, to_tag: Option<&str>) -> Self {
        Self::respond(request, status, status.reason(), to_tag, Some(source))
    }

    /// The same as [`Builder::response`] with a reason phrase of one's own.
    #[must_use]
    pub fn response_with_reason(
        request: &View<'_>,
        status: Status,
        reason: &str,
        to_tag: Option<&str>,
    ) -> Self {
        Self::respond(request, status, reason, to_tag, None)
    }

    fn respond(
        request: &View<'_>,
        status: Status,
        reason: &str,
        to_tag: Option<&str>,
        source: Option<SocketAddr>,
    ) -> Self {
        let mut out = Vec::with_capacity(USUAL_HEAD);
        write_status_line(&mut out, status, reason);
        out.extend_from_slice(b"\r\n");
        let mut source = source;
        for line in &request.lines {
            let whole = &request.bytes[line.whole()];
            match line.name {
                Name::VIA => match source.take() {
                    Some(source) => {
                        let start = usize::from(line.start);
                        request.found.via.write_received(&mut out, request.bytes, start, source);
                        out.extend_from_slice(&request.bytes[request.found.via.end.into()..line.whole().end]);
                    }
                    None => out.extend_from_slice(whole),
                },
                Name::TO if request.to_tag().is_none() && to_tag.is_some() => {
                    out.extend_from_slice(
                        &request.bytes[line.start.into()..line.value(request.bytes).end.into()],
                    );
                    out.extend_from_slice(b";tag=");
                    write_parts(&mut out, &[to_tag.unwrap_or_default()]);
                    out.extend_from_slice(b"\r\n");
                }
                Name::FROM | Name::TO | Name::CALL_ID | Name::CSEQ => out.extend_from_slice(whole),
                Name::TIMESTAMP if status == Status::TRYING => out.extend_from_slice(whole),
                _ => {}
            }
        }
        Self { out }
    }

    /// Makes a response another one: only its start line changes.
    #[must_use]
    pub fn with_status(mut self, status: Status, reason: &str) -> Self {
        let end = memchr::memchr(b'\r', &self.out).unwrap_or(self.out.len());
        let mut line = Vec::with_capacity(64);
        write_status_line(&mut line, status, reason);
        self.out.splice(..end, line);
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn line(mut self, name: Name, value: impl Display) -> Self {
        write_line(&mut self.out, name.as_str(), value);
        self
    }

    /// Adds a line whose value is these parts, one after the other; quicker than formatting them.
    #[must_use]
    pub fn line_of(mut self, name: Name, parts: &[&str]) -> Self {
        write_line_of(&mut self.out, name, parts);
        self
    }

    /// Adds a line whose name has no [`Name`]. What is not a token (RFC 3261 §25.1) is left out of the name.
    #[must_use]
    pub fn other_line(mut self, name: &str, value: impl Display) -> Self {
        let token: String =
            name.chars().filter(|&c| c.is_ascii() && scan::is(c as u8, scan::TOKEN)).collect();
        if !token.is_empty() {
            write_line(&mut self.out, &token, value);
        }
        self
    }

    /// Adds all lines of that name from another message, as they are.
    #[must_use]
    pub fn copy(mut self, from: &View<'_>, name: Name) -> Self {
        for (_, line) in from.spans_of(name) {
            self.out.extend_from_slice(&from.bytes[line.whole()]);
        }
        self
    }

    /// Adds a typed header.
    #[must_use]
    pub fn header<H: Header + Display>(self, header: &H) -> Self {
        self.line(H::NAME, header)
    }

    /// Ends the message with a body.
    #[must_use]
    pub fn body(self, content_type: &str, body: &[u8]) -> Bytes {
        let mut out = self.line(Name::CONTENT_TYPE, content_type).line(Name::CONTENT_LENGTH, body.len()).out;
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        Bytes::from(out)
    }

    /// Ends the message without a body.
    #[must_use]
    pub fn finish(self) -> Bytes {
        let mut out = self.line_of(Name::CONTENT_LENGTH, &["0"]).out;
        out.extend_from_slice(b"\r\n");
        // Transactions keep it for half a minute.
        out.shrink_to_fit();
        Bytes::from(out)
    }
}

/// `SIP/2.0 status reason`, without its CRLF.
fn write_status_line(out: &mut Vec<u8>, status: Status, reason: &str) {
    write_parts(out, &["SIP/2.0 ", &Decimal::new(status.code()), " ", reason]);
}

/// `name: value CRLF`, the value in parts.
pub(crate) fn write_line_of(out: &mut Vec<u8>, name: Name, parts: &[&str]) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    write_parts(out, parts);
    out.extend_from_slice(b"\r\n");
}

/// The parts one after the other, their line breaks as spaces.
pub(crate) fn write_parts(out: &mut Vec<u8>, parts: &[&str]) {
    let start = out.len();
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    let written = &mut out[start..];
    if let Some(first) = memchr::memchr2(b'\r', b'\n', written) {
        for byte in &mut written[first..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
    }
}

/// `name: value CRLF`.
pub(crate) fn write_line(out: &mut Vec<u8>, name: &str, value: impl Display) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    write_value(out, value);
    out.extend_from_slice(b"\r\n");
}

/// The value, its line breaks as spaces.
pub(crate) fn write_value(out: &mut Vec<u8>, value: impl Display) {
    // Memory does not fail, and a `Display` that does has written what it could.
    let _ = write!(WithinALine(out), "{value}");
}

struct WithinALine<'a>(&'a mut Vec<u8>);

impl fmt::Write for WithinALine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        for at in memchr::memchr2_iter(b'\r', b'\n', text.as_bytes()) {
            self.0[start + at] = b' ';
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = "REGISTER sip:example.com SIP/2.0\r\n\
        v: SIP/2.0/UDP a.example.com;branch=z9hG4bKa\r\n\
        Via: SIP/2.0/UDP\r\n b.example.com;branch=z9hG4bKb\r\n\
        From: <sip:alice@example.com>;tag=1\r\n\
        To: <sip:alice@example.com> \r\n\
        Timestamp: 54\r\n\
        Call-ID: a84b4c76e66710\r\n\
        CSeq: 1 REGISTER\r\n\
        Contact: <sip:alice@192.0.2.4>\r\n\
        Content-Length: 0\r\n\r\n";

    #[test]
    fn a_response_copies_what_ties_it_to_its_request() {
        let request = View::parse(REGISTER.as_bytes()).unwrap();
        let bytes =
            Builder::response(&request, Status::OK, Some("8f")).copy(&request, Name::CONTACT).finish();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            "SIP/2.0 200 OK\r\n\
            v: SIP/2.0/UDP a.example.com;branch=z9hG4bKa\r\n\
            Via: SIP/2.0/UDP\r\n b.example.com;branch=z9hG4bKb\r\n\
            From: <sip:alice@example.com>;tag=1\r\n\
            To: <sip:alice@example.com>;tag=8f\r\n\
            Call-ID: a84b4c76e66710\r\n\
            CSeq: 1 REGISTER\r\n\
            Contact: <sip:alice@192.0.2.4>\r\n\
            Content-Length: 0\r\n\r\n"
        );
        assert_eq!(View::parse(&bytes).unwrap().to_tag(), Some("8f"));
    }

    #[test]
    fn the_source_goes_into_the_top_via() {
        let text = REGISTER.replacen(";branch=z9hG4bKa", ";rport;branch=z9hG4bKa;received=8.8.8.8", 1);
        for (text, via) in [
            (REGISTER, "SIP/2.0/UDP a.example.com;branch=z9hG4bKa;received=192.0.2.4"),
            (&text, "SIP/2.0/UDP a.example.com;rport=5070;branch=z9hG4bKa;received=192.0.2.4"),
        ] {
            let request = View::parse(text.as_bytes()).unwrap();
            let source = SocketAddr::from(([192, 0, 2, 4], 5070));
            let bytes = Builder::response_to(&request, source, Status::OK, Some("8f")).finish();
            let vias = "SIP/2.0/UDP\r\n b.example.com;branch=z9hG4bKb";
            let view = View::parse(&bytes).unwrap();
            assert_eq!(view.values(Name::VIA).map(|via| via.text).collect::<Vec<_>>(), [via, vias]);
        }
    }

    #[test]
    fn trying_carries_the_timestamp_and_no_tag() {
        let request = View::parse(REGISTER.as_bytes()).unwrap();
        let bytes = Builder::response(&request, Status::TRYING, None).finish();
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.value(Name::TIMESTAMP), Some("54"));
        assert_eq!(view.to_tag(), None);
    }

    #[test]
    fn a_tag_that_is_there_stays() {
        let text = REGISTER.replace("alice@example.com> \r\n", "alice@example.com>;tag=old\r\n");
        let request = View::parse(text.as_bytes()).unwrap();
        let bytes = Builder::response_with_reason(&request, Status::OK, "Fine", Some("new")).finish();
        let view = View::parse(&bytes).unwrap();
        assert_eq!((view.to_tag(), view.reason()), (Some("old"), "Fine"));
    }

    #[test]
    fn nothing_written_starts_a_line_of_its_own() {
        let request = View::parse(REGISTER.as_bytes()).unwrap();
        let bytes = Builder::response_with_reason(&request, Status::OK, "a\r\nEvil: 1", None)
            .line(Name::SUBJECT, "b\r\n\r\nEvil: 2")
            .other_line("Ev il\r\n:", "3")
            .body("text/plain\r\nEvil: 4", b"\r\n");
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.named("Evil").map(|line| line.value).collect::<Vec<_>>(), ["3"]);
        assert_eq!(view.body(), b"\r\n");
    }
}
