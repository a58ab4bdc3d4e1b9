//! A switchboard with servers, and people in two groups.

use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

use cordboard_media::session::RATE;
use cordboard_media::source::{Source, Tone};
use cordboard_media::wav::Samples;

use crate::telephone::Telephone;

/// The domain of the office.
pub(crate) const DOMAIN: &str = "example.test";

/// Who is there, and in which group.
const PEOPLE: [(&str, &str); 5] =
    [("alice", "sales"), ("bob", "sales"), ("carol", "sales"), ("mallory", "others"), ("trent", "others")];

/// `cordboard serve` until it is dropped.
pub(crate) struct Office {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) udp: SocketAddr,
}

impl Office {
    /// One whose configuration has `more` in it; WAV files in its folder play tones: `440.wav` and so on, for a second each.
    pub(crate) fn open(more: &str) -> Self {
        Self::open_with(more, "")
    }

    /// The same with `rules` among what alice has set up.
    pub(crate) fn open_with(more: &str, rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for frequency in [440, 620, 880, 1200] {
            let path = folder.path().join(format!("{frequency}.wav"));
            std::fs::write(path, tone(frequency)).unwrap();
        }
        let mut config = format!(
            "domain = \"{DOMAIN}\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:0\"\n\
             [http]\naddress = \"127.0.0.1:0\"\n{more}"
        );
        for (name, group) in PEOPLE {
            let rules = if name == "alice" { rules } else { "" };
            let _ = write!(
                config,
                "[[user]]\nname = \"{name}\"\npassword = \"pw-{name}\"\ngroups = [\"{group}\"]\n{rules}\n"
            );
        }
        std::fs::write(folder.path().join("cordboard.toml"), config).unwrap();
        Self::start(folder)
    }

    /// Changes its configuration file.
    pub(crate) fn edit(&self, how: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("cordboard.toml");
        let file = how(std::fs::read_to_string(&path).unwrap());
        std::fs::write(&path, file).unwrap();
    }

    /// Kills the process, and starts another.
    pub(crate) fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.udp) = started(self.folder.path());
    }

    fn start(folder: TempDir) -> Self {
        let (child, udp) = started(folder.path());
        Self { child, folder, udp }
    }

    /// A telephone of somebody here, registered, that plays a tone.
    pub(crate) fn phone(&self, user: &str, tone: u16) -> Telephone {
        let mut phone = Telephone::of(user, &format!("pw-{user}"), self.udp, tone);
        phone.registers();
        phone
    }

    /// The same of a telephone whose calls those of its work group may join.
    pub(crate) fn friend(&self, user: &str, tone: u16) -> Telephone {
        let mut phone = Telephone::friend(user, &format!("pw-{user}"), self.udp, tone);
        phone.registers();
        phone
    }

    /// The same of a telephone that knows neither REFER nor Replaces.
    pub(crate) fn old_phone(&self, user: &str, tone: u16) -> Telephone {
        let mut phone = Telephone::old(user, &format!("pw-{user}"), self.udp, tone);
        phone.registers();
        phone
    }

    /// A telephone of somebody who has no password here.
    pub(crate) fn stranger(&self, user: &str, tone: u16) -> Telephone {
        Telephone::elsewhere(user, self.udp, tone)
    }

    /// Who waits for whom: how that stands, who is called back, and whom they want.
    pub(crate) fn redials(&self) -> Vec<[String; 3]> {
        let redials: Value = serde_json::from_str(&self.ctl(&["--json", "redial", "list"]).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let redials = redials.as_array().unwrap().iter();
        redials.map(|redial| ["state", "asker", "wanted"].map(|key| text(&redial[key]))).collect()
    }

    /// What `cordboard ctl` says, or what is wrong.
    pub(crate) fn ctl(&self, wish: &[&str]) -> Result<String, String> {
        let words: Vec<&str> = std::iter::once("ctl").chain(wish.iter().copied()).collect();
        let output = cordboard(self.folder.path(), &words).output().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// What an operator wants by `ctl --json`, and waits for until they are killed.
    pub(crate) fn wants(&self, words: &[&str]) -> Wish {
        let words: Vec<&str> = ["ctl", "--json"].into_iter().chain(words.iter().copied()).collect();
        let child = cordboard(self.folder.path(), &words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Wish { child }
    }

    /// What comes of it, where that is soon: the outcome, or what is wrong.
    #[track_caller]
    pub(crate) fn does(&self, words: &[&str]) -> String {
        self.wants(words).outcome()
    }

    /// Who is in which conference room.
    pub(crate) fn in_rooms(&self) -> Vec<[String; 2]> {
        let output =
            cordboard(self.folder.path(), &["ctl", "--json", "conference", "list"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let rooms: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parties = |room: &Value| -> Vec<[String; 2]> {
            let parties = room["parties"].as_array().unwrap().iter();
            parties.map(|party| [text(&room["room"]), text(&party["who"])]).collect()
        };
        rooms.as_array().unwrap().iter().flat_map(parties).collect()
    }

    /// The Call-IDs of the calls that are up, the latest first.
    pub(crate) fn calls(&self) -> Vec<String> {
        let output = cordboard(self.folder.path(), &["ctl", "--json", "calls"]).output().unwrap();
        let calls: Value = serde_json::from_slice(&output.stdout).unwrap();
        let up = calls.as_array().unwrap().iter().filter(|call| call["state"] == "answered");
        up.map(|call| call["call_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Listens to what happens from now on.
    pub(crate) fn listens(&self) -> Listener {
        let mut child = cordboard(self.folder.path(), &["ctl", "--json", "events"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Somebody who comes is seen as soon as there is an ear.
        let (heard, first) = std::sync::mpsc::channel();
        let listening = std::thread::spawn(move || {
            let line = lines.next();
            let _ = heard.send(());
            (line, lines)
        });
        for n in 0.. {
            let name = format!("nobody-{n}");
            self.does(&["users", "add", &name, "--password", "x"]);
            if first.recv_timeout(std::time::Duration::from_millis(50)).is_ok() {
                break;
            }
        }
        let (_, lines) = listening.join().unwrap();
        Listener { child, lines }
    }

    /// The slots that are not free: slot, state, who, and who has parked them.
    pub(crate) fn parked(&self) -> Vec<[String; 4]> {
        let output = cordboard(self.folder.path(), &["ctl", "--json", "park", "list"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lots: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let slots = lots.as_array().unwrap().iter().flat_map(|lot| lot["slots"].as_array().unwrap());
        let taken = slots.filter(|slot| !slot["parked"].is_null());
        taken
            .map(|slot| {
                let parked = &slot["parked"];
                [&slot["slot"], &parked["state"], &parked["who"], &parked["parked_by"]].map(text)
            })
            .collect()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process, and where it listens.
fn started(folder: &Path) -> (Child, SocketAddr) {
    let mut child = cordboard(folder, &["serve", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut udp = None;
    loop {
        let line = lines.next().expect("it starts").unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let address = told["address"].as_str().unwrap().parse().unwrap();
        match told["listening"].as_str().unwrap() {
            "udp" => assert!(udp.replace(address).is_none(), "what is for servers alone is nobody's to know"),
            _ => return (child, udp.unwrap()),
        }
    }
}

fn cordboard(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.args(words).arg("--config").arg(folder.join("cordboard.toml")).stdin(Stdio::null());
    command
}

/// Somebody who listens to what happens.
pub(crate) struct Listener {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Listener {
    /// The next event of that name.
    #[track_caller]
    pub(crate) fn hears(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It has ended already if the switchboard has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an operator wants.
pub(crate) struct Wish {
    child: Child,
}

impl Wish {
    /// What came of it, and that its end says the same as its words: the outcome, or what is wrong.
    #[track_caller]
    pub(crate) fn outcome(self) -> String {
        let output = self.child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else {
            assert!(!output.status.success() && !errors.is_empty(), "{output:?}");
            return errors.into_owned();
        };
        let outcome = answer["outcome"].as_str().unwrap_or_default().to_owned();
        if outcome.is_empty() {
            return answer.to_string();
        }
        assert_eq!(output.status.success(), outcome == "completed", "{answer} {errors}");
        match answer["slot"].as_str() {
            Some(slot) => format!("{outcome} in {slot}"),
            None => outcome,
        }
    }

    /// They press Ctrl-C.
    pub(crate) fn press_ctrl_c(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The address of a user or server here.
pub(crate) fn at(user: &str) -> Box<str> {
    format!("sip:{user}@{DOMAIN}").into()
}

fn tone(frequency: u16) -> Vec<u8> {
    let mut values = vec![0; RATE as usize];
    Source::tone(Tone { frequency, level: -10.0 }).fill(RATE, &mut values);
    Samples { rate: RATE, values }.write().unwrap()
}
