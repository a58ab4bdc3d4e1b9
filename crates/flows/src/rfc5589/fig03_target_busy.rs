//! RFC 5589 §6.3.1, figure 3, Failed Transfer - Target Busy.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// The target is busy: transferor and transferee have each other back, and hang up.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    target.refuses_calls(Status::BUSY_HERE);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.transfers(transferee, target);
    transferor.learns(Outcome::TargetBusy);
    transferee.is_held_by(transferor, false);
    transferor.hangs_up_on(transferee);
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
                     |--REFER target-->|           |
                     |<-202------------|           |
                     |<-NOTIFY 100-----|           |
                     |                 |--INVITE-->|
                     |--200----------->|           |
                     |                 |<-486------|
                     |                 |--ACK----->|
                     |<-NOTIFY 486-----|           |
                     |--200----------->|           |
                     |--INVITE-------->|           |
                     |<-200------------|           |
                     |--ACK----------->|           |
                     |<=====audio=====>|           |
                     |--BYE----------->|           |
                     |<-200------------|           |
            ",
        );
        crate::golden::agrees(&stage, "5589-fig3");
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
