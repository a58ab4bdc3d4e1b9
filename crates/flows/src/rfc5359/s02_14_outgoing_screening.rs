//! RFC 5359 §2.14, Call Management (Outgoing Call Screening).

use crate::rfc5359::scene::{ALICE, PROXY};
use crate::{Domain, Phone, Stage};
use cordboard_service::services::{Pattern, Rules, Screening};
use cordboard_sip::Status;

/// Alice may not call Bob.
fn rules() -> Vec<(&'static str, Rules)> {
    let deny_to = Pattern::parse("bob@biloxi.example.com").into_iter().collect();
    vec![("alice", Rules { screening: Screening { deny_to, ..Screening::default() }, ..Rules::default() })]
}

/// Alice calls Bob, whom she may not call, and is refused once she has proved who she is.
pub fn play(stage: &Stage) -> [Phone<'_>; 1] {
    let alice = stage.person(&ALICE);
    stage.switchboard(&Domain { rules, challenges_calls: true, ..PROXY });
    alice.dials_address("sip:bob@biloxi.example.com");
    alice.hears(Status::FORBIDDEN);
    [alice]
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
                alice       proxy
                  |--INVITE-->|
                  |<-407------|
                  |--ACK----->|
                  |--INVITE-->|
                  |<-403------|
                  |--ACK----->|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.14");
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
