//! Headers that are lists of tokens: option tags, methods, event packages, codings.
//!
//! One value per line or many make no difference: collect the values of all lines into one.

use std::fmt;

use super::identifier::token_type;
use super::{Header, MethodToken};
use crate::grammar::{comma_list, write_list};
use crate::{Malformed, Method, Name};

token_type! {
    /// The name of an extension (RFC 3261 §19.2): `100rel`, `replaces`, `gruu`. Case does not count.
    OptionTag, "an option tag is no token"
}

token_type! {
    /// The name of an INFO package (RFC 6086 §7).
    InfoPackageName, "an INFO package is no token"
}

token_type! {
    /// A coding such as `gzip` (RFC 3261 §20.12).
    Coding, "a content coding is no token"
}

token_type! {
    /// A language such as `en-GB` (RFC 3261 §20.13).
    LanguageTag, "a language is no token"
}

macro_rules! token_lists {
    ($($(#[$doc:meta])* $type:ident($item:ty), $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Default)]
        pub struct $type(
            /// In the order written.
            pub Vec<$item>,
        );

        impl $type {
            /// Whether it names this one, case aside.
            pub fn contains(&self, wanted: &str) -> bool {
                self.0.iter().any(|item| item.as_str().eq_ignore_ascii_case(wanted))
            }

            /// Whether it names nothing.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            fn parse(value: &str) -> Result<Self, Malformed> {
                comma_list(value).map(str::parse).collect::<Result<_, _>>().map(Self)
            }
        }

        impl FromIterator<$type> for $type {
            fn from_iter<I: IntoIterator<Item = $type>>(lists: I) -> Self {
                Self(lists.into_iter().flat_map(|list| list.0).collect())
            }
        }

        impl FromIterator<$item> for $type {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                Self(items.into_iter().collect())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_list(f, &self.0)
            }
        }
    )*};
}

token_lists! {
    /// Extensions that the sender knows (§20.37).
    Supported(OptionTag), SUPPORTED;
    /// Extensions that the recipient must know (§20.32).
    Require(OptionTag), REQUIRE;
    /// Extensions that proxies must know (§20.29).
    ProxyRequire(OptionTag), PROXY_REQUIRE;
    /// Extensions that the recipient did not know (§20.40).
    Unsupported(OptionTag), UNSUPPORTED;
    /// INFO packages that the sender will take (RFC 6086 §7.2).
    RecvInfo(InfoPackageName), RECV_INFO;
    /// What was done to the body, in order (§20.12).
    ContentEncoding(Coding), CONTENT_ENCODING;
    /// For readers of which languages the body is (§20.13).
    ContentLanguage(LanguageTag), CONTENT_LANGUAGE;
}

/// Methods that the sender takes (§20.5).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Allow(
    /// In the order written.
    pub Vec<MethodToken>,
);

impl Allow {
    /// Whether it names that method.
    pub fn contains(&self, method: Method) -> bool {
        self.0.iter().any(|token| *token == method)
    }
}

impl Header for Allow {
    const NAME: Name = Name::ALLOW;

    fn parse(value: &str) -> Result<Self, Malformed> {
        comma_list(value)
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FromIterator<Allow> for Allow {
    fn from_iter<I: IntoIterator<Item = Allow>>(lists: I) -> Self {
        Self(lists.into_iter().flat_map(|list| list.0).collect())
    }
}

impl FromIterator<Method> for Allow {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        Self(methods.into_iter().map(MethodToken::from).collect())
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_are_one_list() {
        let all: Supported = ["100rel, Replaces", "", "timer ,,gruu"]
            .into_iter()
            .map(|line| Supported::parse(line).unwrap())
            .collect();
        assert_eq!(all.to_string(), "100rel, Replaces, timer, gruu");
        assert!(all.contains("replaces"));
        assert!(!all.contains("join"));
    }

    #[test]
    fn an_empty_supported_is_a_statement_too() {
        assert!(Supported::parse("").unwrap().is_empty());
        assert!(Supported::parse("a b").is_err());
        assert!(Require::parse("nothing@all").is_err());
    }

    #[test]
    fn allow_has_case() {
        let allow = Allow::parse("INVITE, ACK, invite, NEW").unwrap();
        assert!(allow.contains(Method::Ack));
        assert_eq!(allow.to_string(), "INVITE, ACK, invite, NEW");
        assert_eq!(
            [Method::Invite, Method::Bye]
                .into_iter()
                .collect::<Allow>()
                .to_string(),
            "INVITE, BYE"
        );
    }
}
