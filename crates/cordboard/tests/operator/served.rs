//! A running switchboard, and phones that are no more than a socket.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One that is started with a configuration and ended with the test.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    log: RefCell<String>,
    pub(crate) listening: Vec<(String, SocketAddr)>,
}

/// Loopback, free ports, nobody has to prove anything.
pub(crate) const OPEN: &str = "domain = \"example.test\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:0\"\n\
     [http]\naddress = \"127.0.0.1:0\"\n[auth]\nregisters = false\ncalls = false\n";

/// The program under test.
pub(crate) fn cordboard() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordboard"));
    command.stdin(Stdio::null());
    command
}

/// What a command that fails says; it must not succeed.
pub(crate) fn failing(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(!output.status.success(), "it succeeds: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

impl Served {
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), config)
    }

    /// Starts one on the data that an earlier one left.
    pub(crate) fn start_in(folder: TempDir, config: &str) -> Self {
        std::fs::write(folder.path().join("cordboard.toml"), config).expect("it can be written");
        let mut command = cordboard();
        command.arg("serve").arg("--config").arg(folder.path().join("cordboard.toml"));
        Self::run(folder, &mut command)
    }

    pub(crate) fn run(folder: TempDir, command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let lines = lines_of(child.stdout.take().expect("a pipe"));
        let errors = lines_of(child.stderr.take().expect("a pipe"));
        let mut served =
            Self { folder, child, lines, errors, log: RefCell::default(), listening: Vec::new() };
        while served.listening.last().is_none_or(|(name, _)| name != "http") {
            let Some(line) = served.line() else {
                panic!("it does not start: {}", served.end());
            };
            let mut words = line.split(' ').skip(1);
            let (name, address) = (words.next().expect("a name"), words.next().expect("an address"));
            served.listening.push((name.to_owned(), address.parse().expect("an address")));
        }
        served
    }

    /// The next line on standard output; none after the last.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it says nothing"),
        }
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.listening.iter().find(|(theirs, _)| theirs == name).expect("it listens").1
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("cordboard-data")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("cordboard.toml")
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Ends it with SIGTERM, which must succeed, and gives the log.
    pub(crate) fn end(&mut self) -> String {
        self.signal("TERM");
        self.end_after_signal()
    }

    /// Waits for the end that a signal has brought about.
    pub(crate) fn end_after_signal(&mut self) -> String {
        let status = self.child.wait().expect("it ends");
        let log = self.read_log(|_| false);
        assert!(status.success(), "{status}: {log}");
        log
    }

    /// Waits until the log holds this.
    pub(crate) fn logs(&self, words: &str) {
        let log = self.read_log(|log| log.contains(words));
        assert!(log.contains(words), "{words} is not logged:\n{log}");
    }

    /// Reads the log until it is enough or over, and gives all of it.
    fn read_log(&self, enough: impl Fn(&str) -> bool) -> String {
        let mut log = self.log.borrow_mut();
        while !enough(&log)
            && let Ok(line) = self.errors.recv_timeout(PATIENCE)
        {
            log.push_str(&line);
            log.push('\n');
        }
        log.clone()
    }

    /// Kills it without warning and gives its folder.
    pub(crate) fn kill(mut self) -> TempDir {
        // It may have been ended in order before.
        let _ = self.child.kill();
        self.child.wait().expect("it ends");
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn ctl(&self, words: &[&str]) -> Output {
        cordboard().arg("ctl").arg("--config").arg(self.config()).args(words).output().expect("ctl runs")
    }

    /// What a wish that is fulfilled prints.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = self.ctl(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What a wish that is refused says.
    pub(crate) fn refuses(&self, words: &[&str]) -> String {
        let output = self.ctl(words);
        assert!(!output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("text")
    }
}

impl Drop for Served {
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

/// A socket that speaks for somebody.
pub(crate) struct Phone {
    pub(crate) user: &'static str,
    socket: UdpSocket,
    switchboard: SocketAddr,
    sent: u32,
}

impl Phone {
    pub(crate) fn new(user: &'static str, served: &Served) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { user, socket, switchboard: served.address("udp"), sent: 0 }
    }

    pub(crate) fn contact(&self) -> String {
        format!("sip:{}@{}", self.user, self.socket.local_addr().expect("an address"))
    }

    /// Registers for so many seconds; gives the answer.
    pub(crate) fn registers(&mut self, seconds: u32, more: &str) -> String {
        let contact = format!("Contact: <{}>;expires={seconds}\r\n{more}", self.contact());
        self.request("REGISTER", "sip:example.test", self.user, &contact);
        self.receive()
    }

    pub(crate) fn request(&mut self, method: &str, uri: &str, to: &str, more: &str) {
        self.sent += 1;
        let local = self.socket.local_addr().expect("an address");
        let (user, n) = (self.user, self.sent);
        let mut text = format!("{method} {uri} SIP/2.0\r\n");
        let _ = write!(
            text,
            "Via: SIP/2.0/UDP {local};branch=z9hG4bK-{user}-{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@example.test>;tag={user}-tag\r\nTo: <sip:{to}@example.test>\r\n\
             Call-ID: {user}-call\r\nCSeq: {n} {method}\r\n{more}Content-Length: 0\r\n\r\n"
        );
        self.send(&text);
    }

    pub(crate) fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.switchboard).expect("it is sent");
    }

    /// The next message.
    pub(crate) fn receive(&self) -> String {
        let mut buffer = vec![0; 65_535];
        let length = self.socket.recv(&mut buffer).expect("something comes");
        String::from_utf8(buffer[..length].to_vec()).expect("text")
    }

    /// The next message that begins so; what comes before is skipped.
    pub(crate) fn receives(&self, beginning: &str) -> String {
        loop {
            let message = self.receive();
            if message.starts_with(beginning) {
                return message;
            }
        }
    }

    /// Answers a request with a status.
    pub(crate) fn answers(&self, request: &str, status: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in request.lines() {
            let name = line.split(':').next().unwrap_or("").to_ascii_lowercase();
            if ["via", "from", "call-id", "cseq", "record-route"].contains(&name.as_str()) {
                let _ = write!(text, "{line}\r\n");
            } else if name == "to" {
                let _ = write!(text, "{line};tag={}-tag\r\n", self.user);
            }
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        self.send(&text);
    }
}

/// Writes a file into the folder of a test.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("it can be written");
    path
}
