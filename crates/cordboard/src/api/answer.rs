//! What the API answers, as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cordboard_core::time::Instant;
use cordboard_service::door::{CallSummary, Recorded};
use cordboard_service::location::Binding;
use serde_json::{Value, json};

use crate::drawing::start_line;
use crate::store::UserError;
use crate::switchboard::{Person, Refusal};

/// A refusal: `{"error": "a sentence"}`.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    says: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, says: impl Into<String>) -> Self {
        Self { status, says: says.into() }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Name(..) | Refusal::EmptyPassword | Refusal::Rules(_) => StatusCode::BAD_REQUEST,
            Refusal::NoSuchCall | Refusal::Store(UserError::Unknown(_)) => StatusCode::NOT_FOUND,
            Refusal::Exists(_)
            | Refusal::Configured(_)
            | Refusal::NoFile
            | Refusal::Config(_)
            | Refusal::Identity
            | Refusal::Certificates(_) => StatusCode::CONFLICT,
            Refusal::Store(UserError::NotStored(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Store(UserError::Closing) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.says }))).into_response()
    }
}

pub(super) fn person(person: &Person) -> Value {
    json!({
        "name": person.name,
        "display_name": person.display_name,
        "groups": person.groups,
        "from": if person.configured { "file" } else { "database" },
        "usable": !person.stale,
    })
}

pub(super) fn registration(binding: &Binding<'_>, now: Instant) -> Value {
    json!({
        "user": binding.aor,
        "contact": binding.uri,
        "expires_s": binding.expires.since(now).as_secs(),
        "q": f64::from(binding.q) / 1000.0,
        "transport": binding.flow.transport.token(),
        "peer": binding.flow.remote.to_string(),
        "reachable": binding.reachable,
        "instance": Some(binding.instance).filter(|instance| !instance.is_empty()),
        "reg_id": Some(binding.reg_id).filter(|reg_id| *reg_id != 0),
        "path": binding.path.split('\n').filter(|value| !value.is_empty()).collect::<Vec<_>>(),
        "call_id": binding.call_id,
        "cseq": binding.cseq,
    })
}

pub(super) fn call(summary: &CallSummary, now: Instant) -> Value {
    json!({
        "call_id": summary.call_id,
        "from": summary.from,
        "to": summary.to,
        "state": summary.state,
        "age_s": now.since(summary.since).as_secs(),
        "messages": summary.messages,
    })
}

pub(super) fn message(message: &Recorded, start: Instant) -> Value {
    json!({
        "at_ms": millis(message.at.since(start)),
        "direction": if message.received { "received" } else { "sent" },
        "transport": message.flow.transport.token(),
        "peer": message.flow.remote.to_string(),
        "start_line": start_line(&message.bytes),
        "text": String::from_utf8_lossy(&message.bytes),
    })
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
