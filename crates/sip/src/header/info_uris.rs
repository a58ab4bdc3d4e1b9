//! `Alert-Info`, `Call-Info` and `Error-Info` (RFC 3261 §20.4, §20.9, §20.18): where to find more.

use std::fmt;

use super::{Header, NameAddrRef};
use crate::params::Params;
use crate::uri::Uri;
use crate::{Malformed, Name};

macro_rules! info_uris {
    ($($(#[$doc:meta])* $type:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type {
            /// Where.
            pub uri: Uri,
            /// All parameters.
            pub params: Params,
        }

        impl $type {
            /// A place without parameters.
            pub fn new(uri: impl Into<Uri>) -> Self {
                Self { uri: uri.into(), params: Params::new() }
            }
        }

        impl Header for $type {
            const NAME: Name = Name::$name;

            /// The URI must stand in `<>`; without them it is taken all the same.
            fn parse(value: &str) -> Result<Self, Malformed> {
                let borrowed = NameAddrRef::parse(value)?;
                Ok(Self {
                    uri: Uri::parse(borrowed.uri_text())?,
                    params: Params::parse(borrowed.params().as_str())?,
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "<{}>{}", self.uri, self.params)
            }
        }
    )*};
}

info_uris! {
    /// What to ring with; `urn:alert:` names a manner (RFC 7462).
    AlertInfo, ALERT_INFO;
    /// More about the caller or the called.
    CallInfo, CALL_INFO;
    /// More about the error.
    ErrorInfo, ERROR_INFO;
}

impl CallInfo {
    /// `icon`, `info`, `card` or another token.
    pub fn purpose(&self) -> Option<&str> {
        self.params.get("purpose")
    }

    /// Seconds until an automatic answer, as `answer-after` of many phones.
    pub fn answer_after(&self) -> Option<u32> {
        self.params.get("answer-after")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3261 §20.4, §20.9, §20.18.
    #[test]
    fn examples_of_the_standard() {
        let alert = AlertInfo::parse("<http://www.example.com/sounds/moo.wav>").unwrap();
        assert_eq!(alert.to_string(), "<http://www.example.com/sounds/moo.wav>");
        let info = CallInfo::parse("<http://wwww.example.com/alice/photo.jpg> ;purpose=icon").unwrap();
        assert_eq!(info.purpose(), Some("icon"));
        let error = ErrorInfo::parse("<sip:not-in-service-recording@atlanta.com>").unwrap();
        assert!(error.uri.as_sip().is_some());
        assert!(CallInfo::parse("<>").is_err());
        assert_eq!(CallInfo::parse("<sip:pbx>;answer-after=0").unwrap().answer_after(), Some(0));
    }
}
