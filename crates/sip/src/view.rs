//! A parsed message that borrows its bytes.

use std::borrow::Cow;
use std::net::SocketAddr;

use arrayvec::ArrayVec;

use crate::{
    Header, Malformed, Method, Name, Status, TopVia,
    limits::MAX_HEADERS,
    scan::{self, Span, TOKEN},
    top_via::ViaSpans,
};

/// A request or response, as spans into its bytes: one pass found them, and nothing was allocated.
///
/// What dispatch needs was checked by [`View::parse`]; other headers are found by name and parsed when asked for.
///
/// ```
/// use cordboard_sip::{Method, View};
///
/// let bytes = b"BYE sip:alice@192.0.2.1 SIP/2.0\r\n\
///     Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK776\r\n\
///     From: Bob <sip:bob@example.com>;tag=b1\r\n\
///     To: <sip:alice@example.com>;tag=a1\r\n\
///     Call-ID: 7@192.0.2.1\r\n\
///     CSeq: 2 BYE\r\n\
///     Content-Length: 0\r\n\r\n";
/// let view = View::parse(bytes).expect("a well-formed BYE");
/// assert_eq!(view.method(), Method::Bye);
/// assert_eq!(view.from_tag(), Some("b1"));
/// assert_eq!(view.top_via().branch, Some("z9hG4bK776"));
/// ```
#[derive(Clone, Debug)]
pub struct View<'a> {
    pub(crate) bytes: &'a [u8],
    /// Start line, header lines and empty line.
    pub(crate) head: &'a str,
    pub(crate) found: Found,
    pub(crate) source: Option<SocketAddr>,
    pub(crate) lines: ArrayVec<LineSpan, MAX_HEADERS>,
}

/// What dispatch needs of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Of the request line; in a response, of `CSeq`.
    pub(crate) method_text: Span,
    pub(crate) request_uri: Span,
    pub(crate) reason: Span,
    pub(crate) status: Option<Status>,
    pub(crate) method: Method,
    pub(crate) cseq: u32,
    pub(crate) max_forwards: Option<u8>,
    pub(crate) content_length: Option<u32>,
    pub(crate) cseq_text: Span,
    pub(crate) call_id: Span,
    pub(crate) from_uri: Span,
    pub(crate) to_uri: Span,
    pub(crate) from_tag: Span,
    pub(crate) to_tag: Span,
    pub(crate) route_uri: Span,
    pub(crate) via: ViaSpans,
}

impl Found {
    pub(crate) const NOTHING: Self = Self {
        method_text: Span::NONE,
        request_uri: Span::NONE,
        reason: Span::NONE,
        status: None,
        method: Method::Other,
        cseq: 0,
        max_forwards: None,
        content_length: None,
        cseq_text: Span::NONE,
        call_id: Span::NONE,
        from_uri: Span::NONE,
        to_uri: Span::NONE,
        from_tag: Span::NONE,
        to_tag: Span::NONE,
        route_uri: Span::NONE,
        via: ViaSpans::NONE,
    };
}

/// Where a header line is. Small, for 128 of them lie in every view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineSpan {
    pub(crate) start: u16,
    /// Of its last CRLF.
    pub(crate) end: u16,
    pub(crate) name: Name,
    /// 255 for longer ones too.
    pub(crate) name_length: u8,
}

impl LineSpan {
    /// The line with its CRLF.
    pub(crate) fn whole(self) -> std::ops::Range<usize> {
        usize::from(self.start)..usize::from(self.end) + 2
    }

    /// The name as written.
    fn name_text(self, bytes: &[u8]) -> Span {
        let start = usize::from(self.start);
        let end = match self.name_length {
            u8::MAX => scan::skip(bytes, start, TOKEN),
            length => start + usize::from(length),
        };
        Span::new(start, end)
    }

    /// The value without LWS around it.
    pub(crate) fn value(self, bytes: &[u8]) -> Span {
        let line = &bytes[..self.end.into()];
        let colon = scan::byte(line, self.start.into(), b':');
        let start = scan::skip_lws(line, colon + 1);
        Span::new(start, scan::trim_end(line, start, line.len()))
    }
}

/// One header line; folded lines are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The name, if it is a known one.
    pub name: Name,
    /// The name as written.
    pub name_text: &'a str,
    /// The value as written, without white space around it; folds are still in it.
    pub value: &'a str,
}

impl<'a> Line<'a> {
    /// The value with each fold as one space (RFC 3261 §7.3.1).
    #[must_use]
    pub fn unfolded(&self) -> Cow<'a, str> {
        unfold(self.value)
    }
}

/// One value of a header: of several in a line, if the header is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// As written, without white space around it; folds are still in it.
    pub text: &'a str,
    pub(crate) span: Span,
    /// Index of its line.
    pub(crate) line: u8,
}

impl<'a> Value<'a> {
    /// The text with each fold as one space (RFC 3261 §7.3.1).
    #[must_use]
    pub fn unfolded(&self) -> Cow<'a, str> {
        unfold(self.text)
    }
}

impl<'a> View<'a> {
    /// Exactly the message: no empty lines before it, nothing after its body.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether this is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.found.status.is_none()
    }

    /// The method of the request line; in a response, that of `CSeq`.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.found.method
    }

    /// The same as written.
    #[must_use]
    pub fn method_text(&self) -> &'a str {
        self.text(self.found.method_text)
    }

    /// The Request-URI; empty in a response.
    #[must_use]
    pub fn request_uri(&self) -> &'a str {
        self.text(self.found.request_uri)
    }

    /// The status of a response; `None` for a request.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        self.found.status
    }

    /// The reason phrase; empty in a request.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.text(self.found.reason)
    }

    /// Call-ID. It is compared byte by byte (RFC 3261 §20.8).
    #[must_use]
    pub fn call_id(&self) -> &'a str {
        self.text(self.found.call_id)
    }

    /// The number and the method of `CSeq`.
    #[must_use]
    pub const fn cseq(&self) -> (u32, Method) {
        (self.found.cseq, self.found.method)
    }

    /// The URI in From.
    #[must_use]
    pub fn from_uri(&self) -> &'a str {
        self.text(self.found.from_uri)
    }

    /// The tag of From; RFC 2543 phones send none.
    #[must_use]
    pub fn from_tag(&self) -> Option<&'a str> {
        self.some_text(self.found.from_tag)
    }

    /// The URI in To.
    #[must_use]
    pub fn to_uri(&self) -> &'a str {
        self.text(self.found.to_uri)
    }

    /// The tag of To.
    #[must_use]
    pub fn to_tag(&self) -> Option<&'a str> {
        self.some_text(self.found.to_tag)
    }

    /// Whether a Via value follows the first one.
    #[must_use]
    pub fn has_more_vias(&self) -> bool {
        let mut lines = self.lines.iter().filter(|line| line.name == Name::VIA);
        let in_its_line = lines.next().is_some_and(|line| self.found.via.end < line.value(self.bytes).end);
        in_its_line || lines.any(|line| !line.value(self.bytes).is_empty())
    }

    /// The first Via value.
    #[must_use]
    #[inline]
    pub fn top_via(&self) -> TopVia<'a> {
        self.found.via.read(self.head)
    }

    /// Max-Forwards; `None` if it is absent, or beyond 255 and so as good as absent (RFC 4475 §3.1.2.4).
    #[must_use]
    pub const fn max_forwards(&self) -> Option<u8> {
        self.found.max_forwards
    }

    /// The URI in the first Route value.
    #[must_use]
    pub fn top_route(&self) -> Option<&'a str> {
        self.some_text(self.found.route_uri)
    }

    /// The first Contact value, whole.
    #[must_use]
    pub fn contact(&self) -> Option<&'a str> {
        let (i, line) = self.lines.iter().enumerate().find(|(_, line)| line.name == Name::CONTACT)?;
        self.values_of_line(i, *line).next().map(|value| value.text)
    }

    /// The number in Content-Length, if there is one; a stream needs it (RFC 3261 §18.3).
    #[must_use]
    pub const fn content_length(&self) -> Option<u32> {
        self.found.content_length
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(self.head.len()..).unwrap_or_default()
    }

    /// Says from where the message came, which its top Via may not say (RFC 3261 §18.2.1).
    pub fn set_source(&mut self, source: SocketAddr) {
        self.source = Some(source);
    }

    /// From where the message came, if that was said.
    #[must_use]
    pub const fn source(&self) -> Option<SocketAddr> {
        self.source
    }

    /// The lines of that name, each with its whole value.
    pub fn lines_named(&self, name: Name) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |line| line.name == name).map(|line| self.text(line.value(self.bytes)))
    }

    /// Every header line, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        self.lines.iter().map(|line| self.line(*line))
    }

    /// The lines of a header by its name as text, in any case and in the compact form too; for extensions that
    /// have no [`Name`].
    pub fn named(&self, name_text: &str) -> impl Iterator<Item = Line<'a>> {
        let name = Name::of(name_text.as_bytes());
        self.lines().filter(move |line| {
            line.name == name && (name != Name::OTHER || line.name_text.eq_ignore_ascii_case(name_text))
        })
    }

    /// Every value of every line of that name, in order; the commas of a list ([`Name::is_list`]) separate values,
    /// those in quotes and `<>` do not.
    pub fn values(&self, name: Name) -> impl Iterator<Item = Value<'a>> {
        let lines = self.lines.iter().enumerate().filter(move |(_, line)| line.name == name);
        lines.flat_map(|(i, line)| self.values_of_line(i, *line))
    }

    /// The whole value of the first line of that name.
    #[must_use]
    pub fn value(&self, name: Name) -> Option<&'a str> {
        self.lines.iter().find(|line| line.name == name).map(|line| self.text(line.value(self.bytes)))
    }

    /// Whether there is a line of that name.
    #[must_use]
    pub fn has(&self, name: Name) -> bool {
        self.lines.iter().any(|line| line.name == name)
    }

    /// The first value of a typed header, if there is one.
    #[must_use]
    pub fn header<H: Header>(&self) -> Option<Result<H, Malformed>> {
        self.headers().next()
    }

    /// Every value of a typed header.
    pub fn headers<H: Header>(&self) -> impl Iterator<Item = Result<H, Malformed>> {
        self.values(H::NAME).map(|value| H::parse(&value.unfolded()))
    }

    pub(crate) fn line(&self, line: LineSpan) -> Line<'a> {
        Line {
            name: line.name,
            name_text: self.text(line.name_text(self.bytes)),
            value: self.text(line.value(self.bytes)),
        }
    }

    pub(crate) fn values_of_line(&self, index: usize, line: LineSpan) -> Values<'a> {
        let value = line.value(self.bytes);
        Values {
            head: self.head,
            at: value.start.into(),
            end: value.end.into(),
            line: index as u8,
            split: match line.name {
                // Its words may hold quotes and brackets that mean nothing (RFC 3261 §20.21, §25.1).
                Name::IN_REPLY_TO => Split::EveryComma,
                name if name.is_list() => Split::Commas,
                _ => Split::Not,
            },
            done: line.name.is_list() && value.is_empty(),
        }
    }

    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.head.get(span.range()).unwrap_or_default()
    }

    fn some_text(&self, span: Span) -> Option<&'a str> {
        if span.is_empty() { None } else { self.head.get(span.range()) }
    }
}

#[derive(Clone, Copy)]
enum Split {
    Not,
    Commas,
    EveryComma,
}

/// The values of one line.
pub(crate) struct Values<'a> {
    head: &'a str,
    at: usize,
    end: usize,
    line: u8,
    split: Split,
    done: bool,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.done {
            return None;
        }
        let text = &self.head.as_bytes()[..self.end];
        let start = scan::skip_lws(text, self.at);
        let comma = match self.split {
            Split::Not => self.end,
            Split::Commas => scan::element_end(text, start),
            Split::EveryComma => memchr::memchr(b',', &text[start..]).map_or(self.end, |n| start + n),
        };
        self.done = comma == self.end;
        self.at = comma + 1;
        let span = Span::new(start, scan::trim_end(text, start, comma));
        Some(Value { text: &self.head[span.range()], span, line: self.line })
    }
}

fn unfold(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split("\r\n").enumerate() {
        if i > 0 {
            out.truncate(out.trim_end_matches([' ', '\t']).len());
            out.push(' ');
        }
        out.push_str(if i > 0 { part.trim_start_matches([' ', '\t']) } else { part });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RejectWhy, Rport};

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        v: SIP/2.0/TCP a.example.com;branch=z9hG4bKa;rport, SIP/2.0/UDP b.example.com;branch=z9hG4bKb\r\n\
        Via: SIP/2.0/UDP c.example.com;branch=z9hG4bKc\r\n\
        Max-Forwards: 70\r\n\
        Route: \"a, b\" <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n\
        f: Alice <sip:alice@example.com> ; tag = 1928301774\r\n\
        t: <sip:bob@example.com>\r\n\
        i: a84b4c76e66710@pc33\r\n\
        CSeq: 314159 INVITE\r\n\
        m: \"Alice, at home\" <sip:alice@192.0.2.4>;q=0.5,\r\n\t<sip:alice@192.0.2.5>\r\n\
        X-Own: one,\r\n two\r\n\
        Supported:\r\n\
        c: application/sdp\r\n\
        l: 4\r\n\
        \r\n\
        v=0\r\nand more";

    fn refused(message: &str) -> RejectWhy {
        View::parse(message.as_bytes()).expect_err("this must be refused").why
    }

    #[test]
    fn what_dispatch_needs() {
        let view = View::parse(INVITE.as_bytes()).unwrap();
        assert!(view.is_request());
        assert_eq!((view.method(), view.method_text()), (Method::Invite, "INVITE"));
        assert_eq!(view.request_uri(), "sip:bob@example.com");
        assert_eq!(view.cseq(), (314_159, Method::Invite));
        assert_eq!(view.call_id(), "a84b4c76e66710@pc33");
        assert_eq!((view.from_tag(), view.to_tag()), (Some("1928301774"), None));
        assert_eq!((view.from_uri(), view.to_uri()), ("sip:alice@example.com", "sip:bob@example.com"));
        assert_eq!(view.top_via().rport, Rport::Asked);
        assert_eq!(view.top_via().sent_by, "a.example.com");
        assert_eq!(view.max_forwards(), Some(70));
        assert_eq!(view.top_route(), Some("sip:p1.example.com;lr"));
        assert_eq!(view.contact(), Some("\"Alice, at home\" <sip:alice@192.0.2.4>;q=0.5"));
        assert_eq!(view.body(), b"v=0\r");
        assert!(view.bytes().ends_with(b"\r\n\r\nv=0\r"));
    }

    #[test]
    fn values_of_all_lines_in_order() {
        let view = View::parse(INVITE.as_bytes()).unwrap();
        let hosts: Vec<_> = view.values(Name::VIA).map(|v| &v.text[12..13]).collect();
        assert_eq!(hosts, ["a", "b", "c"]);
        let contacts: Vec<_> = view.values(Name::CONTACT).map(|v| v.text).collect();
        assert_eq!(contacts, ["\"Alice, at home\" <sip:alice@192.0.2.4>;q=0.5", "<sip:alice@192.0.2.5>"]);
        assert_eq!(view.values(Name::SUPPORTED).count(), 0);
        assert_eq!(view.value(Name::SUPPORTED), Some(""));
        assert_eq!(view.values(Name::REQUIRE).count(), 0);
    }

    #[test]
    fn extension_headers_by_text_and_unfolded() {
        let view = View::parse(INVITE.as_bytes()).unwrap();
        let own: Vec<_> = view.named("x-own").map(|line| line.unfolded().into_owned()).collect();
        assert_eq!(own, ["one, two"]);
        assert_eq!(view.named("Call-ID").count(), 1);
        assert_eq!(view.lines().count(), 13);
    }

    #[test]
    fn empty_lines_before_and_no_content_length() {
        let message = format!("\r\n\r\n{}", INVITE.replace("l: 4\r\n", ""));
        let view = View::parse(message.as_bytes()).unwrap();
        assert_eq!(view.body(), b"v=0\r\nand more");
        assert!(view.bytes().starts_with(b"INVITE"));
        assert_eq!(view.content_length(), None);
    }

    #[test]
    fn a_response_takes_its_method_from_cseq() {
        let text = INVITE.replacen("INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 486 Busy, sorry", 1);
        let view = View::parse(text.as_bytes()).unwrap();
        assert_eq!(view.status(), Some(Status::BUSY_HERE));
        assert_eq!((view.method(), view.reason(), view.request_uri()), (Method::Invite, "Busy, sorry", ""));
    }

    #[test]
    fn each_refusal_names_its_reason() {
        let change = |from: &str, to: &str| {
            assert!(INVITE.contains(from), "{from:?}");
            refused(&INVITE.replacen(from, to, 1))
        };
        assert_eq!(refused(""), RejectWhy::Unfinished);
        assert_eq!(refused("hello\r\n\r\n"), RejectWhy::StartLine);
        assert_eq!(change("SIP/2.0", "SIP/3.0"), RejectWhy::Version);
        assert_eq!(change("sip:bob@example.com SIP", "<sip:bob@example.com> SIP"), RejectWhy::RequestUri);
        assert_eq!(change("\r\nCSeq", "\nCSeq"), RejectWhy::LineEnd);
        assert_eq!(change("X-Own:", "X-Own"), RejectWhy::HeaderLine);
        assert_eq!(change("X-Own:", ":"), RejectWhy::HeaderLine);
        assert_eq!(change("\r\n\r\nv=0\r\nand more", "\r\n"), RejectWhy::Unfinished);
        assert_eq!(change("i: a84b", "X: a84b"), RejectWhy::Missing(Name::CALL_ID));
        assert_eq!(change("i: a84b4c76e66710@pc33", "i: "), RejectWhy::Invalid(Name::CALL_ID));
        assert_eq!(change("CSeq: 314159 INVITE", "CSeq: 314159 BYE"), RejectWhy::MethodMismatch);
        assert_eq!(change("CSeq: 314159 INVITE", "CSeq: 4294967296 INVITE"), RejectWhy::Invalid(Name::CSEQ));
        assert_eq!(change("X-Own", "CSeq: 1 INVITE\r\nX-Own"), RejectWhy::Repeated(Name::CSEQ));
        assert_eq!(change("X-Own", "Max-Forwards: 1\r\nX-Own"), RejectWhy::Repeated(Name::MAX_FORWARDS));
        assert_eq!(change("Max-Forwards: 70", "Max-Forwards: many"), RejectWhy::Invalid(Name::MAX_FORWARDS));
        assert_eq!(change("l: 4\r\n", "l: 14\r\n"), RejectWhy::BodyCut);
        assert_eq!(change("l: 4\r\n", "l: 4\r\nl: 4\r\n"), RejectWhy::Repeated(Name::CONTENT_LENGTH));
        assert_eq!(change("tag = 1928301774", "tag"), RejectWhy::Invalid(Name::FROM));
        assert_eq!(change("Route: \"a, b\" <", "Route: a,b <"), RejectWhy::Invalid(Name::ROUTE));
    }
}
