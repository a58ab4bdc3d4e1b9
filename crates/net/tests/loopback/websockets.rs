//! WebSocket, plain and secured (RFC 7118).

use crate::stage::{SOON, Setup, Stage, message};
use cordboard_core::transport::Transport;
use cordboard_net::{Certificates, ClientCertificates, Limits, Origins, Tls, TrustedRoots};
use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What a browser would do, with these headers.
async fn handshake<S>(stream: S, headers: &[(&'static str, &str)]) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = "ws://example.com/".into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (socket, response) =
        timeout(SOON, tokio_tungstenite::client_async(request, stream)).await.unwrap()?;
    assert_eq!(response.headers().get("sec-websocket-protocol").unwrap(), "sip");
    Ok(socket)
}

const SIP: (&str, &str) = ("sec-websocket-protocol", "sip");

async fn tcp(stage: &Stage, transport: Transport) -> TcpStream {
    TcpStream::connect(stage.address(transport)).await.unwrap()
}

async fn connect(stage: &Stage) -> WebSocketStream<TcpStream> {
    handshake(tcp(stage, Transport::Ws).await, &[SIP]).await.unwrap()
}

async fn next<S>(socket: &mut WebSocketStream<S>) -> Option<Result<Message, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(SOON, socket.next()).await.expect("something from the server")
}

fn text(bytes: &[u8]) -> Message {
    Message::text(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn text_and_binary_frames_carry_messages() {
    for listener in ["ws 127.0.0.1", "ws [::1]"] {
        let stage = Setup::on(&[listener]).start();
        let mut socket = connect(&stage).await;
        let sent = text(&message("OPTIONS", "hello"));
        socket.send(sent.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), sent);
        // What is text comes back as text, whatever it came in.
        socket.send(Message::Binary(message("OPTIONS", "hello"))).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), sent);
        let raw = Message::binary([&message("MESSAGE", "")[..], &[0xff, 0xfe]].concat());
        socket.send(raw.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await.unwrap().unwrap(), raw);
        let (flow, peer) = stage.opened();
        assert!(flow.transport == Transport::Ws && peer.incoming);
    }
}

#[tokio::test]
async fn who_does_not_offer_sip_is_refused() {
    let stage = Setup::on(&["ws 127.0.0.1"]).start();
    for headers in [&[][..], &[("sec-websocket-protocol", "msrp")]] {
        let error = handshake(tcp(&stage, Transport::Ws).await, headers).await.unwrap_err();
        let Error::Http(response) = error else { panic!("a refusal: {error}") };
        assert_eq!(response.status(), 400);
    }
    handshake(tcp(&stage, Transport::Ws).await, &[("sec-websocket-protocol", "msrp, sip")]).await.unwrap();
}

#[tokio::test]
async fn pages_that_are_not_allowed_are_refused() {
    let origins = Origins::These(vec!["https://phone.example.com".into()]);
    let stage = Setup { origins, ..Setup::on(&["ws 127.0.0.1"]) }.start();
    let from = async |origin| handshake(tcp(&stage, Transport::Ws).await, &[SIP, ("origin", origin)]).await;
    from("https://phone.example.com").await.unwrap();
    let Err(Error::Http(response)) = from("https://evil.example.net").await else { panic!("a refusal") };
    assert_eq!(response.status(), 403);
    connect(&stage).await;
}

#[tokio::test]
async fn keep_alives_of_both_kinds_are_answered() {
    let stage = Setup::on(&["ws 127.0.0.1"]).start();
    let mut socket = connect(&stage).await;
    socket.send(Message::Ping(b"1"[..].into())).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::Pong(b"1"[..].into()));
    socket.send(Message::text("\r\n\r\n")).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), Message::text("\r\n"));
    assert_eq!(stage.server.counters().iter().sum::<u64>(), 0);
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_given_up() {
    let limits = Limits { websocket_ping: Duration::from_millis(60), ..Limits::DEFAULT };
    let stage = Setup::on(&["ws 127.0.0.1"]).limits(limits).start();
    let mut alive = connect(&stage).await;
    let pings = async {
        let mut pings = 0;
        while pings < 6 {
            pings += usize::from(matches!(next(&mut alive).await, Some(Ok(Message::Ping(_)))));
        }
    };
    // Whoever reads answers pings, and stays; whoever does not is gone.
    let dead = connect(&stage).await;
    pings.await;
    stage.noted("closed: the connection was idle");
    let sent = text(&message("OPTIONS", ""));
    alive.send(sent.clone()).await.unwrap();
    while next(&mut alive).await.unwrap().unwrap() != sent {}
    drop(dead);
}

#[tokio::test]
async fn what_is_too_long_or_no_websocket_ends_it() {
    let stage = Setup::on(&["ws 127.0.0.1"]).start();
    let mut socket = connect(&stage).await;
    socket.send(text(&message("MESSAGE", &"x".repeat(70_000)))).await.unwrap();
    stage.noted("closed: the peer does not speak SIP");
    assert_eq!(stage.server.counters().iter().sum::<u64>(), 0);
}

#[tokio::test]
async fn a_goodbye_is_said_on_both_sides() {
    let stage = Setup::on(&["ws 127.0.0.1"]).start();
    let mut leaving = connect(&stage).await;
    leaving.close(None).await.unwrap();
    stage.noted("closed: the connection was closed");
    let mut left = connect(&stage).await;
    left.send(text(&message("OPTIONS", ""))).await.unwrap();
    next(&mut left).await.unwrap().unwrap();
    stage.server.shutdown();
    assert!(matches!(next(&mut left).await, Some(Ok(Message::Close(_)))));
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_not_waited_for() {
    let limits = Limits { open_time: Duration::from_millis(150), ..Limits::DEFAULT };
    let stage = Setup::on(&["ws 127.0.0.1"]).limits(limits).start();
    let stream = tcp(&stage, Transport::Ws).await;
    stream.try_write(b"GET / HTTP/1.1\r\n").unwrap();
    timeout(SOON, stream.readable()).await.unwrap().unwrap();
    assert_eq!(stream.try_read(&mut [0; 16]).unwrap(), 0);
    stage.until_connections(0);
}

#[tokio::test]
async fn a_browser_finds_the_secured_one() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls {
        certificates: Certificates::Own { folder: folder.path().to_owned(), names: vec!["localhost".into()] },
        clients: ClientCertificates::NotAsked,
        roots: TrustedRoots::default(),
    };
    let stage = Setup { tls: Some(tls), ..Setup::on(&["wss 127.0.0.1"]) }.start();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.path().join("ca.pem")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // As browsers do.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = tcp(&stage, Transport::Wss).await;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let mut socket = handshake(stream, &[SIP, ("origin", "https://localhost")]).await.unwrap();
    let sent = text(&message("OPTIONS", "secret"));
    socket.send(sent.clone()).await.unwrap();
    assert_eq!(next(&mut socket).await.unwrap().unwrap(), sent);
    assert_eq!(stage.opened().0.transport, Transport::Wss);
}
