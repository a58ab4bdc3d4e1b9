//! RFC 5359 §2.8, Call Forwarding - Busy.

use crate::rfc5359::scene::{ALICE, B1, B2, PROXY, at, bob_forwards};
use crate::{Domain, Phone, Stage};
use cordboard_service::services::{Forwarding, Rules};
use cordboard_sip::Status;

/// Bob's calls go to his other telephone while he is busy.
fn rules() -> Vec<(&'static str, Rules)> {
    let other = at("sip:bob@client2.biloxi.example.com");
    bob_forwards(Forwarding { busy: Some(other), ..Forwarding::default() })
}

/// Alice calls Bob, whose first telephone is busy, and reaches the second; then she hangs up.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { rules, ..PROXY });
    let [b1, b2] = [&B1, &B2].map(|person| stage.person(person));
    stage.name(B2.domain, B2.address);
    b1.registers();
    b1.refuses_calls(Status::BUSY_HERE);
    stage.turn_page();
    alice.dials(b1);
    b2.answers(alice);
    alice.hangs_up();
    b2.is_alone();
    [alice, b1, b2]
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
                alice       proxy        b1  b2
                  |--INVITE-->|           |   |
                  |           |--INVITE-->|   |
                  |           |<-486------|   |
                  |           |--ACK----->|   |
                  |<-181------|           |   |
                  |           |--INVITE------>|
                  |           |<-180----------|
                  |<-180------|           |   |
                  |           |<-200----------|
                  |<-200------|           |   |
                  |--ACK----->|           |   |
                  |           |--ACK--------->|
                  |<==========audio==========>|
                  |--BYE----->|           |   |
                  |           |--BYE--------->|
                  |           |<-200----------|
                  |<-200------|           |   |
            ",
        );
        crate::golden::agrees(&stage, "5359-2.8");
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
