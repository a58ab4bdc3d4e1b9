//! What happened, twice: as an object for programs and as a sentence for people.

use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_media::Event as SoundEvent;
use cordboard_media::meter::Sound;
use cordboard_service::call::{CallEvent, CallName};
use cordboard_sip::Status;
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::address::uri_of;
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

    fn of_call(number: u32, event: &'static str, mood: Mood, says: impl AsRef<str>) -> Self {
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

fn with_status(report: Report, status: Option<Status>) -> Report {
    match status {
        Some(status) => report.with("status", status.code()).with("reason", status.reason()),
        None => report,
    }
}

/// What the telephone told; `None` for what only its other parts want to know.
pub(super) fn of_call(event: &CallEvent, calls: &Calls) -> Option<Report> {
    use Mood::{Asking, Bad, Good, Plain};
    let number = |call: &CallName| calls.number(*call);
    let about = |call: &CallName, event, mood, says: &str| Report::of_call(number(call), event, mood, says);
    Some(match event {
        CallEvent::Registered { contacts } if contacts.is_empty() => {
            Report::new("unregistered", Plain, "nobody is registered under this address".into())
        }
        CallEvent::Registered { contacts } => {
            let list: Vec<&str> = contacts.iter().map(|contact| &**contact).collect();
            Report::new("registered", Good, format!("registered at {}", list.join(", ")))
                .with("contacts", list)
        }
        CallEvent::NotRegistered(status) => with_status(
            Report::new("not-registered", Bad, format!("not registered: {}", shown(*status))),
            Some(*status),
        ),
        CallEvent::Incoming { call, from, .. } => {
            let from = uri_of(from);
            about(call, "incoming", Asking, &format!("{from} calls: answer or decline")).with("from", from)
        }
        CallEvent::Asked { call, from, to, .. } => {
            let from = uri_of(from);
            let says = format!("{from} asks us to call {to}: answer or decline");
            about(call, "asked", Asking, &says).with("from", from).with("to", &**to)
        }
        CallEvent::MessageReceived { from, content_type, body } => {
            let from = uri_of(from);
            Report::new("message", Plain, format!("{from} writes: {}", printable(body)))
                .with("from", from)
                .with("content_type", &**content_type)
                .with("text", &**body)
        }
        CallEvent::MessageSent { to, status } => {
            let mood = if status.is_success() { Plain } else { Bad };
            let says = format!("the message to {to}: {}", shown(*status));
            with_status(Report::new("message-sent", mood, says).with("to", &**to), Some(*status))
        }
        CallEvent::Refused { from } => {
            let from = uri_of(from);
            Report::new("refused", Plain, format!("{from} called and was refused")).with("from", from)
        }
        CallEvent::Ringing(call) => about(call, "ringing", Plain, "it rings there"),
        CallEvent::Redirected(call, to) => {
            about(call, "redirected", Plain, &format!("redirected to {to}")).with("to", &**to)
        }
        CallEvent::Established(call) => {
            let peer = calls.get(number(call)).map_or("", |call| &call.peer);
            about(call, "established", Good, &format!("talking to {peer}")).with("peer", peer)
        }
        CallEvent::Media(call, path) => {
            // Whoever holds has nothing to say meanwhile.
            let sends = path.sends && !calls.get(number(call)).is_some_and(|call| call.holds);
            let way = match (sends, path.receives) {
                (true, true) => "both ways",
                (true, false) => "only from here",
                (false, true) => "only to here",
                (false, false) => "neither way",
            };
            about(call, "media", Plain, &format!("sound goes {way}"))
                .with("local", path.local.to_string())
                .with("remote", path.remote.to_string())
                .with("sends", sends)
                .with("receives", path.receives)
        }
        CallEvent::Identity { call, address, asserted } => {
            let peer = uri_of(address);
            let by = if *asserted { "the server says" } else { "they say" };
            about(call, "identity", Plain, &format!("{by} that this is {peer}"))
                .with("peer", peer)
                .with("asserted", *asserted)
        }
        CallEvent::HeldByPeer(call, true) => about(call, "held", Plain, "the other side put us on hold"),
        CallEvent::HeldByPeer(call, false) => about(call, "unheld", Plain, "the other side took us off hold"),
        CallEvent::HoldChanged(call, true) => about(call, "holding", Plain, "on hold"),
        CallEvent::HoldChanged(call, false) => about(call, "resumed", Plain, "off hold"),
        CallEvent::ChangeRefused(call, status) => with_status(
            about(
                call,
                "change-refused",
                Bad,
                &format!("refused: {}; the call goes on as it was", shown(*status)),
            ),
            Some(*status),
        ),
        CallEvent::Referred { call, new, to } => {
            let new = number(new);
            let says = format!("the other side hands us over to {to}: that is call {new}");
            let report = match call {
                Some(call) => about(call, "referred", Plain, &says),
                None => Report::new(
                    "referred",
                    Plain,
                    format!("{to} is called, as was asked: that is call {new}"),
                ),
            };
            report.with("new", new).with("to", &**to)
        }
        CallEvent::TakenOver { call, replaces, from } => {
            let (from, replaces) = (uri_of(from), number(replaces));
            about(call, "taken-over", Good, &format!("{from} takes the place of call {replaces}"))
                .with("replaces", replaces)
                .with("from", from)
        }
        CallEvent::CalledBack { call, to } => {
            about(call, "called-back", Plain, &format!("nobody took us, so that {to} is called back"))
                .with("to", &**to)
        }
        CallEvent::TransferProgress(call, status) => with_status(
            about(call, "transfer-progress", Plain, &format!("the transfer goes on: {}", shown(*status))),
            Some(*status),
        ),
        CallEvent::Transferred { call, kind, outcome, status, says } => {
            let mood = if *outcome == Outcome::Completed { Good } else { Bad };
            let evidence = evidence(*outcome, *status);
            let line = format!("{kind}: {outcome}, {says} ({evidence})");
            with_status(
                about(call, "transferred", mood, &line)
                    .with("says", &**says)
                    .with("kind", kind.as_str())
                    .with("outcome", outcome.as_str()),
                *status,
            )
            .with("evidence", evidence)
        }
        CallEvent::Ended { call, outcome, status, by_peer } => {
            let mood = if *outcome == Outcome::Answered { Plain } else { Bad };
            let who = if *by_peer { "the other side" } else { "us" };
            let because = status.map(|status| format!(": {}", shown(status))).unwrap_or_default();
            let says = format!("ended by {who}, {outcome}{because}");
            with_status(
                about(call, "ended", mood, &says).with("outcome", outcome.as_str()).with("by_peer", *by_peer),
                *status,
            )
        }
        // What no verb of this telephone asks for.
        _ => return None,
    })
}

/// Text of a stranger, without what would move the cursor or change colours.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

/// What on the wire says how a transfer ended.
fn evidence(outcome: Outcome, status: Option<Status>) -> String {
    match (outcome, status) {
        (Outcome::Refused, Some(status)) => format!("the REFER was answered {}", shown(status)),
        (Outcome::Refused, None) => "the REFER was not answered".to_owned(),
        (_, Some(status)) => format!("the last NOTIFY reported {}", shown(status)),
        (_, None) => "no NOTIFY reported anything".to_owned(),
    }
}

/// What the sound of a call told; `None` for what nobody asked for.
pub(super) fn of_sound(number: u32, event: &SoundEvent) -> Option<Report> {
    Some(match event {
        SoundEvent::Digit { digit, duration } => Report::of_call(
            number,
            "digit",
            Mood::Plain,
            format!("the other side pressed {}", digit.as_char()),
        )
        .with("digit", digit.as_char().to_string())
        .with("duration_ms", u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        SoundEvent::Hears(sound) => {
            let report = Report::of_call(number, "hears", Mood::Plain, format!("hears {}", heard(sound)));
            sounding(report, sound)
        }
        SoundEvent::Played => {
            Report::of_call(number, "played", Mood::Plain, "the file was played to its end")
        }
        SoundEvent::Source { .. }
        | SoundEvent::Left { .. }
        | SoundEvent::Report { .. }
        | SoundEvent::Renamed { .. } => return None,
    })
}

fn sounding(report: Report, sound: &Sound) -> Report {
    let (word, tones) = match sound {
        Sound::Silence => ("silence", &[][..]),
        Sound::Tones(tones) => ("tones", &tones[..]),
        Sound::Other => ("other", &[][..]),
    };
    report.with("sound", word).with("tones", tones)
}

fn heard(sound: &Sound) -> String {
    match sound {
        Sound::Silence => "silence".to_owned(),
        Sound::Tones(tones) => {
            let tones: Vec<String> = tones.iter().map(u16::to_string).collect();
            format!("{} Hz", tones.join(" and "))
        }
        Sound::Other => "something that is no tone".to_owned(),
    }
}

/// What is heard now in each call that is up.
pub(super) fn of_hearing(calls: &Calls) -> Vec<Report> {
    let mut reports: Vec<Report> = calls
        .iter()
        .filter(|(_, call)| call.stage == super::calls::Stage::Up)
        .map(|(number, call)| {
            let says = format!("hears {}", heard(&call.hears));
            sounding(Report::of_call(number, "heard", Mood::Plain, says), &call.hears)
        })
        .collect();
    if reports.is_empty() {
        reports.push(Report::new("heard", Mood::Plain, "there is no call in which to hear anything".into()));
    }
    reports
}

/// The calls as they are.
pub(super) fn of_calls(calls: &Calls) -> Report {
    let list: Vec<Value> = calls
        .iter()
        .map(|(number, call)| {
            json!({ "call": number, "peer": call.peer, "stage": call.stage.as_str(),
                    "holds": call.holds, "held": call.held })
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
            format!("[{number}] {}: {}{hold}", call.peer, call.stage.as_str())
        })
        .collect();
    let says = if lines.is_empty() { "there is no call".to_owned() } else { lines.join("\n") };
    Report::new("calls", Mood::Plain, says).with("calls", list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_ladder::Kind;

    fn transferred(outcome: Outcome, status: Option<Status>) -> Report {
        let call = CallName(1);
        let says = "as it was".into();
        let event = CallEvent::Transferred { call, kind: Kind::UnattendedTransfer, outcome, status, says };
        of_call(&event, &Calls::default()).unwrap()
    }

    #[test]
    fn an_object_begins_with_what_happened_and_when() {
        let report = Report::new("ringing", Mood::Plain, String::new()).with("call", 2).with("to", "a\"b");
        let line = report.to_json(Instant::from_micros(1_234_567));
        assert_eq!(line, r#"{"event":"ringing","at_ms":1234.5,"call":2,"to":"a\"b"}"#);
        assert!(serde_json::from_str::<Value>(&line).is_ok());
    }

    #[test]
    fn a_transfer_ends_in_its_word_with_evidence() {
        let busy = transferred(Outcome::TargetBusy, Some(Status::BUSY_HERE));
        assert_eq!(busy.field("outcome").as_deref(), Some("target-busy"));
        assert_eq!(busy.field("status").as_deref(), Some("486"));
        assert_eq!(busy.field("evidence").as_deref(), Some("the last NOTIFY reported 486 Busy Here"));
        assert_eq!(busy.mood, Mood::Bad);
        let refused = transferred(Outcome::Refused, Some(Status::DECLINE));
        assert_eq!(refused.field("evidence").as_deref(), Some("the REFER was answered 603 Decline"));
        assert_eq!(transferred(Outcome::NotReported, None).field("status"), None);
    }

    #[test]
    fn tones_are_compared_as_people_write_them() {
        let hears = |sound| of_sound(1, &SoundEvent::Hears(sound)).unwrap();
        assert_eq!(hears(Sound::Tones(vec![440, 660])).field("tones").as_deref(), Some("440+660"));
        assert_eq!(hears(Sound::Silence).field("tones").as_deref(), Some(""));
        assert_eq!(hears(Sound::Other).field("sound").as_deref(), Some("other"));
    }
}
