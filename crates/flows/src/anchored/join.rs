//! An operator has somebody join a call (RFC 3911): Carol's telephone is called, and asked to join Alice and Bob at his.

use super::by_proxy;
use crate::rfc5359::scene::{ALICE, BOB, CAROL, GROUP, PARK, PROXY};
use crate::{Domain, Manners, Person, Phone, Program, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;
use cordboard_sim::HostId;

/// Bob and Carol share a group.
const BOARD: Domain = Domain { grouped: &["bob", "carol"], ..PROXY };

const OPERATOR: Person = Person {
    name: "operator",
    user: "operator",
    service: Some(Program::Operator(Some(&BOARD))),
    group: None,
    ..PARK
};

/// Bob's telephone, whose calls his group may join.
const GROUPED_BOB: Person = Person { group: Some(GROUP), ..BOB };

const KNOWS_NO_JOIN: Manners = Manners { lacks: &[Feature::Join], ..Manners::USUAL };

/// Alice talks with Bob. Who they are, the operator's telephone, and the switchboard.
fn talking<'a>(stage: &'a Stage, bob: &Person, carol: &Person) -> ([Phone<'a>; 3], Phone<'a>, HostId) {
    let operator = stage.person(&OPERATOR);
    let [alice, bob] = [&ALICE, bob].map(|person| by_proxy(stage, person));
    let switchboard = stage.switchboard(&BOARD);
    let carol = by_proxy(stage, carol);
    stage.name(OPERATOR.domain, OPERATOR.address);
    for phone in [alice, bob, carol] {
        phone.registers();
    }
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.turn_page();
    ([alice, bob, carol], operator, switchboard)
}

/// Carol answers, and is in their call.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, operator, switchboard) = talking(stage, &GROUPED_BOB, &CAROL);
    let [_, bob, carol] = people;
    stage.has_join(operator, carol, stage.remembers(switchboard, 0));
    carol.answers(operator);
    carol.is_referred_to(bob);
    stage.operator_learns(Outcome::Completed);
    operator.is_alone();
    people
}

/// Alice and Bob hang up while Carol's telephone rings: there is nothing to join any more (RFC 3911 §4: 603), and she is alone.
pub fn play_ended(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, operator, switchboard) = talking(stage, &GROUPED_BOB, &CAROL);
    let [alice, bob, carol] = people;
    stage.has_join(operator, carol, stage.remembers(switchboard, 0));
    carol.is_called_by(operator);
    alice.hangs_up_on(bob);
    bob.is_alone();
    carol.answers(operator);
    stage.operator_learns(Outcome::TargetDeclined);
    for phone in people {
        phone.is_alone();
    }
    people
}

/// No telephone in the call knows Join: nobody is called. What the operator is told.
pub fn play_unknown(stage: &Stage) -> ([Phone<'_>; 3], Box<str>) {
    let (people, operator, switchboard) =
        talking(stage, &Person { manners: KNOWS_NO_JOIN, ..GROUPED_BOB }, &CAROL);
    stage.has_join(operator, people[2], stage.remembers(switchboard, 0));
    (people, stage.operator_learns(Outcome::Failed))
}

/// Carol's telephone knows no Join: it is called, and let go.
pub fn play_unable(stage: &Stage) -> ([Phone<'_>; 3], Box<str>) {
    let (people, operator, switchboard) =
        talking(stage, &GROUPED_BOB, &Person { manners: KNOWS_NO_JOIN, ..CAROL });
    let [_, _, carol] = people;
    stage.has_join(operator, carol, stage.remembers(switchboard, 0));
    carol.answers(operator);
    let says = stage.operator_learns(Outcome::Failed);
    carol.is_alone();
    (people, says)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob, carol] = play(&stage);
        stage.drawn(
            "
                operator  alice  bob        proxy           carol
                    |--INVITE---------------->|               |
                    |       |     |           |--INVITE------>|
                    |       |     |           |<-180----------|
                    |<-180--------------------|               |
                    |       |     |           |<-200----------|
                    |<-200--------------------|               |
                    |--ACK------------------->|               |
                    |--OPTIONS--------------->|               |
                    |       |     |           |--ACK--------->|
                    |       |     |           |--OPTIONS----->|
                    |<=================audio=================>|
                    |       |     |           |<-200----------|
                    |<-200--------------------|               |
                    |--REFER bob------------->|               |
                    |       |     |           |--REFER bob--->|
                    |       |     |           |<-202----------|
                    |       |     |           |<-NOTIFY 100---|
                    |       |     |           |<-INVITE-------|
                    |<-202--------------------|               |
                    |<-NOTIFY 100-------------|               |
                    |       |     |<-INVITE---|               |
                    |--200------------------->|               |
                    |       |     |--401----->|               |
                    |       |     |           |--200--------->|
                    |       |     |<-ACK------|               |
                    |       |     |           |--401--------->|
                    |       |     |           |<-ACK----------|
                    |       |     |           |<-INVITE-------|
                    |       |     |<-INVITE---|               |
                    |       |     |--180----->|               |
                    |       |     |--INVITE-->|               |
                    |       |     |           |--180--------->|
                    |       |<-INVITE---------|               |
                    |       |--200----------->|               |
                    |       |     |<-200------|               |
                    |       |     |--200----->|               |
                    |       |     |--ACK----->|               |
                    |       |     |           |--200--------->|
                    |       |<-ACK------------|               |
                    |       |     |           |<-ACK----------|
                    |       |     |           |<-NOTIFY 200---|
                    |       |     |<-ACK------|               |
                    |<-NOTIFY 200-------------|               |
                    |       |     |<==========audio==========>|
                    |--200------------------->|               |
                    |--BYE------------------->|               |
                    |       |     |           |--200--------->|
                    |       |     |           |--BYE--------->|
                    |       |     |           |<-200----------|
                    |<-200--------------------|               |
            ",
        );
        stage.talking([(alice, bob), (bob, carol)]);
    }

    #[test]
    fn a_call_that_is_over_by_then() {
        let stage = Stage::still();
        play_ended(&stage);
        stage.drawn(
            "
                operator  alice  bob        proxy           carol
                    |--INVITE---------------->|               |
                    |       |     |           |--INVITE------>|
                    |       |     |           |<-180----------|
                    |<-180--------------------|               |
                    |       |--BYE----------->|               |
                    |       |     |<-BYE------|               |
                    |       |     |--200----->|               |
                    |       |<-200------------|               |
                    |       |     |           |<-200----------|
                    |<-200--------------------|               |
                    |--ACK------------------->|               |
                    |--OPTIONS--------------->|               |
                    |       |     |           |--ACK--------->|
                    |       |     |           |--OPTIONS----->|
                    |<=================audio=================>|
                    |       |     |           |<-200----------|
                    |<-200--------------------|               |
                    |--REFER bob------------->|               |
                    |       |     |           |--REFER bob--->|
                    |       |     |           |<-202----------|
                    |       |     |           |<-NOTIFY 100---|
                    |       |     |           |<-INVITE-------|
                    |<-202--------------------|               |
                    |<-NOTIFY 100-------------|               |
                    |       |     |<-INVITE---|               |
                    |--200------------------->|               |
                    |       |     |--603----->|               |
                    |       |     |           |--200--------->|
                    |       |     |<-ACK------|               |
                    |       |     |           |--603--------->|
                    |       |     |           |<-ACK----------|
                    |       |     |           |<-NOTIFY 603---|
                    |<-NOTIFY 603-------------|               |
                    |--200------------------->|               |
                    |--BYE------------------->|               |
                    |       |     |           |--200--------->|
                    |       |     |           |--BYE--------->|
                    |       |     |           |<-200----------|
                    |       |     |           |<-INVITE-------|
                    |<-200--------------------|               |
                    |       |     |           |--404--------->|
                    |       |     |           |<-ACK----------|
            ",
        );
        stage.talking([]);
    }

    /// It is said what to do instead, and everybody is as they were.
    #[test]
    fn where_no_telephone_knows_join() {
        let stage = Stage::still();
        let ([alice, bob, carol], says) = play_unknown(&stage);
        assert!(says.contains("no telephone in this call knows Join"), "{says}");
        assert!(says.contains("conference room"), "{says}");
        assert!(!carol.is_rung());
        stage.drawn("");
        stage.talking([(alice, bob)]);
    }

    #[test]
    fn by_a_telephone_that_knows_no_join() {
        let stage = Stage::still();
        let ([alice, bob, _], says) = play_unable(&stage);
        assert!(says.contains("does not know Join"), "{says}");
        assert!(says.contains("conference room"), "{says}");
        stage.drawn(
            "
                operator       proxy        carol
                    |--INVITE--->|            |
                    |            |--INVITE--->|
                    |            |<-180-------|
                    |<-180-------|            |
                    |            |<-200-------|
                    |<-200-------|            |
                    |--ACK------>|            |
                    |--OPTIONS-->|            |
                    |            |--ACK------>|
                    |            |--OPTIONS-->|
                    |<=========audio=========>|
                    |            |<-200-------|
                    |<-200-------|            |
                    |--BYE------>|            |
                    |            |--BYE------>|
                    |            |<-200-------|
                    |<-200-------|            |
            ",
        );
        stage.talking([(alice, bob)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, carol] = play(&stage);
            stage.talking([(alice, bob), (bob, carol)]);
        }
    }

    #[test]
    fn what_does_not_come_about_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_ended(&stage);
            stage.talking([]);
            for play in [play_unknown, play_unable] {
                let stage = Stage::storm(seed);
                let ([alice, bob, _], _) = play(&stage);
                stage.talking([(alice, bob)]);
            }
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
            play_unable(&Stage::unbounded_storm(seed));
        }
    }
}
