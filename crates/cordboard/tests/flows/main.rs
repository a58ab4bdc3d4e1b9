//! `cordboard flows` as people and tools use it. That every flow matches over every transport is in the tests of the rig,
//! which look at the captures as well.

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

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

/// A demo that runs as long as this lives.
struct Demo {
    child: Child,
    /// Who is there, and where it listens.
    people: Value,
}

impl Demo {
    fn starts() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cordboard"))
            .args(["serve", "--demo", "--port", "0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut said = BufReader::new(child.stdout.take().expect("it says something")).lines();
        let told =
            said.by_ref().map(|line| line.expect("it is text")).find(|line| line.contains("\"users\""));
        let people = serde_json::from_str(&told.expect("it says who is there")).expect("that is JSON");
        Self { child, people }
    }

    fn at(&self, transport: &str) -> &str {
        let mut listening = self.people["listening"].as_array().expect("it listens").iter();
        let found = listening.find(|listening| listening["transport"] == transport).expect("over this, too");
        found["address"].as_str().expect("an address")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // One that has ended already is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is judged is what passed between its people and a switchboard that knows nothing of any stage.
#[test]
fn a_switchboard_that_is_up_plays_its_part_in_the_flows() {
    let demo = Demo::starts();
    let output = cordboard(&["run", "all", "--via", demo.at("udp"), "--seed", "5", "--json"]);
    let told = lines(&output);
    let of = |verdict: &str| {
        let flows = told.iter().filter(|told| told["verdict"] == verdict);
        flows.map(|told| told["flow"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(differing(&output).len(), of("left-out").len(), "{:?}", differing(&output));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(of("left-out"), ["5359-2.12", "5359-2.13", "5359-2.16", "5359-2.17"]);
    assert_eq!(of("match").len(), 14, "{:?}", of("match"));
    // Nobody is left with what was set up for a flow, and nobody is registered any more.
    let data = demo.people["data"].as_str().expect("a folder");
    let ctl = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_cordboard"))
            .args(["ctl", "--data", data, "--json"])
            .args(args)
            .output()
            .expect("it starts");
        serde_json::from_slice::<Value>(&output.stdout).expect("it prints JSON")
    };
    let rules = ctl(&["forward", "bob"])["rules"].clone();
    assert!(rules["forward"]["always"].is_null() && rules["forward"]["busy"].is_null(), "{rules}");
    let registrations = ctl(&["registrations"]).to_string();
    assert!(!registrations.contains("@127.0.1."), "{registrations}");
    for transport in ["tcp", "tls"] {
        let at = demo.at(transport);
        let output =
            cordboard(&["run", "5359-2.5", "5359-2.15", "--via", at, "--transport", transport, "--json"]);
        assert_eq!(differing(&output), [""; 0], "over {transport}");
    }
}

#[test]
fn what_cannot_be_played_through_a_switchboard_is_said() {
    let demo = Demo::starts();
    let at = demo.at("udp");
    let refused = |args: &[&str], says: &str| {
        let output = cordboard(&[&["run"], args].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(says), "{told}");
    };
    let why = "5359-2.13 cannot be played through this switchboard: bob's telephone";
    refused(&["5359-2.13", "--via", at], why);
    refused(&["3665-3.1", "--via", at], "only the flows of RFC 5359");
    refused(&["5359-2.1", "--via", at, "--transport", "ws"], "--via plays over udp, tcp and tls");
    refused(&["5359-2.1", "--via", at, "--loss", "10%"], "leave --simulated and --loss out");
    let why = "no demo of this user runs at 127.0.0.1:1: name its people with --people";
    refused(&["5359-2.1", "--via", "127.0.0.1:1"], why);
    refused(&["5359-2.1", "--via", "127.0.0.1:none"], "is no address of a switchboard");
}
