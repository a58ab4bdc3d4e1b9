//! RFC 5589 §7.4, figure 8, Recovery When One Party Does Not Support REFER.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Manners, Person};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;

/// A transferee of an older kind.
const WITHOUT_REFER: Person =
    Person { manners: Manners { lacks: &[Feature::Refer], ..Manners::ON_ITS_OWN }, ..TRANSFEREE };

/// The transferee does not know REFER: the target is asked to take it over instead.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee, target] =
        [&TRANSFEROR, &WITHOUT_REFER, &TARGET].map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.dials(target);
    target.answers(transferor);
    transferor.holds(target);
    target.is_held_by(transferor, true);
    transferor.has_changed(target);
    transferor.transfers_to(transferee, target);
    transferor.learns(Outcome::Completed);
    transferor.is_alone();
    transferee.hangs_up_on(target);
    target.is_alone();
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
                     |<-501------------|           |
                     |--REFER transferee---------->|
                     |<-202------------------------|
                     |<-NOTIFY 100-----------------|
                     |                 |<-INVITE---|
                     |--200----------------------->|
                     |                 |--200----->|
                     |                 |<-ACK------|
                     |<-NOTIFY 200-----------------|
                     |                 |<==audio==>|
                     |<-BYE------------|           |
                     |--200----------------------->|
                     |--BYE----------------------->|
                     |--200----------->|           |
                     |<-200------------------------|
                     |                 |--BYE----->|
                     |                 |<-200------|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig8");
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
