//! RTCP: sender and receiver reports, source descriptions and goodbyes, in compounds (RFC 3550 §6.1, §6.4 to §6.6).

use rtcp_types::{
    Bye, Compound as Packets, Packet, ReceiverReport, ReceiverReportBuilder, ReportBlock as Block,
    ReportBlockBuilder, RtcpPacketWriterExt, RtcpParseError, Sdes, SdesChunk, SdesItem, SenderReport,
    SenderReportBuilder,
};
use std::time::Duration;

use crate::reception::Statistics;

/// Most sources that one report can speak of (§6.4.1).
pub const MAX_BLOCKS: usize = 31;

/// Longest CNAME, and longest reason of a goodbye, in octets (§6.5, §6.6).
pub const MAX_TEXT: usize = 255;

/// Most items that are read out of one datagram.
const MAX_ITEMS: usize = 64;

const PADDING_BIT: u8 = 0x20;

/// Why bytes are no RTCP datagram (Appendix A.2).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A packet in it cannot be read, or the lengths do not add up.
    #[error("this is no RTCP: {0}")]
    Packet(#[from] RtcpParseError),
    /// It does not begin with a report, without padding.
    #[error("a compound RTCP packet begins with a report")]
    Order,
}

/// What a sender says of itself (§6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// The time of the report in units of 2^-32 seconds: since 1900, or since some start of the sender's.
    pub ntp: u64,
    /// The same time as an RTP timestamp.
    pub timestamp: u32,
    /// RTP packets sent.
    pub packets: u32,
    /// Octets of payload sent.
    pub octets: u32,
}

/// What a receiver says of a source (§6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Loss and jitter.
    pub statistics: Statistics,
    /// The middle 32 bits of `ntp` in the last report of the source; 0 if there was none (LSR).
    pub last_report: u32,
    /// Time since that one arrived, in 1/65,536 seconds (DLSR).
    pub delay: u32,
}

impl ReportBlock {
    /// The round trip, for the source that gets this block at the time `ntp` of its own clock (§6.4.1).
    /// `None` if nothing was echoed, or what was is of no report of the last hours.
    pub fn round_trip(&self, ntp: u64) -> Option<Duration> {
        if self.last_report == 0 {
            return None;
        }
        let units = middle(ntp).wrapping_sub(self.last_report).wrapping_sub(self.delay);
        // A negative round trip, of clocks that disagree or of a report made up.
        (units.cast_signed() >= 0).then(|| from_units(units))
    }
}

/// The middle 32 bits of an NTP time.
pub const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A duration in 1/65,536 seconds.
pub fn to_units(time: Duration) -> u32 {
    u32::try_from(time.as_micros().saturating_mul(65_536) / 1_000_000).unwrap_or(u32::MAX)
}

/// A duration as an NTP time.
pub fn to_ntp(time: Duration) -> u64 {
    (time.as_secs() << 32) | ((u64::from(time.subsec_nanos()) << 32) / 1_000_000_000)
}

fn from_units(units: u32) -> Duration {
    Duration::from_micros(u64::from(units) * 1_000_000 / 65_536)
}

/// What a datagram says, packet by packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// SR or RR: `sender` is there in the former.
    Report {
        /// Who reports.
        ssrc: u32,
        /// What it sent.
        sender: Option<SenderInfo>,
        /// What it received.
        blocks: Vec<ReportBlock>,
    },
    /// A source's CNAME, from SDES. Other descriptions are skipped.
    Name {
        /// The source.
        ssrc: u32,
        /// Its name, as octets that should be UTF-8.
        cname: Vec<u8>,
    },
    /// BYE.
    Bye {
        /// Who leaves.
        ssrcs: Vec<u32>,
    },
}

/// Reads a datagram. Packets of types that are not spoken of here are skipped (§6.1).
///
/// # Errors
///
/// [`Malformed`] if any packet in it is, for then nothing in it is to be trusted.
pub fn parse(bytes: &[u8]) -> Result<Vec<Item>, Malformed> {
    // Appendix A.2: the padding, if any, is in the last packet.
    if bytes.first().is_some_and(|first| first & PADDING_BIT != 0) {
        return Err(Malformed::Order);
    }
    let mut items = Vec::new();
    for (index, packet) in Packets::parse(bytes)?.enumerate() {
        let packet = packet?;
        if index == 0 && !matches!(packet, Packet::Sr(_) | Packet::Rr(_)) {
            return Err(Malformed::Order);
        }
        match packet {
            Packet::Sr(report) => {
                let sender = SenderInfo {
                    ntp: report.ntp_timestamp(),
                    timestamp: report.rtp_timestamp(),
                    packets: report.packet_count(),
                    octets: report.octet_count(),
                };
                let blocks = report.report_blocks().map(|block| read(&block)).collect();
                items.push(Item::Report { ssrc: report.ssrc(), sender: Some(sender), blocks });
            }
            Packet::Rr(report) => {
                let blocks = report.report_blocks().map(|block| read(&block)).collect();
                items.push(Item::Report { ssrc: report.ssrc(), sender: None, blocks });
            }
            Packet::Sdes(description) => {
                for chunk in description.chunks() {
                    let name = chunk.items().find(|item| item.type_() == SdesItem::CNAME);
                    items.extend(
                        name.map(|name| Item::Name { ssrc: chunk.ssrc(), cname: name.value().to_vec() }),
                    );
                }
            }
            Packet::Bye(bye) => items.push(Item::Bye { ssrcs: bye.ssrcs().collect() }),
            _ => {}
        }
    }
    items.truncate(MAX_ITEMS);
    Ok(items)
}

/// A datagram to be sent: a report, our CNAME, and at the end a goodbye.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    /// Who reports: we.
    pub ssrc: u32,
    /// What we sent, if we did since the report before the last one (§6.4).
    pub sender: Option<SenderInfo>,
    /// What we received: the first [`MAX_BLOCKS`] are told.
    pub blocks: &'a [ReportBlock],
    /// Our name, of which [`MAX_TEXT`] octets are told.
    pub cname: &'a str,
    /// Whether we leave.
    pub bye: bool,
}

impl Compound<'_> {
    /// The datagram.
    pub fn to_bytes(&self) -> Vec<u8> {
        let blocks = self.blocks.iter().take(MAX_BLOCKS).map(write);
        let packets = Packets::builder();
        let packets = if let Some(sender) = self.sender {
            let report = SenderReport::builder(self.ssrc)
                .ntp_timestamp(sender.ntp)
                .rtp_timestamp(sender.timestamp)
                .packet_count(sender.packets)
                .octet_count(sender.octets);
            packets.add_packet(blocks.fold(report, SenderReportBuilder::add_report_block))
        } else {
            let report = ReceiverReport::builder(self.ssrc);
            packets.add_packet(blocks.fold(report, ReceiverReportBuilder::add_report_block))
        };
        let cname = SdesItem::builder(SdesItem::CNAME, clipped(self.cname));
        let chunk = SdesChunk::builder(self.ssrc).add_item(cname);
        let mut packets = packets.add_packet(Sdes::builder().add_chunk(chunk));
        if self.bye {
            packets = packets.add_packet(Bye::builder().add_source(self.ssrc));
        }
        // A report with 31 blocks, a name and a goodbye are well below this.
        let mut bytes = vec![0; 2048];
        let length =
            packets.write_into(&mut bytes).expect("everything in it was cut to what its field holds");
        bytes.truncate(length);
        bytes
    }
}

/// The beginning of `text` that has a place in SDES.
fn clipped(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn read(block: &Block<'_>) -> ReportBlock {
    ReportBlock {
        ssrc: block.ssrc(),
        statistics: Statistics {
            fraction_lost: block.fraction_lost(),
            // 24 bits with a sign.
            cumulative_lost: (block.cumulative_lost() << 8).cast_signed() >> 8,
            highest: block.extended_sequence_number(),
            jitter: block.interarrival_jitter(),
        },
        last_report: block.last_sender_report_timestamp(),
        delay: block.delay_since_last_sender_report_timestamp(),
    }
}

fn write(block: &ReportBlock) -> ReportBlockBuilder {
    let lost = block.statistics.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
    Block::builder(block.ssrc)
        .fraction_lost(block.statistics.fraction_lost)
        .cumulative_lost(lost.cast_unsigned() & 0xff_ffff)
        .extended_sequence_number(block.statistics.highest)
        .interarrival_jitter(block.statistics.jitter)
        .last_sender_report_timestamp(block.last_report)
        .delay_since_last_sender_report_timestamp(block.delay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(ssrc: u32, cumulative_lost: i32) -> ReportBlock {
        let statistics = Statistics { fraction_lost: 64, cumulative_lost, highest: 0x1_0002, jitter: 7 };
        ReportBlock { ssrc, statistics, last_report: 0xb705_2000, delay: 0x5_4000 }
    }

    /// Written by hand from the figures of §6.4.2, §6.5 and §6.6.
    #[test]
    fn the_octets_are_those_of_the_figures() {
        let compound =
            Compound { ssrc: 0x0102_0304, sender: None, blocks: &[block(9, -2)], cname: "a@b", bye: true };
        #[rustfmt::skip]
        let expected = [
            0x81, 201, 0, 7, 1, 2, 3, 4,
            0, 0, 0, 9, 64, 0xff, 0xff, 0xfe, 0, 1, 0, 2, 0, 0, 0, 7, 0xb7, 0x05, 0x20, 0x00, 0, 5, 0x40, 0,
            0x81, 202, 0, 3, 1, 2, 3, 4, 1, 3, b'a', b'@', b'b', 0, 0, 0,
            0x81, 203, 0, 1, 1, 2, 3, 4,
        ];
        assert_eq!(compound.to_bytes(), expected);
        assert_eq!(
            parse(&expected).unwrap(),
            [
                Item::Report { ssrc: 0x0102_0304, sender: None, blocks: vec![block(9, -2)] },
                Item::Name { ssrc: 0x0102_0304, cname: b"a@b".to_vec() },
                Item::Bye { ssrcs: vec![0x0102_0304] },
            ]
        );
    }

    /// §6.4.1, figure 2: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 5.25 s make 6.125 s.
    #[test]
    fn the_round_trip_is_that_of_figure_2() {
        assert_eq!(block(1, 0).round_trip(0xb710_8000 << 16), Some(Duration::from_millis(6125)));
        assert_eq!(ReportBlock { last_report: 0, ..block(1, 0) }.round_trip(1 << 40), None);
        assert_eq!(block(1, 0).round_trip(0xb70a_0000 << 16), None, "before it can have been");
    }

    #[test]
    fn times_have_their_units() {
        assert_eq!(to_ntp(Duration::from_millis(1500)), 0x1_8000_0000);
        assert_eq!(middle(0x1234_5678_9abc_def0), 0x5678_9abc);
        assert_eq!(to_units(Duration::from_millis(5250)), 0x5_4000);
        assert_eq!(from_units(0x5_4000), Duration::from_millis(5250));
    }

    #[test]
    fn a_compound_begins_with_a_report_and_is_whole() {
        let compound =
            Compound { ssrc: 1, sender: Some(SenderInfo::default()), blocks: &[], cname: "n", bye: false };
        let bytes = compound.to_bytes();
        assert_eq!(parse(&bytes[28..]), Err(Malformed::Order), "SDES alone");
        assert!(matches!(parse(&bytes[..bytes.len() - 1]), Err(Malformed::Packet(_))));
        assert!(parse(&[]).is_err());
        let mut padded = bytes.clone();
        padded[0] |= PADDING_BIT;
        assert_eq!(parse(&padded), Err(Malformed::Order));
        let mut unknown = bytes;
        unknown.extend([0x80, 199, 0, 0]);
        assert_eq!(parse(&unknown).unwrap().len(), 2, "unknown types are skipped");
    }

    #[test]
    fn names_are_cut_to_their_field() {
        let cname = "ä".repeat(200);
        let blocks = [block(1, 0); 40];
        let compound = Compound { ssrc: 1, sender: None, blocks: &blocks, cname: &cname, bye: false };
        let items = parse(&compound.to_bytes()).unwrap();
        assert!(matches!(&items[0], Item::Report { blocks, .. } if blocks.len() == MAX_BLOCKS));
        assert!(matches!(&items[1], Item::Name { cname, .. } if cname.len() == 254));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
            types in proptest::collection::vec(199_u8..=207, 1..4),
        ) {
            let _ = parse(&bytes);
            // Near misses: versions, types and lengths that fit.
            let mut near = Vec::new();
            for kind in types {
                bytes.truncate(bytes.len() / 4 * 4);
                near.extend([0x80 | bytes.first().map_or(0, |byte| byte & 0x1f), kind, 0, (bytes.len() / 4) as u8]);
                near.extend(&bytes);
            }
            let _ = parse(&near);
        }

        #[test]
        fn what_is_written_reads_back(
            ssrc in any::<u32>(),
            sender in proptest::option::of((any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>())),
            lost in proptest::collection::vec(-0x80_0000..=0x7f_ffff_i32, 0..=MAX_BLOCKS),
            cname in "[a-z@.]{0,40}",
            bye in any::<bool>(),
        ) {
            let sender = sender.map(|(ntp, timestamp, packets, octets)| SenderInfo { ntp, timestamp, packets, octets });
            let blocks: Vec<_> = lost.into_iter().map(|lost| block(ssrc ^ 1, lost)).collect();
            let items = parse(&Compound { ssrc, sender, blocks: &blocks, cname: &cname, bye }.to_bytes()).unwrap();
            prop_assert_eq!(&items[0], &Item::Report { ssrc, sender, blocks });
            prop_assert_eq!(&items[1], &Item::Name { ssrc, cname: cname.into_bytes() });
            prop_assert_eq!(items.len(), if bye { 3 } else { 2 });
        }
    }
}
