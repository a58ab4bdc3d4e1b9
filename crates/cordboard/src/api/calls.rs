//! Registrations, and the calls whose messages are remembered.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{Call, Passed, Registration, Registrations, Shown};
use super::take::{Asked, Named};
use super::{Board, Outcome, blocking};
use crate::drawing;

/// Registrations in one answer, if nothing else is asked for.
const MAX_LISTED: usize = 10_000;

/// Which registrations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this user.
    user: Option<String>,
    /// At most so many; 10,000 if nothing is said.
    limit: Option<usize>,
}

/// Who is registered where.
#[utoipa::path(get, path = "/v1/registrations", tag = "registrations", operation_id = "list_registrations",
    params(Which), responses((status = 200, description = "By user and contact", body = Registrations)))]
pub(super) async fn registrations(State(board): Board, Asked(which): Asked<Which>) -> Outcome<Registrations> {
    let mut answer = blocking(move || {
        let limit = which.limit.unwrap_or(MAX_LISTED);
        let now = board.now();
        let mut answer = Registrations { registrations: Vec::new(), more: 0 };
        board.store.bindings(now, |binding| {
            let theirs = binding.aor.rsplit_once('@').map_or(binding.aor, |(user, _)| user);
            if which.user.as_deref().is_none_or(|user| user == theirs || user == binding.aor) {
                if answer.registrations.len() < limit {
                    answer.registrations.push(Registration::new(binding, now));
                } else {
                    answer.more += 1;
                }
            }
            true
        });
        // Somebody who is not registered is another thing than nobody.
        if let (true, Some(user)) = (answer.registrations.is_empty() && answer.more == 0, which.user) {
            board.expect_person(&user)?;
        }
        Ok(answer)
    })
    .await?;
    answer.registrations.sort_by(|one, two| (&one.user, &one.contact).cmp(&(&two.user, &two.contact)));
    Ok(Json(answer))
}

/// The calls whose messages are remembered, the latest first.
#[utoipa::path(get, path = "/v1/calls", tag = "calls", operation_id = "list_calls",
    responses((status = 200, description = "The calls", body = [Call])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<Call>> {
    blocking(move || {
        let now = board.now();
        Ok(Json(board.calls().iter().map(|summary| Call::new(summary, now)).collect()))
    })
    .await
}

/// How to draw a call.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Columns of the window, from 20 to 1000; 80 if nothing is said.
    width: Option<usize>,
    /// With the colours of a terminal.
    #[serde(default)]
    color: bool,
}

/// One call: its messages, and its ladder.
#[utoipa::path(get, path = "/v1/calls/{id}", tag = "calls", operation_id = "show_call",
    params(("id" = String, Path, description = "The Call-ID, or how it begins, if only one begins so"), How),
    responses((status = 200, description = "The call", body = Shown)))]
pub(super) async fn show(
    State(board): Board,
    Named(id): Named<String>,
    Asked(how): Asked<How>,
) -> Outcome<Shown> {
    blocking(move || {
        let (call_id, messages) = board.messages(&id)?;
        let start = messages.first().map_or_else(Default::default, |first| first.at);
        let width = how.width.unwrap_or(80).clamp(20, 1000);
        Ok(Json(Shown {
            call_id,
            messages: messages.iter().map(|each| Passed::new(each, start)).collect(),
            ladder: drawing::draw(&messages, width, how.color),
        }))
    })
    .await
}
