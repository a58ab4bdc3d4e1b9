//! `Refer-To`, `Refer-Sub` and `Referred-By` (RFC 3515, RFC 4488, RFC 3892): who asks to contact whom.

use std::borrow::Cow;
use std::fmt;

use super::{Header, NameAddr, Replaces};
use crate::grammar::{Quoted, find_outside, trim};
use crate::params::Params;
use crate::uri::Uri;
use crate::{Malformed, Name};

/// Whom the recipient is asked to contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// The address, with the headers that the new request shall carry.
    pub addr: NameAddr,
    /// The header's own parameters.
    pub params: Params,
}

impl ReferTo {
    /// An address.
    pub fn new(addr: impl Into<NameAddr>) -> Self {
        Self { addr: addr.into(), params: Params::new() }
    }

    /// The method of the new request, if one is named (RFC 3515 §2.1); else it is INVITE.
    pub fn method(&self) -> Option<Cow<'_, str>> {
        self.addr.uri.as_sip()?.params.get("method")
    }

    /// The dialog that the new INVITE shall take over, in an attended transfer.
    pub fn replaces(&self) -> Option<Result<Replaces, Malformed>> {
        let text = self.addr.uri.as_sip()?.headers.get("Replaces")?;
        Some(Replaces::parse(&text))
    }
}

impl Header for ReferTo {
    const NAME: Name = Name::REFER_TO;

    /// A URI with headers must stand in `<>`. Some transferors forget it, and nothing else can be
    /// meant in this header, so it is taken for the whole URI.
    fn parse(value: &str) -> Result<Self, Malformed> {
        if find_outside(value, b"<", false).is_none() && value.contains('?') {
            return Ok(Self::new(Uri::parse(trim(value))?));
        }
        let (addr, params) = NameAddr::parse_with_params(value)?;
        Ok(Self { addr, params })
    }
}

impl fmt::Display for ReferTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.addr, self.params)
    }
}

/// Who asked for the new request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferredBy {
    /// The referrer.
    pub addr: NameAddr,
    /// The Content-ID of the body part that proves it, without `<>` (RFC 3892 §3).
    pub cid: Option<Box<str>>,
    /// All other parameters.
    pub params: Params,
}

impl ReferredBy {
    /// A referrer without proof.
    pub fn new(addr: impl Into<NameAddr>) -> Self {
        Self { addr: addr.into(), cid: None, params: Params::new() }
    }
}

impl Header for ReferredBy {
    const NAME: Name = Name::REFERRED_BY;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (addr, mut params) = NameAddr::parse_with_params(value)?;
        Ok(Self { addr, cid: params.take_text("cid"), params })
    }
}

impl fmt::Display for ReferredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        if let Some(cid) = &self.cid {
            write!(f, ";cid={}", Quoted(cid))?;
        }
        write!(f, "{}", self.params)
    }
}

/// Whether REFER is to create a subscription (RFC 4488).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferSub {
    /// False: do not, or it was not.
    pub wanted: bool,
    /// All parameters.
    pub params: Params,
}

impl ReferSub {
    /// `true` or `false`.
    pub const fn new(wanted: bool) -> Self {
        Self { wanted, params: Params::new() }
    }
}

impl Header for ReferSub {
    const NAME: Name = Name::REFER_SUB;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (wanted, params) = Params::split(value)?;
        let wanted = match () {
            () if wanted.eq_ignore_ascii_case("true") => true,
            () if wanted.eq_ignore_ascii_case("false") => false,
            () => return Err(Malformed::new("Refer-Sub is neither true nor false")),
        };
        Ok(Self { wanted, params })
    }
}

impl fmt::Display for ReferSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.wanted, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::super::name_addr::tests::any_name_addr;
    use super::*;
    use proptest::prelude::*;

    /// RFC 3515 §2.1.
    #[test]
    fn examples_of_the_standard() {
        let to = ReferTo::parse("sip:alice@atlanta.example.com").unwrap();
        assert_eq!(to.to_string(), "<sip:alice@atlanta.example.com>");
        let to = ReferTo::parse("<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>").unwrap();
        let replaces = to.replaces().unwrap().unwrap();
        assert_eq!(replaces.call_id, "12345@192.168.118.3");
        assert_eq!((replaces.to_tag.as_str(), replaces.from_tag.as_str()), ("12345", "5FFE-3994"));
        let to = ReferTo::parse("<sip:carol@cleveland.example.org;method=SUBSCRIBE>").unwrap();
        assert_eq!(to.method().unwrap(), "SUBSCRIBE");
        assert_eq!(ReferTo::parse("http://www.ietf.org").unwrap().method(), None);
        let to = ReferTo::parse("<sip:bob@biloxi.example.net?Accept-Contact=sip:bobsdesk.biloxi.example.net&Call-ID%3D55432%40alicepc.atlanta.example.com>").unwrap();
        assert!(to.replaces().is_none());
    }

    #[test]
    fn without_brackets_and_without_escapes() {
        let to = ReferTo::parse("sip:carol@c?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2").unwrap();
        assert!(to.replaces().unwrap().is_ok());
        let to = ReferTo::parse("<sip:carol@c?Replaces=x@y;to-tag=1;from-tag=2>").unwrap();
        assert_eq!(to.replaces().unwrap().unwrap().to_tag, "1");
        let to = ReferTo::parse("<sip:carol@c?Replaces=x>").unwrap();
        assert!(to.replaces().unwrap().is_err());
    }

    /// RFC 3892 §3.
    #[test]
    fn referrers() {
        let by = ReferredBy::parse("sip:r@ref.example;cid=\"2UWQFN309shb3@ref.example\"").unwrap();
        assert_eq!(by.cid.as_deref(), Some("2UWQFN309shb3@ref.example"));
        assert_eq!(by.to_string(), "<sip:r@ref.example>;cid=\"2UWQFN309shb3@ref.example\"");
    }

    /// RFC 4488 §4 and §6.
    #[test]
    fn no_subscription() {
        assert!(!ReferSub::parse("false").unwrap().wanted);
        assert_eq!(ReferSub::parse("TRUE ;x").unwrap().to_string(), "true;x");
        assert!(ReferSub::parse("no").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(addr in any_name_addr(), cid in proptest::option::of("[a-z]{1,5}@[a-z]{1,5}")) {
            let to = ReferTo::new(addr.clone());
            prop_assert_eq!(ReferTo::parse(&to.to_string()).unwrap(), to);
            let mut by = ReferredBy::new(addr);
            by.cid = cid.map(Into::into);
            prop_assert_eq!(ReferredBy::parse(&by.to_string()).unwrap(), by);
        }

        /// However odd the dialog's identifiers, they survive the way into a URI and back.
        #[test]
        fn a_replaces_survives_the_way_into_a_uri_and_back(
            id in "[a-zA-Z0-9.!%*_+`'~()<>:\\\\\"/\\[\\]?{}-]{1,12}(@[a-zA-Z0-9.:?/]{1,9})?",
            to in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
            from in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
        ) {
            let replaces = Replaces::new(id.parse().unwrap(), to.parse().unwrap(), from.parse().unwrap());
            let target = crate::uri::SipUri::new("carol", "c.example".parse::<crate::uri::Host>().unwrap())
                .with_header("Replaces", &replaces);
            let sent = ReferTo::new(Uri::from(target)).to_string();
            prop_assert_eq!(ReferTo::parse(&sent).unwrap().replaces().unwrap().unwrap(), replaces);
        }
    }
}
