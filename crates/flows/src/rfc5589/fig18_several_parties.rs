//! RFC 5589 §9, figure 18, Transfer with Multiple Parties Example.

use crate::rfc5589::scene::{TARGET, TRANSFEREE, TRANSFEROR};
use crate::{Person, Phone, Stage};
use cordboard_ladder::Outcome;

const ORIGINATOR: Person = Person { name: "originator", user: "originator", ..TRANSFEREE };
const FACILITATOR: Person = Person { name: "facilitator", user: "facilitator", ..TRANSFEROR };
const SCREENER: Person =
    Person { name: "screener", user: "screener", address: 104, domain: "dallas.example.com", ..TRANSFEREE };
const RECIPIENT: Person = Person { name: "recipient", user: "recipient", ..TARGET };

/// The originator calls the facilitator, who asks the screener, who asks the recipient; each hands the one before on
/// to the recipient.
pub fn play(stage: &Stage) -> [Phone<'_>; 4] {
    let people = [ORIGINATOR, FACILITATOR, SCREENER, RECIPIENT];
    let [originator, facilitator, screener, recipient] = people.each_ref().map(|person| stage.person(person));
    for person in people {
        stage.name(person.domain, person.address);
    }
    originator.dials(facilitator);
    facilitator.answers(originator);
    facilitator.holds(originator);
    originator.is_held_by(facilitator, true);
    facilitator.dials(screener);
    screener.answers(facilitator);
    screener.holds(facilitator);
    facilitator.is_held_by(screener, true);
    screener.dials(recipient);
    recipient.answers(screener);
    screener.holds(recipient);
    recipient.is_held_by(screener, true);
    screener.has_changed(recipient);
    screener.transfers(facilitator, recipient);
    recipient.answers(facilitator);
    screener.learns(Outcome::Completed);
    screener.hangs_up_on(recipient);
    screener.is_alone();
    facilitator.holds(recipient);
    recipient.is_held_by(facilitator, true);
    facilitator.has_changed(recipient);
    facilitator.transfers(originator, recipient);
    recipient.answers(originator);
    facilitator.learns(Outcome::Completed);
    facilitator.hangs_up_on(recipient);
    facilitator.is_alone();
    recipient.hangs_up_on(originator);
    originator.is_alone();
    [originator, facilitator, screener, recipient]
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
                originator           facilitator           screener         recipient
                     |--INVITE----------->|                    |                |
                     |<-180---------------|                    |                |
                     |<-200---------------|                    |                |
                     |--ACK-------------->|                    |                |
                     |<======audio=======>|                    |                |
                     |<-INVITE hold-------|                    |                |
                     |--200-------------->|                    |                |
                     |<-ACK---------------|                    |                |
                     |                    |--INVITE----------->|                |
                     |                    |<-180---------------|                |
                     |                    |<-200---------------|                |
                     |                    |--ACK-------------->|                |
                     |                    |<======audio=======>|                |
                     |                    |<-INVITE hold-------|                |
                     |                    |--200-------------->|                |
                     |                    |<-ACK---------------|                |
                     |                    |                    |--INVITE------->|
                     |                    |                    |<-180-----------|
                     |                    |                    |<-200-----------|
                     |                    |                    |--ACK---------->|
                     |                    |                    |<====audio=====>|
                     |                    |                    |--INVITE hold-->|
                     |                    |                    |<-200-----------|
                     |                    |                    |--ACK---------->|
                     |                    |<-REFER recipient---|                |
                     |                    |--202-------------->|                |
                     |                    |--NOTIFY 100------->|                |
                     |                    |--INVITE---------------------------->|
                     |                    |<-200---------------|                |
                     |                    |<-180--------------------------------|
                     |                    |<-200--------------------------------|
                     |                    |--ACK------------------------------->|
                     |                    |--NOTIFY 200------->|                |
                     |                    |<===============audio===============>|
                     |                    |<-200---------------|                |
                     |                    |<-BYE---------------|                |
                     |                    |--200-------------->|                |
                     |                    |                    |--BYE---------->|
                     |                    |                    |<-200-----------|
                     |                    |--INVITE hold----------------------->|
                     |                    |<-200--------------------------------|
                     |                    |--ACK------------------------------->|
                     |<-REFER recipient---|                    |                |
                     |--202-------------->|                    |                |
                     |--NOTIFY 100------->|                    |                |
                     |--INVITE------------------------------------------------->|
                     |<-200---------------|                    |                |
                     |<-180-----------------------------------------------------|
                     |<-200-----------------------------------------------------|
                     |--ACK---------------------------------------------------->|
                     |--NOTIFY 200------->|                    |                |
                     |<=========================audio==========================>|
                     |<-200---------------|                    |                |
                     |<-BYE---------------|                    |                |
                     |--200-------------->|                    |                |
                     |                    |--BYE------------------------------->|
                     |                    |<-200--------------------------------|
                     |<-BYE-----------------------------------------------------|
                     |--200---------------------------------------------------->|
            ",
        );
        crate::golden::agrees(&stage, "5589-fig18");
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
