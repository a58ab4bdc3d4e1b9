//! `Request-Disposition` (RFC 3841 §9.1): how the caller wants proxies to treat the request.

use std::fmt;
use std::str::FromStr;

use super::lists::item_lists;
use crate::Malformed;
use crate::grammar::trim;

macro_rules! directives {
    ($($(#[$doc:meta])* $variant:ident = $token:literal,)*) => {
        /// One wish; the set is closed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Directive {
            $($(#[$doc])* $variant,)*
        }

        impl Directive {
            /// The token.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $token,)*
                }
            }
        }

        impl FromStr for Directive {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let text = trim(text);
                $(if text.eq_ignore_ascii_case($token) {
                    return Ok(Self::$variant);
                })*
                Err(Malformed::new("a directive of Request-Disposition is none of those there are"))
            }
        }
    };
}

directives! {
    /// Forward the request.
    Proxy = "proxy",
    /// Answer with the contacts.
    Redirect = "redirect",
    /// Cancel the other branches when one is answered.
    Cancel = "cancel",
    /// Let the other branches be.
    NoCancel = "no-cancel",
    /// Try several contacts.
    Fork = "fork",
    /// Try the best contact only.
    NoFork = "no-fork",
    /// Follow redirections.
    Recurse = "recurse",
    /// Hand redirections back.
    NoRecurse = "no-recurse",
    /// Try the contacts at the same time.
    Parallel = "parallel",
    /// Try the contacts one after the other.
    Sequential = "sequential",
    /// Wait if the called is busy.
    Queue = "queue",
    /// Do not wait.
    NoQueue = "no-queue",
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

item_lists! {
    /// The caller's wishes.
    RequestDisposition(Directive), REQUEST_DISPOSITION;
}

impl Eq for RequestDisposition {}

impl RequestDisposition {
    /// Whether that is wished.
    pub fn wishes(&self, directive: Directive) -> bool {
        self.0.contains(&directive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Header;

    /// RFC 3841 §9.1.
    #[test]
    fn example_of_the_standard() {
        let wishes = RequestDisposition::parse("proxy, Recurse, parallel").unwrap();
        assert!(wishes.wishes(Directive::Recurse) && !wishes.wishes(Directive::NoFork));
        assert_eq!(wishes.to_string(), "proxy, recurse, parallel");
        assert!(RequestDisposition::parse("proxy, hurry").is_err());
    }
}
