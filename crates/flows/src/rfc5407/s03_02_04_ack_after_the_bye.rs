//! RFC 5407 §3.2.4: the BYE overtakes the ACK. The ACK comes to a session that is over, and does nothing.

use super::alice_and_bob;
use crate::{Phone, Stage};
use std::time::Duration;

/// Alice hangs up at once, and her ACK takes its time.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    stage.delay("ACK", alice, bob, Duration::from_millis(50));
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.passes(Duration::from_millis(10));
    stage.at_once(|| alice.hangs_up());
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
                alice        bob
                  |--INVITE-->|
                  |<-180------|
                  |<-200------|
                  |--ACK----->|
                  |--BYE----->|
                  |<-200------|
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
