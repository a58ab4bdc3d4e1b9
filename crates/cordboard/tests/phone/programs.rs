//! A demo switchboard, and telephones that are told what to do and tell what happens.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub(crate) fn cordboard() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cordboard"))
}

/// A process, and the lines that it prints.
struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    let read =
        move || BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| send.send(line));
    std::thread::spawn(read);
    lines
}

/// `cordboard serve --demo` on free ports.
pub(crate) struct Demo {
    process: Process,
    addresses: BTreeMap<String, String>,
    passwords: BTreeMap<String, String>,
    /// Its data folder.
    pub(crate) data: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let mut command = cordboard();
        command.args(["serve", "--demo", "--port", "0", "--json"]).stdin(Stdio::null());
        let process = Process::start(command);
        let (mut addresses, mut passwords) = (BTreeMap::new(), BTreeMap::new());
        loop {
            let line = process.lines.recv_timeout(PATIENCE).unwrap();
            let told: Value = serde_json::from_str(&line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            if let Some(users) = told["users"].as_array() {
                passwords.extend(users.iter().map(|user| (text(&user["name"]), text(&user["password"]))));
                let data = text(&told["data"]);
                return Self { process, addresses, passwords, data };
            }
            addresses.insert(text(&told["listening"]), text(&told["address"]));
        }
    }

    /// One with a configuration of its own, whose people have the password `secret`; on what another has left behind, if
    /// one has. Its domain is the loopback address.
    pub(crate) fn configured(folder: &Path, config: &str) -> Self {
        let path = folder.join("cordboard.toml");
        std::fs::write(&path, config).unwrap();
        let mut command = cordboard();
        command.args(["serve", "--json", "--config"]).arg(path).stdin(Stdio::null());
        let process = Process::start(command);
        let mut addresses = BTreeMap::new();
        while !addresses.contains_key("http") {
            let Ok(line) = process.lines.recv_timeout(PATIENCE) else {
                panic!("it does not start: {:?}", process.errors.try_iter().collect::<Vec<_>>());
            };
            let told: Value = serde_json::from_str(&line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            addresses.insert(text(&told["listening"]), text(&told["address"]));
        }
        let passwords =
            ["alice", "bob", "carol", "bill"].map(|name| (name.to_owned(), "secret".to_owned())).into();
        let data = folder.join("cordboard-data").display().to_string();
        Self { process, addresses, passwords, data }
    }

    /// Kills it, as SIGKILL does.
    pub(crate) fn dies(mut self) {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
    }

    pub(crate) fn address(&self, transport: &str) -> &str {
        &self.addresses[transport]
    }

    /// What `cordboard ctl` shows.
    pub(crate) fn ctl(&self, wish: &[&str]) -> Value {
        let mut command = cordboard();
        let output = command.args(["ctl", "--data", &self.data, "--json"]).args(wish).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn password(&self, user: &str) -> &str {
        &self.passwords[user]
    }

    /// A telephone of somebody there, not yet registered.
    pub(crate) fn phone(&self, user: &str, transport: &str, more: &[&str]) -> Phone {
        let mut command = cordboard();
        command
            .args(["phone", "--json", "--user", user, "--domain", self.address(transport)])
            .args(["--transport", transport, "--ca", &format!("{}/tls/ca.pem", self.data)])
            .args(more)
            .env("CORDBOARD_PASSWORD", self.password(user));
        Phone::start(command)
    }

    /// The same, registered.
    pub(crate) fn registered(&self, user: &str, transport: &str, more: &[&str]) -> Phone {
        let mut phone = self.phone(user, transport, more);
        phone.does("register");
        phone
    }
}

/// A `cordboard phone --json`.
pub(crate) struct Phone {
    process: Process,
    input: Option<ChildStdin>,
    /// Everything it told.
    pub(crate) told: Vec<Value>,
    /// What is told up to here has been looked at.
    seen: usize,
}

impl Phone {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = {
            command.stdin(Stdio::piped());
            Process::start(command)
        };
        let input = process.child.stdin.take();
        let mut phone = Self { process, input, told: Vec::new(), seen: 0 };
        phone.tells("listening");
        phone
    }

    /// One that is called directly, at the address that it tells.
    pub(crate) fn alone(user: &str, more: &[&str]) -> (Self, String) {
        let mut command = cordboard();
        command.args(["phone", "--json", "--user", user, "--listen", "127.0.0.1"]).args(more);
        let phone = Self::start(command);
        let address = phone.told[0]["address"].as_str().unwrap().to_owned();
        (phone, format!("sip:{user}@{address}"))
    }

    pub(crate) fn says(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Says a line, and waits until it is done.
    #[track_caller]
    pub(crate) fn does(&mut self, line: &str) {
        self.says(line);
        let done = self.tells_what(line, |event| {
            matches!(event["event"].as_str(), Some("done" | "failed")) && event["verb"] == line
        });
        assert_eq!(done["event"], "done", "{done}");
    }

    /// The next event of this name, after those that were looked at.
    #[track_caller]
    pub(crate) fn tells(&mut self, name: &str) -> Value {
        self.tells_what(name, |event| event["event"] == name)
    }

    #[track_caller]
    pub(crate) fn tells_what(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.told.get(self.seen).cloned() {
                self.seen += 1;
                if wanted(&event) {
                    return event;
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.process.lines.recv_timeout(left) else {
                panic!("{what} is not told: {:#?}\n{}", self.told, self.errors());
            };
            self.told.push(serde_json::from_str(&line).unwrap());
        }
    }

    /// Waits until it hears this tone and nothing else.
    #[track_caller]
    pub(crate) fn hears(&mut self, tone: u16) {
        let tones = Value::from(vec![tone]);
        self.tells_what("a tone", |event| event["event"] == "hears" && event["tones"] == tones);
    }

    /// Waits until it hears all of these together, the lowest first.
    #[track_caller]
    pub(crate) fn hears_together(&mut self, tones: &[u16]) {
        let tones = Value::from(tones);
        self.tells_what("tones", |event| event["event"] == "hears" && event["tones"] == tones);
    }

    /// Waits until it hears nothing.
    #[track_caller]
    pub(crate) fn hears_nothing(&mut self) {
        self.tells_what("silence", |event| event["event"] == "hears" && event["sound"] == "silence");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Ends the lines, and waits for the end: how it ended, everything it told, and what it said on standard error.
    pub(crate) fn ends(mut self) -> (ExitStatus, Vec<Value>, String) {
        drop(self.input.take());
        self.ended()
    }

    /// The same, after whatever ended it.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<Value>, String) {
        while let Ok(line) = self.process.lines.recv_timeout(PATIENCE) {
            self.told.push(serde_json::from_str(&line).unwrap());
        }
        let status = self.process.child.wait().unwrap();
        let errors = self.errors();
        (status, std::mem::take(&mut self.told), errors)
    }

    fn errors(&self) -> String {
        let mut errors = String::new();
        while let Ok(line) = self.process.errors.recv_timeout(Duration::from_millis(100)) {
            let _ = writeln!(errors, "{line}");
        }
        errors
    }
}

/// `caller` calls, `called` answers, and both are in the call.
#[track_caller]
pub(crate) fn call(caller: &mut Phone, called: &mut Phone, whom: &str) {
    caller.does(&format!("dial {whom}"));
    called.tells("incoming");
    called.does("answer");
    caller.tells("established");
}

/// An event has these fields, among others.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "what `json!` makes")]
pub(crate) fn says(event: &Value, fields: Value) {
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(event[name], *value, "{name} in {event}");
    }
}
