//! Call park (RFC 5359 §2.15) by transfer to a slot: linphone and baresip park and are parked, and ours takes the
//! parked call by dialling its slot.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Answers;
use cordboard_rig::deadline::{STEP, wait_for};
use cordboard_rig::house::{House, with_house};
use cordboard_rig::stage::{call, talking};

use super::{ALICE, BOB, CAROL};

const PARK: &str = "
[[park]]
name = \"park\"
slots = [\"701-703\"]
";

/// Waits until somebody is parked in slot 702 and hears music. A baresip that has heard fewer than five packets takes what comes
/// from whoever retrieves it for belated, and hears nothing of them.
#[track_caller]
pub(super) fn waits_in_slot(house: &mut House<'_>, parked: usize) {
    is_slot_taken(house, true);
    house.phone(parked).recording().expect_sound();
}

/// Waits until somebody is parked in slot 702, or nobody is in it.
#[track_caller]
pub(super) fn is_slot_taken(house: &House<'_>, is_taken: bool) {
    let what = if is_taken { "somebody to be parked in slot 702" } else { "slot 702 to be free" };
    wait_for(what, STEP, || {
        let lots = house.ctl("park list");
        let slot = lots[0]["slots"].as_array()?.iter().find(|slot| slot["slot"] == "702")?;
        let fits = if is_taken { slot["parked"]["state"] == "parked" } else { slot["parked"].is_null() };
        fits.then_some(())
    });
}

/// Who has parked the call in slot 702: whoever is rung back.
fn parked_by(house: &House<'_>) -> String {
    let lots = house.ctl("park list");
    let slots = lots[0]["slots"].as_array().expect("there are slots");
    let slot = slots.iter().find(|slot| slot["slot"] == "702").expect("there is one of that number");
    slot["parked"]["parked_by"].as_str().unwrap_or_default().to_owned()
}

/// Who is parked, who parks, and who takes the call.
const CASES: [[usize; 3]; 2] = [[ALICE, BOB, CAROL], [BOB, ALICE, CAROL]];

#[test]
fn by_transfer_to_a_slot_and_by_dialling_it() {
    with_house(PARK, &[(Linphone, Answers), (Baresip, Answers), (Cordboard, Answers)], |mut house| {
        let slot = house.uri("702");
        for [parked, parker, taker] in CASES {
            let [_, by] = house.phones([parked, parker]).map(|phone| phone.account().uri());
            {
                let [parked, parker] = house.phones([parked, parker]);
                call(parked, parker);
                parker.transfer_unattended(&slot);
            }
            waits_in_slot(&mut house, parked);
            // Also where the phone that is sent there does not say by whom.
            assert_eq!(parked_by(&house), by);
            let [parked, taker] = house.phones([parked, taker]);
            taker.dial(&slot);
            talking(parked, taker);
            parked.wait_established();
            parked.hang_up();
            taker.wait_idle();
            is_slot_taken(&house, false);
        }
        let verdict = house.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}
