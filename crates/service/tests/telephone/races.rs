//! The races of RFC 5407 that need a peer which our telephones never are: appendices D and E.

use crate::pair::sdp;
use crate::peers::{OURS, THEIRS, dial, next, one, request, statuses};
use crate::puppet::{answers, calls, inside};
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// Appendix D: once the BYE is out, only a BYE is served; the ACK of a 2xx and the credentials of the BYE still go out.
#[test]
fn in_the_mortal_state_only_a_bye_is_served() {
    let (mut world, alice, peer) = one();
    let (_, tag) = calls(&mut world, peer, alice, &[]);
    world.press(alice, CallAction::HangUp(THEIRS));
    let bye = next(&mut world, peer, Method::Bye);
    let asked = [("INVITE", Some(sdp("sendonly"))), ("UPDATE", None), ("REFER", None), ("PRACK", None)];
    for (cseq, (method, body)) in (2..).zip(asked) {
        let bytes = inside(&world, alice, &tag, method, cseq, body.as_deref());
        world.say(peer, alice, bytes);
        world.pass(Duration::from_millis(30));
        let got = statuses(&world.inbox(peer));
        assert!(got.iter().all(|status| (400..500).contains(status)) && !got.is_empty(), "{method}: {got:?}");
    }
    let theirs = inside(&world, alice, &tag, "BYE", 9, None);
    world.say(peer, alice, theirs);
    world.pass(Duration::from_millis(30));
    assert_eq!(statuses(&world.inbox(peer)), [200]);
    let asks = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    world.reply(peer, alice, &bye, Status::UNAUTHORIZED, "p1", &[(Name::WWW_AUTHENTICATE, asks)], None);
    let again = next(&mut world, peer, Method::Bye);
    assert!(View::parse(&again).unwrap().has(Name::AUTHORIZATION));
    world.reply(peer, alice, &again, Status::OK, "p1", &[], None);
    world.settle();
}

/// Appendix E, figure 4: two branches ring, one answers, and the other is never heard of again.
#[test]
fn a_branch_that_only_rang_is_forgotten() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let contact = format!("<{to}>");
    let lines = [(Name::CONTACT, &*contact)];
    for tag in ["a", "b"] {
        world.reply(peer, alice, &invite, Status::RINGING, tag, &lines, None);
    }
    world.reply(peer, alice, &invite, Status::OK, "a", &lines, Some(&sdp("sendrecv")));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.pass(Duration::from_secs(40));
    let asked: Vec<String> = world
        .inbox(peer)
        .iter()
        .map(|bytes| View::parse(bytes).unwrap())
        .map(|view| format!("{} {}", view.method_text(), view.to_tag().unwrap_or_default()))
        .collect();
    assert_eq!(asked, ["ACK a"]);
    // What it wanted in its early dialog finds none any more.
    let update = request(&world, "UPDATE", alice, None, "late", 1).finish();
    let theirs = View::parse(&invite).unwrap();
    let ours = theirs.value(Name::FROM).unwrap();
    let text = String::from_utf8(update.to_vec()).unwrap();
    let text = text.replace("From: <sip:peer@example.com>;tag=p1", "From: <sip:peer@example.com>;tag=b");
    let text = text.replace("Call-ID: call-of-peer", &format!("Call-ID: {}", theirs.call_id()));
    let text = text.replace(&format!("To: <{}>", world.uri(alice)), &format!("To: {ours}"));
    world.say(peer, alice, text.into());
    world.pass(Duration::from_millis(30));
    assert_eq!(statuses(&world.inbox(peer)), [481]);
}

/// Appendix E, figure 6: the second branch answers without ever having rung.
#[test]
fn a_branch_that_answers_late_and_never_rang_is_released() {
    let (mut world, alice, peer) = one();
    let invite = answers(&mut world, alice, peer, &[]);
    let contact = format!("<{}>", world.uri(peer));
    let lines = [(Name::CONTACT, &*contact)];
    world.pass(Duration::from_secs(5));
    world.reply(peer, alice, &invite, Status::OK, "late", &lines, Some(&sdp("sendrecv")));
    world.pass(Duration::from_millis(30));
    let inbox = world.inbox(peer);
    let views: Vec<_> = inbox.iter().map(|bytes| View::parse(bytes).unwrap()).collect();
    let asked: Vec<_> = views.iter().map(|view| (view.method_text(), view.to_tag())).collect();
    assert_eq!(asked, [("ACK", Some("late")), ("BYE", Some("late"))]);
    let told = world.told(alice);
    assert!(!told.iter().any(|event| matches!(event, CallEvent::Ended { .. })), "{told:?}");
}

/// Appendix E: forked early dialogs that are reliable agree each for itself, and the one that answers counts.
#[test]
fn each_branch_agrees_for_itself() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let contact = format!("<{to}>");
    for (tag, direction) in [("a", "sendonly"), ("b", "sendrecv")] {
        let lines = [(Name::CONTACT, &*contact), (Name::REQUIRE, "100rel"), (Name::RSEQ, "1")];
        let status = Status::SESSION_PROGRESS;
        world.reply(peer, alice, &invite, status, tag, &lines, Some(&sdp(direction)));
        let prack = next(&mut world, peer, Method::Prack);
        assert_eq!(View::parse(&prack).unwrap().to_tag(), Some(tag));
        world.reply(peer, alice, &prack, Status::OK, tag, &[], None);
    }
    world.pass(Duration::from_millis(30));
    world.reply(peer, alice, &invite, Status::OK, "a", &[(Name::CONTACT, &contact)], None);
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.wait(alice, |event| *event == CallEvent::HeldByPeer(OURS, true));
    let CallEvent::Media(_, path) = world.wait(alice, |event| matches!(event, CallEvent::Media(..))) else {
        unreachable!()
    };
    assert!(!path.sends && path.receives, "what the branch said that answered");
}
