//! A server under test: started, watched, ended.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal};

use crate::processes;
use crate::subject::{ANSWERER, Bench, CALLER, Part, SERVER, Setting, Subject};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(90);

/// How long it may take to end when asked to, before all of it is killed.
const END: Duration = Duration::from_secs(30);

/// How often it is looked at meanwhile.
const TICK: Duration = Duration::from_millis(20);

/// A running server, and the directory that holds all its files.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    dir: PathBuf,
}

impl Server {
    /// Starts `subject` and waits until it listens.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or does not listen in time; its output is quoted.
    pub(crate) fn start(bench: &Bench, subject: Subject, setting: Setting) -> Result<Self> {
        Self::start_under(bench, subject, setting, &[])
    }

    /// The same, started by another program that is told `wrapper` and then the command.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn start_under(
        bench: &Bench,
        subject: Subject,
        setting: Setting,
        wrapper: &[&str],
    ) -> Result<Self> {
        let dir = fresh_directory()?;
        let command = command(bench, subject, setting, &dir)?;
        Self::spawn(wrapped(command, wrapper, &dir), dir).with_context(|| format!("{subject} does not start"))
    }

    /// Starts a command that is expected to listen on the server's port.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn start_command(command: Command) -> Result<Self> {
        Self::spawn(command, fresh_directory()?)
    }

    fn spawn(mut command: Command, dir: PathBuf) -> Result<Self> {
        let log = File::create(dir.join("output"))?;
        let program = command.get_program().display().to_string();
        // A group of its own: a server that signals its group when it ends must not end us.
        let child = command
            .process_group(0)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run `{program}`"))?;
        let mut server = Self { child, dir };
        let begin = Instant::now();
        while !listens(SERVER) {
            let ended = server.child.try_wait()?;
            if ended.is_some() || begin.elapsed() > START {
                let why = if ended.is_some() { "it ended" } else { "it does not listen" };
                bail!("{why}; it said:\n{}", server.output());
            }
            thread::sleep(TICK);
        }
        Ok(server)
    }

    /// What it has printed.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.dir.join("output")).unwrap_or_default()
    }

    /// Nanoseconds that it has run.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn run_time(&self) -> Result<u64> {
        processes::run_time(&processes::family_of(self.child.id())).with_context(|| self.output())
    }

    /// Bytes resident.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn resident(&self) -> Result<u64> {
        processes::resident(&processes::family_of(self.child.id())).with_context(|| self.output())
    }

    /// Asks it to end, and waits.
    fn end(&mut self) {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        let begin = Instant::now();
        if matches!(self.child.try_wait(), Ok(None)) {
            // It may end by itself between the two: there is nobody to tell then.
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > END {
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
            }
            thread::sleep(TICK);
        }
        while listens(SERVER) && begin.elapsed() < END {
            thread::sleep(TICK);
        }
    }

    /// Ends it, and hands its directory to `read` before that is removed.
    ///
    /// # Errors
    /// What `read` says.
    pub(crate) fn finish<T>(mut self, read: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        self.end();
        read(&self.dir)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn command(bench: &Bench, subject: Subject, setting: Setting, dir: &Path) -> Result<Command> {
    match subject {
        _ if setting.part == Part::Telephone => crate::telephone::command(subject),
        Subject::Floor => {
            let mut command = Command::new(std::env::current_exe()?);
            let ports = [("--port", SERVER), ("--caller", CALLER), ("--answerer", ANSWERER)];
            command.arg("floor");
            for (name, port) in ports {
                command.arg(name).arg(port.to_string());
            }
            Ok(command)
        }
        Subject::Kamailio { workers, store } => crate::kamailio::command(dir, workers, store, setting),
        Subject::Cordboard => {
            let binary = bench.cordboard.as_deref().context("there is no cordboard to run")?;
            crate::cordboard::command(binary, dir, setting)
        }
    }
}

fn wrapped(command: Command, wrapper: &[&str], dir: &Path) -> Command {
    let Some((program, arguments)) = wrapper.split_first() else {
        return command;
    };
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args()).current_dir(dir);
    outer
}

fn fresh_directory() -> Result<PathBuf> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let name = format!("cordboard-bench-{:x}-{}", clock.as_micros(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    fs::create_dir(&dir)?;
    Ok(dir)
}

/// Whether some socket of the namespace is bound to this UDP port.
fn listens(port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let suffix = format!(":{port:04X}");
    let mut locals = sockets.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    locals.any(|local| local.ends_with(&suffix))
}
