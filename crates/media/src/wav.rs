//! WAV files as bytes: reading what is to be played, writing what was heard. Files themselves stay outside.

use std::f64::consts::PI;
use std::io::Cursor;

/// Longest sound that is read, in seconds.
pub const MAX_SECONDS: u32 = 3600;

/// Octets before the samples.
pub const HEADER: usize = 44;

/// Sample rates that are read, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=192_000;

/// Zero crossings of the resampling filter on each side.
const CROSSINGS: f64 = 16.0;

/// Why bytes are no WAV file that can be played.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// It is none, or of a kind that is not read: compressed ones are not.
    #[error("this is no WAV file of plain samples: {0}")]
    Format(#[from] hound::Error),
    /// Its sample rate is not one of sound.
    #[error("{0} samples a second cannot be played")]
    Rate(u32),
    /// It plays for longer than [`MAX_SECONDS`].
    #[error("the sound is longer than {MAX_SECONDS} seconds")]
    TooLong,
}

/// Sound of one channel in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Samples a second.
    pub rate: u32,
    /// The samples.
    pub values: Vec<i16>,
}

impl Samples {
    /// Reads a WAV file of 8 to 32 bits or floating point; several channels become one, their mean.
    ///
    /// # Errors
    ///
    /// [`WavError`] for what cannot be played.
    pub fn read(wav: &[u8]) -> Result<Self, WavError> {
        let mut reader = hound::WavReader::new(wav)?;
        let spec = reader.spec();
        if !RATES.contains(&spec.sample_rate) {
            return Err(WavError::Rate(spec.sample_rate));
        }
        if reader.duration() / spec.sample_rate >= MAX_SECONDS {
            return Err(WavError::TooLong);
        }
        let single: Vec<f64> = match spec.sample_format {
            hound::SampleFormat::Float => reader
                .samples::<f32>()
                .map(|sample| Ok(f64::from(sample?)))
                .collect::<Result<_, WavError>>()?,
            hound::SampleFormat::Int => {
                let full = 2_f64.powi(i32::from(spec.bits_per_sample) - 1);
                let samples = reader.samples::<i32>().map(|sample| Ok(f64::from(sample?) / full));
                samples.collect::<Result<_, WavError>>()?
            }
        };
        let channels = usize::from(spec.channels.max(1));
        let mean = |frame: &[f64]| frame.iter().sum::<f64>() / f64::from(spec.channels.max(1));
        let values = single.chunks_exact(channels).map(|frame| to_sample(mean(frame) * 32_768.0)).collect();
        Ok(Self { rate: spec.sample_rate, values })
    }

    /// How many seconds a WAV file plays, as its head says; it is not read further.
    ///
    /// # Errors
    ///
    /// [`WavError`] for what cannot be played.
    pub fn seconds(wav: &[u8]) -> Result<f64, WavError> {
        let reader = hound::WavReader::new(wav)?;
        let rate = reader.spec().sample_rate;
        if !RATES.contains(&rate) {
            return Err(WavError::Rate(rate));
        }
        if reader.duration() / rate >= MAX_SECONDS {
            return Err(WavError::TooLong);
        }
        Ok(f64::from(reader.duration()) / f64::from(rate))
    }

    /// A WAV file of 16 bits.
    ///
    /// # Errors
    ///
    /// [`WavError::Format`] for more sound than such a file can hold, 4 GB.
    pub fn write(&self) -> Result<Vec<u8>, WavError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::with_capacity(44 + 2 * self.values.len()));
        let mut writer = hound::WavWriter::new(&mut file, spec)?;
        for &value in &self.values {
            writer.write_sample(value)?;
        }
        writer.finalize()?;
        Ok(file.into_inner())
    }

    /// The same sound at another rate, by a windowed sinc: what the lower rate cannot carry is filtered out.
    #[must_use]
    pub fn resampled(&self, rate: u32) -> Self {
        if rate == self.rate || self.rate == 0 || rate == 0 {
            return Self { rate, values: self.values.clone() };
        }
        let length = self.values.len() as u64 * u64::from(rate) / u64::from(self.rate);
        let filter = Filter::new(self.rate, rate);
        let value = |index: u64| {
            let place = index * u64::from(self.rate);
            let taps = filter.taps((place % u64::from(rate)) as u32);
            let whole = (place / u64::from(rate)) as usize;
            // At the very beginning, the first taps have nothing to weigh.
            let missing = filter.side.saturating_sub(whole);
            let heard = self.values.iter().skip(whole.saturating_sub(filter.side));
            to_sample(taps.iter().skip(missing).zip(heard).map(|(tap, &value)| tap * f64::from(value)).sum())
        };
        Self { rate, values: (0..length).map(value).collect() }
    }
}

/// The first octets of a WAV file of one channel and 16 bits that holds so many samples, for whoever writes what
/// is heard while it is heard. The samples follow, the low octet first.
pub fn header(rate: u32, samples: u32) -> [u8; HEADER] {
    let data = samples.saturating_mul(2).min(u32::MAX - HEADER as u32);
    let mut header = [0; HEADER];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(data + HEADER as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &rate.to_le_bytes(),
        &rate.saturating_mul(2).to_le_bytes(),
        &2_u16.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data.to_le_bytes(),
    ];
    for (place, octet) in header.iter_mut().zip(fields.concat()) {
        *place = octet;
    }
    header
}

/// The taps of the resampling filter, for each place that an output sample can have between two input samples.
struct Filter {
    phases: Vec<Vec<f64>>,
    /// What two places lie apart, in the output rate's part of an input sample.
    step: u32,
    /// Taps before the middle one.
    side: usize,
}

impl Filter {
    fn new(from: u32, to: u32) -> Self {
        // Of the rate that is read, the part that both can carry.
        let band = (f64::from(to) / f64::from(from)).min(1.0);
        let reach = CROSSINGS / band;
        let side = reach.ceil() as i32;
        let step = greatest_common_divisor(from, to);
        let phases = (0..to / step).map(|phase| {
            let part = f64::from(phase * step) / f64::from(to);
            let distances = (-side..=side + 1).map(|at| f64::from(at) - part);
            distances.map(|distance| band * sinc(distance * band) * window(distance / reach)).collect()
        });
        Self { phases: phases.collect(), step, side: side.unsigned_abs() as usize }
    }

    fn taps(&self, part: u32) -> &[f64] {
        &self.phases[(part / self.step) as usize]
    }
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

/// sin(πx) / πx.
fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Blackman's window over −1 to 1.
fn window(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { 0.42 + 0.5 * (PI * x).cos() + 0.08 * (2.0 * PI * x).cos() }
}

/// Rounded, and clipped.
fn to_sample(value: f64) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{level, share};
    use crate::source::{Source, Tone};
    use proptest::prelude::*;

    fn tone(rate: u32, frequency: u16) -> Samples {
        let mut values = vec![0; rate as usize];
        Source::tone(Tone { frequency, level: -10.0 }).fill(rate, &mut values);
        Samples { rate, values }
    }

    fn wav(spec: hound::WavSpec, write: impl Fn(&mut hound::WavWriter<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        write(&mut writer);
        writer.finalize().unwrap();
        file.into_inner()
    }

    #[test]
    fn a_header_is_what_a_whole_file_begins_with() {
        let samples = Samples { rate: 8000, values: vec![1, -2, 3] };
        let file = samples.write().unwrap();
        assert_eq!(file[..HEADER], header(8000, 3));
        assert_eq!(file.len(), HEADER + 6);
    }

    #[test]
    fn what_is_written_reads_back() {
        let samples = Samples { rate: 8000, values: vec![0, 1, -1, i16::MAX, i16::MIN] };
        let file = samples.write().unwrap();
        assert_eq!((&file[..4], file.len()), (&b"RIFF"[..], 44 + 10));
        assert_eq!(Samples::read(&file).unwrap(), samples);
    }

    #[test]
    fn other_widths_and_channels_come_down_to_16_bits_and_one() {
        let spec = |channels, bits_per_sample, sample_format| hound::WavSpec {
            channels,
            sample_rate: 16_000,
            bits_per_sample,
            sample_format,
        };
        let stereo = wav(spec(2, 16, hound::SampleFormat::Int), |writer| {
            for sample in [100_i16, 300, -100, -300] {
                writer.write_sample(sample).unwrap();
            }
        });
        assert_eq!(Samples::read(&stereo).unwrap(), Samples { rate: 16_000, values: vec![200, -200] });
        let narrow = wav(spec(1, 8, hound::SampleFormat::Int), |writer| writer.write_sample(64_i8).unwrap());
        assert_eq!(Samples::read(&narrow).unwrap().values, [16_384]);
        let wide = wav(spec(1, 24, hound::SampleFormat::Int), |writer| writer.write_sample(1 << 22).unwrap());
        assert_eq!(Samples::read(&wide).unwrap().values, [16_384]);
        let float = wav(spec(1, 32, hound::SampleFormat::Float), |writer| {
            writer.write_sample(0.5_f32).unwrap();
            writer.write_sample(7.0_f32).unwrap();
        });
        assert_eq!(Samples::read(&float).unwrap().values, [16_384, i16::MAX]);
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        assert!(matches!(Samples::read(b"RIFF"), Err(WavError::Format(_))));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 7,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        assert!(matches!(Samples::read(&wav(spec, |_| {})), Err(WavError::Rate(7))));
    }

    #[test]
    fn a_tone_stays_a_tone_at_another_rate() {
        for rate in [44_100, 48_000, 16_000, 11_025] {
            let down = tone(rate, 1000).resampled(8000);
            assert_eq!((down.rate, down.values.len()), (8000, 8000));
            assert!(share(&down.values[800..7200], 8000, 1000.0) > 0.99, "from {rate}");
            assert!((level(&down.values[800..7200]) + 10.0).abs() < 0.1, "from {rate}");
        }
        let up = tone(8000, 1000).resampled(16_000);
        assert!(share(&up.values[1600..14_400], 16_000, 1000.0) > 0.99);
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_does_not_fold_back() {
        let down = tone(16_000, 6000).resampled(8000);
        assert!(level(&down.values[800..7200]) < -60.0, "{}", level(&down.values[800..7200]));
    }

    proptest! {
        #[test]
        fn whatever_the_file_holds_is_read_or_refused(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            is_like_one in any::<bool>(),
        ) {
            if is_like_one {
                let mut file = Samples { rate: 8000, values: vec![0; 20] }.write().unwrap();
                for (at, byte) in bytes.iter().enumerate().take(8) {
                    let place = usize::from(*byte) % file.len();
                    file[place] = bytes[(at + 1) % bytes.len()];
                }
                bytes = file;
            }
            let _ = Samples::read(&bytes);
        }
    }
}
