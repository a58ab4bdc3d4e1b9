//! Registering with a registrar that the test plays: RFC 3665 §2 and RFC 3261 §10.2.

use crate::pair::{World, account};
use bytes::Bytes;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::digest::{Algorithm, Credentials, Ha1, Request};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

fn one() -> (World, usize, usize) {
    let mut world = World::new();
    let mut settings = account("bob");
    settings.outbound_proxies = vec!["<sip:registrar.test;lr>".into()];
    let bob = world.phone("bob", settings, 1);
    let registrar = world.puppet("registrar");
    (world, bob, registrar)
}

fn challenge(world: &mut World, registrar: usize, bob: usize, request: &[u8], nonce: &str) {
    let asks = format!("Digest realm=\"example.com\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5");
    world.reply(registrar, bob, request, Status::UNAUTHORIZED, "r", &[(Name::WWW_AUTHENTICATE, &asks)], None);
}

/// The nonce, its count, and whether the password fits.
fn credentials(request: &[u8]) -> Option<(String, u32)> {
    let view = View::parse(request).unwrap();
    let credentials = Credentials::read(view.value(Name::AUTHORIZATION)?).unwrap();
    let secret = Ha1::new(Algorithm::Md5, "bob", "example.com", "secret");
    let digest = Request { method: "REGISTER", uri: view.request_uri(), body: b"" };
    assert!(credentials.is_answered_with(&secret, &digest));
    Some((credentials.nonce.to_string(), credentials.nc.unwrap().value()))
}

fn accept(world: &mut World, registrar: usize, bob: usize, request: &[u8], contacts: &str) {
    let lines = [(Name::CONTACT, contacts)];
    let lines = if contacts.is_empty() { &[][..] } else { &lines };
    world.reply(registrar, bob, request, Status::OK, "r", lines, None);
}

#[track_caller]
fn registered(world: &mut World, bob: usize) -> Vec<String> {
    match world.wait(bob, |_| true) {
        CallEvent::Registered { contacts } => contacts.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn contact(bytes: &Bytes) -> Option<String> {
    View::parse(bytes).unwrap().contact().map(str::to_owned)
}

/// RFC 3665 §2.1 to §2.4.
#[test]
fn a_contact_is_registered_kept_listed_and_removed() {
    let (mut world, bob, registrar) = one();
    let own = format!("<{}>", world.uri(bob));
    world.press(bob, CallAction::Register { expires: HOUR });
    let first = world.receive(registrar);
    let view = View::parse(&first).unwrap();
    assert_eq!((view.method(), view.request_uri()), (Method::Register, "sip:example.com"));
    assert_eq!((view.from_uri(), view.to_uri()), ("sip:bob@example.com", "sip:bob@example.com"));
    assert_eq!(contact(&first), Some(format!("{own};expires=3600")));
    assert_eq!(credentials(&first), None);
    challenge(&mut world, registrar, bob, &first, "n1");
    let second = world.receive(registrar);
    assert_eq!(credentials(&second), Some(("n1".to_owned(), 1)));
    assert_eq!(View::parse(&second).unwrap().cseq().0, 2);
    accept(&mut world, registrar, bob, &second, &format!("{own};expires=3600"));
    assert_eq!(registered(&mut world, bob), [world.uri(bob)]);

    // Another contact, with the nonce used again.
    world.press(bob, CallAction::AddContact { contact: "mailto:bob@example.com".into(), expires: HOUR });
    let added = world.receive(registrar);
    assert_eq!(contact(&added).as_deref(), Some("<mailto:bob@example.com>;expires=3600"));
    assert_eq!(credentials(&added), Some(("n1".to_owned(), 2)));
    let both = format!("{own};expires=3500, <mailto:bob@example.com>;expires=3600");
    accept(&mut world, registrar, bob, &added, &both);
    assert_eq!(registered(&mut world, bob).len(), 2);

    world.press(bob, CallAction::ListBindings);
    let list = world.receive(registrar);
    assert_eq!(contact(&list), None);
    accept(&mut world, registrar, bob, &list, &both);
    assert_eq!(registered(&mut world, bob).len(), 2);
    assert!(!world.agent(bob).is_idle(), "the registration is kept");

    // It is refreshed in time.
    world.pass(Duration::from_mins(45));
    let refresh = world.receive(registrar);
    let age = world.now.as_millis() / 1000;
    assert!((3000..3560).contains(&age), "{age}");
    assert_eq!(contact(&refresh), Some(format!("{own};expires=3600")));
    accept(&mut world, registrar, bob, &refresh, &both);
    registered(&mut world, bob);

    world.press(bob, CallAction::UnregisterAll);
    let removal = world.receive(registrar);
    assert_eq!(contact(&removal).as_deref(), Some("*"));
    assert_eq!(View::parse(&removal).unwrap().value(Name::EXPIRES), Some("0"));
    accept(&mut world, registrar, bob, &removal, "");
    assert!(registered(&mut world, bob).is_empty());
    world.settle();
    world.pass(HOUR);
    assert!(world.inbox(registrar).is_empty(), "nothing is refreshed any more");
}

/// RFC 3665 §2.5.
#[test]
fn a_wrong_password_is_told() {
    let (mut world, bob, registrar) = one();
    world.press(bob, CallAction::Register { expires: HOUR });
    for nonce in ["n1", "n2"] {
        let request = world.receive(registrar);
        challenge(&mut world, registrar, bob, &request, nonce);
    }
    assert_eq!(world.wait(bob, |_| true), CallEvent::NotRegistered(Status::UNAUTHORIZED));
    world.settle();
    assert!(world.inbox(registrar).is_empty());
}

#[test]
fn a_time_that_is_too_brief_is_lengthened() {
    let (mut world, bob, registrar) = one();
    world.press(bob, CallAction::Register { expires: Duration::from_secs(30) });
    let request = world.receive(registrar);
    let least = [(Name::MIN_EXPIRES, "120")];
    world.reply(registrar, bob, &request, Status::INTERVAL_TOO_BRIEF, "r", &least, None);
    let longer = world.receive(registrar);
    assert!(contact(&longer).unwrap().ends_with(";expires=120"));
    let own = format!("<{}>;expires=120", world.uri(bob));
    accept(&mut world, registrar, bob, &longer, &own);
    registered(&mut world, bob);
    let asked = world.now;
    let refresh = world.receive(registrar);
    let age = world.now.since(asked).as_secs();
    assert!((60..=110).contains(&age), "{age}");
    accept(&mut world, registrar, bob, &refresh, &own);
    registered(&mut world, bob);
    world.press(bob, CallAction::Register { expires: Duration::ZERO });
    let removal = world.receive(registrar);
    assert!(contact(&removal).unwrap().ends_with(";expires=0"));
    accept(&mut world, registrar, bob, &removal, "");
    registered(&mut world, bob);
    world.settle();
}

/// A registrar that is silent is asked again later, one that refuses is not.
#[test]
fn a_silent_registrar_is_tried_again() {
    let (mut world, bob, registrar) = one();
    world.lose = Box::new(|_| true);
    world.press(bob, CallAction::Register { expires: HOUR });
    assert_eq!(world.wait(bob, |_| true), CallEvent::NotRegistered(Status::REQUEST_TIMEOUT));
    world.lose = Box::new(|_| false);
    let request = world.receive(registrar);
    world.reply(registrar, bob, &request, Status::FORBIDDEN, "r", &[], None);
    assert_eq!(world.wait(bob, |_| true), CallEvent::NotRegistered(Status::FORBIDDEN));
    world.settle();
    world.pass(HOUR);
    assert!(world.inbox(registrar).is_empty());
}

/// §10.2: one request at a time.
#[test]
fn wishes_wait_for_the_answer_to_the_last() {
    let (mut world, bob, registrar) = one();
    world.press(bob, CallAction::ListBindings);
    world.press(bob, CallAction::UnregisterAll);
    world.pass(Duration::from_millis(100));
    let inbox = world.inbox(registrar);
    assert_eq!(inbox.len(), 1);
    accept(&mut world, registrar, bob, &inbox[0], "");
    registered(&mut world, bob);
    let removal = world.receive(registrar);
    assert_eq!(contact(&removal).as_deref(), Some("*"));
    let cseq = |bytes: &Bytes| View::parse(bytes).unwrap().cseq().0;
    assert_eq!(cseq(&removal), cseq(&inbox[0]) + 1);
    accept(&mut world, registrar, bob, &removal, "");
    registered(&mut world, bob);
    world.settle();
}
