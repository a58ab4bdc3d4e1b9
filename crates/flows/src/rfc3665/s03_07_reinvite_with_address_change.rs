//! RFC 3665 §3.7, Session with re-INVITE (IP Address Change).
//!
//! Proxy 2 does not stay in the route, so that what follows the 200 goes from phone to phone.

use crate::Domain;
use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB_ON_THE_MOVE, PROXY2};
use crate::{Phone, Stage};

/// Alice calls Bob, Bob moves, and Alice hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    stage.switchboard(&Domain { record_routes: false, ..PROXY2 });
    let bob = stage.person(&BOB_ON_THE_MOVE);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
    bob.moves(alice);
    bob.has_changed(alice);
    alice.hangs_up();
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
            alice      proxy2        bob
              |--INVITE-->|           |
              |           |--INVITE-->|
              |           |<-180------|
              |<-180------|           |
              |           |<-200------|
              |<-200------|           |
              |--ACK----------------->|
              |<========audio========>|
              |<-INVITE---------------|
              |--200----------------->|
              |<-ACK------------------|
              |<========audio========>|
              |--BYE----------------->|
              |<-200------------------|
        ",
        );
        agrees(&stage, "3.7");
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
