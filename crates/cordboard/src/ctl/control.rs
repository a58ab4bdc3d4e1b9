//! Calls that an operator handles: each verb waits for its outcome, and succeeds only if that is a success.

use serde_json::{Value, json};
use std::io::Write;

use super::client::{self, Client, CtlError};
use super::print;
use super::show::text;

/// Asks for something, and prints how it went.
pub(super) fn act(
    client: &Client,
    (call, verb): (&str, &str),
    body: Option<Value>,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let path = format!("/v1/calls/{}/{verb}", client::escaped(call));
    let answer = client.act(&path, &body.unwrap_or_else(|| json!({})))?;
    let outcome = text(&answer["outcome"]);
    let says = format!("{outcome}: {}", text(&answer["says"]));
    if outcome == "completed" {
        return print(out, as_json, &answer, |_| format!("{says}\n"));
    }
    if as_json {
        print(out, true, &answer, |_| String::new())?;
    }
    Err(CtlError::Refused(says))
}
