//! What we send: sound or digits in packets, one sequence of numbers and timestamps for both (RFC 4733 §2.5.1.2).

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;

use crate::rtcp::SenderInfo;
use crate::rtp::Packet;
use crate::telephone_event::EventPacket;

/// A synchronisation source: we.
#[derive(Clone, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence_number: u16,
    /// Of the sample at `reference`.
    timestamp: u32,
    reference: Instant,
    packets: u32,
    octets: u32,
    /// Whether the packet before this one was sent, so that this one does not begin a talkspurt.
    is_talking: bool,
    /// Whether we sent since the last report, and between that one and the one before.
    sent_since: [bool; 2],
}

impl Sender {
    /// A source with numbers drawn by chance (RFC 3550 §5.1) that begins at `reference`.
    pub fn new(reference: Instant, dice: &mut Dice) -> Self {
        let bits = dice.bits();
        Self {
            ssrc: (bits >> 32) as u32,
            sequence_number: bits as u16,
            timestamp: dice.bits() as u32,
            reference,
            packets: 0,
            octets: 0,
            is_talking: false,
            sent_since: [false; 2],
        }
    }

    /// Who we are.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of what is sampled next.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Time goes on: the sample at `reference` is `length` timestamps after the one that was there.
    pub fn advance(&mut self, reference: Instant, length: u32) {
        self.timestamp = self.timestamp.wrapping_add(length);
        self.reference = reference;
    }

    /// Nothing is sent for this packet time, so that the next packet begins a talkspurt (RFC 3551 §4.1).
    pub fn pause(&mut self) {
        self.is_talking = false;
    }

    /// A packet of sound.
    pub fn sound(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let marker = !std::mem::replace(&mut self.is_talking, true);
        self.packet(marker, payload_type, self.timestamp, payload)
    }

    /// A packet of a digit.
    pub fn event(&mut self, payload_type: u8, event: EventPacket) -> Vec<u8> {
        self.packet(event.marker, payload_type, event.timestamp, &event.report.to_bytes())
    }

    /// Whether we ever sent anything.
    pub const fn has_sent(&self) -> bool {
        self.packets > 0
    }

    /// Whether we sent since the report before the last one: then we report as a sender (RFC 3550 §6.4).
    pub const fn sent_lately(&self) -> bool {
        self.sent_since[0] || self.sent_since[1]
    }

    /// A report was made.
    pub fn reported(&mut self) {
        self.sent_since = [false, self.sent_since[0]];
    }

    /// What we say of ourselves at `now`, which is `ntp` on the wall; `rate` is timestamps a second.
    pub fn info(&self, now: Instant, ntp: u64, rate: u32) -> SenderInfo {
        let ticks = |time: std::time::Duration| (time.as_micros() * u128::from(rate) / 1_000_000) as u32;
        let timestamp = self
            .timestamp
            .wrapping_add(ticks(now - self.reference))
            .wrapping_sub(ticks(self.reference - now));
        SenderInfo { ntp, timestamp, packets: self.packets, octets: self.octets }
    }

    /// Takes another name, because somebody else has ours (RFC 3550 §8.2): as from the start, §6.4.1.
    pub fn rename(&mut self, taken: impl Fn(u32) -> bool, dice: &mut Dice) {
        let mut ssrc = dice.bits() as u32;
        while ssrc == self.ssrc || taken(ssrc) {
            ssrc = dice.bits() as u32;
        }
        *self =
            Self { ssrc, packets: 0, octets: 0, is_talking: false, sent_since: [false; 2], ..self.clone() };
    }

    fn packet(&mut self, marker: bool, payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let packet = Packet {
            marker,
            payload_type,
            sequence_number: self.sequence_number,
            timestamp,
            ssrc: self.ssrc,
            payload,
            ..Packet::default()
        };
        let mut bytes = Vec::with_capacity(crate::rtp::FIXED_HEADER + payload.len());
        packet.write(&mut bytes);
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        self.sent_since[0] = true;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephone_event::Report;
    use std::time::Duration;

    fn sender() -> Sender {
        Sender::new(Instant::START, &mut Dice::new([5; 32], 0))
    }

    fn read(bytes: &[u8]) -> (bool, u8, u16, u32) {
        let packet = Packet::parse(bytes).unwrap();
        (packet.marker, packet.payload_type, packet.sequence_number, packet.timestamp)
    }

    #[test]
    fn sound_and_digits_share_their_numbers() {
        let mut sender = sender();
        let (first, start) = (sender.sequence_number, sender.timestamp);
        assert_eq!(read(&sender.sound(0, &[0; 160])), (true, 0, first, start));
        sender.advance(Instant::from_micros(20_000), 160);
        let report = Report { event: 1, end: false, volume: 0, duration: 160 };
        let event = EventPacket { marker: true, timestamp: start + 160, report };
        assert_eq!(read(&sender.event(101, event)), (true, 101, first.wrapping_add(1), start + 160));
        sender.advance(Instant::from_micros(40_000), 160);
        assert_eq!(read(&sender.sound(0, &[0; 160])), (false, 0, first.wrapping_add(2), start + 320));
        let info = sender.info(Instant::from_micros(45_000), 77, 8000);
        assert_eq!(info, SenderInfo { ntp: 77, timestamp: start + 320 + 40, packets: 3, octets: 324 });
        let early = sender.info(Instant::from_micros(35_000), 77, 8000);
        assert_eq!(early.timestamp, start + 320 - 40);
    }

    #[test]
    fn a_pause_ends_a_talkspurt_and_time_goes_on() {
        let mut sender = sender();
        let start = sender.timestamp;
        sender.sound(0, &[]);
        sender.pause();
        sender.advance(Instant::START + Duration::from_secs(1), 8000);
        let (marker, _, _, timestamp) = read(&sender.sound(0, &[]));
        assert_eq!((marker, timestamp), (true, start.wrapping_add(8000)));
    }

    #[test]
    fn who_sent_is_a_sender_for_two_reports() {
        let mut sender = sender();
        assert!(!sender.sent_lately() && !sender.has_sent());
        sender.sound(0, &[]);
        assert!(sender.sent_lately());
        sender.reported();
        assert!(sender.sent_lately());
        sender.reported();
        assert!(!sender.sent_lately() && sender.has_sent());
    }

    #[test]
    fn another_name_is_nobody_elses() {
        let mut sender = sender();
        sender.sound(0, &[0; 10]);
        let (before, timestamp) = (sender.ssrc(), sender.timestamp());
        let first = Dice::new([6; 32], 0).bits() as u32;
        sender.rename(|ssrc| ssrc == first, &mut Dice::new([6; 32], 0));
        assert!(sender.ssrc() != before && sender.ssrc() != first);
        assert_eq!(sender.info(Instant::START, 0, 8000), SenderInfo { timestamp, ..SenderInfo::default() });
    }
}
