//! Text to SIP messages and back: framing, grammar, URIs, typed headers, SDP, digest arithmetic.

mod build;
mod edit;
mod frame;
pub mod digest;
mod grammar;
pub mod header;
pub mod limits;
mod malformed;
mod method;
mod name;
mod parse;
mod reject;
mod scan;
mod status;
mod top_via;
mod view;
pub mod params;
pub mod uri;

pub use build::Builder;
pub use edit::Edits;
pub use frame::{Frame, Framer};
pub use header::Header;
pub use malformed::Malformed;
pub use method::Method;
pub use name::Name;
pub use reject::{Reject, RejectWhy};
pub use status::Status;
pub use top_via::{Rport, TopVia};
pub use uri::{Scheme, UriRef};
pub use view::{Line, Value, View};
