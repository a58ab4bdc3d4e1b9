//! What an operator does with people's telephones (RFC 5359 §2.15, §2.16, §2.18): they are called, and handed over.

use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::Status;

use crate::office::{Office, at};
use crate::telephone::{Telephone, talk};

const PARK: &str = "[[park]]\nname = \"park\"\nslots = [\"701-702\"]\ngroups = [\"sales\"]\n";

/// The telephones of alice, bob and carol.
fn three(office: &Office) -> [Telephone; 3] {
    [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone))
}

/// A call of somebody took the place of another one.
#[track_caller]
fn is_taken_over(phone: &mut Telephone) -> CallName {
    let told = phone.tells("the takeover", |event| matches!(event, CallEvent::TakenOver { .. }));
    let CallEvent::TakenOver { call, .. } = told else { unreachable!("waited for it") };
    phone.is_up(call);
    call
}

#[test]
fn a_call_is_placed_and_is_the_callers_own() {
    let office = Office::open("");
    let [mut alice, mut bob, mut carol] = three(&office);
    let wish = office.wants(&["place", "alice", "bob"]);
    let call = alice.is_handed_over();
    let rings = bob.tells("who calls", |event| matches!(event, CallEvent::Incoming { .. }));
    let CallEvent::Incoming { call: rings, from, .. } = rings else { unreachable!("waited for it") };
    assert!(from.contains("sip:alice@"), "{from}");
    bob.press(CallAction::Answer(rings));
    assert_eq!(wish.outcome(), "completed");
    alice.hears(call, 660);
    bob.hears(rings, 440);
    assert!(!carol.was_called());
    alice.press(CallAction::HangUp(call));
    bob.ends(rings);
}

/// A telephone that knows no REFER gets its call all the same, which ends for both when it does for one.
#[test]
fn a_call_is_placed_for_an_old_telephone() {
    let office = Office::open("");
    let [mut alice, mut bob] = [office.old_phone("alice", 440), office.phone("bob", 660)];
    let wish = office.wants(&["place", "alice", "bob"]);
    let call = alice.is_called();
    alice.press(CallAction::Answer(call));
    let rings = bob.tells("who calls", |event| matches!(event, CallEvent::Incoming { .. }));
    let CallEvent::Incoming { call: rings, referred_by, .. } = rings else { unreachable!("waited for it") };
    assert!(referred_by.is_some_and(|by| by.contains("sip:alice@")), "it says for whom");
    bob.press(CallAction::Answer(rings));
    assert_eq!(wish.outcome(), "completed");
    alice.hears(call, 660);
    bob.hears(rings, 440);
    bob.press(CallAction::HangUp(rings));
    alice.ends(call);
}

/// Whoever is called first does not want to, or whoever is wanted: it is said who, and nobody is left in a call.
#[test]
fn a_call_that_comes_to_nothing_says_why() {
    let office = Office::open("");
    let [mut alice, mut bob, _carol] = three(&office);
    for (status, outcome) in [(Status::BUSY_HERE, "busy"), (Status::DECLINE, "declined")] {
        let wish = office.wants(&["place", "alice", "bob"]);
        let call = alice.is_called();
        alice.press(CallAction::Decline(call, status));
        assert_eq!(wish.outcome(), outcome);
    }
    assert!(!bob.was_called());
    for (status, outcome) in [(Status::BUSY_HERE, "target-busy"), (Status::DECLINE, "target-declined")] {
        let wish = office.wants(&["place", "alice", "bob"]);
        let call = alice.is_called();
        alice.press(CallAction::Answer(call));
        let rings = bob.is_called();
        bob.press(CallAction::Decline(rings, status));
        assert_eq!(wish.outcome(), outcome);
        alice.ends(call);
    }
    // Nobody has a telephone of trent's.
    assert_eq!(office.does(&["place", "trent", "bob"]), "no-answer");
}

/// Nobody is called for what cannot be, or may not.
#[test]
fn what_may_not_be_placed_rings_nowhere() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] = three(&office);
    assert!(office.does(&["place", "nobody", "bob"]).contains("there is no user nobody"));
    assert!(office.does(&["place", "park", "bob"]).contains("there is no user park"));
    assert!(office.does(&["place", "alice", "a b@"]).contains("a b@"));
    assert_eq!(office.does(&["place", "alice", "alice"]), "refers-to-itself");
    assert_eq!(office.does(&["place", "alice", "sip:x@elsewhere.example"]), "not-allowed");
    assert!(office.does(&["retrieve", "703", "--by", "carol"]).contains("no park slot 703"));
    assert_eq!(office.does(&["retrieve", "701", "--by", "carol"]), "not-found");
    assert_eq!(office.does(&["retrieve", "701", "--by", "mallory"]), "not-allowed");
    assert!(office.does(&["retrieve", "701", "--by", "nobody"]).contains("there is no user nobody"));
    assert_eq!(office.does(&["pick-up", "bob", "--by", "mallory"]), "not-allowed");
    assert!(office.does(&["pick-up", "nobody", "--by", "carol"]).contains("there is no user nobody"));
    for phone in [&mut alice, &mut bob, &mut carol] {
        assert!(!phone.was_called());
    }
}

/// The call is its user's, whoever makes it: whom they may not call is not called for them either.
#[test]
fn nobody_is_called_whom_the_user_may_not_call() {
    for old in [false, true] {
        let office = Office::open_with("", "screen = { deny_to = [\"bob\"] }");
        let mut alice = if old { office.old_phone("alice", 440) } else { office.phone("alice", 440) };
        let mut bob = office.phone("bob", 660);
        let wish = office.wants(&["place", "alice", "bob"]);
        let call = alice.is_called();
        alice.press(CallAction::Answer(call));
        assert_eq!(wish.outcome(), "target-declined", "{old}");
        alice.ends(call);
        assert!(!bob.was_called());
    }
}

/// Whoever waits for the outcome goes away: the telephone does not ring on.
#[test]
fn what_nobody_waits_for_rings_no_longer() {
    let office = Office::open("");
    let [mut alice, mut bob, _carol] = three(&office);
    let wish = office.wants(&["place", "alice", "bob"]);
    let call = alice.is_called();
    wish.press_ctrl_c();
    assert_eq!(alice.ends(call), Some(487));
    assert!(!bob.was_called());
}

#[test]
fn who_is_parked_is_retrieved_for_somebody() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] = three(&office);
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    bob.press(CallAction::Park { call, at: at("701") });
    is_taken_over(&mut alice);
    let wish = office.wants(&["retrieve", "701", "--by", "carol"]);
    let new = carol.is_handed_over();
    assert_eq!(wish.outcome(), "completed");
    carol.is_up(new);
    let taken = is_taken_over(&mut alice);
    alice.hears(taken, 880);
    assert!(office.parked().is_empty());
    // There is nobody there any more.
    assert_eq!(office.does(&["retrieve", "701", "--by", "bob"]), "not-found");
}

/// Whether a code is configured or not.
#[test]
fn what_rings_is_picked_up_for_somebody() {
    for codes in ["", "[codes]\npick_up = \"*8\"\n"] {
        let office = Office::open(codes);
        let [mut alice, mut bob, mut carol] = three(&office);
        if codes.is_empty() {
            // Nothing rings there yet: she is told so.
            let wish = office.wants(&["pick-up", "bob", "--by", "carol"]);
            let call = carol.is_called();
            carol.press(CallAction::Answer(call));
            assert_eq!(wish.outcome(), "target-no-answer");
            carol.ends(call);
        }
        let call = alice.dials(&at("bob"));
        let rings = bob.is_called();
        alice.tells("that it rings", |event| *event == CallEvent::Ringing(call));
        let wish = office.wants(&["pick-up", "bob", "--by", "carol"]);
        carol.is_handed_over();
        assert_eq!(wish.outcome(), "completed", "{codes}");
        assert_eq!(bob.ends(rings), Some(487));
        let taken = is_taken_over(&mut alice);
        alice.hears(taken, 880);
    }
}

/// A call is parked for somebody who knows nothing of it, where the operator wants or wherever there is room; and it is told.
#[test]
fn a_call_is_parked_by_an_operator() {
    let office = Office::open(PARK);
    let [mut alice, mut bob, mut carol] = three(&office);
    let mut eve = office.stranger("eve", 1200);
    let mut listener = office.listens();
    let [_, at_bob] = talk(&mut alice, &mut bob, &at("bob"));
    let call = office.calls().remove(0);
    assert!(office.does(&["park", "call", &call, "--slot", "703"]).contains("no park slot 703"));
    assert!(office.does(&["park", "call", "no-such-call"]).contains("no messages of this call"));
    assert_eq!(office.does(&["park", "call", &call, "--slot", "702", "--leaves", "bob"]), "completed in 702");
    bob.ends(at_bob);
    assert_eq!(office.parked(), [["702", "parked", &*at("alice"), &*at("bob")].map(str::to_owned)]);
    let told = listener.hears("parked");
    assert_eq!((&told["slot"], &told["who"]), (&"702".into(), &(&*at("alice")).into()), "{told}");
    assert_eq!(office.does(&["park", "call", &call, "--slot", "701", "--leaves", "bob"]), "already-ended");

    // Who calls from outside is let in, for bob is one of those whom the server serves.
    let [_, at_bob] = talk(&mut eve, &mut bob, &at("bob"));
    let call = office.calls().remove(0);
    assert_eq!(office.does(&["park", "call", &call, "--slot", "702"]), "target-busy");
    bob.hears(at_bob, 1200);
    assert_eq!(office.does(&["park", "call", &call]), "completed in 701");
    bob.ends(at_bob);

    let [_, third] = talk(&mut carol, &mut bob, &at("bob"));
    let call = office.calls().remove(0);
    assert_eq!(office.does(&["park", "call", &call, "--leaves", "bob"]), "target-busy");
    bob.hears(third, 880);
    let wish = office.wants(&["retrieve", "702", "--by", "carol"]);
    carol.press(CallAction::HangUp(third));
    carol.is_handed_over();
    assert_eq!(wish.outcome(), "completed");
    assert_eq!(listener.hears("retrieved")["slot"], "702");
}

/// Whom the park server does not serve has nobody parked there, and the call goes on.
#[test]
fn nobody_is_parked_for_those_whom_the_server_does_not_serve() {
    let office = Office::open(PARK);
    let mut mallory = office.phone("mallory", 440);
    let mut trent = office.phone("trent", 660);
    let [_, at_trent] = talk(&mut mallory, &mut trent, &at("trent"));
    let call = office.calls().remove(0);
    assert_eq!(
        office.does(&["park", "call", &call, "--slot", "701", "--leaves", "trent"]),
        "target-declined"
    );
    trent.hears(at_trent, 440);
    assert!(office.parked().is_empty());
}

/// Two calls of one user become one of the two others (RFC 5589 §7), who may be strangers to each other.
#[test]
fn a_call_is_handed_over_to_a_party_of_another() {
    let office = Office::open("");
    let [mut alice, mut bob, mut carol] = three(&office);
    let mut eve = office.stranger("eve", 1200);
    let [_, first] = talk(&mut eve, &mut bob, &at("bob"));
    let with_eve = office.calls().remove(0);
    let [second, at_carol] = talk(&mut bob, &mut carol, &at("carol"));
    let with_carol = office.calls().into_iter().find(|call| *call != with_eve).unwrap();
    let transfer = |words: &[&str]| {
        let words: Vec<&str> =
            ["transfer", &with_eve, "--to-call"].into_iter().chain(words.iter().copied()).collect();
        office.does(&words)
    };
    assert_eq!(transfer(&[&with_eve]), "refers-to-itself");
    assert!(transfer(&["no-such-call"]).contains("no messages of this call"));
    assert_eq!(transfer(&[&with_carol, "alice"]), "failed", "alice is in neither");
    bob.hears(first, 1200);
    assert_eq!(transfer(&[&with_carol]), "completed");
    // Both are over, in whatever order.
    let over = |event: &CallEvent| match event {
        CallEvent::Ended { call, .. } => [first, second].contains(call),
        _ => false,
    };
    for _ in [first, second] {
        bob.tells("an end", over);
    }
    let taken = is_taken_over(&mut carol);
    carol.hears(taken, 1200);
    carol.ends(at_carol);
    assert!(!alice.was_called());
    // Both are over now, and are handed over to nobody.
    assert_eq!(transfer(&[&with_carol]), "already-ended");
}

/// A third one joins a call (RFC 3911), by a telephone that is called for that; and only who may.
#[test]
fn a_user_joins_a_call() {
    let office = Office::open("");
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.friend(name, tone));
    let [_, at_bob] = talk(&mut alice, &mut bob, &at("bob"));
    let call = office.calls().remove(0);
    assert_eq!(office.does(&["join", &call, "--by", "mallory"]), "not-allowed");
    assert!(office.does(&["join", "no-such-call", "--by", "carol"]).contains("no messages of this call"));
    assert!(office.does(&["join", &call, "--by", "nobody"]).contains("there is no user nobody"));
    let wish = office.wants(&["join", &call, "--by", "carol"]);
    let new = carol.is_handed_over();
    assert_eq!(wish.outcome(), "completed");
    carol.is_up(new);
    let joined = |event: &CallEvent| matches!(event, CallEvent::Joined { .. });
    alice.tells("that she is joined", joined);
    bob.press(CallAction::HangUp(at_bob));
    alice.press(CallAction::HangUp(CallName::incoming(0)));
    carol.ends(new);
    assert_eq!(office.does(&["join", &call, "--by", "carol"]), "already-ended");
}
