//! `cordboard ctl conference`: each verb waits for its outcome, and succeeds only if that is a success.

use serde_json::json;
use std::io::Write;

use super::client::{self, Client, CtlError};
use super::show;
use super::{control, print};
use crate::cli::ConferenceWish;

pub(super) fn run(
    client: &Client,
    wish: &ConferenceWish,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    let (room, verb, body) = match wish {
        ConferenceWish::List => {
            return print(out, as_json, &client.get("/v1/conferences")?, show::conferences);
        }
        ConferenceWish::Invite { room, who } => (room, "invite", json!({ "who": who })),
        ConferenceWish::Remove { room, who } => (room, "remove", json!({ "who": who })),
        ConferenceWish::End { room } => (room, "end", json!({})),
    };
    let path = format!("/v1/conferences/{}/{verb}", client::escaped(room));
    control::act(client, &path, &body, as_json, out)
}
