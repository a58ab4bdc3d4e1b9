//! `Contact` (RFC 3261 §20.10; RFC 3840, 5626, 5627): where to reach one directly.

use std::borrow::Cow;
use std::fmt;

use super::{Header, NameAddr, NameAddrRef, Quality};
use crate::grammar::{self, Quoted};
use crate::params::Params;
use crate::uri::Uri;
use crate::{Malformed, Name};

/// One Contact value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// `*`: all bindings, in a REGISTER that removes them (§10.2.2).
    All,
    /// An address.
    At(Box<ContactAddr>),
}

/// A Contact's address and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactAddr {
    /// The name and address.
    pub addr: NameAddr,
    /// How much this one is preferred to others.
    pub q: Option<Quality>,
    /// For how many seconds the binding is to last.
    pub expires: Option<u32>,
    /// `+sip.instance`: which device this is, a URN (RFC 5626 §4.1), without `<>`.
    pub instance: Option<Box<str>>,
    /// `reg-id`: which of the device's flows (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
    /// `pub-gruu`, in a response to REGISTER (RFC 5627 §5.2).
    pub pub_gruu: Option<Uri>,
    /// `temp-gruu`, in a response to REGISTER (RFC 5627 §5.2).
    pub temp_gruu: Option<Uri>,
    /// All others: feature tags (RFC 3840) among them.
    pub params: Params,
}

/// What a malformed `expires` counts as (§20.10).
const MALFORMED_EXPIRES: u32 = 3600;

impl ContactAddr {
    /// An address and nothing else.
    pub fn new(addr: impl Into<NameAddr>) -> Self {
        Self {
            addr: addr.into(),
            q: None,
            expires: None,
            instance: None,
            reg_id: None,
            pub_gruu: None,
            temp_gruu: None,
            params: Params::new(),
        }
    }

    /// Whether a feature tag is there that a plain parameter may stand for: `audio`, `isfocus`
    /// (RFC 3840 §9) or `+sip.rendering="no"` (RFC 4235 §5.2), whose value is given back.
    pub fn feature(&self, tag: &str) -> Option<Box<str>> {
        let param = self.params.view().find(tag)?;
        Some(param.unquoted().into())
    }
}

/// What a registrar reads of a Contact, borrowed: an address, not `*`. No allocation unless an instance is escaped.
#[derive(Clone, Debug)]
pub struct ContactRef<'a> {
    /// The name and address.
    pub address: NameAddrRef<'a>,
    /// How much this one is preferred to others.
    pub q: Option<Quality>,
    /// For how many seconds the binding is to last.
    pub expires: Option<u32>,
    /// `+sip.instance`, without `<>` (RFC 5626 §4.1).
    pub instance: Option<Cow<'a, str>>,
    /// `reg-id` (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
}

impl<'a> ContactRef<'a> {
    /// Reads one Contact value. The URI is checked when it is asked for.
    pub fn parse(value: &'a str) -> Result<Self, Malformed> {
        let address = NameAddrRef::parse(value)?;
        let mut contact = Self { address, q: None, expires: None, instance: None, reg_id: None };
        for param in address.params().iter() {
            let text = param.unquoted();
            if param.is("expires") {
                contact.expires = Some(grammar::delta_seconds(&text, "").unwrap_or(MALFORMED_EXPIRES));
            } else if param.is("q") {
                contact.q = Some(text.parse()?);
            } else if param.is("reg-id") {
                contact.reg_id = Some(grammar::number(&text, "reg-id is no number")?);
            } else if param.is("+sip.instance") {
                contact.instance = Some(match text {
                    Cow::Borrowed(text) => Cow::Borrowed(without_brackets(text)),
                    Cow::Owned(text) => Cow::Owned(without_brackets(&text).to_owned()),
                });
            }
        }
        Ok(contact)
    }
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text)
}

impl Header for Contact {
    const NAME: Name = Name::CONTACT;

    fn parse(value: &str) -> Result<Self, Malformed> {
        if grammar::trim(value) == "*" {
            return Ok(Self::All);
        }
        let (addr, mut params) = NameAddr::parse_with_params(value)?;
        let q = params.take("q")?;
        let expires = params
            .take_text("expires")
            .map(|text| grammar::delta_seconds(&text, "").unwrap_or(MALFORMED_EXPIRES));
        let instance = params.take_text("+sip.instance").map(|text| without_brackets(&text).into());
        let reg_id = params
            .take_text("reg-id")
            .map(|text| grammar::number(&text, "reg-id is no number"))
            .transpose()?;
        Ok(Self::At(Box::new(ContactAddr {
            addr,
            q,
            expires,
            instance,
            reg_id,
            // RFC 5627 §5.1: a registrar ignores them whatever they say, so that none may spoil the rest.
            pub_gruu: params.take("pub-gruu").unwrap_or_default(),
            temp_gruu: params.take("temp-gruu").unwrap_or_default(),
            params,
        })))
    }
}

impl From<ContactAddr> for Contact {
    fn from(addr: ContactAddr) -> Self {
        Self::At(Box::new(addr))
    }
}

impl Contact {
    /// The address, unless it is `*`.
    pub fn addr(&self) -> Option<&ContactAddr> {
        match self {
            Self::All => None,
            Self::At(addr) => Some(addr),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::At(addr) => addr.fmt(f),
        }
    }
}

impl fmt::Display for ContactAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)?;
        if let Some(q) = self.q {
            write!(f, ";q={q}")?;
        }
        if let Some(instance) = &self.instance {
            write!(f, ";+sip.instance={}", Quoted(&format!("<{instance}>")))?;
        }
        if let Some(reg_id) = self.reg_id {
            write!(f, ";reg-id={reg_id}")?;
        }
        if let Some(uri) = &self.pub_gruu {
            write!(f, ";pub-gruu={}", Quoted(&uri.to_string()))?;
        }
        if let Some(uri) = &self.temp_gruu {
            write!(f, ";temp-gruu={}", Quoted(&uri.to_string()))?;
        }
        write!(f, "{}", self.params)?;
        match self.expires {
            Some(expires) => write!(f, ";expires={expires}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::name_addr::tests::any_name_addr;
    use super::*;
    use proptest::prelude::*;

    fn addr(value: &str) -> ContactAddr {
        match Contact::parse(value).unwrap() {
            Contact::At(addr) => *addr,
            Contact::All => panic!("an address was expected"),
        }
    }

    /// RFC 3261 §20.10.
    #[test]
    fn examples_of_the_standard() {
        let contact =
            addr("\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com>\r\n ;q=0.7; expires=3600");
        assert_eq!((contact.q.unwrap().thousandths(), contact.expires), (700, Some(3600)));
        let contact = addr("\"Mr. Watson\" <mailto:watson@bell-telephone.com> ;q=0.1");
        assert_eq!(contact.addr.uri.to_string(), "mailto:watson@bell-telephone.com");
        assert_eq!(Contact::parse(" * ").unwrap(), Contact::All);
        assert!(Contact::parse("*;x=1").is_err());
    }

    /// RFC 5626 §4.2.1 and RFC 5627 §9.
    #[test]
    fn outbound_and_gruu() {
        let contact = addr(
            "<sip:line1@192.0.2.2;transport=tcp>; reg-id=1;\r\n  ;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
        );
        assert_eq!(contact.reg_id, Some(1));
        assert_eq!(contact.instance.as_deref(), Some("urn:uuid:00000000-0000-1000-8000-000A95A0E128"));
        let contact = addr(
            "<sip:callee@192.0.2.1>;pub-gruu=\"sip:callee@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\";temp-gruu=\"sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@example.com;gr\";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";expires=3600",
        );
        assert_eq!(
            contact.pub_gruu.as_ref().unwrap().as_sip().unwrap().gruu().unwrap(),
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
        assert_eq!(contact.temp_gruu.as_ref().unwrap().as_sip().unwrap().gruu().unwrap(), "");
        assert_eq!(Contact::parse(&contact.to_string()).unwrap(), contact.into());
        let contact = addr("<sip:callee@192.0.2.1>;pub-gruu=\"no uri\";temp-gruu;expires=5");
        assert_eq!((contact.pub_gruu, contact.temp_gruu, contact.expires), (None, None, Some(5)));
    }

    #[test]
    fn features() {
        let contact = addr("<sip:conf@example.com>;isfocus;+sip.rendering=\"no\";audio");
        assert_eq!(contact.feature("isfocus").as_deref(), Some(""));
        assert_eq!(contact.feature("+sip.rendering").as_deref(), Some("no"));
        assert_eq!(contact.feature("video"), None);
    }

    /// RFC 3261 §20.10: an `expires` that is no number counts as an hour; RFC 4475 §3.1.1.1 has one
    /// too large for 32 bits.
    #[test]
    fn malformed_expiry() {
        assert_eq!(addr("<sip:a@b>;expires=soon").expires, Some(3600));
        assert_eq!(addr("<sip:a@b>;expires=1000000000000000").expires, Some(u32::MAX));
        assert!(Contact::parse("<sip:a@b>;q=2").is_err());
        assert!(Contact::parse("<sip:a@b>;reg-id=x").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            name_addr in any_name_addr(),
            q in proptest::option::of(0..=1000u16),
            expires in any::<Option<u32>>(),
            instance in proptest::option::of("urn:uuid:[0-9a-f-]{1,20}"),
            reg_id in any::<Option<u32>>(),
            gruu in proptest::option::of(crate::uri::tests::any_uri()),
        ) {
            let mut contact = ContactAddr::new(name_addr);
            contact.q = q.map(Quality::from_thousandths);
            contact.expires = expires;
            contact.instance = instance.map(Into::into);
            contact.reg_id = reg_id;
            contact.pub_gruu = gruu.clone();
            contact.temp_gruu = gruu;
            let contact = Contact::from(contact);
            prop_assert_eq!(Contact::parse(&contact.to_string()).unwrap(), contact);
        }
    }
}
