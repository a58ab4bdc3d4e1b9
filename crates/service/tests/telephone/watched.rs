//! Being watched: the notifier of RFC 6665 with the packages `dialog` (RFC 4235) and `presence` (RFC 3856), against
//! another telephone of the same user, and against strangers that the test plays.

use crate::pair::{World, account, sdp, storm};
use bytes::Bytes;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::{Secret, Strangers, Telephone};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_sip::body::dialog_info::{Dialog, DialogInfo, Direction, Event, State};
use cordboard_sip::body::{Completeness, dialog_info};
use cordboard_sip::{Builder, Name, Status, View};
use std::time::Duration;

const WATCH: WatchName = WatchName(7);
const CALL: CallName = CallName(1);

/// Alice's two telephones, and bob's.
pub(crate) fn household() -> (World, [usize; 3]) {
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let other = world.phone("other", account("alice"), 1);
    let bob = world.phone("bob", account("bob"), 1);
    (world, [alice, other, bob])
}

pub(crate) fn watch(world: &mut World, who: usize, whom: usize, package: Package) {
    let whom = Whom::Address(world.uri(whom).into());
    let expires = Duration::from_mins(10);
    world.press(who, CallAction::Watching(WatchAction::Begin { watch: WATCH, whom, package, expires }));
}

pub(crate) fn unwatch(world: &mut World, who: usize) {
    world.press(who, CallAction::Watching(WatchAction::End(WATCH)));
    world.wait(who, |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { .. })));
}

fn states(event: &CallEvent) -> Option<&Watched> {
    match event {
        CallEvent::Watching(WatchEvent::State { state, .. }) => Some(state),
        _ => None,
    }
}

/// Waits until a telephone is told of dialogs in these states.
#[track_caller]
pub(crate) fn sees(world: &mut World, who: usize, wanted: &[State]) -> Vec<Dialog> {
    let event = world.wait(who, |event| {
        let Some(Watched::Dialogs(rows)) = states(event) else { return false };
        rows.iter().map(|row| row.state).eq(wanted.iter().copied())
    });
    let Some(Watched::Dialogs(rows)) = states(&event) else { unreachable!("waited for it") };
    rows.clone()
}

/// RFC 4235 §3.7.2: whoever proves to be the same user sees everything.
#[test]
fn my_other_telephone_sees_my_calls() {
    let (mut world, [alice, other, bob]) = household();
    watch(&mut world, other, alice, Package::Dialog);
    assert_eq!(sees(&mut world, other, &[]), []);
    assert!(world.log.contains(&"alice-other 401 SUBSCRIBE".to_owned()), "{:#?}", world.log);
    world.press(alice, CallAction::Dial { call: CALL, to: world.uri(bob).into(), offer: true });
    let trying = sees(&mut world, other, &[State::Trying]);
    let early = sees(&mut world, other, &[State::Early]);
    assert_eq!(trying[0].id, early[0].id, "the dialog goes on from the INVITE");
    let row = &early[0];
    assert_eq!(row.direction, Some(Direction::Initiator));
    assert!(row.call_id.is_some() && row.local_tag.is_some() && row.remote_tag.is_some());
    assert_eq!(row.local.identities[0].uri, "sip:alice@example.com");
    assert_eq!(row.remote.identities[0].uri, world.uri(bob));
    assert_eq!(row.remote.target.as_ref().map(|target| &*target.uri), Some(&*world.uri(bob)));
    world.press(bob, CallAction::Answer(CallName::incoming(0)));
    sees(&mut world, other, &[State::Confirmed]);
    world.press(alice, CallAction::Hold(CALL));
    world.wait(alice, |event| matches!(event, CallEvent::HoldChanged(..)));
    let held = sees(&mut world, other, &[State::Confirmed]);
    let params = held[0].local.target.as_ref().map(|target| &target.params[..]);
    assert_eq!(params, Some(&[("+sip.rendering".to_owned(), "no".to_owned())][..]));
    world.press(bob, CallAction::HangUp(CallName::incoming(0)));
    let gone = sees(&mut world, other, &[State::Terminated]);
    assert_eq!(gone[0].event, Some(Event::RemoteBye));
    unwatch(&mut world, other);
    world.settle();
}

/// RFC 4235 §3.7.1, figure 3: the events.
#[test]
fn how_a_call_ended_is_told() {
    type Ends = fn(&mut World, usize, usize);
    let refused: Ends =
        |world, _, bob| world.press(bob, CallAction::Decline(CallName::incoming(0), Status::BUSY_HERE));
    let cancelled: Ends = |world, alice, _| world.press(alice, CallAction::HangUp(CALL));
    let answered: Ends = |world, alice, bob| {
        world.press(bob, CallAction::Answer(CallName::incoming(0)));
        world.wait(alice, |event| matches!(event, CallEvent::Established(_)));
        world.press(alice, CallAction::HangUp(CALL));
    };
    for (ends, event, code) in [
        (refused, Event::Rejected, Some(Status::BUSY_HERE)),
        (cancelled, Event::Cancelled, None),
        (answered, Event::LocalBye, None),
    ] {
        let (mut world, [alice, other, bob]) = household();
        watch(&mut world, other, alice, Package::Dialog);
        sees(&mut world, other, &[]);
        world.press(alice, CallAction::Dial { call: CALL, to: world.uri(bob).into(), offer: true });
        world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
        ends(&mut world, alice, bob);
        let gone = sees(&mut world, other, &[State::Terminated]);
        assert_eq!(gone[0].event, Some(event));
        assert_eq!(gone[0].code.filter(|_| event == Event::Rejected), code);
        unwatch(&mut world, other);
        world.settle();
    }
}

#[test]
fn in_a_storm_the_last_word_is_right() {
    for seed in 0..20 {
        let (mut world, [alice, other, bob]) = household();
        world.lose = storm(seed, 25);
        watch(&mut world, other, alice, Package::Dialog);
        world.press(alice, CallAction::Dial { call: CALL, to: world.uri(bob).into(), offer: true });
        world.wait(bob, |event| matches!(event, CallEvent::Incoming { .. }));
        world.press(bob, CallAction::Answer(CallName::incoming(0)));
        sees(&mut world, other, &[State::Confirmed]);
        world.press(bob, CallAction::HangUp(CallName::incoming(0)));
        sees(&mut world, other, &[State::Terminated]);
        unwatch(&mut world, other);
        world.lose = Box::new(|_| false);
        world.settle();
    }
}

/// RFC 3261 §18.1.1 with RFC 4235 §3.5: no NOTIFY is larger than a datagram should be.
#[test]
fn many_calls_are_told_in_many_small_notifies() {
    let (mut world, [alice, other, bob]) = household();
    for call in 1..=9 {
        world.press(alice, CallAction::Dial { call: CallName(call), to: world.uri(bob).into(), offer: true });
    }
    world.pass(Duration::from_secs(1));
    let (before, quiet) = (world.log.len(), Duration::from_secs(5));
    watch(&mut world, other, alice, Package::Dialog);
    sees(&mut world, other, &[State::Early; 9]);
    let notifies: Vec<usize> = world.log[before..]
        .iter()
        .zip(&world.sizes[before..])
        .filter(|(said, _)| *said == "alice-other NOTIFY")
        .map(|(_, size)| *size)
        .collect();
    assert!(notifies.len() > 3, "{notifies:?}");
    assert!(notifies.iter().all(|size| *size <= 1300), "{notifies:?}");
    for call in 1..=9 {
        world.press(alice, CallAction::HangUp(CallName(call)));
    }
    world.pass(quiet);
    assert!(world.sizes.iter().all(|size| *size <= 1300), "{:?}", world.sizes);
    unwatch(&mut world, other);
    world.settle();
}

/// RFC 3856 §6.3.
#[test]
fn presence_says_whether_i_can_be_called_and_whether_i_am_on_the_phone() {
    let (mut world, [alice, other, bob]) = household();
    watch(&mut world, other, alice, Package::Presence);
    let present = |world: &mut World, open: bool, busy: bool| {
        world.wait(other, |event| {
            let Some(Watched::Presence(presence)) = states(event) else { return false };
            presence.is_open() == open && presence.tuples[0].notes.is_empty() != busy
        });
    };
    present(&mut world, true, false);
    world.talk(alice, bob);
    present(&mut world, true, true);
    world.press(alice, CallAction::RefuseCalls(Some(Status::BUSY_HERE)));
    present(&mut world, false, true);
    world.press(alice, CallAction::HangUp(CALL));
    present(&mut world, false, false);
    unwatch(&mut world, other);
    world.settle();
}

/// A telephone that a stranger watches, whom the test plays as `SIPp` would.
struct Stranger {
    world: World,
    alice: usize,
    peer: usize,
    cseq: u32,
    /// Alice's tag.
    tag: Option<String>,
    from: &'static str,
    call_id: String,
}

impl Stranger {
    fn new(account: Telephone) -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", account, 1);
        let peer = world.puppet("peer");
        Self {
            world,
            alice,
            peer,
            cseq: 0,
            tag: None,
            from: "sip:peer@elsewhere.example",
            call_id: "w1".into(),
        }
    }

    /// Sends a SUBSCRIBE with these lines.
    fn subscribe(&mut self, lines: &[(Name, &str)]) {
        self.cseq += 1;
        let address = self.world.address(self.peer);
        let tag = self.tag.as_ref().map_or(String::new(), |tag| format!(";tag={tag}"));
        let mut request = Builder::request("SUBSCRIBE", self.world.uri(self.alice))
            .line(
                Name::VIA,
                format_args!("SIP/2.0/UDP {address};branch=z9hG4bKs{}{}", self.call_id, self.cseq),
            )
            .line(Name::MAX_FORWARDS, 70)
            .line(Name::FROM, format_args!("<{}>;tag=w", self.from))
            .line(Name::TO, format_args!("<sip:alice@example.com>{tag}"))
            .line(Name::CALL_ID, &self.call_id)
            .line(Name::CSEQ, format_args!("{} SUBSCRIBE", self.cseq))
            .line(Name::CONTACT, format_args!("<{}>", self.world.uri(self.peer)));
        for (name, value) in lines {
            request = request.line(*name, value);
        }
        self.world.say(self.peer, self.alice, request.finish());
    }

    /// Sends one and waits for its answer.
    fn ask(&mut self, lines: &[(Name, &str)]) -> Bytes {
        self.subscribe(lines);
        let answer = self.next(|view| view.status().is_some() && view.method_text() == "SUBSCRIBE");
        let view = View::parse(&answer).unwrap();
        if view.status().is_some_and(Status::is_success) {
            self.tag = view.to_tag().map(str::to_owned);
        }
        answer
    }

    fn status(&mut self, lines: &[(Name, &str)]) -> Status {
        View::parse(&self.ask(lines)).unwrap().status().unwrap()
    }

    fn next(&mut self, wanted: impl Fn(&View<'_>) -> bool) -> Bytes {
        loop {
            let bytes = self.world.receive(self.peer);
            if View::parse(&bytes).is_ok_and(|view| wanted(&view)) {
                return bytes;
            }
        }
    }

    /// The next NOTIFY, answered with that status: Subscription-State and body.
    fn notified(&mut self, status: Status) -> (String, DialogInfo) {
        let bytes = self.next(|view| view.status().is_none());
        self.world.reply(self.peer, self.alice, &bytes, status, "w", &[], None);
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.method_text(), "NOTIFY");
        assert_eq!(view.value(Name::CONTENT_TYPE), Some(dialog_info::MEDIA_TYPE));
        let state = view.value(Name::SUBSCRIPTION_STATE).unwrap().to_owned();
        (state, DialogInfo::parse(view.body()).unwrap())
    }

    /// Somebody calls, and is answered.
    fn called(&mut self) {
        let address = self.world.address(self.peer);
        let invite = Builder::request("INVITE", self.world.uri(self.alice))
            .line(Name::VIA, format_args!("SIP/2.0/UDP {address};branch=z9hG4bKcall"))
            .line(Name::MAX_FORWARDS, 70)
            .line(Name::FROM, "<sip:caller@elsewhere.example>;tag=c")
            .line(Name::TO, "<sip:alice@example.com>")
            .line(Name::CALL_ID, "secret-call")
            .line(Name::CSEQ, "1 INVITE")
            .line(Name::CONTACT, "<sip:caller@192.0.2.77>")
            .body("application/sdp", sdp("sendrecv").as_bytes());
        self.world.say(self.peer, self.alice, invite);
        self.world.wait(self.alice, |event| matches!(event, CallEvent::Incoming { .. }));
    }
}

const DIALOG: (Name, &str) = (Name::EVENT, "dialog");

/// RFC 4235 §3.7.2: a single virtual dialog, without identifiers.
#[test]
fn a_stranger_sees_only_whether_there_is_a_call() {
    let mut scene = Stranger::new(account("alice"));
    let answer = scene.ask(&[DIALOG, (Name::EXPIRES, "600")]);
    let view = View::parse(&answer).unwrap();
    assert_eq!((view.status(), view.value(Name::EXPIRES)), (Some(Status::OK), Some("600")));
    let (state, info) = scene.notified(Status::OK);
    assert_eq!(state, "active;expires=600");
    assert_eq!((info.version, info.state, &*info.entity), (0, Completeness::Full, "sip:alice@example.com"));
    assert_eq!(info.dialogs, [Dialog::new("1", State::Terminated)]);
    scene.called();
    let (_, info) = scene.notified(Status::OK);
    assert_eq!((info.version, info.dialogs), (1, vec![Dialog::new("1", State::Confirmed)]));
    // That it is answered is nothing new.
    scene.world.press(scene.alice, CallAction::Decline(CallName::incoming(0), Status::DECLINE));
    let (_, info) = scene.notified(Status::OK);
    assert_eq!((info.version, info.dialogs), (2, vec![Dialog::new("1", State::Terminated)]));
    assert_eq!(scene.status(&[DIALOG, (Name::EXPIRES, "0")]), Status::OK);
    assert_eq!(scene.notified(Status::OK).0, "terminated;reason=timeout");
    assert_eq!(scene.status(&[DIALOG]), Status::CALL_DOES_NOT_EXIST, "it is over");
    scene.world.settle();
}

#[test]
fn a_stranger_may_not_watch_one_dialog_nor_presence() {
    let mut scene = Stranger::new(account("alice"));
    scene.called();
    let one = "dialog;call-id=secret-call;to-tag=x;from-tag=c";
    assert_eq!(scene.status(&[(Name::EVENT, one)]), Status::FORBIDDEN);
    assert_eq!(scene.status(&[(Name::EVENT, "presence")]), Status::FORBIDDEN);
    scene.world.press(scene.alice, CallAction::Decline(CallName::incoming(0), Status::DECLINE));
    scene.world.settle();
}

#[test]
fn a_telephone_may_tell_strangers_nothing() {
    let mut scene = Stranger::new(Telephone { strangers: Strangers::Refused, ..account("alice") });
    assert_eq!(scene.status(&[DIALOG]), Status::FORBIDDEN);
    scene.world.settle();
}

/// What From says proves nothing.
#[test]
fn whoever_claims_to_be_me_must_know_my_password() {
    let mut scene = Stranger::new(account("alice"));
    scene.from = "sip:alice@example.com";
    let answer = scene.ask(&[DIALOG]);
    let view = View::parse(&answer).unwrap();
    assert_eq!(view.status(), Some(Status::UNAUTHORIZED));
    assert!(view.value(Name::WWW_AUTHENTICATE).unwrap().contains("realm=\"example.com\""));
    let forged = "Digest username=\"alice\", realm=\"example.com\", nonce=\"n\", uri=\"sip:alice@192.0.2.1:5060\", \
                  response=\"00000000000000000000000000000000\", algorithm=MD5";
    assert_eq!(scene.status(&[DIALOG, (Name::AUTHORIZATION, forged)]), Status::UNAUTHORIZED);
    // An identity that nobody vouches for is none.
    let asserted = (Name::P_ASSERTED_IDENTITY, "<sip:alice@example.com>");
    assert_eq!(scene.status(&[DIALOG, asserted]), Status::UNAUTHORIZED);
    scene.world.settle();
    // Nor is another telephone with another password.
    let mut world = World::new();
    let alice = world.phone("alice", account("alice"), 1);
    let passwords = vec![("*".into(), Secret("guessed".into()))];
    let thief = world.phone("thief", Telephone { passwords, ..account("alice") }, 1);
    watch(&mut world, thief, alice, Package::Dialog);
    let ended = world.wait(thief, |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { .. })));
    let CallEvent::Watching(WatchEvent::Ended { status, .. }) = ended else { unreachable!("waited for it") };
    assert_eq!(status, Some(Status::UNAUTHORIZED));
    world.settle();
}

/// RFC 6665 §4.2.1.
#[test]
fn what_cannot_be_served_is_said() {
    let mut scene = Stranger::new(account("alice"));
    let answer = scene.ask(&[(Name::EVENT, "winfo")]);
    let view = View::parse(&answer).unwrap();
    assert_eq!(view.status(), Some(Status::BAD_EVENT));
    assert!(view.value(Name::ALLOW_EVENTS).unwrap().starts_with("dialog"));
    for (lines, status) in [
        (&[][..], Status::BAD_EVENT),
        (&[(Name::EVENT, "refer")], Status::FORBIDDEN),
        (&[(Name::EVENT, "message-summary")], Status::BAD_EVENT),
        (&[(Name::EVENT, "dialog;call-id=x")], Status::BAD_REQUEST),
        (&[DIALOG, (Name::EXPIRES, "59")], Status::INTERVAL_TOO_BRIEF),
        (&[DIALOG, (Name::EXPIRES, "soon")], Status::BAD_REQUEST),
        (&[DIALOG, (Name::ACCEPT, "application/pidf+xml, text/plain")], Status::NOT_ACCEPTABLE),
        (&[DIALOG, (Name::REQUIRE, "eventlist")], Status::BAD_EXTENSION),
    ] {
        assert_eq!(scene.status(lines), status, "{lines:?}");
    }
    scene.tag = Some("nobody".into());
    assert_eq!(scene.status(&[DIALOG]), Status::CALL_DOES_NOT_EXIST);
    scene.world.settle();
}

#[test]
fn what_is_not_refreshed_runs_out_and_what_is_not_taken_is_forgotten() {
    let mut scene = Stranger::new(account("alice"));
    assert_eq!(scene.status(&[DIALOG, (Name::EXPIRES, "60")]), Status::OK);
    scene.notified(Status::OK);
    scene.world.pass(Duration::from_secs(50));
    assert_eq!(scene.status(&[DIALOG, (Name::EXPIRES, "60")]), Status::OK);
    assert_eq!(scene.notified(Status::OK).0, "active;expires=60");
    scene.world.pass(Duration::from_secs(59));
    assert_eq!(scene.world.inbox(scene.peer).len(), 0);
    assert_eq!(scene.notified(Status::OK).0, "terminated;reason=timeout");
    scene.world.settle();
    // RFC 6665 §4.2.2: a 481, or nothing at all.
    for silent in [false, true] {
        let mut scene = Stranger::new(account("alice"));
        assert_eq!(scene.status(&[DIALOG]), Status::OK);
        if silent {
            scene.world.pass(Duration::from_secs(40));
            scene.world.inbox(scene.peer);
        } else {
            scene.notified(Status::CALL_DOES_NOT_EXIST);
            scene.world.pass(Duration::from_secs(1));
        }
        assert_eq!(scene.status(&[DIALOG]), Status::CALL_DOES_NOT_EXIST, "silent: {silent}");
        scene.world.settle();
    }
}

/// RFC 6665 §4.4.1 for those of RFC 3265: two in one dialog, told from each other by `id`.
#[test]
fn two_subscriptions_of_one_dialog_end_each_by_itself() {
    let mut scene = Stranger::new(account("alice"));
    let (first, second) = ((Name::EVENT, "dialog;id=1"), (Name::EVENT, "dialog;id=2"));
    assert_eq!(scene.status(&[first]), Status::OK);
    let tag = scene.tag.clone();
    scene.notified(Status::OK);
    assert_eq!(scene.status(&[second]), Status::OK);
    assert_eq!(scene.tag, tag);
    scene.notified(Status::OK);
    assert_eq!(scene.status(&[first, (Name::EXPIRES, "0")]), Status::OK);
    assert_eq!(scene.notified(Status::OK).0, "terminated;reason=timeout");
    assert_eq!(scene.status(&[second, (Name::EXPIRES, "600")]), Status::OK);
    assert_eq!(scene.notified(Status::OK).0, "active;expires=600");
    assert_eq!(scene.status(&[second, (Name::EXPIRES, "0")]), Status::OK);
    scene.notified(Status::OK);
    scene.world.settle();
}

#[test]
fn nobody_makes_us_remember_watchers_without_end() {
    let mut scene = Stranger::new(account("alice"));
    for n in 0..501 {
        scene.call_id = format!("w{n}");
        scene.tag = None;
        scene.subscribe(&[DIALOG, (Name::EXPIRES, "60")]);
        scene.world.pass(Duration::from_millis(20));
        for bytes in scene.world.inbox(scene.peer) {
            if View::parse(&bytes).is_ok_and(|view| view.is_request()) {
                scene.world.reply(scene.peer, scene.alice, &bytes, Status::OK, "w", &[], None);
            } else {
                let status = View::parse(&bytes).unwrap().status();
                let wanted = if n < 500 { Status::OK } else { Status::SERVICE_UNAVAILABLE };
                assert_eq!(status, Some(wanted), "{n}");
            }
        }
    }
    scene.world.pass(Duration::from_secs(61));
    for bytes in scene.world.inbox(scene.peer) {
        scene.world.reply(scene.peer, scene.alice, &bytes, Status::OK, "w", &[], None);
    }
    scene.world.settle();
}
