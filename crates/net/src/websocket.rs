//! SIP over WebSocket (RFC 7118): the handshake, and one message a frame.

use bytes::Bytes;
use cordboard_core::transport::FlowError;
use cordboard_sip::limits::MAX_MESSAGE;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message, Utf8Bytes};

use crate::config::{Limits, Origins};
use crate::connection::{Link, PONG, linger};
use crate::queue::Queue;
use crate::shard::Shard;

/// The name of SIP among WebSocket's subprotocols (RFC 7118 §4.1).
const SUBPROTOCOL: &str = "sip";
/// Bytes that one read takes.
const READ: usize = 4_096;
/// Pings that may go unanswered.
const MAX_UNANSWERED: u32 = 2;

/// Answers a client's handshake: it must speak `sip`, and come from a page that we allow.
pub(crate) async fn accept<S>(stream: S, origins: &Origins) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    #[allow(clippy::result_large_err, reason = "the handshake's own type")]
    let agree = |request: &Request, mut response: Response| {
        if !offers_sip(request.headers()) {
            return Err(refusal(StatusCode::BAD_REQUEST, "this is SIP: offer the subprotocol \"sip\"\n"));
        }
        if !may_come_from(request.headers(), origins) {
            return Err(refusal(StatusCode::FORBIDDEN, "pages of this origin may not connect here\n"));
        }
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async_with_config(stream, agree, Some(config())).await
}

/// The client's handshake (RFC 7118 §4.1). The server is `name`, which the URI told, at `remote`.
pub(crate) async fn connect<S>(stream: S, name: &str, remote: SocketAddr) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let host = if name.is_empty() || name.contains(':') {
        remote.to_string()
    } else {
        format!("{name}:{}", remote.port())
    };
    // What secures the stream was done before, so that the scheme says nothing here.
    let uri = Uri::try_from(format!("ws://{host}/")).map_err(|error| Error::HttpFormat(error.into()))?;
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config())).await?;
    Ok(socket)
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// RFC 7118 §4.1: the client must offer the subprotocol.
fn offers_sip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(SUBPROTOCOL))
}

/// RFC 6455 §10.2: browsers say from which page they come, and nobody else must.
fn may_come_from(headers: &HeaderMap, origins: &Origins) -> bool {
    match (origins, headers.get(ORIGIN)) {
        (Origins::Any, _) | (Origins::These(_), None) => true,
        (Origins::These(allowed), Some(origin)) => {
            allowed.iter().any(|one| origin.as_bytes().eq_ignore_ascii_case(one.as_bytes()))
        }
    }
}

fn refusal(status: StatusCode, says: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(says.to_owned()));
    *response.status_mut() = status;
    response
}

/// Carries messages over a WebSocket until it ends.
pub(crate) async fn carry<A, S>(link: Link<A>, socket: WebSocketStream<S>)
where
    A: Shard,
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut to_peer, mut from_peer) = socket.split();
    let why = {
        let queue = Arc::clone(&link.queue);
        let (ping, farewell) = (Notify::new(), OnceLock::new());
        let reading = read(&link, &mut from_peer, &ping);
        let writing = write(&queue, link.hub.limits, &mut to_peer, &ping, &farewell);
        tokio::pin!(reading, writing);
        tokio::select! {
            (why, code) = &mut reading => {
                farewell.get_or_init(|| code);
                queue.close(why);
                writing.await;
                why
            }
            why = &mut writing => why,
            () = queue.overflow() => FlowError::Full,
        }
    };
    let _room = link.ends(why);
    if why == FlowError::NotSip
        && let Ok(mut socket) = from_peer.reunite(to_peer)
    {
        linger(socket.get_mut()).await;
    }
}

/// Delivers what comes, pings who is silent, and says why nothing comes any more: to us, and to the
/// peer (RFC 6455 §7.4.1).
async fn read<A, S>(
    link: &Link<A>,
    from_peer: &mut SplitStream<WebSocketStream<S>>,
    ping: &Notify,
) -> (FlowError, CloseCode)
where
    A: Shard,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut unanswered = 0;
    loop {
        match timeout(link.hub.limits.websocket_ping, from_peer.next()).await {
            Err(_) if unanswered == MAX_UNANSWERED => return (FlowError::Idle, CloseCode::Away),
            Err(_) => {
                unanswered += 1;
                ping.notify_one();
                continue;
            }
            Ok(Some(Ok(Message::Text(text)))) => deliver(link, text.as_bytes()),
            Ok(Some(Ok(Message::Binary(bytes)))) => deliver(link, &bytes),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
            Ok(Some(Err(Error::Capacity(_)))) => return (FlowError::NotSip, CloseCode::Size),
            Ok(Some(Err(Error::Utf8(_)))) => return (FlowError::NotSip, CloseCode::Invalid),
            Ok(Some(Err(Error::Protocol(_)))) => return (FlowError::NotSip, CloseCode::Protocol),
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => {
                return (FlowError::Closed, CloseCode::Normal);
            }
        }
        unanswered = 0;
    }
}

/// A frame carries one message (RFC 7118 §5.1), or a keep-alive of a client that also speaks TCP.
fn deliver<A: Shard>(link: &Link<A>, bytes: &[u8]) {
    match bytes {
        b"\r\n\r\n" => link.queue.push(PONG),
        b"" | b"\r\n" => {}
        message => link.hub.deliver(link.flow, message),
    }
}

/// Sends what is queued until the queue is closed, and says why.
async fn write<S>(
    queue: &Queue,
    limits: Limits,
    to_peer: &mut SplitSink<WebSocketStream<S>, Message>,
    ping: &Notify,
    farewell: &OnceLock<CloseCode>,
) -> FlowError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut batch = VecDeque::new();
    loop {
        tokio::select! {
            taken = queue.take(&mut batch) => {
                if let Err(why) = taken {
                    let code = farewell.get().copied().unwrap_or(CloseCode::Away);
                    let close = CloseFrame { code, reason: Utf8Bytes::default() };
                    // The peer may be gone already, and then it needs no farewell.
                    let _ = send(to_peer, limits, Message::Close(Some(close))).await;
                    return why;
                }
            }
            () = ping.notified() => {
                if let Err(why) = send(to_peer, limits, Message::Ping(Bytes::new())).await {
                    return why;
                }
            }
        }
        while let Some(message) = batch.pop_front() {
            let length = message.len();
            if let Err(why) = send(to_peer, limits, frame(message)).await {
                return why;
            }
            queue.sent(length);
        }
    }
}

async fn send<S>(
    to_peer: &mut SplitSink<WebSocketStream<S>, Message>,
    limits: Limits,
    message: Message,
) -> Result<(), FlowError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match timeout(limits.write_time, to_peer.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(FlowError::Closed),
        Err(_) => Err(FlowError::Full),
    }
}

/// RFC 7118 §5.1: text, unless a body is none.
fn frame(message: Bytes) -> Message {
    match Utf8Bytes::try_from(message.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn sip_must_be_offered() {
        assert!(offers_sip(&headers(&[("sec-websocket-protocol", "sip")])));
        assert!(offers_sip(&headers(&[("sec-websocket-protocol", "msrp, SIP")])));
        assert!(!offers_sip(&headers(&[("sec-websocket-protocol", "msrp, sipx")])));
        assert!(!offers_sip(&headers(&[])));
    }

    #[test]
    fn only_allowed_pages_may_connect() {
        let these = Origins::These(vec!["https://phone.example.com".into()]);
        let from = |origin| headers(&[("origin", origin)]);
        assert!(may_come_from(&from("https://phone.example.com"), &these));
        assert!(!may_come_from(&from("https://evil.example.com"), &these));
        assert!(!may_come_from(&from("https://phone.example.com.evil.net"), &these));
        assert!(may_come_from(&headers(&[]), &these));
        assert!(may_come_from(&from("https://evil.example.com"), &Origins::Any));
    }

    #[test]
    fn bodies_that_are_no_text_travel_in_binary_frames() {
        assert!(matches!(frame(Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n")), Message::Text(_)));
        assert!(matches!(frame(Bytes::from_static(b"BYE\r\n\r\n\xff\xfe")), Message::Binary(_)));
    }
}
