//! Datagrams in batches: `recvmmsg`, `sendmmsg` and the queue of ICMP errors (Linux).
//!
//! The one file of the workspace with `unsafe` in it. No safe interface offers a blocking `recvmmsg`
//! that waits for the first datagram only, and one system call a batch is what makes forwarding cheap.
//! Everything that the kernel is given a pointer to is owned by the value that makes the call, is
//! never resized, and is as long as the length that goes with it.
#![allow(unsafe_code, reason = "the system calls for batches of datagrams have no safe binding")]

use bytes::Bytes;
use cordboard_core::transport::Flow;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

/// Datagrams that one system call receives or sends.
pub(crate) const BATCH: usize = 32;
/// The largest datagram there is.
const DATAGRAM: usize = 65_536;
/// The length of the longer of the two socket addresses.
const NAME: usize = mem::size_of::<libc::sockaddr_in6>();

/// A socket address as the kernel writes it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Name([u8; NAME]);

/// Room for a batch of datagrams, used again and again.
pub(crate) struct Received {
    /// One datagram after another, each with `DATAGRAM` bytes; pages that no datagram ever reached
    /// take no memory.
    room: Vec<u8>,
    names: Box<[Name; BATCH]>,
    parts: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
    count: usize,
}

// SAFETY: the raw pointers in `parts` and `headers` lead into `room`, `names` and `parts`, all owned by
// the same value and at stable addresses, so they may move to another thread with it.
unsafe impl Send for Received {}

impl Received {
    pub(crate) fn new() -> Self {
        let mut room = vec![0; BATCH * DATAGRAM];
        let mut names = Box::new([Name([0; NAME]); BATCH]);
        // SAFETY: all-zero bytes are valid for these plain C structures.
        let (mut parts, mut headers): (Box<[libc::iovec; BATCH]>, Box<[libc::mmsghdr; BATCH]>) =
            unsafe { (Box::new(mem::zeroed()), Box::new(mem::zeroed())) };
        let places = room.chunks_exact_mut(DATAGRAM).zip(names.iter_mut());
        for ((part, header), (place, name)) in parts.iter_mut().zip(headers.iter_mut()).zip(places) {
            part.iov_base = place.as_mut_ptr().cast();
            part.iov_len = DATAGRAM;
            header.msg_hdr.msg_name = ptr::from_mut(name).cast();
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
        }
        Self { room, names, parts, headers, count: BATCH }
    }

    /// Waits for a datagram, takes along what else has come already, and says how many there are.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        for header in &mut self.headers[..self.count] {
            header.msg_hdr.msg_namelen = NAME as libc::socklen_t;
        }
        self.count = 0;
        debug_assert_eq!(self.parts[0].iov_len, DATAGRAM);
        // SAFETY: `headers` holds BATCH headers whose names and parts point to room of the stated
        // lengths, as set up by `new`; nothing else refers to them during the call.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE,
                ptr::null_mut(),
            )
        };
        self.count = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        Ok(self.count)
    }

    /// The sender and the bytes of datagram `at` of the last batch; `None` if there is no such one.
    pub(crate) fn datagram(&self, at: usize) -> Option<(SocketAddr, &[u8])> {
        let header = self.headers[..self.count].get(at)?;
        let start = at * DATAGRAM;
        let bytes = self.room.get(start..start + header.msg_len as usize)?;
        Some((read_name(&self.names[at])?, bytes))
    }
}

/// Sends batches of datagrams.
pub(crate) struct Sender {
    names: Box<[Name; BATCH]>,
    parts: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
}

// SAFETY: as for `Received`; between two calls nothing is read through the pointers in `parts`.
unsafe impl Send for Sender {}

impl Sender {
    pub(crate) fn new() -> Self {
        let names = Box::new([Name([0; NAME]); BATCH]);
        // SAFETY: all-zero bytes are valid for these plain C structures.
        let (parts, headers) = unsafe { (Box::new(mem::zeroed()), Box::new(mem::zeroed())) };
        Self { names, parts, headers }
    }

    /// Sends the first of `datagrams`, at most a batch, and says how many went out. An error is about
    /// the first one, and nothing was sent.
    pub(crate) fn send(&mut self, socket: &UdpSocket, datagrams: &[(Flow, Bytes)]) -> io::Result<usize> {
        let mut count = 0;
        for (flow, bytes) in datagrams.iter().take(BATCH) {
            let name = &mut self.names[count];
            let length = write_name(name, flow.remote);
            self.parts[count] =
                libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            let header = &mut self.headers[count].msg_hdr;
            header.msg_name = ptr::from_mut(name).cast();
            header.msg_namelen = length;
            header.msg_iov = &raw mut self.parts[count];
            header.msg_iovlen = 1;
            count += 1;
        }
        // SAFETY: the first `count` headers were just set to names and parts of this value and to bytes
        // that `datagrams` keeps alive; the kernel only reads the bytes.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count as libc::c_uint,
                libc::MSG_NOSIGNAL,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Asks the kernel to tell which datagrams came back with an ICMP error.
pub(crate) fn enable_error_queue(socket: &UdpSocket, ipv6: bool) -> io::Result<()> {
    let (level, option) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) } else { (libc::IPPROTO_IP, libc::IP_RECVERR) };
    set_option(socket, level, option, 1)
}

/// Sets a socket's buffers to `bytes`, beyond the system's limit where this process may.
pub(crate) fn set_buffers(socket: &UdpSocket, bytes: libc::c_int) -> io::Result<()> {
    for (forced, asked) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
    {
        if set_option(socket, libc::SOL_SOCKET, forced, bytes).is_err() {
            set_option(socket, libc::SOL_SOCKET, asked, bytes)?;
        }
    }
    Ok(())
}

fn set_option(
    socket: &UdpSocket,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the option is an int, and the pointer and length are those of one.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The next peer that an ICMP error says cannot be reached (RFC 3261 §18.4); skips errors that say
/// something else.
pub(crate) fn next_unreachable(socket: &UdpSocket) -> Option<SocketAddr> {
    loop {
        let (peer, unreachable) = next_error(socket)?;
        if unreachable {
            return peer;
        }
    }
}

/// One entry of the error queue: the datagram's destination, and whether the error is final.
fn next_error(socket: &UdpSocket) -> Option<(Option<SocketAddr>, bool)> {
    #[repr(C, align(8))]
    struct Control([u8; 256]);
    let mut control = Control([0; 256]);
    let mut name = Name([0; NAME]);
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = NAME as libc::socklen_t;
    header.msg_control = (&raw mut control).cast();
    header.msg_controllen = control.0.len() as _;
    // SAFETY: the header points to `name` and `control`, with their lengths, and to no data.
    let result = unsafe {
        libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT)
    };
    if result < 0 {
        return None;
    }
    let mut unreachable = false;
    // SAFETY: the kernel filled `header`; the macros walk within `msg_controllen` of it.
    let mut entry = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !entry.is_null() {
        // SAFETY: a non-null entry lies inside `control`, and an error entry carries a
        // `sock_extended_err`, copied without regard to its alignment into one that is valid when zero.
        let (level, kind, error) = unsafe {
            let mut error: libc::sock_extended_err = mem::zeroed();
            let length = mem::size_of::<libc::sock_extended_err>();
            ptr::copy_nonoverlapping(libc::CMSG_DATA(entry), (&raw mut error).cast(), length);
            ((*entry).cmsg_level, (*entry).cmsg_type, error)
        };
        if (level, kind) == (libc::IPPROTO_IP, libc::IP_RECVERR)
            || (level, kind) == (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
        {
            unreachable |= is_final(&error);
        }
        // SAFETY: as above.
        entry = unsafe { libc::CMSG_NXTHDR(&raw const header, entry) };
    }
    Some((read_name(&name), unreachable))
}

/// RFC 3261 §18.4: unreachable hosts, networks, ports and protocols count; a datagram that was too long
/// or went round in circles does not.
fn is_final(error: &libc::sock_extended_err) -> bool {
    const TIME_EXCEEDED: u8 = 11;
    const TIME_EXCEEDED_V6: u8 = 3;
    let expired = (error.ee_origin == libc::SO_EE_ORIGIN_ICMP && error.ee_type == TIME_EXCEEDED)
        || (error.ee_origin == libc::SO_EE_ORIGIN_ICMP6 && error.ee_type == TIME_EXCEEDED_V6);
    let errno = i32::try_from(error.ee_errno).unwrap_or(0);
    let unreachable = [libc::ECONNREFUSED, libc::EHOSTUNREACH, libc::ENETUNREACH, libc::ENOPROTOOPT];
    !expired && unreachable.contains(&errno)
}

/// Reads a `sockaddr_in` or `sockaddr_in6`.
fn read_name(name: &Name) -> Option<SocketAddr> {
    let Name(bytes) = name;
    let family = libc::c_int::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    if family == libc::AF_INET {
        let address = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
        Some(SocketAddr::new(IpAddr::V4(address), port))
    } else if family == libc::AF_INET6 {
        let octets: [u8; 16] = bytes[8..24].try_into().ok()?;
        let scope = u32::from_ne_bytes(bytes[24..28].try_into().ok()?);
        Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(octets), port, 0, scope)))
    } else {
        None
    }
}

/// Writes a `sockaddr_in` or `sockaddr_in6`, and says how long it is.
fn write_name(name: &mut Name, address: SocketAddr) -> libc::socklen_t {
    let Name(bytes) = name;
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address {
        SocketAddr::V4(v4) => {
            bytes[0..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
            bytes[4..8].copy_from_slice(&v4.ip().octets());
            mem::size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(v6) => {
            bytes[0..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
            bytes[4..8].fill(0);
            bytes[8..24].copy_from_slice(&v6.ip().octets());
            bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
            NAME as libc::socklen_t
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::transport::{ListenerId, Transport};
    use std::time::Duration;

    fn flow(remote: SocketAddr) -> Flow {
        Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote }
    }

    fn socket(address: &str) -> UdpSocket {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    #[test]
    fn addresses_read_back() {
        for text in ["192.0.2.1:5060", "[2001:db8::1]:5061", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            let mut name = Name([0xff; NAME]);
            write_name(&mut name, address);
            assert_eq!(read_name(&name), Some(address));
        }
        assert_eq!(read_name(&Name([0; NAME])), None);
    }

    #[test]
    fn batches_arrive_whole_and_in_order() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (from, to) = (socket(address), socket(address));
            let remote = to.local_addr().unwrap();
            let datagrams: Vec<(Flow, Bytes)> =
                (0..40u8).map(|n| (flow(remote), Bytes::from(vec![n; usize::from(n) * 100]))).collect();
            let mut sender = Sender::new();
            let mut sent = 0;
            while sent < datagrams.len() {
                sent += sender.send(&from, &datagrams[sent..]).unwrap();
            }
            let mut received = Received::new();
            let mut seen = Vec::new();
            while seen.len() < datagrams.len() {
                for at in 0..received.receive(&to).unwrap() {
                    let (peer, bytes) = received.datagram(at).unwrap();
                    assert_eq!(peer, from.local_addr().unwrap());
                    seen.push(Bytes::copy_from_slice(bytes));
                }
                assert_eq!(received.datagram(BATCH), None);
            }
            assert!(seen.iter().eq(datagrams.iter().map(|(_, bytes)| bytes)));
        }
    }

    #[test]
    fn nobody_there_is_told_by_name() {
        for (address, ipv6) in [("127.0.0.1:0", false), ("[::1]:0", true)] {
            let gone = socket(address).local_addr().unwrap();
            let from = socket(address);
            enable_error_queue(&from, ipv6).unwrap();
            Sender::new().send(&from, &[(flow(gone), Bytes::from_static(b"hello"))]).unwrap();
            let error = Received::new().receive(&from).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(next_unreachable(&from), Some(gone));
            assert_eq!(next_unreachable(&from), None);
        }
    }

    #[test]
    fn circles_and_long_datagrams_are_not_final() {
        let error = |origin, kind, errno: i32| libc::sock_extended_err {
            ee_errno: errno.unsigned_abs(),
            ee_origin: origin,
            ee_type: kind,
            ee_code: 0,
            ee_pad: 0,
            ee_info: 0,
            ee_data: 0,
        };
        assert!(is_final(&error(libc::SO_EE_ORIGIN_ICMP, 3, libc::ECONNREFUSED)));
        assert!(!is_final(&error(libc::SO_EE_ORIGIN_ICMP, 11, libc::EHOSTUNREACH)));
        assert!(!is_final(&error(libc::SO_EE_ORIGIN_ICMP6, 3, libc::EHOSTUNREACH)));
        assert!(!is_final(&error(libc::SO_EE_ORIGIN_LOCAL, 0, libc::EMSGSIZE)));
    }

    #[test]
    fn a_closed_door_wakes_the_receiver() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let other = socket.try_clone().unwrap();
        let receiver = std::thread::spawn(move || Received::new().receive(&other).is_ok());
        // Wakes it whether it sleeps already or not: the door stays closed.
        let _ = socket2::SockRef::from(&socket).shutdown(std::net::Shutdown::Read);
        assert!(receiver.join().is_ok());
    }
}
