//! Header lines inside a body, borrowed: of a part, of a piece of a message.

use crate::grammar::{comma_list, is_token, trim};
use crate::{Header, Malformed, Name, limits};

/// Header lines, checked to be a name, a colon and a value each. No allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// Lines with their CRLF, the last one perhaps without.
    text: &'a str,
}

impl<'a> Head<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Malformed> {
        let head = Self { text };
        let mut count = 0;
        let mut rest = text;
        while let Some((line, after)) = take_line(rest) {
            let (name, _) = line.split_once(':').ok_or(Malformed::new("a header line has no colon"))?;
            if !is_token(name.trim_end_matches([' ', '\t'])) {
                return Err(Malformed::new("a header name is no token"));
            }
            count += 1;
            if count > limits::MAX_HEADERS || line.len() > limits::MAX_HEADER_LEN {
                return Err(Malformed::new("the header lines are too many or too long"));
            }
            rest = after;
        }
        Ok(head)
    }

    /// Each line: the name, its text, and the value, folds as they are.
    pub fn lines(self) -> impl Iterator<Item = (Name, &'a str, &'a str)> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            let (line, after) = take_line(rest)?;
            rest = after;
            let (name, value) = line.split_once(':')?;
            let name = name.trim_end_matches([' ', '\t']);
            Some((Name::of(name.as_bytes()), name, trim(value)))
        })
    }

    /// The value of the first line of that name.
    pub fn value(self, name: Name) -> Option<&'a str> {
        self.lines().find(|(known, ..)| *known == name).map(|(.., value)| value)
    }

    /// Every value of every line of that name, in order.
    pub fn values(self, name: Name) -> impl Iterator<Item = &'a str> {
        self.lines().filter(move |(known, ..)| *known == name).flat_map(move |(.., value)| {
            let (list, one) = if name.is_list() { (value, None) } else { ("", Some(value)) };
            one.into_iter().chain(comma_list(list))
        })
    }

    /// The first value, typed.
    pub fn header<H: Header>(self) -> Option<Result<H, Malformed>> {
        self.values(H::NAME).next().map(H::parse)
    }
}

/// Divides text after its first line, which goes on where the next one starts with white space.
fn take_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let mut from = 0;
    loop {
        let Some(end) = text[from..].find("\r\n").map(|at| from + at) else {
            return Some((text, ""));
        };
        from = end + 2;
        if !text[from..].starts_with([' ', '\t']) {
            return Some((&text[..end], &text[from..]));
        }
    }
}

/// Divides at the empty line: the head without it, and what follows.
pub(super) fn split_head(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    if let Some(body) = bytes.strip_prefix(b"\r\n") {
        return (b"", Some(body));
    }
    match memchr::memmem::find(bytes, b"\r\n\r\n") {
        Some(at) => (&bytes[..at + 2], Some(&bytes[at + 4..])),
        None => (bytes, None),
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::new("a head inside a body is no UTF-8"))
}
