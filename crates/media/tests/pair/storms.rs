//! What a call sounds like in bad weather.

use cordboard_media::meter::Sound;
use cordboard_media::{Event, Kind};
use proptest::prelude::*;
use std::time::Duration;

use crate::world::{STILL, TONES, Weather, World, milliseconds, read, seconds};

/// A tenth is lost, a twentieth doubled, and neighbours overtake each other.
const STORM: Weather = Weather { lost: 10, doubled: 5, wobble: Duration::from_millis(35), ..STILL };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The tone is heard, gaps are as long as what was lost, and reports say how much that was.
    #[test]
    fn tones_are_heard_through_a_storm(seed in any::<u64>()) {
        let mut world = World::pair(STORM, seed);
        world.run(seconds(20));
        for index in [0, 1] {
            let Sound::Tones(heard) = world.heard(index, seconds(1), seconds(20)) else {
                return Err(TestCaseError::fail("a tone is heard"));
            };
            prop_assert_eq!(heard, vec![TONES[1 - index]]);
            let counts = world.sessions[index].counts();
            prop_assert_eq!((counts.playout.late, counts.playout.resyncs), (0, 0));
            // 1,000 packets, of which about 100 are lost.
            let gaps = counts.playout.filled / 160;
            prop_assert!((50..=150).contains(&gaps), "{} gaps", gaps);
            let lost: Vec<i32> = world.events[1 - index].iter().filter_map(|event| match event {
                Event::Report { statistics, .. } => Some(statistics.cumulative_lost),
                _ => None,
            }).collect();
            // A tenth lost less a twentieth doubled, of up to 1,000; the last report may be lost itself.
            prop_assert!(lost.iter().all(|lost| (-15..=100).contains(lost)), "{:?}", lost);
        }
    }

    /// A digit has ten chances; that all its packets are lost is less likely than one in ten million.
    #[test]
    fn digits_get_through_a_storm_once_and_in_order(seed in any::<u64>(), text in "[0-9A-D*#]{1,20}") {
        let mut world = World::pair(STORM, seed);
        world.run(seconds(1));
        world.press(0, &text);
        world.run(seconds(6));
        prop_assert_eq!(world.digits(1), text);
    }
}

/// Of 50 packets a second, a fifth is lost: reports must not say anything else.
#[test]
fn reports_tell_what_was_lost() {
    let mut world = World::pair(Weather { lost: 20, ..STILL }, 7);
    world.run(seconds(60));
    let fractions: Vec<u8> = world.events[0]
        .iter()
        .filter_map(|event| match event {
            Event::Report { statistics, .. } => Some(statistics.fraction_lost),
            _ => None,
        })
        .collect();
    assert!(fractions.len() >= 4, "{fractions:?}");
    assert!(
        fractions.iter().all(|fraction| (25..=80).contains(fraction)),
        "51 of 256 on average: {fractions:?}"
    );
}

#[test]
fn wobble_is_told_as_jitter() {
    let mut world = World::pair(Weather { wobble: milliseconds(20), ..STILL }, 7);
    world.run(seconds(30));
    let jitter = world.events[0].iter().rev().find_map(|event| match event {
        Event::Report { statistics, .. } => Some(statistics.jitter),
        _ => None,
    });
    // Two delays drawn from 0 to 160 timestamps differ by 53 on average.
    assert!((30..=80).contains(&jitter.unwrap()), "{jitter:?}");
}

#[test]
fn weather_changes_what_arrives_and_not_what_is_sent() {
    let sent = |weather| {
        let mut world = World::pair(weather, 5);
        world.run(seconds(2));
        let seen = world.sent(0, Kind::Rtp, milliseconds(0), seconds(2));
        seen.iter().map(|seen| read(seen).payload.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(sent(STILL), sent(STORM));
}
