//! RFC 5359 §2.5, Transfer - Attended.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Alice calls Bob, who asks Carol and hands Alice over to her.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.dials(carol);
    carol.answers(bob);
    bob.holds(carol);
    carol.is_held_by(bob, true);
    bob.has_changed(carol);
    bob.transfers_to(alice, carol);
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
                alice             bob             carol
                  |--INVITE------->|                |
                  |<-180-----------|                |
                  |<-200-----------|                |
                  |--ACK---------->|                |
                  |<====audio=====>|                |
                  |<-INVITE hold---|                |
                  |--200---------->|                |
                  |<-ACK-----------|                |
                  |                |--INVITE------->|
                  |                |<-180-----------|
                  |                |<-200-----------|
                  |                |--ACK---------->|
                  |                |<====audio=====>|
                  |                |--INVITE hold-->|
                  |                |<-200-----------|
                  |                |--ACK---------->|
                  |<-REFER carol---|                |
                  |--202---------->|                |
                  |--NOTIFY 100--->|                |
                  |--INVITE------------------------>|
                  |<-200-----------|                |
                  |<-200----------------------------|
                  |--ACK--------------------------->|
                  |--NOTIFY 200--->|                |
                  |<=============audio=============>|
                  |                |<-BYE-----------|
                  |<-200-----------|                |
                  |<-BYE-----------|                |
                  |                |--200---------->|
                  |--200---------->|                |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.5");
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
