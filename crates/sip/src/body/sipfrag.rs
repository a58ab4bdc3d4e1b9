//! Pieces of SIP messages (RFC 3420): what NOTIFY reports of a transfer.

use super::head::{Head, split_head, utf8};
use crate::grammar::is_token;
use crate::{Malformed, Status};

/// A piece of a message: a start line, header lines, a body; each may be missing. Borrows its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sipfrag<'a> {
    start: Option<Start<'a>>,
    head: Head<'a>,
    body: &'a [u8],
}

/// The first line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// Of a request.
    Request {
        /// The method's token.
        method: &'a str,
        /// The Request-URI.
        uri: &'a str,
    },
    /// Of a response.
    Status {
        /// The status.
        status: Status,
        /// The reason phrase, "" if there is none.
        reason: &'a str,
    },
}

impl<'a> Sipfrag<'a> {
    /// Reads a piece. Header lines are checked for their form; their values when they are asked for.
    ///
    /// ```
    /// use cordboard_sip::{Status, body::Sipfrag};
    /// let report = Sipfrag::parse(b"SIP/2.0 180 Ringing\r\n")?;
    /// assert_eq!(report.status(), Some(Status::RINGING));
    /// # Ok::<(), cordboard_sip::Malformed>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (head, body) = split_head(bytes);
        let head = utf8(head)?;
        let first_end = head.find("\r\n").unwrap_or(head.len());
        let first = &head[..first_end];
        let after_first = head.get(first_end + 2..).unwrap_or("");
        let (start, lines) = match read_start(first)? {
            Some(start) => (Some(start), after_first),
            None => (None, head),
        };
        let head = Head::read(lines)?;
        if start.is_none() && head.lines().next().is_none() {
            return Err(Malformed::new("a piece of a message has neither start line nor header"));
        }
        Ok(Self { start, head, body: body.unwrap_or_default() })
    }

    /// The start line.
    pub const fn start(&self) -> Option<Start<'a>> {
        self.start
    }

    /// The status, if it is a piece of a response.
    pub const fn status(&self) -> Option<Status> {
        match self.start {
            Some(Start::Status { status, .. }) => Some(status),
            Some(Start::Request { .. }) | None => None,
        }
    }

    /// The header lines.
    pub const fn head(&self) -> Head<'a> {
        self.head
    }

    /// The body.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// The piece that reports a status: a status line and no more.
pub fn status_line(status: Status, reason: &str) -> String {
    let reason = reason.replace(['\r', '\n'], " ");
    format!("SIP/2.0 {} {reason}\r\n", status.code())
}

/// `None` if the line is a header.
fn read_start(line: &str) -> Result<Option<Start<'_>>, Malformed> {
    if let Some(rest) = strip_version(line).and_then(|rest| rest.strip_prefix(' ')) {
        // A phrase may be empty, and the space before it is forgotten then by some.
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = if code.len() == 3 { code.parse().ok().and_then(Status::new) } else { None };
        let status = status.ok_or(Malformed::new("a status line has no status"))?;
        return Ok(Some(Start::Status { status, reason }));
    }
    let mut words = line.split(' ');
    if let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
        && strip_version(version) == Some("")
    {
        if !is_token(method) {
            return Err(Malformed::new("a request line has no method"));
        }
        crate::uri::UriRef::parse(uri)?;
        return Ok(Some(Start::Request { method, uri }));
    }
    Ok(None)
}

fn strip_version(text: &str) -> Option<&str> {
    let (version, rest) = text.split_at_checked("SIP/2.0".len())?;
    version.eq_ignore_ascii_case("SIP/2.0").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{CallId, Contact, From, To, Via, Warning};
    use crate::{Header, Name};
    use proptest::prelude::*;

    /// RFC 3420 §3.1.
    #[test]
    fn valid_examples() {
        let frag = Sipfrag::parse(b"INVITE sip:alice@atlanta.com SIP/2.0").unwrap();
        assert_eq!(frag.start(), Some(Start::Request { method: "INVITE", uri: "sip:alice@atlanta.com" }));
        let frag = Sipfrag::parse(b"SIP/2.0 603 Declined").unwrap();
        assert_eq!(frag.start(), Some(Start::Status { status: Status::DECLINE, reason: "Declined" }));
        let frag = Sipfrag::parse(
            b"REGISTER sip:atlanta.com SIP/2.0\r\nTo: sip:alice@atlanta.com\r\n\
              Contact: <sip:alicepc@atlanta.com>;q=0.9,\r\n         <sip:alicemobile@atlanta.com>;q=0.1\r\n",
        )
        .unwrap();
        let contacts: Vec<_> = frag.head().values(Name::CONTACT).map(Contact::parse).collect();
        assert!(contacts.len() == 2 && contacts.iter().all(Result::is_ok));
        let frag = Sipfrag::parse(
            b"SIP/2.0 400 Bad Request\r\nWarning: 399 atlanta.com \"Your Event header field was malformed\"\r\n",
        )
        .unwrap();
        assert_eq!(frag.head().header::<Warning>().unwrap().unwrap().code, 399);
        let frag = Sipfrag::parse(
            b"From: Alice <sip:alice@atlanta.com>\r\nTo: Bob <sip:bob@biloxi.com>\r\nCall-ID: a84b4c76e66710\r\nCseq: 314159 INVITE\r\n",
        )
        .unwrap();
        assert_eq!((frag.start(), frag.status()), (None, None));
        assert_eq!(frag.head().header::<CallId>().unwrap().unwrap(), "a84b4c76e66710");
        let frag =
            Sipfrag::parse(b"Content-Type: text/plain\r\nContent-Length: 11\r\n\r\nHi There!\r\n").unwrap();
        assert_eq!(frag.body(), b"Hi There!\r\n");
    }

    /// RFC 3420 §3.2: what the first line shows.
    #[test]
    fn invalid_examples() {
        for bad in [
            &b"INVITE"[..],
            b"INVITE sip:alice@atlanta.com SIP/1.09",
            b"SIP/2.0",
            b"404 Not Found",
            b"MESSAGE sip:alice@atlanta.com SIP/2.0\r\nHi There!",
            b"",
            b"\r\n",
            b"SIP/2.0 20 OK",
            b"SIP/2.0 999 x",
            b"IN@VITE sip:a@b SIP/2.0",
            b"INVITE nobody SIP/2.0",
        ] {
            assert!(Sipfrag::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    /// RFC 3420 §3.2: what the headers show when they are asked for.
    #[test]
    fn invalid_headers() {
        let frag = Sipfrag::parse(
            b"INVITE sip:alice@atlanta.com SIP/2.0\r\nVia: SIP/2.0/UDP ;branch=z9hG4bK29342a\r\nTo: <>;tag=39234\r\n\
              Call-ID: this is invalid\r\nFrom: <sip:bob@biloxi.com>;tag=z9hG4bK2912;tag=z9hG4bK99234\r\n",
        )
        .unwrap();
        assert!(frag.head().header::<Via>().unwrap().is_err());
        assert!(frag.head().header::<To>().unwrap().is_err());
        assert!(frag.head().header::<CallId>().unwrap().is_err());
        assert!(frag.head().header::<From>().unwrap().is_err());
    }

    #[test]
    fn reports_as_phones_send_them() {
        for text in
            ["SIP/2.0 200", "SIP/2.0 200 ", "sip/2.0 200 OK\r\n\r\n", "SIP/2.0 200 OK\r\nx: y\r\n\r\n"]
        {
            assert_eq!(Sipfrag::parse(text.as_bytes()).unwrap().status(), Some(Status::OK), "{text}");
        }
        assert_eq!(status_line(Status::OK, "OK"), "SIP/2.0 200 OK\r\n");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(SIP/2.0 |INVITE |sip:a@b |200 |\r\n|[ -~]{0,5}){0,8}") {
            let _ = Sipfrag::parse(text.as_bytes());
        }
    }
}
