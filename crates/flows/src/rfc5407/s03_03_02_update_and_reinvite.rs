//! RFC 5407 §3.3.2: an UPDATE crosses a re-INVITE, both with offers. Both are refused with 491 and tried again
//! (RFC 3311 §5.3).

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Person, Phone, Stage};
use cordboard_service::settings::{ChangesBy, Habits};

/// Alice, whose telephone asks by UPDATE, holds Bob while he holds her.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let habits = Habits { changes_by: ChangesBy::Update, ..Habits::USUAL };
    let alice = stage.person(&Person { habits, ..ALICE_BY_HERSELF });
    let bob = stage.person(&BOB);
    stage.name(BOB.domain, BOB.address);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    bob.is_answered();
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
                          |--UPDATE hold-->|
                          |<-INVITE hold---|
                          |<-491-----------|
                          |--491---------->|
                          |<-ACK-----------|
                +0.53s    |<-INVITE hold---|
                          |--200---------->|
                          |<-ACK-----------|
                +2.39s    |--UPDATE hold-->|
                          |<-200-----------|
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
