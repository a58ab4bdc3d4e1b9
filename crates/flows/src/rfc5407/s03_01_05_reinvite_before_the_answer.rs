//! RFC 5407 §3.1.5: the ACK is lost that brings the answer to a delayed offer, and a re-INVITE with an offer comes
//! before it is sent again. Bob's own offer is open, so the re-INVITE is refused with 491, and tried again.

use super::alice_and_bob;
use crate::{Phone, Stage};
use std::time::Duration;

/// Alice calls without an offer, and holds Bob before he has her answer.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    stage.lose("ACK", alice, bob);
    alice.dials_without_offer(bob);
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
                          |<-491-----------|
                R         |--ACK---------->|
                          |--ACK---------->|
                          |<====audio=====>|
                +2.935s   |--INVITE hold-->|
                          |<-200-----------|
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
