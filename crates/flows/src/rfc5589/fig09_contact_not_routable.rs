//! RFC 5589 §7.5, figure 9, Attended Transfer Call Flow with a Contact URI Not Known to Be Globally Routable.

use crate::rfc5589::scene::{PROXY, REUSING, TRANSFEREE, TRANSFEROR};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;

/// The transferor reaches the target by a proxy, and so names it to the transferee by its address, not its Contact.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee] = [&REUSING[0], &REUSING[1]].map(|person| stage.person(person));
    stage.switchboard(&PROXY);
    let target = stage.person(&REUSING[2]);
    for person in [TRANSFEREE, TRANSFEROR] {
        stage.name(person.domain, person.address);
    }
    target.registers();
    stage.turn_page();
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
                transferor        transferee     proxy           target
                     |<-INVITE---------|           |                |
                     |--180----------->|           |                |
                     |--200----------->|           |                |
                     |<-ACK------------|           |                |
                     |<=====audio=====>|           |                |
                     |--INVITE hold--->|           |                |
                     |<-200------------|           |                |
                     |--ACK----------->|           |                |
                     |--INVITE-------------------->|                |
                     |                 |           |--INVITE------->|
                     |                 |           |<-180-----------|
                     |<-180------------------------|                |
                     |                 |           |<-200-----------|
                     |<-200------------------------|                |
                     |--ACK----------------------->|                |
                     |                 |           |--ACK---------->|
                     |<===================audio====================>|
                     |--INVITE hold--------------->|                |
                     |                 |           |--INVITE hold-->|
                     |                 |           |<-200-----------|
                     |<-200------------------------|                |
                     |--ACK----------------------->|                |
                     |                 |           |--ACK---------->|
                     |--REFER target-->|           |                |
                     |<-202------------|           |                |
                     |<-NOTIFY 100-----|           |                |
                     |                 |--INVITE-->|                |
                     |--200----------->|           |                |
                     |                 |           |--INVITE------->|
                     |                 |           |<-200-----------|
                     |                 |<-200------|                |
                     |<-NOTIFY 200-----|           |                |
                     |                 |--ACK----->|                |
                     |--200----------->|           |                |
                     |--BYE----------->|           |                |
                     |                 |           |--ACK---------->|
                     |<-200------------|           |                |
                     |                 |<==========audio===========>|
                     |                 |           |<-BYE-----------|
                     |<-BYE------------------------|                |
                     |--200----------------------->|                |
                     |                 |           |--200---------->|
                     |                 |           |<-BYE-----------|
                     |                 |<-BYE------|                |
                     |                 |--200----->|                |
                     |                 |           |--200---------->|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig9");
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
