//! An operator ends, holds, resumes, hands over and parks calls of phones that know nothing of it, and places and retrieves
//! calls for them, by `ctl`; the tones prove who hears whom.

use crate::{ALICE, BOB, CAROL};
use cordboard_rig::Kind::{self, Baresip, Linphone};
use cordboard_rig::house::{House, with_house};
use cordboard_rig::phone::Manner;
use cordboard_rig::recording::expect;
use cordboard_rig::stage::{call, talking, talking_without};
use cordboard_rig::tone::Sound;

/// The Call-ID of the call that is up and goes to that user.
#[track_caller]
pub(super) fn call_to(house: &House<'_>, user: &str) -> String {
    let calls = house.ctl("calls");
    let to = house.uri(user);
    let up = calls.as_array().expect("a list").iter().find(|call| {
        call["state"] == "answered" && call["to"].as_str().is_some_and(|theirs| theirs.starts_with(&to))
    });
    up.and_then(|call| call["call_id"].as_str())
        .unwrap_or_else(|| panic!("no call to {user}: {calls}"))
        .to_owned()
}

#[track_caller]
pub(super) fn completes(house: &House<'_>, words: &str) {
    let told = house.ctl(words);
    assert_eq!(told["outcome"], "completed", "{words}: {told}");
}

/// Alice calls bob. The operator holds and resumes the two, bob holds and resumes as ever; then the operator sends alice to
/// carol, and ends that.
fn operated(kinds: [Kind; 3]) {
    with_house("", &kinds.map(|kind| (kind, Manner::Answers)), |mut house| {
        let [alice, bob] = house.phones([ALICE, BOB]);
        call(alice, bob);
        let id = call_to(&house, "bob");
        completes(&house, &format!("hold {id}"));
        let [alice, bob] = house.phones([ALICE, BOB]);
        expect(&[(alice.recording(), Sound::Silence), (bob.recording(), Sound::Silence)]);
        completes(&house, &format!("resume {id}"));
        let [alice, bob] = house.phones([ALICE, BOB]);
        talking(alice, bob);
        bob.hold();
        alice.wait_held();
        bob.resume();
        alice.wait_resumed();
        talking(alice, bob);
        completes(&house, &format!("transfer {id} carol --leaves bob"));
        let [alice, bob, carol] = house.phones([ALICE, BOB, CAROL]);
        carol.wait_established();
        bob.wait_idle();
        talking_without(alice, carol, bob);
        let id = call_to(&house, "carol");
        completes(&house, &format!("end {id}"));
        let [alice, carol] = house.phones([ALICE, CAROL]);
        alice.wait_idle();
        carol.wait_idle();
    });
}

#[test]
fn baresip_and_linphone_are_handled() {
    operated([Baresip, Linphone, Baresip]);
}

#[test]
fn linphone_and_baresip_are_handled() {
    operated([Linphone, Baresip, Linphone]);
}

const PARK: &str = "
[[park]]
name = \"park\"
slots = [\"701\"]
";

/// The operator has alice call bob, parks her, and gives her to carol: their phones do nothing but answer.
fn placed(kinds: [Kind; 3]) {
    with_house(PARK, &kinds.map(|kind| (kind, Manner::Answers)), |mut house| {
        completes(&house, "place alice bob");
        let [alice, bob] = house.phones([ALICE, BOB]);
        talking(alice, bob);
        let id = call_to(&house, "bob");
        completes(&house, &format!("park call {id} --leaves bob"));
        house.phone(BOB).wait_idle();
        completes(&house, "retrieve 701 --by carol");
        let [alice, carol] = house.phones([ALICE, CAROL]);
        talking(alice, carol);
    });
}

#[test]
fn baresip_is_called_parked_and_given_to_linphone() {
    placed([Baresip, Linphone, Linphone]);
}

#[test]
fn linphone_is_called_parked_and_given_to_baresip() {
    placed([Linphone, Baresip, Baresip]);
}
