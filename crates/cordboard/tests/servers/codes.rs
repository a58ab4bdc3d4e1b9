//! What is done by dialled codes: forwarding (RFC 5359 §2.7 to §2.9) and transfer (§2.4).

use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::Status;

use crate::office::{Office, at};
use crate::telephone::talk;

const CODES: &str = "[codes]\nforward = \"*72\"\nforward_off = \"*73\"\nforward_busy = \"*90\"\n\
     forward_busy_off = \"*91\"\ntransfer = \"*2\"\ngroups = [\"sales\"]\n";

#[test]
fn calls_are_forwarded_by_a_code_until_another_ends_it() {
    let office = Office::open(CODES);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let sets = bob.dials(&at("*72carol"));
    bob.is_up(sets);
    assert_eq!(bob.ends(sets), None, "the tone is over");
    let call = alice.dials(&at("bob"));
    carol.is_called();
    alice.press(CallAction::HangUp(call));
    alice.ends(call);
    let ends = bob.dials(&at("*73"));
    bob.is_up(ends);
    let call = alice.dials(&at("bob"));
    let rings = bob.tells("a call", |event| matches!(event, CallEvent::Incoming { .. }));
    assert!(matches!(rings, CallEvent::Incoming { .. }));
    alice.press(CallAction::HangUp(call));
}

/// Nobody sets up anything who is not in the group, and nothing that cannot be is set up.
#[test]
fn what_cannot_be_is_declined() {
    let office = Office::open(CODES);
    let [mut bob, mut mallory] =
        [("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    for (code, status) in [("*72nobody", 404), ("*72bob", 404), ("*72", 404), ("*731", 404)] {
        let call = bob.dials(&at(code));
        assert_eq!(bob.ends(call), Some(status), "{code}");
    }
    for outsider in [&mut mallory, &mut eve] {
        let call = outsider.dials(&at("*72bob"));
        assert_eq!(outsider.ends(call), Some(403));
    }
}

/// Who is busy has calls sent on, until another code ends that; calls that find them free still come.
#[test]
fn calls_that_find_one_busy_are_forwarded_by_a_code() {
    let office = Office::open(CODES);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let sets = bob.dials(&at("*90carol"));
    bob.is_up(sets);
    bob.ends(sets);
    let call = alice.dials(&at("bob"));
    let rings = bob.is_called();
    bob.press(CallAction::Decline(rings, Status::BUSY_HERE));
    carol.is_called();
    alice.press(CallAction::HangUp(call));
    alice.ends(call);
    let ends = bob.dials(&at("*91"));
    bob.is_up(ends);
    let call = alice.dials(&at("bob"));
    let rings = bob.is_called();
    bob.press(CallAction::Decline(rings, Status::BUSY_HERE));
    assert_eq!(alice.ends(call), Some(486));
}

/// Each code sets up or ends its own, and leaves the others as they are; so does whom one forwards to another.
#[test]
fn each_code_changes_its_own_rule_and_no_other() {
    let more = "forward_no_answer = \"*92\"\nforward_no_answer_off = \"*93\"\n";
    let office = Office::open(&format!("{CODES}{more}"));
    let mut bob = office.phone("bob", 660);
    let mut dials = |code: &str| {
        let call = bob.dials(&at(code));
        bob.is_up(call);
        assert_eq!(bob.ends(call), None, "{code}: the tone is over");
        let told = office.ctl(&["forward", "bob"]).unwrap();
        told.replace("bob: ", "").trim_end().to_owned()
    };
    let unanswered = "when nobody answers for 20 s, calls go to alice";
    assert_eq!(dials("*92alice"), unanswered);
    assert_eq!(dials("*90carol"), format!("when busy, calls go to carol\n{unanswered}"));
    assert_eq!(
        dials("*72trent"),
        format!("all calls go to trent\nwhen busy, calls go to carol\n{unanswered}")
    );
    assert_eq!(dials("*73"), format!("when busy, calls go to carol\n{unanswered}"));
    assert_eq!(dials("*91"), unanswered);
    assert_eq!(dials("*93"), "nothing is set up");
    assert_eq!(office.ctl(&["forward", "alice"]).unwrap(), "alice: nothing is set up\n");
}

/// Whose telephone knows no REFER holds the call and dials a code: the other side is at a third party, or where it was.
#[test]
fn a_held_call_is_handed_over_by_a_code() {
    let office = Office::open(CODES);
    let mut bob = office.old_phone("bob", 660);
    let [mut alice, mut carol, mut mallory] =
        [("alice", 440), ("carol", 880), ("mallory", 1200)].map(|(name, tone)| office.phone(name, tone));

    let nothing = bob.dials(&at("*2carol"));
    assert_eq!(bob.ends(nothing), Some(404), "there is no call to hand over");

    let [hers, his] = talk(&mut alice, &mut bob, &at("bob"));
    bob.press(CallAction::Hold(his));
    bob.tells("the hold", |event| *event == CallEvent::HoldChanged(his, true));

    let outsider = mallory.dials(&at("*2carol"));
    assert_eq!(mallory.ends(outsider), Some(403));

    let refused = bob.dials(&at("*2carol"));
    let rings = carol.is_called();
    carol.press(CallAction::Decline(rings, Status::BUSY_HERE));
    assert_eq!(bob.ends(refused), Some(486));
    bob.press(CallAction::Resume(his));
    bob.tells("the call", |event| *event == CallEvent::HoldChanged(his, false));
    alice.hears(hers, 660);

    bob.press(CallAction::Hold(his));
    bob.tells("the hold", |event| *event == CallEvent::HoldChanged(his, true));
    let hands_over = bob.dials(&at("*2carol"));
    let taken = carol.is_called();
    carol.press(CallAction::Answer(taken));
    carol.is_up(taken);
    for _ in 0..2 {
        // In whichever order.
        bob.tells("that it is done, and the end", |event| {
            matches!(event, CallEvent::Established(call) if *call == hands_over)
                || matches!(event, CallEvent::Ended { call, .. } if *call == his)
        });
    }
    carol.hears(taken, 440);
}

/// A park slot is a number like any other.
#[test]
fn a_held_call_is_parked_by_a_code() {
    let office = Office::open(&format!("{CODES}[[park]]\nname = \"park\"\nslots = [\"701-702\"]\n"));
    let mut bob = office.old_phone("bob", 660);
    let mut alice = office.phone("alice", 440);
    let [hers, his] = talk(&mut alice, &mut bob, &at("bob"));
    bob.press(CallAction::Hold(his));
    bob.tells("the hold", |event| *event == CallEvent::HoldChanged(his, true));
    let parks = bob.dials(&at("*2702"));
    bob.is_up(parks);
    alice.ends(hers);
    let parked = office.parked();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(parked[0][..2], ["702", "parked"], "{parked:?}");
    let retrieves = bob.dials(&at("702"));
    bob.is_up(retrieves);
    bob.hears(retrieves, 440);
}
