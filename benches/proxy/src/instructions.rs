//! Instructions a call, counted by valgrind's callgrind: the one number that repeats exactly.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::load::Load;
use crate::measures::{PLAIN, find_bob};
use crate::report::{Bar, Report};
use crate::rounds::alternate;
use crate::server::Server;
use crate::subject::{Bench, Store, Subject};

/// How long each of the two runs lasts, in seconds: the same, so that idle work cancels out.
const SECONDS: u32 = 10;

/// Calls a second of the run that is subtracted, and of the run that it is subtracted from.
const RATES: [u32; 2] = [10, 60];

const WRAPPER: [&str; 4] =
    ["valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.%p", "--trace-children=yes"];

/// Instructions of a call through a stateful proxy that stays in the path.
///
/// # Errors
/// valgrind is missing, a server does not start under it, or a call fails.
pub(crate) fn calls(bench: &Bench, report: &mut Report) -> Result<()> {
    let peer = Subject::Kamailio { workers: 1, store: Store::Memory };
    let subjects: Vec<_> = [Subject::Floor, peer].into_iter().chain(bench.ours()).collect();
    let values = alternate("instructions a call", 1, &subjects, |subject| {
        let [few, many] = RATES.map(|rate| counted(bench, subject, rate));
        let more_calls = f64::from((RATES[1] - RATES[0]) * SECONDS);
        Ok(many?.zip(few?).map(|(many, few)| (many - few) / more_calls))
    })?;
    report.add("instructions a call (goal 60 k, no bar)", values, Bar::None);
    Ok(())
}

/// All instructions of a run; `None` when something was sent twice, which would be counted too.
fn counted(bench: &Bench, subject: Subject, rate: u32) -> Result<Option<f64>> {
    let server = Server::start_under(bench, subject, PLAIN, &WRAPPER)?;
    find_bob(subject)?;
    let tally = Load::Calls { rate, calls: (rate * SECONDS) as usize }.play()?;
    ensure!(
        tally.failed == 0,
        "{} of {} calls failed under valgrind: {}",
        tally.failed,
        tally.begun,
        tally.refusal.as_deref().unwrap_or("no answer")
    );
    let sum = server.finish(total)?;
    Ok((tally.retransmissions == 0).then_some(sum))
}

/// The instructions of all processes that left a profile in `dir`.
fn total(dir: &Path) -> Result<f64> {
    let mut sum = 0.0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("callgrind.") {
            continue;
        }
        let profile = fs::read_to_string(entry.path())?;
        sum += totals(&profile).with_context(|| format!("{} has no totals", entry.path().display()))?;
    }
    ensure!(sum > 0.0, "valgrind left no profile");
    Ok(sum)
}

/// A profile may hold several parts, each with its totals.
fn totals(profile: &str) -> Option<f64> {
    let parts = profile.lines().filter_map(|line| line.strip_prefix("totals: "));
    parts.map(|part| part.trim().parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_profile_are_added() {
        let profile = "# callgrind format\nevents: Ir\n0 3\n\ntotals: 1200\npart: 2\ntotals: 34\n";
        assert_eq!(totals(profile), Some(1234.0));
    }
}
