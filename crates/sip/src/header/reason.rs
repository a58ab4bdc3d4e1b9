//! `Reason` (RFC 3326): why a request was sent, in the words of a protocol.

use std::fmt;
use std::str::FromStr;

use super::Header;
use crate::grammar::{self, Quoted, token};
use crate::params::Params;
use crate::{Malformed, Name, Status};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850`, `Preemption` (RFC 4411) or another token.
    pub protocol: Box<str>,
    /// The protocol's code: a SIP status, a Q.850 cause.
    pub cause: Option<u16>,
    /// For people.
    pub text: Option<Box<str>>,
    /// All other parameters.
    pub params: Params,
}

impl Reason {
    /// A SIP status with its usual phrase, such as 200, "Call completed elsewhere".
    pub fn sip(status: Status, text: &str) -> Self {
        Self {
            protocol: "SIP".into(),
            cause: Some(status.code()),
            text: Some(text.into()),
            params: Params::new(),
        }
    }

    /// The SIP status, if it is one.
    pub fn status(&self) -> Option<Status> {
        if self.protocol.eq_ignore_ascii_case("SIP") { Status::new(self.cause?) } else { None }
    }

    /// The cause of the telephone network, if it is one.
    pub fn q850(&self) -> Option<u16> {
        if self.protocol.eq_ignore_ascii_case("Q.850") { self.cause } else { None }
    }
}

struct Cause(u16);

impl FromStr for Cause {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        grammar::number(text, "the cause of a Reason is no number").map(Self)
    }
}

impl Header for Reason {
    const NAME: Name = Name::REASON;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (protocol, mut params) = Params::split(value)?;
        Ok(Self {
            protocol: token(protocol, "the protocol of a Reason is no token")?.into(),
            cause: params.take::<Cause>("cause")?.map(|cause| cause.0),
            text: params.take_text("text"),
            params,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            write!(f, ";text={}", Quoted(text))?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3326 §2.
    #[test]
    fn examples_of_the_standard() {
        let reason = Reason::parse("SIP ;cause=200 ;text=\"Call completed elsewhere\"").unwrap();
        assert_eq!(reason, Reason::sip(Status::OK, "Call completed elsewhere"));
        assert_eq!(reason.status(), Some(Status::OK));
        let reason = Reason::parse("Q.850 ;cause=16 ;text=\"Terminated\"").unwrap();
        assert_eq!((reason.status(), reason.q850()), (None, Some(16)));
        assert_eq!(reason.to_string(), "Q.850;cause=16;text=\"Terminated\"");
        assert_eq!(Reason::parse("Preemption;cause=1;x=y").unwrap().to_string(), "Preemption;cause=1;x=y");
        for bad in ["", ";cause=1", "SIP;cause=busy", "a b"] {
            assert!(Reason::parse(bad).is_err(), "{bad}");
        }
    }
}
