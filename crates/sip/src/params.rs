//! Header parameters, `;name=value` (RFC 3261 §7.3.1 and `generic-param` of §25.1).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::Malformed;
use crate::grammar::{self, Quoted, find_outside, trim, unquote};

/// One parameter as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name; names are compared without case.
    pub name: &'a str,
    /// The value, with its quotes if it has any; `None` for a flag such as `lr`.
    pub value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// Whether this is the parameter of that name.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value without quotes and escapes, "" for a flag.
    pub fn unquoted(&self) -> Cow<'a, str> {
        self.value.map_or(Cow::Borrowed(""), unquote)
    }

    fn read(text: &'a str) -> Self {
        match find_outside(text, b"=", false) {
            Some(equals) => Self { name: trim(&text[..equals]), value: Some(trim(&text[equals + 1..])) },
            None => Self { name: trim(text), value: None },
        }
    }
}

/// The parameters of a header value, borrowed and unchecked. No allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParamsRef<'a> {
    text: &'a str,
}

impl<'a> ParamsRef<'a> {
    /// The parameters in `text`, which starts with `;` or is empty.
    pub const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Divides a value into what stands before its first `;` (outside quotes and `<>`) and its
    /// parameters.
    pub fn split(value: &'a str) -> (&'a str, Self) {
        match find_outside(value, b";", true) {
            Some(at) => (trim(&value[..at]), Self { text: &value[at..] }),
            None => (trim(value), Self { text: "" }),
        }
    }

    /// The parameters as they are written.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Each parameter in order; empty ones (`;;`) are skipped.
    pub fn iter(self) -> impl Iterator<Item = Param<'a>> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            loop {
                if rest.is_empty() {
                    return None;
                }
                let end = find_outside(rest, b";", false).unwrap_or(rest.len());
                let one = trim(&rest[..end]);
                rest = rest.get(end + 1..).unwrap_or("");
                if !one.is_empty() {
                    return Some(Param::read(one));
                }
            }
        })
    }

    /// The first parameter of that name.
    pub fn find(self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|param| param.is(name))
    }

    /// The value of the first parameter of that name, as written; `None` for a flag too.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.find(name)?.value
    }

    /// Whether there is a parameter of that name, with a value or without.
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// The parameters of a header value: checked, and printed back as they came, white space aside.
///
/// Two are equal when they hold the same parameters in any order; names and unquoted values are
/// compared without case (RFC 3261 §7.3.1).
#[derive(Clone, Default)]
pub struct Params {
    /// `;name=value` repeated, or nothing; no white space, no folds, no empty parameter.
    text: String,
}

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self { text: String::new() }
    }

    /// Reads `;name=value` repeated, or nothing.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = trim(text);
        if !text.is_empty() && !text.starts_with(';') {
            return Err(Malformed::new("parameters start with a semicolon"));
        }
        let mut params = Self { text: String::with_capacity(text.len()) };
        for param in ParamsRef::new(text).iter() {
            params.push_checked(param)?;
        }
        Ok(params)
    }

    /// Divides a value into what stands before its first `;` (outside quotes and `<>`) and its
    /// parameters.
    pub fn split(value: &str) -> Result<(&str, Self), Malformed> {
        let (head, params) = ParamsRef::split(value);
        Ok((head, Self::parse(params.as_str())?))
    }

    /// Divides a value at its first `;` wherever it stands: for a Call-ID, which may hold quotes and
    /// brackets that enclose nothing.
    pub fn split_word(value: &str) -> Result<(&str, Self), Malformed> {
        let at = value.find(';').unwrap_or(value.len());
        Ok((trim(&value[..at]), Self::parse(&value[at..])?))
    }

    fn push_checked(&mut self, param: Param<'_>) -> Result<(), Malformed> {
        if !grammar::is_token(param.name) {
            return Err(Malformed::new("a parameter name is no token"));
        }
        match param.value {
            None => self.push_written(param.name, None),
            Some(value) if value.starts_with('"') => {
                let wrong = "a quoted parameter value does not end where it should";
                self.push_written(param.name, Some(&grammar::quoted_string(value, wrong)?));
            }
            Some(value) if value.bytes().all(is_value_octet) => {
                self.push_written(param.name, Some(value));
            }
            Some(_) => {
                return Err(Malformed::new("a parameter value is neither token nor host nor quoted"));
            }
        }
        Ok(())
    }

    fn push_written(&mut self, name: &str, value: Option<&str>) {
        self.text.push(';');
        self.text.push_str(name);
        if let Some(value) = value {
            self.text.push('=');
            self.text.push_str(value);
        }
    }

    /// A borrowed view of these parameters.
    pub fn view(&self) -> ParamsRef<'_> {
        ParamsRef { text: &self.text }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Each parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.view().iter()
    }

    /// The value of that parameter as written; `None` for a flag too.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.view().get(name)
    }

    /// The value of that parameter without quotes and escapes.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(unquote)
    }

    /// Whether there is such a parameter, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.view().has(name)
    }

    /// The value of a parameter that must be there once, and only once.
    pub fn exactly_one<T>(&self, name: &str) -> Result<T, Malformed>
    where
        T: FromStr<Err = Malformed>,
    {
        self.at_most_one(name)?.ok_or(Malformed::new("a parameter that must be there is missing"))
    }

    /// The value of a parameter that may be there once; twice, or without a value, is an error.
    pub fn at_most_one<T>(&self, name: &str) -> Result<Option<T>, Malformed>
    where
        T: FromStr<Err = Malformed>,
    {
        let mut found = self.iter().filter(|param| param.is(name));
        let Some(first) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(Malformed::new("a parameter is there more than once"));
        }
        let value = first.value.ok_or(Malformed::new("a parameter lacks its value"))?;
        unquote(value).parse().map(Some)
    }

    /// As [`at_most_one`](Self::at_most_one), and takes the parameter out.
    pub fn take<T>(&mut self, name: &str) -> Result<Option<T>, Malformed>
    where
        T: FromStr<Err = Malformed>,
    {
        let value = self.at_most_one(name)?;
        if value.is_some() {
            self.remove(name);
        }
        Ok(value)
    }

    /// As [`exactly_one`](Self::exactly_one), and takes the parameter out.
    pub fn take_required<T>(&mut self, name: &str) -> Result<T, Malformed>
    where
        T: FromStr<Err = Malformed>,
    {
        let value = self.exactly_one(name)?;
        self.remove(name);
        Ok(value)
    }

    /// Takes a parameter out that needs no value; says whether it was there.
    pub fn take_flag(&mut self, name: &str) -> bool {
        let found = self.has(name);
        if found {
            self.remove(name);
        }
        found
    }

    /// Takes a parameter out whatever its value, and gives that back without quotes.
    pub fn take_text(&mut self, name: &str) -> Option<Box<str>> {
        let value = self.unquoted(name).map(|value| Box::from(&*value));
        if value.is_some() {
            self.remove(name);
        }
        value
    }

    /// Removes every parameter of that name.
    pub fn remove(&mut self, name: &str) {
        if self.has(name) {
            let mut kept = Self { text: String::with_capacity(self.text.len()) };
            for param in self.iter().filter(|param| !param.is(name)) {
                kept.push_written(param.name, param.value);
            }
            *self = kept;
        }
    }

    /// Sets a parameter; the value is quoted if it is neither a token nor a host.
    ///
    /// # Panics
    /// If the name is no token: names are ours, never a peer's.
    pub fn set(&mut self, name: &str, value: &str) {
        assert!(grammar::is_token(name), "a parameter name is a token");
        self.remove(name);
        if !value.is_empty() && value.bytes().all(is_value_octet) {
            self.push_written(name, Some(value));
        } else {
            self.push_written(name, Some(&Quoted(value).to_string()));
        }
    }

    /// Sets a parameter to a quoted string.
    ///
    /// # Panics
    /// If the name is no token: names are ours, never a peer's.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        assert!(grammar::is_token(name), "a parameter name is a token");
        self.remove(name);
        self.push_written(name, Some(&Quoted(value).to_string()));
    }

    /// Sets a parameter that has no value.
    ///
    /// # Panics
    /// If the name is no token: names are ours, never a peer's.
    pub fn set_flag(&mut self, name: &str) {
        assert!(grammar::is_token(name), "a parameter name is a token");
        self.remove(name);
        self.push_written(name, None);
    }

    /// With a parameter set, for building a value in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// With a flag set, for building a value in one expression.
    #[must_use]
    pub fn with_flag(mut self, name: &str) -> Self {
        self.set_flag(name);
        self
    }
}

/// Octets of a token or a host. Some phones leave `@`, `/` and the like unquoted, for instance in
/// `received-realm` or a `cid`: what divides nothing is let through.
const fn is_value_octet(octet: u8) -> bool {
    grammar::is_token_octet(octet)
        || matches!(
            octet,
            b'[' | b']'
                | b':'
                | b'/'
                | b'@'
                | b'?'
                | b'&'
                | b'$'
                | b'='
                | b'#'
                | b'('
                | b')'
                | b'{'
                | b'}'
                | b'|'
                | b'^'
        )
        || octet >= 0x80
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({:?})", self.text)
    }
}

impl PartialEq for Params {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: Param<'_>, b: Param<'_>| {
            a.is(b.name)
                && match (a.value, b.value) {
                    (Some(a), Some(b)) if a.starts_with('"') || b.starts_with('"') => {
                        unquote(a) == unquote(b)
                    }
                    (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                    (a, b) => a == b,
                }
        };
        let times = |of: &Self, wanted: Param<'_>| of.iter().filter(|p| same(*p, wanted)).count();
        self.text == other.text
            || (self.iter().count() == other.iter().count()
                && self.iter().all(|param| times(self, param) == times(other, param)))
    }
}

impl Eq for Params {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_space_and_folds_around_separators_do_not_count() {
        let params = Params::parse(" ; tag = abc ;\r\n\tq=0.5;lr").unwrap();
        assert_eq!(params.to_string(), ";tag=abc;q=0.5;lr");
        assert_eq!(params.get("TAG"), Some("abc"));
        assert!(params.has("lr"));
        assert_eq!(params.get("lr"), None);
    }

    #[test]
    fn a_semicolon_in_quotes_divides_nothing() {
        let params = Params::parse(r#";a="x;y=\"z";b=1"#).unwrap();
        assert_eq!(params.unquoted("a").unwrap(), r#"x;y="z"#);
        assert_eq!(params.get("b"), Some("1"));
    }

    #[test]
    fn the_same_parameters_in_another_order_are_equal() {
        let of = |text| Params::parse(text).unwrap();
        assert_eq!(of(";a=B;c"), of(";C;A=b"));
        assert_eq!(of(r#";a="b""#), of(";a=b"));
        assert_ne!(of(r#";a="B""#), of(r#";a="b""#));
        assert_ne!(of(";a=1;a=1;b=2"), of(";a=1;b=2;b=2"));
        assert_ne!(of(";a"), of(";a=1"));
    }

    #[test]
    fn what_is_not_written_as_it_should_be_is_refused() {
        for text in ["a=b", ";a b=c", ";=x", ";a=\"open", ";a=\"b\"c", ";a=b c", ";a=<x>", ";a=\"x\r\ny\""] {
            assert!(Params::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_is_quoted_when_it_must_be() {
        let params = Params::new().with("a", "x y").with("b", "z").with("c", "").with_flag("d");
        assert_eq!(params.to_string(), ";a=\"x y\";b=z;c=\"\";d");
    }

    #[test]
    fn once_means_once() {
        let mut params = Params::parse(";tag=1;x=2;tag=3").unwrap();
        assert!(params.at_most_one::<crate::header::Tag>("tag").is_err());
        assert!(params.exactly_one::<crate::header::Tag>("y").is_err());
        assert_eq!(params.take::<crate::header::Tag>("x").unwrap().unwrap().as_str(), "2");
        assert!(!params.has("x"));
    }

    proptest! {
        #[test]
        fn what_was_set_is_read_back(name in "[a-z]{1,8}", value in "[^\r\n]*", other in "[^\r\n]*") {
            let params = Params::new().with(&name, &value).with("zz-other", &other);
            let again = Params::parse(&params.to_string()).unwrap();
            prop_assert_eq!(again.unquoted(&name).unwrap(), value);
            prop_assert_eq!(again.unquoted("zz-other").unwrap(), other);
            prop_assert_eq!(again, params);
        }

        #[test]
        fn printing_what_was_read_changes_nothing(text in "(;[a-z]{1,3}(=([a-z.]{1,4}|\"[a-z;, ]{0,5}\"))?){0,4}") {
            let params = Params::parse(&text).unwrap();
            prop_assert_eq!(params.to_string(), text);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = Params::parse(&text);
        }
    }
}
