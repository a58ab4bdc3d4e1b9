//! `tel:` URIs (RFC 3966).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::escape::{Place, same_ignoring_case, unescape, write_canonical};
use super::params::UriParams;
use super::reference::{Scheme, UriRef};
use crate::Malformed;

/// A telephone number as a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri {
    /// `+` and digits, or a local number; visual separators are kept.
    number: Box<str>,
    /// `ext`, `isub`, `phone-context` and others.
    pub params: UriParams,
}

impl TelUri {
    /// A number without parameters: `+12015550123`, or one of a private plan.
    pub fn new(number: &str) -> Result<Self, Malformed> {
        check_number(number)?;
        Ok(Self { number: number.into(), params: UriParams::new() })
    }

    /// The number as it is written, separators included.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The number without visual separators (§5.1.1).
    pub fn digits(&self) -> String {
        digits(&self.number).map(char::from).collect()
    }

    /// Whether the number is global, that is, starts with `+` (§5.1.4).
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The plan that a local number belongs to (§5.1.5). Phones leave it out, against the rule.
    pub fn context(&self) -> Option<Cow<'_, str>> {
        self.params.get("phone-context")
    }

    /// The extension behind the number (§5.3).
    pub fn extension(&self) -> Option<Cow<'_, str>> {
        self.params.get("ext")
    }

    /// The ISDN subaddress (§5.2).
    pub fn subaddress(&self) -> Option<Cow<'_, str>> {
        self.params.get("isub")
    }

    /// A parameter that one must understand before using the URI: it starts with `m-` (§5.4).
    pub fn mandatory_params(&self) -> impl Iterator<Item = &str> {
        let name = |(name, _)| name;
        self.params
            .view()
            .iter()
            .map(name)
            .filter(|name: &&str| name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("m-")))
    }

    pub(super) fn from_ref(uri: &UriRef<'_>) -> Self {
        Self { number: uri.user().unwrap_or("").into(), params: UriParams::from_written(uri.params()) }
    }
}

impl FromStr for TelUri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let uri = UriRef::parse(text)?;
        if uri.scheme() == Scheme::Tel {
            Ok(Self::from_ref(&uri))
        } else {
            Err(Malformed::new("the URI is no tel URI"))
        }
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}{}", self.number, self.params)
    }
}

const fn is_separator(octet: u8) -> bool {
    matches!(octet, b'-' | b'.' | b'(' | b')')
}

fn digits(number: &str) -> impl Iterator<Item = u8> {
    number.bytes().filter(|octet| !is_separator(*octet)).map(|octet| octet.to_ascii_lowercase())
}

/// §3: digits and separators after a `+`; in a local number also `A` to `F`, `*` and `#`.
pub(super) fn check_number(number: &str) -> Result<(), Malformed> {
    let (global, rest) = match number.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let is_digit = |octet: u8| {
        octet.is_ascii_digit() || (!global && (octet.is_ascii_hexdigit() || matches!(octet, b'*' | b'#')))
    };
    if !rest.bytes().all(|octet| is_digit(octet) || is_separator(octet)) {
        return Err(Malformed::new("a telephone number holds a character that is no digit"));
    }
    if !rest.bytes().any(is_digit) {
        return Err(Malformed::new("a telephone number without digits"));
    }
    Ok(())
}

pub(super) fn write_canonical_number(out: &mut impl fmt::Write, uri: &UriRef<'_>) -> fmt::Result {
    for octet in digits(uri.user().unwrap_or("")) {
        out.write_char(char::from(octet))?;
    }
    // A local number is one thing in one plan and another in the next (§5.1.5).
    match uri.params().get("phone-context") {
        Some(context) => {
            out.write_str(";phone-context=")?;
            write_canonical(out, context, Place::Param, true)
        }
        None => Ok(()),
    }
}

/// §4. An unknown parameter in one URI only makes them differ.
pub(super) fn equivalent(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    let fit = |a: &UriRef<'_>, b: &UriRef<'_>| {
        a.params().iter().all(|(name, value)| match b.params().find(name) {
            Some(other) => same_value(name, value.unwrap_or(""), other.unwrap_or("")),
            None => false,
        })
    };
    digits(a.user().unwrap_or("")).eq(digits(b.user().unwrap_or(""))) && fit(a, b) && fit(b, a)
}

fn same_value(name: &str, a: &str, b: &str) -> bool {
    let is_number = |text: &str| text.starts_with('+');
    if name.eq_ignore_ascii_case("ext")
        || (name.eq_ignore_ascii_case("phone-context") && is_number(a) && is_number(b))
    {
        digits(&unescape(a)).eq(digits(&unescape(b)))
    } else {
        same_ignoring_case(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        UriRef::parse(a).unwrap().equivalent(&UriRef::parse(b).unwrap())
    }

    /// RFC 3966 §6.
    #[test]
    fn examples_of_the_standard() {
        let uri: TelUri = "tel:+1-201-555-0123".parse().unwrap();
        assert!(uri.is_global());
        assert_eq!(uri.digits(), "+12015550123");
        let uri: TelUri = "tel:7042;phone-context=example.com".parse().unwrap();
        assert_eq!((uri.number(), uri.context().unwrap()), ("7042", "example.com".into()));
        let uri: TelUri = "tel:863-1234;phone-context=+1-914-555".parse().unwrap();
        assert_eq!(uri.to_string(), "tel:863-1234;phone-context=+1-914-555");
    }

    #[test]
    fn separators_case_and_order_do_not_count() {
        assert!(alike("tel:+1-201-555-0123", "TEL:+12015550123"));
        assert!(alike("tel:7042;phone-context=Example.com;x=1", "tel:70.42;x=1;phone-context=example.com"));
        assert!(alike("tel:863;phone-context=+1-914", "tel:863;phone-context=+1914"));
        assert!(alike("tel:0A;ext=1-2", "tel:0a;ext=12"));
    }

    #[test]
    fn everything_else_does() {
        assert!(!alike("tel:+12015550123", "tel:12015550123"));
        assert!(!alike("tel:7042;phone-context=example.com", "tel:7042"));
        assert!(!alike("tel:7042;phone-context=a.com", "tel:7042;phone-context=b.com"));
        assert!(!alike("tel:+1;x=1", "tel:+1;x=2"));
    }

    #[test]
    fn what_is_no_number() {
        for bad in ["+", "+12a", "", "--", "12 34", "+*1"] {
            assert!(TelUri::new(bad).is_err(), "{bad}");
        }
        assert!(TelUri::new("*67#").is_ok());
    }

    #[test]
    fn mandatory_parameters_are_told() {
        let uri: TelUri = "tel:+1;m-x=1;y=2".parse().unwrap();
        assert_eq!(uri.mandatory_params().collect::<Vec<_>>(), ["m-x"]);
    }
}
