//! RFC 5359 §2.16, Call Pickup.

use crate::rfc5359::scene::{ALICE, BILL, BOB, GROUP, without_servers};
use crate::{Person, Phone, Stage};

/// Alice calls Bob, who does not answer; Bill picks the call up, and Alice hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, bill] =
        [&ALICE, &Person { group: Some(GROUP), ..BOB }, &BILL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.is_called_by(alice);
    alice.hears_ringing();
    bill.picks_up_from(bob);
    bill.is_answered();
    bob.is_alone();
    alice.hangs_up();
    bill.is_alone();
    [alice, bob, bill]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.talking([]);
        stage.drawn(
            "
                alice        bob           bill
                  |--INVITE-->|              |
                  |<-180------|              |
                  |           |<-SUBSCRIBE---|
                  |           |--401-------->|
                  |           |<-SUBSCRIBE---|
                  |           |--200-------->|
                  |           |--NOTIFY----->|
                  |           |<-200---------|
                  |<-INVITE------------------|
                  |--200-------------------->|
                  |<-ACK---------------------|
                  |<=========audio==========>|
                  |--CANCEL-->|              |
                  |<-200------|              |
                  |<-487------|              |
                  |--ACK----->|              |
                  |--BYE-------------------->|
                  |<-200---------------------|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.16");
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
