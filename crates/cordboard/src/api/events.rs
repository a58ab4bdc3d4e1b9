//! What happens, as server-sent events.

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

use super::answer::Failure;
use super::{Board, blocking};
use crate::feed::{Ear, Happening};
use crate::switchboard::Switchboard;

/// After so long a silence a comment is sent, so that whoever has gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Calls, transfers, registrations and changes, as they happen. Each `data` is one `Happening`; `event` bears its word. Who
/// reads too slowly is told by `lost` how many were missed.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "events",
    responses((status = 200, description = "One event after the other", body = Happening,
        content_type = "text/event-stream")))]
pub(super) async fn listen(State(board): Board) -> Result<Response, Failure> {
    let listening = {
        let board = Arc::clone(&board);
        blocking(move || board.listen()).await
    };
    let ear = listening?;
    let listener = Listener { ear, board, runtime: Handle::current() };
    let events = stream::unfold(listener, async |mut listener| {
        let happening = listener.ear.next().await?;
        let event = Event::default().event(happening.what.word());
        // What is made of Rust values is JSON, on one line.
        let data = serde_json::to_string(&*happening).unwrap_or_default();
        Some((Ok::<_, Infallible>(event.data(data)), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response())
}

/// Whoever listens, until the connection ends.
struct Listener {
    ear: Ear,
    board: Arc<Switchboard>,
    runtime: Handle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let board = Arc::clone(&self.board);
        // Agents have locks; whoever drops a connection must not wait for them.
        self.runtime.spawn_blocking(move || board.listen_no_more());
    }
}
