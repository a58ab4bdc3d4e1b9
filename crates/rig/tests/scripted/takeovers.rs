//! Every way in which an INVITE with Replaces can be wrong (RFC 3891 §3), and the right one.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::{Phone, isolated};

use super::{calls, hears_sipp, wait_without};

/// The call that is to be taken over.
const CALLS: &str = "
    old > INVITE sdp
    old < 100? 180? 200
    old > ACK
    old > speaks";

/// The call is as it was: its other side can say something in it, and is hung up on.
const IS_THERE: &str = "
    old > MESSAGE
        text: still here
    old < 200
    old < BYE
    old > 200";

/// An INVITE that wants to take over with that line, and how it is refused.
fn attempt(replaces: &str, status: u16, words: &str) -> String {
    format!(
        "
        new > INVITE sdp
            {replaces}
        new < 100? {status}
            Warning: ^ *399 .*\"{words}\"
        new > ACK"
    )
}

/// `SIPp` calls alice, tries to take that call over, and is refused; the call goes on.
fn is_refused(attempt: &str, on_the_wire: &str) {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let sipp = scene.sipp("sipp", 0, &[CALLS, attempt, IS_THERE].concat());
        let alice = scene.phone(0);
        alice.wait_established();
        let message = wait_without(alice, "message", &["incoming", "taken-over", "held", "ended"]);
        assert_eq!(message["text"].as_str().map(str::trim), Some("still here"));
        assert_eq!(calls(alice), [(1, "up".to_owned(), false)]);
        hears_sipp(alice);
        alice.hang_up();
        sipp.expect_success();
        scene.verdict().expect(&format!(
            "sipp > alice: INVITE 180 200, {on_the_wire}, MESSAGE 200
             alice > sipp: BYE 200"
        ));
    });
}

#[test]
fn no_call_has_that_call_id() {
    let replaces = "Replaces: nobody-{old.id};to-tag={old.theirs};from-tag={old.ours}";
    is_refused(&attempt(replaces, 481, "the Call-ID in Replaces matches no call"), "INVITE 481");
}

#[test]
fn no_call_has_that_to_tag() {
    let replaces = "Replaces: {old.id};to-tag=wrong;from-tag={old.ours}";
    is_refused(&attempt(replaces, 481, "the to-tag in Replaces matches no call"), "INVITE 481");
}

#[test]
fn no_call_has_that_from_tag() {
    let replaces = "Replaces: {old.id};to-tag={old.theirs};from-tag=wrong";
    is_refused(&attempt(replaces, 481, "the from-tag in Replaces matches no call"), "INVITE 481");
}

/// RFC 5359 §2.6 prints them so.
#[test]
fn the_tags_are_swapped() {
    let replaces = "Replaces: {old.id};to-tag={old.ours};from-tag={old.theirs}";
    is_refused(&attempt(replaces, 481, "the tags in Replaces are swapped"), "INVITE 481");
}

#[test]
fn only_an_early_call_was_wanted() {
    let replaces = "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours};early-only";
    is_refused(&attempt(replaces, 486, "the call that Replaces names was answered already"), "INVITE 486");
}

#[test]
fn replaces_comes_twice() {
    let replaces = "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}
            Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}";
    is_refused(&attempt(replaces, 400, "Replaces must stand alone and name one call"), "INVITE 400");
}

#[test]
fn replaces_comes_with_join() {
    let replaces = "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}
            Join: {old.id};to-tag={old.theirs};from-tag={old.ours}";
    is_refused(&attempt(replaces, 400, "Replaces must stand alone and name one call"), "INVITE 400");
}

/// In the call itself and outside of it.
#[test]
fn replaces_comes_in_what_is_no_invite() {
    let replaces = "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}";
    let request = |dialog: &str, method: &str| {
        format!(
            "\n{dialog} > {method}\n{replaces}\n{dialog} < 400\nWarning: ^ *399 .*Replaces belongs in an INVITE"
        )
    };
    let all = [
        request("new", "OPTIONS"),
        request("other", "SUBSCRIBE"),
        request("third", "MESSAGE"),
        request("old", "OPTIONS"),
        request("old", "REFER"),
        request("old", "BYE"),
    ];
    is_refused(&all.concat(), "OPTIONS 400, SUBSCRIBE 400, MESSAGE 400, OPTIONS 400, REFER 400, BYE 400");
}

/// A subscription is no call.
#[test]
fn the_dialog_is_no_call() {
    let attempt = attempt(
        "Replaces: {sub.id};to-tag={sub.theirs};from-tag={sub.ours}",
        481,
        "the Call-ID in Replaces matches no call",
    );
    let subscribes = "
        sub > SUBSCRIBE
            Event: dialog
            Expires: 600
        sub < 200
        sub < NOTIFY
        sub > 200";
    let unsubscribes = "
        sub > SUBSCRIBE
            Event: dialog
            Expires: 0
        sub < 200
        sub < NOTIFY
            Subscription-State: terminated
        sub > 200";
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let sipp = scene.sipp("sipp", 0, &[subscribes, &attempt, unsubscribes].concat());
        sipp.expect_success();
        let alice = scene.phone(0);
        assert_eq!(calls(alice), []);
        scene.verdict().expect(
            "sipp > alice: SUBSCRIBE 200, INVITE 481, SUBSCRIBE 200
             alice > sipp: NOTIFY 200, NOTIFY 200",
        );
    });
}

#[test]
fn the_call_has_ended() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let ends = "
            old > BYE
            old < 200";
        let late = attempt(
            "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}",
            603,
            "the call that Replaces names has ended",
        );
        let sipp = scene.sipp("sipp", 0, &[CALLS, ends, &late].concat());
        let alice = scene.phone(0);
        alice.wait_established();
        alice.wait_event("ended");
        sipp.expect_success();
        let alice = scene.phone(0);
        alice.say("calls");
        let listed = wait_without(alice, "calls", &["incoming", "taken-over"]);
        assert_eq!(listed["calls"].as_array().map(Vec::len), Some(0));
        scene.verdict().expect("sipp > alice: INVITE 180 200, BYE 200, INVITE 603");
    });
}

/// Whom it rings for may not be taken away (RFC 3891 §3, last rule).
#[test]
fn the_call_rings_here() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Rings]);
        let rings = "
            old > INVITE sdp
            old < 100? 180";
        let early = attempt(
            "Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}",
            481,
            "the call that Replaces names still rings here",
        );
        let is_answered = "
            old < 200
            old > ACK
            old > speaks
            old < BYE
            old > 200";
        let told = "
            third > MESSAGE
                text: refused
            third < 200";
        let sipp = scene.sipp("sipp", 0, &[rings, &early, told, is_answered].concat());
        let alice = scene.phone(0);
        alice.wait_event("incoming");
        wait_without(alice, "message", &["incoming", "taken-over", "ended"]);
        assert_eq!(calls(alice), [(1, "ringing".to_owned(), false)]);
        alice.does("answer");
        hears_sipp(alice);
        alice.hang_up();
        sipp.expect_success();
        scene.verdict().expect(
            "sipp > alice: INVITE 180 200, INVITE 481, MESSAGE 200
             alice > sipp: BYE 200",
        );
    });
}

#[test]
fn who_names_the_call_rightly_takes_it_over() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let takes = "
            new > INVITE sdp
                Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}
                Require: replaces
            new < 100? 200
            new > ACK
            old < BYE
            old > 200
            new < BYE
            new > 200";
        let sipp = scene.sipp("sipp", 0, &[CALLS, takes].concat());
        let alice = scene.phone(0);
        alice.wait_established();
        let taken = wait_without(alice, "taken-over", &["incoming", "ended"]);
        assert_eq!((&taken["call"], &taken["replaces"]), (&2.into(), &1.into()));
        alice.wait("that call 1 has ended", |event| event["event"] == "ended" && event["call"] == 1);
        assert_eq!(calls(alice), [(2, "up".to_owned(), false)]);
        hears_sipp(alice);
        alice.hang_up();
        sipp.expect_success();
        scene.verdict().expect(
            "sipp > alice: INVITE 180 200, INVITE 200
             alice > sipp: BYE 200, BYE 200",
        );
    });
}

/// Bob has no part in carol's call with alice and shares no group with them; carol may.
#[test]
fn who_may_not_is_refused_at_the_switchboard() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[Manner::Answers]);
        let sipp = scene.sipp(
            "carol",
            0,
            "
            old > INVITE sdp auth=407
            old < 100? 180? 200
            old > ACK
            old > speaks
            bob > INVITE sdp auth=407 as=bob
                Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}
            bob < 100? 403
            bob > ACK
            old > MESSAGE
                text: still here
            old < 200
            new > INVITE sdp auth=407
                Replaces: {old.id};to-tag={old.theirs};from-tag={old.ours}
            new < 100? 200
            new > ACK
            old < BYE
            old > 200
            new < BYE
            new > 200",
        );
        let alice = scene.phone(0);
        alice.wait_established();
        wait_without(alice, "message", &["incoming", "taken-over", "ended"]);
        let taken = wait_without(alice, "taken-over", &["incoming", "ended"]);
        assert_eq!(taken["replaces"], 1);
        alice.wait("that call 1 has ended", |event| event["event"] == "ended" && event["call"] == 1);
        hears_sipp(alice);
        alice.hang_up();
        sipp.expect_success();
        scene.verdict().expect(
            "alice > alice: REGISTER 200
             bob > alice: INVITE 403
             carol > alice: INVITE 180 200, MESSAGE 200, INVITE 200
             alice > carol: BYE 200, BYE 200",
        );
    });
}
