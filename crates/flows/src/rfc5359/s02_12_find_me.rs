//! RFC 5359 §2.12, Find-Me.

use crate::rfc5359::scene::{ALICE, B1, B2, B3, B4, PROXY, RINGS, at};
use crate::{Domain, Phone, Stage};
use cordboard_service::services::{FindMe, Place, Rules, Step};
use cordboard_sip::Status;
use std::time::Duration;

/// At the last place it rings until he is there, whatever the network does to the INVITE.
const LAST_RINGS: Duration = Duration::from_mins(1);

/// Bob is looked for at four places, one after the other.
fn rules() -> Vec<(&'static str, Rules)> {
    let elsewhere = [B2, B3, B4].map(|person| at(&format!("sip:{}@{}", person.user, person.domain)));
    let places = std::iter::once(Place::User("bob".into())).chain(elsewhere);
    let mut steps: Vec<Step> = places.map(|place| Step { places: vec![place], rings: RINGS }).collect();
    if let Some(last) = steps.last_mut() {
        last.rings = LAST_RINGS;
    }
    vec![("bob", Rules { find_me: FindMe { steps }, ..Rules::default() })]
}

/// Alice calls Bob. Nobody answers his first telephone, he is not logged in at the second, the third is busy, and he
/// answers the fourth; then he hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 5] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { rules, ..PROXY });
    let [b1, b2, b3, b4] = [&B1, &B2, &B3, &B4].map(|person| stage.person(person));
    for elsewhere in [B2, B3, B4] {
        stage.name(elsewhere.domain, elsewhere.address);
    }
    b1.registers();
    b2.refuses_calls(Status::TEMPORARILY_UNAVAILABLE);
    b3.refuses_calls(Status::BUSY_HERE);
    stage.turn_page();
    alice.dials(b1);
    b4.answers(alice);
    b1.is_alone();
    alice.is_answered();
    b4.hangs_up();
    alice.is_alone();
    [alice, b1, b2, b3, b4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.drawn(
            "
                        alice       proxy        b1  b2  b3  b4
                          |--INVITE-->|           |   |   |   |
                          |           |--INVITE-->|   |   |   |
                          |           |<-180------|   |   |   |
                          |<-180------|           |   |   |   |
                +2.98s    |           |--CANCEL-->|   |   |   |
                          |           |<-200------|   |   |   |
                          |           |<-487------|   |   |   |
                          |           |--ACK----->|   |   |   |
                          |           |--INVITE------>|   |   |
                          |           |<-480----------|   |   |
                          |           |--ACK--------->|   |   |
                          |           |--INVITE---------->|   |
                          |           |<-486--------------|   |
                          |           |--ACK------------->|   |
                          |           |--INVITE-------------->|
                          |           |<-180------------------|
                          |<-180------|           |   |   |   |
                          |           |<-200------------------|
                          |<-200------|           |   |   |   |
                          |--ACK----->|           |   |   |   |
                          |           |--ACK----------------->|
                          |<==============audio==============>|
                          |           |<-BYE------------------|
                          |<-BYE------|           |   |   |   |
                          |--200----->|           |   |   |   |
                          |           |--200----------------->|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.12");
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
