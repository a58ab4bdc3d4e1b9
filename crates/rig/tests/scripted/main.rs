//! What `SIPp` says to `cordboard phone` that no phone says: REFERs outside of calls, wrong takeovers, subscriptions;
//! and flows of the RFCs in which it is one of the parties.
//!
//! `SIPp` plays scripts in which every message is in its place; one too many or too few fails it. What the telephone
//! tells its owner is looked at as well, and tshark judges what was on the wire.

mod conference;
mod flows;
mod proxies;
mod recovery;
mod refers;
mod takeovers;
mod watching;

use cordboard_rig::tone::TONES;
use cordboard_rig::{CordboardPhone, Phone};
use serde_json::Value;

/// Waits until a telephone hears what `SIPp` plays.
#[track_caller]
fn hears_sipp(phone: &CordboardPhone) {
    phone.recording().expect_tone(TONES[2]);
}

/// The calls that a telephone has: number, stage, and whether the other side holds.
fn calls(phone: &mut CordboardPhone) -> Vec<(u64, String, bool)> {
    phone.say("calls");
    let listed = phone.wait_event("calls");
    let call = |call: &Value| {
        let stage = call["stage"].as_str().unwrap_or_default().to_owned();
        (call["call"].as_u64().unwrap_or_default(), stage, call["held"] == true)
    };
    listed["calls"].as_array().map(|calls| calls.iter().map(call).collect()).unwrap_or_default()
}

/// Waits for the event called `name`, before which none of `forbidden` may come.
#[track_caller]
fn wait_without(phone: &mut CordboardPhone, name: &str, forbidden: &[&str]) -> Value {
    phone.wait(name, |event| {
        let event = event["event"].as_str().unwrap_or_default();
        assert!(!forbidden.contains(&event), "{event} before {name}");
        event == name
    })
}
