//! `Warning` (RFC 3261 §20.43): what an element found wrong, for people.

use std::fmt;

use super::Header;
use crate::grammar::{self, Quoted, number, quoted_end, trim, unquote};
use crate::{Malformed, Name, uri};

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Three digits, of which the first is 3.
    pub code: u16,
    /// The element: a host with or without port, or a pseudonym.
    agent: Box<str>,
    /// The words.
    pub text: Box<str>,
}

impl Warning {
    /// §20.43: cannot take the network protocols.
    pub const INCOMPATIBLE_NETWORK_PROTOCOL: u16 = 300;
    /// §20.43: cannot take the address formats.
    pub const INCOMPATIBLE_NETWORK_ADDRESS_FORMATS: u16 = 301;
    /// §20.43: cannot take the transport.
    pub const INCOMPATIBLE_TRANSPORT_PROTOCOL: u16 = 302;
    /// §20.43: cannot take the bandwidth.
    pub const INCOMPATIBLE_BANDWIDTH_UNITS: u16 = 303;
    /// §20.43: cannot take the kind of media.
    pub const MEDIA_TYPE_NOT_AVAILABLE: u16 = 304;
    /// §20.43: cannot take the codecs.
    pub const INCOMPATIBLE_MEDIA_FORMAT: u16 = 305;
    /// §20.43: does not understand an attribute.
    pub const ATTRIBUTE_NOT_UNDERSTOOD: u16 = 306;
    /// §20.43: does not understand a parameter.
    pub const SESSION_DESCRIPTION_PARAMETER_NOT_UNDERSTOOD: u16 = 307;
    /// RFC 5630 §9: a `sips` URI cannot be served here.
    pub const SIPS_NOT_ALLOWED: u16 = 380;
    /// RFC 5630 §9: only a `sips` URI reaches this one.
    pub const SIPS_REQUIRED: u16 = 381;
    /// §20.43: anything else.
    pub const MISCELLANEOUS: u16 = 399;

    /// Checks the code and that the agent is a host, a host and port, or a token.
    pub fn new(code: u16, agent: &str, text: &str) -> Result<Self, Malformed> {
        if !(100..=999).contains(&code) {
            return Err(Malformed::new("the code of a Warning has no three digits"));
        }
        if !grammar::is_token(agent) && uri::split_port(agent).is_err() {
            return Err(Malformed::new("the agent of a Warning is neither host nor pseudonym"));
        }
        Ok(Self { code, agent: agent.into(), text: text.into() })
    }

    /// The element that warns.
    pub fn agent(&self) -> &str {
        &self.agent
    }
}

impl Header for Warning {
    const NAME: Name = Name::WARNING;

    fn parse(value: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("a Warning is a code, an agent and a quoted text");
        let (code, rest) = split_word(trim(value)).ok_or(WRONG)?;
        let (agent, text) = split_word(rest).ok_or(WRONG)?;
        if code.len() != 3 || !text.starts_with('"') || quoted_end(text.as_bytes(), 0) != Some(text.len()) {
            return Err(WRONG);
        }
        Self::new(number(code, "the code of a Warning is no number")?, agent, &unquote(text))
    }
}

fn split_word(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', '\t', '\r', '\n'])?;
    Some((&text[..end], trim(&text[end..])))
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {} {}", self.code, self.agent, Quoted(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §20.43.
    #[test]
    fn examples_of_the_standard() {
        let warning = Warning::parse("307 isi.edu \"Session parameter 'foo' not understood\"").unwrap();
        assert_eq!((warning.code, warning.agent()), (307, "isi.edu"));
        let text = "301 isi.edu:5060 \"Incompatible \\\"network\\\" address type 'E.164'\"";
        assert_eq!(Warning::parse(text).unwrap().to_string(), text);
        assert!(Warning::parse("370 [2001:db8::1]:5060 \"x\"").is_ok());
        for bad in [
            "",
            "307",
            "307 isi.edu",
            "307 isi.edu x",
            "7 a \"x\"",
            "307 a \"x",
            "307 a \"x\" y",
            "307 a@b \"x\"",
            "1000 a \"x\"",
        ] {
            assert!(Warning::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_of_our_own() {
        let warning = Warning::new(Warning::MISCELLANEOUS, "pbx", "a \"b\"\r\nc").unwrap();
        assert_eq!(warning.to_string(), "399 pbx \"a \\\"b\\\"  c\"");
    }
}
