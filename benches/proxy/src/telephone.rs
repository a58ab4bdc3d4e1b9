//! The user agent: what a call costs it that it answers, what a call weighs that is up, and what it costs to be handed
//! over.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bench_load::{Tally, standing};

use crate::load::{Load, VOID, generator};
use crate::measures::{PLAIN, cost};
use crate::report::{Bar, Report};
use crate::rounds::{Values, alternate};
use crate::server::Server;
use crate::subject::{ANSWERER, Bench, CALLER, Part, SERVER, Setting, Subject};

/// Calls that are answered: as many as a telephone remembers at a time, for it does until their transactions end.
const CALLS: usize = 9_000;

/// How fast calls are put up, a second.
const RISE: u32 = 1_000;

/// Calls that are weighed.
const WEIGHED_CALLS: usize = 9_000;

/// Calls that fill what is bounded before the weighing.
const FIRST_CALLS: usize = 1_000;

/// How long the transactions of a call take to end: 64·T1 (RFC 6026 §7.1), and a little.
const TRANSACTIONS_END: Duration = Duration::from_secs(34);

/// Calls that are up while others are handed over.
const CALLS_UP: usize = 1_000;

/// Calls that are handed over.
const TRANSFERS: usize = 1_000;

/// How many of them a second.
const TRANSFER_RATE: usize = 200;

/// Somebody who answers.
const TELEPHONE: Setting = Setting { part: Part::Telephone, ..PLAIN };

/// All of it.
///
/// # Errors
/// A telephone does not start or ends, or the load cannot be played.
pub(crate) fn all(bench: &Bench, report: &mut Report) -> Result<()> {
    answering(bench, report)?;
    weights(bench, report)?;
    transfers(bench, report)
}

/// The command that starts whoever answers on the server's port.
///
/// # Errors
/// There is no such telephone.
pub(crate) fn command(subject: Subject) -> Result<Command> {
    ensure!(!subject.is_peer(), "{subject} is no telephone");
    if subject == Subject::Floor {
        return generator(&format!("answer --port {SERVER} --seconds 3600"));
    }
    let mut command = Command::new(phone()?);
    command.args(["answer", "--port", &SERVER.to_string()]);
    Ok(command)
}

/// Where the telephone of ours is: a binary beside this one.
fn phone() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("bench-phone");
    ensure!(binary.exists(), "there is no {}: build all of benches/", binary.display());
    Ok(binary)
}

/// Processor time of a call that is answered and ended by the caller.
fn answering(bench: &Bench, report: &mut Report) -> Result<()> {
    let load = Load::Answered { rate: bench.rate, calls: bench.scaled(CALLS) };
    let measure = format!("call answered at {}/s, us", bench.rate);
    let subjects = [Subject::Floor, Subject::Cordboard];
    let values = alternate(&measure, bench.rounds, &subjects, |subject| {
        let server = Server::start(bench, subject, TELEPHONE)?;
        cost(&server, load)
    })?;
    report.add(&measure, values, Bar::TimesFloor(2.0));
    Ok(())
}

/// Bytes of a call that is up and has come to rest, and of its dialog alone.
fn weights(bench: &Bench, report: &mut Report) -> Result<()> {
    let (first, weighed) = (bench.scaled(FIRST_CALLS), bench.scaled(WEIGHED_CALLS));
    let measure = format!("bytes a call of a telephone, {weighed} up");
    let values = alternate(&measure, 1, &[Subject::Cordboard], |subject| {
        let server = Server::start(bench, subject, TELEPHONE)?;
        let _first = Standing::put_up(first, 0, CALLER)?;
        thread::sleep(TRANSACTIONS_END);
        let before = server.resident()?;
        let _weighed = Standing::put_up(weighed, 0, CALLER + 1)?;
        thread::sleep(TRANSACTIONS_END);
        let after = server.resident()?;
        Ok(Some(after.saturating_sub(before) as f64 / weighed as f64))
    })?;
    report.add(&measure, values, Bar::AtMost(8192.0));
    let output = Command::new(phone()?).arg("dialogs").output().context("the dialogs cannot be weighed")?;
    let bytes: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("no number of bytes")?;
    report.add("bytes of its dialog", Values::from([(Subject::Cordboard, vec![bytes])]), Bar::AtMost(1536.0));
    Ok(())
}

/// Processor time of a transferee from the REFER to the last NOTIFY.
fn transfers(bench: &Bench, report: &mut Report) -> Result<()> {
    let count = bench.scaled(TRANSFERS);
    let measure = format!("blind transfer, {CALLS_UP} calls up, us");
    let values = alternate(&measure, bench.rounds, &[Subject::Cordboard], |subject| {
        let server = Server::start(bench, subject, TELEPHONE)?;
        let calls = Standing::put_up(CALLS_UP + count, count, CALLER)?;
        let before = server.run_time()?;
        let tally = calls.hand_over()?;
        let after = server.run_time()?;
        let valid = tally.failed == 0 && tally.retransmitted() <= VOID;
        if !valid {
            eprintln!("  of {} transfers {} failed", tally.begun, tally.failed);
        }
        Ok(valid.then(|| (after - before) as f64 / 1e3 / count as f64))
    })?;
    report.add(&measure, values, Bar::AtMost(500.0));
    Ok(())
}

/// A generator whose calls are up. Dropping it ends it, and leaves the calls as they are.
struct Standing {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Standing {
    /// Puts up so many calls, of which some are to be handed over later.
    fn put_up(calls: usize, transfers: usize, caller: u16) -> Result<Self> {
        let target = ANSWERER + (caller - CALLER);
        let line = format!(
            "standing --phone {SERVER} --caller {caller} --target {target} --rate {RISE} --calls {calls} \
             --transfers {transfers} --transfer-rate {TRANSFER_RATE}"
        );
        let mut child = generator(&line)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the load generator does not start")?;
        let said = BufReader::new(child.stdout.take().context("the load generator says nothing")?);
        let mut standing = Self { child, said };
        let mut line = String::new();
        standing.said.read_line(&mut line)?;
        ensure!(line.trim() == standing::ALL_UP, "not all of {calls} calls came up: {line}");
        Ok(standing)
    }

    /// Lets it go on, to its end.
    fn hand_over(mut self) -> Result<Tally> {
        let mut input = self.child.stdin.take().context("the load generator does not listen")?;
        writeln!(input)?;
        let mut rest = String::new();
        self.said.read_to_string(&mut rest)?;
        serde_json::from_str(&rest).context("the load generator's tally is not JSON")
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
