//! Conference rooms (RFC 4579 §5). Each action is answered when its outcome is known.

use axum::Json;
use axum::extract::State;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome as Word;
use cordboard_service::rooms::{self, RoomAction, RoomAnswer};
use cordboard_sip::Status;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::take::{Body, Named};
use super::{Board, Outcome, blocking};
use crate::switchboard::Switchboard;
use crate::words;

/// A conference room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConferenceRoom {
    /// The number that is dialled to be in it.
    room: Box<str>,
    /// The name of its server.
    server: Box<str>,
    /// Most parties that it takes.
    limit: usize,
    /// Who is in it, or on their way.
    parties: Vec<RoomParty>,
}

/// Somebody in a room, or on their way into it or out of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomParty {
    /// Their URI.
    who: Box<str>,
    /// How they stand: `entering`, `called`, `in` or `leaving`.
    state: &'static str,
    /// For how long they are there, or on their way.
    for_s: u64,
}

/// Who is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomWho {
    /// A user, a number or an address.
    who: String,
}

/// What came of what an operator did with a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Conferred {
    /// The room.
    room: String,
    /// How it ended: `completed` if it worked; of an invitation else how the call ended.
    #[schema(schema_with = words::outcome)]
    outcome: Word,
    /// The status that says so.
    status: Option<u16>,
    /// How many telephones were told to leave.
    left: usize,
    /// The same in a sentence.
    says: String,
}

/// Every conference room.
#[utoipa::path(get, path = "/v1/conferences", tag = "conferences", operation_id = "list_conferences",
    responses((status = 200, description = "In the order of the configuration", body = [ConferenceRoom])))]
pub(super) async fn list(State(board): Board) -> Outcome<Vec<ConferenceRoom>> {
    blocking(move || {
        let now = board.now();
        let rooms = board.servers.rooms().into_iter();
        Ok(Json(rooms.map(|(server, room)| ConferenceRoom::new(server, room, now)).collect()))
    })
    .await
}

/// Calls somebody into a room, and waits until they are in it or will not be.
#[utoipa::path(post, path = "/v1/conferences/{name}/invite", tag = "conferences", operation_id = "invite_to_conference",
    params(("name" = String, Path, description = "The room")),
    request_body = RoomWho, responses((status = 200, description = "How it went", body = Conferred)))]
pub(super) async fn invite(
    State(board): Board,
    Named(room): Named<String>,
    Body(wish): Body<RoomWho>,
) -> Outcome<Conferred> {
    let who = board.address(&wish.who)?;
    act(board, room.clone(), RoomAction::Invite { room: room.into(), who }).await
}

/// Has somebody leave a room, with all their telephones.
#[utoipa::path(post, path = "/v1/conferences/{name}/remove", tag = "conferences", operation_id = "remove_from_conference",
    params(("name" = String, Path, description = "The room")),
    request_body = RoomWho, responses((status = 200, description = "How it went", body = Conferred)))]
pub(super) async fn remove(
    State(board): Board,
    Named(room): Named<String>,
    Body(wish): Body<RoomWho>,
) -> Outcome<Conferred> {
    let who = board.address(&wish.who)?;
    act(board, room.clone(), RoomAction::Remove { room: room.into(), who }).await
}

/// Has everybody leave a room. Who calls it afterwards is in it again.
#[utoipa::path(post, path = "/v1/conferences/{name}/end", tag = "conferences", operation_id = "end_conference",
    params(("name" = String, Path, description = "The room")),
    responses((status = 200, description = "How it went", body = Conferred)))]
pub(super) async fn end(State(board): Board, Named(room): Named<String>) -> Outcome<Conferred> {
    act(board, room.clone(), RoomAction::End { room: room.into() }).await
}

async fn act(board: Arc<Switchboard>, room: String, action: RoomAction) -> Outcome<Conferred> {
    let conference = blocking(move || board.confer(&action)).await?;
    // Whoever asked may go away meanwhile: this is then dropped, and with it an invitation.
    let answer = blocking(conference.outcome()).await?;
    let conferred = Conferred::new(room, &answer);
    tracing::info!(outcome = conferred.outcome.as_str(), "an operator handled a conference room");
    Ok(Json(conferred))
}

impl Conferred {
    /// What is refused is an error before.
    fn new(room: String, answer: &RoomAnswer) -> Self {
        let (outcome, status, left, says) = match answer {
            RoomAnswer::NotEntered(outcome, status) => {
                let why =
                    status.map_or(String::new(), |status| format!(": {} {}", status.code(), status.reason()));
                (*outcome, *status, 0, format!("whoever was invited did not come{why}"))
            }
            RoomAnswer::Left(0) => (Word::Completed, None, 0, "nobody was in the room".to_owned()),
            RoomAnswer::Left(1) => (Word::Completed, None, 1, "1 telephone has left the room".to_owned()),
            RoomAnswer::Left(left) => {
                (Word::Completed, None, *left, format!("{left} telephones have left the room"))
            }
            RoomAnswer::Entered
            | RoomAnswer::Rooms(_)
            | RoomAnswer::NoRoom
            | RoomAnswer::Full
            | RoomAnswer::AlreadyThere
            | RoomAnswer::NotThere
            | RoomAnswer::NotHere => {
                (Word::Completed, None, 0, "whoever was invited is in the room".to_owned())
            }
        };
        Self { room, outcome, status: status.map(Status::code), left, says }
    }
}

impl ConferenceRoom {
    fn new(server: Box<str>, room: rooms::Room, now: Instant) -> Self {
        let party = |party: rooms::Party| RoomParty {
            who: party.who,
            state: party.state,
            for_s: now.since(party.since).as_secs(),
        };
        let parties = room.parties.into_iter().map(party).collect();
        Self { room: room.name, server, limit: room.limit, parties }
    }
}
