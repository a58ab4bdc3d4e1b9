//! Whatever an operator gets wrong is answered with a sentence: what is wrong, what to try, and no secret.

use crate::served::{OPEN, Served, cordboard, write};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a command may take that cannot succeed; longer than `ctl` waits for an answer.
const PATIENCE: Duration = Duration::from_secs(25);

/// Stands in every bad file, and in the environment of nobody; it must never be printed.
const SECRET: &str = "tr0ub4dor";

const LISTEN: &str =
    "domain = \"example.test\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:0\"\n";
const HTTP: &str = "[http]\naddress = \"127.0.0.1:0\"\n";

/// Runs what has to fail, and gives what it says: to standard error alone, in words, with status 1 as every failure.
#[track_caller]
fn refused(command: &mut Command) -> String {
    let output = ended(command.env("RUST_BACKTRACE", "1"));
    let says = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{says}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(says.starts_with("cordboard: "), "{says}");
    for traceless in ["panicked", "backtrace", "unwrap", "Err(", "Some(", "Error {", SECRET] {
        assert!(!says.contains(traceless), "`{traceless}` is in\n{says}");
    }
    says
}

/// What a command has printed when it has ended, which must be soon: one that runs on has accepted what it should not.
#[track_caller]
fn ended(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let until = Instant::now() + PATIENCE;
    while child.try_wait().expect("it can be waited for").is_none() {
        if Instant::now() > until {
            child.kill().expect("it runs");
            let output = child.wait_with_output().expect("it has ended");
            panic!("{command:?} runs on: {}", String::from_utf8_lossy(&output.stdout));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("it has ended")
}

#[track_caller]
fn serve(folder: &Path, text: &str) -> String {
    let file = write(folder, "cordboard.toml", text);
    refused(cordboard().args(["serve", "--config"]).arg(file))
}

#[track_caller]
fn check(folder: &Path, text: &str) -> String {
    let file = write(folder, "cordboard.toml", text);
    let output = cordboard().arg("check").arg(file).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn each_mistake_in_a_configuration_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let user = format!("[[user]]\nname = \"alice\"\npassword = \"{SECRET}\"\n");
    for (text, line, says, tries) in [
        // Not TOML at all.
        ("domain = \"example.test".to_owned(), 1, "", "compare this with"),
        (format!("{LISTEN}[[user]]\nname = \"alice\"\npassword = {SECRET}\n"), 7, "", "try: "),
        ("\u{0}\u{1}\u{2}".to_owned(), 1, "", "try: "),
        // A wrong type.
        (format!("{LISTEN}{user}").replace("\"example.test\"", "5"), 1, "expected a string", "try: "),
        (format!("{LISTEN}{user}[registrar]\nmax_contacts = \"many\"\n"), 9, "expected usize", "try: "),
        (
            format!("{LISTEN}[[user]]\nname = \"alice\"\npassword = [\"{SECRET}\"]\n"),
            7,
            "wrong type",
            "try: ",
        ),
        // An unknown key.
        (format!("{LISTEN}{user}[proxi]\n"), 8, "unknown field `proxi`", "`proxy` instead of `proxi`"),
        (
            format!("{LISTEN}[[user]]\nname = \"alice\"\npasword = \"{SECRET}\"\n"),
            7,
            "unknown field `pasword`",
            "`password`",
        ),
        (
            format!("{LISTEN}[[user]]\nname = \"alice\"\nkeyword = \"{SECRET}\"\n"),
            7,
            "unknown field `keyword`",
            "try: ",
        ),
        (format!("{LISTEN}[[user]]\nname = \"alice\"\npasword = {SECRET}\n"), 7, "", "try: "),
        // Something that is missing.
        (LISTEN.replace("domain = \"example.test\"\n", ""), 1, "missing field `domain`", "add `domain = …`"),
        ("domain = \"example.test\"\n".to_owned(), 0, "nothing to listen on", "[[listen]]"),
        (format!("{LISTEN}[[user]]\npassword = \"{SECRET}\"\n"), 5, "missing field `name`", "add `name = …`"),
        (format!("{LISTEN}[[user]]\nname = \"alice\"\n"), 6, "alice has no password", "try: "),
        // A bad address.
        (LISTEN.replace("127.0.0.1:0", "127.0.0.1:70000"), 4, "not an address and a port", "numbers"),
        (LISTEN.replace("127.0.0.1:0", "sip.example.test:5060"), 4, "not an address and a port", "numbers"),
        (LISTEN.replace("127.0.0.1:0", "127.0.0.1"), 4, "not an address and a port", "0.0.0.0:5060"),
        (LISTEN.replace("\"udp\"", "\"upd\""), 3, "`upd` is not a transport", "udp, tcp"),
        // Somebody twice.
        (format!("{LISTEN}{user}{user}"), 9, "alice is there twice", "try: removing"),
    ] {
        let said = check(folder.path(), &text);
        let place = folder.path().join("cordboard.toml").display().to_string();
        let place = if line == 0 { format!("{place}: ") } else { format!("{place}:{line}:") };
        for expected in [place.as_str(), says, "\n  try: ", tries] {
            assert!(said.contains(expected), "`{expected}` is not in\n{said}\nabout\n{text}");
        }
        assert_eq!(serve(folder.path(), &text), said, "`serve` and `check` say the same");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    std::fs::write(folder.path().join("binary.toml"), [0xff, 0xfe, 0xfd]).unwrap();
    for (path, says) in [
        (missing.as_path(), "No such file"),
        (folder.path(), "Is a directory"),
        (&folder.path().join("binary.toml"), "UTF-8"),
    ] {
        let said = refused(cordboard().args(["serve", "--config"]).arg(path));
        assert!(said.contains(&format!("{}: ", path.display())) && said.contains(says), "{said}");
        assert!(said.contains("\n  try: "), "{said}");
    }
}

#[test]
fn every_occupied_port_is_named() {
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (datagrams, streams) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    for (transport, address) in
        [("udp", datagrams), ("tcp", streams), ("tls", streams), ("ws", streams), ("wss", streams)]
    {
        let folder = tempfile::tempdir().unwrap();
        let text = LISTEN.replace("udp", transport).replace("127.0.0.1:0", &address.to_string());
        let said = serve(folder.path(), &format!("{text}{HTTP}"));
        assert!(said.contains(&format!("{transport} {address} is in use")), "{said}");
        assert!(said.contains("stop it") && said.contains("another port"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let said =
        serve(folder.path(), &format!("{LISTEN}{}", HTTP.replace("127.0.0.1:0", &streams.to_string())));
    assert!(said.contains(&format!("http {streams} cannot be opened")) && said.contains("[http]"), "{said}");
    // An address of another machine (RFC 5737).
    let said = serve(folder.path(), &format!("{}{HTTP}", LISTEN.replace("127.0.0.1", "192.0.2.1")));
    assert!(said.contains("192.0.2.1:0") && said.contains("this machine"), "{said}");
}

#[test]
fn the_second_switchboard_leaves_the_first_alone() {
    let first = Served::start(&format!("{OPEN}[[user]]\nname = \"alice\"\npassword = \"{SECRET}\"\n"));
    // The same file: the same data.
    let said = refused(cordboard().args(["serve", "--config"]).arg(first.config()));
    assert!(said.contains("in use by another cordboard: stop that one"), "{said}");
    // The same port, with data of its own: `SO_REUSEPORT` must not share it.
    let folder = tempfile::tempdir().unwrap();
    let address = first.address("udp");
    let said =
        serve(folder.path(), &format!("{}{HTTP}", LISTEN.replace("127.0.0.1:0", &address.to_string())));
    assert!(said.contains(&format!("udp {address} is in use")), "{said}");
    assert!(first.says(&["users", "list"]).contains("alice"), "the first one goes on");
    let said = refused(cordboard().args(["serve", "--demo", "--port"]).arg(address.port().to_string()));
    assert!(said.contains("--port"), "{said}");
}

/// A certificate for example.test and its key, and the key of another.
fn certificates(folder: &Path) {
    let mut first = Served::start(&format!("{}[tls]\n", OPEN.replace("\"udp\"", "\"tls\"")));
    let mut second = Served::start(&OPEN.replace("\"udp\"", "\"tls\""));
    for (served, name) in [(&mut first, "first"), (&mut second, "second")] {
        for entry in std::fs::read_dir(served.data().join("tls")).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            std::fs::copy(&path, folder.join(format!("{name}-{kind}"))).expect("a copy");
        }
        served.end();
    }
}

#[test]
fn a_certificate_that_is_of_no_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    let find = |words: [&str; 2]| {
        let found =
            names.iter().find(|name| words.iter().all(|word| name.contains(word)) && !name.contains("ca"));
        found.unwrap_or_else(|| panic!("{words:?} is not among {names:?}")).clone()
    };
    let (chain, key, other_key) =
        (find(["first-", "cert"]), find(["first-", "key"]), find(["second-", "key"]));
    write(folder.path(), "garbage.pem", &format!("{SECRET}\n"));
    write(folder.path(), "empty.pem", "");
    let cut = std::fs::read_to_string(folder.path().join(&chain)).unwrap();
    write(folder.path(), "cut.pem", &cut[..cut.len() / 2]);
    let base64 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    write(folder.path(), "nonsense.pem", base64);
    let secret = std::fs::read_to_string(folder.path().join(&key)).unwrap();
    let secret = secret.lines().nth(1).expect("a line of the key").to_owned();
    let try_with = |certificate: &str, key: &str| {
        let text = LISTEN.replace("\"udp\"", "\"tls\"");
        serve(
            folder.path(),
            &format!("{text}{HTTP}[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"),
        )
    };
    for (certificate, key, named, says) in [
        ("missing.pem", key.as_str(), "missing.pem", "cannot be read"),
        (&chain, "missing.pem", "missing.pem", "cannot be read"),
        (".", &key, "", "cannot be read"),
        ("garbage.pem", &key, "garbage.pem", "not usable"),
        ("empty.pem", &key, "empty.pem", "not usable"),
        ("cut.pem", &key, "cut.pem", "not usable"),
        ("nonsense.pem", &key, "nonsense.pem", "not usable"),
        // The key where the certificate should be, and the other way round.
        (&key, &key, &key, "not usable"),
        (&chain, "garbage.pem", "garbage.pem", "not usable"),
        (&chain, &chain, &chain, "not usable"),
        (&chain, &other_key, &other_key, "it is not the key of"),
    ] {
        let said = try_with(certificate, key);
        assert!(said.contains(named) && said.contains(says), "{certificate} with {key}: {said}");
        assert!(
            ["try", "check", "wanted"].iter().any(|word| said.contains(word)),
            "{certificate} with {key}: {said}"
        );
        assert!(!said.contains(&secret), "{said}");
    }
}

#[test]
fn data_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{LISTEN}{HTTP}").replace("[[listen]]", "data = \"data\"\n[[listen]]");
    // A file where the folder should be.
    write(folder.path(), "data", SECRET);
    let said = serve(folder.path(), &text);
    assert!(said.contains("data cannot be written") && said.contains("check"), "{said}");

    // A key, a token or a database that was overwritten.
    std::fs::remove_file(folder.path().join("data")).unwrap();
    let mut served = Served::start_in(folder, &text);
    served.end();
    let folder = served.kill();
    let data = folder.path().join("data");
    let database = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("there is a database");
    for path in [data.join("key"), data.join("token"), database] {
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, SECRET.repeat(1_000)).unwrap();
        let said = serve(folder.path(), &text);
        assert!(said.contains(&path.display().to_string()), "{said}");
        assert!(said.contains("remove it") || said.contains("move it"), "{said}");
        std::fs::write(&path, good).unwrap();
    }
    Served::start_in(folder, &text).end();
}

#[test]
fn ctl_says_who_is_unknown() {
    let served = Served::start(&format!("{OPEN}[[user]]\nname = \"alice\"\npassword = \"{SECRET}\"\n"));
    for words in [
        &["users", "remove", "zoe"][..],
        &["users", "passwd", "zoe", "--password", SECRET],
        &["registrations", "zoe"],
    ] {
        let said = refused(cordboard().args(["ctl", "--config"]).arg(served.config()).args(words));
        assert!(
            said.contains("there is no user zoe: `cordboard ctl users list` names all"),
            "{words:?}: {said}"
        );
    }
    for words in
        [&["users", "add", "alice", "--password", SECRET][..], &["users", "add", "b c", "--password", SECRET]]
    {
        refused(cordboard().args(["ctl", "--config"]).arg(served.config()).args(words));
    }
    let said =
        refused(cordboard().args(["ctl", "--config"]).arg(served.config()).args(["calls", "--ladder", "x"]));
    assert!(said.contains("`cordboard ctl calls` lists"), "{said}");
}

#[test]
fn ctl_says_when_nobody_answers() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(cordboard().args(["ctl", "users", "list"]).current_dir(folder.path()));
    assert!(said.contains("--config FILE or --data FOLDER"), "{said}");
    let said =
        refused(cordboard().args(["ctl", "--config", "none.toml", "calls"]).current_dir(folder.path()));
    assert!(
        said.contains("none.toml") && said.contains("cannot be read") && said.contains("try: "),
        "{said}"
    );
    let said = refused(cordboard().args(["ctl", "--data", "none", "calls"]).current_dir(folder.path()));
    assert!(said.contains("none") && said.contains("cordboard serve"), "{said}");

    // It has run here once.
    let mut served = Served::start(OPEN);
    served.end();
    let said = refused(cordboard().args(["ctl", "--config"]).arg(served.config()).arg("calls"));
    assert!(
        said.contains("no switchboard answers at http://127.0.0.1:") && said.contains("is it running?"),
        "{said}"
    );
}

#[test]
fn ctl_says_when_the_token_is_wrong() {
    let served = Served::start(OPEN);
    let url = format!("http://{}", served.address("http"));
    let other = write(served.folder.path(), "other", SECRET);
    let ask = |url: &str, token: &Path| {
        refused(cordboard().args(["ctl", "--url", url, "--token"]).arg(token).args(["users", "list"]))
    };
    let said = ask(&url, &other);
    assert!(said.contains("token") && said.contains("data folder"), "{said}");
    let said = ask(&url, &served.folder.path().join("none"));
    assert!(
        said.contains("the token") && said.contains("none cannot be read") && said.contains("data folder"),
        "{said}"
    );
    let two_lines = write(served.folder.path(), "two", &format!("{SECRET}\nmore\r\nX: y"));
    ask(&url, &two_lines);

    // Somebody else listens there, or what is written is no address.
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = web.accept().expect("somebody asks");
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked).expect("a question");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").expect("an answer");
    });
    let token = served.data().join("token");
    let said = ask(&format!("http://{address}"), &token);
    assert!(said.contains("is no switchboard") && said.contains("check the address"), "{said}");
    answering.join().unwrap();
    for url in ["here", "127.0.0.1:1", "http://", "https://127.0.0.1:1", "http://127.0.0.1:99999"] {
        let said = ask(url, &token);
        assert!(said.contains(url), "{said}");
    }
}
