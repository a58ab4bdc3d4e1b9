//! Every kind of transfer, and the services, in every order in which its events can come; and the explorer itself, which a planted bug
//! turns red.
//!
//! `CORDBOARD_CHOICES='3=1 17=2'`, as a failure prints it, plays only that run of a test, and draws it.

use cordboard_flows::explorer::{KINDS, Kind, Party, SERVICES};
use cordboard_sim::{Fault, HostId};

/// How far runs may differ from the usual one when a bug is looked for that is known.
const TURNS: usize = 2;

/// Interleavings of each kind of transfer that there are at least.
const AT_LEAST: u64 = 1_000;

/// And of each service: somewhat fewer acts may come at somewhat fewer moments.
const AT_LEAST_OF_A_SERVICE: u64 = 400;

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().chain(SERVICES).find(|kind| kind.name == name).expect("there is such a kind")
}

fn sound(_: Party, _: HostId) -> Option<Fault> {
    None
}

/// An agent that does not get to see messages with this first word.
fn deaf(who: Party, word: &'static str) -> impl Fn(Party, HostId) -> Option<Fault> {
    move |party, host| (party == who).then(|| Fault::Deaf { host, word: word.into() })
}

/// Plays all of a kind, or the one run that the environment asks for.
fn explore(name: &str, turns: usize) {
    let kind = kind(name);
    if let Some(choices) = std::env::var_os("CORDBOARD_CHOICES") {
        let turns = choices.to_string_lossy().parse().expect("CORDBOARD_CHOICES names turns");
        let drawn = kind.replay(turns, sound).unwrap_or_else(|why| panic!("{why}"));
        eprintln!("{name}: {drawn}");
        return;
    }
    let explored = kind.explore(turns, sound).unwrap_or_else(|why| panic!("{why}"));
    eprintln!("{name}, at most {turns} turns: {explored}");
    let is_service = SERVICES.iter().any(|service| service.name == name);
    let least = if is_service { AT_LEAST_OF_A_SERVICE } else { AT_LEAST };
    assert!(explored.runs >= least, "{name}: {explored}");
}

/// The tests of each kind: as many turns as make a thousand interleavings, and one more where there is time.
macro_rules! explored {
    ($($test:ident $thorough:ident $name:literal $turns:literal)*) => {
        $(
            #[test]
            fn $test() {
                explore($name, $turns);
            }

            #[test]
            #[ignore = "takes long; `make soak` runs it"]
            fn $thorough() {
                explore($name, $turns + 1);
            }
        )*

        #[test]
        fn every_kind_is_explored() {
            assert!(KINDS.iter().chain(SERVICES).map(|kind| kind.name).eq([$($name),*]));
        }
    };
}

explored! {
    unattended unattended_thoroughly "unattended" 2
    unattended_from_hold unattended_from_hold_thoroughly "unattended from hold" 2
    unattended_on_its_own unattended_on_its_own_thoroughly "unattended on its own" 2
    after_a_consultation after_a_consultation_thoroughly "after a consultation" 2
    attended attended_thoroughly "attended" 2
    attended_on_its_own attended_on_its_own_thoroughly "attended on its own" 2
    semi_attended semi_attended_thoroughly "semi-attended" 2
    by_message by_message_thoroughly "by message" 3
    bridged bridged_thoroughly "bridged" 3
    held_through_a_bridge held_through_a_bridge_thoroughly "held through a bridge" 2
    park park_thoroughly "park" 2
    pickup pickup_thoroughly "pickup" 2
    join join_thoroughly "join" 2
    forwarding forwarding_thoroughly "forwarding" 2
    find_me find_me_thoroughly "find-me" 2
}

/// The transferee gave the target up, and does not hear that it is free.
#[test]
fn a_dropped_487_turns_it_red() {
    turns_red("unattended", || deaf(Party::Transferee, "487"), "is not heard: SIP/2.0 487");
}

/// The transferee does not hear that the transferor has left it.
#[test]
fn a_dropped_bye_turns_it_red() {
    turns_red("attended", || deaf(Party::Transferee, "BYE"), "is not heard: BYE");
}

/// Who holds through a bridge while the other side does the same does not hear that it has to wait.
#[test]
fn a_dropped_491_turns_holding_through_a_bridge_red() {
    let says = "Transferee and the transferor are in a call: false";
    turns_red("held through a bridge", || deaf(Party::Transferee, "491"), says);
}

/// Who picks a call up does not hear that it was answered meanwhile.
#[test]
fn a_dropped_486_turns_pickup_red() {
    turns_red("pickup", || deaf(Party::Colleague, "486"), "a call of Colleague ended as no-answer");
}

/// Who wants whom somebody else has retrieved does not hear that it is too late.
#[test]
fn a_dropped_603_turns_park_red() {
    turns_red("park", || deaf(Party::Another, "603"), "a call of Another ended as no-answer");
}

/// Who joins a call does not hear that it is over.
#[test]
fn a_dropped_481_turns_join_red() {
    turns_red("join", || deaf(Party::Colleague, "481"), "is not heard: SIP/2.0 481");
}

/// The caller, who gave up, does not hear that nobody rings any more.
#[test]
fn a_dropped_487_turns_forwarding_and_find_me_red() {
    for name in ["forwarding", "find-me"] {
        turns_red(name, || deaf(Party::Caller, "487"), "is not heard: SIP/2.0 487");
    }
}

/// A planted bug is found, its choices replay the failure, and without the bug they end well.
fn turns_red<F: Fn(Party, HostId) -> Option<Fault>>(name: &str, planted: impl Fn() -> F, says: &str) {
    let kind = kind(name);
    let told = kind.explore(TURNS, planted()).expect_err("the explorer sees the bug");
    assert!(told.contains(says), "{told}");
    let choices = told.split('\'').nth(1).expect("a failure tells its choices");
    let turns = || choices.parse().expect("they are turns");
    let again = kind.replay(turns(), planted()).expect_err("the same choices fail again");
    assert!(told.ends_with(&again), "{again}");
    let sound = kind.replay(turns(), sound).unwrap_or_else(|why| panic!("without the bug {why}"));
    assert!(sound.starts_with("done: "), "{sound}");
}
