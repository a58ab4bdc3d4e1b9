//! RFC 5359 §2.6, Transfer - Instant Messaging.
//!
//! The RFC's own link has its tags swapped: that one is answered 481, and the words say so.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Alice calls Bob, who sends Carol a link, by which she takes the call.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.transfers_by_message(alice, carol);
    carol.follows_link();
    bob.learns(Outcome::Completed);
    bob.is_alone();
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, carol] = play(&stage);
        stage.talking([(alice, carol)]);
        stage.drawn(
            "
                alice        bob         carol
                  |--INVITE-->|            |
                  |<-180------|            |
                  |<-200------|            |
                  |--ACK----->|            |
                  |<==audio==>|            |
                  |           |--MESSAGE-->|
                  |           |<-200-------|
                  |<-INVITE----------------|
                  |--200------------------>|
                  |<-ACK-------------------|
                  |<========audio=========>|
                  |--BYE----->|            |
                  |<-200------|            |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.6");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, carol] = play(&stage);
            stage.talking([(alice, carol)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
