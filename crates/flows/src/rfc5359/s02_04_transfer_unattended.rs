//! RFC 5359 §2.4, Transfer - Unattended.
//!
//! Alice does not wait for the end: she hangs up once Bob has accepted, and Bob tells her in the dialog that is left.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// Bob calls Alice, who hands him over to Carol.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    bob.dials(alice);
    alice.answers(bob);
    alice.transfers(bob, carol);
    bob.is_referred_to(carol);
    alice.hangs_up_on(bob);
    carol.answers(bob);
    alice.learns(Outcome::Completed);
    [alice, bob, carol]
}

/// The same, and Carol is busy: nobody is left to Bob but Alice, whom he calls back.
pub fn calls_back(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    bob.dials(alice);
    alice.answers(bob);
    alice.transfers(bob, carol);
    bob.is_referred_to(carol);
    alice.hangs_up_on(bob);
    carol.declines(bob, Status::BUSY_HERE);
    alice.learns(Outcome::TargetBusy);
    alice.answers(bob);
    bob.is_answered();
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [_, bob, carol] = play(&stage);
        stage.talking([(bob, carol)]);
        stage.drawn(
            "
                alice             bob        carol
                  |<-INVITE--------|           |
                  |--180---------->|           |
                  |--200---------->|           |
                  |<-ACK-----------|           |
                  |<====audio=====>|           |
                  |--REFER carol-->|           |
                  |<-202-----------|           |
                  |<-NOTIFY 100----|           |
                  |                |--INVITE-->|
                  |--200---------->|           |
                  |                |<-180------|
                  |--BYE---------->|           |
                  |<-200-----------|           |
                  |                |<-200------|
                  |                |--ACK----->|
                  |<-NOTIFY 200----|           |
                  |                |<==audio==>|
                  |--200---------->|           |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.4");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [_, bob, carol] = play(&stage);
            stage.talking([(bob, carol)]);
        }
    }

    #[test]
    fn who_is_left_without_a_target_calls_back() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, _] = calls_back(&stage);
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
