//! `application/simple-message-summary` (RFC 3842): which messages wait in a mailbox.
//!
//! ```
//! use cordboard_sip::body::message_summary::{MessageSummary, VOICE};
//! let summary = MessageSummary::parse(b"Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n")?;
//! assert!(summary.waiting);
//! assert_eq!(summary.count(VOICE).map(|count| count.new), Some(2));
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt;

use crate::Malformed;
use crate::grammar::{is_token, number, trim};

/// The media type.
pub const MEDIA_TYPE: &str = "application/simple-message-summary";

/// The class of voice messages (RFC 3458 §6.2).
pub const VOICE: &str = "voice-message";

/// Bytes of a body that is read.
pub const MAX_BYTES: usize = crate::limits::MAX_MESSAGE;

/// Classes of messages that a body may name.
pub const MAX_CLASSES: usize = 32;

/// Lines that may follow about single messages.
pub const MAX_LINES: usize = 1_024;

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageSummary {
    /// Whether there is anything new.
    pub waiting: bool,
    /// The URI of the mailbox.
    pub account: Option<String>,
    /// How many messages there are of each class, in the order in which they were told.
    pub counts: Vec<(String, Count)>,
    /// Header lines of single new messages: for each the names and values. For a person to read, and
    /// never in the first NOTIFY (§3.8).
    pub messages: Vec<Vec<(String, String)>>,
}

/// How many messages of a class there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// New ones.
    pub new: u32,
    /// Old ones.
    pub old: u32,
    /// How many of them are urgent, new and old, if that is told.
    pub urgent: Option<(u32, u32)>,
}

impl MessageSummary {
    /// Reads a body. Names have no case (§5.2).
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > MAX_BYTES {
            return Err(Malformed::new("a message summary is too long"));
        }
        let text = std::str::from_utf8(body)
            .map_err(|error| Malformed::new("a message summary is not UTF-8").at(error.valid_up_to()))?;
        let mut lines = text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line));
        let mut summary = Self { waiting: read_status(lines.next().unwrap_or(""))?, ..Self::default() };
        for line in lines.by_ref().take_while(|line| !trim(line).is_empty()) {
            let (name, value) = split(line)?;
            if name.eq_ignore_ascii_case("Message-Account") {
                summary.account = Some(value.to_owned());
            } else if summary.counts.len() < MAX_CLASSES {
                summary.counts.push((name.to_ascii_lowercase(), read_count(value)?));
            } else {
                return Err(Malformed::new("a message summary has too many classes"));
            }
        }
        let mut message = Vec::new();
        for (count, line) in lines.enumerate() {
            if count >= MAX_LINES {
                return Err(Malformed::new("a message summary has too many lines"));
            }
            if trim(line).is_empty() {
                keep(&mut summary.messages, &mut message);
            } else {
                let (name, value) = split(line)?;
                message.push((name.to_owned(), value.to_owned()));
            }
        }
        keep(&mut summary.messages, &mut message);
        Ok(summary)
    }

    /// How many messages of that class there are, if that is told.
    pub fn count(&self, class: &str) -> Option<Count> {
        self.counts.iter().find(|(name, _)| name.eq_ignore_ascii_case(class)).map(|(_, count)| *count)
    }
}

impl fmt::Display for MessageSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messages-Waiting: {}\r\n", if self.waiting { "yes" } else { "no" })?;
        if let Some(account) = &self.account {
            write!(f, "Message-Account: {}\r\n", OneLine(account))?;
        }
        for (class, count) in &self.counts {
            write!(f, "{}: {}/{}", OneLine(class), count.new, count.old)?;
            if let Some((new, old)) = count.urgent {
                write!(f, " ({new}/{old})")?;
            }
            f.write_str("\r\n")?;
        }
        for message in &self.messages {
            f.write_str("\r\n")?;
            for (name, value) in message {
                write!(f, "{}: {}\r\n", OneLine(name), OneLine(value))?;
            }
        }
        Ok(())
    }
}

/// Text that cannot begin another line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = self.0.split(['\r', '\n']);
        f.write_str(pieces.next().unwrap_or(""))?;
        pieces.try_for_each(|piece| write!(f, " {piece}"))
    }
}

fn keep(messages: &mut Vec<Vec<(String, String)>>, message: &mut Vec<(String, String)>) {
    if !message.is_empty() {
        messages.push(std::mem::take(message));
    }
}

fn read_status(line: &str) -> Result<bool, Malformed> {
    let wrong = Malformed::new("a message summary does not begin with Messages-Waiting");
    let Ok((name, value)) = split(line) else { return Err(wrong) };
    match () {
        () if !name.eq_ignore_ascii_case("Messages-Waiting") => Err(wrong),
        () if value.eq_ignore_ascii_case("yes") => Ok(true),
        () if value.eq_ignore_ascii_case("no") => Ok(false),
        () => Err(Malformed::new("Messages-Waiting is neither yes nor no")),
    }
}

/// Name and value of a line.
fn split(line: &str) -> Result<(&str, &str), Malformed> {
    let (name, value) = line.split_once(':').ok_or(Malformed::new("a line has no colon"))?;
    let name = trim(name);
    if !is_token(name) {
        return Err(Malformed::new("the name of a line is no token"));
    }
    if value.contains('\r') {
        return Err(Malformed::new("a line has a bare CR"));
    }
    Ok((name, trim(value)))
}

/// `2/8 (0/2)`.
fn read_count(value: &str) -> Result<Count, Malformed> {
    let wrong = || Malformed::new("a count of messages is not new/old (new/old)");
    let (counts, urgent) = match value.split_once('(') {
        Some((counts, urgent)) => (counts, Some(urgent.strip_suffix(')').ok_or_else(wrong)?)),
        None => (value, None),
    };
    let pair = |text: &str| -> Result<(u32, u32), Malformed> {
        let (new, old) = text.split_once('/').ok_or_else(wrong)?;
        let count = |text| number(trim(text), "a count of messages is no number");
        Ok((count(new)?, count(old)?))
    };
    let (new, old) = pair(counts)?;
    Ok(Count { new, old, urgent: urgent.map(pair).transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// §3.5 and the flow of §4.
    #[test]
    fn examples_of_the_standard() {
        let text = "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n";
        let summary = MessageSummary::parse(text.as_bytes()).unwrap();
        assert!(summary.waiting);
        assert_eq!(summary.account.as_deref(), Some("sip:alice@vmail.example.com"));
        assert_eq!(summary.count("Voice-Message"), Some(Count { new: 2, old: 8, urgent: Some((0, 2)) }));
        assert_eq!(MessageSummary::parse(summary.to_string().as_bytes()).unwrap(), summary);

        let text = "Messages-Waiting: no\r\n";
        let summary = MessageSummary::parse(text.as_bytes()).unwrap();
        assert_eq!((summary.waiting, summary.counts.len(), summary.to_string()), (false, 0, text.to_owned()));
    }

    /// §4, message A5.
    #[test]
    fn headers_of_the_new_messages() {
        let text = "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 4/8 (1/2)\r\n\
            \r\nTo: <alice@atlanta.example.com>\r\nFrom: <bob@biloxi.example.com>\r\nSubject: carpool tomorrow?\r\n\
            Date: Sun, 09 Jul 2000 21:23:01 -0700\r\nPriority: normal\r\nMessage-ID: 13784434989@vmail.example.com\r\n\
            \r\nTo: <alice@example.com>\r\nFrom: <cathy-the-bob@example.com>\r\n\
            Subject: HELP! at home ill, present for me please\r\nDate: Sun, 09 Jul 2000 21:25:12 -0700\r\n\
            Priority: urgent\r\nMessage-ID: 13684434990@vmail.example.com\r\n";
        let summary = MessageSummary::parse(text.as_bytes()).unwrap();
        assert_eq!(summary.messages.len(), 2);
        assert_eq!(summary.messages[0][2], ("Subject".into(), "carpool tomorrow?".into()));
        assert_eq!(summary.to_string(), text.replace("Voice-Message", "voice-message"));
    }

    #[test]
    fn as_others_write_it() {
        let summary =
            MessageSummary::parse(b"messages-waiting :YES\nVoice-Message:1/0\nFax-Message: 0 / 3\n\n")
                .unwrap();
        assert!(summary.waiting);
        assert_eq!(summary.count("fax-message"), Some(Count { new: 0, old: 3, urgent: None }));
        assert_eq!(summary.count("text-message"), None);
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "",
            "\r\n",
            "Voice-Message: 1/2\r\n",
            "Messages-Waiting: maybe\r\n",
            "Messages-Waiting\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 1\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 1/2 (3/4\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 1/2 (3)\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 4294967296/0\r\n",
            "Messages-Waiting: yes\r\nVoice Message: 1/2\r\n",
            "Messages-Waiting: yes\r\n\r\nno colon\r\n",
        ] {
            assert!(MessageSummary::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let classes = |count: usize| -> String {
            let lines: Vec<_> = (0..count).map(|i| format!("c{i}: 1/2\r\n")).collect();
            format!("Messages-Waiting: yes\r\n{}", lines.concat())
        };
        assert!(MessageSummary::parse(classes(MAX_CLASSES).as_bytes()).is_ok());
        assert!(MessageSummary::parse(classes(MAX_CLASSES + 1).as_bytes()).is_err());
        let lines = |count| format!("Messages-Waiting: no\r\n\r\n{}", "a: b\r\n".repeat(count));
        assert!(MessageSummary::parse(lines(MAX_LINES).as_bytes()).is_ok());
        assert!(MessageSummary::parse(lines(MAX_LINES + 1).as_bytes()).is_err());
    }

    #[test]
    fn nothing_written_begins_a_line_of_its_own() {
        let account = Some("sip:a@b\r\nVoice-Message: 9/9".to_owned());
        let text = MessageSummary { account, ..MessageSummary::default() }.to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written(text in "(Messages-Waiting: yes|Voice-Message: |[0-9]/[0-9]|\r\n|[ -~]{0,5}){0,12}") {
            if let Ok(summary) = MessageSummary::parse(text.as_bytes()) {
                prop_assert_eq!(MessageSummary::parse(summary.to_string().as_bytes()), Ok(summary));
            }
        }
    }
}
