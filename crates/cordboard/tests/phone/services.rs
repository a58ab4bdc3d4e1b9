//! Services between telephones: conferences, pickup, redial, lamps, and what others can do.

use crate::programs::{Demo, Phone, call, cordboard, says};
use serde_json::json;

/// A telephone that is called directly, in a work group.
fn in_group(user: &str, tone: &str) -> (Phone, String) {
    let mut command = cordboard();
    command
        .args(["phone", "--json", "--user", user, "--listen", "127.0.0.1"])
        .args(["--tone", tone, "--group", "sales"])
        .env("CORDBOARD_GROUP_PASSWORD", "w1");
    let phone = Phone::start(command);
    let address = phone.told[0]["address"].as_str().unwrap().to_owned();
    (phone, format!("sip:{user}@{address}"))
}

/// Alice, bob and carol, who are called directly, with their addresses.
fn three() -> [(Phone, String); 3] {
    [("alice", "440"), ("bob", "660"), ("carol", "880")]
        .map(|(user, tone)| Phone::alone(user, &["--tone", tone]))
}

/// RFC 5359 §2.10, RFC 4579 §5.2: bob is the focus, and all hear all.
#[test]
fn bob_calls_carol_into_his_call_with_alice_and_all_hear_all() {
    let [(mut alice, at_alice), (mut bob, _), (mut carol, at_carol)] = three();
    call(&mut bob, &mut alice, &at_alice);
    alice.hears(660);
    bob.does("host");
    says(&alice.tells("peer-features"), json!({ "call": 1, "focus": true }));
    bob.does(&format!("call-in {at_carol}"));
    carol.tells("incoming");
    carol.does("answer");
    let added =
        bob.tells_what("that carol is in", |event| event["event"] == "in-conference" && event["call"] == 2);
    assert!(added["conference"].is_u64(), "{added}");
    alice.hears_together(&[660, 880]);
    carol.hears_together(&[440, 660]);
    bob.tells_what("carol", |event| event["event"] == "hears" && event["tones"] == json!([880]));
    alice.says("roster");
    let roster = alice.tells_what("who is in it", |event| event["event"] == "watched");
    assert_eq!(roster["users"].as_array().map(Vec::len), Some(3), "{roster}");
    // Who leaves is not heard any more, and the others go on.
    carol.does("hangup");
    alice.hears(660);
    bob.does("hangup 1");
}

/// RFC 5359 §2.10: two calls are put together.
#[test]
fn bob_puts_his_two_calls_together() {
    let [(mut alice, at_alice), (mut bob, _), (mut carol, at_carol)] = three();
    call(&mut bob, &mut alice, &at_alice);
    bob.does(&format!("consult {at_carol}"));
    alice.tells("held");
    carol.tells("incoming");
    carol.does("answer");
    bob.does("wait established call=2");
    carol.hears(660);
    bob.does("confer");
    alice.hears_together(&[660, 880]);
    carol.hears_together(&[440, 660]);
    bob.does("calls");
    let calls = bob.told.iter().rfind(|event| event["event"] == "calls").unwrap();
    assert!(calls["calls"].as_array().unwrap().iter().all(|call| call["conference"].is_u64()), "{calls}");
}

/// Two conferences of one telephone are two: nobody hears the other one.
#[test]
fn conferences_of_one_telephone_are_not_mixed() {
    let [(mut alice, at_alice), (mut bob, _), (mut carol, at_carol)] = three();
    call(&mut bob, &mut alice, &at_alice);
    bob.does("host");
    call(&mut bob, &mut carol, &at_carol);
    bob.does("host 2");
    alice.hears(660);
    carol.hears(660);
    alice.does("sleep 0.5");
    alice.does("heard");
    carol.does("heard");
    for phone in [&alice, &carol] {
        let heard = phone.told.iter().rfind(|event| event["event"] == "heard").unwrap();
        assert_eq!(heard["tones"], json!([660]), "only bob: {heard}");
    }
}

/// RFC 3911, RFC 5359 §2.11: carol sees alice's call and joins it.
#[test]
fn carol_joins_a_call_that_she_watches() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &["--tone", "440", "--friend", "carol"]);
    let mut bob = demo.registered("bob", "tcp", &["--tone", "660"]);
    let mut carol = demo.registered("carol", "udp", &["--tone", "880"]);
    carol.does("watch alice");
    call(&mut alice, &mut bob, "bob");
    carol.tells_what("that alice talks", |event| {
        event["event"] == "watched" && event["lamp"] == "busy" && event["dialogs"][0]["state"] == "confirmed"
    });
    carol.does("join alice");
    says(&alice.tells("joined"), json!({ "joins": 1, "from": "sip:carol@127.0.0.1" }));
    bob.hears_together(&[440, 880]);
    carol.hears_together(&[440, 660]);
    carol.does("hangup");
    bob.hears(440);
}

/// RFC 5359 §2.16, without any server: bill knows the password of the group that bob is in.
#[test]
fn bill_picks_up_what_rings_at_bobs() {
    let (mut alice, _) = Phone::alone("alice", &["--tone", "440"]);
    let (mut bob, at_bob) = in_group("bob", "660");
    let (mut bill, _) = in_group("bill", "880");
    alice.does(&format!("dial {at_bob}"));
    bob.tells("incoming");
    bill.says(&format!("pickup {at_bob}"));
    says(&bill.tells("found"), json!({ "call": 1 }));
    bill.does("wait established");
    says(&bob.tells("ended"), json!({ "outcome": "cancelled", "by_peer": true }));
    alice.hears(880);
    bill.hears(440);
}

#[test]
fn a_stranger_picks_nothing_up() {
    let (mut alice, _) = Phone::alone("alice", &[]);
    let (mut bob, at_bob) = in_group("bob", "660");
    let (mut eve, _) = Phone::alone("eve", &[]);
    alice.does(&format!("dial {at_bob}"));
    bob.tells("incoming");
    eve.says(&format!("pickup {at_bob}"));
    let ended = eve.tells("ended");
    assert_eq!(ended["by_peer"], true, "{ended}");
    bob.does("answer");
    alice.hears(660);
}

/// RFC 5359 §2.17: bill waits until bob is free; and lamps show what happens.
#[test]
fn bill_is_put_through_as_soon_as_bob_is_free() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.registered("bob", "udp", &["--tone", "660"]);
    let mut bill = demo.registered("bill", "tcp", &["--tone", "880"]);
    bill.does("watch bob");
    bill.does("wait watched lamp=free");
    call(&mut alice, &mut bob, "bob");
    bill.does("wait watched lamp=busy");
    bill.does("redial bob 60 2");
    bill.does("wait redial-waits");
    alice.does("hangup");
    bill.does("wait redialling");
    bob.tells("incoming");
    bob.does("answer 2");
    bill.hears(660);
    bob.hears(880);
    bill.says("unwatch");
    bill.tells("watch-ended");
}

#[test]
fn digits_and_abilities_are_asked_for_by_info_and_options() {
    let [(mut alice, at_alice), (mut bob, at_bob), _] = three();
    bob.says(&format!("options {at_alice}"));
    let options = bob.tells_what("options", |event| event["event"] == "options");
    assert!(options["allow"].as_str().unwrap().contains("REFER") && options["status"] == 200, "{options}");
    call(&mut alice, &mut bob, &at_bob);
    alice.says("abilities");
    let abilities = alice.tells("abilities");
    assert!(abilities["supported"].as_str().unwrap().contains("replaces"), "{abilities}");
    alice.does("info 5#");
    says(&bob.tells("digit"), json!({ "digit": "5", "by": "info" }));
    says(&bob.tells("digit"), json!({ "digit": "#", "by": "info" }));
    alice.says("dialog");
    let dialog = alice.tells("dialog");
    assert!(dialog["dialog"].as_str().unwrap().contains(";to-tag="), "{dialog}");
    bob.does("refuse 486");
    let (mut carol, _) = Phone::alone("carol", &[]);
    carol.says(&format!("dial {at_bob}"));
    says(&carol.tells("ended"), json!({ "outcome": "busy", "status": 486 }));
    bob.does("accept");
    carol.says(&format!("dial {at_bob}"));
    carol.tells("ringing");
}

/// RFC 5359 §2.18: bob's telephone calls alice, because carol asks and bob consents.
#[test]
fn carol_has_bob_call_alice() {
    let [(mut alice, at_alice), (mut bob, at_bob), (mut carol, _)] = three();
    carol.says(&format!("click {at_bob} {at_alice}"));
    bob.tells("asked");
    bob.says("answer");
    alice.tells("incoming");
    alice.does("answer");
    says(&carol.tells("transferred"), json!({ "kind": "click-to-dial", "outcome": "completed" }));
    alice.hears(660);
    bob.hears(440);
}

/// RFC 3261 §13.2.1: who calls says for how long.
#[test]
fn a_call_that_may_ring_no_longer_is_over() {
    let (mut alice, _) = Phone::alone("alice", &["--ring-for", "1"]);
    let (mut bob, at_bob) = Phone::alone("bob", &[]);
    alice.does(&format!("dial {at_bob}"));
    bob.tells("incoming");
    says(&alice.tells("ended"), json!({ "outcome": "no-answer" }));
    bob.tells("ended");
}

/// RFC 5359 §2.3: alice hears music until bob takes her back.
#[test]
fn alice_hears_music_until_bob_takes_her_back() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = demo.registered("bob", "udp", &["--tone", "660"]);
    call(&mut alice, &mut bob, "bob");
    alice.hears(660);
    bob.says("music music");
    alice.tells("held");
    says(&alice.tells("taken-over"), json!({ "call": 2, "replaces": 1 }));
    bob.tells("parked");
    alice.tells_what("music", |event| {
        event["event"] == "hears" && event["call"] == 2 && event["sound"] != "silence"
    });
    bob.tells_what("that it is done", |event| event["event"] == "done" && event["verb"] == "music music");
    bob.does("take-back");
    bob.does("wait established call=2");
    alice.hears(660);
    bob.hears(440);
}
