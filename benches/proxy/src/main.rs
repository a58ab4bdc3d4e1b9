//! Runs the floor, a peer and Cordboard under the same load, in turn, and prints the ratios.
//!
//! `bench-runner all` is what `make bench` calls. Each measure is a subcommand too. The runner plays
//! the floor and the load itself, as processes of its own, so one binary is all there is to build.

mod agreement;
mod cordboard;
mod instructions;
mod kamailio;
mod load;
mod measures;
mod memory;
mod namespace;
mod parser;
mod processes;
mod report;
mod rounds;
mod server;
mod subject;
mod telephone;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::report::Report;

#[derive(Parser)]
#[command(about = "Measures Cordboard beside a null proxy and a peer, under the same load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

/// What every measure can be told.
#[derive(Clone, Debug, Args)]
struct Options {
    /// Short runs: to see that it works, not to quote.
    #[arg(long, global = true)]
    quick: bool,
    /// Print one JSON object instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// Rounds of alternating runs; the median counts.
    #[arg(long, global = true, default_value_t = 3)]
    rounds: usize,
    /// Calls a second at which processor time is measured.
    #[arg(long, global = true, default_value_t = 4000)]
    call_rate: u32,
    /// The `cordboard` binary; by default the release build of this repository.
    #[arg(long, global = true)]
    cordboard: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Everything below, except `agree`.
    All,
    /// Processor time of a call through a stateful proxy that stays in the path.
    Calls,
    /// Processor time of a registration that refreshes, without and with digest.
    Registers,
    /// The highest rate of calls held.
    Rate,
    /// Bytes a binding, bytes a proxied call, and what is resident.
    Memory,
    /// The user agent: processor time of a call answered and of a transfer, bytes a call.
    Telephone,
    /// Instructions a call, counted by valgrind.
    Instructions,
    /// The parser beside its rivals.
    Parser,
    /// Whether the floor and the load agree with yardsticks given as binaries.
    Agree(agreement::Yardsticks),
    /// The null proxy itself.
    #[command(hide = true)]
    Floor(bench_floor::Floor),
    /// The load itself.
    #[command(hide = true, subcommand)]
    Load(bench_load::Command),
}

fn main() -> Result<()> {
    let Cli { command, options } = Cli::parse();
    match command {
        Command::Floor(floor) => return Ok(floor.run()?),
        Command::Load(load) => {
            println!("{}", serde_json::to_string(&load.run()?)?);
            return Ok(());
        }
        _ => namespace::enter()?,
    }
    let bench = subject::Bench::new(&options)?;
    let mut report = Report::default();
    match command {
        Command::All => {
            measures::calls(&bench, &mut report)?;
            measures::registers(&bench, &mut report)?;
            measures::rate(&bench, &mut report)?;
            memory::all(&bench, &mut report)?;
            telephone::all(&bench, &mut report)?;
            instructions::calls(&bench, &mut report)?;
            parser::beside_rivals(&options, &mut report)?;
        }
        Command::Calls => measures::calls(&bench, &mut report)?,
        Command::Registers => measures::registers(&bench, &mut report)?,
        Command::Rate => measures::rate(&bench, &mut report)?,
        Command::Memory => memory::all(&bench, &mut report)?,
        Command::Telephone => telephone::all(&bench, &mut report)?,
        Command::Instructions => instructions::calls(&bench, &mut report)?,
        Command::Parser => parser::beside_rivals(&options, &mut report)?,
        Command::Agree(yardsticks) => agreement::all(&bench, &yardsticks, &mut report)?,
        Command::Floor(_) | Command::Load(_) => {}
    }
    report.print(options.json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_keeps_its_own_arguments() {
        let line = "bench-runner load calls --proxy 1 --caller 2 --rate 2.5 --calls 3";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Load(bench_load::Command::Calls(calls)) = cli.command else {
            panic!("that is no load of calls");
        };
        assert_eq!((calls.calls, cli.options.call_rate), (3, 4000));
    }
}
