//! Automatic redial by a server (RFC 5359 §2.17): for those whose telephones cannot do it.

use cordboard_flows::rfc5359::scene::{ALICE, BILL, BOB, CAROL, PARK, with_server};
use cordboard_flows::{Manners, Person, Phone, Program, Stage, storm_seeds};
use cordboard_ladder::Outcome;
use cordboard_service::settings::Feature;
use cordboard_sip::Status;
use std::time::Duration;

/// For how long it waits.
const WITHIN: Duration = Duration::from_mins(6);

const SERVER: Person = Person {
    name: "redial",
    user: "redial",
    service: Some(Program::Redial { within: WITHIN, tries: 3 }),
    ..PARK
};

/// Alice talks with Bob, who takes no other call, and Carol has called him in vain.
fn busy(stage: &Stage) -> [Phone<'_>; 4] {
    let [carol, redial, bob, alice] = [&CAROL, &SERVER, &BOB, &ALICE].map(|person| stage.person(person));
    stage.off_stage(alice);
    with_server(stage, &SERVER);
    alice.dials(bob);
    bob.answers(alice);
    bob.is_answered();
    bob.refuses_calls(Status::BUSY_HERE);
    stage.turn_page();
    carol.dials(bob);
    carol.hears(Status::BUSY_HERE);
    [carol, redial, bob, alice]
}

/// She asks to be called back, and is.
fn asked(stage: &Stage) -> [Phone<'_>; 4] {
    let [carol, redial, bob, alice] = busy(stage);
    carol.asks_for_redial(redial, bob);
    carol.learns_of_asking(Outcome::Completed);
    [carol, redial, bob, alice]
}

fn called_back([carol, redial, bob, alice]: [Phone<'_>; 4]) -> [Phone<'_>; 2] {
    bob.takes_calls();
    alice.hangs_up();
    carol.answers(redial);
    carol.is_referred_to(bob);
    bob.answers(carol);
    carol.is_answered();
    redial.is_alone();
    [carol, bob]
}

#[test]
fn whoever_asks_is_called_back_once_the_other_is_free() {
    let stage = Stage::still();
    let [carol, bob] = called_back(asked(&stage));
    stage.talking([(carol, bob)]);
    stage.drawn(
        "
            carol           redial           bob
              |--INVITE---------------------->|
              |<-486--------------------------|
              |--ACK------------------------->|
              |--REFER bob---->|              |
              |<-401-----------|              |
              |--REFER bob---->|              |
              |<-202-----------|              |
              |<-NOTIFY 202----|              |
              |                |--SUBSCRIBE-->|
              |--200---------->|              |
              |                |<-200---------|
              |                |<-NOTIFY------|
              |                |--200-------->|
              |                |<-NOTIFY------|
              |                |--200-------->|
              |<-INVITE--------|              |
              |--180---------->|              |
              |--200---------->|              |
              |<-ACK-----------|              |
              |<-REFER bob-----|              |
              |<=====audio====>|              |
              |--202---------->|              |
              |--NOTIFY 100--->|              |
              |--INVITE---------------------->|
              |<-200-----------|              |
              |<-180--------------------------|
              |                |<-NOTIFY------|
              |                |--200-------->|
              |<-200--------------------------|
              |--ACK------------------------->|
              |--NOTIFY 200--->|              |
              |<============audio============>|
              |<-200-----------|              |
              |<-BYE-----------|              |
              |                |--SUBSCRIBE-->|
              |--200---------->|              |
              |                |<-200---------|
              |                |<-NOTIFY------|
              |                |--200-------->|
        ",
    );
}

#[test]
fn whoever_asks_is_called_back_in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [carol, bob] = called_back(asked(&stage));
        stage.talking([(carol, bob)]);
    }
    for seed in storm_seeds() {
        called_back(asked(&Stage::unbounded_storm(seed)));
    }
}

/// What was told to be taken goes on when the server's process dies.
#[test]
fn a_redial_that_waits_survives_the_server() {
    for seed in std::iter::once(0).chain(storm_seeds()) {
        let stage = if seed == 0 { Stage::still() } else { Stage::storm(seed) };
        let phones = asked(&stage);
        let redial = phones[1];
        assert_eq!(stage.kept_by(redial), 1);
        stage.starts_again(redial);
        stage.passes(Duration::from_millis(seed * 7));
        stage.starts_again(redial);
        let [carol, bob] = called_back(phones);
        stage.talking([(carol, bob)]);
        stage.passes(Duration::from_secs(1));
        assert_eq!(stage.kept_by(redial), 0, "what is done is forgotten");
    }
}

/// Its time goes on too: it is not longer for the server's having been started again.
#[test]
fn a_redial_waits_no_longer_than_it_was_to() {
    let stage = Stage::still();
    let [_, redial, bob, alice] = asked(&stage);
    stage.passes(WITHIN * 2 / 3);
    stage.starts_again(redial);
    stage.passes(WITHIN / 2);
    assert_eq!(stage.kept_by(redial), 0);
    bob.takes_calls();
    alice.hangs_up();
    stage.passes(Duration::from_mins(1));
    redial.is_alone();
}

/// By dialling: a code with the number after it; another gives up what one waits for.
#[test]
fn a_code_is_dialled_to_be_called_back_and_to_give_that_up() {
    let stage = Stage::still();
    let phones = busy(&stage);
    let [carol, redial, bob, alice] = phones;
    // Of the server's own domain, where there is nobody of that name.
    carol.dials_address("sip:*66nobody@server.example.com");
    carol.is_alone();
    stage.passes(Duration::from_secs(5));
    assert_eq!(stage.kept_by(redial), 0, "of somebody who does not exist nobody will ever tell");
    carol.asks_for_redial(redial, bob);
    carol.learns_of_asking(Outcome::Completed);
    assert_eq!(stage.kept_by(redial), 1);
    carol.dials_address("sip:*86@server.example.com");
    carol.is_alone();
    stage.passes(Duration::from_secs(5));
    assert_eq!(stage.kept_by(redial), 0);
    bob.takes_calls();
    alice.hangs_up();
    stage.passes(Duration::from_mins(1));
    redial.is_alone();
    carol.is_alone();
}

/// A telephone that knows no REFER is connected by the server, which stays between the two.
#[test]
fn whoever_cannot_be_referred_is_connected() {
    let stage = Stage::still();
    let old = Manners { lacks: &[Feature::Refer], ..Manners::USUAL };
    let [carol, redial, bob, alice] =
        [&Person { manners: old, ..CAROL }, &SERVER, &BOB, &ALICE].map(|person| stage.person(person));
    with_server(&stage, &SERVER);
    alice.dials(bob);
    bob.answers(alice);
    bob.is_answered();
    carol.asks_for_redial(redial, bob);
    carol.learns_of_asking(Outcome::Completed);
    alice.hangs_up();
    carol.answers(redial);
    bob.answers(redial);
    stage.passes(Duration::from_secs(5));
    assert!(carol.is_up_with(redial), "{}", stage.ladder());
    assert!(bob.is_up_with(redial));
    assert_eq!(stage.kept_by(redial), 0);
    carol.hangs_up();
    bob.is_alone();
    redial.is_alone();
}

/// Bob is free and does not answer, or is busy again: so often is it tried, and then no more.
#[test]
fn it_is_tried_a_few_times_and_no_more() {
    let stage = Stage::still();
    let [carol, redial, bob, alice] = asked(&stage);
    // His telephone refuses her all the same.
    alice.hangs_up();
    for _ in 0..3 {
        assert_eq!(stage.kept_by(redial), 1, "{}", stage.ladder());
        carol.answers(redial);
        redial.is_alone();
        carol.is_alone();
    }
    stage.passes(Duration::from_secs(1));
    assert_eq!(stage.kept_by(redial), 0);
    stage.passes(Duration::from_mins(2));
    assert!(!carol.is_rung());
    bob.is_alone();
}

/// Who is not in the group asks in vain, by REFER and by dialling.
#[test]
fn who_is_not_in_the_group_is_not_called_back() {
    let stage = Stage::still();
    let [carol, redial, bob, alice] = busy(&stage);
    alice.asks_for_redial(redial, carol);
    alice.learns_of_asking(Outcome::Refused);
    alice.dials_address("sip:*66bob@server.example.com");
    alice.hears(Status::UNAUTHORIZED);
    assert_eq!(stage.kept_by(redial), 0);
    stage.talking([(alice, bob)]);
}

/// Nobody is called back to themselves.
#[test]
fn nobody_is_called_back_to_talk_with_themselves() {
    let stage = Stage::still();
    let [carol, redial, ..] = busy(&stage);
    carol.asks_for_redial(redial, carol);
    carol.learns_of_asking(Outcome::RefersToItself);
    assert_eq!(stage.kept_by(redial), 0);
}

/// Two wait for the same one: who asked first is called first, and the other once that call is over.
#[test]
fn who_asked_first_is_called_first() {
    let stage = Stage::still();
    let [carol, redial, bob, alice] = asked(&stage);
    let bill = Person { domain: "bill.example.com", ..BILL };
    stage.name(bill.domain, bill.address);
    let bill = stage.person(&bill);
    bill.asks_for_redial(redial, bob);
    bill.learns_of_asking(Outcome::Completed);
    assert_eq!(stage.kept_by(redial), 2);
    let [carol, bob] = called_back([carol, redial, bob, alice]);
    stage.passes(Duration::from_mins(1));
    assert!(!bill.is_rung(), "bob talks with carol");
    stage.talking([(carol, bob)]);
    carol.hangs_up();
    bill.answers(redial);
    bill.is_referred_to(bob);
    bob.answers(bill);
    bill.is_answered();
    redial.is_alone();
    stage.talking([(bill, bob)]);
}

/// Whoever asked first gives it up: the other is called, and bob is watched in nobody's name who has no part in it.
#[test]
fn who_gives_up_is_in_nobodys_way() {
    let stage = Stage::still();
    let [carol, redial, bob, alice] = asked(&stage);
    let bill = Person { domain: "bill.example.com", ..BILL };
    stage.name(bill.domain, bill.address);
    let bill = stage.person(&bill);
    bill.asks_for_redial(redial, bob);
    bill.learns_of_asking(Outcome::Completed);
    carol.dials_address("sip:*86@server.example.com");
    carol.is_alone();
    stage.passes(Duration::from_secs(5));
    assert_eq!(stage.kept_by(redial), 1);
    let [bill, bob] = called_back([bill, redial, bob, alice]);
    stage.talking([(bill, bob)]);
    assert!(!carol.is_rung());
}

/// Carol is not there when her telephone rings: it does not ring for ever, and rings again later.
#[test]
fn who_is_not_there_is_called_once_more() {
    let stage = Stage::still();
    let phones = asked(&stage);
    let [carol, redial, bob, alice] = phones;
    bob.takes_calls();
    alice.hangs_up();
    stage.passes(Duration::from_secs(55));
    assert!(carol.is_rung());
    stage.passes(Duration::from_secs(20));
    assert!(!carol.is_rung(), "{}", stage.ladder());
    stage.passes(Duration::from_secs(20));
    carol.answers(redial);
    carol.is_referred_to(bob);
    bob.answers(carol);
    carol.is_answered();
    stage.talking([(carol, bob)]);
}

/// The server watches, calls and asks for Carol, and says so: those on whose way that lies judge it as hers.
#[test]
fn what_it_does_is_done_in_the_name_of_who_asked() {
    let stage = Stage::still();
    called_back(asked(&stage));
    let transcript = stage.transcript();
    let mut sent: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in transcript.lines() {
        match sent.last_mut() {
            Some((_, lines)) if !line.contains(" -> ") => lines.push(line),
            _ => sent.push((line, Vec::new())),
        }
    }
    for method in ["SUBSCRIBE", "INVITE", "REFER"] {
        let of_server =
            |(head, lines): &&(&str, Vec<&str>)| head.contains(" redial -> ") && lines[0].starts_with(method);
        let mut requests = sent.iter().filter(of_server).peekable();
        assert!(requests.peek().is_some(), "{method}");
        for (_, lines) in requests {
            let named = lines.iter().find(|line| line.starts_with("Referred-By: "));
            assert!(named.is_some_and(|line| line.contains("<sip:carol@")), "{lines:#?}");
        }
    }
}
