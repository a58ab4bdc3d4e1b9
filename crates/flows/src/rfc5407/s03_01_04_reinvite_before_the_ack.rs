//! RFC 5407 §3.1.4: the ACK is lost, and a re-INVITE comes before it is sent again. Whoever sends that has the 200, so
//! it is as good as the ACK, and answered.

use super::alice_and_bob;
use crate::{Phone, Stage};
use std::time::Duration;

/// Alice holds Bob at once, and Bob's telephone does not know yet that she heard his answer.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    stage.lose("ACK", alice, bob);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.passes(Duration::from_millis(485));
    stage.at_once(|| alice.holds(bob));
    alice.has_changed(bob);
    bob.is_held_by(alice, true);
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
                        alice             bob
                          |--INVITE------->|
                          |<-180-----------|
                          |<-200-----------|
                          |--ACK----------x|
                          |--INVITE hold-->|
                R         |<-200-----------|
                          |<-200-----------|
                R         |--ACK---------->|
                          |--ACK---------->|
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
