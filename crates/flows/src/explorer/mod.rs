//! The explorer: every order in which the events of a transfer or a service can come, and what must be so in each of them.
//!
//! Storms draw their orders; the explorer plays them all, as far as they differ from the usual run in at most so many
//! *turns*. A turn is: something waits until something else has come to the same host, up to 2·T1 later
//! ([`Order`]); somebody presses a button that nobody presses in the usual run, at any moment;
//! somebody does what is usual before the wire is at rest, or out of turn. Orders in which only the doings of
//! different hosts are mixed otherwise are played once: they commute.
//!
//! A [`Kind`] of transfer, or a service, is played by a few parties on a still network. Its calls are set up first; from
//! the handing over on, or whatever it begins with, everything is chosen. Each run has to end well (`verdict`): with a named outcome that the
//! deeds explain, the right two talking, nobody alone in a call, nothing left behind.
//!
//! A run that does not is told with its choices, and `CORDBOARD_CHOICES='3=1 17=2'` in the environment plays only
//! that run, and draws it.

mod kinds;
mod run;
mod services;
mod verdict;

use crate::{Phone, Stage};
use cordboard_sim::{Choices, Fault, HostId, Order, Turns, Walk};
use run::{Cut, Run};
use std::fmt;

pub use kinds::KINDS;
pub use services::SERVICES;

/// Who somebody is: in a transfer (RFC 5589 §2), or to a service (RFC 5359).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Hands somebody over.
    Transferor,
    /// Is handed over.
    Transferee,
    /// Gets the transferee.
    Target,
    /// Calls.
    Caller,
    /// Is called.
    Callee,
    /// Has something to do with that call, too.
    Colleague,
    /// And somebody more.
    Another,
    /// A server that is a user agent, or the proxy.
    Server,
}

/// What somebody does, as far as the outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The transferor hands over.
    HandsOver,
    /// The caller calls.
    Dials,
    /// Somebody answers whoever rings.
    Answers,
    /// Somebody is busy.
    IsBusy,
    /// Somebody wants no such call, here or elsewhere.
    Declines,
    /// The target follows the link that it was sent.
    FollowsLink,
    /// One leaves the other.
    Leaves(Party, Party),
    /// One puts the other on hold.
    Holds(Party, Party),
    /// And takes it off again.
    Resumes(Party, Party),
    /// Somebody ends the call that it has, or tries to have.
    GivesUp,
    /// Somebody parks the caller.
    Parks,
    /// Somebody wants to have whoever is parked.
    Retrieves,
    /// Whoever parked wants the same.
    TakesBack,
    /// Somebody takes the call that rings at somebody else's.
    PicksUp,
    /// Somebody joins a call.
    Joins,
}

impl Deed {
    /// Whether who did this cannot do that any more.
    fn excludes(self, other: Self) -> bool {
        let decides = |deed| matches!(deed, Self::Answers | Self::IsBusy | Self::Declines);
        self != other && decides(self) && decides(other)
    }
}

/// Something that a party can do once.
pub(crate) struct Act<'a> {
    by: Party,
    deed: Deed,
    /// Whether it is done in the usual run, as soon as the wire is at rest.
    usual: bool,
    verb: Box<dyn Fn() + 'a>,
}

/// Who plays which party.
#[derive(Clone)]
pub(crate) struct Cast<'a>(Vec<(Party, Phone<'a>)>);

impl<'a> Cast<'a> {
    fn of<const PARTIES: usize>(people: [(Party, Phone<'a>); PARTIES]) -> Self {
        Self(people.into())
    }

    fn has(&self, party: Party) -> bool {
        self.0.iter().any(|(other, _)| *other == party)
    }

    /// Who plays a party.
    ///
    /// # Panics
    ///
    /// If nobody does.
    fn phone(&self, party: Party) -> Phone<'a> {
        let found = self.0.iter().find(|(other, _)| *other == party);
        found.map_or_else(|| panic!("nobody plays the {party:?}"), |(_, phone)| *phone)
    }

    fn people(&self) -> impl Iterator<Item = (Party, Phone<'a>)> {
        self.0.iter().copied()
    }
}

/// Judges a run by what its parties did, in their order.
type Verdict<'a> = Box<dyn Fn(&Stage, &Cast<'a>, &[(Party, Deed)]) -> Result<(), String> + 'a>;

/// The parties on a stage, their calls set up, what they can do, and what must be so in the end. The first act is the one
/// with which it begins.
pub struct Scene<'a> {
    cast: Cast<'a>,
    /// Servers that are drawn and are no user agents.
    proxy: Option<HostId>,
    acts: Vec<Act<'a>>,
    verdict: Verdict<'a>,
}

impl<'a> Scene<'a> {
    fn new(cast: Cast<'a>, verdict: Verdict<'a>) -> Self {
        Self { cast, proxy: None, acts: Vec::new(), verdict }
    }

    /// Somebody does this in the usual run.
    fn usually(&mut self, by: Party, deed: Deed, verb: impl Fn() + 'a) {
        self.acts.push(Act { by, deed, usual: true, verb: Box::new(verb) });
    }

    /// Somebody may do this.
    fn may(&mut self, by: Party, deed: Deed, verb: impl Fn() + 'a) {
        self.acts.push(Act { by, deed, usual: false, verb: Box::new(verb) });
    }

    fn may_leave(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.cast.phone(one), self.cast.phone(other));
        self.may(one, Deed::Leaves(one, other), move || by.gives_up_on(whom));
    }

    fn may_hold(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.cast.phone(one), self.cast.phone(other));
        self.may(one, Deed::Holds(one, other), move || by.holds(whom));
    }
}

impl Scene<'_> {
    /// One holds the other in the usual run, and then takes it off hold.
    fn usually_holds(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.cast.phone(one), self.cast.phone(other));
        self.usually(one, Deed::Holds(one, other), move || by.holds(whom));
        self.usually(one, Deed::Resumes(one, other), move || by.resumes(whom));
    }

    fn may_hold_and_resume(&mut self, one: Party, other: Party) {
        let (by, whom) = (self.cast.phone(one), self.cast.phone(other));
        self.may_hold(one, other);
        self.may(one, Deed::Resumes(one, other), move || by.resumes(whom));
    }
}

/// A kind of transfer, or a service.
#[derive(Clone, Copy)]
pub struct Kind {
    /// As it is told.
    pub name: &'static str,
    /// Sets the calls up, and says what everybody can do.
    sets_up: for<'a> fn(&'a Stage) -> Scene<'a>,
}

/// What was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// Runs that were played to their end.
    pub runs: u64,
    /// Runs that were broken off, since they came to the same as others.
    pub cut_short: u64,
    /// Orders of two things at different hosts that were not played.
    pub commuting: u64,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, cut_short, commuting } = self;
        write!(
            f,
            "{runs} interleavings explored; skipped as commuting: {commuting} orders of two, {cut_short} runs broken off"
        )
    }
}

impl Kind {
    /// Plays every run with at most so many turns, with a bug in an agent if one is planted.
    ///
    /// # Errors
    ///
    /// The first run that does not end well: why, its choices, and everything that passed.
    pub fn explore(
        &self,
        most_turns: usize,
        planted: impl Fn(Party, HostId) -> Option<Fault>,
    ) -> Result<Explored, String> {
        let mut walk = Walk::new(most_turns);
        let mut explored = Explored::default();
        while let Some(choices) = walk.next_run() {
            let stage = Stage::still();
            let mut run = self.set_up(&stage, choices, &planted);
            let played = run.plays();
            let ended = played.and_then(|()| run.ends().map_err(Cut::Wrong));
            stage.breaks_off();
            let order = &run.order;
            match ended {
                Ok(()) => explored.runs += 1,
                Err(Cut::Commutes) => explored.cut_short += 1,
                Err(Cut::Wrong(why)) => {
                    let turns = order.choices.turns();
                    return Err(format!("{}: CORDBOARD_CHOICES='{turns}'\n{why}", self.name));
                }
            }
            explored.commuting += order.commuting();
            walk.finished(&order.choices);
        }
        Ok(explored)
    }

    /// Plays one run again, and draws it.
    ///
    /// # Errors
    ///
    /// As [`Kind::explore`].
    pub fn replay(
        &self,
        turns: Turns,
        planted: impl Fn(Party, HostId) -> Option<Fault>,
    ) -> Result<String, String> {
        let stage = Stage::still();
        let mut run = self.set_up(&stage, Choices::new(turns), &planted);
        let played = run.plays();
        let (deeds, drawn) = (run.deeds(), stage.ladder());
        let ended = match played {
            Ok(()) => run.ends(),
            Err(Cut::Wrong(why)) => Err(why),
            Err(Cut::Commutes) => {
                Err("this run was broken off: what waits in it has nothing to wait for".into())
            }
        };
        stage.breaks_off();
        ended.map(|()| format!("{deeds}\n{drawn}"))
    }

    fn set_up<'a>(
        &self,
        stage: &'a Stage,
        choices: Choices,
        planted: &impl Fn(Party, HostId) -> Option<Fault>,
    ) -> Run<'a> {
        let scene = (self.sets_up)(stage);
        stage.turn_page();
        let people = scene.cast.people().map(|(party, phone)| (party, phone.host));
        for (party, host) in people.chain(scene.proxy.map(|host| (Party::Server, host))) {
            if let Some(fault) = planted(party, host) {
                stage.fault(fault);
            }
        }
        Run::new(stage, scene, Order::new(choices))
    }
}
