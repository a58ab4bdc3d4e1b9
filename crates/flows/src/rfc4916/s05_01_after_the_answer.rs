//! RFC 4916 §5.1: a call to Bob is answered by Carol, who says so. Alice's telephone shows whom she talks to.

use crate::rfc5359::scene::{ALICE, BOB, CAROL};
use crate::{Person, Phone, Stage};
use cordboard_service::settings::{ConnectedIdentity, Habits};

/// Alice calls Bob, whose calls Carol takes.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let habits = Habits { identity: ConnectedIdentity::Always, ..Habits::USUAL };
    let alice = stage.person(&ALICE);
    let carol = stage.person(&Person { habits, ..CAROL });
    stage.name(BOB.domain, CAROL.address);
    alice.dials(Phone { user: BOB.user, domain: BOB.domain, ..carol });
    carol.answers(alice);
    alice.is_answered();
    carol.is_answered();
    alice.is_shown(carol);
    [alice, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, carol] = play(&stage);
        stage.drawn(
            "
                alice       carol
                  |--INVITE-->|
                  |<-180------|
                  |<-200------|
                  |--ACK----->|
                  |<==audio==>|
                  |<-UPDATE---|
                  |--200----->|
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, carol] = play(&stage);
            stage.talking([(alice, carol)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
