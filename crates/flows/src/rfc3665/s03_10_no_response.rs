//! RFC 3665 §3.10, Unsuccessful No Response from User Agent.
//!
//! The RFC's 480 is a 408: a proxy whose next hop never answers acts as if it had received one (RFC 3261 §16.6 item 7).

use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2};
use crate::{Phone, Stage};
use cordboard_sim::Fault;
use cordboard_sip::Status;

/// Bob's telephone is registered and off.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&PROXY1);
    stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    stage.fault(Fault::Silent(bob.into()));
    alice.dials(bob);
    alice.hears(Status::REQUEST_TIMEOUT);
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
                      |<-(100)----|           |           |
                      |           |<-(100)----|           |
            R +0.3s   |           |           |--INVITE-->|
            R +1s     |           |           |--INVITE-->|
            R +2s     |           |           |--INVITE-->|
            R +4s     |           |           |--INVITE-->|
            R +8s     |           |           |--INVITE-->|
            R +16s    |           |           |--INVITE-->|
            +0.5s     |           |<-408------|           |
                      |           |--ACK----->|           |
                      |<-408------|           |           |
                      |--ACK----->|           |           |
        ",
        );
        agrees(&stage, "3.10");
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
