//! The services of RFC 5359 under the explorer: how their calls are set up, and what everybody can do from then on.

use super::verdict::services as verdict;
use super::{Cast, Deed, Kind, Party, Scene};
use crate::phone::Phone;
use crate::rfc5359::scene::{
    ALICE, B1, B2, B3, B4, BILL, BOB, CAROL, GROUP, PARK, PROXY, at, bob_forwards, with_server,
    without_servers,
};
use crate::{Domain, Person, Stage};
use Party::{Another, Callee, Caller, Colleague, Server};
use cordboard_service::services::{FindMe, Forwarding, NoAnswer, Place, Rules, Step};
use cordboard_sip::Status;
use std::time::Duration;

/// Every service that is explored.
pub const SERVICES: &[Kind] = &[
    Kind { name: "park", sets_up: park },
    Kind { name: "pickup", sets_up: pickup },
    Kind { name: "join", sets_up: join },
    Kind { name: "forwarding", sets_up: forwarding },
    Kind { name: "find-me", sets_up: find_me },
];

/// How long a telephone rings before the proxy looks elsewhere: shorter than what may be overtaken
/// ([`cordboard_sim::order::WINDOW`]), so that answers and the end of the ringing cross each other.
const RINGS: Duration = Duration::from_millis(700);

/// Bob's telephone, at which his group may pick up and join.
const GROUPED_BOB: Person = Person { group: Some(GROUP), ..BOB };

/// RFC 5359 §2.15: the callee parks the caller, and two colleagues and the callee want the caller back.
fn park(stage: &Stage) -> Scene<'_> {
    let [alice, bob, park, carol, bill] =
        [&ALICE, &BOB, &PARK, &CAROL, &BILL].map(|person| stage.person(person));
    with_server(stage, &PARK);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    let cast =
        Cast::of([(Caller, alice), (Callee, bob), (Server, park), (Colleague, carol), (Another, bill)]);
    let mut scene = Scene::new(cast, Box::new(verdict::parked));
    scene.usually(Callee, Deed::Parks, move || bob.parks(alice, park));
    scene.usually(Colleague, Deed::Retrieves, move || carol.retrieves_from(park));
    scene.may(Another, Deed::Retrieves, move || bill.retrieves_from(park));
    scene.may(Callee, Deed::TakesBack, move || bob.takes_back(alice));
    scene.may(Callee, Deed::GivesUp, move || bob.gives_up_on(alice));
    scene.may_give_up(Caller);
    scene.may_give_up(Colleague);
    scene
}

/// RFC 5359 §2.16: a call rings at the callee's, and two colleagues pick it up.
fn pickup(stage: &Stage) -> Scene<'_> {
    let [alice, bob, bill, carol] = [&ALICE, &GROUPED_BOB, &BILL, &CAROL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.is_called_by(alice);
    alice.hears_ringing();
    let cast = Cast::of([(Caller, alice), (Callee, bob), (Colleague, bill), (Another, carol)]);
    let mut scene = Scene::new(cast, Box::new(verdict::reached));
    scene.usually(Colleague, Deed::PicksUp, move || bill.picks_up_from(bob));
    scene.may(Another, Deed::PicksUp, move || carol.picks_up_from(bob));
    scene.may_take(Callee, alice);
    for party in [Caller, Colleague] {
        scene.may_give_up(party);
    }
    scene
}

/// RFC 5359 §2.11: caller and callee talk, and a colleague joins them.
fn join(stage: &Stage) -> Scene<'_> {
    let [alice, bob, carol, bill] = [&ALICE, &GROUPED_BOB, &CAROL, &BILL].map(|person| stage.person(person));
    without_servers(stage);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    bob.tells_what_names(alice);
    let cast = Cast::of([(Caller, alice), (Callee, bob), (Colleague, carol), (Another, bill)]);
    let mut scene = Scene::new(cast, Box::new(verdict::joined));
    scene.usually(Colleague, Deed::Joins, move || carol.joins_as_told_by(bob));
    scene.may(Another, Deed::Joins, move || bill.joins_as_told_by(bob));
    for (one, other) in [(Caller, Callee), (Callee, Caller), (Callee, Colleague), (Colleague, Callee)] {
        scene.may_leave(one, other);
    }
    scene.may_hold(Caller, Callee);
    scene.may_hold(Callee, Caller);
    scene
}

/// The callee's calls go elsewhere when the telephone is busy, and when nobody answers it for a moment.
fn forwards() -> Vec<(&'static str, Rules)> {
    let elsewhere = at("sip:bob@client2.biloxi.example.com");
    let no_answer = Some(NoAnswer { to: elsewhere.clone(), after: RINGS });
    bob_forwards(Forwarding { busy: Some(elsewhere), no_answer, ..Forwarding::default() })
}

/// RFC 5359 §2.8 and §2.9: the callee's telephone answers, is busy, or is not answered in time.
fn forwarding(stage: &Stage) -> Scene<'_> {
    let alice = stage.person(&ALICE);
    let proxy = stage.switchboard(&Domain { rules: forwards, ..PROXY });
    let [b1, b2] = [&B1, &B2].map(|person| stage.person(person));
    stage.name(B2.domain, B2.address);
    b1.registers();
    let cast = Cast::of([(Caller, alice), (Callee, b1), (Colleague, b2)]);
    let mut scene = Scene::new(cast, Box::new(verdict::reached));
    scene.proxy = Some(proxy);
    scene.usually(Caller, Deed::Dials, move || alice.dials(b1));
    scene.may_take(Callee, alice);
    scene.usually(Colleague, Deed::Answers, move || b2.answers(alice));
    scene.may(Colleague, Deed::IsBusy, move || b2.declines(alice, Status::BUSY_HERE));
    for party in [Caller, Callee, Colleague] {
        scene.may_give_up(party);
    }
    scene
}

/// The callee is looked for at one telephone, and then at two others.
fn looks_for() -> Vec<(&'static str, Rules)> {
    let elsewhere = [B3, B4].map(|person| at(&format!("sip:{}@{}", person.user, person.domain)));
    let own = Place::User("bob".into());
    let steps = vec![
        Step { places: vec![own], rings: RINGS },
        Step { places: elsewhere.to_vec(), rings: Duration::from_mins(1) },
    ];
    vec![("bob", Rules { find_me: FindMe { steps }, ..Rules::default() })]
}

/// RFC 5359 §2.12: in sequence, and then in parallel; any of them may answer, be busy, or want no more calls at all.
fn find_me(stage: &Stage) -> Scene<'_> {
    let alice = stage.person(&ALICE);
    let proxy = stage.switchboard(&Domain { rules: looks_for, ..PROXY });
    let [b1, b3, b4] = [&B1, &B3, &B4].map(|person| stage.person(person));
    for elsewhere in [B3, B4] {
        stage.name(elsewhere.domain, elsewhere.address);
    }
    b1.registers();
    let cast = Cast::of([(Caller, alice), (Callee, b1), (Colleague, b3), (Another, b4)]);
    let mut scene = Scene::new(cast, Box::new(verdict::reached));
    scene.proxy = Some(proxy);
    scene.usually(Caller, Deed::Dials, move || alice.dials(b1));
    for party in [Callee, Colleague] {
        scene.may_take(party, alice);
    }
    scene.usually(Another, Deed::Answers, move || b4.answers(alice));
    scene.may(Another, Deed::IsBusy, move || b4.declines(alice, Status::BUSY_HERE));
    scene.may(Colleague, Deed::Declines, move || b3.declines(alice, Status::DECLINE));
    scene.may_give_up(Caller);
    scene
}

impl<'a> Scene<'a> {
    /// Whoever rings may be answered by this party, or find it busy.
    fn may_take(&mut self, party: Party, caller: Phone<'a>) {
        let callee = self.cast.phone(party);
        self.may(party, Deed::Answers, move || callee.answers(caller));
        self.may(party, Deed::IsBusy, move || callee.declines(caller, Status::BUSY_HERE));
    }

    /// Somebody may end the call that it has, or tries to have.
    fn may_give_up(&mut self, party: Party) {
        let phone = self.cast.phone(party);
        self.may(party, Deed::GivesUp, move || phone.thinks_better_of_it());
    }
}
