//! Reading a drawing back.

use std::time::Duration;

use crate::escape::{char_width, unescape};
use crate::model::{Ladder, Media, Message, Row};

/// Where a drawing cannot be read, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column} of the drawing: expected {expected}")]
pub struct ParseError {
    /// Line of the text, counted from 1.
    pub line: usize,
    /// Display column in that line, counted from 1.
    pub column: usize,
    /// What should have stood there.
    pub expected: String,
}

impl Ladder {
    /// Reads a drawing in the notation of the crate's documentation. Blank lines, indentation and lines of bare
    /// lifelines mean nothing; a name in the heading may stand up to its own width beside its lifeline.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut lines = (1..).zip(text.lines()).map(|(number, text)| Line::new(number, text));
        let heading = lines
            .by_ref()
            .find(|line| !line.is_blank())
            .ok_or_else(|| error(1, 0, "a heading with the names of the actors"))?;
        let body: Vec<Line> = lines.filter(|line| !line.is_blank()).collect();
        let lifelines = lifelines(&heading, &body)?;

        let mut ladder = Self::new(lifelines.iter().map(|lifeline| lifeline.name.clone()));
        for line in &body {
            ladder.rows.extend(row(line, &lifelines)?);
        }
        Ok(ladder)
    }
}

struct Lifeline {
    name: String,
    column: usize,
}

/// A line as display columns; a wide character fills its second column with nothing.
struct Line {
    number: usize,
    cells: Vec<Option<char>>,
}

impl Line {
    fn new(number: usize, text: &str) -> Self {
        let mut cells = Vec::with_capacity(text.len());
        for character in text.trim_end().chars() {
            // What has no width has no place in a drawing; it is kept so that the error can point at it.
            cells.push(Some(character));
            cells.extend(std::iter::repeat_n(None, char_width(character).saturating_sub(1)));
        }
        Self { number, cells }
    }

    fn is_blank(&self) -> bool {
        self.cells.is_empty()
    }

    fn at(&self, column: usize) -> Option<char> {
        self.cells.get(column).copied().flatten()
    }

    fn text(&self, from: usize, to: usize) -> String {
        let to = to.min(self.cells.len());
        self.cells.get(from..to).unwrap_or_default().iter().flatten().collect()
    }

    /// The words of the line with their columns, the end excluded.
    fn words(&self) -> Vec<(usize, usize)> {
        let mut words = Vec::new();
        let mut start = None;
        for (column, cell) in self.cells.iter().enumerate() {
            let blank = *cell == Some(' ');
            match start {
                None if !blank => start = Some(column),
                Some(from) if blank => {
                    words.push((from, column));
                    start = None;
                }
                None | Some(_) => {}
            }
        }
        words.extend(start.map(|from| (from, self.cells.len())));
        words
    }

    fn error(&self, column: usize, expected: impl Into<String>) -> ParseError {
        error(self.number, column, expected)
    }
}

fn error(line: usize, column: usize, expected: impl Into<String>) -> ParseError {
    ParseError { line, column: column + 1, expected: expected.into() }
}

/// Finds the lifeline of each name: the column under or beside it that most rows mark with `|`.
fn lifelines(heading: &Line, body: &[Line]) -> Result<Vec<Lifeline>, ParseError> {
    let words = heading.words();
    let mut found: Vec<Lifeline> = Vec::with_capacity(words.len());
    for (position, &(start, end)) in words.iter().enumerate() {
        let name = unescape(&heading.text(start, end)).map_err(|expected| heading.error(start, expected))?;
        if found.iter().any(|lifeline| lifeline.name == name) {
            return Err(heading.error(start, format!("each name once, and `{name}` was there before")));
        }
        // As far as half the way to the neighbours, and no farther than the name is wide.
        let width = end - start;
        let left = match position.checked_sub(1).map(|previous| words[previous].1) {
            Some(previous) => start.saturating_sub(width).max((previous + start).div_ceil(2)),
            None => start.saturating_sub(width),
        };
        let right = match words.get(position + 1) {
            Some(next) => (end + width).min(usize::midpoint(end, next.0)),
            None => end + width,
        };
        let middle = start + width / 2;
        let marks = |column: usize| body.iter().filter(|line| line.at(column) == Some('|')).count();
        let column = (left..right)
            .max_by_key(|column| (marks(*column), std::cmp::Reverse(column.abs_diff(middle))))
            .unwrap_or(middle);
        found.push(Lifeline { name, column });
    }
    Ok(found)
}

fn row(line: &Line, lifelines: &[Lifeline]) -> Result<Option<Row>, ParseError> {
    let first = line.cells.iter().position(|cell| *cell != Some(' ')).unwrap_or(0);
    if line.at(first) == Some('#') {
        let text = line.text(first + 1, line.cells.len());
        return unescape(text.trim())
            .map(|text| Some(Row::Note(text)))
            .map_err(|why| line.error(first + 1, why));
    }
    let start = lifelines[0].column;
    let Some((left, right, arrow)) = only_arrow(line, lifelines)? else {
        let rest = line.text(0, start);
        return if rest.trim().is_empty() {
            Ok(None)
        } else {
            Err(line.error(start, "a message beside the marks"))
        };
    };
    let column = lifelines[left].column + 1;
    let read = Arrow::read(&arrow, left == right).map_err(|expected| line.error(column, expected))?;
    let (one, other) = (&lifelines[left].name, &lifelines[right].name);
    let (from, to) = if read.leftward { (other, one) } else { (one, other) };
    if read.media {
        if !line.text(0, start).trim().is_empty() {
            return Err(line.error(0, "no marks beside media"));
        }
        return Ok(Some(Media::new(from, to, read.label).into()));
    }
    let mut message = Message::new(from, to, read.label);
    message.optional = read.optional;
    message.lost = read.lost;
    read_marks(line, start, &mut message)?;
    Ok(Some(message.into()))
}

/// The one stretch between two lifelines (or beside one) that is not blank: the lifelines' indices and its text.
fn only_arrow(line: &Line, lifelines: &[Lifeline]) -> Result<Option<(usize, usize, String)>, ParseError> {
    let mut found: Option<(usize, usize, String)> = None;
    let mut left = 0;
    let expect_lifeline = |index: usize| {
        let Lifeline { name, column } = &lifelines[index];
        line.error(*column, format!("the lifeline `|` of {name}"))
    };
    if line.at(lifelines[0].column) != Some('|') {
        return Err(expect_lifeline(0));
    }
    while left < lifelines.len() {
        let from = lifelines[left].column + 1;
        let right = (left + 1..lifelines.len()).find(|index| line.at(lifelines[*index].column) == Some('|'));
        let stretch = line.text(from, right.map_or(line.cells.len(), |index| lifelines[index].column));
        let to_itself = stretch.trim_end().ends_with("-o");
        if stretch.trim().is_empty() {
            if right.is_none_or(|right| right > left + 1) && left + 1 < lifelines.len() {
                return Err(expect_lifeline(left + 1));
            }
        } else if found.is_some() {
            return Err(line.error(from, "one message a line"));
        } else {
            let end = match right {
                Some(right) if to_itself && right > left + 1 => return Err(expect_lifeline(left + 1)),
                Some(_) | None if to_itself => left,
                Some(right) => right,
                None => {
                    let expected = match lifelines.get(left + 1) {
                        Some(next) => format!("the lifeline `|` of {}, or `--o` at the end", next.name),
                        None => "nothing behind the last lifeline but a message to itself, `--o`".to_owned(),
                    };
                    let column = lifelines.get(left + 1).map_or(from, |next| next.column);
                    return Err(line.error(column, expected));
                }
            };
            found = Some((left, end, stretch));
        }
        match right {
            Some(right) => left = right,
            None => break,
        }
    }
    Ok(found)
}

/// What an arrow says.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one sign in the drawing")]
struct Arrow {
    leftward: bool,
    media: bool,
    lost: bool,
    optional: bool,
    label: String,
}

impl Arrow {
    fn read(text: &str, to_itself: bool) -> Result<Self, String> {
        let mut arrow = Self::default();
        let text = text.trim();
        let label = if to_itself {
            text.strip_suffix('o').and_then(|text| shaft(text, '-'))
        } else if let Some(text) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
            arrow.media = true;
            shaft(text, '=')
        } else if let Some(text) = text.strip_prefix('<') {
            arrow.leftward = true;
            shaft(text, '-')
        } else if let Some(text) = text.strip_suffix('>') {
            shaft(text, '-')
        } else if let Some(text) = text.strip_prefix('x').filter(|text| text.starts_with('-')) {
            (arrow.leftward, arrow.lost) = (true, true);
            shaft(text, '-')
        } else if let Some(text) = text.strip_suffix('x').filter(|text| text.ends_with('-')) {
            arrow.lost = true;
            shaft(text, '-')
        } else {
            None
        };
        let label =
            label.ok_or("an arrow, `--INVITE-->`, `<-200---`, `--BYE--x`, `x-200---` or `<==audio==>`")?;
        let inside = label.strip_prefix('(').and_then(|label| label.strip_suffix(')'));
        arrow.optional = inside.is_some() && !arrow.media;
        let label = if arrow.optional { inside.unwrap_or(label) } else { label };
        arrow.label = unescape(label.trim())?;
        Ok(arrow)
    }
}

/// The label between two shafts, each of at least one `line`.
fn shaft(text: &str, line: char) -> Option<&str> {
    let inner = text.strip_prefix(line)?.strip_suffix(line)?;
    Some(inner.trim_matches(line).trim())
}

fn read_marks(line: &Line, end: usize, message: &mut Message) -> Result<(), ParseError> {
    const EXPECTED: &str = "a mark, `X`, `~`, `R` or a time such as `+0.5s`";
    for (start, stop) in line.words() {
        if start >= end {
            break;
        }
        match line.text(start, stop.min(end)).as_str() {
            "X" => message.crossed = true,
            "~" => message.swaps = true,
            "R" => message.retransmission = true,
            mark => {
                let time = mark.strip_prefix('+').and_then(|time| time.strip_suffix('s')).and_then(seconds);
                message.passed = Some(time.ok_or_else(|| line.error(start, EXPECTED))?);
            }
        }
    }
    Ok(())
}

/// `20`, `0.5`: seconds, to the nanosecond.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    Some(Duration::new(whole.parse().ok()?, format!("{fraction:0<9}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Ladder::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_of_the_house_style() {
        let ladder = Ladder::parse(
            "
        alice                bob             carol
          |<-REFER carol/bob--|                |
          |--INVITE Replaces:bob-------------->|
          |<==============audio===============>|
          |                   |<-(100)---------|
+0.5s     |--NOTIFY 200------>|                |
    ",
        )
        .unwrap();
        assert_eq!(ladder.actors, ["alice", "bob", "carol"]);
        let rows: [Row; 5] = [
            Message::new("bob", "alice", "REFER carol/bob").into(),
            Message::new("alice", "carol", "INVITE Replaces:bob").into(),
            Media::new("alice", "carol", "audio").into(),
            Message { optional: true, ..Message::new("carol", "bob", "100") }.into(),
            Message {
                passed: Some(Duration::from_millis(500)),
                ..Message::new("alice", "bob", "NOTIFY 200")
            }
            .into(),
        ];
        assert_eq!(ladder.rows, rows);
    }

    #[test]
    fn sloppy_drawings_are_read_as_meant() {
        let ladder = Ladder::parse(
            "
          alice        bob

            |            |
            |-INVITE---->|
            |x-- 180 ----|
            |--ACK---x   |
            # that was
            |--OPTIONS--o|
            ",
        )
        .unwrap();
        let words: Vec<String> =
            ladder.rows.iter().map(|row| crate::draw::in_words(row, &["alice", "bob"])).collect();
        assert_eq!(
            words,
            [
                "alice -> bob INVITE",
                "alice <- bob 180 (lost)",
                "alice -> bob ACK (lost)",
                "# that was",
                "alice -> alice OPTIONS"
            ]
        );
    }

    #[test]
    fn errors_say_where_and_what() {
        assert_eq!(
            refused(" \n"),
            "line 1, column 1 of the drawing: expected a heading with the names of the actors"
        );
        assert_eq!(
            refused("\nbob alice bob\n"),
            "line 2, column 11 of the drawing: expected each name once, and `bob` was there before"
        );
        let drawing = |row: &str| format!("alice         bob\n  |            |\n  |            |\n{row}\n");
        let wrong = [
            (
                "  |--INVITE-->|",
                "line 4, column 16 of the drawing: expected the lifeline `|` of bob, or `--o` at the end",
            ),
            ("  |            ", "line 4, column 16 of the drawing: expected the lifeline `|` of bob"),
            ("   --INVITE--->|", "line 4, column 3 of the drawing: expected the lifeline `|` of alice"),
            (
                "  |            | ?",
                "line 4, column 17 of the drawing: expected nothing behind the last lifeline but a message to itself, `--o`",
            ),
            ("  |--A--o      |--B--o", "line 4, column 17 of the drawing: expected one message a line"),
            (
                "* |--INVITE--->|",
                "line 4, column 1 of the drawing: expected a mark, `X`, `~`, `R` or a time such as `+0.5s`",
            ),
            ("~ |            |", "line 4, column 3 of the drawing: expected a message beside the marks"),
            ("~ |<==audio===>|", "line 4, column 1 of the drawing: expected no marks beside media"),
            (
                r"  |--\x------->|",
                r"line 4, column 4 of the drawing: expected a character written like `\u{7c}`",
            ),
        ];
        for (row, expected) in wrong {
            assert_eq!(refused(&drawing(row)), expected, "{row}");
        }
        assert!(refused(&drawing("  |   INVITE   |")).ends_with("or `<==audio==>`"));
        assert!(refused(&drawing("  |->          |")).ends_with("or `<==audio==>`"));
    }

    #[test]
    fn times_are_seconds() {
        assert_eq!(seconds("20"), Some(Duration::from_secs(20)));
        assert_eq!(seconds("0.000000001"), Some(Duration::from_nanos(1)));
        for text in ["", ".", "1.", ".5", "-1", "1e3", "0.0000000001", "99999999999999999999"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
