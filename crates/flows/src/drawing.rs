//! Holding a drawing in a test's source against what was observed, and redrawing it.

use cordboard_ladder::{Ladder, ParseError, check, redraw, redrawn_source};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One test redraws at a time: several drawings may stand in one file.
static PEN: Mutex<()> = Mutex::new(());

/// Whether `observed` is what the drawing says; in words if not. With `UPDATE_DRAWINGS=1` the drawing at `at` is
/// replaced instead, if it `may_redraw`.
pub(crate) fn hold(
    expected: &str,
    observed: &Ladder,
    may_redraw: bool,
    at: &Location<'_>,
) -> Result<(), String> {
    let drawing = parsed(expected).map_err(|error| error.to_string());
    let differs = match &drawing {
        Ok(drawing) => check(drawing, observed).err().map(|mismatch| mismatch.to_string()),
        Err(error) => Some(format!("the drawing cannot be read: {error}\nobserved:\n{observed}")),
    };
    let Some(differs) = differs else { return Ok(()) };
    if !may_redraw || std::env::var_os("UPDATE_DRAWINGS").is_none_or(|value| value != "1") {
        return Err(differs);
    }
    let new = drawing.map_or_else(|_| observed.clone(), |drawing| redraw(&drawing, observed));
    replace(expected, &new, at)
}

/// An empty text is an empty drawing.
fn parsed(text: &str) -> Result<Ladder, ParseError> {
    if text.trim().is_empty() { Ok(Ladder::default()) } else { Ladder::parse(text) }
}

fn replace(old: &str, new: &Ladder, at: &Location<'_>) -> Result<(), String> {
    let _pen = PEN.lock();
    let path = source_file(at.file());
    let say = |error: &dyn std::fmt::Display| format!("{} cannot be redrawn: {error}", path.display());
    let source = std::fs::read_to_string(&path).map_err(|error| say(&error))?;
    let redrawn = redrawn_source(&source, at.line() as usize, old, new).map_err(|error| say(&error))?;
    std::fs::write(&path, redrawn).map_err(|error| say(&error))
}

/// The compiler names files from the root of the workspace.
fn source_file(named: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    root.join(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_that_differs_is_told_with_both_drawings() {
        let drawing = "
            alice        bob
              |--INVITE-->|
        ";
        let observed = Ladder::parse("alice bob\n |--BYE-->|").unwrap();
        let told = hold(drawing, &observed, false, Location::caller()).unwrap_err();
        assert!(told.contains("INVITE") && told.contains("BYE"), "{told}");
        assert_eq!(hold("", &Ladder::default(), false, Location::caller()), Ok(()));
    }

    #[test]
    fn this_file_is_found() {
        assert!(source_file(file!()).is_file());
    }
}
