//! Whom one talks to: RFC 4916, and P-Asserted-Identity from whoever is trusted (RFC 3325).

use crate::pair::{World, account};
use crate::peers::{OURS, THEIRS, next, request};
use crate::puppet::{answers, calls, response};
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::settings::{ConnectedIdentity, Habits, Telephone};
use cordboard_sip::{Method, Name, Status, View};

fn is_ended(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Ended { .. })
}

fn identities(world: &mut World, node: usize) -> Vec<(String, bool)> {
    world
        .told(node)
        .into_iter()
        .filter_map(|event| match event {
            CallEvent::Identity { address, asserted, .. } => Some((address.into(), asserted)),
            _ => None,
        })
        .collect()
}

/// RFC 4916 §5.1: somebody calls the desk, and bob answers there.
#[test]
fn who_answers_for_another_says_so() {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let habits = Habits { identity: ConnectedIdentity::Always, ..Habits::USUAL };
    let bob = world.phone("bob", Telephone { habits, display_name: Some("Bob".into()), ..account("bob") }, 1);
    let to: Box<str> = world.uri(bob).replace("bob@", "desk@").into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Answer(THEIRS));
    let shown = world.wait(alice, |event| matches!(event, CallEvent::Identity { .. }));
    let address = "\"Bob\" <sip:bob@example.com>".into();
    assert_eq!(shown, CallEvent::Identity { call: OURS, address, asserted: false });
    world.wait(bob, |event| *event == CallEvent::Identified(THEIRS));
    assert!(world.log.iter().any(|said| said == "bob-alice UPDATE"), "{:#?}", world.log);
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, is_ended);
    world.settle();
}

/// §4.3: what follows is addressed to the new identity, in the same dialog.
#[test]
fn later_requests_name_the_new_address() {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let peer = world.puppet("peer");
    let (_, tag) = calls(&mut world, peer, alice, &[(Name::SUPPORTED, "from-change")]);
    let update = request(&world, "UPDATE", alice, Some(&tag), "update", 2).finish();
    let text = String::from_utf8(update.to_vec()).unwrap();
    let renamed = text.replace("From: <sip:peer@example.com>", "From: Carol <sip:carol@example.com>");
    world.say(peer, alice, renamed.into());
    response(&mut world, peer, 200, Method::Update);
    assert_eq!(identities(&mut world, alice), [("\"Carol\" <sip:carol@example.com>".to_owned(), false)]);
    world.press(alice, CallAction::HangUp(THEIRS));
    let bye = next(&mut world, peer, Method::Bye);
    assert_eq!(View::parse(&bye).unwrap().value(Name::TO), Some("Carol <sip:carol@example.com>;tag=p1"));
    world.reply(peer, alice, &bye, Status::OK, "p1", &[], None);
    world.settle();
}

/// §4.1: nobody else knows what to make of it.
#[test]
fn who_does_not_know_from_change_is_not_told() {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let peer = world.puppet("peer");
    answers(&mut world, alice, peer, &[(Name::SUPPORTED, "timer")]);
    let show = |address: &str| CallAction::Identify { call: OURS, address: address.into() };
    world.press(alice, show("sip:boss@example.com"));
    world.wait(alice, |event| *event == CallEvent::Impossible(OURS));

    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let peer = world.puppet("peer");
    answers(&mut world, alice, peer, &[(Name::SUPPORTED, "from-change")]);
    world.press(alice, show("no address"));
    world.wait(alice, |event| *event == CallEvent::Impossible(OURS));
    // Who does not allow UPDATE is told by re-INVITE.
    world.press(alice, show("sip:boss@example.com"));
    let reinvite = next(&mut world, peer, Method::Invite);
    let from = View::parse(&reinvite).unwrap().value(Name::FROM).unwrap().to_owned();
    assert!(from.starts_with("<sip:boss@example.com>;tag="), "{from}");
    world.reply(peer, alice, &reinvite, Status::NOT_ACCEPTABLE_HERE, "t", &[], None);
    let refused = CallEvent::ChangeRefused(OURS, Status::NOT_ACCEPTABLE_HERE);
    world.wait(alice, |event| *event == refused);
    world.press(alice, CallAction::HangUp(OURS));
    let bye = next(&mut world, peer, Method::Bye);
    assert!(View::parse(&bye).unwrap().value(Name::FROM).unwrap().contains("alice"), "it stays who it was");
}

/// RFC 3325 §9.1: an assertion is worth what its sender is.
#[test]
fn only_a_trusted_server_asserts_an_identity() {
    for trusted in [false, true] {
        let mut world = World::new();
        if trusted {
            world.neighbours = vec!["192.0.2.2".parse().unwrap()];
        }
        let alice = world.phone("alice", account("alice"), 1);
        let peer = world.puppet("peer");
        let asserts = (Name::P_ASSERTED_IDENTITY, "\"The Boss\" <sip:boss@example.com>");
        let (_, tag) = calls(&mut world, peer, alice, &[asserts]);
        let again =
            request(&world, "UPDATE", alice, Some(&tag), "update", 2).line(asserts.0, asserts.1).finish();
        world.say(peer, alice, again);
        response(&mut world, peer, 200, Method::Update);
        let other = request(&world, "UPDATE", alice, Some(&tag), "other", 3)
            .line(Name::P_ASSERTED_IDENTITY, "<sip:carol@example.com>")
            .finish();
        world.say(peer, alice, other);
        response(&mut world, peer, 200, Method::Update);
        let told = identities(&mut world, alice);
        let expected: &[&str] = if trusted { &["<sip:carol@example.com>"] } else { &[] };
        assert_eq!(told.iter().map(|(address, _)| &**address).collect::<Vec<_>>(), expected);
    }
}
