//! RFC 5359 §2.3, Music on Hold.

use crate::rfc5359::scene::{ALICE, BOB, MUSIC, with_server};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Alice calls Bob, who puts her on hold, lets her hear music, and takes her back.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, music] = [&ALICE, &BOB, &MUSIC].map(|person| stage.person(person));
    with_server(stage, &MUSIC);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.plays_music_to(alice, music);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    bob.takes_back(alice);
    bob.is_answered();
    music.is_alone();
    [alice, bob, music]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, bob, _] = play(&stage);
        stage.talking([(alice, bob)]);
        stage.drawn(
            "
                alice             bob             music
                  |--INVITE------->|                |
                  |<-180-----------|                |
                  |<-200-----------|                |
                  |--ACK---------->|                |
                  |<====audio=====>|                |
                  |<-INVITE hold---|                |
                  |--200---------->|                |
                  |<-ACK-----------|                |
                  |                |--REFER alice-->|
                  |                |<-401-----------|
                  |                |--REFER alice-->|
                  |                |<-202-----------|
                  |                |<-NOTIFY 100----|
                  |<-INVITE hold--------------------|
                  |                |--200---------->|
                  |--200--------------------------->|
                  |<-ACK----------------------------|
                  |                |<-NOTIFY 200----|
                  |--BYE---------->|                |
                  |                |--200---------->|
                  |<-200-----------|                |
                  |<-INVITE--------|                |
                  |--200---------->|                |
                  |<-ACK-----------|                |
                  |<====audio=====>|                |
                  |--BYE--------------------------->|
                  |<-200----------------------------|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.3");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, _] = play(&stage);
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
