//! Headers that are one number: `Max-Forwards`, `Content-Length`, `Expires`, `Min-Expires`
//! (RFC 3261), `RSeq` (RFC 3262), `Max-Breadth` (RFC 5393), `Flow-Timer` (RFC 5626).

use std::fmt;

use super::Header;
use crate::grammar::{delta_seconds, number};
use crate::{Malformed, Name};

macro_rules! one_number {
    ($($(#[$doc:meta])* $type:ident($(#[$field:meta])* $number:ty), $name:ident, $read:ident, $wrong:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $type($(#[$field])* pub $number);

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                $read(value, $wrong).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

one_number! {
    /// How many more hops a request may take (§20.22).
    MaxForwards(
        /// 0 to 255.
        u8
    ), MAX_FORWARDS, number, "Max-Forwards is no number from 0 to 255";
    /// The length of the body (§20.14).
    ContentLength(
        /// In octets.
        u32
    ), CONTENT_LENGTH, number, "Content-Length is no number";
    /// For how long something is to last (§20.19).
    Expires(
        /// In seconds; what does not fit counts as the most.
        u32
    ), EXPIRES, delta_seconds, "Expires is no number of seconds";
    /// The least that a registrar or notifier grants (§20.23).
    MinExpires(
        /// In seconds.
        u32
    ), MIN_EXPIRES, delta_seconds, "Min-Expires is no number of seconds";
    /// Into how many branches a request may still be forked (RFC 5393 §5.3.1).
    MaxBreadth(
        /// Branches at a time.
        u32
    ), MAX_BREADTH, number, "Max-Breadth is no number";
    /// How long a registrar keeps a flow without keep-alives (RFC 5626 §11.1).
    FlowTimer(
        /// In seconds.
        u32
    ), FLOW_TIMER, delta_seconds, "Flow-Timer is no number of seconds";
}

/// The number of a reliable provisional response (RFC 3262 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RSeq(
    /// 1 to 2^32 - 1.
    pub u32,
);

impl Header for RSeq {
    const NAME: Name = Name::RSEQ;

    fn parse(value: &str) -> Result<Self, Malformed> {
        match number(value, "RSeq is no number from 1 to 2^32 - 1")? {
            0 => Err(Malformed::new("RSeq is no number from 1 to 2^32 - 1")),
            n => Ok(Self(n)),
        }
    }
}

impl fmt::Display for RSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_within_their_bounds() {
        assert_eq!(MaxForwards::parse("0068").unwrap(), MaxForwards(68));
        assert!(MaxForwards::parse("256").is_err());
        assert!(MaxForwards::parse("-1").is_err());
        assert_eq!(ContentLength::parse(" 0150 ").unwrap().to_string(), "150");
        assert!(ContentLength::parse("-999").is_err());
        assert_eq!(Expires::parse("5").unwrap(), Expires(5));
        assert_eq!(Expires::parse("4294967296").unwrap(), Expires(u32::MAX));
        assert!(Expires::parse("Thu, 01 Dec 1994 16:00:00 GMT").is_err());
        assert_eq!(RSeq::parse("988789").unwrap(), RSeq(988_789));
        assert!(RSeq::parse("0").is_err());
        assert!(RSeq::parse("4294967296").is_err());
    }
}
