//! What was received, in order and in time: a buffer of fixed depth in front of the sink.
//!
//! Sound is kept by its timestamps. For one source these rise with the sequence numbers, so that the order is
//! the same; but they also say how long nothing was sent, and fit packets of any length.

use std::collections::BTreeMap;

/// Packets that are kept at most.
const MAX_PACKETS: usize = 128;

/// Late packets in a row after which the others are taken to be late for good.
const LATE_IN_A_ROW: u8 = 4;

/// How far ahead of what is played a packet may be, in times the depth, before playing skips to it.
const AHEAD: i64 = 8;

/// How many samples were heard, and what became of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that came too late to be heard.
    pub late: u64,
    /// Samples of silence that filled gaps.
    pub filled: u64,
    /// Times that playing began anew, elsewhere.
    pub resyncs: u64,
}

/// Reorders packets and plays them out.
#[derive(Clone, Debug)]
pub struct Playout {
    /// How long a packet waits for those before it, in samples.
    depth: i64,
    packets: BTreeMap<i64, Vec<i16>>,
    /// What is played next; `None` until something came.
    position: Option<i64>,
    /// The timestamp heard last, counted on past its 32 bits.
    last: Option<i64>,
    late_in_a_row: u8,
    counts: Counts,
}

impl Playout {
    /// A buffer that keeps each packet `depth` samples long.
    pub fn new(depth: u32) -> Self {
        Self {
            depth: depth.into(),
            packets: BTreeMap::new(),
            position: None,
            last: None,
            late_in_a_row: 0,
            counts: Counts::default(),
        }
    }

    /// Takes the samples of a packet. Doubled ones change nothing.
    pub fn insert(&mut self, timestamp: u32, samples: Vec<i16>) {
        let begins = self.unwrap(timestamp);
        let ends = begins + length(&samples);
        let position = *self.position.get_or_insert(begins - self.depth);
        let is_late = ends <= position;
        self.counts.late += u64::from(is_late);
        self.late_in_a_row = if is_late { self.late_in_a_row + 1 } else { 0 };
        let reach = (self.depth * AHEAD).max(length(&samples) * AHEAD);
        if self.late_in_a_row >= LATE_IN_A_ROW || begins > position + reach || ends < position - reach {
            self.packets.clear();
            self.late_in_a_row = 0;
            self.position = Some(begins - self.depth);
            self.counts.resyncs += 1;
        } else if is_late {
            return;
        }
        if self.packets.len() < MAX_PACKETS {
            self.packets.entry(begins).or_insert(samples);
        }
    }

    /// Plays the next samples into `out`, with silence where there are none.
    pub fn play(&mut self, out: &mut [i16]) {
        out.fill(0);
        let Some(position) = self.position else { return };
        let until = position + length(out);
        let mut filled = 0;
        for (&begins, samples) in self.packets.range(..until) {
            let from = usize::try_from(position - begins).unwrap_or(0);
            let at = usize::try_from(begins - position).unwrap_or(0);
            let heard = samples.get(from..).unwrap_or_default();
            for (out, sample) in out[at..].iter_mut().zip(heard) {
                *out = *sample;
            }
            filled = filled.max(at + heard.len().min(out.len() - at));
        }
        self.counts.filled += (out.len() - filled) as u64;
        self.packets.retain(|begins, samples| begins + length(samples) > until);
        self.position = Some(until);
    }

    /// Forgets what is kept: another source takes over.
    pub fn clear(&mut self) {
        *self = Self { counts: self.counts, ..Self::new(self.depth.unsigned_abs() as u32) };
    }

    /// What became of what was received.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The timestamp as one of a number that does not wrap.
    fn unwrap(&mut self, timestamp: u32) -> i64 {
        let unwrapped = match self.last {
            None => i64::from(timestamp),
            Some(last) => last + i64::from(timestamp.wrapping_sub(low_bits(last)).cast_signed()),
        };
        self.last = Some(unwrapped);
        unwrapped
    }
}

fn length(samples: &[i16]) -> i64 {
    i64::try_from(samples.len()).expect("no memory holds more samples")
}

/// What is on the wire of a timestamp that does not wrap.
const fn low_bits(timestamp: i64) -> u32 {
    timestamp.cast_unsigned() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::dice::Dice;
    use proptest::prelude::*;

    /// Packets of two samples, of which the first is the packet's number, from timestamp `first` on.
    fn packet(first: u32, number: i16) -> (u32, Vec<i16>) {
        (first.wrapping_add(u32::from(number.unsigned_abs()) * 2), vec![number, -number])
    }

    fn play(playout: &mut Playout, count: usize) -> Vec<i16> {
        let mut out = vec![99; count];
        playout.play(&mut out);
        out
    }

    fn insert(playout: &mut Playout, first: u32, number: i16) {
        let (timestamp, samples) = packet(first, number);
        playout.insert(timestamp, samples);
    }

    #[test]
    fn nothing_is_silence() {
        assert_eq!(play(&mut Playout::new(6), 4), [0; 4]);
    }

    #[test]
    fn packets_wait_for_those_before_them() {
        for first in [0, u32::MAX - 4] {
            let mut playout = Playout::new(4);
            for number in [1, 3, 2, 2, 4] {
                insert(&mut playout, first, number);
            }
            assert_eq!(play(&mut playout, 4), [0; 4], "the depth");
            assert_eq!(play(&mut playout, 4), [1, -1, 2, -2]);
            insert(&mut playout, first, 1);
            assert_eq!(play(&mut playout, 3), [3, -3, 4], "any length");
            assert_eq!(play(&mut playout, 3), [-4, 0, 0]);
            assert_eq!(playout.counts(), Counts { late: 1, filled: 4 + 2, resyncs: 0 });
        }
    }

    #[test]
    fn gaps_are_silent_and_as_long_as_what_is_missing() {
        let mut playout = Playout::new(2);
        for number in [1, 2, 4] {
            insert(&mut playout, 0, number);
        }
        assert_eq!(play(&mut playout, 10), [0, 0, 1, -1, 2, -2, 0, 0, 4, -4]);
    }

    #[test]
    fn a_sender_that_paused_without_counting_is_heard_again() {
        let mut playout = Playout::new(2);
        insert(&mut playout, 0, 1);
        play(&mut playout, 14);
        for number in 2..=5 {
            insert(&mut playout, 0, number);
        }
        assert_eq!(play(&mut playout, 4), [0, 0, 5, -5]);
        assert_eq!(playout.counts().resyncs, 1);
    }

    #[test]
    fn a_jump_is_followed() {
        let mut playout = Playout::new(2);
        insert(&mut playout, 0, 1);
        play(&mut playout, 4);
        insert(&mut playout, 1_000_000, 2);
        assert_eq!(play(&mut playout, 4), [0, 0, 2, -2]);
        insert(&mut playout, 0, 3);
        assert_eq!(play(&mut playout, 4), [0, 0, 3, -3]);
    }

    #[test]
    fn a_cleared_buffer_begins_anew() {
        let mut playout = Playout::new(2);
        insert(&mut playout, 0, 1);
        playout.clear();
        assert_eq!(play(&mut playout, 4), [0; 4]);
        insert(&mut playout, 77, 2);
        assert_eq!(play(&mut playout, 4), [0, 0, 2, -2]);
    }

    proptest! {
        /// Whatever is lost, doubled, or late by less than the depth, each packet is heard in its place.
        #[test]
        fn order_comes_back(seed in any::<u64>(), first in any::<u32>()) {
            let mut dice = Dice::new([1; 32], seed);
            let mut wire = vec![(0, 0_i16)];
            let mut expected = vec![0_i16];
            for number in 1..100_i16 {
                if dice.below(5) == 0 {
                    expected.push(0);
                    continue;
                }
                expected.push(number);
                for _ in 0..=dice.below(2) {
                    wire.push((i64::from(number) * 10 + dice.below(30).cast_signed(), number));
                }
            }
            wire.sort_unstable();
            let mut playout = Playout::new(6);
            let mut wire = wire.into_iter().peekable();
            let mut heard = Vec::new();
            for tick in 0..110 {
                while let Some((_, number)) = wire.next_if(|(time, _)| *time <= tick * 10) {
                    insert(&mut playout, first, number);
                }
                heard.push(play(&mut playout, 2)[0]);
            }
            prop_assert_eq!(&heard[3..3 + expected.len()], &expected[..]);
        }

        #[test]
        fn memory_is_bounded(timestamps in proptest::collection::vec(any::<u32>(), 1..500)) {
            let mut playout = Playout::new(480);
            for timestamp in timestamps {
                playout.insert(timestamp % 4000, vec![1; 160]);
                prop_assert!(playout.packets.len() <= MAX_PACKETS);
            }
        }
    }
}
