//! Our own configuration: the defaults, with metrics and the message ring as they are in service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::subject::{DOMAIN, HTTP, PASSWORD, SERVER, Setting};

/// Where the release build of this repository stands.
pub(crate) fn release_build() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/cordboard")
}

/// The command that starts `binary`, its configuration written into `dir`.
///
/// # Errors
/// The configuration cannot be written.
pub(crate) fn command(binary: &Path, dir: &Path, setting: Setting) -> Result<Command> {
    let file = dir.join("cordboard.toml");
    fs::write(&file, configuration(dir, setting))?;
    let mut command = Command::new(binary);
    command.arg("serve").arg("--config").arg(file).current_dir(dir);
    Ok(command)
}

fn configuration(dir: &Path, Setting { digest, users, .. }: Setting) -> String {
    let data = dir.join("data");
    let data = data.display();
    let range = if users == 0 {
        String::new()
    } else {
        format!(
            "\n[[user_range]]\nprefix = \"u\"\ncount = {users}\ndigits = 6\n\
             password = \"{PASSWORD}\"\n"
        )
    };
    format!(
        "domain = \"{DOMAIN}\"\n\
         data = \"{data}\"\n\
         \n\
         [[listen]]\n\
         transport = \"udp\"\n\
         address = \"127.0.0.1:{SERVER}\"\n\
         \n\
         [http]\n\
         address = \"127.0.0.1:{HTTP}\"\n\
         \n\
         [auth]\n\
         calls = false\n\
         registers = {digest}\n\
         \n\
         [[user]]\n\
         name = \"alice\"\n\
         password = \"{PASSWORD}\"\n\
         \n\
         [[user]]\n\
         name = \"bob\"\n\
         password = \"{PASSWORD}\"\n\
         {range}"
    )
}
