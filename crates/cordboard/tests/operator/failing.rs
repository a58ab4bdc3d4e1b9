//! What cannot work says why and what to try, and does not exit with 0.

use crate::served::{OPEN, Served, cordboard, failing, write};
use std::net::UdpSocket;

#[test]
fn a_bad_configuration_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "bad.toml", &format!("{OPEN}[registrar]\nmax_contact = 5\n"));
    let place = format!("{}:11:1: unknown field `max_contact`", file.display());
    for command in [cordboard().arg("check").arg(&file), cordboard().args(["serve", "--config"]).arg(&file)] {
        let says = failing(command);
        assert!(says.contains(&place) && says.contains("try: `max_contacts` instead"), "{says}");
    }
    let output = cordboard().arg("check").arg(&file).arg("--json").output().unwrap();
    assert!(!output.status.success());
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&facts["ok"], &facts["faults"][0]["line"]), (&false.into(), &11.into()));

    let says = failing(cordboard().arg("check").arg(folder.path().join("none.toml")));
    assert!(says.contains("cannot be read") && says.contains("cordboard.example.toml"), "{says}");
}

#[test]
fn a_good_configuration_is_called_fine() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "good.toml", OPEN);
    let output = cordboard().arg("check").arg(&file).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("is fine: 1 listeners, 0 users"));
}

#[test]
fn an_occupied_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let file = write(
        folder.path(),
        "c.toml",
        &OPEN.replace("\"127.0.0.1:0\"\n[http]", &format!("\"{address}\"\n[http]")),
    );
    let says = failing(cordboard().args(["serve", "--config"]).arg(&file));
    assert!(says.contains(&format!("udp {address} is in use")) && says.contains("another port"), "{says}");
}

#[test]
fn two_switchboards_do_not_share_ports_or_data() {
    let first = Served::start(OPEN);
    let says = failing(cordboard().args(["serve", "--config"]).arg(first.config()));
    assert!(says.contains("in use by another cordboard") && says.contains("data"), "{says}");

    let http = first.address("http");
    let folder = tempfile::tempdir().unwrap();
    let other = write(
        folder.path(),
        "c.toml",
        &OPEN.replace("[http]\naddress = \"127.0.0.1:0\"", &format!("[http]\naddress = \"{http}\"")),
    );
    let says = failing(cordboard().args(["serve", "--config"]).arg(&other));
    assert!(
        says.contains(&format!("http {http} cannot be opened")) && says.contains("choose another"),
        "{says}"
    );
}

#[test]
fn an_unreadable_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let secure = OPEN.replace("transport = \"udp\"", "transport = \"tls\"");
    let missing = format!("{secure}[tls]\ncertificate = \"none.pem\"\nkey = \"none.key\"\n");
    let says = failing(cordboard().args(["serve", "--config"]).arg(write(folder.path(), "a.toml", &missing)));
    assert!(says.contains("none.pem cannot be read") && says.contains("try:"), "{says}");

    write(folder.path(), "bad.pem", "no certificate");
    let useless = missing.replace("none", "bad").replace("bad.key", "bad.pem");
    let says = failing(cordboard().args(["serve", "--config"]).arg(write(folder.path(), "b.toml", &useless)));
    assert!(says.contains("bad.pem is not usable"), "{says}");
}

#[test]
fn a_switchboard_that_does_not_run_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let says = failing(cordboard().args(["ctl", "--data"]).arg(folder.path()).arg("registrations"));
    assert!(says.contains("cannot be read") && says.contains("cordboard serve"), "{says}");
    let says = failing(cordboard().args(["ctl", "calls"]).current_dir(folder.path()));
    assert!(says.contains("--config FILE"), "{says}");

    let mut served = Served::start(OPEN);
    served.end();
    let says = served.refuses(&["calls"]);
    assert!(says.contains("no switchboard answers") && says.contains("is it running?"), "{says}");
}

#[test]
fn the_demo_says_what_to_do_next() {
    let mut demo =
        Served::run(tempfile::tempdir().unwrap(), cordboard().args(["serve", "--demo", "--port", "0"]));
    let names: Vec<&str> = demo.listening.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["udp", "tcp", "tls", "ws", "wss", "http"]);
    demo.signal("TERM");
    let mut said = String::new();
    while let Some(line) = demo.line() {
        said.push_str(&line);
        said.push('\n');
    }
    for word in ["alice", "bob", "carol", "bill", "What to do next", "ctl --data", "ca.pem"] {
        assert!(said.contains(word), "{word} is missing:\n{said}");
    }
    let data = said.split("ctl --data ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(data.contains("cordboard-demo-"), "{data}");
    demo.end_after_signal();
    assert!(!std::path::Path::new(data).exists(), "its place is gone");
}
