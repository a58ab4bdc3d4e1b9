//! WAV files: written as a phone's microphone, and read while a phone is still recording.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Samples a second of the tone files; what G.711 carries.
const RATE: u32 = 8000;

/// Bytes before the sound in the simplest file.
const HEADER: usize = 44;

/// The sound begins within so many bytes in the files of every recorder here.
const LONGEST_HEADER: u64 = 4096;

/// How loud the tone is, of 32767.
const AMPLITUDE: f64 = 8000.0;

/// Writes a tone of `frequency` Hz that lasts `seconds`, 16 bit, one channel, 8 kHz.
pub fn write_tone(path: &Path, frequency: u16, seconds: u32) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let bytes = RATE * seconds * 2;
    file.write_all(b"RIFF")?;
    file.write_all(&(36 + bytes).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16_u32.to_le_bytes())?;
    for field in [1_u16, 1] {
        file.write_all(&field.to_le_bytes())?;
    }
    file.write_all(&RATE.to_le_bytes())?;
    file.write_all(&(RATE * 2).to_le_bytes())?;
    for field in [2_u16, 16] {
        file.write_all(&field.to_le_bytes())?;
    }
    file.write_all(b"data")?;
    file.write_all(&bytes.to_le_bytes())?;
    for sample in 0..RATE * seconds {
        let phase = TAU * f64::from(frequency) * f64::from(sample) / f64::from(RATE);
        let value = (AMPLITUDE * phase.sin()) as i16;
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()
}

/// What stands before the sound in a file that is still recorded into: nothing yet, as linphone has it.
pub(crate) const fn blank_header() -> [u8; HEADER] {
    [0; HEADER]
}

/// The samples of a recording, first channel only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Samples a second.
    pub rate: u32,
    /// Signed 16 bit values.
    pub values: Vec<i16>,
}

/// How the samples lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format {
    /// Bytes before the sound.
    begins: usize,
    channels: usize,
    rate: u32,
}

/// Reads what a recorder has written beyond the first `known` samples, or `None` if that is not even a header yet. A file
/// that has fewer was begun anew, and is read from its beginning. Gives how many samples there are in all, too.
///
/// The lengths in the header are not believed: recorders fill them in when they close the file. linphone leaves the whole
/// header empty until then; with the codecs the rig allows, what follows is G.711's one channel at 8 kHz.
pub fn read_beyond(path: &Path, known: usize) -> Option<(Samples, usize)> {
    let mut file = File::open(path).ok()?;
    let mut head = Vec::new();
    (&mut file).take(LONGEST_HEADER).read_to_end(&mut head).ok()?;
    let format = format(&head)?;
    let frame = 2 * format.channels;
    let there = file.metadata().ok()?.len() as usize;
    let frames = there.saturating_sub(format.begins) / frame;
    let from = if known > frames { 0 } else { known };
    file.seek(SeekFrom::Start((format.begins + from * frame) as u64)).ok()?;
    let mut bytes = Vec::new();
    file.take(((frames - from) * frame) as u64).read_to_end(&mut bytes).ok()?;
    let values = first_channel(&bytes, format.channels);
    let all = from + values.len();
    Some((Samples { rate: format.rate, values }, all))
}

fn format(bytes: &[u8]) -> Option<Format> {
    if bytes.get(..HEADER)? == blank_header() {
        return Some(Format { begins: HEADER, channels: 1, rate: RATE });
    }
    let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut format = None;
    loop {
        let (name, length) = (rest.get(..4)?, rest.get(4..8)?);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let body = &rest[8..];
        match name {
            b"fmt " => {
                let channels = u16::from_le_bytes(body.get(2..4)?.try_into().ok()?);
                let rate = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
                format = Some((usize::from(channels.max(1)), rate));
            }
            b"data" => {
                let (channels, rate) = format?;
                return Some(Format { begins: bytes.len() - body.len(), channels, rate });
            }
            _ => {}
        }
        rest = body.get(length..)?;
    }
}

fn first_channel(bytes: &[u8], channels: usize) -> Vec<i16> {
    let frames = bytes.chunks_exact(2 * channels);
    frames.map(|frame| i16::from_le_bytes([frame[0], frame[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("cordboard-{name}-{}.wav", std::process::id()))
    }

    #[test]
    fn a_tone_is_read_as_written() {
        let path = file("tone");
        write_tone(&path, 440, 1).unwrap();
        let (samples, all) = read_beyond(&path, 0).unwrap();
        let (rest, still) = read_beyond(&path, 7900).unwrap();
        let (anew, _) = read_beyond(&path, 8001).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((samples.rate, samples.values.len(), all), (8000, 8000, 8000));
        assert_eq!(samples.values.iter().max(), Some(&8000));
        assert_eq!((&rest.values[..], still), (&samples.values[7900..], 8000));
        assert_eq!(anew, samples, "a shorter file was begun anew");
    }

    #[test]
    fn an_unfinished_file_is_read_to_its_end() {
        let path = file("unfinished");
        let read = |bytes: &[u8], known| {
            std::fs::write(&path, bytes).unwrap();
            read_beyond(&path, known).map(|(samples, _)| (samples.rate, samples.values))
        };
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        bytes.extend([1, 0, 2, 0, 0x80, 0xBB, 0, 0, 0, 0, 0, 0, 4, 0, 16, 0]);
        assert_eq!(read(&bytes, 0), None);
        assert_eq!(read(&[&[0; HEADER][..], &[5, 0, 6]].concat(), 0), Some((8000, vec![5])));
        // Two channels, two frames and a half, and a length still 0.
        bytes.extend(b"data\0\0\0\0\x01\0\x09\0\x02\0\x09\0\x03\0");
        assert_eq!(read(&bytes, 0), Some((48000, vec![1, 2])));
        assert_eq!(read(&bytes, 1), Some((48000, vec![2])));
        std::fs::remove_file(&path).unwrap();
    }
}
