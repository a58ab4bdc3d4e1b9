//! `Accept`, `Accept-Encoding` and `Accept-Language` (RFC 3261 §20.1 to §20.3).

use std::fmt;
use std::str::FromStr;

use super::content::MediaType;
use super::lists::item_lists;
use super::{Coding, LanguageTag, Quality};
use crate::Malformed;
use crate::grammar::trim;
use crate::params::Params;

/// A media type or a range of them: `application/sdp`, `text/*`, `*/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange {
    /// The type; `*` where any will do. Its parameters are the media type's.
    pub media_type: MediaType,
    /// How much it is preferred.
    pub q: Option<Quality>,
}

impl MediaRange {
    /// Whether a type of body falls within it, parameters aside.
    pub fn covers(&self, kind: &str, subtype: &str) -> bool {
        let fits = |range: &str, one: &str| range == "*" || range.eq_ignore_ascii_case(one);
        fits(&self.media_type.kind, kind)
            && fits(&self.media_type.subtype, subtype)
            && self.q != Some(Quality::ZERO)
    }
}

impl FromStr for MediaRange {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (media_type, mut params) = MediaType::split(text)?;
        let q = params.take("q")?;
        Ok(Self { media_type: MediaType { params, ..media_type }, q })
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.media_type)?;
        write_q(f, self.q)
    }
}

fn write_q(f: &mut fmt::Formatter<'_>, q: Option<Quality>) -> fmt::Result {
    match q {
        Some(q) => write!(f, ";q={q}"),
        None => Ok(()),
    }
}

macro_rules! preferred {
    ($($(#[$doc:meta])* $type:ident($item:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type {
            /// Which; none stands for `*`, any.
            pub item: Option<$item>,
            /// How much it is preferred.
            pub q: Option<Quality>,
            /// All other parameters.
            pub params: Params,
        }

        impl FromStr for $type {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let (item, mut params) = Params::split(text)?;
                let item = if trim(item) == "*" { None } else { Some(item.parse()?) };
                Ok(Self { item, q: params.take("q")?, params })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.item.as_ref().map_or("*", |item| item.as_str()))?;
                write_q(f, self.q)?;
                write!(f, "{}", self.params)
            }
        }
    )*};
}

preferred! {
    /// A coding and how much it is preferred.
    AcceptedCoding(Coding);
    /// A language and how much it is preferred.
    AcceptedLanguage(LanguageTag);
}

item_lists! {
    /// What bodies the sender takes. Without the header it is SDP; an empty one means none.
    Accept(MediaRange), ACCEPT;
    /// What codings the sender takes.
    AcceptEncoding(AcceptedCoding), ACCEPT_ENCODING;
    /// What languages the sender's user reads.
    AcceptLanguage(AcceptedLanguage), ACCEPT_LANGUAGE;
}

impl Accept {
    /// Whether a type of body is taken.
    pub fn covers(&self, kind: &str, subtype: &str) -> bool {
        self.0.iter().any(|range| range.covers(kind, subtype))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Header;

    /// RFC 3261 §20.1 to §20.3.
    #[test]
    fn examples_of_the_standard() {
        let accept =
            Accept::parse("application/sdp;level=1, application/x-private, text/html;q=0.5").unwrap();
        assert!(accept.covers("application", "SDP") && !accept.covers("text", "plain"));
        assert_eq!(accept.to_string(), "application/sdp;level=1, application/x-private, text/html;q=0.5");
        assert!(Accept::parse("text/*").unwrap().covers("text", "plain"));
        assert!(Accept::parse("*/*").unwrap().covers("a", "b"));
        assert!(!Accept::parse("*/*;q=0").unwrap().covers("a", "b"));
        assert!(!Accept::parse("").unwrap().covers("application", "sdp"));
        let coding = AcceptEncoding::parse("gzip, *;q=0").unwrap();
        assert_eq!(coding.0[0].item.as_ref().unwrap(), "gzip");
        assert_eq!(coding.0[1].item, None);
        let language = AcceptLanguage::parse("da, en-gb;q=0.8, en;q=0.7").unwrap();
        assert_eq!(language.to_string(), "da, en-gb;q=0.8, en;q=0.7");
        assert!(Accept::parse("x").is_err());
        assert!(AcceptLanguage::parse("da;q=7").is_err());
    }
}
