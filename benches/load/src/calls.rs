//! Calls through the server: INVITE, 180, 200, ACK, BYE, 200.
//!
//! Every request goes to the server; Record-Route and Contact decide what stands in it.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bench_wire::{Inbox, Outbox, Wait, bind, loopback, wait_readable};

use crate::answerer::Answerer;
use crate::backoff::{Backoff, Overdue};
use crate::letters::{Letters, Peer, run_name};
use crate::pace::Pace;
use crate::scan::Scan;
use crate::sdp::description;
use crate::tally::Tally;

/// Datagrams taken before the clock is looked at again.
const INTAKE: usize = 256;

/// A run of calls.
#[derive(Clone, Debug, clap::Args)]
pub struct Calls {
    /// The server's port.
    #[arg(long)]
    pub proxy: u16,
    /// The caller's port.
    #[arg(long)]
    pub caller: u16,
    /// The answering end's port; without it somebody else answers.
    #[arg(long)]
    pub answerer: Option<u16>,
    /// Calls begun in a second.
    #[arg(long)]
    pub rate: f64,
    /// Calls in all.
    #[arg(long)]
    pub calls: usize,
    /// How long a call stays up, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub hold_ms: u64,
    /// The user that is called.
    #[arg(long, default_value = "bob")]
    pub user: String,
    /// The domain of the caller and of the user called.
    #[arg(long, default_value = "127.0.0.1")]
    pub domain: String,
}

impl Calls {
    /// Plays the calls, and the answering end beside them if it has a port.
    ///
    /// # Errors
    /// A port is taken, or the kernel refused to receive or send.
    pub fn run(&self) -> io::Result<Tally> {
        let answerer = self.answerer.map(Answerer::new).transpose()?;
        let mut caller = Caller::new(self)?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let answering = answerer.map(|answerer| scope.spawn(|| answerer.run(&stop, Duration::MAX)));
            let played = caller.play();
            stop.store(true, Ordering::Relaxed);
            let mut tally = played?;
            if let Some(Ok(answered)) = answering.map(thread::ScopedJoinHandle::join) {
                tally.retransmissions += answered?.retransmissions;
            }
            Ok(tally)
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Inviting,
    Up,
    Leaving,
    Over,
}

#[derive(Clone, Debug, Default)]
struct Call {
    begun: f64,
    stage: Stage,
    peer: Peer,
}

struct Caller<'a> {
    plan: &'a Calls,
    socket: UdpSocket,
    proxy: SocketAddrV4,
    letters: Letters,
    pace: Pace,
    calls: Vec<Call>,
    backoff: Backoff,
    /// Calls that are up, and when each is over.
    hangups: VecDeque<(f64, usize)>,
    outbox: Outbox,
    answers: Vec<f32>,
    tally: Tally,
    last_end: f64,
}

impl<'a> Caller<'a> {
    fn new(plan: &'a Calls) -> io::Result<Self> {
        Ok(Self {
            plan,
            socket: bind(plan.caller)?,
            proxy: loopback(plan.proxy),
            letters: Letters {
                run: run_name(),
                caller: plan.caller,
                user: plan.user.clone(),
                domain: plan.domain.clone(),
                description: description(30_002),
            },
            pace: Pace::new(plan.rate, plan.calls),
            calls: vec![Call::default(); plan.calls],
            backoff: Backoff::default(),
            hangups: VecDeque::new(),
            outbox: Outbox::default(),
            answers: Vec::with_capacity(plan.calls),
            tally: Tally::default(),
            last_end: 0.0,
        })
    }

    fn play(&mut self) -> io::Result<Tally> {
        let hold = self.plan.hold_ms as f64 / 1e3;
        let deadline = self.pace.deadline(hold);
        let mut inbox = Inbox::default();
        while self.tally.completed + self.tally.failed < self.plan.calls {
            let now = self.pace.now();
            if now > deadline {
                break;
            }
            let started = self.send_due(now)?;
            let taken = self.take_answers(&mut inbox, hold)?;
            if taken == 0
                && started == 0
                && let Some(wait) = self.pace.wait(self.pace.now())
            {
                wait_readable(&self.socket, wait)?;
            }
        }
        self.tally.begun = self.pace.started();
        self.tally.failed = self.tally.begun - self.tally.completed;
        self.tally.seconds = (self.last_end - hold).max(0.0);
        self.tally.time(std::mem::take(&mut self.answers));
        Ok(std::mem::take(&mut self.tally))
    }

    /// Sends what is due: new calls, hangups, retransmissions. Says how many calls were begun.
    fn send_due(&mut self, now: f64) -> io::Result<usize> {
        let starts = self.pace.starts(now);
        let started = starts.len();
        for index in starts {
            self.calls[index].begun = now;
            self.invite(index)?;
            self.backoff.sent(now, index, Stage::Inviting as u32);
        }
        while let Some((_, index)) = self.hangups.pop_front_if(|hangup| hangup.0 <= now) {
            self.calls[index].stage = Stage::Leaving;
            self.in_dialog(index, "BYE", 2)?;
            self.backoff.sent(now, index, Stage::Leaving as u32);
        }
        while let Some(overdue) = self.backoff.pop_due(now, |i| self.calls[i].stage as u32) {
            match overdue {
                Overdue::Resend(index) => {
                    self.tally.retransmissions += 1;
                    match self.calls[index].stage {
                        Stage::Inviting => self.invite(index)?,
                        _ => self.in_dialog(index, "BYE", 2)?,
                    }
                }
                Overdue::GiveUp(index) => {
                    self.calls[index].stage = Stage::Over;
                    self.tally.failed += 1;
                }
            }
        }
        self.outbox.flush(&self.socket)?;
        Ok(started)
    }

    fn take_answers(&mut self, inbox: &mut Inbox, hold: f64) -> io::Result<usize> {
        let mut taken = 0;
        while taken < INTAKE {
            let received = inbox.receive(&self.socket, Wait::No)?;
            if received == 0 {
                break;
            }
            taken += received;
            let now = self.pace.now();
            for (bytes, _) in inbox.datagrams() {
                self.answer(&Scan::new(bytes), now, hold)?;
            }
            self.outbox.flush(&self.socket)?;
        }
        Ok(taken)
    }

    fn answer(&mut self, scan: &Scan<'_>, now: f64, hold: f64) -> io::Result<()> {
        let index = self.letters.index_of(scan).filter(|&index| index < self.pace.started());
        let (Some(status), Some(index)) = (scan.status(), index) else {
            return Ok(());
        };
        if status < 200 {
            self.tally.ringing += usize::from(status == 180);
            return Ok(());
        }
        match (scan.method(), self.calls[index].stage) {
            (b"INVITE", Stage::Inviting) if status < 300 => {
                self.answers.push((now - self.calls[index].begun) as f32);
                self.establish(index, scan);
                self.in_dialog(index, "ACK", 1)?;
                self.hangups.push_back((now + hold, index));
            }
            // Its 200 came again: so does the ACK (RFC 3261 §13.2.2.4).
            (b"INVITE", Stage::Up | Stage::Leaving) if status < 300 => {
                self.in_dialog(index, "ACK", 1)?;
            }
            (b"INVITE", Stage::Inviting) => {
                self.end(index, now);
                self.tally.refused(scan.start_line);
                self.refusal_ack(index, scan)?;
            }
            (b"BYE", Stage::Leaving) => {
                self.end(index, now);
                if status < 300 {
                    self.tally.completed += 1;
                } else {
                    self.tally.refused(scan.start_line);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn establish(&mut self, index: usize, scan: &Scan<'_>) {
        let call = &mut self.calls[index];
        call.stage = Stage::Up;
        call.peer = Peer::of(scan);
    }

    fn end(&mut self, index: usize, now: f64) {
        self.last_end = now;
        let begun = self.calls[index].begun;
        self.calls[index] = Call { begun, stage: Stage::Over, ..Call::default() };
    }

    fn invite(&mut self, index: usize) -> io::Result<()> {
        let Self { outbox, socket, letters, .. } = self;
        outbox.post(socket, self.proxy, |out| letters.invite(out, index))
    }

    fn in_dialog(&mut self, index: usize, method: &str, cseq: u32) -> io::Result<()> {
        let Self { outbox, socket, letters, calls, .. } = self;
        let dialog = (index, &calls[index].peer);
        outbox
            .post(socket, self.proxy, |out| letters.in_dialog(out, dialog, (cseq, method), format_args!("")))
    }

    fn refusal_ack(&mut self, index: usize, scan: &Scan<'_>) -> io::Result<()> {
        let Self { outbox, socket, letters, .. } = self;
        outbox.post(socket, self.proxy, |out| letters.refusal_ack(out, index, scan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A free port, as far as one can know.
    fn port() -> u16 {
        bind(0).unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn calls_come_to_their_end_through_a_null_proxy() {
        let [proxy, caller, answerer] = [port(), port(), port()];
        let floor = bind(proxy).unwrap();
        let stop = AtomicBool::new(false);
        let plan = Calls {
            proxy,
            caller,
            answerer: Some(answerer),
            rate: 500.0,
            calls: 50,
            hold_ms: 5,
            user: "bob".into(),
            domain: "127.0.0.1".into(),
        };
        let tally = thread::scope(|scope| {
            scope.spawn(|| {
                let mut inbox = Inbox::default();
                while !stop.load(Ordering::Relaxed) {
                    wait_readable(&floor, Duration::from_millis(10)).unwrap();
                    inbox.receive(&floor, Wait::No).unwrap();
                    let onward =
                        |from: SocketAddrV4| loopback(if from.port() == caller { answerer } else { caller });
                    inbox.forward(&floor, onward).unwrap();
                }
            });
            let tally = plan.run().unwrap();
            stop.store(true, Ordering::Relaxed);
            tally
        });
        assert_eq!((tally.begun, tally.completed, tally.failed), (50, 50, 0));
        assert_eq!((tally.ringing, tally.refusal), (50, None));
    }
}
