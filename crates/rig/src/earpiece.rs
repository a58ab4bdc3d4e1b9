//! An ear for a telephone that has none: a socket at the place that it gives for its sound, and what comes there as a recording.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::thread;

use crate::place::Place;
use crate::recording::Recording;
use crate::tone::from_mu_law;
use crate::wav::blank_header;

/// The longest datagram that is sound.
const LONGEST: usize = 1500;

/// A socket that listens, for as long as the test runs.
#[derive(Debug)]
pub struct Earpiece {
    at: SocketAddr,
    recording: Recording,
}

impl Earpiece {
    /// One on the loopback, for `phone`. It understands the µ-law of G.711.
    pub fn new(place: &Place, phone: &str) -> Self {
        let directory = place.subdirectory(&format!("{phone}-ear"));
        let mut file = File::create(directory.join("heard.wav")).expect("the directory can be written");
        file.write_all(&blank_header()).expect("the file can be written");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback is up");
        let at = socket.local_addr().expect("a bound socket has an address");
        thread::spawn(move || {
            let mut packet = [0; LONGEST];
            while let Ok((length, _)) = socket.recv_from(&mut packet) {
                let samples = payload(&packet[..length]).unwrap_or_default().iter();
                let bytes: Vec<u8> = samples.flat_map(|&byte| from_mu_law(byte).to_le_bytes()).collect();
                // A recording that cannot be written is heard by nobody, which fails the test.
                let _ = file.write_all(&bytes);
            }
        });
        Self { at, recording: Recording::new(phone, directory, ".wav") }
    }

    /// The place to be given for sound.
    pub const fn at(&self) -> SocketAddr {
        self.at
    }

    /// What it hears.
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }
}

/// The sound in a packet of payload type 0 (RFC 3550 §5.1, RFC 3551 §6); nothing if it is something else.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let (&first, &second) = (packet.first()?, packet.get(1)?);
    let sources = usize::from(first & 0xf);
    let is_plain = first & 0xf0 == 0x80;
    packet.get(12 + 4 * sources..).filter(|_| is_plain && matches!(second, 0 | 0x80))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_what_follows_the_header_and_the_sources() {
        let packet = |first: u8, second: u8| {
            let mut packet = vec![first, second];
            packet.extend([0; 10]);
            packet.extend([1, 2, 3, 4, 5]);
            packet
        };
        assert_eq!(payload(&packet(0x80, 0)), Some(&[1, 2, 3, 4, 5][..]));
        // Marked, and mixed from one source.
        assert_eq!(payload(&packet(0x81, 0x80)), Some(&[5][..]));
        for (first, second) in [(0x80, 8), (0x40, 0), (0x90, 0)] {
            assert_eq!(payload(&packet(first, second)), None, "{first:x} {second}");
        }
        assert_eq!(payload(&packet(0x80, 0)[..11]), None);
        assert_eq!(payload(&[]), None);
    }
}
