//! Bodies of several parts (RFC 5621, RFC 2046 §5.1).
//!
//! ```
//! use cordboard_sip::body::{Multipart, NewPart};
//! let parts = [
//!     NewPart::new("application/sdp", b"v=0\r\n"),
//!     NewPart::new("text/plain", b"Hello").with_header("Content-ID", "<a@b>"),
//! ];
//! let (media_type, body) = Multipart::write("mixed", &parts);
//! let read = Multipart::parse(&media_type, &body)?;
//! assert_eq!(read.find("application", "sdp").unwrap().body(), b"v=0\r\n");
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt::Write as _;

use super::head::{Head, split_head, utf8};
use crate::header::{ContentDisposition, ContentId, ContentType, MediaType};
use crate::{Malformed, limits};

/// Parts that a body may have, those inside others included.
pub const MAX_PARTS: usize = 64;

/// The longest boundary there may be (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;

/// A body of several parts, those inside others in their place. Borrows the body.
#[derive(Clone, Debug)]
pub struct Multipart<'a> {
    alternative: bool,
    parts: Vec<Part<'a>>,
}

/// A part that is a body of its own, or of several parts again.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    head: Head<'a>,
    media_type: MediaType,
    body: &'a [u8],
    inner: Option<Multipart<'a>>,
}

impl<'a> Multipart<'a> {
    /// Reads a body of that type. Parts inside parts are read too, down to [`limits::MAX_NESTING`].
    pub fn parse(media_type: &MediaType, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut left = MAX_PARTS;
        Self::parse_at(media_type, body, 1, &mut left)
    }

    fn parse_at(
        media_type: &MediaType,
        body: &'a [u8],
        depth: usize,
        left: &mut usize,
    ) -> Result<Self, Malformed> {
        if depth > limits::MAX_NESTING {
            return Err(Malformed::new("bodies are nested too deep"));
        }
        let boundary = boundary(media_type)?;
        let mut parts = Vec::new();
        for part in pieces(body, &boundary)? {
            *left = left.checked_sub(1).ok_or(Malformed::new("a body has too many parts"))?;
            parts.push(Part::parse_at(part, depth, left)?);
        }
        if parts.is_empty() {
            return Err(Malformed::new("a multipart body has no part"));
        }
        Ok(Self { alternative: media_type.is("multipart", "alternative"), parts })
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// Whether the parts say the same in other ways, the best way last (RFC 2046 §5.1.4).
    pub const fn is_alternative(&self) -> bool {
        self.alternative
    }

    /// The part of that type, also inside others; of alternatives the last one.
    pub fn find(&self, kind: &str, subtype: &str) -> Option<&Part<'a>> {
        let fits = |part: &'_ Part<'a>| part.media_type.is(kind, subtype);
        let within = |part: &'_ Part<'a>| fits(part) || part.find(kind, subtype).is_some();
        let found = if self.alternative {
            self.parts.iter().rev().find(|part| within(part))
        } else {
            self.parts.iter().find(|part| within(part))
        }?;
        if fits(found) { Some(found) } else { found.find(kind, subtype) }
    }

    /// The part that a `cid:` names, also inside others.
    pub fn find_id(&self, id: &str) -> Option<&Part<'a>> {
        self.parts.iter().find_map(|part| {
            if part.content_id().is_some_and(|own| own.as_str() == id) {
                return Some(part);
            }
            part.inner.as_ref()?.find_id(id)
        })
    }

    /// Writes a body of several parts; `subtype` is `mixed`, `alternative` and so on. The boundary is
    /// one that no part holds.
    ///
    /// # Panics
    /// If the subtype is no token.
    pub fn write(subtype: &str, parts: &[NewPart<'_>]) -> (MediaType, Vec<u8>) {
        let boundary = (0..=u32::MAX)
            .map(|n| format!("cordboard-part-{n}"))
            .find(|boundary| {
                parts.iter().all(|part| memchr::memmem::find(part.body, boundary.as_bytes()).is_none())
            })
            .expect("no body holds every boundary there is");
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
            body.extend_from_slice(part.body);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let mut media_type = MediaType::new("multipart", subtype);
        media_type.params.set("boundary", &boundary);
        (media_type, body)
    }
}

impl<'a> Part<'a> {
    fn parse_at(bytes: &'a [u8], depth: usize, left: &mut usize) -> Result<Self, Malformed> {
        // Without an empty line there is nothing but header lines (RFC 2046 §5.1).
        let (head, body) = split_head(bytes);
        let head = Head::read(utf8(head)?)?;
        let body = body.unwrap_or_default();
        let media_type = match head.header::<ContentType>().transpose()? {
            Some(ContentType(media_type)) => media_type,
            // RFC 2046 §5.2.
            None => MediaType::new("text", "plain"),
        };
        let inner = if media_type.kind.eq_ignore_ascii_case("multipart") {
            Some(Multipart::parse_at(&media_type, body, depth + 1, left)?)
        } else {
            None
        };
        Ok(Self { head, media_type, body, inner })
    }

    /// The part's header lines.
    pub const fn head(&self) -> Head<'a> {
        self.head
    }

    /// Its type; `text/plain` where none is said.
    pub const fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// What it is for, if that is said and well said.
    pub fn disposition(&self) -> Option<ContentDisposition> {
        self.head.header()?.ok()
    }

    /// Its name, if it has one.
    pub fn content_id(&self) -> Option<ContentId> {
        self.head.header()?.ok()
    }

    /// The bytes.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The parts inside it.
    pub const fn inner(&self) -> Option<&Multipart<'a>> {
        self.inner.as_ref()
    }

    fn find(&self, kind: &str, subtype: &str) -> Option<&Self> {
        self.inner.as_ref()?.find(kind, subtype)
    }
}

/// A part to be written.
#[derive(Clone, Debug)]
pub struct NewPart<'a> {
    head: String,
    body: &'a [u8],
}

impl<'a> NewPart<'a> {
    /// A part of that type.
    pub fn new(content_type: &str, body: &'a [u8]) -> Self {
        Self { head: String::new(), body }.with_header("Content-Type", content_type)
    }

    /// The same with a header line; line ends in the value become spaces.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let value = value.replace(['\r', '\n'], " ");
        // Writing to a String cannot fail.
        let _ = write!(self.head, "{name}: {value}\r\n");
        self
    }
}

fn boundary(media_type: &MediaType) -> Result<String, Malformed> {
    let boundary = media_type.params.unquoted("boundary").unwrap_or_default();
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || boundary.ends_with(' ') {
        return Err(Malformed::new("a multipart body has no boundary of up to 70 characters"));
    }
    Ok(boundary.into_owned())
}

/// What stands between the delimiter lines. The line end before a delimiter belongs to it
/// (RFC 2046 §5.1.1); what comes before the first and after the last is left out.
fn pieces<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, Malformed> {
    let mut pieces = Vec::new();
    let mut started: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let line_end = memchr::memmem::find(&body[at..], b"\r\n").map_or(body.len(), |end| at + end);
        if let Some(last) = delimiter(&body[at..line_end], boundary) {
            if let Some(start) = started {
                // Two delimiters in a row share their line end.
                pieces.push(&body[start..at.saturating_sub(2).max(start)]);
                if pieces.len() > MAX_PARTS {
                    return Err(Malformed::new("a body has too many parts"));
                }
            }
            if last {
                return Ok(pieces);
            }
            started = Some((line_end + 2).min(body.len()));
        }
        at = line_end + 2;
    }
    Err(Malformed::new("a multipart body lacks its last delimiter"))
}

/// Whether a line is a delimiter, and whether it is the last.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let (rest, last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.iter().all(|octet| matches!(octet, b' ' | b'\t')).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mixed(boundary: &str) -> MediaType {
        format!("multipart/mixed;boundary=\"{boundary}\"").parse().unwrap()
    }

    /// RFC 3892 §7.1: the form of a REFER with its token.
    const REFERRED: &[u8] = b"preamble\r\n--unique-boundary-1\r\n\
        Content-Type: message/sip\r\nContent-ID: <20398823.2UWQFN309shb3@referrer.example>\r\n\
        Content-Disposition: by-reference;\r\n handling=optional\r\n\r\nREFER\r\n\r\nx\r\n\
        --unique-boundary-1 \t\r\n\r\nno type\r\n--unique-boundary-1--\r\nepilogue";

    #[test]
    fn parts_with_heads_and_without() {
        let media_type = mixed("unique-boundary-1");
        let body = Multipart::parse(&media_type, REFERRED).unwrap();
        assert_eq!(body.parts().len(), 2);
        let token = body.find_id("20398823.2UWQFN309shb3@referrer.example").unwrap();
        assert_eq!(token.body(), b"REFER\r\n\r\nx");
        assert!(!token.disposition().unwrap().required);
        assert_eq!(body.find("text", "plain").unwrap().body(), b"no type");
        assert!(body.find("application", "sdp").is_none());
    }

    #[test]
    fn of_alternatives_the_last_and_inside_others() {
        let inner = [
            NewPart::new("application/sdp", b"first"),
            NewPart::new("application/sdp", b"second"),
            NewPart::new("application/sdpng", b"third"),
        ];
        let (inner_type, inner) = Multipart::write("alternative", &inner);
        let outer =
            [NewPart::new("application/pidf+xml", b"<x/>"), NewPart::new(&inner_type.to_string(), &inner)];
        let (outer_type, outer) = Multipart::write("mixed", &outer);
        let read = Multipart::parse(&outer_type, &outer).unwrap();
        assert_eq!(read.find("application", "sdp").unwrap().body(), b"second");
        assert!(read.parts()[1].inner().unwrap().is_alternative());
        assert_ne!(outer_type, inner_type, "the boundaries differ");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut body = b"x".to_vec();
        let mut media_type = "text/plain".to_owned();
        for depth in 0..=limits::MAX_NESTING {
            let (outer_type, outer) = Multipart::write("mixed", &[NewPart::new(&media_type, &body)]);
            let outcome = Multipart::parse(&outer_type, &outer);
            assert_eq!(outcome.is_ok(), depth < limits::MAX_NESTING, "{depth}");
            (media_type, body) = (outer_type.to_string(), outer);
        }
    }

    #[test]
    fn too_many_parts_are_refused() {
        let many: Vec<_> = (0..=MAX_PARTS).map(|_| NewPart::new("text/plain", b"")).collect();
        let (media_type, body) = Multipart::write("mixed", &many);
        assert!(Multipart::parse(&media_type, &body).is_err());
        let (media_type, body) = Multipart::write("mixed", &many[1..]);
        assert!(Multipart::parse(&media_type, &body).is_ok());
    }

    #[test]
    fn what_is_refused() {
        for (media_type, body) in [
            ("multipart/mixed", &b"--x--\r\n"[..]),
            ("multipart/mixed;boundary=x", b""),
            ("multipart/mixed;boundary=x", b"--x--\r\n"),
            ("multipart/mixed;boundary=x", b"--x\r\n\r\nopen"),
            ("multipart/mixed;boundary=x", b"--x\r\nno colon\r\n\r\n\r\n--x--"),
            ("multipart/mixed;boundary=x", b"--x\r\nContent-Type: y\r\n\r\n\r\n--x--"),
            ("multipart/mixed;boundary=x", b"--x\r\n\xff: y\r\n\r\n\r\n--x--"),
        ] {
            let media_type = media_type.parse().unwrap();
            assert!(Multipart::parse(&media_type, body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_part_cannot_smuggle_a_header() {
        let part = NewPart::new("text/plain\r\nX: y", b"");
        assert_eq!(part.head, "Content-Type: text/plain  X: y\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..5)) {
            let parts: Vec<_> = bodies.iter().map(|body| NewPart::new("application/octet-stream", body)).collect();
            let (media_type, body) = Multipart::write("mixed", &parts);
            let read = Multipart::parse(&media_type, &body).unwrap();
            let got: Vec<_> = read.parts().iter().map(|part| part.body().to_vec()).collect();
            prop_assert_eq!(got, bodies);
        }

        #[test]
        fn nothing_panics(body in "(--x(--)?|\r\n|[a-zA-Z-]{1,5}: ?|multipart/mixed;boundary=x|[ -~]){0,30}") {
            let _ = Multipart::parse(&mixed("x"), body.as_bytes());
        }
    }
}
