//! linphonec, driven through its standard input and read line by line.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Instant;

use crate::deadline::STEP;
use crate::phone::{Account, Manner, Phone, Transport, Way};
use crate::place::Place;
use crate::process::Program;
use crate::recording::Recording;
use crate::wav;

/// Longer than any test: the file is played from its beginning whenever a stream starts.
const TONE_SECONDS: u32 = 120;

/// Every codec it knows by name, so that those not wanted can be switched off.
const CODECS: [(&str, u32, u8); 9] = [
    ("PCMA", 8000, 1),
    ("PCMU", 8000, 1),
    ("opus", 48000, 2),
    ("speex", 32000, 1),
    ("speex", 16000, 1),
    ("speex", 8000, 1),
    ("G722", 8000, 1),
    ("G729", 8000, 1),
    ("GSM", 8000, 1),
];

/// A linphonec with one account.
#[derive(Debug)]
pub struct Linphone {
    account: Account,
    directory: PathBuf,
    recording: Recording,
    running: Option<Running>,
    /// Lines up to here belong to steps that are over.
    seen: usize,
    /// Its numbers of the calls that are up, oldest first; the last is the present one.
    calls: Vec<u32>,
    /// Those that ring.
    ringing: Vec<u32>,
}

#[derive(Debug)]
struct Running {
    program: Program,
    input: ChildStdin,
    lines: Vec<String>,
}

impl Linphone {
    /// Writes the configuration of a linphonec for `account`; [`Phone::register`] starts it.
    pub fn new(place: &Place, account: Account) -> Self {
        let directory = place.subdirectory(&account.user);
        place.subdirectory(&format!("{}/.local/share/linphone", account.user));
        let sound = place.subdirectory(&format!("{}/sound", account.user));
        fs::write(directory.join("rc"), configuration(&account))
            .expect("the phone's directory can be written");
        wav::write_tone(&directory.join("tone.wav"), account.tone, TONE_SECONDS)
            .expect("a tone can be written");
        Self {
            recording: Recording::new(&account.user, sound, ".wav"),
            account,
            directory,
            running: None,
            seen: 0,
            calls: Vec::new(),
            ringing: Vec::new(),
        }
    }

    /// Where the one with this number is called directly.
    pub fn address(number: u8) -> String {
        format!("127.0.0.1:{}", port(number, Way::Direct))
    }

    /// Stops it, so that it says nothing any more, not even that it is not there.
    pub fn stop(&self) {
        self.running.as_ref().expect("the phone is switched on").program.signal("STOP");
    }

    fn say(&mut self, command: &str) {
        let input = &mut self.running.as_mut().expect("the phone is switched on").input;
        writeln!(input, "{command}").expect("linphonec listens");
    }

    /// Waits for a line after those already seen, and counts it and all before it as seen.
    #[track_caller]
    fn wait<T>(&mut self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + STEP;
        let running = self.running.as_mut().expect("the phone is switched on");
        loop {
            while let Some(line) = running.lines.get(self.seen) {
                self.seen += 1;
                if let Some(ended) =
                    call_in(line, "Call ", " ended (").or_else(|| call_in(line, "Call ", " error."))
                {
                    self.calls.retain(|&call| call != ended);
                    self.ringing.retain(|&call| call != ended);
                }
                if let Some(found) = wanted(line) {
                    return found;
                }
            }
            if let Some(line) = running.program.line(end) {
                running.lines.push(without_prompt(&line).to_owned());
            }
            assert!(
                Instant::now() < end && running.program.ended().is_none(),
                "linphonec ({}) did not say {what} within {STEP:?}; it is logged in {}",
                self.account.user,
                running.program.log().display(),
            );
        }
    }

    fn present(&self) -> u32 {
        *self.calls.last().expect("linphone has a call")
    }
}

impl Phone for Linphone {
    fn account(&self) -> &Account {
        &self.account
    }

    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn switch_on(&mut self) {
        let mut command = Command::new("stdbuf");
        command
            .args(["-oL", "linphonec"])
            .args((self.account.manner == Manner::Answers).then_some("-a"))
            .args(["-c", "rc", "-d", "6", "-l", "linphone.log"])
            .current_dir(&self.directory)
            .env("HOME", &self.directory)
            .stdin(Stdio::piped());
        let mut program = Program::start("linphonec", command, &self.directory.join("output.log"));
        let input = program.stdin().expect("its input is a pipe");
        self.running = Some(Running { program, input, lines: Vec::new() });
        // Without `play` it would look for a hold-music file that is not there, and be silent.
        let directory = self.directory.display().to_string();
        self.say(&format!("soundcard use files {directory}/tone.wav"));
        self.say(&format!("play {directory}/tone.wav"));
        self.say(&format!("record {directory}/sound/heard.wav"));
    }

    fn wait_registered(&mut self) {
        // Without a registrar its answer says that it is there.
        let alone = self.account.way == Way::Direct;
        crate::deadline::wait_for("linphone's registration", STEP, || {
            self.say("status register");
            self.wait("whether it is registered", |line| {
                line.starts_with("registered").then(|| alone || line.starts_with("registered, identity="))
            })
            .then_some(())
        });
    }

    fn dial(&mut self, uri: &str) {
        self.say(&format!("call {uri}"));
    }

    fn wait_incoming(&mut self) {
        let call = self.wait("that somebody calls", |line| {
            line.strip_prefix("Receiving new incoming call from ")?.rsplit(' ').next()?.parse().ok()
        });
        self.ringing.push(call);
    }

    fn answer(&mut self) {
        if self.ringing.is_empty() {
            self.wait_incoming();
        }
        let call = self.ringing.remove(0);
        self.say(&format!("answer {call}"));
        self.wait_established();
    }

    fn is_busy(&mut self) {
        panic!("linphone declines for ever (603); it is busy while its one line has another call");
    }

    fn wait_refused(&mut self, status: u16) {
        self.wait("that its call is refused", |line| {
            call_in(line, "Call ", " error.").or_else(|| call_in(line, "Call ", " ended ("))
        });
        if status == 403 {
            // It takes that for a wrong password, and asks for another.
            let password = self.account.password.clone();
            self.say(&password);
        }
    }

    fn wait_established(&mut self) {
        let call = self.wait("that media flow", |line| {
            let (_, call) =
                line.strip_prefix("Media streams established with ")?.rsplit_once(" for call ")?;
            call.split(' ').next()?.parse().ok()
        });
        self.calls.retain(|&other| other != call);
        self.calls.push(call);
    }

    fn hold(&mut self) {
        let call = self.present();
        self.say(&format!("pause {call}"));
        self.wait("that the call is paused", |line| {
            call_in(line, "Call ", " is now paused.").filter(|&it| it == call)
        });
    }

    fn resume(&mut self) {
        let call = self.present();
        self.say(&format!("resume {call}"));
        self.wait_established();
    }

    fn wait_held(&mut self) {
        self.wait("that it is on hold", |line| call_in(line, "Call ", " has been paused by "));
    }

    fn wait_resumed(&mut self) {
        self.wait_established();
    }

    fn plays_music(&self) -> bool {
        // The file that stands for its microphone is its hold music too.
        true
    }

    fn transfer_unattended(&mut self, uri: &str) {
        let call = self.present();
        self.say(&format!("transfer {call} {uri}"));
        self.wait("that the party was transferred", |line| {
            line.contains("has been transfered").then_some(())
        });
        self.wait_idle();
    }

    fn transfer_attended(&mut self) {
        let [.., held, present] = self.calls[..] else {
            panic!("an attended transfer needs two calls, and {} has {:?}", self.account.user, self.calls);
        };
        self.say(&format!("transfer {held} --to-call {present}"));
        self.wait("that the party was transferred", |line| {
            line.contains("has been transfered").then_some(())
        });
        self.wait_idle();
    }

    fn hang_up(&mut self) {
        let call = self.present();
        self.say(&format!("terminate {call}"));
        self.wait("that the call ended", |line| call_in(line, "Call ", " ended (").filter(|&it| it == call));
    }

    fn wait_idle(&mut self) {
        while !(self.calls.is_empty() && self.ringing.is_empty()) {
            self.wait("that its calls ended", |line| call_in(line, "Call ", " ended ("));
        }
    }
}

/// Where it listens. It leaves the port out of its Refer-To, so that a target that is called directly has the usual one.
fn port(number: u8, way: Way) -> u16 {
    match (way, number) {
        (Way::Direct, 2) => 5060,
        (Way::Direct | Way::Registered, _) => 5070 + u16::from(number),
    }
}

/// `linphonec> ` stands before whatever was printed next.
fn without_prompt(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix("linphonec> ") {
        line = rest;
    }
    if line.starts_with("Password for ")
        && let Some((_, rest)) = line.split_once(": ")
    {
        line = rest;
    }
    // The answer to an attended transfer comes without a line's end.
    line.rsplit_once("linphonec> ").map_or(line, |(_, rest)| rest)
}

/// The number after `before` in a line that goes on to `then`.
fn call_in(line: &str, before: &str, then: &str) -> Option<u32> {
    let rest = line.strip_prefix(before)?;
    let (number, rest) = rest.split_once(' ')?;
    format!(" {rest}").contains(then).then(|| number.parse().ok())?
}

fn configuration(account: &Account) -> String {
    let Account { user, password, domain, server, authority, .. } = account;
    let (uri, transport) = (account.uri(), account.transport.parameter());
    let number = u16::from(account.number);
    let listens = |wanted| if account.transport == wanted { port(account.number, account.way) } else { 0 };
    let mut text = format!(
        "[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
root_ca={authority}
verify_server_certs=1
verify_server_cn=0
guess_hostname=0
contact=\"{user}\" <sip:{user}@127.0.0.1>
use_ipv6=0
default_proxy=0
media_encryption=none

[rtp]
audio_rtp_port={rtp}

[video]
enabled=0

[misc]
max_calls={lines}
",
        lines = if account.manner == Manner::OneLine { 1 } else { 10 },
        udp = listens(Transport::Udp),
        tcp = listens(Transport::Tcp),
        tls = listens(Transport::Tls),
        // A second call takes the next ports, so phones keep well apart.
        rtp = 7000 + 100 * number,
    );
    if account.way == Way::Registered {
        let _ = write!(
            text,
            "
[proxy_0]
reg_proxy=<sip:{server};transport={transport}>
reg_route=<sip:{server};transport={transport}>
reg_identity=<{uri}>
reg_expires=600
reg_sendregister=1
publish=0

[auth_info_0]
username={user}
passwd={password}
realm={domain}
"
        );
    }
    for (index, (name, rate, channels)) in CODECS.into_iter().enumerate() {
        let enabled = u8::from(name.starts_with("PCM"));
        let codec = format!("mime={name}\nrate={rate}\nchannels={channels}\nenabled={enabled}");
        let _ = write!(text, "\n[audio_codec_{index}]\n{codec}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_without_their_prompts() {
        assert_eq!(without_prompt("linphonec> linphonec> Call 1 ended"), "Call 1 ended");
        assert_eq!(without_prompt("transfer of call 1 to call 2linphonec> Call 1"), "Call 1");
    }

    #[test]
    fn calls_are_named_by_number() {
        let line = "Call 12 with sip:bob@example.test ended (No error).";
        assert_eq!(call_in(line, "Call ", " ended ("), Some(12));
        assert_eq!(call_in(line, "Call ", " is now paused."), None);
    }
}
