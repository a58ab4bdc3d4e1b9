//! RFC 5589 §6.3.2, figure 4, Failed Transfer - Target Does Not Answer.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// The target rings until the transferee gives it up: transferor and transferee have each other back, and hang up.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.transfers(transferee, target);
    target.is_called_by(transferee);
    transferee.gives_up();
    transferor.learns(Outcome::TargetNoAnswer);
    transferee.is_held_by(transferor, false);
    transferor.hangs_up_on(transferee);
    transferee.is_alone();
    [transferor, transferee, target]
}

/// The same, and the transferee hangs up on both instead: the new call is cancelled, and the transferor told.
pub fn hangs_up_on_both(stage: &Stage) {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.transfers(transferee, target);
    target.is_called_by(transferee);
    transferee.hears_ringing();
    transferee.hangs_up_on(transferor);
    transferor.learns(Outcome::TransfereeLeft);
    target.is_alone();
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
                     |                 |<-180------|
                     |                 |--CANCEL-->|
                     |                 |<-200------|
                     |                 |<-487------|
                     |                 |--ACK----->|
                     |<-NOTIFY 487-----|           |
                     |--200----------->|           |
                     |--INVITE-------->|           |
                     |<-200------------|           |
                     |--ACK----------->|           |
                     |<=====audio=====>|           |
                     |--BYE----------->|           |
                     |<-200------------|           |
            ",
        );
        crate::golden::agrees(&stage, "5589-fig4");
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
    fn who_hangs_up_on_both_leaves_nobody_alone() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            hangs_up_on_both(&stage);
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
