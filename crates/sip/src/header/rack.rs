//! `RAck` (RFC 3262 §7.2): which reliable provisional response a PRACK acknowledges.

use std::fmt;

use super::{CSeq, Header, MethodToken};
use crate::grammar::{number, trim};
use crate::{Malformed, Name};

/// The response's `RSeq` and its request's `CSeq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// The response's `RSeq`.
    pub rseq: u32,
    /// The number and method of the request that the response answers.
    pub cseq: CSeq,
}

impl RAck {
    /// The response `rseq` to the request `cseq`.
    pub fn new(rseq: u32, cseq: u32, method: impl Into<MethodToken>) -> Self {
        Self { rseq, cseq: CSeq::new(cseq, method) }
    }
}

impl Header for RAck {
    const NAME: Name = Name::RACK;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let value = trim(value);
        let end = value
            .find([' ', '\t', '\r', '\n'])
            .ok_or(Malformed::new("a RAck is two numbers and a method"))?;
        Ok(Self {
            rseq: number(&value[..end], "the RSeq in a RAck is no number")?,
            cseq: CSeq::parse(&value[end..])?,
        })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    /// RFC 3262 §7.2.
    #[test]
    fn example_of_the_standard() {
        assert_eq!(RAck::parse("776656 1 INVITE").unwrap(), RAck::new(776_656, 1, Method::Invite));
        assert_eq!(RAck::parse("1\t 2\r\n INVITE").unwrap().to_string(), "1 2 INVITE");
        for bad in ["", "1", "1 2", "1 INVITE", "4294967296 1 INVITE", "1 2147483648 INVITE"] {
            assert!(RAck::parse(bad).is_err(), "{bad}");
        }
    }
}
