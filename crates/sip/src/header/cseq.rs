//! `CSeq` (RFC 3261 §20.16): which request of the dialog.

use std::fmt;

use super::{Header, MethodToken};
use crate::grammar::{is_white, number, trim};
use crate::{Malformed, Name};

/// The number and method of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Less than 2^31 (§8.1.1.5).
    pub number: u32,
    /// The method, which is the request line's.
    pub method: MethodToken,
}

impl CSeq {
    /// The largest number there may be, 2^31 - 1 (§8.1.1.5).
    pub const MAX: u32 = (1 << 31) - 1;

    /// A number and a method.
    pub fn new(number: u32, method: impl Into<MethodToken>) -> Self {
        Self { number, method: method.into() }
    }
}

impl Header for CSeq {
    const NAME: Name = Name::CSEQ;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let value = trim(value);
        let space = value
            .find(|c: char| c.is_ascii() && is_white(c as u8))
            .ok_or(Malformed::new("a CSeq is a number and a method"))?;
        // RFC 4475 §3.1.2.4 and §3.1.2.5: beyond 31 bits is an error.
        let number = number(&value[..space], "the CSeq is no number below 2^31")?;
        if number > Self::MAX {
            return Err(Malformed::new("the CSeq is no number below 2^31"));
        }
        Ok(Self { number, method: trim(&value[space..]).parse()? })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    #[test]
    fn numbers_and_methods() {
        let cseq = CSeq::parse("4711 INVITE").unwrap();
        assert_eq!(cseq, CSeq::new(4711, Method::Invite));
        assert_eq!(CSeq::parse("0009\r\n INVITE").unwrap().to_string(), "9 INVITE");
        assert_eq!(CSeq::parse("1 NEWMETHOD").unwrap().method.as_str(), "NEWMETHOD");
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "",
            "1",
            "INVITE",
            "36893488147419103232 REGISTER",
            "2147483648 ACK",
            "-1 ACK",
            "1 A CK",
            "1 A@B",
        ] {
            assert!(CSeq::parse(bad).is_err(), "{bad}");
        }
    }
}
