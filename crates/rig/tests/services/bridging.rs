//! Bridges (RFC 3725 §4.4): baresip knows nothing of Replaces, so that who is parked and who takes the call have each other
//! through the park server, and who is picked up and who picks up through the pickup server. They hold each other as in any
//! other call.

use cordboard_rig::Kind::{self, Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::{Answers, Rings};
use cordboard_rig::house::{House, with_house};
use cordboard_rig::stage::{call, is_held_by, talking};

use super::parking::waits_in_slot;
use super::{ALICE, BOB, CAROL};

/// What the switchboard has for it.
pub(super) const TABLES: &str = "
[codes]
pick_up = \"*8\"
[[park]]
name = \"park\"
slots = [\"701-703\"]
";

/// Each holds the other, and then the first hangs up.
#[track_caller]
fn hold_each_other(house: &mut House<'_>, [one, other]: [usize; 2]) {
    for [holder, held] in [[one, other], [other, one]] {
        let [holder, held] = house.phones([holder, held]);
        holder.hold();
        held.wait_held();
        is_held_by(held, holder);
        holder.resume();
        held.wait_resumed();
        talking(holder, held);
    }
    let [one, other] = house.phones([one, other]);
    one.hang_up();
    other.wait_idle();
}

/// What was said was right.
#[track_caller]
pub(super) fn is_clean(house: House<'_>) {
    let verdict = house.verdict();
    let complaints = verdict.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    // Nobody was asked for what they had not said that they know.
    let asked = verdict.messages().iter().any(|message| message.status == Some(420));
    assert!(!asked, "{}", verdict.ladder());
}

/// Carol's call with `parked` is parked, and `taker` dials the slot; alice and bob have these phones.
fn is_retrieved([alice, bob]: [Kind; 2], parked: usize, taker: usize) {
    with_house(TABLES, &[(alice, Answers), (bob, Answers), (Cordboard, Answers)], |mut house| {
        let slot = house.uri("702");
        {
            let [parked, parker] = house.phones([parked, CAROL]);
            call(parked, parker);
            parker.transfer_unattended(&slot);
        }
        waits_in_slot(&mut house, parked);
        {
            let [parked, taker] = house.phones([parked, taker]);
            taker.dial(&slot);
            // linphone takes a call for established when it is not on hold any more.
            parked.wait_established();
            taker.wait_established();
            talking(parked, taker);
        }
        hold_each_other(&mut house, [taker, parked]);
        is_clean(house);
    });
}

#[test]
fn baresip_waits_and_linphone_dials_the_slot() {
    is_retrieved([Linphone, Baresip], BOB, ALICE);
}

#[test]
fn linphone_waits_and_baresip_dials_the_slot() {
    is_retrieved([Linphone, Baresip], ALICE, BOB);
}

#[test]
fn baresip_waits_and_another_dials_the_slot() {
    is_retrieved([Baresip, Baresip], ALICE, BOB);
}

#[test]
fn baresips_call_is_picked_up_by_linphone() {
    with_house(TABLES, &[(Linphone, Answers), (Baresip, Answers), (Cordboard, Rings)], |mut house| {
        let [at_carol, code] = ["carol", "*8carol"].map(|user| house.uri(user));
        house.phone(BOB).dial(&at_carol);
        house.phone(CAROL).wait_incoming();
        house.phone(ALICE).dial(&code);
        house.phone(CAROL).wait_idle();
        {
            let [alice, bob] = house.phones([ALICE, BOB]);
            bob.wait_established();
            alice.wait_established();
            talking(alice, bob);
        }
        hold_each_other(&mut house, [ALICE, BOB]);
        is_clean(house);
    });
}
