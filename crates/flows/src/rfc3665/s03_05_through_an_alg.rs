//! RFC 3665 §3.5, Session Through a SIP ALG.
//!
//! An ALG is not a thing that SIP has. What can be seen of the RFC's on the wire is what a proxy does that stays in
//! the route of the dialog while Proxy 2 does not; its other half, rewriting the SDP so that the media pass through it
//! too, is what no proxy may do (RFC 3261 §16.6), and belongs to a switchboard that anchors calls.

use crate::Domain;
use crate::rfc3665::scene::{ALG, ALICE_BEHIND_ALG, BOB, PROXY2};
use crate::{Phone, Stage};

/// Alice calls Bob through the ALG, and hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_BEHIND_ALG);
    stage.switchboard(&ALG);
    stage.switchboard(&Domain { record_routes: false, ..PROXY2 });
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
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
            alice        alg       proxy2        bob
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
              |           |--ACK----------------->|
              |<==============audio==============>|
              |--BYE----->|           |           |
              |           |--BYE----------------->|
              |           |<-200------------------|
              |<-200------|           |           |
        ",
        );
        agrees(&stage, "3.5");
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
