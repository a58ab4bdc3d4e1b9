//! RFC 5589 §7.1, Consultation Hold with the target protected: the transferor ends the consultation, and then hands over
//! as if there had been none.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Bob asks Carol, hangs up on her, and hands Alice over to her.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    bob.hangs_up_on(carol);
    carol.is_alone();
    bob.transfers(alice, carol);
    carol.answers(alice);
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
                alice             bob        carol
                  |--INVITE------->|           |
                  |<-180-----------|           |
                  |<-200-----------|           |
                  |--ACK---------->|           |
                  |<====audio=====>|           |
                  |<-INVITE hold---|           |
                  |--200---------->|           |
                  |<-ACK-----------|           |
                  |                |--INVITE-->|
                  |                |<-180------|
                  |                |<-200------|
                  |                |--ACK----->|
                  |                |<==audio==>|
                  |                |--BYE----->|
                  |                |<-200------|
                  |<-REFER carol---|           |
                  |--202---------->|           |
                  |--NOTIFY 100--->|           |
                  |--INVITE------------------->|
                  |<-200-----------|           |
                  |<-180-----------------------|
                  |<-200-----------------------|
                  |--ACK---------------------->|
                  |--NOTIFY 200--->|           |
                  |<==========audio===========>|
                  |<-200-----------|           |
                  |<-BYE-----------|           |
                  |--200---------->|           |
            ",
        );
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
