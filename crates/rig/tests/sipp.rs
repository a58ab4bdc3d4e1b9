//! `SIPp` registers, calls, cancels, is busy, does not answer and re-INVITEs through the switchboard.

use std::time::{Duration, Instant};

use cordboard_rig::sipp::{Load, users, write_users};
use cordboard_rig::{Place, Sipp, Switchboard, isolated};

const PROGRAMS: [&str; 1] = ["sipp"];

/// Users in the ring of callers; each calls the next.
const USERS: u32 = 300;

/// Where the callees are registered.
const CALLEES: u16 = 5090;

/// Where the callers are.
const CALLERS: u16 = 5080;

/// What `make test` plays of each scenario.
const LOAD: Load =
    Load { calls: 300, rate: 50, pause: Duration::from_millis(300), limit: Duration::from_mins(1) };

/// What a run may take beyond starting its calls: starting `SIPp`, the last call, and waiting for what may come late.
const TAIL: Duration = Duration::from_secs(5);

/// Callers' scenario, callees' scenario.
const CALLS: [(&str, &str); 6] = [
    ("calls", "answers"),
    ("cancels-at-once", "is-cancelled-at-once"),
    ("meets-busy", "is-busy"),
    ("gives-up", "does-not-answer"),
    ("calls-and-reinvites", "answers-and-accepts-reinvites"),
    ("calls-and-accepts-reinvites", "answers-and-reinvites"),
];

/// Registers every user where the callees will be, then plays `callers` against `callees`.
fn play(callers: &str, callees: &str) {
    isolated(&PROGRAMS, |place| {
        let switchboard = Switchboard::start_with(place, &users(USERS));
        register(place, &switchboard, LOAD.rate * 4);
        play_once(place, &switchboard, callers, callees, LOAD);
    });
}

fn register(place: &Place, switchboard: &Switchboard, rate: u32) {
    let people = write_users(place, switchboard, &users(USERS));
    let load = Load { calls: USERS, rate, ..LOAD };
    Sipp::start(place, switchboard, "registers", CALLEES, &people, load).expect_success();
}

fn play_once(place: &Place, switchboard: &Switchboard, callers: &str, callees: &str, load: Load) {
    let people = write_users(place, switchboard, &users(USERS));
    let answering = Sipp::start(place, switchboard, callees, CALLEES, &people, load);
    answering.wait_listening();
    let calling = Sipp::start(place, switchboard, callers, CALLERS, &people, load);
    calling.expect_success();
    answering.expect_success();
}

#[test]
fn three_hundred_registrations_with_digest() {
    isolated(&PROGRAMS, |place| {
        let switchboard = Switchboard::start_with(place, &users(USERS));
        register(place, &switchboard, LOAD.rate);
    });
}

#[test]
fn three_hundred_calls() {
    play("calls", "answers");
}

#[test]
fn three_hundred_calls_cancelled_at_once() {
    play("cancels-at-once", "is-cancelled-at-once");
}

#[test]
fn three_hundred_calls_to_the_busy() {
    play("meets-busy", "is-busy");
}

#[test]
fn three_hundred_calls_not_answered() {
    play("gives-up", "does-not-answer");
}

#[test]
fn three_hundred_calls_reinvited_by_the_caller() {
    play("calls-and-reinvites", "answers-and-accepts-reinvites");
}

#[test]
fn three_hundred_calls_reinvited_by_the_callee() {
    play("calls-and-accepts-reinvites", "answers-and-reinvites");
}

#[test]
#[ignore = "soak"]
fn ten_thousand_calls_at_two_hundred_a_second() {
    isolated(&PROGRAMS, |place| {
        let switchboard = Switchboard::start_with(place, &users(USERS));
        register(place, &switchboard, 200);
        let calls = 10_000_u32.div_ceil(CALLS.len() as u32);
        for (callers, callees) in CALLS {
            let load = Load { calls, rate: 200, ..LOAD };
            let began = Instant::now();
            play_once(place, &switchboard, callers, callees, load);
            let bound = Duration::from_secs(u64::from(calls / load.rate)) + TAIL;
            assert!(began.elapsed() < bound, "{callers}: slower than {} calls a second", load.rate);
            eprintln!("{calls} calls of {callers} in {:.1?}", began.elapsed());
        }
    });
}
