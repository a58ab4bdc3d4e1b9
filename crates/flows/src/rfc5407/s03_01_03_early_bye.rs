//! RFC 5407 §3.1.3: a BYE in the early dialog crosses the 200. The 200 is acknowledged, and no session begins.

use super::alice_and_bob;
use crate::{Phone, Stage};

/// Alice gives up by BYE while Bob lifts his receiver.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    alice.dials(bob);
    alice.hears_ringing();
    stage.at_once(|| {
        bob.answers(alice);
        alice.gives_up_by_bye();
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
                  |<-200------|
                  |--BYE----->|
                  |--ACK----->|
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
