//! What an operator does with calls: each action is answered with its outcome.

use crate::operator::Operator;
use crate::programs::{Demo, Phone, call, says};
use serde_json::{Value, json};

/// Alice and bob talk, and are heard; carol is there too. With the Call-ID.
fn talking(demo: &Demo, operator: &Operator, transport: &str) -> ([Phone; 3], String) {
    let tones = ["440", "660", "880"];
    let mut phones = [("alice", 0), ("bob", 1), ("carol", 2)]
        .map(|(who, at)| demo.registered(who, transport, &["--tone", tones[at]]));
    let [alice, bob, _] = &mut phones;
    call(alice, bob, "bob");
    alice.hears(660);
    bob.hears(440);
    let (_, calls) = operator.asks("GET", "/v1/calls", None);
    let called = calls.as_array().unwrap().iter().find(|call| call["state"] == "answered").unwrap();
    let call_id = called["call_id"].as_str().unwrap().to_owned();
    (phones, call_id)
}

fn acts(operator: &Operator, call_id: &str, verb: &str, body: Option<&Value>) -> Value {
    let body = body.map(Value::to_string);
    let (status, answer) = operator.asks("POST", &format!("/v1/calls/{call_id}/{verb}"), body.as_deref());
    assert_eq!(status, 200, "{verb}: {answer}");
    answer
}

#[test]
fn a_call_is_ended_for_both() {
    for transport in ["udp", "tcp"] {
        let demo = Demo::start();
        let operator = Operator::of(&demo);
        let ([mut alice, mut bob, _carol], call_id) = talking(&demo, &operator, transport);
        let mut listener = operator.listens();
        let told = operator.says(&["end", &call_id]);
        assert!(told.starts_with("completed: "), "{told}");
        says(&alice.tells("ended"), json!({ "by_peer": true, "outcome": "answered" }));
        says(&bob.tells("ended"), json!({ "by_peer": true, "outcome": "answered" }));
        says(
            &listener.hears("ended"),
            json!({ "call_id": call_id, "caller": "alice", "outcome": "answered" }),
        );
        says(&acts(&operator, &call_id, "end", None), json!({ "outcome": "already-ended" }));
    }
}

#[test]
fn a_call_that_rings_is_cancelled() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let [mut alice, mut bob] = ["alice", "bob"].map(|who| demo.registered(who, "udp", &[]));
    let mut listener = operator.listens();
    alice.does("dial bob");
    bob.tells("incoming");
    let call_id = listener.hears("ringing")["call_id"].as_str().unwrap().to_owned();
    says(&acts(&operator, &call_id, "end", None), json!({ "outcome": "completed", "kind": "call" }));
    alice.tells("ended");
    bob.tells("ended");
}

#[test]
fn a_call_is_held_and_resumed_and_goes_on() {
    for transport in ["udp", "tls"] {
        let demo = Demo::start();
        let operator = Operator::of(&demo);
        let ([mut alice, mut bob, _carol], call_id) = talking(&demo, &operator, transport);
        assert!(operator.says(&["hold", &call_id]).contains("both sides are on hold"));
        alice.hears_nothing();
        bob.hears_nothing();
        assert!(operator.says(&["resume", &call_id]).contains("both sides are off hold"));
        alice.hears(660);
        bob.hears(440);
        // The phones count on as if nothing had been said in between.
        bob.does("hold");
        alice.hears_nothing();
        bob.does("resume");
        alice.hears(660);
        alice.does("hold");
        alice.does("resume");
        bob.hears(440);
        alice.does("hangup");
        says(&bob.tells("ended"), json!({ "by_peer": true }));
    }
}

#[test]
fn a_call_is_handed_over() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let ([mut alice, mut bob, mut carol], call_id) = talking(&demo, &operator, "udp");
    let mut listener = operator.listens();
    std::thread::scope(|scope| {
        let told =
            scope.spawn(|| operator.says(&["--json", "transfer", &call_id, "carol", "--leaves", "bob"]));
        carol.tells("incoming");
        carol.does("answer");
        let told: Value = serde_json::from_str(&told.join().unwrap()).unwrap();
        says(
            &told,
            json!({ "call_id": call_id, "kind": "unattended-transfer", "outcome": "completed", "status": 200 }),
        );
    });
    says(
        &listener.hears("transferred"),
        json!({ "transferor": "sip:bob@127.0.0.1", "outcome": "completed" }),
    );
    alice.hears(880);
    carol.hears(440);
    says(&bob.tells("ended"), json!({ "by_peer": true }));
}

#[test]
fn a_handover_that_fails_leaves_the_call_as_it_was() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let ([mut alice, mut bob, mut carol], call_id) = talking(&demo, &operator, "tcp");
    let handover = |to: &str| json!({ "to": to, "leaves": "alice" });
    std::thread::scope(|scope| {
        let told = scope.spawn(|| acts(&operator, &call_id, "transfer", Some(&handover("carol"))));
        carol.tells("incoming");
        carol.does("decline 486");
        says(&told.join().unwrap(), json!({ "outcome": "target-busy", "status": 486 }));
    });
    let nobody = acts(&operator, &call_id, "transfer", Some(&handover("nobody")));
    says(&nobody, json!({ "outcome": "target-not-found", "status": 404 }));
    let outside = acts(&operator, &call_id, "transfer", Some(&handover("sip:x@elsewhere.example")));
    says(&outside, json!({ "outcome": "not-allowed" }));
    let itself = acts(&operator, &call_id, "transfer", Some(&json!({ "to": "carol" })));
    says(&itself, json!({ "outcome": "failed" }));
    assert!(itself["says"].as_str().unwrap().contains("name one"), "{itself}");
    let output = operator.ctl(&["transfer", &call_id, "nobody", "--leaves", "alice"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && errors.contains("target-not-found"), "{errors}");
    alice.does("hold");
    bob.hears_nothing();
    alice.does("resume");
    bob.hears(440);
}

#[test]
fn what_cannot_be_is_refused() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    for verb in ["end", "hold", "resume"] {
        let (status, answer) = operator.asks("POST", &format!("/v1/calls/no-such-call/{verb}"), None);
        assert!(status == 404 && answer["error"].is_string(), "{status} {answer}");
    }
    let (status, answer) = operator.asks("POST", "/v1/calls/x/transfer", Some(r#"{"to": "a b@"}"#));
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("a b@"), "{status} {answer}");
}
