//! A network and process namespace of our own: no port clashes, nothing survives the run.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{self, Command};

use anyhow::{Context as _, Result, ensure};

/// Set in the environment of the runner, to how far inside it is.
const STAGE: &str = "CORDBOARD_BENCH_STAGE";

/// Starts the runner again inside a namespace, unless it is there already.
///
/// The first process of a namespace is deaf to the keyboard's interrupt, so that one only waits for
/// the runner that measures; its end is the end of everything in there.
///
/// # Errors
/// `unshare` or `ip` is missing, or the kernel forbids namespaces to this user.
pub(crate) fn enter() -> Result<()> {
    match env::var(STAGE).as_deref() {
        Ok("measuring") => Ok(()),
        Ok("waiting") => {
            let status = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            ensure!(
                status.context("cannot run `ip`: install iproute2")?.success(),
                "the loopback interface of the namespace does not come up"
            );
            let ended = again(Command::new(env::current_exe()?), "measuring").status()?;
            process::exit(ended.code().unwrap_or(1));
        }
        _ => {
            let mut unshare = Command::new("unshare");
            unshare.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
            if !rustix::process::geteuid().is_root() {
                unshare.args(["--user", "--map-root-user"]);
            }
            unshare.arg(env::current_exe()?);
            Err(again(unshare, "waiting").exec()).context("cannot run `unshare`: install util-linux")
        }
    }
}

/// The same arguments once more, at another stage.
fn again(mut command: Command, stage: &str) -> Command {
    command.args(env::args_os().skip(1)).env(STAGE, stage);
    command
}
