//! Codecs: PCMU and PCMA (ITU-T G.711, RFC 3551 §4.5.14).
//!
//! A codec is a value; what it remembers between packets is in its [`Encoder`] and [`Decoder`].

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use std::time::Duration;

/// Longest packet that is decoded, in samples: what fits a datagram of an Ethernet.
pub const MAX_SAMPLES: usize = 1440;

/// How sound is written into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
}

impl Codec {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// The name in `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The static payload type (RFC 3551 §6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The codec of a static payload type.
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.payload_type() == payload_type)
    }

    /// Timestamps a second. For some codecs this is not the [`Codec::sample_rate`].
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
        }
    }

    /// Samples a second.
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
        }
    }

    /// Octets a second without headers, for the share of reports (RFC 3550 §6.2).
    pub const fn bandwidth(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
        }
    }

    /// Samples in `time`.
    pub fn samples(self, time: Duration) -> usize {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        usize::try_from(micros.saturating_mul(u64::from(self.sample_rate())) / 1_000_000)
            .unwrap_or(usize::MAX)
    }

    /// What writes packets of this codec.
    pub const fn encoder(self) -> Encoder {
        Encoder(self)
    }

    /// What reads packets of this codec.
    pub const fn decoder(self) -> Decoder {
        Decoder(self)
    }
}

/// Writes the packets of one stream, in order.
#[derive(Clone, Debug)]
pub struct Encoder(Codec);

impl Encoder {
    /// The codec that this one writes.
    pub const fn codec(&self) -> Codec {
        self.0
    }

    /// Appends the payload that carries `samples`.
    #[allow(clippy::needless_pass_by_ref_mut, reason = "codecs with a memory will want it")]
    pub fn encode(&mut self, samples: &[i16], payload: &mut Vec<u8>) {
        let encode = match self.0 {
            Codec::Pcmu => encode_ulaw,
            Codec::Pcma => encode_alaw,
        };
        payload.extend(samples.iter().map(|&sample| encode(sample)));
    }
}

/// Reads the packets of one source.
#[derive(Clone, Debug)]
pub struct Decoder(Codec);

impl Decoder {
    /// The codec that this one reads.
    pub const fn codec(&self) -> Codec {
        self.0
    }

    /// The samples that `payload` carries, [`MAX_SAMPLES`] at most.
    #[allow(clippy::needless_pass_by_ref_mut, reason = "codecs with a memory will want it")]
    pub fn decode(&mut self, payload: &[u8]) -> Vec<i16> {
        let decode = match self.0 {
            Codec::Pcmu => decode_ulaw,
            Codec::Pcma => decode_alaw,
        };
        payload.iter().take(MAX_SAMPLES).map(|&octet| decode(octet)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{level, share};

    /// G.711, tables 5 and 6: these eight octets, repeated, are 1 kHz at 0 dBm0.
    const MILLIWATT: [(Codec, [u8; 8]); 2] = [
        (Codec::Pcma, [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]),
        (Codec::Pcmu, [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]),
    ];

    #[test]
    fn the_milliwatt_of_g711_is_a_tone_of_1000_hz_at_its_level() {
        // §3: the loudest sine is 3.14 dBm0 in A-law and 3.17 dBm0 in µ-law; it is at −3.01 dBov.
        for ((codec, octets), expected) in MILLIWATT.into_iter().zip([-6.15, -6.18]) {
            let samples = codec.decoder().decode(&octets.repeat(100));
            assert!(share(&samples, 8000, 1000.0) > 0.99, "{codec:?}");
            assert!((level(&samples) - expected).abs() < 0.2, "{codec:?}: {}", level(&samples));
        }
    }

    #[test]
    fn the_ends_and_the_middle_are_those_of_the_tables() {
        // G.711, tables 1 and 2, with the values brought to 16 bits; zero is 0xff in µ-law and 0xd5 in A-law.
        let mut payload = Vec::new();
        Codec::Pcmu.encoder().encode(&[0, 32_767, -32_768, 8, -8], &mut payload);
        assert_eq!(payload, [0xff, 0x80, 0x00, 0xfe, 0x7e]);
        assert_eq!(Codec::Pcmu.decoder().decode(&[0xff, 0x80, 0x00]), [0, 32_124, -32_124]);
        payload.clear();
        Codec::Pcma.encoder().encode(&[0, 32_767, -32_768, 16, -16], &mut payload);
        assert_eq!(payload[..3], [0xd5, 0xaa, 0x2a]);
        assert_eq!(Codec::Pcma.decoder().decode(&[0xd5, 0xaa, 0x2a]), [8, 32_256, -32_256]);
    }

    #[test]
    fn every_octet_reads_and_writes_back() {
        for codec in Codec::ALL {
            let octets: Vec<u8> = (0..=255).collect();
            let samples = codec.decoder().decode(&octets);
            let mut again = Vec::new();
            codec.encoder().encode(&samples, &mut again);
            // µ-law has two zeros, and the one below is written as the one above.
            let differing: Vec<u8> =
                octets.iter().zip(&again).filter(|(one, other)| one != other).map(|(one, _)| *one).collect();
            assert_eq!(differing, if codec == Codec::Pcmu { vec![0x7f] } else { vec![] });
        }
    }

    #[test]
    fn no_sample_moves_further_than_half_a_step() {
        for codec in Codec::ALL {
            for sample in (-32_000..=32_000_i16).step_by(7) {
                let mut payload = Vec::new();
                codec.encoder().encode(&[sample], &mut payload);
                let back = codec.decoder().decode(&payload)[0];
                // The steps of a segment are a sixteenth of it, so that the error is at most 1 in 32 and a bit.
                let bound = i32::from(sample).abs() / 30 + 16;
                assert!(
                    (i32::from(back) - i32::from(sample)).abs() <= bound,
                    "{codec:?}: {sample} -> {back}"
                );
            }
        }
    }

    #[test]
    fn static_payload_types_name_their_codecs() {
        assert_eq!(Codec::of_payload_type(0), Some(Codec::Pcmu));
        assert_eq!(Codec::of_payload_type(8), Some(Codec::Pcma));
        assert_eq!(Codec::of_payload_type(9), None);
        assert_eq!(Codec::Pcma.samples(Duration::from_millis(20)), 160);
    }
}
