//! Calls that an operator handles. Each action is answered when its outcome is known.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use cordboard_service::operate::{self, Operation};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::answer::{Failure, Operated, ParkedAt};
use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::private::Private;
use crate::switchboard::Switchboard;

/// Ends a call: both sides are told, as if the other had hung up; one that rings is cancelled.
#[utoipa::path(post, path = "/v1/calls/{id}/end", tag = "calls", operation_id = "end_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    responses((status = 200, description = "How it went", body = Operated)))]
pub(super) async fn end(State(board): Board, Named(id): Named<String>) -> Outcome<Operated> {
    act(board, id, Operation::End).await
}

/// Puts both sides of a call on hold.
#[utoipa::path(post, path = "/v1/calls/{id}/hold", tag = "calls", operation_id = "hold_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    responses((status = 200, description = "How it went", body = Operated)))]
pub(super) async fn hold(State(board): Board, Named(id): Named<String>) -> Outcome<Operated> {
    act(board, id, Operation::Hold).await
}

/// Takes both sides off hold.
#[utoipa::path(post, path = "/v1/calls/{id}/resume", tag = "calls", operation_id = "resume_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    responses((status = 200, description = "How it went", body = Operated)))]
pub(super) async fn resume(State(board): Board, Named(id): Named<String>) -> Outcome<Operated> {
    act(board, id, Operation::Resume).await
}

/// Where a call goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Handover {
    /// Whom the other side is to call: a user, a number or an address. With `to_call`, who of that call: needed where who
    /// leaves is not in it.
    to: Option<String>,
    /// A call that is up, whose party the other side takes over from there: its Call-ID, or how it begins.
    to_call: Option<String>,
    /// Who leaves: a user, or an address. May be left out where one side only is a user of this switchboard.
    leaves: Option<Box<str>>,
}

/// Hands a call over: one side is asked to call somebody else, in the name of the other, who leaves when that has worked.
#[utoipa::path(post, path = "/v1/calls/{id}/transfer", tag = "calls", operation_id = "transfer_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    request_body = Handover, responses((status = 200, description = "How it went", body = Operated)))]
pub(super) async fn transfer(
    State(board): Board,
    Named(id): Named<String>,
    Body(wish): Body<Handover>,
) -> Outcome<Operated> {
    match wish {
        Handover { to: Some(to), to_call: None, leaves } => {
            let to = board.address(&to)?;
            act(board, id, Operation::Transfer { leaves, to }).await
        }
        Handover { to, to_call: Some(other), leaves } => {
            let call = Private(&id).to_string();
            let whom = to.map(Into::into);
            let (call_id, operated) =
                blocking(move || board.transfer_to_call(&id, leaves, &other, whom)).await?;
            told(&call, &operated);
            Ok(Json(Operated::new(call_id, operated)))
        }
        Handover { to: None, to_call: None, .. } => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "it is not said whom to call: `to` names a user, a number or an address, and `to_call` a call",
        )),
    }
}

/// Into which slot a call goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Parking {
    /// The number of the slot; the first that is free if none is named.
    slot: Option<String>,
    /// Who leaves: a user, or an address. May be left out where one side only is a user of this switchboard.
    leaves: Option<String>,
}

/// Parks a call: one side is asked to call a park slot, in the name of the other, who leaves when that has worked.
#[utoipa::path(post, path = "/v1/calls/{id}/park", tag = "park", operation_id = "park_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so")),
    request_body = Parking, responses((status = 200, description = "How it went, and where", body = ParkedAt)))]
pub(super) async fn park(
    State(board): Board,
    Named(id): Named<String>,
    Body(wish): Body<Parking>,
) -> Outcome<ParkedAt> {
    let call = Private(&id).to_string();
    let parked = blocking(move || board.park(&id, wish.slot.as_deref(), wish.leaves.as_deref())).await?;
    told(&call, &parked.operated);
    Ok(Json(ParkedAt::from(parked)))
}

async fn act(board: Arc<Switchboard>, id: String, operation: Operation) -> Outcome<Operated> {
    let call = Private(&id).to_string();
    let (call_id, operated) = blocking(move || board.operate(&id, operation)).await?;
    told(&call, &operated);
    Ok(Json(Operated::new(call_id, operated)))
}

fn told(call: &str, operated: &operate::Operated) {
    tracing::info!(call, outcome = operated.outcome.as_str(), "an operator handled a call");
}
