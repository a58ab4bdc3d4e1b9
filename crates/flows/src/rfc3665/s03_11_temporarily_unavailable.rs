//! RFC 3665 §3.11, Unsuccessful Temporarily Unavailable.

use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2};
use crate::{Phone, Stage};
use cordboard_sip::Status;

/// Bob cannot be reached now, says his telephone.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&PROXY1);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.declines(alice, Status::TEMPORARILY_UNAVAILABLE);
    alice.hears(Status::TEMPORARILY_UNAVAILABLE);
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
              |           |           |<-180------|
              |           |<-180------|           |
              |<-180------|           |           |
              |           |           |<-480------|
              |           |           |--ACK----->|
              |           |<-480------|           |
              |           |--ACK----->|           |
              |<-480------|           |           |
              |--ACK----->|           |           |
        ",
        );
        agrees(&stage, "3.11");
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
