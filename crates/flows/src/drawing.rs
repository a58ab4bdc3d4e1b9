//! Holding a drawing in a test's source against what was observed, and redrawing it.

use cordboard_ladder::{Ladder, ParseError, check, redraw, redrawn_source};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One test redraws at a time: several drawings may stand in one file.
static PEN: Mutex<()> = Mutex::new(());

/// In what `observed` differs from a drawing, in words.
pub(crate) fn difference(expected: &str, observed: &Ladder) -> Option<String> {
    match parsed(expected) {
        Ok(drawing) => check(&drawing, observed).err().map(|mismatch| mismatch.to_string()),
        Err(error) => Some(format!("the drawing cannot be read: {error}\nobserved:\n{observed}")),
    }
}

/// Puts what was observed in the place of the drawing `old` in the source file at `at`, keeping the choices that a
/// person made in it.
pub(crate) fn replace(old: &str, observed: &Ladder, at: &Location<'_>) -> Result<(), String> {
    let new = match parsed(old) {
        Ok(drawing) if !drawing.actors.is_empty() => redraw(&drawing, observed),
        Ok(_) | Err(_) => observed.clone(),
    };
    let _pen = PEN.lock();
    let path = source_file(at.file());
    let say = |error: &dyn std::fmt::Display| format!("{} cannot be redrawn: {error}", path.display());
    let source = std::fs::read_to_string(&path).map_err(|error| say(&error))?;
    let redrawn = redrawn_source(&source, at.line() as usize, old, &new).map_err(|error| say(&error))?;
    std::fs::write(&path, redrawn).map_err(|error| say(&error))
}

/// An empty text is an empty drawing.
fn parsed(text: &str) -> Result<Ladder, ParseError> {
    if text.trim().is_empty() { Ok(Ladder::default()) } else { Ladder::parse(text) }
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
        let told = difference(drawing, &observed).expect("they differ");
        assert!(told.contains("INVITE") && told.contains("BYE"), "{told}");
        assert_eq!(difference("", &Ladder::default()), None);
    }

    #[test]
    fn this_file_is_found() {
        assert!(source_file(file!()).is_file());
    }
}
