//! Which tone sounds: Goertzel's filter over a stretch of samples.

use std::f64::consts::TAU;

use crate::wav::Samples;

/// The tones phones play, in Hz; far enough apart, and none the octave of another's neighbour in speech codecs.
pub const TONES: [u16; 5] = [440, 660, 880, 550, 770];

/// Share of the sound's power that must lie at the frequencies for these tones to be heard.
const PRESENT: f64 = 0.7;

/// Share of it from which one tone among others is heard: four that are equally loud have a quarter each.
const AUDIBLE: f64 = 0.07;

/// Mean power below which there is no sound: comfort noise and the click of a codec stay under it.
const SILENCE: f64 = 900.0;

/// What sounds in a stretch of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Nothing above the noise of a codec.
    Silence,
    /// Some of [`TONES`], in Hz and in their order, and nothing else.
    Tones(Vec<u16>),
    /// Something else.
    Noise,
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

/// The value that a byte of G.711's µ-law stands for.
pub(crate) fn from_mu_law(byte: u8) -> i16 {
    let code = !byte;
    let (segment, step) = (code >> 4 & 7, i16::from(code & 0xf));
    let magnitude = (((step << 3) + 132) << segment) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// What sounds in `values`, taken `rate` times a second.
pub fn sound(values: &[i16], rate: u32) -> Sound {
    let power = power(values);
    if power < SILENCE {
        return Sound::Silence;
    }
    let share = |tone: u16| share(values, rate, f64::from(tone), power);
    let heard: Vec<_> = TONES.into_iter().filter(|&tone| share(tone) > AUDIBLE).collect();
    let together: f64 = heard.iter().map(|&tone| share(tone)).sum();
    if together > PRESENT { Sound::Tones(heard) } else { Sound::Noise }
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

/// A recording as one character per quarter of a second, for a person to read: the first digit of the tone (`4`, `6`, `8`, `5`,
/// `7`), `+` several, `.` silence, `?` else.
pub fn timeline(samples: &Samples) -> String {
    let step = (samples.rate / 4).max(1) as usize;
    let character = |values: &[i16]| match sound(values, samples.rate) {
        Sound::Silence => '.',
        Sound::Noise => '?',
        Sound::Tones(tones) => match tones[..] {
            [one] => char::from_digit(u32::from(one / 100), 10).unwrap_or('?'),
            _ => '+',
        },
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

    fn mixed(tones: &[u16], milliseconds: u32) -> Vec<i16> {
        let each: Vec<_> = tones.iter().map(|&hz| tone(f64::from(hz), 3000.0, milliseconds)).collect();
        (0..each[0].len()).map(|at| each.iter().map(|one| one[at]).sum()).collect()
    }

    #[test]
    fn each_tone_is_told_from_the_others() {
        for frequency in TONES {
            let heard = sound(&tone(f64::from(frequency), 3000.0, 300), 8000);
            assert_eq!(heard, Sound::Tones(vec![frequency]));
        }
        assert_eq!(sound(&tone(1000.0, 3000.0, 300), 8000), Sound::Noise);
    }

    #[test]
    fn voices_at_once_are_told_apart() {
        for together in [&TONES[..2], &TONES[1..], &TONES[..]] {
            assert_eq!(sound(&mixed(together, 500), 8000), Sound::Tones(together.to_vec()));
        }
        assert_eq!(sound(&mixed(&[440, 1000], 300), 8000), Sound::Noise);
    }

    #[test]
    fn what_was_coded_is_heard() {
        let values: Vec<i16> = mu_law_second(550).into_iter().map(from_mu_law).collect();
        assert_eq!(sound(&values, 8000), Sound::Tones(vec![550]));
        // G.711, table 2a: the loudest, and silence.
        assert_eq!([0x80, 0x00, 0xff, 0x7f].map(from_mu_law), [32124, -32124, 0, 0]);
    }

    #[test]
    fn noise_of_a_codec_is_silence() {
        assert_eq!(sound(&[8, -8, 0, 8], 8000), Sound::Silence);
        assert_eq!(sound(&[], 8000), Sound::Silence);
    }

    #[test]
    fn a_person_reads_what_was_heard_when() {
        let values = [tone(440.0, 3000.0, 1000), vec![0; 8000], mixed(&[440, 660], 1000)].concat();
        assert_eq!(timeline(&Samples { rate: 8000, values }), "4444....++++");
    }
}
