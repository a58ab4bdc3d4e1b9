//! What happens at the switchboard, a line an event.

use serde_json::Value;
use std::io::Write;

use super::client::{Client, CtlError};
use super::show::text;

/// Prints events as they come.
pub(super) fn follow(client: &Client, as_json: bool, out: &mut dyn Write) -> Result<(), CtlError> {
    client.follow("/v1/events", |line| {
        // Server-sent events: whatever else stands in a line is for others.
        let Some(data) = line.strip_prefix("data:").map(str::trim_start) else { return Ok(()) };
        let shown = match serde_json::from_str(data) {
            Ok(event) if !as_json => show(&event),
            Ok(_) | Err(_) => data.to_owned(),
        };
        writeln!(out, "{shown}").and_then(|()| out.flush()).map_err(CtlError::Local)
    })
}

/// One event in words.
fn show(event: &Value) -> String {
    let word = text(&event["event"]);
    let of = |name: &str| text(&event[name]);
    let status = event["status"].as_u64().map_or_else(String::new, |status| format!(" ({status})"));
    let what = match word.as_str() {
        "ringing" | "answered" => format!("{} -> {}", of("from"), of("to")),
        "ended" => format!("{} -> {}: {}{status}", of("from"), of("to"), of("outcome")),
        "referred" | "transfer-progress" | "transferred" => {
            let outcome =
                event["outcome"].as_str().map_or_else(String::new, |outcome| format!(": {outcome}"));
            let who = format!("{} asks {} to call {}", of("transferor"), of("transferee"), of("target"));
            format!("{}, {who}{outcome}{status}", of("kind"))
        }
        "redial-waiting" | "redial-called" | "redial-ended" => {
            let outcome =
                event["outcome"].as_str().map_or_else(String::new, |outcome| format!(": {outcome}"));
            format!("{} wants {}{outcome}", of("asker"), of("wanted"))
        }
        "registered" => {
            let contacts: Vec<String> =
                event["contacts"].as_array().into_iter().flatten().map(text).collect();
            format!("{} at {}", of("user"), contacts.join(", "))
        }
        "parked" | "retrieved" | "unparked" => format!("{} in {}", of("who"), of("slot")),
        "lost" => format!("{} events were lost, for they were read too slowly", event["count"]),
        _ => of("user"),
    };
    let call = event["call_id"].as_str().map_or_else(String::new, |_| format!("  [{}]", of("call_id")));
    format!("{word:<17} {what}{call}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_in_words() {
        for (event, shown) in [
            (
                json!({ "event": "ended", "from": "sip:a@h", "to": "sip:b@h", "call_id": "1@h", "outcome": "busy", "status": 486 }),
                "ended             sip:a@h -> sip:b@h: busy (486)  [1@h]",
            ),
            (
                json!({ "event": "transferred", "kind": "park", "transferor": "sip:a@h", "transferee": "sip:b@h",
                    "target": "sip:c@h", "call_id": "1@h", "outcome": "timed-out", "status": null }),
                "transferred       park, sip:a@h asks sip:b@h to call sip:c@h: timed-out  [1@h]",
            ),
            (json!({ "event": "unregistered", "user": "a@h" }), "unregistered      a@h"),
            (json!({ "event": "reloaded" }), "reloaded"),
            (json!({ "event": "user-added", "user": "a\u{1b}[2J" }), "user-added        a\u{fffd}[2J"),
        ] {
            assert_eq!(show(&event), shown);
        }
    }
}
