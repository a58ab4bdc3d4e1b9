//! Every flow over every transport as `cordboard flows run` plays it, side by side: each matches its list, and tshark finds in the
//! capture every message that was told, and nothing wrong with any. Those of services, too, through a switchboard on another machine.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cordboard_rig::neighbour::{self, HERE, Neighbour};
use cordboard_rig::switchboard::{self, HTTP, Site, Switchboard, password};
use cordboard_rig::{Place, capture, isolated};
use serde_json::{Value, json};

/// Plays every flow, side by side.
fn judged(place: &Place, transport: &str, terms: &[&str]) {
    let listed = Command::new(switchboard::binary()).args(["flows", "list", "--json"]).output();
    let listed = objects(&listed.expect("cordboard starts").stdout);
    let ids: Vec<&str> = listed.iter().filter_map(|told| told["flow"].as_str()).collect();
    let mut command = Command::new(switchboard::binary());
    command.args(["flows", "run", "all", "--seed", "1"]).args(terms);
    let file = place.directory().join("flows.pcap");
    command.arg("--pcap").arg(&file);
    is_captured(&file, &matching(command, &ids, transport));
}

/// What is told of flows that a command plays: these, and each matches. How long they took is told, too, and not held against a machine
/// that has other things to do.
fn matching(mut command: Command, ids: &[&str], transport: &str) -> Vec<Value> {
    command.arg("--json");
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("cordboard starts");
    eprintln!("{} flows over {transport} took {:.1} s together", ids.len(), began.elapsed().as_secs_f64());
    let told = objects(&output.stdout);
    let says = String::from_utf8_lossy(&output.stderr);
    let played: Vec<&str> = told.iter().filter_map(|told| told["flow"].as_str()).collect();
    assert_eq!(played, ids, "each is played: {says}");
    assert!(told.iter().all(|told| told["transport"] == transport), "over {transport}");
    let differing: Vec<&Value> = told.iter().filter(|flow| flow["verdict"] != "match").collect();
    assert!(output.status.success(), "{differing:#?}\n{says}");
    told
}

/// What tshark finds in a capture is what was told, and sound.
fn is_captured(file: &Path, told: &[Value]) {
    let verdict = capture::read(file);
    assert_eq!(verdict.malformed(), [""; 0], "{}", verdict.ladder());
    let passed = told.iter().filter_map(|flow| flow["messages"].as_array()).flatten();
    let mut passed: Vec<String> =
        passed.map(|message| line(&message["start_line"], &message["call_id"])).collect();
    let mut captured: Vec<String> = verdict
        .messages()
        .iter()
        .map(|message| {
            let start = message.method.clone().or_else(|| message.status.map(|status| status.to_string()));
            format!("{} {}", start.unwrap_or_default(), message.call_id)
        })
        .collect();
    passed.sort();
    captured.sort();
    assert_eq!(captured, passed, "tshark sees what was told");
}

fn objects(printed: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(printed);
    text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

/// Method or status, and Call-ID.
fn line(start_line: &Value, call_id: &Value) -> String {
    let start = start_line.as_str().unwrap_or_default();
    let start = start.strip_prefix("SIP/2.0 ").unwrap_or(start);
    format!("{} {}", start.split(' ').next().unwrap_or_default(), call_id.as_str().unwrap_or_default())
}

#[test]
fn every_flow_matches_and_its_capture_is_sound_simulated() {
    isolated(&["tshark"], |place| judged(place, "udp", &["--simulated"]));
}

#[test]
fn every_flow_matches_and_its_capture_is_sound_over_udp() {
    isolated(&["tshark"], |place| judged(place, "udp", &["--transport", "udp"]));
}

#[test]
fn every_flow_matches_and_its_capture_is_sound_over_tcp() {
    isolated(&["tshark"], |place| judged(place, "tcp", &["--transport", "tcp"]));
}

#[test]
fn every_flow_matches_and_its_capture_is_sound_over_tls() {
    isolated(&["tshark"], |place| judged(place, "tls", &["--transport", "tls"]));
}

#[test]
fn every_flow_matches_and_its_capture_is_sound_over_websocket() {
    isolated(&["tshark"], |place| judged(place, "ws", &["--transport", "ws"]));
}

/// The people of the flows.
const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "bill", "dave"];

/// What they call beside each other.
const SERVERS: &str = r#"
[[park]]
name = "park"
slots = ["701"]
groups = ["house"]
[[music]]
name = "music"
groups = ["house"]
[announcements]
screened_in = "built-in"
"#;

/// A switchboard on this machine, and the flows on another from which what is sent takes so long. The people are told of in a file, and
/// what they set up goes through a tunnel.
fn between_two_machines(transport: &str, delay: Duration, ids: &[&str]) {
    isolated(&neighbour::PROGRAMS, |place| {
        let mut neighbour = Neighbour::so_far_away(place, delay);
        let site = Site {
            name: "switchboard",
            address: HERE,
            domain: "example.test",
            domains: &[],
            groups: &["house"],
        };
        let switchboard = Switchboard::start_at(place, site, &PEOPLE.map(str::to_owned), SERVERS);
        neighbour.tunnels(HTTP);
        let people = json!({
            "domain": site.domain,
            "users": PEOPLE.map(|name| json!({ "name": name, "password": password(name) })),
            "servers": [
                { "kind": "music", "names": ["music"] },
                { "kind": "park", "names": ["park", "701"] },
                { "kind": "announcer", "names": ["announcements", "screened-in"] },
            ],
            "url": format!("http://127.0.0.1:{HTTP}"),
            "token": switchboard.token(),
            "authority": switchboard.authority(),
            "listening": [{ "transport": "ws", "address": format!("{HERE}:5080") }],
        });
        let file = place.directory().join("people.json");
        std::fs::write(&file, people.to_string()).expect("the directory can be written");
        let mut command = neighbour.command(switchboard::binary());
        command.args(["flows", "run"]).args(ids);
        command.args(["--via", HERE, "--transport", transport, "--people"]).arg(&file);
        matching(command, ids, transport);
    });
}

/// The same with those of RFC 5359 that have these numbers.
fn through_another_machine(transport: &str, delay: Duration, sections: RangeInclusive<u8>) {
    let ids: Vec<String> = sections.map(|nth| format!("5359-2.{nth}")).collect();
    between_two_machines(transport, delay, &ids.iter().map(String::as_str).collect::<Vec<_>>());
}

/// As far as machines in one house are from each other.
const NEAR: Duration = Duration::from_millis(1);
/// As far as an office is from a switchboard on another continent.
const FAR: Duration = Duration::from_millis(100);
/// So far that phones repeat what is still on its way (RFC 3261 §17.1.1.1, T1).
const TOO_FAR: Duration = Duration::from_millis(150);

#[test]
fn services_match_through_a_switchboard_on_another_machine() {
    between_two_machines("udp", NEAR, &["5359-2.3", "5359-2.9", "5359-2.13", "5359-2.15", "5359-2.17"]);
}

#[test]
fn services_match_through_a_switchboard_far_away() {
    between_two_machines("udp", TOO_FAR, &["5359-2.1", "5359-2.10"]);
}

#[test]
#[ignore = "takes a minute; make soak runs it"]
fn every_service_matches_through_a_switchboard_on_another_machine() {
    through_another_machine("udp", NEAR, 1..=18);
}

#[test]
#[ignore = "takes most of a minute; make soak runs it"]
fn the_first_services_match_through_another_machine_over_tls() {
    through_another_machine("tls", NEAR, 1..=9);
}

#[test]
#[ignore = "takes most of a minute; make soak runs it"]
fn the_last_services_match_through_another_machine_over_tls() {
    through_another_machine("tls", NEAR, 10..=18);
}

#[test]
#[ignore = "takes more than a minute; make soak runs it"]
fn the_first_services_match_through_a_machine_far_away() {
    through_another_machine("udp", FAR, 1..=6);
}

#[test]
#[ignore = "takes more than a minute; make soak runs it"]
fn the_next_services_match_through_a_machine_far_away() {
    through_another_machine("udp", FAR, 7..=12);
}

#[test]
#[ignore = "takes more than a minute; make soak runs it"]
fn the_last_services_match_through_a_machine_far_away() {
    through_another_machine("udp", FAR, 13..=18);
}
