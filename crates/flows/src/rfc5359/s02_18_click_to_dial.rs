//! RFC 5359 §2.18, Click to Dial.

use crate::rfc5359::scene::{BOB, CAROL, without_servers};
use crate::{Person, Phone, Stage};
use cordboard_ladder::Outcome;

/// A computer without a telephone's sound.
const PC: Person = Person { name: "pc", user: "bob", address: 104, ..BOB };

/// Bob clicks on Carol's name on his computer, and his telephone calls her once he agrees.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [pc, bob, carol] = [&PC, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    pc.clicks(bob, carol);
    pc.learns_of_asking(Outcome::NotReported);
    bob.consents_to_call(carol);
    carol.answers(bob);
    bob.is_answered();
    [pc, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [_, bob, carol] = play(&stage);
        stage.talking([(bob, carol)]);
        stage.drawn(
            "
                pc               bob        carol
                 |--REFER carol-->|           |
                 |<-202-----------|           |
                 |                |--INVITE-->|
                 |                |<-180------|
                 |                |<-200------|
                 |                |--ACK----->|
                 |                |<==audio==>|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.18");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [_, bob, carol] = play(&stage);
            stage.talking([(bob, carol)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
