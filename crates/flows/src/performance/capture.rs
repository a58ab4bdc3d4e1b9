//! Performances as a packet capture: every message after decryption as plain SIP, so that any other tool can judge it.
//!
//! The format is that of libpcap, with microseconds, and Ethernet as the loopback interface has it. Over UDP each
//! message is a datagram; what went over a stream of any kind is a TCP connection between the two actors.

use super::{House, Performance};
use cordboard_core::transport::Transport;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
/// Longer than any frame.
const SNAP_LENGTH: u32 = 262_144;
const ETHERNET: u32 = 1;
/// No addresses on the loopback interface, and the type of version 4 of IP.
const LINK_HEADER: [u8; 14] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00];

const TCP: u8 = 6;
const UDP: u8 = 17;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x08;

/// What one segment carries at most.
const SEGMENT: usize = 32_768;
/// Where plain SIP is looked for (RFC 3261 §18.1.1): whatever was decrypted or unwrapped goes there.
const PLAIN_PORT: u16 = 5060;
/// Between two performances in virtual time.
const BETWEEN: Duration = Duration::from_secs(1);

/// Frames, with the time of each since 1970.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    frames: Vec<(Duration, Vec<u8>)>,
    /// Where the next performance in virtual time begins.
    next: Duration,
}

/// A connection as it is captured: how far each side has come.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    sent: [u32; 2],
}

impl Capture {
    /// Adds what passed in a performance.
    pub fn add(&mut self, performance: &Performance) {
        let transport = performance.terms.transport;
        let began = match performance.terms.house {
            House::Sockets | House::Through(_) => performance.began,
            House::Simulated => {
                let began = self.next;
                self.next += performance.took + BETWEEN;
                began
            }
        };
        let at = |name: &str| {
            let actors = performance.actors.iter();
            actors.filter(|(actor, _)| actor == name).find_map(|(_, at)| plain(transport, *at))
        };
        let mut connections = BTreeMap::new();
        for message in &performance.observed.messages {
            let (Some(from), Some(to)) = (at(&message.from), at(&message.to)) else { continue };
            let when = began + message.at;
            if transport == Transport::Udp {
                self.frames.push((when, datagram(from, to, &message.bytes)));
            } else {
                let frames = segments(&mut connections, from, to, &message.bytes);
                self.frames.extend(frames.into_iter().map(|frame| (when, frame)));
            }
        }
    }

    /// Writes a file of it.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut frames: Vec<&(Duration, Vec<u8>)> = self.frames.iter().collect();
        frames.sort_by_key(|(when, _)| *when);
        out.write_all(&MAGIC.to_le_bytes())?;
        for part in VERSION {
            out.write_all(&part.to_le_bytes())?;
        }
        // The time zone, and how exact the times are: nobody writes anything else.
        out.write_all(&[0; 8])?;
        out.write_all(&SNAP_LENGTH.to_le_bytes())?;
        out.write_all(&ETHERNET.to_le_bytes())?;
        for (when, frame) in frames {
            let length = u32::try_from(frame.len()).unwrap_or(SNAP_LENGTH);
            let seconds = u32::try_from(when.as_secs()).unwrap_or(u32::MAX);
            for number in [seconds, when.subsec_micros(), length, length] {
                out.write_all(&number.to_le_bytes())?;
            }
            out.write_all(frame)?;
        }
        out.flush()
    }
}

/// Where an actor is found in the capture.
fn plain(transport: Transport, at: SocketAddr) -> Option<SocketAddrV4> {
    let SocketAddr::V4(at) = at else { return None };
    match transport {
        Transport::Udp | Transport::Tcp => Some(at),
        Transport::Tls | Transport::Ws | Transport::Wss => Some(SocketAddrV4::new(*at.ip(), PLAIN_PORT)),
    }
}

fn datagram(from: SocketAddrV4, to: SocketAddrV4, bytes: &[u8]) -> Vec<u8> {
    let mut udp = Vec::with_capacity(8 + bytes.len());
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(((8 + bytes.len()) as u16).to_be_bytes());
    udp.extend([0; 2]);
    udp.extend(bytes);
    // RFC 768: none is written as zero, and so zero as its other form.
    let sum = match transport_checksum(*from.ip(), *to.ip(), UDP, &udp) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    frame(*from.ip(), *to.ip(), UDP, &udp)
}

/// The segments of one message, and before the first of a connection those that make it.
fn segments(
    connections: &mut BTreeMap<[SocketAddrV4; 2], Connection>,
    from: SocketAddrV4,
    to: SocketAddrV4,
    bytes: &[u8],
) -> Vec<Vec<u8>> {
    let ends = [from.min(to), from.max(to)];
    let side = usize::from(from > to);
    let mut frames = Vec::new();
    let connection = connections.entry(ends).or_insert_with(|| {
        frames.push(segment(from, to, [0, 0], SYN, &[]));
        frames.push(segment(to, from, [0, 1], SYN | ACK, &[]));
        frames.push(segment(from, to, [1, 1], ACK, &[]));
        Connection { sent: [1, 1] }
    });
    for part in bytes.chunks(SEGMENT) {
        let numbers = [connection.sent[side], connection.sent[1 - side]];
        frames.push(segment(from, to, numbers, PUSH | ACK, part));
        connection.sent[side] = connection.sent[side].wrapping_add(part.len() as u32);
    }
    frames
}

fn segment(
    from: SocketAddrV4,
    to: SocketAddrV4,
    [sequence, acknowledged]: [u32; 2],
    flags: u8,
    bytes: &[u8],
) -> Vec<u8> {
    let mut tcp = Vec::with_capacity(20 + bytes.len());
    tcp.extend(from.port().to_be_bytes());
    tcp.extend(to.port().to_be_bytes());
    tcp.extend(sequence.to_be_bytes());
    tcp.extend(acknowledged.to_be_bytes());
    // Five words of header; a window as large as it can be.
    tcp.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend(bytes);
    let sum = transport_checksum(*from.ip(), *to.ip(), TCP, &tcp);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    frame(*from.ip(), *to.ip(), TCP, &tcp)
}

/// RFC 791 §3.1, behind the header of the link.
fn frame(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = ((20 + payload.len()) as u16).to_be_bytes();
    let mut header = vec![0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    [&LINK_HEADER[..], &header, payload].concat()
}

/// With the pseudo header of RFC 768 and RFC 793 §3.1.
fn transport_checksum(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> u16 {
    let length = (payload.len() as u16).to_be_bytes();
    checksum(&[&from.octets(), &to.octets(), &[0, protocol], &length, payload])
}

/// RFC 1071; every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = 0;
    for word in words {
        let low = word.get(1).copied().unwrap_or_default();
        sum += u32::from(u16::from_be_bytes([word[0], low]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::super::Terms;
    use super::*;
    use crate::catalogue;

    const ONE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, 1), 5060);
    const OTHER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, 2), 5061);

    /// RFC 1071 §3.
    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
    }

    /// What is whole sums up to nothing.
    #[test]
    fn checksums_are_right() {
        for length in [0, 1, 2, 321] {
            let bytes = vec![0xa5; length];
            for (frame, protocol) in
                [(datagram(ONE, OTHER, &bytes), UDP), (segment(ONE, OTHER, [7, 9], PUSH | ACK, &bytes), TCP)]
            {
                let (header, payload) = frame[LINK_HEADER.len()..].split_at(20);
                assert_eq!(checksum(&[header]), 0);
                assert_eq!(transport_checksum(*ONE.ip(), *OTHER.ip(), protocol, payload), 0, "{protocol}");
                assert!(payload.ends_with(&bytes));
            }
        }
    }

    #[test]
    fn a_connection_is_made_once_and_counts_its_octets() {
        let mut connections = BTreeMap::new();
        assert_eq!(segments(&mut connections, ONE, OTHER, b"hello").len(), 4);
        let back = segments(&mut connections, OTHER, ONE, b"hi");
        let numbers = |frame: &[u8]| {
            let tcp = &frame[LINK_HEADER.len() + 20..];
            [&tcp[4..8], &tcp[8..12]].map(|four| u32::from_be_bytes(four.try_into().unwrap()))
        };
        assert_eq!(back.iter().map(|frame| numbers(frame)).collect::<Vec<_>>(), [[1, 6]]);
        assert_eq!(numbers(&segments(&mut connections, ONE, OTHER, b"again")[0]), [6, 3]);
    }

    #[test]
    fn every_message_is_captured_in_the_order_of_time() {
        let flow = catalogue::find("3665-3.1").expect("it is in the catalogue");
        let terms = Terms { house: House::Simulated, transport: Transport::Udp, loss: 0, seed: 1 };
        let done = Performance::of(flow, terms);
        let mut capture = Capture::default();
        capture.add(&done);
        capture.add(&done);
        assert_eq!(capture.frames.len(), 2 * done.observed.messages.len());
        let mut file = Vec::new();
        capture.write(&mut file).unwrap();
        let (mut rest, mut times) = (&file[24..], Vec::new());
        while !rest.is_empty() {
            let number = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            times.push((number(0), number(4)));
            rest = &rest[16 + number(8) as usize..];
        }
        assert!(times.is_sorted() && times.len() == capture.frames.len());
    }
}
