//! RFC 5407 appendix A: a BYE in the early dialog with one branch of a fork does not end the others. Their 200 is
//! acknowledged and ended by another BYE.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use crate::{Person, Phone, Stage};
use cordboard_sim::Fault;

/// Bob's other telephone.
const MOBILE: Person = Person { name: "mobile", address: 203, ..BOB };

/// Bob's desk telephone rings before the other one does; Alice gives that one up, and the other answers.
/// So many INVITEs to the other telephone are lost, so that it rings later.
pub fn play(stage: &Stage, losses: u32) -> [Phone<'_>; 3] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    let proxy = stage.switchboard(&PROXY2);
    let [bob, mobile] = [&BOB, &MOBILE].map(|person| stage.person(person));
    bob.registers();
    mobile.registers();
    stage.turn_page();
    stage.fault(Fault::Lose { word: "INVITE".into(), from: proxy, to: mobile.into(), times: losses });
    alice.dials(bob);
    alice.hears_ringing();
    alice.gives_up_by_bye();
    bob.is_alone();
    mobile.tries_to_answer(alice);
    alice.is_alone();
    mobile.is_alone();
    [alice, bob, mobile]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage, 2);
        stage.drawn(
            "
                         alice      proxy2        bob  mobile
                           |--INVITE-->|           |      |
                           |           |--INVITE---------x|
                           |           |--INVITE-->|      |
                           |           |<-180------|      |
                           |<-180------|           |      |
                R +0.48s   |           |--INVITE---------x|
                           |--BYE----->|           |      |
                           |           |--BYE----->|      |
                           |           |<-200------|      |
                           |           |<-487------|      |
                           |<-200------|           |      |
                           |           |--ACK----->|      |
                R +0.44s   |           |--INVITE--------->|
                           |           |<-180-------------|
                           |<-180------|           |      |
                           |           |<-200-------------|
                           |<-200------|           |      |
                           |--ACK----->|           |      |
                           |--BYE----->|           |      |
                           |           |--ACK------------>|
                           |           |--BYE------------>|
                           |           |<-200-------------|
                           |<-200------|           |      |
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage, 0);
            stage.talking([]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed), 0);
        }
    }
}
