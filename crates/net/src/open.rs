//! Opens connections, or finds one that will do (RFC 5923 in spirit, RFC 5922 §7.3 to the letter).

use cordboard_core::transport::{Flow, FlowError, Listener, Transport};
use cordboard_service::door::{Answer, AskId, ShardId};
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;

use crate::accept;
use crate::connection::{self, Link};
use crate::flows::{Admission, Opening, Proven};
use crate::hub::Hub;
use crate::shard::Shard;
use crate::websocket;

/// Answers at once if nothing must be opened; else everybody who waits for the same connection is
/// answered when it stands or fails.
pub(crate) fn open<A: Shard>(
    hub: &Arc<Hub<A>>,
    shard: ShardId,
    ask: AskId,
    wanted: Opening,
) -> Option<Answer> {
    let Opening { transport, remote, .. } = wanted;
    let nobody = Answer::Opened(Err(FlowError::Unreachable));
    if transport == Transport::Udp {
        let Some(listener) = hub.listener_for(transport, remote) else { return Some(nobody) };
        return Some(Answer::Opened(Ok(Flow { transport, listener: listener.id, connection: 0, remote })));
    }
    if let Some(flow) = hub.flows.find(&wanted) {
        return Some(Answer::Opened(Ok(flow)));
    }
    let Some(listener) = hub.listener_for(transport, remote).cloned() else { return Some(nobody) };
    // RFC 7118 §5: a WebSocket is always opened by the client, which nobody connects to.
    if transport.is_websocket() && listener.local.port() != 0 || hub.is_stopping() {
        return Some(nobody);
    }
    let Some(admission) = hub.flows.admit(remote.ip()) else {
        return Some(Answer::Opened(Err(FlowError::Full)));
    };
    if hub.flows.wait_for(wanted.clone(), shard, ask) {
        hub.tasks.spawn(connect_and_carry(Arc::clone(hub), listener, wanted, admission));
    }
    None
}

/// Carries one connection from the attempt to its last byte.
async fn connect_and_carry<A: Shard>(
    hub: Arc<Hub<A>>,
    listener: Listener,
    wanted: Opening,
    admission: Admission,
) {
    let attempt = timeout(hub.limits.open_time, connect(&hub, &listener, &wanted)).await;
    match attempt.unwrap_or(Err(FlowError::Unreachable)) {
        Ok(hands) => {
            let proven = if wanted.transport.is_secure() {
                Proven::Server(wanted.server_name.clone())
            } else {
                Proven::Nothing { incoming: false }
            };
            let link = stands(&hub, &listener, &wanted, admission, proven);
            match hands {
                Opened::Tcp(stream) => connection::carry(link, stream).await,
                Opened::Tls(stream) => connection::carry(link, *stream).await,
                Opened::Ws(socket) => websocket::carry(link, *socket).await,
                Opened::Wss(socket) => websocket::carry(link, *socket).await,
            }
        }
        Err(error) => {
            drop(admission);
            tell(&hub, &wanted, Err(error));
        }
    }
}

/// A stream whose handshakes are done.
enum Opened {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<WebSocketStream<TcpStream>>),
    Wss(Box<WebSocketStream<TlsStream<TcpStream>>>),
}

async fn connect<A: Shard>(hub: &Hub<A>, listener: &Listener, wanted: &Opening) -> Result<Opened, FlowError> {
    let stream = dial(listener, wanted.remote).await.map_err(|_| FlowError::Unreachable)?;
    accept::tune(&stream);
    if !wanted.transport.is_secure() {
        return Ok(match wanted.transport {
            Transport::Ws => Opened::Ws(Box::new(websocket(stream, wanted).await?)),
            Transport::Udp | Transport::Tcp | Transport::Tls | Transport::Wss => Opened::Tcp(stream),
        });
    }
    let name = if wanted.server_name.is_empty() {
        ServerName::from(wanted.remote.ip())
    } else {
        ServerName::try_from(String::from(&*wanted.server_name)).map_err(|_| FlowError::Handshake)?
    };
    let tls = hub.tls.as_ref().ok_or(FlowError::Handshake)?;
    let stream = tls.connector().connect(name, stream).await.map_err(|error| {
        tracing::debug!(%error, "a TLS server was not believed");
        FlowError::Handshake
    })?;
    Ok(if wanted.transport.is_websocket() {
        Opened::Wss(Box::new(websocket(stream, wanted).await?))
    } else {
        Opened::Tls(Box::new(stream))
    })
}

async fn websocket<S>(stream: S, wanted: &Opening) -> Result<WebSocketStream<S>, FlowError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    websocket::connect(stream, &wanted.server_name, wanted.remote).await.map_err(|error| {
        tracing::debug!(%error, "a WebSocket was refused");
        FlowError::Handshake
    })
}

/// Connects from the listener's own address, so that the peer sees whom it will find in the Via.
async fn dial(listener: &Listener, remote: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let local = listener.local.ip();
    if !local.is_unspecified() && local.is_loopback() == remote.ip().is_loopback() {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    socket.connect(remote).await
}

/// Makes the connection known, and tells those who wait.
fn stands<A: Shard>(
    hub: &Arc<Hub<A>>,
    listener: &Listener,
    wanted: &Opening,
    admission: Admission,
    proven: Proven,
) -> Link<A> {
    let Opening { transport, remote, .. } = *wanted;
    let flow = Flow { transport, listener: listener.id, connection: hub.flows.number(), remote };
    let link = Link::new(Arc::clone(hub), flow, admission, proven);
    tell(hub, wanted, Ok(flow));
    link
}

fn tell<A: Shard>(hub: &Arc<Hub<A>>, wanted: &Opening, opened: Result<Flow, FlowError>) {
    for (shard, ask) in hub.flows.opened(wanted) {
        hub.answer(shard, ask, Answer::Opened(opened));
    }
}
