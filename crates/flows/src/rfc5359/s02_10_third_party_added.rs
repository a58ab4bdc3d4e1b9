//! RFC 5359 §2.10, 3-Way Conference - Third Party Is Added.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};

/// Alice calls Bob, who calls Carol into their call.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.confers_with(alice);
    bob.adds(carol, alice);
    carol.answers(bob);
    bob.is_answered();
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob, carol] = play(&stage);
        stage.talking([(alice, bob), (bob, carol)]);
        stage.drawn(
            "
                alice        bob        carol
                  |--INVITE-->|           |
                  |<-180------|           |
                  |<-200------|           |
                  |--ACK----->|           |
                  |<==audio==>|           |
                  |<-INVITE---|           |
                  |--200----->|           |
                  |<-ACK------|           |
                  |           |--INVITE-->|
                  |           |<-180------|
                  |           |<-200------|
                  |           |--ACK----->|
                  |           |<==audio==>|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.10");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, carol] = play(&stage);
            stage.talking([(alice, bob), (bob, carol)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
