//! Changes to one message, made in one pass into one new buffer: what a proxy does (RFC 3261 §16.6).

use std::{fmt::Display, net::IpAddr, ops::Range};

use bytes::Bytes;

use crate::{
    Decimal, Name, Value, View,
    build::{write_line, write_line_of, write_parts},
    digits,
    view::{LineSpan, Values},
};

/// Edits to one [`View`], applied together by [`Edits::apply`].
///
/// Positions are those of the message, so edits do not see one another: removing a header and pushing one of the
/// same name leaves the pushed one. All calls up to `apply` must be given the same view. One value serves many
/// messages: [`Edits::clear`] keeps its memory. CR and LF in what is written become spaces, so that nothing
/// written can start a line of its own.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// In the order in which they apply.
    splices: Vec<Splice>,
    /// What the splices insert, one after the other.
    text: Vec<u8>,
    /// Values removed so far, by line and position.
    removed: Vec<(u8, u16)>,
    /// How many splices were ever made.
    made: i32,
}

/// Replaces `start..end` of the message by `text`.
#[derive(Clone, Copy, Debug)]
struct Splice {
    start: u16,
    end: u16,
    /// Among splices at the same place: pushed lines come last first, everything else in the order of the calls.
    order: i32,
    text_start: u32,
    text_end: u32,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Other,
    /// A parameter of the top Via.
    ViaParam,
    /// A value of this line was removed.
    Value(u8),
    /// The header was given a value.
    Set(Name),
    RequestUri,
    Received,
    Rport,
    Body,
}

impl Edits {
    /// No edits.
    #[must_use]
    pub fn new() -> Self {
        Self { made: 1, ..Self::default() }
    }

    /// Forgets all edits and keeps the memory.
    pub fn clear(&mut self) {
        self.splices.clear();
        self.text.clear();
        self.removed.clear();
        self.made = 1;
    }

    /// Whether there are no edits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.splices.is_empty()
    }

    /// Replaces the Request-URI; a second call replaces the first. Does nothing to a response.
    pub fn set_request_uri(&mut self, view: &View<'_>, uri: &str) {
        if view.found.request_uri.is_empty() {
            return;
        }
        self.drop_all(Why::RequestUri);
        let text = self.write(&[uri]);
        self.splice(view.found.request_uri.range(), text, Why::RequestUri);
    }

    /// Adds a line that becomes the first of that name: before the present first one. Where there is none, a Via
    /// comes right after the start line, and others right after the top Via's line.
    pub fn push_line(&mut self, view: &View<'_>, name: Name, value: impl Display) {
        let text = self.write_line(name, value);
        self.push(view, name, text);
    }

    /// The same with a value in parts, one after the other; quicker than formatting them.
    pub fn push_line_of(&mut self, view: &View<'_>, name: Name, parts: &[&str]) {
        let text = self.write_line_of(name, parts);
        self.push(view, name, text);
    }

    fn push(&mut self, view: &View<'_>, name: Name, text: Range<usize>) {
        let at = match view.lines.iter().find(|line| line.name == name) {
            Some(first) => usize::from(first.start),
            None if name == Name::VIA => view.lines.first().map_or(0, |line| usize::from(line.start)),
            None => view.lines.iter().find(|line| line.name == Name::VIA).map_or(0, |via| via.whole().end),
        };
        self.splice_in_order(at..at, text, Why::Other, -self.made);
    }

    /// Adds a line after the last header line.
    pub fn append_line(&mut self, view: &View<'_>, name: Name, value: impl Display) {
        let text = self.write_line(name, value);
        let at = end_of_lines(view);
        self.splice(at..at, text, Why::Other);
    }

    /// The same with a value in parts, one after the other; quicker than formatting them.
    pub fn append_line_of(&mut self, view: &View<'_>, name: Name, parts: &[&str]) {
        let text = self.write_line_of(name, parts);
        let at = end_of_lines(view);
        self.splice(at..at, text, Why::Other);
    }

    /// Removes one value: from its list with a comma, or with its whole line if no other value is left in it.
    pub fn remove_value(&mut self, view: &View<'_>, value: &Value<'_>) {
        let Some(line) = view.lines.get(usize::from(value.line)) else {
            return;
        };
        let removed = (value.line, value.span.start);
        if self.removed.contains(&removed) {
            return;
        }
        self.removed.push(removed);
        if value.span == line.value(view.bytes) {
            return self.splice(line.whole(), 0..0, Why::Value(value.line));
        }
        self.drop_all(Why::Value(value.line));
        self.splice_values(*line, value.line, view.values_of_line(usize::from(value.line), *line));
    }

    /// Removes those lines of that name whose whole value is `unwanted`.
    pub fn remove_lines(&mut self, view: &View<'_>, name: Name, unwanted: impl Fn(&str) -> bool) {
        for line in view.lines.iter().filter(|line| line.name == name) {
            if unwanted(view.text(line.value(view.bytes))) {
                self.splice(line.whole(), 0..0, Why::Other);
            }
        }
    }

    /// Removes every line of that name.
    pub fn remove_all(&mut self, view: &View<'_>, name: Name) {
        for line in view.lines.iter().filter(|line| line.name == name) {
            self.splice(line.whole(), 0..0, Why::Other);
        }
    }

    /// Gives a header that stands once its value: in place of its line, or after the last line if it has none. A
    /// second call for the same name replaces the first.
    pub fn set_value(&mut self, view: &View<'_>, name: Name, value: impl Display) {
        let text = self.write_line(name, value);
        self.set(view, name, text);
    }

    /// The same with a value in parts, one after the other; quicker than formatting them.
    pub fn set_value_of(&mut self, view: &View<'_>, name: Name, parts: &[&str]) {
        let text = self.write_line_of(name, parts);
        self.set(view, name, text);
    }

    fn set(&mut self, view: &View<'_>, name: Name, text: Range<usize>) {
        self.drop_all(Why::Set(name));
        let at = match view.lines.iter().find(|line| line.name == name) {
            Some(line) => line.whole(),
            None => end_of_lines(view)..end_of_lines(view),
        };
        self.splice(at, text, Why::Set(name));
    }

    /// Adds `;` and this parameter at the end of the top Via value.
    pub fn add_via_param(&mut self, view: &View<'_>, param: &str) {
        let text = self.write(&[";", param]);
        let at = usize::from(view.found.via.end);
        self.splice(at..at, text, Why::ViaParam);
    }

    /// Writes `received` into the top Via (RFC 3261 §18.2.1), in place of what it claimed.
    pub fn set_received(&mut self, view: &View<'_>, address: IpAddr) {
        self.drop_all(Why::Received);
        let address = digits::address(address);
        if view.found.via.received.is_empty() {
            let text = self.write(&[";received=", &address]);
            let at = usize::from(view.found.via.end);
            self.splice(at..at, text, Why::Received);
        } else {
            let text = self.write(&[&address]);
            self.splice(view.found.via.received.range(), text, Why::Received);
        }
    }

    /// Fills in the `rport` of the top Via (RFC 3581 §4); does nothing if the client did not send it.
    pub fn set_rport(&mut self, view: &View<'_>, port: u16) {
        let Some((start, end)) = view.found.via.rport_value() else {
            return;
        };
        self.drop_all(Why::Rport);
        let text = self.write(&["=", &Decimal::new(port)]);
        // Before what is added to the end of the Via, where `rport` may stand.
        self.splice_in_order(start..end, text, Why::Rport, i32::MIN);
    }

    /// Replaces the body and what describes it: Content-Type, Content-Length, Content-Encoding. An empty body
    /// leaves only `Content-Length: 0`.
    pub fn set_body(&mut self, view: &View<'_>, content_type: &str, body: &[u8]) {
        self.drop_all(Why::Body);
        for line in &view.lines {
            if matches!(line.name, Name::CONTENT_TYPE | Name::CONTENT_LENGTH | Name::CONTENT_ENCODING) {
                self.splice(line.whole(), 0..0, Why::Body);
            }
        }
        let start = self.text.len();
        if !body.is_empty() {
            self.write_line_of(Name::CONTENT_TYPE, &[content_type]);
        }
        self.write_line_of(Name::CONTENT_LENGTH, &[&Decimal::new(body.len() as u64)]);
        let at = end_of_lines(view);
        self.splice(at..at, start..self.text.len(), Why::Body);
        let start = self.text.len();
        self.text.extend_from_slice(body);
        self.splice(view.head.len()..view.bytes.len(), start..self.text.len(), Why::Body);
    }

    /// The edited message: one allocation, every untouched byte copied as it came.
    #[must_use]
    pub fn apply(&self, view: &View<'_>) -> Bytes {
        let bytes = view.bytes;
        let mut length = bytes.len();
        self.walk(|cut, text| length = length + text.len() - cut.len());
        let mut out = Vec::with_capacity(length);
        let mut copied = 0;
        self.walk(|cut, text| {
            out.extend_from_slice(&bytes[copied..cut.start]);
            out.extend_from_slice(text);
            copied = cut.end;
        });
        out.extend_from_slice(&bytes[copied..]);
        debug_assert_eq!(out.len(), length);
        Bytes::from(out)
    }

    /// Calls `each` with what is cut and what stands there instead, from front to back and without overlaps.
    fn walk(&self, mut each: impl FnMut(Range<usize>, &[u8])) {
        let mut at = 0;
        for splice in &self.splices {
            let (start, end) = (usize::from(splice.start), usize::from(splice.end));
            // A parameter goes with the line in which it stood.
            let gone = start < at && matches!(splice.why, Why::ViaParam | Why::Received | Why::Rport);
            let text = if gone { 0..0 } else { splice.text_start as usize..splice.text_end as usize };
            let cut = start.max(at)..end.max(at);
            at = cut.end;
            each(cut, &self.text[text]);
        }
    }

    /// Cuts out of a line the values that were removed from it, each with one comma.
    fn splice_values(&mut self, line: LineSpan, index: u8, values: Values<'_>) {
        let mut kept = false;
        let mut left = false;
        let mut last_end = None;
        let mut cut_from = None;
        for value in values {
            let (start, end) = (usize::from(value.span.start), usize::from(value.span.end));
            if let Some(from) = cut_from.take() {
                self.splice(from..start, 0..0, Why::Value(index));
            }
            if !self.removed.contains(&(index, value.span.start)) {
                kept = true;
                // Commas with nothing between them are nothing to keep a line for.
                left |= start < end;
            } else if kept {
                self.splice(last_end.unwrap_or(start)..end, 0..0, Why::Value(index));
            } else {
                cut_from = Some(start);
            }
            last_end = Some(end);
        }
        if !left {
            self.drop_all(Why::Value(index));
            self.splice(line.whole(), 0..0, Why::Value(index));
        }
    }

    /// Writes a piece of a line and returns where it is in the text.
    fn write(&mut self, parts: &[&str]) -> Range<usize> {
        let start = self.text.len();
        write_parts(&mut self.text, parts);
        start..self.text.len()
    }

    fn write_line(&mut self, name: Name, value: impl Display) -> Range<usize> {
        let start = self.text.len();
        write_line(&mut self.text, name.as_str(), value);
        start..self.text.len()
    }

    fn write_line_of(&mut self, name: Name, parts: &[&str]) -> Range<usize> {
        let start = self.text.len();
        write_line_of(&mut self.text, name, parts);
        start..self.text.len()
    }

    fn splice(&mut self, cut: Range<usize>, text: Range<usize>, why: Why) {
        self.splice_in_order(cut, text, why, self.made);
    }

    fn splice_in_order(&mut self, cut: Range<usize>, text: Range<usize>, why: Why, order: i32) {
        let splice = Splice {
            start: cut.start as u16,
            end: cut.end as u16,
            order,
            text_start: text.start as u32,
            text_end: text.end as u32,
            why,
        };
        let key = (splice.start, splice.order);
        let at = self.splices.partition_point(|other| (other.start, other.order) <= key);
        self.splices.insert(at, splice);
        self.made += 1;
    }

    fn drop_all(&mut self, why: Why) {
        self.splices.retain(|splice| splice.why != why);
    }
}

/// Where the empty line stands.
fn end_of_lines(view: &View<'_>) -> usize {
    view.head.len() - 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rport;
    use std::net::Ipv4Addr;

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP a.example.com;rport;branch=z9hG4bKa ,SIP/2.0/UDP z\r\n\
        Max-Forwards: 70\r\n\
        Route: <sip:p1;lr>, <sip:p2;lr> , <sip:p3;lr>\r\n\
        Route: <sip:p4;lr>\r\n\
        From: <sip:alice@example.com>;tag=1\r\n\
        To: <sip:bob@example.com>\r\n\
        Call-ID: a84b4c76e66710\r\n\
        CSeq: 1 INVITE\r\n\
        X-Kept:   just   so \r\n\
        Content-Type: text/plain\r\n\
        Content-Length: 5\r\n\
        \r\n\
        hello";

    /// The lines that differ, as `-old` and `+new` in the order of the message.
    fn difference(edit: impl FnOnce(&mut Edits, &View<'_>)) -> String {
        let view = View::parse(INVITE.as_bytes()).unwrap();
        let mut edits = Edits::new();
        edit(&mut edits, &view);
        let new = edits.apply(&view);
        View::parse(&new).expect("an edited message is still one");
        let new = String::from_utf8(new.to_vec()).unwrap();
        let (mut old, mut new): (Vec<_>, Vec<_>) =
            (INVITE.split("\r\n").collect(), new.split("\r\n").collect());
        while let (Some(a), Some(b)) = (old.first(), new.first())
            && a == b
        {
            old.remove(0);
            new.remove(0);
        }
        while let (Some(a), Some(b)) = (old.last(), new.last())
            && a == b
        {
            old.pop();
            new.pop();
        }
        let line = |sign: char| move |text: &str| format!("{sign}{text}\n");
        old.into_iter().map(line('-')).chain(new.into_iter().map(line('+'))).collect()
    }

    fn without_routes(indices: &[usize]) -> String {
        difference(|edits, view| {
            let routes: Vec<_> = view.values(Name::ROUTE).collect();
            for &i in indices {
                edits.remove_value(view, &routes[i]);
            }
        })
    }

    #[test]
    fn nothing_changes_without_edits() {
        assert_eq!(difference(|_, _| ()), "");
    }

    #[test]
    fn a_proxy_hop() {
        let text = difference(|edits, view| {
            edits.set_request_uri(view, "sip:bob@192.0.2.4");
            edits.set_received(view, Ipv4Addr::new(192, 0, 2, 9).into());
            edits.set_rport(view, 5070);
            edits.push_line(view, Name::VIA, format_args!("SIP/2.0/UDP p;branch={}", "z9hG4bKp"));
            edits.set_value(view, Name::MAX_FORWARDS, 69);
        });
        assert_eq!(
            text,
            "\
            -INVITE sip:bob@example.com SIP/2.0\n\
            -Via: SIP/2.0/UDP a.example.com;rport;branch=z9hG4bKa ,SIP/2.0/UDP z\n\
            -Max-Forwards: 70\n\
            +INVITE sip:bob@192.0.2.4 SIP/2.0\n\
            +Via: SIP/2.0/UDP p;branch=z9hG4bKp\n\
            +Via: SIP/2.0/UDP a.example.com;rport=5070;branch=z9hG4bKa;received=192.0.2.9 ,SIP/2.0/UDP z\n\
            +Max-Forwards: 69\n"
        );
    }

    #[test]
    fn an_rport_at_the_end_of_the_via_is_filled_before_what_follows() {
        let text = INVITE.replacen(";rport;branch=z9hG4bKa", ";branch=z9hG4bKa;rport", 1);
        let view = View::parse(text.as_bytes()).unwrap();
        let mut edits = Edits::new();
        edits.set_received(&view, Ipv4Addr::new(192, 0, 2, 9).into());
        edits.set_rport(&view, 5070);
        let edited = edits.apply(&view);
        let via = View::parse(&edited).unwrap().top_via();
        assert_eq!((via.rport, via.received), (Rport::Filled(5070), Some("192.0.2.9")));
    }

    #[test]
    fn the_line_pushed_last_is_first() {
        let text = difference(|edits, view| {
            edits.push_line(view, Name::ROUTE, "<sip:b;lr>");
            edits.push_line(view, Name::ROUTE, "<sip:a;lr>");
            edits.push_line(view, Name::RECORD_ROUTE, "<sip:r;lr>");
            edits.remove_all(view, Name::ROUTE);
        });
        assert_eq!(
            text,
            "\
            -Max-Forwards: 70\n\
            -Route: <sip:p1;lr>, <sip:p2;lr> , <sip:p3;lr>\n\
            -Route: <sip:p4;lr>\n\
            +Record-Route: <sip:r;lr>\n\
            +Max-Forwards: 70\n\
            +Route: <sip:a;lr>\n\
            +Route: <sip:b;lr>\n"
        );
    }

    #[test]
    fn values_leave_with_one_comma() {
        let old = "-Route: <sip:p1;lr>, <sip:p2;lr> , <sip:p3;lr>\n";
        let cases: [(&[usize], &str); 7] = [
            (&[0], "<sip:p2;lr> , <sip:p3;lr>"),
            (&[1], "<sip:p1;lr> , <sip:p3;lr>"),
            (&[2], "<sip:p1;lr>, <sip:p2;lr>"),
            (&[0, 1], "<sip:p3;lr>"),
            (&[2, 1], "<sip:p1;lr>"),
            (&[2, 0], "<sip:p2;lr>"),
            (&[0, 0], "<sip:p2;lr> , <sip:p3;lr>"),
        ];
        for (removed, left) in cases {
            assert_eq!(without_routes(removed), format!("{old}+Route: {left}\n"), "{removed:?}");
        }
    }

    #[test]
    fn the_last_value_takes_its_line_along() {
        assert_eq!(without_routes(&[1, 0, 2]), "-Route: <sip:p1;lr>, <sip:p2;lr> , <sip:p3;lr>\n");
        assert_eq!(without_routes(&[3]), "-Route: <sip:p4;lr>\n");
    }

    #[test]
    fn a_value_set_twice_is_the_second() {
        let text = difference(|edits, view| {
            edits.set_value(view, Name::MAX_FORWARDS, 1);
            edits.set_value(view, Name::MAX_FORWARDS, 2);
            edits.set_value(view, Name::EXPIRES, 3);
            edits.append_line(view, Name::SUBJECT, "x\r\nEvil: y");
        });
        assert!(text.contains("+Max-Forwards: 2\n") && !text.contains("Max-Forwards: 1\n"));
        assert!(text.ends_with("+Content-Length: 5\n+Expires: 3\n+Subject: x  Evil: y\n"), "{text}");
    }

    #[test]
    fn a_new_body_is_described_anew() {
        let text = difference(|edits, view| edits.set_body(view, "application/sdp", b"v=0"));
        let old = "-Content-Type: text/plain\n-Content-Length: 5\n-\n-hello\n";
        assert_eq!(text, format!("{old}+Content-Type: application/sdp\n+Content-Length: 3\n+\n+v=0\n"));
        let text = difference(|edits, view| edits.set_body(view, "", b""));
        assert_eq!(
            text,
            "-Content-Type: text/plain\n-Content-Length: 5\n-\n-hello\n+Content-Length: 0\n+\n+\n"
        );
    }

    #[test]
    fn a_parameter_goes_with_its_line() {
        let text = difference(|edits, view| {
            edits.set_received(view, Ipv4Addr::new(192, 0, 2, 9).into());
            edits.add_via_param(view, "x=y");
            edits.remove_all(view, Name::VIA);
            edits.push_line(view, Name::VIA, "SIP/2.0/UDP new");
        });
        assert!(text.ends_with("+Via: SIP/2.0/UDP new\n"), "{text}");
    }

    #[test]
    fn cleared_edits_start_anew() {
        let view = View::parse(INVITE.as_bytes()).unwrap();
        let mut edits = Edits::new();
        edits.set_value(&view, Name::MAX_FORWARDS, 1);
        edits.remove_all(&view, Name::ROUTE);
        edits.clear();
        assert!(edits.is_empty());
        assert_eq!(edits.apply(&view), INVITE);
    }
}
