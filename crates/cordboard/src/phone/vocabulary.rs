//! Every verb: its name, what follows it, and what it does. The help, and what is suggested for a wrong word.

use crate::config::nearest;

/// A verb: its name, what follows it, and what it does.
pub(super) type Word = (&'static str, &'static str, &'static str);

/// All of them, by what they are for.
pub(super) const SECTIONS: [(&str, &[Word]); 6] = [
    (
        "being reachable",
        &[
            ("register", "", "be reachable under your address"),
            ("unregister", "", "be it no longer"),
            ("bindings", "", "ask what is registered under your address"),
            ("refuse", "[STATUS]", "refuse calls at once from now on, with 486 (busy) or another status"),
            ("accept", "", "let calls ring again"),
        ],
    ),
    (
        "calls",
        &[
            ("dial", "WHOM", "call somebody: a name, a number or a whole address"),
            ("redial", "WHOM [SECONDS] [TRIES]", "call somebody who is busy as soon as they are free"),
            ("early", "[N]", "let the caller hear you before you answer call N"),
            ("answer", "[N]", "answer call N, or make the call that somebody asks for"),
            ("decline", "[N] [STATUS]", "turn it down, with 603 or another status such as 486 (busy)"),
            ("hold", "[N]", "put the other side on hold"),
            ("resume", "[N]", "take it off hold"),
            ("music", "[N] SERVER", "hold call N and have a music server play to the other side"),
            ("dtmf", "DIGITS", "press digits in the sound: 0 to 9, *, #, A to D"),
            ("info", "DIGITS", "signal them by INFO, for those who take none in the sound"),
            ("identify", "[N] WHOM", "show the other side another address of yours"),
            ("hangup", "[N]", "end a call"),
            ("calls", "", "list the calls"),
        ],
    ),
    (
        "handing over",
        &[
            ("transfer", "[N] WHOM", "hand the other side of call N over to somebody"),
            ("consult", "[N] WHOM", "hold call N and ask somebody first"),
            ("complete", "", "hand the held call over to whom you asked"),
            ("bridge", "", "do the same for those who cannot be handed over: you stay between them"),
            ("link", "[N] WHOM", "hand call N over by sending somebody a link that takes it over"),
            ("move", "[N] WHOM", "ask another telephone, such as your other one, to take call N over"),
            ("message", "WHOM TEXT", "send somebody an instant message"),
            ("follow", "[LINK]", "call what a link names, or the link in the last message"),
            ("click", "WHOM TO", "have somebody's telephone call somebody"),
        ],
    ),
    (
        "services",
        &[
            ("park", "[N] SERVER", "have a park server, or one of its slots, keep the other side of call N"),
            ("retrieve", "SERVER", "take a parked call over, from the server or the slot"),
            ("take-back", "[N]", "take back whom you gave to a music or park server"),
            ("pickup", "WHOM", "take the call that rings at somebody's telephone"),
            ("host", "[N]", "make call N the first of a conference"),
            ("call-in", "WHOM", "call somebody into the conference"),
            ("confer", "[N]", "put call N into the conference, or the two calls that you have together"),
            ("join", "WHOM [DIALOG]", "become part of a call of somebody whom you watch"),
        ],
    ),
    (
        "watching",
        &[
            ("watch", "WHOM [PACKAGE]", "watch somebody's calls, or their presence, reg or message-summary"),
            ("roster", "[N]", "watch who is in the conference that call N is part of"),
            ("unwatch", "[W]", "watch it no longer"),
            ("options", "WHOM", "ask somebody what they can do"),
            ("abilities", "[N]", "ask the other side of call N what it can do"),
            ("dialog", "[N]", "say what names call N in the network"),
        ],
    ),
    (
        "sound and scripts",
        &[
            ("play", "FILE", "play a WAV file once in every call"),
            ("tone", "HZ", "play a tone in every call"),
            ("quiet", "", "play nothing"),
            ("record", "FILE", "record what is heard into a WAV file"),
            ("heard", "", "say which tones are heard now"),
            (
                "wait",
                "EVENT [FIELD=VALUE]... [SECONDS]",
                "wait until something happens, such as `wait established`",
            ),
            ("sleep", "SECONDS", "do nothing for so long"),
            ("help", "", "say this"),
            ("quit", "", "hang up, unregister and end"),
        ],
    ),
];

/// All of them.
pub(super) fn words() -> impl Iterator<Item = Word> {
    SECTIONS.into_iter().flat_map(|(_, words)| words.iter().copied())
}

/// What to try instead of a word that is no verb.
pub(super) fn unknown(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let names: Vec<&str> = words().map(|(name, _, _)| name).collect();
    let longer = names.iter().copied().find(|name| lower.len() > 1 && name.starts_with(&lower));
    match longer.or_else(|| nearest(&lower, &names)) {
        Some(name) => format!("there is no `{word}`; try `{name}`, or `help` for all there is"),
        None => format!("there is no `{word}`; try `help` for all there is"),
    }
}

/// The help for people.
pub(super) fn help() -> String {
    let sections = SECTIONS.map(|(title, words)| {
        let lines = words.iter().map(|(name, usage, says)| {
            let verb = format!("{name} {usage}");
            format!("\n  {verb:<40} {says}")
        });
        format!("{title}{}\n", lines.collect::<String>())
    });
    format!(
        "{}N is the number of a call; without it, the one you are in is meant. \
         A line that ends in & is not waited for.",
        sections.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::super::told::EVENTS;
    use super::*;

    const DOCS: &str = include_str!("../../../../docs/phone.md");

    #[test]
    fn the_documentation_names_every_verb_and_event() {
        for (name, usage, _) in words() {
            let verb = format!("`{}`", format!("{name} {usage}").trim_end());
            assert!(DOCS.contains(&verb), "{verb}");
        }
        for event in EVENTS {
            assert!(DOCS.contains(&format!("`{event}`")), "{event}");
        }
    }

    #[test]
    fn a_verb_has_one_name() {
        let mut names: Vec<&str> = words().map(|(name, _, _)| name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(help().contains("transfer [N] WHOM"));
    }
}
