//! Registrations: first ones and refreshes, with and without digest.

use std::io::{self, Write as _};
use std::net::{SocketAddrV4, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use bench_wire::{Inbox, Outbox, Wait, bind, loopback, wait_readable};

use crate::backoff::{Backoff, Overdue};
use crate::digest::{Challenge, Credentials};
use crate::pace::Pace;
use crate::scan::Scan;
use crate::tally::Tally;

/// Datagrams taken before the clock is looked at again.
const INTAKE: usize = 256;

/// A run of registrations. Users are `u000000`, `u000001` and so on, in turn.
///
/// A user keeps its Call-ID over runs and its CSeq follows the clock, so that a second run
/// refreshes what the first one bound (RFC 3261 §10.2.4).
#[derive(Clone, Debug, clap::Args)]
pub struct Registers {
    /// The server's port.
    #[arg(long)]
    pub proxy: u16,
    /// The port that registers.
    #[arg(long)]
    pub port: u16,
    /// The port that the Contact names, if another.
    #[arg(long)]
    pub contact_port: Option<u16>,
    /// Registrations begun in a second.
    #[arg(long)]
    pub rate: f64,
    /// Registrations in all.
    #[arg(long)]
    pub count: usize,
    /// How many users share them.
    #[arg(long)]
    pub users: usize,
    /// One user of this name instead of numbered ones.
    #[arg(long)]
    pub name: Option<String>,
    /// Everybody's password; without it a challenge is a failure.
    #[arg(long)]
    pub password: Option<String>,
    /// How long a binding lives, in seconds.
    #[arg(long, default_value_t = 3600)]
    pub expires: u32,
    /// The domain of the users.
    #[arg(long, default_value = "127.0.0.1")]
    pub domain: String,
}

impl Registers {
    /// Plays the registrations.
    ///
    /// # Errors
    /// The port is taken, or the kernel refused to receive or send.
    pub fn run(&self) -> io::Result<Tally> {
        Registrant::new(self)?.play()
    }

    /// The user of the registration `index`.
    fn user(&self, index: usize) -> String {
        let number = index % self.users.max(1);
        self.name.clone().unwrap_or_else(|| format!("u{number:06}"))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Asking,
    Proving,
    Over,
}

#[derive(Clone, Debug, Default)]
struct Registration {
    begun: f64,
    stage: Stage,
    /// The Authorization line, once there is one.
    authorization: Box<str>,
}

struct Registrant<'a> {
    plan: &'a Registers,
    socket: UdpSocket,
    proxy: SocketAddrV4,
    run: String,
    first_cseq: usize,
    pace: Pace,
    registrations: Vec<Registration>,
    backoff: Backoff,
    outbox: Outbox,
    answers: Vec<f32>,
    tally: Tally,
    last_end: f64,
}

impl<'a> Registrant<'a> {
    fn new(plan: &'a Registers) -> io::Result<Self> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            plan,
            socket: bind(plan.port)?,
            proxy: loopback(plan.proxy),
            run: format!("{:x}", clock.as_micros() & 0xffff_ffff_ffff),
            // Milliseconds, folded into the 31 bits that a CSeq has (RFC 3261 §8.1.1.5).
            first_cseq: (clock.as_millis() % (1 << 31)) as usize,
            pace: Pace::new(plan.rate, plan.count),
            registrations: vec![Registration::default(); plan.count],
            backoff: Backoff::default(),
            outbox: Outbox::default(),
            answers: Vec::with_capacity(plan.count),
            tally: Tally::default(),
            last_end: 0.0,
        })
    }

    fn play(mut self) -> io::Result<Tally> {
        let deadline = self.pace.deadline(0.0);
        let mut inbox = Inbox::default();
        while self.tally.completed + self.tally.failed < self.plan.count {
            let now = self.pace.now();
            if now > deadline {
                break;
            }
            let started = self.send_due(now)?;
            let taken = self.take_answers(&mut inbox)?;
            if taken == 0
                && started == 0
                && let Some(wait) = self.pace.wait(self.pace.now())
            {
                wait_readable(&self.socket, wait)?;
            }
        }
        self.tally.begun = self.pace.started();
        self.tally.failed = self.tally.begun - self.tally.completed;
        self.tally.seconds = self.last_end;
        self.tally.time(self.answers);
        Ok(self.tally)
    }

    fn send_due(&mut self, now: f64) -> io::Result<usize> {
        let starts = self.pace.starts(now);
        let started = starts.len();
        for index in starts {
            self.registrations[index].begun = now;
            self.register(index)?;
            self.backoff.sent(now, index, Stage::Asking as u32);
        }
        let stage_of = |registrations: &[Registration], i: usize| registrations[i].stage as u32;
        while let Some(overdue) = self.backoff.pop_due(now, |i| stage_of(&self.registrations, i)) {
            match overdue {
                Overdue::Resend(index) => {
                    self.tally.retransmissions += 1;
                    self.register(index)?;
                }
                Overdue::GiveUp(index) => {
                    self.registrations[index].stage = Stage::Over;
                    self.tally.failed += 1;
                }
            }
        }
        self.outbox.flush(&self.socket)?;
        Ok(started)
    }

    fn take_answers(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        let mut taken = 0;
        while taken < INTAKE {
            let received = inbox.receive(&self.socket, Wait::No)?;
            if received == 0 {
                break;
            }
            taken += received;
            let now = self.pace.now();
            for (bytes, _) in inbox.datagrams() {
                self.answer(&Scan::new(bytes), now)?;
            }
            self.outbox.flush(&self.socket)?;
        }
        Ok(taken)
    }

    fn answer(&mut self, scan: &Scan<'_>, now: f64) -> io::Result<()> {
        let (Some(status), Some((index, stage))) = (scan.status(), self.request_of(scan)) else {
            return Ok(());
        };
        if status < 200 || self.registrations[index].stage != stage {
            return Ok(());
        }
        if status == 401 && stage == Stage::Asking && self.prove(index, scan) {
            self.register(index)?;
            self.backoff.sent(now, index, Stage::Proving as u32);
            return Ok(());
        }
        let registration = &mut self.registrations[index];
        registration.stage = Stage::Over;
        registration.authorization = Box::default();
        self.last_end = now;
        if status < 300 {
            self.answers.push((now - registration.begun) as f32);
            self.tally.completed += 1;
        } else {
            self.tally.refused(scan.start_line);
        }
        Ok(())
    }

    /// The registration and its stage that a response belongs to, by the branch we minted.
    fn request_of(&self, scan: &Scan<'_>) -> Option<(usize, Stage)> {
        let via = str::from_utf8(scan.vias.first()?.value).ok()?;
        let (_, branch) = via.split_once(";branch=z9hG4bK")?;
        let rest = branch.split(';').next()?.strip_prefix(&self.run)?;
        let (stage, index) = rest.split_at_checked(1)?;
        let stage = if stage == "q" { Stage::Proving } else { Stage::Asking };
        let index = index.parse().ok()?;
        (index < self.pace.started()).then_some((index, stage))
    }

    /// Answers the first challenge that can be; says whether there was one.
    fn prove(&mut self, index: usize, scan: &Scan<'_>) -> bool {
        let Some(password) = &self.plan.password else {
            return false;
        };
        let mut challenges = scan.challenges.iter();
        let Some(challenge) = challenges.find_map(|line| Challenge::parse(line.value)) else {
            return false;
        };
        let answer = challenge.answer(Credentials {
            user: &self.plan.user(index),
            password,
            method: "REGISTER",
            uri: &format!("sip:{}", self.plan.domain),
        });
        let registration = &mut self.registrations[index];
        registration.authorization = format!("Authorization: {answer}\r\n").into();
        registration.stage = Stage::Proving;
        true
    }

    fn register(&mut self, index: usize) -> io::Result<()> {
        let Self { plan, run, registrations, first_cseq, .. } = self;
        let Registers { port, expires, domain, .. } = plan;
        let contact_port = plan.contact_port.unwrap_or(*port);
        let user = plan.user(index);
        let registration = &registrations[index];
        let proving = registration.stage == Stage::Proving;
        let mark = if proving { 'q' } else { 'p' };
        let cseq = *first_cseq + index / plan.users.max(1) * 2 + usize::from(proving);
        self.outbox.post(&self.socket, self.proxy, |out| {
            let _ = write!(
                out,
                "REGISTER sip:{domain} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{run}{mark}{index};rport\r\n\
                 Max-Forwards: 70\r\n\
                 From: <sip:{user}@{domain}>;tag=r{run}{index}\r\n\
                 To: <sip:{user}@{domain}>\r\n\
                 Call-ID: {user}-of-the-benchmark@127.0.0.1\r\n\
                 CSeq: {cseq} REGISTER\r\n\
                 Contact: <sip:{user}@127.0.0.1:{contact_port}>\r\n\
                 Expires: {expires}\r\n\
                 User-Agent: bench-load/0.1\r\n\
                 Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n\
                 Supported: path\r\n"
            );
            out.extend_from_slice(registration.authorization.as_bytes());
            out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    /// A registrar of one rule: challenge whoever brings no Authorization.
    fn registrar(socket: &UdpSocket, requests: usize) {
        let begin = Instant::now();
        let (mut inbox, mut outbox, mut seen) = (Inbox::default(), Outbox::default(), 0);
        while seen < requests && begin.elapsed() < Duration::from_secs(5) {
            wait_readable(socket, Duration::from_millis(10)).unwrap();
            seen += inbox.receive(socket, Wait::No).unwrap();
            for (bytes, from) in inbox.datagrams() {
                let scan = Scan::new(bytes);
                let text = String::from_utf8_lossy(bytes);
                outbox
                    .post(socket, from, |out| {
                        let (status, more) = if text.contains("Authorization: Digest username=\"u0") {
                            ("200 OK", "")
                        } else {
                            ("401 Unauthorized", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n")
                        };
                        let _ = write!(out, "SIP/2.0 {status}\r\n{more}");
                        for line in [scan.vias[0], scan.from, scan.to, scan.call_id, scan.cseq] {
                            out.extend_from_slice(line.whole);
                            out.extend_from_slice(b"\r\n");
                        }
                        out.extend_from_slice(b"\r\n");
                    })
                    .unwrap();
            }
            outbox.flush(socket).unwrap();
        }
    }

    fn registered_with(password: Option<&str>, requests: usize) -> Tally {
        let socket = bind(0).unwrap();
        let plan = Registers {
            proxy: socket.local_addr().unwrap().port(),
            port: 0,
            contact_port: Some(5999),
            rate: 1000.0,
            count: 20,
            users: 10,
            name: None,
            password: password.map(Into::into),
            expires: 60,
            domain: "127.0.0.1".into(),
        };
        thread::scope(|scope| {
            scope.spawn(|| registrar(&socket, requests));
            plan.run().unwrap()
        })
    }

    #[test]
    fn a_challenge_is_answered() {
        let tally = registered_with(Some("secret"), 40);
        assert_eq!((tally.completed, tally.failed, tally.refusal), (20, 0, None));
    }

    #[test]
    fn without_a_password_a_challenge_is_a_refusal() {
        let tally = registered_with(None, 20);
        assert_eq!((tally.completed, tally.failed), (0, 20));
        assert_eq!(tally.refusal.as_deref(), Some("SIP/2.0 401 Unauthorized"));
    }
}
