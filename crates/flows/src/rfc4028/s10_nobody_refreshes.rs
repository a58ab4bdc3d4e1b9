//! RFC 4028 §10: the refreshes do not get through. The other side ends the session before its interval is over.

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Person, Phone, Stage};
use cordboard_core::session::timer::Policy;
use cordboard_service::settings::Habits;
use cordboard_sim::Fault;

/// Alice's telephone wants the session refreshed every 100 s, and Bob's does not hear it any more.
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
    stage.turn_page();
    stage.fault(Fault::Deaf { host: bob.into(), word: "UPDATE".into() });
    bob.is_alone();
    alice.is_alone();
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
                          |--UPDATE-->|
                R +0.5s   |--UPDATE-->|
                R +1s     |--UPDATE-->|
                R +2s     |--UPDATE-->|
                R +4s     |--UPDATE-->|
                R +4s     |--UPDATE-->|
                R +4s     |--UPDATE-->|
                +2.49s    |<-BYE------|
                          |--200----->|
                R +1.5s   |--UPDATE-->|
                R +4s     |--UPDATE-->|
                R +4s     |--UPDATE-->|
                R +4s     |--UPDATE-->|
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
