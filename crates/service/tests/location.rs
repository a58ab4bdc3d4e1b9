//! The location service as a registrar and a proxy see it: RFC 3261 §10.3, RFC 5626, RFC 3327.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_service::location::{
    Aor, Change, ContactChange, Era, Gruu, Located, Location, Persist, RegisterError, Registered,
    Registration, Urgency, Wanted,
};
use std::time::Duration;

const ALICE: &str = "alice@example.com";
const HOUR: Duration = Duration::from_hours(1);

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

fn location() -> Location {
    Location::new(3, [7; 16])
}

fn udp(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        listener: ListenerId(0),
        connection: 0,
        remote: remote.parse().expect("an address"),
    }
}

fn tcp(connection: u64) -> Flow {
    Flow { transport: Transport::Tcp, connection, ..udp("192.0.2.1:40000") }
}

fn contact(uri: &str) -> ContactChange {
    ContactChange { uri: uri.into(), q: 1000, expires: HOUR, instance: None, reg_id: 0, outbound: false }
}

fn gone(uri: &str) -> ContactChange {
    ContactChange { expires: Duration::ZERO, ..contact(uri) }
}

fn flow_of(uri: &str, instance: &str, reg_id: u32) -> ContactChange {
    ContactChange { instance: Some(instance.into()), reg_id, outbound: true, ..contact(uri) }
}

fn register(cseq: u32, flow: Flow, action: Change) -> Registration {
    Registration { aor: Aor(ALICE.into()), call_id: "phone".into(), cseq, flow, path: Vec::new(), action }
}

fn update(cseq: u32, contacts: &[ContactChange]) -> Registration {
    register(cseq, udp("192.0.2.1:5060"), Change::Update(contacts.to_vec()))
}

fn uris(registered: &Registered) -> Vec<&str> {
    registered.bindings.iter().map(|binding| &*binding.uri).collect()
}

fn targets(located: &Located) -> Vec<&str> {
    located.targets.iter().map(|target| &*target.uri).collect()
}

fn alice() -> Wanted {
    Wanted::Aor(Aor(ALICE.into()))
}

type Outcome = Result<(Registered, Persist), RegisterError>;

fn urgency(outcome: Outcome) -> Urgency {
    outcome.expect("it is accepted").1.urgency
}

#[test]
fn a_contact_is_added_refreshed_and_removed() {
    let mut location = location();
    let (registered, persist) = location.handle(at(0), &update(1, &[contact("sip:a@192.0.2.1")])).unwrap();
    assert_eq!(uris(&registered), ["sip:a@192.0.2.1"]);
    assert_eq!((persist.urgency, persist.stored.len()), (Urgency::Now, 1));
    assert_eq!(registered.bindings[0].expires_at, at(3600));

    assert_eq!(urgency(location.handle(at(60), &update(2, &[contact("sip:a@192.0.2.1")]))), Urgency::Soon);
    assert_eq!(location.len(), 1);

    let (registered, persist) = location.handle(at(61), &update(3, &[gone("sip:a@192.0.2.1")])).unwrap();
    assert!(registered.bindings.is_empty());
    assert_eq!((persist.urgency, persist.removed.as_slice()), (Urgency::Now, [1].as_slice()));
    assert_eq!(location.locate(at(61), &alice()), Located::default());
    assert!(location.is_empty());
}

#[test]
fn asking_changes_nothing() {
    let mut location = location();
    location.handle(at(0), &update(1, &[contact("sip:a@192.0.2.1")])).unwrap();
    let (registered, persist) =
        location.handle(at(1), &register(1, udp("192.0.2.1:5060"), Change::Fetch)).unwrap();
    assert_eq!(uris(&registered), ["sip:a@192.0.2.1"]);
    assert_eq!(persist, Persist::default());
}

#[test]
fn an_equivalent_uri_is_the_same_contact() {
    let mut location = location();
    location.handle(at(0), &update(1, &[contact("sip:%61@Phone.Example.COM")])).unwrap();
    let (registered, _) =
        location.handle(at(1), &update(2, &[contact("sip:a@phone.example.com;x=1")])).unwrap();
    assert_eq!(uris(&registered), ["sip:a@phone.example.com;x=1"]);
}

#[test]
fn what_is_out_of_order_changes_nothing_at_all() {
    let mut location = location();
    location.handle(at(0), &update(5, &[contact("sip:a@192.0.2.1")])).unwrap();
    for cseq in [4, 5] {
        let outcome = location
            .handle(at(1), &update(cseq, &[contact("sip:new@192.0.2.1"), contact("sip:a@192.0.2.1")]));
        assert_eq!(outcome.unwrap_err(), RegisterError::OutOfOrder);
        let outcome = location.handle(at(1), &register(cseq, udp("192.0.2.1:5060"), Change::RemoveAll));
        assert_eq!(outcome.unwrap_err(), RegisterError::OutOfOrder);
    }
    assert_eq!(targets(&location.locate(at(1), &alice())), ["sip:a@192.0.2.1"]);
    let other_phone = Registration { call_id: "other".into(), ..update(1, &[contact("sip:a@192.0.2.1")]) };
    assert!(location.handle(at(1), &other_phone).is_ok(), "another Call-ID has its own order");
}

#[test]
fn a_star_removes_all() {
    let mut location = location();
    location.handle(at(0), &update(1, &[contact("sip:a@192.0.2.1"), contact("sip:b@192.0.2.1")])).unwrap();
    let (registered, persist) =
        location.handle(at(1), &register(2, udp("192.0.2.1:5060"), Change::RemoveAll)).unwrap();
    assert!(registered.bindings.is_empty());
    assert_eq!((persist.urgency, persist.removed.len()), (Urgency::Now, 2));
}

#[test]
fn one_request_may_remove_and_add() {
    let mut location = location();
    location.handle(at(0), &update(1, &["sip:a@h", "sip:b@h", "sip:c@h"].map(contact))).unwrap();
    let (registered, _) = location.handle(at(1), &update(2, &[gone("sip:b@h"), contact("sip:d@h")])).unwrap();
    assert_eq!(uris(&registered), ["sip:a@h", "sip:c@h", "sip:d@h"]);
    let outcome = location.handle(at(2), &update(3, &[contact("sip:e@h")]));
    assert_eq!(outcome.unwrap_err(), RegisterError::TooMany);
    let twice =
        location.handle(at(3), &update(4, &[gone("sip:a@h"), contact("sip:f@h"), contact("sip:f@h")]));
    assert_eq!(twice.unwrap_err(), RegisterError::TooMany, "two new values count as two");
}

#[test]
fn contacts_end_in_time() {
    let mut location = location();
    let brief = ContactChange { expires: Duration::from_mins(1), ..contact("sip:brief@h") };
    location.handle(at(0), &update(1, &[brief.clone(), contact("sip:long@h")])).unwrap();
    assert_eq!(location.locate(at(59), &alice()).targets.len(), 2);
    assert_eq!(targets(&location.locate(at(60), &alice())), ["sip:long@h"], "not seen, though not collected");
    assert_eq!(location.bindings(at(60)).count(), 1);
    assert_eq!(location.expire(at(60), 10), [(1, Aor(ALICE.into()))]);
    assert_eq!(location.len(), 1);

    location.handle(at(3000), &update(2, &[contact("sip:long@h")])).unwrap();
    assert!(location.expire(at(3600), 10).is_empty(), "it was refreshed");
    assert_eq!(location.expire(at(6600), 10), [(2, Aor(ALICE.into()))]);
    assert!(location.is_empty());
}

#[test]
fn a_shorter_life_counts_at_once() {
    let mut location = location();
    location.handle(at(0), &update(1, &[contact("sip:a@h")])).unwrap();
    let brief = ContactChange { expires: Duration::from_mins(1), ..contact("sip:a@h") };
    location.handle(at(1), &update(2, &[brief])).unwrap();
    assert_eq!(location.locate(at(61), &alice()), Located::default());
    let (registered, _) =
        location.handle(at(62), &register(3, udp("192.0.2.1:5060"), Change::Fetch)).unwrap();
    assert!(registered.bindings.is_empty());
}

#[test]
fn expiry_goes_on_where_its_limit_stopped_it() {
    let mut location = Location::new(10, [7; 16]);
    let contacts: Vec<_> = (0..10).map(|n| contact(&format!("sip:{n}@h"))).collect();
    location.handle(at(0), &update(1, &contacts)).unwrap();
    let mut ended: Vec<_> =
        (0..4).flat_map(|_| location.expire(at(3600), 3)).map(|(number, _)| number).collect();
    ended.sort_unstable();
    assert_eq!(ended, (1..=10).collect::<Vec<_>>());
}

#[test]
fn the_best_come_first() {
    let mut location = location();
    let q = |uri, q| ContactChange { q, ..contact(uri) };
    location.handle(at(0), &update(1, &[q("sip:low@h", 100), q("sip:old@h", 900)])).unwrap();
    location.handle(at(1), &update(2, &[q("sip:new@h", 900)])).unwrap();
    assert_eq!(targets(&location.locate(at(2), &alice())), ["sip:new@h", "sip:old@h", "sip:low@h"]);
}

#[test]
fn a_new_flow_replaces_the_old_one_of_the_same_instance_and_reg_id() {
    let mut location = location();
    let on = |cseq, flow, change| register(cseq, flow, Change::Update(vec![change]));
    location.handle(at(0), &on(1, tcp(1), flow_of("sip:a@1.invalid", "urn:x", 1))).unwrap();
    location.handle(at(0), &on(2, tcp(2), flow_of("sip:a@1.invalid", "urn:x", 2))).unwrap();
    assert_eq!(location.len(), 2, "two flows of one phone");
    let again = Registration {
        call_id: "after a restart".into(),
        ..on(1, tcp(3), flow_of("sip:a@2.invalid", "urn:x", 1))
    };
    location.handle(at(1), &again).unwrap();
    let located = location.locate(at(1), &alice());
    assert_eq!(targets(&located), ["sip:a@2.invalid", "sip:a@1.invalid"]);
    assert_eq!(located.targets[0].flow, tcp(3));
    assert!(located.targets[0].by_flow);
}

#[test]
fn a_phone_that_was_started_again_leaves_no_ghost() {
    let mut location = location();
    let phone = |uri| ContactChange { instance: Some("urn:x".into()), ..contact(uri) };
    location.handle(at(0), &update(1, &[phone("sip:a@192.0.2.1:1111")])).unwrap();
    location.handle(at(0), &update(2, &[phone("sip:a@192.0.2.9:1111")])).unwrap();
    assert_eq!(location.len(), 2, "one run of a phone may have two contacts");
    let rebooted = Registration { call_id: "rebooted".into(), ..update(1, &[phone("sip:a@192.0.2.1:2222")]) };
    location.handle(at(1), &rebooted).unwrap();
    assert_eq!(location.len(), 2);
    assert_eq!(location.locate(at(1), &alice()).targets[0].uri, "sip:a@192.0.2.1:2222".into());
}

#[test]
fn an_instance_is_found_by_its_name() {
    let mut location = location();
    location.handle(at(0), &update(1, &[flow_of("sip:a@h", "urn:uuid:A", 1), contact("sip:b@h")])).unwrap();
    let wanted = |instance: &str| Wanted::Instance(Aor(ALICE.into()), Gruu::Public(instance.into()));
    assert_eq!(targets(&location.locate(at(1), &wanted("urn:uuid:a"))), ["sip:a@h"]);
    assert_eq!(location.locate(at(1), &wanted("urn:uuid:b")), Located::default());
}

/// What temporary GRUUs are made for after a REGISTER of Alice, in the order of her contacts.
fn eras(location: &mut Location, now: u64, call_id: &str, contacts: &[ContactChange]) -> Vec<Era> {
    let asked = Registration { call_id: call_id.into(), ..update(now as u32, contacts) };
    let (registered, _) = location.handle(at(now), &asked).expect("it is accepted");
    registered.bindings.iter().filter_map(|binding| binding.era).collect()
}

fn of_era(location: &Location, now: u64, era: Era) -> Located {
    location.locate(at(now), &Wanted::Instance(Aor(ALICE.into()), Gruu::Temporary(era)))
}

/// RFC 5627 §3.2 and §5.1.
#[test]
fn an_era_lasts_as_long_as_its_call_id() {
    let mut location = location();
    let phone = |uri| ContactChange { instance: Some("urn:x".into()), ..contact(uri) };
    let [first] = eras(&mut location, 1, "a", &[phone("sip:a@h")])[..] else { panic!("one contact") };
    assert_eq!(eras(&mut location, 2, "a", &[phone("sip:a@h")]), [first], "a refresh goes on with it");
    assert_eq!(targets(&of_era(&location, 3, first)), ["sip:a@h"]);
    let [second] = eras(&mut location, 4, "b", &[phone("sip:a@h")])[..] else { panic!("one contact") };
    assert_ne!(first, second);
    assert_eq!(of_era(&location, 5, first), Located::default());
    assert_eq!(targets(&of_era(&location, 5, second)), ["sip:a@h"]);
    let [third] = eras(&mut location, 6, "c", &[phone("sip:a@elsewhere")])[..] else { panic!("restarted") };
    assert_eq!(of_era(&location, 7, second), Located::default(), "started again with another contact");
    assert_eq!(targets(&of_era(&location, 7, third)), ["sip:a@elsewhere"]);
}

/// RFC 5627 §5.3: with the last contact all temporary GRUUs die, and do not come back with the Call-ID.
#[test]
fn an_era_ends_with_the_last_contact() {
    let mut location = location();
    let phone = |uri| ContactChange { instance: Some("urn:x".into()), ..contact(uri) };
    let away = |uri| ContactChange { expires: Duration::ZERO, ..phone(uri) };
    let two = [phone("sip:a@h"), phone("sip:a@i")];
    let [first, other] = eras(&mut location, 1, "a", &two)[..] else { panic!("two contacts") };
    assert_eq!(first, other);
    assert_eq!(eras(&mut location, 2, "a", &[away("sip:a@h")]), [first]);
    assert_eq!(targets(&of_era(&location, 2, first)), ["sip:a@i"]);
    assert!(eras(&mut location, 3, "a", &[away("sip:a@i")]).is_empty());
    let [second] = eras(&mut location, 4, "a", &[phone("sip:a@h")])[..] else { panic!("one contact") };
    assert_ne!(first, second);
    assert_eq!(of_era(&location, 5, first), Located::default());
    let later = 4 + HOUR.as_secs();
    assert_eq!(of_era(&location, later, second), Located::default(), "it has expired");
    assert_ne!(eras(&mut location, later, "a", &[phone("sip:a@h")]), [second]);
}

/// RFC 5627 §3.2, §4.1: flows have Call-IDs of their own; one that changes ends the era of all.
#[test]
fn the_flows_of_an_instance_share_an_era() {
    let mut location = location();
    let flow = |n: u32| flow_of(&format!("sip:a@h{n}"), "urn:x", n);
    let [first] = eras(&mut location, 1, "a", &[flow(1)])[..] else { panic!("one flow") };
    assert_eq!(eras(&mut location, 2, "b", &[flow(2)]), [first, first]);
    assert_eq!(of_era(&location, 3, first).targets.len(), 2);
    let away = ContactChange { expires: Duration::ZERO, ..flow(1) };
    assert_eq!(eras(&mut location, 3, "a", &[away]), [first]);
    assert_eq!(targets(&of_era(&location, 4, first)), ["sip:a@h2"], "one flow is enough");
    assert_eq!(eras(&mut location, 5, "c", &[flow(1)]), [first, first]);
    let [second, same] = eras(&mut location, 6, "d", &[flow(2)])[..] else { panic!("two flows") };
    assert_eq!(second, same);
    assert_ne!(first, second);
    assert_eq!(of_era(&location, 7, first), Located::default());
    assert_eq!(of_era(&location, 7, second).targets.len(), 2);
}

#[test]
fn a_request_with_all_contacts_of_an_instance_begins_one_era() {
    let mut location = location();
    let both = [flow_of("sip:a@h1", "urn:x", 0), flow_of("sip:a@h2", "URN:X", 0)];
    let before = eras(&mut location, 1, "a", &both);
    let after = eras(&mut location, 2, "b", &both);
    assert_eq!(after[0], after[1]);
    assert_ne!(before[0], after[0]);
    let other = ContactChange { instance: Some("urn:y".into()), ..contact("sip:a@h2") };
    let [one, two] = eras(&mut location, 3, "b", &[other])[..] else { panic!("two instances") };
    assert_eq!(one, after[0]);
    assert_ne!(one, two, "the contact has gone over to another instance");
}

#[test]
fn an_era_survives_a_restart() {
    let mut before = location();
    let first = eras(&mut before, 1, "a", &[flow_of("sip:a@h1", "urn:x", 1)]);
    eras(&mut before, 2, "b", &[flow_of("sip:a@h2", "urn:x", 2)]);
    eras(&mut before, 2, "c", &[flow_of("sip:b@h3", "urn:y", 0)]);
    let [_, _, other] = eras(&mut before, 3, "d", &[flow_of("sip:b@h3", "urn:y", 0)])[..] else {
        panic!("three contacts")
    };
    let mut after = Location::new(3, [9; 16]);
    let mut kept: Vec<_> = before.bindings(at(4)).collect();
    kept.sort_by_key(|binding| binding.number);
    for binding in &kept {
        after.restore(at(4), binding);
    }
    for era in [first[0], other] {
        let uris = |location: &Location| {
            let located = location.locate(at(5), &Wanted::Instance(Aor(ALICE.into()), Gruu::Temporary(era)));
            targets(&located).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!uris(&before).is_empty());
        assert_eq!(uris(&before), uris(&after));
    }
    let refreshed = eras(&mut after, 5, "a", &[flow_of("sip:a@h1", "urn:x", 1)]);
    assert_eq!(refreshed, [first[0], first[0], other]);
}

#[test]
fn a_contact_is_found_by_its_uri_even_when_it_cannot_be_resolved() {
    let mut location = location();
    let change = Change::Update(vec![contact("sip:x@y.invalid;transport=ws")]);
    location.handle(at(0), &register(1, tcp(4), change)).unwrap();
    let located = location.locate(at(1), &Wanted::Contact("sip:x@Y.invalid;transport=WS;ob".into()));
    assert_eq!(located.targets[0].flow, tcp(4));
    assert_eq!(
        location.locate(at(1), &Wanted::Contact("sip:z@y.invalid;transport=ws".into())),
        Located::default()
    );
}

#[test]
fn who_claims_the_contact_of_another_comes_after_them() {
    let mut location = location();
    let same = [contact("sip:x@y.invalid")];
    location.handle(at(0), &update(1, &same)).unwrap();
    for (n, mallory) in ["m1@example.com", "m2@example.com", "m3@example.com"].into_iter().enumerate() {
        let claim = Registration {
            aor: Aor(mallory.into()),
            flow: udp(&format!("198.51.100.{n}:5060")),
            ..update(1, &same)
        };
        location.handle(at(1), &claim).unwrap();
    }
    let wanted = Wanted::Contact("sip:x@y.invalid".into());
    let located = location.locate(at(2), &wanted);
    assert_eq!((located.targets.len(), located.targets[0].flow), (4, udp("192.0.2.1:5060")));
    let remove = |aor: &str| Registration { aor: Aor(aor.into()), ..update(2, &[gone("sip:x@y.invalid")]) };
    for (left, aor) in [(3, "m2@example.com"), (2, ALICE), (1, "m1@example.com"), (0, "m3@example.com")] {
        location.handle(at(3), &remove(aor)).unwrap();
        assert_eq!(location.locate(at(3), &wanted).targets.len(), left, "{aor} has left");
    }
}

#[test]
fn a_dead_connection_is_told_from_nobody() {
    let mut location = location();
    let on = |cseq, flow| register(cseq, flow, Change::Update(vec![contact("sip:a@192.0.2.1:40000")]));
    location.handle(at(0), &on(1, tcp(1))).unwrap();
    location.flow_closed(&tcp(1));
    let located = location.locate(at(1), &alice());
    assert!(located.targets.is_empty() && located.only_dead_flows && located.known);
    assert!(location.bindings(at(1)).all(|binding| !binding.reachable));

    location.handle(at(2), &on(2, tcp(2))).unwrap();
    assert_eq!(location.locate(at(2), &alice()).targets[0].flow, tcp(2));
    assert_eq!(location.len(), 1);
    location.flow_closed(&udp("192.0.2.1:5060"));
    assert_eq!(location.locate(at(2), &alice()).targets.len(), 1, "datagrams have no connection to close");
}

#[test]
fn dead_contacts_give_way_to_new_ones() {
    let mut location = location();
    for n in 1..=3 {
        let change = Change::Update(vec![contact(&format!("sip:a@192.0.2.1:{n}"))]);
        location.handle(at(u64::from(n)), &register(n, tcp(u64::from(n)), change)).unwrap();
    }
    location.flow_closed(&tcp(2));
    let (registered, persist) = location.handle(at(5), &update(9, &[contact("sip:new@h")])).unwrap();
    assert_eq!(uris(&registered), ["sip:a@192.0.2.1:1", "sip:a@192.0.2.1:3", "sip:new@h"]);
    assert_eq!(persist.removed.as_slice(), [2]);
}

#[test]
fn a_contact_that_names_its_address_may_be_resolved_and_one_behind_a_nat_may_not() {
    let mut location = location();
    location.handle(at(0), &update(1, &[contact("sip:a@192.0.2.1"), contact("sip:b@10.0.0.1")])).unwrap();
    let by_flow: Vec<_> = location
        .locate(at(1), &alice())
        .targets
        .into_iter()
        .map(|target| (target.uri, target.by_flow))
        .collect();
    assert_eq!(by_flow, [("sip:a@192.0.2.1".into(), false), ("sip:b@10.0.0.1".into(), true)]);
}

#[test]
fn a_path_is_kept_in_order_and_goes_before_the_flow() {
    let mut location = location();
    let path: Vec<Box<str>> = vec!["<sip:p1.example.com;lr>".into(), "<sip:p2.example.com;lr>".into()];
    let asked = Registration {
        path: path.clone(),
        ..register(1, tcp(1), Change::Update(vec![contact("sip:a@10.0.0.1")]))
    };
    location.handle(at(0), &asked).unwrap();
    location.flow_closed(&tcp(1));
    let located = location.locate(at(1), &alice());
    assert_eq!((&located.targets[0].path, located.targets[0].by_flow), (&path, false));
    let moved = Registration { path: vec!["<sip:p3.example.com;lr>".into()], cseq: 2, ..asked };
    assert_eq!(urgency(location.handle(at(2), &moved)), Urgency::Now);
}

#[test]
fn only_a_pure_refresh_may_lag() {
    let mut location = location();
    let from = |cseq, flow| register(cseq, flow, Change::Update(vec![contact("sip:a@10.0.0.1")]));
    let first = udp("192.0.2.1:5060");
    assert_eq!(urgency(location.handle(at(0), &from(1, first))), Urgency::Now);
    assert_eq!(urgency(location.handle(at(1), &from(2, first))), Urgency::Soon);
    assert_eq!(
        urgency(location.handle(at(2), &from(3, udp("192.0.2.1:6000")))),
        Urgency::Now,
        "its NAT moved it"
    );
    assert_eq!(
        urgency(location.handle(at(3590), &from(4, udp("192.0.2.1:6000")))),
        Urgency::Now,
        "it was nearly over"
    );
    assert_eq!(urgency(location.handle(at(3591), &from(5, tcp(1)))), Urgency::Now, "another transport");
    assert_eq!(
        urgency(location.handle(at(3592), &from(6, tcp(2)))),
        Urgency::Soon,
        "a connection is not kept anyway"
    );
}

#[test]
fn what_was_kept_comes_back_and_connections_are_dead() {
    let mut first = location();
    first.handle(at(0), &update(1, &[contact("sip:a@192.0.2.1")])).unwrap();
    let asked = Registration {
        path: Vec::new(),
        ..register(2, tcp(1), Change::Update(vec![flow_of("sip:b@192.0.2.1:40000", "urn:x", 1)]))
    };
    first.handle(at(0), &asked).unwrap();
    let brief = ContactChange { expires: Duration::from_mins(1), ..contact("sip:c@h") };
    first.handle(at(0), &update(3, &[brief])).unwrap();

    let mut second = location();
    for binding in first.bindings(at(1)) {
        second.restore(at(61), &binding);
    }
    assert_eq!(second.len(), 2, "what expired meanwhile is gone");
    let located = second.locate(at(61), &alice());
    assert_eq!(targets(&located), ["sip:a@192.0.2.1"]);
    let outcome = second.handle(at(62), &update(1, &[contact("sip:a@192.0.2.1")]));
    assert_eq!(outcome.unwrap_err(), RegisterError::OutOfOrder, "the order survives");
    let again = register(9, tcp(1), asked.action.clone());
    second.handle(at(62), &again).unwrap();
    assert_eq!(second.locate(at(62), &alice()).targets.len(), 2, "the phone came back");
    let (_, persist) = second.handle(at(63), &update(10, &[contact("sip:d@h")])).unwrap();
    let stored = second.binding(persist.stored[0]).expect("it stands");
    assert_eq!((stored.number, stored.uri), (4, "sip:d@h"), "numbers go on");
}

/// Every answer compared with a model that is too simple to be wrong, over random requests.
#[test]
fn agrees_with_a_plain_model_over_random_requests() {
    let mut dice = cordboard_core::dice::Dice::new([3; 32], 0);
    let mut location = Location::new(4, [9; 16]);
    let mut model: Vec<(String, String, Instant, u32)> = Vec::new();
    for step in 0..20_000 {
        let now = at(step);
        model.retain(|(.., expires, _)| *expires > now);
        let aor = format!("u{}@h", dice.below(8));
        let uri = format!("sip:c{}@h{}", dice.below(6), dice.below(2));
        let expires = Duration::from_secs(dice.below(4) * 40);
        let cseq = step as u32 + 100 - dice.below(2) as u32 * 40;
        let change = ContactChange { expires, ..contact(&uri) };
        let asked = Registration { aor: Aor(aor.as_str().into()), ..update(cseq, &[change]) };
        let outcome = location.handle(now, &asked);
        let mine = model.iter().filter(|(whose, ..)| *whose == aor).count();
        let existing = model.iter().position(|(whose, what, ..)| *whose == aor && *what == uri);
        let expected = match existing {
            Some(at) if model[at].3 >= cseq => Some(RegisterError::OutOfOrder),
            None if mine >= 4 && !expires.is_zero() => Some(RegisterError::TooMany),
            _ => None,
        };
        assert_eq!(outcome.as_ref().err(), expected.as_ref(), "step {step}");
        if expected.is_none() {
            if let Some(at) = existing {
                model.remove(at);
            }
            if !expires.is_zero() {
                model.push((aor.clone(), uri.clone(), now + expires, cseq));
            }
        }
        if dice.below(50) == 0 {
            location.expire(now, usize::MAX);
            assert_eq!(location.bindings(now).count(), model.len(), "step {step}");
        }
        let located = location.locate(now, &Wanted::Aor(Aor(aor.as_str().into())));
        let mut found: Vec<_> = located.targets.iter().map(|target| target.uri.to_string()).collect();
        let mut should: Vec<_> =
            model.iter().filter(|(whose, ..)| *whose == aor).map(|(_, uri, ..)| uri.clone()).collect();
        found.sort();
        should.sort();
        assert_eq!(found, should, "step {step}");
        let holders = model.iter().filter(|(_, what, ..)| *what == uri).count();
        let wanted = Wanted::Contact(uri.as_str().into());
        assert_eq!(location.locate(now, &wanted).targets.len(), holders, "step {step}");
    }
}
