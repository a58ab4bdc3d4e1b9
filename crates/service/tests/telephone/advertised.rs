//! Advertised means implemented: each method, extension and event package that a telephone names in Allow, Supported and
//! Allow-Events has an exercise here that does not work without it.

use crate::handover::Scene;
use crate::pair::{World, account};
use crate::peers::{next, one, request, statuses};
use crate::puppet::{calls, response};
use crate::watched::{household, sees, unwatch, watch};
use bytes::Bytes;
use cordboard_core::session::timer::Policy;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{ChangesBy, Habits, Reliability, Telephone};
use cordboard_service::watch::{Package, WatchEvent, Watched};
use cordboard_sip::body::dialog_info::State;
use cordboard_sip::{Method, Name, View};
use std::collections::BTreeSet;
use std::time::Duration;

const OURS: CallName = CallName(1);
const THEIRS: CallName = CallName::incoming(0);

type Exercise = fn();

/// What shows that an entry is more than a word.
fn exercise(list: Name, entry: &str) -> Option<Exercise> {
    Some(match (list, entry) {
        (Name::ALLOW, "INVITE" | "ACK" | "BYE") => calls_and_hangs_up,
        (Name::ALLOW, "CANCEL") => gives_up,
        (Name::ALLOW, "OPTIONS") => asks,
        (Name::ALLOW, "PRACK") | (Name::SUPPORTED, "100rel") => rings_reliably,
        (Name::ALLOW, "UPDATE") => holds_by_update,
        (Name::ALLOW, "REFER" | "NOTIFY") | (Name::ALLOW_EVENTS, "refer") => transfers,
        (Name::ALLOW, "SUBSCRIBE") | (Name::ALLOW_EVENTS, "dialog") => watches_calls,
        (Name::ALLOW, "MESSAGE") => writes,
        (Name::ALLOW, "INFO") => signals,
        (Name::SUPPORTED, "timer") => refreshes,
        (Name::SUPPORTED, "replaces") => transfers_to_a_call,
        (Name::SUPPORTED, "join") | (Name::ALLOW_EVENTS, "conference") => joins,
        (Name::SUPPORTED, "tdialog") => refers_outside_the_call,
        (Name::SUPPORTED, "norefersub") => refers_without_a_subscription,
        (Name::SUPPORTED, "nosub") => refers_with_nosub,
        (Name::SUPPORTED, "from-change") => shows_another_address,
        (Name::ALLOW_EVENTS, "presence") => watches_presence,
        _ => return None,
    })
}

/// Walks the lists of everything that a telephone says of itself: INVITE, its 200, and the answer to OPTIONS.
#[test]
fn advertised_means_implemented() {
    let mut scene = Scene::talking();
    scene.cseq += 1;
    let options = scene.request("OPTIONS", "call", "p1").finish();
    scene.world.say(scene.peer, scene.alice, options);
    let mut said = vec![scene.world.receive(scene.peer)];
    let (mut world, alice, peer) = one();
    let to = world.uri(peer).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    said.push(next(&mut world, peer, Method::Invite));
    let (mut world, alice, peer) = one();
    said.push(calls(&mut world, peer, alice, &[]).0);
    let lists = [Name::ALLOW, Name::SUPPORTED, Name::ALLOW_EVENTS];
    let mut advertised = BTreeSet::new();
    for bytes in &said {
        let view = View::parse(bytes).unwrap();
        for (at, list) in lists.into_iter().enumerate() {
            let entries: Vec<String> = view.values(list).map(|value| value.text.trim().to_owned()).collect();
            assert!(!entries.is_empty(), "nothing in {} of {}", list.as_str(), view.method_text());
            advertised.extend(entries.into_iter().map(|entry| (at, entry)));
        }
    }
    assert!(advertised.len() >= 20, "{advertised:?}");
    for (at, entry) in advertised {
        let list = lists[at];
        let Some(exercise) = exercise(list, &entry) else {
            panic!("{}: nothing here exercises {entry}", list.as_str())
        };
        exercise();
    }
}

#[track_caller]
fn went(world: &World, said: &[&str]) {
    for said in said {
        assert!(world.log.iter().any(|line| line == said), "{said} is missing: {:#?}", world.log);
    }
}

fn two_with(habits: Habits) -> (World, usize, usize) {
    let mut world = World::new();
    let with = |name: &str| Telephone { habits, ..account(name) };
    let alice = world.phone("alice", with("alice"), 1);
    let bob = world.phone("bob", with("bob"), 1);
    (world, alice, bob)
}

fn dial(world: &mut World, from: usize, to: usize) {
    let to = world.uri(to).into();
    world.press(from, CallAction::Dial { call: OURS, to, offer: true });
}

fn calls_and_hangs_up() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, |event| matches!(event, CallEvent::Ended { outcome: Outcome::Answered, .. }));
    went(&world, &["bob-alice 200 INVITE", "alice-bob ACK", "bob-alice 200 BYE"]);
    world.settle();
}

fn gives_up() {
    let (mut world, alice, bob) = World::two();
    dial(&mut world, alice, bob);
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, |event| matches!(event, CallEvent::Ended { outcome: Outcome::Cancelled, .. }));
    went(&world, &["bob-alice 200 CANCEL", "bob-alice 487 INVITE"]);
    world.settle();
}

fn asks() {
    let (mut world, alice, bob) = World::two();
    let to = world.uri(bob).into();
    world.press(alice, CallAction::AskOptions(to));
    let told = world.wait(alice, |event| matches!(event, CallEvent::Options { .. }));
    let CallEvent::Options { status, allow, allow_events, .. } = told else { unreachable!("waited for it") };
    assert!(status.is_success() && allow.contains("OPTIONS") && allow_events.contains("dialog"));
    world.settle();
}

fn rings_reliably() {
    let (mut world, alice, bob) = two_with(Habits { reliable: Reliability::Preferred, ..Habits::USUAL });
    world.talk(alice, bob);
    went(&world, &["alice-bob PRACK", "bob-alice 200 PRACK"]);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

fn holds_by_update() {
    let (mut world, alice, bob) = two_with(Habits { changes_by: ChangesBy::Update, ..Habits::USUAL });
    world.talk(alice, bob);
    world.press(alice, CallAction::Hold(OURS));
    world.wait(bob, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
    went(&world, &["bob-alice 200 UPDATE"]);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

fn refreshes() {
    let session_timer = Policy { wish: Some(100), least: 90, refresh_ourselves: false };
    let (mut world, alice, bob) = two_with(Habits { session_timer, ..Habits::USUAL });
    world.talk(alice, bob);
    let before = world.log.len();
    world.pass(Duration::from_mins(2));
    assert!(world.log.len() > before, "nobody refreshed the session");
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// Alice talks with bob, and carol waits.
fn three() -> (World, [usize; 3]) {
    let (mut world, alice, bob) = World::two();
    let carol = world.phone("carol", account("carol"), 1);
    world.talk(alice, bob);
    (world, [alice, bob, carol])
}

fn transfers() {
    let (mut world, [alice, _, carol]) = three();
    let to = world.uri(carol).into();
    world.press(alice, CallAction::Transfer { call: OURS, to });
    world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(carol, CallAction::Answer(THEIRS));
    world.wait(alice, |event| matches!(event, CallEvent::Transferred { outcome: Outcome::Completed, .. }));
    went(&world, &["bob-alice 202 REFER", "alice-bob 200 NOTIFY"]);
    world.press(carol, CallAction::HangUp(THEIRS));
    world.settle();
}

fn transfers_to_a_call() {
    let (mut world, [alice, _, carol]) = three();
    let to = world.uri(carol).into();
    world.press(alice, CallAction::Dial { call: CallName(2), to, offer: true });
    world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(carol, CallAction::Answer(THEIRS));
    world.wait(alice, |event| *event == CallEvent::Established(CallName(2)));
    world.press(alice, CallAction::TransferTo { call: OURS, target: CallName(2) });
    let taken = world.wait(carol, |event| matches!(event, CallEvent::TakenOver { .. }));
    let CallEvent::TakenOver { call, replaces: THEIRS, .. } = taken else { panic!("{taken:?}") };
    world.wait(carol, |event| *event == CallEvent::Established(call));
    world.press(carol, CallAction::HangUp(call));
    world.settle();
}

fn joins() {
    crate::joining::my_other_telephone_joins_my_call();
}

fn watches_calls() {
    let (mut world, [alice, other, bob]) = household();
    watch(&mut world, other, alice, Package::Dialog);
    world.talk(alice, bob);
    sees(&mut world, other, &[State::Confirmed]);
    unwatch(&mut world, other);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

fn watches_presence() {
    let (mut world, [alice, other, _]) = household();
    watch(&mut world, other, alice, Package::Presence);
    world.wait(other, |event| {
        matches!(event, CallEvent::Watching(WatchEvent::State { state, .. })
            if matches!(&**state, Watched::Presence(presence) if presence.is_open()))
    });
    unwatch(&mut world, other);
    world.settle();
}

fn writes() {
    let (mut world, alice, bob) = World::two();
    let to = world.uri(bob).into();
    world.press(alice, CallAction::SendMessage { to, body: "Are you there?".into() });
    world.wait(
        bob,
        |event| matches!(event, CallEvent::MessageReceived { body, .. } if &**body == "Are you there?"),
    );
    world.settle();
}

fn signals() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    world.press(alice, CallAction::SignalDigit(OURS, '#'));
    let signalled = |event: &CallEvent| matches!(event, CallEvent::DigitSignalled { digit: '#', .. });
    world.wait(bob, signalled);
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

fn shows_another_address() {
    let (mut world, alice, bob) = World::two();
    world.talk(alice, bob);
    let address = "<sip:desk@example.com>".into();
    world.press(bob, CallAction::Identify { call: THEIRS, address });
    world.wait(alice, |event| {
        matches!(event, CallEvent::Identity { address, .. } if address.contains("sip:desk@example.com"))
    });
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// The requests and statuses that a telephone sends after a REFER with these lines, in its call or outside it.
fn after_refer(call_id: &str, tag: &str, lines: &[(Name, &str)]) -> Vec<String> {
    let mut scene = Scene::talking();
    scene.cseq += 1;
    let mut refer = scene.request("REFER", call_id, tag).line(Name::REFER_TO, "<sip:carol@192.0.2.9>");
    for (name, value) in lines {
        refer = refer.line(*name, value.replace("TAG", &scene.tag));
    }
    let before = scene.world.log.len();
    scene.world.say(scene.peer, scene.alice, refer.finish());
    scene.world.pass(Duration::from_millis(30));
    scene.world.log[before..].to_vec()
}

fn refers_outside_the_call() {
    let proof = (Name::TARGET_DIALOG, "call;local-tag=TAG;remote-tag=p1");
    let said = after_refer("out", "r1", &[proof, (Name::REQUIRE, "tdialog")]);
    assert!(said.iter().any(|said| said == "alice-peer 202 REFER"), "{said:?}");
}

fn refers_without_a_subscription() {
    let said = after_refer("call", "p1", &[(Name::REFER_SUB, "false"), (Name::REQUIRE, "norefersub")]);
    assert!(said.iter().any(|said| said == "alice-peer 202 REFER"), "{said:?}");
    assert!(!said.iter().any(|said| said == "alice-peer NOTIFY"), "{said:?}");
}

fn refers_with_nosub() {
    let said = after_refer("call", "p1", &[(Name::REQUIRE, "nosub")]);
    assert!(said.iter().any(|said| said == "alice-peer 202 REFER"), "{said:?}");
    assert!(!said.iter().any(|said| said == "alice-peer NOTIFY"), "{said:?}");
}

/// A list of a telephone's 200 to OPTIONS.
fn advertised(name: Name) -> Vec<String> {
    let (mut world, alice, peer) = one();
    let options = request(&world, "OPTIONS", alice, None, "options", 1).finish();
    world.say(peer, alice, options);
    let ok = response(&mut world, peer, 200, Method::Options);
    let list = View::parse(&ok).unwrap().value(name).unwrap_or_default().to_owned();
    let lines = View::parse(&ok).unwrap().lines_named(name).collect::<Vec<_>>().join(", ");
    assert!(lines.starts_with(&list));
    lines.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Sends it, and tells the statuses that come within a moment.
fn said(world: &mut World, peer: usize, alice: usize, bytes: Bytes) -> Vec<u16> {
    world.say(peer, alice, bytes);
    world.pass(Duration::from_millis(100));
    statuses(&world.inbox(peer))
}

#[test]
fn every_package_that_is_allowed_is_known() {
    for package in advertised(Name::ALLOW_EVENTS) {
        let (mut world, alice, peer) = one();
        let subscribe = request(&world, "SUBSCRIBE", alice, None, "subscribe", 1)
            .line(Name::EVENT, &package)
            .line(Name::EXPIRES, 3_600)
            .finish();
        let got = said(&mut world, peer, alice, subscribe);
        // A REFER opens the subscription to `refer`, and nothing else does (RFC 3515 §2.4.4).
        assert!(package != "refer" || got == [403], "{got:?}");
        // Whether a stranger may is another question; an unknown package is none.
        assert!(!got.is_empty() && !got.contains(&489) && !got.contains(&405), "{package}: {got:?}");
        let (mut world, alice, peer) = one();
        let subscribe =
            request(&world, "SUBSCRIBE", alice, None, "subscribe", 1).line(Name::EVENT, "unheard-of");
        assert_eq!(said(&mut world, peer, alice, subscribe.finish()), [489]);
    }
}
