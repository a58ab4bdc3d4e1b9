//! `JsSIP` and SIP.js telephones in headless Chromium: each scenario of `tests/browser/scenarios` against the switchboard.
//!
//! A scenario proves itself who hears whom, and prints a line of JSON a step; here it gets its switchboard, its users
//! and its packages, and must end with status 0.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use cordboard_rig::switchboard::binary;
use cordboard_rig::{Place, Switchboard, Transport, isolated};
use serde_json::{Value, json};

/// What a scenario needs from the system; the packages of `package-lock.json` come by `npm ci`.
const PROGRAMS: [&str; 3] = ["node", "npm", "chromium"];

/// The fourth telephone of the transfer scenarios, beside the switchboard's own alice, bob and carol.
const FOURTH: &str = "bill";

/// The listeners for browsers. A certificate names the domain, so the secure one is called by that name.
const WS: &str = "ws://127.0.0.1:5080";
const WSS_PORT: u16 = 5443;

/// One test a scenario, named like its file.
macro_rules! scenarios {
    ($($name:ident)*) => {
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                install_packages();
                isolated(&PROGRAMS, |place| play(place, stringify!($name)));
            }
        )*
    };
}

scenarios! {
    call
    hold_resume
    register_ws
    register_wss
    reload
    transfer_attended
    transfer_unattended
    transfer_with_phones
}

#[test]
fn every_scenario_has_its_test() {
    let folder = browser_tests().join("scenarios");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, SCENARIOS, "the files in {} and the tests here", folder.display());
}

fn play(place: &Place, scenario: &str) {
    let switchboard = Switchboard::start_with(place, &[FOURTH.to_owned()]);
    let domain = switchboard.domain();
    let users = place.directory().join("users.json");
    fs::write(&users, directory(&switchboard).to_string()).expect("the directory of the test can be written");
    let status = Command::new("node")
        .current_dir(browser_tests())
        .args(["run.mjs", "--scenario", scenario, "--domain", domain, "--ws", WS])
        .args(["--wss", &format!("wss://{domain}:{WSS_PORT}"), "--resolve", &format!("{domain}=127.0.0.1")])
        .arg("--ca")
        .arg(switchboard.authority())
        .args(["--udp", switchboard.address(Transport::Udp), "--phone"])
        .arg(binary())
        .arg("--users")
        .arg(users)
        .arg("--trace")
        .arg(place.directory().join("sip"))
        .stdin(Stdio::null())
        .status()
        .expect("node starts");
    assert!(status.success(), "scenario {scenario} ended with {status}");
}

/// The four users in the form that `run.mjs` reads.
fn directory(switchboard: &Switchboard) -> Value {
    (0..4)
        .map(|number| switchboard.user(number))
        .map(|(user, password)| json!({ "user": user, "password": password }))
        .collect()
}

/// Runs `npm ci` unless the packages are there and as new as the lock file. It needs the network, so it comes before
/// the namespace; tests that start together wait for one another.
fn install_packages() {
    let folder = browser_tests();
    let lock = folder.join("package-lock.json");
    let guard = File::open(&lock).expect("package-lock.json is part of the repository");
    guard.lock().expect("package-lock.json can be locked");
    // npm writes this file last.
    if changed(&folder.join("node_modules/.package-lock.json")) >= changed(&lock) {
        return;
    }
    match Command::new("npm").arg("ci").current_dir(&folder).stdin(Stdio::null()).status() {
        Ok(status) => assert!(status.success(), "npm ci in {} ended with {status}", folder.display()),
        // Without npm the test is skipped or refused by `isolated`, which knows when that is allowed.
        Err(error) => eprintln!("npm does not start: {error}"),
    }
}

/// When `file` was written last; `None`, which sorts before every time, while it does not exist.
fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|facts| facts.modified()).ok()
}

fn browser_tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser")
}
