//! Where the lifelines stand: as close as names and labels allow.

use crate::escape;
use crate::model::{Ladder, Row};

/// A row between two lifelines, ready to be placed.
pub(crate) struct Span {
    /// Index of the lifeline on the left.
    pub left: usize,
    /// Index of the lifeline on the right; the same one for a message to oneself.
    pub right: usize,
    /// Columns that the text between the two lifelines needs.
    pub needs: usize,
}

/// Space between two names in the heading.
const BETWEEN_NAMES: usize = 2;

/// The distance from each lifeline to the next, in columns.
pub(crate) fn distances(name_widths: &[usize], spans: &[Span]) -> Vec<usize> {
    let mut distances: Vec<usize> =
        name_widths.windows(2).map(|pair| (pair[0] - pair[0] / 2) + BETWEEN_NAMES + pair[1] / 2).collect();
    let mut spans: Vec<&Span> = spans.iter().collect();
    spans.sort_by_key(|span| span.right - span.left);
    for span in spans {
        // A message to oneself leans into the space on the right, which the last lifeline need not share.
        let (left, right) = (span.left, span.right.max(span.left + 1));
        let Some(gaps) = distances.get_mut(left..right) else { continue };
        let lacking = (span.needs + 1).saturating_sub(gaps.iter().sum());
        if let Some(last) = gaps.last_mut() {
            *last += lacking;
        }
    }
    distances
}

/// The columns of the lifelines, the first at `first`.
pub(crate) fn columns(first: usize, distances: &[usize]) -> Vec<usize> {
    let mut columns = vec![first];
    let mut column = first;
    for distance in distances {
        column += distance;
        columns.push(column);
    }
    columns
}

/// The rows that connect lifelines, each needing its drawn label and `around` columns more.
pub(crate) fn spans(ladder: &Ladder, lifelines: &[&str], around: usize) -> Vec<Span> {
    ladder
        .rows
        .iter()
        .filter_map(|row| {
            let [from, to] = row.ends()?;
            let (from, to) = (index_of(lifelines, from), index_of(lifelines, to));
            let needs = escape::display_width(&drawn_label(row)) + around;
            Some(Span { left: from.min(to), right: from.max(to), needs })
        })
        .collect()
}

/// The label as it stands in the drawing: escaped, and in parentheses where it is optional.
pub(crate) fn drawn_label(row: &Row) -> String {
    match row {
        Row::Message(message) if message.optional => format!("({})", escape::label(&message.label)),
        Row::Message(message) => escape::label(&message.label),
        Row::Media(media) => escape::label(&media.label),
        Row::Note(text) => escape::label(text),
    }
}

/// Which lifeline an actor has. Every end of a row has one: see [`Ladder::lifelines`].
pub(crate) fn index_of(lifelines: &[&str], actor: &str) -> usize {
    lifelines.iter().position(|name| *name == actor).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart() {
        assert_eq!(distances(&[2, 2], &[]), [4]);
        assert_eq!(distances(&[3, 9], &[]), [8]);
    }

    #[test]
    fn a_long_span_widens_only_what_is_lacking() {
        let spans = [Span { left: 0, right: 2, needs: 29 }, Span { left: 0, right: 1, needs: 11 }];
        assert_eq!(distances(&[5, 3, 5], &spans), [12, 18]);
    }
}
