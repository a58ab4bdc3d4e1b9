//! A network and process namespace of our own: no port clashes, nothing survives the run.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Set in the environment of the runner that is already inside.
const INSIDE: &str = "CORDBOARD_BENCH_INSIDE";

/// Starts the runner again inside a namespace, unless it is there already.
///
/// # Errors
/// `unshare` or `ip` is missing, or the kernel forbids namespaces to this user.
pub(crate) fn enter() -> Result<()> {
    if env::var_os(INSIDE).is_some() {
        let status = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        ensure!(
            status.context("cannot run `ip`: install iproute2")?.success(),
            "the loopback interface of the namespace does not come up"
        );
        return Ok(());
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.arg(env::current_exe()?).args(env::args_os().skip(1)).env(INSIDE, "1");
    Err(unshare.exec()).context("cannot run `unshare`: install util-linux")
}
