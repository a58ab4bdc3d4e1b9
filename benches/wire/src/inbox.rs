//! Receiving a batch, and passing it on unread.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg};

use crate::outbox::send_all;
use crate::{BATCH, DATAGRAM, loopback};

/// Whether [`Inbox::receive`] waits for a first datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until there is one; takes whatever else is there with it.
    ForOne,
    /// Not at all.
    No,
}

type Buffer = [u8; DATAGRAM];

/// The buffers that a batch is received into.
#[derive(Debug)]
pub struct Inbox {
    buffers: Box<[Buffer; BATCH]>,
    headers: MultiHeaders<SockaddrIn>,
    lengths: [usize; BATCH],
    sources: [SocketAddrV4; BATCH],
    count: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            buffers: vec![[0; DATAGRAM]; BATCH].try_into().expect("a batch of buffers"),
            headers: MultiHeaders::preallocate(BATCH, None),
            lengths: [0; BATCH],
            sources: [loopback(0); BATCH],
            count: 0,
        }
    }
}

impl Inbox {
    /// Replaces the batch by what has arrived, and says how many datagrams that is.
    ///
    /// # Errors
    /// What the kernel said; an empty socket is an empty batch, not an error.
    pub fn receive(&mut self, socket: &UdpSocket, wait: Wait) -> io::Result<usize> {
        self.count = 0;
        let flags = match wait {
            Wait::ForOne => MsgFlags::MSG_WAITFORONE,
            Wait::No => MsgFlags::MSG_DONTWAIT,
        };
        let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let received = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None);
        match received {
            Ok(messages) => {
                for message in messages {
                    self.lengths[self.count] = message.bytes;
                    self.sources[self.count] =
                        message.address.map_or(loopback(0), |from| SocketAddrV4::new(from.ip(), from.port()));
                    self.count += 1;
                }
                Ok(self.count)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The datagrams of the batch and where each came from.
    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], SocketAddrV4)> {
        (0..self.count).map(|i| (&self.buffers[i][..self.lengths[i]], self.sources[i]))
    }

    /// Sends the whole batch on as it came, each datagram to where `onward` says for its source.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn forward(
        &self,
        socket: &UdpSocket,
        onward: impl Fn(SocketAddrV4) -> SocketAddrV4,
    ) -> io::Result<()> {
        send_all(socket, self.datagrams().map(|(bytes, from)| (bytes, onward(from))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;

    #[test]
    fn a_batch_is_forwarded_byte_for_byte() {
        let [left, middle, right] = [0; 3].map(|port| bind(port).unwrap());
        let [left_at, middle_at, right_at] =
            [&left, &middle, &right].map(|s| loopback(s.local_addr().unwrap().port()));
        for text in ["first", "second, longer"] {
            left.send_to(text.as_bytes(), middle_at).unwrap();
        }
        let mut inbox = Inbox::default();
        assert_eq!(inbox.receive(&middle, Wait::ForOne).unwrap(), 2);
        inbox.forward(&middle, |from| if from == left_at { right_at } else { left_at }).unwrap();
        assert_eq!(inbox.receive(&right, Wait::ForOne).unwrap(), 2);
        let got: Vec<_> = inbox.datagrams().collect();
        assert_eq!(got, [(&b"first"[..], middle_at), (&b"second, longer"[..], middle_at)]);
    }

    #[test]
    fn an_empty_socket_is_an_empty_batch() {
        let socket = bind(0).unwrap();
        assert_eq!(Inbox::default().receive(&socket, Wait::No).unwrap(), 0);
    }
}
