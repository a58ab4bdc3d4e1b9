//! Conference rooms: RFC 4579 §5. Who may, at a switchboard that knows who everybody is.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::Status;

use crate::forging::Forger;
use crate::office::{Office, at};
use crate::telephone::{Telephone, talk};

const ROOMS: &str = "[[conference]]\nname = \"conference\"\nrooms = [\"800-801\"]\ngroups = [\"sales\"]\n";

fn dials_in(phone: &mut Telephone, room: &str) -> CallName {
    let call = phone.dials(&at(room));
    phone.is_up(call);
    call
}

/// Asks the room for somebody, or by `;method=BYE` that they leave: how that went.
#[track_caller]
fn asks(phone: &mut Telephone, room: &str, whom: &str) -> (Outcome, Option<u16>) {
    let (call, to) = (phone.new_call(), at(whom.split(';').next().unwrap_or_default()));
    let method = whom.split_once(';').map(|(_, method)| format!(";{method}")).unwrap_or_default();
    let to = format!("{to}{method}").into();
    phone.press(CallAction::ClickToDial { call, whom: at(room), to, reports: true });
    let told = phone.tells("how that went", |event| matches!(event, CallEvent::Transferred { .. }));
    let CallEvent::Transferred { outcome, status, .. } = told else { unreachable!("waited for it") };
    (outcome, status.map(cordboard_sip::Status::code))
}

/// By dialling, for somebody, and against somebody: those of another group and strangers are refused, and nothing changes.
#[test]
fn others_have_no_part_in_a_room() {
    let office = Office::open(ROOMS);
    let [mut alice, mut bob, mut mallory] =
        [("alice", 440), ("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    let call = dials_in(&mut alice, "800");
    dials_in(&mut bob, "800");
    alice.hears(call, 660);
    let before = office.in_rooms();
    for outsider in [&mut mallory, &mut eve] {
        for room in ["800", "801", "conference"] {
            let call = outsider.dials(&at(room));
            assert_eq!(outsider.ends(call), Some(403), "{room}");
        }
        for whom in ["carol", "alice;method=BYE"] {
            let (outcome, status) = asks(outsider, "800", whom);
            assert!(outcome == Outcome::Refused && status == Some(403), "{whom}: {outcome} {status:?}");
        }
    }
    assert_eq!(office.in_rooms(), before, "nothing has changed");
    assert_eq!(asks(&mut bob, "800", "nobody;method=BYE"), (Outcome::TargetNotFound, Some(404)));
    assert_eq!(asks(&mut bob, "800", "alice"), (Outcome::TargetBusy, Some(486)), "she is there already");
    assert_eq!(asks(&mut bob, "800", "801").0, Outcome::RefersToItself);
    assert_eq!(office.in_rooms(), before);
    assert_eq!(asks(&mut bob, "800", "alice;method=BYE"), (Outcome::Completed, Some(200)));
    alice.ends(call);
}

/// Who says that one of the group has asked, in an INVITE or in a REFER, is refused for who they are; and what one of the group
/// asks for is theirs, whatever they say (RFC 3892 §2.1).
#[test]
fn nobody_acts_in_a_room_for_somebody_else() {
    let office = Office::open(ROOMS);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    let mut mallory = office.phone("mallory", 620);
    let call = dials_in(&mut alice, "800");
    dials_in(&mut bob, "800");
    let before = office.in_rooms();
    for outsider in [&mut mallory, &mut eve] {
        let call = outsider.new_call();
        outsider.press(CallAction::DialFor { call, to: at("800"), whose: at("alice") });
        assert_eq!(outsider.ends(call), Some(403));
    }
    for mut outsider in [Forger::of(&office, "mallory"), Forger::elsewhere(&office, "eve")] {
        for whom in ["carol", "alice;method=BYE"] {
            assert_eq!(outsider.asks("800", whom, "alice").code(), 403, "{whom}");
        }
    }
    assert_eq!(office.in_rooms(), before, "nothing has changed");
    assert!(!carol.was_called());
    assert_eq!(Forger::of(&office, "bob").asks("800", "carol", "alice"), Status::ACCEPTED);
    let told = carol.tells("who asks her", |event| matches!(event, CallEvent::Incoming { .. }));
    let CallEvent::Incoming { call: rings, referred_by, .. } = told else { unreachable!("waited for it") };
    assert_eq!(referred_by.as_deref(), Some(&*format!("<{}>", at("bob"))));
    carol.press(CallAction::Decline(rings, Status::BUSY_HERE));
    alice.press(CallAction::HangUp(call));
}

/// Whom one of the group sends there is let in, hears the others, and may no more than that.
#[test]
fn a_guest_is_let_in_and_puts_nobody_out() {
    let office = Office::open(ROOMS);
    let [mut alice, mut bob, mut mallory] =
        [("alice", 440), ("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let call = dials_in(&mut alice, "800");
    let [ours, _] = talk(&mut bob, &mut mallory, &at("mallory"));
    bob.press(CallAction::Transfer { call: ours, to: at("800") });
    let told = mallory.tells("where it goes", |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
    mallory.is_up(new);
    mallory.hears(new, 440);
    alice.hears(call, 880);
    assert_eq!(asks(&mut mallory, "800", "alice;method=BYE"), (Outcome::Refused, Some(403)));
    assert_eq!(office.in_rooms().len(), 2);
}
