//! `cordboard check`: explains what is wrong with a configuration file.

use serde_json::{Value, json};
use std::io::{self, Write};

use crate::cli::Check;
use crate::config::{self, Faults};

/// Why a check does not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file is wrong.
    #[error("{0}")]
    Wrong(Faults),
    /// The file is wrong, and that was already said as JSON.
    #[error("this configuration cannot be used")]
    Told,
    /// It cannot be said.
    #[error("standard output fails: {0}")]
    Printing(#[from] io::Error),
}

/// Checks the file and everything it names.
pub fn run(check: &Check, out: &mut dyn Write) -> Result<(), CheckError> {
    let file = check.file.display();
    match config::load(&check.file) {
        Ok(config) if check.json => {
            let facts = json!({ "ok": true, "listeners": config.listen.len(), "users": config.users.len(), "faults": [] });
            writeln!(out, "{facts}")?;
        }
        Ok(config) => {
            writeln!(out, "{file} is fine: {} listeners, {} users", config.listen.len(), config.users.len())?;
        }
        Err(faults) if check.json => {
            let list: Vec<Value> = faults
                .iter()
                .map(|(line, column, fault)| {
                    json!({ "line": line, "column": column, "says": fault.says, "try": fault.tries })
                })
                .collect();
            writeln!(out, "{}", json!({ "ok": false, "faults": list }))?;
            return Err(CheckError::Told);
        }
        Err(faults) => return Err(CheckError::Wrong(faults)),
    }
    Ok(())
}
