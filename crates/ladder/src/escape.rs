//! What may be drawn: how wide a character is, and how the others are written.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// How many terminal columns a text takes that was escaped for a drawing.
pub fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// How many columns one drawn character takes.
pub(crate) fn char_width(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// A label or note as it is drawn, so that [`unescape`] of the trimmed text gives it back.
pub(crate) fn label(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    escape_where(text, |position, character| {
        let at_edge = position == 0 || position == last;
        at_edge && (character == ' ' || "-=<>()".contains(character))
    })
}

/// An actor's name as it is drawn: one word.
pub(crate) fn name(text: &str) -> String {
    if text.is_empty() { "?".to_owned() } else { escape_where(text, |_, character| character == ' ') }
}

/// Text for a terminal: nothing in it moves the cursor, hides or reorders what is beside it.
pub(crate) fn for_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) { write_code(&mut out, character) } else { out.push(character) }
    }
    out
}

/// The longest beginning of `text` that fits `width` columns, with an ellipsis where something was cut.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    match width.checked_sub(1) {
        Some(room) => format!("{}…", &text[..prefix_of_width(text, room)]),
        None => String::new(),
    }
}

/// How many bytes of `text` fit `width` columns.
pub(crate) fn prefix_of_width(text: &str, width: usize) -> usize {
    let mut used = 0;
    for (position, character) in text.char_indices() {
        used += char_width(character);
        if used > width {
            return position;
        }
    }
    text.len()
}

/// Reads `\u{…}` back; says what is wrong with a backslash that begins none.
pub(crate) fn unescape(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = r"a character written like `\u{7c}`";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (digits, tail) =
            after.strip_prefix("u{").and_then(|code| code.split_once('}')).ok_or(EXPECTED)?;
        out.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(EXPECTED)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn escape_where(text: &str, also: impl Fn(usize, char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        if character == '\\' || character == '|' || is_unsafe(character) || also(position, character) {
            write_code(&mut out, character);
        } else {
            out.push(character);
        }
    }
    out
}

fn write_code(out: &mut String, character: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
}

/// Control characters, white space other than the space, and whatever takes no column of its own or changes the
/// direction of the text (bidirectional controls, joiners, combining marks).
fn is_unsafe(character: char) -> bool {
    character != ' ' && (character.is_whitespace() || character.is_control() || char_width(character) == 0)
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_spelt_out() {
        assert_eq!(for_terminal("a\x1b[31mb\r\n\u{202e}c"), r"a\u{1b}[31mb\u{d}\u{a}\u{202e}c");
        assert_eq!(for_terminal("say hi | ok"), "say hi | ok");
    }

    #[test]
    fn edges_that_look_like_arrows_are_spelt_out() {
        assert_eq!(label("-x|y>"), r"\u{2d}x\u{7c}y\u{3e}");
        assert_eq!(label("REFER a-b"), "REFER a-b");
        assert_eq!(name("proxy 1"), r"proxy\u{20}1");
    }

    #[test]
    fn what_was_escaped_comes_back() {
        for text in ["", "INVITE", "-", "(100)", " a ", "a\\b", "\u{1}\u{7f}", "日本", "|||"] {
            assert_eq!(unescape(label(text).trim()).unwrap(), text);
        }
    }

    #[test]
    fn a_stray_backslash_is_refused() {
        for text in [r"\", r"\n", r"\u{", r"\u{zz}", r"\u{110000}"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cut_text_keeps_its_width() {
        assert_eq!(fit("INVITE", 6), "INVITE");
        assert_eq!(fit("INVITE", 4), "INV…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("INVITE", 0), "");
    }
}
