//! The kinds of transfer: how their calls are set up, and what everybody can do from the handing over on.

use super::{Act, Consultation, Deed, Kind, Party, Scene};
use crate::rfc5359::scene::{ALICE, BOB, CAROL, without_servers};
use crate::{Phone, Stage};
use Party::{Target, Transferee, Transferor};
use cordboard_sip::Status;

/// Every kind that is explored.
pub const KINDS: &[Kind] = &[
    Kind { name: "unattended", sets_up: unattended },
    Kind { name: "unattended from hold", sets_up: from_hold },
    Kind { name: "after a consultation", sets_up: after_a_consultation },
    Kind { name: "attended", sets_up: attended },
];

/// Bob hands Alice over to Carol.
fn people(stage: &Stage) -> [Phone<'_>; 3] {
    without_servers(stage);
    let [alice, bob, carol] = [&ALICE, &BOB, &CAROL].map(|person| stage.person(person));
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    [bob, alice, carol]
}

/// RFC 5589 §6: the transferor hands over, and does not know whether the target wants it.
fn unattended(stage: &Stage) -> Scene<'_> {
    let phones = people(stage);
    stage.turn_page();
    blind(phones)
}

/// The same with the transferee on hold, which has to be taken off it if the target does not take it.
fn from_hold(stage: &Stage) -> Scene<'_> {
    let phones @ [transferor, transferee, _] = people(stage);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    stage.turn_page();
    blind(phones)
}

/// RFC 5589 §7.1: the target was asked, and the consultation is over.
fn after_a_consultation(stage: &Stage) -> Scene<'_> {
    let phones @ [transferor, transferee, target] = people(stage);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    transferor.hangs_up_on(target);
    target.is_alone();
    stage.turn_page();
    blind(phones)
}

/// RFC 5589 §7: the transferee takes the transferor's place in the call with the target.
fn attended(stage: &Stage) -> Scene<'_> {
    let [transferor, transferee, target] = people(stage);
    transferor.holds(transferee);
    transferee.is_held_by(transferor, true);
    transferor.dials(target);
    target.answers(transferor);
    transferor.is_answered();
    transferor.holds(target);
    target.is_held_by(transferor, true);
    transferor.has_changed(target);
    stage.turn_page();
    let mut scene =
        Scene { transferor, transferee, target, consultation: Consultation::Up, acts: Vec::new() };
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers_to(transferee, target));
    scene.everybody_may_leave();
    scene.may_leave(Transferor, Target);
    scene.may_leave(Target, Transferor);
    scene
}

/// A transfer to a target that is called.
fn blind([transferor, transferee, target]: [Phone<'_>; 3]) -> Scene<'_> {
    let mut scene =
        Scene { transferor, transferee, target, consultation: Consultation::None, acts: Vec::new() };
    scene.usually(Transferor, Deed::HandsOver, move || transferor.transfers(transferee, target));
    scene.usually(Target, Deed::Answers, move || target.answers(transferee));
    scene.may(Target, Deed::IsBusy, move || target.declines(transferee, Status::BUSY_HERE));
    scene.everybody_may_leave();
    scene
}

impl<'a> Scene<'a> {
    /// Somebody does this in the usual run.
    fn usually(&mut self, by: Party, deed: Deed, verb: impl Fn() + 'a) {
        self.acts.push(Act { by, deed, usual: true, verb: Box::new(verb) });
    }

    /// Somebody may do this.
    fn may(&mut self, by: Party, deed: Deed, verb: impl Fn() + 'a) {
        self.acts.push(Act { by, deed, usual: false, verb: Box::new(verb) });
    }

    fn may_leave(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.phone(one), self.phone(other));
        self.may(one, Deed::Leaves(one, other), move || by.gives_up_on(whom));
    }

    fn may_hold(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.phone(one), self.phone(other));
        self.may(one, Deed::Holds(one, other), move || by.holds(whom));
    }

    /// Anybody may end what is up with the transferee or on its way to the target, the transferee may hold either, and
    /// who is called back answers.
    fn everybody_may_leave(&mut self) {
        let (transferor, transferee) = (self.transferor, self.transferee);
        self.usually(Transferor, Deed::Answers, move || transferor.answers(transferee));
        self.may_leave(Transferor, Transferee);
        self.may_leave(Transferee, Transferor);
        self.may_leave(Transferee, Target);
        self.may_leave(Target, Transferee);
        self.may_hold(Transferee, Transferor);
        self.may_hold(Target, Transferee);
    }
}
