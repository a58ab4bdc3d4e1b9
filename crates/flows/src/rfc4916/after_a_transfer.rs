//! RFC 4916 after an attended transfer (RFC 5359 §2.5): Alice was handed over to Carol by the address of Carol's
//! telephone, and Carol's says who it is.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Person, Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::{ConnectedIdentity, Habits};

/// Alice calls Bob, who asks Carol and hands Alice over to her.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let habits = Habits { identity: ConnectedIdentity::Always, ..Habits::USUAL };
    let carol = Person { habits, ..CAROL };
    let [alice, bob, carol] = [&ALICE, &BOB, &carol].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    bob.dials(carol);
    carol.answers(bob);
    bob.holds(carol);
    carol.is_held_by(bob, true);
    bob.has_changed(carol);
    stage.turn_page();
    bob.transfers_to(alice, carol);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    alice.is_shown(carol);
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, carol] = play(&stage);
        stage.drawn(
            "
                alice             bob     carol
                  |<-REFER carol---|        |
                  |--202---------->|        |
                  |--NOTIFY 100--->|        |
                  |--INVITE---------------->|
                  |<-200-----------|        |
                  |<-200--------------------|
                  |--ACK------------------->|
                  |--NOTIFY 200--->|        |
                  |<=========audio=========>|
                  |                |<-BYE---|
                  |<-UPDATE-----------------|
                  |<-200-----------|        |
                  |<-BYE-----------|        |
                  |                |--200-->|
                  |--200------------------->|
                  |--200---------->|        |
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, carol] = play(&stage);
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
