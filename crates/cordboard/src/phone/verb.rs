//! What people and scripts say to a telephone, a line at a time.

use cordboard_service::watch::Package;
use std::path::PathBuf;
use std::time::Duration;

use super::vocabulary::{unknown, words};

/// How long `wait` waits if nothing is said.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What `refuse` says if nothing is said.
const BUSY: u16 = 486;

/// For how long, and how often, `redial` tries if nothing is said.
const WAITS: Duration = Duration::from_mins(10);
const TRIES: u8 = 3;

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
    /// Who is to call, and whom.
    Click(String, String),
    Dtmf(String),
    Info(String),
    Identify(Option<u32>, String),
    /// Refuse calls with this status.
    Refuse(u16),
    Accept,
    Bindings,
    Music(Option<u32>, String),
    Park(Option<u32>, String),
    TakeBack(Option<u32>),
    Retrieve(String),
    PickUp(String),
    /// Whom, for how long, and how often.
    Redial(String, Duration, u8),
    Host(Option<u32>),
    CallIn(String),
    Confer(Option<u32>),
    /// Who has the call, and the dialog if it is not one that is watched.
    Join(String, Option<String>),
    Watch(String, Package),
    Roster(Option<u32>),
    Unwatch(Option<u32>),
    Options(String),
    Abilities(Option<u32>),
    Dialog(Option<u32>),
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
    let Some((name, usage, _)) = words().find(|(name, _, _)| word.eq_ignore_ascii_case(name)) else {
        return Err(unknown(word));
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    understood(name, rest, &words).ok_or_else(|| {
        format!("`{text}` cannot be understood; try `{}`", format!("{name} {usage}").trim_end())
    })
}

/// The verb called `name` with what follows it.
fn understood(name: &str, rest: &str, words: &[&str]) -> Option<Verb> {
    match name {
        "register" => alone(words, Verb::Register),
        "unregister" => alone(words, Verb::Unregister),
        "bindings" => alone(words, Verb::Bindings),
        "accept" => alone(words, Verb::Accept),
        "complete" => alone(words, Verb::Complete),
        "bridge" => alone(words, Verb::Bridge),
        "calls" => alone(words, Verb::Calls),
        "heard" => alone(words, Verb::Heard),
        "quiet" => alone(words, Verb::Quiet),
        "quit" => alone(words, Verb::Quit),
        "help" => Some(Verb::Help),
        "early" => in_call(words, Verb::Early),
        "answer" => in_call(words, Verb::Answer),
        "hold" => in_call(words, Verb::Hold),
        "resume" => in_call(words, Verb::Resume),
        "take-back" => in_call(words, Verb::TakeBack),
        "host" => in_call(words, Verb::Host),
        "confer" => in_call(words, Verb::Confer),
        "roster" => in_call(words, Verb::Roster),
        "unwatch" => in_call(words, Verb::Unwatch),
        "abilities" => in_call(words, Verb::Abilities),
        "dialog" => in_call(words, Verb::Dialog),
        "hangup" => in_call(words, Verb::HangUp),
        "dial" => whom(words, Verb::Dial),
        "retrieve" => whom(words, Verb::Retrieve),
        "pickup" => whom(words, Verb::PickUp),
        "call-in" => whom(words, Verb::CallIn),
        "options" => whom(words, Verb::Options),
        "transfer" => number_and_whom(words, Verb::Transfer),
        "consult" => number_and_whom(words, Verb::Consult),
        "link" => number_and_whom(words, Verb::Link),
        "move" => number_and_whom(words, Verb::Move),
        "park" => number_and_whom(words, Verb::Park),
        "music" => number_and_whom(words, Verb::Music),
        "identify" => number_and_whom(words, Verb::Identify),
        "decline" => decline(words),
        "refuse" => refuse(words),
        "redial" => redial(words),
        "watch" => watch(words),
        "join" => match words {
            [whom] => Some(Verb::Join((*whom).to_owned(), None)),
            [whom, dialog] => Some(Verb::Join((*whom).to_owned(), Some((*dialog).to_owned()))),
            _ => None,
        },
        "click" => match words {
            [whom, to] => Some(Verb::Click((*whom).to_owned(), (*to).to_owned())),
            _ => None,
        },
        "message" => {
            let (whom, text) = rest.split_once(char::is_whitespace)?;
            Some(Verb::Message(whom.to_owned(), text.trim().to_owned()))
        }
        "follow" => Some(Verb::Follow((!rest.is_empty()).then(|| rest.to_owned()))),
        "dtmf" => digits(words).map(Verb::Dtmf),
        "info" => digits(words).map(Verb::Info),
        "wait" => Some(Verb::Wait(wanted(words)?)),
        "sleep" => match words {
            [seconds] => Some(Verb::Sleep(time(seconds)?)),
            _ => None,
        },
        "play" => Some(Verb::Play(path(rest)?)),
        "record" => Some(Verb::Record(path(rest)?)),
        "tone" => match words {
            [frequency] => Some(Verb::Tone(frequency.parse().ok()?)),
            _ => None,
        },
        _ => None,
    }
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

fn whom(words: &[&str], verb: impl FnOnce(String) -> Verb) -> Option<Verb> {
    match words {
        [whom] => Some(verb((*whom).to_owned())),
        _ => None,
    }
}

fn number_and_whom(words: &[&str], verb: impl FnOnce(Option<u32>, String) -> Verb) -> Option<Verb> {
    match words {
        [whom] => Some(verb(None, (*whom).to_owned())),
        [number, whom] => Some(verb(Some(number.parse().ok()?), (*whom).to_owned())),
        _ => None,
    }
}

fn digits(words: &[&str]) -> Option<String> {
    let digits: String = words.concat();
    let known = |digit: char| cordboard_media::Digit::from_char(digit).is_some();
    (!digits.is_empty() && digits.chars().all(known)).then_some(digits)
}

fn is_status(number: u16) -> bool {
    (300..700).contains(&number)
}

/// A single number from 300 on is a status: nobody has so many calls.
fn decline(words: &[&str]) -> Option<Verb> {
    let numbers: Vec<u16> = words.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [] => Some(Verb::Decline(None, None)),
        [status] if is_status(status) => Some(Verb::Decline(None, Some(status))),
        [number] => Some(Verb::Decline(Some(number.into()), None)),
        [number, status] if is_status(status) => Some(Verb::Decline(Some(number.into()), Some(status))),
        _ => None,
    }
}

fn refuse(words: &[&str]) -> Option<Verb> {
    match words {
        [] => Some(Verb::Refuse(BUSY)),
        [status] => Some(Verb::Refuse(status.parse().ok().filter(|status| is_status(*status))?)),
        _ => None,
    }
}

fn redial(words: &[&str]) -> Option<Verb> {
    let (whom, rest) = words.split_first()?;
    let (within, tries) = match rest {
        [] => (WAITS, TRIES),
        [seconds] => (time(seconds)?, TRIES),
        [seconds, tries] => (time(seconds)?, tries.parse().ok().filter(|tries| *tries > 0)?),
        _ => return None,
    };
    Some(Verb::Redial((*whom).to_owned(), within, tries))
}

fn watch(words: &[&str]) -> Option<Verb> {
    match words {
        [whom] => Some(Verb::Watch((*whom).to_owned(), Package::Dialog)),
        [whom, package] => {
            let package = Package::of(&package.to_ascii_lowercase())?;
            Some(Verb::Watch((*whom).to_owned(), package))
        }
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
        for (name, usage, says) in words() {
            let example = usage
                .split_whitespace()
                .filter(|word| !word.starts_with('['))
                .map(|word| match word {
                    "WHOM" | "TO" | "SERVER" => "bob",
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
        assert_eq!(parse("park 2 park1"), Verb::Park(Some(2), "park1".into()));
        assert_eq!(parse("redial bob"), Verb::Redial("bob".into(), WAITS, TRIES));
        assert_eq!(parse("redial bob 60 2"), Verb::Redial("bob".into(), Duration::from_mins(1), 2));
        assert_eq!(parse("refuse"), Verb::Refuse(486));
        assert_eq!(parse("watch bob"), Verb::Watch("bob".into(), Package::Dialog));
        assert_eq!(parse("watch bob presence"), Verb::Watch("bob".into(), Package::Presence));
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
            ("park 1 2 3", "`park [N] SERVER`"),
            ("redial bob soon", "`redial WHOM [SECONDS] [TRIES]`"),
            ("redial bob 60 0", "`redial WHOM"),
            ("refuse 200", "`refuse [STATUS]`"),
            ("watch bob weather", "`watch WHOM [PACKAGE]`"),
            ("unwatch bob", "`unwatch [W]`"),
            ("info 12x", "`info DIGITS`"),
            ("click bob", "`click WHOM TO`"),
            ("take-back bob", "`take-back [N]`"),
            ("\u{1f4de}", "`help`"),
        ] {
            let says = Line::parse(line).unwrap_err();
            assert!(says.contains("try") && says.contains(tries), "{line}: {says}");
        }
        assert!(Line::parse(&"x".repeat(MAX_LINE + 1)).is_err());
    }
}
