//! Find-me (RFC 5359 §2.12): places in sequence and at the same time, each make of phone found, passed over and given up.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Rings;
use cordboard_rig::house::{House, with_house};

use super::{ALICE, BOB, CAROL, NAMES, answers, answers_sipp, is_heard};

fn at_home(play: impl FnOnce(&mut House<'_>)) {
    with_house("", &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        play(&mut house);
        let verdict = house.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}

/// A phone calls somebody who is looked for, and `found` answers.
fn is_found(
    house: &mut House<'_>,
    caller: usize,
    wanted: usize,
    rings_before: Option<usize>,
    found: usize,
    at_once: &[usize],
) {
    let dialled = house.uri(NAMES[wanted]);
    house.phone(caller).dial(&dialled);
    if let Some(passed) = rings_before {
        rings_in_vain(house, passed);
    }
    for &other in at_once {
        house.phone(other).wait_incoming();
    }
    answers(house, caller, found);
    for &other in at_once {
        house.phone(other).wait_idle();
    }
}

/// It rings until the time is up.
fn rings_in_vain(house: &mut House<'_>, number: usize) {
    house.phone(number).wait_incoming();
    house.phone(number).wait_idle();
}

const SCRIPT: &str = "\na > INVITE sdp auth=407\na < 100? 180? 181? 180? 200";

/// The own phone rings first, then the next in the list.
#[test]
fn in_sequence() {
    at_home(|house| {
        for [caller, wanted, found] in [[ALICE, BOB, CAROL], [CAROL, ALICE, BOB], [BOB, CAROL, ALICE]] {
            let (name, other) = (NAMES[wanted], NAMES[found]);
            house.ctl(&format!("find-me {name} 1:{name} 20:{other}"));
            is_found(house, caller, wanted, Some(wanted), found, &[]);
            house.ctl(&format!("find-me {name} --off"));
        }
        house.ctl("find-me dave 1:alice 1:bob 20:carol");
        let sipp = house.sipp("sipp", "dave", &(SCRIPT.to_owned() + &is_heard("a")));
        rings_in_vain(house, ALICE);
        rings_in_vain(house, BOB);
        answers_sipp(house, CAROL);
        sipp.expect_success();
    });
}

/// All ring at the same time, and who is not the first to answer rings no more.
#[test]
fn at_the_same_time() {
    at_home(|house| {
        for [caller, wanted, found] in [[ALICE, BOB, CAROL], [CAROL, ALICE, BOB], [BOB, CAROL, ALICE]] {
            let (name, other) = (NAMES[wanted], NAMES[found]);
            house.ctl(&format!("find-me {name} 20:{name},{other}"));
            is_found(house, caller, wanted, None, found, &[wanted]);
            house.ctl(&format!("find-me {name} --off"));
        }
        house.ctl("find-me dave 20:alice,bob,carol");
        for found in [ALICE, BOB, CAROL] {
            let sipp = house.sipp("sipp", "dave", &(SCRIPT.to_owned() + &is_heard("a")));
            let others = [ALICE, BOB, CAROL].map(|number| (number != found).then_some(number));
            for &other in others.iter().flatten() {
                house.phone(other).wait_incoming();
            }
            answers_sipp(house, found);
            sipp.expect_success();
            for &other in others.iter().flatten() {
                house.phone(other).wait_idle();
            }
        }
    });
}
