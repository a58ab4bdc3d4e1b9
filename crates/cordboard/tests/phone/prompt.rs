//! A person at a terminal: prompt, history, help, and Ctrl-C.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `cordboard phone` on a terminal that `script` makes.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start() -> Self {
        let phone = format!("{} phone --user alice --listen 127.0.0.1", env!("CARGO_BIN_EXE_cordboard"));
        let mut child = Command::new("script")
            .args(["-qec", &phone, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux makes a terminal");
        let mut pipe = child.stdout.take().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut room = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut room) {
                if send.send(room[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, output, shown: String::new() }
    }

    fn types(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown, and forgets what was shown before and with it.
    #[track_caller]
    fn shows(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(words) {
                self.shown.drain(..at + words.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("{words} is not shown: {}", self.shown),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {words}: {}", self.shown),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_has_a_prompt_a_history_and_help() {
    const UP: &str = "\u{1b}[A";
    let mut terminal = Terminal::start();
    terminal.shows("for alice");
    terminal.shows("`help`");
    terminal.shows("cordboard> ");
    terminal.types("calls\r");
    terminal.shows("there is no call");
    terminal.shows("cordboard> ");
    terminal.types("dail bob\r");
    terminal.shows("\u{1b}[31m");
    terminal.shows("try `dial`");
    terminal.shows("cordboard> ");
    terminal.types(&format!("{UP}{UP}\r"));
    terminal.shows("there is no call");
    terminal.shows("cordboard> ");
    terminal.types("help\r");
    terminal.shows("transfer [N] WHOM");
    terminal.shows("park [N] SERVER");
    terminal.shows("cordboard> ");
    terminal.types("\u{3}");
    assert!(terminal.child.wait().unwrap().success());
}
