//! The servers beside the switchboard, and how they are set up.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Nothing, Whence};
use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::config::Setup;
use crate::switchboard::ServerAsSetUp;

/// A server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Server {
    /// The user part of its own address.
    name: Box<str>,
    /// The section of the configuration file that declares it.
    kind: &'static str,
    /// How it is set up.
    setup: Setup,
    /// Who says so.
    from: Whence,
}

impl From<ServerAsSetUp> for Server {
    fn from(server: ServerAsSetUp) -> Self {
        let ServerAsSetUp { name, kind, setup, configured } = server;
        Self { name, kind, setup, from: Whence::of(configured) }
    }
}

/// The servers that the configuration declares.
#[utoipa::path(get, path = "/v1/servers", tag = "servers", operation_id = "list_servers",
    responses((status = 200, description = "In the order of the configuration", body = [Server])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<Server>> {
    let servers = blocking(move || Ok(board.servers_as_set_up())).await?;
    Ok(Json(servers.into_iter().map(Server::from).collect()))
}

/// Sets a server up otherwise, while it runs and for good; its calls go on. What is left out stays as it is.
#[utoipa::path(patch, path = "/v1/servers/{name}", tag = "servers", operation_id = "set_server_up",
    params(("name" = String, Path, description = "Which")), request_body = Setup,
    responses((status = 200, description = "Set up", body = Nothing)))]
pub(super) async fn set_up(
    State(board): Board,
    Named(name): Named<String>,
    Body(setup): Body<Setup>,
) -> Outcome<Nothing> {
    let server = name.clone();
    blocking(move || board.set_server_up(&name, setup)).await?;
    tracing::info!(server, "a server was set up otherwise");
    Ok(Json(Nothing {}))
}

/// Sets a server up as the configuration file says.
#[utoipa::path(delete, path = "/v1/servers/{name}/setup", tag = "servers", operation_id = "reset_server",
    params(("name" = String, Path, description = "Which")),
    responses((status = 200, description = "The file counts again", body = Nothing)))]
pub(super) async fn reset(State(board): Board, Named(name): Named<String>) -> Outcome<Nothing> {
    let server = name.clone();
    blocking(move || board.reset_server(&name)).await?;
    tracing::info!(server, "a server is set up as the file says");
    Ok(Json(Nothing {}))
}
