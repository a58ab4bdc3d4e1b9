//! One telephone against peers that do what telephones of ours do not: forks, challenges, redirections,
//! silence, and requests that make no sense.

use crate::pair::{World, account, sdp};
use crate::puppet::calls;
use bytes::Bytes;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Habits, Telephone};
use cordboard_sip::digest::{Algorithm, Credentials, Ha1, Request};
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

pub(crate) const OURS: CallName = CallName(1);
pub(crate) const THEIRS: CallName = CallName::incoming(0);

/// A telephone and a puppet.
pub(crate) fn one() -> (World, usize, usize) {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let peer = world.puppet("peer");
    (world, alice, peer)
}

pub(crate) fn dial(world: &mut World, alice: usize, to: &str) {
    world.press(alice, CallAction::Dial { call: OURS, to: to.into(), offer: true });
}

/// The next request of this method, others skipped.
#[track_caller]
pub(crate) fn next(world: &mut World, peer: usize, method: Method) -> Bytes {
    loop {
        let bytes = world.receive(peer);
        let view = View::parse(&bytes).unwrap();
        if view.is_request() && view.method() == method {
            return bytes;
        }
    }
}

/// A request of a puppet.
pub(crate) fn request(
    world: &World,
    method: &str,
    to: usize,
    tag: Option<&str>,
    branch: &str,
    cseq: u32,
) -> Builder {
    let to_value = format!("<{}>{}", world.uri(to), tag.map_or(String::new(), |tag| format!(";tag={tag}")));
    Builder::request(method, world.uri(to))
        .line(Name::VIA, format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{branch}"))
        .line(Name::FROM, "<sip:peer@example.com>;tag=p1")
        .line(Name::TO, to_value)
        .line(Name::CALL_ID, "call-of-peer")
        .line(Name::CSEQ, format_args!("{cseq} {method}"))
        .line(Name::CONTACT, "<sip:peer@192.0.2.2:5060>")
}

pub(crate) fn statuses(inbox: &[Bytes]) -> Vec<u16> {
    inbox.iter().filter_map(|bytes| Some(View::parse(bytes).unwrap().status()?.code())).collect()
}

/// §13.2.2.4: two branches of a fork answer; the first wins, the other gets ACK and BYE.
#[test]
fn a_fork_with_two_200s_keeps_one() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    let contact = format!("<{to}>");
    let lines = [(Name::CONTACT, &*contact)];
    let answer = sdp("sendrecv");
    for tag in ["t1", "t2"] {
        world.reply(peer, alice, &invite, Status::RINGING, tag, &lines, None);
    }
    for tag in ["t2", "t1", "t1"] {
        world.reply(peer, alice, &invite, Status::OK, tag, &lines, Some(&answer));
    }
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.pass(Duration::from_millis(100));
    let tags = |inbox: &[Bytes], method: Method| -> Vec<String> {
        let views = inbox.iter().map(|bytes| View::parse(bytes).unwrap());
        views.filter(|view| view.method() == method).map(|view| view.to_tag().unwrap().to_owned()).collect()
    };
    let inbox = world.inbox(peer);
    assert_eq!(tags(&inbox, Method::Ack), ["t2", "t1", "t1"], "the repeated 200 too");
    assert_eq!(tags(&inbox, Method::Bye), ["t1"]);
    let bye = inbox.iter().find(|bytes| bytes.starts_with(b"BYE")).unwrap();
    world.reply(peer, alice, bye, Status::OK, "t1", &[], None);
    world.press(alice, CallAction::HangUp(OURS));
    let bye = next(&mut world, peer, Method::Bye);
    assert_eq!(View::parse(&bye).unwrap().to_tag(), Some("t2"));
    world.reply(peer, alice, &bye, Status::OK, "t2", &[], None);
    world.settle();
    let ends = world.told(alice).into_iter().filter(|event| matches!(event, CallEvent::Ended { .. })).count();
    assert_eq!(ends, 1);
}

fn challenge(realm: &str, nonce: &str) -> String {
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=SHA-256, qop=\"auth\"")
}

fn credentials_for(view: &View<'_>, method: &str) -> Vec<(String, u32)> {
    view.lines_named(Name::PROXY_AUTHORIZATION)
        .map(|line| {
            let credentials = Credentials::read(line).unwrap();
            let secret = Ha1::new(Algorithm::Sha256, "alice", &credentials.realm, "secret");
            let request = Request { method, uri: &credentials.uri, body: b"" };
            assert!(credentials.is_answered_with(&secret, &request), "{line}");
            (credentials.realm.to_string(), credentials.nc.unwrap().value())
        })
        .collect()
}

/// RFC 3665 §3.3: two proxies challenge in turn, the credentials accumulate, the ACK repeats them.
#[test]
fn two_proxies_challenge_one_call() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let mut expected: Vec<(String, u32)> = Vec::new();
    for (round, realm) in ["atlanta", "biloxi"].into_iter().enumerate() {
        let invite = next(&mut world, peer, Method::Invite);
        let view = View::parse(&invite).unwrap();
        assert_eq!(view.cseq().0 as usize, round + 1);
        assert_eq!(credentials_for(&view, "INVITE"), expected);
        let asks = challenge(realm, realm);
        let status = Status::PROXY_AUTHENTICATION_REQUIRED;
        world.reply(peer, alice, &invite, status, "px", &[(Name::PROXY_AUTHENTICATE, &asks)], None);
        for (_, uses) in &mut expected {
            *uses += 1;
        }
        expected.push((realm.to_owned(), 1));
    }
    let invite = next(&mut world, peer, Method::Invite);
    assert_eq!(credentials_for(&View::parse(&invite).unwrap(), "INVITE"), expected);
    let contact = format!("<{to}>");
    world.reply(peer, alice, &invite, Status::OK, "t", &[(Name::CONTACT, &contact)], Some(&sdp("sendrecv")));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    let ack = loop {
        let ack = next(&mut world, peer, Method::Ack);
        if View::parse(&ack).unwrap().to_tag() == Some("t") {
            break ack;
        }
    };
    assert_eq!(credentials_for(&View::parse(&ack).unwrap(), "INVITE"), expected, "§22.1: the INVITE's own");
    world.press(alice, CallAction::HangUp(OURS));
    let bye = next(&mut world, peer, Method::Bye);
    let uses: Vec<u32> =
        credentials_for(&View::parse(&bye).unwrap(), "BYE").iter().map(|(_, n)| *n).collect();
    assert_eq!(uses, [3, 2], "each nonce counts on");
    world.reply(peer, alice, &bye, Status::OK, "t", &[], None);
    world.settle();
}

#[test]
fn a_wrong_password_is_not_tried_twice() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    for nonce in ["a", "b"] {
        let invite = next(&mut world, peer, Method::Invite);
        let asks = challenge("r", nonce);
        world.reply(
            peer,
            alice,
            &invite,
            Status::UNAUTHORIZED,
            "x",
            &[(Name::WWW_AUTHENTICATE, &asks)],
            None,
        );
    }
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    let CallEvent::Ended { outcome, status, .. } = ended else { unreachable!() };
    assert_eq!((outcome, status), (Outcome::Failed, Some(Status::UNAUTHORIZED)));
    world.settle();
}

/// RFC 3665 §3.6: the redirected call goes on with the same Call-ID and the next number.
#[test]
fn a_302_is_followed_best_contact_first() {
    let (mut world, alice, server) = one();
    let bob = world.puppet("bob");
    let to = world.uri(server);
    dial(&mut world, alice, &to);
    let first = next(&mut world, server, Method::Invite);
    let contacts = format!("<sip:late@192.0.2.77>;q=0.1, <{}?Route=x>, <tel:+1>", world.uri(bob));
    let lines = [(Name::CONTACT, &*contacts)];
    world.reply(server, alice, &first, Status::MOVED_TEMPORARILY, "r", &lines, None);
    let second = next(&mut world, bob, Method::Invite);
    let (first, second) = (View::parse(&first).unwrap(), View::parse(&second).unwrap());
    assert_eq!(first.call_id(), second.call_id());
    assert_eq!(first.from_tag(), second.from_tag());
    assert_eq!((first.cseq().0, second.cseq().0), (1, 2));
    assert_eq!((second.to_uri(), second.request_uri()), (first.to_uri(), &*world.uri(bob)));
    assert!(!second.has(Name::ROUTE));
    let redirected = CallEvent::Redirected(OURS, world.uri(bob).into());
    assert_eq!(world.wait(alice, |_| true), redirected);
    let refused = second.bytes().to_vec();
    world.reply(bob, alice, &refused, Status::DECLINE, "d", &[], None);
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Declined, .. }), "a 6xx ends the search");
    world.settle();
}

/// §8.1.3.4: what is redirected goes by the outbound proxy as well; the telephone may reach nobody else.
#[test]
fn a_redirected_call_goes_by_the_outbound_proxy_too() {
    let mut world = World::new();
    let mut settings = account("alice");
    settings.outbound_proxies = vec!["sip:proxy.test;lr".into()];
    let alice = world.phone("alice", settings, 1);
    let proxy = world.puppet("proxy");
    dial(&mut world, alice, "sip:bob@example.com");
    let first = next(&mut world, proxy, Method::Invite);
    let lines = [(Name::CONTACT, "<sip:carol@nowhere.invalid>")];
    world.reply(proxy, alice, &first, Status::MOVED_TEMPORARILY, "r", &lines, None);
    let second = next(&mut world, proxy, Method::Invite);
    let view = View::parse(&second).unwrap();
    assert_eq!(view.request_uri(), "sip:carol@nowhere.invalid");
    assert_eq!(view.top_route(), Some("sip:proxy.test;lr"));
    world.reply(proxy, alice, &second, Status::BUSY_HERE, "b", &[], None);
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Busy, .. }), "{ended:?}");
    world.settle();
}

#[test]
fn redirections_in_a_circle_end() {
    let (mut world, alice, server) = one();
    let to = world.uri(server);
    dial(&mut world, alice, &to);
    let mut n = 0;
    loop {
        world.pass(Duration::from_secs(1));
        let inbox = world.inbox(server);
        let Some(invite) = inbox.iter().find(|bytes| bytes.starts_with(b"INVITE")) else { break };
        n += 1;
        let contact = format!("<sip:n{n}@{}>", world.address(server));
        let lines = [(Name::CONTACT, &*contact)];
        world.reply(server, alice, invite, Status::MOVED_TEMPORARILY, "r", &lines, None);
    }
    assert!((2..20).contains(&n), "{n}");
    world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    world.settle();
}

/// RFC 3665 §3.4: the first outbound proxy is dead, the second takes the call.
#[test]
fn a_dead_proxy_is_passed_over() {
    let mut world = World::new();
    let mut settings = account("alice");
    settings.outbound_proxies = vec!["<sip:dead.test;lr>".into(), "sip:alive.test;lr".into()];
    let alice = world.phone("alice", settings, 1);
    let dead = world.puppet("dead");
    let alive = world.puppet("alive");
    dial(&mut world, alice, "sip:bob@example.com");
    let invite = next(&mut world, alive, Method::Invite);
    assert_eq!(world.now.as_millis() / 1000, 32, "Timer B");
    assert_eq!(world.inbox(dead).len(), 7);
    let view = View::parse(&invite).unwrap();
    assert_eq!(view.request_uri(), "sip:bob@example.com");
    assert_eq!(view.top_route(), Some("sip:alive.test;lr"));
    world.reply(alive, alice, &invite, Status::SERVICE_UNAVAILABLE, "x", &[], None);
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { status: Some(Status::SERVICE_UNAVAILABLE), .. }), "{ended:?}");
    world.settle();
}

/// §12.2.1.1: the route set is the Record-Route backwards, and ACK and BYE pass it.
#[test]
fn requests_in_a_dialog_pass_its_route_set() {
    let (mut world, alice, proxy) = one();
    let to = format!("sip:bob@{}", world.address(proxy));
    dial(&mut world, alice, &to);
    let invite = next(&mut world, proxy, Method::Invite);
    let route = format!("<sip:far.invalid;lr>, <sip:{};lr>", world.address(proxy));
    let lines = [(Name::RECORD_ROUTE, &*route), (Name::CONTACT, "<sip:bob@198.51.100.7>")];
    world.reply(proxy, alice, &invite, Status::OK, "t", &lines, Some(&sdp("sendrecv")));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.press(alice, CallAction::HangUp(OURS));
    for method in [Method::Ack, Method::Bye] {
        let bytes = next(&mut world, proxy, method);
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.request_uri(), "sip:bob@198.51.100.7");
        let routes: Vec<_> = view.values(Name::ROUTE).map(|value| value.text.to_owned()).collect();
        assert_eq!(routes, [format!("<sip:{};lr>", world.address(proxy)), "<sip:far.invalid;lr>".to_owned()]);
        if method == Method::Bye {
            world.reply(proxy, alice, &bytes, Status::OK, "t", &[], None);
        }
    }
    world.settle();
}

/// RFC 3261 §13.3.1: an invitation that expires while it rings is answered 487, and nobody was reached.
#[test]
fn an_invitation_expires_while_it_rings() {
    let (mut world, alice, peer) = one();
    let invite = request(&world, "INVITE", alice, None, "i", 1).line(Name::EXPIRES, "20");
    world.say(peer, alice, invite.body("application/sdp", sdp("sendrecv").as_bytes()));
    let ringing = world.receive(peer);
    assert_eq!(statuses(&[ringing]), [180]);
    let began = world.now;
    let refused = world.receive(peer);
    assert_eq!(statuses(std::slice::from_ref(&refused)), [487]);
    assert_eq!(world.now.since(began).as_secs(), 20);
    let over = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    let status = Some(Status::REQUEST_TERMINATED);
    let outcome = Outcome::NoAnswer;
    assert_eq!(over, CallEvent::Ended { call: THEIRS, outcome, status, by_peer: false });
    let tag = View::parse(&refused).unwrap().to_tag().unwrap().to_owned();
    world.say(peer, alice, request(&world, "ACK", alice, Some(&tag), "i", 1).finish());
    world.settle();
}

/// RFC 3261 §13.3.1: one that is answered in time goes on.
#[test]
fn an_invitation_that_is_answered_does_not_expire() {
    let (mut world, alice, peer) = one();
    calls(&mut world, peer, alice, &[(Name::EXPIRES, "20")]);
    world.pass(Duration::from_mins(2));
    assert!(!world.told(alice).iter().any(|event| matches!(event, CallEvent::Ended { .. })));
}

/// RFC 3261 §13.2.1: whoever calls says for how long, and gives it up then.
#[test]
fn whoever_calls_gives_up_when_the_invitation_expires() {
    let mut world = World::new();
    let habits = Habits { invitations_expire: Some(Duration::from_secs(25)), ..Habits::USUAL };
    let alice = world.phone("alice", Telephone { habits, ..account("alice") }, 1);
    let peer = world.puppet("peer");
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    assert_eq!(View::parse(&invite).unwrap().value(Name::EXPIRES), Some("25"));
    world.reply(peer, alice, &invite, Status::RINGING, "t", &[], None);
    let cancel = next(&mut world, peer, Method::Cancel);
    assert_eq!(world.now.as_millis() / 1000, 25);
    world.reply(peer, alice, &cancel, Status::OK, "t", &[], None);
    world.reply(peer, alice, &invite, Status::REQUEST_TERMINATED, "t", &[], None);
    let over = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(over, CallEvent::Ended { outcome: Outcome::NoAnswer, .. }), "{over:?}");
    world.settle();
}

/// A 200 whose answer cannot be used is acknowledged and ended.
#[test]
fn an_answer_of_no_use_ends_the_call() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    world.reply(peer, alice, &invite, Status::OK, "t", &[(Name::CONTACT, &format!("<{to}>"))], None);
    next(&mut world, peer, Method::Ack);
    let bye = next(&mut world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::OK, "t", &[], None);
    let ended = world.wait(alice, |event| matches!(event, CallEvent::Ended { .. }));
    assert!(matches!(ended, CallEvent::Ended { outcome: Outcome::Failed, status: None, .. }), "{ended:?}");
    world.settle();
}

/// §8.2 in its order.
#[test]
fn requests_that_cannot_be_served_are_told_why() {
    let of_scheme = |world: &World, method: &str, uri: &str, branch: &str| {
        let whole = request(world, method, 0, None, branch, 1).finish();
        let text = String::from_utf8(whole.to_vec()).unwrap();
        let (_, rest) = text.split_once(" SIP/2.0").unwrap();
        Bytes::from(format!("{method} {uri} SIP/2.0{rest}"))
    };
    let (mut world, alice, peer) = one();
    let body = sdp("sendrecv");
    let ask = |world: &World, method: &str, tag: Option<&str>, branch: &str| {
        request(world, method, alice, tag, branch, 1)
    };
    let cases: Vec<(Bytes, u16, &str)> = vec![
        (ask(&world, "PUBLISH", None, "a").finish(), 405, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS"),
        (ask(&world, "NONSENSE", None, "b").finish(), 405, "Allow:"),
        (ask(&world, "BYE", Some("none"), "c").finish(), 481, ""),
        (ask(&world, "BYE", None, "d").finish(), 481, ""),
        (ask(&world, "INVITE", Some("none"), "e").finish(), 481, ""),
        (ask(&world, "OPTIONS", Some("none"), "f").finish(), 481, ""),
        (ask(&world, "OPTIONS", None, "g").finish(), 200, "Accept: application/sdp"),
        (
            ask(&world, "INVITE", None, "h").line(Name::REQUIRE, "sec-agree, gruu").finish(),
            420,
            "Unsupported: sec-agree, gruu",
        ),
        (ask(&world, "INVITE", None, "i").body("text/plain", b"hello"), 415, "Accept: application/sdp"),
        (
            ask(&world, "INVITE", None, "j")
                .line(Name::CONTENT_ENCODING, "gzip")
                .body("application/sdp", body.as_bytes()),
            415,
            "Accept-Encoding: identity",
        ),
        (
            ask(&world, "INVITE", None, "k")
                .body("application/sdp", body.replace("AVP 0", "AVP 18").as_bytes()),
            488,
            "",
        ),
        (ask(&world, "INVITE", None, "l").body("application/sdp", b"v=nonsense"), 400, ""),
        (of_scheme(&world, "INVITE", "tel:+15550100", "m"), 416, ""),
        (of_scheme(&world, "INVITE", "unknown:alice@example.com", "n"), 416, ""),
        (of_scheme(&world, "OPTIONS", "mailto:alice@example.com", "o"), 416, ""),
        (of_scheme(&world, "MESSAGE", "im:alice@example.com", "p"), 416, ""),
    ];
    for (bytes, status, line) in cases {
        world.say(peer, alice, bytes.clone());
        let response = world.receive(peer);
        let view = View::parse(&response).unwrap();
        let text = String::from_utf8_lossy(&response);
        assert_eq!(view.status().map(Status::code), Some(status), "{}", String::from_utf8_lossy(&bytes));
        assert!(text.contains(line), "{line} is missing in {text}");
        world.pass(Duration::from_secs(40));
        world.inbox(peer);
    }
    assert!(world.told(alice).is_empty());
    world.settle();
}

/// §8.2.2.2: the same INVITE by another way is a loop; by the same it is a repeat.
#[test]
fn an_invite_that_comes_twice_is_merged() {
    let (mut world, alice, peer) = one();
    let invite = |world: &World, branch: &str| {
        request(world, "INVITE", alice, None, branch, 1).body("application/sdp", sdp("sendrecv").as_bytes())
    };
    for branch in ["one", "two", "one"] {
        let bytes = invite(&world, branch);
        world.say(peer, alice, bytes);
    }
    world.pass(Duration::from_millis(100));
    let inbox = world.inbox(peer);
    assert_eq!(statuses(&inbox), [180, 482, 180]);
    world.press(alice, CallAction::Decline(THEIRS, Status::BUSY_HERE));
    let bytes = invite(&world, "three");
    world.say(peer, alice, bytes);
    world.pass(Duration::from_millis(100));
    assert_eq!(statuses(&world.inbox(peer)), [486, 482], "declined, but still the same");
    world.settle();
}

/// §12.2.2: an old number is refused; §14.2: so is a change of what is not yet answered.
#[test]
fn requests_in_a_dialog_keep_their_order() {
    let (mut world, alice, peer) = one();
    let offer = sdp("sendrecv");
    let bytes = request(&world, "INVITE", alice, None, "i", 7).body("application/sdp", offer.as_bytes());
    world.say(peer, alice, bytes);
    let ringing = world.receive(peer);
    let tag = View::parse(&ringing).unwrap().to_tag().unwrap().to_owned();
    let ask = |world: &mut World, method: &str, branch: &str, cseq: u32| {
        let bytes =
            request(world, method, alice, Some(&tag), branch, cseq).body("application/sdp", offer.as_bytes());
        world.say(peer, alice, bytes);
        world.pass(Duration::from_millis(30));
        statuses(&world.inbox(peer))
    };
    assert_eq!(ask(&mut world, "INVITE", "early", 8), [500]);
    world.press(alice, CallAction::Answer(THEIRS));
    world.pass(Duration::from_millis(30));
    world.inbox(peer);
    assert_eq!(ask(&mut world, "ACK", "ack", 7), [0u16; 0]);
    world.wait(alice, |event| *event == CallEvent::Established(THEIRS));
    assert_eq!(ask(&mut world, "INVITE", "old", 6), [500]);
    assert_eq!(ask(&mut world, "INVITE", "new", 10), [200]);
    ask(&mut world, "ACK", "ack2", 10);
    // A BYE that something later overtook still ends the call: a 500 would leave one side alone in it.
    assert_eq!(ask(&mut world, "BYE", "oldbye", 9), [200]);
    world.settle();
}

/// A delayed offer whose ACK brings no answer ends the call.
#[test]
fn an_ack_without_its_answer_ends_the_call() {
    let (mut world, alice, peer) = one();
    let bytes = request(&world, "INVITE", alice, None, "i", 1).finish();
    world.say(peer, alice, bytes);
    world.receive(peer);
    world.press(alice, CallAction::Answer(THEIRS));
    let ok = world.receive(peer);
    let view = View::parse(&ok).unwrap();
    assert!(!view.body().is_empty(), "the offer");
    let tag = view.to_tag().unwrap().to_owned();
    let ack = request(&world, "ACK", alice, Some(&tag), "k", 1).finish();
    world.say(peer, alice, ack);
    let bye = next(&mut world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::OK, "", &[], None);
    world.settle();
    assert!(
        world
            .told(alice)
            .iter()
            .any(|event| matches!(event, CallEvent::Ended { outcome: Outcome::Failed, .. }))
    );
}

/// §14.1: a refused change leaves the call as it was; one that finds no dialog ends it.
#[test]
fn a_refused_change_is_told() {
    let (mut world, alice, peer) = one();
    let to = world.uri(peer);
    let contact = format!("<{to}>");
    let lines = [(Name::CONTACT, &*contact)];
    dial(&mut world, alice, &to);
    let invite = next(&mut world, peer, Method::Invite);
    world.reply(peer, alice, &invite, Status::OK, "t", &lines, Some(&sdp("sendrecv")));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.told(alice);
    world.press(alice, CallAction::Hold(OURS));
    let hold = next(&mut world, peer, Method::Invite);
    assert!(String::from_utf8_lossy(&hold).contains("a=sendonly"));
    world.reply(peer, alice, &hold, Status::NOT_ACCEPTABLE_HERE, "t", &[], None);
    let refused = CallEvent::ChangeRefused(OURS, Status::NOT_ACCEPTABLE_HERE);
    assert_eq!(world.wait(alice, |_| true), refused);
    world.press(alice, CallAction::Hold(OURS));
    let hold = next(&mut world, peer, Method::Invite);
    world.reply(peer, alice, &hold, Status::CALL_DOES_NOT_EXIST, "t", &[], None);
    assert!(matches!(world.wait(alice, |_| true), CallEvent::ChangeRefused(..)));
    assert!(matches!(world.wait(alice, |_| true), CallEvent::Ended { by_peer: true, .. }));
    let bye = next(&mut world, peer, Method::Bye);
    world.reply(peer, alice, &bye, Status::CALL_DOES_NOT_EXIST, "t", &[], None);
    world.settle();
}
