//! RFC 5407 appendix B: a re-INVITE is lost, and BYE follows at once. The re-INVITE that is sent again finds no session
//! any more; that is not a race, and harms nobody.

use super::in_a_call;
use crate::{Phone, Stage};

/// Alice holds Bob, which does not reach him, and hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = in_a_call(stage);
    stage.lose("INVITE", alice, bob);
    stage.at_once(|| {
        alice.tries_to_hold(bob);
        alice.leaves(bob);
    });
    alice.is_alone();
    bob.is_alone();
    [alice, bob]
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
                         alice             bob
                           |--INVITE------->|
                           |<-180-----------|
                           |<-200-----------|
                           |--ACK---------->|
                           |<====audio=====>|
                           |--INVITE hold--x|
                           |--BYE---------->|
                           |<-200-----------|
                R +0.49s   |--INVITE hold-->|
                           |<-481-----------|
                           |--ACK---------->|
            ",
        );
        stage.talking([]);
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
