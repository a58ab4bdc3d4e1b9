//! RFC 3261 §13.2.2.4: two telephones of a fork answer at one moment. The caller acknowledges both and keeps one;
//! the other gets a BYE.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use crate::{Person, Phone, Stage};

/// Bob's other telephone.
const MOBILE: Person = Person { name: "mobile", address: 203, ..BOB };

/// Alice calls Bob, who answers with both hands.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let alice = stage.person(&ALICE_BY_HERSELF);
    stage.switchboard(&PROXY2);
    let [bob, mobile] = [&BOB, &MOBILE].map(|person| stage.person(person));
    bob.registers();
    mobile.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.is_called_by(alice);
    mobile.is_called_by(alice);
    stage.at_once(|| {
        bob.answers(alice);
        mobile.answers(alice);
    });
    alice.is_answered();
    [alice, bob, mobile]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob, mobile] = play(&stage);
        stage.drawn(
            "
            alice      proxy2      mobile  bob
              |--INVITE-->|           |     |
              |           |--INVITE-->|     |
              |           |--INVITE-------->|
              |           |<-180------|     |
              |           |<-180------------|
              |           |<-200------------|
              |           |<-200------|     |
              |<-180------|           |     |
              |<-180------|           |     |
              |<-200------|           |     |
              |           |--CANCEL-->|     |
              |<-200------|           |     |
              |           |<-200------|     |
              |--ACK----->|           |     |
              |--ACK----->|           |     |
              |--BYE----->|           |     |
              |           |--ACK----------->|
              |           |--ACK----->|     |
              |           |--BYE----->|     |
              |<===========audio===========>|
              |           |<-200------|     |
              |<-200------|           |     |
        ",
        );
        let kept = stage.talks_with_one_of(alice, &[bob, mobile]);
        stage.turn_page();
        kept.hangs_up();
        alice.is_alone();
        stage.talking([]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, mobile] = play(&stage);
            stage.talks_with_one_of(alice, &[bob, mobile]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
