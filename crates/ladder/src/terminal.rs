//! A ladder for a person at a terminal: times, colours, and as narrow as the window.

use std::fmt::Write as _;
use std::time::Duration;

use crate::draw;
use crate::escape::{self, display_width, fit};
use crate::layout::{self, index_of};
use crate::model::{Ladder, Row};

/// How a ladder is shown in a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal<'a> {
    /// Columns of the window. Three actors fit 40, six fit 80; in a window too narrow for them lines run over.
    pub width: usize,
    /// Whether to colour by message class (ANSI SGR codes).
    pub color: bool,
    /// Actors and their addresses, shown under the names, or above the drawing where they are too wide for that.
    pub addresses: &'a [(&'a str, &'a str)],
}

impl Default for Terminal<'_> {
    /// 80 columns, no colours, no addresses.
    fn default() -> Self {
        Self { width: 80, color: false, addresses: &[] }
    }
}

/// What an arrow has besides its label at least: its two ends.
const ARROW: usize = 2;
/// The same where there is room.
const ROOMY_ARROW: usize = 5;
/// Lifelines stand no closer, however narrow the window.
const CLOSEST: usize = 6;
/// A label goes on below its arrow until it has so many lines.
const MOST_LINES: usize = 4;

const DIM: &str = "2";
const NAME: &str = "1";

impl Ladder {
    /// Draws the ladder for a terminal: on the left, milliseconds since the first row that has a time, and the marks of
    /// the notation; a label that is too long for its arrow goes on below it. Every text is made safe to print: what
    /// would move the cursor or hide something is written as `\u{1b}`.
    pub fn terminal(&self, terminal: &Terminal<'_>) -> String {
        Sheet::new(self, terminal).draw()
    }
}

/// A ladder measured for one window.
struct Sheet<'a> {
    ladder: &'a Ladder,
    lifelines: Vec<&'a str>,
    terminal: &'a Terminal<'a>,
    addresses: Vec<String>,
    /// What stands left of each row.
    leads: Vec<String>,
    columns: Vec<usize>,
}

impl<'a> Sheet<'a> {
    fn new(ladder: &'a Ladder, terminal: &'a Terminal<'a>) -> Self {
        let lifelines = ladder.lifelines();
        let address = |name: &&str| {
            let found = terminal.addresses.iter().find(|(actor, _)| actor == name);
            found.map_or(String::new(), |(_, address)| escape::for_terminal(address))
        };
        let addresses: Vec<String> = lifelines.iter().map(address).collect();
        let leads = leads(ladder);
        let lead = leads.iter().map(|lead| display_width(lead)).max().unwrap_or(0);

        let widths = |with_addresses: bool| -> Vec<usize> {
            let heads = lifelines.iter().zip(&addresses);
            heads
                .map(|(name, address)| {
                    let name = display_width(&escape::for_terminal(name));
                    if with_addresses { name.max(display_width(address)) } else { name }
                })
                .collect()
        };
        let spans = layout::spans(ladder, &lifelines, ROOMY_ARROW);
        let room = |widths: &[usize]| {
            let ends = [widths.first(), widths.last()].map(|width| width.map_or(0, |width| width / 2));
            terminal.width.saturating_sub(lead + ends[0] + ends[1] + 2)
        };
        let mut heads = widths(true);
        if layout::distances(&heads, &[]).iter().sum::<usize>() > room(&heads) {
            heads = widths(false);
        }
        let room = room(&heads);
        let mut distances = layout::distances(&heads, &spans);
        shrink(&mut distances, room);
        let half = heads.first().map_or(0, |width| width / 2).min(terminal.width / 4);
        let columns = layout::columns(lead + 1 + half, &distances);
        Self { ladder, lifelines, terminal, addresses, leads, columns }
    }

    fn draw(&self) -> String {
        let mut out = String::new();
        let named: Vec<String> = self.lifelines.iter().map(|name| escape::for_terminal(name)).collect();
        let addresses_fit =
            (0..named.len()).all(|index| display_width(&self.addresses[index]) <= self.room(index));
        if !addresses_fit {
            self.write_legend(&mut out, &named);
        }
        self.write_heads(&mut out, &named, NAME);
        if addresses_fit && self.addresses.iter().any(|address| !address.is_empty()) {
            self.write_heads(&mut out, &self.addresses, DIM);
        }
        for (row, lead) in self.ladder.rows.iter().zip(&self.leads) {
            self.write_row(&mut out, row, lead);
        }
        out
    }

    /// Columns that a head may take: it must not touch those beside it.
    fn room(&self, index: usize) -> usize {
        let left = index.checked_sub(1).map(|left| self.columns[index] - self.columns[left] - 1);
        let right = self.columns.get(index + 1).map(|right| right - self.columns[index] - 1);
        let edge = 2 * self.terminal.width.saturating_sub(self.columns[index] + 1) + 1;
        left.unwrap_or(usize::MAX).min(right.unwrap_or(usize::MAX)).min(edge).min(2 * self.columns[index] + 1)
    }

    fn write_legend(&self, out: &mut String, named: &[String]) {
        let mut used = 0;
        for (name, address) in named.iter().zip(&self.addresses).filter(|(_, address)| !address.is_empty()) {
            let entry = fit(&format!("{name} {address}"), self.terminal.width);
            if used > 0 {
                let fits = used + 3 + display_width(&entry) <= self.terminal.width;
                out.push_str(if fits { "   " } else { "\n" });
                used = if fits { used + 3 } else { 0 };
            }
            used += display_width(&entry);
            self.paint(out, DIM, &entry);
        }
        out.push_str("\n\n");
    }

    fn write_heads(&self, out: &mut String, heads: &[String], style: &str) {
        let mut used = 0;
        for (index, column) in self.columns.iter().enumerate().take(heads.len()) {
            let head = fit(&heads[index], self.room(index));
            let start = column.saturating_sub(display_width(&head) / 2).max(used);
            out.push_str(&" ".repeat(start - used));
            used = start + display_width(&head);
            self.paint(out, style, &head);
        }
        out.push('\n');
    }

    fn write_row(&self, out: &mut String, row: &Row, lead: &str) {
        let label = match row {
            Row::Message(message) if message.optional => {
                format!("({})", escape::for_terminal(&message.label))
            }
            Row::Message(message) => escape::for_terminal(&message.label),
            Row::Media(media) => escape::for_terminal(&media.label),
            Row::Note(text) => {
                let start = self.columns[0];
                let note = fit(&escape::for_terminal(text), self.terminal.width.saturating_sub(start));
                out.push_str(&" ".repeat(start));
                self.paint(out, DIM, &note);
                out.push('\n');
                return;
            }
        };
        let stroke = self.stroke(row);
        let mut lines =
            wrap(&label, stroke.width.saturating_sub(ARROW), stroke.width.saturating_sub(2)).into_iter();
        let first = lines.next().unwrap_or_default();
        self.write_line(out, lead, &stroke, &stroke.with_label(&first));
        for rest in lines {
            let padding = " ".repeat(stroke.width.saturating_sub(1 + display_width(&rest)));
            self.write_line(out, "", &stroke, &format!(" {rest}{padding}"));
        }
    }

    /// Where the row's arrow lies and how it is drawn.
    fn stroke(&self, row: &Row) -> Stroke {
        let ends = row.ends().unwrap_or_default().map(|end| index_of(&self.lifelines, end));
        let (mut left, mut right) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let to_itself = left == right;
        let mut heads = match row {
            Row::Media(_) => ['<', '>'],
            Row::Message(message) if ends[0] > ends[1] => [if message.lost { 'x' } else { '<' }, '─'],
            Row::Message(message) => ['─', if message.lost { 'x' } else { '>' }],
            Row::Note(_) => ['─', '─'],
        };
        if to_itself {
            // A message to oneself leans into the space on the right, on the last lifeline into that on the left.
            heads = ['─', 'o'];
            if right + 1 < self.columns.len() {
                right += 1;
            } else if left > 0 {
                (left, heads) = (left - 1, ['o', '─']);
            }
        }
        let width = match right.checked_sub(left) {
            Some(0) | None => self.terminal.width.saturating_sub(self.columns[left] + 1),
            Some(_) => self.columns[right] - self.columns[left] - 1,
        };
        let line = if matches!(row, Row::Media(_)) { '═' } else { '─' };
        Stroke { left, right, width, heads, to_itself, line, style: style(row) }
    }

    fn write_line(&self, out: &mut String, lead: &str, stroke: &Stroke, text: &str) {
        self.paint(out, DIM, lead);
        let mut used = display_width(lead);
        for (index, column) in self.columns.iter().enumerate() {
            if index > stroke.left && index < stroke.right {
                continue;
            }
            out.push_str(&" ".repeat(column.saturating_sub(used)));
            self.paint(out, DIM, "│");
            used = column + 1;
            if index == stroke.left {
                self.paint(out, stroke.style, text.trim_end());
                used += display_width(text.trim_end());
            }
        }
        out.push('\n');
    }

    fn paint(&self, out: &mut String, style: &str, text: &str) {
        if self.terminal.color && !text.is_empty() && !style.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\u{1b}[{style}m{text}\u{1b}[0m");
        } else {
            out.push_str(text);
        }
    }
}

/// An arrow between two lifelines.
struct Stroke {
    left: usize,
    right: usize,
    width: usize,
    heads: [char; 2],
    to_itself: bool,
    line: char,
    style: &'static str,
}

impl Stroke {
    /// The arrow with its label, which stands in the middle of media, and else at the left.
    fn with_label(&self, label: &str) -> String {
        let mut strokes = self.width.saturating_sub(ARROW + display_width(label));
        let spare = if self.to_itself { strokes.saturating_sub(2) } else { 0 };
        strokes -= spare;
        let before = if self.line == '═' { strokes / 2 } else { strokes.min(1) };
        let line = |length: usize| self.line.to_string().repeat(length);
        let arrow =
            format!("{}{}{label}{}{}", self.heads[0], line(before), line(strokes - before), self.heads[1]);
        let spare = " ".repeat(spare);
        if self.heads[0] == 'o' { format!("{spare}{arrow}") } else { format!("{arrow}{spare}") }
    }
}

/// Cuts a label into lines, the first of `first` columns, the others of `other`, between words where it can.
fn wrap(label: &str, first: usize, other: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in label.split(' ').filter(|word| !word.is_empty()) {
        let mut rest = word;
        while !rest.is_empty() && lines.len() <= MOST_LINES {
            let room = if lines.len() == 1 { first } else { other };
            let last = lines.len() - 1;
            let line = &mut lines[last];
            let gap = usize::from(!line.is_empty());
            if display_width(line) + gap + display_width(rest) <= room {
                line.push_str(&" ".repeat(gap));
                line.push_str(rest);
                break;
            }
            if line.is_empty() {
                let cut = escape::prefix_of_width(rest, room.max(2));
                line.push_str(&rest[..cut]);
                rest = &rest[cut..];
            }
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.is_empty());
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        let last = &mut lines[MOST_LINES - 1];
        *last = fit(&format!("{last} …"), other);
    }
    lines
}

/// Takes columns from the widest gaps until all fit.
fn shrink(distances: &mut [usize], room: usize) {
    while distances.iter().sum::<usize>() > room {
        match distances.iter_mut().max() {
            Some(widest) if *widest > CLOSEST => *widest -= 1,
            Some(_) | None => break,
        }
    }
}

/// Milliseconds since the first time, and the marks.
fn leads(ladder: &Ladder) -> Vec<String> {
    let start = ladder.rows.iter().find_map(Row::at);
    let times: Vec<String> = ladder
        .rows
        .iter()
        .map(|row| since(start, row.at()).map_or(String::new(), draw::milliseconds))
        .collect();
    let widest = times.iter().map(String::len).max().unwrap_or(0);
    let lead = |(row, time): (&Row, &String)| {
        let marks = draw::signs_of(row);
        let lead = if widest == 0 { marks } else { format!("{time:>widest$} {marks}") };
        lead.trim_end().to_owned()
    };
    ladder.rows.iter().zip(&times).map(lead).collect()
}

fn since(start: Option<Duration>, at: Option<Duration>) -> Option<Duration> {
    Some(at?.saturating_sub(start?))
}

/// The colour of a row: requests cyan, provisional yellow, success green, other answers red, media magenta.
fn style(row: &Row) -> &'static str {
    match row {
        Row::Note(_) => DIM,
        Row::Media(_) => "35",
        Row::Message(message) if message.lost => "31",
        Row::Message(message) if message.retransmission => DIM,
        Row::Message(message) => match message.label.as_bytes().first() {
            Some(b'1') => "33",
            Some(b'2') => "32",
            Some(b'3'..=b'9') => "31",
            Some(_) | None => "36",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Media, Message};

    fn call() -> Ladder {
        let mut ladder = Ladder::new(["alice", "proxy", "bob"]);
        let at =
            |ms: u64, message: Message| Message { at: Some(Duration::from_millis(1000 + ms)), ..message };
        ladder.push(at(0, Message::new("alice", "proxy", "INVITE")));
        ladder.push(at(1, Message { optional: true, ..Message::new("proxy", "alice", "100") }));
        ladder.push(at(2, Message { lost: true, ..Message::new("proxy", "bob", "INVITE") }));
        ladder.push(at(502, Message { retransmission: true, ..Message::new("proxy", "bob", "INVITE") }));
        ladder.push(at(600, Message::new("bob", "alice", "INVITE Replaces:12345678@192.168.100.100")));
        ladder.push(Row::Note("bob answers".into()));
        ladder.push(Media::new("alice", "bob", "audio"));
        ladder.push(Message::new("proxy", "proxy", "OPTIONS"));
        ladder.push(Message::new("bob", "bob", "OPTIONS"));
        ladder
    }

    const ADDRESSES: &[(&str, &str)] =
        &[("alice", "192.168.100.11:5060"), ("proxy", "192.168.100.1:5060"), ("bob", "192.168.100.12:5060")];

    #[test]
    fn a_call_at_eighty_columns() {
        let drawn = call().terminal(&Terminal { addresses: ADDRESSES, ..Terminal::default() });
        let expected = "
               alice                proxy                     bob
        192.168.100.11:5060  192.168.100.1:5060       192.168.100.12:5060
  0.0            │──INVITE───────────>│                        │
  1.0            │<─(100)─────────────│                        │
  2.0            │                    │──INVITE───────────────x│
502.0 R          │                    │──INVITE───────────────>│
600.0            │<─INVITE Replaces:12345678@192.168.100.100───│
                 bob answers
                 │<═══════════════════audio═══════════════════>│
                 │                    │──OPTIONS─o             │
                 │                    │             o─OPTIONS──│
";
        assert_eq!(format!("\n{drawn}"), expected, "{drawn}");
    }

    #[test]
    fn a_call_in_a_narrow_window() {
        let drawn = call().terminal(&Terminal { width: 40, addresses: ADDRESSES, ..Terminal::default() });
        let expected = "
alice 192.168.100.11:5060
proxy 192.168.100.1:5060
bob 192.168.100.12:5060

        alice       proxy            bob
  0.0     │──INVITE──>│               │
  1.0     │<─(100)────│               │
  2.0     │           │──INVITE──────x│
502.0 R   │           │──INVITE──────>│
600.0     │<─INVITE───────────────────│
          │ Replaces:12345678@192.168 │
          │ .100.100                  │
          bob answers
          │<══════════audio══════════>│
          │           │──OPTIONS─o    │
          │           │    o─OPTIONS──│
";
        assert_eq!(format!("\n{drawn}"), expected, "{drawn}");
    }

    #[test]
    fn six_actors_fit_eighty_columns() {
        let names = ["alice", "proxy", "announcer", "bob", "voicemail", "carol"];
        let mut ladder = Ladder::new(names);
        for pair in names.windows(2) {
            ladder.push(Message::new(pair[0], pair[1], "INVITE Replaces:a-very-long-dialog-name hold"));
            let at = Some(Duration::from_secs(100 * ladder.rows.len() as u64));
            ladder.push(Message { at, ..Message::new(pair[1], pair[0], "200") });
            ladder.push(Message::new(pair[1], pair[1], "MESSAGE too long for the place that there is"));
        }
        let addresses = names.map(|name| (name, "[2001:db8::1234:5678]:50600"));
        for width in [80, 100, 120, 200] {
            let drawn = ladder.terminal(&Terminal { width, addresses: &addresses, ..Terminal::default() });
            for line in drawn.lines() {
                assert!(display_width(line) <= width, "{width}: {line}\n{drawn}");
            }
            let arrows = drawn.lines().filter(|line| line.contains("200")).count();
            assert!(arrows >= names.len() - 1, "{drawn}");
        }
    }

    #[test]
    fn hostile_text_prints_safely() {
        let mut ladder = Ladder::new(["al\u{1b}[2Jice", "bo\u{202e}b"]);
        ladder.push(Message::new("al\u{1b}[2Jice", "bo\u{202e}b", "INVITE\r\n\u{7} 日本語"));
        ladder.push(Row::Note("\u{1b}]0;title\u{7}".into()));
        let addresses = [("bo\u{202e}b", "\u{9b}31m")];
        let drawn = ladder.terminal(&Terminal { addresses: &addresses, ..Terminal::default() });
        assert!(drawn.chars().all(|character| character == '\n' || !character.is_control()), "{drawn:?}");
        assert!(!drawn.contains('\u{202e}'));
        assert!(
            drawn.contains(r"al\u{1b}[2Jice") && drawn.contains(r"INVITE\u{d}\u{a}\u{7} 日本語"),
            "{drawn}"
        );
        let widths: Vec<usize> = drawn.lines().filter(|line| line.contains('│')).map(display_width).collect();
        assert_eq!(widths.len(), 1, "{drawn}");
    }

    #[test]
    fn colours_add_nothing_but_codes() {
        let plain = call().terminal(&Terminal { addresses: ADDRESSES, ..Terminal::default() });
        let coloured =
            call().terminal(&Terminal { color: true, addresses: ADDRESSES, ..Terminal::default() });
        assert_ne!(plain, coloured);
        let mut stripped = String::new();
        for (index, part) in coloured.split('\u{1b}').enumerate() {
            stripped.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn no_actors_and_no_width_draw_something() {
        for width in [0, 1, 10] {
            let _ = Ladder::default().terminal(&Terminal { width, ..Terminal::default() });
            assert!(call().terminal(&Terminal { width, ..Terminal::default() }).contains('│'));
        }
    }
}
