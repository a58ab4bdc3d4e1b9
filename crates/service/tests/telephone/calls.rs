//! Two telephones: the calls of RFC 3665 §3 and what goes wrong with them.

use crate::pair::{World, account, storm};
use cordboard_core::transport::ListenerId;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::Status;
use std::time::Duration;

const OURS: CallName = CallName(1);
const THEIRS: CallName = CallName::incoming(0);

fn dial(world: &mut World, from: usize, to: usize, offer: bool) {
    let to = world.uri(to).into();
    world.press(from, CallAction::Dial { call: OURS, to, offer });
}

fn ended(call: CallName, outcome: Outcome, status: Option<Status>, by_peer: bool) -> CallEvent {
    CallEvent::Ended { call, outcome, status, by_peer }
}

fn is_ended(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Ended { .. })
}

fn is_incoming(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Incoming { .. })
}

fn is_established(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Established(_))
}

/// The path of a Media event: who may send.
fn sound(event: &CallEvent) -> (bool, bool) {
    match event {
        CallEvent::Media(_, path) => (path.sends, path.receives),
        other => panic!("{other:?} is not about media"),
    }
}

fn is_media(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Media(..))
}

/// RFC 3665 §3.1.
#[test]
fn a_call_rings_is_answered_and_released() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, true);
    world.wait(bob, is_incoming);
    assert_eq!(world.wait(alice, |_| true), CallEvent::Ringing(OURS));
    world.press(bob, CallAction::Answer(THEIRS));
    assert_eq!(world.wait(alice, |_| true), CallEvent::Established(OURS));
    let CallEvent::Media(_, at_alice) = world.wait(alice, |_| true) else { panic!("media is told") };
    assert_eq!(world.wait(bob, |_| true), CallEvent::Established(THEIRS));
    let CallEvent::Media(_, at_bob) = world.wait(bob, |_| true) else { panic!("media is told") };
    assert_eq!((at_alice.local, at_alice.remote), (at_bob.remote, at_bob.local));
    assert!(at_alice.sends && at_alice.receives && at_bob.sends && at_bob.receives);
    world.press(bob, CallAction::HangUp(THEIRS));
    assert_eq!(world.wait(bob, |_| true), ended(THEIRS, Outcome::Answered, None, false));
    assert_eq!(world.wait(alice, |_| true), ended(OURS, Outcome::Answered, None, true));
    world.settle();
    let expected = [
        "alice-bob INVITE",
        "bob-alice 180 INVITE",
        "bob-alice 200 INVITE",
        "alice-bob ACK",
        "bob-alice BYE",
        "alice-bob 200 BYE",
    ];
    assert_eq!(world.log, expected);
}

/// RFC 3665 §3.6: the offer comes in the 200, the answer goes in the ACK.
#[test]
fn a_delayed_offer_is_answered_in_the_ack() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, false);
    world.wait(bob, is_incoming);
    world.press(bob, CallAction::Answer(THEIRS));
    for phone in [alice, bob] {
        world.wait(phone, is_established);
        assert_eq!(sound(&world.wait(phone, is_media)), (true, true));
    }
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

#[test]
fn hold_and_resume_change_each_direction_by_itself() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.told(alice);
    world.told(bob);
    let mut change = |phone: usize, action: CallAction| {
        world.press(phone, action);
        world.pass(Duration::from_secs(5));
        (world.told(alice), world.told(bob))
    };
    let (at_alice, at_bob) = change(bob, CallAction::Hold(THEIRS));
    assert_eq!(at_bob[0], CallEvent::HoldChanged(THEIRS, true));
    assert_eq!(sound(&at_bob[1]), (true, false));
    assert_eq!(at_alice[0], CallEvent::HeldByPeer(OURS, true));
    assert_eq!(sound(&at_alice[1]), (false, true));
    // Now both.
    let (at_alice, at_bob) = change(alice, CallAction::Hold(OURS));
    assert_eq!(at_alice[0], CallEvent::HoldChanged(OURS, true));
    assert_eq!(at_bob[0], CallEvent::HeldByPeer(THEIRS, true));
    assert_eq!((sound(&at_alice[1]), sound(&at_bob[1])), ((false, false), (false, false)));
    // Bob resumes; Alice still holds him.
    let (at_alice, at_bob) = change(bob, CallAction::Resume(THEIRS));
    assert_eq!(at_bob[0], CallEvent::HoldChanged(THEIRS, false));
    assert_eq!(at_alice[0], CallEvent::HeldByPeer(OURS, false));
    assert_eq!((sound(&at_alice[1]), sound(&at_bob[1])), ((true, false), (false, true)));
    let (at_alice, at_bob) = change(alice, CallAction::Resume(OURS));
    assert_eq!(at_bob[0], CallEvent::HeldByPeer(THEIRS, false));
    assert_eq!((sound(&at_alice[1]), sound(&at_bob[1])), ((true, true), (true, true)));
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// RFC 3261 §14.1: both re-INVITEs meet 491, and both get through by themselves.
#[test]
fn glare_resolves_itself() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.press(alice, CallAction::Hold(OURS));
    world.press(bob, CallAction::Hold(THEIRS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, true));
    let glares = world.log.iter().filter(|said| said.contains("491")).count();
    assert_eq!(glares, 2);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// Buttons pressed faster than the network is are done in their order.
#[test]
fn changes_wait_for_their_turn() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    for action in [CallAction::Hold(OURS), CallAction::Resume(OURS), CallAction::Hold(OURS)] {
        world.press(alice, action);
    }
    for held in [true, false, true] {
        world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, held));
    }
    world.press(bob, CallAction::HangUp(THEIRS));
    world.settle();
}

/// RFC 3665 §3.7: Contact and media go on from another address.
#[test]
fn a_call_moves_to_another_address() {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let bob = world.phone("bob", account("bob"), 2);
    world.talk(alice, bob);
    world.told(alice);
    world.told(bob);
    world.press(bob, CallAction::Move { call: THEIRS, listener: ListenerId(1) });
    world.wait(bob, |event| *event == CallEvent::Moved(THEIRS));
    let CallEvent::Media(_, at_bob) = world.wait(bob, is_media) else { unreachable!() };
    assert_eq!(at_bob.local.ip().to_string(), "192.0.2.3");
    let CallEvent::Media(_, at_alice) = world.wait(alice, is_media) else { unreachable!() };
    assert_eq!(at_alice.remote, at_bob.local);
    // Alice's requests now go to the new Contact; that they arrive shows it.
    world.press(alice, CallAction::HangUp(OURS));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, true));
    world.settle();
}

#[test]
fn an_offer_can_be_asked_for() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.press(alice, CallAction::Hold(OURS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    world.press(alice, CallAction::AskOffer(OURS));
    world.wait(alice, |event| *event == CallEvent::OfferAnswered(OURS));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.told(bob).iter().filter(|event| matches!(event, CallEvent::HeldByPeer(..))).count(), 1);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// RFC 3261 §13.3.1.4: the 200 is repeated until an ACK gets through, and each gets one.
#[test]
fn a_lost_ack_is_sent_again() {
    let (mut world, alice, bob) = World::two();
    let mut lost = 0;
    world.lose = Box::new(move |said| {
        lost += u32::from(said == "alice-bob ACK");
        said == "alice-bob ACK" && lost <= 3
    });
    world.talk(alice, bob);
    assert_eq!(world.log.iter().filter(|said| *said == "bob-alice 200 INVITE").count(), 4);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

#[test]
fn without_any_ack_the_callee_ends_the_call() {
    let (mut world, alice, bob) = World::two();
    world.lose = Box::new(|said| said == "alice-bob ACK");
    dial(&mut world, alice, bob, true);
    world.wait(bob, is_incoming);
    world.press(bob, CallAction::Answer(THEIRS));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Failed, None, true));
    assert_eq!(world.wait(alice, is_ended), ended(OURS, Outcome::Answered, None, true));
    assert!(world.log.contains(&"bob-alice BYE".to_owned()));
    world.settle();
}

/// RFC 3261 §15: the callee's BYE waits for the ACK.
#[test]
fn hanging_up_at_once_waits_for_the_ack() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, true);
    world.wait(bob, is_incoming);
    world.press(bob, CallAction::Answer(THEIRS));
    world.press(bob, CallAction::HangUp(THEIRS));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, false));
    world.settle();
    let ack = world.log.iter().position(|said| said == "alice-bob ACK").unwrap();
    assert_eq!(world.log[ack + 1], "bob-alice BYE");
}

/// RFC 3665 §3.8, without the proxies.
#[test]
fn a_ringing_call_is_cancelled() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, true);
    world.wait(alice, |event| *event == CallEvent::Ringing(OURS));
    world.press(alice, CallAction::HangUp(OURS));
    let terminated = Some(Status::REQUEST_TERMINATED);
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Cancelled, terminated, true));
    assert_eq!(world.wait(alice, is_ended), ended(OURS, Outcome::Cancelled, terminated, false));
    world.settle();
    let expected = ["alice-bob CANCEL", "bob-alice 200 CANCEL", "bob-alice 487 INVITE", "alice-bob ACK"];
    assert_eq!(world.log[2..], expected);
}

/// RFC 3261 §9.1: no CANCEL before a provisional response.
#[test]
fn cancelling_waits_for_a_sign_of_life() {
    let (mut world, alice, bob) = World::two();
    let mut first = true;
    world.lose = Box::new(move |said| said == "alice-bob INVITE" && std::mem::take(&mut first));
    dial(&mut world, alice, bob, true);
    world.press(alice, CallAction::HangUp(OURS));
    world.pass(Duration::from_millis(400));
    assert_eq!(world.log, ["alice-bob INVITE x"]);
    assert_eq!(
        world.wait(alice, is_ended),
        ended(OURS, Outcome::Cancelled, Some(Status::REQUEST_TERMINATED), false)
    );
    world.settle();
}

/// RFC 5407 §3.1.2: the 200 crosses the CANCEL; it is acknowledged and the call ended.
#[test]
fn a_200_that_crosses_the_cancel_is_ended_by_bye() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, true);
    world.wait(alice, |event| *event == CallEvent::Ringing(OURS));
    world.press(bob, CallAction::Answer(THEIRS));
    world.press(alice, CallAction::HangUp(OURS));
    assert_eq!(world.wait(alice, is_ended), ended(OURS, Outcome::Cancelled, None, false));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, true));
    world.settle();
    for said in
        ["alice-bob CANCEL", "bob-alice 200 CANCEL", "alice-bob ACK", "alice-bob BYE", "bob-alice 200 BYE"]
    {
        assert!(world.log.contains(&said.to_owned()), "{said} is missing in {:#?}", world.log);
    }
}

/// RFC 5407 §3.2.3: both hang up at once, and both get their 200.
#[test]
fn both_hang_up_at_once() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.press(alice, CallAction::HangUp(OURS));
    world.press(bob, CallAction::HangUp(THEIRS));
    assert_eq!(world.wait(alice, is_ended), ended(OURS, Outcome::Answered, None, false));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, false));
    world.settle();
    assert_eq!(world.log.iter().filter(|said| said.ends_with("200 BYE")).count(), 2);
    assert!(world.told(alice).is_empty() && world.told(bob).is_empty());
}

/// RFC 5407 §3.1.4: a re-INVITE says that the 200 has arrived, though its ACK has not.
#[test]
fn a_reinvite_stands_for_a_lost_ack() {
    let (mut world, alice, bob) = World::two();
    let mut first = true;
    world.lose = Box::new(move |said| said == "alice-bob ACK" && std::mem::take(&mut first));
    dial(&mut world, alice, bob, true);
    world.wait(bob, is_incoming);
    world.press(bob, CallAction::Answer(THEIRS));
    world.wait(alice, is_established);
    world.press(alice, CallAction::Hold(OURS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    world.wait(bob, is_established);
    world.wait(bob, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// The 200 to a re-INVITE still waits for its ACK when whoever sent it hangs up.
#[test]
fn hanging_up_ends_the_wait_for_an_ack() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.lose = Box::new(|said| said == "bob-alice ACK");
    world.press(bob, CallAction::Hold(THEIRS));
    world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, true));
    world.pass(Duration::from_millis(100));
    world.press(alice, CallAction::HangUp(OURS));
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, true));
    world.settle();
}

/// RFC 3665 §3.9 and §3.11, without the proxies.
#[test]
fn a_call_is_declined() {
    for (status, outcome) in [
        (Status::BUSY_HERE, Outcome::Busy),
        (Status::TEMPORARILY_UNAVAILABLE, Outcome::NoAnswer),
        (Status::DECLINE, Outcome::Declined),
    ] {
        let (mut world, alice, bob) = World::two();
        dial(&mut world, alice, bob, true);
        world.wait(bob, is_incoming);
        world.press(bob, CallAction::Decline(THEIRS, status));
        assert_eq!(world.wait(alice, is_ended), ended(OURS, outcome, Some(status), true));
        assert_eq!(world.wait(bob, is_ended), ended(THEIRS, outcome, Some(status), false));
        world.settle();
    }
}

#[test]
fn a_phone_that_takes_no_calls_does_not_ring() {
    let (mut world, alice, bob) = World::two();
    world.press(bob, CallAction::RefuseCalls(Some(Status::BUSY_HERE)));
    dial(&mut world, alice, bob, true);
    assert_eq!(world.wait(alice, |_| true), ended(OURS, Outcome::Busy, Some(Status::BUSY_HERE), true));
    world.settle();
    assert_eq!(world.log, ["alice-bob INVITE", "bob-alice 486 INVITE", "alice-bob ACK"]);
    assert!(matches!(world.told(bob)[..], [CallEvent::Refused { .. }]));
    world.press(bob, CallAction::RefuseCalls(None));
    dial(&mut world, alice, bob, true);
    world.wait(bob, is_incoming);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

#[test]
fn nobody_there_is_no_answer() {
    let (mut world, alice, bob) = World::two();
    world.lose = Box::new(|_| true);
    dial(&mut world, alice, bob, true);
    let no_answer = ended(OURS, Outcome::NoAnswer, Some(Status::REQUEST_TIMEOUT), true);
    assert_eq!(world.wait(alice, is_ended), no_answer);
    assert_eq!(world.log.len(), 7, "six repeats within 32 s: {:?}", world.log);
    world.settle();
}

#[test]
fn ringing_ends_by_itself() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob, true);
    let status = Some(Status::TEMPORARILY_UNAVAILABLE);
    assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::NoAnswer, status, false));
    world.wait(alice, is_ended);
    assert!(world.log.iter().filter(|said| said.contains("180")).count() >= 4, "once a minute");
    world.settle();
}

/// A call that is over stays for half a minute, for what may come late. So many of them took the room of others: from some 300
/// calls a second on, new ones were answered 503.
#[test]
fn finished_calls_leave_room_for_new_ones() {
    const AT_ONCE: u64 = 1_000;
    let (mut world, alice, bob) = World::two();
    let mut answered = 0;
    for round in 0..12 {
        for nth in 0..AT_ONCE {
            let call = CallName(1 + round * AT_ONCE + nth);
            let to = world.uri(bob).into();
            world.press(alice, CallAction::Dial { call, to, offer: true });
        }
        world.pass(Duration::from_millis(40));
        for event in world.told(bob) {
            if let CallEvent::Incoming { call, .. } = event {
                world.press(bob, CallAction::Answer(call));
            }
        }
        world.pass(Duration::from_millis(60));
        for event in world.told(alice) {
            if let CallEvent::Established(call) = event {
                answered += 1;
                world.press(alice, CallAction::HangUp(call));
            }
        }
        world.pass(Duration::from_millis(60));
        world.log.clear();
    }
    assert!(world.now.as_millis() < 32_000, "none of them is forgotten by itself yet");
    assert_eq!(answered, 12 * AT_ONCE);
    world.settle();
}

#[test]
fn buttons_that_fit_nothing_say_so() {
    let (mut world, alice, bob) = World::two();
    let mut impossible = |action: CallAction, call: CallName| {
        world.press(alice, action);
        assert_eq!(world.told(alice), [CallEvent::Impossible(call)]);
    };
    impossible(CallAction::Answer(OURS), OURS);
    impossible(CallAction::Decline(OURS, Status::BUSY_HERE), OURS);
    impossible(CallAction::Hold(OURS), OURS);
    impossible(CallAction::HangUp(OURS), OURS);
    impossible(CallAction::Dial { call: OURS, to: "no uri".into(), offer: true }, OURS);
    impossible(CallAction::Dial { call: THEIRS, to: "sip:b@192.0.2.9".into(), offer: true }, THEIRS);
    world.talk(alice, bob);
    world.told(alice);
    world.press(alice, CallAction::Answer(OURS));
    world.press(alice, CallAction::Move { call: OURS, listener: ListenerId(7) });
    world.press(alice, CallAction::Dial { call: OURS, to: "sip:b@192.0.2.9".into(), offer: true });
    let told = world.told(alice);
    assert!(told.len() == 3 && told.iter().all(|event| *event == CallEvent::Impossible(OURS)), "{told:?}");
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// Nothing is lost more than three times running: the outcome is exact.
#[test]
fn a_whole_call_in_storms() {
    for seed in 0..60 {
        let (mut world, alice, bob) = World::two();
        world.lose = storm(seed, [5, 10, 20, 40][usize::from(seed % 4)]);
        let offer = seed % 3 > 0;
        dial(&mut world, alice, bob, offer);
        world.wait(bob, is_incoming);
        world.press(bob, CallAction::Answer(THEIRS));
        world.wait(alice, is_established);
        world.wait(bob, is_established);
        world.press(alice, CallAction::Hold(OURS));
        world.press(bob, CallAction::Hold(THEIRS));
        world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
        world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, true));
        world.press(bob, CallAction::Resume(THEIRS));
        world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, false));
        world.press(alice, CallAction::HangUp(OURS));
        assert_eq!(world.wait(bob, is_ended), ended(THEIRS, Outcome::Answered, None, true), "seed {seed}");
        world.settle();
    }
}
