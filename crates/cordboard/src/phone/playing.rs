//! What a telephone plays: a tone, a file, or nothing.

use cordboard_media::source::Tone;
use cordboard_media::wav::Samples;
use cordboard_media::{Source, session};
use std::path::Path;
use std::sync::Arc;

use super::options::OptionError;

/// How loud a tone is, in dBov: as loud as speech, and far from what a codec cuts off.
const LEVEL: f64 = -15.0;

/// Tones that a telephone can play and tell from one another, in Hz.
const TONES: std::ops::RangeInclusive<u16> = 50..=3900;

/// What is played, from its beginning in each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Playing {
    pub(super) source: Source,
    /// The tone, if it is one.
    pub(super) tone: Option<u16>,
}

/// A tone of so many Hz.
pub(super) fn tone(frequency: u16) -> Result<Playing, OptionError> {
    if !TONES.contains(&frequency) {
        return Err(OptionError::Wrong {
            says: format!("a telephone cannot play a tone of {frequency} Hz"),
            tries: "a tone from 50 to 3900 Hz, such as 440",
        });
    }
    Ok(Playing { source: Source::tone(Tone { frequency, level: LEVEL }), tone: Some(frequency) })
}

/// A WAV file, once.
pub(super) fn file(path: &Path) -> Result<Playing, OptionError> {
    let bytes =
        std::fs::read(path).map_err(|source| OptionError::Unreadable { path: path.to_owned(), source })?;
    let samples = Samples::read(&bytes).map_err(|error| OptionError::Wrong {
        says: format!("{} cannot be played: {error}", path.display()),
        tries: "a WAV file of plain samples (PCM), up to an hour long",
    })?;
    let samples = Arc::new(samples.resampled(session::RATE));
    Ok(Playing { source: Source::samples(samples, false), tone: None })
}
