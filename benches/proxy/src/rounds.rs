//! Alternating runs: every subject once a round, so that a slow minute is everybody's.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::subject::Subject;

/// How often a void run is repeated before its round goes without it.
const REPEATS: usize = 4;

/// The values of each subject, a round each.
pub(crate) type Values = BTreeMap<Subject, Vec<f64>>;

/// Measures every subject once a round. A run that comes back with `None` is void and repeated.
///
/// # Errors
/// A server does not start or ends, or the load cannot be played.
pub(crate) fn alternate(
    what: &str,
    rounds: usize,
    subjects: &[Subject],
    mut measure: impl FnMut(Subject) -> Result<Option<f64>>,
) -> Result<Values> {
    let mut values = Values::new();
    for round in 1..=rounds {
        for &subject in subjects {
            for repeat in 0..REPEATS {
                if let Some(value) = measure(subject)? {
                    eprintln!("{what}, round {round} of {rounds}: {subject} {value:.1}");
                    values.entry(subject).or_default().push(value);
                    break;
                }
                eprintln!("{what}, round {round}: {subject}: void run {}", repeat + 1);
            }
        }
    }
    Ok(values)
}

/// The middle value; of an even number, the mean of the middle two.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_one_bad_run() {
        assert_eq!(median(&[3.0, 100.0, 1.0]), Some(3.0));
        assert_eq!(median(&[4.0, 2.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn void_runs_are_repeated_and_subjects_alternate() {
        let mut order = Vec::new();
        let ours = [Subject::Floor, Subject::Cordboard];
        let values = alternate("x", 2, &ours, |subject| {
            order.push(subject);
            Ok((order.len() != 1).then_some(1.0))
        });
        assert_eq!(order, [ours[0], ours[0], ours[1], ours[0], ours[1]], "the first run was void");
        assert!(values.unwrap().values().all(|values| values.len() == 2));
    }
}
