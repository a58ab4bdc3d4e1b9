//! RFC 5589 §6.3.1, Failed Transfer - Target Busy.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// Alice calls Bob, who holds her and hands her over to Carol, who is busy: they have each other back.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    carol.refuses_calls(Status::BUSY_HERE);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.transfers(alice, carol);
    bob.learns(Outcome::TargetBusy);
    alice.is_held_by(bob, false);
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob, _] = play(&stage);
        stage.talking([(alice, bob)]);
        stage.drawn(
            "
                alice             bob  carol
                  |--INVITE------->|     |
                  |<-180-----------|     |
                  |<-200-----------|     |
                  |--ACK---------->|     |
                  |<====audio=====>|     |
                  |<-INVITE hold---|     |
                  |--200---------->|     |
                  |<-ACK-----------|     |
                  |<-REFER carol---|     |
                  |--202---------->|     |
                  |--NOTIFY 100--->|     |
                  |--INVITE------------->|
                  |<-200-----------|     |
                  |<-486-----------------|
                  |--ACK---------------->|
                  |--NOTIFY 486--->|     |
                  |<-200-----------|     |
                  |<-INVITE--------|     |
                  |--200---------->|     |
                  |<-ACK-----------|     |
                  |<====audio=====>|     |
            ",
        );
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, _] = play(&stage);
            stage.talking([(alice, bob)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
