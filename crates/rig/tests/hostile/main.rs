//! Floods, halves, giants and lies: each gets its clear answer or silence, memory stays bounded, and calls go on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use cordboard_core::dice::Dice;
use cordboard_rig::bare::{Call, Side};
use cordboard_rig::deadline::STEP;
use cordboard_rig::switchboard::WEBSOCKET;
use cordboard_rig::{Bare, Heard, Message, Place, Switchboard, Transport, Wire, isolated};

mod floods;
mod giants;
mod halves;
mod lies;
mod nonces;

/// What memory may grow by whatever happens: the allocator's own slack, and buffers that stay once they were needed.
const SLACK: u64 = 16 << 20;

/// Where the switchboard answers Prometheus, unless it is told another place.
const METRICS: &str = "127.0.0.1:8060";

/// The ring of messages must not hide what else grows.
const SMALL_RING: &str = "\n[ring]\nbytes = 1048576\n[log]\nlevel = \"warn\"\n";

/// Two people in a call, which has to outlive everything that happens here.
struct Scene {
    switchboard: Switchboard,
    alice: Bare,
    bob: Bare,
    call: Call,
    before: u64,
}

impl Scene {
    fn new(place: &Place, tables: &str) -> Self {
        let switchboard = Switchboard::start_told(place, &[], &format!("{SMALL_RING}{tables}"));
        let [mut alice, mut bob] =
            ["alice", "bob"].map(|name| Bare::new(udp(&switchboard), name, &switchboard));
        for phone in [&mut alice, &mut bob] {
            let answer = phone.registers(600);
            assert_eq!(answer.status(), Some(200), "{answer:?}");
        }
        let call = Call::set_up(&mut alice, &mut bob, STEP);
        let before = switchboard.resident();
        Self { switchboard, alice, bob, call, before }
    }

    /// The call goes on in both directions, and another one can be made.
    #[track_caller]
    fn goes_on(&mut self) {
        let Self { alice, bob, call, .. } = self;
        call.reinvites(Side::Caller, alice, bob);
        call.reinvites(Side::Callee, alice, bob);
        Call::set_up(bob, alice, STEP).hangs_up(Side::Callee, bob, alice);
    }

    /// How much memory it has come to take may be accounted for by `held` bytes.
    #[track_caller]
    fn took_at_most(&self, held: u64) {
        let grown = self.switchboard.resident().saturating_sub(self.before);
        let [grown_mib, held_mib, before_mib] = [grown, held, self.before].map(|bytes| bytes >> 20);
        eprintln!("memory: {before_mib} MiB before, {grown_mib} MiB more, {held_mib} MiB may be held");
        assert!(grown <= held + SLACK, "{grown_mib} MiB more, but what is held may take {held_mib} MiB");
    }

    /// Ends the call in order: it has outlived everything. The switchboard is still the process that was started.
    #[track_caller]
    fn ends(mut self) {
        self.goes_on();
        let Self { mut switchboard, mut alice, mut bob, call, .. } = self;
        call.hangs_up(Side::Callee, &mut alice, &mut bob);
        assert!(switchboard.program().ended().is_none(), "the switchboard has ended");
        let log = std::fs::read_to_string(switchboard.program().log()).expect("the log can be read");
        assert!(!log.contains("panicked") && !log.contains("led to a bug"), "{log}");
    }
}

fn udp(switchboard: &Switchboard) -> Wire {
    Wire::udp(switchboard.address(Transport::Udp))
}

fn tcp(switchboard: &Switchboard) -> Wire {
    Wire::tcp(switchboard.address(Transport::Tcp))
}

fn tls(switchboard: &Switchboard) -> Wire {
    Wire::tls(switchboard.address(Transport::Tls), switchboard.domain(), &switchboard.authority())
}

fn websocket(_: &Switchboard) -> Wire {
    Wire::websocket(WEBSOCKET)
}

/// A figure that the switchboard shows to Prometheus.
fn figure(name: &str) -> u64 {
    let mut http = TcpStream::connect(METRICS).expect("it answers Prometheus");
    write!(http, "GET /metrics HTTP/1.1\r\nHost: {METRICS}\r\nConnection: close\r\n\r\n")
        .expect("it is asked");
    let mut text = String::new();
    http.read_to_string(&mut text).expect("it answers");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("there is no {name} in\n{text}"))
}

/// An OPTIONS for the domain over `wire`, with what `more` adds: header lines, the empty line, and a body.
fn options(wire: &Wire, number: usize, more: &str) -> String {
    let (transport, local) = (wire.transport(), wire.local());
    format!(
        "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK-h{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:eve@elsewhere.test>;tag=h{number}\r\nTo: <sip:example.test>\r\n\
         Call-ID: hostile-{number}-{}\r\nCSeq: 1 OPTIONS\r\n{more}",
        local.port()
    )
}
