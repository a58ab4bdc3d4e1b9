//! Call pickup by a dialled code: RFC 5359 §2.16.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};

use crate::office::{Office, at};
use crate::telephone::Telephone;

const CODE: &str = "[codes]\npick_up = \"*8\"\n";

/// Alice calls bob, whose telephone rings, as she hears.
#[track_caller]
fn rings(alice: &mut Telephone, bob: &mut Telephone) -> [CallName; 2] {
    let call = alice.dials(&at("bob"));
    let rings = bob.is_called();
    alice.tells("that it rings", |event| *event == CallEvent::Ringing(call));
    [call, rings]
}

#[test]
fn who_dials_the_code_has_the_call_and_whoever_was_called_has_not() {
    for code in ["*8bob", "*8"] {
        let office = Office::open(CODE);
        let [mut alice, mut bob, mut carol] =
            [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
        let [call, at_bob] = rings(&mut alice, &mut bob);
        let picks = carol.dials(&at(code));
        alice.is_up(call);
        assert_eq!(bob.ends(at_bob), Some(487), "{code}");
        carol.is_up(picks);
        // She was asked to take the caller over, and has.
        let told = carol.tells("whom she gets", |event| matches!(event, CallEvent::Referred { .. }));
        let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
        carol.is_up(new);
        let taken = |event: &CallEvent| matches!(event, CallEvent::TakenOver { .. });
        let CallEvent::TakenOver { call: with_carol, .. } = alice.tells("the takeover", taken) else {
            unreachable!("waited for it")
        };
        alice.hears(with_carol, 880);
        carol.hears(new, 440);
    }
}

/// Neither caller nor dialler knows REFER or Replaces: the server stays between them, and their sound goes from one to the other.
#[test]
fn telephones_that_know_nothing_are_bridged() {
    let office = Office::open(CODE);
    let mut alice = office.old_phone("alice", 440);
    let mut bob = office.phone("bob", 660);
    let mut carol = office.old_phone("carol", 880);
    let [call, at_bob] = rings(&mut alice, &mut bob);
    let picks = carol.dials(&at("*8bob"));
    assert_eq!(bob.ends(at_bob), Some(487));
    alice.hears(call, 880);
    carol.hears(picks, 440);
    carol.press(CallAction::HangUp(picks));
    assert_eq!(alice.ends(call), None);
}

/// Whose calls are whose business changes while the switchboard runs, and a telephone that is registered need do nothing.
#[test]
fn a_pickup_group_changes_at_run_time() {
    let office = Office::open(CODE);
    let [mut alice, mut bob] = [("alice", 440), ("bob", 660)].map(|(name, tone)| office.phone(name, tone));
    office.ctl(&["users", "add", "zoe", "--password", "pw-zoe", "--group", "others"]).unwrap();
    let mut zoe = office.phone("zoe", 880);
    let [call, _] = rings(&mut alice, &mut bob);
    let refused = zoe.dials(&at("*8bob"));
    assert_eq!(zoe.ends(refused), Some(403));
    let mut listener = office.listens();
    assert_eq!(office.ctl(&["users", "groups", "zoe", "sales"]).unwrap(), "zoe is in these groups now\n");
    assert_eq!(listener.hears("groups-changed")["groups"], serde_json::json!(["sales"]));
    let picks = zoe.dials(&at("*8bob"));
    alice.is_up(call);
    zoe.is_up(picks);
    let stored = office.ctl(&["users", "groups", "zoe", "--reset"]).unwrap_err();
    assert!(stored.contains("zoe does not stand in the configuration file"), "{stored}");
    let nobody = office.ctl(&["users", "groups", "nobody", "sales"]).unwrap_err();
    assert!(nobody.contains("nobody"), "{nobody}");
}

/// Nobody is picked up whose calls are others' business, and the telephone rings on.
#[test]
fn others_pick_up_nothing() {
    let office = Office::open(CODE);
    let [mut alice, mut bob, mut mallory] =
        [("alice", 440), ("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    let [call, at_bob] = rings(&mut alice, &mut bob);
    for (code, status) in [("*8bob", 403), ("*8nobody", 404), ("*8-r-0000000000000000", 404), ("*8", 480)] {
        let picks = mallory.dials(&at(code));
        assert_eq!(mallory.ends(picks), Some(status), "{code}");
        let picks = eve.dials(&at(code));
        assert_eq!(eve.ends(picks), Some(403), "{code}");
    }
    bob.press(CallAction::Answer(at_bob));
    alice.is_up(call);
    alice.hears(call, 660);
}

/// Answered and picked up at once: one of them has the call, and the other is told so.
#[test]
fn a_call_that_is_answered_as_it_is_picked_up_has_one_winner() {
    let office = Office::open(CODE);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    for _ in 0..5 {
        let [call, at_bob] = rings(&mut alice, &mut bob);
        let picks = carol.new_call();
        let to = at("*8bob");
        carol.press(CallAction::Dial { call: picks, to, offer: true });
        bob.press(CallAction::Answer(at_bob));
        alice.is_up(call);
        let bobs = bob.tells("how it went", |event| match event {
            CallEvent::Established(up) => *up == at_bob,
            CallEvent::Ended { call, .. } => *call == at_bob,
            _ => false,
        });
        if bobs == CallEvent::Established(at_bob) {
            // None where the server had answered already: then it hangs up.
            let refused = carol.ends(picks);
            assert!(matches!(refused, None | Some(480 | 486)), "{refused:?}");
            bob.press(CallAction::HangUp(at_bob));
            assert_eq!(alice.ends(call), None);
        } else {
            assert!(matches!(bobs, CallEvent::Ended { outcome: Outcome::Cancelled, .. }), "{bobs:?}");
            let told = carol.tells("whom she gets", |event| matches!(event, CallEvent::Referred { .. }));
            let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
            carol.is_up(new);
            carol.press(CallAction::HangUp(new));
            carol.ends(new);
        }
    }
}
