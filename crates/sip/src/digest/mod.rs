//! Digest authentication: challenges, credentials and their arithmetic (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! ```
//! use cordboard_sip::digest::{Algorithm, Challenge, Credentials, Ha1, Request};
//! // The server asks.
//! let challenge = Challenge::new(Algorithm::Sha256, "example.com", "a-nonce");
//! // The phone answers.
//! let secret = Ha1::new(Algorithm::Sha256, "alice", "example.com", "open sesame");
//! let request = Request { method: "REGISTER", uri: "sip:example.com", body: b"" };
//! let credentials = challenge.answer("alice", &secret, &request, 1, "a-cnonce");
//! // The server checks.
//! let sent = credentials.to_string();
//! assert!(Credentials::read(&sent)?.is_answered_with(&secret, &request));
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

mod challenge;
mod credentials;
mod fields;
mod hash;
mod info;

pub use challenge::{Challenge, ProxyAuthenticate, Scheme, WwwAuthenticate};
pub use credentials::{Authorization, Credentials, NonceCount, ProxyAuthorization};
pub use hash::{Algorithm, Ha1, Hex, Qop, Request};
pub use info::AuthenticationInfo;
