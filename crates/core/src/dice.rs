//! Everything random comes from one seeded generator, so that a seed replays a run exactly.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// A generator with a 32-byte seed: from the system in a driver, from the test in a simulation.
#[derive(Clone)]
pub struct Dice(ChaCha12Rng);

impl Dice {
    /// A generator that always throws the same for the same seed and stream. Each shard has a stream
    /// of its own, so that nobody guesses a tag from another's.
    pub fn new(seed: [u8; 32], stream: u64) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// Random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A tag with 64 random bits (RFC 3261 §19.3 asks for at least 32), in 13 characters.
    pub fn tag(&mut self) -> String {
        let mut out = String::with_capacity(13);
        push_base32(&mut out, self.bits());
        out
    }

    /// A Call-ID with 128 random bits.
    pub fn call_id(&mut self) -> String {
        let mut out = String::with_capacity(26);
        push_base32(&mut out, self.bits());
        push_base32(&mut out, self.bits());
        out
    }
}

/// Appends 64 bits as 13 lower-case characters that are legal in a token.
pub fn push_base32(out: &mut String, bits: u64) {
    let text: [u8; 13] = std::array::from_fn(|at| DIGITS[((bits >> ((12 - at) * 5)) & 31) as usize]);
    // They are ASCII.
    out.push_str(std::str::from_utf8(&text).unwrap_or_default());
}

/// Reads what [`push_base32`] wrote; `None` for anything else.
pub fn parse_base32(text: &[u8]) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    let (mut bits, mut all) = (0, 0);
    for byte in text {
        let digit = VALUES[usize::from(*byte)];
        bits = bits << 5 | u64::from(digit);
        all |= digit;
    }
    (all < 32).then_some(bits)
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What each digit stands for; 32 for what is none.
static VALUES: [u8; 256] = {
    let mut values = [32; 256];
    let mut at = 0;
    while at < DIGITS.len() {
        values[DIGITS[at] as usize] = at as u8;
        at += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_streams_differ() {
        let throw = |stream| Dice::new([7; 32], stream).tag();
        assert_eq!(throw(1), throw(1));
        assert_ne!(throw(1), throw(2));
    }

    #[test]
    fn base32_reads_back() {
        for bits in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let mut text = String::new();
            push_base32(&mut text, bits);
            assert_eq!(parse_base32(text.as_bytes()), Some(bits));
        }
        assert_eq!(parse_base32(b"i000000000000"), None);
    }
}
