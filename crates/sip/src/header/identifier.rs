//! What travels between messages and is only compared: tags, branches, option tags.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;
use crate::grammar;

/// A text that is checked when it is made and compared octet by octet; `new` does the checking.
macro_rules! text_type {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Box<str>);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::Malformed;

            fn from_str(text: &str) -> Result<Self, $crate::Malformed> {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($type), self.0)
            }
        }
    };
}
pub(super) use text_type;

/// A text that is a token.
macro_rules! token_type {
    ($(#[$doc:meta])* $type:ident, $wrong:literal) => {
        $crate::header::identifier::text_type! { $(#[$doc])* $type }

        impl $type {
            /// Checks that the text is a token.
            pub fn new(text: &str) -> Result<Self, $crate::Malformed> {
                $crate::grammar::token(text, $wrong).map(|token| Self(token.into()))
            }
        }
    };
}
pub(super) use token_type;

text_type! {
    /// A dialog identifier's tag (RFC 3261 §19.3).
    Tag
}

impl Tag {
    /// Checks that the text may be a tag: a token, or what some peers send in its place as long as
    /// it divides nothing.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        let text = grammar::trim(text);
        let fits = |octet: u8| {
            grammar::is_token_octet(octet)
                || matches!(octet, b':' | b'/' | b'@' | b'[' | b']' | b'=' | b'?' | b'$' | b'&')
        };
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(Malformed::new("a tag is no token"));
        }
        Ok(Self(text.into()))
    }
}

token_type! {
    /// A transaction's identifier in a Via (RFC 3261 §8.1.1.7).
    Branch, "a branch is no token"
}

impl Branch {
    /// What every branch of RFC 3261 starts with.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// Whether the branch is unique by itself, as RFC 3261 wants; older peers' are not (§17.2.3).
    pub fn is_rfc3261(&self) -> bool {
        self.0.get(..Self::COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(Self::COOKIE))
    }
}

/// A preference from 0 to 1 in thousandths (RFC 3261 §20.10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quality(u16);

impl Quality {
    /// 1, the most.
    pub const ONE: Self = Self(1000);
    /// 0, the least.
    pub const ZERO: Self = Self(0);

    /// So many thousandths; more than a thousand counts as that.
    pub const fn from_thousandths(thousandths: u16) -> Self {
        Self(if thousandths > 1000 { 1000 } else { thousandths })
    }

    /// In thousandths.
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}

impl FromStr for Quality {
    type Err = Malformed;

    /// Reads `0.7`; also `.7` and more than three digits, of which the rest is dropped.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("q is no number from 0 to 1");
        let text = grammar::trim(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return Err(WRONG);
        }
        let mut thousandths = match whole.trim_start_matches('0') {
            "" => 0,
            "1" => 1000,
            _ => return Err(WRONG),
        };
        for (digit, worth) in fraction.bytes().zip([100, 10, 1]) {
            thousandths += u16::from(digit - b'0') * worth;
        }
        if thousandths > 1000 { Err(WRONG) } else { Ok(Self(thousandths)) }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1000 => f.write_str("1.0"),
            0 => f.write_str("0.0"),
            n if n % 100 == 0 => write!(f, "0.{}", n / 100),
            n if n % 10 == 0 => write!(f, "0.{:02}", n / 10),
            n => write!(f, "0.{n:03}"),
        }
    }
}

impl fmt::Debug for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quality({self})")
    }
}

/// A method as a header names it: known, or its token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MethodToken {
    known: crate::Method,
    /// Empty when the method is known.
    text: Box<str>,
}

impl MethodToken {
    /// The method; [`Method::Other`](crate::Method::Other) when only its token is known.
    pub const fn method(&self) -> crate::Method {
        self.known
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        if self.text.is_empty() { self.known.as_str() } else { &self.text }
    }
}

impl FromStr for MethodToken {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = grammar::token(text, "a method is no token")?;
        Ok(match crate::Method::of(text.as_bytes()) {
            crate::Method::Other => Self { known: crate::Method::Other, text: text.into() },
            known => Self { known, text: Box::default() },
        })
    }
}

impl From<crate::Method> for MethodToken {
    /// # Panics
    /// On [`Method::Other`](crate::Method::Other), which names no method.
    fn from(known: crate::Method) -> Self {
        assert!(known != crate::Method::Other, "an unknown method needs its token");
        Self { known, text: Box::default() }
    }
}

impl PartialEq<crate::Method> for MethodToken {
    fn eq(&self, other: &crate::Method) -> bool {
        self.known == *other && self.text.is_empty()
    }
}

impl fmt::Display for MethodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MethodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MethodToken({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities() {
        for (text, thousandths, printed) in [
            ("0.7", 700, "0.7"),
            ("1", 1000, "1.0"),
            ("1.000", 1000, "1.0"),
            (".25", 250, "0.25"),
            ("0.0019", 1, "0.001"),
            ("0", 0, "0.0"),
        ] {
            let q: Quality = text.parse().unwrap();
            assert_eq!((q.thousandths(), q.to_string().as_str()), (thousandths, printed), "{text}");
        }
        for bad in ["", ".", "1.1", "2", "-0.1", "x", "0.x"] {
            assert!(bad.parse::<Quality>().is_err(), "{bad}");
        }
    }

    #[test]
    fn branches() {
        assert!(Branch::new("Z9HG4BK-1").unwrap().is_rfc3261());
        assert!(!Branch::new("1.2").unwrap().is_rfc3261());
        assert!(Branch::new("a b").is_err());
    }

    #[test]
    fn methods_have_case() {
        assert_eq!("INVITE".parse::<MethodToken>().unwrap(), crate::Method::Invite);
        let other: MethodToken = "invite".parse().unwrap();
        assert_eq!((other.method(), other.as_str()), (crate::Method::Other, "invite"));
    }
}
