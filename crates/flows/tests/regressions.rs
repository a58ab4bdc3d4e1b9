//! What once went wrong, each on a still network with the loss that showed it.

use cordboard_flows::rfc3665::scene::{ALICE_BY_HERSELF, BOB, PROXY2};
use cordboard_flows::rfc5359::scene as rfc5359;
use cordboard_flows::{Phone, Stage};
use cordboard_ladder::Outcome;
use cordboard_sim::{Fault, HostId};
use std::time::Duration;

fn lose(stage: &Stage, word: &str, [from, to]: [HostId; 2], times: u32) {
    stage.fault(Fault::Lose { word: word.into(), from, to, times });
}

/// Alice and Bob, who find each other without a proxy.
fn two_phones(stage: &Stage) -> [Phone<'_>; 2] {
    stage.name(BOB.domain, BOB.address);
    [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person))
}

/// RFC 3263 §4.3: the first try seems lost, a second one goes out, and then the 200 of the first comes.
#[test]
fn a_call_answered_on_an_earlier_try_lets_the_later_one_go() {
    let stage = Stage::still();
    let alice = stage.person(&ALICE_BY_HERSELF);
    let proxy2 = stage.switchboard(&PROXY2);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    lose(&stage, "180", [proxy2, alice.into()], 2);
    lose(&stage, "200", [proxy2, alice.into()], 10);
    alice.dials(bob);
    bob.answers(alice);
    // The second try takes its time, so that its 482 comes after the 200.
    lose(&stage, "INVITE", [proxy2, bob.into()], 3);
    alice.is_answered();
    stage.drawn(
        "
                 alice      proxy2        bob
                   |--INVITE-->|           |
                   |           |--INVITE-->|
                   |           |<-180------|
                   |x-180------|           |
        R +0.47s   |--INVITE-->|           |
        R          |x-180------|           |
                   |           |<-200------|
                   |x-200------|           |
        R +0.47s   |--INVITE-->|           |
        R          |           |<-200------|
        R          |x-200------|           |
        R +0.99s   |           |<-200------|
        R          |x-200------|           |
        R +0.97s   |--INVITE-->|           |
        R +1.02s   |           |<-200------|
        R          |x-200------|           |
        R +2.97s   |--INVITE-->|           |
        R +1.02s   |           |<-200------|
        R          |x-200------|           |
        R +3.99s   |           |<-200------|
        R          |x-200------|           |
        R +2.97s   |--INVITE-->|           |
        R +1.02s   |           |<-200------|
        R          |x-200------|           |
        R +3.99s   |           |<-200------|
        R          |x-200------|           |
        R +3.99s   |           |<-200------|
        R          |x-200------|           |
        R +3.99s   |           |<-200------|
        R          |x-200------|           |
        R +2.97s   |--INVITE-->|           |
        +0.52s     |--INVITE-->|           |
                   |           |--INVITE--x|
        +0.2s      |<-(100)----|           |
        R +0.29s   |           |<-200------|
        R          |<-200------|           |
        R          |           |--INVITE--x|
                   |--CANCEL-->|           |
                   |--ACK----->|           |
                   |<-200------|           |
                   |           |--ACK----->|
                   |<========audio========>|
        R +0.97s   |           |--INVITE--x|
        R +2s      |           |--INVITE-->|
                   |           |<-180------|
                   |           |--CANCEL-->|
                   |<-180------|           |
                   |           |<-200------|
                   |           |<-487------|
                   |           |--ACK----->|
                   |<-487------|           |
                   |--ACK----->|           |
    ",
    );
    stage.talking([(alice, bob)]);
    bob.hangs_up();
    alice.is_alone();
}

/// RFC 3261 §13.3.1.4: the 200 of a change is repeated until its ACK comes, but not beyond the end of the call.
#[test]
fn a_call_that_is_over_waits_for_no_ack() {
    let stage = Stage::still();
    let [alice, bob] = two_phones(&stage);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    // The transactions of the first INVITE are over (64·T1, RFC 6026 §7).
    stage.passes(Duration::from_secs(40));
    stage.turn_page();
    lose(&stage, "ACK", [bob.into(), alice.into()], 2);
    bob.holds(alice);
    bob.has_changed(alice);
    alice.hangs_up();
    bob.is_alone();
    stage.drawn(
        "
                     alice             bob
                       |<-INVITE hold---|
                       |--200---------->|
                       |x-ACK-----------|
            R +0.49s   |--200---------->|
            R          |x-ACK-----------|
                       |--BYE---------->|
                       |<-200-----------|
        ",
    );
    stage.talking([]);
}

/// RFC 5359 §2.3: the music server reported so late that the call was forgotten which had been given to it, and then nobody
/// knew where to take the other side back.
#[test]
fn a_call_is_taken_back_from_a_server_however_late_that_reports() {
    let stage = Stage::still();
    let [alice, bob, music] =
        [&rfc5359::ALICE, &rfc5359::BOB, &rfc5359::MUSIC].map(|person| stage.person(person));
    rfc5359::with_server(&stage, &rfc5359::MUSIC);
    alice.dials(bob);
    bob.answers(alice);
    bob.holds(alice);
    alice.is_held_by(bob, true);
    // The call is forgotten half a minute after it is over (RFC 3261 §17.2.2). The first report is heard when it is sent for
    // the last time (§17.1.2.2), which is almost as late, and the second one seconds after that.
    lose(&stage, "NOTIFY", [music.into(), bob.into()], 10);
    bob.plays_music_to(alice, music);
    stage.passes(Duration::from_millis(31_540));
    lose(&stage, "NOTIFY", [music.into(), bob.into()], 3);
    bob.learns(Outcome::Completed);
    bob.takes_back(alice);
    bob.is_answered();
    music.is_alone();
    stage.talking([(alice, bob)]);
}

/// RFC 3891 §3: the target hung up on the transferee before its ACK came, and stayed in the call that the transferee had
/// taken over, with a transferor who had been told that all went well.
#[test]
fn a_takeover_that_is_hung_up_before_its_ack_ends_the_call_it_took_over() {
    let stage = Stage::still();
    let [alice, bob, carol] =
        [&rfc5359::ALICE, &rfc5359::BOB, &rfc5359::CAROL].map(|person| stage.person(person));
    rfc5359::without_servers(&stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    bob.transfers_to(alice, carol);
    stage.at_once(|| carol.gives_up_on(alice));
    bob.learns(Outcome::Completed);
    bob.is_alone();
    alice.is_alone();
    carol.is_alone();
    stage.talking([]);
}

/// RFC 3725 §4: the target held the transferor while it was offered what the transferee had said, so that both refused each
/// other (RFC 3261 §14.1). The second try offered nothing, nobody got an answer, and both calls were lost.
#[test]
fn an_offer_for_a_bridge_that_met_another_is_made_again() {
    let stage = Stage::still();
    let [alice, bob, carol] =
        [&rfc5359::ALICE, &rfc5359::BOB, &rfc5359::CAROL].map(|person| stage.person(person));
    rfc5359::without_servers(&stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    lose(&stage, "INVITE", [bob.into(), carol.into()], 2);
    lose(&stage, "491", [bob.into(), carol.into()], 3);
    bob.bridges(alice, carol);
    carol.holds(bob);
    carol.has_on_hold(bob);
    bob.learns(Outcome::Completed);
    stage.passes(Duration::from_mins(1));
    alice.hangs_up();
    carol.is_alone();
    stage.talking([]);
}

/// RFC 3725 §4: the target's call ended while the transferee was asked for its offer, which then was never acknowledged,
/// and the transferee gave up its own call.
#[test]
fn an_offer_for_a_bridge_that_was_given_up_is_answered() {
    let stage = Stage::still();
    let [alice, bob, carol] =
        [&rfc5359::ALICE, &rfc5359::BOB, &rfc5359::CAROL].map(|person| stage.person(person));
    rfc5359::without_servers(&stage);
    alice.dials(bob);
    bob.answers(alice);
    bob.dials(carol);
    carol.answers(bob);
    bob.is_answered();
    stage.at_once(|| {
        bob.bridges(alice, carol);
        bob.gives_up_on(carol);
    });
    carol.is_alone();
    stage.passes(Duration::from_mins(1));
    stage.talking([(alice, bob)]);
}

/// RFC 3261 §13.2.2.4: a 200 that came again after the re-INVITE which made its sender a focus (RFC 4579 §5.4) said once more
/// that there is none, and was believed.
#[test]
fn a_200_that_comes_again_does_not_take_back_what_was_said_since() {
    let stage = Stage::still();
    let [alice, bob] = [&rfc5359::ALICE, &rfc5359::BOB].map(|person| stage.person(person));
    rfc5359::without_servers(&stage);
    let late = |word: &str, [from, to]: [Phone<'_>; 2], by| {
        let (word, from, to) = (word.into(), from.into(), to.into());
        stage.fault(Fault::Late { word, from, to, by: Duration::from_millis(by) });
    };
    alice.dials(bob);
    late("ACK", [alice, bob], 600);
    bob.answers(alice);
    late("200", [bob, alice], 3_000);
    bob.hosts(alice);
    alice.is_held_by(bob, true);
    stage.passes(Duration::from_secs(4));
    alice.watches_conference_of(bob);
    stage.drawn(
        "
                     alice             bob
                       |--INVITE------->|
                       |<-180-----------|
                       |<-200-----------|
                       |--ACK---------->|
            R +0.49s   |<-200-----------|
                       |<====audio=====>|
                       |<-INVITE hold---|
                       |--200---------->|
                       |<-ACK-----------|
            R +1.87s   |--ACK---------->|
                       |--SUBSCRIBE---->|
                       |<-200-----------|
                       |<-NOTIFY--------|
                       |--200---------->|
        ",
    );
}
