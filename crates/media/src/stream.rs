//! What offer and answer came to for one stream of sound: where to, which way, in which format.

use std::net::SocketAddr;

use crate::codec::Codec;

/// Most formats that one stream receives.
pub const MAX_FORMATS: usize = 16;

/// Which of the two flows of a stream a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sound and digits, from the even port.
    Rtp,
    /// Reports, from the odd port above it (RFC 3550 §11).
    Rtcp,
}

/// Which way sound goes, as we see it (RFC 3264 §5.1). RTCP goes both ways in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We only send: what arrives is not heard.
    SendOnly,
    /// We only hear.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction in which we do so.
    pub const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether we send sound.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether we hear sound.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// Where the other party wants its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// For RTP: the session description's address and port.
    pub rtp: SocketAddr,
    /// For RTCP: the next port, unless `a=rtcp` (RFC 3605) says otherwise.
    pub rtcp: SocketAddr,
}

impl Remote {
    /// RTP at `rtp`, and RTCP at the port above it (RFC 3550 §11).
    pub fn at(rtp: SocketAddr) -> Self {
        let mut rtcp = rtp;
        rtcp.set_port(rtp.port().saturating_add(1));
        Self { rtp, rtcp }
    }

    /// Where packets of `kind` go.
    pub const fn address(&self, kind: Kind) -> SocketAddr {
        match kind {
            Kind::Rtp => self.rtp,
            Kind::Rtcp => self.rtcp,
        }
    }
}

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Sound.
    Audio(Codec),
    /// Digits (RFC 4733), on the clock of the sound.
    TelephoneEvent,
}

/// A payload type, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// 0 to 127.
    pub payload_type: u8,
    /// What is in its packets.
    pub encoding: Encoding,
}

/// One stream as it was agreed upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Where packets go; `None` until it is known, and nothing is sent until then.
    pub remote: Option<Remote>,
    /// Which way sound goes.
    pub direction: Direction,
    /// Payload type and codec of the sound that we send: the other party's number for it.
    pub sends: (u8, Codec),
    /// The other party's payload type for the digits that we send, if it takes any.
    pub sends_events: Option<u8>,
    /// What we understand, under the numbers that we gave; [`MAX_FORMATS`] count.
    pub receives: Vec<Format>,
}

impl Stream {
    /// Sound both ways in `codec` under its static payload type, and digits under `events`, the same number
    /// both ways.
    pub fn symmetric(remote: Option<Remote>, codec: Codec, events: Option<u8>) -> Self {
        let audio = Format { payload_type: codec.payload_type(), encoding: Encoding::Audio(codec) };
        let digits = events.map(|payload_type| Format { payload_type, encoding: Encoding::TelephoneEvent });
        Self {
            remote,
            direction: Direction::SendRecv,
            sends: (codec.payload_type(), codec),
            sends_events: events,
            receives: std::iter::once(audio).chain(digits).collect(),
        }
    }

    /// What `payload_type` stands for in packets that we receive.
    pub fn encoding(&self, payload_type: u8) -> Option<Encoding> {
        let formats = self.receives.iter().take(MAX_FORMATS);
        formats.into_iter().find(|format| format.payload_type == payload_type).map(|format| format.encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_say_who_does_what() {
        for sends in [false, true] {
            for receives in [false, true] {
                let direction = Direction::of(sends, receives);
                assert_eq!((direction.sends(), direction.receives()), (sends, receives));
            }
        }
    }

    #[test]
    fn reports_go_to_the_odd_port() {
        let remote = Remote::at("192.0.2.1:4000".parse().unwrap());
        assert_eq!(remote.address(Kind::Rtp).port(), 4000);
        assert_eq!(remote.address(Kind::Rtcp).port(), 4001);
    }

    #[test]
    fn a_payload_type_is_what_we_said_it_is() {
        let stream = Stream::symmetric(None, Codec::Pcma, Some(101));
        assert_eq!(stream.encoding(8), Some(Encoding::Audio(Codec::Pcma)));
        assert_eq!(stream.encoding(101), Some(Encoding::TelephoneEvent));
        assert_eq!(stream.encoding(0), None);
    }
}
