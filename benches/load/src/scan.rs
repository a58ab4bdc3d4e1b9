//! The few headers that the generator needs, as spans of the datagram.
//!
//! This is no SIP parser: it trusts the server under test to send one header a line.

use arrayvec::ArrayVec;
use memchr::{memchr, memmem};

/// The most Via lines that are echoed.
const VIAS: usize = 12;
/// The most Record-Route lines that are followed.
const RECORD_ROUTES: usize = 8;
/// The most challenges that are looked at.
const CHALLENGES: usize = 4;

/// One header line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// The line without its end.
    pub(crate) whole: &'a [u8],
    /// What stands after the colon and its spaces.
    pub(crate) value: &'a [u8],
}

/// A message, as far as the generator reads it.
#[derive(Debug, Default)]
pub(crate) struct Scan<'a> {
    pub(crate) start_line: &'a [u8],
    pub(crate) vias: ArrayVec<Line<'a>, VIAS>,
    pub(crate) record_routes: ArrayVec<Line<'a>, RECORD_ROUTES>,
    pub(crate) from: Line<'a>,
    pub(crate) to: Line<'a>,
    pub(crate) call_id: Line<'a>,
    pub(crate) cseq: Line<'a>,
    pub(crate) contact: Line<'a>,
    pub(crate) challenges: ArrayVec<Line<'a>, CHALLENGES>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut scan = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
            if line.is_empty() {
                break;
            }
            if scan.start_line.is_empty() {
                scan.start_line = line;
            } else {
                scan.header(line);
            }
        }
        scan
    }

    fn header(&mut self, whole: &'a [u8]) {
        let Some(colon) = memchr(b':', whole) else {
            return;
        };
        let name = whole[..colon].trim_ascii_end();
        let line = Line { whole, value: whole[colon + 1..].trim_ascii() };
        let is = |long: &[u8]| name.eq_ignore_ascii_case(long);
        match name.first().map_or(0, u8::to_ascii_lowercase) {
            b'v' if is(b"Via") || name.len() == 1 => _ = self.vias.try_push(line),
            b'r' if is(b"Record-Route") => _ = self.record_routes.try_push(line),
            b'f' if is(b"From") || name.len() == 1 => self.from = line,
            b't' if is(b"To") || name.len() == 1 => self.to = line,
            b'i' if name.len() == 1 => self.call_id = line,
            b'm' if name.len() == 1 => self.contact = line,
            b'c' if is(b"Call-ID") => self.call_id = line,
            b'c' if is(b"CSeq") => self.cseq = line,
            b'c' if is(b"Contact") => self.contact = line,
            b'w' if is(b"WWW-Authenticate") => _ = self.challenges.try_push(line),
            b'p' if is(b"Proxy-Authenticate") => _ = self.challenges.try_push(line),
            _ => {}
        }
    }

    /// The status of a response; `None` for a request.
    pub(crate) fn status(&self) -> Option<u16> {
        let code = self.start_line.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
        str::from_utf8(code).ok()?.parse().ok()
    }

    /// The method of a request, or of the request that a response answers.
    pub(crate) fn method(&self) -> &'a [u8] {
        let (line, word) = if self.status().is_some() { (self.cseq.value, 1) } else { (self.start_line, 0) };
        line.split(|&byte| byte == b' ').nth(word).unwrap_or_default()
    }

    /// The To line's tag parameter, with its semicolon.
    pub(crate) fn to_tag(&self) -> Option<&'a [u8]> {
        memmem::find(self.to.whole, b";tag=").map(|at| {
            let tag = &self.to.whole[at..];
            let end = memchr(b';', &tag[1..]).map_or(tag.len(), |end| end + 1);
            tag[..end].trim_ascii_end()
        })
    }

    /// The address inside the Contact's angle brackets.
    pub(crate) fn contact_uri(&self) -> Option<&'a [u8]> {
        let open = memchr(b'<', self.contact.value)?;
        let uri = &self.contact.value[open + 1..];
        Some(&uri[..memchr(b'>', uri)?])
    }

    /// The route set that a caller takes from a response, one value each (RFC 3261 §12.1.2).
    pub(crate) fn route_set(&self) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.record_routes.iter().rev();
        lines.flat_map(|line| line.value.rsplit(|&byte| byte == b',').map(<[u8]>::trim_ascii))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bK1\r\n\
        Record-Route: <sip:c;lr>, <sip:b;lr>\r\n\
        RECORD-ROUTE: <sip:a;lr>\r\n\
        f: <sip:alice@127.0.0.1>;tag=1\r\n\
        To: <sip:bob@127.0.0.1>;tag=xyz;x=1\r\n\
        i: 17-abc@127.0.0.1\r\n\
        CSeq: 1 INVITE\r\n\
        m: \"Bob\" <sip:bob@127.0.0.1:7000>;expires=3\r\n\
        \r\n\
        Via: not a header\r\n";

    #[test]
    fn the_headers_of_an_answer() {
        let scan = Scan::new(ANSWER);
        assert_eq!(scan.status(), Some(200));
        assert_eq!(scan.method(), b"INVITE");
        assert_eq!(scan.vias.len(), 1);
        assert_eq!(scan.to_tag(), Some(&b";tag=xyz"[..]));
        assert_eq!(scan.call_id.value, b"17-abc@127.0.0.1");
        assert_eq!(scan.contact_uri(), Some(&b"sip:bob@127.0.0.1:7000"[..]));
        let routes: Vec<_> = scan.route_set().collect();
        assert_eq!(routes, [&b"<sip:a;lr>"[..], b"<sip:b;lr>", b"<sip:c;lr>"]);
    }

    #[test]
    fn a_request_has_a_method_and_no_status() {
        let scan = Scan::new(b"BYE sip:x@y SIP/2.0\nCSeq: 2 BYE\n\n");
        assert_eq!((scan.status(), scan.method()), (None, &b"BYE"[..]));
    }
}
