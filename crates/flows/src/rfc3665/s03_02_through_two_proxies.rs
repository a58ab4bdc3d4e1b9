//! RFC 3665 §3.2, Session Establishment Through Two Proxies.

use crate::Domain;
use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2};
use crate::{Phone, Stage};

/// Alice, challenged by her proxy, calls Bob; Bob hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { neighbours: &[], ..PROXY1 });
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
    bob.hangs_up();
    alice.is_alone();
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
              |<-407------|           |           |
              |--ACK----->|           |           |
              |--INVITE-->|           |           |
              |           |--INVITE-->|           |
              |           |           |--INVITE-->|
              |           |           |<-180------|
              |           |<-180------|           |
              |<-180------|           |           |
              |           |           |<-200------|
              |           |<-200------|           |
              |<-200------|           |           |
              |--ACK----->|           |           |
              |           |--ACK----->|           |
              |           |           |--ACK----->|
              |<==============audio==============>|
              |           |           |<-BYE------|
              |           |<-BYE------|           |
              |<-BYE------|           |           |
              |--200----->|           |           |
              |           |--200----->|           |
              |           |           |--200----->|
        ",
        );
        agrees(&stage, "3.2");
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
