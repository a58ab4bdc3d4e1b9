//! Putting a new drawing into the source text of a test: `UPDATE_DRAWINGS=1`.

use std::ops::Range;

use crate::draw;
use crate::escape::display_width;
use crate::model::Ladder;

/// Why a drawing could not be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// No string literal holds the old drawing.
    #[error(
        "no string literal of the source file holds the old drawing; was the file changed since it was compiled?"
    )]
    NotFound,
}

/// Columns by which a drawing is indented inside the statement that holds it.
const INDENT: usize = 4;

/// The source text with the string literal that holds `old` redrawn as `drawing`.
///
/// `line` is where the literal was when the source was compiled, counted from 1, as `std::panic::Location` tells it; of
/// several literals with the same text the nearest is taken, as earlier updates may have moved them.
/// The drawing is indented by four columns more than the statement and written between lines of its own; where it holds
/// a backslash or a quote the literal becomes a raw one. Everything else stays as it is.
pub fn redrawn_source(source: &str, line: usize, old: &str, drawing: &Ladder) -> Result<String, UpdateError> {
    let literals = literals(source).into_iter().filter(|literal| literal.value == old);
    let line_of = |literal: &Literal| source[..literal.range.start].matches('\n').count() + 1;
    // Behind the call first: a literal never stands before the place that Location names.
    let nearest = literals.min_by_key(|literal| {
        let found = line_of(literal);
        (found.abs_diff(line), found < line)
    });
    let range = nearest.ok_or(UpdateError::NotFound)?.range;

    let start_of_line = source[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let statement = &source[start_of_line..range.start];
    let indent = display_width(statement) - display_width(statement.trim_start_matches(' '));
    let literal = literal_of(drawing, indent);
    Ok(format!("{}{literal}{}", &source[..range.start], &source[range.end..]))
}

/// The drawing as a string literal of a statement that is indented by `indent`.
fn literal_of(drawing: &Ladder, indent: usize) -> String {
    let lines = draw::lines(drawing);
    let blank = |line: &&String| line.trim().is_empty();
    let columns = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let margin = lines.iter().filter(|line| !blank(line)).map(columns).min().unwrap_or(0);
    let mut text = String::from("\n");
    for line in &lines {
        let drawn = line.get(margin..).unwrap_or_default();
        text.push_str(&" ".repeat(if drawn.is_empty() { 0 } else { indent + INDENT }));
        text.push_str(drawn);
        text.push('\n');
    }
    text.push_str(&" ".repeat(indent));
    if !text.contains(['\\', '"']) {
        return format!("\"{text}\"");
    }
    let mut hashes = String::new();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// A string literal in Rust source: where it stands, quotes and all, and what it holds.
struct Literal {
    range: Range<usize>,
    value: String,
}

/// The string literals of Rust source text. Comments and character literals are stepped over.
fn literals(source: &str) -> Vec<Literal> {
    let mut literals = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += block_comment(rest);
        } else if let Some((length, value)) = raw_string(rest).filter(|_| begins_literal(&source[..at])) {
            literals.push(Literal { range: at..at + length, value });
            at += length;
        } else if first == '"' {
            let length = quoted(rest, '"');
            let inner = rest.get(1..length.saturating_sub(1)).unwrap_or_default();
            literals.push(Literal { range: at..at + length, value: unescaped(inner) });
            at += length;
        } else if first == '\'' {
            at += character(rest);
        } else {
            at += first.len_utf8();
        }
    }
    literals
}

/// Length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Whether an `r` behind `text` begins a literal: no word goes on there but the prefix of a byte or C string.
fn begins_literal(text: &str) -> bool {
    let word = text.rsplit(|before: char| !before.is_alphanumeric() && before != '_').next();
    matches!(word, None | Some("" | "b" | "c"))
}

/// Length and value of the raw string that `text` begins with, if it does.
fn raw_string(text: &str) -> Option<(usize, String)> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &after[..hashes]);
    let length = inner.find(&end)?;
    Some((1 + hashes + 1 + length + end.len(), inner[..length].to_owned()))
}

/// Length of the literal between `quote`s that `text` begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return at + character.len_utf8();
        }
    }
    text.len()
}

/// Length of the character literal that `text` begins with, or of the tick of a lifetime.
fn character(text: &str) -> usize {
    let mut inner = text.chars().skip(1);
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(character), Some('\'')) => 2 + character.len_utf8(),
        _ => 1,
    }
}

/// The value of an ordinary string literal, as far as drawings need it: an escape of another kind than these stays.
fn unescaped(inner: &str) -> String {
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => value.push('\n'),
            Some(quoted @ ('\\' | '"' | '\'')) => value.push(quoted),
            Some('\n') => {
                let rest = characters.as_str().trim_start_matches([' ', '\t', '\n', '\r']);
                characters = rest.chars();
            }
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Message;

    const SOURCE: &str = r##"//! "a comment's quote
fn test<'a>(sim: &'a Sim) {
    let (quote, tick) = ('"', '\''); /* a "nested /* one */ */
    sim.note("a \"quoted\" note");
    sim.drawn("
        alice        bob
          |--INVITE-->|
    ");
    sim.drawn(r#"
        alice        bob
          |--\u{22}-->|
    "#);
}
"##;

    fn new_drawing() -> Ladder {
        let mut ladder = Ladder::new(["alice", "bob"]);
        ladder.push(Message::new("alice", "bob", "INVITE hold"));
        ladder.push(Message::new("bob", "alice", "200"));
        ladder
    }

    #[test]
    fn literals_are_told_from_comments_and_characters() {
        let values: Vec<String> = literals(SOURCE).into_iter().map(|literal| literal.value).collect();
        assert_eq!(values.len(), 3, "{values:?}");
        assert_eq!(values[0], "a \"quoted\" note");
        assert!(values[2].contains(r"\u{22}"));
        for literal in literals(SOURCE) {
            assert!(SOURCE[literal.range].ends_with(['"', '#']));
        }
    }

    #[test]
    fn only_the_drawing_changes() {
        let old = "\n        alice        bob\n          |--INVITE-->|\n    ";
        let new = redrawn_source(SOURCE, 5, old, &new_drawing()).unwrap();
        let drawn = "\n        alice             bob\n          |--INVITE hold-->|\n          |<-200-----------|\n    ";
        assert_eq!(new, SOURCE.replace(old, drawn));
        assert_eq!(redrawn_source(&new, 5, drawn, &new_drawing()).unwrap(), new);
    }

    #[test]
    fn marks_stand_in_the_margin_of_the_literal() {
        let mut ladder = new_drawing();
        ladder.push(Message {
            passed: Some(std::time::Duration::from_millis(500)),
            ..Message::new("alice", "bob", "ACK")
        });
        let new = redrawn_source("    drawn(\"old\");\n", 1, "old", &ladder).unwrap();
        let expected = "    drawn(\"
                alice             bob
                  |--INVITE hold-->|
                  |<-200-----------|
        +0.5s     |--ACK---------->|
    \");
";
        assert_eq!(new, expected);
    }

    #[test]
    fn escapes_make_the_literal_raw() {
        let mut ladder = Ladder::new(["alice", "bob"]);
        ladder.push(Message::new("alice", "bob", "say \"#hi|\""));
        let new = redrawn_source("drawn(\"\");\n", 1, "", &ladder).unwrap();
        assert!(new.starts_with("drawn(r##\"\n") && new.ends_with("\n\"##);\n"), "{new}");
        let literal = &literals(&new)[0];
        assert_eq!(Ladder::parse(&literal.value), Ok(ladder));
    }

    #[test]
    fn of_equal_drawings_the_one_at_the_line_is_meant() {
        let source = "drawn(\"x\");\n\n\ndrawn(\"x\");\n\ndrawn(\n    \"x\",\n);\n";
        for (line, expected) in [(1, 0), (4, 1), (6, 2)] {
            let new = redrawn_source(source, line, "x", &Ladder::new(["alice"])).unwrap();
            let changed = literals(&new).iter().position(|literal| literal.value != "x");
            assert_eq!(changed, Some(expected), "line {line}");
        }
        assert_eq!(redrawn_source(source, 1, "y", &Ladder::default()), Err(UpdateError::NotFound));
    }

    #[test]
    fn any_source_text_is_walked_to_its_end() {
        for source in
            ["\"", "'", "r#\"", "/*", "'\\", "\"\\", "r\"", "//", "é'é'é\"é", "br\"x\" b\"y\" c\"z\""]
        {
            let _ = literals(source);
        }
        assert_eq!(literals("'é' \"a\" 'static \"b\"").len(), 2);
        assert_eq!(literals(r#"br"\" for"b" r"c""#).len(), 3);
    }
}
