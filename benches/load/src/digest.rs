//! Answering a digest challenge with MD5: RFC 2617 §3.2.2, with and without `qop`.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// The client nonce; a server may not care, and a fixed one keeps runs alike.
const CNONCE: &str = "0a4f113b";

/// What a challenge asks, as far as it is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Challenge<'a> {
    realm: &'a str,
    nonce: &'a str,
    opaque: Option<&'a str>,
    auth: bool,
}

/// Whose answer it is, and to what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credentials<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
}

impl<'a> Challenge<'a> {
    /// Reads a challenge; `None` when it is not one for MD5.
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let mut rest = str::from_utf8(value).ok()?.strip_prefix("Digest ")?;
        let [mut realm, mut nonce, mut opaque, mut qop] = [None; 4];
        while let Some((name, value)) = rest.split_once('=') {
            let (value, tail) = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => value.split_at(value.find(',').unwrap_or(value.len())),
            };
            match name.trim_matches([',', ' ']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "nonce" => nonce = Some(value),
                "opaque" => opaque = Some(value),
                "qop" => qop = Some(value),
                "algorithm" if !value.trim().eq_ignore_ascii_case("MD5") => return None,
                _ => {}
            }
            rest = tail;
        }
        let auth = qop.is_some_and(|qop| qop.split(',').any(|option| option.trim() == "auth"));
        Some(Self { realm: realm?, nonce: nonce?, opaque, auth })
    }

    /// The value of the Authorization header that answers it.
    pub(crate) fn answer(&self, credentials: Credentials<'_>) -> String {
        let Credentials { user, password, method, uri } = credentials;
        let Self { realm, nonce, opaque, auth } = *self;
        let ha1 = md5_hex(&format!("{user}:{realm}:{password}"));
        let ha2 = md5_hex(&format!("{method}:{uri}"));
        let response = if auth {
            md5_hex(&format!("{ha1}:{nonce}:00000001:{CNONCE}:auth:{ha2}"))
        } else {
            md5_hex(&format!("{ha1}:{nonce}:{ha2}"))
        };
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5"
        );
        if auth {
            value += ", qop=auth, nc=00000001, cnonce=\"";
            value += CNONCE;
            value.push('"');
        }
        if let Some(opaque) = opaque {
            value += ", opaque=\"";
            value += opaque;
            value.push('"');
        }
        value
    }
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text).iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5.
    const EXAMPLE: &[u8] = b"Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";

    const MUFASA: Credentials<'_> =
        Credentials { user: "Mufasa", password: "Circle Of Life", method: "GET", uri: "/dir/index.html" };

    #[test]
    fn rfc_2617_example_with_qop() {
        let answer = Challenge::parse(EXAMPLE).unwrap().answer(MUFASA);
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{answer}");
    }

    #[test]
    fn without_qop_it_is_the_older_formula() {
        let challenge = Challenge::parse(b"Digest realm=\"r\", nonce=\"n\"").unwrap();
        assert!(!challenge.auth);
        let expected =
            md5_hex(&format!("{}:n:{}", md5_hex("Mufasa:r:Circle Of Life"), md5_hex("GET:/dir/index.html")));
        assert!(challenge.answer(MUFASA).contains(&expected));
    }

    #[test]
    fn another_algorithm_is_left_alone() {
        let sha = b"Digest realm=\"r\", algorithm=SHA-256, nonce=\"n\"";
        assert_eq!(Challenge::parse(sha), None);
        let md5 = b"Digest realm=\"r\", algorithm=MD5, nonce=\"n\"";
        assert!(Challenge::parse(md5).is_some());
    }
}
