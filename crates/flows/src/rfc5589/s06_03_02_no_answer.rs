//! RFC 5589 §6.3.2, Failed Transfer - Target Does Not Answer: the transferee gives up and hangs up on both.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Bob hands Alice over to Carol, whose telephone rings until Alice has had enough of both.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.transfers(alice, carol);
    carol.is_called_by(alice);
    alice.hears_ringing();
    alice.hangs_up_on(bob);
    bob.learns(Outcome::TransfereeLeft);
    carol.is_alone();
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.talking([]);
        stage.drawn(
            "
                alice             bob  carol
                  |--INVITE------->|     |
                  |<-180-----------|     |
                  |<-200-----------|     |
                  |--ACK---------->|     |
                  |<====audio=====>|     |
                  |<-REFER carol---|     |
                  |--202---------->|     |
                  |--NOTIFY 100--->|     |
                  |--INVITE------------->|
                  |<-200-----------|     |
                  |<-180-----------------|
                  |--BYE---------->|     |
                  |--CANCEL------------->|
                  |<-200-----------|     |
                  |<-200-----------------|
                  |<-487-----------------|
                  |--ACK---------------->|
                  |--NOTIFY 487--->|     |
                  |<-200-----------|     |
            ",
        );
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
