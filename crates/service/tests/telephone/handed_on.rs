//! A REFER inside a bridge (RFC 5589 §6, §7; RFC 3725): whoever is behind it is handed over, by a REFER if their telephone
//! knows one, else by whoever stands between. Alice stands between Bob, who asks, and Carol, who is to have Dave.

use crate::bridged::{acknowledges, asks, bridged_with, of_target, says, told};
use crate::handing::{at, ended, next, over};
use crate::handover::{Scene, THEIRS};
use crate::pair::{World, account, storm};
use crate::puppet::response;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::Feature;
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// Alice's calls with bob and with carol.
const WITH_BOB: CallName = CallName(1);
const WITH_CAROL: CallName = CallName(2);

/// Whether carol's telephone knows REFER, so that it calls dave itself.
const BOTH: [bool; 2] = [true, false];

struct Bridge {
    world: World,
    bob: usize,
    carol: usize,
    dave: usize,
}

impl Bridge {
    fn new(knows: bool) -> Self {
        let mut world = World::new();
        let mut at_carol = account("carol");
        if !knows {
            at_carol.transfers.lacks = vec![Feature::Refer];
        }
        let [alice, bob] = ["alice", "bob"].map(|name| world.phone(name, account(name), 1));
        let carol = world.phone("carol", at_carol, 1);
        let dave = world.phone("dave", account("dave"), 1);
        world.talk(alice, bob);
        let to = world.uri(carol).into();
        world.press(alice, CallAction::Dial { call: WITH_CAROL, to, offer: true });
        world.wait(carol, |event| matches!(event, CallEvent::Incoming { .. }));
        world.press(carol, CallAction::Answer(THEIRS));
        world.wait(alice, |event| *event == CallEvent::Established(WITH_CAROL));
        world.press(alice, CallAction::Bridge { call: WITH_BOB, target: WITH_CAROL });
        assert_eq!(ended(&mut world, alice).2, Outcome::Completed);
        world.pass(Duration::from_secs(2));
        for phone in [alice, bob, carol] {
            world.told(phone);
        }
        Self { world, bob, carol, dave }
    }

    /// Bob wants carol to have dave, whose telephone rings.
    fn transfers(&mut self) {
        let to = self.world.uri(self.dave).into();
        self.world.press(self.bob, CallAction::Transfer { call: THEIRS, to });
        self.world.wait(self.dave, |event| matches!(event, CallEvent::Incoming { .. }));
    }

    fn sent(&self, what: &str) -> bool {
        self.world.log.iter().any(|said| said == what)
    }

    /// Carol and dave hold each other, and when she hangs up nobody is left.
    #[track_caller]
    fn ends_with_carol_and_dave(mut self, dave: CallName, knows: bool) {
        self.world.pass(Duration::from_mins(1));
        assert!(self.world.told(self.bob).iter().any(over(THEIRS)), "{:#?}", self.world.log);
        self.world.told(self.carol);
        self.world.press(self.dave, CallAction::Hold(dave));
        let held = self.world.wait(self.carol, |event| matches!(event, CallEvent::HeldByPeer(_, true)));
        let CallEvent::HeldByPeer(carols, true) = held else { unreachable!("it was waited for") };
        assert_eq!(carols == THEIRS, !knows, "a call of her own if she was asked for it");
        self.world.pass(Duration::from_mins(1));
        self.world.press(self.carol, CallAction::HangUp(carols));
        self.world.wait(self.dave, over(dave));
        self.world.settle();
    }

    /// Bob and carol hold each other, and when he hangs up nobody is left.
    #[track_caller]
    fn ends_with_bob_and_carol(mut self) {
        self.world.pass(Duration::from_mins(1));
        for phone in [self.bob, self.carol] {
            let told = self.world.told(phone);
            assert!(!told.iter().any(over(THEIRS)), "{told:?}");
        }
        for (holder, held) in [(self.carol, self.bob), (self.bob, self.carol)] {
            self.world.press(holder, CallAction::Hold(THEIRS));
            self.world.wait(held, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
            self.world.pass(Duration::from_secs(40));
            self.world.press(holder, CallAction::Resume(THEIRS));
            self.world.wait(held, |event| *event == CallEvent::HeldByPeer(THEIRS, false));
            self.world.pass(Duration::from_secs(40));
        }
        self.world.press(self.bob, CallAction::HangUp(THEIRS));
        self.world.wait(self.carol, over(THEIRS));
        self.world.settle();
    }
}

#[test]
fn who_is_behind_a_bridge_is_handed_over() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        bridge.transfers();
        bridge.world.press(bridge.dave, CallAction::Answer(THEIRS));
        let (_, _, outcome, says) = ended(&mut bridge.world, bridge.bob);
        assert_eq!((outcome, &*says), (Outcome::Completed, "the new call is up"));
        assert_eq!(
            ["alice-carol REFER", "carol-dave INVITE", "alice-dave INVITE"].map(|said| bridge.sent(said)),
            [knows, knows, !knows]
        );
        bridge.ends_with_carol_and_dave(THEIRS, knows);
    }
}

/// RFC 5589 §7: bob has consulted dave, in whose call carol takes his place.
#[test]
fn who_is_behind_a_bridge_takes_the_place_of_whoever_consulted() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        let to = bridge.world.uri(bridge.dave).into();
        let call = CallName(7);
        bridge.world.press(bridge.bob, CallAction::Hold(THEIRS));
        bridge.world.wait(bridge.carol, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
        bridge.world.press(bridge.bob, CallAction::Dial { call, to, offer: true });
        bridge.world.wait(bridge.dave, |event| matches!(event, CallEvent::Incoming { .. }));
        bridge.world.press(bridge.dave, CallAction::Answer(THEIRS));
        bridge.world.wait(bridge.bob, |event| *event == CallEvent::Established(call));
        bridge.world.press(bridge.bob, CallAction::TransferTo { call: THEIRS, target: call });
        let over_taken = bridge.world.wait(bridge.dave, |event| matches!(event, CallEvent::TakenOver { .. }));
        let CallEvent::TakenOver { call: new, .. } = over_taken else { unreachable!("it was waited for") };
        assert_eq!(ended(&mut bridge.world, bridge.bob).2, Outcome::Completed);
        assert_eq!(bridge.sent("alice-carol REFER"), knows);
        bridge.ends_with_carol_and_dave(new, knows);
    }
}

#[test]
fn a_target_that_will_not_leaves_the_two_with_each_other() {
    for knows in BOTH {
        for (status, wanted) in
            [(Status::BUSY_HERE, Outcome::TargetBusy), (Status::NOT_FOUND, Outcome::TargetNotFound)]
        {
            let mut bridge = Bridge::new(knows);
            bridge.transfers();
            bridge.world.press(bridge.dave, CallAction::Decline(THEIRS, status));
            assert_eq!(ended(&mut bridge.world, bridge.bob).2, wanted);
            bridge.ends_with_bob_and_carol();
        }
    }
}

#[test]
fn a_target_that_does_not_answer_leaves_the_two_with_each_other() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        bridge.transfers();
        assert_eq!(ended(&mut bridge.world, bridge.bob).2, Outcome::TargetNoAnswer);
        bridge.ends_with_bob_and_carol();
    }
}

/// What came of it has been reported already when bob goes on with the call; so he may try again.
#[test]
fn who_was_refused_tries_again() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        bridge.transfers();
        bridge.world.press(bridge.dave, CallAction::Decline(THEIRS, Status::BUSY_HERE));
        assert_eq!(ended(&mut bridge.world, bridge.bob).2, Outcome::TargetBusy);
        bridge.world.pass(Duration::from_secs(1));
        bridge.transfers();
        let second = CallName::incoming(1);
        bridge.world.press(bridge.dave, CallAction::Answer(second));
        assert_eq!(ended(&mut bridge.world, bridge.bob).2, Outcome::Completed);
        bridge.ends_with_carol_and_dave(second, knows);
    }
}

/// Whoever wanted it need not wait: the target answers, and has carol.
#[test]
fn who_asked_may_leave_before_the_target_answers() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        bridge.transfers();
        bridge.world.press(bridge.bob, CallAction::HangUp(THEIRS));
        bridge.world.pass(Duration::from_secs(3));
        let told = bridge.world.told(bridge.carol);
        assert!(!told.iter().any(over(THEIRS)), "she waits: {told:?}");
        bridge.world.press(bridge.bob, CallAction::AskOptions("sip:nobody@192.0.2.1".into()));
        bridge.world.press(bridge.dave, CallAction::Answer(THEIRS));
        bridge.world.wait(bridge.dave, |event| *event == CallEvent::Established(THEIRS));
        let Bridge { mut world, carol, dave, .. } = bridge;
        world.pass(Duration::from_mins(1));
        world.told(carol);
        world.press(dave, CallAction::Hold(THEIRS));
        let held = world.wait(carol, |event| matches!(event, CallEvent::HeldByPeer(_, true)));
        let CallEvent::HeldByPeer(carols, true) = held else { unreachable!("it was waited for") };
        world.pass(Duration::from_mins(1));
        world.press(carol, CallAction::HangUp(carols));
        world.wait(dave, over(THEIRS));
        world.settle();
    }
}

/// RFC 5359 §2.4: if the target will not, whoever has left has them back.
#[test]
fn who_left_too_early_is_called_back() {
    for knows in BOTH {
        for answers in [true, false] {
            let mut bridge = Bridge::new(knows);
            bridge.transfers();
            bridge.world.press(bridge.bob, CallAction::HangUp(THEIRS));
            bridge.world.pass(Duration::from_secs(3));
            bridge.world.press(bridge.dave, CallAction::Decline(THEIRS, Status::BUSY_HERE));
            bridge.world.wait(bridge.bob, |event| matches!(event, CallEvent::Incoming { .. }));
            let back = CallName::incoming(1);
            if !answers {
                bridge.world.press(bridge.bob, CallAction::Decline(back, Status::BUSY_HERE));
                bridge.world.wait(bridge.carol, over(THEIRS));
                bridge.world.settle();
                continue;
            }
            bridge.world.press(bridge.bob, CallAction::Answer(back));
            bridge.world.wait(bridge.bob, |event| *event == CallEvent::Established(back));
            bridge.world.pass(Duration::from_mins(1));
            bridge.world.press(bridge.bob, CallAction::Hold(back));
            bridge.world.wait(bridge.carol, |event| *event == CallEvent::HeldByPeer(THEIRS, true));
            bridge.world.pass(Duration::from_mins(1));
            bridge.world.press(bridge.carol, CallAction::HangUp(THEIRS));
            bridge.world.wait(bridge.bob, over(back));
            bridge.world.settle();
        }
    }
}

/// Whoever is handed over may not want to wait.
#[test]
fn who_is_handed_over_and_leaves_leaves_nobody_behind() {
    for knows in BOTH {
        let mut bridge = Bridge::new(knows);
        bridge.transfers();
        bridge.world.press(bridge.carol, CallAction::HangUp(THEIRS));
        bridge.world.wait(bridge.bob, over(THEIRS));
        bridge.world.wait(bridge.dave, over(THEIRS));
        bridge.world.settle();
    }
}

/// The target answers, and is gone before carol has heard of it.
#[test]
fn a_target_that_leaves_at_once_leaves_the_two_with_each_other() {
    let mut bridge = Bridge::new(false);
    bridge.transfers();
    bridge.world.press(bridge.dave, CallAction::Answer(THEIRS));
    bridge.world.wait(bridge.dave, |event| *event == CallEvent::Established(THEIRS));
    bridge.world.press(bridge.dave, CallAction::HangUp(THEIRS));
    let outcome = ended(&mut bridge.world, bridge.bob).2;
    assert_ne!(outcome, Outcome::Completed, "{:#?}", bridge.world.log);
    bridge.ends_with_bob_and_carol();
}

#[test]
fn who_is_behind_a_bridge_is_handed_over_in_a_storm() {
    for knows in BOTH {
        for seed in 0..20 {
            let mut bridge = Bridge::new(knows);
            bridge.world.lose = storm(seed, 30);
            bridge.transfers();
            bridge.world.press(bridge.dave, CallAction::Answer(THEIRS));
            let outcome = ended(&mut bridge.world, bridge.bob).2;
            assert_eq!(outcome, Outcome::Completed, "{seed}: {:#?}", bridge.world.log);
            bridge.world.pass(Duration::from_mins(2));
            bridge.ends_with_carol_and_dave(THEIRS, knows);
        }
    }
}

/// A REFER of the peer in its call; its status.
fn refers(scene: &mut Scene, to: &str) -> u16 {
    scene.cseq += 1;
    let refer = scene.request("REFER", "call", "p1").line(Name::REFER_TO, format_args!("<{to}>"));
    let bytes = refer.line(Name::REFERRED_BY, "<sip:peer@example.com>").finish();
    scene.world.say(scene.peer, scene.alice, bytes);
    for status in [202, 491, 482] {
        scene.world.pass(Duration::from_millis(30));
        let bytes = scene.world.inbox(scene.peer).into_iter().find(|bytes| {
            let view = View::parse(bytes).unwrap();
            view.status().is_some() && view.method() == Method::Refer
        });
        if let Some(bytes) = bytes {
            return View::parse(&bytes).unwrap().status().unwrap().code();
        }
        assert_ne!(status, 482, "it was not answered: {:#?}", scene.world.log);
    }
    unreachable!("one of them is the last")
}

/// The next report that the peer gets, which it answers.
fn told_next(scene: &mut Scene) -> String {
    let (peer, alice) = (scene.peer, scene.alice);
    let told = next(&mut scene.world, peer, Method::Notify);
    scene.world.reply(peer, alice, &told, Status::OK, "p1", &[], None);
    String::from_utf8(View::parse(&told).unwrap().body().to_vec()).unwrap()
}

/// The last one.
fn told_at_last(scene: &mut Scene) -> String {
    loop {
        let body = told_next(scene);
        if !body.starts_with("SIP/2.0 1") {
            return body;
        }
    }
}

/// RFC 3515 §2.4.4: how whoever is asked gets on is told to whoever asks, in its own subscription.
#[test]
fn reports_come_back_to_whoever_asked() {
    let (mut scene, target) = bridged_with(&[(Name::ALLOW, "INVITE, ACK, BYE, REFER, NOTIFY")]);
    let (peer, alice) = (scene.peer, scene.alice);
    let to = format!("{}?Subject=evil", scene.world.uri(peer).replace("peer", "dave"));
    assert_eq!(refers(&mut scene, &to), 202);
    let refer = next(&mut scene.world, target, Method::Refer);
    let view = View::parse(&refer).unwrap();
    assert_eq!(view.value(Name::REFERRED_BY), Some("<sip:peer@example.com>"));
    assert!(view.value(Name::REFER_TO).is_some_and(|to| to.contains("dave") && !to.contains("evil")));
    scene.world.reply(target, alice, &refer, Status::ACCEPTED, "t9", &[], None);
    assert!(told_next(&mut scene).starts_with("SIP/2.0 100 "));
    let said = [
        ("active;expires=60", "SIP/2.0 180 Ringing\r\n"),
        ("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\nWarning: 399 dave \"in a meeting\"\r\n"),
    ];
    for (cseq, (state, piece)) in (5..).zip(said) {
        let notify = of_target(&scene, &refer, "NOTIFY", cseq)
            .line(Name::EVENT, "refer")
            .line(Name::SUBSCRIPTION_STATE, state)
            .body("message/sipfrag", piece.as_bytes());
        scene.world.say(target, alice, notify);
        assert_eq!(told_next(&mut scene), piece);
    }
    // They have each other still.
    asks(&mut scene, Method::Invite, &says(7001, "sendonly", 2));
    assert_eq!(told(&next(&mut scene.world, target, Method::Invite)).1, "sendonly");
}

/// Whoever does not know how, though it seemed so, is connected by us; whoever decides is not gone round.
#[test]
fn a_refusal_that_only_says_that_nobody_knows_how_is_gone_round() {
    for (status, dials) in [(405, true), (501, true), (420, true), (403, false), (603, false)] {
        let (mut scene, target) = bridged_with(&[(Name::ALLOW, "INVITE, ACK, BYE, REFER")]);
        let alice = scene.alice;
        let dave = scene.world.puppet("dave");
        let to = scene.world.uri(dave);
        assert_eq!(refers(&mut scene, &to), 202);
        let refer = next(&mut scene.world, target, Method::Refer);
        assert_eq!(refers(&mut scene, &to), 491, "one at a time");
        scene.world.reply(target, alice, &refer, Status::new(status).unwrap(), "t9", &[], None);
        if dials {
            let invite = next(&mut scene.world, dave, Method::Invite);
            let view = View::parse(&invite).unwrap();
            assert_eq!(view.value(Name::REFERRED_BY), Some("<sip:peer@example.com>"));
        } else {
            let body = told_at_last(&mut scene);
            assert!(body.starts_with(&format!("SIP/2.0 {status} ")), "{body}");
            assert!(scene.world.inbox(dave).is_empty());
        }
    }
}

#[test]
fn whoever_is_behind_the_bridge_is_not_handed_over_to_themselves() {
    let (mut scene, _) = bridged_with(&[]);
    assert_eq!(refers(&mut scene, "sip:target@192.0.2.3:5060"), 482);
}

/// RFC 3261 §14.1: whoever refuses what it is offered has what it had. Carol has made an offer by then, which has to have an
/// answer, and the peer is told where she is now.
#[test]
fn a_target_that_cannot_have_them_leaves_all_as_it_was() {
    for moves in [false, true] {
        let (mut scene, target) = bridged_with(&[]);
        let (peer, alice) = (scene.peer, scene.alice);
        let dave = scene.world.puppet("dave");
        let to = scene.world.uri(dave);
        assert_eq!(refers(&mut scene, &to), 202);
        let invite = next(&mut scene.world, dave, Method::Invite);
        let contact = format!("<{to}>");
        let lines = [(Name::CONTACT, &*contact)];
        scene.world.reply(dave, alice, &invite, Status::OK, "d1", &lines, Some(&at(7009)));
        let asked = next(&mut scene.world, target, Method::Invite);
        assert!(View::parse(&asked).unwrap().body().is_empty());
        let port = if moves { 7004 } else { 7002 };
        let offer = says(port, "sendrecv", 2);
        scene.world.reply(target, alice, &asked, Status::OK, "t9", &[], Some(&offer));
        let passes = next(&mut scene.world, dave, Method::Invite);
        assert_eq!(told(&passes).0, port);
        scene.world.reply(dave, alice, &passes, Status::NOT_ACCEPTABLE_HERE, "d1", &[], None);
        // She has the peer's description as her answer.
        let ack = next(&mut scene.world, target, Method::Ack);
        assert_eq!(told(&ack).0, 7001);
        next(&mut scene.world, dave, Method::Bye);
        let mut got = Vec::new();
        for _ in 0..20 {
            scene.world.pass(Duration::from_millis(100));
            for bytes in scene.world.inbox(peer) {
                let view = View::parse(&bytes).unwrap();
                if !view.is_request() {
                    continue;
                }
                got.push(view.method());
                match view.method() {
                    Method::Invite => {
                        assert_eq!(told(&bytes).0, 7004);
                        let answer = says(7001, "sendrecv", 2);
                        scene.world.reply(peer, alice, &bytes, Status::OK, "p1", &[], Some(&answer));
                    }
                    Method::Notify => scene.world.reply(peer, alice, &bytes, Status::OK, "p1", &[], None),
                    _ => {}
                }
            }
        }
        assert!(got.contains(&Method::Notify) && !got.contains(&Method::Bye), "{got:?}");
        assert_eq!(got.contains(&Method::Invite), moves, "{got:?}");
        asks(&mut scene, Method::Invite, &says(7001, "sendonly", 3));
        assert_eq!(told(&next(&mut scene.world, target, Method::Invite)).1, "sendonly");
    }
}

/// Nobody waits for ever: neither for a target that is offered something and says nothing, nor for a report.
#[test]
fn who_says_nothing_is_not_waited_for() {
    let (mut scene, target) = bridged_with(&[]);
    let alice = scene.alice;
    let dave = scene.world.puppet("dave");
    let to = scene.world.uri(dave);
    assert_eq!(refers(&mut scene, &to), 202);
    let invite = next(&mut scene.world, dave, Method::Invite);
    let contact = format!("<{to}>");
    scene.world.reply(dave, alice, &invite, Status::OK, "d1", &[(Name::CONTACT, &contact)], Some(&at(7009)));
    let before: Instant = scene.world.now;
    let asked = next(&mut scene.world, target, Method::Invite);
    scene.world.reply(target, alice, &asked, Status::OK, "t9", &[], Some(&says(7002, "sendrecv", 2)));
    let passes = next(&mut scene.world, dave, Method::Invite);
    scene.world.reply(dave, alice, &passes, Status::TRYING, "", &[], None);
    let ack = next(&mut scene.world, target, Method::Ack);
    assert_eq!(told(&ack).0, 7001);
    assert!(scene.world.now.since(before) < Duration::from_secs(32), "before she gives up her 200");
    assert!(told_at_last(&mut scene).starts_with("SIP/2.0 480 "));
}

/// RFC 3261 §14: what bob changes just before is carried to its end first.
#[test]
fn a_change_that_is_under_way_is_finished_first() {
    let (mut scene, target) = bridged_with(&[]);
    let (peer, alice) = (scene.peer, scene.alice);
    let dave = scene.world.puppet("dave");
    let to = scene.world.uri(dave);
    assert_eq!(refers(&mut scene, &to), 202);
    let invite = next(&mut scene.world, dave, Method::Invite);
    asks(&mut scene, Method::Invite, &says(7001, "sendonly", 2));
    let passes = next(&mut scene.world, target, Method::Invite);
    let contact = format!("<{to}>");
    scene.world.reply(dave, alice, &invite, Status::OK, "d1", &[(Name::CONTACT, &contact)], Some(&at(7009)));
    next(&mut scene.world, dave, Method::Ack);
    scene.world.reply(target, alice, &passes, Status::TRYING, "", &[], None);
    scene.world.pass(Duration::from_secs(1));
    scene.world.inbox(target);
    scene.world.reply(target, alice, &passes, Status::OK, "t9", &[], Some(&says(7002, "recvonly", 2)));
    response(&mut scene.world, peer, 200, Method::Invite);
    acknowledges(&mut scene, "");
    let asked = next(&mut scene.world, target, Method::Invite);
    assert!(View::parse(&asked).unwrap().body().is_empty(), "now she is asked for an offer to dave");
}
