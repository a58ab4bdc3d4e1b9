//! The HTTP API that `cordboard ctl` and Prometheus use, on loopback.
//!
//! Everything but `/metrics` needs the token of the data folder. Requests that a web page could have
//! forged are refused: those whose `Host` is not loopback (DNS rebinding) and those of other origins.

mod answer;
mod guard;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::drawing;
use crate::metrics;
use crate::private::Private;
use crate::rules::Written;
use crate::switchboard::{Refusal, Switchboard};

use answer::{Failure, call, message, person, registration};
pub use guard::Guard;

/// The largest body of a request: screening lists as long as they may be fit.
const MAX_BODY: usize = 1 << 20;
/// Registrations in one answer, if nothing else is asked for.
const MAX_LISTED: usize = 10_000;

/// The routes of a switchboard behind `guard`.
pub fn router(switchboard: Arc<Switchboard>, guard: Guard) -> Router {
    let guard = Arc::new(guard);
    let operator = Router::new()
        .route("/v1/users", get(users).post(add_user))
        .route("/v1/users/{name}", axum::routing::delete(remove_user))
        .route("/v1/users/{name}/password", put(change_password))
        .route("/v1/users/{name}/rules", get(rules).put(set_rules).delete(reset_rules))
        .route("/v1/registrations", get(registrations))
        .route("/v1/calls", get(calls))
        .route("/v1/calls/{id}", get(show_call))
        .route("/v1/reload", post(reload))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::token));
    Router::new()
        .route("/metrics", get(figures))
        .merge(operator)
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "there is nothing here"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(guard, guard::loopback))
        .with_state(switchboard)
}

type Board = State<Arc<Switchboard>>;
type Outcome = Result<Json<Value>, Failure>;

async fn figures(State(board): Board) -> Response {
    match blocking(move || Ok(board.metrics())).await {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn users(State(board): Board) -> Outcome {
    let people = blocking(move || Ok(board.people())).await?;
    Ok(Json(people.iter().map(person).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    password: String,
    display_name: Option<Box<str>>,
    #[serde(default)]
    groups: Vec<Box<str>>,
}

async fn add_user(State(board): Board, Json(new): Json<NewUser>) -> Outcome {
    let who = Private(&new.name).to_string();
    blocking(move || board.add_person(&new.name, &new.password, new.display_name, new.groups)).await?;
    tracing::info!(who, "a user was added");
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

async fn change_password(
    State(board): Board,
    Path(name): Path<String>,
    Json(new): Json<NewPassword>,
) -> Outcome {
    let who = Private(&name).to_string();
    blocking(move || board.change_password(&name, &new.password)).await?;
    tracing::info!(who, "a password was changed");
    Ok(Json(json!({})))
}

async fn remove_user(State(board): Board, Path(name): Path<String>) -> Outcome {
    let who = Private(&name).to_string();
    blocking(move || board.remove_person(&name)).await?;
    tracing::info!(who, "a user was removed");
    Ok(Json(json!({})))
}

async fn rules(State(board): Board, Path(name): Path<String>) -> Outcome {
    let (rules, configured) = blocking(move || board.rules(&name)).await?;
    let from = if configured { "file" } else { "database" };
    Ok(Json(json!({ "rules": rules, "from": from })))
}

async fn set_rules(State(board): Board, Path(name): Path<String>, Json(rules): Json<Written>) -> Outcome {
    let who = Private(&name).to_string();
    blocking(move || board.change_rules(&name, Some(rules))).await?;
    tracing::info!(who, "the rules of a user were changed");
    Ok(Json(json!({})))
}

async fn reset_rules(State(board): Board, Path(name): Path<String>) -> Outcome {
    let who = Private(&name).to_string();
    blocking(move || board.change_rules(&name, None)).await?;
    tracing::info!(who, "the rules of a user are those of the file again");
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct WhichRegistrations {
    user: Option<String>,
    limit: Option<usize>,
}

async fn registrations(State(board): Board, Query(which): Query<WhichRegistrations>) -> Outcome {
    let (mut list, more) = blocking(move || {
        let limit = which.limit.unwrap_or(MAX_LISTED);
        let now = board.now();
        let mut list: Vec<Value> = Vec::new();
        let mut more = 0u64;
        board.store.bindings(now, |binding| {
            let theirs = binding.aor.rsplit_once('@').map_or(binding.aor, |(user, _)| user);
            if which.user.as_deref().is_none_or(|user| user == theirs || user == binding.aor) {
                if list.len() < limit {
                    list.push(registration(binding, now));
                } else {
                    more += 1;
                }
            }
            true
        });
        // Somebody who is not registered is another thing than nobody.
        if let (true, Some(user)) = (list.is_empty() && more == 0, which.user) {
            board.expect_person(&user)?;
        }
        Ok((list, more))
    })
    .await?;
    let order = |value: &Value| (value["user"].to_string(), value["contact"].to_string());
    list.sort_by_cached_key(order);
    Ok(Json(json!({ "registrations": list, "more": more })))
}

async fn calls(State(board): Board) -> Outcome {
    blocking(move || {
        let now = board.now();
        Ok(Json(board.calls().iter().map(|summary| call(summary, now)).collect()))
    })
    .await
}

#[derive(Deserialize)]
struct HowToDraw {
    width: Option<usize>,
    #[serde(default)]
    color: bool,
}

async fn show_call(State(board): Board, Path(id): Path<String>, Query(how): Query<HowToDraw>) -> Outcome {
    blocking(move || {
        let (call_id, messages) = board.messages(&id)?;
        let start = messages.first().map_or_else(Default::default, |first| first.at);
        let width = how.width.unwrap_or(80).clamp(20, 1000);
        Ok(Json(json!({
            "call_id": call_id,
            "messages": messages.iter().map(|each| message(each, start)).collect::<Vec<_>>(),
            "ladder": drawing::draw(&messages, width, how.color),
        })))
    })
    .await
}

async fn reload(State(board): Board) -> Outcome {
    let waits = blocking(move || board.reload()).await?;
    tracing::info!(needs_restart = waits.join(" "), "the configuration was read again");
    Ok(Json(json!({ "needs_restart": waits })))
}

/// Work that waits for locks, agents or the disk, away from the threads that serve connections.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Failure::from),
        Err(_) => {
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "this request broke something; see the log"))
        }
    }
}
