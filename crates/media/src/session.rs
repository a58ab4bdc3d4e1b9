//! One stream of sound between two parties: what arrives is handed in, what is to be sent is handed out.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Encoder;
use crate::meter::Sound;
use crate::participant::Participants;
use crate::playout;
use crate::receiver::Receiver;
use crate::reception::{Reception, Statistics, Verdict};
use crate::report_timer::{Group, ReportTimer};
use crate::rtcp::{self, Compound, Item, ReportBlock};
use crate::rtp::Packet;
use crate::sender::Sender;
use crate::sink::Sink;
use crate::source::Source;
use crate::stream::{Kind, Stream};
use crate::telephone_event::{Digit, DigitSender};
use crate::wav::Samples;

/// Samples a second of sources and sinks. Codecs of other rates are to be resampled between them and these.
pub const RATE: u32 = 8000;

/// Packets that wait to be sent, and events that wait to be asked for; older ones give way.
const MAX_WAITING: usize = 256;

/// Packets that should have been sent longer ago than this are not sent in a burst, but never.
const MAX_BEHIND: Duration = Duration::from_millis(200);

/// What is missed when nobody calls for longer than this is not even heard as silence.
const MAX_ASLEEP: Duration = Duration::from_mins(1);

/// About what our first report has, in octets (RFC 3550 §6.3.2).
const FIRST_REPORT: usize = 80;

/// Octets of RTP, UDP and IPv4 headers of a packet.
const HEADERS: u64 = 40;

/// Reports without a word after which a member is gone (§6.3.5).
const TIMEOUT: u32 = 5;

/// What a session keeps to, whatever is agreed upon.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name in reports: the same in all sessions of one party, and nobody else's (§6.5.1).
    pub cname: String,
    /// How much sound is in a packet: 20 ms; 10 to 60 ms are possible.
    pub packet_time: Duration,
    /// How long packets wait for those before them: 60 ms; 500 ms at most.
    pub playout: Duration,
    /// The time on the wall at [`Instant::START`], in units of 2^-32 seconds since 1900; 0 if nobody knows,
    /// which §4 permits.
    pub ntp_at_start: u64,
}

impl Settings {
    /// The usual, under a name.
    pub fn new(cname: impl Into<String>) -> Self {
        Self {
            cname: cname.into(),
            packet_time: Duration::from_millis(20),
            playout: Duration::from_millis(60),
            ntp_at_start: 0,
        }
    }
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From which of the two ports.
    pub kind: Kind,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: Vec<u8>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// From now on we hear this source.
    Source {
        /// Its name in packets.
        ssrc: u32,
        /// Where its packets come from.
        from: SocketAddr,
    },
    /// A source said goodbye, or has been silent for five reports.
    Left {
        /// Its name in packets.
        ssrc: u32,
        /// Whether it said so.
        said_so: bool,
    },
    /// The other party pressed a digit.
    Digit {
        /// Which one.
        digit: Digit,
        /// For how long, as far as it was reported.
        duration: Duration,
    },
    /// A meter hears something else than before.
    Hears(Sound),
    /// The source has been played to its end; there is silence now.
    Played,
    /// The other party reported how it receives us.
    Report {
        /// Loss and jitter.
        statistics: Statistics,
        /// How long a packet takes there and back, if that can be told.
        round_trip: Option<Duration>,
    },
    /// Somebody used our name, and we took another.
    Renamed {
        /// Our new name in packets.
        ssrc: u32,
    },
}

/// Why a digit is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PressError {
    /// The other party takes no telephone events.
    #[error("the other party does not take digits")]
    NotNegotiated,
    /// We may not send, or do not know where to.
    #[error("digits cannot be sent while the call is on hold")]
    OnHold,
    /// Too many wait already.
    #[error("too many digits are waiting to be sent")]
    TooMany,
}

/// What became of what arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that were not understood, or not believed.
    pub refused: u64,
    /// What became of the sound.
    pub playout: playout::Counts,
}

/// A conference of which a session is one party: a [`Mixer`](crate::Mixer) and a place in it, shared by whoever drives the
/// sessions.
pub trait Party: std::fmt::Debug + Send + Sync {
    /// Takes what was `heard` of the party in one packet time, and adds what it is to hear to what is `sent` to it. Both have
    /// [`RATE`] samples a second.
    fn exchange(&self, heard: &[i16], sent: &mut [i16]);
}

/// One stream of sound. Hand in what arrives and the time; after each call ask [`MediaSession::poll_transmit`]
/// and [`MediaSession::poll_event`] until they are empty, then [`MediaSession::poll_timeout`].
///
/// ```
/// use cordboard_core::{dice::Dice, time::Instant};
/// use cordboard_media::{Codec, Kind, MediaSession, Remote, Settings, Stream};
///
/// let remote = Remote::at("192.0.2.1:4000".parse()?);
/// let stream = Stream::symmetric(Some(remote), Codec::Pcmu, Some(101));
/// let dice = Dice::new([0; 32], 0);
/// let mut session = MediaSession::new(Instant::START, dice, Settings::new("alice"), stream);
/// session.handle_timeout(Instant::START);
/// let packet = session.poll_transmit().expect("the first packet is due at once");
/// assert_eq!((packet.kind, packet.bytes.len()), (Kind::Rtp, 12 + 160));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone)]
pub struct MediaSession {
    settings: Settings,
    stream: Stream,
    dice: Dice,
    sender: Sender,
    encoder: Encoder,
    digits: DigitSender,
    source: Source,
    participants: Participants,
    receiver: Receiver,
    sink: Sink,
    party: Option<Arc<dyn Party>>,
    timer: ReportTimer,
    /// When the next packet is due, and the next samples are heard.
    next_packet: Instant,
    has_reported: bool,
    is_closed: bool,
    refused: u64,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl MediaSession {
    /// A session that starts `now`, plays silence and lets nobody hear.
    pub fn new(now: Instant, mut dice: Dice, mut settings: Settings, stream: Stream) -> Self {
        let milliseconds = settings.packet_time.as_millis().clamp(10, 60) as u64;
        settings.packet_time = Duration::from_millis(milliseconds);
        settings.playout = settings.playout.clamp(settings.packet_time, Duration::from_millis(500));
        let codec = stream.sends.1;
        let packets = 1000 / milliseconds;
        let bandwidth = u64::from(codec.bandwidth()) + HEADERS * packets;
        // Both parties may send (§6.2).
        let timer = ReportTimer::new(now, 2 * bandwidth as u32, FIRST_REPORT, &mut dice);
        let depth = (settings.playout.as_millis() as u32) * RATE / 1000;
        Self {
            sender: Sender::new(now, &mut dice),
            encoder: codec.encoder(),
            digits: DigitSender::default(),
            source: Source::Silence,
            participants: Participants::default(),
            receiver: Receiver::new(depth),
            sink: Sink::Nothing,
            party: None,
            timer,
            next_packet: now,
            has_reported: false,
            is_closed: false,
            refused: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            settings,
            stream,
            dice,
        }
    }

    /// Takes up what another offer and answer came to. While we do not send, time passes but the source waits;
    /// where the other party has another address, whoever was heard before is not heard any longer.
    pub fn change(&mut self, stream: Stream) {
        if stream.sends.1 != self.encoder.codec() {
            self.encoder = stream.sends.1.encoder();
        }
        // What came before it was known from where is early media, and goes on.
        let before = self.stream.remote.map(|remote| remote.rtp);
        if before.is_some() && stream.remote.is_some_and(|remote| Some(remote.rtp) != before) {
            self.participants.clear();
            self.receiver.clear();
        }
        if !stream.direction.receives() {
            self.receiver.clear();
        }
        if !stream.direction.sends() || stream.sends_events.is_none() {
            self.digits.clear();
        }
        self.stream = stream;
        self.collect_events();
    }

    /// Takes a datagram that came to the port for RTP.
    pub fn handle_rtp(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.is_closed {
            return;
        }
        if self.hear(now, from, bytes).is_none() {
            self.refused += 1;
        }
        self.collect_events();
    }

    /// Takes a datagram that came to the port for RTCP.
    pub fn handle_rtcp(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.is_closed {
            return;
        }
        let Ok(items) = rtcp::parse(bytes) else {
            self.refused += 1;
            return;
        };
        self.timer.received(bytes.len());
        for item in items {
            self.read(now, from, item);
        }
    }

    /// Does what is due by `now`; early and repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_closed {
            return;
        }
        let packet_time = self.settings.packet_time;
        if now - self.next_packet > MAX_ASLEEP {
            let missed = (now - self.next_packet).as_micros() / packet_time.as_micros();
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            let length = missed.wrapping_mul(self.packet_length());
            self.next_packet += packet_time * missed;
            self.sender.advance(self.next_packet, length);
        }
        while self.next_packet <= now {
            self.exchange(now - self.next_packet <= MAX_BEHIND);
        }
        self.receiver.handle_timeout(now);
        let group = self.group(now);
        if self.timer.is_due(now, group, &mut self.dice) {
            let size = self.report(now, false);
            self.timer.sent(now, size, group, &mut self.dice);
            self.expire(now);
        }
        self.collect_events();
    }

    /// When [`MediaSession::handle_timeout`] is wanted next; `None` once the session is closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.next_packet.min(self.timer.next());
        (!self.is_closed).then(|| self.receiver.poll_timeout().map_or(next, |digit| next.min(digit)))
    }

    /// The next datagram to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Has `digit` sent for `duration`, 40 ms to 8 s, after those before it.
    ///
    /// # Errors
    ///
    /// [`PressError`] where it cannot be sent.
    pub fn press(&mut self, digit: Digit, duration: Duration) -> Result<(), PressError> {
        self.stream.sends_events.ok_or(PressError::NotNegotiated)?;
        if !self.may_send() {
            return Err(PressError::OnHold);
        }
        let is_taken = self.digits.press(digit, duration, self.stream.sends.1.clock_rate());
        is_taken.then_some(()).ok_or(PressError::TooMany)
    }

    /// Whether digits are being sent, or wait.
    pub fn is_pressing(&self) -> bool {
        self.digits.is_busy()
    }

    /// Plays `source` from now on.
    pub fn play(&mut self, source: Source) {
        self.source = source;
    }

    /// Has `sink` hear from now on; the one that heard so far comes back.
    pub fn listen(&mut self, sink: Sink) -> Sink {
        std::mem::replace(&mut self.sink, sink)
    }

    /// Brings the other party into a conference, or takes it out of it again.
    pub fn mix(&mut self, party: Option<Arc<dyn Party>>) {
        self.party = party;
    }

    /// Who hears.
    pub const fn sink(&self) -> &Sink {
        &self.sink
    }

    /// What was recorded since this was asked last; `None` if nothing records.
    pub fn take_recorded(&mut self) -> Option<Samples> {
        self.sink.take_recorded()
    }

    /// What was agreed upon.
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Our name in packets.
    pub const fn ssrc(&self) -> u32 {
        self.sender.ssrc()
    }

    /// Whom we hear.
    pub const fn source_heard(&self) -> Option<u32> {
        self.receiver.source()
    }

    /// What became of what arrived.
    pub const fn counts(&self) -> Counts {
        Counts { refused: self.refused, playout: self.receiver.counts() }
    }

    /// Ends the session: says goodbye, unless nobody ever heard of us (§6.3.7). With at most
    /// [`MAX_PARTICIPANTS`](crate::participant::MAX_PARTICIPANTS) others, fewer than 50, at once.
    pub fn close(&mut self, now: Instant) {
        if !self.is_closed && (self.sender.has_sent() || self.has_reported) {
            self.report(now, true);
        }
        self.is_closed = true;
    }

    fn may_send(&self) -> bool {
        self.stream.direction.sends() && self.destination(Kind::Rtp).is_some()
    }

    /// Where packets of `kind` go. 0.0.0.0 and :: are nobody's address but say to be quiet (RFC 3264 §8.4), and
    /// port 0 is of a stream that was refused (§6).
    fn destination(&self, kind: Kind) -> Option<SocketAddr> {
        let to = self.stream.remote?.address(kind);
        (!to.ip().is_unspecified() && to.port() != 0).then_some(to)
    }

    /// Whether `from` is on the host that the session description names.
    fn expects(&self, from: SocketAddr) -> bool {
        self.stream.remote.is_some_and(|remote| remote.rtp.ip() == from.ip() || remote.rtcp.ip() == from.ip())
    }

    /// Timestamps, which for all codecs so far are samples, in one packet.
    fn packet_length(&self) -> u32 {
        self.settings.packet_time.as_millis() as u32 * self.stream.sends.1.clock_rate() / 1000
    }

    /// One packet time: hears what is due, and sends what is, if that `is_timely`.
    fn exchange(&mut self, is_timely: bool) {
        let mut heard = vec![0; self.encoder.codec().samples(self.settings.packet_time)];
        self.receiver.play(&mut heard);
        self.sink.hear(RATE, &heard);
        let mut samples = vec![0; heard.len()];
        let may_send = self.may_send();
        if may_send {
            self.source.fill(RATE, &mut samples);
        }
        if let Some(party) = &self.party {
            party.exchange(&heard, &mut samples);
        }
        let length = self.packet_length();
        if may_send {
            self.send(&samples, length, is_timely);
            if self.source.is_finished() {
                self.source = Source::Silence;
                self.event(Event::Played);
            }
        } else {
            self.sender.pause();
        }
        self.next_packet += self.settings.packet_time;
        self.sender.advance(self.next_packet, length);
    }

    fn send(&mut self, samples: &[i16], length: u32, is_timely: bool) {
        let (payload_type, codec) = self.stream.sends;
        let timestamp = self.sender.timestamp();
        let bytes = match (is_timely, self.stream.sends_events) {
            (false, _) => return self.sender.pause(),
            (true, Some(events)) => self
                .digits
                .next(timestamp, length as u16, codec.clock_rate())
                .map(|packet| self.sender.event(events, packet)),
            (true, None) => None,
        };
        let bytes = bytes.unwrap_or_else(|| {
            let mut payload = Vec::with_capacity(samples.len());
            self.encoder.encode(samples, &mut payload);
            self.sender.sound(payload_type, &payload)
        });
        self.transmit(Kind::Rtp, bytes);
    }

    /// Takes a packet, or refuses it.
    fn hear(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<()> {
        let packet = Packet::parse(bytes).ok()?;
        let encoding = self.stream.encoding(packet.payload_type)?;
        if packet.ssrc == self.sender.ssrc() {
            self.collide(now, from);
            return None;
        }
        let is_expected = self.expects(from);
        let participant = self.participants.entry(now, packet.ssrc, is_expected)?;
        if !participant.sounds(now, from) {
            return None;
        }
        let reception = participant.reception.get_or_insert_with(|| Reception::new(packet.sequence_number));
        match reception.accept(packet.sequence_number) {
            Verdict::Probation => return Some(()),
            Verdict::Invalid => return None,
            Verdict::Valid | Verdict::Restarted => {}
        }
        let arrival = (u128::from(now.as_micros()) * u128::from(RATE) / 1_000_000) as u32;
        reception.arrived(arrival, packet.timestamp);
        participant.counted();
        if self.stream.direction.receives() && self.choose(now, packet.ssrc, from) {
            self.receiver.handle(now, &packet, encoding);
        }
        Some(())
    }

    /// Whether `ssrc` is whom we hear, from now on if not before.
    fn choose(&mut self, now: Instant, ssrc: u32, from: SocketAddr) -> bool {
        let source = self.receiver.source();
        if source == Some(ssrc) {
            return true;
        }
        let heard = source.and_then(|source| self.participants.find(source));
        let signalled = self.stream.remote.map(|remote| remote.rtp);
        let is_preferred = self
            .participants
            .find(ssrc)
            .is_some_and(|candidate| Receiver::prefers(now, candidate, heard, signalled));
        if is_preferred {
            self.receiver.listen_to(ssrc);
            self.event(Event::Source { ssrc, from });
        }
        is_preferred
    }

    fn read(&mut self, now: Instant, from: SocketAddr, item: Item) {
        let own = self.sender.ssrc();
        match item {
            Item::Report { ssrc, .. } | Item::Name { ssrc, .. } if ssrc == own => self.collide(now, from),
            Item::Report { ssrc, sender, blocks } => {
                // Reports alone do not bring in strangers.
                let participant = if self.expects(from) {
                    self.participants.entry(now, ssrc, true)
                } else {
                    self.participants.find_mut(ssrc)
                };
                let Some(participant) = participant else { return };
                participant.last_heard = now;
                if let Some(sender) = sender {
                    participant.reported(now, sender.ntp);
                }
                for block in blocks.iter().filter(|block| block.ssrc == own) {
                    self.told(now, block);
                }
            }
            Item::Name { ssrc, cname } => {
                if let Some(participant) = self.participants.find_mut(ssrc) {
                    participant.named(&cname);
                }
            }
            Item::Bye { ssrcs } => {
                for ssrc in ssrcs {
                    let participant = self.participants.find_mut(ssrc);
                    if participant.is_some_and(|participant| participant.leaves(now, from)) {
                        self.event(Event::Left { ssrc, said_so: true });
                    }
                }
                self.timer.members_left(now, self.participants.members() + 1);
            }
        }
    }

    /// We were told how we are received.
    fn told(&mut self, now: Instant, block: &ReportBlock) {
        let round_trip = block.round_trip(self.ntp(now));
        self.event(Event::Report { statistics: block.statistics, round_trip });
    }

    /// Somebody uses our name (§8.2): we say goodbye under it and take another, once for each address.
    fn collide(&mut self, now: Instant, from: SocketAddr) {
        if !self.participants.conflict(now, from) {
            return;
        }
        self.report(now, true);
        let participants = &self.participants;
        self.sender.rename(|ssrc| participants.find(ssrc).is_some(), &mut self.dice);
        self.event(Event::Renamed { ssrc: self.sender.ssrc() });
    }

    /// Sends a report, with or without a goodbye; its size.
    fn report(&mut self, now: Instant, bye: bool) -> usize {
        let rate = self.stream.sends.1.clock_rate();
        let sender = self.sender.sent_lately().then(|| self.sender.info(now, self.ntp(now), rate));
        let blocks = self.participants.blocks(now);
        let cname = &self.settings.cname;
        let bytes = Compound { ssrc: self.sender.ssrc(), sender, blocks: &blocks, cname, bye }.to_bytes();
        let size = bytes.len();
        self.sender.reported();
        self.has_reported |= self.destination(Kind::Rtcp).is_some();
        self.transmit(Kind::Rtcp, bytes);
        size
    }

    fn group(&self, now: Instant) -> Group {
        let members = self.participants.members() + 1;
        let we_sent = self.sender.sent_lately();
        let rough = Group { members, senders: members, we_sent };
        // §6.3.5: a sender is who sent within two intervals.
        let others = self.participants.senders(now, 2 * self.timer.calculated(rough));
        Group { senders: others + u32::from(we_sent), ..rough }
    }

    fn expire(&mut self, now: Instant) {
        let time = TIMEOUT * self.timer.calculated(self.group(now));
        for ssrc in self.participants.expire(now, time) {
            self.event(Event::Left { ssrc, said_so: false });
        }
        self.timer.members_left(now, self.participants.members() + 1);
    }

    fn ntp(&self, now: Instant) -> u64 {
        self.settings.ntp_at_start.wrapping_add(rtcp::to_ntp(now - Instant::START))
    }

    fn transmit(&mut self, kind: Kind, bytes: Vec<u8>) {
        if let Some(to) = self.destination(kind) {
            push(&mut self.transmits, Transmit { kind, to, bytes });
        }
    }

    fn event(&mut self, event: Event) {
        push(&mut self.events, event);
    }

    /// Collects what the ear has to tell.
    fn collect_events(&mut self) {
        while let Some(received) = self.receiver.poll_digit() {
            let micros = u64::from(received.duration) * 1_000_000 / u64::from(RATE);
            self.event(Event::Digit { digit: received.digit, duration: Duration::from_micros(micros) });
        }
        while let Some(sound) = self.sink.poll_change() {
            self.event(Event::Hears(sound));
        }
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == MAX_WAITING {
        queue.pop_front();
    }
    queue.push_back(item);
}
