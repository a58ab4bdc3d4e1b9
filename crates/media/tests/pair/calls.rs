//! What a call sounds like on a still network.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_media::meter::Sound;
use cordboard_media::rtcp::{self, Item};
use cordboard_media::rtp::Packet;
use cordboard_media::session::PressError;
use cordboard_media::wav::Samples;
use cordboard_media::{
    Codec, Digit, Direction, Event, Kind, MediaSession, Remote, Settings, Sink, Source, Stream,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::world::{
    EVENTS, STILL, TONES, World, address, milliseconds, read, seconds, session, stream_to, tone,
};

fn tones(frequencies: &[u16]) -> Sound {
    Sound::Tones(frequencies.to_vec())
}

#[test]
fn each_hears_the_others_tone() {
    for codec in Codec::ALL {
        let mut world = World::pair(STILL, 1);
        for index in [0, 1] {
            let remote = Some(Remote::at(address(1 - index)));
            world.sessions[index].change(Stream::symmetric(remote, codec, Some(EVENTS)));
        }
        world.run(seconds(5));
        assert_eq!(world.heard(0, seconds(1), seconds(5)), tones(&[660]));
        assert_eq!(world.heard(1, seconds(1), seconds(5)), tones(&[440]));
        for index in [0, 1] {
            assert!(world.events[index].contains(&Event::Hears(tones(&[TONES[1 - index]]))));
            let counts = world.sessions[index].counts();
            assert_eq!((counts.refused, counts.playout.late, counts.playout.resyncs), (0, 0, 0));
            // 60 ms of depth, and nothing after that.
            assert!(counts.playout.filled <= 60 * 8 + 160, "{}", counts.playout.filled);
        }
    }
}

#[test]
fn packets_are_20_ms_apart_and_counted() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(2));
    let sent = world.sent(0, Kind::Rtp, Duration::ZERO, seconds(2));
    assert_eq!(sent.len(), 100);
    for (index, pair) in sent.windows(2).enumerate() {
        assert_eq!(pair[1].at - pair[0].at, milliseconds(20));
        let (one, other) = (read(pair[0]), read(pair[1]));
        assert_eq!(other.sequence_number, one.sequence_number.wrapping_add(1));
        assert_eq!(other.timestamp, one.timestamp.wrapping_add(160));
        assert_eq!((one.marker, other.marker), (index == 0, false));
        assert_eq!((other.payload_type, other.payload.len()), (0, 160));
    }
}

#[test]
fn nobody_hears_whom_he_does_not_want_to() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(2));
    world.directions([Direction::SendOnly, Direction::RecvOnly]);
    world.run(seconds(2));
    assert_eq!(world.heard(0, milliseconds(2100), seconds(4)), Sound::Silence);
    assert_eq!(world.heard(1, milliseconds(2100), seconds(4)), tones(&[440]));
    assert!(world.sent(1, Kind::Rtp, milliseconds(2001), seconds(4)).is_empty());
    // Even who goes on sending is not heard by who does not receive.
    world.directions([Direction::SendOnly, Direction::SendRecv]);
    world.run(seconds(2));
    assert_eq!(world.heard(0, milliseconds(4100), seconds(6)), Sound::Silence);
    assert!(world.sent(1, Kind::Rtp, milliseconds(4001), seconds(6)).len() > 90);
    world.directions([Direction::SendRecv, Direction::SendRecv]);
    world.run(seconds(2));
    assert_eq!(world.heard(0, milliseconds(6300), seconds(8)), tones(&[660]));
}

#[test]
fn while_held_reports_go_on_and_sound_does_not() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(5));
    world.directions([Direction::Inactive, Direction::Inactive]);
    world.run(seconds(30));
    world.directions([Direction::SendRecv, Direction::SendRecv]);
    world.run(seconds(5));
    for index in [0, 1] {
        assert!(world.sent(index, Kind::Rtp, milliseconds(5001), seconds(35)).is_empty());
        let reports = world.sent(index, Kind::Rtcp, seconds(5), seconds(35));
        assert!(reports.len() >= 4, "{} reports in 30 seconds", reports.len());
        // Whoever sent nothing for two reports is no sender any longer (§6.4).
        let last = rtcp::parse(&reports.last().unwrap().bytes).unwrap();
        assert!(matches!(&last[0], Item::Report { sender: None, .. }));
        let resumed = world.sent(index, Kind::Rtp, seconds(35), seconds(40));
        assert!(read(resumed[0]).marker, "a talkspurt begins");
        let before = world.sent(index, Kind::Rtp, Duration::ZERO, milliseconds(5001));
        let (last, first) = (before.last().unwrap(), resumed[0]);
        let passed = (first.at - last.at).as_millis() as u32 * 8;
        assert_eq!(read(first).timestamp.wrapping_sub(read(last).timestamp), passed, "time passed");
        assert_eq!(read(first).sequence_number, read(last).sequence_number.wrapping_add(1));
        assert_eq!(world.heard(index, milliseconds(35_500), seconds(40)), tones(&[TONES[1 - index]]));
        assert_eq!(world.heard(index, seconds(6), seconds(35)), Sound::Silence);
    }
}

#[test]
fn reports_are_compounds_that_tell_the_truth() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(60));
    for index in [0, 1] {
        let reports = world.sent(index, Kind::Rtcp, Duration::ZERO, seconds(60));
        assert!((8..=20).contains(&reports.len()), "{} in a minute", reports.len());
        for report in &reports {
            let items = rtcp::parse(&report.bytes).unwrap();
            let Item::Report { ssrc, sender: Some(info), blocks } = &items[0] else {
                panic!("who sends reports as a sender: {items:?}");
            };
            let name = format!("party-{index}").into_bytes();
            assert_eq!(items[1], Item::Name { ssrc: *ssrc, cname: name }, "SDES with a CNAME in each");
            let elapsed = report.at - Instant::START;
            // The first packet is sent at 0.
            assert_eq!(u128::from(info.packets), elapsed.as_millis() / 20 + 1);
            assert_eq!(info.octets, info.packets * 160);
            let first = read(world.sent(index, Kind::Rtp, Duration::ZERO, seconds(1))[0]).timestamp;
            let passed = (elapsed.as_micros() / 125) as u32;
            assert!(info.timestamp.wrapping_sub(first).abs_diff(passed) <= 1, "rounded to a sample");
            assert_eq!(blocks[0].ssrc, world.sessions[1 - index].ssrc());
            assert_eq!((blocks[0].statistics.cumulative_lost, blocks[0].statistics.jitter), (0, 0));
        }
        let trips: Vec<Duration> = world.events[index]
            .iter()
            .filter_map(|event| match event {
                Event::Report { round_trip, .. } => *round_trip,
                _ => None,
            })
            .collect();
        assert!(trips.len() >= 5);
        for trip in trips {
            let error = trip.abs_diff(milliseconds(60));
            assert!(error < Duration::from_micros(50), "30 ms there and back are not {trip:?}");
        }
    }
}

#[test]
fn digits_arrive_once_and_the_sound_goes_on() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(1));
    world.press(0, "123*#AD");
    world.run(seconds(4));
    assert_eq!(world.digits(1), "123*#AD");
    assert!(!world.sessions[0].is_pressing());
    for event in &world.events[1] {
        if let Event::Digit { duration, .. } = event {
            assert_eq!(*duration, milliseconds(100));
        }
    }
    let sent = world.sent(0, Kind::Rtp, Duration::ZERO, seconds(5));
    assert_eq!(sent.len(), 250, "one packet each 20 ms, of sound or of a digit");
    let numbers: Vec<u16> = sent.iter().map(|seen| read(seen).sequence_number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    assert_eq!(sent.iter().filter(|seen| read(seen).payload_type == EVENTS).count(), 7 * 7);
    assert_eq!(world.heard(1, seconds(4), seconds(5)), tones(&[440]));
}

#[test]
fn digits_are_refused_where_they_cannot_be_sent() {
    let digit = Digit::from_char('1').unwrap();
    let mut world = World::pair(STILL, 1);
    let session = &mut world.sessions[0];
    session.change(Stream { direction: Direction::RecvOnly, ..stream_to(1) });
    assert_eq!(session.press(digit, milliseconds(100)), Err(PressError::OnHold));
    session.change(Stream { sends_events: None, ..stream_to(1) });
    assert_eq!(session.press(digit, milliseconds(100)), Err(PressError::NotNegotiated));
    session.change(stream_to(1));
    let taken = (0..100).take_while(|_| session.press(digit, milliseconds(100)).is_ok()).count();
    assert_eq!(taken, 64);
    assert_eq!(session.press(digit, milliseconds(100)), Err(PressError::TooMany));
}

#[test]
fn two_with_the_same_name_take_others() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(2));
    // Somebody else, from where nobody was heard of, uses the first one's name.
    let name = world.sessions[0].ssrc();
    let twin = Packet { ssrc: name, payload: &[0xff; 160], ..Packet::default() };
    let (mut bytes, from) = (Vec::new(), SocketAddr::from(([198, 51, 100, 7], 9)));
    twin.write(&mut bytes);
    for _ in 0..3 {
        world.deliver(address(0), from, &bytes);
    }
    world.run(seconds(3));
    let renamed = world.sessions[0].ssrc();
    assert_ne!(renamed, name);
    let news: Vec<_> =
        world.events[0].iter().filter(|event| matches!(event, Event::Renamed { .. })).collect();
    assert_eq!(news, [&Event::Renamed { ssrc: renamed }]);
    let goodbyes = world
        .sent(0, Kind::Rtcp, seconds(2), seconds(5))
        .into_iter()
        .filter(|seen| rtcp::parse(&seen.bytes).unwrap().contains(&Item::Bye { ssrcs: vec![name] }));
    assert_eq!(goodbyes.count(), 1);
    assert_eq!(world.sessions[1].source_heard(), Some(renamed));
    assert_eq!(world.heard(1, milliseconds(2300), seconds(5)), tones(&[440]));
    assert_eq!(world.heard(0, seconds(1), seconds(5)), tones(&[660]), "who used the name is not heard");
    // The new name coming back from the same address is a loop, and no reason for a third.
    let mut bytes = Vec::new();
    Packet { ssrc: renamed, ..twin }.write(&mut bytes);
    world.deliver(address(0), from, &bytes);
    assert_eq!(world.sessions[0].ssrc(), renamed);
}

#[test]
fn goodbye_is_said_and_heard() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(3));
    let ssrc = world.sessions[0].ssrc();
    let now = world.now;
    world.sessions[0].close(now);
    world.run(seconds(1));
    assert!(world.events[1].contains(&Event::Left { ssrc, said_so: true }));
    assert_eq!(world.sessions[0].poll_timeout(), None);
    assert!(world.sent(0, Kind::Rtp, milliseconds(3001), seconds(4)).is_empty());
    let last = world.sent(0, Kind::Rtcp, seconds(3), seconds(4));
    assert_eq!(rtcp::parse(&last[0].bytes).unwrap().last(), Some(&Item::Bye { ssrcs: vec![ssrc] }));
    assert_eq!(world.heard(1, milliseconds(3200), milliseconds(3900)), Sound::Silence);
}

#[test]
fn who_was_never_heard_says_no_goodbye() {
    let stream = Stream { direction: Direction::Inactive, ..stream_to(1) };
    let dice = Dice::new([1; 32], 0);
    let mut session = MediaSession::new(Instant::START, dice, Settings::new("a"), stream);
    session.handle_timeout(Instant::START);
    session.close(Instant::START);
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn silence_for_five_reports_is_a_goodbye() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(3));
    world.cut_off = Some(1);
    let ssrc = world.sessions[1].ssrc();
    world.run(seconds(20));
    assert!(!world.events[0].iter().any(|event| matches!(event, Event::Left { .. })));
    world.run(seconds(20));
    assert!(world.events[0].contains(&Event::Left { ssrc, said_so: false }));
}

#[test]
fn after_a_transfer_the_new_party_is_heard_and_the_old_one_is_not() {
    let mut world = World::new(STILL, 1);
    world.run(seconds(2));
    assert_eq!(world.heard(0, seconds(1), seconds(2)), tones(&[660]), "whom the answer named");
    // The second one goes on sending: its BYE is late.
    world.sessions[0].change(stream_to(2));
    world.run(seconds(2));
    assert_eq!(world.heard(0, milliseconds(2200), seconds(4)), tones(&[880]));
    assert_eq!(world.heard(2, milliseconds(2200), seconds(4)), tones(&[440]));
}

#[test]
fn a_stranger_who_guesses_is_not_heard() {
    let mut world = World::pair(STILL, 1);
    world.run(seconds(2));
    let stranger = SocketAddr::from(([198, 51, 100, 7], 9));
    let last = world.sent(1, Kind::Rtp, Duration::ZERO, seconds(2)).last().map(|seen| seen.bytes.clone());
    let last = last.unwrap();
    let real = Packet::parse(&last).unwrap();
    for step in 1..=50_u16 {
        for (ssrc, loud) in [(real.ssrc, 0x80), (0x1234_5678, 0x80)] {
            let mut bytes = Vec::new();
            let payload = [loud; 160];
            let packet = Packet {
                ssrc,
                sequence_number: real.sequence_number.wrapping_add(step),
                timestamp: real.timestamp.wrapping_add(u32::from(step) * 160),
                payload: &payload,
                ..real.clone()
            };
            packet.write(&mut bytes);
            world.deliver(address(0), stranger, &bytes);
        }
        let goodbye = rtcp::Compound { ssrc: real.ssrc, sender: None, blocks: &[], cname: "x", bye: true };
        world.deliver(Remote::at(address(0)).rtcp, stranger, &goodbye.to_bytes());
        world.run(milliseconds(20));
    }
    assert_eq!(world.heard(0, seconds(1), seconds(3)), tones(&[660]));
    assert!(!world.events[0].iter().any(|event| matches!(event, Event::Left { .. })));
}

#[test]
fn a_crowd_of_strangers_does_not_lock_out_who_is_expected() {
    let mut world = World::pair(STILL, 1);
    let stranger = SocketAddr::from(([198, 51, 100, 7], 9));
    for round in 0..100_u16 {
        for ssrc in 1..=200 {
            let mut bytes = Vec::new();
            let timestamp = u32::from(round) * 160;
            let packet =
                Packet { ssrc, sequence_number: round, timestamp, payload: &[0; 160], ..Packet::default() };
            packet.write(&mut bytes);
            world.deliver(address(0), stranger, &bytes);
            let named = rtcp::Compound { ssrc, sender: None, blocks: &[], cname: "x", bye: false };
            world.deliver(Remote::at(address(0)).rtcp, stranger, &named.to_bytes());
        }
        world.run(milliseconds(20));
    }
    assert_eq!(world.heard(0, milliseconds(300), seconds(2)), tones(&[660]));
}

#[test]
fn early_media_goes_on_when_the_answer_comes() {
    let mut world = World::pair(STILL, 1);
    let stream = Stream { remote: None, ..stream_to(1) };
    world.sessions[0] = session(Dice::new([7; 32], 0), Settings::new("a"), stream, 0);
    world.run(seconds(2));
    let filled = world.sessions[0].counts().playout.filled;
    world.sessions[0].change(stream_to(1));
    world.run(seconds(1));
    assert_eq!(world.heard(0, milliseconds(300), seconds(3)), tones(&[660]));
    assert_eq!(world.sessions[0].counts().playout.filled, filled, "without a gap");
}

#[test]
fn whoever_wakes_late_sends_no_burst() {
    let mut session = session(Dice::new([1; 32], 0), Settings::new("a"), stream_to(1), 0);
    session.handle_timeout(Instant::START);
    let first = session.poll_transmit().unwrap().bytes;
    for asleep in [seconds(5), seconds(1000)] {
        session.handle_timeout(Instant::START + asleep);
        let sent: Vec<_> = std::iter::from_fn(|| session.poll_transmit()).collect();
        let sound: Vec<_> = sent.iter().filter(|packet| packet.kind == Kind::Rtp).collect();
        assert!((1..=11).contains(&sound.len()), "{} packets at once", sound.len());
        let last = Packet::parse(&sound.last().unwrap().bytes).unwrap();
        let passed = last.timestamp.wrapping_sub(Packet::parse(&first).unwrap().timestamp);
        assert_eq!(u128::from(passed), asleep.as_millis() * 8, "timestamps tell the time");
    }
}

#[test]
fn nothing_is_sent_until_it_is_known_where_to() {
    let stream = Stream::symmetric(None, Codec::Pcma, None);
    let mut world = World::pair(STILL, 1);
    world.sessions[0] = session(Dice::new([7; 32], 0), Settings::new("a"), stream, 0);
    world.run(seconds(10));
    assert!(world.seen.iter().all(|seen| seen.by == 1));
    assert_eq!(world.heard(0, seconds(1), seconds(10)), Sound::Silence, "PCMU was not agreed upon");
    world.sessions[0].change(Stream { receives: stream_to(1).receives, ..stream_to(1) });
    world.run(seconds(2));
    assert_eq!(world.heard(0, milliseconds(10_300), seconds(12)), tones(&[660]));
    assert_eq!(world.heard(1, milliseconds(10_300), seconds(12)), tones(&[440]));
}

#[test]
fn nothing_is_sent_to_addresses_that_are_nobodys() {
    for nobody in ["0.0.0.0:4000", "[::]:4000", "192.0.2.2:0"] {
        let mut world = World::pair(STILL, 1);
        let mut remote = Remote::at(nobody.parse().unwrap());
        remote.rtcp.set_port(remote.rtp.port());
        world.sessions[0].change(Stream { remote: Some(remote), ..stream_to(1) });
        let digit = Digit::from_char('1').unwrap();
        assert_eq!(world.sessions[0].press(digit, milliseconds(100)), Err(PressError::OnHold));
        world.run(seconds(10));
        let now = world.now;
        world.sessions[0].close(now);
        world.collect();
        assert!(world.seen.iter().all(|seen| seen.by == 1), "{nobody}");
    }
}

#[test]
fn a_file_is_played_to_its_end_and_recorded() {
    let mut values = vec![0; 16_000];
    tone(880).fill(16_000, &mut values);
    let file = Samples { rate: 16_000, values }.write().unwrap();
    let samples = Arc::new(Samples::read(&file).unwrap().resampled(8000));
    let mut world = World::pair(STILL, 1);
    world.sessions[0].play(Source::samples(samples, false));
    world.run(seconds(3));
    assert!(world.events[0].contains(&Event::Played));
    assert_eq!(world.heard(1, milliseconds(200), milliseconds(1000)), tones(&[880]));
    assert_eq!(world.heard(1, milliseconds(1300), seconds(3)), Sound::Silence);
    let sink = world.sessions[1].listen(Sink::Nothing);
    let file = sink.recorded().unwrap().samples().write().unwrap();
    assert_eq!(Samples::read(&file).unwrap().values.len(), 3 * 8000 + 160);
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let bytes = |seed| {
        let mut world = World::pair(STILL, seed);
        world.run(seconds(12));
        world.seen.into_iter().map(|seen| seen.bytes).collect::<Vec<_>>()
    };
    assert_eq!(bytes(3), bytes(3));
    assert_ne!(bytes(3), bytes(4));
}
