//! UDP: batches, errors, keep-alives, timers.

use crate::stage::{SOON, Setup, Stage, message};
use cordboard_core::transport::Transport;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

fn socket(server: SocketAddr) -> UdpSocket {
    let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(local).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 65_536];
    let count = socket.recv(&mut bytes).unwrap();
    bytes.truncate(count);
    bytes
}

fn echoes(stage: &Stage) {
    let socket = socket(stage.address(Transport::Udp));
    let sent = message("OPTIONS", "hello");
    socket.send(&sent).unwrap();
    assert_eq!(receive(&socket), sent);
}

#[test]
fn both_versions_of_ip() {
    for listener in ["udp 127.0.0.1", "udp [::1]", "udp 0.0.0.0"] {
        let stage = Setup::on(&[listener]).start();
        let mut address = stage.address(Transport::Udp);
        if address.ip().is_unspecified() {
            address.set_ip("127.0.0.1".parse().unwrap());
        }
        let socket = socket(address);
        socket.send(&message("OPTIONS", "")).unwrap();
        assert_eq!(receive(&socket), message("OPTIONS", ""));
    }
}

#[test]
fn several_listeners_answer_from_their_own_address() {
    let stage = Setup::on(&["udp 127.0.0.1", "udp [::1]", "udp 127.0.0.2"]).start();
    for listener in stage.server.listeners() {
        let socket = socket(listener.local);
        socket.send(&message("OPTIONS", "")).unwrap();
        assert_eq!(receive(&socket), message("OPTIONS", ""), "{}", listener.local);
    }
}

#[test]
fn many_peers_with_many_messages_lose_none_and_keep_their_order() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let address = stage.address(Transport::Udp);
    let peers: Vec<_> = (0..8).map(|_| socket(address)).collect();
    for round in 0..20u32 {
        let of = |n: u32| message("OPTIONS", &format!("{round:04}{n:04}"));
        for peer in &peers {
            for n in 0..10 {
                peer.send(&of(n)).unwrap();
            }
        }
        for peer in &peers {
            let received: Vec<_> = (0..10).map(|_| receive(peer)).collect();
            // A message's shard follows from its bytes; within a shard the order is kept.
            for shard in 0..2 {
                let mine =
                    |bytes: &[u8]| bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) % 2 == shard;
                let got: Vec<_> = received.iter().filter(|bytes| mine(bytes)).cloned().collect();
                let sent: Vec<_> = (0..10).map(|n| of(n).to_vec()).filter(|bytes| mine(bytes)).collect();
                assert_eq!(got, sent);
            }
        }
    }
    assert_eq!(stage.server.counters().iter().sum::<u64>(), 8 * 20 * 10);
    assert!(stage.server.counters().iter().all(|count| *count > 0), "both shards worked");
}

#[test]
fn the_largest_datagram_passes() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let socket = socket(stage.address(Transport::Udp));
    let sent = message("OPTIONS", &"x".repeat(65_000));
    socket.send(&sent).unwrap();
    assert_eq!(receive(&socket), sent);
}

#[test]
fn keep_alives_are_passed_over_and_stun_is_answered() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let socket = socket(stage.address(Transport::Udp));
    for keep_alive in [&b"\r\n\r\n"[..], b"", b"\0", b"\r\n"] {
        socket.send(keep_alive).unwrap();
    }
    let request = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    socket.send(request).unwrap();
    let answer = receive(&socket);
    assert_eq!(answer[..2], [1, 1]);
    assert_eq!(answer[4..20], request[4..20]);
    let port = u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112;
    assert_eq!(port, socket.local_addr().unwrap().port());
    assert_eq!(stage.server.counters().iter().sum::<u64>(), 0, "no agent saw any of it");
}

#[test]
fn a_peer_that_is_not_there_is_an_input() {
    for listener in ["udp 127.0.0.1", "udp [::1]"] {
        let stage = Setup::on(&[listener]).start();
        let gone = socket(stage.address(Transport::Udp)).local_addr().unwrap();
        stage.order(&format!("send udp {gone}"));
        let (why, flow) = stage.noted("closed:");
        assert_eq!((why.as_str(), flow.unwrap().remote), ("closed: the peer cannot be reached", gone));
        echoes(&stage);
    }
}

#[test]
fn a_peer_that_cannot_be_sent_to_is_an_input() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    // Nothing leads from loopback to there.
    stage.order("send udp 192.0.2.1:5060");
    let (why, flow) = stage.noted("closed:");
    assert_eq!((why.as_str(), flow.unwrap().remote.port()), ("closed: the peer cannot be reached", 5060));
    assert!(stage.server.traffic().refused_datagrams > 0);
    echoes(&stage);
}

#[test]
fn a_flood_of_garbage_changes_nothing() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let flood = socket(stage.address(Transport::Udp));
    for n in 0..20_000u32 {
        // The peer never reads, so its own errors are of no interest.
        let _ = flood.send(&n.to_be_bytes().repeat(1 + n as usize % 64));
    }
    drop(flood);
    // The system drops what finds no room behind the flood, so this peer sends again, as SIP does.
    let socket = socket(stage.address(Transport::Udp));
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let sent = message("OPTIONS", "hello");
    let answered = (0..50).any(|_| {
        socket.send(&sent).unwrap();
        socket.recv(&mut [0; 1_024]).is_ok_and(|count| count == sent.len())
    });
    assert!(answered);
}

#[test]
fn a_panic_costs_one_datagram() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let socket = socket(stage.address(Transport::Udp));
    for _ in 0..3 {
        socket.send(b"PANIC sip:example.com SIP/2.0\r\n\r\n").unwrap();
        echoes(&stage);
    }
}

#[test]
fn timers_fire_without_a_message() {
    let stage = Setup::on(&["udp 127.0.0.1"]).start();
    let started = std::time::Instant::now();
    stage.order("timer 60000");
    stage.order("timer 30");
    stage.noted("timer");
    assert!(started.elapsed() >= Duration::from_millis(30));
    for _ in 0..20 {
        stage.order_all("timer 1");
        stage.noted("timer");
        stage.noted("timer");
    }
}
