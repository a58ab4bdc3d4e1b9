//! The captures that `cordboard flows run` writes, judged by tshark: every message of every flow is there, and sound.

use std::process::{Command, Stdio};

use cordboard_rig::{Place, capture, isolated, switchboard};
use serde_json::Value;

/// Plays every flow, and holds what tshark finds in the capture against what was told of it.
fn judged(place: &Place, terms: &[&str]) {
    let file = place.directory().join("flows.pcap");
    let mut command = Command::new(switchboard::binary());
    command.args(["flows", "run", "all", "--seed", "1", "--json", "--pcap"]).arg(&file).args(terms);
    let output = command.stdin(Stdio::null()).output().expect("cordboard starts");
    let told = String::from_utf8(output.stdout).expect("JSON is text");
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
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

/// Method or status, and Call-ID.
fn line(start_line: &Value, call_id: &Value) -> String {
    let start = start_line.as_str().unwrap_or_default();
    let start = start.strip_prefix("SIP/2.0 ").unwrap_or(start);
    format!("{} {}", start.split(' ').next().unwrap_or_default(), call_id.as_str().unwrap_or_default())
}

#[test]
fn the_capture_of_every_flow_is_sound_simulated() {
    isolated(&["tshark"], |place| judged(place, &["--simulated"]));
}

#[test]
fn the_capture_of_every_flow_is_sound_over_udp() {
    isolated(&["tshark"], |place| judged(place, &["--transport", "udp"]));
}

#[test]
fn the_capture_of_every_flow_is_sound_over_tcp() {
    isolated(&["tshark"], |place| judged(place, &["--transport", "tcp"]));
}

#[test]
fn the_capture_of_every_flow_is_sound_over_tls() {
    isolated(&["tshark"], |place| judged(place, &["--transport", "tls"]));
}

#[test]
fn the_capture_of_every_flow_is_sound_over_websocket() {
    isolated(&["tshark"], |place| judged(place, &["--transport", "ws"]));
}
