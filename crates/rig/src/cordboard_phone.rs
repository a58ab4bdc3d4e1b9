//! `cordboard phone`, driven as a script drives it: verbs on its standard input, a JSON object a line from it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::deadline::STEP;
use crate::phone::{Account, Manner, Phone, Way};
use crate::place::Place;
use crate::process::Program;
use crate::recording::Recording;
use crate::switchboard::binary;

/// Where they listen that are called directly. linphone leaves the port out of its Refer-To, so that the target has the
/// usual one.
const PORTS: [u16; 3] = [5090, 5091, 5060];

/// A `cordboard phone` with one account.
#[derive(Debug)]
pub struct CordboardPhone {
    account: Account,
    directory: PathBuf,
    recording: Recording,
    /// Where it listens.
    listens: String,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    program: Program,
    input: ChildStdin,
    events: Vec<Value>,
    /// Events up to here belong to steps that are over.
    seen: usize,
    /// Its calls that are not over.
    calls: BTreeSet<u64>,
}

impl CordboardPhone {
    /// A phone for `account`; [`Phone::register`] starts it.
    pub fn new(place: &Place, account: Account) -> Self {
        let directory = place.subdirectory(&account.user);
        let sound = place.subdirectory(&format!("{}/sound", account.user));
        std::fs::write(directory.join("password"), &account.password).expect("the directory can be written");
        let recording = Recording::new(&account.user, sound, ".wav");
        Self { account, directory, recording, listens: String::new(), running: None }
    }

    /// Where the one with this number is called directly.
    pub fn address(number: u8) -> String {
        format!("127.0.0.1:{}", PORTS[usize::from(number)])
    }

    /// Its own address, which leads past any switchboard.
    pub fn contact(&self) -> String {
        format!("sip:{}@{}", self.account.user, self.listens)
    }

    /// Says a line.
    pub fn say(&mut self, line: &str) {
        let input = &mut self.running.as_mut().expect("the phone is switched on").input;
        writeln!(input, "{line}").expect("cordboard phone listens");
    }

    /// Waits for an event after those already seen, and counts it and all before it as seen.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(STEP, what, wanted)
    }

    /// The same with more patience, or less.
    #[track_caller]
    pub fn wait_within(&mut self, within: Duration, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + within;
        let user = self.account.user.clone();
        let running = self.running.as_mut().expect("the phone is switched on");
        loop {
            if let Some(event) = running.events.get(running.seen).cloned() {
                running.seen += 1;
                if wanted(&event) {
                    return event;
                }
                continue;
            }
            assert!(
                Instant::now() < end,
                "{user} was not told {what} within {within:?}: {:#?}",
                running.events
            );
            running.read(end);
        }
    }

    /// The same for an event of that name.
    #[track_caller]
    pub fn wait_event(&mut self, name: &str) -> Value {
        self.wait(name, |event| event["event"] == name)
    }

    /// Whether it is to be called.
    fn registers(&self) -> bool {
        self.account.way == Way::Registered && self.account.tried_first.is_none()
    }

    /// Says a verb, and waits until it is done.
    #[track_caller]
    pub fn does(&mut self, verb: &str) {
        self.say(verb);
        self.is_done(verb);
    }

    /// Waits until a verb that was said is done.
    #[track_caller]
    pub fn is_done(&mut self, verb: &str) {
        self.wait(&format!("that `{verb}` is done"), |event| {
            assert_ne!(event["event"], "failed", "{event}");
            event["event"] == "done" && event["verb"] == verb
        });
    }

    /// Waits how a transfer ended, which must be well.
    #[track_caller]
    fn is_transferred(&mut self, kind: &str) {
        let ending = self.wait_event("transferred");
        assert_eq!((&ending["kind"], &ending["outcome"]), (&kind.into(), &"completed".into()), "{ending}");
        self.wait_idle();
    }
}

impl Running {
    /// Reads the next event, if it comes before `end`.
    #[track_caller]
    fn read(&mut self, end: Instant) {
        let Some(line) = self.program.line(end) else { return };
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            panic!("cordboard phone says: {line}");
        };
        let call = |name: &str| event[name].as_u64();
        match event["event"].as_str().unwrap_or_default() {
            "dialing" | "incoming" | "taken-over" | "called-back" => self.calls.extend(call("call")),
            "referred" => self.calls.extend(call("new")),
            "ended" => {
                call("call").map(|call| self.calls.remove(&call));
            }
            _ => {}
        }
        self.events.push(event);
    }
}

impl Phone for CordboardPhone {
    fn account(&self) -> &Account {
        &self.account
    }

    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn switch_on(&mut self) {
        let Account { user, password, domain, server, authority, transport, number, tone, manner, .. } =
            &self.account;
        let transport = transport.parameter();
        let mut command = Command::new(binary());
        command
            .args(["phone", "--json", "--user", user, "--transport", transport])
            .args((*manner == Manner::Answers).then_some("--auto-answer"))
            .args(["--tone", &tone.to_string(), "--record", "sound/heard.wav"])
            .current_dir(&self.directory)
            .stdin(Stdio::piped());
        match self.account.way {
            Way::Registered => command
                .args(
                    self.account
                        .tried_first
                        .iter()
                        .flat_map(|dead| ["--proxy".to_owned(), format!("sip:{dead}")]),
                )
                .args(["--domain", domain, "--proxy", &format!("sip:{server};transport={transport}")])
                .args(["--listen", "127.0.0.1", "--password-file", "password", "--ca", authority]),
            // A password may be wanted of others there too, and none is not one.
            Way::Direct if password.is_empty() => command.args(["--listen", &Self::address(*number)]),
            Way::Direct => command.args(["--listen", &Self::address(*number), "--password-file", "password"]),
        };
        let mut program = Program::start("cordboard phone", command, &self.directory.join("output.log"));
        let input = program.stdin().expect("its input is a pipe");
        let calls = BTreeSet::new();
        self.running = Some(Running { program, input, events: Vec::new(), seen: 0, calls });
        if self.registers() {
            self.say("register");
        }
    }

    fn wait_registered(&mut self) {
        let listening = self.wait_event("listening");
        listening["address"].as_str().unwrap_or_default().clone_into(&mut self.listens);
        if self.registers() {
            self.is_done("register");
        }
    }

    fn dial(&mut self, uri: &str) {
        // The answer may come before the verb is said to be done.
        self.say(&format!("dial {uri}"));
        self.wait_event("dialing");
    }

    fn wait_incoming(&mut self) {
        self.wait_event("incoming");
    }

    fn answer(&mut self) {
        self.wait_incoming();
        self.does("answer");
    }

    fn is_busy(&mut self) {
        self.wait_incoming();
        self.does("decline 486");
    }

    fn wait_refused(&mut self, status: u16) {
        let ended = self.wait_event("ended");
        assert_eq!(ended["status"], status, "{ended}");
    }

    fn wait_established(&mut self) {
        self.wait_event("established");
    }

    fn hold(&mut self) {
        self.does("hold");
    }

    fn resume(&mut self) {
        self.does("resume");
    }

    fn wait_held(&mut self) {
        self.wait_event("held");
    }

    fn wait_resumed(&mut self) {
        self.wait_event("unheld");
    }

    fn plays_music(&self) -> bool {
        false
    }

    fn transfer_unattended(&mut self, uri: &str) {
        self.say(&format!("transfer {uri}"));
        self.is_transferred("unattended-transfer");
    }

    fn transfer_attended(&mut self) {
        self.say("complete");
        self.is_transferred("attended-transfer");
    }

    fn ours(&mut self) -> Option<&mut CordboardPhone> {
        Some(self)
    }

    fn hang_up(&mut self) {
        self.does("hangup");
    }

    fn wait_idle(&mut self) {
        let end = Instant::now() + STEP;
        let running = self.running.as_mut().expect("the phone is switched on");
        while !running.calls.is_empty() {
            assert!(Instant::now() < end, "calls {:?} do not end: {:#?}", running.calls, running.events);
            running.read(end);
        }
        running.seen = running.events.len();
    }
}
