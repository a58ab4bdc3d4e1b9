//! Conference rooms (RFC 4579 §5): the focus of several conferences, into which people dial, are called, and are put out.

use cordboard_flows::rfc5359::scene::{ALICE, BILL, BOB, CAROL, PARK, with_server};
use cordboard_flows::{Person, Phone, Program, Stage, storm_seeds};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use cordboard_sip::body::conference_info::EndpointStatus::Connected;
use std::time::Duration;

/// A focus with two rooms: one of them for three, and its own address is its.
const ROOM: Person = Person {
    name: "room",
    user: "800",
    service: Some(Program::Focus { rooms: &[("800", 3), ("801", 2)] }),
    ..PARK
};

/// What the focus says in every call of the room.
const CONTACT: &str = "Contact: <sip:800@192.0.2.112:5060>;isfocus";

/// Everybody of the work group, and Alice, who is not in it.
fn people(stage: &Stage) -> [Phone<'_>; 5] {
    let bill = Person { domain: "bill.example.com", ..BILL };
    let all = [&BOB, &ROOM, &CAROL, &bill, &ALICE].map(|person| stage.person(person));
    with_server(stage, &ROOM);
    stage.name(bill.domain, bill.address);
    all
}

/// §5.1: Bob and Carol dial into the room.
fn dialled_in(stage: &Stage) -> [Phone<'_>; 5] {
    let [bob, room, carol, bill, alice] = people(stage);
    bob.dials(room);
    bob.is_answered();
    carol.dials(room);
    carol.is_answered();
    [bob, room, carol, bill, alice]
}

/// The same, and Bob watches who is in it.
fn watched(stage: &Stage) -> [Phone<'_>; 5] {
    let [bob, room, carol, bill, alice] = people(stage);
    bob.dials(room);
    bob.is_answered();
    bob.watches_conference_of(room);
    bob.sees(bob, Connected);
    carol.dials(room);
    carol.is_answered();
    bob.sees(carol, Connected);
    [bob, room, carol, bill, alice]
}

/// §5.5: Bob has Bill called into it; §5.11: and Carol put out.
fn called_in_and_put_out([bob, room, carol, bill, _]: [Phone<'_>; 5]) -> [Phone<'_>; 3] {
    bob.asks_into(room, bill);
    bill.answers(room);
    bill.is_answered();
    bob.learns_of_asking(Outcome::Completed);
    bob.asks_out(room, carol);
    bob.learns_of_asking(Outcome::Completed);
    carol.is_alone();
    [bob, room, bill]
}

#[test]
fn whoever_dials_is_in_the_room() {
    let stage = Stage::still();
    let [bob, room, carol, ..] = watched(&stage);
    stage.talking([(bob, room), (carol, room)]);
    stage.drawn(
        "
                bob           room        carol
                 |--INVITE----->|           |
                 |<-401---------|           |
                 |--ACK-------->|           |
                 |--INVITE----->|           |
                 |<-200---------|           |
                 |--ACK-------->|           |
                 |<===audio====>|           |
                 |--SUBSCRIBE-->|           |
                 |<-200---------|           |
                 |<-NOTIFY------|           |
                 |--200-------->|           |
                 |              |<-INVITE---|
                 |              |--401----->|
                 |              |<-ACK------|
                 |              |<-INVITE---|
                 |              |--200----->|
                 |              |<-ACK------|
                 |              |<==audio==>|
        +3.959s  |<-NOTIFY------|           |
                 |--200-------->|           |
    ",
    );
    bob.watches_no_conference();
}

#[test]
fn whoever_is_in_the_room_has_others_called_in_and_put_out() {
    let stage = Stage::still();
    let people = watched(&stage);
    stage.turn_page();
    let [bob, room, bill] = called_in_and_put_out(people);
    stage.talking([(bob, room), (bill, room)]);
    bob.sees_not(people[2]);
    stage.drawn(
        "
                bob             room     carol  bill
                 |--REFER bill--->|        |      |
                 |<-401-----------|        |      |
                 |--REFER bill--->|        |      |
                 |<-202-----------|        |      |
                 |<-NOTIFY 100----|        |      |
                 |                |--INVITE------>|
                 |--200---------->|        |      |
                 |                |<-180----------|
                 |                |<-200----------|
                 |                |--ACK--------->|
                 |<-NOTIFY 200----|        |      |
                 |                |<====audio====>|
                 |--200---------->|        |      |
                 |<-NOTIFY--------|        |      |
                 |--200---------->|        |      |
                 |--REFER carol-->|        |      |
                 |<-401-----------|        |      |
                 |--REFER carol-->|        |      |
                 |<-202-----------|        |      |
                 |                |--BYE-->|      |
                 |<-NOTIFY 200----|        |      |
                 |                |<-200---|      |
                 |--200---------->|        |      |
        +3.969s  |<-NOTIFY--------|        |      |
                 |--200---------->|        |      |
    ",
    );
    bob.watches_no_conference();
}

#[test]
fn a_room_in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let people = watched(&stage);
        let [bob, room, bill] = called_in_and_put_out(people);
        stage.talking([(bob, room), (bill, room)]);
        bob.sees_not(people[2]);
        bob.watches_no_conference();
    }
    for seed in storm_seeds() {
        let stage = Stage::unbounded_storm(seed);
        called_in_and_put_out(dialled_in(&stage));
    }
}

/// The last who leaves leaves an empty room, into which one can dial again; and who watches is told.
#[test]
fn a_room_is_empty_when_the_last_has_left() {
    let stage = Stage::still();
    let [bob, room, carol, ..] = watched(&stage);
    carol.hangs_up();
    bob.hangs_up();
    room.is_alone();
    bob.sees_nobody();
    carol.dials(room);
    carol.is_answered();
    stage.talking([(carol, room)]);
    bob.sees(carol, Connected);
    bob.watches_no_conference();
}

/// Three may be in it: a fourth is told that it is full, by dialling and by being called; another room has its own places.
#[test]
fn a_full_room_takes_nobody_and_another_room_does() {
    let stage = Stage::still();
    let [bob, room, carol, bill, alice] = dialled_in(&stage);
    let dave = stage.person(&Person { name: "dave", user: "dave", address: 140, ..BILL });
    bill.dials(room);
    bill.is_answered();
    stage.turn_page();
    dave.dials(room);
    dave.hears(Status::BUSY_HERE);
    assert!(stage.transcript().contains("the room has as many parties as it may"), "{}", stage.transcript());
    bob.asks_into(room, alice);
    bob.learns_of_asking(Outcome::TargetBusy);
    assert!(!alice.is_rung());
    dave.dials_address("sip:801@server.example.com");
    dave.is_answered();
    dave.dials_address("sip:802@server.example.com");
    dave.hears(Status::NOT_FOUND);
    stage.talking([(bob, room), (carol, room), (bill, room), (dave, room)]);
}

/// Who is called into a room and does not come is not in it, and whoever asked knows why.
#[test]
fn whoever_does_not_come_is_not_in_the_room() {
    let stage = Stage::still();
    let [bob, room, carol, bill, _] = dialled_in(&stage);
    bob.asks_into(room, bill);
    bill.declines(room, Status::BUSY_HERE);
    bob.learns_of_asking(Outcome::TargetBusy);
    // Whoever is in it already is not called again, and who is not cannot be put out.
    bob.asks_into(room, carol);
    bob.learns_of_asking(Outcome::TargetBusy);
    assert!(!carol.is_rung());
    bob.asks_out(room, bill);
    bob.learns_of_asking(Outcome::TargetNotFound);
    stage.talking([(bob, room), (carol, room)]);
}

/// A room does not call itself, nor another of the same focus.
#[test]
fn a_room_does_not_call_itself() {
    let stage = Stage::still();
    let [bob, room, carol, ..] = dialled_in(&stage);
    bob.asks_into(room, room);
    bob.learns_of_asking(Outcome::RefersToItself);
    stage.talking([(bob, room), (carol, room)]);
}

/// Who is not in the group: not by dialling, nor by asking for somebody, nor for somebody's leaving; nor in somebody else's
/// name.
#[test]
fn who_is_not_in_the_group_changes_nothing() {
    let stage = Stage::still();
    let [bob, room, carol, bill, alice] = dialled_in(&stage);
    alice.dials(room);
    alice.hears(Status::UNAUTHORIZED);
    alice.asks_into(room, bill);
    alice.learns_of_asking(Outcome::Refused);
    alice.asks_out(room, carol);
    alice.learns_of_asking(Outcome::Refused);
    let thief =
        Person { name: "thief", user: "bob", address: 150, passwords: &[("work.example.com", "x")], ..ALICE };
    let thief = stage.person(&thief);
    thief.asks_out(room, carol);
    thief.learns_of_asking(Outcome::Refused);
    assert!(!bill.is_rung());
    stage.talking([(bob, room), (carol, room)]);
}

/// Somebody who was called in without being in the group is in it, and may no more than before: they do not put others out.
#[test]
fn a_guest_puts_nobody_out() {
    let stage = Stage::still();
    let [bob, room, carol, _, alice] = dialled_in(&stage);
    bob.asks_into(room, alice);
    alice.answers(room);
    bob.learns_of_asking(Outcome::Completed);
    alice.is_answered();
    alice.asks_out(room, carol);
    alice.learns_of_asking(Outcome::Refused);
    stage.talking([(bob, room), (carol, room), (alice, room)]);
    bob.asks_out(room, alice);
    bob.learns_of_asking(Outcome::Completed);
    alice.is_alone();
    stage.talking([(bob, room), (carol, room)]);
}

/// A REFER in one's own call with the focus: whoever is named is called in, and then takes the place of who asked, as a
/// telephone's transfer button wants it.
#[test]
fn a_place_in_a_room_is_handed_over() {
    for seed in std::iter::once(0).chain(storm_seeds()) {
        let stage = if seed == 0 { Stage::still() } else { Stage::storm(seed) };
        let [bob, room, carol, bill, _] = dialled_in(&stage);
        carol.transfers(room, bill);
        bill.answers(room);
        carol.learns(Outcome::Completed);
        carol.is_alone();
        bill.is_answered();
        stage.talking([(bob, room), (bill, room)]);
    }
}

/// The same, and nobody comes: who asked is in the room as before, and is called back by nobody.
#[test]
fn a_place_that_nobody_takes_is_kept() {
    let stage = Stage::still();
    let [bob, room, carol, bill, _] = dialled_in(&stage);
    carol.transfers(room, bill);
    bill.declines(room, Status::DECLINE);
    carol.learns(Outcome::TargetDeclined);
    stage.passes(Duration::from_secs(10));
    assert!(!carol.is_rung());
    stage.talking([(bob, room), (carol, room)]);
}

/// §5.8: by the dialog of somebody who is in it.
#[test]
fn whoever_joins_a_call_of_a_room_is_in_it() {
    let stage = Stage::still();
    let [bob, room, carol, bill, _] = dialled_in(&stage);
    bill.joins(room, carol);
    bill.is_answered();
    stage.talking([(bob, room), (carol, room), (bill, room)]);
    bob.watches_conference_of(room);
    bob.sees(bill, Connected);
    bob.watches_no_conference();
}

/// The focus dies and is started again: everybody is in the room as before, its URI is the same, and it tells who is in it.
fn over_a_restart(stage: &Stage) -> [Phone<'_>; 4] {
    let [bob, room, carol, bill, _] = dialled_in(stage);
    stage.turn_page();
    stage.starts_again(room);
    [bob, room, carol, bill]
}

#[test]
fn who_is_in_a_room_is_in_it_after_a_restart() {
    let stage = Stage::still();
    let [bob, room, carol, bill] = over_a_restart(&stage);
    let before = stage.transcript().matches(CONTACT).count();
    stage.passes(Duration::from_secs(1));
    stage.talking([(bob, room), (carol, room)]);
    assert_eq!(stage.kept_by(room), 2);
    assert_eq!(stage.transcript().matches(CONTACT).count(), before + 2, "both are told whose focus it is");
    stage.drawn(
        "
        bob        room        carol
         |<-INVITE---|           |
         |--200----->|           |
         |           |--INVITE-->|
         |<-ACK------|           |
         |           |<-200------|
         |           |--ACK----->|
    ",
    );
    // A place is taken as before, and everybody can be put out.
    let dave = stage.person(&Person { name: "dave", user: "dave", address: 140, ..BILL });
    bill.dials(room);
    bill.is_answered();
    dave.dials(room);
    dave.hears(Status::BUSY_HERE);
    carol.watches_conference_of(room);
    for phone in [bob, carol, bill] {
        carol.sees(phone, Connected);
    }
    carol.watches_no_conference();
    carol.asks_out(room, bob);
    carol.learns_of_asking(Outcome::Completed);
    bob.is_alone();
    stage.passes(Duration::from_secs(1));
    assert_eq!(stage.kept_by(room), 2, "who has left is forgotten");
    stage.talking([(carol, room), (bill, room)]);
}

#[test]
fn who_is_in_a_room_is_in_it_after_a_restart_in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [bob, room, carol, _] = over_a_restart(&stage);
        stage.passes(Duration::from_millis(seed * 7));
        stage.starts_again(room);
        stage.passes(Duration::from_secs(30));
        stage.talking([(bob, room), (carol, room)]);
        assert_eq!(stage.kept_by(room), 2);
    }
    for seed in storm_seeds() {
        over_a_restart(&Stage::unbounded_storm(seed));
    }
}

/// Whatever the moment at which it dies while somebody dials in: they are in the room once, for an INVITE is repeated.
#[test]
fn whoever_comes_in_when_the_focus_dies_is_in_the_room() {
    for moment in 0..40 {
        let stage = Stage::still();
        let [bob, room, ..] = people(&stage);
        bob.dials(room);
        stage.passes(Duration::from_micros(moment * 1_500));
        stage.starts_again(room);
        stage.passes(Duration::from_mins(4));
        assert_eq!(stage.kept_by(room), 1, "{moment}");
        stage.talking([(bob, room)]);
    }
}
