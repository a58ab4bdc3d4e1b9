//! What must be so at the end of a transfer, in whatever order its events came.

pub(super) mod services;

use super::{Cast, Deed, Party};
use crate::Stage;
use crate::book::{Call, Progress};
use crate::phone::Phone;
use cordboard_ladder::Outcome;
use cordboard_sim::Sim;
use cordboard_sip::{Status, View};
use std::collections::BTreeMap;

/// How often the same message may pass: nothing is lost, and nothing is kept for longer than twice T1, so that whoever
/// says it more often is not heard.
const MOST_COPIES: usize = 4;

/// A call of the transferor with the target, before the handing over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consultation {
    /// There is none, or it is over.
    None,
    /// The target still rings.
    Rings,
    /// It is up, and the transferee is to take it over.
    Up,
    /// It is up, and stays: the transferor connects the two.
    Stays,
}

/// Judges a transfer by what its three parties did; tells what is wrong.
pub(super) fn of(
    stage: &Stage,
    cast: &Cast<'_>,
    consultation: Consultation,
    done: &[(Party, Deed)],
) -> Result<(), String> {
    nobody_is_alone(stage, cast)?;
    let deeds: Vec<Deed> = done.iter().map(|(_, deed)| *deed).collect();
    if consultation == Consultation::Stays {
        return bridged(stage, cast, &deeds).and_then(|()| everybody_is_heard(stage));
    }
    let end = End::read(stage, cast, consultation, &deeds);
    end.has_a_name()?;
    for (one, other) in [
        (Party::Transferor, Party::Transferee),
        (Party::Transferee, Party::Target),
        (Party::Transferor, Party::Target),
    ] {
        let (wanted, is) = (end.belongs(one, other), are_up(stage, cast, one, other));
        if wanted.is_some_and(|wanted| wanted != is) {
            let be = if is { "are in a call, and should not be" } else { "should be in a call" };
            return Err(format!("{one:?} and {other:?} {be}; the transfer ended as {:?}", end.outcome));
        }
        // A transferor that gets nobody goes on holding the target of a consultation.
        let held = (one, other) == (Party::Transferor, Party::Target)
            || end.did(Deed::Holds(one, other))
            || end.did(Deed::Holds(other, one));
        if is && !held && !talk(stage, cast, one, other) {
            return Err(format!("{one:?} and {other:?} do not hear each other"));
        }
    }
    everybody_is_heard(stage)
}

/// A transferor that connects its two calls: both are up or both are over, once they are connected; before that, whoever
/// does not leave stays in its own.
fn bridged(stage: &Stage, cast: &Cast<'_>, deeds: &[Deed]) -> Result<(), String> {
    use Party::{Target, Transferee, Transferor};
    let told = |call: &Call| call.transfer.is_some();
    let outcome = stage
        .read(|books| books.of(cast.phone(Party::Transferor).host).find(told).and_then(|call| call.transfer));
    let Some(outcome) = outcome else { return Err("the transferor was told no outcome".into()) };
    let left =
        |one, other| deeds.contains(&Deed::Leaves(one, other)) || deeds.contains(&Deed::Leaves(other, one));
    // Whoever holds holds both of them, until it has resumed.
    let count = |counts: fn(&&Deed) -> bool| deeds.iter().filter(counts).count();
    let holds = count(|deed| matches!(deed, Deed::Holds(..)));
    let held = holds > count(|deed| matches!(deed, Deed::Resumes(..)));
    let (first, second) = (left(Transferor, Transferee), left(Transferor, Target));
    for (other, is_left) in [(Transferee, first), (Target, second)] {
        let is = are_up(stage, cast, Transferor, other);
        let wanted = if outcome == Outcome::Completed { !first && !second } else { !is_left };
        if is != wanted {
            return Err(format!("{other:?} and the transferor are in a call: {is}; it ended as {outcome}"));
        }
        if is && !held && outcome == Outcome::Completed && !talk(stage, cast, Transferor, other) {
            return Err(format!("{other:?} hears nobody"));
        }
    }
    if outcome == Outcome::Completed || first || second || holds > 0 {
        return Ok(());
    }
    Err(format!("nothing explains that the transfer ended as {outcome}"))
}

/// How a transfer ended.
struct End<'a> {
    deeds: &'a [Deed],
    /// What the transferor was told.
    outcome: Option<Outcome>,
    /// The transferee reached the target.
    reached: bool,
    /// The transferor had a call with the target, and the target has not taken the transferee in its place.
    kept: bool,
    /// The transferee had called the target and was left by the transferor before that came to an end.
    left_early: bool,
}

impl<'a> End<'a> {
    fn read(stage: &Stage, cast: &Cast<'_>, consultation: Consultation, deeds: &'a [Deed]) -> Self {
        let [transferor, transferee, target] =
            [Party::Transferor, Party::Transferee, Party::Target].map(|party| cast.phone(party));
        let had = |one: Phone<'_>, other: Phone<'_>| {
            stage.read(|books| {
                let book = books.of(one.host);
                let answered = |call: &Call| {
                    let ended = matches!(call.progress, Progress::Ended(Outcome::Answered, _));
                    ended || book.were_up.contains(&call.name)
                };
                book.find(|call| call.is_with(other.user) && answered(call)).is_some()
            })
        };
        // Who follows a link calls by itself.
        let called = !deeds.contains(&Deed::FollowsLink)
            && stage.read(|books| {
                let calls = books.of(transferee.host);
                calls.find(|call| call.is_with(target.user)).is_some()
            });
        let consulted = match consultation {
            Consultation::None | Consultation::Stays => false,
            Consultation::Rings => had(transferor, target),
            Consultation::Up => true,
        };
        let told = |call: &Call| call.transfer.is_some();
        // Which of the transferee's calls was over first.
        let first_over = stage.read(|books| {
            let book = books.of(transferee.host);
            let calls =
                book.ended.iter().filter_map(|name| book.calls.iter().find(|call| call.name == *name));
            let mut users = calls.filter_map(|call| {
                [transferor.user, target.user].into_iter().find(|user| call.is_with(user))
            });
            users.next()
        });
        Self {
            deeds,
            outcome: stage.read(|books| books.of(transferor.host).find(told).and_then(|call| call.transfer)),
            reached: had(transferee, target),
            kept: consulted && !had(target, transferee),
            left_early: called && first_over == Some(transferor.user),
        }
    }

    fn did(&self, deed: Deed) -> bool {
        self.deeds.contains(&deed)
    }

    fn parted(&self, one: Party, other: Party) -> bool {
        self.did(Deed::Leaves(one, other)) || self.did(Deed::Leaves(other, one))
    }

    /// Every transfer ends in an outcome, and it is one that the deeds explain.
    fn has_a_name(&self) -> Result<(), String> {
        use Party::{Target, Transferee, Transferor};
        let Some(outcome) = self.outcome else { return Err("the transferor was told no outcome".into()) };
        let explained = match outcome {
            // Of a link that was sent the transferor only sees that its call ends.
            Outcome::Completed => {
                self.reached || self.did(Deed::FollowsLink) && self.did(Deed::Leaves(Transferee, Transferor))
            }
            Outcome::TargetBusy => self.did(Deed::IsBusy),
            Outcome::TargetDeclined => {
                self.did(Deed::Leaves(Target, Transferee)) || self.did(Deed::Leaves(Target, Transferor))
            }
            // Somebody did not wait for the target, and stays in its call with the other.
            Outcome::TargetNoAnswer => {
                self.did(Deed::Leaves(Transferee, Target)) || self.did(Deed::Leaves(Transferor, Target))
            }
            Outcome::TransfereeLeft => {
                self.did(Deed::Leaves(Transferee, Target)) || self.did(Deed::Leaves(Transferee, Transferor))
            }
            // The REFER crossed the end of its call.
            Outcome::Refused => self.parted(Transferor, Transferee),
            // It did not wait until the target answered.
            Outcome::TransferorLeft => self.did(Deed::Leaves(Transferor, Transferee)),
            // The target's end of the consultation was over before the transferee came.
            Outcome::AlreadyEnded | Outcome::ReplacesNoMatch => self.parted(Transferor, Target),
            _ => false,
        };
        if !explained {
            return Err(format!("nothing explains that the transfer ended as {outcome}"));
        }
        let unseen = outcome == Outcome::TransferorLeft && self.did(Deed::FollowsLink);
        if self.reached && outcome != Outcome::Completed && !unseen {
            return Err(format!("the target was reached, and the transferor was told {outcome}"));
        }
        Ok(())
    }

    /// Whether two of them belong together; nothing if either will do.
    fn belongs(&self, one: Party, other: Party) -> Option<bool> {
        use Party::{Target, Transferee, Transferor};
        Some(match (one, other) {
            (Transferee, Target) => self.reached && !self.parted(Transferee, Target),
            (Transferor, Transferee) if self.reached => false,
            // Whom the transferor left early, and the target did not take, calls back; who gave the target up itself
            // does not (RFC 5359 §2.4).
            (Transferor, Transferee) if self.did(Deed::Leaves(Transferor, Transferee)) => {
                if self.did(Deed::Leaves(Transferee, Target))
                    || self.did(Deed::Leaves(Transferee, Transferor))
                {
                    return None;
                }
                // Who had called nobody has nobody to call back for. A BYE that crosses the refusal may be the end.
                match (self.left_early, self.outcome) {
                    (true, _) => true,
                    (false, Some(Outcome::Refused | Outcome::TransferorLeft)) => false,
                    (false, _) => return None,
                }
            }
            (Transferor, Transferee) => !self.did(Deed::Leaves(Transferee, Transferor)),
            (Transferor, Target) => self.kept && !self.parted(Transferor, Target),
            _ => return None,
        })
    }
}

/// Each call that a telephone tells of is up at both ends.
fn nobody_is_alone(stage: &Stage, cast: &Cast<'_>) -> Result<(), String> {
    for (_, phone) in cast.people() {
        let unfinished = |call: &&Call| call.progress != Progress::Established;
        let left = stage.read(|books| {
            let left = books.of(phone.host).live().find(unfinished).cloned();
            left.map(|call| format!("{} waits for ever: {:?} with {}", phone.name, call.progress, call.peer))
        });
        if let Some(left) = left {
            return Err(left);
        }
    }
    if let Some(name) =
        stage.watch(|sim| sim.sessions().one_sided().first().map(|host| sim.name(*host).to_owned()))
    {
        return Err(format!("{name} is alone in a call"));
    }
    if !stage.beliefs_agree() {
        return Err("a telephone tells of other calls than those it has".into());
    }
    Ok(())
}

fn are_up(stage: &Stage, cast: &Cast<'_>, one: Party, other: Party) -> bool {
    let has = |one: Phone<'_>, other: Phone<'_>| {
        let up = |call: &Call| call.progress == Progress::Established && call.is_with(other.user);
        stage.read(|books| books.of(one.host).find(up).is_some())
    };
    let (one, other) = (cast.phone(one), cast.phone(other));
    has(one, other) || has(other, one)
}

fn talk(stage: &Stage, cast: &Cast<'_>, one: Party, other: Party) -> bool {
    let (one, other) = (cast.phone(one).host, cast.phone(other).host);
    stage.watch(|sim| sim.sessions().talking().contains(&[one.min(other), one.max(other)]))
}

/// Nobody has to say the same over and over again.
fn everybody_is_heard(stage: &Stage) -> Result<(), String> {
    let over_and_over = |sim: &Sim| {
        let mut copies: BTreeMap<&[u8], usize> = BTreeMap::new();
        for seen in sim.tap().messages(0) {
            let count = copies.entry(&seen.bytes).or_default();
            *count += 1;
            // A telephone says again and again that it rings (RFC 3261 §13.3.1.1).
            let status = || View::parse(&seen.bytes).ok().and_then(|view| view.status());
            let rings = || status().is_some_and(Status::is_provisional);
            if *count > MOST_COPIES && !rings() {
                let first = String::from_utf8_lossy(&seen.bytes);
                let start = first.lines().next().unwrap_or_default();
                return Some(format!(
                    "{} says over and over again, and is not heard: {start}",
                    sim.name(seen.from)
                ));
            }
        }
        None
    };
    stage.watch(over_and_over).map_or(Ok(()), Err)
}
