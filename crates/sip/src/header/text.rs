//! Headers for people: `Subject`, `Organization` (RFC 3261 §20.36, §20.25), and `Priority` (§20.26).

use std::fmt;

use super::Header;
use super::event::token_enum;
use crate::grammar::one_line;
use crate::{Malformed, Name};

macro_rules! texts {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type(Box<str>);

        impl $type {
            /// Checks that the text is one line, or folded into one.
            pub fn new(text: &str) -> Result<Self, Malformed> {
                Ok(Self((&*one_line(text)?).into()))
            }

            /// The text on one line.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                Self::new(value)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// What the call is about.
    Subject, SUBJECT;
    /// Where the sender belongs.
    Organization, ORGANIZATION;
}

token_enum! {
    /// How urgent the sender finds it.
    Priority: "a priority is no token",
    /// Life or limb is in danger.
    Emergency = "emergency",
    /// At once.
    Urgent = "urgent",
    /// As usual.
    Normal = "normal",
    /// It can wait.
    NonUrgent = "non-urgent",
}

impl Header for Priority {
    const NAME: Name = Name::PRIORITY;

    fn parse(value: &str) -> Result<Self, Malformed> {
        value.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §7.3.1 and §20.
    #[test]
    fn examples_of_the_standard() {
        let subject =
            Subject::parse("I know you're there,\r\n      pick up the phone\r\n   and talk to me!").unwrap();
        assert_eq!(subject.as_str(), "I know you're there, pick up the phone and talk to me!");
        assert_eq!(Organization::parse("Boxes by Bob").unwrap().to_string(), "Boxes by Bob");
        assert_eq!(Subject::parse("").unwrap().as_str(), "");
        assert!(Subject::new("a\r\nVia: b").is_err());
        assert_eq!(Priority::parse("Emergency").unwrap(), Priority::Emergency);
        assert_eq!(Priority::parse("psap-callback").unwrap().to_string(), "psap-callback");
        assert!(Priority::parse("a b").is_err());
    }
}
