//! The choices of one run, and the walk over all runs that differ from the usual one in a few of them.
//!
//! A run is a function of its choices: played again with the same ones it is the same, byte for byte. Where it may
//! go several ways it asks [`Choices::choose`]; the first option is the usual one, any other a *turn*. A [`Walk`]
//! plays every run with at most so many turns, those with fewer first, so that the first run that fails is one of
//! the shortest to explain.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// Runs that may wait for their turn in one walk; a walk that would need more is too large to be exhaustive.
const MAX_WAITING: usize = 4_000_000;

/// A choice other than the usual one: the how many-th choice of a run, and the option taken.
type Turn = (u16, u8);

/// The turns of a run, first to last. As text `3=1 17=2`: the fourth choice goes the second way, the eighteenth the
/// third; `-` if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns(Vec<Turn>);

/// Why a text names no turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTurns(String);

impl fmt::Display for NoTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "choices look like `3=1 17=2`, and `-` is none; not `{}`", self.0)
    }
}

impl std::error::Error for NoTurns {}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        for (n, (at, option)) in self.0.iter().enumerate() {
            let gap = if n == 0 { "" } else { " " };
            write!(f, "{gap}{at}={option}")?;
        }
        Ok(())
    }
}

impl FromStr for Turns {
    type Err = NoTurns;

    fn from_str(text: &str) -> Result<Self, NoTurns> {
        let turn = |word: &str| {
            let (at, option) = word.split_once('=')?;
            Some((at.parse().ok()?, option.parse().ok()?))
        };
        let words = text.split_whitespace().filter(|word| *word != "-");
        let turns: Option<Vec<Turn>> = words.map(turn).collect();
        let rises = |turns: &Vec<Turn>| turns.windows(2).all(|pair| pair[0].0 < pair[1].0);
        turns.filter(rises).map(Self).ok_or_else(|| NoTurns(text.to_owned()))
    }
}

/// The choices of one run.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    turns: Turns,
    /// How many options each choice had that came up so far.
    options: Vec<u8>,
}

impl Choices {
    /// Choices that make these turns, and are usual where there is none.
    pub const fn new(turns: Turns) -> Self {
        Self { turns, options: Vec::new() }
    }

    /// Chooses one of so many options; 0 is the usual one.
    ///
    /// # Panics
    ///
    /// If the turn that is to be made here is none of the options: the choices belong to another run.
    pub fn choose(&mut self, options: usize) -> usize {
        let at = self.options.len();
        let turn = self.turns.0.iter().find(|(place, _)| usize::from(*place) == at);
        let chosen = turn.map_or(0, |(_, option)| usize::from(*option));
        assert!(chosen < options.max(1), "choice {at} has {options} options, not {}", chosen + 1);
        self.options.push(u8::try_from(options).unwrap_or(u8::MAX));
        chosen
    }

    /// The turns that it makes.
    pub const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Whether every turn was made.
    pub fn is_spent(&self) -> bool {
        self.turns.0.last().is_none_or(|(at, _)| usize::from(*at) < self.options.len())
    }
}

/// A walk over every run with at most so many turns.
#[derive(Debug)]
pub struct Walk {
    most_turns: usize,
    waiting: VecDeque<Turns>,
}

impl Walk {
    /// A walk over the runs with at most so many turns, beginning with the usual one.
    pub fn new(most_turns: usize) -> Self {
        Self { most_turns, waiting: VecDeque::from([Turns::default()]) }
    }

    /// The next run, if one is left.
    pub fn next_run(&mut self) -> Option<Choices> {
        self.waiting.pop_front().map(Choices::new)
    }

    /// Takes note of the choices that a run met: those after its last turn are where further runs turn off.
    ///
    /// # Panics
    ///
    /// If more runs would wait than memory is meant for.
    pub fn finished(&mut self, run: &Choices) {
        let turns = &run.turns.0;
        if turns.len() >= self.most_turns {
            return;
        }
        let first = turns.last().map_or(0, |(at, _)| usize::from(*at) + 1);
        for (at, options) in run.options.iter().enumerate().skip(first) {
            let Ok(at) = u16::try_from(at) else { return };
            for option in 1..*options {
                let mut further = turns.clone();
                further.push((at, option));
                self.waiting.push_back(Turns(further));
            }
        }
        assert!(self.waiting.len() <= MAX_WAITING, "a walk of so many turns does not come to its end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two choices of two, and a third of three where the first one was a turn.
    fn play(choices: &mut Choices) -> Vec<usize> {
        let mut made = vec![choices.choose(2), choices.choose(2)];
        if made[0] == 1 {
            made.push(choices.choose(3));
        }
        made
    }

    fn walked(most_turns: usize) -> Vec<Vec<usize>> {
        let mut walk = Walk::new(most_turns);
        let mut made = Vec::new();
        while let Some(mut choices) = walk.next_run() {
            made.push(play(&mut choices));
            assert!(choices.is_spent());
            walk.finished(&choices);
        }
        made
    }

    #[test]
    fn a_walk_plays_every_run_once_and_those_with_fewer_turns_first() {
        assert_eq!(walked(0), [[0, 0]]);
        assert_eq!(walked(1), [vec![0, 0], vec![1, 0, 0], vec![0, 1]]);
        let all = walked(3);
        let mut once = all.clone();
        once.sort();
        once.dedup();
        assert_eq!((all.len(), once.len()), (8, 8));
        let turns = |run: &Vec<usize>| run.iter().filter(|option| **option > 0).count();
        assert!(all.windows(2).all(|pair| turns(&pair[0]) <= turns(&pair[1])), "{all:?}");
    }

    #[test]
    fn turns_are_read_as_they_are_written() {
        let turns = Turns(vec![(3, 1), (17, 2)]);
        assert_eq!(turns.to_string(), "3=1 17=2");
        assert_eq!("3=1 17=2".parse(), Ok(turns));
        assert_eq!("-".parse(), Ok(Turns::default()));
        assert_eq!(Turns::default().to_string(), "-");
        for odd in ["3", "3=x", "=1", "5=1 3=1", "3=1,4=1"] {
            assert!(odd.parse::<Turns>().is_err(), "{odd}");
        }
    }

    #[test]
    #[should_panic(expected = "choice 0 has 2 options, not 3")]
    fn turns_of_another_run_are_told() {
        let turns = "0=2".parse().expect("they are turns");
        play(&mut Choices::new(turns));
    }
}
