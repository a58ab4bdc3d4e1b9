//! TCP: framing, limits, slow and lying peers, connections that are opened and used again.

use crate::stage::{SOON, Seen, Setup, Stage, message};
use cordboard_core::transport::{FlowError, Transport};
use cordboard_net::Limits;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A limit that a test waits for.
const SHORT: Duration = Duration::from_millis(150);

fn connect(stage: &Stage) -> TcpStream {
    connect_to(stage.address(Transport::Tcp))
}

fn connect_to(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads exactly as much as is expected.
fn expect(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(expected));
}

/// Everything until the server closes the connection.
fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("not closed: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn echoes(stream: &mut TcpStream) {
    let sent = message("OPTIONS", "hello");
    stream.write_all(&sent).unwrap();
    expect(stream, &sent);
}

fn closed(stage: &Stage, why: FlowError) {
    // Every shard is told.
    stage.noted(&format!("closed: {why}"));
    stage.noted(&format!("closed: {why}"));
}

#[test]
fn both_versions_of_ip() {
    for listener in ["tcp 127.0.0.1", "tcp [::1]", "tcp [::]"] {
        let stage = Setup::on(&[listener]).start();
        let mut address = stage.address(Transport::Tcp);
        if address.ip().is_unspecified() {
            address.set_ip("::1".parse().unwrap());
        }
        let mut stream = connect_to(address);
        echoes(&mut stream);
        let (flow, peer) = stage.opened();
        assert_eq!((flow.remote, flow.transport), (stream.local_addr().unwrap(), Transport::Tcp));
        assert!(peer.incoming && peer.identities.is_empty());
    }
}

#[test]
fn reads_and_messages_need_not_agree() {
    let stage = Setup::on(&["tcp 127.0.0.1"]).start();
    let mut stream = connect(&stage);
    let one = message("OPTIONS", "first");
    for byte in &one {
        stream.write_all(&[*byte]).unwrap();
    }
    expect(&mut stream, &one);
    // The echoes of one shard come in order, and equal messages are of one shard.
    let many = one.repeat(50);
    stream.write_all(&many).unwrap();
    expect(&mut stream, &many);
    let large = message("MESSAGE", &"x".repeat(60_000));
    stream.write_all(&large).unwrap();
    expect(&mut stream, &large);
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    let stage = Setup::on(&["tcp 127.0.0.1"]).start();
    let mut stream = connect(&stage);
    stream.write_all(b"\r\n\r\n").unwrap();
    expect(&mut stream, b"\r\n");
    echoes(&mut stream);
    stream.write_all(b"\r\n\r\n\r\n\r\n").unwrap();
    expect(&mut stream, b"\r\n\r\n");
}

#[test]
fn a_half_sent_message_is_waited_for_only_so_long() {
    let limits = Limits { message_time: SHORT, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    let mut stream = connect(&stage);
    echoes(&mut stream);
    let started = Instant::now();
    stream.write_all(b"OPTIONS sip:example.com SIP/2.0\r\nContent-Le").unwrap();
    assert_eq!(until_closed(&mut stream), "");
    assert!(started.elapsed() >= SHORT);
    closed(&stage, FlowError::Idle);
}

#[test]
fn who_sends_a_byte_at_a_time_gets_no_more_time() {
    let limits = Limits { message_time: SHORT, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    let mut stream = connect(&stage);
    let started = Instant::now();
    let mut sent = 0;
    while stream.write_all(b"X").is_ok() {
        sent += 1;
        assert!(started.elapsed() < SOON, "never closed after {sent} bytes");
        std::thread::sleep(Duration::from_millis(2));
    }
    stage.until_connections(0);
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    let limits = Limits { message_time: SHORT, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    assert_eq!(until_closed(&mut connect(&stage)), "");
    // Whoever has spoken may be silent.
    let mut stream = connect(&stage);
    echoes(&mut stream);
    std::thread::sleep(SHORT * 2);
    echoes(&mut stream);
}

#[test]
fn a_thousand_half_sent_messages_do_not_keep_others_waiting() {
    let limits = Limits { message_time: Duration::from_secs(2), ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    let mut half: Vec<_> = (0..400).map(|_| connect(&stage)).collect();
    for stream in &mut half {
        stream.write_all(b"INVITE sip:bob@example.com SIP/2.0\r\n").unwrap();
    }
    echoes(&mut connect(&stage));
    for stream in &mut half {
        assert_eq!(until_closed(stream), "");
    }
}

#[test]
fn idle_connections_end_unless_something_moves() {
    let idle_time = SHORT * 10;
    let limits = Limits { idle_time, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    let mut stream = connect(&stage);
    let started = Instant::now();
    while started.elapsed() < idle_time * 2 {
        echoes(&mut stream);
        std::thread::sleep(SHORT / 10);
    }
    assert_eq!(until_closed(&mut stream), "");
    closed(&stage, FlowError::Idle);
}

#[test]
fn a_length_that_is_too_long_swallows_what_follows_until_time_is_over() {
    let limits = Limits { message_time: SHORT, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    let mut stream = connect(&stage);
    stream.write_all(b"MESSAGE sip:example.com SIP/2.0\r\nContent-Length: 500\r\n\r\nshort").unwrap();
    assert_eq!(until_closed(&mut stream), "");
    closed(&stage, FlowError::Idle);
    assert_eq!(stage.server.counters().iter().sum::<u64>(), 0);
}

#[test]
fn a_length_that_is_too_short_ends_the_connection() {
    let stage = Setup::on(&["tcp 127.0.0.1"]).start();
    let mut stream = connect(&stage);
    let lie = b"MESSAGE sip:example.com SIP/2.0\r\nContent-Length: 2\r\n\r\nhi{\"and\": \"more\"}\r\n\r\n";
    stream.write_all(lie).unwrap();
    let answer = until_closed(&mut stream);
    assert!(answer.ends_with("\r\n\r\nhi"), "the message as it was declared, and nothing more: {answer}");
    closed(&stage, FlowError::NotSip);
}

#[test]
fn a_message_without_a_length_is_refused_in_words() {
    let stage = Setup::on(&["tcp 127.0.0.1"]).start();
    let mut stream = connect(&stage);
    stream
        .write_all(
            b"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n\
              From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
        )
        .unwrap();
    let answer = until_closed(&mut stream);
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
    assert!(answer.contains("received=127.0.0.1"), "{answer}");
    closed(&stage, FlowError::NotSip);
}

#[test]
fn a_header_of_a_megabyte_is_refused_before_it_is_kept() {
    let stage = Setup::on(&["tcp 127.0.0.1"]).start();
    let mut stream = connect(&stage);
    let _ = stream.write_all(b"OPTIONS sip:example.com SIP/2.0\r\nSubject: ");
    // The server stops reading long before this is through.
    let _ = stream.write_all(&vec![b'x'; 1 << 20]);
    until_closed(&mut stream);
    closed(&stage, FlowError::NotSip);
}

#[test]
fn connections_are_counted_by_source_and_in_all() {
    let limits = Limits { connections_per_source: 3, connections: 4, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 0.0.0.0"]).limits(limits).start();
    let port = stage.address(Transport::Tcp).port();
    let from = |source: [u8; 4]| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    };
    let mut three: Vec<_> = (0..3).map(|_| from([127, 0, 0, 1])).collect();
    three.iter_mut().for_each(echoes);
    assert_eq!(until_closed(&mut from([127, 0, 0, 1])), "", "a fourth of one source");
    let mut other = from([127, 0, 0, 2]);
    echoes(&mut other);
    assert_eq!(until_closed(&mut from([127, 0, 0, 3])), "", "a fifth in all");
    assert_eq!(stage.server.traffic().refused_connections, 2);

    drop(three.pop());
    stage.until_connections(3);
    echoes(&mut from([127, 0, 0, 3]));
    three.iter_mut().for_each(echoes);
}

#[test]
fn who_does_not_read_fails_and_nobody_else_notices() {
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.start();
    let mut slow = connect(&stage);
    echoes(&mut slow);
    // Far more than the system's buffers and the queue take together.
    stage.order("flood 4000");
    stage.noted("closed: the peer is too slow");
    stage.until_connections(0);
    let mut quick = connect(&stage);
    echoes(&mut quick);
}

#[test]
fn who_reads_gets_everything() {
    let limits = Limits { queue_messages: 100_000, queue_bytes: 1 << 30, ..Limits::DEFAULT };
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.limits(limits).start();
    let mut stream = connect(&stage);
    echoes(&mut stream);
    stage.order("flood 500");
    expect(&mut stream, &message("FLOOD", &"x".repeat(8_000)).repeat(500));
}

#[test]
fn closing_a_flow_sends_what_is_queued_first() {
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.start();
    let mut stream = connect(&stage);
    echoes(&mut stream);
    stage.order("close");
    assert_eq!(until_closed(&mut stream).as_bytes(), message("FAREWELL", ""));
    stage.noted("closed: the connection was closed");
}

#[test]
fn a_flow_that_is_gone_is_told_to_who_sends_over_it() {
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.start();
    let mut stream = connect(&stage);
    echoes(&mut stream);
    let (flow, _) = stage.opened();
    drop(stream);
    stage.wait(|seen| matches!(seen, Seen::Closed(gone) if *gone == flow).then_some(()));
    stage.noted("closed:");
    stage.order("flood 1");
    assert_eq!(stage.noted("closed:").1, Some(flow));
}

#[test]
fn a_connection_is_opened_once_and_used_again() {
    for address in ["127.0.0.1", "[::1]"] {
        let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1", "tcp [::1]"]) }.start();
        let peer = TcpListener::bind(format!("{address}:0")).unwrap();
        let remote = peer.local_addr().unwrap();
        stage.order(&format!("open tcp {remote} example.com"));
        stage.order(&format!("open tcp {remote} example.com"));
        let (mut stream, from) = peer.accept().unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        // Not always in this order: the connection is known before those who wait for it are told.
        let [one, other] = [(); 2].map(|()| stage.noted("answer"));
        assert_eq!(one.1, other.1);
        let flow = one.1.unwrap();
        let listener = &stage.server.listeners()[usize::from(flow.listener.0)];
        assert_eq!((flow.remote, from.ip()), (remote, listener.local.ip()));
        stage.order(&format!("open tcp {remote} another.example.com"));
        assert_eq!(stage.noted("answer 3: Opened(Ok").1, Some(flow));

        // It carries messages like any other, and pongs are no messages.
        stream.write_all(b"\r\n").unwrap();
        echoes(&mut stream);
        drop(stream);
        assert_eq!(stage.noted("closed:").1, Some(flow));
        stage.order(&format!("open tcp {remote} example.com"));
        let fresh = stage.noted("answer 4: Opened(Ok").1.unwrap();
        assert_ne!(fresh.connection, flow.connection);
    }
}

#[test]
fn a_connection_that_the_peer_opened_is_used_again() {
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.start();
    let mut stream = connect(&stage);
    echoes(&mut stream);
    let (flow, _) = stage.opened();
    stage.order(&format!("open tcp {} \"\"", flow.remote));
    assert_eq!(stage.noted("answer 1: Opened(Ok").1, Some(flow));
}

#[test]
fn what_cannot_be_opened_is_told() {
    let stage = Setup::on(&["tcp 127.0.0.1", "udp 127.0.0.1"]).start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (order, answer) in [
        (format!("open tcp {nobody} x"), "Err(Unreachable)"),
        ("open tcp [::1]:1 x".to_owned(), "Err(Unreachable)"),
        ("open tls 127.0.0.1:1 x".to_owned(), "Err(Unreachable)"),
        ("open ws 127.0.0.1:1 x".to_owned(), "Err(Unreachable)"),
        ("open udp 127.0.0.1:1 x".to_owned(), "Ok(Flow"),
    ] {
        stage.order(&order);
        let told = stage.noted("answer").0;
        assert!(told.contains(answer), "{order}: {told}");
    }
    stage.until_connections(0);
}

#[test]
fn opening_takes_only_so_long() {
    let limits = Limits { open_time: SHORT, ..Limits::DEFAULT };
    let stage = Setup::on(&["tcp 127.0.0.1"]).limits(limits).start();
    // A listener whose backlog is full answers nobody.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let remote = full.local_addr().unwrap().as_socket().unwrap();
    let _waiting: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&remote.into());
            socket
        })
        .collect();
    stage.order(&format!("open tcp {remote} x"));
    stage.noted("answer 1: Opened(Err(Unreachable))");
}
