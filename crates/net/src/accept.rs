//! Takes connections: room for it, a handshake in time, and then messages.

use cordboard_core::transport::{Flow, Listener, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::connection::{self, Link};
use crate::flows::{Admission, Proven};
use crate::hub::Hub;
use crate::identity;
use crate::shard::Shard;
use crate::websocket;

/// How long to wait when the system has no room for another connection.
const OUT_OF_FILES: Duration = Duration::from_millis(50);
/// How long a silent peer may be gone before the system finds out.
const KEEPALIVE: Duration = Duration::from_mins(1);

/// Takes connections on one listener until the server ends.
pub(crate) async fn accept<A: Shard>(
    hub: Arc<Hub<A>>,
    listener: Listener,
    socket: TcpListener,
    mut ending: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            _ = ending.changed() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => match hub.flows.admit(remote.ip()) {
                Some(admission) => {
                    let hub = Arc::clone(&hub);
                    tokio::spawn(serve(hub, listener.clone(), stream, remote, admission));
                }
                None => hub.connection_refused(),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// Carries one connection from its first byte to its last.
async fn serve<A: Shard>(
    hub: Arc<Hub<A>>,
    listener: Listener,
    stream: TcpStream,
    remote: SocketAddr,
    admission: Admission,
) {
    tune(&stream);
    let Listener { id, transport, .. } = listener;
    let flow = Flow { transport, listener: id, connection: hub.flows.number(), remote };
    let done = timeout(hub.limits.open_time, shake_hands(&hub, transport, stream)).await;
    let Ok(Some((hands, proven))) = done else {
        tracing::debug!(%transport, "a handshake failed");
        return;
    };
    let link = Link::new(hub, flow, admission, proven);
    match hands {
        Hands::Tcp(stream) => connection::carry(link, stream).await,
        Hands::Tls(stream) => connection::carry(link, *stream).await,
        Hands::Ws(socket) => websocket::carry(link, *socket).await,
        Hands::Wss(socket) => websocket::carry(link, *socket).await,
    }
}

/// A stream whose handshakes are done.
enum Hands {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<tokio_tungstenite::WebSocketStream<TcpStream>>),
    Wss(Box<tokio_tungstenite::WebSocketStream<TlsStream<TcpStream>>>),
}

/// Does the handshakes of a transport; `None` if one fails.
async fn shake_hands<A: Shard>(
    hub: &Hub<A>,
    transport: Transport,
    stream: TcpStream,
) -> Option<(Hands, Proven)> {
    if !transport.is_secure() {
        let hands = match transport {
            Transport::Ws => Hands::Ws(Box::new(websocket::accept(stream, &hub.origins).await.ok()?)),
            Transport::Udp | Transport::Tcp | Transport::Tls | Transport::Wss => Hands::Tcp(stream),
        };
        return Some((hands, Proven::Nothing { incoming: true }));
    }
    let stream = hub.tls.as_ref()?.acceptor().accept(stream).await.ok()?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let identities = certificates.first().map(identity::identities).unwrap_or_default();
    let hands = if transport.is_websocket() {
        Hands::Wss(Box::new(websocket::accept(stream, &hub.origins).await.ok()?))
    } else {
        Hands::Tls(Box::new(stream))
    };
    Some((hands, Proven::Client(identities.into())))
}

/// Messages go out at once, and a peer that vanished is noticed. Neither is worth failing for.
pub(crate) fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4);
    let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive);
}
