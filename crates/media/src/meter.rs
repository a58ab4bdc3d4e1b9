//! What is heard: how loud, and which tones, by Goertzel's filter.

use std::collections::VecDeque;
use std::f64::consts::TAU;

/// Samples that are looked at together: 100 ms of 8 kHz, so that tones at multiples of 10 Hz do not mix.
pub const WINDOW: usize = 800;

/// Most tones that a meter listens for.
pub const MAX_TONES: usize = 16;

/// Below this level, in dBov, there is silence: the noise of codecs stays under it.
pub const SILENCE: f64 = -60.0;

/// The share of the power that all tones that are heard must have between them.
const TOGETHER: f64 = 0.7;

/// The share of the power that a tone must have to be heard beside others.
const ALONE: f64 = 0.1;

/// Changes that are kept until somebody asks; older ones are forgotten.
const MAX_CHANGES: usize = 64;

/// What sounds in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sound {
    /// Nothing above [`SILENCE`].
    #[default]
    Silence,
    /// These of the tones that were listened for, in Hz, in that order, and little else.
    Tones(Vec<u16>),
    /// Something else.
    Other,
}

/// Listens for tones, and tells when what it hears changes.
#[derive(Clone, Debug)]
pub struct Meter {
    tones: Vec<u16>,
    rate: u32,
    window: Vec<i16>,
    /// What the last whole window was.
    last: Sound,
    /// What was told last; a change is told when two windows agree, so that a click is none.
    told: Sound,
    changes: VecDeque<Sound>,
    level: f64,
}

impl Meter {
    /// A meter that listens for `tones`, in Hz: the first [`MAX_TONES`] count. It begins with silence.
    pub fn new(tones: &[u16]) -> Self {
        Self {
            tones: tones[..tones.len().min(MAX_TONES)].to_vec(),
            rate: 8000,
            window: Vec::with_capacity(WINDOW),
            last: Sound::Silence,
            told: Sound::Silence,
            changes: VecDeque::new(),
            level: f64::NEG_INFINITY,
        }
    }

    /// Hears `samples`, taken `rate` times a second.
    pub fn hear(&mut self, rate: u32, samples: &[i16]) {
        self.rate = rate;
        for &sample in samples {
            self.window.push(sample);
            if self.window.len() == WINDOW {
                self.judge();
            }
        }
    }

    /// What has sounded for at least two windows since it was asked last, change by change.
    pub fn poll_change(&mut self) -> Option<Sound> {
        self.changes.pop_front()
    }

    /// What sounds now.
    pub const fn sound(&self) -> &Sound {
        &self.told
    }

    /// How loud the last window was, in dBov; −∞ for digital silence.
    pub const fn level(&self) -> f64 {
        self.level
    }

    fn judge(&mut self) {
        let sound = sound(&self.window, self.rate, &self.tones);
        self.level = level(&self.window);
        self.window.clear();
        if sound == self.last && sound != self.told {
            self.told = sound.clone();
            if self.changes.len() == MAX_CHANGES {
                self.changes.pop_front();
            }
            self.changes.push_back(sound.clone());
        }
        self.last = sound;
    }
}

/// Which of `tones`, in Hz, sound in `samples`, taken `rate` times a second.
pub fn sound(samples: &[i16], rate: u32, tones: &[u16]) -> Sound {
    if level(samples) < SILENCE {
        return Sound::Silence;
    }
    let shares: Vec<(u16, f64)> =
        tones.iter().map(|&tone| (tone, share(samples, rate, f64::from(tone)))).collect();
    let heard: Vec<(u16, f64)> = shares.into_iter().filter(|(_, share)| *share >= ALONE).collect();
    if heard.iter().map(|(_, share)| share).sum::<f64>() < TOGETHER {
        return Sound::Other;
    }
    Sound::Tones(heard.into_iter().map(|(tone, _)| tone).collect())
}

/// How loud `samples` are, in dBov: 0 is a square wave as loud as can be, and the loudest sine is at −3.01.
pub fn level(samples: &[i16]) -> f64 {
    10.0 * (power(samples) / f64::from(i16::MAX).powi(2)).log10()
}

/// The share of the power of `samples` that lies at `frequency` Hz, 0 to 1; 0 for silence.
pub fn share(samples: &[i16], rate: u32, frequency: f64) -> f64 {
    let power = power(samples);
    if power == 0.0 {
        return 0.0;
    }
    let turn = 2.0 * (TAU * frequency / f64::from(rate)).cos();
    let (last, before) = samples
        .iter()
        .fold((0.0, 0.0), |(last, before), &sample| (f64::from(sample) + turn * last - before, last));
    (last * last + before * before - turn * last * before) * 2.0 / (count(samples).powi(2) * power)
}

/// The mean of the squares.
fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / count(samples).max(1.0)
}

fn count(samples: &[i16]) -> f64 {
    u32::try_from(samples.len()).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Tone};

    const TONES: [u16; 3] = [440, 660, 880];

    fn tones(frequencies: &[u16], samples: usize) -> Vec<i16> {
        let tones = frequencies.iter().map(|&frequency| Tone { frequency, level: -20.0 });
        let mut out = vec![0; samples];
        Source::tones(tones).fill(8000, &mut out);
        out
    }

    #[test]
    fn each_tone_is_told_from_the_others() {
        for tone in TONES {
            assert_eq!(sound(&tones(&[tone], WINDOW), 8000, &TONES), Sound::Tones(vec![tone]));
        }
        assert_eq!(sound(&tones(&[1000], WINDOW), 8000, &TONES), Sound::Other);
    }

    #[test]
    fn tones_are_heard_together() {
        assert_eq!(sound(&tones(&TONES, WINDOW), 8000, &TONES), Sound::Tones(TONES.to_vec()));
        assert_eq!(sound(&tones(&[440, 1000], WINDOW), 8000, &TONES), Sound::Other);
    }

    #[test]
    fn levels_are_those_that_were_played() {
        assert!((level(&tones(&[440], 8000)) + 20.0).abs() < 0.05);
        assert!(level(&[0; 80]).is_infinite());
        assert!(level(&[i16::MAX; 80]).abs() < 1e-9);
        assert_eq!(sound(&[8, -8, 0, 8], 8000, &TONES), Sound::Silence);
        assert_eq!(sound(&[], 8000, &TONES), Sound::Silence);
    }

    #[test]
    fn changes_are_told_once_and_clicks_are_not() {
        let mut meter = Meter::new(&TONES);
        meter.hear(8000, &tones(&[440], 4000));
        meter.hear(8000, &tones(&[660], WINDOW));
        meter.hear(8000, &tones(&[440], 4000));
        meter.hear(8000, &[0; 4000]);
        let changes: Vec<Sound> = std::iter::from_fn(|| meter.poll_change()).collect();
        assert_eq!(changes, [Sound::Tones(vec![440]), Sound::Silence]);
        assert_eq!(meter.sound(), &Sound::Silence);
        assert!(meter.level().is_infinite());
    }

    #[test]
    fn forgotten_meters_stay_small() {
        let mut meter = Meter::new(&TONES);
        for _ in 0..100 {
            meter.hear(8000, &tones(&[440], 2 * WINDOW));
            meter.hear(8000, &[0; 2 * WINDOW]);
        }
        assert_eq!(std::iter::from_fn(|| meter.poll_change()).count(), MAX_CHANGES);
    }
}
