//! Where calls receive their sound: the ports that a session description may name.

use crate::settings::MediaPorts;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

/// The ports of one telephone.
pub(super) enum Ports {
    /// Pairs of a range: the even port is for RTP, the odd one for RTCP (RFC 3550 §11).
    Counted { range: Range<u16>, given: u16 },
    /// The one that was given longest ago comes first.
    Held(VecDeque<SocketAddr>),
}

impl Ports {
    pub(super) fn new(settings: &MediaPorts) -> Self {
        match settings {
            MediaPorts::Counted(range) => Self::Counted { range: range.clone(), given: 0 },
            MediaPorts::Held(addresses) => Self::Held(addresses.iter().copied().collect()),
        }
    }

    /// These are held from now on. Those that were known before keep their turn.
    pub(super) fn hold(&mut self, settings: &MediaPorts) {
        if let (Self::Held(addresses), MediaPorts::Held(all)) = (self, settings) {
            addresses.retain(|address| all.contains(address));
            for address in all {
                if !addresses.contains(address) {
                    addresses.push_back(*address);
                }
            }
        }
    }

    /// One on `ip`, if there is one that `is_taken` by no call. Where nothing is held open there, as by a server that listens for
    /// its switchboard alone, one of those that are.
    pub(super) fn give(&mut self, ip: IpAddr, is_taken: impl Fn(SocketAddr) -> bool) -> Option<SocketAddr> {
        match self {
            Self::Counted { range, given } => {
                let pairs = (range.end.saturating_sub(range.start)) / 2;
                let port = range.start + 2 * given.checked_rem(pairs)?;
                *given = given.wrapping_add(1);
                Some(SocketAddr::new(ip, port))
            }
            Self::Held(addresses) => {
                let is_here = addresses.iter().any(|address| address.ip() == ip);
                let fits = |address: &SocketAddr| (address.ip() == ip || !is_here) && !is_taken(*address);
                let at = addresses.iter().position(fits)?;
                let address = addresses.remove(at)?;
                addresses.push_back(address);
                Some(address)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn counted_ports_are_even_and_come_around() {
        let mut ports = Ports::new(&MediaPorts::Counted(7000..7004));
        let given: Vec<u16> =
            (0..3).filter_map(|_| ports.give(HERE, |_| false)).map(|address| address.port()).collect();
        assert_eq!(given, [7000, 7002, 7000]);
        assert_eq!(Ports::new(&MediaPorts::Counted(7000..7001)).give(HERE, |_| false), None);
    }

    #[test]
    fn held_ports_rest_before_they_are_given_again() {
        let held: Vec<SocketAddr> =
            ["127.0.0.1:7000", "127.0.0.1:7002", "[::1]:7000"].map(|text| text.parse().unwrap()).to_vec();
        let mut ports = Ports::new(&MediaPorts::Held(held.clone()));
        assert_eq!(ports.give(HERE, |_| false), Some(held[0]));
        assert_eq!(ports.give(HERE, |address| address == held[0]), Some(held[1]));
        assert_eq!(ports.give(HERE, |_| true), None);
        assert_eq!(ports.give(HERE, |_| false), Some(held[0]), "the other was given later");
        assert_eq!(ports.give(held[2].ip(), |_| false), Some(held[2]));
        let elsewhere = "192.0.2.1".parse().unwrap();
        assert_eq!(ports.give(elsewhere, |_| false), Some(held[1]), "nothing is held there");
        ports.hold(&MediaPorts::Held(vec![held[2], held[0], "127.0.0.1:7004".parse().unwrap()]));
        let order: Vec<u16> =
            (0..2).filter_map(|_| ports.give(HERE, |_| false)).map(|address| address.port()).collect();
        assert_eq!(order, [7000, 7004], "one is given back, another has come");
    }
}
