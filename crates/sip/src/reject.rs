//! Why a message was refused, and the answer that a peer gets without any state being kept.

use std::{fmt, net::SocketAddr};

use bytes::Bytes;

use crate::{
    Method, Name, Status,
    build::write_line,
    limits::{MAX_HEADER_LEN, MAX_HEADERS, MAX_MESSAGE},
    scan::{self, LineEnd},
    top_via,
};

/// What was wrong with a message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectWhy {
    /// Nothing that resembles a start line.
    #[error("this is not SIP")]
    NotSip,
    /// The first line says SIP but is neither a request line nor a status line (RFC 3261 §7.1, §7.2).
    #[error("the start line is malformed")]
    StartLine,
    /// Another version than SIP/2.0.
    #[error("only SIP/2.0 is spoken here")]
    Version,
    /// The Request-URI is in brackets, holds spaces or header parts, or has no scheme (RFC 3261 §19.1.1, table 1).
    #[error("the Request-URI is malformed")]
    RequestUri,
    /// A status code outside 100 to 699.
    #[error("the status code is not between 100 and 699")]
    StatusCode,
    /// The head is not UTF-8 (RFC 3261 §7).
    #[error("the message head is not UTF-8")]
    NotUtf8,
    /// A header line without a name or without a colon.
    #[error("a header line has no name or no colon")]
    HeaderLine,
    /// A CR or LF alone: lines end in CRLF (RFC 3261 §7).
    #[error("a line does not end in CRLF")]
    LineEnd,
    /// No empty line ends the header lines.
    #[error("the message ends before its header lines do")]
    Unfinished,
    /// A header that every message needs is not there (RFC 3261 §8.1.1).
    #[error("there is no {0} header")]
    Missing(Name),
    /// A header that may stand once stands twice.
    #[error("there is more than one {0} header")]
    Repeated(Name),
    /// A header without which nothing can be done does not follow its grammar.
    #[error("the {0} header is malformed")]
    Invalid(Name),
    /// The `CSeq` names another method than the request line (RFC 3261 §8.1.1.5).
    #[error("CSeq and request line name different methods")]
    MethodMismatch,
    /// Content-Length promises more than has come (RFC 3261 §18.3).
    #[error("the body is shorter than Content-Length says")]
    BodyCut,
    /// A stream needs Content-Length to know where the message ends (RFC 3261 §18.3, §20.14).
    #[error("a message on a stream needs a Content-Length")]
    LengthUnknown,
    /// Longer than [`MAX_MESSAGE`].
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    MessageTooLong,
    /// More lines than [`MAX_HEADERS`].
    #[error("there are more than {MAX_HEADERS} header lines")]
    TooManyHeaders,
    /// A line longer than [`MAX_HEADER_LEN`].
    #[error("a header line is longer than {MAX_HEADER_LEN} bytes")]
    HeaderTooLong,
    /// A start line longer than [`MAX_START_LINE`](crate::limits::MAX_START_LINE).
    #[error("the start line is too long")]
    StartLineTooLong,
}

/// Whom a refusal would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Nobody: noise, a response, or an ACK.
    Nobody,
    /// The sender of a request.
    Client,
    /// The sender of a request whose method is not known here.
    ClientOfUnknownMethod,
}

impl Peer {
    pub(crate) fn of_request(method: Method) -> Self {
        match method {
            Method::Ack => Self::Nobody,
            Method::Other => Self::ClientOfUnknownMethod,
            _ => Self::Client,
        }
    }
}

/// A message that was refused: why, where, and what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// What was wrong.
    pub why: RejectWhy,
    at: u32,
    peer: Peer,
}

impl Reject {
    pub(crate) fn new(why: RejectWhy, at: usize, peer: Peer) -> Self {
        Self { why, at: u32::try_from(at).unwrap_or(u32::MAX), peer }
    }

    /// Where the trouble was noticed, in bytes from the start of the message.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.at
    }

    /// The status to answer with, or `None` where the message is dropped in silence: responses, ACKs and what is
    /// not SIP at all.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        if matches!(self.peer, Peer::Nobody) {
            return None;
        }
        Some(match self.why {
            RejectWhy::NotSip => return None,
            RejectWhy::Version => Status::VERSION_NOT_SUPPORTED,
            // RFC 4475 §3.1.2.18: an unknown method may have rules of its own, so 501 rather than 400.
            RejectWhy::MethodMismatch if matches!(self.peer, Peer::ClientOfUnknownMethod) => {
                Status::NOT_IMPLEMENTED
            }
            RejectWhy::MessageTooLong | RejectWhy::TooManyHeaders | RejectWhy::HeaderTooLong => {
                Status::MESSAGE_TOO_LARGE
            }
            RejectWhy::StartLineTooLong => Status::REQUEST_URI_TOO_LONG,
            RejectWhy::StartLine
            | RejectWhy::RequestUri
            | RejectWhy::StatusCode
            | RejectWhy::NotUtf8
            | RejectWhy::HeaderLine
            | RejectWhy::LineEnd
            | RejectWhy::Unfinished
            | RejectWhy::Missing(_)
            | RejectWhy::Repeated(_)
            | RejectWhy::Invalid(_)
            | RejectWhy::MethodMismatch
            | RejectWhy::BodyCut
            | RejectWhy::LengthUnknown => Status::BAD_REQUEST,
        })
    }

    /// The stateless response to the refused `bytes`, which came from `source` (RFC 3261 §8.2.6, §8.2.7).
    ///
    /// It carries whatever Via, From, To, Call-ID and `CSeq` could be read, the top Via with `received` and `rport`
    /// (RFC 3261 §18.2.1, RFC 3581 §4), and the reason in words. `None` where nothing is answered, which includes
    /// a request without any Via. The To tag depends on the request alone, so a retransmission gets the same one.
    #[must_use]
    pub fn reply(&self, bytes: &[u8], source: SocketAddr) -> Option<Bytes> {
        let status = self.status()?;
        let echo = Echo::of(bytes);
        if echo.vias.is_empty() {
            return None;
        }
        let mut out = format!("SIP/2.0 {status} {}\r\n", status.reason()).into_bytes();
        for (i, via) in echo.vias.iter().map(|via| via.as_bytes()).enumerate() {
            out.extend_from_slice(b"Via: ");
            // A Via too broken to be completed is sent back as it is: the answer goes to `source` anyway.
            let end = match top_via::parse(via, 0).filter(|_| i == 0) {
                Some(top) => {
                    top.write_received(&mut out, via, 0, source);
                    usize::from(top.end)
                }
                None => 0,
            };
            out.extend_from_slice(&via[end..]);
            out.extend_from_slice(b"\r\n");
        }
        let mut line = |name: &str, value: &str, more: &str| {
            if !value.is_empty() {
                write_line(&mut out, name, format_args!("{value}{more}"));
            }
        };
        line("From", echo.from, "");
        let tag = format!(";tag={:016x}", echo.fingerprint());
        line("To", echo.to, if has_tag(echo.to) { "" } else { &tag });
        line("Call-ID", echo.call_id, "");
        line("CSeq", echo.cseq, "");
        // 399: miscellaneous warning (RFC 3261 §20.43); the agent is a pseudonym.
        line("Warning", &format!("399 cordboard \"{}\"", self.why), "");
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        Some(Bytes::from(out))
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.why, self.at)
    }
}

impl std::error::Error for Reject {}

/// What of a refused message can be sent back.
#[derive(Default)]
struct Echo<'a> {
    vias: arrayvec::ArrayVec<&'a str, MAX_ECHOED_VIAS>,
    from: &'a str,
    to: &'a str,
    call_id: &'a str,
    cseq: &'a str,
}

/// A request that went through more hops than this is not worth an answer that finds back.
const MAX_ECHOED_VIAS: usize = 70;

impl<'a> Echo<'a> {
    /// Reads what it can; a line that is broken itself is left out, and nothing after an unreadable end is read.
    fn of(bytes: &'a [u8]) -> Self {
        let mut echo = Self::default();
        let bytes = &bytes[..bytes.len().min(MAX_MESSAGE)];
        let mut at = scan::skip_lws(bytes, 0);
        while let LineEnd::At(first_end) = scan::line_end(bytes, at) {
            let mut end = first_end;
            while matches!(bytes.get(end + 2), Some(b' ' | b'\t')) {
                let LineEnd::At(next) = scan::line_end(bytes, end + 2) else {
                    return echo;
                };
                end = next;
            }
            if end == at {
                break;
            }
            echo.take(&bytes[at..end]);
            at = end + 2;
        }
        echo
    }

    fn take(&mut self, line: &'a [u8]) {
        let name_end = scan::skip(line, 0, scan::TOKEN);
        let colon = scan::skip_lws(line, name_end);
        if line.get(colon) != Some(&b':') {
            return;
        }
        let start = scan::skip_lws(line, colon + 1);
        let end = scan::trim_end(line, start, line.len());
        let Ok(value) = std::str::from_utf8(&line[start..end]) else {
            return;
        };
        let slot = match Name::of(&line[..name_end]) {
            Name::VIA => {
                let _ = self.vias.try_push(value);
                return;
            }
            Name::FROM => &mut self.from,
            Name::TO => &mut self.to,
            Name::CALL_ID => &mut self.call_id,
            Name::CSEQ => &mut self.cseq,
            _ => return,
        };
        if slot.is_empty() {
            *slot = value;
        }
    }

    /// FNV-1a over what tells one request from another: equal for a retransmission.
    fn fingerprint(&self) -> u64 {
        let top_via = self.vias.first().copied().unwrap_or_default();
        [top_via, self.from, self.to, self.call_id, self.cseq]
            .iter()
            .flat_map(|text| text.bytes().chain([0]))
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

fn has_tag(to: &str) -> bool {
    let text = to.as_bytes();
    let mut at = scan::find(text, 0, scan::LIST_STOP);
    if text.get(at) == Some(&b'"') {
        at = scan::quoted(text, at).unwrap_or(text.len());
    }
    let after_uri = memchr::memchr(b'>', &text[at..]).map_or(0, |n| at + n);
    let params = memchr::memchr(b';', &text[after_uri..]).map_or(text.len(), |n| after_uri + n);
    let mut found = false;
    scan::params(text, params, |name, _| {
        found |= text[name.range()].eq_ignore_ascii_case(b"tag");
        Some(())
    });
    found
}
