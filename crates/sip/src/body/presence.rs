//! `application/pidf+xml` (RFC 3863): whether somebody can be reached, and where.
//!
//! The basic status and what belongs to it; status values and elements of other namespaces are passed
//! over, as §4.2.3 asks of whoever does not know them, `mustUnderstand` or not.
//!
//! ```
//! use cordboard_sip::body::Presence;
//! let presence = Presence::parse(
//!     b"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:someone@example.com\">\
//!       <tuple id=\"a\"><status><basic>open</basic></status></tuple></presence>",
//! )?;
//! assert!(presence.is_open());
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt;

use super::xml::{Element, Writer, words};
use crate::Malformed;

/// The media type.
pub const MEDIA_TYPE: &str = "application/pidf+xml";

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who that is: a `pres` URI, in practice a SIP URI too.
    pub entity: String,
    /// The ways to reach that person.
    pub tuples: Vec<Tuple>,
    /// What is said for people to read.
    pub notes: Vec<Note>,
}

/// A way to reach somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// What identifies it in the documents about that person.
    pub id: String,
    /// Whether it works.
    pub basic: Option<Basic>,
    /// The address, and its priority in thousandths, from 0 to 1000; without it the lowest.
    pub contact: Option<(String, Option<u16>)>,
    /// What is said for people to read.
    pub notes: Vec<Note>,
    /// When the status changed, as RFC 3339 writes it.
    pub timestamp: Option<String>,
}

words! {
    /// Whether a way to reach somebody works (§4.1.4).
    Basic: "a basic status is neither open nor closed",
    /// It does.
    Open = "open",
    /// It does not.
    Closed = "closed",
}

/// Something for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text.
    pub text: String,
    /// Its language.
    pub language: Option<String>,
}

impl Presence {
    /// Reads a document.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let root = Element::read(body, NAMESPACE, "presence")?;
        Ok(Self {
            entity: root.required("entity")?.to_owned(),
            tuples: root.children("tuple").map(read_tuple).collect::<Result<_, _>>()?,
            notes: read_notes(&root),
        })
    }

    /// Whether some way to reach that person works.
    pub fn is_open(&self) -> bool {
        self.tuples.iter().any(|tuple| tuple.basic == Some(Basic::Open))
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Writer::new("presence", NAMESPACE);
        out.attribute("entity", &self.entity);
        for tuple in &self.tuples {
            out.start("tuple").attribute("id", &tuple.id).start("status");
            out.leaf_if("basic", tuple.basic.map(Basic::as_str)).end();
            if let Some((uri, priority)) = &tuple.contact {
                out.start("contact").attribute_if("priority", priority.map(thousandths).as_deref());
                out.text(uri).end();
            }
            write_notes(&mut out, &tuple.notes);
            out.leaf_if("timestamp", tuple.timestamp.as_deref()).end();
        }
        write_notes(&mut out, &self.notes);
        f.write_str(&out.finish())
    }
}

fn read_tuple(element: &Element) -> Result<Tuple, Malformed> {
    let status = element.child("status").ok_or(Malformed::new("a tuple has no status"))?;
    let contact = |contact: &Element| {
        let priority = contact.attribute("priority").and_then(read_thousandths);
        (contact.text().to_owned(), priority)
    };
    Ok(Tuple {
        id: element.required("id")?.to_owned(),
        basic: status.text_of("basic").map(Basic::read).transpose()?,
        contact: element.child("contact").map(contact),
        notes: read_notes(element),
        timestamp: element.owned_text_of("timestamp"),
    })
}

fn read_notes(element: &Element) -> Vec<Note> {
    let language = |note: &Element| note.attribute("xml:lang").map(str::to_owned);
    let notes = element.children("note");
    notes.map(|note| Note { text: note.text().to_owned(), language: language(note) }).collect()
}

fn write_notes(out: &mut Writer, notes: &[Note]) {
    for note in notes {
        out.start("note").attribute_if("xml:lang", note.language.as_deref()).text(&note.text).end();
    }
}

/// A decimal from 0 to 1 with three digits at most; one that is not is as if it were not there
/// (§4.1.5, erratum 1606).
fn read_thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(whole, "0" | "1") || part.len() > 3 || !digits {
        return None;
    }
    let value = format!("{whole}{part:0<3}").parse().ok()?;
    (value <= 1_000).then_some(value)
}

fn thousandths(value: u16) -> String {
    let value = value.min(1_000);
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! example {
        ($name:literal) => {
            Presence::parse(include_bytes!(concat!("../../tests/data/events/", $name, ".xml"))).unwrap()
        };
    }

    /// §4.2.4 and §4.3.1.
    #[test]
    fn status_values_of_others_are_passed_over() {
        let presence = example!("presence-location");
        assert_eq!(presence.tuples[0].basic, Some(Basic::Open));
        assert_eq!(presence.tuples[0].contact, Some(("im:someone@example.com".into(), None)));
        let presence = example!("presence-status");
        assert_eq!(presence.entity, "pres:someone@example.com");
        let [first, second] = &*presence.tuples else { panic!("two tuples") };
        assert_eq!((&*first.id, first.basic), ("bs35r9", Some(Basic::Open)));
        assert_eq!(first.contact, Some(("im:someone@mobilecarrier.net".into(), Some(800))));
        assert_eq!(first.timestamp.as_deref(), Some("2001-10-27T16:49:29Z"));
        let french = Note { text: "Ne derangez pas, s'il vous plait".into(), language: Some("fr".into()) };
        assert_eq!((first.notes.len(), &first.notes[1]), (2, &french));
        assert_eq!(second.contact, Some(("mailto:someone@example.com".into(), Some(1_000))));
        assert_eq!(presence.notes, [Note { text: "I'll be in Tokyo next week".into(), language: None }]);
    }

    /// §4.3.2 and §4.3.3.
    #[test]
    fn a_prefix_and_elements_of_others() {
        let presence = example!("presence-extensions");
        assert_eq!(presence.tuples.len(), 2);
        assert_eq!(presence.tuples[0].contact, Some(("tel:+09012345678".into(), Some(650))));
        assert_eq!(presence.tuples[1].contact, Some(("im:someone@mobilecarrier.net".into(), Some(1_000))));
        assert!(example!("presence-mandatory").is_open());
    }

    #[test]
    fn priorities() {
        for (text, value) in [("0", 0), ("0.021", 21), ("0.5", 500), ("1.00", 1_000), ("1", 1_000), ("0.", 0)]
        {
            assert_eq!(read_thousandths(text), Some(value), "{text}");
        }
        for bad in ["", ".5", "1.001", "2", "0.0001", "-0", "0,5", "0.+5"] {
            assert_eq!(read_thousandths(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for presence in [example!("presence-status"), example!("presence-extensions")] {
            assert_eq!(Presence::parse(presence.to_string().as_bytes()).unwrap(), presence);
        }
        let closed = Tuple {
            id: "<1>".into(),
            basic: Some(Basic::Closed),
            contact: None,
            notes: vec![Note { text: "A & B".into(), language: None }],
            timestamp: None,
        };
        let presence = Presence { entity: "sip:a@b".into(), tuples: vec![closed], notes: Vec::new() };
        assert!(!presence.is_open());
        assert_eq!(Presence::parse(presence.to_string().as_bytes()).unwrap(), presence);
    }

    #[test]
    fn what_is_refused() {
        let good = example!("presence-location").to_string();
        for (from, to) in [
            ("entity=\"pres:someone@example.com\"", ""),
            ("id=\"ub93s3\"", ""),
            ("open<", "away<"),
            ("<status><basic>open</basic></status>", ""),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(Presence::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
