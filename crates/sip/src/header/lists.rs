//! Headers that are lists of tokens: option tags, methods, event packages, codings.
//!
//! One value per line or many make no difference: collect the values of all lines into one.

use super::identifier::token_type;
use super::{EventType, MethodToken};
use crate::Method;

token_type! {
    /// The name of an extension (RFC 3261 §19.2): `100rel`, `replaces`, `gruu`. Case does not count.
    OptionTag, "an option tag is no token"
}

token_type! {
    /// A coding such as `gzip` (RFC 3261 §20.12).
    Coding, "a content coding is no token"
}

token_type! {
    /// A language such as `en-GB` (RFC 3261 §20.13).
    LanguageTag, "a language is no token"
}

/// Headers that are lists of a type that reads and prints itself.
macro_rules! item_lists {
    ($($(#[$doc:meta])* $type:ident($item:ty), $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Default)]
        pub struct $type(
            /// In the order written.
            pub Vec<$item>,
        );

        impl $type {
            /// Whether it names nothing.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl $crate::Header for $type {
            const NAME: $crate::Name = $crate::Name::$name;

            fn parse(value: &str) -> Result<Self, $crate::Malformed> {
                let items = $crate::grammar::comma_list(value).map(str::parse);
                items.collect::<Result<_, _>>().map(Self)
            }
        }

        /// All values of all lines in one.
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

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::grammar::write_list(f, &self.0)
            }
        }
    )*};
}
pub(super) use item_lists;

/// The same for tokens without case.
macro_rules! token_lists {
    ($($(#[$doc:meta])* $type:ident($item:ty), $name:ident;)*) => {$(
        item_lists! { $(#[$doc])* $type($item), $name; }

        impl Eq for $type {}

        impl $type {
            /// Whether it names this one, case aside.
            pub fn contains(&self, wanted: &str) -> bool {
                self.0.iter().any(|item| item.as_str().eq_ignore_ascii_case(wanted))
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
    /// Event packages that the sender knows (RFC 6665 §8.2.2).
    AllowEvents(EventType), ALLOW_EVENTS;
    /// What was done to the body, in order (§20.12).
    ContentEncoding(Coding), CONTENT_ENCODING;
    /// For readers of which languages the body is (§20.13).
    ContentLanguage(LanguageTag), CONTENT_LANGUAGE;
}

item_lists! {
    /// Methods that the sender takes (§20.5).
    Allow(MethodToken), ALLOW;
}

impl Eq for Allow {}

impl Allow {
    /// Whether it names that method.
    pub fn contains(&self, method: Method) -> bool {
        self.0.iter().any(|token| *token == method)
    }
}

impl FromIterator<Method> for Allow {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        Self(methods.into_iter().map(MethodToken::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Header;

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
        assert_eq!([Method::Invite, Method::Bye].into_iter().collect::<Allow>().to_string(), "INVITE, BYE");
    }
}
