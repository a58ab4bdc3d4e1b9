//! `SIP-ETag` and `SIP-If-Match` (RFC 3903 §11.3): which published state is meant.

use std::fmt;

use super::Header;
use super::identifier::token_type;
use crate::{Malformed, Name};

token_type! {
    /// A published state's tag, compared octet by octet.
    EntityTag, "an entity tag is no token"
}

macro_rules! entity_tags {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type(
            /// The state's tag.
            pub EntityTag,
        );

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                EntityTag::new(value).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

entity_tags! {
    /// The tag that the agent gave the state.
    SipEtag, SIP_ETAG;
    /// The state that a PUBLISH refreshes, changes or removes.
    SipIfMatch, SIP_IF_MATCH;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3903 §15.
    #[test]
    fn example_of_the_standard() {
        let tag = SipEtag::parse("dx200xyz").unwrap();
        assert_eq!(SipIfMatch(tag.0).to_string(), "dx200xyz");
        assert!(SipIfMatch::parse("a b").is_err());
    }
}
