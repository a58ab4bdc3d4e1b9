//! What a ladder is: actors, and rows in the order in which they were seen.

use std::time::Duration;

/// A drawing: lifelines from left to right, rows from top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// Whose lifelines are drawn, from left to right. Names are unique and not empty.
    pub actors: Vec<String>,
    /// What happened, in order.
    pub rows: Vec<Row>,
}

/// One line of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A message from one actor to another.
    Message(Message),
    /// Media between two actors.
    Media(Media),
    /// A remark for the reader; comparing ignores it.
    Note(String),
}

/// A message on the wire, as the drawing tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of the notation, each drawn on its own")]
pub struct Message {
    /// Who sent it.
    pub from: String,
    /// Who was to receive it.
    pub to: String,
    /// What is drawn: the method or status, then the one fact that matters (`INVITE hold`).
    pub label: String,
    /// All that is known beyond the label, one word each (`Replaces:bob`, `hold`); not drawn. What an expected label
    /// claims after its first word must be among these or among the observed label's own words.
    pub facts: Vec<String>,
    /// It may be absent: drawn `(100)`.
    pub optional: bool,
    /// It never arrived: drawn `--x`.
    pub lost: bool,
    /// It crossed the line above on the wire, and may swap with it: `X` in the margin.
    pub crossed: bool,
    /// It may swap with neighbours that carry the same mark: `~` in the margin.
    pub swaps: bool,
    /// The sender repeats itself: `R` in the margin.
    pub retransmission: bool,
    /// Time since the line above, where it is worth telling: `+0.5s` in the margin. [`Ladder::mark_pauses`] sets it.
    pub passed: Option<Duration>,
    /// When it was seen, since whatever moment the observer calls zero. Shown by [`Ladder::terminal`] only.
    pub at: Option<Duration>,
}

/// Media between two actors, in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The two ends; their order means nothing.
    pub between: [String; 2],
    /// What it is: `audio`, `music`.
    pub label: String,
    /// When it began, as in [`Message::at`].
    pub at: Option<Duration>,
}

impl Ladder {
    /// An empty ladder with these lifelines.
    pub fn new<Name: Into<String>>(actors: impl IntoIterator<Item = Name>) -> Self {
        Self { actors: actors.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row at the bottom, and lifelines on the right for actors not seen before.
    pub fn push(&mut self, row: impl Into<Row>) {
        let row = row.into();
        if let Some(ends) = row.ends() {
            for end in ends {
                if !self.actors.iter().any(|actor| actor == end) {
                    self.actors.push(end.to_owned());
                }
            }
        }
        self.rows.push(row);
    }

    /// Writes the time that passed beside each message seen `threshold` or longer after the row above it, rounded to
    /// whole milliseconds, and removes it from the others. Rows without [`Message::at`] keep their mark.
    pub fn mark_pauses(&mut self, threshold: Duration) {
        let mut above: Option<Duration> = None;
        for row in &mut self.rows {
            let at = row.at();
            if let (Row::Message(message), Some(now)) = (&mut *row, at) {
                let pause = above.map(|then| now.saturating_sub(then)).filter(|pause| *pause >= threshold);
                message.passed = pause.map(to_milliseconds).filter(|pause| !pause.is_zero());
            }
            above = at.or(above);
        }
    }

    /// The messages, from top to bottom.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.rows.iter().filter_map(|row| match row {
            Row::Message(message) => Some(message),
            Row::Media(_) | Row::Note(_) => None,
        })
    }

    /// The lifelines that a drawing needs: the actors, then any end of a row that is not among them.
    pub(crate) fn lifelines(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.actors.iter().map(String::as_str).collect();
        for end in self.rows.iter().filter_map(Row::ends).flatten() {
            if !names.contains(&end) {
                names.push(end);
            }
        }
        names
    }
}

impl Row {
    /// The two ends, `from` first; a note has none.
    pub fn ends(&self) -> Option<[&str; 2]> {
        match self {
            Self::Message(message) => Some([&message.from, &message.to]),
            Self::Media(media) => Some([&media.between[0], &media.between[1]]),
            Self::Note(_) => None,
        }
    }

    /// When it was seen, if the observer told.
    pub fn at(&self) -> Option<Duration> {
        match self {
            Self::Message(message) => message.at,
            Self::Media(media) => media.at,
            Self::Note(_) => None,
        }
    }
}

impl Message {
    /// A message with nothing special about it.
    pub fn new(from: impl Into<String>, to: impl Into<String>, label: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into(), label: label.into(), ..Self::default() }
    }

    /// The same, with facts that are known but not drawn.
    #[must_use]
    pub fn with_facts<Fact: Into<String>>(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.facts.extend(facts.into_iter().map(Into::into));
        self
    }
}

impl Media {
    /// Media between `one` and `other`.
    pub fn new(one: impl Into<String>, other: impl Into<String>, label: impl Into<String>) -> Self {
        Self { between: [one.into(), other.into()], label: label.into(), at: None }
    }
}

impl From<Message> for Row {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl From<Media> for Row {
    fn from(media: Media) -> Self {
        Self::Media(media)
    }
}

fn to_milliseconds(time: Duration) -> Duration {
    let whole = u64::try_from((time.as_micros() + 500) / 1000).unwrap_or(u64::MAX);
    Duration::from_millis(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at_us: u64) -> Row {
        Message { at: Some(Duration::from_micros(at_us)), ..Message::new("alice", "bob", "INVITE") }.into()
    }

    #[test]
    fn pauses_are_marked_from_the_threshold_on() {
        let mut ladder = Ladder::new(["alice"]);
        for at in [0, 499_999, 999_999, 3_000_400] {
            ladder.push(seen(at));
        }
        ladder.mark_pauses(Duration::from_millis(500));
        let marks: Vec<_> = ladder.messages().map(|message| message.passed).collect();
        assert_eq!(marks, [None, None, Some(Duration::from_millis(500)), Some(Duration::from_secs(2))]);
        assert_eq!(ladder.actors, ["alice", "bob"]);
    }

    #[test]
    fn a_zero_threshold_marks_only_what_can_be_told() {
        let mut ladder = Ladder::default();
        ladder.push(seen(0));
        ladder.push(seen(100));
        ladder.mark_pauses(Duration::ZERO);
        assert!(ladder.messages().all(|message| message.passed.is_none()));
    }
}
