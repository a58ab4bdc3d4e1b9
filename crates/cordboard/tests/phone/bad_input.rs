//! Whatever somebody gets wrong is answered with a sentence: what is wrong and what to try; and no secret is shown.

use crate::programs::{Demo, Phone, cordboard};
use std::net::UdpSocket;
use std::process::Stdio;

const SECRET: &str = "tr0ub4dor";

/// What a telephone says that cannot start.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let mut command = cordboard();
    command.arg("phone").args(arguments).stdin(Stdio::null()).env("CORDBOARD_PASSWORD", SECRET);
    let output = command.output().unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {says}");
    assert!(says.starts_with("cordboard: ") && says.contains("try"), "{says}");
    for word in ["panicked", "unwrap", "Err(", "Some(", SECRET] {
        assert!(!says.contains(word), "`{word}` is in\n{says}");
    }
    says
}

#[test]
fn each_wrong_option_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let occupied = taken.local_addr().unwrap().to_string();
    let noise = write("noise.wav", "this is no sound");
    let empty = write("empty", "\n");
    let unknown = write("unknown.toml", &format!("user = \"alice\"\npasword = \"{SECRET}\"\n"));
    let wrong = write("wrong.toml", &format!("user = 5\npassword = {SECRET}\n"));
    let here = ["--user", "alice", "--listen", "127.0.0.1"];
    for (arguments, says) in [
        (vec![], "whose telephone"),
        (vec!["--user", "a b"], "whose telephone"),
        ([&here[..], &["--transport", "sctp"]].concat(), "`sctp`"),
        ([&here[..], &["--transport", "ws"]].concat(), "only by the server"),
        (
            vec![
                "--user",
                "alice",
                "--transport",
                "wss",
                "--domain",
                "127.0.0.1",
                "--listen",
                "127.0.0.1:5090",
            ],
            "nobody connects",
        ),
        (
            [&here[..], &["--transport", "WS/S", "--domain", "127.0.0.1"]].concat(),
            "`WS/S` carries no messages",
        ),
        ([&here[..2], &["--listen", "here"]].concat(), "no address to listen on"),
        ([&here[..2], &["--listen", "0.0.0.0"]].concat(), "nobody can send sound"),
        ([&here[..2], &["--listen", "192.0.2.99"]].concat(), "address of this machine"),
        ([&here[..2], &["--listen", &occupied]].concat(), ""),
        ([&here[..], &["--domain", "exa mple"]].concat(), "no server"),
        ([&here[..], &["--proxy", "sip:"]].concat(), "no server"),
        ([&here[..], &["--password-file", "/nowhere"]].concat(), "/nowhere cannot be read"),
        ([&here[..], &["--password-file", &empty]].concat(), "no password in its first line"),
        ([&here[..], &["--tone", "5"]].concat(), "5 Hz"),
        ([&here[..], &["--ring-for", "0"]].concat(), "may not ring"),
        ([&here[..], &["--group", "sales"]].concat(), "password of the group `sales`"),
        (
            [&here[..], &["--group", "sales", "--group-password-file", &empty]].concat(),
            "no password in its first line",
        ),
        ([&here[..], &["--friend", "bob"]].concat(), "nobody knows where bob is"),
        ([&here[..], &["--play", "/nowhere.wav"]].concat(), "/nowhere.wav cannot be read"),
        ([&here[..], &["--play", &noise]].concat(), "cannot be played"),
        (vec!["--config", "/nowhere.toml"], "cannot be read"),
        (vec!["--config", &unknown], "`password` instead of `pasword`"),
        (vec!["--config", &wrong], ""),
    ] {
        let said = refused(&arguments);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

/// Runs a script of a telephone that is called directly; it fails.
#[track_caller]
fn script_fails(script: &str) -> String {
    let (mut phone, _) = Phone::alone("alice", &[]);
    for line in script.lines() {
        phone.says(line);
    }
    let (status, told, errors) = phone.ends();
    assert_eq!(status.code(), Some(1), "{script}: {told:?}");
    let failed = told.iter().find(|event| event["event"] == "failed").unwrap();
    assert!(errors.contains(failed["says"].as_str().unwrap()), "{errors}: {failed}");
    errors
}

#[test]
fn a_line_that_fails_is_named_and_explained() {
    for (script, says) in [
        ("calls\n\ndail bob", "line 3, `dail bob`: there is no `dail`"),
        ("register", "try to start with --domain"),
        ("dial bob", "nobody knows where bob is"),
        ("answer", "no call that rings here; try `calls`"),
        ("hold 7", "there is no call 7"),
        ("resume", "no call that is on hold"),
        ("transfer sip:carol@127.0.0.1", "no call that is up"),
        ("complete", "try `consult WHOM`"),
        ("dtmf 5", "no call in which"),
        ("hangup", "no call"),
        ("park park@127.0.0.1", "no call that is up"),
        ("music park@127.0.0.1", "no call that is up"),
        ("take-back", "no server has a call"),
        ("host", "no call that is up and in no conference"),
        ("call-in bob@127.0.0.1", "there is no conference"),
        ("confer", "no call that is up and in no conference"),
        ("join bob@127.0.0.1", "try `watch bob@127.0.0.1` first"),
        ("join bob@127.0.0.1 nonsense", "names no dialog"),
        ("unwatch 3", "nobody is watched so"),
        ("info 5", "no call that is up"),
        ("options bob", "nobody knows where bob is"),
        ("bindings", "try to start with --domain"),
        ("watch nobody@127.0.0.1:9", "cannot be watched"),
        ("wait rining", "there is no event `rining`; try one of"),
        ("wait incoming 0.1", "within 0.1 s"),
        ("play /nowhere.wav", "/nowhere.wav cannot be read"),
        ("dial sip:nobody@127.0.0.1:9\nwait established", "there is no call any more"),
    ] {
        let said = script_fails(script);
        assert!(said.contains(says) && said.contains("try"), "{script}: {said}");
    }
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let demo = Demo::start();
    let mut command = cordboard();
    command
        .args(["phone", "--json", "--user", "alice", "--domain", demo.address("udp"), "--password", SECRET])
        .env_remove("CORDBOARD_PASSWORD");
    let mut alice = Phone::start(command);
    alice.says("register");
    alice.tells("not-registered");
    let (status, told, errors) = alice.ended();
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("the registrar says") && errors.contains("try --user"), "{errors}");
    assert!(!errors.contains(SECRET) && told.iter().all(|event| !event.to_string().contains(SECRET)));
}
