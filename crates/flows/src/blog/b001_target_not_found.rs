//! A transfer to a target that is not found: the transferee holds the transferor while it calls, and goes on with it
//! when nobody is there.

use crate::rfc5589::scene::{REUSING, without_servers};
use crate::{Manners, Person, Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

const MANNERS: Manners = Manners { holds_meanwhile: true, ..Manners::USUAL };

/// Transferor and transferee have each other back.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let people = REUSING.map(|person| Person { manners: MANNERS, ..person });
    let [transferor, transferee, target] = people.each_ref().map(|person| stage.person(person));
    without_servers(stage);
    target.refuses_calls(Status::NOT_FOUND);
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferor.transfers(transferee, target);
    transferor.learns(Outcome::TargetNotFound);
    transferor.is_held_by(transferee, false);
    [transferor, transferee, target]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [transferor, transferee, _] = play(&stage);
        stage.talking([(transferor, transferee)]);
        stage.drawn(
            "
                transferor        transferee    target
                     |<-INVITE---------|           |
                     |--180----------->|           |
                     |--200----------->|           |
                     |<-ACK------------|           |
                     |<=====audio=====>|           |
                     |--REFER target-->|           |
                     |<-202------------|           |
                     |<-NOTIFY 100-----|           |
                     |<-INVITE hold----|           |
                     |                 |--INVITE-->|
                     |--200----------->|           |
                     |--200----------->|           |
                     |                 |<-404------|
                     |<-ACK------------|           |
                     |                 |--ACK----->|
                     |<-NOTIFY 404-----|           |
                     |--200----------->|           |
                     |<-INVITE---------|           |
                     |--200----------->|           |
                     |<-ACK------------|           |
                     |<=====audio=====>|           |
            ",
        );
        crate::golden::agrees(&stage, "blog-001");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [transferor, transferee, _] = play(&stage);
            stage.talking([(transferor, transferee)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
