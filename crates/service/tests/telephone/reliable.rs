//! Reliable provisional responses in telephones: RFC 3262, and offers and answers in them and in PRACK.

use crate::pair::{World, account, sdp};
use crate::peers::{OURS, THEIRS, dial, next, one, request, statuses};
use crate::puppet::response;
use bytes::Bytes;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::settings::{Habits, Reliability, Telephone};
use cordboard_sip::header::{RAck, RSeq};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

fn wanting(name: &str, reliable: Reliability) -> Telephone {
    Telephone { habits: Habits { reliable, ..Habits::USUAL }, ..account(name) }
}

fn two(alice: Reliability, bob: Reliability) -> (World, usize, usize) {
    let mut world = World::new();
    let alice = world.phone("alice", wanting("alice", alice), 1);
    let bob = world.phone("bob", wanting("bob", bob), 1);
    (world, alice, bob)
}

fn is_incoming(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Incoming { .. })
}

fn is_media(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Media(..))
}

fn is_ended(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Ended { .. })
}

/// Answers when it rings, and hangs up once both talk.
fn answer_and_release(world: &mut World, alice: usize, bob: usize) {
    world.press(bob, CallAction::Answer(THEIRS));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.wait(bob, |event| *event == CallEvent::Established(THEIRS));
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, is_ended);
    world.settle();
}

/// The statuses of the responses to one method.
fn answers(inbox: &[Bytes], method: Method) -> Vec<u16> {
    let views = inbox.iter().map(|bytes| View::parse(bytes).unwrap());
    views.filter(|view| view.method() == method).filter_map(|view| Some(view.status()?.code())).collect()
}

/// A PRACK of the puppet for a response of the telephone.
fn prack(world: &World, to: usize, response: &[u8], cseq: u32, body: Option<&str>) -> Bytes {
    let view = View::parse(response).unwrap();
    let RSeq(rseq) = view.header::<RSeq>().unwrap().unwrap();
    let rack = RAck::new(rseq, view.cseq().0, Method::Invite);
    let branch = format!("prack{cseq}");
    let builder = request(world, "PRACK", to, view.to_tag(), &branch, cseq).line(Name::RACK, rack);
    match body {
        Some(body) => builder.body("application/sdp", body.as_bytes()),
        None => builder.finish(),
    }
}

fn invite(world: &World, to: usize, supports: Name, offer: bool) -> Bytes {
    let builder = request(world, "INVITE", to, None, "invite", 1).line(supports, "100rel");
    if offer { builder.body("application/sdp", sdp("sendrecv").as_bytes()) } else { builder.finish() }
}

/// §3, §4: whoever requires it gets it, and the description waits for the 200.
#[test]
fn ringing_is_reliable_for_whoever_requires_it() {
    let (mut world, alice, bob) = two(Reliability::Required, Reliability::AsAsked);
    let to = world.uri(bob);
    dial(&mut world, alice, &to);
    world.wait(bob, is_incoming);
    world.wait(alice, |event| *event == CallEvent::Ringing(OURS));
    world.pass(Duration::from_secs(1));
    answer_and_release(&mut world, alice, bob);
    let expected = [
        "alice-bob INVITE",
        "bob-alice 180 INVITE",
        "alice-bob PRACK",
        "bob-alice 200 PRACK",
        "bob-alice 200 INVITE",
        "alice-bob ACK",
        "alice-bob BYE",
        "bob-alice 200 BYE",
    ];
    assert_eq!(world.log, expected);
}

#[test]
fn a_lost_180_and_a_lost_prack_are_repeated() {
    let (mut world, alice, bob) = two(Reliability::AsAsked, Reliability::Preferred);
    let mut losses = vec!["bob-alice 180 INVITE", "alice-bob PRACK", "bob-alice 200 PRACK"];
    world.lose = Box::new(move |said| match losses.iter().position(|loss| *loss == said) {
        Some(at) => {
            losses.remove(at);
            true
        }
        None => false,
    });
    let to = world.uri(bob);
    dial(&mut world, alice, &to);
    world.wait(bob, is_incoming);
    world.wait(alice, |event| *event == CallEvent::Ringing(OURS));
    world.pass(Duration::from_secs(10));
    answer_and_release(&mut world, alice, bob);
    let count = |said: &str| world.log.iter().filter(|other| **other == said).count();
    assert_eq!((count("bob-alice 180 INVITE x"), count("alice-bob PRACK x")), (1, 1));
    assert!(count("bob-alice 180 INVITE") >= 1 && count("bob-alice 200 PRACK") == 1, "{:#?}", world.log);
}

/// §3: "if a reliable provisional response is retransmitted for 64*T1 seconds without reception of a corresponding
/// PRACK, the UAS SHOULD reject the original request with a 5xx response".
#[test]
fn without_a_prack_the_call_is_given_up_with_504() {
    let (mut world, alice, peer) = one();
    let bytes = invite(&world, alice, Name::REQUIRE, true);
    world.say(peer, alice, bytes);
    world.pass(Duration::from_secs(40));
    let inbox = world.inbox(peer);
    let got = statuses(&inbox);
    let rung = got.iter().filter(|status| **status == 180).count();
    assert_eq!((rung, got.contains(&504)), (7, true), "T1 doubled for 64·T1: {got:?}");
    let told = world.told(alice);
    assert!(
        matches!(told.last(), Some(CallEvent::Ended { status: Some(Status::SERVER_TIME_OUT), .. })),
        "{told:?}"
    );
}

/// §3: no 2xx before the PRACK of a response with a description.
#[test]
fn the_200_waits_for_the_prack_of_a_description() {
    let (mut world, alice, peer) = one();
    let bytes = invite(&world, alice, Name::SUPPORTED, true);
    world.say(peer, alice, bytes);
    world.wait(alice, is_incoming);
    world.press(alice, CallAction::Progress(THEIRS));
    let early = response(&mut world, peer, 183, Method::Invite);
    let view = View::parse(&early).unwrap();
    assert_eq!(view.value(Name::REQUIRE), Some("100rel"));
    assert!(Sdp::parse(view.body()).is_ok(), "early media has a description");
    world.press(alice, CallAction::Answer(THEIRS));
    world.pass(Duration::from_secs(1));
    assert!(!statuses(&world.inbox(peer)).contains(&200));
    let bytes = prack(&world, alice, &early, 2, None);
    world.say(peer, alice, bytes);
    world.pass(Duration::from_millis(50));
    let inbox = world.inbox(peer);
    assert_eq!(answers(&inbox, Method::Prack), [200]);
    assert_eq!(answers(&inbox, Method::Invite), [200]);
    let ok =
        inbox.iter().map(|bytes| View::parse(bytes).unwrap()).find(|view| view.method() == Method::Invite);
    assert!(ok.unwrap().body().is_empty(), "the answer was given already");
}

/// A CANCEL that comes while the 200 waits still cancels.
#[test]
fn an_answer_that_waits_for_its_prack_can_be_cancelled() {
    let (mut world, alice, peer) = one();
    let bytes = invite(&world, alice, Name::SUPPORTED, true);
    world.say(peer, alice, bytes);
    world.wait(alice, is_incoming);
    world.press(alice, CallAction::Progress(THEIRS));
    world.press(alice, CallAction::Answer(THEIRS));
    let cancel = request(&world, "CANCEL", alice, None, "invite", 1).finish();
    world.say(peer, alice, cancel);
    world.wait(alice, is_ended);
    world.pass(Duration::from_secs(1));
    let got = answers(&world.inbox(peer), Method::Invite);
    assert!(got.contains(&487) && !got.contains(&200), "{got:?}");
}

/// RFC 3261 §13.2.1 and RFC 3262 §5: the first reliable response makes the offer that the INVITE does not make, and
/// the PRACK answers it.
#[test]
fn a_delayed_offer_in_a_180_is_answered_in_the_prack() {
    let (mut world, alice, bob) = two(Reliability::Required, Reliability::AsAsked);
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: false });
    world.wait(bob, is_incoming);
    let CallEvent::Media(_, at_alice) = world.wait(alice, is_media) else { unreachable!() };
    let CallEvent::Media(_, at_bob) = world.wait(bob, is_media) else { unreachable!() };
    assert_eq!((at_alice.local, at_alice.remote), (at_bob.remote, at_bob.local));
    answer_and_release(&mut world, alice, bob);
}

/// RFC 3262 §5: a PRACK may make another offer once the first is answered; its 200 answers.
#[test]
fn an_offer_in_a_prack_is_answered_in_its_200() {
    let (mut world, alice, peer) = one();
    let bytes = invite(&world, alice, Name::SUPPORTED, true);
    world.say(peer, alice, bytes);
    world.wait(alice, is_incoming);
    world.press(alice, CallAction::Progress(THEIRS));
    let early = response(&mut world, peer, 183, Method::Invite);
    let bytes = prack(&world, alice, &early, 2, Some(&sdp("sendonly")));
    world.say(peer, alice, bytes);
    let ok = response(&mut world, peer, 200, Method::Prack);
    let answer = Sdp::parse(View::parse(&ok).unwrap().body()).unwrap();
    assert_eq!(answer.audio().unwrap().direction().as_str(), "recvonly");
    let bytes = prack(&world, alice, &early, 3, None);
    world.say(peer, alice, bytes);
    response(&mut world, peer, 481, Method::Prack);
}

/// RFC 6337 §2.3: a call whose offer gets no answer comes to nothing.
#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    let (mut world, alice, peer) = one();
    let bytes = invite(&world, alice, Name::REQUIRE, false);
    world.say(peer, alice, bytes);
    world.wait(alice, is_incoming);
    let ringing = response(&mut world, peer, 180, Method::Invite);
    assert!(Sdp::parse(View::parse(&ringing).unwrap().body()).is_ok());
    let bytes = prack(&world, alice, &ringing, 2, None);
    world.say(peer, alice, bytes);
    response(&mut world, peer, 488, Method::Invite);
    let bytes = Builder::request("PRACK", world.uri(alice))
        .line(Name::VIA, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKodd")
        .line(Name::FROM, "<sip:peer@example.com>;tag=p1")
        .line(Name::TO, View::parse(&ringing).unwrap().value(Name::TO).unwrap())
        .line(Name::CALL_ID, "call-of-peer")
        .line(Name::CSEQ, "3 PRACK")
        .finish();
    world.say(peer, alice, bytes);
    response(&mut world, peer, 400, Method::Prack);
}

/// §4: taken in order and once.
#[test]
fn provisional_responses_are_acknowledged_in_order_and_once() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    assert_eq!(
        View::parse(&invite).unwrap().value(Name::SUPPORTED).map(|v| v.contains("100rel")),
        Some(true)
    );
    let contact = format!("<{to}>");
    let say = |world: &mut World, rseq: &str, tag: &str, body: Option<&str>| {
        let lines = [(Name::CONTACT, &*contact), (Name::REQUIRE, "100rel"), (Name::RSEQ, rseq)];
        world.reply(peer, alice, &invite, Status::SESSION_PROGRESS, tag, &lines, body);
    };
    let answer = sdp("sendrecv");
    say(&mut world, "7", "t", Some(&answer));
    say(&mut world, "7", "t", Some(&answer));
    say(&mut world, "9", "t", None);
    say(&mut world, "8", "t", None);
    // Another branch of a fork counts for itself.
    say(&mut world, "500", "u", None);
    world.pass(Duration::from_millis(100));
    let mut racks = Vec::new();
    for bytes in world.inbox(peer) {
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.method(), Method::Prack);
        let tag = view.to_tag().unwrap().to_owned();
        racks.push((view.value(Name::RACK).unwrap().to_owned(), tag.clone(), view.cseq().0));
        world.reply(peer, alice, &bytes, Status::OK, &tag, &[], None);
    }
    let expected = [("7 1 INVITE", "t", 2), ("8 1 INVITE", "t", 3), ("500 1 INVITE", "u", 2)];
    assert_eq!(racks, expected.map(|(rack, tag, cseq)| (rack.to_owned(), tag.to_owned(), cseq)));
    assert!(is_media(&world.wait(alice, |_| true)), "early media is told");
    // The description that counts came first; that of the 200 does not (RFC 3261 §13.2.1).
    let lines = [(Name::CONTACT, &*contact)];
    world.reply(peer, alice, &invite, Status::OK, "t", &lines, None);
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    let ack = next(&mut world, peer, Method::Ack);
    assert!(View::parse(&ack).unwrap().body().is_empty());
    world.press(alice, CallAction::HangUp(OURS));
    let bye = next(&mut world, peer, Method::Bye);
    assert_eq!(View::parse(&bye).unwrap().cseq().0, 4, "PRACKs count");
    world.reply(peer, alice, &bye, Status::OK, "t", &[], None);
    world.settle();
}

/// RFC 3261 §13.2.1: what an unreliable 183 shows is what the 200 says.
#[test]
fn early_media_without_reliability_says_the_same_twice() {
    let (mut world, alice, peer) = one();
    let bytes = request(&world, "INVITE", alice, None, "invite", 1)
        .body("application/sdp", sdp("sendrecv").as_bytes());
    world.say(peer, alice, bytes);
    world.wait(alice, is_incoming);
    world.press(alice, CallAction::Progress(THEIRS));
    let early = response(&mut world, peer, 183, Method::Invite);
    assert!(!View::parse(&early).unwrap().has(Name::RSEQ));
    assert!(is_media(&world.wait(alice, |_| true)));
    world.press(alice, CallAction::Answer(THEIRS));
    let ok = response(&mut world, peer, 200, Method::Invite);
    let bodies = [&early, &ok].map(|bytes| View::parse(bytes).unwrap().body().to_vec());
    assert!(!bodies[0].is_empty());
    assert_eq!(bodies[0], bodies[1]);
}

/// An answer of no use in a 183 is acknowledged, and the call given up.
#[test]
fn a_useless_answer_in_a_183_ends_the_call() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let contact = format!("<{to}>");
    let lines = [(Name::CONTACT, &*contact), (Name::REQUIRE, "100rel"), (Name::RSEQ, "1")];
    world.reply(peer, alice, &invite, Status::SESSION_PROGRESS, "t", &lines, Some("hello"));
    let prack = next(&mut world, peer, Method::Prack);
    world.reply(peer, alice, &prack, Status::OK, "t", &[], None);
    let cancel = next(&mut world, peer, Method::Cancel);
    world.reply(peer, alice, &cancel, Status::OK, "t", &[], None);
    world.reply(peer, alice, &invite, Status::REQUEST_TERMINATED, "t", &[], None);
    let ended = world.wait(alice, is_ended);
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Failed, .. }), "{ended:?}");
    world.settle();
}

#[test]
fn who_does_not_know_it_refuses_a_call_that_requires_it() {
    let mut world = World::new();
    let alice = world.phone("alice", wanting("alice", Reliability::Required), 1);
    let peer = world.puppet("peer");
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    assert_eq!(View::parse(&invite).unwrap().value(Name::REQUIRE), Some("100rel"));
    world.reply(peer, alice, &invite, Status::BAD_EXTENSION, "t", &[(Name::UNSUPPORTED, "100rel")], None);
    let ended = world.wait(alice, is_ended);
    assert!(matches!(ended, CallEvent::Ended { status: Some(Status::BAD_EXTENSION), .. }));
    world.settle();
}
