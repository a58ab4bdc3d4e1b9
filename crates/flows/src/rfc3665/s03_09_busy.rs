//! RFC 3665 §3.9, Unsuccessful Busy.

use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2};
use crate::{Phone, Stage};
use cordboard_sip::Status;

/// Bob is busy.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&PROXY1);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    bob.refuses_calls(Status::BUSY_HERE);
    stage.turn_page();
    alice.dials(bob);
    alice.hears(Status::BUSY_HERE);
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
                alice      proxy1      proxy2        bob
                  |--INVITE-->|           |           |
                  |           |--INVITE-->|           |
                  |           |           |--INVITE-->|
                  |           |           |<-486------|
                  |           |           |--ACK----->|
                  |           |<-486------|           |
                  |           |--ACK----->|           |
                  |<-486------|           |           |
                  |--ACK----->|           |           |
            ",
        );
        agrees(&stage, "3.9");
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
