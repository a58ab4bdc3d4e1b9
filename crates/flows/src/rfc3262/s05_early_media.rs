//! RFC 3262 §5 and RFC 3261 §13.3.1.1: Bob is heard before he answers. His answer to the offer is in a reliable 183, so
//! that the 200 has none.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use crate::{Phone, Stage};

/// Alice calls Bob through his proxy; he lets her hear him, and answers.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.lets_hear(alice);
    bob.answers(alice);
    alice.is_answered();
    bob.is_answered();
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
                alice      proxy2        bob
                  |--INVITE-->|           |
                  |           |--INVITE-->|
                  |           |<-180------|
                  |<-180------|           |
                  |           |<-183------|
                  |<-183------|           |
                  |--PRACK--->|           |
                  |           |--PRACK--->|
                  |           |<-200------|
                  |<-200------|           |
                  |           |<-200------|
                  |<-200------|           |
                  |--ACK----->|           |
                  |           |--ACK----->|
                  |<========audio========>|
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
