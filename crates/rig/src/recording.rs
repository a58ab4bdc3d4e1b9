//! What a phone hears: the files it records into, watched while it talks.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::deadline::{STEP, wait_for};
use crate::tone::{Sound, sound, timeline};
use crate::wav::{self, Samples};

/// Length of sound that proves a tone, and of observation that proves silence.
const WINDOW: Duration = Duration::from_millis(500);

/// The recordings of one phone: one file, or several in the order of their names.
#[derive(Clone, Debug)]
pub struct Recording {
    phone: String,
    directory: PathBuf,
    suffix: &'static str,
}

/// How many samples of each file are already known.
type Known = BTreeMap<PathBuf, usize>;

impl Recording {
    /// The files in `directory` whose names end in `suffix`, recorded by `phone`.
    pub fn new(phone: &str, directory: PathBuf, suffix: &'static str) -> Self {
        Self { phone: phone.to_owned(), directory, suffix }
    }

    /// Waits until half a second of sound that came after this call is the tone of `frequency` Hz and nothing else.
    #[track_caller]
    pub fn expect_tone(&self, frequency: u16) {
        let mut known = self.known();
        let what = format!("{} to hear {frequency} Hz", self.phone);
        self.explaining(|| {
            wait_for(&what, STEP, || {
                let heard = self.beyond(&known)?;
                if heard.length() < WINDOW {
                    return None;
                }
                known = self.known();
                (sound(&heard.values, heard.rate) == Sound::Tone(frequency)).then_some(())
            });
        });
    }

    /// Waits until for half a second nothing is recorded, or only silence.
    #[track_caller]
    pub fn expect_silence(&self) {
        let mut known = self.known();
        let mut began = Instant::now();
        let what = format!("{} to hear nothing", self.phone);
        self.explaining(|| {
            wait_for(&what, STEP, || {
                if began.elapsed() < WINDOW {
                    return None;
                }
                let heard = self.beyond(&known);
                known = self.known();
                began = Instant::now();
                heard.is_none_or(|heard| sound(&heard.values, heard.rate) == Sound::Silence).then_some(())
            });
        });
    }

    /// Everything heard so far, oldest first.
    pub fn samples(&self) -> Option<Samples> {
        self.beyond(&Known::new())
    }

    fn known(&self) -> Known {
        self.files().into_iter().map(|(path, samples)| (path, samples.values.len())).collect()
    }

    /// What was heard beyond what is `known`. A file that became shorter was begun anew.
    fn beyond(&self, known: &Known) -> Option<Samples> {
        let rest = |(path, mut samples): (PathBuf, Samples)| {
            let from = known.get(&path).copied().unwrap_or_default();
            let from = if from > samples.values.len() { 0 } else { from };
            samples.values.drain(..from);
            samples
        };
        self.files().into_iter().map(rest).reduce(|mut all, next| {
            assert_eq!(all.rate, next.rate, "{} records at two rates", self.phone);
            all.values.extend(next.values);
            all
        })
    }

    fn files(&self) -> BTreeMap<PathBuf, Samples> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(self.suffix))
            .filter_map(|path| Some((path.clone(), wav::read(&path)?)))
            .collect()
    }

    /// Adds what was recorded to a failure.
    fn explaining(&self, expectation: impl FnOnce()) {
        struct Explain<'a>(&'a Recording);
        impl Drop for Explain<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    let heard = self.0.samples().map(|samples| timeline(&samples));
                    eprintln!("{} heard, four signs a second: {}", self.0.phone, heard.unwrap_or_default());
                }
            }
        }
        let _explain = Explain(self);
        expectation();
    }
}
