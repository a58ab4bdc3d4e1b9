//! Every flow over every transport as `cordboard flows run` plays it, side by side: each matches its list, and tshark finds in the
//! capture every message that was told, and nothing wrong with any.

use std::process::{Command, Stdio};
use std::time::Instant;

use cordboard_rig::{Place, capture, isolated, switchboard};
use serde_json::Value;

/// Plays every flow, and holds what tshark finds in the capture against what was told of it. How long they took is told, and not
/// held against a machine that has other things to do.
fn judged(place: &Place, transport: &str, terms: &[&str]) {
    let file = place.directory().join("flows.pcap");
    let mut command = Command::new(switchboard::binary());
    command.args(["flows", "run", "all", "--seed", "1", "--json", "--pcap"]).arg(&file).args(terms);
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("cordboard starts");
    eprintln!("all flows {} took {:.1} s together", terms.join(" "), began.elapsed().as_secs_f64());
    let told = objects(&output.stdout);
    let listed = Command::new(switchboard::binary()).args(["flows", "list", "--json"]).output();
    let ids = |all: &[Value]| all.iter().map(|told| told["flow"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&told), ids(&objects(&listed.expect("cordboard starts").stdout)), "each is played");
    assert!(told.iter().all(|told| told["transport"] == transport), "over {transport}");
    let differing: Vec<&Value> = told.iter().filter(|flow| flow["verdict"] != "match").collect();
    assert!(output.status.success(), "{differing:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    let verdict = capture::read(&file);
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
