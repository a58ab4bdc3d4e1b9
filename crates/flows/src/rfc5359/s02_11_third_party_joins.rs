//! RFC 5359 §2.11, 3-Way Conference - Third Party Joins.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, GROUP, without_servers};
use crate::{Person, Phone, Stage};

/// Alice calls Bob, and Carol, who is in his work group, joins them.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let bob = Person { group: Some(GROUP), ..BOB };
    let [alice, bob, carol] = [&ALICE, &bob, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    carol.joins(bob, alice);
    carol.is_answered();
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
                  |           |<-INVITE---|
                  |           |--401----->|
                  |           |<-ACK------|
                  |           |<-INVITE---|
                  |           |--180----->|
                  |<-INVITE---|           |
                  |--200----->|           |
                  |<-ACK------|           |
                  |           |--200----->|
                  |           |<-ACK------|
                  |           |<==audio==>|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.11");
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
