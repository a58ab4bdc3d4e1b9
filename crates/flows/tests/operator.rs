//! The operator's telephone (RFC 5359 §2.18): two people are connected who did nothing but answer.

use cordboard_flows::rfc5359::scene::{ALICE, BOB, CAROL, PARK, with_server};
use cordboard_flows::{Manners, Person, Phone, Program, Stage, storm_seeds};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;
use cordboard_sip::Status;
use std::time::Duration;

const OPERATOR: Person = Person {
    name: "operator",
    user: "operator",
    service: Some(Program::Operator(None)),
    group: None,
    ..PARK
};

/// Alice is to talk with Bob.
fn wanted<'a>(stage: &'a Stage, alice: &Person) -> [Phone<'a>; 3] {
    let [alice, operator, bob] = [alice, &OPERATOR, &BOB].map(|person| stage.person(person));
    with_server(stage, &OPERATOR);
    stage.connects(operator, alice, bob);
    [alice, operator, bob]
}

/// Her telephone is called, and asked to call him.
fn connected(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, operator, bob] = wanted(stage, &ALICE);
    alice.answers(operator);
    alice.is_referred_to(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.operator_learns(Outcome::Completed);
    operator.is_alone();
    [alice, bob]
}

#[test]
fn a_telephone_is_called_and_handed_over() {
    let stage = Stage::still();
    let [alice, bob] = connected(&stage);
    stage.talking([(alice, bob)]);
    stage.drawn(
        "
            alice         operator  bob
              |<-INVITE-------|      |
              |--180--------->|      |
              |--200--------->|      |
              |<-ACK----------|      |
              |<-REFER bob----|      |
              |<====audio====>|      |
              |--202--------->|      |
              |--NOTIFY 100-->|      |
              |--INVITE------------->|
              |<-200----------|      |
              |<-180-----------------|
              |<-200-----------------|
              |--ACK---------------->|
              |--NOTIFY 200-->|      |
              |<=======audio========>|
              |<-200----------|      |
              |<-BYE----------|      |
              |--200--------->|      |
        ",
    );
}

#[test]
fn a_telephone_is_called_and_handed_over_in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [alice, bob] = connected(&stage);
        stage.talking([(alice, bob)]);
    }
    for seed in storm_seeds() {
        connected(&Stage::unbounded_storm(seed));
    }
}

/// A telephone that knows no REFER: its call is connected with another, and both end together.
fn bridged(stage: &Stage) -> [Phone<'_>; 3] {
    let old = Manners { lacks: &[Feature::Refer], ..Manners::USUAL };
    let [alice, operator, bob] = wanted(stage, &Person { manners: old, ..ALICE });
    alice.answers(operator);
    bob.answers(operator);
    stage.operator_learns(Outcome::Completed);
    [alice, operator, bob]
}

#[test]
fn who_cannot_be_referred_is_connected() {
    for seed in std::iter::once(0).chain(storm_seeds()) {
        let stage = if seed == 0 { Stage::still() } else { Stage::storm(seed) };
        let [alice, operator, bob] = bridged(&stage);
        assert!(alice.is_up_with(operator) && bob.is_up_with(operator), "{}", stage.ladder());
        alice.hangs_up();
        bob.is_alone();
        operator.is_alone();
    }
    for seed in storm_seeds() {
        bridged(&Stage::unbounded_storm(seed));
    }
}

/// Whoever is called first is busy, or does not answer, or declines: nobody else is called.
#[test]
fn without_the_first_nobody_is_called() {
    for (status, outcome) in [
        (Some(Status::BUSY_HERE), Outcome::Busy),
        (Some(Status::DECLINE), Outcome::Declined),
        (Some(Status::NOT_FOUND), Outcome::NotFound),
        (None, Outcome::NoAnswer),
    ] {
        let stage = Stage::still();
        let [alice, operator, bob] = [&ALICE, &OPERATOR, &BOB].map(|person| stage.person(person));
        with_server(&stage, &OPERATOR);
        if let Some(status) = status {
            alice.refuses_calls(status);
        }
        stage.connects(operator, alice, bob);
        stage.operator_learns(outcome);
        operator.is_alone();
        alice.is_alone();
        assert!(!bob.is_rung());
    }
}

/// Whoever is wanted is busy, or declines: the first is let go.
#[test]
fn without_the_second_the_first_is_let_go() {
    for old in [false, true] {
        for (status, outcome) in
            [(Status::BUSY_HERE, Outcome::TargetBusy), (Status::DECLINE, Outcome::TargetDeclined)]
        {
            let stage = Stage::still();
            let lacks: &[Feature] = if old { &[Feature::Refer] } else { &[] };
            let manners = Manners { lacks, ..Manners::USUAL };
            let [alice, operator, bob] =
                [&Person { manners, ..ALICE }, &OPERATOR, &BOB].map(|person| stage.person(person));
            with_server(&stage, &OPERATOR);
            bob.refuses_calls(status);
            stage.connects(operator, alice, bob);
            alice.answers(operator);
            stage.operator_learns(outcome);
            operator.is_alone();
            alice.is_alone();
        }
    }
}

/// Several at once do not get in each other's way.
#[test]
fn several_are_connected_at_once() {
    let stage = Stage::still();
    let [alice, operator, bob, carol] = [&ALICE, &OPERATOR, &BOB, &CAROL].map(|person| stage.person(person));
    with_server(&stage, &OPERATOR);
    stage.connects(operator, alice, bob);
    stage.connects(operator, carol, bob);
    alice.answers(operator);
    carol.answers(operator);
    bob.answers(alice);
    bob.answers(carol);
    for _ in 0..2 {
        stage.operator_learns(Outcome::Completed);
    }
    stage.passes(Duration::from_secs(1));
    operator.is_alone();
    assert!(alice.is_up_with(bob) && carol.is_up_with(bob), "{}", stage.ladder());
}

/// Nobody is connected with themselves.
#[test]
fn nobody_is_called_to_talk_with_themselves() {
    let stage = Stage::still();
    let [alice, operator] = [&ALICE, &OPERATOR].map(|person| stage.person(person));
    with_server(&stage, &OPERATOR);
    stage.connects(operator, alice, alice);
    stage.operator_learns(Outcome::RefersToItself);
    assert!(!alice.is_rung());
}
