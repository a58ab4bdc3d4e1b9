//! A ladder as an SVG image, for pages and reports.

use std::fmt::Write as _;

use crate::draw;
use crate::escape::{self, display_width};
use crate::layout::{self, drawn_label, index_of};
use crate::model::{Ladder, Message, Row};

/// Width of one monospaced character of 13 px, in px.
const CHARACTER: usize = 8;
/// Distance from one row to the next.
const ROW: usize = 28;
/// Height of the names.
const HEADING: usize = 44;
/// Space around the drawing.
const PADDING: usize = 16;
/// Columns that a label needs besides itself.
const AROUND: usize = 5;
/// Columns between a mark and the first lifeline.
const BESIDE_MARK: usize = 2;

/// Colours that read on their own background, light and dark, wherever the image is embedded.
const STYLE: &str = "\
.b{fill:#fff;stroke:#d0d7de}.l{stroke:#b8c0c9;stroke-width:1}.h{fill:#1f2328;font-weight:600}\
.m{fill:#656d76;font-size:11px}text{fill:#1f2328;font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;\
paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
.a{fill:none;stroke-width:1.5}.f{stroke:none}\
.request .a{stroke:#0969da}.request .f{fill:#0969da}.request text{fill:#0550ae}\
.early .a{stroke:#9a6700}.early .f{fill:#9a6700}.early text{fill:#7d4e00}\
.success .a{stroke:#1a7f37}.success .f{fill:#1a7f37}.success text{fill:#116329}\
.failure .a{stroke:#cf222e}.failure .f{fill:#cf222e}.failure text{fill:#a40e26}\
.media .a{stroke:#8250df}.media .f{fill:#8250df}.media text{fill:#6639ba}\
.optional .a{stroke-dasharray:5 4}.again{opacity:.65}\
@media(prefers-color-scheme:dark){.b{fill:#0d1117;stroke:#30363d}.l{stroke:#484f58}.m{fill:#8d96a0}text,.h{fill:#e6edf3}\
text{stroke:#0d1117}\
.request .a{stroke:#4493f8}.request .f{fill:#4493f8}.request text{fill:#79c0ff}\
.early .a{stroke:#d29922}.early .f{fill:#d29922}.early text{fill:#e3b341}\
.success .a{stroke:#3fb950}.success .f{fill:#3fb950}.success text{fill:#56d364}\
.failure .a{stroke:#f85149}.failure .f{fill:#f85149}.failure text{fill:#ff7b72}\
.media .a{stroke:#ab7df8}.media .f{fill:#ab7df8}.media text{fill:#d2a8ff}}";

impl Ladder {
    /// Draws the ladder as a complete SVG document, self-contained, on a background of its own that follows the
    /// reader's light or dark scheme.
    pub fn svg(&self) -> String {
        let lifelines = self.lifelines();
        let names: Vec<String> = lifelines.iter().map(|name| escape::for_terminal(name)).collect();
        let widths: Vec<usize> = names.iter().map(|name| display_width(name)).collect();
        let margins: Vec<String> = self.rows.iter().map(draw::marks_of).collect();
        let margin = margins.iter().map(|mark| display_width(mark)).max().unwrap_or(0);
        let margin = if margin == 0 { 0 } else { margin + BESIDE_MARK };
        let half = widths.first().map_or(0, |width| width / 2 + 1);
        let distances = layout::distances(&widths, &layout::spans(self, &lifelines, AROUND));
        let columns: Vec<usize> = layout::columns(margin.max(half), &distances)
            .into_iter()
            .map(|column| PADDING + column * CHARACTER)
            .collect();
        let page = Page { ladder: self, lifelines, columns };
        page.draw(&names, &margins)
    }
}

/// A ladder with the x of its lifelines.
struct Page<'a> {
    ladder: &'a Ladder,
    lifelines: Vec<&'a str>,
    columns: Vec<usize>,
}

impl Page<'_> {
    fn draw(&self, names: &[String], margins: &[String]) -> String {
        let (width, height) = (self.width(names), HEADING + self.ladder.rows.len() * ROW + PADDING);
        let mut out = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">"#
        );
        let _ = writeln!(out, "<title>{}</title>", xml(&self.title(names)));
        let _ = writeln!(out, "<style>{STYLE}</style>");
        let (inner_width, inner_height) = (width - 1, height - 1);
        let _ = writeln!(
            out,
            r#"<rect class="b" x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" rx="6"/>"#
        );
        for (name, x) in names.iter().zip(&self.columns) {
            let (y, top, bottom) = (PADDING + 10, PADDING + 18, height - PADDING);
            let _ =
                writeln!(out, r#"<text class="h" x="{x}" y="{y}" text-anchor="middle">{}</text>"#, xml(name));
            let _ = writeln!(out, r#"<path class="l" d="M{x} {top}V{bottom}"/>"#);
        }
        for (line, (row, mark)) in self.ladder.rows.iter().zip(margins).enumerate() {
            let y = HEADING + line * ROW + ROW - 8;
            if !mark.is_empty() {
                let x = self.columns[0] - BESIDE_MARK * CHARACTER / 2;
                let y = y + 4;
                let _ = writeln!(
                    out,
                    r#"<text class="m" x="{x}" y="{y}" text-anchor="end">{}</text>"#,
                    xml(mark)
                );
            }
            self.draw_row(&mut out, row, y);
        }
        out.push_str("</svg>\n");
        out
    }

    /// Room for the last name, a message to itself behind it, and notes.
    fn width(&self, names: &[String]) -> usize {
        let end = |start: usize, columns: usize| start + columns * CHARACTER;
        let (first, last) = (self.columns[0], self.columns.last().copied().unwrap_or(0));
        let name = names.last().map_or(0, |name| end(last, display_width(name) / 2 + 1));
        let rows = self.ladder.rows.iter().map(|row| {
            let width = display_width(&drawn_label(row));
            match row.ends().map(|ends| ends.map(|end| index_of(&self.lifelines, end))) {
                None => end(first, width + 1),
                Some([from, to]) if from == to => end(self.columns[from], width + AROUND + 1),
                Some(_) => last,
            }
        });
        rows.fold(name.max(last), usize::max) + PADDING
    }

    fn title(&self, names: &[String]) -> String {
        let messages = self.ladder.messages().count();
        format!("Ladder of {messages} messages between {}", names.join(", "))
    }

    fn draw_row(&self, out: &mut String, row: &Row, y: usize) {
        let label = xml(&match row {
            Row::Message(Message { optional: true, label, .. }) => {
                format!("({})", escape::for_terminal(label))
            }
            Row::Message(message) => escape::for_terminal(&message.label),
            Row::Media(media) => escape::for_terminal(&media.label),
            Row::Note(text) => escape::for_terminal(text),
        });
        let Some(ends) = row.ends() else {
            let (x, y) = (self.columns[0] + CHARACTER, y - 2);
            let _ = writeln!(out, r#"<text class="m" x="{x}" y="{y}">{label}</text>"#);
            return;
        };
        let [from, to] = ends.map(|end| self.columns[index_of(&self.lifelines, end)]);
        let _ = write!(out, r#"<g class="{}">"#, classes(row));
        if from == to {
            let (out_x, in_y, text_x) = (from + 2 * CHARACTER, y + 6, from + 3 * CHARACTER);
            let text_y = y + 2;
            let _ = write!(out, r#"<path class="a" d="M{from} {}H{out_x}V{in_y}H{}"/>"#, y - 6, from + 6);
            head(out, from, in_y, false);
            let _ = write!(out, r#"<text x="{text_x}" y="{text_y}">{label}</text>"#);
        } else {
            let (middle, text_y) = (usize::midpoint(from, to), y - 7);
            arrow(out, row, from, to, y);
            let _ = write!(out, r#"<text x="{middle}" y="{text_y}" text-anchor="middle">{label}</text>"#);
        }
        out.push_str("</g>\n");
    }
}

fn arrow(out: &mut String, row: &Row, from: usize, to: usize, y: usize) {
    let rightward = from < to;
    let toward = |x: usize, by: usize| if rightward { x - by } else { x + by };
    match row {
        Row::Media(_) => {
            let (left, right) = (from.min(to) + 8, from.max(to) - 8);
            let _ =
                write!(out, r#"<path class="a" d="M{left} {}H{right}M{left} {}H{right}"/>"#, y - 2, y + 2);
            head(out, left - 8, y, false);
            head(out, right + 8, y, true);
        }
        Row::Message(Message { lost: true, .. }) => {
            // It ends short of its lifeline, in a cross.
            let end = toward(to, 16);
            let (left, right, top, bottom) = (end - 5, end + 5, y - 5, y + 5);
            let _ = write!(
                out,
                r#"<path class="a" d="M{from} {y}H{end}M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"/>"#
            );
        }
        Row::Message(_) | Row::Note(_) => {
            let _ = write!(out, r#"<path class="a" d="M{from} {y}H{}"/>"#, toward(to, 7));
            head(out, to, y, rightward);
        }
    }
}

/// An arrow head with its tip at the lifeline.
fn head(out: &mut String, tip: usize, y: usize, rightward: bool) {
    let back = if rightward { tip - 9 } else { tip + 9 };
    let _ = write!(out, r#"<path class="f" d="M{tip} {y}L{back} {}V{}z"/>"#, y - 4, y + 4);
}

fn classes(row: &Row) -> String {
    let Row::Message(message) = row else { return "media".to_owned() };
    let mut classes = match message.label.as_bytes().first() {
        Some(b'1') => "early",
        Some(b'2') => "success",
        Some(b'3'..=b'9') => "failure",
        Some(_) | None => "request",
    }
    .to_owned();
    for (set, class) in [(message.optional, " optional"), (message.retransmission, " again")] {
        if set {
            classes.push_str(class);
        }
    }
    classes
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Media;

    fn ladder() -> Ladder {
        let mut ladder = Ladder::new(["alice", "proxy & co", "bob"]);
        ladder.push(Message::new("alice", "bob", "INVITE <b>\u{1b}</b>"));
        ladder.push(Message { lost: true, ..Message::new("bob", "alice", "200") });
        ladder.push(Message { optional: true, ..Message::new("bob", "alice", "100") });
        ladder.push(Message { retransmission: true, ..Message::new("bob", "alice", "486") });
        ladder.push(Message::new("bob", "bob", "OPTIONS"));
        ladder.push(Media::new("bob", "alice", "audio"));
        ladder.push(Row::Note("done".into()));
        ladder
    }

    #[test]
    fn every_row_is_drawn_in_its_class() {
        let svg = ladder().svg();
        for class in ["request", "success", "early optional", "failure again", "media"] {
            assert!(svg.contains(&format!(r#"<g class="{class}">"#)), "{class}");
        }
        assert_eq!(svg.matches("<g ").count(), 6);
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
        assert!(svg.contains(">done</text>") && svg.contains(">(100)</text>"));
    }

    #[test]
    fn text_cannot_become_markup() {
        let svg = ladder().svg();
        assert!(svg.contains(r"INVITE &lt;b&gt;\u{1b}&lt;/b&gt;"), "{svg}");
        assert!(svg.contains("proxy &amp; co"));
        assert!(!svg.contains("<b>") && !svg.contains('\u{1b}'));
    }

    #[test]
    fn nothing_stands_outside_the_page() {
        for ladder in [ladder(), Ladder::default(), Ladder::new(["a-very-long-name-of-an-actor"])] {
            let svg = ladder.svg();
            let number = |attribute: &str, text: &str| -> usize {
                let after = text.split(&format!(" {attribute}=\"")).nth(1).unwrap();
                after.split('"').next().unwrap().parse().unwrap()
            };
            let width = number("width", &svg);
            for text in svg.lines().flat_map(|line| line.split("<text ").skip(1)) {
                let text = format!(" {text}");
                let label = text.split('>').nth(1).unwrap().split('<').next().unwrap();
                let label = label.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                let wide = display_width(&label) * CHARACTER;
                let x = number("x", &text);
                let (left, right) = match (text.contains("\"middle\""), text.contains("\"end\"")) {
                    (true, _) => (x.checked_sub(wide / 2), x + wide / 2),
                    (_, true) => (x.checked_sub(wide), x),
                    _ => (Some(x), x + wide),
                };
                assert!(left.is_some() && right <= width, "{label} in {width}\n{svg}");
            }
        }
    }
}
