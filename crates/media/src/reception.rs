//! What arrives from one source: sequence numbers, loss and jitter, by RFC 3550, Appendices A.1, A.3 and A.8.

/// Packets in a row that prove a source (A.1, `MIN_SEQUENTIAL`).
pub const MIN_SEQUENTIAL: u8 = 2;

/// How far a sequence number may jump ahead: a minute of 50 packets a second (A.1).
pub const MAX_DROPOUT: u16 = 3000;

/// How far a packet may be late: two seconds of 50 packets a second (A.1).
pub const MAX_MISORDER: u16 = 100;

/// What became of a sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The source is not proved yet; the packet is not for hearing.
    Probation,
    /// It belongs to the source, in order, late or doubled.
    Valid,
    /// It belongs to the source, which began anew; the statistics did too.
    Restarted,
    /// It is too far from the others to be believed alone.
    Invalid,
}

/// What a report says of a source (§6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Packets lost since the start, below zero where more came than were sent; within 24 bits.
    pub cumulative_lost: i32,
    /// The highest sequence number, with the count of its wraps above the lower 16 bits.
    pub highest: u32,
    /// Interarrival jitter in units of the timestamps.
    pub jitter: u32,
}

/// The state that Appendix A.1 keeps of a source.
#[derive(Clone, Debug)]
pub struct Reception {
    base: u16,
    highest: u16,
    /// Wraps of the sequence number, in the upper 16 bits.
    cycles: u32,
    /// The number that would make a jump believable.
    expected_after_jump: Option<u16>,
    probation: u8,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    /// Arrival less timestamp of the packet before.
    transit: Option<u32>,
    /// Sixteen times the jitter, as in A.8.
    jitter: u32,
}

impl Reception {
    /// A source first heard with `sequence_number`; hand that to [`Reception::accept`] next.
    pub const fn new(sequence_number: u16) -> Self {
        Self {
            probation: MIN_SEQUENTIAL,
            highest: sequence_number.wrapping_sub(1),
            ..Self::from(sequence_number)
        }
    }

    /// Judges a sequence number, in the order of arrival (A.1, `update_seq`).
    pub fn accept(&mut self, sequence_number: u16) -> Verdict {
        if self.probation > 0 {
            return self.prove(sequence_number);
        }
        let ahead = sequence_number.wrapping_sub(self.highest);
        if ahead < MAX_DROPOUT {
            if sequence_number < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence_number;
        } else if u32::from(ahead) <= (1 << 16) - u32::from(MAX_MISORDER) {
            if self.expected_after_jump != Some(sequence_number) {
                self.expected_after_jump = Some(sequence_number.wrapping_add(1));
                return Verdict::Invalid;
            }
            *self = Self { received: 1, ..Self::from(sequence_number) };
            return Verdict::Restarted;
        }
        self.received = self.received.wrapping_add(1);
        Verdict::Valid
    }

    /// Whether [`MIN_SEQUENTIAL`] packets came in a row.
    pub const fn is_proved(&self) -> bool {
        self.probation == 0
    }

    /// Counts the jitter of a packet (A.8); `arrival` is the time in units of the timestamps.
    pub fn arrived(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            let decay = self.jitter.wrapping_add(8) >> 4;
            self.jitter = self.jitter.saturating_add(difference).saturating_sub(decay);
        }
    }

    /// What the next report says, and counts anew for the one after (A.3).
    pub fn report(&mut self) -> Statistics {
        let highest = self.cycles.wrapping_add(u32::from(self.highest));
        let expected = highest.wrapping_sub(u32::from(self.base)).wrapping_add(1);
        let lost = i64::from(expected) - i64::from(self.received);
        let expected_interval = expected.wrapping_sub(self.expected_prior);
        let received_interval = self.received.wrapping_sub(self.received_prior);
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost_interval = i64::from(expected_interval) - i64::from(received_interval);
        let fraction = match u64::try_from(lost_interval) {
            Ok(lost) if expected_interval > 0 => (lost << 8) / u64::from(expected_interval),
            _ => 0,
        };
        Statistics {
            // All lost would be 256, which eight bits do not hold.
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest,
            jitter: self.jitter >> 4,
        }
    }

    /// Packets that counted as received, late and doubled ones included.
    pub const fn received(&self) -> u32 {
        self.received
    }

    /// A.1, `init_seq`.
    const fn from(sequence_number: u16) -> Self {
        Self {
            base: sequence_number,
            highest: sequence_number,
            cycles: 0,
            expected_after_jump: None,
            probation: 0,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
        }
    }

    fn prove(&mut self, sequence_number: u16) -> Verdict {
        let next = self.highest.wrapping_add(1);
        self.highest = sequence_number;
        self.probation = if sequence_number == next { self.probation - 1 } else { MIN_SEQUENTIAL - 1 };
        if self.probation > 0 {
            return Verdict::Probation;
        }
        *self = Self { received: 1, ..Self::from(sequence_number) };
        Verdict::Valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proved(first: u16) -> Reception {
        let mut reception = Reception::new(first.wrapping_sub(1));
        assert_eq!(reception.accept(first.wrapping_sub(1)), Verdict::Probation);
        assert_eq!(reception.accept(first), Verdict::Valid);
        reception
    }

    #[test]
    fn two_in_a_row_prove_a_source() {
        let mut reception = Reception::new(10);
        let verdicts = [10, 12, 14, 15].map(|number| reception.accept(number));
        assert_eq!(verdicts, [Verdict::Probation, Verdict::Probation, Verdict::Probation, Verdict::Valid]);
        assert_eq!(reception.report(), Statistics { highest: 15, ..Statistics::default() });
    }

    #[test]
    fn a_wrap_counts_a_cycle() {
        let mut reception = proved(65_534);
        for number in [65_535, 0, 2, 1] {
            assert_eq!(reception.accept(number), Verdict::Valid);
        }
        let report = reception.report();
        assert_eq!((report.highest, report.cumulative_lost), (0x1_0002, 0));
    }

    #[test]
    fn one_in_four_lost_is_64_of_256() {
        let mut reception = proved(100);
        assert_eq!(reception.report().fraction_lost, 0);
        for number in [101, 103, 104] {
            reception.accept(number);
        }
        let report = reception.report();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (64, 1));
        assert_eq!(reception.report().fraction_lost, 0, "nothing was expected since");
    }

    #[test]
    fn duplicates_make_loss_negative() {
        let mut reception = proved(1);
        for _ in 0..5 {
            assert_eq!(reception.accept(1), Verdict::Valid);
        }
        let report = reception.report();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, -5));
    }

    #[test]
    fn a_jump_is_believed_when_the_next_follows() {
        let mut reception = proved(1);
        assert_eq!(reception.accept(40_000), Verdict::Invalid);
        assert_eq!(reception.accept(2), Verdict::Valid);
        assert_eq!(reception.accept(50_000), Verdict::Invalid);
        assert_eq!(reception.accept(50_001), Verdict::Restarted);
        assert_eq!(reception.report(), Statistics { highest: 50_001, ..Statistics::default() });
    }

    #[test]
    fn the_bounds_are_those_of_the_appendix() {
        assert_eq!(proved(1000).accept(1000 + MAX_DROPOUT - 1), Verdict::Valid);
        assert_eq!(proved(1000).accept(1000 + MAX_DROPOUT), Verdict::Invalid);
        assert_eq!(proved(1000).accept(1000 - MAX_MISORDER + 1), Verdict::Valid);
        assert_eq!(proved(1000).accept(1000 - MAX_MISORDER), Verdict::Invalid);
    }

    #[test]
    fn jitter_is_a_sixteenth_of_each_difference() {
        let mut reception = proved(1);
        reception.arrived(1000, 0);
        reception.arrived(1160, 160);
        assert_eq!(reception.report().jitter, 0, "evenly spaced");
        reception.arrived(1160 + 320, 320);
        assert_eq!(reception.report().jitter, 160 / 16);
        // A timestamp that wraps is no jitter.
        let mut reception = proved(1);
        reception.arrived(50, u32::MAX - 79);
        reception.arrived(210, 80);
        assert_eq!(reception.report().jitter, 0);
    }

    #[test]
    fn a_constant_wobble_converges_on_itself() {
        let mut reception = proved(1);
        for packet in 0..1000_u32 {
            reception.arrived(packet * 160 + packet % 2 * 40, packet * 160);
        }
        let jitter = reception.report().jitter;
        assert!((38..=40).contains(&jitter), "{jitter}");
    }

    proptest! {
        /// However many packets are lost out of a run, the report counts them, across wraps.
        #[test]
        fn loss_is_counted(first in any::<u16>(), lost in proptest::collection::vec(any::<bool>(), 1..400)) {
            let mut reception = proved(first);
            let mut number = first;
            let mut missing = 0;
            let mut pending = 0;
            for lost in lost {
                number = number.wrapping_add(1);
                if lost {
                    pending += 1;
                } else {
                    prop_assert_eq!(reception.accept(number), Verdict::Valid);
                    missing += pending;
                    pending = 0;
                }
            }
            prop_assert_eq!(reception.report().cumulative_lost, missing);
        }
    }
}
