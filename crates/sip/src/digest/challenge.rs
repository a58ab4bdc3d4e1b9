//! `WWW-Authenticate` and `Proxy-Authenticate` (RFC 3261 §20.44, §20.27; RFC 7616 §3.3; RFC 8760).

use std::fmt;

use super::credentials::{Credentials, NonceCount};
use super::fields::{Field, List, Others, fields, is_true, split_scheme};
use super::hash::{Algorithm, Ha1, Protection, Qop, Request};
use crate::grammar::{comma_list, one_line, trim};
use crate::{Header, Malformed, Name};

/// A Digest challenge with an algorithm that we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is asked for.
    pub realm: Box<str>,
    /// What goes into the answer once.
    pub nonce: Box<str>,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether the key is to be one of a session (`-sess`).
    pub session: bool,
    /// What the server offers; none for one of before RFC 2617.
    pub qop: Vec<Qop>,
    /// To be given back as it is.
    pub opaque: Option<Box<str>>,
    /// The nonce of the refused request was too old, the password may well be right.
    pub stale: bool,
    /// The URIs for which the answer holds, separated by spaces.
    pub domain: Option<Box<str>>,
    /// Whether the user's name may be hashed (RFC 7616 §3.4.4).
    pub userhash: bool,
    others: Others,
}

impl Challenge {
    /// A challenge with `qop="auth"`.
    pub fn new(algorithm: Algorithm, realm: &str, nonce: &str) -> Self {
        Self {
            realm: realm.into(),
            nonce: nonce.into(),
            algorithm,
            session: false,
            qop: vec![Qop::Auth],
            opaque: None,
            stale: false,
            domain: None,
            userhash: false,
            others: Others::default(),
        }
    }

    /// The same, telling that the nonce was too old.
    #[must_use]
    pub const fn with_stale(mut self, stale: bool) -> Self {
        self.stale = stale;
        self
    }

    /// The value of a parameter that this type has no field for.
    pub fn other(&self, name: &str) -> Option<&str> {
        self.others.get(name)
    }

    /// The credentials that answer this challenge. `secret` must be of the challenge's algorithm;
    /// `auth-int` is chosen when nothing else is offered.
    ///
    /// # Panics
    /// If the secret is of another algorithm: whoever chose the challenge has the right one.
    pub fn answer(
        &self,
        username: &str,
        secret: &Ha1,
        request: &Request<'_>,
        nonce_count: u32,
        cnonce: &str,
    ) -> Credentials<'static> {
        assert_eq!(secret.algorithm(), self.algorithm, "the secret fits the challenge");
        let qop = if self.qop.contains(&Qop::Auth) { Some(Qop::Auth) } else { self.qop.first().copied() };
        let nc = NonceCount::new(nonce_count);
        let key = if self.session { secret.of_session(&self.nonce, cnonce) } else { *secret };
        let protection = qop.map(|qop| Protection { qop, nc: nc.as_str(), cnonce });
        let response = key.respond(&self.nonce, protection, request);
        let mut credentials = Credentials::bare(self.algorithm, self.session);
        credentials.username = if self.userhash {
            self.algorithm.userhash(username, &self.realm).to_string().into()
        } else {
            username.to_owned().into()
        };
        credentials.userhash = self.userhash;
        credentials.realm = self.realm.to_string().into();
        credentials.nonce = self.nonce.to_string().into();
        credentials.uri = request.uri.to_owned().into();
        credentials.response = response.to_string().into();
        credentials.opaque = self.opaque.as_ref().map(|opaque| opaque.to_string().into());
        // A session key needs its cnonce even where there is no qop.
        if qop.is_some() || self.session {
            credentials.cnonce = Some(cnonce.to_owned().into());
        }
        if let Some(qop) = qop {
            credentials.qop = Some(qop);
            credentials.nc = Some(nc);
        }
        credentials
    }

    fn read(text: &str) -> Result<Option<Self>, Malformed> {
        let mut challenge = Self::new(Algorithm::Md5, "", "");
        challenge.qop.clear();
        let (mut realm, mut nonce) = (None, None);
        for field in fields(text) {
            let field = field?;
            let text = || Box::<str>::from(&*field.value);
            match () {
                () if field.is("realm") => realm = Some(text()),
                () if field.is("nonce") => nonce = Some(text()),
                () if field.is("opaque") => challenge.opaque = Some(text()),
                () if field.is("domain") => challenge.domain = Some(text()),
                () if field.is("stale") => challenge.stale = is_true(&field.value),
                () if field.is("userhash") => challenge.userhash = is_true(&field.value),
                () if field.is("qop") => challenge.qop = read_qops(&field),
                () if field.is("algorithm") => match Algorithm::of(trim(&field.value)) {
                    Some((algorithm, session)) => {
                        challenge.algorithm = algorithm;
                        challenge.session = session;
                    }
                    None => return Ok(None),
                },
                () => challenge.others.keep(&field),
            }
        }
        challenge.realm = realm.ok_or(Malformed::new("a challenge lacks its realm"))?;
        challenge.nonce = nonce.ok_or(Malformed::new("a challenge lacks its nonce"))?;
        Ok(Some(challenge))
    }
}

/// Qualities that are not known are skipped (RFC 7616 §3.3).
fn read_qops(field: &Field<'_>) -> Vec<Qop> {
    comma_list(&field.value).filter_map(|qop| qop.parse().ok()).collect()
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest ")?;
        let mut list = List::new(f);
        list.quoted("realm", &self.realm)?;
        if let Some(domain) = &self.domain {
            list.quoted("domain", domain)?;
        }
        if !self.qop.is_empty() {
            let offered: Vec<_> = self.qop.iter().map(|qop| qop.as_str()).collect();
            list.quoted("qop", &offered.join(","))?;
        }
        let sess = if self.session { "-sess" } else { "" };
        list.plain("algorithm", format_args!("{}{sess}", self.algorithm.as_str()))?;
        list.quoted("nonce", &self.nonce)?;
        if let Some(opaque) = &self.opaque {
            list.quoted("opaque", opaque)?;
        }
        if self.stale {
            list.plain("stale", "true")?;
        }
        if self.userhash {
            list.plain("userhash", "true")?;
        }
        self.others.print(&mut list)
    }
}

/// A challenge or credentials of a scheme, or with an algorithm, that we do not know: to be ignored
/// (RFC 8760 §2.4) and forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The scheme's token.
    pub name: Box<str>,
    /// What follows it, on one line.
    pub rest: Box<str>,
}

impl Scheme {
    pub(super) fn read(name: &str, rest: &str) -> Result<Self, Malformed> {
        Ok(Self { name: name.into(), rest: (&*one_line(rest)?).into() })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rest)
    }
}

macro_rules! challenge_headers {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            /// One that we can answer.
            Digest(Box<Challenge>),
            /// One that is to be ignored.
            Other(Scheme),
        }

        impl $type {
            /// The challenge, if we can answer it. Of several take the topmost (RFC 8760 §2.4).
            pub fn digest(&self) -> Option<&Challenge> {
                match self {
                    Self::Digest(challenge) => Some(challenge),
                    Self::Other(_) => None,
                }
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                let (name, rest) = split_scheme(value)?;
                if name.eq_ignore_ascii_case("Digest")
                    && let Some(challenge) = Challenge::read(rest)?
                {
                    return Ok(Self::Digest(Box::new(challenge)));
                }
                Scheme::read(name, rest).map(Self::Other)
            }
        }

        impl From<Challenge> for $type {
            fn from(challenge: Challenge) -> Self {
                Self::Digest(Box::new(challenge))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Digest(challenge) => challenge.fmt(f),
                    Self::Other(scheme) => scheme.fmt(f),
                }
            }
        }
    )*};
}

challenge_headers! {
    /// A registrar's or phone's challenge, with 401.
    WwwAuthenticate, WWW_AUTHENTICATE;
    /// A proxy's challenge, with 407.
    ProxyAuthenticate, PROXY_AUTHENTICATE;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn challenge(value: &str) -> Challenge {
        WwwAuthenticate::parse(value).unwrap().digest().unwrap().clone()
    }

    /// RFC 3261 §20.44 and §20.27.
    #[test]
    fn examples_of_the_standard() {
        let c = challenge(
            "Digest realm=\"atlanta.com\",\r\n domain=\"sip:boxesbybob.com\", qop=\"auth\",\r\n nonce=\"f84f1cec41e6cbe5aea9c8e88d359\",\r\n opaque=\"\", stale=FALSE, algorithm=MD5",
        );
        assert_eq!((&*c.realm, c.opaque.as_deref(), c.stale), ("atlanta.com", Some(""), false));
        assert_eq!(
            c.to_string(),
            "Digest realm=\"atlanta.com\", domain=\"sip:boxesbybob.com\", qop=\"auth\", algorithm=MD5, \
             nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\""
        );
    }

    /// RFC 7616 §3.9.2.
    #[test]
    fn userhash_and_what_has_no_field() {
        let c = challenge(
            "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, nonce=\"5TsQ\", opaque=\"HRPC\", charset=UTF-8, userhash=true",
        );
        assert!(c.userhash);
        assert_eq!(c.other("charset"), Some("UTF-8"));
        assert!(c.to_string().ends_with("userhash=true, charset=UTF-8"));
    }

    #[test]
    fn what_phones_and_servers_send() {
        let c = challenge("digest Realm=x,nonce=\"n\",algorithm=\"MD5\",qop=auth,stale=\"TRUE\"");
        assert_eq!((&*c.realm, c.algorithm, c.stale), ("x", Algorithm::Md5, true));
        assert_eq!(c.qop, [Qop::Auth]);
        assert_eq!(challenge("Digest realm=\"a\", nonce=\"b\"").qop, []);
        assert_eq!(
            challenge("Digest realm=\"a\", nonce=\"b\", qop=\"auth-int,auth,x\"").qop,
            [Qop::AuthInt, Qop::Auth]
        );
    }

    #[test]
    fn what_is_not_known_is_ignored_and_kept() {
        for value in
            ["Digest realm=\"a\", nonce=\"b\", algorithm=AKAv1-MD5", "NTLM realm=\"x\", x=y", "Negotiate"]
        {
            let header = WwwAuthenticate::parse(value).unwrap();
            assert_eq!(header.digest(), None);
            assert_eq!(header.to_string().trim_end(), value);
        }
    }

    #[test]
    fn what_is_refused() {
        for bad in ["", "Digest", "Digest realm=\"a\"", "Digest nonce=\"a\"", "Digest realm=\"a, nonce=b"] {
            assert!(ProxyAuthenticate::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            realm in "[^\\pC]{0,12}",
            nonce in "[^\\pC]{0,12}",
            algorithm in prop::sample::select(&Algorithm::ALL),
            session in any::<bool>(),
            qop in prop::sample::select(vec![vec![], vec![Qop::Auth], vec![Qop::AuthInt], vec![Qop::AuthInt, Qop::Auth]]),
            opaque in proptest::option::of("[!-~]{0,9}"),
            stale in any::<bool>(),
            userhash in any::<bool>(),
        ) {
            let mut challenge = Challenge::new(algorithm, realm.trim(), nonce.trim());
            challenge.session = session;
            challenge.qop = qop;
            challenge.opaque = opaque.map(Into::into);
            challenge.stale = stale;
            challenge.userhash = userhash;
            let header = WwwAuthenticate::from(challenge);
            prop_assert_eq!(WwwAuthenticate::parse(&header.to_string()).unwrap(), header);
        }

        #[test]
        fn nothing_panics(text in "(Digest )?[ -~]{0,40}") {
            let _ = WwwAuthenticate::parse(&text);
        }
    }
}
