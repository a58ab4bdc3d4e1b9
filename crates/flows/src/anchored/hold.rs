//! An operator holds both sides of a call, and takes them off hold.

use super::call;
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;

/// The operator holds Alice and Bob.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let ([alice, bob, _], switchboard) = call(stage);
    stage.operates(switchboard, Operation::Hold);
    stage.operator_learns(Outcome::Completed);
    alice.is_held_by(bob, true);
    bob.is_held_by(alice, true);
    stage.turn_page();
    stage.operates(switchboard, Operation::Resume);
    stage.operator_learns(Outcome::Completed);
    [alice, bob]
}

/// Afterwards the two hold each other as ever, and hang up.
pub fn play_on(stage: &Stage) -> [Phone<'_>; 2] {
    let people = play(stage);
    let [alice, bob] = people;
    alice.is_held_by(bob, false);
    bob.is_held_by(alice, false);
    stage.turn_page();
    bob.holds(alice);
    bob.has_on_hold(alice);
    bob.resumes(alice);
    alice.is_held_by(bob, false);
    alice.holds(bob);
    alice.has_on_hold(bob);
    alice.hangs_up_on(bob);
    bob.is_alone();
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn both_are_off_hold_again() {
        let stage = Stage::still();
        let [alice, bob] = play(&stage);
        stage.drawn(
            "
                alice       bob        proxy
                  |<-INVITE--------------|
                  |--200---------------->|
                  |<-ACK-----------------|
                  |          |<-INVITE---|
                  |          |--200----->|
                  |          |<-ACK------|
                  |<=audio==>|           |
            ",
        );
        stage.talking([(alice, bob)]);
    }

    /// Each counts as if nobody had said anything in between, and nobody sees a gap.
    #[test]
    fn what_follows_fits() {
        let stage = Stage::still();
        play_on(&stage);
        stage.drawn(
            "
                alice       bob             proxy
                  |          |--INVITE hold-->|
                  |<-INVITE hold--------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |          |--INVITE------->|
                  |<-INVITE-------------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |<=audio==>|                |
                  |--INVITE hold------------->|
                  |          |<-INVITE hold---|
                  |          |--200---------->|
                  |<-200----------------------|
                  |--ACK--------------------->|
                  |          |<-ACK-----------|
                  |--BYE--------------------->|
                  |          |<-BYE-----------|
                  |          |--200---------->|
                  |<-200----------------------|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob] = play(&stage);
            stage.talking([(alice, bob)]);
        }
    }

    #[test]
    fn what_follows_fits_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_on(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play_on(&Stage::unbounded_storm(seed));
        }
    }
}
