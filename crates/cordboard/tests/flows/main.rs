//! `cordboard flows` as people and tools use it. That every flow matches over every transport is in the tests of the rig,
//! which look at the captures as well.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Output};

fn cordboard(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cordboard")).arg("flows").args(args).output().expect("it starts")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

/// The flows that a transport has differ in, with the reasons.
fn differing(output: &Output) -> Vec<String> {
    let told = lines(output).into_iter().filter(|told| told["verdict"] != "match");
    told.map(|told| format!("{}: {}", told["flow"], told["differences"])).collect()
}

#[test]
fn every_flow_matches_simulated_and_the_same_seed_prints_the_same() {
    let run = || cordboard(&["run", "all", "--simulated", "--seed", "7", "--json"]);
    let output = run();
    assert_eq!(differing(&output), [""; 0]);
    assert!(output.status.success());
    assert_eq!(output.stdout, run().stdout);
}

/// The lists are for the judge alone: with none of them the same is played, said and told, but for the verdict.
#[test]
fn without_the_lists_the_same_messages_pass() {
    let run =
        |more: &[&str]| cordboard(&[&["run", "all", "--simulated", "--seed", "7", "--json"], more].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let none = folder.path().to_str().expect("a path is text");
    let (with, without) = (run(&[]), run(&["--lists", none]));
    assert!(with.status.success() && !without.status.success());
    let (with, mut without) = (lines(&with), lines(&without));
    for (told, untold) in with.iter().zip(&mut without) {
        let why = untold["differences"].to_string();
        assert!(untold["verdict"] == "differs" && why.contains("has no list to be judged by"), "{why}");
        untold["verdict"] = told["verdict"].clone();
        untold["differences"] = told["differences"].clone();
    }
    assert_eq!(with, without);
}

#[test]
fn a_loss_is_made_good_over_sockets() {
    let output = cordboard(&["run", "5359-2.5", "3665-3.1", "--loss", "10%", "--seed", "2", "--json"]);
    assert_eq!(differing(&output), [""; 0]);
    let again = |told: &Value| {
        let messages = told["messages"].as_array().expect("messages");
        messages.iter().any(|message| message["retransmission"] == true)
    };
    assert!(lines(&output).iter().any(again), "something was lost, and sent again");
}

#[test]
fn every_actor_has_an_address_of_its_own() {
    let told = lines(&cordboard(&["run", "5359-2.5", "--json"])).remove(0);
    let actors = told["actors"].as_object().expect("actors");
    let at: BTreeSet<&str> = actors.values().filter_map(|at| at.as_str()?.split(':').next()).collect();
    assert_eq!((actors.len(), at.len()), (3, 3), "{actors:?}");
    assert!(at.iter().all(|at| at.starts_with("127.0.")), "{actors:?}");
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let output = cordboard(&["run", "5359-2.55"]);
    assert!(!output.status.success());
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("there is no flow \"5359-2.55\": did you mean 5359-2.5"), "{says}");
}

#[test]
fn people_read_a_verdict_a_line_and_a_ladder_without_colours() {
    let output = cordboard(&["run", "3665-3.1", "--simulated", "--ladder"]);
    let says = String::from_utf8_lossy(&output.stdout);
    assert!(says.starts_with("match   3665-3.1    Successful Session Establishment"), "{says}");
    assert!(says.contains("INVITE") && !says.contains('\u{1b}'), "{says}");
}

#[test]
fn what_cannot_be_played_is_said() {
    for (args, wanted) in [
        (&["run", "all", "--transport", "sctp"][..], "is no transport of the flows"),
        (&["run", "all", "--simulated", "--transport", "tls"], "the simulated network is played over udp"),
        (&["run", "all", "--transport", "tcp", "--loss", "0.1"], "--loss loses datagrams"),
        (&["run", "all", "--loss", "100%"], "is no share of datagrams"),
        (&["run", "all", "--lists", "/no/such/folder"], "the lists in /no/such/folder cannot be read"),
    ] {
        let output = cordboard(args);
        let says = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && says.contains(wanted), "{args:?}: {says}");
    }
}
