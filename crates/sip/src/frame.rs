//! Messages out of a byte stream: RFC 3261 §18.3, and the keep-alives of RFC 5626 §4.4.1.

use crate::{
    Name, Reject, RejectWhy,
    limits::MAX_MESSAGE,
    parse::peer_of_start,
    scan::{self, LineEnd, TOKEN},
};

/// What a stream carried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// One whole message, for [`View::parse`](crate::View::parse).
    Message(&'a [u8]),
    /// CRLFCRLF between messages, from the side that opened the connection: answer with CRLF.
    Ping,
    /// CRLF between messages, from the side that accepted the connection: it answers our ping.
    Pong,
}

/// Cuts a stream into messages.
///
/// [`Framer::push`] what was read, then call [`Framer::next`] until it returns `None`, and only then push more: so
/// it never holds more than one message and one read. How the stream was cut into reads makes no difference.
///
/// After an error the stream's framing is lost: answer with [`Reject::reply`] and [`Framer::refused`], and close.
///
/// ```
/// use cordboard_sip::{Frame, Framer};
///
/// let mut framer = Framer::accepted();
/// framer.push(b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\nContent-Le");
/// assert_eq!(framer.next(), Some(Ok(Frame::Ping)));
/// assert_eq!(framer.next(), None);
/// framer.push(b"ngth: 2\r\n\r\nhiBYE");
/// assert!(matches!(framer.next(), Some(Ok(Frame::Message(bytes))) if bytes.ends_with(b"\r\n\r\nhi")));
/// assert_eq!(framer.next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Framer {
    opened: bool,
    buffer: Vec<u8>,
    /// Where in the buffer the message at the front starts.
    start: usize,
    /// Bytes from there on that the last frame held.
    consumed: usize,
    /// How far the header lines of the message at the front were read: the start of a line.
    line: usize,
    /// How far that line was searched for its end.
    searched: usize,
    content_length: Option<u32>,
    /// The length of the whole message, once its header lines are read.
    length: Option<usize>,
    lost: Option<Reject>,
}

impl Framer {
    /// For a connection that the peer opened: it sends pings.
    #[must_use]
    pub const fn accepted() -> Self {
        Self::new(false)
    }

    /// For a connection that we opened: the peer answers our pings.
    #[must_use]
    pub const fn opened() -> Self {
        Self::new(true)
    }

    const fn new(opened: bool) -> Self {
        Self {
            opened,
            buffer: Vec::new(),
            start: 0,
            consumed: 0,
            line: 0,
            searched: 0,
            content_length: None,
            length: None,
            lost: None,
        }
    }

    /// Adds what was read from the stream; after an error it is dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.lost.is_none() {
            self.drop_consumed();
            self.buffer.drain(..self.start);
            self.start = 0;
            if self.buffer.is_empty() {
                self.buffer.shrink_to(IDLE_CAPACITY);
            }
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame, or `None` until more is read. An error is returned once; after it comes `None`.
    ///
    /// # Errors
    /// A message on a stream must say its length once and in digits, and stay below [`MAX_MESSAGE`].
    #[allow(clippy::should_implement_trait, reason = "an iterator's items cannot borrow from it")]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, Reject>> {
        if self.lost.is_some() {
            return None;
        }
        self.drop_consumed();
        if self.line == 0
            && self.searched == 0
            && let Some(frame) = self.keep_alive()
        {
            return Some(Ok(frame));
        }
        match self.message_length() {
            Ok(Some(length)) => {
                self.consumed = length;
                Some(Ok(Frame::Message(&self.pending()[..length])))
            }
            Ok(None) => None,
            Err((why, at)) => {
                let reject = Reject::new(why, at, peer_of_start(self.pending()));
                self.lost = Some(reject);
                Some(Err(reject))
            }
        }
    }

    /// What is held of a message that is not whole; after an error, the message that was refused.
    #[must_use]
    pub fn refused(&self) -> &[u8] {
        &self.pending()[self.consumed..]
    }

    /// Whether the stream stopped inside a message: such a connection is closed after a while.
    #[must_use]
    pub fn is_inside_message(&self) -> bool {
        self.pending().len() > self.consumed
    }

    /// From the message at the front on.
    fn pending(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn drop_consumed(&mut self) {
        if self.consumed > 0 {
            self.start += self.consumed;
            self.consumed = 0;
            self.line = 0;
            self.searched = 0;
            self.content_length = None;
            self.length = None;
        }
    }

    /// The CRLFs between messages. Who accepted the connection waits for the second CRLF of a ping, and a single
    /// one before a message means nothing (RFC 3261 §7.5); who opened it gets one as the answer to a ping.
    fn keep_alive(&mut self) -> Option<Frame<'static>> {
        if self.opened && self.pending().starts_with(b"\r\n") {
            self.consumed = 2;
            return Some(Frame::Pong);
        }
        if self.pending().starts_with(b"\r\n\r\n") {
            self.consumed = 4;
            return Some(Frame::Ping);
        }
        if self.pending().starts_with(b"\r\n") && !matches!(self.pending().get(2..), Some([] | [b'\r'])) {
            self.start += 2;
        }
        None
    }

    /// The length of the message at the front, if it is all there.
    fn message_length(&mut self) -> Result<Option<usize>, (RejectWhy, usize)> {
        if matches!(self.pending(), [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r']) {
            return Ok(None);
        }
        while self.length.is_none() {
            let end = match scan::line_end(self.pending(), self.searched) {
                LineEnd::At(end) => end,
                LineEnd::Bare(at) => return Err((RejectWhy::LineEnd, at)),
                LineEnd::Cut if self.pending().len() > MAX_MESSAGE => {
                    return Err((RejectWhy::MessageTooLong, MAX_MESSAGE));
                }
                LineEnd::Cut => {
                    // A CR at the end may be half a line end.
                    self.searched = self.pending().len() - usize::from(self.pending().ends_with(b"\r"));
                    return Ok(None);
                }
            };
            if end + 2 > MAX_MESSAGE {
                return Err((RejectWhy::MessageTooLong, MAX_MESSAGE));
            }
            if end == self.line {
                let body = self.content_length.ok_or((RejectWhy::LengthUnknown, end))?;
                let length = (end + 2).saturating_add(body as usize);
                if length > MAX_MESSAGE {
                    return Err((RejectWhy::MessageTooLong, end));
                }
                self.length = Some(length);
                break;
            }
            match self.pending().get(end + 2) {
                None => {
                    self.searched = end;
                    return Ok(None);
                }
                Some(b' ' | b'\t') => self.searched = end + 2,
                Some(_) => {
                    self.header_line(end)?;
                    self.line = end + 2;
                    self.searched = end + 2;
                }
            }
        }
        Ok(self.length.filter(|&length| length <= self.pending().len()))
    }

    /// Looks for Content-Length in the line that ends at `end`.
    fn header_line(&mut self, end: usize) -> Result<(), (RejectWhy, usize)> {
        let line = &self.pending()[self.line..end];
        if !matches!(line.first(), Some(b'C' | b'c' | b'L' | b'l')) {
            return Ok(());
        }
        let name_end = scan::skip(line, 0, TOKEN);
        let colon = scan::skip_lws(line, name_end);
        if Name::of(&line[..name_end]) != Name::CONTENT_LENGTH || line.get(colon) != Some(&b':') {
            return Ok(());
        }
        if self.content_length.is_some() {
            return Err((RejectWhy::Repeated(Name::CONTENT_LENGTH), self.line));
        }
        let start = scan::skip_lws(line, colon + 1);
        let value = &line[start..scan::trim_end(line, start, line.len())];
        let Some(length) = scan::decimal(value) else {
            return Err((RejectWhy::Invalid(Name::CONTENT_LENGTH), self.line));
        };
        self.content_length = Some(length);
        Ok(())
    }
}

/// Bytes that a connection without traffic keeps.
const IDLE_CAPACITY: usize = 4_096;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::Status;

    fn frames(mut framer: Framer, chunks: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<String> {
        let mut all = Vec::new();
        for chunk in chunks {
            framer.push(chunk.as_ref());
            while let Some(frame) = framer.next() {
                all.push(match frame {
                    Ok(Frame::Message(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
                    Ok(Frame::Ping) => "ping".to_owned(),
                    Ok(Frame::Pong) => "pong".to_owned(),
                    Err(reject) => reject.to_string(),
                });
            }
        }
        all
    }

    const STREAM: &[u8] = b"\r\n\r\n\r\nMESSAGE sip:a SIP/2.0\r\nl \t:\r\n 3 \r\nX: \r\n\r\nab\n\r\n\r\n\
        BYE sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n\r\n\r\n\r\nBYE sip:b SIP/2.0\r\nL:0\r\n\r\n";

    #[test]
    fn however_the_stream_is_cut() {
        for framer in [Framer::accepted(), Framer::opened()] {
            let whole = frames(framer.clone(), [STREAM]);
            for size in 1..=7 {
                assert_eq!(frames(framer.clone(), STREAM.chunks(size)), whole, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn pings_for_who_accepted_and_pongs_for_who_opened() {
        let short =
            |frames: Vec<String>| frames.iter().map(|f| f[..4].to_owned()).collect::<Vec<_>>().join(" ");
        assert_eq!(short(frames(Framer::accepted(), [STREAM])), "ping MESS ping BYE  ping BYE ");
        assert_eq!(
            short(frames(Framer::opened(), [STREAM])),
            "pong pong pong MESS pong pong BYE  pong pong pong BYE "
        );
    }

    #[test]
    fn a_body_may_hold_anything() {
        let all = frames(Framer::accepted(), [STREAM]);
        assert!(all[1].ends_with("\r\n\r\nab\n"), "{:?}", all[1]);
    }

    #[test]
    fn lost_framing_is_said_once() {
        for (head, says) in [
            ("X: 1", "a message on a stream needs a Content-Length"),
            ("l: 1\r\nContent-Length: 1", "there is more than one Content-Length header"),
            ("Content-Length: -1", "the Content-Length header is malformed"),
            ("Content-Length: five", "the Content-Length header is malformed"),
            ("Content-Length: 4294967295", "the message is longer than 65535 bytes"),
            ("X: a\nb", "a line does not end in CRLF"),
        ] {
            let all =
                frames(Framer::accepted(), [format!("BYE sip:a SIP/2.0\r\n{head}\r\n\r\n"), "x".into()]);
            assert_eq!(all.len(), 1, "{head:?}");
            assert!(all[0].starts_with(says), "{head:?}: {}", all[0]);
        }
    }

    #[test]
    fn a_header_of_a_megabyte_is_refused_and_not_kept() {
        let mut framer = Framer::accepted();
        framer.push(b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nX: ");
        let mut reject = None;
        for _ in 0..256 {
            framer.push(&[b'x'; 4096]);
            if let Some(result) = framer.next() {
                reject = result.err();
            }
        }
        let reject = reject.expect("a refusal");
        assert_eq!(reject.status(), Some(Status::MESSAGE_TOO_LARGE));
        assert!(framer.refused().len() < MAX_MESSAGE + 4096 + 1);
        let reply = reject.reply(framer.refused(), SocketAddr::from(([192, 0, 2, 1], 5060))).unwrap();
        assert!(reply.starts_with(
            b"SIP/2.0 513 Message Too Large\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1;received=192.0.2.1\r\n"
        ));
    }
}
