//! A point-to-point call transferred by REFER: 100, 180 and 200 are reported, and the transferee ends the old call.

use crate::rfc5589::scene::{REUSING, without_servers};
use crate::{Manners, Person, Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Release;

const MANNERS: Manners = Manners { release: Release::Transferee, reports_ringing: true, ..Manners::USUAL };

/// The transferee is handed over, tells of everything and hangs up on the transferor; the target hangs up in the end.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let people = REUSING.map(|person| Person { manners: MANNERS, ..person });
    let [transferor, transferee, target] = people.each_ref().map(|person| stage.person(person));
    without_servers(stage);
    transferee.dials(transferor);
    transferor.answers(transferee);
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
                     |--REFER target-->|           |
                     |<-202------------|           |
                     |<-NOTIFY 100-----|           |
                     |                 |--INVITE-->|
                     |--200----------->|           |
                     |                 |<-180------|
                     |<-NOTIFY 180-----|           |
                     |--200----------->|           |
                     |                 |<-200------|
                     |                 |--ACK----->|
                     |<-NOTIFY 200-----|           |
                     |                 |<==audio==>|
                     |--200----------->|           |
                     |<-BYE------------|           |
                     |--200----------->|           |
                     |                 |<-BYE------|
                     |                 |--200----->|
            ",
        );
        crate::golden::agrees(&stage, "blog-000");
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
