//! RFC 5589 §7.7, figure 15, Attended Transfer Fallback to Basic Transfer.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Manners, Person};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;

/// A target of an older kind.
const WITHOUT_REPLACES: Person = Person {
    manners: Manners { lacks: &[Feature::Refer, Feature::Replaces], ..Manners::ON_ITS_OWN },
    ..TARGET
};

/// The target knows neither REFER nor Replaces, which shows when it is asked: the consultation ends, and the transferee is handed over.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &TRANSFEREE, &WITHOUT_REPLACES].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.asks_abilities(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.dials(target);
    target.answers(transferor);
    transferor.asks_abilities(target);
    transferor.hangs_up_on(target);
    target.is_alone();
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
                     |<-180------------------------|
                     |<-200------------------------|
                     |--ACK----------------------->|
                     |<===========audio===========>|
                     |--OPTIONS------------------->|
                     |<-200------------------------|
                     |--BYE----------------------->|
                     |<-200------------------------|
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
        crate::golden::agrees(&stage, "5589-fig15");
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
