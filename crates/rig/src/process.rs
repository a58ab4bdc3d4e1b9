//! A program that runs beside the test, its output kept in a file and also offered line by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A running program; it is killed when the value is dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Program {
    /// Starts `command`. What it prints on either stream goes to `log` and, line by line, to [`Program::line`].
    pub fn start(name: &str, mut command: Command, log: &Path) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let file = File::create(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let (sender, lines) = channel();
        let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            let mut file = file.try_clone().expect("a log file can be shared");
            thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                let mut line = Vec::new();
                while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                    // A log that cannot be written is no reason to stop listening.
                    let _ = file.write_all(&line);
                    let _ = sender.send(String::from_utf8_lossy(&line).trim_end().to_owned());
                    line.clear();
                }
            });
        }
        Self { name: name.to_owned(), child, lines, log: log.to_owned() }
    }

    /// The program's standard input, if it was piped; only the first caller gets it.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The next line it printed, or `None` when `until` came first or it has closed its output.
    pub fn line(&mut self, until: Instant) -> Option<String> {
        let left = until.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).ok()
    }

    /// Reads lines until `wanted` recognises one, and gives what it made of it.
    #[track_caller]
    pub fn wait_line<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let end = Instant::now() + within;
        while let Some(line) = self.line(end) {
            if let Some(found) = wanted(&line) {
                return found;
            }
        }
        panic!(
            "{} did not print {what} within {within:?}; its output is in {}",
            self.name,
            self.log.display()
        );
    }

    /// Its exit status, once it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends it the signal called `name` (`INT`, `HUP`).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("kill starts");
        assert!(sent.success(), "{} cannot be signalled", self.name);
    }

    /// Waits for it to end by itself and gives its exit status.
    #[track_caller]
    pub fn wait_end(&mut self, within: Duration) -> ExitStatus {
        let what = format!("the end of {} (its output is in {})", self.name, self.log.display());
        crate::deadline::wait_for(&what, within, || self.ended())
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended before, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Where its output is kept.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process number, for reading its memory or processor time.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
