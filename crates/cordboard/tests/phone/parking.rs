//! Call park in a running switchboard (RFC 5359 §2.15): by transfer to a slot, and back by dialling it.

use crate::programs::{Demo, PATIENCE, call, says};
use serde_json::{Value, json};
use std::time::Instant;

/// The calls in slots, as the operator sees them: slot, state, who, and who has parked them.
pub(crate) fn parked(demo: &Demo) -> Vec<[String; 4]> {
    let lots = demo.ctl(&["park", "list"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let slots = lots.as_array().unwrap().iter().flat_map(|lot| lot["slots"].as_array().unwrap());
    slots
        .filter(|slot| !slot["parked"].is_null())
        .map(|slot| {
            let parked = &slot["parked"];
            [&slot["slot"], &parked["state"], &parked["who"], &parked["parked_by"]].map(text)
        })
        .collect()
}

/// Waits until the operator sees these: who is parked knows it before the server has their ACK or BYE.
#[track_caller]
fn is_parked(demo: &Demo, wanted: &[[String; 4]]) {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = parked(demo);
        if seen == wanted {
            return;
        }
        assert!(Instant::now() < until, "{seen:?}, and not {wanted:?}");
    }
}

#[test]
fn a_call_is_parked_by_transfer_to_a_slot_and_taken_by_dialling_it() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "tcp", &["--tone", "440"]);
    let mut bob = demo.registered("bob", "udp", &[]);
    let mut carol = demo.registered("carol", "tls", &["--tone", "880"]);
    assert_eq!(demo.ctl(&["park", "list"])[0]["slots"].as_array().unwrap().len(), 20);
    call(&mut alice, &mut bob, "bob");
    bob.does("transfer 701");
    alice.tells("referred");
    alice.tells("held");
    let [alice_uri, bob_uri] =
        ["alice", "bob"].map(|name| format!("sip:{name}@{}", demo.address("udp").split(':').next().unwrap()));
    is_parked(&demo, &[["701".to_owned(), "parked".to_owned(), alice_uri, bob_uri]]);
    carol.does("dial 701");
    says(&carol.tells("referred"), json!({ "call": 1, "new": 2 }));
    alice.tells("taken-over");
    alice.hears(880);
    carol.hears(440);
    is_parked(&demo, &[]);
}

/// RFC 5359 §2.15 as it is drawn: bob asks the park server, and carol, who asks it for its calls, takes the one that waits.
#[test]
fn a_call_is_parked_by_refer_and_retrieved_by_replaces() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.registered("bob", "udp", &[]);
    let mut carol = demo.registered("carol", "tcp", &["--tone", "880"]);
    call(&mut alice, &mut bob, "bob");
    bob.says("park park");
    says(&alice.tells("taken-over"), json!({ "call": 2, "replaces": 1 }));
    says(&bob.tells("parked"), json!({ "call": 1, "at": "sip:701@127.0.0.1" }));
    says(&bob.tells("transferred"), json!({ "kind": "park", "outcome": "completed" }));
    carol.says("retrieve 701");
    says(&carol.tells("found"), json!({ "call": 1 }));
    carol.does("wait established");
    alice.hears(880);
    carol.hears(440);
    is_parked(&demo, &[]);
}

#[test]
fn whoever_parked_a_call_takes_it_back() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.registered("bob", "tcp", &["--tone", "660"]);
    call(&mut alice, &mut bob, "bob");
    bob.does("park 705");
    assert_eq!(parked(&demo).len(), 1);
    bob.does("take-back");
    bob.does("wait established");
    alice.hears(660);
    bob.hears(440);
    is_parked(&demo, &[]);
}

/// Nothing waits in the slot, and there is no such slot: both end by name.
#[test]
fn nothing_is_retrieved_where_nothing_waits() {
    let demo = Demo::start();
    let mut carol = demo.registered("carol", "udp", &[]);
    carol.says("retrieve 702");
    says(&carol.tells("ended"), json!({ "outcome": "not-found" }));
    carol.says("retrieve 999");
    says(&carol.tells("ended"), json!({ "outcome": "not-found", "by_peer": true }));
    let mut bob = demo.registered("bob", "udp", &[]);
    bob.says("take-back");
    let (status, _, errors) = bob.ended();
    assert!(!status.success() && errors.contains("try `park SERVER`"), "{errors}");
}
