//! Where servers listen: ports on the loopback network that stay the same over restarts, because dialogs name them and the
//! switchboard knows its servers by nothing else.

use cordboard_net::system_seed;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::ServerError;
use crate::data::write_private;

/// Where ports are taken: below those for sound, and those that systems give away by themselves.
const PORTS: Range<u16> = 12_000..16_384;

/// The ports, by who has them.
pub(super) struct Places {
    path: PathBuf,
    known: BTreeMap<String, u16>,
    /// Those that are wanted now.
    taken: BTreeMap<String, u16>,
}

impl Places {
    /// Those that were kept in the data folder. What cannot be read is made anew.
    pub(super) fn read(folder: &Path) -> Self {
        let path = folder.join("servers");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = |line: &str| {
            let (port, name) = line.split_once(' ')?;
            Some((name.to_owned(), port.parse().ok().filter(|port| PORTS.contains(port))?))
        };
        Self { path, known: text.lines().filter_map(line).collect(), taken: BTreeMap::new() }
    }

    /// The place of somebody: the one that it had, or, if that is not free, another.
    pub(super) fn take(&mut self, name: &str) -> io::Result<SocketAddr> {
        let known = self.known.get(name).copied().filter(|port| self.is_free(*port));
        if known.is_none() && self.known.contains_key(name) {
            tracing::warn!("a server's port is taken by another program: calls that it had are lost");
        }
        let port = match known {
            Some(port) => port,
            None => self.any()?,
        };
        self.taken.insert(name.to_owned(), port);
        Ok(at(port))
    }

    /// Keeps what was taken.
    pub(super) fn keep(&self) -> Result<(), ServerError> {
        if self.known == self.taken {
            return Ok(());
        }
        let text =
            self.taken.iter().fold(String::new(), |text, (name, port)| format!("{text}{port} {name}\n"));
        write_private(&self.path, &text)
            .map_err(|source| ServerError::Unwritable { path: self.path.display().to_string(), source })
    }

    /// A free one; where the search begins is chance, so that several switchboards do not get in each other's way.
    fn any(&self) -> io::Result<u16> {
        let seed = system_seed()?;
        let count = PORTS.end - PORTS.start;
        let start = u16::from_le_bytes([seed[0], seed[1]]) % count;
        let mut ports = (0..count).map(|step| PORTS.start + (start + step) % count);
        let given = |port: &u16| self.known.values().any(|known| known == port);
        ports
            .find(|port| !given(port) && self.is_free(*port))
            .ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))
    }

    fn is_free(&self, port: u16) -> bool {
        !self.taken.values().any(|taken| *taken == port) && UdpSocket::bind(at(port)).is_ok()
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_finds_its_place_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::read(folder.path());
        let (park, music) = (places.take("park").unwrap(), places.take("music").unwrap());
        assert_ne!(park, music);
        places.keep().unwrap();
        let mut again = Places::read(folder.path());
        assert_eq!((again.take("music").unwrap(), again.take("park").unwrap()), (music, park));
    }

    #[test]
    fn a_place_that_somebody_else_has_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::read(folder.path());
        let park = places.take("park").unwrap();
        places.keep().unwrap();
        let _somebody = UdpSocket::bind(park).unwrap();
        let mut again = Places::read(folder.path());
        let other = again.take("park").unwrap();
        assert_ne!(other, park);
        again.keep().unwrap();
        assert_eq!(Places::read(folder.path()).take("park").unwrap(), other);
    }

    #[test]
    fn what_cannot_be_read_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("servers"), "80 park\nmany words\n\u{1}").unwrap();
        let port = Places::read(folder.path()).take("park").unwrap().port();
        assert!(PORTS.contains(&port), "{port}");
    }
}
