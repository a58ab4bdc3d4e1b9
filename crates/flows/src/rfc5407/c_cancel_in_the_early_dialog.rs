//! RFC 5407 appendix C: a CANCEL that comes before the 200 has the INVITE answered 487. The one that comes after it is
//! §3.1.2.

use super::alice_and_bob;
use crate::{Phone, Stage};

/// Alice gives up while it rings at Bob's.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    alice.dials(bob);
    alice.gives_up();
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
                  |--CANCEL-->|
                  |<-200------|
                  |<-487------|
                  |--ACK----->|
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
