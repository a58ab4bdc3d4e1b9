//! `cordboard ctl servers`: how the servers beside the switchboard are set up.

use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::client::{self, Client, CtlError};
use super::{done, print, show};
use crate::cli::{ServersWish, SetupWish};
use crate::config::Setup;

pub(super) fn run(
    client: &Client,
    wish: &ServersWish,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), CtlError> {
    match wish {
        ServersWish::List => print(out, as_json, &client.get("/v1/servers")?, show::servers),
        ServersWish::Set(wish) => {
            client.patch(&format!("/v1/servers/{}", client::escaped(&wish.name)), &body(wish)?)?;
            done(out, as_json, &wish.name, None, "is set up so from now on")
        }
        ServersWish::Reset { name } => {
            client.delete(&format!("/v1/servers/{}/setup", client::escaped(name)))?;
            done(out, as_json, name, None, "is set up as the configuration file says")
        }
    }
}

/// What the switchboard is told: it sees paths from another folder.
fn body(wish: &SetupWish) -> Result<Value, CtlError> {
    let absolute = |path: &PathBuf| std::path::absolute::<&Path>(path);
    let files = wish.files.as_ref().map(|files| files.iter().map(absolute).collect::<io::Result<_>>());
    let setup = Setup {
        slots: wish.slots.clone(),
        ring_back_s: wish.ring_back,
        music: wish.music.clone(),
        rooms: wish.rooms.clone(),
        limit: wish.limit,
        files: files.transpose().map_err(CtlError::Local)?,
        calls: wish.calls,
        wait_s: wish.wait,
        tries: wish.tries,
        groups: wish.groups.clone(),
    };
    serde_json::to_value(setup).map_err(|error| CtlError::Local(error.into()))
}
