//! `bench-parser`: nanoseconds, instructions and allocations a message, ours beside its rivals.

use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bench_parser::check::{right_of_typical, wsinv};
use bench_parser::contender::Contender;
use bench_parser::messages::TYPICAL;
use clap::{Parser, Subcommand};
use serde_json::json;

/// Rounds of the twenty in one timed stretch.
const STRETCH: u32 = 20;

/// Timed stretches of each contender, in turn; the fastest counts, for noise only ever adds.
const STRETCHES: usize = 500;

/// Rounds of the twenty in the two counted runs: their difference is free of starting up.
const COUNTED: [u32; 2] = [5, 25];

/// At most so many instructions a message.
const INSTRUCTIONS: f64 = 7_000.0;

/// At most so many nanoseconds a message.
const NANOSECONDS: f64 = 350.0;

#[derive(Parser)]
#[command(about = "Reads the same eight fields of twenty messages with Cordboard's parser and its rivals")]
struct Cli {
    /// Print one JSON object; its `table` is the table.
    #[arg(long)]
    json: bool,
    /// Fewer timed stretches.
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    command: Option<Hidden>,
}

#[derive(Subcommand)]
enum Hidden {
    /// Read the twenty so many times with one contender, for an instruction counter.
    #[command(hide = true)]
    Loop { contender: usize, rounds: u32 },
}

/// What was measured of one contender, a message.
struct Measured {
    contender: Contender,
    nanoseconds: f64,
    instructions: f64,
    allocations: f64,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(Hidden::Loop { contender, rounds }) = cli.command {
        let contender = Contender::ALL.get(contender).context("there is no such contender")?;
        read_all(*contender, rounds);
        return Ok(());
    }
    let nanoseconds = timed(if cli.quick { STRETCHES / 10 } else { STRETCHES });
    let allocations = allocations()?;
    let mut all = Vec::new();
    for (i, contender) in Contender::ALL.into_iter().enumerate() {
        let [few, many] = COUNTED.map(|rounds| counted(i, rounds));
        let messages = f64::from(COUNTED[1] - COUNTED[0]) * TYPICAL.len() as f64;
        let instructions = (many? - few?) / messages;
        let (nanoseconds, allocations) = (nanoseconds[i], allocations[i]);
        all.push(Measured { contender, nanoseconds, instructions, allocations });
    }
    print(&all, cli.json)
}

fn read_all(contender: Contender, rounds: u32) {
    for _ in 0..rounds {
        for message in TYPICAL {
            black_box(contender.work(message.bytes));
        }
    }
}

/// Nanoseconds a message: every contender in every stretch, so that a slow moment is everybody's.
fn timed(stretches: usize) -> [f64; Contender::ALL.len()] {
    let mut fastest = [f64::INFINITY; Contender::ALL.len()];
    let messages = f64::from(STRETCH) * TYPICAL.len() as f64;
    for _ in 0..stretches {
        for (contender, fastest) in Contender::ALL.into_iter().zip(&mut fastest) {
            let begin = Instant::now();
            read_all(contender, STRETCH);
            *fastest = fastest.min(begin.elapsed().as_secs_f64() * 1e9 / messages);
        }
    }
    fastest
}

/// Instructions of a run under valgrind, which counts every one and always the same.
fn counted(contender: usize, rounds: u32) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["loop", &contender.to_string(), &rounds.to_string()])
        .stdout(Stdio::null())
        .output()
        .context("cannot run `valgrind`: install it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind failed: {said}");
    instructions_in(&said).with_context(|| format!("valgrind counted nothing: {said}"))
}

/// The count in cachegrind's `I refs:` line (`I   refs:` in older ones).
fn instructions_in(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("refs:"))?;
    line.rsplit(':').next()?.trim().replace(',', "").parse().ok()
}

fn allocations() -> Result<[f64; Contender::ALL.len()]> {
    let binary = std::env::current_exe()?.with_file_name("bench-allocations");
    let output = Command::new(&binary)
        .output()
        .with_context(|| format!("cannot run {}: build all of benches/", binary.display()))?;
    ensure!(output.status.success(), "{} failed", binary.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn print(all: &[Measured], as_json: bool) -> Result<()> {
    let table = table(all);
    let mut out = std::io::stdout().lock();
    if !as_json {
        return Ok(write!(out, "{table}")?);
    }
    let rows = all.iter().map(|measured| {
        json!({
            "parser": measured.contender.name(),
            "nanoseconds": measured.nanoseconds,
            "instructions": measured.instructions,
            "allocations": measured.allocations,
            "right_of_20": right_of_typical(measured.contender),
            "wsinv": wsinv(measured.contender).word(),
        })
    });
    let reached = all.first().map(reaches);
    let value = json!({ "parsers": rows.collect::<Vec<_>>(), "reached": reached, "table": table });
    Ok(writeln!(out, "{value}")?)
}

fn table(all: &[Measured]) -> String {
    let line = |[name, instructions, nanoseconds, allocations, right, wsinv]: [&str; 6]| {
        format!(
            "| {name:<34} | {instructions:>12} | {nanoseconds:>6} | {allocations:>11} | {right:>11} | \
             {wsinv:<7} |\n"
        )
    };
    let heading = ["parser, a message", "instructions", "ns", "allocations", "right of 20", "wsinv"];
    let rule = ["---", "---:", "---:", "---:", "---:", "---"];
    let rows = all.iter().map(|measured| {
        let Measured { contender, nanoseconds, instructions, allocations } = measured;
        line([
            contender.name(),
            &format!("{instructions:.0}"),
            &format!("{nanoseconds:.0}"),
            &format!("{allocations:.1}"),
            &right_of_typical(*contender).to_string(),
            wsinv(*contender).word(),
        ])
    });
    let reached = all.first().is_some_and(reaches);
    let bar = line([
        if reached { "bar for cordboard: reached" } else { "bar for cordboard: MISSED" },
        &format!("<= {INSTRUCTIONS:.0}"),
        &format!("<= {NANOSECONDS:.0}"),
        "0",
        "20",
        "right",
    ]);
    [line(heading), line(rule)].into_iter().chain(rows).chain([bar]).collect()
}

/// Whether ours reaches its bars.
fn reaches(ours: &Measured) -> bool {
    ours.instructions <= INSTRUCTIONS
        && ours.nanoseconds <= NANOSECONDS
        && ours.allocations == 0.0
        && wsinv(ours.contender).word() == "right"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_says() {
        assert_eq!(instructions_in("==7== \n==7== I   refs:      1,234,567\n"), Some(1_234_567.0));
        assert_eq!(instructions_in("==7== I refs: 89\n"), Some(89.0));
        assert_eq!(instructions_in("nothing"), None);
    }
}
