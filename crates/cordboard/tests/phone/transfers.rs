//! Handing calls over: each transfer ends in its outcome, and who talks to whom is heard.

use crate::programs::{Demo, Phone, call, says};
use serde_json::json;

const TONES: [&str; 3] = ["440", "660", "880"];

/// Alice, bob and carol, registered, with tones of their own.
fn three(demo: &Demo, transport: &str) -> [Phone; 3] {
    let tone = |at: usize| ["--tone", TONES[at]];
    [
        demo.registered("alice", transport, &tone(0)),
        demo.registered("bob", transport, &tone(1)),
        demo.registered("carol", transport, &tone(2)),
    ]
}

#[test]
fn bob_sends_alice_to_carol() {
    let demo = Demo::start();
    let [mut alice, mut bob, mut carol] = three(&demo, "udp");
    call(&mut alice, &mut bob, "bob");
    bob.does("hold");
    alice.tells("held");
    bob.says("transfer carol");
    says(&alice.tells("referred"), json!({ "call": 1, "new": 2 }));
    carol.tells("incoming");
    carol.does("answer");
    let transferred = bob.tells("transferred");
    says(
        &transferred,
        json!({ "call": 1, "kind": "unattended-transfer", "outcome": "completed", "status": 200 }),
    );
    assert!(transferred["evidence"].as_str().unwrap().contains("200"), "{transferred}");
    bob.tells_what("that it is done", |event| event["event"] == "done" && event["verb"] == "transfer carol");
    alice.hears(880);
    carol.hears(440);
    let (status, _, errors) = bob.ends();
    assert!(status.success(), "{errors}");
}

#[test]
fn a_busy_target_gives_the_parties_back_to_each_other() {
    let demo = Demo::start();
    let [mut alice, mut bob, mut carol] = three(&demo, "tcp");
    call(&mut alice, &mut bob, "bob");
    bob.does("hold");
    bob.says("transfer carol &");
    carol.tells("incoming");
    carol.does("decline 486");
    says(&bob.tells("transferred"), json!({ "outcome": "target-busy", "status": 486 }));
    let failed = bob.tells("failed");
    assert!(failed["says"].as_str().unwrap().contains("target-busy"), "{failed}");
    bob.tells("resumed");
    alice.tells("unheld");
    alice.hears(660);
    bob.does("wait hears tones=440");
    bob.does("hangup");
    let (status, _, errors) = bob.ends();
    assert!(status.success(), "what is in the background is not the script's: {errors}");
}

#[test]
fn a_transfer_that_fails_fails_its_script() {
    let demo = Demo::start();
    let [mut alice, mut bob, mut carol] = three(&demo, "udp");
    call(&mut alice, &mut bob, "bob");
    bob.says("transfer carol");
    carol.tells("incoming");
    carol.does("decline");
    let (status, told, errors) = bob.ended();
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("`transfer carol`") && errors.contains("target-declined: 603"), "{errors}");
    assert!(told.iter().any(|event| event["event"] == "failed" && event["verb"] == "transfer carol"));
    assert_eq!(
        alice.tells_what("the end", |event| event["call"] == 1 && event["event"] == "ended")["by_peer"],
        true
    );
}

#[test]
fn bob_asks_carol_and_joins_her_with_alice() {
    let demo = Demo::start();
    let [mut alice, mut bob, mut carol] = three(&demo, "tls");
    call(&mut alice, &mut bob, "bob");
    alice.hears(660);
    bob.does("consult carol");
    alice.tells("held");
    alice.hears_nothing();
    carol.tells("incoming");
    carol.does("answer");
    bob.does("wait established call=2");
    bob.hears(880);
    bob.says("complete");
    says(&carol.tells("taken-over"), json!({ "replaces": 1, "call": 2 }));
    says(&bob.tells("transferred"), json!({ "kind": "attended-transfer", "outcome": "completed" }));
    alice.hears(880);
    carol.hears(440);
    bob.does("calls");
    let (status, told, errors) = bob.ends();
    assert!(status.success(), "{errors}");
    let calls = told.iter().rfind(|event| event["event"] == "calls").unwrap();
    assert_eq!(calls["calls"], json!([]), "bob is out of it");
}

/// RFC 7118: nobody can connect to any of the three, and each is reached over the connection that it made.
#[test]
fn bob_hands_alice_over_from_websocket_to_secure_websocket() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "ws", &["--tone", TONES[0]]);
    let mut bob = demo.registered("bob", "wss", &["--tone", TONES[1]]);
    let mut carol = demo.registered("carol", "wss", &["--tone", TONES[2]]);
    assert!(bob.told[0]["address"].as_str().unwrap().ends_with(".invalid"), "{}", bob.told[0]);
    call(&mut alice, &mut bob, "bob");
    alice.hears(660);
    bob.does("consult carol");
    carol.tells("incoming");
    carol.does("answer");
    bob.does("wait established call=2");
    bob.says("complete");
    says(&bob.tells("transferred"), json!({ "kind": "attended-transfer", "outcome": "completed" }));
    alice.hears(880);
    carol.hears(440);
    alice.says("transfer bob");
    bob.tells("incoming");
    bob.does("answer");
    says(&alice.tells("transferred"), json!({ "kind": "unattended-transfer", "outcome": "completed" }));
    carol.hears(660);
    bob.hears(880);
}

/// RFC 5359 §2.6: the link that carol gets names bob's call with alice, and she takes it over.
#[test]
fn bob_sends_carol_a_link_that_takes_his_call_over() {
    let demo = Demo::start();
    let [mut alice, mut bob, mut carol] = three(&demo, "udp");
    call(&mut alice, &mut bob, "bob");
    bob.hears(440);
    bob.says("link carol");
    let message = carol.tells("message");
    assert!(message["text"].as_str().unwrap().contains("Replaces="), "{message}");
    carol.does("follow");
    says(&alice.tells("taken-over"), json!({ "replaces": 1, "call": 2 }));
    says(&bob.tells("transferred"), json!({ "kind": "message-transfer", "outcome": "completed" }));
    alice.hears(880);
    carol.hears(440);
}

#[test]
fn a_message_arrives_and_one_to_nobody_fails() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "tcp", &[]);
    let mut bob = demo.registered("bob", "udp", &[]);
    alice.does("message bob Lunch at one?");
    let message = bob.tells("message");
    says(&message, json!({ "from": "sip:alice@127.0.0.1", "text": "Lunch at one?" }));
    alice.says("message nobody Hello");
    says(&alice.tells("message-sent"), json!({ "status": 404 }));
    let (status, _, errors) = alice.ended();
    assert!(!status.success() && errors.contains("404") && errors.contains("try"), "{errors}");
}
