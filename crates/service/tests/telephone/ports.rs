//! Ports for sound: a telephone names none that it was not given, and uses one for one call at a time.

use crate::pair::{World, account};
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{MediaPorts, Telephone};
use cordboard_sip::Status;
use std::net::SocketAddr;

/// Whoever stands first in a world.
const HERE: &str = "192.0.2.1";

fn with_ports(ports: &[u16]) -> Telephone {
    let held = ports.iter().map(|port| format!("{HERE}:{port}").parse().unwrap()).collect();
    Telephone { media: MediaPorts::Held(held), ..account("alice") }
}

fn local_of(world: &mut World, node: usize) -> SocketAddr {
    match world.wait(node, |event| matches!(event, CallEvent::Media(..))) {
        CallEvent::Media(_, path) => path.local,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn without_a_free_port_calls_are_neither_made_nor_taken() {
    let mut world = World::new();
    let alice = world.phone("alice", with_ports(&[7000]), 1);
    let bob = world.phone("bob", account("bob"), 1);
    let (ours, _) = world.talk(alice, bob);
    assert_eq!(local_of(&mut world, alice), format!("{HERE}:7000").parse().unwrap());

    let second = CallName(2);
    let to: Box<str> = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: second, to: to.clone(), offer: true });
    assert_eq!(world.wait(alice, |_| true), CallEvent::Impossible(second));
    let here = world.uri(alice).into();
    world.press(bob, CallAction::Dial { call: second, to: here, offer: true });
    let refused = world.wait(bob, |event| matches!(event, CallEvent::Ended { .. }));
    let status = Some(Status::BUSY_HERE);
    assert_eq!(refused, CallEvent::Ended { call: second, outcome: Outcome::Busy, status, by_peer: true });

    world.press(alice, CallAction::HangUp(ours));
    world.settle();
    let third = CallName(3);
    world.press(alice, CallAction::Dial { call: third, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(CallName::incoming(1)));
    assert_eq!(local_of(&mut world, alice).port(), 7000, "what was given back is used again");
    world.press(alice, CallAction::HangUp(third));
    world.settle();
}

#[test]
fn two_calls_have_two_ports() {
    let mut world = World::new();
    let alice = world.phone("alice", with_ports(&[7000, 7002]), 1);
    let bob = world.phone("bob", account("bob"), 1);
    let (first, _) = world.talk(alice, bob);
    let one = local_of(&mut world, alice);
    let second = CallName(2);
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: second, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(CallName::incoming(1)));
    let other = local_of(&mut world, alice);
    assert_eq!((one.port(), other.port()), (7000, 7002));
    for call in [first, second] {
        world.press(alice, CallAction::HangUp(call));
    }
    world.settle();
}
