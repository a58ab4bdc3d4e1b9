//! RFC 3311 §8: caller and callee change the session by UPDATE before the call is answered. Neither the 200 nor the ACK
//! describes it again.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Phone, Stage};

/// Bob lets Alice hear him; they hold each other, and then he answers.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    alice.dials(bob);
    bob.lets_hear(alice);
    alice.holds_early(bob);
    alice.has_on_hold(bob);
    bob.holds_early(alice);
    bob.has_on_hold(alice);
    bob.answers(alice);
    alice.is_answered();
    alice.is_held_by(bob, true);
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
                  |<-183-----------|
                  |--PRACK-------->|
                  |<-200-----------|
                  |--UPDATE hold-->|
                  |<-200-----------|
                  |<-UPDATE hold---|
                  |--200---------->|
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
