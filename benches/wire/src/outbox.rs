//! Collecting datagrams and sending them together.

use std::io::{self, IoSlice};
use std::net::{SocketAddrV4, UdpSocket};

use arrayvec::ArrayVec;
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use crate::{BATCH, DATAGRAM, loopback};

/// Datagrams on their way out. A full one is sent by the next [`Outbox::post`].
#[derive(Debug)]
pub struct Outbox {
    buffers: Vec<Vec<u8>>,
    destinations: [SocketAddrV4; BATCH],
    count: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            buffers: (0..BATCH).map(|_| Vec::with_capacity(DATAGRAM)).collect(),
            destinations: [loopback(0); BATCH],
            count: 0,
        }
    }
}

impl Outbox {
    /// Adds the datagram that `write` puts into an empty buffer.
    ///
    /// # Errors
    /// What the kernel said when a full outbox had to be sent first.
    pub fn post(
        &mut self,
        socket: &UdpSocket,
        to: SocketAddrV4,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        if self.count == BATCH {
            self.flush(socket)?;
        }
        let buffer = &mut self.buffers[self.count];
        buffer.clear();
        write(buffer);
        self.destinations[self.count] = to;
        self.count += 1;
        Ok(())
    }

    /// The datagram posted last, or nothing when all are sent.
    pub fn last(&self) -> Option<&[u8]> {
        self.count.checked_sub(1).map(|i| self.buffers[i].as_slice())
    }

    /// Sends what is collected.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let count = std::mem::take(&mut self.count);
        let datagrams = self.buffers.iter().map(Vec::as_slice).zip(self.destinations);
        send_all(socket, datagrams.take(count))
    }
}

/// Sends up to [`BATCH`] datagrams, in as few calls as the kernel allows.
pub(crate) fn send_all<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (&'a [u8], SocketAddrV4)>,
) -> io::Result<()> {
    let mut slices = ArrayVec::<[IoSlice<'a>; 1], BATCH>::new();
    let mut addresses = ArrayVec::<SocketAddrAny, BATCH>::new();
    let mut controls = ArrayVec::<SendAncillaryBuffer<'_, '_, '_>, BATCH>::new();
    for (bytes, to) in datagrams {
        slices.push([IoSlice::new(bytes)]);
        addresses.push(to.as_any());
        controls.push(SendAncillaryBuffer::default());
    }
    let mut headers: ArrayVec<MMsgHdr<'_>, BATCH> = addresses
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
        .collect();
    let mut rest = headers.as_mut_slice();
    while !rest.is_empty() {
        match sendmmsg(socket, rest, SendFlags::empty()) {
            Ok(sent) => rest = &mut rest[sent..],
            Err(rustix::io::Errno::INTR) => {}
            // An earlier datagram to a port that has closed: the error is about that one.
            Err(rustix::io::Errno::CONNREFUSED) => rest = &mut rest[1..],
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inbox, Wait, bind};

    #[test]
    fn more_than_a_batch_goes_out_in_order() {
        let [here, there] = [0; 2].map(|port| bind(port).unwrap());
        let to = loopback(there.local_addr().unwrap().port());
        let mut outbox = Outbox::default();
        for i in 0..=BATCH {
            outbox.post(&here, to, |out| out.push(u8::try_from(i).unwrap())).unwrap();
        }
        outbox.flush(&here).unwrap();
        let mut got = Vec::new();
        let mut inbox = Inbox::default();
        while got.len() <= BATCH {
            inbox.receive(&there, Wait::ForOne).unwrap();
            got.extend(inbox.datagrams().map(|(bytes, _)| usize::from(bytes[0])));
        }
        assert_eq!(got, (0..=BATCH).collect::<Vec<_>>());
    }
}
