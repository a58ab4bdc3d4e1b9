//! RFC 5407 §3.1.1: the 180 is lost, and the INVITE that is sent again crosses the 200. It is a retransmission, not a
//! second call.

use super::alice_and_bob;
use crate::{Phone, Stage};
use std::time::Duration;

/// Bob answers at the moment at which Alice's telephone tries again.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    stage.lose("180", bob, alice);
    alice.dials(bob);
    bob.is_called_by(alice);
    stage.passes(Duration::from_millis(485));
    stage.at_once(|| bob.answers(alice));
    alice.is_answered();
    [alice, bob]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob] = play(&stage);
        stage.drawn(
            "
                        alice        bob
                          |--INVITE-->|
                          |x-180------|
                          |<-200------|
                R         |--INVITE-->|
                          |--ACK----->|
                          |<==audio==>|
            ",
        );
        stage.talking([(alice, bob)]);
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
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
