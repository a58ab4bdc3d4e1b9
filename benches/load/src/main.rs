//! `bench-load calls|answer|registers`: plays the load and prints its tally as one line of JSON.

use bench_load::Command;
use clap::Parser;

#[derive(Parser)]
#[command(about = "A cheap SIP load generator for loopback")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> std::io::Result<()> {
    let tally = Cli::parse().command.run()?;
    println!("{}", serde_json::to_string(&tally)?);
    Ok(())
}
