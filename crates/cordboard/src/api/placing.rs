//! Calls that an operator makes for people: a user is called, and handed over to whom they are to talk with. Each is
//! answered when its outcome is known; what only rings when whoever asked goes away is ended.

use axum::Json;
use axum::extract::State;
use cordboard_service::operate::Operated;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::Placed;
use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::operating::Placing;
use crate::private::Private;

/// Who is to talk with whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCall {
    /// Who is called first: a user. The call is theirs.
    from: String,
    /// Whom they are to talk with: a user, a number or an address.
    to: String,
}

/// Who gets a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Taker {
    /// A user, whose telephone is called.
    by: String,
}

/// Places a call for a user: their telephone rings, and once it is answered it calls whom they want.
#[utoipa::path(post, path = "/v1/calls", tag = "calls", operation_id = "place_call",
    request_body = NewCall, responses((status = 200, description = "How it went", body = Placed)))]
pub(super) async fn place(State(board): Board, Body(wish): Body<NewCall>) -> Outcome<Placed> {
    let from = Private(&wish.from).to_string();
    let placing = blocking(move || board.place(&wish.from, &wish.to).map(Ok)).await?;
    outcome(placing, from).await
}

/// Lets a user have who waits in a park slot: their telephone rings, and once it is answered it calls the slot.
#[utoipa::path(post, path = "/v1/park/{slot}/retrieve", tag = "park", operation_id = "retrieve_call",
    params(("slot" = String, Path, description = "The number of the slot")),
    request_body = Taker, responses((status = 200, description = "How it went", body = Placed)))]
pub(super) async fn retrieve(
    State(board): Board,
    Named(slot): Named<String>,
    Body(taker): Body<Taker>,
) -> Outcome<Placed> {
    let by = Private(&taker.by).to_string();
    let placing = blocking(move || board.retrieve(&slot, &taker.by)).await?;
    outcome(placing, by).await
}

/// Lets a user have the call that rings at somebody's: their telephone rings, and once it is answered it takes that call.
#[utoipa::path(post, path = "/v1/users/{name}/pick-up", tag = "calls", operation_id = "pick_up_call",
    params(("name" = String, Path, description = "At whom it rings: a user")),
    request_body = Taker, responses((status = 200, description = "How it went", body = Placed)))]
pub(super) async fn pick_up(
    State(board): Board,
    Named(at): Named<String>,
    Body(taker): Body<Taker>,
) -> Outcome<Placed> {
    let by = Private(&taker.by).to_string();
    let placing = blocking(move || board.pick_up(&at, &taker.by)).await?;
    outcome(placing, by).await
}

/// Has a user join a call, so that all three talk: their telephone rings, and once it is answered it joins the call. Their
/// telephone and one of those in the call must know Join (RFC 3911).
#[utoipa::path(post, path = "/v1/calls/{id}/join", tag = "calls", operation_id = "join_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    request_body = Taker, responses((status = 200, description = "How it went", body = Placed)))]
pub(super) async fn join(
    State(board): Board,
    Named(id): Named<String>,
    Body(taker): Body<Taker>,
) -> Outcome<Placed> {
    let by = Private(&taker.by).to_string();
    let placing = blocking(move || board.join(&id, &taker.by).map(Ok)).await?;
    outcome(placing, by).await
}

/// Waits for it. Whoever asked may go away meanwhile: this is then dropped, and with it what is placed.
async fn outcome(placing: Result<Placing, Operated>, user: String) -> Outcome<Placed> {
    let operated = match placing {
        Ok(placing) => {
            let outcome = placing.outcome();
            blocking(outcome).await?
        }
        Err(operated) => operated,
    };
    tracing::info!(user, outcome = operated.outcome.as_str(), "an operator called somebody");
    Ok(Json(Placed::from(operated)))
}
