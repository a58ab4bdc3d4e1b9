//! The table: what each subject costs, the ratios, the bars.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::rounds::{Values, median};
use crate::subject::Subject;

/// What Cordboard has to reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bar {
    /// At most so many times the floor.
    TimesFloor(f64),
    /// At most so many times the peer.
    TimesPeer(f64),
    /// At most so much.
    AtMost(f64),
    /// At least as much as the peer.
    AtLeastPeer,
    /// Nothing: it is shown to be known.
    None,
}

/// One measure.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What is measured, with its unit.
    pub(crate) measure: String,
    /// What came out, a round each.
    pub(crate) values: Values,
    /// What has to come out.
    pub(crate) bar: Bar,
}

impl Row {
    fn of(&self, subject: Subject) -> Option<f64> {
        median(self.values.get(&subject)?)
    }

    /// The peer in the form that does best here, which makes the bar hardest.
    fn peer(&self) -> Option<(Subject, f64)> {
        let peers = self.values.iter().filter(|(subject, _)| subject.is_peer());
        let medians = peers.filter_map(|(&subject, values)| Some((subject, median(values)?)));
        if self.bar == Bar::AtLeastPeer {
            medians.max_by(|a, b| a.1.total_cmp(&b.1))
        } else {
            medians.min_by(|a, b| a.1.total_cmp(&b.1))
        }
    }

    fn to_floor(&self) -> Option<f64> {
        Some(self.of(Subject::Cordboard)? / self.of(Subject::Floor)?)
    }

    fn to_peer(&self) -> Option<f64> {
        Some(self.of(Subject::Cordboard)? / self.peer()?.1)
    }

    /// Whether the bar is reached, where there is one and something to hold against it.
    fn reached(&self) -> Option<bool> {
        match self.bar {
            Bar::TimesFloor(most) => Some(self.to_floor()? <= most),
            Bar::TimesPeer(most) => Some(self.to_peer()? <= most),
            Bar::AtMost(most) => Some(self.of(Subject::Cordboard)? <= most),
            Bar::AtLeastPeer => Some(self.to_peer()? >= 1.0),
            Bar::None => None,
        }
    }

    fn bar_text(&self) -> String {
        match self.bar {
            Bar::TimesFloor(most) => format!("<= {most} x floor"),
            Bar::TimesPeer(most) => format!("<= {most} x peer"),
            Bar::AtMost(most) => format!("<= {most}"),
            Bar::AtLeastPeer => ">= peer".to_owned(),
            Bar::None => String::new(),
        }
    }

    fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
        let ours = self.of(Subject::Cordboard);
        let reached = match self.reached() {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        format!(
            "| {:<44} | {:>9} | {:>9} | {:>16} | {:>8} | {:>7} | {:<14} | {reached:<7} |",
            self.measure,
            number(self.of(Subject::Floor)),
            number(self.peer().map(|peer| peer.1)),
            ours.map_or_else(|| "not yet measured".to_owned(), short),
            number(self.to_floor()),
            number(self.to_peer()),
            self.bar_text(),
        )
    }

    /// All forms of all subjects, with the spread over the rounds.
    fn details(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|(subject, values)| {
            let of = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).map(short);
            format!(
                "    {}: {subject} {} ({} to {}, {} runs)",
                self.measure,
                median(values).map_or_else(String::new, short),
                of(f64::min).unwrap_or_default(),
                of(f64::max).unwrap_or_default(),
                values.len(),
            )
        })
    }

    fn json(&self) -> serde_json::Value {
        let values = self.values.iter().map(|(subject, values)| (subject.to_string(), json!(values)));
        json!({
            "measure": self.measure,
            "values": values.collect::<serde_json::Map<_, _>>(),
            "floor": self.of(Subject::Floor),
            "peer": self.peer().map(|peer| peer.1),
            "peer_form": self.peer().map(|peer| peer.0.to_string()),
            "cordboard": self.of(Subject::Cordboard),
            "to_floor": self.to_floor(),
            "to_peer": self.to_peer(),
            "bar": self.bar_text(),
            "reached": self.reached(),
        })
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// What the parser benchmark printed, as it printed it.
    pub(crate) parser: Option<serde_json::Value>,
    /// Tables that are no comparison of subjects, as text and as JSON.
    pub(crate) notes: Vec<(String, serde_json::Value)>,
}

impl Report {
    /// Adds a measure.
    pub(crate) fn add(&mut self, measure: &str, values: Values, bar: Bar) {
        self.rows.push(Row { measure: measure.to_owned(), values, bar });
    }

    /// Prints it.
    ///
    /// # Errors
    /// What was measured is no JSON.
    pub(crate) fn print(&self, as_json: bool) -> Result<()> {
        if as_json {
            let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
            let notes: Vec<_> = self.notes.iter().map(|note| &note.1).collect();
            let cores = std::thread::available_parallelism()?.get();
            let all = json!({ "cores": cores, "rows": rows, "parser": self.parser, "notes": notes });
            println!("{}", serde_json::to_string_pretty(&all)?);
            return Ok(());
        }
        if !self.rows.is_empty() {
            println!(
                "| {:<44} | {:>9} | {:>9} | {:>16} | {:>8} | {:>7} | {:<14} | {:<7} |",
                "measure", "floor", "Kamailio", "Cordboard", "to floor", "to peer", "bar", ""
            );
            println!("|{}|---:|---:|---:|---:|---:|---|---|", "-".repeat(46));
            self.rows.iter().for_each(|row| println!("{}", row.line()));
            println!();
            self.rows.iter().flat_map(Row::details).for_each(|line| println!("{line}"));
        }
        self.notes.iter().for_each(|note| println!("{}", note.0));
        Ok(())
    }
}

/// A number with as many digits as it deserves.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Store;

    const fn kamailio(workers: u8) -> Subject {
        Subject::Kamailio { workers, store: Store::Memory }
    }

    fn row(bar: Bar) -> Row {
        let values = [
            (Subject::Floor, vec![50.0]),
            (kamailio(1), vec![150.0]),
            (kamailio(2), vec![180.0]),
            (Subject::Cordboard, vec![100.0, 90.0, 70.0]),
        ];
        Row { measure: "x".into(), values: values.into(), bar }
    }

    #[test]
    fn bars_are_held_against_the_medians() {
        assert_eq!(row(Bar::TimesFloor(1.8)).reached(), Some(true));
        assert_eq!(row(Bar::TimesFloor(1.7)).reached(), Some(false));
        assert_eq!(row(Bar::TimesPeer(0.6)).reached(), Some(true));
        assert_eq!(row(Bar::AtMost(89.0)).reached(), Some(false));
    }

    #[test]
    fn the_peer_stands_in_its_best_form() {
        assert_eq!(row(Bar::TimesPeer(1.0)).peer().unwrap().0, kamailio(1));
        assert_eq!(row(Bar::AtLeastPeer).peer().unwrap().0, kamailio(2));
        assert_eq!(row(Bar::AtLeastPeer).reached(), Some(false));
    }

    #[test]
    fn what_was_not_measured_reaches_nothing() {
        let mut row = row(Bar::TimesFloor(9.0));
        row.values.remove(&Subject::Cordboard);
        assert_eq!(row.reached(), None);
        assert!(row.line().contains("not yet measured"));
    }
}
