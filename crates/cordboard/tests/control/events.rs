//! The stream of what happens.

use crate::operator::Operator;
use crate::programs::{Demo, call, says};
use serde_json::json;

#[test]
fn a_call_is_told_from_its_first_ring_to_its_end() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let mut listener = operator.listens();
    let mut alice = demo.registered("alice", "udp", &[]);
    let registered = listener.hears("registered");
    says(&registered, json!({ "user": "alice@127.0.0.1" }));
    assert_eq!(registered["contacts"].as_array().unwrap().len(), 1, "{registered}");
    let mut bob = demo.registered("bob", "tcp", &[]);
    listener.hears("registered");

    call(&mut alice, &mut bob, "bob");
    let ringing = listener.hears("ringing");
    says(
        &ringing,
        json!({ "caller": "alice", "callee": "bob", "from": "sip:alice@127.0.0.1", "to": "sip:bob@127.0.0.1" }),
    );
    let call_id = ringing["call_id"].clone();
    says(&listener.hears("answered"), json!({ "call_id": call_id, "caller": "alice", "callee": "bob" }));
    bob.does("hangup");
    let ended = listener.hears("ended");
    says(
        &ended,
        json!({ "call_id": call_id, "outcome": "answered", "by": "callee", "from": "sip:alice@127.0.0.1" }),
    );

    alice.does("dial bob");
    bob.tells("incoming");
    bob.does("decline 486");
    says(&listener.hears("ended"), json!({ "outcome": "busy", "status": 486, "callee": "bob" }));
    alice.does("dial nobody");
    says(&listener.hears("ended"), json!({ "outcome": "not-found", "status": 404, "caller": null }));
    bob.does("unregister");
    says(&listener.hears("unregistered"), json!({ "user": "bob@127.0.0.1" }));
}

#[test]
fn a_transfer_is_told_with_its_kind_and_its_outcome() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let mut listener = operator.listens();
    let [mut alice, mut bob, mut carol] =
        ["alice", "bob", "carol"].map(|who| demo.registered(who, "udp", &[]));
    call(&mut alice, &mut bob, "bob");
    bob.says("transfer carol &");
    carol.tells("incoming");
    says(
        &listener.hears("referred"),
        json!({ "kind": "unattended-transfer", "transferor": "sip:bob@127.0.0.1",
            "transferee": "sip:alice@127.0.0.1", "target": "sip:carol@127.0.0.1" }),
    );
    carol.does("decline 486");
    says(
        &listener.hears("transferred"),
        json!({ "kind": "unattended-transfer", "outcome": "target-busy", "status": 486 }),
    );
    bob.tells("transferred");
    bob.does("consult carol");
    carol.tells("incoming");
    carol.does("answer");
    bob.does("wait established call=2");
    bob.does("complete");
    says(&listener.hears("referred"), json!({ "kind": "attended-transfer" }));
    says(
        &listener.hears("transferred"),
        json!({ "kind": "attended-transfer", "outcome": "completed", "status": 200 }),
    );
}

#[test]
fn changes_are_told_and_nobody_listens_without_the_token() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let mut listener = operator.listens();
    operator.says(&["forward", "bob", "--busy", "carol"]);
    let changed = listener.hears("rules-changed");
    says(&changed, json!({ "user": "bob" }));
    assert_eq!(changed["rules"]["forward"]["busy"], "carol", "{changed}");
    operator.asks("DELETE", "/v1/users/bob/rules", None);
    says(&listener.hears("rules-changed"), json!({ "user": "bob", "rules": null }));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let answer = agent.get(format!("http://{}/v1/events", demo.address("http"))).call().unwrap();
    assert_eq!(answer.status().as_u16(), 401);
}
