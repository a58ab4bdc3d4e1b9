//! Picking up by a dialled code: the call that rings and whoever wants it meet at a server (RFC 5359 §2.16).

use crate::people::{ALICE, BOB, CAROL, Call, DAVE, Person, Request, office, people_in_groups};
use crate::stage::{Sent, Stage, reply_tagged, udp};
use cordboard_core::transport::{Flow, Listener, ListenerId, Transport};
use cordboard_service::Agent;
use cordboard_service::directory::{Code, Directory, Members, Server};
use cordboard_service::door::{Command, ShardId};
use std::sync::Arc;

const INSIDE: ListenerId = ListenerId(3);
const DIALLED: Person = Person { name: "*8bob", domain: "example.test", host: 90 };
const ANYBODY: Person = Person { name: "*8", domain: "example.test", host: 90 };

fn server() -> Flow {
    Flow { listener: INSIDE, ..udp(90) }
}

/// The office of alice and bob, and of carol, who shares no group with them; all may dial the code.
fn picking(shards: u8) -> Stage {
    let mut stage = office(|settings| {
        settings.listeners.push(Listener {
            id: INSIDE,
            transport: Transport::Udp,
            local: "127.0.0.1:12000".parse().expect("an address"),
            sent_by: "127.0.0.1:12000".into(),
        });
        settings.inside = Some(INSIDE);
    });
    if shards > 1 {
        let agent = |shard| Agent::new(ShardId(shard), Arc::clone(&stage.settings), [1; 32]).among(shards);
        let others: Vec<Agent> = (1..shards).map(agent).collect();
        stage.agent = agent(0);
        stage.agents = others;
    }
    let listed = Arc::new(Server { address: server().remote, members: Members::Users });
    let directory = Directory {
        servers: [("pickup".into(), listed)].into_iter().collect(),
        pickup: Some(Code { code: "*8".into(), server: "pickup".into() }),
        ..people_in_groups()
    };
    stage.command(&Command::UseDirectory(Arc::new(directory)));
    stage
}

/// Whom the server is sent: whoever has dialled, and the call that rings, if any does. Both have one key.
#[track_caller]
fn meet(sent: &[Sent]) -> (Sent, Option<Sent>) {
    assert!(sent.iter().all(|sent| sent.is("INVITE") && sent.flow == server()), "{sent:#?}");
    let part = |mark: &str| sent.iter().find(|sent| sent.request_uri().contains(mark)).cloned();
    let (dialler, rings) = (part("*8-d-").expect("who has dialled"), part("*8-r-"));
    if let Some(rings) = &rings {
        let key = |sent: &Sent| sent.request_uri().split('-').next_back().map(str::to_owned);
        assert_eq!(key(rings), key(&dialler));
    }
    (dialler, rings)
}

#[test]
fn the_call_that_rings_and_who_wants_it_meet_whatever_shard_has_them() {
    for shards in [1, 4] {
        for whom in [DIALLED, ANYBODY] {
            let mut stage = picking(shards);
            let (_, at_bob) = Call::rings(&mut stage, DAVE, BOB, "c1");
            let (dialler, rings) = meet(&Request::new(ALICE, "INVITE", whom, "p1").send(&mut stage));
            assert_eq!(dialler.one("P-Asserted-Identity"), "<sip:alice@example.test>");
            let rings = rings.expect("what rings");
            assert_eq!(rings.one("From"), at_bob.one("From"));
            let answered = stage.pass(server(), &reply_tagged(&rings, 200, "picked", ""));
            let to_dave = answered.iter().find(|sent| sent.flow == udp(DAVE.host)).expect("an answer");
            assert_eq!(to_dave.status(), 200);
            let to_bob = answered.iter().find(|sent| sent.flow == udp(BOB.host)).expect("a CANCEL");
            assert!(to_bob.is("CANCEL"), "{to_bob:?}");
        }
    }
}

/// The first answer wins, and the server hears at once that it has lost.
#[test]
fn whoever_was_called_may_be_first() {
    let mut stage = picking(1);
    let (_, at_bob) = Call::rings(&mut stage, DAVE, BOB, "c1");
    let (_, rings) = meet(&Request::new(ALICE, "INVITE", DIALLED, "p1").send(&mut stage));
    stage.pass(server(), &reply_tagged(&rings.expect("what rings"), 180, "picked", ""));
    let answered = stage.pass(udp(BOB.host), &reply_tagged(&at_bob, 200, "bob", ""));
    assert!(answered.iter().any(|sent| sent.status() == 200 && sent.flow == udp(DAVE.host)), "{answered:#?}");
    assert!(answered.iter().any(|sent| sent.is("CANCEL") && sent.flow == server()), "{answered:#?}");
    // What is answered rings no more.
    let (_, rings) = meet(&Request::new(ALICE, "INVITE", DIALLED, "p2").send(&mut stage));
    assert!(rings.is_none());
}

/// Of two calls the one that has rung for longer is picked up first; a call of one's own is not.
#[test]
fn the_longest_ringing_comes_first_and_ones_own_never() {
    let mut stage = picking(1);
    let (_, mine) = Call::rings(&mut stage, ALICE, BOB, "c0");
    let (_, first) = Call::rings(&mut stage, DAVE, BOB, "c1");
    Call::rings(&mut stage, CAROL, BOB, "c2");
    let (_, rings) = meet(&Request::new(ALICE, "INVITE", ANYBODY, "p1").send(&mut stage));
    let rings = rings.expect("what rings");
    assert_eq!(rings.one("Call-ID"), first.one("Call-ID"));
    assert_ne!(rings.one("Call-ID"), mine.one("Call-ID"));
}

#[test]
fn who_shares_no_group_with_whoever_is_called_has_nothing() {
    let mut stage = picking(1);
    Call::rings(&mut stage, DAVE, BOB, "c1");
    let refused = Request::new(CAROL, "INVITE", DIALLED, "p1").leads_to(&mut stage);
    assert_eq!(refused.status(), 403);
    let refused = Request::new(DAVE, "INVITE", DIALLED, "p2").leads_to(&mut stage);
    assert_eq!(refused.status(), 403, "nor do strangers");
    let (_, rings) = meet(&Request::new(CAROL, "INVITE", ANYBODY, "p3").send(&mut stage));
    assert!(rings.is_none(), "what rings at others is not sent there");
    let keyed = Person { name: "*8-r-0123456789abcdef", ..DIALLED };
    assert_eq!(
        Request::new(ALICE, "INVITE", keyed, "p4").leads_to(&mut stage).status(),
        404,
        "nobody writes a key"
    );
}
