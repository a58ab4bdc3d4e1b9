//! Who is called back when somebody is free (RFC 5359 §2.17).

use axum::Json;
use axum::extract::State;
use cordboard_service::redials;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Nothing;
use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::private::Private;

/// A redial that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Redial {
    /// Its number.
    id: u64,
    /// How it stands: `waiting`, `calling` the asker, or `handing-over` that call to whoever is wanted.
    state: &'static str,
    /// The URI of who is called back.
    asker: Box<str>,
    /// The URI of whom they want.
    wanted: Box<str>,
    /// For how long it waits at most from now on.
    left_s: u64,
    /// How often it is tried at most from now on.
    tries: u8,
}

impl From<redials::Redial> for Redial {
    fn from(redial: redials::Redial) -> Self {
        let redials::Redial { number, state, asker, wanted, left, tries } = redial;
        Self { id: number, state, asker, wanted, left_s: left.as_secs(), tries }
    }
}

/// Every redial, in the order in which they were asked for.
#[utoipa::path(get, path = "/v1/redials", tag = "redials", operation_id = "list_redials",
    responses((status = 200, description = "Those that are not over", body = [Redial])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<Redial>> {
    let redials = blocking(move || board.redials()).await?;
    Ok(Json(redials.into_iter().map(Redial::from).collect()))
}

/// Who is to be called back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRedial {
    /// Who is called back: a user.
    asker: String,
    /// Whom they want: a user, a number or an address.
    wanted: String,
}

/// A redial that is taken: it is in the database.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    /// Its number.
    id: u64,
}

/// Has somebody called back when somebody else is free. What waits already begins its time anew.
#[utoipa::path(post, path = "/v1/redials", tag = "redials", operation_id = "ask_redial", request_body = NewRedial,
    responses((status = 200, description = "It is taken", body = Taken)))]
pub(super) async fn ask(State(board): Board, Body(new): Body<NewRedial>) -> Outcome<Taken> {
    let [asker, wanted] = [&new.asker, &new.wanted].map(|name| Private(name).to_string());
    let id = blocking(move || board.ask_redial(&new.asker, &new.wanted)).await?;
    tracing::info!(asker, wanted, "an operator has asked for a redial");
    Ok(Json(Taken { id }))
}

/// Gives a redial up; an asker who is just being called hears no more of it.
#[utoipa::path(delete, path = "/v1/redials/{id}", tag = "redials", operation_id = "cancel_redial",
    params(("id" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It is given up", body = Nothing)))]
pub(super) async fn cancel(State(board): Board, Named(id): Named<u64>) -> Outcome<Nothing> {
    blocking(move || board.cancel_redial(id)).await?;
    tracing::info!(id, "an operator gave a redial up");
    Ok(Json(Nothing {}))
}
