//! The explorer: every order in which the events of a transfer can come, and what must be so in each of them.
//!
//! Storms draw their orders; the explorer plays them all, as far as they differ from the usual run in at most so many
//! *turns*. A turn is: something waits until something else has come to the same host, up to 2·T1 later
//! ([`Order`]); somebody presses a button that nobody presses in the usual run, at any moment;
//! somebody does what is usual before the wire is at rest, or out of turn. Orders in which only the doings of
//! different hosts are mixed otherwise are played once: they commute.
//!
//! A [`Kind`] of transfer is played by three parties on a still network. Its calls are set up first; from
//! the handing over on everything is chosen. Each run has to end well (`verdict`): with a named outcome that the
//! deeds explain, the right two talking, nobody alone in a call, nothing left behind.
//!
//! A run that does not is told with its choices, and `CORDBOARD_CHOICES='3=1 17=2'` in the environment plays only
//! that run, and draws it.

mod kinds;
mod run;
mod verdict;

use crate::{Phone, Stage};
use cordboard_sim::{Choices, Fault, Order, Turns, Walk};
use run::{Cut, Run};
use std::fmt;

pub use kinds::KINDS;

/// Who somebody is in a transfer (RFC 5589 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Hands somebody over.
    Transferor,
    /// Is handed over.
    Transferee,
    /// Gets the transferee.
    Target,
}

/// What somebody does, as far as the outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The transferor hands over.
    HandsOver,
    /// Somebody answers whoever rings.
    Answers,
    /// The target is busy.
    IsBusy,
    /// The target follows the link that it was sent.
    FollowsLink,
    /// One leaves the other.
    Leaves(Party, Party),
    /// One puts the other on hold.
    Holds(Party, Party),
}

impl Deed {
    /// Whether who did this cannot do that any more.
    const fn excludes(self, other: Self) -> bool {
        matches!((self, other), (Self::Answers, Self::IsBusy) | (Self::IsBusy, Self::Answers))
    }
}

/// Something that one of the three can do once.
pub(crate) struct Act<'a> {
    by: Party,
    deed: Deed,
    /// Whether it is done in the usual run, as soon as the wire is at rest.
    usual: bool,
    verb: Box<dyn Fn() + 'a>,
}

/// The three on a stage, their calls set up, and what they can do. The first act is the handing over.
pub struct Scene<'a> {
    transferor: Phone<'a>,
    transferee: Phone<'a>,
    target: Phone<'a>,
    /// How far the transferor's call with the target is before the handing over.
    consultation: Consultation,
    acts: Vec<Act<'a>>,
}

/// A call of the transferor with the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consultation {
    /// There is none, or it is over.
    None,
    /// The target still rings.
    Rings,
    /// It is up, and the transferee is to take it over.
    Up,
    /// It is up, and stays: the transferor connects the two.
    Stays,
}

impl<'a> Scene<'a> {
    const fn phone(&self, party: Party) -> Phone<'a> {
        match party {
            Party::Transferor => self.transferor,
            Party::Transferee => self.transferee,
            Party::Target => self.target,
        }
    }
}

/// A kind of transfer.
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
        planted: impl Fn(Party, Phone<'_>) -> Option<Fault>,
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
        planted: impl Fn(Party, Phone<'_>) -> Option<Fault>,
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
        planted: &impl Fn(Party, Phone<'_>) -> Option<Fault>,
    ) -> Run<'a> {
        let scene = (self.sets_up)(stage);
        stage.turn_page();
        for party in [Party::Transferor, Party::Transferee, Party::Target] {
            if let Some(fault) = planted(party, scene.phone(party)) {
                stage.fault(fault);
            }
        }
        Run::new(stage, scene, Order::new(choices))
    }
}
