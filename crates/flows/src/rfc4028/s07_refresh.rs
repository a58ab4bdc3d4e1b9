//! RFC 4028 §7.2 and §10: whoever is to refresh the session does so at half time, by UPDATE without a description.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Person, Phone, Stage};
use cordboard_core::session::timer::Policy;
use cordboard_service::settings::Habits;
use std::time::Duration;

/// Alice's telephone wants the session refreshed every 100 s; they talk for two minutes.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let session_timer = Policy { wish: Some(100), ..Habits::USUAL.session_timer };
    let habits = Habits { session_timer, ..Habits::USUAL };
    let alice = stage.person(&Person { habits, ..ALICE_BY_HERSELF });
    let bob = stage.person(&BOB);
    stage.name(BOB.domain, BOB.address);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    bob.is_answered();
    stage.passes(Duration::from_mins(2));
    [alice, bob]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob] = play(&stage);
        stage.drawn(
            "
                        alice        bob
                          |--INVITE-->|
                          |<-180------|
                          |<-200------|
                          |--ACK----->|
                          |<==audio==>|
                +49.99s   |--UPDATE-->|
                          |<-200------|
                +50.01s   |--UPDATE-->|
                          |<-200------|
            ",
        );
        stage.talking([(alice, bob)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob] = play(&stage);
            stage.talking([(alice, bob)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
