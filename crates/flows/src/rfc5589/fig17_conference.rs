//! RFC 5589 §9, figure 17, Attended Transfer as an Ad Hoc Conference.

use crate::rfc5589::scene::REUSING;
use crate::{Person, Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sip::body::conference_info::EndpointStatus;

const ALICE: Person = Person { name: "alice", user: "alice", ..REUSING[1] };
const BOB: Person = Person { name: "bob", user: "bob", ..REUSING[0] };
const CAROL: Person = Person { name: "carol", user: "carol", ..REUSING[2] };

/// Bob is the focus of a conference while he hands Alice over to Carol, so that both know how that stands.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let people = [ALICE, BOB, CAROL];
    let [alice, bob, carol] = people.each_ref().map(|person| stage.person(person));
    for person in people {
        stage.name(person.domain, person.address);
    }
    alice.dials(bob);
    bob.answers(alice);
    bob.hosts(alice);
    alice.is_held_by(bob, true);
    alice.watches_conference_of(bob);
    alice.sees(bob, EndpointStatus::Connected);
    bob.consults_in_conference_with(alice, carol);
    carol.answers(bob);
    carol.watches_conference_of(bob);
    carol.sees(alice, EndpointStatus::OnHold);
    alice.sees(carol, EndpointStatus::Connected);
    bob.holds(carol);
    alice.sees(carol, EndpointStatus::OnHold);
    bob.has_on_hold(carol);
    bob.transfers_to(alice, carol);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    alice.sees_nobody();
    carol.sees_nobody();
    [alice, bob, carol]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        let [alice, _, carol] = play(&stage);
        stage.talking([(alice, carol)]);
        stage.drawn(
            "
                        alice             bob             carol
                          |--INVITE------->|                |
                          |<-180-----------|                |
                          |<-200-----------|                |
                          |--ACK---------->|                |
                          |<====audio=====>|                |
                          |<-INVITE hold---|                |
                          |--200---------->|                |
                          |<-ACK-----------|                |
                          |--SUBSCRIBE---->|                |
                          |<-200-----------|                |
                          |<-NOTIFY--------|                |
                          |--200---------->|                |
                          |                |--INVITE------->|
                          |                |<-180-----------|
                          |                |<-200-----------|
                          |                |--ACK---------->|
                          |                |<====audio=====>|
                          |                |<-SUBSCRIBE-----|
                          |                |--200---------->|
                          |                |--NOTIFY------->|
                          |                |<-200-----------|
                +1.92s    |<-NOTIFY--------|                |
                          |--200---------->|                |
                          |                |--INVITE hold-->|
                          |                |<-200-----------|
                          |                |--ACK---------->|
                +3.97s    |<-NOTIFY--------|                |
                          |--200---------->|                |
                          |<-REFER carol---|                |
                          |--202---------->|                |
                          |--NOTIFY 100--->|                |
                          |--INVITE------------------------>|
                          |<-200-----------|                |
                          |<-200----------------------------|
                          |--ACK--------------------------->|
                          |--NOTIFY 200--->|                |
                          |<=============audio=============>|
                          |                |<-BYE-----------|
                          |<-200-----------|                |
                          |<-BYE-----------|                |
                          |<-NOTIFY--------|                |
                          |                |--NOTIFY------->|
                          |                |--200---------->|
                          |--200---------->|                |
                          |--200---------->|                |
                          |                |<-200-----------|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig17");
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
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
