//! RFC 5359 §2.13, Call Management (Incoming Call Screening).

use crate::rfc5359::scene::{ALICE, ANNOUNCER, BOB, PROXY};
use crate::{Domain, Person, Phone, Stage};
use cordboard_service::services::{Pattern, Rules, Screening};
use cordboard_sip::Status;

/// Bob's telephone takes what the proxy lets pass, and nothing else.
const SCREENED_BOB: Person = Person { screened_by: Some(("sip:ss1.example.com", PROXY.address)), ..BOB };

/// The proxy, to which no name of the two leads: who calls Bob reaches his telephone.
const SCREENING_PROXY: Domain = Domain {
    domains: &["example.com"],
    unlisted: &["biloxi.example.com", "atlanta.example.com"],
    challenges_calls: true,
    rules,
    announces: Some("sip:screen-fail-term-ann@ms.biloxi.example.com"),
    ..PROXY
};

/// Bob does not want to be called by Alice.
fn rules() -> Vec<(&'static str, Rules)> {
    let deny_from = Pattern::parse("alice@atlanta.example.com").into_iter().collect();
    vec![("bob", Rules { screening: Screening { deny_from, ..Screening::default() }, ..Rules::default() })]
}

/// Alice calls Bob, whose telephone sends her to the proxy, which refuses her; then she listens to why.
pub fn play(stage: &Stage) -> [Phone<'_>; 3] {
    let alice = stage.person(&Person { passwords: &[("example.com", "a1")], ..ALICE });
    stage.switchboard(&SCREENING_PROXY);
    let [bob, announcer] = [&SCREENED_BOB, &ANNOUNCER].map(|person| stage.person(person));
    for person in [BOB, ANNOUNCER] {
        stage.name(person.domain, person.address);
    }
    alice.dials(bob);
    alice.hears(Status::FORBIDDEN);
    alice.listens_to_why();
    alice.is_answered();
    alice.is_alone();
    announcer.is_alone();
    [alice, bob, announcer]
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
                        alice       proxy  bob  announcer
                          |--INVITE-------->|       |
                          |<-305------------|       |
                          |--ACK----------->|       |
                          |--INVITE-->|     |       |
                          |<-407------|     |       |
                          |--ACK----->|     |       |
                          |--INVITE-->|     |       |
                          |<-403------|     |       |
                          |--ACK----->|     |       |
                          |--INVITE---------------->|
                          |<-200--------------------|
                          |--ACK------------------->|
                          |<=========audio=========>|
                +4s       |<-BYE--------------------|
                          |--200------------------->|
            ",
        );
        crate::golden::agrees(&stage, "5359-2.13");
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
