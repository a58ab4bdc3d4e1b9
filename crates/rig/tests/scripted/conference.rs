//! RFC 5589 §9, figure 17: a transfer out of an ad hoc conference, with `SIPp` as the transferee.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::tone::TONES;
use cordboard_rig::{CordboardPhone, Phone, isolated};
use serde_json::{Value, json};

use super::hears_sipp;
use super::recovery::{IS_HELD, is_referred, reports};
use super::watching::hears;

const BOB: &str = "sip:bob@127.0.0.1:5091";

/// The call. That it has become part of a conference the Contact of a re-INVITE says (RFC 4579 §5.4); what is needed to watch
/// that conference is told to alice in a message, and so to the test.
const IS_HOSTED: &str = "
    a > INVITE sdp
    a < 100? 180? 200
    a > ACK
    a > speaks
    a < INVITE
        Contact: <(sip:alice@[^>]+)>.*;isfocus => focus
        body: a=sendrecv
    a > 200 sdp
    a < ACK
    m > MESSAGE
        text: {focus} {a.id};local-tag={a.theirs};remote-tag={a.ours}
    m < 200";

/// The conference's URI, and the call as Target-Dialog names it to her (RFC 4538 §4).
#[track_caller]
fn told(alice: &mut CordboardPhone) -> (String, String) {
    let message = alice.wait_event("message");
    let text = message["text"].as_str().unwrap_or_default().trim();
    let (focus, dialog) = text.split_once(' ').expect("two words are in the message");
    (focus.to_owned(), dialog.to_owned())
}

/// The transferee's subscription to the conference (RFC 4575). How often it is told depends on how fast the others are, so that it
/// goes on until it is told what it waits for.
fn watches(focus: &str, dialog: &str) -> String {
    let says = |name: &str, word: &str| format!("\n{name} > MESSAGE\ntext: {word}\n{name} < 200");
    [
        &*format!("\ns > SUBSCRIBE to={focus} via=127.0.0.1:5090"),
        &format!("\nEvent: conference\nAccept: application/conference-info+xml\nExpires: 600\nTarget-Dialog: {dialog}"),
        "
        s < 200
            Contact: sip:alice@
        s < NOTIFY
            Event: ^ *conference
            Subscription-State: ^ *active;expires=(600|59[0-9])
            Content-Type: application/conference-info.xml
            body: <user-count>2</user-count>
            body: entity=\"sip:alice@[^\"]*\".*<status>connected</status>.*entity=\"sip:sipp@127.0.0.1\".*<status>connected</status>
        s > 200",
        &says("m", "watching"),
        "
        s < NOTIFY until
            body: entity=\"sip:bob@[^\"]*\".*<status>connected</status>
        s > 200",
        &says("n", "bob is in"),
        "
        s < NOTIFY until
            Subscription-State: ^ *terminated;reason=noresource
        s > 200",
    ]
    .concat()
}

/// Waits until a telephone that watches the conference sees these people in it, who are so.
#[track_caller]
fn sees(phone: &mut CordboardPhone, people: &[(&str, &str)]) {
    let wanted = people.iter().map(|(user, status)| json!({ "user": user, "status": status })).collect();
    let wanted = Value::Array(wanted);
    phone.wait(&format!("that {wanted} are in the conference"), |event| {
        event["event"] == "watched" && event["users"] == wanted && event["over"] == false
    });
}

/// Alice makes the call a conference and calls bob into it; both others watch it. Then she hands `SIPp` over to bob, and it is over.
#[test]
fn the_transferee_watches_the_conference_until_it_is_over() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers; 2]);
        let called = [
            IS_HOSTED,
            IS_HELD,
            &is_referred("sip:bob@127.0.0.1:5091", "bob"),
            &reports("bobnumber", "active;expires=60", "100 Trying"),
            &format!("\nb > INVITE sdp to={BOB}"),
            "\nReplaces: {bobid};to-tag={bobto};from-tag={bobfrom}\nb < 100? 200\nb > ACK\nb > speaks",
            &reports("bobnumber", "terminated;reason=noresource", "200 OK"),
            "\na < BYE\na > 200\nb < BYE\nb > 200",
        ]
        .concat();
        let called = scene.sipp("sipp", 0, &called);
        let alice = scene.phone(0);
        alice.wait_established();
        hears_sipp(alice);
        alice.does("host");
        let (focus, dialog) = told(alice);
        let watcher = scene.sipp("sipp", 0, &watches(&focus, &dialog));
        let [alice, bob] = scene.phones();
        hears(alice, "watching");
        alice.say(&format!("call-in {BOB}"));
        let features = bob.wait_event("peer-features");
        assert_eq!((&features["call"], &features["focus"]), (&1.into(), &true.into()), "{features}");
        alice.wait("that bob is in", |event| event["event"] == "in-conference" && event["call"] == 2);
        bob.say("roster");
        let known = [("sip:alice@127.0.0.1", "connected"), (BOB, "connected")];
        sees(bob, &[known[0], ("sip:sipp@127.0.0.1", "connected"), known[1]]);
        bob.recording().expect_tones(&[TONES[0], TONES[2]]);
        hears(alice, "bob is in");
        alice.does("hold 1");
        sees(bob, &[known[0], ("sip:sipp@127.0.0.1", "on-hold"), known[1]]);
        bob.recording().expect_tone(TONES[0]);
        alice.say("complete");
        let ending = alice.wait_event("transferred");
        assert_eq!((&ending["kind"], &ending["outcome"]), (&"attended-transfer".into(), &"completed".into()));
        let taken = bob.wait_event("taken-over");
        assert_eq!(taken["replaces"], 1, "{taken}");
        bob.wait("that the conference is over", |event| event["event"] == "watched" && event["over"] == true);
        bob.wait_event("watch-ended");
        alice.wait_idle();
        hears_sipp(bob);
        watcher.expect_success();
        bob.hang_up();
        called.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}
