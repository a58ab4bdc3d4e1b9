//! Bodies that hold other things: several parts (RFC 5621, RFC 2046 §5.1), pieces of SIP messages (RFC 3420).

mod head;
pub mod multipart;
pub mod sipfrag;

pub use head::Head;
pub use multipart::{Multipart, NewPart, Part};
pub use sipfrag::Sipfrag;
