//! Comparing two ladders pair by pair: the wire promises no order between different pairs of actors.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::align::{self, ALONE, Expected, Step};
use crate::difference::{Difference, Mismatch};
use crate::draw;
use crate::model::{Ladder, Message, Row};

/// What counts when an observed ladder is held against an expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What the margin's `+0.5s` demands.
    pub times: Times,
    /// Leaves retransmissions of both sides out (real sockets on a busy machine repeat what a still network does not).
    pub fold_retransmissions: bool,
    /// Whether media lines count; switch off for an observer that sees signalling only.
    pub media: bool,
}

/// What a time in the margin of the expected ladder demands of the observed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Nothing.
    Ignored,
    /// That as much time passed, give or take this.
    Within(Duration),
}

impl Default for Comparison {
    /// Everything counts, times to the millisecond.
    fn default() -> Self {
        Self { times: Times::Within(Duration::from_millis(1)), fold_retransmissions: false, media: true }
    }
}

/// In what `observed` differs from `expected`, when everything counts. Empty if it matches.
pub fn compare(expected: &Ladder, observed: &Ladder) -> Vec<Difference> {
    Comparison::default().compare(expected, observed)
}

/// The same as a result whose error prints both drawings.
pub fn check(expected: &Ladder, observed: &Ladder) -> Result<(), Box<Mismatch>> {
    Comparison::default().check(expected, observed)
}

/// The drawing that replaces `expected` once `observed` is accepted: what was seen, with the choices that a person made
/// in the old drawing (which fact stands in the label, what may be absent or swap, notes) kept where rows still match.
/// A ladder that matches is returned as it is.
pub fn redraw(expected: &Ladder, observed: &Ladder) -> Ladder {
    let comparison = Comparison::default();
    if comparison.compare(expected, observed).is_empty() {
        return expected.clone();
    }
    let mut answers = vec![None; observed.rows.len()];
    for (one, other) in comparison.answers(expected, observed) {
        if fits(&expected.rows[one], &observed.rows[other]) {
            answers[other] = Some(one);
        }
    }
    let mut ladder = Ladder::new(expected.actors.iter().cloned());
    let mut told = BTreeSet::new();
    for (row, answer) in observed.rows.iter().zip(answers) {
        let Some(answer) = answer else {
            ladder.push(row.clone());
            continue;
        };
        let notes = expected.rows[..answer]
            .iter()
            .enumerate()
            .rev()
            .take_while(|(_, row)| matches!(row, Row::Note(_)));
        let notes: Vec<(usize, &Row)> = notes.collect();
        for (line, note) in notes.into_iter().rev() {
            if told.insert(line) {
                ladder.rows.push(note.clone());
            }
        }
        ladder.push(match (&expected.rows[answer], row) {
            (Row::Message(old), Row::Message(new)) => Row::Message(Message {
                label: old.label.clone(),
                optional: old.optional,
                swaps: old.swaps,
                crossed: old.crossed,
                ..new.clone()
            }),
            _ => row.clone(),
        });
    }
    ladder
}

impl Comparison {
    /// In what `observed` differs from `expected`. Empty if it matches.
    pub fn compare(self, expected: &Ladder, observed: &Ladder) -> Vec<Difference> {
        let mut differences = Vec::new();
        let (mut missing, mut extra) = (Vec::new(), Vec::new());
        let mut answered: Vec<Option<usize>> = vec![None; expected.rows.len()];
        for sequences in self.pairs(expected, observed) {
            for step in sequences.align(expected, observed) {
                match step {
                    Step::Both(one, other) => answered[one] = Some(other),
                    Step::Missing(one) if is_optional(&expected.rows[one]) => {}
                    Step::Extra(other) if is_optional(&observed.rows[other]) => {}
                    Step::Missing(one) => missing.push(one),
                    Step::Extra(other) => extra.push(other),
                }
            }
        }
        let words = Words { lifelines: expected.lifelines(), expected, observed };
        for one in missing {
            let moved = extra.iter().position(|other| fits(&expected.rows[one], &observed.rows[*other]));
            differences.push(match moved {
                Some(position) => words.moved(one, extra.remove(position)),
                None => Difference::Missing { line: one + 1, expected: words.expected(one) },
            });
        }
        let unexpected = |other| Difference::Unexpected { line: other + 1, observed: words.observed(other) };
        differences.extend(extra.into_iter().map(unexpected));
        for (one, other) in answered.iter().enumerate().filter_map(|(one, other)| Some((one, (*other)?))) {
            if !fits(&expected.rows[one], &observed.rows[other]) {
                differences.push(words.changed(one, other));
            }
        }
        if let Times::Within(tolerance) = self.times {
            differences.extend(times(&words, &answered, tolerance));
        }
        differences.sort_by_key(Difference::order);
        differences
    }

    /// The same as a result whose error prints both drawings.
    pub fn check(self, expected: &Ladder, observed: &Ladder) -> Result<(), Box<Mismatch>> {
        let differences = self.compare(expected, observed);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Box::new(Mismatch { expected: expected.clone(), observed: observed.clone(), differences }))
    }

    /// Which observed row answers which expected one, as row indices.
    fn answers(self, expected: &Ladder, observed: &Ladder) -> Vec<(usize, usize)> {
        let steps =
            self.pairs(expected, observed).into_iter().flat_map(|pair| pair.align(expected, observed));
        steps
            .filter_map(|step| match step {
                Step::Both(one, other) => Some((one, other)),
                Step::Missing(_) | Step::Extra(_) => None,
            })
            .collect()
    }

    /// The rows of each pair of actors, media apart from messages.
    fn pairs(self, expected: &Ladder, observed: &Ladder) -> Vec<Sequences> {
        let mut pairs: Vec<(Pair<'_>, Sequences)> = Vec::new();
        for (rows, is_expected) in [(&expected.rows, true), (&observed.rows, false)] {
            for (index, row) in rows.iter().enumerate() {
                let Some(key) = self.pair_of(row) else { continue };
                let position = pairs.iter().position(|(pair, _)| *pair == key).unwrap_or_else(|| {
                    pairs.push((key, Sequences::default()));
                    pairs.len() - 1
                });
                let sequences = &mut pairs[position].1;
                if is_expected { &mut sequences.expected } else { &mut sequences.observed }.push(index);
            }
        }
        pairs.into_iter().map(|(_, sequences)| sequences).collect()
    }

    fn pair_of(self, row: &Row) -> Option<Pair<'_>> {
        let [one, other] = row.ends()?;
        let media = match row {
            Row::Message(message) if message.retransmission && self.fold_retransmissions => return None,
            Row::Media(_) if !self.media => return None,
            Row::Message(_) | Row::Note(_) => false,
            Row::Media(_) => true,
        };
        Some((one.min(other), one.max(other), media))
    }
}

/// Two actors in alphabetical order, and whether it is about their media.
type Pair<'a> = (&'a str, &'a str, bool);

/// Row indices of one pair.
#[derive(Default)]
struct Sequences {
    expected: Vec<usize>,
    observed: Vec<usize>,
}

impl Sequences {
    /// The alignment of this pair, in row indices of the ladders.
    fn align(&self, expected: &Ladder, observed: &Ladder) -> Vec<Step> {
        let marks: Vec<Expected> = self.expected.iter().map(|row| marks(&expected.rows[*row])).collect();
        let optional: Vec<bool> = self.observed.iter().map(|row| is_optional(&observed.rows[*row])).collect();
        let steps = align::align(&marks, &optional, |one, other| {
            cost(&expected.rows[self.expected[one]], &observed.rows[self.observed[other]])
        });
        let in_ladders = |step| match step {
            Step::Missing(one) => Step::Missing(self.expected[one]),
            Step::Extra(other) => Step::Extra(self.observed[other]),
            Step::Both(one, other) => Step::Both(self.expected[one], self.observed[other]),
        };
        steps.into_iter().map(in_ladders).collect()
    }
}

fn marks(row: &Row) -> Expected {
    match row {
        Row::Message(Message { optional, swaps, crossed, .. }) => {
            Expected { optional: *optional, swaps: *swaps, crossed: *crossed }
        }
        Row::Media(_) | Row::Note(_) => Expected::default(),
    }
}

fn is_optional(row: &Row) -> bool {
    matches!(row, Row::Message(message) if message.optional)
}

/// What it costs to take `observed` for `expected`: nothing if it fits, a little if only facts differ, more if the label
/// does; never if the direction does.
fn cost(expected: &Row, observed: &Row) -> Option<u32> {
    if fits(expected, observed) {
        return Some(0);
    }
    match (expected, observed) {
        (Row::Message(one), Row::Message(other)) if one.from != other.from => None,
        (Row::Message(one), Row::Message(other)) if first_word(&one.label) == first_word(&other.label) => {
            Some(ALONE / 2)
        }
        _ => Some(ALONE + ALONE / 2),
    }
}

/// Whether the observed row is what the expected one says, time apart.
fn fits(expected: &Row, observed: &Row) -> bool {
    match (expected, observed) {
        (Row::Message(one), Row::Message(other)) => {
            one.from == other.from
                && one.to == other.to
                && one.lost == other.lost
                && (other.retransmission || !one.retransmission)
                && first_word(&one.label) == first_word(&other.label)
                && lacking(one, other).next().is_none()
        }
        (Row::Media(one), Row::Media(other)) => one.label == other.label,
        _ => false,
    }
}

/// Words of the expected label that the observed row does not have.
fn lacking<'a>(expected: &'a Message, observed: &'a Message) -> impl Iterator<Item = &'a str> {
    expected.label.split_whitespace().skip(1).filter(|claim| {
        !observed.facts.iter().any(|fact| fact == claim)
            && !observed.label.split_whitespace().skip(1).any(|word| word == *claim)
    })
}

fn first_word(label: &str) -> Option<&str> {
    label.split_whitespace().next()
}

/// Holds the times in the expected margin against what passed between the rows that answered.
fn times(words: &Words<'_>, answered: &[Option<usize>], tolerance: Duration) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut above: Option<usize> = None;
    for (one, row) in words.expected.rows.iter().enumerate() {
        let Some(other) = answered[one] else { continue };
        let seen = &words.observed.rows[other];
        if let Row::Message(Message { passed: Some(time), .. }) = row {
            let between =
                above.and_then(|above| Some(seen.at()?.saturating_sub(words.observed.rows[above].at()?)));
            let marked = if let Row::Message(message) = seen { message.passed } else { None };
            let observed = between.or(marked);
            if observed.is_none_or(|observed| observed.abs_diff(*time) > tolerance) {
                differences.push(Difference::Time {
                    line: one + 1,
                    expected: words.expected(one),
                    time: *time,
                    observed,
                });
            }
        }
        above = Some(other);
    }
    differences
}

/// Tells rows in words, actors in the order of the expected drawing.
struct Words<'a> {
    lifelines: Vec<&'a str>,
    expected: &'a Ladder,
    observed: &'a Ladder,
}

impl Words<'_> {
    fn expected(&self, row: usize) -> String {
        draw::in_words(&self.expected.rows[row], &self.lifelines)
    }

    fn observed(&self, row: usize) -> String {
        draw::in_words(&self.observed.rows[row], &self.lifelines)
    }

    fn moved(&self, one: usize, other: usize) -> Difference {
        Difference::Moved { line: one + 1, expected: self.expected(one), observed_line: other + 1 }
    }

    fn changed(&self, one: usize, other: usize) -> Difference {
        let lacking = match (&self.expected.rows[one], &self.observed.rows[other]) {
            (Row::Message(one), Row::Message(other))
                if first_word(&one.label) == first_word(&other.label) =>
            {
                lacking(one, other).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Difference::Changed {
            line: one + 1,
            expected: self.expected(one),
            observed_line: other + 1,
            observed: self.observed(other),
            lacking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(text: &str) -> Ladder {
        Ladder::parse(text).unwrap()
    }

    fn told(expected: &Ladder, observed: &Ladder) -> Vec<String> {
        compare(expected, observed).iter().map(ToString::to_string).collect()
    }

    fn from_words(rows: &str) -> Ladder {
        let mut ladder = Ladder::new(["alice", "proxy", "bob"]);
        for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let mut words = row.splitn(3, ' ');
            let (from, to) = (words.next().unwrap(), words.next().unwrap());
            ladder.push(Message::new(from, to, words.next().unwrap()));
        }
        ladder
    }

    #[test]
    fn pairs_are_independent() {
        let expected = from_words("alice proxy INVITE\nproxy bob INVITE\nproxy alice 100\nbob proxy 180");
        let observed = from_words("proxy bob INVITE\nbob proxy 180\nalice proxy INVITE\nproxy alice 100");
        assert_eq!(compare(&expected, &observed), []);
    }

    #[test]
    fn order_within_a_pair_counts() {
        let expected = from_words("alice bob INVITE\nbob alice 180\nbob alice 200");
        let observed = from_words("alice bob INVITE\nbob alice 200\nbob alice 180");
        assert_eq!(
            told(&expected, &observed),
            ["line 2: expected `alice <- bob 180` here, saw it out of order (line 3)"]
        );
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        let expected = from_words("alice bob INVITE hold\nbob alice 200\nalice bob ACK\nalice bob BYE");
        let observed = from_words("alice bob INVITE\nbob alice 486\nalice bob ACK\nproxy bob OPTIONS");
        assert_eq!(
            told(&expected, &observed),
            [
                "line 1: expected `alice -> bob INVITE hold`, saw `alice -> bob INVITE` (line 1), which is without `hold`",
                "line 2: expected `alice <- bob 200`, saw `alice <- bob 486` (line 2)",
                "line 4: expected `alice -> bob BYE`, did not see it",
                "saw `proxy -> bob OPTIONS` (line 4), expected no such message",
            ]
        );
    }

    #[test]
    fn a_label_claims_facts() {
        let mut observed = Ladder::new(["alice", "bob"]);
        observed.push(Message::new("alice", "bob", "INVITE hold").with_facts(["Replaces:bob", "hold"]));
        for label in ["INVITE", "INVITE hold", "INVITE Replaces:bob", "INVITE Replaces:bob hold"] {
            assert_eq!(told(&from_words(&format!("alice bob {label}")), &observed), <[&str; 0]>::default());
        }
        for label in ["INVITE Replaces:carol", "INVITE hold INVITE", "UPDATE hold", "INVIT"] {
            assert_eq!(told(&from_words(&format!("alice bob {label}")), &observed).len(), 1, "{label}");
        }
    }

    #[test]
    fn direction_and_loss_count() {
        let expected = from_words("alice bob BYE");
        assert_eq!(told(&expected, &from_words("bob alice BYE")).len(), 2);
        let mut lost = expected.clone();
        let Row::Message(message) = &mut lost.rows[0] else { unreachable!() };
        message.lost = true;
        assert_eq!(
            told(&expected, &lost),
            ["line 1: expected `alice -> bob BYE`, saw `alice -> bob BYE (lost)` (line 1)"]
        );
    }

    #[test]
    fn optional_rows_may_be_absent_on_either_side() {
        let with = ladder(
            "
            alice         bob
              |--INVITE--->|
              |<-(100)-----|
              |<-200-------|
            ",
        );
        let without = from_words("alice bob INVITE\nbob alice 200");
        assert_eq!(compare(&with, &without), []);
        assert_eq!(compare(&without, &with), []);
        assert_eq!(compare(&with, &from_words("alice bob INVITE\nbob alice 100\nbob alice 200")), []);
        // Only one, and only there.
        let twice = from_words("alice bob INVITE\nbob alice 100\nbob alice 100\nbob alice 200");
        assert_eq!(told(&with, &twice), ["saw `alice <- bob 100` (line 3), expected no such message"]);
        assert_eq!(told(&with, &from_words("alice bob INVITE\nbob alice 200\nbob alice 100")).len(), 1);
    }

    #[test]
    fn retransmissions_fold_on_demand() {
        let expected = from_words("alice bob INVITE\nbob alice 200");
        let mut observed = from_words("alice bob INVITE\nalice bob INVITE\nbob alice 200");
        let Row::Message(again) = &mut observed.rows[1] else { unreachable!() };
        again.retransmission = true;
        assert_eq!(compare(&expected, &observed).len(), 1);
        let folding = Comparison { fold_retransmissions: true, ..Comparison::default() };
        assert_eq!(folding.compare(&expected, &observed), []);
        // A drawn repeat must be one.
        assert_eq!(
            compare(&observed, &from_words("alice bob INVITE\nalice bob INVITE\nbob alice 200")).len(),
            1
        );
        assert_eq!(compare(&observed, &observed), []);
    }

    #[test]
    fn media_count_unless_told_otherwise() {
        let expected = ladder("alice        bob\n  |--INVITE-->|\n  |<==audio==>|");
        let observed = from_words("alice bob INVITE");
        assert_eq!(told(&expected, &observed), ["line 2: expected `alice <=> bob audio`, did not see it"]);
        assert_eq!(Comparison { media: false, ..Comparison::default() }.compare(&expected, &observed), []);
    }

    #[test]
    fn times_are_held_against_the_clock_of_the_answering_rows() {
        let expected = ladder("        alice        bob\n          |--INVITE-->|\n+0.5s     |--INVITE-->|\n");
        let mut observed = from_words("alice bob INVITE\nproxy bob OPTIONS\nalice bob INVITE");
        observed.rows.remove(1);
        assert_eq!(
            told(&expected, &observed),
            ["line 2: expected `alice -> bob INVITE` after 0.5s, saw it without a time"]
        );
        for (row, at) in [(0, 100), (1, 600)] {
            let Row::Message(message) = &mut observed.rows[row] else { unreachable!() };
            message.at = Some(Duration::from_millis(at));
        }
        assert_eq!(compare(&expected, &observed), []);
        let Row::Message(message) = &mut observed.rows[1] else { unreachable!() };
        message.at = Some(Duration::from_millis(700));
        assert_eq!(
            told(&expected, &observed),
            ["line 2: expected `alice -> bob INVITE` after 0.5s, saw it after 0.6s"]
        );
        let loose = Comparison { times: Times::Within(Duration::from_millis(100)), ..Comparison::default() };
        assert_eq!(loose.compare(&expected, &observed), []);
    }

    #[test]
    fn a_mismatch_prints_both_drawings() {
        let expected = from_words("alice bob INVITE\nbob alice 200");
        let observed = from_words("alice bob INVITE\nbob alice 486");
        let text = check(&expected, &observed).unwrap_err().to_string();
        assert_eq!(
            text,
            "the ladder differs from its drawing:
  line 2: expected `alice <- bob 200`, saw `alice <- bob 486` (line 2)
expected:
               alice  proxy  bob
   1             |--INVITE--->|
   2 !           |<-200-------|
observed:
               alice  proxy  bob
   1             |--INVITE--->|
   2 !           |<-486-------|
"
        );
    }

    #[test]
    fn redrawing_keeps_what_a_person_chose() {
        let expected = ladder(
            "
        alice                bob
          # bob is put on hold
          |--INVITE hold----->|
          |<-(100)------------|
~         |<-200--------------|
          |--ACK------------->|
          # and goes
          |--BYE------------->|
        ",
        );
        let mut observed = Ladder::new(["alice", "bob"]);
        observed.push(Message::new("alice", "bob", "INVITE Replaces:bob").with_facts(["hold"]));
        observed.push(Message::new("bob", "alice", "200"));
        observed.push(Message::new("alice", "bob", "ACK"));
        observed.push(Message::new("bob", "alice", "INFO"));
        observed.push(Message::new("alice", "bob", "BYE"));
        let redrawn = redraw(&expected, &observed);
        let drawn = "        alice             bob
        # bob is put on hold
          |--INVITE hold-->|
~         |<-200-----------|
          |--ACK---------->|
          |<-INFO----------|
        # and goes
          |--BYE---------->|
";
        assert_eq!(redrawn.to_string(), drawn);
        assert_eq!(compare(&redrawn, &observed), []);
        assert_eq!(redraw(&redrawn, &observed), redrawn);
    }
}
