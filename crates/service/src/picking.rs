//! Picking up by a dialled code (RFC 5359 §2.16): for telephones that know neither SUBSCRIBE nor Replaces.
//!
//! Who dials the code and a name is sent to the server for that, and so is, under the same key, the call that rings at whoever
//! was named: as one more branch of it, beside the telephones that ring. The first answer wins, as with any fork (RFC 3261
//! §16.7). The calls that ring are all shards' to know, so that each is asked.

use crate::agent::Agent;
use crate::clearance::{Letter, insider};
use crate::door::{Envelope, Level, Output, ShardId};
use crate::programs::pickup::{DIALLER, RINGING};
use crate::proxy::target::Destination;
use crate::switchboard::Admitted;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::{Method, Status, View};

/// A wish to have a call that rings.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// At whom it rings; nobody in particular if it is empty.
    pub(crate) whom: Box<str>,
    /// Who wants it.
    pub(crate) by: Box<str>,
    /// As whom the server is called with it.
    pub(crate) name: Box<str>,
}

/// Somebody calls a server who may. If they have dialled the code, what rings is sent there, too; an error if they may not
/// have it.
pub(crate) fn dialled(
    agent: &mut Agent,
    now: Instant,
    flow: Flow,
    server: ServerId,
    request: &View<'_>,
    mut admitted: Admitted,
) -> Option<Admitted> {
    let Destination::Server(name) = &admitted.destination else { return Some(admitted) };
    let begins = request.method() == Method::Invite && request.to_tag().is_none();
    let Some(whom) = agent.desk.directory.picks_up(name).filter(|_| begins) else { return Some(admitted) };
    let code: Box<str> = name[..name.len() - whom.len()].into();
    let refused = match insider(agent, request, &admitted.caller) {
        None => Err(Status::FORBIDDEN),
        Some(_) if !whom.is_empty() && agent.desk.directory.user(whom).is_none() => Err(Status::NOT_FOUND),
        Some(by) if !whom.is_empty() && *by != *whom && !agent.desk.directory.share_group(&by, whom) => {
            Err(Status::FORBIDDEN)
        }
        Some(by) => Ok(by),
    };
    let by = match refused {
        Ok(by) => by,
        Err(status) => {
            agent.desk.note(Level::Warning, "refused to let a call be picked up", request, Some(flow));
            agent.desk.reply(now, server, request, status);
            return None;
        }
    };
    let tag = request.from_tag().unwrap_or_default();
    let key = agent.desk.tokens.dialog(request.call_id(), [tag, "pickup"]).0;
    let wish = Wish { whom: whom.into(), by, name: format!("{code}{RINGING}{key:016x}").into() };
    admitted.destination = Destination::Server(format!("{code}{DIALLER}{key:016x}").into());
    for shard in (0..agent.desk.shards).map(ShardId) {
        if shard == agent.desk.shard {
            agent.proxy.pick_up(&mut agent.desk, now, &wish);
        } else {
            let letter = Letter::PickUp(Box::new(wish.clone()));
            agent.desk.out.push_back(Output::HandOver(shard, Envelope(letter)));
        }
    }
    Some(admitted)
}
