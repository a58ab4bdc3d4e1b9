//! `Authorization` and `Proxy-Authorization` (RFC 3261 §20.7, §20.28; RFC 7616 §3.4).

use std::borrow::Cow;
use std::fmt;

use super::challenge::Scheme;
use super::fields::{List, Others, fields, is_true, split_scheme};
use super::hash::{Algorithm, Ha1, Protection, Qop, Request};
use crate::grammar::trim;
use crate::{Header, Malformed, Name, uri};

/// How often a nonce was used, as the peer wrote it: up to eight hexadecimal digits, which go into
/// the digest as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NonceCount {
    text: [u8; 8],
    len: u8,
    value: u32,
}

impl NonceCount {
    /// The count in eight digits.
    pub fn new(value: u32) -> Self {
        let mut text = [0; 8];
        for (n, digit) in text.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(value >> (28 - 4 * n)) as usize & 15];
        }
        Self { text, len: 8, value }
    }

    fn read(digits: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed::new("nc is no count of up to eight hexadecimal digits");
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|o| o.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let mut text = [0; 8];
        text[..digits.len()].copy_from_slice(digits.as_bytes());
        let value = u32::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        Ok(Self { text, len: digits.len() as u8, value })
    }

    /// The number.
    pub const fn value(&self) -> u32 {
        self.value
    }

    /// The digits as written.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits are always UTF-8.
        std::str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or("")
    }
}

impl fmt::Debug for NonceCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NonceCount({})", self.as_str())
    }
}

/// Digest credentials. They borrow the header's text where no escape stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who; a hash if `userhash`.
    pub username: Cow<'a, str>,
    /// Whether the name is hashed (RFC 7616 §3.4.4).
    pub userhash: bool,
    /// Whose password was asked for.
    pub realm: Cow<'a, str>,
    /// The challenge's nonce.
    pub nonce: Cow<'a, str>,
    /// The Request-URI that was digested.
    pub uri: Cow<'a, str>,
    /// The digest, in hexadecimal digits.
    pub response: Cow<'a, str>,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether the key is one of a session (`-sess`).
    pub session: bool,
    /// What is protected; none for a phone of before RFC 2617.
    pub qop: Option<Qop>,
    /// How often the nonce was used; there when `qop` is.
    pub nc: Option<NonceCount>,
    /// The client's nonce; there when `qop` is.
    pub cnonce: Option<Cow<'a, str>>,
    /// The challenge's opaque.
    pub opaque: Option<Cow<'a, str>>,
    others: Others,
}

impl<'a> Credentials<'a> {
    pub(super) fn bare(algorithm: Algorithm, session: bool) -> Self {
        Self {
            username: "".into(),
            userhash: false,
            realm: "".into(),
            nonce: "".into(),
            uri: "".into(),
            response: "".into(),
            algorithm,
            session,
            qop: None,
            nc: None,
            cnonce: None,
            opaque: None,
            others: Others::default(),
        }
    }

    /// Reads the value of a header; an error if it is not Digest or the algorithm not known.
    pub fn read(value: &'a str) -> Result<Self, Malformed> {
        let (name, rest) = split_scheme(value)?;
        if !name.eq_ignore_ascii_case("Digest") {
            return Err(Malformed::new("the credentials are not of the Digest scheme"));
        }
        Self::read_fields(rest)?.ok_or(Malformed::new("the credentials use an unknown algorithm"))
    }

    /// `None` if the algorithm is not known.
    fn read_fields(text: &'a str) -> Result<Option<Self>, Malformed> {
        let mut credentials = Self::bare(Algorithm::Md5, false);
        let [mut username, mut realm, mut nonce, mut uri, mut response] = [const { None }; 5];
        for field in fields(text) {
            let field = field?;
            match () {
                () if field.is("username") => username = Some(field.value),
                () if field.is("username*") => username = Some(read_extended(&field.value)?.into()),
                () if field.is("realm") => realm = Some(field.value),
                () if field.is("nonce") => nonce = Some(field.value),
                () if field.is("uri") => uri = Some(field.value),
                () if field.is("response") => response = Some(field.value),
                () if field.is("algorithm") => match Algorithm::of(trim(&field.value)) {
                    Some((algorithm, session)) => {
                        credentials.algorithm = algorithm;
                        credentials.session = session;
                    }
                    None => return Ok(None),
                },
                () if field.is("qop") => credentials.qop = Some(field.value.parse()?),
                () if field.is("nc") => {
                    credentials.nc = Some(NonceCount::read(trim(&field.value))?);
                }
                () if field.is("cnonce") => credentials.cnonce = Some(field.value),
                () if field.is("opaque") => credentials.opaque = Some(field.value),
                () if field.is("userhash") => credentials.userhash = is_true(&field.value),
                () => credentials.others.keep(&field),
            }
        }
        credentials.username = username.ok_or(Malformed::new("credentials lack their username"))?;
        credentials.realm = realm.ok_or(Malformed::new("credentials lack their realm"))?;
        credentials.nonce = nonce.ok_or(Malformed::new("credentials lack their nonce"))?;
        credentials.uri = uri.ok_or(Malformed::new("credentials lack their uri"))?;
        credentials.response = response.ok_or(Malformed::new("credentials lack their response"))?;
        // RFC 7616 §3.4: qop brings both with it.
        if credentials.qop.is_some() && (credentials.nc.is_none() || credentials.cnonce.is_none()) {
            return Err(Malformed::new("credentials with qop lack nc or cnonce"));
        }
        Ok(Some(credentials))
    }

    /// The same without borrowing.
    pub fn into_owned(self) -> Credentials<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Credentials {
            username: own(self.username),
            userhash: self.userhash,
            realm: own(self.realm),
            nonce: own(self.nonce),
            uri: own(self.uri),
            response: own(self.response),
            algorithm: self.algorithm,
            session: self.session,
            qop: self.qop,
            nc: self.nc,
            cnonce: self.cnonce.map(own),
            opaque: self.opaque.map(own),
            others: self.others,
        }
    }

    /// The value of a parameter that this type has no field for.
    pub fn other(&self, name: &str) -> Option<&str> {
        self.others.get(name)
    }

    /// Whether whoever wrote these knows the secret. `request.uri` is not consulted: the digest is
    /// over the URI in the credentials, which need not be the request line's (RFC 8760 §2.6).
    /// Takes the same time wherever the digests differ.
    pub fn is_answered_with(&self, secret: &Ha1, request: &Request<'_>) -> bool {
        secret.algorithm() == self.algorithm && self.digest(secret, request).matches(&self.response)
    }

    /// The `rspauth` that proves to these credentials' writer that we know the secret too
    /// (RFC 7616 §3.5); `body` is that of the response.
    pub fn response_auth(&self, secret: &Ha1, body: &[u8]) -> super::Hex {
        self.digest(secret, &Request { method: "", uri: "", body })
    }

    fn digest(&self, secret: &Ha1, request: &Request<'_>) -> super::Hex {
        let cnonce = self.cnonce.as_deref().unwrap_or("");
        let key = if self.session { secret.of_session(&self.nonce, cnonce) } else { *secret };
        let protection = match (self.qop, &self.nc) {
            (Some(qop), Some(nc)) => Some(Protection { qop, nc: nc.as_str(), cnonce }),
            _ => None,
        };
        key.respond(&self.nonce, protection, &Request { uri: &self.uri, ..*request })
    }
}

/// `UTF-8''J%C3%A4s%C3%B8n` (RFC 7616 §3.4, RFC 5987).
fn read_extended(text: &str) -> Result<String, Malformed> {
    let mut parts = text.splitn(3, '\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(value)) if charset.eq_ignore_ascii_case("UTF-8") => {
            Ok(uri::unescape(value).into_owned())
        }
        _ => Err(Malformed::new("username* is not in UTF-8")),
    }
}

impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest ")?;
        let mut list = List::new(f);
        list.quoted("username", &self.username)?;
        list.quoted("realm", &self.realm)?;
        list.quoted("nonce", &self.nonce)?;
        list.quoted("uri", &self.uri)?;
        list.quoted("response", &self.response)?;
        let sess = if self.session { "-sess" } else { "" };
        list.plain("algorithm", format_args!("{}{sess}", self.algorithm.as_str()))?;
        if let Some(cnonce) = &self.cnonce {
            list.quoted("cnonce", cnonce)?;
        }
        if let Some(qop) = self.qop {
            list.plain("qop", qop)?;
        }
        if let Some(nc) = &self.nc {
            list.plain("nc", nc.as_str())?;
        }
        if let Some(opaque) = &self.opaque {
            list.quoted("opaque", opaque)?;
        }
        if self.userhash {
            list.plain("userhash", "true")?;
        }
        self.others.print(&mut list)
    }
}

macro_rules! credential_headers {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            /// Credentials that we can check.
            Digest(Box<Credentials<'static>>),
            /// Credentials that we cannot.
            Other(Scheme),
        }

        impl $type {
            /// The credentials, if we can check them.
            pub fn digest(&self) -> Option<&Credentials<'static>> {
                match self {
                    Self::Digest(credentials) => Some(credentials),
                    Self::Other(_) => None,
                }
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                let (name, rest) = split_scheme(value)?;
                if name.eq_ignore_ascii_case("Digest")
                    && let Some(credentials) = Credentials::read_fields(rest)?
                {
                    return Ok(Self::Digest(Box::new(credentials.into_owned())));
                }
                Scheme::read(name, rest).map(Self::Other)
            }
        }

        impl From<Credentials<'static>> for $type {
            fn from(credentials: Credentials<'static>) -> Self {
                Self::Digest(Box::new(credentials))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Digest(credentials) => credentials.fmt(f),
                    Self::Other(scheme) => scheme.fmt(f),
                }
            }
        }
    )*};
}

credential_headers! {
    /// An answer to `WWW-Authenticate`.
    Authorization, AUTHORIZATION;
    /// An answer to `Proxy-Authenticate`.
    ProxyAuthorization, PROXY_AUTHORIZATION;
}

#[cfg(test)]
mod tests {
    use super::super::Challenge;
    use super::*;
    use proptest::prelude::*;

    const GET: Request<'static> = Request { method: "GET", uri: "", body: b"" };

    /// RFC 7616 §3.9.1.
    #[test]
    fn example_with_sha_256_and_md5() {
        let sent = |algorithm: &str, response: &str| {
            format!(
                "Digest username=\"Mufasa\",\r\n       realm=\"http-auth@example.org\",\r\n       uri=\"/dir/index.html\",\r\n       \
                 algorithm={algorithm},\r\n       nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\",\r\n       \
                 nc=00000001,\r\n       cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\",\r\n       qop=auth,\r\n       \
                 response=\"{response}\",\r\n       opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let text = sent(algorithm.as_str(), response);
            let credentials = Credentials::read(&text).unwrap();
            let secret = Ha1::new(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            assert!(credentials.is_answered_with(&secret, &GET));
            let other = Ha1::new(algorithm, "Mufasa", "http-auth@example.org", "Circle Of Life");
            assert!(!credentials.is_answered_with(&other, &GET));
        }
    }

    /// RFC 7616 §3.9.2 as corrected by its erratum.
    #[test]
    fn example_with_sha_512_256_and_userhash() {
        let rest = "realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, \
            nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, \
            cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", qop=auth, \
            response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\", \
            opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\"";
        let name = "J\u{e4}s\u{f8}n Doe";
        let secret = Ha1::new(Algorithm::Sha512_256, name, "api@example.org", "Secret, or not?");
        let hashed = format!(
            "Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", {rest}, userhash=true"
        );
        let hashed = Credentials::read(&hashed).unwrap();
        assert!(hashed.userhash && hashed.is_answered_with(&secret, &GET));
        assert!(Algorithm::Sha512_256.userhash(name, "api@example.org").matches(&hashed.username));
        let plain = format!("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, {rest}, userhash=false");
        let plain = Credentials::read(&plain).unwrap();
        assert_eq!(plain.username, name);
        assert!(plain.is_answered_with(&secret, &GET));
    }

    /// What phones send: algorithm and qop in quotes, nc short, upper-case digits, no qop at all.
    #[test]
    fn what_phones_send() {
        let secret = Ha1::new(Algorithm::Md5, "100", "pbx", "pw");
        let challenge = Challenge::new(Algorithm::Md5, "pbx", "n");
        let request = Request { method: "REGISTER", uri: "sip:pbx", body: b"" };
        let c = challenge.answer("100", &secret, &request, 10, "cn");
        let response = c.response.to_uppercase();
        let text = format!(
            "DIGEST username=\"100\",realm=\"pbx\",nonce=\"n\",uri=\"sip:pbx\",response=\"{response}\",\
             algorithm=\"md5\",qop=\"auth\",nc=0000000A,cnonce=\"cn\""
        );
        let parsed = Credentials::read(&text).unwrap();
        assert_eq!(parsed.nc.unwrap().value(), 10);
        // The case of the count's digits goes into the digest as written.
        assert!(!parsed.is_answered_with(&secret, &request));
        let text = text.replace("0000000A", "0000000a");
        assert!(Credentials::read(&text).unwrap().is_answered_with(&secret, &request));
        let mut old = Challenge::new(Algorithm::Md5, "pbx", "n");
        old.qop.clear();
        let c = old.answer("100", &secret, &request, 1, "cn");
        assert_eq!((c.qop, c.nc, c.cnonce.as_ref()), (None, None, None));
        assert!(Credentials::read(&c.to_string()).unwrap().is_answered_with(&secret, &request));
    }

    #[test]
    fn every_flavour_is_answered_and_checked() {
        for algorithm in Algorithm::ALL {
            for session in [false, true] {
                for qop in [Qop::Auth, Qop::AuthInt] {
                    let secret = Ha1::new(algorithm, "bob", "biloxi.com", "zanzibar");
                    let mut challenge =
                        Challenge::new(algorithm, "biloxi.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093");
                    challenge.qop = vec![qop];
                    challenge.session = session;
                    challenge.opaque = Some("5ccc069c403ebaf9f0171e9517f40e41".into());
                    let request = Request { method: "INVITE", uri: "sip:bob@biloxi.com", body: b"v=0\r\n" };
                    let sent = challenge.answer("bob", &secret, &request, 1, "0a4f113b").to_string();
                    let read = Credentials::read(&sent).unwrap();
                    assert!(read.is_answered_with(&secret, &request), "{sent}");
                    assert!(!read.is_answered_with(&secret, &Request { method: "BYE", ..request }));
                    let changed = Request { body: b"v=1\r\n", ..request };
                    assert_eq!(read.is_answered_with(&secret, &changed), qop == Qop::Auth);
                }
            }
        }
    }

    #[test]
    fn a_secret_of_another_algorithm_never_fits() {
        let secret = Ha1::new(Algorithm::Sha256, "a", "b", "c");
        let challenge = Challenge::new(Algorithm::Sha256, "b", "n");
        let request = Request { method: "REGISTER", uri: "sip:b", body: b"" };
        let sent = challenge.answer("a", &secret, &request, 1, "x");
        assert!(!sent.is_answered_with(&Ha1::new(Algorithm::Md5, "a", "b", "c"), &request));
    }

    #[test]
    fn what_is_refused() {
        let good = "Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\", response=\"e\"";
        assert!(Credentials::read(good).is_ok());
        for part in
            ["username=\"a\", ", "realm=\"b\", ", "nonce=\"c\", ", "uri=\"sip:d\", ", ", response=\"e\""]
        {
            assert!(Credentials::read(&good.replace(part, "")).is_err(), "{part}");
        }
        for extra in [
            "qop=auth",
            "qop=auth,nc=1",
            "qop=auth,cnonce=\"x\"",
            "nc=xyz",
            "nc=123456789",
            "qop=other",
            "username*=latin1''x",
        ] {
            assert!(Credentials::read(&format!("{good}, {extra}")).is_err(), "{extra}");
        }
        assert!(Credentials::read("Basic abc").is_err());
        assert!(matches!(Authorization::parse("Basic abc==").unwrap(), Authorization::Other(_)));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            username in "[^\\pC\\s]{0,8}",
            nc in any::<u32>(),
            cnonce in "[!-~]{1,12}",
            opaque in proptest::option::of("[!-~]{0,9}"),
        ) {
            let secret = Ha1::new(Algorithm::Sha256, &username, "r", "p");
            let mut challenge = Challenge::new(Algorithm::Sha256, "r", "n\"\\");
            challenge.opaque = opaque.map(Into::into);
            let request = Request { method: "REGISTER", uri: "sip:r", body: b"" };
            let header = Authorization::from(challenge.answer(&username, &secret, &request, nc, &cnonce));
            let again = Authorization::parse(&header.to_string()).unwrap();
            prop_assert!(again.digest().unwrap().is_answered_with(&secret, &request));
            prop_assert_eq!(again, header);
        }

        #[test]
        fn nothing_panics(text in "(Digest )?[ -~]{0,40}") {
            let _ = Authorization::parse(&text);
        }
    }
}
