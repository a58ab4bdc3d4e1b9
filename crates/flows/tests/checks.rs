//! The checks checked: a planted bug turns them red, a loss that was asked for happens, and a seed replays.

use cordboard_flows::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use cordboard_flows::rfc3665::{
    s03_01_session_establishment as direct, s03_02_through_two_proxies as two_proxies,
};
use cordboard_flows::{Stage, storm_seeds};
use cordboard_sim::Fault;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a play is told when it fails; nothing if it does not.
fn failure(play: impl FnOnce()) -> Option<String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(play));
    std::panic::set_hook(hook);
    outcome.err().map(|payload| payload.downcast_ref::<String>().cloned().unwrap_or_default())
}

/// Alice calls Bob directly, and Bob hangs up. One agent has a bug: Alice's if it is about the BYE, else Bob's.
fn call_with(stage: &Stage, deaf_to: Option<&str>) {
    let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    if let Some(word) = deaf_to {
        let host = if word == "BYE" { alice.into() } else { bob.into() };
        stage.fault(Fault::Deaf { host, word: word.into() });
    }
    alice.dials(bob);
    bob.answers(alice);
    bob.hangs_up();
    alice.is_alone();
}

#[test]
fn the_same_seed_plays_the_same_run_byte_for_byte() {
    let transcript = |seed| {
        let stage = Stage::storm(seed);
        two_proxies::play(&stage);
        stage.end().expect("the play ends well");
        stage.transcript()
    };
    let first = transcript(7);
    assert!(first.contains("INVITE sip:bob@biloxi.example.com SIP/2.0"));
    assert_eq!(first, transcript(7));
    assert_ne!(first, transcript(8));
}

#[test]
fn an_agent_that_drops_one_kind_of_message_turns_the_drawing_red() {
    let difference = |deaf_to| {
        let stage = std::mem::ManuallyDrop::new(Stage::still());
        call_with(&stage, deaf_to);
        stage.differs_from(
            "
                alice        bob
                  |--INVITE-->|
                  |<-180------|
                  |<-200------|
                  |--ACK----->|
                  |<==audio==>|
                  |<-BYE------|
                  |--200----->|
            ",
        )
    };
    assert_eq!(difference(None), None);
    for word in ["INVITE", "ACK", "BYE"] {
        let told =
            difference(Some(word)).unwrap_or_else(|| panic!("nobody noticed a telephone deaf to {word}"));
        assert!(told.contains("could not be done") && told.contains("the ladder differs"), "{word}: {told}");
    }
}

#[test]
fn an_agent_that_drops_one_kind_of_message_is_left_behind() {
    for word in ["INVITE", "ACK", "BYE"] {
        let stage = std::mem::ManuallyDrop::new(Stage::still());
        call_with(&stage, Some(word));
        let told = stage.end().expect_err("a play that stopped does not end well");
        assert!(told.contains("could not be done") && told.contains("seed 0"), "{word}: {told}");
    }
}

#[test]
fn an_agent_that_drops_one_kind_of_message_turns_the_storm_red() {
    for word in ["INVITE", "ACK", "BYE"] {
        let red = (1..=5).filter(|seed| {
            failure(|| {
                let stage = Stage::storm(*seed);
                call_with(&stage, Some(word));
                stage.talking([]);
            })
            .is_some()
        });
        assert_eq!(red.count(), 5, "{word}");
    }
}

#[test]
fn a_call_that_one_side_forgets_is_not_called_talking() {
    let told = failure(|| {
        let stage = Stage::still();
        let [alice, bob] = direct::play(&stage);
        stage.talking([(alice, bob)]);
    });
    assert!(told.is_some_and(|told| told.contains("wanted talking: alice with bob; are: nobody")));
}

#[test]
fn nobody_talks_on_hold() {
    let stage = Stage::still();
    let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    alice.dials(bob);
    bob.answers(alice);
    stage.talking([(alice, bob)]);
    stage.turn_page();
    alice.holds(bob);
    bob.is_held_by(alice, true);
    stage.talking([]);
    alice.resumes(bob);
    bob.is_held_by(alice, false);
    stage.drawn(
        "
        alice             bob
          |--INVITE hold-->|
          |<-200-----------|
          |--ACK---------->|
          |--INVITE------->|
          |<-200-----------|
          |--ACK---------->|
          |<====audio=====>|
    ",
    );
    stage.talking([(alice, bob)]);
}

#[test]
fn a_loss_that_is_asked_for_is_drawn_and_made_good() {
    let stage = Stage::still();
    let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    stage.lose("200", bob, alice);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.drawn(
        "
                alice        bob
                  |--INVITE-->|
                  |<-180------|
                  |x-200------|
        R +0.5s   |<-200------|
                  |--ACK----->|
                  |<==audio==>|
    ",
    );
    stage.talking([(alice, bob)]);
}

#[test]
fn a_loss_that_never_happens_is_told() {
    let told = failure(|| {
        let stage = Stage::still();
        let [alice, bob] = direct::play(&stage);
        stage.lose("486", bob, alice);
    });
    assert!(told.is_some_and(|told| told.contains("`486` should have been lost")));
}

#[test]
fn storms_differ_in_what_they_lose() {
    let lost = |seed| {
        let stage = Stage::storm(seed);
        two_proxies::play(&stage);
        stage.end().expect("the play ends well");
        stage.transcript().lines().filter(|line| line.ends_with(" lost")).count()
    };
    let losses: Vec<usize> = storm_seeds().take(20).map(lost).collect();
    assert!(losses.iter().any(|lost| *lost > 3), "{losses:?}");
    assert!(losses.iter().any(|lost| *lost != losses[0]), "{losses:?}");
}
