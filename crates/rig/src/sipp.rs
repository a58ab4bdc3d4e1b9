//! `SIPp`, which plays one side of a scenario many times over and counts what did not fit.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::deadline::{STEP, wait_for};
use crate::place::Place;
use crate::process::Program;
use crate::script::{Actor, scenario};
use crate::switchboard::{Switchboard, password};
use crate::tone::{TONES, mu_law_second};

/// The columns of `SIPp`'s statistics that must be 0 when it ends.
const MUST_BE_ZERO: [&str; 3] = ["FailedCall(C)", "FailedUnexpectedMessage(C)", "OutOfCallMsgs(C)"];

/// How many calls, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Calls (or registrations) in all.
    pub calls: u32,
    /// New ones a second.
    pub rate: u32,
    /// How long a scenario's pause lasts: talking, ringing, or being on hold.
    pub pause: Duration,
    /// How long the whole run may take.
    pub limit: Duration,
}

/// One call, and what it may take: every step of it waits for what others do.
const ONCE: Load = Load { calls: 1, rate: 1, pause: Duration::ZERO, limit: Duration::from_secs(40) };

/// The file with its tone, where it runs.
pub(crate) const SOUND: &str = "tone.ulaw";

/// One `SIPp` process that plays one scenario.
#[derive(Debug)]
pub struct Sipp {
    program: Program,
    scenario: String,
    statistics: PathBuf,
    errors: PathBuf,
    load: Load,
    port: u16,
}

impl Sipp {
    /// Starts the scenario `scenarios/NAME.xml` from `port`, with the users of `people` (see [`write_users`]).
    pub fn start(
        place: &Place,
        switchboard: &Switchboard,
        scenario: &str,
        port: u16,
        people: &Path,
        load: Load,
    ) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}.xml"));
        let server = switchboard.address(crate::Transport::Udp);
        Self::launch(place, server, scenario, &file, port, load, |command| {
            command.arg("-inf").arg(people);
        })
    }

    /// Plays a [script](crate::script) once from `port`, with `there` (`host:port`) as the place that its first
    /// requests go to. Where the script says `speaks` it plays carol's tone.
    pub fn play(place: &Place, there: &str, actor: &Actor, script: &str, port: u16) -> Self {
        let name = format!("{}-{port}", actor.user);
        let file = place.directory().join(format!("{name}.xml"));
        fs::write(&file, scenario(actor, script)).expect("the directory can be written");
        fs::write(place.subdirectory(&directory(&name, port)).join(SOUND), mu_law_second(TONES[2]))
            .expect("the directory can be written");
        Self::launch(place, there, &name, &file, port, ONCE, |command| {
            // A Call-ID without signs that mean something in a URI.
            command.args(["-mi", "127.0.0.1", "-cid_str", "%u-%p"]);
        })
    }

    fn launch(
        place: &Place,
        there: &str,
        scenario: &str,
        file: &Path,
        port: u16,
        load: Load,
        more: impl FnOnce(&mut Command),
    ) -> Self {
        let directory = place.subdirectory(&directory(scenario, port));
        let (statistics, errors) = (directory.join("statistics.csv"), directory.join("errors.log"));
        let mut command = Command::new("sipp");
        command
            .arg(there)
            .arg("-sf")
            .arg(file)
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-trace_err", "-trace_stat"])
            .args(["-m", &load.calls.to_string(), "-r", &load.rate.to_string(), "-l", "5000"])
            .args(["-d", &load.pause.as_millis().to_string()])
            .args(["-timeout", &format!("{}s", load.limit.as_secs()), "-timeout_error"])
            .arg("-error_file")
            .arg(&errors)
            .arg("-stf")
            .arg(&statistics)
            .current_dir(&directory)
            .stdin(Stdio::null());
        more(&mut command);
        let program = Program::start("sipp", command, &directory.join("screen.log"));
        Self { program, scenario: scenario.to_owned(), statistics, errors, load, port }
    }

    /// Waits until its socket is open: what is sent before would be lost.
    pub fn wait_listening(&self) {
        let port = format!(":{:04X} ", self.port);
        wait_for("sipp's socket", STEP, || {
            let sockets = fs::read_to_string("/proc/net/udp").unwrap_or_default();
            sockets.contains(&port).then_some(())
        });
    }

    /// Says something in its own dialog `name`, so that a script goes on that waits for `name < INFO`.
    pub fn prompt(&self, name: &str) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback is up");
        let local = socket.local_addr().expect("a bound socket has an address");
        // What `-cid_str` makes of the first call.
        let call_id = format!("{name}///1-{}", self.program.id());
        let info = format!(
            "INFO sip:sipp@127.0.0.1:{} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-prompt\r\nMax-Forwards: 70\r\n\
             From: <sip:owner@127.0.0.1>;tag=owner\r\nTo: <sip:sipp@127.0.0.1>;tag={name}-sipp\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n",
            self.port
        );
        socket.send_to(info.as_bytes(), ("127.0.0.1", self.port)).expect("the loopback carries datagrams");
    }

    /// Waits for its end and panics unless every call went as the scenario says and nothing else came.
    #[track_caller]
    pub fn expect_success(mut self) {
        let status = self.program.wait_end(self.load.limit + Duration::from_secs(5));
        let statistics = fs::read_to_string(&self.statistics).unwrap_or_default();
        let counts = last_counts(&statistics);
        let count =
            |name: &str| counts.iter().find(|(column, _)| column == name).map(|(_, value)| value.as_str());
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        let errors: String = errors.chars().take(4000).collect();
        assert!(status.success(), "sipp {}: {status}\n{counts:?}\n{errors}", self.scenario);
        for name in MUST_BE_ZERO {
            assert_eq!(count(name), Some("0"), "sipp {}: {name}\n{errors}", self.scenario);
        }
        // A message for a call that is over is the answer to a retransmission, or one too many.
        let number = |name: &str| count(name).and_then(|value| value.parse::<u32>().ok());
        let (late, again) = (number("DeadCallMsgs(C)"), number("Retransmissions(C)"));
        assert!(
            late.is_some() && late <= again,
            "sipp {}: {late:?} late messages, {again:?} retransmissions\n{errors}",
            self.scenario
        );
        let successful = count("SuccessfulCall(C)").map(str::to_owned);
        assert_eq!(
            successful,
            Some(self.load.calls.to_string()),
            "sipp {}: calls that went well",
            self.scenario
        );
    }
}

/// The name of the directory in which it runs.
fn directory(scenario: &str, port: u16) -> String {
    format!("sipp-{scenario}-{port}")
}

/// The names of `count` users for `SIPp` to be.
pub fn users(count: u32) -> Vec<String> {
    (0..count).map(|number| format!("sipp{number:03}")).collect()
}

/// Writes the file that tells `SIPp` who calls whom: each of `users` the next, in a ring.
///
/// Its fields are the caller, the whole `[authentication]` keyword (`SIPp` expands no field inside it), the callee and
/// the domain.
pub fn write_users(place: &Place, switchboard: &Switchboard, users: &[String]) -> PathBuf {
    let called = users.iter().cycle().skip(1);
    let lines = users.iter().zip(called).map(|(caller, called)| {
        let password = password(caller);
        let domain = switchboard.domain();
        format!("{caller};[authentication username={caller} password={password}];{called};{domain}\n")
    });
    let path = place.directory().join("users.csv");
    fs::write(&path, format!("SEQUENTIAL\n{}", lines.collect::<String>()))
        .expect("the directory can be written");
    path
}

/// Column names and values of the last line of a statistics file.
fn last_counts(statistics: &str) -> Vec<(String, String)> {
    let mut lines = statistics.lines();
    let names = lines.next().unwrap_or_default().split(';');
    let values = lines.last().unwrap_or_default().split(';');
    names.map(str::to_owned).zip(values.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let counts = last_counts("A;FailedCall(C);\n1;7;\n2;0;\n");
        assert_eq!(counts[1], ("FailedCall(C)".to_owned(), "0".to_owned()));
        assert!(last_counts("").iter().all(|(_, value)| value.is_empty()));
    }
}
