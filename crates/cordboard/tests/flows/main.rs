//! `cordboard flows` as people and tools use it. That every flow matches over every transport is in the tests of the rig,
//! which look at the captures as well.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

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
        // What finds a free port has to have it before another looks for one.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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

impl Demo {
    /// Nobody is left with what was set up for a flow, and nobody is registered any more.
    fn has_nothing_left(&self) {
        let data = self.people["data"].as_str().expect("a folder");
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
        assert_eq!((&rules["find_me"], &rules["screen"]["deny_from"]), (&json!([]), &json!([])), "{rules}");
        let registrations = ctl(&["registrations"]).to_string();
        assert!(!registrations.contains("sip:"), "{registrations}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // One that has ended already is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The flows of RFC 5359.
const SERVICES: u8 = 18;
/// Among how many switchboards they are shared out, for they are played in real time, one after the other at each.
const SHARES: u8 = 3;

/// Plays what each share of the flows is through a demo of its own, over one transport: those that matched.
fn matching_through_demos(transport: &str) -> BTreeSet<String> {
    let play = |share: u8| {
        let flows: Vec<String> =
            (1..=SERVICES).filter(|nth| nth % SHARES == share).map(|nth| format!("5359-2.{nth}")).collect();
        let demo = Demo::starts();
        let wanted = ["--via", demo.at(transport), "--transport", transport, "--json"];
        let output =
            cordboard(&[&["run"], &*flows.iter().map(String::as_str).collect::<Vec<_>>(), &wanted].concat());
        let says = String::from_utf8_lossy(&output.stderr);
        assert_eq!(differing(&output), [""; 0], "over {transport}: {says}");
        assert!(output.status.success(), "over {transport}: {says}");
        demo.has_nothing_left();
        lines(&output)
            .into_iter()
            .map(|told| told["flow"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..SHARES).map(|share| scope.spawn(move || play(share))).collect();
        shares.into_iter().flat_map(|share| share.join().expect("they match")).collect()
    })
}

/// What is judged is what passed between its people and a switchboard that knows nothing of any stage.
#[test]
fn a_switchboard_that_is_up_plays_its_part_in_every_flow() {
    let every: BTreeSet<String> = (1..=SERVICES).map(|nth| format!("5359-2.{nth}")).collect();
    std::thread::scope(|scope| {
        for transport in ["udp", "tcp", "tls", "ws"] {
            let every = &every;
            scope.spawn(move || assert_eq!(matching_through_demos(transport), *every, "over {transport}"));
        }
    });
}

/// The same as people do it.
#[test]
#[ignore = "takes a minute; make soak runs it"]
fn one_switchboard_plays_its_part_in_all_of_them() {
    let demo = Demo::starts();
    let output = cordboard(&["run", "all", "--via", demo.at("udp"), "--json"]);
    assert_eq!(differing(&output), [""; 0], "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines(&output).len(), usize::from(SERVICES));
}

/// A switchboard need not be on the loopback network. Here it has an address of a network of its own, where no other test is.
#[test]
fn a_switchboard_at_another_address_plays_its_part_too() {
    let script = r#"
set -e
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
cd "$1"
"$0" serve --config cordboard.toml > said 2>&1 &
for _ in $(seq 100); do grep -q 'listening http' said && break; sleep 0.1; done
"$0" flows run 5359-2.3 5359-2.13 5359-2.15 --via 192.0.2.1 --people people.json --json"#;
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = "domain = \"example.test\"\ndata = \"data\"\n[http]\naddress = \"127.0.0.1:8060\"\n\
        [[park]]\nname = \"park\"\nslots = [\"701\"]\ngroups = [\"demo\"]\n\
        [[music]]\nname = \"music\"\ngroups = [\"demo\"]\n\
        [announcements]\nscreened_in = \"built-in\"\n\
        [[listen]]\ntransport = \"udp\"\naddress = \"192.0.2.1:5060\"\n\
        [[listen]]\ntransport = \"tcp\"\naddress = \"192.0.2.1:5060\"\n"
        .to_owned();
    let users = ["alice", "bob", "carol", "bill"];
    let person =
        |user| format!("[[user]]\nname = \"{user}\"\npassword = \"pw-{user}\"\ngroups = [\"demo\"]\n");
    config += &users.map(person).concat();
    let users = users.map(|name| json!({ "name": name, "password": format!("pw-{name}") }));
    let people = json!({
        "domain": "example.test",
        "users": users,
        "servers": [
            { "kind": "music", "names": ["music"] },
            { "kind": "park", "names": ["park", "701"] },
            { "kind": "announcer", "names": ["announcements", "screened-in"] },
        ],
        "data": folder.path().join("data"),
    });
    std::fs::write(folder.path().join("cordboard.toml"), config).expect("it can be written");
    std::fs::write(folder.path().join("people.json"), people.to_string()).expect("it can be written");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"])
        .args(["sh", "-c", script, env!("CARGO_BIN_EXE_cordboard")])
        .arg(folder.path())
        .output()
        .expect("unshare starts");
    let says = String::from_utf8_lossy(&output.stderr);
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap_or_default();
    assert_eq!(differing(&output), [""; 0], "{says}{said}");
    assert_eq!(lines(&output).len(), 3, "{says}{said}");
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
    refused(&["3665-3.1", "--via", at], "only the flows of RFC 5359");
    refused(&["5359-2.1", "--via", "[::1]:5060"], "no demo of this user runs at [::1]:5060");
    refused(&["5359-2.1", "--via", at, "--loss", "10%"], "leave --simulated and --loss out");
    let why = "no demo of this user runs at 127.0.0.1:1: name its people with --people";
    refused(&["5359-2.1", "--via", "127.0.0.1:1"], why);
    refused(&["5359-2.1", "--via", "127.0.0.1:none"], "is no address of a switchboard");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people.json");
    std::fs::write(&file, r#"{"domain": "d", "users": [{"name": "alice", "password": "a"}]}"#)
        .expect("it is written");
    let people = file.to_str().expect("a path is text");
    refused(&["5359-2.1", "--via", at, "--people", people], "nothing is known of the user bill, bob, carol");
    refused(&["5359-2.15", "--via", at, "--people", people], "the switchboard has no park server");
}
