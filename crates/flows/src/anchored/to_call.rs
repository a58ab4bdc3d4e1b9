//! An operator makes two calls of one user one of the two others (RFC 5589 §7): Carol is asked in Bob's name to take over his
//! call with Alice.

use super::{by_proxy, call};
use crate::rfc5359::scene::{ALICE, BOB, CAROL, PROXY};
use crate::{Manners, Person, Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;
use cordboard_service::settings::Feature;
use cordboard_sim::HostId;

/// Bob leaves the call that he made last; Carol gets the other.
fn hand_over(stage: &Stage, switchboard: HostId) {
    let call = stage.remembers(switchboard, 0);
    let operation = Operation::TransferToCall { leaves: Some("bob".into()), call, whom: None };
    stage.operates(switchboard, operation);
}

/// Bob, who talks with Alice, calls Carol.
fn consulted<'a>(stage: &'a Stage, [alice, bob, carol]: [Phone<'a>; 3]) {
    bob.holds(alice);
    bob.has_on_hold(alice);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    stage.turn_page();
}

/// Alice and Carol have each other.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [_, bob, _] = people;
    consulted(stage, people);
    hand_over(stage, switchboard);
    stage.operator_learns(Outcome::Completed);
    bob.is_alone();
    people
}

/// Alice hangs up before: the operator is told so, and Bob goes on talking with Carol.
pub fn play_ended(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, _] = people;
    consulted(stage, people);
    alice.hangs_up_on(bob);
    alice.is_alone();
    stage.turn_page();
    hand_over(stage, switchboard);
    stage.operator_learns(Outcome::AlreadyEnded);
    people
}

/// Carol's telephone knows no REFER: both calls stay as they were.
pub fn play_refused(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob] = [ALICE, BOB].map(|person| by_proxy(stage, &person));
    let switchboard = stage.switchboard(&PROXY);
    let old = Manners { lacks: &[Feature::Refer], ..Manners::USUAL };
    let carol = by_proxy(stage, &Person { manners: old, ..CAROL });
    for phone in [alice, bob, carol] {
        phone.registers();
    }
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    consulted(stage, [alice, bob, carol]);
    hand_over(stage, switchboard);
    stage.operator_learns(Outcome::Refused);
    bob.resumes(alice);
    alice.is_held_by(bob, false);
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, carol] = play(&stage);
        stage.drawn(
            "
                alice  bob     proxy            carol
                  |     |        |--REFER alice-->|
                  |     |        |<-202-----------|
                  |     |        |<-NOTIFY 100----|
                  |     |        |<-INVITE--------|
                  |     |        |--200---------->|
                  |<-INVITE------|                |
                  |--200-------->|                |
                  |     |        |--200---------->|
                  |     |        |<-ACK-----------|
                  |     |        |<-NOTIFY 200----|
                  |<-ACK---------|                |
                  |     |<-BYE---|                |
                  |     |        |--BYE---------->|
                  |     |        |--200---------->|
                  |<============audio============>|
                  |     |--200-->|                |
                  |     |        |<-200-----------|
                  |--BYE-------->|                |
                  |     |<-BYE---|                |
                  |     |--200-->|                |
                  |<-200---------|                |
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn to_a_call_that_is_over() {
        let stage = Stage::still();
        let [_, bob, carol] = play_ended(&stage);
        stage.drawn("");
        stage.talking([(bob, carol)]);
    }

    #[test]
    fn by_a_telephone_that_knows_no_refer() {
        let stage = Stage::still();
        let [alice, bob, carol] = play_refused(&stage);
        stage.drawn(
            "
                alice       bob        proxy            carol
                  |          |           |--REFER alice-->|
                  |          |           |<-501-----------|
                  |          |--INVITE-->|                |
                  |<-INVITE--------------|                |
                  |--200---------------->|                |
                  |          |<-200------|                |
                  |          |--ACK----->|                |
                  |<-ACK-----------------|                |
                  |<=audio==>|           |                |
            ",
        );
        stage.talking([(alice, bob), (bob, carol)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, carol] = play(&stage);
            stage.talking([(alice, carol)]);
        }
    }

    #[test]
    fn what_does_not_come_about_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [_, bob, carol] = play_ended(&stage);
            stage.talking([(bob, carol)]);
            let stage = Stage::storm(seed);
            let [alice, bob, carol] = play_refused(&stage);
            stage.talking([(alice, bob), (bob, carol)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
