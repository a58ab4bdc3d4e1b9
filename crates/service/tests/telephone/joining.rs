//! Joining a call: every row of RFC 3911 §4, and the ad hoc conference that follows (RFC 5359 §2.11, RFC 4575).

use crate::pair::{World, account, sdp};
use crate::peers::THEIRS;
use crate::watched::{household, sees, unwatch, watch};
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName, ContactFeatures};
use cordboard_service::settings::{Telephone, TelephoneFeatures};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_sip::body::conference_info::{JoiningMethod, User};
use cordboard_sip::body::dialog_info::{Dialog, State};
use cordboard_sip::header::{Join, SubReason};
use cordboard_sip::{Builder, Name, Status, View};
use std::time::Duration;

const OURS: CallName = CallName(1);
const JOINING: CallName = CallName(5);

/// What names the call of which a watcher was told.
fn join_of(row: &Dialog) -> Join {
    let text = |text: &Option<String>| text.clone().unwrap();
    let (call_id, ours, theirs) = (text(&row.call_id), text(&row.local_tag), text(&row.remote_tag));
    Join::new(call_id.parse().unwrap(), ours.parse().unwrap(), theirs.parse().unwrap())
}

/// Alice's other telephone sees her call in that state and joins it.
fn joins(world: &mut World, alice: usize, other: usize, state: State) {
    watch(world, other, alice, Package::Dialog);
    let rows = sees(world, other, &[state]);
    unwatch(world, other);
    let to = world.uri(alice).into();
    world.press(other, CallAction::Join { call: JOINING, to, join: Box::new(join_of(&rows[0])) });
}

fn focus(event: &CallEvent) -> bool {
    matches!(event, CallEvent::PeerFeatures(_, ContactFeatures { focus: true, .. }))
}

/// RFC 5359 §2.11: the other side hears of it first, then the new call is answered.
#[test]
pub(crate) fn my_other_telephone_joins_my_call() {
    let (mut world, [alice, other, bob]) = household();
    let (_, theirs) = world.talk(alice, bob);
    joins(&mut world, alice, other, State::Confirmed);
    let joined = world.wait(alice, |event| matches!(event, CallEvent::Joined { .. }));
    let CallEvent::Joined { call, joins: Some(OURS), from, .. } = joined else { panic!("{joined:?}") };
    assert!(from.contains("sip:alice@example.com"));
    world.wait(alice, |event| matches!(event, CallEvent::InConference { call, .. } if *call == OURS));
    world.wait(alice, |event| *event == CallEvent::Established(call));
    world.wait(bob, focus);
    world.wait(other, focus);
    world.wait(other, |event| *event == CallEvent::Established(JOINING));
    let at = |said: &str| world.log.iter().rposition(|line| line == said).unwrap();
    assert!(at("alice-other 180 INVITE") < at("alice-bob INVITE"), "{:#?}", world.log);
    assert!(at("bob-alice 200 INVITE") < at("alice-other 200 INVITE"), "{:#?}", world.log);
    // Whoever is in it may know who else is.
    let who = WatchName(9);
    let whom = Whom::Peer(theirs);
    let expires = Duration::from_mins(10);
    let begin = WatchAction::Begin { watch: who, whom, package: Package::Conference, expires };
    world.press(bob, CallAction::Watching(begin));
    let users = conference(&mut world, bob, 3);
    let (focus, out, inside) = (JoiningMethod::FocusOwner, JoiningMethod::DialedOut, JoiningMethod::DialedIn);
    let bobs = world.uri(bob);
    assert_eq!(users, [("sip:alice@example.com".into(), vec![focus, inside]), (bobs, vec![out])]);
    let told = world.log.len();
    world.pass(Duration::from_mins(1));
    assert_eq!(world.log.len(), told, "nothing is told when nothing changes");
    // One leaves, and the two others go on.
    world.press(other, CallAction::HangUp(JOINING));
    let left = conference(&mut world, bob, 2);
    assert_eq!(left[0].1, [focus]);
    world.wait(other, |event| matches!(event, CallEvent::Ended { outcome: Outcome::Answered, .. }));
    // The last leaves, and it is over, whatever else its dialog is used for.
    world.press(alice, CallAction::HangUp(OURS));
    let ended = world.wait(bob, |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { .. })));
    let CallEvent::Watching(WatchEvent::Ended { reason, .. }) = ended else { unreachable!("waited for it") };
    assert_eq!(reason, Some(SubReason::NoResource));
    world.settle();
}

/// Waits until a telephone is told of so many endpoints in a conference.
fn conference(world: &mut World, who: usize, count: usize) -> Vec<(String, Vec<JoiningMethod>)> {
    let event = world.wait(who, |event| {
        matches!(event, CallEvent::Watching(WatchEvent::State { state, .. })
            if matches!(&**state, Watched::Conference { users, .. } if users.iter().map(|user| user.endpoints.len()).sum::<usize>() == count))
    });
    let CallEvent::Watching(WatchEvent::State { state, .. }) = event else { unreachable!("waited for it") };
    let Watched::Conference { users, .. } = *state else { unreachable!("waited for it") };
    let methods =
        |user: &User| user.endpoints.iter().filter_map(|endpoint| endpoint.joining_method).collect();
    users.iter().map(|user| (user.entity.clone(), methods(user))).collect()
}

/// RFC 3911 §4: unlike Replaces, Join has no limitation on early dialogs.
#[test]
fn a_call_that_rings_there_can_be_joined() {
    let (mut world, [alice, other, bob]) = household();
    world.press(alice, CallAction::Dial { call: OURS, to: world.uri(bob).into(), offer: true });
    world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
    joins(&mut world, alice, other, State::Early);
    world.wait(other, |event| *event == CallEvent::Established(JOINING));
    world.press(bob, CallAction::Answer(CallName::incoming(0)));
    world.wait(alice, |event| *event == CallEvent::Established(OURS));
    world.press(alice, CallAction::HangUp(OURS));
    world.press(other, CallAction::HangUp(JOINING));
    world.settle();
}

/// A telephone that talks with a puppet, which called it.
struct Scene {
    world: World,
    alice: usize,
    peer: usize,
    tag: String,
    n: u32,
}

impl Scene {
    fn talking() -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", account("alice"), 1);
        let peer = world.puppet("peer");
        let (_, tag) = crate::puppet::calls(&mut world, peer, alice, &[]);
        Self { world, alice, peer, tag, n: 0 }
    }

    /// What names the call as the telephone sees it.
    fn join(&self) -> String {
        format!("call-of-peer;to-tag={};from-tag=p1", self.tag)
    }

    /// The status of a request with these lines.
    fn ask(&mut self, method: &str, from: &str, lines: &[(Name, &str)]) -> Status {
        self.n += 1;
        let address = self.world.address(self.peer);
        let mut request = Builder::request(method, self.world.uri(self.alice))
            .line(Name::VIA, format_args!("SIP/2.0/UDP {address};branch=z9hG4bKj{}", self.n))
            .line(Name::MAX_FORWARDS, 70)
            .line(Name::FROM, format_args!("<{from}>;tag=j"))
            .line(Name::TO, "<sip:alice@example.com>")
            .line(Name::CALL_ID, format_args!("join{}", self.n))
            .line(Name::CSEQ, format_args!("1 {method}"))
            .line(Name::CONTACT, format_args!("<{}>", self.world.uri(self.peer)));
        for (name, value) in lines {
            request = request.line(*name, value);
        }
        let bytes = match method {
            "INVITE" => request.body("application/sdp", sdp("sendrecv").as_bytes()),
            _ => request.finish(),
        };
        self.world.say(self.peer, self.alice, bytes);
        loop {
            let answer = self.world.receive(self.peer);
            let view = View::parse(&answer).unwrap();
            let call_id = format!("join{}", self.n);
            if let Some(status) = view.status().filter(|_| view.call_id() == call_id) {
                return status;
            }
        }
    }
}

const STRANGER: &str = "sip:joiner@elsewhere.example";

/// RFC 3911 §4, row by row; the call that was to be joined is left alone.
#[test]
fn what_cannot_be_joined_is_refused_and_the_call_goes_on() {
    let mut scene = Scene::talking();
    let join = scene.join();
    let swapped = format!("call-of-peer;to-tag=p1;from-tag={}", scene.tag);
    let replaces = join.clone();
    for (what, lines, status) in [
        ("no such call", &[(Name::JOIN, "none;to-tag=a;from-tag=b")][..], Status::CALL_DOES_NOT_EXIST),
        ("tags swapped", &[(Name::JOIN, &*swapped)], Status::CALL_DOES_NOT_EXIST),
        ("twice", &[(Name::JOIN, &*join), (Name::JOIN, &*join)], Status::BAD_REQUEST),
        ("with Replaces", &[(Name::JOIN, &*join), (Name::REPLACES, &*replaces)], Status::BAD_REQUEST),
        ("without a tag", &[(Name::JOIN, "call-of-peer;to-tag=x")], Status::BAD_REQUEST),
        ("by a stranger", &[(Name::JOIN, &*join)], Status::FORBIDDEN),
    ] {
        assert_eq!(scene.ask("INVITE", STRANGER, lines), status, "{what}");
    }
    let own = scene.ask("INVITE", "sip:alice@example.com", &[(Name::JOIN, &*join)]);
    assert_eq!(own, Status::UNAUTHORIZED, "by somebody who says that she is alice");
    for method in ["OPTIONS", "SUBSCRIBE", "REFER"] {
        assert_eq!(scene.ask(method, STRANGER, &[(Name::JOIN, &*join)]), Status::BAD_REQUEST, "{method}");
    }
    let told = scene.world.told(scene.alice);
    assert!(!told.iter().any(|event| matches!(event, CallEvent::Ended { .. } | CallEvent::Joined { .. })));
    // It has ended: 603.
    scene.world.press(scene.alice, CallAction::HangUp(CallName::incoming(0)));
    assert_eq!(scene.ask("INVITE", STRANGER, &[(Name::JOIN, &*join)]), Status::DECLINE);
    scene.world.pass(Duration::from_secs(70));
    assert_eq!(scene.ask("INVITE", STRANGER, &[(Name::JOIN, &*join)]), Status::CALL_DOES_NOT_EXIST);
    scene.world.settle();
}

/// RFC 3840, RFC 4235 §5: what a telephone is says its Contact, and the other side is told.
#[test]
fn features_are_told_in_contact() {
    let mut world = World::new();
    let features = TelephoneFeatures { automaton: true, byeless: true, ..TelephoneFeatures::default() };
    let alice = world.phone("alice", Telephone { features, ..account("alice") }, 1);
    let bob = world.phone("bob", account("bob"), 1);
    let (ours, theirs) = world.talk(bob, alice);
    let machine = ContactFeatures { automaton: true, byeless: true, ..ContactFeatures::default() };
    let told = world.told(bob);
    assert!(!told.contains(&CallEvent::PeerFeatures(ours, ContactFeatures::default())), "nothing unusual");
    world.press(alice, CallAction::Hold(theirs));
    let silent = ContactFeatures { renders: false, ..machine };
    world.wait(bob, |event| *event == CallEvent::PeerFeatures(ours, silent));
    world.press(alice, CallAction::Resume(theirs));
    world.wait(bob, |event| *event == CallEvent::PeerFeatures(ours, machine));
    world.press(bob, CallAction::HangUp(ours));
    world.settle();
}

/// RFC 5589 §9: a call becomes a conference by the re-INVITE that holds it, and the next one by its INVITE. Who watches is
/// told of the others only, at most every 5 s (RFC 4575 §3.9), and at once when it is over (§4.6).
#[test]
fn a_call_becomes_a_conference_and_who_is_in_it_may_watch() {
    let (mut world, alice, bob) = World::two();
    let carol = world.phone("carol", account("carol"), 1);
    let second = CallName(2);
    let (ours, theirs) = world.talk(bob, alice);
    world.press(bob, CallAction::Host { call: ours, hold: true });
    world.wait(bob, |event| *event == CallEvent::HoldChanged(ours, true));
    world.wait(bob, |event| matches!(event, CallEvent::InConference { call, .. } if *call == ours));
    world.wait(alice, focus);
    world.press(bob, CallAction::Host { call: ours, hold: false });
    world.wait(bob, |event| *event == CallEvent::Impossible(ours));
    let watch = |call| {
        let (watch, whom, expires) = (WatchName(1), Whom::Focus(call), Duration::from_mins(10));
        CallAction::Watching(WatchAction::Begin { watch, whom, package: Package::Conference, expires })
    };
    world.press(alice, watch(theirs));
    assert_eq!(conference(&mut world, alice, 2)[0].1, [JoiningMethod::FocusOwner]);
    let (told, to) = (world.now, world.uri(carol).into());
    world.press(bob, CallAction::CallIn { call: second, to, with: ours, consult: true });
    world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
    world.press(carol, CallAction::Answer(THEIRS));
    world.wait(carol, focus);
    let users = conference(&mut world, alice, 3);
    assert_eq!(users[2].1, [JoiningMethod::DialedOut]);
    assert!(world.now.since(told) >= Duration::from_millis(4_900), "{:?}", world.now.since(told));
    // It is over for whoever watches as soon as it is.
    let over = world.now;
    world.press(bob, CallAction::HangUp(second));
    world.press(bob, CallAction::HangUp(ours));
    let gone = |event: &CallEvent| {
        matches!(event, CallEvent::Watching(WatchEvent::State { state, .. })
            if matches!(**state, Watched::Conference { over: true, .. }))
    };
    world.wait(alice, gone);
    world.wait(alice, |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { .. })));
    assert!(world.now.since(over) < Duration::from_secs(1));
    world.settle();
}

/// Nobody watches a conference by saying that it is one.
#[test]
fn who_is_in_no_conference_cannot_watch_it() {
    let (mut world, alice, bob) = World::two();
    let (ours, theirs) = world.talk(bob, alice);
    let (watch, expires) = (WatchName(1), Duration::from_mins(10));
    let begin =
        WatchAction::Begin { watch, whom: Whom::Focus(theirs), package: Package::Conference, expires };
    world.press(alice, CallAction::Watching(begin));
    world.wait(alice, |event| *event == CallEvent::Watching(WatchEvent::Impossible(watch)));
    let to = world.uri(alice).into();
    world.press(bob, CallAction::CallIn { call: CallName(2), to, with: ours, consult: false });
    world.wait(bob, |event| *event == CallEvent::Impossible(CallName(2)));
    world.press(bob, CallAction::HangUp(ours));
    world.settle();
}
