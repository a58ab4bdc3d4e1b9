//! What is wrong with a configuration, where, and what to try.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the file it is about; none if it is about the whole.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub says: String,
    /// What to try.
    pub tries: String,
}

/// A configuration that is of no use: everything that is wrong with it.
#[derive(Debug)]
pub struct Faults {
    path: PathBuf,
    text: String,
    list: Vec<Fault>,
}

impl Faults {
    /// The faults of the file at `path` that holds `text`.
    pub fn new(path: &Path, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.as_ref().map_or(0, |span| span.start));
        Self { path: path.to_owned(), text: text.to_owned(), list: faults }
    }

    /// Each of them with its line and column, counted from 1; both 0 if it is about the whole file.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, &Fault)> {
        self.list.iter().map(|fault| {
            let (line, column) = fault.span.as_ref().map_or((0, 0), |span| place(&self.text, span.start));
            (line, column, fault)
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (line, column, fault)) in self.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            let path = self.path.display();
            match &fault.span {
                None => write!(f, "{path}: {}", fault.says)?,
                Some(span) => {
                    write!(f, "{path}:{line}:{column}: {}", fault.says)?;
                    show(f, &self.text, line, column, span)?;
                }
            }
            write!(f, "\n  try: {}", fault.tries)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The line itself, and below it a mark. A line that holds a secret is not shown.
fn show(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    line: usize,
    column: usize,
    span: &Range<usize>,
) -> fmt::Result {
    let source = text.lines().nth(line - 1).unwrap_or("");
    if source.trim().is_empty() || is_secret(source) {
        return Ok(());
    }
    let source = without_value(source, column - 1 + span.len());
    let rest = source.chars().count().saturating_sub(column - 1);
    let marks =
        text.get(span.clone()).map_or(1, |marked| marked.lines().next().unwrap_or("").chars().count());
    write!(
        f,
        "\n  {line:>4} | {source}\n       | {}{}",
        " ".repeat(column - 1),
        "^".repeat(marks.clamp(1, rest.max(1)))
    )
}

/// Where a key is wrong, nobody knows what its value is: it may be a secret.
fn without_value(source: &str, key_end: usize) -> String {
    let after = source.char_indices().nth(key_end).map_or(source.len(), |(at, _)| at);
    let is_key = source[after..].trim_start().starts_with('=');
    if is_key { format!("{} = …", source[..after].trim_end()) } else { source.to_owned() }
}

/// Whether a line gives a secret, also where its key is not written quite right.
fn is_secret(line: &str) -> bool {
    const KEYS: [&str; 4] = ["password", "ha1_md5", "ha1_sha256", "ha1_sha512_256"];
    let lower = line.to_ascii_lowercase();
    let key = lower.split('=').next().unwrap_or("").trim();
    ["pass", "pwd", "ha1", "secret"].iter().any(|word| lower.contains(word))
        || KEYS.iter().any(|secret| distance(key, secret) <= 3)
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A fault from what the TOML parser says; for a key that does not exist, the nearest that does.
/// `manual` is the file that explains the keys.
pub(crate) fn of_parser(error: &toml::de::Error, text: &str, manual: &str) -> Fault {
    let mut says = error.message().trim_end().to_owned();
    if let Some(span) = error.span()
        && says.starts_with("invalid")
        && is_secret(text.lines().nth(place(text, span.start).0 - 1).unwrap_or(""))
    {
        "the value has the wrong type: a text in quotes is expected".clone_into(&mut says);
    }
    let tries = match quoted(&says).as_slice() {
        [wrong, known @ ..] if says.starts_with("unknown field") && !known.is_empty() => {
            nearest(wrong, known).map_or_else(
                || format!("one of {}; `{manual}` explains each", known.join(", ")),
                |near| format!("`{near}` instead of `{wrong}`; `{manual}` explains each key"),
            )
        }
        [missing, ..] if says.starts_with("missing field") => {
            format!("add `{missing} = …` here; `{manual}` explains it")
        }
        _ => format!("compare this with `{manual}`, which shows every key with its type"),
    };
    Fault { span: error.span(), says, tries }
}

/// The names in backquotes.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The name that is most like a wrong one, if one is.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|name| (distance(wrong, name), *name)).min()?;
    (near.0 <= wrong.len().max(3) / 2).then_some(near.1)
}

/// How many letters must be added, removed or replaced.
fn distance(one: &str, two: &str) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in two.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_name() {
        assert_eq!(nearest("adress", &["address", "transport"]), Some("address"));
        assert_eq!(nearest("zzzzzz", &["address", "transport"]), None);
        assert_eq!((distance("", "abc"), distance("kitten", "sitting")), (3, 3));
    }

    #[test]
    fn counts_lines_and_columns_from_one() {
        assert_eq!((place("ab\ncde", 0), place("ab\ncde", 5)), ((1, 1), (2, 3)));
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        let text = "password = \"hunter2\" x";
        let fault = Fault { span: Some(0..3), says: "wrong".into(), tries: "right".into() };
        let shown = Faults::new(Path::new("f"), text, vec![fault]).to_string();
        assert_eq!(shown, "f:1:1: wrong\n  try: right");
    }
}
