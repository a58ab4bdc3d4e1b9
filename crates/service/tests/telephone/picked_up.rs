//! Call pickup and music on hold (RFC 5359 §2.16, §2.3): who may, and what crosses what.

use crate::pair::World;
use crate::parked::{at_home, group};
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Feature, Server, Service, Telephone};
use cordboard_sip::Status;
use std::time::Duration;

const ALICES: CallName = CallName(1);
const NEW: CallName = CallName(9);
const THEIRS: CallName = CallName::incoming(0);

struct Scene {
    world: World,
    alice: usize,
    bob: usize,
    bill: usize,
}

impl Scene {
    /// Alice's call rings at bob's, who is in a work group with bill; bill knows this secret.
    fn rings(secret: Option<&str>) -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", at_home("alice", None), 1);
        let bob = Telephone { group: Some(group()), ..at_home("bob", Some("w1")) };
        let bob = world.phone("bob", bob, 1);
        let bill = world.phone("bill", at_home("bill", secret), 1);
        world.press(alice, CallAction::Dial { call: ALICES, to: world.uri(bob).into(), offer: true });
        world.wait(alice, |event| *event == CallEvent::Ringing(ALICES));
        world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
        Self { world, alice, bob, bill }
    }

    fn picks_up(&mut self, who: usize) {
        self.world.press(who, CallAction::PickUp { call: NEW, at: "sip:bob@bob.test".into() });
    }

    /// How the new call ended.
    fn fails(&mut self, who: usize) -> (Outcome, Option<Status>) {
        let ended = self.world.wait(who, |event| matches!(event, CallEvent::Ended { call: NEW, .. }));
        let CallEvent::Ended { outcome, status, .. } = ended else { unreachable!("waited for it") };
        (outcome, status)
    }
}

fn ended(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Ended { .. })
}

#[test]
fn a_call_that_rings_at_a_colleagues_is_picked_up() {
    let mut scene = Scene::rings(Some("w1"));
    scene.picks_up(scene.bill);
    scene.world.wait(scene.bill, |event| *event == CallEvent::Established(NEW));
    let lost = scene.world.wait(scene.bob, ended);
    assert!(matches!(lost, CallEvent::Ended { outcome: Outcome::Cancelled, by_peer: true, .. }), "{lost:?}");
    scene.world.press(scene.bill, CallAction::HangUp(NEW));
    scene.world.settle();
}

/// RFC 3891 §3: what `early-only` is for.
#[test]
fn who_answers_first_keeps_the_call() {
    let mut scene = Scene::rings(Some("w1"));
    let (alice, bob, bill) = (scene.alice, scene.bob, scene.bill);
    // Bill is told of a call that rings, and bob answers while bill's INVITE is on its way.
    scene.world.lose = Box::new(|said| said == "bill-alice INVITE");
    scene.picks_up(bill);
    scene.world.wait(bill, |event| matches!(event, CallEvent::Found { .. }));
    scene.world.press(bob, CallAction::Answer(THEIRS));
    scene.world.wait(alice, |event| *event == CallEvent::Established(ALICES));
    scene.world.lose = Box::new(|_| false);
    assert_eq!(scene.fails(bill), (Outcome::Busy, Some(Status::BUSY_HERE)));
    scene.world.press(bob, CallAction::HangUp(THEIRS));
    let ended = scene.world.wait(alice, ended);
    assert!(matches!(ended, CallEvent::Ended { call: ALICES, outcome: Outcome::Answered, .. }));
    scene.world.settle();
}

/// Whatever crosses what in that moment, alice talks with exactly one of them.
#[test]
fn answered_and_picked_up_at_once_has_one_winner() {
    for late in 0..40 {
        let mut scene = Scene::rings(Some("w1"));
        let (alice, bob, bill) = (scene.alice, scene.bob, scene.bill);
        scene.picks_up(bill);
        scene.world.pass(Duration::from_millis(late * 2));
        scene.world.press(bob, CallAction::Answer(THEIRS));
        scene.world.pass(Duration::from_secs(40));
        let bill_has = scene.world.told(bill).contains(&CallEvent::Established(NEW));
        let bob_lost = scene.world.told(bob).iter().any(ended);
        assert_eq!(bill_has, bob_lost, "{late}: {:#?}", scene.world.log);
        let (winner, call) = if bill_has { (bill, NEW) } else { (bob, THEIRS) };
        scene.world.told(alice);
        scene.world.press(winner, CallAction::HangUp(call));
        scene.world.wait(alice, ended);
        scene.world.settle();
    }
}

#[test]
fn two_who_pick_up_at_once_have_one_winner() {
    let mut scene = Scene::rings(Some("w1"));
    let carol = scene.world.phone("carol", at_home("carol", Some("w1")), 1);
    for who in [scene.bill, carol] {
        scene.picks_up(who);
    }
    scene.world.wait(scene.bill, |event| *event == CallEvent::Established(NEW));
    assert_eq!(scene.fails(carol), (Outcome::Declined, Some(Status::DECLINE)));
    scene.world.press(scene.bill, CallAction::HangUp(NEW));
    scene.world.settle();
}

#[test]
fn who_is_not_of_the_group_picks_nothing_up() {
    for secret in [None, Some("guessed")] {
        let mut scene = Scene::rings(secret);
        scene.picks_up(scene.bill);
        assert_eq!(scene.fails(scene.bill).1, Some(Status::UNAUTHORIZED));
        scene.world.press(scene.bob, CallAction::Answer(THEIRS));
        scene.world.wait(scene.alice, |event| *event == CallEvent::Established(ALICES));
        scene.world.press(scene.alice, CallAction::HangUp(ALICES));
        scene.world.settle();
    }
}

#[test]
fn what_does_not_ring_cannot_be_picked_up() {
    let mut scene = Scene::rings(Some("w1"));
    scene.world.press(scene.bob, CallAction::Answer(THEIRS));
    scene.world.wait(scene.alice, |event| *event == CallEvent::Established(ALICES));
    scene.picks_up(scene.bill);
    assert_eq!(scene.fails(scene.bill), (Outcome::NotFound, None));
    scene.world.press(scene.alice, CallAction::HangUp(ALICES));
    scene.world.settle();
}

/// RFC 5359 §2.3: "Should Alice not wish to receive music on hold, her UA could refuse F12 and she will remain on hold
/// with Bob, but in silence."
#[test]
fn who_refuses_music_has_silence_on_hold() {
    let mut world = World::new();
    let mut account = at_home("alice", None);
    account.transfers.lacks = vec![Feature::Replaces];
    let alice = world.phone("alice", account, 1);
    let bob = world.phone("bob", at_home("bob", Some("w1")), 1);
    let telephone = Telephone { group: Some(group()), ..at_home("music", None) };
    world.server("music", Server::new(telephone, Service::Music));
    world.talk(bob, alice);
    world.press(bob, CallAction::Hold(ALICES));
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
    world.pass(Duration::from_secs(1));
    world.told(alice);
    world.press(bob, CallAction::MusicOnHold { call: ALICES, from: "sip:music@music.test".into() });
    let told = world.wait(bob, |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(!matches!(told, CallEvent::Transferred { outcome: Outcome::Completed, .. }), "{told:?}");
    world.pass(Duration::from_mins(1));
    assert_eq!(world.told(alice), [], "she is on hold as before");
    // Nothing was given away, so that nothing can be taken back; the hold ends as always.
    world.press(bob, CallAction::TakeBack { call: NEW, given: ALICES });
    world.wait(bob, |event| *event == CallEvent::Impossible(NEW));
    world.press(bob, CallAction::Resume(ALICES));
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(THEIRS, false));
    world.press(bob, CallAction::HangUp(ALICES));
    world.settle();
}
