//! The peer's configuration: what Cordboard does by default, and nothing more.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::subject::{PASSWORD, SERVER, Setting, Store};

/// Where Debian keeps the tables of its SQLite module.
const TABLES: &str = "/usr/share/kamailio/db_sqlite";

/// The realm of its challenges. The load answers any; a yardstick may know only this one.
const REALM: &str = "lab";

/// How long the peer keeps a finished transaction by default, in milliseconds.
const SHORT_WAIT: u32 = 5_000;

/// 64·T1 (RFC 3261 §17.1.1.1), in milliseconds.
const LONG_WAIT: u32 = 32_000;

/// The command that starts it, its configuration written into `dir`.
///
/// # Errors
/// The configuration cannot be written, or the tables of its store cannot be made.
pub(crate) fn command(dir: &Path, workers: u8, store: Store, setting: Setting) -> Result<Command> {
    let file = dir.join("kamailio.cfg");
    let store = match store {
        Store::Memory => "modparam(\"usrloc\", \"db_mode\", 0)\n".to_owned(),
        Store::WriteBack => write_back(dir)?,
    };
    fs::write(&file, configuration(&store, setting))?;
    let mut command = Command::new("kamailio");
    // The default allocators are debugging ones, two to three times slower: `fm` is the fast one.
    command
        .args(["-DD", "-E", "-x", "fm", "-X", "fm", "-m", "4096", "-M", "32"])
        .args(["-b", "4194304", "-n", &workers.to_string()])
        .arg("-f")
        .arg(file)
        .arg("-Y")
        .arg(dir)
        .current_dir(dir);
    Ok(command)
}

fn write_back(dir: &Path) -> Result<String> {
    let database = dir.join("kamailio.sqlite");
    for tables in ["standard", "usrloc"] {
        let script = fs::File::open(format!("{TABLES}/{tables}-create.sql"))
            .context("install the Debian package `kamailio-sqlite-modules`")?;
        let status = Command::new("sqlite3")
            .arg(&database)
            .stdin(script)
            .stdout(Stdio::null())
            .status()
            .context("install the Debian package `sqlite3`")?;
        ensure!(status.success(), "sqlite3 could not make the tables of {tables}");
    }
    let database = database.display();
    Ok(format!(
        "loadmodule \"db_sqlite.so\"\n\
         modparam(\"usrloc\", \"db_mode\", 2)\n\
         modparam(\"usrloc\", \"db_url\", \"sqlite://{database}\")\n"
    ))
}

fn configuration(store: &str, setting: Setting) -> String {
    let digest = if setting.digest {
        format!(
            "    if (!pv_www_authenticate(\"{REALM}\", \"{PASSWORD}\", \"0\")) {{\n      \
             www_challenge(\"{REALM}\", \"1\"); exit;\n    }}\n"
        )
    } else {
        String::new()
    };
    let wait = if setting.long_transactions { LONG_WAIT } else { SHORT_WAIT };
    format!(
        r#"#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:{SERVER}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
{store}
# 65,536 buckets: the default of 1,024 is not meant for half a million bindings.
modparam("usrloc", "hash_size", 16)
modparam("rr", "enable_full_lr", 1)
modparam("tm", "wt_timer", {wait})

request_route {{
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ if (!t_relay()) {{ sl_reply_error(); }} exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    sl_send_reply("404", "Not Here");
    exit;
  }}
  if (is_method("REGISTER")) {{
{digest}    if (!save("location")) {{ sl_reply_error(); }}
    exit;
  }}
  t_check_trans();
  if (is_method("INVITE")) {{ record_route(); }}
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  if (!t_relay()) {{ sl_reply_error(); }}
}}
"#
    )
}
