//! What a run of the generator counted.

use serde::{Deserialize, Serialize};

/// The count of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Calls or registrations begun.
    pub begun: usize,
    /// Those that came to their proper end.
    pub completed: usize,
    /// Those refused, timed out, or unfinished when the run ended.
    pub failed: usize,
    /// Messages sent again because nothing answered in time, by either end.
    pub retransmissions: usize,
    /// Ringing responses seen by the caller.
    pub ringing: usize,
    /// From the first start to the last end, in seconds.
    pub seconds: f64,
    /// Half of the answers came within this many milliseconds.
    pub p50_ms: f64,
    /// All but one in a hundred answers came within this many milliseconds.
    pub p99_ms: f64,
    /// The slowest answer, in milliseconds.
    pub slowest_ms: f64,
    /// The start line of the last refusal, if there was one.
    pub refusal: Option<String>,
}

impl Tally {
    /// How many were completed in a second.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.completed as f64 / self.seconds } else { 0.0 }
    }

    /// Retransmissions as a share of what was begun.
    pub fn retransmitted(&self) -> f64 {
        self.retransmissions as f64 / self.begun.max(1) as f64
    }

    /// Fills the percentiles from the time of each answer, in seconds.
    pub(crate) fn time(&mut self, mut answers: Vec<f32>) {
        answers.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| {
            let index = (answers.len() as f64 * share) as usize;
            let seconds = answers.get(index.min(answers.len().saturating_sub(1)));
            seconds.map_or(0.0, |&seconds| f64::from(seconds) * 1e3)
        };
        (self.p50_ms, self.p99_ms, self.slowest_ms) = (at(0.5), at(0.99), at(1.0));
    }

    /// Keeps the start line of a refusal.
    pub(crate) fn refused(&mut self, start_line: &[u8]) {
        self.failed += 1;
        self.refusal = Some(String::from_utf8_lossy(start_line).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_answers() {
        let mut tally = Tally::default();
        tally.time((0..100).rev().map(|ms| ms as f32 / 1e3).collect());
        let rounded = [tally.p50_ms, tally.p99_ms, tally.slowest_ms].map(|ms| ms.round() as i32);
        assert_eq!(rounded, [50, 99, 99]);
    }

    #[test]
    fn nothing_answered_is_zero_not_a_panic() {
        let mut tally = Tally::default();
        tally.time(Vec::new());
        assert_eq!(tally, Tally::default());
    }
}
