//! What calls offer and answer about sound (RFC 3264): pure functions from what we want and what the
//! other side said to the description that we send.

use cordboard_sip::sdp::{Direction, Sdp, Stream};
use cordboard_sip::{Malformed, Status};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// What a payload type stands for: the sound of RFC 3551 §6, and the tones of RFC 4733.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// G.711, the law of America and Japan.
    Pcmu,
    /// G.711, the law of the rest.
    Pcma,
    /// Digits.
    TelephoneEvent,
}

impl Encoding {
    const ALL: [Self; 3] = [Self::Pcmu, Self::Pcma, Self::TelephoneEvent];

    /// As `a=rtpmap` writes it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU/8000",
            Self::Pcma => "PCMA/8000",
            Self::TelephoneEvent => "telephone-event/8000",
        }
    }

    /// The payload type that needs no `a=rtpmap` (RFC 3551 §6).
    const fn payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::TelephoneEvent => None,
        }
    }
}

/// A payload type, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// 0 to 127.
    pub payload_type: u8,
    /// What is in its packets.
    pub encoding: Encoding,
}

/// Formats of a stream, the preferred one first. Each encoding is there once at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Formats([Option<Format>; Encoding::ALL.len()]);

impl Formats {
    /// What we offer.
    pub const OFFERED: Self = Self([
        Some(Format { payload_type: 0, encoding: Encoding::Pcmu }),
        Some(Format { payload_type: 8, encoding: Encoding::Pcma }),
        Some(Format { payload_type: 101, encoding: Encoding::TelephoneEvent }),
    ]);

    /// Each of them, the preferred one first.
    pub fn iter(self) -> impl Iterator<Item = Format> {
        self.0.into_iter().flatten()
    }

    /// Whether there is sound among them.
    fn have_sound(self) -> bool {
        self.iter().any(|format| format.encoding != Encoding::TelephoneEvent)
    }

    /// The formats of a stream that we know.
    fn of(stream: &Stream<'_>) -> Self {
        let mut formats = Self::default();
        for written in stream.formats() {
            let Some(encoding) = encoding(stream, written) else { continue };
            let Ok(payload_type @ 0..=127) = written.parse() else { continue };
            if formats.iter().all(|format| format.encoding != encoding)
                && let Some(free) = formats.0.iter_mut().find(|place| place.is_none())
            {
                *free = Some(Format { payload_type, encoding });
            }
        }
        formats
    }

    /// The `m=` line and what belongs to it.
    fn write(self, out: &mut String, port: u16, protocol: &str) {
        let numbers: Vec<String> = self.iter().map(|format| format.payload_type.to_string()).collect();
        push(out, format_args!("m=audio {port} {protocol} {}", numbers.join(" ")));
        for Format { payload_type, encoding } in self.iter() {
            push(out, format_args!("a=rtpmap:{payload_type} {}", encoding.as_str()));
            if encoding == Encoding::TelephoneEvent {
                push(out, format_args!("a=fmtp:{payload_type} 0-15"));
            }
        }
    }
}

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
    /// What it takes, under its numbers.
    pub formats: Formats,
}

impl Remote {
    /// Who has described no sound.
    const SILENT: Self =
        Self { address: None, sends: false, receives: false, formats: Formats([None; Encoding::ALL.len()]) };
}

/// The `o=` line of one session: its version rises when what we say changes (RFC 3264 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    session: u64,
    version: u64,
    /// The streams of the session in their places, of which none ever leaves (RFC 3264 §8): what a refused one says, or
    /// nothing for ours. The same ones stand in every later offer.
    places: Vec<Option<Box<str>>>,
    /// What was said last, without the `o=` line.
    said: String,
    /// Whether the last was not ours.
    passed_on: bool,
}

impl Origin {
    /// A session that has said nothing. `session` is kept below 2^62, because some read it as a signed
    /// number (RFC 3264 §5).
    pub const fn new(session: u64) -> Self {
        Self {
            session: session >> 2,
            version: session >> 2,
            places: Vec::new(),
            said: String::new(),
            passed_on: false,
        }
    }

    /// An offer (RFC 3264 §5, §8).
    pub fn offer(&mut self, local: &Local) -> String {
        if !self.places.contains(&None) {
            self.places.push(None);
        }
        let mut media = String::new();
        for place in &self.places {
            if let Some(refused) = place {
                push(&mut media, format_args!("{refused}"));
            } else {
                Formats::OFFERED.write(&mut media, local.address.port(), "RTP/AVP");
                push(&mut media, format_args!("a={}", local.wanted().as_str()));
            }
        }
        self.say(local.address.ip(), &media)
    }

    /// An answer: every stream of the offer in its place, the one that was ours or else the first that will do taken,
    /// the others refused (RFC 3264 §6). An offer without streams is one of no sound yet (§5), and answered so.
    ///
    /// # Errors
    /// The offer has streams, and none that we could take.
    pub fn answer(&mut self, local: &Local, offer: &Sdp) -> Result<(String, Remote), MediaError> {
        let ours = self.places.iter().position(Option::is_none);
        let again = ours.filter(|at| offer.streams().nth(*at).is_some_and(|stream| fits(&stream)));
        let chosen = again.or_else(|| offer.streams().position(|stream| fits(&stream)));
        if chosen.is_none() && offer.streams().next().is_some() {
            return Err(MediaError::NothingInCommon);
        }
        let (mut media, mut remote) = (String::new(), Remote::SILENT);
        self.places.clear();
        for (at, stream) in offer.streams().enumerate() {
            if chosen == Some(at) {
                remote = read(&stream);
                accept(&mut media, local, &stream, &remote);
                self.places.push(None);
            } else {
                let (kind, protocol) = (stream.kind(), stream.protocol());
                let formats = stream.formats().collect::<Vec<_>>().join(" ");
                let refused = format!("m={kind} 0 {protocol} {formats}");
                push(&mut media, format_args!("{refused}"));
                self.places.push(Some(refused.into()));
            }
        }
        Ok((self.say(local.address.ip(), &media), remote))
    }

    /// Reads the answer to the last offer.
    ///
    /// # Errors
    /// It is none, or it refuses our stream.
    pub fn read_answer(&self, body: &[u8]) -> Result<Remote, MediaError> {
        let answer = Sdp::parse(body)?;
        let ours = self.places.iter().position(Option::is_none).unwrap_or(0);
        let stream = answer.streams().nth(ours).filter(fits).ok_or(MediaError::NothingInCommon)?;
        Ok(read(&stream))
    }

    /// What the other side of another session said, as if we did: with the `o=` line of this one (RFC 3725 §4.4, RFC 3264
    /// §8). None if it has no such line.
    pub fn pass_on(&mut self, description: &str) -> Option<String> {
        self.version += 1;
        self.passed_on = true;
        let (before, rest) = description.split_at_checked(description.find("\no=")? + 1)?;
        let (origin, after) = rest.split_at_checked(rest.find('\n')? + 1)?;
        let address: Vec<&str> = origin.split_ascii_whitespace().skip(3).collect();
        Some(format!("{before}o=- {} {} {}\r\n{after}", self.session, self.version, address.join(" ")))
    }

    fn say(&mut self, ip: IpAddr, media: &str) -> String {
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let said = format!("s=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n{media}");
        if !self.said.is_empty() && self.said != said || self.passed_on {
            self.version += 1;
        }
        self.passed_on = false;
        let (session, version) = (self.session, self.version);
        let whole = format!("v=0\r\no=- {session} {version} IN {family} {ip}\r\n{said}");
        self.said = said;
        whole
    }
}

/// Streams that a session may have to be written down: more than a description of one datagram holds.
const MAX_PLACES: usize = 64;

/// What has to be known of a session to go on with it in another process, from another port (RFC 3264 §8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenOrigin {
    /// The number of the session.
    pub session: u64,
    /// The version of what was said last.
    pub version: u64,
    /// Its streams in their places: what a refused one says, or nothing for ours.
    pub places: Vec<Option<Box<str>>>,
}

impl Origin {
    /// What has to be known to go on with the session.
    pub fn written(&self) -> WrittenOrigin {
        WrittenOrigin { session: self.session, version: self.version, places: self.places.clone() }
    }

    /// Goes on with a session. What is said next has the next version, whatever it is: of what was said last only
    /// that is known (§8).
    ///
    /// # Errors
    /// What is written is no session.
    pub fn take_up(written: &WrittenOrigin) -> Result<Self, Malformed> {
        let WrittenOrigin { session, version, places } = written;
        if *session >> 62 != 0 || version < session || *version >> 63 != 0 {
            return Err(Malformed::new("the numbers of the session are out of range"));
        }
        let is_refused = |line: &str| {
            line.starts_with("m=")
                && line.contains(" 0 ")
                && !line.contains(|char: char| char.is_ascii_control())
        };
        if places.len() > MAX_PLACES || !places.iter().flatten().all(|line| is_refused(line)) {
            return Err(Malformed::new("the streams of the session cannot be read"));
        }
        let (session, version) = (*session, *version);
        Ok(Self { session, version, places: places.clone(), said: String::new(), passed_on: true })
    }
}

fn read(stream: &Stream<'_>) -> Remote {
    let ip = stream.address().and_then(|address| address.parse::<IpAddr>().ok());
    let direction = stream.direction();
    Remote {
        address: ip.filter(|_| !stream.is_nowhere()).map(|ip| SocketAddr::new(ip, stream.port())),
        sends: direction.has_send(),
        receives: !stream.is_held(),
        formats: Formats::of(stream),
    }
}

/// Whether we can take a stream: sound over plain RTP, not refused, in an encoding that we know.
fn fits(stream: &Stream<'_>) -> bool {
    stream.kind() == "audio"
        && !stream.is_refused()
        && matches!(stream.protocol(), "RTP/AVP" | "RTP/AVPF")
        && Formats::of(stream).have_sound()
}

/// The encoding of a payload type, if we know it.
fn encoding(stream: &Stream<'_>, format: &str) -> Option<Encoding> {
    let known =
        |name: &str| Encoding::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
    if let Some(written) = stream.encoding(format) {
        return known(written.trim_end_matches("/1"));
    }
    let number: u8 = format.parse().ok()?;
    Encoding::ALL.into_iter().find(|known| known.payload_type() == Some(number))
}

/// RFC 3264 §6.1: the offer's numbers and order, as far as we know them, and each direction only if
/// both want it.
fn accept(media: &mut String, local: &Local, stream: &Stream<'_>, theirs: &Remote) {
    theirs.formats.write(media, local.address.port(), stream.protocol());
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

    /// RFC 3264 §6.1: what is sent to the other side has its numbers, in the order in which it prefers them.
    #[test]
    fn formats_keep_their_numbers() {
        let offer = sdp("m=audio 9 RTP/AVP 97 110 18 0 8 111\r\na=rtpmap:97 PCMA/8000/1\r\n\
             a=rtpmap:110 telephone-event/8000\r\na=rtpmap:111 telephone-event/8000\r\n");
        let (answer, remote) = Origin::new(1).answer(&local(false), &offer).unwrap();
        let format = |payload_type, encoding| Format { payload_type, encoding };
        let expected =
            [format(97, Encoding::Pcma), format(110, Encoding::TelephoneEvent), format(0, Encoding::Pcmu)];
        assert_eq!(remote.formats.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Origin::new(1).read_answer(answer.as_bytes()).unwrap().formats, remote.formats);
        let ours = Origin::new(1).offer(&local(false));
        assert_eq!(Origin::new(1).read_answer(ours.as_bytes()).unwrap().formats, Formats::OFFERED);
    }

    #[test]
    fn nothing_in_common_is_refused() {
        for rest in [
            "m=video 9 RTP/AVP 31\r\n",
            "m=audio 0 RTP/AVP 0\r\n",
            "m=audio 9 RTP/AVP 18\r\n",
            "m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 G722/8000\r\n",
        ] {
            let refused = Origin::new(1).answer(&local(false), &sdp(rest)).unwrap_err();
            assert_eq!(refused.status(), Status::NOT_ACCEPTABLE_HERE, "{rest}");
        }
        let ours = Origin::new(1);
        assert_eq!(ours.read_answer(b"hello").unwrap_err().status(), Status::BAD_REQUEST);
        let refused = sdp("m=audio 0 RTP/AVP 0\r\n").to_string();
        assert_eq!(ours.read_answer(refused.as_bytes()), Err(MediaError::NothingInCommon));
    }

    /// RFC 2543 held a call by a zero address (RFC 3264 §8.4, RFC 6337 §5.4).
    #[test]
    fn an_old_hold_is_understood() {
        let offer = sdp("m=audio 3456 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n");
        let (answer, remote) = Origin::new(1).answer(&local(false), &offer).unwrap();
        assert_eq!((remote.receives, remote.address), (false, None));
        assert_eq!(direction_of(&answer), Direction::RecvOnly);
    }

    /// RFC 3264 §8: what was refused once keeps its place in whatever we offer later, and ours has its own.
    #[test]
    fn no_stream_ever_leaves_its_place() {
        let mut origin = Origin::new(1);
        let offer = sdp("m=video 9 RTP/AVP 31\r\nm=audio 3456 RTP/AVP 0\r\n");
        origin.answer(&local(false), &offer).unwrap();
        let text = origin.offer(&local(true));
        let again = Sdp::parse(text.as_bytes()).unwrap();
        let streams: Vec<_> = again.streams().map(|stream| (stream.kind(), stream.port())).collect();
        assert_eq!(streams, [("video", 0), ("audio", 49172)]);
        let answer = sdp("m=video 0 RTP/AVP 31\r\nm=audio 3456 RTP/AVP 0\r\na=recvonly\r\n");
        let remote = origin.read_answer(answer.to_string().as_bytes()).unwrap();
        assert_eq!(remote.address, Some("192.0.2.201:3456".parse().unwrap()));
    }

    /// RFC 3264 §5: no streams at all is no sound yet; ours comes with our own offer.
    #[test]
    fn an_offer_of_nothing_is_answered_with_nothing() {
        let mut origin = Origin::new(1);
        let (answer, remote) = origin.answer(&local(false), &sdp("")).unwrap();
        assert_eq!(Sdp::parse(answer.as_bytes()).unwrap().streams().count(), 0);
        assert_eq!((remote.sends, remote.receives), (false, false));
        let offer = origin.offer(&local(false));
        assert_eq!(Sdp::parse(offer.as_bytes()).unwrap().streams().count(), 1);
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
        assert_eq!(Origin::new(1).read_answer(text.as_bytes()).unwrap().address, Some(local.address));
    }

    /// RFC 3264 §8: the session stays the same one, its version rises by one, and refused streams keep their places.
    #[test]
    fn a_session_that_is_taken_up_goes_on_with_the_next_version() {
        let mut origin = Origin::new(4 << 2);
        let offer = sdp("m=video 5000 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 0\r\n");
        origin.answer(&local(true), &offer).unwrap();
        let written = origin.written();
        assert_eq!((written.session, written.version, written.places.len()), (4, 4, 2));
        let mut again = Origin::take_up(&written).unwrap();
        let text = again.offer(&local(true));
        assert!(
            text.contains("o=- 4 5 IN") && text.contains("m=video 0 RTP/AVP 31\r\nm=audio 49172"),
            "{text}"
        );
        assert_eq!(again.offer(&local(true)), text, "what stays the same keeps its version");
    }

    #[test]
    fn a_damaged_session_is_not_taken_up() {
        let good = Origin::new(4 << 2).written();
        for damaged in [
            WrittenOrigin { version: 3, ..good.clone() },
            WrittenOrigin { session: u64::MAX, version: u64::MAX, ..good.clone() },
            WrittenOrigin { places: vec![Some("m=audio 9 RTP/AVP 0".into())], ..good.clone() },
            WrittenOrigin { places: vec![Some("m=audio 0 RTP/AVP 0\r\na=x".into())], ..good.clone() },
            WrittenOrigin { places: vec![None; MAX_PLACES + 1], ..good },
        ] {
            assert!(Origin::take_up(&damaged).is_err(), "{damaged:?}");
        }
    }
}
