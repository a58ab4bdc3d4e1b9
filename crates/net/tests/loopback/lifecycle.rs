//! Starting, refusing to start, and ending.

use crate::stage::{SOON, Setup, message};
use cordboard_core::transport::Transport;
use cordboard_net::StartError;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Instant;

#[test]
fn two_servers_on_one_port_are_one_too_many() {
    for transport in ["udp", "tcp", "ws"] {
        let first = Setup::on(&[&format!("{transport} 127.0.0.1")]).start();
        let local = first.server.listeners()[0].local;
        let error = Setup::on(&[&format!("{transport} {local}")]).try_start().err().expect("a refusal");
        assert!(matches!(error, StartError::Occupied { .. }), "{error}");
        let says = error.to_string();
        assert!(says.starts_with(&format!("{transport} {local} is in use")), "{says}");
        assert!(says.contains("choose another port"), "{says}");
    }
}

#[test]
fn what_cannot_start_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let occupied = format!("tcp {}", taken.local_addr().unwrap());
    assert!(Setup::on(&[&format!("udp {free}"), &occupied]).try_start().is_err());
    UdpSocket::bind(free).unwrap();
}

#[test]
fn nonsense_is_refused_in_words() {
    let says = |setup: Setup| setup.try_start().err().expect("a refusal").to_string();
    assert!(says(Setup::on(&[])).contains("nothing to listen on"));
    assert!(says(Setup::on(&["tls 127.0.0.1"])).contains("needs a certificate"));
    assert!(says(Setup::on(&["udp 192.0.2.77"])).contains("is not an address of this machine"));
}

#[test]
fn listeners_are_told_as_bound() {
    let stage = Setup::on(&["udp 127.0.0.1", "tcp [::1]"]).start();
    let [udp, tcp] = stage.server.listeners() else { panic!("two listeners") };
    assert_ne!(udp.local.port(), 0);
    assert_eq!(&*udp.sent_by, udp.local.to_string());
    assert_eq!((udp.id.0, tcp.id.0, tcp.transport), (0, 1, Transport::Tcp));
    assert_eq!(stage.server.shards(), 2);
}

#[test]
fn one_shard_for_each_processor_unless_told_otherwise() {
    let stage = Setup { shards: 0, ..Setup::on(&["udp 127.0.0.1"]) }.start();
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(usize::from(stage.server.shards()), processors.min(64));
}

#[test]
fn a_shutdown_is_quick_and_frees_the_ports() {
    let stage = Setup::on(&["udp 127.0.0.1", "tcp 127.0.0.1"]).start();
    let (udp, tcp) = (stage.address(Transport::Udp), stage.address(Transport::Tcp));
    let mut stream = TcpStream::connect(tcp).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let sent = message("OPTIONS", "");
    stream.write_all(&sent).unwrap();
    let mut bytes = vec![0; sent.len()];
    stream.read_exact(&mut bytes).unwrap();

    let started = Instant::now();
    stage.server.shutdown();
    assert!(started.elapsed() < SOON, "it took {:?}", started.elapsed());
    assert_eq!(stream.read(&mut bytes).unwrap(), 0, "closed, not broken");
    UdpSocket::bind(udp).unwrap();
}

#[test]
fn a_shutdown_lets_peers_take_what_is_queued() {
    let limits = cordboard_net::Limits { queue_messages: 10_000, queue_bytes: 1 << 30, ..Default::default() };
    let stage = Setup { shards: 1, ..Setup::on(&["tcp 127.0.0.1"]) }.limits(limits).start();
    let mut stream = TcpStream::connect(stage.address(Transport::Tcp)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let sent = message("OPTIONS", "");
    stream.write_all(&sent).unwrap();
    stream.read_exact(&mut vec![0; sent.len()]).unwrap();
    stage.order("flood 2000");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes.len())
    });
    stage.server.shutdown();
    let one = message("FLOOD", &"x".repeat(8_000)).len();
    assert_eq!(reader.join().unwrap().unwrap(), 2_000 * one);
}

#[test]
fn a_server_may_end_inside_an_async_program() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let stage = Setup::on(&["udp 127.0.0.1", "tcp 127.0.0.1"]).start();
        drop(stage.server);
    });
}
