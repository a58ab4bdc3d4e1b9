//! One run: what is due happens in the order that is chosen, and people act when it is chosen that they do.

use super::{Act, Deed, Party, Scene};
use crate::Stage;
use cordboard_sim::{HostId, Order, Step};
use std::time::Duration;

/// How long a run goes on after nobody does anything any more: longer than any wait of a transfer or a service, so that each has
/// come to its end.
const SETTLES: Duration = Duration::from_mins(8);

/// Why a run is not taken to its end.
pub(super) enum Cut {
    /// It comes to the same as another one.
    Commutes,
    /// Something is wrong.
    Wrong(String),
}

/// A run.
pub(super) struct Run<'a> {
    stage: &'a Stage,
    scene: Scene<'a>,
    pub(super) order: Order,
    /// The acts that were done, in their order.
    done: Vec<usize>,
}

impl<'a> Run<'a> {
    pub(super) const fn new(stage: &'a Stage, scene: Scene<'a>, order: Order) -> Self {
        Self { stage, scene, order, done: Vec::new() }
    }

    /// Plays it until nothing happens any more.
    pub(super) fn plays(&mut self) -> Result<(), Cut> {
        if let Some(why) = self.stage.stopped() {
            return Err(Cut::Wrong(self.stage.report(&why)));
        }
        let mut until = self.stage.now() + SETTLES;
        let mut offered = None;
        loop {
            let at_rest = self.stage.is_quiet() && !self.order.has_waiting();
            if at_rest && offered.replace(self.stage.rows()) != Some(self.stage.rows()) && self.acts_at_rest()
            {
                until = self.stage.now() + SETTLES;
                offered = None;
                continue;
            }
            let before = self.stage.rows();
            let step = self.stage.step_in(&mut self.order, until);
            match step {
                Step::Delivered(host) => self.hastens(host),
                // What is only forgotten by and by is no new moment.
                Step::Fired(host) if self.stage.rows() != before => self.hastens(host),
                Step::Fired(_) => {}
                Step::Idle => return Ok(()),
                Step::Commutes => return Err(Cut::Commutes),
            }
        }
    }

    /// Looks at how it ended, lets everybody hang up, and sees that nothing is left behind.
    pub(super) fn ends(&self) -> Result<(), String> {
        let done: Vec<(Party, Deed)> = self.acts_done().map(|act| (act.by, act.deed)).collect();
        let judged = (self.scene.verdict)(self.stage, &self.scene.cast, &done);
        judged.map_err(|why| self.stage.report(&format!("{why}\n{}", self.deeds())))?;
        self.stage.end().map_err(|why| format!("{why}\n{}", self.deeds()))
    }

    /// What was done, in words.
    pub(super) fn deeds(&self) -> String {
        let words =
            self.acts_done().map(|act| format!("{} {:?}", self.scene.cast.phone(act.by).name, act.deed));
        format!("done: {}", words.collect::<Vec<_>>().join(", "))
    }

    fn acts_done(&self) -> impl Iterator<Item = &Act<'a>> {
        self.done.iter().map(|act| &self.scene.acts[*act])
    }

    /// The wire is at rest: what is usual is done, unless it is chosen that somebody does something else. False if
    /// nobody does anything.
    fn acts_at_rest(&mut self) -> bool {
        let (mut can, others): (Vec<usize>, Vec<usize>) =
            self.possible(|_| true).into_iter().partition(|act| self.scene.acts[*act].usual);
        let nobody = can.is_empty();
        can.extend(others);
        let chosen = if nobody {
            match self.order.choices.choose(can.len() + 1) {
                0 => return false,
                chosen => chosen - 1,
            }
        } else {
            self.order.choices.choose(can.len())
        };
        self.act(can[chosen]);
        // Somebody may act in the same moment.
        while self.chooses_to_act(|_| true) {}
        true
    }

    /// Something has happened at a host: whoever is there may act before anything else does.
    fn hastens(&mut self, host: HostId) {
        while self.chooses_to_act(|by| by == host) {}
    }

    /// Lets one of those act if that is chosen.
    fn chooses_to_act(&mut self, by: impl Fn(HostId) -> bool) -> bool {
        let can = self.possible(by);
        if can.is_empty() {
            return false;
        }
        match self.order.choices.choose(can.len() + 1) {
            0 => false,
            chosen => {
                self.act(can[chosen - 1]);
                true
            }
        }
    }

    /// The acts that could be done now and have not been. Before the first one there is no other.
    fn possible(&self, by: impl Fn(HostId) -> bool) -> Vec<usize> {
        let acts = self.scene.acts.iter().enumerate();
        let acts = acts.take(if self.done.is_empty() { 1 } else { usize::MAX });
        let can = acts.filter(|(at, act)| {
            by(self.scene.cast.phone(act.by).host) && !self.is_past(*at) && self.stage.could(&act.verb)
        });
        can.map(|(at, _)| at).collect()
    }

    /// Whether somebody has done it, or the contrary.
    fn is_past(&self, at: usize) -> bool {
        let act = &self.scene.acts[at];
        self.done.iter().any(|done| {
            let other = &self.scene.acts[*done];
            *done == at || (other.by == act.by && other.deed.excludes(act.deed))
        })
    }

    fn act(&mut self, at: usize) {
        let Act { verb, .. } = &self.scene.acts[at];
        if self.stage.tries_to(verb) {
            self.done.push(at);
        }
    }
}
