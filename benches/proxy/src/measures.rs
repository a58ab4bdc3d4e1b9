//! Processor time and the highest rate.

use anyhow::{Result, ensure};
use bench_load::Tally;

use crate::load::{Load, VOID};
use crate::report::{Bar, Report};
use crate::rounds::{Values, alternate};
use crate::server::Server;
use crate::subject::{Bench, Part, Setting, Store, Subject};

/// Seconds that a run at one rate lasts.
const RUN: usize = 10;

/// Registrations a second at which processor time is measured.
const REGISTERS: u32 = 5_000;

/// Users whose registrations are refreshed.
const USERS: usize = 10_000;

/// Where the search for the highest rate begins, in calls a second.
const SLOWEST: u32 = 2_000;

/// The factors between two rates of the search, in hundredths: first strides, then steps.
const FACTORS: [u32; 2] = [150, 110];

/// Seconds that a rate must be held.
const HELD: u32 = 4;

/// How often a rate is tried before it counts as not held.
const TRIES: usize = 2;

/// A server as it comes.
pub(crate) const PLAIN: Setting =
    Setting { part: Part::Server, digest: false, users: 0, long_transactions: false };

/// Processor time of a call, and what is resident afterwards.
///
/// # Errors
/// A server does not start or ends, or the load cannot be played.
pub(crate) fn calls(bench: &Bench, report: &mut Report) -> Result<()> {
    let subjects: Vec<_> = [Subject::Floor].into_iter().chain(bench.servers()).collect();
    let load = Load::Calls { rate: bench.rate, calls: bench.scaled(bench.rate as usize * RUN) };
    let mut resident = Values::new();
    let measure = format!("call at {}/s, us", bench.rate);
    let values = alternate(&measure, bench.rounds, &subjects, |subject| {
        let server = ready_for_calls(bench, subject, PLAIN)?;
        let cost = cost(&server, load)?;
        if cost.is_some() {
            let kilobytes = server.resident()? as f64 / 1024.0;
            resident.entry(subject).or_default().push(kilobytes);
        }
        Ok(cost)
    })?;
    report.add(&measure, values, Bar::TimesFloor(1.6));
    report.add("resident after those calls, KB", resident, Bar::None);
    Ok(())
}

/// Processor time of a registration that refreshes, without and with digest.
///
/// # Errors
/// As [`calls`].
pub(crate) fn registers(bench: &Bench, report: &mut Report) -> Result<()> {
    let peers = [Store::Memory, Store::WriteBack].map(|store| Subject::Kamailio { workers: 1, store });
    let subjects: Vec<_> = peers.into_iter().chain(bench.ours()).collect();
    for (digest, measure, bar) in
        [(false, "REGISTER refresh, us", 0.72), (true, "REGISTER refresh, digest each time, us", 0.66)]
    {
        let setting = Setting { digest, users: USERS, ..PLAIN };
        let registers = |count| Load::Registers { rate: REGISTERS, count, users: USERS, digest };
        let count = bench.scaled(REGISTERS as usize * RUN);
        let values = alternate(measure, bench.rounds, &subjects, |subject| {
            let server = Server::start(bench, subject, setting)?;
            bound(&registers(USERS).play()?, subject)?;
            cost(&server, registers(count))
        })?;
        report.add(measure, values, Bar::TimesPeer(bar));
    }
    Ok(())
}

/// The highest rate of calls held.
///
/// # Errors
/// As [`calls`].
pub(crate) fn rate(bench: &Bench, report: &mut Report) -> Result<()> {
    let subjects: Vec<_> = [Subject::Floor].into_iter().chain(bench.servers()).collect();
    let measure = "highest rate held, calls/s";
    let values = alternate(measure, bench.rounds, &subjects, |subject| {
        let server = ready_for_calls(bench, subject, PLAIN)?;
        let mut held = 0;
        let mut rate = SLOWEST;
        for factor in FACTORS {
            while holds(rate, if bench.quick { 1 } else { HELD })? {
                held = rate;
                rate = rate * factor / 100;
            }
            if held == 0 {
                break;
            }
            rate = held * FACTORS[1] / 100;
        }
        server.run_time()?;
        Ok(Some(f64::from(held)))
    })?;
    report.add(measure, values, Bar::AtLeastPeer);
    Ok(())
}

/// Starts a server and, where it needs to know, tells it where bob is.
///
/// # Errors
/// It does not start, or refuses bob.
pub(crate) fn ready_for_calls(bench: &Bench, subject: Subject, setting: Setting) -> Result<Server> {
    let server = Server::start(bench, subject, setting)?;
    find_bob(subject)?;
    Ok(server)
}

/// Tells a server, unless it is the floor, where bob is.
///
/// # Errors
/// It refuses him.
pub(crate) fn find_bob(subject: Subject) -> Result<()> {
    if subject == Subject::Floor { Ok(()) } else { bound(&Load::Bob.play()?, subject) }
}

/// Insists that everybody who registered is bound.
///
/// # Errors
/// Somebody was refused or not answered.
pub(crate) fn bound(tally: &Tally, subject: Subject) -> Result<()> {
    ensure!(
        tally.failed == 0,
        "{subject} did not bind {} of {}: {}",
        tally.failed,
        tally.begun,
        tally.refusal.as_deref().unwrap_or("no answer")
    );
    Ok(())
}

/// Microseconds of processor time for each item of the load; `None` when the run is void.
///
/// # Errors
/// The server has ended, or the load cannot be played.
pub(crate) fn cost(server: &Server, load: Load) -> Result<Option<f64>> {
    let before = server.run_time()?;
    let tally = load.play()?;
    let after = server.run_time()?;
    let valid = tally.failed == 0 && tally.retransmitted() <= VOID;
    if !valid {
        let Tally { begun, failed, retransmissions, p99_ms, .. } = tally;
        let refusal = tally.refusal.as_deref().unwrap_or("none");
        eprintln!(
            "  of {begun}: {failed} failed, {retransmissions} retransmissions, 99 in 100 answered in \
             {p99_ms:.1} ms, last refusal: {refusal}"
        );
    }
    Ok(valid.then(|| (after - before) as f64 / 1e3 / load.count() as f64))
}

/// Whether a rate is held: everything completed, as fast as it was offered, nearly nothing repeated.
fn holds(rate: u32, seconds: u32) -> Result<bool> {
    for _ in 0..TRIES {
        let calls = (rate * seconds) as usize;
        let tally = Load::Calls { rate, calls }.play()?;
        let kept_up = tally.rate() >= 0.97 * f64::from(rate);
        if tally.failed == 0 && tally.retransmitted() <= VOID && kept_up {
            return Ok(true);
        }
    }
    Ok(false)
}
