//! What the kernel says of a server's processes: run time and memory.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context as _, Result};

/// A process and all it has started.
pub(crate) fn family_of(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in pids() {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        family.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    family
}

/// Nanoseconds that the threads of these processes have run, by the scheduler's own count.
///
/// # Errors
/// None of the processes is there any more.
pub(crate) fn run_time(family: &[u32]) -> Result<u64> {
    let times: Vec<u64> = family
        .iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok())
        .flatten()
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse().ok())
        .collect();
    (!times.is_empty()).then(|| times.iter().sum()).context("the server has ended")
}

/// Bytes resident in these processes, shared pages counted once.
///
/// # Errors
/// None of the processes is there any more.
pub(crate) fn resident(family: &[u32]) -> Result<u64> {
    let kilobytes: Vec<u64> = family
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok())
        .filter_map(|rollup| {
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse().ok()
        })
        .collect();
    (!kilobytes.is_empty()).then(|| kilobytes.iter().sum::<u64>() * 1024).context("the server has ended")
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; the parent is the second field after.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn our_own_family_runs_and_resides() {
        let mut child = Command::new("sleep").arg("5").spawn().unwrap();
        let family = family_of(std::process::id());
        assert!(family.contains(&child.id()));
        assert!(run_time(&family).unwrap() > 0);
        assert!(resident(&family).unwrap() > 4096);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_family_that_is_gone_is_an_error() {
        assert!(run_time(&[u32::MAX]).is_err());
    }
}
