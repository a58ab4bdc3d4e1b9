//! Call park: RFC 5359 §2.15.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_sip::body::dialog_info::State;
use std::time::Duration;

use crate::office::{Office, at};
use crate::telephone::{Telephone, talk};

const PARK: &str = "[[park]]\nname = \"park\"\nslots = [\"701-702\"]\nring_back_s = 5\ngroups = [\"sales\"]\n\
     [[music]]\nname = \"music\"\nfiles = [\"620.wav\"]\ngroups = [\"sales\"]\n";

fn parked(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Parked { .. })
}

/// Bob parks his call at the server, which says where.
#[track_caller]
fn parks(bob: &mut Telephone, call: CallName, place: &str, slot: &str) {
    bob.press(CallAction::Park { call, at: at(place) });
    assert_eq!(bob.tells("the slot", parked), CallEvent::Parked { call, at: Some(at(slot)) });
}

/// Alice's call that took the place of another.
#[track_caller]
pub(crate) fn is_taken_over(alice: &mut Telephone) -> CallName {
    let told = alice.tells("the takeover", |event| matches!(event, CallEvent::TakenOver { .. }));
    let CallEvent::TakenOver { call, .. } = told else { unreachable!("waited for it") };
    alice.is_up(call);
    call
}

#[test]
fn parked_by_refer_and_retrieved_by_replaces() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    parks(&mut bob, call, "park", "701");
    let waits = is_taken_over(&mut alice);
    alice.hears(waits, 620);
    assert_eq!(office.parked(), [["701", "parked", &*at("alice"), &*at("bob")].map(str::to_owned)]);
    let new = carol.new_call();
    carol.press(CallAction::Retrieve { call: new, from: at("701") });
    carol.is_up(new);
    let taken = is_taken_over(&mut alice);
    alice.hears(taken, 880);
    carol.hears(new, 440);
    assert_eq!(office.parked(), [] as [[String; 4]; 0]);
}

#[test]
fn whoever_parked_takes_the_call_back_by_what_was_reported() {
    let office = Office::open(PARK);
    let [mut alice, mut bob] = [("alice", 440), ("bob", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    parks(&mut bob, call, "702", "702");
    is_taken_over(&mut alice);
    let new = bob.new_call();
    bob.press(CallAction::TakeBack { call: new, given: call });
    bob.is_up(new);
    let taken = is_taken_over(&mut alice);
    alice.hears(taken, 660);
}

#[test]
fn whoever_parked_is_called_when_nobody_comes() {
    let office = Office::open(PARK);
    let [mut alice, mut bob] = [("alice", 440), ("bob", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    parks(&mut bob, call, "park", "701");
    is_taken_over(&mut alice);
    let rings = bob.is_called();
    bob.press(CallAction::Answer(rings));
    let handed = bob.tells("whom it gets", |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = handed else { unreachable!("waited for it") };
    bob.is_up(new);
    let taken = is_taken_over(&mut alice);
    alice.hears(taken, 660);
    bob.hears(new, 440);
}

/// A slot that does not exist, one that is taken, and a server without a free one: each is said, and the call goes on.
#[test]
fn where_there_is_no_room_the_call_stays() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let refused = |phone: &mut Telephone, call, place: &str| {
        phone.press(CallAction::Park { call, at: at(place) });
        let told = phone.tells("the refusal", |event| matches!(event, CallEvent::Transferred { .. }));
        let CallEvent::Transferred { outcome, status, .. } = told else { unreachable!("waited for it") };
        assert_ne!(outcome, Outcome::Completed);
        status.map(cordboard_sip::Status::code)
    };
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    assert_eq!(refused(&mut bob, call, "703"), Some(404), "nobody has such a number");
    parks(&mut bob, call, "701", "701");
    let [_, second] = talk(&mut carol, &mut bob, &at("bob"));
    assert_eq!(refused(&mut bob, second, "701"), Some(486));
    bob.hears(second, 880);
    parks(&mut bob, second, "park", "702");
    let mut trent = office.phone("trent", 1200);
    let [_, third] = talk(&mut trent, &mut bob, &at("bob"));
    assert_eq!(refused(&mut bob, third, "park"), Some(480));
    bob.hears(third, 1200);
}

/// Who is not in the group of the server neither parks nor retrieves, nor sees who waits; and neither do strangers.
#[test]
fn others_have_no_part_in_it() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut mallory] =
        [("alice", 440), ("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    parks(&mut bob, call, "park", "701");
    let waits = is_taken_over(&mut alice);
    for outsider in [&mut mallory, &mut eve] {
        for slot in ["701", "702", "park"] {
            let call = outsider.dials(&at(slot));
            assert_eq!(outsider.ends(call), Some(403), "{slot}");
            let call = outsider.new_call();
            outsider.press(CallAction::Retrieve { call, from: at(slot) });
            assert_eq!(outsider.ends(call), Some(403), "{slot}");
        }
    }
    let mut trent = office.phone("trent", 1200);
    let [_, theirs] = talk(&mut trent, &mut mallory, &at("mallory"));
    mallory.press(CallAction::Park { call: theirs, at: at("park") });
    let told = mallory.tells("the refusal", |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(
        matches!(told, CallEvent::Transferred { status: Some(cordboard_sip::Status::FORBIDDEN), .. }),
        "{told:?}"
    );
    mallory.hears(theirs, 1200);
    alice.hears(waits, 620);
    assert_eq!(office.parked().len(), 1, "nothing has changed");
}

/// A lamp key watches one slot.
#[test]
fn a_lamp_shows_whether_a_slot_is_taken() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let lamps = [WatchName(1), WatchName(2)];
    for (watch, slot) in lamps.into_iter().zip(["701", "702"]) {
        let whom = Whom::Address(at(slot));
        let expires = Duration::from_mins(10);
        carol.press(CallAction::Watching(WatchAction::Begin {
            watch,
            whom,
            package: Package::Dialog,
            expires,
        }));
    }
    let shows = |phone: &mut Telephone, lamp: WatchName, on: bool| {
        phone.tells("the lamp", |event| match event {
            CallEvent::Watching(WatchEvent::State { watch, state }) if *watch == lamp => match &**state {
                Watched::Dialogs(rows) => rows.iter().any(|row| row.state == State::Confirmed) == on,
                _ => false,
            },
            _ => false,
        });
    };
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    parks(&mut bob, call, "702", "702");
    let waits = is_taken_over(&mut alice);
    shows(&mut carol, lamps[1], true);
    alice.press(CallAction::HangUp(waits));
    shows(&mut carol, lamps[1], false);
    assert!(office.parked().is_empty());
}
