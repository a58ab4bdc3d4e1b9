//! What a phone hears: the files it records into, watched while it talks.

use std::collections::{BTreeMap, VecDeque};
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
        expect(&[(self, Sound::Tones(vec![frequency]))]);
    }

    /// The same for several tones at once, in the order of [`TONES`](crate::tone::TONES).
    #[track_caller]
    pub fn expect_tones(&self, frequencies: &[u16]) {
        expect(&[(self, Sound::Tones(frequencies.to_vec()))]);
    }

    /// Waits until half a second that came after this call is not silent, such as music.
    #[track_caller]
    pub fn expect_sound(&self) {
        let (mut known, mut heard) = (Known::new(), Vec::new());
        self.beyond(&mut known);
        wait_for(&format!("that {} hears something", self.phone), STEP, || {
            let samples = self.beyond(&mut known)?;
            heard.extend(samples.values);
            let window = (u128::from(samples.rate) * WINDOW.as_millis() / 1000) as usize;
            let last = heard.len().checked_sub(window)?;
            (sound(&heard[last..], samples.rate) != Sound::Silence).then_some(())
        });
    }

    /// Waits until for half a second nothing is recorded, or only silence.
    #[track_caller]
    pub fn expect_silence(&self) {
        expect(&[(self, Sound::Silence)]);
    }

    /// What was recorded beyond what is `known`, which it becomes. A file that became shorter was begun anew.
    fn beyond(&self, known: &mut Known) -> Option<Samples> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(self.suffix))
            .collect();
        files.sort();
        let read = |path: PathBuf| {
            let from = known.get(&path).copied().unwrap_or_default();
            let (samples, all) = wav::read_beyond(&path, from)?;
            known.insert(path, all);
            Some(samples)
        };
        files.into_iter().filter_map(read).reduce(|mut all, next| {
            assert_eq!(all.rate, next.rate, "{} records at two rates", self.phone);
            all.values.extend(next.values);
            all
        })
    }

    /// Everything heard so far, for a person to read.
    fn timeline(&self) -> String {
        self.beyond(&mut Known::new()).map(|samples| timeline(&samples)).unwrap_or_default()
    }
}

/// Waits until half a second of what each of these hears is what is said beside it, from now on and at the same time.
#[track_caller]
pub fn expect(wanted: &[(&Recording, Sound)]) {
    let mut ears: Vec<_> = wanted.iter().map(|(recording, wanted)| Ear::new(recording, wanted)).collect();
    let names: Vec<_> =
        wanted.iter().map(|(recording, wanted)| format!("{} {wanted:?}", recording.phone)).collect();
    let _explain = Explain(&wanted.iter().map(|(recording, _)| *recording).collect::<Vec<_>>());
    wait_for(&format!("what is to be heard: {}", names.join(", ")), STEP, || {
        ears.retain_mut(|ear| !ear.is_content());
        ears.is_empty().then_some(())
    });
}

/// Adds what was recorded to a failure.
struct Explain<'a>(&'a [&'a Recording]);

impl Drop for Explain<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for recording in self.0 {
                eprintln!("{} heard, four signs a second: {}", recording.phone, recording.timeline());
            }
        }
    }
}

/// What has come into a recording since somebody began to listen, as far as it is not too old to matter.
struct Ear<'a> {
    recording: &'a Recording,
    wanted: &'a Sound,
    began: Instant,
    known: Known,
    rate: u32,
    heard: VecDeque<(Instant, Vec<i16>)>,
}

impl<'a> Ear<'a> {
    fn new(recording: &'a Recording, wanted: &'a Sound) -> Self {
        let mut known = Known::new();
        recording.beyond(&mut known);
        Self { recording, wanted, began: Instant::now(), known, rate: 0, heard: VecDeque::new() }
    }

    /// Listens, and says whether the last half second was what is wanted.
    fn is_content(&mut self) -> bool {
        let now = Instant::now();
        if let Some(samples) = self.recording.beyond(&mut self.known) {
            self.rate = samples.rate;
            self.heard.push_back((now, samples.values));
        }
        if *self.wanted == Sound::Silence {
            self.heard.retain(|(came, _)| now.duration_since(*came) < WINDOW);
            return self.began.elapsed() >= WINDOW && sound(&self.all(), self.rate) == Sound::Silence;
        }
        let window = (u128::from(self.rate) * WINDOW.as_millis() / 1000) as usize;
        let mut length: usize = self.heard.iter().map(|(_, values)| values.len()).sum();
        while let Some((_, oldest)) = self.heard.front()
            && length - oldest.len() >= window
        {
            length -= oldest.len();
            self.heard.pop_front();
        }
        let all = self.all();
        window > 0 && length >= window && sound(&all[length - window..], self.rate) == *self.wanted
    }

    fn all(&self) -> Vec<i16> {
        self.heard.iter().flat_map(|(_, values)| values).copied().collect()
    }
}
