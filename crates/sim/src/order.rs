//! The order in which things happen, as choices: what is due next happens, or waits until something else has happened
//! at the same host.
//!
//! Hosts share nothing, so that two orders differ only if some host sees its packets and timers in another order;
//! whatever only differs in how the doings of different hosts are mixed is played once. So the one question is, of
//! what comes next to a host: does something else come to this host before it? It may, as long as that is due within
//! [`WINDOW`]; if nothing did, the run is one that was played already ([`Step::Commutes`]).

use crate::choice::Choices;
use crate::host::HostId;
use crate::sim::{Happening, Sim};
use cordboard_core::time::Instant;
use std::time::Duration;

/// For how long things may be overtaken: twice the round-trip estimate (2·T1, RFC 3261 §17.1.1.1), so that what is
/// sent is sent once again meanwhile, and its copy is on its way too.
pub const WINDOW: Duration = Duration::from_secs(1);

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something arrived at this host.
    Delivered(HostId),
    /// Timers of this host fired.
    Fired(HostId),
    /// Nothing more is due.
    Idle,
    /// What waited had nothing to wait for: the same run was played without the waiting.
    Commutes,
}

/// The order of one run.
#[derive(Debug, Default)]
pub struct Order {
    /// What it chooses; whoever presses buttons asks it too.
    pub choices: Choices,
    waiting: Vec<Due>,
    commuting: u64,
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    at: Instant,
    host: HostId,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A datagram, which others may overtake, by its place among what is coming.
    Datagram(u64),
    /// What keeps its place: a segment of a stream, an answer to a question.
    Other(u64),
    /// The timers of one agent.
    Timers(usize),
}

impl Order {
    /// The order that these choices make.
    pub const fn new(choices: Choices) -> Self {
        Self { choices, waiting: Vec::new(), commuting: 0 }
    }

    /// How many other orders of two things were not played, because they were due at different hosts.
    pub const fn commuting(&self) -> u64 {
        self.commuting
    }

    /// Whether something waits.
    pub const fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn waits(&self, due: &Due) -> bool {
        self.waiting.iter().any(|other| (other.host, other.what) == (due.host, due.what))
    }
}

impl Sim {
    /// Lets the next thing happen that is due by `until` and that `order` lets happen: one delivery, or the timers of
    /// one agent. Once nothing is due any more, the clock is at `until`.
    pub fn step_in(&mut self, order: &mut Order, until: Instant) -> Step {
        loop {
            let due = self.due();
            let next = due.iter().find(|due| !order.waits(due)).copied();
            let close = due.first().map(|first| first.at + WINDOW);
            let Some(next) = next.filter(|next| order.waiting.is_empty() || Some(next.at) <= close) else {
                return if order.has_waiting() { Step::Commutes } else { self.idle_until(until) };
            };
            if next.at > until && !order.has_waiting() {
                return self.idle_until(until);
            }
            let within = |other: &&Due| {
                other.at <= next.at + WINDOW
                    && **other != next
                    && !order.waits(other)
                    && !self.repeats(other, &next)
            };
            let rivals: Vec<Due> = due.iter().filter(within).copied().collect();
            let is_datagram = |other: &Due| matches!(other.what, What::Datagram(_));
            let may_wait = match next.what {
                What::Datagram(_) => rivals.iter().any(|other| is_datagram(other) || other.host == next.host),
                What::Timers(_) => rivals.iter().any(is_datagram),
                What::Other(_) => false,
            };
            if may_wait && order.choices.choose(2) == 1 {
                order.waiting.push(next);
                continue;
            }
            order.commuting += rivals.iter().filter(|other| other.host != next.host).count() as u64;
            // A copy of what waits comes to the same as the original.
            order.waiting.retain(|waiting| waiting.host != next.host || self.repeats(&next, waiting));
            return self.let_happen(next);
        }
    }

    fn idle_until(&mut self, until: Instant) -> Step {
        self.advance_to(until);
        Step::Idle
    }

    /// Everything that is due, in the order in which it comes if nothing is overtaken. What was asked of the driver
    /// is answered first.
    fn due(&self) -> Vec<Due> {
        let coming = self.coming().map(|(at, place, happening)| {
            let (host, what) = match happening {
                Happening::Packet(end, _) if end.flow.connection == 0 => (end.host, What::Datagram(place)),
                Happening::Packet(end, _) => (end.host, What::Other(place)),
                Happening::Closed(host, ..)
                | Happening::Answer { host, .. }
                | Happening::Kept { host, .. }
                | Happening::Handed { host, .. } => (*host, What::Other(place)),
            };
            Due { at, host, what }
        });
        let timers = self.timers().map(|(at, host, shard)| Due { at, host, what: What::Timers(shard) });
        let mut due: Vec<Due> = coming.chain(timers).collect();
        let answered = |due: &Due| matches!(due.what, What::Other(_)) && due.at <= self.now();
        due.sort_by_key(|due| (!answered(due), due.at, matches!(due.what, What::Timers(_))));
        due
    }

    /// Whether both are the same datagram, sent twice.
    fn repeats(&self, one: &Due, other: &Due) -> bool {
        match (one.what, other.what) {
            (What::Datagram(here), What::Datagram(there)) if one.host == other.host && here != there => {
                self.packet(one.at, here).is_some_and(|bytes| Some(bytes) == self.packet(other.at, there))
            }
            _ => false,
        }
    }

    fn let_happen(&mut self, due: Due) -> Step {
        self.advance_to(due.at);
        match due.what {
            What::Datagram(place) | What::Other(place) => {
                self.take_coming(due.at, place);
                Step::Delivered(due.host)
            }
            What::Timers(shard) => {
                self.fire_timers_of(due.host, shard);
                Step::Fired(due.host)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Turns, Walk};
    use crate::host::Host;
    use crate::weather::Weather;
    use bytes::Bytes;
    use cordboard_core::transport::Transport;
    use cordboard_service::settings::{Role, Settings, Telephone};
    use cordboard_sip::View;
    use std::collections::BTreeSet;

    fn options(from: u8, call_id: &str) -> Bytes {
        let text = format!(
            "OPTIONS sip:x@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.{from}:5060;branch=z9hG4bK{call_id};rport\r\n\
             From: <sip:a@elsewhere.example>;tag=1\r\nTo: <sip:x@192.0.2.9>\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Bytes::from(text)
    }

    /// Two ask one, and each of them is asked by it; in what order the answers came to be.
    fn answers(order: &mut Order) -> Option<Vec<String>> {
        let mut sim = Sim::new([0; 32], Weather::Still);
        let [one, two, asked] = [1u8, 2, 9].map(|last| {
            let settings = Settings {
                role: Role::Telephone(Telephone::default()),
                ring_bytes: 0,
                ..Settings::of_domain("example.com")
            };
            let address = [192, 0, 2, last].into();
            sim.stand(Host::listening(&format!("host{last}"), None, &[address], &[Transport::Udp], settings))
        });
        sim.inject(one, asked, Transport::Udp, &options(1, "a"));
        sim.inject(two, asked, Transport::Udp, &options(2, "b"));
        let until = sim.now() + Duration::from_mins(1);
        loop {
            match sim.step_in(order, until) {
                Step::Delivered(_) | Step::Fired(_) => {}
                Step::Idle => break,
                Step::Commutes => return None,
            }
        }
        let answers = sim.tap().messages(0).filter(|seen| seen.from == asked);
        Some(
            answers
                .map(|seen| View::parse(&seen.bytes).expect("it is a message").call_id().to_owned())
                .collect(),
        )
    }

    #[test]
    fn both_orders_at_one_host_are_played_and_those_at_different_hosts_once() {
        let mut walk = Walk::new(4);
        let (mut seen, mut cut, mut commuting) = (Vec::new(), 0, 0);
        while let Some(choices) = walk.next_run() {
            let mut order = Order::new(choices);
            match answers(&mut order) {
                Some(answers) => seen.push(answers.concat()),
                None => cut += 1,
            }
            commuting += order.commuting();
            walk.finished(&order.choices);
        }
        let orders: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(orders, BTreeSet::from(["ab", "ba"]));
        assert_eq!(seen.len(), 2, "each once, whatever becomes of the answers: {seen:?}, {cut} cut short");
        assert!(commuting > 0);
    }

    #[test]
    fn the_same_turns_play_the_same_order() {
        let turns: Turns = "0=1".parse().expect("they are turns");
        let again = || answers(&mut Order::new(Choices::new(turns.clone())));
        assert_eq!(again(), Some(vec!["b".into(), "a".into()]));
        assert_eq!(again(), again());
    }
}
