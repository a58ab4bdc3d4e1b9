//! The kinds of transfer: how their calls are set up, and what everybody can do from the handing over on.

use super::verdict::{self, Consultation};
use super::{Cast, Deed, Kind, Party, Scene};
use crate::rfc5589::scene::{REUSING, TARGET, TRANSFEREE, TRANSFEROR, without_servers};
use crate::{Person, Phone, Stage};
use Party::{Target, Transferee, Transferor};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// Every kind that is explored.
pub const KINDS: &[Kind] = &[
    Kind { name: "unattended", sets_up: |stage| blind(called(stage, &REUSING)) },
    Kind { name: "unattended from hold", sets_up: |stage| blind(held(stage, &REUSING)) },
    Kind { name: "unattended on its own", sets_up: |stage| blind(held(stage, &ON_THEIR_OWN)) },
    Kind { name: "after a consultation", sets_up: |stage| blind(consulted(stage, &REUSING)) },
    Kind { name: "attended", sets_up: |stage| attended(stage, &REUSING) },
    Kind { name: "attended on its own", sets_up: |stage| attended(stage, &ON_THEIR_OWN) },
    Kind { name: "semi-attended", sets_up: semi_attended },
    Kind { name: "by message", sets_up: by_message },
    Kind { name: "bridged", sets_up: bridged },
    Kind { name: "held through a bridge", sets_up: held_through_a_bridge },
];

/// Whose REFERs have a dialog of their own (RFC 5589 §6.1).
const ON_THEIR_OWN: [Person; 3] = [TRANSFEROR, TRANSFEREE, TARGET];

/// The transferee calls the transferor.
fn called<'a>(stage: &'a Stage, people: &[Person; 3]) -> [Phone<'a>; 3] {
    without_servers(stage);
    let [transferor, transferee, target] = people.each_ref().map(|person| stage.person(person));
    transferee.dials(transferor);
    transferor.answers(transferee);
    transferee.is_answered();
    [transferor, transferee, target]
}

/// The same, and is put on hold, off which it has to be taken if it is not handed over.
fn held<'a>(stage: &'a Stage, people: &[Person; 3]) -> [Phone<'a>; 3] {
    let phones @ [transferor, transferee, _] = called(stage, people);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    phones
}

/// RFC 5589 §7.1: the target was asked, and the consultation is over.
fn consulted<'a>(stage: &'a Stage, people: &[Person; 3]) -> [Phone<'a>; 3] {
    let phones @ [transferor, _, target] = held(stage, people);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    transferor.hangs_up_on(target);
    target.is_alone();
    phones
}

/// RFC 5589 §6: the target is called, and the transferor does not know whether it wants that.
fn blind([transferor, transferee, target]: [Phone<'_>; 3]) -> Scene<'_> {
    let mut scene = of_transfer([transferor, transferee, target], Consultation::None);
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers(transferee, target));
    scene.rings_at_the_target(transferee);
    scene.everybody_may_leave();
    scene
}

/// RFC 5589 §7: the transferee takes the transferor's place in the call with the target.
fn attended<'a>(stage: &'a Stage, people: &[Person; 3]) -> Scene<'a> {
    let [transferor, transferee, target] = held(stage, people);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    transferor.holds(target);
    target.is_held_by(transferor, true);
    transferor.has_changed(target);
    let mut scene = of_transfer([transferor, transferee, target], Consultation::Up);
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers_to(transferee, target));
    scene.everybody_may_leave();
    scene.may_leave(Transferor, Target);
    scene.may_leave(Target, Transferor);
    scene
}

/// RFC 5589 §7.6, figure 11: the same while the target still rings; the transfer waits for its answer.
fn semi_attended(stage: &Stage) -> Scene<'_> {
    let [transferor, transferee, target] = held(stage, &REUSING);
    transferor.dials(target);
    transferor.hears_ringing();
    let mut scene = of_transfer([transferor, transferee, target], Consultation::Rings);
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers_to_ringing(transferee, target));
    scene.rings_at_the_target(transferor);
    scene.everybody_may_leave();
    scene.may_leave(Transferor, Target);
    scene.may_leave(Target, Transferor);
    scene
}

/// RFC 3725 §4: the transferor stays between the two, and only their sound goes straight.
fn bridged(stage: &Stage) -> Scene<'_> {
    let [transferor, transferee, target] = called(stage, &REUSING);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    let mut scene = of_transfer([transferor, transferee, target], Consultation::Stays);
    scene.usually(Transferor, Deed::HandsOver, move || transferor.bridges(transferee, target));
    for other in [Transferee, Target] {
        scene.may_leave(Transferor, other);
        scene.may_leave(other, Transferor);
        scene.may_hold(other, Transferor);
    }
    scene
}

/// The transferor has connected the two already, who hold each other through it.
fn held_through_a_bridge(stage: &Stage) -> Scene<'_> {
    let [transferor, transferee, target] = called(stage, &REUSING);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    transferor.bridges(transferee, target);
    transferor.learns(Outcome::Completed);
    let mut scene = of_transfer([transferor, transferee, target], Consultation::Stays);
    scene.usually_holds(Transferee, Transferor);
    scene.may_hold_and_resume(Target, Transferor);
    for other in [Transferee, Target] {
        scene.may_leave(Transferor, other);
        scene.may_leave(other, Transferor);
    }
    scene
}

/// RFC 5359 §2.6: the target gets a link, and takes the transferor's place in the call with the transferee.
fn by_message(stage: &Stage) -> Scene<'_> {
    let [transferor, transferee, target] = called(stage, &REUSING);
    let mut scene = of_transfer([transferor, transferee, target], Consultation::None);
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers_by_message(transferee, target));
    scene.usually(Target, Deed::FollowsLink, move || target.follows_link());
    scene.everybody_may_leave();
    scene
}

/// A transfer, in which the transferor has such a call with the target.
fn of_transfer([transferor, transferee, target]: [Phone<'_>; 3], consultation: Consultation) -> Scene<'_> {
    let cast = Cast::of([(Transferor, transferor), (Transferee, transferee), (Target, target)]);
    Scene::new(cast, Box::new(move |stage, cast, done| verdict::of(stage, cast, consultation, done)))
}

impl<'a> Scene<'a> {
    /// The target answers that caller, or is busy.
    fn rings_at_the_target(&mut self, caller: Phone<'a>) {
        let target = self.cast.phone(Target);
        self.usually(Target, Deed::Answers, move || target.answers(caller));
        self.may(Target, Deed::IsBusy, move || target.declines(caller, Status::BUSY_HERE));
    }

    /// Anybody may end what is up with the transferee or on its way to the target, the transferee may hold either, and
    /// who is called back answers.
    fn everybody_may_leave(&mut self) {
        let [transferor, transferee] = [Transferor, Transferee].map(|party| self.cast.phone(party));
        self.usually(Transferor, Deed::Answers, move || transferor.answers(transferee));
        self.may_leave(Transferor, Transferee);
        self.may_leave(Transferee, Transferor);
        self.may_leave(Transferee, Target);
        self.may_leave(Target, Transferee);
        self.may_hold(Transferee, Transferor);
        self.may_hold(Target, Transferee);
    }
}
