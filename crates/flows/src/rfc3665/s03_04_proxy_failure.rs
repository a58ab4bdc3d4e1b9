//! RFC 3665 §3.4, Successful Session with Proxy Failure.
//!
//! The repeated INVITEs exist only on UDP; on a stream the connection would fail instead.

use crate::Person;
use crate::rfc3665::scene::{ALICE, BOB, PROXY1, PROXY2_FOR_BOTH};
use crate::{Phone, Stage};
use cordboard_sim::Fault;

/// Alice knows two proxies, and the first is dead.
const ALICE_WITH_TWO: Person = Person {
    outbound_proxies: &["sip:ss1.atlanta.example.com;lr", "sip:ss2.biloxi.example.com;lr"],
    ..ALICE
};

/// Alice gives Proxy 1 up after 32 s and calls by way of Proxy 2; Bob hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&ALICE_WITH_TWO);
    let dead = stage.switchboard(&PROXY1);
    stage.switchboard(&PROXY2_FOR_BOTH);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.fault(Fault::Silent(dead));
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
                        alice      proxy1  proxy2        bob
                          |--INVITE-->|       |           |
                R +0.5s   |--INVITE-->|       |           |
                R +1s     |--INVITE-->|       |           |
                R +2s     |--INVITE-->|       |           |
                R +4s     |--INVITE-->|       |           |
                R +8s     |--INVITE-->|       |           |
                R +16s    |--INVITE-->|       |           |
                +0.5s     |--INVITE---------->|           |
                          |<-407--------------|           |
                          |--ACK------------->|           |
                          |--INVITE---------->|           |
                          |           |       |--INVITE-->|
                          |           |       |<-180------|
                          |<-180--------------|           |
                          |           |       |<-200------|
                          |<-200--------------|           |
                          |--ACK------------->|           |
                          |           |       |--ACK----->|
                          |<============audio============>|
                          |           |       |<-BYE------|
                          |<-BYE--------------|           |
                          |--200------------->|           |
                          |           |       |--200----->|
            ",
        );
        agrees(&stage, "3.4");
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
