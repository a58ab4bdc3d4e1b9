//! RFC 5359 §2.1, Call Hold.

use crate::rfc5359::scene::{ALICE, BOB, BY_PROXY, PROXY};
use crate::{Person, Phone, Stage};

/// Alice calls Bob, Bob holds her and takes her off hold, and Alice hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let alice = stage.person(&Person { outbound_proxies: BY_PROXY, ..ALICE });
    stage.switchboard(&PROXY);
    let bob = stage.person(&Person { outbound_proxies: BY_PROXY, ..BOB });
    bob.registers();
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.resumes(alice);
    alice.is_held_by(bob, false);
    bob.has_changed(alice);
    alice.hangs_up();
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
                alice       bob             proxy
                  |--INVITE------------------>|
                  |          |<-INVITE--------|
                  |          |--180---------->|
                  |<-180----------------------|
                  |          |--200---------->|
                  |<-200----------------------|
                  |--ACK--------------------->|
                  |          |<-ACK-----------|
                  |<=audio==>|                |
                  |          |--INVITE hold-->|
                  |<-INVITE hold--------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |          |--INVITE------->|
                  |<-INVITE-------------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |<=audio==>|                |
                  |--BYE--------------------->|
                  |          |<-BYE-----------|
                  |          |--200---------->|
                  |<-200----------------------|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.1");
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
