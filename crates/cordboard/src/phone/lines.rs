//! Where lines come from: a script on standard input, or a person at a prompt. The next one is read when it is wanted.

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::io::{self, BufRead, IsTerminal, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::happening::{Happening, Happenings};
use super::screen::Screen;
use super::verb::MAX_LINE;

/// What stands before a line that is typed.
const PROMPT: &str = "cordboard> ";

/// Somebody who gives lines.
pub(super) struct Lines {
    wanted: SyncSender<()>,
    /// Whether somebody types them.
    pub(super) are_typed: bool,
}

impl Lines {
    /// Begins to read, as a person at a terminal if it is one. Gives also the screen that leaves the prompt alone.
    pub(super) fn start(happenings: &Happenings, json: bool) -> io::Result<(Self, Screen)> {
        let (wanted, wants) = sync_channel(1);
        let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if terminal && let Ok(mut editor) = DefaultEditor::new() {
            let printer = editor.create_external_printer().map_err(io::Error::other)?;
            let happenings = happenings.clone();
            spawn(move || type_lines(editor, &wants, &happenings))?;
            return Ok((Self { wanted, are_typed: true }, Screen::around_prompt(printer, json)));
        }
        let happenings = happenings.clone();
        spawn(move || read_lines(&mut io::stdin().lock(), &wants, &happenings))?;
        Ok((Self { wanted, are_typed: false }, Screen::plain(json)))
    }

    /// Asks for the next line.
    pub(super) fn want(&self) {
        // It is full if a line is wanted already, and closed if there are none: that was told.
        let _ = self.wanted.try_send(());
    }
}

fn spawn(read: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("lines".into()).spawn(read).map(drop)
}

/// A script, a line at a time.
fn read_lines(script: &mut impl BufRead, wants: &Receiver<()>, happenings: &Happenings) {
    while wants.recv().is_ok() {
        let mut line = Vec::new();
        // A line that is too long is found out by whoever reads it; what follows it is another.
        let read = script.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut line);
        let happening = match read {
            Ok(0) | Err(_) => Happening::NoMoreLines,
            Ok(_) => Happening::Line(String::from_utf8_lossy(&line).trim_end().to_owned()),
        };
        let over = matches!(happening, Happening::NoMoreLines);
        if !happenings.add_waiting(happening) || over {
            return;
        }
    }
}

/// A person, with a prompt and a history.
fn type_lines(mut editor: DefaultEditor, wants: &Receiver<()>, happenings: &Happenings) {
    while wants.recv().is_ok() {
        let happening = match editor.readline(PROMPT) {
            Ok(line) => {
                // What does not fit into the history can be typed again.
                let _ = editor.add_history_entry(&line);
                Happening::Line(line)
            }
            Err(ReadlineError::Interrupted) => Happening::Interrupted,
            Err(_) => Happening::NoMoreLines,
        };
        let over = matches!(happening, Happening::NoMoreLines);
        if !happenings.add_waiting(happening) || over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_script_is_read_line_by_line_and_only_when_wanted() {
        let (happenings, looking) = Happenings::new();
        let (wanted, wants) = sync_channel(8);
        let next = || looking.next(Duration::ZERO);
        (0..4).for_each(|_| wanted.send(()).unwrap());
        let long = "x".repeat(MAX_LINE + 10);
        read_lines(&mut format!("dial bob\r\n{long}\n").as_bytes(), &wants, &happenings);
        assert!(matches!(next(), Some(Happening::Line(line)) if line == "dial bob"));
        assert!(matches!(next(), Some(Happening::Line(line)) if line.len() > MAX_LINE));
        assert!(matches!(next(), Some(Happening::Line(line)) if line.len() < 10));
        assert!(matches!(next(), Some(Happening::NoMoreLines)));
        drop(wanted);
        read_lines(&mut &b"dial bob\n"[..], &wants, &happenings);
        assert!(next().is_none(), "nobody wants a line");
    }
}
