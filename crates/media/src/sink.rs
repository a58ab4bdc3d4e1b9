//! Where the sound goes that we hear.

use crate::meter::{Meter, Sound};
use crate::wav::Samples;

/// Samples that a recording keeps unless told otherwise: an hour of 8 kHz.
pub const HOUR: usize = 3600 * 8000;

/// Most sinks that hear the same.
pub const MAX_SINKS: usize = 16;

/// Something that hears.
#[derive(Clone, Debug, Default)]
pub enum Sink {
    /// Nobody hears.
    #[default]
    Nothing,
    /// What is heard is kept.
    Recording(Recording),
    /// What is heard is measured.
    Meter(Meter),
    /// Several hear the same.
    Several(Vec<Sink>),
}

impl Sink {
    /// A recording of at most `limit` samples.
    pub const fn recording(limit: usize) -> Self {
        Self::Recording(Recording {
            samples: Samples { rate: 8000, values: Vec::new() },
            limit,
            is_full: false,
        })
    }

    /// A meter that listens for `tones`, in Hz.
    pub fn meter(tones: &[u16]) -> Self {
        Self::Meter(Meter::new(tones))
    }

    /// Hears `samples`, taken `rate` times a second: silence too, so that a recording's time is the stream's.
    pub fn hear(&mut self, rate: u32, samples: &[i16]) {
        match self {
            Self::Nothing => {}
            Self::Recording(recording) => recording.hear(rate, samples),
            Self::Meter(meter) => meter.hear(rate, samples),
            Self::Several(sinks) => {
                sinks.iter_mut().take(MAX_SINKS).for_each(|sink| sink.hear(rate, samples));
            }
        }
    }

    /// What a meter in here heard change, since it was asked last.
    pub fn poll_change(&mut self) -> Option<Sound> {
        match self {
            Self::Nothing | Self::Recording(_) => None,
            Self::Meter(meter) => meter.poll_change(),
            Self::Several(sinks) => sinks.iter_mut().find_map(Self::poll_change),
        }
    }

    /// What was recorded since this was asked last, for whoever writes it down meanwhile; its room is free again.
    pub fn take_recorded(&mut self) -> Option<Samples> {
        match self {
            Self::Nothing | Self::Meter(_) => None,
            Self::Recording(recording) => Some(recording.take()),
            Self::Several(sinks) => sinks.iter_mut().find_map(Self::take_recorded),
        }
    }

    /// The first recording in here.
    pub fn recorded(&self) -> Option<&Recording> {
        match self {
            Self::Nothing | Self::Meter(_) => None,
            Self::Recording(recording) => Some(recording),
            Self::Several(sinks) => sinks.iter().find_map(Self::recorded),
        }
    }
}

/// Samples that were heard, up to a limit.
#[derive(Clone, Debug)]
pub struct Recording {
    samples: Samples,
    limit: usize,
    is_full: bool,
}

impl Recording {
    /// What was heard, from the beginning.
    pub const fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Whether the limit cut something off.
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    fn take(&mut self) -> Samples {
        let rate = self.samples.rate;
        std::mem::replace(&mut self.samples, Samples { rate, values: Vec::new() })
    }

    /// What comes at another rate than the first is brought to it.
    fn hear(&mut self, rate: u32, samples: &[i16]) {
        if self.samples.values.is_empty() {
            self.samples.rate = rate;
        }
        if rate != self.samples.rate {
            let other = Samples { rate, values: samples.to_vec() };
            return self.keep(&other.resampled(self.samples.rate).values);
        }
        self.keep(samples);
    }

    fn keep(&mut self, samples: &[i16]) {
        let room = self.limit.saturating_sub(self.samples.values.len());
        self.is_full |= samples.len() > room;
        self.samples.values.extend(&samples[..samples.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_keeps_what_fits() {
        let mut sink = Sink::Several(vec![Sink::Nothing, Sink::recording(5)]);
        sink.hear(8000, &[1, 2, 3]);
        assert!(!sink.recorded().unwrap().is_full());
        sink.hear(8000, &[4, 5, 6]);
        let recording = sink.recorded().unwrap();
        assert_eq!(recording.samples(), &Samples { rate: 8000, values: vec![1, 2, 3, 4, 5] });
        assert!(recording.is_full());
    }

    #[test]
    fn a_recording_keeps_its_rate() {
        let mut sink = Sink::recording(1000);
        sink.hear(8000, &[0; 80]);
        sink.hear(16_000, &[0; 160]);
        let recording = sink.recorded().unwrap();
        assert_eq!((recording.samples().rate, recording.samples().values.len()), (8000, 160));
    }

    #[test]
    fn what_is_taken_makes_room() {
        let mut sink = Sink::Several(vec![Sink::meter(&[440]), Sink::recording(3)]);
        sink.hear(8000, &[1, 2]);
        assert_eq!(sink.take_recorded(), Some(Samples { rate: 8000, values: vec![1, 2] }));
        sink.hear(8000, &[3, 4, 5]);
        assert!(!sink.recorded().unwrap().is_full());
        assert_eq!(sink.take_recorded().unwrap().values, [3, 4, 5]);
        assert_eq!(sink.take_recorded().unwrap().values, []);
        assert_eq!(Sink::Nothing.take_recorded(), None);
    }

    #[test]
    fn all_sinks_hear_the_same() {
        let mut sink = Sink::Several(vec![Sink::meter(&[440]), Sink::recording(HOUR)]);
        sink.hear(8000, &[1000; 1600]);
        assert_eq!(sink.poll_change(), Some(Sound::Other));
        assert_eq!(sink.poll_change(), None);
        assert_eq!(sink.recorded().unwrap().samples().values.len(), 1600);
    }
}
