//! Session timers in telephones (RFC 4028).

use crate::pair::{World, account};
use crate::peers::{OURS, THEIRS, next, one, request};
use crate::puppet::{answers, calls, inside, response};
use cordboard_core::session::timer::Policy;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::settings::{Habits, Telephone};
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

fn wanting(name: &str, wish: Option<u32>, least: u32) -> Telephone {
    let session_timer = Policy { wish, least, refresh_ourselves: false };
    Telephone { habits: Habits { session_timer, ..Habits::USUAL }, ..account(name) }
}

fn one_wanting(seconds: u32) -> (World, usize, usize) {
    let mut world = World::new();
    let alice = world.phone("alice", wanting("alice", Some(seconds), 90), 1);
    let peer = world.puppet("peer");
    (world, alice, peer)
}

fn is_ended(event: &CallEvent) -> bool {
    matches!(event, CallEvent::Ended { .. })
}

fn line(bytes: &[u8], name: Name) -> Option<String> {
    View::parse(bytes).unwrap().value(name).map(str::to_owned)
}

/// §7.2, §10: whoever is to refresh does so at half time, by UPDATE without a description, and the call goes on.
#[test]
fn a_call_is_refreshed_at_half_time() {
    let mut world = World::new();
    let alice = world.phone("alice", wanting("alice", Some(100), 90), 1);
    let bob = world.phone("bob", account("bob"), 1);
    world.talk(alice, bob);
    world.pass(Duration::from_secs(260));
    let refreshes = world.log.iter().filter(|said| *said == "alice-bob UPDATE").count();
    assert_eq!((refreshes, world.told(alice).iter().any(is_ended)), (5, false), "{:#?}", world.log);
    world.press(bob, CallAction::HangUp(THEIRS));
    world.wait(alice, is_ended);
    world.settle();
}

/// §10: the refresh finds nobody, and the call ends.
#[test]
fn a_call_that_nobody_refreshes_ends_at_both_ends() {
    let mut world = World::new();
    let alice = world.phone("alice", wanting("alice", Some(100), 90), 1);
    let bob = world.phone("bob", account("bob"), 1);
    world.talk(alice, bob);
    world.lose = Box::new(|_| true);
    let begun = world.now;
    world.wait(bob, is_ended);
    let lasted = world.now.since(begun);
    assert!(lasted >= Duration::from_secs(66) && lasted <= Duration::from_secs(68), "{lasted:?}");
    world.wait(alice, is_ended);
    world.settle();
}

/// §7.4: who does not allow UPDATE is refreshed by re-INVITE, with the same description as before.
#[test]
fn without_update_a_reinvite_refreshes() {
    let (mut world, alice, peer) = one_wanting(100);
    let lines = [(Name::SESSION_EXPIRES, "100;refresher=uac"), (Name::REQUIRE, "timer")];
    let invite = answers(&mut world, alice, peer, &lines);
    assert_eq!(line(&invite, Name::SESSION_EXPIRES).as_deref(), Some("100"));
    let refresh = next(&mut world, peer, Method::Invite);
    assert_eq!(line(&refresh, Name::SESSION_EXPIRES).as_deref(), Some("100;refresher=uac"));
    let bodies = [&invite, &refresh].map(|bytes| View::parse(bytes).unwrap().body().to_vec());
    assert_eq!(bodies[0], bodies[1]);
}

/// §7.2: who knows no session timer does not refresh, so that we do.
#[test]
fn who_knows_no_timer_is_refreshed_by_us() {
    let (mut world, alice, peer) = one_wanting(100);
    answers(&mut world, alice, peer, &[(Name::ALLOW, "INVITE, ACK, BYE, UPDATE")]);
    let begun = world.now;
    let refresh = next(&mut world, peer, Method::Update);
    assert!(View::parse(&refresh).unwrap().body().is_empty());
    let waited = world.now.since(begun);
    assert!(waited >= Duration::from_secs(49) && waited <= Duration::from_secs(51), "{waited:?}");
    world.reply(peer, alice, &refresh, Status::OK, "t", &[], None);
    // A refresh that is refused is tried again halfway to the end; one answered 481 ends the call.
    let refresh = next(&mut world, peer, Method::Update);
    world.reply(peer, alice, &refresh, Status::NOT_ACCEPTABLE_HERE, "t", &[], None);
    let refresh = next(&mut world, peer, Method::Update);
    world.reply(peer, alice, &refresh, Status::CALL_DOES_NOT_EXIST, "t", &[], None);
    world.wait(alice, is_ended);
}

/// §7.3: the call is made again with what the 422 asks for, and never for ever.
#[test]
fn a_call_with_too_short_an_interval_is_made_again() {
    let (mut world, alice, peer) = one_wanting(100);
    let to = world.uri(peer).into();
    world.press(alice, CallAction::Dial { call: OURS, to, offer: true });
    let status = Status::SESSION_INTERVAL_TOO_SMALL;
    for (cseq, expires, least, min_se) in [(1, "100", None, "200"), (2, "200", Some("200"), "300")] {
        let invite = next(&mut world, peer, Method::Invite);
        assert_eq!(View::parse(&invite).unwrap().cseq().0, cseq);
        assert_eq!(line(&invite, Name::SESSION_EXPIRES).as_deref(), Some(expires));
        assert_eq!(line(&invite, Name::MIN_SE).as_deref(), least);
        assert!(!View::parse(&invite).unwrap().body().is_empty());
        world.reply(peer, alice, &invite, status, "x", &[(Name::MIN_SE, min_se)], None);
    }
    let invite = next(&mut world, peer, Method::Invite);
    assert_eq!(line(&invite, Name::SESSION_EXPIRES).as_deref(), Some("300"));
    world.reply(peer, alice, &invite, status, "x", &[(Name::MIN_SE, "300")], None);
    let ended = world.wait(alice, is_ended);
    assert!(matches!(ended, CallEvent::Ended { status: Some(Status::SESSION_INTERVAL_TOO_SMALL), .. }));
    world.settle();
}

/// §9: 422 with Min-SE, to whoever understands that.
#[test]
fn too_short_an_interval_is_refused() {
    let (mut world, alice, peer) = one();
    let ask = |world: &World, supported: &str, branch: &str| {
        request(world, "INVITE", alice, None, branch, 1)
            .line(Name::SUPPORTED, supported)
            .line(Name::SESSION_EXPIRES, "60")
            .finish()
    };
    let invite = ask(&world, "timer", "a");
    world.say(peer, alice, invite);
    let refused = response(&mut world, peer, 422, Method::Invite);
    assert_eq!(line(&refused, Name::MIN_SE).as_deref(), Some("90"));
    let invite = ask(&world, "replaces", "b");
    world.say(peer, alice, invite);
    response(&mut world, peer, 180, Method::Invite);
}

/// §9, §10: the other side is to refresh, does so once, and then no more.
#[test]
fn a_caller_that_stops_refreshing_is_released() {
    let (mut world, alice, peer) = one();
    let asks = [(Name::SUPPORTED, "timer"), (Name::SESSION_EXPIRES, "120;refresher=uac")];
    let (ok, tag) = calls(&mut world, peer, alice, &asks);
    assert_eq!(line(&ok, Name::SESSION_EXPIRES).as_deref(), Some("120;refresher=uac"));
    assert_eq!(line(&ok, Name::REQUIRE).as_deref(), Some("timer"));
    world.pass(Duration::from_mins(1));
    let refresh = request(&world, "UPDATE", alice, Some(&tag), "refresh", 2)
        .line(Name::SUPPORTED, "timer")
        .line(Name::SESSION_EXPIRES, "120;refresher=uac")
        .finish();
    world.say(peer, alice, refresh);
    let ok = response(&mut world, peer, 200, Method::Update);
    assert_eq!(line(&ok, Name::SESSION_EXPIRES).as_deref(), Some("120;refresher=uac"));
    let begun = world.now;
    let bye = next(&mut world, peer, Method::Bye);
    let lasted = world.now.since(begun);
    assert!(lasted >= Duration::from_secs(87) && lasted <= Duration::from_secs(89), "{lasted:?}");
    world.reply(peer, alice, &bye, Status::OK, "p1", &[], None);
    world.wait(alice, is_ended);
    world.settle();
}

/// §9, §10: the callee refreshes where the caller wants that, and the caller's next request keeps the roles.
#[test]
fn a_callee_that_is_to_refresh_does() {
    let (mut world, alice, peer) = one();
    let asks = [
        (Name::SUPPORTED, "timer"),
        (Name::ALLOW, "INVITE, ACK, BYE, UPDATE"),
        (Name::SESSION_EXPIRES, "120;refresher=uas"),
    ];
    let (ok, _) = calls(&mut world, peer, alice, &asks);
    assert_eq!(line(&ok, Name::SESSION_EXPIRES).as_deref(), Some("120;refresher=uas"));
    for _ in 0..3 {
        let begun = world.now;
        let refresh = next(&mut world, peer, Method::Update);
        let waited = world.now.since(begun);
        assert!(waited >= Duration::from_secs(59) && waited <= Duration::from_secs(61), "{waited:?}");
        assert_eq!(line(&refresh, Name::SESSION_EXPIRES).as_deref(), Some("120;refresher=uac"));
        let lines = [(Name::SESSION_EXPIRES, "120;refresher=uac"), (Name::REQUIRE, "timer")];
        world.reply(peer, alice, &refresh, Status::OK, "p1", &lines, None);
    }
    assert!(!world.told(alice).iter().any(is_ended));
}

/// §9: a hold that says nothing of the timer does not stop it, and refreshes.
#[test]
fn what_holds_goes_on_through_a_hold() {
    let (mut world, alice, peer) = one();
    let asks = [(Name::SUPPORTED, "timer"), (Name::SESSION_EXPIRES, "120;refresher=uas")];
    let (_, tag) = calls(&mut world, peer, alice, &asks);
    world.pass(Duration::from_secs(30));
    let hold =
        request(&world, "UPDATE", alice, Some(&tag), "hold", 2).line(Name::SUPPORTED, "timer").finish();
    world.say(peer, alice, hold);
    let ok = response(&mut world, peer, 200, Method::Update);
    assert!(line(&ok, Name::SESSION_EXPIRES).is_some_and(|value| value.starts_with("120;")));
    let bye = inside(&world, alice, &tag, "BYE", 3, None);
    world.say(peer, alice, bye);
    world.wait(alice, is_ended);
    world.settle();
}
