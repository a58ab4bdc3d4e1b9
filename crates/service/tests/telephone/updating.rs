//! UPDATE in telephones (RFC 3311): before the call is answered and afterwards, with an offer and without.

use crate::pair::{World, account, sdp, storm};
use crate::peers::{OURS, THEIRS, next, one, request};
use crate::puppet::{answers, calls, inside, response};
use cordboard_core::session::timer::Policy;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::settings::{ChangesBy, Habits, Reliability, Telephone};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

const ALLOWS: (Name, &str) = (Name::ALLOW, "INVITE, ACK, BYE, CANCEL, UPDATE");

fn with(name: &str, habits: Habits) -> Telephone {
    Telephone { habits, ..account(name) }
}

/// A telephone that asks by UPDATE, and a puppet.
fn one_by_update() -> (World, usize, usize) {
    let mut world = World::new();
    let habits = Habits { changes_by: ChangesBy::Update, ..Habits::USUAL };
    let alice = world.phone("alice", with("alice", habits), 1);
    let peer = world.puppet("peer");
    (world, alice, peer)
}

/// Two telephones in a call that rings, with early media agreed on reliably.
fn early() -> (World, usize, usize) {
    let mut world = World::new();
    let habits = Habits { reliable: Reliability::Preferred, ..Habits::USUAL };
    let alice = world.phone("alice", account("alice"), 1);
    let bob = world.phone("bob", with("bob", habits), 1);
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Progress(THEIRS));
    world.wait(alice, |event| matches!(event, CallEvent::Media(..)));
    world.pass(Duration::from_millis(200));
    (world, alice, bob)
}

fn answer_and_release(world: &mut World, alice: usize, bob: usize) {
    world.press(bob, CallAction::Answer(THEIRS));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.wait(bob, |event| *event == CallEvent::Established(THEIRS));
    world.press(bob, CallAction::HangUp(THEIRS));
    world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
}

fn direction(bytes: &[u8]) -> String {
    let sdp = Sdp::parse(View::parse(bytes).unwrap().body()).unwrap();
    sdp.audio().unwrap().direction().as_str().to_owned()
}

/// RFC 3311 §8: hold by UPDATE before the answer; neither the 200 nor the ACK has a description.
#[test]
fn the_caller_holds_before_the_answer() {
    let (mut world, alice, bob) = early();
    world.press(alice, CallAction::Hold(OURS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    answer_and_release(&mut world, alice, bob);
    let expected = [
        "alice-bob INVITE",
        "bob-alice 180 INVITE",
        "alice-bob PRACK",
        "bob-alice 200 PRACK",
        "bob-alice 183 INVITE",
        "alice-bob PRACK",
        "bob-alice 200 PRACK",
        "alice-bob UPDATE",
        "bob-alice 200 UPDATE",
        "bob-alice 200 INVITE",
        "alice-bob ACK",
        "bob-alice BYE",
        "alice-bob 200 BYE",
    ];
    assert_eq!(world.log, expected);
}

/// RFC 6337 §3.2: an UPDATE that overtook the PRACK would have that refused, and the call given up with 504.
#[test]
fn an_update_does_not_overtake_the_prack() {
    let mut world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.phone(name, account(name), 1));
    let mut losses = 2;
    world.lose = Box::new(move |said| {
        let lost = said == "alice-bob PRACK" && losses > 0;
        losses -= i32::from(lost);
        lost
    });
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(bob, CallAction::Progress(THEIRS));
    world.wait(alice, |event| matches!(event, CallEvent::Media(..)));
    world.press(alice, CallAction::Hold(OURS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    let at = |said: &str| world.log.iter().position(|other| other == said).unwrap();
    assert!(at("bob-alice 200 PRACK") < at("alice-bob UPDATE"), "{:#?}", world.log);
    answer_and_release(&mut world, alice, bob);
}

/// What overtook a PRACK does not have it refused: it says for itself which response it is for.
#[test]
fn a_prack_that_was_overtaken_counts() {
    let (mut world, alice, peer) = one();
    let invite = request(&world, "INVITE", alice, None, "invite", 1)
        .line(Name::REQUIRE, "100rel")
        .body("application/sdp", sdp("sendrecv").as_bytes());
    world.say(peer, alice, invite);
    let ringing = response(&mut world, peer, 180, Method::Invite);
    let view = View::parse(&ringing).unwrap();
    let (tag, rseq) = (view.to_tag().unwrap(), view.value(Name::RSEQ).unwrap());
    let update = inside(&world, alice, tag, "UPDATE", 3, None);
    world.say(peer, alice, update);
    response(&mut world, peer, 200, Method::Update);
    let prack = request(&world, "PRACK", alice, Some(tag), "prack", 2)
        .line(Name::RACK, format_args!("{rseq} 1 INVITE"));
    world.say(peer, alice, prack.finish());
    response(&mut world, peer, 200, Method::Prack);
}

#[test]
fn the_callee_holds_before_it_answers() {
    let (mut world, alice, bob) = early();
    world.press(bob, CallAction::Hold(THEIRS));
    world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, true));
    let CallEvent::Media(_, path) = world.wait(alice, |event| matches!(event, CallEvent::Media(..))) else {
        unreachable!()
    };
    assert!(!path.sends && path.receives);
    world.press(bob, CallAction::Answer(THEIRS));
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(OURS, true));
    world.press(bob, CallAction::HangUp(THEIRS));
    world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
    assert_eq!(world.log.iter().filter(|said| said.ends_with(" INVITE")).count(), 4, "{:#?}", world.log);
}

/// §5.2: the INVITE's offer has no answer yet.
#[test]
fn an_update_on_top_of_an_open_offer_is_refused() {
    let (mut world, alice, peer) = one();
    let invite = request(&world, "INVITE", alice, None, "invite", 1)
        .body("application/sdp", sdp("sendrecv").as_bytes());
    world.say(peer, alice, invite);
    let ringing = response(&mut world, peer, 180, Method::Invite);
    let tag = View::parse(&ringing).unwrap().to_tag().unwrap().to_owned();
    let update = inside(&world, alice, &tag, "UPDATE", 2, Some(&sdp("sendonly")));
    world.say(peer, alice, update);
    let refused = response(&mut world, peer, 500, Method::Update);
    let retry: u32 = View::parse(&refused).unwrap().value(Name::RETRY_AFTER).unwrap().parse().unwrap();
    assert!(retry <= 10);
    // Without an offer it is no offer too many.
    let update = inside(&world, alice, &tag, "UPDATE", 3, None);
    world.say(peer, alice, update);
    let taken = response(&mut world, peer, 200, Method::Update);
    let taken = View::parse(&taken).unwrap();
    assert!(taken.has(Name::CONTACT) && taken.body().is_empty());
}

/// §5.2: while an offer of ours is open, another is refused with 491.
#[test]
fn an_update_that_crosses_a_reinvite_is_refused_with_491() {
    let (mut world, alice, peer) = one();
    let (_, tag) = calls(&mut world, peer, alice, &[]);
    world.press(alice, CallAction::Hold(THEIRS));
    let hold = next(&mut world, peer, Method::Invite);
    for (cseq, body, status) in [(2, Some(sdp("sendonly")), 491), (3, None, 200)] {
        let update = inside(&world, alice, &tag, "UPDATE", cseq, body.as_deref());
        world.say(peer, alice, update);
        response(&mut world, peer, status, Method::Update);
    }
    let contact = "<sip:peer@192.0.2.2:5060>";
    world.reply(peer, alice, &hold, Status::OK, "p1", &[(Name::CONTACT, contact)], Some(&sdp("recvonly")));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(THEIRS, true));
    // Asked for an offer, the other side may not make one of its own meanwhile.
    world.press(alice, CallAction::AskOffer(THEIRS));
    next(&mut world, peer, Method::Invite);
    let update = inside(&world, alice, &tag, "UPDATE", 4, Some(&sdp("sendonly")));
    world.say(peer, alice, update);
    response(&mut world, peer, 491, Method::Update);
}

#[test]
fn an_update_holds_and_one_of_no_use_changes_nothing() {
    let (mut world, alice, peer) = one();
    let (ok, tag) = calls(&mut world, peer, alice, &[]);
    assert!(View::parse(&ok).unwrap().value(Name::ALLOW).unwrap().contains("INVITE"));
    let update = inside(&world, alice, &tag, "UPDATE", 2, Some(&sdp("sendonly")));
    world.say(peer, alice, update);
    assert_eq!(direction(&response(&mut world, peer, 200, Method::Update)), "recvonly");
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
    let useless =
        "v=0\r\no=p 1 2 IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=video 9 RTP/AVP 31\r\n";
    let update = inside(&world, alice, &tag, "UPDATE", 3, Some(useless));
    world.say(peer, alice, update);
    response(&mut world, peer, 488, Method::Update);
    let update = inside(&world, alice, &tag, "UPDATE", 4, Some(&sdp("sendrecv")));
    world.say(peer, alice, update);
    assert_eq!(direction(&response(&mut world, peer, 200, Method::Update)), "sendrecv");
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(THEIRS, false));
    let late = inside(&world, alice, &tag, "UPDATE", 2, None);
    world.say(peer, alice, late);
    let bye = inside(&world, alice, &tag, "BYE", 5, None);
    world.say(peer, alice, bye);
    world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    let update = inside(&world, alice, &tag, "UPDATE", 6, None);
    world.say(peer, alice, update);
    response(&mut world, peer, 481, Method::Update);
    world.settle();
}

/// RFC 6337 §5.3: what is held cannot be heard; an inactive offer gets an inactive answer, whatever we want.
#[test]
fn an_inactive_offer_is_never_answered_with_recvonly() {
    let (mut world, alice, peer) = one();
    let (_, tag) = calls(&mut world, peer, alice, &[]);
    for (cseq, (offer, expected)) in
        (2..).zip([("inactive", "inactive"), ("recvonly", "sendonly"), ("sendonly", "recvonly")])
    {
        let update = inside(&world, alice, &tag, "UPDATE", cseq, Some(&sdp(offer)));
        world.say(peer, alice, update);
        assert_eq!(direction(&response(&mut world, peer, 200, Method::Update)), expected);
    }
    for (cseq, address) in (9..).zip(["IP4 0.0.0.0", "IP6 ::"]) {
        let old = sdp("sendrecv").replacen("c=IN IP4 192.0.2.99", &format!("c=IN {address}"), 1);
        let update = inside(&world, alice, &tag, "UPDATE", cseq, Some(&old));
        world.say(peer, alice, update);
        assert_eq!(direction(&response(&mut world, peer, 200, Method::Update)), "recvonly", "{address}");
    }
}

/// What the other side does not allow is asked for by re-INVITE.
#[test]
fn who_does_not_allow_update_gets_a_reinvite() {
    let (mut world, alice, peer) = one_by_update();
    answers(&mut world, alice, peer, &[]);
    world.press(alice, CallAction::Hold(OURS));
    next(&mut world, peer, Method::Invite);

    let (mut world, alice, peer) = one_by_update();
    answers(&mut world, alice, peer, &[ALLOWS]);
    world.press(alice, CallAction::Hold(OURS));
    let update = next(&mut world, peer, Method::Update);
    assert_eq!(direction(&update), "sendonly");
    assert!(View::parse(&update).unwrap().has(Name::CONTACT));
    world.reply(peer, alice, &update, Status::METHOD_NOT_ALLOWED, "t", &[], None);
    next(&mut world, peer, Method::Invite);
}

/// §5.3 and §5.2: tried again, after the wait of a glare or that of a Retry-After.
#[test]
fn an_update_that_comes_too_soon_is_tried_again() {
    let (mut world, alice, peer) = one_by_update();
    answers(&mut world, alice, peer, &[ALLOWS]);
    world.press(alice, CallAction::Hold(OURS));
    let first = next(&mut world, peer, Method::Update);
    let before = world.now;
    world.reply(peer, alice, &first, Status::REQUEST_PENDING, "t", &[], None);
    let second = next(&mut world, peer, Method::Update);
    let waited = world.now.since(before);
    assert!(waited >= Duration::from_millis(2_100) && waited <= Duration::from_millis(4_100), "{waited:?}");
    let before = world.now;
    let lines = [(Name::RETRY_AFTER, "7")];
    world.reply(peer, alice, &second, Status::SERVER_INTERNAL_ERROR, "t", &lines, None);
    let third = next(&mut world, peer, Method::Update);
    assert!(world.now.since(before) >= Duration::from_secs(7));
    world.reply(peer, alice, &third, Status::OK, "t", &[], Some(&sdp("recvonly")));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    world.press(alice, CallAction::Resume(OURS));
    let fourth = next(&mut world, peer, Method::Update);
    world.reply(peer, alice, &fourth, Status::NOT_ACCEPTABLE_HERE, "t", &[], None);
    let refused = CallEvent::ChangeRefused(OURS, Status::NOT_ACCEPTABLE_HERE);
    world.wait(alice, |event| *event == refused);
}

/// Both ask at once, are refused, and get through in the end.
#[test]
fn two_updates_that_cross_resolve_themselves() {
    let mut world = World::new();
    let habits = Habits { changes_by: ChangesBy::Update, ..Habits::USUAL };
    let [alice, bob] = ["alice", "bob"].map(|name| world.phone(name, with(name, habits), 1));
    world.talk(alice, bob);
    world.press(alice, CallAction::Hold(OURS));
    world.press(bob, CallAction::Hold(THEIRS));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
    world.wait(bob, |event| *event == CallEvent::HoldChanged(THEIRS, true));
    let refused = world.log.iter().filter(|said| said.ends_with("491 UPDATE")).count();
    assert_eq!(refused, 2, "{:#?}", world.log);
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
}

/// RFC 3261 §22.2: an UPDATE that is challenged is sent again with credentials and the next number.
#[test]
fn a_challenged_update_is_sent_again() {
    let (mut world, alice, peer) = one_by_update();
    answers(&mut world, alice, peer, &[ALLOWS]);
    world.press(alice, CallAction::Hold(OURS));
    let first = next(&mut world, peer, Method::Update);
    let asks = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    world.reply(peer, alice, &first, Status::UNAUTHORIZED, "t", &[(Name::WWW_AUTHENTICATE, asks)], None);
    let second = next(&mut world, peer, Method::Update);
    let [first, second_view] = [&first, &second].map(|bytes| View::parse(bytes).unwrap());
    assert!(second_view.has(Name::AUTHORIZATION));
    assert_eq!(second_view.cseq().0, first.cseq().0 + 1);
    assert_eq!(second_view.body(), first.body());
    world.reply(peer, alice, &second, Status::OK, "t", &[], Some(&sdp("recvonly")));
    world.wait(alice, |event| *event == CallEvent::HoldChanged(OURS, true));
}

/// §5.3 with RFC 3261 §12.2.1.2: whoever does not know the dialog any more has left it.
#[test]
fn an_update_answered_481_ends_the_call() {
    let (mut world, alice, peer) = one_by_update();
    answers(&mut world, alice, peer, &[ALLOWS]);
    world.press(alice, CallAction::Hold(OURS));
    let update = next(&mut world, peer, Method::Update);
    world.reply(peer, alice, &update, Status::CALL_DOES_NOT_EXIST, "t", &[], None);
    world.wait(alice, |event| matches!(event, CallEvent::Ended { call: OURS, .. }));
    let bye = next(&mut world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::OK, "t", &[], None);
    world.settle();
}

/// Everything together while much is lost: early media, holds before the answer and after it, refreshes; in the end both
/// agree, and nothing is left.
#[test]
fn a_whole_call_with_everything_in_storms() {
    for seed in 1..=40 {
        let mut world = World::new();
        let session_timer = Policy { wish: Some(200), ..Habits::USUAL.session_timer };
        let habits = Habits {
            reliable: Reliability::Required,
            changes_by: if seed % 2 == 0 { ChangesBy::Update } else { ChangesBy::Invite },
            session_timer,
            ..Habits::USUAL
        };
        let alice = world.phone("alice", with("alice", habits), 1);
        let bob = world.phone("bob", account("bob"), 1);
        world.lose = storm(seed, 30);
        let to = world.uri(bob).into();
        world.press(alice, CallAction::Dial { call: OURS, to, offer: seed % 3 != 0 });
        world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
        world.press(bob, CallAction::Progress(THEIRS));
        world.wait(alice, |event| matches!(event, CallEvent::Media(..)));
        world.press(alice, CallAction::Hold(OURS));
        world.pass(Duration::from_millis(100 * u64::from(seed)));
        world.press(bob, CallAction::Answer(THEIRS));
        world.wait(bob, |event| *event == CallEvent::Established(THEIRS));
        world.wait(bob, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
        world.press(alice, CallAction::Resume(OURS));
        world.press(bob, CallAction::Hold(THEIRS));
        world.pass(Duration::from_mins(4));
        let told = world.told(bob);
        for wanted in [CallEvent::HoldChanged(THEIRS, true), CallEvent::HeldByPeer(THEIRS, false)] {
            assert!(told.contains(&wanted), "seed {seed}: {wanted:?} is not in {told:?}: {:#?}", world.log);
        }
        let over = |event: &CallEvent| matches!(event, CallEvent::Ended { .. });
        assert!(!world.told(alice).iter().any(over), "seed {seed}: {:#?}", world.log);
        world.press(bob, CallAction::HangUp(THEIRS));
        world.wait(alice, over);
        world.settle();
    }
}
