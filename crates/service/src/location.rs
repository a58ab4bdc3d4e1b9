//! The location service: which contacts an address-of-record has registered (RFC 3261 §10.2, §16.5).
//!
//! [`Location`] is the machine; the types below are what is asked of it and what it answers. It does
//! no I/O: what must survive the process it names in [`Persist`], and a store keeps it.

mod contact;
mod record;
mod table;

use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_sip::uri::{Escape, Place};
use std::time::Duration;

pub use table::{Binding, BindingRef, Location, MAX_HOLDERS, Persist, Urgency};

/// An address-of-record in its canonical form: `user@domain`, the user unescaped, the domain in lower
/// case, without scheme, port or parameters (RFC 3261 §10.3 step 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aor(pub Box<str>);

impl Aor {
    /// The user, unescaped.
    pub fn user(&self) -> &str {
        self.parts().0
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// It as a `sip` URI, the user escaped where RFC 3261 §25.1 wants it.
    pub fn uri(&self) -> impl std::fmt::Display {
        let (user, domain) = self.parts();
        std::fmt::from_fn(move |f| write!(f, "sip:{}@{domain}", Escape(user, Place::User)))
    }

    fn parts(&self) -> (&str, &str) {
        // A user may hold an `@`, a domain may not.
        self.0.rsplit_once('@').unwrap_or(("", &self.0))
    }
}

/// What a lookup is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Everything registered for an address-of-record.
    Aor(Aor),
    /// One instance of it, named by a GRUU (RFC 5627 §6.1).
    Instance(Aor, Gruu),
    /// Whoever registered exactly this contact URI, also when its host cannot be resolved
    /// (`sip:x@y.invalid`).
    Contact(Box<str>),
}

impl Wanted {
    /// Whether it exists only while somebody has registered it: a contact, or a temporary GRUU, which dies
    /// with its era (RFC 5627 §5.3). Nobody knows of it afterwards: 404 and not 480.
    pub const fn is_of_bindings_only(&self) -> bool {
        matches!(self, Self::Contact(_) | Self::Instance(_, Gruu::Temporary(_)))
    }
}

/// How a GRUU names an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Gruu {
    /// A public one: by its `+sip.instance`.
    Public(Box<str>),
    /// A temporary one: by the era in which it was made.
    Temporary(Era),
}

/// A stretch of an instance's life in which all temporary GRUUs made in it are good (RFC 5627 §5.1, §5.3):
/// it begins with the first contact of the instance, or with a REGISTER that has another Call-ID than the one
/// before, and ends with the next era or the last contact. Another era is another number, unless a phone goes
/// back to a Call-ID that it had before, which RFC 3261 §8.1.1.4 does not expect of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Era(pub u64);

/// Where a request may go, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Located {
    /// The contacts that can be reached.
    pub targets: Vec<Target>,
    /// Contacts exist, but the connection of each has died (RFC 5626 §5.3: 430, or 480).
    pub only_dead_flows: bool,
    /// Whether the directory knows such a user at all: 404 or 480.
    pub known: bool,
    /// Who registered it, where a contact was looked up.
    pub owner: Option<Aor>,
}

/// One contact of a [`Located`].
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The contact URI as it was registered.
    pub uri: Box<str>,
    /// Preference in thousandths (RFC 3261 §20.10).
    pub q: u16,
    /// The flow it registered over.
    pub flow: Flow,
    /// The Path that it registered with (RFC 3327 §5), the topmost first; empty when none.
    pub path: Vec<Box<str>>,
    /// The instance, when it has one (RFC 5626 §4.1); contacts of one instance are tried one at a time.
    pub instance: Option<Box<str>>,
    /// Whether requests go over `flow` and nowhere else: outbound, a connection, or an address
    /// that differs from the contact's.
    pub by_flow: bool,
}

/// What a REGISTER asks for, checked and authenticated.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Whose contacts.
    pub aor: Aor,
    /// Orders the requests of one phone (RFC 3261 §10.3 step 7).
    pub call_id: Box<str>,
    /// Orders the requests of one phone.
    pub cseq: u32,
    /// The flow it came over.
    pub flow: Flow,
    /// Its Path (RFC 3327).
    pub path: Vec<Box<str>>,
    /// What to do.
    pub action: Change,
}

/// What to do with the contacts of an address-of-record.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Only list them.
    Fetch,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// Add, refresh or remove each; all or none (RFC 3261 §10.3 step 7).
    Update(Vec<ContactChange>),
}

/// One Contact value of a REGISTER, its expiry already within the registrar's bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactChange {
    /// The URI as written.
    pub uri: Box<str>,
    /// Preference in thousandths.
    pub q: u16,
    /// For how long; zero removes it.
    pub expires: Duration,
    /// `+sip.instance`, without quotes (RFC 5626 §4.1).
    pub instance: Option<Box<str>>,
    /// `reg-id`; 0 when absent (RFC 5626 §4.2).
    pub reg_id: u32,
    /// Whether the request asked for outbound and has a single Via (RFC 5626 §6).
    pub outbound: bool,
}

/// What is registered now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registered {
    /// Every contact that has not expired.
    pub bindings: Vec<BindingFact>,
    /// Whether a contact is new, has moved or was removed, and none was only refreshed.
    pub changed: bool,
}

/// One contact of a [`Registered`].
#[derive(Clone, Debug, PartialEq)]
pub struct BindingFact {
    /// The URI as it was registered.
    pub uri: Box<str>,
    /// Preference in thousandths.
    pub q: u16,
    /// When it ends.
    pub expires_at: Instant,
    /// `+sip.instance`.
    pub instance: Option<Box<str>>,
    /// `reg-id`; 0 when absent.
    pub reg_id: u32,
    /// What temporary GRUUs of its instance are made for; `None` without an instance.
    pub era: Option<Era>,
}

/// Why a REGISTER changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// RFC 3261 §10.3 step 7: an older request of the same Call-ID.
    #[error("a later request of this phone was already handled")]
    OutOfOrder,
    /// The address has as many contacts as it may have.
    #[error("too many contacts for one address")]
    TooMany,
    /// It could not be kept on disk.
    #[error("the registration could not be stored")]
    NotStored,
}
