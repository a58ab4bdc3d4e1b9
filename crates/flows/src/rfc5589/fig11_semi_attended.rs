//! RFC 5589 §7.6, figure 11, Recommended Semi-Attended Transfer Call Flow.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// The transferor hands over while the target rings, and the transfer waits for the answer.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.dials(target);
    transferor.hears_ringing();
    transferor.transfers_to_ringing(transferee, target);
    target.answers(transferor);
    transferor.learns(Outcome::Completed);
    transferor.is_alone();
    target.hangs_up_on(transferee);
    transferee.is_alone();
    [transferor, transferee, target]
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
                transferor        transferee    target
                     |<-INVITE---------|           |
                     |--180----------->|           |
                     |--200----------->|           |
                     |<-ACK------------|           |
                     |<=====audio=====>|           |
                     |--INVITE hold--->|           |
                     |<-200------------|           |
                     |--ACK----------->|           |
                     |--INVITE-------------------->|
                     |<-180------------------------|
                     |<-200------------------------|
                     |--ACK----------------------->|
                     |--REFER target-->|           |
                     |<===========audio===========>|
                     |<-202------------|           |
                     |<-NOTIFY 100-----|           |
                     |                 |--INVITE-->|
                     |--200----------->|           |
                     |                 |<-200------|
                     |                 |--ACK----->|
                     |<-NOTIFY 200-----|           |
                     |                 |<==audio==>|
                     |<-BYE------------------------|
                     |--200----------->|           |
                     |--BYE----------->|           |
                     |--200----------------------->|
                     |<-200------------|           |
                     |                 |<-BYE------|
                     |                 |--200----->|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig11");
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
