//! The small words of SIP text: tokens, quoted strings, separators (RFC 3261 §25.1).

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::Malformed;

const TOKEN: u8 = 1;
const WORD: u8 = 2;
const USER: u8 = 4;
const PASSWORD: u8 = 8;
const HOST: u8 = 16;
const PARAM: u8 = 32;
const HEADER: u8 = 64;

/// What each octet may be part of.
static CLASS: [u8; 256] = class_table();

const fn class_table() -> [u8; 256] {
    let mut table = [0; 256];
    mark(
        &mut table,
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        TOKEN | WORD | USER | PASSWORD | HOST | PARAM | HEADER,
    );
    mark(&mut table, b"-.!%*_+`'~", TOKEN);
    mark(&mut table, b"-.!%*_+`'~()<>:\\\"/[]?{}", WORD);
    mark(&mut table, b"-_.!~*'()", USER | PASSWORD | PARAM | HEADER);
    mark(&mut table, b"&=+$,;?/", USER);
    mark(&mut table, b"&=+$,", PASSWORD);
    // An underscore is no host name, yet many networks use it.
    mark(&mut table, b"-._", HOST);
    mark(&mut table, b"[]/:&+$", PARAM);
    mark(&mut table, b"[]/?:+$", HEADER);
    table
}

const fn mark(table: &mut [u8; 256], octets: &[u8], class: u8) {
    let mut at = 0;
    while at < octets.len() {
        table[octets[at] as usize] |= class;
        at += 1;
    }
}

const fn is(octet: u8, class: u8) -> bool {
    CLASS[octet as usize] & class != 0
}

/// Whether the octet may stand in a `token`.
pub(crate) const fn is_token_octet(octet: u8) -> bool {
    is(octet, TOKEN)
}

/// Whether the octet may stand in a `user` unescaped.
pub(crate) const fn is_user_octet(octet: u8) -> bool {
    is(octet, USER)
}

/// Whether the octet may stand in a `password` unescaped.
pub(crate) const fn is_password_octet(octet: u8) -> bool {
    is(octet, PASSWORD)
}

/// Whether the octet may stand in a host name.
pub(crate) const fn is_host_octet(octet: u8) -> bool {
    is(octet, HOST)
}

/// Whether the octet may stand in a URI parameter unescaped.
pub(crate) const fn is_param_octet(octet: u8) -> bool {
    is(octet, PARAM)
}

/// Whether the octet may stand in a header of a URI unescaped.
pub(crate) const fn is_header_octet(octet: u8) -> bool {
    is(octet, HEADER)
}

/// Whether the text is a `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

/// Whether the text is a `word`, as Call-ID uses it.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| is(octet, WORD))
}

/// Linear white space, folds included.
pub(crate) const fn is_white(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The text without white space and folds at its ends.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii() && is_white(c as u8))
}

/// A token, or why it is none.
pub(crate) fn token<'a>(text: &'a str, what: &'static str) -> Result<&'a str, Malformed> {
    let text = trim(text);
    if is_token(text) { Ok(text) } else { Err(Malformed::new(what)) }
}

/// A decimal number without sign, which may carry leading zeros.
pub(crate) fn number<N: std::str::FromStr>(text: &str, what: &'static str) -> Result<N, Malformed> {
    let text = trim(text);
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Malformed::new(what));
    }
    text.parse().map_err(|_| Malformed::new(what))
}

/// A number of seconds; what does not fit 32 bits counts as the most that does (RFC 3261 §20.19).
pub(crate) fn delta_seconds(text: &str, what: &'static str) -> Result<u32, Malformed> {
    let text = trim(text);
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Malformed::new(what));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

/// Where the quoted string that starts at `from` ends: the place after its closing quote.
pub(crate) fn quoted_end(text: &[u8], from: usize) -> Option<usize> {
    debug_assert_eq!(text.get(from), Some(&b'"'), "a quoted string starts with a quote");
    let mut at = from + 1;
    while let Some(&octet) = text.get(at) {
        match octet {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// The first of `stops` outside quotes and, when `angles`, outside `<>`.
pub(crate) fn find_outside(text: &str, stops: &[u8], angles: bool) -> Option<usize> {
    let octets = text.as_bytes();
    let mut at = 0;
    let mut inside = false;
    while let Some(&octet) = octets.get(at) {
        if !inside && stops.contains(&octet) {
            return Some(at);
        }
        match octet {
            // A quote inside `<>` is an error of the URI, and no string.
            b'"' if !inside => at = quoted_end(octets, at)?,
            b'<' if angles => {
                inside = true;
                at += 1;
            }
            b'>' if angles => {
                inside = false;
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// The values of a comma list, trimmed; empty ones are skipped (RFC 3261 §7.3.1 and RFC 4475 §3.1.1.1).
pub(crate) fn comma_list(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        if let Some(comma) = find_outside(text, b",", true) {
            rest = Some(&text[comma + 1..]);
            Some(trim(&text[..comma]))
        } else {
            rest = None;
            Some(trim(text))
        }
    })
    .filter(|value| !value.is_empty())
}

/// What a quoted string says: without its quotes, backslashes and folds. Text without quotes is
/// given back as it is.
pub(crate) fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"') else {
        return Cow::Borrowed(text);
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.bytes().any(|octet| matches!(octet, b'\\' | b'\r' | b'\n')) {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '\r' | '\n' => {
                while chars.next_if(|c| matches!(c, '\r' | '\n' | ' ' | '\t')).is_some() {}
                out.push(' ');
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text on one line: each fold becomes a space (RFC 3261 §7.3.1). Other line ends and zeros are refused.
pub(crate) fn one_line(text: &str) -> Result<Cow<'_, str>, Malformed> {
    let text = trim(text);
    if text.contains('\0') {
        return Err(Malformed::new("a zero octet inside a header value"));
    }
    unfold(text)
}

/// The quoted string that the text is, nothing before and nothing after it, its folds undone; it keeps
/// its quotes and escapes. A zero octet may stand in it after a backslash (RFC 3261 §25.1).
pub(crate) fn quoted_string<'a>(text: &'a str, what: &'static str) -> Result<Cow<'a, str>, Malformed> {
    let whole = text.starts_with('"') && quoted_end(text.as_bytes(), 0) == Some(text.len());
    // No line end can be escaped.
    if !whole || text.contains("\\\r") || text.contains("\\\n") {
        return Err(Malformed::new(what));
    }
    unfold(text)
}

fn unfold(text: &str) -> Result<Cow<'_, str>, Malformed> {
    if !text.bytes().any(|octet| matches!(octet, b'\r' | b'\n')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        let fold = rest[at..].trim_start_matches(['\r', '\n']);
        let after = fold.trim_start_matches([' ', '\t']);
        if after.len() == fold.len() {
            return Err(Malformed::new("a line end inside a header value"));
        }
        out.push_str(rest[..at].trim_end_matches([' ', '\t']));
        out.push(' ');
        rest = after;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Prints text as a quoted string. Line ends cannot be escaped in one, and become spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['"', '\\', '\r', '\n', '\0']) {
            f.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'"' => f.write_str("\\\"")?,
                b'\\' => f.write_str("\\\\")?,
                0 => f.write_str("\\\0")?,
                _ => f.write_char(' ')?,
            }
            rest = &rest[at + 1..];
        }
        f.write_str(rest)?;
        f.write_char('"')
    }
}

/// Prints what stands between commas.
pub(crate) fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
) -> fmt::Result {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commas_inside_quotes_and_brackets_do_not_split() {
        let values: Vec<_> =
            comma_list(r#""Bell, A." <sip:a@b;x=1,2> , , sip:c@d;p="\",",sip:e@f"#).collect();
        assert_eq!(values, [r#""Bell, A." <sip:a@b;x=1,2>"#, r#"sip:c@d;p="\",""#, "sip:e@f"]);
    }

    #[test]
    fn an_open_quote_swallows_the_rest() {
        assert_eq!(comma_list(r#"a, "b, c"#).collect::<Vec<_>>(), ["a", r#""b, c"#]);
    }

    #[test]
    fn folds_become_spaces_and_bare_line_ends_are_refused() {
        assert_eq!(one_line("I know you're there,\r\n  pick up").unwrap(), "I know you're there, pick up");
        assert!(one_line("a\r\nVia: x").is_err());
        assert!(one_line("a\0b").is_err());
    }

    #[test]
    fn seconds_beyond_32_bits_are_the_most_there_is() {
        assert_eq!(delta_seconds("99999999999999999999", "x").unwrap(), u32::MAX);
        assert!(delta_seconds("-1", "x").is_err());
        assert!(delta_seconds("", "x").is_err());
    }

    proptest! {
        #[test]
        fn quoting_is_undone_by_unquoting(text in "[^\r\n]*") {
            let quoted = Quoted(&text).to_string();
            prop_assert_eq!(quoted_end(quoted.as_bytes(), 0), Some(quoted.len()));
            let said = unquote(&quoted);
            prop_assert_eq!(&*said, &text);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = comma_list(&text).count();
            let _ = one_line(&text);
            let _ = unquote(&text);
        }
    }
}
