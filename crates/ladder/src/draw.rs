//! A ladder as text: the house style of the tests.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::escape::{self, display_width};
use crate::layout::{self, drawn_label, index_of};
use crate::model::{Ladder, Message, Row};

/// Where the heading begins, so that marks have room on its left.
const MARGIN: usize = 8;
/// What an arrow has besides its label: `--` before, `-->` after.
const ARROW: usize = 5;

/// Draws the ladder, one line a row, every line ended by a newline. The first line is the heading; it begins in column
/// 8 and marks stand on its left. [`Ladder::parse`] reads it back; of [`Message::facts`], [`Message::at`] and
/// [`Media::at`](crate::Media::at) nothing is drawn.
impl Display for Ladder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for line in lines(self) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// The heading, then a line per row, without trailing spaces.
pub(crate) fn lines(ladder: &Ladder) -> Vec<String> {
    let lifelines = ladder.lifelines();
    let names: Vec<String> = lifelines.iter().map(|name| escape::name(name)).collect();
    let widths: Vec<usize> = names.iter().map(|name| display_width(name)).collect();
    let marks: Vec<String> = ladder.rows.iter().map(marks_of).collect();
    let widest = marks.iter().map(|marks| display_width(marks)).max().unwrap_or(0);
    let margin = if widest == 0 { MARGIN } else { MARGIN.max(widest + 1) };
    let first = margin + widths.first().map_or(0, |width| width / 2);
    let distances = layout::distances(&widths, &layout::spans(ladder, &lifelines, ARROW));
    let columns = layout::columns(first, &distances);

    let mut lines = vec![heading(&names, &columns)];
    for (row, marks) in ladder.rows.iter().zip(&marks) {
        lines.push(match row {
            Row::Note(_) => format!("{}# {}", " ".repeat(margin), drawn_label(row)).trim_end().to_owned(),
            Row::Message(_) | Row::Media(_) => rung(row, &lifelines, &columns, marks),
        });
    }
    lines
}

/// One row in words: `alice -> bob INVITE hold`, `alice <=> bob audio`.
pub(crate) fn in_words(row: &Row, left_first: &[&str]) -> String {
    let label = drawn_label(row);
    match row {
        Row::Note(_) => format!("# {label}"),
        Row::Media(media) => format!("{} <=> {} {label}", media.between[0], media.between[1]),
        Row::Message(message) => {
            let lost = if message.lost { " (lost)" } else { "" };
            let rightward = index_of(left_first, &message.from) <= index_of(left_first, &message.to);
            let (left, arrow, right) = if rightward {
                (&message.from, "->", &message.to)
            } else {
                (&message.to, "<-", &message.from)
            };
            format!("{} {arrow} {} {label}{lost}", escape::name(left), escape::name(right))
        }
    }
}

/// `0.5s`, `20s`, `0.000001s`: as many decimals as it takes, none to spare.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    let fraction = format!("{:09}", time.subsec_nanos());
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}s"),
        digits => format!("{whole}.{digits}s"),
    }
}

/// `600.0`: milliseconds to a tenth.
pub(crate) fn milliseconds(time: Duration) -> String {
    let tenths = (time.as_micros() + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The marks of the margin that are signs: `X`, `~`, `R`.
pub(crate) fn signs_of(row: &Row) -> String {
    let Row::Message(Message { crossed, swaps, retransmission, .. }) = row else { return String::new() };
    let signs = [(crossed, "X"), (swaps, "~"), (retransmission, "R")];
    let signs: Vec<&str> = signs.into_iter().filter(|(set, _)| **set).map(|(_, sign)| sign).collect();
    signs.join(" ")
}

pub(crate) fn marks_of(row: &Row) -> String {
    let signs = signs_of(row);
    match row {
        Row::Message(Message { passed: Some(time), .. }) if signs.is_empty() => {
            format!("+{}", seconds(*time))
        }
        Row::Message(Message { passed: Some(time), .. }) => format!("{signs} +{}", seconds(*time)),
        Row::Message(_) | Row::Media(_) | Row::Note(_) => signs,
    }
}

fn heading(names: &[String], columns: &[usize]) -> String {
    let mut line = String::new();
    let mut used = 0;
    for (name, column) in names.iter().zip(columns) {
        let width = display_width(name);
        let start = column - width / 2;
        line.push_str(&" ".repeat(start - used));
        line.push_str(name);
        used = start + width;
    }
    line
}

fn rung(row: &Row, lifelines: &[&str], columns: &[usize], marks: &str) -> String {
    let ends = row.ends().unwrap_or_default().map(|end| index_of(lifelines, end));
    let (left, right) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    let mut line = format!("{marks}{}", " ".repeat(columns[0] - display_width(marks)));
    for (index, column) in columns.iter().enumerate() {
        if index <= left || index >= right {
            line.push('|');
        }
        let Some(next) = columns.get(index + 1) else {
            if left == right && index == left {
                line.push_str(&to_itself(&drawn_label(row)));
            }
            break;
        };
        if index == left && left == right {
            let arrow = to_itself(&drawn_label(row));
            line.push_str(&arrow);
            line.push_str(&" ".repeat(next - column - 1 - display_width(&arrow)));
        } else if index == left {
            line.push_str(&arrow(row, ends[0] < ends[1], columns[right] - column - 1));
        } else if index < left || index >= right {
            line.push_str(&" ".repeat(next - column - 1));
        }
    }
    line
}

fn arrow(row: &Row, rightward: bool, width: usize) -> String {
    let label = drawn_label(row);
    let shaft = width - ARROW - display_width(&label);
    match row {
        Row::Media(_) => {
            let line = width - "<>".len() - display_width(&label);
            let before = line / 2;
            format!("<{}{label}{}>", "=".repeat(before), "=".repeat(line - before))
        }
        Row::Message(Message { lost, .. }) if rightward => {
            format!("--{label}{}--{}", "-".repeat(shaft), if *lost { 'x' } else { '>' })
        }
        Row::Message(Message { lost, .. }) => {
            format!("{}-{label}{}---", if *lost { 'x' } else { '<' }, "-".repeat(shaft))
        }
        Row::Note(_) => String::new(),
    }
}

fn to_itself(label: &str) -> String {
    format!("--{label}--o")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Media;

    #[test]
    fn seconds_are_as_short_as_they_can_be() {
        assert_eq!(seconds(Duration::from_millis(500)), "0.5s");
        assert_eq!(seconds(Duration::from_secs(20)), "20s");
        assert_eq!(seconds(Duration::from_nanos(1)), "0.000000001s");
    }

    #[test]
    fn every_mark_has_its_place() {
        let mut ladder = Ladder::new(["alice", "proxy", "bob"]);
        let message = |from, to, label| Message::new(from, to, label);
        ladder.push(message("alice", "bob", "INVITE"));
        ladder.push(Message { lost: true, ..message("bob", "alice", "200") });
        ladder.push(Message { lost: true, ..message("alice", "proxy", "ACK") });
        ladder.push(Row::Note("bob repeats his 200".into()));
        ladder.push(Message {
            retransmission: true,
            passed: Some(Duration::from_millis(500)),
            ..message("bob", "alice", "200")
        });
        ladder.push(Message { crossed: true, optional: true, ..message("alice", "bob", "ACK") });
        ladder.push(Message { swaps: true, ..message("proxy", "proxy", "OPTIONS") });
        ladder.push(message("bob", "bob", "MESSAGE"));
        ladder.push(Media::new("bob", "alice", "audio"));
        let expected = "
        alice    proxy         bob
          |--INVITE------------>|
          |x-200----------------|
          |--ACK--x|            |
        # bob repeats his 200
R +0.5s   |<-200----------------|
X         |--(ACK)------------->|
~         |        |--OPTIONS--o|
          |        |            |--MESSAGE--o
          |<=======audio=======>|
";
        let drawn = ladder.to_string();
        assert_eq!(drawn, expected.trim_start_matches('\n'), "\n{drawn}");
    }

    #[test]
    fn a_ladder_without_rows_is_a_heading() {
        assert_eq!(Ladder::new(["alice", "bob"]).to_string(), "        alice  bob\n");
        assert_eq!(Ladder::default().to_string(), "\n");
    }
}
