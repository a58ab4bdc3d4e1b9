//! What an operator does while the two do something themselves.

use super::call;
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;

/// The operator and Bob hold at one moment (RFC 3261 §14.1): both come about, one after the other.
pub fn play_two_holds(stage: &Stage) -> [Phone<'_>; 2] {
    let ([alice, bob, _], switchboard) = call(stage);
    stage.at_once(|| {
        bob.holds(alice);
        stage.operates(switchboard, Operation::Hold);
    });
    stage.operator_learns(Outcome::Completed);
    bob.has_on_hold(alice);
    alice.is_held_by(bob, true);
    [alice, bob]
}

/// The operator ends the call while Alice holds Bob.
pub fn play_end_and_hold(stage: &Stage) -> [Phone<'_>; 2] {
    let ([alice, bob, _], switchboard) = call(stage);
    stage.at_once(|| {
        alice.holds(bob);
        stage.operates(switchboard, Operation::End);
    });
    stage.operator_learns(Outcome::Completed);
    alice.is_alone();
    bob.is_alone();
    [alice, bob]
}

/// Bob hangs up when the operator ends the call.
pub fn play_two_byes(stage: &Stage) -> [Phone<'_>; 2] {
    let ([alice, bob, _], switchboard) = call(stage);
    stage.at_once(|| {
        bob.hangs_up_on(alice);
        stage.operates(switchboard, Operation::End);
    });
    alice.is_alone();
    bob.is_alone();
    [alice, bob]
}

/// Bob transfers Alice himself after the operator has tried in vain: each REFER is known by its own number (RFC 3515
/// §2.4.6), and what Alice reports of Bob's reaches Bob.
pub fn play_refers(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, carol] = people;
    stage.operates(
        switchboard,
        Operation::Transfer { leaves: Some("bob".into()), to: "sip:nobody@chicago.example.com".into() },
    );
    stage.operator_learns(Outcome::TargetNotFound);
    stage.turn_page();
    bob.holds(alice);
    bob.has_on_hold(alice);
    bob.transfers(alice, carol);
    alice.is_referred_to(carol);
    carol.answers(alice);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    people
}

/// The operator has held them both, and Bob hands Alice over by himself and hangs up at once: what comes of it reaches him all
/// the same (RFC 5057 §4.1), with a number above those that he has seen in her name.
pub fn play_left(stage: &Stage) -> [Phone<'_>; 3] {
    let (people, switchboard) = call(stage);
    let [alice, bob, carol] = people;
    for operation in [Operation::Hold, Operation::Resume] {
        stage.operates(switchboard, operation);
        stage.operator_learns(Outcome::Completed);
    }
    stage.turn_page();
    bob.transfers(alice, carol);
    alice.is_referred_to(carol);
    bob.hangs_up_on(alice);
    carol.answers(alice);
    alice.is_answered();
    bob.is_alone();
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn two_holds() {
        let stage = Stage::still();
        play_two_holds(&stage);
        stage.drawn(
            "
                        alice  bob             proxy
                          |     |--INVITE hold-->|
                          |<-INVITE hold---------|
                          |     |<-491-----------|
                          |--200---------------->|
                          |     |--ACK---------->|
                          |<-ACK-----------------|
                          |     |<-INVITE hold---|
                          |     |--200---------->|
                          |     |<-ACK-----------|
                +0.58s    |     |--INVITE hold-->|
                          |<-INVITE hold---------|
                          |--200---------------->|
                          |     |<-200-----------|
                          |     |--ACK---------->|
                          |<-ACK-----------------|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn two_holds_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_two_holds(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn an_end_and_a_hold() {
        let stage = Stage::still();
        play_end_and_hold(&stage);
        stage.drawn(
            "
                alice  bob       proxy
                  |--INVITE hold-->|
                  |<-BYE-----------|
                  |     |<-BYE-----|
                  |<-481-----------|
                  |--200---------->|
                  |     |--200---->|
                  |--ACK---------->|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn an_end_and_a_hold_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_end_and_hold(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn two_byes_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_two_byes(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn one_refer_of_ours_and_one_of_theirs() {
        let stage = Stage::still();
        let [alice, _, carol] = play_refers(&stage);
        stage.drawn(
            "
                alice  bob             proxy       carol
                  |     |--INVITE hold-->|           |
                  |<-INVITE hold---------|           |
                  |--200---------------->|           |
                  |     |<-200-----------|           |
                  |     |--ACK---------->|           |
                  |<-ACK-----------------|           |
                  |     |--REFER carol-->|           |
                  |<-REFER carol---------|           |
                  |--202---------------->|           |
                  |--NOTIFY 100--------->|           |
                  |--INVITE------------->|           |
                  |     |<-202-----------|           |
                  |     |<-NOTIFY 100----|           |
                  |     |                |--INVITE-->|
                  |     |--200---------->|           |
                  |     |                |<-180------|
                  |<-200-----------------|           |
                  |<-180-----------------|           |
                  |     |                |<-200------|
                  |<-200-----------------|           |
                  |--ACK---------------->|           |
                  |--NOTIFY 200--------->|           |
                  |     |                |--ACK----->|
                  |     |<-NOTIFY 200----|           |
                  |<=============audio==============>|
                  |     |--200---------->|           |
                  |     |--BYE---------->|           |
                  |<-200-----------------|           |
                  |<-BYE-----------------|           |
                  |--200---------------->|           |
                  |     |<-200-----------|           |
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn what_comes_of_a_refer_after_the_bye_has_its_number() {
        let stage = Stage::still();
        let [alice, _, carol] = play_left(&stage);
        stage.drawn(
            "
                alice  bob             proxy       carol
                  |     |--REFER carol-->|           |
                  |<-REFER carol---------|           |
                  |--202---------------->|           |
                  |--NOTIFY 100--------->|           |
                  |--INVITE------------->|           |
                  |     |<-202-----------|           |
                  |     |<-NOTIFY 100----|           |
                  |     |                |--INVITE-->|
                  |     |--200---------->|           |
                  |     |                |<-180------|
                  |<-200-----------------|           |
                  |<-180-----------------|           |
                  |     |--BYE---------->|           |
                  |<-BYE-----------------|           |
                  |--200---------------->|           |
                  |     |<-200-----------|           |
                  |     |                |<-200------|
                  |<-200-----------------|           |
                  |--ACK---------------->|           |
                  |--NOTIFY 200--------->|           |
                  |     |                |--ACK----->|
                  |     |<-NOTIFY 200----|           |
                  |<=============audio==============>|
                  |     |--200---------->|           |
                  |<-200-----------------|           |
            ",
        );
        stage.talking([(alice, carol)]);
    }

    #[test]
    fn what_comes_of_a_refer_after_the_bye_in_a_storm() {
        for seed in storm_seeds() {
            play_left(&Stage::storm(seed));
        }
        for seed in storm_seeds() {
            play_left(&Stage::unbounded_storm(seed));
        }
    }

    #[test]
    fn one_refer_of_ours_and_one_of_theirs_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, _, carol] = play_refers(&stage);
            stage.talking([(alice, carol)]);
        }
    }
}
