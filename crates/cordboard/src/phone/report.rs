//! What happened, twice: as an object for programs and as a sentence for people.

use cordboard_core::time::Instant;
use cordboard_sip::Status;
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::calls::Calls;

/// How a sentence is meant, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Plain,
    Good,
    Bad,
    /// Somebody has to do something.
    Asking,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) event: &'static str,
    pub(super) fields: Vec<(&'static str, Value)>,
    pub(super) says: String,
    pub(super) mood: Mood,
}

impl Report {
    pub(super) const fn new(event: &'static str, mood: Mood, says: String) -> Self {
        Self { event, fields: Vec::new(), says, mood }
    }

    /// With one more field.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(super) fn of_call(number: u32, event: &'static str, mood: Mood, says: impl AsRef<str>) -> Self {
        Self::new(event, mood, format!("[{number}] {}", says.as_ref())).with("call", number)
    }

    /// One object, on one line: first what happened and when.
    pub(super) fn to_json(&self, at: Instant) -> String {
        let tenths = at.as_micros() / 100;
        let event = Value::from(self.event);
        let mut line = format!("{{\"event\":{event},\"at_ms\":{}.{}", tenths / 10, tenths % 10);
        for (name, value) in &self.fields {
            // Writing into a string cannot fail.
            let _ = write!(line, ",{}:{value}", Value::from(*name));
        }
        line.push('}');
        line
    }

    /// The value of a field as `wait` compares it; a list is joined by `+`.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let (_, value) = self.fields.iter().find(|(field, _)| *field == name)?;
        Some(match value {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join("+"),
            other => other.to_string(),
        })
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A status as people write it.
pub(super) fn shown(status: Status) -> String {
    format!("{} {}", status.code(), status.reason())
}

/// With a status, if there is one.
pub(super) fn with_status(report: Report, status: Option<Status>) -> Report {
    match status {
        Some(status) => report.with("status", status.code()).with("reason", status.reason()),
        None => report,
    }
}

/// Text of a stranger, without what would move the cursor or change colours.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// The calls as they are.
pub(super) fn of_calls(calls: &Calls) -> Report {
    let list: Vec<Value> = calls
        .iter()
        .map(|(number, call)| {
            json!({ "call": number, "peer": call.peer, "stage": call.stage.as_str(),
                    "holds": call.holds, "held": call.held,
                    "conference": call.conference.map(|conference| conference.0) })
        })
        .collect();
    let lines: Vec<String> = calls
        .iter()
        .map(|(number, call)| {
            let hold = match (call.holds, call.held) {
                (false, false) => "",
                (true, false) => ", on hold",
                (false, true) => ", holds us",
                (true, true) => ", each holds the other",
            };
            let conference = if call.conference.is_some() { ", in the conference" } else { "" };
            format!("[{number}] {}: {}{hold}{conference}", call.peer, call.stage.as_str())
        })
        .collect();
    let says = if lines.is_empty() { "there is no call".to_owned() } else { lines.join("\n") };
    Report::new("calls", Mood::Plain, says).with("calls", list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_begins_with_what_happened_and_when() {
        let report = Report::new("ringing", Mood::Plain, String::new()).with("call", 2).with("to", "a\"b");
        let line = report.to_json(Instant::from_micros(1_234_567));
        assert_eq!(line, r#"{"event":"ringing","at_ms":1234.5,"call":2,"to":"a\"b"}"#);
        assert!(serde_json::from_str::<Value>(&line).is_ok());
    }
}
