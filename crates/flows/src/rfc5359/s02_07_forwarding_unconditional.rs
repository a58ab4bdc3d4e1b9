//! RFC 5359 §2.7, Call Forwarding Unconditional.

use crate::rfc5359::scene::{ALICE, GATEWAY, PROXY, at, bob_forwards};
use crate::{Domain, Phone, Stage};
use cordboard_service::services::{Forwarding, Rules};

/// Bob's calls go to a number of the telephone network.
fn rules() -> Vec<(&'static str, Rules)> {
    let gateway = at("sip:+19727293660@gw1.example.com;user=phone");
    bob_forwards(Forwarding { always: Some(gateway), ..Forwarding::default() })
}

/// Alice calls Bob and reaches the gateway to which all his calls go; then she hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { rules, ..PROXY });
    let gateway = stage.person(&GATEWAY);
    stage.name(GATEWAY.domain, GATEWAY.address);
    alice.dials_address("sip:bob@biloxi.example.com");
    gateway.answers(alice);
    alice.hangs_up();
    gateway.is_alone();
    [alice, gateway]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.drawn(
            "
                alice       proxy      gateway
                  |--INVITE-->|           |
                  |<-181------|           |
                  |           |--INVITE-->|
                  |           |<-180------|
                  |<-180------|           |
                  |           |<-200------|
                  |<-200------|           |
                  |--ACK----->|           |
                  |           |--ACK----->|
                  |<========audio========>|
                  |--BYE----->|           |
                  |           |--BYE----->|
                  |           |<-200------|
                  |<-200------|           |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.7");
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
