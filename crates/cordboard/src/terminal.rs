//! What is known of the window in which people read.

use std::io::{self, IsTerminal};

/// Where the window does not say how wide it is.
const USUAL_COLUMNS: usize = 100;

/// How wide the window is, as shells tell it.
pub fn columns() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(USUAL_COLUMNS)
}

/// Whether colours are welcome: standard output is a terminal, and nobody said `NO_COLOR`.
pub fn has_color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
