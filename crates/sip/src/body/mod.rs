//! Bodies that hold other things: several parts (RFC 5621, RFC 2046 §5.1), pieces of SIP messages (RFC 3420);
//! and what the event packages tell: dialogs (RFC 4235), conferences (RFC 4575), waiting messages (RFC 3842),
//! registrations (RFC 3680), presence (RFC 3863).

pub mod conference_info;
pub mod dialog_info;
mod head;
pub mod message_summary;
pub mod multipart;
pub mod presence;
pub mod reginfo;
pub mod sipfrag;
mod versions;
pub mod xml;

pub use conference_info::ConferenceInfo;
pub use dialog_info::DialogInfo;
pub use head::Head;
pub use message_summary::MessageSummary;
pub use multipart::{Multipart, NewPart, Part};
pub use presence::Presence;
pub use reginfo::Reginfo;
pub use sipfrag::Sipfrag;
pub use versions::{Completeness, Merged};
