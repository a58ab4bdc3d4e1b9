//! An operator ends a call: both sides get a BYE, as if the other had hung up.

use super::call;
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;

/// The operator ends the call of Alice and Bob.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, _] = people;
    stage.operates(switchboard, Operation::End);
    alice.is_alone();
    bob.is_alone();
    stage.operator_learns(Outcome::Completed);
    people
}

/// The same while it rings.
pub fn play_ringing(stage: &Stage) -> [Phone<'_>; 2] {
    use crate::rfc5359::scene::{ALICE, BOB, PROXY};
    let [alice, bob] = [ALICE, BOB].map(|person| super::by_proxy(stage, &person));
    let switchboard = stage.switchboard(&PROXY);
    alice.registers();
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    alice.hears_ringing();
    stage.operates(switchboard, Operation::End);
    stage.operator_learns(Outcome::Completed);
    alice.is_alone();
    bob.is_alone();
    [alice, bob]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.drawn(
            "
                alice  bob     proxy
                  |<-BYE---------|
                  |     |<-BYE---|
                  |--200-------->|
                  |     |--200-->|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn one_that_rings() {
        let stage = Stage::still();
        play_ringing(&stage);
        stage.drawn(
            "
                        alice  bob        proxy
                          |--INVITE-------->|
                          |     |<-INVITE---|
                          |     |--180----->|
                          |<-180------------|
                +1.01s    |     |<-CANCEL---|
                          |     |--200----->|
                          |     |--487----->|
                          |     |<-ACK------|
                          |<-487------------|
                          |--ACK----------->|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
