//! The answering end: 180 and 200 to an INVITE, 200 to everything else.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write as _};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench_wire::{Inbox, Outbox, Wait, bind, wait_readable};

use crate::backoff::{Backoff, Overdue};
use crate::scan::{Line, Scan};
use crate::sdp::description;
use crate::tally::Tally;

/// How often the end of the run is looked for.
const TICK: Duration = Duration::from_millis(100);

/// The answering end alone.
#[derive(Clone, Debug, clap::Args)]
pub struct Answer {
    /// The port it listens on.
    #[arg(long)]
    pub port: u16,
    /// How long it answers, in seconds.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
}

impl Answer {
    /// Answers until the time is over.
    ///
    /// # Errors
    /// The port is taken, or the kernel refused to receive or send.
    pub fn run(&self) -> io::Result<Tally> {
        let answerer = Answerer::new(self.port)?;
        answerer.run(&AtomicBool::new(false), Duration::from_secs(self.seconds))
    }
}

/// The answering end, bound to its port.
#[derive(Debug)]
pub(crate) struct Answerer {
    socket: UdpSocket,
    contact: String,
    description: Vec<u8>,
    outbox: Outbox,
    unacknowledged: Unacknowledged,
    tally: Tally,
}

impl Answerer {
    pub(crate) fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            socket: bind(port)?,
            contact: format!("Contact: <sip:bob@127.0.0.1:{port}>\r\n"),
            description: description(30_000),
            outbox: Outbox::default(),
            unacknowledged: Unacknowledged::default(),
            tally: Tally::default(),
        })
    }

    /// Answers until `stop` is set or `at_most` has passed.
    pub(crate) fn run(mut self, stop: &AtomicBool, at_most: Duration) -> io::Result<Tally> {
        let begin = Instant::now();
        let mut inbox = Inbox::default();
        while !stop.load(Ordering::Relaxed) && begin.elapsed() < at_most {
            wait_readable(&self.socket, TICK)?;
            let now = begin.elapsed().as_secs_f64();
            while inbox.receive(&self.socket, Wait::No)? > 0 {
                for (bytes, from) in inbox.datagrams() {
                    self.request(&Scan::new(bytes), from, now)?;
                }
                self.outbox.flush(&self.socket)?;
            }
            self.resend(now)?;
        }
        self.tally.failed = self.tally.begun - self.tally.completed;
        Ok(self.tally)
    }

    fn request(&mut self, scan: &Scan<'_>, from: SocketAddrV4, now: f64) -> io::Result<()> {
        match scan.method() {
            _ if scan.status().is_some() => Ok(()),
            b"ACK" => {
                self.unacknowledged.remove(scan.call_id);
                Ok(())
            }
            b"INVITE" => {
                if scan.to_tag().is_none() {
                    self.tally.begun += 1;
                    self.respond(scan, from, "180 Ringing")?;
                }
                self.respond(scan, from, "200 OK")?;
                if let Some(answer) = self.outbox.last() {
                    self.unacknowledged.insert(scan.call_id, answer, from, now);
                }
                Ok(())
            }
            method => {
                self.tally.completed += usize::from(method == b"BYE");
                self.respond(scan, from, "200 OK")
            }
        }
    }

    fn respond(&mut self, scan: &Scan<'_>, to: SocketAddrV4, status: &str) -> io::Result<()> {
        let Self { socket, contact, description, outbox, .. } = self;
        let to_invite = scan.method() == b"INVITE";
        outbox.post(socket, to, |out| {
            out.extend_from_slice(b"SIP/2.0 ");
            out.extend_from_slice(status.as_bytes());
            out.extend_from_slice(b"\r\n");
            scan.vias.iter().for_each(|line| echo(out, line));
            if to_invite {
                scan.record_routes.iter().for_each(|line| echo(out, line));
            }
            echo(out, &scan.from);
            out.extend_from_slice(scan.to.whole);
            if scan.to_tag().is_none() {
                // A repeated INVITE must meet the same tag: it is a function of the Call-ID.
                let _ = write!(out, ";tag=b{:x}", key_of(scan.call_id));
            }
            out.extend_from_slice(b"\r\n");
            echo(out, &scan.call_id);
            echo(out, &scan.cseq);
            if to_invite {
                out.extend_from_slice(contact.as_bytes());
                out.extend_from_slice(b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY\r\n");
            }
            if to_invite && status.starts_with('2') {
                let length = description.len();
                let _ = write!(out, "Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n");
                out.extend_from_slice(description);
            } else {
                out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
            }
        })
    }

    /// RFC 3261 §13.3.1.4: a 2xx is sent again until its ACK comes.
    fn resend(&mut self, now: f64) -> io::Result<()> {
        let Self { socket, outbox, unacknowledged, tally, .. } = self;
        while let Some((bytes, to)) = unacknowledged.pop_due(now) {
            tally.retransmissions += 1;
            outbox.post(socket, to, |out| out.extend_from_slice(bytes))?;
        }
        outbox.flush(socket)
    }
}

/// Writes a header line as it came.
pub(crate) fn echo(out: &mut Vec<u8>, line: &Line<'_>) {
    out.extend_from_slice(line.whole);
    out.extend_from_slice(b"\r\n");
}

/// A Call-ID as a number; two that collide would at worst stop a retransmission early.
fn key_of(call_id: Line<'_>) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(call_id.value)
}

/// The answers that wait for their ACK.
#[derive(Debug, Default)]
struct Unacknowledged {
    by_call: HashMap<u64, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    backoff: Backoff,
}

#[derive(Debug)]
struct Slot {
    bytes: Vec<u8>,
    to: SocketAddrV4,
    key: u64,
    /// Counts the answers that stood here, so that an old deadline finds its answer gone.
    generation: u32,
}

impl Unacknowledged {
    fn insert(&mut self, call_id: Line<'_>, bytes: &[u8], to: SocketAddrV4, now: f64) {
        let key = key_of(call_id);
        if self.by_call.contains_key(&key) {
            return;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { bytes: Vec::new(), to, key, generation: 0 });
            self.slots.len() - 1
        });
        let slot = &mut self.slots[index];
        slot.bytes.clear();
        slot.bytes.extend_from_slice(bytes);
        (slot.to, slot.key) = (to, key);
        self.by_call.insert(key, index);
        self.backoff.sent(now, index, slot.generation);
    }

    fn remove(&mut self, call_id: Line<'_>) {
        if let Some(index) = self.by_call.remove(&key_of(call_id)) {
            self.slots[index].generation += 1;
            self.free.push(index);
        }
    }

    /// The next answer that is due again.
    fn pop_due(&mut self, now: f64) -> Option<(&[u8], SocketAddrV4)> {
        loop {
            match self.backoff.pop_due(now, |index| self.slots[index].generation)? {
                Overdue::Resend(index) => {
                    let slot = &self.slots[index];
                    return Some((&slot.bytes, slot.to));
                }
                Overdue::GiveUp(index) => {
                    let slot = &mut self.slots[index];
                    slot.generation += 1;
                    self.by_call.remove(&slot.key);
                    self.free.push(index);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench_wire::loopback;

    fn call_id(value: &[u8]) -> Line<'_> {
        Line { whole: value, value }
    }

    #[test]
    fn an_answer_is_sent_again_until_its_ack() {
        let mut waiting = Unacknowledged::default();
        waiting.insert(call_id(b"1"), b"one", loopback(1), 0.0);
        waiting.insert(call_id(b"2"), b"two", loopback(2), 0.0);
        waiting.remove(call_id(b"1"));
        assert_eq!(waiting.pop_due(0.6), Some((&b"two"[..], loopback(2))));
        assert_eq!(waiting.pop_due(0.6), None);
    }

    #[test]
    fn a_slot_used_again_forgets_the_old_deadline() {
        let mut waiting = Unacknowledged::default();
        waiting.insert(call_id(b"1"), b"one", loopback(1), 0.0);
        waiting.remove(call_id(b"1"));
        waiting.insert(call_id(b"2"), b"two", loopback(2), 0.3);
        assert_eq!(waiting.pop_due(0.6), None);
        assert_eq!(waiting.pop_due(0.9), Some((&b"two"[..], loopback(2))));
    }
}
