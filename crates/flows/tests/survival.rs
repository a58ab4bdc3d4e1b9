//! What survives the death of a server's process (RFC 3261 §12.2, §14.1): it is killed and started again in the middle.

use cordboard_core::transport::Transport;
use cordboard_flows::rfc5359::scene::{ALICE, BOB, CAROL, PARK, with_server};
use cordboard_flows::{Person, Phone, Program, Stage, storm_seeds};
use cordboard_ladder::Outcome;
use cordboard_sim::{Fault, Weather};
use std::time::Duration;

/// How long a call is parked before whoever parked it is called.
const PATIENCE: Duration = Duration::from_mins(10);

/// A park server with slots for two.
const SERVER: Person =
    Person { service: Some(Program::Park { slots: &["701", "702"], rings_back_after: PATIENCE }), ..PARK };

/// Alice is parked by Bob.
fn parked(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, bob, park, carol] = [&ALICE, &BOB, &SERVER, &CAROL].map(|person| stage.person(person));
    with_server(stage, &SERVER);
    alice.dials(bob);
    bob.answers(alice);
    bob.parks(alice, park);
    bob.learns(Outcome::Completed);
    bob.is_alone();
    [alice, bob, park, carol]
}

/// The same, and the park server's process dies and is started again.
fn parked_over_a_restart(stage: &Stage) -> [Phone<'_>; 4] {
    let [alice, bob, park, carol] = parked(stage);
    stage.turn_page();
    stage.starts_again(park);
    [alice, bob, park, carol]
}

fn retrieved_by_replaces(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, _, park, carol] = parked_over_a_restart(stage);
    carol.retrieves_from(park);
    carol.is_answered();
    park.is_alone();
    [alice, carol]
}

fn retrieved_by_number(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, _, park, carol] = parked_over_a_restart(stage);
    carol.dials_address("sip:701@server.example.com");
    carol.is_referred_to(alice);
    carol.is_answered();
    park.is_alone();
    [alice, carol]
}

/// §14.1: the server says where it is now and where its sound is; §12.2.2: the numbers of what it sends go on.
#[test]
fn a_parked_call_is_taken_up_and_retrieved() {
    let stage = Stage::still();
    let [alice, carol] = retrieved_by_replaces(&stage);
    stage.talking([(alice, carol)]);
    stage.drawn(
        "
            alice            park           carol
              |<-INVITE hold---|              |
              |--200---------->|              |
              |<-ACK-----------|              |
              |                |<-SUBSCRIBE---|
              |                |--401-------->|
              |                |<-SUBSCRIBE---|
              |                |--200-------->|
              |                |--NOTIFY----->|
              |                |<-200---------|
              |<-INVITE-----------------------|
              |--200------------------------->|
              |<-ACK--------------------------|
              |<============audio============>|
              |--BYE---------->|              |
              |<-200-----------|              |
        ",
    );
}

#[test]
fn a_parked_call_is_taken_up_and_retrieved_in_a_storm() {
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [alice, carol] = retrieved_by_replaces(&stage);
        stage.talking([(alice, carol)]);
    }
    for seed in storm_seeds() {
        retrieved_by_replaces(&Stage::unbounded_storm(seed));
    }
}

/// The slot is the same one, and whoever dials it gets who waits in it.
#[test]
fn whoever_dials_the_slot_after_a_restart_gets_the_parkee() {
    let stage = Stage::still();
    let [alice, carol] = retrieved_by_number(&stage);
    stage.talking([(alice, carol)]);
    for seed in storm_seeds() {
        let stage = Stage::storm(seed);
        let [alice, carol] = retrieved_by_number(&stage);
        stage.talking([(alice, carol)]);
    }
    for seed in storm_seeds() {
        retrieved_by_number(&Stage::unbounded_storm(seed));
    }
}

/// It rings back when it would have rung back without the restart: not at once, and not as late as if it had begun anew.
#[test]
fn the_timer_that_rings_back_goes_on_from_where_it_was() {
    let stage = Stage::still();
    let [alice, bob, park, _] = parked(&stage);
    stage.passes(PATIENCE * 3 / 4);
    stage.starts_again(park);
    stage.passes(PATIENCE / 5);
    assert!(!bob.is_rung(), "not before its time");
    stage.passes(PATIENCE / 10);
    assert!(bob.is_rung(), "and not later");
    bob.answers(park);
    bob.is_referred_to(alice);
    bob.is_answered();
    park.is_alone();
    stage.talking([(alice, bob)]);
}

/// The process dies while whoever parked is being called: they are called again.
#[test]
fn whoever_is_being_called_back_is_called_again() {
    let stage = Stage::still();
    let [alice, bob, park, _] = parked(&stage);
    stage.passes(PATIENCE + Duration::from_secs(2));
    assert!(bob.is_rung());
    stage.starts_again(park);
    // Of the call that the dead process made nobody can say anything any more; the latest is another.
    bob.answers(park);
    bob.is_referred_to(alice);
    bob.is_answered();
    park.is_alone();
    stage.talking([(alice, bob)]);
}

/// §12.2.1.2: who was parked has hung up meanwhile, and answers 481. Their slot is free.
#[test]
fn a_call_that_is_over_meanwhile_is_dropped() {
    for seed in std::iter::once(0).chain(storm_seeds()) {
        let stage = if seed == 0 { Stage::still() } else { Stage::storm(seed) };
        let [alice, bob, park, _] = parked(&stage);
        let dead = Fault::Silent(park.into());
        stage.fault(dead.clone());
        alice.hangs_up();
        // As long as it takes until her BYE is given up.
        stage.passes(Duration::from_secs(40));
        stage.lift(&dead);
        stage.starts_again(park);
        park.is_alone();
        stage.passes(Duration::from_secs(1));
        assert_eq!(stage.kept_by(park), 0, "what is over is forgotten");
        alice.dials(bob);
        bob.answers(alice);
        bob.parks(alice, park);
        bob.learns(Outcome::Completed);
        bob.is_alone();
    }
}

/// It dies again while it takes its calls up.
#[test]
fn a_server_that_dies_again_and_again_loses_nobody() {
    for seed in std::iter::once(0).chain(storm_seeds()) {
        let stage = if seed == 0 { Stage::still() } else { Stage::storm(seed) };
        let [alice, _, park, carol] = parked(&stage);
        for pause in [0, 1, 30, 500, 2_000] {
            stage.starts_again(park);
            stage.passes(Duration::from_millis(pause));
        }
        carol.retrieves_from(park);
        carol.is_answered();
        park.is_alone();
        stage.talking([(alice, carol)]);
    }
}

/// Whatever the moment at which it dies: Alice is with Bob as before, or waits in the slot and is retrieved. What Bob was
/// told is so.
#[test]
fn whoever_is_being_parked_when_the_server_dies_is_lost_by_nobody() {
    let (mut stayed, mut moved) = (0, 0);
    for moment in 0..60 {
        let stage = Stage::still();
        let [alice, bob, park, carol] = [&ALICE, &BOB, &SERVER, &CAROL].map(|person| stage.person(person));
        with_server(&stage, &SERVER);
        alice.dials(bob);
        bob.answers(alice);
        bob.is_answered();
        bob.parks(alice, park);
        stage.passes(Duration::from_micros(moment * 1_500));
        let told = bob.has_learnt(Outcome::Completed);
        stage.starts_again(park);
        stage.passes(Duration::from_mins(2));
        if alice.is_up_with(bob) {
            assert!(!told && stage.kept_by(park) == 0, "{moment}");
            stayed += 1;
            continue;
        }
        assert_eq!(stage.kept_by(park), 1, "{moment}");
        moved += 1;
        carol.retrieves_from(park);
        carol.is_answered();
        park.is_alone();
        stage.talking([(alice, carol)]);
    }
    assert!(stayed > 5 && moved > 5, "{stayed} stayed, {moved} moved");
}

/// Who cannot be reached when the server is back, as a phone whose connection has died, may be a little later.
#[test]
fn whoever_is_away_for_a_moment_is_still_parked() {
    let stage = Stage::simulated_over(0, Weather::Still, Transport::Tcp);
    let [alice, _, park, carol] = parked(&stage);
    let away = Fault::Silent(alice.into());
    stage.fault(away.clone());
    stage.starts_again(park);
    stage.passes(Duration::from_secs(30));
    assert_eq!(stage.kept_by(park), 1);
    stage.lift(&away);
    stage.passes(Duration::from_mins(1));
    carol.retrieves_from(park);
    carol.is_answered();
    park.is_alone();
    stage.talking([(alice, carol)]);
}
