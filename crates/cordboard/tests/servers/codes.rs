//! Forwarding by dialled codes: RFC 5359 §2.7.

use cordboard_service::call::CallEvent;

use crate::office::{Office, at};

const CODES: &str = "[codes]\nforward = \"*72\"\nforward_off = \"*73\"\ngroups = [\"sales\"]\n";

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
    alice.press(cordboard_service::call::CallAction::HangUp(call));
    alice.ends(call);
    let ends = bob.dials(&at("*73"));
    bob.is_up(ends);
    let call = alice.dials(&at("bob"));
    let rings = bob.tells("a call", |event| matches!(event, CallEvent::Incoming { .. }));
    assert!(matches!(rings, CallEvent::Incoming { .. }));
    alice.press(cordboard_service::call::CallAction::HangUp(call));
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
