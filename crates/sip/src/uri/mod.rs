//! URIs: `sip:`, `sips:` (RFC 3261 §19.1), `tel:` (RFC 3966) and whatever else stands in brackets.
//!
//! [`UriRef`] borrows and costs no allocation; [`Uri`] owns, is built and is printed.

mod compare;
mod escape;
mod host;
mod params;
mod reference;
mod sip;
mod tel;

use std::fmt;
use std::str::FromStr;

pub use escape::{Escape, Place, unescape};
pub use host::{Host, ip};
pub use params::{Pair, UriHeaders, UriHeadersRef, UriParams, UriParamsRef};
pub use reference::{Scheme, UriRef};
pub use sip::SipUri;
pub use tel::TelUri;

pub(crate) use host::split_port;

use crate::Malformed;

/// Any URI. What parses prints back in its own spelling, hosts in lower case.
///
/// Equality is of the parts. The standard's comparison is [`Uri::equivalent`], which is not
/// transitive and so is no `PartialEq`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`
    Sip(Box<SipUri>),
    /// `tel:`
    Tel(TelUri),
    /// Any other, as it is written.
    Other(OtherUri),
}

/// A URI of a scheme that is not ours: `http:`, `urn:`, `im:` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherUri(Box<str>);

impl OtherUri {
    /// The URI as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Uri {
    /// Reads a URI: the whole text, without brackets and white space.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::from_ref(&UriRef::parse(text)?)
    }

    /// The owned form of a borrowed URI.
    pub fn from_ref(uri: &UriRef<'_>) -> Result<Self, Malformed> {
        Ok(match uri.scheme() {
            Scheme::Sip | Scheme::Sips => Self::Sip(Box::new(SipUri::from_ref(uri)?)),
            Scheme::Tel => Self::Tel(TelUri::from_ref(uri)),
            Scheme::Other => Self::Other(OtherUri(uri.as_str().into())),
        })
    }

    /// The SIP or SIPS URI, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other(_) => None,
        }
    }

    /// The SIP or SIPS URI, if it is one, to be changed.
    pub fn as_sip_mut(&mut self) -> Option<&mut SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other(_) => None,
        }
    }

    /// Whether two URIs are equivalent: RFC 3261 §19.1.4, RFC 3966 §4.
    pub fn equivalent(&self, other: &Self) -> bool {
        let (a, b) = (self.to_string(), other.to_string());
        match (UriRef::parse(&a), UriRef::parse(&b)) {
            (Ok(a), Ok(b)) => a.equivalent(&b),
            // What we print parses; see the property below.
            _ => a == b,
        }
    }
}

impl FromStr for Uri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(Box::new(uri))
    }
}

impl From<TelUri> for Uri {
    fn from(uri: TelUri) -> Self {
        Self::Tel(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Other(uri) => f.write_str(uri.as_str()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// URIs of every shape that can be built.
    pub(crate) fn any_uri() -> impl Strategy<Value = Uri> {
        let host = prop_oneof![
            "[a-z][a-z0-9]{0,6}(\\.[a-z]{2,4})?".prop_map(|name| name.parse::<Host>().unwrap()),
            any::<std::net::Ipv4Addr>().prop_map(Host::from),
            any::<std::net::Ipv6Addr>().prop_map(Host::from),
        ];
        let pairs = |names: &'static str| proptest::collection::btree_map(names, any::<String>(), 0..3);
        let sip = (
            (any::<bool>(), proptest::option::of(any::<String>()), host, any::<Option<u16>>()),
            (pairs("[a-z]{1,6}"), pairs("[A-Z][a-z]{1,6}")),
        )
            .prop_map(|((secure, user, host, port), (params, headers))| {
                let mut uri = SipUri::of_host(host).with_port(port);
                uri.secure = secure;
                if let Some(user) = user {
                    uri = uri.with_user(&user);
                }
                for (name, value) in params {
                    uri = uri.with_param(&name, &value);
                }
                for (name, value) in headers {
                    uri = uri.with_header(&name, value);
                }
                Uri::from(uri)
            });
        let tel = "\\+?[0-9][0-9.()-]{0,10}".prop_map(|number| TelUri::new(&number).unwrap().into());
        let other = "urn:[a-z]{1,8}:[a-z0-9-]{1,20}".prop_map(|text| Uri::parse(&text).unwrap());
        prop_oneof![8 => sip, 1 => tel, 1 => other]
    }

    #[test]
    fn what_was_let_through_is_printed_escaped() {
        let uri = Uri::parse("sip:#31#01%2323@B.example").unwrap();
        assert_eq!(uri.to_string(), "sip:%2331%2301%2323@b.example");
        assert_eq!(uri.as_sip().unwrap().user().unwrap(), "#31#01#23");
    }

    #[test]
    fn a_transfer_target_with_replaces() {
        let uri: Uri = "sips:carol@client.example.net?Replaces=090459243588173445%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D763231&Require=replaces".parse().unwrap();
        let sip = uri.as_sip().unwrap();
        assert_eq!(sip.headers.get("replaces").unwrap(), "090459243588173445;to-tag=9m2n3wq;from-tag=763231");
    }

    #[test]
    fn parts_that_have_names() {
        let uri: SipUri = "sip:alice@example.com;gr=urn:uuid:f81d4fae;lr;transport=TCP".parse().unwrap();
        assert_eq!(uri.gruu().unwrap(), "urn:uuid:f81d4fae");
        assert!(uri.is_loose_router());
        assert_eq!(uri.transport().unwrap(), "TCP");
        assert_eq!("sip:x@example.com;gr".parse::<SipUri>().unwrap().gruu().unwrap(), "");
        assert!("tel:+1".parse::<SipUri>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(uri in any_uri()) {
            let text = uri.to_string();
            let again = Uri::parse(&text).unwrap();
            prop_assert_eq!(&again, &uri);
            prop_assert!(again.equivalent(&uri));
            prop_assert_eq!(again.to_string(), text);
        }

        #[test]
        fn the_borrowed_and_the_owned_agree(uri in any_uri()) {
            let text = uri.to_string();
            let borrowed = UriRef::parse(&text).unwrap();
            if let Some(sip) = uri.as_sip() {
                prop_assert_eq!(borrowed.user(), sip.user_escaped());
                prop_assert_eq!(borrowed.host(), sip.host.to_string());
                prop_assert_eq!(borrowed.port(), sip.port);
            }
        }
    }
}
