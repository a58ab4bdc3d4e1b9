//! INFO (RFC 6086), OPTIONS (RFC 3261 §11), Error-Info (§20.18) and 305 (§21.3.4) against a peer that the test plays.

use crate::pair::{World, sdp};
use crate::peers::{OURS, THEIRS, dial, next, one, request};
use crate::puppet::{calls, response};
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// Hangs up, and is answered.
fn ends(world: &mut World, alice: usize, peer: usize) {
    world.press(alice, CallAction::HangUp(THEIRS));
    let bye = next(world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::OK, "p1", &[], None);
    world.settle();
}

fn line(bytes: &[u8], name: Name) -> Option<String> {
    View::parse(bytes).unwrap().value(name).map(str::to_owned)
}

/// RFC 6086 §4.2.2, and what telephones sent before it.
#[test]
fn digits_come_by_info_and_packages_are_refused() {
    let (mut world, alice, peer) = one();
    let (_, tag) = calls(&mut world, peer, alice, &[]);
    world.told(alice);
    let relay = "application/dtmf-relay";
    let sends = |cseq: u32, lines: &[(Name, &str)], body: Option<(&str, &str)>, world: &World| {
        let mut info = request(world, "INFO", alice, Some(&tag), &format!("info{cseq}"), cseq);
        for (name, value) in lines {
            info = info.line(*name, *value);
        }
        match body {
            Some((kind, body)) => info.body(kind, body.as_bytes()),
            None => info.finish(),
        }
    };
    let package = [(Name::INFO_PACKAGE, "x-other")];
    for (cseq, lines, body, status) in [
        (2, &[][..], Some((relay, "Signal=5\r\nDuration=160\r\n")), 200),
        (3, &[], Some((relay, "signal = *")), 200),
        (4, &[], Some(("application/dtmf", "#")), 200),
        (5, &[], None, 200),
        (6, &package, Some((relay, "Signal=5")), 469),
        (7, &[], Some(("application/x-other", "5")), 415),
        (8, &[], Some((relay, "Signal=55")), 400),
        (9, &[], Some((relay, "Duration=5")), 400),
        (10, &[(Name::REQUIRE, "other")], None, 420),
    ] {
        let bytes = sends(cseq, lines, body, &world);
        world.say(peer, alice, bytes);
        let answer = response(&mut world, peer, status, Method::Info);
        match status {
            469 => assert_eq!(line(&answer, Name::RECV_INFO).as_deref(), Some("")),
            415 => assert!(line(&answer, Name::ACCEPT).unwrap().contains(relay)),
            _ => {}
        }
    }
    // Older than what came already.
    let late = sends(3, &[], Some((relay, "Signal=1")), &world);
    let late = String::from_utf8(late.to_vec()).unwrap().replace("info3", "late");
    world.say(peer, alice, late.into());
    response(&mut world, peer, 500, Method::Info);
    let nowhere = request(&world, "INFO", alice, Some("none"), "nowhere", 1).finish();
    world.say(peer, alice, nowhere);
    response(&mut world, peer, 481, Method::Info);
    let digit =
        |digit, ms| CallEvent::DigitSignalled { call: THEIRS, digit, duration: Duration::from_millis(ms) };
    let digits: Vec<_> = world.told(alice);
    assert_eq!(digits, [digit('5', 160), digit('*', 250), digit('#', 250)]);
    ends(&mut world, alice, peer);
}

#[test]
fn digits_go_by_info_and_their_answer_is_told() {
    let (mut world, alice, peer) = one();
    calls(&mut world, peer, alice, &[]);
    world.press(alice, CallAction::SignalDigit(THEIRS, '7'));
    let info = next(&mut world, peer, Method::Info);
    let view = View::parse(&info).unwrap();
    assert_eq!(view.value(Name::CONTENT_TYPE), Some("application/dtmf-relay"));
    assert_eq!(view.body(), b"Signal=7\r\nDuration=250\r\n");
    world.reply(peer, alice, &info, Status::UNSUPPORTED_MEDIA_TYPE, "p1", &[], None);
    world.wait(alice, |event| *event == CallEvent::DigitAnswered(THEIRS, Status::UNSUPPORTED_MEDIA_TYPE));
    world.press(alice, CallAction::SignalDigit(THEIRS, 'x'));
    world.wait(alice, |event| *event == CallEvent::Impossible(THEIRS));
    ends(&mut world, alice, peer);
}

/// RFC 3261 §11.1, §11.2: outside a call and inside one.
#[test]
fn whoever_asks_is_told_what_this_telephone_can_do() {
    let (mut world, alice, peer) = one();
    let asks = request(&world, "OPTIONS", alice, None, "asks", 1).finish();
    world.say(peer, alice, asks);
    let answer = response(&mut world, peer, 200, Method::Options);
    for name in [Name::ALLOW, Name::SUPPORTED, Name::ALLOW_EVENTS, Name::ACCEPT, Name::ACCEPT_ENCODING] {
        assert!(line(&answer, name).is_some_and(|value| !value.is_empty()), "{}", name.as_str());
    }
    assert!(line(&answer, Name::ACCEPT_LANGUAGE).is_some() && line(&answer, Name::RECV_INFO).is_some());
    // What an INVITE would get.
    world.press(alice, CallAction::RefuseCalls(Some(Status::BUSY_HERE)));
    let asks = request(&world, "OPTIONS", alice, None, "again", 1).finish();
    world.say(peer, alice, asks);
    response(&mut world, peer, 486, Method::Options);
    world.press(alice, CallAction::RefuseCalls(None));
    // In a call it is counted with the call's requests.
    let (_, tag) = calls(&mut world, peer, alice, &[]);
    for (branch, cseq, status) in [("in", 5, 200), ("late", 4, 500)] {
        let asks = request(&world, "OPTIONS", alice, Some(&tag), branch, cseq).finish();
        world.say(peer, alice, asks);
        response(&mut world, peer, status, Method::Options);
    }
    ends(&mut world, alice, peer);
}

#[test]
fn what_others_can_do_is_told() {
    let (mut world, alice, peer) = one();
    let to: Box<str> = world.uri(peer).into();
    world.press(alice, CallAction::AskOptions(to.clone()));
    let options = next(&mut world, peer, Method::Options);
    let challenge = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
    world.reply(
        peer,
        alice,
        &options,
        Status::UNAUTHORIZED,
        "p1",
        &[(Name::WWW_AUTHENTICATE, challenge)],
        None,
    );
    let again = next(&mut world, peer, Method::Options);
    assert_eq!(View::parse(&again).unwrap().cseq().0, 2);
    let lines =
        [(Name::ALLOW, "INVITE, BYE"), (Name::SUPPORTED, "replaces"), (Name::ACCEPT, "application/sdp")];
    world.reply(peer, alice, &again, Status::OK, "p1", &lines, None);
    let told = world.wait(alice, |event| matches!(event, CallEvent::Options { .. }));
    let (allow, supported, accept) = ("INVITE, BYE".into(), "replaces".into(), "application/sdp".into());
    let allow_events = Box::default();
    let status = Status::OK;
    assert_eq!(told, CallEvent::Options { to, status, allow, supported, allow_events, accept });
    world.press(alice, CallAction::AskOptions("nobody".into()));
    world.wait(
        alice,
        |event| matches!(event, CallEvent::Options { status, .. } if *status == Status::SERVICE_UNAVAILABLE),
    );
    world.settle();
}

/// RFC 3261 §20.18.
#[test]
fn why_a_call_failed_is_told_with_it() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let info = "<sip:not-in-service@example.com>;reason=x, <http://example.com/why>";
    world.reply(peer, alice, &invite, Status::NOT_FOUND, "p1", &[(Name::ERROR_INFO, info)], None);
    let told = world.wait(alice, |event| matches!(event, CallEvent::ErrorInfo(..)));
    let uris = vec!["sip:not-in-service@example.com".into(), "http://example.com/why".into()];
    assert_eq!(told, CallEvent::ErrorInfo(OURS, uris));
    world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
}

/// RFC 3261 §21.3.4: the same URI, through the proxy that the 305 names, once.
#[test]
fn a_305_names_a_proxy_and_not_another_callee() {
    let (mut world, alice, peer) = one();
    let proxy = world.puppet("proxy");
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let contact = format!("<{}>", world.uri(proxy));
    world.reply(peer, alice, &invite, Status::USE_PROXY, "p1", &[(Name::CONTACT, &contact)], None);
    let again = next(&mut world, proxy, Method::Invite);
    let view = View::parse(&again).unwrap();
    assert_eq!(view.request_uri(), to);
    let route = format!("<{};lr>", world.uri(proxy));
    assert_eq!(view.value(Name::ROUTE), Some(&*route));
    assert_eq!((view.cseq().0, view.call_id()), (2, View::parse(&invite).unwrap().call_id()));
    // It does not go round in circles.
    world.reply(proxy, alice, &again, Status::USE_PROXY, "p2", &[(Name::CONTACT, &contact)], None);
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { status: Some(Status::USE_PROXY), .. }), "{ended:?}");
    world.settle();
    // Through it the call is answered like any other.
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    world.reply(peer, alice, &invite, Status::USE_PROXY, "p3", &[(Name::CONTACT, &contact)], None);
    let again = next(&mut world, proxy, Method::Invite);
    let callee = format!("<{to}>");
    let lines = [(Name::CONTACT, &*callee)];
    world.reply(proxy, alice, &again, Status::OK, "p4", &lines, Some(&sdp("sendrecv")));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.press(alice, CallAction::HangUp(OURS));
    let bye = next(&mut world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::OK, "p4", &[], None);
    world.settle();
}
