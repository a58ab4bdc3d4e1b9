//! The parser benchmark, which is a binary of its own beside this one.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::Options;
use crate::report::Report;

/// Runs it and keeps what it says.
///
/// # Errors
/// It is not built, or fails.
pub(crate) fn beside_rivals(options: &Options, report: &mut Report) -> Result<()> {
    let binary = std::env::current_exe()?.with_file_name("bench-parser");
    let mut command = Command::new(&binary);
    command.arg("--json");
    if options.quick {
        command.arg("--quick");
    }
    let output = command
        .output()
        .with_context(|| format!("cannot run {}: build all of benches/", binary.display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the parser benchmark failed: {error}");
    let measured: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let table = measured["table"].as_str().unwrap_or_default().to_owned();
    report.notes.push((table, measured.clone()));
    report.parser = Some(measured);
    Ok(())
}
