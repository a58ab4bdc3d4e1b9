//! Servers of ours behind the switchboard: what is for them, whom they serve, and in whose name they act (RFC 5359 §2.15).

use crate::people::{ALICE, BOB, CAROL, Call, DAVE, EVE, Person, Request, office, people_in_groups};
use crate::stage::{Sent, Stage, build, reply_tagged, udp};
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Directory, Members, Server};
use cordboard_service::door::{Command, ShardId};
use cordboard_service::settings::Settings;
use std::sync::Arc;

const PARK: Person = Person { name: "park", domain: "example.test", host: 90 };
const SLOT: Person = Person { name: "701", domain: "example.test", host: 90 };

/// Where the switchboard and its servers talk to each other.
const INSIDE: ListenerId = ListenerId(3);

fn inside(host: u8) -> Flow {
    Flow { listener: INSIDE, ..udp(host) }
}

fn directory(members: Members) -> Directory {
    let server = Arc::new(Server { address: inside(PARK.host).remote, members });
    let names = [PARK.name, SLOT.name].map(|name| (name.into(), Arc::clone(&server)));
    Directory { servers: names.into_iter().collect(), ..people_in_groups() }
}

/// The office of alice and bob, who have a park server that is not there for carol.
fn parking(change: impl FnOnce(&mut Settings)) -> Stage {
    parking_for(Members::Groups(vec!["sales".into()]), change)
}

fn parking_for(members: Members, change: impl FnOnce(&mut Settings)) -> Stage {
    let mut stage = office(|settings| {
        settings.listeners.push(Listener {
            id: INSIDE,
            transport: Transport::Udp,
            local: "127.0.0.1:12000".parse().expect("an address"),
            sent_by: "127.0.0.1:12000".into(),
        });
        settings.inside = Some(INSIDE);
        change(settings);
    });
    stage.command(&Command::UseDirectory(Arc::new(directory(members))));
    stage
}

/// Something that the server at that flow begins in the name of a slot.
fn from_server(stage: &mut Stage, flow: Flow, caller: &str, whom: Person, more: &str) -> Vec<Sent> {
    let via = format!("UDP {}", flow.remote);
    let contact = "Contact: <sip:park@example.test>\r\n";
    let text =
        build(&via, caller, flow.remote.port() as u8, "INVITE", &whom.address(), &format!("{contact}{more}"));
    stage.pass(flow, &text)
}

#[track_caller]
fn assert_refused(sent: &[Sent]) {
    assert_eq!(sent.iter().map(Sent::status).collect::<Vec<_>>(), [403], "{sent:#?}");
}

/// RFC 3261 §16.5: the target is predetermined, and the user of the Request-URI says what is wanted there.
#[test]
fn what_is_for_a_server_goes_there_as_it_is_and_names_who_sends_it() {
    for method in ["INVITE", "REFER", "SUBSCRIBE", "OPTIONS"] {
        for whom in [PARK, SLOT] {
            let mut stage = parking(|_| {});
            let request = Request::new(BOB, method, whom, "c1")
                .with("Refer-To: <sip:x@example.test>")
                .with("Event: dialog");
            let sent = request.leads_to(&mut stage);
            assert!(sent.is(method), "{sent:?}");
            assert_eq!(sent.flow, inside(PARK.host));
            assert_eq!(sent.request_uri(), whom.address());
            assert_eq!(sent.one("P-Asserted-Identity"), "<sip:bob@example.test>");
        }
    }
}

/// RFC 3325 §3: a server of ours is inside the domain of trust, whoever is to be hidden from others.
#[test]
fn who_hides_is_known_to_servers_alone() {
    let mut stage = parking(|_| {});
    let hides = |whom| Request::new(BOB, "INVITE", whom, "c1").with("Privacy: id");
    assert_eq!(hides(SLOT).leads_to(&mut stage).all("P-Asserted-Identity").len(), 1);
    let mut stage = parking(|_| {});
    assert_eq!(hides(ALICE).leads_to(&mut stage).all("P-Asserted-Identity").len(), 0);
}

#[test]
fn others_than_its_members_are_refused_whatever_they_ask_for() {
    for who in [CAROL, DAVE, EVE] {
        for method in ["INVITE", "REFER", "SUBSCRIBE", "MESSAGE"] {
            let mut stage = parking(|_| {});
            let request = Request::new(who, method, SLOT, "c1")
                .with("Refer-To: <sip:x@example.test>")
                .with("Event: dialog");
            assert_refused(&request.send(&mut stage));
        }
    }
}

/// Without a password even a member is nobody.
#[test]
fn who_proves_nothing_is_challenged() {
    let mut stage = parking(|_| {});
    let request = Request::new(BOB, "INVITE", SLOT, "c1");
    assert_eq!(stage.one(udp(BOB.host), &request.written(1)).status(), 407);
}

#[test]
fn a_server_may_be_there_for_every_user_or_for_everybody() {
    let calls = |members: &Members, who| {
        let mut stage = parking_for(members.clone(), |_| {});
        Request::new(who, "INVITE", SLOT, "c1").leads_to(&mut stage).is("INVITE")
    };
    assert!(calls(&Members::Users, CAROL) && !calls(&Members::Users, DAVE));
    assert!(calls(&Members::Everybody, CAROL) && calls(&Members::Everybody, DAVE));
}

/// Nobody registers as a server.
#[test]
fn a_server_has_no_registration() {
    let mut stage = parking(|_| {});
    let mut request = Request::new(BOB, "REGISTER", SLOT, "r1");
    request.uri = "sip:example.test".into();
    let refused = request.leads_to(&mut stage);
    assert!(matches!(refused.status(), 403 | 404), "{refused:?}");
    assert_eq!(Request::new(BOB, "INVITE", SLOT, "c1").leads_to(&mut stage).flow, inside(PARK.host));
}

/// A transfer to the number of a slot: whoever a member sends there is let in, once.
#[test]
fn who_is_sent_by_a_member_is_let_in() {
    for shards in [1_u8, 4] {
        let mut stage = parking(|_| {});
        if shards > 1 {
            let agent =
                |shard| Agent::new(ShardId(shard), Arc::clone(&stage.settings), [1; 32]).among(shards);
            let others: Vec<Agent> = (1..shards).map(agent).collect();
            stage.agent = agent(0);
            stage.agents = others;
            stage.command(&Command::UseDirectory(Arc::new(directory(Members::Groups(vec!["sales".into()])))));
        }
        let call = Call::begins(&mut stage, DAVE, BOB, "c1");
        let tags = call.tags();
        let refer =
            call.inside(BOB, &tags, "REFER").with("Refer-To: <sip:701@example.test>").leads_to(&mut stage);
        assert!(refer.is("REFER") && refer.flow == udp(DAVE.host), "{refer:?}");
        let by = "Referred-By: <sip:bob@example.test>";
        assert_refused(
            &Request::new(EVE, "INVITE", SLOT, "t0")
                .with("Referred-By: <sip:alice@example.test>")
                .send(&mut stage),
        );
        assert_refused(&Request::new(DAVE, "INVITE", PARK, "t1").with(by).send(&mut stage));
        let sent = Request::new(DAVE, "INVITE", SLOT, "t2").with(by).leads_to(&mut stage);
        assert!(sent.is("INVITE") && sent.flow == inside(PARK.host), "{sent:?}");
        assert!(sent.all("P-Asserted-Identity").is_empty(), "nothing is known of them");
        assert_refused(&Request::new(EVE, "INVITE", SLOT, "t3").with(by).send(&mut stage));
    }
}

/// Carol may not use it, and so may send nobody there.
#[test]
fn who_is_sent_by_somebody_else_is_not() {
    let mut stage = parking(|_| {});
    let call = Call::begins(&mut stage, DAVE, CAROL, "c1");
    let tags = call.tags();
    call.inside(CAROL, &tags, "REFER").with("Refer-To: <sip:701@example.test>").leads_to(&mut stage);
    assert_refused(&Request::new(DAVE, "INVITE", SLOT, "t1").send(&mut stage));
}

/// Its socket is all that it is known by: not the address, not the name, and no other name than its own.
#[test]
fn a_server_is_known_by_its_socket() {
    let slot = SLOT.address();
    let mut stage = parking(|_| {});
    let sent = from_server(&mut stage, inside(PARK.host), &slot, ALICE, "");
    assert!(sent[0].is("INVITE") && sent[0].flow == udp(ALICE.host), "{sent:#?}");
    assert_eq!(sent[0].one("P-Asserted-Identity"), "<sip:701@example.test>");
    let other_port = {
        let mut flow = inside(PARK.host);
        flow.remote.set_port(5099);
        flow
    };
    for flow in [other_port, udp(PARK.host), inside(91)] {
        let sent = from_server(&mut parking(|_| {}), flow, &slot, ALICE, "");
        assert_eq!(sent.iter().map(Sent::status).collect::<Vec<_>>(), [407], "{flow:?}");
    }
    for name in ["sip:alice@example.test", "sip:702@example.test", "sip:701@elsewhere.test"] {
        assert_refused(&from_server(&mut parking(|_| {}), inside(PARK.host), name, ALICE, ""));
    }
}

/// It takes over what whoever asked it may take over.
#[test]
fn a_server_takes_calls_over_for_those_who_ask() {
    for (by, may) in [(BOB, true), (ALICE, true), (CAROL, false), (DAVE, false)] {
        let mut stage = parking(|_| {});
        let call = Call::begins(&mut stage, DAVE, BOB, "c1");
        let more =
            format!("Call-ID: t1\r\nReplaces: {}\r\nReferred-By: <{}>\r\n", call.named_to(BOB), by.address());
        let sent = from_server(&mut stage, inside(PARK.host), &SLOT.address(), BOB, &more);
        if may {
            assert!(sent[0].is("INVITE"), "{sent:#?}");
        } else {
            assert_refused(&sent);
        }
    }
}

/// Who may use a server may take back whom it has, and nobody else may who is not in the call.
#[test]
fn members_take_back_whom_it_has() {
    let sales = || Members::Groups(vec!["sales".into()]);
    let others = || Members::Groups(vec!["others".into()]);
    for (members, who, may) in
        [(sales(), ALICE, true), (sales(), BOB, true), (sales(), EVE, false), (others(), ALICE, false)]
    {
        let mut stage = parking_for(members, |_| {});
        let sent = from_server(&mut stage, inside(PARK.host), &SLOT.address(), CAROL, "Call-ID: p1\r\n");
        stage.pass(sent[0].flow, &reply_tagged(&sent[0], 200, "carol", ""));
        let takes = Request::new(who, "INVITE", CAROL, "t1").with("Replaces: p1;to-tag=carol;from-tag=a");
        let sent = takes.leads_to(&mut stage);
        assert_eq!((sent.is("INVITE"), sent.status() == 403), (may, !may), "{sent:?}");
    }
}

/// What is inside a dialog with it goes to the socket that it was called at, both ways, and needs no proof.
#[test]
fn a_dialog_with_a_server_keeps_its_way() {
    let mut stage = parking(|_| {});
    let invite = Request::new(BOB, "INVITE", SLOT, "c1").leads_to(&mut stage);
    let route = invite.all("Record-Route");
    assert_eq!(route.len(), 2, "one entry for each side (RFC 5658)");
    assert!(route[0].ends_with("@127.0.0.1:12000;transport=udp;lr>"), "{route:?}");
    let back: Vec<String> = route.iter().rev().map(ToString::to_string).collect();
    let answer = "Contact: <sip:park@example.test;x=1>\r\n";
    stage.pass(inside(PARK.host), &reply_tagged(&invite, 200, "slot", answer));
    let mut bye = Request::new(BOB, "BYE", SLOT, "c1");
    bye.uri = "sip:park@example.test;x=1".into();
    bye.to = "<sip:701@example.test>;tag=slot".into();
    bye.route = back;
    let bye = stage.one(udp(BOB.host), &bye.written(9));
    assert!(bye.is("BYE") && bye.flow == inside(PARK.host), "{bye:?}");
    assert_eq!(bye.one("P-Asserted-Identity"), "<sip:bob@example.test>");
    assert!(bye.all("Route").is_empty());
}

/// A server that calls another, or itself, does it for whoever has asked: as when one whom it has connected is parked again.
#[test]
fn a_server_calls_a_server_for_those_who_may() {
    for (by, may) in [(Some(BOB), true), (Some(CAROL), false), (Some(DAVE), false), (None, false)] {
        let mut stage = parking(|_| {});
        let more = by.map_or(String::new(), |by| format!("Referred-By: <{}>\r\n", by.address()));
        let sent = from_server(&mut stage, inside(PARK.host), &PARK.address(), SLOT, &more);
        if may {
            assert!(sent[0].is("INVITE") && sent[0].flow == inside(PARK.host), "{sent:#?}");
        } else {
            assert_refused(&sent);
        }
    }
}

/// A REFER that a server hands on, for it stands between two, is that of whoever has asked it.
#[test]
fn who_is_sent_by_a_server_is_sent_by_whoever_asked_it() {
    for (by, sent_by) in [("Referred-By: <sip:bob@example.test>\r\n", Some("bob@example.test")), ("", None)] {
        let mut stage = parking(|_| {});
        let invite = Request::new(ALICE, "INVITE", SLOT, "c1").leads_to(&mut stage);
        let route: String =
            invite.all("Record-Route").iter().map(|entry| format!("Route: {entry}\r\n")).collect();
        stage.pass(
            inside(PARK.host),
            &reply_tagged(&invite, 200, "slot", "Contact: <sip:park@example.test>\r\n"),
        );
        let refer = format!(
            "REFER {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKr1\r\nMax-Forwards: 70\r\n{route}\
             From: <sip:701@example.test>;tag=slot\r\nTo: <sip:alice@example.test>;tag=from\r\nCall-ID: c1\r\n\
             CSeq: 1 REFER\r\nContact: <sip:park@example.test>\r\nRefer-To: <sip:701@example.test>\r\n{by}\
             Content-Length: 0\r\n\r\n",
            ALICE.contact(),
            inside(PARK.host).remote,
        );
        let refer = stage.one(inside(PARK.host), &refer);
        assert!(refer.is("REFER") && refer.flow == udp(ALICE.host), "{refer:?}");
        let sent = Request::new(ALICE, "INVITE", SLOT, "t1").leads_to(&mut stage);
        assert!(sent.is("INVITE") && sent.flow == inside(PARK.host), "{sent:?}");
        let told = sent.all("Referred-By").first().map(ToString::to_string);
        assert_eq!(told.is_some(), sent_by.is_some(), "{told:?}");
        assert!(told.is_none_or(|told| told.contains(sent_by.unwrap_or_default())));
    }
}
