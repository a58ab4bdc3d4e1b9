//! An operator hands a call over: Alice is asked in Bob's name to call Carol, and he leaves.

use super::call;
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;
use cordboard_sip::Status;

fn to_carol() -> Operation {
    Operation::Transfer { leaves: Some("bob".into()), to: "sip:carol@chicago.example.com".into() }
}

/// Carol takes it.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, carol] = people;
    stage.operates(switchboard, to_carol());
    alice.is_referred_to(carol);
    carol.answers(alice);
    stage.operator_learns(Outcome::Completed);
    bob.is_alone();
    people
}

/// Carol is busy: the two have each other, and what they do afterwards fits.
pub fn play_busy(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, carol] = people;
    carol.refuses_calls(Status::BUSY_HERE);
    stage.operates(switchboard, to_carol());
    stage.operator_learns(Outcome::TargetBusy);
    // Bob's first request of this call, where Alice has seen one in his name.
    bob.holds(alice);
    bob.has_on_hold(alice);
    bob.resumes(alice);
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, carol] = play(&stage);
        stage.drawn(
            "
                alice  bob       proxy       carol
                  |<-REFER carol---|           |
                  |--202---------->|           |
                  |--NOTIFY 100--->|           |
                  |--INVITE------->|           |
                  |<-200-----------|           |
                  |     |          |--INVITE-->|
                  |     |          |<-180------|
                  |<-180-----------|           |
                  |     |          |<-200------|
                  |<-200-----------|           |
                  |--ACK---------->|           |
                  |--NOTIFY 200--->|           |
                  |     |          |--ACK----->|
                  |<-BYE-----------|           |
                  |     |<-BYE-----|           |
                  |<-200-----------|           |
                  |<==========audio===========>|
                  |--200---------->|           |
                  |     |--200---->|           |
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn to_somebody_who_is_busy() {
        let stage = Stage::still();
        let [alice, bob, _] = play_busy(&stage);
        stage.drawn(
            "
                alice       bob             proxy       carol
                  |<-REFER carol--------------|           |
                  |--202--------------------->|           |
                  |--NOTIFY 100-------------->|           |
                  |--INVITE------------------>|           |
                  |<-200----------------------|           |
                  |          |                |--INVITE-->|
                  |          |                |<-486------|
                  |          |                |--ACK----->|
                  |<-486----------------------|           |
                  |--ACK--------------------->|           |
                  |--NOTIFY 486-------------->|           |
                  |<-200----------------------|           |
                  |          |--INVITE hold-->|           |
                  |<-INVITE hold--------------|           |
                  |--200--------------------->|           |
                  |          |<-200-----------|           |
                  |          |--ACK---------->|           |
                  |<-ACK----------------------|           |
                  |          |--INVITE------->|           |
                  |<-INVITE-------------------|           |
                  |--200--------------------->|           |
                  |          |<-200-----------|           |
                  |          |--ACK---------->|           |
                  |<-ACK----------------------|           |
                  |<=audio==>|                |           |
            ",
        );
        stage.talking([(alice, bob)]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, carol] = play(&stage);
            stage.talking([(alice, carol)]);
        }
    }

    #[test]
    fn to_somebody_who_is_busy_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob, _] = play_busy(&stage);
            stage.talking([(alice, bob)]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
