//! Staying registered.

use crate::programs::{Demo, call, says};
use crate::relay::Relay;
use serde_json::json;

/// RFC 5626 §4.5: over WebSocket nobody reaches bob but by his own connection. Once it is cut, he makes another one by
/// himself, and all that follows goes over that.
fn cut_off(transport: &str) {
    let demo = Demo::start();
    let relay = Relay::to(demo.address(transport));
    let proxy = format!("sip:{};transport={transport}", relay.address());
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.phone("bob", transport, &["--proxy", &proxy, "--tone", "660"]);
    bob.does("register");
    assert_eq!(relay.connections(), 1);
    relay.cut();
    bob.tells("registered");
    assert_eq!(relay.connections(), 2);
    call(&mut alice, &mut bob, "bob");
    alice.hears(660);
    bob.hears(440);
    bob.does("hold");
    alice.tells("held");
    bob.does("hangup");
    says(&alice.tells("ended"), json!({ "outcome": "answered", "by_peer": true }));
    bob.does("unregister");
    assert_eq!(relay.connections(), 2, "the new one is used again");
}

#[test]
fn who_is_cut_off_over_websocket_registers_again_at_once() {
    cut_off("ws");
}

#[test]
fn who_is_cut_off_over_tls_registers_again_at_once() {
    cut_off("tls");
}

/// A server that comes back after it has died finds out who is there as soon as they notice.
#[test]
fn the_call_goes_on_over_the_new_connection() {
    let demo = Demo::start();
    let relay = Relay::to(demo.address("ws"));
    let proxy = format!("sip:{};transport=ws", relay.address());
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.phone("bob", "ws", &["--proxy", &proxy, "--tone", "660"]);
    bob.does("register");
    call(&mut alice, &mut bob, "bob");
    relay.cut();
    bob.tells("registered");
    bob.does("hold");
    alice.tells("held");
    bob.does("hangup");
    says(&alice.tells("ended"), json!({ "outcome": "answered", "by_peer": true }));
}
