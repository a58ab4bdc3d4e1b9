//! What is parked (RFC 5359 §2.15).

use axum::Json;
use axum::extract::State;
use cordboard_core::time::Instant;
use cordboard_service::door;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Board, Outcome, blocking};

/// A park server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParkLot {
    /// Its name.
    name: Box<str>,
    /// Its slots, in the order of the configuration.
    slots: Vec<ParkSlot>,
}

/// One slot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParkSlot {
    /// The number that is dialled to take who waits in it.
    slot: Box<str>,
    /// Who is in it; none if it is free.
    parked: Option<ParkedCall>,
}

/// A call that is parked, or on its way into the slot or out of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParkedCall {
    /// How it stands: `parking`, `parked`, `ringing-back`, `retrieving` or `retrieved`.
    state: &'static str,
    /// The URI of who waits.
    who: Box<str>,
    /// The URI of who has parked them, if that is known.
    parked_by: Option<Box<str>>,
    /// For how long they are in the slot.
    for_s: u64,
}

/// Every slot of every park server.
#[utoipa::path(get, path = "/v1/park", tag = "park", operation_id = "list_parked",
    responses((status = 200, description = "By the name of the server", body = [ParkLot])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<ParkLot>> {
    blocking(move || {
        let slots = board.servers.slots();
        let now = board.now();
        let lot = |(name, slots): (Box<str>, Vec<door::Slot>)| ParkLot {
            name,
            slots: slots.into_iter().map(|slot| ParkSlot::new(slot, now)).collect(),
        };
        Ok(Json(slots.into_iter().map(lot).collect()))
    })
    .await
}

impl ParkSlot {
    fn new(slot: door::Slot, now: Instant) -> Self {
        let parked = slot.parked.map(|door::Parked { state, who, by, since }| ParkedCall {
            state,
            who,
            parked_by: by,
            for_s: now.since(since).as_secs(),
        });
        Self { slot: slot.name, parked }
    }
}
