//! What a body is: `Content-Type`, `Content-Disposition`, `MIME-Version`, `Content-ID`
//! (RFC 3261 §20.15, §20.11, §20.24; RFC 8262).

use std::fmt;
use std::str::FromStr;

use super::Header;
use super::event::token_enum;
use crate::grammar::{self, token, trim};
use crate::params::Params;
use crate::{Malformed, Name};

/// A media type with its parameters: `application/sdp`. Types are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The type: `application`.
    pub kind: Box<str>,
    /// The subtype: `sdp`.
    pub subtype: Box<str>,
    /// The parameters, such as `boundary`.
    pub params: Params,
}

impl MediaType {
    /// A media type without parameters.
    ///
    /// # Panics
    /// If one of them is no token: types are ours, never a peer's.
    pub fn new(kind: &str, subtype: &str) -> Self {
        assert!(grammar::is_token(kind) && grammar::is_token(subtype), "a media type is two tokens");
        Self {
            kind: kind.to_ascii_lowercase().into(),
            subtype: subtype.to_ascii_lowercase().into(),
            params: Params::new(),
        }
    }

    /// Whether it is that one, parameters aside; case does not count.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Reads a media type without `;`, and gives back the parameters untouched.
    pub(super) fn split(text: &str) -> Result<(Self, Params), Malformed> {
        const WRONG: &str = "a media type is no type/subtype";
        let (full, params) = Params::split(text)?;
        let (kind, subtype) = full.split_once('/').ok_or(Malformed::new(WRONG))?;
        Ok((Self::new(token(kind, WRONG)?, token(subtype, WRONG)?), params))
    }
}

impl FromStr for MediaType {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (media_type, params) = Self::split(text)?;
        Ok(Self { params, ..media_type })
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

/// The type of the body (§20.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType(
    /// The media type.
    pub MediaType,
);

impl Header for ContentType {
    const NAME: Name = Name::CONTENT_TYPE;

    fn parse(value: &str) -> Result<Self, Malformed> {
        value.parse().map(Self)
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

token_enum! {
    /// What the body is for.
    Disposition: "a disposition is no token",
    /// It describes the session.
    Session = "session",
    /// It is to be shown.
    Render = "render",
    /// It is a picture of the caller.
    Icon = "icon",
    /// It is to be played instead of ringing.
    Alert = "alert",
    /// It belongs to a session that is set up early (RFC 3959).
    EarlySession = "early-session",
    /// It is referred to from elsewhere in the message (RFC 5621 §9.4).
    ByReference = "by-reference",
}

/// What the body is for, and whether it must be understood (§20.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDisposition {
    /// What it is for.
    pub disposition: Disposition,
    /// `handling=required`, which is also what holds without the parameter.
    pub required: bool,
    /// All other parameters.
    pub params: Params,
}

impl Header for ContentDisposition {
    const NAME: Name = Name::CONTENT_DISPOSITION;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (disposition, mut params) = Params::split(value)?;
        let optional = params.get("handling").is_some_and(|h| h.eq_ignore_ascii_case("optional"));
        if optional {
            params.remove("handling");
        }
        Ok(Self { disposition: disposition.parse()?, required: !optional, params })
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.disposition)?;
        if !self.required {
            f.write_str(";handling=optional")?;
        }
        write!(f, "{}", self.params)
    }
}

/// The version of MIME (§20.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MimeVersion {
    /// Before the dot.
    pub major: u32,
    /// After the dot.
    pub minor: u32,
}

impl Header for MimeVersion {
    const NAME: Name = Name::MIME_VERSION;

    fn parse(value: &str) -> Result<Self, Malformed> {
        const WRONG: &str = "MIME-Version is no two numbers with a dot between";
        let (major, minor) = trim(value).split_once('.').ok_or(Malformed::new(WRONG))?;
        Ok(Self { major: grammar::number(major, WRONG)?, minor: grammar::number(minor, WRONG)? })
    }
}

impl fmt::Display for MimeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The name of a body, for others to refer to (RFC 8262, RFC 5621 §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentId(Box<str>);

impl ContentId {
    /// The name, without `<>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Header for ContentId {
    const NAME: Name = Name::CONTENT_ID;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let value = trim(value);
        let id = value.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(value);
        if id.is_empty() || id.bytes().any(|octet| octet <= b' ' || matches!(octet, b'<' | b'>' | 0x7f)) {
            return Err(Malformed::new("a Content-ID is no identifier in <>"));
        }
        Ok(Self(id.into()))
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §20.15 and §20.11.
    #[test]
    fn examples_of_the_standard() {
        let ContentType(sdp) = ContentType::parse("Application / SDP").unwrap();
        assert!(sdp.is("application", "sdp"));
        assert_eq!(sdp.to_string(), "application/sdp");
        let ContentType(html) = ContentType::parse("text/html; charset=ISO-8859-4").unwrap();
        assert_eq!(html.params.get("charset"), Some("ISO-8859-4"));
        let ContentType(mixed) = ContentType::parse("multipart/mixed;boundary=\"a;b c\"").unwrap();
        assert_eq!(mixed.params.unquoted("boundary").unwrap(), "a;b c");
        for bad in ["", "application", "application/", "/sdp", "a b/c", "application/sdp/x"] {
            assert!(ContentType::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn handling_is_required_unless_it_is_optional() {
        let d = ContentDisposition::parse("session").unwrap();
        assert!(d.required && d.disposition == Disposition::Session);
        let d = ContentDisposition::parse("Session;HANDLING=OPTIONAL").unwrap();
        assert!(!d.required);
        assert_eq!(d.to_string(), "session;handling=optional");
        let d = ContentDisposition::parse("attachment; filename=smime.p7s;handling=required").unwrap();
        assert!(d.required);
        assert_eq!(d.to_string(), "attachment;filename=smime.p7s;handling=required");
    }

    #[test]
    fn versions_and_identifiers() {
        assert_eq!(MimeVersion::parse("1.0").unwrap(), MimeVersion { major: 1, minor: 0 });
        assert!(MimeVersion::parse("1").is_err());
        let id = ContentId::parse("<2UWQFN309shb3@ref.example>").unwrap();
        assert_eq!(
            (id.as_str(), id.to_string().as_str()),
            ("2UWQFN309shb3@ref.example", "<2UWQFN309shb3@ref.example>")
        );
        assert!(ContentId::parse("<>").is_err());
    }
}
