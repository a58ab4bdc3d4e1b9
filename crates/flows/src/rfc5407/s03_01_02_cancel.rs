//! RFC 5407 §3.1.2: the CANCEL crosses the 200. It is answered 200 and does nothing; the call is up, and ended by a BYE.

use super::alice_and_bob;
use crate::{Phone, Stage};

/// Alice gives up while Bob lifts his receiver.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    alice.dials(bob);
    alice.hears_ringing();
    stage.at_once(|| {
        alice.gives_up();
        bob.answers(alice);
    });
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
