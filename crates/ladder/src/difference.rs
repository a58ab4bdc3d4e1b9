//! In what two ladders differ, in words.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::draw::{self, seconds};
use crate::model::Ladder;

/// One thing in which an observed ladder differs from the expected one. Lines are counted from 1 below the heading;
/// rows are told in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// An expected row was not seen.
    Missing {
        /// Line in the expected drawing.
        line: usize,
        /// The expected row.
        expected: String,
    },
    /// A row was seen that nobody expected.
    Unexpected {
        /// Line in the observed drawing.
        line: usize,
        /// The observed row.
        observed: String,
    },
    /// Where one row was expected another was seen.
    Changed {
        /// Line in the expected drawing.
        line: usize,
        /// The expected row.
        expected: String,
        /// Line in the observed drawing.
        observed_line: usize,
        /// The observed row.
        observed: String,
        /// Words of the expected label that are no facts of the observed row.
        lacking: Vec<String>,
    },
    /// The row was seen, but earlier or later than its pair allows.
    Moved {
        /// Line in the expected drawing.
        line: usize,
        /// The expected row.
        expected: String,
        /// Line in the observed drawing.
        observed_line: usize,
    },
    /// The row was seen after another time than the margin says.
    Time {
        /// Line in the expected drawing.
        line: usize,
        /// The expected row.
        expected: String,
        /// The time in the margin.
        time: Duration,
        /// The time that passed, if the observer told.
        observed: Option<Duration>,
    },
}

/// Two ladders that differ, and in what. Its `Display` tells the differences in words and prints both drawings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was wanted.
    pub expected: Ladder,
    /// What was seen.
    pub observed: Ladder,
    /// In what they differ, in the order of the expected lines; never empty.
    pub differences: Vec<Difference>,
}

impl Difference {
    /// The line of the expected drawing that it is about.
    pub fn expected_line(&self) -> Option<usize> {
        match self {
            Self::Missing { line, .. }
            | Self::Changed { line, .. }
            | Self::Moved { line, .. }
            | Self::Time { line, .. } => Some(*line),
            Self::Unexpected { .. } => None,
        }
    }

    /// The line of the observed drawing that it is about.
    pub fn observed_line(&self) -> Option<usize> {
        match self {
            Self::Unexpected { line, .. } => Some(*line),
            Self::Changed { observed_line, .. } | Self::Moved { observed_line, .. } => Some(*observed_line),
            Self::Missing { .. } | Self::Time { .. } => None,
        }
    }

    /// Sorts by line, what was not expected behind what was.
    pub(crate) fn order(&self) -> (usize, bool) {
        let line = self.expected_line().or_else(|| self.observed_line()).unwrap_or(0);
        (line, self.expected_line().is_none())
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { line, expected } => {
                write!(f, "line {line}: expected `{expected}`, did not see it")
            }
            Self::Unexpected { line, observed } => {
                write!(f, "saw `{observed}` (line {line}), expected no such message")
            }
            Self::Changed { line, expected, observed_line, observed, lacking } => {
                write!(f, "line {line}: expected `{expected}`, saw `{observed}` (line {observed_line})")?;
                if lacking.is_empty() {
                    Ok(())
                } else {
                    write!(f, ", which is without `{}`", lacking.join(" "))
                }
            }
            Self::Moved { line, expected, observed_line } => {
                write!(
                    f,
                    "line {line}: expected `{expected}` here, saw it out of order (line {observed_line})"
                )
            }
            Self::Time { line, expected, time, observed: Some(observed) } => {
                let (time, observed) = (seconds(*time), seconds(*observed));
                write!(f, "line {line}: expected `{expected}` after {time}, saw it after {observed}")
            }
            Self::Time { line, expected, time, observed: None } => {
                write!(
                    f,
                    "line {line}: expected `{expected}` after {}, saw it without a time",
                    seconds(*time)
                )
            }
        }
    }
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "the ladder differs from its drawing:")?;
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        let expected = self.differences.iter().filter_map(Difference::expected_line).collect();
        let observed = self.differences.iter().filter_map(Difference::observed_line).collect();
        writeln!(f, "expected:")?;
        numbered(f, &self.expected, &expected)?;
        writeln!(f, "observed:")?;
        numbered(f, &self.observed, &observed)
    }
}

impl std::error::Error for Mismatch {}

/// The drawing with its line numbers, and `!` beside those that differ.
fn numbered(f: &mut Formatter<'_>, ladder: &Ladder, differing: &BTreeSet<usize>) -> fmt::Result {
    for (number, line) in draw::lines(ladder).iter().enumerate() {
        match number {
            0 => writeln!(f, "       {line}")?,
            _ => writeln!(f, "{number:>4} {} {line}", if differing.contains(&number) { '!' } else { ' ' })?,
        }
    }
    Ok(())
}
