//! The switchboard tells of its users' calls, registrations and messages: RFC 6665 §4.2, RFC 4235, RFC 3680, RFC 3842.

use crate::people::{ALICE, BOB, CAROL, Call, DAVE, Person, Request, office, people_in_groups};
use crate::stage::{Sent, Stage, flow, reply_tagged, secs, udp};
use cordboard_core::transport::Transport;
use cordboard_service::Agent;
use cordboard_service::door::{Command, ShardId};
use cordboard_service::settings::Watching;
use cordboard_sip::body::dialog_info::{Dialog, DialogInfo, Direction, State};
use cordboard_sip::body::reginfo::{self, ContactState, Event};
use cordboard_sip::body::{Completeness, Reginfo};
use std::sync::Arc;

/// A subscription, by whoever has it.
struct Watch {
    who: Person,
    whom: Person,
    event: &'static str,
    id: String,
    /// The tag that the switchboard gave it.
    tag: String,
}

impl Watch {
    fn asks(who: Person, whom: Person, event: &'static str, expires: u32) -> Request<'static> {
        let request = Request::new(who, "SUBSCRIBE", whom, "");
        request.with(&format!("Event: {event}")).with(&format!("Expires: {expires}"))
    }

    /// Somebody begins to watch; what they are told first.
    #[track_caller]
    fn begins(stage: &mut Stage, who: Person, whom: Person, event: &'static str) -> (Self, Sent) {
        Self::lasts(stage, who, whom, event, 3_600)
    }

    #[track_caller]
    fn lasts(
        stage: &mut Stage,
        who: Person,
        whom: Person,
        event: &'static str,
        expires: u32,
    ) -> (Self, Sent) {
        let id = format!("w{}", stage.requests);
        let request = Request { call_id: &id, ..Self::asks(who, whom, event, expires) };
        let sent = request.send(stage);
        let [accepted, notify] = &sent[..] else { panic!("a 200 and a NOTIFY: {sent:#?}") };
        assert_eq!(
            (accepted.status(), accepted.one("Expires")),
            (200, &*expires.to_string()),
            "{accepted:?}"
        );
        let tag = accepted.one("To").split(";tag=").nth(1).expect("a tag").to_owned();
        let watch = Self { who, whom, event, id, tag };
        watch.answer(stage, notify, 200);
        (watch, notify.clone())
    }

    #[track_caller]
    fn answer(&self, stage: &mut Stage, notify: &Sent, status: u16) {
        assert!(notify.is("NOTIFY") && notify.flow == udp(self.who.host), "{notify:?}");
        assert_eq!(notify.request_uri(), self.who.contact());
        assert_eq!(notify.one("Event"), self.event);
        stage.pass(notify.flow, &reply_tagged(notify, status, "x", ""));
    }

    /// A SUBSCRIBE inside it.
    fn says(&self, stage: &mut Stage, event: &str, expires: u32) -> Vec<Sent> {
        let mut request = Request { call_id: &self.id, ..Request::new(self.who, "SUBSCRIBE", self.whom, "") };
        request.uri = format!("sip:{}@192.0.2.1:5060", self.whom.name);
        request.to = format!("<{}>;tag={}", self.whom.address(), self.tag);
        request.with(&format!("Event: {event}")).with(&format!("Expires: {expires}")).send(stage)
    }

    /// Of what was sent, the one NOTIFY that goes to whoever watches.
    #[track_caller]
    fn told(&self, stage: &mut Stage, sent: &[Sent]) -> Sent {
        let is_mine = |sent: &&Sent| sent.is("NOTIFY") && sent.one("Call-ID") == self.id;
        let mut told: Vec<&Sent> = sent.iter().filter(is_mine).collect();
        // It may be repeated while time passes.
        told.dedup_by_key(|sent| &sent.text);
        assert_eq!(told.len(), 1, "{}: {sent:#?}", self.who.name);
        self.answer(stage, told[0], 200);
        told[0].clone()
    }

    fn is_told_nothing(&self, sent: &[Sent]) -> bool {
        !sent.iter().any(|sent| sent.one("Call-ID") == self.id)
    }
}

fn body(sent: &Sent) -> &str {
    sent.text.split_once("\r\n\r\n").expect("a body").1
}

#[track_caller]
fn dialogs(sent: &Sent) -> DialogInfo {
    DialogInfo::parse(body(sent).as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", sent.text))
}

#[track_caller]
fn only(sent: &Sent) -> Dialog {
    let info = dialogs(sent);
    assert_eq!(info.dialogs.len(), 1, "{info:?}");
    info.dialogs[0].clone()
}

#[track_caller]
fn contacts(sent: &Sent) -> (reginfo::State, Vec<(String, ContactState, Event)>) {
    let info = Reginfo::parse(body(sent).as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", sent.text));
    let registration = &info.registrations[0];
    assert_eq!(registration.aor, BOB.address());
    let rows = registration.contacts.iter().map(|row| (row.uri.clone(), row.state, row.event));
    (registration.state, rows.collect())
}

/// RFC 4235 §3.6, §3.7.2.
#[test]
fn an_outsider_sees_one_virtual_dialog_and_an_insider_all_of_them() {
    let mut stage = office(|_| {});
    let strangers = [DAVE, CAROL].map(|who| Watch::begins(&mut stage, who, BOB, "dialog"));
    let friends = [ALICE, BOB].map(|who| Watch::begins(&mut stage, who, BOB, "dialog"));
    for (_, first) in &strangers {
        assert_eq!(only(first), Dialog::new("1", State::Terminated));
    }
    for (_, first) in &friends {
        assert_eq!((dialogs(first).dialogs.len(), dialogs(first).entity), (0, "sip:bob@example.test".into()));
    }
    let (strangers, friends) = (strangers.map(|(watch, _)| watch), friends.map(|(watch, _)| watch));

    let (call, invite, sent) = Call::rings_out(&mut stage, CAROL, BOB, "c1");
    for watch in &strangers {
        assert_eq!(
            only(&watch.told(&mut stage, &sent)),
            Dialog::new("1", State::Confirmed),
            "as if it talked"
        );
    }
    let mut id = String::new();
    for watch in &friends {
        let told = watch.told(&mut stage, &sent);
        assert_eq!(dialogs(&told).state, Completeness::Partial);
        let row = only(&told);
        assert_eq!((row.state, row.direction), (State::Early, Some(Direction::Recipient)));
        let named = [row.call_id.as_deref(), row.local_tag.as_deref(), row.remote_tag.as_deref()];
        assert_eq!(named, [Some("c1"), Some("bob-c1"), Some("from")]);
        assert_eq!(row.remote.identities[0].uri, CAROL.address());
        id = row.id;
    }
    // The second change comes soon after the first, and is told a second after it (§3.10).
    let sent = stage.pass(invite.flow, &reply_tagged(&invite, 200, "bob-c1", ""));
    assert_eq!(sent.iter().map(Sent::status).collect::<Vec<_>>(), [200]);
    let sent = stage.wait(secs(1));
    assert!(strangers.iter().all(|watch| watch.is_told_nothing(&sent)), "nothing has changed for them");
    for watch in &friends {
        let row = only(&watch.told(&mut stage, &sent));
        assert_eq!((row.state, &row.id), (State::Confirmed, &id));
    }
    stage.wait(secs(5));
    let (_, _, sent) = Call::rings_out(&mut stage, DAVE, BOB, "c2");
    for watch in &friends {
        assert_ne!(only(&watch.told(&mut stage, &sent)).id, id);
    }
    stage.wait(secs(5));
    let sent = call.inside(BOB, &call.tags(), "BYE").send(&mut stage);
    assert!(strangers.iter().all(|watch| watch.is_told_nothing(&sent)), "there is another call");
    for watch in &friends {
        let row = only(&watch.told(&mut stage, &sent));
        assert_eq!((row.state, &row.id), (State::Terminated, &id));
    }
}

#[test]
fn what_began_before_is_named_at_once() {
    let mut stage = office(|_| {});
    let call = Call::begins(&mut stage, BOB, CAROL, "c1");
    let (watch, first) = Watch::begins(&mut stage, ALICE, BOB, "dialog");
    let row = only(&first);
    assert_eq!((row.state, row.direction), (State::Confirmed, Some(Direction::Initiator)));
    assert_eq!(row.call_id.as_deref(), Some("c1"));
    assert_eq!((row.local_tag.as_deref(), row.remote_tag.as_deref()), (Some("from"), Some("carol-c1")));
    assert_eq!(row.remote.identities[0].uri, CAROL.address());
    stage.wait(secs(2));
    let sent = call.inside(CAROL, &call.tags(), "INFO").send(&mut stage);
    assert!(watch.is_told_nothing(&sent));
    // One dialog alone can be watched, by its identifiers, and only by who may know them.
    let alone = "dialog;call-id=c1;to-tag=from;from-tag=carol-c1";
    let sent = Request { call_id: "alone", ..Watch::asks(ALICE, BOB, alone, 60) }.send(&mut stage);
    assert_eq!(only(&sent[1]).id, row.id);
    let request = Request { call_id: "x", ..Watch::asks(DAVE, BOB, alone, 60) };
    assert_eq!(request.leads_to(&mut stage).status(), 403);
}

#[test]
fn it_is_refreshed_ended_and_runs_out() {
    let mut stage = office(|_| {});
    let (watch, first) = Watch::lasts(&mut stage, DAVE, BOB, "dialog", 60);
    assert_eq!(first.one("Subscription-State"), "active;expires=60");
    stage.wait(secs(40));
    let sent = watch.says(&mut stage, "dialog", 120);
    assert_eq!((sent[0].status(), sent[0].one("Expires")), (200, "120"));
    let told = watch.told(&mut stage, &sent);
    assert_eq!(told.one("Subscription-State"), "active;expires=120");
    assert_eq!(dialogs(&told).version, 1);
    // Who does not know its tags is not in it, and it is about nothing else.
    let other = Watch { tag: "guessed".into(), id: watch.id.clone(), ..watch };
    assert_eq!(other.says(&mut stage, "dialog", 120)[0].status(), 481);
    assert_eq!(watch.says(&mut stage, "reg", 120)[0].status(), 481);
    let refused = watch.says(&mut stage, "rubbish", 120);
    assert_eq!((refused[0].status(), refused[0].one("Allow-Events")), (489, "dialog, message-summary, reg"));
    // RFC 6665 §4.4.1: the last NOTIFY, and then there is nothing any more.
    let sent = watch.says(&mut stage, "dialog", 0);
    let told = watch.told(&mut stage, &sent);
    assert_eq!(told.one("Subscription-State"), "terminated;reason=timeout");
    assert_eq!(watch.says(&mut stage, "dialog", 120)[0].status(), 481);

    let (watch, _) = Watch::lasts(&mut stage, DAVE, BOB, "dialog", 60);
    let sent = stage.wait(secs(60));
    assert_eq!(watch.told(&mut stage, &sent).one("Subscription-State"), "terminated;reason=timeout");
    stage.assert_ends_idle();
}

#[test]
fn a_fetch_brings_the_state_once_and_leaves_nothing() {
    let mut stage = office(|_| {});
    Call::begins(&mut stage, CAROL, BOB, "c1");
    for (who, package) in [(DAVE, "dialog"), (ALICE, "dialog"), (ALICE, "reg"), (BOB, "message-summary")] {
        let (watch, told) = Watch::lasts(&mut stage, who, BOB, package, 0);
        assert_eq!(told.one("Subscription-State"), "terminated;reason=timeout");
        assert_eq!(watch.says(&mut stage, package, 60)[0].status(), 481);
    }
    let request = Request { call_id: "brief", ..Watch::asks(ALICE, BOB, "dialog", 30) };
    let refused = request.leads_to(&mut stage);
    assert_eq!((refused.status(), refused.one("Min-Expires")), (423, "60"));
    stage.assert_ends_idle();
}

#[test]
fn who_may_know_what() {
    let mut stage = office(|_| {});
    for (package, who, status) in [
        ("reg", ALICE, 200),
        ("reg", BOB, 200),
        ("reg", CAROL, 403),
        ("reg", DAVE, 403),
        ("message-summary", BOB, 200),
        ("message-summary", ALICE, 403),
        ("message-summary", DAVE, 403),
    ] {
        let id = format!("{package}-{}", who.name);
        let sent = Request { call_id: &id, ..Watch::asks(who, BOB, package, 60) }.send(&mut stage);
        assert_eq!(sent[0].status(), status, "{package} {}", who.name);
        if package == "message-summary" && status == 200 {
            assert_eq!(body(&sent[1]).trim_end(), "Messages-Waiting: no");
        }
    }
    // Other packages are the phones' business, and so is everything where it is set so.
    let presence = Request { call_id: "p", ..Watch::asks(DAVE, BOB, "presence", 60) }.leads_to(&mut stage);
    assert!(presence.is("SUBSCRIBE") && presence.flow == udp(BOB.host));
    let mut stage = office(|settings| settings.watching = Watching::ByPhones);
    let dialog = Request { call_id: "d", ..Watch::asks(DAVE, BOB, "dialog", 60) }.leads_to(&mut stage);
    assert!(dialog.is("SUBSCRIBE") && dialog.flow == udp(BOB.host));
    // Nobody is watched who is not there.
    let nobody = Person { name: "nobody", ..BOB };
    let request = Request { call_id: "n", ..Watch::asks(DAVE, nobody, "dialog", 60) };
    assert_eq!(request.leads_to(&mut office(|_| {})).status(), 404);
}

#[test]
fn who_leaves_the_group_sees_no_more_than_strangers_do() {
    let mut stage = office(|_| {});
    Call::begins(&mut stage, CAROL, BOB, "c1");
    let (calls, first) = Watch::begins(&mut stage, ALICE, BOB, "dialog");
    let (contacts, _) = Watch::begins(&mut stage, ALICE, BOB, "reg");
    assert_ne!(only(&first).id, "1");
    stage.wait(secs(10));
    stage.command(&Command::UseDirectory(Arc::new(crate::stage::directory())));
    let sent = stage.drain();
    assert_eq!(only(&calls.told(&mut stage, &sent)), Dialog::new("1", State::Confirmed));
    let told = contacts.told(&mut stage, &sent);
    assert_eq!(told.one("Subscription-State"), "terminated;reason=rejected");
}

/// RFC 3680.
#[test]
fn contacts_that_come_and_go_are_told() {
    let mut stage = office(|_| {});
    let (watch, first) = Watch::begins(&mut stage, ALICE, BOB, "reg");
    assert_eq!(contacts(&first), (reginfo::State::Init, Vec::new()));
    stage.wait(secs(6));
    let registers = |stage: &mut Stage, expires: u32| {
        let request = Request::new(BOB, "REGISTER", BOB, "r");
        let request = Request { uri: "sip:example.test".into(), ..request };
        request.with(&format!("Expires: {expires}")).send(stage)
    };
    let sent = registers(&mut stage, 60);
    let row = |state, event| vec![(BOB.contact(), state, event)];
    let (state, rows) = contacts(&watch.told(&mut stage, &sent));
    assert_eq!((state, rows), (reginfo::State::Active, row(ContactState::Active, Event::Registered)));
    stage.wait(secs(30));
    let sent = registers(&mut stage, 60);
    assert!(watch.is_told_nothing(&sent), "a refresh is no news");
    let sent = stage.wait(secs(61));
    let (state, rows) = contacts(&watch.told(&mut stage, &sent));
    assert_eq!((state, rows), (reginfo::State::Terminated, row(ContactState::Terminated, Event::Expired)));
    stage.wait(secs(6));
    let sent = registers(&mut stage, 60);
    watch.told(&mut stage, &sent);
    // No more than one NOTIFY in five seconds (§4.10).
    let sent = registers(&mut stage, 0);
    assert!(watch.is_told_nothing(&sent));
    let sent = stage.wait(secs(5));
    let (state, rows) = contacts(&watch.told(&mut stage, &sent));
    assert_eq!(
        (state, rows),
        (reginfo::State::Terminated, row(ContactState::Terminated, Event::Unregistered))
    );
}

#[test]
fn who_does_not_take_a_notify_is_forgotten() {
    for status in [Some(481), Some(500), None] {
        let mut stage = office(|_| {});
        let (watch, _) = Watch::begins(&mut stage, DAVE, BOB, "dialog");
        stage.wait(secs(2));
        let (_, _, sent) = Call::rings_out(&mut stage, CAROL, BOB, "c1");
        let notify = sent.iter().find(|sent| sent.is("NOTIFY")).expect("a NOTIFY").clone();
        if let Some(status) = status {
            watch.answer(&mut stage, &notify, status);
        } else {
            let sent = stage.wait(secs(40));
            assert!(sent.iter().any(|sent| sent.text == notify.text), "it is repeated");
        }
        let goes_on = watch.says(&mut stage, "dialog", 60)[0].status() == 200;
        assert_eq!(goes_on, status == Some(500), "{status:?}");
    }
}

/// Whose Contact leads nowhere is told over the connection that it came by (RFC 5626 §5.3, RFC 7118 §5).
#[test]
fn a_browser_is_told_over_its_connection() {
    let mut stage = office(|settings| settings.auth.calls = false);
    let browser = flow(Transport::Tcp, 66);
    let text = "SUBSCRIBE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/TCP a.invalid;branch=z9hG4bK1\r\n\
                From: <sip:x@elsewhere.test>;tag=a\r\nTo: <sip:bob@example.test>\r\nCall-ID: b\r\nMax-Forwards: 70\r\n\
                CSeq: 1 SUBSCRIBE\r\nContact: <sip:x@a.invalid;transport=ws>\r\nEvent: dialog\r\nExpires: 60\r\n\
                Content-Length: 0\r\n\r\n";
    let sent = stage.pass(browser, text);
    assert!(sent.iter().all(|sent| sent.flow == browser), "{sent:#?}");
    assert!(sent[1].is("NOTIFY") && sent[1].request_uri() == "sip:x@a.invalid;transport=ws");
    assert!(sent[1].one("Contact").contains("sip:bob@192.0.2.1:5060;transport=tcp"), "{}", sent[1].text);
    assert!(stage.asked.is_empty());
}

#[test]
fn strangers_do_not_take_all_the_room() {
    let mut stage = office(|_| {});
    let mut served = 0;
    for n in 0..1_100 {
        let id = format!("s{n}");
        let sent = Request { call_id: &id, ..Watch::asks(DAVE, BOB, "dialog", 3_600) }.send(&mut stage);
        served += u32::from(sent[0].status() == 200);
        if sent[0].status() == 503 {
            assert_eq!(sent[0].one("Retry-After"), "60");
        }
        for notify in sent.iter().filter(|sent| sent.is("NOTIFY")) {
            stage.pass(notify.flow, &reply_tagged(notify, 200, "x", ""));
        }
    }
    assert_eq!(served, 1_000);
    Watch::begins(&mut stage, ALICE, BOB, "dialog");
}

/// The calls are at home in other shards than the subscription.
#[test]
fn shards_tell_each_other_of_calls_and_registrations() {
    const SHARDS: u8 = 3;
    let mut stage = office(|_| {});
    let settings = stage.settings.clone();
    let shard = |n| Agent::new(ShardId(n), Arc::clone(&settings), [1; 32]).among(SHARDS);
    stage.agents = (1..SHARDS).map(shard).collect();
    stage.agent = shard(0);
    stage.command(&Command::UseDirectory(Arc::new(people_in_groups())));
    Call::begins(&mut stage, CAROL, BOB, "before1");
    Call::begins(&mut stage, CAROL, BOB, "before2");
    let (calls, first) = Watch::begins(&mut stage, ALICE, BOB, "dialog");
    assert_eq!(dialogs(&first).dialogs.len(), 2);
    let (registrations, _) = Watch::begins(&mut stage, ALICE, BOB, "reg");
    for id in ["c1", "c2", "c3", "c4", "c5", "c6"] {
        stage.wait(secs(2));
        let (_, _, sent) = Call::rings_out(&mut stage, CAROL, BOB, id);
        assert_eq!(only(&calls.told(&mut stage, &sent)).call_id.as_deref(), Some(id));
    }
    for id in ["r1", "r2", "r3", "r4"] {
        stage.wait(secs(6));
        let request = Request { uri: "sip:example.test".into(), ..Request::new(BOB, "REGISTER", BOB, id) };
        let contact = format!("Contact: <sip:{id}@192.0.2.20>\r\n");
        let request = Request { more: contact, ..request };
        let sent = request.send(&mut stage);
        let rows = contacts(&registrations.told(&mut stage, &sent)).1;
        assert!(rows.iter().any(|(uri, ..)| uri.contains(id)), "{rows:?}");
    }
    assert!(stage.handed >= 10, "they do write to each other: {}", stage.handed);
    for watch in [&calls, &registrations] {
        let sent = watch.says(&mut stage, watch.event, 0);
        watch.told(&mut stage, &sent);
    }
    let handed = stage.handed;
    Call::only_rings(&mut stage, BOB, CAROL, "c7");
    assert_eq!(stage.handed, handed, "nobody watches any more");
}
