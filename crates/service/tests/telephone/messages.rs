//! Instant messages (RFC 3428): outside calls and inside, and what is no text.

use crate::handover::Scene;
use crate::pair::World;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::{Name, Status, View};
use std::time::Duration;

fn sent(event: &CallEvent) -> Option<Status> {
    match event {
        CallEvent::MessageSent { status, .. } => Some(*status),
        _ => None,
    }
}

#[test]
fn a_message_is_told_on_both_sides() {
    let (mut world, alice, bob) = World::two();
    let to = world.uri(bob);
    let body: Box<str> = "Watson, come here. Ça va?".into();
    world.press(alice, CallAction::SendMessage { to: to.clone().into(), body: body.clone() });
    let came = world.wait(bob, |event| matches!(event, CallEvent::MessageReceived { .. }));
    let CallEvent::MessageReceived { from, content_type, body: told } = came else {
        unreachable!("it was waited for")
    };
    assert!(from.contains("alice") && content_type.starts_with("text/plain") && told == body);
    assert_eq!(sent(&world.wait(alice, |event| sent(event).is_some())), Some(Status::OK));
    let long = "x".repeat(2000).into();
    world.press(alice, CallAction::SendMessage { to: to.into(), body: long });
    assert_eq!(sent(&world.wait(alice, |event| sent(event).is_some())), Some(Status::SERVICE_UNAVAILABLE));
    world.settle();
}

#[test]
fn a_message_to_nobody_is_not_taken() {
    let mut world = World::new();
    let alice = world.phone("alice", crate::pair::account("alice"), 1);
    world.press(alice, CallAction::SendMessage { to: "sip:nobody@192.0.2.77".into(), body: "hello".into() });
    let status = sent(&world.wait(alice, |event| sent(event).is_some()));
    assert!(status.is_some_and(|status| !status.is_success()), "{status:?}");
    world.settle();
}

/// RFC 3428 §7: the 200 has no Contact; what cannot be shown is refused; what comes in a call belongs to it.
#[test]
fn what_is_no_text_is_refused() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    for (call_id, kind, status) in [
        ("outside", "text/plain", 200),
        ("picture", "image/png", 415),
        ("call", "text/html", 200),
        ("nobody", "message/cpim", 415),
    ] {
        scene.cseq += 1;
        let tag = if call_id == "call" { "p1" } else { "m1" };
        let message = scene.request("MESSAGE", call_id, tag).body(kind, b"hello");
        scene.world.say(peer, alice, message);
        scene.world.pass(Duration::from_millis(30));
        let inbox = scene.world.inbox(peer);
        let view = View::parse(inbox.last().unwrap()).unwrap();
        assert_eq!(view.status().unwrap().code(), status, "{kind}");
        assert!(!view.has(Name::CONTACT));
        assert_eq!(view.value(Name::ACCEPT), (status == 415).then_some("text/*"));
        let told = scene.world.told(alice);
        let came = told.iter().any(|event| matches!(event, CallEvent::MessageReceived { .. }));
        assert_eq!(came, status == 200);
    }
    scene.cseq = 2;
    let late = scene.request("MESSAGE", "call", "p1").body("text/plain", b"late");
    assert_eq!(scene.say(late), [500], "it is out of order");
}
