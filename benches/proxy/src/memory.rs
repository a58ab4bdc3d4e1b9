//! What things weigh: a binding, a proxied call.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::load::Load;
use crate::measures::{PLAIN, bound, ready_for_calls};
use crate::report::{Bar, Report};
use crate::rounds::alternate;
use crate::server::Server;
use crate::subject::{Bench, Setting, Subject};

/// Bindings that are weighed.
const BINDINGS: usize = 500_000;

/// How fast they are made, in registrations a second.
const REGISTERS: u32 = 8_000;

/// Refreshes that fill what is bounded (rings, and the transactions that one rate keeps alive for 64·T1) before
/// bindings are weighed: 33 seconds of them.
const FIRST_REGISTERS: usize = 33 * REGISTERS as usize;

/// Users whose contacts those refresh.
const FIRST_USERS: usize = 1_000;

/// How fast calls are made, a second: all of them within the life of the first one's transactions.
const CALLS: u32 = 2_000;

/// Calls that fill what is bounded (pools, rings) before the weighing.
const FIRST_CALLS: usize = 10_000;

/// Calls that are weighed.
const WEIGHED_CALLS: usize = 30_000;

/// Both weights.
///
/// # Errors
/// A server does not start or ends, or the load cannot be played.
pub(crate) fn all(bench: &Bench, report: &mut Report) -> Result<()> {
    bindings(bench, report)?;
    calls(bench, report)
}

fn bindings(bench: &Bench, report: &mut Report) -> Result<()> {
    let users = bench.scaled(BINDINGS);
    let setting = Setting { users, ..PLAIN };
    let measure = format!("bytes a binding, {users} of them");
    let values = alternate(&measure, 1, &one_peer_and_ours(bench), |subject| {
        let server = Server::start(bench, subject, setting)?;
        bound(&registers(bench.scaled(FIRST_REGISTERS), FIRST_USERS).play()?, subject)?;
        let before = server.resident()?;
        bound(&registers(users, users).play()?, subject)?;
        let after = server.resident()?;
        Ok(Some(after.saturating_sub(before) as f64 / users as f64))
    })?;
    report.add(&measure, values, Bar::AtMost(600.0));
    Ok(())
}

/// The first calls fill the rings and pools; the rest, with all transactions still alive, is the
/// slope. It must be over before the first transaction ends: 64·T1, 32 s (RFC 3261 §17.1.1.1).
fn calls(bench: &Bench, report: &mut Report) -> Result<()> {
    let setting = Setting { long_transactions: true, ..PLAIN };
    let (first, weighed) = (bench.scaled(FIRST_CALLS), bench.scaled(WEIGHED_CALLS));
    let of = |calls| Load::Calls { rate: CALLS, calls };
    let measure = format!("bytes a proxied call, {weighed} alive");
    let values = alternate(&measure, 1, &one_peer_and_ours(bench), |subject| {
        let server = ready_for_calls(bench, subject, setting)?;
        let begun = of(first).play()?;
        let before = server.resident()?;
        let tally = of(weighed).play()?;
        let after = server.resident()?;
        let complete = begun.failed + tally.failed == 0;
        Ok(complete.then(|| after.saturating_sub(before) as f64 / weighed as f64))
    })?;
    report.add(&measure, values, Bar::AtMost(4096.0));
    Ok(())
}

fn registers(count: usize, users: usize) -> Load {
    Load::Registers { rate: REGISTERS, count, users, digest: false }
}

/// Memory does not depend on how many workers the peer has, so it stands in its first form.
fn one_peer_and_ours(bench: &Bench) -> Vec<Subject> {
    let mut kinds = BTreeSet::new();
    bench.servers().into_iter().filter(|subject| kinds.insert(subject.is_peer())).collect()
}
