//! Call park (RFC 5359 §2.15): who may, what becomes of whoever waits, and telephones that do not know everything.

use crate::pair::World;
use cordboard_ladder::{Kind, Outcome};
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Feature, Group, Park, Secret, Server, Service, Success, Telephone};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_sip::Status;
use cordboard_sip::body::dialog_info::State;
use std::time::Duration;

/// How long a call waits in these tests.
const PATIENCE: Duration = Duration::from_mins(2);

/// Bob's call with alice.
const OURS: CallName = CallName(1);

/// Another call of whoever makes one.
const NEW: CallName = CallName(9);

pub(crate) const REALM: &str = "work.test";

/// A telephone that others find by its name. Members of the group know its secret.
pub(crate) fn at_home(name: &str, secret: Option<&str>) -> Telephone {
    let passwords = secret.map(|secret| (REALM.into(), Secret(secret.into())));
    Telephone {
        user: name.into(),
        domain: format!("{name}.test").into(),
        passwords: passwords.into_iter().collect(),
        ..Telephone::default()
    }
}

pub(crate) fn group() -> Group {
    Group { realm: REALM.into(), secret: Secret("w1".into()) }
}

fn park(slots: &[&str]) -> Server {
    let slots = slots.iter().map(|slot| (*slot).into()).collect();
    let telephone = Telephone { group: Some(group()), ..at_home("park", None) };
    Server::new(telephone, Service::Park(Park { slots, rings_back_after: PATIENCE }))
}

struct Scene {
    world: World,
    alice: usize,
    bob: usize,
    carol: usize,
}

impl Scene {
    fn new() -> Self {
        Self::with(at_home("alice", None), at_home("carol", Some("w1")), park(&["701", "702"]))
    }

    /// Bob talks with alice, who is not in his group.
    fn with(alice: Telephone, carol: Telephone, server: Server) -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", alice, 1);
        let bob = world.phone("bob", at_home("bob", Some("w1")), 1);
        let carol = world.phone("carol", carol, 1);
        world.server("park", server);
        world.talk(bob, alice);
        Self { world, alice, bob, carol }
    }

    fn asks_to_park(&mut self, at: &str) {
        self.world.press(self.bob, CallAction::Park { call: OURS, at: format!("sip:{at}@park.test").into() });
    }

    /// Alice waits in a slot.
    fn parked(mut self) -> Self {
        self.asks_to_park("park");
        let parked = self.world.wait(self.bob, |event| matches!(event, CallEvent::Parked { .. }));
        let at = Some("sip:701@park.test".into());
        assert_eq!(parked, CallEvent::Parked { call: OURS, at }, "the server says where");
        self.world.wait(self.bob, |event| matches!(event, CallEvent::Ended { call: OURS, .. }));
        self.world.wait(self.alice, |event| matches!(event, CallEvent::Established(_)));
        self.world.wait(self.alice, |event| matches!(event, CallEvent::HeldByPeer(_, true)));
        self
    }

    fn outcome(&mut self) -> (Outcome, Option<Status>) {
        let told = self.world.wait(self.bob, |event| matches!(event, CallEvent::Transferred { .. }));
        let CallEvent::Transferred { kind: Kind::Park, outcome, status, .. } = told else {
            panic!("{told:?}")
        };
        (outcome, status)
    }

    /// Alice has one call, and that is with this telephone; then all hang up, and nothing is left.
    #[track_caller]
    fn ends_with(mut self, who: usize, theirs: CallName) {
        self.world.wait(who, |event| *event == CallEvent::Established(theirs));
        self.world.pass(Duration::from_mins(1));
        self.world.press(who, CallAction::HangUp(theirs));
        let ended = |event: &CallEvent| matches!(event, CallEvent::Ended { call, .. } if *call == theirs);
        let ended = self.world.wait(who, ended);
        assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Answered, by_peer: false, .. }));
        self.world.settle();
    }
}

/// RFC 5359 §2.15: whoever parked is called, and takes the call back over.
#[test]
fn whoever_is_forgotten_is_brought_back() {
    let mut scene = Scene::new().parked();
    let rings = CallName::incoming(0);
    // Once bob does not want to; alice goes on waiting.
    for answers in [false, true] {
        let before = scene.world.now;
        let incoming = scene.world.wait(scene.bob, |event| matches!(event, CallEvent::Incoming { .. }));
        assert!(scene.world.now.since(before) + Duration::from_secs(5) > PATIENCE);
        let CallEvent::Incoming { call, .. } = incoming else { unreachable!("waited for it") };
        if answers {
            assert_ne!(call, rings);
            scene.world.press(scene.bob, CallAction::Answer(call));
        } else {
            scene.world.press(scene.bob, CallAction::Decline(call, Status::BUSY_HERE));
        }
    }
    let referred = scene.world.wait(scene.bob, |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = referred else { unreachable!("waited for it") };
    let bob = scene.bob;
    scene.ends_with(bob, new);
}

/// A telephone that knows no SUBSCRIBE and no Replaces of its own dials the slot.
#[test]
fn whoever_dials_the_slot_gets_the_parkee() {
    let mut scene = Scene::new().parked();
    let to = "sip:701@park.test".into();
    scene.world.press(scene.carol, CallAction::Dial { call: NEW, to, offer: true });
    let referred = scene.world.wait(scene.carol, |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = referred else { unreachable!("waited for it") };
    let carol = scene.carol;
    scene.ends_with(carol, new);
}

/// Nor does it need to know REFER: the server stays between the two.
#[test]
fn a_telephone_that_knows_no_refer_gets_the_parkee_by_a_bridge() {
    let mut carol = at_home("carol", Some("w1"));
    carol.transfers.lacks = vec![Feature::Refer, Feature::Replaces];
    // Nor does alice, once she waits; or else she would be the one who is asked.
    let mut alice = at_home("alice", None);
    alice.transfers.lacks = vec![Feature::Refer];
    let mut scene = Scene::with(alice, carol, park(&["701"])).parked();
    let to = "sip:701@park.test".into();
    scene.world.press(scene.carol, CallAction::Dial { call: NEW, to, offer: true });
    scene.world.wait(scene.carol, |event| *event == CallEvent::Established(NEW));
    // Both hear each other from then on.
    let both = |event: &CallEvent| matches!(event, CallEvent::Media(_, path) if path.sends && path.receives);
    let CallEvent::Media(_, path) = scene.world.wait(scene.carol, both) else {
        unreachable!("waited for it")
    };
    assert_eq!(path.remote.ip(), scene.world.address(scene.alice).ip());
    scene.world.press(scene.carol, CallAction::HangUp(NEW));
    scene.world.wait(scene.alice, |event| matches!(event, CallEvent::Ended { by_peer: true, .. }));
    scene.world.settle();
}

/// Whoever has taken a call through a bridge hands it over as any other: the REFER ended at the server, which kept the target
/// for itself and let the parkee go. As whom the server acts is not for them to say.
#[test]
fn whoever_has_taken_a_parked_call_could_not_transfer_it() {
    let mut carol = at_home("carol", Some("w1"));
    carol.transfers.lacks = vec![Feature::Refer, Feature::Replaces];
    let mut alice = at_home("alice", None);
    alice.transfers.lacks = vec![Feature::Refer];
    let mut scene = Scene::with(alice, carol, park(&["701"])).parked();
    let dave = scene.world.phone("dave", at_home("dave", None), 1);
    let to = "sip:701@park.test".into();
    scene.world.press(scene.carol, CallAction::Dial { call: NEW, to, offer: true });
    scene.world.wait(scene.carol, |event| *event == CallEvent::Established(NEW));
    scene.world.pass(Duration::from_secs(5));
    scene.world.press(scene.carol, CallAction::Transfer { call: NEW, to: "sip:dave@dave.test".into() });
    let incoming = scene.world.wait(dave, |event| matches!(event, CallEvent::Incoming { .. }));
    let CallEvent::Incoming { call, referred_by, .. } = incoming else { unreachable!("waited for it") };
    assert_eq!(referred_by, None, "nobody has vouched for carol");
    scene.world.press(dave, CallAction::Answer(call));
    let told = scene.world.wait(scene.carol, |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(matches!(told, CallEvent::Transferred { outcome: Outcome::Completed, .. }), "{told:?}");
    let alices = scene.world.address(scene.alice).ip();
    scene.world.wait(dave, |event| matches!(event, CallEvent::Media(_, path) if path.remote.ip() == alices));
    scene.world.pass(Duration::from_mins(1));
    scene.world.press(dave, CallAction::HangUp(call));
    scene.world.wait(scene.alice, |event| matches!(event, CallEvent::Ended { by_peer: true, .. }));
    scene.world.settle();
}

/// Whoever gave the call away takes it back with what the report said of the dialog; if it said nothing, by asking.
#[test]
fn a_server_that_tells_no_dialog_is_asked_for_it() {
    for tells in [true, false] {
        let mut server = park(&["701"]);
        server.telephone.transfers.success = if tells { Success::Dialog } else { Success::Status };
        let mut scene = Scene::with(at_home("alice", None), at_home("carol", None), server);
        scene.asks_to_park("park");
        assert_eq!(scene.outcome().0, Outcome::Completed);
        scene.world.wait(scene.alice, |event| matches!(event, CallEvent::HeldByPeer(_, true)));
        scene.world.press(scene.bob, CallAction::TakeBack { call: NEW, given: OURS });
        scene.world.wait(scene.bob, |event| matches!(event, CallEvent::Found { call: NEW, .. }));
        assert_eq!(scene.world.log.contains(&"bob-park SUBSCRIBE".to_owned()), !tells);
        let bob = scene.bob;
        scene.ends_with(bob, NEW);
    }
}

/// RFC 3515 §2.4.2: whoever is not in the group, or says to be somebody who is, parks nobody and retrieves nobody.
#[test]
fn who_is_not_in_the_group_is_refused_and_changes_nothing() {
    for (user, secret) in [("mallory", None), ("mallory", Some("guessed")), ("bob", None)] {
        let mut scene = Scene::new().parked();
        let mallory = scene.world.phone("mallory", at_home(user, secret), 1);
        let victim = scene.world.phone("victim", at_home("victim", None), 1);
        scene.world.talk(mallory, victim);
        let at: Box<str> = "sip:park@park.test".into();
        scene.world.press(mallory, CallAction::Park { call: OURS, at: at.clone() });
        let told = scene.world.wait(mallory, |event| matches!(event, CallEvent::Transferred { .. }));
        assert!(
            matches!(
                told,
                CallEvent::Transferred { outcome: Outcome::Refused, status: Some(Status::UNAUTHORIZED), .. }
            ),
            "{told:?}"
        );
        scene.world.press(mallory, CallAction::Retrieve { call: NEW, from: at });
        let failed = |event: &CallEvent| matches!(event, CallEvent::Ended { call: NEW, .. });
        let told = scene.world.wait(mallory, failed);
        assert!(matches!(told, CallEvent::Ended { status: Some(Status::UNAUTHORIZED), .. }), "{told:?}");
        let to = "sip:701@park.test".into();
        scene.world.press(mallory, CallAction::Dial { call: CallName(10), to, offer: true });
        let failed = |event: &CallEvent| matches!(event, CallEvent::Ended { call: CallName(10), .. });
        let told = scene.world.wait(mallory, failed);
        assert!(matches!(told, CallEvent::Ended { status: Some(Status::UNAUTHORIZED), .. }), "{told:?}");
        // Both calls are as they were.
        scene.world.press(mallory, CallAction::HangUp(OURS));
        let ended = scene.world.wait(mallory, |event| matches!(event, CallEvent::Ended { call: OURS, .. }));
        assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Answered, by_peer: false, .. }));
        scene.world.press(scene.carol, CallAction::Retrieve { call: NEW, from: "sip:701@park.test".into() });
        let carol = scene.carol;
        scene.ends_with(carol, NEW);
    }
}

/// A slot that is taken or does not exist, and a server whose slots are all taken, are each named so, and the call goes
/// on with whoever wanted to park it.
#[test]
fn a_slot_that_is_not_to_be_had_is_refused() {
    let full = || Scene::with(at_home("alice", None), at_home("carol", Some("w1")), park(&["701"])).parked();
    for (at, status) in
        [("701", Status::BUSY_HERE), ("799", Status::NOT_FOUND), ("park", Status::TEMPORARILY_UNAVAILABLE)]
    {
        let mut scene = full();
        let other = scene.world.phone("other", at_home("other", None), 1);
        let (bob, call) = (scene.bob, CallName(2));
        scene.world.press(bob, CallAction::Dial { call, to: scene.world.uri(other).into(), offer: true });
        scene.world.wait(other, |event| matches!(event, CallEvent::Incoming { .. }));
        scene.world.press(other, CallAction::Answer(CallName::incoming(0)));
        scene.world.wait(bob, |event| *event == CallEvent::Established(call));
        scene.world.press(bob, CallAction::Park { call, at: format!("sip:{at}@park.test").into() });
        let (outcome, told) = scene.outcome();
        assert_eq!((outcome == Outcome::Completed, told), (false, Some(status)), "{at}");
        scene.world.press(bob, CallAction::HangUp(call));
        scene.world.press(scene.carol, CallAction::Retrieve { call: NEW, from: "sip:park@park.test".into() });
        let carol = scene.carol;
        scene.ends_with(carol, NEW);
    }
}

#[test]
fn where_nobody_waits_there_is_nobody_to_retrieve() {
    let mut scene = Scene::new();
    scene.world.press(scene.carol, CallAction::Retrieve { call: NEW, from: "sip:702@park.test".into() });
    let ended = scene.world.wait(scene.carol, |event| matches!(event, CallEvent::Ended { call: NEW, .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::NotFound, by_peer: true, .. }), "{ended:?}");
    // Nor is there anybody while it is only looked.
    scene.world.press(scene.carol, CallAction::Retrieve { call: NEW, from: "sip:702@park.test".into() });
    scene.world.press(scene.carol, CallAction::HangUp(NEW));
    let ended = scene.world.wait(scene.carol, |event| matches!(event, CallEvent::Ended { call: NEW, .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Cancelled, by_peer: false, .. }));
    scene.world.press(scene.bob, CallAction::HangUp(OURS));
    scene.world.settle();
}

/// RFC 4235: a lamp shows whether somebody waits in its slot, whatever is in the others.
#[test]
fn a_lamp_shows_its_slot() {
    let mut scene = Scene::new();
    let lamp = |slot: &str, watch: u64| WatchAction::Begin {
        watch: WatchName(watch),
        whom: Whom::Address(format!("sip:{slot}@park.test").into()),
        package: Package::Dialog,
        expires: Duration::from_mins(30),
    };
    let shown = |scene: &mut Scene, wanted: u64, state: State| {
        scene.world.wait(scene.carol, |event| {
            let CallEvent::Watching(WatchEvent::State { watch, state: told }) = event else { return false };
            let Watched::Dialogs(rows) = &**told else { return false };
            assert!(*watch == WatchName(1) || rows.is_empty(), "the other lamp shows {rows:?}");
            *watch == WatchName(wanted) && rows.iter().any(|row| row.state == state)
        });
    };
    for (slot, watch) in [("701", 1), ("702", 2)] {
        scene.world.press(scene.carol, CallAction::Watching(lamp(slot, watch)));
    }
    scene.world.pass(Duration::from_secs(1));
    let mut scene = scene.parked();
    shown(&mut scene, 1, State::Confirmed);
    scene.world.press(scene.alice, CallAction::HangUp(CallName::incoming(1)));
    shown(&mut scene, 1, State::Terminated);
    for watch in [1, 2] {
        scene.world.press(scene.carol, CallAction::Watching(WatchAction::End(WatchName(watch))));
    }
    scene.world.settle();
}

/// The parkee's telephone does not know Replaces: nobody is parked, and nothing is lost.
#[test]
fn who_cannot_be_parked_stays_in_the_call() {
    let mut alice = at_home("alice", None);
    alice.transfers.lacks = vec![Feature::Replaces];
    let mut scene = Scene::with(alice, at_home("carol", Some("w1")), park(&["701"]));
    scene.asks_to_park("701");
    let (outcome, status) = scene.outcome();
    assert_eq!((outcome, status), (Outcome::TargetUnreachable, Some(Status::BAD_EXTENSION)));
    scene.world.press(scene.bob, CallAction::HangUp(OURS));
    let ended = scene.world.wait(scene.alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Answered, by_peer: true, .. }));
    scene.world.settle();
}

/// A call is also parked by being handed over to a slot; from elsewhere than our own switchboard nobody comes so.
#[test]
fn a_call_that_is_handed_over_to_a_slot_waits_there() {
    for trusted in [true, false] {
        let mut world = World::new();
        let alice = world.phone("alice", at_home("alice", None), 1);
        let bob = world.phone("bob", at_home("bob", Some("w1")), 1);
        let carol = world.phone("carol", at_home("carol", Some("w1")), 1);
        if trusted {
            world.neighbours = vec![world.address(alice).ip()];
        }
        world.server("park", park(&["701"]));
        world.talk(bob, alice);
        let mut scene = Scene { world, alice, bob, carol };
        scene.world.press(bob, CallAction::Transfer { call: OURS, to: "sip:701@park.test".into() });
        let told = scene.world.wait(bob, |event| matches!(event, CallEvent::Transferred { .. }));
        let completed = matches!(told, CallEvent::Transferred { outcome: Outcome::Completed, .. });
        assert_eq!(completed, trusted, "{told:?}");
        if trusted {
            // Bob is called for her in time, as whoever sent her.
            scene.world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
            scene.world.press(carol, CallAction::Retrieve { call: NEW, from: "sip:park@park.test".into() });
            scene.ends_with(carol, NEW);
        } else {
            // A BYE that crosses the report would have alice call back.
            scene.world.pass(Duration::from_secs(10));
            scene.world.press(bob, CallAction::HangUp(OURS));
            scene.world.settle();
        }
    }
}

/// Whoever is taken out of a slot is not taken twice.
#[test]
fn two_who_retrieve_at_once_have_one_winner() {
    let mut scene = Scene::new().parked();
    let dave = scene.world.phone("dave", at_home("dave", Some("w1")), 1);
    let from: Box<str> = "sip:701@park.test".into();
    for who in [scene.carol, dave] {
        scene.world.press(who, CallAction::Retrieve { call: NEW, from: from.clone() });
    }
    let ended = scene.world.wait(dave, |event| matches!(event, CallEvent::Ended { call: NEW, .. }));
    assert!(matches!(ended, CallEvent::Ended { by_peer: true, outcome: Outcome::Declined, .. }), "{ended:?}");
    let carol = scene.carol;
    scene.ends_with(carol, NEW);
}
