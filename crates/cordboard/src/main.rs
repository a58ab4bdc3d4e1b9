//! `cordboard`: switchboard, telephone and analyser in one binary.

use clap::Parser;
use cordboard::cli::{Cli, Command};
use cordboard::{check, ctl, flows, phone, serve};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = &mut io::stdout();
    let outcome: Result<(), String> = match &cli.command {
        Command::Serve(serve) => serve::run(serve, out).map_err(|error| error.to_string()),
        Command::Check(check) => check::run(check, out).map_err(|error| error.to_string()),
        Command::Ctl(ctl) => ctl::run(ctl, out).map_err(|error| error.to_string()),
        Command::Phone(phone) => phone::run(phone).map_err(|error| error.to_string()),
        Command::Flows(flows) => flows::run(flows, out).map_err(|error| error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => {
            // There is nowhere else to say that standard error is closed.
            let _ = writeln!(io::stderr(), "cordboard: {says}");
            ExitCode::FAILURE
        }
    }
}
