//! RFC 3665 §3.3, Session with Multiple Proxy Authentication.
//!
//! The RFC's Bob answers immediately, and his telephone says nothing before its 200. One that a person answers rings
//! first; nothing else differs.

use crate::Domain;
use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2_FOR_BOTH};
use crate::{Phone, Stage};

/// Alice is challenged by both proxies, and answers both.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { neighbours: &[], ..PROXY1 });
    stage.switchboard(&PROXY2_FOR_BOTH);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
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
        let [alice, bob] = play(&stage);
        stage.drawn(
            "
            alice      proxy1      proxy2        bob
              |--INVITE-->|           |           |
              |<-407------|           |           |
              |--ACK----->|           |           |
              |--INVITE-->|           |           |
              |           |--INVITE-->|           |
              |           |<-407------|           |
              |           |--ACK----->|           |
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
        ",
        );
        agrees(&stage, "3.3");
        stage.talking([(alice, bob)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob] = play(&stage);
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
