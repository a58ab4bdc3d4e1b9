//! The arithmetic: H, KD, A1, A2 (RFC 7616 §3.4).

use std::fmt;
use std::str::FromStr;

use md5::Md5;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha512_256};
use subtle::ConstantTimeEq;

use crate::Malformed;

/// A hash function that digest authentication may use (RFC 8760 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// For phones that know no better.
    Md5,
    /// What must be implemented.
    Sha256,
    /// The one in reserve: SHA-512 cut to 256 bits.
    Sha512_256,
}

impl Algorithm {
    /// All, the best first, which is the order to challenge in (RFC 8760 §2.3).
    pub const ALL: [Self; 3] = [Self::Sha512_256, Self::Sha256, Self::Md5];

    /// The token, without `-sess`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// How many hexadecimal digits a digest has.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 | Self::Sha512_256 => 64,
        }
    }

    /// The algorithm that a token names, and whether it is its `-sess` form; case does not count.
    pub fn of(token: &str) -> Option<(Self, bool)> {
        Self::ALL.into_iter().find_map(|algorithm| {
            let name = algorithm.as_str();
            let rest = token.get(name.len()..)?;
            match () {
                () if !token[..name.len()].eq_ignore_ascii_case(name) => None,
                () if rest.is_empty() => Some((algorithm, false)),
                () if rest.eq_ignore_ascii_case("-sess") => Some((algorithm, true)),
                () => None,
            }
        })
    }

    /// H of the parts with colons between them.
    fn hash(self, parts: &[&[u8]]) -> Hex {
        match self {
            Self::Md5 => hash_with::<Md5>(parts),
            Self::Sha256 => hash_with::<Sha256>(parts),
            Self::Sha512_256 => hash_with::<Sha512_256>(parts),
        }
    }

    /// What `username` is when `userhash=true` (RFC 7616 §3.4.4).
    pub fn userhash(self, username: &str, realm: &str) -> Hex {
        self.hash(&[username.as_bytes(), realm.as_bytes()])
    }
}

fn hash_with<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut hasher = D::new();
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    let output: Output<D> = hasher.finalize();
    let mut hex = Hex { digits: [0; 64], len: 0 };
    for octet in &output {
        for half in [octet >> 4, octet & 15] {
            hex.digits[usize::from(hex.len)] = b"0123456789abcdef"[usize::from(half)];
            hex.len += 1;
        }
    }
    hex
}

/// A digest in lower-case hexadecimal digits. No allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex {
    digits: [u8; 64],
    len: u8,
}

impl Hex {
    /// The digits.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits are always UTF-8.
        std::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[..usize::from(self.len)]
    }

    /// Whether another text is the same digest. Takes the same time wherever they differ; the case
    /// of the digits does not count.
    pub fn matches(&self, other: &str) -> bool {
        if other.len() != usize::from(self.len) {
            return false;
        }
        let mut lower = [0; 64];
        for (to, from) in lower.iter_mut().zip(other.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        self.as_bytes().ct_eq(&lower[..other.len()]).into()
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({self})")
    }
}

/// H(username:realm:password): as good as the password, in its realm. What directories store.
///
/// `Debug` does not show it, and equality takes the same time wherever two differ.
#[derive(Clone, Copy)]
pub struct Ha1 {
    algorithm: Algorithm,
    hex: Hex,
}

impl Ha1 {
    /// From a password.
    pub fn new(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> Self {
        let hex = algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        Self { algorithm, hex }
    }

    /// From the hexadecimal digits that were stored.
    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Result<Self, Malformed> {
        if digits.len() != algorithm.hex_len() || !digits.bytes().all(|o| o.is_ascii_hexdigit()) {
            return Err(Malformed::new("a stored digest secret is not the hash it should be"));
        }
        let mut hex = Hex { digits: [0; 64], len: algorithm.hex_len() as u8 };
        for (to, from) in hex.digits.iter_mut().zip(digits.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Ok(Self { algorithm, hex })
    }

    /// Which hash it is.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits, to be stored and shown to nobody.
    pub const fn reveal(&self) -> Hex {
        self.hex
    }

    /// The key of a session, for the `-sess` algorithms (§3.4.2).
    #[must_use]
    pub fn of_session(&self, nonce: &str, cnonce: &str) -> Self {
        let parts = [self.hex.as_bytes(), nonce.as_bytes(), cnonce.as_bytes()];
        Self { algorithm: self.algorithm, hex: self.algorithm.hash(&parts) }
    }

    /// The `response` of a request, or with an empty method the `rspauth` of a response (§3.4.1, §3.5).
    pub(super) fn respond(&self, nonce: &str, qop: Option<Protection<'_>>, request: &Request<'_>) -> Hex {
        let algorithm = self.algorithm;
        let (method, uri) = (request.method.as_bytes(), request.uri.as_bytes());
        let a2 = match qop {
            Some(Protection { qop: Qop::AuthInt, .. }) => {
                // RFC 8760 §2.6: no body is an empty one.
                let body = algorithm.hash(&[request.body]);
                algorithm.hash(&[method, uri, body.as_bytes()])
            }
            Some(Protection { qop: Qop::Auth, .. }) | None => algorithm.hash(&[method, uri]),
        };
        let (a1, nonce, a2) = (self.hex.as_bytes(), nonce.as_bytes(), a2.as_bytes());
        match qop {
            Some(Protection { qop, nc, cnonce }) => {
                algorithm.hash(&[a1, nonce, nc.as_bytes(), cnonce.as_bytes(), qop.as_str().as_bytes(), a2])
            }
            // RFC 2617 §3.2.2.1: a peer that knows no qop.
            None => algorithm.hash(&[a1, nonce, a2]),
        }
    }
}

impl PartialEq for Ha1 {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.hex.digits.ct_eq(&other.hex.digits).into()
    }
}

impl Eq for Ha1 {}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({}, ***)", self.algorithm.as_str())
    }
}

/// What of a message goes into a digest.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI as the credentials name it.
    pub uri: &'a str,
    /// The body, which counts with `auth-int`.
    pub body: &'a [u8],
}

/// The quality of protection with what it takes.
#[derive(Clone, Copy)]
pub(super) struct Protection<'a> {
    pub(super) qop: Qop,
    pub(super) nc: &'a str,
    pub(super) cnonce: &'a str,
}

/// Quality of protection (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// Of the request line.
    Auth,
    /// Of the request line and the body.
    AuthInt,
}

impl Qop {
    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

impl FromStr for Qop {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        [Self::Auth, Self::AuthInt]
            .into_iter()
            .find(|qop| qop.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or(Malformed::new("qop is neither auth nor auth-int"))
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_algorithms() {
        assert_eq!(Algorithm::of("md5"), Some((Algorithm::Md5, false)));
        assert_eq!(Algorithm::of("SHA-256-SESS"), Some((Algorithm::Sha256, true)));
        assert_eq!(Algorithm::of("SHA-512-256"), Some((Algorithm::Sha512_256, false)));
        for other in ["", "SHA-512", "MD5x", "AKAv1-MD5", "\u{e4}\u{e4}"] {
            assert_eq!(Algorithm::of(other), None, "{other}");
        }
    }

    /// RFC 8760 §2.6: the hash of an empty body.
    #[test]
    fn an_empty_body_has_a_hash() {
        assert_eq!(
            Algorithm::Sha256.hash(&[b""]).as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    /// RFC 2617 §3.5, where the password is "Circle Of Life" and there is a qop.
    #[test]
    fn the_old_example() {
        let secret = Ha1::new(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(secret.reveal().as_str(), "939e7578ed9e3c518a452acee763bce9");
        let request = Request { method: "GET", uri: "/dir/index.html", body: b"" };
        let protection = Protection { qop: Qop::Auth, nc: "00000001", cnonce: "0a4f113b" };
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let response = secret.respond(nonce, Some(protection), &request);
        assert!(response.matches("6629fae49393A05397450978507c4ef1"));
        assert!(!response.matches("6629fae49393A05397450978507c4ef2"));
        assert!(!response.matches(""));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Ha1::new(Algorithm::Sha256, "alice", "x", "pw");
        assert_eq!(format!("{secret:?}"), "Ha1(SHA-256, ***)");
        let again = Ha1::from_hex(Algorithm::Sha256, secret.reveal().as_str()).unwrap();
        assert_eq!(again, secret);
        assert_ne!(Ha1::new(Algorithm::Sha256, "alice", "x", "pW"), secret);
        assert!(Ha1::from_hex(Algorithm::Sha256, "00").is_err());
        assert!(Ha1::from_hex(Algorithm::Md5, &"g".repeat(32)).is_err());
    }

    /// RFC 7616 §3.9.2 as corrected by its erratum.
    #[test]
    fn a_hashed_username() {
        assert_eq!(
            Algorithm::Sha512_256.userhash("J\u{e4}s\u{f8}n Doe", "api@example.org").as_str(),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
    }
}
