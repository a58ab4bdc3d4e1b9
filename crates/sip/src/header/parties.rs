//! `From`, `To` and `Reply-To` (RFC 3261 §20.20, §20.39, §20.31): who speaks to whom.

use std::fmt;

use super::{Header, NameAddr, Tag};
use crate::params::Params;
use crate::{Malformed, Name};

macro_rules! tagged_party {
    ($(#[$doc:meta])* $type:ident, $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type {
            /// The name and address.
            pub addr: NameAddr,
            /// This side's part of the dialog identifier.
            pub tag: Option<Tag>,
            /// All other parameters.
            pub params: Params,
        }

        impl $type {
            /// An address with a tag or without.
            pub const fn new(addr: NameAddr, tag: Option<Tag>) -> Self {
                Self { addr, tag, params: Params::new() }
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            /// A tag may be there once; twice is an error.
            fn parse(value: &str) -> Result<Self, Malformed> {
                let (addr, mut params) = NameAddr::parse_with_params(value)?;
                let tag = params.take("tag")?;
                Ok(Self { addr, tag, params })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.addr.fmt(f)?;
                if let Some(tag) = &self.tag {
                    write!(f, ";tag={tag}")?;
                }
                write!(f, "{}", self.params)
            }
        }
    };
}

tagged_party! {
    /// The one who sent the request.
    From, FROM
}

tagged_party! {
    /// The one for whom the request was meant at first.
    To, TO
}

macro_rules! addresses {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type {
            /// The name and address.
            pub addr: NameAddr,
            /// The header's own parameters.
            pub params: Params,
        }

        impl $type {
            /// An address without parameters of the header.
            pub fn new(addr: impl Into<NameAddr>) -> Self {
                Self { addr: addr.into(), params: Params::new() }
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                let (addr, params) = NameAddr::parse_with_params(value)?;
                Ok(Self { addr, params })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.addr, self.params)
            }
        }
    )*};
}
pub(super) use addresses;

addresses! {
    /// Where to call back, which may not be the From.
    ReplyTo, REPLY_TO;
}

#[cfg(test)]
mod tests {
    use super::super::name_addr::tests::any_name_addr;
    use super::*;
    use proptest::prelude::*;

    /// RFC 3261 §20.20 and §20.39.
    #[test]
    fn examples_of_the_standard() {
        let from = From::parse("\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s").unwrap();
        assert_eq!(from.addr.display.as_deref(), Some("A. G. Bell"));
        assert_eq!(from.tag.unwrap(), "a48s");
        let to = To::parse("The Operator <sip:operator@cs.columbia.edu>;tag=287447").unwrap();
        assert_eq!(to.to_string(), "\"The Operator\" <sip:operator@cs.columbia.edu>;tag=287447");
        let to = To::parse("sip:+12125551212@server.phone2net.com").unwrap();
        assert_eq!(to.tag, None);
        let reply = ReplyTo::parse("Bob <sip:bob@biloxi.com>").unwrap();
        assert_eq!(reply.to_string(), "\"Bob\" <sip:bob@biloxi.com>");
    }

    #[test]
    fn two_tags_are_one_too_many() {
        assert!(From::parse("<sip:a@b>;tag=1;tag=2").is_err());
        assert!(From::parse("<sip:a@b>;tag").is_err());
        assert!(From::parse("<sip:a@b>;tag=").is_err());
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        let from = From::parse("<sip:a@b>;x=\"y z\";tag=1;flag").unwrap();
        assert_eq!(from.to_string(), "<sip:a@b>;tag=1;x=\"y z\";flag");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(addr in any_name_addr(), tag in proptest::option::of("[a-z0-9]{1,8}")) {
            let from = From::new(addr.clone(), tag.as_deref().map(|tag| Tag::new(tag).unwrap()));
            prop_assert_eq!(From::parse(&from.to_string()).unwrap(), from);
            let reply = ReplyTo::new(addr);
            prop_assert_eq!(ReplyTo::parse(&reply.to_string()).unwrap(), reply);
        }
    }
}
