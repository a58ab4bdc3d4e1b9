//! RFC 3665 §3.1, Successful Session Establishment.
//!
//! Without a proxy: Alice finds Bob's telephone by the name of his domain.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Phone, Stage};

/// Alice calls Bob, and Bob hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    alice.dials(bob);
    bob.answers(alice);
    bob.hangs_up();
    alice.is_alone();
    [alice, bob]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc3665::agrees;
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
              |<==audio==>|
              |<-BYE------|
              |--200----->|
        ",
        );
        agrees(&stage, "3.1");
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
