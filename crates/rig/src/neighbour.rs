//! Another machine: a network of its own at the other end of a line, on which everything takes its time.
//!
//! The line is a point-to-point interface at each end. What goes into one comes to us as a datagram, waits, and goes out of the
//! other, so that the two machines are as far from each other as the test wants.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::deadline::{STEP, wait_for};
use crate::place::Place;
use crate::process::Program;

/// What it needs: programs, and interfaces that programs may have.
pub const PROGRAMS: [&str; 4] = ["nsenter", "sleep", "socat", "/dev/net/tun"];

/// Our own address on the line.
pub const HERE: &str = "198.51.100.1";

/// The neighbour's.
pub const THERE: &str = "198.51.100.2";

/// The two ends of the line, and their addresses.
const ENDS: [(&str, &str); 2] = [("here", HERE), ("there", THERE)];

/// The socket in the middle of it.
const MIDDLE: &str = "middle";

/// The longest packet, and room for more.
const LONGEST: usize = 1 << 16;

/// A machine beside ours. It is gone with this value.
#[derive(Debug)]
pub struct Neighbour {
    /// Holds the network of the machine.
    machine: Program,
    /// Both ends of the line, and of every tunnel.
    ends: Vec<Program>,
    directory: PathBuf,
    /// The same, for its sockets.
    folder: File,
}

impl Neighbour {
    /// A machine from which a packet takes so long to ours, and as long back.
    pub fn so_far_away(place: &Place, delay: Duration) -> Self {
        let directory = place.subdirectory("neighbour");
        let mut asleep = Command::new("unshare");
        asleep.args(["--net", "--kill-child", "sleep", "infinity"]).stdin(Stdio::null());
        let machine = Program::start("unshare", asleep, &directory.join("machine.log"));
        let folder = File::open(&directory).expect("it was made");
        let mut neighbour = Self { machine, ends: Vec::new(), directory, folder };
        let own = fs::read_link("/proc/self/ns/net").expect("this process has a network");
        let theirs = format!("/proc/{}/ns/net", neighbour.machine.id());
        wait_for("the other machine's network", STEP, || {
            fs::read_link(&theirs).is_ok_and(|network| network != own).then_some(())
        });
        let [here, there] = ENDS.map(|(name, _)| neighbour.socket(name));
        carry(&neighbour.socket(MIDDLE), [[here.clone(), there.clone()], [there, here]], delay);
        let socats = [Command::new("socat"), neighbour.command("socat")];
        for ((name, address), socat) in ENDS.into_iter().zip(socats) {
            neighbour.has_end(name, address, socat);
        }
        let mut up = neighbour.command("ip");
        assert!(up.args(["link", "set", "lo", "up"]).status().is_ok_and(|status| status.success()));
        for (mut ip, (_, address)) in [Command::new("ip"), neighbour.command("ip")].into_iter().zip(ENDS) {
            ip.args(["-4", "-o", "address", "show", "up"]);
            wait_for("both ends of the line", STEP, || {
                let output = ip.output().ok()?;
                String::from_utf8_lossy(&output.stdout).contains(address).then_some(())
            });
        }
        neighbour
    }

    /// A program that runs there; its files are ours.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.machine.id().to_string(), "--"]).arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// What somebody there asks of that port of its loopback is answered by ours, as through a tunnel of SSH.
    pub fn tunnels(&mut self, port: u16) {
        let mut here = Command::new("socat");
        let way = self.socket(&port.to_string());
        here.args([format!("UNIX-LISTEN:{way},fork"), format!("TCP:127.0.0.1:{port}")]);
        let mut there = self.command("socat");
        there.args([
            format!("TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr"),
            format!("UNIX-CONNECT:{way}"),
        ]);
        for (name, command) in [("tunnel-here", here), ("tunnel-there", there)] {
            self.has(name, command);
        }
        let mut sockets = self.command("cat");
        sockets.args(["/proc/self/net/tcp"]);
        let listening = format!("0100007F:{port:04X} 00000000:0000 0A");
        wait_for("both ends of the tunnel", STEP, || {
            let table = sockets.output().ok()?;
            (Path::new(&way).exists() && String::from_utf8_lossy(&table.stdout).contains(&listening))
                .then_some(())
        });
    }

    /// An end of the line: an interface with that address, whose packets come to the socket in the middle.
    fn has_end(&mut self, name: &str, address: &str, mut socat: Command) {
        socat.arg(format!("TUN:{address}/24,up,iff-no-pi"));
        socat.arg(format!("UNIX-SENDTO:{},bind={}", self.socket(MIDDLE), self.socket(name)));
        self.has(name, socat);
    }

    fn has(&mut self, name: &str, mut command: Command) {
        command.stdin(Stdio::null());
        self.ends.push(Program::start("socat", command, &self.directory.join(name).with_extension("log")));
    }

    /// The path of a socket in our directory, by another way: its own may be longer than a socket's may be.
    fn socket(&self, name: &str) -> String {
        format!("/proc/{}/fd/{}/{name}", std::process::id(), self.folder.as_raw_fd())
    }
}

/// Carries what comes to the socket in the middle whence and whither it says, each packet `delay` after it came.
fn carry(middle: &str, ways: [[String; 2]; 2], delay: Duration) {
    let middle = UnixDatagram::bind(middle).expect("the directory can be written");
    let (hands_on, handed) = channel();
    let out = middle.try_clone().expect("a socket can be shared");
    thread::spawn(move || {
        let mut packet = vec![0; LONGEST];
        while let Ok((length, from)) = middle.recv_from(&mut packet) {
            let way = ways.iter().find(|[end, _]| from.as_pathname() == Some(Path::new(end)));
            let Some([_, to]) = way else { continue };
            let on_its_way = (Instant::now() + delay, packet[..length].to_vec(), to.clone());
            if hands_on.send(on_its_way).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || deliver(&handed, &out));
}

fn deliver(handed: &Receiver<(Instant, Vec<u8>, String)>, out: &UnixDatagram) {
    while let Ok((due, packet, to)) = handed.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // An end that is not there yet loses what is sent to it, as on any line.
        let _ = out.send_to(&packet, to);
    }
}
