//! Why a piece of text is not what its grammar says.

use std::{borrow::Cow, fmt};

/// What was wrong with a header value, a URI or a body, in words for a person.
///
/// It never carries the text itself: a value may hold a password or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Malformed {
    what: Cow<'static, str>,
    at: Option<u32>,
}

impl Malformed {
    /// Says what was wrong: "the port is not a number".
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self { what: Cow::Borrowed(what), at: None }
    }

    /// The same with words put together at run time; they must not repeat a value that could be secret.
    #[must_use]
    pub const fn because(what: String) -> Self {
        Self { what: Cow::Owned(what), at: None }
    }

    /// The same, with the place: bytes from the start of the text that was parsed.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.at = Some(u32::try_from(offset).unwrap_or(u32::MAX));
        self
    }

    /// What was wrong.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Where, in bytes from the start of the text that was parsed, if known.
    #[must_use]
    pub const fn offset(&self) -> Option<u32> {
        self.at
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} (at byte {at})", self.what),
            None => f.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_where() {
        assert_eq!(Malformed::new("the port is not a number").to_string(), "the port is not a number");
        assert_eq!(Malformed::new("no scheme").at(3).to_string(), "no scheme (at byte 3)");
    }
}
