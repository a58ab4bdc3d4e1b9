//! `sip:` and `sips:` URIs, owned (RFC 3261 §19.1).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::Host;
use super::escape::{Escape, Place, unescape, write_escaped};
use super::params::{UriHeaders, UriParams};
use super::reference::{Scheme, UriRef};
use crate::Malformed;

/// A `sip:` or `sips:` URI. Equality is of the parts; for the standard's comparison see
/// [`Uri::equivalent`](super::Uri::equivalent).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    /// `sips:` rather than `sip:`.
    pub secure: bool,
    /// The user part, escaped.
    user: Option<Box<str>>,
    /// The password, escaped. Its use is not recommended (§19.1.1).
    password: Option<Box<str>>,
    /// The host.
    pub host: Host,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// What follows the host.
    pub params: UriParams,
    /// The headers that a request formed from this URI shall carry.
    pub headers: UriHeaders,
}

impl SipUri {
    /// `sip:user@host`; the user is plain text and gets escaped.
    pub fn new(user: &str, host: impl Into<Host>) -> Self {
        Self::of_host(host).with_user(user)
    }

    /// `sip:host`, without user.
    pub fn of_host(host: impl Into<Host>) -> Self {
        Self {
            secure: false,
            user: None,
            password: None,
            host: host.into(),
            port: None,
            params: UriParams::new(),
            headers: UriHeaders::new(),
        }
    }

    /// The same with another user, given as plain text.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(Escape(user, Place::User).to_string().into());
        self
    }

    /// The same with another port.
    #[must_use]
    pub const fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// The same with a parameter set, given as plain text.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, value);
        self
    }

    /// The same with a flag set.
    #[must_use]
    pub fn with_flag(mut self, name: &str) -> Self {
        self.params.set_flag(name);
        self
    }

    /// The same with a header added, given as plain text.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The user part, unescaped.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(unescape)
    }

    /// The user part as it is printed.
    pub fn user_escaped(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password, unescaped.
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.password.as_deref().map(unescape)
    }

    /// The `transport` parameter.
    pub fn transport(&self) -> Option<Cow<'_, str>> {
        self.params.get("transport")
    }

    /// Whether the element that this names routes loosely (`lr`, §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.params.has("lr")
    }

    /// The GRUU parameter (RFC 5627 §6.1): `Some("")` for a flag, which marks a temporary one.
    pub fn gruu(&self) -> Option<Cow<'_, str>> {
        self.params.view().find("gr").map(|value| unescape(value.unwrap_or("")))
    }

    pub(super) fn from_ref(uri: &UriRef<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            secure: uri.scheme() == Scheme::Sips,
            user: uri.user().map(|user| keep(user, Place::User)),
            password: uri.password().map(|password| keep(password, Place::Password)),
            host: uri.host().parse()?,
            port: uri.port(),
            params: UriParams::from_written(uri.params()),
            headers: UriHeaders::from_written(uri.headers()),
        })
    }
}

/// Keeps what is written, and escapes what was let through although it should have been.
fn keep(text: &str, place: Place) -> Box<str> {
    let allowed = |octet| place.allows(octet) || octet == b'%';
    if text.bytes().all(allowed) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    // Writing to a String cannot fail.
    let _ = write_escaped(&mut out, text.bytes(), allowed);
    out.into()
}

impl FromStr for SipUri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let uri = UriRef::parse(text)?;
        if uri.is_sip() { Self::from_ref(&uri) } else { Err(Malformed::new("the URI is no SIP URI")) }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)?;
        if !self.headers.is_empty() {
            write!(f, "?{}", self.headers)?;
        }
        Ok(())
    }
}
