//! Digits as telephone events: RFC 4733.

use cordboard_core::time::Instant;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Octets of one event report.
const REPORT: usize = 4;

/// How often the report that ends an event is sent (§2.5.1.4).
const END_PACKETS: u8 = 3;

/// The longest that one segment lasts, in timestamps (§2.3.5).
const LONGEST_SEGMENT: u16 = u16::MAX;

/// Digits that wait to be sent.
pub const MAX_WAITING: usize = 64;

/// Shortest and longest digit that is sent: longer ones would need segments (§2.5.1.3).
const SHORTEST: Duration = Duration::from_millis(40);
const LONGEST: Duration = Duration::from_secs(8);

/// Quiet between two digits, beyond the repetitions of the end.
const PAUSE: Duration = Duration::from_millis(40);

/// Without an update for this long a digit is over: three times the interval recommended in §2.5.1.2, by
/// which a tone may be extended at most (§2.5.2.2).
const LOST_END: Duration = Duration::from_millis(150);

/// Within this time of a digit, earlier reports are late ones of digits before it. In timestamps of 8 kHz.
const LATE: u32 = 60 * 8000;

/// −10 dBm0, a usual volume of digits.
const VOLUME: u8 = 10;

/// A DTMF digit: `0` to `9`, `*`, `#`, `A` to `D` (§3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    const NAMES: &'static [u8; 16] = b"0123456789*#ABCD";

    /// The digit that `name` is; letters of either case.
    pub fn from_char(name: char) -> Option<Self> {
        let name = u8::try_from(name.to_ascii_uppercase()).ok()?;
        let event = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self(event as u8))
    }

    /// The digit of an event code.
    pub const fn from_event(event: u8) -> Option<Self> {
        if event < 16 { Some(Self(event)) } else { None }
    }

    /// Its event code.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// Its name.
    pub const fn as_char(self) -> char {
        Self::NAMES[self.0 as usize] as char
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

/// One report of an event (§2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which event.
    pub event: u8,
    /// The E bit.
    pub end: bool,
    /// Its power in dBm0 without the sign, 0 to 63.
    pub volume: u8,
    /// How long it has lasted, in timestamps.
    pub duration: u16,
}

impl Report {
    /// The reports in a payload, one behind the other (§2.5.1.5), each with the timestamp at which it began.
    pub fn parse_all(payload: &[u8], timestamp: u32) -> impl Iterator<Item = (u32, Self)> + '_ {
        payload.chunks_exact(REPORT).scan(timestamp, |begins, octets| {
            let report = Self {
                event: octets[0],
                end: octets[1] & 0x80 != 0,
                volume: octets[1] & 0x3f,
                duration: u16::from_be_bytes([octets[2], octets[3]]),
            };
            let begun = *begins;
            *begins = begins.wrapping_add(report.duration.into());
            Some((begun, report))
        })
    }

    /// The report as a payload.
    pub fn to_bytes(self) -> [u8; REPORT] {
        let [high, low] = self.duration.to_be_bytes();
        let end = if self.end { 0x80 } else { 0 };
        [self.event, end | self.volume.min(0x3f), high, low]
    }
}

/// What a packet that carries a digit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// Set on the first one of a digit (§2.5.1.2).
    pub marker: bool,
    /// When the digit began, the same in all its packets.
    pub timestamp: u32,
    /// The report.
    pub report: Report,
}

/// Digits on their way out.
#[derive(Clone, Debug, Default)]
pub struct DigitSender {
    waiting: VecDeque<(Digit, u16)>,
    sending: Option<Sending>,
    /// Timestamps of quiet that are left.
    pause: u32,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    digit: Digit,
    began: u32,
    elapsed: u16,
    total: u16,
    ends: u8,
}

impl DigitSender {
    /// Has `digit` sent after those before it, for `duration`, 40 ms to 8 s. `rate` is timestamps a second.
    /// `false` where [`MAX_WAITING`] digits wait already.
    pub fn press(&mut self, digit: Digit, duration: Duration, rate: u32) -> bool {
        if self.waiting.len() >= MAX_WAITING {
            return false;
        }
        let units = timestamps(duration.clamp(SHORTEST, LONGEST), rate).min(LONGEST_SEGMENT.into());
        self.waiting.push_back((digit, units as u16));
        true
    }

    /// The packet for the stretch of `length` timestamps that begins at `timestamp`; `None` where sound is
    /// to be sent. Asked once a packet time.
    pub fn next(&mut self, timestamp: u32, length: u16, rate: u32) -> Option<EventPacket> {
        if self.sending.is_none() {
            if self.pause > 0 {
                self.pause = self.pause.saturating_sub(length.into());
                return None;
            }
            let (digit, total) = self.waiting.pop_front()?;
            self.sending = Some(Sending { digit, began: timestamp, elapsed: 0, total, ends: 0 });
        }
        let sending = self.sending.as_mut()?;
        let marker = sending.elapsed == 0;
        sending.elapsed = sending.elapsed.saturating_add(length).min(sending.total);
        let end = sending.elapsed == sending.total;
        let report = Report { event: sending.digit.0, end, volume: VOLUME, duration: sending.elapsed };
        let packet = EventPacket { marker, timestamp: sending.began, report };
        sending.ends += u8::from(end);
        if sending.ends == END_PACKETS {
            self.sending = None;
            self.pause = timestamps(PAUSE, rate);
        }
        Some(packet)
    }

    /// Whether a digit is being sent, or waits.
    pub fn is_busy(&self) -> bool {
        self.sending.is_some() || !self.waiting.is_empty()
    }

    /// Forgets what waits and what is being sent; its end is then the other side's to notice.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A digit that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which one.
    pub digit: Digit,
    /// How long it lasted, in timestamps, as far as it was reported.
    pub duration: u32,
    /// Whether its end was reported; if not, all three reports of it were lost.
    pub ended: bool,
}

/// Digits on their way in: each is told once, when it is over, however its packets are lost, doubled or late.
#[derive(Clone, Debug, Default)]
pub struct DigitReceiver {
    current: Option<Segment>,
    /// The digit that was over last.
    finished: Option<Segment>,
    heard: Instant,
    done: VecDeque<Received>,
}

/// A digit's last segment (§2.5.1.3), and what came before it.
#[derive(Clone, Copy, Debug)]
struct Segment {
    digit: Digit,
    began: u32,
    duration: u16,
    /// Timestamps of the segments before.
    before: u32,
}

impl Segment {
    /// Whether a report that began at `timestamp` continues this one without a gap (§2.5.2.3).
    const fn is_continued_at(&self, digit: Digit, timestamp: u32) -> bool {
        self.duration == LONGEST_SEGMENT
            && self.digit.0 == digit.0
            && timestamp == self.began.wrapping_add(LONGEST_SEGMENT as u32)
    }

    /// Whether `timestamp` is this one's, or of one shortly before.
    const fn is_not_before(&self, timestamp: u32) -> bool {
        self.began.wrapping_sub(timestamp) <= LATE
    }

    const fn received(&self, ended: bool) -> Received {
        Received { digit: self.digit, duration: self.before.wrapping_add(self.duration as u32), ended }
    }
}

impl DigitReceiver {
    /// Takes a report of an event that began at `timestamp`. Events that are no digits, and such without a
    /// duration (§2.3.5), are ignored.
    pub fn handle(&mut self, now: Instant, timestamp: u32, report: Report) {
        let Some(digit) = Digit::from_event(report.event).filter(|_| report.duration > 0) else { return };
        self.handle_timeout(now);
        if let Some(finished) = &mut self.finished {
            if finished.is_continued_at(digit, timestamp) && self.current.is_none() {
                // More of what was given up already: not another digit (§2.5.2.2).
                *finished = Segment { began: timestamp, duration: report.duration, ..*finished };
                return;
            }
            if finished.is_not_before(timestamp) {
                if finished.began == timestamp {
                    finished.duration = finished.duration.max(report.duration);
                }
                return;
            }
        }
        match &mut self.current {
            Some(current) if current.began == timestamp && current.digit == digit => {
                current.duration = current.duration.max(report.duration);
            }
            Some(current) if current.is_continued_at(digit, timestamp) => {
                let before = current.before.wrapping_add(LONGEST_SEGMENT.into());
                *current = Segment { digit, began: timestamp, duration: report.duration, before };
            }
            Some(current) if current.is_not_before(timestamp) => return,
            _ => {
                self.finish(false);
                self.current =
                    Some(Segment { digit, began: timestamp, duration: report.duration, before: 0 });
            }
        }
        self.heard = now;
        if report.end {
            self.finish(true);
        }
    }

    /// Ends a digit whose end was lost.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.finish(false);
        }
    }

    /// When [`DigitReceiver::handle_timeout`] is wanted.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.current.map(|_| self.heard + LOST_END)
    }

    /// The next digit that is over.
    pub fn poll(&mut self) -> Option<Received> {
        self.done.pop_front()
    }

    /// Ends what is under way, because another source takes over, whose timestamps are its own.
    pub fn change_source(&mut self) {
        self.finish(false);
        self.finished = None;
    }

    fn finish(&mut self, ended: bool) {
        if let Some(current) = self.current.take() {
            self.finished = Some(current);
            // Whoever does not ask for digits does not get more than these.
            if self.done.len() < MAX_WAITING {
                self.done.push_back(current.received(ended));
            }
        }
    }
}

/// `time` in timestamps, `rate` a second.
fn timestamps(time: Duration, rate: u32) -> u32 {
    u32::try_from(time.as_millis().saturating_mul(rate.into()) / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::dice::Dice;
    use proptest::prelude::*;

    fn digit(name: char) -> Digit {
        Digit::from_char(name).unwrap()
    }

    /// All packets of `text`, each with the timestamp of the stretch that it was sent in.
    fn sent(text: &str, milliseconds: u64) -> Vec<(u32, EventPacket)> {
        let mut sender = DigitSender::default();
        for name in text.chars() {
            assert!(sender.press(digit(name), Duration::from_millis(milliseconds), 8000));
        }
        let packets = (0..10_000_u32).map(|tick| tick.wrapping_mul(160).wrapping_sub(800));
        let all: Vec<_> =
            packets.filter_map(|at| sender.next(at, 160, 8000).map(|packet| (at, packet))).collect();
        assert!(!sender.is_busy());
        all
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(milliseconds * 1000)
    }

    fn report(name: char, end: bool, duration: u16) -> Report {
        Report { event: digit(name).event(), end, volume: 10, duration }
    }

    fn over(receiver: &mut DigitReceiver, now: Instant) -> Vec<(char, u32, bool)> {
        receiver.handle_timeout(now);
        std::iter::from_fn(|| receiver.poll())
            .map(|received| (received.digit.as_char(), received.duration, received.ended))
            .collect()
    }

    #[test]
    fn digits_have_the_codes_of_the_table() {
        let text: String = (0..16).map(|event| Digit::from_event(event).unwrap().as_char()).collect();
        assert_eq!(text, "0123456789*#ABCD");
        assert_eq!(Digit::from_char('a').map(Digit::event), Some(12));
        assert_eq!((Digit::from_char('E'), Digit::from_event(16)), (None, None));
    }

    /// The packets of "911" in table 5 of §5: milliseconds, timestamp, event, duration, E.
    const TABLE_5: [(u64, u32, u8, u16, bool); 20] = [
        (50, 0, 9, 400, false),
        (100, 0, 9, 800, false),
        (150, 0, 9, 1200, false),
        (200, 0, 9, 1600, false),
        (250, 0, 9, 1600, true),
        (300, 0, 9, 1600, true),
        (930, 7040, 1, 400, false),
        (980, 7040, 1, 800, false),
        (1030, 7040, 1, 1200, false),
        (1080, 7040, 1, 1600, false),
        (1130, 7040, 1, 2000, false),
        (1180, 7040, 1, 2000, true),
        (1230, 7040, 1, 2000, true),
        (1450, 11_200, 1, 400, false),
        (1500, 11_200, 1, 800, false),
        (1550, 11_200, 1, 1200, false),
        (1600, 11_200, 1, 1600, false),
        (1650, 11_200, 1, 1760, true),
        (1700, 11_200, 1, 1760, true),
        (1750, 11_200, 1, 1760, true),
    ];

    #[test]
    fn the_example_of_the_rfc_is_911() {
        let mut receiver = DigitReceiver::default();
        for (milliseconds, timestamp, event, duration, end) in TABLE_5 {
            receiver.handle(at(milliseconds), timestamp, Report { event, end, volume: 0, duration });
        }
        let expected = [('9', 1600, true), ('1', 2000, true), ('1', 1760, true)];
        assert_eq!(over(&mut receiver, at(1750)), expected);
    }

    /// Figure 1 of §2.3, with the end of the first digit of table 5 at −7 dBm0.
    #[test]
    fn the_octets_are_those_of_the_figure() {
        let report = Report { event: 9, end: true, volume: 7, duration: 1600 };
        assert_eq!(report.to_bytes(), [9, 0x87, 0x06, 0x40]);
        assert_eq!(Report::parse_all(&report.to_bytes(), 5).collect::<Vec<_>>(), [(5, report)]);
        let both = [report.to_bytes(), report.to_bytes()].concat();
        let begun: Vec<u32> = Report::parse_all(&both, u32::MAX).map(|(begun, _)| begun).collect();
        assert_eq!(begun, [u32::MAX, 1599], "contiguous, §2.5.2.4");
        assert_eq!(Report::parse_all(&[9, 0x47], 0).count(), 0);
    }

    #[test]
    fn a_digit_begins_marked_grows_and_ends_three_times() {
        let packets = sent("5", 100);
        let start = packets[0].0;
        let facts: Vec<_> = packets
            .iter()
            .map(|(_, packet)| (packet.marker, packet.report.end, packet.report.duration))
            .collect();
        assert_eq!(
            facts,
            [
                (true, false, 160),
                (false, false, 320),
                (false, false, 480),
                (false, false, 640),
                (false, true, 800),
                (false, true, 800),
                (false, true, 800),
            ]
        );
        assert!(packets.iter().all(|(_, packet)| packet.timestamp == start && packet.report.event == 5));
        assert!(packets.windows(2).all(|pair| pair[1].0 == pair[0].0.wrapping_add(160)));
    }

    #[test]
    fn digits_are_apart_and_in_order() {
        let packets = sent("12", 50);
        let first: Vec<_> = packets.iter().filter(|(_, packet)| packet.marker).collect();
        assert_eq!(first.len(), 2);
        let gap = first[1].1.timestamp.wrapping_sub(first[0].1.timestamp);
        assert!(gap >= 400 + 320, "{gap} timestamps from one beginning to the next");
        assert_eq!(packets[2].1.report.duration, 400, "a duration that is no multiple of packets");
    }

    #[test]
    fn no_more_than_so_many_wait() {
        let mut sender = DigitSender::default();
        let pressed = (0..100).filter(|_| sender.press(digit('1'), Duration::ZERO, 8000)).count();
        assert_eq!(pressed, MAX_WAITING);
        sender.clear();
        assert!(!sender.is_busy());
    }

    #[test]
    fn a_digit_is_told_once() {
        let mut receiver = DigitReceiver::default();
        for (time, (_, packet)) in sent("7", 100).into_iter().enumerate() {
            receiver.handle(at(time as u64 * 20), packet.timestamp, packet.report);
        }
        assert_eq!(over(&mut receiver, at(5000)), [('7', 800, true)]);
    }

    #[test]
    fn a_lost_end_is_noticed() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 0, report('7', false, 160));
        receiver.handle(at(20), 0, report('7', false, 320));
        assert_eq!(receiver.poll_timeout(), Some(at(170)));
        assert_eq!(over(&mut receiver, at(169)), []);
        assert_eq!(over(&mut receiver, at(170)), [('7', 320, false)]);
        receiver.handle(at(200), 0, report('7', true, 800));
        assert_eq!(over(&mut receiver, at(5000)), [], "late news of it are not another digit");
    }

    #[test]
    fn the_next_digit_ends_the_one_before() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 0, report('7', false, 160));
        receiver.handle(at(40), 8000, report('7', false, 160));
        receiver.handle(at(50), 0, report('7', true, 800));
        receiver.handle(at(60), 8000, report('7', true, 320));
        assert_eq!(over(&mut receiver, at(60)), [('7', 160, false), ('7', 320, true)]);
    }

    #[test]
    fn a_long_digit_in_segments_is_one() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 100, report('1', false, 0xffff));
        receiver.handle(at(20), 100 + 0xffff, report('1', false, 160));
        receiver.handle(at(40), 100 + 0xffff, report('1', true, 320));
        assert_eq!(over(&mut receiver, at(5000)), [('1', 0xffff + 320, true)]);
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 100, report('1', false, 0xffff));
        assert_eq!(over(&mut receiver, at(1000)), [('1', 0xffff, false)]);
        receiver.handle(at(1100), 100 + 0xffff, report('1', true, 320));
        assert_eq!(over(&mut receiver, at(5000)), [], "nor after it was given up");
    }

    #[test]
    fn what_is_no_digit_or_has_no_duration_is_ignored() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 0, Report { event: 16, ..report('1', true, 160) });
        receiver.handle(at(0), 0, report('1', true, 0));
        assert_eq!(over(&mut receiver, at(5000)), []);
    }

    #[test]
    fn a_jump_of_timestamps_does_not_deafen() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(at(0), 1_000_000_000, report('1', true, 160));
        receiver.handle(at(9000), 5000, report('2', true, 160));
        assert_eq!(over(&mut receiver, at(9000)), [('1', 160, true), ('2', 160, true)]);
    }

    proptest! {
        /// As long as one packet of each digit arrives, each is told once and in order, whatever is lost,
        /// doubled or swapped with a neighbour.
        #[test]
        fn weather_neither_loses_nor_doubles_digits(seed in any::<u64>(), text in "[0-9*#A-D]{1,12}") {
            let mut dice = Dice::new([3; 32], seed);
            let packets = sent(&text, 100);
            let mut wire: Vec<(u64, EventPacket)> = Vec::new();
            let starts = packets.iter().map(|(_, packet)| packet.timestamp).collect::<Vec<_>>();
            for (index, (time, packet)) in packets.iter().enumerate() {
                let milliseconds = u64::from(time.wrapping_add(800)) / 8;
                let is_only_hope = starts[index + 1..].first() != Some(&packet.timestamp)
                    && !wire.iter().any(|(_, sent)| sent.timestamp == packet.timestamp);
                if dice.below(3) == 0 && !is_only_hope {
                    continue;
                }
                for _ in 0..=dice.below(2) {
                    wire.push((milliseconds + dice.below(45), *packet));
                }
            }
            wire.sort_by_key(|(milliseconds, _)| *milliseconds);
            let mut receiver = DigitReceiver::default();
            for (milliseconds, packet) in wire {
                receiver.handle(at(milliseconds), packet.timestamp, packet.report);
            }
            let heard: String = over(&mut receiver, at(1_000_000)).iter().map(|(name, _, _)| *name).collect();
            prop_assert_eq!(heard, text);
        }
    }
}
