//! What people and scripts say to a telephone, a line at a time.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::nearest;

/// How long `wait` waits if nothing is said.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The longest line that is read.
pub(super) const MAX_LINE: usize = 8192;

/// One line, understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verb {
    Register,
    Unregister,
    Dial(String),
    Early(Option<u32>),
    Answer(Option<u32>),
    Decline(Option<u32>, Option<u16>),
    Hold(Option<u32>),
    Resume(Option<u32>),
    Transfer(Option<u32>, String),
    Consult(Option<u32>, String),
    Complete,
    Link(Option<u32>, String),
    Move(Option<u32>, String),
    Bridge,
    Message(String, String),
    /// A link, or the text with one in it that came last.
    Follow(Option<String>),
    Dtmf(String),
    HangUp(Option<u32>),
    Calls,
    Wait(Wanted),
    Sleep(Duration),
    Play(PathBuf),
    Tone(u16),
    Quiet,
    Record(PathBuf),
    Heard,
    Help,
    Quit,
}

/// What `wait` waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// The event's name.
    pub(super) event: String,
    /// What its fields must be.
    pub(super) fields: Vec<(String, String)>,
    pub(super) patience: Duration,
}

/// Every verb, what follows it, and what it does: the help, and what is suggested for a wrong word.
pub(super) const VERBS: [(&str, &str, &str); 28] = [
    ("register", "", "be reachable under your address"),
    ("unregister", "", "be it no longer"),
    ("dial", "WHOM", "call somebody: a name, a number or a whole address"),
    ("early", "[N]", "let the caller hear you before you answer call N"),
    ("answer", "[N]", "answer call N, or make the call that somebody asks for"),
    ("decline", "[N] [STATUS]", "turn it down, with 603 or another status such as 486 (busy)"),
    ("hold", "[N]", "put the other side on hold"),
    ("resume", "[N]", "take it off hold"),
    ("transfer", "[N] WHOM", "hand the other side of call N over to somebody"),
    ("consult", "[N] WHOM", "hold call N and ask somebody first"),
    ("complete", "", "hand the held call over to whom you asked"),
    ("bridge", "", "do the same for those who cannot be handed over: you stay between them"),
    ("link", "[N] WHOM", "hand call N over by sending somebody a link that takes it over"),
    ("move", "[N] WHOM", "ask another telephone, such as your other one, to take call N over"),
    ("message", "WHOM TEXT", "send somebody an instant message"),
    ("follow", "[LINK]", "call what a link names, or the link in the last message"),
    ("dtmf", "DIGITS", "press digits: 0 to 9, *, #, A to D"),
    ("hangup", "[N]", "end a call"),
    ("calls", "", "list the calls"),
    ("wait", "EVENT [FIELD=VALUE]... [SECONDS]", "wait until something happens, such as `wait established`"),
    ("sleep", "SECONDS", "do nothing for so long"),
    ("play", "FILE", "play a WAV file once in every call"),
    ("tone", "HZ", "play a tone in every call"),
    ("quiet", "", "play nothing"),
    ("record", "FILE", "record what is heard into a WAV file"),
    ("heard", "", "say which tones are heard now"),
    ("help", "", "say this"),
    ("quit", "", "hang up, unregister and end"),
];

/// A line, and whether it is to go on in the background.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) verb: Verb,
    /// It ended in `&`: nobody waits until it is done, and its failure is not the script's.
    pub(super) in_background: bool,
}

impl Line {
    /// Reads a line; `None` if there is nothing in it but a comment.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.len() > MAX_LINE {
            return Err(format!("the line is longer than {MAX_LINE} characters; try a shorter one"));
        }
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let (text, in_background) = match text.strip_suffix('&') {
            Some(rest) => (rest.trim_end(), true),
            None => (text, false),
        };
        Ok(Some(Self { verb: verb(text)?, in_background }))
    }
}

fn verb(text: &str) -> Result<Verb, String> {
    let (word, rest) =
        text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
    let Some((name, usage, _)) = VERBS.iter().find(|(name, _, _)| word.eq_ignore_ascii_case(name)) else {
        return Err(unknown(word));
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    understood(name, rest, &words).ok_or_else(|| {
        format!("`{text}` cannot be understood; try `{}`", format!("{name} {usage}").trim_end())
    })
}

fn unknown(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let names = VERBS.map(|(name, _, _)| name);
    let longer = names.into_iter().find(|name| lower.len() > 1 && name.starts_with(&lower));
    match longer.or_else(|| nearest(&lower, &names)) {
        Some(name) => format!("there is no `{word}`; try `{name}`, or `help` for all there is"),
        None => format!("there is no `{word}`; try `help` for all there is"),
    }
}

/// The verb called `name` with what follows it.
fn understood(name: &str, rest: &str, words: &[&str]) -> Option<Verb> {
    let verb = match name {
        "register" => alone(words, Verb::Register)?,
        "unregister" => alone(words, Verb::Unregister)?,
        "complete" => alone(words, Verb::Complete)?,
        "calls" => alone(words, Verb::Calls)?,
        "heard" => alone(words, Verb::Heard)?,
        "quiet" => alone(words, Verb::Quiet)?,
        "help" => Verb::Help,
        "quit" => alone(words, Verb::Quit)?,
        "dial" => match words {
            [whom] => Verb::Dial((*whom).to_owned()),
            _ => return None,
        },
        "early" => in_call(words, Verb::Early)?,
        "answer" => in_call(words, Verb::Answer)?,
        "hold" => in_call(words, Verb::Hold)?,
        "resume" => in_call(words, Verb::Resume)?,
        "hangup" => in_call(words, Verb::HangUp)?,
        "decline" => decline(words)?,
        "transfer" => {
            let (number, whom) = number_and_whom(words)?;
            Verb::Transfer(number, whom)
        }
        "consult" => {
            let (number, whom) = number_and_whom(words)?;
            Verb::Consult(number, whom)
        }
        "link" => {
            let (number, whom) = number_and_whom(words)?;
            Verb::Link(number, whom)
        }
        "move" => {
            let (number, whom) = number_and_whom(words)?;
            Verb::Move(number, whom)
        }
        "bridge" => alone(words, Verb::Bridge)?,
        "message" => {
            let (whom, text) = rest.split_once(char::is_whitespace)?;
            Verb::Message(whom.to_owned(), text.trim().to_owned())
        }
        "follow" => Verb::Follow((!rest.is_empty()).then(|| rest.to_owned())),
        "dtmf" => {
            let digits: String = words.concat();
            let known = |digit: char| cordboard_media::Digit::from_char(digit).is_some();
            if digits.is_empty() || !digits.chars().all(known) {
                return None;
            }
            Verb::Dtmf(digits)
        }
        "wait" => Verb::Wait(wanted(words)?),
        "sleep" => match words {
            [seconds] => Verb::Sleep(time(seconds)?),
            _ => return None,
        },
        "play" => Verb::Play(path(rest)?),
        "record" => Verb::Record(path(rest)?),
        "tone" => match words {
            [frequency] => Verb::Tone(frequency.parse().ok()?),
            _ => return None,
        },
        _ => return None,
    };
    Some(verb)
}

fn alone(words: &[&str], verb: Verb) -> Option<Verb> {
    words.is_empty().then_some(verb)
}

/// Nothing, or the number of a call.
fn in_call(words: &[&str], verb: impl FnOnce(Option<u32>) -> Verb) -> Option<Verb> {
    match words {
        [] => Some(verb(None)),
        [number] => number.parse().ok().map(|number| verb(Some(number))),
        _ => None,
    }
}

fn number_and_whom(words: &[&str]) -> Option<(Option<u32>, String)> {
    match words {
        [whom] => Some((None, (*whom).to_owned())),
        [number, whom] => Some((Some(number.parse().ok()?), (*whom).to_owned())),
        _ => None,
    }
}

/// A single number from 300 on is a status: nobody has so many calls.
fn decline(words: &[&str]) -> Option<Verb> {
    let numbers: Vec<u16> = words.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let is_status = |number: u16| (300..700).contains(&number);
    match numbers[..] {
        [] => Some(Verb::Decline(None, None)),
        [status] if is_status(status) => Some(Verb::Decline(None, Some(status))),
        [number] => Some(Verb::Decline(Some(number.into()), None)),
        [number, status] if is_status(status) => Some(Verb::Decline(Some(number.into()), Some(status))),
        _ => None,
    }
}

fn wanted(words: &[&str]) -> Option<Wanted> {
    let (event, mut rest) = words.split_first()?;
    let mut patience = PATIENCE;
    if let Some((last, before)) = rest.split_last()
        && !last.contains('=')
    {
        patience = time(last)?;
        rest = before;
    }
    let field = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let fields = rest.iter().map(field).collect::<Option<_>>()?;
    Some(Wanted { event: (*event).to_owned(), fields, patience })
}

/// Seconds, up to a day.
fn time(text: &str) -> Option<Duration> {
    const DAY: f64 = 86_400.0;
    let seconds: f64 = text.parse().ok()?;
    (0.0..=DAY).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn path(rest: &str) -> Option<PathBuf> {
    let path = rest.trim_matches('"');
    (!path.is_empty()).then(|| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Verb {
        Line::parse(text).unwrap().unwrap().verb
    }

    #[test]
    fn every_verb_of_the_help_is_understood() {
        for (name, usage, says) in VERBS {
            let example = usage
                .split_whitespace()
                .filter(|word| !word.starts_with('['))
                .map(|word| match word {
                    "WHOM" => "bob",
                    "TEXT" => "hello there",
                    "DIGITS" => "12#",
                    "SECONDS" => "1.5",
                    "HZ" => "440",
                    "EVENT" => "established",
                    "FILE" => "a file.wav",
                    other => panic!("{name}: what is {other}?"),
                })
                .collect::<Vec<_>>()
                .join(" ");
            let line = format!("{name} {example}");
            assert!(matches!(Line::parse(&line), Ok(Some(_))), "{line}");
            assert!(!says.is_empty() && !says.ends_with('.'));
        }
    }

    #[test]
    fn numbers_and_addresses_are_told_apart() {
        assert_eq!(parse("transfer 1001"), Verb::Transfer(None, "1001".into()));
        assert_eq!(parse("TRANSFER 2 sip:b@h"), Verb::Transfer(Some(2), "sip:b@h".into()));
        assert_eq!(parse("decline 486"), Verb::Decline(None, Some(486)));
        assert_eq!(parse("decline 3"), Verb::Decline(Some(3), None));
        assert_eq!(parse("decline 3 600"), Verb::Decline(Some(3), Some(600)));
        assert_eq!(parse("hold"), Verb::Hold(None));
        assert_eq!(parse("message bob  two words"), Verb::Message("bob".into(), "two words".into()));
        assert_eq!(parse("follow"), Verb::Follow(None));
        assert_eq!(parse("dtmf 12 34#"), Verb::Dtmf("1234#".into()));
    }

    #[test]
    fn what_is_waited_for_may_be_described() {
        let Verb::Wait(wanted) = parse("wait hears tones=440+660 call=1 2.5") else { panic!("wait") };
        assert_eq!(wanted.event, "hears");
        assert_eq!(wanted.fields, [("tones".into(), "440+660".into()), ("call".into(), "1".into())]);
        assert_eq!(wanted.patience, Duration::from_millis(2500));
        let Verb::Wait(wanted) = parse("wait established") else { panic!("wait") };
        assert_eq!((wanted.fields.len(), wanted.patience), (0, PATIENCE));
    }

    #[test]
    fn comments_and_backgrounds() {
        assert_eq!(Line::parse("  # nothing"), Ok(None));
        assert_eq!(Line::parse(""), Ok(None));
        let line = Line::parse("transfer carol &").unwrap().unwrap();
        assert_eq!((line.verb, line.in_background), (Verb::Transfer(None, "carol".into()), true));
    }

    #[test]
    fn what_cannot_be_understood_is_explained() {
        for (line, tries) in [
            ("dail bob", "`dial`"),
            ("trans bob", "`transfer`"),
            ("dial", "`dial WHOM`"),
            ("dial bob carol", "`dial WHOM`"),
            ("hold one", "`hold [N]`"),
            ("decline 200 200", "`decline [N] [STATUS]`"),
            ("dtmf 12x", "`dtmf DIGITS`"),
            ("dtmf", "`dtmf DIGITS`"),
            ("sleep forever", "`sleep SECONDS`"),
            ("sleep -1", "`sleep SECONDS`"),
            ("sleep nan", "`sleep SECONDS`"),
            ("wait", "`wait EVENT"),
            ("wait established soon", "`wait EVENT"),
            ("tone loud", "`tone HZ`"),
            ("play", "`play FILE`"),
            ("quit now", "`quit`"),
            ("\u{1f4de}", "`help`"),
        ] {
            let says = Line::parse(line).unwrap_err();
            assert!(says.contains("try") && says.contains(tries), "{line}: {says}");
        }
        assert!(Line::parse(&"x".repeat(MAX_LINE + 1)).is_err());
    }
}
