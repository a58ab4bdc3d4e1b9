//! Handing over between telephones of ours, where no flow of an RFC is drawn: a link, one's other telephone, a target
//! that rings, an address that leads nowhere, proof of who hands over.

use crate::handover::{OURS, Scene, THEIRS};
use crate::pair::{World, account, sdp};
use bytes::Bytes;
use cordboard_ladder::{Kind, Outcome};
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

const SECOND: CallName = CallName(2);

/// The next request of this method that a puppet gets, others skipped.
#[track_caller]
pub(crate) fn next(world: &mut World, puppet: usize, method: Method) -> Bytes {
    loop {
        let bytes = world.receive(puppet);
        let view = View::parse(&bytes).unwrap();
        if view.is_request() && view.method() == method {
            return bytes;
        }
    }
}

/// How a transfer ended.
pub(crate) fn ended(world: &mut World, phone: usize) -> (CallName, Kind, Outcome, String) {
    let event = world.wait(phone, |event| matches!(event, CallEvent::Transferred { .. }));
    let CallEvent::Transferred { call, kind, outcome, says, .. } = event else {
        unreachable!("it was waited for")
    };
    (call, kind, outcome, says.into())
}

pub(crate) fn over(call: CallName) -> impl Fn(&CallEvent) -> bool {
    move |event| matches!(event, CallEvent::Ended { call: other, .. } if *other == call)
}

/// RFC 5359 §2.6 F5 and F7: to-tag has to be that of whoever is called, and the RFC has it the other way round.
#[test]
fn the_link_of_the_rfc_has_its_tags_swapped() {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let carol = world.phone("carol", account("carol"), 1);
    let bob = world.puppet("bob");
    let to = world.uri(bob).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    let invite = next(&mut world, bob, Method::Invite);
    let view = View::parse(&invite).unwrap();
    let (call_id, alices) = (view.call_id().to_owned(), view.from_tag().unwrap().to_owned());
    let contact = format!("<{}>", world.uri(bob));
    let answer = sdp("sendrecv");
    world.reply(bob, alice, &invite, Status::OK, "bobs", &[(Name::CONTACT, &contact)], Some(&answer));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    let at = world.uri(alice);
    let link = |to_tag: &str, from_tag: &str| {
        format!("{at}?Replaces={call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}&Require=replaces")
    };
    let printed: Box<str> = format!("<A HREF=\"{}\">Alice</A>", link("bobs", &alices)).into();
    world.press(carol, CallAction::Follow { call: OURS, link: printed });
    let refused = world.wait(carol, over(OURS));
    assert!(
        matches!(refused, CallEvent::Ended { status: Some(Status::CALL_DOES_NOT_EXIST), .. }),
        "{refused:?}"
    );
    assert!(!world.told(alice).iter().any(over(OURS)), "the call with Bob goes on");
    world.press(carol, CallAction::Follow { call: SECOND, link: link(&alices, "bobs").into() });
    world.wait(carol, |event| *event == CallEvent::Established(SECOND));
    let bye = next(&mut world, bob, Method::Bye);
    assert_eq!(View::parse(&bye).unwrap().call_id(), call_id);
}

/// Alice goes on with Bob on her other telephone.
#[test]
fn a_call_moves_to_ones_other_telephone() {
    let (mut world, alice, bob) = World::two();
    let mobile = world.phone("mobile", account("alice"), 1);
    let (ours, theirs) = world.talk(alice, bob);
    let to = world.uri(mobile).into();
    world.press(alice, CallAction::MoveTo { call: ours, to });
    let asked = world.wait(mobile, |event| matches!(event, CallEvent::Asked { .. }));
    let CallEvent::Asked { call, .. } = asked else { unreachable!("it was waited for") };
    world.press(mobile, CallAction::Consent(call));
    world.wait(mobile, |event| *event == CallEvent::Established(call));
    world.wait(bob, |event| matches!(event, CallEvent::TakenOver { replaces, .. } if *replaces == theirs));
    let (name, _, outcome, says) = ended(&mut world, alice);
    assert_eq!((name, outcome, &*says), (ours, Outcome::Completed, "the new call is up"));
    world.press(mobile, CallAction::HangUp(call));
    world.settle();
}

/// Whoever consents to nothing leaves the call where it is.
#[test]
fn a_call_that_may_not_move_stays() {
    let (mut world, alice, bob) = World::two();
    let mobile = world.phone("mobile", account("alice"), 1);
    let (ours, _) = world.talk(alice, bob);
    let to = world.uri(mobile).into();
    world.press(alice, CallAction::MoveTo { call: ours, to });
    let asked = world.wait(mobile, |event| matches!(event, CallEvent::Asked { .. }));
    let CallEvent::Asked { call, .. } = asked else { unreachable!("it was waited for") };
    world.press(mobile, CallAction::Refuse(call, Status::DECLINE));
    let (name, _, outcome, _) = ended(&mut world, alice);
    assert_eq!(name, ours);
    assert_ne!(outcome, Outcome::Completed);
    world.press(alice, CallAction::HangUp(ours));
    world.wait(bob, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
}

/// Alice and Bob talk, and Alice's call to Carol rings.
fn with_ringing_target() -> (World, [usize; 3]) {
    let (mut world, alice, bob) = World::two();
    let carol = world.phone("carol", account("carol"), 1);
    world.talk(alice, bob);
    let to = world.uri(carol).into();
    world.press(alice, CallAction::Dial { call: SECOND, to, offer: true });
    world.wait(alice, |event| *event == CallEvent::Ringing(SECOND));
    world.press(alice, CallAction::TransferTo { call: OURS, target: SECOND });
    world.pass(Duration::from_secs(5));
    (world, [alice, bob, carol])
}

#[test]
fn a_target_that_declines_leaves_the_parties_with_each_other() {
    let (mut world, [alice, bob, carol]) = with_ringing_target();
    world.press(carol, CallAction::Decline(THEIRS, Status::BUSY_HERE));
    let (name, kind, outcome, _) = ended(&mut world, alice);
    assert_eq!((name, kind, outcome), (OURS, Kind::SemiAttendedTransfer, Outcome::TargetBusy));
    world.pass(Duration::from_mins(1));
    assert!(!world.told(alice).iter().any(over(OURS)) && !world.told(bob).iter().any(over(THEIRS)));
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

#[test]
fn a_transferee_that_does_not_wait_takes_the_ringing_along() {
    let (mut world, [alice, bob, carol]) = with_ringing_target();
    world.press(bob, CallAction::HangUp(THEIRS));
    let (name, _, outcome, _) = ended(&mut world, alice);
    assert_eq!((name, outcome), (OURS, Outcome::TransfereeLeft));
    world.wait(carol, over(THEIRS));
    world.settle();
}

#[test]
fn a_transferor_that_gives_up_the_target_has_its_call_back() {
    let (mut world, [alice, bob, carol]) = with_ringing_target();
    world.press(alice, CallAction::HangUp(SECOND));
    let (name, _, outcome, _) = ended(&mut world, alice);
    assert_eq!((name, outcome), (OURS, Outcome::TargetNoAnswer));
    world.wait(carol, over(THEIRS));
    assert!(!world.told(bob).iter().any(over(THEIRS)));
    world.press(alice, CallAction::HangUp(OURS));
    world.settle();
}

/// Alice and Bob talk; the target that Alice's other call reached answers from a host whose name takes a while to
/// look up.
fn with_target_that_answers_from_elsewhere(
    meanwhile: impl FnOnce(&mut World, [usize; 2]),
) -> (World, [usize; 3]) {
    let (mut world, alice, bob) = World::two();
    let carol = world.puppet("carol");
    world.talk(alice, bob);
    let to = world.uri(carol).into();
    world.press(alice, CallAction::Dial { call: SECOND, to, offer: true });
    let invite = next(&mut world, carol, Method::Invite);
    let contact = [(Name::CONTACT, "<sip:carol@carol.test>")];
    world.reply(carol, alice, &invite, Status::RINGING, "c", &contact, None);
    world.wait(alice, |event| *event == CallEvent::Ringing(SECOND));
    meanwhile(&mut world, [alice, bob]);
    world.lookups_take = Some(Duration::from_millis(300));
    world.reply(carol, alice, &invite, Status::OK, "c", &contact, Some(&sdp("sendrecv")));
    (world, [alice, bob, carol])
}

/// Where in the log something was sent.
#[track_caller]
fn sent(world: &World, what: &str) -> usize {
    let at = world.log.iter().position(|said| said == what);
    at.unwrap_or_else(|| panic!("{what} was not sent: {:#?}", world.log))
}

/// RFC 5589 figure 11: the transferee hears of the target once that is acknowledged, however long the ACK needs.
#[test]
fn the_refer_does_not_overtake_an_ack_that_looks_for_its_way() {
    let (mut world, [alice, ..]) = with_target_that_answers_from_elsewhere(|world, [alice, _]| {
        world.press(alice, CallAction::TransferTo { call: OURS, target: SECOND });
    });
    world.pass(Duration::from_millis(200));
    let told = world.told(alice);
    assert!(told.iter().any(|event| matches!(event, CallEvent::Media(SECOND, _))), "it is heard: {told:?}");
    assert!(!told.contains(&CallEvent::Established(SECOND)), "{told:?}");
    world.wait(alice, |event| *event == CallEvent::Established(SECOND));
    world.pass(Duration::from_millis(100));
    assert!(sent(&world, "alice-carol ACK") < sent(&world, "alice-bob REFER"), "{:#?}", world.log);
}

/// RFC 3261 §15: the caller may hang up at once; the ACK and then the BYE find their way.
#[test]
fn who_hangs_up_before_the_ack_has_found_its_way_sends_both() {
    let (mut world, [alice, bob, carol]) = with_target_that_answers_from_elsewhere(|_, _| {});
    world.pass(Duration::from_millis(100));
    world.press(alice, CallAction::HangUp(SECOND));
    world.wait(alice, over(SECOND));
    let bye = next(&mut world, carol, Method::Bye);
    world.reply(carol, alice, &bye, Status::OK, "c", &[], None);
    assert!(sent(&world, "alice-carol ACK") < sent(&world, "alice-carol BYE"), "{:#?}", world.log);
    world.press(alice, CallAction::HangUp(OURS));
    world.wait(bob, over(THEIRS));
    world.settle();
    assert!(!world.told(alice).contains(&CallEvent::Established(SECOND)));
}

/// A link that nobody follows, and one that nobody wants.
#[test]
fn a_link_ends_by_name_too() {
    let (mut world, alice, bob) = World::two();
    let carol = world.puppet("carol");
    let (ours, _) = world.talk(alice, bob);
    for (status, outcome) in [(Status::NOT_FOUND, Outcome::Refused), (Status::OK, Outcome::TimedOut)] {
        let to = world.uri(carol).into();
        world.press(alice, CallAction::TransferByMessage { call: ours, to });
        let message = next(&mut world, carol, Method::Message);
        world.reply(carol, alice, &message, status, "c", &[], None);
        let (name, kind, ended, _) = ended(&mut world, alice);
        assert_eq!((name, kind, ended), (ours, Kind::MessageTransfer, outcome));
    }
    world.press(alice, CallAction::HangUp(ours));
    world.settle();
}

/// RFC 5589 §7.5, figure 10: the NOTIFYs of the second REFER bear its number.
#[test]
fn an_address_that_leads_nowhere_is_followed_by_the_contact() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(peer);
    scene.world.press(alice, CallAction::Dial { call: OURS, to: to.clone().into(), offer: true });
    let invite = next(&mut scene.world, peer, Method::Invite);
    let route = format!("<sip:{};lr>", scene.world.address(peer));
    let lines = [(Name::CONTACT, "<sip:hidden@192.0.2.200>"), (Name::RECORD_ROUTE, &*route)];
    scene.world.reply(peer, alice, &invite, Status::OK, "t9", &lines, Some(&sdp("sendrecv")));
    scene.world.wait(alice, |event| *event == CallEvent::Established(OURS));
    scene.world.press(alice, CallAction::TransferTo { call: THEIRS, target: OURS });
    let mut said = Vec::new();
    for (status, event) in [("403 Forbidden", "refer"), ("200 OK", "refer;id=")] {
        let refer = next(&mut scene.world, peer, Method::Refer);
        let view = View::parse(&refer).unwrap();
        said.push(view.value(Name::REFER_TO).unwrap().split('?').next().unwrap().to_owned());
        scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
        scene.cseq += 1;
        let number = if event.ends_with('=') { view.cseq().0.to_string() } else { String::new() };
        let notify = scene
            .request("NOTIFY", "call", "p1")
            .line(Name::EVENT, format_args!("{event}{number}"))
            .line(Name::SUBSCRIPTION_STATE, "terminated;reason=noresource")
            .body("message/sipfrag", format!("SIP/2.0 {status}\r\n").as_bytes());
        scene.world.say(peer, alice, notify);
    }
    let (name, _, outcome, _) = ended(&mut scene.world, alice);
    assert_eq!((name, outcome), (THEIRS, Outcome::Completed));
    assert_eq!(said, [format!("<{to}"), "<sip:hidden@192.0.2.200".to_owned()]);
}

/// RFC 3892 §4: the transferee carries the token along, beside its own description, and the target can read that.
#[test]
fn a_token_is_carried_along_unread() {
    let mut scene = Scene::talking();
    let carol = scene.world.phone("carol", account("carol"), 1);
    let (peer, alice) = (scene.peer, scene.alice);
    let spy = scene.world.puppet("spy");
    let body =
        "--b\r\nContent-Type: message/sipfrag\r\nContent-ID: <proof@example.com>\r\n\r\nsigned\r\n--b--\r\n";
    for target in [spy, carol] {
        scene.cseq += 1;
        let refer = scene
            .request("REFER", "call", "p1")
            .line(Name::REFER_TO, format_args!("<{}>", scene.world.uri(target)))
            .line(Name::REFERRED_BY, "<sip:peer@example.com>;cid=\"proof@example.com\"")
            .body("multipart/mixed;boundary=b", body.as_bytes());
        scene.world.say(peer, alice, refer);
    }
    let invite = next(&mut scene.world, spy, Method::Invite);
    let view = View::parse(&invite).unwrap();
    let text = std::str::from_utf8(view.body()).unwrap();
    assert!(view.value(Name::CONTENT_TYPE).unwrap().starts_with("multipart/mixed"));
    assert!(
        text.contains("Content-ID: <proof@example.com>")
            && text.contains("signed")
            && text.contains("m=audio")
    );
    assert_eq!(view.value(Name::REFERRED_BY), Some("<sip:peer@example.com>;cid=\"proof@example.com\""));
    scene.world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    scene.world.press(carol, CallAction::Answer(THEIRS));
    scene.world.wait(carol, |event| *event == CallEvent::Established(THEIRS));
}

/// Alice talks with the peer, who called her, and with a target, whom she called.
pub(crate) fn with_two_calls() -> (Scene, usize) {
    let mut scene = Scene::talking();
    let target = scene.world.puppet("target");
    let to = scene.world.uri(target);
    scene.world.press(scene.alice, CallAction::Dial { call: OURS, to: to.clone().into(), offer: true });
    let invite = next(&mut scene.world, target, Method::Invite);
    let contact = format!("<{to}>");
    let lines = [(Name::CONTACT, &*contact)];
    let alice = scene.alice;
    scene.world.reply(target, alice, &invite, Status::OK, "t9", &lines, Some(&sdp("sendrecv")));
    scene.world.wait(alice, |event| *event == CallEvent::Established(OURS));
    (scene, target)
}

/// A description with a place of its own.
pub(crate) fn at(port: u16) -> String {
    sdp("sendrecv").replace("3456", &port.to_string())
}

/// The peer is asked for an offer and makes one, and the target is asked what it thinks of it.
pub(crate) fn offered(scene: &mut Scene, target: usize) -> (Bytes, Bytes) {
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.press(alice, CallAction::Bridge { call: THEIRS, target: OURS });
    let asks = next(&mut scene.world, peer, Method::Invite);
    assert!(View::parse(&asks).unwrap().body().is_empty(), "it asks for an offer");
    scene.world.reply(peer, alice, &asks, Status::OK, "p1", &[], Some(&at(7001)));
    let passes = next(&mut scene.world, target, Method::Invite);
    let view = View::parse(&passes).unwrap();
    let body = std::str::from_utf8(view.body()).unwrap();
    assert!(body.contains("m=audio 7001 ") && !body.contains("o=p 1 1"), "theirs, with our own o=: {body}");
    (asks, passes)
}

/// RFC 3725 §4.4: for those who know neither REFER nor Replaces.
#[test]
fn two_calls_are_bridged_by_re_invites() {
    let (mut scene, target) = with_two_calls();
    let (peer, alice) = (scene.peer, scene.alice);
    let (_, passes) = offered(&mut scene, target);
    scene.world.reply(target, alice, &passes, Status::OK, "t9", &[], Some(&at(7002)));
    let ack = next(&mut scene.world, peer, Method::Ack);
    let body = String::from_utf8(View::parse(&ack).unwrap().body().to_vec()).unwrap();
    assert!(body.contains("m=audio 7002 "), "{body}");
    let ack = next(&mut scene.world, target, Method::Ack);
    assert!(View::parse(&ack).unwrap().body().is_empty());
    let (name, kind, outcome, _) = ended(&mut scene.world, alice);
    assert_eq!((name, kind, outcome), (THEIRS, Kind::BridgedTransfer, Outcome::Completed));
    scene.cseq += 1;
    let bye = scene.request("BYE", "call", "p1").finish();
    assert_eq!(scene.say(bye), [200]);
    let bye = next(&mut scene.world, target, Method::Bye);
    scene.world.reply(target, alice, &bye, Status::OK, "t9", &[], None);
    scene.world.wait(alice, over(OURS));
}

/// Whoever makes no offer when asked for one gets that of the other: some telephones know no re-INVITE without one.
#[test]
fn who_makes_no_offer_for_a_bridge_gets_one() {
    let (mut scene, target) = with_two_calls();
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.press(alice, CallAction::Bridge { call: THEIRS, target: OURS });
    let asks = next(&mut scene.world, peer, Method::Invite);
    scene.world.reply(peer, alice, &asks, Status::NOT_ACCEPTABLE_HERE, "p1", &[], None);
    let asks = next(&mut scene.world, target, Method::Invite);
    assert!(View::parse(&asks).unwrap().body().is_empty(), "now the target is asked");
    scene.world.reply(target, alice, &asks, Status::OK, "t9", &[], Some(&at(7002)));
    let passes = next(&mut scene.world, peer, Method::Invite);
    let body = String::from_utf8(View::parse(&passes).unwrap().body().to_vec()).unwrap();
    assert!(body.contains("m=audio 7002 "), "{body}");
    scene.world.reply(peer, alice, &passes, Status::OK, "p1", &[], Some(&at(7001)));
    let ack = next(&mut scene.world, target, Method::Ack);
    let body = String::from_utf8(View::parse(&ack).unwrap().body().to_vec()).unwrap();
    assert!(body.contains("m=audio 7001 "), "{body}");
    let (name, kind, outcome, _) = ended(&mut scene.world, alice);
    assert_eq!((name, kind, outcome), (THEIRS, Kind::BridgedTransfer, Outcome::Completed));
}

/// Where neither does, each is left where it was.
#[test]
fn two_who_make_no_offer_are_not_bridged() {
    let (mut scene, target) = with_two_calls();
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.press(alice, CallAction::Bridge { call: THEIRS, target: OURS });
    for (puppet, tag) in [(peer, "p1"), (target, "t9")] {
        let asks = next(&mut scene.world, puppet, Method::Invite);
        scene.world.reply(puppet, alice, &asks, Status::NOT_ACCEPTABLE_HERE, tag, &[], None);
    }
    let (name, _, outcome, _) = ended(&mut scene.world, alice);
    assert_eq!((name, outcome), (THEIRS, Outcome::Refused));
    assert!(!scene.is_over(THEIRS) && !scene.is_over(OURS));
}

/// A target that does not want it, one that says nothing, and one that leaves: the peer is answered by us and goes on.
#[test]
fn a_bridge_that_does_not_hold_leaves_the_parties_with_us() {
    let wanted = [Outcome::TargetUnreachable, Outcome::TimedOut, Outcome::TargetUnreachable];
    for (how, wanted) in wanted.into_iter().enumerate() {
        let (mut scene, target) = with_two_calls();
        let (peer, alice) = (scene.peer, scene.alice);
        let (_, passes) = offered(&mut scene, target);
        match how {
            0 => scene.world.reply(target, alice, &passes, Status::NOT_ACCEPTABLE_HERE, "t9", &[], None),
            1 => {}
            _ => {
                let view = View::parse(&passes).unwrap();
                let bye = cordboard_sip::Builder::request("BYE", scene.world.uri(alice))
                    .line(Name::VIA, "SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bKbye")
                    .line(Name::FROM, view.value(Name::TO).unwrap())
                    .line(Name::TO, view.value(Name::FROM).unwrap())
                    .line(Name::CALL_ID, view.call_id())
                    .line(Name::CSEQ, "7 BYE")
                    .finish();
                scene.world.say(target, alice, bye);
            }
        }
        let ack = next(&mut scene.world, peer, Method::Ack);
        let body = String::from_utf8(View::parse(&ack).unwrap().body().to_vec()).unwrap();
        assert!(body.contains("m=audio 4"), "our own place: {body}");
        let (name, _, outcome, _) = ended(&mut scene.world, alice);
        assert_eq!((name, outcome), (THEIRS, wanted));
        assert!(!scene.is_over(THEIRS));
    }
}
