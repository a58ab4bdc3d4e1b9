//! Which tone sounds: Goertzel's filter over a stretch of samples.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::wav::Samples;

/// The tones phones play, in Hz; far enough apart, and none the octave of another's neighbour in speech codecs.
pub const TONES: [u16; 3] = [440, 660, 880];

/// Share of the sound's power that must lie at the frequency for the tone to be heard.
const PRESENT: f64 = 0.7;

/// Mean power below which there is no sound: comfort noise and the click of a codec stay under it.
const SILENCE: f64 = 900.0;

/// What sounds in a stretch of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Nothing above the noise of a codec.
    Silence,
    /// One of [`TONES`], in Hz.
    Tone(u16),
    /// Something else, or more than one tone at once.
    Mixture,
}

/// A second of a tone in the µ-law of G.711, as a program plays it that has no encoder: 8,000 bytes. It can be repeated
/// without a click.
pub fn mu_law_second(frequency: u16) -> Vec<u8> {
    let step = TAU * f64::from(frequency) / 8000.0;
    (0..8000).map(|at| mu_law((f64::from(at) * step).sin() * 8000.0)).collect()
}

/// G.711: a sign, three bits that say in which of eight segments, and four that say where in it; all of it inverted.
fn mu_law(value: f64) -> u8 {
    const BIAS: u32 = 132;
    let magnitude = u32::from((value as i16).unsigned_abs()) + BIAS;
    let segment = magnitude.ilog2() - 7;
    let code = segment << 4 | (magnitude >> (segment + 3) & 0xf);
    let sign = if value < 0.0 { 0x80 } else { 0 };
    !(code as u8 | sign)
}

/// What sounds in `values`, taken `rate` times a second.
pub fn sound(values: &[i16], rate: u32) -> Sound {
    let power = power(values);
    if power < SILENCE {
        return Sound::Silence;
    }
    TONES
        .into_iter()
        .find(|&tone| share(values, rate, f64::from(tone), power) > PRESENT)
        .map_or(Sound::Mixture, Sound::Tone)
}

/// Whether `frequency` (Hz) carries most of the sound between `since` and `until` after the beginning of a recording.
pub fn hears(samples: &Samples, frequency: f64, since: Duration, until: Duration) -> bool {
    let at = |second: Duration| {
        (second.as_millis() as usize * samples.rate as usize / 1000).min(samples.values.len())
    };
    let values = &samples.values[at(since)..at(until)];
    let power = power(values);
    power >= SILENCE && share(values, samples.rate, frequency, power) > PRESENT
}

/// The mean power, 0 for no samples.
fn power(values: &[i16]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / count(values).max(1.0)
}

fn count(values: &[i16]) -> f64 {
    u32::try_from(values.len()).map_or(f64::INFINITY, f64::from)
}

/// The share of `power` at `frequency`, 0 to 1.
fn share(values: &[i16], rate: u32, frequency: f64, power: f64) -> f64 {
    let turn = 2.0 * (TAU * frequency / f64::from(rate)).cos();
    let (last, before) = values
        .iter()
        .fold((0.0, 0.0), |(last, before), &value| (f64::from(value) + turn * last - before, last));
    (last * last + before * before - turn * last * before) * 2.0 / (count(values).powi(2) * power)
}

/// A recording as one character per quarter of a second, for a person to read: `4`, `6`, `8` tones, `.` silence, `?` else.
pub fn timeline(samples: &Samples) -> String {
    let step = (samples.rate / 4).max(1) as usize;
    let character = |values: &[i16]| match sound(values, samples.rate) {
        Sound::Silence => '.',
        Sound::Mixture => '?',
        Sound::Tone(440) => '4',
        Sound::Tone(660) => '6',
        Sound::Tone(_) => '8',
    };
    samples.values.chunks(step).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, amplitude: f64, milliseconds: u32) -> Vec<i16> {
        let value = |sample: u32| (amplitude * (TAU * frequency * f64::from(sample) / 8000.0).sin()) as i16;
        (0..8 * milliseconds).map(value).collect()
    }

    #[test]
    fn each_tone_is_told_from_the_others() {
        for frequency in TONES {
            assert_eq!(sound(&tone(f64::from(frequency), 3000.0, 300), 8000), Sound::Tone(frequency));
        }
        assert_eq!(sound(&tone(1000.0, 3000.0, 300), 8000), Sound::Mixture);
    }

    #[test]
    fn two_voices_at_once_are_neither() {
        let mixed: Vec<_> = tone(440.0, 3000.0, 300)
            .into_iter()
            .zip(tone(660.0, 3000.0, 300))
            .map(|(one, other)| one + other)
            .collect();
        assert_eq!(sound(&mixed, 8000), Sound::Mixture);
    }

    #[test]
    fn noise_of_a_codec_is_silence() {
        assert_eq!(sound(&[8, -8, 0, 8], 8000), Sound::Silence);
        assert_eq!(sound(&[], 8000), Sound::Silence);
    }

    #[test]
    fn a_window_sees_only_itself() {
        let values = [tone(440.0, 3000.0, 1000), vec![0; 8000], tone(660.0, 3000.0, 1000)].concat();
        let samples = Samples { rate: 8000, values };
        assert!(hears(&samples, 440.0, Duration::from_secs(0), Duration::from_secs(1)));
        assert!(!hears(&samples, 440.0, Duration::from_secs(1), Duration::from_secs(2)));
        assert!(!hears(&samples, 440.0, Duration::from_secs(2), Duration::from_secs(3)));
        assert!(hears(&samples, 660.0, Duration::from_secs(2), Duration::from_secs(9)));
        assert_eq!(timeline(&samples), "4444....6666");
    }
}
