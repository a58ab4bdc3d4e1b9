//! RFC 5359 §2.15, Call Park.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, PARK, with_server};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// Alice calls Bob, who parks her; Carol retrieves the call.
pub fn play(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, bob, park, carol] = [&ALICE, &BOB, &PARK, &CAROL].map(|person| stage.person(person));
    with_server(stage, &PARK);
    alice.dials(bob);
    bob.answers(alice);
    bob.parks(alice, park);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    carol.retrieves_from(park);
    carol.is_answered();
    park.is_alone();
    [alice, bob, park, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, _, carol] = play(&stage);
        stage.talking([(alice, carol)]);
        stage.drawn(
            "
                alice        bob             park           carol
                  |--INVITE-->|                |              |
                  |<-180------|                |              |
                  |<-200------|                |              |
                  |--ACK----->|                |              |
                  |<==audio==>|                |              |
                  |           |--REFER alice-->|              |
                  |           |<-401-----------|              |
                  |           |--REFER alice-->|              |
                  |           |<-202-----------|              |
                  |           |<-NOTIFY 100----|              |
                  |<-INVITE hold---------------|              |
                  |           |--200---------->|              |
                  |--200---------------------->|              |
                  |<-ACK-----------------------|              |
                  |           |<-NOTIFY 200----|              |
                  |--BYE----->|                |              |
                  |           |--200---------->|              |
                  |<-200------|                |              |
                  |           |                |<-SUBSCRIBE---|
                  |           |                |--401-------->|
                  |           |                |<-SUBSCRIBE---|
                  |           |                |--200-------->|
                  |           |                |--NOTIFY----->|
                  |           |                |<-200---------|
                  |<-INVITE-----------------------------------|
                  |--200------------------------------------->|
                  |<-ACK--------------------------------------|
                  |<==================audio==================>|
                  |--BYE---------------------->|              |
                  |<-200-----------------------|              |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.15");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, _, carol] = play(&stage);
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
