//! The scanner below [`View`](crate::View): character classes, line ends, white space, parameters.
//!
//! Everything works on bytes and positions and never allocates. Inside a header value, CR and LF occur only in
//! folds (the line scanner saw to that), so LWS is simply any run of SP, HTAB, CR and LF (RFC 3261 §25.1).

/// A range of a message, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

impl Span {
    pub(crate) const NONE: Self = Self { start: 0, end: 0 };

    /// Positions never exceed [`MAX_MESSAGE`](crate::limits::MAX_MESSAGE), which is what 16 bits hold.
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }
}

/// `token` (RFC 3261 §25.1).
pub(crate) const TOKEN: u8 = 1;
/// SP, HTAB and the CRLF of a fold.
pub(crate) const LWS: u8 = 2;
/// What a URI is made of: visible ASCII without `"`, `<` and `>`.
pub(crate) const URI: u8 = 4;
/// What stands in an unquoted parameter value: visible, without `;`, `,`, `"`, `<`, `>`; UTF-8 is let through.
pub(crate) const VALUE: u8 = 8;
/// Host names and IPv4 addresses; the underscore is seen in the field.
pub(crate) const HOST: u8 = 16;
/// What may stand before `<` without quotes: tokens, spaces, and UTF-8 that should have been quoted.
pub(crate) const DISPLAY: u8 = 32;
/// Inside the brackets of an IPv6 reference.
pub(crate) const IPV6: u8 = 64;
/// Where a comma list must look closer: `,`, `"` and `<`.
pub(crate) const LIST_STOP: u8 = 128;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        let mut class = 0;
        if c.is_ascii_alphanumeric()
            || matches!(c, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
        {
            class |= TOKEN | DISPLAY;
        }
        if matches!(c, b' ' | b'\t' | b'\r' | b'\n') {
            class |= LWS | DISPLAY;
        }
        if c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>') {
            class |= URI;
            if !matches!(c, b';' | b',') {
                class |= VALUE;
            }
        }
        if c >= 0x80 {
            class |= VALUE | DISPLAY;
        }
        if c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_') {
            class |= HOST;
        }
        if c.is_ascii_hexdigit() || matches!(c, b':' | b'.') {
            class |= IPV6;
        }
        if matches!(c, b',' | b'"' | b'<') {
            class |= LIST_STOP;
        }
        table[i] = class;
        i += 1;
    }
    table
};

pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

/// The first position from `at` on whose byte is not of `class`, or the end.
#[inline]
pub(crate) fn skip(text: &[u8], at: usize, class: u8) -> usize {
    first(text, at, |byte| !is(byte, class))
}

/// The first position from `at` on that is not LWS, or the end. There is none almost everywhere that it may be.
#[inline]
pub(crate) fn skip_lws(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(0..=b' ') => skip(text, at, LWS),
        _ => at,
    }
}

/// The first position from `at` on whose byte is of `class`, or the end.
#[inline]
pub(crate) fn find(text: &[u8], at: usize, class: u8) -> usize {
    first(text, at, |byte| is(byte, class))
}

/// The first position from `at` on whose byte is `wanted`, or the end. Four at a time: runs are short, so looking
/// at a byte must cost little, and starting must cost nothing.
#[inline]
fn first(text: &[u8], at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let mut at = at;
    let mut rest = text.get(at..).unwrap_or_default();
    while let Some((four, after)) = rest.split_first_chunk::<4>() {
        for (i, &byte) in four.iter().enumerate() {
            if wanted(byte) {
                return at + i;
            }
        }
        at += 4;
        rest = after;
    }
    at + rest.iter().position(|&byte| wanted(byte)).unwrap_or(rest.len())
}

/// `text` without LWS at its end, given where it starts.
pub(crate) fn trim_end(text: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && is(text[end - 1], LWS) {
        end -= 1;
    }
    end
}

/// The end of a line.
pub(crate) enum LineEnd {
    /// The position of its CRLF.
    At(usize),
    /// A CR or LF that is not part of a CRLF stands here.
    Bare(usize),
    /// The text ends before the line does.
    Cut,
}

/// The end of the line that goes on at `at`, without regard to folds.
#[inline]
pub(crate) fn line_end(text: &[u8], at: usize) -> LineEnd {
    let mut at = at;
    loop {
        at = control(text, at);
        match text.get(at..) {
            Some([b'\r', b'\n', ..]) => return LineEnd::At(at),
            Some([] | [b'\r']) | None => return LineEnd::Cut,
            Some([b'\r' | b'\n', ..]) => return LineEnd::Bare(at),
            Some([..]) => at += 1,
        }
    }
}

/// The first control character (below 0x20) from `at` on, or the end.
#[inline]
fn control(text: &[u8], at: usize) -> usize {
    first_less(text, at, 0, b' ')
}

/// The first such byte from `at` on, or the end.
#[inline]
pub(crate) fn byte(text: &[u8], at: usize, byte: u8) -> usize {
    first_less(text, at, byte, 1)
}

/// The first byte from `at` on that is less than `bound` after its bits in `flip` are flipped, or the end.
///
/// Sixteen bytes at a time: taking `bound` from such a byte borrows into its top bit. Bytes with a top bit of their
/// own do so too, which the second look sorts out; of eight bytes, the lowest found is exact.
#[inline]
fn first_less(text: &[u8], at: usize, flip: u8, bound: u8) -> usize {
    let flipped = |eight: &[u8]| {
        let x = eight.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        x ^ repeat(flip)
    };
    let less = |x: u64| x.wrapping_sub(repeat(bound));
    let mut at = at;
    let mut rest = text.get(at..).unwrap_or_default();
    while let Some((sixteen, after)) = rest.split_first_chunk::<16>() {
        let (low, high) = (flipped(&sixteen[..8]), flipped(&sixteen[8..]));
        if (less(low) | less(high)) & repeat(0x80) != 0 {
            let low = less(low) & !low & repeat(0x80);
            let high = less(high) & !high & repeat(0x80);
            if low != 0 {
                return at + low.trailing_zeros() as usize / 8;
            }
            if high != 0 {
                return at + 8 + high.trailing_zeros() as usize / 8;
            }
        }
        at += 16;
        rest = after;
    }
    at + rest.iter().position(|&byte| byte ^ flip < bound).unwrap_or(rest.len())
}

const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Past the quoted string whose opening quote is at `at`; `None` if it is not closed (RFC 3261 §25.1).
pub(crate) fn quoted(text: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        i = first(text, i, |byte| matches!(byte, b'"' | b'\\'));
        if *text.get(i)? == b'"' {
            return Some(i + 1);
        }
        i += 2;
    }
}

/// A number in decimal digits, nothing else; `None` if it is empty, not digits, or beyond `u32`.
pub(crate) fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |n, &b| {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

/// Reads the parameters `;name=value` that come next and shows each to `each`, the value empty if there is none and
/// with its quotes if it has any. Returns where they end and where, past LWS, something else stands; `None` if one is
/// malformed or `each` says so.
#[inline]
pub(crate) fn params(
    text: &[u8],
    at: usize,
    mut each: impl FnMut(Span, Span) -> Option<()>,
) -> Option<(usize, usize)> {
    let mut end = at;
    loop {
        let semicolon = skip_lws(text, end);
        if text.get(semicolon) != Some(&b';') {
            return Some((end, semicolon));
        }
        let start = skip_lws(text, semicolon + 1);
        end = skip(text, start, TOKEN);
        if end == start {
            return None;
        }
        let name = Span::new(start, end);
        let mut value = Span::NONE;
        let equals = skip_lws(text, end);
        if text.get(equals) == Some(&b'=') {
            let start = skip_lws(text, equals + 1);
            end = match text.get(start) {
                Some(b'"') => quoted(text, start)?,
                _ => skip(text, start, VALUE),
            };
            if end == start {
                return None;
            }
            value = Span::new(start, end);
        }
        each(name, value)?;
    }
}

/// The end of the list element that starts at `at`: its comma, or the end of the text. Commas in quoted strings
/// and in `<>` do not count; what is not closed reaches to the end.
pub(crate) fn element_end(text: &[u8], at: usize) -> usize {
    let mut i = at;
    loop {
        i += memchr::memchr3(b',', b'"', b'<', &text[i..]).unwrap_or(text.len() - i);
        match text.get(i) {
            Some(b'"') => match quoted(text, i) {
                Some(end) => i = end,
                None => return text.len(),
            },
            Some(b'<') => match memchr::memchr(b'>', &text[i..]) {
                Some(n) => i += n + 1,
                None => return text.len(),
            },
            _ => return i,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_end_at_the_quote_that_is_not_escaped() {
        assert_eq!(quoted(br#""a" x"#, 0), Some(3));
        assert_eq!(quoted(br#""J Rosenberg \\\"" <"#, 0), Some(18));
        assert_eq!(quoted(br#""a\""#, 0), None);
        assert_eq!(quoted(br#""a\"#, 0), None);
    }

    #[test]
    fn elements_end_at_commas_outside_quotes_and_brackets() {
        assert_eq!(element_end(b"a,b", 0), 1);
        assert_eq!(element_end(br#""a,b" <sip:a,b@c>;d,e"#, 0), 19);
        assert_eq!(element_end(b"<sip:a,b", 0), 8);
    }

    #[test]
    fn decimals_do_not_wrap() {
        assert_eq!(decimal(b"0068"), Some(68));
        assert_eq!(decimal(b"4294967295"), Some(u32::MAX));
        assert_eq!(decimal(b"4294967296"), None);
        assert_eq!(decimal(b"-1"), None);
        assert_eq!(decimal(b""), None);
    }

    #[test]
    fn control_characters_are_found_wherever_they_stand() {
        for length in 0..50 {
            let mut text = vec![b'~'; length];
            assert_eq!(control(&text, 0), length);
            for at in 0..length {
                text[at] = 0x1f;
                for (i, byte) in text[at + 1..].iter_mut().enumerate() {
                    *byte = if i % 2 == 0 { b'\n' } else { 0xff };
                }
                assert_eq!(control(&text, 0), at);
                assert_eq!(control(&text, at), at);
                text[at] = b':';
                assert_eq!(byte(&text, 0, b':'), at);
                text.fill(0x80 | at as u8);
            }
        }
    }

    #[test]
    fn a_line_ends_at_crlf_only() {
        assert!(matches!(line_end(b"ab\r\nc", 0), LineEnd::At(2)));
        assert!(matches!(line_end(b"ab\nc", 0), LineEnd::Bare(2)));
        assert!(matches!(line_end(b"ab\rc", 0), LineEnd::Bare(2)));
        assert!(matches!(line_end(b"ab\r", 0), LineEnd::Cut));
        assert!(matches!(line_end(b"ab", 0), LineEnd::Cut));
    }
}
