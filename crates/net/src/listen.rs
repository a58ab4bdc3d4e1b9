//! Binds listeners, and says in words why one cannot be had.

use cordboard_core::transport::{Listener, ListenerId, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use crate::config::{Accepts, ListenOn};
use crate::error::StartError;
use crate::mmsg;

/// What the kernel keeps of datagrams that we have not read, or the network not taken.
const UDP_BUFFER: i32 = 4 << 20;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;

/// The sockets of one listener.
pub(crate) enum Bound {
    /// One for each worker.
    Datagrams(Vec<UdpSocket>),
    /// One for all.
    Stream(TcpListener),
    /// None: nobody may connect.
    Nothing,
}

/// Binds one listener, with `workers` sockets if it is for datagrams.
pub(crate) fn bind(on: &ListenOn, id: ListenerId, workers: usize) -> Result<(Listener, Bound), StartError> {
    let ListenOn { transport, address, accepts, .. } = *on;
    let bound = match accepts {
        Accepts::Nobody => Ok((SocketAddr::new(address.ip(), 0), Bound::Nothing)),
        Accepts::Peers if transport == Transport::Udp => datagrams(address, workers),
        Accepts::Peers => stream(address),
    };
    let (local, bound) = bound.map_err(|error| explain(transport, address, error))?;
    let sent_by = on.sent_by.clone().unwrap_or_else(|| local.to_string().into());
    Ok((Listener { id, transport, local, sent_by }, bound))
}

/// Sockets that share an address. Sharing hides that somebody else has it, so that is asked first.
fn datagrams(address: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Bound)> {
    if address.port() != 0 {
        socket(address, Type::DGRAM, Protocol::UDP)?.bind(&address.into())?;
    }
    let first = shared(address)?;
    let local = first.local_addr()?;
    let mut sockets = vec![first];
    while sockets.len() < workers {
        sockets.push(shared(local)?);
    }
    Ok((local, Bound::Datagrams(sockets)))
}

fn shared(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    mmsg::set_buffers(&socket, UDP_BUFFER)?;
    mmsg::enable_error_queue(&socket, address.is_ipv6())?;
    Ok(socket)
}

fn stream(address: SocketAddr) -> io::Result<(SocketAddr, Bound)> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // Connections of an earlier process that linger are no obstacle; a listener is.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let socket = TcpListener::from(socket);
    Ok((socket.local_addr()?, Bound::Stream(socket)))
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can be listened on side by side, and addresses are what they seem.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn explain(transport: Transport, address: SocketAddr, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::Occupied { transport, address },
        io::ErrorKind::AddrNotAvailable => StartError::NotOurs { transport, address },
        io::ErrorKind::PermissionDenied => StartError::NotAllowed { transport, address },
        _ => StartError::Socket { transport, address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(transport: Transport, address: &str) -> ListenOn {
        ListenOn { transport, address: address.parse().unwrap(), sent_by: None, accepts: Accepts::Peers }
    }

    fn refusal(transport: Transport, address: &str) -> StartError {
        bind(&on(transport, address), ListenerId(0), 2).err().expect("a refusal")
    }

    #[test]
    fn an_occupied_port_is_named_even_if_its_owner_would_share_it() {
        for transport in [Transport::Udp, Transport::Tcp] {
            let (listener, _ours) = bind(&on(transport, "127.0.0.1:0"), ListenerId(0), 2).unwrap();
            let error = refusal(transport, &listener.local.to_string());
            assert!(matches!(error, StartError::Occupied { .. }), "{error}");
            assert!(error.to_string().contains(&format!("listens on port {}", listener.local.port())));
        }
    }

    #[test]
    fn the_workers_of_a_listener_share_its_address() {
        let (listener, bound) = bind(&on(Transport::Udp, "[::1]:0"), ListenerId(3), 3).unwrap();
        let Bound::Datagrams(sockets) = bound else { panic!("datagrams") };
        assert_eq!(sockets.len(), 3);
        assert!(sockets.iter().all(|one| one.local_addr().unwrap() == listener.local));
        assert_eq!((listener.id, &*listener.sent_by), (ListenerId(3), &*listener.local.to_string()));
    }

    #[test]
    fn a_foreign_address_is_named() {
        let error = refusal(Transport::Tcp, "192.0.2.77:5060");
        assert!(matches!(error, StartError::NotOurs { .. }), "{error}");
    }

    #[test]
    fn versions_4_and_6_share_a_port() {
        let (four, _bound) = bind(&on(Transport::Udp, "0.0.0.0:0"), ListenerId(0), 1).unwrap();
        let six = format!("[::]:{}", four.local.port());
        assert!(bind(&on(Transport::Udp, &six), ListenerId(1), 1).is_ok());
    }
}
