//! RFC 5589 §7.3, figure 7, Attended Transfer Call Flow.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// The transferor asks the target, and has the transferee take that call over.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.consults(target);
    target.answers(transferor);
    transferor.holds(target);
    target.is_held_by(transferor, true);
    transferor.has_changed(target);
    transferor.transfers_to(transferee, target);
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
                     |<===========audio===========>|
                     |--INVITE hold--------------->|
                     |<-200------------------------|
                     |--ACK----------------------->|
                     |--REFER target-->|           |
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
        crate::golden::agrees(&stage, "5589-fig7");
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
