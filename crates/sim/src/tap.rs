//! What was on the wire, as somebody who taps it sees it.

use crate::facts;
use crate::host::HostId;
use crate::session::Stream;
use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_ladder::{Ladder, Media, Message, Row};
use cordboard_sip::View;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::BTreeSet;
use std::hash::Hasher;

/// One message as it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was sent.
    pub at: Instant,
    /// By whom.
    pub from: HostId,
    /// To whom.
    pub to: HostId,
    /// Over what.
    pub transport: Transport,
    /// The whole message.
    pub bytes: Bytes,
    /// It never arrived.
    pub lost: bool,
    /// The same bytes went the same way before.
    pub again: bool,
}

/// A row of what the tap saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Message(Seen),
    /// Two hosts began to talk.
    Media(Instant, [HostId; 2]),
}

/// Everything that passed, in order.
#[derive(Debug, Default)]
pub struct Tap {
    entries: Vec<Entry>,
    sent: BTreeSet<(HostId, HostId, u128)>,
    talking: BTreeSet<Stream>,
}

impl Tap {
    /// Takes note of a message.
    pub fn message(
        &mut self,
        at: Instant,
        [from, to]: [HostId; 2],
        transport: Transport,
        bytes: &Bytes,
        lost: bool,
    ) {
        let mut hasher = SipHasher13::new();
        hasher.write(bytes);
        let again = !self.sent.insert((from, to, hasher.finish128().as_u128()));
        let bytes = bytes.clone();
        self.entries.push(Entry::Message(Seen { at, from, to, transport, bytes, lost, again }));
    }

    /// Takes note of what sounds now, and writes down what did not before.
    pub fn talking(&mut self, at: Instant, streams: BTreeSet<Stream>) {
        let new = streams.difference(&self.talking).map(|stream| Entry::Media(at, stream.between));
        self.entries.extend(new);
        self.talking = streams;
    }

    /// What passed, from row `first` on.
    pub fn entries(&self, first: usize) -> &[Entry] {
        self.entries.get(first..).unwrap_or_default()
    }

    /// The messages that passed, from row `first` on.
    pub fn messages(&self, first: usize) -> impl Iterator<Item = &Seen> {
        self.entries(first).iter().filter_map(|entry| match entry {
            Entry::Message(seen) => Some(seen),
            Entry::Media(..) => None,
        })
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has passed.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The drawing of what passed, from row `first` on. `name` tells how a host is drawn.
    pub fn ladder<'a>(&self, first: usize, name: impl Fn(HostId) -> &'a str) -> Ladder {
        let mut ladder = Ladder::default();
        for entry in self.entries(first) {
            ladder.push(match entry {
                Entry::Message(seen) => Row::Message(seen.row(&name)),
                Entry::Media(at, [one, other]) => Row::Media(Media {
                    at: Some(at.since(Instant::START)),
                    ..Media::new(name(*one), name(*other), "audio")
                }),
            });
        }
        ladder
    }
}

impl Seen {
    fn row<'a>(&self, name: impl Fn(HostId) -> &'a str) -> Message {
        let (label, facts) = match View::parse(&self.bytes) {
            Ok(message) => facts::label_and_facts(&message),
            Err(_) => ("garbage".into(), Vec::new()),
        };
        Message {
            // RFC 3261 §17.2.1: it depends on how long the rest takes.
            optional: label == "100",
            lost: self.lost,
            retransmission: self.again,
            at: Some(self.at.since(Instant::START)),
            ..Message::new(name(self.from), name(self.to), label).with_facts(facts)
        }
    }
}
