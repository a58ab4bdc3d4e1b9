//! The switchboard itself: its figures, its description, its configuration.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer::{Failure, Reloaded};
use super::{Board, Outcome, blocking, description};
use crate::metrics;

/// All figures, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "switchboard", operation_id = "metrics",
    responses((status = 200, description = "The figures", body = String, content_type = "text/plain")))]
pub(super) async fn figures(State(board): Board) -> Result<Response, Failure> {
    let text = blocking(move || Ok(board.metrics())).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "switchboard", operation_id = "openapi",
    responses((status = 200, description = "The API as OpenAPI describes one", body = Value)))]
pub(super) async fn described() -> Json<Value> {
    Json(description())
}

/// Reads the configuration file again.
#[utoipa::path(post, path = "/v1/reload", tag = "switchboard", operation_id = "reload",
    responses((status = 200, description = "It is in use", body = Reloaded)))]
pub(super) async fn reload(State(board): Board) -> Outcome<Reloaded> {
    let waits = blocking(move || board.reload()).await?;
    tracing::info!(needs_restart = waits.join(" "), "the configuration was read again");
    Ok(Json(Reloaded { needs_restart: waits }))
}
