//! RFC 5407 §3.2.1: both hang up at one moment. Each BYE is answered 200.

use super::in_a_call;
use crate::{Phone, Stage};

/// Both hang up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = in_a_call(stage);
    stage.at_once(|| {
        alice.hangs_up();
        bob.leaves(alice);
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
                alice        bob
                  |--INVITE-->|
                  |<-180------|
                  |<-200------|
                  |--ACK----->|
                  |<==audio==>|
                  |--BYE----->|
                  |<-BYE------|
                  |<-200------|
                  |--200----->|
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
