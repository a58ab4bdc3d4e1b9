//! A message that outlives the bytes it came in.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::{
    View,
    view::{Found, LineSpan},
};

/// A message with its bytes and with what the one pass over them found, so that whoever waits for something can
/// go on with it later and need not read it again.
///
/// ```
/// use cordboard_sip::{Message, View};
///
/// let bytes = b"BYE sip:alice@192.0.2.1 SIP/2.0\r\n\
///     Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK776\r\n\
///     From: Bob <sip:bob@example.com>;tag=b1\r\n\
///     To: <sip:alice@example.com>;tag=a1\r\n\
///     Call-ID: 7@192.0.2.1\r\n\
///     CSeq: 2 BYE\r\n\r\n";
/// let message = Message::of(&View::parse(bytes).expect("a well-formed BYE"));
/// assert_eq!(message.view().call_id(), "7@192.0.2.1");
/// ```
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Bytes,
    /// How long start line, header lines and empty line are.
    head: usize,
    found: Found,
    source: Option<SocketAddr>,
    lines: Box<[LineSpan]>,
}

impl Message {
    /// Copies the bytes of a view and keeps what it found.
    #[must_use]
    pub fn of(view: &View<'_>) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(view.bytes),
            head: view.head.len(),
            found: view.found,
            source: view.source,
            lines: view.lines.as_slice().into(),
        }
    }

    /// The message to read, as it was when it was kept.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            bytes: &self.bytes,
            // The same bytes were UTF-8 in the view.
            head: std::str::from_utf8(&self.bytes[..self.head]).unwrap_or_default(),
            found: self.found,
            source: self.source,
            lines: self.lines.iter().copied().collect(),
        }
    }

    /// Exactly the message.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Name;

    #[test]
    fn what_was_found_is_found_again() {
        let text = "\r\nINVITE sip:bob@example.com SIP/2.0\r\n\
            Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKa;rport\r\n\
            Route: <sip:p1.example.com;lr>\r\n\
            From: <sip:alice@example.com>;tag=1\r\n\
            To: <sip:bob@example.com>\r\n\
            Call-ID: a84b4c76e66710\r\n\
            CSeq: 3 INVITE\r\n\
            Max-Forwards: 9\r\n\
            Subject: \u{fc}ber\r\n\
            Content-Length: 4\r\n\r\nv=0\rand more";
        let mut view = View::parse(text.as_bytes()).unwrap();
        view.set_source(SocketAddr::from(([192, 0, 2, 4], 5070)));
        let message = Message::of(&view);
        let again = message.view();
        assert_eq!(format!("{again:?}"), format!("{view:?}"));
        assert_eq!((again.value(Name::SUBJECT), again.body()), (Some("\u{fc}ber"), &b"v=0\r"[..]));
        assert_eq!(message.bytes(), view.bytes());
    }
}
