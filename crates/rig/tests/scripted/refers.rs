//! REFERs from whoever has no call with us, and those whose sender wants no reports.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::stage::talking;
use cordboard_rig::{CordboardPhone, Phone, isolated};

use super::calls;

/// Alice is asked to call bob, and says yes; where somebody is told of it, once they know that she is asked.
fn consents(alice: &mut CordboardPhone, from: &str, bob: &str, is_told: bool) {
    let asked = alice.wait_event("asked");
    assert_eq!((&asked["from"], &asked["to"]), (&from.into(), &bob.into()));
    assert_eq!(calls(alice), [(1, "asked".to_owned(), false)]);
    if is_told {
        // What she decides before that is all that they are told.
        alice.wait_event("message");
    }
    alice.does("answer");
}

/// Alice and bob talk because somebody else wanted them to; then alice hangs up.
fn talk_and_part([alice, bob]: [&mut CordboardPhone; 2]) {
    bob.wait_established();
    talking(alice, bob);
    alice.hang_up();
    bob.wait_idle();
}

/// RFC 3515 §2.4.4: pending until the owner has decided, active while it rings, and then over.
#[test]
fn a_stranger_asks_for_a_call_and_gets_it() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let bob = scene.phone(1).account().uri();
        let sipp = scene.sipp(
            "sipp",
            0,
            &format!(
                "
                a > REFER
                    Refer-To: <{bob}>
                a < 202
                    no Refer-Sub
                a < NOTIFY
                    Event: ^ *refer
                    Subscription-State: ^ *pending
                    body: ^SIP/2.0 100
                a > 200
                m > MESSAGE
                    text: told
                m < 200
                a < NOTIFY
                    Subscription-State: ^ *active
                    body: ^SIP/2.0 100
                a > 200
                a < NOTIFY
                    Subscription-State: ^ *terminated;reason=noresource
                    body: ^SIP/2.0 200
                a > 200"
            ),
        );
        consents(scene.phone(0), "sip:sipp@127.0.0.1", &bob, true);
        sipp.expect_success();
        talk_and_part(scene.phones());
        scene.verdict().expect(
            "sipp > alice: REFER 202, MESSAGE 200
             alice > sipp: NOTIFY 200, NOTIFY 200, NOTIFY 200
             alice > bob: INVITE 180 200, BYE 200",
        );
    });
}

#[test]
fn a_stranger_asks_for_a_call_and_the_owner_declines() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let sipp = scene.sipp(
            "sipp",
            0,
            "
            a > REFER
                Refer-To: <sip:bob@127.0.0.1:5091>
            a < 202
            a < NOTIFY
                Subscription-State: ^ *pending
            a > 200
            a < NOTIFY
                Subscription-State: ^ *terminated;reason=noresource
                body: ^SIP/2.0 603
            a > 200",
        );
        let alice = scene.phone(0);
        alice.wait_event("asked");
        alice.does("decline");
        sipp.expect_success();
        assert_eq!(calls(scene.phone(0)), []);
        scene.verdict().expect(
            "sipp > alice: REFER 202
             alice > sipp: NOTIFY 200, NOTIFY 200",
        );
    });
}

/// What cannot be obeyed, or must not be, is not even asked about.
#[test]
fn what_a_stranger_may_not_ask_for_is_refused_at_once() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let attempts = [
            ("nobody", "Refer-To: <sip:127.0.0.1:5091>", "484", "Refer-To names no user"),
            ("itself", "Refer-To: <sip:alice@127.0.0.1:5090>", "482", "Refer-To names whoever is asked"),
            ("bye", "Refer-To: <sip:bob@127.0.0.1:5091;method=BYE>", "400", "something else than a call"),
            ("none", "Referred-By: <sip:sipp@127.0.0.1>", "400", "there must be one Refer-To"),
            (
                "two",
                "Refer-To: <sip:bob@127.0.0.1:5091>\nRefer-To: <sip:carol@127.0.0.1>",
                "400",
                "there must be one Refer-To",
            ),
            (
                "half",
                "Refer-To: <sip:bob@127.0.0.1:5091?Replaces=x>",
                "400",
                "the Replaces in Refer-To cannot be read",
            ),
            (
                "unknown",
                "Refer-To: <sip:bob@127.0.0.1:5091>\nTarget-Dialog: x;local-tag=y;remote-tag=z",
                "403",
                "the Call-ID of Target-Dialog matches no call",
            ),
        ]
        .map(|(name, lines, status, words)| {
            format!("\n{name} > REFER\n{lines}\n{name} < {status}\nWarning: ^ *399 .*{words}")
        });
        let sipp = scene.sipp("sipp", 0, &attempts.concat());
        sipp.expect_success();
        let alice = scene.phone(0);
        alice.say("calls");
        let listed = super::wait_without(alice, "calls", &["asked", "referred", "incoming"]);
        assert_eq!(listed["calls"].as_array().map(Vec::len), Some(0));
        scene.verdict().expect(
            "sipp > alice: REFER 484, REFER 482, REFER 400, REFER 400, REFER 400, REFER 400, REFER 403",
        );
    });
}

/// RFC 4488 §4: no NOTIFY comes, and the 202 says that none will; the owner is asked all the same.
#[test]
fn a_stranger_who_wants_no_reports_gets_none() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let bob = scene.phone(1).account().uri();
        let sipp = scene.sipp(
            "sipp",
            0,
            &format!(
                "
                a > REFER
                    Refer-To: <{bob}>
                    Refer-Sub: false
                    Supported: norefersub
                a < 202
                    Refer-Sub: ^ *false"
            ),
        );
        sipp.expect_success();
        consents(scene.phone(0), "sip:sipp@127.0.0.1", &bob, false);
        talk_and_part(scene.phones());
        // With the capture at its end, nothing can have come after all.
        scene.verdict().expect(
            "sipp > alice: REFER 202
             alice > bob: INVITE 180 200, BYE 200",
        );
    });
}

/// The same in a call, which alice's owner ends when the new one is up.
#[test]
fn a_transferor_who_wants_no_reports_gets_none() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let bob = scene.phone(1).account().uri();
        let sipp = scene.sipp(
            "sipp",
            0,
            &format!(
                "
                a > INVITE sdp
                a < 100? 180? 200
                a > ACK
                a > REFER
                    Refer-To: <{bob}>
                    Refer-Sub: false
                    Supported: norefersub
                a < 202
                    Refer-Sub: ^ *false
                a < BYE
                a > 200"
            ),
        );
        let [alice, bob] = scene.phones();
        alice.wait_established();
        let referred = alice.wait_event("referred");
        assert_eq!((&referred["call"], &referred["new"]), (&1.into(), &2.into()));
        bob.wait_established();
        alice.wait("that call 2 is up", |event| event["event"] == "established" && event["call"] == 2);
        alice.does("hangup 1");
        sipp.expect_success();
        let [alice, bob] = scene.phones();
        talking(alice, bob);
        alice.hang_up();
        bob.wait_idle();
        scene.verdict().expect(
            "sipp > alice: INVITE 180 200, REFER 202
             alice > sipp: BYE 200
             alice > bob: INVITE 180 200, BYE 200",
        );
    });
}

/// Through the switchboard: who asks proves who they are, and the owner is told that.
#[test]
fn somebody_of_the_house_asks_for_a_call_and_gets_it() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[Manner::Answers, Manner::Answers]);
        let bob = scene.phone(1).account().uri();
        let sipp = scene.sipp(
            "carol",
            0,
            &format!(
                "
                a > REFER auth=407
                    Refer-To: <{bob}>
                a < 202
                a < NOTIFY
                    Subscription-State: ^ *pending
                a > 200
                m > MESSAGE auth=407
                    text: told
                m < 200
                a < NOTIFY
                    Subscription-State: ^ *active
                a > 200
                a < NOTIFY
                    Subscription-State: ^ *terminated
                    body: ^SIP/2.0 200
                a > 200"
            ),
        );
        consents(scene.phone(0), "sip:carol@example.test", &bob, true);
        sipp.expect_success();
        talk_and_part(scene.phones());
        scene.verdict().expect(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             carol > alice: REFER 202, MESSAGE 200
             alice > carol: NOTIFY 200, NOTIFY 200, NOTIFY 200
             alice > bob: INVITE 180 200, BYE 200",
        );
    });
}

/// `external_transfer` is off: nobody of the house is sent outside at its expense.
#[test]
fn the_switchboard_refuses_to_have_somebody_sent_outside() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[Manner::Answers]);
        let sipp = scene.sipp(
            "carol",
            0,
            "
            a > REFER auth=407
                Refer-To: <sip:mallory@elsewhere.example>
            a < 403",
        );
        sipp.expect_success();
        let alice = scene.phone(0);
        alice.say("calls");
        super::wait_without(alice, "calls", &["asked", "referred"]);
        scene.verdict().expect(
            "alice > alice: REGISTER 200
             carol > alice: REFER 403",
        );
    });
}
