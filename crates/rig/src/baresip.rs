//! baresip, driven over its control port (netstrings of JSON).

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::deadline::{STEP, wait_for};
use crate::phone::{Account, Manner, Phone, Transport, Way};
use crate::place::{Place, ip};
use crate::process::Program;
use crate::recording::Recording;

/// Longer than any test, in seconds.
const LONGEST_TEST: u64 = 150;

/// A baresip with one account.
#[derive(Debug)]
pub struct Baresip {
    account: Account,
    directory: PathBuf,
    address: String,
    recording: Recording,
    program: Option<Program>,
    control: Option<Control>,
    /// Events up to here belong to steps that are over.
    seen: usize,
}

impl Baresip {
    /// Writes the configuration of a baresip for `account`; [`Phone::register`] starts it.
    pub fn new(place: &Place, account: Account) -> Self {
        let directory = place.subdirectory(&account.user);
        let sound = place.subdirectory(&format!("{}/sound", account.user));
        // baresip refuses 127.0.0.1; a labelled address passes as an interface of its own.
        let label = label(account.number);
        let address = format!("127.0.0.{label}");
        ip(&format!("address add {address}/32 dev lo label lo:{label}"));
        let files = [
            ("accounts", accounts(&account)),
            ("config", config(&account, &address, label)),
            ("contacts", String::new()),
        ];
        for (name, text) in files {
            fs::write(directory.join(name), text).expect("the phone's directory can be written");
        }
        keep_from_recording_itself(&sound);
        Self {
            recording: Recording::new(&account.user, sound, "-dec.wav"),
            account,
            directory,
            address,
            program: None,
            control: None,
            seen: 0,
        }
    }

    /// Where the one with this number is called directly.
    pub fn address(number: u8) -> String {
        format!("127.0.0.{}:{}", label(number), port(Way::Direct))
    }

    fn control(&mut self) -> &mut Control {
        self.control.as_mut().expect("the phone is switched on")
    }

    fn command(&mut self, command: &str, parameters: &str) -> String {
        self.control().command(command, parameters)
    }

    /// Waits for an event after those already seen, and counts it and all before it as seen.
    #[track_caller]
    fn wait_event(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let from = self.seen;
        let name = format!("{} of baresip ({})", what, self.account.user);
        let end = Instant::now() + STEP;
        let found = loop {
            let events = &self.control().events;
            if let Some(index) = events[from..].iter().position(&wanted) {
                break from + index;
            }
            assert!(
                Instant::now() < end,
                "waited {STEP:?} in vain for {name}; events: {:#?}",
                &events[from..]
            );
            self.control().pump();
        };
        self.seen = found + 1;
    }
}

impl Phone for Baresip {
    fn account(&self) -> &Account {
        &self.account
    }

    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn switch_on(&mut self) {
        // Line by line, so that its last words are not lost when it is killed.
        let mut command = Command::new("stdbuf");
        command
            .args(["-oL", "baresip", "-4", "-s", "-v", "-f"])
            .arg(&self.directory)
            .current_dir(&self.directory)
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        self.program = Some(Program::start("baresip", command, &self.directory.join("output.log")));
    }

    fn wait_registered(&mut self) {
        let control = wait_for("baresip's control port", STEP, || Control::connect(&self.address));
        self.control = Some(control);
        if self.account.way == Way::Direct {
            return;
        }
        // REGISTER_OK may have come before there was a control connection.
        wait_for("baresip's registration", STEP, || self.command("reginfo", "").contains("OK").then_some(()));
    }

    fn dial(&mut self, uri: &str) {
        self.command("dial", uri);
    }

    fn wait_incoming(&mut self) {
        self.wait_event("a call", |event| event["type"] == "CALL_INCOMING");
    }

    fn answer(&mut self) {
        self.wait_incoming();
        self.command("accept", "");
        self.wait_established();
    }

    fn is_busy(&mut self) {
        self.wait_incoming();
        self.command("hangup", "");
        self.wait_idle();
    }

    fn wait_refused(&mut self, status: u16) {
        self.wait_event("a refusal", |event| {
            let why = event["param"].as_str().unwrap_or_default();
            event["type"] == "CALL_CLOSED" && why.starts_with(&status.to_string())
        });
    }

    fn wait_established(&mut self) {
        self.wait_event("CALL_ESTABLISHED", |event| event["type"] == "CALL_ESTABLISHED");
    }

    fn hold(&mut self) {
        self.command("hold", "");
        self.wait_event("the answer to hold", is_answer);
    }

    fn resume(&mut self) {
        self.command("resume", "");
        self.wait_event("the answer to resume", is_answer);
    }

    fn wait_held(&mut self) {
        self.wait_event("an offer", |event| event["type"] == "CALL_REMOTE_SDP" && event["param"] == "offer");
    }

    fn wait_resumed(&mut self) {
        self.wait_held();
    }

    fn plays_music(&self) -> bool {
        false
    }

    fn transfer_unattended(&mut self, uri: &str) {
        self.command("transfer", uri);
        self.wait_event("a transfer that succeeds", |event| {
            event["type"] == "CALL_CLOSED" && event["param"] == "Call transfered"
        });
        self.wait_idle();
    }

    fn transfer_attended(&mut self) {
        panic!("baresip 1.0.0 has no attended transfer");
    }

    fn hang_up(&mut self) {
        self.command("hangup", "");
        self.wait_idle();
    }

    fn wait_idle(&mut self) {
        wait_for("baresip to have no call", STEP, || {
            self.command("listcalls", "").contains("(0)").then_some(())
        });
    }
}

/// Where it listens, on an address of its own. linphone listens on all of them, perhaps at the usual port.
const fn port(way: Way) -> u16 {
    match way {
        Way::Registered => 5060,
        Way::Direct => 5080,
    }
}

/// The last part of its address, which no other phone of the test has.
const fn label(number: u8) -> u8 {
    11 + number
}

/// Makes sndfile fail to record what the phone says, by taking the names of those files.
///
/// baresip 1.0.0 renews its filters after a hold only if there is none left in either direction; with one that records
/// what it says, it would never again record what it hears.
fn keep_from_recording_itself(sound: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    let mut date = Command::new("date")
        .args(["-u", "-f", "-", "+dump-%Y-%m-%d-%H-%M-%S-enc.wav"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("date starts");
    let mut input = date.stdin.take().expect("its input is a pipe");
    for second in now..now + LONGEST_TEST {
        writeln!(input, "@{second}").expect("date reads");
    }
    drop(input);
    let names = date.wait_with_output().expect("date ends").stdout;
    for name in String::from_utf8_lossy(&names).lines() {
        fs::create_dir(sound.join(name)).expect("the phone's directory can be written");
    }
}

fn is_answer(event: &Value) -> bool {
    event["type"] == "CALL_REMOTE_SDP" && event["param"] == "answer"
}

fn accounts(account: &Account) -> String {
    let Account { user, password, server, .. } = account;
    let (uri, transport) = (account.uri(), account.transport.parameter());
    let registration = match account.way {
        Way::Registered => format!(
            "auth_user={user};auth_pass={password};outbound=\"sip:{server};transport={transport}\";regint=600"
        ),
        Way::Direct => "regint=0".to_owned(),
    };
    let answers = if account.manner == Manner::Answers { "auto" } else { "manual" };
    format!(
        "\"{user}\" <{uri};transport={transport}>;{registration};answermode={answers};ptime=20;audio_codecs=pcma,pcmu\n"
    )
}

fn config(account: &Account, address: &str, label: u8) -> String {
    let authority = match account.transport {
        Transport::Tls => format!("sip_cafile {}", account.authority),
        Transport::Udp | Transport::Tcp => String::new(),
    };
    // snd_path is short because sndfile cuts the names of its files at 128 bytes. ausine wants 48 kHz and two channels, or calls are never answered. mwi.so can flood; it stays out.
    format!(
        "sip_listen {address}:{port}
{authority}
call_local_timeout 120
call_max_calls {lines}
audio_source ausine,{tone}
audio_player aubridge,ear
audio_alert aubridge,bell
ausrc_srate 48000
ausrc_channels 2
auplay_srate 48000
auplay_channels 2
net_interface lo:{label}
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:4444
snd_path sound
",
        port = port(account.way),
        lines = if account.manner == Manner::OneLine { 1 } else { 4 },
        tone = account.tone,
    )
}

/// The control connection: commands, their answers, and events between them.
#[derive(Debug)]
struct Control {
    stream: TcpStream,
    unread: Vec<u8>,
    events: Vec<Value>,
    answers: Vec<Value>,
    commands: u32,
}

impl Control {
    /// How long a read waits before the caller looks at the clock again.
    const PATIENCE: Duration = Duration::from_millis(50);

    fn connect(address: &str) -> Option<Self> {
        let stream = TcpStream::connect((address, 4444)).ok()?;
        stream.set_read_timeout(Some(Self::PATIENCE)).ok()?;
        Some(Self { stream, unread: Vec::new(), events: Vec::new(), answers: Vec::new(), commands: 0 })
    }

    #[track_caller]
    fn command(&mut self, command: &str, parameters: &str) -> String {
        self.commands += 1;
        let token = self.commands.to_string();
        let text = json!({ "command": command, "params": parameters, "token": token }).to_string();
        write!(self.stream, "{}:{text},", text.len()).expect("baresip listens");
        let end = Instant::now() + STEP;
        loop {
            if let Some(index) = self.answers.iter().position(|answer| answer["token"] == token.as_str()) {
                let answer = self.answers.swap_remove(index);
                assert_eq!(answer["ok"], true, "baresip refuses {command} {parameters}: {answer}");
                return answer["data"].as_str().unwrap_or_default().to_owned();
            }
            assert!(Instant::now() < end, "baresip does not answer {command} {parameters}");
            self.pump();
        }
    }

    /// Takes in what baresip has to say, waiting a moment for it.
    fn pump(&mut self) {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => panic!("baresip closed its control connection"),
            Ok(count) => self.unread.extend(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("baresip's control connection: {error}"),
        }
        while let Some((text, used)) = netstring(&self.unread) {
            let value: Value = serde_json::from_slice(text).expect("baresip speaks JSON");
            self.unread.drain(..used);
            if value["event"] == true {
                self.events.push(value);
            } else {
                self.answers.push(value);
            }
        }
    }
}

/// The first whole netstring in `bytes`, and how many bytes it takes with its frame.
fn netstring(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let end = colon + 1 + length;
    (bytes.len() > end).then(|| (&bytes[colon + 1..end], end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netstring_is_taken_when_it_is_whole() {
        assert_eq!(netstring(b"2:{},3:abc,"), Some((&b"{}"[..], 5)));
        assert_eq!(netstring(b"2:{}"), None);
        assert_eq!(netstring(b"12"), None);
    }
}
