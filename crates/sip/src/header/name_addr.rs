//! `name-addr` and `addr-spec`: `"Alice" <sip:alice@example.com>` (RFC 3261 §20.10, §25.1).

use std::borrow::Cow;
use std::fmt;

use crate::Malformed;
use crate::grammar::{self, Quoted, find_outside, quoted_end, trim, unquote};
use crate::params::{Params, ParamsRef};
use crate::uri::{Uri, UriRef};

/// A name, an address and parameters, borrowed. No allocation.
#[derive(Clone, Copy, Debug)]
pub struct NameAddrRef<'a> {
    display: Option<&'a str>,
    uri: &'a str,
    params: ParamsRef<'a>,
    bracketed: bool,
}

impl<'a> NameAddrRef<'a> {
    /// Reads one value. The URI and the parameters are found, not yet checked.
    ///
    /// Without `<>` all parameters belong to the header, and the URI may hold no `?` (§20.10).
    pub fn parse(value: &'a str) -> Result<Self, Malformed> {
        let value = trim(value);
        let Some(open) = find_outside(value, b"<", false) else {
            if value.starts_with('"') {
                return Err(Malformed::new("a display name without an address in <> after it"));
            }
            let (uri, params) = ParamsRef::split(value);
            if uri.contains('?') {
                return Err(Malformed::new("a URI with headers must stand in <>"));
            }
            return Ok(Self { display: None, uri, params, bracketed: false });
        };
        let display = trim(&value[..open]);
        if display.starts_with('"') && quoted_end(display.as_bytes(), 0) != Some(display.len()) {
            return Err(Malformed::new("something stands between the display name and the address"));
        }
        let close = value[open..].find('>').ok_or(Malformed::new("the address lacks its closing bracket"))?;
        let rest = trim(&value[open + close + 1..]);
        if !rest.is_empty() && !rest.starts_with(';') {
            return Err(Malformed::new("something other than parameters follows the address"));
        }
        Ok(Self {
            display: (!display.is_empty()).then_some(display),
            // Spaces inside the brackets are an error that harms nobody (RFC 4475 §3.1.2.14).
            uri: trim(&value[open + 1..open + close]),
            params: ParamsRef::new(rest),
            bracketed: true,
        })
    }

    /// The display name without quotes and escapes.
    pub fn display(&self) -> Option<Cow<'a, str>> {
        self.display.map(unquote)
    }

    /// The text of the URI.
    pub const fn uri_text(&self) -> &'a str {
        self.uri
    }

    /// The URI.
    pub fn uri(&self) -> Result<UriRef<'a>, Malformed> {
        UriRef::parse(self.uri)
    }

    /// The header's parameters.
    pub const fn params(&self) -> ParamsRef<'a> {
        self.params
    }

    /// Whether the URI stands in `<>`.
    pub const fn is_bracketed(&self) -> bool {
        self.bracketed
    }

    /// The `tag` parameter, as From and To have it.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag")
    }
}

/// A name and an address, owned. Printed in `<>` always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The name to show, plain text.
    pub display: Option<Box<str>>,
    /// The address.
    pub uri: Uri,
}

impl NameAddr {
    /// An address without a name.
    pub fn new(uri: impl Into<Uri>) -> Self {
        Self { display: None, uri: uri.into() }
    }

    /// The same with a name to show, plain text.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = Some(display.into());
        self
    }

    /// Reads an address and the parameters after it.
    pub fn parse_with_params(value: &str) -> Result<(Self, Params), Malformed> {
        let borrowed = NameAddrRef::parse(value)?;
        let params = Params::parse(borrowed.params.as_str())?;
        Ok((Self::from_ref(&borrowed)?, params))
    }

    /// The owned form of a borrowed address; its parameters are left behind.
    pub fn from_ref(borrowed: &NameAddrRef<'_>) -> Result<Self, Malformed> {
        let display = match borrowed.display {
            Some(written) if written.starts_with('"') => {
                let quoted = grammar::quoted_string(written, "a display name is no quoted string")?;
                Some(Box::from(&*unquote(&quoted)))
            }
            Some(written) => Some(Box::from(&*grammar::one_line(written)?)),
            None => None,
        };
        Ok(Self { display, uri: Uri::parse(borrowed.uri)? })
    }
}

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self::new(uri)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", Quoted(display))?;
        }
        write!(f, "<{}>", self.uri)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Addresses of every shape that can be built.
    pub(crate) fn any_name_addr() -> impl Strategy<Value = NameAddr> {
        let display = proptest::option::of("([^\\pC\\s][^\\pC]{0,10}[^\\pC\\s])?");
        (display, crate::uri::tests::any_uri())
            .prop_map(|(display, uri)| NameAddr { display: display.map(Into::into), uri })
    }

    fn parts(value: &str) -> (Option<String>, String, String) {
        let parsed = NameAddrRef::parse(value).unwrap();
        (
            parsed.display().map(Cow::into_owned),
            parsed.uri_text().to_owned(),
            parsed.params().as_str().to_owned(),
        )
    }

    #[test]
    fn with_name_without_and_bare() {
        assert_eq!(
            parts(r#""A. G. Bell" <sip:agb@bell-telephone.com> ;tag=a48s"#),
            (Some("A. G. Bell".into()), "sip:agb@bell-telephone.com".into(), ";tag=a48s".into())
        );
        assert_eq!(
            parts("sip:+12125551212@server.phone2net.com;tag=887s"),
            (None, "sip:+12125551212@server.phone2net.com".into(), ";tag=887s".into())
        );
        assert_eq!(
            parts("Anonymous <sip:c8oqz84zk7z@privacy.org;lr>;tag=hyh8"),
            (Some("Anonymous".into()), "sip:c8oqz84zk7z@privacy.org;lr".into(), ";tag=hyh8".into())
        );
    }

    /// RFC 4475 §3.1.1.1, §3.1.1.6, §3.1.2.14, §3.1.2.15.
    #[test]
    fn torture() {
        assert_eq!(parts(r#""J Rosenberg \\\"" <sip:a@b>"#).0.unwrap(), r#"J Rosenberg \""#);
        assert_eq!(parts("caller<sip:caller@example.com>").0.unwrap(), "caller");
        assert_eq!(parts("\"Watson, Thomas\" < sip:t.watson@example.org >").1, "sip:t.watson@example.org");
        assert_eq!(parts("Bell, Alexander <sip:a.g.bell@example.com>;tag=43").0.unwrap(), "Bell, Alexander");
        assert_eq!(parts(r#""<a>;b" <sip:a@b>"#).0.unwrap(), "<a>;b");
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "\"Alice\"",
            "\"Alice",
            "<sip:a@b",
            "\"A\" x <sip:a@b>",
            "<sip:a@b> x",
            "sip:a@b?Route=%3Csip:c%3E",
            "\"Mr. J. User <sip:j.user@example.com>",
        ] {
            assert!(NameAddrRef::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "<>", "Alice <alice>"] {
            assert!(NameAddr::parse_with_params(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_cannot_smuggle_a_line() {
        let addr = NameAddr::new("sip:a@b".parse::<Uri>().unwrap()).with_display("x\r\nVia: y");
        assert!(!addr.to_string().contains('\n'));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(addr in any_name_addr()) {
            let (again, params) = NameAddr::parse_with_params(&addr.to_string()).unwrap();
            prop_assert_eq!(again, addr);
            prop_assert!(params.is_empty());
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = NameAddr::parse_with_params(&text);
        }
    }
}
