//! RTP packets: RFC 3550 §5.1, and the extension of §5.3.1.

/// Octets of the fixed header.
pub const FIXED_HEADER: usize = 12;

/// Most contributing sources that a header can name: the count has four bits.
pub const MAX_CSRC: usize = 15;

const VERSION: u8 = 2;
const PADDING_BIT: u8 = 0x20;
const EXTENSION_BIT: u8 = 0x10;
const MARKER_BIT: u8 = 0x80;

/// Why bytes are no RTP packet (RFC 3550, Appendix A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer octets than the headers say.
    #[error("an RTP packet ends inside its header")]
    Short,
    /// The version is not 2.
    #[error("RTP version {0} is not 2")]
    Version(u8),
    /// The padding is empty, or longer than what follows the header.
    #[error("the padding of an RTP packet has no possible length")]
    Padding,
}

/// A header extension (§5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What the profile defines these 16 bits to be.
    pub profile: u16,
    /// Whole words of 32 bits; writing fills the last one up with zeros.
    pub data: &'a [u8],
}

/// A packet that borrows its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The M bit, whose meaning the payload's profile defines.
    pub marker: bool,
    /// What the payload is, 7 bits.
    pub payload_type: u8,
    /// Counts packets, modulo 2^16.
    pub sequence_number: u16,
    /// When the first octet was sampled, in units of the payload's clock.
    pub timestamp: u32,
    /// Who sent it.
    pub ssrc: u32,
    /// Who was mixed into it; [`MAX_CSRC`] at most.
    pub csrc: Vec<u32>,
    /// The header's extension, if it has one.
    pub extension: Option<Extension<'a>>,
    /// What is carried, without the padding.
    pub payload: &'a [u8],
    /// Octets of padding, the one that counts them included; 0 for none.
    pub padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for what is not one whole RTP packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fixed, mut rest) = bytes.split_at_checked(FIXED_HEADER).ok_or(Malformed::Short)?;
        let version = fixed[0] >> 6;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        let csrc = take(&mut rest, usize::from(fixed[0] & 0x0f) * 4)?;
        let extension = if fixed[0] & EXTENSION_BIT == 0 {
            None
        } else {
            let head = word(take(&mut rest, 4)?);
            let data = take(&mut rest, (head & 0xffff) as usize * 4)?;
            Some(Extension { profile: (head >> 16) as u16, data })
        };
        let padding = if fixed[0] & PADDING_BIT == 0 {
            0
        } else {
            let count = rest.last().copied().unwrap_or(0);
            if count == 0 || usize::from(count) > rest.len() {
                return Err(Malformed::Padding);
            }
            rest = &rest[..rest.len() - usize::from(count)];
            count
        };
        Ok(Self {
            marker: fixed[1] & MARKER_BIT != 0,
            payload_type: fixed[1] & !MARKER_BIT,
            sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: word(&fixed[4..]),
            ssrc: word(&fixed[8..]),
            csrc: csrc.chunks_exact(4).map(word).collect(),
            extension,
            payload: rest,
            padding,
        })
    }

    /// Appends the packet to `out`. Contributing sources past the fifteenth, and words of an extension past
    /// the 65,535th, have no place and are left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        let csrc = &self.csrc[..self.csrc.len().min(MAX_CSRC)];
        let padding = if self.padding == 0 { 0 } else { PADDING_BIT };
        let extension = if self.extension.is_some() { EXTENSION_BIT } else { 0 };
        out.push(VERSION << 6 | padding | extension | csrc.len() as u8);
        let marker = if self.marker { MARKER_BIT } else { 0 };
        out.push(marker | self.payload_type & !MARKER_BIT);
        out.extend_from_slice(&self.sequence_number.to_be_bytes());
        for field in [self.timestamp, self.ssrc].iter().chain(csrc) {
            out.extend_from_slice(&field.to_be_bytes());
        }
        if let Some(extension) = self.extension {
            let words = extension.data.len().div_ceil(4).min(usize::from(u16::MAX));
            let data = &extension.data[..extension.data.len().min(words * 4)];
            out.extend_from_slice(&extension.profile.to_be_bytes());
            out.extend_from_slice(&(words as u16).to_be_bytes());
            out.extend_from_slice(data);
            out.resize(out.len() + words * 4 - data.len(), 0);
        }
        out.extend_from_slice(self.payload);
        if self.padding > 0 {
            out.resize(out.len() + usize::from(self.padding) - 1, 0);
            out.push(self.padding);
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (taken, left) = rest.split_at_checked(count).ok_or(Malformed::Short)?;
    *rest = left;
    Ok(taken)
}

/// The first four octets.
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |word, byte| word << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by hand from the figure of §5.1: two contributing sources, an extension of one word, padding.
    const FIGURE: [u8; 35] = [
        0xb2, 0x80, 0x12, 0x34, 0x00, 0x00, 0x00, 0xa0, 0xde, 0xad, 0xbe, 0xef, // fixed header
        0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, // CSRC
        0xbe, 0xde, 0x00, 0x01, 0x10, 0xff, 0x00, 0x00, // extension
        0xd5, 0x55, 0xd5, 0x55, // payload
        0x00, 0x00, 0x03, // padding
    ];

    fn figure() -> Packet<'static> {
        Packet {
            marker: true,
            payload_type: 0,
            sequence_number: 0x1234,
            timestamp: 160,
            ssrc: 0xdead_beef,
            csrc: vec![1, 2],
            extension: Some(Extension { profile: 0xbede, data: &[0x10, 0xff, 0, 0] }),
            payload: &[0xd5, 0x55, 0xd5, 0x55],
            padding: 3,
        }
    }

    #[test]
    fn the_figure_is_read_and_written() {
        assert_eq!(Packet::parse(&FIGURE), Ok(figure()));
        let mut out = Vec::new();
        figure().write(&mut out);
        assert_eq!(out, FIGURE);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for length in 0..28 {
            assert_eq!(Packet::parse(&FIGURE[..length]), Err(Malformed::Short));
        }
        assert_eq!(Packet::parse(&FIGURE[..28]), Err(Malformed::Padding), "P is set, and nothing counts");
    }

    #[test]
    fn padding_cannot_be_longer_than_what_it_pads() {
        let mut bytes = FIGURE;
        bytes[34] = 8;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Padding));
        bytes[34] = 0;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Padding));
        bytes[34] = 7;
        assert_eq!(Packet::parse(&bytes).unwrap().payload, b"");
    }

    #[test]
    fn other_versions_are_refused() {
        let mut bytes = FIGURE;
        bytes[0] = 0x72;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Version(1)));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + FIXED_HEADER <= bytes.len());
            }
        }

        #[test]
        fn what_is_written_reads_back(
            (marker, payload_type, sequence_number) in (any::<bool>(), 0_u8..128, any::<u16>()),
            (timestamp, ssrc) in (any::<u32>(), any::<u32>()),
            csrc in proptest::collection::vec(any::<u32>(), 0..=MAX_CSRC),
            data in proptest::option::of(proptest::collection::vec(any::<[u8; 4]>(), 0..5)),
            payload in proptest::collection::vec(any::<u8>(), 0..200),
            padding in any::<u8>(),
        ) {
            let data = data.map(|words| words.concat());
            let extension = data.as_deref().map(|data| Extension { profile: 7, data });
            let packet = Packet {
                marker, payload_type, sequence_number, timestamp, ssrc, csrc, extension,
                payload: &payload, padding,
            };
            let mut out = Vec::new();
            packet.write(&mut out);
            prop_assert_eq!(Packet::parse(&out), Ok(packet));
        }
    }
}
