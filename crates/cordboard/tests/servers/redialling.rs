//! Automatic redial by a server: RFC 5359 §2.17.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::Status;
use std::time::{Duration, Instant};

use crate::forging::Forger;
use crate::office::{Office, at};
use crate::telephone::{Telephone, talk};

const REDIAL: &str = "[codes]\nredial = \"*66\"\nredial_off = \"*68\"\n[redial]\ngroups = [\"sales\"]\n";

/// Somebody dials a code, and hears the tone that says that it is done.
#[track_caller]
fn dials(phone: &mut Telephone, code: &str) {
    let call = phone.dials(&at(code));
    phone.is_up(call);
    phone.hears(call, 1000);
    assert_eq!(phone.ends(call), None, "{code}: the tone is over");
}

/// Somebody dials a code, and does not wait for the end of the tone.
#[track_caller]
fn dials_shortly(phone: &mut Telephone, code: &str) {
    let call = phone.dials(&at(code));
    phone.is_up(call);
    phone.press(CallAction::HangUp(call));
    phone.ends(call);
}

/// Somebody asks the server by REFER, and is told how that went.
#[track_caller]
fn asks(phone: &mut Telephone, whom: &str) -> (Outcome, Option<Status>) {
    let call = phone.new_call();
    let (server, to) = (at("redial"), at(whom));
    phone.press(CallAction::ClickToDial { call, whom: server, to, reports: true });
    let told = phone.tells("the answer", |event| matches!(event, CallEvent::Transferred { .. }));
    let CallEvent::Transferred { outcome, status, .. } = told else { unreachable!("waited for it") };
    (outcome, status)
}

/// Waits until nothing waits any more: who is connected may be so before the server hears of it.
#[track_caller]
fn nobody_waits(office: &Office) {
    let until = Instant::now() + Duration::from_secs(10);
    while !office.redials().is_empty() {
        assert!(Instant::now() < until, "{:?}", office.redials());
    }
}

/// Somebody is called back, and handed over to whom they want, who answers.
#[track_caller]
fn is_called_back(asker: &mut Telephone, wanted: &mut Telephone) -> [CallName; 2] {
    let back = asker.is_called();
    asker.press(CallAction::Answer(back));
    let told = asker.tells("whom to call", |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
    let rings = wanted.is_called();
    wanted.press(CallAction::Answer(rings));
    asker.is_up(new);
    [new, rings]
}

/// Alice takes calls of her own phones and no others: the server calls in her name.
#[test]
fn whoever_dials_the_code_is_called_back() {
    let office = Office::open_with(REDIAL, "screen = { allow_from = [\"alice\"] }");
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let [call, _] = talk(&mut carol, &mut bob, &at("bob"));
    dials(&mut alice, "*66bob");
    assert_eq!(office.redials(), [["waiting", &*at("alice"), &*at("bob")].map(str::to_owned)]);
    carol.press(CallAction::HangUp(call));
    let [ours, theirs] = is_called_back(&mut alice, &mut bob);
    alice.hears(ours, 660);
    bob.hears(theirs, 440);
    nobody_waits(&office);
}

/// Whoever asks is called back, whatever they say of who else asks (RFC 3892), by whichever way; and whom the server does not serve
/// has nobody called.
#[test]
fn nobody_asks_for_somebody_else() {
    let office = Office::open(REDIAL);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    talk(&mut carol, &mut bob, &at("bob"));
    for mut outsider in [Forger::of(&office, "mallory"), Forger::elsewhere(&office, "eve")] {
        assert_eq!(outsider.asks("redial", "bob", "alice").code(), 403);
    }
    let mut mallory = office.phone("mallory", 620);
    let call = mallory.new_call();
    mallory.press(CallAction::DialFor { call, to: at("*66bob"), whose: at("alice") });
    assert_eq!(mallory.ends(call), Some(403));
    assert_eq!(office.redials(), [] as [[String; 3]; 0], "nobody waits");
    assert_eq!(Forger::of(&office, "carol").asks("redial", "bob", "alice"), Status::ACCEPTED);
    assert_eq!(office.redials(), [["waiting", &*at("carol"), &*at("bob")].map(str::to_owned)]);
    assert!(!alice.was_called());
}

/// Trent is no business of theirs, so that they see only whether he is busy; they are served in the order in which they asked,
/// and who gives up is not served at all.
#[test]
fn two_wait_for_somebody_of_another_group() {
    let office = Office::open(REDIAL);
    let [mut alice, mut carol, mut trent] =
        [("alice", 440), ("carol", 880), ("trent", 660)].map(|(name, tone)| office.phone(name, tone));
    let mut bob = office.old_phone("bob", 620);
    let mut mallory = office.phone("mallory", 1200);
    let [call, _] = talk(&mut mallory, &mut trent, &at("trent"));
    dials_shortly(&mut alice, "*66trent");
    assert_eq!(asks(&mut carol, "trent"), (Outcome::Completed, Some(Status::ACCEPTED)));
    dials_shortly(&mut bob, "*66trent");
    let askers: Vec<String> = office.redials().into_iter().map(|[_, asker, _]| asker).collect();
    assert_eq!(askers, ["alice", "carol", "bob"].map(|user| at(user).into_string()));
    dials_shortly(&mut alice, "*68");
    assert_eq!(office.redials().len(), 2);
    mallory.press(CallAction::HangUp(call));
    let [ours, _] = is_called_back(&mut carol, &mut trent);
    carol.press(CallAction::HangUp(ours));
    // His telephone knows no REFER: the server connects the two.
    let back = bob.is_called();
    bob.press(CallAction::Answer(back));
    let rings = trent.is_called();
    trent.press(CallAction::Answer(rings));
    bob.hears(back, 660);
    trent.hears(rings, 620);
    nobody_waits(&office);
}

/// Who may not use the server, and what cannot be: each is said, and nothing waits.
#[test]
fn what_cannot_be_is_declined() {
    let office = Office::open_with(REDIAL, "screen = { deny_to = [\"trent\"] }");
    let [mut alice, mut carol, mut mallory] =
        [("alice", 440), ("carol", 880), ("mallory", 660)].map(|(name, tone)| office.phone(name, tone));
    let mut eve = office.stranger("eve", 1200);
    for (code, status) in [
        ("*66nobody", 404),
        ("*66redial", 404),
        ("*66*66bob", 404),
        ("*66carol", 482),
        ("*66", 484),
        ("*68", 404),
        ("*68bob", 404),
        ("redial", 480),
    ] {
        let call = carol.dials(&at(code));
        assert_eq!(carol.ends(call), Some(status), "{code}");
    }
    let call = alice.dials(&at("*66trent"));
    assert_eq!(alice.ends(call), Some(403), "she may not call him at all");
    for outsider in [&mut mallory, &mut eve] {
        for code in ["*66bob", "*68", "redial"] {
            let call = outsider.dials(&at(code));
            assert_eq!(outsider.ends(call), Some(403), "{code}");
        }
        assert_eq!(asks(outsider, "bob").1, Some(Status::FORBIDDEN));
    }
    assert_eq!(asks(&mut carol, "nobody").1, Some(Status::NOT_FOUND));
    assert_eq!(asks(&mut carol, "carol").1, Some(Status::LOOP_DETECTED));
    assert_eq!(office.redials(), [] as [[String; 3]; 0]);
}

/// By whoever runs the switchboard: asked for, listed, given up, and what cannot be is said.
#[test]
fn an_operator_asks_and_gives_up() {
    let range = "[[user_range]]\nprefix = \"1\"\ncount = 20\ndigits = 3\npassword = \"pw\"\n";
    let office = Office::open(&format!("{REDIAL}{range}"));
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let [call, _] = talk(&mut alice, &mut bob, &at("bob"));
    for (asker, wanted, says) in [
        ("mallory", "bob", "in none of the groups"),
        ("nobody", "bob", "nobody"),
        ("carol", "carol", "talk with themselves"),
        ("carol", "nobody", "is nobody here"),
        ("carol", "redial", "is nobody here"),
        ("carol", "sip:x@elsewhere.example", "another domain"),
        ("carol", "a b@", "no user, number or address"),
    ] {
        let told = office.ctl(&["redial", "ask", asker, wanted]).unwrap_err();
        assert!(told.contains(says), "{asker} {wanted}: {told}");
    }
    let told = office.ctl(&["redial", "ask", "carol", "bob"]).unwrap();
    assert_eq!(told, "carol is called back when bob is free: redial 1\n");
    assert_eq!(office.ctl(&["redial", "ask", "carol", "bob"]).unwrap(), told, "it is the same");
    // All these are free, and she is called for one of them.
    for number in 1001..=1015 {
        office.ctl(&["redial", "ask", "carol", &number.to_string()]).unwrap();
    }
    let told = office.ctl(&["redial", "ask", "carol", "1016"]).unwrap_err();
    assert!(told.contains("16 for one asker"), "{told}");
    let rings = carol.is_called();
    let states: Vec<String> = office.redials().into_iter().map(|[state, ..]| state).collect();
    assert_eq!(states.len(), 16);
    assert_eq!(states.iter().filter(|state| *state == "calling").count(), 1, "{states:?}");
    for number in 3..=16 {
        office.ctl(&["redial", "cancel", &number.to_string()]).unwrap();
    }
    assert_eq!(office.ctl(&["redial", "cancel", "2"]).unwrap(), "redial 2 is given up\n");
    assert_eq!(carol.ends(rings), Some(487), "she hears no more of it");
    let told = office.ctl(&["redial", "cancel", "2"]).unwrap_err();
    assert!(told.contains("no redial 2 waits"), "{told}");
    alice.press(CallAction::HangUp(call));
    is_called_back(&mut carol, &mut bob);
    nobody_waits(&office);
    let shown = office.ctl(&["redial", "list"]).unwrap();
    assert_eq!(shown, "nobody waits to be called back\n");
}

/// Where there is no such server, that is said.
#[test]
fn without_a_server_there_is_none() {
    let office = Office::open("");
    for wish in [&["redial", "list"][..], &["redial", "ask", "carol", "bob"], &["redial", "cancel", "1"]] {
        let told = office.ctl(wish).unwrap_err();
        assert!(told.contains("`[redial]` in the configuration file"), "{told}");
    }
}
