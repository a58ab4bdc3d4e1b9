//! RFC 5589 §7.7, figure 14, Attended Transfer Fallback to Basic Transfer Using Require:replaces.

use crate::rfc5589::scene::{REUSING, TARGET, without_servers};
use crate::{Manners, Person};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;
use cordboard_sip::Status;

/// A target of an older kind.
const WITHOUT_REPLACES: Person =
    Person { manners: Manners { lacks: &[Feature::Replaces], ..Manners::USUAL }, ..TARGET };

/// The target does not know Replaces and says so at once: the transferee is handed over without a consultation.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [REUSING[0], REUSING[1], WITHOUT_REPLACES].map(|person| stage.person(&person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.asks_abilities(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.consults(target);
    transferor.hears(Status::BAD_EXTENSION);
    transferor.transfers(transferee, target);
    target.answers(transferee);
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
                     |--OPTIONS------->|           |
                     |<-200------------|           |
                     |--INVITE hold--->|           |
                     |<-200------------|           |
                     |--ACK----------->|           |
                     |--INVITE-------------------->|
                     |<-420------------------------|
                     |--ACK----------------------->|
                     |--REFER target-->|           |
                     |<-202------------|           |
                     |<-NOTIFY 100-----|           |
                     |                 |--INVITE-->|
                     |--200----------->|           |
                     |                 |<-180------|
                     |                 |<-200------|
                     |                 |--ACK----->|
                     |<-NOTIFY 200-----|           |
                     |                 |<==audio==>|
                     |--200----------->|           |
                     |--BYE----------->|           |
                     |<-200------------|           |
                     |                 |<-BYE------|
                     |                 |--200----->|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig14");
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
