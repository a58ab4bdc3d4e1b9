//! RFC 5589 §7.5, figure 10, Attended Transfer Call Flow with Non-Routable Contact URI and AOR Failure.

use crate::cast::{Domain, Person};
use crate::rfc5589::scene::{PROXY, REUSING, TRANSFEREE, TRANSFEROR};
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::services::{Pattern, Rules, Screening};

/// What the target's Contact names: its proxy, under another name.
const CONTACT: &str = "client.chicago.example.com";

/// The target, whose Contact leads to the proxy.
const TARGET: Person = Person { contact_host: Some(CONTACT), ..REUSING[2] };

/// A proxy at which the target does not want to be called by the transferee.
const SCREENING_PROXY: Domain = Domain { rules: screens, ..PROXY };

fn screens() -> Vec<(&'static str, Rules)> {
    let deny_from = Pattern::parse("transferee@biloxi.example.com").into_iter().collect();
    let screening = Screening { deny_from, ..Screening::default() };
    vec![("target", Rules { screening, ..Rules::default() })]
}

/// The target's address does not let the transferee in, and so the transferor tries again with its Contact.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let [transferor, transferee] = [&REUSING[0], &REUSING[1]].map(|person| stage.person(person));
    stage.switchboard(&SCREENING_PROXY);
    let target = stage.person(&TARGET);
    for person in [TRANSFEREE, TRANSFEROR] {
        stage.name(person.domain, person.address);
    }
    stage.name(CONTACT, SCREENING_PROXY.address);
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
                     |                 |<-403------|                |
                     |                 |--ACK----->|                |
                     |<-NOTIFY 403-----|           |                |
                     |--200----------->|           |                |
                     |--REFER target-->|           |                |
                     |<-202------------|           |                |
                     |<-NOTIFY 100-----|           |                |
                     |                 |--INVITE-->|                |
                     |--200----------->|           |                |
                     |                 |           |--INVITE------->|
                     |                 |           |<-200-----------|
                     |                 |<-200------|                |
                     |                 |--ACK----->|                |
                     |<-NOTIFY 200-----|           |                |
                     |                 |           |--ACK---------->|
                     |--200----------->|           |                |
                     |--BYE----------->|           |                |
                     |                 |<==========audio===========>|
                     |<-200------------|           |                |
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
        crate::golden::agrees(&stage, "5589-fig10");
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
