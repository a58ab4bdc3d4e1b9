//! RFC 5359 §2.17, Automatic Redial.

use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use cordboard_sip::Status;

/// Bob talks with Carol and takes no other call; Alice's telephone waits until that is over, and calls him again.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    stage.off_stage(carol);
    without_servers(stage);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    bob.refuses_calls(Status::BUSY_HERE);
    stage.turn_page();
    alice.dials(bob);
    alice.hears(Status::BUSY_HERE);
    alice.redials(bob);
    alice.waits_for_busy();
    bob.takes_calls();
    carol.hangs_up();
    // Who tells of bob's calls need not tell more often than once a second (RFC 4235 §3.10).
    alice.is_told_that_it_rings();
    bob.answers(alice);
    alice.is_answered();
    [alice, bob, carol]
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
                alice           bob
                  |--INVITE----->|
                  |<-486---------|
                  |--ACK-------->|
                  |--SUBSCRIBE-->|
                  |<-200---------|
                  |<-NOTIFY------|
                  |--200-------->|
                  |<-NOTIFY------|
                  |--200-------->|
                  |--INVITE----->|
                  |<-180---------|
                  |<-NOTIFY------|
                  |--200-------->|
                  |<-200---------|
                  |--ACK-------->|
                  |--SUBSCRIBE-->|
                  |<===audio====>|
                  |<-200---------|
                  |<-NOTIFY------|
                  |--200-------->|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.17");
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
