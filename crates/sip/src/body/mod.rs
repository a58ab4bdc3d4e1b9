//! Bodies that hold other things: several parts (RFC 5621, RFC 2046 §5.1), pieces of SIP messages (RFC 3420);
//! and what the event packages tell: dialogs (RFC 4235).

pub mod dialog_info;
mod head;
pub mod multipart;
pub mod sipfrag;
mod versions;
pub mod xml;

pub use dialog_info::DialogInfo;
pub use head::Head;
pub use multipart::{Multipart, NewPart, Part};
pub use sipfrag::Sipfrag;
pub use versions::{Completeness, Merged};
