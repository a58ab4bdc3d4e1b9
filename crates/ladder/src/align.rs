//! Which observed row answers which expected row, within one pair of actors.
//!
//! An edit distance over two sequences, with two liberties: an optional row costs almost nothing when it is absent,
//! and rows whose marks allow it may be taken in another order.

/// How one expected row behaves in the sequence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected {
    /// May be absent.
    pub optional: bool,
    /// May swap with neighbours that may swap too.
    pub swaps: bool,
    /// May swap with the row before.
    pub crossed: bool,
}

/// One step of the alignment: an expected row, an observed row, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The expected row was not seen.
    Missing(usize),
    /// The observed row was not expected.
    Extra(usize),
    /// This expected row was answered by that observed row (well or badly, as the caller's cost told).
    Both(usize, usize),
}

/// What a row costs that only one side has. A substitution dearer than two of these is never chosen.
pub(crate) const ALONE: u32 = 100;
/// The same for an optional row: enough to prefer a match.
const ALONE_OPTIONAL: u32 = 2;
/// Taking rows out of their drawn order: enough to prefer the drawn one.
const OUT_OF_TURN: u32 = 1;
/// How many neighbouring rows can swap among each other; a longer run swaps within groups of this size.
const MOST_SWAPPING: usize = 8;

/// Aligns the two sequences at the least cost, in the order of the rows. `cost` tells what it costs that an observed
/// row (second) stands for an expected one (first): zero for a match, `None` for never.
pub(crate) fn align(
    expected: &[Expected],
    observed_optional: &[bool],
    cost: impl Fn(usize, usize) -> Option<u32>,
) -> Vec<Step> {
    // Plain rows that match from the start need no search; most ladders match altogether.
    let plain = |row: usize| {
        let free = |row: &Expected| row.swaps || row.crossed;
        !expected[row].optional
            && !free(&expected[row])
            && !expected.get(row + 1).is_some_and(|next| next.crossed)
    };
    let most = expected.len().min(observed_optional.len());
    let same = (0..most)
        .take_while(|row| plain(*row) && !observed_optional[*row] && cost(*row, *row) == Some(0))
        .count();
    let searched =
        search(&expected[same..], &observed_optional[same..], |one, other| cost(one + same, other + same));
    let shifted = searched.into_iter().map(|step| match step {
        Step::Missing(one) => Step::Missing(one + same),
        Step::Extra(other) => Step::Extra(other + same),
        Step::Both(one, other) => Step::Both(one + same, other + same),
    });
    (0..same).map(|row| Step::Both(row, row)).chain(shifted).collect()
}

/// The alignment of least cost, found by dynamic programming over what is done on either side.
fn search(
    expected: &[Expected],
    observed_optional: &[bool],
    cost: impl Fn(usize, usize) -> Option<u32>,
) -> Vec<Step> {
    let states = states(expected);
    let width = observed_optional.len() + 1;
    let mut best: Vec<Option<(usize, Step)>> = vec![None; states.len() * width];
    let mut reached = vec![u32::MAX; states.len() * width];
    reached[0] = 0;

    for (number, state) in states.iter().enumerate() {
        for (seen, next_seen) in observed_optional.iter().map(Some).chain([None]).enumerate() {
            let here = number * width + seen;
            let so_far = reached[here];
            if so_far == u32::MAX {
                continue;
            }
            let mut reach = |to: usize, price: u32, step: Step| {
                let total = so_far.saturating_add(price);
                // On a tie the later arrival wins, so that of two equal rows the first is the one that matches.
                if total <= reached[to] && total < u32::MAX {
                    reached[to] = total;
                    best[to] = Some((here, step));
                }
            };
            for (turn, next) in state.next.iter().enumerate() {
                let late = if turn == 0 { 0 } else { OUT_OF_TURN };
                if next_seen.is_some()
                    && let Some(price) = cost(next.row, seen)
                {
                    reach(next.state * width + seen + 1, price + late, Step::Both(next.row, seen));
                }
                if turn == 0 {
                    let price = if expected[next.row].optional { ALONE_OPTIONAL } else { ALONE };
                    reach(next.state * width + seen, price, Step::Missing(next.row));
                }
            }
            if let Some(optional) = next_seen {
                let price = if *optional { ALONE_OPTIONAL } else { ALONE };
                reach(here + 1, price, Step::Extra(seen));
            }
        }
    }

    let mut steps = Vec::new();
    let mut here = reached.len() - 1;
    while let Some((before, step)) = best[here] {
        steps.push(step);
        here = before;
    }
    steps.reverse();
    steps
}

/// A set of expected rows that are done, and the rows that may come next, the first in turn first.
struct State {
    next: Vec<Next>,
}

struct Next {
    row: usize,
    state: usize,
}

/// All sets of done rows, each before those that it leads to. A set is a beginning of the sequence plus some rows of
/// the run of swappable neighbours that follows.
fn states(expected: &[Expected]) -> Vec<State> {
    let mut states = Vec::new();
    for run in runs(expected) {
        let first = states.len();
        let full = (1_usize << run.len()) - 1;
        for done in 0..full {
            let turn = (!done).trailing_zeros() as usize;
            let next = (turn..run.len())
                .filter(|row| done & (1 << row) == 0 && may_come(&expected[run.start..run.end], turn, *row))
                .map(|row| Next { row: run.start + row, state: first + (done | 1 << row) })
                .collect();
            states.push(State { next });
        }
    }
    states.push(State { next: Vec::new() });
    states
}

/// Whether `row` may be taken while `turn` is the first of the run that is not done.
fn may_come(run: &[Expected], turn: usize, row: usize) -> bool {
    row == turn || (row == turn + 1 && run[row].crossed) || run[turn..=row].iter().all(|row| row.swaps)
}

/// Cuts the sequence where nothing may swap across.
fn runs(expected: &[Expected]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (row, this) in expected.iter().enumerate() {
        let linked = row > 0 && (this.crossed || (this.swaps && expected[row - 1].swaps));
        match runs.last_mut() {
            Some(run) if linked && run.len() < MOST_SWAPPING => run.end = row + 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::*;

    const PLAIN: Expected = Expected { optional: false, swaps: false, crossed: false };
    const SWAPS: Expected = Expected { swaps: true, ..PLAIN };
    const CROSSED: Expected = Expected { crossed: true, ..PLAIN };
    const OPTIONAL: Expected = Expected { optional: true, ..PLAIN };

    /// Aligns rows named by letters; a `*` in the result stands for a step that is not a match.
    fn aligned(marks: &[Expected], expected: &str, observed: &str) -> Vec<Step> {
        let (expected, seen): (Vec<char>, Vec<char>) =
            (expected.chars().collect(), observed.chars().collect());
        assert_eq!(marks.len(), expected.len());
        align(marks, &vec![false; seen.len()], |one, other| (expected[one] == seen[other]).then_some(0))
    }

    fn matches(marks: &[Expected], expected: &str, observed: &str) -> bool {
        aligned(marks, expected, observed).iter().all(|step| matches!(step, Both(..)))
    }

    #[test]
    fn equal_sequences_match_in_order() {
        assert_eq!(aligned(&[PLAIN; 3], "aab", "aab"), [Both(0, 0), Both(1, 1), Both(2, 2)]);
        assert_eq!(aligned(&[], "", ""), []);
    }

    #[test]
    fn what_one_side_lacks_is_told() {
        assert_eq!(aligned(&[PLAIN; 2], "ab", "b"), [Missing(0), Both(1, 0)]);
        assert_eq!(aligned(&[PLAIN; 1], "b", "ab"), [Extra(0), Both(0, 1)]);
        assert_eq!(aligned(&[PLAIN, OPTIONAL], "ab", "a"), [Both(0, 0), Missing(1)]);
    }

    #[test]
    fn marked_neighbours_take_any_order() {
        for order in ["abcd", "acbd", "bacd", "bcad", "cabd", "cbad"] {
            assert!(matches(&[SWAPS, SWAPS, SWAPS, PLAIN], "abcd", order), "{order}");
        }
        for order in ["abdc", "dabc", "adbc"] {
            assert!(!matches(&[SWAPS, SWAPS, SWAPS, PLAIN], "abcd", order), "{order}");
        }
        assert!(!matches(&[SWAPS, PLAIN, SWAPS], "abc", "cba"));
        assert!(!matches(&[SWAPS, PLAIN], "ab", "ba"));
    }

    #[test]
    fn a_crossed_row_swaps_with_the_one_above_only() {
        let marks = [PLAIN, CROSSED, CROSSED];
        for order in ["abc", "bac", "acb"] {
            assert!(matches(&marks, "abc", order), "{order}");
        }
        for order in ["cab", "bca", "cba"] {
            assert!(!matches(&marks, "abc", order), "{order}");
        }
    }

    #[test]
    fn a_crossed_row_after_a_match_may_still_come_first() {
        assert_eq!(aligned(&[PLAIN, PLAIN, CROSSED], "abc", "acb"), [Both(0, 0), Both(2, 1), Both(1, 2)]);
        assert_eq!(aligned(&[PLAIN, CROSSED], "aa", "aa"), [Both(0, 0), Both(1, 1)]);
    }

    #[test]
    fn a_long_run_swaps_in_groups() {
        let letters: String = ('a'..='t').collect();
        assert!(matches(&[SWAPS; 20], &letters, &letters));
        let reversed: String = letters.chars().rev().collect();
        assert!(!matches(&[SWAPS; 20], &letters, &reversed));
    }
}
