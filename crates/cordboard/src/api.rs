//! The HTTP API that `cordboard ctl` and Prometheus use, on loopback, and its description in the words of `OpenAPI`, which
//! is made of the very routes.
//!
//! Everything but `/metrics` and the description needs the token of the data folder. Requests that a web page could have
//! forged are refused: those whose `Host` is not loopback (DNS rebinding) and those of other origins. Whatever is wrong
//! with a request is answered by a sentence in JSON.

mod answer;
mod calls;
mod conferences;
mod control;
mod description;
mod events;
mod guard;
mod house;
mod park;
mod placing;
mod redials;
mod servers;
mod take;
mod users;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::{Json, Router, middleware};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::switchboard::{Refusal, Switchboard};

use answer::Failure;
pub use description::description;
pub use guard::Guard;

/// The largest body of a request: screening lists as long as they may be fit.
const MAX_BODY: usize = 1 << 20;

/// The routes of a switchboard behind `guard`.
pub fn router(switchboard: Arc<Switchboard>, guard: Guard) -> Router {
    let guard = Arc::new(guard);
    let operator = Router::from(operators())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::token));
    Router::from(everybodys())
        .merge(operator)
        .fallback(async || {
            Failure::new(StatusCode::NOT_FOUND, "there is nothing here: /v1/openapi.json tells what is")
        })
        .method_not_allowed_fallback(async || {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this cannot be done here: Allow tells what can, and /v1/openapi.json how",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(guard, guard::loopback))
        .with_state(switchboard)
}

/// What needs no token.
fn everybodys() -> OpenApiRouter<Arc<Switchboard>> {
    OpenApiRouter::default().routes(routes!(house::figures)).routes(routes!(house::described))
}

/// What needs the token.
fn operators() -> OpenApiRouter<Arc<Switchboard>> {
    OpenApiRouter::default()
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::remove))
        .routes(routes!(users::change_password))
        .routes(routes!(users::change_groups, users::reset_groups))
        .routes(routes!(users::rules, users::set_rules, users::reset_rules))
        .routes(routes!(calls::registrations))
        .routes(routes!(calls::list, placing::place))
        .routes(routes!(calls::show))
        .routes(routes!(servers::list))
        .routes(routes!(servers::set_up))
        .routes(routes!(servers::reset))
        .routes(routes!(park::list))
        .routes(routes!(redials::list, redials::ask))
        .routes(routes!(redials::cancel))
        .routes(routes!(placing::retrieve))
        .routes(routes!(placing::pick_up))
        .routes(routes!(conferences::list))
        .routes(routes!(conferences::invite))
        .routes(routes!(conferences::remove))
        .routes(routes!(conferences::end))
        .routes(routes!(placing::join))
        .routes(routes!(control::end))
        .routes(routes!(control::hold))
        .routes(routes!(control::resume))
        .routes(routes!(control::transfer))
        .routes(routes!(control::park))
        .routes(routes!(events::listen))
        .routes(routes!(house::reload))
}

type Board = State<Arc<Switchboard>>;
type Outcome<T> = Result<Json<T>, Failure>;

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
