//! What is heard in calls, as it is told.

use cordboard_media::Event as SoundEvent;
use cordboard_media::meter::Sound;

use super::calls::{Calls, Stage};
use super::report::{Mood, Report};

/// What the sound of a call told; `None` for what nobody asked for.
pub(super) fn of_sound(number: u32, event: &SoundEvent) -> Option<Report> {
    Some(match event {
        SoundEvent::Digit { digit, duration } => Report::of_call(
            number,
            "digit",
            Mood::Plain,
            format!("the other side pressed {}", digit.as_char()),
        )
        .with("digit", digit.as_char().to_string())
        .with("duration_ms", u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        .with("by", "sound"),
        SoundEvent::Hears(sound) => {
            let report = Report::of_call(number, "hears", Mood::Plain, format!("hears {}", heard(sound)));
            sounding(report, sound)
        }
        SoundEvent::Played => {
            Report::of_call(number, "played", Mood::Plain, "the file was played to its end")
        }
        SoundEvent::Source { .. }
        | SoundEvent::Left { .. }
        | SoundEvent::Report { .. }
        | SoundEvent::Renamed { .. } => return None,
    })
}

fn sounding(report: Report, sound: &Sound) -> Report {
    let (word, tones) = match sound {
        Sound::Silence => ("silence", &[][..]),
        Sound::Tones(tones) => ("tones", &tones[..]),
        Sound::Other => ("other", &[][..]),
    };
    report.with("sound", word).with("tones", tones)
}

fn heard(sound: &Sound) -> String {
    match sound {
        Sound::Silence => "silence".to_owned(),
        Sound::Tones(tones) => {
            let tones: Vec<String> = tones.iter().map(u16::to_string).collect();
            format!("{} Hz", tones.join(" and "))
        }
        Sound::Other => "something that is no tone".to_owned(),
    }
}

/// What is heard now in each call that is up.
pub(super) fn of_hearing(calls: &Calls) -> Vec<Report> {
    let mut reports: Vec<Report> = calls
        .iter()
        .filter(|(_, call)| call.stage == Stage::Up)
        .map(|(number, call)| {
            let says = format!("hears {}", heard(&call.hears));
            sounding(Report::of_call(number, "heard", Mood::Plain, says), &call.hears)
        })
        .collect();
    if reports.is_empty() {
        reports.push(Report::new("heard", Mood::Plain, "there is no call in which to hear anything".into()));
    }
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_compared_as_people_write_them() {
        let hears = |sound| of_sound(1, &SoundEvent::Hears(sound)).unwrap();
        assert_eq!(hears(Sound::Tones(vec![440, 660])).field("tones").as_deref(), Some("440+660"));
        assert_eq!(hears(Sound::Silence).field("tones").as_deref(), Some(""));
        assert_eq!(hears(Sound::Other).field("sound").as_deref(), Some("other"));
    }
}
