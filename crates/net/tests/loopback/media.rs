//! Two sessions of sound on real sockets hear each other.

use cordboard_core::dice::Dice;
use cordboard_core::session::media::Formats;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_media::meter::Sound;
use cordboard_media::source::Tone;
use cordboard_media::{Codec, Digit, Direction, Event, MediaSession, Remote, Settings, Sink, Source, Stream};
use cordboard_net::{Clock, MediaPorts, RunningMedia, ntp_at_start, system_seed};
use cordboard_service::call::{CallEvent, CallName, ConferenceName, MediaPath};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;

use crate::stage::SOON;

const TONES: [u16; 2] = [440, 660];

/// A party that plays its tone and listens for both.
struct Party {
    address: SocketAddr,
    media: RunningMedia,
    events: Receiver<Event>,
}

impl Party {
    fn new(tone: u16) -> Self {
        let mut dice = Dice::new(system_seed().unwrap(), tone.into());
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = MediaPorts::bind(ip, 23_000..=23_999, &mut dice).unwrap();
        let address = ports.address().unwrap();
        let stream = Stream::symmetric(None, Codec::Pcma, Some(101));
        let clock = Clock::new();
        let settings = Settings { ntp_at_start: ntp_at_start(&clock), ..Settings::new(dice.call_id()) };
        let mut session = MediaSession::new(clock.now(), dice, settings, stream);
        session.play(Source::tone(Tone { frequency: tone, level: -15.0 }));
        session.listen(Sink::Several(vec![Sink::meter(&TONES), Sink::recording(80_000)]));
        let (media, events) = ports.start(&Handle::current(), clock, session).unwrap();
        Self { address, media, events }
    }

    /// What an answer would have said.
    fn talks_to(&self, other: &Self, direction: Direction) {
        let remote = Some(Remote::at(other.address));
        self.media.with(|_, session| {
            session.change(Stream { remote, direction, ..session.stream().clone() });
        });
    }

    async fn waits_for(&mut self, what: impl Fn(&Event) -> bool) -> Event {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the session goes on");
                if what(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(SOON, search).await.expect("it happens soon")
    }

    async fn hears(&mut self, sound: Sound) {
        self.waits_for(|event| *event == Event::Hears(sound.clone())).await;
    }
}

fn tone(index: usize) -> Sound {
    Sound::Tones(vec![TONES[index]])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hear_each_other_hold_resume_dial_and_hang_up() {
    let [mut alice, mut bob] = TONES.map(Party::new);
    alice.talks_to(&bob, Direction::SendRecv);
    bob.talks_to(&alice, Direction::SendRecv);
    alice.hears(tone(1)).await;
    bob.hears(tone(0)).await;

    alice.talks_to(&bob, Direction::SendOnly);
    bob.talks_to(&alice, Direction::RecvOnly);
    alice.hears(Sound::Silence).await;
    alice.talks_to(&bob, Direction::SendRecv);
    bob.talks_to(&alice, Direction::SendRecv);
    alice.hears(tone(1)).await;

    let digit = Digit::from_char('5').unwrap();
    alice.media.with(|_, session| session.press(digit, Duration::from_millis(60))).unwrap();
    let told = bob.waits_for(|event| matches!(event, Event::Digit { .. })).await;
    assert_eq!(told, Event::Digit { digit, duration: Duration::from_millis(60) });

    let session = tokio::time::timeout(SOON, alice.media.stop()).await.unwrap();
    assert_eq!(session.poll_timeout(), None);
    let recorded = session.sink().recorded().unwrap().samples();
    assert!(recorded.values.len() > 8000 / 2, "the recording is there after the end");
    let left = bob.waits_for(|event| matches!(event, Event::Left { .. })).await;
    assert_eq!(left, Event::Left { ssrc: session.ssrc(), said_so: true });
}

/// The path of a call to `party`.
fn path(local: SocketAddr, party: &Party) -> MediaPath {
    MediaPath { local, remote: party.address, sends: true, receives: true, formats: Formats::OFFERED }
}

#[test]
fn in_a_conference_each_hears_the_others_until_they_leave() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let [mut alice, mut bob] = TONES.map(|tone| runtime.block_on(async { Party::new(tone) }));
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (handle, clock, seed) = (runtime.handle().clone(), Clock::new(), system_seed().unwrap());
    let mut sound = cordboard_net::Sound::bind(&[ip], 2, handle, clock, seed, |_, _| ()).unwrap();
    let cordboard_service::settings::MediaPorts::Held(ports) = sound.ports() else { panic!("ports") };
    let calls = [CallName::incoming(0), CallName::incoming(1)];
    for ((call, local), party) in calls.iter().zip(ports.iter().copied()).zip([&alice, &bob]) {
        sound.follow(&CallEvent::Media(*call, path(local, party))).unwrap();
        let stream = Stream::symmetric(Some(Remote::at(local)), Codec::Pcmu, Some(101));
        party.media.with(|_, session| session.change(stream));
    }
    let from = "sip:bob@example.com".into();
    sound
        .follow(&CallEvent::Joined {
            call: calls[1],
            joins: Some(calls[0]),
            from,
            conference: ConferenceName(1),
        })
        .unwrap();
    runtime.block_on(async {
        alice.hears(tone(1)).await;
        bob.hears(tone(0)).await;
    });
    let ended = CallEvent::Ended { call: calls[1], outcome: Outcome::Answered, status: None, by_peer: true };
    assert!(sound.follow(&ended).unwrap().is_some());
    runtime.block_on(alice.hears(Sound::Silence));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_are_free_after_the_end() {
    let mut dice = Dice::new(system_seed().unwrap(), 0);
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ports = MediaPorts::bind(ip, 24_000..=24_999, &mut dice).unwrap();
    let port = ports.address().unwrap().port();
    let stream = Stream::symmetric(None, Codec::Pcmu, None);
    let session = MediaSession::new(Instant::START, dice.clone(), Settings::new("a"), stream);
    let (media, _events) = ports.start(&Handle::current(), Clock::new(), session).unwrap();
    assert!(MediaPorts::bind(ip, port..=port + 1, &mut dice).is_err());
    tokio::time::timeout(SOON, media.stop()).await.unwrap();
    assert!(MediaPorts::bind(ip, port..=port + 1, &mut dice).is_err(), "they are still held");
    drop(ports);
    assert!(MediaPorts::bind(ip, port..=port + 1, &mut dice).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_for_the_last_session_is_not_heard_by_the_next() {
    let alice = Party::new(440);
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let head = [0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let mut dice = Dice::new(system_seed().unwrap(), 0);
    let ports = MediaPorts::bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 25_000..=25_999, &mut dice).unwrap();
    for number in 0..20 {
        let mut packet = head.to_vec();
        packet[3] = number;
        packet.extend([0x55; 160]);
        stranger.send_to(&packet, ports.address().unwrap()).unwrap();
    }
    let remote = Some(Remote::at(alice.address));
    let stream = Stream::symmetric(remote, Codec::Pcma, Some(101));
    let clock = Clock::new();
    let session = MediaSession::new(clock.now(), dice, Settings::new("bob"), stream);
    let (bob, mut events) = ports.start(&Handle::current(), clock, session).unwrap();
    let there = Remote::at(ports.address().unwrap());
    alice.media.with(|_, session| session.change(Stream { remote: Some(there), ..session.stream().clone() }));
    let heard = tokio::time::timeout(SOON, events.recv()).await.unwrap().unwrap();
    assert_eq!(
        heard,
        Event::Source { ssrc: alice.media.with(|_, session| session.ssrc()), from: alice.address }
    );
    drop(bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_dropped_says_goodbye() {
    let [alice, mut bob] = TONES.map(Party::new);
    alice.talks_to(&bob, Direction::SendRecv);
    bob.talks_to(&alice, Direction::SendRecv);
    bob.hears(tone(0)).await;
    drop(alice);
    let left = bob.waits_for(|event| matches!(event, Event::Left { .. })).await;
    assert!(matches!(left, Event::Left { said_so: true, .. }));
}
