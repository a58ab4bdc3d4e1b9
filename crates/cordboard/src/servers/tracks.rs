//! What servers play: files, and the sounds that we bring along (`assets/sounds`, which `make.py` makes).

use cordboard_media::session::RATE;
use cordboard_media::source::{Source, Tone};
use cordboard_media::wav::Samples;
use std::sync::Arc;
use std::time::Duration;

use super::ServerError;
use crate::config::servers::{Sound, Track};

const MUSIC: &[u8] = include_bytes!("../../../../assets/sounds/music.wav");
const SCREENED_IN: &[u8] = include_bytes!("../../../../assets/sounds/screened-in.wav");
const SCREENED_OUT: &[u8] = include_bytes!("../../../../assets/sounds/screened-out.wav");

/// Sounds one after the other, at the rate of sessions. `server` is whose they are.
pub(super) fn samples(server: &str, tracks: &[Track]) -> Result<Arc<Samples>, ServerError> {
    let mut all = Samples { rate: RATE, values: Vec::new() };
    for track in tracks {
        let failed = |path: &str, says: String| ServerError::Track {
            name: server.into(),
            path: path.to_owned(),
            says,
        };
        let (name, wav) = match track {
            Track::BuiltIn(sound) => ("a sound of ours".to_owned(), built_in(*sound).to_vec()),
            Track::File(path) => {
                let name = path.display().to_string();
                let wav = std::fs::read(path).map_err(|error| failed(&name, error.to_string()))?;
                (name, wav)
            }
        };
        let samples = Samples::read(&wav).map_err(|error| failed(&name, error.to_string()))?;
        all.values.append(&mut samples.resampled(RATE).values);
    }
    Ok(Arc::new(all))
}

/// What says that something is done: a tone.
pub(super) fn done() -> Arc<Samples> {
    let mut values = vec![0; RATE as usize];
    Source::tone(Tone { frequency: 1000, level: -15.0 }).fill(RATE, &mut values);
    Arc::new(Samples { rate: RATE, values })
}

/// How long they play.
pub(super) fn length(samples: &Samples) -> Duration {
    Duration::from_millis(samples.values.len() as u64 * 1000 / u64::from(RATE))
}

const fn built_in(sound: Sound) -> &'static [u8] {
    match sound {
        Sound::Music => MUSIC,
        Sound::ScreenedIn => SCREENED_IN,
        Sound::ScreenedOut => SCREENED_OUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_bring_along_can_be_played_and_is_short() {
        for sound in [Sound::Music, Sound::ScreenedIn, Sound::ScreenedOut] {
            let wav = built_in(sound);
            assert_eq!(Samples::read(wav).unwrap().rate, RATE, "{sound:?}: nothing is to be resampled");
            let samples = samples("test", &[Track::BuiltIn(sound)]).unwrap();
            let seconds = length(&samples).as_secs();
            assert!((3..15).contains(&seconds), "{sound:?} {seconds}");
        }
    }

    #[test]
    fn files_follow_each_other_at_our_rate() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, rate: u32, value: i16| {
            let samples = Samples { rate, values: vec![value; rate as usize] };
            let path = folder.path().join(name);
            std::fs::write(&path, samples.write().unwrap()).unwrap();
            Track::File(path)
        };
        let list = [file("one.wav", 8000, 100), file("two.wav", 16_000, 200)];
        let all = samples("test", &list).unwrap();
        assert_eq!(length(&all), Duration::from_secs(2));
        assert_eq!((all.values[4000], all.values[12_000]), (100, 200));
        let missing = samples("test", &[Track::File(folder.path().join("three.wav"))]);
        assert!(missing.unwrap_err().to_string().contains("three.wav"));
    }
}
