//! What a telephone says that it can do, it does: each method, extension and event package that it names is put to use.

use crate::pair::{World, sdp};
use crate::peers::{THEIRS, next, one, request, statuses};
use crate::puppet::{calls, inside, response};
use bytes::Bytes;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

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

/// A telephone that the puppet has called, and its tag.
fn in_a_call(lines: &[(Name, &str)]) -> (World, usize, usize, String) {
    let (mut world, alice, peer) = one();
    let (_, tag) = calls(&mut world, peer, alice, lines);
    (world, alice, peer, tag)
}

fn offered(world: &World, alice: usize, lines: &[(Name, &str)]) -> Bytes {
    let mut invite = request(world, "INVITE", alice, None, "invite", 1);
    for (name, value) in lines {
        invite = invite.line(*name, *value);
    }
    invite.body("application/sdp", sdp("sendrecv").as_bytes())
}

/// Sends it, and tells the statuses that come within a moment.
fn said(world: &mut World, peer: usize, alice: usize, bytes: Bytes) -> Vec<u16> {
    world.say(peer, alice, bytes);
    world.pass(Duration::from_millis(100));
    statuses(&world.inbox(peer))
}

#[test]
fn every_method_that_is_allowed_is_served() {
    let methods = advertised(Name::ALLOW);
    assert!(methods.len() >= 9, "{methods:?}");
    for method in methods {
        match &*method {
            "INVITE" | "ACK" | "OPTIONS" => {
                let (mut world, alice, peer, _) = in_a_call(&[]);
                world.pass(Duration::from_secs(2));
                assert!(world.inbox(peer).is_empty(), "the ACK ended the repeats of the 200");
                assert!(!world.told(alice).iter().any(|event| matches!(event, CallEvent::Ended { .. })));
            }
            "CANCEL" => {
                let (mut world, alice, peer) = one();
                let invite = offered(&world, alice, &[]);
                assert_eq!(said(&mut world, peer, alice, invite), [180]);
                let cancel = request(&world, "CANCEL", alice, None, "invite", 1).finish();
                assert_eq!(said(&mut world, peer, alice, cancel)[..2], [200, 487]);
            }
            "BYE" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let bye = inside(&world, alice, &tag, "BYE", 2, None);
                assert_eq!(said(&mut world, peer, alice, bye), [200]);
                world.wait(alice, |event| matches!(event, CallEvent::Ended { by_peer: true, .. }));
            }
            "PRACK" => {
                let (mut world, alice, peer) = one();
                let invite = offered(&world, alice, &[(Name::REQUIRE, "100rel")]);
                world.say(peer, alice, invite);
                let ringing = response(&mut world, peer, 180, Method::Invite);
                let view = View::parse(&ringing).unwrap();
                let rack = format!("{} 1 INVITE", view.value(Name::RSEQ).unwrap());
                let prack = request(&world, "PRACK", alice, view.to_tag(), "prack", 2).line(Name::RACK, rack);
                assert_eq!(said(&mut world, peer, alice, prack.finish()), [200]);
            }
            "UPDATE" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let update = inside(&world, alice, &tag, "UPDATE", 2, Some(&sdp("sendonly")));
                assert_eq!(said(&mut world, peer, alice, update), [200]);
                world.wait(alice, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
            }
            "REFER" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let to = format!("<{}>", world.uri(peer));
                let refer = request(&world, "REFER", alice, Some(&tag), "refer", 2).line(Name::REFER_TO, to);
                world.say(peer, alice, refer.finish());
                next(&mut world, peer, Method::Invite);
            }
            "NOTIFY" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                world.press(alice, CallAction::Transfer { call: THEIRS, to: "sip:c@192.0.2.77".into() });
                let refer = next(&mut world, peer, Method::Refer);
                world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
                let notify = request(&world, "NOTIFY", alice, Some(&tag), "notify", 2)
                    .line(Name::EVENT, "refer")
                    .line(Name::SUBSCRIPTION_STATE, "terminated;reason=noresource")
                    .body("message/sipfrag", b"SIP/2.0 200 OK\r\n");
                world.say(peer, alice, notify);
                world.wait(alice, |event| matches!(event, CallEvent::Transferred { .. }));
            }
            // What has tests of its own elsewhere must at least not be unknown here.
            _ => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let asked = inside(&world, alice, &tag, &method, 2, None);
                let got = said(&mut world, peer, alice, asked);
                assert!(!got.is_empty() && !got.contains(&405) && !got.contains(&501), "{method}: {got:?}");
            }
        }
    }
}

#[test]
fn every_extension_that_is_supported_does_something() {
    let options = advertised(Name::SUPPORTED);
    assert!(options.len() >= 5, "{options:?}");
    for option in options {
        let requires = (Name::REQUIRE, &*option);
        match &*option {
            "100rel" => {
                let (mut world, alice, peer) = one();
                let invite = offered(&world, alice, &[requires]);
                world.say(peer, alice, invite);
                let ringing = response(&mut world, peer, 180, Method::Invite);
                assert!(View::parse(&ringing).unwrap().has(Name::RSEQ));
            }
            "timer" => {
                let (mut world, alice, peer) = one();
                let asks = [(Name::SUPPORTED, "timer"), (Name::SESSION_EXPIRES, "600"), requires];
                let (ok, _) = calls(&mut world, peer, alice, &asks);
                assert!(View::parse(&ok).unwrap().has(Name::SESSION_EXPIRES));
            }
            "replaces" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let replaces = format!("call-of-peer;to-tag={tag};from-tag=p1");
                let text = offered(&world, alice, &[requires, (Name::REPLACES, &replaces)]);
                let text = String::from_utf8(text.to_vec()).unwrap();
                let text =
                    text.replace("Call-ID: call-of-peer", "Call-ID: another").replace("bKinvite", "bKother");
                world.say(peer, alice, text.into());
                world.wait(alice, |event| matches!(event, CallEvent::TakenOver { .. }));
            }
            "norefersub" | "nosub" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let to = format!("<{}>", world.uri(peer));
                let mut refer =
                    request(&world, "REFER", alice, Some(&tag), "refer", 2).line(Name::REFER_TO, to);
                if option == "norefersub" {
                    refer = refer.line(Name::REFER_SUB, "false");
                }
                world.say(peer, alice, refer.line(requires.0, requires.1).finish());
                next(&mut world, peer, Method::Invite);
                world.pass(Duration::from_millis(100));
                let inbox = world.inbox(peer);
                let reports = inbox.iter().filter(|bytes| bytes.starts_with(b"NOTIFY")).count();
                assert_eq!(reports, 0, "{option}: nobody is told");
            }
            "from-change" => {
                let (mut world, alice, peer, tag) = in_a_call(&[]);
                let update =
                    request(&world, "UPDATE", alice, Some(&tag), "u", 2).line(requires.0, requires.1);
                let text = String::from_utf8(update.finish().to_vec()).unwrap();
                let text = text.replace("From: <sip:peer@", "From: <sip:carol@");
                world.say(peer, alice, text.into());
                world.wait(alice, |event| matches!(event, CallEvent::Identity { .. }));
            }
            // What has tests of its own elsewhere must at least not be refused here.
            _ => {
                let (mut world, alice, peer) = one();
                let invite = offered(&world, alice, &[requires]);
                let got = said(&mut world, peer, alice, invite);
                assert!(!got.is_empty() && !got.contains(&420), "{option}: {got:?}");
            }
        }
    }
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
