//! The place where one test happens: a network, a process table and a directory of its own.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::deadline::wait_for;

/// How long one test may take; the runner's own limit (120 s) lies just above.
const LIMIT: Duration = Duration::from_secs(115);

/// Names the directory to the process inside; that it is set says that we are inside.
const INSIDE: &str = "CORDBOARD_RIG_PLACE";

/// What every test needs beyond the programs it names.
const ALWAYS: [&str; 3] = ["unshare", "ip", "kill"];

/// Where a test stands: its directory, in a namespace whose loopback is all the network there is.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
}

impl Place {
    /// The directory of this test; it is kept when the test fails.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A directory called `name` inside, made now.
    pub fn subdirectory(&self, name: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

/// Runs `body` in network, process and mount namespaces of its own, with `programs` at hand.
///
/// The test binary runs itself again under `unshare` with the calling test selected, which is how it also works
/// under `cargo test`; everything started inside dies with it. Where a program is missing or we are not root, the test
/// fails if `CI=true`, and otherwise says `skipped: ...` and adds that line to `skipped-tests.txt` in the target
/// directory, for the final summary to count.
pub fn isolated<F: FnOnce(&Place)>(programs: &[&str], body: F) {
    if let Some(directory) = env::var_os(INSIDE) {
        furnish();
        body(&Place { directory: directory.into() });
        return;
    }
    // The runner names each test's thread after the test.
    let test = thread::current().name().expect("a test has a name").to_owned();
    if let Some(reason) = obstacle(programs) {
        skip(&test, &reason);
        return;
    }
    run_inside(&test);
}

/// Gives the namespace a loopback that phones accept.
fn furnish() {
    ip("link set lo up");
    // linphone takes a host whose default route starts at 127.0.0.1 for one without network, and drops its
    // connections five seconds later.
    ip("address add 192.0.2.1/32 dev lo");
    ip("route add default dev lo src 192.0.2.1");
}

/// Runs `ip` with `arguments`.
pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("ip starts");
    assert!(status.success(), "ip {arguments} failed");
}

fn obstacle(programs: &[&str]) -> Option<String> {
    if let Some(missing) = ALWAYS.iter().chain(programs).find(|name| !installed(name)) {
        return Some(format!("{missing} is not installed"));
    }
    let root = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    (!root).then(|| "network namespaces need root".to_owned())
}

/// A program is looked for in the path, and whatever has a path of its own there.
fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).any(|file| file.exists() && !file.is_dir())
}

fn skip(test: &str, reason: &str) {
    let line = format!("skipped: {test}: {reason}");
    assert!(env::var("CI").as_deref() != Ok("true"), "{line}, and CI=true allows no skipping");
    eprintln!("{line}");
    let list = target_directory().join("skipped-tests.txt");
    let added = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&list)
        .and_then(|mut file| writeln!(file, "{line}"));
    if let Err(error) = added {
        panic!("{}: {error}, so that this skipped test would go uncounted", list.display());
    }
}

/// `target`, found from the test executable at `target/PROFILE/deps/NAME`.
fn target_directory() -> PathBuf {
    profile_directory().parent().expect("a profile directory lies in a target directory").to_owned()
}

/// `target/PROFILE`, found from the test executable.
pub(crate) fn profile_directory() -> PathBuf {
    let executable = env::current_exe().expect("a running test has an executable");
    let deps = executable.parent().expect("an executable lies in a directory");
    deps.parent().expect("a test executable lies in target/PROFILE/deps").to_owned()
}

fn run_inside(test: &str) {
    let directory =
        env::temp_dir().join(format!("cordboard-rig-{}-{}", test.replace("::", "-"), std::process::id()));
    fs::create_dir_all(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let log = directory.join("test.log");
    let output = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let mut inside = Command::new("unshare")
        .args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(env::current_exe().expect("a running test has an executable"))
        .args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"])
        .env(INSIDE, &directory)
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a log file can be shared"))
        .stderr(output)
        .spawn()
        .expect("unshare starts");
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for(test, LIMIT, || inside.try_wait().ok().flatten())
    }));
    if end.is_err() {
        // Killing it takes everything in its process namespace with it.
        let _ = inside.kill();
        let _ = inside.wait();
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    if end.is_ok_and(|status| status.success()) && said.contains("test result: ok. 1 passed") {
        eprint!("{said}");
        // What stays behind is only a temporary directory.
        let _ = fs::remove_dir_all(&directory);
        return;
    }
    panic!("{said}\n{test} failed; everything it left is in {}", directory.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_installed() {
        assert!(installed("sh"));
        assert!(installed("/dev/null"));
        assert!(!installed("a-telephone-from-1923"));
        assert!(!installed("/dev/a-telephone-from-1923"));
    }
}
