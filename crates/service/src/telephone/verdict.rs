//! What became of a transfer, in one word and in a sentence; and the words by which telephones tell each other why.
//!
//! Whoever refuses an INVITE or a REFER says why in a Warning (RFC 3261 §20.43). The transferee carries it along in its
//! report, and the transferor reads it there.

use crate::desk::Desk;
use cordboard_core::refer::issuer::Input;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::header::Warning;
use cordboard_sip::{Name, Status, View};
use std::fmt::Write as _;

/// Of a REFER whose Refer-To names its recipient.
pub(super) const ITSELF: &str = "Refer-To names whoever is asked";

/// Of a request other than INVITE that has Replaces, or Join.
pub(super) const REPLACES_MISPLACED: &str = "Replaces belongs in an INVITE";
pub(super) const JOIN_MISPLACED: &str = "Join belongs in an INVITE";

/// Letters of another's words that are kept.
const MAX_WORDS: usize = 200;

/// Bytes of header lines that a report carries besides its status.
const MAX_REASONS: usize = 1000;

/// Why an INVITE with Replaces takes no call over (RFC 3891 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotReplaced {
    /// More than one, one that cannot be read, or one beside Join.
    Malformed,
    /// No call with that Call-ID.
    CallId,
    /// None whose own tag that is.
    ToTag,
    /// None whose other side's tag that is.
    FromTag,
    /// Each tag stands in the place of the other.
    Swapped,
    /// It rings here, and only whoever rings may be taken over.
    RingsHere,
    /// It has ended.
    Ended,
    /// It is answered, and only one that is not was wanted.
    Answered,
}

impl NotReplaced {
    /// The response that tells the peer.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Malformed => Status::BAD_REQUEST,
            Self::CallId | Self::ToTag | Self::FromTag | Self::Swapped | Self::RingsHere => {
                Status::CALL_DOES_NOT_EXIST
            }
            Self::Ended => Status::DECLINE,
            Self::Answered => Status::BUSY_HERE,
        }
    }

    /// The words for people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Malformed => "Replaces must stand alone and name one call",
            Self::CallId => "the Call-ID in Replaces matches no call",
            Self::ToTag => "the to-tag in Replaces matches no call",
            Self::FromTag => "the from-tag in Replaces matches no call",
            Self::Swapped => "the tags in Replaces are swapped",
            Self::RingsHere => "the call that Replaces names still rings here",
            Self::Ended => "the call that Replaces names has ended",
            Self::Answered => "the call that Replaces names was answered already",
        }
    }
}

/// A Warning of ours.
pub(super) fn warning(desk: &Desk, listener: ListenerId, words: &str) -> String {
    let agent = desk.listener(listener).map_or("telephone", |listener| &listener.sent_by);
    let written = Warning::new(Warning::MISCELLANEOUS, agent, words);
    written.map_or_else(|_| format!("399 telephone \"{words}\""), |warning| warning.to_string())
}

/// The lines of a response that say why, for a report (RFC 3515 §2.4.5, RFC 3420).
pub(super) fn reasons(response: &View<'_>) -> Box<str> {
    let named = |name: Name| response.lines_named(name).map(move |value| (name.as_str(), value));
    lines([Name::WARNING, Name::REASON].into_iter().flat_map(named))
}

/// Lines for a report, as many as it has room for.
pub(super) fn lines<'a>(said: impl Iterator<Item = (&'a str, &'a str)>) -> Box<str> {
    let mut lines = String::new();
    for (name, value) in said {
        if lines.len() + name.len() + value.len() < MAX_REASONS && !value.contains(['\r', '\n']) {
            let written = write!(lines, "{name}: {value}\r\n");
            debug_assert!(written.is_ok(), "a String takes whatever is written");
        }
    }
    lines.into()
}

/// What a response says for people.
pub(super) fn words(response: &View<'_>) -> Option<Box<str>> {
    Some(response.header::<Warning>()?.ok()?.text)
}

/// What is known of a transfer whose end is to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The status that was reported last.
    pub(crate) status: Option<Status>,
    /// Whether the new call is to take over another.
    pub(crate) takes_over: bool,
    /// Whether the call that is handed over is still up.
    pub(crate) up: bool,
    /// Whether the transferee has left it.
    pub(crate) peer_left: bool,
}

/// How a transfer ended.
pub(crate) fn outcome_of(input: Input, reported: Reported) -> Outcome {
    let Reported { status, takes_over, up, peer_left } = reported;
    match (input, status.map(Status::code)) {
        (Input::Success, _) => Outcome::Completed,
        (Input::Refused, Some(482)) => Outcome::RefersToItself,
        (Input::Refused, _) => Outcome::Refused,
        // Only who made the call can have given it up: with the old call, or to keep that.
        (Input::Failure, Some(487)) if up && !peer_left => Outcome::TargetNoAnswer,
        (Input::Failure, Some(487)) => Outcome::TransfereeLeft,
        (Input::Failure, Some(481)) if takes_over => Outcome::ReplacesNoMatch,
        (Input::Failure, Some(486)) if takes_over => Outcome::AlreadyAnswered,
        (Input::Failure, Some(603)) if takes_over => Outcome::AlreadyEnded,
        (Input::Failure, Some(403)) if takes_over => Outcome::NotAllowed,
        // RFC 3892 §5: the target wants to know for sure who hands over.
        (Input::Failure, Some(429)) => Outcome::NotAllowed,
        (Input::Failure, Some(status)) => target_outcome(status),
        (Input::Failure, None) => Outcome::TargetUnreachable,
        (Input::TimedOut, _) if peer_left => Outcome::TransfereeLeft,
        (Input::TimedOut, _) => Outcome::TimedOut,
        (
            Input::Accepted | Input::AcceptedSilently | Input::Progress | Input::Ended | Input::TriedAnew,
            _,
        ) => Outcome::NotReported,
    }
}

/// How a transfer ended whose target's call failed with this status.
pub(crate) const fn target_outcome(status: u16) -> Outcome {
    match status {
        486 | 600 => Outcome::TargetBusy,
        408 | 480 => Outcome::TargetNoAnswer,
        403 | 603 | 607 | 608 => Outcome::TargetDeclined,
        404 | 410 | 484 | 485 | 604 => Outcome::TargetNotFound,
        482 => Outcome::RefersToItself,
        _ => Outcome::TargetUnreachable,
    }
}

/// The sentence for an outcome, with what the other side said.
pub(crate) fn sentence(
    outcome: Outcome,
    kind: Kind,
    status: Option<Status>,
    words: Option<&str>,
) -> Box<str> {
    let plain = match outcome {
        Outcome::Completed if kind == Kind::MessageTransfer => "the other side was taken over",
        Outcome::Completed => "the new call is up",
        Outcome::TargetBusy => "the target is busy",
        Outcome::TargetNoAnswer => "the target did not answer",
        Outcome::TargetDeclined => "the target declined",
        Outcome::TargetNotFound => "there is no such target",
        Outcome::TargetUnreachable => "the target was not reached",
        Outcome::Refused if kind == Kind::MessageTransfer => "the message with the link was refused",
        Outcome::Refused => "the request to call somebody else was refused",
        Outcome::ReplacesNoMatch => "the target found no call to take over",
        Outcome::RefersToItself => "whoever was asked is the one to be called",
        Outcome::NotAllowed => "the target does not allow it",
        Outcome::AlreadyAnswered => "the call to take over was answered already",
        Outcome::AlreadyEnded => "the call to take over had ended already",
        Outcome::TransfereeLeft => "whoever was handed over hung up on the way",
        Outcome::TransferorLeft => "the call was hung up on the way",
        Outcome::TimedOut => "nobody said in time how it went",
        Outcome::NotReported => "nobody says how it goes",
        Outcome::Answered
        | Outcome::Busy
        | Outcome::NoAnswer
        | Outcome::Declined
        | Outcome::Cancelled
        | Outcome::NotFound
        | Outcome::Failed
        | Outcome::Unfinished => outcome.as_str(),
    };
    let mut text = plain.to_owned();
    if let Some(words) = words {
        let kept = words.char_indices().nth(MAX_WORDS).map_or(words.len(), |(at, _)| at);
        text.push_str(": ");
        text.push_str(&words[..kept]);
    }
    if let Some(status) = status.filter(|status| !status.is_success()) {
        let written = write!(text, " ({})", status.code());
        debug_assert!(written.is_ok(), "a String takes whatever is written");
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_bears_the_words_of_the_other_side() {
        let said = sentence(
            Outcome::ReplacesNoMatch,
            Kind::AttendedTransfer,
            Some(Status::CALL_DOES_NOT_EXIST),
            Some(NotReplaced::FromTag.words()),
        );
        assert_eq!(
            &*said,
            "the target found no call to take over: the from-tag in Replaces matches no call (481)"
        );
        let long = "ä".repeat(2 * MAX_WORDS);
        let said = sentence(Outcome::Completed, Kind::AttendedTransfer, Some(Status::OK), Some(&long));
        assert_eq!(said.chars().filter(|letter| *letter == 'ä').count(), MAX_WORDS);
    }
}
