//! `Privacy` (RFC 3323, RFC 3325 §9.3, RFC 7044 §10.1) and the asserted identities (RFC 3325 §9.1, §9.2).

use std::fmt;

use super::event::token_enum;
use super::parties::addresses;
use super::{Header, NameAddr};
use crate::grammar::trim;
use crate::params::Params;
use crate::{Malformed, Name};

token_enum! {
    /// A kind of privacy.
    PrivacyKind: "a privacy value is no token",
    /// Hide what headers tell of the sender.
    Header = "header",
    /// Hide where the media come from.
    Session = "session",
    /// Hide the user's name.
    User = "user",
    /// None, not even by default.
    None = "none",
    /// Rather refuse the request than not hide it.
    Critical = "critical",
    /// Hide the asserted identity.
    Id = "id",
    /// Hide the way the call took.
    History = "history",
}

/// What the sender wants hidden.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Privacy(
    /// In the order written.
    pub Vec<PrivacyKind>,
);

impl Privacy {
    /// Whether that kind is wanted.
    pub fn wants(&self, kind: &PrivacyKind) -> bool {
        self.0.contains(kind)
    }
}

impl Header for Privacy {
    const NAME: Name = Name::PRIVACY;

    /// Values are divided by `;`; some phones divide them by commas.
    fn parse(value: &str) -> Result<Self, Malformed> {
        let values = value.split([';', ',']).filter(|part| !trim(part).is_empty());
        let kinds = values.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if kinds.is_empty() {
            return Err(Malformed::new("Privacy names nothing"));
        }
        Ok(Self(kinds))
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, kind) in self.0.iter().enumerate() {
            write!(f, "{}{kind}", if n > 0 { ";" } else { "" })?;
        }
        Ok(())
    }
}

addresses! {
    /// Who the caller is, as somebody trusted says.
    PAssertedIdentity, P_ASSERTED_IDENTITY;
    /// Whom the caller wants to be shown as.
    PPreferredIdentity, P_PREFERRED_IDENTITY;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_privacy() {
        let privacy = Privacy::parse("header; Id;x-more").unwrap();
        assert!(privacy.wants(&PrivacyKind::Id));
        assert!(!privacy.wants(&PrivacyKind::None));
        assert_eq!(privacy.to_string(), "header;id;x-more");
        assert_eq!(Privacy::parse("user,critical").unwrap().0.len(), 2);
        assert!(Privacy::parse("").is_err());
        assert!(Privacy::parse("a b").is_err());
    }

    /// RFC 3325 §10.
    #[test]
    fn identities() {
        let sip = PAssertedIdentity::parse("\"Cullen Jennings\" <sip:fluffy@cisco.com>").unwrap();
        assert_eq!(sip.addr.display.as_deref(), Some("Cullen Jennings"));
        let tel = PAssertedIdentity::parse("tel:+14085264000").unwrap();
        assert_eq!(tel.to_string(), "<tel:+14085264000>");
        assert!(PPreferredIdentity::parse("nobody").is_err());
    }
}
