//! `Authentication-Info` (RFC 3261 §20.6, RFC 7616 §3.5): what a server says after success.

use std::fmt;

use super::fields::{List, Others, fields};
use super::hash::Qop;
use crate::{Header, Malformed, Name};

/// The next nonce, and proof that the server knows the secret too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The nonce to use from now on.
    pub nextnonce: Option<Box<str>>,
    /// What `rspauth` protects.
    pub qop: Option<Qop>,
    /// The server's digest.
    pub rspauth: Option<Box<str>>,
    /// The client's nonce of the request.
    pub cnonce: Option<Box<str>>,
    /// The count of the request, as written.
    pub nc: Option<Box<str>>,
    others: Others,
}

impl Header for AuthenticationInfo {
    const NAME: Name = Name::AUTHENTICATION_INFO;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let mut info = Self::default();
        for field in fields(value) {
            let field = field?;
            let text = || Some(Box::<str>::from(&*field.value));
            match () {
                () if field.is("nextnonce") => info.nextnonce = text(),
                () if field.is("qop") => info.qop = Some(field.value.parse()?),
                () if field.is("rspauth") => info.rspauth = text(),
                () if field.is("cnonce") => info.cnonce = text(),
                () if field.is("nc") => {
                    if field.value.is_empty() || !field.value.bytes().all(|o| o.is_ascii_hexdigit()) {
                        return Err(Malformed::new("nc is no count in hexadecimal digits"));
                    }
                    info.nc = text();
                }
                () => info.others.keep(&field),
            }
        }
        Ok(info)
    }
}

impl fmt::Display for AuthenticationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List::new(f);
        if let Some(nextnonce) = &self.nextnonce {
            list.quoted("nextnonce", nextnonce)?;
        }
        if let Some(qop) = self.qop {
            list.plain("qop", qop)?;
        }
        if let Some(rspauth) = &self.rspauth {
            list.quoted("rspauth", rspauth)?;
        }
        if let Some(cnonce) = &self.cnonce {
            list.quoted("cnonce", cnonce)?;
        }
        if let Some(nc) = &self.nc {
            list.plain("nc", nc)?;
        }
        self.others.print(&mut list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithm, Challenge, Credentials, Ha1, Request};

    /// RFC 3261 §20.6.
    #[test]
    fn example_of_the_standard() {
        let info = AuthenticationInfo::parse("nextnonce=\"47364c23432d2e131a5fb210812c\"").unwrap();
        assert_eq!(info.nextnonce.as_deref(), Some("47364c23432d2e131a5fb210812c"));
        assert_eq!(info.to_string(), "nextnonce=\"47364c23432d2e131a5fb210812c\"");
        let all = "nextnonce=\"n\", qop=auth-int, rspauth=\"ab\", cnonce=\"c\", nc=00000001, x=y";
        assert_eq!(AuthenticationInfo::parse(all).unwrap().to_string(), all);
        assert!(AuthenticationInfo::parse("nc=\"\"").is_err());
    }

    /// RFC 7616 §3.5: A2 of a response has no method, so that it never equals the request's digest.
    #[test]
    fn the_server_proves_itself() {
        let secret = Ha1::new(Algorithm::Md5, "a", "r", "p");
        let request = Request { method: "REGISTER", uri: "sip:r", body: b"" };
        let text =
            Challenge::new(Algorithm::Md5, "r", "n").answer("a", &secret, &request, 1, "c").to_string();
        let credentials = Credentials::read(&text).unwrap();
        let proof = credentials.response_auth(&secret, b"");
        assert!(!proof.matches(&credentials.response));
        assert_eq!(proof.as_str(), "97c854c82d566cf9c5e3c46fe9201045");
    }
}
