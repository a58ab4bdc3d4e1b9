//! REFERs inside and outside calls, what they are refused for and in which words, and the subscriptions that they make:
//! RFC 3515, RFC 4488, RFC 4538, RFC 5057, RFC 7614.

use crate::handover::{OURS, Scene, THEIRS};
use crate::pair::account;
use bytes::Bytes;
use cordboard_ladder::{Kind, Outcome};
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Askers, Feature, Profile, Refers, Telephone, Transfers};
use cordboard_sip::header::Expires;
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

/// The next message of those that came which is this request.
#[track_caller]
fn next(scene: &mut Scene, method: Method) -> Bytes {
    loop {
        let bytes = scene.world.receive(scene.peer);
        let view = View::parse(&bytes).unwrap();
        if view.is_request() && view.method() == method {
            return bytes;
        }
    }
}

/// The status and the words of the answer to a request.
fn answer(scene: &mut Scene, bytes: Bytes) -> (u16, String) {
    scene.world.say(scene.peer, scene.alice, bytes);
    scene.world.pass(Duration::from_millis(30));
    let inbox = scene.world.inbox(scene.peer);
    let answers = inbox.iter().map(|bytes| View::parse(bytes).unwrap()).filter(|view| !view.is_request());
    let last = answers.last().unwrap();
    let words = last.value(Name::WARNING).and_then(|warning| warning.split('"').nth(1)).unwrap_or_default();
    (last.status().unwrap().code(), words.to_owned())
}

fn ok(scene: &mut Scene, request: &Bytes) {
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.reply(peer, alice, request, Status::OK, "p1", &[], None);
}

fn telephone(transfers: Transfers) -> Telephone {
    Telephone { transfers, ..account("alice") }
}

/// A REFER outside the call.
fn outside(scene: &Scene, call_id: &str, refer_to: &str) -> Builder {
    scene.request("REFER", call_id, "r1").line(Name::REFER_TO, refer_to)
}

/// The body of a NOTIFY: its first line.
fn piece(notify: &Bytes) -> String {
    let view = View::parse(notify).unwrap();
    let body = std::str::from_utf8(view.body()).unwrap();
    body.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn each_part_of_replaces_that_fails_is_named() {
    let mut scene = Scene::talking();
    let tag = scene.tag.clone();
    let named = |call: &str, to: &str, from: &str| format!("{call};to-tag={to};from-tag={from}");
    for (at, (value, words)) in [
        (named("other", &tag, "p1"), "the Call-ID in Replaces matches no call"),
        (named("call", "x", "p1"), "the to-tag in Replaces matches no call"),
        (named("call", &tag, "p2"), "the from-tag in Replaces matches no call"),
        (named("call", "p1", &tag), "the tags in Replaces are swapped"),
    ]
    .into_iter()
    .enumerate()
    {
        let invite = scene.request("INVITE", &format!("no{at}"), "n1").line(Name::REPLACES, &value).finish();
        assert_eq!(answer(&mut scene, invite), (481, words.into()), "{value}");
    }
    let bye = scene.request("BYE", "call", "p1").finish();
    assert_eq!(scene.say(bye), [200]);
    scene.world.pass(Duration::from_mins(1));
    let invite =
        scene.request("INVITE", "late", "n1").line(Name::REPLACES, named("call", &tag, "p1")).finish();
    assert_eq!(answer(&mut scene, invite), (603, "the call that Replaces names has ended".into()));
}

#[test]
fn a_refer_that_cannot_be_obeyed_is_refused_in_words() {
    let mut scene = Scene::talking();
    let itself = scene.world.uri(scene.alice);
    for (refer_to, status, words) in [
        ("<sip:192.0.2.9>", 484, "Refer-To names no user"),
        ("<sip:a@192.0.2.2;method=BYE>", 400, "Refer-To asks for something else than a call"),
        ("<sip:a@192.0.2.2?Replaces=x>", 400, "the Replaces in Refer-To cannot be read"),
        ("<sip:alice@example.com>", 482, "Refer-To names whoever is asked"),
        (&*format!("<{itself}>"), 482, "Refer-To names whoever is asked"),
    ] {
        scene.cseq += 1;
        let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, refer_to).finish();
        assert_eq!(answer(&mut scene, refer), (status, words.into()), "{refer_to}");
    }
    scene.cseq += 1;
    let wrong = scene.request("REFER", "call", "p1").finish();
    assert_eq!(answer(&mut scene, wrong), (400, "there must be one Refer-To".into()));
    assert!(!scene.is_over(THEIRS));
}

/// linphone without a registrar has such a Contact.
#[test]
fn a_target_without_a_user_may_be_taken_over() {
    let mut scene = Scene::talking();
    scene.cseq += 1;
    let refer_to = "<sip:192.0.2.9?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, refer_to).finish();
    assert_eq!(answer(&mut scene, refer).0, 202);
}

/// A REFER in a call that is not there: its tag matches nothing, or it has ended.
#[test]
fn a_refer_in_no_call_is_answered_481_in_words() {
    let mut scene = Scene::talking();
    let to = scene.world.uri(scene.alice);
    let refer = |scene: &mut Scene, call_id: &str, to_tag: &str| {
        scene.cseq += 1;
        let bytes = Builder::request("REFER", &to)
            .line(Name::VIA, format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKno{}", scene.cseq))
            .line(Name::FROM, "<sip:peer@example.com>;tag=p1")
            .line(Name::TO, format_args!("<{to}>;tag={to_tag}"))
            .line(Name::CALL_ID, call_id)
            .line(Name::CSEQ, format_args!("{} REFER", scene.cseq))
            .line(Name::CONTACT, "<sip:peer@192.0.2.2:5060>")
            .line(Name::REFER_TO, "<sip:carol@192.0.2.9>")
            .finish();
        answer(scene, bytes)
    };
    assert_eq!(refer(&mut scene, "call", "x"), (481, "the tags match no call".into()));
    assert_eq!(refer(&mut scene, "other", "x"), (481, "the Call-ID matches no call".into()));
}

/// RFC 4538: whoever names the call proves to be on its way.
#[test]
fn target_dialog_authorizes_a_refer_outside_the_call() {
    let mut scene = Scene::talking();
    let tag = scene.tag.clone();
    for (at, (named, words)) in [
        ("other;local-tag=T;remote-tag=p1", "the Call-ID of Target-Dialog matches no call"),
        ("call;local-tag=x;remote-tag=p1", "the tags of Target-Dialog match no call"),
        ("call;local-tag=T;remote-tag=p2", "the tags of Target-Dialog match no call"),
        ("call;local-tag=p1;remote-tag=T", "the tags of Target-Dialog are swapped"),
        ("call;local-tag=T", "Target-Dialog lacks a tag"),
    ]
    .into_iter()
    .enumerate()
    {
        let refer = outside(&scene, &format!("out{at}"), "<sip:carol@192.0.2.9>")
            .line(Name::TARGET_DIALOG, named.replace('T', &tag))
            .line(Name::REQUIRE, "tdialog")
            .finish();
        assert_eq!(answer(&mut scene, refer), (403, words.into()), "{named}");
    }
    let refer = outside(&scene, "out", "<sip:carol@192.0.2.9>")
        .line(Name::TARGET_DIALOG, format_args!("call;local-tag={tag};remote-tag=p1"))
        .line(Name::REQUIRE, "tdialog")
        .finish();
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.say(peer, alice, refer);
    let notify = next(&mut scene, Method::Notify);
    let view = View::parse(&notify).unwrap();
    assert_eq!(
        (view.call_id(), view.value(Name::EVENT)),
        ("out", Some("refer")),
        "in the dialog of the REFER"
    );
    assert_eq!(piece(&notify), "SIP/2.0 100 Trying");
    ok(&mut scene, &notify);
    let referred = |event: &CallEvent| matches!(event, CallEvent::Referred { call: Some(THEIRS), .. });
    scene.world.wait(alice, referred);
}

/// RFC 3515 §2.4.2: the owner decides about strangers, and whoever says nothing has declined.
#[test]
fn a_stranger_needs_consent() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(peer);
    for (at, (button, last)) in [
        (Some((|call| CallAction::Refuse(call, Status::DECLINE)) as fn(CallName) -> CallAction), "603"),
        (None, "480"),
        (Some(CallAction::Consent), "100"),
    ]
    .into_iter()
    .enumerate()
    {
        let refer = outside(&scene, &format!("ask{at}"), &format!("<{to}>")).finish();
        scene.world.say(peer, alice, refer);
        let notify = next(&mut scene, Method::Notify);
        let state = View::parse(&notify).unwrap().value(Name::SUBSCRIPTION_STATE).unwrap().to_owned();
        assert!(state.starts_with("pending"), "{state}");
        ok(&mut scene, &notify);
        let asked = scene.world.wait(alice, |event| matches!(event, CallEvent::Asked { .. }));
        let CallEvent::Asked { call, .. } = asked else { unreachable!("it was waited for") };
        if let Some(button) = button {
            scene.world.press(alice, button(call));
        }
        let notify = next(&mut scene, Method::Notify);
        assert_eq!(piece(&notify).split(' ').nth(1), Some(last));
        ok(&mut scene, &notify);
    }
    let invite = next(&mut scene, Method::Invite);
    assert_eq!(View::parse(&invite).unwrap().request_uri(), to);
}

/// However many ask, the owner's own transfers have room.
#[test]
fn strangers_are_asked_about_a_few_at_a_time() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    for at in 0..20 {
        let refer = outside(&scene, &format!("many{at}"), "<sip:a@192.0.2.2>").finish();
        scene.world.say(peer, alice, refer);
    }
    scene.world.pass(Duration::from_millis(30));
    let inbox = scene.world.inbox(peer);
    let statuses: Vec<u16> =
        inbox.iter().filter_map(|bytes| Some(View::parse(bytes).unwrap().status()?.code())).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 8);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 12);
}

#[test]
fn a_telephone_may_refuse_strangers_at_once() {
    let transfers = Transfers { askers: Askers::Refuse, ..Transfers::default() };
    let mut scene = Scene::talking_at(telephone(transfers));
    let refer = outside(&scene, "stranger", "<sip:a@192.0.2.2>").finish();
    assert_eq!(scene.say(refer), [403]);
}

/// RFC 4488 §4, RFC 7614 §4: no NOTIFY follows, and the 202 says so.
#[test]
fn nobody_is_told_who_does_not_want_to_be() {
    for (at, (name, value)) in [(Name::REFER_SUB, "false"), (Name::REQUIRE, "nosub")].into_iter().enumerate()
    {
        let mut scene = Scene::talking();
        scene.cseq += 1;
        let to = scene.world.uri(scene.peer);
        let refer = scene
            .request("REFER", "call", "p1")
            .line(Name::REFER_TO, format_args!("<{to}>"))
            .line(name, value)
            .finish();
        scene.world.say(scene.peer, scene.alice, refer);
        scene.world.pass(Duration::from_millis(30));
        let inbox = scene.world.inbox(scene.peer);
        let views: Vec<View<'_>> = inbox.iter().map(|bytes| View::parse(bytes).unwrap()).collect();
        let accepted = views.iter().find(|view| view.status() == Some(Status::ACCEPTED)).unwrap();
        assert_eq!(accepted.value(Name::REFER_SUB), (at == 0).then_some("false"));
        assert!(views.iter().any(|view| view.is_request() && view.method() == Method::Invite));
        assert!(!views.iter().any(|view| view.is_request() && view.method() == Method::Notify));
    }
}

/// RFC 3515 §2.4.6: the second REFER in a dialog is named in its NOTIFYs.
#[test]
fn the_second_refer_of_a_call_has_a_number() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let mut events = Vec::new();
    for user in ["carol", "dave", "erin"] {
        scene.cseq += 1;
        let refer = scene
            .request("REFER", "call", "p1")
            .line(Name::REFER_TO, format_args!("<sip:{user}@192.0.2.9>"))
            .finish();
        scene.world.say(peer, alice, refer);
        let notify = next(&mut scene, Method::Notify);
        events.push(View::parse(&notify).unwrap().value(Name::EVENT).unwrap().to_owned());
        ok(&mut scene, &notify);
    }
    assert_eq!(events, ["refer".to_owned(), "refer;id=3".into(), "refer;id=4".into()]);
}

/// The number that counts is that of the REFER with credentials; a peer may name the one before (RFC 3515 §2.4.6).
#[test]
fn a_refer_after_a_407_is_known_by_either_number() {
    for older in [false, true] {
        let mut scene = Scene::talking();
        let (peer, alice) = (scene.peer, scene.alice);
        scene.world.press(alice, CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.9".into() });
        let first = next(&mut scene, Method::Refer);
        let challenge = "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
        let lines = [(Name::PROXY_AUTHENTICATE, challenge)];
        scene.world.reply(peer, alice, &first, Status::PROXY_AUTHENTICATION_REQUIRED, "p1", &lines, None);
        let second = next(&mut scene, Method::Refer);
        let view = View::parse(&second).unwrap();
        assert!(view.has(Name::PROXY_AUTHORIZATION));
        let (asked, before) = (view.cseq().0, View::parse(&first).unwrap().cseq().0);
        assert_eq!(asked, before + 1);
        scene.world.reply(peer, alice, &second, Status::ACCEPTED, "p1", &[], None);
        scene.cseq += 1;
        let id = if older { before } else { asked };
        let notify = scene
            .request("NOTIFY", "call", "p1")
            .line(Name::EVENT, format_args!("refer;id={id}"))
            .line(Name::SUBSCRIPTION_STATE, "terminated;reason=noresource")
            .body("message/sipfrag", b"SIP/2.0 486 Busy Here");
        assert_eq!(scene.say(notify), [200]);
        let busy =
            |event: &CallEvent| matches!(event, CallEvent::Transferred { outcome: Outcome::TargetBusy, .. });
        scene.world.wait(alice, busy);
    }
}

/// RFC 5057 §4.1: the BYE ends the call, and the dialog stays for the subscription.
#[test]
fn a_bye_before_the_notify_leaves_the_dialog_to_the_subscription() {
    let (mut scene, notify) = left_alone();
    ok(&mut scene, &notify);
    scene.world.settle();
}

/// RFC 6665 §4.2.2: a subscription that nobody knows any more ends, and with it the dialog.
#[test]
fn a_481_to_a_notify_ends_the_subscription() {
    let (mut scene, notify) = left_alone();
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.reply(peer, alice, &notify, Status::CALL_DOES_NOT_EXIST, "p1", &[], None);
    scene.world.settle();
}

/// Alice is handed over, her transferor leaves, the target refuses her: the NOTIFY that tells so comes after the BYE.
fn left_alone() -> (Scene, Bytes) {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(peer);
    scene.cseq += 1;
    let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, format_args!("<{to}>")).finish();
    scene.world.say(peer, alice, refer);
    let notify = next(&mut scene, Method::Notify);
    ok(&mut scene, &notify);
    let invite = next(&mut scene, Method::Invite);
    scene.cseq += 1;
    let bye = scene.request("BYE", "call", "p1").finish();
    assert_eq!(scene.say(bye), [200]);
    assert!(scene.is_over(THEIRS));
    scene.world.reply(peer, alice, &invite, Status::BUSY_HERE, "t1", &[], None);
    let notify = next(&mut scene, Method::Notify);
    assert_eq!(piece(&notify), "SIP/2.0 486 Busy Here");
    (scene, notify)
}

/// A report with the target's words in it, and one without.
#[test]
fn the_transferor_is_told_which_tag_failed() {
    for (body, says) in [
        (
            "SIP/2.0 481 Gone\r\nWarning: 399 x \"the from-tag in Replaces matches no call\"\r\n",
            "the target found no call to take over: the from-tag in Replaces matches no call (481)",
        ),
        ("SIP/2.0 481 Gone\r\n", "the target found no call to take over (481)"),
    ] {
        let mut scene = Scene::talking();
        let (peer, alice) = (scene.peer, scene.alice);
        let to = scene.world.uri(peer);
        scene.world.press(alice, CallAction::Dial { call: OURS, to: to.into(), offer: true });
        let invite = next(&mut scene, Method::Invite);
        let contact = format!("<{}>", scene.world.uri(peer));
        let answer = crate::pair::sdp("sendrecv");
        scene.world.reply(
            peer,
            alice,
            &invite,
            Status::OK,
            "t9",
            &[(Name::CONTACT, &contact)],
            Some(&answer),
        );
        scene.world.wait(alice, |event| *event == CallEvent::Established(OURS));
        scene.world.press(alice, CallAction::TransferTo { call: THEIRS, target: OURS });
        let refer = next(&mut scene, Method::Refer);
        let view = View::parse(&refer).unwrap();
        let refer_to = view.value(Name::REFER_TO).unwrap();
        assert!(refer_to.contains("to-tag%3Dt9"), "{refer_to}");
        scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
        scene.cseq += 1;
        let notify = scene
            .request("NOTIFY", "call", "p1")
            .line(Name::EVENT, "refer")
            .line(Name::SUBSCRIPTION_STATE, "terminated;reason=noresource")
            .body("message/sipfrag;version=2.0", body.as_bytes());
        scene.say(notify);
        let event = scene.world.wait(alice, |event| matches!(event, CallEvent::Transferred { .. }));
        let expected = CallEvent::Transferred {
            call: THEIRS,
            kind: Kind::AttendedTransfer,
            outcome: Outcome::ReplacesNoMatch,
            status: Some(Status::CALL_DOES_NOT_EXIST),
            says: says.into(),
        };
        assert_eq!(event, expected);
        assert!(!scene.is_over(THEIRS) && !scene.is_over(OURS), "both calls go on");
    }
}

/// What a telephone lacks it neither says nor does.
#[test]
fn what_is_switched_off_is_neither_said_nor_done() {
    let lacks = vec![Feature::Refer, Feature::Replaces, Feature::TargetDialog, Feature::NoReferSub];
    let mut scene = Scene::talking_at(telephone(Transfers { lacks, ..Transfers::default() }));
    assert_eq!(scene.refer(&["<sip:carol@192.0.2.9>"]), [501]);
    let tag = scene.tag.clone();
    let mut lines = Scene::replaces(&tag, "p1", "");
    lines.push((Name::REQUIRE, "replaces".into()));
    assert_eq!(scene.takes_over("new", &lines), [420]);
    assert_eq!(scene.takes_over("another", &lines[..1]), [180], "an unknown header is ignored");
    let options = scene.request("OPTIONS", "ask", "o1").finish();
    scene.world.say(scene.peer, scene.alice, options);
    scene.world.pass(Duration::from_millis(30));
    let inbox = scene.world.inbox(scene.peer);
    let view = View::parse(inbox.last().unwrap()).unwrap();
    assert!(!view.value(Name::ALLOW).unwrap().contains("REFER"));
    assert!(
        !view.lines_named(Name::SUPPORTED).any(|line| line.contains("replaces") || line.contains("nosub"))
    );
}

/// The profile of gateways: what they want in a REFER, and a Replaces that matches nothing.
#[test]
fn a_gateway_takes_what_matches_nothing_as_a_new_call() {
    let transfers = Transfers { profile: Profile::Gateway, ..Transfers::default() };
    let mut scene = Scene::talking_at(telephone(transfers));
    assert_eq!(scene.takes_over("new", &Scene::replaces("x", "y", "")), [180]);
    scene.cseq += 1;
    let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, "<sip:carol@192.0.2.9>").finish();
    assert_eq!(answer(&mut scene, refer), (400, "Referred-By and Contact are required".into()));
}

/// What rings is answered with its status, and the call whose place it takes with 487.
#[test]
fn a_gateway_is_taken_over_while_it_rings() {
    let transfers = Transfers { profile: Profile::Gateway, ..Transfers::default() };
    let mut scene = Scene::ringing_at(telephone(transfers));
    let lines = Scene::replaces(&scene.tag.clone(), "p1", "");
    let mut statuses = scene.takes_over("new", &lines);
    statuses.sort_unstable();
    assert_eq!(statuses, [180, 487]);
    assert!(scene.is_over(THEIRS));
    scene.world.press(scene.alice, CallAction::Answer(CallName::incoming(1)));
    scene.world.pass(Duration::from_millis(30));
    let inbox = scene.world.inbox(scene.peer);
    assert!(inbox.iter().any(|bytes| View::parse(bytes).unwrap().status() == Some(Status::OK)));
}

#[test]
fn a_gateway_takes_reports_that_nobody_asked_for() {
    for (profile, status) in [(Profile::Gateway, 200), (Profile::Bcp, 481)] {
        let mut scene = Scene::talking_at(telephone(Transfers { profile, ..Transfers::default() }));
        scene.cseq += 1;
        let notify = scene
            .request("NOTIFY", "call", "p1")
            .line(Name::EVENT, "refer")
            .line(Name::SUBSCRIPTION_STATE, "terminated")
            .body("message/sipfrag", b"SIP/2.0 200 OK");
        assert_eq!(scene.say(notify), [status]);
    }
}

/// The call that was asked for is challenged as any other is, and that is not reported.
#[test]
fn a_challenge_to_the_new_call_is_answered() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(peer);
    scene.cseq += 1;
    let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, format_args!("<{to}>")).finish();
    scene.world.say(peer, alice, refer);
    let notify = next(&mut scene, Method::Notify);
    ok(&mut scene, &notify);
    let invite = next(&mut scene, Method::Invite);
    let challenge = "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
    let lines = [(Name::PROXY_AUTHENTICATE, challenge)];
    scene.world.reply(peer, alice, &invite, Status::PROXY_AUTHENTICATION_REQUIRED, "t1", &lines, None);
    let again = next(&mut scene, Method::Invite);
    assert!(View::parse(&again).unwrap().has(Name::PROXY_AUTHORIZATION));
    scene.world.reply(peer, alice, &again, Status::BUSY_HERE, "t2", &[], None);
    let notify = next(&mut scene, Method::Notify);
    assert_eq!(piece(&notify), "SIP/2.0 486 Busy Here");
}

/// A REFER on its own that reaches another telephone, which knows no such call, is sent again in the call.
#[test]
fn a_refer_that_went_astray_is_sent_in_the_call() {
    let transfers = Transfers { refers: Refers::OnItsOwn, ..Transfers::default() };
    let mut scene = Scene::talking_at(telephone(transfers));
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(alice);
    let here = scene.world.uri(peer);
    let reinvite = Builder::request("INVITE", &to)
        .line(Name::VIA, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKagain")
        .line(Name::FROM, "<sip:peer@example.com>;tag=p1")
        .line(Name::TO, format_args!("<{to}>;tag={}", scene.tag))
        .line(Name::CALL_ID, "call")
        .line(Name::CSEQ, "2 INVITE")
        .line(Name::CONTACT, format_args!("<{here};gr>"))
        .line(Name::SUPPORTED, "tdialog")
        .body("application/sdp", crate::pair::sdp("sendrecv").as_bytes());
    scene.cseq = 2;
    assert_eq!(scene.say(reinvite), [200]);
    let ack = scene.request("ACK", "call", "p1").finish();
    scene.world.say(peer, alice, ack);
    scene.world.press(alice, CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.9".into() });
    let refer = next(&mut scene, Method::Refer);
    let view = View::parse(&refer).unwrap();
    let named = format!("call;local-tag=p1;remote-tag={}", scene.tag);
    assert!(view.call_id() != "call" && view.value(Name::TARGET_DIALOG) == Some(&*named));
    assert_eq!(view.value(Name::REQUIRE), Some("tdialog"));
    scene.world.reply(peer, alice, &refer, Status::FORBIDDEN, "x", &[], None);
    let refer = next(&mut scene, Method::Refer);
    let view = View::parse(&refer).unwrap();
    assert_eq!((view.call_id(), view.value(Name::REFER_TO)), ("call", Some("<sip:carol@192.0.2.9>")));
}

/// RFC 7647 §4.
#[test]
fn a_refer_may_be_answered_200() {
    let transfers = Transfers { profile: Profile::Rfc7647, ..Transfers::default() };
    let mut scene = Scene::talking_at(telephone(transfers));
    assert_eq!(scene.refer(&["<sip:carol@192.0.2.9>"]), [200]);
}

/// A NOTIFY of the peer on our REFER, which is answered 200.
#[track_caller]
fn notifies(scene: &mut Scene, state: &str, line: &str) {
    scene.cseq += 1;
    let notify = scene
        .request("NOTIFY", "call", "p1")
        .line(Name::EVENT, "refer")
        .line(Name::SUBSCRIPTION_STATE, state)
        .body("message/sipfrag;version=2.0", format!("{line}\r\n").as_bytes());
    assert_eq!(scene.say(notify), [200]);
}

/// RFC 3515 §2.4.4: the other side chose how long it reports, and the target rings longer.
#[test]
fn the_subscription_is_refreshed_while_the_transfer_is_under_way() {
    let mut scene = Scene::talking();
    scene.world.press(scene.alice, CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.77".into() });
    let refer = next(&mut scene, Method::Refer);
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
    notifies(&mut scene, "active;expires=80", "SIP/2.0 100 Trying");
    let id = format!("refer;id={}", View::parse(&refer).unwrap().cseq().0);
    for _ in 0..2 {
        let told = scene.world.now;
        let refresh = next(&mut scene, Method::Subscribe);
        let age = scene.world.now.since(told).as_secs();
        assert!((30..80).contains(&age), "{age}");
        let view = View::parse(&refresh).unwrap();
        assert_eq!(view.value(Name::EVENT), Some(&*id));
        assert_eq!((view.call_id(), view.to_tag()), ("call", Some("p1")));
        assert!(view.header::<Expires>().unwrap().unwrap().0 > 80);
        scene.world.reply(peer, alice, &refresh, Status::OK, "p1", &[(Name::EXPIRES, "80")], None);
        notifies(&mut scene, "active;expires=80", "SIP/2.0 180 Ringing");
    }
    notifies(&mut scene, "terminated;reason=noresource", "SIP/2.0 200 OK");
    let (call, kind, outcome) = (THEIRS, Kind::UnattendedTransfer, Outcome::Completed);
    let told = scene.world.wait(alice, |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(
        matches!(told, CallEvent::Transferred { call: c, kind: k, outcome: o, .. } if (c, k, o) == (call, kind, outcome)),
        "{told:?}"
    );
    let bye = next(&mut scene, Method::Bye);
    ok(&mut scene, &bye);
    scene.world.pass(Duration::from_mins(5));
    let later = scene.world.inbox(peer);
    assert!(later.iter().all(|bytes| View::parse(bytes).unwrap().method() != Method::Subscribe));
    scene.world.settle();
}

/// RFC 6665 §4.1.2.2: the subscription is gone, and nobody will say how it goes.
#[test]
fn a_refresh_that_finds_no_subscription_ends_the_transfer_by_name() {
    let mut scene = Scene::talking();
    scene.world.press(scene.alice, CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.77".into() });
    let refer = next(&mut scene, Method::Refer);
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
    notifies(&mut scene, "active;expires=80", "SIP/2.0 100 Trying");
    let refresh = next(&mut scene, Method::Subscribe);
    scene.world.reply(peer, alice, &refresh, Status::CALL_DOES_NOT_EXIST, "p1", &[], None);
    let told = scene.world.wait(alice, |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(matches!(told, CallEvent::Transferred { outcome: Outcome::NotReported, .. }), "{told:?}");
}

/// Many phones that know REFER know no SUBSCRIBE: the last report counts all the same.
#[test]
fn a_refresh_that_is_refused_changes_nothing() {
    let mut scene = Scene::talking();
    scene.world.press(scene.alice, CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.77".into() });
    let refer = next(&mut scene, Method::Refer);
    let (peer, alice) = (scene.peer, scene.alice);
    scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
    notifies(&mut scene, "active;expires=80", "SIP/2.0 100 Trying");
    let refresh = next(&mut scene, Method::Subscribe);
    scene.world.reply(peer, alice, &refresh, Status::METHOD_NOT_ALLOWED, "p1", &[], None);
    scene.world.pass(Duration::from_mins(2));
    notifies(&mut scene, "terminated;reason=noresource", "SIP/2.0 486 Busy Here");
    let told = scene.world.wait(alice, |event| matches!(event, CallEvent::Transferred { .. }));
    assert!(matches!(told, CallEvent::Transferred { outcome: Outcome::TargetBusy, .. }), "{told:?}");
}

/// The same from the other side: whoever has asked us refreshes, and ends, what its REFER has begun.
#[test]
fn whoever_asked_refreshes_and_ends_the_reports() {
    let mut scene = Scene::talking();
    scene.refer(&["<sip:carol@192.0.2.77>"]);
    let first = next(&mut scene, Method::Notify);
    ok(&mut scene, &first);
    let refer = scene.cseq;
    let subscribe = |scene: &mut Scene, event: &str, expires: &str| {
        scene.cseq += 1;
        let subscribe =
            scene.request("SUBSCRIBE", "call", "p1").line(Name::EVENT, event).line(Name::EXPIRES, expires);
        let bytes = subscribe.finish();
        scene.world.say(scene.peer, scene.alice, bytes);
        scene.world.pass(Duration::from_millis(30));
        let mut inbox = scene.world.inbox(scene.peer);
        inbox.retain(|bytes| {
            let view = View::parse(bytes).unwrap();
            !view.is_request() || view.method() == Method::Notify
        });
        inbox
    };
    let status = |bytes: &Bytes| View::parse(bytes).unwrap().status().unwrap().code();
    assert_eq!(status(&subscribe(&mut scene, "refer;id=77777", "120")[0]), 403, "of no REFER here");
    assert_eq!(status(&subscribe(&mut scene, "refer", "10")[0]), 423);
    for (event, asked, state) in [
        (format!("refer;id={refer}"), "120", "active;expires=120"),
        ("refer".to_owned(), "0", "terminated;reason=timeout"),
    ] {
        let came = subscribe(&mut scene, &event, asked);
        let [answer, notify] = &came[..] else { panic!("{came:?}") };
        assert_eq!(status(answer), 200);
        assert_eq!(View::parse(answer).unwrap().value(Name::EXPIRES), Some(asked));
        assert_eq!(View::parse(notify).unwrap().value(Name::SUBSCRIPTION_STATE), Some(state));
        assert_eq!(piece(notify), "SIP/2.0 100 Trying");
        ok(&mut scene, notify);
    }
    // Nothing more is reported, also when the call has failed.
    scene.world.pass(Duration::from_mins(1));
    let later = scene.world.inbox(scene.peer);
    assert!(later.iter().all(|bytes| View::parse(bytes).unwrap().method() != Method::Notify), "{later:?}");
}
