//! RFC 5407 §3.3.1: two re-INVITEs cross. Both are refused with 491, and each is tried again in its own time, first by
//! the one who did not choose the Call-ID (RFC 3261 §14.1).

use super::in_a_call;
use crate::{Phone, Stage};

/// Both hold each other.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = in_a_call(stage);
    stage.at_once(|| {
        alice.holds(bob);
        bob.tries_to_hold(alice);
    });
    alice.has_changed(bob);
    bob.has_changed(alice);
    alice.is_held_by(bob, true);
    bob.is_held_by(alice, true);
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
                          |--INVITE hold-->|
                          |<-INVITE hold---|
                          |<-491-----------|
                          |--491---------->|
                          |--ACK---------->|
                          |<-ACK-----------|
                +0.53s    |<-INVITE hold---|
                          |--200---------->|
                          |<-ACK-----------|
                +2.39s    |--INVITE hold-->|
                          |<-200-----------|
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
