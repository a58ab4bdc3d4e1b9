//! Subscriptions to `dialog` (RFC 4235): what the owner of a telephone is told of its calls, and what strangers are.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::stage::talking;
use cordboard_rig::{CordboardPhone, Phone, isolated};

/// Alice's other telephone begins to watch: she has no call, and that is all of it.
const SUBSCRIBES: &str = "
    a > SUBSCRIBE auth=401
        Event: dialog
        Accept: application/dialog-info+xml
        Expires: 600
    a < 200
        Expires: ^ *600
        Contact: sip:alice@
    a < NOTIFY
        Event: ^ *dialog
        Subscription-State: ^ *active;expires=(600|59[0-9])
        Content-Type: application/dialog-info.xml
        body: version=\"0\" state=\"full\" entity=\"sip:alice@[^\"]*\"
    a > 200";

/// That it watches is said, so that calls begin only then.
const IS_WATCHING: &str = "
    m > MESSAGE
        text: watching
    m < 200";

/// Unsubscribes, and is told everything once more.
const UNSUBSCRIBES: &str = "
    a > SUBSCRIBE
        Event: dialog
        Expires: 0
    a < 200
        Expires: ^ *0
    a < NOTIFY
        Subscription-State: ^ *terminated;reason=timeout
        body: state=\"full\"
    a > 200";

/// Waits until a telephone is told that word in a message.
#[track_caller]
pub(super) fn hears(alice: &mut CordboardPhone, word: &str) {
    let message = alice.wait_event("message");
    assert_eq!(message["text"].as_str().map(str::trim), Some(word));
}

/// Bob's call is told as it begins, is answered and ends, with what identifies it; a refresh tells everything again.
#[test]
fn the_owner_sees_every_step_of_a_call() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Rings, Manner::Answers]);
        let follows = "
            a < NOTIFY
                body: state=\"partial\"
                body: direction=\"recipient\"
                body: <state>early</state>
            a > 200
            a < NOTIFY
                body: version=\"2\" state=\"partial\"
                body: <state>confirmed</state>
                body: local-tag=\"[^\"]+\"
                body: remote-tag=\"[^\"]+\"
            a > 200
            a > SUBSCRIBE
                Event: dialog
                Expires: 300
            a < 200
                Expires: ^ *300
            a < NOTIFY
                Subscription-State: ^ *active;expires=(300|29[0-9])
                body: version=\"3\" state=\"full\"
                body: <state>confirmed</state>
            a > 200
            n > MESSAGE
                text: refreshed
            n < 200
            a < NOTIFY
                body: version=\"4\" state=\"partial\"
                body: <state event=\"remote-bye\">terminated</state>
            a > 200";
        let sipp = scene.sipp("alice", 0, &[SUBSCRIBES, IS_WATCHING, follows, UNSUBSCRIBES].concat());
        let [alice, bob] = scene.phones();
        hears(alice, "watching");
        bob.dial(&alice.account().uri());
        alice.wait_event("incoming");
        alice.does("answer");
        bob.wait_established();
        talking(alice, bob);
        hears(alice, "refreshed");
        bob.hang_up();
        alice.wait_idle();
        sipp.expect_success();
        scene.verdict().expect(
            "alice > alice: SUBSCRIBE 200, NOTIFY 200, MESSAGE 200, NOTIFY 200, NOTIFY 200, SUBSCRIBE 200, \
             NOTIFY 200, MESSAGE 200, NOTIFY 200, SUBSCRIBE 200, NOTIFY 200
             bob > alice: INVITE 180 200, BYE 200",
        );
    });
}

/// RFC 6665 §4.4.3: Expires 0 from the beginning brings the state once.
#[test]
fn a_fetch_brings_the_state_once() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let [alice, bob] = scene.phones();
        bob.dial(&alice.account().uri());
        bob.wait_established();
        alice.wait_established();
        let sipp = scene.sipp(
            "alice",
            0,
            "
            a > SUBSCRIBE auth=401
                Event: dialog
                Expires: 0
            a < 200
                Expires: ^ *0
            a < NOTIFY
                Subscription-State: ^ *terminated;reason=timeout
                body: version=\"0\" state=\"full\"
                body: <dialog id=\"[^\"]+\" call-id=\"[^\"]+\" local-tag=\"[^\"]+\" remote-tag=\"[^\"]+\"
                body: <state>confirmed</state>
            a > 200",
        );
        sipp.expect_success();
        let [alice, bob] = scene.phones();
        talking(alice, bob);
        bob.hang_up();
        alice.wait_idle();
        scene.verdict().expect(
            "alice > alice: SUBSCRIBE 200, NOTIFY 200
             bob > alice: INVITE 180 200, BYE 200",
        );
    });
}

/// RFC 4235 §3.7.2: whoever cannot prove anything sees that there is a call, and nothing by which to name it.
#[test]
fn a_stranger_sees_only_that_there_is_a_call() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let [alice, bob] = scene.phones();
        bob.dial(&alice.account().uri());
        bob.wait_established();
        alice.wait_established();
        let sipp = scene.sipp(
            "mallory",
            0,
            "
            a > SUBSCRIBE
                Event: dialog
                Expires: 0
            a < 200
            a < NOTIFY
                Subscription-State: ^ *terminated
                body: <dialog id=\"[^\"]+\"><state>confirmed</state>
            a > 200
            b > SUBSCRIBE
                Event: dialog;call-id=x;to-tag=y
                Expires: 0
            b < 403
            c > SUBSCRIBE
                Event: weather
                Expires: 0
            c < 489
                Allow-Events: dialog",
        );
        sipp.expect_success();
        let [alice, bob] = scene.phones();
        bob.hang_up();
        alice.wait_idle();
        scene.verdict().expect(
            "mallory > alice: SUBSCRIBE 200, SUBSCRIBE 403, SUBSCRIBE 489
             alice > mallory: NOTIFY 200
             bob > alice: INVITE 180 200, BYE 200",
        );
    });
}

/// Through the switchboard, whose word on who asks the telephone takes.
#[test]
fn the_owner_watches_through_the_switchboard() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[Manner::Answers, Manner::Answers]);
        let sipp = scene.sipp(
            "alice",
            0,
            "
            a > SUBSCRIBE auth=407
                Event: dialog
                Expires: 600
            a < 200
            a < NOTIFY
                Subscription-State: ^ *active
                body: version=\"0\" state=\"full\"
            a > 200
            m > MESSAGE auth=407
                text: watching
            m < 200
            a < NOTIFY
                body: state=\"partial\"
                body: <identity>sip:bob@example.test</identity>
            a > 200
            a < NOTIFY
                body: <state>confirmed</state>
            a > 200
            a > SUBSCRIBE
                Event: dialog
                Expires: 0
            a < 200
            a < NOTIFY
                Subscription-State: ^ *terminated;reason=timeout
            a > 200",
        );
        let [alice, bob] = scene.phones();
        hears(alice, "watching");
        bob.dial(&alice.account().uri());
        bob.wait_established();
        alice.wait_established();
        talking(alice, bob);
        sipp.expect_success();
        let [alice, bob] = scene.phones();
        bob.hang_up();
        alice.wait_idle();
        scene.verdict().expect(
            "alice > alice: REGISTER 200, SUBSCRIBE 200, NOTIFY 200, MESSAGE 200, NOTIFY 200, NOTIFY 200, \
             SUBSCRIBE 200, NOTIFY 200
             bob > bob: REGISTER 200
             bob > alice: INVITE 180 200, BYE 200",
        );
    });
}
