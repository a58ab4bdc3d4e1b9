//! The one pass over a message that finds everything [`View`] offers: RFC 3261 §7, §18.3, §25.1.

use arrayvec::ArrayVec;

use crate::{
    Method, Name, Reject, RejectWhy, Status,
    limits::{MAX_HEADER_LEN, MAX_MESSAGE, MAX_START_LINE},
    reject::Peer,
    scan::{self, DISPLAY, LineEnd, Span, TOKEN, URI},
    top_via,
    view::{Found, LineSpan, View},
};

impl<'a> View<'a> {
    /// Reads the message in one datagram or one frame.
    ///
    /// Bytes after the body that Content-Length counts are ignored, a body that is shorter is refused, and without
    /// Content-Length the body reaches to the end (RFC 3261 §18.3). CRLFs before the start line are skipped (§7.5).
    ///
    /// # Errors
    /// The start line, the lines as such, and the headers without which nothing can be done (top Via, From, To,
    /// Call-ID, `CSeq`, Max-Forwards, top Route, Content-Length) must follow their grammar. Everything else is
    /// judged when it is asked for.
    // Inlined, and filled where it stands in the result, so that the view is made where the caller wants it: it is
    // too big to be moved about.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reject> {
        let mut parsed =
            Ok(Self { bytes, head: "", found: Found::NOTHING, source: None, lines: ArrayVec::new() });
        if let Ok(view) = &mut parsed
            && let Err(reject) = Self::read(view)
        {
            parsed = Err(reject);
        }
        parsed
    }

    fn read(&mut self) -> Result<(), Reject> {
        self.bytes = after_empty_lines(self.bytes);
        if self.bytes.len() > MAX_MESSAGE {
            return Err(Reject::new(RejectWhy::MessageTooLong, MAX_MESSAGE, peer_of_start(self.bytes)));
        }
        let at = self.start_line()?;
        self.header_lines(at).map_err(|(why, at)| {
            let peer = match self.found.status {
                Some(_) => Peer::Nobody,
                None => Peer::of_request(self.found.method),
            };
            Reject::new(why, at, peer)
        })
    }

    /// Reads the first line; returns where the second starts.
    fn start_line(&mut self) -> Result<usize, Reject> {
        let bytes = self.bytes;
        let refuse = |why, at| Reject::new(why, at, peer_of_start(bytes));
        let end = match scan::line_end(bytes, 0) {
            LineEnd::At(end) => end,
            LineEnd::Bare(at) => return Err(refuse(RejectWhy::LineEnd, at)),
            LineEnd::Cut => return Err(refuse(RejectWhy::Unfinished, bytes.len())),
        };
        if end > MAX_START_LINE {
            return Err(refuse(RejectWhy::StartLineTooLong, end));
        }
        let line = &bytes[..end];
        let method_end = scan::skip(line, 0, TOKEN);
        let parsed = match line.get(method_end) {
            Some(b'/') => self.status_line(line),
            _ => self.request_line(line, method_end),
        };
        match parsed {
            Ok(()) => Ok(end + 2),
            Err((why, at)) => Err(refuse(why, at)),
        }
    }

    /// `Method SP Request-URI SP SIP-Version`: exactly one SP each (RFC 3261 §7.1, RFC 4475 §3.1.2.9, §3.1.2.10).
    fn request_line(&mut self, line: &[u8], method_end: usize) -> Result<(), (RejectWhy, usize)> {
        if method_end == 0 || line.get(method_end) != Some(&b' ') {
            return Err((RejectWhy::StartLine, method_end));
        }
        self.found.method_text = Span::new(0, method_end);
        self.found.method = Method::of(&line[..method_end]);
        let uri = method_end + 1;
        let uri_end = scan::skip(line, uri, URI);
        if uri_end == uri || line.get(uri_end) != Some(&b' ') {
            return Err((RejectWhy::RequestUri, uri_end));
        }
        self.found.request_uri = Span::new(uri, uri_end);
        let version = &line[uri_end + 1..];
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            let why = if is_version(version) { RejectWhy::Version } else { RejectWhy::StartLine };
            return Err((why, uri_end + 1));
        }
        if !may_be_request_uri(&line[uri..uri_end]) {
            return Err((RejectWhy::RequestUri, uri));
        }
        Ok(())
    }

    /// `SIP-Version SP Status-Code SP Reason-Phrase`; the second SP may be missing (RFC 4475 §3.1.1.13).
    fn status_line(&mut self, line: &[u8]) -> Result<(), (RejectWhy, usize)> {
        let version_end = memchr::memchr(b' ', line).unwrap_or(line.len());
        if !line[..version_end].eq_ignore_ascii_case(b"SIP/2.0") {
            return Err((RejectWhy::Version, 0));
        }
        let code = version_end + 1;
        let code_end = scan::skip(line, code, TOKEN);
        let digits = line.get(code..code_end).filter(|digits| digits.len() == 3);
        let status = digits.and_then(scan::decimal).and_then(|code| Status::new(code as u16));
        if status.is_none() || !matches!(line.get(code_end), None | Some(b' ')) {
            return Err((RejectWhy::StatusCode, code));
        }
        self.found.status = status;
        self.found.reason = Span::new(line.len().min(code_end + 1), line.len());
        Ok(())
    }

    /// Reads the header lines from `at` on, and finds the body.
    fn header_lines(&mut self, mut at: usize) -> Result<(), (RejectWhy, usize)> {
        let bytes = self.bytes;
        while !matches!(bytes.get(at), Some(b'\r') | None) {
            let colon = scan::byte(bytes, at, b':');
            let mut name_end = colon;
            while name_end > at && matches!(bytes[name_end - 1], b' ' | b'\t') {
                name_end -= 1;
            }
            let name = Name::of(&bytes[at..name_end]);
            if name == Name::OTHER {
                self.other_name(at, name_end)?;
            }
            let end = folded_line_end(bytes, colon + 1)?;
            if end - at > MAX_HEADER_LEN {
                return Err((RejectWhy::HeaderTooLong, at));
            }
            let line = LineSpan {
                start: at as u16,
                end: end as u16,
                name,
                name_length: u8::try_from(name_end - at).unwrap_or(u8::MAX),
            };
            if self.lines.try_push(line).is_err() {
                return Err((RejectWhy::TooManyHeaders, at));
            }
            if name.is_dispatched() {
                let value = scan::skip_lws(&bytes[..end], colon + 1);
                self.header_line(name, &bytes[..scan::trim_end(bytes, value, end)], value)?;
            }
            self.found.names.insert(name);
            at = end + 2;
        }
        match bytes.get(at..at + 2) {
            Some(b"\r\n") => self.finish(at + 2),
            Some(_) => Err((RejectWhy::LineEnd, at)),
            None => Err((RejectWhy::Unfinished, at)),
        }
    }

    /// Checks that an unknown name is a token with a colon behind it.
    fn other_name(&self, at: usize, end: usize) -> Result<(), (RejectWhy, usize)> {
        let token_end = scan::skip(self.bytes, at, TOKEN);
        if token_end == end && end > at && end < self.bytes.len() {
            return Ok(());
        }
        let why = match self.bytes.get(token_end) {
            None => RejectWhy::Unfinished,
            Some(b'\n') => RejectWhy::LineEnd,
            Some(_) => RejectWhy::HeaderLine,
        };
        Err((why, token_end))
    }

    /// Takes what dispatch needs from one line, whose value is `text[at..]`.
    #[inline]
    fn header_line(&mut self, name: Name, text: &[u8], at: usize) -> Result<(), (RejectWhy, usize)> {
        let once = |first: bool| {
            if first { Ok(()) } else { Err((RejectWhy::Repeated(name), at)) }
        };
        let invalid = (RejectWhy::Invalid(name), at);
        match name {
            Name::VIA if self.found.via.host.is_empty() => {
                self.found.via = top_via::parse(text, at).ok_or(invalid)?;
            }
            Name::FROM => {
                once(self.found.from_uri.is_empty())?;
                (self.found.from_uri, self.found.from_tag) = party(text, at).ok_or(invalid)?;
            }
            Name::TO => {
                once(self.found.to_uri.is_empty())?;
                (self.found.to_uri, self.found.to_tag) = party(text, at).ok_or(invalid)?;
            }
            Name::CALL_ID => {
                once(self.found.call_id.is_empty())?;
                if at == text.len() || text[at..].iter().fold(false, |bad, b| bad | !b.is_ascii_graphic()) {
                    return Err(invalid);
                }
                self.found.call_id = Span::new(at, text.len());
            }
            Name::CSEQ => self.take_cseq(text, at)?,
            Name::MAX_FORWARDS => {
                once(!self.found.names.contains(name))?;
                if text[at..].is_empty() || !text[at..].iter().all(u8::is_ascii_digit) {
                    return Err(invalid);
                }
                // RFC 4475 §3.1.2.4: a value beyond 255 may be treated as absent.
                self.found.max_forwards = scan::decimal(&text[at..]).and_then(|n| u8::try_from(n).ok());
            }
            Name::CONTENT_LENGTH => {
                once(self.found.content_length.is_none())?;
                self.found.content_length = Some(scan::decimal(&text[at..]).ok_or(invalid)?);
            }
            Name::ROUTE if self.found.route_uri.is_empty() => {
                let address = address(text, at).filter(|address| address.bracketed).ok_or(invalid)?;
                self.found.route_uri = address.uri;
            }
            _ => {}
        }
        Ok(())
    }

    /// `1*DIGIT LWS Method`, the number within 32 bits (RFC 3261 §8.1.1.5, §20.16).
    fn take_cseq(&mut self, text: &[u8], at: usize) -> Result<(), (RejectWhy, usize)> {
        let invalid = (RejectWhy::Invalid(Name::CSEQ), at);
        if !self.found.cseq_text.is_empty() {
            return Err((RejectWhy::Repeated(Name::CSEQ), at));
        }
        let number_end = scan::skip(text, at, TOKEN);
        self.found.cseq = scan::decimal(&text[at..number_end]).ok_or(invalid)?;
        self.found.cseq_text = Span::new(at, text.len());
        let method = scan::skip_lws(text, number_end);
        let method_end = scan::skip(text, method, TOKEN);
        if method == number_end || method == method_end || method_end != text.len() {
            return Err(invalid);
        }
        if self.found.status.is_some() {
            self.found.method_text = Span::new(method, method_end);
            self.found.method = Method::of(&text[method..]);
        } else if text[method..] != self.bytes[self.found.method_text.range()] {
            return Err((RejectWhy::MethodMismatch, method));
        }
        Ok(())
    }

    /// Checks what must be there, and cuts the body; `body` is where it starts.
    fn finish(&mut self, body: usize) -> Result<(), (RejectWhy, usize)> {
        let required = [
            (Name::VIA, self.found.via.host),
            (Name::FROM, self.found.from_uri),
            (Name::TO, self.found.to_uri),
            (Name::CALL_ID, self.found.call_id),
            (Name::CSEQ, self.found.cseq_text),
        ];
        for (name, span) in required {
            if span.is_empty() {
                return Err((RejectWhy::Missing(name), body));
            }
        }
        if let Some(length) = self.found.content_length {
            let end = body + length as usize;
            if end > self.bytes.len() {
                return Err((RejectWhy::BodyCut, self.bytes.len()));
            }
            self.bytes = &self.bytes[..end];
        }
        match std::str::from_utf8(&self.bytes[..body]) {
            Ok(head) => self.head = head,
            Err(error) => return Err((RejectWhy::NotUtf8, error.valid_up_to())),
        }
        Ok(())
    }
}

/// A `name-addr` or `addr-spec`.
struct Address {
    uri: Span,
    /// Where its parameters start.
    after: usize,
    bracketed: bool,
}

/// Reads `[display-name] <uri>` or a bare URI, which holds neither comma, question mark nor semicolon
/// (RFC 3261 §20.10, §25.1).
fn address(text: &[u8], at: usize) -> Option<Address> {
    let mut open = at;
    match text.get(at)? {
        b'<' => {}
        b'"' => open = scan::skip_lws(text, scan::quoted(text, at)?),
        _ => {
            open = scan::skip(text, at, DISPLAY);
            if text.get(open) == Some(&b':') {
                return addr_spec(text, at, open);
            }
        }
    }
    if text.get(open) != Some(&b'<') {
        return None;
    }
    let end = scan::skip(text, open + 1, URI);
    if end == open + 1 || text.get(end) != Some(&b'>') {
        return None;
    }
    Some(Address { uri: Span::new(open + 1, end), after: end + 1, bracketed: true })
}

/// A URI without brackets, whose scheme is `text[at..colon]`.
fn addr_spec(text: &[u8], at: usize, colon: usize) -> Option<Address> {
    let rest = &text[colon + 1..];
    let length = rest.iter().position(|&b| !scan::is(b, scan::VALUE) || b == b'?').unwrap_or(rest.len());
    let end = colon + 1 + length;
    let after = scan::skip_lws(text, end);
    let ends = matches!(text.get(after), None | Some(b';' | b','));
    let scheme = &text[at..colon];
    let scheme_ends = scheme.iter().all(|&b| scan::is(b, TOKEN));
    (length > 0 && ends && scheme_ends).then(|| Address {
        uri: Span::new(at, end),
        after: end,
        bracketed: false,
    })
}

/// The URI and the tag of a From or To value.
fn party(text: &[u8], at: usize) -> Option<(Span, Span)> {
    let address = address(text, at)?;
    let mut tag = Span::NONE;
    let (_, after) = scan::params(text, address.after, |name, value| {
        if text[name.range()].eq_ignore_ascii_case(b"tag") {
            if !tag.is_empty() || value.is_empty() {
                return None;
            }
            tag = value;
        }
        Some(())
    })?;
    (after == text.len()).then_some((address.uri, tag))
}

/// The end of the header line that goes on at `at`: a CRLF after which no SP or HTAB follows (RFC 3261 §7.3.1).
#[inline]
fn folded_line_end(bytes: &[u8], at: usize) -> Result<usize, (RejectWhy, usize)> {
    let mut at = at;
    loop {
        match scan::line_end(bytes, at) {
            LineEnd::At(end) if matches!(bytes.get(end + 2), Some(b' ' | b'\t')) => at = end + 2,
            LineEnd::At(end) => return Ok(end),
            LineEnd::Bare(at) => return Err((RejectWhy::LineEnd, at)),
            LineEnd::Cut => return Err((RejectWhy::Unfinished, bytes.len())),
        }
    }
}

fn after_empty_lines(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    bytes
}

/// Whom a refusal would answer, as far as the first bytes tell: a line with `SIP/` that does not start with it.
pub(crate) fn peer_of_start(bytes: &[u8]) -> Peer {
    let line = &bytes[..bytes.len().min(MAX_START_LINE + 16)];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    let is_response = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    let is_request = memchr::memmem::find(line, b" SIP/").is_some() || line.len() > MAX_START_LINE;
    let method_end = scan::skip(line, 0, TOKEN);
    if is_response || !is_request || method_end == 0 {
        return Peer::Nobody;
    }
    Peer::of_request(Method::of(&line[..method_end]))
}

fn is_version(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
        && text.len() > 6
        && text[4..].iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// A scheme and something after it; for SIP without the header part that only other URIs may have (RFC 3261
/// §19.1.1, table 1).
fn may_be_request_uri(uri: &[u8]) -> bool {
    let colon = if uri.starts_with(b"sip:") { 3 } else { memchr::memchr(b':', uri).unwrap_or(uri.len()) };
    let scheme = uri.get(..colon).unwrap_or_default();
    if !scheme.first().is_some_and(u8::is_ascii_alphabetic)
        || !scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        || colon + 1 >= uri.len()
    {
        return false;
    }
    if scheme.eq_ignore_ascii_case(b"sip") || scheme.eq_ignore_ascii_case(b"sips") {
        // A question mark may also stand in the user part.
        let headers = scan::byte(uri, 0, b'?');
        return headers == uri.len() || uri[headers..].contains(&b'@');
    }
    true
}
