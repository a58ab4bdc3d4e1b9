//! RFC 3262 §5: the INVITE leaves the offer to the other side. The 180 makes it, for Alice's telephone requires the 180 to
//! be reliable, and the PRACK answers it.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use crate::{Person, Phone, Stage};
use cordboard_service::settings::{Habits, Reliability};

/// Alice calls Bob through his proxy without an offer, and he answers.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let habits = Habits { reliable: Reliability::Required, ..Habits::USUAL };
    let alice = stage.person(&Person { habits, ..ALICE_BY_HERSELF });
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials_without_offer(bob);
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
