//! Calls that are put up and then stand until the generator is told to go on; then some of them are handed over by
//! REFER (RFC 3515) to an answering end of its own, one after another.
//!
//! In between it says so on standard output and waits for a line on standard input, so that whoever measures can look
//! at the phone that has the calls, and measures the handing over alone.

use std::io::{self, Write as _};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bench_wire::{Inbox, Outbox, Wait, bind, loopback, wait_readable};
use memchr::memmem;

use crate::answerer::{Answerer, echo};
use crate::backoff::{Backoff, Overdue};
use crate::letters::{Letters, Peer, run_name};
use crate::pace::Pace;
use crate::scan::Scan;
use crate::sdp::description;
use crate::tally::Tally;

/// A run of calls that stand.
#[derive(Clone, Debug, clap::Args)]
pub struct Standing {
    /// The port of the phone that is called.
    #[arg(long)]
    pub phone: u16,
    /// The caller's port.
    #[arg(long)]
    pub caller: u16,
    /// The port of whom the phone is to call instead.
    #[arg(long)]
    pub target: u16,
    /// Calls begun in a second.
    #[arg(long)]
    pub rate: f64,
    /// Calls that are put up.
    #[arg(long)]
    pub calls: usize,
    /// How many of them are handed over.
    #[arg(long, default_value_t = 0)]
    pub transfers: usize,
    /// How many of them in a second.
    #[arg(long, default_value_t = 100.0)]
    pub transfer_rate: f64,
}

/// What is said once the calls are up.
pub const ALL_UP: &str = "all up";

impl Standing {
    /// Plays it to its end. The tally counts the transfers, or the calls if nothing is handed over.
    ///
    /// # Errors
    /// A port is taken, the kernel refused to receive or send, or nobody says that it may go on.
    pub fn run(&self) -> io::Result<Tally> {
        let target = Answerer::new(self.target)?;
        let mut caller = Caller::new(self)?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| target.run(&stop, Duration::MAX));
            let played = caller.play();
            stop.store(true, Ordering::Relaxed);
            played
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Inviting,
    Up,
    /// The REFER is not answered.
    Referring,
    /// Reports are awaited.
    Reporting,
    Over,
}

#[derive(Clone, Debug, Default)]
struct Call {
    stage: Stage,
    since: f64,
    peer: Peer,
}

struct Caller<'a> {
    plan: &'a Standing,
    socket: UdpSocket,
    letters: Letters,
    pace: Pace,
    calls: Vec<Call>,
    backoff: Backoff,
    outbox: Outbox,
    /// From each REFER to its last NOTIFY.
    times: Vec<f32>,
    tally: Tally,
}

impl<'a> Caller<'a> {
    fn new(plan: &'a Standing) -> io::Result<Self> {
        Ok(Self {
            plan,
            socket: bind(plan.caller)?,
            letters: Letters {
                run: run_name(),
                caller: plan.caller,
                user: "bob".into(),
                domain: "127.0.0.1".into(),
                description: description(30_002),
            },
            pace: Pace::new(plan.rate, plan.calls),
            calls: vec![Call::default(); plan.calls],
            backoff: Backoff::default(),
            outbox: Outbox::default(),
            times: Vec::with_capacity(plan.transfers),
            tally: Tally::default(),
        })
    }

    fn play(&mut self) -> io::Result<Tally> {
        self.go_on(self.plan.calls, Self::invite)?;
        if self.tally.failed == 0 {
            println!("{ALL_UP}");
            io::stdout().flush()?;
            if io::stdin().read_line(&mut String::new())? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let Tally { failed, retransmissions, .. } = self.tally;
        if self.plan.transfers > 0 && failed == 0 {
            self.tally = Tally { retransmissions, ..Tally::default() };
            self.pace = Pace::new(self.plan.transfer_rate, self.plan.transfers.min(self.plan.calls));
            self.go_on(self.plan.transfers.min(self.plan.calls), Self::refer)?;
            self.tally.seconds = self.pace.now();
            self.tally.time(std::mem::take(&mut self.times));
        }
        Ok(std::mem::take(&mut self.tally))
    }

    /// Begins so many of something at the pace that is set, and waits until all have come to their end.
    fn go_on(&mut self, count: usize, begin: impl Fn(&mut Self, usize) -> io::Result<()>) -> io::Result<()> {
        let mut inbox = Inbox::default();
        let deadline = self.pace.deadline(0.0);
        while self.tally.completed + self.tally.failed < count && self.pace.now() < deadline {
            let now = self.pace.now();
            for index in self.pace.starts(now) {
                self.tally.begun += 1;
                self.calls[index].since = now;
                begin(self, index)?;
                self.backoff.sent(now, index, self.calls[index].stage as u32);
            }
            self.resend(now)?;
            if self.take(&mut inbox)? == 0
                && let Some(wait) = self.pace.wait(self.pace.now())
            {
                wait_readable(&self.socket, wait)?;
            }
        }
        self.tally.failed = count - self.tally.completed;
        Ok(())
    }

    fn resend(&mut self, now: f64) -> io::Result<()> {
        while let Some(overdue) = self.backoff.pop_due(now, |i| self.calls[i].stage as u32) {
            match overdue {
                Overdue::Resend(index) => {
                    self.tally.retransmissions += 1;
                    match self.calls[index].stage {
                        Stage::Inviting => self.invite(index)?,
                        _ => self.refer(index)?,
                    }
                }
                Overdue::GiveUp(index) => self.end(index, false),
            }
        }
        self.outbox.flush(&self.socket)
    }

    fn take(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        let received = inbox.receive(&self.socket, Wait::No)?;
        for (bytes, from) in inbox.datagrams() {
            let scan = Scan::new(bytes);
            if scan.status().is_some() {
                self.response(&scan)?;
            } else {
                self.request(&scan, bytes, from)?;
            }
        }
        self.outbox.flush(&self.socket)?;
        Ok(received)
    }

    fn response(&mut self, scan: &Scan<'_>) -> io::Result<()> {
        let known = self.letters.index_of(scan).filter(|&index| index < self.calls.len());
        let (Some(index), Some(status)) = (known, scan.status().filter(|status| *status >= 200)) else {
            return Ok(());
        };
        match (scan.method(), self.calls[index].stage) {
            (b"INVITE", Stage::Inviting) if status < 300 => {
                self.calls[index].peer = Peer::of(scan);
                self.calls[index].stage = Stage::Up;
                self.tally.completed += 1;
                self.in_dialog(index, (1, "ACK"), "")
            }
            // Its 200 came again: so does the ACK (RFC 3261 §13.2.2.4).
            (b"INVITE", _) if status < 300 => self.in_dialog(index, (1, "ACK"), ""),
            (b"INVITE", Stage::Inviting) => {
                self.tally.refused(scan.start_line);
                self.calls[index].stage = Stage::Over;
                let Self { outbox, socket, letters, .. } = self;
                outbox.post(socket, loopback(self.plan.phone), |out| letters.refusal_ack(out, index, scan))
            }
            (b"REFER", Stage::Referring) if status < 300 => {
                self.calls[index].stage = Stage::Reporting;
                Ok(())
            }
            (b"REFER", Stage::Referring) => {
                self.tally.refused(scan.start_line);
                self.calls[index].stage = Stage::Over;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A report, or the end of a call.
    fn request(&mut self, scan: &Scan<'_>, bytes: &[u8], from: SocketAddrV4) -> io::Result<()> {
        if scan.method() == b"ACK" {
            return Ok(());
        }
        let known = self.letters.index_of(scan).filter(|&index| index < self.calls.len());
        if let (Some(index), b"NOTIFY") = (known, scan.method()) {
            let body = memmem::find(bytes, b"\r\n\r\n").map_or(&[][..], |at| &bytes[at + 4..]);
            match body.strip_prefix(b"SIP/2.0 ").and_then(<[u8]>::first) {
                Some(b'2') => self.end(index, true),
                Some(b'3'..=b'6') => self.end(index, false),
                _ => {}
            }
        }
        self.outbox.post(&self.socket, from, |out| {
            out.extend_from_slice(b"SIP/2.0 200 OK\r\n");
            for line in scan.vias.iter().chain([&scan.from, &scan.to, &scan.call_id, &scan.cseq]) {
                echo(out, line);
            }
            out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        })
    }

    /// A transfer is over. A report may overtake the 202.
    fn end(&mut self, index: usize, completed: bool) {
        let call = &mut self.calls[index];
        if completed && matches!(call.stage, Stage::Referring | Stage::Reporting) {
            self.tally.completed += 1;
            self.times.push((self.pace.now() - call.since) as f32);
        } else if call.stage != Stage::Over {
            self.tally.failed += 1;
        }
        call.stage = Stage::Over;
    }

    fn invite(&mut self, index: usize) -> io::Result<()> {
        let Self { outbox, socket, letters, .. } = self;
        outbox.post(socket, loopback(self.plan.phone), |out| letters.invite(out, index))
    }

    fn refer(&mut self, index: usize) -> io::Result<()> {
        self.calls[index].stage = Stage::Referring;
        let lines = format!(
            "Refer-To: <sip:carol@127.0.0.1:{}>\r\nReferred-By: <sip:alice@127.0.0.1>\r\n",
            self.plan.target
        );
        self.in_dialog(index, (2, "REFER"), &lines)
    }

    fn in_dialog(&mut self, index: usize, request: (u32, &str), lines: &str) -> io::Result<()> {
        let Self { outbox, socket, letters, calls, .. } = self;
        let dialog = (index, &calls[index].peer);
        outbox.post(socket, loopback(self.plan.phone), |out| {
            letters.in_dialog(out, dialog, request, format_args!("{lines}"));
        })
    }
}
