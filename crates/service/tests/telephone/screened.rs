//! Incoming screening (RFC 5359 §2.13): a telephone that takes only what its proxy has looked at, and the announcement server.

use crate::pair::World;
use crate::parked::at_home;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Announcement, Announcer, Server, Service, Telephone};
use cordboard_sip::Status;
use std::net::SocketAddr;
use std::time::Duration;

const NEW: CallName = CallName(9);
const THEIRS: CallName = CallName::incoming(0);

/// How long the announcement of these tests lasts.
const LASTS: Duration = Duration::from_secs(4);

fn dial(world: &mut World, who: usize, to: &str) {
    world.press(who, CallAction::Dial { call: NEW, to: to.into(), offer: true });
}

/// How the call that was dialled ended.
fn ended(world: &mut World, who: usize) -> (Outcome, Option<Status>, bool) {
    let told = world.wait(who, |event| matches!(event, CallEvent::Ended { call: NEW, .. }));
    let CallEvent::Ended { outcome, status, by_peer, .. } = told else { unreachable!("waited for it") };
    (outcome, status, by_peer)
}

/// Alice, whom Bob's telephone trusts or not, and Bob, who is screened by carol.
fn screened(trusted: bool) -> (World, [usize; 3]) {
    let mut world = World::new();
    let alice = world.phone("alice", at_home("alice", None), 1);
    if trusted {
        world.neighbours = vec![world.address(alice).ip()];
    }
    let carol = world.phone("carol", at_home("carol", None), 1);
    let SocketAddr::V4(proxy) = world.address(carol) else { unreachable!("the world has IPv4") };
    let screened_by = Some(format!("sip:{proxy}").into());
    let bob = world.phone("bob", Telephone { screened_by, ..at_home("bob", None) }, 1);
    (world, [alice, bob, carol])
}

#[test]
fn who_comes_past_the_proxy_is_sent_there() {
    let (mut world, [alice, bob, carol]) = screened(false);
    dial(&mut world, alice, "sip:bob@bob.test");
    // Nobody there is Bob's proxy; what matters is that the call comes, and that Bob's telephone keeps still.
    let came = world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    let CallEvent::Incoming { at, .. } = came else { unreachable!("waited for it") };
    assert_eq!(&*at, "sip:bob@bob.test", "the same address, by another way");
    assert!(world.told(bob).is_empty(), "nothing rings at bob's");
    world.press(alice, CallAction::HangUp(NEW));
    world.settle();
}

#[test]
fn what_the_proxy_lets_pass_rings() {
    let (mut world, [alice, bob, _]) = screened(true);
    dial(&mut world, alice, "sip:bob@bob.test");
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(THEIRS));
    world.wait(alice, |event| *event == CallEvent::Established(NEW));
    // What is inside a call has passed with it.
    world.press(alice, CallAction::Hold(NEW));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(NEW, true));
    world.press(bob, CallAction::HangUp(THEIRS));
    world.settle();
}

fn announcer(world: &mut World) -> usize {
    let why = Announcement { user: "why".into(), lasts: LASTS };
    let service = Service::Announcer(Announcer { announcements: vec![why] });
    world.server("announcer", Server::new(at_home("announcer", None), service))
}

#[test]
fn an_announcement_is_heard_to_its_end_by_everybody() {
    let mut world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.phone(name, at_home(name, None), 1));
    announcer(&mut world);
    for who in [alice, bob] {
        dial(&mut world, who, "sip:why@announcer.test");
        world.pass(Duration::from_secs(1));
    }
    for who in [alice, bob] {
        world.wait(who, |event| *event == CallEvent::Established(NEW));
        let before = world.now;
        assert_eq!(ended(&mut world, who), (Outcome::Answered, None, true));
        assert!(world.now.since(before) < LASTS);
        // It was never on hold, and nothing rang.
        let told = world.told(who);
        assert!(!told.iter().any(|event| matches!(event, CallEvent::HeldByPeer(_, true))), "{told:?}");
    }
    world.settle();
}

#[test]
fn who_hangs_up_first_hears_the_rest_no_more() {
    let mut world = World::new();
    let alice = world.phone("alice", at_home("alice", None), 1);
    announcer(&mut world);
    dial(&mut world, alice, "sip:why@announcer.test");
    let told = world.wait(alice, |event| matches!(event, CallEvent::PeerFeatures(NEW, _)));
    let CallEvent::PeerFeatures(_, features) = told else { unreachable!("waited for it") };
    assert!(features.automaton && !features.renders && !features.byeless, "{features:?}");
    world.wait(alice, |event| *event == CallEvent::Established(NEW));
    world.press(alice, CallAction::HangUp(NEW));
    assert_eq!(ended(&mut world, alice), (Outcome::Answered, None, false));
    world.settle();
}

#[test]
fn what_is_not_announced_is_not_found() {
    let mut world = World::new();
    let alice = world.phone("alice", at_home("alice", None), 1);
    announcer(&mut world);
    dial(&mut world, alice, "sip:whynot@announcer.test");
    assert_eq!(ended(&mut world, alice), (Outcome::NotFound, Some(Status::NOT_FOUND), true));
    world.settle();
}
