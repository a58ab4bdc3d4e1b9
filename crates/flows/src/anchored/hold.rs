//! An operator holds both sides of a call, and takes them off hold.

use super::call;
use crate::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_service::operate::Operation;

/// The operator holds Alice and Bob.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let ([alice, bob, _], switchboard) = call(stage);
    stage.operates(switchboard, Operation::Hold);
    stage.operator_learns(Outcome::Completed);
    alice.is_held_by(bob, true);
    bob.is_held_by(alice, true);
    stage.turn_page();
    stage.operates(switchboard, Operation::Resume);
    stage.operator_learns(Outcome::Completed);
    [alice, bob]
}

/// Afterwards the two hold each other as ever, and hang up.
pub fn play_on(stage: &Stage) -> [Phone<'_>; 2] {
    let people = play(stage);
    let [alice, bob] = people;
    alice.is_held_by(bob, false);
    bob.is_held_by(alice, false);
    stage.turn_page();
    bob.holds(alice);
    bob.has_on_hold(alice);
    bob.resumes(alice);
    alice.is_held_by(bob, false);
    alice.holds(bob);
    alice.has_on_hold(bob);
    alice.hangs_up_on(bob);
    bob.is_alone();
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::Part;
    use crate::{judge, storm_seeds};
    use cordboard_sip::header::ViaRef;
    use cordboard_sip::{Method, Name, View};
    use std::collections::BTreeMap;

    #[test]
    fn both_are_off_hold_again() {
        let stage = Stage::still();
        let [alice, bob] = play(&stage);
        stage.drawn(
            "
                alice       bob        proxy
                  |<-INVITE--------------|
                  |--200---------------->|
                  |<-ACK-----------------|
                  |          |<-INVITE---|
                  |          |--200----->|
                  |          |<-ACK------|
                  |<=audio==>|           |
            ",
        );
        stage.talking([(alice, bob)]);
    }

    /// Each counts as if nobody had said anything in between, and nobody sees a gap.
    #[test]
    fn what_follows_fits() {
        let stage = Stage::still();
        play_on(&stage);
        stage.drawn(
            "
                alice       bob             proxy
                  |          |--INVITE hold-->|
                  |<-INVITE hold--------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |          |--INVITE------->|
                  |<-INVITE-------------------|
                  |--200--------------------->|
                  |          |<-200-----------|
                  |          |--ACK---------->|
                  |<-ACK----------------------|
                  |<=audio==>|                |
                  |--INVITE hold------------->|
                  |          |<-INVITE hold---|
                  |          |--200---------->|
                  |<-200----------------------|
                  |--ACK--------------------->|
                  |          |<-ACK-----------|
                  |--BYE--------------------->|
                  |          |<-BYE-----------|
                  |          |--200---------->|
                  |<-200----------------------|
            ",
        );
        stage.talking([]);
    }

    /// Each side's requests go on with other numbers than their own, and each gets its responses with its own (RFC 3261
    /// §8.2.6.2). Telephones know a response by its branch, and would not mind; so this looks at the wire.
    #[test]
    fn each_side_is_answered_by_its_own_numbers() {
        let stage = Stage::still();
        play_on(&stage);
        let observed = stage.observed();
        let flow = observed.messages.iter().filter(|message| message.stage == Part::Flow);
        let mut raised = BTreeMap::new();
        let mut numbers: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for message in flow {
            let view = View::parse(&message.bytes).expect("a telephone wrote it");
            let (number, method) = view.cseq();
            if !view.is_request() || method == Method::Ack {
                continue;
            }
            if message.to == "proxy" {
                numbers.entry(&message.from).or_default().push(number);
                raised.insert(view.top_via().branch, number);
            } else {
                let below = view.values(Name::VIA).nth(1).expect("it was passed on");
                let below = ViaRef::parse(below.text).expect("it has a branch");
                assert!(raised[&below.branch()] < number, "{}", view.method_text());
            }
        }
        assert_eq!(numbers, BTreeMap::from([("alice", vec![2, 3]), ("bob", vec![1, 2])]));
        assert_eq!(judge::numbers(&observed), []);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            let [alice, bob] = play(&stage);
            stage.talking([(alice, bob)]);
        }
    }

    #[test]
    fn what_follows_fits_in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play_on(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play_on(&Stage::unbounded_storm(seed));
        }
    }
}
