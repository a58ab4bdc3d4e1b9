//! Calls that an operator handles: each verb waits for its outcome, and succeeds only if that is a success.

use serde_json::Value;
use std::io::Write;

use super::client::{Client, CtlError};
use super::print;
use super::show::text;

/// Asks for something, and prints how it went.
pub(super) fn act(
    client: &Client,
    path: &str,
    body: &Value,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let answer = client.act(path, body)?;
    let outcome = text(&answer["outcome"]);
    let slot = answer["slot"].as_str().map(|slot| format!(", in {slot}")).unwrap_or_default();
    let says = format!("{outcome}: {}{slot}", text(&answer["says"]));
    if outcome == "completed" {
        return print(out, as_json, &answer, |_| format!("{says}\n"));
    }
    if as_json {
        print(out, true, &answer, |_| String::new())?;
    }
    Err(CtlError::Refused(says))
}
