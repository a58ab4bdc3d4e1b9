//! `User-Agent` and `Server` (RFC 3261 §20.41, §20.35): which software speaks.

use std::fmt;

use super::Header;
use crate::grammar::{is_token, one_line};
use crate::{Malformed, Name};

/// A word of a software's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoftwarePart {
    /// `baresip/1.0.0`.
    Product {
        /// Before the slash.
        name: Box<str>,
        /// After the slash.
        version: Option<Box<str>>,
    },
    /// `(x86_64/Linux)`, without its parentheses, escapes as written.
    Comment(Box<str>),
    /// What is neither; many phones do not keep to the grammar.
    Text(Box<str>),
}

impl SoftwarePart {
    fn of_word(word: &str) -> Self {
        let (name, version) = match word.split_once('/') {
            Some((name, version)) => (name, Some(version)),
            None => (word, None),
        };
        if is_token(name) && version.is_none_or(is_token) {
            Self::Product { name: name.into(), version: version.map(Into::into) }
        } else {
            Self::Text(word.into())
        }
    }
}

impl fmt::Display for SoftwarePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product { name, version: Some(version) } => write!(f, "{name}/{version}"),
            Self::Product { name, version: None } => f.write_str(name),
            Self::Comment(text) => write!(f, "({text})"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Where the comment that opens at the start of `text` closes: the place after its parenthesis.
pub(super) fn comment_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\\' => drop(octets.next()),
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn read_parts(value: &str) -> Result<Vec<SoftwarePart>, Malformed> {
    let line = one_line(value)?;
    let mut rest = line.trim();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let comment = if rest.starts_with('(') { comment_end(rest) } else { None };
        let end = comment.unwrap_or_else(|| rest.find([' ', '\t']).unwrap_or(rest.len()));
        parts.push(if comment.is_some() {
            SoftwarePart::Comment(rest[1..end - 1].into())
        } else {
            SoftwarePart::of_word(&rest[..end])
        });
        rest = rest[end..].trim_start();
    }
    Ok(parts)
}

macro_rules! software {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type(
            /// The most important first.
            pub Vec<SoftwarePart>,
        );

        impl $type {
            /// The first product's name and version.
            pub fn product(&self) -> Option<(&str, Option<&str>)> {
                self.0.iter().find_map(|part| match part {
                    SoftwarePart::Product { name, version } => Some((&**name, version.as_deref())),
                    SoftwarePart::Comment(_) | SoftwarePart::Text(_) => None,
                })
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                read_parts(value).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (n, part) in self.0.iter().enumerate() {
                    write!(f, "{}{part}", if n > 0 { " " } else { "" })?;
                }
                Ok(())
            }
        }
    )*};
}

software! {
    /// The software that sent the request.
    UserAgent, USER_AGENT;
    /// The software that answered it.
    Server, SERVER;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 3261 §20.35 and §20.41, and what phones send.
    #[test]
    fn examples() {
        let server = Server::parse("HomeServer v2").unwrap();
        assert_eq!(server.product(), Some(("HomeServer", None)));
        let agent = UserAgent::parse("Softphone Beta1.5").unwrap();
        assert_eq!(agent.to_string(), "Softphone Beta1.5");
        let agent = UserAgent::parse("baresip v1.0.0 (x86_64/Linux (a \\) b)) x/1").unwrap();
        assert_eq!(agent.0[2], SoftwarePart::Comment("x86_64/Linux (a \\) b)".into()));
        assert_eq!(agent.0[3].to_string(), "x/1");
        for odd in ["Yealink SIP-T46S 66.86.0.15", "Z 5.6.1 v2.10.19.9 [x]", "(open", "a/b/c", ")", "A, B; C"]
        {
            assert_eq!(UserAgent::parse(odd).unwrap().to_string(), odd);
        }
        assert_eq!(UserAgent::parse("").unwrap().product(), None);
    }

    proptest! {
        #[test]
        fn printing_changes_nothing_but_white_space(text in "[!-~]{1,9}( [!-~]{1,9}){0,3}") {
            let agent = UserAgent::parse(&text).unwrap();
            let printed = agent.to_string();
            prop_assert_eq!(UserAgent::parse(&printed).unwrap().to_string(), printed);
        }
    }
}
