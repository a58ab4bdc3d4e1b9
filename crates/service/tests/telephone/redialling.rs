//! Automatic redial (RFC 5359 §2.17), and parties that are added to a conference (§2.10).

use crate::pair::World;
use crate::parked::at_home;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName, ContactFeatures};
use cordboard_service::settings::{Strangers, Telephone};
use cordboard_sip::Status;
use std::time::Duration;

const CALL: CallName = CallName(1);
const AGAIN: CallName = CallName(7);
const OTHER: CallName = CallName(8);
const WITHIN: Duration = Duration::from_mins(5);

/// People whom each other's names lead to.
fn people<const N: usize>(names: [&'static str; N]) -> (World, [usize; N]) {
    let mut world = World::new();
    let phones = names.map(|name| world.phone(name, at_home(name, None), 1));
    (world, phones)
}

/// Somebody has a call with somebody else, and takes no other.
fn is_busy(world: &mut World, who: usize, with: usize) {
    world.talk(who, with);
    world.press(who, CallAction::RefuseCalls(Some(Status::BUSY_HERE)));
}

fn is_free(world: &mut World, who: usize) {
    world.press(who, CallAction::RefuseCalls(None));
    world.press(who, CallAction::HangUp(CALL));
}

fn redials(world: &mut World, who: usize, call: CallName, whom: &str, tries: u8) {
    let to = format!("sip:{whom}@{whom}.test").into();
    world.press(who, CallAction::Redial { call, to, within: WITHIN, tries });
}

fn ended(call: CallName) -> impl Fn(&CallEvent) -> bool {
    move |event| matches!(event, CallEvent::Ended { call: other, .. } if *other == call)
}

#[test]
fn who_is_free_is_called_at_once() {
    let (mut world, [alice, bob]) = people(["alice", "bob"]);
    redials(&mut world, alice, AGAIN, "bob", 1);
    world.wait(alice, |event| *event == CallEvent::Redialling(AGAIN));
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(CallName::incoming(0)));
    world.wait(alice, |event| *event == CallEvent::Established(AGAIN));
    world.press(alice, CallAction::HangUp(AGAIN));
    world.settle();
}

/// Nobody waits longer than they said, and whoever gives up is not called.
#[test]
fn a_redial_ends_in_time() {
    for gives_up in [false, true] {
        let (mut world, [alice, bob, carol]) = people(["alice", "bob", "carol"]);
        is_busy(&mut world, bob, carol);
        let before = world.now;
        redials(&mut world, alice, AGAIN, "bob", 3);
        world.wait(alice, |event| *event == CallEvent::RedialWaits(AGAIN));
        if gives_up {
            world.press(alice, CallAction::HangUp(AGAIN));
        }
        let told = world.wait(alice, ended(AGAIN));
        let outcome = if gives_up { Outcome::Cancelled } else { Outcome::NoAnswer };
        assert_eq!(told, CallEvent::Ended { call: AGAIN, outcome, status: None, by_peer: false });
        assert_eq!(world.now.since(before) >= WITHIN, !gives_up);
        is_free(&mut world, bob);
        world.settle();
        assert!(!world.log.contains(&"alice-bob INVITE".to_owned()), "{:#?}", world.log);
    }
}

/// Somebody else was first: it is tried again, as often as was said, and the end is told once.
#[test]
fn whoever_is_busy_again_is_tried_again() {
    let (mut world, [alice, bob, carol]) = people(["alice", "bob", "carol"]);
    is_busy(&mut world, bob, carol);
    redials(&mut world, alice, AGAIN, "bob", 2);
    world.wait(alice, |event| *event == CallEvent::RedialWaits(AGAIN));
    for last in [false, true] {
        // Free for a moment, but not for alice.
        world.press(bob, CallAction::HangUp(if last { OTHER } else { CALL }));
        world.wait(alice, |event| *event == CallEvent::Redialling(AGAIN));
        if !last {
            world.pass(Duration::from_secs(2));
            assert!(!world.told(alice).iter().any(ended(AGAIN)), "it goes on");
            let to = world.uri(carol).into();
            world.press(bob, CallAction::Dial { call: OTHER, to, offer: true });
            world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
            world.press(carol, CallAction::Answer(CallName::incoming(1)));
            world.wait(bob, |event| *event == CallEvent::Established(OTHER));
            world.pass(Duration::from_secs(2));
        }
    }
    let told = world.wait(alice, ended(AGAIN));
    assert!(matches!(told, CallEvent::Ended { outcome: Outcome::Busy, by_peer: true, .. }), "{told:?}");
    world.settle();
}

/// Two who become free at once are called one after the other, in their order.
#[test]
fn several_are_called_one_after_the_other() {
    let (mut world, [alice, bob, carol, dave, erin]) = people(["alice", "bob", "carol", "dave", "erin"]);
    is_busy(&mut world, bob, dave);
    is_busy(&mut world, carol, erin);
    redials(&mut world, alice, AGAIN, "bob", 1);
    redials(&mut world, alice, OTHER, "carol", 1);
    world.pass(Duration::from_secs(5));
    for who in [carol, bob] {
        is_free(&mut world, who);
    }
    world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(carol, CallAction::Answer(CallName::incoming(0)));
    world.wait(alice, |event| *event == CallEvent::Established(OTHER));
    world.pass(Duration::from_secs(30));
    assert!(!world.log.contains(&"alice-bob INVITE".to_owned()), "bob has to wait");
    world.press(alice, CallAction::HangUp(OTHER));
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(CallName::incoming(0)));
    world.wait(alice, |event| *event == CallEvent::Established(AGAIN));
    world.press(alice, CallAction::HangUp(AGAIN));
    world.settle();
}

#[test]
fn who_does_not_let_us_watch_is_not_called() {
    let mut world = World::new();
    let alice = world.phone("alice", at_home("alice", None), 1);
    let bob = Telephone { strangers: Strangers::Refused, ..at_home("bob", None) };
    world.phone("bob", bob, 1);
    redials(&mut world, alice, AGAIN, "bob", 3);
    let told = world.wait(alice, ended(AGAIN));
    assert!(matches!(told, CallEvent::Ended { status: Some(Status::FORBIDDEN), .. }), "{told:?}");
    world.settle();
}

fn is_focus(event: &CallEvent) -> bool {
    matches!(event, CallEvent::PeerFeatures(_, ContactFeatures { focus: true, .. }))
}

/// RFC 5359 §2.10: of several parties each is told that it talks to a focus; whoever does not come changes nothing.
#[test]
fn parties_are_added_one_by_one() {
    let (mut world, [bob, alice, carol, dave]) = people(["bob", "alice", "carol", "dave"]);
    world.talk(bob, alice);
    world.press(bob, CallAction::Host { call: CALL, hold: false });
    world.wait(bob, |event| matches!(event, CallEvent::InConference { call, .. } if *call == CALL));
    for (who, name, call) in [(carol, "carol", CallName(2)), (dave, "dave", CallName(3))] {
        let to = format!("sip:{name}@{name}.test").into();
        world.press(bob, CallAction::CallIn { call, to, with: CALL, consult: false });
        world.wait(who, |event| matches!(event, CallEvent::Incoming { .. }));
        world.press(who, CallAction::Answer(CallName::incoming(0)));
        world.wait(bob, |event| *event == CallEvent::Established(call));
        world.wait(who, is_focus);
    }
    world.wait(alice, is_focus);
    let told = world.log.iter().filter(|line| **line == "bob-alice INVITE").count();
    assert_eq!(told, 2, "the call, and that it is a conference");
    // One leaves, and the others go on.
    world.press(carol, CallAction::HangUp(CallName::incoming(0)));
    world.wait(bob, ended(CallName(2)));
    world.pass(Duration::from_secs(10));
    assert!(!world.told(dave).iter().any(|event| matches!(event, CallEvent::Ended { .. })));
    for call in [CALL, CallName(3)] {
        world.press(bob, CallAction::HangUp(call));
    }
    world.settle();
}

#[test]
fn who_is_busy_is_not_added_and_the_call_goes_on() {
    let (mut world, [bob, alice, carol]) = people(["bob", "alice", "carol"]);
    world.talk(bob, alice);
    world.press(carol, CallAction::RefuseCalls(Some(Status::BUSY_HERE)));
    world.press(bob, CallAction::Host { call: CALL, hold: false });
    world.wait(bob, |event| matches!(event, CallEvent::InConference { call, .. } if *call == CALL));
    let to: Box<str> = "sip:carol@carol.test".into();
    world.press(bob, CallAction::CallIn { call: OTHER, to: to.clone(), with: CALL, consult: false });
    let told = world.wait(bob, ended(OTHER));
    assert!(matches!(told, CallEvent::Ended { outcome: Outcome::Busy, .. }), "{told:?}");
    // Into a conference that is over nobody is called.
    world.press(alice, CallAction::HangUp(CallName::incoming(0)));
    world.wait(bob, ended(CALL));
    world.press(bob, CallAction::CallIn { call: OTHER, to, with: CALL, consult: false });
    world.wait(bob, |event| *event == CallEvent::Impossible(OTHER));
    world.settle();
}

/// Two calls become one conference.
#[test]
fn two_calls_are_put_together() {
    let (mut world, [bob, alice, carol]) = people(["bob", "alice", "carol"]);
    world.talk(bob, alice);
    let to = "sip:carol@carol.test".into();
    world.press(bob, CallAction::Dial { call: OTHER, to, offer: true });
    world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(carol, CallAction::Answer(CallName::incoming(0)));
    world.wait(bob, |event| *event == CallEvent::Established(OTHER));
    world.press(bob, CallAction::Host { call: CALL, hold: false });
    world.press(bob, CallAction::Confer { call: CALL, other: OTHER });
    for who in [alice, carol] {
        world.wait(who, is_focus);
    }
    world.press(bob, CallAction::Confer { call: CALL, other: OTHER });
    world.wait(bob, |event| *event == CallEvent::Impossible(OTHER));
    for call in [CALL, OTHER] {
        world.press(bob, CallAction::HangUp(call));
    }
    world.settle();
}
