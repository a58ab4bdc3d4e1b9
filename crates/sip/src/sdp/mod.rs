//! Session descriptions (RFC 8866) and what calls ask of them: which streams there are, who sends,
//! whether the call is on hold (RFC 3264). Offers and answers are made elsewhere.
//!
//! ```
//! use cordboard_sip::sdp::{Direction, Sdp};
//! let sdp = Sdp::parse(
//!     b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
//!       m=audio 49170 RTP/AVP 0\r\na=sendonly\r\n",
//! )?;
//! let audio = sdp.audio().unwrap();
//! assert_eq!((audio.port(), audio.direction()), (49170, Direction::SendOnly));
//! assert!(audio.is_held());
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

mod stream;

use std::fmt;

pub use sdp_types::{Attribute, Direction, Media, Origin, Session};
pub use stream::Stream;

use crate::Malformed;

/// Streams that a description may have.
pub const MAX_STREAMS: usize = 64;

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sdp(Session);

impl Sdp {
    /// Reads a description.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let session = Session::parse(body).map_err(|error| {
            Malformed::because(format!("the session description is wrong: {}", place(&error)))
        })?;
        if session.medias.len() > MAX_STREAMS {
            return Err(Malformed::new("the session description has too many streams"));
        }
        Ok(Self(session))
    }

    /// Every stream in order; an answer has them in the same (RFC 3264 §6).
    pub fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        self.0.medias.iter().map(|media| Stream::new(&self.0, media))
    }

    /// The first audio stream that is not refused, or else the first there is.
    pub fn audio(&self) -> Option<Stream<'_>> {
        let audio = || self.streams().filter(|stream| stream.kind() == "audio");
        audio().find(|stream| !stream.is_refused()).or_else(|| audio().next())
    }

    /// Whether its sender wants the call held: there is a stream, and none that the sender would
    /// take sound or pictures from (RFC 3264 §8.4, RFC 6337 §5.3).
    pub fn is_held(&self) -> bool {
        let mut live = self.streams().filter(|stream| !stream.is_refused()).peekable();
        live.peek().is_some() && live.all(|stream| stream.is_held())
    }

    /// The id and version of `o=`, which tell whether two descriptions of one sender differ
    /// (RFC 3264 §8).
    pub fn version(&self) -> (&str, u64) {
        (&self.0.origin.sess_id, self.0.origin.sess_version)
    }

    /// Says the same in every stream about who sends, and raises the version by one as any change
    /// must (RFC 3264 §8).
    pub fn set_direction(&mut self, direction: Direction) {
        let is_direction = |attribute: &Attribute| stream::read_direction(&attribute.attribute).is_some();
        self.0.attributes.retain(|attribute| !is_direction(attribute));
        for media in &mut self.0.medias {
            media.attributes.retain(|attribute| !is_direction(attribute));
            media.add_attribute_from_str(direction.as_str());
        }
        self.0.origin.sess_version = self.0.origin.sess_version.wrapping_add(1);
    }

    /// The whole description, field by field.
    pub const fn session(&self) -> &Session {
        &self.0
    }

    /// The whole description, to be changed.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.0
    }

    /// The bytes of a body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = self.0.write(&mut bytes);
        bytes
    }
}

impl From<Session> for Sdp {
    fn from(session: Session) -> Self {
        Self(session)
    }
}

impl fmt::Display for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// What a parser's error says, without the text that it was about: a description may hold keys.
fn place(error: &sdp_types::ParserError) -> String {
    let name = format!("{error:?}");
    let end = name.find(['(', ' ', '{']).unwrap_or(name.len());
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sdp(session: &str, media: &str) -> Sdp {
        let text = format!(
            "v=0\r\no=alice 2890844526 2890844526 IN IP4 h.example\r\ns=-\r\n{session}t=0 0\r\n{media}"
        );
        Sdp::parse(text.as_bytes()).unwrap()
    }

    const C: &str = "c=IN IP4 192.0.2.1\r\n";

    #[test]
    fn directions_are_inherited_and_overridden() {
        let plain = sdp(C, "m=audio 1000 RTP/AVP 0\r\n");
        assert_eq!(plain.audio().unwrap().direction(), Direction::SendRecv);
        let inherited = sdp(
            &format!("{C}a=sendonly\r\n"),
            "m=audio 1000 RTP/AVP 0\r\nm=video 2 RTP/AVP 31\r\na=inactive\r\n",
        );
        let directions: Vec<_> = inherited.streams().map(|stream| stream.direction()).collect();
        assert_eq!(directions, [Direction::SendOnly, Direction::Inactive]);
        assert!(inherited.is_held());
        let back = sdp(&format!("{C}a=sendonly\r\n"), "m=audio 1000 RTP/AVP 0\r\na=sendrecv\r\n");
        assert!(!back.is_held());
    }

    /// RFC 3264 §8.4 and RFC 6337 §5.4 for IPv4; the same of IPv6, and RFC 6157 §4.1's `.invalid`.
    #[test]
    fn hold_by_direction_and_by_address() {
        for (session, media, held) in [
            (C, "m=audio 1000 RTP/AVP 0\r\na=sendonly\r\n", true),
            (C, "m=audio 1000 RTP/AVP 0\r\na=inactive\r\n", true),
            (C, "m=audio 1000 RTP/AVP 0\r\na=recvonly\r\n", false),
            ("c=IN IP4 0.0.0.0\r\n", "m=audio 1000 RTP/AVP 0\r\n", true),
            ("c=IN IP6 ::\r\n", "m=audio 1000 RTP/AVP 0\r\n", true),
            ("c=IN IP6 x.invalid\r\n", "m=audio 1000 RTP/AVP 0\r\n", true),
            (C, "m=audio 1000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", true),
            ("c=IN IP4 0.0.0.0\r\n", "m=audio 1000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n", false),
            (C, "m=audio 1000 RTP/AVP 0\r\na=sendonly\r\nm=video 0 RTP/AVP 31\r\n", true),
            (C, "m=audio 1000 RTP/AVP 0\r\na=sendonly\r\nm=video 2 RTP/AVP 31\r\n", false),
            ("c=IN IP4 0.0.0.0\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:x\r\n", false),
            (C, "m=audio 0 RTP/AVP 0\r\n", false),
            (C, "", false),
        ] {
            assert_eq!(sdp(session, media).is_held(), held, "{session}{media}");
        }
    }

    #[test]
    fn the_audio_stream_is_the_first_live_one() {
        let two = sdp(C, "m=video 9 RTP/AVP 31\r\nm=audio 0 RTP/AVP 0\r\nm=Audio 1002 RTP/AVP 8 101\r\n");
        let audio = two.audio().unwrap();
        assert_eq!((audio.port(), audio.formats().collect::<Vec<_>>()), (1002, vec!["8", "101"]));
        assert_eq!(audio.address(), Some("192.0.2.1"));
        let refused = sdp(C, "m=audio 0 RTP/AVP 0\r\n");
        assert!(refused.audio().unwrap().is_refused());
        assert!(sdp(C, "m=video 9 RTP/AVP 31\r\n").audio().is_none());
    }

    #[test]
    fn changing_the_direction_raises_the_version() {
        let mut held =
            sdp(&format!("{C}a=sendrecv\r\n"), "m=audio 1000 RTP/AVP 0\r\na=SendRecv\r\na=ptime:20\r\n");
        held.set_direction(Direction::SendOnly);
        assert_eq!(held.version(), ("2890844526", 2_890_844_527));
        let text = held.to_string();
        assert!(text.ends_with("m=audio 1000 RTP/AVP 0\r\na=ptime:20\r\na=sendonly\r\n"), "{text}");
        assert!(!text.to_lowercase().contains("sendrecv"));
        assert!(Sdp::parse(text.as_bytes()).unwrap().is_held());
    }

    /// RFC 3264 §10.1: printed back as it came.
    #[test]
    fn example_of_the_standard() {
        let text = "v=0\r\no=alice 2890844526 2890844526 IN IP4 host.anywhere.com\r\ns=\r\nc=IN IP4 host.anywhere.com\r\n\
                    t=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\n\
                    a=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\na=rtpmap:32 MPV/90000\r\n";
        let sdp = Sdp::parse(text.as_bytes()).unwrap();
        assert_eq!(sdp.to_string(), text);
        assert_eq!(sdp.audio().unwrap().encoding("0"), Some("PCMU/8000"));
    }

    #[test]
    fn what_is_refused_does_not_repeat_itself() {
        let error = Sdp::parse(b"v=0\r\no=x y z\r\na=crypto:secret\r\n").unwrap_err();
        assert!(!error.to_string().contains("x y z"), "{error}");
        for bad in [&b""[..], b"v=1\r\n", b"hello", b"\xff\xfe"] {
            assert!(Sdp::parse(bad).is_err(), "{bad:?}");
        }
        let many = "m=audio 1 RTP/AVP 0\r\n".repeat(MAX_STREAMS + 1);
        assert!(Sdp::parse(format!("v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\nt=0 0\r\n{many}").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "v=0\r\n([a-z]=[ -~]{0,12}\r\n|m=audio [0-9]{1,6} RTP/AVP [0-9 ]{0,5}\r\n|c=IN IP[46] [0-9.:a]{0,8}\r\n){0,8}") {
            if let Ok(sdp) = Sdp::parse(text.as_bytes()) {
                let _ = (sdp.is_held(), sdp.audio().map(|audio| audio.direction()));
            }
        }
    }
}
