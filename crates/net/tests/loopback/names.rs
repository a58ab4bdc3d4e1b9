//! Lookups against a name server of our own.

use crate::stage::{Setup, Stage};
use cordboard_net::{Dns, Limits};
use hickory_server::Server;
use hickory_server::proto::rr::rdata::{A, AAAA, NAPTR, SOA, SRV};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// A server that knows `example.com`, for as long as the runtime lives.
fn name_server() -> (Runtime, SocketAddr) {
    let mut zone: InMemoryZoneHandler =
        InMemoryZoneHandler::empty(name("example.com."), ZoneType::Primary, AxfrPolicy::Deny);
    let mut add = |owner: &str, data| {
        assert!(zone.upsert_mut(Record::from_rdata(name(owner), 60, data), 1), "{owner}");
    };
    add(
        "example.com.",
        RData::SOA(SOA::new(name("ns.example.com."), name("a.example.com."), 1, 60, 60, 60, 60)),
    );
    let naptr = |order, preference, service: &str, replacement| {
        let boxed = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
        RData::NAPTR(NAPTR::new(order, preference, boxed("s"), boxed(service), boxed(""), name(replacement)))
    };
    add("example.com.", naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com."));
    add("example.com.", naptr(100, 20, "SIP+D2U", "_sip._udp.example.com."));
    add("_sip._udp.example.com.", RData::SRV(SRV::new(10, 60, 5062, name("one.example.com."))));
    add("_sip._udp.example.com.", RData::SRV(SRV::new(20, 0, 5063, name("two.example.com."))));
    add("one.example.com.", RData::A(A::new(192, 0, 2, 1)));
    add("one.example.com.", RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    add("two.example.com.", RData::A(A::new(192, 0, 2, 2)));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let socket = runtime.block_on(tokio::net::UdpSocket::bind("127.0.0.1:0")).unwrap();
    let address = socket.local_addr().unwrap();
    runtime.spawn(async move {
        let mut catalog = Catalog::new();
        catalog.upsert(name("example.com.").into(), vec![Arc::new(zone)]);
        let mut server = Server::new(catalog);
        server.register_socket(socket);
        server.block_until_done().await
    });
    (runtime, address)
}

fn start(servers: Vec<SocketAddr>) -> Stage {
    let dns = Dns { servers, timeout: Duration::from_millis(300), attempts: 1 };
    Setup { dns, ..Setup::on(&["udp 127.0.0.1"]) }.start()
}

fn answer(stage: &Stage, order: &str) -> String {
    stage.order(order);
    stage.noted("answer").0
}

#[test]
fn services_servers_and_addresses() {
    let (_runtime, address) = name_server();
    let stage = start(vec![address]);
    let services = answer(&stage, "naptr example.com");
    for part in [
        r#"order: 50, preference: 50, flags: "s", service: "SIPS+D2T", replacement: "_sips._tcp.example.com.""#,
        r#"order: 100, preference: 20, flags: "s", service: "SIP+D2U", replacement: "_sip._udp.example.com.""#,
    ] {
        assert!(services.contains(part), "{services}");
    }
    let servers = answer(&stage, "srv _sip._udp.example.com");
    for part in [
        r#"priority: 10, weight: 60, port: 5062, target: "one.example.com.""#,
        r#"priority: 20, weight: 0, port: 5063, target: "two.example.com.""#,
    ] {
        assert!(servers.contains(part), "{servers}");
    }
    let addresses = answer(&stage, "addresses one.example.com");
    for address in ["192.0.2.1", "2001:db8::1"] {
        assert!(addresses.contains(&address.parse::<IpAddr>().unwrap().to_string()), "{addresses}");
    }
    assert!(answer(&stage, "addresses two.example.com.").ends_with("Dns(Addresses([192.0.2.2]))"));
    assert!(answer(&stage, "addresses 2001:db8::7").ends_with("Dns(Addresses([2001:db8::7]))"));
}

#[test]
fn what_is_not_there_is_an_answer_too() {
    let (_runtime, address) = name_server();
    let stage = start(vec![address]);
    for (order, expected) in [
        ("naptr one.example.com", "Dns(Naptr([]))"),
        ("naptr nobody.example.com", "Dns(Naptr([]))"),
        ("srv _sip._tcp.example.com", "Dns(Srv([]))"),
        ("addresses nobody.example.com", "Dns(Addresses([]))"),
        ("addresses a..b", "Dns(Addresses([]))"),
    ] {
        let told = answer(&stage, order);
        assert!(told.ends_with(expected), "{order}: {told}");
    }
}

#[test]
fn a_server_that_does_not_answer_fails_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let stage = start(vec![silent.local_addr().unwrap()]);
    let started = Instant::now();
    for order in ["naptr example.com", "srv _sip._udp.example.com", "addresses example.com"] {
        assert!(answer(&stage, order).ends_with("Dns(Failed)"));
    }
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn the_second_server_helps_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (_runtime, address) = name_server();
    let stage = start(vec![silent.local_addr().unwrap(), address]);
    assert!(answer(&stage, "addresses two.example.com").ends_with("Dns(Addresses([192.0.2.2]))"));
}

#[test]
fn there_is_a_limit_to_lookups_at_once() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let limits = Limits { lookups: 2, ..Limits::DEFAULT };
    let servers = vec![silent.local_addr().unwrap()];
    let dns = Dns { servers, timeout: Duration::from_secs(5), attempts: 1 };
    let stage = Setup { dns, shards: 1, ..Setup::on(&["udp 127.0.0.1"]) }.limits(limits).start();
    for name in ["a", "b", "c"] {
        stage.order(&format!("addresses {name}.example.com"));
    }
    assert_eq!(stage.noted("answer").0, "answer 3: Dns(Failed)");
}

#[test]
fn names_of_this_machine_need_no_server() {
    let stage = start(Vec::new());
    assert!(answer(&stage, "addresses localhost").contains("127.0.0.1"));
}
