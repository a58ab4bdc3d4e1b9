//! `application/reginfo+xml` (RFC 3680): where somebody is registered.
//!
//! A registrar writes a [`Reginfo`]; a subscriber keeps a [`Table`] and merges each into it. Elements
//! of other namespaces are passed over (§5.1).
//!
//! ```
//! use cordboard_sip::body::Reginfo;
//! let info = Reginfo::parse(
//!     b"<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"0\" state=\"full\">\
//!       <registration aor=\"sip:user@example.com\" id=\"as9\" state=\"init\"/></reginfo>",
//! )?;
//! assert_eq!(info.registrations[0].aor, "sip:user@example.com");
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt;

use super::versions::{Completeness, Merged};
use super::xml::{Element, Writer, number, words};
use crate::Malformed;

/// The media type.
pub const MEDIA_TYPE: &str = "application/reginfo+xml";

/// Registrations that a [`Table`] keeps, and contacts that each of them has; more are dropped, and
/// [`Table::merge`] says so.
pub const MAX_ROWS: usize = 256;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:reginfo";

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reginfo {
    /// Counts the documents of a subscription, from 0, one by one.
    pub version: u32,
    /// Whether it has everything, or what changed.
    pub state: Completeness,
    /// The addresses-of-record.
    pub registrations: Vec<Registration>,
}

/// An address-of-record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its URI.
    pub aor: String,
    /// What identifies it in these documents.
    pub id: String,
    /// How it stands.
    pub state: State,
    /// Where it is bound to.
    pub contacts: Vec<Contact>,
}

words! {
    /// How a registration stands (§4.7.1).
    State: "the state of a registration is none",
    /// There is nothing.
    Init = "init",
    /// There are contacts.
    Active = "active",
    /// The last contact has just gone.
    Terminated = "terminated",
}

/// A contact of an address-of-record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// What identifies it in these documents.
    pub id: String,
    /// Its URI.
    pub uri: String,
    /// How it stands.
    pub state: ContactState,
    /// What brought it there.
    pub event: Event,
    /// For how many seconds it has been bound.
    pub duration_registered: Option<u64>,
    /// In how many seconds it expires; has to be there after [`Event::Shortened`].
    pub expires: Option<u64>,
    /// In how many seconds its owner may register again; has to be there after [`Event::Probation`].
    pub retry_after: Option<u64>,
    /// Its preference among the others, as text.
    pub q: Option<String>,
    /// The Call-ID of the last REGISTER for it.
    pub call_id: Option<String>,
    /// The number of that REGISTER.
    pub cseq: Option<u64>,
    /// The name that is shown.
    pub display_name: Option<String>,
    /// The parameters that RFC 3261 does not have; "" for those without value.
    pub unknown_params: Vec<(String, String)>,
}

words! {
    /// How a contact stands (§4.7.2).
    ContactState: "the state of a contact is none",
    /// It is bound.
    Active = "active",
    /// It is no longer.
    Terminated = "terminated",
}

words! {
    /// What brought a contact to its state (§4.7.2).
    Event: "the event of a contact is none",
    /// A REGISTER made it.
    Registered = "registered",
    /// Somebody else made it.
    Created = "created",
    /// A REGISTER prolonged it.
    Refreshed = "refreshed",
    /// Somebody else shortened it, so that it registers again.
    Shortened = "shortened",
    /// Nobody prolonged it.
    Expired = "expired",
    /// Somebody else ended it, and it should register again at once.
    Deactivated = "deactivated",
    /// Somebody else ended it, and it should register again later.
    Probation = "probation",
    /// A REGISTER ended it.
    Unregistered = "unregistered",
    /// Somebody else ended it, and it should not register again.
    Rejected = "rejected",
}

impl Contact {
    /// A contact of which no more is told.
    pub fn new(id: impl Into<String>, uri: impl Into<String>, state: ContactState, event: Event) -> Self {
        Self {
            id: id.into(),
            uri: uri.into(),
            state,
            event,
            duration_registered: None,
            expires: None,
            retry_after: None,
            q: None,
            call_id: None,
            cseq: None,
            display_name: None,
            unknown_params: Vec::new(),
        }
    }
}

impl Reginfo {
    /// Reads a document.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let root = Element::read(body, NAMESPACE, "reginfo")?;
        Ok(Self {
            version: number(root.required("version")?)?,
            state: Completeness::of(root.required("state")?)?,
            registrations: root.children("registration").map(read_registration).collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Reginfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Writer::new("reginfo", NAMESPACE);
        out.attribute("version", &self.version.to_string()).attribute("state", self.state.as_str());
        for registration in &self.registrations {
            out.start("registration").attribute("aor", &registration.aor);
            out.attribute("id", &registration.id).attribute("state", registration.state.as_str());
            for contact in &registration.contacts {
                write_contact(&mut out, contact);
            }
            out.end();
        }
        f.write_str(&out.finish())
    }
}

/// What a subscriber knows, put together from the documents that came (§5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    version: Option<u32>,
    registrations: Vec<Registration>,
}

impl Table {
    /// Takes in a document. Contacts that had ended before go; those that end with it stay until the
    /// next, so that their end can be seen.
    pub fn merge(&mut self, info: Reginfo) -> Merged {
        let (first, gap) = match self.version {
            Some(version) if info.version < version => return Merged::Old,
            Some(version) => (false, info.version - version > 1),
            None => (true, false),
        };
        self.version = Some(info.version);
        match info.state {
            Completeness::Full => self.registrations.clear(),
            Completeness::Partial => {
                for registration in &mut self.registrations {
                    registration.contacts.retain(|contact| contact.state != ContactState::Terminated);
                }
                self.registrations.retain(|registration| registration.state != State::Terminated);
            }
        }
        let mut dropped = false;
        for mut told in info.registrations {
            let contacts = std::mem::take(&mut told.contacts);
            let known = self.registrations.iter().position(|row| row.id == told.id);
            let room = self.registrations.len() < MAX_ROWS;
            let row = match known.and_then(|at| self.registrations.get_mut(at)) {
                Some(row) => {
                    (row.aor, row.state) = (told.aor, told.state);
                    row
                }
                None if room => self.registrations.push_mut(told),
                None => {
                    dropped = true;
                    continue;
                }
            };
            for contact in contacts {
                let room = row.contacts.len() < MAX_ROWS;
                match row.contacts.iter_mut().find(|known| known.id == contact.id) {
                    Some(known) => *known = contact,
                    None if room => row.contacts.push(contact),
                    None => dropped = true,
                }
            }
        }
        let missing = info.state == Completeness::Partial && (gap || first);
        match () {
            () if missing => Merged::Incomplete,
            () if dropped => Merged::Overfull,
            () => Merged::Taken,
        }
    }

    /// The registrations in the order in which they were first told.
    pub fn registrations(&self) -> &[Registration] {
        &self.registrations
    }
}

fn read_registration(element: &Element) -> Result<Registration, Malformed> {
    Ok(Registration {
        aor: element.required("aor")?.to_owned(),
        id: element.required("id")?.to_owned(),
        state: State::read(element.required("state")?)?,
        contacts: element.children("contact").map(read_contact).collect::<Result<_, _>>()?,
    })
}

fn read_contact(element: &Element) -> Result<Contact, Malformed> {
    let count = |name| element.attribute(name).map(number::<u64>).transpose();
    let param = |param: &Element| -> Result<_, Malformed> {
        Ok((param.required("name")?.to_owned(), param.text().to_owned()))
    };
    Ok(Contact {
        id: element.required("id")?.to_owned(),
        uri: element.owned_text_of("uri").ok_or(Malformed::new("a contact has no URI"))?,
        state: ContactState::read(element.required("state")?)?,
        event: Event::read(element.required("event")?)?,
        duration_registered: count("duration-registered")?,
        expires: count("expires")?,
        retry_after: count("retry-after")?,
        q: element.attribute("q").map(str::to_owned),
        call_id: element.attribute("callid").map(str::to_owned),
        cseq: count("cseq")?,
        display_name: element.owned_text_of("display-name"),
        unknown_params: element.children("unknown-param").map(param).collect::<Result<_, _>>()?,
    })
}

fn write_contact(out: &mut Writer, contact: &Contact) {
    let count = |number: Option<u64>| number.map(|number| number.to_string());
    out.start("contact").attribute("id", &contact.id).attribute("state", contact.state.as_str());
    out.attribute("event", contact.event.as_str());
    out.attribute_if("duration-registered", count(contact.duration_registered).as_deref());
    out.attribute_if("expires", count(contact.expires).as_deref());
    out.attribute_if("retry-after", count(contact.retry_after).as_deref());
    out.attribute_if("q", contact.q.as_deref()).attribute_if("callid", contact.call_id.as_deref());
    out.attribute_if("cseq", count(contact.cseq).as_deref());
    out.leaf("uri", &contact.uri).leaf_if("display-name", contact.display_name.as_deref());
    for (name, value) in &contact.unknown_params {
        out.start("unknown-param").attribute("name", name).text(value).end();
    }
    out.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! example {
        ($name:literal) => {
            Reginfo::parse(include_bytes!(concat!("../../tests/data/events/", $name, ".xml"))).unwrap()
        };
    }

    /// §5.3.
    #[test]
    fn the_example_of_the_standard() {
        let info = example!("reginfo-example");
        assert_eq!((info.version, info.state), (0, Completeness::Full));
        let [registration] = &*info.registrations else { panic!("one registration") };
        assert_eq!((&*registration.aor, registration.state), ("sip:user@example.com", State::Active));
        let [first, second] = &*registration.contacts else { panic!("two contacts") };
        assert_eq!((&*first.uri, first.event), ("sip:user@pc887.example.com", Event::Registered));
        assert_eq!((first.duration_registered, first.q.as_deref()), (Some(7_322), Some("0.8")));
        assert_eq!((second.state, second.event), (ContactState::Terminated, Event::Expired));
        assert_eq!(Reginfo::parse(info.to_string().as_bytes()).unwrap(), info);
    }

    /// §6: the user registers, and the subscriber gets to know.
    #[test]
    fn the_flow_of_the_standard() {
        let mut table = Table::default();
        let first = example!("reginfo-flow-1");
        assert_eq!(table.merge(first.clone()), Merged::Taken);
        assert_eq!(table.registrations()[0].state, State::Init);
        assert_eq!(table.merge(example!("reginfo-flow-2")), Merged::Taken);
        let registration = &table.registrations()[0];
        assert_eq!((registration.state, registration.contacts.len()), (State::Active, 1));
        assert_eq!(registration.contacts[0].uri, "sip:joe@pc34.example.com");
        assert_eq!(table.merge(first), Merged::Old);
    }

    #[test]
    fn contacts_come_and_go() {
        use Completeness::{Full, Partial};
        let info = |version, state, contacts| Reginfo {
            version,
            state,
            registrations: vec![Registration {
                aor: "sip:joe@example.com".into(),
                id: "a7".into(),
                state: State::Active,
                contacts,
            }],
        };
        let bound = |id: &str| Contact::new(id, "sip:joe@192.0.2.1", ContactState::Active, Event::Registered);
        let gone = |id: &str| Contact::new(id, "sip:joe@192.0.2.1", ContactState::Terminated, Event::Expired);
        let ids = |table: &Table| -> Vec<String> {
            table.registrations()[0].contacts.iter().map(|contact| contact.id.clone()).collect()
        };
        let mut table = Table::default();
        assert_eq!(table.merge(info(0, Full, vec![bound("1"), bound("2")])), Merged::Taken);
        assert_eq!(table.merge(info(1, Partial, vec![gone("1"), bound("3")])), Merged::Taken);
        assert_eq!(ids(&table), ["1", "2", "3"]);
        assert_eq!(table.registrations()[0].contacts[0].event, Event::Expired);
        assert_eq!(table.merge(info(3, Partial, vec![bound("4")])), Merged::Incomplete);
        assert_eq!(ids(&table), ["2", "3", "4"]);
        let many = (0..=MAX_ROWS).map(|id| bound(&id.to_string())).collect();
        assert_eq!(table.merge(info(4, Full, many)), Merged::Overfull);
        assert_eq!(ids(&table).len(), MAX_ROWS);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut contact = Contact::new("1", "sip:a@b;x=\"<&>\"", ContactState::Active, Event::Shortened);
        contact.expires = Some(u64::MAX);
        contact.retry_after = Some(0);
        contact.call_id = Some("a'b\"@c".into());
        contact.cseq = Some(7);
        contact.display_name = Some("A & B".into());
        contact.unknown_params =
            vec![("+sip.instance".into(), "\"<urn:uuid:f8>\"".into()), ("x".into(), String::new())];
        let registration = Registration {
            aor: "sip:a@b".into(),
            id: "1".into(),
            state: State::Active,
            contacts: vec![contact],
        };
        let info = Reginfo { version: 1, state: Completeness::Partial, registrations: vec![registration] };
        assert_eq!(Reginfo::parse(info.to_string().as_bytes()).unwrap(), info);
    }

    #[test]
    fn what_is_refused() {
        let good = example!("reginfo-example").to_string();
        for (from, to) in [
            ("version=\"0\"", ""),
            ("state=\"full\"", "state=\"deleted\""),
            ("aor=\"sip:user@example.com\"", ""),
            ("id=\"76\"", ""),
            ("registered\"", "gone\""),
            ("<uri>sip:user@pc887.example.com</uri>", ""),
            ("7322", "7,322"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(Reginfo::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
