//! What survives the process: the calls of a server, and what it has promised.
//!
//! An agent whose settings say so asks its driver to keep a [`Record`] before it gives the answer that a phone relies on:
//! the ACK by which a call that it makes is up, the 200 to one that it takes. Afterwards what changes is kept as it
//! changes, and what is over is forgotten. A new process hands the records to its agent
//! ([`Command::TakeUp`](crate::door::Command::TakeUp)), which goes on with each call by a re-INVITE from a new port (RFC
//! 3261 §14.1, RFC 3264 §8), and drops those of which the other side knows nothing any more (§12.2.1.2).

use crate::settings::Feature;
use cordboard_core::dialog::{self, Dialog};
use cordboard_core::session::media::{Origin, WrittenOrigin};
use cordboard_core::session::timer::Agreement;
use cordboard_core::time::Instant;
use cordboard_sip::Malformed;
use serde::{Deserialize, Serialize};

/// Octets that one record may have. What is larger, because somebody has made it so, does not survive.
pub const MAX_RECORD: usize = 32 * 1024;

/// How records are written; those of another version are refused.
const VERSION: u8 = 1;

/// Names a record among those of one agent, also after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordName(pub Box<str>);

/// Something that is to survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is there for.
    pub purpose: Purpose,
    /// The call, if it is one.
    pub call: Option<WrittenCall>,
    /// When something is to be done about it. The next process has another time, into which whoever keeps the record
    /// translates this.
    pub due: Option<Instant>,
}

/// What something is there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Purpose {
    /// A call that is parked (RFC 5359 §2.15).
    Slot {
        /// In which slot it waits.
        slot: Box<str>,
        /// Who is called when it has waited for too long.
        parker: Option<Box<str>>,
    },
    /// A call of somebody in a conference room (RFC 4579 §5).
    Room {
        /// The user part of the room's URI.
        room: Box<str>,
    },
    /// A redial that waits (RFC 5359 §2.17).
    Redial {
        /// Its number, which is its place among the others.
        number: u64,
        /// Who is called back.
        asker: Box<str>,
        /// Whom they want.
        wanted: Box<str>,
        /// How often it is tried at most.
        tries: u8,
    },
}

/// From which side a call is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// We have made it.
    Caller,
    /// We were called.
    Callee,
}

/// A call as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenCall {
    /// From which side it is seen.
    pub side: Side,
    /// The dialog.
    pub dialog: dialog::Written,
    /// The session: of its `o=` line, and the streams in their places.
    pub session: WrittenOrigin,
    /// Whether we hold the other side.
    pub holds: bool,
    /// The listener from which it goes on, by its place among the agent's.
    pub listener: u16,
    /// The session timer that was agreed (RFC 4028).
    pub timer: Option<WrittenTimer>,
    /// What the other side has said that it knows.
    #[serde(default)]
    pub knows: Vec<Feature>,
}

/// A session timer as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenTimer {
    /// The interval in seconds.
    pub interval: u32,
    /// Whether we refresh.
    pub ours: bool,
}

impl From<Agreement> for WrittenTimer {
    fn from(Agreement { interval, ours }: Agreement) -> Self {
        Self { interval, ours }
    }
}

impl From<WrittenTimer> for Agreement {
    fn from(WrittenTimer { interval, ours }: WrittenTimer) -> Self {
        Self { interval, ours }
    }
}

impl WrittenCall {
    /// Whether both say the same, but for how many requests have passed since one of them was written.
    fn is_as_good_as(&self, newer: &Self) -> bool {
        self.dialog.is_as_good_as(&newer.dialog)
            && *newer == Self { dialog: newer.dialog.clone(), ..self.clone() }
    }
}

/// Why a record is of no use. Each is a sentence about the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is no JSON, or of another shape.
    #[error("it cannot be read (line {line}, column {column}): {what}")]
    Unreadable {
        /// What the reader stumbled over, without what stands there.
        what: &'static str,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// It is of another version.
    #[error("it is of version {0} and this cordboard reads version {VERSION}")]
    Version(u8),
    /// It is too large.
    #[error("it has {0} octets, and may have {MAX_RECORD}")]
    TooLarge(usize),
    /// It names no call where there must be one.
    #[error("it names no call")]
    NoCall,
    /// Its dialog or its session is damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] Malformed),
    /// The same call is there already.
    #[error("its call is there already")]
    Twice,
    /// What it is there for is not there any more.
    #[error("there is nothing here that it is for: the configuration has changed")]
    NoPlace,
    /// Something else is there.
    #[error("its place is taken")]
    Taken,
    /// There is no room for another call, or no port for its sound.
    #[error("there is no room for another call")]
    NoRoom,
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page<P, C> {
    version: u8,
    purpose: P,
    call: C,
}

impl Record {
    /// As it is written, without the time at which it is due.
    ///
    /// # Errors
    /// It is too large.
    pub fn to_text(&self) -> Result<String, RecordError> {
        let page = Page { version: VERSION, purpose: &self.purpose, call: &self.call };
        let text = serde_json::to_string(&page).map_err(|error| unreadable(&error))?;
        if text.len() > MAX_RECORD { Err(RecordError::TooLarge(text.len())) } else { Ok(text) }
    }

    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read, or what it says makes no sense.
    pub fn parse(text: &str, due: Option<Instant>) -> Result<Self, RecordError> {
        if text.len() > MAX_RECORD {
            return Err(RecordError::TooLarge(text.len()));
        }
        let any: Page<serde_json::Value, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if any.version != VERSION {
            return Err(RecordError::Version(any.version));
        }
        let page: Page<Purpose, Option<WrittenCall>> =
            serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        let record = Self { purpose: page.purpose, call: page.call, due };
        if let Some(call) = &record.call {
            Dialog::take_up(&call.dialog)?;
            Origin::take_up(&call.session)?;
        }
        Ok(record)
    }

    /// Whether there is no need to keep a newer one instead.
    pub(crate) fn is_as_good_as(&self, newer: &Self) -> bool {
        let calls = match (&self.call, &newer.call) {
            (Some(old), Some(new)) => old.is_as_good_as(new),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        calls && self.purpose == newer.purpose && self.due == newer.due
    }
}

/// What a reader says, without the text that it stumbled over: that may name people.
fn unreadable(error: &serde_json::Error) -> RecordError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is no JSON",
        serde_json::error::Category::Data => "a value is missing, unknown or of another kind",
        serde_json::error::Category::Io => "it cannot be reached",
    };
    RecordError::Unreadable { what, line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            purpose: Purpose::Slot { slot: "701".into(), parker: Some("sip:bob@example.com".into()) },
            call: Some(WrittenCall {
                side: Side::Caller,
                dialog: dialog::Written {
                    call_id: "c1".into(),
                    local_tag: "p1".into(),
                    remote_tag: "a1".into(),
                    local: "<sip:701@example.com>;tag=p1".into(),
                    remote: "\"Alice\" <sip:alice@example.com>;tag=a1".into(),
                    target: "sip:alice@192.0.2.1".into(),
                    routes: vec!["<sip:192.0.2.9;lr>".into()],
                    local_seq: 1,
                    remote_seq: None,
                    created_by: 1,
                },
                session: Origin::new(77 << 2).written(),
                holds: true,
                listener: 0,
                knows: vec![Feature::Refer, Feature::Replaces],
                timer: Some(WrittenTimer { interval: 1_800, ours: false }),
            }),
            due: Some(Instant::from_micros(5)),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = record().to_text().unwrap();
        assert_eq!(Record::parse(&text, record().due), Ok(record()));
    }

    #[test]
    fn what_is_damaged_is_refused_and_says_why() {
        let text = record().to_text().unwrap();
        let said = |text: &str| Record::parse(text, None).unwrap_err().to_string();
        for (from, to, says) in [
            ("\"version\":1", "\"version\":2", "of version 2"),
            ("\"slot\":\"701\",", "", "missing, unknown"),
            ("\"holds\":true", "\"holds\":3", "missing, unknown"),
            ("\"holds\":true", "\"holds\":true,\"more\":1", "missing, unknown"),
            ("\"call_id\":\"c1\"", "\"call_id\":\"\"", "damaged: a Call-ID"),
            (";tag=a1", ";tag=a2", "another tag"),
            ("sip:alice@192.0.2.1", "sip:alice@192.0.2.1\\r\\nVia: x", "control characters"),
            ("\"session\":77", "\"session\":79", "out of range"),
        ] {
            let damaged = text.replacen(from, to, 1);
            assert_ne!(damaged, text, "{from}");
            let said = said(&damaged);
            assert!(said.contains(says), "{from} -> {to}: {said}");
        }
        assert!(said(&text[..text.len() - 3]).contains("ends too early"));
        assert!(said("{").contains("ends too early") && said("no").contains("no JSON"));
        assert!(said(&" ".repeat(MAX_RECORD + 1)).contains("octets"));
    }

    /// Whoever makes a record too large has a call that does not survive, and nothing else.
    #[test]
    fn a_record_is_bounded() {
        let mut large = record();
        if let Some(call) = &mut large.call {
            call.dialog.target = format!("sip:alice@192.0.2.1;x={}", "y".repeat(MAX_RECORD)).into();
        }
        assert!(matches!(large.to_text(), Err(RecordError::TooLarge(_))));
    }
}
