//! Sessions on a virtual network, whose weather is drawn from a seed.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_media::meter::{self, Sound};
use cordboard_media::rtp::Packet;
use cordboard_media::source::Tone;
use cordboard_media::{
    Codec, Digit, Direction, Event, Kind, MediaSession, Remote, Settings, Sink, Source, Stream,
};
use std::net::SocketAddr;
use std::time::Duration;

/// The payload type of digits.
pub(crate) const EVENTS: u8 = 101;

/// What is played and listened for.
pub(crate) const TONES: [u16; 3] = [440, 660, 880];

/// What happens to packets.
#[derive(Clone, Copy)]
pub(crate) struct Weather {
    /// Packets lost, of 100.
    pub(crate) lost: u64,
    /// Packets doubled, of 100.
    pub(crate) doubled: u64,
    /// The shortest way takes so long.
    pub(crate) delay: Duration,
    /// And at most so much longer.
    pub(crate) wobble: Duration,
}

/// Nothing happens to packets.
pub(crate) const STILL: Weather =
    Weather { lost: 0, doubled: 0, delay: Duration::from_millis(30), wobble: Duration::ZERO };

struct Flying {
    arrives: Instant,
    to: SocketAddr,
    from: SocketAddr,
    bytes: Vec<u8>,
}

/// A packet as it was sent.
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) by: usize,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

/// The network, and everybody on it; the first two talk with each other.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) sessions: Vec<MediaSession>,
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) weather: Weather,
    /// Who is cut off: nothing reaches it, and nothing of it reaches others.
    pub(crate) cut_off: Option<usize>,
    flying: Vec<Flying>,
    dice: Dice,
}

fn number(index: usize) -> u8 {
    u8::try_from(index).expect("there are three at most")
}

/// Where the `index`th one is.
pub(crate) fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number(index) + 1], 4000))
}

pub(crate) fn tone(frequency: u16) -> Source {
    Source::tone(Tone { frequency, level: -20.0 })
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Toward the `index`th one, both ways.
pub(crate) fn stream_to(index: usize) -> Stream {
    Stream::symmetric(Some(Remote::at(address(index))), Codec::Pcmu, Some(EVENTS))
}

impl World {
    /// Everybody plays a tone of [`TONES`], and records. Seeds of dice differ.
    pub(crate) fn new(weather: Weather, seed: u64) -> Self {
        let streams = [1, 0, 0].map(stream_to);
        let sessions = streams.into_iter().enumerate().map(|(index, stream)| {
            let dice = Dice::new([number(index); 32], seed);
            let mut settings = Settings::new(format!("party-{index}"));
            // Clocks on the wall differ, which round trips must not mind.
            settings.ntp_at_start = (index as u64 + 1) << 50;
            session(dice, settings, stream, index)
        });
        Self {
            now: Instant::START,
            sessions: sessions.collect(),
            events: vec![Vec::new(); 3],
            seen: Vec::new(),
            weather,
            cut_off: None,
            flying: Vec::new(),
            dice: Dice::new([99; 32], seed),
        }
    }

    /// The first two only: the third is not there.
    pub(crate) fn pair(weather: Weather, seed: u64) -> Self {
        let mut world = Self::new(weather, seed);
        world.sessions.truncate(2);
        world
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.collect();
            let timeout = self.sessions.iter().filter_map(MediaSession::poll_timeout).min();
            let arrival = self.flying.iter().map(|packet| packet.arrives).min();
            let next = timeout.into_iter().chain(arrival).min().unwrap_or(until);
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            while let Some(at) = self.flying.iter().position(|packet| packet.arrives <= self.now) {
                let packet = self.flying.remove(at);
                self.deliver(packet.to, packet.from, &packet.bytes);
            }
            for session in &mut self.sessions {
                session.handle_timeout(self.now);
            }
            if next == until && self.flying.is_empty() && timeout.is_none() {
                break;
            }
        }
        self.now = until;
    }

    /// Hands `bytes` to whoever is at `to`.
    pub(crate) fn deliver(&mut self, to: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        let now = self.now;
        for (index, session) in self.sessions.iter_mut().enumerate() {
            let remote = Remote::at(address(index));
            if to == remote.rtp {
                session.handle_rtp(now, from, bytes);
            } else if to == remote.rtcp {
                session.handle_rtcp(now, from, bytes);
            }
        }
    }

    /// Takes what the sessions hand out.
    pub(crate) fn collect(&mut self) {
        for (index, session) in self.sessions.iter_mut().enumerate() {
            self.events[index].extend(std::iter::from_fn(|| session.poll_event()));
            while let Some(packet) = session.poll_transmit() {
                let from = Remote::at(address(index)).address(packet.kind);
                let seen = Seen { at: self.now, by: index, kind: packet.kind, bytes: packet.bytes.clone() };
                self.seen.push(seen);
                let weather = self.weather;
                let is_cut =
                    self.cut_off.is_some_and(|cut| cut == index || address(cut).ip() == packet.to.ip());
                if is_cut || self.dice.below(100) < weather.lost {
                    continue;
                }
                let copies = 1 + u64::from(self.dice.below(100) < weather.doubled);
                for _ in 0..copies {
                    let wobble = self.dice.below(weather.wobble.as_micros() as u64 + 1);
                    self.flying.push(Flying {
                        arrives: self.now + weather.delay + Duration::from_micros(wobble),
                        to: packet.to,
                        from,
                        bytes: packet.bytes.clone(),
                    });
                }
            }
        }
    }

    /// What the `index`th one heard between two times.
    pub(crate) fn heard(&self, index: usize, from: Duration, until: Duration) -> Sound {
        let samples = self.sessions[index].sink().recorded().expect("everybody records").samples();
        let at = |time: Duration| time.as_millis() as usize * 8;
        meter::sound(&samples.values[at(from)..at(until)], samples.rate, &TONES)
    }

    /// What the `index`th one sent of `kind` between two times.
    pub(crate) fn sent(&self, index: usize, kind: Kind, from: Duration, until: Duration) -> Vec<&Seen> {
        let times = Instant::START + from..Instant::START + until;
        let is_it = |seen: &&Seen| seen.by == index && seen.kind == kind && times.contains(&seen.at);
        self.seen.iter().filter(is_it).collect()
    }

    /// The digits that the `index`th one was told.
    pub(crate) fn digits(&self, index: usize) -> String {
        let digit = |event: &Event| match event {
            Event::Digit { digit, .. } => Some(digit.as_char()),
            _ => None,
        };
        self.events[index].iter().filter_map(digit).collect()
    }

    /// The first two change direction, each to its own.
    pub(crate) fn directions(&mut self, directions: [Direction; 2]) {
        for (session, direction) in self.sessions.iter_mut().zip(directions) {
            session.change(Stream { direction, ..session.stream().clone() });
        }
    }

    /// The `index`th one presses `text`.
    pub(crate) fn press(&mut self, index: usize, text: &str) {
        for name in text.chars() {
            let digit = Digit::from_char(name).expect("a digit");
            self.sessions[index].press(digit, milliseconds(100)).expect("digits are agreed upon");
        }
    }
}

/// A session that plays its tone and records.
pub(crate) fn session(dice: Dice, settings: Settings, stream: Stream, index: usize) -> MediaSession {
    let mut session = MediaSession::new(Instant::START, dice, settings, stream);
    session.play(tone(TONES[index]));
    session.listen(Sink::Several(vec![Sink::recording(60 * 8000), Sink::meter(&TONES)]));
    session
}

/// What is in a packet that was sent.
pub(crate) fn read(seen: &Seen) -> Packet<'_> {
    Packet::parse(&seen.bytes).expect("what is sent is RTP")
}
