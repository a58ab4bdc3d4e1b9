//! `Call-ID` and `In-Reply-To` (RFC 3261 §20.8, §20.21).

use std::fmt;

use super::Header;
use super::identifier::text_type;
use crate::grammar::{self, write_list};
use crate::{Malformed, Name};

text_type! {
    /// What all messages of a dialog share; compared octet by octet.
    CallId
}

impl CallId {
    /// Checks that the text is `word [ "@" word ]`.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        let text = grammar::trim(text);
        let (local, host) = match text.split_once('@') {
            Some((local, host)) => (local, Some(host)),
            None => (text, None),
        };
        if grammar::is_word(local) && host.is_none_or(grammar::is_word) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed::new("a Call-ID is no word, or no two words with an @ between"))
        }
    }
}

impl Header for CallId {
    const NAME: Name = Name::CALL_ID;

    fn parse(value: &str) -> Result<Self, Malformed> {
        Self::new(value)
    }
}

/// The calls that this one answers or returns.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InReplyTo(pub Vec<CallId>);

impl Header for InReplyTo {
    const NAME: Name = Name::IN_REPLY_TO;

    fn parse(value: &str) -> Result<Self, Malformed> {
        // A Call-ID may hold quotes that enclose nothing, and never a comma.
        value
            .split(',')
            .filter(|id| !grammar::trim(id).is_empty())
            .map(CallId::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for InReplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §20.8 and §20.21; RFC 4475 §3.1.1.2.
    #[test]
    fn examples_of_the_standards() {
        let id = CallId::parse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com").unwrap();
        assert_eq!(id, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com");
        assert!(CallId::parse("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{").is_ok());
        let replies = InReplyTo::parse("70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com").unwrap();
        assert_eq!(replies.to_string(), "70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com");
    }

    #[test]
    fn what_is_refused() {
        for bad in ["", "a b", "a@", "@b", "a@b@c", "a,b", "a;b", "a\r\nb"] {
            assert!(CallId::parse(bad).is_err(), "{bad}");
        }
    }
}
