//! What follows the host of a URI: `;name=value` and `?name=value&…` (RFC 3261 §19.1.1).

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::escape::{Escape, Place, is_escaped_text, same_ignoring_case, unescape};
use crate::{Malformed, limits, scan};

/// A name and a value, as written: still escaped.
pub type Pair<'a> = (&'a str, Option<&'a str>);

fn pairs(text: &str, separator: u8) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = scan::byte(rest.as_bytes(), 0, separator);
            let part = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if !part.is_empty() {
                let equals = scan::byte(part.as_bytes(), 0, b'=');
                return Some((&part[..equals], part.get(equals + 1..)));
            }
        }
        None
    })
}

/// The parameters of a URI, borrowed. No allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UriParamsRef<'a> {
    text: &'a str,
}

impl<'a> UriParamsRef<'a> {
    /// The parameters in `text`, which starts with `;` or is empty.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(crate) fn check(text: &str) -> Result<(), Malformed> {
        let allowed = |octet| {
            // The grammar has neither `@` nor a second `=` here; phones do, and nothing is at stake.
            Place::Param.allows(octet) || matches!(octet, b'=' | b';' | b'@' | b',')
        };
        if !is_escaped_text(text, allowed) {
            return Err(Malformed::new("a URI parameter holds a character that must be escaped"));
        }
        if pairs(text, b';').any(|(name, _)| name.is_empty()) {
            return Err(Malformed::new("a URI parameter lacks its name"));
        }
        Ok(())
    }

    /// The parameters as they are written.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Each parameter in order.
    pub fn iter(self) -> impl Iterator<Item = Pair<'a>> {
        pairs(self.text, b';')
    }

    /// The first parameter of that name: `None` if there is none, `Some(None)` for a flag.
    pub fn find(self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(n, _)| same_ignoring_case(n, name)).map(|(_, value)| value)
    }

    /// The value of that parameter as written; `None` for a flag too.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.find(name).flatten()
    }

    /// Whether there is such a parameter, with a value or without (`lr`, and the `lr=on` of some).
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// The parameters of a URI, owned, and printed back as they came.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UriParams {
    /// `;name=value` repeated, or nothing.
    text: String,
}

impl UriParams {
    /// No parameters.
    pub const fn new() -> Self {
        Self { text: String::new() }
    }

    pub(crate) fn from_written(params: UriParamsRef<'_>) -> Self {
        Self { text: params.text.to_owned() }
    }

    /// A borrowed view of these parameters.
    pub fn view(&self) -> UriParamsRef<'_> {
        UriParamsRef { text: &self.text }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The value of that parameter, unescaped; `None` for a flag too.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.view().get(name).map(unescape)
    }

    /// Whether there is such a parameter.
    pub fn has(&self, name: &str) -> bool {
        self.view().has(name)
    }

    /// Removes the parameters of that name.
    pub fn remove(&mut self, name: &str) {
        if self.has(name) {
            let mut kept = String::with_capacity(self.text.len());
            for (n, value) in self.view().iter().filter(|(n, _)| !same_ignoring_case(n, name)) {
                push_written(&mut kept, n, value);
            }
            self.text = kept;
        }
    }

    /// Sets a parameter; the value is plain text and gets escaped.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        // Writing to a String cannot fail.
        let _ = write!(self.text, ";{}={}", Escape(name, Place::Param), Escape(value, Place::Param));
    }

    /// Sets a parameter without value.
    pub fn set_flag(&mut self, name: &str) {
        self.remove(name);
        let _ = write!(self.text, ";{}", Escape(name, Place::Param));
    }
}

fn push_written(out: &mut String, name: &str, value: Option<&str>) {
    out.push(';');
    out.push_str(name);
    if let Some(value) = value {
        out.push('=');
        out.push_str(value);
    }
}

impl fmt::Display for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UriParams({:?})", self.text)
    }
}

/// The headers of a URI (`?Replaces=…&Subject=…`), borrowed. No allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UriHeadersRef<'a> {
    /// What follows the `?`.
    text: &'a str,
}

impl<'a> UriHeadersRef<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(crate) fn check(text: &str) -> Result<(), Malformed> {
        let allowed = |octet| {
            // Transferors that forget to escape the `@`, `;` or `=` of a Replaces are many, and
            // what they mean is plain.
            Place::Header.allows(octet) || matches!(octet, b'=' | b'&' | b'@' | b';' | b',')
        };
        if !is_escaped_text(text, allowed) {
            return Err(Malformed::new("a header in a URI holds a character that must be escaped"));
        }
        let mut count = 0;
        for (name, _) in pairs(text, b'&') {
            // One without a value is in RFC 3515's own examples, and means nothing.
            if name.is_empty() {
                return Err(Malformed::new("a header in a URI lacks its name"));
            }
            count += 1;
        }
        if count == 0 {
            return Err(Malformed::new("a question mark with no header after it"));
        }
        if count > limits::MAX_HEADERS {
            return Err(Malformed::new("too many headers in a URI"));
        }
        Ok(())
    }

    /// The headers as they are written, without the question mark.
    pub const fn as_str(self) -> &'a str {
        self.text
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// Each header in order: its name and its value, still escaped.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        pairs(self.text, b'&').map(|(name, value)| (name, value.unwrap_or("")))
    }

    /// The value of the first header of that name, still escaped. Names are compared as written:
    /// ask for a compact form separately.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter().find(|(n, _)| same_ignoring_case(n, name)).map(|(_, value)| value)
    }
}

/// The headers of a URI, owned, and printed back as they came.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UriHeaders {
    /// `name=value` with `&` between them, or nothing.
    text: String,
}

impl UriHeaders {
    /// No headers.
    pub const fn new() -> Self {
        Self { text: String::new() }
    }

    pub(crate) fn from_written(headers: UriHeadersRef<'_>) -> Self {
        Self { text: headers.text.to_owned() }
    }

    /// A borrowed view of these headers.
    pub fn view(&self) -> UriHeadersRef<'_> {
        UriHeadersRef { text: &self.text }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The value of that header, unescaped.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.view().get(name).map(unescape)
    }

    /// Each header in order, names and values unescaped.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.view().iter().map(|(name, value)| (unescape(name), unescape(value)))
    }

    /// Adds a header; name and value are plain text and get escaped.
    pub fn push(&mut self, name: &str, value: impl fmt::Display) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        let value = value.to_string();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{}={}", Escape(name, Place::Header), Escape(&value, Place::Header));
    }

    /// Removes the headers of that name.
    pub fn remove(&mut self, name: &str) {
        let mut kept = String::with_capacity(self.text.len());
        for (n, value) in pairs(&self.text, b'&').filter(|(n, _)| !same_ignoring_case(n, name)) {
            if !kept.is_empty() {
                kept.push('&');
            }
            kept.push_str(n);
            if let Some(value) = value {
                kept.push('=');
                kept.push_str(value);
            }
        }
        self.text = kept;
    }
}

impl fmt::Display for UriHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for UriHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UriHeaders({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_without_case_and_without_escapes() {
        let params = UriParamsRef::new(";Transport=tcp;%6Cr;x=%3B");
        assert_eq!(params.get("transport"), Some("tcp"));
        assert!(params.has("lr"));
        assert_eq!(params.get("lr"), None);
        assert_eq!(UriParams::from_written(params).get("x").unwrap(), ";");
    }

    #[test]
    fn setting_replaces_and_escapes() {
        let mut params = UriParams::new();
        params.set("transport", "udp");
        params.set_flag("lr");
        params.set("Transport", "a;b");
        assert_eq!(params.to_string(), ";lr;Transport=a%3Bb");
        params.remove("LR");
        assert_eq!(params.to_string(), ";Transport=a%3Bb");
    }

    #[test]
    fn headers_are_escaped_and_read_back() {
        let mut headers = UriHeaders::new();
        headers.push("Replaces", "a@b;to-tag=1;from-tag=2");
        headers.push("Require", "replaces");
        assert_eq!(headers.to_string(), "Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces");
        assert_eq!(headers.get("replaces").unwrap(), "a@b;to-tag=1;from-tag=2");
        headers.remove("replaces");
        assert_eq!(headers.to_string(), "Require=replaces");
    }

    #[test]
    fn a_header_needs_a_name() {
        for bad in ["", "=x", "&", "a=b&=c", "a=<x>", "a=%4"] {
            assert!(UriHeadersRef::check(bad).is_err(), "{bad}");
        }
        for good in ["a=b&", "a", "a=", "a=b&Call-ID%3D55432%40host"] {
            assert!(UriHeadersRef::check(good).is_ok(), "{good}");
        }
    }
}
