//! Servers that are set up otherwise while they run: their calls go on.

use cordboard_service::door::{Command, Event, Unchanged};
use std::mem::discriminant;
use std::sync::PoisonError;

use super::{Listing, PATIENCE, Served, ServerError, Servers, service};
use crate::config::servers::Server;

impl Servers {
    /// Sets servers up as `new` says, which are set up as `old` says; those that are only in one of the two are left alone. All of
    /// them change, or none.
    pub fn change(&self, old: &[Server], new: &[Server]) -> Result<(), ServerError> {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        let changes = changes(old, new);
        for (done, (_, server)) in changes.iter().enumerate() {
            let Err(error) = change(&mut running, server) else { continue };
            for (before, _) in &changes[..done] {
                if let Err(error) = change(&mut running, before) {
                    tracing::error!("a server cannot be set up again as it was: {error}");
                }
            }
            return Err(error);
        }
        Ok(())
    }
}

/// Those of both that are not the same, as they are and as they are to be.
fn changes<'a>(old: &'a [Server], new: &'a [Server]) -> Vec<(&'a Server, &'a Server)> {
    let same = |one: &&Server, other: &Server| {
        one.name == other.name && discriminant(&one.kind) == discriminant(&other.kind)
    };
    let pairs = new.iter().filter_map(|server| Some((old.iter().find(|one| same(one, server))?, server)));
    pairs.filter(|(before, after)| before != after).collect()
}

/// What of `new` runs after a change from `old`: what only one of them has waits for a restart.
pub fn mixed(old: &[Server], new: &[Server]) -> Vec<Server> {
    let changes = changes(old, new);
    let changed = |server: &Server| changes.iter().find(|(before, _)| *before == server);
    old.iter().map(|server| changed(server).map_or(server, |(_, after)| after).clone()).collect()
}

fn change(running: &mut [Served], server: &Server) -> Result<(), ServerError> {
    let name = || server.name.clone();
    let silent = || ServerError::Silent { name: name() };
    let served = running.iter_mut().find(|served| served.name == server.name).ok_or_else(silent)?;
    let (service, plays) = service(server)?;
    let media = served.sounding.widen(server.calls()).ok_or_else(silent)?;
    let media = media.map_err(|source| ServerError::Ports { name: name(), source })?;
    let asked = served.running.command(Command::UseService { service: Box::new(service), media });
    let told = served.answers.wait(asked, 1, PATIENCE).into_iter();
    let mut outcomes = told.filter_map(|event| match event {
        Event::ServiceChanged(_, outcome) => Some(outcome),
        _ => None,
    });
    match outcomes.next() {
        Some(Ok(())) => {}
        Some(Err(Unchanged::Taken(place))) => return Err(ServerError::Taken { name: name(), place }),
        Some(Err(Unchanged::NoSuchProgram)) | None => return Err(silent()),
    }
    served.sounding.play(plays);
    served.listed = Listing::of(server, served.listed.listed.address);
    served.kind = server.kind.clone();
    Ok(())
}
