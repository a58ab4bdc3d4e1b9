//! Text to SIP messages and back: framing, grammar, URIs, typed headers, SDP, digest arithmetic.
//!
//! Bytes come from a datagram, or from a stream that a [`Framer`] cuts into messages. [`View::parse`] makes one
//! pass over them and finds what dispatch needs, without allocating; the rest is found by [`Name`] and parsed into
//! a typed [`header`] when somebody asks. What it refuses is a [`Reject`], which knows the answer the sender gets.
//! A [`Message`] keeps both for whoever has to wait. A message that goes on is changed by [`Edits`]: splices into
//! one new buffer, everything else byte for byte as it came. A message of our own is written by a [`Builder`].
//!
//! The crate holds no state and knows no time.

mod build;
pub mod digest;
mod digits;
mod edit;
mod frame;
mod grammar;
pub mod header;
// Message: what it is made of, reading, changing, writing.
pub mod limits;
mod malformed;
mod message;
mod method;
mod name;
mod parse;
mod reject;
mod scan;
mod status;
mod top_via;
mod view;

// Header values: what stands behind the colon, and in the body.
pub mod body;
pub mod params;
pub mod sdp;
pub mod uri;

pub use build::Builder;
pub use digits::Decimal;
pub use edit::Edits;
pub use frame::{Frame, Framer};
pub use header::Header;
pub use malformed::Malformed;
pub use message::Message;
pub use method::Method;
pub use name::Name;
pub use reject::{Reject, RejectWhy};
pub use status::Status;
pub use top_via::{Rport, TopVia};
pub use uri::{Scheme, UriRef};
pub use view::{Line, Value, View};
