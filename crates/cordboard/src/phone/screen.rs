//! What people and programs see: an object a line, or sentences, coloured on a terminal.

use cordboard_core::time::Instant;
use rustyline::ExternalPrinter;
use std::io::{self, IsTerminal, Write};

use super::report::{Mood, Report};

/// Where reports are shown.
pub(super) struct Screen {
    way: Way,
    json: bool,
    colours: bool,
}

enum Way {
    Plain,
    /// Above the line that is being typed.
    AroundPrompt(Box<dyn FnMut(String) -> io::Result<()> + Send>),
}

impl Screen {
    pub(super) fn plain(json: bool) -> Self {
        Self { way: Way::Plain, json, colours: io::stdout().is_terminal() && !json }
    }

    pub(super) fn around_prompt(mut printer: impl ExternalPrinter + Send + 'static, json: bool) -> Self {
        let print = move |line: String| printer.print(line).map_err(io::Error::other);
        Self { way: Way::AroundPrompt(Box::new(print)), json, colours: !json }
    }

    /// Whether programs read what is shown.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Shows something that happened.
    pub(super) fn show(&mut self, at: Instant, report: &Report) -> io::Result<()> {
        if self.json {
            return self.print(&report.to_json(at));
        }
        let line = if self.colours { coloured(report) } else { report.says.clone() };
        self.print(&line)
    }

    /// Shows words.
    pub(super) fn print(&mut self, line: &str) -> io::Result<()> {
        match &mut self.way {
            Way::Plain => {
                let mut out = io::stdout().lock();
                writeln!(out, "{line}")?;
                out.flush()
            }
            Way::AroundPrompt(print) => print(format!("{line}\n")),
        }
    }
}

fn coloured(report: &Report) -> String {
    let colour = match report.mood {
        Mood::Plain => return report.says.clone(),
        Mood::Good => 32,
        Mood::Bad => 31,
        Mood::Asking => 33,
    };
    format!("\u{1b}[{colour}m{}\u{1b}[0m", report.says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moods_have_colours() {
        let report = |mood| Report::new("ended", mood, "over".into());
        assert_eq!(coloured(&report(Mood::Plain)), "over");
        assert_eq!(coloured(&report(Mood::Bad)), "\u{1b}[31mover\u{1b}[0m");
    }
}
