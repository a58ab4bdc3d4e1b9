//! Whether a contender reads what is there.

use crate::contender::Contender;
use crate::messages::{Message, TYPICAL, WSINV};

/// The eight fields of RFC 4475's `wsinv`, as the RFC means them.
const WSINV_FIELDS: [&str; 8] = [
    "INVITE",
    "sip:vivekg@chair-dnrc.example.com;unknownparam",
    "192.0.2.2",
    "390skdjuw",
    "98asjd8",
    "1918181833n",
    "wsinv.ndaksdj@192.0.2.1",
    "9",
];

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All eight fields are right.
    Right,
    /// The message was refused.
    Refused,
    /// Fields that are not what they should be: what was read, and what should have been.
    Wrong(Vec<(String, String)>),
}

impl Verdict {
    /// One word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Refused => "refused",
            Self::Wrong(_) => "wrong",
        }
    }
}

/// Judges how a contender reads `wsinv`.
pub fn wsinv(contender: Contender) -> Verdict {
    judge(contender, WSINV, &WSINV_FIELDS.map(ToOwned::to_owned))
}

/// Judges how a contender reads a message, by how ours does.
pub fn beside_ours(contender: Contender, message: Message) -> Verdict {
    match Contender::Cordboard.read(message.bytes, |fields| fields.text()) {
        Some(expected) => judge(contender, message, &expected),
        None => Verdict::Refused,
    }
}

/// How many of the twenty a contender reads as ours does.
pub fn right_of_typical(contender: Contender) -> usize {
    TYPICAL.into_iter().filter(|&message| beside_ours(contender, message) == Verdict::Right).count()
}

fn judge(contender: Contender, message: Message, expected: &[String; 8]) -> Verdict {
    let Some(read) = contender.read(message.bytes, |fields| fields.text()) else { return Verdict::Refused };
    let pairs = read.into_iter().zip(expected.iter().cloned());
    // Printing a parsed value may change the case of what is compared without it (RFC 3261 §19.1.4).
    let wrong: Vec<_> = pairs.filter(|(read, expected)| !read.eq_ignore_ascii_case(expected)).collect();
    if wrong.is_empty() { Verdict::Right } else { Verdict::Wrong(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_strangers_read_every_message_as_ours_does() {
        for message in TYPICAL {
            let strangers = [Contender::Rsip, Contender::Rsipstack, Contender::Rvoip];
            let verdicts = strangers.map(|contender| (contender, beside_ours(contender, message)));
            let agreeing = verdicts.iter().filter(|verdict| verdict.1 == Verdict::Right).count();
            assert!(agreeing >= 2, "{}: {verdicts:?}", message.name);
        }
    }

    #[test]
    fn taking_the_uri_apart_changes_nothing() {
        for message in TYPICAL {
            assert_eq!(beside_ours(Contender::CordboardWithUri, message), Verdict::Right, "{}", message.name);
        }
    }

    #[test]
    fn ours_reads_wsinv() {
        assert_eq!(wsinv(Contender::Cordboard), Verdict::Right);
        assert_eq!(wsinv(Contender::CordboardWithUri), Verdict::Right);
    }

    #[test]
    fn the_twenty_say_how_long_their_bodies_are() {
        for message in TYPICAL {
            let text = str::from_utf8(message.bytes).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let length = head.rsplit_once(": ").unwrap().1;
            assert_eq!(length.parse(), Ok(body.len()), "{}", message.name);
        }
    }
}
