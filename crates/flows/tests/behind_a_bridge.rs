//! Whoever is behind a bridge is handed over (RFC 5589 §6, §7; RFC 3725): Alice and Bob have been connected by an operator's
//! telephone, because hers knows no REFER, and one of them wants the other to have Carol.

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

/// Alice and Bob have each other through the operator's telephone.
fn connected(stage: &Stage) -> [Phone<'_>; 4] {
    let old = Person { manners: Manners { lacks: &[Feature::Refer], ..Manners::USUAL }, ..ALICE };
    let [alice, operator, bob, carol] = [&old, &OPERATOR, &BOB, &CAROL].map(|person| stage.person(person));
    with_server(stage, &OPERATOR);
    stage.connects(operator, alice, bob);
    alice.answers(operator);
    bob.answers(operator);
    stage.operator_learns(Outcome::Completed);
    stage.turn_page();
    [alice, operator, bob, carol]
}

/// Alice's telephone cannot be asked: Carol is called for her.
fn she_is_connected(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, operator, bob, carol] = connected(stage);
    bob.transfers(operator, carol);
    carol.answers(operator);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    [alice, operator, bob, carol]
}

/// Bob's can, and calls Carol itself.
fn he_is_asked(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, operator, bob, carol] = connected(stage);
    alice.transfers(operator, carol);
    bob.is_referred_to(carol);
    carol.answers(bob);
    bob.is_answered();
    alice.learns(Outcome::Completed);
    alice.is_alone();
    operator.is_alone();
    [alice, operator, bob, carol]
}

/// Bob has talked with Carol, and Alice takes his place there.
fn she_takes_his_place(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, operator, bob, carol] = connected(stage);
    bob.holds(operator);
    bob.has_on_hold(operator);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    stage.turn_page();
    bob.transfers_to(operator, carol);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    [alice, operator, bob, carol]
}

/// The same the other way round, by a REFER to Bob.
fn he_takes_her_place(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, operator, bob, carol] = connected(stage);
    alice.dials(carol);
    carol.answers(alice);
    alice.is_answered();
    stage.turn_page();
    alice.transfers_to(operator, carol);
    bob.is_referred_to(carol);
    alice.learns(Outcome::Completed);
    alice.is_alone();
    operator.is_alone();
    [alice, operator, bob, carol]
}

/// Both calls that are left are with the operator's telephone, and end together.
#[track_caller]
fn have_each_other([alice, operator, carol]: [Phone<'_>; 3], stage: &Stage) {
    assert!(alice.is_up_with(operator) && carol.is_up_with(operator), "{}", stage.ladder());
    carol.hangs_up();
    alice.is_alone();
    operator.is_alone();
}

#[test]
fn who_knows_no_refer_is_connected() {
    let stage = Stage::still();
    let [alice, operator, _, carol] = she_is_connected(&stage);
    stage.drawn(
        "
        alice     operator            bob  carol
          |           |<-REFER carol---|     |
          |           |--202---------->|     |
          |           |--NOTIFY 100--->|     |
          |           |--INVITE------------->|
          |           |<-200-----------|     |
          |           |<-180-----------------|
          |           |<-200-----------------|
          |           |--ACK---------------->|
          |<-INVITE---|                |     |
          |           |<=======audio========>|
          |--200----->|                |     |
          |           |--INVITE------------->|
          |           |<-200-----------------|
          |           |--ACK---------------->|
          |<-ACK------|                |     |
          |           |--NOTIFY 200--->|     |
          |           |<=======audio========>|
          |<==audio==>|                |     |
          |           |<-200-----------|     |
          |           |<-BYE-----------|     |
          |           |--200---------->|     |
    ",
    );
    have_each_other([alice, operator, carol], &stage);
}

#[test]
fn who_knows_refer_is_asked() {
    let stage = Stage::still();
    let [_, _, bob, carol] = he_is_asked(&stage);
    stage.talking([(bob, carol)]);
    stage.drawn(
        "
        alice          operator            bob        carol
          |--REFER carol-->|                |           |
          |<-202-----------|                |           |
          |<-NOTIFY 100----|                |           |
          |                |--REFER carol-->|           |
          |--200---------->|                |           |
          |                |<-202-----------|           |
          |                |<-NOTIFY 100----|           |
          |                |                |--INVITE-->|
          |                |--200---------->|           |
          |                |                |<-180------|
          |                |                |<-200------|
          |                |                |--ACK----->|
          |                |<-NOTIFY 200----|           |
          |                |                |<==audio==>|
          |                |--200---------->|           |
          |<-NOTIFY 200----|                |           |
          |--200---------->|                |           |
          |--BYE---------->|                |           |
          |<-200-----------|                |           |
          |                |--BYE---------->|           |
          |                |<-200-----------|           |
    ",
    );
}

#[test]
fn who_knows_no_refer_is_connected_where_somebody_consulted() {
    let stage = Stage::still();
    let [alice, operator, _, carol] = she_takes_his_place(&stage);
    stage.drawn(
        "
        alice     operator            bob     carol
          |           |<-REFER carol---|        |
          |           |--202---------->|        |
          |           |--NOTIFY 100--->|        |
          |           |--INVITE---------------->|
          |           |<-200-----------|        |
          |           |<-200--------------------|
          |           |--ACK------------------->|
          |<-INVITE---|                |        |
          |           |<=========audio=========>|
          |           |                |<-BYE---|
          |--200----->|                |        |
          |           |                |--200-->|
          |           |--INVITE---------------->|
          |           |<-200--------------------|
          |           |--ACK------------------->|
          |<-ACK------|                |        |
          |           |--NOTIFY 200--->|        |
          |           |<=========audio=========>|
          |<==audio==>|                |        |
          |           |<-200-----------|        |
          |           |<-BYE-----------|        |
          |           |--200---------->|        |
    ",
    );
    have_each_other([alice, operator, carol], &stage);
}

#[test]
fn who_knows_refer_takes_the_place_of_who_consulted() {
    let stage = Stage::still();
    let [_, _, bob, carol] = he_takes_her_place(&stage);
    stage.talking([(bob, carol)]);
    stage.drawn(
        "
        alice          operator            bob        carol
          |--REFER carol-->|                |           |
          |<-202-----------|                |           |
          |<-NOTIFY 100----|                |           |
          |                |--REFER carol-->|           |
          |--200---------->|                |           |
          |                |<-202-----------|           |
          |                |<-NOTIFY 100----|           |
          |                |                |--INVITE-->|
          |                |--200---------->|           |
          |                |                |<-200------|
          |                |                |--ACK----->|
          |                |<-NOTIFY 200----|           |
          |                |                |<==audio==>|
          |<-BYE----------------------------------------|
          |                |--200---------->|           |
          |<-NOTIFY 200----|                |           |
          |--200--------------------------------------->|
          |--200---------->|                |           |
          |--BYE---------->|                |           |
          |<-200-----------|                |           |
          |                |--BYE---------->|           |
          |                |<-200-----------|           |
    ",
    );
}

#[test]
fn a_target_that_is_busy_has_nobody() {
    let stage = Stage::still();
    let [alice, operator, bob, carol] = connected(&stage);
    carol.refuses_calls(Status::BUSY_HERE);
    bob.transfers(operator, carol);
    bob.learns(Outcome::TargetBusy);
    stage.drawn(
        "
        operator            bob  carol
            |<-REFER carol---|     |
            |--202---------->|     |
            |--NOTIFY 100--->|     |
            |--INVITE------------->|
            |<-200-----------|     |
            |<-486-----------------|
            |--ACK---------------->|
            |--NOTIFY 486--->|     |
            |<-200-----------|     |
    ",
    );
    stage.passes(Duration::from_secs(10));
    have_each_other([alice, operator, bob], &stage);
}

#[test]
fn a_target_that_does_not_answer_has_nobody() {
    for asks in [false, true] {
        let stage = Stage::still();
        let [alice, operator, bob, carol] = connected(&stage);
        let asker = if asks { alice } else { bob };
        asker.transfers(operator, carol);
        stage.passes(Duration::from_mins(4));
        asker.learns(Outcome::TargetNoAnswer);
        carol.is_alone();
        stage.passes(Duration::from_secs(10));
        have_each_other([alice, operator, bob], &stage);
    }
}

/// Whoever is handed over hangs up while Carol's telephone rings.
#[test]
fn who_leaves_in_between_leaves_nobody_behind() {
    let stage = Stage::still();
    let [alice, operator, bob, carol] = connected(&stage);
    bob.transfers(operator, carol);
    carol.is_called_by(operator);
    alice.hangs_up();
    bob.is_alone();
    carol.is_alone();
    operator.is_alone();
    stage.drawn(
        "
        alice  operator            bob  carol
          |        |<-REFER carol---|     |
          |        |--202---------->|     |
          |        |--NOTIFY 100--->|     |
          |        |--INVITE------------->|
          |        |<-200-----------|     |
          |        |<-180-----------------|
          |--BYE-->|                |     |
          |<-200---|                |     |
          |        |--CANCEL------------->|
          |        |--BYE---------->|     |
          |        |<-200-----------------|
          |        |<-487-----------------|
          |        |<-200-----------|     |
          |        |--ACK---------------->|
          |        |--NOTIFY 487--->|     |
          |        |<-200-----------|     |
    ",
    );
}

#[test]
fn in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [alice, operator, _, carol] = she_is_connected(&stage);
        stage.passes(Duration::from_mins(1));
        have_each_other([alice, operator, carol], &stage);
        let stage = Stage::storm(seed);
        let [alice, operator, _, carol] = she_takes_his_place(&stage);
        stage.passes(Duration::from_mins(1));
        have_each_other([alice, operator, carol], &stage);
        for play in [he_is_asked, he_takes_her_place] {
            let stage = Stage::storm(seed);
            let [_, _, bob, carol] = play(&stage);
            stage.talking([(bob, carol)]);
        }
    }
}

#[test]
fn in_an_unbounded_storm() {
    for seed in storm_seeds() {
        for play in [she_is_connected, he_is_asked, she_takes_his_place, he_takes_her_place] {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
