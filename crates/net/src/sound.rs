//! The sound of a telephone's calls: ports that are taken before anybody is told of them, and a session on one of
//! them for each call, from the first [`CallEvent::Media`] to [`CallEvent::Ended`].

use cordboard_core::dice::Dice;
use cordboard_core::session::media::{Encoding, Formats};
use cordboard_core::time::Instant;
use cordboard_media::session::RATE;
use cordboard_media::stream::{self, Format};
use cordboard_media::wav::Samples;
use cordboard_media::{Codec, Direction, Event, MediaSession, Party, Remote, Settings, Sink, Source, Stream};
use cordboard_service::call::{CallEvent, CallName, ConferenceName, MediaPath};
use cordboard_service::settings;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::conference::{Conference, Place};
use crate::media::{MediaPortError, MediaPorts, RunningMedia, ntp_at_start};

/// Where ports for sound are taken unless told otherwise: below those that systems give away by themselves.
pub const PORTS: RangeInclusive<u16> = 16_384..=32_767;

/// The sound of one telephone.
///
/// Give its [`ports`](Self::ports) to the telephone's settings, and let it [`follow`](Self::follow) what the
/// telephone tells.
pub struct Sound {
    ips: Vec<IpAddr>,
    ports: Vec<(SocketAddr, MediaPorts)>,
    dice: Dice,
    calls: BTreeMap<CallName, Line>,
    runtime: Handle,
    clock: Clock,
    seed: [u8; 32],
    /// Sessions so far: each has randomness of its own.
    sessions: u64,
    /// Our name in reports, the same in all sessions (RFC 3550 §6.5.1) and of no meaning elsewhere (RFC 7022 §4.2).
    cname: String,
    source: Source,
    /// What all calls hear at the same time instead, and since when it plays.
    on_air: Option<(Arc<Samples>, Instant)>,
    tones: Vec<u16>,
    recorded: usize,
    tell: Arc<dyn Fn(CallName, Event) + Send + Sync>,
}

/// The sound of one call.
struct Line {
    media: Option<RunningMedia>,
    path: Option<MediaPath>,
    /// Whether we hold the other side.
    holds: bool,
    /// The conference that it is part of.
    conference: Option<Seat>,
    /// What it hears, if that is not what all hear.
    own: Option<Source>,
}

/// The place of a call in a conference.
struct Seat {
    of: ConferenceName,
    conference: Conference,
    place: Arc<Place>,
}

impl Sound {
    /// Takes ports for `calls` calls on each of `ips`. What sessions tell goes to `tell`, which returns at once.
    ///
    /// # Errors
    ///
    /// [`MediaPortError`] if there are not so many.
    pub fn bind(
        ips: &[IpAddr],
        calls: usize,
        runtime: Handle,
        clock: Clock,
        seed: [u8; 32],
        tell: impl Fn(CallName, Event) + Send + Sync + 'static,
    ) -> Result<Self, MediaPortError> {
        let mut dice = Dice::new(seed, 0);
        let cname = dice.call_id();
        let mut sound = Self {
            ips: ips.to_vec(),
            ports: Vec::new(),
            dice,
            calls: BTreeMap::new(),
            runtime,
            clock,
            seed,
            sessions: 0,
            cname,
            source: Source::Silence,
            on_air: None,
            tones: Vec::new(),
            recorded: 0,
            tell: Arc::new(tell),
        };
        sound.widen(calls)?;
        Ok(sound)
    }

    /// Takes more ports, until there are some for `calls` calls on each address. Those that there are stay, also if they are more.
    ///
    /// # Errors
    ///
    /// [`MediaPortError`] if there are not so many; then none are taken.
    pub fn widen(&mut self, calls: usize) -> Result<(), MediaPortError> {
        let mut more = Vec::new();
        for ip in &self.ips {
            let known = self.ports.iter().filter(|(address, _)| address.ip() == *ip).count();
            for _ in known..calls {
                let pair = MediaPorts::bind(*ip, PORTS, &mut self.dice)?;
                let address = pair.address().map_err(|error| MediaPortError::Refused { ip: *ip, error })?;
                more.push((address, pair));
            }
        }
        self.ports.append(&mut more);
        Ok(())
    }

    /// The ports that the telephone may name.
    pub fn ports(&self) -> settings::MediaPorts {
        settings::MediaPorts::Held(self.ports.iter().map(|(address, _)| *address).collect())
    }

    /// Listens for `tones`, in Hz, in sessions that begin from now on.
    pub fn listen_for(&mut self, tones: &[u16]) {
        self.tones = tones.to_vec();
    }

    /// Keeps up to `samples` of what is heard until [`MediaSession::take_recorded`] takes it, in sessions that
    /// run, and in those that begin from now on; 0 keeps nothing.
    pub fn record(&mut self, samples: usize) {
        self.recorded = samples;
        for call in self.calls.keys().copied().collect::<Vec<_>>() {
            let sink = self.sink();
            self.with(call, |_, session| drop(session.listen(sink)));
        }
    }

    /// Plays `source` in every call, and in those that come.
    pub fn play(&mut self, source: Source) {
        for line in self.calls.values() {
            if let Some(media) = &line.media {
                media.with(|_, session| session.play(source.clone()));
            }
        }
        self.source = source;
    }

    /// Plays `samples` in every call from now on, over and over, as a radio station does: whoever comes later hears how they
    /// go on. They have the rate of sessions.
    pub fn broadcast(&mut self, samples: Arc<Samples>) {
        self.on_air = Some((samples, self.clock.now()));
        for line in self.calls.values() {
            if let Some(media) = &line.media {
                media.with(|_, session| session.play(self.source_of(line)));
            }
        }
    }

    /// Plays `source` in that call, whatever others hear, from when its sound begins.
    pub fn play_to(&mut self, call: CallName, source: Source) {
        self.line(call).own = Some(source.clone());
        self.with(call, |_, session| session.play(source));
    }

    /// Does something with the session of a call, if it has one.
    pub fn with<R>(&self, call: CallName, act: impl FnOnce(Instant, &mut MediaSession) -> R) -> Option<R> {
        Some(self.calls.get(&call)?.media.as_ref()?.with(act))
    }

    /// The calls that have sound.
    pub fn calls(&self) -> impl Iterator<Item = CallName> + '_ {
        self.calls.iter().filter(|(_, line)| line.media.is_some()).map(|(call, _)| *call)
    }

    /// Whether anything is heard of a call: not while we hold, or the other side sends nothing.
    pub fn hears(&self, call: CallName) -> bool {
        self.calls.get(&call).and_then(|line| line.path).is_some_and(|path| path.receives)
    }

    /// Does what something that the telephone told means for its sound. A session that ended comes back, with what
    /// it has recorded.
    ///
    /// # Errors
    ///
    /// Whatever the system says when a session is to begin.
    pub fn follow(&mut self, event: &CallEvent) -> io::Result<Option<MediaSession>> {
        match event {
            CallEvent::Media(call, path) => self.change(*call, |line| line.path = Some(*path)),
            CallEvent::HoldChanged(call, holds) => self.change(*call, |line| line.holds = *holds),
            CallEvent::Joined { call, joins, conference, .. } => {
                for call in joins.iter().chain([call]) {
                    self.enters(*call, *conference);
                }
                Ok(None)
            }
            CallEvent::InConference { call, conference } => {
                self.enters(*call, *conference);
                Ok(None)
            }
            CallEvent::Ended { call, .. } => Ok(self.end(*call)),
            _ => Ok(None),
        }
    }

    fn change(&mut self, call: CallName, act: impl FnOnce(&mut Line)) -> io::Result<Option<MediaSession>> {
        let line = self.line(call);
        let before = line.path.map(|path| path.local);
        act(line);
        let (Some(path), holds) = (line.path, line.holds) else { return Ok(None) };
        let Some(stream) = stream(&path, holds) else { return Ok(None) };
        if let Some(media) = line.media.as_ref().filter(|_| before == Some(path.local)) {
            media.with(|_, session| session.change(stream));
            return Ok(None);
        }
        let moved = line.media.take().map(|media| self.runtime.block_on(media.stop()));
        let media = self.start(call, path.local, stream)?;
        if let Some(line) = self.calls.get_mut(&call) {
            line.media = Some(media);
        }
        Ok(moved)
    }

    fn line(&mut self, call: CallName) -> &mut Line {
        self.calls.entry(call).or_insert(Line {
            media: None,
            path: None,
            holds: false,
            conference: None,
            own: None,
        })
    }

    /// What a call hears.
    fn source_of(&self, line: &Line) -> Source {
        match (&line.own, &self.on_air) {
            (Some(own), _) => own.clone(),
            (None, Some((samples, since))) => {
                let played = self.clock.now().since(*since).as_micros() * u128::from(RATE) / 1_000_000;
                Source::going_on(Arc::clone(samples), played as u64)
            }
            (None, None) => self.source.clone(),
        }
    }

    /// From now on all who are in the conference hear each other, as long as there is room.
    fn enters(&mut self, call: CallName, name: ConferenceName) {
        let known =
            self.calls.values().filter_map(|line| line.conference.as_ref()).find(|seat| seat.of == name);
        let conference = known.map_or_else(Conference::default, |seat| seat.conference.clone());
        let line = self.line(call);
        if line.conference.as_ref().is_some_and(|seat| seat.of == name) {
            return;
        }
        let Some(place) = conference.enter() else {
            tracing::warn!("a conference has no room for another party: who joined it hears us alone");
            return;
        };
        if let Some(media) = &line.media {
            media.with(|_, session| session.mix(Some(Arc::clone(&place) as Arc<dyn Party>)));
        }
        line.conference = Some(Seat { of: name, conference, place });
    }

    fn start(&mut self, call: CallName, local: SocketAddr, stream: Stream) -> io::Result<RunningMedia> {
        self.sessions += 1;
        let dice = Dice::new(self.seed, self.sessions);
        let settings =
            Settings { ntp_at_start: ntp_at_start(&self.clock), ..Settings::new(self.cname.clone()) };
        let mut session = MediaSession::new(self.clock.now(), dice, settings, stream);
        let source = self.calls.get(&call).map_or_else(Source::default, |line| self.source_of(line));
        session.play(source);
        session.listen(self.sink());
        let place = self.calls.get(&call).and_then(|line| line.conference.as_ref());
        session.mix(place.map(|seat| Arc::clone(&seat.place) as Arc<dyn Party>));
        let ports = self.ports.iter().find(|(address, _)| *address == local);
        let (_, ports) = ports.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let (media, mut events) = ports.start(&self.runtime, self.clock, session)?;
        let tell = Arc::clone(&self.tell);
        self.runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                tell(call, event);
            }
        });
        Ok(media)
    }

    fn end(&mut self, call: CallName) -> Option<MediaSession> {
        let media = self.calls.remove(&call)?.media?;
        Some(self.runtime.block_on(media.stop()))
    }

    fn sink(&self) -> Sink {
        let meter = (!self.tones.is_empty()).then(|| Sink::meter(&self.tones));
        let recording = (self.recorded > 0).then(|| Sink::recording(self.recorded));
        Sink::Several(meter.into_iter().chain(recording).collect())
    }
}

/// What offer and answer came to, as a session wants it. Whoever holds and has no music sends nothing.
fn stream(path: &MediaPath, holds: bool) -> Option<Stream> {
    let sends =
        path.formats.iter().find_map(|format| Some((format.payload_type, codec(format.encoding)?)))?;
    let events = path.formats.iter().find(|format| format.encoding == Encoding::TelephoneEvent);
    let mut receives: Vec<Format> = Vec::new();
    for format in path.formats.iter().chain(Formats::OFFERED.iter()) {
        if receives.iter().all(|known| known.payload_type != format.payload_type) {
            let encoding =
                codec(format.encoding).map_or(stream::Encoding::TelephoneEvent, stream::Encoding::Audio);
            receives.push(Format { payload_type: format.payload_type, encoding });
        }
    }
    Some(Stream {
        remote: Some(Remote::at(path.remote)),
        direction: Direction::of(path.sends && !holds, path.receives),
        sends,
        sends_events: events.map(|format| format.payload_type),
        receives,
    })
}

const fn codec(encoding: Encoding) -> Option<Codec> {
    match encoding {
        Encoding::Pcmu => Some(Codec::Pcmu),
        Encoding::Pcma => Some(Codec::Pcma),
        Encoding::TelephoneEvent => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(sends: bool, receives: bool) -> MediaPath {
        let local = "127.0.0.1:7000".parse().unwrap();
        let remote = "127.0.0.2:7000".parse().unwrap();
        MediaPath { local, remote, sends, receives, formats: Formats::OFFERED }
    }

    #[test]
    fn the_preferred_sound_is_sent_and_everything_offered_is_understood() {
        let stream = stream(&path(true, true), false).unwrap();
        assert_eq!((stream.sends, stream.sends_events), ((0, Codec::Pcmu), Some(101)));
        assert_eq!(stream.encoding(8), Some(stream::Encoding::Audio(Codec::Pcma)));
        assert_eq!(stream.encoding(101), Some(stream::Encoding::TelephoneEvent));
        assert_eq!(stream.direction, Direction::SendRecv);
    }

    #[test]
    fn who_holds_sends_nothing() {
        assert_eq!(stream(&path(true, false), true).unwrap().direction, Direction::Inactive);
        assert_eq!(stream(&path(false, true), false).unwrap().direction, Direction::RecvOnly);
        assert_eq!(stream(&path(true, false), false).unwrap().direction, Direction::SendOnly);
    }
}
