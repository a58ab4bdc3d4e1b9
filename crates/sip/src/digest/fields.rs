//! `Digest name=value, name="value"`: what challenges and credentials are made of (RFC 3261 §25.1).

use std::borrow::Cow;
use std::fmt;

use crate::Malformed;
use crate::grammar::{self, Quoted, find_outside, one_line, trim, unquote};

/// Divides a value into its scheme and what follows.
pub(super) fn split_scheme(value: &str) -> Result<(&str, &str), Malformed> {
    let value = trim(value);
    let end = value.find([' ', '\t', '\r', '\n']).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    if !grammar::is_token(scheme) {
        return Err(Malformed::new("an authentication scheme is no token"));
    }
    Ok((scheme, trim(rest)))
}

/// One `name=value`, quotes and escapes undone.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: Cow<'a, str>,
    was_quoted: bool,
}

impl<'a> Field<'a> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn read(text: &'a str) -> Result<Self, Malformed> {
        let (name, value) =
            text.split_once('=').ok_or(Malformed::new("an authentication parameter lacks its value"))?;
        let (name, value) = (trim(name), trim(value));
        if !grammar::is_token(name) {
            return Err(Malformed::new("an authentication parameter's name is no token"));
        }
        let was_quoted = value.starts_with('"');
        let value = if was_quoted {
            let wrong = "a quoted authentication parameter does not end where it should";
            match grammar::quoted_string(value, wrong)? {
                Cow::Borrowed(value) => unquote(value),
                Cow::Owned(value) => Cow::Owned(unquote(&value).into_owned()),
            }
        } else {
            one_line(value)?
        };
        Ok(Self { name, value, was_quoted })
    }
}

/// The fields in order. Empty ones, as after a trailing comma, are skipped.
pub(super) fn fields(text: &str) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let end = find_outside(text, b",", false);
            rest = end.map(|comma| &text[comma + 1..]);
            let one = trim(&text[..end.unwrap_or(text.len())]);
            if !one.is_empty() {
                return Some(Field::read(one));
            }
        }
    })
}

/// Fields that are not understood: kept, and printed back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Others(
    /// Name, value, and whether it is printed in quotes.
    Vec<(Box<str>, Box<str>, bool)>,
);

impl Others {
    pub(super) fn keep(&mut self, field: &Field<'_>) {
        let quoted = field.was_quoted || !grammar::is_token(&field.value);
        self.0.push((field.name.into(), (&*field.value).into(), quoted));
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value, _) = self.0.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    pub(super) fn print(&self, out: &mut List<'_, '_>) -> fmt::Result {
        for (name, value, quoted) in &self.0 {
            if *quoted {
                out.quoted(name, value)?;
            } else {
                out.plain(name, value)?;
            }
        }
        Ok(())
    }
}

/// Prints fields with commas between them.
pub(super) struct List<'f, 'g> {
    f: &'f mut fmt::Formatter<'g>,
    any: bool,
}

impl<'f, 'g> List<'f, 'g> {
    pub(super) const fn new(f: &'f mut fmt::Formatter<'g>) -> Self {
        Self { f, any: false }
    }

    pub(super) fn plain(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        let comma = if std::mem::replace(&mut self.any, true) { ", " } else { "" };
        write!(self.f, "{comma}{name}={value}")
    }

    pub(super) fn quoted(&mut self, name: &str, value: &str) -> fmt::Result {
        self.plain(name, Quoted(value))
    }
}

/// A flag: `true`, `"true"`, `TRUE`; anything else is false.
pub(super) fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_folds_and_quotes() {
        let (scheme, rest) = split_scheme(" Digest\r\n realm=\"a, b\" , qop = auth,, nc=1,").unwrap();
        assert_eq!(scheme, "Digest");
        let got: Vec<_> = fields(rest).map(|f| f.map(|f| (f.name, f.value.into_owned())).unwrap()).collect();
        assert_eq!(got, [("realm", "a, b".into()), ("qop", "auth".into()), ("nc", "1".into())]);
    }

    #[test]
    fn what_is_refused() {
        for bad in ["realm", "realm=\"x", "a b=c", "realm=\"x\"y", "=x"] {
            assert!(fields(bad).any(|field| field.is_err()), "{bad}");
        }
        assert!(split_scheme("").is_err());
        assert!(split_scheme("Dig,est x").is_err());
    }
}
