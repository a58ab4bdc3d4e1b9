//! Watching: the subscriber of RFC 6665 against a notifier that the test plays.

use crate::pair::{World, account};
use bytes::Bytes;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_sip::body::dialog_info;
use cordboard_sip::header::SubReason;
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

const WATCH: WatchName = WatchName(7);

/// A telephone that watches a puppet.
struct Scene {
    world: World,
    alice: usize,
    peer: usize,
    cseq: u32,
}

/// One subscription as the puppet sees it: the SUBSCRIBE that began it.
struct Asked {
    subscribe: Bytes,
}

impl Asked {
    fn view(&self) -> View<'_> {
        View::parse(&self.subscribe).unwrap()
    }

    fn expires(&self) -> &str {
        self.view().value(Name::EXPIRES).unwrap()
    }
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", account("alice"), 1);
        let peer = world.puppet("peer");
        Self { world, alice, peer, cseq: 0 }
    }

    fn press(&mut self, action: WatchAction) {
        self.world.press(self.alice, CallAction::Watching(action));
    }

    fn watch(&mut self, package: Package, seconds: u64) -> Asked {
        let whom = Whom::Address(self.world.uri(self.peer).into());
        let expires = Duration::from_secs(seconds);
        self.press(WatchAction::Begin { watch: WATCH, whom, package, expires });
        self.subscribed()
    }

    /// The next SUBSCRIBE.
    fn subscribed(&mut self) -> Asked {
        loop {
            let subscribe = self.world.receive(self.peer);
            if View::parse(&subscribe)
                .is_ok_and(|view| view.method() == Method::Subscribe && view.is_request())
            {
                return Asked { subscribe };
            }
        }
    }

    fn answer(&mut self, asked: &Asked, status: Status, lines: &[(Name, &str)]) {
        let contact = format!("<{}>", self.world.uri(self.peer));
        let lines: Vec<_> = [(Name::CONTACT, &*contact)].iter().chain(lines).copied().collect();
        self.world.reply(self.peer, self.alice, &asked.subscribe, status, "p1", &lines, None);
    }

    /// A NOTIFY from the notifier with that tag; the status of its answer.
    fn notify(&mut self, asked: &Asked, tag: &str, state: &str, body: Option<(&str, &str)>) -> Status {
        let event = asked.view().value(Name::EVENT).unwrap().to_owned();
        self.notify_of(asked, tag, &[(Name::EVENT, &event), (Name::SUBSCRIPTION_STATE, state)], body)
    }

    fn notify_of(
        &mut self,
        asked: &Asked,
        tag: &str,
        lines: &[(Name, &str)],
        body: Option<(&str, &str)>,
    ) -> Status {
        self.cseq += 1;
        let view = asked.view();
        let contact = view.contact().unwrap().trim_matches(['<', '>']).to_owned();
        let from = view.value(Name::TO).unwrap().split(";tag=").next().unwrap().to_owned();
        let address = self.world.address(self.peer);
        let mut request = Builder::request("NOTIFY", &contact)
            .line(Name::VIA, format_args!("SIP/2.0/UDP {address};branch=z9hG4bKn{}", self.cseq))
            .line(Name::MAX_FORWARDS, 70)
            .line(Name::FROM, format_args!("{from};tag={tag}"))
            .line(Name::TO, view.value(Name::FROM).unwrap())
            .line(Name::CALL_ID, view.call_id())
            .line(Name::CSEQ, format_args!("{} NOTIFY", self.cseq))
            .line(Name::CONTACT, format_args!("<{}>", self.world.uri(self.peer)));
        for (name, value) in lines {
            request = request.line(*name, value);
        }
        let bytes = match body {
            Some((kind, body)) => request.body(kind, body.as_bytes()),
            None => request.finish(),
        };
        self.world.say(self.peer, self.alice, bytes);
        self.status_of("NOTIFY")
    }

    /// The status of the next response with that method.
    fn status_of(&mut self, method: &str) -> Status {
        loop {
            let bytes = self.world.receive(self.peer);
            let view = View::parse(&bytes).unwrap();
            if let Some(status) = view.status().filter(|_| view.method_text() == method) {
                return status;
            }
        }
    }

    /// What is told of watching.
    fn told(&mut self) -> Vec<WatchEvent> {
        let told = self.world.told(self.alice).into_iter();
        told.filter_map(|event| if let CallEvent::Watching(event) = event { Some(event) } else { None })
            .collect()
    }

    fn wait_end(&mut self) -> WatchEvent {
        let event = self
            .world
            .wait(self.alice, |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { .. })));
        let CallEvent::Watching(event) = event else { unreachable!("waited for it") };
        event
    }
}

fn dialogs(version: u32, state: &str, dialogs: &[(&str, &str)]) -> String {
    let row = |(id, state): &(&str, &str)| format!("<dialog id=\"{id}\"><state>{state}</state></dialog>");
    let rows: Vec<String> = dialogs.iter().map(row).collect();
    let rows = rows.concat();
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"{state}\" entity=\"sip:peer@example.com\">{rows}</dialog-info>"
    )
}

const DIALOG_INFO: &str = dialog_info::MEDIA_TYPE;

/// Ids and states of a state event.
fn rows(event: &WatchEvent) -> Vec<(String, &'static str)> {
    let WatchEvent::State { watch: WATCH, state } = event else { panic!("no state: {event:?}") };
    let Watched::Dialogs(dialogs) = &**state else { panic!("no dialogs: {state:?}") };
    dialogs.iter().map(|dialog| (dialog.id.clone(), dialog.state.as_str())).collect()
}

fn ended(status: Option<Status>, reason: Option<SubReason>, again: Option<u64>) -> WatchEvent {
    WatchEvent::Ended { watch: WATCH, status, reason, again: again.map(Duration::from_secs) }
}

/// RFC 6665 §4.4.3.
#[test]
fn a_fetch_brings_the_state_once() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Dialog, 0);
    let view = asked.view();
    assert_eq!((view.value(Name::EVENT), asked.expires()), (Some("dialog"), "0"));
    assert_eq!(view.value(Name::ACCEPT), Some(DIALOG_INFO));
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "0")]);
    let body = dialogs(0, "full", &[("a", "confirmed")]);
    assert_eq!(
        scene.notify(&asked, "p1", "terminated;reason=timeout", Some((DIALOG_INFO, &body))),
        Status::OK
    );
    let told = scene.told();
    assert_eq!(rows(&told[0]), [("a".to_owned(), "confirmed")]);
    assert_eq!(told[1..], [ended(None, Some(SubReason::Timeout), Some(0))]);
    // It is over: whatever still comes fits nothing.
    assert_eq!(scene.notify(&asked, "p1", "active;expires=60", None), Status::CALL_DOES_NOT_EXIST);
    scene.world.settle();
}

/// RFC 6665 §4.1.2.4.
#[test]
fn a_notify_that_overtakes_the_200_counts() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Dialog, 600);
    let body = dialogs(0, "full", &[("a", "early")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=300", Some((DIALOG_INFO, &body))), Status::OK);
    assert_eq!(rows(&scene.told()[0]), [("a".to_owned(), "early")]);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    // The word of the NOTIFY holds: two times Timer N before the end it is refreshed.
    scene.world.pass(Duration::from_secs(230));
    assert_eq!(scene.world.inbox(scene.peer).len(), 0);
    let refresh = scene.subscribed();
    assert_eq!(refresh.expires(), "600");
    assert_eq!(refresh.view().to_tag(), Some("p1"));
    assert_eq!(refresh.view().cseq().0, 2);
    scene.answer(&refresh, Status::OK, &[(Name::EXPIRES, "600")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=600", None), Status::OK);
    scene.press(WatchAction::End(WATCH));
    let last = scene.subscribed();
    assert_eq!((last.expires(), last.view().cseq().0), ("0", 3));
    scene.answer(&last, Status::OK, &[]);
    assert_eq!(scene.notify(&asked, "p1", "terminated;reason=timeout", None), Status::OK);
    assert_eq!(scene.told(), [ended(None, Some(SubReason::Timeout), Some(0))]);
    scene.world.settle();
}

/// RFC 6665 §4.1.2.4: Timer N.
#[test]
fn without_a_notify_there_is_no_subscription() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Presence, 600);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    scene.world.pass(Duration::from_secs(31));
    assert_eq!(scene.told(), []);
    scene.world.pass(Duration::from_secs(2));
    assert_eq!(scene.told(), [ended(None, None, None)]);
    assert_eq!(scene.notify(&asked, "p1", "active", None), Status::CALL_DOES_NOT_EXIST);
    scene.world.settle();
}

/// RFC 6665 §4.1.3: every reason.
#[test]
fn reasons_say_whether_to_come_back() {
    for (state, back) in [
        ("terminated;reason=deactivated", Some(0)),
        ("terminated;reason=probation;retry-after=40", Some(40)),
        ("terminated;reason=probation", Some(300)),
    ] {
        let mut scene = Scene::new();
        let asked = scene.watch(Package::Dialog, 600);
        scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
        assert_eq!(scene.notify(&asked, "p1", "active;expires=600", None), Status::OK);
        assert_eq!(scene.notify(&asked, "p1", state, None), Status::OK);
        let after = Duration::from_secs(back.unwrap());
        assert_eq!(scene.told(), [WatchEvent::Again { watch: WATCH, after }], "{state}");
        let since = scene.world.now;
        let again = scene.subscribed();
        assert_ne!(again.view().call_id(), asked.view().call_id());
        assert_eq!((again.view().to_tag(), again.expires()), (None, "600"));
        assert!(scene.world.now.since(since).abs_diff(after) < Duration::from_secs(1), "{state}");
        scene.answer(&again, Status::FORBIDDEN, &[]);
        assert_eq!(scene.wait_end(), ended(Some(Status::FORBIDDEN), None, None));
        scene.world.settle();
    }
    for (state, reason, again) in [
        ("terminated;reason=rejected", Some(SubReason::Rejected), None),
        ("terminated;reason=timeout", Some(SubReason::Timeout), Some(0)),
        ("terminated;reason=giveup;retry-after=9", Some(SubReason::Giveup), Some(9)),
        ("terminated;reason=noresource", Some(SubReason::NoResource), None),
        ("terminated;reason=invariant;retry-after=31536000", Some(SubReason::Invariant), None),
        ("terminated", None, Some(0)),
    ] {
        let mut scene = Scene::new();
        let asked = scene.watch(Package::Dialog, 600);
        scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
        assert_eq!(scene.notify(&asked, "p1", state, None), Status::OK);
        assert_eq!(scene.told(), [ended(None, reason, again)], "{state}");
        scene.world.settle();
    }
}

#[test]
fn whoever_always_says_deactivated_is_left_in_the_end() {
    let mut scene = Scene::new();
    let mut asked = scene.watch(Package::Dialog, 600);
    for _ in 0..5 {
        scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
        assert_eq!(scene.notify(&asked, "p1", "terminated;reason=deactivated", None), Status::OK);
        asked = scene.subscribed();
    }
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    assert_eq!(scene.notify(&asked, "p1", "terminated;reason=deactivated", None), Status::OK);
    assert_eq!(scene.wait_end(), ended(None, Some(SubReason::Deactivated), Some(0)));
    scene.world.settle();
}

#[test]
fn a_time_that_is_too_brief_is_lengthened_and_a_bad_event_is_the_end() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::MessageSummary, 60);
    scene.answer(&asked, Status::INTERVAL_TOO_BRIEF, &[(Name::MIN_EXPIRES, "3600")]);
    let longer = scene.subscribed();
    assert_eq!((longer.expires(), longer.view().cseq().0), ("3600", 2));
    assert_eq!(longer.view().call_id(), asked.view().call_id());
    scene.answer(&longer, Status::BAD_EVENT, &[(Name::ALLOW_EVENTS, "presence")]);
    assert_eq!(scene.wait_end(), ended(Some(Status::BAD_EVENT), None, None));
    scene.world.settle();
}

#[test]
fn a_challenge_is_answered() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Reg, 600);
    let challenge = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
    scene.answer(&asked, Status::UNAUTHORIZED, &[(Name::WWW_AUTHENTICATE, challenge)]);
    let again = scene.subscribed();
    assert!(again.view().value(Name::AUTHORIZATION).unwrap().contains("username=\"alice\""));
    assert_eq!(again.view().cseq().0, 2);
    scene.answer(&again, Status::OK, &[(Name::EXPIRES, "600")]);
    let body = "<?xml version=\"1.0\"?><reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" state=\"full\">\
                <registration aor=\"sip:alice@example.com\" id=\"r\" state=\"active\"/></reginfo>";
    let kind = "application/reginfo+xml";
    assert_eq!(scene.notify(&again, "p1", "pending;expires=600", None), Status::OK);
    assert_eq!(scene.notify(&again, "p1", "active;expires=600", Some((kind, body))), Status::OK);
    let told = scene.told();
    assert_eq!(told[0], WatchEvent::Pending(WATCH));
    let WatchEvent::State { state, .. } = &told[1] else { panic!("{told:?}") };
    assert!(matches!(&**state, Watched::Registrations(rows) if rows[0].aor == "sip:alice@example.com"));
    assert_eq!(scene.notify(&again, "p1", "terminated;reason=rejected", None), Status::OK);
    scene.wait_end();
    scene.world.settle();
}

/// RFC 4235 §4.3.
#[test]
fn a_gap_in_the_versions_is_filled_by_a_refresh() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Dialog, 600);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    let full = dialogs(4, "full", &[("a", "confirmed")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=600", Some((DIALOG_INFO, &full))), Status::OK);
    let change = dialogs(5, "partial", &[("b", "trying")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=590", Some((DIALOG_INFO, &change))), Status::OK);
    assert_eq!(rows(scene.told().last().unwrap()).len(), 2);
    let old = dialogs(3, "full", &[]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=590", Some((DIALOG_INFO, &old))), Status::OK);
    assert_eq!(scene.told(), [], "what is old is not told");
    let gap = dialogs(9, "partial", &[("b", "confirmed")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=580", Some((DIALOG_INFO, &gap))), Status::OK);
    let refresh = scene.subscribed();
    assert_eq!(refresh.expires(), "600");
    scene.answer(&refresh, Status::OK, &[(Name::EXPIRES, "600")]);
    let all = dialogs(10, "full", &[("b", "confirmed")]);
    assert_eq!(scene.notify(&asked, "p1", "terminated", Some((DIALOG_INFO, &all))), Status::OK);
    assert_eq!(rows(&scene.told()[1]), [("b".to_owned(), "confirmed")]);
    scene.world.settle();
}

/// RFC 4235 §3.10, RFC 6665 §4.1.4.
#[test]
fn two_telephones_of_one_user_are_watched_under_one_name() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Dialog, 600);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    for (tag, id) in [("p1", "a"), ("p2", "b")] {
        let body = dialogs(0, "full", &[(id, "confirmed")]);
        let kind = Some((DIALOG_INFO, &*body));
        assert_eq!(scene.notify(&asked, tag, "active;expires=600", kind), Status::OK, "{tag}");
    }
    assert_eq!(rows(scene.told().last().unwrap()).len(), 2);
    assert_eq!(scene.notify(&asked, "p1", "terminated;reason=noresource", None), Status::OK);
    assert_eq!(rows(scene.told().last().unwrap()), [("b".to_owned(), "confirmed")]);
    // Later than Timer N nobody comes in addition.
    scene.world.pass(Duration::from_secs(40));
    assert_eq!(scene.notify(&asked, "p3", "active;expires=600", None), Status::CALL_DOES_NOT_EXIST);
    assert_eq!(scene.notify(&asked, "p2", "terminated;reason=noresource", None), Status::OK);
    assert_eq!(scene.told(), [ended(None, Some(SubReason::NoResource), None)]);
    scene.world.settle();
}

/// RFC 3842 §3.9: the first notifier is the only one.
#[test]
fn a_mailbox_is_one_even_if_the_subscribe_forks() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::MessageSummary, 600);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    let kind = "application/simple-message-summary";
    let body = "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n";
    assert_eq!(scene.notify(&asked, "p1", "active;expires=600", Some((kind, body))), Status::OK);
    assert_eq!(
        scene.notify(&asked, "p2", "active;expires=600", Some((kind, body))),
        Status::CALL_DOES_NOT_EXIST
    );
    let told = scene.told();
    let [WatchEvent::State { state, .. }] = &told[..] else { panic!("{told:?}") };
    let Watched::Messages(summary) = &**state else { panic!("{state:?}") };
    assert!(summary.waiting && summary.count("voice-message").is_some_and(|count| count.new == 2));
    assert_eq!(scene.notify(&asked, "p1", "terminated;reason=noresource", None), Status::OK);
    scene.wait_end();
    scene.world.settle();
}

#[test]
fn what_a_notify_lacks_is_told() {
    let mut scene = Scene::new();
    let asked = scene.watch(Package::Dialog, 600);
    scene.answer(&asked, Status::OK, &[(Name::EXPIRES, "600")]);
    assert_eq!(scene.notify(&asked, "p1", "active;expires=600", None), Status::OK);
    let (event, state) = ((Name::EVENT, "dialog"), (Name::SUBSCRIPTION_STATE, "active"));
    let status = scene.notify_of(&asked, "p1", &[state], None);
    assert_eq!(status, Status::BAD_EVENT, "no Event");
    let status = scene.notify_of(&asked, "p1", &[(Name::EVENT, "winfo"), state], None);
    assert_eq!(status, Status::BAD_EVENT, "a package that we do not know");
    let status = scene.notify_of(&asked, "p1", &[(Name::EVENT, "presence"), state], None);
    assert_eq!(status, Status::CALL_DOES_NOT_EXIST, "a package that is not watched");
    assert_eq!(scene.notify_of(&asked, "p1", &[event], None), Status::BAD_REQUEST, "no state");
    let status = scene.notify_of(&asked, "p1", &[event, state], Some(("text/plain", "busy")));
    assert_eq!(status, Status::UNSUPPORTED_MEDIA_TYPE);
    let status = scene.notify_of(&asked, "p1", &[event, state], Some((DIALOG_INFO, "<x/>")));
    assert_eq!(status, Status::BAD_REQUEST);
    assert_eq!(scene.told(), [], "none of it counts");
    // An end is an end, whatever comes with it.
    let end = (Name::SUBSCRIPTION_STATE, "terminated;reason=noresource");
    assert_eq!(scene.notify_of(&asked, "p1", &[event, end], Some((DIALOG_INFO, "<x/>"))), Status::OK);
    assert_eq!(scene.wait_end(), ended(None, Some(SubReason::NoResource), None));
    scene.world.settle();
}

/// RFC 5057: usages of one dialog count its requests together and end each by itself.
#[test]
fn subscriptions_in_the_dialog_of_a_call_end_by_themselves() {
    let (mut world, alice, peer) = {
        let mut world = World::new();
        let alice = world.phone("alice", account("alice"), 1);
        let peer = world.puppet("peer");
        (world, alice, peer)
    };
    let to = world.uri(peer).into();
    let call = CallName(1);
    world.press(alice, CallAction::Dial { call, to, offer: true });
    let invite = world.receive(peer);
    let contact = format!("<{}>", world.uri(peer));
    let lines = [(Name::CONTACT, &*contact)];
    world.reply(peer, alice, &invite, Status::OK, "p1", &lines, Some(&crate::pair::sdp("sendrecv")));
    world.wait(alice, |event| matches!(event, CallEvent::Established(_)));
    let mut scene = Scene { world, alice, peer, cseq: 0 };
    let mut asked = Vec::new();
    for (watch, package) in [(WatchName(1), Package::Presence), (WATCH, Package::Dialog)] {
        let expires = Duration::from_mins(10);
        scene.press(WatchAction::Begin { watch, whom: Whom::Peer(call), package, expires });
        let subscribe = scene.subscribed();
        scene.answer(&subscribe, Status::OK, &[(Name::EXPIRES, "600")]);
        assert_eq!(scene.notify(&subscribe, "p1", "active;expires=600", None), Status::OK);
        asked.push(subscribe);
    }
    let invite = View::parse(&invite).unwrap();
    let numbers: Vec<_> = asked.iter().map(|asked| asked.view().cseq().0).collect();
    assert_eq!(numbers, [2, 3], "one dialog, one count");
    assert!(asked.iter().all(|asked| asked.view().call_id() == invite.call_id()));
    // The first ends: the call and the other go on.
    assert_eq!(scene.notify(&asked[0], "p1", "terminated;reason=noresource", None), Status::OK);
    scene.world.press(scene.alice, CallAction::HangUp(call));
    let bye = scene.world.receive(scene.peer);
    assert_eq!(View::parse(&bye).unwrap().method(), Method::Bye);
    scene.world.reply(scene.peer, scene.alice, &bye, Status::OK, "p1", &[], None);
    scene.world.wait(scene.alice, |event| matches!(event, CallEvent::Ended { .. }));
    // The call is over, and its dialog is not.
    let body = dialogs(0, "full", &[]);
    let notified = scene.notify(&asked[1], "p1", "active;expires=500", Some((DIALOG_INFO, &body)));
    assert_eq!(notified, Status::OK);
    scene.press(WatchAction::End(WATCH));
    let last = scene.subscribed();
    assert_eq!((last.expires(), last.view().cseq().0), ("0", 5));
    scene.answer(&last, Status::OK, &[]);
    assert_eq!(scene.notify(&asked[1], "p1", "terminated;reason=timeout", None), Status::OK);
    scene.wait_end();
    scene.world.settle();
}

#[test]
fn buttons_that_make_no_sense_are_said_to() {
    let mut scene = Scene::new();
    let expires = Duration::from_mins(10);
    for whom in [Whom::Address("nobody".into()), Whom::Peer(CallName(3))] {
        scene.press(WatchAction::Begin { watch: WATCH, whom, package: Package::Dialog, expires });
    }
    scene.press(WatchAction::End(WATCH));
    assert_eq!(scene.told(), vec![WatchEvent::Impossible(WATCH); 3]);
    scene.world.settle();
}
