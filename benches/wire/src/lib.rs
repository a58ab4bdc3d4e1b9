//! UDP on loopback, a batch of datagrams at a time: what the floor and the load generator stand on.
//!
//! Both must cost so little that what is measured is the server between them, so a batch is one
//! `recvmmsg` or one `sendmmsg`, and nothing is allocated once the buffers stand.

mod inbox;
mod outbox;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

pub use inbox::{Inbox, Wait};
pub use outbox::Outbox;

/// The most datagrams that one system call moves.
pub const BATCH: usize = 64;

/// The longest datagram that is kept whole, in bytes.
pub const DATAGRAM: usize = 4096;

/// What is asked of the kernel for each socket buffer, in bytes; `net.core.rmem_max` may cap it.
const SOCKET_BUFFER: usize = 4 << 20;

/// The loopback address with `port`.
pub const fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// Binds a UDP socket to `port` on 127.0.0.1, with large buffers.
///
/// # Errors
/// What the kernel said: most often that the port is taken.
pub fn bind(port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(loopback(port))?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER)?;
    rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER)?;
    Ok(socket)
}

/// Waits until `socket` has something to read or `at_most` has passed.
///
/// # Errors
/// What the kernel said, except an interruption, which ends the wait early.
pub fn wait_readable(socket: &UdpSocket, at_most: Duration) -> io::Result<()> {
    let timeout = Timespec {
        tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(at_most.subsec_nanos()),
    };
    match rustix::event::poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
