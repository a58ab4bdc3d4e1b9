//! Music on hold: RFC 5359 §2.3.

use cordboard_service::call::{CallAction, CallEvent};

use crate::office::{Office, at};
use crate::telephone::talk;

/// Whoever is held hears the list, which goes on for whoever is held next.
#[test]
fn who_is_held_hears_music_until_the_call_is_taken_back() {
    let office = Office::open(
        "[[music]]\nname = \"music\"\nfiles = [\"620.wav\", \"1200.wav\"]\ngroups = [\"sales\"]\n",
    );
    let [mut alice, mut bob] = [("alice", 440), ("bob", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    bob.press(CallAction::MusicOnHold { call, from: at("music") });
    let parked = |event: &CallEvent| matches!(event, CallEvent::Parked { .. });
    assert_eq!(bob.tells("the music", parked), CallEvent::Parked { call, at: Some(at("music")) });
    let taken = |event: &CallEvent| matches!(event, CallEvent::TakenOver { .. });
    let CallEvent::TakenOver { call: held, .. } = alice.tells("the takeover", taken) else {
        unreachable!("waited for it")
    };
    alice.hears(held, 620);
    alice.hears(held, 1200);
    alice.hears(held, 620);
    let new = bob.new_call();
    bob.press(CallAction::TakeBack { call: new, given: call });
    bob.is_up(new);
    let CallEvent::TakenOver { call: back, .. } = alice.tells("the takeover", taken) else {
        unreachable!("waited for it")
    };
    alice.hears(back, 660);
    bob.hears(new, 440);
}

/// Who is not in the group of the music is held in silence, and the call stays.
#[test]
fn music_is_for_its_group() {
    let office = Office::open("[[music]]\nname = \"music\"\nfiles = [\"620.wav\"]\ngroups = [\"sales\"]\n");
    let [mut trent, mut mallory] =
        [("trent", 440), ("mallory", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut trent, &mut mallory, &at("mallory"));
    mallory.press(CallAction::MusicOnHold { call, from: at("music") });
    let told = mallory.tells("the refusal", |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(
        matches!(told, CallEvent::Transferred { status: Some(cordboard_sip::Status::FORBIDDEN), .. }),
        "{told:?}"
    );
    mallory.hears(call, 440);
}
