//! What must be so at the end of a service, in whatever order its events came: one has the caller, who else wanted it
//! was told by name that they have not, and nobody who did not leave is left alone.

use super::{are_up, everybody_is_heard, nobody_is_alone};
use crate::Stage;
use crate::book::{Call, Progress};
use crate::explorer::{Cast, Deed, Party};
use cordboard_ladder::Outcome;
use cordboard_sip::Status;

/// What was done, and by whom.
type Done = [(Party, Deed)];

/// A call that looks for somebody who takes it: pickup, forwarding, find-me.
pub(in crate::explorer) fn reached(stage: &Stage, cast: &Cast<'_>, done: &Done) -> Result<(), String> {
    nobody_is_alone(stage, cast)?;
    let answerers = [Party::Callee, Party::Colleague, Party::Another];
    let having = having(stage, cast, Party::Caller, &answerers)?;
    let left = any(done, |deed| matches!(deed, Deed::GivesUp));
    let taken = any(done, |deed| deed == Deed::Answers);
    if taken && !left && having.is_none() {
        return Err("somebody answered and nobody left, and the caller has nobody".into());
    }
    for party in answerers.into_iter().filter(|party| cast.has(*party)) {
        let took = did(done, party, Deed::Answers) || did(done, party, Deed::PicksUp);
        if having == Some(party) && !took {
            return Err(format!("{party:?} has the caller and did nothing for it"));
        }
    }
    // Who picks a call up that nobody has answered, turned down or given up has it.
    let picks = any(done, |deed| deed == Deed::PicksUp);
    let gone = left || any(done, |deed| matches!(deed, Deed::IsBusy | Deed::Declines));
    if picks && !gone && having.is_none() {
        return Err("the call was picked up, and the caller has nobody".into());
    }
    endings_are_explained(stage, cast, done)?;
    everybody_is_heard(stage)
}

/// A call that somebody joins.
pub(in crate::explorer) fn joined(stage: &Stage, cast: &Cast<'_>, done: &Done) -> Result<(), String> {
    use Party::{Another, Callee, Caller, Colleague};
    nobody_is_alone(stage, cast)?;
    let parted =
        |one, other| any(done, |deed| deed == Deed::Leaves(one, other) || deed == Deed::Leaves(other, one));
    let held = any(done, |deed| matches!(deed, Deed::Holds(..)));
    let ended = parted(Caller, Callee);
    for (one, other) in [(Caller, Callee), (Colleague, Callee), (Another, Callee)] {
        let belongs = match one {
            Caller => !ended,
            _ => did(done, one, Deed::Joins) && !parted(one, other),
        };
        let is = are_up(stage, cast, one, other);
        // Who joins a call that has ended, or is about to, may come too late.
        let excused = one != Caller && ended && !is;
        if is != belongs && !excused {
            return Err(format!("{one:?} and {other:?} are in a call: {is}"));
        }
        if is && !held && !super::talk(stage, cast, one, other) {
            return Err(format!("{one:?} and {other:?} do not hear each other"));
        }
    }
    endings_are_explained(stage, cast, done)?;
    everybody_is_heard(stage)
}

/// A call that is parked, and that several want back.
pub(in crate::explorer) fn parked(stage: &Stage, cast: &Cast<'_>, done: &Done) -> Result<(), String> {
    use Party::{Another, Callee, Caller, Colleague, Server};
    nobody_is_alone(stage, cast)?;
    let told = |call: &Call| call.transfer.is_some();
    let callee = cast.phone(Callee).host;
    let outcome = stage.read(|books| books.of(callee).find(told).and_then(|call| call.transfer));
    let Some(outcome) = outcome else { return Err("whoever parks was told no outcome".into()) };
    let left = any(done, |deed| deed == Deed::GivesUp);
    let having = having(stage, cast, Caller, &[Callee, Colleague, Another, Server])?;
    if !left && having.is_none() {
        return Err(format!("nobody has the caller, who did not leave; parking ended as {outcome}"));
    }
    if outcome != Outcome::Completed && !left {
        return Err(format!("nothing explains that parking ended as {outcome}"));
    }
    if !left && having == Some(Callee) && !did(done, Callee, Deed::TakesBack) {
        return Err("the caller is parked, and still with whoever parked it".into());
    }
    endings_are_explained(stage, cast, done)?;
    everybody_is_heard(stage)
}

/// Which of these has the caller, if one has; wrong if several have, or if the caller has another call besides.
fn having(stage: &Stage, cast: &Cast<'_>, caller: Party, others: &[Party]) -> Result<Option<Party>, String> {
    let host = cast.phone(caller).host;
    let connected = stage.watch(|sim| sim.sessions().connected());
    let with = |party: &Party| {
        let other = cast.phone(*party).host;
        connected.contains(&[host.min(other), host.max(other)])
    };
    let having: Vec<Party> = others.iter().copied().filter(|party| cast.has(*party)).filter(with).collect();
    let calls = stage.read(|books| books.of(host).established());
    match having[..] {
        _ if calls != having.len() => Err(format!("the caller has {calls} calls, with {having:?}")),
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(format!("the caller is with several at once: {having:?}")),
    }
}

/// Each call that is over and was never up ended in a way that something which was done explains.
fn endings_are_explained(stage: &Stage, cast: &Cast<'_>, done: &Done) -> Result<(), String> {
    let left = any(done, |deed| matches!(deed, Deed::GivesUp | Deed::Leaves(..)));
    let refused = any(done, |deed| matches!(deed, Deed::IsBusy | Deed::Declines));
    let takers = done
        .iter()
        .filter(|(_, deed)| matches!(deed, Deed::Answers | Deed::PicksUp | Deed::Retrieves | Deed::TakesBack))
        .count();
    for (party, phone) in cast.people() {
        let over = stage.read(|books| {
            let book = books.of(phone.host);
            let ended = |call: &Call| match call.progress {
                Progress::Ended(outcome, status) => Some((outcome, status)),
                Progress::Dialled | Progress::Ringing | Progress::Incoming | Progress::Established => None,
            };
            let never_up = book.calls.iter().filter(|call| !book.were_up.contains(&call.name));
            never_up.filter_map(ended).collect::<Vec<_>>()
        });
        for (outcome, status) in over {
            let explained = match outcome {
                // Its answer came too late, or crossed the end.
                Outcome::Answered => left || takers > 1,
                // Somebody else has it, or it was given up, or it went on elsewhere.
                Outcome::Cancelled => left || takers > 0 || refused || party != Party::Caller,
                Outcome::Busy => refused || takers > 1,
                Outcome::Declined | Outcome::NotFound => {
                    left || refused || takers > 1 || takers == 1 && party != Party::Caller
                }
                Outcome::NoAnswer => takers == 0 || left,
                // What was to be joined or taken over is not there any more (RFC 3911 §4, RFC 3891 §3).
                Outcome::Failed => {
                    status == Some(Status::CALL_DOES_NOT_EXIST) && (left || refused || takers > 1)
                }
                _ => false,
            };
            if !explained {
                let status = status.map(Status::code);
                return Err(format!(
                    "nothing explains that a call of {party:?} ended as {outcome} ({status:?})"
                ));
            }
        }
    }
    Ok(())
}

fn did(done: &Done, party: Party, deed: Deed) -> bool {
    done.contains(&(party, deed))
}

fn any(done: &Done, so: impl Fn(Deed) -> bool) -> bool {
    done.iter().any(|(_, deed)| so(*deed))
}
