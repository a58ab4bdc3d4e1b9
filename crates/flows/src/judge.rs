//! The judge: whether what was seen on the wire is the flow that an RFC draws.
//!
//! A run is compared with its [golden flow](crate::golden) by transactions, by what must come after what, and by
//! facts that are read from the bytes: SDP directions, the dialogs that Replaces, Join, Refer-To and Target-Dialog
//! name, Event and Subscription-State, sipfrags. Names of methods alone prove nothing.
//!
//! Folded are 100s, repeats, and rounds of 401 or 407 that are not drawn. What the wire leaves open may come in any
//! order: a NOTIFY before the 202 of its REFER, a 487 before the 200 of the CANCEL, a BYE beside a NOTIFY, unless
//! the drawing says `after`.
//!
//! What must be so in any run, whatever its flow, is judged apart: so far that is its [`numbers()`].
//!
//! ```
//! use cordboard_flows::golden;
//! use cordboard_flows::judge::{Observed, Verdict, judge};
//!
//! let flow = golden::find("5359-2.5").expect("it is among the golden flows");
//! let Verdict::Differs(differences) = judge(flow, &Observed::default()) else {
//!     panic!("nothing was seen");
//! };
//! assert_eq!(differences[0].to_string(), "F1 (INVITE alice -> bob) is missing");
//! ```

mod compare;
mod dialogs;
mod facts;
mod folding;
mod numbers;
mod observed;
mod pairing;
mod wire;

pub use numbers::numbers;
pub use observed::{Observed, ObservedMessage};

use crate::golden::Golden;
use serde::Serialize;
use std::fmt;

/// What the judge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The run is the flow.
    Match,
    /// It is not: in which messages, and why. Never empty.
    Differs(Vec<Difference>),
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which message.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong with it, in words that follow its name.
    pub why: String,
}

/// Which message a difference is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its number in the run, from 1, if it was seen.
    #[serde(rename = "n")]
    pub number: Option<usize>,
    /// Its name in the golden flow, if it is drawn there.
    pub id: Option<String>,
    /// One line of what it is.
    pub line: String,
}

/// Holds a run against a flow.
pub fn judge(golden: &Golden, observed: &Observed) -> Verdict {
    let mut differences = Vec::new();
    let wires = wire::read(observed, &mut differences);
    let exchanges = wire::exchanges(&wires, &mut differences);
    let dialogs = dialogs::Dialogs::of(&wires, &exchanges);
    let addresses = dialogs::Addresses::of(&wires, &exchanges);
    let run = pairing::Run { wires: &wires, exchanges: &exchanges, dialogs: &dialogs, addresses: &addresses };
    compare::compare(golden, &run, &mut differences);
    differences.sort_by_key(|difference| difference.place.number.unwrap_or(usize::MAX));
    if differences.is_empty() { Verdict::Match } else { Verdict::Differs(differences) }
}

impl Verdict {
    /// Whether the run is the flow.
    pub const fn is_match(&self) -> bool {
        matches!(self, Self::Match)
    }

    /// `match` or `differs`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Differs(_) => "differs",
        }
    }

    /// The differences; none in a match.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Match => &[],
            Self::Differs(differences) => differences,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.differences().iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place.number, &self.place.id) {
            (Some(number), Some(id)) => write!(f, "message {number} ({}, drawn as {id})", self.place.line)?,
            (Some(number), None) => write!(f, "message {number} ({})", self.place.line)?,
            (None, Some(id)) => write!(f, "{id} ({})", self.place.line)?,
            (None, None) => f.write_str(&self.place.line)?,
        }
        write!(f, " {}", self.why)
    }
}
