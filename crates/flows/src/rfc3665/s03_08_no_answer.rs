//! RFC 3665 §3.8, Unsuccessful No Answer.

use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2};
use crate::{Phone, Stage};
use cordboard_sip::Status;

/// Bob does not answer, and Alice gives up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&PROXY1);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    alice.gives_up();
    alice.hears(Status::REQUEST_TERMINATED);
    bob.is_alone();
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
              |--CANCEL-->|           |           |
              |<-200------|           |           |
              |           |--CANCEL-->|           |
              |           |<-200------|           |
              |           |           |--CANCEL-->|
              |           |           |<-200------|
              |           |           |<-487------|
              |           |           |--ACK----->|
              |           |<-487------|           |
              |           |--ACK----->|           |
              |<-487------|           |           |
              |--ACK----->|           |           |
        ",
        );
        agrees(&stage, "3.8");
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
