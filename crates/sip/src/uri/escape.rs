//! `%HH` in URIs: undone, done, and compared (RFC 3261 §19.1.2 and §19.1.4).

use std::borrow::Cow;
use std::fmt;

/// The "reserved" set of RFC 2396 §2.2: these octets mean something else when they are escaped.
const fn is_reserved(octet: u8) -> bool {
    matches!(octet, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',')
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Whether every octet is allowed as it stands or part of a `%HH`.
pub(crate) fn is_escaped_text(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let octets = text.as_bytes();
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        if octet == b'%' {
            let digits = (octets.get(at + 1).copied(), octets.get(at + 2).copied());
            let (Some(high), Some(low)) = digits else {
                return false;
            };
            if !high.is_ascii_hexdigit() || !low.is_ascii_hexdigit() {
                return false;
            }
            at += 3;
        } else if allowed(octet) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

/// An octet of a URI after unescaping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Octet {
    /// Written as itself, or escaped without need.
    Plain(u8),
    /// Escaped, and another thing than itself: one of the reserved set.
    Escaped(u8),
}

impl Octet {
    const fn to_lower(self) -> Self {
        match self {
            Self::Plain(octet) => Self::Plain(octet.to_ascii_lowercase()),
            escaped @ Self::Escaped(_) => escaped,
        }
    }
}

/// The octets of escaped text. A `%` without two digits stands for itself.
pub(crate) fn octets(text: &str) -> impl Iterator<Item = Octet> {
    raw_octets(text).map(|(octet, was_escaped)| {
        if was_escaped && is_reserved(octet) { Octet::Escaped(octet) } else { Octet::Plain(octet) }
    })
}

fn raw_octets(text: &str) -> impl Iterator<Item = (u8, bool)> {
    let text = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let octet = *text.get(at)?;
        at += 1;
        if octet == b'%'
            && let Some(high) = text.get(at).copied().and_then(hex_value)
            && let Some(low) = text.get(at + 1).copied().and_then(hex_value)
        {
            at += 2;
            return Some((high << 4 | low, true));
        }
        Some((octet, false))
    })
}

/// Whether two escaped texts mean the same, case counting.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || octets(a).eq(octets(b))
}

/// Whether two escaped texts mean the same, case aside.
pub(crate) fn same_ignoring_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || octets(a).map(Octet::to_lower).eq(octets(b).map(Octet::to_lower))
}

/// The text with every `%HH` undone.
///
/// Octets that are no UTF-8 come out as U+FFFD: use it to show and to look up, and the written text
/// to forward.
///
/// ```
/// assert_eq!(cordboard_sip::uri::unescape("sips%3Auser%40example.com"), "sips:user@example.com");
/// ```
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let octets: Vec<u8> = raw_octets(text).map(|(octet, _)| octet).collect();
    Cow::Owned(match String::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Where a text is to stand in a URI, which decides what must be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The user part.
    User,
    /// The password part.
    Password,
    /// The name or value of a URI parameter.
    Param,
    /// The name or value of a header after `?`.
    Header,
}

impl Place {
    pub(crate) const fn allows(self, octet: u8) -> bool {
        match self {
            Self::User => crate::grammar::is_user_octet(octet),
            Self::Password => crate::grammar::is_password_octet(octet),
            Self::Param => crate::grammar::is_param_octet(octet),
            Self::Header => crate::grammar::is_header_octet(octet),
        }
    }
}

/// Prints plain text escaped for its place in a URI.
///
/// ```
/// use cordboard_sip::uri::{Escape, Place};
/// let replaces = "12345@192.168.118.3;to-tag=12345;from-tag=5FFE-3994";
/// assert_eq!(
///     Escape(replaces, Place::Header).to_string(),
///     "12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994",
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escape<'a>(pub &'a str, pub Place);

impl fmt::Display for Escape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, place) = *self;
        write_escaped(f, text.bytes(), |octet| place.allows(octet))
    }
}

/// Writes octets, those that are not allowed as `%HH`.
pub(crate) fn write_escaped(
    out: &mut impl fmt::Write,
    octets: impl Iterator<Item = u8>,
    allowed: impl Fn(u8) -> bool,
) -> fmt::Result {
    for octet in octets {
        if allowed(octet) {
            out.write_char(char::from(octet))?;
        } else {
            write!(out, "%{octet:02X}")?;
        }
    }
    Ok(())
}

/// Writes escaped text in one spelling for all that mean the same: only what must be is escaped.
pub(crate) fn write_canonical(
    out: &mut impl fmt::Write,
    text: &str,
    place: Place,
    lower: bool,
) -> fmt::Result {
    for octet in octets(text) {
        match octet {
            Octet::Plain(octet) if place.allows(octet) => {
                let octet = if lower { octet.to_ascii_lowercase() } else { octet };
                out.write_char(char::from(octet))?;
            }
            Octet::Plain(octet) | Octet::Escaped(octet) => write!(out, "%{octet:02X}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_checked() {
        let user = |text| is_escaped_text(text, |octet| Place::User.allows(octet));
        assert!(user("%61lice"));
        assert!(user("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        for bad in ["%", "%6", "%6g", "a b", "<", "a@b", "\u{fc}"] {
            assert!(!user(bad), "{bad}");
        }
    }

    #[test]
    fn reserved_octets_differ_from_their_escapes() {
        assert!(same("%61lice", "alice"));
        assert!(!same("a%3Bb", "a;b"));
        assert!(same("a%3bb", "a%3Bb"));
        assert!(!same("Alice", "alice"));
        assert!(same_ignoring_case("%41lice", "alice"));
    }

    #[test]
    fn a_zero_octet_is_data() {
        assert_eq!(unescape("null-%00-null"), "null-\0-null");
        assert_eq!(unescape("%ff"), "\u{fffd}");
        assert_eq!(unescape("100%"), "100%");
    }

    proptest! {
        #[test]
        fn escaping_is_undone(text in any::<String>()) {
            for place in [Place::User, Place::Password, Place::Param, Place::Header] {
                let escaped = Escape(&text, place).to_string();
                prop_assert!(is_escaped_text(&escaped, |octet| place.allows(octet)));
                let back = unescape(&escaped);
                prop_assert_eq!(&*back, &text);
            }
        }

        #[test]
        fn the_canonical_spelling_means_the_same(text in "([a-z;/?:@&=+$,]|%[0-9a-f]{2}){0,12}") {
            let mut out = String::new();
            write_canonical(&mut out, &text, Place::User, false).unwrap();
            let mut again = String::new();
            write_canonical(&mut again, &out, Place::User, false).unwrap();
            prop_assert_eq!(&out, &again);
        }
    }
}
