//! Calls through the server: INVITE, 180, 200, ACK, BYE, 200.
//!
//! Every request goes to the server; Record-Route and Contact decide what stands in it.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bench_wire::{Inbox, Outbox, Wait, bind, loopback, wait_readable};

use crate::answerer::Answerer;
use crate::backoff::{Backoff, Overdue};
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
    /// The To tag with its semicolon.
    to_tag: Box<[u8]>,
    /// The Route lines.
    routes: Box<[u8]>,
    /// The remote target.
    target: Box<[u8]>,
}

struct Caller<'a> {
    plan: &'a Calls,
    socket: UdpSocket,
    proxy: SocketAddrV4,
    description: Vec<u8>,
    run: String,
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
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            plan,
            socket: bind(plan.caller)?,
            proxy: loopback(plan.proxy),
            description: description(30_002),
            run: format!("{:x}", clock.as_micros() & 0xffff_ffff_ffff),
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
        let (Some(status), Some(index)) = (scan.status(), self.index_of(scan)) else {
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

    /// The call that a response belongs to, by the Call-ID that this run minted.
    fn index_of(&self, scan: &Scan<'_>) -> Option<usize> {
        let text = str::from_utf8(scan.call_id.value).ok()?;
        let (index, rest) = text.split_once('-')?;
        rest.starts_with(&self.run).then_some(())?;
        index.parse().ok().filter(|&index| index < self.pace.started())
    }

    fn establish(&mut self, index: usize, scan: &Scan<'_>) {
        let mut routes = Vec::new();
        for route in scan.route_set() {
            routes.extend_from_slice(b"Route: ");
            routes.extend_from_slice(route);
            routes.extend_from_slice(b"\r\n");
        }
        let call = &mut self.calls[index];
        call.stage = Stage::Up;
        call.routes = routes.into();
        call.to_tag = scan.to_tag().unwrap_or_default().into();
        call.target = scan.contact_uri().unwrap_or_default().into();
    }

    fn end(&mut self, index: usize, now: f64) {
        self.last_end = now;
        let begun = self.calls[index].begun;
        self.calls[index] = Call { begun, stage: Stage::Over, ..Call::default() };
    }

    fn invite(&mut self, index: usize) -> io::Result<()> {
        let Self { plan, run, description, .. } = self;
        let Calls { caller, user, domain, .. } = plan;
        self.outbox.post(&self.socket, self.proxy, |out| {
            let _ = write!(
                out,
                "INVITE sip:{user}@{domain} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}i{index};rport\r\n\
                 Max-Forwards: 70\r\n\
                 From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n\
                 To: <sip:{user}@{domain}>\r\n\
                 Call-ID: {index}-{run}@127.0.0.1\r\n\
                 CSeq: 1 INVITE\r\n\
                 Contact: <sip:alice@127.0.0.1:{caller}>\r\n\
                 User-Agent: bench-load/0.1\r\n\
                 Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n\
                 Supported: replaces\r\n\
                 Content-Type: application/sdp\r\n\
                 Content-Length: {}\r\n\r\n",
                description.len()
            );
            out.extend_from_slice(description);
        })
    }

    /// A request inside the dialog: the ACK of its 200 or its BYE.
    fn in_dialog(&mut self, index: usize, method: &str, cseq: u32) -> io::Result<()> {
        let Self { plan, run, calls, .. } = self;
        let Calls { caller, user, domain, .. } = plan;
        let call = &calls[index];
        self.outbox.post(&self.socket, self.proxy, |out| {
            out.extend_from_slice(method.as_bytes());
            out.push(b' ');
            out.extend_from_slice(&call.target);
            let _ = write!(
                out,
                " SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}{}{index};rport\r\n\
                 Max-Forwards: 70\r\n",
                &method[..1].to_ascii_lowercase()
            );
            out.extend_from_slice(&call.routes);
            let _ = write!(
                out,
                "From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n\
                 To: <sip:{user}@{domain}>"
            );
            out.extend_from_slice(&call.to_tag);
            let _ = write!(
                out,
                "\r\n\
                 Call-ID: {index}-{run}@127.0.0.1\r\n\
                 CSeq: {cseq} {method}\r\n\
                 Contact: <sip:alice@127.0.0.1:{caller}>\r\n\
                 Content-Length: 0\r\n\r\n"
            );
        })
    }

    /// The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
    fn refusal_ack(&mut self, index: usize, scan: &Scan<'_>) -> io::Result<()> {
        let Self { plan, run, .. } = self;
        let Calls { caller, user, domain, .. } = plan;
        self.outbox.post(&self.socket, self.proxy, |out| {
            let _ = write!(
                out,
                "ACK sip:{user}@{domain} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:{caller};branch=z9hG4bK{run}i{index};rport\r\n\
                 Max-Forwards: 70\r\n\
                 From: \"Alice\" <sip:alice@{domain}>;tag=a{run}{index}\r\n"
            );
            out.extend_from_slice(scan.to.whole);
            let _ = write!(
                out,
                "\r\n\
                 Call-ID: {index}-{run}@127.0.0.1\r\n\
                 CSeq: 1 ACK\r\n\
                 Content-Length: 0\r\n\r\n"
            );
        })
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
