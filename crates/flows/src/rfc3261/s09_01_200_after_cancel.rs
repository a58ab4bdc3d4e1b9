//! RFC 3261 §9.1: the caller gives up at the moment at which the callee answers. The CANCEL comes too late, and the
//! 200 has to be acknowledged and ended by a BYE (§15).

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use crate::{Phone, Stage};

/// Alice gives up while Bob lifts his receiver.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    alice.hears_ringing();
    stage.at_once(|| {
        bob.answers(alice);
        alice.gives_up();
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
            alice      proxy2        bob
              |--INVITE-->|           |
              |           |--INVITE-->|
              |           |<-180------|
              |<-180------|           |
              |           |<-200------|
              |--CANCEL-->|           |
              |<-200------|           |
              |<-200------|           |
              |--ACK----->|           |
              |--BYE----->|           |
              |           |--ACK----->|
              |           |--BYE----->|
              |           |<-200------|
              |<-200------|           |
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
