//! Recordings: what is heard in a call, written while it is heard, so that a file is whole at any moment.

use cordboard_media::{session, wav};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Samples that one file holds: a day, far less than its format can.
const MAX_SAMPLES: u32 = 24 * 3600 * session::RATE;

/// The recordings of one telephone, a file a call.
pub(super) struct Recorder {
    path: PathBuf,
    files: BTreeMap<u32, (File, u32)>,
}

impl Recorder {
    /// Records call 1 into `path`, and call N into the same with `-N` in its name.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, files: BTreeMap::new() }
    }

    /// Adds what was heard in a call.
    pub(super) fn add(&mut self, call: u32, samples: &[i16]) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        if !self.files.contains_key(&call) {
            let mut file = File::create(name(&self.path, call))?;
            file.write_all(&wav::header(session::RATE, 0))?;
            self.files.insert(call, (file, 0));
        }
        let Some((file, written)) = self.files.get_mut(&call) else { return Ok(()) };
        let room = (MAX_SAMPLES - *written) as usize;
        let samples = &samples[..samples.len().min(room)];
        let octets: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all(&octets)?;
        *written += samples.len() as u32;
        // The header last: it never promises what is not there.
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&wav::header(session::RATE, *written))?;
        file.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Closes the file of a call that is over; where it is, and how many seconds are in it.
    pub(super) fn close(&mut self, call: u32) -> Option<(PathBuf, f64)> {
        let (_, written) = self.files.remove(&call)?;
        Some((name(&self.path, call), f64::from(written) / f64::from(session::RATE)))
    }
}

fn name(path: &Path, call: u32) -> PathBuf {
    if call == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{call}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{call}"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_media::wav::Samples;

    #[test]
    fn a_recording_is_whole_after_each_piece() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heard.wav");
        let mut recorder = Recorder::new(path.clone());
        recorder.add(1, &[1, 2]).unwrap();
        recorder.add(2, &[9]).unwrap();
        recorder.add(1, &[-3]).unwrap();
        let read = |path: &Path| Samples::read(&std::fs::read(path).unwrap()).unwrap().values;
        assert_eq!(read(&path), [1, 2, -3]);
        assert_eq!(read(&folder.path().join("heard-2.wav")), [9]);
        assert_eq!(recorder.close(1), Some((path, 3.0 / 8000.0)));
        assert_eq!(recorder.close(1), None);
    }

    #[test]
    fn calls_have_files_of_their_own() {
        let names = [1, 2, 12].map(|call| name(Path::new("a/b.wav"), call));
        assert_eq!(names, ["a/b.wav", "a/b-2.wav", "a/b-12.wav"].map(PathBuf::from));
        assert_eq!(name(Path::new("b"), 3), Path::new("b-3"));
    }
}
