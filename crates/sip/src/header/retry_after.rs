//! `Retry-After` (RFC 3261 §20.33): when to try again.

use std::fmt;

use super::Header;
use super::event::Seconds;
use super::software::comment_end;
use crate::grammar::{delta_seconds, one_line, trim};
use crate::params::Params;
use crate::{Malformed, Name};

/// When, why, and for how long it will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// In so many seconds.
    pub seconds: u32,
    /// A remark, without its parentheses, escapes as written.
    pub comment: Option<Box<str>>,
    /// For how many seconds from then on.
    pub duration: Option<u32>,
    /// All other parameters.
    pub params: Params,
}

impl RetryAfter {
    /// In so many seconds.
    pub const fn new(seconds: u32) -> Self {
        Self { seconds, comment: None, duration: None, params: Params::new() }
    }
}

impl Header for RetryAfter {
    const NAME: Name = Name::RETRY_AFTER;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let value = trim(value);
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        let (seconds, rest) = value.split_at(end);
        let rest = trim(rest);
        let (comment, rest) = if rest.starts_with('(') {
            let end = comment_end(rest).ok_or(Malformed::new("the comment in a Retry-After does not end"))?;
            (Some((&*one_line(&rest[1..end - 1])?).into()), &rest[end..])
        } else {
            (None, rest)
        };
        let mut params = Params::parse(rest)?;
        Ok(Self {
            seconds: delta_seconds(seconds, "Retry-After is no number of seconds")?,
            comment,
            duration: params.take::<Seconds>("duration")?.map(|seconds| seconds.0),
            params,
        })
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        if let Some(comment) = &self.comment {
            write!(f, " ({comment})")?;
        }
        if let Some(duration) = self.duration {
            write!(f, ";duration={duration}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §20.33.
    #[test]
    fn examples_of_the_standard() {
        let retry = RetryAfter::parse("18000;duration=3600").unwrap();
        assert_eq!((retry.seconds, retry.duration), (18_000, Some(3600)));
        let retry = RetryAfter::parse("120 (I'm in a meeting; really);x").unwrap();
        assert_eq!(retry.comment.as_deref(), Some("I'm in a meeting; really"));
        assert_eq!(retry.to_string(), "120 (I'm in a meeting; really);x");
        for bad in ["", "soon", "1 (open", "1 x", "1;duration=x"] {
            assert!(RetryAfter::parse(bad).is_err(), "{bad}");
        }
    }
}
