//! What the two sides of a bridge change afterwards (RFC 3725 §4.4, RFC 3261 §14): it goes on to the other side, and what
//! that says comes back.

use crate::handing::{at, ended, next, offered, over, with_two_calls};
use crate::handover::{OURS, Scene, THEIRS};
use crate::pair::{World, account, storm};
use crate::puppet::response;
use bytes::Bytes;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

/// Alice has connected the peer, which called her, with the target, which she called.
pub(crate) fn bridged() -> (Scene, usize) {
    bridged_with(&[])
}

/// The same with a target that says this of itself.
pub(crate) fn bridged_with(lines: &[(Name, &str)]) -> (Scene, usize) {
    let (mut scene, target) = with_two_calls();
    let (peer, alice) = (scene.peer, scene.alice);
    let (_, passes) = offered(&mut scene, target);
    scene.world.reply(target, alice, &passes, Status::OK, "t9", lines, Some(&at(7002)));
    for puppet in [peer, target] {
        next(&mut scene.world, puppet, Method::Ack);
    }
    assert_eq!(ended(&mut scene.world, alice).2, Outcome::Completed);
    (scene, target)
}

/// A description of somebody at a port, the `version`th.
pub(crate) fn says(port: u16, direction: &str, version: u32) -> String {
    at(port).replace("o=p 1 1", &format!("o=p 1 {version}")).replace("sendrecv", direction)
}

fn sdp_of(bytes: &Bytes) -> Sdp {
    Sdp::parse(View::parse(bytes).unwrap().body()).unwrap()
}

/// Where a description receives, in which direction, and as what version of which session.
pub(crate) fn told(bytes: &Bytes) -> (u16, &'static str, (String, u64)) {
    let sdp = sdp_of(bytes);
    let audio = sdp.audio().unwrap();
    let (session, version) = sdp.version();
    (audio.port(), audio.direction().as_str(), (session.to_owned(), version))
}

/// The peer asks for a change.
pub(crate) fn asks(scene: &mut Scene, method: Method, body: &str) {
    scene.cseq += 1;
    let request = scene.request(method.as_str(), "call", "p1");
    let bytes =
        if body.is_empty() { request.finish() } else { request.body("application/sdp", body.as_bytes()) };
    scene.world.say(scene.peer, scene.alice, bytes);
}

pub(crate) fn acknowledges(scene: &mut Scene, body: &str) {
    let ack = scene.request("ACK", "call", "p1");
    let bytes = if body.is_empty() { ack.finish() } else { ack.body("application/sdp", body.as_bytes()) };
    scene.world.say(scene.peer, scene.alice, bytes);
}

/// A request of the target, in the dialog of a request that it got.
pub(crate) fn of_target(scene: &Scene, within: &Bytes, method: &str, cseq: u32) -> Builder {
    let view = View::parse(within).unwrap();
    Builder::request(method, scene.world.uri(scene.alice))
        .line(Name::VIA, format_args!("SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK{method}{cseq}"))
        .line(Name::FROM, view.value(Name::TO).unwrap())
        .line(Name::TO, view.value(Name::FROM).unwrap())
        .line(Name::CALL_ID, view.call_id())
        .line(Name::CSEQ, format_args!("{cseq} {method}"))
        .line(Name::CONTACT, "<sip:target@192.0.2.3:5060>")
}

#[test]
fn a_hold_and_its_end_go_on_to_the_other_side() {
    let (mut scene, target) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    let mut versions = Vec::new();
    for (version, (method, asked, answered)) in
        (2..).zip([(Method::Invite, "sendonly", "recvonly"), (Method::Update, "sendrecv", "sendrecv")])
    {
        asks(&mut scene, method, &says(7001, asked, version));
        let passes = next(&mut scene.world, target, Method::Invite);
        let (port, direction, to_target) = told(&passes);
        assert_eq!((port, direction), (7001, asked));
        scene.world.pass(Duration::from_secs(1));
        if method == Method::Invite {
            response(&mut scene.world, peer, 100, Method::Invite);
        }
        scene.world.reply(
            target,
            alice,
            &passes,
            Status::OK,
            "t9",
            &[],
            Some(&says(7002, answered, version)),
        );
        let ok = response(&mut scene.world, peer, 200, method);
        let (port, direction, to_peer) = told(&ok);
        assert_eq!((port, direction), (7002, answered));
        versions.push([to_target, to_peer]);
        next(&mut scene.world, target, Method::Ack);
        acknowledges(&mut scene, "");
    }
    let [first, second] = &versions[..] else { unreachable!("there were two changes") };
    for (before, after) in first.iter().zip(second) {
        assert_eq!((&after.0, after.1), (&before.0, before.1 + 1), "RFC 3264 §8");
    }
}

/// Either side may be the one: the target here.
#[test]
fn what_the_one_that_was_called_changes_goes_on_too() {
    let (mut scene, target) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    asks(&mut scene, Method::Invite, &says(7001, "sendonly", 2));
    let within = next(&mut scene.world, target, Method::Invite);
    scene.world.reply(target, alice, &within, Status::OK, "t9", &[], Some(&says(7002, "recvonly", 2)));
    next(&mut scene.world, target, Method::Ack);
    acknowledges(&mut scene, "");
    let moves = of_target(&scene, &within, "INVITE", 5);
    let moves = moves.body("application/sdp", says(7004, "recvonly", 3).as_bytes());
    scene.world.say(target, alice, moves);
    let passes = next(&mut scene.world, peer, Method::Invite);
    assert_eq!(told(&passes).0, 7004);
    scene.world.reply(peer, alice, &passes, Status::OK, "p1", &[], Some(&says(7001, "sendonly", 3)));
    let ok = response(&mut scene.world, target, 200, Method::Invite);
    assert_eq!(told(&ok).0, 7001);
}

#[test]
fn a_refusal_comes_back_and_all_is_as_it_was() {
    let (mut scene, target) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    for (refused, passed_on) in [(488, 488), (491, 491), (500, 500), (401, 500), (503, 500)] {
        asks(&mut scene, Method::Invite, &says(7001, "inactive", refused.into()));
        let passes = next(&mut scene.world, target, Method::Invite);
        let status = Status::new(refused).unwrap();
        scene.world.reply(target, alice, &passes, status, "t9", &[], None);
        response(&mut scene.world, peer, passed_on, Method::Invite);
        acknowledges(&mut scene, "");
    }
    // As it was: this is what the peer had offered for the bridge.
    asks(&mut scene, Method::Invite, &at(7001));
    let ok = response(&mut scene.world, peer, 200, Method::Invite);
    assert_eq!(told(&ok).0, 7002);
}

/// RFC 4028 §7.4: who says the same again only wants to know whether we are there.
#[test]
fn a_refresh_is_answered_with_what_was_said_before() {
    let (mut scene, target) = bridged();
    let peer = scene.peer;
    let mut answers = Vec::new();
    for method in [Method::Invite, Method::Update, Method::Invite] {
        asks(&mut scene, method, &at(7001));
        let ok = response(&mut scene.world, peer, 200, method);
        answers.push(View::parse(&ok).unwrap().body().to_vec());
        acknowledges(&mut scene, "");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    scene.world.pass(Duration::from_secs(1));
    assert!(scene.world.inbox(target).is_empty(), "nothing has changed for the target");
}

/// Nor do we say anything else when it is our turn to refresh.
#[test]
fn our_own_refresh_says_what_was_said_before() {
    let (mut scene, _) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    scene.cseq += 1;
    let refresh = scene
        .request("INVITE", "call", "p1")
        .line(Name::SUPPORTED, "timer")
        .line(Name::SESSION_EXPIRES, "90;refresher=uas")
        .body("application/sdp", at(7001).as_bytes());
    scene.world.say(peer, alice, refresh);
    let ok = response(&mut scene.world, peer, 200, Method::Invite);
    acknowledges(&mut scene, "");
    let again = next(&mut scene.world, peer, Method::Invite);
    assert_eq!(View::parse(&again).unwrap().body(), View::parse(&ok).unwrap().body());
    scene.world.reply(peer, alice, &again, Status::OK, "p1", &[], Some(&at(7001)));
    next(&mut scene.world, peer, Method::Ack);
    assert!(!scene.is_over(THEIRS));
}

/// RFC 3725 §4.4 once more, from their side: who asks for an offer gets that of the other, who gets the answer.
#[test]
fn who_asks_for_an_offer_gets_that_of_the_other_side() {
    let (mut scene, target) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    asks(&mut scene, Method::Invite, "");
    let passes = next(&mut scene.world, target, Method::Invite);
    assert!(View::parse(&passes).unwrap().body().is_empty());
    scene.world.reply(target, alice, &passes, Status::OK, "t9", &[], Some(&says(7004, "sendrecv", 2)));
    let ok = response(&mut scene.world, peer, 200, Method::Invite);
    assert_eq!(told(&ok).0, 7004);
    acknowledges(&mut scene, &says(7003, "sendrecv", 2));
    let ack = next(&mut scene.world, target, Method::Ack);
    assert_eq!(told(&ack).0, 7003);
    assert!(!scene.is_over(THEIRS) && !scene.is_over(OURS));
}

/// Both ask at once: neither may, and each tries again after a while of its own (RFC 3261 §14.1).
#[test]
fn two_changes_that_meet_are_both_put_off() {
    let (mut scene, target) = bridged();
    let (peer, alice) = (scene.peer, scene.alice);
    asks(&mut scene, Method::Invite, &says(7001, "sendonly", 2));
    let passes = next(&mut scene.world, target, Method::Invite);
    let other = of_target(&scene, &passes, "INVITE", 5);
    let other = other.body("application/sdp", says(7002, "sendonly", 2).as_bytes());
    scene.world.say(target, alice, other);
    response(&mut scene.world, target, 491, Method::Invite);
    scene.world.reply(target, alice, &passes, Status::REQUEST_PENDING, "t9", &[], None);
    response(&mut scene.world, peer, 491, Method::Invite);
    assert!(!scene.is_over(THEIRS) && !scene.is_over(OURS));
}

/// RFC 3261 §15.1.2: who leaves has what is still open answered, and the other side goes too.
#[test]
fn who_leaves_in_the_middle_of_a_change_leaves_nothing_open() {
    for target_leaves in [false, true] {
        let (mut scene, target) = bridged();
        let (peer, alice) = (scene.peer, scene.alice);
        asks(&mut scene, Method::Invite, &says(7001, "sendonly", 2));
        let passes = next(&mut scene.world, target, Method::Invite);
        let left = if target_leaves {
            let bye = of_target(&scene, &passes, "BYE", 5).finish();
            scene.world.say(target, alice, bye);
            peer
        } else {
            asks(&mut scene, Method::Bye, "");
            target
        };
        response(&mut scene.world, peer, 487, Method::Invite);
        let bye = next(&mut scene.world, left, Method::Bye);
        let tag = if target_leaves { "p1" } else { "t9" };
        scene.world.reply(left, alice, &bye, Status::OK, tag, &[], None);
        scene.world.reply(target, alice, &passes, Status::REQUEST_TERMINATED, "t9", &[], None);
        scene.world.wait(alice, over(if target_leaves { THEIRS } else { OURS }));
        scene.world.settle();
    }
}

/// What the two have agreed is not ours to change.
#[test]
fn who_is_in_between_can_hold_nobody() {
    let (mut scene, target) = bridged();
    for action in [CallAction::Hold(THEIRS), CallAction::AskOffer(OURS)] {
        scene.world.press(scene.alice, action);
        scene.world.wait(scene.alice, |event| matches!(event, CallEvent::Impossible(_)));
    }
    scene.world.pass(Duration::from_secs(1));
    assert!(scene.world.inbox(target).is_empty());
}

/// Who is only to be connected hears nothing of us, not even for a moment.
#[test]
fn a_muted_call_has_no_sound() {
    let mut world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.phone(name, account(name), 1));
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Mute(THEIRS));
    world.press(bob, CallAction::Answer(THEIRS));
    world.pass(Duration::from_secs(1));
    let told = world.told(bob);
    let paths: Vec<_> = told
        .iter()
        .filter_map(|event| if let CallEvent::Media(_, path) = event { Some(path.sends) } else { None })
        .collect();
    assert_eq!(paths, [false], "{told:?}");
}

/// Bob and carol, whom alice has connected, hold each other however much is lost.
#[test]
fn a_bridge_is_held_and_resumed_in_a_storm() {
    for seed in 0..20 {
        let mut world = World::new();
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.phone(name, account(name), 1));
        world.talk(alice, bob);
        let to = world.uri(carol).into();
        world.press(alice, CallAction::Dial { call: CallName(2), to, offer: true });
        world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
        world.press(carol, CallAction::Answer(THEIRS));
        world.wait(alice, |event| *event == CallEvent::Established(CallName(2)));
        world.lose = storm(seed, 30);
        world.press(alice, CallAction::Bridge { call: OURS, target: CallName(2) });
        assert_eq!(ended(&mut world, alice).2, Outcome::Completed, "{seed}");
        for (holder, held) in [(bob, carol), (carol, bob)] {
            // Until the other side has the ACK, or its own resume is over, it is not its turn.
            world.pass(Duration::from_secs(40));
            world.press(holder, CallAction::Hold(THEIRS));
            world.wait(held, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
            world.press(holder, CallAction::Resume(THEIRS));
            world.wait(held, |event| *event == CallEvent::HeldByPeer(THEIRS, false));
        }
        world.pass(Duration::from_secs(40));
        world.press(bob, CallAction::HangUp(THEIRS));
        world.wait(carol, over(THEIRS));
        world.settle();
    }
}
