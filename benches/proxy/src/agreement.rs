//! Whether our floor and our load agree with yardsticks that somebody else wrote.
//!
//! The yardsticks are binaries on the command line; they are no part of this repository.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::load::Load;
use crate::measures::{PLAIN, cost, ready_for_calls};
use crate::report::{Report, short};
use crate::rounds::median;
use crate::server::Server;
use crate::subject::{ANSWERER, Bench, CALLER, PASSWORD, SERVER, Setting, Store, Subject};

/// How far two measures may be apart.
const APART: f64 = 0.1;

/// Seconds that a run lasts.
const RUN: u32 = 5;

/// Users of the registrations.
const USERS: usize = 10_000;

/// The yardsticks.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Yardsticks {
    /// A null proxy: `PROGRAM PORT CALLER ANSWERER BATCH`.
    #[arg(long)]
    nullproxy: Option<PathBuf>,
    /// A load generator: `PROGRAM uas|uac|reg …`.
    #[arg(long)]
    sipload: Option<PathBuf>,
}

/// Holds the floor and the load against the yardsticks.
///
/// # Errors
/// A program cannot be run, or a run fails.
pub(crate) fn all(bench: &Bench, yardsticks: &Yardsticks, report: &mut Report) -> Result<()> {
    if let Some(nullproxy) = &yardsticks.nullproxy {
        for rate in [bench.rate, bench.rate * 4] {
            floor(bench, nullproxy, rate, report)?;
        }
    }
    if let Some(sipload) = &yardsticks.sipload {
        let peer = Subject::Kamailio { workers: 1, store: Store::Memory };
        for subject in [Subject::Floor, peer] {
            calls(bench, sipload, subject, report)?;
        }
        for digest in [false, true] {
            registers(bench, sipload, peer, digest, report)?;
        }
    }
    Ok(())
}

fn floor(bench: &Bench, nullproxy: &Path, rate: u32, report: &mut Report) -> Result<()> {
    let load = Load::Calls { rate, calls: (rate * RUN) as usize };
    let what = format!("floor, a call at {rate}/s");
    compare(bench, report, &what, |theirs| {
        let server = if theirs {
            let mut command = Command::new(nullproxy);
            let ports = [SERVER, CALLER, ANSWERER].map(|port| port.to_string());
            command.args(ports).arg(bench_floor::BATCH.to_string());
            Server::start_command(command)?
        } else {
            ready_for_calls(bench, Subject::Floor, setting(false))?
        };
        cost(&server, load)
    })
}

fn calls(bench: &Bench, sipload: &Path, subject: Subject, report: &mut Report) -> Result<()> {
    let rate = bench.rate;
    let calls = (rate * RUN) as usize;
    let what = format!("load, {subject}, a call at {rate}/s");
    compare(bench, report, &what, |theirs| {
        let server = ready_for_calls(bench, subject, setting(false))?;
        if !theirs {
            return cost(&server, Load::Calls { rate, calls });
        }
        let _answering = Answering::start(sipload)?;
        let line = format!("uac {CALLER} {SERVER} {rate} {calls} 0 bob");
        cost_of_command(&server, sipload, &line, calls)
    })
}

fn registers(bench: &Bench, sipload: &Path, peer: Subject, digest: bool, report: &mut Report) -> Result<()> {
    let rate = bench.rate * 2;
    let count = (rate * RUN) as usize;
    let what = format!("load, {peer}, REGISTER, digest {digest}");
    compare(bench, report, &what, |theirs| {
        let server = Server::start(bench, peer, setting(digest))?;
        let registers = |count| Load::Registers { rate, count, users: USERS, digest };
        registers(USERS).play()?;
        if !theirs {
            return cost(&server, registers(count));
        }
        let password = if digest { PASSWORD } else { "" };
        let line = format!("reg {CALLER} {SERVER} {rate} {count} {USERS} {password}");
        cost_of_command(&server, sipload, &line, count)
    })
}

/// Measures theirs and ours in turn and notes both.
fn compare(
    bench: &Bench,
    report: &mut Report,
    what: &str,
    mut measure: impl FnMut(bool) -> Result<Option<f64>>,
) -> Result<()> {
    let mut values = [Vec::new(), Vec::new()];
    for _ in 0..bench.rounds {
        for (theirs, values) in [true, false].into_iter().zip(&mut values) {
            let value = measure(theirs)?;
            eprintln!("{what}: {} {value:?}", if theirs { "yardstick" } else { "ours" });
            values.extend(value);
        }
    }
    let [theirs, ours] = values.each_ref().map(|values| median(values));
    let (theirs, ours) = theirs.zip(ours).context("every run was void")?;
    let ratio = ours / theirs;
    let agrees = (ratio - 1.0).abs() <= APART;
    let verdict = if agrees { "agrees" } else { "DIFFERS" };
    let text = format!(
        "{what}: yardstick {} us, ours {} us, ratio {ratio:.3}: {verdict}",
        short(theirs),
        short(ours)
    );
    let json = json!({
        "what": what, "yardstick_us": theirs, "ours_us": ours, "ratio": ratio, "agrees": agrees,
    });
    report.notes.push((text, json));
    Ok(())
}

fn cost_of_command(server: &Server, sipload: &Path, line: &str, count: usize) -> Result<Option<f64>> {
    let before = server.run_time()?;
    let output = Command::new(sipload).args(line.split_whitespace()).output()?;
    let after = server.run_time()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("done="), "{} {line} said: {said}", sipload.display());
    let number =
        |name: &str| -> Option<usize> { said.split_once(name)?.1.split_whitespace().next()?.parse().ok() };
    let valid = number("failed=") == Some(0) && number("retrans=").is_some_and(|again| again * 1000 <= count);
    Ok(valid.then(|| (after - before) as f64 / 1e3 / count as f64))
}

const fn setting(digest: bool) -> Setting {
    Setting { digest, users: USERS, ..PLAIN }
}

/// The yardstick's answering end, ended when dropped.
struct Answering(Child);

impl Answering {
    fn start(sipload: &Path) -> Result<Self> {
        let port = ANSWERER.to_string();
        let child = Command::new(sipload)
            .args(["uas", &port, "60"])
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", sipload.display()))?;
        thread::sleep(Duration::from_millis(200));
        Ok(Self(child))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
