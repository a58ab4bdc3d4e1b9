//! Where the sound that we send comes from.

use std::f64::consts::TAU;
use std::sync::Arc;

use crate::wav::Samples;

/// Most sources that are mixed into one.
pub const MAX_MIXED: usize = 16;

/// The level of the loudest sine, in dBov.
const LOUDEST: f64 = -3.010_3;

/// A sine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// In Hz.
    pub frequency: u16,
    /// In dBov: 0 is a square wave as loud as can be, and louder than the loudest sine, −3.01, is as loud.
    pub level: f64,
}

/// Something that plays.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// Silence, which is sent like any sound.
    #[default]
    Silence,
    /// A sine that goes on.
    Tone(Oscillator),
    /// Samples, from a file.
    Samples(Playback),
    /// Several at once.
    Mix(Vec<Source>),
}

impl Source {
    /// A tone that goes on.
    pub const fn tone(tone: Tone) -> Self {
        Self::Tone(Oscillator { tone, played: 0 })
    }

    /// Several tones at once; the first [`MAX_MIXED`] sound.
    pub fn tones(tones: impl IntoIterator<Item = Tone>) -> Self {
        Self::Mix(tones.into_iter().take(MAX_MIXED).map(Self::tone).collect())
    }

    /// Samples once, or over and over.
    pub const fn samples(samples: Arc<Samples>, repeats: bool) -> Self {
        Self::Samples(Playback { samples, at: 0, repeats })
    }

    /// Samples over and over, as they sound to whoever comes in the middle of them: after so many have been played since
    /// they began.
    pub fn going_on(samples: Arc<Samples>, played: u64) -> Self {
        let length = samples.values.len().max(1) as u64;
        Self::Samples(Playback { samples, at: (played % length) as usize, repeats: true })
    }

    /// Plays the next samples into `out`, `rate` of them a second. Samples of another rate sound too high or
    /// too low: [`Samples::resampled`] first.
    pub fn fill(&mut self, rate: u32, out: &mut [i16]) {
        let mut mix = vec![0_i32; out.len()];
        self.add(rate, &mut mix);
        for (out, sum) in out.iter_mut().zip(mix) {
            *out = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }

    /// Whether there is nothing left to play. What goes on for ever never is.
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Silence | Self::Tone(_) => false,
            Self::Samples(playback) => playback.is_finished(),
            Self::Mix(sources) => !sources.is_empty() && sources.iter().all(Self::is_finished),
        }
    }

    fn add(&mut self, rate: u32, mix: &mut [i32]) {
        match self {
            Self::Silence => {}
            Self::Tone(oscillator) => oscillator.add(rate, mix),
            Self::Samples(playback) => playback.add(mix),
            Self::Mix(sources) => sources.iter_mut().take(MAX_MIXED).for_each(|source| source.add(rate, mix)),
        }
    }
}

/// A sine, and how far it has come.
#[derive(Clone, Debug)]
pub struct Oscillator {
    tone: Tone,
    /// Samples within the second; a whole second holds whole periods, so that nothing is lost by wrapping.
    played: u32,
}

impl Oscillator {
    fn add(&mut self, rate: u32, mix: &mut [i32]) {
        let loudness = 10_f64.powf((self.tone.level.min(LOUDEST) - LOUDEST) / 20.0);
        let step = TAU * f64::from(self.tone.frequency) / f64::from(rate.max(1));
        for sum in mix {
            let sample = f64::from(i16::MAX) * loudness * (step * f64::from(self.played)).sin();
            *sum = sum.saturating_add(sample.round() as i32);
            self.played = (self.played + 1) % rate.max(1);
        }
    }
}

/// Samples, and how far they have been played.
#[derive(Clone, Debug)]
pub struct Playback {
    samples: Arc<Samples>,
    at: usize,
    repeats: bool,
}

impl Playback {
    fn add(&mut self, mix: &mut [i32]) {
        for sum in mix {
            if self.repeats && self.at == self.samples.values.len() {
                self.at = 0;
            }
            let Some(&sample) = self.samples.values.get(self.at) else { return };
            *sum = sum.saturating_add(sample.into());
            self.at += 1;
        }
    }

    fn is_finished(&self) -> bool {
        self.at >= self.samples.values.len() && (!self.repeats || self.samples.values.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{level, share};

    fn played(source: &mut Source, count: usize) -> Vec<i16> {
        let mut out = vec![0; count];
        source.fill(8000, &mut out);
        out
    }

    fn samples(values: &[i16]) -> Arc<Samples> {
        Arc::new(Samples { rate: 8000, values: values.to_vec() })
    }

    #[test]
    fn a_tone_has_its_frequency_and_level_and_no_seams() {
        let mut tone = Source::tone(Tone { frequency: 441, level: -10.0 });
        let pieces: Vec<i16> = (0..200).flat_map(|_| played(&mut tone, 160)).collect();
        assert!((level(&pieces) + 10.0).abs() < 0.01);
        assert!(share(&pieces[..8000], 8000, 441.0) > 0.999);
        assert!(share(&pieces[4000..20_000], 8000, 441.0) > 0.999, "across the wrap of a second");
    }

    #[test]
    fn too_loud_is_as_loud_as_can_be() {
        let mut tone = Source::tone(Tone { frequency: 500, level: 20.0 });
        let loudest = played(&mut tone, 8000);
        assert_eq!(loudest.iter().max(), Some(&i16::MAX));
        assert!((level(&loudest) - LOUDEST).abs() < 0.01);
        let mut both = Source::tones([500, 500].map(|frequency| Tone { frequency, level: 0.0 }));
        assert_eq!(played(&mut both, 8000).iter().max(), Some(&i16::MAX), "clipped, not wrapped");
    }

    #[test]
    fn samples_are_played_once_or_over_and_over() {
        let mut once = Source::samples(samples(&[1, 2, 3]), false);
        assert!(!once.is_finished());
        assert_eq!(played(&mut once, 5), [1, 2, 3, 0, 0]);
        assert!(once.is_finished());
        let mut again = Source::samples(samples(&[1, 2, 3]), true);
        assert_eq!(played(&mut again, 5), [1, 2, 3, 1, 2]);
        assert!(!again.is_finished());
        let mut nothing = Source::samples(samples(&[]), true);
        assert_eq!(played(&mut nothing, 2), [0, 0]);
        assert!(nothing.is_finished());
    }

    #[test]
    fn who_comes_later_hears_how_it_goes_on() {
        let mut source = Source::going_on(samples(&[1, 2, 3]), 7);
        assert_eq!(played(&mut source, 4), [2, 3, 1, 2]);
        let mut nothing = Source::going_on(samples(&[]), 7);
        assert_eq!(played(&mut nothing, 2), [0, 0]);
    }

    #[test]
    fn a_mix_is_the_sum_and_ends_with_its_last() {
        let mut mix = Source::Mix(vec![
            Source::samples(samples(&[1, 2]), false),
            Source::samples(samples(&[10, 20, 30]), false),
        ]);
        assert_eq!(played(&mut mix, 2), [11, 22]);
        assert!(!mix.is_finished());
        assert_eq!(played(&mut mix, 2), [30, 0]);
        assert!(mix.is_finished());
        assert!(!Source::Mix(Vec::new()).is_finished() && !Source::Silence.is_finished());
    }
}
