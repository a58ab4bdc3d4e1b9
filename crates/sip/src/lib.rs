//! Text to SIP messages and back: framing, grammar, URIs, typed headers, SDP, digest arithmetic.

pub mod digest;
mod grammar;
pub mod header;
pub mod limits;
mod malformed;
mod method;
mod name;
pub mod params;
mod status;
pub mod uri;

pub use header::Header;
pub use malformed::Malformed;
pub use method::Method;
pub use name::Name;
pub use status::Status;
