//! What calls offer and answer about sound (RFC 3264): pure functions from what we want and what the
//! other side said to the description that we send.

use cordboard_sip::sdp::{Direction, Sdp, Stream};
use cordboard_sip::{Malformed, Status};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Payload types that we offer, with their encodings: the sound of RFC 3551 §6 and the tones of
/// RFC 4733.
const OFFERED: [(&str, &str); 3] = [("0", "PCMU/8000"), ("8", "PCMA/8000"), ("101", "telephone-event/8000")];

/// Why a description is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It has no sound that we could take.
    #[error("the description offers no sound that this telephone knows")]
    NothingInCommon,
}

impl MediaError {
    /// The response that refuses an offer.
    pub const fn status(&self) -> Status {
        match self {
            Self::Malformed(_) => Status::BAD_REQUEST,
            Self::NothingInCommon => Status::NOT_ACCEPTABLE_HERE,
        }
    }
}

/// Our side of a call's media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we receive.
    pub address: SocketAddr,
    /// Whether we keep the other side on hold: it is not to send.
    pub holds: bool,
}

impl Local {
    /// What we want: to send always, to receive unless we hold (RFC 3264 §8.4).
    pub const fn wanted(&self) -> Direction {
        if self.holds { Direction::SendOnly } else { Direction::SendRecv }
    }
}

/// The other side's media, as it described them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it receives; `None` if it names a host or nothing.
    pub address: Option<SocketAddr>,
    /// Whether it will send.
    pub sends: bool,
    /// Whether it will receive. If not, it holds us.
    pub receives: bool,
}

/// The `o=` line of one session: its version rises when what we say changes (RFC 3264 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    session: u64,
    version: u64,
    /// What was said last, without the `o=` line.
    said: String,
}

impl Origin {
    /// A session that has said nothing. `session` is kept below 2^62, because some read it as a signed
    /// number (RFC 3264 §5).
    pub const fn new(session: u64) -> Self {
        Self { session: session >> 2, version: session >> 2, said: String::new() }
    }

    /// An offer (RFC 3264 §5).
    pub fn offer(&mut self, local: &Local) -> String {
        let mut media = String::new();
        let formats = OFFERED.map(|(payload_type, _)| payload_type).join(" ");
        push(&mut media, format_args!("m=audio {} RTP/AVP {formats}", local.address.port()));
        for (payload_type, encoding) in OFFERED {
            push(&mut media, format_args!("a=rtpmap:{payload_type} {encoding}"));
        }
        push(&mut media, format_args!("a=fmtp:101 0-15"));
        push(&mut media, format_args!("a={}", local.wanted().as_str()));
        self.say(local.address.ip(), &media)
    }

    /// An answer: every stream of the offer in its place, the first audio stream that will do taken,
    /// the others refused (RFC 3264 §6).
    ///
    /// # Errors
    /// The offer has nothing that we could take.
    pub fn answer(&mut self, local: &Local, offer: &Sdp) -> Result<(String, Remote), MediaError> {
        let chosen = offer.streams().position(|stream| fits(&stream)).ok_or(MediaError::NothingInCommon)?;
        let mut media = String::new();
        let mut remote = None;
        for (at, stream) in offer.streams().enumerate() {
            if at == chosen {
                let theirs = read(&stream);
                accept(&mut media, local, &stream, &theirs);
                remote = Some(theirs);
            } else {
                let (kind, protocol) = (stream.kind(), stream.protocol());
                let formats = stream.formats().collect::<Vec<_>>().join(" ");
                push(&mut media, format_args!("m={kind} 0 {protocol} {formats}"));
            }
        }
        let remote = remote.ok_or(MediaError::NothingInCommon)?;
        Ok((self.say(local.address.ip(), &media), remote))
    }

    fn say(&mut self, ip: IpAddr, media: &str) -> String {
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let said = format!("s=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n{media}");
        if !self.said.is_empty() && self.said != said {
            self.version += 1;
        }
        let (session, version) = (self.session, self.version);
        let whole = format!("v=0\r\no=- {session} {version} IN {family} {ip}\r\n{said}");
        self.said = said;
        whole
    }
}

/// Reads the answer to an offer of ours.
///
/// # Errors
/// It is none, or it refuses our stream.
pub fn read_answer(body: &[u8]) -> Result<Remote, MediaError> {
    let answer = Sdp::parse(body)?;
    let stream = answer.streams().next().filter(fits).ok_or(MediaError::NothingInCommon)?;
    Ok(read(&stream))
}

fn read(stream: &Stream<'_>) -> Remote {
    let ip = stream.address().and_then(|address| address.parse::<IpAddr>().ok());
    let direction = stream.direction();
    Remote {
        address: ip.filter(|_| !stream.is_nowhere()).map(|ip| SocketAddr::new(ip, stream.port())),
        sends: direction.has_send(),
        receives: !stream.is_held(),
    }
}

/// Whether we can take a stream: sound over plain RTP, not refused, in an encoding that we know.
fn fits(stream: &Stream<'_>) -> bool {
    stream.kind() == "audio"
        && !stream.is_refused()
        && matches!(stream.protocol(), "RTP/AVP" | "RTP/AVPF")
        && stream.formats().any(|format| encoding(stream, format).is_some_and(|name| !is_tones(name)))
}

/// The encoding of a payload type, if it is one of ours.
fn encoding(stream: &Stream<'_>, format: &str) -> Option<&'static str> {
    let known = |wanted: &str| {
        let name = wanted.trim_end_matches("/1");
        OFFERED.iter().map(|(_, encoding)| *encoding).find(|encoding| encoding.eq_ignore_ascii_case(name))
    };
    match stream.encoding(format) {
        Some(written) => known(written),
        // RFC 3551 §6: the static ones need no rtpmap.
        None => {
            OFFERED.iter().find(|(number, name)| *number == format && !is_tones(name)).map(|(_, name)| *name)
        }
    }
}

fn is_tones(encoding: &str) -> bool {
    encoding.starts_with("telephone-event")
}

/// RFC 3264 §6.1: the offer's numbers and order, as far as we know them, and each direction only if
/// both want it.
fn accept(media: &mut String, local: &Local, stream: &Stream<'_>, theirs: &Remote) {
    let taken: Vec<(&str, &str)> = stream
        .formats()
        .filter_map(|format| encoding(stream, format).map(|encoding| (format, encoding)))
        .collect();
    let formats = taken.iter().map(|(format, _)| *format).collect::<Vec<_>>().join(" ");
    push(media, format_args!("m=audio {} {} {formats}", local.address.port(), stream.protocol()));
    for (format, encoding) in taken {
        push(media, format_args!("a=rtpmap:{format} {encoding}"));
        if is_tones(encoding) {
            push(media, format_args!("a=fmtp:{format} 0-15"));
        }
    }
    let wanted = local.wanted();
    let direction = match (wanted.has_send() && theirs.receives, wanted.has_recv() && theirs.sends) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    };
    push(media, format_args!("a={}", direction.as_str()));
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(line);
    debug_assert!(written.is_ok(), "a String takes whatever is written");
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(holds: bool) -> Local {
        Local { address: "192.0.2.101:49172".parse().unwrap(), holds }
    }

    fn sdp(rest: &str) -> Sdp {
        let text = format!("v=0\r\no=b 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.201\r\nt=0 0\r\n{rest}");
        Sdp::parse(text.as_bytes()).unwrap()
    }

    fn direction_of(text: &str) -> Direction {
        Sdp::parse(text.as_bytes()).unwrap().audio().unwrap().direction()
    }

    #[test]
    fn an_offer_reads_back() {
        let text = Origin::new(77).offer(&local(false));
        let offer = Sdp::parse(text.as_bytes()).unwrap();
        let audio = offer.audio().unwrap();
        assert_eq!((audio.port(), audio.address()), (49172, Some("192.0.2.101")));
        assert_eq!(audio.formats().collect::<Vec<_>>(), ["0", "8", "101"]);
        assert_eq!(audio.encoding("8"), Some("PCMA/8000"));
        assert_eq!(audio.direction(), Direction::SendRecv);
        assert!(Sdp::parse(Origin::new(77).offer(&local(true)).as_bytes()).unwrap().is_held());
    }

    /// RFC 3264 §6.1 and §8.4: the table of directions.
    #[test]
    fn each_direction_needs_both() {
        for (theirs, ours_open, ours_holding) in [
            ("sendrecv", Direction::SendRecv, Direction::SendOnly),
            ("sendonly", Direction::RecvOnly, Direction::Inactive),
            ("recvonly", Direction::SendOnly, Direction::SendOnly),
            ("inactive", Direction::Inactive, Direction::Inactive),
        ] {
            let offer = sdp(&format!("m=audio 3456 RTP/AVP 0\r\na={theirs}\r\n"));
            for (holds, expected) in [(false, ours_open), (true, ours_holding)] {
                let (answer, remote) = Origin::new(1).answer(&local(holds), &offer).unwrap();
                assert_eq!(direction_of(&answer), expected, "{theirs} {holds}");
                assert_eq!(remote.receives, matches!(theirs, "sendrecv" | "recvonly"));
                assert_eq!(remote.sends, matches!(theirs, "sendrecv" | "sendonly"));
                assert_eq!(remote.address, Some("192.0.2.201:3456".parse().unwrap()));
            }
        }
    }

    /// RFC 3264 §6: as many streams as offered, in their order.
    #[test]
    fn other_streams_are_refused_in_their_place() {
        let offer =
            sdp("m=video 9 RTP/AVP 31\r\nm=audio 7 RTP/SAVP 0\r\nm=audio 3456 RTP/AVP 97 8 110 0\r\n\
             a=rtpmap:97 iLBC/8000\r\na=rtpmap:110 Telephone-Event/8000\r\nm=audio 9 RTP/AVP 0\r\n");
        let (answer, _) = Origin::new(1).answer(&local(false), &offer).unwrap();
        let answer = Sdp::parse(answer.as_bytes()).unwrap();
        let ports: Vec<_> = answer.streams().map(|stream| (stream.kind(), stream.port())).collect();
        assert_eq!(ports, [("video", 0), ("audio", 0), ("audio", 49172), ("audio", 0)]);
        let taken = answer.streams().nth(2).unwrap();
        assert_eq!(taken.formats().collect::<Vec<_>>(), ["8", "110", "0"]);
        assert_eq!(taken.encoding("110"), Some("telephone-event/8000"));
    }

    #[test]
    fn nothing_in_common_is_refused() {
        for rest in [
            "",
            "m=video 9 RTP/AVP 31\r\n",
            "m=audio 0 RTP/AVP 0\r\n",
            "m=audio 9 RTP/AVP 18\r\n",
            "m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 G722/8000\r\n",
        ] {
            let refused = Origin::new(1).answer(&local(false), &sdp(rest)).unwrap_err();
            assert_eq!(refused.status(), Status::NOT_ACCEPTABLE_HERE, "{rest}");
        }
        assert_eq!(read_answer(b"hello").unwrap_err().status(), Status::BAD_REQUEST);
        let refused = sdp("m=audio 0 RTP/AVP 0\r\n").to_string();
        assert_eq!(read_answer(refused.as_bytes()), Err(MediaError::NothingInCommon));
    }

    /// RFC 2543 held a call by a zero address (RFC 3264 §8.4, RFC 6337 §5.4).
    #[test]
    fn an_old_hold_is_understood() {
        let offer = sdp("m=audio 3456 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n");
        let (answer, remote) = Origin::new(1).answer(&local(false), &offer).unwrap();
        assert_eq!((remote.receives, remote.address), (false, None));
        assert_eq!(direction_of(&answer), Direction::RecvOnly);
    }

    /// RFC 3264 §8: one more with each change, and the same while nothing changes.
    #[test]
    fn the_version_rises_with_what_is_said() {
        let mut origin = Origin::new(4000);
        let version = |text: &str| Sdp::parse(text.as_bytes()).unwrap().version().1;
        let versions = [
            version(&origin.offer(&local(false))),
            version(&origin.offer(&local(false))),
            version(&origin.offer(&local(true))),
            version(&origin.answer(&local(true), &sdp("m=audio 1 RTP/AVP 0\r\n")).unwrap().0),
            version(&origin.offer(&local(false))),
        ];
        assert_eq!(versions, [1000, 1000, 1001, 1002, 1003]);
    }

    #[test]
    fn addresses_of_version_6() {
        let local = Local { address: "[2001:db8::1]:7000".parse().unwrap(), holds: false };
        let text = Origin::new(1).offer(&local);
        assert!(text.contains("c=IN IP6 2001:db8::1\r\n"), "{text}");
        assert_eq!(read_answer(text.as_bytes()).unwrap().address, Some(local.address));
    }
}
