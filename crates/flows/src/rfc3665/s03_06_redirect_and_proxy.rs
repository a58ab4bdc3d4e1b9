//! RFC 3665 §3.6, Session via Redirect and Proxy Servers with SDP in ACK.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB_IN_CHICAGO, PROXY3, REDIRECT};
use crate::{Phone, Stage};

/// Alice calls Bob at home and is told that he is in Chicago; her offer waits for his. Bob hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    let redirect = stage.switchboard(&REDIRECT);
    stage.switchboard(&PROXY3);
    let bob = stage.person(&BOB_IN_CHICAGO);
    stage.provisions(redirect, "bob@biloxi.example.com", "sip:bob@chicago.example.com");
    bob.registers();
    stage.turn_page();
    alice.dials_without_offer(bob.at("biloxi.example.com"));
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
            alice     redirect  proxy3        bob
              |--INVITE-->|        |           |
              |<-302------|        |           |
              |--ACK----->|        |           |
              |--INVITE----------->|           |
              |           |        |--INVITE-->|
              |           |        |<-180------|
              |<-180---------------|           |
              |           |        |<-200------|
              |<-200---------------|           |
              |--ACK-------------->|           |
              |           |        |--ACK----->|
              |<============audio=============>|
              |           |        |<-BYE------|
              |<-BYE---------------|           |
              |--200-------------->|           |
              |           |        |--200----->|
        ",
        );
        agrees(&stage, "3.6");
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
