//! Handing over and taking over, against a peer that asks for what it may not have: every row of RFC 3891 §3, and
//! REFERs that make no sense (RFC 3515 §2.4.2, RFC 3261 §19.1.5).

use crate::pair::{World, account, sdp};
use bytes::Bytes;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::settings::Telephone;
use cordboard_sip::{Builder, Method, Name, Status, View};
use std::time::Duration;

pub(crate) const OURS: CallName = CallName(1);
pub(crate) const THEIRS: CallName = CallName::incoming(0);

/// A telephone that talks with a puppet, which called it.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) alice: usize,
    pub(crate) peer: usize,
    /// Alice's tag, and the call that it is of.
    pub(crate) tag: String,
    tag_of: &'static str,
    pub(crate) cseq: u32,
}

impl Scene {
    fn ringing() -> Self {
        Self::ringing_at(account("alice"))
    }

    pub(crate) fn ringing_at(account: Telephone) -> Self {
        let mut world = World::new();
        let alice = world.phone("alice", account, 1);
        let peer = world.puppet("peer");
        let mut scene = Self { world, alice, peer, tag: String::new(), tag_of: "call", cseq: 1 };
        let invite =
            scene.request("INVITE", "call", "p1").body("application/sdp", sdp("sendrecv").as_bytes());
        scene.world.say(peer, alice, invite);
        let ringing = scene.world.receive(peer);
        View::parse(&ringing).unwrap().to_tag().unwrap().clone_into(&mut scene.tag);
        scene
    }

    pub(crate) fn talking() -> Self {
        Self::talking_at(account("alice"))
    }

    /// The same with another kind of telephone.
    pub(crate) fn talking_at(account: Telephone) -> Self {
        let mut scene = Self::ringing_at(account);
        scene.world.press(scene.alice, CallAction::Answer(THEIRS));
        scene.world.pass(Duration::from_millis(30));
        scene.world.inbox(scene.peer);
        let ack = scene.request("ACK", "call", "p1").finish();
        scene.world.say(scene.peer, scene.alice, ack);
        scene.world.wait(scene.alice, |event| *event == CallEvent::Established(THEIRS));
        scene
    }

    /// A request of the puppet in the call that is named so; that of the scene is `call`.
    pub(crate) fn request(&self, method: &str, call_id: &str, from_tag: &str) -> Builder {
        let to = self.world.uri(self.alice);
        let known = call_id == self.tag_of && !self.tag.is_empty();
        let tag = if known { format!(";tag={}", self.tag) } else { String::new() };
        let branch = format!("{method}{call_id}{}", self.cseq);
        Builder::request(method, &to)
            .line(Name::VIA, format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{branch}"))
            .line(Name::FROM, format_args!("<sip:peer@example.com>;tag={from_tag}"))
            .line(Name::TO, format_args!("<{to}>{tag}"))
            .line(Name::CALL_ID, call_id)
            .line(Name::CSEQ, format_args!("{} {method}", self.cseq))
            .line(Name::CONTACT, "<sip:peer@192.0.2.2:5060>")
    }

    /// Sends, and tells the statuses that come back.
    pub(crate) fn say(&mut self, bytes: Bytes) -> Vec<u16> {
        self.world.say(self.peer, self.alice, bytes);
        self.world.pass(Duration::from_millis(30));
        let inbox = self.world.inbox(self.peer);
        inbox.iter().filter_map(|bytes| Some(View::parse(bytes).unwrap().status()?.code())).collect()
    }

    /// An INVITE that wants to take over with these `Replaces` lines.
    pub(crate) fn takes_over(&mut self, call_id: &str, lines: &[(Name, String)]) -> Vec<u16> {
        let invite = self.request("INVITE", call_id, "n1");
        let invite = lines.iter().fold(invite, |invite, (name, value)| invite.line(*name, value));
        let bytes = invite.body("application/sdp", sdp("sendrecv").as_bytes());
        self.say(bytes)
    }

    pub(crate) fn replaces(to_tag: &str, from_tag: &str, rest: &str) -> Vec<(Name, String)> {
        vec![(Name::REPLACES, format!("call;to-tag={to_tag};from-tag={from_tag}{rest}"))]
    }

    /// A REFER in the call.
    pub(crate) fn refer(&mut self, refer_to: &[&str]) -> Vec<u16> {
        self.cseq += 1;
        let refer = self.request("REFER", "call", "p1");
        let bytes = refer_to.iter().fold(refer, |refer, to| refer.line(Name::REFER_TO, to)).finish();
        self.say(bytes)
    }

    pub(crate) fn is_over(&mut self, name: CallName) -> bool {
        let over = |event: &CallEvent| matches!(event, CallEvent::Ended { call, .. } if *call == name);
        self.world.told(self.alice).iter().any(over)
    }
}

#[test]
fn what_matches_no_dialog_is_not_replaced() {
    let mut scene = Scene::talking();
    let tag = scene.tag.clone();
    for (at, (to, from)) in [("p1", &*tag), (&*tag, "p2"), ("x", "p1")].into_iter().enumerate() {
        let lines = Scene::replaces(to, from, "");
        assert_eq!(scene.takes_over(&format!("no{at}"), &lines), [481], "{to} {from}");
    }
    let other = vec![(Name::REPLACES, format!("other;to-tag={tag};from-tag=p1"))];
    assert_eq!(scene.takes_over("no9", &other), [481]);
    assert!(!scene.is_over(THEIRS), "a failure leaves the old call alone");
}

#[test]
fn a_request_that_names_more_than_one_dialog_is_malformed() {
    let mut scene = Scene::talking();
    let tag = scene.tag.clone();
    let one = Scene::replaces(&tag, "p1", "");
    let two = [one.clone(), one.clone()].concat();
    assert_eq!(scene.takes_over("two", &two), [400]);
    let joined = [one, vec![(Name::JOIN, format!("call;to-tag={tag};from-tag=p1"))]].concat();
    assert_eq!(scene.takes_over("join", &joined), [400]);
    assert_eq!(scene.takes_over("half", &[(Name::REPLACES, "call;to-tag=1".into())]), [400]);
    assert!(!scene.is_over(THEIRS));
}

/// RFC 3891 §3: only an INVITE takes over. It was obeyed as if Replaces were not there, a BYE too.
#[test]
fn replaces_in_another_request_than_invite_was_overlooked() {
    let mut scene = Scene::talking();
    let line = Scene::replaces(&scene.tag, "p1", "").remove(0).1;
    for method in ["OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER", "UPDATE", "BYE"] {
        scene.cseq += 1;
        let bytes = scene.request(method, "call", "p1").line(Name::REPLACES, &line).finish();
        assert_eq!(scene.say(bytes), [400], "{method}");
    }
    assert!(!scene.is_over(THEIRS));
}

#[test]
fn an_answered_call_is_replaced_unless_only_an_early_one_was_wanted() {
    let mut scene = Scene::talking();
    let tag = scene.tag.clone();
    let early = Scene::replaces(&tag, "p1", ";early-only");
    assert_eq!(scene.takes_over("early", &early), [486]);
    let lines = Scene::replaces(&tag, "p1", "");
    let invite = scene.request("INVITE", "new", "n1").line(Name::REPLACES, &lines[0].1);
    let bytes = invite.body("application/sdp", sdp("sendrecv").as_bytes());
    scene.world.say(scene.peer, scene.alice, bytes);
    let ok = scene.world.receive(scene.peer);
    let view = View::parse(&ok).unwrap();
    assert_eq!(view.status(), Some(Status::OK), "it does not ring");
    assert!(!scene.is_over(THEIRS), "not before the new call is up");
    (scene.tag, scene.tag_of) = (view.to_tag().unwrap().to_owned(), "new");
    let ack = scene.request("ACK", "new", "n1").finish();
    scene.world.say(scene.peer, scene.alice, ack);
    let bye = scene.world.receive(scene.peer);
    let view = View::parse(&bye).unwrap();
    assert_eq!((view.method(), view.call_id()), (Method::Bye, "call"));
    assert!(scene.is_over(THEIRS));
}

#[test]
fn a_call_that_rings_here_is_not_replaced() {
    let mut scene = Scene::ringing();
    let tag = scene.tag.clone();
    let lines = Scene::replaces(&tag, "p1", "");
    assert_eq!(scene.takes_over("new", &lines), [481]);
    assert!(!scene.is_over(THEIRS));
}

/// One that we began and that rings there is cancelled once the new one is up.
#[test]
fn a_call_of_ours_that_rings_is_replaced() {
    let mut scene = Scene::talking();
    let (peer, alice) = (scene.peer, scene.alice);
    let to = scene.world.uri(peer);
    scene.world.press(alice, CallAction::Dial { call: OURS, to: to.into(), offer: true });
    let invite = scene.world.receive(peer);
    let view = View::parse(&invite).unwrap();
    let replaces = format!("{};to-tag={};from-tag=t9", view.call_id(), view.from_tag().unwrap());
    let contact = format!("<{}>", scene.world.uri(peer));
    scene.world.reply(peer, alice, &invite, Status::RINGING, "t9", &[(Name::CONTACT, &contact)], None);
    scene.world.pass(Duration::from_millis(30));
    assert_eq!(scene.takes_over("new", &[(Name::REPLACES, replaces)]), [200]);
}

#[test]
fn a_refer_that_makes_no_sense_is_refused_and_changes_nothing() {
    let mut scene = Scene::talking();
    assert_eq!(scene.refer(&[]), [400]);
    assert_eq!(scene.refer(&["<sip:a@192.0.2.2>", "<sip:b@192.0.2.2>"]), [400]);
    assert_eq!(scene.refer(&["<sip:a@192.0.2.2;method=BYE>"]), [400]);
    assert_eq!(scene.refer(&["<http://example.com>"]), [416]);
    assert_eq!(scene.refer(&["<sip:a@192.0.2.2?Replaces=x>"]), [400]);
    assert!(!scene.world.told(scene.alice).iter().any(|event| matches!(event, CallEvent::Referred { .. })));
}

/// RFC 3261 §19.1.5: what could redirect or forge is not obeyed, and the INVITE tells who asked for it.
#[test]
fn headers_in_a_refer_to_are_not_obeyed() {
    for header in [
        "Route=%3Csip:evil%3E",
        "Via=SIP/2.0/UDP%20evil",
        "From=%3Csip:evil@x%3E",
        "Call-ID=evil",
        "body=evil",
        "P-Asserted-Identity=%3Csip:evil@x%3E",
        "Require=evil",
        "Contact=%3Csip:evil@x%3E",
    ] {
        let mut scene = Scene::talking();
        let to = scene.world.uri(scene.peer);
        scene.cseq += 1;
        let refer = scene
            .request("REFER", "call", "p1")
            .line(Name::REFER_TO, format_args!("<{to}?{header}>"))
            .line(Name::REFERRED_BY, "<sip:peer@example.com>")
            .finish();
        scene.world.say(scene.peer, scene.alice, refer);
        scene.world.pass(Duration::from_millis(30));
        let inbox = scene.world.inbox(scene.peer);
        let views = inbox.iter().map(|bytes| View::parse(bytes).unwrap());
        let invite = views.clone().find(|view| view.is_request() && view.method() == Method::Invite).unwrap();
        assert_eq!(invite.request_uri(), to);
        assert!(!String::from_utf8_lossy(invite.bytes()).contains("evil"), "{header}");
        assert_eq!(invite.value(Name::REFERRED_BY), Some("<sip:peer@example.com>"));
        let notify = views.clone().find(|view| view.is_request() && view.method() == Method::Notify).unwrap();
        assert_eq!(notify.value(Name::EVENT), Some("refer"));
        assert!(notify.body().starts_with(b"SIP/2.0 100 "));
    }
}

/// A peer that refuses our REFER, and one whose subscription ends without a word.
#[test]
fn a_transfer_ends_by_name_whatever_the_transferee_does() {
    let wanted = |outcome: Outcome| move |event: &CallEvent| matches!(event, CallEvent::Transferred { outcome: other, .. } if *other == outcome);
    let mut scene = Scene::talking();
    let (alice, peer) = (scene.alice, scene.peer);
    let transfer = CallAction::Transfer { call: THEIRS, to: "sip:carol@192.0.2.9".into() };
    scene.world.press(alice, transfer.clone());
    let refer = scene.world.receive(peer);
    scene.world.reply(peer, alice, &refer, Status::FORBIDDEN, "p1", &[], None);
    scene.world.wait(alice, wanted(Outcome::Refused));
    scene.world.press(alice, transfer.clone());
    let refer = scene.world.receive(peer);
    scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[(Name::REFER_SUB, "false")], None);
    scene.world.wait(alice, wanted(Outcome::NotReported));
    scene.world.press(alice, transfer);
    let refer = scene.world.receive(peer);
    let number = View::parse(&refer).unwrap().cseq().0;
    scene.world.reply(peer, alice, &refer, Status::ACCEPTED, "p1", &[], None);
    scene.cseq += 1;
    let notify = |scene: &Scene, id: u32| {
        scene
            .request("NOTIFY", "call", "p1")
            .line(Name::EVENT, format_args!("refer;id={id}"))
            .line(Name::SUBSCRIPTION_STATE, "terminated;reason=noresource")
            .body("message/sipfrag;version=2.0", b"SIP/2.0 404 Not Found\r\n")
    };
    let stray = notify(&scene, number + 7);
    assert_eq!(scene.say(stray), [481], "it names no REFER of ours");
    scene.cseq += 1;
    let report = notify(&scene, number);
    assert_eq!(scene.say(report), [200]);
    scene.world.wait(alice, wanted(Outcome::TargetNotFound));
    assert!(!scene.is_over(THEIRS), "a failed transfer leaves the parties with each other");
}
