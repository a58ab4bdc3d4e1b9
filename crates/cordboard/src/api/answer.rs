//! What the API answers, as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_service::door::{CallSummary, Recorded};
use cordboard_service::location::Binding;
use cordboard_service::operate;
use cordboard_sip::Status;
use serde::Serialize;
use utoipa::ToSchema;

use crate::drawing::start_line;
use crate::operating::Parked;
use crate::rules::Written;
use crate::servers::ServerError;
use crate::store::UserError;
use crate::switchboard::{Person, RedialRefusal, Refusal};
use crate::words;

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Error {
    /// In a sentence.
    error: String,
}

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
            Refusal::Name(..)
            | Refusal::EmptyPassword
            | Refusal::Rules(_)
            | Refusal::Address(_)
            | Refusal::EmptySetup
            | Refusal::NoSuchKey { .. }
            | Refusal::Setup { .. } => StatusCode::BAD_REQUEST,
            Refusal::Unchanged(error) => unchanged(error),
            Refusal::Redial(refusal) => redial(refusal),
            Refusal::NoSuchCall
            | Refusal::NoSuchSlot(_)
            | Refusal::NoSuchServer(_)
            | Refusal::NoSuchRoom(_)
            | Refusal::NotInRoom(_)
            | Refusal::Store(UserError::Unknown(_)) => StatusCode::NOT_FOUND,
            Refusal::Exists(_)
            | Refusal::Server(_)
            | Refusal::Configured(_)
            | Refusal::NotConfigured(_)
            | Refusal::NoFile
            | Refusal::RoomFull(_)
            | Refusal::InRoom(_)
            | Refusal::Config(_)
            | Refusal::Identity
            | Refusal::Certificates(_) => StatusCode::CONFLICT,
            Refusal::Store(UserError::NotStored(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::TooManyListeners
            | Refusal::TooManyOperations
            | Refusal::NoAnswer
            | Refusal::Store(UserError::Closing) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.to_string())
    }
}

const fn unchanged(error: &ServerError) -> StatusCode {
    match error {
        ServerError::Taken { .. } => StatusCode::CONFLICT,
        ServerError::Track { .. } => StatusCode::BAD_REQUEST,
        ServerError::Silent { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

const fn redial(refusal: &RedialRefusal) -> StatusCode {
    match refusal {
        RedialRefusal::Same(_) => StatusCode::BAD_REQUEST,
        RedialRefusal::NoServer | RedialRefusal::Nobody(_) | RedialRefusal::NoSuch(_) => {
            StatusCode::NOT_FOUND
        }
        RedialRefusal::Forbidden { .. } | RedialRefusal::Outside(_) | RedialRefusal::BeingDone(_) => {
            StatusCode::CONFLICT
        }
        RedialRefusal::TooMany => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(Error { error: self.says })).into_response()
    }
}

/// It is done, and there is nothing to tell.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nothing {}

/// Who says so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Whence {
    /// The configuration file.
    File,
    /// The database.
    Database,
}

impl Whence {
    pub(super) const fn of(configured: bool) -> Self {
        if configured { Self::File } else { Self::Database }
    }
}

/// Somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    /// The user part of the address.
    name: Box<str>,
    /// What others see.
    display_name: Option<Box<str>>,
    /// Who may take over whose calls.
    groups: Vec<Box<str>>,
    /// Who has them.
    from: Whence,
    /// Whether the password is one of this domain.
    usable: bool,
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        let Person { name, display_name, groups, configured, stale } = person;
        Self { name, display_name, groups, from: Whence::of(configured), usable: !stale }
    }
}

/// What somebody has set up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesOf {
    /// All of it.
    rules: Written,
    /// Who says so.
    from: Whence,
}

impl RulesOf {
    pub(super) const fn new(rules: Written, configured: bool) -> Self {
        Self { rules, from: Whence::of(configured) }
    }
}

/// Who is registered where.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Registrations {
    /// By user and contact.
    pub(super) registrations: Vec<Registration>,
    /// How many there are beyond those.
    pub(super) more: u64,
}

/// One contact of somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Registration {
    /// Whose: `user@domain`.
    pub(super) user: String,
    /// Its URI.
    pub(super) contact: String,
    /// When it ends.
    expires_s: u64,
    /// How much it is preferred, from 0 to 1.
    q: f64,
    /// Over what it registered.
    transport: &'static str,
    /// From where.
    peer: String,
    /// Whether its connection lives.
    reachable: bool,
    /// The phone (RFC 5626 §4.1).
    instance: Option<String>,
    /// Which of its flows (RFC 5626 §4.2).
    reg_id: Option<u32>,
    /// Its Path (RFC 3327).
    path: Vec<String>,
    /// The Call-ID of its REGISTER.
    call_id: String,
    /// The number of that.
    cseq: u32,
}

impl Registration {
    pub(super) fn new(binding: &Binding<'_>, now: Instant) -> Self {
        let path = binding.path.split('\n').filter(|value| !value.is_empty());
        Self {
            user: binding.aor.to_owned(),
            contact: binding.uri.to_owned(),
            expires_s: binding.expires.since(now).as_secs(),
            q: f64::from(binding.q) / 1000.0,
            transport: binding.flow.transport.token(),
            peer: binding.flow.remote.to_string(),
            reachable: binding.reachable,
            instance: Some(binding.instance.to_owned()).filter(|instance| !instance.is_empty()),
            reg_id: Some(binding.reg_id).filter(|reg_id| *reg_id != 0),
            path: path.map(str::to_owned).collect(),
            call_id: binding.call_id.to_owned(),
            cseq: binding.cseq,
        }
    }
}

/// A call whose messages are remembered.
#[expect(clippy::struct_field_names, reason = "a Call-ID is called so")]
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Call {
    /// Its Call-ID.
    call_id: Box<str>,
    /// The caller's address.
    from: Box<str>,
    /// The address called.
    to: Box<str>,
    /// `calling`, `ringing`, `answered`, `ended`, `cancelled`, or `failed` with the status.
    state: Box<str>,
    /// How long ago its first remembered message passed.
    age_s: u64,
    /// How many messages are remembered.
    messages: usize,
}

impl Call {
    pub(super) fn new(summary: &CallSummary, now: Instant) -> Self {
        Self {
            call_id: summary.call_id.clone(),
            from: summary.from.clone(),
            to: summary.to.clone(),
            state: summary.state.clone(),
            age_s: now.since(summary.since).as_secs(),
            messages: summary.messages,
        }
    }
}

/// One call in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    /// Its Call-ID.
    pub(super) call_id: Box<str>,
    /// The messages that are remembered, oldest first.
    pub(super) messages: Vec<Passed>,
    /// The same as a drawing.
    pub(super) ladder: String,
}

/// Which way a message went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// To us.
    Received,
    /// From us.
    Sent,
}

/// One message as it passed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Passed {
    /// When, in milliseconds since the first.
    at_ms: f64,
    /// Which way.
    direction: Way,
    /// Over what.
    transport: &'static str,
    /// From or to whom.
    peer: String,
    /// Its first line.
    start_line: String,
    /// All of it.
    text: String,
}

impl Passed {
    pub(super) fn new(message: &Recorded, start: Instant) -> Self {
        Self {
            at_ms: millis(message.at.since(start)),
            direction: if message.received { Way::Received } else { Way::Sent },
            transport: message.flow.transport.token(),
            peer: message.flow.remote.to_string(),
            start_line: start_line(&message.bytes),
            text: String::from_utf8_lossy(&message.bytes).into_owned(),
        }
    }
}

/// What came of what an operator did with a call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operated {
    /// The Call-ID.
    call_id: Box<str>,
    /// What kind of handover it was, or `call`.
    #[schema(schema_with = words::kind)]
    kind: Kind,
    /// How it ended: `completed` if it worked.
    #[schema(schema_with = words::outcome)]
    outcome: Outcome,
    /// The status that says so.
    status: Option<u16>,
    /// The same in a sentence.
    says: Box<str>,
}

impl Operated {
    pub(super) fn new(call_id: Box<str>, operated: operate::Operated) -> Self {
        let operate::Operated { kind, outcome, status, says } = operated;
        Self { call_id, kind, outcome, status: status.map(Status::code), says }
    }
}

/// What came of parking a call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParkedAt {
    /// The slot in which it is now; none if it was not parked.
    slot: Option<Box<str>>,
    /// How that went.
    #[serde(flatten)]
    operated: Operated,
}

impl From<Parked> for ParkedAt {
    fn from(parked: Parked) -> Self {
        let Parked { call_id, slot, operated } = parked;
        Self { slot, operated: Operated::new(call_id, operated) }
    }
}

/// What came of calling somebody and handing them over to somebody else.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Placed {
    /// `click-to-dial`, `retrieve`, `pickup` or `conference`.
    #[schema(schema_with = words::kind)]
    kind: Kind,
    /// How it ended: `completed` if the two talk.
    #[schema(schema_with = words::outcome)]
    outcome: Outcome,
    /// The status that says so.
    status: Option<u16>,
    /// The same in a sentence.
    says: Box<str>,
}

impl From<operate::Operated> for Placed {
    fn from(operated: operate::Operated) -> Self {
        let operate::Operated { kind, outcome, status, says } = operated;
        Self { kind, outcome, status: status.map(Status::code), says }
    }
}

/// The configuration was read again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reloaded {
    /// The keys that differ and that only a restart can change.
    pub(super) needs_restart: Vec<&'static str>,
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
